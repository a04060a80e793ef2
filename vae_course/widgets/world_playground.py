"""Move x, and the noise, in the world of two hills: prior times likelihood is the joint, its area p(x), the rest Bayes."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import ipywidgets as widgets
import torch
from torch import Tensor

from vae_course.exact import GridWorld
from vae_course.plotting.figure import AltFigure
from vae_course.plotting.worlds import hills, slices
from vae_course.support.threads import one_thread
from vae_course.widgets.errors import ErrorBox
from vae_course.widgets.parts import HOW_TO_MOVE, button_row, slider, stage, text
from vae_course.widgets.pictures import png
from vae_course.widgets.shell import Shell

XS, SIGMAS, STEP = (-2.0, 8.0), (0.2, 2.0), 0.05
START = (0.0, 0.7)
SHOWN = 4.0  # the picture shows codes up to here on both sides
HALF_WIDTH, N_POINTS = 8.0, 3201  # a step of 0.005, fine enough for the narrowest posterior


@dataclass(frozen=True)
class Slice:
    """One x of the world and what is known about it over the grid: every curve is `[G]`, in float64.

    Args:
        x: what is observed.
        sigma: standard deviation of the noise.
        z: places on an even grid.
        prior: p(z).
        likelihood: p(x | z) of this x, as a function of z.
        joint: p(x, z).
        posterior: p(z | x).
        p_x: p(x), the area under the joint.
        hills: the places of the posterior's maxima.
    """

    x: float
    sigma: float
    z: Tensor
    prior: Tensor
    likelihood: Tensor
    joint: Tensor
    posterior: Tensor
    p_x: float
    hills: tuple[float, ...]


def two_hills(z: Tensor) -> Tensor:
    """The decoder of the world of two hills, f(z) = z^2 + z / 2, from `[...]` to means `[..., 1]`."""
    return (z.square() + z / 2).unsqueeze(-1)


@one_thread()
def compute(x: float, sigma: float, f: Callable[[Tensor], Tensor] = two_hills) -> Slice:
    """Prior, likelihood, joint and posterior over a grid, and p(x), for one x.

    p(z | x) = p(z) p(x | z) / p(x), with p(x) the integral of the joint by quadrature.

    Raises:
        ValueError: x is not finite, or sigma is not a finite number above zero.
    """
    if not math.isfinite(x):
        raise ValueError(f"x is {x}: give a finite number.")
    world = GridWorld(f, sigma, half_width=HALF_WIDTH, n_points=N_POINTS)
    seen, z = torch.tensor([[x]], dtype=torch.float64), world.grid
    log_prior, log_joint = world.prior().log_prob(z.unsqueeze(-1)), world.log_joint(seen)[0]
    posterior = world.posterior_density(seen)[0]
    curves = (log_prior.exp(), (log_joint - log_prior).exp(), log_joint.exp(), posterior)
    return Slice(x, sigma, z, *curves, world.log_marginal(seen).exp().item(), tuple(hills(z, posterior)))


def render(value: Slice) -> AltFigure:
    """The picture of one x: prior and likelihood, joint with its area, posterior, over the same z."""
    near = value.z.abs() <= SHOWN
    curves = (curve[near] for curve in (value.z, value.prior, value.likelihood, value.joint))
    return slices(*curves, p_x=value.p_x, title=f"x = {value.x:.2f}, sigma = {value.sigma:.2f}")


def in_words(value: Slice) -> str:
    """The numbers of one x as a sentence."""
    places = " and ".join(f"{place:.2f}" for place in value.hills)
    noun = "one hill" if len(value.hills) == 1 else f"{len(value.hills)} hills"
    return f"p(x) = {value.p_x:.4f}. The posterior has {noun}, at z = {places}."


class WorldPlayground(Shell):
    """Sliders for x and for the noise of a one-dimensional world, and Bayes' rule drawn over its codes.

    Drag a slider, or focus it and press the arrow keys. Reset goes back to the start. Both are methods too.

    Args:
        f: the decoder, from codes `[...]` to means `[..., 1]`; that of the two hills when left out.
    """

    def __init__(self, f: Callable[[Tensor], Tensor] = two_hills) -> None:
        self.f = f
        self.status, self.error = text("", "vae-status"), ErrorBox()
        self.x, self.sigma = (
            slider("observed x", reach=XS[1], step=STEP),
            slider("noise sigma", reach=SIGMAS[1], step=STEP),
        )
        for control, (low, high), start in ((self.x, XS, START[0]), (self.sigma, SIGMAS, START[1])):
            control.value = start
            control.min, control.max = low, high
        self.reset_button = widgets.Button(description="Reset")
        self.picture = widgets.Image(
            format="png", layout=widgets.Layout(width="470px", max_width="100%", flex="0 0 auto")
        )
        super().__init__([self._stage(), self.status, self.error], name="vae-world")
        self._following = False
        for control in (self.x, self.sigma):
            control.observe(self._moved, "value")
        self.reset_button.on_click(self.error.guarded("The reset", self.reset))
        self._redraw()

    @property
    def value(self) -> Slice:
        """What is shown."""
        return compute(self.x.value, self.sigma.value, self.f)

    def go_to(self, x: float, sigma: float) -> None:
        """Show this x, seen through noise of this sigma.

        Raises:
            ValueError: it lies beyond the sliders.
        """
        for name, number, (low, high) in (("x", x, XS), ("sigma", sigma, SIGMAS)):
            if not low <= number <= high:
                raise ValueError(f"{name} is {number}: this playground goes from {low:g} to {high:g}.")
        self._following = True
        try:
            self.x.value, self.sigma.value = x, sigma
        finally:
            self._following = False
        self._redraw()

    def reset(self) -> None:
        """Show the x and the noise of the start."""
        self.go_to(*START)

    def static(self) -> AltFigure:
        """The start, for a page on which nothing can be moved."""
        return render(compute(*START, self.f))

    def stand_in(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """The static picture with its text alternative."""
        return self.static()._repr_mimebundle_()

    def _stage(self) -> widgets.HBox:
        """The picture and, beside or below it, the sliders and the button."""
        return stage(self.picture, text(HOW_TO_MOVE), self.x, self.sigma, button_row(self.reset_button))

    def _moved(self, _: Any) -> None:
        """A slider was moved by hand."""
        if not self._following:
            with self.error.guard("Drawing"):
                self._redraw()

    def _redraw(self) -> None:
        value = self.value
        self.picture.value = png(render(value))
        self.status.value = f'<span role="status">{in_words(value)}</span>'
