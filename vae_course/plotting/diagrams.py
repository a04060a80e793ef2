"""The VAE as a diagram: which tensors flow through which networks, of which shape, and where the loss hangs on them."""

from typing import Any

from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Polygon

from vae_course.notation import CODES, IMAGES
from vae_course.plotting.figure import COLOURS, GREY, AltFigure, fixed

WIDTH, HEIGHT = 4.4, 4.7  # inches: a phone need not shrink it by much
NETWORK, TERM, TENSOR = "#CFE3F0", "#F8DDCB", "#EDEDED"
MAIN, SIDE, EDGE = 1.36, 3.42, 4.22  # inches from the left: the column of tensors, that of the loss, the way of x to it


ARROWS = (
    ((MAIN, 4.28), (MAIN, 4.12)),
    ((1.1, 3.52), (0.92, 3.36)),
    ((1.62, 3.52), (1.8, 3.36)),
    ((0.9, 2.82), (1.16, 2.44)),
    ((1.82, 2.82), (1.56, 2.44)),
    ((0.76, 2.2), (0.87, 2.2)),
    ((MAIN, 1.97), (MAIN, 1.67)),
    ((MAIN, 1.05), (MAIN, 0.84)),
    ((2.52, 3.12), (2.92, 3.12)),
    ((2.37, 0.66), (2.8, 0.66)),
    ((SIDE, 2.88), (SIDE, 2.27)),
    ((SIDE, 0.84), (SIDE, 1.54)),
    ((EDGE, 4.45), (EDGE, 0.84)),
)
FUNCTIONS = (
    ("gaussian_kl", SIDE, 3.48, "center"),
    ("bernoulli_log_prob", SIDE + 0.14, 0.36, "center"),
    ("negative_elbo", SIDE - 0.08, 1.38, "right"),
    ("reparameterize", 1.76, 2.6, "left"),
)


def vae() -> AltFigure:
    """The VAE from the images to the loss: tensors with their shapes, both networks, and both terms of the loss.

    The names are those of lesson 07's functions, the shapes those of the notation ledger.
    """
    fig = fixed(HEIGHT, width=WIDTH)
    ax = fig.add_axes((0, 0, 1, 1))
    ax.set(xlim=(0, WIDTH), ylim=(0, HEIGHT))
    ax.axis("off")
    _model(ax)
    _loss(ax)
    for start, end in ARROWS:
        ax.add_patch(FancyArrowPatch(start, end, arrowstyle="-|>", mutation_scale=10, shrinkA=0, shrinkB=0, color="k"))
    for name, x, y, align in FUNCTIONS:
        ax.text(x, y, name, fontsize=9, family="monospace", ha=align, va="center", color=COLOURS[0])
    fig.alt = (
        f"Images x {IMAGES} go through the encoder to mu and logvar, {CODES} each; with the noise eps they give z {CODES},"
        f" which goes through the decoder to logits {IMAGES}. The kl [B] hangs on mu and logvar, log_px_z [B] on logits"
        " and x; the loss is the mean over the batch of kl - log_px_z."
    )
    return fig


def _model(ax: Axes) -> None:
    """The column of tensors and networks, from the images to the log odds."""
    box(ax, MAIN, 4.45, f"x  {IMAGES}", width=1.6)
    _network(ax, 3.82, "encoder", r"$\phi$", top=1.6, bottom=1.1)
    frame: dict[str, Any] = {"boxstyle": "round,pad=0,rounding_size=0.06", "facecolor": "none", "linestyle": "--"}
    ax.add_patch(FancyBboxPatch((0.2, 2.82), 2.32, 0.6, edgecolor=GREY, **frame))
    ax.text(2.52, 3.52, "q(z | x)", fontsize=10, ha="right", va="center")
    box(ax, 0.76, 3.12, f"mu\n{CODES}", width=0.95, height=0.46)
    box(ax, 1.96, 3.12, f"logvar\n{CODES}", width=0.95, height=0.46)
    box(ax, 0.42, 2.2, f"eps\n{CODES}", width=0.66, height=0.46, fill="white")
    box(ax, MAIN, 2.2, f"z\n{CODES}", width=0.95, height=0.46)
    _network(ax, 1.36, "decoder", r"$\theta$", top=1.1, bottom=1.6)
    box(ax, MAIN, 0.66, f"logits  {IMAGES}", width=2.0)


def _loss(ax: Axes) -> None:
    """The loss between its two terms, and the line by which the images come to the second of them."""
    box(ax, SIDE, 3.12, "kl  [B]", width=1.0, height=0.46, fill=TERM)
    box(ax, SIDE, 1.9, "loss  []\nthe batch's mean\nof kl - log_px_z", width=1.36, height=0.7, fill="white")
    box(ax, SIDE + 0.14, 0.66, "log_px_z  [B]", width=1.5, height=0.34, fill=TERM)
    ax.plot([2.18, EDGE], [4.45, 4.45], color="black", linewidth=1)


def box(
    ax: Axes, x: float, y: float, text: str, *, width: float, height: float = 0.34, fill: str = TENSOR, size: float = 10
) -> None:
    """A rounded box with words in it, such as a tensor with its name and shape, centred on (x, y)."""
    look: dict[str, Any] = {"boxstyle": "round,pad=0,rounding_size=0.06", "facecolor": fill, "edgecolor": GREY}
    ax.add_patch(FancyBboxPatch((x - width / 2, y - height / 2), width, height, **look))
    ax.text(x, y, text, fontsize=size, ha="center", va="center", linespacing=1.15)


def _network(ax: Axes, y: float, name: str, parameters: str, *, top: float, bottom: float) -> None:
    """A network as a trapezium that narrows towards the code, centred on the main column."""
    corners = [(-top / 2, 0.3), (top / 2, 0.3), (bottom / 2, -0.3), (-bottom / 2, -0.3)]
    ax.add_patch(Polygon([(MAIN + dx, y + dy) for dx, dy in corners], facecolor=NETWORK, edgecolor=GREY))
    ax.text(MAIN, y, f"{name}\n{parameters}", fontsize=10, ha="center", va="center", linespacing=1.3)
