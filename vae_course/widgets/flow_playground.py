"""Add steps to a q that began as a Gaussian, watch it bend to the true posterior, and see what is left of the gap."""

import functools
from dataclasses import dataclass

import ipywidgets as widgets
from torch import Tensor

from vae_course.plotting.figure import AltFigure
from vae_course.plotting.flows import fitted
from vae_course.studies.flow_fit import MOST_STEPS, TARGETS, Fit, fit
from vae_course.support.threads import one_thread
from vae_course.support.words import count
from vae_course.widgets.playground import STYLE, Playground, slider

STARTS = 5
LINE, PLANE = 1201, 101  # places on an axis at which densities are drawn
PATHS, LINES = 25, 25  # points of a grid that is sent through the steps, on the line and on each axis of the plane
# What a kind of step is called on the line and in the plane.
KINDS = {"affine": ("affine", "affine"), "planar": ("planar", "planar"), "spline": ("spline", "coupling")}


@dataclass(frozen=True)
class FlowView:
    """A fit and what is drawn of it.

    Args:
        fit: q with its bound and its gap.
        start: which of the starts it began at, from 1.
        gaussian: gap of the best Gaussian, in nats.
        places: where the densities are drawn; on the line `[N]`, in the plane `[R, C, 2]`.
        posterior: p(z | x) there.
        q: the density of q there.
        stages: where even shares of z_0 are at first and after each step; on the line `[S, M]`, in the plane `[S, M, M, 2]`.
    """

    fit: Fit
    start: int
    gaussian: float
    places: Tensor
    posterior: Tensor
    q: Tensor
    stages: Tensor


@functools.lru_cache(maxsize=256)
@one_thread()
def view(target: str, kind: str, n_steps: int, seed: int = 0) -> FlowView:
    """The fit of so many steps of a kind, one of `KINDS`, and what is drawn of it."""
    world = TARGETS[target]()
    line = world.dim == 1
    found = fit(world, KINDS[kind][world.dim - 1], n_steps, seed=seed)
    gaussian = found.gap if n_steps == 0 else view(target, kind, 0).fit.gap
    z = world.grid(LINE if line else PLANE)
    way = found.path(PATHS if line else LINES)
    densities = world.density(z), found.density(z)
    return FlowView(
        found, seed + 1, gaussian, z.squeeze(-1) if line else z, *densities, way.squeeze(-1) if line else way
    )


def render(value: FlowView) -> AltFigure:
    """The picture of one fit."""
    found = value.fit
    return fitted(
        value.places,
        value.posterior,
        value.q,
        stages=list(value.stages),
        name=found.name,
        log_px=found.target.log_px,
        elbo=found.elbo,
    )


def in_words(value: FlowView) -> str:
    """The numbers of one fit as a sentence, and how they compare with the best Gaussian's."""
    found = value.fit
    account = f"ELBO {found.elbo:.3f} + gap {found.gap:.3f} = log p(x) = {found.target.log_px:.3f} nats."
    if len(found.flow.steps) == 1:
        return f"{found.name}: {account}"
    closed = 1 - found.gap / value.gaussian
    share = "" if closed < 0.005 else f", and this q closes {closed:.0%} of it"
    start = f"start {value.start} of {STARTS}"
    return f"{found.name}, {start}: {account} The best Gaussian leaves {value.gaussian:.3f} nats{share}."


class FlowPlayground(Playground):
    """A slider for the number of steps, the kind of step, and the posterior: two hills on the line, or a banana in the plane.

    Drag the slider, or focus it and press the arrow keys. Each q is fitted when it is asked for the first time, which takes
    a few seconds. Another start fits it again from other weights; Reset goes back to the Gaussian. Methods do the same.
    """

    draw = staticmethod(render)

    def __init__(self) -> None:
        self.seed = 0
        self.seen: set[tuple[str, str, int, int]] = set()
        steps = slider("steps", 0, MOST_STEPS, step=1.0, digits=0)
        steps.continuous_update = False  # or a drag would fit all that it passes
        kinds = [
            (line if line == plane else f"{line}; in the plane {plane}", kind) for kind, (line, plane) in KINDS.items()
        ]
        controls = {
            "steps": steps,
            "kind": widgets.RadioButtons(options=kinds, value="planar", description="kind of step", **STYLE),
            "target": widgets.RadioButtons(options=list(TARGETS), description="posterior", **STYLE),
        }
        buttons = [("Another start", "The fit", self.another_start), ("Reset", "The reset", self.reset)]
        super().__init__(controls, name="vae-flow", buttons=buttons)

    def compute(self, steps: float, kind: str, target: str) -> FlowView:
        """The fit that the controls ask for; a sentence says so where it is the first time."""
        key = target, kind, round(steps), self.seed
        if key not in self.seen:
            self.say(f"Fitting a q with {count(round(steps), 'step')}, which takes a few seconds ...")
        value = view(*key)
        self.seen.add(key)
        return value

    def in_words(self, value: FlowView) -> str:
        """What was done, and the numbers."""
        return f"{self.remark} {in_words(value)}".strip()

    def doing(self, key: str) -> str:
        """A move fits q."""
        return "The fit"

    def another_start(self) -> None:
        """The same q, fitted from other weights; after the last start comes the first."""
        self.seed = (self.seed + 1) % STARTS
        self.go("The best Gaussian needs no start." if round(self.values["steps"]) == 0 else "")

    def reset(self) -> None:
        """The Gaussian, and the first start."""
        self.seed = 0
        super().reset()

    def static(self) -> AltFigure:
        """The start, for a page on which nothing can be moved."""
        return render(view(self.start["target"], self.start["kind"], round(self.start["steps"])))
