"""Noisy gradients in pictures: many estimates around the true gradient, and how their variance grows or falls."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, NullLocator

from vae_course.plotting.arrays import numbers
from vae_course.plotting.charts import lines
from vae_course.plotting.figure import COLOURS, GREY, MARKERS, AltFigure, figure, fixed, one_panel, tidy

BINS = 61
REACHES = tuple(scale * digit for scale in (0.001, 0.01, 0.1, 1, 10, 100, 1000) for digit in (1, 2, 5))
MARGINS = {"left": 0.03, "right": 0.985, "bottom": 0.17, "top": 0.88, "hspace": 0.55, "wspace": 0.16}


def estimates(
    samples: Mapping[str, Any],
    *,
    truth: float,
    xlabel: str = "estimate of the gradient",
) -> AltFigure:
    """Histograms of many estimates of one gradient below each other, and their standard deviations as bars.

    All histograms share one axis, which is centred at the truth and reaches as far as 99 % of the estimates; what lies
    further out is not drawn.

    Args:
        samples: name to estimates, `[N]`.
        truth: the true gradient, drawn as a line.
        xlabel: what is estimated.

    Raises:
        ValueError: nothing is given, a name has fewer than two estimates, or a number is not finite.
    """
    rows = {name: numbers(values, name) for name, values in samples.items()}
    if not rows or min(map(len, rows.values())) < 2:
        raise ValueError("Give at least one name with two estimates or more, for example {'pathwise': g}.")
    if not np.isfinite(truth):
        raise ValueError(f"truth is {truth}: give the true gradient as a finite number.")
    fig = fixed(3.6)
    grid = fig.add_gridspec(len(rows), 2, width_ratios=[3, 1.15], **MARGINS)
    reach = _reach(np.concatenate([values - truth for values in rows.values()]))
    for i, (name, values) in enumerate(rows.items()):
        ax = fig.add_subplot(grid[i, 0])
        _histogram(ax, name, values, truth=truth, reach=reach, colour=COLOURS[i % len(COLOURS)])
        tidy(ax, xlabel=xlabel if i == len(rows) - 1 else "")
        ax.spines["left"].set_visible(False)
    _deviations(fig.add_subplot(grid[:, 1]), {name: float(values.std(ddof=1)) for name, values in rows.items()})
    told = "; ".join(f"{name}: mean {v.mean():.2f}, standard deviation {v.std(ddof=1):.2f}" for name, v in rows.items())
    fig.alt = f"Histograms of the {xlabel} around the true gradient {truth:.2f}. {told}."
    return fig


def scaling(
    x: Any,
    measured: Mapping[str, Any],
    exact: Mapping[str, Any],
    *,
    xlabel: str,
    ylabel: str,
) -> AltFigure:
    """How variances grow or fall: measured ones as markers, exact ones as lines, both axes logarithmic.

    Args:
        x: positions above zero, `[N]`, each of them labelled.
        measured: name to measured values above zero, `[N]`.
        exact: the same names to what theory says, `[N]`.
        xlabel: what the horizontal axis shows, with its unit.
        ylabel: what the vertical axis shows, with its unit.

    Raises:
        ValueError: the names differ, a row has another length than x, or a number is not above zero.
    """
    if list(measured) != list(exact):
        raise ValueError(f"measured has the names {list(measured)} and exact {list(exact)}: give the same ones.")
    at, points = numbers(x, "x"), {name: numbers(y, name) for name, y in measured.items()}
    for name, y in [("x", at), *points.items(), *((n, numbers(e, n)) for n, e in exact.items())]:
        if len(y) != len(at) or (y <= 0).any():
            raise ValueError(f"{name} must hold {len(at)} numbers above zero: both axes are logarithmic.")
    fig, ax = one_panel(height=3.6)
    told = "; ".join(f"{name} from {y[0]:.3g} to {y[-1]:.3g}" for name, y in points.items())
    text = (
        f"{ylabel} over {xlabel}, both axes logarithmic, measured from {at[0]:g} to {at[-1]:g}: {told}. Lines: theory."
    )
    lines(at, exact, xlabel=xlabel, ylabel=ylabel, logx=True, logy=True, alt=text, ax=ax)
    for i, y in enumerate(points.values()):
        ax.plot(at, y, MARKERS[i % len(MARKERS)], color=COLOURS[i % len(COLOURS)], markersize=6)
    ax.set_xticks(at, [f"{value:g}" for value in at])
    ax.xaxis.set_minor_locator(NullLocator())
    return fig


def two_ways(
    z: Any,
    f: Any,
    draws: Any,
    f_draws: Any,
    *,
    weights: Any,
    moved: Any,
    values: Any,
) -> AltFigure:
    """What a parameter of q changes about an average: the weights of draws that stay, or the places of draws that move.

    Args:
        z: places, `[G]`.
        f: the function at these places, `[G]`, in nats.
        draws: draws of q before the change, `[N]`.
        f_draws: the function there, `[N]`.
        weights: density after over density before at each draw, `[N]`, above zero.
        moved: where the same noise lands after the change, `[N]`.
        values: the function there, `[N]`.

    Raises:
        ValueError: the lengths differ, a weight is not above zero, or a number is not finite.
    """
    at, curve = numbers(z, "z"), numbers(f, "f")
    given = {"draws": draws, "f_draws": f_draws, "weights": weights, "moved": moved, "values": values}
    rows = {name: numbers(row, name) for name, row in given.items()}
    if len(at) != len(curve) or len({len(row) for row in rows.values()}) != 1:
        raise ValueError(
            "The lengths differ: give one f for each z, and the five rows of the draws in the same length."
        )
    if (rows["weights"] <= 0).any():
        raise ValueError("weights must be above zero: they are ratios of densities.")
    fig, axes = figure(1, 2, height=3.0)
    titles = ("score function: the weights change", "pathwise: the draws move")
    for ax, title in zip(axes[0], titles, strict=True):
        ax.plot(at, curve, color=GREY, linewidth=1.4)
        tidy(ax, title=title, xlabel="z", ylabel="f(z) (nats)")
    # Left the draws stay where they are, each as large as its new weight.
    axes[0, 0].scatter(rows["draws"], rows["f_draws"], s=60 * rows["weights"] ** 2, color=COLOURS[0], zorder=3)
    _moved(axes[0, 1], rows)
    fig.alt = (
        f"{len(rows['draws'])} draws on the curve of f, twice. Left, their weights change: from"
        f" {rows['weights'][0]:.2f} at {rows['draws'][0]:.2f} to {rows['weights'][-1]:.2f} at {rows['draws'][-1]:.2f}."
        f" Right, they move, the first from {rows['draws'][0]:.2f} to {rows['moved'][0]:.2f}."
    )
    return fig


def _moved(ax: Axes, rows: Mapping[str, np.ndarray]) -> None:
    """Each draw before, empty, and after, filled, with an arrow from one to the other."""
    ax.scatter(rows["draws"], rows["f_draws"], s=30, facecolor="white", edgecolor=COLOURS[1], zorder=3)
    ax.scatter(rows["moved"], rows["values"], s=30, color=COLOURS[1], zorder=3)
    for before, low, after, high in zip(*(rows[n] for n in ("draws", "f_draws", "moved", "values")), strict=True):
        ax.annotate(
            "", (after, high), (before, low),
            arrowprops={"arrowstyle": "->", "color": COLOURS[1], "linewidth": 1.5, "shrinkA": 3, "shrinkB": 3},
        )  # fmt: skip


def _reach(offsets: np.ndarray) -> float:
    """The round number that holds 99 % of the distances from the truth."""
    wide = float(np.quantile(np.abs(offsets), 0.99))
    return next((reach for reach in REACHES if reach >= wide), wide)


def _histogram(ax: Axes, name: str, values: np.ndarray, *, truth: float, reach: float, colour: str) -> None:
    """How often each estimate came out, with the truth as a line and the name above."""
    ax.hist(values, BINS, range=(truth - reach, truth + reach), color=colour, alpha=0.75)
    ax.axvline(truth, color="black", linewidth=2)
    ax.set_xlim(truth - reach, truth + reach)
    ax.set_yticks([])
    ax.xaxis.set_major_locator(MaxNLocator(6, prune="both"))
    ax.text(0.0, 1.04, name, transform=ax.transAxes, color=colour, fontsize=10, fontweight="bold", va="bottom")
    ax.text(
        1.0, 1.04, f"truth {truth:.2f} (line), mean {values.mean():.2f}",
        transform=ax.transAxes, fontsize=9, ha="right", va="bottom",
    )  # fmt: skip


def _deviations(ax: Axes, deviations: Mapping[str, float]) -> None:
    """One column for each standard deviation, its number on top."""
    for i, value in enumerate(deviations.values()):
        ax.bar(i, value, width=0.7, color=COLOURS[i % len(COLOURS)], hatch="//" if i % 2 else "", edgecolor="white")
        ax.text(i, value, f"{value:.2f}", fontsize=10, ha="center", va="bottom")
    tidy(ax)
    ax.set_title("standard deviation", fontsize=10, loc="left")
    ax.grid(False, axis="x")
    ax.spines["left"].set_color(GREY)
    ax.set_xticks(range(len(deviations)), [name.split()[0] for name in deviations], fontsize=10)
    ax.set_ylim(0, 1.15 * max(deviations.values()) or 1)
