"""Turn what a caller passes into clean NumPy arrays, or say in one sentence what is wrong with it."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from vae_course.support.state import evaluating


def to_numpy(values: Any) -> np.ndarray:
    """A NumPy array of a tensor on any device, with or without gradients, or of anything array-like."""
    if isinstance(values, torch.Tensor):
        return values.detach().cpu().numpy()
    return np.asarray(values)


def numbers(values: Any, name: str) -> np.ndarray:
    """A one-dimensional array of finite floats.

    Raises:
        ValueError: the values are empty, have more than one axis, or are not finite.
    """
    array = to_numpy(values).astype(float)
    if array.ndim != 1:
        raise ValueError(f"{name} has shape {list(array.shape)}: give one row of numbers, [N].")
    return finite(array, name)


def finite(array: np.ndarray, name: str) -> np.ndarray:
    """The array itself, once it is known to hold finite numbers.

    Raises:
        ValueError: the array is empty or holds NaN or infinity.
    """
    if array.size == 0:
        raise ValueError(f"{name} is empty: there is nothing to draw.")
    bad = array.size - int(np.isfinite(array).sum())
    if bad:
        raise ValueError(f"{name} holds NaN or infinity in {bad} of {array.size} places: find where they arise first.")
    return array


def aligned(
    x: Any, ys: Mapping[str, Any], *, name: str = "x", places: str = "positions x"
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """The places `[N]` and the curves over them as arrays, once there is a value for each place.

    Raises:
        ValueError: a curve has another length than x, or a value is not finite.
    """
    at, curves = numbers(x, name), {curve: numbers(y, curve) for curve, y in ys.items()}
    for curve, y in curves.items():
        if len(y) != len(at):
            raise ValueError(f"{curve} has {len(y)} values for {len(at)} {places}: give one for each.")
    return at, curves


def plane(values: Any, name: str, *, what: str = "points") -> np.ndarray:
    """Points `[N, 2]` as floats.

    Raises:
        ValueError: the shape is another, there are none, or one is not finite.
    """
    array = to_numpy(values).astype(float)
    if array.ndim != 2 or array.shape[1] != 2:
        raise ValueError(f"{name} has shape {list(array.shape)}: give {what} in the plane, [N, 2].")
    return finite(array, name)


def classes(y: Any, n: int) -> np.ndarray:
    """One class for each of n codes, whole numbers `[N]`.

    Raises:
        ValueError: the shape is another, or they are no whole numbers.
    """
    array = to_numpy(y)
    if array.shape != (n,) or not np.issubdtype(array.dtype, np.integer):
        raise ValueError(
            f"y has shape {list(array.shape)} and type {array.dtype}: give one whole number for each of the {n} codes."
        )
    return array


def images(x: Any, name: str = "x", *, colour: bool = False) -> np.ndarray:
    """Grey images `[N, H, W]` of floats in [0, 1], from `[N, 1, H, W]` or `[N, H, W]`; with `colour` also those of red, green
    and blue, `[N, H, W, 3]` from `[N, 3, H, W]`.

    Raises:
        TypeError: the pixels are whole numbers, such as 0..255.
        ValueError: the shape is not one of images, there are none, or pixels are NaN or outside [0, 1].
    """
    array = to_numpy(x)
    if array.ndim == 4 and array.shape[1] == 1:
        array = array[:, 0]
    in_colour = colour and array.ndim == 4 and array.shape[1] == 3
    if array.ndim != 3 and not in_colour:
        more = ", or colour images as [N, 3, H, W]" if colour else ""
        raise ValueError(f"{name} has shape {list(array.shape)}: give grey images as [N, 1, H, W]{more}.")
    if not np.issubdtype(array.dtype, np.floating):
        raise TypeError(f"{name} holds {array.dtype} pixels: give floats in [0, 1], for example {name}.float() / 255.")
    finite(array, name)
    low, high = float(array.min()), float(array.max())
    # Resizing and float16 may leave a pixel a hair outside.
    if low < -1e-3 or high > 1 + 1e-3:
        raise ValueError(
            f"{name} has pixels from {low:.3g} to {high:.3g}: give values in [0, 1]; logits need "
            "torch.sigmoid first, and grey levels up to 255 need a division by 255."
        )
    return np.clip(np.moveaxis(array, 1, -1) if in_colour else array, 0.0, 1.0)


def decoded(decode_mean: Callable[[Tensor], Tensor], z: Tensor) -> np.ndarray:
    """Mean images `[N, H, W]` of codes `[N, D]`; see `in_evaluation` for the rest.

    Raises:
        ValueError: the decoder gives something other than N grey images in [0, 1].
    """
    pictures = images(in_evaluation(decode_mean, z), "decode_mean(z)")
    if len(pictures) != len(z):
        raise ValueError(f"decode_mean(z) gives {len(pictures)} images for {len(z)} codes: it must give one for each.")
    return pictures


def in_evaluation(function: Callable[[Tensor], Any], values: Tensor) -> Any:
    """What a function gives for a tensor, without gradients.

    For a method of a module the tensor goes to where its weights are, and the module is in evaluation mode meanwhile.
    """
    owner = getattr(function, "__self__", None)
    with evaluating(owner):
        return function(values.to(next(owner.parameters(), values)) if isinstance(owner, nn.Module) else values)
