"""The exact worlds in pictures: who causes whom, joints with their margins and slices, a grid sum, a cloud on a plane."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Ellipse, FancyArrowPatch, FancyBboxPatch, Rectangle

from vae_course.plotting.arrays import finite, numbers, to_numpy
from vae_course.plotting.figure import COLOURS, GREY, AltFigure, describe, figure, fixed, headed, one_panel, place, tidy
from vae_course.studies.two_hills import hills

PRIOR, LIKELIHOOD, JOINT, POSTERIOR = COLOURS[0], COLOURS[2], COLOURS[3], COLOURS[1]
PLATE = {"facecolor": "white", "edgecolor": "none", "pad": 1.5}
MARGINS = {"left": 0.1, "right": 0.985, "bottom": 0.1, "top": 0.94, "hspace": 0.5}


def graphical_model(*, parameters: bool = False) -> AltFigure:
    """The model of one hidden and one observed quantity: an empty circle z, an arrow, a grey circle x, a plate.

    Args:
        parameters: show a VAE's: theta, from which p(x | z) comes, and phi, from which the dashed arrow of q(z | x) comes.
    """
    fig, ax = one_panel(height=2.3)
    ax.set(xlim=(0, 7), ylim=(0, 2.3), aspect="equal")
    ax.axis("off")
    plate: dict[str, Any] = {
        "boxstyle": "round,pad=0,rounding_size=0.15",
        "facecolor": "none",
        "edgecolor": GREY,
        "linewidth": 1.5,
    }
    ax.add_patch(FancyBboxPatch((1.3, 0.15), 4.4, 2.0, **plate))
    for centre, name, said, fill in ((2.3, "z", "hidden", "white"), (4.7, "x", "observed", "#C9C9C9")):
        ax.add_patch(Circle((centre, 1.25), 0.42, facecolor=fill, edgecolor="black", linewidth=1.8))
        ax.text(centre, 1.25, name, fontsize=17, style="italic", ha="center", va="center")
        ax.text(centre, 0.62, said, fontsize=10, ha="center", va="center")
    _arrow(ax, (2.76, 1.25), (4.24, 1.25))
    likelihood = r"$p_\theta$(x | z)" if parameters else "p(x | z)"
    ax.text(2.3, 1.88, "p(z)", fontsize=11, ha="center", va="center", color=PRIOR)
    ax.text(3.5, 1.45, likelihood, fontsize=11, ha="center", va="center", color=LIKELIHOOD)
    ax.text(5.55, 0.3, "N times", fontsize=10, ha="right", va="center", color=GREY)
    fig.alt = "An empty circle z, hidden, with an arrow to a grey circle x, observed, in a plate: N times."
    if parameters:
        for centre, letter, end in ((6.5, r"$\theta$", 5.16), (0.5, r"$\phi$", 1.84)):
            ax.text(centre, 1.25, letter, fontsize=17, ha="center", va="center")
            side = 0.2 if end > centre else -0.2
            _arrow(ax, (centre + side, 1.25), (end, 1.25), dashed=letter == r"$\phi$")
        _arrow(ax, (4.38, 0.93), (2.62, 0.93), dashed=True, bend=-0.25)
        ax.text(3.5, 0.5, r"$q_\phi$(z | x)", fontsize=11, ha="center", va="center", color=POSTERIOR)
        fig.alt += " Theta, outside, has an arrow to x. Dashed arrows lead from x and from phi, outside, to z."
    return fig


def _arrow(
    ax: Axes, start: tuple[float, float], end: tuple[float, float], *, dashed: bool = False, bend: float = 0.0
) -> None:
    """An arrow of a graphical model: solid for the model, dashed for q."""
    look: dict[str, Any] = {"arrowstyle": "-|>", "mutation_scale": 18, "linewidth": 1.8, "color": "k"}
    curve = f"arc3,rad={bend}"
    line = (0, (3, 2)) if dashed else "-"
    ax.add_patch(FancyArrowPatch(start, end, connectionstyle=curve, linestyle=line, **look))


def urn_mosaic(p_z: Any, p_x_z: Any, x: int, *, names: Sequence[str], seen: str) -> AltFigure:
    """A table world as areas: widths are the prior, heights the likelihood, areas the joint; beside it the posterior.

    Args:
        p_z: prior, `[K]`.
        p_x_z: likelihood, `[K, M]`.
        x: the observation whose joint is hatched.
        names: K names of the codes.
        seen: the observation in a word.

    Raises:
        ValueError: the tables or the names do not fit together.
    """
    prior, table = numbers(p_z, "p_z"), finite(to_numpy(p_x_z).astype(float), "p_x_z")
    if table.ndim != 2 or not len(prior) == len(table) == len(names):
        raise ValueError(f"There are {len(prior)} priors, {len(table)} rows and {len(names)} names: give K of each.")
    heights = table[:, x]
    joint = prior * heights
    fig, axes = figure(1, 2, height=3.4)
    left, right = axes[0]
    edge = 0.0
    for name, width, height, area in zip(names, prior, heights, joint, strict=True):
        left.add_patch(Rectangle((edge, 0), width, 1, facecolor="#EDEDED", edgecolor="white", linewidth=3))
        hatched: dict[str, Any] = {"facecolor": POSTERIOR, "edgecolor": "white", "linewidth": 3, "hatch": "//"}
        left.add_patch(Rectangle((edge, 0), width, height, **hatched))
        left.text(edge + width / 2, height + 0.02, f"{area:.2f}", ha="center", va="bottom", fontsize=10)
        left.text(edge + width / 2, 1.02, name, ha="center", va="bottom", fontsize=10)
        edge += width
    tidy(left, xlabel="width: prior p(z)", ylabel=f"height: p({seen} | z)")
    left.set(xlim=(0, 1), ylim=(0, 1.12))
    left.grid(False)
    right.bar(range(len(prior)), joint / joint.sum(), width=0.6, color=POSTERIOR, hatch="//", edgecolor="white")
    for k, share in enumerate(joint / joint.sum()):
        right.plot([k - 0.36, k + 0.36], [prior[k]] * 2, color=PRIOR, linewidth=3)
        right.text(k, min(0.06, share / 2), f"{share:.2f}", ha="center", va="center", fontsize=10, bbox=PLATE)
    tidy(right, ylabel="probability")
    right.set_xticks(range(len(prior)), list(names), fontsize=10)
    right.set_title(f"bars: p(z | {seen}), lines: p(z)", fontsize=10, loc="left")
    told = "; ".join(
        f"{name} has area {area:.2f} and posterior {area / joint.sum():.2f}"
        for name, area in zip(names, joint, strict=True)
    )
    fig.alt = f"Areas p(z) p({seen} | z), {joint.sum():.2f} in all: {told}."
    return fig


def joint_map(
    z: Any,
    x: Any,
    joint: Any,
    *,
    seen: float,
    shown: tuple[float, float],
    draws: tuple[Any, Any] | None = None,
) -> AltFigure:
    """A joint density as a map, its two marginals at its sides, and below it the slice at one x, scaled to area one.

    Args:
        z: places on an even grid, `[G]`.
        x: places on an even grid, `[H]`, wide enough to hold what is added up for p(z).
        joint: p(x, z), `[H, G]`.
        seen: the x of the slice.
        shown: the lowest and the highest x of the map.
        draws: codes and observations `[N]` each, drawn as dots.

    Raises:
        ValueError: the joint has another shape than `[H, G]`.
    """
    z, x, joint = numbers(z, "z"), numbers(x, "x"), finite(to_numpy(joint).astype(float), "joint")
    if joint.shape != (len(x), len(z)):
        raise ValueError(f"joint has shape {list(joint.shape)}: it must be [H, G], here [{len(x)}, {len(z)}].")
    dz, dx = z[1] - z[0], x[1] - x[0]
    p_z, p_x, row = joint.sum(0) * dx, joint.sum(1) * dz, int(np.abs(x - seen).argmin())
    posterior = joint[row] / p_x[row]
    fig = fixed(6.0)
    ratios = {"height_ratios": [1, 2.8, 1.2], "width_ratios": [3.4, 1], "hspace": 0.2, "wspace": 0.06}
    top, middle, bottom = fig.subplots(
        3, 2, gridspec_kw=ratios | {"left": 0.09, "right": 0.985, "top": 0.95, "bottom": 0.08}
    )
    heat, side = middle
    heat.pcolormesh(z, x, joint, cmap="Blues", shading="nearest", rasterized=True)
    if draws is not None:
        heat.scatter(*(numbers(d, "draws") for d in draws), s=5, color="black", alpha=0.45, linewidth=0)
    for ax in middle:
        ax.axhline(x[row], color=POSTERIOR, linewidth=1.8, linestyle="--")
    _hill(top[0], z, p_z, PRIOR, "p(z)")
    _hill(bottom[0], z, posterior, POSTERIOR, f"p(z | x = {seen:g})")
    side.fill_betweenx(x, p_x, color=JOINT, alpha=0.3, linewidth=0)
    side.plot(p_x, x, color=JOINT, linewidth=1.8)
    tidy(heat, ylabel="x")
    heat.text(0.02, 0.96, "p(x, z): the darker, the denser", transform=heat.transAxes, fontsize=10, va="top")
    tidy(side, xlabel="p(x)")
    for ax in (heat, top[0], bottom[0]):
        ax.set_xlim(z[0], z[-1])
    for ax in middle:
        ax.set_ylim(*shown)
    heat.set_xticklabels([])
    top[0].set_xticklabels([])
    side.set_yticklabels([])
    bottom[0].set_xlabel("z", fontsize=10)
    top[1].axis("off")
    bottom[1].axis("off")
    bottom[1].text(0, 0.45, f"the slice at x = {seen:g},\ndivided by\np(x) = {p_x[row]:.3f}", fontsize=10, va="center")
    fig.alt = (
        f"A map of p(x, z) with p(z) above and p(x) at the side. Its slice at x = {seen:g} divided by p(x) ="
        f" {p_x[row]:.3f} is the posterior, highest, {posterior.max():.2f}, at z = {z[posterior.argmax()]:.2f}."
    )
    return fig


def grid_sum(z: Any, curve: Any, points: Any, heights: Any, *, ax: Axes | None = None) -> Figure:
    """A curve over the bars whose areas add up to the grid sum, one bar for each point of an even grid.

    Args:
        z: places of the curve, `[N]`.
        curve: its heights, `[N]`.
        points: the even grid, `[G]`, two points or more.
        heights: the heights there, `[G]`.
        ax: axes to draw on instead of a new figure.

    Raises:
        ValueError: lengths differ, or there are fewer than two points.
    """
    z, curve, points, heights = (
        numbers(v, n) for v, n in ((z, "z"), (curve, "curve"), (points, "points"), (heights, "heights"))
    )
    if len(z) != len(curve) or len(points) != len(heights) or len(points) < 2:
        raise ValueError("Give one height for each place, and two points of the grid or more.")
    fig, ax = place(ax)
    step = points[1] - points[0]
    total = step * heights.sum()
    ax.bar(points, heights, width=step, color=JOINT, alpha=0.45, edgecolor="white", linewidth=1.2)
    ax.plot(z, curve, color="black", linewidth=1.6)
    title = f"{len(points)} points: sum {total:.4f}"
    tidy(ax, title=title, xlabel="z", ylabel="p(x, z)")
    ax.set_xlim(z[0], z[-1])
    return describe(fig, headed(title, f"bars of width {step:.2f} under the curve of p(x, z)."))


def slices(z: Any, prior: Any, likelihood: Any, joint: Any, *, p_x: float, title: str = "") -> AltFigure:
    """Bayes' rule over one z axis: prior and likelihood, their product with its area p(x), and the posterior.

    Args:
        z: places, `[G]`.
        prior: p(z) there, `[G]`.
        likelihood: p(x | z) of one x there, `[G]`.
        joint: p(x, z) of the same x there, `[G]`.
        p_x: the area under the whole joint.
        title: heading.

    Raises:
        ValueError: a curve has another length than z, or p_x is not above zero.
    """
    given = {"prior p(z)": prior, "likelihood p(x | z)": likelihood, "joint p(x, z)": joint}
    at, curves = numbers(z, "z"), {name: numbers(curve, name) for name, curve in given.items()}
    if any(len(curve) != len(at) for curve in curves.values()) or not p_x > 0:
        raise ValueError(f"Give {len(at)} values of each curve, one for each z, and a p_x above zero.")
    p_z, p_x_z, product = curves.values()
    fig = fixed(5.0, width=4.7)
    above, middle, below = fig.subplots(3, 1, sharex=True, gridspec_kw=MARGINS | {"left": 0.13, "top": 0.91})
    above.plot(at, p_z, color=PRIOR, linewidth=1.8, linestyle="--", label="prior p(z)")
    above.plot(at, p_x_z, color=LIKELIHOOD, linewidth=1.8, linestyle="-.", label="likelihood p(x | z), over z")
    above.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, frameon=False, fontsize=9, borderaxespad=0.2)
    tidy(above, ylabel="density")
    above.set_ylim(0, 1.12 * max(p_z.max(), p_x_z.max()))
    _hill(middle, at, product, JOINT, f"joint p(x, z): its area is p(x) = {p_x:.3g}")
    _hill(below, at, product / p_x, POSTERIOR, "posterior p(z | x): its area is 1")
    below.set_xlabel("z", fontsize=10)
    below.set_xlim(at[0], at[-1])
    fig.suptitle(title, fontsize=10, x=0.13, y=0.985, ha="left")
    tops = hills(at, product)
    told = " and ".join(f"{place:.2f}" for place in tops)
    noun = "hill" if len(tops) == 1 else "hills"
    fig.alt = headed(
        title,
        f"prior and likelihood over z, their product with area p(x) = {p_x:.3g}, and the posterior: {noun} at z = {told}.",
    )
    return fig


def cloud(x: Any, W: Any, b: Any, sigma: float, *, seen: Any) -> AltFigure:
    """Draws of a linear-Gaussian world on the plane: its line b + W z, and the ellipse of two standard deviations.

    Args:
        x: draws, `[N, 2]`.
        W: loadings, `[2, 1]`.
        b: mean, `[2]`.
        sigma: standard deviation of the noise.
        seen: the one point that is marked, `[2]`.

    Raises:
        ValueError: the world is not one of a single code on a plane.
    """
    x, W, b, seen = (to_numpy(v).astype(float) for v in (x, W, b, seen))
    if W.shape != (2, 1) or b.shape != (2,) or x.ndim != 2 or x.shape[1] != 2:
        raise ValueError(f"W has shape {list(W.shape)} and x {list(x.shape)}: the picture shows [2, 1] and [N, 2].")
    fig, ax = one_panel(height=4.0)
    ax.scatter(finite(x, "x")[:, 0], x[:, 1], s=8, color=COLOURS[5], alpha=0.6, linewidth=0)
    codes = np.arange(-3, 4)
    line = b + codes[:, None] * W[:, 0]
    ax.plot(*line.T, color="black", linewidth=1.6, marker="|", markersize=9)
    for code, offset in ((-2, (-44, 8)), (2, (10, -14))):
        ax.annotate(f"z = {code}", line[code + 3], offset, textcoords="offset points", fontsize=9)
    values, vectors = np.linalg.eigh(W @ W.T + sigma**2 * np.eye(2))
    tilt = float(np.degrees(np.arctan2(vectors[1, 1], vectors[0, 1])))
    width, height = 4 * np.sqrt(values[::-1])
    ax.add_patch(Ellipse((b[0], b[1]), width, height, angle=tilt, fill=False, edgecolor=JOINT, linewidth=2))
    ax.plot(*seen, marker="*", markersize=15, color=POSTERIOR, markeredgecolor="black")
    ax.set_aspect("equal")
    tidy(ax, xlabel="first number of x", ylabel="second number of x")
    text = (
        f"{len(x)} draws around the line b + W z; the ellipse of two standard deviations is {width:.1f} long and"
        f" {height:.1f} wide; a star at ({seen[0]:g}, {seen[1]:g})."
    )
    return describe(fig, text)


def _hill(ax: Axes, z: np.ndarray, density: np.ndarray, colour: str, name: str) -> None:
    """A filled density over z, with its name above it."""
    ax.fill_between(z, density, color=colour, alpha=0.3, linewidth=0)
    ax.plot(z, density, color=colour, linewidth=1.8)
    tidy(ax, ylabel="density")
    ax.set_title(name, fontsize=10, loc="left")
    ax.set_ylim(0, 1.12 * float(density.max()))
