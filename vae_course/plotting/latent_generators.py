"""Pictures of what a learned prior makes of a VAE's codes: bits against looks, and where the codes lie."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from vae_course.plotting.arrays import finite, numbers, to_numpy
from vae_course.plotting.charts import MANY_DECADES, plain_numbers
from vae_course.plotting.figure import COLOURS, GREY, MARKERS, AltFigure, describe, figure, name_points, one_panel, tidy

LOOKS = "Fréchet distance to images"
POSTERIORS = 12  # of single images, below a histogram
BINS = 80  # of a histogram of codes
ROOM = 0.045  # below a histogram, for each of these posteriors, as a share of its height
EDGE = 0.999  # of the numbers lie within a panel's axis


def bits_and_looks(models: Mapping[str, Mapping[str, tuple[Any, Any]]], copies: Mapping[str, Any]) -> AltFigure:
    """The bound against the distance of samples from images, a mark for each seed, its shape the prior and its colour the model.

    An arrow leads from the mean of a model's first prior to that of its last; a dashed line shows how near its reconstructions
    come.

    Args:
        models: name to a mapping from each prior to its bounds in nats and its distances, `[S]` each, one for each seed. All
            models have the same priors in the same order.
        copies: the model's name to the distances of its reconstructions, `[S]`.

    Raises:
        ValueError: there is no model, models differ in their priors or have fewer than two, copies are of other models, two lists
            differ in length, a number is not finite, or a distance is not above zero.
    """
    found = {name: _measured(name, priors) for name, priors in models.items()}
    orders = {tuple(priors) for priors in found.values()}
    if len(orders) != 1 or len(*orders) < 2:
        known = [list(priors) for priors in models.values()]
        raise ValueError(f"models have the priors {known}: give each model the same two or more, in the same order.")
    if set(copies) != set(found):
        raise ValueError(f"copies are of {sorted(copies)}, models {sorted(found)}: give each model its own.")
    near = {name: _distances(copies[name], f"copies of {name}") for name in found}
    fig, ax = one_panel(height=4.0)
    ax.set(yscale="log")
    told = [_priors(ax, i, name, priors, near[name].mean()) for i, (name, priors) in enumerate(found.items())]
    distances = np.concatenate([*near.values(), *(far for priors in found.values() for _, far in priors.values())])
    ax.set_ylim(distances.min() / 1.5, distances.max() * 2.2)
    ax.margins(x=0.08)
    tidy(ax, xlabel="bound on log p(x) (nats per image), better to the right →", ylabel=f"{LOOKS}, better below ↓")
    plain_numbers(ax.yaxis, wide=bool(distances.max() > MANY_DECADES * distances.min()))
    for j, prior in enumerate(next(iter(found.values()))):
        ax.plot([], [], marker=MARKERS[j % len(MARKERS)], linestyle="", color=GREY, label=prior)
    ax.legend(
        fontsize=9,
        frameon=False,
        ncols=9,
        loc="lower left",
        bbox_to_anchor=(0, 1),
        borderaxespad=0.2,
        handletextpad=0.2,
    )
    _name_arrows(ax, {name: next(iter(priors.values())) for name, priors in found.items()})
    name_points(ax, [(f"copies, {name}", ax.get_xlim()[1], far.mean()) for name, far in near.items()], at_end=True)
    return describe(fig, f"{LOOKS} against the bound, in means over seeds. {'; '.join(told)}.")


def code_histograms(groups: Mapping[str, tuple[Any, Any]]) -> AltFigure:
    """Where the codes of each model lie beside N(0, 1), before and after they are scaled to variance 1: a row for each model.

    Grey is the histogram of a draw of z for each image, all dimensions together. The bars below it are the posteriors of the
    first few images, image i in dimension i, from mu - sigma to mu + sigma with a dot at mu.

    Args:
        groups: name to mu and logvar of q(z | x), each `[N, D]`, such as `studies.latent_generators.posteriors`.

    Raises:
        ValueError: there is no model, mu and logvar differ in shape or are not `[N, D]`, or a number is not finite.
    """
    if not groups:
        raise ValueError("groups is empty: give at least one, for example {'KL weight 1': (mu, logvar)}.")
    rows = {name: _posteriors(name, *pair) for name, pair in groups.items()}
    fig, axes = figure(len(rows), 2, height=0.5 + 1.65 * len(rows))
    drawn = {
        name: mu + sigma * np.random.default_rng(0).standard_normal(mu.shape) for name, (mu, sigma) in rows.items()
    }
    scales = {name: 1 / z.std() for name, z in drawn.items()}
    told = []
    for column, scaled in enumerate((False, True)):
        factors = {name: scales[name] if scaled else 1.0 for name in rows}
        reach = max(4.0, *(float(np.quantile(np.abs(factors[name] * z), EDGE)) for name, z in drawn.items()))
        for ax, (name, (mu, sigma)) in zip(axes[:, column], rows.items(), strict=True):
            c = factors[name]
            top = _codes(ax, c * drawn[name].ravel(), reach)
            _bars(ax, c * mu, c * sigma, top)
            tidy(ax, title=f"{name}: {f'c z, c = {c:#.2g}' if scaled else 'z'}")
            ax.set(xlim=(-reach, reach), yticks=[])
            ax.grid(False)
            if not scaled:
                few = f"{min(POSTERIORS, len(mu))} images,\nμ ± σ"
                ax.set_yticks([0.4 * top, 0.5 * ax.get_ylim()[0]], ["all codes,\ndensity", few])
                ax.tick_params(axis="y", length=0)
    axes[0, 0].text(0.02, 0.93, "dashed: N(0, 1)", transform=axes[0, 0].transAxes, fontsize=9, va="top")
    for name, (_, sigma) in rows.items():
        told.append(
            f"{name}: codes have the standard deviation {1 / scales[name]:.2f}, a posterior {sigma.mean():.2g} on average,"
            f" scaled {scales[name] * sigma.mean():.2g}"
        )
    return describe(fig, f"Codes beside N(0, 1), before and after scaling to variance 1. {'; '.join(told)}.")


def _measured(name: str, priors: Mapping[str, tuple[Any, Any]]) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """The bounds and distances of one model with each prior, once they fit together."""
    found = {}
    for prior, (bounds, far) in priors.items():
        pair = numbers(bounds, f"{name}, {prior}"), _distances(far, f"{name}, {prior}")
        if len(pair[0]) != len(pair[1]):
            raise ValueError(f"{name}, {prior} has {len(pair[0])} bounds and {len(pair[1])} distances: give one each.")
        found[prior] = pair
    return found


def _distances(values: Any, name: str) -> np.ndarray:
    far = numbers(values, name)
    if far.min() <= 0:
        raise ValueError(f"{name} has the distance {far.min():g}: on a logarithmic axis give numbers above zero.")
    return far


def _priors(ax: Axes, i: int, name: str, priors: Mapping[str, tuple[np.ndarray, np.ndarray]], near: float) -> str:
    """Draw the i-th model's seeds with each prior, its arrow and the line of its copies; the means in words."""
    look: dict[str, Any] = {"color": COLOURS[i % len(COLOURS)]}
    marks: dict[str, Any] = {"linestyle": "", "markersize": 7, "markeredgecolor": "white", "markeredgewidth": 0.6}
    for j, (bounds, far) in enumerate(priors.values()):
        ax.plot(bounds, far, marker=MARKERS[j % len(MARKERS)], **marks, **look)
    means = {prior: (float(bounds.mean()), float(far.mean())) for prior, (bounds, far) in priors.items()}
    start, *_, end = means.values()
    arrow = {"arrowstyle": "-|>", "mutation_scale": 14, "shrinkA": 6, "shrinkB": 8, "linewidth": 1.6} | look
    ax.annotate("", end, start, arrowprops=arrow)
    ax.axhline(near, linestyle="--", linewidth=1.4, **look)
    at = ", ".join(f"{prior} {bound:.1f} nats at distance {far:.3g}" for prior, (bound, far) in means.items())
    return f"{name}: {at}, copies at {near:.3g}"


def _name_arrows(ax: Axes, starts: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> None:
    """The name of each model above where its arrow begins, on the side where there is more room."""
    left, right = ax.get_xlim()
    for i, (name, (bounds, far)) in enumerate(starts.items()):
        place = bounds.mean(), far.max()
        align = "left" if place[0] < (left + right) / 2 else "right"
        look: dict[str, Any] = {"ha": align, "fontsize": 10, "color": COLOURS[i % len(COLOURS)]}
        ax.annotate(name, place, xytext=(0, 9), textcoords="offset points", **look)


def _posteriors(name: str, mu: Any, logvar: Any) -> tuple[np.ndarray, np.ndarray]:
    """mu and sigma `[N, D]`."""
    m, v = (finite(to_numpy(values).astype(float), name) for values in (mu, logvar))
    if m.ndim != 2 or m.shape != v.shape:
        raise ValueError(f"{name} has mu {list(m.shape)} and logvar {list(v.shape)}: give [N, D] each.")
    return m, np.exp(0.5 * v)


def _codes(ax: Axes, z: np.ndarray, reach: float) -> float:
    """Draw the histogram of these numbers and N(0, 1), and return how high they go."""
    edges = np.linspace(-reach, reach, BINS + 1)
    heights = np.histogram(z, edges)[0] / len(z) / (edges[1] - edges[0])
    ax.stairs(heights, edges, fill=True, color="#B8B8B8")
    at = np.linspace(-reach, reach, 401)
    normal = np.exp(-0.5 * at**2) / np.sqrt(2 * np.pi)
    ax.plot(at, normal, color="black", linestyle="--", linewidth=1.4)
    return float(max(heights.max(), normal.max()))


def _bars(ax: Axes, mu: np.ndarray, sigma: np.ndarray, top: float) -> None:
    """The posteriors of the first images, image i in dimension i, below each other and below the histogram."""
    n = np.arange(min(POSTERIORS, len(mu)))
    m, s, y = mu[n, n % mu.shape[1]], sigma[n, n % mu.shape[1]], -ROOM * top * (n + 1.5)
    ax.hlines(y, m - s, m + s, color=COLOURS[1], linewidth=2.5)
    ax.plot(m, y, "o", color=COLOURS[1], markersize=2.5)
    ax.axhline(0, color=GREY, linewidth=0.8)
    ax.set_ylim(y[-1] - ROOM * top, 1.08 * top)
