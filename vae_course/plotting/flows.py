"""Densities that move: what a step does to one, q over the posterior as steps are added, and accounts of the gap."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from vae_course.plotting.arrays import aligned, finite, numbers, to_numpy
from vae_course.plotting.charts import plain_numbers
from vae_course.plotting.elbo import columns
from vae_course.plotting.figure import (
    COLOURS,
    GREY,
    MARKERS,
    AltFigure,
    describe,
    figure,
    fixed,
    line_style,
    one_panel,
    tidy,
)
from vae_course.studies.two_hills import hills
from vae_course.support.words import count

HILL = "#D0D0D0"  # the true posterior
Q = COLOURS[0]
STRIPS = (COLOURS[1], COLOURS[2], COLOURS[3])
HATCHES = ("//", "..", "xx")
SHARES = (0.9, 0.5)  # of the mass within the outlines in the plane
EMPTY = 1e-9  # an entry of a Jacobian below this is none
PER_ROW = 5  # panels
SPAN = 0.75  # nats below log p(x) that the column of the playground shows


def pushed(z: Any, p: Any, y: Any, q: Any, *, strips: Sequence[tuple[float, float]] = ()) -> AltFigure:
    """A density below a rising map, and on its side what the map makes of it: strips keep their area.

    Args:
        z: places, rising, `[N]`.
        p: the density of z there, `[N]`.
        y: where the map sends them, rising, `[N]`.
        q: the density of y there, `[N]`.
        strips: ranges of z, three at most, whose area is filled in both densities.

    Raises:
        ValueError: the lengths differ, y does not rise, there are too many strips, or one lies outside of z.
    """
    at, curves = aligned(z, {"p": p, "y": y, "q": q}, name="z", places="places z")
    if (np.diff(at) <= 0).any() or (np.diff(curves["y"]) <= 0).any():
        raise ValueError("z and y must rise: give a map that keeps the order of the numbers.")
    if len(strips) > len(STRIPS) or any(not at[0] <= a < b <= at[-1] for a, b in strips):
        raise ValueError(f"strips are {list(strips)}: give {len(STRIPS)} at most, each (a, b) with a < b within z.")
    fig = fixed(4.4, width=6.0)
    grid = {"width_ratios": [1, 2.3], "height_ratios": [2.3, 1], "wspace": 0.09, "hspace": 0.11}
    margins = {"left": 0.1, "right": 0.98, "bottom": 0.11, "top": 0.93}
    (side, middle), (corner, below) = fig.subplots(2, 2, gridspec_kw=grid | margins)
    corner.axis("off")
    below.plot(at, curves["p"], color="black", linewidth=1.8)
    side.plot(-curves["q"], curves["y"], color="black", linewidth=1.8)
    middle.plot(at, curves["y"], color=Q, linewidth=2.2)
    told = []
    for (low, high), colour, hatch in zip(strips, STRIPS, HATCHES, strict=False):
        told.append(_strip(side, middle, below, at, curves, (low, high), {"facecolor": colour, "hatch": hatch}))
    tidy(middle, title="the map y(z)")
    tidy(below, xlabel="z")
    tidy(side, ylabel="y", title="q(y)")
    below.set_title("p(z)", fontsize=11, loc="left", y=0.72, x=0.02)
    middle.set(xlim=(at[0], at[-1]), ylim=(curves["y"][0], curves["y"][-1]))
    middle.tick_params(labelbottom=False, labelleft=False)
    below.set(xlim=middle.get_xlim(), ylim=(0, 1.1 * curves["p"].max()), yticks=[])
    side.set(ylim=middle.get_ylim(), xlim=(-1.1 * curves["q"].max(), 0), xticks=[])
    if strips:
        corner.text(0.0, 0.55, "same colour,\nsame area", fontsize=10, va="center", transform=corner.transAxes)
    text = "Below, the density of z; above it, a rising map y(z); at the left, on its side, the density of y."
    return describe(fig, " ".join([text, *told]))


def panels(places: Any, posterior: Any, qs: Mapping[str, Any], gaps: Mapping[str, float]) -> AltFigure:
    """Each q in a panel of its own over the true posterior, with its gap: on the line as curves, in the plane as outlines.

    In the plane the outlines hold 90% and 50% of the mass.

    Args:
        places: on the line `[N]`; in the plane `[R, C, 2]`.
        posterior: its density there, `[N]` or `[R, C]`.
        qs: name to the density of q there, of the same shape.
        gaps: name to KL(q || posterior), in nats, for the same names.

    Raises:
        ValueError: no q is given, the names differ, or shapes don't fit.
    """
    if not qs or list(qs) != list(gaps):
        raise ValueError(f"qs has the names {list(qs)} and gaps {list(gaps)}: give at least one q, and its gap.")
    at = _places(places)
    hill = _on(at, posterior, "the posterior")
    curves = {name: _on(at, q, name) for name, q in qs.items()}
    rows = -(-len(qs) // PER_ROW)
    columns_ = -(-len(qs) // rows)
    flat = at.ndim == 1
    fig, axes = figure(rows, columns_, height=rows * (1.75 if flat else 0.45 + 6.6 / max(columns_, 3)))
    top = 1.08 * max(hill.max(), *(q.max() for q in curves.values()))
    for i, ax in enumerate(axes.flat):
        if i >= len(qs):
            ax.axis("off")
            continue
        name = list(qs)[i]
        _over(ax, at, hill, curves[name])
        if flat:
            ax.set_ylim(0, top)
        ax.set_title(f"{name}\ngap {gaps[name]:.3f}", fontsize=9, loc="left")
        ax.tick_params(labelsize=8, labelleft=(not flat) and i % columns_ == 0)
        ax.set_xlabel("z" if flat else "z1", fontsize=9)
        if i % columns_ == 0:
            ax.set_ylabel("density" if flat else "z2", fontsize=9)
    told = "; ".join(f"{name} {gap:.3f}" for name, gap in gaps.items())
    return describe(fig, f"The true posterior in grey, and over it, in a panel each, q. Gaps in nats: {told}.")


def warps(places: Sequence[Any], names: Sequence[str]) -> AltFigure:
    """Where the steps of a flow take an even grid of the plane: a panel for each stage, the lines of the grid bent along.

    Args:
        places: for each stage the points of the grid, `[R, C, 2]`.
        names: of the stages.

    Raises:
        ValueError: there is none, or a shape is another.
    """
    if not places or len(places) != len(names):
        raise ValueError(
            f"There are {len(places)} stages and {len(names)} names: give one name each, and one at least."
        )
    grids = [_places(stage) for stage in places]
    if any(grid.ndim != 3 or grid.shape != grids[0].shape for grid in grids):
        raise ValueError(f"The stages have shapes {[list(g.shape) for g in grids]}: give [R, C, 2], all the same.")
    fig, axes = figure(1, len(grids), height=0.6 + 6.4 / max(len(grids), 3))
    low, high = (f([f(g, axis=(0, 1)) for g in grids], axis=0) for f in (np.min, np.max))
    (left, bottom), (right, top) = low - 0.04 * (high - low), high + 0.04 * (high - low)
    for ax, name, grid in zip(axes[0], names, grids, strict=True):
        _mesh(ax, grid)
        ax.set(aspect="equal", xlabel="z1", xlim=(left, right), ylim=(bottom, top))
        ax.set_title(name, fontsize=10, loc="left")
        ax.tick_params(labelsize=8)
    axes[0, 0].set_ylabel("z2")
    reach = [f"{name}: z1 from {g[..., 0].min():.1f} to {g[..., 0].max():.1f}, z2 from {g[..., 1].min():.1f} to"
             f" {g[..., 1].max():.1f}" for name, g in zip(names, grids, strict=True)]  # fmt: skip
    return describe(fig, f"An even grid of the plane as the steps bend it. {'; '.join(reach)}.")


def gaps(
    steps: Any, rows: Mapping[str, Any], *, levels: Mapping[str, float] | None = None, xlabel: str = "steps"
) -> AltFigure:
    """The gap against the number of steps, on a logarithmic axis: a mark for each start, a line through the best.

    Args:
        steps: numbers of steps `[K]`.
        rows: kind of step to gaps in nats, `[S, K]`, one row for each start.
        levels: name to gap of what has no steps, drawn as dotted lines.
        xlabel: what is counted.

    Raises:
        ValueError: there is no row, a shape does not fit, or a gap is not above zero.
    """
    at = numbers(steps, "steps")
    table = _starts(rows, len(at))
    fig, ax = one_panel(height=3.3)
    told = []
    for i, (name, values) in enumerate(table.items()):
        told.append(_row_of_starts(ax, at, i, len(table), name, values))
    for name, level in (levels or {}).items():
        ax.axhline(level, color=GREY, linestyle=":", linewidth=1.6)
        ax.text(1.01, level, name, transform=ax.get_yaxis_transform(), fontsize=9, color=GREY, va="center")
        told.append(f"{name}: {level:.3f}")
    ax.set_yscale("log")
    plain_numbers(ax.yaxis)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    tidy(ax, xlabel=xlabel, ylabel="gap (nats)")
    ax.legend(fontsize=9, frameon=False, ncols=len(table), loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0.2)
    if any(len(values) > 1 for values in table.values()):
        ax.set_title("lines: the best start", fontsize=9, loc="right")
    return describe(fig, f"Gap in nats against {xlabel}. {'; '.join(told)}.")


def jacobians(matrices: Mapping[str, Any]) -> AltFigure:
    """Jacobians side by side: a cell for each dy_i / dz_j, blank where it is zero, with the diagonal picked out.

    Args:
        matrices: name to Jacobian, `[D, D]`.

    Raises:
        ValueError: there is none, or one is not square.
    """
    shown = {name: finite(to_numpy(matrix).astype(float), name) for name, matrix in matrices.items()}
    if not shown:
        raise ValueError("matrices is empty: give at least one Jacobian, for example {'coupling': J}.")
    fig, axes = figure(1, len(shown), width=min(7.0, 2.1 * len(shown) + 0.4), height=2.75)
    told = []
    for ax, (name, matrix) in zip(axes[0], shown.items(), strict=True):
        if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
            raise ValueError(f"{name} has shape {list(matrix.shape)}: give a square one, [D, D].")
        told.append(f"{name}: {_cells(ax, matrix)}")
        ax.set_title(name, fontsize=10)
    axes[0, 0].set_ylabel("output y_i", fontsize=9)
    return describe(fig, f"Jacobians, a square for each entry that is not zero. {'; '.join(told)}.")


def account(parts: Mapping[str, tuple[float, float]], *, start: str, end: str, unit: str = "nats") -> AltFigure:
    """Steps from one quantity to another: a bar for each part, which begins where the last one ended.

    Args:
        parts: what each step is to its size and the standard error of it, None or NaN where unknown.
        start: what the first bar begins at.
        end: what the last bar ends at.
        unit: of all sizes.

    Raises:
        ValueError: there is no part, or a size is not finite.
    """
    sizes = numbers([size for size, _ in parts.values()], "parts")
    errors = [float("nan") if error is None else float(error) for _, error in parts.values()]
    fig, ax = one_panel(height=1.0 + 0.5 * len(parts))
    told, reach = [], np.concatenate([[0.0], np.cumsum(sizes)])
    for row, (name, size, error, left) in enumerate(zip(parts, sizes, errors, reach, strict=False)):
        known = np.isfinite(error)
        ax.barh(row, size, left=left, height=0.6, color=COLOURS[row % 6], hatch=HATCHES[row % 3], edgecolor="white")
        ax.plot([left + size] * 2, [row - 0.3, row + 1.3], color=GREY, linewidth=1, clip_on=True)
        if known:
            ax.errorbar(left + size, row, xerr=error, color="black", capsize=3)
        words = f"{size:.2f}" + (f" ± {error:.2f}" if known else "")
        ax.text(1.015, row, words, transform=ax.get_yaxis_transform(), fontsize=10, va="center")
        told.append(f"{name} {words}")
    low, high = min(reach.min(), 0.0), reach.max()
    ax.axvline(0, color="black", linewidth=1.5)
    ax.axvline(reach[-1], color="black", linewidth=1.5)
    ax.set(xlim=(low - 0.02 * (high - low), high + 0.04 * (high - low)), ylim=(len(parts) - 0.45, -1.0))
    ax.text(0, -0.55, f" {start}", fontsize=9, ha="left", va="center")
    ax.text(reach[-1], -0.55, f"{end} ", fontsize=9, ha="right", va="center")
    ax.set_yticks(range(len(parts)), list(parts), fontsize=10)
    tidy(ax, xlabel=f"{unit} above {start}")
    ax.tick_params(axis="y", length=0)
    ax.grid(False, axis="y")
    return describe(
        fig, f"From {start} to {end}, {reach[-1]:.2f} {unit} in {count(len(parts), 'part')}: {'; '.join(told)}."
    )


def fitted(
    places: Any, posterior: Any, q: Any, *, stages: Sequence[Any], name: str, log_px: float, elbo: float
) -> AltFigure:
    """One q over the true posterior, what its steps do to an even grid, and its bound and gap below log p(x).

    Args:
        places: on the line `[N]`; in the plane `[R, C, 2]`.
        posterior: its density there, `[N]` or `[R, C]`.
        q: the density of q there, of the same shape.
        stages: the points of a grid of z_0 after 0, 1, ... steps; on the line `[M]` each, in the plane `[m, n, 2]`.
        name: of q, such as "planar, 4 steps".
        log_px: log p(x), in nats.
        elbo: the bound, in nats.

    Raises:
        ValueError: shapes don't fit, or there is no stage.
    """
    at = _places(places)
    hill, curve = _on(at, posterior, "the posterior"), _on(at, q, "q")
    grids = [to_numpy(stage).astype(float) for stage in stages]
    if not grids or any(grid.shape != grids[0].shape or grid.ndim != (1 if at.ndim == 1 else 3) for grid in grids):
        raise ValueError(f"The stages have shapes {[list(g.shape) for g in grids]}: give one at least, all the same.")
    fig = fixed(3.9)
    right = (_fitted_on_the_line if at.ndim == 1 else _fitted_in_the_plane)(fig, at, hill, curve, grids, name)
    columns(right, log_px, {"q": elbo}, span=SPAN)
    right.set_title("", loc="left")
    right.set_title(f"log p(x) = {log_px:.2f}", fontsize=9, loc="right")
    shared = float(np.minimum(hill, curve).sum() / hill.sum())
    moved = "paths of a grid by its steps" if at.ndim == 1 else "a grid as bent by its steps"
    text = (
        f"q, {name}, over the true posterior, {shared:.0%} of whose mass it shares{_hills_in_words(at, hill, curve)}; {moved}."
        f" log p(x) is {log_px:.2f} nats, ELBO {elbo:.3f}, gap {log_px - elbo:.3f}."
    )
    return describe(fig, text)


def _fitted_on_the_line(
    fig: AltFigure, at: np.ndarray, hill: np.ndarray, curve: np.ndarray, grids: Sequence[np.ndarray], name: str
) -> Axes:
    """q over the posterior, and below it the paths of the grid; the axes that are left for the bound."""
    above, below = fig.add_axes((0.08, 0.42, 0.65, 0.5)), fig.add_axes((0.08, 0.12, 0.65, 0.26))
    _over(above, at, hill, curve)
    above.set(ylim=(0, max(1.7 * hill.max(), 1.05 * curve.max())))
    above.set_ylabel("density", fontsize=10)
    above.locator_params(axis="y", nbins=4)
    above.tick_params(labelbottom=False)
    above.set_title(f"grey: posterior; line: q, {name}", fontsize=10, loc="left")
    _paths(below, grids, (at[0], at[-1]))
    return fig.add_axes((0.84, 0.12, 0.15, 0.8))


def _fitted_in_the_plane(
    fig: AltFigure, at: np.ndarray, hill: np.ndarray, curve: np.ndarray, grids: Sequence[np.ndarray], name: str
) -> Axes:
    """q over the posterior, and beside it the grid as it is after the last step; the axes that are left for the bound."""
    above, below = fig.add_axes((0.07, 0.13, 0.33, 0.78)), fig.add_axes((0.455, 0.13, 0.33, 0.78))
    _over(above, at, hill, curve)
    above.set(xlabel="z1", ylabel="z2")
    above.set_title("grey: posterior; lines: q", fontsize=10, loc="left")
    _mesh(below, grids[-1])
    below.set(xlim=above.get_xlim(), ylim=above.get_ylim(), aspect="equal", xlabel="z1")
    below.set_title(f"{name}: a grid of z_0", fontsize=10, loc="left")
    below.tick_params(labelsize=9, color=GREY, labelleft=False)
    return fig.add_axes((0.86, 0.13, 0.13, 0.78))


def _starts(rows: Mapping[str, Any], n: int) -> dict[str, np.ndarray]:
    """Gaps above zero `[S, n]` by kind of step.

    Raises:
        ValueError: there is none, a shape does not fit, or a gap is not above zero.
    """
    table = {name: np.atleast_2d(to_numpy(values).astype(float)) for name, values in rows.items()}
    if not table:
        raise ValueError("rows is empty: give at least one, for example {'planar': gaps}.")
    for name, values in table.items():
        if values.ndim != 2 or values.shape[1] != n:
            raise ValueError(f"{name} has shape {list(values.shape)}: give [S, {n}], a column for each count of steps.")
        if (finite(values, name) <= 0).any():
            raise ValueError(f"{name} has a gap of {values.min():.3g}: a logarithmic axis needs gaps above zero.")
    return table


def _row_of_starts(ax: Axes, at: np.ndarray, i: int, kinds: int, name: str, values: np.ndarray) -> str:
    """Draw the gaps of one kind of step, the i-th of so many; their best and worst, in words."""
    style, best, worst = line_style(i), values.min(0), values.max(0)
    shift = 0.09 * (i - (kinds - 1) / 2)
    if len(values) > 1:
        ax.plot(np.tile(at + shift, len(values)), values.ravel(), MARKERS[i], color=style["color"], alpha=0.4, markersize=5,
                markeredgewidth=0)  # fmt: skip
    ax.plot(at + shift, best, marker=MARKERS[i], markersize=6, label=name, **style)
    spread = f", the worst of {len(values)} starts {worst[-1]:.3f}" if len(values) > 1 else ""
    return f"{name}: best {best[0]:.3f} at {at[0]:g}, {best[-1]:.3f} at {at[-1]:g}{spread}"


def _strip(
    side: Axes,
    middle: Axes,
    below: Axes,
    z: np.ndarray,
    curves: Mapping[str, np.ndarray],
    limits: tuple[float, float],
    fill: dict[str, Any],
) -> str:
    """Fill one range of z in both densities, with its edges drawn through the map; what it becomes, in words."""
    low, high = limits
    at = np.linspace(low, high, 200)
    p, y, q = (np.interp(at, z, curves[name]) for name in ("p", "y", "q"))
    look = fill | {"alpha": 0.55, "linewidth": 0, "edgecolor": "white"}
    below.fill_between(at, p, **look)
    side.fill_betweenx(y, -q, 0, **look)
    for edge, end in ((low, y[0]), (high, y[-1])):
        middle.plot(
            [edge, edge, z[0]], [curves["y"][0], end, end], color=fill["facecolor"], linewidth=1.1, linestyle="--"
        )
    area = float(np.trapezoid(p, at))
    return (
        f"{area:.0%} of the mass lies in z from {low:.2f} to {high:.2f}, and then in y from {y[0]:.2f} to {y[-1]:.2f}."
    )


def _over(ax: Axes, at: np.ndarray, hill: np.ndarray, q: np.ndarray) -> None:
    """The posterior in grey, and q as a line over it or as outlines."""
    if at.ndim == 1:
        ax.fill_between(at, hill, color=HILL, linewidth=0)
        ax.plot(at, q, color=Q, linewidth=2)
        ax.set_xlim(at[0], at[-1])
    else:
        x, y = at[..., 0], at[..., 1]
        ax.contourf(x, y, hill, levels=[*_levels(hill), 1.01 * hill.max()], colors=["#DEDEDE", "#B4B4B4"])
        ax.contour(x, y, q, levels=_levels(q), colors=[Q], linewidths=[1.2, 2.2])
        ax.set(aspect="equal", xlim=(x.min(), x.max()), ylim=(y.min(), y.max()))
    ax.spines[["top", "right"]].set_visible(False)
    ax.tick_params(labelsize=9, color=GREY)


def _hills_in_words(at: np.ndarray, hill: np.ndarray, q: np.ndarray) -> str:
    """Where the maxima of both are on the line; nothing in the plane."""
    if at.ndim > 1:
        return ""
    places = (" and ".join(f"{z:.2f}" for z in hills(at, density)) for density in (hill, q))
    return ", hills of the posterior at {}, of q at {}".format(*places)


def _levels(density: np.ndarray) -> list[float]:
    """The heights above which the density holds each of `SHARES`, the largest share first."""
    falling = np.sort(density.ravel())[::-1]
    mass = np.cumsum(falling) / falling.sum()
    found = [float(falling[np.searchsorted(mass, share)]) for share in SHARES]
    return found if found[0] < found[1] else [0.5 * found[1], found[1]]


def _mesh(ax: Axes, grid: np.ndarray) -> None:
    """The lines of a bent grid, every other one, those of one direction in another colour."""
    for lines, colour in ((grid, Q), (grid.swapaxes(0, 1), COLOURS[1])):
        ax.add_collection(
            LineCollection(list(lines[len(lines) // 2 % 2 :: 2]), colors=colour, linewidths=0.9, alpha=0.8)
        )
    ax.spines[["top", "right"]].set_visible(False)


def _paths(ax: Axes, grids: Sequence[np.ndarray], limits: tuple[float, float]) -> None:
    """Where each point of a grid is after each step, the first stage below and the last above."""
    way = np.stack(grids if len(grids) > 1 else [grids[0], grids[0]], axis=1)
    middle, height = len(way) // 2, np.arange(way.shape[1])
    lines = [np.column_stack([points, height]) for points in way]
    colours = [COLOURS[1] if i == middle else Q for i in range(len(way))]
    widths = [1.8 if i == middle else 0.9 for i in range(len(way))]
    ax.add_collection(LineCollection(lines, colors=colours, linewidths=widths))
    ax.set(xlim=limits, ylim=(0, height[-1]))
    ax.set_yticks([0, height[-1]], ["z_0", "z_K"] if len(grids) > 1 else ["z_0", ""])
    ax.set_xlabel("z", fontsize=10)
    ax.spines[["top", "right"]].set_visible(False)
    ax.tick_params(labelsize=9, color=GREY)


def _cells(ax: Axes, matrix: np.ndarray) -> str:
    """Draw the entries of one Jacobian; what kind of matrix it is, in words."""
    size, filled = len(matrix), np.abs(matrix) > EMPTY
    for i, j in zip(*np.nonzero(filled), strict=True):
        colour = COLOURS[1] if i == j else COLOURS[5]
        ax.add_patch(Rectangle((j, i), 1, 1, facecolor=colour, edgecolor="white", hatch="//" if i == j else ""))
    ax.set(xlim=(0, size), ylim=(size, 0), aspect="equal", xticks=[], yticks=[])
    ax.spines[:].set_color(GREY)
    triangular = not filled[np.triu_indices(size, 1)].any() or not filled[np.tril_indices(size, -1)].any()
    words = "diagonal alone" if (filled.sum() == np.trace(filled)) else "triangular" if triangular else "full"
    ax.set_xlabel(f"input z_j\n{words}", fontsize=9)
    return f"{int(filled.sum())} of {size * size} entries, {words}"


def _places(values: Any) -> np.ndarray:
    """Places on the line `[N]` or in the plane `[R, C, 2]`.

    Raises:
        ValueError: the shape is another, or one is not finite.
    """
    array = finite(to_numpy(values).astype(float), "places")
    if array.ndim != 1 and (array.ndim != 3 or array.shape[-1] != 2):
        raise ValueError(f"places have shape {list(array.shape)}: give [N] on the line or [R, C, 2] in the plane.")
    return array


def _on(places: np.ndarray, density: Any, name: str) -> np.ndarray:
    """A density at these places.

    Raises:
        ValueError: it has another shape than the places, or is not finite.
    """
    array, shape = (
        finite(to_numpy(density).astype(float), name),
        places.shape[:1] if places.ndim == 1 else places.shape[:2],
    )
    if array.shape != shape:
        raise ValueError(f"{name} has shape {list(array.shape)} at places {list(shape)}: give one value for each.")
    return array
