"""03-direction: both directions of the KL, summed over a grid."""

import math
from typing import Any

import torch
from torch import Tensor

from vae_course.exercises.inputs import generator, integer, normal
from vae_course.exercises.model import Alternative, Answer, Exercise, Inputs, Misconception
from vae_course.exercises.probes import pair

Pair = tuple[Tensor, Tensor]


def both_directions(log_q: Tensor, log_p: Tensor, dz: float) -> Pair:
    """KL(q || p) and KL(p || q) in nats, [B] each, from log densities [B, G] on a grid with spacing dz."""
    log_ratio = log_q - log_p
    reverse = (log_q.exp() * log_ratio).sum(dim=-1) * dz
    forward = -(log_p.exp() * log_ratio).sum(dim=-1) * dz
    return reverse, forward


def _probe(answer: Answer, case: Inputs) -> dict[str, Any]:
    """The two directions under their names."""
    reverse, forward = pair(answer(*case.values()), "reverse", "forward")
    return {"KL(q || p)": reverse, "KL(p || q)": forward}


def _trapezoids(log_q: Tensor, log_p: Tensor, dz: float) -> Pair:
    q, p, log_ratio = log_q.exp(), log_p.exp(), log_q - log_p
    return torch.trapezoid(q * log_ratio, dx=dz), -torch.trapezoid(p * log_ratio, dx=dz)


def _cases(seed: int) -> list[Inputs]:
    """Near each other on grids of many sizes, then far apart and so narrow that log densities reach -10,000."""
    source = generator(seed)
    b, n = integer(source, 3, 4), integer(source, 100, 200)
    near = [_densities(source, *shape, 1.0) for shape in ((1, 5), (1, 161), (b, n), (b, n), (2, 201), (64, 81))]
    return [*near, _densities(source, 2, 401, 0.2)]


def _densities(source: torch.Generator, b: int, n: int, width: float) -> Inputs:
    """Two narrow Gaussians each on a grid; the one of five places, whose density sums to one too, can be done by hand."""
    reach = 5.0 if n > 5 else 1.0
    z, dz = torch.linspace(-reach, reach, n), 2 * reach / (n - 1)
    mean, log_std = 0.5 * normal(source, 2, b, 1), 0.2 * normal(source, 2, b, 1) - 1.2 + math.log(width)
    if width < 1:
        mean = mean + torch.tensor([-3.0, 3.0])[:, None, None]
    log_q, log_p = torch.log_softmax(-0.5 * ((z - mean) / log_std.exp()) ** 2, -1) - math.log(dz)
    return {"log_q": log_q, "log_p": log_p, "dz": dz}


def _loop(log_q: Tensor, log_p: Tensor, dz: float) -> Pair:
    reverse, forward = [], []
    for a, b in zip(log_q, log_p, strict=True):
        reverse.append((torch.exp(a) * (a - b) * dz).sum())
        forward.append((torch.exp(b) * (b - a) * dz).sum())
    return torch.stack(reverse), torch.stack(forward)


def _einsum(log_q: Tensor, log_p: Tensor, dz: float) -> Pair:
    q, p = log_q.exp(), log_p.exp()
    reverse = torch.einsum("bg,bg->b", q, log_q) - torch.einsum("bg,bg->b", q, log_p)
    forward = torch.einsum("bg,bg->b", p, log_p) - torch.einsum("bg,bg->b", p, log_q)
    return dz * reverse, dz * forward


def _sums(log_q: Tensor, log_p: Tensor, dz: float) -> Pair:
    return (log_q.exp() * (log_q - log_p)).sum(-1) * dz, (log_p.exp() * (log_p - log_q)).sum(-1) * dz


def _float64(log_q: Tensor, log_p: Tensor, dz: float) -> Pair:
    return _sums(log_q.double(), log_p.double(), dz)


def _both(change: Any) -> Answer:
    """A wrong answer that does the same to both directions."""
    return lambda log_q, log_p, dz: tuple(change(kl, dz) for kl in _sums(log_q, log_p, dz))


EXERCISE = Exercise(
    id="03-direction",
    title="Both directions",
    points=3,
    difficulty=2,
    minutes=5,
    task=(
        "Return KL(q || p) and KL(p || q) in nats, `[B]` each, as sums over a grid: `log_q` and `log_p`, each `[B, G]`, "
        "are the log densities at G places that lie `dz` apart."
    ),
    hints=(
        "An integral over z is a sum over the grid, and every place counts with its width.",
        "KL(q || p) = sum_g q(z_g) [ log q(z_g) - log p(z_g) ] dz; in the other direction p and q change places, the "
        "weight included.",
        "The weights are `log_q.exp()` and `log_p.exp()`. Call `log_q - log_p` the log ratio: one direction needs it as "
        "it is, the other with a minus.",
    ),
    explanation=(
        "The two directions share one log ratio up to its sign. They differ in the weight, that is, in whose draws are "
        "averaged over: KL(q || p) looks where q is, KL(p || q) looks where p is."
    ),
    returns="two tensors, reverse and forward, [B] each",
    reference=both_directions,
    alternatives=(
        Alternative("loop", _loop),
        Alternative("einsum", _einsum),
        Alternative("float64", _float64),
        Alternative("two sums", _sums),
        Alternative("trapezoid", _trapezoids),
        Alternative("stacked", lambda log_q, log_p, dz: torch.stack(_sums(log_q, log_p, dz))),
    ),
    misconceptions=(
        Misconception(
            "directions swapped",
            lambda log_q, log_p, dz: _sums(log_p, log_q, dz),
            "Both numbers are right, but they have changed places. Return KL(q || p), where q is the weight, first.",
        ),
        Misconception(
            "weight always q",
            lambda log_q, log_p, dz: (_sums(log_q, log_p, dz)[0], (log_q.exp() * (log_p - log_q)).sum(-1) * dz),
            "The first number is right, the second is minus the first: both are weighted by q. KL(p || q) is a mean over "
            "draws from p, so its weight is p.",
        ),
        Misconception(
            "weight always p",
            lambda log_q, log_p, dz: ((log_p.exp() * (log_q - log_p)).sum(-1) * dz, _sums(log_q, log_p, dz)[1]),
            "The second number is right, the first is minus the second: both are weighted by p. KL(q || p) is a mean over "
            "draws from q, so its weight is q.",
        ),
        Misconception(
            "sign of the forward direction",
            lambda log_q, log_p, dz: (_sums(log_q, log_p, dz)[0], -_sums(log_q, log_p, dz)[1]),
            "The forward KL is negative, and a KL never is. Its log ratio is log p - log q: the weight and the ratio both "
            "change places.",
        ),
        Misconception(
            "spacing forgotten",
            _both(lambda kl, dz: kl / dz),
            "These are sums over the grid, which grow with the number of places. An integral needs the width of each: "
            "multiply by dz.",
        ),
        Misconception(
            "mean over the grid",
            lambda log_q, log_p, dz: tuple(kl / dz / log_q.shape[-1] for kl in _sums(log_q, log_p, dz)),
            "You take the mean over the grid, which depends on how far the grid reaches. Take the sum, and multiply by "
            "dz.",
            variants=(lambda log_q, log_p, dz: tuple(kl / log_q.shape[-1] for kl in _sums(log_q, log_p, dz)),),
        ),
        Misconception(
            "no weights",
            lambda log_q, log_p, dz: ((log_q - log_p).sum(-1) * dz, (log_p - log_q).sum(-1) * dz),
            "You integrate the log ratio itself. A KL is its mean under q or p, so every place counts with its density: "
            "`log_q.exp()` or `log_p.exp()`.",
        ),
        Misconception(
            "logarithms as weights",
            lambda log_q, log_p, dz: (
                (log_q * (log_q - log_p)).sum(-1) * dz,
                (log_p * (log_p - log_q)).sum(-1) * dz,
            ),
            "You weight by the log density. The weight is the density itself: `log_q.exp()`, `log_p.exp()`.",
        ),
        Misconception(
            "weighted by p / q",
            lambda log_q, log_p, dz: (
                _sums(log_q, log_p, dz)[0],
                ((log_p - log_q).exp() * (log_p - log_q)).sum(-1) * dz,
            ),
            "The forward direction is weighted by p / q. Those are the weights for draws from q; on a grid nobody has "
            "drawn anything, and the weight is p.",
        ),
        Misconception(
            "both directions averaged",
            lambda log_q, log_p, dz: 2 * (sum(_sums(log_q, log_p, dz)) / 2,),
            "You return the mean of both directions twice. They are different numbers with different meanings: keep them "
            "apart.",
        ),
        Misconception(
            "bits",
            _both(lambda kl, dz: kl / math.log(2)),
            "You divide by log 2, which gives bits. The log densities come in nats: leave the division out.",
        ),
        Misconception(
            "summed over the batch",
            lambda log_q, log_p, dz: tuple(kl.sum() for kl in _sums(log_q, log_p, dz)),
            "Your sum runs over the batch as well. Sum over the grid only, the last axis, and keep one number for each "
            "pair.",
        ),
        Misconception(
            "quotient of the logarithms",
            lambda log_q, log_p, dz: (
                (log_q.exp() * (log_q / log_p)).sum(-1) * dz,
                (log_p.exp() * (log_p / log_q)).sum(-1) * dz,
            ),
            "You divide one logarithm by the other. The logarithm of a ratio is a difference: log q - log p.",
            variants=(
                lambda log_q, log_p, dz: (
                    (log_q.exp() * (log_q / log_p)).sum(-1) * dz,
                    -(log_p.exp() * (log_q / log_p)).sum(-1) * dz,
                ),
            ),
        ),
        Misconception(
            "sizes of the log ratios",
            lambda log_q, log_p, dz: (
                (log_q.exp() * (log_q - log_p).abs()).sum(-1) * dz,
                (log_p.exp() * (log_q - log_p).abs()).sum(-1) * dz,
            ),
            "You take the absolute value of each log ratio. Where the weight is the smaller of the two densities the ratio is "
            "negative, and has to be: only the whole sum is never below 0.",
        ),
    ),
    cases=_cases,
    batch="log_q",
    probe=_probe,
    equivalents=(lambda log_q, log_p, dz: _trapezoids(log_q.double(), log_p.double(), dz),),
)
