"""Importance weights where everything is known: q and the posterior are Gaussians, and k draws give a bound on log p(x)."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from vae_course.evaluation import standard_error
from vae_course.support.numbers import whole_number
from vae_course.support.threads import one_thread

LOG2_KS = (0, 10)
LOG_PX = -2.0  # of the example; it moves every curve by the same amount
DRAWS = 2**16


@dataclass(frozen=True)
class Ladder:
    """One q against a Gaussian posterior, and what k draws from it give, in nats.

    Args:
        shift: the mean of q less that of the posterior, in standard deviations of the posterior.
        width: the standard deviation of q over that of the posterior.
        k: draws.
        log_px: log p(x).
        log_w: log weights of many draws, `[N]`.
        ks: 1, 2, 4, ..., 1024.
        bounds: the estimate of L_k for each of them, `[11]`.
        error: the standard error of the one at k.
        size: the mean effective sample size of k draws.
        variance: Var(w) / p(x)^2, which may be infinite.
    """

    shift: float
    width: float
    k: int
    log_px: float
    log_w: Tensor
    ks: Tensor
    bounds: Tensor
    error: float
    size: float
    variance: float

    @property
    def bound(self) -> float:
        """The estimate of L_k."""
        return float(self.bounds[int(math.log2(self.k))])


@one_thread()
def ladder(shift: float, width: float, log2_k: int, *, log_px: float = LOG_PX, seed: int = 0) -> Ladder:
    """The bounds of one q = N(m + shift s, (width s)^2) where the posterior is N(m, s^2).

    log w = log p(x) + log N(u; 0, 1) - log N(u; shift, width^2), with u the code's distance from m in units of s.

    Raises:
        ValueError: width is not above zero, or log2_k is not one of 0 to 10.
    """
    if not (math.isfinite(shift) and math.isfinite(width) and width > 0):
        raise ValueError(f"shift is {shift} and width is {width}: give finite numbers, width above zero.")
    if not LOG2_KS[0] <= log2_k <= LOG2_KS[1]:
        raise ValueError(f"log2_k is {log2_k}: give a whole number from {LOG2_KS[0]} to {LOG2_KS[1]}.")
    eps = torch.randn(DRAWS, generator=torch.Generator().manual_seed(whole_number(seed, "seed")), dtype=torch.float64)
    log_w = log_px + math.log(width) + 0.5 * (eps.square() - (shift + width * eps).square())
    ks = 2 ** torch.arange(LOG2_KS[1] + 1)
    groups = [log_w.view(-1, int(k)) for k in ks]
    bounds = [torch.logsumexp(group, 1) - math.log(group.shape[1]) for group in groups]
    chosen, shares = bounds[log2_k], torch.softmax(groups[log2_k], 1)
    return Ladder(
        shift,
        width,
        2**log2_k,
        log_px,
        log_w,
        ks,
        torch.stack([bound.mean() for bound in bounds]),
        float(standard_error(chosen)),
        float((1 / shares.square().sum(1)).mean()),
        relative_variance(shift, width),
    )


def relative_variance(shift: float, width: float) -> float:
    """Var(w) / p(x)^2 in closed form: infinite where q has at most half the posterior's variance.

    1 + Var(w) / p(x)^2 = width^2 / sqrt(2 width^2 - 1) * exp(shift^2 / (2 width^2 - 1)).
    """
    rest = 2 * width**2 - 1
    if rest <= 0:
        return math.inf
    log_moment = 2 * math.log(width) - 0.5 * math.log(rest) + shift**2 / rest
    return math.expm1(log_moment) if log_moment < 700 else math.inf
