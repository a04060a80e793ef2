"""The best denoiser against quadrature and autograd, and the gap of T steps against closed forms of the Gaussian world."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.distributions import Normal

from vae_course.diffusion import continuous_bound, cosine, levels, linear_log_snr, score, step_variance, terms
from vae_course.studies.diffusion_worlds import (
    MixtureWorld,
    expected_terms,
    gap,
    gaussian,
    limit,
    one_variance,
    two_bumps,
)

THREE = MixtureWorld(torch.tensor([[-1.5], [0.2], [1.0]], dtype=torch.float64), 0.3)
PLANE = MixtureWorld(torch.tensor([[-1.0, 0.5], [0.2, -1.0]], dtype=torch.float64), 0.4)
few = settings(max_examples=12, deadline=None)


def double(number):
    return torch.tensor(number, dtype=torch.float64)


def posterior_moments(world, x_t, log_snr):
    """Mean and variance of x0 given x_t on the line by quadrature over x0, and the density of x_t."""
    x0 = torch.linspace(-6, 6, 2001, dtype=torch.float64)
    p = torch.stack([Normal(m, world.std).log_prob(x0).exp() for m in world.means[:, 0]]).mean(0)
    alpha, sigma = torch.sigmoid(log_snr).sqrt(), torch.sigmoid(-log_snr).sqrt()
    joint = p * Normal(alpha * x0, sigma).log_prob(x_t[:, None]).exp()
    total = joint.sum(1)
    mean = joint @ x0 / total
    return mean, joint @ x0.square() / total - mean.square(), total * (x0[1] - x0[0])


@few
@given(st.floats(-8, 7))
def test_denoiser_density_and_score_are_those_of_quadrature_and_autograd(log_snr):
    at, x_t = double(log_snr), torch.linspace(-2, 2, 9, dtype=torch.float64)
    mean, _, density = posterior_moments(THREE, x_t, at)
    points = x_t.unsqueeze(-1).requires_grad_()
    assert torch.allclose(THREE.denoiser(points, at).squeeze(-1), mean, atol=1e-6)
    log_q = THREE.log_density(points, at)
    assert torch.allclose(log_q.exp(), density, atol=1e-8)
    gradient = torch.autograd.grad(log_q.sum(), points)[0]
    assert torch.allclose(score(points, THREE.denoiser(points, at), at), gradient, atol=1e-6)


@pytest.mark.parametrize("log_snr", [-6.0, -1.0, 2.0, 5.0])
def test_the_squared_error_is_that_of_quadrature_over_both(log_snr):
    x_t = torch.linspace(-7, 7, 701, dtype=torch.float64)
    _, variance, density = posterior_moments(THREE, x_t, double(log_snr))
    assert THREE.squared_error(double(log_snr)).item() == pytest.approx((density @ variance).item() * 0.02, rel=1e-5)
    assert THREE.squared_error(double([[log_snr, 0.0]])).shape == (1, 2)


def test_each_point_may_have_a_level_of_its_own_and_numbers_keep_their_type():
    x, at = torch.randn(4, 2), torch.tensor([-2.0, 0.0, 1.0, 6.0])
    for part in (PLANE.denoiser, PLANE.log_density):
        alone = torch.cat([part(x[i : i + 1], at[i]) for i in range(4)])
        assert torch.allclose(part(x, at), alone) and part(x, at).dtype == torch.float32


def test_draws_follow_the_density_and_the_entropy_is_its():
    x = PLANE.sample(20_000, generator=torch.Generator().manual_seed(0))
    middle = PLANE.means.mean(0)
    assert x.shape == (20_000, 2) and torch.allclose(x.mean(0), middle, atol=0.03)
    assert torch.allclose(x.var(0), PLANE.means.var(0, correction=0) + 0.16, rtol=0.03)
    line = THREE.sample(20_000, generator=torch.Generator().manual_seed(1))
    surprise = -THREE.log_density(line)
    assert abs(surprise.mean() - THREE.entropy) < 4 * surprise.std() / 20_000**0.5
    assert gaussian(0.7).entropy == pytest.approx(0.5 * math.log(2 * math.pi * math.e * 0.49))


# The gap


@few
@given(st.floats(0.1, 2.0), st.integers(1, 12), st.sampled_from([linear_log_snr, cosine]))
def test_a_gaussian_world_loses_nothing_with_its_own_variance(std, n_steps, schedule):
    world = gaussian(std)
    # What is left is L_T: N(0, I) is not q(x_T), whose variance is 1 + alpha^2 (s^2 - 1).
    off = torch.sigmoid(double(-9.0)) * (std**2 - 1)
    expected = 0.5 * (off - torch.log1p(off)).item()
    assert gap(world, schedule(), n_steps, world.best_variance) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("variance", ["small", "large", 0.5])
@pytest.mark.parametrize("n_steps", [3, 20])
def test_the_gap_of_a_gaussian_world_is_the_sum_of_its_divergences_between_variances(variance, n_steps):
    world, log_snr = gaussian(), levels(cosine(), n_steps)
    given_ = step_variance(variance, log_snr[1:], log_snr[:-1])
    right = world.best_variance(log_snr[1:], log_snr[:-1])
    lost = 0.5 * (right / given_ - 1 - (right / given_).log()).sum()
    assert gap(world, cosine(), n_steps, variance) == pytest.approx(lost.item(), abs=1e-5)


@pytest.mark.parametrize(("variance", "n_steps", "expected"), [("small", 10, 5.612), ("large", 10, 0.115)])
def test_the_gap_comes_from_the_variance(variance, n_steps, expected):
    assert gap(gaussian(), linear_log_snr(), n_steps, variance) == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize("world", [gaussian(), two_bumps()], ids=["gaussian", "bumps"])
@pytest.mark.parametrize("schedule", [linear_log_snr(), cosine()], ids=["linear", "cosine"])
@pytest.mark.parametrize("variance", ["small", "large"])
def test_ten_times_the_steps_leave_a_tenth_of_the_gap(world, schedule, variance):
    few_, many = gap(world, schedule, 100, variance), gap(world, schedule, 1000, variance)
    assert 9 < few_ / many < 16 and many > 0


def parts_of_a_step(world, at_t, at_s):
    """1/2 (log E v - E log v), and the mean KL of q(x_s | x_t) to the Gaussian of its moments, on a grid of both levels."""
    x_s, x_t = torch.linspace(-7, 7, 3501, dtype=torch.float64), torch.linspace(-8, 8, 801, dtype=torch.float64)
    ratio = (torch.sigmoid(at_t) / torch.sigmoid(at_s)).sqrt()
    added = torch.sigmoid(-at_t) * -torch.expm1(at_t - at_s)
    joint = (Normal(ratio * x_s, added.sqrt()).log_prob(x_t[:, None]) + world.log_density(x_s[:, None], at_s)).exp()
    density = joint.sum(1) * 0.004
    given_t = joint / density[:, None]
    mean = given_t @ x_s * 0.004
    v = ((x_s - mean[:, None]).square() * given_t).sum(1) * 0.004
    log_gaussian = Normal(mean[:, None], v.sqrt()[:, None]).log_prob(x_s)
    kl = (given_t * (given_t.clamp(min=1e-300).log() - log_gaussian)).sum(1) * 0.004
    mass = density / density.sum()
    return 0.5 * ((v @ mass).log() - v.log() @ mass), kl @ mass


@pytest.mark.parametrize("world", [THREE, two_bumps()], ids=["three", "bumps"])
def test_the_best_gap_is_one_variance_for_all_and_steps_that_are_no_gaussians(world):
    schedule, n_steps = linear_log_snr(4.0, -5.0), 4
    log_snr = levels(schedule, n_steps)
    pairs = zip(log_snr, [double(math.inf), *log_snr[:-1]], strict=True)
    shared, shape = torch.tensor([parts_of_a_step(world, t, s) for t, s in pairs]).sum(0)
    assert one_variance(world, schedule, n_steps) == pytest.approx(shared.item(), rel=1e-4)
    x = torch.linspace(-8, 8, 2001, dtype=torch.float64)
    log_q = world.log_density(x[:, None], log_snr[-1])
    top = (log_q.exp() * (log_q - Normal(0.0, 1.0).log_prob(x))).sum() * 0.008
    rest = gap(world, schedule, n_steps, world.best_variance) - shared
    assert rest.item() == pytest.approx((shape + top).item(), rel=1e-4) and shape > 0.01


def test_one_variance_costs_a_gaussian_nothing():
    assert one_variance(gaussian(), cosine(), 10) == pytest.approx(0, abs=1e-9)


def test_no_variance_beats_the_best_one():
    best = gap(two_bumps(), cosine(), 20, two_bumps().best_variance)
    assert 0 < best < min(gap(two_bumps(), cosine(), 20, w / 20) for w in range(21))


@pytest.mark.parametrize("variance", ["small", "large"])
def test_expected_terms_are_the_means_of_sampled_ones(variance):
    n = 20_000
    x0 = two_bumps().sample(n, generator=torch.Generator().manual_seed(0))
    found = terms(two_bumps().denoiser, x0, cosine(4.0, -3.0), 6, reverse_variance=variance,
                  generator=torch.Generator().manual_seed(1))  # fmt: skip
    for part, expected in zip(found, expected_terms(two_bumps(), cosine(4.0, -3.0), 6, variance), strict=True):
        assert ((part.mean(-1) - expected).abs() < 4 * part.std(-1) / n**0.5 + 1e-9).all()


@pytest.mark.parametrize("schedule", [linear_log_snr(), cosine()], ids=["linear", "cosine"])
def test_the_limit_is_the_continuous_bound_whatever_the_schedule(schedule):
    x0 = two_bumps().sample(4000, generator=torch.Generator().manual_seed(2))
    total = continuous_bound(
        two_bumps().denoiser, x0, schedule, 60, generator=torch.Generator().manual_seed(3)
    ).steps.sum(0)
    expected = limit(two_bumps(), schedule)
    assert expected.shape == (200,) and expected.sum().item() == pytest.approx(3.8083, abs=2e-3)
    assert total.mean().item() == pytest.approx(expected.sum().item(), abs=4 * (total.std() / 4000**0.5).item())


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (
            lambda: MixtureWorld(torch.zeros(3), 0.1),
            r"means have shape \[3\], std is 0.1: give \[K, D\] and above zero",
        ),
        (lambda: gaussian(0.0), "std is 0.0"),
        (lambda: gap(PLANE, cosine(), 3), "have 2 numbers: quadrature takes a line"),
        (lambda: gap(gaussian(), cosine(), 0), "n_steps is 0"),
    ],
)
def test_what_makes_no_sense_is_refused_in_a_sentence(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()
