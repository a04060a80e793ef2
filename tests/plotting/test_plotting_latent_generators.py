"""The pictures of lesson 18 say what their numbers say."""

import numpy as np
import pytest
from matplotlib.colors import to_hex

from vae_course.plotting.figure import COLOURS, LARGEST
from vae_course.plotting.latent_generators import bits_and_looks, code_histograms

MODELS = {
    "heavy": {"N(0, I)": ([-101.0, -103.0], [8.0, 10.0]), "learned": ([-100.0, -102.0], [3.0, 5.0])},
    "light": {"N(0, I)": ([-300.0], [90.0]), "learned": ([-200.0], [4.0])},
}
COPIES = {"heavy": [0.4, 0.6], "light": [0.1]}
MU = np.random.default_rng(1).normal(size=(500, 3))


def test_each_seed_is_a_mark_and_an_arrow_leads_from_the_first_prior_to_the_last():
    ax = bits_and_looks(MODELS, COPIES).axes[0]
    assert ax.get_yscale() == "log"
    marks = [
        (line.get_marker(), to_hex(line.get_color()), line.get_xydata().tolist())
        for line in ax.lines
        if len(line.get_xdata())
    ]
    seeds = [found for found in marks if found[0] != "None"]
    assert seeds == [
        ("o", COLOURS[0].lower(), [[-101.0, 8.0], [-103.0, 10.0]]),
        ("s", COLOURS[0].lower(), [[-100.0, 3.0], [-102.0, 5.0]]),
        ("o", COLOURS[1].lower(), [[-300.0, 90.0]]),
        ("s", COLOURS[1].lower(), [[-200.0, 4.0]]),
    ]
    copies = [points[0][1] for marker, _, points in marks if marker == "None"]
    assert copies == pytest.approx([0.5, 0.1])
    arrows = [(text.xyann, text.xy) for text in ax.texts if getattr(text, "arrow_patch", None)]
    assert arrows == [((-102.0, 9.0), (-101.0, 4.0)), ((-300.0, 90.0), (-200.0, 4.0))]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["N(0, I)", "learned"]


def test_means_and_names_are_told():
    fig = bits_and_looks(MODELS, COPIES)
    assert "heavy: N(0, I) -102.0 nats at distance 9, learned -101.0 nats at distance 4, copies at 0.5" in fig.alt
    assert "light: N(0, I) -300.0 nats at distance 90, learned -200.0 nats at distance 4, copies at 0.1." in fig.alt
    named = {text.get_text() for text in fig.axes[0].texts}
    assert {"heavy", "light", "copies, heavy", "copies, light"} <= named
    low, high = fig.axes[0].get_ylim()
    assert low < 0.1 and high > 90 and len(fig.png()) <= LARGEST


def test_codes_are_shown_before_and_after_they_are_scaled_to_variance_one():
    fig = code_histograms({"narrow": (0.5 * MU, np.full(MU.shape, -20.0)), "wide": (5 * MU, np.full(MU.shape, -20.0))})
    assert [ax.get_title(loc="left") for ax in fig.axes] == [
        "narrow: z",
        "narrow: c z, c = 2.0",
        "wide: z",
        "wide: c z, c = 0.20",
    ]
    spreads = []
    for ax in fig.axes:
        heights, edges, _ = ax.patches[0].get_data()
        middle, width = (edges[1:] + edges[:-1]) / 2, edges[1] - edges[0]
        assert 0.99 <= heights.sum() * width <= 1 + 1e-9  # a few codes may lie outside
        spreads.append(float(np.sqrt((heights * middle**2).sum() * width)))
    assert spreads == pytest.approx([0.5 * MU.std(), 1, 5 * MU.std(), 1], rel=0.05)
    assert fig.axes[0].get_xlim() == fig.axes[2].get_xlim() and fig.axes[1].get_xlim() == fig.axes[3].get_xlim()
    assert f"narrow: codes have the standard deviation {0.5 * MU.std():.2f}, a posterior 4.5e-05 on average" in fig.alt


def test_the_bars_are_posteriors_of_single_images_and_shrink_and_grow_with_the_codes():
    logvar = np.linspace(-4, 0, MU.size).reshape(MU.shape)
    z, scaled = code_histograms({"one": (MU, logvar)}).axes
    n = np.arange(12)
    mu, sigma = MU[n, n % 3], np.exp(0.5 * logvar[n, n % 3])
    ratios = []
    for ax in (z, scaled):
        ends = np.array([segment[:, 0] for segment in ax.collections[0].get_segments()])
        dots = next(line for line in ax.lines if line.get_marker() == "o")
        ratios.append((ends[:, 1] - ends[:, 0]).mean() / (2 * sigma).mean())
        np.testing.assert_allclose(ends, ratios[-1] * np.stack((mu - sigma, mu + sigma), 1))
        np.testing.assert_allclose(dots.get_xdata(), ratios[-1] * mu)
    spread = np.sqrt(MU.var() + np.exp(logvar).mean())
    assert ratios == pytest.approx([1, 1 / spread], rel=0.05)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: bits_and_looks({}, {}), "give each model the same two or more"),
        (lambda: bits_and_looks({"a": {"one": ([1.0], [1.0])}}, {"a": [1.0]}), "the same two or more"),
        (
            lambda: bits_and_looks(MODELS | {"light": MODELS["heavy"] | {"third": ([1.0], [1.0])}}, COPIES),
            "in the same order",
        ),
        (lambda: bits_and_looks(MODELS, {"heavy": [1.0]}), r"copies are of \['heavy'\]"),
        (lambda: bits_and_looks(MODELS, COPIES | {"light": [0.0]}), "copies of light has the distance 0"),
        (
            lambda: bits_and_looks({"a": MODELS["heavy"] | {"learned": ([1.0], [1.0, 2.0])}}, {"a": [1.0]}),
            "1 bounds and 2 distances",
        ),
        (lambda: code_histograms({}), "groups is empty"),
        (lambda: code_histograms({"a": (MU, MU[:, :2])}), r"a has mu \[500, 3\] and logvar \[500, 2\]"),
        (lambda: code_histograms({"a": (MU, np.nan * MU)}), "NaN"),
    ],
)
def test_bad_input_is_named(call, said: str):
    with pytest.raises(ValueError, match=said):
        call()
