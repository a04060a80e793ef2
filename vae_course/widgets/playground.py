"""Controls, a function of their values, a picture and a sentence: what all playgrounds have in common is written here."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

import ipywidgets as widgets

from vae_course.plotting.figure import AltFigure
from vae_course.support.threads import one_thread
from vae_course.widgets.pictures import png
from vae_course.widgets.shell import ErrorBox, Shell, button_row, named, text

HOW_TO_MOVE = "Move a slider with the mouse, or focus it and press the arrow keys."
STEP = 0.05  # of a slider
STYLE: dict[str, Any] = {"style": {"description_width": "110px"}, "layout": {"width": "100%"}}
Button = tuple[str, str, Callable[[], Any]]  # its label, what it does in words, and what it calls


def slider(
    label: str, low: float, high: float, *, start: float = 0.0, step: float = STEP, digits: int = 2
) -> widgets.FloatSlider:
    """A slider that reports while it is dragged."""
    options = {"min": low, "max": high, "step": step, "description": label, "readout_format": f".{digits}f"}
    return widgets.FloatSlider(start, continuous_update=True, **options, **STYLE)


def choice(label: str, values: Iterable[float], *, start: float) -> widgets.SelectionSlider:
    """A slider over a few values that reports while it is dragged."""
    options = [(f"{value:g}", value) for value in values]
    return widgets.SelectionSlider(options=options, value=start, description=label, continuous_update=True, **STYLE)


def screen(width: int | None = None) -> widgets.Image:
    """A place for a picture that is so many screen pixels wide, or less where there is no room."""
    if width is None:
        return widgets.Image(format="png")
    return widgets.Image(format="png", layout=widgets.Layout(width=f"{width}px", max_width="100%", flex="0 0 auto"))


def stage(picture: widgets.Widget, *controls: widgets.Widget) -> widgets.HBox:
    """A picture and, beside or below it, a column of what moves it."""
    return named(widgets.HBox([picture, named(widgets.VBox(controls), "vae-sliders")]), "vae-stage")


class Playground(Shell):
    """A picture that follows its controls, with its numbers in words below.

    A new playground is a class with its controls and three functions: `compute`, which is pure and takes the controls'
    values by name, `draw`, which makes a figure of what it gives, and `in_words`, which makes a sentence of it.

    Each control is an attribute under its name. Moves by hand, `go` and the buttons all end in one `redraw`. What fails
    in a callback is told in place; methods raise it. A value between two steps of a slider is kept as it is, although
    the browser shows it rounded and reports that as a move.

    Args:
        controls: name to a widget with a value, in their order.
        name: a class name of its own, for the style sheet and for tests.
        width: of the picture, in screen pixels.
        buttons: label, what the button does in words, and its action, for each.
    """

    how = HOW_TO_MOVE
    remark = ""  # what an action did, until the next move by hand

    def __init__(
        self, controls: Mapping[str, Any], *, name: str, width: int | None = 700, buttons: Iterable[Button] = ()
    ) -> None:
        self.status, self.error, self.picture = text("", "vae-status"), ErrorBox(), screen(width)
        self.controls: dict[Any, Any] = {}
        self.values: dict[Any, Any] = {}
        self._following = False
        for key, control in controls.items():
            self.add(key, control)
            setattr(self, key, control)
        self.start = dict(self.values)
        self.buttons = {label: self.button(label, doing, action) for label, doing, action in buttons}
        super().__init__([*self.parts(), self.error], name=name)
        self.reset()

    def compute(self, *_: Any, **values: Any) -> Any:
        """What is shown at these values of the controls."""
        raise NotImplementedError

    def draw(self, value: Any) -> AltFigure:
        """The picture of what was computed."""
        raise NotImplementedError

    def in_words(self, value: Any) -> str:
        """The numbers of what was computed as a sentence."""
        raise NotImplementedError

    def parts(self) -> list[widgets.Widget]:
        """From top to bottom: the picture beside its controls, and the sentence."""
        controls = [*self.controls.values(), button_row(*self.buttons.values())]
        return [stage(self.picture, text(self.how), *controls), self.status]

    def reach(self, key: Any, value: Any) -> tuple[float, float] | None:
        """The range that a slider is given to show a value; None where its own will do.

        Raises:
            ValueError: there is no such value.
        """
        control = self.controls[key]
        options = [pair[1] if isinstance(pair, tuple) else pair for pair in getattr(control, "options", ())]
        if options and value not in options:
            known = ", ".join(option if isinstance(option, str) else f"{option:g}" for option in options)
            raise ValueError(f"{key} is {value}: this playground has {known}.")
        if hasattr(control, "max") and not control.min <= value <= control.max:
            raise ValueError(f"{key} is {value}: this playground goes from {control.min:g} to {control.max:g}.")
        return None

    def doing(self, key: Any) -> str:
        """What a move of this control makes the playground do, for its error box."""
        return "Drawing"

    def moved(self, key: Any) -> None:
        """Called after a control was moved by hand, before anything is drawn."""
        self.remark = ""

    @property
    def value(self) -> Any:
        """What is shown."""
        return self.compute(**self.values)

    def static(self) -> AltFigure:
        """The start, for a page on which nothing can be moved."""
        return self.draw(self.compute(**self.start))

    def stills(self) -> list[AltFigure]:
        """All that is shown, as drawings from top to bottom, for a page on which nothing can be computed."""
        return [self.draw(self.value)]

    def go(self, remark: str = "", **values: Any) -> None:
        """Put these values in place, with a remark of what was done, and draw once.

        Raises:
            ValueError: a control has no such value.
        """
        self.place(values)
        self.remark = remark
        self.redraw()

    def reset(self) -> None:
        """Back to the start."""
        self.go(**self.start)

    def place(self, values: Mapping[Any, Any]) -> None:
        """Put the controls to these values, without drawing."""
        ranges = {key: self.reach(key, value) for key, value in values.items()}
        self.values |= values
        with self.following():
            for key, limits in ranges.items():
                if limits:
                    self.controls[key].min, self.controls[key].max = limits
                self.controls[key].value = self.values[key]

    @contextmanager
    def following(self) -> Iterator[None]:
        """Inside, controls that change only follow: nobody moved them."""
        self._following = True
        try:
            yield
        finally:
            self._following = False

    def redraw(self) -> None:
        """Compute, draw and tell what belongs to the controls."""
        with one_thread():
            value = self.value
            self.picture.value = png(self.draw(value))
        self.say(self.in_words(value))

    def say(self, words: str) -> None:
        """Show a sentence, which screen readers speak when it changes."""
        self.status.value = f'<span role="status">{words}</span>'

    def add(self, key: Any, control: Any) -> None:
        """One more control, which from now on is listened to."""
        self.controls[key], self.values[key] = control, control.value
        control.observe(partial(self._moved, key), "value")

    def button(self, label: str, doing: str, action: Callable[[], Any]) -> widgets.Button:
        """A button whose action tells its errors in place."""
        button = widgets.Button(description=label)
        button.on_click(self.error.guarded(doing, action))
        return button

    def _moved(self, key: Any, change: Any) -> None:
        """A control has another value: moved by hand, put there by `place`, or rounded to a step by the browser."""
        control, value = self.controls[key], change["new"]
        rounded = isinstance(control, widgets.FloatSlider) and abs(value - self.values[key]) <= 0.51 * control.step
        if self._following or rounded:
            return
        self.values[key] = value
        with self.error.guard(self.doing(key)):
            self.moved(key)
            self.redraw()
