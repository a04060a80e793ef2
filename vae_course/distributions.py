"""The four densities that a VAE needs, each as one function that returns nats per example, `[B]`."""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

LOG_2PI = math.log(2 * math.pi)


def reparameterize(mu: Tensor, logvar: Tensor, eps: Tensor | None = None) -> Tensor:
    """Draw z from N(mu, sigma^2) as a differentiable function of mu and logvar.

    z = mu + sigma * eps, with sigma = exp(logvar / 2) and eps from N(0, I).

    Args:
        mu: means, `[B, D]`.
        logvar: log sigma^2, `[B, D]`.
        eps: standard normal noise, `[B, D]` (or `[L, B, D]` for L draws); fresh noise for every entry when left out.

    Raises:
        ValueError: mu and logvar differ in shape, or the last axis of eps does not match theirs.

    Source: Kingma and Welling, Auto-Encoding Variational Bayes (2014), section 2.4.
    """
    _same_shape("mu", mu, "logvar", logvar)
    if eps is None:
        eps = torch.randn_like(mu)
    elif eps.shape[-mu.dim() :] != mu.shape:
        raise ValueError(
            f"eps has shape {list(eps.shape)} but mu has {list(mu.shape)}: draw one noise value for each entry of mu."
        )
    return mu + torch.exp(0.5 * logvar) * eps


def gaussian_kl(mu: Tensor, logvar: Tensor, mu_p: Tensor | None = None, logvar_p: Tensor | None = None) -> Tensor:
    """KL(q || p) between two diagonal Gaussians, summed over the latent dimensions; p is N(0, I) unless given.

    KL = 1/2 sum_d [ logvar_p - logvar + (exp(logvar) + (mu - mu_p)^2) / exp(logvar_p) - 1 ].

    Args:
        mu, logvar: mean and log sigma^2 of q, `[B, D]`.
        mu_p, logvar_p: the same of p, anything that broadcasts to `[B, D]`.

    Returns:
        `[B]`, in nats, never below zero.

    Raises:
        ValueError: mu and logvar differ in shape.

    Source: Kingma and Welling (2014), appendix B, for p = N(0, I).
    """
    _same_shape("mu", mu, "logvar", logvar)
    # expm1(a) - a instead of exp(a) - 1 - a keeps the digits of a small KL.
    if mu_p is None and logvar_p is None:
        return 0.5 * (torch.expm1(logvar) - logvar + mu.square()).sum(-1)
    logvar_p = torch.zeros_like(mu) if logvar_p is None else logvar_p
    log_ratio = logvar - logvar_p
    difference = mu if mu_p is None else mu - mu_p
    # The mean's share as a square of a scaled difference: exp(-logvar_p) alone could overflow.
    return 0.5 * (torch.expm1(log_ratio) - log_ratio + (difference * torch.exp(-0.5 * logvar_p)).square()).sum(-1)


def bernoulli_log_prob(x: Tensor, logits: Tensor) -> Tensor:
    """log p(x | z) of an image of independent Bernoulli pixels, summed over every axis but the first.

    log p(x | z) = sum_i [ x_i logits_i - log(1 + exp(logits_i)) ], with p(x_i = 1) = sigmoid(logits_i).

    It is a log-probability for x in {0, 1}. For grey x in (0, 1) it is the negative cross-entropy, which is no
    likelihood, because the densities do not integrate to one over [0, 1].

    Args:
        x: pixels, `[B, ...]`, in [0, 1].
        logits: log odds, the same shape.

    Returns:
        `[B]`, in nats.

    Raises:
        ValueError: the shapes differ.
    """
    _same_shape("x", x, "logits", logits)
    return -F.binary_cross_entropy_with_logits(logits, x, reduction="none").flatten(1).sum(1)


def gaussian_log_prob(x: Tensor, mean: Tensor, logvar: Tensor) -> Tensor:
    """log N(x; mean, sigma^2) with a diagonal covariance, summed over every axis but the first.

    log p = -1/2 sum_i [ log(2 pi) + logvar_i + (x_i - mean_i)^2 / exp(logvar_i) ].

    Args:
        x: points, `[B, ...]`.
        mean: means, the same shape.
        logvar: log sigma^2, anything that broadcasts to that shape.

    Returns:
        `[B]`, in nats.

    Raises:
        ValueError: x and mean differ in shape.
    """
    _same_shape("x", x, "mean", mean)
    scaled = (x - mean) * torch.exp(-0.5 * logvar)
    return -0.5 * (LOG_2PI + logvar + scaled.square()).flatten(1).sum(1)


def _same_shape(name: str, a: Tensor, other: str, b: Tensor) -> None:
    if a.shape != b.shape:
        raise ValueError(f"{name} has shape {list(a.shape)} but {other} has {list(b.shape)}: they must be the same.")
