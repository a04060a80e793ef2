"""A figure that describes itself in words, and the look that all pictures of the course share."""

import base64
import html
import io
from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image
from PIL.PngImagePlugin import PngInfo

DPI = 100
SCALE = 2  # pixels of the file for each one of the page: sharp on a screen that has as many
LARGEST = 75_000  # bytes; a figure that would take more, such as hundreds of digits in colour, has one pixel for one
GREYS, TONES = 16, 96  # how many greys and how many colours a figure keeps
WIDTH = 7.0  # inches; 700 pixels fit beside JupyterLab's file browser without shrinking

# Okabe and Ito's colours, their yellow left out because it vanishes on white.
# Source: Okabe and Ito, Color Universal Design (2008).
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
STYLES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 1)), (0, (8, 2)))
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
GREY = "#5F5F5F"

# A white picture would glare on a dark page: there it is a card of light grey, in JupyterLab and Notebook 7, VS Code and Colab.
# Where a page drops style sheets, as JupyterLab does for outputs that it does not trust, it stays white.
SOFTER = "filter: brightness(0.87); border-radius: 6px"
DARK_PAGE = ':is([data-jp-theme-light="false"], .vscode-dark, html[theme="dark"])'
SOFT_CSS = f"{DARK_PAGE} :is(.vae-figure, .vae-widget img) {{ {SOFTER}; }}"


AnyFigure = TypeVar("AnyFigure", bound=Figure)


class AltFigure(Figure):
    """A matplotlib figure with `alt`, the sentence that a screen reader speaks in its place."""

    def __init__(self, *args: Any, alt: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.alt = alt
        self.true_colours = False

    def png(self) -> bytes:
        """The figure as a small PNG file, which carries `alt` as its description.

        It has `SCALE` pixels for each one of the page, or one where it would be larger than `LARGEST`. It has a palette of few
        colours, unless `true_colours` is set, as for photographs.
        """
        sharp = self._png(SCALE)
        return sharp if len(sharp) <= LARGEST else self._png(1)

    def _png(self, scale: int) -> bytes:
        buffer, dpi = io.BytesIO(), scale * self.dpi
        self.savefig(buffer, format="png", dpi=dpi, metadata={"Software": None})
        text, out = PngInfo(), io.BytesIO()
        text.add_text("Description", self.alt)
        with Image.open(buffer) as image:
            kept = image.convert("RGB") if self.true_colours else _compact(image)
            kept.save(out, format="PNG", optimize=True, pnginfo=text, dpi=(dpi, dpi))
        return out.getvalue()

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> tuple[dict[str, str], dict[str, Any]]:
        """The picture for every front end.

        JupyterLab 4.6 gives an `image/png` output no alt text whatever its metadata say, so the HTML form is
        there for screen readers and for dark pages; nbconvert's classic template reads the metadata. They hold the size
        on the page too.
        """
        png = self.png()
        with Image.open(io.BytesIO(png)) as image:
            width, height = (
                round(side * self.dpi / dpi) for side, dpi in zip(image.size, image.info["dpi"], strict=True)
            )
        data = base64.b64encode(png).decode("ascii")
        alt = html.escape(self.alt, quote=True)
        size = f'width="{width}" height="{height}" style="max-width: 100%; height: auto"'
        img = f'<img class="vae-figure" src="data:image/png;base64,{data}" alt="{alt}" {size}>'
        bundle = {
            "image/png": data,
            "text/html": f"<style>{SOFT_CSS}</style>{img}",
            "text/plain": self.alt or repr(self),
        }
        return bundle, {"image/png": {"alt": self.alt, "width": width, "height": height}}


def figure(
    nrows: int = 1, ncols: int = 1, *, width: float = WIDTH, height: float = 3.2, alt: str = ""
) -> tuple[AltFigure, np.ndarray]:
    """An empty figure and its axes, an array `[nrows, ncols]`, to pass to the functions that take `ax`.

    Args:
        nrows: rows of axes.
        ncols: columns of axes.
        width: width of the whole figure in inches, at 100 pixels an inch.
        height: its height in inches.
        alt: the text alternative of the whole figure; left empty, the drawings' own texts are joined.
    """
    fig = AltFigure(figsize=(width, height), dpi=DPI, layout="constrained", facecolor="white", alt=alt)
    return fig, fig.subplots(nrows, ncols, squeeze=False)


def one_panel(*, width: float = WIDTH, height: float = 3.2) -> tuple[AltFigure, Axes]:
    """An empty figure with a single panel."""
    fig, axes = figure(width=width, height=height)
    return fig, axes[0, 0]


def fixed(height: float, *, width: float = WIDTH) -> AltFigure:
    """An empty figure for a picture that follows a slider, whose margins its maker fixes.

    A layout that is worked out anew for each picture takes longer than the drawing.
    """
    return AltFigure(figsize=(width, height), dpi=DPI, facecolor="white")


def place(ax: Axes | None, *, width: float = WIDTH, height: float = 3.2) -> tuple[Figure, Axes]:
    """The figure and axes to draw on: those of `ax`, or new ones."""
    return one_panel(width=width, height=height) if ax is None else (figure_of(ax), ax)


def figure_of(ax: Axes) -> Figure:
    """The figure that the axes belong to.

    Raises:
        ValueError: the axes were removed from their figure.
    """
    fig = ax.get_figure(root=True)
    if fig is None:
        raise ValueError("ax belongs to no figure any more: make new axes with plotting.figure().")
    return fig


def describe(fig: AnyFigure, text: str) -> AnyFigure:
    """Append `text` to the figure's text alternative, if it is one that has it."""
    if isinstance(fig, AltFigure):
        fig.alt = f"{fig.alt} {text}".strip()
    return fig


def tidy(ax: Axes, *, title: str = "", xlabel: str = "", ylabel: str = "") -> None:
    """The shared look: no box, a faint grid behind the data, labels at 10 points."""
    ax.spines[["top", "right"]].set_visible(False)
    ax.spines[["left", "bottom"]].set_color(GREY)
    ax.tick_params(labelsize=9, color=GREY)
    ax.grid(True, color="#E3E3E3", linewidth=0.8)
    ax.set_axisbelow(True)
    ax.set_title(title, fontsize=11, loc="left")
    ax.set_xlabel(xlabel, fontsize=10)
    ax.set_ylabel(ylabel, fontsize=10)


def headed(title: str, text: str) -> str:
    """A text alternative that begins with the picture's heading, if it has one."""
    return f"{title}: {text}" if title else text


def line_style(i: int) -> dict[str, Any]:
    """Colour and dash pattern of the i-th line; both differ, so that either alone tells the lines apart."""
    return {"color": COLOURS[i % len(COLOURS)], "linestyle": STYLES[i % len(STYLES)], "linewidth": 1.8}


def name_points(ax: Axes, points: Sequence[tuple[str, float, float]], *, at_end: bool) -> None:
    """Write (text, x, y) beside each line's point, moved up or down until no two texts overlap.

    With `at_end` the texts stand in the right margin, else above their points.
    """
    if not at_end:
        bottom, top = ax.get_ylim()
        ax.set_ylim(bottom, top * (top / bottom) ** 0.12 if ax.get_yscale() == "log" else top + 0.12 * (top - bottom))
    ax.autoscale_view()  # or the data's place on the axes is not settled yet
    to_axes = ax.transData + ax.transAxes.inverted()
    places = [to_axes.transform((x, y)) for _, x, y in points]
    row = figure_of(ax).bbox.height * ax.get_position().height
    heights = spread([float(p[1]) + (0.0 if at_end else 14 / row) for p in places], 15 / row)
    for i, ((text, _, _), (left, _), height) in enumerate(zip(points, places, heights, strict=True)):
        x, align = (1.02, "left") if at_end else (left, "center")
        colour = COLOURS[i % len(COLOURS)]
        ax.text(x, height, text, transform=ax.transAxes, color=colour, fontsize=9, va="center", ha=align)


def spread(positions: Sequence[float], gap: float) -> list[float]:
    """Move label positions as little as possible until each two are `gap` apart, in their order of height.

    Overlapping labels form a block that sits on the mean of where its members want to be; blocks merge until
    none overlap (the pool-adjacent-violators algorithm).
    """
    order = sorted(range(len(positions)), key=lambda i: positions[i])
    blocks: list[list[float]] = []  # each [sum of wished starts, members]
    for rank, i in enumerate(order):
        blocks.append([positions[i] - rank * gap, 1.0])
        while len(blocks) > 1 and blocks[-2][0] / blocks[-2][1] > blocks[-1][0] / blocks[-1][1]:
            total, members = blocks.pop()
            blocks[-1][0] += total
            blocks[-1][1] += members
    starts = [total / members for total, members in blocks for _ in range(int(members))]
    moved = [0.0] * len(positions)
    for rank, i in enumerate(order):
        moved[i] = starts[rank] + rank * gap
    return moved


def _compact(image: Image.Image) -> Image.Image:
    """The picture with a palette of a few even greys, for digits and text, and of the colours that suit the rest of it.

    That takes a third of the room, and the eye sees no difference.
    """
    pixels = np.asarray(image.convert("RGB"))
    grey = np.ptp(pixels, axis=2) == 0
    step = 255 // (GREYS - 1)
    palette = [step * level for level in range(GREYS) for _ in "rgb"]
    places = np.empty(grey.shape, np.uint8)
    places[grey] = np.rint(pixels[grey][:, 0] / step)
    if not grey.all():
        coloured = Image.fromarray(pixels[~grey][None]).quantize(TONES, dither=Image.Dither.NONE)
        places[~grey] = GREYS + np.asarray(coloured)[0]
        palette += coloured.getpalette() or []
    flat = Image.fromarray(places).convert("P")
    flat.putpalette(palette)
    return flat
