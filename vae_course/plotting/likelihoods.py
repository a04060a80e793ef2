"""What a likelihood charges for a pixel, and where the reductions of a loss put the weight of its KL."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from vae_course.plotting.arrays import aligned, numbers
from vae_course.plotting.figure import COLOURS, GREY, AltFigure, fixed, line_style, spread, tidy

LOWEST, HIGHEST = -3.0, 8.0  # nats that the picture of the charges shows
SHORTEST = 1e-4  # the axis of the betas shows at least from here to its inverse
HONEST, TOO_MUCH, TOO_LITTLE = COLOURS[2], COLOURS[1], COLOURS[0]


def charges(outputs: Any, curves: Mapping[str, Any], *, pixel: float) -> AltFigure:
    """-log p of one pixel over the decoder's output, one curve for each likelihood, and a line where the pixel is.

    Args:
        outputs: what the decoder says, `[N]`.
        curves: name to nats, `[N]`; what lies outside the picture is cut off.
        pixel: the value of the pixel.

    Raises:
        ValueError: no curve is given, one has another length than outputs, or a value is not finite.
    """
    at, nats = aligned(outputs, curves, name="outputs", places="outputs")
    if not nats:
        raise ValueError("curves is empty: give at least one likelihood, for example {'Bernoulli': nats}.")
    fig = fixed(3.2)
    ax = fig.subplots(gridspec_kw={"left": 0.09, "right": 0.74, "bottom": 0.15, "top": 0.92})
    for i, y in enumerate(nats.values()):
        ax.plot(at, y, **line_style(i))
    ax.axvline(pixel, color=GREY, linewidth=1)
    ax.axhline(0, color=GREY, linewidth=1)
    ax.set(xlim=(0, 1), ylim=(LOWEST, HIGHEST))
    side = "left" if pixel < 0.1 else "right" if pixel > 0.9 else "center"
    ax.text(pixel, HIGHEST + 0.1, f"pixel {pixel:.2f}", fontsize=9, color=GREY, ha=side, va="bottom")
    tidy(ax, xlabel="the decoder's output", ylabel="price: -log p (nats)")
    _names(ax, {name: y[-1] for name, y in nats.items()})
    lowest = {name: (at[int(y.argmin())], float(y.min())) for name, y in nats.items()}
    told = "; ".join(f"{name} is lowest at {place:.2f}, {value:.2f} nats" for name, (place, value) in lowest.items())
    fig.alt = f"Price of a pixel of {pixel:.2f} over the decoder's output: {told}."
    return fig


def beta_axis(betas: Mapping[str, float], *, highlight: str | None = None) -> AltFigure:
    """Effective betas on a logarithmic axis, each as a bar from the honest 1 to where the loss puts it.

    Args:
        betas: name to effective beta, above zero.
        highlight: a name to set in bold, with a diamond.

    Raises:
        ValueError: nothing is given, a beta is not a finite number above zero, or highlight is not among the names.
    """
    values = numbers(list(betas.values()), "betas")
    if (values <= 0).any():
        raise ValueError(f"The betas are {[float(v) for v in values]}: on a logarithmic axis they must be above zero.")
    if highlight is not None and highlight not in betas:
        raise ValueError(f"highlight is {highlight!r}, which is not among the names {list(betas)}.")
    fig = fixed(1.1 + 0.36 * len(values))
    inches = float(fig.get_figheight())
    box = {"left": 0.27, "right": 0.9, "bottom": 0.55 / inches, "top": 1 - 0.4 / inches}
    ax = fig.subplots(gridspec_kw=box)
    for row, (name, value) in enumerate(zip(betas, values, strict=True)):
        colour = TOO_MUCH if value > 1.001 else TOO_LITTLE if value < 0.999 else HONEST
        ax.plot([1, value], [row, row], color=colour, linewidth=5, solid_capstyle="butt")
        ax.plot(value, row, marker="D" if name == highlight else "o", markersize=9, color=colour)
        weight = "bold" if name == highlight else "normal"
        ax.text(1.02, row, shown(value), transform=ax.get_yaxis_transform(), va="center", fontsize=10, weight=weight)
    _beta_frame(ax, list(betas), values, highlight)
    told = "; ".join(f"{name} {shown(value)}" for name, value in zip(betas, values, strict=True))
    fig.alt = f"Effective beta, on a logarithmic axis with 1 in the middle: {told}."
    return fig


def shown(beta: float) -> str:
    """A beta with three digits that count, without powers of ten where a plain number will do."""
    return f"{beta:,.0f}" if beta >= 1000 else f"{beta:.3g}"


def _beta_frame(ax: Axes, names: list[str], values: np.ndarray, highlight: str | None) -> None:
    """The axis, symmetric about 1, and what its two sides mean."""
    reach = max(1 / SHORTEST, float(values.max()), 1 / float(values.min())) * 2
    ax.set(xscale="log", xlim=(1 / reach, reach), ylim=(len(names) - 0.4, -0.6))
    tidy(ax, xlabel="effective beta, the weight of the KL beside -log p(x | z) in nats")
    ax.axvline(1, color=HONEST, linewidth=2, zorder=0)
    ax.grid(False, axis="y")
    ax.xaxis.set_major_locator(LogLocator(numticks=9))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set_yticks(range(len(names)), names, fontsize=10)
    for name, label in zip(names, ax.get_yticklabels(), strict=True):
        label.set_fontweight("bold" if name == highlight else "normal")
    for x, text, colour in ((0.25, "codes too cheap", TOO_LITTLE), (0.75, "codes too expensive", TOO_MUCH)):
        ax.text(x, 1.03, text, transform=ax.transAxes, ha="center", fontsize=10, color=colour)
    ax.text(0.5, 1.03, "ELBO", transform=ax.transAxes, ha="center", fontsize=10, color=HONEST)


def _names(ax: Axes, ends: Mapping[str, float]) -> None:
    """Each curve's name in the right margin, at the height where it leaves the picture."""
    heights = [(min(max(y, LOWEST), HIGHEST) - LOWEST) / (HIGHEST - LOWEST) for y in ends.values()]
    for i, (name, height) in enumerate(zip(ends, spread(heights, 0.08), strict=True)):
        ax.text(1.02, height, name, transform=ax.transAxes, fontsize=10, va="center", color=COLOURS[i % len(COLOURS)])
