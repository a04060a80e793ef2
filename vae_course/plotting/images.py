"""Pictures made of pictures: grids, pairs, rows with names, and what a decoder draws over its codes."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from torch import Tensor

from vae_course.plotting.arrays import decoded, images, to_numpy
from vae_course.plotting.figure import DPI, AltFigure, describe, figure_of, headed

TINT = "#F0C090"  # light enough for ink, darker than paper also without colour
GAP = 2  # image pixels between two images
MAX_WIDTH = 700  # screen pixels
MAX_SCALE = 4  # screen pixels to an image pixel


@dataclass(frozen=True)
class Mosaic:
    """Many images on one sheet of paper, and where each begins, in image pixels."""

    sheet: np.ndarray
    lefts: list[int]
    tops: list[int]
    size: tuple[int, int]

    @property
    def scale(self) -> int:
        """Screen pixels to an image pixel: a whole number, so that no pixel is drawn wider than another."""
        return max(1, min(MAX_SCALE, MAX_WIDTH // self.sheet.shape[1]))


def image_grid(
    x: Any,
    *,
    ncols: int = 10,
    titles: Sequence[object] | None = None,
    title: str = "",
    alt: str | None = None,
    ax: Axes | None = None,
) -> Figure:
    """Images side by side, row after row.

    Args:
        x: images `[N, 1, H, W]`, where 1 is ink, or in colour `[N, 3, H, W]`, in [0, 1].
        ncols: images to a row.
        titles: N short labels, one above each image.
        title: a heading for the whole grid.
        alt: text alternative; made from the number of images and their labels when left out.
        ax: axes to draw on instead of a new figure.

    Raises:
        TypeError: the pixels are whole numbers.
        ValueError: x holds no images, or NaN, or values outside [0, 1]; or the number of titles is another.
    """
    pictures = images(x, colour=True)
    if ncols < 1:
        raise ValueError(f"ncols is {ncols}: a grid needs one column or more.")
    if titles is not None and len(titles) != len(pictures):
        raise ValueError(f"There are {len(titles)} titles for {len(pictures)} images: give one for each.")
    ncols = min(ncols, len(pictures))
    mosaic = tile(pictures, ncols, above=[GAP if titles is None else 10] * -(-len(pictures) // ncols))
    fig: Figure
    if ax is None:
        fig, ax = sheet(mosaic, title=title)
    else:
        fig = figure_of(ax)
        draw(mosaic, ax, title=title)
    for i, label in enumerate(titles or ()):
        left, top = mosaic.lefts[i % ncols], mosaic.tops[i // ncols]
        ax.text(left + mosaic.size[1] / 2, top - 1, str(label), ha="center", va="bottom", fontsize=9)
    labels = "" if titles is None else f", labelled {', '.join(map(str, titles))}"
    return describe(fig, alt or headed(title, f"{_layout(len(pictures), ncols)}{labels}."))


def pairs(
    x: Any,
    xhat: Any,
    *,
    ncols: int = 10,
    labels: tuple[str, str] = ("original", "reconstruction"),
    title: str = "",
    alt: str | None = None,
) -> AltFigure:
    """Originals, each with its reconstruction right below.

    Args:
        x: originals `[N, 1, H, W]` in [0, 1].
        xhat: reconstructions, the same shape.
        ncols: pairs to a row.
        labels: what to call the two, where they are something else.
        title: heading.
        alt: text alternative.

    Raises:
        TypeError: the pixels are whole numbers.
        ValueError: the shapes differ, or either is not a batch of images in [0, 1].
    """
    originals, copies = images(x, "x"), images(xhat, "xhat")
    if originals.shape != copies.shape:
        raise ValueError(
            f"x has shape {list(originals.shape)} but xhat {list(copies.shape)}: give each original its reconstruction."
        )
    ncols = max(1, min(ncols, len(originals)))
    blank = ((0, -len(originals) % ncols), (0, 0), (0, 0))
    bands = [np.pad(p, blank).reshape(-1, ncols, *p.shape[1:]) for p in (originals, copies)]
    rows = np.stack(bands, axis=1).reshape(-1, *originals.shape[1:])
    mosaic = tile(rows, ncols, above=[8, GAP] * len(bands[0]))
    fig, ax = sheet(mosaic, title=title, left=114)
    _name_rows(ax, mosaic, labels * len(bands[0]), -4)
    return describe(fig, alt or headed(title, f"{len(originals)} pairs of images, {labels[0]} above {labels[1]}."))


def marked_pairs(x: Any, xhat: Any, marked: Any, *, ncols: int = 20) -> AltFigure:
    """Originals, each with its reconstruction right below; the pairs that are marked lie on a tint.

    Args:
        x: originals `[N, 1, H, W]` in [0, 1].
        xhat: reconstructions, the same shape.
        marked: whether to tint each pair, `[N]`.
        ncols: pairs to a row.

    Raises:
        TypeError: the pixels are whole numbers.
        ValueError: the shapes differ, N is no multiple of ncols, or there is not one mark for each pair.
    """
    originals, copies, marks = images(x, "x"), images(xhat, "xhat"), to_numpy(marked).astype(bool)
    if originals.shape != copies.shape or marks.shape != (len(originals),):
        raise ValueError(
            f"x has shape {list(originals.shape)}, xhat {list(copies.shape)} and marked {list(marks.shape)}: give each"
            " original one reconstruction and one mark."
        )
    if ncols < 1 or len(originals) % ncols:
        raise ValueError(f"{len(originals)} pairs do not fill rows of {ncols}: give another ncols.")
    rows = np.stack([band.reshape(-1, ncols, *band.shape[1:]) for band in (originals, copies)], axis=1)
    mosaic = tile(rows.reshape(-1, *originals.shape[1:]), ncols, above=[8, 0] * (len(originals) // ncols))
    fig, ax = sheet(mosaic)
    cells = [(2 * (i // ncols) + below, i % ncols) for i in np.flatnonzero(marks).tolist() for below in (0, 1)]
    _tint(fig, ax, mosaic, cells)
    text = f"{len(originals)} pairs of images, each original above its reconstruction; {int(marks.sum())} of them lie on a tint."
    return describe(fig, text)


def image_rows(
    rows: Mapping[str, Any],
    *,
    marked: Mapping[str, Any] | None = None,
    columns: Sequence[object] = (),
) -> AltFigure:
    """The same images in several versions: one labelled row for each, so that a column shows one image.

    Args:
        rows: name to images `[N, 1, H, W]` in [0, 1], with the same N in each row.
        marked: name of a row to which of its images lie on a tint, `[N]`; rows that are not named have none.
        columns: N short labels, one over each column.

    Raises:
        TypeError: the pixels are whole numbers.
        ValueError: no row is given, one has another shape than the first, the marks fit no row, or the number of labels is
            another.
    """
    fig, ax, mosaic = _named_rows(rows, [4 * GAP if columns else GAP] + [GAP] * (len(rows) - 1), left=20)
    n = len(mosaic.lefts)
    if len(columns) not in (0, n):
        raise ValueError(f"There are {len(columns)} labels for {n} columns: give one for each.")
    _name_columns(ax, mosaic, columns)
    marks = {name: to_numpy(which).astype(bool) for name, which in (marked or {}).items()}
    for name, which in marks.items():
        if name not in rows or which.shape != (n,):
            raise ValueError(f"marked[{name!r}] has shape {list(which.shape)}: give a row's name and {n} marks.")
    if marks:
        cells = [(list(rows).index(name), i) for name in marks for i in np.flatnonzero(marks[name]).tolist()]
        _tint(fig, ax, mosaic, cells)
    told = [f"{name}, {int(marks[name].sum())} on a tint" if name in marks else name for name in rows]
    over = f", with {', '.join(map(str, columns))} over the columns" if columns else ""
    return describe(fig, f"{n} images in {len(rows)} rows{over}: {'; '.join(told)}.")


def rows(pictures: Mapping[str, Tensor]) -> AltFigure:
    """One row of images for each name.

    Args:
        pictures: name to images `[N, 1, H, W]` in [0, 1], the same number in each row.

    Raises:
        ValueError: there is no row, or the rows differ in shape, or a row holds no images in [0, 1].
    """
    fig, _, mosaic = _named_rows(pictures, [2 * GAP] * len(pictures), left=10, x=-4)
    return describe(fig, f"Rows of {len(mosaic.lefts)} images: {'; '.join(pictures)}.")


def rows_along(rows: Mapping[str, Any], values: Sequence[float]) -> AltFigure:
    """One row of pictures for each walk along a dimension, with the value of the moved dimension over each column.

    Args:
        rows: name to images `[N, 1, H, W]` in [0, 1].
        values: the N values that the dimension takes.

    Raises:
        ValueError: there is no row, or a row has another number of images than there are values.
    """
    if not rows or {len(x) for x in rows.values()} != {len(values)}:
        raise ValueError(f"Give at least one row, and {len(values)} images for the {len(values)} values in each.")
    fig, ax, mosaic = _named_rows(rows, [4 * GAP] + [2 * GAP] * (len(rows) - 1), left=16, x=-4)
    _name_columns(ax, mosaic, [f"{value:g}" for value in values])
    ends = f"from {values[0]:g} to {values[-1]:g}"
    return describe(fig, f"Pictures along one dimension {ends}: {'; '.join(rows)}.")


def manifold(
    decode_mean: Callable[[Tensor], Tensor],
    *,
    n: int = 20,
    extent: tuple[float, float] | None = None,
    title: str = "",
    alt: str | None = None,
) -> AltFigure:
    """What a two-dimensional decoder draws at n x n codes, z[0] to the right and z[1] upwards.

    The codes are quantiles of the prior, z = Phi^-1((i + 1/2) / n), so that each image stands for the same
    share of what the model samples; with `extent` they are evenly spaced instead.

    Args:
        decode_mean: from codes `[B, 2]` to mean images `[B, 1, H, W]` in [0, 1], such as `VAE.decode_mean`.
        n: images to a row and to a column.
        extent: lowest and highest coordinate of an even grid.
        title: heading.
        alt: text alternative.

    Raises:
        ValueError: n is below two, or extent is not (low, high), or the decoder gives no images in [0, 1].

    Source: Kingma and Welling, Auto-Encoding Variational Bayes (2014), figure 4.
    """
    axis = grid_axis(n, extent)
    z = torch.stack(torch.meshgrid(axis.flip(0), axis, indexing="ij")[::-1], dim=-1).reshape(-1, 2)
    mosaic = tile(decoded(decode_mean, z), n, above=[0] * n, gap=0)
    fig, ax = sheet(mosaic, title=title, left=66, bottom=48)
    _coordinates(ax, mosaic, axis, extent)
    spacing = "at quantiles of the prior" if extent is None else "evenly spaced"
    where = f"codes from {axis[0]:.2f} to {axis[-1]:.2f} in both dimensions, {spacing}"
    return describe(fig, alt or headed(title, f"A grid of {n} by {n} decoded images: {where}."))


def walk(z: Tensor, d: int, *, extent: tuple[float, float] = (-3.0, 3.0), n: int = 7) -> Tensor:
    """Codes `[n, D]` that differ from z `[D]` in entry d alone, which goes from low to high."""
    codes = z.repeat(n, 1)
    codes[:, d] = torch.linspace(*extent, n)
    return codes


def walks(
    decode_mean: Callable[[Tensor], Tensor],
    z: Tensor,
    *,
    dims: Sequence[int] | None = None,
    extent: tuple[float, float] = (-3.0, 3.0),
    n: int = 9,
    title: str = "",
    alt: str | None = None,
) -> AltFigure:
    """One row of pictures for each latent dimension, which goes from low to high while the others stay.

    Args:
        decode_mean: from codes `[B, D]` to mean images `[B, 1, H, W]` in [0, 1], such as `VAE.decode_mean`.
        z: the code that the walks pass through, `[D]`.
        dims: dimensions to walk along, all of them when left out.
        extent: where each walk begins and ends.
        n: pictures to a row.
        title: heading.
        alt: text alternative.

    Raises:
        ValueError: z is not `[D]`, dims names a dimension that it lacks, or the decoder gives no images.
    """
    if z.dim() != 1:
        raise ValueError(f"z has shape {list(z.shape)}: give one code, [D].")
    dims = range(len(z)) if dims is None else dims
    if not len(dims) or not all(0 <= d < len(z) for d in dims):
        raise ValueError(f"dims is {list(dims)}: name dimensions from 0 to {len(z) - 1}.")
    codes = torch.cat([walk(z.detach().cpu().float(), d, extent=extent, n=n) for d in dims])
    mosaic = tile(decoded(decode_mean, codes), n, above=[GAP] * len(dims))
    fig, ax = sheet(mosaic, title=title, left=56, bottom=46)
    height, width = mosaic.size
    ax.set_axis_on()
    ax.spines[:].set_visible(False)
    ax.set_yticks(np.array(mosaic.tops) + height / 2, [f"z[{d}]" for d in dims], fontsize=10)
    ax.set_xticks(
        np.array(mosaic.lefts) + width / 2, [f"{v:g}" for v in torch.linspace(*extent, n).tolist()], fontsize=9
    )
    ax.tick_params(length=0)
    ax.set_xlabel("value of that dimension", fontsize=10)
    named = ", ".join(f"z[{d}]" for d in dims)
    text = f"One row of {n} decoded images each for {named}, which goes from {extent[0]:g} to {extent[1]:g}."
    return describe(fig, alt or headed(title, text))


def _named_rows(
    rows: Mapping[str, Any], above: list[int], *, left: int, x: float | None = None
) -> tuple[AltFigure, Axes, Mosaic]:
    """Rows of images, their names on the left, at x image pixels from the paper's edge or at 8 of the screen.

    Raises:
        ValueError: there is no row, or the rows differ in shape.
    """
    if not rows:
        raise ValueError("rows is empty: give at least one row of images, for example {'original': x}.")
    bands = [images(x, name) for name, x in rows.items()]
    for name, band in zip(rows, bands, strict=True):
        if band.shape != bands[0].shape:
            raise ValueError(
                f"{name} has shape {list(band.shape)} but the first row {list(bands[0].shape)}: give equal rows."
            )
    mosaic = tile(np.concatenate(bands), len(bands[0]), above=above)
    fig, ax = sheet(mosaic, left=left + 8 * max(map(len, rows)))
    _name_rows(ax, mosaic, rows, -8 / mosaic.scale if x is None else x)
    return fig, ax, mosaic


def _name_rows(ax: Axes, mosaic: Mosaic, names: Iterable[str], x: float) -> None:
    """The name of each row on its left, so many image pixels from the paper's edge."""
    for name, top in zip(names, mosaic.tops, strict=True):
        ax.text(x, top + mosaic.size[0] / 2, name, ha="right", va="center", fontsize=10)


def _name_columns(ax: Axes, mosaic: Mosaic, names: Iterable[object]) -> None:
    """A short name over each column, in the 4 GAP of blank paper above the first row."""
    for name, left in zip(names, mosaic.lefts, strict=False):
        ax.text(left + mosaic.size[1] / 2, 1.5 * GAP, str(name), ha="center", va="center", fontsize=10)


def _tint(fig: AltFigure, ax: Axes, mosaic: Mosaic, cells: Iterable[tuple[int, int]]) -> None:
    """Draw the paper again in colour, with a tint under the images at these rows and columns."""
    paper = np.ones((*mosaic.sheet.shape, 3))
    height, width = mosaic.size
    for row, column in cells:
        top, left = mosaic.tops[row], mosaic.lefts[column]
        paper[top : top + height, left : left + width] = to_rgb(TINT)
    ax.images[0].set_data(paper * (1 - mosaic.sheet[..., None]))


def grid_axis(n: int, extent: tuple[float, float] | None = None) -> Tensor:
    """One coordinate of n codes to a side, `[n]`: quantiles of the prior, or even steps over an extent.

    Raises:
        ValueError: n is below two, or extent is not (low, high).
    """
    if n < 2:
        raise ValueError(f"n is {n}: a grid needs two codes or more to a side.")
    if extent is None:
        return torch.special.ndtri((torch.arange(n) + 0.5) / n)
    low, high = extent
    if not low < high:
        raise ValueError(f"extent is ({low}, {high}): give (lowest, highest).")
    return torch.linspace(low, high, n)


def _coordinates(ax: Axes, mosaic: Mosaic, axis: Tensor, extent: tuple[float, float] | None) -> None:
    """Round numbers along both edges, each where its code would be decoded."""
    n = len(axis)
    low, high = axis[0].item(), axis[-1].item()
    ticks = [
        t for t in MaxNLocator(nbins=8, steps=[1, 2, 5, 10]).tick_values(low, high) if low - 1e-6 <= t <= high + 1e-6
    ]
    at = torch.tensor(ticks, dtype=axis.dtype)
    columns = (at - low) / (high - low) * (n - 1) + 0.5 if extent else n * torch.special.ndtr(at)
    labels = [f"{t:g}" for t in ticks]
    height, width = mosaic.size
    ax.set_axis_on()
    ax.spines[:].set_visible(False)
    ax.set_xticks((columns * width).tolist(), labels, fontsize=9)
    ax.set_yticks(((n - columns) * height).tolist(), labels, fontsize=9)
    ax.set_xlabel("z[0]", fontsize=10)
    ax.set_ylabel("z[1]", fontsize=10)


def _layout(n: int, ncols: int) -> str:
    if n == 1:
        return "One image"
    return f"{n} images in {-(-n // ncols)} rows of {ncols}" if n > ncols else f"{n} images side by side"


def tile(pictures: np.ndarray, ncols: int, *, above: list[int], gap: int = GAP) -> Mosaic:
    """Lay images `[N, H, W]` or `[N, H, W, 3]` on white paper, row after row, with `above[row]` blank pixels over each row."""
    _, height, width, *colours = pictures.shape
    lefts = [gap + column * (width + gap) for column in range(ncols)]
    tops = [sum(above[: row + 1]) + row * height for row in range(len(above))]
    # White is no ink, and all of each colour.
    sheet = np.full((tops[-1] + height + gap, lefts[-1] + width + gap, *colours), 1.0 if colours else 0.0)
    for i, picture in enumerate(pictures):
        top, left = tops[i // ncols], lefts[i % ncols]
        sheet[top : top + height, left : left + width] = picture
    return Mosaic(sheet, lefts, tops, (height, width))


def sheet(mosaic: Mosaic, *, title: str = "", left: int = 0, bottom: int = 0) -> tuple[AltFigure, Axes]:
    """Draw the paper on a new figure, so large that each image pixel is a whole number of screen pixels.

    `left` and `bottom` are the screen pixels kept free there for text.
    """
    height, width = (side * mosaic.scale for side in mosaic.sheet.shape[:2])
    total_width, total_height = left + width + 8, bottom + height + (30 if title else 8)
    fig = AltFigure(figsize=(total_width / DPI, total_height / DPI), dpi=DPI, facecolor="white")
    ax = fig.add_axes((left / total_width, (bottom + 4) / total_height, width / total_width, height / total_height))
    draw(mosaic, ax, title=title)
    return fig, ax


def draw(mosaic: Mosaic, ax: Axes, *, title: str) -> None:
    """Draw the paper on axes, in image pixels from its top left corner."""
    height, width = mosaic.sheet.shape[:2]
    edges = (0, width, height, 0)
    if mosaic.sheet.ndim == 3 and isinstance(ax.figure, AltFigure):
        ax.figure.true_colours = True
    ax.imshow(mosaic.sheet, cmap="Greys", vmin=0, vmax=1, interpolation="nearest", extent=edges, aspect="equal")
    ax.set_axis_off()
    ax.set_title(title, fontsize=11, loc="left", pad=4, x=GAP / width)
