"""The pictures of noisy gradients say what the numbers say."""

import math

import numpy as np
import pytest
import torch

from vae_course.plotting.gradients import estimates, scaling, two_ways

NOISE = torch.randn(5000, generator=torch.Generator().manual_seed(0))
X = [1.0, 10.0, 100.0]


def texts(ax):
    return [text.get_text() for text in ax.texts]


def test_all_histograms_share_one_axis_around_the_truth():
    fig = estimates({"wide": 2.0 + 3 * NOISE, "narrow": 2.0 + 0.1 * NOISE}, truth=2.0)
    wide, narrow, _ = fig.axes
    assert wide.get_xlim() == narrow.get_xlim() == (2.0 - 10, 2.0 + 10)
    assert wide.lines[0].get_xdata()[0] == narrow.lines[0].get_xdata()[0] == 2.0


def test_a_histogram_counts_each_estimate_that_fits():
    wide, _ = estimates({"one": NOISE}, truth=0.0).axes
    counted = sum(patch.get_height() for patch in wide.patches)
    reach = wide.get_xlim()[1]
    assert counted == (NOISE.abs() <= reach).sum() >= 0.99 * len(NOISE)


def test_the_columns_are_the_standard_deviations():
    fig = estimates({"score function": 4 * NOISE, "pathwise": NOISE}, truth=0.0)
    columns = fig.axes[-1]
    heights = [patch.get_height() for patch in columns.patches]
    assert heights == pytest.approx([4 * NOISE.std().item(), NOISE.std().item()], rel=1e-5)
    assert texts(columns) == [f"{height:.2f}" for height in heights]
    assert [label.get_text() for label in columns.get_xticklabels()] == ["score", "pathwise"]


def test_the_estimates_are_told_in_words():
    fig = estimates({"score function": torch.tensor([1.0, 3.0])}, truth=2.5, xlabel="estimate in mu_1")
    assert fig.alt == (
        "Histograms of the estimate in mu_1 around the true gradient 2.50. score function: mean 2.00, standard"
        " deviation 1.41."
    )


def test_estimates_that_never_vary_can_be_drawn():
    fig = estimates({"exact": [1.0, 1.0]}, truth=1.0)
    assert fig.png() and texts(fig.axes[-1]) == ["0.00"]


@pytest.mark.parametrize(
    ("samples", "truth", "said"),
    [
        ({}, 0.0, "at least one name"),
        ({"a": [1.0]}, 0.0, "two estimates or more"),
        ({"a": [1.0, math.nan]}, 0.0, "NaN"),
        ({"a": [1.0, 2.0]}, math.inf, "truth is inf"),
    ],
)
def test_estimates_name_what_is_wrong(samples, truth, said):
    with pytest.raises(ValueError, match=said):
        estimates(samples, truth=truth)


def test_measured_values_are_markers_and_theory_is_a_line_in_the_same_colour():
    fig = scaling(X, {"a": [1, 9, 110]}, {"a": [1, 10, 100]}, xlabel="D", ylabel="variance")
    ax = fig.axes[0]
    theory, measured = ax.lines
    assert list(theory.get_ydata()) == [1, 10, 100] and list(measured.get_ydata()) == [1, 9, 110]
    assert theory.get_color() == measured.get_color() and measured.get_linestyle() == "None"
    assert ax.get_xscale() == ax.get_yscale() == "log"
    assert [label.get_text() for label in ax.get_xticklabels()] == ["1", "10", "100"]
    assert fig.alt == (
        "variance over D, both axes logarithmic, measured from 1 to 100: a from 1 to 110. Lines: theory."
    )


@pytest.mark.parametrize(
    ("x", "measured", "exact", "said"),
    [
        (X, {"a": X}, {"b": X}, r"names \['a'\] and exact \['b'\]"),
        (X, {"a": X[:2]}, {"a": X}, "a must hold 3 numbers above zero"),
        (X, {"a": X}, {"a": [1.0, 0.0, 1.0]}, "a must hold 3 numbers above zero"),
        ([0.0, 1.0, 2.0], {"a": X}, {"a": X}, "x must hold 3 numbers above zero"),
    ],
)
def test_scaling_names_what_is_wrong(x, measured, exact, said):
    with pytest.raises(ValueError, match=said):
        scaling(x, measured, exact, xlabel="D", ylabel="variance")


def drawn(**changes):
    draws = np.array([0.0, 1.0])
    rows = {
        "draws": draws,
        "f_draws": draws**2,
        "weights": [0.5, 2.0],
        "moved": draws + 0.5,
        "values": (draws + 0.5) ** 2,
    }
    z = np.linspace(-1, 2, 31)
    return two_ways(z, z**2, **(rows | changes))


def test_on_the_left_weights_change_and_on_the_right_draws_move():
    left, right = (ax.collections for ax in drawn().axes)
    assert left[0].get_offsets().tolist() == [[0, 0], [1, 1]]
    assert left[0].get_sizes()[1] / left[0].get_sizes()[0] == pytest.approx(16)
    assert right[0].get_offsets().tolist() == [[0, 0], [1, 1]]
    assert right[1].get_offsets().tolist() == [[0.5, 0.25], [1.5, 2.25]]


def test_the_two_ways_are_told_in_words():
    assert "from 0.50 at 0.00 to 2.00 at 1.00" in drawn().alt and "the first from 0.00 to 0.50" in drawn().alt


@pytest.mark.parametrize(
    ("changes", "said"), [({"moved": [1.0]}, "lengths differ"), ({"weights": [0.0, 1.0]}, "above zero")]
)
def test_two_ways_name_what_is_wrong(changes, said):
    with pytest.raises(ValueError, match=said):
        drawn(**changes)
