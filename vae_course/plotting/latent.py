"""Inside a plane of codes: the classes, posteriors, all of them together beside the prior, and the unit square."""

import math
from collections.abc import Callable, Mapping
from typing import Any

import matplotlib.patheffects as effects
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.collections import EllipseCollection
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Rectangle
from torch import Tensor

from vae_course.plotting.arrays import classes, decoded, finite, plane, to_numpy
from vae_course.plotting.figure import COLOURS, GREY, AltFigure, describe, figure, headed, one_panel, place, tidy
from vae_course.plotting.images import grid_axis, marked_pairs, tile

__all__ = [
    "CLASS_COLOURS",
    "apart",
    "densest",
    "latent_scatter",
    "marked_pairs",
    "planes",
    "posterior_ellipses",
    "squares",
    "unit_square",
]

PRIOR_SHARES = (0.5, 0.9, 0.99)
# Okabe and Ito's seven and three more, of which each two differ for normal and for red-, green- or blue-blind
# eyes. The order keeps digits with neighbouring codes (4 and 9; 3, 5 and 8) far apart in colour.
CLASS_COLOURS = (
    "#0072B2",
    "#D55E00",
    "#C7A76C",
    "#CC79A7",
    "#E69F00",
    "#56B4E9",
    "#000000",
    "#882255",
    "#332288",
    "#009E73",
)
MANY = 1500  # points from which on large glyphs would hide one another
ROOM = 0.055  # least distance of two badges, as a share of the picture


def latent_scatter(mu: Any, y: Any, *, title: str = "", alt: str | None = None, ax: Axes | None = None) -> Figure:
    """Codes in the plane, each drawn as the digit of its class, and a large digit where the class is densest.

    Args:
        mu: posterior means `[N, 2]`.
        y: classes `[N]`, whole numbers.
        title: heading.
        alt: text alternative; made from the densest places when left out.
        ax: axes to draw on instead of a new figure.

    Raises:
        ValueError: mu is not `[N, 2]`, or empty or not finite; or y does not hold N whole numbers.
    """
    codes, kinds = plane(mu, "mu", what="codes"), classes(y, len(mu))
    fig, ax = place(ax, width=6.2, height=5.8)
    size, alpha = (28, 0.7) if len(codes) < MANY else (16, 0.45)
    labels = np.unique(kinds)
    for label in labels:
        members = codes[kinds == label]
        glyph, colour = f"${label}$", _colour(label)
        ax.scatter(members[:, 0], members[:, 1], s=size, marker=glyph, color=colour, alpha=alpha, linewidths=0.2)
    centres = np.stack([densest(codes[kinds == label]) for label in labels])
    _badges(ax, labels, apart(centres, ROOM * float(np.ptp(codes, axis=0).max())))
    tidy(ax, title=title, xlabel="z[0], posterior mean", ylabel="z[1], posterior mean")
    ax.set_aspect("equal", adjustable="datalim")
    told = ", ".join(f"{k} at ({x0:.1f}, {x1:.1f})" for k, (x0, x1) in zip(labels, centres, strict=True))
    text = f"{len(codes)} codes in the plane, each drawn as the digit of its class. Densest places: {told}."
    return describe(fig, alt or headed(title, text))


def posterior_ellipses(mu: Any, std: Any, y: Any) -> AltFigure:
    """The posterior of each image as an ellipse of two standard deviations, with its class in the middle.

    Dashed circles hold 50, 90 and 99 % of the prior N(0, I).

    Args:
        mu: posterior means `[N, 2]`.
        std: standard deviations `[N, 2]`, above zero.
        y: classes `[N]`, whole numbers.

    Raises:
        ValueError: mu is not `[N, 2]`, std has another shape or a width that is not above zero, or y is not `[N]`.
    """
    centres, widths, kinds = plane(mu, "mu"), to_numpy(std).astype(float), classes(y, len(mu))
    if widths.shape != centres.shape or not (widths > 0).all():
        raise ValueError(f"std has shape {list(widths.shape)}: give a width above zero for each number of mu.")
    fig, ax = one_panel(width=6.2, height=6.0)
    tidy(ax, xlabel="z[0]", ylabel="z[1]")
    colours = [_colour(label) for label in kinds]
    _ellipses(ax, centres, widths, facecolors="none", edgecolors=colours, linewidths=1.0, alpha=0.9)
    _ellipses(ax, centres, widths, facecolors=colours, edgecolors="none", linewidths=1.0, alpha=0.18)
    for label, (x0, x1), colour in zip(kinds, centres, colours, strict=True):
        ax.text(x0, x1, str(label), fontsize=8, ha="center", va="center", color=colour)
    reach = max(2.6, float((np.abs(centres) + 2 * widths).max()) * 1.04)
    _prior_circles(ax, reach)
    ax.set_title("dashed: 50, 90 and 99 % of the prior", fontsize=9, color=GREY, loc="right")
    text = (
        f"{len(centres)} posteriors in the plane, each an ellipse of two standard deviations, with the digit of its class;"
        f" the median standard deviation is {np.median(widths):.2f}. Dashed circles hold 50, 90 and 99 % of the prior."
    )
    return describe(fig, text)


def _ellipses(ax: Axes, centres: np.ndarray, widths: np.ndarray, **style: Any) -> None:
    """An ellipse of two standard deviations, to each side of each mean, `[N, 2]` both."""
    wide, high = 4 * widths.T
    flat = np.zeros(len(centres))
    ax.add_collection(
        EllipseCollection(wide, high, flat, units="xy", offsets=centres, transOffset=ax.transData, **style)
    )


def squares(
    mu: Mapping[str, Any],
    std: Mapping[str, Any],
    y: Any,
    *,
    windows: Mapping[str, tuple[float, float]],
    ellipses: int = 10,
) -> AltFigure:
    """Posterior means of several models side by side as points by class, with the unit square and a few ellipses.

    Args:
        mu: name to means `[N, 2]`.
        std: name to standard deviations `[N, 2]`, above zero.
        y: classes `[N]`, whole numbers; the same images for each model.
        windows: name to the lowest and the highest coordinate shown, in both directions.
        ellipses: how many of the images, taken evenly, show two standard deviations around their mean.

    Raises:
        ValueError: the names differ, there is none, a model's mu is not `[N, 2]`, or its std has another shape.
    """
    if not mu or not mu.keys() == std.keys() == windows.keys():
        raise ValueError(f"mu names {list(mu)}, std {list(std)} and windows {list(windows)}: give each the same names.")
    kinds, told = to_numpy(y), []
    fig, axes = figure(1, len(mu), width=3.7 * len(mu), height=3.7)
    for ax, name in zip(axes[0], mu, strict=True):
        centres, widths = plane(mu[name], "mu"), to_numpy(std[name]).astype(float)
        if widths.shape != centres.shape or kinds.shape != (len(centres),):
            raise ValueError(
                f"{name}: mu has shape {list(centres.shape)}, std {list(widths.shape)} and y {list(kinds.shape)}:"
                " give N means, N pairs of widths and N classes."
            )
        tidy(ax, title=name, xlabel="z[0]", ylabel="z[1]")
        colours = [_colour(label) for label in kinds]
        few = np.linspace(0, len(centres) - 1, ellipses).round().astype(int)
        ax.scatter(*centres.T, s=7, color=colours, linewidths=0, zorder=2)
        edges = [colours[i] for i in few]
        _ellipses(ax, centres[few], widths[few], facecolors="none", edgecolors=edges, linewidths=1.2)
        ax.add_patch(Rectangle((0, 0), 1, 1, fill=False, edgecolor="black", linewidth=2, zorder=3))
        ax.set(xlim=windows[name], ylim=windows[name], aspect="equal")
        inside = 100 * ((centres > 0) & (centres < 1)).all(axis=1).mean()
        told.append(f"{name}: {inside:.0f} % inside, median standard deviation {np.median(widths):.2f}")
    text = (
        f"The posterior means of {len(kinds)} images as points by class, with the unit square outlined and {ellipses}"
        f" ellipses of two standard deviations. {'; '.join(told)}."
    )
    return describe(fig, text)


def planes(densities: Mapping[str, Any], *, extent: float) -> AltFigure:
    """Densities over the plane side by side, on one scale of colour, with circles that hold 50, 90 and 99 % of N(0, I).

    Args:
        densities: name to values `[R, R]` on an even grid: the first row is the lowest z[1], the first column the lowest
            z[0].
        extent: the grid runs from -extent to extent in both directions.

    Raises:
        ValueError: there is no density, or one is no square of finite numbers, none below zero.
    """
    tables = {name: to_numpy(values).astype(float) for name, values in densities.items()}
    if not tables:
        raise ValueError("densities is empty: give at least one, for example {'q(z)': q}.")
    for name, table in tables.items():
        if table.ndim != 2 or table.shape[0] != table.shape[1] or finite(table, name).min() < 0:
            raise ValueError(
                f"{name} has shape {list(table.shape)}: give a square [R, R] of densities, none below zero."
            )
    highest = max(table.max() for table in tables.values())
    fig, axes = figure(1, len(tables), width=3.4 * len(tables) + 0.6, height=3.7)
    told, shown = [], None
    for ax, (name, table) in zip(axes[0], tables.items(), strict=True):
        tidy(ax, title=name, xlabel="z[0]", ylabel="z[1]")
        ax.grid(False)
        box = (-extent, extent, -extent, extent)
        shown = ax.imshow(table, origin="lower", extent=box, cmap="Blues", norm=PowerNorm(0.5, 0, highest))
        _prior_circles(ax, extent)
        row, column = np.unravel_index(int(table.argmax()), table.shape)
        at = [-extent + 2 * extent * i / (len(table) - 1) for i in (column, row)]
        told.append(f"{name} is highest, {table.max():.2f}, at ({at[0]:.1f}, {at[1]:.1f})")
    assert shown is not None
    fig.colorbar(shown, ax=list(axes[0]), shrink=0.75, label="density, on a scale of roots")
    circles = "Dashed circles hold 50, 90 and 99 % of the prior."
    return describe(fig, f"Densities over the plane: {'; '.join(told)}. {circles}")


def unit_square(decode_mean: Callable[[Tensor], Tensor], *, n: int = 20) -> AltFigure:
    """The grid at quantiles of the prior with the unit square outlined, and beside it an even grid on that square.

    Args:
        decode_mean: from codes `[B, 2]` to mean images `[B, 1, H, W]` in [0, 1].
        n: images to a side.

    Raises:
        ValueError: n is below two, or the decoder gives no images in [0, 1].
    """
    grids = {"quantiles of the prior": grid_axis(n), "the square from 0 to 1": grid_axis(n, (0, 1))}
    fig, axes = figure(1, 2, width=7.4, height=3.95)
    for ax, (name, axis) in zip(axes[0], grids.items(), strict=True):
        z = torch.cartesian_prod(axis.flip(0), axis).flip(1)
        mosaic = tile(decoded(decode_mean, z), n, above=[0] * n, gap=0)
        ax.imshow(1 - mosaic.sheet[: n * mosaic.size[0]], cmap="gray", vmin=0, vmax=1, extent=(0, 1, 0, 1))
        ax.set_title(name, fontsize=11, loc="left")
        ax.tick_params(labelsize=9, color=GREY)
        ax.spines[:].set_visible(False)
        ax.set_xlabel("z[0]", fontsize=10)
        ax.set_ylabel("z[1]", fontsize=10)
    ticks = torch.tensor([-1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5])
    shares = torch.special.ndtr(ticks).tolist()
    for axis_of in (axes[0, 0].xaxis, axes[0, 0].yaxis):
        axis_of.set_ticks(shares, [f"{t:g}" for t in ticks.tolist()])
    side = float(torch.special.ndtr(torch.tensor(1.0))) - 0.5
    axes[0, 0].add_patch(Rectangle((0.5, 0.5), side, side, fill=False, edgecolor=COLOURS[1], linewidth=2.5))
    text = (
        f"Two grids of {n} by {n} decoded images. Left, codes at quantiles of the prior, with an outline around the codes"
        f" from 0 to 1, which hold {100 * side**2:.1f} % of the prior. Right, an even grid on that square alone."
    )
    return describe(fig, text)


def _prior_circles(ax: Axes, reach: float) -> None:
    """Circles that hold 50, 90 and 99 % of N(0, I) in the plane, P(|z| < r) = 1 - exp(-r^2 / 2)."""
    for share in PRIOR_SHARES:
        radius = math.sqrt(-2 * math.log(1 - share))
        ax.add_patch(Circle((0, 0), radius, fill=False, edgecolor=GREY, linestyle="--", linewidth=1.0))
        if radius < reach:
            ax.text(0, radius, f"{100 * share:.0f} %", fontsize=8, color=GREY, ha="center", va="bottom")
    ax.set(xlim=(-reach, reach), ylim=(-reach, reach))
    ax.set_aspect("equal")


def _badges(ax: Axes, labels: np.ndarray, places: np.ndarray) -> None:
    """A large digit with a white rim at each place."""
    for label, (x0, x1) in zip(labels, places, strict=True):
        badge = ax.text(x0, x1, str(label), fontsize=17, fontweight="bold", ha="center", va="center")
        rim = effects.withStroke(linewidth=4, foreground="white")
        badge.set(color=_colour(label), path_effects=[rim], zorder=4)


def _colour(label: int) -> str:
    return CLASS_COLOURS[int(label) % len(CLASS_COLOURS)]


def densest(points: np.ndarray, *, most: int = 500) -> np.ndarray:
    """The point whose k-th neighbour is nearest, k a tenth of all; unlike a mean, never between clumps."""
    points = points[:: -(-len(points) // most)]
    distances = np.linalg.norm(points[:, None] - points[None], axis=-1)
    return points[np.partition(distances, len(points) // 10, axis=1)[:, len(points) // 10].argmin()]


def apart(points: np.ndarray, room: float) -> np.ndarray:
    """Push points away from each other until each two are about `room` apart."""
    moved = points.astype(float)
    for _ in range(100):
        difference = moved[:, None] - moved[None]
        distance = np.linalg.norm(difference, axis=-1) + np.eye(len(moved)) * room
        push = np.clip(room - distance, 0, None)
        if push.max() < 1e-3 * room:
            break
        # Points that coincide have no direction to flee in; the small one to the side gives them one.
        direction = (difference + np.triu(np.full_like(distance, 1e-6))[..., None]) / (distance[..., None] + 1e-6)
        moved += 0.5 * (direction * push[..., None]).sum(1)
    return moved
