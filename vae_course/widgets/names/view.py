"""The part that runs in the page, as an anywidget; imported only when a widget is made."""

from pathlib import Path

import anywidget


class NamesView(anywidget.AnyWidget):
    """Invisible; names what is beside it."""

    _esm = Path(__file__).parent / "names.js"
