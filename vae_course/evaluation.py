"""How good a model is: bounds on log p(x) with their standard errors, and what its latent dimensions carry.

A model is evaluated in eval mode and without gradients, and comes back in the mode it was in. `evaluate` is the one
function that reads a test set.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.distributions import Independent, kl_divergence

from vae_course.data import Images
from vae_course.objectives import LatentVariableModel, elbo, log_weights
from vae_course.support.numbers import whole_number
from vae_course.support.state import evaluating, isolated_rng
from vae_course.training.batches import examples

# Codes decoded at once: bounds the memory of a large k. 784 pixels in float32 make 16 MB of 5,000 images.
CODES_AT_ONCE = 5000


@dataclass(frozen=True)
class Evaluation:
    """Means over a data set, in nats per example: elbo = log_px_z - kl.

    Args:
        elbo: the evidence lower bound.
        log_px_z: E_q[ log p(x | z) ].
        kl: KL( q(z | x) || p(z) ).
        standard_error: of the elbo, from its spread over the examples; NaN for a single one.
        n: examples.
    """

    elbo: float
    log_px_z: float
    kl: float
    standard_error: float
    n: int

    @property
    def rate(self) -> float:
        """Nats per example that the code carries: the KL."""
        return self.kl

    @property
    def distortion(self) -> float:
        """Nats per example that are still needed once the code is known: -log_px_z."""
        return -self.log_px_z

    def __str__(self) -> str:
        return (
            f"elbo {self.elbo:.2f} ± {self.standard_error:.2f} nats on {self.n:,} examples"
            f" (log p(x|z) {self.log_px_z:.2f}, KL {self.kl:.2f})"
        )


def evaluate(
    model: LatentVariableModel,
    images: Images | Tensor,
    *,
    n_samples: int = 1,
    batch_size: int = 1000,
    seed: int = 0,
) -> Evaluation:
    """The mean ELBO of a data set and its two parts. This, and nothing else, is what reads a test set.

    Args:
        model: a latent-variable model.
        images: examples, `[N, ...]`, used as they are.
        n_samples: draws of z for each example.
        batch_size: examples at once.
        seed: fixes the draws.

    Raises:
        TypeError, ValueError: the images are unfit, or n_samples or batch_size is below one.
    """
    terms = over_batches(model, images, batch_size, seed, lambda x: torch.stack(elbo(model, x, n_samples=n_samples)))
    bound, log_px_z, kl = (float(term.mean()) for term in terms)
    return Evaluation(bound, log_px_z, kl, _error(terms[0]), terms.shape[1])


def log_marginal(
    model: LatentVariableModel,
    images: Images | Tensor,
    *,
    k: int,
    batch_size: int = 100,
    seed: int = 0,
) -> tuple[float, float]:
    """An estimate of the mean log p(x) by the importance-weighted bound with k draws, and its standard error.

    log p(x) >= E[ log 1/k sum_j p(x | z_j) p(z_j) / q(z_j | x) ],  z_j from q(z | x); tight as k grows.

    The draws are made and summed in pieces, so memory does not grow with k. The standard error comes from the spread
    over the examples, which includes the noise of the draws; it is NaN for a single example.

    Args:
        model: a latent-variable model.
        images: examples, `[N, ...]`, used as they are.
        k: draws of z for each example, all of them used.
        batch_size: examples at once.
        seed: fixes the draws.

    Returns:
        the mean and its standard error, in nats.

    Raises:
        TypeError, ValueError: the images are unfit, or k or batch_size is below one.

    Source: Burda, Grosse and Salakhutdinov, Importance Weighted Autoencoders (2016), equation 8.
    """
    bounds = log_marginal_each(model, images, k=k, batch_size=batch_size, seed=seed)
    return float(bounds.mean()), _error(bounds)


def log_marginal_each(
    model: LatentVariableModel,
    images: Images | Tensor,
    *,
    k: int,
    batch_size: int = 100,
    seed: int = 0,
) -> Tensor:
    """The estimate of log p(x) behind `log_marginal`, example by example: `[N]` in nats, in float64 on the CPU.

    Two models measured on the same examples are compared by the differences, whose spread is far smaller.

    Args:
        model, images, k, batch_size, seed: as in `log_marginal`.

    Raises:
        TypeError, ValueError: the images are unfit, or k or batch_size is below one.
    """
    if k < 1:
        raise ValueError(f"k is {k}: the bound needs at least one draw of z.")
    return over_batches(model, images, batch_size, seed, lambda x: _bound_in_pieces(model, x, k))


def kl_per_dim(model: LatentVariableModel, images: Images | Tensor, *, batch_size: int = 1000) -> Tensor:
    """The mean KL of each latent dimension to its prior, `[D]` in nats; they add up to the mean KL.

    Raises:
        TypeError: the model's posterior is not a product over dimensions.
    """
    return over_batches(model, images, batch_size, 0, lambda x: kl_of_factors(model, x).T).mean(1).float()


def active_dimensions(
    model: LatentVariableModel, images: Images | Tensor, *, threshold: float = 0.01, batch_size: int = 1000
) -> Tensor:
    """Whether the posterior mean of each latent dimension varies from example to example, `[D]`.

    Dimension d is active if Var_x( E_q(z|x)[z_d] ) > threshold.

    Raises:
        ValueError: there are fewer than two images, so that nothing can vary.

    Source: Burda, Grosse and Salakhutdinov (2016), section 5.2.
    """
    means = over_batches(model, images, batch_size, 0, lambda x: model.posterior(x).mean.T)
    if means.shape[1] < 2:
        raise ValueError("images holds one example: a variance over examples needs two or more.")
    return means.var(1) > threshold


def active_units(
    model: LatentVariableModel, images: Images | Tensor, *, threshold: float = 0.01, batch_size: int = 1000
) -> int:
    """The number of active latent dimensions; arguments and errors are those of `active_dimensions`."""
    return int(active_dimensions(model, images, threshold=threshold, batch_size=batch_size).sum())


def over_batches(
    model: nn.Module | LatentVariableModel,
    images: Images | Tensor,
    batch_size: int,
    seed: int,
    measure: Callable[[Tensor], Tensor],
) -> Tensor:
    """`measure(x)` for all batches, `[..., B]` each, side by side on the CPU in float64: `[..., N]`.

    Raises:
        TypeError, ValueError: the images are unfit, or batch_size is below one.
    """
    x, batch_size = examples(images).x, whole_number(batch_size, "batch_size", least=1)
    with evaluating(model) as device, isolated_rng(seed, device=device):
        parts = [measure(batch.to(device=device)).cpu().double() for batch in x.split(batch_size)]
    return torch.cat(parts, -1)


def _bound_in_pieces(model: LatentVariableModel, x: Tensor, k: int) -> Tensor:
    """The importance-weighted bound `[B]` from at most `CODES_AT_ONCE` codes at a time."""
    at_once = max(1, CODES_AT_ONCE // len(x))
    sums = [torch.logsumexp(log_weights(model, x, k=min(at_once, k - done)), 0) for done in range(0, k, at_once)]
    return torch.logsumexp(torch.stack(sums), 0) - math.log(k)


def kl_of_factors(model: LatentVariableModel, x: Tensor) -> Tensor:
    """KL of each latent dimension for each example, `[B, D]` in nats.

    Raises:
        TypeError: posterior or prior is not a product over dimensions.
    """
    q, p = model.posterior(x), model.prior()
    if not (isinstance(q, Independent) and isinstance(p, Independent)):
        raise TypeError(
            f"The posterior is a {type(q).__name__} and the prior a {type(p).__name__}: a KL for each dimension needs"
            " both to be products over dimensions (torch.distributions.Independent)."
        )
    return kl_divergence(q.base_dist, p.base_dist)


def standard_error(draws: Tensor) -> Tensor:
    """The standard error of a mean over the first axis: sample standard deviation / sqrt(n).

    Raises:
        ValueError: fewer than two draws.
    """
    if len(draws) < 2:
        raise ValueError(f"There are {len(draws)} draws: a standard error needs two or more.")
    return draws.std(0) / len(draws) ** 0.5


def _error(values: Tensor) -> float:
    """The standard error of the mean; NaN for a single value."""
    return float(standard_error(values)) if len(values) > 1 else math.nan
