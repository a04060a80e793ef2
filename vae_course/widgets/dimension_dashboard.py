"""What each latent dimension costs, whether it says anything, and what it draws: a dashboard for trained models."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import ipywidgets as widgets
import torch
from torch import Tensor

from vae_course.evaluation import active_units, kl_per_dim
from vae_course.plotting.figure import AltFigure
from vae_course.plotting.rates import dimensions
from vae_course.support.threads import one_thread
from vae_course.widgets.beta_playground import mosaic
from vae_course.widgets.errors import ErrorBox
from vae_course.widgets.parts import HOW_TO_MOVE, card, named, slider, text
from vae_course.widgets.pictures import png, to_png
from vae_course.widgets.shell import Shell

REACH = 3.0  # of the slider, and of the walk
STEPS = 7  # pictures of a walk


@dataclass(frozen=True)
class Dimensions:
    """The latent dimensions of one model: mean KL `[D]` in nats, and whether each is active `[D]`."""

    kl: Tensor
    active: Tensor

    @property
    def order(self) -> list[int]:
        """The dimensions, largest KL first."""
        return torch.argsort(self.kl, descending=True, stable=True).tolist()


def measure(model: Any, images: Any) -> Dimensions:
    """KL and activity of each dimension on these images."""
    x = getattr(images, "x", images)
    variance = torch.cat([model.posterior(part).mean.detach() for part in x.split(1000)]).var(0)
    active = variance > 0.01
    assert int(active.sum()) == active_units(model, images)
    return Dimensions(kl_per_dim(model, images), active)


@one_thread()
def bars(measured: Dimensions, chosen: int) -> AltFigure:
    """The KL of each dimension, with one picked out."""
    fig = dimensions(measured.kl, measured.active, chosen=chosen)
    assert isinstance(fig, AltFigure)
    return fig


def walk(z: Tensor, d: int) -> Tensor:
    """Codes `[STEPS, D]` that differ from z `[D]` in entry d alone, which runs from -REACH to REACH."""
    codes = z.repeat(STEPS, 1)
    codes[:, d] = torch.linspace(-REACH, REACH, STEPS)
    return codes


def in_words(measured: Dimensions, d: int, z: Tensor) -> str:
    """What there is to say about one dimension."""
    kind = "active" if measured.active[d] else "not active"
    return (
        f"Dimension {d}: KL {float(measured.kl[d]):.2f} nats, {kind}; z[{d}] = {float(z[d]) + 0.0:.2f}."
        f" {int(measured.active.sum())} of {len(measured.kl)} dimensions are active."
    )


class DimensionDashboard(Shell):
    """Bars of what each dimension costs; below, one of them is moved while the others keep the code of an image.

    Choose a model, a dimension and an image, and move the slider by mouse or by the arrow keys. `show` does it from code.

    Args:
        models: trained VAEs by name.
        images: what to measure on and to encode, pixels as the models were trained on.

    Raises:
        ValueError: there is no model, or fewer than two images.
    """

    def __init__(self, models: Mapping[str, Any], images: Any) -> None:
        if not models or len(images) < 2:
            raise ValueError(f"There are {len(models)} models and {len(images)} images: give one and two, or more.")
        self.models, self.x = dict(models), getattr(images, "x", images)
        self.measured = {name: measure(model, images) for name, model in models.items()}
        self.error, self.status, self._following = ErrorBox(), text("", "vae-status"), False
        self.bars = widgets.Image(format="png", layout=widgets.Layout(width="700px", max_width="100%"))
        self.original, self.picture = (widgets.Image(format="png") for _ in range(2))
        self.walk = widgets.Image(format="png", layout=widgets.Layout(width="700px", max_width="100%"))
        self._z = torch.zeros(1)
        self._controls()
        cards = named(
            widgets.HBox([card(text("Original"), self.original), card(text("Decoded"), self.picture)]), "vae-cards"
        )
        controls = named(widgets.VBox([text(HOW_TO_MOVE), self.model, self.dim, self.image, self.value]), "vae-sliders")
        stage = named(widgets.HBox([cards, controls]), "vae-stage")
        caption = text(f"The same dimension from {-REACH:g} to {REACH:g}:")
        super().__init__([self.bars, stage, self.status, caption, self.walk, self.error], name="vae-dashboard")
        self._begin()

    def show(self, model: str, dim: int, value: float, image: int = 0) -> None:
        """Put this value into one dimension of the code of an image.

        Raises:
            ValueError: there is no such model, dimension or image, or the value lies beyond the slider.
        """
        if model not in self.models:
            raise ValueError(f"There is no model {model!r}: choose one of {', '.join(self.models)}.")
        latents = len(self.measured[model].kl)
        for name, given, low, high in (
            ("dim", dim, 0, latents - 1), ("image", image, 0, len(self.x) - 1), ("value", value, -REACH, REACH),
        ):  # fmt: skip
            if not low <= given <= high:
                raise ValueError(f"{name} is {given}: choose a number from {low:g} to {high:g}.")
        self.model.value, self.image.value = model, image
        self.dim.value, self.value.value = dim, value

    def stand_in(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """The bars with their text alternative, for a page on which nothing can be moved."""
        return bars(self.measured[self.model.value], self.dim.value)._repr_mimebundle_()

    def _controls(self) -> None:
        """The menus of models and dimensions, the image's number, and the slider."""
        style = {"style": {"description_width": "110px"}, "layout": {"width": "100%"}}
        self.model = widgets.Dropdown(options=list(self.models), description="model", **style)
        self.dim = widgets.Dropdown(options=[("0", 0)], description="dimension", **style)
        self.image = widgets.BoundedIntText(0, min=0, max=len(self.x) - 1, description="image", **style)
        self.value = slider("value", reach=REACH)
        self.model.observe(self._other_code, "value")
        self.image.observe(self._other_code, "value")
        self.dim.observe(self._other_dimension, "value")
        self.value.observe(self._moved, "value")

    def _other_code(self, _: Any) -> None:
        if not self._following:
            with self.error.guard("Encoding this image"):
                self._begin()

    def _other_dimension(self, _: Any) -> None:
        if not self._following:
            with self.error.guard("Showing this dimension"):
                self._choose(self.dim.value)

    def _moved(self, change: Any) -> None:
        if not self._following:
            with self.error.guard("Decoding"):
                self._z[self.dim.value] = change["new"]
                self._redraw()

    def _begin(self) -> None:
        """Encode the image with the model, and choose the dimension with the largest KL."""
        x = self.x[self.image.value]
        with torch.no_grad():
            self._encoded = self.models[self.model.value].posterior(x[None]).mean[0].clone()
        self.original.value = to_png(x)
        order = self.measured[self.model.value].order
        self._following = True
        try:
            self.dim.options = [(str(d), d) for d in order]
            self.dim.value = order[0]
        finally:
            self._following = False
        self._choose(order[0])

    def _choose(self, d: int) -> None:
        """Start from the code of the image, with the slider where its entry d is."""
        self._z = self._encoded.clone()
        self._following = True
        try:
            self.value.value = min(max(float(self._z[d]), -REACH), REACH)
        finally:
            self._following = False
        self._redraw()

    def _redraw(self) -> None:
        model, d = self.models[self.model.value], self.dim.value
        measured = self.measured[self.model.value]
        with torch.no_grad():
            decoded = model.decode_mean(torch.cat([self._z[None], walk(self._z, d)]))
        self.bars.value = png(bars(measured, d))
        self.picture.value, self.walk.value = to_png(decoded[0]), to_png(mosaic(decoded[1:], ncols=STEPS))
        self.status.value = f'<span role="status">{in_words(measured, d, self._z)}</span>'
