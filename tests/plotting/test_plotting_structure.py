"""The pictures of lesson 13 say what their numbers say."""

import pytest
import torch

from vae_course.plotting.structure import gains, matrices, runs


def test_gains_stand_under_or_over_the_ceiling_and_no_bar_straddles_it():
    fig = gains({"one": [0.0, 1.0, 2.0], "two": [1.0, 3.0, 3.0]}, ceiling=2.5, xlabel="gain (nats)")
    assert fig.alt == (
        "gain (nats), with a ceiling at 2.50: one 1.00 on average, 0% above it; two 2.33 on average, 67% above it."
    )
    assert [list(line.get_xdata()) for line in fig.axes[0].lines] == [[2.5, 2.5]]
    for outline in fig.axes[0].patches:
        assert min(abs(edge - 2.5) for edge in outline.get_data().edges) < 1e-8


def test_a_gain_that_reaches_the_ceiling_lies_below_it_in_spite_of_rounding():
    fig = gains({"one": [2.5 + 1e-14, 2.5, 1.0]}, ceiling=2.5, xlabel="gain (nats)")
    assert "0% above it" in fig.alt
    outline = fig.axes[0].patches[0].get_data()
    assert outline.edges[:-1][outline.values > 0].max() < 2.5


def test_runs_are_points_with_a_look_of_their_own():
    fig = runs({"a": ([1, 2], [3, 4]), "b": ([5], [6])}, xlabel="distortion", ylabel="TC", logy=True)
    first, second = fig.axes[0].lines
    assert first.get_xydata().tolist() == [[1, 3], [2, 4]] and second.get_xydata().tolist() == [[5, 6]]
    assert first.get_marker() != second.get_marker() and first.get_color() != second.get_color()
    assert "a: from 1 to 2, 3 to 4" in fig.alt and fig.axes[0].get_yscale() == "log"


def test_tables_show_each_number():
    fig = matrices({"m": torch.tensor([[0.5, -1e-9], [0.25, 1.0]])}, rows=["z0", "z1"], columns=["u", "v"], unit="nats")
    assert [text.get_text() for text in fig.axes[0].texts] == ["0.50", "0.00", "0.25", "1.00"]
    assert fig.alt == "nats, for u, v. m: z0 0.50, 0.00; z1 0.25, 1.00."


@pytest.mark.parametrize(
    "call",
    [
        lambda: runs({}, xlabel="", ylabel=""),
        lambda: runs({"a": ([1], [1, 2])}, xlabel="", ylabel=""),
        lambda: matrices({}, rows=[], columns=[], unit=""),
        lambda: matrices({"m": [[1.0]]}, rows=["a", "b"], columns=["c"], unit=""),
        lambda: gains({}, ceiling=1.0, xlabel=""),
    ],
)
def test_bad_input_is_named(call):
    with pytest.raises(ValueError, match="give"):
        call()
