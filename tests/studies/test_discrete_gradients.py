"""Gradients through a choice: the exact one by autograd, the unbiased ones by their means, the biased ones by enumeration."""

import math

import pytest
import torch

from vae_course.studies import discrete_gradients as study
from vae_course.studies.discrete_gradients import ChoiceWorld

WORLD = study.worlds(1)[0]
THETA = torch.linspace(-1, 1, 8, dtype=torch.float64)


def source():
    return torch.Generator().manual_seed(0)


def test_the_gradient_is_that_of_the_average():
    theta = THETA.clone().requires_grad_()
    (g,) = torch.autograd.grad((torch.softmax(theta, 0) * WORLD.f()).sum(), theta)
    assert torch.allclose(WORLD.gradient(THETA), g)


def test_the_tables_are_the_same_world():
    table, column = WORLD.table(), int((WORLD.x * 2 ** torch.arange(6)).sum())
    assert table.p_x_z.shape == (8, 64)
    assert torch.allclose(table.p_x_z[:, column].log(), WORLD.f())
    assert table.marginal()[column].log().item() == pytest.approx(WORLD.log_marginal().item())
    q = torch.softmax(THETA, 0)
    assert table.elbo(column, q).item() == pytest.approx(WORLD.elbo(THETA).item())


def test_the_bound_is_met_at_the_posterior_alone():
    assert WORLD.elbo(WORLD.f()).item() == pytest.approx(WORLD.log_marginal().item())
    assert WORLD.elbo(THETA) < WORLD.log_marginal()


@pytest.mark.parametrize("estimator", ["score function", "leave-one-out"])
def test_the_score_function_is_unbiased(estimator):
    found = study.estimates(WORLD, THETA.expand(40_000, -1), estimator, n_draws=2, generator=source())
    error = found.std(0) / len(found) ** 0.5
    assert ((found.mean(0) - WORLD.gradient(THETA)).abs() < 4.5 * error).all()


def test_the_mean_of_straight_through_is_the_sum_of_slopes_at_the_codes():
    y = torch.eye(8, dtype=torch.float64).requires_grad_()
    (slopes,) = torch.autograd.grad(WORLD.log_px_y(y).sum(), y)
    q = torch.softmax(THETA, 0)
    per_code = q @ slopes
    law = q * (per_code - q @ per_code)  # the softmax's derivative, applied to the mean slope
    found = study.estimates(WORLD, THETA.expand(40_000, -1), "straight-through", generator=source())
    assert ((found.mean(0) - law).abs() < 4.5 * found.std(0) / 200).all()


def test_gumbel_softmax_is_the_gradient_of_its_own_average():
    """Finite differences of the mean of f(s), with the noise held still."""
    rows, step = THETA.expand(2000, -1), 1e-5
    found = study.estimates(WORLD, rows, "Gumbel-softmax", temperature=0.7, generator=source()).mean(0)
    noise = -(-torch.rand(1, 2000, 8, generator=source(), dtype=torch.float64).log()).log()
    for k in range(8):
        sides = [
            WORLD.log_px_y(torch.softmax((rows + sign * step * torch.eye(8)[k] + noise) / 0.7, -1)).mean()
            for sign in (1, -1)
        ]
        assert found[k].item() == pytest.approx((sides[0] - sides[1]).item() / (2 * step), abs=1e-6)


def test_one_draw_more_gives_leave_one_out_a_baseline_and_costs_no_bias():
    one = study.quality(WORLD, THETA, "score function", n=5000, n_draws=2)
    two = study.quality(WORLD, THETA, "leave-one-out", n=5000, n_draws=2)
    assert two.spread < one.spread and two.bias < 4 * two.error


def test_quality_is_relative_and_says_what_the_draws_leave_open():
    found = study.quality(WORLD, THETA, "straight-through", n=5000)
    assert found.error == pytest.approx(found.spread / math.sqrt(5000))
    assert found.bias > 20 * found.error


def test_ascent_by_an_unbiased_gradient_closes_most_of_the_gap():
    at_the_start = WORLD.log_marginal() - WORLD.elbo(torch.zeros(8, dtype=torch.float64))
    gaps = study.ascent(WORLD, "leave-one-out", steps=200, runs=10)
    assert gaps.shape == (10,) and (gaps >= 0).all() and gaps.mean() < 0.1 * at_the_start


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: ChoiceWorld(torch.zeros(8, 6), torch.zeros(5)), "must be"),
        (lambda: ChoiceWorld(torch.zeros(8, 2), torch.tensor([0.0, 0.5])), "zeros and ones"),
        (lambda: study.estimates(WORLD, THETA[None], "pathwise"), "no estimator 'pathwise'"),
        (lambda: study.estimates(WORLD, THETA[None], "leave-one-out"), "n_draws is 1"),
        (lambda: study.estimates(WORLD, THETA[None], "Gumbel-softmax", temperature=0.0), "temperature is 0.0"),
        (lambda: study.worlds(0), "n is 0"),
    ],
)
def test_bad_input_gets_one_clear_sentence(call, words):
    with pytest.raises(ValueError, match=words):
        call()
