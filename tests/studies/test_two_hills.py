"""The world of two hills: Bayes' rule is right wherever x and the noise are."""

import math

import pytest
import torch
from torch.distributions import Normal

from vae_course.studies.two_hills import hills, slice_at

PLACES = [(x, sigma) for x in (-2.0, 0.0, 2.0, 8.0) for sigma in (0.2, 0.7, 2.0)]

pytestmark = pytest.mark.usefixtures("one_thread_only")


@pytest.mark.parametrize(("x", "sigma"), PLACES)
def test_the_posterior_integrates_to_one_and_is_prior_times_likelihood_over_p_x(x, sigma):
    value = slice_at(x, sigma)
    step = (value.z[1] - value.z[0]).item()
    assert value.posterior.sum().item() * step == pytest.approx(1, abs=1e-9)
    assert torch.allclose(value.posterior, value.prior * value.likelihood / value.p_x, rtol=1e-9, atol=1e-14)
    assert torch.allclose(value.joint, value.prior * value.likelihood, rtol=1e-9, atol=1e-14)


@pytest.mark.parametrize(("x", "sigma"), PLACES)
def test_p_x_is_that_of_another_grid(x, sigma):
    z = torch.linspace(-9, 9, 8001, dtype=torch.float64)
    density = (Normal(0.0, 1.0).log_prob(z) + Normal(z * (z + 0.5), sigma).log_prob(torch.tensor(x))).exp()
    assert slice_at(x, sigma).p_x == pytest.approx(torch.trapezoid(density, z).item(), rel=1e-6)


def test_one_hill_becomes_two_as_x_rises_and_one_again_as_the_noise_grows():
    assert [len(slice_at(x, 0.7).hills) for x in (0.0, 0.3, 0.5, 2.0)] == [1, 1, 2, 2]
    assert [len(slice_at(2.0, sigma).hills) for sigma in (0.7, 1.5, 1.6, 2.0)] == [2, 2, 1, 1]
    assert slice_at(2.0, 0.7).hills == pytest.approx((-1.58, 1.11), abs=0.01)


@pytest.mark.parametrize(
    ("x", "sigma", "said"), [(math.inf, 0.7, "x is inf"), (0.0, 0.0, "sigma is 0.0"), (0.0, math.nan, "sigma is nan")]
)
def test_bad_input_is_named_in_one_sentence(x, sigma, said):
    with pytest.raises(ValueError, match=said):
        slice_at(x, sigma)


def test_a_curve_that_only_rises_has_its_hill_at_the_end():
    assert hills(torch.tensor([0.0, 1.0, 2.0]), torch.tensor([1.0, 2.0, 3.0])) == [2.0]
