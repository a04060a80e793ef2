"""18-guidance: the guess of a code that guidance makes of two predictions of v."""

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from vae_course.exercises.inputs import generator, integer, normal, uniform
from vae_course.exercises.lesson_18._levels import snr_for_alpha
from vae_course.exercises.model import Alternative, Answer, Exercise, Inputs, Misconception

# Of both predictions and w.
Mix = Callable[[Tensor, Tensor, float], Tensor]
# From x_t, v, alpha and sigma, the latter two [B, 1].
Guess = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]


def guided_x0(x_t: Tensor, log_snr: Tensor, v_class: Tensor, v_free: Tensor, weight: float) -> Tensor:
    """The guess x0_hat [B, D] of points x_t [B, D] at log-SNRs [B], from v with the class and without, [B, D] each."""
    v = (1 + weight) * v_class - weight * v_free
    alpha = torch.sigmoid(log_snr).sqrt()[:, None]
    sigma = torch.sigmoid(-log_snr).sqrt()[:, None]
    return alpha * x_t - sigma * v


def _cases(seed: int) -> list[Inputs]:
    """By hand, no guidance, some, much, negative; sizes by chance, one point, one dimension, far points, a real batch; in
    double precision either end.
    """
    source = generator(seed)
    b, d = integer(source, 5, 7), integer(source, 3, 4)
    some = 0.2 + 0.5 * float(uniform(source, 1))
    by_hand: Inputs = {
        "x_t": torch.tensor([[2.0, 1.0]]),
        "log_snr": torch.tensor([math.log(16 / 9)]),
        "v_class": torch.tensor([[1.0, 0.5]]),
        "v_free": torch.tensor([[0.5, 2.0]]),
        "weight": 2.0,
    }
    rows = (
        (b, d, some, 1.0, -3.0, 3.0),
        (b, d, some, 1.0, -3.0, 3.0),
        (b + 1, d + 1, 0.0, 1.0, -3.0, 3.0),
        (1, integer(source, 2, 5), 3.0, 1.0, -2.0, 2.0),
        (4, 1, 1.0, 3.0, -3.0, 3.0),
        (3, d + 1, 7.5, 30.0, -3.0, 3.0),
        (3, 2, -0.4, 1.0, -3.0, 3.0),
        (60, 8, 0.5, 1.0, -6.0, 4.0),
        (4, 3, some, 1.0, 15.0, 18.0),
        (4, 3, some, 1.0, -18.0, -15.0),
        (5, 2, 2.5, 1.0, -15.0, 15.0),
    )
    return [by_hand, *(_case(source, *row) for row in rows)]


def _case(source: torch.Generator, n: int, d: int, weight: float, scale: float, low: float, high: float) -> Inputs:
    """Points and predictions that have little to do with each other; beyond +-6 in double precision."""
    case: Inputs = {
        "x_t": scale * (0.5 + normal(source, n, d).double()),
        "log_snr": low + (high - low) * uniform(source, n).double(),
        "v_class": scale * normal(source, n, d).double(),
        "v_free": scale * (normal(source, n, d).double() - 0.3),
        "weight": weight,
    }
    if high > 6 or low < -6:
        return case
    return {name: value.float() if isinstance(value, Tensor) else value for name, value in case.items()}


def _by_guesses(x_t: Tensor, log_snr: Tensor, v_class: Tensor, v_free: Tensor, weight: float) -> Tensor:
    """Both guesses of x_0 first, then guidance between them, from the one without the class."""
    alpha, sigma = log_snr.sigmoid().sqrt().unsqueeze(-1), torch.sigmoid(-log_snr).sqrt().unsqueeze(-1)
    with_class, without = alpha * x_t - sigma * v_class, alpha * x_t - sigma * v_free
    return without + (1 + weight) * (with_class - without)


def _loop(x_t: Tensor, log_snr: Tensor, v_class: Tensor, v_free: Tensor, weight: float) -> Tensor:
    rows = []
    for x, at, c, u in zip(x_t, log_snr.tolist(), v_class, v_free, strict=True):
        alpha, sigma = math.sqrt(1 / (1 + math.exp(-at))), math.sqrt(1 / (1 + math.exp(at)))
        rows.append(alpha * x - sigma * torch.lerp(u, c, 1 + weight))
    return torch.stack(rows)


def _einsum(x_t: Tensor, log_snr: Tensor, v_class: Tensor, v_free: Tensor, weight: float) -> Tensor:
    alpha, sigma = (F.logsigmoid(log_snr) / 2).exp(), (F.logsigmoid(-log_snr) / 2).exp()
    v = v_class + weight * (v_class - v_free)
    return torch.einsum("b,bd->bd", alpha, x_t) - torch.einsum("b,bd->bd", sigma, v)


def _double(x_t: Tensor, log_snr: Tensor, v_class: Tensor, v_free: Tensor, weight: float) -> Tensor:
    return guided_x0(x_t.double(), log_snr.double(), v_class.double(), v_free.double(), weight)


def _with(
    mix: Mix = lambda c, u, w: (1 + w) * c - w * u,
    *,
    guess: Guess = lambda x, v, alpha, sigma: alpha * x - sigma * v,
    bar: Callable[[Tensor], Tensor] = torch.sigmoid,
    rest: Callable[[Tensor], Tensor] | None = None,
    end: Callable[[Tensor], Tensor] = lambda x0_hat: x0_hat,
) -> Answer:
    """The guess with one thing changed; `bar` is alpha^2 of a log-SNR, `rest` sigma^2."""

    def answer(x_t: Tensor, log_snr: Tensor, v_class: Tensor, v_free: Tensor, weight: float) -> Tensor:
        alpha = bar(log_snr).sqrt()[:, None]
        sigma = (rest(log_snr) if rest else bar(-log_snr)).sqrt()[:, None]
        return end(guess(x_t, mix(v_class, v_free, weight), alpha, sigma))

    return answer


def _from_free(c: Tensor, u: Tensor, w: float) -> Tensor:
    return u + w * (c - u)


def _resized(v: Tensor, like: Tensor, size: Callable[[Tensor], Tensor]) -> Tensor:
    return v * size(like) / size(v)


def _broadcast_along(axis: int) -> Answer:
    """alpha and sigma of one level for all points, or along the dimensions, where the shapes allow it."""

    def answer(x_t: Tensor, log_snr: Tensor, v_class: Tensor, v_free: Tensor, weight: float) -> Tensor:
        at = log_snr[:1] if axis == 0 else log_snr.mean().expand(1)
        return guided_x0(x_t, at, v_class, v_free, weight)

    return answer


EXERCISE = Exercise(
    id="18-guidance",
    title="A guided guess",
    points=2,
    difficulty=2,
    minutes=3,
    task=(
        "A denoiser has predicted v for points `x_t` `[B, D]` at log-SNRs `log_snr` `[B]` twice: with the class, "
        "`v_class`, and without, `v_free`, `[B, D]` each. Return the guided guess x0_hat `[B, D]`: first v = (1 + w) "
        "v_class - w v_free, with w = `weight`, then x0_hat = alpha x_t - sigma v, where alpha^2 = sigmoid(log-SNR) "
        "and sigma^2 = 1 - alpha^2."
    ),
    hints=(
        "With w = 0 it is the guess with the class alone, and the larger w, the farther it goes on, away from the one "
        "without. The two shares of v add up to 1.",
        "v = v_class + w (v_class - v_free). Each point has a log-SNR of its own, so alpha and sigma are `[B]` and "
        "need an axis more beside `[B, D]`.",
        "`torch.sigmoid(log_snr)` is alpha^2, and that of `-log_snr` is sigma^2, to the last digit at both ends: take "
        "roots and index with `[:, None]`.",
    ),
    explanation=(
        "As the shares add up to 1, it is the same whether you guide v, the noise or x_0. Code that writes v_free + s (v_class - "
        "v_free) has s = 1 + w, so its s = 1 is w = 0. With an exact denoiser the guess of w = 0 is the mean of x_0 "
        "given x_t and the class. That of w above 0 is not, so on the data of the class its bound is lower."
    ),
    returns="a guess of each point, [B, D]",
    reference=guided_x0,
    alternatives=(
        Alternative("guesses of x_0", _by_guesses),
        Alternative("loop over the points", _loop),
        Alternative("einsum, in logs", _einsum),
        Alternative("float64", _double),
    ),
    misconceptions=(
        Misconception(
            "the other convention",
            _with(_from_free),
            "You use v_free + w (v_class - v_free), where w = 0 drops the class and w = 1 is no guidance. Here w = 0 "
            "is the prediction with the class: v_class + w (v_class - v_free).",
        ),
        Misconception(
            "towards the guess without the class",
            _with(lambda c, u, w: (1 - w) * c + w * u),
            "A larger w leads you from v_class towards v_free. Guidance goes the other way: away from the prediction "
            "without the class.",
            variants=(_with(lambda c, u, w: u + (1 + w) * (u - c)),),
        ),
        Misconception(
            "predictions exchanged",
            _with(lambda c, u, w: (1 + w) * u - w * c),
            "You have the two predictions the wrong way round. The one with the class gets 1 + w, the one without "
            "gets -w.",
        ),
        Misconception(
            "shares that do not add up to 1",
            _with(lambda c, u, w: (1 + w) * c + w * u),
            "Your two shares of v don't add up to 1, so a v on which both predictions agree comes out as another one. "
            "They are 1 + w and -w.",
            variants=(
                _with(lambda c, u, w: w * c - (1 + w) * u),
                _with(lambda c, u, w: (1 + w) * c - u),
                _with(lambda c, u, w: w * c - u),
                _with(lambda c, u, w: w * (c - u)),
                _with(lambda c, u, w: c + w * u),
                _with(lambda c, u, w: (1 + w) * c),
                _with(lambda c, u, w: c - w * u),
                _with(lambda c, u, w: (1 + w) * (c - u)),
                _with(lambda c, u, w: (1 + w) * c - (1 - w) * u),
                _with(lambda c, u, w: ((1 + w) * c - w * u) / (1 + w)),
                _with(lambda c, u, w: ((1 + w) * c - w * u) / (1 + 2 * w)),
            ),
        ),
        Misconception(
            "no guidance",
            _with(lambda c, u, w: c),
            "Your guess does not change with `weight`, or has an average of both predictions. v is (1 + w) v_class - "
            "w v_free.",
            variants=(_with(lambda c, u, w: u), _with(lambda c, u, w: (c + u) / 2)),
        ),
        Misconception(
            "too far or not far enough",
            _with(lambda c, u, w: c + (1 + w) * (c - u)),
            "You go another number of differences than w away from v_class. From v_class it is w times the difference, from "
            "v_free 1 + w times.",
            variants=(
                _with(lambda c, u, w: c + 2 * w * (c - u)),
                _with(lambda c, u, w: c + w / 2 * (c - u)),
                _with(lambda c, u, w: (1 + w) * ((1 + w) * c - w * u) - w * u),
                _with(lambda c, u, w: c + w**2 * (c - u)),
            ),
        ),
        Misconception(
            "for some weights only",
            _with(lambda c, u, w: (1 + w) * c - w * u if w > 1 else c),
            "For some weights you leave guidance out, or use another w. v is (1 + w) v_class - w v_free for every w, small and "
            "negative ones included.",
            variants=(
                _with(lambda c, u, w: (1 + max(w, 1)) * c - max(w, 1) * u),
                _with(lambda c, u, w: (1 + max(w, 0)) * c - max(w, 0) * u),
                _with(lambda c, u, w: (1 + abs(w)) * c - abs(w) * u),
                _with(lambda c, u, w: (1 + min(w, 1)) * c - min(w, 1) * u),
                _with(lambda c, u, w: (1 + min(max(w, 0), 1)) * c - min(max(w, 0), 1) * u),
                _with(lambda c, u, w: (1 + w) * c - w * u if w >= 1 else c),
                _with(lambda c, u, w: (1 + w) * c - w * u if w else u),
                _with(lambda c, u, w: (1 + round(w)) * c - round(w) * u),
            ),
        ),
        Misconception(
            "guided on the first half",
            lambda x, at, c, u, w: guided_x0(
                x,
                at,
                torch.cat([((1 + w) * c - w * u)[:, : (c.shape[1] + 1) // 2], c[:, (c.shape[1] + 1) // 2 :]], 1),
                u,
                0,
            ),
            "You guide a part of the numbers of a code only. All D of them belong to v.",
            variants=(
                lambda x, at, c, u, w: guided_x0(
                    x, at, torch.cat([((1 + w) * c - w * u)[:, :3], c[:, 3:]], 1) if c.shape[1] > 1 else c, u, 0
                ),
            ),
        ),
        Misconception(
            "alpha and sigma exchanged",
            _with(guess=lambda x, v, alpha, sigma: sigma * x - alpha * v),
            "You have alpha and sigma the wrong way round. alpha^2 = sigmoid(log-SNR) is large for clear points, and "
            "alpha multiplies x_t.",
            variants=(_with(guess=lambda x, v, alpha, sigma: alpha * v - sigma * x),),
        ),
        Misconception(
            "the noise in place of the point",
            _with(guess=lambda x, v, alpha, sigma: sigma * x + alpha * v),
            "You return another guess than that of the point, such as the noise's, or leave out a factor. Asked for is "
            "alpha x_t - sigma v.",
            variants=(
                _with(guess=lambda x, v, alpha, sigma: v),
                _with(guess=lambda x, v, alpha, sigma: x - sigma * v),
                _with(guess=lambda x, v, alpha, sigma: x - v),
            ),
        ),
        Misconception(
            "v with a plus",
            _with(guess=lambda x, v, alpha, sigma: alpha * x + sigma * v),
            "You add sigma v, or have the whole with another sign. v = alpha eps - sigma x_0, so alpha x_t - sigma v "
            "is x_0.",
            variants=(_with(guess=lambda x, v, alpha, sigma: sigma * v - alpha * x),),
        ),
        Misconception(
            "v taken for the noise",
            _with(guess=lambda x, v, alpha, sigma: (x - sigma * v) / alpha),
            "You solve for x_0 as if the network had predicted the noise. It predicts v, and there nothing is "
            "divided: alpha x_t - sigma v.",
            variants=(
                _with(guess=lambda x, v, alpha, sigma: (x - sigma**2 * v) / alpha),
                _with(guess=lambda x, v, alpha, sigma: (alpha * x - sigma * v) / alpha),
                _with(guess=lambda x, v, alpha, sigma: x / alpha - sigma * v),
                _with(guess=lambda x, v, alpha, sigma: alpha * x - sigma / alpha * v),
            ),
        ),
        Misconception(
            "factors that are not theirs",
            _with(guess=lambda x, v, alpha, sigma: alpha * (x - sigma * v)),
            "Your factors of x_t and v are not alpha and sigma. x0_hat = alpha x_t - sigma v as it stands: nothing else "
            "multiplies or divides.",
            variants=(
                _with(guess=lambda x, v, alpha, sigma: (alpha * x - sigma * v) / (alpha + sigma)),
                _with(guess=lambda x, v, alpha, sigma: alpha * x - alpha * sigma * v),
                _with(guess=lambda x, v, alpha, sigma: sigma * (alpha * x - v)),
                _with(guess=lambda x, v, alpha, sigma: alpha * x - v),
            ),
        ),
        Misconception(
            "variance for a root",
            _with(guess=lambda x, v, alpha, sigma: alpha**2 * x - sigma**2 * v),
            "You use another power of alpha or sigma than the first. They are the roots of the two sigmoids.",
            variants=(
                _with(guess=lambda x, v, alpha, sigma: alpha * x - sigma**2 * v),
                _with(guess=lambda x, v, alpha, sigma: alpha**2 * x - sigma * v),
                _with(guess=lambda x, v, alpha, sigma: alpha.sqrt() * x - sigma.sqrt() * v),
                _with(guess=lambda x, v, alpha, sigma: alpha**2 * x - (1 - alpha**4).sqrt() * v),
            ),
        ),
        Misconception(
            "sigma not the rest",
            _with(guess=lambda x, v, alpha, sigma: alpha * x - (1 - alpha) * v),
            "Your sigma is not the root of 1 - alpha^2. What alpha^2 leaves of 1 is the variance of the noise.",
            variants=(
                _with(guess=lambda x, v, alpha, sigma: alpha * x - (1 - alpha).sqrt() * v),
                _with(guess=lambda x, v, alpha, sigma: alpha * x - (1 - alpha**2) ** 2 * v),
                _with(guess=lambda x, v, alpha, sigma: (1 - sigma) * x - sigma * v),
            ),
        ),
        snr_for_alpha(_with),
        Misconception(
            "log-SNR read in another way",
            _with(bar=lambda at: torch.sigmoid(2 * at)),
            "You read the log-SNR otherwise than it is given. It is log(alpha^2 / sigma^2): alpha^2 is its sigmoid, no other "
            "function, and nothing is done to it before.",
            variants=(
                _with(bar=lambda at: at.exp().sigmoid(), rest=lambda at: 1 - at.exp().sigmoid()),
                _with(bar=lambda at: at.softmax(0), rest=lambda at: 1 - at.softmax(0)),
                _with(bar=lambda at: at.tanh() ** 2, rest=lambda at: 1 - at.tanh() ** 2),
                _with(bar=lambda at: torch.sigmoid(at / 2)),
                _with(bar=lambda at: torch.sigmoid(at / 10 * math.log(10))),
                lambda x, at, c, u, w: at[:, None] * x - (1 - at[:, None]) * ((1 + w) * c - w * u),
            ),
        ),
        Misconception(
            "one level for all",
            _broadcast_along(0),
            "You use one log-SNR for the whole batch. Each point has its own: give alpha and sigma a second axis, as "
            "in `alpha[:, None]`.",
            variants=(_broadcast_along(1),),
        ),
        Misconception(
            "guess held in a range",
            _with(end=lambda x0_hat: x0_hat.clamp(-1, 1)),
            "You hold numbers within bounds or bring them back to another size, as published code does with pixels. The task has "
            "neither: codes are of any size, and so is what guidance makes of them.",
            variants=(
                _with(end=lambda x0: x0 / x0.abs().quantile(0.995, dim=1, keepdim=True).clamp(min=1)),
                _with(end=lambda x0: x0 / x0.abs().amax(1, keepdim=True).clamp(min=1)),
                _with(end=lambda x0_hat: x0_hat.clamp(-3, 3)),
                _with(end=torch.tanh),
                _with(lambda c, u, w: ((1 + w) * c - w * u).clamp(-1, 1)),
                _with(lambda c, u, w: _resized((1 + w) * c - w * u, c, lambda v: v.std(1, keepdim=True))),
                _with(lambda c, u, w: _resized((1 + w) * c - w * u, c, lambda v: v.norm(dim=1, keepdim=True))),
            ),
        ),
        Misconception(
            "over the batch or the dimensions",
            _with(end=lambda x0_hat: x0_hat.mean(0)),
            "You add or average over an axis. A guess is asked for each number of each code, `[B, D]`.",
            variants=(_with(end=lambda x0_hat: x0_hat.mean(1)), _with(end=lambda x0_hat: x0_hat.sum(1))),
        ),
    ),
    cases=_cases,
    batch="x_t",
)
