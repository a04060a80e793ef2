"""Pictures as PNG bytes, fast enough to follow a slider: 1 ms for a digit, 30 for a matplotlib figure."""

import io
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from torch import Tensor

from vae_course.plotting.arrays import decoded, images
from vae_course.plotting.figure import AltFigure
from vae_course.plotting.images import tile

SIDE = 196  # screen pixels of a picture, about: 7 for each pixel of a digit


def to_png(picture: Any) -> bytes:
    """A grey picture `[1, H, W]` or `[H, W]` in [0, 1] as a PNG file, each pixel a square; 1 is black ink.

    Raises:
        TypeError: the pixels are whole numbers.
        ValueError: it is no single picture, or holds NaN or values outside [0, 1].
    """
    pixels = images(picture[None], "picture")
    if len(pixels) != 1:
        raise ValueError(f"picture has shape {list(picture.shape)}: give one picture, [1, H, W] or [H, W].")
    levels = np.rint(255 * (1 - pixels[0])).astype(np.uint8)
    scale = max(1, SIDE // max(levels.shape))
    squares = Image.fromarray(levels.repeat(scale, axis=0).repeat(scale, axis=1))
    buffer = io.BytesIO()
    squares.save(buffer, format="PNG", compress_level=1)
    return buffer.getvalue()


def mosaic(x: Any, *, ncols: int = 6) -> np.ndarray:
    """Images `[N, 1, H, W]` as one picture without gaps, `ncols` to a row, blank where a row is not full."""
    pictures = images(x)
    return tile(pictures, ncols, above=[0] * -(-len(pictures) // ncols), gap=0).sheet.astype(np.float32)


def render(decode_mean: Callable[[Tensor], Tensor], z: Sequence[float] | Tensor) -> bytes:
    """The mean image of one code, as a PNG file.

    Args:
        decode_mean: from codes `[1, D]` to mean images `[1, 1, H, W]` in [0, 1], such as `VAE.decode_mean`.
        z: the code, `[D]`.

    Raises:
        ValueError: the decoder gives something other than one grey image in [0, 1].
    """
    code = torch.as_tensor(z, dtype=torch.float32)
    return to_png(decoded(decode_mean, code[None])[0])


def drawn(drawing: AltFigure) -> Image.Image:
    """The figure's pixels."""
    canvas = FigureCanvasAgg(drawing)
    canvas.draw()
    return Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")


def png(drawing: AltFigure) -> bytes:
    """The figure as a PNG file, made for speed rather than for size, with its text alternative as its description."""
    buffer, told = io.BytesIO(), PngInfo()
    told.add_text("Description", drawing.alt)
    drawn(drawing).save(buffer, format="PNG", compress_level=1, pnginfo=told)
    return buffer.getvalue()
