"""Things to move by hand: a thin shell of core ipywidgets over functions that can be tested without a browser.

Only what ipywidgets 7.7.1 has too is used, because Colab brings that version. The one exception is the `LatentPad`, an
anywidget, which decodes in the page itself; anywidget is imported only when one is made.
"""

from vae_course.widgets.explorer import LatentExplorer
from vae_course.widgets.live import LiveCurves
from vae_course.widgets.pad import LatentPad

__all__ = ["LatentExplorer", "LatentPad", "LiveCurves"]
