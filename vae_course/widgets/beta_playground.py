"""One beta after the other: where its trained model lies between rate and distortion, what it copies and what it dreams."""

from collections.abc import Mapping
from typing import Any

import ipywidgets as widgets
import torch
from torch import Tensor

from vae_course.evaluation import Evaluation, active_units, evaluate
from vae_course.plotting.figure import AltFigure, describe
from vae_course.plotting.images import rows
from vae_course.plotting.rates import rate_distortion
from vae_course.widgets.pictures import mosaic, to_png
from vae_course.widgets.playground import Playground, choice, screen
from vae_course.widgets.shell import card, named, text

SHOWN = 12  # images that are reconstructed, and as many samples


def curve(results: Mapping[float, Evaluation], beta: float) -> AltFigure:
    """All models, each given as its evaluation under its beta, between rate and distortion, with one picked out."""
    rates, distortions = ([getattr(result, part) for result in results.values()] for part in ("rate", "distortion"))
    return rate_distortion(rates, distortions, list(results), chosen=beta)


class BetaPlayground(Playground):
    """A slider over trained models, from a cheap code to an expensive one.

    Drag the slider, or focus it and press the arrow keys. `go` does the same from code.

    Args:
        models: trained models by their beta, two or more, with `reconstruct(x)` and `decode_mean(z)`.
        images: what to measure and to reconstruct, pixels as the models were trained on.

    Raises:
        ValueError: there are fewer than two models, or too few images.
    """

    def __init__(self, models: Mapping[float, Any], images: Any) -> None:
        if len(models) < 2 or len(images) < SHOWN:
            raise ValueError(f"There are {len(models)} models and {len(images)} images: give 2 and {SHOWN} or more.")
        self.models, self.x = dict(models), getattr(images, "x", images)[:SHOWN]
        self.results = {beta: evaluate(models[beta], images) for beta in sorted(models)}
        self.active = {beta: active_units(models[beta], images) for beta in models}
        self.copies, self.samples = screen(), screen()
        slider = choice("beta", self.results, start=min(self.results, key=lambda beta: abs(beta - 1)))
        slider.layout, slider.style = {"width": "420px", "max_width": "100%"}, {}
        super().__init__({"beta": slider}, name="vae-beta")

    def parts(self) -> list[widgets.Widget]:
        """The curve, and below it originals, copies and samples."""
        original = screen()
        original.value = to_png(mosaic(self.x))
        pictures = {"Originals": original, "Copies": self.copies, "Samples": self.samples}
        for picture in pictures.values():
            picture.layout.width = "260px"
        cards = named(widgets.HBox([card(text(title), picture) for title, picture in pictures.items()]), "vae-stage")
        return [text(self.how), self.controls["beta"], self.status, self.picture, cards]

    def compute(self, beta: float) -> float:
        """The beta, under which everything was measured beforehand."""
        return beta

    def draw(self, value: float) -> AltFigure:
        """The curve with this model picked out."""
        return curve(self.results, value)

    def in_words(self, value: float) -> str:
        """The numbers of this model."""
        result = self.results[value]
        return (
            f"beta {value:g}: rate {result.rate:.1f}, distortion {result.distortion:.1f}, ELBO {result.elbo:.1f} nats,"
            f" {self.active[value]} active units."
        )

    def static(self) -> AltFigure:
        """The curve with the model that is shown."""
        return self.draw(self.value)

    def stills(self) -> list[AltFigure]:
        """The curve, and below it originals, copies and samples."""
        copies, samples = self._made()
        pictures = rows({"originals": self.x, "copies": copies, "samples": samples})
        return [*super().stills(), describe(pictures, f"Copies and samples are those of beta {self.value:g}.")]

    def redraw(self) -> None:
        """The curve, and what the model copies and dreams."""
        super().redraw()
        copies, samples = self._made()
        self.copies.value, self.samples.value = to_png(mosaic(copies)), to_png(mosaic(samples))

    def _made(self) -> tuple[Tensor, Tensor]:
        """What the model that is shown makes of the images, and of draws from the prior."""
        model = self.models[self.value]
        z = torch.randn(SHOWN, model.latent_dim, generator=torch.Generator().manual_seed(0))
        with torch.no_grad():
            return model.reconstruct(self.x), model.decode_mean(z)
