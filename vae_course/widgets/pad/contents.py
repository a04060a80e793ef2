"""What the pad shows, in the one form that `pad.js` reads, in a notebook and in a page of its own."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from vae_course.widgets.pad.layers import PageDecoder, Precision, to_bytes
from vae_course.widgets.pad.plane import COLUMNS, Plane, class_numbers, labels, picture_sheet, reach

STEP = 0.05  # of an arrow key, on a plane that reaches to 3.5


@dataclass(frozen=True)
class PadContents:
    """`about` is what JSON can hold; `buffers` are the names and bytes of what it can't."""

    about: dict[str, Any]
    buffers: dict[str, bytes]


def contents(
    stack: PageDecoder | None,
    plane: Plane | None,
    *,
    shape: tuple[int, int],
    contours: list[dict[str, Any]],
    precision: Precision = "float32",
    reason: str = "",
) -> PadContents:
    """Everything that a pad needs.

    Args:
        stack: the decoder, or None where each picture comes from the kernel.
        plane: the images at their codes, or None.
        shape: height and width of a decoded picture.
        contours: of the prior, as `prior_contours` gives them.
        precision: of the weights; `to_bytes` says what each is.
        reason: why there is no stack.
    """
    extent = reach(plane)
    about = {
        "shape": list(shape),
        "layers": None if stack is None else stack.layers,
        "precision": precision,
        "reason": reason,
        "reach": extent,
        "step": STEP * max(1, round(extent / 3.5)),
        "contours": contours,
        "labels": labels(plane),
        "pictures": None if plane is None else [COLUMNS, *plane.pictures.shape[1:]],
    }
    buffers = {
        "weights": b"" if stack is None else to_bytes(stack, precision),
        "codes": b"" if plane is None else plane.codes.astype(np.dtype("<f4")).tobytes(),
        "classes": b"" if plane is None else class_numbers(plane),
        "sheet": b"" if plane is None else picture_sheet(plane.pictures),
    }
    return PadContents(about, buffers)
