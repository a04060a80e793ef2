"""How well a score tells two kinds of examples apart: the area under the ROC curve, with its standard error."""

from typing import NamedTuple

import torch
from torch import Tensor


class Auroc(NamedTuple):
    """The area and its standard error."""

    area: float
    standard_error: float

    def __str__(self) -> str:
        return f"{self.area:.3f} ± {self.standard_error:.3f}"


def auroc(usual: Tensor, odd: Tensor) -> Auroc:
    """The probability that a random odd example has a higher score than a random usual one; ties count as half.

    area = mean over all pairs of [odd > usual] + [odd = usual] / 2;  1 is perfect, 1/2 is a coin, 0 is upside down.
    The standard error counts the spread over the examples of either kind.

    Args:
        usual: scores `[N]` of examples like those trained on, two or more.
        odd: scores `[M]` of the others, two or more.

    Raises:
        ValueError: there are fewer than two of a kind, they are no plain rows of numbers, or a score is NaN.

    Source: E. DeLong, D. DeLong and D. Clarke-Pearson, Comparing the areas under two or more correlated receiver operating
    characteristic curves (1988).
    """
    for name, scores in (("usual", usual), ("odd", odd)):
        if scores.dim() != 1 or len(scores) < 2 or scores.isnan().any():
            raise ValueError(
                f"{name} has shape {list(scores.shape)}: give two or more scores in one row, none of them NaN."
            )
    below_odd = _share_below(usual, odd)
    above_usual = 1 - _share_below(odd, usual)
    variance = below_odd.var() / len(odd) + above_usual.var() / len(usual)
    return Auroc(float(below_odd.mean()), float(variance.sqrt()))


def _share_below(scores: Tensor, at: Tensor) -> Tensor:
    """For each number of `at` the share of the scores below it, equal ones counted as half, in float64."""
    ranked = scores.sort().values
    below = torch.searchsorted(ranked, at.contiguous())
    not_above = torch.searchsorted(ranked, at.contiguous(), right=True)
    return (below + not_above).double() / (2 * len(scores))
