"""The exact worlds against each other: closed form, quadrature, Monte Carlo."""

import math

import pytest
import torch
from torch.distributions import MultivariateNormal, kl_divergence

from vae_course.exact import DiscreteWorld, GridWorld, LinearGaussian


def linear_world(n_latents: int = 2, n_pixels: int = 5, seed: int = 0) -> LinearGaussian:
    generator = torch.Generator().manual_seed(seed)
    draw = {"generator": generator, "dtype": torch.float64}
    return LinearGaussian(torch.randn(n_pixels, n_latents, **draw), torch.randn(n_pixels, **draw), 0.7)


def bimodal_world() -> GridWorld:
    """x is the square of z, so each x has two codes that explain it."""
    return GridWorld(lambda z: z.square().unsqueeze(-1), 0.4)


def test_bayes_rule_holds_at_any_code():
    world = linear_world()
    z, x = world.sample(6, generator=torch.Generator().manual_seed(1))
    other = torch.randn(6, 2, dtype=torch.float64)
    for code in (z, other):
        joint = world.prior().log_prob(code) + world.likelihood(code).log_prob(x)
        torch.testing.assert_close(joint - world.posterior(x).log_prob(code), world.log_marginal(x))


def test_quadrature_agrees_with_the_closed_form_where_both_exist():
    W, b = torch.tensor([[0.8], [-1.3]], dtype=torch.float64), torch.tensor([0.2, 0.5], dtype=torch.float64)
    exact, grid = LinearGaussian(W, b, 0.6), GridWorld(lambda z: z.unsqueeze(-1) * W[:, 0] + b, 0.6)
    _, x = exact.sample(4, generator=torch.Generator().manual_seed(2))
    torch.testing.assert_close(grid.log_marginal(x), exact.log_marginal(x), atol=1e-10, rtol=0)
    density = exact.posterior(x).log_prob(grid.grid.reshape(-1, 1, 1)).exp().T
    torch.testing.assert_close(grid.posterior_density(x), density, atol=1e-10, rtol=0)


def test_samples_have_the_mean_and_the_covariance_of_the_marginal():
    world, n = linear_world(), 200_000
    _, x = world.sample(n, generator=torch.Generator().manual_seed(3))
    covariance = world.W @ world.W.T + world.sigma**2 * torch.eye(5, dtype=torch.float64)
    spread = covariance.diagonal().sqrt()
    assert ((x.mean(0) - world.b).abs() < 4 * spread / math.sqrt(n)).all()
    # The standard error of a Gaussian's sample covariance is sqrt((C_ii C_jj + C_ij^2) / n).
    error = ((spread.outer(spread).square() + covariance.square()) / n).sqrt()
    assert ((x.T.cov() - covariance).abs() < 4.5 * error).all()


def test_a_bimodal_posterior_has_two_equal_peaks_and_integrates_to_one():
    world, x = bimodal_world(), torch.tensor([[2.0]], dtype=torch.float64)
    density = world.posterior_density(x)[0]
    torch.testing.assert_close(density.sum() * world.step, torch.ones((), dtype=torch.float64))
    peaks = world.grid[1:-1][(density[1:-1] > density[:-2]) & (density[1:-1] > density[2:])]
    assert len(peaks) == 2 and abs(peaks.sum()) < 1e-9 and 1.2 < peaks[1] < 1.5


def test_quadrature_is_converged():
    x = torch.tensor([[-0.5], [0.3], [2.0]], dtype=torch.float64)
    coarse, fine = bimodal_world(), GridWorld(bimodal_world().f, 0.4, half_width=10.0, n_points=20_001)
    torch.testing.assert_close(coarse.log_marginal(x), fine.log_marginal(x), atol=1e-10, rtol=0)


def test_bound_plus_gap_is_log_p_x_at_any_q_in_the_bimodal_world():
    world = bimodal_world()
    x = torch.tensor([[0.1], [1.0], [2.5]], dtype=torch.float64)
    mu = torch.tensor([[0.0], [0.9], [-1.5]], dtype=torch.float64)
    logvar = torch.tensor([[0.3], [-1.0], [-2.0]], dtype=torch.float64)
    bound, gap = world.elbo(x, mu, logvar), world.kl_to_posterior(x, mu, logvar)
    torch.testing.assert_close(bound + gap, world.log_marginal(x), atol=1e-8, rtol=0)
    assert (gap > 0.01).all()


def test_the_kl_to_the_posterior_agrees_with_torch_in_the_linear_world():
    W = torch.tensor([[1.1]], dtype=torch.float64)
    exact = LinearGaussian(W, torch.zeros(1, dtype=torch.float64), 0.5)
    grid = GridWorld(lambda z: 1.1 * z.unsqueeze(-1), 0.5)
    x, mu = torch.tensor([[0.7]], dtype=torch.float64), torch.tensor([[0.2]], dtype=torch.float64)
    logvar = torch.tensor([[-0.4]], dtype=torch.float64)
    q = MultivariateNormal(mu, scale_tril=torch.exp(0.5 * logvar).unsqueeze(-1))
    torch.testing.assert_close(grid.kl_to_posterior(x, mu, logvar), kl_divergence(q, exact.posterior(x)))


def discrete_world() -> DiscreteWorld:
    p_x_z = torch.tensor([[0.7, 0.2, 0.1], [0.1, 0.3, 0.6]], dtype=torch.float64)
    return DiscreteWorld(torch.tensor([0.25, 0.75], dtype=torch.float64), p_x_z)


def test_the_discrete_world_is_bayes_rule_by_hand():
    world = discrete_world()
    # p(x = 0) = 0.25 * 0.7 + 0.75 * 0.1 = 0.25;  p(z = 0 | x = 0) = 0.175 / 0.25 = 0.7.
    assert world.marginal()[0].item() == pytest.approx(0.25)
    assert world.posterior()[0].tolist() == pytest.approx([0.7, 0.3])
    assert world.marginal().sum().item() == pytest.approx(1.0)
    assert world.posterior().sum(1).tolist() == pytest.approx([1.0] * 3)


def test_the_discrete_gap_is_the_kl_to_the_posterior():
    world = discrete_world()
    q = torch.tensor([[0.5, 0.5], [1.0, 0.0], [0.2, 0.8]], dtype=torch.float64)
    for x in range(3):
        p = world.posterior()[x]
        gap = (torch.xlogy(q, q) - torch.xlogy(q, p)).sum(-1)
        torch.testing.assert_close(world.elbo(x, q) + gap, world.marginal()[x].log().expand(3))
        torch.testing.assert_close(world.elbo(x, p), world.marginal()[x].log())


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: LinearGaussian(torch.zeros(3), torch.zeros(3), 1.0), "must be \\[X, D\\]"),
        (lambda: LinearGaussian(torch.zeros(3, 2), torch.zeros(2), 1.0), "must be \\[X, D\\]"),
        (lambda: LinearGaussian(torch.zeros(3, 2), torch.zeros(3), 0.0), "above zero"),
        (lambda: LinearGaussian(torch.zeros(3, 2), torch.zeros(3), math.nan), "above zero"),
        (lambda: GridWorld(torch.sin, -1.0), "above zero"),
        (lambda: DiscreteWorld(torch.ones(2) / 2, torch.ones(3, 2) / 2), "must be \\[K\\]"),
        (lambda: DiscreteWorld(torch.ones(2), torch.ones(2, 2) / 2), "p_z does not consist"),
        (lambda: DiscreteWorld(torch.ones(2) / 2, torch.ones(2, 2)), "p_x_z does not consist"),
        (lambda: linear_world().log_marginal(torch.zeros(2, 4, dtype=torch.float64)), "\\[B, 5\\]"),
        (lambda: linear_world().posterior(torch.zeros(5, dtype=torch.float64)), "\\[B, 5\\]"),
        (
            lambda: linear_world().with_posterior(torch.zeros(3, 2), torch.zeros(3, 2)).posterior(torch.zeros(2, 5)),
            "one for each",
        ),
    ],
)
def test_bad_input_is_named_in_one_sentence(make, said):
    with pytest.raises(ValueError, match=said):
        make()
