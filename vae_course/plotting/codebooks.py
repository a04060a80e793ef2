"""A codebook in the plane: the cloud, its cells and codes, and how often each code is used."""

from typing import Any

import numpy as np

from vae_course.plotting.arrays import numbers
from vae_course.plotting.figure import COLOURS, GREY, AltFigure, fixed, tidy

CELLS = 240  # pixels a side in which the cells are told apart
MARGINS = {"left": 0.13, "right": 0.98, "bottom": 0.09, "top": 0.95, "hspace": 0.22}


def codebook(points: Any, codes: Any, use: Any, *, title: str = "", reach: float = 4.0) -> AltFigure:
    """Points with the codes' cells above, and the share of the points that choose each code below, largest first.

    A code's circle grows with its use; a dead code is a cross. Codes further out than the picture stand on its edge.

    Args:
        points: the cloud, `[N, 2]`.
        codes: `[K, 2]`.
        use: the share of each code, `[K]`.
        title: heading.
        reach: of the picture on all four sides.

    Raises:
        ValueError: the shapes don't fit, or a number is not finite.
    """
    cloud, places, shares = (np.asarray(a, dtype=np.float64) for a in (points, codes, numbers(use, "use")))
    if cloud.ndim != 2 or cloud.shape[1] != 2 or places.shape != (len(shares), 2):
        raise ValueError(
            f"points have shape {list(cloud.shape)}, codes {list(places.shape)} and use {list(shares.shape)}: give [N, 2], "
            "[K, 2] and [K]."
        )
    if not (np.isfinite(cloud).all() and np.isfinite(places).all()):
        raise ValueError("Points and codes must be finite numbers.")
    dead = shares == 0
    fig = fixed(5.5, width=4.7)
    above, below = fig.subplots(2, 1, height_ratios=[4.6, 1], gridspec_kw=MARGINS)
    above.imshow(
        _borders(places, reach), extent=(-reach, reach, -reach, reach), origin="lower", cmap="Greys", vmin=0, vmax=2.2
    )
    above.scatter(*cloud.T, s=5, color=COLOURS[5], linewidths=0, zorder=2)
    shown = places.clip(-reach, reach)
    size = 25 + 500 * shares[~dead]
    above.scatter(*shown[~dead].T, s=size, color=COLOURS[0], edgecolor="white", alpha=0.85, zorder=4)
    above.scatter(*shown[dead].T, s=55, marker="X", color=COLOURS[1], edgecolor="white", zorder=5, clip_on=False)
    tidy(above, title=title)
    above.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
    above.grid(False)
    order = np.argsort(-shares, kind="stable")
    at = np.arange(len(shares))
    below.bar(at, shares[order], width=0.8, color=COLOURS[0])
    below.plot(at[dead[order]], np.zeros(dead.sum()), "X", color=COLOURS[1], markersize=6, clip_on=False)
    below.axhline(1 / len(shares), color=GREY, linestyle="--", linewidth=1.2)
    tidy(below, xlabel="codes by their use; dashed: 1 / K; crosses: dead", ylabel="share")
    below.set(xticks=[], ylim=(0, max(1.15 / len(shares), 1.08 * shares.max())), xlim=(-0.7, len(shares) - 0.3))
    below.grid(False, axis="x")
    fig.alt = (
        f"{title + ': ' if title else ''}{len(cloud)} points, {len(shares)} codes with the borders of their cells, of which "
        f"{int(dead.sum())} are dead. The most used code has {shares.max():.0%} of the points."
    )
    return fig


def _borders(codes: np.ndarray, reach: float) -> np.ndarray:
    """1 where the nearest code is another one than at the pixel to the right or above, `[CELLS, CELLS]`."""
    axis = np.linspace(-reach, reach, CELLS, dtype=np.float32)
    e = codes.astype(np.float32)
    # |z|^2 is the same for all codes, and the rest is a sum over the two axes.
    parts = [0.5 * e[:, i] ** 2 - axis[:, None] * e[:, i] for i in (0, 1)]
    nearest = (parts[1][:, None] + parts[0][None]).argmin(-1)
    border = np.zeros(nearest.shape, dtype=bool)
    border[:, :-1] |= nearest[:, 1:] != nearest[:, :-1]
    border[:-1] |= nearest[1:] != nearest[:-1]
    return border.astype(np.float32)
