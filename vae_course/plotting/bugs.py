"""Pictures for a diagnosis: curves of several runs beside each other, and pictures of several models in rows."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.ticker import MaxNLocator
from torch import Tensor

from vae_course.plotting.arrays import images, numbers
from vae_course.plotting.figure import MARKERS, AltFigure, describe, figure, line_style, name_points, tidy
from vae_course.plotting.images import GAP, sheet, tile
from vae_course.training.history import History

PARTS = ("loss", "reconstruction", "kl")
HEADINGS = {"kl": "KL"}
Curves = Mapping[str, History | Mapping[str, Sequence[float]]]


def beside(runs: Curves, *, parts: Sequence[str] = PARTS, alt: str | None = None) -> AltFigure:
    """Curves of several runs by epoch, one panel for each part of the loss, as each run itself prints it.

    Args:
        runs: name to history, or to a dict of lists such as `history.val`; of a history, the training curves.
        parts: the parts of the loss to draw.
        alt: text alternative; made from first and last values when left out.

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
            ends.append((_brief(y[-1]), float(len(y)), float(y[-1])))
            told.append(f"{heading} of {name} from {_brief(y[0])} to {_brief(y[-1])}")
        tidy(ax, title=heading, xlabel="epoch", ylabel="nats per image, as printed" if part == parts[0] else "")
        ax.xaxis.set_major_locator(MaxNLocator(nbins=5, integer=True, min_n_ticks=1))
        name_points(ax, ends, at_end=True)
    handles, labels = axes[0, 0].get_legend_handles_labels()
    fig.legend(handles, labels, loc="outside upper right", ncols=len(labels), frameon=False, fontsize=9)
    return describe(fig, alt or f"Curves by epoch: {'; '.join(told)}.")


def rows(pictures: Mapping[str, Tensor], *, alt: str | None = None) -> AltFigure:
    """One row of images for each name.

    Args:
        pictures: name to images `[N, 1, H, W]` in [0, 1], the same number in each row.
        alt: text alternative; made from the names when left out.

    Raises:
        ValueError: there is no row, or the rows differ in shape, or a row holds no images in [0, 1].
    """
    if not pictures:
        raise ValueError("pictures is empty: give at least one row, for example {'samples': x}.")
    bands = [images(x, name) for name, x in pictures.items()]
    if len({band.shape for band in bands}) > 1:
        raise ValueError(f"The rows have the shapes {[list(band.shape) for band in bands]}: give them one shape.")
    mosaic = tile(np.concatenate(bands), len(bands[0]), above=[2 * GAP] * len(bands))
    fig, ax = sheet(mosaic, title="", left=10 + 8 * max(map(len, pictures)))
    for name, top in zip(pictures, mosaic.tops, strict=True):
        ax.text(-4, top + mosaic.size[0] / 2, name, ha="right", va="center", fontsize=10)
    return describe(fig, alt or f"Rows of {len(bands[0])} images: {'; '.join(pictures)}.")


def _brief(value: Any) -> str:
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"
