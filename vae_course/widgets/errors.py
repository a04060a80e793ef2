"""Where a widget says what went wrong: an exception inside a callback is invisible in a notebook otherwise."""

import html
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import ipywidgets as widgets


class ErrorBox(widgets.HTML):
    """A place for one message, hidden while there is none."""

    def __init__(self) -> None:
        super().__init__()
        self.add_class("vae-error")
        self.clear()

    @contextmanager
    def guard(self, doing: str) -> Iterator[None]:
        """Show an exception of the block, with what was being done; clear the message when the block succeeds."""
        try:
            yield
        except Exception as error:
            self.show(doing, error)
        else:
            self.clear()

    def guarded(self, doing: str, action: Callable[[], None]) -> Callable[[Any], None]:
        """A callback for a button that shows the exception of its action."""

        def callback(_: Any) -> None:
            with self.guard(doing):
                action()

        return callback

    def show(self, doing: str, error: Exception) -> None:
        """Say what failed and why, with the traceback folded away."""
        trace = html.escape("".join(traceback.format_exception(error)))
        reason = html.escape(f"{type(error).__name__}: {error}")
        self.value = (
            f'<div role="alert"><b>Error.</b> {html.escape(doing)} failed. {reason}'
            f"<details><summary>Where it happened</summary><pre>{trace}</pre></details></div>"
        )
        self.layout.display = ""

    def clear(self) -> None:
        """Take the message away."""
        self.value = ""
        self.layout.display = "none"
