"""Move x, and the noise, in the world of two hills: prior times likelihood is the joint, its area p(x), the rest Bayes."""

from collections.abc import Callable

from torch import Tensor

from vae_course.plotting.figure import AltFigure
from vae_course.plotting.worlds import slices
from vae_course.studies.two_hills import Slice, two_hills
from vae_course.studies.two_hills import slice_at as compute
from vae_course.widgets.playground import Playground, slider

SHOWN = 4.0  # the picture shows codes up to here on both sides


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


class WorldPlayground(Playground):
    """Sliders for x and for the noise of a one-dimensional world, and Bayes' rule drawn over its codes.

    Drag a slider, or focus it and press the arrow keys. Reset goes back to the start. Both are methods too.

    Args:
        f: the decoder, from codes `[...]` to means `[..., 1]`; that of the two hills when left out.
    """

    draw = staticmethod(render)
    in_words = staticmethod(in_words)

    def __init__(self, f: Callable[[Tensor], Tensor] = two_hills) -> None:
        self.f = f
        controls = {"x": slider("observed x", -2.0, 8.0), "sigma": slider("noise sigma", 0.2, 2.0, start=0.7)}
        super().__init__(controls, name="vae-world", width=470, buttons=[("Reset", "The reset", self.reset)])

    def compute(self, x: float, sigma: float) -> Slice:
        """Bayes' rule for this x, seen through noise of this sigma."""
        return compute(x, sigma, self.f)
