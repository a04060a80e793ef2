"""One number of N(0, 1) as one of K: Lloyd-Max and uniform quantisers, against the rate-distortion curve.

Every number is exact: the moments of a normal density between two edges have closed forms with erf.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from vae_course.support.numbers import whole_number

REACH = 9.0  # of the edges of a uniform quantiser: beyond lies a mass of 2e-19
# What is left of the gap to R(D) as the step goes to zero, in bits: 1/2 log2(pi e / 6).
QUARTER_BIT = 0.5 * math.log2(math.pi * math.e / 6)


@dataclass(frozen=True)
class Quantiser:
    """K intervals of the line and the number that each is read as; all in float64.

    Args:
        edges: the K - 1 places where one interval ends and the next begins, increasing.
        points: what is read for each interval, `[K]`.
    """

    edges: Tensor
    points: Tensor

    def __post_init__(self) -> None:
        if self.edges.dim() != 1 or self.points.shape != (len(self.edges) + 1,):
            raise ValueError(
                f"edges have shape {list(self.edges.shape)} and points {list(self.points.shape)}: K points need K - 1 edges."
            )
        if not (self.edges.diff() > 0).all():
            raise ValueError("The edges don't increase from one to the next.")

    def indices(self, x: Tensor) -> Tensor:
        """The interval of each number, whole numbers from 0 to K - 1."""
        return torch.bucketize(x, self.edges, right=True)

    @property
    def masses(self) -> Tensor:
        """P(k), the probability of each interval under N(0, 1), `[K]`."""
        return _moments(self.edges)[0]

    @property
    def distortion(self) -> float:
        """D = E[ (x - point of x)^2 ] for x ~ N(0, 1)."""
        mass, first, second = _moments(self.edges)
        return float((second - 2 * self.points * first + self.points.square() * mass).sum())

    @property
    def fixed_rate(self) -> float:
        """log2 K, the bits of an index where each takes the same number."""
        return math.log2(len(self.points))

    @property
    def entropy(self) -> float:
        """-sum_k P(k) log2 P(k), the bits of an index with the best code for many of them."""
        return float(torch.special.entr(self.masses).sum()) / math.log(2)

    @property
    def fixed_gap(self) -> float:
        """Bits above R(D) at its own distortion, where each index takes log2 K bits."""
        return self.fixed_rate - least_bits(self.distortion)

    @property
    def coded_gap(self) -> float:
        """Bits above R(D) at its own distortion, where indices are entropy-coded."""
        return self.entropy - least_bits(self.distortion)


def least_bits(distortion: float) -> float:
    """R(D) = 1/2 log2(1 / D) of N(0, 1), in bits; 0 where D is 1 or more.

    No code for long blocks of numbers does with less (Cover and Thomas, Elements of Information Theory, 2006, theorem 10.3.2).

    Raises:
        ValueError: the distortion is no finite number above zero.
    """
    if not (math.isfinite(distortion) and distortion > 0):
        raise ValueError(f"The distortion is {distortion}: give a finite number above zero.")
    return max(0.0, -0.5 * math.log2(distortion))


def lloyd_max(k: int, *, tolerance: float = 1e-8) -> Quantiser:
    """The K points with the smallest distortion, by turns: edges halfway between points, points at the means of intervals.

    Raises:
        ValueError: k is no whole number from 1.

    Source: Lloyd, Least squares quantization in PCM (1982), https://doi.org/10.1109/TIT.1982.1056489; Max, Quantizing for
    minimum distortion (1960), https://doi.org/10.1109/TIT.1960.1057548.
    """
    # Points of the density p^(1/3), the best ones for large K, so that few turns are left.
    shares = (torch.arange(whole_number(k, "k", least=1), dtype=torch.float64) + 0.5) / k
    points = math.sqrt(3) * torch.special.ndtri(shares)
    moved = math.inf
    while moved > tolerance:
        edges = (points[1:] + points[:-1]) / 2
        nearer = centroids(edges)
        moved, points = float((nearer - points).abs().max()), nearer
    return Quantiser((points[1:] + points[:-1]) / 2, points)


def uniform(step: float, *, midpoints: bool = False) -> Quantiser:
    """Intervals of one width with 0 in the middle of one, as many as N(0, 1) needs.

    Args:
        step: their width.
        midpoints: whether an interval is read as its middle; else as the mean of x in it, which has less distortion.

    Raises:
        ValueError: the step is no finite number from 0.001.
    """
    if not (math.isfinite(step) and step >= 1e-3):
        raise ValueError(f"The step is {step}: give a finite number from 0.001.")
    n = max(1, math.ceil(REACH / step))
    middles = step * torch.arange(-n, n + 1, dtype=torch.float64)
    edges = middles[1:] - step / 2
    return Quantiser(edges, middles if midpoints else centroids(edges))


def centroids(edges: Tensor) -> Tensor:
    """The mean of x ~ N(0, 1) within each interval, `[K]`."""
    mass, first, _ = _moments(edges)
    return first / mass


def _moments(edges: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The integrals of p(x), x p(x) and x^2 p(x) over each interval, `[K]` each.

    Above zero the mass is taken from the mirrored interval, because 1 minus a small number forgets the small number.
    """
    end = edges.new_full((1,), math.inf)
    a, b = torch.cat([-end, edges.double()]), torch.cat([edges.double(), end])
    low, high = torch.where(a > 0, -b, a), torch.where(a > 0, -a, b)
    mass = 0.5 * (torch.erfc(-high / math.sqrt(2)) - torch.erfc(-low / math.sqrt(2)))
    p_a, p_b = (torch.exp(-0.5 * x.square()) / math.sqrt(2 * math.pi) for x in (a, b))
    edge_a, edge_b = (torch.where(x.isinf(), 0.0, x) * p for x, p in ((a, p_a), (b, p_b)))
    return mass, p_a - p_b, mass + edge_a - edge_b
