"""Compression: what goes in comes out bit for bit, at the length that was promised; damage is told in one sentence."""

import copy
import io
import math
import os
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from vae_course import data
from vae_course.data import pen
from vae_course.models import VAE
from vae_course.objectives import elbo, negative_elbo
from vae_course.studies import compression
from vae_course.studies.compression import CompressionError, ans
from vae_course.studies.compression.stack import Stack
from vae_course.training import fit


def model_of(scale=1.0, *, seed=0, shape=(1, 6, 5), latent_dim=3):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = VAE.mlp(latent_dim, hidden=(8,), shape=shape)
    with torch.no_grad():
        for p in model.parameters():
            p.mul_(scale)
    return model


def images(n, *, share=0.4, seed=0, shape=(1, 6, 5)):
    return (torch.rand(n, *shape, generator=torch.Generator().manual_seed(seed)) < share).float()


@settings(max_examples=25, deadline=None)
@given(
    n=st.integers(1, 40),
    block=st.integers(1, 255),
    precision=st.integers(1, 12),
    scale=st.sampled_from([1e-3, 1.0, 30.0, 1e3]),
    share=st.sampled_from([0.0, 0.02, 0.5, 1.0]),
    shape=st.sampled_from([(1, 1, 1), (1, 6, 5), (2, 3, 4)]),
)
def test_images_come_back_bit_for_bit(n, block, precision, scale, share, shape):
    """Whatever the networks say: with a scale of 1e3 nearly every probability is 0 or 1, and often wrong."""
    model, x = model_of(scale, shape=shape), images(n, share=share, shape=shape)
    message = compression.encode(model, x, block=block, precision=precision)
    decoded = compression.decode(model, message)
    assert decoded.x.numpy().tobytes() == x.numpy().tobytes()
    assert np.array_equal(decoded.initial, compression.initial_words(len(decoded.initial)))


@pytest.fixture(scope="module")
def sent():
    """A trained model, images like those it learned, and their message.

    With an untrained encoder the message would be longer: the bits that it pops are not random then.
    """
    teacher, model = model_of(6.0, seed=3), model_of()
    with torch.no_grad(), torch.random.fork_rng():
        torch.manual_seed(1)
        x = teacher.likelihood(teacher.prior().sample((6000,))).sample()
    fit(model, x[:3000], loss=negative_elbo, epochs=25, batch_size=100, lr=1e-2, device="cpu", progress=False)
    return model, x[3000:], compression.encode(model, x[3000:])


def test_the_length_is_minus_the_elbo(sent):
    model, x, message = sent
    with torch.no_grad():
        bound = elbo(model, x, n_samples=50).elbo
    bits = 8 * len(message) / len(x)
    assert bits == pytest.approx(-bound.mean().item() / math.log(2), rel=0.02)


def test_without_bits_back_the_message_is_longer(sent):
    model, x, message = sent
    assert len(compression.two_part_encode(model, x)) > 1.05 * len(message)


def test_the_same_images_make_the_same_bytes(sent):
    model, x, message = sent
    assert compression.encode(model, x) == message
    assert not np.array_equal(compression.initial_words(9, seed=1), compression.initial_words(9, seed=2))


def test_the_model_is_left_as_it_was(sent):
    model, x, _ = sent
    model.train()
    before = [p.clone() for p in model.parameters()]
    compression.encode(model, x[:5])
    assert model.training and all(p.dtype == torch.float32 for p in model.parameters())
    assert all(torch.equal(p, b) for p, b in zip(model.parameters(), before, strict=True))


@pytest.mark.parametrize("place", [0, 5, 9, 14, 17, 40, -1])
def test_a_changed_byte_is_noticed(sent, place):
    model, _, message = sent
    broken = bytearray(message)
    broken[place] ^= 16
    with pytest.raises(CompressionError, match="The message is damaged|This is no message"):
        compression.decode(model, bytes(broken))


@pytest.mark.parametrize("length", [0, 3, 17, 18, 100, -1])
def test_a_message_that_was_cut_off_is_noticed(sent, length):
    model, _, message = sent
    with pytest.raises(CompressionError, match="The message is damaged|This is no message"):
        compression.decode(model, message[:length])


def test_another_model_is_noticed_and_without_the_check_gives_rubbish(sent):
    model, x, message = sent
    other = copy.deepcopy(model)
    with torch.no_grad():
        other.decoder[-2].bias[0] += 0.05
    with pytest.raises(CompressionError, match="not the images that were sent"):
        compression.decode(other, message)
    rubbish = compression.decode(other, message, verify=False).x
    assert set(rubbish.unique().tolist()) <= {0.0, 1.0}
    assert len(rubbish) < len(x) or (rubbish != x).any()


@pytest.mark.parametrize(
    ("x", "options", "said"),
    [
        (images(2, shape=(1, 5, 6)), {}, r"x has shape \[2, 1, 5, 6\]"),
        (images(0), {}, "one image or more"),
        (0.5 * images(2), {}, "pixels other than 0 and 1"),
        (images(2) * torch.nan, {}, "pixels other than 0 and 1"),
        (images(2), {"block": 0}, "block is 0"),
        (images(2), {"block": 256}, "block is 256"),
        (images(2), {"precision": 17}, "precision 17"),
    ],
)
def test_bad_input_is_named(x, options, said):
    with pytest.raises(CompressionError, match=said):
        compression.encode(model_of(), x, **options)


def test_a_model_with_nan_is_named():
    with pytest.raises(CompressionError, match="NaN or infinity"):
        compression.encode(model_of(math.nan), images(2))


def test_the_networks_give_the_same_numbers_alone_and_in_a_batch():
    """The hazard that would spoil a message: in float32 some of these numbers differ."""
    networks = compression.Networks(model_of(shape=(1, 28, 28), latent_dim=20))
    z = np.random.default_rng(0).normal(size=(64, 20))
    assert np.array_equal(np.concatenate([networks.logits(one) for one in z]), networks.logits(z))
    x = images(64, shape=(1, 28, 28))
    alone = [np.concatenate(parts) for parts in zip(*map(networks.posterior, x.split(1)), strict=True)]
    assert all(np.array_equal(a, b) for a, b in zip(alone, networks.posterior(x), strict=True))


RECEIVER = """
import sys
from pathlib import Path

import torch

from vae_course import compression
from vae_course.models import VAE

folder = Path(sys.argv[1])
model = VAE.mlp(20, hidden=(200,))
model.load_state_dict(torch.load(folder / "weights.pt", weights_only=True))
x = compression.decode(model, (folder / "message").read_bytes()).x
(folder / "pixels").write_bytes(compression.packed(x))
print(torch.get_num_threads(), torch.backends.cpu.get_cpu_capability())
"""


def arithmetic() -> str:
    """What this process computes with, in the words in which the receiver tells it."""
    return f"{torch.get_num_threads()} {torch.backends.cpu.get_cpu_capability()}"


def received(folder: Path) -> tuple[bytes, str]:
    """The pixels that another process decodes, with another number of threads and with the plainest instructions.

    The plainest instructions stand for another processor: they sum in another order. Also what that process used.
    """
    plain = {"ATEN_CPU_CAPABILITY": "default", "MKL_ENABLE_INSTRUCTIONS": "SSE4_2"}
    env = os.environ | plain | {"OMP_NUM_THREADS": "2" if torch.get_num_threads() == 1 else "1"}
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", RECEIVER, str(folder)]
    done = subprocess.run(command, env=env, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return (folder / "pixels").read_bytes(), done.stdout.strip()


def test_a_thousand_digits_come_back_in_another_process_that_computes_in_another_way(tmp_path):
    model = VAE.mlp(20, hidden=(200,))
    drawn, y, _ = pen.draw(1000, seed=11)
    x = data.binarize(data.Images(drawn, y, None, "test"), seed=2).x
    fit(model, x, loss=negative_elbo, epochs=2, batch_size=100, lr=3e-3, device="cpu", progress=False)
    torch.save(model.state_dict(), tmp_path / "weights.pt")
    (tmp_path / "message").write_bytes(compression.encode(model, x))
    pixels, used = received(tmp_path)
    assert pixels == compression.packed(x) and len(pixels) == 1000 * 784 // 8
    assert used != arithmetic()


def test_popping_random_bits_draws_a_sample_and_pushing_it_restores_them():
    words = compression.initial_words(4000)
    stack, size = Stack(words), 5000
    mean, std = np.full(size, 0.3), np.full(size, 0.5)
    z = stack.pop_code(mean, std) / stack.scale
    assert abs(z.mean() - 0.3) < 4 * 0.5 / size**0.5 and abs(z.std() - 0.5) < 4 * 0.5 / (2 * size) ** 0.5
    assert len(stack.words()) < len(words)
    stack.push_code((z * stack.scale).round(), mean, std)
    assert np.array_equal(stack.words(), words)


def test_a_stack_that_would_lose_its_last_word_is_refused():
    with pytest.raises(CompressionError, match="must not be zero"):
        Stack(np.array([5, 0], dtype=np.uint32))


@given(
    st.integers(0, 10**30),
    st.lists(st.integers(1, 50), min_size=1, max_size=8),
    st.lists(st.integers(0, 7), max_size=30),
)
def test_the_whole_number_coder_gives_all_back(state, freqs, symbols):
    before, symbols = state, [s % len(freqs) for s in symbols]
    for s in symbols:
        state = ans.push(state, sum(freqs[:s]), freqs[s], sum(freqs))
    for s in reversed(symbols):
        popped, state = ans.pop(state, freqs)
        assert popped == s
    assert state == before


def test_the_whole_number_coder_lists_the_numbers_of_a_symbol_in_order():
    assert [ans.push(s, 2, 5, 8) for s in range(12)] == [2, 3, 4, 5, 6, 10, 11, 12, 13, 14, 18, 19]


@pytest.mark.parametrize("slots", [(-1, 1, 4), (0, 0, 4), (3, 2, 4)])
def test_slots_outside_the_total_are_named(slots):
    with pytest.raises(ValueError, match="must lie between 0 and the total"):
        ans.push(7, *slots)


@pytest.mark.parametrize("freqs", [[], [0, 0], [3, -1]])
def test_bad_shares_are_named(freqs):
    with pytest.raises(ValueError, match="give whole numbers"):
        ans.pop(7, freqs)


def test_the_coins_reach_their_entropy_and_come_back():
    means = torch.tensor([[[0.0, 1.0], [0.1, 0.7]]])
    x = torch.bernoulli(means.expand(4000, 1, 2, 2), generator=torch.Generator().manual_seed(0))
    x[0, 0, 0, 0], x[1, 0, 0, 1] = 1, 0  # what was never seen in training is dear, not impossible
    message = compression.bernoulli_encode(x, means)
    assert torch.equal(compression.bernoulli_decode(message, means, len(x)), x)
    p = means.double().clamp(2**-16, 1 - 2**-16)
    ideal = -torch.where(x > 0, p, 1 - p).log2().sum()
    assert 8 * len(message) == pytest.approx(ideal.item(), abs=64)


def test_the_plain_formats_hold_the_same_pixels():
    x = images(7, shape=(1, 28, 28))
    assert np.array_equal(
        np.unpackbits(np.frombuffer(zlib.decompress(compression.zlib_packed(x)), np.uint8)), x.flatten().numpy()
    )
    with Image.open(io.BytesIO(compression.png(x))) as image:
        assert image.mode == "1" and np.array_equal(np.asarray(image), x.numpy().reshape(-1, 28).astype(bool))
