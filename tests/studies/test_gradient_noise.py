"""Two gradient estimators: both are right on average, and as noisy as theory says."""

import itertools
import math

import pytest
import torch

from vae_course.studies.gradient_noise import (
    Setting,
    estimates,
    mean_f,
    pathwise_variance,
    score_variance,
    true_gradient,
)

SETTINGS = [
    Setting(dim, n_draws, distance, baseline)
    for dim, n_draws, distance, baseline in itertools.product((1, 2, 10), (1, 5), (0.0, 1.5), (False, True))
]

pytestmark = pytest.mark.usefixtures("one_thread_only")


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
    assert true_gradient(setting) == -0.5 and math.copysign(1, true_gradient(Setting())) == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [((0, 1), "dim is 0"), ((1, 0), "n_draws is 0"), ((1, 1, math.nan), "distance is nan")],
)
def test_a_setting_names_what_is_wrong(arguments, said):
    with pytest.raises(ValueError, match=said):
        Setting(*arguments)
