"""Rate and distortion in pictures: the plane of both, how much of a rate is information, what each dimension costs, cures."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from vae_course.plotting.arrays import numbers
from vae_course.plotting.figure import (
    COLOURS,
    GREY,
    MARKERS,
    AltFigure,
    describe,
    figure,
    name_points,
    one_panel,
    tidy,
)
from vae_course.plotting.images import rows_along as walks

__all__ = ["cures", "dimensions", "rate_distortion", "shares", "spreads", "walks"]

CURVE, CHOSEN, LIMIT = COLOURS[0], COLOURS[1], COLOURS[2]
DEAD, DEATH = "#B9B9B9", "#5A5A5A"


def rate_distortion(
    rates: Any,
    distortions: Any,
    betas: Sequence[float],
    *,
    chosen: float | None = None,
    best: float | None = None,
    path: tuple[Any, Any] | None = None,
    deaths: Mapping[float, tuple[float, float]] | None = None,
) -> AltFigure:
    """Rate against distortion, one point for each beta, with lines on which the ELBO is the same.

    Points in the same place share a label.

    Args:
        rates: nats `[N]`.
        distortions: nats `[N]`.
        betas: N weights of the KL.
        chosen: one of the betas; it is picked out, with the line of slope -beta through it.
        best: the least R + D that is possible, where it is known; drawn as the edge of a region that no model reaches.
        path: rates and distortions of a finer curve, drawn in place of straight lines from point to point.
        deaths: beta at which a direction dies to its (rate, distortion); drawn as crosses.

    Raises:
        ValueError: the lengths differ, or chosen is not one of the betas.
    """
    r, d = numbers(rates, "rates"), numbers(distortions, "distortions")
    if not len(r) == len(d) == len(betas):
        raise ValueError(f"There are {len(r)} rates, {len(d)} distortions and {len(betas)} betas: give one each.")
    if chosen is not None and chosen not in betas:
        raise ValueError(f"chosen is {chosen}: choose one of the betas {', '.join(f'{beta:g}' for beta in betas)}.")
    fig, ax = one_panel(height=3.8)
    low, high = float(d.min()), float(d.max())
    span, right = max(high - low, 1e-6), 1.12 * max(float(r.max()), 1e-6)
    ax.set(xlim=(-0.03 * right, right), ylim=(low - 0.22 * span, high + 0.14 * span))
    _equal_elbo(ax, best)
    ax.plot(*(path or (r, d)), color=CURVE, linewidth=1.8)
    ax.plot(r, d, "o", color=CURVE, markersize=6)
    together: dict[tuple[float, float], list[str]] = {}
    for beta, x, y in zip(betas, r, d, strict=True):
        if beta != chosen:
            name = f"{beta:g} (one dies)" if beta in (deaths or {}) else f"{beta:g}"
            together.setdefault((round(x / right, 3), round(y / span, 3)), []).append(name)
    for (x, y), names in together.items():
        at = x * right, y * span
        ax.annotate(", ".join(names), at, xytext=(6, 5), textcoords="offset points", fontsize=9, color=CURVE)
    for beta, at in (deaths or {}).items():
        ax.plot(*at, "X", color=DEATH, markersize=8, markeredgecolor="white")
        if beta not in betas:
            ax.annotate(f"{beta:g} (one dies)", at, xytext=(6, 5), textcoords="offset points", fontsize=9, color=DEATH)
    if chosen is not None:
        i = list(betas).index(chosen)
        _tangent(ax, float(r[i]), float(d[i]), chosen)
    tidy(ax, xlabel="rate R (nats per image)", ylabel="distortion D (nats per image)")
    told = "; ".join(f"beta {b:g}: R {x:.1f}, D {y:.1f}" for b, x, y in zip(betas, r, d, strict=True))
    floor = "" if best is None else f" No model has R + D below {best:.1f}."
    lost = f" A direction dies at beta {', '.join(f'{beta:g}' for beta in deaths)}." if deaths else ""
    return describe(fig, f"Rate and distortion in nats. {told}.{lost}{floor}")


def _equal_elbo(ax: Axes, best: float | None) -> None:
    """Diagonals on which R + D, minus the ELBO, is the same; below the best one no model can be."""
    (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
    step = _round_step((top - bottom + right - left) / 8)
    for total in np.arange(np.ceil((bottom + left) / step), (top + right) / step) * step:
        if best is not None and abs(total - best) < step / 4:
            continue  # it could not be told from the edge
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


def shares(betas: Sequence[float], rates: Any, low: Any, high: Any) -> AltFigure:
    """Which share of each rate is information: a band between two estimates, and their points.

    The information is at most the rate. An upper estimate beyond the rate says nothing: the band then ends at 1, without a
    point.

    Args:
        betas: N weights of the KL, above zero.
        rates: nats `[N]`, above zero.
        low: lower estimates of the information, nats `[N]`.
        high: upper estimates, nats `[N]`.

    Raises:
        ValueError: the lengths differ, or a rate is not above zero.
    """
    rate, below, above = numbers(rates, "rates"), numbers(low, "low"), numbers(high, "high")
    if not len(betas) == len(rate) == len(below) == len(above):
        lengths = ", ".join(str(len(each)) for each in (betas, rate, below, above))
        raise ValueError(f"betas, rates, low and high hold {lengths} numbers: give one of each for every beta.")
    if not (rate > 0).all():
        raise ValueError(f"rates holds {rate.min():g}: a share can be taken of a rate above zero only.")
    fig, ax = one_panel(height=3.0)
    least, most, known = np.minimum(below / rate, 1), np.minimum(above / rate, 1), above <= rate
    at = np.asarray(betas, dtype=float)
    ax.fill_between(at, least, most, color=CURVE, alpha=0.18, linewidth=0)
    ax.plot(at[known], most[known], "v", color=CHOSEN, markersize=7, label="own image left out")
    ax.plot(at, least, "^", color=CURVE, markersize=7, label="all images in the mixture")
    ax.set_xscale("log")
    ax.set_xticks(at, [f"{beta:g}" for beta in at])
    ax.minorticks_off()
    ax.set_ylim(0, 1.05)
    tidy(ax, xlabel="beta", ylabel="information / rate")
    ax.legend(fontsize=9, loc="lower right")
    told = "; ".join(
        f"beta {beta:g}: {a:.2f} to {b:.2f}" if k else f"beta {beta:g}: {a:.2f} or more"
        for beta, a, b, k in zip(at, least, most, known, strict=True)
    )
    return describe(fig, f"Share of the rate that is information. {told}.")


def spreads(variances: Mapping[str, Any], *, threshold: float = 0.01) -> AltFigure:
    """The variance of each posterior mean, sorted, one curve for each model, with the threshold for an active dimension.

    Args:
        variances: name of a model to the variances of its D posterior means over images, `[D]`, above zero.
        threshold: a dimension counts as active above it.

    Raises:
        ValueError: there is no model.
    """
    if not variances:
        raise ValueError("variances is empty: give at least one model.")
    fig, ax = one_panel(height=3.0)
    told = []
    for i, (name, values) in enumerate(variances.items()):
        heights = np.sort(numbers(values, name))[::-1]
        count = int((heights > threshold).sum())
        ax.plot(
            np.arange(1, len(heights) + 1),
            heights,
            MARKERS[i % len(MARKERS)],
            color=COLOURS[i % len(COLOURS)],
            markersize=6,
        )
        told.append((name, len(heights), heights, count))
    ax.set_yscale("log")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.axhline(threshold, color="black", linewidth=1, linestyle="--")
    name_points(ax, [(f"{name}: {count}", n, float(heights[-1])) for name, n, heights, count in told], at_end=True)
    tidy(ax, xlabel="latent dimensions, largest variance first", ylabel="variance of the mean")
    words = "; ".join(f"{name}: {h[0]:.3g} to {h[-1]:.2g}, {count} of {n} above" for name, n, h, count in told)
    return describe(fig, f"Variances of the posterior means and the threshold {threshold:g}. {words}.")


def dimensions(kl: Any, active: Any, *, chosen: int | None = None) -> AltFigure:
    """What each latent dimension costs, largest first: active ones in colour, dead ones grey and hatched.

    Args:
        kl: mean KL of each dimension, `[D]` in nats.
        active: whether each is active, `[D]`.
        chosen: a dimension that is picked out.

    Raises:
        ValueError: the lengths differ.
    """
    heights, alive = numbers(kl, "kl"), np.asarray(active, dtype=bool)
    if len(heights) != len(alive):
        raise ValueError(f"There are {len(heights)} KLs and {len(alive)} answers whether active: give one each.")
    fig, ax = one_panel(height=2.6)
    order = np.argsort(-heights, kind="stable")
    for place_, d in enumerate(order):
        colour = CHOSEN if d == chosen else CURVE if alive[d] else DEAD
        hatch = "" if alive[d] else "///"
        ax.bar(place_, max(heights[d], 0.0), width=0.8, color=colour, hatch=hatch, edgecolor="white")
    ax.set_xticks(np.arange(len(order)), [str(d) for d in order])
    ax.set_ylim(0, max(1.08 * float(heights.max()), 0.1))
    tidy(ax, xlabel="latent dimension, largest KL first", ylabel="KL (nats)")
    ax.grid(False, axis="x")
    dead = [str(d) for d in order if not alive[d]]
    told = ", ".join(f"{d} {heights[d]:.2f}" for d in order)
    words = f"KL in nats of dimension {told}. {int(alive.sum())} of {len(alive)} are active"
    words += f"; dead: {', '.join(dead)}." if dead else "."
    return describe(fig, words)


def cures(rows: Mapping[str, tuple[float, float, float]], *, reference: str) -> AltFigure:
    """Several trainings side by side: their active units, rate and ELBO, one row for each.

    Args:
        rows: name to (active units, rate in nats, ELBO in nats).
        reference: the row that the ELBOs are to be compared with; a line marks its value.

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
    return describe(fig, f"{told}.")


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
