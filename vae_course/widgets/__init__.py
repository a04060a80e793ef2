"""Things to move by hand: a thin shell of core ipywidgets over functions that can be tested without a browser.

Only what ipywidgets 7.7.1 has too is used, because Colab brings that version.
"""

from vae_course.widgets.explorer import LatentExplorer
from vae_course.widgets.live import LiveCurves

__all__ = ["LatentExplorer", "LiveCurves"]
