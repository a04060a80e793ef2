"""Playgrounds that live in a page of the book: their pictures at a grid of values, between which two sliders choose."""

import itertools
import json
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from vae_course.plotting.figure import AltFigure
from vae_course.widgets.bound_playground import BoundPlayground
from vae_course.widgets.elbo_playground import ELBOPlayground
from vae_course.widgets.kl_playground import KLPlayground
from vae_course.widgets.pictures import drawn
from vae_course.widgets.playground import Playground
from vae_course.widgets.world_playground import WorldPlayground

# Those that need neither data nor a trained model, with the two controls that move here, each with as many values.
ALIVE: dict[type[Playground], dict[str, int]] = {
    WorldPlayground: {"x": 6, "sigma": 4},
    KLPlayground: {"mean": 9, "log_std": 4},
    ELBOPlayground: {"mu": 7, "logvar": 5},
    BoundPlayground: {"shift": 5, "log2_k": 6},
}
SHARP = 1.5  # pixels of a frame for each one of the page
PAGE = """<figure class="book-frames">
<img src="_static/frames/{name}/{start}.webp" alt="{alt}" width="{width}" height="{height}">
<figcaption role="status">{words}</figcaption>
{sliders}
<script type="application/json">{frames}</script>
</figure>
<p class="book-note">These sliders show pictures made beforehand, at some values of each. In Colab, Binder or JupyterLab the
playground moves freely.</p>"""
SLIDER = """<label>{label} <input type="range" min="0" max="{last}" value="{at}" data-values="{values}">
<output>{value}</output></label>"""


def write(folder: Path, kind: type[Playground]) -> str:
    """Write the frames of a playground into a folder of the site's, and return the HTML that shows them.

    Args:
        folder: where the site keeps its static files.
        kind: the playground's class, one of `ALIVE`.
    """
    name, playground = kind.__name__, kind()
    axes = {key: _values(playground, key, count) for key, count in ALIVE[kind].items()}
    at = [axes[key].index(playground.start[key]) for key in axes]
    target = folder / "frames" / name
    target.mkdir(parents=True, exist_ok=True)
    frames = {}
    for place in itertools.product(*(range(len(values)) for values in axes.values())):
        values = {key: axes[key][i] for key, i in zip(axes, place, strict=True)}
        playground.place(values)
        value = playground.value
        drawing = playground.draw(value)
        number = "-".join(map(str, place))
        size = _picture(drawing, target / f"{number}.webp")
        frames[number] = {"alt": drawing.alt, "words": playground.in_words(value)}
    start = "-".join(map(str, at))
    sliders = [
        SLIDER.format(
            label=escape(playground.controls[key].description),
            last=len(axes[key]) - 1,
            at=i,
            values=" ".join(f"{value:.3g}" for value in axes[key]),
            value=f"{playground.start[key]:.3g}",
        )
        for key, i in zip(axes, at, strict=True)
    ]
    shown = {"alt": escape(frames[start]["alt"]), "words": frames[start]["words"], "width": size[0], "height": size[1]}
    told = json.dumps(frames).replace("</", "<\\/")
    return PAGE.format(name=name, start=start, sliders="\n".join(sliders), frames=told, **shown)


def _values(playground: Playground, key: str, count: int) -> list[float]:
    """Equal steps over a slider's range, of which the nearest to its start gives way to the start."""
    control: Any = playground.controls[key]
    values = [float(value) for value in np.linspace(control.min, control.max, count)]
    start = playground.start[key]
    values[min(range(count), key=lambda i: abs(values[i] - start))] = start
    return values


def _picture(drawing: AltFigure, target: Path) -> tuple[int, int]:
    """Write a picture; its width and height on the page."""
    drawing.set_dpi(SHARP * drawing.dpi)
    image = drawn(drawing)
    image.save(target, format="WEBP", quality=82)
    return round(image.width / SHARP), round(image.height / SHARP)
