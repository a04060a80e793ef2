"""Move q over the true posterior: log p(x) stays, and the bound and the gap below it trade places."""

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.distributions import Normal

from vae_course.exact import GridWorld
from vae_course.plotting.elbo import bound as bound_picture
from vae_course.plotting.figure import AltFigure
from vae_course.studies.gaussian_fit import LOG_VARIANCES, MEANS, Bound, bound, check_point, climb, optimum
from vae_course.studies.two_hills import bimodal_world
from vae_course.support.threads import one_thread
from vae_course.widgets.playground import Playground, slider

SHOWN = 4.0  # the picture shows codes up to here on both sides


@one_thread()
def picture(world: GridWorld, x: Tensor, qs: Mapping[str, tuple[float, float]]) -> AltFigure:
    """Each q, given as (mean, log variance) under its name, over the true posterior, with its bound and gap."""
    near = world.grid.abs() <= SHOWN
    z = world.grid[near]
    elbos = {name: bound(world, x, *q).elbo for name, q in qs.items()}
    densities = {name: _density(z, *q) for name, q in qs.items()}
    posterior = world.posterior_density(x)[0, near]
    return bound_picture(z, posterior, densities, log_px=world.log_marginal(x).item(), elbos=elbos)


def in_words(value: Bound) -> str:
    """The numbers of one q as a sentence."""
    return (
        f"log p(x) = {value.log_px:.2f} nats, whatever q is. ELBO {value.elbo:.2f} + gap {value.gap:.2f} ="
        f" {value.elbo + value.gap:.2f}."
    )


class ELBOPlayground(Playground):
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
        check_point(x)
        self.world, self.x = world, x
        buttons = [
            ("Climb", "The climb", self.climb),
            ("Go to the optimum", "The search", self.go_to_optimum),
            ("Reset", "The reset", self.reset),
        ]
        controls = {"mu": slider("mean of q", *MEANS), "logvar": slider("log variance", *LOG_VARIANCES)}
        super().__init__(controls, name="vae-elbo", buttons=buttons)

    def compute(self, mu: float, logvar: float) -> Bound:
        """The bound and the gap of this q."""
        return bound(self.world, self.x, mu, logvar)

    def draw(self, value: Bound) -> AltFigure:
        """The picture of this q."""
        return picture(self.world, self.x, {"q": (value.mu, value.logvar)})

    def in_words(self, value: Bound) -> str:
        """The account of this q, and what led to it."""
        return f"{in_words(value)} {self.remark}".rstrip()

    def climb(self) -> None:
        """Go uphill on the bound from where q is."""
        top = climb(self.world, self.x, **self.values)
        self.go("No small step from here raises the bound.", mu=top.mu, logvar=top.logvar)

    def go_to_optimum(self) -> None:
        """Show the best q that the sliders reach."""
        best = optimum(self.world, self.x)
        self.go("This is the best Gaussian that the sliders reach.", mu=best.mu, logvar=best.logvar)

    def reset(self) -> None:
        """Show the prior as q."""
        self.go("Here q is the prior.", **self.start)

    def static(self) -> AltFigure:
        """The prior and the best q side by side, for a page on which nothing can be moved."""
        best = optimum(self.world, self.x)
        return picture(self.world, self.x, {"prior": (0.0, 0.0), "best": (best.mu, best.logvar)})


def _density(z: Tensor, mu: float, logvar: float) -> Tensor:
    mu_, logvar_ = (torch.tensor(value, dtype=torch.float64) for value in (mu, logvar))
    return Normal(mu_, torch.exp(0.5 * logvar_)).log_prob(z).exp()
