"""The pictures of prices and betas say what the numbers say."""

import math

import numpy as np
import pytest
import torch

from vae_course.plotting.likelihoods import HIGHEST, LOWEST, beta_axis, charges, shown

AT = torch.linspace(0.01, 0.99, 99)


def parabola(height=0.0):
    return (AT - 0.3).square() + height


def texts(fig):
    return [text.get_text() for ax in fig.axes for text in ax.texts]


def test_every_curve_is_drawn_as_given_and_named_at_its_end():
    fig = charges(AT, {"one": parabola(), "two": parabola(1)}, pixel=0.3)
    one, two = (line.get_ydata() for line in fig.axes[0].lines[:2])
    np.testing.assert_allclose(one, parabola(), rtol=1e-6)
    np.testing.assert_allclose(two, parabola(1), rtol=1e-6)
    assert {"one", "two", "pixel 0.30"} <= set(texts(fig))
    assert "one is lowest at 0.30, 0.00 nats; two is lowest at 0.30, 1.00 nats" in fig.alt


def test_the_pixel_is_marked_where_it_is():
    line = charges(AT, {"one": parabola()}, pixel=0.7).axes[0].lines[1]
    assert list(line.get_xdata()) == [0.7, 0.7]


def test_names_stay_inside_and_apart_whatever_the_prices():
    fig = charges(AT, {"high": parabola(1e6), "higher": parabola(1e7), "low": parabola(-50)}, pixel=0.5)
    assert fig.axes[0].get_ylim() == (LOWEST, HIGHEST)
    fig.canvas.draw()
    boxes = [text.get_window_extent() for text in fig.axes[0].texts[1:]]
    assert len(boxes) == 3 and not [1 for i, a in enumerate(boxes) for b in boxes[:i] if a.overlaps(b)]
    assert all(-20 < box.y0 and box.y1 < fig.bbox.height for box in boxes)


@pytest.mark.parametrize(
    ("curves", "said"),
    [
        ({}, "curves is empty"),
        ({"a": parabola()[:5]}, "5 values for 99 outputs"),
        ({"a": parabola(math.inf)}, "NaN or infinity"),
    ],
)
def test_charges_names_what_is_wrong(curves, said):
    with pytest.raises(ValueError, match=said):
        charges(AT, curves, pixel=0.5)


def test_each_beta_is_a_bar_from_one_to_its_place():
    fig = beta_axis({"too much": 784.0, "honest": 1.0, "too little": 0.5}, highlight="honest")
    bars = [line.get_xdata() for line in fig.axes[0].lines if line.get_linewidth() == 5]
    assert [tuple(bar) for bar in bars] == [(1, 784.0), (1, 1.0), (1, 0.5)]
    assert len({line.get_color() for line in fig.axes[0].lines if line.get_linewidth() == 5}) == 3
    assert "too much 784; honest 1; too little 0.5" in fig.alt


def test_the_highlighted_one_has_another_shape():
    fig = beta_axis({"a": 2.0, "b": 3.0}, highlight="b")
    assert [line.get_marker() for line in fig.axes[0].lines if line.get_marker() != "None"] == ["o", "D"]


@pytest.mark.parametrize("beta", [1e-9, 1e9])
def test_the_axis_reaches_every_beta_and_stays_symmetric(beta):
    low, high = beta_axis({"a": beta}).axes[0].get_xlim()
    assert low < beta < high and low * high == pytest.approx(1)


@pytest.mark.parametrize(
    ("beta", "text"), [(784.0, "784"), (0.6272, "0.627"), (3.92, "3.92"), (1, "1"), (12544.0, "12,544")]
)
def test_betas_are_written_plainly(beta, text):
    assert shown(beta) == text


@pytest.mark.parametrize(
    ("betas", "options", "said"),
    [
        ({}, {}, "betas is empty"),
        ({"a": 0.0}, {}, "must be above zero"),
        ({"a": -1.0}, {}, "must be above zero"),
        ({"a": math.nan}, {}, "NaN or infinity"),
        ({"a": 1.0}, {"highlight": "b"}, "'b', which is not among the names"),
    ],
)
def test_beta_axis_names_what_is_wrong(betas, options, said):
    with pytest.raises(ValueError, match=said):
        beta_axis(betas, **options)
