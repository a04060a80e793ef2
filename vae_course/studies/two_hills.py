"""The world of two hills: one observation that two regions of z explain, and everything that Bayes' rule says about it."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from vae_course.exact import GridWorld
from vae_course.support.threads import one_thread

HALF_WIDTH, N_POINTS = 8.0, 3201  # a step of 0.005, fine enough for the narrowest posterior


def two_hills(z: Tensor) -> Tensor:
    """The decoder of the world of two hills, f(z) = z^2 + z / 2, from `[...]` to means `[..., 1]`."""
    return (z.square() + z / 2).unsqueeze(-1)


def bimodal_world() -> tuple[GridWorld, Tensor]:
    """x = z^2 + z / 2 + noise, seen at x = 2, which two regions of z explain; the grid holds even the widest q."""
    world = GridWorld(two_hills, 0.7, half_width=20.0, n_points=2001)
    return world, torch.tensor([[2.0]], dtype=torch.float64)


@dataclass(frozen=True)
class Slice:
    """One x of the world and what is known about it over the grid: every curve is `[G]`, in float64.

    Args:
        x: what is observed.
        sigma: standard deviation of the noise.
        z: places on an even grid.
        prior: p(z).
        likelihood: p(x | z) of this x, as a function of z.
        joint: p(x, z).
        posterior: p(z | x).
        p_x: p(x), the area under the joint.
        hills: the places of the posterior's maxima.
    """

    x: float
    sigma: float
    z: Tensor
    prior: Tensor
    likelihood: Tensor
    joint: Tensor
    posterior: Tensor
    p_x: float
    hills: tuple[float, ...]


@one_thread()
def slice_at(x: float, sigma: float, f: Callable[[Tensor], Tensor] = two_hills) -> Slice:
    """Prior, likelihood, joint and posterior over a grid, and p(x), for one x.

    p(z | x) = p(z) p(x | z) / p(x), with p(x) the integral of the joint by quadrature.

    Raises:
        ValueError: x is not finite, or sigma is not a finite number above zero.
    """
    if not math.isfinite(x):
        raise ValueError(f"x is {x}: give a finite number.")
    world = GridWorld(f, sigma, half_width=HALF_WIDTH, n_points=N_POINTS)
    seen, z = torch.tensor([[x]], dtype=torch.float64), world.grid
    log_prior, log_joint = world.prior().log_prob(z.unsqueeze(-1)), world.log_joint(seen)[0]
    posterior = world.posterior_density(seen)[0]
    curves = (log_prior.exp(), (log_joint - log_prior).exp(), log_joint.exp(), posterior)
    return Slice(x, sigma, z, *curves, world.log_marginal(seen).exp().item(), tuple(hills(z, posterior)))


def hills(z: Any, density: Any) -> list[float]:
    """The places of a density's maxima that reach a hundredth of the highest; z and density `[G]`, tensors or arrays."""
    inner = (density[1:-1] > density[:-2]) & (density[1:-1] >= density[2:]) & (density[1:-1] > 0.01 * density.max())
    return [float(place) + 0.0 for place in z[1:-1][inner]] or [float(z[density.argmax()])]
