"""Pictures of the plane of codes: what is drawn is what was given, and bad input is named in one sentence."""

import math

import numpy as np
import pytest
import torch
from matplotlib.collections import EllipseCollection
from matplotlib.patches import Circle, Rectangle

from vae_course.plotting.images import marked_pairs
from vae_course.plotting.latent import planes, posterior_ellipses, squares, unit_square


def images(n: int) -> torch.Tensor:
    return torch.rand(n, 1, 6, 6, generator=torch.Generator().manual_seed(0))


def stripes(z: torch.Tensor) -> torch.Tensor:
    """A decoder whose left half tells z[0] and whose right half tells z[1]."""
    halves = torch.sigmoid(z).unsqueeze(-1).expand(-1, 2, 2)
    return halves.reshape(-1, 1, 1, 4).expand(-1, 1, 4, 4)


def test_ellipses_reach_two_standard_deviations_to_each_side():
    fig = posterior_ellipses(torch.zeros(3, 2), torch.tensor([[0.1, 0.2]] * 3), torch.tensor([1, 2, 3]))
    drawn = [c for c in fig.axes[0].collections if isinstance(c, EllipseCollection)]
    assert len(drawn) == 2
    assert np.allclose(drawn[0].get_widths(), 0.4) and np.allclose(drawn[0].get_heights(), 0.8)
    assert "median standard deviation is 0.15" in fig.alt


def test_the_dashed_circles_hold_the_stated_shares_of_the_prior():
    fig = posterior_ellipses(torch.zeros(1, 2), torch.ones(1, 2), torch.tensor([0]))
    radii = [patch.radius for patch in fig.axes[0].patches if isinstance(patch, Circle)]
    draws = torch.randn(200_000, 2, generator=torch.Generator().manual_seed(0)).norm(dim=1)
    for radius, share in zip(radii, (0.5, 0.9, 0.99), strict=True):
        error = 4 * math.sqrt(share * (1 - share) / len(draws))
        assert abs((draws < radius).float().mean() - share) < error


def test_planes_share_one_scale_and_tell_where_each_is_highest():
    low, high = torch.zeros(5, 5), torch.zeros(5, 5)
    low[0, 4], high[3, 2] = 1.0, 2.0
    fig = planes({"a": low, "b": high}, extent=2)
    pictures = [ax.images[0] for ax in fig.axes[:2]]
    assert [picture.get_clim() for picture in pictures] == [(0, 2), (0, 2)]
    assert "a is highest, 1.00, at (2.0, -2.0)" in fig.alt and "b is highest, 2.00, at (0.0, 1.0)" in fig.alt


def test_marked_pairs_tints_those_that_are_marked_and_keeps_the_order():
    x = images(4)
    fig = marked_pairs(x, 1 - x, torch.tensor([False, True, False, False]), ncols=2)
    sheet = np.asarray(fig.axes[0].images[0].get_array())
    # One row of two pairs: 8 pixels of paper, then an image above its copy, two pixels from the left edge.
    assert np.allclose(sheet[8:14, 2:8, 0], 1 - x[0, 0], atol=1e-6)
    assert np.allclose(sheet[14:20, 2:8, 0], x[0, 0], atol=1e-6)
    tinted = np.abs(sheet[..., 0] - sheet[..., 2]) > 0.01
    assert tinted[:, 10:16].any() and not tinted[:, :10].any() and not tinted[20:].any()
    assert "1 of them lie on a tint" in fig.alt


def test_the_unit_square_is_outlined_where_it_lies_and_decoded_beside():
    fig = unit_square(stripes, n=4)
    outline = next(patch for patch in fig.axes[0].patches if isinstance(patch, Rectangle))
    assert outline.get_xy() == (0.5, 0.5)
    assert outline.get_width() == pytest.approx(0.3413, abs=1e-4)
    right = 1 - np.asarray(fig.axes[1].images[0].get_array())
    assert right[0, 0] == pytest.approx(0.5)  # top left: z[0] is 0
    assert right[0, 3] == pytest.approx(1 / (1 + math.exp(-1)), abs=1e-6)  # top left: z[1] is 1
    assert right[-1, -4] == pytest.approx(1 / (1 + math.exp(-1)), abs=1e-6)  # bottom right: z[0] is 1
    assert "11.7 % of the prior" in fig.alt


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: posterior_ellipses(torch.zeros(3, 3), torch.ones(3, 3), torch.zeros(3)), "in the plane"),
        (lambda: posterior_ellipses(torch.zeros(3, 2), torch.zeros(3, 2), torch.zeros(3).long()), "above zero"),
        (lambda: posterior_ellipses(torch.zeros(3, 2), torch.ones(3, 2), torch.zeros(2).long()), "for each of the 3"),
        (lambda: planes({}, extent=1), "at least one"),
        (lambda: planes({"q": torch.zeros(2, 3)}, extent=1), "a square"),
        (lambda: planes({"q": -torch.ones(2, 2)}, extent=1), "none below zero"),
        (lambda: marked_pairs(images(4), images(3), torch.zeros(4)), "one reconstruction"),
        (lambda: marked_pairs(images(4), images(4), torch.zeros(3)), "one mark"),
        (lambda: marked_pairs(images(4), images(4), torch.zeros(4), ncols=3), "rows of 3"),
        (lambda: unit_square(stripes, n=1), "two codes or more"),
    ],
)
def test_bad_input_is_named_in_one_sentence(call, said):
    with pytest.raises(ValueError, match=said):
        call()


def test_squares_outline_the_unit_square_and_tell_the_share_of_the_means_inside():
    mu = torch.tensor([[0.5, 0.5], [0.2, 0.9], [2.0, 0.5], [-1.0, 0.5]])
    std, windows = torch.full((4, 2), 0.1), {"a": (-0.5, 1.5), "b": (-4.0, 4.0)}
    fig = squares({"a": mu, "b": 0 * mu + 0.5}, {"a": std, "b": std}, torch.arange(4), windows=windows, ellipses=2)
    for ax, window in zip(fig.axes, windows.values(), strict=True):
        outline = next(patch for patch in ax.patches if isinstance(patch, Rectangle))
        assert (outline.get_xy(), outline.get_width(), outline.get_height()) == ((0, 0), 1, 1)
        assert ax.get_xlim() == window and ax.get_ylim() == window
        drawn = next(c for c in ax.collections if isinstance(c, EllipseCollection))
        assert np.allclose(drawn.get_widths(), 0.4) and len(drawn.get_offsets()) == 2
    assert "a: 50 % inside, median standard deviation 0.10; b: 100 % inside" in fig.alt


@pytest.mark.parametrize(
    ("mu", "std", "said"),
    [
        ({}, {}, "the same names"),
        ({"a": torch.zeros(3, 2)}, {"b": torch.ones(3, 2)}, "the same names"),
        ({"a": torch.zeros(3, 2)}, {"a": torch.ones(2, 2)}, "N pairs of widths"),
        ({"a": torch.zeros(2, 2)}, {"a": torch.ones(2, 2)}, "N classes"),
    ],
)
def test_squares_name_what_is_wrong(mu, std, said):
    with pytest.raises(ValueError, match=said):
        squares(mu, std, torch.zeros(3).long(), windows=dict.fromkeys(mu, (-1.0, 1.0)))
