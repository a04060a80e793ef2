"""The evidence lower bound and the importance-weighted bound, from a prior, a likelihood and a posterior."""

import math
from typing import Literal, NamedTuple, Protocol

import torch
from torch import Tensor
from torch.distributions import Distribution, kl_divergence

# How a table of terms, one row for each example and N columns, becomes one number: for each choice its share of the
# honest value, the sum over the columns averaged over the B rows.
Reduction = Literal["sum", "mean", "sum over all", "mean, summed over batch"]


class LatentVariableModel(Protocol):
    """What the bounds need: three distributions whose event is a whole code or a whole image."""

    def prior(self) -> Distribution: ...

    def posterior(self, x: Tensor) -> Distribution: ...

    def likelihood(self, z: Tensor) -> Distribution: ...


class ELBOTerms(NamedTuple):
    """The bound and its two parts for every example, each `[B]` in nats: elbo = log_px_z - beta * kl."""

    elbo: Tensor
    log_px_z: Tensor
    kl: Tensor


def elbo(model: LatentVariableModel, x: Tensor, *, beta: float = 1.0, n_samples: int = 1) -> ELBOTerms:
    """The evidence lower bound, to be maximised; with beta other than 1 it is the beta-VAE's objective.

    elbo = E_q(z|x)[ log p(x | z) ] - beta * KL( q(z | x) || p(z) ) <= log p(x) for beta >= 1.

    The expectation is the mean over `n_samples` reparameterised draws; the KL is in closed form.

    Args:
        model: a latent-variable model.
        x: examples, `[B, ...]`.
        beta: weight of the KL.
        n_samples: draws of z for each example.

    Returns:
        `ELBOTerms`, each `[B]`, in nats.

    Raises:
        ValueError: n_samples is below one, or x is empty.

    Source: Kingma and Welling (2014), equation 7; Higgins and others, beta-VAE (2017), equation 4.
    """
    _check(x, n_samples, "n_samples")
    q = model.posterior(x)
    z = q.rsample((n_samples,))
    log_px_z = model.likelihood(z).log_prob(x.expand(n_samples, *x.shape)).mean(0)
    kl = kl_divergence(q, model.prior())
    return ELBOTerms(log_px_z - beta * kl, log_px_z, kl)


def iwae_bound(model: LatentVariableModel, x: Tensor, *, k: int) -> Tensor:
    """The importance-weighted bound with k draws: elbo <= bound(k) <= bound(k + 1) <= log p(x) in expectation.

    bound = log 1/k sum_j w_j,  w_j = p(x | z_j) p(z_j) / q(z_j | x),  z_j from q(z | x).

    Args:
        model: a latent-variable model.
        x: examples, `[B, ...]`.
        k: draws of z for each example.

    Returns:
        `[B]`, in nats.

    Raises:
        ValueError: k is below one, or x is empty.

    Source: Burda, Grosse and Salakhutdinov, Importance Weighted Autoencoders (2016), equation 8.
    """
    return torch.logsumexp(log_weights(model, x, k=k), 0) - math.log(k)


def log_weights(model: LatentVariableModel, x: Tensor, *, k: int) -> Tensor:
    """log w = log p(x | z) + log p(z) - log q(z | x) for k draws z from q(z | x), `[k, B]` in nats.

    Raises:
        ValueError: k is below one, or x is empty.
    """
    _check(x, k, "k")
    q = model.posterior(x)
    z = q.rsample((k,))
    return model.likelihood(z).log_prob(x.expand(k, *x.shape)) + model.prior().log_prob(z) - q.log_prob(z)


def negative_elbo(model: LatentVariableModel, x: Tensor, beta: float = 1.0, *, n_samples: int = 1) -> dict[str, Tensor]:
    """The loss of a VAE for `training.fit`: the mean over the batch of -elbo, with its two parts, all in nats.

    loss = reconstruction + beta * kl, with reconstruction = -E_q[ log p(x | z) ], a mean over `n_samples` draws.

    Raises:
        ValueError: n_samples is below one, or x is empty.
    """
    terms = elbo(model, x, beta=beta, n_samples=n_samples)
    return {"loss": -terms.elbo.mean(), "reconstruction": -terms.log_px_z.mean(), "kl": terms.kl.mean()}


def negative_iwae(model: LatentVariableModel, x: Tensor, *, k: int) -> dict[str, Tensor]:
    """The loss of an importance-weighted autoencoder for `training.fit`: the mean over the batch of -bound(k), in nats.

    loss = -log 1/k sum_j w_j; its gradient weighs the draws by softmax_j(log w_j), so the best draw counts most.

    Raises:
        ValueError: k is below one, or x is empty.

    Source: Burda, Grosse and Salakhutdinov, Importance Weighted Autoencoders (2016), equations 8 and 14.
    """
    return {"loss": -iwae_bound(model, x, k=k).mean()}


def effective_beta(
    reconstruction: Reduction,
    kl: Reduction,
    *,
    weight: float = 1.0,
    pixels: int,
    latents: int,
    batch: int,
    nats: float = 1.0,
) -> float:
    """The weight of the KL that a loss really has, once its reconstruction is -log p(x | z) in nats for each image.

    loss = a * (-log p(x | z)) + b * KL + constant, each term summed over one image and averaged over the batch;
    beta = b / a, with a = r(pixels) / nats, b = weight * r(latents), and r(N) = 1, 1/N, B or B/N by the reduction.

    Args:
        reconstruction: how the errors of the pixels become one number: "sum" or "mean" over the pixels with a mean over
            the batch, "sum over all", or "mean, summed over batch".
        kl: the same for the KL and the latent dimensions.
        weight: what the KL is multiplied with.
        pixels: pixels of an image.
        latents: latent dimensions.
        batch: images in a batch.
        nats: how many nats one unit of a pixel's error stands for: 1 for cross-entropy, 1 / (2 sigma^2) for
            (x - x')^2 with a stated sigma.

    Raises:
        ValueError: a reduction is unknown, a count is below one, or nats is not above zero.
    """
    for name, count in (("pixels", pixels), ("latents", latents), ("batch", batch)):
        if count < 1:
            raise ValueError(f"{name} is {count}: give a whole number, one or more.")
    if not (math.isfinite(nats) and nats > 0 and math.isfinite(weight)):
        raise ValueError(f"weight is {weight} and nats is {nats}: give finite numbers, nats above zero.")
    return weight * _share(kl, latents, batch) * nats / _share(reconstruction, pixels, batch)


def _share(reduction: Reduction, columns: int, batch: int) -> float:
    """What a reduction multiplies the sum over the columns, averaged over the batch, with."""
    shares = {"sum": 1.0, "mean": 1 / columns, "sum over all": batch, "mean, summed over batch": batch / columns}
    if reduction not in shares:
        raise ValueError(f"There is no reduction {reduction!r}: choose one of {', '.join(map(repr, shares))}.")
    return shares[reduction]


def _check(x: Tensor, draws: int, name: str) -> None:
    if draws < 1:
        raise ValueError(f"{name} is {draws}: the bound needs at least one draw of z.")
    if len(x) == 0:
        raise ValueError("x is empty: give at least one example.")
