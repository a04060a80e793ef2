"""What each likelihood charges for a pixel, and where the sums and means of a loss put its beta."""

from typing import Any

import ipywidgets as widgets
import torch

from vae_course.plotting.figure import AltFigure
from vae_course.plotting.likelihoods import beta_axis, charges, shown
from vae_course.support.threads import one_thread
from vae_course.widgets.errors import ErrorBox
from vae_course.widgets.likelihood_costs import LIKELIHOODS, PUBLISHED, REDUCTIONS, UNITS, Loss, beta_of, charge
from vae_course.widgets.parts import HOW_TO_MOVE, slider, stage, text
from vae_course.widgets.pictures import png
from vae_course.widgets.shell import Shell

STEP = 0.05  # of both sliders
SIGMAS = (0.05, 1.0)
START = (0.5, 0.25)  # pixel and sigma
YOURS = "yours"
FIELDS = ("reconstruction", "kl", "weight", "pixels", "latents", "batch", "unit")


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


class LikelihoodPlayground(Shell):
    """Above, the price of a pixel under three likelihoods; below, the effective beta of a loss put together by hand.

    Drag a slider, or focus it and press the arrow keys; Tab reaches everything. `go_to` and `choose` do the same from code.
    """

    def __init__(self) -> None:
        self.error, self._following = ErrorBox(), False
        self.price_status, self.beta_status = text("", "vae-status"), text("", "vae-status")
        self.price, self.beta = (
            widgets.Image(format="png", layout=widgets.Layout(width="700px", max_width="100%")) for _ in range(2)
        )
        parts = [
            text("<b>What does an error cost?</b>"),
            self._price_stage(),
            self.price_status,
            text("<b>Mean or sum: where is beta?</b>"),
            self._beta_stage(),
            self.beta_status,
            self.error,
        ]
        super().__init__(parts, name="vae-likelihood")
        self._redraw_price()
        self._redraw_beta()

    @property
    def loss(self) -> Loss:
        """The loss that the controls describe."""
        return Loss(**{name: self.controls[name].value for name in FIELDS})

    def go_to(self, pixel: float, sigma: float) -> None:
        """Show the prices of this pixel with this sigma.

        Raises:
            ValueError: one of them lies beyond its slider.
        """
        for name, value, (low, high) in (("pixel", pixel, (0.0, 1.0)), ("sigma", sigma, SIGMAS)):
            if not low <= value <= high:
                raise ValueError(f"{name} is {value}: this playground goes from {low:g} to {high:g}.")
        self.pixel.value, self.sigma.value = pixel, sigma

    def choose(self, name: str) -> None:
        """Put the controls to a published loss.

        Raises:
            ValueError: there is none with this name.
        """
        if name not in PUBLISHED:
            raise ValueError(f"There is no loss {name!r}: choose one of {', '.join(PUBLISHED)}.")
        self._following = True
        try:
            for field in FIELDS:
                self.controls[field].value = getattr(PUBLISHED[name], field)
        finally:
            self._following = False
        self._redraw_beta()

    def stand_in(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """The prices of a grey pixel with their text alternative, for a page on which nothing can be moved."""
        return price_picture(*START)._repr_mimebundle_()

    def _price_stage(self) -> widgets.HBox:
        """The prices, and the sliders beside or below them."""
        self.pixel, self.sigma = slider("pixel", reach=1.0, step=STEP), slider("sigma", reach=SIGMAS[1], step=STEP)
        self.pixel.min, self.sigma.min = 0.0, SIGMAS[0]
        self.pixel.value, self.sigma.value = START
        for control in (self.pixel, self.sigma):
            control.observe(self._price_moved, "value")
        return stage(self.price, text(HOW_TO_MOVE), self.pixel, self.sigma)

    def _beta_stage(self) -> widgets.HBox:
        """The axis of the betas, and what a loss is put together from."""
        style, start = {"style": {"description_width": "130px"}, "layout": {"width": "100%"}}, PUBLISHED["the ELBO"]
        make = {
            "weight": widgets.FloatText,
            "pixels": widgets.IntText,
            "latents": widgets.IntText,
            "batch": widgets.IntText,
        }
        choices = {"reconstruction": REDUCTIONS, "kl": REDUCTIONS, "unit": UNITS}
        labels = {"reconstruction": "error over pixels", "kl": "KL over latents", "weight": "weight of the KL"}
        self.controls: dict[str, Any] = {}
        for name in FIELDS:
            options = {"description": labels.get(name, name), "value": getattr(start, name), **style}
            if name in choices:
                self.controls[name] = widgets.Dropdown(options=choices[name], **options)
            else:
                self.controls[name] = make[name](**options)
            self.controls[name].observe(self._beta_moved, "value")
        self.known = widgets.Dropdown(options=list(PUBLISHED), description="start from", **style)
        self.known.observe(self._known_chosen, "value")
        return stage(self.beta, self.known, *self.controls.values())

    def _price_moved(self, _: Any) -> None:
        with self.error.guard("Drawing the prices"):
            self._redraw_price()
            self._redraw_beta()

    def _beta_moved(self, _: Any) -> None:
        if not self._following:
            with self.error.guard("Working out beta"):
                self._redraw_beta()

    def _known_chosen(self, change: Any) -> None:
        with self.error.guard("Working out beta"):
            self.choose(change["new"])

    def _redraw_price(self) -> None:
        place = self.pixel.value, self.sigma.value
        self.price.value = png(price_picture(*place))
        self.price_status.value = f'<span role="status">{price_in_words(*place)}</span>'

    def _redraw_beta(self) -> None:
        loss, sigma = self.loss, self.sigma.value
        self.beta.value = png(beta_picture(loss, sigma))
        self.beta_status.value = f'<span role="status">{beta_in_words(loss, sigma)}</span>'
