"""The pad's part in the browser, as an anywidget; only what shows a pad imports this module, and with it anywidget."""

from pathlib import Path
from typing import Any

import anywidget
import traitlets

from vae_course.widgets.pad.contents import PadContents

HERE = Path(__file__).parent


class PadView(anywidget.AnyWidget):
    """What the kernel and the page share: the contents, which never change, and the code and the path, which do."""

    _esm = HERE / "pad.js"
    _css = HERE / "pad.css"

    about = traitlets.Dict().tag(sync=True)
    weights = traitlets.Bytes().tag(sync=True)
    codes = traitlets.Bytes().tag(sync=True)
    classes = traitlets.Bytes().tag(sync=True)
    sheet = traitlets.Bytes().tag(sync=True)
    z = traitlets.Tuple(traitlets.Float(), traitlets.Float(), default_value=(0.0, 0.0)).tag(sync=True)
    # CBytes, because what comes from the page is a memoryview.
    path = traitlets.CBytes().tag(sync=True)

    def __init__(self, contents: PadContents, **traits: Any) -> None:
        super().__init__(about=contents.about, **contents.buffers, **traits)
