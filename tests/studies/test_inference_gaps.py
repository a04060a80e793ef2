"""The gaps of inference, held against the linear-Gaussian world, in which every q and every gap is known."""

import math

import pytest
import torch
from torch import nn
from torch.distributions import MultivariateNormal

from vae_course.exact import LinearGaussian
from vae_course.exercises.lesson_15.quiz import QUESTIONS
from vae_course.exercises.lessons import get
from vae_course.models import VAE
from vae_course.studies import inference_gaps
from vae_course.studies.inference_gaps import Gaps, account, log_weights, refine

W = torch.tensor([[1.5, 0.9], [0.9, 0.8], [0.2, 0.8]], dtype=torch.float64)  # its columns are far from orthogonal
N = 4


@pytest.fixture(scope="module")
def world():
    return LinearGaussian(W, torch.zeros(3, dtype=torch.float64), 0.6)


@pytest.fixture(scope="module")
def x(world):
    return world.sample(N, generator=torch.Generator().manual_seed(0))[1]


@pytest.fixture(scope="module")
def guess(world, x):
    """A world whose q is off in place and in width."""
    truth = world.posterior(x)
    return world.with_posterior(truth.mean + 0.4, truth.variance.log() + 0.5)


@pytest.fixture(scope="module")
def gaps(guess, x):
    return account(guess, x, steps=200, draws=8, k=4000)


def best_diagonal(world, x):
    """The q that mean field ends at: the true mean, and the variances 1 / Lambda_jj."""
    truth = world.posterior(x)
    variance = 1 / truth.precision_matrix.diagonal(dim1=-2, dim2=-1)
    return MultivariateNormal(truth.mean, torch.diag_embed(variance))


def kl(q, truth):
    return torch.distributions.kl_divergence(q, truth)


def test_refining_finds_the_best_diagonal_q(world, guess, x):
    found, best = refine(guess, x, guess.posterior(x), steps=200, draws=8), best_diagonal(world, x)
    assert torch.allclose(found.mean, best.mean, atol=0.08) and torch.allclose(found.stddev, best.stddev, rtol=0.12)


def test_with_a_full_covariance_it_finds_the_true_posterior(world, guess, x):
    found, truth = refine(guess, x, guess.posterior(x), full=True, steps=200, draws=8), world.posterior(x)
    assert torch.allclose(found.mean, truth.mean, atol=0.1)
    assert torch.allclose(found.covariance_matrix, truth.covariance_matrix, atol=0.06)
    assert truth.covariance_matrix[0, 0, 1].abs() > 0.2


def test_each_gap_is_the_one_of_the_closed_form(world, guess, x, gaps):
    truth, best = world.posterior(x), best_diagonal(world, x)
    noise = 4.5 * 3 / 4000**0.5 / N**0.5 + 0.01  # of the draws, and of a search that ends nearby
    torch.testing.assert_close(gaps.log_px, world.log_marginal(x), atol=0.05, rtol=0)
    expected = {
        "total": kl(guess.posterior(x), truth),
        "amortisation": kl(guess.posterior(x), truth) - kl(best, truth),
        "approximation": kl(best, truth),
        "covariance": kl(best, truth),
        "beyond": torch.zeros(N),
    }
    for name, right in expected.items():
        assert getattr(gaps, name).mean().item() == pytest.approx(right.mean().item(), abs=noise), name
    precision = truth.precision_matrix
    formula = 0.5 * (precision.diagonal(dim1=-2, dim2=-1).log().sum(-1) - torch.logdet(precision))
    assert gaps.approximation.mean().item() == pytest.approx(formula.mean().item(), abs=noise)
    assert formula.min() > 0.02 and expected["amortisation"].min() > 0.1


def test_the_parts_add_up(gaps):
    torch.testing.assert_close(gaps.total, gaps.amortisation + gaps.approximation)
    torch.testing.assert_close(gaps.approximation, gaps.covariance + gaps.beyond)


def test_log_weights_are_those_of_the_true_posterior_alone_without_spread(world, x):
    weights = log_weights(world, x, world.posterior(x), k=60)
    assert weights.shape == (60, N) and weights.dtype == torch.float64
    torch.testing.assert_close(weights, world.log_marginal(x).expand(60, -1))


def test_the_model_its_gradients_and_the_random_numbers_stay_as_they_are():
    torch.manual_seed(0)
    model = VAE.mlp(2, hidden=(8,), shape=(1, 4, 4))
    model.decoder.append(nn.Dropout(0.0))
    images = torch.rand(3, 1, 4, 4).round()
    before, noise = {k: v.clone() for k, v in model.state_dict().items()}, torch.get_rng_state()
    first, second = (account(model, images, steps=5, draws=2, k=70) for _ in range(2))
    assert torch.equal(torch.get_rng_state(), noise) and model.training
    assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())
    assert all(p.grad is None for p in model.parameters())
    assert torch.equal(first.full, second.full)
    assert not torch.equal(first.full, account(model, images, steps=5, draws=2, k=70, seed=1).full)


def test_a_model_with_frozen_weights_is_refined_too():
    model = VAE.mlp(2, hidden=(8,), shape=(1, 4, 4)).requires_grad_(False)
    gaps = account(model, torch.rand(3, 1, 4, 4).round(), steps=60, draws=8, k=500)
    assert gaps.amortisation.mean() > -0.02


def test_bad_input_is_told_in_a_sentence(world, guess, x):
    for settings, name in (({"steps": 0}, "steps"), ({"draws": 0}, "draws")):
        with pytest.raises(ValueError, match=f"{name} is 0: give a whole number from 1"):
            refine(guess, x, guess.posterior(x), **settings)
    with pytest.raises(ValueError, match="k is 0"):
        inference_gaps.log_weights(world, x, world.posterior(x), k=0)


def test_the_answer_in_words_of_lesson_15_splits_its_own_numbers_as_the_account_does():
    words = get("15-where").solution
    theirs = Gaps(*(torch.tensor([-nats]) for nats in (104.0, 100.6, 99.1, 97.8)))
    for part in (theirs.total, theirs.amortisation, theirs.approximation, theirs.covariance, theirs.beyond, 26.0 - 3.4):
        assert f"{float(part):.1f}" in words
    assert f"104.0 - 100.6 = {float(theirs.amortisation):.1f} are the amortisation gap" in words


def test_the_quiz_of_lesson_15_states_what_a_diagonal_q_costs_and_what_log_k_hides():
    said = " ".join(choice.reply for question in QUESTIONS for choice in question.choices if choice.right)
    assert f"-1/2 log(1 - 0.9^2) = {-0.5 * math.log(1 - 0.9**2):.2f} nats" in said
    assert f"log 100 = {math.log(100):.1f} nats" in said
