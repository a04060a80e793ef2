"""Move a Gaussian q over a density p of two modes, and see what each direction of the KL thinks of it."""

import math
from typing import Any

import ipywidgets as widgets
import torch
from torch import Tensor
from torch.distributions import Distribution, Normal

from vae_course.plotting.densities import densities, divergence
from vae_course.plotting.figure import AltFigure, figure
from vae_course.studies.gaussian_fit import KL, NAMES, Descent, bimodal, checked, descend, mass
from vae_course.support.words import count
from vae_course.widgets.playground import HOW_TO_MOVE, STYLE, Playground, slider
from vae_course.widgets.shell import text

MEAN_REACH, LOG_STD_RANGE = 4.0, (-2.0, 1.5)


def render(
    p: Distribution, mean: float, log_std: float, direction: str, *, start: tuple[float, float] | None = None
) -> AltFigure:
    """The picture of the playground: p, q and the integrand of one direction, over the range of the sliders."""
    reach = max(MEAN_REACH + 1, abs(mean) + 1)
    z = torch.linspace(-reach, reach, 601, dtype=torch.float64)
    log_p, log_q = p.log_prob(z), Normal(mean, math.exp(log_std)).log_prob(z)
    integrand = {"reverse": log_q.exp() * (log_q - log_p), "forward": log_p.exp() * (log_p - log_q)}[direction]
    earlier = None if start is None else _density(z, *start)
    return divergence(
        z, log_p.exp(), log_q.exp(), integrand, name=NAMES[direction], start=earlier, width=4.7, height=3.9
    )


class KLPlayground(Playground):
    """Sliders for a Gaussian q over a fixed p, both directions of the KL as numbers, and gradient descent on either.

    Drag a slider, or focus it and press the arrow keys. Descend walks downhill on the chosen direction from where q
    stands, and draws where it began as a dotted line; Reset goes back to N(0, 1).

    Args:
        p: a distribution of one number with `log_prob`, `mean` and `stddev`; two modes, 0.4 and 0.6 of the mass, unless
            given.

    Raises:
        TypeError: p is no torch distribution.
        ValueError: p is not one distribution of one number, has no finite mean and standard deviation, or is zero in
            places.
    """

    how = f"{HOW_TO_MOVE} Tab and Space reach everything else."

    def __init__(self, p: Distribution | None = None) -> None:
        self.p = bimodal() if p is None else checked(p)
        self.earlier: tuple[float, float] | None = None  # where the last descent began
        self.numbers = text("", "vae-status")
        controls = {
            "mean": slider("mean of q", -MEAN_REACH, MEAN_REACH),
            "log_std": slider("log std of q", *LOG_STD_RANGE),
            "direction": widgets.RadioButtons(
                options=[(f"{direction}, {name}", direction) for direction, name in NAMES.items()],
                description="Direction",
                **STYLE,
            ),
        }
        buttons = [("Descend", "The descent", self.descend), ("Reset", "The reset", self.reset)]
        super().__init__(controls, name="vae-kl-playground", width=470, buttons=buttons)

    @property
    def q(self) -> tuple[float, float]:
        """Mean and log standard deviation of q; the sliders show them to within their step."""
        return self.values["mean"], self.values["log_std"]

    def parts(self) -> list[widgets.Widget]:
        """The numbers stand below the buttons."""
        stage, status = super().parts()
        stage.children[1].children += (self.numbers,)
        return [stage, status]

    def compute(self, mean: float, log_std: float, direction: str) -> dict[str, Tensor]:
        """Both directions of the KL of this q, in nats."""
        return {name: KL[which](self.p, mean, log_std) for which, name in NAMES.items()}

    def draw(self, value: dict[str, Tensor]) -> AltFigure:
        """The integrand of the chosen direction, and where the last descent began."""
        return render(self.p, *self.q, self.values["direction"], start=self.earlier)

    def in_words(self, value: dict[str, Tensor]) -> str:
        """What was done, where q is, and how much of p it covers."""
        self.numbers.value = "<br>".join(f"<b>{name} = {_shown(kl)} nats</b>" for name, kl in value.items())
        share = float(mass(self.p, *self.q))
        return (
            f"{self.remark} q is {_in_words(*self.q)}; within three standard deviations of its mean lies"
            f" {share:.0%} of p."
        )

    def reach(self, key: str, value: Any) -> tuple[float, float] | None:
        """A slider grows where q lies beyond it."""
        if key == "direction":
            return super().reach(key, value)
        if not math.isfinite(value):
            raise ValueError(f"{key} is {value}: give two finite numbers.")
        control = self.controls[key]
        return min(control.min, math.floor(value)), max(control.max, math.ceil(value))

    def moved(self, key: str) -> None:
        """The start of a descent stays in sight until q is moved."""
        if key != "direction":
            super().moved(key)
            self.earlier = None

    def go_to(self, mean: float, log_std: float) -> None:
        """Put q at this mean and log standard deviation."""
        self.earlier = None
        self.go("q is where you put it.", mean=mean, log_std=log_std)

    def reset(self) -> None:
        """Put q back to N(0, 1)."""
        self.earlier = None
        self.go("Move q, or press Descend.", mean=0.0, log_std=0.0)

    def descend(self) -> Descent:
        """Walk downhill on the chosen direction from where q stands, and show where that ends."""
        direction = self.values["direction"]
        walk = descend(self.p, *self.q, direction)
        self.earlier = self.q
        took = f"{count(walk.steps, 'step')} downhill took {NAMES[direction]} from {walk.before:.3f} to {walk.after:.3f} nats."
        self.go(took, mean=walk.mean, log_std=walk.log_std)
        return walk

    def static(self) -> AltFigure:
        """What the descent finds in each direction, for a page on which nothing moves."""
        fig, axes = figure(2, 1, height=4.4)
        z = torch.linspace(-MEAN_REACH - 1, MEAN_REACH + 1, 401, dtype=torch.float64)
        spread = float(self.p.stddev)
        starts = {"from the left": float(self.p.mean) - spread, "from the right": float(self.p.mean) + spread}
        told = []
        for ax, (direction, name) in zip(axes[:, 0], NAMES.items(), strict=True):
            ends = {how: descend(self.p, mean, 0.0, direction) for how, mean in starts.items()}
            qs = {f"q, {how}": _density(z, end.mean, end.log_std) for how, end in ends.items()}
            densities(z, self.p.log_prob(z).exp(), qs, title=f"{direction}: {name}", ax=ax)
            told += [f"{name} {how} ends at {_in_words(end.mean, end.log_std)}" for how, end in ends.items()]
        fig.alt = f"Gradient descent of q over p, by direction of the KL: {'; '.join(told)}."
        return fig


def _density(z: Tensor, mean: float, log_std: float) -> Tensor:
    return Normal(mean, math.exp(log_std)).log_prob(z).exp()


def _in_words(mean: float, log_std: float) -> str:
    return f"N({mean + 0.0:.2f}, {math.exp(log_std):.2f}²)".replace("-0.00", "0.00")


def _shown(kl: Tensor) -> str:
    return f"{float(kl):.3f}" if torch.isfinite(kl) else "infinite"
