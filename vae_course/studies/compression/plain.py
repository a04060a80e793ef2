"""What everyone has for images of zeros and ones: PNG, deflate, and an arithmetic coder with a mean for each pixel."""

import io
import zlib

import constriction
import numpy as np
import torch
from PIL import Image
from torch import Tensor

from vae_course.studies.compression.stack import Array


def packed(x: Tensor) -> bytes:
    """The pixels themselves, eight to a byte."""
    return np.packbits(_bits(x)).tobytes()


def zlib_packed(x: Tensor) -> bytes:
    """The packed pixels, deflated as gzip does at its best level (without gzip's own header of 18 bytes)."""
    return zlib.compress(packed(x), level=9)


def png(x: Tensor) -> bytes:
    """One PNG file with one bit for a pixel; several images `[N, 1, H, W]` lie in it below each other."""
    buffer = io.BytesIO()
    sheet = _bits(x).reshape(-1, x.shape[-1])
    Image.fromarray(sheet).save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()


def bernoulli_encode(x: Tensor, means: Tensor) -> bytes:
    """Images `[N, ...]` by an arithmetic (range) coder that gives each pixel its own probability, `means` `[...]`.

    length = -sum log2 p(x_i), p = means, kept between 1/65536 and 1 - 1/65536 so that nothing is impossible.
    """
    encoder = constriction.stream.queue.RangeEncoder()
    encoder.encode(
        _bits(x).ravel().astype(np.int32), constriction.stream.model.Bernoulli(perfect=False), _repeated(means, len(x))
    )
    return encoder.get_compressed().astype("<u4").tobytes()


def bernoulli_decode(message: bytes, means: Tensor, n: int) -> Tensor:
    """The n images of `bernoulli_encode`, `[n, ...]`."""
    decoder = constriction.stream.queue.RangeDecoder(np.frombuffer(message, "<u4").astype(np.uint32))
    pixels = decoder.decode(constriction.stream.model.Bernoulli(perfect=False), _repeated(means, n))
    return torch.from_numpy(pixels).float().view(n, *means.shape)


def _bits(x: Tensor) -> Array:
    return x.numpy().astype(bool)


def _repeated(means: Tensor, n: int) -> Array:
    p = np.clip(means.double().flatten().numpy(), 2.0**-16, 1 - 2.0**-16)
    return np.tile(np.round(p * 2**16) / 2**16, n)
