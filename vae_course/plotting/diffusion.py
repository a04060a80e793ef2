"""Diffusion in pictures: points on their way to noise and back, and the bound as an area."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection

from vae_course.plotting.arrays import finite, numbers, plane, to_numpy
from vae_course.plotting.figure import COLOURS, GREY, AltFigure, describe, figure, fixed, one_panel, tidy

THERE, BACK, LIMIT = COLOURS[0], COLOURS[1], "black"
MOST = 700  # points of a panel
ROOM = 1.12  # of an axis above the tallest bar


def particles(rows: Mapping[str, Sequence[Any]], times: Sequence[float], *, extent: float = 3.0) -> AltFigure:
    """Points of the plane at a few times: a row of panels for each way, read forwards from the left and backwards from the right.

    Args:
        rows: the way, such as "forward", to its points at each time, `[N, 2]`.
        times: t from 0 to 1, rising.
        extent: how far the axes reach from 0.

    Raises:
        ValueError: there is no row, one has another number of panels than times, or points are not `[N, 2]`.
    """
    if not rows or any(len(row) != len(times) for row in rows.values()) or not len(times):
        raise ValueError(
            f"rows have {[len(row) for row in rows.values()]} panels for {len(times)} times: give one each."
        )
    fig, axes = figure(len(rows), len(times), height=0.45 + 6.6 / len(times) * len(rows))
    for i, (name, row) in enumerate(rows.items()):
        for ax, points, time in zip(axes[i], row, times, strict=True):
            x = plane(points, f"{name} at t = {time:g}")[:MOST]
            ax.scatter(*x.T, s=3, color=(THERE, BACK)[i % 2], alpha=0.45, linewidths=0, rasterized=True)
            ax.set(xlim=(-extent, extent), ylim=(-extent, extent), xticks=[], yticks=[], aspect="equal")
            ax.spines[:].set_color("#BBBBBB")
            if i == 0:
                ax.set_title(f"t = {time:g}", fontsize=10)
        axes[i, 0].set_ylabel(name, fontsize=10)
    spreads = {name: ", ".join(f"{to_numpy(points).std(0).mean():.2f}" for points in row) for name, row in rows.items()}
    told = "; ".join(f"{name}: {spread}" for name, spread in spreads.items())
    at = ", ".join(f"{time:g}" for time in times)
    return describe(fig, f"Points of the plane at t = {at}, a row for each way. Spread of a number there, {told}.")


def bound_bars(steps: Any, limit: Any, *, title: str = "") -> AltFigure:
    """What each of T steps costs, as the area of a bar over its time, and the curve that the bars tend to as T grows.

    Args:
        steps: L_t in nats from the step next to the data on, `[T]`.
        limit: what they tend to in equal parts of the time, see `studies.diffusion_worlds.limit`.
        title: heading.

    Raises:
        ValueError: steps or limit are no row of finite numbers.
    """
    fig, ax = one_panel(height=2.9)
    told = _bars(ax, numbers(steps, "steps"), numbers(limit, "limit"), None)
    ax.set_title(title, fontsize=11, loc="left")
    return describe(fig, f"{title + ': ' if title else ''}{told}")


def journeys(places: Any, densities: Any, there: Any, back: Any, *, steps: Any, limit: Any, at: float) -> AltFigure:
    """Points of a line to noise and back over time, above the bound as an area; a line through all marks one time.

    Args:
        places: x at which densities are known, rising, `[N]`.
        densities: of x_t at times evenly from 0 to 1, `[M, N]`.
        there: forward paths at even times from 0 to 1, `[K, B]`.
        back: paths of the model from t = 1 to 0, `[T + 1, B]`.
        steps: L_t in nats, `[T]`, with `limit` as in `bound_bars`.
        limit: what they tend to.
        at: the time that is marked; paths are drawn from where they start until then.

    Raises:
        ValueError: a shape does not fit, or a number is not finite.
    """
    x, table = numbers(places, "places"), finite(to_numpy(densities).astype(float), "densities")
    ways = [finite(to_numpy(way).astype(float), name) for name, way in (("there", there), ("back", back))]
    if table.shape[1:] != x.shape or any(way.ndim != 2 or len(way) < 2 for way in ways):
        shapes = [list(array.shape) for array in (x, table, *ways)]
        raise ValueError(
            f"places, densities, there and back have shapes {shapes}: give [N], [M, N], [K, B], [T + 1, B]."
        )
    fig = fixed(5.2)
    grid = {"left": 0.08, "right": 0.985, "bottom": 0.09, "top": 0.94, "hspace": 0.42, "wspace": 0.1}
    axes = fig.subplot_mosaic([["there", "back"], ["bars", "bars"]], gridspec_kw=grid | {"height_ratios": [1.5, 1]})
    for name, way, colour in zip(axes, ways, (THERE, BACK), strict=False):
        ax = axes[name]
        ax.imshow(table.T**0.5, extent=(0, 1, x[0], x[-1]), origin="lower", aspect="auto", cmap="Greys", vmax=1.6)
        _walk(ax, way if name == "there" else way[::-1], at, from_the_data=name == "there", colour=colour)
        tidy(ax, xlabel="time t", ylabel="x" if name == "there" else "")
        ax.grid(False)
        ax.axvline(at, color=GREY, linewidth=1.2)
    axes["there"].set_title("forward, data to noise →", fontsize=10, loc="left")
    axes["back"].set_title("← back, noise to data", fontsize=10, loc="left")
    axes["back"].tick_params(labelleft=False)
    told = _bars(axes["bars"], numbers(steps, "steps"), numbers(limit, "limit"), at)
    return describe(fig, f"{ways[0].shape[1]} points on the line go to noise and back; t = {at:.2f} is marked. {told}")


def _walk(ax: Axes, way: np.ndarray, at: float, *, from_the_data: bool, colour: str) -> None:
    """The part of paths `[K, B]` over time that lies before `at`, and a dot at its end."""
    t = np.linspace(0, 1, len(way))
    kept = t <= at if from_the_data else t >= at
    now = np.array([np.interp(at, t, column) for column in way.T])
    times = np.append(t[kept], at) if from_the_data else np.insert(t[kept], 0, at)
    drawn = np.concatenate([way[kept], now[None]] if from_the_data else [now[None], way[kept]])
    lines = [np.column_stack([times, column]) for column in drawn.T]
    ax.add_collection(LineCollection(lines, colors=colour, linewidths=0.8, alpha=0.6))
    ax.plot(np.full(len(now), at), now, "o", color=colour, markersize=4, markeredgewidth=0)
    ax.set(xlim=(0, 1))


def _bars(ax: Axes, steps: np.ndarray, limit: np.ndarray, at: float | None) -> str:
    """Draw the bars and the curve; their areas in words. With `at`, bars of steps that are still to come are pale."""
    n = len(steps)
    left = np.arange(n) / n
    for done, alpha in ((True, 0.6), (False, 0.2)):
        which = (left + 0.5 / n >= (0 if at is None else at)) == done
        ax.bar(left[which], (steps * n)[which], 1 / n, align="edge", color=BACK, alpha=alpha,
               edgecolor="white", linewidth=0.8 if n <= 50 else 0)  # fmt: skip
    middle = (np.arange(len(limit)) + 0.5) / len(limit)
    ax.plot(middle, limit * len(limit), color=LIMIT, linewidth=1.6)
    tidy(ax, xlabel="time t", ylabel="nats per unit of t")
    tallest = max(steps.max() * n, (limit * len(limit)).max())
    ax.set(xlim=(0, 1), ylim=(0, ROOM * tallest))
    area, least = steps.sum(), limit.sum()
    ax.text(0.98, 0.93, f"bars, T = {n}: {area:.2f} nats\nline, T → ∞: {least:.2f} nats", transform=ax.transAxes,
            ha="right", va="top", fontsize=10)  # fmt: skip
    if at is not None:
        ax.axvline(at, color=GREY, linewidth=1.2)
    return f"{n} bars with an area of {area:.2f} nats; under the line they tend to, {least:.2f} nats."
