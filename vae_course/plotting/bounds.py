"""The importance-weighted bound in pictures: how the log weights scatter, and how the bounds climb towards log p(x)."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from vae_course.plotting.arrays import numbers
from vae_course.plotting.figure import COLOURS, DPI, GREY, WIDTH, AltFigure

BELOW, ABOVE = 8.0, 4.0  # nats around log p(x) that the histogram shows
SPAN = 4.0  # nats below log p(x) that the ladder shows
BINS = 60
MARGINS = {"left": 0.075, "right": 0.985, "bottom": 0.16, "top": 0.9, "wspace": 0.24}
ELBO, BOUND, FIRST_ORDER = COLOURS[1], COLOURS[2], COLOURS[0]


def weights_and_ladder(
    log_w: Any,
    ks: Any,
    bounds: Any,
    *,
    k: int,
    log_px: float,
    variance: float,
    alt: str | None = None,
) -> AltFigure:
    """The log weights of many draws as a histogram, and beside it the bound L_k for each k, with log p(x) in both.

    Args:
        log_w: log weights of N draws, in nats.
        ks: numbers of draws `[K]`, rising from 1.
        bounds: the bound L_k of each, `[K]`, in nats.
        k: the one of them that is picked out.
        log_px: log p(x), in nats.
        variance: of the weights, relative to p(x)^2; it gives the first-order curve, which is left out where infinite.
        alt: text alternative; made from the numbers when left out.

    Raises:
        ValueError: k is not one of ks, or there is not one bound for each.
    """
    draws, at, values = numbers(log_w, "log_w"), numbers(ks, "ks"), numbers(bounds, "bounds")
    if len(at) != len(values) or k not in at:
        raise ValueError(f"There are {len(values)} bounds for {len(at)} ks, and k is {k}: give one each, k among them.")
    picked = float(values[list(at).index(k)])
    # Fixed margins: a layout that is worked out anew for each picture takes longer than the drawing.
    fig = AltFigure(figsize=(WIDTH, 3.3), dpi=DPI, facecolor="white")
    left, right = fig.subplots(1, 2, gridspec_kw=MARGINS)
    _histogram(left, draws, log_px)
    _ladder(right, at, values, k=k, picked=picked, log_px=log_px, variance=variance)
    fig.alt = alt or (
        f"log p(x) is {log_px:.2f} nats. The log weights have mean {draws.mean():.2f} and standard deviation"
        f" {draws.std():.2f} nats. The bound goes from {values[0]:.2f} at k = {at[0]:.0f} to {values[-1]:.2f} at"
        f" k = {at[-1]:.0f}; at k = {k} it is {picked:.2f}."
    )
    return fig


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
        ax.axvline(mean, color=ELBO, linewidth=1.8, linestyle="--")
        ax.text(mean - 0.15, 0.97 * top, "ELBO,\nthe mean", fontsize=9, va="top", ha="right", color=ELBO)
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
    ax.set_ylim(log_px - SPAN, log_px + 0.9)
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
