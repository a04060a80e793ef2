"""What a small VAE of the world of 12 pixels gives exactly, by quadrature over its two latent dimensions."""

import copy
import math

import numpy as np
import torch
from torch import Tensor

from vae_course.models import VAE
from vae_course.studies.capstone.world import SHAPE, every_image
from vae_course.support.state import evaluating

HALF_WIDTH, N_POINTS = 6.0, 81  # of the grid over z, in each of the two dimensions
NODES = 20  # of the Gauss-Hermite quadrature over q, in each
CODES_AT_ONCE = 2000


def log_marginal(model: VAE, *, n_points: int = N_POINTS) -> Tensor:
    """log p(x) of each of the 4,096 images: `[4096]` in nats, in float64.

    p(x) = integral of p(z) p(x | z) dz, summed over an even grid of n_points^2 codes.

    Raises:
        ValueError: the model has not two latent dimensions, or other images.
    """
    double, x = _double(model), every_image().double()
    line = torch.linspace(-HALF_WIDTH, HALF_WIDTH, n_points, dtype=torch.float64)
    z, step = torch.cartesian_prod(line, line), 2 * HALF_WIDTH / (n_points - 1)
    total = torch.zeros(len(x), dtype=torch.float64)
    with evaluating(double):
        log_weight = double.prior().log_prob(z) + 2 * math.log(step)
        for codes, weights in zip(z.split(CODES_AT_ONCE), log_weight.split(CODES_AT_ONCE), strict=True):
            total += (_log_likelihood(double, codes, x) + weights[:, None]).exp().sum(0)
    return total.log()


def kl_to_posterior(model: VAE, log_px: Tensor) -> Tensor:
    """KL( q(z | x) || p(z | x) ) of each of the 4,096 images: `[4096]` in nats, in float64.

    The mean of log q(z | x) - log p(x, z) + log p(x) over z from q, by Gauss-Hermite quadrature.

    Args:
        model: a VAE with two latent dimensions.
        log_px: log p(x) of each image `[4096]`, as `log_marginal` gives it.

    Raises:
        ValueError: the model has not two latent dimensions, or other images.
    """
    double, x = _double(model), every_image().double()
    at, weights = (torch.from_numpy(part) for part in np.polynomial.hermite_e.hermegauss(NODES))
    eps, shares = torch.cartesian_prod(at, at), torch.outer(weights, weights).flatten() / (2 * math.pi)
    kl = torch.zeros(len(x), dtype=torch.float64)
    with evaluating(double):
        q, prior = double.posterior(x), double.prior()
        for node, share in zip(eps, shares, strict=True):
            z = q.mean + q.stddev * node
            kl += share * (q.log_prob(z) - prior.log_prob(z) - double.likelihood(z).log_prob(x) + log_px)
    return kl


def _log_likelihood(model: VAE, z: Tensor, x: Tensor) -> Tensor:
    """log p(x | z) of every image under every code, `[Z, N]`: linear in the pixels, so one product of matrices does."""
    logits = model.decode(z).flatten(1)
    return logits @ x.flatten(1).T - torch.nn.functional.softplus(logits).sum(1, keepdim=True)


def _double(model: VAE) -> VAE:
    """A copy in double precision."""
    if model.latent_dim != 2 or model.shape != SHAPE:
        raise ValueError(
            f"The model has {model.latent_dim} latent dimensions and images of shape {list(model.shape)}: the quadrature is "
            f"for 2 and {list(SHAPE)}, as in VAE.mlp(2, hidden=(32,), shape={SHAPE})."
        )
    return copy.deepcopy(model).double()
