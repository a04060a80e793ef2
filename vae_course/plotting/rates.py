"""Rate and distortion in pictures: the plane of both, what each latent dimension costs, and cures side by side."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vae_course.plotting.arrays import numbers
from vae_course.plotting.figure import COLOURS, GREY, AltFigure, describe, figure, headed, place, tidy

CURVE, CHOSEN, LIMIT = COLOURS[0], COLOURS[1], COLOURS[2]
DEAD = "#B9B9B9"


def rate_distortion(
    rates: Any,
    distortions: Any,
    betas: Sequence[float],
    *,
    chosen: float | None = None,
    best: float | None = None,
    title: str = "",
    alt: str | None = None,
    ax: Axes | None = None,
) -> Figure:
    """Rate against distortion, one point for each beta, with lines on which the ELBO is the same.

    Args:
        rates: nats `[N]`.
        distortions: nats `[N]`.
        betas: N weights of the KL.
        chosen: one of the betas; it is picked out, with the line of slope -beta through it.
        best: the least R + D that is possible, where it is known; drawn as the edge of a region that no model reaches.
        title: heading.
        alt: text alternative; made from the numbers when left out.
        ax: axes to draw on instead of a new figure.

    Raises:
        ValueError: the lengths differ, or chosen is not one of the betas.
    """
    r, d = numbers(rates, "rates"), numbers(distortions, "distortions")
    if not len(r) == len(d) == len(betas):
        raise ValueError(f"There are {len(r)} rates, {len(d)} distortions and {len(betas)} betas: give one each.")
    if chosen is not None and chosen not in betas:
        raise ValueError(f"chosen is {chosen}: choose one of the betas {', '.join(f'{beta:g}' for beta in betas)}.")
    fig, ax = place(ax, height=3.8)
    low, high = float(d.min()), float(d.max())
    span, right = max(high - low, 1e-6), 1.12 * max(float(r.max()), 1e-6)
    ax.set(xlim=(-0.03 * right, right), ylim=(low - 0.22 * span, high + 0.14 * span))
    _equal_elbo(ax, best)
    ax.plot(r, d, color=CURVE, marker="o", markersize=6, linewidth=1.8)
    for i, beta in enumerate(betas):
        if beta != chosen:
            ax.annotate(f"{beta:g}", (r[i], d[i]), xytext=(5, 5), textcoords="offset points", fontsize=9, color=CURVE)
    if chosen is not None:
        i = list(betas).index(chosen)
        _tangent(ax, float(r[i]), float(d[i]), chosen)
    tidy(ax, title=title, xlabel="rate R (nats per image)", ylabel="distortion D (nats per image)")
    told = "; ".join(f"beta {b:g}: R {x:.1f}, D {y:.1f}" for b, x, y in zip(betas, r, d, strict=True))
    floor = "" if best is None else f" No model has R + D below {best:.1f}."
    return describe(fig, alt or headed(title, f"Rate and distortion in nats. {told}.{floor}"))


def _equal_elbo(ax: Axes, best: float | None) -> None:
    """Diagonals on which R + D, minus the ELBO, is the same; below the best one no model can be."""
    (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
    step = _round_step((top - bottom + right - left) / 8)
    for total in np.arange(np.ceil((bottom + left) / step), (top + right) / step) * step:
        ax.plot([left, right], [total - left, total - right], color="#C9C9C9", linewidth=0.9, zorder=0)
        if bottom < total - right < top - 0.04 * (top - bottom):
            ax.text(right, total - right, f" ELBO {-total:.0f}", fontsize=8, color=GREY, va="center")
    if best is not None:
        edge = np.array([left, right])
        ax.fill_between(edge, best - edge, bottom, color="#E8E8E8", zorder=0.5)
        ax.plot(edge, best - edge, color=LIMIT, linewidth=1.8, linestyle="--")
        ax.text(left + 0.02 * (right - left), bottom + 0.03 * (top - bottom), "no model", fontsize=9, color=GREY)
    ax.set(xlim=(left, right), ylim=(bottom, top))


def _round_step(step: float) -> float:
    """1, 2 or 5 times a power of ten, at or above the step."""
    power = 10.0 ** np.floor(np.log10(step))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= step)


def _tangent(ax: Axes, rate: float, distortion: float, beta: float) -> None:
    """The chosen point with the line of slope -beta through it: models on it have the same loss at this beta."""
    limits = ax.get_xlim(), ax.get_ylim()
    at = np.array(limits[0])
    ax.plot(at, distortion - beta * (at - rate), color=CHOSEN, linestyle="--", linewidth=1.5)
    ax.plot([rate], [distortion], "D", color=CHOSEN, markersize=9, markeredgecolor="black")
    ax.annotate(
        f"beta {beta:g}", (rate, distortion), xytext=(9, 7), textcoords="offset points", fontsize=10, color=CHOSEN,
        fontweight="bold",
    )  # fmt: skip
    ax.set(xlim=limits[0], ylim=limits[1])


def dimensions(
    kl: Any, active: Any, *, chosen: int | None = None, title: str = "", alt: str | None = None, ax: Axes | None = None
) -> Figure:
    """What each latent dimension costs, largest first: active ones in colour, dead ones grey and hatched.

    Args:
        kl: mean KL of each dimension, `[D]` in nats.
        active: whether each is active, `[D]`.
        chosen: a dimension that is picked out.
        title: heading.
        alt: text alternative; made from the numbers when left out.
        ax: axes to draw on instead of a new figure.

    Raises:
        ValueError: the lengths differ.
    """
    heights, alive = numbers(kl, "kl"), np.asarray(active, dtype=bool)
    if len(heights) != len(alive):
        raise ValueError(f"There are {len(heights)} KLs and {len(alive)} answers whether active: give one each.")
    fig, ax = place(ax, height=2.6)
    order = np.argsort(-heights, kind="stable")
    for place_, d in enumerate(order):
        colour = CHOSEN if d == chosen else CURVE if alive[d] else DEAD
        hatch = "" if alive[d] else "///"
        ax.bar(place_, max(heights[d], 0.0), width=0.8, color=colour, hatch=hatch, edgecolor="white")
    ax.set_xticks(np.arange(len(order)), [str(d) for d in order])
    ax.set_ylim(0, max(1.08 * float(heights.max()), 0.1))
    tidy(ax, title=title, xlabel="latent dimension, largest KL first", ylabel="KL (nats)")
    ax.grid(False, axis="x")
    dead = [str(d) for d in order if not alive[d]]
    told = ", ".join(f"{d} {heights[d]:.2f}" for d in order)
    words = f"KL in nats of dimension {told}. {int(alive.sum())} of {len(alive)} are active"
    words += f"; dead: {', '.join(dead)}." if dead else "."
    return describe(fig, alt or headed(title, words))


def cures(rows: Mapping[str, tuple[float, float, float]], *, healthy: str, alt: str | None = None) -> AltFigure:
    """Several trainings side by side: their active units, rate and ELBO, one row for each.

    Args:
        rows: name to (active units, rate in nats, ELBO in nats).
        healthy: the row that the ELBOs are to be compared with; a line marks its value.
        alt: text alternative; made from the numbers when left out.

    Raises:
        ValueError: healthy is not one of the rows.
    """
    if healthy not in rows:
        raise ValueError(f"healthy is {healthy!r}: choose one of the rows {', '.join(rows)}.")
    values = np.array(list(rows.values()), dtype=float)
    fig, axes = figure(1, 3, height=0.9 + 0.36 * len(rows))
    labels = ("active units", "rate (nats)", "ELBO (nats)")
    for i, (ax, label) in enumerate(zip(axes[0], labels, strict=True)):
        _column(ax, values[:, i], label, list(rows), names=i == 0)
        if i == 2:
            ax.axvline(rows[healthy][2], color="black", linewidth=1, linestyle="--")
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
