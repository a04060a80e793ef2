"""The picture of the bounds says what the numbers say."""

import math

import numpy as np
import pytest
import torch

from vae_course.plotting.elbo import ABOVE, BELOW, weights_and_ladder

LOG_W = torch.linspace(-6, 0, 101, dtype=torch.float64)
KS, BOUNDS = [1, 2, 4, 8], [-3.0, -2.6, -2.3, -2.2]


def picture(**changes):
    options = {"k": 4, "log_px": -2.0, "variance": 1.5} | changes
    return weights_and_ladder(LOG_W, KS, BOUNDS, **options)


def texts(ax):
    return [text.get_text() for text in ax.texts]


def test_the_histogram_holds_every_draw_and_marks_the_mean_and_log_p_x():
    left = picture().axes[0]
    assert sum(bar.get_height() for bar in left.patches) == pytest.approx(100)
    assert [line.get_xdata()[0] for line in left.lines] == pytest.approx([-2.0, float(LOG_W.mean())])
    assert left.get_xlim() == (-2.0 - BELOW, -2.0 + ABOVE)


def test_draws_beyond_the_histogram_are_gathered_at_its_ends():
    left = weights_and_ladder(LOG_W - 100, KS, BOUNDS, k=1, log_px=-2.0, variance=1.0).axes[0]
    assert left.patches[0].get_height() == pytest.approx(100)
    assert len(left.lines) == 1  # the mean lies beyond it, too


def test_the_ladder_shows_bounds_first_order_and_the_chosen_k():
    right = picture().axes[1]
    _, first_order, bounds, chosen = right.lines
    assert bounds.get_ydata().tolist() == BOUNDS
    assert np.allclose(first_order.get_ydata(), [-2 - 1.5 / (2 * k) for k in KS])
    assert (chosen.get_xdata()[0], chosen.get_ydata()[0]) == (4, -2.3)
    assert "k = 4: -2.30" in right.get_title(loc="left")


def test_an_infinite_variance_has_no_first_order_curve():
    right = picture(variance=math.inf).axes[1]
    assert len(right.lines) == 3 and any("infinite" in text for text in texts(right))


def test_the_words_state_the_numbers():
    assert picture().alt == (
        "log p(x) is -2.00 nats. The log weights have mean -3.00 and standard deviation 1.75 nats. The bound goes from"
        " -3.00 at k = 1 to -2.20 at k = 8; at k = 4 it is -2.30."
    )


@pytest.mark.parametrize(("ks", "bounds", "k"), [(KS, BOUNDS[:3], 1), (KS, BOUNDS, 3)])
def test_bad_input_is_named(ks, bounds, k):
    with pytest.raises(ValueError, match="give one each, k among them"):
        weights_and_ladder(LOG_W, ks, bounds, k=k, log_px=0.0, variance=1.0)
