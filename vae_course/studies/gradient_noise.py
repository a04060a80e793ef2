"""The noise of two gradient estimators where everything about it is known.

f(z) = -1/2 |z - a|^2 with z ~ N(mu, I) in D dimensions, and mu lies the same distance from a in every coordinate. The
gradient is the one with respect to the first coordinate of mu. Every coordinate of z - a is distance + eps.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from vae_course.support.numbers import whole_number
from vae_course.support.threads import one_thread


@dataclass(frozen=True)
class Setting:
    """What is estimated and how.

    Args:
        dim: the dimension D of z.
        n_draws: draws L behind one estimate.
        distance: mu - a in every coordinate.
        baseline: whether the score-function estimate subtracts E[f] from f.

    Raises:
        ValueError: dim or n_draws is below one, or the distance is not finite.
    """

    dim: int = 2
    n_draws: int = 1
    distance: float = 0.0
    baseline: bool = False

    def __post_init__(self) -> None:
        for name, value in (("dim", self.dim), ("n_draws", self.n_draws)):
            if value < 1:
                raise ValueError(f"{name} is {value}: it must be one or more.")
        if not math.isfinite(self.distance):
            raise ValueError(f"distance is {self.distance}: it must be a finite number.")


def true_gradient(setting: Setting) -> float:
    """d E[f] / d mu_1 = -(mu_1 - a_1)."""
    return 0.0 - setting.distance


def mean_f(setting: Setting) -> float:
    """E[f] = -D (distance^2 + 1) / 2."""
    return -0.5 * setting.dim * (setting.distance**2 + 1)


@one_thread()
def estimates(setting: Setting, n: int, *, seed: int = 0) -> tuple[Tensor, Tensor]:
    """n estimates of the same gradient, `[n]` each, from the same draws: by the score function, and pathwise.

    score function: mean over the draws of (f - baseline) eps_1;  pathwise: mean of -(distance + eps_1).
    """
    source = torch.Generator().manual_seed(whole_number(seed, "seed"))
    eps = torch.randn(n, setting.n_draws, setting.dim, generator=source)
    offset = eps + setting.distance
    f = -0.5 * offset.square().sum(-1)
    baseline = mean_f(setting) if setting.baseline else 0.0
    return ((f - baseline) * eps[..., 0]).mean(1), -offset[..., 0].mean(1)


def score_variance(setting: Setting) -> float:
    """The variance of one score-function estimate.

    ( E[f^2 eps_1^2] - 2 c E[f eps_1^2] + c^2 - distance^2 ) / L for the baseline c, from the moments 1, 3, 15 of a
    standard normal number.
    At distance 0 without a baseline this is (D + 2)(D + 4) / (4 L), with it (D + 4) / (2 L).
    """
    square, others = setting.distance**2, setting.dim - 1
    mean = square + 1  # of one squared offset, whose variance is 4 square + 2
    second = 0.25 * (
        square**2
        + 18 * square
        + 15
        + 2 * others * mean * (square + 3)
        + others * (4 * square + 2)
        + (others * mean) ** 2
    )
    first = -0.5 * (square + 3 + others * mean)
    baseline = mean_f(setting) if setting.baseline else 0.0
    return (second - 2 * baseline * first + baseline**2 - square) / setting.n_draws


def pathwise_variance(setting: Setting) -> float:
    """The variance of one pathwise estimate, 1 / L, whatever the dimension."""
    return 1 / setting.n_draws
