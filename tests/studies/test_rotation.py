"""Turned codes of the exact world of lesson 13: every number of its account against sampling, quadrature or a search."""

import math

import pytest
import torch
from torch.distributions import MultivariateNormal, kl_divergence

from vae_course.exercises.lessons import get
from vae_course.studies.rotation import LENGTHS, SIGMA, account, loadings, rotation, world

ANGLES = (0.0, 20.0, 45.0, 70.0)
BOTH = pytest.mark.parametrize("diagonal", [False, True], ids=["full", "diagonal"])
N = 200_000


def posterior_and_q(degrees: float, diagonal: bool, x: torch.Tensor) -> tuple[MultivariateNormal, MultivariateNormal]:
    true = world(degrees).posterior(x)
    if not diagonal:
        return true, true
    variances = 1 / true.precision_matrix.diagonal(dim1=-2, dim2=-1)
    return true, MultivariateNormal(true.loc, torch.diag_embed(variances))


def drawn(degrees: float, diagonal: bool) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, MultivariateNormal]:
    """Factors, images, codes from q, and q itself."""
    source = torch.Generator().manual_seed(0)
    v = torch.randn(N, 2, generator=source, dtype=torch.float64)
    x = v @ loadings().T + SIGMA * torch.randn(N, 4, generator=source, dtype=torch.float64)
    _, q = posterior_and_q(degrees, diagonal, x[:1])
    mean = world(degrees).posterior(x).loc
    noise = torch.randn(N, 2, generator=source, dtype=torch.float64)
    return v, x, mean + noise @ q.scale_tril[0].T, MultivariateNormal(mean, q.covariance_matrix[0])


@pytest.mark.parametrize("degrees", ANGLES)
def test_the_turned_worlds_have_the_same_prior_and_the_same_p_of_x(degrees: float):
    x = world(0.0).sample(50, generator=torch.Generator().manual_seed(1))[1]
    assert torch.allclose(world(degrees).log_marginal(x), world(0.0).log_marginal(x))
    assert torch.allclose(rotation(degrees) @ rotation(degrees).T, torch.eye(2, dtype=torch.float64))
    v = torch.tensor([[1.0, -2.0]], dtype=torch.float64)
    turned = world(degrees).likelihood(v @ rotation(degrees).T).mean
    assert torch.allclose(turned, world(0.0).likelihood(v).mean)


def test_the_columns_are_orthogonal_and_have_the_stated_lengths():
    A = loadings()
    assert torch.allclose(A.T @ A, torch.tensor(LENGTHS, dtype=torch.float64).square().diag())


@BOTH
@pytest.mark.parametrize("degrees", ANGLES)
def test_the_bound_is_that_of_sampling(degrees: float, diagonal: bool):
    _, x, z, q = drawn(degrees, diagonal)
    log_w = (
        world(degrees).likelihood(z).log_prob(x)
        + torch.distributions.Normal(0.0, 1.0).log_prob(z).sum(1)
        - q.log_prob(z)
    )
    error = float(log_w.std()) / math.sqrt(N)
    assert account(degrees, diagonal=diagonal).elbo == pytest.approx(float(log_w.mean()), abs=4 * error)


@BOTH
@pytest.mark.parametrize("degrees", ANGLES)
def test_the_three_parts_are_those_of_sampling_and_sum_to_the_rate(degrees: float, diagonal: bool):
    _, _, z, q = drawn(degrees, diagonal)
    prior = world(degrees).prior()
    told, covariance = account(degrees, diagonal=diagonal), torch.cov(z.T)
    joint = MultivariateNormal(torch.zeros(2, dtype=torch.float64), covariance)
    # KL of the joint density of the codes to the product of its marginals, summed over a grid.
    line = torch.linspace(-8, 8, 801, dtype=torch.float64)
    density = joint.log_prob(torch.cartesian_prod(line, line)).exp().reshape(801, 801)
    step = float(line[1] - line[0])
    first, second = density.sum(1) * step, density.sum(0) * step
    product = first[:, None] * second
    assert told.total_correlation == pytest.approx(
        float(torch.xlogy(density, density / product).sum()) * step**2, abs=1e-3
    )
    normal = prior.log_prob(torch.stack([line, torch.zeros_like(line)], 1)).exp() * math.sqrt(2 * math.pi)
    marginals = sum(float(torch.xlogy(part, part / normal).sum()) * step for part in (first, second))
    assert told.dimension_kl == pytest.approx(marginals, abs=1e-3)
    rate = float(kl_divergence(q, MultivariateNormal(torch.zeros(2).double(), torch.eye(2).double())).mean())
    assert told.rate == pytest.approx(rate, abs=0.01)
    assert told.information == pytest.approx(float((q.log_prob(z) - joint.log_prob(z)).mean()), abs=0.01)


@BOTH
@pytest.mark.parametrize("degrees", ANGLES)
def test_the_information_of_codes_and_factors_is_that_of_sampling(degrees: float, diagonal: bool):
    """By counting: codes and factors in cells, and the plug-in estimate, which cells make a little too small."""
    v, _, z, _ = drawn(degrees, diagonal)
    told = account(degrees, diagonal=diagonal).with_factors
    for j in range(2):
        for k in range(2):
            cells = [
                torch.bucketize(t.contiguous(), torch.linspace(-3, 3, 31, dtype=torch.float64))
                for t in (z[:, j], v[:, k])
            ]
            joint = torch.bincount(32 * cells[0] + cells[1], minlength=1024).double().reshape(32, 32) / N
            independent = joint.sum(1, keepdim=True) * joint.sum(0)
            counted = float(torch.xlogy(joint, joint / independent).nan_to_num().sum())
            assert counted == pytest.approx(float(told[j, k]), abs=0.03)


def test_what_x_tells_of_a_factor_bounds_every_code():
    """In the unturned world each factor has a direction of x of its own: y = length v + sigma noise."""
    for length, told in zip(LENGTHS, account(30.0).in_image.tolist(), strict=True):
        correlation = length / math.sqrt(length**2 + SIGMA**2)
        assert told == pytest.approx(-0.5 * math.log(1 - correlation**2))
    for degrees in range(0, 91, 5):
        for diagonal in (False, True):
            one = account(degrees, diagonal=diagonal)
            assert bool((one.with_factors <= one.in_image).all()) and 0 <= one.mig <= 1


@pytest.mark.parametrize("degrees", ANGLES)
def test_no_other_diagonal_q_has_a_better_bound(degrees: float):
    x = torch.zeros(1, 4, dtype=torch.float64)
    true, q = posterior_and_q(degrees, True, x)
    best = float(kl_divergence(q, true))
    assert account(degrees).elbo - account(degrees, diagonal=True).elbo == pytest.approx(best)
    source = torch.Generator().manual_seed(2)
    for _ in range(100):
        moved = q.covariance_matrix * torch.exp(0.2 * torch.randn(2, generator=source, dtype=torch.float64)).diag()
        mean = q.loc + 0.05 * torch.randn(2, generator=source, dtype=torch.float64)
        assert float(kl_divergence(MultivariateNormal(mean, moved), true)) >= best - 1e-12


def test_a_turn_costs_a_full_q_nothing_and_takes_the_gap_to_zero():
    before, after = account(0.0), account(45.0)
    assert (before.elbo, after.elbo) == pytest.approx((-4.8624, -4.8624), abs=5e-5)
    assert before.total_correlation == after.total_correlation == pytest.approx(0, abs=1e-12)
    assert before.gaps.tolist() == pytest.approx([1.085, 0.2885], abs=5e-4)
    assert after.gaps.tolist() == pytest.approx([0, 0], abs=1e-12) and after.mig == pytest.approx(0, abs=1e-12)


def test_a_diagonal_q_feels_the_turn_in_the_bound_and_hardly_in_the_total_correlation():
    turned = account(45.0, diagonal=True)
    assert account(0.0, diagonal=True).elbo == pytest.approx(account(0.0).elbo)
    assert turned.elbo == pytest.approx(-5.2037, abs=5e-5)
    assert turned.total_correlation == pytest.approx(0.0121, abs=5e-5)


@BOTH
def test_a_quarter_turn_only_exchanges_the_codes(diagonal: bool):
    before, after = account(0.0, diagonal=diagonal), account(90.0, diagonal=diagonal)
    assert torch.allclose(after.with_factors, before.with_factors.flip(0))
    assert (after.elbo, after.mig) == pytest.approx((before.elbo, before.mig))


def test_an_angle_that_is_no_number_is_named():
    with pytest.raises(ValueError, match="degrees is nan: give a finite angle"):
        account(math.nan)


def test_the_answer_in_words_states_the_numbers_of_this_world():
    words, lost = get("13-why").solution, account(45.0).elbo - account(45.0, diagonal=True).elbo
    assert f"stays at {account(45.0).elbo:.2f} nats" in words and f"fall, by {lost:.2f} nats" in words
