"""Prices of a pixel are torch's, and the betas of losses those of the objectives."""

import math

import pytest
import torch
from torch.distributions import Bernoulli, ContinuousBernoulli, Normal

from vae_course.objectives import effective_beta
from vae_course.studies.likelihood_costs import LIKELIHOODS, PUBLISHED, UNITS, Loss, beta_of, charge, log_area

OUTPUTS = torch.linspace(0.01, 0.99, 99, dtype=torch.float64)


@pytest.mark.parametrize("x", [0.0, 0.25, 0.5, 1.0])
def test_prices_are_those_of_torch(x):
    pixel = torch.tensor(x, dtype=torch.float64)
    torch.testing.assert_close(
        charge("continuous Bernoulli", x, OUTPUTS, 0.3), -ContinuousBernoulli(OUTPUTS).log_prob(pixel)
    )
    torch.testing.assert_close(charge("Gaussian", x, OUTPUTS, 0.3), -Normal(OUTPUTS, 0.3).log_prob(pixel))
    if x in (0.0, 1.0):
        torch.testing.assert_close(charge("cross-entropy", x, OUTPUTS, 0.3), -Bernoulli(OUTPUTS).log_prob(pixel))


def test_cross_entropy_of_a_grey_pixel_has_its_floor_where_it_is_right():
    nats = charge("cross-entropy", 0.3, OUTPUTS, 0.3)
    assert OUTPUTS[nats.argmin()].item() == pytest.approx(0.3)
    assert nats.min().item() == pytest.approx(Bernoulli(torch.tensor(0.3)).entropy().item(), abs=1e-6)


@pytest.mark.parametrize("likelihood", ["continuous Bernoulli", "Gaussian"])
def test_what_is_a_density_integrates_to_one(likelihood):
    x = torch.linspace(0, 1, 4001, dtype=torch.float64)
    output = torch.tensor(0.45, dtype=torch.float64)
    density = torch.stack([torch.exp(-charge(likelihood, value, output, 0.05)) for value in x])
    assert torch.trapezoid(density, x).item() == pytest.approx(1, abs=1e-5)


def test_the_area_under_grey_cross_entropy_is_half_at_most():
    logits = torch.tensor([-200.0, -1.0, 0.0, 1e-6, 3.0], dtype=torch.float64)
    x = torch.linspace(0, 1, 20_001, dtype=torch.float64)
    lam = torch.sigmoid(logits).unsqueeze(1)
    area = torch.trapezoid(lam**x * (1 - lam) ** (1 - x), x)
    torch.testing.assert_close(log_area(logits).exp(), area, atol=1e-4, rtol=0)
    assert log_area(logits).max().item() == pytest.approx(math.log(0.5))


@pytest.mark.parametrize(
    ("name", "beta"),
    [
        ("the ELBO", 1),
        ("mean and mean", 3.92),
        ("mean and sum", 784),
        ("KL never summed", 0.5),
        ("second text", 0.6272),
    ],
)
def test_the_published_losses_have_the_betas_of_the_lesson(name, beta):
    assert beta_of(PUBLISHED[name], 0.25) == pytest.approx(beta)
    assert set(PUBLISHED) == {"the ELBO", "mean and mean", "mean and sum", "KL never summed", "second text"}


def test_the_sigma_of_the_slider_counts_only_where_the_unit_says_so():
    sizes = {"pixels": 784, "latents": 20, "batch": 128}
    for unit, nats in zip(UNITS, (1, 1, 1 / (2 * 0.1**2)), strict=True):
        expected = effective_beta("mean", "sum", nats=nats, **sizes)
        assert beta_of(Loss("mean", "sum", unit=unit), 0.1) == pytest.approx(expected)


def test_the_likelihoods_are_three():
    assert len(LIKELIHOODS) == len(set(LIKELIHOODS)) == 3


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: charge("Laplace", 0.5, OUTPUTS, 0.3), "There is no likelihood 'Laplace'"),
        (lambda: charge("Gaussian", 0.5, OUTPUTS, 0.0), "sigma is 0"),
        (lambda: beta_of(Loss("sum", "sum", unit="bits"), 0.3), "There is no unit 'bits'"),
        (lambda: beta_of(Loss("sum", "sum", weight=0.0), 0.3), "weight is 0"),
    ],
)
def test_bad_input_is_named_in_one_sentence(make, said):
    with pytest.raises(ValueError, match=said):
        make()
