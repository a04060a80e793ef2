"""Pictures of autoencoders: points projected onto a line, and the code plane with its holes."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from torch import Tensor

from vae_course.plotting.arrays import decoded, plane, to_numpy
from vae_course.plotting.figure import COLOURS, DPI, GREY, AltFigure, describe, headed, place, tidy
from vae_course.plotting.images import TINT, image_rows

__all__ = ["decoded_plane", "image_rows", "projections"]

SIDE = 560  # screen pixels of the decoded plane
LEFT, BOTTOM = 58, 48  # screen pixels around it, for its labels


def projections(points: Any, u: Any, *, title: str = "", ax: Axes | None = None) -> Figure:
    """Points in the plane, the line through their mean along u, and how far each is from its projection onto it.

    Args:
        points: `[N, 2]`.
        u: a direction `[2]` of length one.
        title: heading.
        ax: axes to draw on instead of a new figure.

    Raises:
        ValueError: the points are not `[N, 2]`, or u is not a direction of length one.
    """
    cloud, direction = plane(points, "points"), to_numpy(u).astype(float)
    if direction.shape != (2,) or abs(float(direction @ direction) - 1) > 1e-4:
        raise ValueError(f"u is {direction.tolist()}: give a direction [2] of length one.")
    fig, ax = place(ax, width=4.6, height=4.2)
    mean = cloud.mean(axis=0)
    feet = mean + np.outer((cloud - mean) @ direction, direction)
    reach = 1.1 * np.abs((cloud - mean) @ direction).max()
    ends = np.stack([mean - reach * direction, mean + reach * direction])
    for point, foot in zip(cloud, feet, strict=True):
        ax.plot(*np.stack([point, foot]).T, color=COLOURS[4], linewidth=1.2, zorder=1)
    ax.plot(*ends.T, color=GREY, linewidth=1.5, zorder=2)
    ax.scatter(feet[:, 0], feet[:, 1], s=14, marker="D", color="black", zorder=3)
    ax.scatter(cloud[:, 0], cloud[:, 1], s=26, color=COLOURS[0], zorder=3)
    tidy(ax, title=title, xlabel="first number", ylabel="second number")
    ax.set_aspect("equal", adjustable="datalim")
    error = float(((cloud - feet) ** 2).sum(axis=1).mean())
    text = (
        f"{len(cloud)} points, a line through their mean along ({direction[0]:.2f}, {direction[1]:.2f}), and a thin line"
        f" from each point to its projection; the mean squared distance is {error:.3f}."
    )
    return describe(fig, headed(title, text))


def decoded_plane(decode_mean: Callable[[Tensor], Tensor], z: Any, *, n: int = 20) -> AltFigure:
    """What the decoder draws at the centres of n x n cells over the box of the codes; cells without a code are tinted.

    Args:
        decode_mean: from codes `[B, 2]` to mean images `[B, 1, H, W]` in [0, 1].
        z: codes `[N, 2]`; their smallest and largest coordinates are the edges of the box.
        n: cells to a side.

    Raises:
        ValueError: z is not `[N, 2]` or has no extent, n is below two, or the decoder gives no images in [0, 1].
    """
    codes = plane(z, "z")
    if n < 2 or not (np.ptp(codes, axis=0) > 0).all():
        raise ValueError(f"n is {n} for codes {list(codes.shape)}: give two cells or more, and codes that differ.")
    counts, *edges = np.histogram2d(codes[:, 0], codes[:, 1], bins=n)
    across, up = ((edge[:-1] + edge[1:]) / 2 for edge in edges)
    # Row by row from the top left corner, as pictures are laid out.
    centres = np.stack([np.tile(across, n), np.repeat(up[::-1], n)], axis=1)
    pictures = decoded(decode_mean, torch.as_tensor(centres, dtype=torch.float32))
    holes = counts.T[::-1] == 0
    fig, ax = _frame()
    extent = (edges[0][0], edges[0][-1], edges[1][0], edges[1][-1])
    ax.imshow(_tinted(pictures, holes), extent=extent, aspect="auto", interpolation="antialiased")
    ax.set_xlabel("z[0]", fontsize=10)
    ax.set_ylabel("z[1]", fontsize=10)
    text = (
        f"{n} by {n} decoded images over the box of {len(codes)} codes, z[0] from {extent[0]:.1f} to {extent[1]:.1f} and"
        f" z[1] from {extent[2]:.1f} to {extent[3]:.1f}. Tinted: the {100 * holes.mean():.0f} % of the cells that hold"
        " no code."
    )
    return describe(fig, text)


def _tinted(pictures: np.ndarray, holes: np.ndarray) -> np.ndarray:
    """The pictures `[n * n, H, W]` as one sheet in colour, dark on white, or on the tint where holes is true."""
    n, (height, width) = len(holes), pictures.shape[1:]
    paper = np.where(holes[..., None], np.array(to_rgb(TINT)), 1.0)
    cells = paper[:, None, :, None] * (1 - pictures.reshape(n, n, height, width).transpose(0, 2, 1, 3))[..., None]
    return cells.reshape(n * height, n * width, 3)


def _frame() -> tuple[AltFigure, Axes]:
    """A figure with axes of SIDE by SIDE screen pixels."""
    width, height = LEFT + SIDE + 12, BOTTOM + SIDE + 12
    fig = AltFigure(figsize=(width / DPI, height / DPI), dpi=DPI, facecolor="white")
    ax = fig.add_axes((LEFT / width, BOTTOM / height, SIDE / width, SIDE / height))
    ax.tick_params(labelsize=9, color=GREY)
    return fig, ax
