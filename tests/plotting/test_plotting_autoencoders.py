"""The pictures of autoencoders say what the numbers say."""

import math

import numpy as np
import pytest
import torch
from matplotlib.colors import to_rgb

from vae_course.plotting.autoencoders import decoded_plane, image_rows, projections
from vae_course.plotting.images import TINT

POINTS = torch.tensor([[1.0, 1.0], [3.0, 1.0], [2.0, 4.0]])
CORNERS = torch.tensor([[0.0, 0.0], [4.0, 2.0], [0.2, 1.9]])


def dark(z):
    """A picture that is ink all over where z[0] is large and z[1] is small, else paper."""
    ink = ((z[:, 0] > 3) & (z[:, 1] < 0.5)).float()
    return ink.reshape(-1, 1, 1, 1).expand(-1, 1, 28, 28)


def cells_of(fig, n):
    """The colour at the centre of each cell, from the top left: [n, n, 3]."""
    sheet = np.asarray(fig.axes[0].images[0].get_array())
    at = (np.arange(n) * 28) + 14
    return sheet[at][:, at]


def test_a_projection_is_drawn_at_its_foot_and_its_error_is_told():
    fig = projections(POINTS, torch.tensor([1.0, 0.0]))
    feet, cloud = (c.get_offsets() for c in fig.axes[0].collections)
    assert np.allclose(cloud, POINTS)
    assert np.allclose(feet, [[1, 2], [3, 2], [2, 2]])
    assert "mean squared distance is 2.000" in fig.alt


def test_a_thin_line_joins_each_point_to_its_foot():
    fig = projections(POINTS, torch.tensor([math.sqrt(0.5), math.sqrt(0.5)]))
    joins = [line.get_xydata() for line in fig.axes[0].lines][:-1]
    assert len(joins) == 3
    assert all(abs((b - a) @ np.array([1, 1])) < 1e-6 for a, b in joins)


@pytest.mark.parametrize(
    ("points", "u", "said"),
    [
        (torch.ones(3, 3), [1.0, 0.0], r"\[3, 3\]"),
        (POINTS, [1.0, 1.0], "length one"),
        (POINTS, [1.0], "length one"),
        (torch.full((2, 2), torch.nan), [1.0, 0.0], "NaN"),
    ],
)
def test_projections_names_what_is_wrong(points, u, said):
    with pytest.raises(ValueError, match=said):
        projections(points, torch.tensor(u))


def test_a_row_stands_beside_its_name():
    rows = {"original": torch.zeros(4, 1, 28, 28), "copy": torch.ones(4, 1, 28, 28)}
    fig = image_rows(rows)
    ax = fig.axes[0]
    sheet = np.asarray(ax.images[0].get_array())
    for text, shade in zip(ax.texts, (0.0, 1.0), strict=True):
        assert sheet[int(text.get_position()[1]), 10] == shade
    assert [text.get_text() for text in ax.texts] == list(rows)
    assert fig.alt == "4 images in 2 rows: original; copy."


@pytest.mark.parametrize(
    ("rows", "said"),
    [({}, "at least one row"), ({"a": torch.zeros(4, 1, 28, 28), "b": torch.zeros(3, 1, 28, 28)}, "b has shape")],
)
def test_rows_names_what_is_wrong(rows, said):
    with pytest.raises(ValueError, match=said):
        image_rows(rows)


def test_marked_images_of_a_row_lie_on_a_tint_and_are_counted():
    rows = {"start": torch.zeros(3, 1, 28, 28), "after": torch.zeros(3, 1, 28, 28)}
    fig = image_rows(rows, marked={"after": torch.tensor([False, True, False])})
    sheet = np.asarray(fig.axes[0].images[0].get_array())
    tinted = np.abs(sheet - np.array(to_rgb(TINT))).max(axis=2) < 1e-6
    assert tinted.sum() == 28 * 28
    row, column = np.argwhere(tinted).mean(axis=0)
    assert row > sheet.shape[0] / 2 and abs(column - sheet.shape[1] / 2) < 2
    assert fig.alt == "3 images in 2 rows: start; after, 1 on a tint."


def test_columns_have_their_names_above_the_first_row():
    rows = {"a": torch.ones(3, 1, 28, 28), "b": torch.ones(3, 1, 28, 28)}
    fig = image_rows(rows, columns=range(7, 10))
    ax = fig.axes[0]
    sheet = np.asarray(ax.images[0].get_array())
    heads = {text.get_text(): text.get_position() for text in ax.texts if text.get_text() not in rows}
    assert list(heads) == ["7", "8", "9"]
    for x, y in heads.values():
        assert not sheet[: int(y) + 5].any() and sheet[8:, int(x)].any()
    assert fig.alt == "3 images in 2 rows, with 7, 8, 9 over the columns: a; b."
    with pytest.raises(ValueError, match="2 labels for 3 columns"):
        image_rows(rows, columns=["one", "two"])


@pytest.mark.parametrize("marked", [{"b": [True] * 3}, {"a": [True] * 2}])
def test_marks_that_fit_no_row_are_named(marked):
    with pytest.raises(ValueError, match="a row's name and 3 marks"):
        image_rows({"a": torch.zeros(3, 1, 28, 28)}, marked=marked)


def test_cells_without_a_code_are_tinted_and_counted():
    fig = decoded_plane(dark, CORNERS, n=2)
    shown, tint = cells_of(fig, 2), np.array(to_rgb(TINT))
    assert np.allclose(shown[0], 1) and np.allclose(shown[1, 0], 1) and np.allclose(shown[1, 1], tint)
    fig = decoded_plane(dark, CORNERS, n=4)
    shown = cells_of(fig, 4)
    assert np.allclose(shown[0, 0], 1) and np.allclose(shown[0, 3], 1) and np.allclose(shown[3, 0], 1)
    assert np.allclose(shown[1, 1], tint)
    assert "81 % of the cells" in fig.alt


def test_the_picture_of_a_cell_stands_where_its_code_is():
    shown = cells_of(decoded_plane(dark, CORNERS, n=4), 4)
    assert np.allclose(shown[3, 3], 0)
    assert (np.delete(shown.reshape(16, 3), 15, axis=0) > 0.5).any(axis=1).all()


def test_the_axes_are_those_of_the_codes():
    fig = decoded_plane(dark, CORNERS, n=4)
    ax = fig.axes[0]
    assert (*ax.get_xlim(), *ax.get_ylim()) == pytest.approx((0, 4, 0, 2))
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("z[0]", "z[1]")


@pytest.mark.parametrize(
    ("z", "n", "said"),
    [
        (torch.ones(3, 3), 4, r"\[3, 3\]"),
        (CORNERS, 1, "two cells or more"),
        (torch.ones(3, 2), 4, "codes that differ"),
    ],
)
def test_the_plane_names_what_is_wrong(z, n, said):
    with pytest.raises(ValueError, match=said):
        decoded_plane(dark, z, n=n)


def test_long_names_of_rows_are_not_cut_off():
    fig = image_rows(dict.fromkeys(("network, 2 numbers", "more random codes!"), torch.zeros(2, 1, 28, 28)))
    fig.canvas.draw()
    assert min(text.get_window_extent().x0 for text in fig.axes[0].texts) > 2
