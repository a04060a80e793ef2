"""What each latent dimension does to the picture."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from vae_course.plotting.arrays import decoded
from vae_course.plotting.figure import AltFigure, describe, headed
from vae_course.plotting.images import sheet, tile


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
    values = torch.linspace(*extent, n)
    codes = z.detach().cpu().float().repeat(len(dims), n, 1)
    for row, d in enumerate(dims):
        codes[row, :, d] = values
    mosaic = tile(decoded(decode_mean, codes.flatten(0, 1)), n, above=[2] * len(dims))
    fig, ax = sheet(mosaic, title=title, left=56, bottom=46)
    height, width = mosaic.size
    ax.set_axis_on()
    ax.spines[:].set_visible(False)
    ax.set_yticks(np.array(mosaic.tops) + height / 2, [f"z[{d}]" for d in dims], fontsize=10)
    ax.set_xticks(np.array(mosaic.lefts) + width / 2, [f"{v:g}" for v in values.tolist()], fontsize=9)
    ax.tick_params(length=0)
    ax.set_xlabel("value of that dimension", fontsize=10)
    named = ", ".join(f"z[{d}]" for d in dims)
    text = f"One row of {n} decoded images each for {named}, which goes from {extent[0]:g} to {extent[1]:g}."
    return describe(fig, alt or headed(title, text))
