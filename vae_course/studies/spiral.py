"""A noisy spiral in the plane, whose density is known, and how good a model's points are."""

import functools
import math

import torch
from torch import Tensor

from vae_course.studies.diffusion_worlds import MixtureWorld

TURNS, REACH, NOISE, PLACES = 1.5, 2.0, 0.08, 200
FAR = 4.0  # noise's standard deviations from the curve beyond which a point has strayed
GRID = 0.02  # width of a cell of the quadrature


@functools.cache
def spiral() -> MixtureWorld:
    """x0 = a place on the curve + 0.08 eps in the plane, with 200 places that lie almost evenly along 1.5 turns.

    The place at the share u of the way is 2 r (cos a, sin a) with r = sqrt(u) and a = 3 pi r: each number has variance near 1.
    """
    radius = ((torch.arange(PLACES, dtype=torch.float64) + 0.5) / PLACES).sqrt()
    angle = 2 * math.pi * TURNS * radius
    return MixtureWorld(REACH * torch.stack([radius * angle.cos(), radius * angle.sin()], -1), NOISE)


@functools.cache
def entropy() -> float:
    """-E log p(x0) in nats, by quadrature in the plane: minus this is the highest mean of a bound."""
    edge = REACH + 8 * NOISE
    axis = torch.arange(-edge, edge, GRID, dtype=torch.float64)
    log_p = spiral().log_density(torch.cartesian_prod(axis, axis))
    return -(log_p.exp() @ log_p).item() * GRID**2


def strays(x: Tensor) -> float:
    """The share of points `[N, 2]` farther than 4 standard deviations of the noise from the curve; about 1 in 16,000 true ones.

    Raises:
        ValueError: x is not `[N, 2]`, or is empty.
    """
    if x.dim() != 2 or x.shape[1] != 2 or not len(x):
        raise ValueError(f"x has shape {list(x.shape)}: give points of the plane, [N, 2].")
    nearest = torch.cdist(x.double(), spiral().means).min(1).values
    return (nearest > FAR * NOISE).double().mean().item()
