"""What each latent dimension costs, whether it says anything, and what it draws: a dashboard for trained models."""

from collections.abc import Mapping
from typing import Any

import ipywidgets as widgets
import torch
from torch import Tensor

from vae_course.evaluation import active_dimensions, kl_per_dim
from vae_course.plotting.figure import AltFigure
from vae_course.plotting.images import walk
from vae_course.plotting.rates import dimensions
from vae_course.support.threads import one_thread
from vae_course.widgets.explorer import by_kl
from vae_course.widgets.pictures import mosaic, png, to_png
from vae_course.widgets.playground import STYLE, Playground, screen, slider
from vae_course.widgets.shell import card, named, text

REACH = 3.0  # of the slider, and of the walk
STEPS = 7  # pictures of a walk


class DimensionDashboard(Playground):
    """Bars of what each dimension costs; below, one of them is moved while the others keep the code of an image.

    Choose a model, a dimension and an image, and move the slider by mouse or by the arrow keys. `show` does it from code.

    Args:
        models: trained VAEs by name.
        images: what to measure on and to encode, pixels as the models were trained on.

    Raises:
        ValueError: there is no model, or fewer than two images.
    """

    value: Any = None  # the slider's name

    def __init__(self, models: Mapping[str, Any], images: Any) -> None:
        if not models or len(images) < 2:
            raise ValueError(f"There are {len(models)} models and {len(images)} images: give one and two, or more.")
        self.models, self.x = dict(models), getattr(images, "x", images)
        self.kl = {name: kl_per_dim(model, images) for name, model in models.items()}
        self.active = {name: active_dimensions(model, images) for name, model in models.items()}
        self.bars, self.original, self.walk = screen(700), screen(), screen(700)
        self.z = torch.zeros(1)
        controls = {
            "model": widgets.Dropdown(options=list(models), description="model", **STYLE),
            "dim": widgets.Dropdown(options=[("0", 0)], description="dimension", **STYLE),
            "image": widgets.BoundedIntText(0, min=0, max=len(self.x) - 1, description="image", **STYLE),
            "value": slider("value", -REACH, REACH),
        }
        super().__init__(controls, name="vae-dashboard", width=None)

    def parts(self) -> list[widgets.Widget]:
        """The bars, original and decoded picture beside the controls, and the walk."""
        cards = widgets.HBox([card(text("Original"), self.original), card(text("Decoded"), self.picture)])
        controls = widgets.VBox([text(self.how), *self.controls.values()])
        stage = named(widgets.HBox([named(cards, "vae-cards"), named(controls, "vae-sliders")]), "vae-stage")
        return [self.bars, stage, self.status, text(f"The same dimension from {-REACH:g} to {REACH:g}:"), self.walk]

    def show(self, model: str, dim: int, value: float, image: int = 0) -> None:
        """Put this value into one dimension of the code of an image.

        Raises:
            ValueError: there is no such model, dimension or image, or the value lies beyond the slider.
        """
        for key, given in (("model", model), ("image", image), ("value", value)):
            self.reach(key, given)
        if not 0 <= dim < len(self.kl[model]):
            raise ValueError(f"dim is {dim}: choose a number from 0 to {len(self.kl[model]) - 1}.")
        self.place({"model": model, "image": image})
        self._encode()
        self._begin_at(dim)
        self.place({"value": value})
        self.moved("value")
        self.redraw()

    def reset(self) -> None:
        """The code of the image that is chosen, and the dimension that costs most."""
        self._encode()
        self.redraw()

    def static(self) -> AltFigure:
        """The bars, for a page on which nothing can be moved."""
        model, d = self.values["model"], self.values["dim"]
        return dimensions(self.kl[model], self.active[model], chosen=d)

    def moved(self, key: str) -> None:
        """Another image or model is encoded, another dimension starts from its code, and the slider changes its entry."""
        if key == "value":
            self.z[self.values["dim"]] = self.values["value"]
        elif key == "dim":
            self._begin_at(self.values["dim"])
        else:
            self._encode()

    @one_thread()
    def redraw(self) -> None:
        """Bars, decoded picture, walk and sentence."""
        model, d = self.models[self.values["model"]], self.values["dim"]
        with torch.no_grad():
            decoded = model.decode_mean(torch.cat([self.z[None], walk(self.z, d, n=STEPS)]))
        self.bars.value = png(self.static())
        self.picture.value, self.walk.value = to_png(decoded[0]), to_png(mosaic(decoded[1:], ncols=STEPS))
        self.say(in_words(self.kl[self.values["model"]], self.active[self.values["model"]], d, self.z))

    def _encode(self) -> None:
        """Encode the image with the model, and choose the dimension with the largest KL."""
        x, name = self.x[self.values["image"]], self.values["model"]
        with torch.no_grad():
            self.encoded = self.models[name].posterior(x[None]).mean[0].clone()
        self.original.value = to_png(x)
        order = by_kl(self.kl[name])
        with self.following():
            self.controls["dim"].options = [(str(d), d) for d in order]
        self._begin_at(order[0])

    def _begin_at(self, d: int) -> None:
        """Start from the code of the image, with the slider where its entry d is."""
        self.z = self.encoded.clone()
        self.place({"dim": d, "value": min(max(float(self.z[d]), -REACH), REACH)})


def in_words(kl: Tensor, active: Tensor, d: int, z: Tensor) -> str:
    """What there is to say about one dimension."""
    kind = "active" if active[d] else "not active"
    return (
        f"Dimension {d}: KL {float(kl[d]):.2f} nats, {kind}; z[{d}] = {float(z[d]) + 0.0:.2f}."
        f" {int(active.sum())} of {len(kl)} dimensions are active."
    )
