"""Codes for images of which only a part, or a spoilt copy, is known: by ascent to the best one, or by drawing from all.

What is known enters as one function, `log_known(z)`: log p(known | z) for codes z `[..., D]`, up to a constant. Then

    log p(z | known) = log_known(z) + log p(z) + constant,   p(z) = N(0, I).

`ascend` climbs to its maximum (MAP), `langevin` walks through it.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

LogKnown = Callable[[Tensor], Tensor]
Decode = Callable[[Tensor], Tensor]


def seen_log_prob(decode: Decode, x: Tensor, seen: Tensor) -> LogKnown:
    """log p(x_seen | z) = sum over the seen pixels of log Bernoulli(x_i; sigmoid(l_i)), nats.

    Args:
        decode: from codes `[..., D]` to logits l `[..., C, H, W]`.
        x: images `[B, C, H, W]`; what stands in the pixels that are not seen does not matter.
        seen: 1 for a pixel that is seen, 0 for one that is not; anything that broadcasts to x.
    """

    def log_known(z: Tensor) -> Tensor:
        logits = decode(z)
        return (seen * -F.binary_cross_entropy_with_logits(logits, x.expand_as(logits), reduction="none")).sum(
            (-3, -2, -1)
        )

    return log_known


def flipped_log_prob(decode: Decode, noisy: Tensor, rate: float) -> LogKnown:
    """log p(noisy | z) of images in which each pixel was flipped with probability `rate`, nats.

    p(noisy_i = 1 | z) = (1 - rate) sigmoid(l_i) + rate (1 - sigmoid(l_i)),  l = decode(z)

    Raises:
        ValueError: the rate is not between 0 and 1/2.
    """
    if not 0 < rate < 0.5:
        raise ValueError(f"rate is {rate}: give the share of flipped pixels, above 0 and below 1/2.")

    def log_known(z: Tensor) -> Tensor:
        p = rate + (1 - 2 * rate) * torch.sigmoid(decode(z))
        return torch.where(noisy > 0.5, p, 1 - p).log().sum((-3, -2, -1))

    return log_known


def unflipped(logits: Tensor, noisy: Tensor, rate: float) -> Tensor:
    """p(x_i = 1 | noisy_i, z): the decoder's probability of a pixel, after its flipped copy was seen too.

    log odds of x_i = logits_i + log((1 - rate) / rate) * (2 noisy_i - 1)
    """
    return torch.sigmoid(logits + math.log((1 - rate) / rate) * (2 * noisy - 1))


def ascend(log_known: LogKnown, z: Tensor, *, steps: int = 200, lr: float = 0.05) -> Tensor:
    """The code of each example that is most probable given what is known (MAP), `[B, D]`, by Adam from `z`.

    Raises:
        ValueError: steps is below one.
    """
    if steps < 1:
        raise ValueError(f"steps is {steps}: take one or more.")
    z = z.detach().clone().requires_grad_()
    optimizer = torch.optim.Adam([z], lr=lr)
    for _ in range(steps):
        (gradient,) = torch.autograd.grad(-_log_target(log_known, z).sum(), z)
        z.grad = gradient
        optimizer.step()
    return z.detach()


class Walk(NamedTuple):
    """Codes of a random walk, `[S, B, D]`, and the share of its steps that were accepted, `[B]`."""

    z: Tensor
    accepted: Tensor


def langevin(
    log_known: LogKnown,
    z: Tensor,
    *,
    steps: int,
    step_size: float = 0.1,
    keep: int = 20,
    generator: torch.Generator | None = None,
) -> Walk:
    """Draws from p(z | known) by a Metropolis-adjusted Langevin walk that begins at `z` `[B, D]`.

    proposal: z' = z + h^2 / 2 * gradient + h * noise;  accepted with the probability that keeps p(z | known) as it is.

    Args:
        log_known: log p(known | z).
        z: where each walk begins.
        steps: steps of each walk; the first half is thrown away.
        step_size: h.
        keep: how many codes of the second half are kept, evenly spaced.
        generator: source of the noise.

    Raises:
        ValueError: keep is not between 1 and half of the steps.

    Source: G. Roberts and R. Tweedie, Exponential convergence of Langevin distributions (1996).
    """
    if not 1 <= keep <= steps // 2:
        raise ValueError(f"keep is {keep} of {steps} steps: give 1 to half as many as there are steps.")
    kept, accepted = [], torch.zeros(len(z))
    places = {steps - 1 - round(i * (steps - steps // 2) / keep) for i in range(keep)}
    z, log_p, gradient = _with_gradient(log_known, z)
    for step in range(steps):
        noise = torch.randn(z.shape, generator=generator, dtype=z.dtype)
        mean = z + 0.5 * step_size**2 * gradient
        new, new_log_p, new_gradient = _with_gradient(log_known, mean + step_size * noise)
        back = (z - new - 0.5 * step_size**2 * new_gradient).square().sum(-1) / (2 * step_size**2)
        log_ratio = new_log_p - log_p - back + 0.5 * noise.square().sum(-1)
        yes = torch.rand(len(z), generator=generator).log() < log_ratio
        z, gradient = (torch.where(yes[:, None], a, b) for a, b in ((new, z), (new_gradient, gradient)))
        log_p, accepted = torch.where(yes, new_log_p, log_p), accepted + yes
        if step in places:
            kept.append(z)
    return Walk(torch.stack(kept), accepted / steps)


def _log_target(log_known: LogKnown, z: Tensor) -> Tensor:
    return log_known(z) - 0.5 * z.square().sum(-1)


def _with_gradient(log_known: LogKnown, z: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    z = z.detach().requires_grad_()
    log_p = _log_target(log_known, z)
    (gradient,) = torch.autograd.grad(log_p.sum(), z)
    return z.detach(), log_p.detach(), gradient
