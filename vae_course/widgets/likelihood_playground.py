"""What each likelihood charges for a pixel, and where the sums and means of a loss put its beta."""

from dataclasses import asdict
from typing import Any

import ipywidgets as widgets
import torch

from vae_course.plotting.figure import AltFigure
from vae_course.plotting.likelihoods import beta_axis, charges, shown
from vae_course.studies.likelihood_costs import LIKELIHOODS, PUBLISHED, REDUCTIONS, UNITS, Loss, beta_of, charge
from vae_course.support.threads import one_thread
from vae_course.widgets.pictures import png
from vae_course.widgets.playground import HOW_TO_MOVE, Playground, screen, slider, stage
from vae_course.widgets.shell import text

SIGMAS = (0.05, 1.0)
START = (0.5, 0.25)  # pixel and sigma
YOURS = "yours"
MENUS = {"reconstruction": REDUCTIONS, "kl": REDUCTIONS, "unit": UNITS}
LABELS = {"reconstruction": "error over pixels", "kl": "KL over latents", "weight": "weight of the KL"}


@one_thread()
def price_picture(pixel: float, sigma: float) -> AltFigure:
    """The price of one pixel over the decoder's output, for each likelihood."""
    outputs = torch.linspace(0.0025, 0.9975, 400, dtype=torch.float64)
    curves = {name: charge(name, pixel, outputs, sigma) for name in LIKELIHOODS}
    return charges(outputs, curves, pixel=pixel)


def beta_picture(loss: Loss, sigma: float) -> AltFigure:
    """The beta of one loss below those of the published ones."""
    betas = {name: beta_of(known, sigma) for name, known in PUBLISHED.items()}
    return beta_axis(betas | {YOURS: beta_of(loss, sigma)}, highlight=YOURS)


def price_in_words(pixel: float, sigma: float) -> str:
    """What each likelihood charges where the decoder says exactly what the pixel is."""
    output = torch.tensor(min(max(pixel, 0.0025), 0.9975), dtype=torch.float64)
    told = (f"{name} {charge(name, pixel, output, sigma).item():.2f}" for name in LIKELIHOODS)
    return f"A pixel of {pixel:.2f}, and a decoder that says {output.item():.2f}: {', '.join(told)} nats."


def beta_in_words(loss: Loss, sigma: float) -> str:
    """The beta of a loss, and for a squared error the sigma that says the same."""
    beta = beta_of(loss, sigma)
    words = f"Effective beta {shown(beta)}."
    if loss.unit != UNITS[0]:
        variance = beta * (sigma**2 if loss.unit == UNITS[2] else 0.5)
        words += f" The same loss is an honest ELBO with sigma^2 = {shown(variance)}."
    return words


class LikelihoodPlayground(Playground):
    """Above, the price of a pixel under three likelihoods; below, the effective beta of a loss put together by hand.

    Drag a slider, or focus it and press the arrow keys; Tab reaches everything. `go` and `choose` do the same from code.
    """

    def __init__(self) -> None:
        style = {"style": {"description_width": "130px"}, "layout": {"width": "100%"}}
        self.fields: dict[str, Any] = {}
        for name, value in asdict(PUBLISHED["the ELBO"]).items():
            options = {"description": LABELS.get(name, name), "value": value, **style}
            if name in MENUS:
                self.fields[name] = widgets.Dropdown(options=MENUS[name], **options)
            else:
                self.fields[name] = (widgets.FloatText if isinstance(value, float) else widgets.IntText)(**options)
        self.known = widgets.Dropdown(options=list(PUBLISHED), description="start from", **style)
        self.beta, self.beta_status = screen(700), text("", "vae-status")
        self._drawn: tuple[float, float] | None = None
        controls = {
            "pixel": slider("pixel", 0.0, 1.0, start=START[0]),
            "sigma": slider("sigma", *SIGMAS, start=START[1]),
        }
        super().__init__(controls | self.fields, name="vae-likelihood")
        self.known.observe(self.error.guarded("Working out beta", lambda: self.choose(self.known.value)), "value")

    @property
    def loss(self) -> Loss:
        """The loss that the controls describe."""
        return Loss(**{name: self.values[name] for name in self.fields})

    def parts(self) -> list[widgets.Widget]:
        """The prices with their sliders, and below them the axis of the betas with what a loss is put together from."""
        return [
            text("<b>What does an error cost?</b>"),
            stage(self.picture, text(HOW_TO_MOVE), self.controls["pixel"], self.controls["sigma"]),
            self.status,
            text("<b>Mean or sum: where is beta?</b>"),
            stage(self.beta, self.known, *self.fields.values()),
            self.beta_status,
        ]

    def choose(self, name: str) -> None:
        """Put the controls to a published loss.

        Raises:
            ValueError: there is none with this name.
        """
        if name not in PUBLISHED:
            raise ValueError(f"There is no loss {name!r}: choose one of {', '.join(PUBLISHED)}.")
        self.go(**asdict(PUBLISHED[name]))

    def static(self) -> AltFigure:
        """The prices of a grey pixel, for a page on which nothing can be moved."""
        return price_picture(*START)

    def redraw(self) -> None:
        """The prices where they have changed, and the betas."""
        place, loss = (self.values["pixel"], self.values["sigma"]), self.loss
        if place != self._drawn:
            self.picture.value = png(price_picture(*place))
            self.say(price_in_words(*place))
            self._drawn = place
        self.beta.value = png(beta_picture(loss, place[1]))
        self.beta_status.value = f'<span role="status">{beta_in_words(loss, place[1])}</span>'
