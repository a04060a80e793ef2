"""Priors fitted to codes: each is the best of its kind, the gain is a difference of marginal KLs, and a trainer fits them too."""

import functools
import math

import pytest
import torch
from torch.distributions import MultivariateNormal, Normal, kl_divergence

from vae_course import objectives
from vae_course.exercises.lesson_08.mixture_prior import refit
from vae_course.flows import Coupling, Flow
from vae_course.models import VAE
from vae_course.priors import FlowPrior, MixturePrior, VampPrior, WithPrior, negative_log_prob
from vae_course.studies import prior_fit
from vae_course.studies.information import split_rate
from vae_course.training import Recipe, fit, fit_or_load

SMALL = {"hidden": (8,), "shape": (1, 4, 4)}


@pytest.fixture
def model():
    torch.manual_seed(0)
    return VAE.mlp(1, **SMALL)


@pytest.fixture
def images():
    return torch.rand(30, 1, 4, 4, generator=torch.Generator().manual_seed(1)).round()


def hills(seed, n=600):
    """Codes on two narrow hills in the plane, a third of them on one."""
    generator = torch.Generator().manual_seed(seed)
    first = (torch.arange(n) % 3 == 0).unsqueeze(1)
    centre = torch.where(first, torch.tensor([2.0, 0.0]), torch.tensor([-1.0, 1.0]))
    return centre + torch.tensor([0.3, 0.5]) * torch.randn(n, 2, generator=generator)


def test_codes_come_from_the_posteriors_draw_after_draw(model, images):
    z = prior_fit.codes(model, images, n_samples=4000)
    q = model.posterior(images)
    apart = z.view(4000, 30, 1)
    error = q.stddev / 4000**0.5
    assert ((apart.mean(0) - q.mean).abs() < 5 * error).all() and torch.allclose(apart.std(0), q.stddev, rtol=0.1)
    assert torch.equal(z, prior_fit.codes(model, images, n_samples=4000))
    assert not torch.equal(z, prior_fit.codes(model, images, n_samples=4000, seed=1))


def test_the_mean_gain_is_a_difference_of_marginal_kls_by_quadrature(model, images):
    prior = MixturePrior.of(torch.tensor([0.3, 0.7]), torch.tensor([[-1.0], [0.5]]), torch.tensor([[0.2], [-1.0]]))
    grid = torch.linspace(-12, 12, 4001).double().unsqueeze(1)
    with torch.no_grad():
        log_q = prior_fit.posteriors_as_prior(model, images).log_prob(grid)
        log_p, log_other = model.prior().log_prob(grid), prior.distribution().log_prob(grid)
    first, second = (torch.trapezoid(log_q.exp() * (log_q - log), grid[:, 0]) for log in (log_p, log_other))
    gain = prior_fit.gain(prior.distribution(), prior_fit.codes(model, images, n_samples=2000), model.prior())
    error = gain.std().item() / len(gain) ** 0.5
    assert gain.mean().item() == pytest.approx((first - second).item(), abs=4.5 * error) and error < 0.01
    assert gain.dtype == torch.float64 and gain.shape == (60_000,)


def test_the_posteriors_as_a_prior_are_the_aggregated_posterior_which_nothing_beats(model, images):
    z = torch.randn(9, 1)
    expected = torch.logsumexp(model.posterior(images).log_prob(z.unsqueeze(1)), 1) - math.log(30)
    ours = prior_fit.posteriors_as_prior(model, images)
    torch.testing.assert_close(ours.log_prob(z), expected, atol=1e-5, rtol=1e-5)
    codes = prior_fit.codes(model, images, n_samples=3000)
    best = prior_fit.gain(ours, codes, model.prior())
    for other in (prior_fit.gaussian(codes), prior_fit.mixture(codes, 3).distribution()):
        less = best - prior_fit.gain(other, codes, model.prior())
        assert less.mean() > -4.5 * less.std() / len(less) ** 0.5


def test_no_gaussian_gains_more_on_its_codes_than_the_fitted_one():
    z = hills(0) @ torch.tensor([[1.0, 0.4], [0.0, 1.0]])
    p, best = MultivariateNormal(torch.zeros(2), torch.eye(2)), prior_fit.gaussian(z)
    most = prior_fit.gain(best, z, p).mean()
    generator = torch.Generator().manual_seed(2)
    for _ in range(20):
        bent = torch.eye(2) + 0.05 * torch.randn(2, 2, generator=generator)
        covariance = bent @ best.covariance_matrix @ bent.T
        other = MultivariateNormal(best.mean + 0.05 * torch.randn(2, generator=generator), covariance)
        assert prior_fit.gain(other, z, p).mean() < most
    assert prior_fit.gaussian_gain(best) == pytest.approx(most.item(), abs=1e-5)
    assert prior_fit.gaussian_gain(best) == pytest.approx(kl_divergence(best, p).item(), abs=1e-5)


@pytest.mark.parametrize("rounds", [0, 1, 7])
def test_em_is_what_learners_build_in_lesson_08(rounds):
    z = hills(3)
    start = torch.tensor([0.2, 0.5, 0.3]), z[:3], torch.randn(3, 2, generator=torch.Generator().manual_seed(4))
    ours, theirs = prior_fit.em(z, *start, rounds), refit(z.double(), *(part.double() for part in start), rounds)
    for mine, expected in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine, expected, atol=1e-9, rtol=1e-7)


def test_a_mixture_finds_the_hills_and_is_worth_the_same_on_other_codes():
    z, other = hills(5), hills(6)
    found = prior_fit.mixture(z, 2, rounds=60)
    order = found.mean[:, 0].argsort()
    assert torch.allclose(found.mean[order], torch.tensor([[-1.0, 1.0], [2.0, 0.0]]), atol=0.15)
    assert torch.allclose(torch.softmax(found.logits, 0)[order], torch.tensor([2 / 3, 1 / 3]), atol=0.02)
    p = MultivariateNormal(torch.zeros(2), torch.eye(2))
    gains = [prior_fit.gain(prior, other, p).mean() for prior in (prior_fit.gaussian(z), found.distribution())]
    assert gains[1] > gains[0] + 0.3
    assert not any(parameter.requires_grad for parameter in found.parameters())


def test_as_many_components_as_codes_stay_finite():
    z = hills(7, n=12)
    found = prior_fit.mixture(z, 12, rounds=100).distribution()
    assert torch.isfinite(found.log_prob(z)).all() and torch.isfinite(found.log_prob(hills(8))).all()


def test_a_flow_bends_where_a_gaussian_can_not():
    z = torch.randn(1000, 2, generator=torch.Generator().manual_seed(9))
    banana = torch.stack([z[:, 0], 0.3 * z[:, 1] + z[:, 0].square() - 1], 1)
    found = prior_fit.coupling_flow(banana[:600], n_steps=2, hidden=16, epochs=20, batch_size=100, lr=2e-2)
    p, flat = MultivariateNormal(torch.zeros(2), torch.eye(2)), prior_fit.gaussian(banana[:600])
    flow = prior_fit.gain(found.distribution(), banana[600:], p).mean()
    assert flow > prior_fit.gain(flat, banana[600:], p).mean() + 0.5


def test_the_same_seed_gives_the_same_flow_and_leaves_random_numbers_alone():
    z, before = hills(10, n=60), torch.get_rng_state()
    one, again, other = (prior_fit.coupling_flow(z, n_steps=2, epochs=2, seed=seed) for seed in (0, 0, 1))
    densities = [prior.distribution().log_prob(z) for prior in (one, again, other)]
    assert torch.equal(densities[0], densities[1]) and not torch.equal(densities[0], densities[2])
    assert torch.equal(torch.get_rng_state(), before)


def test_with_all_images_as_pseudo_inputs_the_price_of_the_prior_is_gone(model, images):
    # p(z) = q(z), draw by draw. Pixels away from 0 and 1, which a sigmoid does not reach.
    grey = 0.05 + 0.9 * images
    exact = WithPrior(model, VampPrior(model.encoder, len(grey), shape=(1, 4, 4), start=grey))
    plain, fitted = split_rate(model, grey, n_samples=5), split_rate(exact, grey, n_samples=5)
    assert plain.marginal_kl > 0.01 and abs(fitted.marginal_kl) < 1e-5
    assert fitted.rate == pytest.approx(plain.information, abs=1e-5)


def with_mixture():
    return WithPrior(VAE.mlp(2, **SMALL), MixturePrior(2, 4))


def with_vamp():
    vae = VAE.mlp(2, **SMALL)
    return WithPrior(vae, VampPrior(vae.encoder, 4, shape=(1, 4, 4)))


def with_flow():
    return WithPrior(VAE.mlp(2, **SMALL), FlowPrior(Flow(Coupling(2, hidden=8), Coupling(2, hidden=8, flip=True))))


@pytest.mark.parametrize("build", [with_mixture, with_vamp, with_flow])
def test_a_vae_with_a_prior_trains_is_kept_and_comes_back(build, images, tmp_path, monkeypatch):
    monkeypatch.setenv("VAE_COURSE_CACHE", str(tmp_path))
    loss = functools.partial(objectives.negative_iwae, k=1)
    settings = {"images": images, "loss": loss, "epochs": 15, "batch_size": 10, "lr": 2e-2}
    recipe = Recipe(name="tiny", build=build, **settings)
    model, history = fit_or_load(recipe, device="cpu", progress=False)
    assert history.train["loss"][-1] < history.train["loss"][0] - 0.2
    loaded, _ = fit_or_load(recipe, device="cpu", progress=False)
    for name, tensor in model.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], tensor)


def test_the_trainer_fits_a_prior_to_codes():
    generator = torch.Generator().manual_seed(3)
    sign = torch.where(torch.arange(400) % 2 == 0, 2.0, -2.0).unsqueeze(1)
    codes = 0.3 * torch.randn(400, 2, generator=generator) + sign
    torch.manual_seed(3)
    prior = MixturePrior(2, 2)
    fit(prior, codes, loss=negative_log_prob, epochs=20, batch_size=50, lr=0.1, progress=False)
    entropy = math.log(2) + 2 * Normal(0.0, 0.3).entropy().item()
    assert negative_log_prob(prior, codes)["loss"].item() == pytest.approx(entropy, abs=0.15)


def test_bad_input_is_told_in_a_sentence(model, images):
    with pytest.raises(ValueError, match="give a whole number from 1"):
        prior_fit.codes(model, images, n_samples=0)
    with pytest.raises(ValueError, match="more codes than dimensions"):
        prior_fit.gaussian(torch.zeros(2, 2))
    with pytest.raises(ValueError, match="n_components is 9 for 8 codes: give as many codes"):
        prior_fit.mixture(torch.randn(8, 2), 9)
    with pytest.raises(ValueError, match="n_steps is 0"):
        prior_fit.coupling_flow(torch.randn(8, 2), n_steps=0)
