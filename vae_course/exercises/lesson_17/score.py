"""17-score: one guess of the noise under its other names, as a score and as a velocity."""

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
# From x_t, eps_hat, alpha and sigma, the latter two [B, 1].
Of = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]


def score_and_velocity(x_t: Tensor, eps_hat: Tensor, log_snr: Tensor) -> tuple[Tensor, Tensor]:
    """The score of x_t and the velocity eps_hat - x0_hat that a guess of the noise stands for, [B, D] each; log-SNRs [B]."""
    alpha = torch.sigmoid(log_snr).sqrt()[:, None]
    sigma = torch.sigmoid(-log_snr).sqrt()[:, None]
    x0_hat = (x_t - sigma * eps_hat) / alpha
    score = -eps_hat / sigma
    velocity = eps_hat - x0_hat
    return score, velocity


def _probe(answer: Answer, case: Inputs) -> dict[str, Any]:
    score, velocity = pair(answer(*case.values()), "score", "velocity")
    return {"the score": score, "the velocity": velocity}


def _cases(seed: int) -> list[Inputs]:
    """By hand, sizes by chance, one example, one dimension, far points, a real batch; in double precision either end."""
    source = generator(seed)
    b, d = integer(source, 5, 7), integer(source, 3, 4)
    by_hand: Inputs = {
        "x_t": torch.tensor([[1.0, 2.0]]),
        "eps_hat": torch.tensor([[0.5, -1.0]]),
        "log_snr": torch.tensor([math.log(4.0)]),
    }
    sizes = ((b, d, 1.0), (b, d, 1.0), (1, integer(source, 2, 6), 1.0), (4, 1, 3.0), (3, d + 1, 30.0), (60, 8, 0.5))
    cases = [by_hand, *(_case(source, n, dims, scale, -3.0, 3.0) for n, dims, scale in sizes)]
    ends = ((15.0, 18.0), (-18.0, -15.0), (-15.0, 15.0))
    return [*cases, *(_case(source, integer(source, 4, 5), integer(source, 2, 3), 1.0, *end) for end in ends)]


def _case(source: torch.Generator, n: int, d: int, scale: float, low: float, high: float) -> Inputs:
    """Points and guesses of their noise that have little to do with each other; beyond +-3 in double precision."""
    case = {
        "x_t": scale * (0.5 + normal(source, n, d).double()),
        "eps_hat": normal(source, n, d).double(),
        "log_snr": low + (high - low) * uniform(source, n).double(),
    }
    return dict(case) if high > 3 or low < -3 else {name: value.float() for name, value in case.items()}


def _bars(x_t: Tensor, eps_hat: Tensor, log_snr: Tensor) -> Pair:
    """alpha^2 as published code keeps it, with einsum."""
    bar = log_snr.sigmoid()
    x0_hat = torch.einsum("b,bd->bd", bar.rsqrt(), x_t) - torch.einsum("b,bd->bd", (1 / bar - 1).sqrt(), eps_hat)
    return torch.einsum("b,bd->bd", -1 / (1 - bar).sqrt(), eps_hat), eps_hat - x0_hat


def _in_logs(x_t: Tensor, eps_hat: Tensor, log_snr: Tensor) -> list[Tensor]:
    log_alpha, log_sigma = F.logsigmoid(log_snr) / 2, F.logsigmoid(-log_snr) / 2
    score = -(eps_hat.T * (-log_sigma).exp()).T
    velocity = eps_hat.T * (1 + (log_sigma - log_alpha).exp()) - x_t.T * (-log_alpha).exp()
    return [score, velocity.T]


def _from_the_guess(x_t: Tensor, eps_hat: Tensor, log_snr: Tensor) -> Pair:
    """The score of the Gaussian q(x_t | x0_hat); the velocity as all that is left on the straight path, over its length."""
    variance = torch.sigmoid(-log_snr).unsqueeze(-1)
    alpha = (1 - variance).sqrt()
    x0_hat = (x_t - variance.sqrt() * eps_hat) / alpha
    length = variance.sqrt() / (alpha + variance.sqrt())
    return (alpha * x0_hat - x_t) / variance, (x_t / (alpha + variance.sqrt()) - x0_hat) / length


def _loop(x_t: Tensor, eps_hat: Tensor, log_snr: Tensor) -> Pair:
    scores, velocities = [], []
    for x, eps, at in zip(x_t, eps_hat, log_snr.tolist(), strict=True):
        snr = math.exp(at)
        alpha, sigma = math.sqrt(snr / (1 + snr)), math.sqrt(1 / (1 + snr))
        scores.append(-eps / sigma)
        velocities.append(eps - (x - sigma * eps) / alpha)
    return torch.stack(scores), torch.stack(velocities)


def _x0(x: Tensor, eps: Tensor, alpha: Tensor, sigma: Tensor) -> Tensor:
    return (x - sigma * eps) / alpha


def _with(
    *,
    score: Of = lambda x, eps, alpha, sigma: -eps / sigma,
    velocity: Of | None = None,
    x0: Of = _x0,
    bar: Callable[[Tensor], Tensor] = torch.sigmoid,
    noise_bar: Callable[[Tensor], Tensor] | None = None,
    end: Callable[[Tensor, Tensor], Pair] = lambda score, velocity: (score, velocity),
) -> Answer:
    """Both with one thing changed; `bar` is alpha^2 of a log-SNR, and sigma^2 the rest."""

    def answer(x_t: Tensor, eps_hat: Tensor, log_snr: Tensor) -> Pair:
        alpha = bar(log_snr).sqrt()[:, None]
        sigma = (noise_bar(log_snr) if noise_bar else 1 - bar(log_snr)).sqrt()[:, None]
        given = x_t, eps_hat, alpha, sigma
        return end(score(*given), velocity(*given) if velocity else eps_hat - x0(*given))

    return answer


def _held(most: float) -> Of:
    return lambda x, eps, alpha, sigma: _x0(x, eps, alpha, sigma).clamp(-most, most)


def _safe(tiny: float) -> tuple[Answer, ...]:
    return (
        _with(score=lambda x, eps, alpha, sigma: -eps / (sigma + tiny)),
        _with(score=lambda x, eps, alpha, sigma: -eps / sigma.clamp(min=tiny)),
        _with(
            score=lambda x, eps, alpha, sigma: -eps / (sigma + tiny),
            x0=lambda x, eps, alpha, sigma: (x - sigma * eps) / (alpha + tiny),
        ),
        _with(x0=lambda x, eps, alpha, sigma: (x - sigma * eps) / (alpha + tiny)),
        _with(bar=lambda log_snr: log_snr.sigmoid().clamp(tiny, 1 - tiny)),
        _with(
            score=lambda x, eps, alpha, sigma: -eps / sigma.clamp(min=tiny),
            x0=lambda x, eps, alpha, sigma: (x - sigma.clamp(min=tiny) * eps) / alpha,
        ),
    )


EXERCISE = Exercise(
    id="17-score",
    title="One network, three names",
    points=2,
    difficulty=3,
    minutes=6,
    task=(
        "A network guesses the noise in `x_t` = alpha x_0 + sigma eps as `eps_hat` `[B, D]`, at the log-SNRs `log_snr` `[B]`, "
        "with alpha^2 = sigmoid(log-SNR) and sigma^2 = 1 - alpha^2. Return `score, velocity`, `[B, D]` each: the score that it "
        "stands for, the gradient of log q(x_t), and the velocity of flow matching, d/dr of (1 - r) x0_hat + r eps_hat on the "
        "straight path from its guess of x_0 to its guess of the noise. Both are trained through."
    ),
    hints=(
        "If x_0 is known, q(x_t | x_0) is a Gaussian with mean alpha x_0 and variance sigma^2. What is the gradient of its "
        "logarithm, and where in it do you find eps?",
        "-(x_t - alpha x_0) / sigma^2 = -eps / sigma. The straight path has the same velocity all along, its end less its "
        "start: eps_hat - x0_hat, where x0_hat = (x_t - sigma eps_hat) / alpha.",
        "`torch.sigmoid(log_snr)` is alpha squared, `[B]`: take the root and add an axis, `[:, None]`. In the same way sigma "
        "comes from `-log_snr`.",
    ),
    explanation=(
        "If x_t and alpha, sigma are known, x_0, eps, the score and the velocity are affine functions of each other, so a "
        "network that knows one knows all. What differs between score matching, flow matching and diffusion is the weight that "
        "their losses give to each log-SNR, and the path along which samples are drawn."
    ),
    returns="two tensors: the score and the velocity, [B, D] each",
    reference=score_and_velocity,
    alternatives=(
        Alternative("alpha squared, einsum", _bars),
        Alternative("logarithms, transposed, in a list", _in_logs),
        Alternative("from the guess of x_0", _from_the_guess),
        Alternative("loop over the examples", _loop),
        Alternative("float64", lambda x_t, eps_hat, at: score_and_velocity(x_t.double(), eps_hat.double(), at)),
    ),
    misconceptions=(
        Misconception(
            "noise taken for the score",
            _with(score=lambda x, eps, alpha, sigma: -eps),
            "Your score is minus the noise itself. It has to be divided by sigma: the less noise there is, the steeper the "
            "density.",
            variants=(
                _with(score=lambda x, eps, alpha, sigma: eps),
                _with(score=lambda x, eps, alpha, sigma: -sigma * eps),
                _with(score=lambda x, eps, alpha, sigma: sigma * eps),
            ),
        ),
        Misconception(
            "sign of the score",
            _with(score=lambda x, eps, alpha, sigma: eps / sigma),
            "The sign of your score is turned. It points to where the density is higher, which is against the noise: -eps_hat / "
            "sigma.",
        ),
        Misconception(
            "divided by the variance",
            _with(score=lambda x, eps, alpha, sigma: -eps / sigma**2),
            "You divide the noise by sigma^2, or by another number than sigma. In -(x_t - alpha x_0) / sigma^2 the numerator is "
            "sigma eps, so one sigma is left.",
            variants=(
                _with(score=lambda x, eps, alpha, sigma: eps / sigma**2),
                _with(score=lambda x, eps, alpha, sigma: -eps / alpha),
                _with(score=lambda x, eps, alpha, sigma: -eps / sigma.sqrt()),
                _with(score=lambda x, eps, alpha, sigma: -eps / sigma * alpha),
                _with(score=lambda x, eps, alpha, sigma: -eps * alpha),
                _with(score=lambda x, eps, alpha, sigma: -eps / (1 - alpha)),
            ),
        ),
        Misconception(
            "score from points",
            _with(score=lambda x, eps, alpha, sigma: -(x - _x0(x, eps, alpha, sigma)) / sigma**2),
            "Your score does not measure how far x_t is from its mean. That mean is alpha x_0, so the score is -(x_t - alpha "
            "x0_hat) / sigma^2 = -eps_hat / sigma.",
            variants=(
                _with(score=lambda x, eps, alpha, sigma: -x),
                _with(score=lambda x, eps, alpha, sigma: -x / sigma**2),
                _with(score=lambda x, eps, alpha, sigma: -(x - eps) / sigma**2),
                _with(score=lambda x, eps, alpha, sigma: (_x0(x, eps, alpha, sigma) - x) / sigma),
                _with(score=lambda x, eps, alpha, sigma: -(x - alpha * eps) / sigma**2),
            ),
        ),
        Misconception(
            "velocity towards the data",
            _with(velocity=lambda x, eps, alpha, sigma: _x0(x, eps, alpha, sigma) - eps),
            "The sign of your velocity is turned. The path (1 - r) x0_hat + r eps_hat goes from the data to the noise: end less "
            "start, eps_hat - x0_hat.",
        ),
        Misconception(
            "v-prediction",
            _with(velocity=lambda x, eps, alpha, sigma: alpha * eps - sigma * _x0(x, eps, alpha, sigma)),
            "You return v = alpha eps - sigma x_0, the velocity on a circle along which the variance is preserved. On the "
            "straight path it is eps_hat - x0_hat.",
            variants=(
                _with(velocity=lambda x, eps, alpha, sigma: sigma * _x0(x, eps, alpha, sigma) - alpha * eps),
                _with(velocity=lambda x, eps, alpha, sigma: alpha * _x0(x, eps, alpha, sigma) - sigma * eps),
                _with(velocity=lambda x, eps, alpha, sigma: sigma * eps - alpha * _x0(x, eps, alpha, sigma)),
            ),
        ),
        Misconception(
            "velocity along another path",
            _with(velocity=lambda x, eps, alpha, sigma: -0.5 * (x - eps / sigma)),
            "Your velocity belongs to another path, or to another clock on it, such as the ODE along which the variance is "
            "preserved. On the straight path it is end less start, eps_hat - x0_hat, for the whole of r from 0 to 1.",
            variants=(
                _with(velocity=lambda x, eps, alpha, sigma: -0.5 * (x - 2 * eps / sigma)),
                _with(velocity=lambda x, eps, alpha, sigma: (eps - _x0(x, eps, alpha, sigma)) / (alpha + sigma)),
                _with(velocity=lambda x, eps, alpha, sigma: (x - _x0(x, eps, alpha, sigma)) / sigma),
                _with(velocity=lambda x, eps, alpha, sigma: (eps - _x0(x, eps, alpha, sigma)) * sigma),
                _with(velocity=lambda x, eps, alpha, sigma: (eps - _x0(x, eps, alpha, sigma)) * alpha),
                _with(velocity=lambda x, eps, alpha, sigma: alpha * _x0(x, eps, alpha, sigma) + sigma * eps),
            ),
        ),
        Misconception(
            "x_t for x_0",
            _with(velocity=lambda x, eps, alpha, sigma: eps - x),
            "Your velocity starts from x_t. The straight path starts at the guess of x_0, which you get by taking the noise off "
            "x_t: (x_t - sigma eps_hat) / alpha.",
            variants=(
                _with(velocity=lambda x, eps, alpha, sigma: x - eps),
                _with(velocity=lambda x, eps, alpha, sigma: x - _x0(x, eps, alpha, sigma)),
                _with(velocity=lambda x, eps, alpha, sigma: (eps - x) / alpha),
                _with(velocity=lambda x, eps, alpha, sigma: eps - x / alpha),
            ),
        ),
        Misconception(
            "x_0 not quite freed",
            _with(x0=lambda x, eps, alpha, sigma: x - sigma * eps),
            "Your guess of x_0 is off. Solve x_t = alpha x_0 + sigma eps for it: (x_t - sigma eps_hat) / alpha, with both "
            "factors.",
            variants=(
                _with(x0=lambda x, eps, alpha, sigma: (x - eps) / alpha),
                _with(x0=lambda x, eps, alpha, sigma: x - eps),
                _with(x0=lambda x, eps, alpha, sigma: (x - alpha * eps) / sigma),
                _with(x0=lambda x, eps, alpha, sigma: (x + sigma * eps) / alpha),
                _with(x0=lambda x, eps, alpha, sigma: (x - sigma * eps) * alpha),
                _with(x0=lambda x, eps, alpha, sigma: x / alpha - sigma * eps),
            ),
        ),
        Misconception(
            "squares for roots",
            _with(x0=lambda x, eps, alpha, sigma: (x - sigma**2 * eps) / alpha**2),
            "You multiply or divide points by alpha^2 or sigma^2. These are shares of variance; points go with the roots.",
            variants=(
                _with(
                    score=lambda x, eps, alpha, sigma: -eps / sigma**2,
                    x0=lambda x, eps, alpha, sigma: (x - sigma**2 * eps) / alpha**2,
                ),
                _with(x0=lambda x, eps, alpha, sigma: (x - sigma**2 * eps) / alpha),
                _with(x0=lambda x, eps, alpha, sigma: (x - sigma * eps) / alpha**2),
                _with(bar=lambda log_snr: torch.sigmoid(log_snr) ** 2),
            ),
        ),
        Misconception(
            "alpha and sigma exchanged",
            _with(bar=lambda log_snr: torch.sigmoid(-log_snr)),
            "You exchange signal and noise: alpha^2 is the sigmoid of the log-SNR, sigma^2 that of minus the log-SNR. A high "
            "SNR means much signal.",
        ),
        Misconception(
            "log-SNR read in another way",
            _with(bar=lambda log_snr: torch.sigmoid(2 * log_snr)),
            "You read the log-SNR otherwise than it is given. It is log(alpha^2 / sigma^2), in nats, so alpha^2 is its sigmoid: "
            "no factor, no root, no other base and no exponential before it.",
            variants=(
                _with(bar=lambda log_snr: torch.sigmoid(log_snr / 2)),
                _with(bar=lambda log_snr: torch.sigmoid(log_snr / 2) ** 2),
                _with(bar=lambda log_snr: torch.sigmoid(log_snr.exp())),
                _with(bar=lambda log_snr: torch.sigmoid(log_snr * math.log(10) / 10)),
                _with(bar=lambda log_snr: torch.sigmoid(log_snr).sqrt()),
                _with(bar=torch.exp, noise_bar=torch.ones_like),
                _with(bar=torch.ones_like, noise_bar=lambda log_snr: (-log_snr).exp()),
            ),
        ),
        Misconception(
            "sigma not the rest",
            _with(noise_bar=lambda log_snr: (1 - log_snr.sigmoid().sqrt()) ** 2),
            "Your sigma is not the root of 1 - alpha^2. What alpha^2 leaves of 1 is the variance of the noise.",
            variants=(
                _with(noise_bar=lambda log_snr: 1 - log_snr.sigmoid().sqrt()),
                _with(noise_bar=lambda log_snr: (1 - log_snr.sigmoid()) ** 2),
            ),
        ),
        Misconception(
            "guess for velocity",
            _with(velocity=_x0),
            "Your velocity is the guess of x_0 itself, or that of the noise. A velocity is where the path ends less where it "
            "starts: eps_hat - x0_hat.",
            variants=(_with(velocity=lambda x, eps, alpha, sigma: eps),),
        ),
        Misconception(
            "x_0 held in a range",
            _with(x0=lambda x, eps, alpha, sigma: _x0(x, eps, alpha, sigma).clamp(-1, 1)),
            "You hold the guess of x_0 between two bounds. That is a habit with images; these points are of any size.",
            variants=(
                *(_with(x0=_held(most)) for most in (3, 5, 10)),
                _with(x0=lambda x, eps, alpha, sigma: _x0(x, eps, alpha, sigma).tanh()),
            ),
        ),
        Misconception(
            "small number for safety",
            _safe(1e-5)[0],
            "A small number, or a limit, takes the place of sigma or alpha where these are as small as that. Neither is ever 0: "
            "leave it out.",
            variants=(
                *(_safe(tiny)[i] for tiny in small_numbers(1e-3) for i in (1, 5)),
                *(_safe(tiny)[i] for tiny in small_numbers(1e-8) for i in (0, 2)),
                *(_safe(tiny)[i] for tiny in small_numbers(1e-6) for i in (3, 4)),
                *(lambda x, eps, at, most=most: score_and_velocity(x, eps, at.clamp(-most, most)) for most in (10, 15)),
            ),
        ),
        Misconception(
            "cut off",
            lambda x_t, eps_hat, at: score_and_velocity(x_t, eps_hat.detach(), at),
            "The numbers are right, but no gradient passes through `eps_hat`, so the network learns nothing. Leave out "
            "`.detach()` and `torch.no_grad()`.",
            variants=(
                _with(end=lambda score, velocity: (score.detach(), velocity)),
                _with(end=lambda score, velocity: (score, velocity.detach())),
                _with(end=lambda score, velocity: (score.detach(), velocity.detach())),
            ),
        ),
        Misconception(
            "changed places",
            _with(end=lambda score, velocity: (velocity, score)),
            "Both results are right, in the other order: first the score, then the velocity.",
        ),
    ),
    cases=_cases,
    batch="x_t",
    probe=_probe,
    gradients=("x_t", "eps_hat"),
)
