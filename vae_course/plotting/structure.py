"""Pictures of what a model was given and what its codes mean: gains under a ceiling, runs as points, tables of numbers."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.ticker import MaxNLocator

from vae_course.plotting.arrays import aligned, numbers, to_numpy
from vae_course.plotting.charts import outlines, plain_numbers
from vae_course.plotting.figure import COLOURS, GREY, MARKERS, AltFigure, describe, figure, one_panel, tidy

BINS = 60
ROUNDING = 1e-9  # nats


def gains(groups: Mapping[str, Any], *, ceiling: float, xlabel: str) -> AltFigure:
    """How much each image gains, as one outline of a histogram for each group, with the ceiling as a dotted line.

    The lowest and the highest 1% are not drawn, so that a few images do not take all the room.

    Args:
        groups: name to gains in nats, `[N]` each.
        ceiling: where the line stands.
        xlabel: what the gain is, with its unit.

    Raises:
        ValueError: there is no group, or one is empty or not finite.
    """
    rows = {name: numbers(values, name) for name, values in groups.items()}
    if not rows:
        raise ValueError("groups is empty: give at least one, for example {'same model': gains}.")
    low, high = (f(np.quantile(r, share) for r in rows.values()) for f, share in ((min, 0.01), (max, 0.99)))
    width = max(high - low, 1e-6) / BINS
    # The ceiling is an edge, so that no bar straddles it; what lies above it by rounding alone lies below the edge.
    edge = ceiling + ROUNDING
    edges = edge + width * np.arange(np.floor((low - edge) / width), np.ceil((high - edge) / width) + 1)
    fig, ax = one_panel(height=3.4)
    told = []
    outlines(ax, rows, edges)
    for name, values in rows.items():
        told.append(f"{name} {values.mean():.2f} on average, {100 * float((values > edge).mean()):.0f}% above it")
    ax.axvline(ceiling, color=GREY, linestyle=":", linewidth=2, label=f"ceiling, {ceiling:.2f}")
    ax.set(ylim=(0, None), xlim=(edges[0], edges[-1]))
    tidy(ax, xlabel=xlabel, ylabel="% of the images")
    ax.legend(fontsize=9, frameon=False, loc="upper left")
    return describe(fig, f"{xlabel}, with a ceiling at {ceiling:.2f}: {'; '.join(told)}.")


def runs(groups: Mapping[str, tuple[Any, Any]], *, xlabel: str, ylabel: str, logy: bool = False) -> AltFigure:
    """One point for each training, with a colour and a marker for each group, named beside the points.

    Args:
        groups: name to the numbers along both axes, `[N]` each.
        xlabel, ylabel: what they are, with their units.
        logy: make the vertical axis logarithmic.

    Raises:
        ValueError: there is no group, or the two numbers of one differ in length or are not finite.
    """
    if not groups:
        raise ValueError("groups is empty: give at least one, for example {'beta = 1': (distortions, correlations)}.")
    fig, ax = one_panel(height=3.6)
    told, whole = [], True
    for i, (name, (across, up)) in enumerate(groups.items()):
        x, curves = aligned(across, {name: up})
        y = curves[name]
        whole = whole and bool((x == x.round()).all())
        style: dict[str, Any] = {"color": COLOURS[i % len(COLOURS)], "marker": MARKERS[i % len(MARKERS)]}
        ax.plot(x, y, linestyle="none", markersize=7, markeredgecolor="white", label=name, **style)
        told.append(f"{name}: from {x.min():.3g} to {x.max():.3g}, {y.min():.3g} to {y.max():.3g}")
    if logy:
        ax.set_yscale("log")
        plain_numbers(ax.yaxis)
    if whole:
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    tidy(ax, xlabel=xlabel, ylabel=ylabel)
    ax.legend(fontsize=9, frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return describe(fig, f"{ylabel} against {xlabel}, a point for each run. {'; '.join(told)}.")


def matrices(tables: Mapping[str, Any], *, rows: Sequence[str], columns: Sequence[str], unit: str) -> AltFigure:
    """Tables of numbers side by side, a dark cell for a large one, each with its number.

    Args:
        tables: name to numbers `[R, C]`, none below zero but for rounding.
        rows: R names.
        columns: C names.
        unit: what the numbers are.

    Raises:
        ValueError: there is no table, or one does not fit the names or is not finite.
    """
    shown = {name: to_numpy(values).astype(float) for name, values in tables.items()}
    if not shown:
        raise ValueError("tables is empty: give at least one, for example {'beta = 1': information}.")
    for name, values in shown.items():
        if values.shape != (len(rows), len(columns)):
            raise ValueError(f"{name} has shape {list(values.shape)}: give [{len(rows)}, {len(columns)}].")
        numbers(values.ravel(), name)
    fig, axes = figure(
        1, len(shown), width=min(7.2, 0.9 + 0.75 * len(columns) * len(shown)), height=0.9 + 0.38 * len(rows)
    )
    top = max(float(values.max()) for values in shown.values()) or 1.0
    told = []
    for ax, (name, values) in zip(axes[0], shown.items(), strict=True):
        ax.imshow(values, cmap="Blues", vmin=0, vmax=1.15 * top, aspect="auto")
        for r in range(len(rows)):
            for c in range(len(columns)):
                colour = "white" if values[r, c] > 0.8 * top else "black"
                ax.text(c, r, f"{max(values[r, c], 0.0):.2f}", ha="center", va="center", fontsize=9, color=colour)
        ax.set_xticks(range(len(columns)), list(columns), fontsize=9)
        ax.set_yticks(range(len(rows)), list(rows), fontsize=9)
        ax.set_title(name, fontsize=10, loc="left")
        ax.tick_params(length=0)
        ax.spines[:].set_visible(False)
        lines = (", ".join(f"{max(v, 0.0):.2f}" for v in line) for line in values)
        told.append(f"{name}: " + "; ".join(f"{row} {line}" for row, line in zip(rows, lines, strict=True)))
    axes[0, 0].set_ylabel(unit, fontsize=10)
    return describe(fig, f"{unit}, for {', '.join(columns)}. {'. '.join(told)}.")
