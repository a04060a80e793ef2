"""Widgets: what each control does to the picture, what is said when something fails, and where they can be shown."""

import io
import itertools
import os
from pathlib import Path
from types import SimpleNamespace

import ipywidgets
import nbclient
import nbformat
import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from tests.support.old_widgets import assert_tests_pass_with_7_7_1, unknown_to_7_7_1
from vae_course.data import Images
from vae_course.models import VAE
from vae_course.training import History
from vae_course.widgets import LatentExplorer, LiveCurves
from vae_course.widgets.pictures import render, to_png

VIEW = "application/vnd.jupyter.widget-view+json"


@pytest.fixture
def model() -> VAE:
    return VAE.mlp(3, hidden=(16,))


@pytest.fixture
def images() -> Images:
    return Images(torch.rand(12, 1, 28, 28), torch.arange(12) % 10, None, "noise")


def ink(png: bytes) -> np.ndarray:
    """The levels of a PNG, with 1 for black, one value for each square of 7 by 7."""
    with Image.open(io.BytesIO(png)) as image:
        levels = 1 - np.asarray(image.convert("L")) / 255
    return levels[3::7, 3::7]


def expected(model: VAE, z: tuple[float, ...]) -> np.ndarray:
    with torch.no_grad():
        return model.decode_mean(torch.tensor([z]))[0, 0].numpy()


class Fragile:
    """A decoder that fails far from the centre."""

    latent_dim = 2

    def decode_mean(self, z: Tensor) -> Tensor:
        if z.abs().max() > 1:
            raise RuntimeError("no <b>ink</b> left")
        return torch.sigmoid(z.sum(1)).reshape(-1, 1, 1, 1).expand(-1, 1, 28, 28)


# ------------------------------------------------------------------------------------------------ pictures


def test_a_png_holds_every_pixel_as_a_square_with_black_for_one() -> None:
    picture = torch.arange(28 * 28).reshape(28, 28) / 783
    png = to_png(picture)
    with Image.open(io.BytesIO(png)) as image:
        assert image.size == (196, 196)
        pixels = np.asarray(image.convert("L"))
    assert np.array_equal(pixels, np.kron(255 - np.rint(255 * picture.numpy()), np.ones((7, 7))))


def test_large_pictures_are_not_blown_up() -> None:
    with Image.open(io.BytesIO(to_png(torch.zeros(1, 200, 300)))) as image:
        assert image.size == (300, 200)


def test_render_shows_the_mean_image_of_the_code(model: VAE) -> None:
    z = (0.5, -1.0, 2.0)
    assert np.abs(ink(render(model.decode_mean, z)) - expected(model, z)).max() < 1 / 255


def test_a_digit_is_rendered_without_matplotlib(model: VAE, monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes 1 ms where a figure takes 30; `benchmarks/pad.py` measures the whole way from a slider to its picture."""
    monkeypatch.setattr("vae_course.widgets.pictures.FigureCanvasAgg", None)
    monkeypatch.setattr("matplotlib.figure.Figure.__init__", None)
    assert render(model.decode_mean, (0.0, 0.0, 0.0))


# ------------------------------------------------------------------------------------------------ the explorer


def test_it_begins_at_the_centre_of_the_prior(model: VAE) -> None:
    explorer = LatentExplorer(model)
    assert explorer.z == (0, 0, 0)
    assert explorer.picture.value == render(model.decode_mean, (0, 0, 0))
    assert explorer.status.value == "The centre of the prior, z = (0.00, 0.00, 0.00)."


def test_a_slider_moves_its_own_dimension_and_the_picture(model: VAE) -> None:
    explorer = LatentExplorer(model)
    explorer.sliders[1].value = -1.5
    assert explorer.z == (0, -1.5, 0)
    assert explorer.picture.value == render(model.decode_mean, (0, -1.5, 0))
    assert "z = (0.00, -1.50, 0.00)" in explorer.status.value


def test_sliders_reach_three_and_report_while_they_are_dragged(model: VAE) -> None:
    for slider in LatentExplorer(model).sliders.values():
        assert (slider.min, slider.max, slider.continuous_update, slider.readout) == (-3, 3, True, True)
        assert slider.description


def test_random_draws_from_the_prior_and_moves_the_sliders() -> None:
    explorer = LatentExplorer(VAE.mlp(2, hidden=(4,)), seed=1)
    drawn = []
    for _ in range(400):
        explorer.buttons["Random"].click()
        drawn.append(explorer.z)
        assert [slider.value for slider in explorer.sliders.values()] == pytest.approx(explorer.z)
    z = torch.tensor(drawn)
    assert abs(z.mean()) < 4 / 800**0.5
    assert abs(z.var() - 1) < 4 * (2 / 800) ** 0.5


def test_random_can_be_repeated_by_its_seed(model: VAE) -> None:
    explorers = [LatentExplorer(model, seed=seed) for seed in (0, 0, 1)]
    for explorer in explorers:
        explorer.randomise()
    assert explorers[0].z == explorers[1].z != explorers[2].z


def test_reset_goes_back_to_the_centre(model: VAE) -> None:
    explorer = LatentExplorer(model)
    before = explorer.picture.value
    explorer.randomise()
    assert explorer.picture.value != before
    explorer.buttons["Reset"].click()
    assert explorer.picture.value == before
    assert {slider.value for slider in explorer.sliders.values()} == {0}


def test_encoding_goes_to_the_posterior_mean_and_shows_original_and_reconstruction(model: VAE, images: Images) -> None:
    explorer = LatentExplorer(model, images)
    explorer.chooser.value = 7
    explorer.buttons["Encode this digit"].click()
    mu, _ = model.encode(images.x[7:8])
    assert explorer.z == pytest.approx(tuple(mu[0].tolist()))
    assert explorer.original.value == to_png(images.x[7])
    assert np.abs(ink(explorer.picture.value) - model.reconstruct(images.x[7:8])[0, 0].numpy()).max() < 1 / 255
    assert explorer.original_caption.value == "Image 7, a 7"
    assert explorer.caption.value == "Reconstruction"
    assert "posterior mean of image 7, a 7" in explorer.status.value


def test_choosing_an_image_shows_it_before_it_is_encoded(model: VAE, images: Images) -> None:
    explorer = LatentExplorer(model, images.x)
    assert LatentExplorer(model, images).original_caption.value == "Image 0, a 0"
    explorer.chooser.value = 3
    assert explorer.original.value == to_png(images.x[3])
    assert explorer.original_caption.value == "Image 3"
    assert explorer.z == (0, 0, 0)


def test_moving_on_from_a_reconstruction_no_longer_calls_it_one(model: VAE, images: Images) -> None:
    explorer = LatentExplorer(model, images)
    explorer.encode(2)
    explorer.sliders[0].value += 0.5
    assert explorer.caption.value == "Decoded"
    explorer.encode(2)
    explorer.chooser.value = 3
    assert explorer.caption.value == "Decoded"


def test_a_code_between_two_steps_is_kept_though_the_browser_snaps_it(model: VAE) -> None:
    """The browser rounds what it is given to a step and reports that as a move."""
    explorer = LatentExplorer(model)
    explorer.go_to([0.512, 0.0, 0.0])
    explorer.sliders[0].value = 0.5
    assert explorer.z == pytest.approx((0.512, 0, 0))
    explorer.sliders[0].value = 0.55
    assert explorer.z == pytest.approx((0.55, 0, 0))


def test_a_code_beyond_a_slider_widens_it_until_the_next_reset(model: VAE) -> None:
    explorer = LatentExplorer(model)
    explorer.go_to([4.2, 0.0, -7.0])
    assert [slider.value for slider in explorer.sliders.values()] == pytest.approx([4.2, 0, -7])
    assert [slider.max for slider in explorer.sliders.values()] == [5, 3, 7]
    assert explorer.z == pytest.approx((4.2, 0, -7))
    explorer.reset()
    assert {(slider.min, slider.max) for slider in explorer.sliders.values()} == {(-3, 3)}


def test_each_action_decodes_once(model: VAE, monkeypatch: pytest.MonkeyPatch) -> None:
    """Moving the sliders along must not look like moves by hand."""
    explorer = LatentExplorer(model)
    decode, codes = model.decode_mean, []
    monkeypatch.setattr(model, "decode_mean", lambda z: codes.append(z) or decode(z))
    for action in (lambda: explorer.go_to([9.0, 0.0, -9.0]), explorer.reset, explorer.randomise):
        codes.clear()
        action()
        assert len(codes) == 1


def test_sliders_are_ordered_by_what_their_dimension_carries(images: Images) -> None:
    model = VAE.mlp(3, hidden=(4,))
    with torch.no_grad():
        for parameter in model.encoder[-1].parameters():
            parameter.zero_()
        model.encoder[-1].bias[:3] = torch.tensor([0.2, 2.0, -1.0])  # KL = mu^2 / 2 = 0.02, 2, 0.5
    explorer = LatentExplorer(model, images)
    assert list(explorer.sliders) == [1, 2, 0]
    assert [s.description for s in explorer.sliders.values()] == [
        "z[1], 2.00 nats",
        "z[2], 0.50 nats",
        "z[0], 0.02 nats",
    ]
    assert list(LatentExplorer(model).sliders) == [0, 1, 2]


def test_eight_sliders_at_first_and_more_on_request() -> None:
    explorer = LatentExplorer(VAE.mlp(20, hidden=(4,)))
    explorer.randomise()
    seen = []
    while True:
        seen.append(len(explorer.sliders))
        if explorer.more.layout.display == "none":
            break
        assert str(min(8, 20 - seen[-1])) in explorer.more.description
        explorer.more.click()
    assert seen == [8, 16, 20]
    assert [explorer.sliders[d].value for d in range(20)] == pytest.approx(explorer.z)
    explorer.sliders[19].value = 1.0
    assert explorer.z[19] == 1


def test_an_error_is_shown_in_place_and_goes_with_the_next_success() -> None:
    explorer = LatentExplorer(Fragile())
    before = explorer.picture.value
    assert explorer.error.layout.display == "none"
    explorer.sliders[0].value = 2.0
    assert explorer.error.layout.display != "none"
    assert 'role="alert"' in explorer.error.value
    assert "Error." in explorer.error.value
    assert "z = (2.00, 0.00)" in explorer.error.value
    assert "RuntimeError: no &lt;b&gt;ink&lt;/b&gt; left" in explorer.error.value
    assert "<b>ink" not in explorer.error.value
    assert explorer.picture.value == before
    explorer.sliders[0].value = 0.5
    assert explorer.error.layout.display == "none"
    assert explorer.error.value == ""
    assert explorer.picture.value != before


def test_buttons_show_their_errors_too() -> None:
    explorer = LatentExplorer(Fragile())
    while max(map(abs, explorer.z)) <= 1:
        explorer.buttons["Random"].click()
    assert "Drawing from the prior failed. RuntimeError" in explorer.error.value
    explorer.buttons["Reset"].click()
    assert explorer.error.value == ""


def test_methods_raise_what_buttons_show(model: VAE, images: Images) -> None:
    with pytest.raises(RuntimeError, match="ink"):
        LatentExplorer(Fragile()).go_to([2.0, 0.0])
    with pytest.raises(ValueError, match="from 0 to 11"):
        LatentExplorer(model, images).encode(12)
    with pytest.raises(ValueError, match=r"LatentExplorer\(model, images\)"):
        LatentExplorer(model).encode(0)
    with pytest.raises(ValueError, match=r"codes are \[3\]"):
        LatentExplorer(model).go_to([0.0])


def test_without_images_or_encoder_encoding_is_off_and_says_why(model: VAE, images: Images) -> None:
    for explorer, reason in (
        (LatentExplorer(model), "give images too"),
        (LatentExplorer(Fragile(), images), "no encoder"),
    ):
        assert explorer.buttons["Encode this digit"].disabled
        said = [part.value for part in explorer.children if isinstance(part, ipywidgets.HTML)]
        assert any(reason in text for text in said)


@pytest.mark.parametrize(
    ("thing", "images", "error", "says"),
    [
        (nn.Linear(2, 2), None, TypeError, "a Linear, has no decode_mean"),
        (SimpleNamespace(decode_mean=len), None, TypeError, "has no latent_dim"),
        (SimpleNamespace(decode_mean=lambda z: z, latent_dim=2), None, ValueError, r"\[N, 1, H, W\]"),
        (Fragile(), torch.zeros(0, 1, 28, 28), ValueError, "images is empty"),
        (Fragile(), torch.zeros(2, 1, 28, 28, dtype=torch.uint8), TypeError, "uint8"),
        (Fragile(), torch.full((2, 1, 28, 28), float("nan")), ValueError, "NaN"),
    ],
)
def test_what_cannot_be_explored_is_refused_at_once(thing, images, error, says) -> None:
    with pytest.raises(error, match=says):
        LatentExplorer(thing, images)


def test_the_model_is_used_in_evaluation_mode_and_left_as_it_was(images: Images) -> None:
    model = VAE.mlp(2, hidden=(8,))
    model.decoder.insert(1, nn.Dropout(0.5))
    model.encoder.append(nn.Dropout(0.5))
    explorer = LatentExplorer(model, images)
    pictures = []
    for _ in range(4):
        explorer.encode(1)
        pictures.append((explorer.z, explorer.picture.value))
    assert len(set(pictures)) == 1, "dropout was active"
    assert all(part.training for part in model.modules())


# ------------------------------------------------------------------------------------------------ where it is shown


def test_pages_without_a_kernel_get_a_picture_and_a_text(model: VAE) -> None:
    explorer = LatentExplorer(model)
    bundle, metadata = explorer._repr_mimebundle_()
    assert bundle[VIEW]["model_id"] == explorer.model_id
    assert bundle["text/plain"] == metadata["image/png"]["alt"] == explorer.static().alt
    assert "z[0], z[1], z[2]" in bundle["text/plain"]
    assert "image/png" in bundle
    assert "text/html" not in bundle, "a front end may prefer it to the widget"


def test_a_closed_explorer_still_shows_its_picture(model: VAE) -> None:
    explorer = LatentExplorer(model)
    explorer.close()
    bundle, _ = type(explorer)._repr_mimebundle_(explorer)
    assert VIEW not in bundle
    assert "image/png" in bundle


def test_a_decoder_that_fails_far_out_still_gets_its_sliders() -> None:
    explorer = LatentExplorer(Fragile())
    bundle, _ = explorer._repr_mimebundle_()
    assert VIEW in bundle
    assert "no <b>ink</b> left" in bundle["text/plain"]
    assert "static picture" in explorer.error.value


def test_nothing_is_set_that_version_7_7_1_would_ignore(model: VAE, images: Images) -> None:
    explorer = LatentExplorer(model, images)
    assert unknown_to_7_7_1(explorer) == []
    explorer.more.tooltip = "more"
    explorer.sliders[0].tooltip = "an attribute that only version 8 has"
    assert unknown_to_7_7_1(explorer) == ["FloatSlider.tooltip"]


@pytest.mark.slow
@pytest.mark.skipif(ipywidgets.__version__ == "7.7.1", reason="this is the run with 7.7.1")
def test_everything_here_and_of_the_pad_holds_with_ipywidgets_7_7_1(tmp_path: Path) -> None:
    files = (Path(__file__), Path(__file__).with_name("test_widget_pad.py"))
    assert_tests_pass_with_7_7_1(*files, scratch=tmp_path, chosen="not 7_7_1 and not notebook")


def test_this_run_is_with_the_version_it_should_be_with() -> None:
    assert ipywidgets.__version__ == os.environ.get("TEST_IPYWIDGETS", ipywidgets.__version__)


# ------------------------------------------------------------------------------------------------ live curves

IMPORTS = """
from vae_course.training import History
from vae_course.widgets import LiveCurves
"""
TRAIN = """
for epoch in range(1, 6):
    live(epoch, History(train={"loss": [100.0 / e for e in range(1, epoch + 1)]}, epochs=epoch), None)
"""
CELLS = {
    "every epoch drawn": "live = LiveCurves(pause=0.0)" + TRAIN,
    "only the first and the last": "live = LiveCurves(pause=1000.0)" + TRAIN,
    "two trainings": "live = LiveCurves(pause=1000.0)" + TRAIN + TRAIN,
    "nan": "live = LiveCurves(pause=0.0)" + TRAIN.replace("100.0 / e", "float('nan')") + "print('done')",
}


@pytest.fixture(scope="module")
def notebook() -> dict[str, list[dict]]:
    """The outputs of each cell as they are at the end, updates of a display included."""
    cells = [nbformat.v4.new_code_cell(code) for code in (IMPORTS, *CELLS.values())]
    nbclient.NotebookClient(nbformat.v4.new_notebook(cells=cells), timeout=120).execute()
    return {name: cell.outputs for name, cell in zip(CELLS, cells[1:], strict=True)}


@pytest.mark.slow
@pytest.mark.parametrize(("cell", "figures"), [(name, 1 + (name == "two trainings")) for name in list(CELLS)[:3]])
def test_a_notebook_shows_one_figure_a_training_that_ends_with_the_last_epoch(notebook, cell, figures) -> None:
    """Also where a long pause held back every drawing but the first."""
    outputs = notebook[cell]
    assert [output.output_type for output in outputs] == ["display_data"] * figures
    for output in outputs:
        assert "over 5 epochs" in output.data["text/plain"]
        assert "from 100.0 to 20.0" in output.data["text/plain"]


def test_a_notebook_names_curves_that_cannot_be_drawn_and_goes_on(notebook) -> None:
    text = "".join(output.text for output in notebook["nan"] if output.output_type == "stream")
    assert text.count("can't be drawn: training loss holds NaN") == 1
    assert text.endswith("done\n")


def test_outside_a_notebook_each_epoch_is_a_line_of_text(capsys: pytest.CaptureFixture[str]) -> None:
    live = LiveCurves()
    for epoch in (1, 2):
        losses = [150.0, 120.25][:epoch]
        live(
            epoch,
            History(train={"loss": losses, "kl": [3.0] * epoch}, val={"loss": losses, "kl": losses}),
            nn.Identity(),
        )
    assert capsys.readouterr().out == (
        "epoch 1: loss 150.00, kl 3.00, validation loss 150.00\nepoch 2: loss 120.25, kl 3.00, validation loss 120.25\n"
    )


def test_live_curves_leave_most_of_the_time_to_the_training(monkeypatch: pytest.MonkeyPatch) -> None:
    """Epochs of 1 ms that would each be drawn for 50 ms: most drawings are left out."""
    from vae_course.widgets import live as module

    clock, drawn = itertools.count(), []
    now = [0.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(module, "curves", lambda history, title: now.__setitem__(0, now[0] + 0.05) or history)
    shell = SimpleNamespace(kernel=None, events=SimpleNamespace(register=lambda *_: None, unregister=lambda *_: None))
    monkeypatch.setattr(module, "notebook", lambda: shell)
    handle = SimpleNamespace(display=drawn.append, update=drawn.append)
    monkeypatch.setattr("IPython.display.DisplayHandle", lambda: handle)
    live = LiveCurves(pause=0.0)
    for epoch in range(1, 2001):
        now[0] += 0.001
        live(epoch, next(clock), nn.Identity())
    assert 0.05 * len(drawn) < 0.12 * now[0]
    assert len(drawn) > 2
