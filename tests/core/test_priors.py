"""Learned priors: their densities by torch.distributions and by quadrature, their draws, and a VAE that has one of them."""

import math

import pytest
import torch
from torch import nn
from torch.distributions import Categorical, Independent, MixtureSameFamily, MultivariateNormal, Normal

from vae_course import flows, objectives
from vae_course.models import VAE
from vae_course.priors import FlowPrior, MixturePrior, VampPrior, WithPrior, negative_log_prob

GRID = torch.linspace(-12, 12, 1201, dtype=torch.float64)
PLANE = torch.cartesian_prod(GRID[::4], GRID[::4])
AREA = (GRID[4] - GRID[0]) ** 2


@pytest.fixture
def model():
    torch.manual_seed(0)
    return VAE.mlp(2, hidden=(16,), shape=(1, 4, 4))


@pytest.fixture
def images():
    return torch.rand(30, 1, 4, 4, generator=torch.Generator().manual_seed(1)).round()


def mixture(k=5, d=3, seed=0):
    """A mixture whose weights, means and variances all differ, and the same one in torch.distributions."""
    torch.manual_seed(seed)
    weight, mean, logvar = torch.softmax(torch.randn(k), 0), torch.randn(k, d), torch.randn(k, d)
    components = Independent(Normal(mean.double(), (0.5 * logvar.double()).exp()), 1)
    return MixturePrior.of(weight, mean, logvar), MixtureSameFamily(Categorical(weight.double()), components)


def flow_prior(dim=2, seed=0):
    """A flow that bends: coupling steps away from the identity, and a linear one."""
    torch.manual_seed(seed)
    flow = flows.Flow(flows.Coupling(dim, hidden=8), flows.Coupling(dim, hidden=8, flip=True), flows.Triangular(dim))
    with torch.no_grad():
        for parameter in flow.parameters():
            parameter.add_(0.2 * torch.randn(parameter.shape))
    return FlowPrior(flow)


def test_a_mixture_has_the_density_that_torch_gives_it():
    ours, truth = mixture()
    z = 2 * torch.randn(4, 7, 3)
    expected = truth.log_prob(z.double()).float()
    torch.testing.assert_close(ours.distribution().log_prob(z), expected, atol=1e-5, rtol=1e-5)
    assert ours.distribution().log_prob(z).dtype == torch.float32


def test_narrow_components_far_from_zero_lose_no_digits():
    mean = torch.tensor([[30.0, -30.0], [31.0, -30.0]])
    ours = MixturePrior.of(torch.tensor([0.5, 0.5]), mean, torch.full((2, 2), -12.0))
    z = mean + 0.002
    each = Normal(mean.double()[:1], math.exp(-6)).log_prob(z.double()[:1]).sum() - math.log(2)
    assert ours.distribution().log_prob(z)[0].item() == pytest.approx(each.item(), abs=1e-3)


@pytest.mark.parametrize("make", [lambda: mixture(d=2)[0], flow_prior])
def test_a_prior_is_a_density(make):
    prior = make().double()
    with torch.no_grad():
        assert (prior.distribution().log_prob(PLANE).exp().sum() * AREA).item() == pytest.approx(1, abs=1e-4)


def test_a_vamp_prior_is_a_density(model):
    prior = VampPrior(model.encoder, 6, shape=(1, 4, 4)).double()
    with torch.no_grad():
        assert (prior.distribution().log_prob(PLANE).exp().sum() * AREA).item() == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("make", [lambda: mixture(d=2)[0], flow_prior])
def test_draws_come_from_the_density(make):
    # E_p[ f ] over draws against the integral of f p over the plane, for f = z_1, z_2, z_1 z_2 and z_1^2.
    prior = make().double()
    torch.manual_seed(2)
    with torch.no_grad():
        p = prior.distribution()
        draws, weight = p.sample((40_000,)), p.log_prob(PLANE).exp() * AREA
    for f in (lambda z: z[:, 0], lambda z: z[:, 1], lambda z: z[:, 0] * z[:, 1], lambda z: z[:, 0] ** 2):
        error = f(draws).std().item() / len(draws) ** 0.5
        assert f(draws).mean().item() == pytest.approx((weight * f(PLANE)).sum().item(), abs=4.5 * error)


def test_a_flow_prior_of_one_linear_step_is_a_gaussian():
    prior = flow_prior(3)
    triangular = prior.flow.steps[2]
    z = torch.randn(9, 3)
    truth = MultivariateNormal(triangular.m, scale_tril=triangular.matrix())
    torch.testing.assert_close(FlowPrior(flows.Flow(triangular)).distribution().log_prob(z), truth.log_prob(z))


def test_a_vamp_prior_is_the_aggregated_posterior_of_its_pseudo_inputs(model):
    prior = VampPrior(model.encoder, 7, shape=(1, 4, 4))
    u, z = prior.pseudo_inputs(), torch.randn(11, 2)
    q = model.posterior(u)
    aggregated = torch.logsumexp(q.log_prob(z.unsqueeze(1)), 1) - math.log(7)
    torch.testing.assert_close(prior.distribution().log_prob(z), aggregated, atol=1e-5, rtol=1e-5)
    assert ((u > 0) & (u < 1)).all()


def test_the_encoder_of_a_vamp_prior_is_shared_and_learns_from_it(model, images):
    whole = WithPrior(model, VampPrior(model.encoder, 4, shape=(1, 4, 4)))
    assert len(list(whole.parameters())) == len(list(model.parameters())) + 1
    z = model.posterior(images).mean.detach()
    whole.prior().log_prob(z).mean().backward()
    assert all(p.grad.abs().max() > 0 for p in (*model.encoder.parameters(), whole.latent_prior.logits))


def test_pseudo_inputs_begin_where_they_are_told(model):
    start = torch.rand(3, 1, 4, 4, generator=torch.Generator().manual_seed(3)).clamp(0.02, 0.98)
    prior = VampPrior(model.encoder, 3, shape=(1, 4, 4), start=start)
    torch.testing.assert_close(prior.pseudo_inputs(), start)
    ends = VampPrior(model.encoder, 3, shape=(1, 4, 4), start=start.round()).pseudo_inputs()
    torch.testing.assert_close(ends, start.round().clamp(0.01, 0.99))


def test_the_bound_has_the_prior_in_it(model, images):
    # With p(z) = N(0, I) as a mixture of one, all is as it was; with another prior the weights differ by log p' - log p.
    same = WithPrior(model, MixturePrior.of(torch.ones(1), torch.zeros(1, 2), torch.zeros(1, 2)))
    other = WithPrior(model, mixture(d=2)[0])
    torch.manual_seed(4)
    plain = objectives.iwae_bound(model, images, k=3)
    torch.manual_seed(4)
    torch.testing.assert_close(objectives.iwae_bound(same, images, k=3), plain, atol=1e-5, rtol=0)
    torch.manual_seed(5)
    weights = objectives.log_weights(model, images, k=3)
    torch.manual_seed(5)
    moved = objectives.log_weights(other, images, k=3) - weights
    torch.manual_seed(5)
    z = model.posterior(images).rsample((3,))
    torch.testing.assert_close(moved, other.prior().log_prob(z) - model.prior().log_prob(z), atol=1e-4, rtol=1e-4)


def test_a_model_with_a_prior_is_the_model_but_for_its_prior(model, images):
    whole = WithPrior(model, MixturePrior(2, 4))
    assert (whole.latent_dim, tuple(whole.shape)) == (2, (1, 4, 4))
    z = torch.randn(5, 2)
    torch.testing.assert_close(whole.posterior(images).mean, model.posterior(images).mean)
    torch.testing.assert_close(whole.likelihood(z).mean, model.likelihood(z).mean)
    torch.testing.assert_close(whole.decode_mean(z), model.decode_mean(z))


@pytest.mark.parametrize("make", [lambda model: MixturePrior(2, 4), lambda model: flow_prior()])
def test_samples_are_decoded_draws_of_the_prior_and_come_from_the_generator_alone(model, make):
    whole = WithPrior(model, make(model))
    before = torch.get_rng_state()
    first, again, other = (whole.sample(6, generator=torch.Generator().manual_seed(s)) for s in (7, 7, 8))
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(first, again) and not torch.equal(first, other) and first.shape == (6, 1, 4, 4)
    torch.manual_seed(9)
    expected = model.decode_mean(whole.prior().sample((6,)))
    torch.manual_seed(9)
    torch.testing.assert_close(whole.sample(6), expected)


def test_the_loss_of_a_prior_is_the_mean_of_its_negative_log_density():
    prior, truth = mixture()
    z = torch.randn(8, 3)
    assert negative_log_prob(prior, z)["loss"].item() == pytest.approx(
        -truth.log_prob(z.double()).mean().item(), abs=1e-5
    )


def test_bad_input_is_told_in_a_sentence(model):
    for bad in (lambda: MixturePrior(2, 0), lambda: MixturePrior(0), lambda: VampPrior(model.encoder, 0)):
        with pytest.raises(ValueError, match="give a whole number from 1"):
            bad()
    with pytest.raises(ValueError, match=r"shapes \[2\], \[3, 2\], \[3, 2\]: give \[K\], \[K, D\] and \[K, D\]"):
        MixturePrior.of(torch.ones(2) / 2, torch.zeros(3, 2), torch.zeros(3, 2))
    with pytest.raises(ValueError, match="leave out components without weight"):
        MixturePrior.of(torch.tensor([1.0, 0.0]), torch.zeros(2, 2), torch.zeros(2, 2))
    with pytest.raises(ValueError, match="start holds 3 images: give 4, with pixels in"):
        VampPrior(model.encoder, 4, shape=(1, 4, 4), start=torch.rand(3, 1, 4, 4))
    with pytest.raises(ValueError, match="with pixels in"):
        VampPrior(model.encoder, 4, shape=(1, 4, 4), start=2 + torch.rand(4, 1, 4, 4))
    with pytest.raises(TypeError, match="give a module with distribution"):
        WithPrior(model, nn.Identity())
    with pytest.raises(ValueError, match="make the prior for latent_dim 2"):
        WithPrior(model, MixturePrior(3))
    with pytest.raises(ValueError, match="at least one sample"):
        WithPrior(model, MixturePrior(2)).sample(0)
