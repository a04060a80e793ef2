"""The linear-Gaussian chain z2 -> z1 -> x, whose top can carry any share of the nats: all of it is in closed form.

z2 ~ N(0, 1), z1 = a z2 + sqrt(1 - a^2) noise, x = z1 + sigma noise. So z1 ~ N(0, 1) whatever a is, and p(x) does not
depend on a.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.distributions import Normal

SIGMA = 0.5


class Rates(NamedTuple):
    """What each level costs in nats, in the mean over x."""

    bottom: float
    top: float

    @property
    def total(self) -> float:
        """The KL of both levels together."""
        return self.bottom + self.top


@dataclass(frozen=True)
class Chain:
    """One number at each level.

    Args:
        a: how much of z1 comes from z2, from 0 (nothing) to below 1; the correlation of the two.
        sigma: standard deviation of the noise of x, above zero.

    Raises:
        ValueError: a is not in [0, 1), or sigma is not above zero.
    """

    a: float
    sigma: float = SIGMA

    def __post_init__(self) -> None:
        if not 0 <= self.a < 1:
            raise ValueError(f"a is {self.a}: give a number from 0 to below 1, for the variance of z1 is one.")
        if not (math.isfinite(self.sigma) and self.sigma > 0):
            raise ValueError(f"sigma is {self.sigma}: a standard deviation must be a finite number above zero.")

    def sample(self, n: int, *, generator: torch.Generator | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """z2, z1 and x, the top first, `[n]` each in float64."""
        z2, eps, noise = torch.randn(3, n, generator=generator, dtype=torch.float64)
        z1 = self.a * z2 + math.sqrt(1 - self.a**2) * eps
        return z2, z1, z1 + self.sigma * noise

    def given_top(self, z2: Tensor) -> Normal:
        """p(z1 | z2) = N(a z2, 1 - a^2)."""
        return _normal(self.a * z2, 1 - self.a**2)

    def likelihood(self, z1: Tensor) -> Normal:
        """p(x | z1) = N(z1, sigma^2)."""
        return _normal(z1, self.sigma**2)

    def log_marginal(self, x: Tensor) -> Tensor:
        """log p(x) of N(0, 1 + sigma^2), in nats: a does not appear."""
        return _normal(torch.zeros_like(x), 1 + self.sigma**2).log_prob(x)

    def bottom_alone(self, x: Tensor) -> Normal:
        """p(z1 | x) = N(x, sigma^2) / (1 + sigma^2), as if there were no top."""
        return _normal(x / (1 + self.sigma**2), self.sigma**2 / (1 + self.sigma**2))

    def top_given_bottom(self, z1: Tensor) -> Normal:
        """p(z2 | z1) = N(a z1, 1 - a^2), in which x does not appear: the way from the bottom up is exact here."""
        return _normal(self.a * z1, 1 - self.a**2)

    def top(self, x: Tensor) -> Normal:
        """p(z2 | x) = N(a x / (1 + sigma^2), 1 - a^2 / (1 + sigma^2))."""
        return _normal(self.a * x / (1 + self.sigma**2), 1 - self.a**2 / (1 + self.sigma**2))

    def bottom(self, x: Tensor, z2: Tensor) -> Normal:
        """p(z1 | x, z2), proportional to p(z1 | z2) p(x | z1)."""
        noise, own = self.sigma**2, 1 - self.a**2
        return _normal((noise * self.a * z2 + own * x) / (noise + own), noise * own / (noise + own))

    def top_down(self) -> Rates:
        """The two KLs from the top down, with the true posteriors: I(z1; x | z2), and I(z2; x)."""
        top = -0.5 * math.log1p(-(self.a**2) / (1 + self.sigma**2))
        return Rates(0.5 * math.log1p((1 - self.a**2) / self.sigma**2), top)

    def bottom_up(self) -> Rates:
        """The two terms from the bottom up, with the true posteriors: I(z1; x) - I(z1; z2), and I(z1; z2).

        The top's term counts what z2 tells of z1, noise included; the bottom's is what remains, and may be negative.
        """
        top = -0.5 * math.log1p(-(self.a**2))
        return Rates(0.5 * math.log1p(1 / self.sigma**2) - top, top)

    def idle_gap(self) -> float:
        """What the bound loses in the mean over x if q leaves the top at its prior and does the rest right.

        From the top down with q(z2 | x) = p(z2) and q(z1 | x, z2) = p(z1 | x, z2): E[ KL( p(z2) || p(z2 | x) ) ].
        """
        v = 1 - self.a**2 / (1 + self.sigma**2)  # of p(z2 | x), whose mean has the variance 1 - v
        return 0.5 * (math.log(v) - 1 + (1 + (1 - v)) / v)


def _normal(mean: Tensor, variance: float) -> Normal:
    return Normal(mean, math.sqrt(variance), validate_args=False)
