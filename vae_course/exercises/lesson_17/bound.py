"""17-bound: a build. The terms of a diffusion model's bound for a denoiser that is given."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.distributions import Independent, Normal, kl_divergence
from torch.nn import functional as F

from vae_course.exercises.inputs import generator, integer, normal, uniform
from vae_course.exercises.lesson_17._levels import checked
from vae_course.exercises.model import Alternative, Answer, AnswerError, Exercise, Inputs, Misconception
from vae_course.exercises.probes import BuildStage

Denoiser = Callable[[Tensor, Tensor], Tensor]
Terms = tuple[Any, Any, Any]
PRIOR, CLEAR = BuildStage(1, 3, "the last level, L_T"), BuildStage(2, 3, "the reconstruction, L_0")
STEPS = BuildStage(3, 3, "the steps")


def bound_terms(denoise: Denoiser, x0: Tensor, log_snr: Tensor, noise: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """L_T, the sum of the KLs of all steps, and L_0 of points x0 [B, D], each [B], in nats: together they are -ELBO.

    Level t, from 0 (clearest) to T, has the log-SNR log_snr[t] and the noise noise[t] [B, D]; `denoise(x_t, log_snrs)` makes
    x0_hat [B, D] of points and their log-SNRs [B].
    """
    alpha, sigma, snr = torch.sigmoid(log_snr).sqrt(), torch.sigmoid(-log_snr).sqrt(), log_snr.exp()
    errors = []
    for t in range(len(log_snr)):
        x_t = alpha[t] * x0 + sigma[t] * noise[t]
        x0_hat = denoise(x_t, log_snr[t].expand(len(x0)))
        errors.append(((x0 - x0_hat) ** 2).sum(dim=1))
    prior = 0.5 * ((alpha[-1] * x0) ** 2 + sigma[-1] ** 2 - 1 - 2 * torch.log(sigma[-1])).sum(dim=1)
    weights = 0.5 * (snr[:-1] - snr[1:])
    steps = (weights[:, None] * torch.stack(errors[1:])).sum(dim=0)
    constant = x0.shape[1] * (torch.log(sigma[0]) + 0.5 * math.log(2 * math.pi))
    reconstruction = 0.5 * errors[0] / sigma[0] ** 2 + constant
    return prior, steps, reconstruction


def _denoiser(weights: Tensor, spread: float) -> Denoiser:
    """Right for points of this spread but for a bend that goes with the noise; weights [D + 2, D] hold two rows for lambda."""

    def denoise(x_t: Tensor, log_snrs: Tensor) -> Tensor:
        at, own = checked("denoise", x_t, log_snrs, weights)
        alpha, sigma = at.sigmoid().sqrt(), (-at).sigmoid().sqrt()
        bend = torch.tanh((x_t / spread) @ own[:-2] + own[-2] * at / 6 + own[-1])
        within = alpha**2 * spread**2 + sigma**2  # the variance of x_t
        return spread**2 * alpha / within * x_t + spread * sigma / within.sqrt() * bend

    return denoise


def _probe(answer: Answer, case: Inputs) -> dict[str, Any]:
    weights, spread, x0, log_snr, noise = case.values()
    assert isinstance(weights, Tensor) and isinstance(spread, float)
    result = answer(_denoiser(weights, spread), x0, log_snr, noise)
    stacked = isinstance(result, Tensor) and result.dim() > 0
    if not (stacked or isinstance(result, tuple | list)) or len(result) != 3:
        raise AnswerError("your function must return three tensors, `prior, steps, reconstruction`, in this order.")
    prior, steps, reconstruction = result
    return {
        PRIOR.result("L_T", "It is KL( q(x_T | x_0) || N(0, I) ), and no denoiser takes part in it."): prior,
        CLEAR.result(
            "L_0", "It is -log N(x_0; x0_hat, sigma_0^2 I), with the guess from x_t at level 0."
        ): reconstruction,
        STEPS.result(
            "the sum of the L_t",
            "Each level t from 1 to T has its own noise, its own guess, and the weight 1/2 (SNR(t - 1) - SNR(t)).",
        ): steps,
    }


def _cases(seed: int) -> list[Inputs]:
    """Sizes by chance, a single step, one point, one dimension, a spread that is not 1, a real batch; in double precision
    one step from end to end, either end, and many steps.
    """
    source = generator(seed)
    b, d = integer(source, 5, 7), integer(source, 3, 4)
    steps = integer(source, 3, 4)
    rows = (
        (steps, (b, d), 1.0, 3.0, -3.0),
        (steps, (b, d), 1.0, 3.0, -3.0),
        (1, (1, integer(source, 2, 5)), 2.0, 1.0, -1.0),
        (steps + 1, (4, 1), 3.0, 3.5, -2.0),
        (steps - 1, (1, 3), 0.3, 3.0, 0.5),
        (2, (40, 8), 1.0, 3.0, -3.0),
        (1, (3, d + 1), 0.5, 15.0, -15.0),
        (2, (3, 2), 1.0, 18.0, 14.0),
        (2, (4, 3), 3e3, -14.0, -18.0),
        (12, (2, 3), 1.0, 9.0, -9.0),
    )
    return [_case(source, *row) for row in rows]


def _case(
    source: torch.Generator, steps: int, sizes: tuple[int, int], spread: float, high: float, low: float
) -> Inputs:
    """Levels from high to low with uneven steps between them; beyond 4 in double precision."""
    b, d = sizes
    edges = (0.4 + uniform(source, steps).double()).cumsum(0)
    case: Inputs = {
        "weights": 0.5 * normal(source, d + 2, d).double(),
        "spread": spread,
        "x0": spread * (normal(source, b, d).double() + 0.3),
        "log_snr": high + (low - high) * torch.cat([torch.zeros(1), edges / edges[-1]]),
        "noise": normal(source, steps + 1, b, d).double(),
    }
    if max(high, -low) > 4:
        return case
    return {name: value.float() if isinstance(value, Tensor) else value for name, value in case.items()}


def _at_once(denoise: Denoiser, x0: Tensor, log_snr: Tensor, noise: Tensor) -> Terms:
    """All levels in one call of the denoiser, and einsum."""
    levels, (b, d) = len(log_snr), x0.shape
    bar = log_snr.sigmoid()
    x = torch.einsum("t,bd->tbd", bar.sqrt(), x0) + torch.einsum("t,tbd->tbd", torch.sigmoid(-log_snr).sqrt(), noise)
    guesses = denoise(x.reshape(-1, d), log_snr.repeat_interleave(b)).reshape(levels, b, d)
    errors = torch.einsum("tbd,tbd->tb", guesses - x0, guesses - x0)
    steps = torch.einsum("t,tb->b", -log_snr.exp().diff(), errors[1:]) / 2
    logvar = F.logsigmoid(-log_snr)
    prior = (bar[-1] * x0.square() + logvar[-1].exp() - 1 - logvar[-1]).sum(-1) / 2
    return prior, steps, (errors[0] * (-logvar[0]).exp() + d * (logvar[0] + math.log(2 * math.pi))) / 2


def _by_distributions(denoise: Denoiser, x0: Tensor, log_snr: Tensor, noise: Tensor) -> Terms:
    """Each term from torch.distributions; the steps in terms of the noise."""
    alpha, sigma = log_snr.sigmoid().sqrt(), torch.sigmoid(-log_snr).sqrt()
    guesses = [
        denoise(a * x0 + s * eps, at.repeat(len(x0)))
        for a, s, eps, at in zip(alpha, sigma, noise, log_snr, strict=True)
    ]
    last = Normal(alpha[-1] * x0, sigma[-1].expand_as(x0))
    prior = kl_divergence(last, Normal(torch.zeros_like(x0), torch.ones_like(x0))).sum(1)
    total = torch.zeros(len(x0))
    for t in reversed(range(1, len(log_snr))):
        eps_off = alpha[t] / sigma[t] * (guesses[t] - x0)
        total = total + torch.expm1(log_snr[t - 1] - log_snr[t]) / 2 * eps_off.square().sum(1)
    return prior, total, -Independent(Normal(guesses[0], sigma[0]), 1).log_prob(x0)


def _loop(denoise: Denoiser, x0: Tensor, log_snr: Tensor, noise: Tensor) -> list[Tensor]:
    """Point by point, with plain numbers."""
    rows = []
    for i, x in enumerate(x0):
        snr, costs = [math.exp(at) for at in log_snr.tolist()], []
        for t, at in enumerate(log_snr):
            x_t = math.sqrt(snr[t] / (1 + snr[t])) * x + math.sqrt(1 / (1 + snr[t])) * noise[t, i]
            off = torch.dist(x, denoise(x_t[None], at[None])[0]) ** 2
            costs.append((snr[t - 1] - snr[t]) * off / 2 if t else off * (1 + snr[0]) / 2)
        last = 1 / (1 + snr[-1])
        prior = (((1 - last) * x**2 + last).sum() - len(x) * (1 + math.log(last))) / 2
        rows.append([prior, sum(costs[1:]), costs[0] + len(x) / 2 * math.log(2 * math.pi / (1 + snr[0]))])
    return [torch.stack(column) for column in zip(*rows, strict=True)]


def _double(denoise: Denoiser, x0: Tensor, log_snr: Tensor, noise: Tensor) -> Terms:
    return bound_terms(denoise, x0.double(), log_snr.double(), noise.double())


def _prior(x0: Tensor, alpha: Tensor, sigma: Tensor) -> Tensor:
    return 0.5 * ((alpha * x0) ** 2 + sigma**2 - 1 - 2 * sigma.log()).sum(1)


def _clear(error: Tensor, sigma: Tensor, d: int) -> Tensor:
    return 0.5 * error / sigma**2 + d * (sigma.log() + 0.5 * math.log(2 * math.pi))


def _with(
    *,
    prior: Callable[[Tensor, Tensor, Tensor], Tensor] = _prior,
    last: int = -1,
    clear: Callable[[Tensor, Tensor, int], Tensor] = _clear,
    weight: Callable[[Tensor, Tensor], Tensor] = lambda t, s: 0.5 * (s.exp() - t.exp()),
    levels: Callable[[int], range] = lambda T: range(1, T + 1),
    at: Callable[[int, int], int] = lambda t, T: t,
    told: Callable[[Tensor, int], Tensor] = lambda log_snr, t: log_snr[t],
    noise_of: Callable[[int, int], int] = lambda t, T: t,
    guess: Callable[[Tensor], Tensor] = lambda x0_hat: x0_hat,
    error: Callable[[Tensor], Tensor] = lambda off: off.square().sum(1),
    bar: Callable[[Tensor], Tensor] = torch.sigmoid,
    mix: Callable[[Tensor, Tensor, Tensor, Tensor], Tensor] = lambda x, eps, alpha, sigma: alpha * x + sigma * eps,
    end: Callable[[Tensor, Tensor, Tensor], Terms] = lambda prior, steps, clear: (prior, steps, clear),
) -> Answer:
    """The terms with one thing changed; `at` is the level at which the guess for step t is made."""

    def answer(denoise: Denoiser, x0: Tensor, log_snr: Tensor, noise: Tensor) -> Terms:
        T, d = len(log_snr) - 1, x0.shape[1]
        alpha, sigma = bar(log_snr).sqrt(), (1 - bar(log_snr)).sqrt()

        def off(t: int, step: int) -> Tensor:
            x_t = mix(x0, noise[noise_of(step, T)], alpha[t], sigma[t])
            return error(x0 - guess(denoise(x_t, told(log_snr, t).expand(len(x0)))))

        steps = torch.zeros_like(x0[:, 0])
        for t in levels(T):
            steps = steps + weight(log_snr[t], log_snr[t - 1]) * off(at(t, T), t)
        return end(prior(x0, alpha[last], sigma[last]), steps, clear(off(0, 0), sigma[0], d))

    return answer


def _decoder_of_z(denoise: Denoiser, x0: Tensor, log_snr: Tensor, noise: Tensor) -> Terms:
    """L_0 without the denoiser: N(x_0; x_t / alpha, 1 / SNR) at level 0, as where the decoder is left out."""
    prior, steps, _ = bound_terms(denoise, x0, log_snr, noise)
    off = (noise[0] * (-log_snr[0] / 2).exp()).square().sum(1)
    return prior, steps, 0.5 * off * log_snr[0].exp() + x0.shape[1] * 0.5 * (math.log(2 * math.pi) - log_snr[0])


def _from_x_t(denoise: Denoiser, x0: Tensor, log_snr: Tensor, noise: Tensor, *, divided: bool) -> Terms:
    """L_0 around x_t at level 0 itself, or around x_t / alpha, with sigma_0^2."""
    prior, steps, _ = bound_terms(denoise, x0, log_snr, noise)
    alpha, sigma = log_snr[0].sigmoid().sqrt(), torch.sigmoid(-log_snr[0]).sqrt()
    mean = alpha * x0 + sigma * noise[0]
    return prior, steps, _clear((x0 - (mean / alpha if divided else mean)).square().sum(1), sigma, x0.shape[1])


def _scaled_steps(denoise: Denoiser, x0: Tensor, log_snr: Tensor, noise: Tensor, factor: float) -> Terms:
    prior, steps, clear = bound_terms(denoise, x0, log_snr, noise)
    return prior, factor * steps, clear


EXERCISE = Exercise(
    id="17-bound",
    title="Build: the bound of a diffusion model, term by term",
    points=4,
    difficulty=4,
    minutes=20,
    task=(
        "A build, optional: return `prior, steps, reconstruction`, each `[B]` in nats, whose sum is -ELBO of the points `x0` "
        "`[B, D]`: L_T = KL( q(x_T | x_0) || N(0, I) ), the sum of the KLs of the T steps, and L_0 = -log N(x_0; x0_hat, "
        "sigma_0^2 I) with the guess at level 0. A step from level t to t - 1 has the variance of q(x_{t-1} | x_t, x_0). "
        "Level t has the log-SNR `log_snr[t]`, which falls from level 0 to T, and its own noise `noise[t]` `[B, D]`: x_t = "
        "alpha_t x_0 + sigma_t eps, alpha^2 = sigmoid(log-SNR), sigma^2 = 1 - alpha^2. `denoise(x_t, log_snrs)` makes x0_hat "
        "of points `[B, D]` and their log-SNRs `[B]`, and is trained through. The check names the first of its three stages "
        "that you have not reached: L_T, L_0, the steps."
    ),
    hints=(
        "It is -ELBO of a VAE with many levels: a KL at the top, a KL for each step down, and a reconstruction. Only the last "
        "two need the denoiser, and you have met the KL of a Gaussian to N(0, I) in 07-kl.",
        "L_T = 1/2 sum_d (alpha_T^2 x_0^2 + sigma_T^2 - 1 - log sigma_T^2). A step: 1/2 (SNR(t - 1) - SNR(t)) |x_0 - x0_hat|^2 "
        "with the guess at level t. L_0 = |x_0 - x0_hat|^2 / (2 sigma_0^2) + D/2 log(2 pi sigma_0^2).",
        "The squared error of the guess, `[B]`, is needed at every level, for L_0 and each step: loop over the levels, mix x_t "
        "with `noise[t]`, ask `denoise` with `log_snr[t]` for each point, and keep the errors. Then weigh them."
        " L_0 takes that of level 0.",
    ),
    explanation=(
        "Nothing here is new against lesson 07 but the number of levels: the encoder is fixed, so L_T has no parameters, and "
        "each L_t is a KL of Gaussians of one variance, which leaves a weighted squared error. With one draw of noise for each "
        "level every term is an estimate without bias, and together they never lie below -log p(x_0) on average."
    ),
    returns="three tensors: L_T, the sum of the L_t, and L_0, [B] each",
    reference=bound_terms,
    alternatives=(
        Alternative("all levels at once, einsum", _at_once),
        Alternative("torch.distributions, by the noise", _by_distributions),
        Alternative("loop over the points, in a list", _loop),
        Alternative("float64", _double),
    ),
    misconceptions=(
        Misconception(
            "log-variance of L_T",
            _with(prior=lambda x, alpha, sigma: 0.5 * ((alpha * x) ** 2 + sigma**2 - 1 - sigma.log()).sum(1)),
            "The logarithm in your L_T is not that of the variance sigma_T^2. log sigma^2 is twice log sigma, and it goes with "
            "minus.",
            variants=(
                _with(prior=lambda x, alpha, sigma: 0.5 * ((alpha * x) ** 2 + sigma**2 - 1 + 2 * sigma.log()).sum(1)),
                _with(prior=lambda x, alpha, sigma: 0.5 * ((alpha * x) ** 2 + sigma**2 - 1).sum(1)),
                _with(prior=lambda x, alpha, sigma: 0.5 * ((alpha * x) ** 2 + sigma - 1 - 2 * sigma.log()).sum(1)),
                _with(prior=lambda x, alpha, sigma: _prior(x, alpha, sigma**2)),
            ),
        ),
        Misconception(
            "another L_T",
            _with(prior=lambda x, alpha, sigma: 2 * _prior(x, alpha, sigma)),
            "Your L_T is not that KL: a factor 1/2, alpha_T, a square or the -1 is off, or it goes the other way. q(x_T | x_0) "
            "has the mean alpha_T x_0 and the variance sigma_T^2.",
            variants=(
                _with(prior=lambda x, alpha, sigma: _prior(x, alpha**2, sigma)),
                _with(prior=lambda x, alpha, sigma: _prior(x, alpha**0, sigma)),
                _with(prior=lambda x, alpha, sigma: -_prior(x, alpha, sigma)),
                _with(prior=lambda x, alpha, sigma: 0.5 * ((alpha * x) ** 2 + sigma**2 - 2 * sigma.log()).sum(1)),
                _with(prior=lambda x, alpha, sigma: 0.5 * (alpha * x).square().sum(1)),
                _with(
                    prior=lambda x, alpha, sigma: 0.5 * (((alpha * x) ** 2 + 1) / sigma**2 - 1 + 2 * sigma.log()).sum(1)
                ),
            ),
        ),
        Misconception(
            "L_T of the first level",
            _with(last=0),
            "Your L_T belongs to level 0, where there is hardly any noise. The prior is met at the last one, `log_snr[-1]`.",
            variants=(_with(last=-2), _with(last=1)),
        ),
        Misconception(
            "mean over the dimensions",
            _with(error=lambda off: off.square().mean(1), prior=lambda x, a, s: _prior(x, a, s) / x.shape[1]),
            "You average over the D dimensions. Their nats add up, in every term: sum them.",
            variants=(
                _with(error=lambda off: off.square().mean(1)),
                _with(prior=lambda x, a, s: _prior(x, a, s) / x.shape[1]),
                _with(
                    error=lambda off: off.square().mean(1),
                    prior=lambda x, a, s: _prior(x, a, s) / x.shape[1],
                    clear=lambda error, sigma, d: _clear(error, sigma, 1),
                ),
            ),
        ),
        Misconception(
            "L_0 without its constant",
            _with(clear=lambda error, sigma, d: 0.5 * error / sigma**2),
            "A part of the constant of L_0 is missing or counted otherwise: D/2 log(2 pi sigma_0^2), once for each dimension. "
            "Without it the bound says nothing about log p(x_0).",
            variants=(
                _with(clear=lambda error, sigma, d: 0.5 * error / sigma**2 + d * sigma.log()),
                _with(clear=lambda error, sigma, d: 0.5 * error / sigma**2 + 0.5 * d * math.log(2 * math.pi)),
                _with(clear=lambda error, sigma, d: _clear(error, sigma, 1)),
                _with(
                    clear=lambda error, sigma, d: (
                        0.5 * error / sigma**2 - d * (sigma.log() + 0.5 * math.log(2 * math.pi))
                    )
                ),
            ),
        ),
        Misconception(
            "L_0 with another variance",
            _with(clear=lambda error, sigma, d: 0.5 * error + 0.5 * d * math.log(2 * math.pi)),
            "Your L_0 does not divide the squared error by 2 sigma_0^2. Its Gaussian has the variance of level 0, sigma_0^2, and "
            "that is what the error is measured by.",
            variants=(
                _with(clear=lambda error, sigma, d: error),
                _with(clear=lambda error, sigma, d: 0.5 * error),
                _with(clear=lambda error, sigma, d: error / sigma**2 + d * (sigma.log() + 0.5 * math.log(2 * math.pi))),
                _with(clear=lambda error, sigma, d: _clear(error, sigma**2, d)),
                _with(clear=lambda error, sigma, d: _clear(error, sigma**0.5, d)),
                _with(clear=lambda error, sigma, d: _clear(error, sigma / (1 - sigma**2).sqrt(), d)),
                _with(
                    clear=lambda error, sigma, d: 0.5 * error / sigma + d * (sigma.log() + 0.5 * math.log(2 * math.pi))
                ),
            ),
        ),
        Misconception(
            "L_0 without the denoiser",
            _decoder_of_z,
            "Your L_0 does not ask the denoiser. Its mean is the guess x0_hat that is made of x_t at level 0, not x_t or x_t / "
            "alpha itself.",
            variants=(
                lambda f, x0, at, noise: _from_x_t(f, x0, at, noise, divided=False),
                lambda f, x0, at, noise: _from_x_t(f, x0, at, noise, divided=True),
            ),
        ),
        Misconception(
            "log p in place of its negative",
            _with(end=lambda prior, steps, clear: (prior, steps, -clear)),
            "A sign is turned: all three terms add up to -ELBO, so L_0 is -log p, and the KLs are not negative.",
            variants=(_with(end=lambda prior, steps, clear: (-prior, -steps, -clear)),),
        ),
        Misconception(
            "sign of the steps",
            _with(weight=lambda t, s: 0.5 * (t.exp() - s.exp())),
            "Your steps are negative, and no KL is. Level t - 1 is the clearer one: SNR(t - 1) - SNR(t).",
            variants=(_with(weight=lambda t, s: t.exp() - s.exp()),),
        ),
        Misconception(
            "no half",
            _with(weight=lambda t, s: s.exp() - t.exp()),
            "Your steps lack the factor 1/2 of a Gaussian's KL, or have it twice: 1/2 (SNR(t - 1) - SNR(t)) |x_0 - x0_hat|^2.",
            variants=(_with(weight=lambda t, s: 0.25 * (s.exp() - t.exp())),),
        ),
        Misconception(
            "another weight",
            _with(weight=lambda t, s: torch.full_like(t, 0.5)),
            "Your steps have another weight than half of the SNR's difference. One for all levels, as in L_simple, the SNR of "
            "one level, that of an error in eps, or a difference of logarithms are not the KL of the step.",
            variants=(
                _with(weight=lambda t, s: torch.ones_like(t)),
                _with(weight=lambda t, s: 0.5 * t.exp()),
                _with(weight=lambda t, s: 0.5 * s.exp()),
                _with(weight=lambda t, s: 0.5 * torch.expm1(s - t)),
                _with(weight=lambda t, s: torch.expm1(s - t)),
                _with(weight=lambda t, s: 0.5 * (s - t)),
                _with(weight=lambda t, s: 0.5 * (s.sigmoid() - t.sigmoid())),
                _with(weight=lambda t, s: 0.5 * ((s / 2).exp() - (t / 2).exp())),
                _with(
                    weight=lambda t, s: 0.5 * s.sigmoid() * (1 - (t - s).exp()) ** 2 / (1 - t.sigmoid() / s.sigmoid())
                ),
            ),
        ),
        Misconception(
            "a level too few or too many",
            _with(levels=lambda T: range(2, T + 1)),
            "Your sum does not run over the levels 1 to T, each once. There are T steps: the first ends at level 0, the last "
            "starts at level T.",
            variants=(
                _with(levels=lambda T: range(1, T)),
                _with(levels=lambda T: range(T + 1)),
            ),
        ),
        Misconception(
            "guess at the wrong level",
            _with(at=lambda t, T: t - 1, noise_of=lambda t, T: max(t - 1, 0)),
            "The guess for the step from t to t - 1 is made at another level. The model has got as far as x_t: mix x_t with "
            "level t's alpha, sigma and noise, and tell the denoiser the log-SNR of t.",
            variants=(
                _with(at=lambda t, T: t - 1),
                _with(told=lambda log_snr, t: log_snr[t - 1]),
                _with(told=lambda log_snr, t: log_snr[max(t - 1, 0)]),
                _with(at=lambda t, T: T + 1 - t, noise_of=lambda t, T: T + 1 - t if t else 0),
                _with(at=lambda t, T: min(t + 1, T), noise_of=lambda t, T: min(t + 1, T) if t else 0),
            ),
        ),
        Misconception(
            "time in place of the log-SNR",
            _with(told=lambda log_snr, t: torch.full_like(log_snr[t], t / (len(log_snr) - 1))),
            "You tell the denoiser something else than the log-SNR of its level: the level's number, a time, alpha or sigma. It "
            "takes `log_snr[t]` for each point.",
            variants=(
                _with(told=lambda log_snr, t: torch.full_like(log_snr[t], t)),
                _with(told=lambda log_snr, t: log_snr[t].sigmoid()),
                _with(told=lambda log_snr, t: log_snr[t].sigmoid().sqrt()),
                _with(told=lambda log_snr, t: log_snr[t].exp()),
                _with(told=lambda log_snr, t: -log_snr[t]),
            ),
        ),
        Misconception(
            "another noise",
            _with(noise_of=lambda t, T: 0),
            "Your levels don't have the noise that is given for them: the same for all, or that of another level. Level t is "
            "mixed with `noise[t]`.",
            variants=(
                _with(noise_of=lambda t, T: T - t),
                _with(noise_of=lambda t, T: max(t - 1, 0)),
                _with(mix=lambda x, eps, alpha, sigma: alpha * x + sigma * eps[:1]),
            ),
        ),
        Misconception(
            "squares for roots",
            _with(mix=lambda x, eps, alpha, sigma: alpha**2 * x + sigma**2 * eps),
            "Your x_t is mixed with the wrong factors. sigmoid(log-SNR) is alpha^2; points and noise are multiplied by the roots "
            "alpha and sigma, both of level t.",
            variants=(
                _with(mix=lambda x, eps, alpha, sigma: alpha**2 * x + sigma * eps),
                _with(mix=lambda x, eps, alpha, sigma: alpha * x + sigma**2 * eps),
                _with(mix=lambda x, eps, alpha, sigma: alpha * x + eps),
                _with(mix=lambda x, eps, alpha, sigma: x + sigma * eps),
                _with(mix=lambda x, eps, alpha, sigma: sigma * x + alpha * eps),
                _with(bar=lambda log_snr: torch.sigmoid(log_snr) ** 2),
            ),
        ),
        Misconception(
            "log-SNR read in another way",
            _with(bar=lambda log_snr: torch.sigmoid(-log_snr)),
            "You read the log-SNR otherwise than it is given. It is log(alpha^2 / sigma^2), in nats: alpha^2 is its sigmoid, "
            "without a minus, a factor or an exponential before it.",
            variants=(
                _with(bar=lambda log_snr: torch.sigmoid(log_snr / 2)),
                _with(bar=lambda log_snr: torch.sigmoid(2 * log_snr)),
                _with(bar=lambda log_snr: torch.sigmoid(log_snr).cumprod(0)),
            ),
        ),
        Misconception(
            "mean over the steps",
            lambda f, x0, at, noise: _scaled_steps(f, x0, at, noise, 1 / (len(at) - 1)),
            "You average over the steps, or count them T times. A chain of T steps pays for each of them: the plain sum.",
            variants=(lambda f, x0, at, noise: _scaled_steps(f, x0, at, noise, len(at) - 1),),
        ),
        Misconception(
            "error without its square",
            _with(error=lambda off: off.square().sum(1).sqrt()),
            "You take the distance of the guess, the sum of absolute errors, or the square of a sum. Square the error of each "
            "dimension, then add up.",
            variants=(_with(error=lambda off: off.abs().sum(1)), _with(error=lambda off: off.sum(1).square())),
        ),
        Misconception(
            "over the batch",
            _with(end=lambda prior, steps, clear: (prior.mean(), steps.mean(), clear.mean())),
            "You return one number for the batch. Each point has its own three terms, `[B]`: sum over the dimensions alone.",
            variants=(
                _with(end=lambda prior, steps, clear: (prior.sum(), steps.sum(), clear.sum())),
                _with(error=lambda off: off.square().sum()),
            ),
        ),
        Misconception(
            "guess held in a range",
            _with(guess=lambda x0_hat: x0_hat.clamp(-1, 1)),
            "You hold the guess between two bounds. That is a habit with images; these points are of any size.",
            variants=(_with(guess=lambda x0_hat: x0_hat.clamp(-3, 3)), _with(guess=torch.tanh)),
        ),
        Misconception(
            "denoiser cut off",
            _with(guess=torch.Tensor.detach),
            "The numbers are right, but no gradient passes through the guess, so the denoiser learns nothing. Leave out "
            "`.detach()`, `.item()` and `torch.no_grad()`.",
            variants=(
                _with(end=lambda prior, steps, clear: (prior, steps, clear.detach())),
                _with(end=lambda prior, steps, clear: (prior, steps.detach(), clear)),
            ),
        ),
        Misconception(
            "changed places",
            _with(end=lambda prior, steps, clear: (clear, steps, prior)),
            "The three terms are right, in another order: L_T, the sum of the steps, L_0.",
            variants=(_with(end=lambda prior, steps, clear: (prior, clear, steps)),),
        ),
    ),
    cases=_cases,
    probe=_probe,
    gradients=("weights",),
)
