"""Encoders and decoders: plain `nn.Sequential` stacks from images to codes and back.

An encoder maps `[B, C, H, W]` to `[B, 2 D]`: mu and logvar side by side. A decoder maps `[B, D]` to pixel logits
`[B, C, H, W]`. Neither ends in an activation: means, log variances and logits may be any real number.
"""

import math
from collections.abc import Sequence
from itertools import pairwise

from torch import nn

Shape = tuple[int, int, int]


def mlp_encoder(latent_dim: int, *, hidden: Sequence[int] = (400,), shape: Shape = (1, 28, 28)) -> nn.Sequential:
    """A fully connected encoder, `[B, C, H, W]` to `[B, 2 D]`; with the defaults 784-400-(20 + 20) for D = 20.

    Raises:
        ValueError: latent_dim is below one.
    """
    _check_latent_dim(latent_dim)
    return nn.Sequential(nn.Flatten(), *_stack([math.prod(shape), *hidden, 2 * latent_dim]))


def mlp_decoder(latent_dim: int, *, hidden: Sequence[int] = (400,), shape: Shape = (1, 28, 28)) -> nn.Sequential:
    """A fully connected decoder, `[B, D]` to logits `[B, C, H, W]`; `hidden` is read from the encoder's side.

    Raises:
        ValueError: latent_dim is below one.
    """
    _check_latent_dim(latent_dim)
    return nn.Sequential(*_stack([latent_dim, *reversed(hidden), math.prod(shape)]), nn.Unflatten(1, shape))


def conv_encoder(latent_dim: int, *, channels: int = 32, shape: Shape = (1, 28, 28)) -> nn.Sequential:
    """A convolutional encoder, `[B, C, H, W]` to `[B, 2 D]`, that halves height and width twice.

    Raises:
        ValueError: latent_dim is below one, or height or width is not a multiple of four.
    """
    _check_latent_dim(latent_dim)
    small = _quarter(shape)
    return nn.Sequential(
        nn.Conv2d(shape[0], channels, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Conv2d(channels, 2 * channels, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(2 * channels * math.prod(small), 2 * latent_dim),
    )


def conv_decoder(latent_dim: int, *, channels: int = 32, shape: Shape = (1, 28, 28)) -> nn.Sequential:
    """A convolutional decoder, `[B, D]` to logits `[B, C, H, W]`, that doubles height and width twice.

    Raises:
        ValueError: latent_dim is below one, or height or width is not a multiple of four.
    """
    _check_latent_dim(latent_dim)
    small = _quarter(shape)
    return nn.Sequential(
        nn.Linear(latent_dim, 2 * channels * math.prod(small)),
        nn.ReLU(),
        nn.Unflatten(1, (2 * channels, *small)),
        nn.ConvTranspose2d(2 * channels, channels, 4, stride=2, padding=1),
        nn.ReLU(),
        nn.ConvTranspose2d(channels, shape[0], 4, stride=2, padding=1),
    )


def _stack(widths: Sequence[int]) -> list[nn.Module]:
    """Linear layers of these widths with a ReLU between each two."""
    layers: list[nn.Module] = []
    for n_in, n_out in pairwise(widths):
        layers += [nn.Linear(n_in, n_out), nn.ReLU()]
    return layers[:-1]


def _quarter(shape: Shape) -> tuple[int, int]:
    _, height, width = shape
    if height % 4 or width % 4:
        raise ValueError(f"The images are {height}x{width}: the convolutional networks need multiples of 4.")
    return height // 4, width // 4


def _check_latent_dim(latent_dim: int) -> None:
    if latent_dim < 1:
        raise ValueError(f"latent_dim is {latent_dim}: a VAE needs at least one latent dimension.")
