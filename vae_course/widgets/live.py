"""Training curves that grow while you watch."""

import time
from typing import Any

from torch import nn

from vae_course.plotting import curves
from vae_course.support.outputs import notebook
from vae_course.training.history import History


class LiveCurves:
    """A callback for `training.fit` that redraws the curves below the cell after each epoch.

    It redraws at most twice a second, and less often where drawing would take over a tenth of the time; what it skipped
    last it draws when the cell ends. Outside a notebook it prints one line an epoch instead. A history that can't be
    drawn is named in a line of text and never stops the training.

    Args:
        title: heading of the figure.
        pause: seconds between two redraws, at least.
    """

    def __init__(self, *, title: str = "", pause: float = 0.5) -> None:
        self.title, self.pause = title, pause
        self._handle: Any = None
        self._next = 0.0
        self._skipped: History | None = None

    def __call__(self, epoch: int, history: History, model: nn.Module) -> None:
        """Draw the history so far, or keep it for later."""
        shell = notebook()
        if shell is None:
            print(_line(epoch, history))
            return
        if self._handle is None or epoch == 1:
            self._begin(shell)
        if time.monotonic() < self._next:
            self._skipped = history
        else:
            self._draw(history)

    def _begin(self, shell: Any) -> None:
        """A place below this cell, and a promise to come back to it when the cell ends."""
        from IPython.display import DisplayHandle

        self._catch_up()
        self._handle, self._next = DisplayHandle(), 0.0
        self._drawn = False

        def finish(*_: object) -> None:
            shell.events.unregister("post_run_cell", finish)
            self._catch_up()

        shell.events.register("post_run_cell", finish)

    def _draw(self, history: History) -> None:
        began = time.monotonic()
        self._skipped = None
        try:
            figure = curves(history, title=self.title)
        except ValueError as error:
            print(f"The curves can't be drawn: {error} The training goes on.")
            self._next = float("inf")
            return
        (self._handle.update if self._drawn else self._handle.display)(figure)
        self._drawn = True
        now = time.monotonic()
        self._next = now + max(self.pause, 9 * (now - began))

    def _catch_up(self) -> None:
        """Draw what the pause held back."""
        if self._skipped is not None and self._next < float("inf"):
            self._draw(self._skipped)


def _line(epoch: int, history: History) -> str:
    parts = [f"{name} {values[-1]:.2f}" for name, values in history.train.items()]
    parts += [f"validation {name} {values[-1]:.2f}" for name, values in history.val.items() if name == "loss"]
    return f"epoch {epoch}: {', '.join(parts)}"
