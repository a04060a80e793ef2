"""The evidence lower bound and the importance-weighted bound, from a prior, a likelihood and a posterior."""

import math
from typing import NamedTuple, Protocol

import torch
from torch import Tensor
from torch.distributions import Distribution, kl_divergence


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


def negative_elbo(model: LatentVariableModel, x: Tensor, beta: float = 1.0) -> dict[str, Tensor]:
    """The loss of a VAE for `training.fit`: the mean over the batch of -elbo, with its two parts, all in nats.

    loss = reconstruction + beta * kl, with reconstruction = -E_q[ log p(x | z) ].
    """
    terms = elbo(model, x, beta=beta)
    return {"loss": -terms.elbo.mean(), "reconstruction": -terms.log_px_z.mean(), "kl": terms.kl.mean()}


def _check(x: Tensor, draws: int, name: str) -> None:
    if draws < 1:
        raise ValueError(f"{name} is {draws}: the bound needs at least one draw of z.")
    if len(x) == 0:
        raise ValueError("x is empty: give at least one example.")
