"""The pictures of lesson 16 say what their numbers say."""

import pytest

from vae_course.plotting.hierarchies import level_rates, shares


def test_two_rates_lie_on_top_of_each_other():
    fig = shares([0.0, 0.5, 1.0], [2.0, 1.5, 0.5], [-0.0, 0.5, 1.5], xlabel="a")
    lower, upper = fig.axes[0].lines
    assert lower.get_ydata().tolist() == [2.0, 1.5, 0.5] and upper.get_ydata().tolist() == [2.0, 2.0, 2.0]
    assert {text.get_text() for text in fig.axes[0].texts} == {"bottom", "top", "their sum"}
    assert fig.alt == (
        "Rates of two levels over a, on top of each other: bottom from 2.000 to 0.500; top from 0.000 to 1.500; their sum"
        " from 2.000 to 2.000 nats."
    )


def test_each_level_is_a_bar_of_its_mean_with_a_mark_for_each_seed():
    fig = level_rates({"one": ([10.0, 12.0], [1.0, 3.0]), "two": ([8.0], [5.0])})
    ax = fig.axes[0]
    assert [(bar.get_x(), bar.get_width()) for bar in ax.patches] == [(0, 11.0), (11.0, 2.0), (0, 8.0), (8.0, 5.0)]
    marks = [line.get_xdata().tolist() for line in ax.lines if line.get_marker() in ("o", "D")]
    assert marks == [[10.0, 12.0], [11.0, 15.0], [8.0], [13.0]]
    assert "one: bottom 11.0 (10.0 to 12.0), top 2.0 (1.0 to 3.0)" in fig.alt
    assert [text.get_text() for text in ax.get_yticklabels()] == ["one", "two"] and ax.yaxis_inverted()


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: shares([0.0, 1.0], [1.0, 1.0], [0.5, -0.5], xlabel="a"), "A rate is -0.500"),
        (lambda: shares([0.0, 1.0], [1.0], [1.0, 1.0], xlabel="a"), "bottom has 1 values"),
        (lambda: level_rates({}), "groups is empty"),
        (lambda: level_rates({"one": ([1.0], [1.0, 2.0])}), "both levels of each seed"),
    ],
)
def test_bad_input_is_named(call, said: str):
    with pytest.raises(ValueError, match=said):
        call()
