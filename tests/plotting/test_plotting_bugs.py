"""The pictures of a diagnosis show what each run prints."""

import numpy as np
import pytest
import torch

from vae_course.plotting.history import beside
from vae_course.plotting.images import rows
from vae_course.training import History

CURVES = {"loss": [3.0, 2.0], "reconstruction": [2.5, 1.0], "kl": [0.5, 1.0]}


def test_each_panel_has_a_line_for_each_run_as_given():
    fig = beside({"healthy": History(train=CURVES, epochs=2), "case A": {k: [0.1, 0.2] for k in CURVES}})
    assert [ax.get_title(loc="left") for ax in fig.axes] == ["loss", "reconstruction", "KL"]
    for ax, values in zip(fig.axes, CURVES.values(), strict=True):
        np.testing.assert_allclose(ax.lines[0].get_ydata(), values)
        np.testing.assert_allclose(ax.lines[1].get_ydata(), [0.1, 0.2])
        assert list(ax.lines[0].get_xdata()) == [1, 2]
    assert "loss of healthy from 3.00 to 2.00" in fig.alt and "KL of case A" in fig.alt
    assert [text.get_text() for text in fig.legends[0].texts] == ["healthy", "case A"]


def test_runs_of_different_lengths_share_a_panel():
    fig = beside({"long": {"loss": [3.0, 2.0, 1.0]}, "short": {"loss": [3.0]}}, parts=("loss",))
    assert [len(line.get_xdata()) for line in fig.axes[0].lines] == [3, 1]


def test_curves_that_are_missing_are_named():
    with pytest.raises(ValueError, match="runs is empty"):
        beside({})
    with pytest.raises(ValueError, match="one has no curve 'kl'"):
        beside({"one": {"loss": [1.0], "reconstruction": [1.0]}})
    with pytest.raises(ValueError, match="one has no curve 'loss': it has none"):
        beside({"one": {}})


def test_rows_stand_below_each_other_in_their_order():
    fig = rows({"paper": torch.zeros(3, 1, 28, 28), "ink": torch.ones(3, 1, 28, 28)})
    picture = fig.axes[0].images[0].get_array()
    half = picture.shape[0] // 2
    assert picture[:half].max() == 0 and picture[half:].max() == 1
    assert [text.get_text() for text in fig.axes[0].texts] == ["paper", "ink"]
    assert fig.alt == "Rows of 3 images: paper; ink."


def test_names_of_rows_stay_inside_the_picture():
    fig = rows({"samples, of a very long name": torch.zeros(2, 1, 28, 28)})
    fig.canvas.draw()
    assert fig.axes[0].texts[0].get_window_extent().x0 >= 0


def test_rows_that_make_no_picture_are_refused():
    with pytest.raises(ValueError, match="rows is empty"):
        rows({})
    with pytest.raises(ValueError, match="give equal rows"):
        rows({"a": torch.zeros(3, 1, 28, 28), "b": torch.zeros(2, 1, 28, 28)})
    with pytest.raises(ValueError):
        rows({"a": torch.full((1, 1, 28, 28), 2.0)})
