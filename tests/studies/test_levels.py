"""What each level holds: estimates of the top's rate against closed forms, and what a redrawn level leaves."""

import math

import pytest
import torch
from torch import Tensor, nn
from torch.distributions import Normal, kl_divergence

from vae_course.hierarchies import LadderVAE, TwoLevelVAE, terms
from vae_course.studies.chain import Chain
from vae_course.studies.levels import REDRAWN, ink, kept, nats, reader, reading_loss, redraw, slant, top_rate

X = torch.rand(12, 1, 4, 4, generator=torch.Generator().manual_seed(1)).round()


class Affine(nn.Module):
    """mu = weight times the (first number of the) input, and a constant logvar, side by side."""

    def __init__(self, weight: float, variance: float) -> None:
        super().__init__()
        self.weight, self.logvar = nn.Parameter(torch.tensor(weight)), math.log(variance)

    def forward(self, x: Tensor) -> Tensor:
        mu = self.weight * x.flatten(1)[:, :1]
        return torch.cat((mu, torch.full_like(mu, self.logvar)), 1)


def chain_model(chain: Chain) -> TwoLevelVAE:
    """The chain's true posterior as the encoders of a model whose image is one number."""
    noise, own = chain.sigma**2, 1 - chain.a**2
    bottom = Affine(1 / (1 + noise), noise / (1 + noise))
    return TwoLevelVAE(
        bottom, Affine(chain.a, own), Affine(chain.a, own), nn.Linear(1, 1), latent_dims=(1, 1), shape=(1, 1, 1)
    ).double()


@pytest.mark.parametrize("a", [0.5, 0.95])
def test_the_top_rate_of_a_bottom_up_model_is_held_from_both_sides(a: float):
    chain = Chain(a)
    _, _, x = chain.sample(4000, generator=torch.Generator().manual_seed(0))
    exact = kl_divergence(chain.top(x), Normal(0.0, 1.0))
    images = x.view(-1, 1, 1, 1)
    low, high = top_rate(chain_model(chain), images, k=50)
    for side, sign in ((low, 1), (high, -1)):
        behind = sign * (exact - side)
        assert float(behind.mean()) > -4 * float(behind.std()) / len(x) ** 0.5
        assert float(behind.mean()) < 0.1
    assert float((high - low).mean()) > 0


def test_the_top_rate_is_less_than_the_top_knows_of_the_bottom():
    chain = Chain(0.95)
    _, _, x = chain.sample(2000, generator=torch.Generator().manual_seed(0))
    model, images = chain_model(chain), x.view(-1, 1, 1, 1)
    _, high = top_rate(model, images, k=50)
    assert float(nats(model, images).kl_top.mean()) == pytest.approx(chain.bottom_up().top, abs=0.1)
    assert float(high.mean()) == pytest.approx(chain.top_down().top, abs=0.1)


def test_more_draws_bring_the_two_sides_together():
    chain = Chain(0.8)
    x = chain.sample(2000, generator=torch.Generator().manual_seed(0))[2].view(-1, 1, 1, 1)
    apart = [float((high - low).mean()) for low, high in (top_rate(chain_model(chain), x, k=k) for k in (2, 10, 100))]
    assert apart[0] > apart[1] > apart[2] > 0


def small(kind: type[TwoLevelVAE] = TwoLevelVAE) -> TwoLevelVAE:
    torch.manual_seed(0)
    return kind.mlp((3, 2), hidden=(6, 5), shape=(1, 4, 4))


def test_a_ladders_top_rate_is_its_closed_form():
    model = small(LadderVAE)
    low, high = top_rate(model, X)
    assert torch.equal(low, high)
    torch.testing.assert_close(low, terms(model, X).kl_top.double().detach())


def test_nats_are_the_terms_of_each_image_whatever_the_batches():
    found = nats(small(), X, n_samples=2, batch_size=5, seed=3)
    assert found.elbo.shape == (12,) and found.elbo.dtype == torch.float64
    torch.testing.assert_close(found.elbo, found.log_px_z - found.kl_bottom - found.kl_top)
    again = nats(small(), X, n_samples=2, batch_size=5, seed=3)
    assert torch.equal(found.elbo, again.elbo) and not torch.equal(found.elbo, nats(small(), X, seed=4).elbo)


# ------------------------------------------------------------------------------------------------ redrawing


@pytest.fixture
def codes() -> tuple[TwoLevelVAE, Tensor, Tensor]:
    model = small()
    z1, z2, *_ = model.draw(X)
    return model, z1[0].detach(), z2[0].detach()


def own_noise(model: TwoLevelVAE, z1: Tensor, z2: Tensor) -> Tensor:
    mu, logvar = model.decode_top(z2)
    return (z1 - mu) / (0.5 * logvar).exp()


def test_each_redrawing_keeps_what_it_says_and_changes_the_rest(codes):
    model, z1, z2 = codes
    found = {level: redraw(model, z1, z2, level, n=4, seed=5) for level in REDRAWN}
    assert all(new.shape == (4, 12, 3) for new in found.values())
    torch.testing.assert_close(found["neither"], z1.expand(4, 12, 3))
    # The bottom: z1 is a draw from p(z1 | z2) of the old z2, with a noise of its own for each picture and each image.
    eps = own_noise(model, found["bottom"], z2.expand(4, 12, 2))
    assert not torch.allclose(eps[0], eps[1]) and not torch.allclose(eps[:, 0], eps[:, 1])
    # Both levels drawn with the same seed share the draws of each.
    torch.manual_seed(5)
    new_eps, new_z2 = torch.randn(4, 12, 3), torch.randn(4, 12, 2)
    torch.testing.assert_close(eps, new_eps, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(
        own_noise(model, found["top"], new_z2), own_noise(model, z1, z2).expand(4, 12, 3), atol=1e-4, rtol=1e-4
    )
    torch.testing.assert_close(own_noise(model, found["both"], new_z2), new_eps, atol=1e-4, rtol=1e-4)


def test_redrawing_takes_a_single_image_and_leaves_the_random_numbers_alone(codes):
    model, z1, z2 = codes
    torch.manual_seed(0)
    before = torch.get_rng_state()
    assert redraw(model, z1[0], z2[0], "top", n=7).shape == (7, 3)
    assert torch.equal(before, torch.get_rng_state())


def test_ink_and_slant_measure_a_stroke():
    upright, leaning = torch.zeros(1, 9, 9), torch.zeros(1, 9, 9)
    upright[0, 1:8, 4] = 1
    for row in range(1, 8):
        leaning[0, row, 8 - row] = 0.5  # its upper end lies to the right
    assert ink(torch.stack((upright, leaning))).tolist() == [7.0, 3.5]
    assert slant(torch.stack((upright, leaning))).tolist() == pytest.approx([0.0, -1.0])
    assert slant(leaning.flip(-1)[None]).tolist() == pytest.approx([1.0])


def test_nothing_redrawn_keeps_everything_and_both_redrawn_keep_nothing_but_chance():
    model, read = small(), reader(4, shape=(1, 4, 4))
    everything = kept(model, read, X, "neither")
    assert everything.digit.tolist() == [1.0] * 12
    assert everything.ink == pytest.approx(1) and everything.slant == pytest.approx(1)
    many = torch.rand(300, 1, 4, 4, generator=torch.Generator().manual_seed(2)).round()
    assert abs(kept(model, read, many, "both").ink) < 0.15


def test_the_reader_learns_from_pairs():
    read = reader(4, shape=(1, 4, 4))
    loss = reading_loss(read, (X, torch.arange(12) % 10))
    loss.backward()
    assert float(loss.detach()) == pytest.approx(math.log(10), abs=0.5)
    assert all(p.grad is not None for p in read.parameters())


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (
            lambda m: redraw(m, torch.zeros(3), torch.zeros(2), "middle", n=2),
            "level is 'middle': choose one of 'bottom', 'top'",
        ),
        (lambda m: redraw(m, torch.zeros(3), torch.zeros(2), "top", n=0), "n is 0"),
        (lambda m: top_rate(m, X, k=1), "k is 1"),
        (lambda m: kept(m, reader(4, shape=(1, 4, 4)), X[:1], "top"), "images holds one example"),
        (lambda m: nats(m, X, batch_size=0), "batch_size"),
    ],
)
def test_bad_input_is_named(call, said: str):
    with pytest.raises(ValueError, match=said):
        call(small())
