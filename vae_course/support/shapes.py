"""Shapes that networks take."""

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
