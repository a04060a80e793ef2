"""Move q away from the true posterior and choose k: how the weights scatter, and how far L_k stays below log p(x)."""

import math
from dataclasses import dataclass
from typing import Any

import ipywidgets as widgets
import torch
from torch import Tensor

from vae_course.evaluation import standard_error
from vae_course.plotting.bounds import weights_and_ladder
from vae_course.plotting.figure import AltFigure
from vae_course.support.threads import one_thread
from vae_course.widgets.errors import ErrorBox
from vae_course.widgets.parts import HOW_TO_MOVE, button_row, slider, stage, text
from vae_course.widgets.pictures import png
from vae_course.widgets.shell import Shell

SHIFTS, WIDTHS, LOG2_KS = (-3.0, 3.0), (0.3, 3.0), (0, 10)
STEP = 0.05  # of the first two sliders
START = (1.5, 1.5, 3)
LOG_PX = -2.0  # of the example; it moves every curve by the same amount
DRAWS = 2**16


@dataclass(frozen=True)
class Ladder:
    """One q against a Gaussian posterior, and what k draws from it give, in nats.

    Args:
        shift: the mean of q less that of the posterior, in standard deviations of the posterior.
        width: the standard deviation of q over that of the posterior.
        k: draws.
        log_px: log p(x).
        log_w: log weights of many draws, `[N]`.
        ks: 1, 2, 4, ..., 1024.
        bounds: the estimate of L_k for each of them, `[11]`.
        error: the standard error of the one at k.
        size: the mean effective sample size of k draws.
        variance: Var(w) / p(x)^2, which may be infinite.
    """

    shift: float
    width: float
    k: int
    log_px: float
    log_w: Tensor
    ks: Tensor
    bounds: Tensor
    error: float
    size: float
    variance: float

    @property
    def bound(self) -> float:
        """The estimate of L_k."""
        return float(self.bounds[int(math.log2(self.k))])


@one_thread()
def compute(shift: float, width: float, log2_k: int, *, log_px: float = LOG_PX, seed: int = 0) -> Ladder:
    """The bounds of one q = N(m + shift s, (width s)^2) where the posterior is N(m, s^2).

    log w = log p(x) + log N(u; 0, 1) - log N(u; shift, width^2), with u the code's distance from m in units of s.

    Raises:
        ValueError: width is not above zero, or log2_k is not one of 0 to 10.
    """
    if not (math.isfinite(shift) and math.isfinite(width) and width > 0):
        raise ValueError(f"shift is {shift} and width is {width}: give finite numbers, width above zero.")
    if not LOG2_KS[0] <= log2_k <= LOG2_KS[1]:
        raise ValueError(f"log2_k is {log2_k}: give a whole number from {LOG2_KS[0]} to {LOG2_KS[1]}.")
    eps = torch.randn(DRAWS, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    log_w = log_px + math.log(width) + 0.5 * (eps.square() - (shift + width * eps).square())
    ks = 2 ** torch.arange(LOG2_KS[1] + 1)
    groups = [log_w.view(-1, int(k)) for k in ks]
    bounds = [torch.logsumexp(group, 1) - math.log(group.shape[1]) for group in groups]
    chosen, shares = bounds[log2_k], torch.softmax(groups[log2_k], 1)
    return Ladder(
        shift,
        width,
        2**log2_k,
        log_px,
        log_w,
        ks,
        torch.stack([bound.mean() for bound in bounds]),
        float(standard_error(chosen)),
        float((1 / shares.square().sum(1)).mean()),
        relative_variance(shift, width),
    )


def relative_variance(shift: float, width: float) -> float:
    """Var(w) / p(x)^2 in closed form: infinite where q has at most half the posterior's variance.

    1 + Var(w) / p(x)^2 = width^2 / sqrt(2 width^2 - 1) * exp(shift^2 / (2 width^2 - 1)).
    """
    rest = 2 * width**2 - 1
    if rest <= 0:
        return math.inf
    log_moment = 2 * math.log(width) - 0.5 * math.log(rest) + shift**2 / rest
    return math.expm1(log_moment) if log_moment < 700 else math.inf


def render(value: Ladder) -> AltFigure:
    """The picture of one q and one k."""
    return weights_and_ladder(
        value.log_w, value.ks, value.bounds, k=value.k, log_px=value.log_px, variance=value.variance
    )


def in_words(value: Ladder) -> str:
    """The numbers of one q and one k as a sentence."""
    below = value.log_px - value.bound
    spread = f"{value.variance:.3g}" if math.isfinite(value.variance) else "infinite"
    return (
        f"L_{value.k} = {value.bound:.3f} ± {value.error:.3f} nats, {below:.3f} below log p(x) = {value.log_px:.2f}."
        f" Effective sample size {value.size:.1f} of {value.k}. Var(w) / p(x)^2: {spread}."
    )


class BoundPlayground(Shell):
    """Sliders for the shift and the width of q and for log2 k, over a world whose posterior is a known Gaussian.

    Drag a slider, or focus it and press the arrow keys. Reset goes back to the start. Both are methods too.
    """

    def __init__(self) -> None:
        self.status, self.error = text("", "vae-status"), ErrorBox()
        self.shift = slider("shift of q", reach=SHIFTS[1], step=STEP)
        self.width = slider("width of q", reach=WIDTHS[1], step=STEP)
        self.width.value, self.width.min = START[1], WIDTHS[0]
        self.log2_k = slider("log2 of k", reach=float(LOG2_KS[1]), step=1.0)
        self.log2_k.value, self.log2_k.min, self.log2_k.readout_format = START[2], LOG2_KS[0], ".0f"
        self.shift.value = START[0]
        self.reset_button = widgets.Button(description="Reset")
        self.picture = widgets.Image(format="png", layout=widgets.Layout(width="700px", max_width="100%"))
        super().__init__([self._stage(), self.status, self.error], name="vae-bound")
        self._following = False
        for control in (self.shift, self.width, self.log2_k):
            control.observe(self._moved, "value")
        self.reset_button.on_click(self.error.guarded("The reset", self.reset))
        self._redraw()

    @property
    def value(self) -> Ladder:
        """What is shown."""
        return compute(self.shift.value, self.width.value, round(self.log2_k.value))

    def go_to(self, shift: float, width: float, log2_k: int) -> None:
        """Show this q and this number of draws.

        Raises:
            ValueError: one of them lies beyond its slider.
        """
        for name, number, (low, high) in (
            ("shift", shift, SHIFTS),
            ("width", width, WIDTHS),
            ("log2_k", log2_k, LOG2_KS),
        ):
            if not low <= number <= high:
                raise ValueError(f"{name} is {number}: this playground goes from {low:g} to {high:g}.")
        self._following = True
        try:
            self.shift.value, self.width.value, self.log2_k.value = shift, width, log2_k
        finally:
            self._following = False
        self._redraw()

    def reset(self) -> None:
        """Show the q and the k of the start."""
        self.go_to(*START)

    def static(self) -> AltFigure:
        """The start, for a page on which nothing can be moved."""
        return render(compute(*START))

    def stand_in(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """The static picture with its text alternative."""
        return self.static()._repr_mimebundle_()

    def _stage(self) -> widgets.HBox:
        """The picture and, beside or below it, the sliders and the button."""
        return stage(
            self.picture, text(HOW_TO_MOVE), self.shift, self.width, self.log2_k, button_row(self.reset_button)
        )

    def _moved(self, _: Any) -> None:
        """A slider was moved by hand."""
        if not self._following:
            with self.error.guard("Drawing"):
                self._redraw()

    def _redraw(self) -> None:
        value = self.value
        self.picture.value = png(render(value))
        self.status.value = f'<span role="status">{in_words(value)}</span>'
