"""Densities over each other: a given p with the qs that stand in for it, and the integrand of their divergence."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Ellipse

from vae_course.plotting.arrays import aligned, finite, to_numpy
from vae_course.plotting.figure import (
    COLOURS,
    GREY,
    AltFigure,
    describe,
    fixed,
    headed,
    line_style,
    one_panel,
    place,
    tidy,
)

MARGINS = {"left": 0.14, "right": 0.985, "bottom": 0.12, "top": 0.93, "hspace": 0.4}
START = "q(z) at the start"


def densities(
    z: Any,
    p: Any,
    qs: Mapping[str, Any],
    *,
    name: str = "p(z)",
    title: str = "",
    ax: Axes | None = None,
) -> Figure:
    """One density filled, and others drawn over it as lines.

    Args:
        z: places, `[N]`.
        p: the density that is given, at these places, `[N]`.
        qs: name to density, `[N]`, of those that are compared with it.
        name: what the given density is called.
        title: heading.
        ax: axes to draw on instead of a new figure.

    Raises:
        ValueError: a density has another length than z, or a value is not finite.
    """
    at, curves = aligned(z, {name: p} | dict(qs), name="z", places="places z")
    fig, ax = place(ax)
    ax.fill_between(at, curves[name], color=COLOURS[0], alpha=0.18, linewidth=0)
    for i, (label, curve) in enumerate(curves.items()):
        ax.plot(at, curve, label=label, **line_style(i))
    tidy(ax, xlabel="z", ylabel="density")
    ax.set_ylim(0, 1.08 * max(curve.max() for curve in curves.values()))
    ax.legend(frameon=False, fontsize=9, ncols=len(curves), loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0.2)
    ax.set_title(title, fontsize=10, loc="right")  # at the left stands the legend
    told = "; ".join(f"{label} is highest, {y.max():.2f}, at {_peak(at, y)}" for label, y in curves.items())
    return describe(fig, headed(title, f"Densities over z: {told}."))


def ellipses(p: Any, qs: Mapping[str, Any]) -> AltFigure:
    """Gaussians of two coordinates around zero: p filled, each q an outline, at two standard deviations.

    Args:
        p: covariance of the Gaussian that is given, `[2, 2]`.
        qs: name to covariance, `[2, 2]`, of those that are compared with it.

    Raises:
        ValueError: a covariance is not a symmetric 2 x 2 matrix with positive eigenvalues.
    """
    matrices = {name: _covariance(matrix, name) for name, matrix in ({"p(z)": p} | dict(qs)).items()}
    fig, ax = one_panel(height=3.4)
    told = []
    for i, (name, matrix) in enumerate(matrices.items()):
        variances, directions = np.linalg.eigh(matrix)
        height, width = 4 * np.sqrt(variances)
        angle = np.degrees(np.arctan2(directions[1, 1], directions[0, 1]))
        style = line_style(i)
        fill = {"facecolor": (*to_rgb(style["color"]), 0.18)} if i == 0 else {"fill": False}
        outline = {"edgecolor": style["color"], "linestyle": style["linestyle"], "linewidth": 2.0}
        ax.add_patch(Ellipse((0, 0), width, height, angle=angle, label=name, **fill, **outline))
        told.append(f"{name} reaches {width / 2:.2f} along its longer axis and {height / 2:.2f} along the other")
    reach = 2.3 * max(np.sqrt(np.diag(matrix).max()) for matrix in matrices.values())
    ax.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
    tidy(ax, xlabel="z1", ylabel="z2")
    ax.legend(frameon=False, fontsize=9, loc="center left", bbox_to_anchor=(1.05, 0.5))
    return describe(fig, f"Gaussians around zero, each an ellipse of two standard deviations: {'; '.join(told)}.")


def divergence(
    z: Any,
    p: Any,
    q: Any,
    integrand: Any,
    *,
    name: str,
    start: Any | None = None,
    width: float = 7.0,
    height: float = 4.4,
) -> AltFigure:
    """Densities p and q above, and below them the integrand: what lies above zero adds to the KL, the rest lowers it.

    Args:
        z: places on an even grid, `[N]`.
        p: density at these places, `[N]`.
        q: density at these places, `[N]`.
        integrand: what is integrated over z, `[N]`, in nats per unit of z.
        name: the integral in words, such as "KL(q || p)".
        start: a q of earlier, drawn faintly, `[N]`.
        width: width of the figure in inches.
        height: height of the figure in inches.

    Raises:
        ValueError: a curve has another length than z, or a value is not finite.
    """
    given = {"p(z)": p, "q(z)": q, name: integrand} | ({} if start is None else {START: start})
    at, curves = aligned(z, given, name="z", places="places z")
    fig = fixed(height, width=width)
    above, below = fig.subplots(2, 1, sharex=True, gridspec_kw={"height_ratios": [3, 2], **MARGINS})
    _densities(above, at, curves)
    _area(below, at, curves[name], name)
    fig.alt = _in_words(at, curves, name)
    return fig


def _densities(ax: Axes, z: np.ndarray, curves: dict[str, np.ndarray]) -> None:
    """p filled, q dashed, and a faint dotted start."""
    p, q = curves["p(z)"], curves["q(z)"]
    ax.fill_between(z, p, color=COLOURS[0], alpha=0.18, linewidth=0)
    ax.plot(z, p, label="p(z)", **line_style(0))
    if START in curves:
        ax.plot(z, curves[START], color=GREY, linestyle=":", linewidth=1.6, label=START)
    ax.plot(z, q, label="q(z)", **(line_style(1) | {"linewidth": 2.2}))
    tidy(ax, ylabel="density")
    ax.set_xlim(z[0], z[-1])
    ax.set_ylim(0, 1.08 * max(p.max(), q.max()))
    ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3, frameon=False, fontsize=9, borderaxespad=0.2)


def _area(ax: Axes, z: np.ndarray, integrand: np.ndarray, name: str) -> None:
    """The integrand with the area above zero in one colour and hatch, the area below in another."""
    ax.fill_between(z, integrand.clip(min=0), color="#CC79A7", alpha=0.55, linewidth=0, label="adds")
    ax.fill_between(
        z, integrand.clip(max=0), facecolor="#DDF0E9", edgecolor="#009E73", hatch="////", linewidth=0, label="lowers"
    )
    ax.plot(z, integrand, color="black", linewidth=1.0)
    ax.axhline(0, color=GREY, linewidth=1)
    tidy(ax, xlabel="z", ylabel="nats per unit")
    low, high = min(integrand.min(), -0.1), max(integrand.max(), 0.5)
    ax.set_ylim(low - 0.08 * (high - low), high + 0.08 * (high - low))
    ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, frameon=False, fontsize=9, borderaxespad=0.2)
    ax.text(1, 1.04, f"integrand of {name}", transform=ax.transAxes, ha="right", va="bottom", fontsize=9)


def _in_words(z: np.ndarray, curves: dict[str, np.ndarray], name: str) -> str:
    p, q, integrand = curves["p(z)"], curves["q(z)"], curves[name]
    area = float(np.trapezoid(integrand, z))
    return (
        f"p(z) is highest at {_peak(z, p)}, q(z) at {_peak(z, q)}. Below them the integrand of {name}: it is highest,"
        f" {integrand.max():.2f} nats per unit, at {_peak(z, integrand)}; its area over this range is {area:.2f} nats."
    )


def _covariance(values: Any, name: str) -> np.ndarray:
    matrix = finite(to_numpy(values).astype(float), name)
    if matrix.shape != (2, 2) or not np.allclose(matrix, matrix.T) or np.linalg.eigvalsh(matrix)[0] <= 0:
        raise ValueError(f"{name} needs a covariance: a symmetric 2 x 2 matrix with positive eigenvalues.")
    return matrix


def _peak(z: np.ndarray, curve: np.ndarray) -> str:
    return f"{round(float(z[curve.argmax()]), 2) + 0.0:.2f}"  # + 0.0 turns -0.00 into 0.00
