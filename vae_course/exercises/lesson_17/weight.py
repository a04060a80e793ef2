"""17-weight: what a wrong guess of x_0 costs in nats over one step back."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.distributions import Normal, kl_divergence

from vae_course.exercises.inputs import generator, integer, normal, uniform
from vae_course.exercises.model import Alternative, Answer, Exercise, Inputs, Misconception

Weight = Callable[[Tensor, Tensor], Tensor]


def step_cost(x0: Tensor, x0_hat: Tensor, log_snr_t: Tensor, log_snr_s: Tensor) -> Tensor:
    """KL in nats, [B], of q(x_s | x_t, x_0) to the same with the guess x0_hat in place of x_0; s < t."""
    difference = torch.exp(log_snr_s) - torch.exp(log_snr_t)
    error = ((x0 - x0_hat) ** 2).sum(dim=-1)
    return 0.5 * difference * error


def _cases(seed: int) -> list[Inputs]:
    """By hand, sizes by chance, one example, one dimension, a guess that is right, a real batch; in double precision both
    times near either end, each at its own, and s close to t.
    """
    source = generator(seed)
    b, d = integer(source, 5, 7), integer(source, 3, 4)
    by_hand: Inputs = {
        "x0": torch.tensor([[1.0, 2.0]]),
        "x0_hat": torch.tensor([[0.0, 4.0]]),
        "log_snr_t": torch.tensor([0.0]),
        "log_snr_s": torch.tensor([math.log(3.0)]),
    }
    sizes = ((b, d, 1.0), (b, d, 1.0), (1, integer(source, 2, 6), 0.5), (4, 1, 3.0), (3, d + 1, 30.0), (60, 8, 0.2))
    cases = [by_hand, *(_case(source, n, dims, off, -3.0, 3.0, 1.0) for n, dims, off in sizes)]
    cases[1]["x0_hat"][0] = cases[1]["x0"][0]  # type: ignore[index]
    # A guess is as far off as the step leaves it uncertain, so that each costs some nats.
    for low, high, apart, off in (
        (15.0, 18.0, 0.5, 1e-3),
        (-18.0, -15.0, 0.5, 3e3),
        (-15.0, 15.0, 24.0, 0.03),
        (-8.0, 8.0, 1e-3, 10.0),
    ):
        n, dims = integer(source, 4, 5), integer(source, 2, 3)
        cases.append(_case(source, n, dims, off, low, high, apart, close=apart < 0.1))
    return cases


def _case(
    source: torch.Generator, n: int, d: int, off: float, low: float, high: float, apart: float, *, close: bool = False
) -> Inputs:
    later = low + (high - low - apart) * uniform(source, n).double()
    more = torch.zeros_like(later) if close else (high - apart - later) * uniform(source, n)
    x0 = 2 * normal(source, n, d).double() + 1
    case = {
        "x0": x0,
        "x0_hat": x0 + off * normal(source, n, d),
        "log_snr_t": later,
        "log_snr_s": later + apart + more,
    }
    return dict(case) if high > 3 or low < -3 else {name: value.float() for name, value in case.items()}


def _of_the_noise(x0: Tensor, x0_hat: Tensor, log_snr_t: Tensor, log_snr_s: Tensor) -> Tensor:
    """By the error of the noise that belongs to the guess."""
    off = torch.exp(log_snr_t / 2).unsqueeze(-1) * (x0_hat - x0)
    return torch.expm1(log_snr_s - log_snr_t) * off.square().sum(1) / 2


def _by_distributions(x0: Tensor, x0_hat: Tensor, log_snr_t: Tensor, log_snr_s: Tensor) -> Tensor:
    """The KL of the two Gaussians; what they have in common of x_t is left out of both means."""
    left = -torch.expm1(log_snr_t - log_snr_s)
    factor = (log_snr_s.sigmoid().sqrt() * left)[:, None]
    scale = (torch.sigmoid(-log_snr_s) * left).sqrt()[:, None]
    return kl_divergence(Normal(factor * x0, scale), Normal(factor * x0_hat, scale)).sum(-1)


def _alphas(x0: Tensor, x0_hat: Tensor, log_snr_t: Tensor, log_snr_s: Tensor) -> Tensor:
    """alpha^2 / (1 - alpha^2) at both times, and einsum."""
    bar_t, bar_s = log_snr_t.sigmoid(), log_snr_s.sigmoid()
    weight = bar_s / (1 - bar_s) - bar_t / (1 - bar_t)
    return torch.einsum("b,bd,bd->b", weight / 2, x0 - x0_hat, x0 - x0_hat)


def _loop(x0: Tensor, x0_hat: Tensor, log_snr_t: Tensor, log_snr_s: Tensor) -> Tensor:
    costs = []
    for i in range(len(x0)):
        weight = math.exp(log_snr_s[i]) - math.exp(log_snr_t[i])
        costs.append(weight * torch.dist(x0[i], x0_hat[i]) ** 2 / 2)
    return torch.stack(costs)


def _with(
    weight: Weight = lambda t, s: s.exp() - t.exp(),
    error: Callable[[Tensor], Tensor] = lambda off: off.square().sum(1),
    end: Callable[[Tensor], Any] = lambda cost: cost,
) -> Answer:
    """The cost with one thing changed; the weight is one of both log-SNRs, and holds no half."""
    return lambda x0, x0_hat, log_snr_t, log_snr_s: end(0.5 * weight(log_snr_t, log_snr_s) * error(x0 - x0_hat))


def _limited(most: float) -> Weight:
    return lambda t, s: (s.exp() - t.exp()).clamp(max=most)


def _share(t: Tensor, s: Tensor) -> Tensor:
    """How much of the mean x_0 decides."""
    return s.sigmoid().sqrt() * (1 - (t - s).exp())


def _of_alphas(log_snr: Tensor) -> Tensor:
    """alpha^2 over sigma: one of the two roots is left out."""
    return log_snr.sigmoid() / torch.sigmoid(-log_snr).sqrt()


def _variance(t: Tensor, s: Tensor) -> Tensor:
    return torch.sigmoid(-s) * (1 - (t - s).exp())


EXERCISE = Exercise(
    id="17-weight",
    title="What a wrong guess costs",
    points=2,
    difficulty=2,
    minutes=4,
    task=(
        "A denoiser guesses `x0_hat` where the truth is `x0`, `[B, D]` each, and the step from t back to s < t is made with the "
        "guess: q(x_s | x_t, x0_hat) in place of q(x_s | x_t, x_0), with the same variance. Return for each example what that "
        "costs, KL(q(x_s | x_t, x_0) || q(x_s | x_t, x0_hat)) in nats, `[B]`, from the log-SNR at both times, `log_snr_t` and "
        "`log_snr_s` `[B]`. Gradients must reach `x0_hat`."
    ),
    hints=(
        "The KL of two Gaussians with one variance is the squared distance of their means over twice the variance. Both means "
        "hold the same x_t: what is left of the difference?",
        "The means differ by alpha_s (1 - k) (x_0 - x0_hat), the variance is sigma_s^2 (1 - k), k = SNR(t) / SNR(s). Together: "
        "1/2 (SNR(s) - SNR(t)) times the squared distance of x_0 and x0_hat.",
        "The SNR is `torch.exp` of the log-SNR. Squares are summed over the dimensions, not averaged: `[B]`, as the two SNRs "
        "are. Half of their difference is the weight.",
    ),
    explanation=(
        "A step that removes much noise costs much: the weight is the SNR that it gains, and over all steps the weights add up "
        "to SNR(0) - SNR(T), however many there are. Each weight meets another error, so the shape of the schedule matters; with "
        "very many steps the sum is an integral over the SNR, and only the ends are left."
    ),
    returns="one number for each example, [B]",
    reference=step_cost,
    alternatives=(
        Alternative("error of the noise", _of_the_noise),
        Alternative("torch.distributions", _by_distributions),
        Alternative("alphas, einsum", _alphas),
        Alternative("loop over the examples", _loop),
        Alternative("float64", lambda x0, x0_hat, at_t, at_s: step_cost(x0.double(), x0_hat.double(), at_t, at_s)),
    ),
    misconceptions=(
        Misconception(
            "no half",
            _with(end=lambda cost: 2 * cost),
            "Your cost is twice the KL, or half of it. The squared distance of the means is divided by twice the variance: 1/2 "
            "(SNR(s) - SNR(t)) times the squared error.",
            variants=(_with(end=lambda cost: cost / 2),),
        ),
        Misconception(
            "sign of the difference",
            _with(end=lambda cost: -cost),
            "Your cost is negative, and no KL is. s is the earlier, clearer time, so SNR(s) is the larger one: SNR(s) - "
            "SNR(t).",
            variants=(_with(end=lambda cost: -2 * cost),),
        ),
        Misconception(
            "mean over the dimensions",
            _with(error=lambda off: off.square().mean(1)),
            "You average the squared error over the dimensions. Nats of independent dimensions add up: sum them.",
            variants=(_with(error=lambda off: off.square().mean(1), end=lambda cost: 2 * cost),),
        ),
        Misconception(
            "over the batch",
            _with(end=torch.mean),
            "You return one number for the batch. Each example has its own two times and its own cost, `[B]`: sum over the "
            "dimensions alone.",
            variants=(
                _with(end=torch.sum),
                _with(error=lambda off: off.square().mean()),
                _with(error=lambda off: off.square().sum()),
                _with(error=lambda off: off.square().mean(), end=lambda cost: 2 * cost),
            ),
        ),
        Misconception(
            "distance without its square",
            _with(error=lambda off: off.square().sum(1).sqrt()),
            "You take the distance itself, the sum of absolute errors, or the square of a sum. Square the error of each "
            "dimension, then add up: so it is in the KL of two Gaussians.",
            variants=(_with(error=lambda off: off.abs().sum(1)), _with(error=lambda off: off.sum(1).square())),
        ),
        Misconception(
            "difference of the log-SNRs",
            _with(lambda t, s: s - t),
            "You subtract the log-SNRs. The weight is the difference of the SNRs: `torch.exp` of each first.",
            variants=(_with(lambda t, s: s - t, end=lambda cost: 2 * cost), _with(lambda t, s: (s - t).exp())),
        ),
        Misconception(
            "difference of other functions",
            _with(lambda t, s: (s / 2).exp() - (t / 2).exp()),
            "You subtract something else than SNRs, such as their roots or squares, alpha, alpha squared or sigma squared. The "
            "SNR is alpha^2 / sigma^2, the exponential of the log-SNR.",
            variants=(
                _with(lambda t, s: s.sigmoid() - t.sigmoid()),
                _with(lambda t, s: s.sigmoid().sqrt() - t.sigmoid().sqrt()),
                _with(lambda t, s: (-t).exp() - (-s).exp()),
                _with(lambda t, s: ((s / 2).exp() - (t / 2).exp()) ** 2),
                _with(lambda t, s: (2 * s).exp() - (2 * t).exp()),
                _with(lambda t, s: s.sigmoid().sqrt() / torch.sigmoid(-s) - t.sigmoid().sqrt() / torch.sigmoid(-t)),
                _with(lambda t, s: _of_alphas(s) - _of_alphas(t)),
            ),
        ),
        Misconception(
            "weight of the noise's error",
            _with(lambda t, s: torch.expm1(s - t)),
            "Your weight, SNR(s) / SNR(t) - 1, is that of a squared error in eps. An error in x_0 is sigma_t / alpha_t times as "
            "large as the one in eps, so its weight is SNR(s) - SNR(t).",
            variants=(
                _with(lambda t, s: torch.expm1(s - t), end=lambda cost: 2 * cost),
                _with(lambda t, s: 1 - (t - s).exp()),
                _with(lambda t, s: torch.expm1(s - t), error=lambda off: off.square().mean(1)),
            ),
        ),
        Misconception(
            "no weight",
            _with(lambda t, s: torch.full_like(t, 2.0)),
            "You return the squared error without a weight, as L_simple has it for eps. In nats the same error costs much in a "
            "clear step and little in a noisy one.",
            variants=(
                _with(lambda t, s: torch.ones_like(t)),
                _with(lambda t, s: torch.full_like(t, 2.0), error=lambda off: off.square().mean(1)),
            ),
        ),
        Misconception(
            "SNR of one time",
            _with(lambda t, s: t.exp()),
            "Your weight is the SNR of one of the two times. A step costs what it gains: SNR(s) - SNR(t).",
            variants=(
                _with(lambda t, s: s.exp()),
                _with(lambda t, s: s.exp() + t.exp()),
                _with(lambda t, s: t.exp(), end=lambda cost: 2 * cost),
                _with(lambda t, s: s.exp(), end=lambda cost: 2 * cost),
                _with(lambda t, s: t.exp().clamp(max=5), end=lambda cost: 2 * cost),
            ),
        ),
        Misconception(
            "a small step's weight",
            _with(lambda t, s: t.exp() * (s - t)),
            "You replace the difference of the SNRs by slope times distance, which holds for very small steps only. Take the "
            "difference itself.",
            variants=(_with(lambda t, s: s.exp() * (s - t)), _with(lambda t, s: (s.exp() + t.exp()) * (s - t) / 2)),
        ),
        Misconception(
            "another variance",
            _with(lambda t, s: _share(t, s) ** 2 / torch.sigmoid(-s)),
            "You divide by another variance than that of q(x_s | x_t, x_0), which is sigma_s^2 (1 - SNR(t) / SNR(s)), or not by "
            "a variance at all.",
            variants=(
                _with(lambda t, s: _share(t, s) ** 2 / (1 - t.sigmoid() / s.sigmoid())),
                _with(lambda t, s: _share(t, s) ** 2 / torch.sigmoid(-t)),
                _with(lambda t, s: _share(t, s) ** 2 / _variance(t, s).sqrt()),
                _with(lambda t, s: _share(t, s) ** 2),
                _with(lambda t, s: 1 / _variance(t, s)),
                _with(lambda t, s: _share(t, s) / _variance(t, s)),
            ),
        ),
        Misconception(
            "guess held in a range",
            lambda x0, x0_hat, at_t, at_s: step_cost(x0, x0_hat.clamp(-1, 1), at_t, at_s),
            "You hold the guess, the weight or the log-SNR within bounds. What is off by much costs much: leave them as they "
            "are.",
            variants=(
                *(
                    lambda x0, x0_hat, at_t, at_s, most=most: step_cost(
                        x0, x0_hat, at_t.clamp(-most, most), at_s.clamp(-most, most)
                    )
                    for most in (5, 8, 10, 12)
                ),
                lambda x0, x0_hat, at_t, at_s: step_cost(x0.clamp(-1, 1), x0_hat.clamp(-1, 1), at_t, at_s),
                *(_with(_limited(most)) for most in (1, 5, 1e3)),
            ),
        ),
        Misconception(
            "guess cut off",
            lambda x0, x0_hat, at_t, at_s: step_cost(x0, x0_hat.detach(), at_t, at_s),
            "The numbers are right, but no gradient passes through `x0_hat`, so the denoiser learns nothing. Leave out "
            "`.detach()` and `torch.no_grad()`.",
        ),
    ),
    cases=_cases,
    batch="x0",
    gradients=("x0_hat",),
)
