"""Charts: lines over a shared axis, quantities side by side, and histograms of scores."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from vae_course.plotting.arrays import aligned, numbers, to_numpy
from vae_course.plotting.figure import (
    COLOURS,
    GREY,
    MARKERS,
    describe,
    headed,
    line_style,
    name_points,
    place,
    tidy,
)

BINS = 60  # of a histogram of scores
MANY_DECADES = 1e4  # from here on a logarithmic axis has no room for 1, 2, 5, 10


def lines(
    x: Any,
    ys: Mapping[str, Any],
    *,
    xlabel: str,
    ylabel: str,
    title: str = "",
    label_at: Literal["end", "peak"] = "end",
    markers: bool = False,
    logx: bool = False,
    logy: bool = False,
    alt: str | None = None,
    ax: Axes | None = None,
) -> Figure:
    """Several curves over one axis, each with its name beside it and a dash pattern of its own.

    Args:
        x: positions `[N]`.
        ys: name to values `[N]`.
        xlabel: what the horizontal axis shows, with its unit.
        ylabel: what the vertical axis shows, with its unit.
        title: heading.
        label_at: names stand at the right ends or, for densities, at the highest points.
        markers: mark the single points.
        logx: make the horizontal axis logarithmic.
        logy: make the vertical axis logarithmic.
        alt: text alternative; made from where each curve begins, peaks and ends when left out.
        ax: axes to draw on instead of a new figure.

    Raises:
        ValueError: no curve is given, one has another length than x, or a value is not finite.
    """
    at, curves = aligned(x, ys)
    if not curves:
        raise ValueError("ys is empty: give at least one curve, for example {'p(z)': p}.")
    fig, ax = place(ax)
    for i, y in enumerate(curves.values()):
        ax.plot(at, y, marker=MARKERS[i % len(MARKERS)] if markers else None, markersize=5, **line_style(i))
    ax.set(xscale="log" if logx else "linear", yscale="log" if logy else "linear")
    for axis, values in [(ax.xaxis, at)] * logx + [(ax.yaxis, np.concatenate(list(curves.values())))] * logy:
        plain_numbers(axis, wide=bool(values.min() > 0 and values.max() > MANY_DECADES * values.min()))
    tidy(ax, title=title, xlabel=xlabel, ylabel=ylabel)
    named = {name: int(y.argmax()) if label_at == "peak" else len(y) - 1 for name, y in curves.items()}
    name_points(ax, [(name, at[i], curves[name][i]) for name, i in named.items()], at_end=label_at == "end")
    told = "; ".join(f"{name} {_course(at, y)}" for name, y in curves.items())
    return describe(fig, alt or headed(title, f"{ylabel} over {xlabel}: {told}."))


def bars(
    labels: Sequence[str],
    values: Any,
    *,
    xlabel: str,
    errors: Any | None = None,
    highlight: Collection[str] = (),
    title: str = "",
    digits: int = 1,
    alt: str | None = None,
    ax: Axes | None = None,
) -> Figure:
    """Quantities side by side as horizontal bars from zero, each with its number.

    Args:
        labels: N names, from top to bottom.
        values: N numbers.
        xlabel: what the bars measure, with the unit.
        errors: N standard errors, drawn as whiskers and written after the number; None or NaN where unknown.
        highlight: labels that are set in bold and hatched.
        title: heading.
        digits: decimals of the numbers written.
        alt: text alternative; made from the numbers when left out.
        ax: axes to draw on instead of a new figure.

    Raises:
        ValueError: the lengths differ, nothing is given, or a number is not finite.
    """
    lengths, widths, marked = _rows(labels, values, errors, highlight)
    fig, ax = place(ax, height=0.8 + 0.42 * len(labels))
    for row, (length, width, mark) in enumerate(zip(lengths, widths, marked, strict=True)):
        ax.barh(row, length, height=0.62, color=COLOURS[int(mark)], hatch="//" if mark else "", edgecolor="white")
        ax.errorbar(length, row, xerr=width, color="black", capsize=3)
    ax.axvline(0, color=GREY, linewidth=1)
    told = _name_rows(ax, labels, lengths, widths, marked, digits=digits)
    tidy(ax, title=title, xlabel=xlabel)
    ax.grid(False, axis="y")
    return describe(fig, alt or headed(title, f"{xlabel}: {told}."))


def dots(
    labels: Sequence[str],
    values: Any,
    *,
    xlabel: str,
    errors: Any | None = None,
    highlight: Collection[str] = (),
    title: str = "",
    digits: int = 1,
    alt: str | None = None,
    ax: Axes | None = None,
) -> Figure:
    """Quantities that lie close together, as dots with whiskers on an axis that need not begin at zero.

    Arguments and errors are those of `bars`, which suits quantities whose distance from zero counts.
    """
    places, widths, marked = _rows(labels, values, errors, highlight)
    fig, ax = place(ax, height=0.8 + 0.42 * len(labels))
    for row, (value, width, mark) in enumerate(zip(places, widths, marked, strict=True)):
        shape = "D" if mark else "o"
        ax.errorbar(value, row, xerr=width, marker=shape, markersize=8, capsize=3, color=COLOURS[int(mark)])
    told = _name_rows(ax, labels, places, widths, marked, digits=digits)
    tidy(ax, title=title, xlabel=xlabel)
    return describe(fig, alt or headed(title, f"{xlabel}: {told}."))


def score_histograms(
    groups: Mapping[str, Any], *, xlabel: str, title: str = "", alt: str | None = None, ax: Axes | None = None
) -> Figure:
    """How the scores of each group are spread: outlines of histograms over one axis, each with its name at its peak.

    Args:
        groups: name to scores, `[N]` each; the first is filled, the one that the others are compared with.
        xlabel: what the score is, with its unit.
        title: heading.
        alt: text alternative; made from the means and spreads when left out.
        ax: axes to draw on instead of a new figure.

    Raises:
        ValueError: there is no group, or one is empty or not finite.
    """
    rows = {name: numbers(scores, name) for name, scores in groups.items()}
    if not rows:
        raise ValueError("groups is empty: give at least one, for example {'digits': scores}.")
    fig, ax = place(ax, height=3.4)
    low, high = min(r.min() for r in rows.values()), max(r.max() for r in rows.values())
    edges = np.linspace(low, high if high > low else low + 1, BINS + 1)
    peaks = []
    for name, shares in outlines(ax, rows, edges).items():
        top = int(shares.argmax())
        peaks.append((name, float(edges[top : top + 2].mean()), float(shares[top])))
    ax.set_ylim(bottom=0)
    tidy(ax, title=title, xlabel=xlabel, ylabel="% of the group")
    name_points(ax, peaks, at_end=False)
    told = "; ".join(f"{name} {r.mean():.1f} on average, standard deviation {r.std():.1f}" for name, r in rows.items())
    return describe(fig, alt or headed(title, f"{xlabel}: {told}."))


def outlines(ax: Axes, rows: Mapping[str, np.ndarray], edges: np.ndarray) -> dict[str, np.ndarray]:
    """Draw the outline of a histogram for each row, the first one filled; its shares in % by the row's name."""
    shares = {name: 100 * np.histogram(values, edges)[0] / len(values) for name, values in rows.items()}
    for i, (name, heights) in enumerate(shares.items()):
        ax.stairs(heights, edges, label=name, **line_style(i))
        if i == 0:
            ax.stairs(heights, edges, fill=True, color=COLOURS[0], alpha=0.2)
    return shares


def _name_rows(
    ax: Axes,
    labels: Sequence[str],
    values: np.ndarray,
    errors: list[float | None],
    marked: list[bool],
    *,
    digits: int,
) -> str:
    """Write labels on the left and numbers on the right, and return both in words."""
    ax.set_yticks(np.arange(len(labels)), list(labels), fontsize=10)
    ax.set_ylim(len(labels) - 0.5, -0.5)
    told = []
    for row, (label, value, error, mark) in enumerate(zip(labels, values, errors, marked, strict=True)):
        text = f"{value:.{digits}f}" + ("" if error is None else f" ± {error:.{digits}f}")
        weight = "bold" if mark else "normal"
        ax.get_yticklabels()[row].set_fontweight(weight)
        ax.text(1.015, row, text, transform=ax.get_yaxis_transform(), va="center", fontsize=10, fontweight=weight)
        told.append(f"{label} {text}")
    return "; ".join(told)


def _rows(
    labels: Sequence[str], values: Any, errors: Any | None, highlight: Collection[str]
) -> tuple[np.ndarray, list[float | None], list[bool]]:
    """The numbers of each row once they fit together; an unknown error is None."""
    values = numbers(values, "values")
    widths = np.full(len(labels), np.nan) if errors is None else to_numpy(errors).astype(float)
    for name, given in (("values", values), ("errors", widths)):
        if given.shape != (len(labels),):
            raise ValueError(f"There are {given.size} {name} for {len(labels)} labels: give one for each.")
    unknown = set(highlight) - set(labels)
    if unknown:
        raise ValueError(f"highlight names {sorted(unknown)}, which are not among the labels {list(labels)}.")
    return (
        values,
        [float(w) if np.isfinite(w) else None for w in widths],
        [label in highlight for label in labels],
    )


def plain_numbers(axis: Axis, *, wide: bool = False) -> None:
    """Plain numbers on a logarithmic axis: 1, 2, 5, 10 rather than powers of ten.

    On a wide axis that many numbers find no room, and matplotlib would write none: some powers of ten, such as 0.01.
    """
    axis.set_major_locator(LogLocator(numticks=7) if wide else LogLocator(subs=(1.0, 2.0, 5.0)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


def _course(x: np.ndarray, y: np.ndarray) -> str:
    top = int(y.argmax())
    return f"goes from {y[0]:.3g} to {y[-1]:.3g}, highest {y[top]:.3g} at {x[top]:.3g}"
