"""Where the encoder puts the classes."""

from typing import Any

import matplotlib.patheffects as effects
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vae_course.plotting.arrays import finite, to_numpy
from vae_course.plotting.figure import describe, headed, place, tidy

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
    codes, classes = _check(to_numpy(mu), to_numpy(y))
    fig, ax = place(ax, width=6.2, height=5.8)
    size, alpha = (28, 0.7) if len(codes) < MANY else (16, 0.45)
    labels = np.unique(classes)
    for label in labels:
        members = codes[classes == label]
        glyph, colour = f"${label}$", _colour(label)
        ax.scatter(members[:, 0], members[:, 1], s=size, marker=glyph, color=colour, alpha=alpha, linewidths=0.2)
    centres = np.stack([densest(codes[classes == label]) for label in labels])
    _badges(ax, labels, apart(centres, ROOM * float(np.ptp(codes, axis=0).max())))
    tidy(ax, title=title, xlabel="z[0], posterior mean", ylabel="z[1], posterior mean")
    ax.set_aspect("equal", adjustable="datalim")
    told = ", ".join(f"{k} at ({x0:.1f}, {x1:.1f})" for k, (x0, x1) in zip(labels, centres, strict=True))
    text = f"{len(codes)} codes in the plane, each drawn as the digit of its class. Densest places: {told}."
    return describe(fig, alt or headed(title, text))


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


def _check(codes: np.ndarray, classes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    if codes.ndim != 2 or codes.shape[1] != 2:
        raise ValueError(f"mu has shape {list(codes.shape)}: give codes in the plane, [N, 2].")
    if classes.shape != (len(codes),) or not np.issubdtype(classes.dtype, np.integer):
        raise ValueError(
            f"y has shape {list(classes.shape)} and type {classes.dtype}: give one whole number for each of "
            f"the {len(codes)} codes."
        )
    return finite(codes, "mu"), classes
