"""The latent pad without a browser: the decoder as data, the plane of codes, the traits, and the page that is exported."""

import base64
import io
import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import ipywidgets
import numpy as np
import pytest
import torch
import traitlets
from packaging.requirements import Requirement
from PIL import Image
from scipy.special import expit
from torch import Tensor, nn
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal

from vae_course.data import Images, pen
from vae_course.models import VAE
from vae_course.plotting import CLASS_COLOURS
from vae_course.widgets import LatentPad
from vae_course.widgets.pad.layers import NotInPage, describe, rounded, run, stack_of, to_bytes
from vae_course.widgets.pad.page import rounding_error
from vae_course.widgets.pad.plane import (
    GREYS,
    Plane,
    class_numbers,
    grid,
    labels,
    nearest,
    picture_sheet,
    prior_contours,
    reach,
)

VIEW = "application/vnd.jupyter.widget-view+json"
PACKAGE = Path(__file__).resolve().parents[2] / "vae_course"
SMALL = (28, 28)


@pytest.fixture
def model() -> VAE:
    return VAE.mlp(2, hidden=(16, 8))


@pytest.fixture
def images() -> Images:
    return Images(torch.rand(40, 1, 28, 28), torch.arange(40) % 10, None, "noise")


@pytest.fixture
def pad(model: VAE, images: Images) -> LatentPad:
    return LatentPad(model, images)


def plane_of(codes: Any, classes: Any = None) -> Plane:
    codes = np.asarray(codes, np.float32)
    return Plane(codes, np.zeros((len(codes), 28, 28)), np.arange(len(codes)), classes)


def sigmoid_of_sum(z: Tensor) -> Tensor:
    """A decoder that is a function and nothing else."""
    return torch.sigmoid(z.sum(1)).reshape(-1, 1, 1, 1).expand(-1, 1, *SMALL)


class Fragile(nn.Module):
    """A decoder that fails far from the centre."""

    latent_dim = 2

    def decode_mean(self, z: Tensor) -> Tensor:
        if z.abs().max() > 1:
            raise RuntimeError("no <b>ink</b> left")
        return sigmoid_of_sum(z)


class Inverted(VAE):
    """A VAE whose pictures are not the sigmoid of its decoder."""

    def decode_mean(self, z: Tensor) -> Tensor:
        return 1 - super().decode_mean(z)


# ------------------------------------------------------------------------------------------------ the decoder as data


def test_the_stack_of_a_vae_draws_what_the_vae_draws(model: VAE) -> None:
    z = 3 * torch.randn(50, 2)
    with torch.no_grad():
        expected = model.decode_mean(z).reshape(50, -1).numpy()
    assert np.abs(run(stack_of(model, model.decode_mean), z) - expected).max() < 1e-6


ACTIVATIONS = [nn.ReLU(), nn.LeakyReLU(0.3), nn.ELU(0.7), nn.SiLU(), nn.Tanh(), nn.Sigmoid()]


@pytest.mark.parametrize("activation", ACTIVATIONS, ids=lambda part: type(part).__name__)
def test_every_activation_and_stacks_within_stacks_are_understood(activation: nn.Module) -> None:
    hidden = nn.Sequential(nn.Linear(2, 12, bias=False), nn.Dropout(0.5), activation)
    network = nn.Sequential(hidden, nn.Linear(12, 784), nn.Sigmoid(), nn.Unflatten(1, (1, *SMALL)))
    stack = stack_of(network, network.forward)
    z = torch.randn(20, 2)
    with torch.no_grad():
        expected = network.eval()(z).reshape(20, -1).numpy()
    assert np.abs(run(stack, z) - expected).max() < 1e-6


def test_weights_are_written_matrix_after_matrix_each_with_its_bias(model: VAE) -> None:
    stack = describe(model.decoder)
    numbers = np.frombuffer(to_bytes(stack, "float32"), "<f4")
    parts = [p.detach().flatten() for p in model.decoder.parameters()]
    assert np.array_equal(numbers, torch.cat(parts).numpy())
    assert stack.widths == [2, 8, 16, 784]
    assert stack.size == len(numbers)


def test_sixteen_bits_keep_each_weight_to_a_share_of_the_largest_in_its_row() -> None:
    layer = nn.Linear(50, 3)
    with torch.no_grad():
        layer.weight[1] *= 1e6
        layer.weight[2] = 0
    stack = describe(layer)
    weight, bias = rounded(stack).weights
    assert np.array_equal(bias, stack.weights[1])
    assert np.array_equal(weight[2], np.zeros(50))
    steps = np.abs(stack.weights[0]).max(axis=1) / (2**15 - 1)
    error = np.abs(weight - stack.weights[0]).max(axis=1)
    assert (error <= 0.51 * steps).all()
    assert error[0] > 0
    written = to_bytes(stack, "scaled16")
    assert len(written) == 3 * 4 + 3 * 50 * 2 + 3 * 4
    scales, levels = np.frombuffer(written[:12], "<f4"), np.frombuffer(written[12:-12], "<i2").reshape(3, 50)
    assert np.array_equal(scales[:, None] * levels, weight)


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (VAE.conv(2, channels=2), "its decoder has a ConvTranspose2d layer"),
        (Fragile(), "the model, a Fragile, has no `decoder`"),
        (Inverted.mlp(2, hidden=(4,)), "its pictures are not what its decoder gives"),
        (VAE.mlp(2, hidden=(4, 1500, 1500)), "weights, more than 2,000,000"),
    ],
    ids=["convolutions", "no decoder", "another rule", "too large"],
)
def test_what_the_page_cannot_run_is_told(model: Any, reason: str) -> None:
    with pytest.raises(NotInPage, match=reason):
        stack_of(model, sigmoid_of_sum if isinstance(model, Fragile) else model.decode_mean)


def test_a_stack_without_a_linear_layer_is_refused() -> None:
    with pytest.raises(NotInPage, match="no linear layer"):
        describe(nn.Sequential(nn.ReLU()))


def test_a_swapped_matrix_is_noticed(model: VAE) -> None:
    """The probe that stands between a wrong description and a wrong picture."""
    pictures = model.decode_mean
    wrong = VAE.mlp(2, hidden=(16, 8))
    wrong.load_state_dict(model.state_dict())
    wrong.decoder[0].weight.data = wrong.decoder[0].weight.data.flip(1)
    with pytest.raises(NotInPage, match="pictures are not"):
        stack_of(wrong, pictures)


# ------------------------------------------------------------------------------------------------ the plane


def test_the_nearest_code_is_the_one_that_cdist_finds() -> None:
    codes, z = torch.randn(200, 2), torch.randn(50, 2)
    expected = torch.cdist(z, codes).argmin(1).tolist()
    assert [nearest(codes.numpy(), point.tolist()) for point in z] == expected


@pytest.mark.parametrize(("mean", "std"), [((0.0, 0.0), (1.0, 1.0)), ((1.0, -2.0), (0.5, 3.0))])
def test_the_contours_hold_the_share_of_the_prior_that_they_name(mean, std) -> None:
    n = 100_000
    prior = Independent(Normal(torch.tensor(mean), torch.tensor(std)), 1)
    z = prior.sample((n,)).numpy()
    contours = prior_contours(prior)
    assert [contour["share"] for contour in contours] == [0.5, 0.9, 0.99]
    for contour in contours:
        inside = ((((z - contour["centre"]) / contour["radii"]) ** 2).sum(1) < 1).mean()
        assert abs(inside - contour["share"]) < 4 * (contour["share"] * (1 - contour["share"]) / n) ** 0.5


def test_a_prior_that_is_not_gaussian_gets_no_contours() -> None:
    parts = Independent(Normal(torch.zeros(3, 2), torch.ones(3, 2)), 1)
    assert prior_contours(MixtureSameFamily(Categorical(torch.ones(3)), parts)) == []
    assert prior_contours(None) == []


def test_labels_stand_within_their_class_in_the_colours_of_the_scatter() -> None:
    classes = np.arange(600) % 3
    centres = np.array([[0, 0], [3, 0], [0, -3]])
    codes = centres[classes] + 0.2 * np.random.default_rng(0).normal(size=(600, 2))
    made = labels(plane_of(codes, classes))
    assert [label["name"] for label in made] == ["0", "1", "2"]
    assert [label["colour"] for label in made] == list(CLASS_COLOURS[:3])
    assert np.abs(np.array([label["at"] for label in made]) - centres).max() < 0.4
    assert labels(plane_of(codes)) == labels(None) == []


def test_class_numbers_count_the_labels() -> None:
    assert class_numbers(plane_of(np.zeros((4, 2)), np.array([7, 3, 9, 3]))) == bytes([1, 0, 2, 0])
    assert class_numbers(plane_of(np.zeros((4, 2)))) == b""


@pytest.mark.parametrize("furthest", [0.0, 3.4, 3.5, 4.9, 31.7])
def test_the_plane_leaves_room_for_every_code(furthest: float) -> None:
    extent = reach(plane_of([[0.0, -furthest]]))
    assert extent >= max(3.5, 1.01 * furthest)
    assert extent <= max(3.5, 1.02 * furthest + 0.5)
    assert reach(None) == 3.5


@pytest.mark.parametrize("n", [1, 49, 50, 103])
def test_the_sheet_holds_every_picture_in_sixteen_greys(n: int) -> None:
    pictures = np.random.default_rng(0).random((n, 28, 20))
    with Image.open(io.BytesIO(picture_sheet(pictures))) as image:
        ink = 1 - np.asarray(image.convert("L")) / 255
    for i in range(n):
        row, column = divmod(i, 50)
        shown = ink[28 * row : 28 * row + 28, 20 * column : 20 * column + 20]
        assert np.abs(shown - pictures[i]).max() <= 0.5 / (GREYS - 1) + 1e-6


def test_at_most_2000_images_are_shown_spread_over_all(model: VAE) -> None:
    codes = torch.linspace(-3, 3, 5000)[:, None].expand(-1, 2)
    pad = LatentPad(model, torch.rand(5000, 1, 28, 28), codes=codes)
    assert len(pad.plane) == 2000
    assert np.diff(pad.plane.positions).max() <= 3
    pad.z = (3.0, 3.0)
    assert pad.nearest == 4999


# ------------------------------------------------------------------------------------------------ the Python side


@pytest.mark.slow
def test_importing_the_widgets_leaves_anywidget_alone() -> None:
    code = "import sys, vae_course.widgets; sys.exit('anywidget' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_without_anywidget_one_sentence_says_what_to_do(model: VAE, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "vae_course.widgets.pad.view", raising=False)
    monkeypatch.setitem(sys.modules, "anywidget", None)
    with pytest.raises(ImportError, match="needs the package anywidget: run `%pip install anywidget`"):
        LatentPad(model)


def test_the_page_gets_the_weights_as_float32_and_the_codes_of_the_encoder(pad, model, images) -> None:
    with torch.no_grad():
        mu, _ = model.encode(images.x)
    assert pad.view.weights == to_bytes(pad.stack, "float32")
    assert np.array_equal(np.frombuffer(pad.view.codes, "<f4").reshape(-1, 2), mu.numpy())
    assert pad.view.about["layers"][-1] == {"kind": "sigmoid"}
    assert pad.view.about["shape"] == [28, 28]
    assert [label["name"] for label in pad.view.about["labels"]] == [str(k) for k in range(10)]
    json.dumps(pad.view.about)


def test_z_moves_both_ways(pad: LatentPad) -> None:
    pad.z = (1.0, -0.5)
    assert pad.view.z == (1.0, -0.5)
    pad.view.set_state({"z": [0.25, 2.0]})
    assert pad.z == (0.25, 2.0)
    assert pad.nearest == nearest(pad.plane.codes, pad.z)


def test_a_recorded_path_arrives_as_codes_and_is_told_once(pad: LatentPad) -> None:
    told = []
    pad.observe(lambda change: told.append(change["new"]), "path")
    assert pad.path.shape == (0, 2)
    path = np.array([[0, 0], [0.5, 1], [1, -2]], np.float32)
    pad.view.set_state({"path": memoryview(path.tobytes())})
    assert np.array_equal(pad.path, path)
    assert pad.path.dtype == np.float32
    assert len(told) == 1


def test_a_path_that_is_set_goes_to_the_page_and_is_told_once(pad: LatentPad) -> None:
    told = []
    pad.observe(told.append, "path")
    path = np.arange(6.0).reshape(3, 2)
    pad.path = path
    assert np.array_equal(np.frombuffer(pad.view.path, "<f4").reshape(-1, 2), path)
    assert len(told) == 1


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("z", (float("nan"), 0.0), "two finite numbers"),
        ("z", (1.0, 2.0, 3.0), "z"),
        ("path", np.zeros((3, 3)), r"path has shape \[3, 3\]: give finite codes, \[n, 2\]"),
        ("path", np.full((1, 2), np.inf), "finite codes"),
    ],
)
def test_traits_refuse_what_lies_in_no_plane(pad: LatentPad, name: str, value: Any, says: str) -> None:
    before = getattr(pad, name)
    with pytest.raises(traitlets.TraitError, match=says):
        setattr(pad, name, value)
    assert np.array_equal(getattr(pad, name), before)


@pytest.mark.parametrize(
    ("model", "images", "codes", "error", "says"),
    [
        (VAE.mlp(20, hidden=(4,)), None, None, ValueError, r"codes have 20 dimensions: use LatentExplorer\(model\)"),
        (VAE.mlp(20, hidden=(4,)).decode_mean, None, None, ValueError, "codes have 20 dimensions"),
        (7, None, None, TypeError, "an? int, can't decode"),
        (nn.Linear(2, 2), None, None, ValueError, r"\[N, 1, H, W\]"),
        (VAE.mlp(2, hidden=(4,)).decode, None, None, ValueError, "logits need torch.sigmoid"),
        (sigmoid_of_sum, torch.rand(3, 1, 28, 28), None, ValueError, "no encoder, so give the codes too"),
        (sigmoid_of_sum, torch.rand(3, 1, 28, 28), torch.zeros(2, 2), ValueError, r"codes has shape \[2, 2\]"),
        (sigmoid_of_sum, torch.rand(1, 1, 28, 28), torch.full((1, 2), float("nan")), ValueError, "codes holds NaN"),
        (sigmoid_of_sum, torch.zeros(0, 1, 28, 28), torch.zeros(0, 2), ValueError, "images is empty"),
        (sigmoid_of_sum, torch.zeros(2, 1, 28, 28, dtype=torch.uint8), torch.zeros(2, 2), TypeError, "uint8"),
    ],
)
def test_what_cannot_be_shown_is_refused_at_once(model, images, codes, error, says) -> None:
    with torch.no_grad():
        if getattr(model, "__name__", "") == "decode":
            model.__self__.decoder[-2].bias.fill_(9.0)
    with pytest.raises(error, match=says):
        LatentPad(model, images, codes=codes)


def test_the_model_is_used_in_evaluation_mode_and_left_as_it_was(images: Images) -> None:
    model = VAE.mlp(2, hidden=(8,))
    model.decoder.insert(1, nn.Dropout(0.5))
    model.encoder.append(nn.Dropout(0.5))
    pads = [LatentPad(model, images) for _ in range(3)]
    assert len({pad.view.codes for pad in pads}) == 1, "dropout was active"
    assert all(pad.reason == "" for pad in pads)
    assert all(part.training for part in model.modules())


def test_an_autoencoder_without_a_prior_gets_no_contours() -> None:
    network = nn.Sequential(nn.Linear(2, 784), nn.Sigmoid(), nn.Unflatten(1, (1, *SMALL)))
    pad = LatentPad(network)
    assert pad.stack is not None
    assert pad.view.about["contours"] == []
    assert pad.view.about["pictures"] is None


# ------------------------------------------------------------------------------------------------ pictures from the kernel


def answers(pad: LatentPad, z: list[float]) -> list[tuple[dict, list[bytes]]]:
    """What the kernel sends when the page asks for the picture of z."""
    sent: list[tuple[dict, list[bytes]]] = []
    pad.view.send = lambda content, buffers=None: sent.append((content, buffers))
    pad.view._handle_custom_msg({"z": z}, [])
    return sent


@pytest.mark.parametrize("model", [VAE.conv(2, channels=2), Inverted.mlp(2, hidden=(4,))], ids=["conv", "inverted"])
def test_other_decoders_answer_from_the_kernel(model: VAE, images: Images) -> None:
    pad = LatentPad(model, images)
    assert pad.view.about["layers"] is None
    assert pad.view.about["reason"] == pad.reason != ""
    assert pad.view.weights == b""
    [(content, [pixels])] = answers(pad, [0.5, -1.0])
    with torch.no_grad():
        expected = model.decode_mean(torch.tensor([[0.5, -1.0]])).numpy().ravel()
    assert content == {"z": [0.5, -1.0]}
    assert np.abs(np.frombuffer(pixels, "<f4") - expected).max() < 1e-6


def test_a_decoder_that_fails_is_shown_in_the_widget_and_the_page_is_answered() -> None:
    pad = LatentPad(Fragile())
    assert answers(pad, [3.0, 0.0]) == [({"z": [3.0, 0.0]}, [])]
    assert "Decoding z = (3.00, 0.00) failed. RuntimeError: no &lt;b&gt;ink&lt;/b&gt; left" in pad.error.value
    assert pad.error.layout.display == ""
    [(_, pixels)] = answers(pad, [0.0, 0.0])
    assert len(pixels) == 1
    assert pad.error.value == "", "the message stays although it works again"


# ------------------------------------------------------------------------------------------------ the exported page


def contents_of(page: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="contents">(.*?)</script>', page, re.DOTALL)
    assert found
    return json.loads(found[1])


def from_page(page: str, z: Tensor) -> np.ndarray:
    """Decode with nothing but what stands in the page."""
    held = contents_of(page)
    weights = io.BytesIO(base64.b64decode(held["buffers"]["weights"]))
    values = z.numpy()
    for layer in held["about"]["layers"]:
        if layer["kind"] == "linear":
            n_in, n_out = layer["in"], layer["out"]
            scales = np.frombuffer(weights.read(4 * n_out), "<f4")
            levels = np.frombuffer(weights.read(2 * n_in * n_out), "<i2").reshape(n_out, n_in)
            values = values @ (scales[:, None] * levels).T + np.frombuffer(weights.read(4 * n_out), "<f4")
        else:
            values = {"relu": lambda x: np.maximum(x, 0), "sigmoid": expit}[layer["kind"]](values)
    assert weights.read() == b""
    return values


def stated_error(page: str) -> float:
    found = re.search(r"moves no pixel by more than (\d\.\d+) of the range", page)
    assert found
    return float(found[1])


def trained_like(hidden: tuple[int, ...]) -> VAE:
    """A decoder with weights as large as training makes them."""
    model = VAE.mlp(2, hidden=hidden)
    with torch.no_grad():
        for weight in model.decoder.parameters():
            weight.mul_(4)
    return model


def test_the_page_draws_what_the_model_draws_within_the_error_that_it_states(tmp_path: Path, images: Images) -> None:
    model = trained_like((200, 100))
    page = LatentPad(model, images).to_html(tmp_path / "my_vae.html").read_text(encoding="utf-8")
    z = 7 * torch.rand(2000, 2) - 3.5
    with torch.no_grad():
        error = np.abs(from_page(page, z) - model.decode_mean(z).reshape(2000, -1).numpy()).max()
    assert 0 < error <= 1.5 * stated_error(page)  # measured on a grid, which codes between its points may exceed
    assert stated_error(page) <= 0.001


def test_a_weight_that_is_wrong_in_the_page_would_be_seen(tmp_path: Path, images: Images) -> None:
    """The comparison above can fail: one matrix turned by half, and the pictures differ."""
    model = trained_like((200, 100))
    pad = LatentPad(model, images)
    pad.stack.weights[2] = pad.stack.weights[2][::-1]
    assert rounding_error(pad.stack, model.decode_mean, 3.5) > 0.1
    with pytest.raises(ValueError, match="a pixel of this decoder would be off"):
        pad.to_html(tmp_path / "my_vae.html")


def test_the_page_is_one_small_file_that_asks_for_nothing_from_outside(tmp_path: Path) -> None:
    x, y, _ = pen.draw(2100, seed=0)
    digits = Images(x, y)
    file = LatentPad(VAE.mlp(2), digits).to_html(tmp_path / "my_vae.html", title="Mine & <yours> %%DATA%%")
    page = file.read_text(encoding="utf-8")
    assert file.stat().st_size < 1_000_000
    code = re.sub(r'"buffers":\{.*?\}', "", page)  # base64 may spell anything
    assert not re.search(r"https?:|\bfetch\(|\bimport\b|<link|\bsrc=", code)
    assert page.count("Mine &amp; &lt;yours&gt; %%DATA%%") == 2
    assert page.count("</script>") == 2
    shown = len(base64.b64decode(contents_of(page)["buffers"]["classes"]))
    assert shown == 500, "beside the weights of the 784-400-2 network there is room for so many, and not for all"


def test_the_page_is_the_same_every_time(model: VAE, images: Images, tmp_path: Path) -> None:
    files = [LatentPad(model, images).to_html(tmp_path / f"{i}.html") for i in range(2)]
    assert files[0].read_bytes() == files[1].read_bytes()
    assert b"\r" not in files[0].read_bytes()


@pytest.mark.parametrize(
    ("model", "error"),
    [
        (VAE.conv(2, channels=2), "because its decoder has a ConvTranspose2d layer: only linear layers"),
        (VAE.mlp(2, hidden=(512, 256)), "534,544 weights, so its page would have 1.5 MB and not stay under 1 MB"),
    ],
    ids=["convolutions", "too large"],
)
def test_what_cannot_be_exported_is_refused_in_one_sentence(model: VAE, error: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=error):
        LatentPad(model).to_html(tmp_path / "my_vae.html")
    assert list(tmp_path.iterdir()) == []


def test_weights_that_sixteen_bits_cannot_hold_are_refused(model: VAE, tmp_path: Path) -> None:
    """Beside a weight of 100,000 the others of its row are lost, and the others made the picture at z = (0, y)."""
    with torch.no_grad():
        model.decoder[0].weight[:, 0] = 1e5
        model.decoder[2].weight.mul_(4)
    with pytest.raises(ValueError, match="train it with a smaller learning rate"):
        LatentPad(model).to_html(tmp_path / "my_vae.html")


def test_a_folder_that_is_not_there_is_named(pad: LatentPad, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="There is no folder .*nowhere: make it first"):
        pad.to_html(tmp_path / "nowhere" / "my_vae.html")


def test_the_names_of_activations_are_the_same_in_python_and_in_the_page() -> None:
    from vae_course.widgets.pad.layers import ACTIVATIONS as known

    script = (PACKAGE / "widgets" / "pad" / "pad.js").read_text(encoding="utf-8")
    found = re.search(r"const ACTIVATIONS = \{(.*?)\n\};", script, re.DOTALL)
    assert found
    assert re.findall(r"^  (\w+):", found[1], re.MULTILINE) == list(known)


# ------------------------------------------------------------------------------------------------ where it is shown


def test_pages_without_a_kernel_get_a_picture_and_a_text(pad: LatentPad) -> None:
    bundle, metadata = pad._repr_mimebundle_()
    assert bundle[VIEW]["model_id"] == pad.model_id
    assert bundle["text/plain"] == metadata["image/png"]["alt"] == pad.static().alt
    assert "40 codes in the plane" in bundle["text/plain"]
    assert "13 by 13 images decoded" in bundle["text/plain"]
    assert "text/html" not in bundle, "a front end may prefer it to the widget"


def test_a_decoder_that_fails_far_out_still_gets_its_pad() -> None:
    pad = LatentPad(Fragile())
    bundle, _ = pad._repr_mimebundle_()
    assert VIEW in bundle
    assert "no <b>ink</b> left" in bundle["text/plain"]
    assert "static picture" in pad.error.value


def test_the_grid_runs_from_the_top_left_to_the_bottom_right() -> None:
    assert grid(2.0, 3).tolist()[:4] == [[-2, 2], [0, 2], [2, 2], [-2, 0]]
    assert grid(2.0, 3).tolist()[-1] == [2, -2]


COLAB = """
import sys, types
calls = []
output = types.ModuleType("google.colab.output")
output.enable_custom_widget_manager = lambda: calls.append(1)
output._widgets = types.SimpleNamespace(_installed_url="https://manager.example")
sys.modules["google.colab.output"] = output
from vae_course.models import VAE
from vae_course.widgets import LatentPad
bundle, metadata = LatentPad(VAE.mlp(2, hidden=(4,)))._repr_mimebundle_()
view = "application/vnd.jupyter.widget-view+json"
assert calls == [1] and view in bundle
assert metadata[view]["colab"]["custom_widget_manager"]["url"] == "https://manager.example"
assert "alt" in metadata["image/png"]
"""


@pytest.mark.slow
def test_in_colab_the_manager_for_custom_widgets_is_switched_on_and_named() -> None:
    done = subprocess.run([sys.executable, "-c", COLAB], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_colabs_own_anywidget_may_stay() -> None:
    """0.9.21 is what resolves beside the rest of Colab's stack."""
    project = tomllib.loads((PACKAGE.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    [asked] = [Requirement(line) for line in project["dependencies"] if line.startswith("anywidget")]
    assert asked.specifier.contains("0.9.21")


def test_this_run_is_with_the_version_it_should_be_with() -> None:
    assert ipywidgets.__version__ == os.environ.get("TEST_IPYWIDGETS", ipywidgets.__version__)
