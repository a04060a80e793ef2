"""Figures: they show what they are given, describe it in words, stay readable, and refuse what can't be drawn."""

import base64
import io
import itertools
import statistics
import subprocess
import sys
from collections.abc import Callable

import matplotlib as mpl
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image
from torch import Tensor, nn

from vae_course import plotting
from vae_course.models import VAE
from vae_course.plotting.figure import GREYS, LARGEST, SCALE, SOFT_CSS, TONES, _compact, spread
from vae_course.plotting.latent import apart, densest
from vae_course.training import History

X = torch.linspace(0, 1, 30 * 28 * 28).reshape(30, 1, 28, 28)
HISTORY = History(
    train={"loss": [164.8, 122.2, 106.2], "reconstruction": [150.0, 100.0, 81.0], "kl": [14.8, 22.2, 25.2]},
    val={"loss": [130.0, 118.0, 105.6], "reconstruction": [115.0, 97.0, 80.5], "kl": [15.0, 21.0, 25.1]},
    epochs=3,
)
Z = np.linspace(-4, 4, 101)
NORMAL = np.exp(-0.5 * Z**2) / np.sqrt(2 * np.pi)


def plane(z: Tensor) -> Tensor:
    """A decoder that shows z[0] in the left half of its 4x4 image and z[1] in the right half."""
    x = torch.zeros(len(z), 1, 4, 4)
    x[..., :2] = torch.sigmoid(z[:, 0]).reshape(-1, 1, 1, 1)
    x[..., 2:] = torch.sigmoid(z[:, 1]).reshape(-1, 1, 1, 1)
    return x


def scatter() -> Figure:
    generator = torch.Generator().manual_seed(0)
    y = torch.arange(400) % 10
    return plotting.latent_scatter(torch.randn(400, 2, generator=generator) + y[:, None] / 4, y, title="codes")


FIGURES: dict[str, Callable[[], Figure]] = {
    "image_grid": lambda: plotting.image_grid(X, title="digits"),
    "image_grid_with_titles": lambda: plotting.image_grid(X[:5], ncols=3, titles=["a 3", "a 5", "a 7", "a 1", "a 0"]),
    "one_image": lambda: plotting.image_grid(X[:1]),
    "pairs": lambda: plotting.pairs(X[:13], X[:13], ncols=6, title="pairs"),
    "manifold": lambda: plotting.manifold(plane, n=12, title="a plane"),
    "manifold_of_an_extent": lambda: plotting.manifold(plane, n=5, extent=(0, 1)),
    "walks": lambda: plotting.walks(plane, torch.zeros(2), title="walks"),
    "curves": lambda: plotting.curves(HISTORY, title="a training"),
    "curves_after_one_epoch": lambda: plotting.curves(History(train={"loss": [150.0]}, epochs=1)),
    "scatter": scatter,
    "lines": lambda: plotting.lines(Z, {"p": NORMAL, "q": 2 * NORMAL}, xlabel="z", ylabel="density", label_at="peak"),
    "lines_on_log_axes": lambda: plotting.lines(
        [1, 10, 100], {"a": [1, 2, 3], "b": [3, 2, 3]}, xlabel="k", ylabel="nats", logx=True, logy=True, markers=True
    ),
    "bars": lambda: plotting.bars(["published", "measured"], [103.2, 106.2], xlabel="loss in nats", errors=[None, 0.2]),
    "dots": lambda: plotting.dots(["published", "ours"], [103.2, 104.0], xlabel="nats", highlight=["ours"]),
}
every_figure = pytest.mark.parametrize("draw", FIGURES.values(), ids=FIGURES)


def sheet(figure: Figure) -> np.ndarray:
    """The pixels that a picture made of pictures lays out, before they are drawn."""
    return np.asarray(figure.axes[0].images[0].get_array())


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.findobj(Text) if text.get_visible() and text.get_text()]


# ------------------------------------------------------------------------------------------------ every figure


@every_figure
def test_every_figure_has_a_small_png_and_a_text_alternative(draw: Callable[[], Figure]) -> None:
    figure = draw()
    png = figure.png()
    with Image.open(io.BytesIO(png)) as image:
        assert image.format == "PNG"
        assert image.width <= 760 * SCALE, "wider than a notebook cell"
        assert image.text["Description"] == figure.alt
    assert len(png) <= LARGEST
    assert len(figure.alt) >= 10


@every_figure
def test_no_text_is_cut_off_at_the_edge(draw: Callable[[], Figure]) -> None:
    figure = draw()
    figure.savefig(io.BytesIO(), format="png")
    page, hidden = figure.bbox, unseen_tick_labels(figure)
    for text in figure.findobj(Text):
        if text.get_visible() and text.get_text() and text not in hidden:
            box = text.get_window_extent()
            inside = box.x0 >= -1 and box.y0 >= -1 and box.x1 <= page.x1 + 1 and box.y1 <= page.y1 + 1
            assert inside, f"{text.get_text()!r} reaches beyond the figure"


def unseen_tick_labels(figure: Figure) -> set[Text]:
    """The labels of ticks that matplotlib holds ready but does not draw."""
    hidden: set[Text] = set()
    for ax in figure.axes:
        for axis, (low, high) in ((ax.xaxis, sorted(ax.get_xlim())), (ax.yaxis, sorted(ax.get_ylim()))):
            for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks()):
                if not ax.axison or not low <= tick.get_loc() <= high:
                    hidden |= {tick.label1, tick.label2}
    return hidden


@every_figure
def test_the_same_input_gives_the_same_bytes(draw: Callable[[], Figure]) -> None:
    assert draw().png() == draw().png()


@every_figure
def test_drawing_changes_no_setting_and_draws_no_random_number(draw: Callable[[], Figure]) -> None:
    settings, state = dict(mpl.rcParams), torch.get_rng_state()
    draw().png()
    assert dict(mpl.rcParams) == settings
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.slow
def test_drawing_never_loads_pyplot() -> None:
    code = (
        "import sys, torch; from vae_course import plotting; plotting.image_grid(torch.zeros(1, 1, 28, 28)).png();"
        "plotting.lines([0, 1], {'y': [0, 1]}, xlabel='x', ylabel='y').png();"
        "sys.exit('matplotlib.pyplot' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_notebook_gets_the_picture_with_its_alt_text_in_every_form() -> None:
    figure = plotting.image_grid(X[:2], alt='two "digits" & more')
    bundle, metadata = figure._repr_mimebundle_()
    assert (metadata["image/png"]["width"], metadata["image/png"]["height"]) == tuple(figure.bbox.size)
    size = {key: metadata["image/png"][key] for key in ("width", "height")}
    assert bundle["text/plain"] == figure.alt
    assert metadata["image/png"] == {"alt": figure.alt, **size}
    assert 'alt="two &quot;digits&quot; &amp; more"' in bundle["text/html"]
    assert bundle["image/png"] in bundle["text/html"]
    assert SOFT_CSS in bundle["text/html"] and 'class="vae-figure"' in bundle["text/html"]


@pytest.mark.parametrize("room", [LARGEST, 100])
def test_a_figure_has_two_pixels_for_one_of_the_page_where_there_is_room(
    room: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    figure = plotting.image_grid(X[:2])
    monkeypatch.setattr(sys.modules["vae_course.plotting.figure"], "LARGEST", room)
    bundle, metadata = figure._repr_mimebundle_()
    with Image.open(io.BytesIO(base64.b64decode(bundle["image/png"]))) as image:
        assert image.width == metadata["image/png"]["width"] * (SCALE if room == LARGEST else 1)


def test_a_file_keeps_every_grey_to_half_a_step_and_the_colours_of_lines() -> None:
    image = Image.new("RGB", (256, 256 + 16 * len(plotting.COLOURS)), "white")
    for level in range(256):
        image.paste((level, level, level), (level, 0, level + 1, 256))
    for i, colour in enumerate(plotting.COLOURS):
        image.paste(colour, (0, 256 + 16 * i, 256, 272 + 16 * i))
    kept = _compact(image)
    assert len(kept.getcolors()) <= GREYS + TONES
    assert np.abs(np.asarray(kept.convert("RGB")).astype(int) - np.asarray(image)).max() <= 255 / (GREYS - 1) / 2 + 0.5


def test_an_axes_of_ones_own_is_drawn_on_and_described() -> None:
    figure, axes = plotting.figure(1, 2)
    assert plotting.image_grid(X[:4], ncols=2, ax=axes[0, 0]) is figure
    assert plotting.lines(Z, {"p": NORMAL}, xlabel="z", ylabel="density", ax=axes[0, 1]) is figure
    assert "4 images in 2 rows of 2." in figure.alt
    assert "density over z" in figure.alt


# ------------------------------------------------------------------------------------------------ colours

LINEAR_RGB_TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
# Machado, Oliveira and Fernandes, A Physiologically-based Model for Simulation of Color Vision Deficiency (2009).
VISIONS = {
    "normal": np.eye(3),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}


def cielab(colour: str, vision: np.ndarray) -> np.ndarray:
    """A colour in CIE 1976 L*a*b* as seen by this vision."""
    rgb = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    xyz = LINEAR_RGB_TO_XYZ @ np.clip(vision @ linear, 0, 1) / np.array([0.95047, 1.0, 1.08883])
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("vision", VISIONS.values(), ids=VISIONS)
@pytest.mark.parametrize("palette", [plotting.COLOURS, plotting.CLASS_COLOURS], ids=["lines", "classes"])
def test_each_two_colours_differ_for_every_eye(palette: tuple[str, ...], vision: np.ndarray) -> None:
    """A difference of about 2.3 in CIELAB is just noticeable; these are seven times as far apart."""
    seen = [cielab(colour, vision) for colour in palette]
    assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(seen, 2)) > 16


def test_lines_differ_in_more_than_colour() -> None:
    figure = plotting.lines(Z, {str(i): NORMAL + i for i in range(7)}, xlabel="z", ylabel="y", markers=True)
    drawn = figure.axes[0].lines
    assert len({str(line.get_linestyle()) + str(line._dash_pattern) for line in drawn}) == 7
    assert len({line.get_marker() for line in drawn}) == 7


# ------------------------------------------------------------------------------------------------ pictures


def test_a_grid_shows_every_image_pixel_by_pixel_with_black_ink() -> None:
    x = (torch.rand(6, 1, 28, 28) > 0.5).float()
    with Image.open(io.BytesIO(plotting.image_grid(x, ncols=3).png())) as png:
        shown = 255 - np.asarray(png.convert("L")).astype(float)
    scale, gap = 4 * SCALE, 2
    for i in range(6):
        row, column = divmod(i, 3)
        top, left = 4 * SCALE + scale * (gap + row * (28 + gap)), scale * (gap + column * (28 + gap))
        crop = shown[top : top + 28 * scale, left : left + 28 * scale]
        assert np.array_equal(crop, 255 * np.kron(x[i, 0].numpy(), np.ones((scale, scale))))


def test_a_grid_shows_colours_as_they_are_on_white() -> None:
    """Each of some hundred colours: a palette of few would move the most of them."""
    x = torch.randint(256, (2, 3, 8, 10)) / 255
    with Image.open(io.BytesIO(plotting.image_grid(x).png())) as png:
        shown = np.asarray(png.convert("RGB")).astype(float)
    scale, gap = 4 * SCALE, 2
    for i in range(2):
        top, left = 4 * SCALE + scale * gap, scale * (gap + i * (10 + gap))
        crop = shown[top : top + 8 * scale, left : left + 10 * scale]
        assert np.array_equal(crop, np.kron((255 * x[i]).round().permute(1, 2, 0).numpy(), np.ones((scale, scale, 1))))
    assert (shown[:, : scale * gap] == 255).all()


def test_a_grid_writes_each_title_over_its_own_image() -> None:
    figure = plotting.image_grid(X[:4], ncols=2, titles=["one", "two", "three", "four"])
    places = {t.get_text(): t.get_position() for t in figure.axes[0].texts}
    assert places["one"][0] == places["three"][0] < places["two"][0] == places["four"][0]
    assert places["one"][1] == places["two"][1] < places["three"][1] == places["four"][1]
    assert "one, two, three, four" in figure.alt


def test_pairs_stand_one_above_the_other() -> None:
    x, xhat = torch.full((5, 1, 2, 2), 0.25), torch.full((5, 1, 2, 2), 0.75)
    x[:, 0, 0, 0] = xhat[:, 0, 0, 0] = torch.arange(5) / 8
    picture = sheet(plotting.pairs(x, xhat, ncols=3))
    for i in range(5):
        band, column = divmod(i, 3)
        top, left = 8 + 14 * band, 2 + 4 * column  # a band: 8 of space, 2 of originals, 2 of space, 2 below
        for row, ink in ((top, 0.25), (top + 4, 0.75)):
            assert picture[row : row + 2, left : left + 2].flatten().tolist() == [i / 8, ink, ink, ink]
    assert not picture[22:, 10:].any(), "there is a sixth pair"


@pytest.mark.parametrize("extent", [None, (-1.0, 2.0)])
def test_a_manifold_grows_to_the_right_with_z0_and_upwards_with_z1(extent: tuple[float, float] | None) -> None:
    n = 6
    if extent is None:
        axis = [statistics.NormalDist().inv_cdf((i + 0.5) / n) for i in range(n)]
    else:
        axis = [extent[0] + i * (extent[1] - extent[0]) / (n - 1) for i in range(n)]
    picture = sheet(plotting.manifold(plane, n=n, extent=extent)).reshape(n, 4, n, 4)
    for up, right in itertools.product(range(n), range(n)):
        image = torch.as_tensor(picture[n - 1 - up, :, right])
        expected = plane(torch.tensor([[axis[right], axis[up]]]))[0, 0]
        torch.testing.assert_close(image, expected, check_dtype=False, atol=1e-5, rtol=0)


@pytest.mark.parametrize("extent", [None, (-1.0, 2.0)])
def test_the_ticks_of_a_manifold_stand_where_their_code_is_decoded(extent: tuple[float, float] | None) -> None:
    n, side = 8, 4
    ax = plotting.manifold(plane, n=n, extent=extent).axes[0]
    for tick, label in zip(ax.get_xticks(), ax.get_xticklabels(), strict=True):
        z, cell = float(label.get_text()), tick / side - 0.5
        if extent is None:
            assert statistics.NormalDist().inv_cdf((cell + 0.5) / n) == pytest.approx(z, abs=1e-4)
        else:
            assert extent[0] + cell * 3 / (n - 1) == pytest.approx(z, abs=1e-4)
    assert ax.get_yticks() == pytest.approx(n * side - ax.get_xticks())


def test_walks_move_one_dimension_in_each_row_and_keep_the_others() -> None:
    def show(z: Tensor) -> Tensor:
        return torch.sigmoid(z).reshape(-1, 1, 1, 3)

    z = torch.tensor([0.5, -1.0, 2.0])
    picture = sheet(plotting.walks(show, z, dims=[2, 0], extent=(-2, 2), n=5))
    for row, d in enumerate([2, 0]):
        for column, value in enumerate([-2.0, -1.0, 0.0, 1.0, 2.0]):
            expected = z.clone()
            expected[d] = value
            left = 2 + column * 5
            shown = torch.as_tensor(picture[2 + 3 * row, left : left + 3])
            torch.testing.assert_close(shown, torch.sigmoid(expected), check_dtype=False)


def test_a_model_is_decoded_in_evaluation_mode_and_put_back() -> None:
    model = VAE(
        nn.Identity(), nn.Sequential(nn.Linear(2, 784), nn.Dropout(0.5), nn.Unflatten(1, (1, 28, 28))), latent_dim=2
    )
    model.decoder[0].eval()
    first, second = plotting.manifold(model.decode_mean, n=3), plotting.manifold(model.decode_mean, n=3)
    assert np.array_equal(sheet(first), sheet(second)), "dropout was active"
    assert model.training
    assert model.decoder[1].training
    assert not model.decoder[0].training


# ------------------------------------------------------------------------------------------------ codes


def test_every_class_is_named_once_and_drawn_as_its_digit() -> None:
    ax = scatter().axes[0]
    assert sorted(text.get_text() for text in ax.texts) == [str(d) for d in range(10)]
    assert len(ax.collections) == 10
    shapes = {collection.get_paths()[0].vertices.tobytes() for collection in ax.collections}
    assert len(shapes) == 10, "two classes share a marker"


def test_a_class_in_two_clumps_is_named_in_one_of_them_not_between() -> None:
    clumps = np.concatenate([np.random.default_rng(0).normal(c, 0.1, (50, 2)) for c in (-5, 5)])
    assert np.abs(densest(clumps)).min() > 4


@given(st.lists(st.tuples(*[st.floats(-3, 3)] * 2), min_size=1, max_size=10))
def test_names_of_classes_do_not_cover_each_other(points: list[tuple[float, float]]) -> None:
    moved = apart(np.array(points), 0.5)
    assert np.isfinite(moved).all()
    for a, b in itertools.combinations(moved, 2):
        assert np.linalg.norm(a - b) > 0.2


# ------------------------------------------------------------------------------------------------ charts


def test_curves_show_the_history_by_epoch_from_one() -> None:
    figure = plotting.curves(HISTORY)
    assert [ax.get_title(loc="left") for ax in figure.axes] == ["loss", "reconstruction", "KL"]
    for ax, name in zip(figure.axes, HISTORY.train, strict=True):
        training, validation = ax.lines
        assert training.get_xdata().tolist() == validation.get_xdata().tolist() == [1, 2, 3]
        assert training.get_ydata().tolist() == HISTORY.train[name]
        assert validation.get_ydata().tolist() == HISTORY.val[name]
        assert ax.get_ylabel() == "nats per image"


def test_curves_say_in_words_where_they_begin_and_end() -> None:
    alt = plotting.curves(HISTORY).alt
    assert "3 epochs" in alt
    assert "loss in nats: training from 164.8 to 106.2, validation from 130.0 to 105.6." in alt


def test_only_what_is_in_nats_is_labelled_so() -> None:
    figure = plotting.curves(History(train={"loss": [3.0, 2.0], "beta": [0.0, 1.0]}, epochs=2))
    assert [ax.get_ylabel() for ax in figure.axes] == ["nats per image", ""]
    assert "training" in texts(figure)
    assert "validation" not in texts(figure)


def test_lines_are_named_at_their_ends_or_peaks() -> None:
    x, ys = [0.0, 1.0, 2.0], {"low": [0.0, 5.0, 1.0], "high": [9.0, 0.0, 8.0]}
    at_end = plotting.lines(x, ys, xlabel="x", ylabel="y").axes[0]
    heights = {t.get_text(): t.get_position()[1] for t in at_end.texts}
    assert all(t.get_position()[0] > 1 for t in at_end.texts)
    assert heights["low"] < heights["high"]
    at_peak = plotting.lines(x, ys, xlabel="x", ylabel="y", label_at="peak").axes[0]
    sides = {t.get_text(): t.get_position()[0] for t in at_peak.texts}
    assert sides["high"] < 0.1
    assert sides["low"] == pytest.approx(0.5)


def test_a_log_axis_over_many_decades_bears_numbers_too() -> None:
    figure = plotting.lines([1, 2, 3], {"a": [0.39, 1e-3, 3e-10]}, xlabel="D", ylabel="share", logy=True)
    figure.savefig(io.BytesIO(), format="png")
    low, high = figure.axes[0].get_ylim()
    shown = [tick for tick in figure.axes[0].get_yticks() if low <= tick <= high]
    assert len(shown) >= 3


def test_log_axes_space_equal_ratios_equally_and_bear_plain_numbers() -> None:
    figure = plotting.lines([1, 10, 100], {"a": [1, 10, 100]}, xlabel="k", ylabel="nats", logx=True, logy=True)
    ax = figure.axes[0]
    one, ten, hundred = ax.transData.transform([(1, 1), (10, 10), (100, 100)])
    assert np.allclose(ten - one, hundred - ten)
    figure.savefig(io.BytesIO(), format="png")
    assert {"1", "10", "100"} <= {label.get_text() for label in ax.get_xticklabels()}


@given(st.lists(st.floats(-10, 10), min_size=1, max_size=8), st.floats(0.01, 2))
def test_spread_labels_keep_their_order_and_a_gap(positions: list[float], gap: float) -> None:
    moved = spread(positions, gap)
    order = sorted(range(len(positions)), key=lambda i: positions[i])
    for low, high in itertools.pairwise(order):
        assert moved[high] - moved[low] >= gap - 1e-9
    assert sum(moved) == pytest.approx(sum(positions), abs=1e-6)


@given(st.lists(st.integers(-20, 20), min_size=1, max_size=8, unique=True))
def test_labels_that_are_apart_already_stay(positions: list[int]) -> None:
    assert spread(positions, 0.9) == pytest.approx(positions)


def test_bars_begin_at_zero_and_say_their_numbers() -> None:
    figure = plotting.bars(["a", "b"], [103.2, 106.2], xlabel="nats", errors=[None, 0.25], digits=2, highlight=["b"])
    ax = figure.axes[0]
    assert [(bar.get_x(), bar.get_width()) for bar in ax.patches] == [(0, 103.2), (0, 106.2)]
    assert ax.get_xlim()[0] <= 0
    assert [t.get_text() for t in ax.texts] == ["103.20", "106.20 ± 0.25"]
    assert [t.get_fontweight() for t in ax.get_yticklabels()] == ["normal", "bold"]
    assert "a 103.20; b 106.20 ± 0.25" in figure.alt


def test_the_first_label_stands_on_top() -> None:
    for draw in (plotting.bars, plotting.dots):
        ax = draw(["first", "second"], [1.0, 2.0], xlabel="nats").axes[0]
        first, second = ax.transData.transform([(0, 0), (0, 1)])[:, 1]
        assert first > second


def test_dots_may_leave_zero_out() -> None:
    assert plotting.dots(["a", "b"], [103.2, 106.2], xlabel="nats").axes[0].get_xlim()[0] > 100


# ------------------------------------------------------------------------------------------------ bad input

NAN = torch.full((2, 1, 28, 28), float("nan"))
BAD: dict[str, tuple[type[Exception], str, Callable[[], object]]] = {
    "grey_levels_to_255": (TypeError, "uint8.*/ 255", lambda: plotting.image_grid(torch.zeros(2, 1, 8, 8, dtype=torch.uint8))),
    "float_levels_to_255": (ValueError, "0 to 255.*division by 255", lambda: plotting.image_grid(255 * X)),
    "logits": (ValueError, "torch.sigmoid", lambda: plotting.image_grid(-X)),
    "nan": (ValueError, "NaN or infinity in 1568 of 1568", lambda: plotting.image_grid(NAN)),
    "no_images": (ValueError, "x is empty", lambda: plotting.image_grid(X[:0])),
    "flat_images": (ValueError, r"\[2, 784\].*\[N, 1, H, W\]", lambda: plotting.image_grid(X[:2].flatten(1))),
    "four_channels": (ValueError, r"\[2, 4, 8, 8\].*\[N, 3, H, W\]", lambda: plotting.image_grid(torch.zeros(2, 4, 8, 8))),
    "colour_pairs": (ValueError, r"\[2, 3, 8, 8\]", lambda: plotting.pairs(torch.zeros(2, 3, 8, 8), X[:2])),
    "no_columns": (ValueError, "ncols is 0", lambda: plotting.image_grid(X, ncols=0)),
    "few_titles": (ValueError, "1 titles for 30 images", lambda: plotting.image_grid(X, titles=["a"])),
    "unequal_pairs": (ValueError, "its reconstruction", lambda: plotting.pairs(X[:3], X[:2])),
    "tiny_manifold": (ValueError, "n is 1", lambda: plotting.manifold(plane, n=1)),
    "turned_extent": (ValueError, "lowest, highest", lambda: plotting.manifold(plane, extent=(1, 0))),
    "decoder_of_logits": (ValueError, "decode_mean.*sigmoid", lambda: plotting.manifold(lambda z: plane(z) * 9)),
    "decoder_of_one": (ValueError, "1 images for 4 codes", lambda: plotting.manifold(lambda z: plane(z)[:1], n=2)),
    "walk_of_a_batch": (ValueError, r"give one code, \[D\]", lambda: plotting.walks(plane, torch.zeros(1, 2))),
    "walk_beyond": (ValueError, "from 0 to 1", lambda: plotting.walks(plane, torch.zeros(2), dims=[2])),
    "untrained": (ValueError, "train for one epoch", lambda: plotting.curves(History())),
    "nan_in_history": (ValueError, "training loss holds NaN", lambda: plotting.curves(History(train={"loss": [np.nan]}))),
    "codes_in_space": (ValueError, r"\[5, 3\]", lambda: plotting.latent_scatter(torch.zeros(5, 3), torch.zeros(5).long())),
    "few_classes": (ValueError, "each of the 5", lambda: plotting.latent_scatter(torch.zeros(5, 2), torch.zeros(4).long())),
    "nan_codes": (ValueError, "mu holds NaN", lambda: plotting.latent_scatter(NAN[0, 0, :, :2], torch.zeros(28).long())),
    "no_lines": (ValueError, "ys is empty", lambda: plotting.lines([1], {}, xlabel="x", ylabel="y")),
    "short_line": (ValueError, "p has 1 values for 2", lambda: plotting.lines([1, 2], {"p": [1]}, xlabel="x", ylabel="y")),
    "infinite_line": (ValueError, "p holds NaN", lambda: plotting.lines([1], {"p": [np.inf]}, xlabel="x", ylabel="y")),
    "few_values": (ValueError, "1 values for 2 labels", lambda: plotting.bars(["a", "b"], [1], xlabel="nats")),
    "few_errors": (ValueError, "1 errors for 2 labels", lambda: plotting.dots(["a", "b"], [1, 2], errors=[1], xlabel="n")),
    "odd_highlight": (ValueError, "highlight names", lambda: plotting.dots(["a"], [1], highlight=["b"], xlabel="nats")),
}  # fmt: skip


@pytest.mark.parametrize(("error", "says", "draw"), BAD.values(), ids=BAD)
def test_bad_input_gets_one_sentence(error: type[Exception], says: str, draw: Callable[[], object]) -> None:
    with pytest.raises(error, match=says) as caught:
        draw()
    message = str(caught.value)
    assert message.endswith(".")
    assert "\n" not in message


def test_pairs_can_be_called_something_else() -> None:
    x = torch.rand(3, 1, 28, 28)
    figure = plotting.pairs(x, x.round(), labels=("grey", "drawn"))
    texts = [text.get_text() for text in figure.axes[0].texts] + [
        t.get_text() for t in figure.axes[0].get_yticklabels()
    ]
    assert "grey" in texts and "drawn" in texts and "original" not in texts
    assert "grey" in figure.alt and "reconstruction" not in figure.alt
