"""Move q away from the true posterior and choose k: how the weights scatter, and how far L_k stays below log p(x)."""

import math

from vae_course.plotting.elbo import weights_and_ladder
from vae_course.plotting.figure import AltFigure
from vae_course.studies.importance_weights import LOG2_KS, Ladder
from vae_course.studies.importance_weights import ladder as compute
from vae_course.widgets.playground import Playground, slider


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


class BoundPlayground(Playground):
    """Sliders for the shift and the width of q and for log2 k, over a world whose posterior is a known Gaussian.

    Drag a slider, or focus it and press the arrow keys. Reset goes back to the start. Both are methods too.
    """

    draw = staticmethod(render)
    in_words = staticmethod(in_words)

    def __init__(self) -> None:
        controls = {
            "shift": slider("shift of q", -3.0, 3.0, start=1.5),
            "width": slider("width of q", 0.3, 3.0, start=1.5),
            "log2_k": slider("log2 of k", *LOG2_KS, start=3, step=1.0, digits=0),
        }
        super().__init__(controls, name="vae-bound", buttons=[("Reset", "The reset", self.reset)])

    def compute(self, shift: float, width: float, log2_k: float) -> Ladder:
        """The weights and the bounds of this q."""
        return compute(shift, width, round(log2_k))
