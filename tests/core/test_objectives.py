"""The bounds against worlds whose log p(x) is known, and their parts against torch.distributions."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.distributions import kl_divergence

from tests.core.test_exact import bimodal_world, linear_world
from vae_course.distributions import bernoulli_log_prob, gaussian_kl, reparameterize
from vae_course.models import VAE
from vae_course.objectives import elbo, iwae_bound, log_weights, negative_elbo


@pytest.fixture
def points():
    _, x = linear_world().sample(4, generator=torch.Generator().manual_seed(5))
    return x


def some_q(n: int = 4, dims: int = 2, seed: int = 6):
    generator = torch.Generator().manual_seed(seed)
    mu, logvar = torch.randn(2, n, dims, generator=generator, dtype=torch.float64).unbind()
    return 0.4 * mu, 0.5 * logvar - 1.0


def mean_and_error(draws):
    return draws.mean(0), draws.std(0) / len(draws) ** 0.5


def repeated(times, *tensors):
    """Each example `times` times over, so that one call makes all draws; its results go back to `[times, B]` by `view`."""
    return [tensor.repeat(times, 1) for tensor in tensors]


def closed_form_elbo(world, x, mu, logvar):
    """E_q[log p(x | z)] and the KL of the linear-Gaussian world, without any draw."""
    variance = world.sigma**2
    log_normaliser = -0.5 * x.shape[1] * torch.log(torch.tensor(2 * torch.pi * variance, dtype=x.dtype))
    residual = (x - mu @ world.W.T - world.b).square().sum(-1)
    spread = (world.W.square() @ torch.exp(logvar).T).sum(0)
    return log_normaliser - 0.5 * (residual + spread) / variance - gaussian_kl(mu, logvar)


def test_elbo_is_log_p_x_at_the_true_posterior(points):
    world = linear_world()
    torch.manual_seed(0)
    repeats = torch.stack([elbo(world, points, n_samples=1000).elbo for _ in range(10)])
    mean, error = mean_and_error(repeats)
    assert ((mean - world.log_marginal(points)).abs() < 4 * error + 1e-9).all()
    # With the KL as a difference of log densities there is no noise left at all: every weight is p(x).
    torch.testing.assert_close(log_weights(world, points, k=7), world.log_marginal(points).expand(7, -1))


def test_elbo_at_any_q_is_its_closed_form_and_the_gap_is_the_kl_to_the_posterior(points):
    world, (mu, logvar) = linear_world(), some_q()
    q_world = world.with_posterior(mu, logvar)
    exact = closed_form_elbo(world, points, mu, logvar)
    gap = kl_divergence(q_world.posterior(points), world.posterior(points))
    torch.testing.assert_close(exact + gap, world.log_marginal(points))
    torch.manual_seed(1)
    mean, error = mean_and_error(torch.stack([elbo(q_world, points, n_samples=500).elbo for _ in range(40)]))
    assert ((mean - exact).abs() < 4 * error).all() and (error < 0.05 * gap).all()


@given(seed=st.integers(0, 500))
@settings(max_examples=25, deadline=None)
def test_elbo_never_exceeds_log_marginal(seed):
    world = linear_world(seed=seed)
    _, x = world.sample(3, generator=torch.Generator().manual_seed(seed))
    mu, logvar = some_q(3, seed=seed)
    assert (closed_form_elbo(world, x, mu, logvar) <= world.log_marginal(x) + 1e-9).all()


def test_the_importance_weighted_bound_grows_with_k_and_never_passes_log_p_x(points):
    world, (mu, logvar) = linear_world(), some_q()
    torch.manual_seed(2)
    means, errors = [], []
    for k in (1, 5, 50, 500):
        x, *q = repeated(2000 // k + 50, points, mu, logvar)
        mean, error = mean_and_error(iwae_bound(world.with_posterior(*q), x, k=k).view(-1, len(points)))
        means.append(mean)
        errors.append(error)
        assert (mean <= world.log_marginal(points) + 4 * error).all()
    for smaller, larger, e1, e2 in zip(means, means[1:], errors, errors[1:], strict=False):
        assert (larger - smaller > -4 * (e1 + e2)).all()
    assert (means[-1] - means[0] > 4 * (errors[-1] + errors[0])).all(), "50 draws must beat one visibly"
    assert ((means[0] - closed_form_elbo(world, points, mu, logvar)).abs() < 4 * errors[0]).all()


def test_the_same_functions_run_on_the_bimodal_world():
    world = bimodal_world()
    x, mu = torch.tensor([[1.5]], dtype=torch.float64), torch.tensor([[1.1]], dtype=torch.float64)
    logvar = torch.tensor([[-3.0]], dtype=torch.float64)
    torch.manual_seed(3)
    draws = torch.stack([elbo(world.with_posterior(mu, logvar), x, n_samples=2000).elbo for _ in range(20)])
    mean, error = mean_and_error(draws)
    assert ((mean - world.elbo(x, mu, logvar)).abs() < 4 * error).all()


def test_elbo_of_a_vae_is_the_formula_written_out():
    torch.manual_seed(4)
    model, x = VAE.mlp(3, hidden=(8,), shape=(1, 4, 4)).double(), torch.rand(5, 1, 4, 4).round().double()
    torch.manual_seed(7)
    terms = elbo(model, x, beta=2.5)
    torch.manual_seed(7)
    mu, logvar = model.encode(x)
    z = reparameterize(mu, logvar, torch.randn(1, 5, 3, dtype=torch.float64)[0])
    torch.testing.assert_close(terms.log_px_z, bernoulli_log_prob(x, model.decode(z)))
    torch.testing.assert_close(terms.kl, gaussian_kl(mu, logvar))
    torch.testing.assert_close(terms.elbo, terms.log_px_z - 2.5 * terms.kl)


def test_negative_elbo_is_one_mean_over_the_batch_of_the_terms():
    torch.manual_seed(8)
    model, x = VAE.mlp(3, hidden=(8,), shape=(1, 4, 4)), torch.rand(5, 1, 4, 4).round()
    torch.manual_seed(9)
    terms = elbo(model, x, beta=0.5)
    torch.manual_seed(9)
    loss = negative_elbo(model, x, 0.5)
    torch.testing.assert_close(loss["loss"], -terms.elbo.mean())
    torch.testing.assert_close(loss["reconstruction"] + 0.5 * loss["kl"], loss["loss"])


def test_gradients_reach_the_decoder_and_through_the_draw_the_encoder():
    model, x = VAE.mlp(2, hidden=(8,), shape=(1, 4, 4)), torch.rand(5, 1, 4, 4)
    # The reconstruction alone: the KL would reach the encoder without any draw.
    elbo(model, x).log_px_z.sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in model.parameters())


def test_more_samples_are_really_drawn(points):
    world, (mu, logvar) = linear_world(), some_q()
    x, *q = repeated(400, points, mu, logvar)
    q_world = world.with_posterior(*q)
    torch.manual_seed(10)
    spread = {n: elbo(q_world, x, n_samples=n).elbo.view(400, -1).std(0) for n in (1, 64)}
    ratio = spread[1] / spread[64]
    assert ((ratio > 6) & (ratio < 10.5)).all(), "64 draws must shrink the spread eightfold"


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda m, x: elbo(m, x, n_samples=0), "at least one draw"),
        (lambda m, x: iwae_bound(m, x, k=0), "at least one draw"),
        (lambda m, x: elbo(m, x[:0]), "empty"),
        (lambda m, x: elbo(m, x[:, 0]), "batches of images"),
        (lambda m, x: elbo(m, x.squeeze(1)[:, :3]), "batches of images"),
    ],
)
def test_bad_input_is_named_in_one_sentence(call, said):
    with pytest.raises(ValueError, match=said):
        call(VAE.mlp(2, hidden=(4,), shape=(1, 4, 4)), torch.rand(3, 1, 4, 4))


def test_integer_images_are_refused_with_the_fix():
    with pytest.raises(TypeError, match="255"):
        elbo(VAE.mlp(2, hidden=(4,), shape=(1, 4, 4)), torch.zeros(3, 1, 4, 4, dtype=torch.uint8))
