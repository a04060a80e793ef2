"""What a pixel costs under each likelihood, and which beta a loss has."""

from dataclasses import dataclass
from typing import get_args

import torch
from torch import Tensor
from torch.nn import functional as F

from vae_course.objectives import Reduction, effective_beta

LIKELIHOODS = ("cross-entropy", "continuous Bernoulli", "Gaussian")
REDUCTIONS: tuple[Reduction, ...] = get_args(Reduction)
UNITS = ("cross-entropy", "squared error at sigma^2 = 1/2", "squared error at the sigma above")


@dataclass(frozen=True)
class Loss:
    """A loss as published: how its two terms are reduced, and the sizes that this depends on."""

    reconstruction: Reduction
    kl: Reduction
    weight: float = 1.0
    pixels: int = 784
    latents: int = 20
    batch: int = 128
    unit: str = UNITS[0]


PUBLISHED = {
    "the ELBO": Loss("sum", "sum"),
    "mean and mean": Loss("mean", "mean", latents=200),
    "mean and sum": Loss("mean", "sum", latents=2),
    "KL never summed": Loss("sum", "mean", latents=2),
    "second text": Loss("mean", "sum over all", weight=0.0001, latents=2, batch=8, unit=UNITS[1]),
}


def charge(likelihood: str, x: Tensor | float, output: Tensor, sigma: float) -> Tensor:
    """-log p of a pixel x under a decoder's output, in nats, in the shape of output.

    Cross-entropy and the continuous Bernoulli read the output as lambda, the Gaussian as its mean.

    Args:
        likelihood: one of `LIKELIHOODS`.
        x: the pixel, in [0, 1].
        output: what the decoder says, strictly between 0 and 1.
        sigma: standard deviation of the Gaussian, above zero.

    Raises:
        ValueError: the likelihood is unknown, or sigma is not above zero.
    """
    if likelihood not in LIKELIHOODS:
        raise ValueError(f"There is no likelihood {likelihood!r}: choose one of {', '.join(LIKELIHOODS)}.")
    if not sigma > 0:
        raise ValueError(f"sigma is {sigma}: a standard deviation must be above zero.")
    x = torch.as_tensor(x, dtype=output.dtype).expand_as(output)
    if likelihood == "Gaussian":
        return -torch.distributions.Normal(output, sigma).log_prob(x)
    logits = torch.logit(output)
    entropy = F.binary_cross_entropy_with_logits(logits, x, reduction="none")
    return entropy if likelihood == "cross-entropy" else entropy + log_area(logits)


def log_area(logits: Tensor) -> Tensor:
    """log of the integral of exp(-cross-entropy) over all grey levels, log(tanh(l / 2) / l), in nats."""
    other = torch.where(logits == 0, 1.0, logits)
    return torch.where(logits == 0, 0.5, torch.tanh(other / 2) / other).log()


def beta_of(loss: Loss, sigma: float) -> float:
    """The effective beta of a loss; sigma counts only where its unit says so.

    Raises:
        ValueError: the unit or a reduction is unknown, a count is below one, or the weight or sigma is not above zero.
    """
    if loss.unit not in UNITS:
        raise ValueError(f"There is no unit {loss.unit!r}: choose one of {', '.join(UNITS)}.")
    if not (loss.weight > 0 and sigma > 0):
        raise ValueError(f"weight is {loss.weight} and sigma is {sigma}: both must be above zero.")
    return effective_beta(
        loss.reconstruction,
        loss.kl,
        weight=loss.weight,
        pixels=loss.pixels,
        latents=loss.latents,
        batch=loss.batch,
        nats=1 / (2 * sigma**2) if loss.unit == UNITS[2] else 1.0,
    )
