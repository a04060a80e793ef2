"""Importance weights between Gaussians: their bounds, effective sample size and variance against what is known."""

import math

import pytest
import torch
from torch.distributions import Normal, kl_divergence

from vae_course import objectives
from vae_course.exact import LinearGaussian
from vae_course.studies.importance_weights import LOG2_KS, LOG_PX, ladder, relative_variance

PLACES = [(shift, width) for shift in (-3.0, 0.0, 1.5) for width in (0.8, 1.0, 1.5, 3.0)]

pytestmark = pytest.mark.usefixtures("one_thread_only")


@pytest.mark.parametrize(("shift", "width"), [*PLACES, (1.0, 0.4)])
def test_the_first_rung_is_log_p_x_minus_the_kl_to_the_posterior(shift, width):
    value = ladder(shift, width, 0)
    gap = kl_divergence(Normal(shift, width), Normal(0.0, 1.0)).item()
    assert value.bound == pytest.approx(LOG_PX - gap, abs=4 * value.error + 1e-9)


def test_the_weights_are_those_of_the_linear_gaussian_world():
    world = LinearGaussian(torch.tensor([[1.0], [-0.5]], dtype=torch.float64), torch.zeros(2, dtype=torch.float64), 0.7)
    x = torch.tensor([[0.8, 0.1]], dtype=torch.float64)
    posterior, shift, width = world.posterior(x), 1.2, 1.4
    std = posterior.variance.sqrt()
    q_world = world.with_posterior(posterior.mean + shift * std, 2 * (width * std).log())
    value = ladder(shift, width, 4, log_px=world.log_marginal(x).item())
    torch.manual_seed(0)
    bounds = torch.stack([objectives.iwae_bound(q_world, x.expand(1, 2), k=16) for _ in range(1500)])
    error = math.hypot(value.error, (bounds.std() / 1500**0.5).item())
    assert value.bound == pytest.approx(bounds.mean().item(), abs=4 * error)
    assert error < 0.05


@pytest.mark.parametrize(("shift", "width"), [(0.0, 0.8), (0.0, 1.5), (1.5, 1.5), (-3.0, 3.0)])
def test_the_closed_form_of_the_variance_is_that_of_a_fine_sum(shift, width):
    u = torch.linspace(-60, 60, 400_001, dtype=torch.float64)
    log_r = Normal(0.0, 1.0).log_prob(u) - Normal(shift, width).log_prob(u)
    moment = torch.trapezoid((Normal(0.0, 1.0).log_prob(u) + log_r).exp(), u).item()
    assert relative_variance(shift, width) == pytest.approx(moment - 1, rel=1e-6)


def test_the_variance_is_infinite_for_a_q_that_is_too_narrow():
    assert relative_variance(0.0, 0.7) == math.inf and math.isfinite(relative_variance(0.0, 0.72))
    assert relative_variance(3.0, 0.7072) == math.inf  # finite on paper, beyond what a computer can hold
    assert relative_variance(0.0, 1.0) == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize(("shift", "width"), PLACES)
def test_bounds_rise_with_k_and_stay_below_log_p_x(shift, width):
    value = ladder(shift, width, 10)
    assert value.ks.tolist() == [2**i for i in range(LOG2_KS[1] + 1)]
    assert (value.bounds[1:] >= value.bounds[:-1] - 1e-12).all()  # the same draws, in larger groups: Jensen
    assert value.bounds[-1] <= LOG_PX + 4 * value.error + 1e-9


def test_the_effective_sample_size_is_all_draws_at_the_posterior_and_few_far_from_it():
    assert ladder(0.0, 1.0, 6).size == pytest.approx(64)
    assert ladder(1.0, 1.5, 0).size == pytest.approx(1)
    value = ladder(0.5, 1.2, 10)
    assert value.size == pytest.approx(1024 / (1 + value.variance), rel=0.02)
    assert ladder(3.0, 0.5, 6).size < 64 / 10


def test_the_first_order_holds_for_many_draws():
    value = ladder(0.5, 1.2, 6)
    assert LOG_PX - value.bound == pytest.approx(value.variance / (2 * 64), abs=4 * value.error)


@pytest.mark.parametrize(
    ("place", "said"),
    [((math.nan, 1.0, 0), "shift is nan"), ((0.0, 0.0, 0), "width is 0.0"), ((0.0, 1.0, 11), "log2_k is 11")],
)
def test_bad_input_is_named_in_one_sentence(place, said):
    with pytest.raises(ValueError, match=said):
        ladder(*place)
