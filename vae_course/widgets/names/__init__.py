"""Names for screen readers, which ipywidgets gives neither its slider handles nor its pictures.

`names.js` runs in the page beside each widget: a handle is called what the slider's label says, a picture what its caption
or the description inside its PNG file says, and the choices of a question belong to the question. Where anywidget is
missing the widget works as before, without these names.

In Colab there are none: ipywidgets 7.7.1, its version, has no trait that becomes the `alt` of an `Image` or the label of a
slider's handle, and this part would need Colab's manager of custom widgets for every widget on the page. There the label
beside a slider and the line of text at a picture say it, and the full notebooks hold each figure with its words.
"""

import sys

import ipywidgets as widgets


def names() -> list[widgets.Widget]:
    """The part to put last into a widget; none in Colab, which shows custom widgets only where one switches them on."""
    if "google.colab" in sys.modules:
        return []
    try:
        from vae_course.widgets.names.view import NamesView
    except ImportError:
        return []
    return [NamesView(layout=widgets.Layout(display="none"))]
