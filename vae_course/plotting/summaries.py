"""One picture that sums up each lesson, drawn from formulas alone: no data, no training, the same on every machine."""

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.patches import Circle, Ellipse, FancyArrowPatch

from vae_course.data import pen
from vae_course.diffusion import linear_log_snr
from vae_course.plotting.diagrams import NETWORK, TENSOR, TERM, box
from vae_course.plotting.figure import COLOURS, GREY, AltFigure, figure, tidy
from vae_course.plotting.hierarchies import shares
from vae_course.studies.bugs.cases import ALL
from vae_course.studies.capstone.world import PIXELS, BarsWorld
from vae_course.studies.chain import Chain
from vae_course.studies.diffusion_worlds import expected_terms, limit, two_bumps
from vae_course.studies.gaussian_fit import bimodal, bound, descend, optimum
from vae_course.studies.importance_weights import ladder
from vae_course.studies.rate_distortion import GaussianSource
from vae_course.studies.rotation import account
from vae_course.studies.scalar_quantiser import least_bits, lloyd_max, uniform
from vae_course.studies.two_hills import bimodal_world, slice_at

BLUE, ORANGE, GREEN, PINK = COLOURS[:4]
HEIGHT = 2.5
# Of lesson 18: a name, the standard deviation of all codes, and that of a posterior.
AUTOENCODERS = (("std 1.1\nσ = 0.37", 1.1, 0.37), ("std 4.3\nσ = 0.003", 4.3, 0.003))
SMALL: dict[str, Any] = {"fontsize": 9, "ha": "center", "va": "center"}


def summary(lesson: str) -> AltFigure:
    """The picture that sums up a lesson.

    Args:
        lesson: its two digits, such as "04".

    Raises:
        ValueError: there is no picture for this lesson.
    """
    if lesson not in PICTURES:
        raise ValueError(f'There is no picture for lesson "{lesson}": give one of {", ".join(PICTURES)}.')
    return PICTURES[lesson]()


def _start() -> AltFigure:
    fig, ((left, middle, right),) = figure(1, 3, height=HEIGHT)
    digit = pen.draw(4, seed=3)[0][2]
    smooth = torch.nn.functional.avg_pool2d(digit, 3, stride=1, padding=1)  # as a decoder's mean image looks
    for ax, title, pixels in ((left, "an image: 784 numbers", digit), (right, "an image like it", smooth)):
        ax.imshow(1 - pixels.squeeze(), cmap="gray", vmin=0, vmax=1)
        ax.set_title(title, fontsize=10)
        ax.axis("off")
    for radius in (1, 2):
        middle.add_patch(Circle((0, 0), radius, fill=False, edgecolor="#C9C9C9"))
    middle.plot([0.9], [-0.6], "o", color=ORANGE, markersize=9)
    middle.set(xlim=(-2.4, 2.4), ylim=(-2.4, 2.4), aspect="equal")
    middle.set_title("a code: 2 numbers", fontsize=10)
    middle.axis("off")
    for start, name in ((0.295, "encoder"), (0.645, "decoder")):
        _across(fig, start, name)
    fig.alt = (
        "An image of 784 numbers goes through the encoder to a point in a plane, two numbers, and through the decoder to an"
        " image like it."
    )
    return fig


def _holes() -> AltFigure:
    fig, ((left, right),) = figure(1, 2, height=HEIGHT)
    source = np.random.default_rng(1)
    centres = np.array([[-3.2, 1.0], [0.4, 3.0], [3.6, 0.6], [0.2, -2.4]])
    codes = centres[:, None] + source.normal(size=(4, 60, 2)) * [[[0.5, 0.8]], [[0.9, 0.4]], [[0.5, 0.6]], [[1.0, 0.4]]]
    for i, cloud in enumerate(codes):
        for ax in (left, right):
            ax.plot(*cloud.T, "o", color=COLOURS[i], markersize=3, alpha=0.7 if ax is left else 0.25)
    draws = source.uniform([-4.8, -4.0], [4.8, 4.4], size=(14, 2))
    reach = np.linalg.norm(draws[:, None] - codes.reshape(-1, 2), axis=2).min(1)
    right.plot(*draws[reach <= 0.6].T, "x", color="black", markersize=7, markeredgewidth=2)
    right.plot(
        *draws[reach > 0.6].T, "o", markerfacecolor="none", markeredgecolor="black", markersize=10, markeredgewidth=1.5
    )
    for ax, title in ((left, "what the loss fixes"), (right, "what it leaves open: holes (rings)")):
        ax.set(xticks=[], yticks=[], xlim=(-5.2, 5.2), ylim=(-4.4, 4.6))
        tidy(ax, title=title, xlabel="code 1", ylabel="code 2")
    fig.alt = (
        "Left, clouds of codes in the plane. Right, the same clouds with codes drawn at random: crosses fall into a cloud,"
        f" {int((reach > 0.6).sum())} of {len(draws)} fall into holes, marked by rings, where no image was."
    )
    return fig


def _bayes() -> AltFigure:
    fig, ((left, right),) = figure(1, 2, height=HEIGHT)
    value = slice_at(2.0, 0.7)
    near = value.z.abs() <= 3
    z = value.z[near]
    left.plot(z, value.prior[near], color=BLUE)
    left.fill_between(z, value.joint[near], color=PINK, alpha=0.35, hatch="//", edgecolor=PINK)
    left.text(0.85, 0.33, "prior p(z)", color=BLUE, fontsize=9)
    left.annotate(
        f"area: p(x) = {value.p_x:.3f}", (1.1, 0.05), (1.3, 0.25), arrowprops={"arrowstyle": "-|>"}, fontsize=9
    )
    right.plot(z, value.posterior[near], color=ORANGE)
    right.fill_between(z, value.posterior[near], color=ORANGE, alpha=0.2)
    tidy(left, title="joint p(z) p(x | z), for one x", xlabel="z")
    tidy(right, title="divided by its area: posterior p(z | x)", xlabel="z")
    told = f"Left, the prior and the joint of one x, whose area is p(x) = {value.p_x:.3f}."
    fig.alt = f"{told} Right, the posterior, with two hills."
    return fig


def _directions() -> AltFigure:
    fig, ((left, right),) = figure(1, 2, height=HEIGHT)
    p, z = bimodal(), torch.linspace(-5, 5, 500, dtype=torch.float64)
    for ax, direction, title, colour in (
        (left, "reverse", "KL(q || p) chooses one hill", ORANGE),
        (right, "forward", "KL(p || q) covers both", GREEN),
    ):
        found = descend(p, 1.0, 0.0, direction)
        q = torch.distributions.Normal(found.mean, math.exp(found.log_std))
        ax.fill_between(z, p.log_prob(z).exp(), color="#D8D8D8")
        ax.plot(z, q.log_prob(z).exp(), color=colour, linewidth=2)
        ax.text(0.03, 0.9, "grey: p, line: q", transform=ax.transAxes, fontsize=9)
        tidy(ax, title=title, xlabel="z")
    fig.alt = "Twice the same p with two hills. The best q for KL(q || p) lies on one hill; the best for KL(p || q) spans both."
    return fig


def _bound() -> AltFigure:
    fig, ((ax,),) = figure(height=HEIGHT)
    world, x = bimodal_world()
    best = optimum(world, x)
    choices = {
        "q = the prior": bound(world, x, 0.0, 0.0),
        "a narrow q": bound(world, x, 1.1, -3.5),
        "the best Gaussian": best,
    }
    log_px = float(world.log_marginal(x))
    low = min(found.elbo for found in choices.values()) - 0.6
    for row, found in enumerate(choices.values()):
        elbo = found.elbo
        ax.barh(row, elbo - low, left=low, color=BLUE, height=0.6)
        ax.barh(row, log_px - elbo, left=elbo, color=ORANGE, height=0.6, alpha=0.6, hatch="//", edgecolor="white")
        ax.text(low + 0.05, row, f"ELBO {elbo:.2f}", fontsize=9, va="center", color="white")
        ax.text(log_px + 0.04, row, f"gap {log_px - elbo:.2f}", fontsize=9, va="center")
    ax.axvline(log_px, color="black")
    ax.text(log_px - 0.03, len(choices) - 0.5, "log p(x), whatever q", fontsize=9, ha="right", va="bottom")
    tidy(ax, xlabel="nats; the gap is KL(q || posterior)")
    ax.set(xlim=(low, log_px + 0.5), ylim=(-0.5, len(choices) - 0.1))
    ax.set_yticks(range(len(choices)), list(choices))
    ax.grid(False)
    told = "; ".join(f"{name}: {found.elbo:.2f}" for name, found in choices.items())
    fig.alt = f"log p(x) = {log_px:.2f} is a line that three bars, bound and gap, reach together. Bounds: {told}."
    return fig


def _paths() -> AltFigure:
    fig, ((left, right),) = figure(1, 2, height=HEIGHT)
    for ax, title in ((left, "draw z itself: no path"), (right, "draw eps: a path")):
        ax.set(xlim=(0, 6), ylim=(-0.1, 3), aspect="equal")
        ax.axis("off")
        ax.set_title(title, fontsize=11)
    ends = ((0.9, 1.5, "mu\nsigma", TENSOR), (5.1, 1.5, "f(z)", TENSOR))
    drawn, moved = (3.0, 1.5, "z ~ q", TERM), (3.0, 1.5, "mu +\nsigma eps", NETWORK)
    for ax, boxes in ((left, (*ends, drawn)), (right, (*ends, moved, (3.0, 0.35, "eps", TERM)))):
        for x, y, text, fill in boxes:
            box(ax, x, y, text, width=1.2, height=0.7, fill=fill, size=9)
    for start, end in ((1.5, 2.4), (3.6, 4.5)):
        _arrow(left, (start, 1.5), (end, 1.5))
    left.text(1.95, 0.75, "a draw cuts\nthe gradient", color=ORANGE, **SMALL)
    left.plot([1.8, 2.1], [1.3, 1.7], color=ORANGE, linewidth=3)
    left.text(3.0, 2.55, "score: weigh the score of each draw by f", **SMALL)
    for start, end in ((1.5, 2.4), (3.6, 4.5)):
        _arrow(right, (start, 1.6), (end, 1.6))
        _arrow(right, (end, 1.35), (start, 1.35), colour=GREEN)
    _arrow(right, (3.0, 0.62), (3.0, 1.1))
    right.text(3.0, 2.55, "pathwise: the slope of f comes back", color=GREEN, **SMALL)
    fig.alt = (
        "Left, mu and sigma, a draw z, and f(z): the draw cuts the gradient, so the score of q is weighted by f. Right, z is mu"
        " plus sigma times eps, and the slope of f runs back to mu and sigma."
    )
    return fig


def _charges() -> AltFigure:
    fig, ((left, right),) = figure(1, 2, height=HEIGHT)
    output = np.linspace(0.01, 0.99, 300)
    rows = {"Bernoulli": -np.log(output)}
    for sigma in (0.3, 1.0):
        rows[f"Gaussian, sigma {sigma:g}"] = (1 - output) ** 2 / (2 * sigma**2)
    for i, (name, cost) in enumerate(rows.items()):
        left.plot(output, cost, color=COLOURS[i], linestyle=("-", "--", ":")[i], label=name)
    left.legend(fontsize=8, frameon=False)
    tidy(left, title="a pixel of ink (x = 1) costs", xlabel="what the decoder says", ylabel="nats, without constants")
    betas = {
        "sum over pixels, sum over latents": 1.0,
        "mean over pixels, mean over 20": 784 / 20,
        "mean over pixels, sum": 784.0,
    }
    right.hlines(0, 0.5, 2000, color=GREY)
    for i, (name, beta) in enumerate(betas.items()):
        right.plot([beta], [0], "o", color=COLOURS[i], markersize=9)
        right.text(0.6, 0.75 - 0.2 * i, f"{name}: {beta:g}", color=COLOURS[i], fontsize=9, va="center")
    right.set(xscale="log", ylim=(-0.2, 0.95), yticks=[], xlim=(0.5, 2000))
    tidy(right, title="and what a mean does to beta", xlabel="effective beta")
    right.grid(False)
    fig.alt = (
        "Left, the cost of a pixel of ink against what the decoder says: the Bernoulli's grows without limit, the Gaussian's with"
        " its sigma. Right, the effective beta of three losses: 1, 39.2 and 784."
    )
    return fig


def _three_ways() -> AltFigure:
    fig, ((ax,),) = figure(height=HEIGHT)
    ax.set(xlim=(0, 10.2), ylim=(0.1, 3.1))
    ax.axis("off")
    rows = {
        "train": ("x", "mu, logvar", "z = mu + sigma eps", "logits", "-ELBO"),
        "reconstruct": ("x", "mu", "z = mu", "mean image", ""),
        "generate": ("", "", "z ~ N(0, I)", "mean image", ""),
    }
    places = (1.6, 3.3, 5.6, 7.8, 9.5)
    for y, (name, row) in zip((2.5, 1.5, 0.5), rows.items(), strict=True):
        ax.text(0.5, y, name, fontsize=10, fontweight="bold", ha="center", va="center")
        boxes = [(x, 0.12 + 0.065 * len(text), text) for x, text in zip(places, row, strict=True) if text]
        for x, half, text in boxes:
            box(ax, x, y, text, width=2 * half, height=0.5, fill=TERM if text == "-ELBO" else TENSOR, size=9)
        for (x, half, _), (end, other, _) in pairwise(boxes):
            _arrow(ax, (x + half, y), (end - other, y))
    ax.text(2.4, 2.95, "encoder", color=BLUE, **SMALL)
    ax.text(6.85, 2.95, "decoder", color=BLUE, **SMALL)
    fig.alt = (
        "Train: x, through the encoder to mu and logvar, a draw z, through the decoder to logits, and -ELBO. Reconstruct: the"
        " same with z = mu, to a mean image. Generate: z from the prior, through the decoder."
    )
    return fig


def _space() -> AltFigure:
    fig, ((left, right),) = figure(1, 2, width=5.6, height=HEIGHT)
    source = np.random.default_rng(4)
    for x, y in 0.95 * source.normal(size=(60, 2)):
        colour = COLOURS[int((math.atan2(y, x) / math.tau) % 1 * 6)]
        left.add_patch(Ellipse((x, y), *(0.2 + 0.2 * source.uniform(size=2)), facecolor=colour, alpha=0.5))
    for radius in (1, 2):
        left.add_patch(Circle((0, 0), radius, fill=False, edgecolor="black", linestyle="--"))
    left.set(xlim=(-2.5, 2.5), ylim=(-2.5, 2.5), aspect="equal", xticks=[], yticks=[])
    left.set_title("ellipses: q(z | x); all together: q(z)\ndashed: the prior", fontsize=9, loc="left")
    start, end = math.radians(20), math.radians(110)
    turn = np.linspace(start, end, 60)
    right.add_patch(Circle((0, 0), 1, fill=False, edgecolor="#C9C9C9", linewidth=8))
    right.plot(np.cos(turn), np.sin(turn), color=GREEN, linewidth=2)
    right.plot(np.cos([start, end]), np.sin([start, end]), "o-", color=ORANGE, linewidth=2)
    right.text(0.05, 0.38, "half way:\nsqrt(D/2)", color=ORANGE, **SMALL)
    right.text(0.0, -0.55, "draws: about sqrt(D),\nand the arc too", color=GREEN, **SMALL)
    right.set(xlim=(-1.35, 1.35), ylim=(-1.2, 1.3), aspect="equal", xticks=[], yticks=[])
    right.set_title("lengths, in many dimensions", fontsize=9, loc="left")
    fig.alt = (
        "Left, small ellipses of six colours, the posteriors, fill the dashed circles of the prior. Right, a shell on which"
        " draws lie; an arc between two codes stays in it, the straight line passes inside."
    )
    return fig


def _suspects() -> AltFigure:
    fig, ((ax,),) = figure(height=HEIGHT)
    ax.set(xlim=(0.1, 11.4), ylim=(0.3, 3.1))
    ax.axis("off")
    stations = {"x": 0.5, "encoder": 2.0, "mu, logvar": 3.9, "z": 5.6, "decoder": 7.1, "loss": 8.9, "report": 10.4}
    places = list(stations.items())
    for i, (name, x) in enumerate(places):
        half = 0.2 + 0.075 * len(name)
        box(ax, x, 1.7, name, width=2 * half, height=0.6, fill=NETWORK if name.endswith("coder") else TENSOR, size=9)
        if i:
            before, left = places[i - 1]
            _arrow(ax, (left + 0.2 + 0.075 * len(before), 1.7), (x - half, 1.7))
    names = {case.letter: case.name.replace("-", " ") for case in ALL}
    sits = {"mu, logvar": "FJ", "z": "DEG", "decoder": "H", "loss": "ABI", "report": "CKL"}
    found = {name: "\n".join(f"{letter} {names[letter]}" for letter in letters) for name, letters in sits.items()}
    for i, (name, text) in enumerate(found.items()):
        y, align = (2.15, "bottom") if i % 2 else (1.25, "top")
        ax.text(stations[name], y, text, fontsize=8.5, ha="center", va=align, color=ORANGE, linespacing=1.3)
    fig.alt = (
        "The way from x to the report, with the twelve cases where they sit: "
        + "; ".join(f"at {name}: {text}".replace("\n", ", ") for name, text in found.items())
        + "."
    )
    return fig


def _exchange() -> AltFigure:
    fig, ((ax,),) = figure(height=2.9)
    source = GaussianSource(torch.tensor([4.0, 2.0, 1.0, 0.5, 0.2], dtype=torch.float64), 0.5)
    betas = torch.logspace(-1.2, math.log10(20), 200)
    rate, distortion = (
        torch.stack([part(float(beta)).sum() for beta in betas]) for part in (source.rate, source.distortion)
    )
    at, entropy = float(source.rate(1.0).sum()), float(source.entropy())
    reach = np.array([0.0, float(rate.max())])
    for more in (0, 4, 8):
        ax.plot(reach, entropy + more - reach, color="#B8B8B8", linestyle="--", linewidth=1)
    ax.plot(rate, distortion, color=BLUE, linewidth=2)
    ax.plot([at], [entropy - at], "o", color=ORANGE, markersize=9)
    ax.plot([0.0], [float(source.distortion(1e9).sum())], "s", color="black", markersize=8)
    ax.text(at + 0.15, entropy - at + 0.8, "beta = 1: the line R + D = H(x) touches here", color=ORANGE, fontsize=9)
    ax.text(0.15, float(source.distortion(1e9).sum()), "collapse: the code says nothing", fontsize=9, va="center")
    ax.text(
        float(rate.max()),
        float(distortion.min()) + 0.6,
        "beta small: an autoencoder",
        fontsize=9,
        ha="right",
        va="bottom",
    )
    ax.set_ylim(float(distortion.min()) - 1.5, float(source.distortion(1e9).sum()) + 1.5)
    tidy(ax, xlabel="rate R (nats): what the code costs", ylabel="distortion D (nats)")
    fig.alt = (
        "The curve of distortion against rate falls from collapse at rate 0, ever flatter, to the autoencoder. At beta = 1 it"
        " touches the lowest of the dashed lines of equal R + D, which is H(x)."
    )
    return fig


def _rungs() -> AltFigure:
    fig, ((ax,),) = figure(height=HEIGHT)
    for i, (name, (shift, width)) in enumerate({"a poor q": (1.5, 1.2), "a better q": (0.6, 1.1)}.items()):
        found = ladder(shift, width, 0)
        ax.plot(found.ks, found.bounds, "o-", color=COLOURS[i], markersize=4)
        at, text = (1.0, float(found.bounds[0])), ((1.25, float(found.bounds[0]) - 0.1), (1.4, found.log_px + 0.15))[i]
        ax.annotate(
            f"ELBO of {name}", at, text, color=COLOURS[i], fontsize=9, arrowprops={"arrowstyle": "-", "color": GREY}
        )
    ax.axhline(found.log_px, color="black")
    ax.text(float(found.ks[-1]), found.log_px + 0.05, "log p(x)", fontsize=9, ha="right", va="bottom")
    low, high = float(ladder(1.5, 1.2, 0).bounds[0]) - 0.2, found.log_px + 0.4
    ax.set(xscale="log", ylim=(low, high))
    tidy(ax, xlabel="draws k", ylabel="L_k (nats)")
    fig.alt = (
        "Two curves rise with the number of draws k towards the line log p(x): that of a better q starts higher and arrives"
        " sooner."
    )
    return fig


def _uses() -> AltFigure:
    fig, ((left, middle, right),) = figure(1, 3, height=HEIGHT)
    top, moves = 0.0, (("push x\np(x | z)", 3.0), ("push z\np(z)", 1.2), ("pop z\nq(z | x)", -1.4))
    for place, (_, bits) in enumerate(moves):
        left.bar(place, bits, bottom=top, width=0.7, color=BLUE if bits > 0 else ORANGE, hatch="" if bits > 0 else "//")
        left.plot([place + 0.35, place + 1.35], [top + bits] * 2, color=GREY, linewidth=1)
        top += bits
    left.bar(3, top, width=0.7, color="black")
    left.set_xticks(range(4), [*(name for name, _ in moves), "-ELBO"])
    left.set(yticks=[])
    tidy(left, title="compress", ylabel="bits of the message")
    left.tick_params(labelsize=7)
    left.grid(False)
    score = np.linspace(-3, 6, 300)
    for i, (centre, name) in enumerate(((0, "usual"), (2.4, "odd"))):
        density = np.exp(-((score - centre) ** 2) / 2)
        middle.fill_between(score, density, color=COLOURS[i], alpha=0.4)
        middle.text(centre, 1.04, name, color=COLOURS[i], **SMALL)
    middle.set(yticks=[], xticks=[], ylim=(0, 1.2))
    tidy(middle, title="notice, by a score", xlabel="-log p(x), or another")
    digit = pen.draw(4, seed=3)[0][2].squeeze().numpy()
    half = 1 - digit
    half[14:] = 0.82
    right.imshow(half, cmap="gray", vmin=0, vmax=1)
    right.text(13.5, 20.5, "draw z given what is\nseen, then the rest", **SMALL)
    right.set_title("fill in, by draws", fontsize=11, loc="left")
    right.axis("off")
    fig.alt = (
        "Left, the bits of a message: x and z are pushed, the bits of q come back, and -ELBO in bits is left. Middle, the scores"
        " of usual and of odd images, two hills that overlap. Right, a digit whose lower half is to be drawn."
    )
    return fig


def _turned() -> AltFigure:
    fig, ((left, right),) = figure(1, 2, height=HEIGHT)
    known = np.linspace(0.02, 1, 300)
    left.plot(known, np.log(known) + math.log(10), color=BLUE, linewidth=2)
    left.axhline(math.log(10), color="black", linestyle="--", linewidth=1)
    left.text(0.02, math.log(10) + 0.12, "log 10: what it costs to say the label", fontsize=9)
    left.axhline(0, color=GREY, linewidth=1)
    left.set(ylim=(-1.9, 3.0))
    tidy(left, title="what a label is worth", xlabel="p(y | x) of the true label", ylabel="log p(x | y) - log p(x)")
    angles = range(0, 91, 3)
    full, diagonal = ([account(a, diagonal=only) for a in angles] for only in (False, True))
    right.plot(angles, [a.mig for a in full], color=ORANGE, linewidth=2)
    right.plot(angles, [a.elbo - full[0].elbo for a in full], color="black", linewidth=2)
    right.plot(angles, [a.elbo - full[0].elbo for a in diagonal], color=BLUE, linestyle="--", linewidth=2)
    right.text(30, 0.45, "MIG", color=ORANGE, **SMALL)
    right.text(10, 0.09, "ELBO", **SMALL)
    right.text(45, -0.45, "ELBO of a diagonal q", color=BLUE, **SMALL)
    right.set(ylim=(-0.6, 0.8), xticks=range(0, 91, 15))
    tidy(right, title="turn the codes", xlabel="angle (degrees)", ylabel="MIG; change in nats")
    fig.alt = (
        "Left, what a label is worth rises with p(y | x) to at most log 10. Right, over the angle by which codes are turned, the"
        f" ELBO stays, MIG falls from {full[0].mig:.2f} to {full[15].mig:.2f} at 45 degrees, and a diagonal q loses"
        f" {full[15].elbo - diagonal[15].elbo:.2f} nats there."
    )
    return fig


def _cells() -> AltFigure:
    fig, ((left, right),) = figure(1, 2, height=2.9)
    source = np.random.default_rng(2)
    codes, place = source.uniform(-1, 1, size=(9, 2)), np.array([0.2, -0.3])
    grid = np.stack(np.meshgrid(np.linspace(-1.2, 1.2, 200), np.linspace(-1.2, 1.2, 200)), -1)
    nearest = np.linalg.norm(grid[:, :, None] - codes, axis=3).argmin(2)
    for code in range(len(codes)):
        left.contour(nearest == code, levels=[0.5], colors=[GREY], linewidths=0.8, extent=(-1.2, 1.2, -1.2, 1.2))
    x, y = codes[np.linalg.norm(codes - place, axis=1).argmin()]
    left.plot(*codes.T, "o", color=BLUE)
    left.plot(*place, "X", color=ORANGE, markersize=9)
    _arrow(left, (0.2, -0.3), (float(x), float(y)), colour=ORANGE)
    left.set(xlim=(-1.2, 1.2), ylim=(-1.2, 1.2), xticks=[], yticks=[], aspect="equal")
    left.set_title("to the nearest code: -ELBO = D + log K", fontsize=10)
    distortion = np.logspace(-2.2, 0, 100)
    right.plot(distortion, [least_bits(d) for d in distortion], color="black", linewidth=2)
    fixed, even = [lloyd_max(k) for k in (2, 4, 8, 16)], [uniform(step) for step in (2.0, 1.0, 0.5, 0.3)]
    right.plot(
        [q.distortion for q in fixed], [q.fixed_rate for q in fixed], "o", color=BLUE, label="Lloyd-Max, log2 K bits"
    )
    right.plot(
        [q.distortion for q in even], [q.entropy for q in even], "s", color=ORANGE, label="even steps, entropy-coded"
    )
    right.set_xscale("log")
    right.legend(fontsize=8, frameon=False, title="line: R(D)", title_fontsize=8)
    tidy(right, title="a Gaussian number in bits", xlabel="distortion D", ylabel="bits")
    fig.alt = (
        "Left, a plane of nine codes with their cells: a cross goes to the code of its cell. Right, bits against distortion of a"
        f" Gaussian number: even steps, entropy-coded, stay about {even[-1].coded_gap:.2f} bits above the curve R(D), Lloyd-Max"
        " with log2 K bits lies further above it."
    )
    return fig


def _moved() -> AltFigure:
    fig, ((left, middle, right),) = figure(1, 3, height=HEIGHT)
    _to_the_posterior(left)
    rho = np.linspace(0, 0.99, 200)
    middle.plot(rho, -0.5 * np.log(1 - rho**2), color=ORANGE, linewidth=2)
    middle.axhline(0, color=GREEN, linewidth=2, linestyle="--")
    middle.text(0.45, 0.55, "diagonal q", color=ORANGE, **SMALL)
    middle.text(0.5, -0.13, "one triangular step", color=GREEN, **SMALL)
    middle.set(ylim=(-0.25, 2.0))
    tidy(middle, title="a correlated posterior", xlabel="correlation", ylabel="gap (nats)")
    about, divergences = _of_two_hills()
    for row, divergence in enumerate(divergences.values()):
        right.bar(row, about, width=0.65, color=BLUE)
        right.bar(row, divergence, bottom=about, width=0.65, color=ORANGE, alpha=0.6, hatch="//", edgecolor="white")
        right.text(row, about + divergence + 0.02, f"KL {divergence:.2f}", **SMALL | {"va": "bottom"})
        right.text(row, about / 2, "I(x; z)", color="white", **SMALL)
    right.set(ylim=(0, 1.3 * (about + max(divergences.values()))))
    right.set_xticks(range(len(divergences)), list(divergences))
    tidy(right, title="a prior that fits q(z)", ylabel="rate (nats)")
    right.tick_params(axis="x", labelsize=8)
    right.grid(False, axis="x")
    told = "; ".join(f"{name} {divergence:.2f}" for name, divergence in divergences.items())
    fig.alt = (
        "Left, even shares of a Gaussian move to a posterior of two hills. Middle, the gap of a diagonal q grows with the"
        " correlation of the posterior, and one triangular step makes it 0. Right, the rate of one q(z): the information"
        f" stays, and what KL(q(z) || prior) adds falls with a better prior: {told}."
    )
    return fig


def _levels() -> AltFigure:
    fig, ((left, right),) = figure(1, 2, height=HEIGHT)
    for name, y in (("z2", 2.0), ("z1", 1.0), ("x", 0.0)):
        left.add_patch(Circle((0, y), 0.27, facecolor=TENSOR, edgecolor="black"))
        left.text(0, y, name, fontsize=11, ha="center", va="center")
    for y in (2.0, 1.0):
        _arrow(left, (0, y - 0.29), (0, y - 0.71))
    left.text(0.12, 1.5, "p(z1 | z2)", fontsize=9, va="center")
    left.text(0.12, 0.5, "p(x | z1)", fontsize=9, va="center")
    _arrow(left, (-0.3, 0.1), (-1.05, 0.75), colour=ORANGE)
    left.text(-1.2, 0.25, "message", color=ORANGE, **SMALL)
    _arrow(left, (-0.3, 1.9), (-1.05, 1.25), colour=BLUE)
    left.text(-1.3, 1.75, "from above", color=BLUE, **SMALL)
    left.text(-1.35, 1.0, "merged:\nprecisions add", **SMALL)
    left.set(xlim=(-2.1, 1.3), ylim=(-0.35, 2.35), aspect="equal")
    left.axis("off")
    a = np.linspace(0, 0.98, 99)
    bottom, top = zip(*(Chain(float(each)).top_down() for each in a), strict=True)
    fig.alt = "Left, z2 above z1 above x; what x says of z1 and what z2 says of it are merged. Right:"
    shares(a, bottom, top, xlabel="a, correlation of z1 and z2", title="the bound is indifferent", ax=right)
    return fig


def _steps() -> AltFigure:
    fig, ((left, right),) = figure(1, 2, height=HEIGHT)
    for x, name in ((0.0, "$x_0$"), (1.5, "$x_s$"), (3.0, "$x_t$"), (4.5, "$x_T$")):
        left.add_patch(Circle((x, 0), 0.34, facecolor=TENSOR, edgecolor="black"))
        left.text(x, 0, name, fontsize=11, ha="center", va="center")
    for x in (0.0, 1.5, 3.0):
        _arrow(left, (x + 0.25, 0.3), (x + 1.25, 0.3), colour=GREY)
        _arrow(left, (x + 1.25, -0.3), (x + 0.25, -0.3), colour=ORANGE)
    left.text(2.25, 0.85, "q adds noise by a rule: nothing to learn", color="black", **SMALL)
    left.text(2.25, -0.85, "p steps back, with one denoiser", color=ORANGE, **SMALL)
    left.text(2.25, -1.35, "$L_T$ + a KL for each step + $L_0$", color="black", **SMALL)
    left.set(xlim=(-0.6, 5.1), ylim=(-1.7, 1.3), aspect="equal")
    left.axis("off")
    world, schedule, n = two_bumps(), linear_log_snr(), 10
    steps, line = expected_terms(world, schedule, n).steps, limit(world, schedule)
    right.bar(np.arange(n) / n, steps * n, 1 / n, align="edge", color=ORANGE, alpha=0.6, edgecolor="white")
    right.plot((np.arange(len(line)) + 0.5) / len(line), line * len(line), color="black", linewidth=2)
    right.text(
        0.62, 17, f"bars: ten steps, {steps.sum():.1f} nats\nline: very many, {line.sum():.1f}", fontsize=9, ha="center"
    )
    right.set(xlim=(0, 1))
    tidy(
        right,
        title="narrow steps cost, many small ones less",
        xlabel="time t, data to noise",
        ylabel="nats per unit of t",
    )
    fig.alt = (
        "Left, a chain from the data to noise: q adds noise by a rule, p steps back with one denoiser. Right, what each of ten"
        f" steps costs, {steps.sum():.1f} nats together, above the line that more steps tend to, {line.sum():.1f}."
    )
    return fig


def _generator() -> AltFigure:
    fig, ((left, right),) = figure(1, 2, height=HEIGHT)
    left.get_gridspec().set_width_ratios([1.3, 1])
    _two_stages(left)
    costs = {name: _cost(std, sigma) for name, std, sigma in AUTOENCODERS}
    for row, (stays, saved) in enumerate(costs.values()):
        right.barh(row, stays, height=0.5, color=BLUE)
        right.barh(row, saved, left=stays, height=0.5, color=ORANGE, alpha=0.6, hatch="//", edgecolor="white")
        right.text(stays + saved + 0.3, row, f"{stays + saved:.1f}", fontsize=9, va="center")
    stays, saved = costs[AUTOENCODERS[-1][0]]
    right.text(stays / 2, 1.5, "$I(x; z)$: stays", color=BLUE, **SMALL)
    right.text(stays + saved / 2, 1.5, "a prior that fits\nsaves this", color="black", **SMALL)
    right.set(xlim=(0, 1.15 * (stays + saved)), ylim=(1.85, -0.5))
    right.set_yticks(range(len(costs)), list(costs))
    tidy(right, title="what one number of a code costs", xlabel="rate (nats)")
    right.grid(False, axis="y")
    told = "; ".join(
        f"{name.replace(chr(10), ', ')}: {stays:.1f} and {saved:.1f}" for name, (stays, saved) in costs.items()
    )
    fig.alt = (
        "Left, an image goes through the encoder to its code z and through the decoder to a copy; z times c is where a diffusion"
        " from noise ends, given a class. Right, what one number of a code costs in nats, what stays and what a prior that fits"
        f" saves: {told}."
    )
    return fig


def _acceptance() -> AltFigure:
    """What a pipeline reports, in its order above the entropy, and two errors of one difference, drawn as they often are."""
    fig, ((left, right),) = figure(1, 2, height=HEIGHT)
    entropy, coins = BarsWorld().entropy, PIXELS * math.log(2)
    rungs = (("H", entropy), ("−log p(x)", 6.4), ("−bound, k draws", 6.7), ("−ELBO", 7.2), ("12 coins", coins))
    for y, (name, at) in enumerate(rungs):
        known = name in ("H", "12 coins")
        left.plot([at], [y], "D" if known else "o", color="black" if known else BLUE, markersize=7)
        left.text(at + 0.22, y, f"{name} {at:.2f}" if known else name, fontsize=9, va="center")
    left.axvspan(3.6, entropy, color=ORANGE, alpha=0.25)
    left.text((3.6 + entropy) / 2, 3.6, "nobody\ngets here", color="black", **SMALL)
    left.set(xlim=(3.6, 10.4), ylim=(-0.6, 4.6), yticks=[])
    tidy(left, title="12 pixels: both ends known (a sketch)", xlabel="nats per image")
    leads = 0.06 + 0.2 * torch.distributions.Normal(0.0, 1.0).icdf(torch.tensor([0.75, 0.1, 0.9, 0.4, 0.6])).numpy()
    for y, lead in enumerate(leads):
        right.errorbar(lead, 5 - y, xerr=0.05, fmt="o", color=BLUE, capsize=3)
    right.errorbar(leads.mean(), 0, xerr=2 * leads.std(ddof=1) / math.sqrt(5), fmt="D", color=ORANGE, capsize=4)
    right.axvline(0, color="black", linewidth=1)
    right.set_yticks([3, 0], ["five pairs,\nover images", "their mean,\nover trainings"])
    right.set(xlim=(-0.5, 0.5), xticks=[0], xticklabels=["0"], ylim=(-0.7, 5.7))
    tidy(right, title="two errors (a sketch)", xlabel="lead of A over B")
    fig.alt = (
        f"Left, a sketch of nats per image in their order: the entropy H {entropy:.2f}, below which nobody gets, -log p(x), minus"
        f" the bound with k draws, -ELBO, and twelve coins {coins:.2f}. Right, a sketch: five pairs of trainings whose errors"
        " over images are small and whose leads differ in sign, and their mean, whose error over trainings holds zero."
    )
    return fig


def _two_stages(ax: Axes) -> None:
    """An autoencoder in a row, and below it the diffusion whose end, divided by c, is a code."""
    for x, y, words, width, fill in (
        (0.17, 1.72, "x", 0.32, TENSOR),
        (0.97, 1.72, "encoder", 0.82, NETWORK),
        (1.75, 1.72, "z", 0.34, TENSOR),
        (2.53, 1.72, "decoder", 0.82, NETWORK),
        (3.41, 1.72, "copy", 0.48, TENSOR),
        (1.75, 0.72, "c z", 0.4, TENSOR),
        (2.53, 0.72, "denoiser", 0.82, NETWORK),
        (3.33, 0.72, "ε", 0.32, TENSOR),
    ):
        box(ax, x, y, words, width=width, height=0.42, fill=fill)
    for start, end in ((0.33, 0.56), (1.38, 1.58), (1.92, 2.12), (2.94, 3.17)):
        _arrow(ax, (start, 1.72), (end, 1.72))
    for start, end in ((3.17, 2.94), (2.12, 1.95)):
        _arrow(ax, (start, 0.72), (end, 0.72), colour=ORANGE)
    _arrow(ax, (1.75, 0.94), (1.75, 1.5), colour=ORANGE)
    _arrow(ax, (2.53, 0.28), (2.53, 0.5), colour=ORANGE)
    ax.text(1.83, 1.22, "÷ c", color=ORANGE, fontsize=9, va="center")
    ax.text(2.53, 0.16, "class y, weight w", color=ORANGE, **SMALL)
    ax.text(0.0, 2.12, "1  the autoencoder, trained first", fontsize=9, va="center")
    ax.text(0.0, 0.72, "2  its prior p(z),\ntrained afterwards", color=ORANGE, fontsize=9, va="center")
    ax.set(xlim=(0, 3.66), ylim=(0, 2.3))
    ax.axis("off")


def _cost(std: float, sigma: float) -> tuple[float, float]:
    """I(x; z) and KL( q(z) || N(0, 1) ) in nats, where q(z | x) = N(mu, sigma^2) and mu over images makes q(z) = N(0, std^2)."""
    return math.log(std / sigma), 0.5 * (std**2 - 1) - math.log(std)


def _to_the_posterior(ax: Axes) -> None:
    """The Gaussian below, upside down, the posterior of lesson 04 above, and where the map between them takes even shares."""
    value = slice_at(2.0, 0.7)
    z, posterior = value.z.numpy(), value.posterior.numpy()
    mass = np.cumsum(posterior) * (z[1] - z[0])
    shares = (np.arange(16) + 0.5) / 16
    below = torch.distributions.Normal(0.0, 1.0).icdf(torch.tensor(shares)).numpy()
    for start, end in zip(below, np.interp(shares, mass, z), strict=True):
        ax.plot([start, end], [0, 1], color=BLUE, linewidth=0.9)
    near = np.abs(z) <= 2.7
    ax.fill_between(z[near], 1, 1 + 0.8 * posterior[near], color="#B8B8B8")
    ax.fill_between(z[near], 0, -0.8 * value.prior.numpy()[near], color=ORANGE, alpha=0.5)
    ax.text(-2.55, 1.62, "posterior", color=GREY, fontsize=9)
    ax.text(-2.55, -0.35, "z_0", color=ORANGE, fontsize=9)
    ax.set(yticks=[], xlim=(-2.7, 2.7), ylim=(-0.5, 1.95))
    tidy(ax, title="steps move a density", xlabel="z")
    ax.grid(False)


def _of_two_hills() -> tuple[float, dict[str, float]]:
    """Two posteriors N(-1, 0.5^2) and N(1, 0.5^2): I(x; z), and KL(q(z) || prior) for three priors, in nats by quadrature."""
    z = torch.linspace(-8, 8, 4001, dtype=torch.float64)
    hills = torch.distributions.Normal(torch.tensor([[-1.0], [1.0]], dtype=torch.float64), 0.5)
    log_q = torch.logsumexp(hills.log_prob(z), 0) - math.log(2)
    entropy = -float(torch.trapezoid(log_q.exp() * log_q, z))
    within = 0.5 * math.log(2 * math.pi * math.e * 0.25)
    gaussians = {"N(0, 1)": 1.0, "N(0, s²)": math.sqrt(1.25)}
    divergences = {
        name: float(torch.trapezoid(log_q.exp() * (log_q - torch.distributions.Normal(0.0, s).log_prob(z)), z))
        for name, s in gaussians.items()
    }
    return entropy - within, divergences | {"mixture": 0.0}


def _across(fig: AltFigure, x: float, name: str) -> None:
    """An arrow with a name from one panel of a figure to the next."""
    look: dict[str, Any] = {"transform": fig.transFigure, "arrowstyle": "-|>", "mutation_scale": 14, "color": BLUE}
    fig.add_artist(FancyArrowPatch((x, 0.45), (x + 0.06, 0.45), **look))
    fig.text(x + 0.03, 0.53, name, color=BLUE, **SMALL)


def _arrow(ax: Axes, start: tuple[float, float], end: tuple[float, float], *, colour: str = "black") -> None:
    look: dict[str, Any] = {"arrowstyle": "-|>", "mutation_scale": 11, "shrinkA": 1, "shrinkB": 1}
    ax.add_patch(FancyArrowPatch(start, end, color=colour, **look))


PICTURES: dict[str, Callable[[], AltFigure]] = {
    "00": _start,
    "01": _holes,
    "02": _bayes,
    "03": _directions,
    "04": _bound,
    "05": _paths,
    "06": _charges,
    "07": _three_ways,
    "08": _space,
    "09": _suspects,
    "10": _exchange,
    "11": _rungs,
    "12": _uses,
    "13": _turned,
    "14": _cells,
    "15": _moved,
    "16": _levels,
    "17": _steps,
    "18": _generator,
    "19": _acceptance,
}
