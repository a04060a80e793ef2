"""Bounds on log p(x) in pictures: Jensen's gap, the ELBO of each q, and the ladder of importance-weighted bounds."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from vae_course.plotting.arrays import aligned, numbers
from vae_course.plotting.figure import COLOURS, GREY, AltFigure, describe, fixed, line_style, one_panel, tidy

SPAN = 6.0  # nats below log p(x) that the columns show
BOUND, GAP = COLOURS[2], COLOURS[4]
MARGINS = {"left": 0.095, "right": 0.99, "bottom": 0.15, "top": 0.91, "wspace": 0.22}
LADDER_MARGINS = {"left": 0.075, "right": 0.985, "bottom": 0.16, "top": 0.9, "wspace": 0.24}
LADDER_SPAN = 4.0  # nats below log p(x) that the ladder shows
BELOW, ABOVE = 8.0, 4.0  # nats around log p(x) that the histogram shows
BINS = 60
MEAN, FIRST_ORDER = COLOURS[1], COLOURS[0]
PLATE = {"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 1.5}


def jensen(w: Any, q: Any) -> AltFigure:
    """The logarithm of a mean above the mean of the logarithms: the weights on the curve, and the gap at their mean.

    Args:
        w: K weights above zero.
        q: their K probabilities; the area of each dot grows with its own.

    Raises:
        ValueError: the lengths differ, a weight is not above zero, or the probabilities do not sum to one.
    """
    w, q = numbers(w, "w"), numbers(q, "q")
    if w.shape != q.shape or (w <= 0).any():
        raise ValueError(f"There are {len(w)} weights and {len(q)} probabilities: give K of each, all weights above 0.")
    if (q < 0).any() or abs(q.sum() - 1) > 1e-4:
        raise ValueError("q does not consist of probabilities that sum to one.")
    fig, ax = one_panel(height=3.8)
    mean, bound = float(q @ w), float(q @ np.log(w))
    _curve_and_tangent(ax, w, mean)
    ax.scatter(w, np.log(w), s=30 + 500 * q, color=COLOURS[0], alpha=0.55, linewidth=0, zorder=3)
    for k, weight in enumerate(w):
        ax.annotate(f"z = {k}", (weight, np.log(weight)), (13, -13), textcoords="offset points", fontsize=9)
    ax.plot([mean, mean], [bound, np.log(mean)], color=GAP, linewidth=5, solid_capstyle="butt", zorder=4)
    ax.plot([mean, mean], [np.log(mean), bound], "D", color="black", markersize=7, zorder=5)
    notes = (
        (f"log of the mean: {np.log(mean):.2f}", np.log(mean), (0.03, 0.86)),
        (f"mean of the logs: {bound:.2f}", bound, (0.45, 0.16)),
        (f"gap: {np.log(mean) - bound:.2f}", (np.log(mean) + bound) / 2, (0.45, 0.30)),
    )
    for text, height, place_of_text in notes:
        ax.annotate(
            text, (mean, height), place_of_text, textcoords="axes fraction", fontsize=10, va="center",
            arrowprops={"arrowstyle": "-", "color": GREY, "linewidth": 0.8, "shrinkB": 5},
        )  # fmt: skip
    tidy(ax, xlabel="weight w = p(x, z) / q(z)", ylabel="log w (nats)")
    text = (
        f"The curve log w with {len(w)} weights on it. At their mean {mean:.2f}, the logarithm of the mean is"
        f" {np.log(mean):.2f} and the mean of the logarithms {bound:.2f}: a gap of {np.log(mean) - bound:.2f} nats."
    )
    return describe(fig, text)


def bound(
    z: Any,
    posterior: Any,
    qs: Mapping[str, Any],
    *,
    log_px: float,
    elbos: Mapping[str, float],
) -> AltFigure:
    """Each q over the true posterior, and beside them log p(x) as a ceiling with each q's bound and gap below it.

    The columns begin a fixed number of nats below log p(x); a bound further down is written at the foot.

    Args:
        z: positions `[G]`.
        posterior: p(z | x) at each of them, `[G]`.
        qs: name to q(z) at each of them, `[G]`.
        log_px: log p(x), in nats.
        elbos: name to ELBO, in nats, for the same names.

    Raises:
        ValueError: no q is given, the names differ, or a density has another length than z.
    """
    if not qs or list(qs) != list(elbos):
        raise ValueError(f"qs has the names {list(qs)} and elbos {list(elbos)}: give at least one q, and its bound.")
    fig = fixed(3.4)
    ratios = {"width_ratios": [3.2, 0.8 + 0.5 * len(qs)], **MARGINS}
    left, right = fig.subplots(1, 2, gridspec_kw=ratios)
    at, curves = aligned(z, qs, name="z", places="positions z")
    _densities(left, at, numbers(posterior, "posterior"), curves)
    columns(right, log_px, elbos)
    told = "; ".join(f"{name}: ELBO {v:.2f}, gap {log_px - v:.2f}" for name, v in elbos.items())
    fig.alt = f"q over the true posterior. log p(x) is {log_px:.2f} nats. {told}."
    return fig


def weights_and_ladder(
    log_w: Any,
    ks: Any,
    bounds: Any,
    *,
    k: int,
    log_px: float,
    variance: float,
) -> AltFigure:
    """The log weights of many draws as a histogram, and beside it the bound L_k for each k, with log p(x) in both.

    Args:
        log_w: log weights of N draws, in nats.
        ks: numbers of draws `[K]`, rising from 1.
        bounds: the bound L_k of each, `[K]`, in nats.
        k: the one of them that is picked out.
        log_px: log p(x), in nats.
        variance: of the weights, relative to p(x)^2; it gives the first-order curve, which is left out where infinite.

    Raises:
        ValueError: k is not one of ks, or there is not one bound for each.
    """
    draws, at, values = numbers(log_w, "log_w"), numbers(ks, "ks"), numbers(bounds, "bounds")
    if len(at) != len(values) or k not in at:
        raise ValueError(f"There are {len(values)} bounds for {len(at)} ks, and k is {k}: give one each, k among them.")
    picked = float(values[list(at).index(k)])
    fig = fixed(3.3)
    left, right = fig.subplots(1, 2, gridspec_kw=LADDER_MARGINS)
    _histogram(left, draws, log_px)
    _ladder(right, at, values, k=k, picked=picked, log_px=log_px, variance=variance)
    fig.alt = (
        f"log p(x) is {log_px:.2f} nats. The log weights have mean {draws.mean():.2f} and standard deviation"
        f" {draws.std():.2f} nats. The bound goes from {values[0]:.2f} at k = {at[0]:.0f} to {values[-1]:.2f} at"
        f" k = {at[-1]:.0f}; at k = {k} it is {picked:.2f}."
    )
    return fig


def columns(ax: Axes, log_px: float, elbos: Mapping[str, float], *, span: float = SPAN) -> None:
    """One column for each q: its bound from the foot up, its gap from there to the line of log p(x).

    Args:
        ax: where to draw.
        log_px: log p(x), in nats.
        elbos: name to ELBO, in nats.
        span: nats from the foot to log p(x); a bound further down is written at the foot.
    """
    foot, unit = log_px - span, span / SPAN
    digits = 2 if span > 1 else 3
    for i, value in enumerate(elbos.values()):
        level = max(value, foot)
        ax.bar(i, level - foot, bottom=foot, width=0.7, color=BOUND)
        ax.bar(i, log_px - level, bottom=level, width=0.7, color=GAP, hatch="//", edgecolor="white", linewidth=0)
        words = f"ELBO\n{value:.{digits}f}", f"gap\n{log_px - value:.{digits}f}"
        ax.text(i, foot + 0.1 * unit, words[0], fontsize=9, ha="center", va="bottom", bbox=PLATE)
        ax.text(i, log_px + 0.12 * unit, words[1], fontsize=9, ha="center", va="bottom")
    ax.axhline(log_px, color="black", linewidth=2)
    ax.set_ylim(foot, log_px + 1.1 * unit)
    ax.set_xlim(-0.6, len(elbos) - 0.4)
    tidy(ax, ylabel="nats")
    ax.grid(False, axis="x")
    ax.set_xticks(range(len(elbos)), list(elbos), fontsize=10)
    for i, label in enumerate(ax.get_xticklabels()):
        label.set_color(_look(i)["color"])
    line = ", the line" if len(elbos) > 1 else ""  # for which one column has no room
    ax.set_title(f"log p(x) = {log_px:.2f}{line}", fontsize=10, loc="left")


def _curve_and_tangent(ax: Axes, w: np.ndarray, mean: float) -> None:
    """log w, and its tangent at the mean, which lies above the curve everywhere else."""
    low, high = 0.6 * w.min(), 1.1 * w.max()
    at = np.linspace(low, high, 400)
    ax.plot(at, np.log(at), color=COLOURS[0], linewidth=1.8)
    ax.plot(at, np.log(mean) + (at - mean) / mean, color=GREY, linewidth=1.2, linestyle="--")
    bottom, top = np.log(low) - 0.35, np.log(high) + 0.9
    ax.set_ylim(bottom, top)
    ax.set_xlim(0, high)


def _densities(ax: Axes, z: np.ndarray, posterior: np.ndarray, qs: Mapping[str, np.ndarray]) -> None:
    """The posterior as a grey hill, each q as a line with its name at its peak."""
    ax.fill_between(z, posterior, color="#D0D0D0", linewidth=0)
    for i, y in enumerate(qs.values()):
        ax.plot(z, y, **_look(i))
    ax.set_ylim(0, 1.15 * ax.get_ylim()[1])
    _names(ax, {name: (float(z[y.argmax()]), float(y.max())) for name, y in qs.items()})
    ax.set_xlim(z.min(), z.max())
    tidy(ax, xlabel="z", ylabel="density")
    ax.set_title("the true posterior p(z | x), grey, and q", fontsize=10, loc="left")


def _names(ax: Axes, peaks: Mapping[str, tuple[float, float]]) -> None:
    """Each name at its peak, or higher where it would cover the name of a neighbour."""
    width, height = (high - low for low, high in (ax.get_xlim(), ax.get_ylim()))
    placed: list[tuple[float, float]] = []
    colours = {name: _look(i)["color"] for i, name in enumerate(peaks)}
    for name, (x, y) in sorted(peaks.items(), key=lambda item: item[1][1]):
        for other_x, other_y in placed:
            if abs(x - other_x) < width / 6:
                y = max(y, other_y + 0.065 * height)
        ax.text(x, y, name, color=colours[name], fontsize=10, ha="center", va="bottom")
        placed.append((x, y))


def _look(i: int) -> dict[str, Any]:
    """A line for the i-th q, in none of the columns' colours."""
    return line_style((0, 1, 3, 6)[i % 4])


def _histogram(ax: Axes, draws: np.ndarray, log_px: float) -> None:
    """How the log weights scatter around log p(x); what lies outside is gathered in the last bars."""
    low, high = log_px - BELOW, log_px + ABOVE
    share = np.full(len(draws), 100 / len(draws))
    ax.hist(np.clip(draws, low, high), bins=BINS, range=(low, high), weights=share, color="#B9B9B9")
    mean = float(draws.mean())
    top = 1.3 * ax.get_ylim()[1]
    ax.set(ylim=(0, top), xlim=(low, high))
    ax.axvline(log_px, color="black", linewidth=2)
    ax.text(log_px + 0.15, 0.97 * top, "log p(x)", fontsize=9, va="top")
    if mean > low:
        ax.axvline(mean, color=MEAN, linewidth=1.8, linestyle="--")
        ax.text(mean - 0.15, 0.97 * top, "ELBO,\nthe mean", fontsize=9, va="top", ha="right", color=MEAN)
    _tidy(ax, f"log w of {len(draws):,} draws", "log w (nats)", "% of the draws")


def _ladder(
    ax: Axes, at: np.ndarray, values: np.ndarray, *, k: int, picked: float, log_px: float, variance: float
) -> None:
    """The bound over k, the chosen one as a diamond, and what the first order says: log p(x) - variance / (2 k)."""
    ax.axhline(log_px, color="black", linewidth=2)
    if np.isfinite(variance):
        ax.plot(at, log_px - variance / (2 * at), color=FIRST_ORDER, linestyle=":", linewidth=1.8)
    ax.plot(at, values, color=BOUND, marker="o", markersize=4, linewidth=1.8)
    ax.plot([k], [picked], "D", color=BOUND, markersize=9, markeredgecolor="black")
    ax.set_xscale("log", base=2)
    ax.set_xticks(at[::2], [f"{tick:.0f}" for tick in at[::2]])
    ax.set_ylim(log_px - LADDER_SPAN, log_px + 0.9)
    ax.text(at[0], log_px + 0.12, "log p(x)", fontsize=9, va="bottom")
    ax.text(0.97, 0.20, "circles: L_k", transform=ax.transAxes, color=BOUND, fontsize=9, ha="right")
    told = "dotted: first order" if np.isfinite(variance) else "first order: infinite variance"
    ax.text(0.97, 0.08, told, transform=ax.transAxes, color=FIRST_ORDER, fontsize=9, ha="right")
    _tidy(ax, f"L_k at k = {k}: {picked:.2f} nats", "draws k", "nats")


def _tidy(ax: Axes, title: str, xlabel: str, ylabel: str) -> None:
    ax.spines[["top", "right"]].set_visible(False)
    ax.tick_params(labelsize=9, color=GREY)
    ax.set_title(title, fontsize=10, loc="left")
    ax.set_xlabel(xlabel, fontsize=10)
    ax.set_ylabel(ylabel, fontsize=10)
