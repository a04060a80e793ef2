"""The importance-weighted loss and the estimate for each example, against the exact world."""

import math

import pytest
import torch

from tests.core.test_exact import linear_world
from vae_course.evaluation import log_marginal, log_marginal_each
from vae_course.models import VAE
from vae_course.objectives import elbo, iwae_bound, log_weights, negative_elbo, negative_iwae


@pytest.fixture
def points():
    _, x = linear_world().sample(5, generator=torch.Generator().manual_seed(5))
    return x


def poor(points):
    """The world with a q that is shifted and too wide, both as parameters."""
    world = linear_world()
    mu = (world.posterior(points).mean + 0.4).requires_grad_()
    logvar = (2.0 * world.posterior(points).variance).log().requires_grad_()
    return world.with_posterior(mu, logvar), mu, logvar


def test_negative_iwae_is_minus_the_mean_bound(points):
    model, _, _ = poor(points)
    torch.manual_seed(1)
    loss = negative_iwae(model, points, k=7)
    torch.manual_seed(1)
    assert loss.keys() == {"loss"}
    torch.testing.assert_close(loss["loss"], -iwae_bound(model, points, k=7).mean())


def test_its_gradient_weighs_the_draws_by_their_share(points):
    model, mu, logvar = poor(points)
    torch.manual_seed(2)
    gradients = torch.autograd.grad(negative_iwae(model, points, k=6)["loss"], (mu, logvar))
    torch.manual_seed(2)
    log_w = log_weights(model, points, k=6)
    surrogate = -(torch.softmax(log_w, 0).detach() * log_w).sum(0).mean()
    for ours, expected in zip(gradients, torch.autograd.grad(surrogate, (mu, logvar)), strict=True):
        torch.testing.assert_close(ours, expected)


def test_at_the_posterior_the_loss_is_exact(points):
    world = linear_world()
    torch.testing.assert_close(negative_iwae(world, points, k=3)["loss"], -world.log_marginal(points).mean())


def test_negative_elbo_averages_over_its_draws(points):
    model, _, _ = poor(points)
    torch.manual_seed(3)
    loss = negative_elbo(model, points, n_samples=9)
    torch.manual_seed(3)
    terms = elbo(model, points, n_samples=9)
    torch.testing.assert_close(loss["loss"], -terms.elbo.mean())
    torch.testing.assert_close(loss["reconstruction"], -terms.log_px_z.mean())


@pytest.mark.parametrize("loss", [lambda m, x: negative_iwae(m, x, k=0), lambda m, x: negative_elbo(m, x, n_samples=0)])
def test_no_draw_is_an_error(loss, points):
    with pytest.raises(ValueError, match="at least one draw"):
        loss(linear_world(), points)


def test_the_estimate_of_each_example_averages_to_log_marginal():
    torch.manual_seed(4)
    model, x = VAE.mlp(2, hidden=(8,), shape=(1, 4, 4)), torch.rand(23, 1, 4, 4).round()
    each = log_marginal_each(model, x, k=11, batch_size=7, seed=3)
    mean, error = log_marginal(model, x, k=11, batch_size=7, seed=3)
    assert each.shape == (23,) and each.dtype == torch.float64
    assert mean == float(each.mean()) and error == pytest.approx(float(each.std()) / math.sqrt(23))


def test_the_estimate_of_each_example_is_its_own(points):
    world = linear_world()
    torch.testing.assert_close(log_marginal_each(world, points, k=2, batch_size=2), world.log_marginal(points))
    with pytest.raises(ValueError, match="k is 0"):
        log_marginal_each(world, points, k=0)
