"""What every widget of the course shares: style, names for screen readers, an error box, a stand-in where no kernel runs."""

import html
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import ipywidgets as widgets

from vae_course.plotting.figure import SOFT_CSS, AltFigure
from vae_course.widgets.names import names

VIEW = "application/vnd.jupyter.widget-view+json"
# It touches nothing but our own classes.
CSS = """
.vae-widget { max-width: 860px; overflow: visible; padding: 2px 4px; }
.vae-widget .vae-text, .vae-widget .vae-text > div { height: auto; line-height: 1.4; white-space: normal; }
.vae-widget .vae-status, .vae-widget .widget-label, .vae-widget .widget-readout { font-variant-numeric: tabular-nums; }
.vae-widget .vae-stage { flex-flow: row wrap; align-items: flex-start; gap: 8px 28px; overflow: visible; }
.vae-widget .vae-cards { gap: 12px; flex: 0 0 auto; overflow: visible; }
.vae-widget .vae-card { flex: 0 0 auto; width: auto; overflow: visible; }
.vae-widget .vae-card img { image-rendering: pixelated; border: 1px solid #8A8A8A; width: auto; max-width: none; }
.vae-widget .vae-left { flex: 0 0 auto; max-width: 100%; gap: 6px; overflow: visible; }
.vae-widget .vae-sliders { flex: 1 1 340px; max-width: 420px; overflow: visible; }
.vae-widget .vae-buttons { flex-flow: row wrap; align-items: center; gap: 4px 8px; overflow: visible; }
.vae-widget .vae-buttons button, .vae-widget .vae-sliders button { width: auto; padding: 0 14px; }
.vae-widget button:focus-visible, .vae-widget .noUi-handle:focus, .vae-widget .ui-slider-handle:focus,
.vae-widget input:focus, .vae-widget select:focus, .vae-widget .widget-readout:focus, .vae-widget summary:focus-visible {
  outline: 3px solid #0072B2 !important; outline-offset: 2px; }
.vae-widget [role="alert"] { border: 2px solid #C00000; border-left-width: 8px; padding: 6px 10px; }
.vae-widget [role="alert"] pre { max-height: 200px; overflow: auto; }
.vae-quiz .vae-prompt { margin-top: 14px; }
.vae-widget.vae-quiz .vae-choices, .vae-widget.vae-quiz .vae-choices .widget-radio-box { height: auto; }
.vae-widget.vae-quiz .vae-choices .widget-radio-box label {
  display: block; position: relative; height: auto; line-height: 1.4; padding: 2px 0 2px 24px; }
.vae-widget.vae-quiz .vae-choices .widget-radio-box input { position: absolute; left: 0; top: 1px; margin: 0; }
"""


def named(widget: Any, *names: str) -> Any:
    """The widget itself, with these class names for the style sheet."""
    for name in names:
        widget.add_class(name)
    return widget


def text(html: str = "", *names: str) -> widgets.HTML:
    """A line of text that wraps."""
    return named(widgets.HTML(html), "vae-text", *names)


def card(caption: widgets.HTML, picture: widgets.Image) -> widgets.VBox:
    """A picture under its caption."""
    return named(widgets.VBox([caption, picture]), "vae-card")


def button_row(*buttons: widgets.Widget) -> widgets.HBox:
    """Buttons side by side."""
    return named(widgets.HBox(buttons), "vae-buttons")


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


class Shell(widgets.VBox):
    """A column of parts that is shown live where it can be, and as its stand-in elsewhere.

    Args:
        parts: what the widget consists of, from top to bottom.
        name: a class name of its own, for the style sheet and for tests.
    """

    error: ErrorBox  # of those that have callbacks which may fail

    def __init__(self, parts: Sequence[widgets.Widget], *, name: str) -> None:
        style_sheet = widgets.HTML(f"<style>{CSS}{SOFT_CSS}</style>", layout=widgets.Layout(display="none"))
        super().__init__([style_sheet, *parts, *names()])
        self.add_class("vae-widget")
        self.add_class(name)

    def static(self) -> AltFigure:
        """A picture for a page on which nothing can be moved."""
        raise NotImplementedError(f"{type(self).__name__} needs a static picture.")

    def stand_in(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """A MIME bundle and its metadata for pages without a kernel, such as GitHub's or a printed one."""
        try:
            return self.static()._repr_mimebundle_()
        except Exception as error:  # what is live still works where its parts do
            self.error.show("Drawing the static picture", error)
            return {"text/plain": f"{type(self).__name__} without its static picture: {error}"}, {}

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> tuple[dict[str, Any], dict[str, Any]]:
        """The stand-in, and the live widget where a front end can show it."""
        bundle, metadata = self.stand_in()
        # HTML would hide the widget where a front end prefers it.
        bundle = {mime: value for mime, value in bundle.items() if mime != "text/html"}
        if self.comm is not None:
            bundle[VIEW] = {"version_major": 2, "version_minor": 0, "model_id": self.model_id}
        return bundle, metadata

    def _ipython_display_(self, **_: Any) -> None:
        """The way in which ipywidgets 7 displays; its own would leave the stand-in out."""
        from IPython.display import display

        bundle, metadata = Shell._repr_mimebundle_(self)
        display(bundle, metadata=metadata, raw=True)
