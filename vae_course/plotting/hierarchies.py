"""Pictures of codes with two levels: how the nats are shared out, and what each level costs from seed to seed."""

from collections.abc import Mapping
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vae_course.plotting.arrays import aligned, numbers
from vae_course.plotting.figure import COLOURS, GREY, AltFigure, describe, one_panel, place, tidy

BOTTOM, TOP = COLOURS[0], COLOURS[1]


def shares(a: Any, bottom: Any, top: Any, *, xlabel: str, title: str = "", ax: Axes | None = None) -> Figure:
    """The rates of both levels on top of each other, so that the upper edge is their sum.

    Args:
        a: positions `[N]`, rising.
        bottom, top: nats `[N]`, none below zero.
        xlabel: what the positions are.

    Raises:
        ValueError: the lengths differ, or a rate is below zero or not finite.
    """
    at, curves = aligned(a, {"bottom": bottom, "top": top})
    low, high = curves["bottom"] + 0.0, curves["top"] + 0.0  # no minus before a zero
    if min(low.min(), high.min()) < 0:
        raise ValueError(f"A rate is {min(low.min(), high.min()):.3f}: areas can show nats of zero or more only.")
    fig, ax = place(ax, height=3.0)
    ax.fill_between(at, 0, low, color=BOTTOM, alpha=0.35, linewidth=0)
    ax.fill_between(at, low, low + high, color=TOP, alpha=0.45, linewidth=0, hatch="//", edgecolor="white")
    ax.plot(at, low, color=BOTTOM, linewidth=2)
    ax.plot(at, low + high, color="black", linewidth=2)
    ax.set(xlim=(at[0], at[-1]), ylim=(0, 1.2 * float((low + high).max())))
    middle = int(0.3 * (len(at) - 1))
    look: dict[str, Any] = {"fontsize": 10, "ha": "center", "va": "center"}
    ax.text(at[middle], low[middle] / 2, "bottom", **look)
    late = int(0.85 * (len(at) - 1))
    ax.text(at[late], low[late] + high[late] / 2, "top", **look)
    ax.text(at[middle], 1.07 * (low + high)[middle], "their sum", **look)
    tidy(ax, title=title, xlabel=xlabel, ylabel="nats")
    told = "; ".join(
        f"{name} from {values[0]:.3f} to {values[-1]:.3f}"
        for name, values in (("bottom", low), ("top", high), ("their sum", low + high))
    )
    return describe(fig, f"Rates of two levels over {xlabel}, on top of each other: {told} nats.")


def level_rates(groups: Mapping[str, tuple[Any, Any]]) -> AltFigure:
    """What each level costs, a bar for each group with the bottom's mean and the top's behind it, and a mark for each seed.

    The marks stand at the end of each seed's bottom part and of its sum.

    Args:
        groups: name to nats of the bottom and of the top, `[S]` each, one for each seed.

    Raises:
        ValueError: there is no group, or its two lists differ in length or are not finite.
    """
    if not groups:
        raise ValueError("groups is empty: give at least one, for example {'bottom-up': (bottom, top)}.")
    fig, ax = one_panel(height=0.9 + 0.6 * len(groups))
    told = []
    for row, (name, pair) in enumerate(groups.items()):
        bottom, top = (numbers(values, name) for values in pair)
        if len(bottom) != len(top):
            raise ValueError(f"{name} has {len(bottom)} and {len(top)} numbers: give both levels of each seed.")
        first = row == 0
        ax.barh(row, bottom.mean(), height=0.55, color=BOTTOM, alpha=0.6, label="bottom" if first else None)
        ax.barh(
            row, top.mean(), left=bottom.mean(), height=0.55, color=TOP, alpha=0.7, hatch="//", edgecolor="white",
            label="top" if first else None,
        )  # fmt: skip
        marks: dict[str, Any] = {"color": "black", "markersize": 4, "linestyle": ""}
        ax.plot(bottom, [row] * len(bottom), marker="o", label="bottom, one seed" if first else None, **marks)
        ax.plot(bottom + top, [row] * len(top), marker="D", label="sum, one seed" if first else None, **marks)
        told.append(
            f"{name}: bottom {bottom.mean():.1f} ({bottom.min():.1f} to {bottom.max():.1f}),"
            f" top {top.mean():.1f} ({top.min():.1f} to {top.max():.1f})"
        )
    ax.set_yticks(range(len(groups)), list(groups))
    ax.invert_yaxis()
    ax.axvline(0, color=GREY, linewidth=1)
    tidy(ax, xlabel="nats per image")
    ax.grid(False, axis="y")
    ax.legend(fontsize=9, frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return describe(
        fig, f"Nats of both levels, in means over seeds and from the lowest to the highest. {'; '.join(told)}."
    )
