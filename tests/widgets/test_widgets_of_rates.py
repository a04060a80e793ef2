"""The beta slider and the dashboard of latent dimensions, without a browser; and the pictures that they draw."""

import io

import pytest
import torch
from PIL import Image

from tests.support.old_widgets import unknown_to_7_7_1
from vae_course.evaluation import evaluate, kl_per_dim
from vae_course.models import VAE
from vae_course.plotting.cures import cures
from vae_course.plotting.rates import dimensions, rate_distortion, shares, spreads, walks
from vae_course.widgets.beta_playground import BetaPlayground, curve, in_words, mosaic
from vae_course.widgets.dimension_dashboard import REACH, DimensionDashboard, bars, walk
from vae_course.widgets.pictures import png, to_png

IMAGES = torch.rand(20, 1, 28, 28, generator=torch.Generator().manual_seed(0)).round()


def vae(seed: int) -> VAE:
    torch.manual_seed(seed)
    return VAE.mlp(3, hidden=(8,))


MODELS = {4.0: vae(0), 0.5: vae(1), 1.0: vae(2)}


@pytest.fixture
def slider() -> BetaPlayground:
    return BetaPlayground(MODELS, IMAGES)


@pytest.fixture
def dashboard() -> DimensionDashboard:
    return DimensionDashboard({"first": vae(0), "second": vae(1)}, IMAGES)


def test_the_slider_runs_through_the_betas_in_order_and_starts_at_one(slider: BetaPlayground):
    assert [value for _, value in slider.slider.options] == [0.5, 1.0, 4.0] and slider.slider.value == 1.0


@pytest.mark.parametrize("beta", MODELS)
def test_each_part_follows_the_slider(slider: BetaPlayground, beta: float):
    slider.slider.value = 0.5 if beta != 0.5 else 4.0
    slider.slider.value = beta
    result = evaluate(MODELS[beta], IMAGES)
    assert f"ELBO {result.elbo:.1f} nats" in slider.status.value and f"beta {beta:g}:" in slider.status.value
    assert slider.curve.value == png(curve(slider.measured, beta))
    assert slider.copies.value == to_png(mosaic(MODELS[beta].reconstruct(IMAGES[:12])))
    assert slider.error.value == ""


def test_the_same_codes_are_decoded_by_each_model(slider: BetaPlayground):
    first = slider.samples.value
    slider.go_to(4.0)
    assert slider.samples.value != first
    slider.go_to(1.0)
    assert slider.samples.value == first


def test_a_mosaic_is_filled_row_by_row():
    picture = mosaic(torch.arange(5.0).view(5, 1, 1, 1), ncols=3)
    assert picture.squeeze(0).tolist() == [[0, 1, 2], [3, 4, 0]]


def test_the_dashboard_begins_with_the_dearest_dimension_and_the_code_of_the_image(dashboard: DimensionDashboard):
    model = dashboard.models["first"]
    kl, code = kl_per_dim(model, IMAGES), model.posterior(IMAGES[:1]).mean[0].detach()
    d = int(kl.argmax())
    assert dashboard.dim.value == d and dashboard.value.value == pytest.approx(float(code[d]), abs=0.03)
    assert f"KL {float(kl[d]):.2f} nats" in dashboard.status.value
    assert dashboard.picture.value == to_png(model.decode_mean(code[None]).detach()[0])


def test_moving_the_slider_changes_that_entry_of_the_code_alone(dashboard: DimensionDashboard):
    model, code = dashboard.models["first"], dashboard._encoded.clone()
    dashboard.value.value = 2.0
    code[dashboard.dim.value] = 2.0
    assert dashboard.picture.value == to_png(model.decode_mean(code[None]).detach()[0])
    assert "= 2.00" in dashboard.status.value


def test_another_dimension_starts_from_the_code_again(dashboard: DimensionDashboard):
    dashboard.value.value = 2.0
    dashboard.show("second", 2, -1.0, image=3)
    code = dashboard.models["second"].posterior(IMAGES[3:4]).mean[0].detach().clone()
    code[2] = -1.0
    assert dashboard.picture.value == to_png(dashboard.models["second"].decode_mean(code[None]).detach()[0])
    assert dashboard.bars.value == png(bars(dashboard.measured["second"], 2))


def test_a_walk_moves_one_entry_from_end_to_end():
    codes = walk(torch.tensor([0.3, 0.4]), 1)
    assert codes[:, 0].tolist() == pytest.approx([0.3] * 7) and (codes[0, 1], codes[-1, 1]) == (-REACH, REACH)


def test_an_error_is_told_in_place(dashboard: DimensionDashboard, monkeypatch: pytest.MonkeyPatch):
    def broken(z: torch.Tensor) -> torch.Tensor:
        raise RuntimeError("this decoder is broken")

    monkeypatch.setattr(dashboard.models["first"], "decode_mean", broken)
    dashboard.value.value = 1.0
    assert "this decoder is broken" in dashboard.error.value
    monkeypatch.undo()
    dashboard.value.value = 1.5
    assert dashboard.error.value == ""


def test_both_use_only_what_version_7_7_1_has_too(slider: BetaPlayground, dashboard: DimensionDashboard):
    assert unknown_to_7_7_1(slider) == [] and unknown_to_7_7_1(dashboard) == []


def test_the_stand_ins_are_pictures_with_words(slider: BetaPlayground, dashboard: DimensionDashboard):
    for widget, said in ((slider, "beta 0.5: R "), (dashboard, "KL in nats of dimension")):
        bundle, metadata = widget._repr_mimebundle_()
        assert said in bundle["text/plain"] and metadata["image/png"]["alt"] == bundle["text/plain"]


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: BetaPlayground({1.0: MODELS[1.0]}, IMAGES), "There are 1 models"),
        (lambda: BetaPlayground(MODELS, IMAGES[:3]), "3 images"),
        (lambda: BetaPlayground(MODELS, IMAGES).go_to(3.0), "there are models for 0.5, 1, 4"),
        (lambda: DimensionDashboard({}, IMAGES), "There are 0 models"),
        (lambda: DimensionDashboard({"a": vae(0)}, IMAGES).show("b", 0, 0.0), "no model 'b'"),
        (lambda: DimensionDashboard({"a": vae(0)}, IMAGES).show("a", 3, 0.0), "dim is 3: choose a number from 0 to 2"),
        (lambda: DimensionDashboard({"a": vae(0)}, IMAGES).show("a", 0, 9.0), "value is 9"),
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
def test_bad_input_is_named_in_one_sentence(make, said: str):
    with pytest.raises(ValueError, match=said):
        make()


def test_the_curve_shows_points_tangent_and_the_region_without_models():
    fig = rate_distortion([5.0, 2.0, 0.0], [1.0, 2.5, 9.0], [0.5, 1.0, 8.0], chosen=1.0, best=4.0)
    assert "beta 1: R 2.0, D 2.5" in fig.alt and fig.alt.endswith("No model has R + D below 4.0.")
    lines = [line.get_xydata() for line in fig.axes[0].lines]
    slopes = [(y[-1] - y[0]) / (x[-1] - x[0]) for x, y in (line.T for line in lines) if len(x) == 2]
    assert slopes and slopes == pytest.approx([-1.0] * len(slopes)), "lines of equal ELBO, edge and tangent at beta 1"
    with Image.open(io.BytesIO(png(fig))) as image:
        assert image.size == (700, 380)


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


def test_the_words_name_rate_distortion_and_elbo(slider: BetaPlayground):
    measured = slider.measured
    rate, distortion = measured.rates[0], measured.distortions[0]
    expected = f"beta 0.5: rate {rate:.1f}, distortion {distortion:.1f}, ELBO {-rate - distortion:.1f} nats"
    assert in_words(measured, 0.5).startswith(expected)


def test_cures_are_told_row_by_row():
    fig = cures({"ill": (0, 0.1, -90.0), "well": (9, 12.0, -85.0)}, reference="ill")
    assert fig.alt == "ill: 0 active, rate 0.1, ELBO -90.0; well: 9 active, rate 12.0, ELBO -85.0."
