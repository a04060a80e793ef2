"""Codes for what is only partly known, against worlds whose posterior is known."""

import pytest
import torch
from torch.distributions import Bernoulli

from vae_course.exact import LinearGaussian
from vae_course.studies import inverse

WORLD = LinearGaussian(
    torch.tensor([[1.0, 0.2], [0.5, -0.7], [-0.8, 0.4]], dtype=torch.float64),
    torch.tensor([0.1, 0.0, -0.2]).double(),
    0.7,
)
POINT = torch.tensor([[0.9, 0.1, -0.6]], dtype=torch.float64)
EXACT = WORLD.posterior(POINT)


def log_known(z):
    return WORLD.likelihood(z).log_prob(POINT)


def test_the_best_code_of_a_gaussian_is_its_mean():
    best = inverse.ascend(log_known, torch.zeros(1, 2, dtype=torch.float64), steps=600)
    assert torch.allclose(best, EXACT.mean, atol=1e-4)


@pytest.mark.parametrize("step_size", [0.6, 0.9])
def test_walks_end_in_the_posterior_whatever_the_step(step_size):
    """With steps this large, accepting all of them would give a variance that is far off."""
    n = 6000
    start = 3 * torch.ones(n, 2, dtype=torch.float64)
    walk = inverse.langevin(
        log_known, start, steps=80, step_size=step_size, keep=1, generator=torch.Generator().manual_seed(0)
    )
    z = walk.z[-1]
    assert walk.z.shape == (1, n, 2) and walk.accepted.shape == (n,) and 0.2 < walk.accepted.mean() < 0.99
    cov = EXACT.covariance_matrix[0]
    assert ((z.mean(0) - EXACT.mean[0]).abs() < 4.5 * (cov.diagonal() / n).sqrt()).all()
    assert torch.allclose(torch.cov(z.T), cov, atol=4.5 * float(cov.max()) * (2 / n) ** 0.5)


def test_only_the_seen_pixels_count():
    source = torch.Generator().manual_seed(0)
    logits = torch.randn(4, 3, 1, 2, 5, generator=source)
    x, seen = (torch.rand(2, 3, 1, 2, 5, generator=source) < 0.5).float()
    known = inverse.seen_log_prob(lambda z: logits, x, seen)(torch.zeros(4, 3, 1))
    expected = (Bernoulli(logits=logits).log_prob(x.expand_as(logits)) * seen).sum((-3, -2, -1))
    assert torch.allclose(known, expected, atol=1e-5)
    other = torch.where(seen > 0, x, 1 - x)
    assert torch.equal(inverse.seen_log_prob(lambda z: logits, other, seen)(torch.zeros(4, 3, 1)), known)


def test_a_flipped_pixel_by_summing_over_what_it_was():
    logits, rate = torch.linspace(-9, 9, 7).view(1, 1, 1, 7).double(), 0.2
    p = torch.sigmoid(logits)
    for noisy in (torch.zeros_like(p), torch.ones_like(p)):
        kept = torch.where(noisy > 0, 1 - rate, rate)  # p(noisy | x = 1)
        joint = kept * p + (1 - kept) * (1 - p)
        assert torch.allclose(inverse.flipped_log_prob(lambda z: logits, noisy, rate)(p), joint.log().sum((1, 2, 3)))
        assert torch.allclose(inverse.unflipped(logits, noisy, rate), kept * p / joint)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: inverse.flipped_log_prob(lambda z: z, POINT, 0.5), "rate is 0.5"),
        (lambda: inverse.flipped_log_prob(lambda z: z, POINT, 0.0), "rate is 0.0"),
        (lambda: inverse.ascend(log_known, torch.zeros(1, 2), steps=0), "steps is 0"),
        (lambda: inverse.langevin(log_known, torch.zeros(1, 2), steps=10, keep=6), "keep is 6 of 10"),
        (lambda: inverse.langevin(log_known, torch.zeros(1, 2), steps=10, keep=0), "keep is 0"),
    ],
)
def test_bad_input_is_named(call, said):
    with pytest.raises(ValueError, match=said):
        call()
