"""The plane of codes: where the images lie in it, which is nearest to a point, and how far the prior reaches."""

import io
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.distributions import Distribution, Independent, Normal

from vae_course.plotting.arrays import finite, images, in_evaluation, to_numpy
from vae_course.plotting.latent import CLASS_COLOURS, apart, densest

LEAST_REACH = 3.5  # from the centre to the edge; the circle of 99 % of the prior fits in
ROOM = 0.05  # least distance of two labels, as a share of the plane's width
SHARES = (0.5, 0.9, 0.99)  # of the prior, within each contour
GREYS = 16  # levels of the small pictures, which is enough for digits
COLUMNS = 50  # pictures to a row of their sheet


@dataclass(frozen=True)
class Plane:
    """Images at their codes.

    Args:
        codes: `[N, 2]`.
        pictures: `[N, H, W]` in [0, 1].
        positions: where each stands among the images that were given, `[N]`.
        classes: `[N]`, or None where they are not known.
    """

    codes: np.ndarray
    pictures: np.ndarray
    positions: np.ndarray
    classes: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.codes)

    def thinned(self, most: int) -> "Plane":
        """At most so many of the images, evenly spread over all."""
        at = np.unique(np.linspace(0, len(self) - 1, min(most, len(self))).round().astype(int))
        classes = None if self.classes is None else self.classes[at]
        return Plane(self.codes[at], self.pictures[at], self.positions[at], classes)


def place(model: Any, given: Any, codes: Any = None, *, most: int) -> Plane:
    """Images at the means of their posteriors, or at the codes given for them; at most so many.

    Args:
        model: with `encode(x) -> (mu, logvar)` where no codes are given.
        given: `Images`, or a tensor `[N, 1, H, W]` in [0, 1].
        codes: where the images lie, `[N, 2]`.
        most: how many images to keep; they are spread evenly over all.

    Raises:
        ValueError: the images are none, there is neither an encoder nor codes, or the codes are not `[N, 2]` or finite.
        TypeError: the pixels are whole numbers.
    """
    x = getattr(given, "x", given)
    pictures, classes = images(x, "images"), getattr(given, "y", None)
    if codes is None:
        if not hasattr(model, "encode"):
            raise ValueError("The model has no encoder, so give the codes too: LatentPad(model, images, codes=codes).")
        codes, _ = in_evaluation(model.encode, x)
    codes = to_numpy(codes.float() if isinstance(codes, Tensor) else codes).astype(np.float32)
    if codes.shape != (len(pictures), 2):
        raise ValueError(f"codes has shape {list(codes.shape)}: the pad needs two numbers for each image, [N, 2].")
    known = None if classes is None else to_numpy(classes)
    return Plane(finite(codes, "codes"), pictures, np.arange(len(pictures)), known).thinned(most)


def nearest(codes: np.ndarray, z: Any) -> int:
    """Which of the codes `[N, 2]` is nearest to z `[2]`; the first of several that are equally near."""
    return int(((codes - np.asarray(z, dtype=np.float32)) ** 2).sum(1).argmin())


def reach(plane: Plane | None) -> float:
    """From the centre to the edge of the plane: a multiple of one half that leaves room for every code."""
    furthest = 0.0 if plane is None else float(np.abs(plane.codes).max())
    return max(LEAST_REACH, math.ceil(2.04 * furthest) / 2)


def prior_contours(prior: Distribution | None) -> list[dict[str, Any]]:
    """Curves of equal prior density, each with the share of the prior inside; none for a prior that is not Gaussian.

    Of N(m, diag(s^2)) in two dimensions a share p lies inside the ellipse around m with the radii
    s sqrt(-2 log(1 - p)), because ((z - m) / s)^2 summed over both is chi-squared with two degrees of freedom.
    """
    if not (isinstance(prior, Independent) and isinstance(prior.base_dist, Normal)):
        return []
    mean, std = (to_numpy(t).reshape(-1)[:2].astype(float) for t in (prior.mean, prior.stddev))
    return [
        {"share": share, "centre": mean.tolist(), "radii": (std * math.sqrt(-2 * math.log(1 - share))).tolist()}
        for share in SHARES
    ]


def labels(plane: Plane | None) -> list[dict[str, Any]]:
    """Each class with its colour and the place where it is densest, moved a little where two would overlap."""
    if plane is None or plane.classes is None:
        return []
    names = np.unique(plane.classes)
    places = np.stack([densest(plane.codes[plane.classes == name]) for name in names])
    places = apart(places, ROOM * 2 * reach(plane))
    return [
        {"name": str(name), "colour": CLASS_COLOURS[int(name) % len(CLASS_COLOURS)], "at": at.round(3).tolist()}
        for name, at in zip(names, places, strict=True)
    ]


def class_numbers(plane: Plane) -> bytes:
    """For each image which of the `labels` it has, one byte each; nothing where the classes are not known."""
    if plane.classes is None:
        return b""
    return np.unique(plane.classes, return_inverse=True)[1].astype(np.uint8).tobytes()


def picture_sheet(pictures: np.ndarray) -> bytes:
    """All pictures `[N, H, W]` on one PNG in 16 greys, `COLUMNS` to a row; ink is black."""
    n, height, width = pictures.shape
    columns, rows = min(COLUMNS, n), -(-n // COLUMNS)
    levels = np.full((rows * columns, height, width), GREYS - 1, np.uint8)
    levels[:n] = np.rint((1 - pictures) * (GREYS - 1))
    sheet = levels.reshape(rows, columns, height, width).swapaxes(1, 2).reshape(rows * height, columns * width)
    image = Image.frombytes("P", sheet.shape[::-1], sheet.tobytes())
    image.putpalette([level * 255 // (GREYS - 1) for level in range(GREYS) for _ in range(3)])
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", optimize=True, bits=4)
    return buffer.getvalue()


def grid(extent: float, n: int) -> Tensor:
    """Codes `[n n, 2]` on an even grid, row after row from the top left of the plane to the bottom right."""
    axis = torch.linspace(-extent, extent, n)
    return torch.stack(torch.meshgrid(axis.flip(0), axis, indexing="ij")[::-1], dim=-1).reshape(-1, 2)
