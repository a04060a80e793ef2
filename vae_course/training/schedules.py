"""Numbers that change during a training, as functions of its progress from 0 (first step) to 1 (last)."""

import math
from collections.abc import Callable
from typing import Literal

Schedule = Literal["one-cycle", "constant"]
Anneal = Callable[[float], float]

WARM_UP = 0.2
START, END = 1 / 25, 1e-4


def learning_rate_factor(schedule: Schedule, progress: float) -> float:
    """What the learning rate is multiplied by at this point of the training."""
    return 1.0 if schedule == "constant" else one_cycle(progress)


def one_cycle(progress: float) -> float:
    """One cosine wave up to 1 and down to almost 0: a high learning rate in the middle, a calm end.

    Source: Smith and Topin, Super-Convergence (2018), with the half cosines of PyTorch's OneCycleLR.
    """
    if progress < WARM_UP:
        return _half_cosine(START, 1.0, progress / WARM_UP)
    return _half_cosine(1.0, END, (progress - WARM_UP) / (1 - WARM_UP))


def linear_warmup(fraction: float) -> Anneal:
    """An anneal for `fit` that rises from 0 to 1 over this fraction of the training and stays there.

    anneal(progress) = min(1, progress / fraction).

    Raises:
        ValueError: fraction is not in (0, 1].

    Source: Bowman and others, Generating Sentences from a Continuous Space (2016), section 3.1.
    """
    if not 0 < fraction <= 1:
        raise ValueError(f"fraction is {fraction}: give the part of the training to warm up over, above 0 and up to 1.")
    return lambda progress: min(1.0, progress / fraction)


def _half_cosine(start: float, end: float, progress: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * progress)) / 2
