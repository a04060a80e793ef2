"""Inputs for the cases of an exercise, and the small numbers of its wrong answers."""

import math

import torch
from torch import Tensor

_SMALL = (1e-30, 1e-20, 1e-16, 1e-15, 1e-12, 1e-10, 1e-9, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2)


def generator(seed: int) -> torch.Generator:
    """A source of random numbers that leaves the global one alone."""
    return torch.Generator().manual_seed(seed)


def normal(source: torch.Generator, *shape: int) -> Tensor:
    """Standard normal numbers of this shape."""
    return torch.randn(shape, generator=source)


def uniform(source: torch.Generator, *shape: int) -> Tensor:
    """Numbers from [0, 1) of this shape."""
    return torch.rand(shape, generator=source)


def integer(source: torch.Generator, low: int, high: int) -> int:
    """A whole number from low to high, both included."""
    return int(torch.randint(low, high + 1, (), generator=source))


def small_numbers(least: float, most: float = 1e-2) -> tuple[float, ...]:
    """Those from the least to the most that people add "for safety", or set as a limit."""
    return tuple(number for number in _SMALL if least <= number <= most)


def log_weights(source: torch.Generator, spread: float) -> list[Tensor]:
    """Log weights `[k, B]`: two draws by hand, one shape twice, levels that no float32 holds as weights, rows far apart.

    The deepest are in double precision: float32 leaves a gradient by way of `logcumsumexp` three digits there.
    """
    k, b = integer(source, 5, 7), integer(source, 3, 4)
    shapes = ((k, b, -2.0), (k, b, -2.0), (1, 4, -1.0), (3, 5, -105.0), (5, 2, -620.0), (5, 3, 100.0))
    return [
        torch.tensor([[0.0], [math.log(3.0)]]),
        *(level + spread * normal(source, draws, images) for draws, images, level in shapes),
        far_apart(source, k, b, 300.0),
        far_apart(source, k, b, 11000.0).double(),
    ]


def far_apart(source: torch.Generator, draws: int, b: int, reach: float) -> Tensor:
    """Logarithms `[L, B]` of which each column spans reach nats below -reach, the largest neither first nor last."""
    logs = torch.linspace(-reach, -2 * reach, draws)[:, None] - uniform(source, draws, b)
    columns = []
    for column in logs.unbind(1):
        rest = column[1:][torch.randperm(draws - 1, generator=source)]
        place = integer(source, 1, draws - 2)
        columns.append(torch.cat([rest[:place], column[:1], rest[place:]]))
    return torch.stack(columns, 1)


def one_stands_out(source: torch.Generator, draws: int, b: int) -> Tensor:
    """Logarithms `[L, B]` of which one in each column, neither first nor last, lies 200 nats above the others."""
    logs = 2 * normal(source, draws, b) - 200
    for column in range(b):
        logs[integer(source, 1, draws - 2), column] += 200
    return logs
