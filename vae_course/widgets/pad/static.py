"""The pad as a picture, for pages on which nothing can be moved."""

from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Ellipse
from matplotlib.ticker import MaxNLocator
from torch import Tensor

from vae_course.plotting.arrays import decoded
from vae_course.plotting.figure import GREY, AltFigure, figure, tidy
from vae_course.plotting.images import tile
from vae_course.plotting.latent import latent_scatter
from vae_course.widgets.pad.plane import Plane, grid, reach

DIGITS = 13  # decoded pictures to a row and to a column


def picture(decode_mean: Callable[[Tensor], Tensor], plane: Plane | None, contours: list[dict[str, Any]]) -> AltFigure:
    """The codes in their plane beside what the decoder draws at points spread evenly over the same plane.

    Args:
        decode_mean: from codes `[B, 2]` to mean images `[B, 1, H, W]` in [0, 1].
        plane: the images at their codes, or None: then only the decoded pictures are shown.
        contours: of the prior, as `prior_contours` gives them.
    """
    extent = reach(plane)
    fig, axes = figure(1, 1 if plane is None else 2, width=4.0 if plane is None else 7.0, height=3.9)
    if plane is not None:
        _codes(axes[0, 0], plane, contours, extent)
    _digits(axes[0, -1], decode_mean, extent)
    for axis in (axis for ax in axes.flat for axis in (ax.xaxis, ax.yaxis)):
        axis.set_major_locator(MaxNLocator(5, integer=True))
    fig.alt = (
        f"{fig.alt} {DIGITS} by {DIGITS} images decoded from -{extent:g} to {extent:g} in both dimensions.".strip()
    )
    return fig


def _codes(ax: Axes, plane: Plane, contours: list[dict[str, Any]], extent: float) -> None:
    if plane.classes is None:
        ax.scatter(plane.codes[:, 0], plane.codes[:, 1], s=4, color=GREY, alpha=0.5, linewidths=0)
        tidy(ax)
    else:
        latent_scatter(plane.codes, plane.classes, ax=ax)
    for contour in contours:
        width, height = (2 * radius for radius in contour["radii"])
        ax.add_patch(Ellipse(contour["centre"], width, height, fill=False, color=GREY, linewidth=0.8, linestyle="--"))
    # "box" keeps the plane square, where `latent_scatter` alone would widen it.
    ax.set_aspect("equal", adjustable="box")
    ax.set(xlim=(-extent, extent), ylim=(-extent, extent), xlabel="z[0]", ylabel="z[1]")
    ax.set_title("Codes of real images", fontsize=11, loc="left")


def _digits(ax: Axes, decode_mean: Callable[[Tensor], Tensor], extent: float) -> None:
    pictures = decoded(decode_mean, grid(extent, DIGITS))
    mosaic = tile(pictures, DIGITS, above=[0] * DIGITS, gap=0)
    # Each picture is centred on its code, so those at the edge reach beyond it by half their width.
    edge = extent * (1 + 1 / (DIGITS - 1))
    ax.imshow(1 - np.clip(mosaic.sheet, 0, 1), cmap="gray", vmin=0, vmax=1, extent=(-edge, edge, -edge, edge))
    tidy(ax, title="What is decoded there", xlabel="z[0]", ylabel="z[1]")
    ax.grid(False)
