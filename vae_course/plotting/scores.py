"""Scores of several kinds of examples over one axis."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vae_course.plotting.arrays import numbers
from vae_course.plotting.figure import COLOURS, STYLES, describe, headed, name_points, place, tidy

BINS = 60


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
    for i, (name, scores) in enumerate(rows.items()):
        shares = 100 * np.histogram(scores, edges)[0] / len(scores)
        colour = COLOURS[i % len(COLOURS)]
        ax.stairs(shares, edges, color=colour, linestyle=STYLES[i % len(STYLES)], linewidth=1.8)
        if i == 0:
            ax.stairs(shares, edges, fill=True, color=colour, alpha=0.2)
        top = int(shares.argmax())
        peaks.append((name, float(edges[top : top + 2].mean()), float(shares[top])))
    ax.set_ylim(bottom=0)
    tidy(ax, title=title, xlabel=xlabel, ylabel="% of the group")
    name_points(ax, peaks, at_end=False)
    told = "; ".join(f"{name} {r.mean():.1f} on average, standard deviation {r.std():.1f}" for name, r in rows.items())
    return describe(fig, alt or headed(title, f"{xlabel}: {told}."))
