"""Random inputs for the cases of an exercise."""

import torch
from torch import Tensor


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
