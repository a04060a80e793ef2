"""Move a Gaussian q over a density p of two modes, and see what each direction of the KL thinks of it."""

import math
from typing import Any

import ipywidgets as widgets
import torch
from torch import Tensor
from torch.distributions import Distribution, Normal

from vae_course.plotting.densities import densities, divergence
from vae_course.plotting.figure import AltFigure, figure
from vae_course.support.threads import one_thread
from vae_course.support.words import count
from vae_course.widgets.errors import ErrorBox
from vae_course.widgets.gaussian_fit import KL, NAMES, Descent, bimodal, checked, descend, mass
from vae_course.widgets.parts import HOW_TO_MOVE, button_row, slider, stage, text
from vae_course.widgets.pictures import png
from vae_course.widgets.shell import Shell

AT_FIRST = (0.0, 0.0)  # mean and log std of q before anybody moves it
MEAN_REACH, LOG_STD_RANGE = 4.0, (-2.0, 1.5)


def render(
    p: Distribution, mean: float, log_std: float, direction: str, *, start: tuple[float, float] | None = None
) -> AltFigure:
    """The picture of the playground: p, q and the integrand of one direction, over the range of the sliders."""
    reach = max(MEAN_REACH + 1, abs(mean) + 1)
    z = torch.linspace(-reach, reach, 601, dtype=torch.float64)
    log_p, log_q = p.log_prob(z), Normal(mean, math.exp(log_std)).log_prob(z)
    integrand = {"reverse": log_q.exp() * (log_q - log_p), "forward": log_p.exp() * (log_p - log_q)}[direction]
    earlier = None if start is None else Normal(start[0], math.exp(start[1])).log_prob(z).exp()
    return divergence(
        z, log_p.exp(), log_q.exp(), integrand, name=NAMES[direction], start=earlier, width=4.7, height=3.9
    )


class KLPlayground(Shell):
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

    def __init__(self, p: Distribution | None = None) -> None:
        self.p = bimodal() if p is None else checked(p)
        self._following = False
        self._place = AT_FIRST
        self._start: tuple[float, float] | None = None
        self.mean, self.log_std = slider("mean of q", reach=MEAN_REACH), slider("log std of q", reach=2.0)
        self.log_std.min, self.log_std.max = LOG_STD_RANGE
        self.direction = widgets.RadioButtons(
            options=[(f"reverse, {NAMES['reverse']}", "reverse"), (f"forward, {NAMES['forward']}", "forward")],
            description="Direction",
            layout=widgets.Layout(width="100%"),
            style={"description_width": "110px"},
        )
        self.picture = widgets.Image(
            format="png", layout=widgets.Layout(width="470px", max_width="100%", flex="0 0 auto")
        )
        self.numbers, self.status, self.error = text("", "vae-status"), text("", "vae-status"), ErrorBox()
        super().__init__([self._stage(), self.status, self.error], name="vae-kl-playground")
        for control in (self.mean, self.log_std):
            control.observe(self._moved, "value")
        self.direction.observe(self._turned, "value")
        self.reset()

    @property
    def q(self) -> tuple[float, float]:
        """Mean and log standard deviation of q; the sliders show them to within their step."""
        return self._place

    def go_to(self, mean: float, log_std: float) -> None:
        """Put q at this mean and log standard deviation."""
        self._go(mean, log_std)
        self._say("q is where you put it.")

    def reset(self) -> None:
        """Put q back to N(0, 1)."""
        self._go(*AT_FIRST)
        self._say("Move q, or press Descend.")

    def descend(self) -> Descent:
        """Walk downhill on the chosen direction from where q stands, and show where that ends."""
        start = self._place
        walk = descend(self.p, *start, self.direction.value)
        self._go(walk.mean, walk.log_std, start=start)
        name = NAMES[self.direction.value]
        self._say(f"{count(walk.steps, 'step')} downhill took {name} from {walk.before:.3f} to {walk.after:.3f} nats.")
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
            qs = {f"q, {how}": _density(z, end) for how, end in ends.items()}
            densities(z, self.p.log_prob(z).exp(), qs, title=f"{direction}: {name}", ax=ax)
            told += [f"{name} {how} ends at {_in_words(end.mean, end.log_std)}" for how, end in ends.items()]
        fig.alt = f"Gradient descent of q over p, by direction of the KL: {'; '.join(told)}."
        return fig

    def stand_in(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """The static picture with its text alternative."""
        return self.static()._repr_mimebundle_()

    def _stage(self) -> widgets.HBox:
        """The picture and, beside or below it, the controls."""
        self.descend_button, self.reset_button = (widgets.Button(description=word) for word in ("Descend", "Reset"))
        self.descend_button.on_click(self.error.guarded("The descent", self._descend))
        self.reset_button.on_click(self.error.guarded("The reset", self.reset))
        buttons = button_row(self.descend_button, self.reset_button)
        hint = text(f"{HOW_TO_MOVE} Tab and Space reach everything else.")
        return stage(self.picture, hint, self.mean, self.log_std, self.direction, buttons, self.numbers)

    def _descend(self) -> None:
        self.descend()

    def _moved(self, change: Any) -> None:
        """A slider was moved by hand, unless a browser only rounds to a slider's step what it was told to show."""
        axis = (self.mean, self.log_std).index(change["owner"])
        if self._following or abs(change["new"] - self._place[axis]) <= change["owner"].step / 2:
            return
        with self.error.guard("Drawing q"):
            self._place = (change["new"], self._place[1]) if axis == 0 else (self._place[0], change["new"])
            self._start = None
            self._redraw()
            self._say("")

    def _turned(self, _: Any) -> None:
        """The other direction was chosen."""
        with self.error.guard("Drawing the integrand"):
            self._redraw()

    def _go(self, mean: float, log_std: float, *, start: tuple[float, float] | None = None) -> None:
        """Put the sliders and the picture to a q, with wider sliders where it lies beyond them."""
        if not (math.isfinite(mean) and math.isfinite(log_std)):
            raise ValueError(f"mean is {mean} and log_std is {log_std}: give two finite numbers.")
        self._following = True
        try:
            for control, value in ((self.mean, mean), (self.log_std, log_std)):
                control.min, control.max = min(control.min, math.floor(value)), max(control.max, math.ceil(value))
                control.value = value
        finally:
            self._following = False
        self._place, self._start = (mean, log_std), start
        self._redraw()

    @one_thread()
    def _redraw(self) -> None:
        self.picture.value = png(render(self.p, *self._place, self.direction.value, start=self._start))
        lines_of_text = (
            f"{name} = {_shown(KL[direction](self.p, *self._place))} nats" for direction, name in NAMES.items()
        )
        self.numbers.value = "<br>".join(f"<b>{line}</b>" for line in lines_of_text)

    def _say(self, words: str) -> None:
        share = float(mass(self.p, *self._place))
        self.status.value = (
            f'<span role="status">{words} q is {_in_words(*self._place)}; within three standard deviations of its mean lies'
            f" {share:.0%} of p.</span>"
        )


def _density(z: Tensor, end: Descent) -> Tensor:
    return Normal(end.mean, math.exp(end.log_std)).log_prob(z).exp()


def _in_words(mean: float, log_std: float) -> str:
    return f"N({mean + 0.0:.2f}, {math.exp(log_std):.2f}²)".replace("-0.00", "0.00")


def _shown(kl: Tensor) -> str:
    return f"{float(kl):.3f}" if torch.isfinite(kl) else "infinite"
