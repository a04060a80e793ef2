"""A pipeline's two numbers, ELBO and importance-weighted bound, made right or with one of the course's mistakes."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor
from torch.distributions import Bernoulli
from torch.nn.functional import binary_cross_entropy, binary_cross_entropy_with_logits


class EncoderDecoder(Protocol):
    """What a pipeline asks of a model: mu and logvar of q(z | x), each `[B, D]`, and logits `[..., C, H, W]` of codes."""

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]: ...

    def decode(self, z: Tensor) -> Tensor: ...


# From a model, images `[B, C, H, W]` and noise `[k, B, D]` to ELBO and importance-weighted bound, each `[B]` in nats.
Bounds = Callable[[EncoderDecoder, Tensor, Tensor], tuple[Tensor, Tensor]]
Step = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Parts:
    """What both numbers are made of: three logarithms `[k, B]`, and the KL to N(0, I) in closed form `[B]`."""

    log_px_z: Tensor
    log_pz: Tensor
    log_qz: Tensor
    kl: Tensor

    @property
    def log_w(self) -> Tensor:
        """log p(x | z) + log p(z) - log q(z | x), `[k, B]`."""
        return self.log_px_z + self.log_pz - self.log_qz


@dataclass(frozen=True)
class Mistake:
    """One mistake: its name, what to say of it, and pipelines that make it."""

    name: str
    message: str
    bounds: Bounds
    variants: tuple[Bounds, ...] = field(default=())


def log_normal(z: Tensor, mu: Tensor | float, logvar: Tensor) -> Tensor:
    """log N(z; mu, exp(logvar)), summed over the last axis."""
    return -0.5 * (math.log(2 * math.pi) + logvar + (z - mu).square() / logvar.exp()).sum(-1)


def terms_of_kl(mu: Tensor, logvar: Tensor) -> Tensor:
    """The KL of N(mu, exp(logvar)) to N(0, 1) of each latent dimension, `[B, D]`."""
    return 0.5 * (mu.square() + logvar.exp() - 1 - logvar)


def log_mean_exp(logs: Tensor) -> Tensor:
    """log of the mean of exp over axis 0."""
    return torch.logsumexp(logs, 0) - math.log(len(logs))


def _log_pixels(logits: Tensor, x: Tensor) -> Tensor:
    """log p(x_i | z) of each pixel."""
    return -binary_cross_entropy_with_logits(logits, x, reduction="none")


def _log_probability(logits: Tensor, x: Tensor, least: float) -> Tensor:
    """The same by way of the probabilities, which round to 0 and 1."""
    p = logits.sigmoid()
    return x * (p + least).log() + (1 - x) * (1 - p + least).log()


def bounds_with(
    *,
    std: Step = lambda logvar: torch.exp(0.5 * logvar),
    noise: Step = lambda eps: eps,
    logits: Step = lambda logits: logits,
    pixels: Callable[[Tensor, Tensor], Tensor] = _log_pixels,
    over_pixels: Step = lambda pixels: pixels.sum(-1),
    kl: Callable[[Tensor, Tensor], Tensor] = lambda mu, logvar: terms_of_kl(mu, logvar).sum(-1),
    log_qz: Callable[[Tensor, Tensor, Tensor, Tensor], Tensor] = lambda z, mu, logvar, eps: log_normal(z, mu, logvar),
    elbo: Callable[[Parts], Tensor] = lambda parts: parts.log_px_z.mean(0) - parts.kl,
    log_px: Callable[[Parts], Tensor] = lambda parts: log_mean_exp(parts.log_w),
) -> Bounds:
    """A pipeline that is right but for the parts that are given.

    elbo = 1/k sum_j log p(x | z_j) - KL( q(z | x) || N(0, I) );  log_px = log 1/k sum_j w_j;  z_j = mu + sigma eps_j.
    """

    def bounds(model: EncoderDecoder, x: Tensor, eps: Tensor) -> tuple[Tensor, Tensor]:
        mu, logvar = model.encode(x)
        own = noise(eps)
        z = mu + std(logvar) * own
        parts = Parts(
            over_pixels(pixels(logits(model.decode(z)), x.expand(len(z), *x.shape)).flatten(2)),
            log_normal(z, 0.0, torch.zeros_like(z)),
            log_qz(z, mu, logvar, own),
            kl(mu, logvar),
        )
        return elbo(parts), log_px(parts)

    return bounds


def _changed(bounds: Bounds, change: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]) -> Bounds:
    """A pipeline with something done to its two numbers."""
    return lambda model, x, eps: change(*bounds(model, x, eps))


RIGHT = bounds_with()
PIXEL_MEAN = bounds_with(over_pixels=lambda pixels: pixels.mean(-1))

MISTAKES = (
    Mistake(
        "mean over the pixels",
        "You average over the pixels. An image has one likelihood, the product over all its pixels: sum their logarithms, or "
        "the KL counts as many times too much as there are pixels.",
        PIXEL_MEAN,
    ),
    Mistake(
        "mean over the latent dimensions",
        "Your KL is a mean over the latent dimensions. A code has one KL, the sum over them: as a mean it counts too little.",
        bounds_with(kl=lambda mu, logvar: terms_of_kl(mu, logvar).mean(-1)),
    ),
    Mistake(
        "KL averaged over the batch",
        "Your KL is a mean over the images. Each image pays for its own code: keep `[B]`.",
        bounds_with(kl=lambda mu, logvar: terms_of_kl(mu, logvar).sum(-1).mean().expand(len(mu))),
    ),
    Mistake(
        "sign of the KL",
        "You add the KL. The code has to be paid for: ELBO = mean of log p(x | z) minus KL, or it may lie above log p(x).",
        bounds_with(elbo=lambda parts: parts.log_px_z.mean(0) + parts.kl),
    ),
    Mistake(
        "KL left out",
        "Your ELBO is the reconstruction alone. Take off what the code costs, the KL to the prior.",
        bounds_with(elbo=lambda parts: parts.log_px_z.mean(0)),
    ),
    Mistake(
        "half missing in the KL",
        "The 1/2 is missing in your KL, or before a part of it: KL = 1/2 sum (mu^2 + sigma^2 - 1 - log sigma^2), all of it "
        "halved.",
        bounds_with(kl=lambda mu, logvar: 2 * terms_of_kl(mu, logvar).sum(-1)),
        (
            bounds_with(kl=lambda mu, logvar: (0.5 * (mu.square() + logvar.exp() - 1) - logvar).sum(-1)),
            bounds_with(kl=lambda mu, logvar: (mu.square() + 0.5 * (logvar.exp() - 1 - logvar)).sum(-1)),
        ),
    ),
    Mistake(
        "KL the wrong way round",
        "This is the KL of the prior from q. The bound has KL(q || p), the mean over codes from q.",
        bounds_with(
            kl=lambda mu, logvar: 0.5 * ((1 + mu.square()) / logvar.exp() - 1 + logvar).sum(-1),
        ),
    ),
    Mistake(
        "logvar taken for log sigma",
        "You take exp(logvar) for a standard deviation. It is the variance: sigma = exp(logvar / 2), in the draws, in the KL "
        "and in log q(z | x).",
        bounds_with(std=torch.exp),
        (
            bounds_with(kl=lambda mu, logvar: terms_of_kl(mu, 2 * logvar).sum(-1)),
            bounds_with(log_qz=lambda z, mu, logvar, eps: log_normal(z, mu, 2 * logvar)),
            bounds_with(std=torch.exp, log_qz=lambda z, mu, logvar, eps: log_normal(z, mu, 2 * logvar)),
            bounds_with(
                std=torch.exp,
                kl=lambda mu, logvar: terms_of_kl(mu, 2 * logvar).sum(-1),
                log_qz=lambda z, mu, logvar, eps: log_normal(z, mu, 2 * logvar),
            ),
        ),
    ),
    Mistake(
        "noise left out",
        "Your codes are the means of q: the noise does nothing, so this is no expectation over q. z = mu + sigma * eps.",
        bounds_with(noise=torch.zeros_like),
    ),
    Mistake(
        "one noise for the whole batch",
        "All images share the noise of the first one. Each image has draws of its own: use all of `eps`, `[k, B, D]`.",
        bounds_with(noise=lambda eps: eps[:, :1].expand_as(eps)),
    ),
    Mistake(
        "first draw only",
        "At least one of your two numbers is made of the first of the k draws alone. Both are means over all k: use axis 0.",
        bounds_with(noise=lambda eps: eps[:1]),
        (
            bounds_with(elbo=lambda parts: parts.log_px_z[0] - parts.kl),
            bounds_with(log_px=lambda parts: parts.log_w[0]),
        ),
    ),
    Mistake(
        "sigmoid twice",
        "A sigmoid is applied to the logits before a function that expects logits. Hand them over as the decoder gives them.",
        bounds_with(logits=torch.sigmoid),
    ),
    Mistake(
        "log of probabilities",
        "You take the logarithm of probabilities. They round to 0 and 1 where the decoder is sure, and log 0 is minus infinity: "
        "use the logits, as `binary_cross_entropy_with_logits` does.",
        bounds_with(pixels=lambda logits, x: _log_probability(logits, x, 0.0)),
        (
            bounds_with(pixels=lambda logits, x: _log_probability(logits, x, 1e-8)),
            bounds_with(pixels=lambda logits, x: Bernoulli(logits.sigmoid()).log_prob(x)),
            bounds_with(pixels=lambda logits, x: -binary_cross_entropy(logits.sigmoid(), x, reduction="none")),
        ),
    ),
    Mistake(
        "numbers exchanged",
        "elbo and log_px have changed places: return the ELBO first.",
        _changed(RIGHT, lambda elbo, log_px: (log_px, elbo)),
    ),
    Mistake(
        "loss in place of the bound",
        "This is what a training minimises, with the other sign. Asked for are bounds on log p(x): minus a loss in nats.",
        _changed(RIGHT, lambda elbo, log_px: (-elbo, -log_px)),
        (
            _changed(RIGHT, lambda elbo, log_px: (-elbo, log_px)),
            _changed(RIGHT, lambda elbo, log_px: (elbo, -log_px)),
        ),
    ),
    Mistake(
        "bits in place of nats",
        "A number of yours is in bits: nats divided by log 2. The course's models are compared in nats; convert at the "
        "end, once.",
        _changed(RIGHT, lambda elbo, log_px: (elbo / math.log(2), log_px / math.log(2))),
        (
            _changed(RIGHT, lambda elbo, log_px: (elbo / math.log(2), log_px)),
            _changed(RIGHT, lambda elbo, log_px: (elbo, log_px / math.log(2))),
        ),
    ),
    Mistake(
        "per pixel",
        "Your numbers are nats for each pixel. A bound on log p(x) is of a whole image: don't divide by the pixels.",
        lambda model, x, eps: _divided(RIGHT(model, x, eps), x[0].numel()),
    ),
    Mistake(
        "mean of the logs",
        "Your second number is a mean of log weights: the ELBO again, with more noise. Average the weights themselves, inside "
        "the logarithm.",
        bounds_with(log_px=lambda parts: parts.log_w.mean(0)),
    ),
    Mistake(
        "log k forgotten",
        "Your second number is the logarithm of the sum of the weights, so it passes log p(x) as k grows. Of their mean: take "
        "log k off.",
        bounds_with(log_px=lambda parts: torch.logsumexp(parts.log_w, 0)),
    ),
    Mistake(
        "prior left out of the weights",
        "log p(z) is missing in your log weights: w = p(x | z) p(z) / q(z | x).",
        bounds_with(log_px=lambda parts: log_mean_exp(parts.log_px_z - parts.log_qz)),
    ),
    Mistake(
        "q left out of the weights",
        "log q(z | x) must be taken off in your log weights. The codes come from q, so each is divided by its density there.",
        bounds_with(log_px=lambda parts: log_mean_exp(parts.log_px_z + parts.log_pz)),
        (bounds_with(log_px=lambda parts: log_mean_exp(parts.log_px_z + parts.log_pz + parts.log_qz)),),
    ),
    Mistake(
        "likelihood alone as weight",
        "Your weights are p(x | z) alone. That would do for codes from the prior; yours come from q, so w = p(x | z) p(z) / "
        "q(z | x).",
        bounds_with(log_px=lambda parts: log_mean_exp(parts.log_px_z)),
    ),
    Mistake(
        "density of the noise taken for that of the code",
        "Your log q(z | x) lacks - log sigma, or has it with the wrong sign. z = mu + sigma eps is spread by sigma, so the "
        "density of eps is divided by it in each dimension.",
        bounds_with(log_qz=lambda z, mu, logvar, eps: log_normal(eps, 0.0, torch.zeros_like(eps))),
        (bounds_with(log_qz=lambda z, mu, logvar, eps: log_normal(eps, 0.0, torch.zeros_like(eps)) + logvar.sum(-1) / 2),),
    ),
    Mistake(
        "constant of one density alone",
        "log q and log p(z) must both have their constant, -1/2 log 2 pi in each dimension, or neither.",
        bounds_with(log_qz=lambda z, mu, logvar, eps: log_normal(z, mu, logvar) + mu.shape[-1] * math.log(2 * math.pi) / 2),
        (
            bounds_with(
                log_qz=lambda z, mu, logvar, eps: log_normal(z, mu, logvar) - mu.shape[-1] * math.log(2 * math.pi) / 2
            ),
        ),
    ),
    Mistake(
        "KL in place of the log weights",
        "Your weights hold the KL in place of log q(z | x) - log p(z) at each draw. A mean does for the ELBO; each weight needs "
        "the densities at its own z.",
        bounds_with(log_px=lambda parts: log_mean_exp(parts.log_px_z - parts.kl)),
    ),
    Mistake(
        "exponentials underflow",
        "The formula is right on paper, but exp(-800) is 0 on a computer and log 0 is minus infinity. `torch.logsumexp` takes "
        "the largest log weight out first.",
        bounds_with(log_px=lambda parts: parts.log_w.exp().mean(0).log()),
        (bounds_with(log_px=lambda parts: parts.log_w.double().exp().mean(0).log()),),
    ),
)  # fmt: skip


def _divided(both: tuple[Tensor, Tensor], by: float) -> tuple[Tensor, Tensor]:
    return both[0] / by, both[1] / by
