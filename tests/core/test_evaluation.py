"""Evaluation against worlds whose log p(x) is known, and against sums done by hand."""

import math

import pytest
import torch
from torch import Tensor, nn
from torch.distributions import Distribution, Independent, MultivariateNormal, Normal

from vae_course import evaluation
from vae_course.evaluation import Evaluation, active_units, evaluate, kl_per_dim, log_marginal
from vae_course.exact import LinearGaussian
from vae_course.models import VAE
from vae_course.objectives import elbo

W = torch.tensor([[1.0, 0.5], [-0.5, 2.0], [0.3, 0.3], [0.0, 1.0]], dtype=torch.float64)
WORLD = LinearGaussian(W, torch.arange(4, dtype=torch.float64), 0.8)
_, X = WORLD.sample(403, generator=torch.Generator().manual_seed(0))
EXACT = float(WORLD.log_marginal(X).mean())


class Shifted:
    """The exact world with a posterior that is off by 0.3 and half as wide again as the true one."""

    def __init__(self) -> None:
        self.draws: list[tuple[int, int]] = []

    def prior(self) -> Distribution:
        return WORLD.prior()

    def likelihood(self, z: Tensor) -> Distribution:
        self.draws.append((z.shape[0], z.shape[1]))
        return WORLD.likelihood(z)

    def posterior(self, x: Tensor) -> Distribution:
        q = WORLD.posterior(x)
        return MultivariateNormal(q.mean + 0.3, q.covariance_matrix * 1.5)

    def gap(self) -> float:
        """KL( q || p(z | x) ), the same for every x."""
        q, p = self.posterior(X[:1]), WORLD.posterior(X[:1])
        return float(torch.distributions.kl_divergence(q, p))


def tiny_vae(seed: int = 0) -> VAE:
    torch.manual_seed(seed)
    return VAE.mlp(3, hidden=(8,), shape=(1, 4, 4))


PIXELS = torch.rand(25, 1, 4, 4, generator=torch.Generator().manual_seed(1))


# ------------------------------------------------------------------------------------------ evaluate


def test_the_elbo_at_the_true_posterior_is_log_p_of_x():
    result = evaluate(WORLD, X, n_samples=300)
    # One draw of log p(x | z) has a standard deviation near 1 around its mean.
    assert result.elbo == pytest.approx(EXACT, abs=5 / math.sqrt(300 * len(X)))


def test_the_elbo_elsewhere_falls_short_by_the_kl_to_the_posterior():
    model = Shifted()
    result = evaluate(model, X, n_samples=300)
    assert result.elbo == pytest.approx(EXACT - model.gap(), abs=5 / math.sqrt(300 * len(X)))
    assert model.gap() > 0.1


def test_the_parts_add_up_and_have_the_names_of_rate_and_distortion():
    result = evaluate(tiny_vae(), PIXELS)
    assert result.elbo == pytest.approx(result.log_px_z - result.kl, rel=1e-6)
    assert (result.rate, result.distortion, result.n) == (result.kl, -result.log_px_z, 25)
    assert result.kl > 0 > result.log_px_z


def test_means_and_standard_error_are_those_of_the_examples():
    # One batch draws the same noise as a plain call after the same seed.
    model = tiny_vae().eval()
    torch.manual_seed(7)
    with torch.no_grad():
        terms = elbo(model, PIXELS)
    result = evaluate(model, PIXELS, seed=7)
    values = terms.elbo.tolist()
    mean = sum(values) / 25
    spread = math.sqrt(sum((v - mean) ** 2 for v in values) / 24)
    assert result.elbo == pytest.approx(mean, rel=1e-6)
    assert result.standard_error == pytest.approx(spread / 5, rel=1e-5)
    assert result.kl == pytest.approx(float(terms.kl.mean()), rel=1e-6)


@pytest.mark.parametrize("batch_size", [1, 7, 24, 25, 1000])
def test_every_example_counts_once_whatever_the_batches(batch_size: int):
    result = evaluate(tiny_vae(), PIXELS, batch_size=batch_size)
    assert result.n == 25
    assert result.kl == pytest.approx(evaluate(tiny_vae(), PIXELS).kl, rel=1e-6)


def test_the_standard_error_is_the_spread_of_repeated_evaluations():
    estimates, errors = [], []
    for seed in range(200):
        _, x = WORLD.sample(100, generator=torch.Generator().manual_seed(seed))
        result = evaluate(WORLD, x, seed=seed)
        estimates.append(result.elbo)
        errors.append(result.standard_error)
    # The spread of 200 estimates is itself known to 5 %; allow four of those.
    assert torch.tensor(estimates).std().item() == pytest.approx(sum(errors) / 200, rel=0.2)


def test_more_samples_are_really_drawn():
    model = Shifted()
    evaluate(model, X, n_samples=7, batch_size=100)
    assert model.draws == [(7, 100)] * 4 + [(7, 3)]


def test_one_example_has_no_standard_error():
    assert math.isnan(evaluate(tiny_vae(), PIXELS[:1]).standard_error)


def test_an_evaluation_reads_in_one_line():
    text = str(Evaluation(elbo=-104.5, log_px_z=-79.25, kl=25.25, standard_error=0.125, n=10_000))
    assert text == "elbo -104.50 ± 0.12 nats on 10,000 examples (log p(x|z) -79.25, KL 25.25)"


# ------------------------------------------------------------------------------------------ log p(x)


@pytest.mark.parametrize("k", [1, 2, 57])
@pytest.mark.parametrize("codes", [1, 50, 5000])
def test_log_marginal_is_exact_at_the_true_posterior(k: int, codes: int, monkeypatch: pytest.MonkeyPatch):
    # There every weight is p(x) itself, so the bound has no noise, in however many pieces it is summed.
    monkeypatch.setattr(evaluation, "CODES_AT_ONCE", codes)
    mean, error = log_marginal(WORLD, X[:60], k=k, batch_size=25)
    exact = WORLD.log_marginal(X[:60])
    assert mean == pytest.approx(float(exact.mean()), abs=1e-9)
    assert error == pytest.approx(float(exact.std()) / math.sqrt(60), rel=1e-9)


def test_log_marginal_grows_with_k_towards_log_p_of_x():
    exact = float(WORLD.log_marginal(X[:100]).mean())
    bounds = [log_marginal(Shifted(), X[:100], k=k)[0] for k in (1, 10, 500)]
    assert bounds == sorted(bounds)
    assert bounds[0] == pytest.approx(exact - Shifted().gap(), abs=0.3)
    assert bounds[-1] == pytest.approx(exact, abs=0.02)


def test_all_k_draws_are_made_and_never_too_many_at_once(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(evaluation, "CODES_AT_ONCE", 100)
    model = Shifted()
    log_marginal(model, X[:40], k=17, batch_size=20)
    assert model.draws == [(5, 20), (5, 20), (5, 20), (2, 20)] * 2


# ------------------------------------------------------------------------------------------ latent dimensions


class Known(nn.Module):
    """A posterior whose means and variances are written down: mu = x * slope, sigma as given."""

    slope = torch.tensor([1.0, 0.0, 0.2, 0.09])
    sigma = torch.tensor([0.5, 1.0, 1.0, 2.0])

    def prior(self) -> Distribution:
        return Independent(Normal(torch.zeros(4), torch.ones(4)), 1)

    def posterior(self, x: Tensor) -> Distribution:
        return Independent(Normal(x * self.slope, self.sigma.expand(len(x), 4)), 1)


# Mean 0 and (with n - 1) variance 1 over these four examples.
POINTS = torch.tensor([[-1.0], [1.0], [-1.0], [1.0]]) * math.sqrt(3 / 4)


def test_kl_per_dim_is_the_closed_form():
    mean_square = Known.slope.square() * 0.75
    expected = 0.5 * (Known.sigma.square() + mean_square - 1) - Known.sigma.log()
    result = kl_per_dim(Known(), POINTS, batch_size=3)
    assert result.shape == (4,)
    assert torch.allclose(result, expected, atol=1e-6)
    assert result[1] == 0


def test_the_kls_of_the_dimensions_add_up_to_the_kl():
    result = kl_per_dim(tiny_vae(), PIXELS)
    assert float(result.sum()) == pytest.approx(evaluate(tiny_vae(), PIXELS).kl, rel=1e-5)


def test_kl_per_dim_needs_a_posterior_that_is_a_product():
    with pytest.raises(TypeError, match=r"MultivariateNormal.*products over dimensions"):
        kl_per_dim(WORLD, X)


def test_a_dimension_is_active_if_its_posterior_mean_varies():
    # The variances over the examples are 1, 0, 0.04 and 0.0081.
    assert active_units(Known(), POINTS) == 2
    assert active_units(Known(), POINTS, threshold=0.05) == 1
    assert active_units(Known(), POINTS, threshold=0.005, batch_size=3) == 3
    with pytest.raises(ValueError, match="two or more"):
        active_units(Known(), POINTS[:1])


# ------------------------------------------------------------------------------------------ manners

MEASURES = [evaluate, lambda m, x: log_marginal(m, x, k=5), kl_per_dim, active_units]


class Watched(VAE):
    """Notes how it is called."""

    def posterior(self, x: Tensor) -> Distribution:
        self.seen = (self.training, torch.is_grad_enabled())
        return super().posterior(x)


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("training", [True, False])
def test_evaluation_is_in_eval_mode_without_gradients_and_restores_every_mode(measure, training: bool):
    model = Watched.mlp(3, hidden=(8,), shape=(1, 4, 4))
    model.train(training)
    model.decoder.train(not training)
    before = [m.training for m in model.modules()]
    measure(model, PIXELS)
    assert model.seen == (False, False)
    assert [m.training for m in model.modules()] == before
    assert torch.is_grad_enabled()


@pytest.mark.parametrize("measure", MEASURES)
def test_evaluation_repeats_itself_and_leaves_random_numbers_alone(measure):
    model = tiny_vae()
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    first = measure(model, PIXELS)
    assert torch.equal(torch.rand(2), expected)
    again = measure(model, PIXELS)
    assert torch.equal(first, again) if isinstance(first, Tensor) else first == again


def test_another_seed_draws_other_codes():
    assert evaluate(tiny_vae(), PIXELS, seed=0) != evaluate(tiny_vae(), PIXELS, seed=1)


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda m: evaluate(m, PIXELS, n_samples=0), ValueError, "n_samples is 0"),
        (lambda m: evaluate(m, PIXELS, batch_size=0), ValueError, "batch_size is 0"),
        (lambda m: evaluate(m, PIXELS[:0]), ValueError, "at least one example"),
        (lambda m: evaluate(m, (PIXELS * 255).byte()), TypeError, "uint8"),
        (lambda m: evaluate(m, PIXELS * 255), ValueError, "divide by 255"),
        (lambda m: evaluate(m, PIXELS * math.nan), ValueError, "NaN"),
        (lambda m: evaluate(m, PIXELS[:, 0]), ValueError, r"shape \[25, 4, 4\]"),
        (lambda m: log_marginal(m, PIXELS, k=0), ValueError, "k is 0"),
    ],
)
def test_bad_input_gets_one_clear_sentence(call, error: type[Exception], says: str):
    with pytest.raises(error, match=says) as caught:
        call(tiny_vae())
    assert "\n" not in str(caught.value)
