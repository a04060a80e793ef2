"""Bits back with asymmetric numeral systems: many images as one message, near -ELBO bits each, decoded bit for bit.

The sender, for each image x: pops z with q(z | x), pushes x with p(x | z), pushes z with p(z).
The receiver undoes it from the end: pops z with p(z), pops x with p(x | z), pushes z with q(z | x).

    net length = -log2 p(x | z) - log2 p(z) + log2 q(z | x),   on average -ELBO / log 2.

Both must use exactly the same probabilities. The networks run in float64 and their outputs are rounded to a coarse grid,
so that another order of summation (other threads, another batch, another machine) does not change what is coded.

Source: J. Townsend, T. Bird and D. Barber, Practical Lossless Compression with Latent Variables using Bits Back Coding
(2019); there the codes lie on a grid of equal prior mass, here on an even grid.
"""

import copy
import math
import zlib
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from vae_course.models import VAE
from vae_course.studies.compression.message import Message, from_bytes
from vae_course.studies.compression.stack import REACH, Array, CompressionError, OutOfBits, Stack

# Outputs of the networks are rounded to this grid. A sum in float64 is off by some 1e-14 when its order changes, so a
# number lies close enough to a rounding edge once in 1e11 numbers; in float32 it would be once in a thousand or so.
GRID = 2.0**-10
_FEWEST_WORDS, _MOST_WORDS = 4, 2**22


@dataclass(frozen=True)
class Decoded:
    """What a receiver gets: the images `[N, C, H, W]` of zeros and ones, and the words that the sender began with."""

    x: Tensor
    initial: Array


def encode(model: VAE, x: Tensor, *, block: int = 8, precision: int = 6, seed: int = 0) -> bytes:
    """Images of zeros and ones as one message.

    Args:
        model: the VAE that sender and receiver share.
        x: images `[N, C, H, W]`, each pixel 0 or 1.
        block: images that are coded together, 1 to 255: more are faster, and need more initial bits.
        precision: codes lie on a grid of steps 2^-precision, 1 to 16.
        seed: of the random words that the stack begins with; as few as will do are taken.

    Raises:
        CompressionError: x is empty, has another shape than the model's images or pixels other than 0 and 1, or block
            or precision is out of its range.
    """
    _check(model, x, block, precision)
    networks, words = Networks(model), _FEWEST_WORDS
    while True:
        try:
            stack = Stack(initial_words(words, seed=seed), precision=precision)
            for part in reversed(x.split(block)):
                _push(stack, networks, part)
            return Message(stack.words(), len(x), precision, block, _checksum(x)).to_bytes()
        except OutOfBits:
            words *= 2
            if words > _MOST_WORDS:
                raise


def decode(model: VAE, message: bytes, *, verify: bool = True) -> Decoded:
    """The images of a message, bit for bit, and the random words that the sender began with.

    With `verify=False` it gives whatever comes out when the model is not the sender's: rubbish, as far as it goes.

    Raises:
        CompressionError: the message is damaged, or was made with another model.
    """
    sent = from_bytes(message)
    networks, stack = Networks(model), Stack(sent.words, precision=sent.precision)
    parts: list[Tensor] = []
    for done in range(0, sent.images, sent.block):
        try:
            parts.append(_pop(stack, networks, min(sent.block, sent.images - done)))
        except OutOfBits:
            break
    x = torch.cat(parts) if parts else torch.empty(0, *networks.model.shape)
    if verify and (len(x) != sent.images or _checksum(x) != sent.pixels):
        raise CompressionError(
            "These are not the images that were sent: the model differs from the sender's, or computes other numbers."
            " Use the very same weights."
        )
    return Decoded(x, stack.words())


def initial_words(n: int, *, seed: int = 0) -> Array:
    """n random words, `[n]` of uint32, the last not zero: what the stack begins with."""
    words = np.random.default_rng(seed).integers(0, 2**32, n, dtype=np.uint32)
    words[-1:] |= np.uint32(1)
    return words


def two_part_encode(model: VAE, x: Tensor, *, precision: int = 1) -> bytes:
    """What bits back improves on: a stack with x pushed under p(x | z), and z, the rounded posterior mean, under the prior.

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


class Networks:
    """A model's networks in float64 on the CPU, with outputs on a grid, as flat arrays: what both sides must share."""

    def __init__(self, model: VAE) -> None:
        self.model = copy.deepcopy(model).cpu().double().eval()

    @torch.no_grad()
    def posterior(self, x: Tensor) -> tuple[Array, Array]:
        """Means and standard deviations of q(z | x), flat."""
        mu, logvar = self.model.encode(x.double())
        # The edges only matter for a broken encoder: any numbers that both sides share are right, some cost more.
        mu, log_std = mu.clamp(-REACH, REACH), (0.5 * logvar).clamp(-math.log(256), math.log(4))
        return _rounded(mu), np.exp(_rounded(log_std))

    @torch.no_grad()
    def logits(self, z: Array) -> Array:
        """Log odds of all pixels, flat, for flat codes z."""
        return _rounded(self.model.decode(torch.from_numpy(z).view(-1, self.model.latent_dim)))


def _push(stack: Stack, networks: Networks, x: Tensor) -> None:
    """One block of images: pop z with q, push x with p(x | z), push z with the prior."""
    mean, std = networks.posterior(x)
    k = stack.pop_code(mean, std)
    stack.push_pixels(x.flatten().numpy(), networks.logits(k / stack.scale))
    stack.push_code(k, np.zeros_like(mean), np.ones_like(std))


def _pop(stack: Stack, networks: Networks, n: int) -> Tensor:
    """The same from the end: pop z with the prior, pop x with p(x | z), push z with q, which gives the bits back."""
    zeros = np.zeros(n * networks.model.latent_dim)
    k = stack.pop_code(zeros, zeros + 1)
    pixels = stack.pop_pixels(networks.logits(k / stack.scale))
    x = torch.from_numpy(pixels).float().view(n, *networks.model.shape)
    stack.push_code(k, *networks.posterior(x))
    return x


def _rounded(values: Tensor) -> Array:
    array = values.flatten().numpy()
    if not np.isfinite(array).all():
        raise CompressionError("The model gives NaN or infinity: train it again, or load weights that are not damaged.")
    return np.round(array / GRID) * GRID


def _checksum(x: Tensor) -> int:
    return zlib.crc32(np.packbits(x.flatten().numpy().astype(bool)).tobytes())


def _check(model: VAE, x: Tensor, block: int, precision: int) -> None:
    if x.shape[1:] != model.shape or not len(x):
        expected = ", ".join(map(str, model.shape))
        raise CompressionError(f"x has shape {list(x.shape)}: give one image or more, [N, {expected}].")
    if not ((x == 0) | (x == 1)).all():
        raise CompressionError(
            "x has pixels other than 0 and 1: this coder is for binarised images, see data.binarize."
        )
    if not (1 <= block <= 255 and 1 <= precision <= 16):
        raise CompressionError(f"block is {block} and precision {precision}: give 1 to 255, and 1 to 16.")
