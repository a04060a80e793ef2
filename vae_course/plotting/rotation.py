"""Codes turned against the factors of a Gaussian world: where they point, and what of its account follows the turn."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes

from vae_course.plotting.figure import COLOURS, GREY, AltFigure, describe, fixed, tidy

__all__ = ["turned"]

KINDS = (("true posterior", COLOURS[0], "-", "o"), ("diagonal q", COLOURS[1], "--", "D"))
MOST = 90.0  # degrees


def turned(
    lengths: tuple[float, float],
    degrees: Sequence[float],
    measures: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    limits: Mapping[str, tuple[float, float]],
) -> AltFigure:
    """What the two codes mean at the last angle, and beside it each measure on the way there, for two kinds of q.

    The arrows are the columns of the decoder, in the plane of the two factors' directions; they end on an ellipse that every
    angle shares.

    Args:
        lengths: of the directions in x of the two factors.
        degrees: the angles on the way, the last of which is shown.
        measures: label to its values on the way, with the true posterior and with the best diagonal q.
        limits: label to the range of its axis.

    Raises:
        ValueError: a measure has not one value for each angle.
    """
    for label, values in measures.items():
        if any(len(kind) != len(degrees) for kind in values):
            counts = " and ".join(str(len(kind)) for kind in values)
            raise ValueError(f"{label} has {counts} values for {len(degrees)} angles: give one each.")
    fig = fixed(3.6)
    _plane(fig.add_axes((0.075, 0.15, 0.40, 0.75)), lengths, degrees[-1])
    height = 0.75 / len(measures)
    told = []
    for row, (label, values) in enumerate(measures.items()):
        ax = fig.add_axes((0.585, 0.15 + (len(measures) - 1 - row) * height, 0.395, height - 0.09))
        _measure(ax, degrees, values, limits[label], last=row == len(measures) - 1)
        ax.set_title(label, loc="left", fontsize=9, pad=3)
        if row == 0:
            ax.legend(fontsize=9, loc="lower right", bbox_to_anchor=(1.03, 1.12), ncols=2, frameon=False)
        told.append(
            f"{label} {values[0][-1] + 0.0:.3f} with the true posterior, {values[1][-1] + 0.0:.3f} with a diagonal q"
        )
    at = math.radians(degrees[-1])
    arrows = _arrows(lengths, at)
    where = " and ".join(f"code {j + 1} to ({x + 0.0:.2f}, {y + 0.0:.2f})" for j, (x, y) in enumerate(arrows))
    return describe(
        fig, f"Codes turned by {degrees[-1]:.0f} degrees: {where} along the two factors. {'; '.join(told)}."
    )


def _arrows(lengths: tuple[float, float], angle: float) -> list[tuple[float, float]]:
    """The columns of A R^T in the directions of A's columns, rounded so that no zero has a sign."""
    first, second = lengths
    c, s = math.cos(angle), math.sin(angle)
    return [(round(first * c, 9), round(-second * s, 9)), (round(first * s, 9), round(second * c, 9))]


def _plane(ax: Axes, lengths: tuple[float, float], degrees: float) -> None:
    """The plane of both factors, the ellipse on which all codes point, and the arrows of these two."""
    turn = np.linspace(0, 2 * np.pi, 121)
    ax.fill(lengths[0] * np.cos(turn), lengths[1] * np.sin(turn), color="#E8E8E8", zorder=0)
    ax.axhline(0, color=GREY, linewidth=0.7, zorder=1)
    ax.axvline(0, color=GREY, linewidth=0.7, zorder=1)
    for j, (x, y) in enumerate(_arrows(lengths, math.radians(degrees))):
        colour = COLOURS[2 + j]
        ax.annotate(
            "", (x, y), (0, 0), arrowprops={"arrowstyle": "-|>", "color": colour, "linewidth": 2.4, "shrinkB": 0}
        )
        length = math.hypot(x, y)
        ax.text(
            x + 0.34 * x / length, y + 0.3 * y / length, f"z{j + 1}", color=colour, fontsize=12, fontweight="bold",
            ha="center", va="center",
        )  # fmt: skip
    reach = 1.3 * max(lengths)
    words = "p(x) and this ellipse\nare the same at every angle"
    ax.text(0, -0.62 * reach, words, fontsize=9, color=GREY, ha="center", va="center", backgroundcolor="white")
    ax.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
    tidy(ax, xlabel="along factor 1", ylabel="along factor 2", title=f"what each code does to x, {degrees:.0f}°")
    ax.grid(False)


def _measure(
    ax: Axes,
    degrees: Sequence[float],
    values: tuple[Sequence[float], Sequence[float]],
    limits: tuple[float, float],
    *,
    last: bool,
) -> None:
    for (name, colour, style, marker), kind in zip(KINDS, values, strict=True):
        ax.plot(degrees, kind, color=colour, linestyle=style, linewidth=1.8)
        ax.plot(
            degrees[-1:],
            kind[-1:],
            marker,
            color=colour,
            markersize=6,
            markeredgecolor="white",
            label=name,
            clip_on=False,
        )
    ax.set(xlim=(0, MOST), ylim=limits)
    ax.set_xticks(np.arange(0, MOST + 1, 15))
    ax.locator_params(axis="y", nbins=3)
    tidy(ax, xlabel="angle (degrees)" if last else "")
    ax.tick_params(labelbottom=last)
