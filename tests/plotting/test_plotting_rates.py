"""The pictures of rates, dimensions and cures say what the numbers say."""

import pytest
import torch

from vae_course.plotting.rates import cures, dimensions, rate_distortion, shares, spreads, walks

IMAGES = torch.rand(6, 1, 28, 28, generator=torch.Generator().manual_seed(0)).round()


def test_the_curve_shows_points_tangent_and_the_region_without_models():
    fig = rate_distortion([5.0, 2.0, 0.0], [1.0, 2.5, 9.0], [0.5, 1.0, 8.0], chosen=1.0, best=4.0)
    assert "beta 1: R 2.0, D 2.5" in fig.alt and fig.alt.endswith("No model has R + D below 4.0.")
    lines = [line.get_xydata() for line in fig.axes[0].lines]
    slopes = [(y[-1] - y[0]) / (x[-1] - x[0]) for x, y in (line.T for line in lines) if len(x) == 2]
    assert slopes and slopes == pytest.approx([-1.0] * len(slopes)), "lines of equal ELBO, edge and tangent at beta 1"
    assert tuple(fig.bbox.size) == (700, 380)


def texts(fig) -> list[str]:
    return [text.get_text() for text in fig.axes[0].texts]


def test_points_in_one_place_share_a_label_and_deaths_are_marked():
    path = [4.0, 2.0, 1.0, 0.0], [0.0, 1.0, 3.0, 9.0]
    fig = rate_distortion(
        [4.0, 0.0, 0.0], [0.0, 9.0, 9.0], [1.0, 8.0, 16.0], path=path, deaths={4.0: (1.0, 3.0), 8.0: (0.0, 9.0)}
    )
    assert {"8 (one dies), 16", "4 (one dies)", "1"} <= set(texts(fig)) and "A direction dies at beta 4, 8." in fig.alt
    assert any(len(line.get_xdata()) == 4 for line in fig.axes[0].lines), "the finer curve"


def test_no_line_of_equal_elbo_is_drawn_where_it_could_not_be_told_from_the_edge():
    ends = [0.0, 5.0], [5.0, 0.0]
    assert " ELBO -6" in texts(rate_distortion(*ends, [2.0, 1.0]))
    assert " ELBO -6" not in texts(rate_distortion(*ends, [2.0, 1.0], best=5.8))


def test_shares_end_at_one_where_the_upper_estimate_exceeds_the_rate():
    fig = shares([0.5, 2.0], [10.0, 4.0], [5.0, 2.0], [30.0, 3.0])
    assert fig.alt.endswith("beta 0.5: 0.50 or more; beta 2: 0.50 to 0.75.")
    upper, lower = fig.axes[0].lines
    assert upper.get_xydata().tolist() == [[2.0, 0.75]] and lower.get_ydata().tolist() == [0.5, 0.5]
    band = fig.axes[0].collections[0].get_paths()[0].vertices
    assert band[:, 1].max() == 1.0


def test_variances_are_sorted_and_counted():
    fig = spreads({"one": [0.001, 0.5, 0.02], "two": [0.003, 0.002, 0.001]})
    assert fig.axes[0].lines[0].get_ydata().tolist() == [0.5, 0.02, 0.001]
    assert "one: 0.5 to 0.001, 2 of 3 above; two: 0.003 to 0.001, 0 of 3 above." in fig.alt
    assert {"one: 2", "two: 0"} <= set(texts(fig))


def test_a_walk_names_its_rows_and_the_values_of_its_columns():
    fig = walks({"annealing": IMAGES[:3], "b": IMAGES[3:6]}, [-1, 0, 1])
    assert texts(fig) == ["annealing", "b", "-1", "0", "1"]
    assert fig.alt == "Pictures along one dimension from -1 to 1: annealing; b."
    fig.canvas.draw()
    assert all(text.get_window_extent().x0 >= 0 for text in fig.axes[0].texts), "no name is cut off"


def test_bars_stand_in_order_with_dead_ones_hatched():
    fig = dimensions([0.1, 2.0, 0.5], [False, True, True])
    assert [round(bar.get_height(), 1) for bar in fig.axes[0].patches] == [2.0, 0.5, 0.1]
    assert [bool(bar.get_hatch()) for bar in fig.axes[0].patches] == [False, False, True]
    assert fig.alt.endswith("2 of 3 are active; dead: 0.")


def test_cures_are_told_row_by_row():
    fig = cures({"ill": (0, 0.1, -90.0), "well": (9, 12.0, -85.0)}, reference="ill")
    assert fig.alt == "ill: 0 active, rate 0.1, ELBO -90.0; well: 9 active, rate 12.0, ELBO -85.0."


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: rate_distortion([1.0], [2.0], [1.0, 2.0]), "give one each"),
        (lambda: rate_distortion([1.0], [2.0], [1.0], chosen=2.0), "chosen is 2"),
        (lambda: dimensions([1.0], [True, False]), "give one each"),
        (lambda: cures({"a": (1, 2.0, -3.0)}, reference="b"), "reference is 'b'"),
        (lambda: shares([1.0], [2.0], [1.0], [1.0, 2.0]), "hold 1, 1, 1, 2 numbers"),
        (lambda: shares([1.0], [0.0], [0.0], [0.0]), "above zero only"),
        (lambda: spreads({}), "variances is empty"),
        (lambda: walks({}, range(2)), "2 images for the 2 values"),
        (lambda: walks({"a": IMAGES[:3]}, range(2)), "2 images for the 2 values"),
    ],
)
def test_bad_input_is_named_in_one_sentence(make, said):
    with pytest.raises(ValueError, match=said):
        make()
