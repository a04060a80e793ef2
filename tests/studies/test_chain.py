"""The chain of lesson 16: every closed form against quadrature or draws."""

import math
import re

import pytest
import torch
from torch.distributions import Normal, kl_divergence

from vae_course import quizzes
from vae_course.exercises.lesson_16 import why
from vae_course.studies.chain import Chain

CHAINS = pytest.mark.parametrize("chain", [Chain(0.0), Chain(0.5), Chain(0.95), Chain(0.8, sigma=2.0)], ids=str)
N = 200_000


def drawn(chain: Chain) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    return chain.sample(N, generator=torch.Generator().manual_seed(0))


def close(draws: torch.Tensor, value: float) -> bool:
    return abs(float(draws.mean()) - value) < 4 * float(draws.std()) / len(draws) ** 0.5 + 1e-9


@CHAINS
def test_draws_have_unit_variances_and_the_stated_correlation(chain: Chain):
    z2, z1, x = drawn(chain)
    assert close(z2.square(), 1) and close(z1.square(), 1) and close(x.square(), 1 + chain.sigma**2)
    assert close(z1 * z2, chain.a) and close(x * z1, 1)


@CHAINS
def test_p_of_x_and_both_posteriors_are_those_of_a_sum_over_the_plane(chain: Chain):
    side = torch.linspace(-8, 8, 1601, dtype=torch.float64)
    z1, z2 = torch.meshgrid(side, side, indexing="ij")
    x = torch.tensor(1.3, dtype=torch.float64)
    log_joint = Normal(0.0, 1.0).log_prob(z2) + chain.given_top(z2).log_prob(z1) + chain.likelihood(z1).log_prob(x)
    log_px = torch.logsumexp(log_joint.flatten(), 0) + 2 * math.log(0.01)
    assert float(log_px) == pytest.approx(float(chain.log_marginal(x)), abs=1e-6)
    posterior = (log_joint - log_px).exp()
    torch.testing.assert_close(posterior.sum(0) * 0.01, chain.top(x).log_prob(side).exp(), atol=1e-6, rtol=0)
    torch.testing.assert_close(posterior.sum(1) * 0.01, chain.bottom_alone(x).log_prob(side).exp(), atol=1e-6, rtol=0)
    down = chain.top(x).log_prob(z2) + chain.bottom(x, z2).log_prob(z1)
    up = chain.bottom_alone(x).log_prob(z1) + chain.top_given_bottom(z1).log_prob(z2)
    for other in (down, up):
        torch.testing.assert_close(posterior, other.exp(), atol=1e-6, rtol=1e-6)


@CHAINS
def test_rates_from_the_top_down_are_mean_kls(chain: Chain):
    z2, _, x = drawn(chain)
    rates = chain.top_down()
    assert close(kl_divergence(chain.top(x), Normal(0.0, 1.0)), rates.top)
    # z2 of a draw is a draw from p(z2 | x).
    assert close(kl_divergence(chain.bottom(x, z2), chain.given_top(z2)), rates.bottom)


@CHAINS
def test_parts_from_the_bottom_up_are_means_of_their_terms(chain: Chain):
    z2, z1, x = drawn(chain)
    parts = chain.bottom_up()
    assert close(kl_divergence(chain.top_given_bottom(z1), Normal(0.0, 1.0)), parts.top)
    assert close(chain.bottom_alone(x).log_prob(z1) - chain.given_top(z2).log_prob(z1), parts.bottom)


def test_the_sum_never_moves_and_the_table_of_the_lesson_holds():
    for a, top, bottom in ((0.0, 0.0, 0.805), (0.5, 0.112, 0.693), (0.8, 0.359, 0.446), (0.95, 0.640, 0.165)):
        down, up = Chain(a).top_down(), Chain(a).bottom_up()
        assert (round(down.top, 3), round(down.bottom, 3)) == (top, bottom)
        assert down.total == pytest.approx(0.5 * math.log(5)) == up.total
    assert Chain(0.95).bottom_up().bottom < -0.3


@CHAINS
def test_an_idle_top_loses_the_mean_kl_of_the_prior_to_the_posterior(chain: Chain):
    _, _, x = drawn(chain)
    lost = kl_divergence(Normal(0.0, 1.0), chain.top(x))
    assert close(lost, chain.idle_gap()) and chain.idle_gap() >= 0


@pytest.mark.parametrize(
    ("a", "sigma", "said"), [(1.0, 0.5, "a is 1.0"), (-0.1, 0.5, "a is"), (0.5, 0.0, "sigma is 0.0")]
)
def test_a_chain_that_cannot_be_is_named(a: float, sigma: float, said: str):
    with pytest.raises(ValueError, match=said):
        Chain(a, sigma)


def test_the_written_answer_and_the_quiz_state_the_chains_numbers():
    idle, used = Chain(0.0).top_down(), Chain(0.95).top_down()
    moved = 0.5 * 0.1**2  # what a mean that moves by a tenth costs beside a width of 1
    right = {f"{value:.3f}" for value in (idle.bottom, used.bottom, used.top, moved)}
    assert f"{used.bottom + used.top:.3f}" in right
    assert set(re.findall(r"\d\.\d{3}", why.EXERCISE.solution)) == right
    told = " ".join(choice.reply for question in quizzes.questions("16") for choice in question.choices)
    assert set(re.findall(r"\d\.\d{3}", told)) == right - {f"{moved:.3f}"}
