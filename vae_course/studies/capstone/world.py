"""Twelve binary pixels whose distribution can be written down: a world that is small enough to be enumerated."""

import functools
import math
from dataclasses import dataclass

import torch
from torch import Tensor

ROWS, COLUMNS = 3, 4
PIXELS = ROWS * COLUMNS
SHAPE = (1, ROWS, COLUMNS)


@dataclass(frozen=True)
class BarsWorld:
    """Bars in an image of 3 x 4 pixels, seen through noise: p*(x) is known for all 4,096 images.

    A coin chooses rows or columns; each of these is on with probability 1/2; then each pixel is flipped with
    probability `flip`. p*(x) = sum over the patterns s of p(s) flip^d (1 - flip)^(12 - d), with d the pixels in which x
    and s differ.

    Args:
        flip: the probability that a pixel is flipped, above 0 and below 1.

    Raises:
        ValueError: flip is not above 0 and below 1.

    Source: the bars of D. MacKay, Information Theory, Inference, and Learning Algorithms (2003), exercise 43.3.
    """

    flip: float = 0.05

    def __post_init__(self) -> None:
        if not 0 < self.flip < 1:
            raise ValueError(f"flip is {self.flip}: give a probability above 0 and below 1.")

    @functools.cached_property
    def log_p(self) -> Tensor:
        """log p*(x) of every image, in the order of `every_image`: `[4096]` in nats, in float64."""
        patterns, p = _patterns()
        on, x = patterns.double(), every_image().flatten(1).double()
        differ = x @ (1 - on).T + (1 - x) @ on.T
        each = differ * math.log(self.flip) + (PIXELS - differ) * math.log1p(-self.flip)
        return torch.logsumexp(each + p.log(), 1)

    @functools.cached_property
    def entropy(self) -> float:
        """-sum of p* log p*, in nats: what an image costs at least, on average, whatever the model."""
        return -float((self.log_p.exp() * self.log_p).sum())

    def sample(self, n: int, *, seed: int) -> Tensor:
        """n images `[n, 1, 3, 4]` of zeros and ones.

        Raises:
            ValueError: n is below one.
        """
        if n < 1:
            raise ValueError(f"n is {n}: ask for at least one image.")
        numbers = torch.multinomial(
            self.log_p.exp(), n, replacement=True, generator=torch.Generator().manual_seed(seed)
        )
        return every_image()[numbers]


@functools.cache
def every_image() -> Tensor:
    """All images of 12 binary pixels, `[4096, 1, 3, 4]`: image i holds the binary digits of i, the highest first."""
    digits = torch.arange(2**PIXELS)[:, None] >> torch.arange(PIXELS - 1, -1, -1)
    return (digits & 1).float().reshape(-1, *SHAPE)


def number_of(x: Tensor) -> Tensor:
    """The place of each image `[N, 1, 3, 4]` of zeros and ones in `every_image`: `[N]`."""
    return (x.flatten(1).long() << torch.arange(PIXELS - 1, -1, -1)).sum(1)


def _patterns() -> tuple[Tensor, Tensor]:
    """Each pattern of bars before the noise, `[24, 12]`, and its probability `[24]`; two of them come about in both ways."""
    rows = torch.cartesian_prod(*[torch.tensor([0, 1])] * ROWS)[:, :, None].expand(-1, ROWS, COLUMNS)
    columns = torch.cartesian_prod(*[torch.tensor([0, 1])] * COLUMNS)[:, None].expand(-1, ROWS, COLUMNS)
    p = [torch.full((len(bars),), 0.5 / len(bars), dtype=torch.float64) for bars in (rows, columns)]
    return torch.cat([rows, columns]).flatten(1), torch.cat(p)
