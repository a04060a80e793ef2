"""A codebook in the plane: codes that follow the points which choose them, codes that nobody chooses, and their revival."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from vae_course.discrete import nearest, perplexity, usage
from vae_course.support.numbers import whole_number
from vae_course.support.threads import one_thread

# Where the cloud is dense: centre, standard deviation and share of each of its parts.
PARTS = (
    ((-2.2, 1.4), 0.35, 0.30),
    ((-1.2, -1.8), 0.55, 0.25),
    ((1.6, 1.9), 0.45, 0.25),
    ((2.4, -1.0), 0.30, 0.20),
)


def cloud(n: int = 600, *, seed: int = 0) -> Tensor:
    """n points in four heaps of unlike size, `[N, 2]` in float64."""
    source = torch.Generator().manual_seed(seed)
    centres = torch.tensor([centre for centre, _, _ in PARTS], dtype=torch.float64)
    widths, shares = (torch.tensor([part[i] for part in PARTS], dtype=torch.float64) for i in (1, 2))
    part = torch.multinomial(shares, whole_number(n, "n", least=1), replacement=True, generator=source)
    return centres[part] + widths[part, None] * torch.randn(n, 2, generator=source, dtype=torch.float64)


def start(n_codes: int, spread: float, *, seed: int = 1) -> Tensor:
    """Codes before the first step, drawn from N(0, spread^2 I), `[K, 2]`."""
    source = torch.Generator().manual_seed(seed)
    return spread * torch.randn(whole_number(n_codes, "n_codes", least=1), 2, generator=source, dtype=torch.float64)


@dataclass(frozen=True)
class Codebook:
    """Codes over a cloud, and how they are used.

    Args:
        points: the cloud, `[N, 2]`.
        codes: `[K, 2]`.
    """

    points: Tensor
    codes: Tensor

    @property
    def tokens(self) -> Tensor:
        """The nearest code of each point, `[N]`."""
        return nearest(self.points, self.codes)

    @property
    def use(self) -> Tensor:
        """The share of the points that choose each code, `[K]`."""
        return usage(self.tokens, len(self.codes))

    @property
    def dead(self) -> Tensor:
        """Which codes no point chooses, `[K]`."""
        return self.use == 0

    @property
    def perplexity(self) -> float:
        """exp of the entropy of the use, from 1 to K."""
        return float(perplexity(self.tokens, len(self.codes)))

    @property
    def distortion(self) -> float:
        """The mean squared distance of a point from its code."""
        return float((self.points - self.codes[self.tokens]).square().sum(1).mean())

    def step(self, decay: float) -> "Codebook":
        """Codes moved towards the mean of their points: e <- decay e + (1 - decay) mean; a step of K-means at decay 0.

        Codes without points stay where they are.
        """
        tokens = self.tokens
        counts = torch.bincount(tokens, minlength=len(self.codes)).to(self.codes.dtype)[:, None]
        sums = torch.zeros_like(self.codes).index_add_(0, tokens, self.points)
        means = torch.where(counts > 0, sums / counts.clamp_min(1), self.codes)
        return Codebook(self.points, decay * self.codes + (1 - decay) * means)

    def revive(self, *, seed: int) -> "Codebook":
        """Each dead code put on a point of the cloud, drawn at random."""
        source = torch.Generator().manual_seed(seed)
        places = self.points[torch.randperm(len(self.points), generator=source)[: len(self.codes)]]
        return Codebook(self.points, torch.where(self.dead[:, None], places, self.codes))


@one_thread()
def train(
    points: Tensor,
    n_codes: int,
    *,
    spread: float = 0.5,
    decay: float = 0.9,
    steps: int = 0,
    revived: tuple[int, ...] = (),
) -> Codebook:
    """The codebook after some steps from its start; the dead are revived at each of the given steps that is reached.

    Args:
        points: the cloud, `[N, 2]`, with at least as many points as codes.
        n_codes: codes K.
        spread: standard deviation of the codes at the start.
        decay: of the running means, from 0 to below 1.
        steps: how many are taken.
        revived: after how many steps the dead are revived.

    Raises:
        ValueError: a setting makes no sense.
    """
    if not 0 <= decay < 1:
        raise ValueError(f"decay is {decay}: give a number from 0 to below 1.")
    if not (math.isfinite(spread) and spread > 0):
        raise ValueError(f"spread is {spread}: give a finite number above zero.")
    if len(points) < n_codes:
        raise ValueError(f"There are {len(points)} points for {n_codes} codes: give at least as many points.")
    book = Codebook(points, start(n_codes, spread))
    for taken in range(whole_number(steps, "steps", least=0) + 1):
        book = book.step(decay) if taken else book
        book = book.revive(seed=taken) if taken in revived else book
    return book
