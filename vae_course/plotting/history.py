"""How a training went, epoch by epoch, and several trainings beside each other."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from vae_course.plotting.arrays import numbers
from vae_course.plotting.figure import (
    MARKERS,
    WIDTH,
    AltFigure,
    describe,
    figure,
    headed,
    line_style,
    name_points,
    tidy,
)
from vae_course.training.history import History

IN_NATS = ("loss", "reconstruction", "kl")
HEADINGS = {"kl": "KL"}
LISTS = ("training", "validation")
Curves = Mapping[str, History | Mapping[str, Sequence[float]]]


def curves(history: History, *, title: str = "", alt: str | None = None) -> AltFigure:
    """The course of a training: one panel for each recorded quantity, training and validation by epoch.

    Args:
        history: what `fit` returned, or hands to its callbacks; each list holds one value an epoch.
        title: heading.
        alt: text alternative; made from the first and last values when left out.

    Raises:
        ValueError: nothing is recorded yet, or a value is not finite.
    """
    names = list(history.train)
    if not names or not history.train[names[0]]:
        raise ValueError("The history is empty: train for one epoch at least before drawing its curves.")
    ncols = min(3, len(names))
    nrows = -(-len(names) // ncols)
    fig, axes = figure(nrows, ncols, width=WIDTH if ncols > 1 else 5.0, height=0.35 + 2.5 * nrows)
    told = [_panel(ax, name, _lists(history, name)) for name, ax in zip(names, axes.flat, strict=False)]
    for ax in axes.flat[len(names) :]:
        ax.set_axis_off()
    shown = LISTS[: max(len(_lists(history, name)) for name in names)]
    samples = [Line2D([], [], label=label, **_look(i)) for i, label in enumerate(shown)]
    fig.legend(handles=samples, loc="outside upper right", ncols=len(shown), frameon=False, fontsize=9)
    fig.suptitle(title, fontsize=12, x=0.01, ha="left")
    epochs = len(history.train[names[0]])
    count = f"{epochs} epoch" + "s" * (epochs > 1)
    return describe(fig, alt or headed(title, f"Training curves over {count}. {' '.join(told)}"))


def beside(runs: Curves, *, parts: Sequence[str] = IN_NATS) -> AltFigure:
    """Curves of several runs by epoch, one panel for each part of the loss, as each run itself prints it.

    Args:
        runs: name to history, or to a dict of lists such as `history.val`; of a history, the training curves.
        parts: the parts of the loss to draw.

    Raises:
        ValueError: there is no run, a part is missing in one, or a value is not finite.
    """
    lists = {name: run.train if isinstance(run, History) else run for name, run in runs.items()}
    if not lists:
        raise ValueError("runs is empty: give at least one history, for example {'healthy': history}.")
    for name, curves in lists.items():
        if missing := [part for part in parts if part not in curves]:
            raise ValueError(f"{name} has no curve {missing[0]!r}: it has {', '.join(curves) or 'none'}.")
    fig, axes = figure(1, len(parts), width=7.4, height=2.8)
    told = []
    for part, ax in zip(parts, axes.flat, strict=True):
        ends, heading = [], HEADINGS.get(part, part)
        for i, (name, curves) in enumerate(lists.items()):
            y = numbers(curves[part], f"{name} {part}")
            ax.plot(np.arange(1, len(y) + 1), y, marker=MARKERS[i], markersize=4, label=name, **line_style(i))
            ends.append((_shown(y[-1]), float(len(y)), float(y[-1])))
            told.append(f"{heading} of {name} from {_shown(y[0])} to {_shown(y[-1])}")
        tidy(ax, title=heading, xlabel="epoch", ylabel="nats per image, as printed" if part == parts[0] else "")
        ax.xaxis.set_major_locator(MaxNLocator(nbins=5, integer=True, min_n_ticks=1))
        name_points(ax, ends, at_end=True)
    handles, labels = axes[0, 0].get_legend_handles_labels()
    fig.legend(handles, labels, loc="outside upper right", ncols=len(labels), frameon=False, fontsize=9)
    return describe(fig, f"Curves by epoch: {'; '.join(told)}.")


def _lists(history: History, name: str) -> dict[str, np.ndarray]:
    lists = {"training": history.train[name], "validation": history.val.get(name, [])}
    return {label: numbers(values, f"{label} {name}") for label, values in lists.items() if len(values)}


def _panel(ax: Axes, name: str, lists: dict[str, np.ndarray]) -> str:
    """Draw one quantity of a training, its last values written out, and return what it does in words."""
    heading, unit = HEADINGS.get(name, name), "nats" if name in IN_NATS else ""
    for i, values in enumerate(lists.values()):
        ax.plot(np.arange(1, len(values) + 1), values, markevery=-(-len(values) // 20), **_look(i))
    tidy(ax, title=heading, xlabel="epoch", ylabel=unit and "nats per image")
    ax.xaxis.set_major_locator(MaxNLocator(nbins=5, integer=True, min_n_ticks=1))
    name_points(ax, [(_brief(v[-1]), len(v), v[-1]) for v in lists.values()], at_end=True)
    told = ", ".join(f"{label} from {_brief(v[0])} to {_brief(v[-1])}" for label, v in lists.items())
    return f"{heading}{unit and f' in {unit}'}: {told}."


def _brief(value: float) -> str:
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.3g}"


def _look(i: int) -> dict[str, Any]:
    return {"marker": "os"[i], "markersize": 4.5, "markerfacecolor": (None, "white")[i], **line_style(i)}


def _shown(value: Any) -> str:
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"
