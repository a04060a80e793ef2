"""Playgrounds that live in a page of the book: their pictures at a grid of values, between which sliders choose."""

import itertools
import json
import shutil
from dataclasses import asdict, dataclass, field
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from vae_course.plotting.figure import AltFigure
from vae_course.widgets.beta_playground import BetaPlayground
from vae_course.widgets.bound_playground import BoundPlayground
from vae_course.widgets.codebook_playground import CodebookPlayground
from vae_course.widgets.elbo_playground import ELBOPlayground
from vae_course.widgets.flow_playground import FlowPlayground
from vae_course.widgets.kl_playground import KLPlayground
from vae_course.widgets.pictures import drawn
from vae_course.widgets.playground import Playground
from vae_course.widgets.rotation_playground import RotationPlayground
from vae_course.widgets.world_playground import WorldPlayground

# Those that need neither data nor a trained model, with the one or two controls that move here, each with as many values.
ALIVE: dict[type[Playground], dict[str, int]] = {
    WorldPlayground: {"x": 6, "sigma": 4},
    KLPlayground: {"mean": 9, "log_std": 4},
    ELBOPlayground: {"mu": 7, "logvar": 5},
    BoundPlayground: {"shift": 5, "log2_k": 6},
    RotationPlayground: {"angle": 10},
    CodebookPlayground: {"steps": 5, "n_codes": 5},
    FlowPlayground: {"steps": 5},
}
# Those of trained models, whose frames `docs/make_frames.py` made and the repository keeps.
KEPT: tuple[type[Playground], ...] = (BetaPlayground,)
KEPT_AT = Path(__file__).parents[1] / "images" / "frames"
SHARP = 1.5  # pixels of a frame for each one of the page
PAGE = """<figure class="book-frames">
<img src="_static/frames/{name}/{start}.webp" alt="{alt}" width="{width}" height="{height}">
<figcaption role="status">{words}</figcaption>
{sliders}
<script type="application/json">{frames}</script>
</figure>
<p class="book-note">{note}</p>"""
SLIDER = """<label>{label} <input type="range" min="0" max="{last}" value="{at}" data-values="{values}">
<output>{value}</output></label>"""
SOME = """These sliders show pictures made beforehand, at some values of each. In Colab, Binder or JupyterLab the
playground moves freely."""
SOME_OF_ONE = """This slider shows pictures made beforehand, at some of its values. In Colab, Binder or JupyterLab the
playground has all of them, and other controls."""
ALL = "This slider shows pictures made beforehand, one for each of its values."


@dataclass(frozen=True)
class Slider:
    """What stands before it, what it can be set to, and which of these it starts at."""

    label: str
    values: list[float]
    at: int


@dataclass
class Frames:
    """The sliders, the size of a picture on the page, and for each place of the sliders what its picture says."""

    sliders: list[Slider]
    width: int = 0
    height: int = 0
    told: dict[str, dict[str, str]] = field(default_factory=dict)

    def write(self, folder: Path) -> None:
        """Keep all but the pictures, as `read` finds them."""
        text = json.dumps(asdict(self), indent=1, sort_keys=True) + "\n"
        (folder / "frames.json").write_text(text, encoding="utf-8", newline="\n")

    @classmethod
    def read(cls, folder: Path) -> "Frames":
        """The inverse of `write`."""
        kept = json.loads((folder / "frames.json").read_text(encoding="utf-8"))
        return cls(**kept | {"sliders": [Slider(**slider) for slider in kept["sliders"]]})


def write(folder: Path, kind: type[Playground]) -> str:
    """Write the frames of a playground into a folder of the site's, and return the HTML that shows them.

    Args:
        folder: where the site keeps its static files.
        kind: the playground's class, one of `ALIVE` or `KEPT`.
    """
    target = folder / "frames" / kind.__name__
    if kind in KEPT:
        shutil.copytree(KEPT_AT / kind.__name__, target, dirs_exist_ok=True)
        return page(kind.__name__, Frames.read(target), ALL)
    playground = kind()
    axes = {key: _values(playground, key, count) for key, count in ALIVE[kind].items()}
    return page(kind.__name__, draw(playground, axes, target), SOME if len(axes) > 1 else SOME_OF_ONE)


def draw(playground: Playground, axes: dict[str, list[float]], target: Path) -> Frames:
    """Write the picture of a playground at each place of some of its controls into a folder.

    Args:
        playground: it ends at the last place.
        axes: for each control that moves its values, among them its start.
        target: the folder, which is made.
    """
    target.mkdir(parents=True, exist_ok=True)
    frames = Frames(
        [
            Slider(playground.controls[key].description, values, values.index(playground.start[key]))
            for key, values in axes.items()
        ]
    )
    for place in itertools.product(*(range(len(values)) for values in axes.values())):
        playground.place({key: axes[key][i] for key, i in zip(axes, place, strict=True)})
        drawings, name = playground.stills(), "-".join(map(str, place))
        frames.width, frames.height = _picture(drawings, target / f"{name}.webp")
        words = playground.in_words(playground.value)
        frames.told[name] = {"alt": " ".join(drawing.alt for drawing in drawings), "words": words}
    return frames


def page(name: str, frames: Frames, note: str) -> str:
    """The HTML that shows frames, which lie in the site's folder of this name."""
    start = "-".join(str(slider.at) for slider in frames.sliders)
    sliders = [
        SLIDER.format(
            label=escape(slider.label),
            last=len(slider.values) - 1,
            at=slider.at,
            values=" ".join(f"{value:.3g}" for value in slider.values),
            value=f"{slider.values[slider.at]:.3g}",
        )
        for slider in frames.sliders
    ]
    return PAGE.format(
        name=name,
        start=start,
        alt=escape(frames.told[start]["alt"]),
        words=frames.told[start]["words"],
        width=frames.width,
        height=frames.height,
        sliders="\n".join(sliders),
        frames=json.dumps(frames.told).replace("</", "<\\/"),
        note=note,
    )


def _values(playground: Playground, key: str, count: int) -> list[float]:
    """Equal steps over a slider's range or choices, of which the nearest to its start gives way to the start."""
    control: Any = playground.controls[key]
    if hasattr(control, "options"):
        choices = [value for _, value in control.options]
        values = [choices[round(i)] for i in np.linspace(0, len(choices) - 1, count)]
    else:
        values = [float(value) for value in np.linspace(control.min, control.max, count)]
    start = playground.start[key]
    values[min(range(count), key=lambda i: abs(values[i] - start))] = start
    return values


def _picture(drawings: list[AltFigure], target: Path) -> tuple[int, int]:
    """Write drawings, one below the other, as a picture; its width and height on the page."""
    for drawing in drawings:
        drawing.set_dpi(SHARP * drawing.dpi)
    images = [drawn(drawing) for drawing in drawings]
    whole = Image.new("RGB", (max(image.width for image in images), sum(image.height for image in images)), "white")
    top = 0
    for image in images:
        whole.paste(image, (0, top))
        top += image.height
    whole.save(target, format="WEBP", quality=82)
    return round(whole.width / SHARP), round(whole.height / SHARP)
