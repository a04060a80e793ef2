"""The pictures of the bound say what the numbers say."""

import math

import pytest
import torch
from matplotlib.patches import Rectangle

from vae_course.plotting.elbo import SPAN, bound, jensen

W, Q = torch.tensor([0.05, 0.15, 0.16]) / torch.tensor([0.6, 0.3, 0.1]), torch.tensor([0.6, 0.3, 0.1])
Z = torch.linspace(-3, 3, 61, dtype=torch.float64)


def hill(centre):
    return torch.exp(-((Z - centre) ** 2))


def texts(fig):
    return [text.get_text() for ax in fig.axes for text in ax.texts]


def columns(fig):
    """(bottom, top) of the bars in the right panel: for each q its bound, then its gap."""
    bars = [patch for patch in fig.axes[1].patches if isinstance(patch, Rectangle)]
    return [(bar.get_y(), bar.get_y() + bar.get_height()) for bar in bars]


def test_jensens_gap_is_drawn_between_the_two_values():
    fig = jensen(W, Q)
    above, below = math.log(0.36), float((Q * W.log()).sum())
    bar = next(line for line in fig.axes[0].lines if line.get_linewidth() == 5)
    assert sorted(bar.get_ydata()) == pytest.approx([below, above], abs=1e-5)
    assert f"log of the mean: {above:.2f}" in texts(fig) and f"mean of the logs: {below:.2f}" in texts(fig)
    assert f"{above:.2f}" in fig.alt and f"{below:.2f}" in fig.alt and f"gap of {above - below:.2f}" in fig.alt


def test_the_tangent_lies_above_the_curve_and_touches_it_at_the_mean():
    curve, tangent = (line.get_ydata() for line in jensen(W, Q).axes[0].lines[:2])
    assert (tangent >= curve - 1e-9).all() and (tangent - curve).min() < 1e-3


def test_dots_grow_with_their_probability():
    sizes = jensen(W, Q).axes[0].collections[0].get_sizes()
    assert sizes[0] > sizes[1] > sizes[2]


@pytest.mark.parametrize(
    ("w", "q", "said"),
    [
        ([0.1, 0.2], [1.0], "2 weights and 1 probabilities"),
        ([0.1, 0.0], [0.5, 0.5], "all weights above 0"),
        ([0.1, 0.2], [0.5, 0.6], "sum to one"),
        ([0.1, math.nan], [0.5, 0.5], "NaN"),
    ],
)
def test_jensen_names_what_is_wrong(w, q, said):
    with pytest.raises(ValueError, match=said):
        jensen(w, q)


def test_bound_and_gap_stand_on_each_other_and_end_at_log_p_x():
    fig = bound(Z, hill(0), {"one": hill(0.5), "two": hill(-1)}, log_px=-2.0, elbos={"one": -3.5, "two": -2.25})
    assert columns(fig) == [
        pytest.approx(pair) for pair in [(-2.0 - SPAN, -3.5), (-3.5, -2.0), (-2.0 - SPAN, -2.25), (-2.25, -2.0)]
    ]
    assert "ELBO\n-3.50" in texts(fig) and "gap\n0.25" in texts(fig)
    assert "one: ELBO -3.50, gap 1.50; two: ELBO -2.25, gap 0.25" in fig.alt


def test_a_bound_far_below_is_cut_off_but_written_out():
    fig = bound(Z, hill(0), {"q": hill(2)}, log_px=-2.0, elbos={"q": -55.25})
    assert columns(fig) == [pytest.approx(pair) for pair in [(-2.0 - SPAN, -2.0 - SPAN), (-2.0 - SPAN, -2.0)]]
    assert "ELBO\n-55.25" in texts(fig) and "gap\n53.25" in texts(fig)


def test_names_of_neighbours_do_not_cover_each_other():
    qs = {name: hill(centre) for name, centre in (("printed", -0.2), ("start", 0.0), ("mended", 0.2), ("far", 2.5))}
    fig = bound(Z, hill(0), qs, log_px=0.0, elbos=dict.fromkeys(qs, -1.0))
    fig.canvas.draw()
    boxes = [text.get_window_extent() for text in fig.axes[0].texts]
    assert len(boxes) == 4
    assert not [1 for i, a in enumerate(boxes) for b in boxes[:i] if a.overlaps(b)]


@pytest.mark.parametrize(
    ("qs", "elbos", "said"),
    [
        ({}, {}, "at least one q"),
        ({"a": hill(0)}, {"b": -1.0}, r"names \['a'\] and elbos \['b'\]"),
        ({"a": hill(0)[:5]}, {"a": -1.0}, "5 values for 61 positions"),
    ],
)
def test_bound_names_what_is_wrong(qs, elbos, said):
    with pytest.raises(ValueError, match=said):
        bound(Z, hill(0), qs, log_px=0.0, elbos=elbos)
