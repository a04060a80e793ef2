"""Two estimators of one gradient: both are right on average, and the learner finds out which of them is noisier."""

import functools

import ipywidgets as widgets
from torch import Tensor

from vae_course.plotting.figure import AltFigure
from vae_course.plotting.gradients import estimates as histograms
from vae_course.studies.gradient_noise import Setting, estimates, pathwise_variance, score_variance, true_gradient
from vae_course.support.threads import one_thread
from vae_course.widgets.playground import Playground, choice

DRAWS = (1, 2, 5, 10, 20, 50, 100)
DIMENSIONS = (1, 2, 3, 5, 10, 20, 50)
DISTANCES = tuple(step / 4 for step in range(9))
START = Setting()
ESTIMATES = 2000  # in each histogram
NAMES = ("score function", "pathwise")


@functools.lru_cache(maxsize=1)
def drawn(setting: Setting, seed: int) -> tuple[Tensor, Tensor]:
    """The estimates that are shown, kept until others are asked for: the picture and the words need the same ones."""
    return estimates(setting, ESTIMATES, seed=seed)


@one_thread()
def picture(setting: Setting, *, seed: int = 0) -> AltFigure:
    """Many estimates by each way around the true gradient, and their standard deviations."""
    samples = dict(zip(NAMES, drawn(setting, seed), strict=True))
    baseline = "with" if setting.baseline else "without"
    figure = histograms(samples, truth=true_gradient(setting), xlabel="estimate of the gradient in mu_1")
    figure.alt = (
        f"D = {setting.dim}, L = {setting.n_draws}, distance {setting.distance:g}, {baseline} baseline. {figure.alt}"
    )
    return figure


def in_words(setting: Setting, *, seed: int = 0) -> str:
    """Measured and exact variances, and their ratio, as two sentences."""
    score, pathwise = (float(values.var()) for values in drawn(setting, seed))
    exact = score_variance(setting), pathwise_variance(setting)
    return (
        f"Variance of the score function: {score:.3g} measured, {exact[0]:.3g} exact; of the pathwise gradient: "
        f"{pathwise:.3g} measured, {exact[1]:.3g} exact. Ratio: {score / pathwise:.1f} measured,"
        f" {exact[0] / exact[1]:.1f} exact."
    )


class GradientPlayground(Playground):
    """Sliders for the dimension, the draws in an estimate and the distance from the optimum; a switch for a baseline.

    Drag a slider, or focus it and press the arrow keys. New draw repeats the experiment with other noise, Reset goes
    back to the start. The buttons' actions are methods too.
    """

    compute = staticmethod(Setting)

    def __init__(self) -> None:
        self.seed = 0
        controls = {
            "dim": choice("dimension D", DIMENSIONS, start=START.dim),
            "n_draws": choice("draws L", DRAWS, start=START.n_draws),
            "distance": choice("mu - a", DISTANCES, start=START.distance),
            "baseline": widgets.Checkbox(START.baseline, description="subtract the baseline E[f]", indent=False),
        }
        buttons = [("New draw", "The new draw", self.new_draw), ("Reset", "The reset", self.reset)]
        super().__init__(controls, name="vae-gradient", buttons=buttons)

    def draw(self, value: Setting) -> AltFigure:
        """The picture of this setting, with the noise of now."""
        return picture(value, seed=self.seed)

    def in_words(self, value: Setting) -> str:
        """The variances of this setting, with the noise of now."""
        return in_words(value, seed=self.seed)

    def new_draw(self) -> None:
        """The same experiment with other noise."""
        self.seed += 1
        self.redraw()

    def reset(self) -> None:
        """Two dimensions, one draw, mu at the optimum, no baseline, and the first noise."""
        self.seed = 0
        super().reset()

    def static(self) -> AltFigure:
        """The start of the playground, for a page on which nothing can be moved."""
        return picture(START)
