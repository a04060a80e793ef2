"""A Gaussian q in place of a density on the line: the KL in both directions and the ELBO by quadrature, and their descent.

The density is any p for the KL, and the posterior of a one-dimensional world for the ELBO.
"""

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.distributions import Categorical, Distribution, MixtureSameFamily, Normal

from vae_course.exact import GridWorld
from vae_course.support.threads import one_thread

NAMES = {"reverse": "KL(q || p)", "forward": "KL(p || q)"}
QUADRATURE = 2001  # points that an integral is summed over
HALF_WIDTH = 8.0  # the standard deviations that the sum reaches to either side
MEANS, LOG_VARIANCES = (-3.0, 3.0), (-5.0, 1.0)  # of the q among which a climb looks for the best
COARSE = 13  # places on each axis where the search for the optimum looks first
MOST_STEPS, SMALLEST_MOVE = 400, 1e-4  # when a climb ends


def bimodal() -> MixtureSameFamily:
    """p(z) = 0.4 N(-2, 0.35^2) + 0.6 N(2, 0.35^2): two modes that no Gaussian can match."""
    weights, means = (torch.tensor(pair, dtype=torch.float64) for pair in ((0.4, 0.6), (-2.0, 2.0)))
    return MixtureSameFamily(Categorical(weights), Normal(means, torch.full_like(means, 0.35)))


def reverse_kl(p: Distribution, mean: Tensor | float, log_std: Tensor | float) -> Tensor:
    """KL(q || p) in nats for q = N(mean, exp(log_std)^2), by quadrature over places that move with q."""
    mean, log_std = _double(mean), _double(log_std)
    eps = torch.linspace(-HALF_WIDTH, HALF_WIDTH, QUADRATURE, dtype=torch.float64)
    log_density = -0.5 * (eps.square() + math.log(2 * math.pi))  # of eps; that of z is log_std lower
    log_ratio = log_density - log_std - p.log_prob(mean + log_std.exp() * eps)
    return (log_density.exp() * log_ratio).sum() * (eps[1] - eps[0])


def forward_kl(p: Distribution, mean: Tensor | float, log_std: Tensor | float) -> Tensor:
    """KL(p || q) in nats for q = N(mean, exp(log_std)^2), by quadrature over places that stay with p."""
    reach = HALF_WIDTH * p.stddev
    z = p.mean + reach * torch.linspace(-1, 1, QUADRATURE, dtype=torch.float64)
    log_p = p.log_prob(z)
    log_ratio = log_p - Normal(_double(mean), _double(log_std).exp()).log_prob(z)
    return (log_p.exp() * log_ratio).sum() * (z[1] - z[0])


KL: dict[str, Callable[..., Tensor]] = {"reverse": reverse_kl, "forward": forward_kl}


@dataclass(frozen=True)
class Descent:
    """Where gradient descent ended: q's mean and log std, the KL before and after, and the steps it took."""

    mean: float
    log_std: float
    before: float
    after: float
    steps: int


@one_thread()
def descend(p: Distribution, mean: float, log_std: float, direction: str, *, steps: int = 500) -> Descent:
    """Gradient descent on one direction of the KL in q's mean and log std, from where q stands.

    Each step goes straight downhill, as far as the KL falls by a fair share of what the slope promises; so it never rises.

    Args:
        p: the density that stays.
        mean: mean of q at the start.
        log_std: log standard deviation of q at the start.
        direction: "reverse" for KL(q || p), "forward" for KL(p || q).
        steps: steps at most; it stops earlier where the ground is level.

    Raises:
        ValueError: the direction is unknown, or the KL is infinite at the start.
    """
    if direction not in KL:
        raise ValueError(f"direction is {direction!r}: choose reverse or forward.")
    place = torch.tensor([mean, log_std], dtype=torch.float64)
    kl = functools.partial(_with_slope, lambda q: KL[direction](p, q[0], q[1]))
    value, slope = kl(place)
    if not math.isfinite(value):
        raise ValueError(
            f"{NAMES[direction]} is {float(value)} here, so there is no slope to follow: move q towards p first."
        )
    before, size, taken = float(value), 0.5, 0
    while taken < steps and slope.norm() > 1e-5 and size > 1e-9:
        trial = place - size * slope
        trial_value, trial_slope = kl(trial)
        if trial_value <= value - 0.3 * size * float(slope.square().sum()):
            place, value, slope = trial, trial_value, trial_slope
            size, taken = 1.5 * size, taken + 1
        else:
            size = 0.5 * size
    return Descent(float(place[0]), float(place[1]), before, float(value), taken)


def mass(p: Distribution, mean: float, log_std: float) -> Tensor:
    """The mass of p within three standard deviations of q's mean, between 0 and 1, by quadrature."""
    z = mean + 3 * math.exp(log_std) * torch.linspace(-1, 1, QUADRATURE, dtype=torch.float64)
    return torch.trapezoid(p.log_prob(z).exp(), z)


def checked(p: Any) -> Distribution:
    """The distribution itself, once both directions of the KL to any Gaussian are known to be finite.

    Raises:
        TypeError: p is no torch distribution.
        ValueError: p is not one distribution of one number, has no finite mean and standard deviation, or is zero in
            places.
    """
    if not isinstance(p, Distribution):
        raise TypeError(f"p is a {type(p).__name__}: give a torch distribution, such as Normal(0.0, 1.0).")
    if p.batch_shape or p.event_shape:
        raise ValueError(f"p has batch {list(p.batch_shape)} and event {list(p.event_shape)}: give one of one number.")
    if not (torch.isfinite(p.mean) and torch.isfinite(p.stddev) and p.stddev > 0):
        raise ValueError("p needs a finite mean and a finite standard deviation above zero.")
    if not _positive_everywhere(p):
        raise ValueError(
            "p is zero in places, where KL(q || p) is infinite: give a density that is positive everywhere."
        )
    return p


def _positive_everywhere(p: Distribution) -> bool:
    try:
        return bool(torch.isfinite(p.log_prob(p.mean + p.stddev * torch.linspace(-HALF_WIDTH, HALF_WIDTH, 33))).all())
    except ValueError:  # a distribution that checks its arguments has no density outside its support
        return False


@dataclass(frozen=True)
class Bound:
    """One q = N(mu, exp(logvar)) and what it gives, in nats: elbo + gap = log p(x)."""

    mu: float
    logvar: float
    log_px: float
    elbo: float
    gap: float


@one_thread()
def bound(world: GridWorld, x: Tensor, mu: float, logvar: float) -> Bound:
    """The bound and the gap of one q for one x `[1, X]`, each by a quadrature of its own.

    Raises:
        ValueError: x is not one point.
    """
    check_point(x)
    q = _double([[mu]]), _double([[logvar]])
    values = world.log_marginal(x), world.elbo(x, *q), world.kl_to_posterior(x, *q)
    return Bound(mu, logvar, *(value.item() for value in values))


@one_thread()
def climb(world: GridWorld, x: Tensor, mu: float, logvar: float) -> Bound:
    """Where gradient ascent on the bound leads from one q: to a hilltop, not always the highest.

    It stays within `MEANS` and `LOG_VARIANCES`.

    Each step goes straight uphill, and only as far as the bound rises by a fair share of what the slope promises.
    """
    low, high = torch.tensor([MEANS, LOG_VARIANCES], dtype=torch.float64).unbind(1)
    place, size = torch.tensor([mu, logvar], dtype=torch.float64), 0.1
    elbo = functools.partial(_with_slope, lambda q: world.elbo(x, q[:1, None], q[1:, None]).sum())
    value, slope = elbo(place)
    for _ in range(MOST_STEPS):
        trial = (place + size * slope).clamp(low, high)
        move = trial - place
        if move.abs().max() < SMALLEST_MOVE:
            break
        trial_value, trial_slope = elbo(trial)
        if trial_value >= value + 0.3 * (slope @ move):
            place, value, slope, size = trial, trial_value, trial_slope, 1.5 * size
        else:
            size = 0.5 * size
    return bound(world, x, place[0].item(), place[1].item())


@one_thread()
def optimum(world: GridWorld, x: Tensor) -> Bound:
    """The best q within `MEANS` and `LOG_VARIANCES`: a climb from the best point of a coarse grid."""
    axes = (torch.linspace(*limits, COARSE, dtype=torch.float64) for limits in (MEANS, LOG_VARIANCES))
    starts = torch.cartesian_prod(*axes)
    best = starts[int(world.elbo(x, starts[:, :1], starts[:, 1:]).argmax())]
    return climb(world, x, best[0].item(), best[1].item())


def check_point(x: Tensor) -> None:
    """Nothing, once x is known to be one point.

    Raises:
        ValueError: x is not `[1, X]`.
    """
    if x.dim() != 2 or len(x) != 1:
        raise ValueError(f"x has shape {list(x.shape)}: give one point, [1, X].")


def _with_slope(function: Callable[[Tensor], Tensor], place: Tensor) -> tuple[Tensor, Tensor]:
    """What a function of two numbers `[2]` gives, and its gradient there."""
    with torch.enable_grad():
        leaf = place.detach().requires_grad_()
        value = function(leaf)
        (slope,) = torch.autograd.grad(value, leaf)
    return value.detach(), slope


def _double(value: Any) -> Tensor:
    return torch.as_tensor(value, dtype=torch.float64)
