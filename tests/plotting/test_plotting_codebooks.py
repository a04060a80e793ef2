"""The picture of a codebook shows every code, the dead ones as crosses, and borders halfway between codes."""

import numpy as np
import pytest

from vae_course.plotting.codebooks import CELLS, codebook

POINTS = np.array([[-1.0, 0.0], [-1.2, 0.1], [1.0, 0.0]])
CODES = np.array([[-2.0, 0.0], [1.0, 0.0], [9.0, 9.0]])
USE = np.array([2 / 3, 1 / 3, 0.0])


def test_used_codes_are_circles_and_dead_ones_crosses_within_the_picture():
    fig = codebook(POINTS, CODES, USE, title="After 3 steps")
    above, below = fig.axes
    cloud, alive, dead = (c.get_offsets().tolist() for c in above.collections)
    assert cloud == POINTS.tolist() and alive == CODES[:2].tolist() and dead == [[4.0, 4.0]]
    assert [bar.get_height() for bar in below.patches] == pytest.approx([2 / 3, 1 / 3, 0])
    assert (
        fig.alt.startswith("After 3 steps: 3 points, 3 codes")
        and "1 are dead" in fig.alt
        and "67% of the points" in fig.alt
    )


def test_the_border_lies_halfway_between_two_codes():
    (image,) = codebook(POINTS, CODES[:2], USE[:2]).axes[0].images
    columns = np.flatnonzero(np.asarray(image.get_array()).any(0))
    x = -4 + 8 * columns / (CELLS - 1)
    assert x == pytest.approx([-0.5], abs=0.05)


def test_bars_stand_by_their_size_and_the_dashed_line_at_even_use():
    _, below = codebook(POINTS, CODES, USE[[1, 0, 2]]).axes
    heights = [bar.get_height() for bar in below.patches]
    assert heights == sorted(heights, reverse=True)
    assert any(line.get_ydata()[0] == pytest.approx(1 / 3) for line in below.lines)


@pytest.mark.parametrize(
    ("points", "codes", "use", "said"),
    [
        (POINTS[:, :1], CODES, USE, "points have shape"),
        (POINTS, CODES[:2], USE, "codes .2, 2. and use .3."),
        (POINTS * np.nan, CODES, USE, "must be finite"),
    ],
)
def test_bad_input_is_named(points, codes, use, said):
    with pytest.raises(ValueError, match=said):
        codebook(points, codes, use)
