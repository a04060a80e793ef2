"""Walk through the latent space of a VAE with one slider for each dimension."""

import math
from collections.abc import Sequence
from typing import Any

import ipywidgets as widgets
import torch
from torch import Tensor

from vae_course.evaluation import kl_per_dim
from vae_course.plotting import walks
from vae_course.plotting.arrays import in_evaluation
from vae_course.plotting.figure import AltFigure
from vae_course.support.numbers import whole_number
from vae_course.widgets.pictures import render, to_png
from vae_course.widgets.playground import Playground, slider
from vae_course.widgets.shell import button_row, card, named, text

AT_FIRST = 8  # sliders shown at first, and more with each press of the button
REACH = 3.0  # a slider's range; 99.7 % of the prior lie within it
KL_SAMPLE = 1000  # images that the KL of each dimension is measured on


class LatentExplorer(Playground):
    """Sliders for a code z beside the picture that a decoder makes of it.

    Drag a slider, or focus it and press the arrow keys. Random draws z from the prior N(0, I), Reset goes to its
    centre, and Encode goes to the posterior mean of one of the images. With images the sliders are ordered by the KL of
    their dimension, so that those which carry most information come first.

    The actions are methods too, for use from code; they raise what a press of their button would show in the widget.

    Args:
        model: anything with `decode_mean(z [B, D]) -> [B, 1, H, W]` in [0, 1] and `latent_dim`; with `encode(x)`, which
            returns `(mu, logvar)`, it can encode too.
        images: `Images`, or a tensor `[N, 1, H, W]` in [0, 1].
        seed: fixes what Random draws.

    Raises:
        TypeError: the model lacks `decode_mean` or `latent_dim`, or the pixels are whole numbers.
        ValueError: the images are none, or the model decodes nothing that can be shown.
    """

    def __init__(self, model: Any, images: Any = None, *, seed: int = 0) -> None:
        _check(model, images)
        self.model, self.images = model, images
        self.order, self.kl = _order(model, images)
        self._generator = torch.Generator().manual_seed(whole_number(seed, "seed"))
        self._z = torch.zeros(model.latent_dim)
        self.caption = text()
        buttons = [
            ("Random", "Drawing from the prior", self.randomise),
            ("Reset", "Going to the centre", self.reset),
            ("Encode this digit", "Encoding", lambda: self.encode(self.chooser.value)),
        ]
        super().__init__({}, name="vae-explorer", width=None, buttons=buttons)

    @property
    def sliders(self) -> dict[int, widgets.FloatSlider]:
        """The sliders that are shown, by their dimension."""
        return self.controls

    @property
    def z(self) -> tuple[float, ...]:
        """The code that is shown."""
        return tuple(self._z.tolist())

    def go_to(self, z: Sequence[float] | Tensor) -> None:
        """Show what the decoder makes of a code `[D]`."""
        code = torch.as_tensor(z, dtype=torch.float32)
        if code.shape != self._z.shape:
            raise ValueError(f"z has shape {list(code.shape)}: this model's codes are [{len(self._z)}].")
        self._go(code, "Decoded from")

    def reset(self) -> None:
        """Show the centre of the prior."""
        self._go(torch.zeros_like(self._z), "The centre of the prior,")

    def randomise(self) -> None:
        """Show a draw from the prior N(0, I)."""
        self._go(torch.randn(len(self._z), generator=self._generator), "A draw from the prior,")

    def encode(self, index: int) -> None:
        """Show one of the images beside its reconstruction from the mean of its posterior."""
        if self._reason:
            raise ValueError(self._reason)
        if not 0 <= index < len(self.images):
            raise ValueError(f"index is {index}: choose an image from 0 to {len(self.images) - 1}.")
        self.chooser.value = index
        mu, _ = in_evaluation(self.model.encode, _pixels(self.images)[index : index + 1])
        self._go(mu[0].float().cpu(), f"The posterior mean of {_name(self.images, index)},", caption="Reconstruction")

    def show_more(self) -> None:
        """Show the sliders of the next few dimensions."""
        for d in self.order[len(self.sliders) :][:AT_FIRST]:
            label = f"z[{d}]" if self.kl is None else f"z[{d}], {self.kl[d]:.2f} nats"
            self.add(d, slider(label, -REACH, REACH))
        self.place(self._shown())
        self._column.children = tuple(self.sliders.values())
        hidden = len(self.order) - len(self.sliders)
        self.more.description = f"Show {min(AT_FIRST, hidden)} more of {len(self.order)} dimensions"
        self.more.layout.display = "" if hidden else "none"

    def static(self) -> AltFigure:
        """A picture of what the sliders do, for a page on which they can't move."""
        return walks(self.model.decode_mean, self._z, dims=self.order[:AT_FIRST])

    def parts(self) -> list[widgets.Widget]:
        """On the left the pictures, the buttons and the sentence, on the right the sliders."""
        left = named(widgets.VBox([self._cards(), *self._controls(), self.status]), "vae-left")
        # A fixed width, or the sliders would shift with every change of the text.
        left.layout.width = "300px" if self.images is None else "408px"
        stage = named(widgets.HBox([left, self._sliders()]), "vae-stage")
        self.show_more()
        return [stage, text(self._reason)]

    def reach(self, key: int, value: float) -> tuple[float, float]:
        """A slider grows to both sides where z lies beyond it."""
        reach = max(REACH, math.ceil(abs(value)))
        return -reach, reach

    def doing(self, key: int) -> str:
        """Decoding, with the code."""
        z = self._z.clone()
        z[key] = self.values[key]
        return f"Decoding {_in_words(z, self.order).rstrip('.')}"

    def moved(self, key: int) -> None:
        """One entry of z is another."""
        self._z[key], self.remark, self.heading = self.values[key], "Decoded from", "Decoded"

    def redraw(self) -> None:
        """The decoded picture, and the code in words."""
        self.picture.value = render(self.model.decode_mean, self._z)
        self.caption.value = self.heading
        self.status.value = f"{self.remark} {_in_words(self._z, self.order)}"

    def _cards(self) -> widgets.HBox:
        """The decoded picture and, where there are images, one of them beside it."""
        cards = [card(self.caption, self.picture)]
        if self.images is not None:
            self.original_caption, self.original = text(), widgets.Image(format="png")
            cards.insert(0, card(self.original_caption, self.original))
            self._choose(0)
        return named(widgets.HBox(cards), "vae-cards")

    def _sliders(self) -> widgets.VBox:
        """A column for the sliders, which `show_more` fills."""
        self.more = self.button("", "Showing more dimensions", self.show_more)
        self._column = widgets.VBox()
        ordered = "" if self.kl is None else " Largest KL to the prior first."
        hint = text(f"Drag a slider, or focus it and press the arrow keys.{ordered}")
        return named(widgets.VBox([hint, self._column, self.more]), "vae-sliders")

    def _controls(self) -> list[widgets.HBox]:
        """Random and Reset, and below them the choice of an image to encode."""
        random, reset, encode = self.buttons.values()
        if self._reason:
            encode.disabled = True
            return [button_row(random, reset), encode]
        self.chooser = widgets.BoundedIntText(
            0, min=0, max=len(self.images) - 1, description="Image", style={"description_width": "initial"}
        )
        self.chooser.layout.width = "130px"
        self.chooser.observe(
            self.error.guarded("Showing this image", lambda: self._choose(self.chooser.value)), "value"
        )
        return [button_row(random, reset), button_row(self.chooser, encode)]

    @property
    def _reason(self) -> str:
        """Why there is nothing to encode, empty if there is."""
        if not hasattr(self.model, "encode"):
            return "This model has no encoder."
        if self.images is None:
            return "To encode a digit, give images too: LatentExplorer(model, images)."
        return ""

    def _choose(self, index: int) -> None:
        """Show one of the images as it is; what was decoded before is no reconstruction of it."""
        self.caption.value = "Decoded"
        self.original.value = to_png(_pixels(self.images)[index])
        self.original_caption.value = _name(self.images, index).capitalize()

    def _go(self, z: Tensor, words: str, *, caption: str = "Decoded") -> None:
        self._z, self.remark, self.heading = z.clone(), words, caption
        self.place(self._shown())
        self.redraw()

    def _shown(self) -> dict[int, float]:
        """The entries of z that have a slider."""
        return {d: float(self._z[d]) for d in self.sliders}


def _in_words(z: Tensor, order: list[int]) -> str:
    """The code as text, or, of a long one, its first few entries in the order of the sliders."""
    rounded = [round(value, 2) + 0.0 for value in z.tolist()]  # + 0.0 turns -0.00 into 0.00
    if len(rounded) <= AT_FIRST:
        return f"z = ({', '.join(f'{value:.2f}' for value in rounded)})."
    first = ", ".join(f"z[{d}] = {rounded[d]:.2f}" for d in order[:4])
    return f"{first} and {len(rounded) - 4} more."


def by_kl(kl: Tensor) -> list[int]:
    """The dimensions of a mean KL `[D]`, largest first."""
    return torch.argsort(kl, descending=True, stable=True).tolist()


def _order(model: Any, images: Any) -> tuple[list[int], Tensor | None]:
    """The dimensions, largest KL first, and their KL; in their own order where it can't be measured."""
    if images is None or not (hasattr(model, "posterior") and hasattr(model, "prior")):
        return list(range(model.latent_dim)), None
    kl = kl_per_dim(model, images[:KL_SAMPLE])
    return by_kl(kl), kl


def _pixels(images: Any) -> Tensor:
    """The tensor of `Images`, or the tensor itself."""
    return getattr(images, "x", images)


def _name(images: Any, index: int) -> str:
    """An image in words, with its class where that is known."""
    classes = getattr(images, "y", None)
    if classes is None:
        return f"image {index}"
    digit = int(classes[index])
    return f"image {index}, {'an' if digit == 8 else 'a'} {digit}"


def _check(model: Any, images: Any) -> None:
    for name in ("decode_mean", "latent_dim"):
        if not hasattr(model, name):
            raise TypeError(f"The model, a {type(model).__name__}, has no {name}: give a VAE, or an object with both.")
    if images is not None and len(images) == 0:
        raise ValueError("images is empty: give at least one image, or leave it out.")
