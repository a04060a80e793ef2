"""A Gaussian q in place of a density p on the line: both directions of the KL by quadrature, and gradient descent on them."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.distributions import Categorical, Distribution, MixtureSameFamily, Normal

from vae_course.support.threads import one_thread

NAMES = {"reverse": "KL(q || p)", "forward": "KL(p || q)"}
QUADRATURE = 2001  # points that an integral is summed over
HALF_WIDTH = 8.0  # the standard deviations that the sum reaches to either side


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
    value, slope = _value_and_slope(p, place, direction)
    if not math.isfinite(value):
        raise ValueError(f"{NAMES[direction]} is {value} here, so there is no slope to follow: move q towards p first.")
    before, size, taken = value, 0.5, 0
    while taken < steps and slope.norm() > 1e-5 and size > 1e-9:
        trial = place - size * slope
        trial_value, trial_slope = _value_and_slope(p, trial, direction)
        if trial_value <= value - 0.3 * size * float(slope.square().sum()):
            place, value, slope = trial, trial_value, trial_slope
            size, taken = 1.5 * size, taken + 1
        else:
            size = 0.5 * size
    return Descent(float(place[0]), float(place[1]), before, value, taken)


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


def _value_and_slope(p: Distribution, place: Tensor, direction: str) -> tuple[float, Tensor]:
    with torch.enable_grad():
        leaf = place.detach().requires_grad_()
        value = KL[direction](p, leaf[0], leaf[1])
        (slope,) = torch.autograd.grad(value, leaf)
    return value.item(), slope


def _double(value: Tensor | float) -> Tensor:
    return torch.as_tensor(value, dtype=torch.float64)
