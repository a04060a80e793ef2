"""Pen digits: handwriting-like digits whose true factors are known, drawn from stroke skeletons.

A skeleton is bent by a smooth random warp, scaled, slanted and rotated, put with its centre of mass near the middle of
the image, and inked with a round pen. All images of a chunk are drawn at once. Nothing is downloaded: this is the
course's world without a network, and a second world for every claim.
"""

import io
import math
import zipfile
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vae_course.data.skeletons import SKELETONS, Stroke
from vae_course.support.files import cache_dir, write
from vae_course.support.numbers import whole_number
from vae_course.support.sources import source_digest

SIZE = 28
PIECES = 96  # short straight pieces that all strokes of a digit are cut into
CHUNK = 1000  # images drawn at once: bounds the memory
SOFTNESS = 1.3  # width of the anti-aliased rim, pixels
# The ink at a pixel depends on the distance to the nearest piece. A soft minimum over the pieces factorises over rows
# and columns, which turns the whole picture into one matrix product; this is its width, squared pixels.
BLUR = 0.5
BEND = 1.5  # random displacement of every skeleton point, per cent of the digit's height


Drawn = tuple[Tensor, Tensor, dict[str, Tensor]]


def load(n: int) -> Drawn:
    """The first n digits as bytes `[n, 28, 28]`, their classes and factors: from the cache, or drawn and kept there."""
    path = cache_dir() / f"pen-{n}-{source_digest(__name__)[:12]}.npz"
    if path.exists():
        try:
            return _read(path, n)
        except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile) as error:
            print(f"{path} can't be read ({error}), so the pen digits are drawn again.")
    drawn, y, factors = draw(n, seed=0)
    x = (255 * drawn.squeeze(1)).round().to(torch.uint8)
    arrays: dict[str, Any] = {name: values.numpy() for name, values in {"x": x, "y": y, **factors}.items()}
    packed = io.BytesIO()
    np.savez(packed, **arrays)
    try:
        write(path, packed.getvalue())
    except OSError as error:
        print(f"{path.parent} can't be written ({error.strerror}), so the pen digits are drawn anew each time.")
    return x, y, factors


def _read(path: Path, n: int) -> Drawn:
    # numpy leaves a file open that it cannot read, so it is opened and closed here.
    with path.open("rb") as file, np.load(file, allow_pickle=False) as kept:
        arrays = {key: torch.from_numpy(kept[key]) for key in kept.files}
    x, y = arrays.pop("x"), arrays.pop("y")
    if x.shape != (n, SIZE, SIZE) or any(len(v) != n for v in (y, *arrays.values())):
        raise ValueError(f"it does not hold {n:,} digits")
    return x, y, arrays


def draw(n: int, *, seed: int = 0) -> Drawn:
    """Draw n digits.

    Args:
        n: how many.
        seed: fixes every image and factor.

    Returns:
        images `[n, 1, 28, 28]` in [0, 1] (multiples of 1/255), classes `[n]`, and the factors, each `[n]`: `slant` and
        `rotation` in degrees (to the right), `thickness` and `scale` in pixels (of the pen; of the longer side),
        `aspect` (width times this), `shift_x` and `shift_y` in pixels (to the right, down), `wobble` (strength of the
        warp, per cent of the height), `variant` (which skeleton of its class), `ink` (grey level of a full stroke).

    Raises:
        ValueError: n is below one.
    """
    if n < 1:
        raise ValueError(f"n is {n}: draw at least one digit.")
    generator = torch.Generator().manual_seed(whole_number(seed, "seed"))
    uniform = torch.rand(n, 11, generator=generator)
    warp = _normal(torch.rand(n, 7, 2, generator=generator))
    points = _controls()[0].shape[1]
    jitter = _normal(torch.rand(n, points, 2, generator=generator))
    y = (uniform[:, 0] * 10).long()
    glyph, factors = _glyphs(y, uniform[:, 1]), _factors(uniform[:, 2:])
    factors["variant"] = glyph - _first_glyph()[y]
    images = [
        _render({name: values[at] for name, values in factors.items()}, glyph[at], warp[at], jitter[at])
        for at in torch.arange(n).split(CHUNK)
    ]
    return torch.cat(images), y, factors


def _factors(uniform: Tensor) -> dict[str, Tensor]:
    """The continuous factors from uniform numbers `[n, 9]`; their spreads resemble those of MNIST."""
    u = uniform.unbind(1)
    return {
        "slant": 7 + 11 * _normal(u[0]),
        "rotation": 5 * _normal(u[1]),
        "thickness": 1.9 + 1.9 * u[2],
        "scale": 18 + 2.5 * u[3],
        "aspect": torch.exp(0.1 + 0.15 * _normal(u[4])),
        "shift_x": 0.6 * _normal(u[5]),
        "shift_y": 0.6 * _normal(u[6]),
        "wobble": 2 + 5 * u[7],
        "ink": 0.92 + 0.08 * u[8],
    }


def _normal(uniform: Tensor) -> Tensor:
    """Standard normal numbers from uniform ones, cut off at about 2.3 so that no digit is bent beyond recognition."""
    return torch.special.ndtri(uniform.clamp(0.01, 0.99))


@lru_cache
def _first_glyph() -> Tensor:
    """The number of each class's first skeleton, `[10]`."""
    digits = [skeleton.digit for skeleton in SKELETONS]
    return torch.tensor([digits.index(digit) for digit in range(10)])


def _glyphs(y: Tensor, uniform: Tensor) -> Tensor:
    """Which skeleton draws each digit, `[n]`, with the skeletons' frequencies."""
    bounds = torch.full((10, len(SKELETONS)), torch.inf)
    for digit in range(10):
        shares = torch.tensor([s.frequency for s in SKELETONS if s.digit == digit])
        # The last bound stays infinite, so that rounding never picks a skeleton of another digit.
        bounds[digit, : len(shares) - 1] = (shares / shares.sum()).cumsum(0)[:-1]
    return _first_glyph()[y] + (uniform[:, None] >= bounds[y]).sum(1)


@lru_cache
def _controls() -> tuple[Tensor, Tensor, Tensor]:
    """For every skeleton its points `[S, K, 2]`, and the weights of these points in the beginning and the end of every
    piece, `[S, PIECES, K]` each: bending the points bends the curve.
    """
    distinct = [list(dict.fromkeys(point for stroke in s.strokes for point in stroke)) for s in SKELETONS]
    most = max(map(len, distinct))
    points = torch.tensor([some + some[:1] * (most - len(some)) for some in distinct], dtype=torch.float32)
    starts, ends = torch.zeros(2, len(SKELETONS), PIECES, most)
    for i, (skeleton, names) in enumerate(zip(SKELETONS, distinct, strict=True)):
        dense = [_spline(stroke, names, points[i]) for stroke in skeleton.strokes]
        first = 0
        for (weights, length), count in zip(dense, _shares([length[-1].item() for _, length in dense]), strict=True):
            stops = torch.linspace(0, length[-1].item(), count + 1)
            at = torch.searchsorted(length, stops).clamp(max=len(length) - 1)
            starts[i, first : first + count] = weights[at[:-1]]
            ends[i, first : first + count] = weights[at[1:]]
            first += count
    return points, starts, ends


def _shares(lengths: list[float]) -> list[int]:
    """How many of the pieces each stroke gets, by its length, two at least."""
    counts = [max(2, round(PIECES * length / sum(lengths))) for length in lengths]
    counts[lengths.index(max(lengths))] += PIECES - sum(counts)
    return counts


def _spline(stroke: Stroke, names: list[tuple[float, float]], points: Tensor) -> tuple[Tensor, Tensor]:
    """A Catmull-Rom curve through a stroke's points at 400 places: weights of the skeleton's points `[400, K]`, and
    the length of the curve up to each place `[400]`.
    """
    place = torch.zeros(len(stroke), len(points))
    place[torch.arange(len(stroke)), torch.tensor([names.index(point) for point in stroke])] = 1
    weights = _catmull_rom(len(stroke), torch.linspace(0, len(stroke) - 1, 400)) @ place
    curve = weights @ points
    length = (curve[1:] - curve[:-1]).norm(dim=1).cumsum(0)
    return weights, torch.cat([torch.zeros(1), length])


def _catmull_rom(n: int, t: Tensor) -> Tensor:
    """Weights of n points in the curve at parameters t in [0, n - 1], `[len(t), n]`.

    Source: E. Catmull and R. Rom, A class of local interpolating splines (1974). Beyond the ends the points go on
    straight: p[-1] = 2 p[0] - p[1].
    """
    i = t.floor().clamp(max=n - 2).long()
    u = t - i
    basis = [-u + 2 * u**2 - u**3, 2 - 5 * u**2 + 3 * u**3, u + 4 * u**2 - 3 * u**3, -(u**2) + u**3]
    padded = torch.zeros(len(t), n + 2).scatter(1, i[:, None] + torch.arange(4), torch.stack(basis, 1) / 2)
    weights = padded[:, 1:-1].clone()
    weights[:, 0] += 2 * padded[:, 0]
    weights[:, 1] -= padded[:, 0]
    weights[:, -1] += 2 * padded[:, -1]
    weights[:, -2] -= padded[:, -1]
    return weights


def _render(factors: dict[str, Tensor], glyph: Tensor, warp: Tensor, jitter: Tensor) -> Tensor:
    """One chunk of images, `[B, 1, 28, 28]`."""
    points, starts, ends = (table[glyph] for table in _controls())
    bent = _bent(points, factors["wobble"], warp, jitter) @ _shear_and_turn(factors).transpose(1, 2)
    p, q = starts @ bent, ends @ bent
    low, high = torch.minimum(p, q).amin(1), torch.maximum(p, q).amax(1)
    size = (factors["scale"] - factors["thickness"] - 0.5) / (high - low).amax(1)
    middle, length = (p + q) / 2 * size[:, None, None], (q - p).norm(dim=2) * size[:, None]
    centre = (middle * length[..., None]).sum(1) / length.sum(1, keepdim=True)
    shift = torch.stack([factors["shift_x"], factors["shift_y"]], 1)
    middle = middle + (shift - centre + (SIZE - 1) / 2)[:, None]
    ink = _ink(middle, length, factors["thickness"]) * factors["ink"][:, None, None]
    return ((255 * ink).round() / 255).unsqueeze(1)


def _bent(points: Tensor, wobble: Tensor, warp: Tensor, jitter: Tensor) -> Tensor:
    """Skeleton points `[B, K, 2]` about the origin, moved by a smooth polynomial warp and a little each."""
    low, high = points.amin(1, keepdim=True), points.amax(1, keepdim=True)
    x, y = ((2 * points - low - high) / 100).unbind(-1)
    # Centred polynomials of degree two and three: what an affine map cannot do.
    modes = [x * y, y**2 - 0.4, x**2 - 0.2, y * (y**2 - 0.6), x * (y**2 - 0.4), y * (x**2 - 0.2), x**3 - 0.2 * x]
    return points - 50 + wobble[:, None, None] * (torch.stack(modes, -1) @ warp) + BEND * jitter


def _shear_and_turn(factors: dict[str, Tensor]) -> Tensor:
    """Aspect, then slant, then rotation as one matrix, `[B, 2, 2]`; y runs downwards."""
    lean = torch.tan(torch.deg2rad(factors["slant"]))
    turn = torch.deg2rad(factors["rotation"])
    cos, sin, aspect = turn.cos(), turn.sin(), factors["aspect"]
    rows = [cos * aspect, -cos * lean - sin, sin * aspect, -sin * lean + cos]
    return torch.stack(rows, -1).reshape(-1, 2, 2)


def _ink(middle: Tensor, length: Tensor, thickness: Tensor) -> Tensor:
    """Grey levels `[B, 28, 28]` of a round pen that passes the pieces' middles `[B, PIECES, 2]`."""
    grid = torch.arange(SIZE, dtype=middle.dtype)[None, :, None]
    # Cut off where no ink is anyway: products of such small numbers would be subnormal, which processors are slow at.
    columns = torch.exp(-((middle[:, None, :, 0] - grid) ** 2 / BLUR).clamp(max=34))
    rows = torch.exp(-((middle[:, None, :, 1] - grid) ** 2 / BLUR).clamp(max=34)) * length[:, None]
    # Beside a long straight stroke this sum is exp(-distance^2 / BLUR), so its logarithm gives the distance back.
    near = rows @ columns.transpose(1, 2) / math.sqrt(math.pi * BLUR)
    distance = (-BLUR * near.clamp(min=1e-30).log()).clamp(min=0).sqrt()
    return ((thickness[:, None, None] / 2 - distance) / SOFTNESS + 0.5).clamp(0, 1)
