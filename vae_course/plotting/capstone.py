"""Pictures of the capstone: bounds below a known log p(x), and the report card."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from vae_course.plotting.arrays import aligned, numbers
from vae_course.plotting.figure import COLOURS, GREY, MARKERS, AltFigure, describe, fixed, one_panel, tidy
from vae_course.studies.capstone.card import RUBRIC, TOTAL, ProjectCard

LEFT, ROW = 0.36, 0.24  # where the bars of a card begin, as a share of its width; inches of one of its lines


def bounds_below(log_px: Any, bounds: Mapping[str, Any], weights: Any) -> AltFigure:
    """How far bounds lie from log p(x), over log p(x) itself: one dot an image, as large as the image is frequent.

    Args:
        log_px: log p(x) of each image `[N]`, in nats.
        bounds: name to the bound of each image `[N]`, in nats.
        weights: how frequent each image is `[N]`.

    Raises:
        ValueError: the lengths differ, or a number is not finite.
    """
    exact = numbers(log_px, "log_px")
    _, rows = aligned(np.arange(len(exact)), {"weights": weights, **bounds})
    size = rows.pop("weights") / np.sum(numbers(weights, "weights"))
    fig, ax = one_panel(height=3.4)
    ax.axhline(0, color="black", linewidth=1.5)
    told = []
    for i, (name, values) in enumerate(rows.items()):
        mean = np.average(values - exact, weights=size)
        look: dict[str, Any] = {"color": COLOURS[i], "marker": MARKERS[i], "linewidth": 0}
        ax.scatter(exact, values - exact, s=3 + 900 * size, alpha=0.4, **look)
        ax.scatter([], [], s=40, label=f"{name}: {mean:.3f}".replace("-", "−"), **look)
        told.append(f"{name} {mean:.3f}")
    tidy(ax, xlabel="exact log p(x), nats", ylabel="bound less log p(x), nats")
    ax.legend(fontsize=9, frameon=False, loc="lower right", title="mean over the world", title_fontsize=9)
    return describe(
        fig,
        f"Bounds of {len(exact):,} images less their exact log p(x), in nats, averaged by how frequent an image is:"
        f" {'; '.join(told)}.",
    )


def report_card(card: ProjectCard) -> AltFigure:
    """A report card: the headline with its two errors, the findings, bits per image, and points by the rubric."""
    rows = 3.2 + len(card.acceptance.findings) + 1.6 + (len(card.bits) + 1.6 if card.bits else 0) + len(RUBRIC) + 2
    fig = fixed(ROW * rows)
    below = iter(np.cumsum([0.0, 3.2, len(card.acceptance.findings) + 1.6, len(card.bits) + 1.6 if card.bits else 0.0]))
    told = [_headline(_strip(fig, next(below), 2.0, rows), card)]
    told.append(_findings(_strip(fig, next(below), len(card.acceptance.findings), rows), card))
    start = next(below)
    if card.bits:
        told.append(_bits(_strip(fig, start, len(card.bits), rows), card))
    told.append(_points(_strip(fig, next(below), len(RUBRIC), rows), card))
    return describe(fig, f"Report card, {card.track}. {' '.join(told)}")


def _strip(fig: AltFigure, top: float, height: float, rows: float) -> Axes:
    """Axes so many lines below the top, and so many high; their heading stands on the line above."""
    ax = fig.add_axes((LEFT, 1 - (top + 1.3 + height) / rows, 0.97 - LEFT, height / rows))
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0, labelsize=9)
    return ax


def _heading(ax: Axes, words: str) -> None:
    ax.annotate(
        words, (0.02, 1), xycoords=("figure fraction", "axes fraction"), xytext=(0, 4), textcoords="offset points",
        fontsize=10, fontweight="bold", va="bottom", annotation_clip=False,
    )  # fmt: skip


def _headline(ax: Axes, card: ProjectCard) -> str:
    """The number with an error bar of two standard errors for each of its two errors."""
    line = card.headline
    for y, error, colour in ((1, line.over_images, COLOURS[0]), (0, line.over_seeds, COLOURS[1])):
        if error is not None:
            ax.errorbar(line.value, y, xerr=2 * error, fmt="o", color=colour, capsize=5, markersize=5, linewidth=2)
    ax.set(ylim=(-0.5, 1.5))
    ax.axvline(0, color=GREY, linewidth=1)
    ax.set_yticks([1, 0], [f"± {line.over_images:.3f} over images", line.seeds_in_words])
    ax.xaxis.set_visible(False)
    ax.grid(True, axis="x", color="#E3E3E3")
    _heading(ax, f"{line.value:.3f} {line.unit}: {line.what}")
    return f"{line}."


def _findings(ax: Axes, card: ProjectCard) -> str:
    found = card.acceptance.findings
    ax.set(ylim=(len(found) - 0.5, -0.5), xlim=(0, 1), yticks=[], xticks=[])
    for y, finding in enumerate(found):
        look: dict[str, Any] = {
            "color": "black" if finding.holds else COLOURS[1],
            "va": "center",
            "annotation_clip": False,
        }
        for x, words in ((0.02, "✓" if finding.holds else "✗"), (0.05, str(finding.test)), (0.595, finding.measured)):
            ax.annotate(words, (x, y), xycoords=("figure fraction", "data"), fontsize=8, **look)
    _heading(ax, card.acceptance.verdict)
    return card.acceptance.verdict


def _bits(ax: Axes, card: ProjectCard) -> str:
    ax.barh(range(len(card.bits)), list(card.bits.values()), height=0.6, color=COLOURS[0], alpha=0.7)
    for y, value in enumerate(card.bits.values()):
        ax.annotate(f" {value:,.1f}", (value, y), va="center", fontsize=9)
    ax.set(xlim=(0, 1.15 * max(*card.bits.values(), 1e-9)), ylim=(len(card.bits) - 0.5, -0.5), xticks=[])
    ax.set_yticks(range(len(card.bits)), list(card.bits))
    _heading(ax, "bits per image")
    return "Bits per image: " + "; ".join(f"{name} {value:,.1f}" for name, value in card.bits.items()) + "."


def _points(ax: Axes, card: ProjectCard) -> str:
    given = [card.points.get(row.key, 0) for row in RUBRIC]
    ax.barh(range(len(RUBRIC)), [row.points for row in RUBRIC], height=0.6, color="none", edgecolor=GREY, linewidth=1)
    ax.barh(range(len(RUBRIC)), given, height=0.6, color=COLOURS[2], alpha=0.8)
    for y, (row, points) in enumerate(zip(RUBRIC, given, strict=True)):
        ax.annotate(f" {points} of {row.points}", (row.points, y), va="center", fontsize=9)
    ax.set(xlim=(0, 5), ylim=(len(RUBRIC) - 0.5, -0.5), xticks=[])
    ax.set_yticks(range(len(RUBRIC)), [row.name for row in RUBRIC])
    _heading(ax, f"by your own count {card.total} of {TOTAL} points")
    return f"Own points {card.total} of {TOTAL}."
