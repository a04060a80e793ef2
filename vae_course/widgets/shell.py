"""What every widget of the course shares: style, names for screen readers, a stand-in for pages without a kernel."""

from typing import Any

import ipywidgets as widgets

from vae_course.widgets.names import names
from vae_course.widgets.parts import style_sheet

VIEW = "application/vnd.jupyter.widget-view+json"


class Shell(widgets.VBox):
    """A column of parts that is shown live where it can be, and as its stand-in elsewhere.

    Args:
        parts: what the widget consists of, from top to bottom.
        name: a class name of its own, for the style sheet and for tests.
    """

    def __init__(self, parts: list[widgets.Widget], *, name: str) -> None:
        super().__init__([style_sheet(), *parts, *names()])
        self.add_class("vae-widget")
        self.add_class(name)

    def stand_in(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """A MIME bundle and its metadata for pages without a kernel, such as GitHub's or a printed one."""
        raise NotImplementedError(f"{type(self).__name__} needs a stand-in.")

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
