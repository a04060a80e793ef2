"""08-quantile-grid: codes for a grid of which each cell stands for the same share of the prior."""

import math

import torch
from torch import Tensor
from torch.distributions import Normal

from vae_course.exercises.inputs import generator, integer
from vae_course.exercises.model import Alternative, Exercise, Inputs, Misconception


def _grid(axis: Tensor) -> Tensor:
    """The codes of a grid with these coordinates, row by row from the top left."""
    return torch.cartesian_prod(axis.flip(0), axis).flip(1)


def _shares(n: int) -> Tensor:
    return (torch.arange(n) + 0.5) / n


def quantile_grid(n: int) -> Tensor:
    """Codes at mid-quantiles of N(0, I), row by row from the top left, z[0] to the right, z[1] upwards: [n * n, 2]."""
    axis = torch.special.ndtri((torch.arange(n) + 0.5) / n)
    up, across = torch.meshgrid(axis.flip(0), axis, indexing="ij")
    return torch.stack([across, up], dim=-1).reshape(n * n, 2)


def _cases(seed: int) -> list[Inputs]:
    source = generator(seed)
    few = [int(n) for n in 3 + torch.randperm(9, generator=source)[:4]]
    return [{"n": n} for n in (2, *few, 1, integer(source, 20, 30))]


def _loop(n: int) -> Tensor:
    codes = []
    for row in range(n):
        for column in range(n):
            shares = torch.tensor([(column + 0.5) / n, (n - row - 0.5) / n])
            codes.append(Normal(0.0, 1.0).icdf(shares))
    return torch.stack(codes)


def _erfinv(n: int) -> Tensor:
    axis = math.sqrt(2) * torch.erfinv(2 * _shares(n) - 1)
    up, across = torch.meshgrid(-axis, axis, indexing="ij")
    return torch.stack([across.flatten(), up.flatten()], 1)


EXERCISE = Exercise(
    id="08-quantile-grid",
    title="A grid that follows the prior",
    points=3,
    difficulty=2,
    minutes=8,
    task=(
        "Return the codes of an n by n grid, `[n * n, 2]`, row by row from the top left corner. Both coordinates take the "
        "n mid-quantiles of the standard normal distribution; z[0] grows to the right, z[1] grows upwards."
    ),
    hints=(
        "Cut the interval from 0 to 1 into n equal parts and take the middle of each. Which function turns a share of the "
        "prior into the place below which that share lies?",
        "u_i = (i + 1/2) / n, i = 0, ..., n - 1; coordinate_i = Phi^-1(u_i), which is `torch.special.ndtri`.",
        "`torch.meshgrid` of the coordinates from high to low (for z[1]) and from low to high (for z[0]), with "
        '`indexing="ij"`; stack z[0] before z[1] on a last axis, and reshape to `[n * n, 2]`.',
    ),
    explanation=(
        "If u is uniform on (0, 1), Phi^-1(u) is standard normal. Even steps in u are steps of equal probability in z, so "
        "each picture of the grid stands for the same share of what the model samples. The halves keep u away from 0 and "
        "1, where Phi^-1 is infinite."
    ),
    returns="codes, [n * n, 2]",
    reference=quantile_grid,
    alternatives=(
        Alternative("loop", _loop),
        Alternative("erfinv", _erfinv),
        Alternative("icdf", lambda n: _grid(Normal(0.0, 1.0).icdf(_shares(n)))),
        Alternative("float64", lambda n: _grid(torch.special.ndtri((torch.arange(n).double() + 0.5) / n))),
        Alternative(
            "between the outermost middles",
            lambda n: _grid(torch.special.ndtri(torch.linspace(0.5 / n, 1 - 0.5 / n, n))),
        ),
    ),
    misconceptions=(
        Misconception(
            "from right to left",
            lambda n: quantile_grid(n) * torch.tensor([-1.0, 1.0]),
            "Your rows run from the right to the left: z[0] is to grow to the right. Begin each row with the lowest z[0].",
        ),
        Misconception(
            "the unit square",
            lambda n: _grid(torch.linspace(0, 1, n)),
            "Your codes fill the square from 0 to 1, as in the second text: one corner of the prior. The numbers between 0 "
            "and 1 are shares; send them through the inverse of the normal distribution function.",
            variants=(lambda n: _grid(_shares(n)),),
        ),
        Misconception(
            "quantiles at both ends",
            lambda n: _grid(torch.special.ndtri(torch.linspace(0, 1, n))),
            "Your shares include 0 and 1, whose quantiles are infinite. Take the middle of each of n equal parts.",
            variants=(
                lambda n: _grid(torch.special.ndtri(torch.arange(n) / n)),
                lambda n: _grid(torch.special.ndtri((torch.arange(n) + 1) / n)),
            ),
        ),
        Misconception(
            "other shares",
            lambda n: _grid(torch.special.ndtri((torch.arange(n) + 1) / (n + 1))),
            "Your shares are i / (n + 1). They avoid 0 and 1, but the outermost rows stand for more of the prior than "
            "the others: take the middle of each of n equal parts.",
        ),
        Misconception(
            "fixed ends",
            lambda n: _grid(torch.special.ndtri(torch.linspace(0.05, 0.95, n))),
            "Your shares run between the same two ends whatever n is, so the outermost rows stand for another share of the prior "
            "than the others. The middles of n equal parts begin at 1 / (2 n).",
            variants=(
                *(
                    lambda n, end=end: _grid(torch.special.ndtri(torch.linspace(end, 1 - end, n)))
                    for end in (0.1, 0.025, 0.02, 0.01, 0.005, 1e-3, 1e-4, 1e-6)
                ),
                *(
                    lambda n, end=end: _grid(torch.special.ndtri(torch.linspace(0, 1, n).clamp(end, 1 - end)))
                    for end in (0.01, 1e-3, 1e-4, 1e-5)
                ),
            ),
        ),
        Misconception(
            "divided by n - 1",
            lambda n: _grid(torch.special.ndtri((torch.arange(n) + 0.5) / max(n - 1, 1))),
            "You divide by n - 1, the number of steps between n points. There are n parts, one for each code: divide by n.",
            variants=(
                lambda n: _grid(torch.special.ndtri((torch.arange(n) + 0.5) / (n - 1))),
                lambda n: _grid(torch.special.ndtri((torch.arange(n) + 0.5) / (n + 1))),
            ),
        ),
        Misconception(
            "evenly spaced",
            lambda n: _grid(torch.linspace(-2, 2, n)),
            "Your codes are evenly spaced, so the picture shows as much of the rare edge as of the middle. Even steps "
            "belong to the shares, not to the codes.",
            variants=tuple(lambda n, end=end: _grid(torch.linspace(-end, end, n)) for end in (1, 1.5, 1.96, 2.5, 3, 4)),
        ),
        Misconception(
            "distribution function",
            lambda n: _grid(torch.special.ndtr(_shares(n))),
            "You applied the distribution function Phi, from places to shares. You have shares and want places: its "
            "inverse, `torch.special.ndtri`.",
        ),
        Misconception(
            "upside down",
            lambda n: torch.cartesian_prod(*2 * [torch.special.ndtri(_shares(n))]).flip(1),
            "Your first row has the lowest z[1], so the picture stands on its head: pictures are laid out from the top. "
            "Begin with the highest z[1].",
        ),
        Misconception(
            "axes swapped",
            lambda n: _grid(torch.special.ndtri(_shares(n))).flip(1),
            "z[0] and z[1] have changed places. Along a row z[0] grows; from row to row z[1] falls.",
        ),
        Misconception(
            "column by column",
            lambda n: torch.cartesian_prod(*2 * [torch.special.ndtri(_shares(n))]),
            "Your codes go column by column, from the bottom up. Go along a row first, so that z[0] changes fastest and grows, "
            "and begin with the highest z[1].",
        ),
        Misconception(
            "mirrored",
            lambda n: _grid(-torch.special.ndtri(_shares(n))),
            "Both coordinates run the wrong way: your first code is the bottom right corner. z[0] grows to the right, z[1] "
            "grows upwards.",
        ),
        Misconception(
            "diagonal only",
            lambda n: torch.special.ndtri(_shares(n)).unsqueeze(1).expand(n, 2),
            "You pair each coordinate with itself: n codes on a line. A grid has every pair, n * n of them.",
        ),
        Misconception(
            "another normal distribution",
            lambda n: _grid(torch.erfinv(2 * _shares(n) - 1)),
            "`erfinv` belongs to a normal distribution of variance 1/2. Multiply by the root of 2, or use "
            "`torch.special.ndtri`.",
        ),
        Misconception(
            "column by column, from the bottom",
            lambda n: torch.cartesian_prod(torch.special.ndtri(_shares(n)), torch.special.ndtri(_shares(n)).flip(0)),
            "You go through the columns, from left to right. The codes are to come row by row: within a row z[1] stays and "
            "z[0] grows.",
        ),
    ),
    cases=_cases,
)
