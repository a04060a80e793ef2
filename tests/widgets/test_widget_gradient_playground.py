"""The gradient playground: both estimators are right on average, and as noisy as theory says."""

import io
import itertools
import math

import pytest
import torch
from PIL import Image

from tests.support.old_widgets import unknown_to_7_7_1
from vae_course.widgets.gradient_noise import (
    Setting,
    estimates,
    mean_f,
    pathwise_variance,
    score_variance,
    true_gradient,
)
from vae_course.widgets.gradient_playground import (
    DIMENSIONS,
    DISTANCES,
    DRAWS,
    START,
    GradientPlayground,
    in_words,
    picture,
    render,
)

SETTINGS = [
    Setting(dim, n_draws, distance, baseline)
    for dim, n_draws, distance, baseline in itertools.product((1, 2, 10), (1, 5), (0.0, 1.5), (False, True))
]

pytestmark = pytest.mark.usefixtures("one_thread_only")


@pytest.fixture
def playground():
    return GradientPlayground()


def named(setting):
    return f"D{setting.dim}-L{setting.n_draws}-{setting.distance}-{'b' if setting.baseline else 'plain'}"


@pytest.mark.parametrize("setting", SETTINGS, ids=named)
def test_both_estimators_are_free_of_bias(setting):
    for values in estimates(setting, 20_000):
        assert values.shape == (20_000,)
        error = values.double().std() / 20_000**0.5
        assert abs(values.double().mean() - true_gradient(setting)) < 4 * error


@pytest.mark.parametrize("setting", SETTINGS, ids=named)
def test_both_variances_are_those_of_the_closed_form(setting):
    score, pathwise = (values.double() for values in estimates(setting, 40_000, seed=1))
    for values, exact in ((score, score_variance(setting)), (pathwise, pathwise_variance(setting))):
        squares = (values - values.mean()) ** 2
        assert abs(squares.mean() - exact) < 4 * squares.std() / 40_000**0.5


@pytest.mark.parametrize("dim", [1, 2, 20, 50])
def test_at_the_optimum_the_variances_are_the_lessons_formulas(dim):
    assert score_variance(Setting(dim)) == pytest.approx((dim + 2) * (dim + 4) / 4)
    assert score_variance(Setting(dim, baseline=True)) == pytest.approx((dim + 4) / 2)
    assert score_variance(Setting(dim, 10)) == pytest.approx(score_variance(Setting(dim)) / 10)
    assert pathwise_variance(Setting(dim, 10)) == 0.1


def test_the_lessons_question_has_the_answers_that_it_gives():
    """The least draws on the slider that bring the standard deviation to 3 or below, in 50 dimensions."""

    def least(counts, *, baseline):
        return next(n for n in counts if score_variance(Setting(50, n, 0.0, baseline)) <= 9)

    assert [least(DRAWS, baseline=False), least(DRAWS, baseline=True)] == [100, 5]
    assert [least(range(1, 101), baseline=False), least(range(1, 101), baseline=True)] == [78, 3]


@pytest.mark.parametrize("baseline", [False, True])
def test_the_score_function_widens_with_dimension_and_distance_and_the_path_with_neither(baseline):
    settings = [Setting(2, 1, 0.0, baseline), Setting(10, 1, 0.0, baseline), Setting(10, 1, 1.0, baseline)]
    variances = [score_variance(setting) for setting in settings]
    assert variances == sorted(set(variances))
    assert {pathwise_variance(setting) for setting in settings} == {1.0}


def test_the_pathwise_estimate_is_the_derivative_that_autograd_finds():
    """With the mean of f, its gradient, and the estimate from the same noise."""
    setting = Setting(3, 4, 0.5)
    eps = torch.randn(6, 4, 3, generator=torch.Generator().manual_seed(2))
    mu = torch.full((6, 1, 3), 0.5, requires_grad=True)
    (-0.5 * (mu + eps).square().sum(-1)).mean(1).sum().backward()
    torch.testing.assert_close(estimates(setting, 6, seed=2)[1], mu.grad[:, 0, 0])
    assert mean_f(setting) == pytest.approx(-0.5 * 3 * 1.25)
    assert true_gradient(setting) == -0.5 and math.copysign(1, true_gradient(START)) == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [((0, 1), "dim is 0"), ((1, 0), "n_draws is 0"), ((1, 1, math.nan), "distance is nan")],
)
def test_a_setting_names_what_is_wrong(arguments, said):
    with pytest.raises(ValueError, match=said):
        Setting(*arguments)


def test_render_gives_a_picture_that_depends_on_everything():
    settings = [START, Setting(3), Setting(2, 2), Setting(2, 1, 0.25), Setting(2, 1, 0.0, True)]
    pictures = [render(setting) for setting in settings] + [render(START, seed=1)]
    assert len(set(pictures)) == 6
    with Image.open(io.BytesIO(pictures[0])) as image:
        assert image.format == "PNG" and image.size == (700, 360)


def test_the_picture_is_told_in_words():
    fig = picture(Setting(5, 10, 0.5, True))
    assert fig.alt.startswith("D = 5, L = 10, distance 0.5, with baseline.")
    assert "true gradient -0.50" in fig.alt and "pathwise: mean -0." in fig.alt


def test_the_words_hold_measured_and_exact_numbers():
    words = in_words(Setting(20))
    assert "132 exact" in words and "Ratio:" in words and "132.0 exact" in words
    assert words != in_words(Setting(20), seed=1)


def test_it_starts_at_the_optimum_in_two_dimensions(playground):
    assert playground.setting == START == Setting(2, 1, 0.0, False)
    assert playground.picture.value == render(START)
    assert in_words(START) in playground.status.value and 'role="status"' in playground.status.value


def test_each_control_moves_picture_and_words(playground):
    moves = [
        (playground.dim, 10, Setting(10)),
        (playground.n_draws, 5, Setting(10, 5)),
        (playground.distance, 0.5, Setting(10, 5, 0.5)),
        (playground.baseline, True, Setting(10, 5, 0.5, True)),
    ]
    for control, value, setting in moves:
        control.value = value
        assert playground.setting == setting
        assert playground.picture.value == render(setting)
        assert in_words(setting) in playground.status.value


def test_the_sliders_have_names_and_follow_while_dragged(playground):
    pairs = ((playground.dim, DIMENSIONS), (playground.n_draws, DRAWS), (playground.distance, DISTANCES))
    for slider, values in pairs:
        assert tuple(value for _, value in slider.options) == values
        assert slider.continuous_update and slider.description
    assert playground.baseline.description


def test_new_draw_changes_the_noise_only_and_reset_brings_the_first_back(playground):
    playground.dim.value = 5
    playground.draw_button.click()
    assert playground.setting == Setting(5) and playground.picture.value == render(Setting(5), seed=1)
    playground.reset_button.click()
    assert (playground.dim.value, playground.setting) == (2, START)
    assert playground.picture.value == render(START)


def test_show_is_for_use_from_code_and_draws_once(playground, monkeypatch):
    calls = []
    monkeypatch.setattr(
        "vae_course.widgets.gradient_playground.render", lambda *args, **kwargs: calls.append(args) or b""
    )
    playground.show(Setting(50, 100, 2.0, True))
    assert len(calls) == 1 and playground.dim.value == 50 and playground.baseline.value
    with pytest.raises(ValueError, match="dim is 7: this playground has 1, 2, 3, 5, 10, 20, 50"):
        playground.show(Setting(7))


def test_an_error_is_shown_in_place_and_goes_away(playground, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("vae_course.widgets.gradient_playground.render", lambda *args, **kwargs: 1 / 0)
        playground.dim.value = 3
        assert "ZeroDivisionError" in playground.error.value and playground.error.layout.display == ""
    playground.draw_button.click()
    assert playground.error.value == "" and playground.error.layout.display == "none"


def test_the_stand_in_is_a_picture_with_words(playground):
    bundle, metadata = playground._repr_mimebundle_()
    assert bundle["image/png"] and "D = 2, L = 1" in bundle["text/plain"]
    assert "text/html" not in bundle and metadata["image/png"]["alt"] == bundle["text/plain"]


def test_nothing_is_set_that_ipywidgets_7_7_1_would_ignore(playground):
    assert unknown_to_7_7_1(playground) == []
