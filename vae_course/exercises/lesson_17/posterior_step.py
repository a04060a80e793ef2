"""17-posterior-step: the step back when the point is known, q(x_s | x_t, x_0), from two log-SNRs."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from vae_course.exercises.inputs import generator, integer, normal, small_numbers, uniform
from vae_course.exercises.model import Alternative, Answer, Exercise, Inputs, Misconception
from vae_course.exercises.probes import pair

Pair = tuple[Any, Any]
# A number for each example from alpha^2 at t and at s.
Of = Callable[[Tensor, Tensor], Tensor]


def posterior_step(x_t: Tensor, x0: Tensor, log_snr_t: Tensor, log_snr_s: Tensor) -> tuple[Tensor, Tensor]:
    """Mean [B, D] and variance [B] of q(x_s | x_t, x_0), s < t, from x_t and x_0 [B, D] and the log-SNR of each, [B]."""
    kept = torch.exp(log_snr_t - log_snr_s)
    alpha_s = torch.sigmoid(log_snr_s) ** 0.5
    alpha_t = torch.sigmoid(log_snr_t) ** 0.5
    mean = (alpha_s * (1 - kept))[:, None] * x0 + (kept * alpha_s / alpha_t)[:, None] * x_t
    variance = torch.sigmoid(-log_snr_s) * (1 - kept)
    return mean, variance


def _probe(answer: Answer, case: Inputs) -> dict[str, Any]:
    mean, variance = pair(answer(*case.values()), "mean", "variance")
    return {"the mean": mean, "the variance": variance}


def _cases(seed: int) -> list[Inputs]:
    """By hand, sizes by chance, one example, one dimension, far points, a real batch; in double precision both times near
    either end, each at its own end, and s close to t.
    """
    source = generator(seed)
    b, d = integer(source, 5, 7), integer(source, 3, 4)
    by_hand: Inputs = {
        "x_t": torch.tensor([[1.0, 2.0]]),
        "x0": torch.tensor([[0.5, -1.0]]),
        "log_snr_t": torch.tensor([0.0]),
        "log_snr_s": torch.tensor([math.log(4.0)]),
    }
    sizes = ((b, d, 1.0), (b, d, 1.0), (1, integer(source, 2, 6), 1.0), (4, 1, 3.0), (3, d + 1, 30.0), (60, 8, 0.5))
    cases = [by_hand, *(_case(source, n, dims, scale, -3.0, 3.0, 1.0) for n, dims, scale in sizes)]
    for low, high, apart in ((15.0, 18.0, 0.5), (-32.0, -28.0, 0.5), (-15.0, 15.0, 24.0), (-8.0, 8.0, 1e-3)):
        n = integer(source, 4, 5)
        case = _case(source, n, integer(source, 2, 3), 2.0, low, high, apart, close=apart < 0.1)
        cases.append(case)
    return cases


def _case(
    source: torch.Generator, n: int, d: int, scale: float, low: float, high: float, apart: float, *, close: bool = False
) -> Inputs:
    """Log-SNRs from low to high, at least this far apart; where they are close, no further. Beyond +-3 in double precision."""
    later = low + (high - low - apart) * uniform(source, n).double()
    more = torch.zeros_like(later) if close else (high - apart - later) * uniform(source, n)
    case = {
        "x_t": scale * normal(source, n, d).double(),
        "x0": scale * (0.5 + normal(source, n, d).double()),
        "log_snr_t": later,
        "log_snr_s": later + apart + more,
    }
    return dict(case) if high > 3 or low < -3 else {name: value.float() for name, value in case.items()}


def _betas(x_t: Tensor, x0: Tensor, log_snr_t: Tensor, log_snr_s: Tensor) -> Pair:
    """As Ho and others have it, with the step's own alpha and beta."""
    bar_t, bar_s = torch.sigmoid(log_snr_t).unsqueeze(1), torch.sigmoid(log_snr_s).unsqueeze(1)
    alpha = bar_t / bar_s
    beta = 1 - alpha
    mean = bar_s.sqrt() * beta / (1 - bar_t) * x0 + alpha.sqrt() * (1 - bar_s) / (1 - bar_t) * x_t
    return mean, (beta * (1 - bar_s) / (1 - bar_t)).squeeze(1)


def _merged(x_t: Tensor, x0: Tensor, log_snr_t: Tensor, log_snr_s: Tensor) -> list[Tensor]:
    """The precisions of two Gaussians added, as lesson 16 merges them."""
    alpha_s, ratio = log_snr_s.sigmoid().sqrt(), (F.logsigmoid(log_snr_t) - F.logsigmoid(log_snr_s)).div(2).exp()
    own, step = 1 / torch.sigmoid(-log_snr_s), 1 / -torch.expm1(F.logsigmoid(log_snr_t) - F.logsigmoid(log_snr_s))
    variance = 1 / (own + ratio.square() * step)
    mean = torch.einsum("b,bd->bd", variance * own * alpha_s, x0)
    return [mean + torch.einsum("b,bd->bd", variance * step * ratio, x_t), variance]


def _by_noise(x_t: Tensor, x0: Tensor, log_snr_t: Tensor, log_snr_s: Tensor) -> Pair:
    """Back to s along the noise that x_t holds, but for what the variance takes of it."""
    variance = torch.sigmoid(-log_snr_s) * -torch.expm1(log_snr_t - log_snr_s)
    eps = (x_t.T - log_snr_t.sigmoid().sqrt() * x0.T) / (-log_snr_t).sigmoid().sqrt()
    mean = log_snr_s.sigmoid().sqrt() * x0.T + (torch.sigmoid(-log_snr_s) - variance).sqrt() * eps
    return mean.T, variance


def _loop(x_t: Tensor, x0: Tensor, log_snr_t: Tensor, log_snr_s: Tensor) -> Pair:
    """Example by example, with plain numbers."""
    means, variances = [], []
    for noisy, clear, at_t, at_s in zip(x_t, x0, log_snr_t.tolist(), log_snr_s.tolist(), strict=True):
        bar_t, bar_s = 1 / (1 + math.exp(-at_t)), 1 / (1 + math.exp(-at_s))
        kept = math.exp(at_t - at_s)
        means.append(math.sqrt(bar_s) * (1 - kept) * clear + kept * math.sqrt(bar_s / bar_t) * noisy)
        variances.append((1 - bar_s) * (1 - kept))
    return torch.stack(means), torch.tensor(variances, dtype=x_t.dtype)


def _of_x0(t: Tensor, s: Tensor) -> Tensor:
    return s.sqrt() * (1 - t / s) / (1 - t)


def _of_xt(t: Tensor, s: Tensor) -> Tensor:
    return (t / s).sqrt() * (1 - s) / (1 - t)


def _variance(t: Tensor, s: Tensor) -> Tensor:
    return (1 - s) * (1 - t / s) / (1 - t)


def _kept_as(share: Of) -> Answer:
    """The step with this share of x_t in place of SNR(t) / SNR(s)."""
    return _with(
        of_x0=lambda t, s: s.sqrt() * (1 - share(t, s)),
        of_xt=lambda t, s: share(t, s) * (s / t).sqrt(),
        variance=lambda t, s: (1 - s) * (1 - share(t, s)),
    )


def _kept_root(t: Tensor, s: Tensor) -> Tensor:
    return (t / s * (1 - s) / (1 - t)).sqrt()


def _with(
    *,
    of_x0: Of = _of_x0,
    of_xt: Of = _of_xt,
    variance: Of = _variance,
    bar: Callable[[Tensor], Tensor] = torch.sigmoid,
    x0: Callable[[Tensor], Tensor] = lambda x0: x0,
    end: Callable[[Tensor, Tensor], Pair] = lambda mean, variance: (mean, variance),
) -> Answer:
    """The step with one thing changed."""

    def answer(x_t: Tensor, x_0: Tensor, log_snr_t: Tensor, log_snr_s: Tensor) -> Pair:
        both = bar(log_snr_t), bar(log_snr_s)
        mean = of_x0(*both)[:, None] * x0(x_0) + of_xt(*both)[:, None] * x_t
        return end(mean, variance(*both))

    return answer


def _kept(t: Tensor, s: Tensor) -> Tensor:
    return t / s * (1 - s) / (1 - t)


def _by_eps(outside: Of, of_eps: Of) -> Answer:
    """The mean as (x_t - this times eps) times that; the variance is right."""
    return _with(
        of_x0=lambda t, s: outside(t, s) * of_eps(t, s) * (t / (1 - t)).sqrt(),
        of_xt=lambda t, s: outside(t, s) * (1 - of_eps(t, s) / (1 - t).sqrt()),
    )


def _merge(precision: Callable[[Tensor], Tensor], pull: Callable[[Tensor], Tensor]) -> Answer:
    """Two densities multiplied, of which that from x_t has other powers of r = alpha_t / alpha_s."""

    def variance(t: Tensor, s: Tensor) -> Tensor:
        return 1 / (1 / (1 - s) + precision((t / s).sqrt()) / (1 - t / s))

    return _with(
        of_x0=lambda t, s: variance(t, s) * s.sqrt() / (1 - s),
        of_xt=lambda t, s: variance(t, s) * pull((t / s).sqrt()) / (1 - t / s),
        variance=variance,
    )


def _added(tiny: float) -> tuple[Answer, Answer, Answer, Answer]:
    """A small number added to each denominator, as a limit of alpha^2 and sigma^2, added to the variance, or as its limit."""
    return (
        _with(
            of_x0=lambda t, s: s.sqrt() * (1 - t / s) / (1 - t + tiny),
            of_xt=lambda t, s: (t / s).sqrt() * (1 - s) / (1 - t + tiny),
            variance=lambda t, s: (1 - s) * (1 - t / s) / (1 - t + tiny),
        ),
        _with(bar=lambda log_snr: torch.sigmoid(log_snr).clamp(tiny, 1 - tiny)),
        _with(variance=lambda t, s: _variance(t, s) + tiny),
        _with(variance=lambda t, s: _variance(t, s).clamp(min=tiny)),
    )


EXERCISE = Exercise(
    id="17-posterior-step",
    title="One step back, the point being known",
    points=3,
    difficulty=2,
    minutes=5,
    task=(
        "Return `mean, variance` of q(x_s | x_t, x_0) for s < t: the mean `[B, D]`, and the variance `[B]`, which all "
        "dimensions of an example share. You are given `x_t` and `x0` `[B, D]` and for each example the log-SNR at both "
        "times, `log_snr_t` and `log_snr_s` `[B]`. Noise is added so that variance is preserved: x_t = alpha_t x_0 + sigma_t "
        "eps with alpha^2 = sigmoid(log-SNR) and sigma^2 = 1 - alpha^2. Gradients must reach `x0` through the mean."
    ),
    hints=(
        "Two Gaussian densities say where x_s lies: q(x_s | x_0), and the step q(x_t | x_s) read as a function of x_s. "
        "Multiply them: precisions add, and each mean counts by its own.",
        "With k = SNR(t) / SNR(s) = exp(log_snr_t - log_snr_s), the share that is kept of what x_t says: variance = sigma_s^2 "
        "(1 - k), mean = alpha_s (1 - k) x_0 + k (alpha_s / alpha_t) x_t.",
        "k, `torch.sigmoid(log_snr_s)`, which is alpha_s squared, and the like are `[B]`. The two factors of the mean need "
        "another axis, `[:, None]`, to meet `[B, D]`; the variance does without.",
    ),
    explanation=(
        "It is Bayes' rule for two Gaussians: precisions add up. Nothing here is learned, for the encoder of a diffusion model "
        "is fixed, and only the ratio of the two SNRs decides how much is taken over from x_t and how much from x_0. The "
        "model's own step back is this same step with a guess in place of x_0."
    ),
    returns="two tensors: the mean, [B, D], and the variance, [B]",
    reference=posterior_step,
    alternatives=(
        Alternative("alphas and betas", _betas),
        Alternative("precisions merged, einsum, in a list", _merged),
        Alternative("along the noise, transposed", _by_noise),
        Alternative("loop with plain numbers", _loop),
        Alternative("float64", lambda x_t, x0, at_t, at_s: posterior_step(x_t.double(), x0.double(), at_t, at_s)),
    ),
    misconceptions=(
        Misconception(
            "times exchanged",
            lambda x_t, x0, at_t, at_s: posterior_step(x_t, x0, at_s, at_t),
            "s and t have changed places, in the mean, in the variance or in both. s is the earlier time, with the higher "
            "log-SNR, and x_t is the noisier point: check that your variance comes out positive.",
            variants=(
                _with(variance=lambda t, s: _variance(s, t)),
                _with(of_x0=lambda t, s: _of_x0(s, t), of_xt=lambda t, s: _of_xt(s, t)),
            ),
        ),
        Misconception(
            "points exchanged",
            _with(of_x0=lambda t, s: _of_xt(t, s), of_xt=lambda t, s: _of_x0(t, s)),
            "Each of the two points is multiplied by the factor of the other. With k = SNR(t) / SNR(s), x_0 has the factor "
            "alpha_s (1 - k), and x_t has k alpha_s / alpha_t.",
            variants=(lambda x_t, x0, at_t, at_s: posterior_step(x0, x_t, at_t, at_s),),
        ),
        Misconception(
            "the step's own noise",
            _with(variance=lambda t, s: 1 - t / s),
            "Your variance is that of the step forward, beta = 1 - alpha_t^2 / alpha_s^2. Knowing x_0 as well makes x_s more "
            "certain: multiply by sigma_s^2 / sigma_t^2.",
        ),
        Misconception(
            "noise of a marginal",
            _with(variance=lambda t, s: 1 - s),
            "Your variance is that of q(x_s | x_0), or of q(x_t | x_0): x_t alone, or the step from s, has not been heard. Of "
            "sigma_s^2 the share 1 - SNR(t) / SNR(s) is left.",
            variants=(_with(variance=lambda t, s: 1 - t), _with(variance=lambda t, s: s - t)),
        ),
        Misconception(
            "variance counted twice or upside down",
            _with(variance=lambda t, s: (1 - s) * (1 - t / s)),
            "Your variance lacks the division by sigma_t^2, or divides where it has to multiply. With the step's beta it is "
            "beta sigma_s^2 / sigma_t^2.",
            variants=(
                _with(variance=lambda t, s: (1 - t) * (1 - t / s) / (1 - s)),
                _with(variance=lambda t, s: (1 - s) / (1 - t)),
                _with(variance=lambda t, s: (1 - t / s) / (1 - t)),
                _with(variance=lambda t, s: 1 / _variance(t, s)),
                _with(variance=lambda t, s: 1 / (1 - s) + 1 / (1 - t / s)),
            ),
        ),
        Misconception(
            "standard deviation",
            _with(end=lambda mean, variance: (mean, variance.sqrt())),
            "Your second result is the standard deviation, or the logarithm of the variance. Return the variance.",
            variants=(
                _with(end=lambda mean, variance: (mean, variance.log())),
                _with(end=lambda mean, variance: (mean, variance.log() / 2)),
                _with(end=lambda mean, variance: (mean, variance**2)),
            ),
        ),
        Misconception(
            "alpha squared for alpha",
            _with(
                of_x0=lambda t, s: s * (1 - t / s) / (1 - t),
                of_xt=lambda t, s: t / s * (1 - s) / (1 - t),
            ),
            "A root is missing in the mean: sigmoid(log-SNR) is alpha^2, a share of variance, and points are multiplied by "
            "alpha. Take the root of it wherever it stands.",
            variants=(
                _with(of_x0=lambda t, s: s * (1 - t / s) / (1 - t)),
                _with(of_xt=lambda t, s: (t / s).sqrt() * ((1 - s) / (1 - t)).sqrt()),
            ),
        ),
        Misconception(
            "root of the ratio",
            _with(
                of_x0=lambda t, s: s.sqrt() * (1 - _kept_root(t, s)),
                of_xt=lambda t, s: _kept_root(t, s) * (s / t).sqrt(),
                variance=lambda t, s: (1 - s) * (1 - _kept_root(t, s)),
            ),
            "You take the ratio of the roots, alpha / sigma, where the ratio of the SNRs belongs: exp(log_snr_t - log_snr_s), "
            "without a half.",
            variants=(
                _with(variance=lambda t, s: (1 - s) * (1 - _kept_root(t, s))),
                _with(variance=lambda t, s: (1 - s) * (1 - (t / s).sqrt()) / (1 - t)),
                _with(variance=lambda t, s: 1 - (t / s).sqrt()),
            ),
        ),
        Misconception(
            "ratio of the alphas for that of the SNRs",
            _kept_as(lambda t, s: t / s),
            "Your share of what is kept is a ratio of alphas or sigmas. It is one of SNRs, SNR(t) / SNR(s) = exp(log_snr_t - "
            "log_snr_s), in which both take part.",
            variants=(
                _kept_as(lambda t, s: (t / s).sqrt()),
                _kept_as(lambda t, s: (1 - s) / (1 - t)),
                _kept_as(lambda t, s: ((1 - s) / (1 - t)).sqrt()),
            ),
        ),
        Misconception(
            "alpha of a step for alpha since the start",
            _with(of_x0=lambda t, s: (t / s).sqrt() * (1 - t / s) / (1 - t)),
            "You mix up the alpha of the step, alpha_t / alpha_s, with that since the start. x_0 is multiplied by alpha_s, x_t "
            "by the step's, and beta is 1 - alpha_t^2 / alpha_s^2.",
            variants=(
                _with(of_x0=lambda t, s: t.sqrt() * (1 - t / s) / (1 - t)),
                _with(of_xt=lambda t, s: s.sqrt() * (1 - s) / (1 - t)),
                _with(of_xt=lambda t, s: t.sqrt() * (1 - s) / (1 - t)),
                _with(
                    of_x0=lambda t, s: s.sqrt(),
                    of_xt=lambda t, s: t.sqrt() * (1 - s) / (1 - t),
                    variance=lambda t, s: 1 - s,
                ),
                _with(of_xt=lambda t, s: t.sqrt() * (1 - s) / (1 - t), of_x0=lambda t, s: s.sqrt()),
                _with(
                    of_x0=lambda t, s: (t / s).sqrt() * (1 - t / s) / (1 - t),
                    of_xt=lambda t, s: s.sqrt() * (1 - s) / (1 - t),
                ),
                _with(of_x0=lambda t, s: s.sqrt() * (1 - t) / (1 - t / s)),
            ),
        ),
        Misconception(
            "alpha and sigma exchanged",
            _with(bar=lambda log_snr: torch.sigmoid(-log_snr)),
            "You exchange signal and noise: alpha^2 is the sigmoid of the log-SNR, sigma^2 that of minus the log-SNR. A high "
            "SNR means much signal.",
            variants=(_with(variance=lambda t, s: s * (1 - t / s * (1 - s) / (1 - t))),),
        ),
        Misconception(
            "log-SNR read in another way",
            _with(bar=lambda log_snr: torch.sigmoid(2 * log_snr)),
            "You read the log-SNR otherwise than it is given. It is log(alpha^2 / sigma^2), in nats, so alpha^2 is its sigmoid: "
            "no factor, no root, no other base and no exponential before it.",
            variants=(
                _with(bar=lambda log_snr: torch.sigmoid(log_snr / 2)),
                _with(bar=lambda log_snr: torch.sigmoid(log_snr.exp())),
                _with(bar=lambda log_snr: torch.sigmoid(log_snr) ** 2),
                _with(bar=lambda log_snr: torch.sigmoid(log_snr).sqrt()),
                _with(bar=torch.exp),
                _with(bar=lambda log_snr: (-log_snr).exp()),
                _with(bar=lambda log_snr: log_snr.exp() / (1 + log_snr.exp()) ** 2),
                _with(bar=lambda log_snr: torch.sigmoid(log_snr * math.log(10) / 10)),
            ),
        ),
        Misconception(
            "only one of the two points",
            _with(of_x0=lambda t, s: s.sqrt(), of_xt=lambda t, s: 0 * t),
            "Your mean uses one of the two points alone. Both x_t and x_0 say where x_s lies, each by its precision.",
            variants=(
                _with(of_x0=lambda t, s: 0 * t, of_xt=lambda t, s: (s / t).sqrt()),
                _with(of_x0=lambda t, s: 0 * t, of_xt=lambda t, s: (t / s).sqrt()),
                _with(of_x0=lambda t, s: 0 * t),
                _with(of_xt=lambda t, s: 0 * t),
                _with(of_x0=lambda t, s: s.sqrt(), of_xt=lambda t, s: 0 * t, variance=lambda t, s: 1 - s),
            ),
        ),
        Misconception(
            "denominator forgotten",
            _with(of_x0=lambda t, s: s.sqrt() * (1 - t / s), of_xt=lambda t, s: (t / s).sqrt() * (1 - s)),
            "The factors of your mean are not divided by sigma_t^2, or by its root. With the step's beta the first is alpha_s "
            "beta / sigma_t^2.",
            variants=(
                _with(
                    of_x0=lambda t, s: s.sqrt() * (1 - t / s) / (1 - t).sqrt(),
                    of_xt=lambda t, s: (t / s).sqrt() * (1 - s) / (1 - t).sqrt(),
                ),
                _with(of_x0=lambda t, s: s.sqrt() * (1 - t / s)),
                _with(of_xt=lambda t, s: (t / s).sqrt() * (1 - s)),
                _with(
                    of_x0=lambda t, s: s.sqrt() * (1 - t / s),
                    of_xt=lambda t, s: (t / s).sqrt() * (1 - s),
                    variance=lambda t, s: (1 - s) * (1 - t / s),
                ),
            ),
        ),
        Misconception(
            "the mean of a step without noise",
            _with(
                of_x0=lambda t, s: s.sqrt() - ((1 - s) / (1 - t) * t).sqrt(),
                of_xt=lambda t, s: ((1 - s) / (1 - t)).sqrt(),
            ),
            "Your mean is alpha_s x_0 + sigma_s eps, where DDIM goes without noise. In q(x_s | x_t, x_0) a part of sigma_s^2 is "
            "drawn anew, so less of the old noise stays in the mean.",
            variants=(
                _with(
                    of_x0=lambda t, s: s.sqrt() - ((1 - s) / (1 - t) * t).sqrt(),
                    of_xt=lambda t, s: ((1 - s) / (1 - t)).sqrt(),
                    variance=lambda t, s: 0 * t,
                ),
            ),
        ),
        Misconception(
            "factors of the noise",
            _by_eps(lambda t, s: (s / t).sqrt(), lambda t, s: 1 - t / s),
            "You go by the noise in x_t, and one of its factors is off. Then the mean is (x_t - beta / sigma_t eps) alpha_s / "
            "alpha_t, with the step's beta and the root sigma_t.",
            variants=(
                _by_eps(lambda t, s: (s / t).sqrt(), lambda t, s: (1 - t / s) / (1 - t)),
                _by_eps(lambda t, s: t.rsqrt(), lambda t, s: (1 - t / s) / (1 - t).sqrt()),
                _by_eps(lambda t, s: (t / s).sqrt(), lambda t, s: (1 - t / s) / (1 - t).sqrt()),
                _by_eps(lambda t, s: (s / t).sqrt(), lambda t, s: (1 - t / s).sqrt()),
                _by_eps(lambda t, s: s / t, lambda t, s: (1 - t / s) / (1 - t).sqrt()),
                _by_eps(lambda t, s: t.rsqrt(), lambda t, s: (1 - t).sqrt()),
            ),
        ),
        Misconception(
            "alphas left out",
            _with(of_x0=lambda t, s: 1 - _kept(t, s), of_xt=_kept),
            "A share stands in your mean without its alphas, with their squares, or with the two the other way round. The "
            "estimates are alpha_s x_0 and (alpha_s / alpha_t) x_t.",
            variants=(
                _with(of_xt=_kept),
                _with(of_x0=lambda t, s: s * (1 - _kept(t, s)), of_xt=lambda t, s: _kept(t, s) * s / t),
                _with(of_x0=lambda t, s: 1 - _kept(t, s)),
                _with(of_xt=lambda t, s: _kept(t, s) * (t / s).sqrt()),
                _with(of_xt=lambda t, s: _kept(t, s) * s.sqrt()),
                _with(of_xt=lambda t, s: _kept(t, s) / t.sqrt()),
                _with(of_xt=lambda t, s: _kept(t, s) * s / t),
            ),
        ),
        Misconception(
            "shares exchanged",
            _with(
                of_x0=lambda t, s: s.sqrt() * _kept(t, s),
                of_xt=lambda t, s: (s / t).sqrt() * (1 - _kept(t, s)),
                variance=lambda t, s: (1 - s) * _kept(t, s),
            ),
            "The shares k = SNR(t) / SNR(s) and 1 - k have changed places. Where x_t is much noisier than x_s, k is small, and "
            "it is x_t that is heard little.",
            variants=(
                _with(variance=lambda t, s: (1 - s) * _kept(t, s)),
                _with(of_x0=lambda t, s: s.sqrt() * _kept(t, s), of_xt=lambda t, s: (s / t).sqrt() * (1 - _kept(t, s))),
            ),
        ),
        Misconception(
            "precisions merged otherwise",
            _merge(lambda ratio: 1 + 0 * ratio, lambda ratio: ratio),
            "The density from x_t is off. As a function of x_s, N(x_t; r x_s, beta) has the precision r^2 / beta and adds (r / "
            "beta) x_t, with r = alpha_t / alpha_s.",
            variants=(
                _merge(lambda ratio: 1 + 0 * ratio, lambda ratio: 1 + 0 * ratio),
                _merge(lambda ratio: ratio, lambda ratio: ratio),
                _merge(lambda ratio: 1 + 0 * ratio, lambda ratio: 1 / ratio),
            ),
        ),
        Misconception(
            "x_0 held in a range",
            _with(x0=lambda x0: x0.clamp(-1, 1)),
            "You hold x_0, or the mean, between two bounds. That is a habit with images; these points are of any size and are "
            "used as they are.",
            variants=(
                _with(x0=torch.tanh),
                _with(x0=lambda x0: x0.clamp(-3, 3)),
                _with(end=lambda mean, variance: (mean.clamp(-1, 1), variance)),
            ),
        ),
        Misconception(
            "small number for safety",
            _added(1e-5)[0],
            "A small number, or a limit, comes between you and the right value near the ends, where alpha^2 or sigma^2 is as "
            "small as that. Nothing here divides by zero: leave it out.",
            variants=(
                *(_added(tiny)[0] for tiny in small_numbers(1e-8)),
                *(_added(tiny)[1] for tiny in small_numbers(1e-7)),
                *(_added(tiny)[2] for tiny in small_numbers(1e-5)),
                *(_added(tiny)[3] for tiny in small_numbers(1e-6)),
                lambda x_t, x0, at_t, at_s: posterior_step(x_t, x0, at_t.clamp(-10, 10), at_s.clamp(-10, 10)),
            ),
        ),
        Misconception(
            "x_0 cut off",
            _with(x0=torch.Tensor.detach),
            "The numbers are right, but no gradient passes through x_0, in whose place a model's guess will stand. Leave out "
            "`.detach()` and `torch.no_grad()`.",
            variants=(_with(end=lambda mean, variance: (mean.detach(), variance)),),
        ),
        Misconception(
            "changed places",
            _with(end=lambda mean, variance: (variance, mean)),
            "Both results are right, in the other order: first the mean, then the variance.",
        ),
    ),
    cases=_cases,
    batch="x_t",
    probe=_probe,
    gradients=("x_t", "x0"),
)
