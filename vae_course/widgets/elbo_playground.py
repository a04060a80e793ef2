"""Move q over the true posterior: log p(x) stays, and the bound and the gap below it trade places."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import ipywidgets as widgets
import torch
from torch import Tensor
from torch.distributions import Normal

from vae_course.exact import GridWorld
from vae_course.plotting.elbo import bound
from vae_course.plotting.figure import AltFigure
from vae_course.support.threads import one_thread
from vae_course.widgets.errors import ErrorBox
from vae_course.widgets.parts import HOW_TO_MOVE, button_row, slider, stage, text
from vae_course.widgets.pictures import png
from vae_course.widgets.shell import Shell

STEP = 0.05  # of both sliders
MEANS, LOG_VARIANCES = (-3.0, 3.0), (-5.0, 1.0)
START = (0.0, 0.0)  # q is the prior
COARSE = 13  # places on each axis where the search for the optimum looks first
MOST_STEPS, SMALLEST_MOVE = 400, 1e-4  # when a climb ends
SHOWN = 4.0  # the picture shows codes up to here on both sides


@dataclass(frozen=True)
class Bound:
    """One q = N(mu, exp(logvar)) and what it gives, in nats: elbo + gap = log p(x)."""

    mu: float
    logvar: float
    log_px: float
    elbo: float
    gap: float


def bimodal_world() -> tuple[GridWorld, Tensor]:
    """x = z^2 + z / 2 + noise, seen at x = 2, which two regions of z explain; the grid holds even the widest q."""
    world = GridWorld(lambda z: (z.square() + z / 2).unsqueeze(-1), 0.7, half_width=20.0, n_points=2001)
    return world, torch.tensor([[2.0]], dtype=torch.float64)


@one_thread()
def compute(world: GridWorld, x: Tensor, mu: float, logvar: float) -> Bound:
    """The bound and the gap of one q for one x `[1, X]`, each by a quadrature of its own.

    Raises:
        ValueError: x is not one point.
    """
    _check(x)
    q = _column(mu), _column(logvar)
    values = world.log_marginal(x), world.elbo(x, *q), world.kl_to_posterior(x, *q)
    return Bound(mu, logvar, *(value.item() for value in values))


@one_thread()
def climb(world: GridWorld, x: Tensor, mu: float, logvar: float) -> Bound:
    """Where gradient ascent on the bound leads from one q, within the sliders: a hilltop, not always the highest.

    Each step goes straight uphill, and only as far as the bound rises by a fair share of what the slope promises.
    """
    low, high = torch.tensor([MEANS, LOG_VARIANCES], dtype=torch.float64).unbind(1)
    place, size = torch.tensor([mu, logvar], dtype=torch.float64), 0.1
    value, slope = _value_and_slope(world, x, place)
    for _ in range(MOST_STEPS):
        trial = (place + size * slope).clamp(low, high)
        move = trial - place
        if move.abs().max() < SMALLEST_MOVE:
            break
        trial_value, trial_slope = _value_and_slope(world, x, trial)
        if trial_value >= value + 0.3 * (slope @ move):
            place, value, slope, size = trial, trial_value, trial_slope, 1.5 * size
        else:
            size = 0.5 * size
    return compute(world, x, place[0].item(), place[1].item())


@one_thread()
def optimum(world: GridWorld, x: Tensor) -> Bound:
    """The best q that the sliders can reach: a climb from the best point of a coarse grid."""
    axes = (torch.linspace(*limits, COARSE, dtype=torch.float64) for limits in (MEANS, LOG_VARIANCES))
    starts = torch.cartesian_prod(*axes)
    best = starts[int(world.elbo(x, starts[:, :1], starts[:, 1:]).argmax())]
    return climb(world, x, best[0].item(), best[1].item())


@one_thread()
def picture(world: GridWorld, x: Tensor, qs: Mapping[str, tuple[float, float]]) -> AltFigure:
    """Each q, given as (mean, log variance) under its name, over the true posterior, with its bound and gap."""
    near = world.grid.abs() <= SHOWN
    z = world.grid[near]
    values = {name: compute(world, x, *q) for name, q in qs.items()}
    densities = {name: _density(z, *q) for name, q in qs.items()}
    log_px = world.log_marginal(x).item()
    posterior = world.posterior_density(x)[0, near]
    return bound(z, posterior, densities, log_px=log_px, elbos={name: v.elbo for name, v in values.items()})


def render(world: GridWorld, x: Tensor, mu: float, logvar: float) -> bytes:
    """The picture of one q as a PNG file, drawn fast rather than packed small."""
    return png(picture(world, x, {"q": (mu, logvar)}))


def in_words(value: Bound) -> str:
    """The numbers of one q as a sentence."""
    return (
        f"log p(x) = {value.log_px:.2f} nats, whatever q is. ELBO {value.elbo:.2f} + gap {value.gap:.2f} ="
        f" {value.elbo + value.gap:.2f}."
    )


class ELBOPlayground(Shell):
    """Sliders for the mean and the log variance of q, over the true posterior of a one-dimensional world.

    Drag a slider, or focus it and press the arrow keys. Climb goes uphill from where q is, Go to the optimum to the
    best q that the sliders reach, and Reset to the prior. The buttons' actions are methods too.

    Args:
        world: a one-dimensional world; one with a bimodal posterior when left out.
        x: one point of it, `[1, X]`; needed where a world is given.

    Raises:
        ValueError: a world is given without x or x without a world, or x is not one point.
    """

    def __init__(self, world: GridWorld | None = None, x: Tensor | None = None) -> None:
        if world is None and x is None:
            world, x = bimodal_world()
        if world is None or x is None:
            raise ValueError("Give a world together with one of its points, [1, X]: ELBOPlayground(world, x).")
        _check(x)
        self.world, self.x = world, x
        self.status, self.error = text("", "vae-status"), ErrorBox()
        self.mean = slider("mean of q", reach=MEANS[1], step=STEP)
        self.logvar = slider("log variance", reach=-LOG_VARIANCES[0], step=STEP)
        self.logvar.max = LOG_VARIANCES[1]
        self._place, self._following = START, False
        self.picture = widgets.Image(format="png", layout=widgets.Layout(width="700px", max_width="100%"))
        super().__init__([self._stage(), self.status, self.error], name="vae-elbo")
        self.reset()

    @property
    def value(self) -> Bound:
        """The q that is shown, with its bound and gap."""
        return compute(self.world, self.x, *self._place)

    def go_to(self, mu: float, logvar: float) -> None:
        """Show the q with this mean and log variance.

        Raises:
            ValueError: it lies beyond the sliders.
        """
        for name, number, (low, high) in (("mu", mu, MEANS), ("logvar", logvar, LOG_VARIANCES)):
            if not low <= number <= high:
                raise ValueError(f"{name} is {number}: this playground goes from {low:g} to {high:g}.")
        self._go(mu, logvar)

    def climb(self) -> None:
        """Go uphill on the bound from where q is."""
        top = climb(self.world, self.x, *self._place)
        self._go(top.mu, top.logvar, " No small step from here raises the bound.")

    def go_to_optimum(self) -> None:
        """Show the best q that the sliders reach."""
        best = optimum(self.world, self.x)
        self._go(best.mu, best.logvar, " This is the best Gaussian that the sliders reach.")

    def reset(self) -> None:
        """Show the prior as q."""
        self._go(*START, " Here q is the prior.")

    def static(self) -> AltFigure:
        """The prior and the best q side by side, for a page on which nothing can be moved."""
        best = optimum(self.world, self.x)
        return picture(self.world, self.x, {"prior": START, "best": (best.mu, best.logvar)})

    def stand_in(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """The static picture with its text alternative."""
        return self.static()._repr_mimebundle_()

    def _stage(self) -> widgets.HBox:
        """The picture and, beside or below it, the sliders and the buttons."""
        self.climb_button, self.optimum_button, self.reset_button = (
            widgets.Button(description=label) for label in ("Climb", "Go to the optimum", "Reset")
        )
        self.climb_button.on_click(self.error.guarded("The climb", self.climb))
        self.optimum_button.on_click(self.error.guarded("The search", self.go_to_optimum))
        self.reset_button.on_click(self.error.guarded("The reset", self.reset))
        for shown in (self.mean, self.logvar):
            shown.observe(self._moved, "value")
        buttons = button_row(self.climb_button, self.optimum_button, self.reset_button)
        return stage(self.picture, text(HOW_TO_MOVE), self.mean, self.logvar, buttons)

    def _moved(self, _: Any) -> None:
        """A slider was moved by hand.

        A browser rounds the place that a button chose to a whole step and reports that as a move; it is none.
        """
        shown = (self.mean.value, self.logvar.value)
        if not self._following and any(abs(a - b) > 0.51 * STEP for a, b in zip(shown, self._place, strict=True)):
            self._place = shown
            with self.error.guard("Drawing"):
                self._redraw()

    def _go(self, mu: float, logvar: float, remark: str = "") -> None:
        """Put q and both sliders in place before anything is drawn."""
        self._place, self._following = (mu, logvar), True
        try:
            self.mean.value, self.logvar.value = mu, logvar
        finally:
            self._following = False
        self._redraw(remark)

    def _redraw(self, remark: str = "") -> None:
        self.picture.value = render(self.world, self.x, *self._place)
        self.status.value = f'<span role="status">{in_words(self.value)}{remark}</span>'


def _value_and_slope(world: GridWorld, x: Tensor, place: Tensor) -> tuple[Tensor, Tensor]:
    """The bound at (mu, logvar), and its gradient there."""
    with torch.enable_grad():
        leaf = place.detach().requires_grad_()
        value = world.elbo(x, leaf[:1, None], leaf[1:, None]).sum()
        (slope,) = torch.autograd.grad(value, leaf)
    return value.detach(), slope


def _density(z: Tensor, mu: float, logvar: float) -> Tensor:
    return Normal(_column(mu), torch.exp(0.5 * _column(logvar))).log_prob(z).exp()[0]


def _column(value: float) -> Tensor:
    return torch.tensor([[value]], dtype=torch.float64)


def _check(x: Tensor) -> None:
    if x.dim() != 2 or len(x) != 1:
        raise ValueError(f"x has shape {list(x.shape)}: the playground shows one point, [1, X].")
