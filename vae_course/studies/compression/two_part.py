"""The code that bits back improves on: send z in full, then x given z, and get nothing back."""

import torch
from torch import Tensor

from vae_course.models import VAE
from vae_course.studies.compression.bits_back import Networks
from vae_course.studies.compression.stack import Stack


def two_part_encode(model: VAE, x: Tensor, *, precision: int = 1) -> bytes:
    """The words of a stack with x pushed under p(x | z), and z, the rounded posterior mean, under the prior.

    length = -log2 p(x | z) - log2 P(z), P(z) = the prior's share of z's step. A finer grid costs a bit more for each
    dimension and halving; a coarser one misses the good codes. Half steps are about the best.
    """
    networks, stack = Networks(model), Stack(precision=precision)
    for part in x.split(100):
        mean, std = networks.posterior(part)
        k = torch.from_numpy(mean * stack.scale).round().numpy()
        stack.push_pixels(part.flatten().numpy(), networks.logits(k / stack.scale))
        stack.push_code(k, 0 * mean, 0 * std + 1)
    return stack.words().astype("<u4").tobytes()
