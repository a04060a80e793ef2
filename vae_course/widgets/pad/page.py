"""A pad as one file of HTML, which works from disk, without a kernel and without a network."""

import base64
import html
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from vae_course.plotting.arrays import decoded
from vae_course.widgets.pad.contents import PadContents, contents
from vae_course.widgets.pad.layers import PageDecoder, rounded, run
from vae_course.widgets.pad.plane import Plane, grid, reach

HERE = Path(__file__).parent
MOST_BYTES = 1_000_000
MOST_ERROR = 0.001  # a pixel, a quarter of a grey level of 255
IMAGES = (2000, 1000, 500, 250, 100, 0)  # as many of the real images as there is room for
SIDE = 41  # codes to a side of the grid on which the error is measured


def rounding_error(stack: PageDecoder, decode_mean: Callable[[Tensor], Tensor], extent: float) -> float:
    """The largest difference of a pixel between the stack in 16 bits and the model, over the whole plane."""
    z = grid(extent, SIDE)
    exact = decoded(decode_mean, z).reshape(len(z), -1)
    return float(np.abs(run(rounded(stack), z) - exact).max())


def page(
    stack: PageDecoder,
    plane: Plane | None,
    decode_mean: Callable[[Tensor], Tensor],
    *,
    shape: tuple[int, int],
    contours: list[dict[str, Any]],
    title: str,
) -> str:
    """The page as text: the decoder in 16 bits, and as many real images as fit into `MOST_BYTES`.

    Raises:
        ValueError: the decoder is too large for that, or rounding changes a pixel by more than `MOST_ERROR`.
    """
    error = rounding_error(stack, decode_mean, reach(plane))
    if not error <= MOST_ERROR:
        raise ValueError(
            f"With weights of 16 bits a pixel of this decoder would be off by {error:.2g}, more than {MOST_ERROR}: some "
            "weights are far larger than the others, so train it with a smaller learning rate."
        )
    text = ""
    for most in IMAGES:
        shown = plane.thinned(most) if plane is not None and most else None
        parts = contents(stack, shown, shape=shape, contours=contours, precision="scaled16")
        text = _fill(parts, title, _fine_print(stack, error))
        if len(text.encode()) < MOST_BYTES:
            return text
    raise ValueError(
        f"The decoder has {stack.size:,} weights, so its page would have {len(text.encode()) / 1e6:.1f} MB and not stay "
        "under 1 MB: train one with smaller hidden layers, for example VAE.mlp(2, hidden=(200, 100))."
    )


def _fill(parts: PadContents, title: str, fine_print: str) -> str:
    """The template with its contents."""
    encoded = {name: base64.b64encode(data).decode("ascii") for name, data in parts.buffers.items()}
    # No "<" may stand in a script, or a browser might take it for the script's end.
    data = json.dumps({"about": parts.about, "buffers": encoded}, separators=(",", ":")).replace("<", "\\u003c")
    fields = {
        "TITLE": html.escape(title),
        "FINE_PRINT": html.escape(fine_print),
        "CSS": _read("pad.css"),
        "JS": _read("pad.js"),
        "DATA": data,
    }
    # In one pass, or a title such as "%%DATA%%" would be filled too.
    return re.sub("%%([A-Z_]+)%%", lambda field: fields[field[1]], _read("page.html"))


def _fine_print(stack: PageDecoder, error: float) -> str:
    widths = "-".join(str(width) for width in stack.widths)
    return (
        f"A {widths} decoder with {stack.size:,} weights of 16 bits: at {SIDE**2:,} codes across the plane that "
        f"moves no pixel by more than {_rounded_up(error)} of the range from white to black. It runs in this page alone: "
        "nothing is loaded or sent."
    )


def _rounded_up(error: float) -> str:
    """One digit, never less than the error itself."""
    for digits in range(2, 6):
        step = 10.0**-digits
        if error >= step:
            return f"{np.ceil(error / step) * step:.{digits}f}"
    return "0.00001"


def _read(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")
