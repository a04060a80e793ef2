"""Two estimators of one gradient: both are right on average, and the learner finds out which of them is noisier."""

import functools
from typing import Any

import ipywidgets as widgets
from torch import Tensor

from vae_course.plotting.figure import AltFigure
from vae_course.plotting.gradients import estimates as histograms
from vae_course.support.threads import one_thread
from vae_course.widgets.errors import ErrorBox
from vae_course.widgets.gradient_noise import (
    Setting,
    estimates,
    pathwise_variance,
    score_variance,
    true_gradient,
)
from vae_course.widgets.parts import HOW_TO_MOVE, button_row, stage, text
from vae_course.widgets.pictures import png
from vae_course.widgets.shell import Shell

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


def render(setting: Setting, *, seed: int = 0) -> bytes:
    """The picture as a PNG file, drawn fast rather than packed small."""
    return png(picture(setting, seed=seed))


def in_words(setting: Setting, *, seed: int = 0) -> str:
    """Measured and exact variances, and their ratio, as two sentences."""
    score, pathwise = (float(values.var()) for values in drawn(setting, seed))
    exact = score_variance(setting), pathwise_variance(setting)
    return (
        f"Variance of the score function: {score:.3g} measured, {exact[0]:.3g} exact; of the pathwise gradient: "
        f"{pathwise:.3g} measured, {exact[1]:.3g} exact. Ratio: {score / pathwise:.1f} measured,"
        f" {exact[0] / exact[1]:.1f} exact."
    )


class GradientPlayground(Shell):
    """Sliders for the dimension, the draws in an estimate and the distance from the optimum; a switch for a baseline.

    Drag a slider, or focus it and press the arrow keys. New draw repeats the experiment with other noise, Reset goes
    back to the start. The buttons' actions are methods too.
    """

    def __init__(self) -> None:
        self.status, self.error = text("", "vae-status"), ErrorBox()
        self.dim = _choice("dimension D", DIMENSIONS)
        self.n_draws = _choice("draws L", DRAWS)
        self.distance = _choice("mu - a", DISTANCES)
        self.baseline = widgets.Checkbox(False, description="subtract the baseline E[f]", indent=False)
        self._setting, self._seed, self._following = START, 0, False
        self.picture = widgets.Image(format="png", layout=widgets.Layout(width="700px", max_width="100%"))
        super().__init__([self._stage(), self.status, self.error], name="vae-gradient")
        self.reset()

    @property
    def setting(self) -> Setting:
        """What is shown."""
        return self._setting

    def show(self, setting: Setting) -> None:
        """Show this setting.

        Raises:
            ValueError: a slider does not have one of its values.
        """
        for name, value, choices in (
            ("dim", setting.dim, DIMENSIONS),
            ("n_draws", setting.n_draws, DRAWS),
            ("distance", setting.distance, DISTANCES),
        ):
            if value not in choices:
                raise ValueError(f"{name} is {value}: this playground has {', '.join(f'{c:g}' for c in choices)}.")
        self._setting, self._following = setting, True
        try:
            self.dim.value, self.n_draws.value = setting.dim, setting.n_draws
            self.distance.value, self.baseline.value = setting.distance, setting.baseline
        finally:
            self._following = False
        self._redraw()

    def new_draw(self) -> None:
        """The same experiment with other noise."""
        self._seed += 1
        self._redraw()

    def reset(self) -> None:
        """Two dimensions, one draw, mu at the optimum, no baseline, and the first noise."""
        self._seed = 0
        self.show(START)

    def static(self) -> AltFigure:
        """The start of the playground, for a page on which nothing can be moved."""
        return picture(START)

    def stand_in(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """The static picture with its text alternative."""
        return self.static()._repr_mimebundle_()

    def _stage(self) -> widgets.HBox:
        """The picture and, beside or below it, the sliders, the switch and the buttons."""
        self.draw_button, self.reset_button = (widgets.Button(description=label) for label in ("New draw", "Reset"))
        self.draw_button.on_click(self.error.guarded("The new draw", self.new_draw))
        self.reset_button.on_click(self.error.guarded("The reset", self.reset))
        controls = (self.dim, self.n_draws, self.distance, self.baseline)
        for control in controls:
            control.observe(self._moved, "value")
        buttons = button_row(self.draw_button, self.reset_button)
        return stage(self.picture, text(HOW_TO_MOVE), *controls, buttons)

    def _moved(self, _: Any) -> None:
        """A control was moved by hand."""
        if not self._following:
            with self.error.guard("Drawing"):
                self._setting = Setting(self.dim.value, self.n_draws.value, self.distance.value, self.baseline.value)
                self._redraw()

    def _redraw(self) -> None:
        self.picture.value = render(self._setting, seed=self._seed)
        self.status.value = f'<span role="status">{in_words(self._setting, seed=self._seed)}</span>'


def _choice(label: str, values: tuple[float, ...]) -> widgets.SelectionSlider:
    """A slider over a few values that reports while it is dragged."""
    return widgets.SelectionSlider(
        options=[(f"{value:g}", value) for value in values],
        description=label,
        continuous_update=True,
        style={"description_width": "110px"},
        layout=widgets.Layout(width="100%"),
    )
