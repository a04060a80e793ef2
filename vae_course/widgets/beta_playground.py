"""One beta after the other: where its trained model lies between rate and distortion, what it copies and what it dreams."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import ipywidgets as widgets
import torch
from torch import Tensor

from vae_course.evaluation import active_units, evaluate
from vae_course.plotting.figure import AltFigure
from vae_course.plotting.rates import rate_distortion
from vae_course.support.threads import one_thread
from vae_course.widgets.errors import ErrorBox
from vae_course.widgets.parts import HOW_TO_MOVE, card, named, text
from vae_course.widgets.pictures import png, to_png
from vae_course.widgets.shell import Shell

SHOWN = 12  # images that are reconstructed, and as many samples
COLUMNS = 6


@dataclass(frozen=True)
class Measured:
    """Several models, in the order of their betas, and what was measured of each; nats are means per image."""

    betas: tuple[float, ...]
    rates: tuple[float, ...]
    distortions: tuple[float, ...]
    active: tuple[int, ...]


def measure(models: Mapping[float, Any], images: Any) -> Measured:
    """Rate, distortion and active units of each model on these images."""
    betas = tuple(sorted(models))
    results = [evaluate(models[beta], images) for beta in betas]
    active = tuple(active_units(models[beta], images) for beta in betas)
    return Measured(betas, tuple(r.rate for r in results), tuple(r.distortion for r in results), active)


@one_thread()
def curve(measured: Measured, beta: float) -> AltFigure:
    """All models between rate and distortion, with one picked out."""
    fig = rate_distortion(measured.rates, measured.distortions, measured.betas, chosen=beta)
    assert isinstance(fig, AltFigure)
    return fig


def in_words(measured: Measured, beta: float) -> str:
    """The numbers of one model."""
    i = measured.betas.index(beta)
    rate, distortion = measured.rates[i], measured.distortions[i]
    return (
        f"beta {beta:g}: rate {rate:.1f}, distortion {distortion:.1f}, ELBO {-rate - distortion:.1f} nats,"
        f" {measured.active[i]} active units."
    )


def mosaic(x: Tensor, *, ncols: int = COLUMNS) -> Tensor:
    """Images `[N, 1, H, W]` as one picture `[1, ...]`, `ncols` to a row, blank where a row is not full."""
    blank = x.new_zeros(-len(x) % ncols, *x.shape[1:])
    rows = torch.cat([x, blank]).split(ncols)
    return torch.cat([torch.cat(tuple(row), -1) for row in rows], -2)


class BetaPlayground(Shell):
    """A slider over trained models, from a cheap code to a dear one.

    Drag the slider, or focus it and press the arrow keys. `go_to` does the same from code.

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
        self.measured, self.error, self.status = measure(models, images), ErrorBox(), text("", "vae-status")
        self.curve = widgets.Image(format="png", layout=widgets.Layout(width="700px", max_width="100%"))
        self.copies, self.samples = (widgets.Image(format="png") for _ in range(2))
        original = widgets.Image(format="png", value=to_png(mosaic(self.x)))
        for picture in (original, self.copies, self.samples):
            picture.layout.width = "260px"
        betas = self.measured.betas
        self.slider = widgets.SelectionSlider(
            options=[(f"{beta:g}", beta) for beta in betas],
            value=min(betas, key=lambda beta: abs(beta - 1)),
            description="beta",
            continuous_update=True,
            layout=widgets.Layout(width="420px", max_width="100%"),
        )
        self.slider.observe(self._moved, "value")
        cards = [
            card(text(title), picture)
            for title, picture in (("Originals", original), ("Copies", self.copies), ("Samples", self.samples))
        ]
        pictures = named(widgets.HBox(cards), "vae-stage")
        super().__init__(
            [text(HOW_TO_MOVE), self.slider, self.status, self.curve, pictures, self.error], name="vae-beta"
        )
        self._redraw()

    def go_to(self, beta: float) -> None:
        """Show the model of this beta.

        Raises:
            ValueError: there is none.
        """
        if beta not in self.models:
            raise ValueError(
                f"beta is {beta}: there are models for {', '.join(f'{b:g}' for b in self.measured.betas)}."
            )
        self.slider.value = beta

    def stand_in(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """The curve with its text alternative, for a page on which nothing can be moved."""
        return curve(self.measured, self.slider.value)._repr_mimebundle_()

    def _moved(self, _: Any) -> None:
        with self.error.guard("Showing this model"):
            self._redraw()

    def _redraw(self) -> None:
        beta = self.slider.value
        model = self.models[beta]
        with torch.no_grad():
            z = torch.randn(SHOWN, model.latent_dim, generator=torch.Generator().manual_seed(0))
            copies, samples = model.reconstruct(self.x), model.decode_mean(z)
        self.curve.value = png(curve(self.measured, beta))
        self.copies.value, self.samples.value = to_png(mosaic(copies)), to_png(mosaic(samples))
        self.status.value = f'<span role="status">{in_words(self.measured, beta)}</span>'
