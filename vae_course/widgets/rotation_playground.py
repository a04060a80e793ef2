"""Turn the codes of a Gaussian world against its factors: p(x) stays, and what follows the turn is seen."""

import functools
from dataclasses import dataclass

from vae_course.plotting.figure import AltFigure
from vae_course.plotting.rotation import MOST, turned
from vae_course.studies.rotation import LENGTHS, Account, account
from vae_course.widgets.playground import Playground, slider

STRIDE = 3  # degrees between two points of a curve
# The label of each measure, and the range of its axis.
LIMITS = {
    "ELBO (nats)": (-5.28, -4.78),
    "total correlation (nats)": (-0.002, 0.03),
    "mutual information gap": (-0.04, 0.8),
}


@dataclass(frozen=True)
class Turn:
    """The accounts on the way from 0 to an angle, with the true posterior and with the best diagonal q."""

    degrees: tuple[float, ...]
    full: tuple[Account, ...]
    diagonal: tuple[Account, ...]


@functools.lru_cache(maxsize=512)
def _kept(degrees: float, diagonal: bool) -> Account:
    return account(degrees, diagonal=diagonal)


def turn(degrees: float) -> Turn:
    """All that is shown at an angle of 0 degrees or more."""
    way = (*(float(step) for step in range(0, 91, STRIDE) if step < degrees), degrees)
    full, diagonal = (tuple(_kept(angle, kind) for angle in way) for kind in (False, True))
    return Turn(way, full, diagonal)


def render(value: Turn) -> AltFigure:
    """The picture of one angle."""
    both = (value.full, value.diagonal)
    measures = (
        [[getattr(one, part) for one in kind] for kind in both] for part in ("elbo", "total_correlation", "mig")
    )
    return turned(
        LENGTHS, value.degrees, {label: (a, b) for label, (a, b) in zip(LIMITS, measures, strict=True)}, LIMITS
    )


def in_words(value: Turn) -> str:
    """The numbers of one angle as a sentence."""
    full, diagonal = value.full[-1], value.diagonal[-1]
    first, second = (float(gap) for gap in full.gaps)
    return (
        f"{value.degrees[-1]:.0f} degrees. True posterior: ELBO {full.elbo:.4f} nats, total correlation "
        f"{full.total_correlation:.3f}, gap of factor 1 {first:.2f} and of factor 2 {second:.2f} nats, MIG {full.mig:.2f}. "
        f"Diagonal q: ELBO {diagonal.elbo:.4f}, total correlation {diagonal.total_correlation:.3f}, MIG {diagonal.mig:.2f}."
    )


class RotationPlayground(Playground):
    """A dial that turns two codes against the two factors of a Gaussian world.

    Drag the slider, or focus it and press the arrow keys. Reset goes back to codes that are the factors. Both are methods
    too.
    """

    draw = staticmethod(render)
    in_words = staticmethod(in_words)

    def __init__(self) -> None:
        controls = {"angle": slider("angle (degrees)", 0.0, MOST, step=1.0, digits=0)}
        super().__init__(controls, name="vae-rotation", buttons=[("Reset", "The reset", self.reset)])

    def compute(self, angle: float) -> Turn:
        """The accounts up to this angle."""
        return turn(angle)
