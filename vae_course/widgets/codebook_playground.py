"""Take steps with a codebook over a cloud of points, watch codes die, and revive them."""

from vae_course.plotting.codebooks import codebook
from vae_course.plotting.figure import AltFigure
from vae_course.studies.codebook import Codebook, cloud, train
from vae_course.support.words import count
from vae_course.widgets.playground import Playground, choice

STEPS = tuple(range(41))
CODES = (2, 4, 8, 16, 32)
DECAYS = (0.0, 0.5, 0.8, 0.9, 0.95)
SPREADS = (0.1, 0.5, 1.0, 2.0, 4.0)


def render(book: Codebook, *, title: str = "") -> AltFigure:
    """The picture of a codebook: cells, codes and their use."""
    return codebook(book.points, book.codes, book.use, title=title)


def in_words(book: Codebook) -> str:
    """The numbers of a codebook as two sentences."""
    k, dead = len(book.codes), int(book.dead.sum())
    return (
        f"Perplexity {book.perplexity:.1f} of {k}; {count(dead, 'dead code')}. Distortion {book.distortion:.3f}, the mean squared"
        " distance of a point from its code."
    )


class CodebookPlayground(Playground):
    """Sliders for the steps taken, the number of codes, the decay and the codes' spread at the start; a step and a revival.

    Drag a slider, or focus it and press the arrow keys. Step takes one more step; Revive puts each code that no point
    chooses on a random point, and these codes walk on from there. A decay of 0 makes K-means. Reset goes back to the start.
    Methods do the same.
    """

    def __init__(self) -> None:
        self.points = cloud()
        self.revived: tuple[int, ...] = ()
        controls = {
            "steps": choice("steps taken", STEPS, start=0),
            "n_codes": choice("codes K", CODES, start=16),
            "decay": choice("decay", DECAYS, start=0.8),
            "spread": choice("spread at start", SPREADS, start=0.5),
        }
        buttons = [
            ("Step", "The step", self.step),
            ("Revive", "The revival", self.revive),
            ("Reset", "The reset", self.reset),
        ]
        super().__init__(controls, name="vae-codebook", width=470, buttons=buttons)

    def compute(self, steps: int, n_codes: int, decay: float, spread: float) -> Codebook:
        """The codebook after these steps, with the revivals among them."""
        return train(self.points, n_codes, spread=spread, decay=decay, steps=steps, revived=self.revived)

    def draw(self, value: Codebook) -> AltFigure:
        """The picture after the steps taken."""
        return render(value, title=f"After {count(self.values['steps'], 'step')}")

    def in_words(self, value: Codebook) -> str:
        """What was done, and the numbers."""
        return f"{self.remark} {in_words(value)}".strip()

    def moved(self, key: str) -> None:
        """Another codebook has not been revived."""
        super().moved(key)
        if key != "steps":
            self.revived = ()

    def step(self) -> None:
        """Take one step more, up to the last."""
        steps = min(self.values["steps"] + 1, STEPS[-1])
        self.go("" if steps > self.values["steps"] else "That was the last step.", steps=steps)

    def revive(self) -> None:
        """Put each dead code on a random point, now; what comes after later steps is taken back."""
        now, dead = self.values["steps"], int(self.value.dead.sum())
        self.revived = (*(step for step in self.revived if step < now), now)
        self.go(f"{count(dead, 'code')} revived." if dead else "No code is dead.")

    def reset(self) -> None:
        """No steps taken, and nothing revived."""
        self.revived = ()
        super().reset()

    def static(self) -> AltFigure:
        """The start, for a page on which nothing can be moved."""
        return render(train(self.points, **self.start), title="After 0 steps")
