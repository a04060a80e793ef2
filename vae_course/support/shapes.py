"""Shapes that networks take."""

import torch
from torch import Tensor


def check_images(x: Tensor, shape: tuple[int, ...]) -> None:
    """Nothing, where x is a batch of floating-point images of this shape, `[B, *shape]`.

    Raises:
        ValueError: it is not.
        TypeError: x holds integers.
    """
    if not x.is_floating_point():
        raise TypeError(f"x holds {x.dtype}: give floating-point pixels in [0, 1], for example x.float() / 255.")
    if x.dim() != 1 + len(shape) or tuple(x.shape[1:]) != shape:
        expected = ", ".join(str(n) for n in shape)
        raise ValueError(f"x has shape {list(x.shape)} but this model takes batches of images [B, {expected}].")


def check_codes(z: Tensor, latent_dim: int) -> None:
    """Nothing, where z holds codes `[..., D]` of this length.

    Raises:
        ValueError: it does not.
    """
    if z.dim() == 0 or z.shape[-1] != latent_dim:
        raise ValueError(
            f"z has shape {list(z.shape)} but this model's codes have {latent_dim} numbers on the last axis."
        )


def check_labels(y: Tensor, batch: torch.Size, n_classes: int) -> None:
    """Nothing, where y holds classes for examples of this batch shape: `[B]`, one for each along the last axis, or `[]` for all.

    Raises:
        ValueError: there is not one class for each, or a class is not among 0, ..., n_classes - 1.
        TypeError: y does not hold whole numbers.
    """
    if y.is_floating_point() or y.is_complex() or y.dtype == torch.bool:
        raise TypeError(f"y holds {y.dtype}: give classes as whole numbers, for example y.long().")
    if y.dim() > 1 or (y.dim() == 1 and y.shape != batch[-1:]):
        raise ValueError(
            f"y has shape {list(y.shape)} for {list(batch)} examples: give one class for each, or a single one for all."
        )
    if y.numel() and not (0 <= y.min() and y.max() < n_classes):
        raise ValueError(f"y runs from {y.min()} to {y.max()}: this model knows the classes 0 to {n_classes - 1}.")
