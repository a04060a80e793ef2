"""Cures of a collapse side by side."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes

from vae_course.plotting.figure import COLOURS, AltFigure, describe, figure, tidy


def cures(rows: Mapping[str, tuple[float, float, float]], *, reference: str, alt: str | None = None) -> AltFigure:
    """Several trainings side by side: their active units, rate and ELBO, one row for each.

    Args:
        rows: name to (active units, rate in nats, ELBO in nats).
        reference: the row that the ELBOs are to be compared with; a line marks its value.
        alt: text alternative; made from the numbers when left out.

    Raises:
        ValueError: reference is not one of the rows.
    """
    if reference not in rows:
        raise ValueError(f"reference is {reference!r}: choose one of the rows {', '.join(rows)}.")
    values = np.array(list(rows.values()), dtype=float)
    fig, axes = figure(1, 3, height=0.9 + 0.36 * len(rows))
    labels = ("active units", "rate (nats)", "ELBO (nats), better →")
    for i, (ax, label) in enumerate(zip(axes[0], labels, strict=True)):
        _column(ax, values[:, i], label, list(rows), names=i == 0)
        if i == 2:
            ax.axvline(rows[reference][2], color="black", linewidth=1, linestyle="--")
    told = "; ".join(f"{name}: {a:.0f} active, rate {r:.1f}, ELBO {e:.1f}" for name, (a, r, e) in rows.items())
    return describe(fig, alt or f"{told}.")


def _column(ax: Axes, values: np.ndarray, label: str, rows: list[str], *, names: bool) -> None:
    """One quantity for every row: bars from zero, or dots where zero is far away."""
    far = values.min() < 0
    for row, value in enumerate(values):
        colour = COLOURS[1] if row == 0 else COLOURS[0]
        if far:
            ax.plot([value], [row], "D" if row == 0 else "o", color=colour, markersize=8)
        else:
            ax.barh(row, value, height=0.62, color=colour, hatch="//" if row == 0 else "", edgecolor="white")
        digits = 0 if label == "active units" else 1
        ax.text(1.02, row, f"{value:.{digits}f}", transform=ax.get_yaxis_transform(), va="center", fontsize=9)
    ax.set_yticks(np.arange(len(rows)), rows if names else [""] * len(rows), fontsize=9)
    ax.set_ylim(len(rows) - 0.5, -0.5)
    if far:
        ax.margins(x=0.15)
    tidy(ax, title=label)
    ax.grid(False, axis="y")
