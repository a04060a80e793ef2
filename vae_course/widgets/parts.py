"""The pieces a widget is put together from, and their style sheet, which touches nothing but our own classes."""

from typing import Any

import ipywidgets as widgets

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
.vae-quiz [role="status"] { border-left: 6px solid #D55E00; padding: 2px 0 2px 10px; }
.vae-quiz .vae-right[role="status"] { border-left-color: #0072B2; }
"""


def style_sheet() -> widgets.HTML:
    """The style sheet, as a part that takes no room."""
    return widgets.HTML(f"<style>{CSS}</style>", layout=widgets.Layout(display="none"))


HOW_TO_MOVE = "Move a slider with the mouse, or focus it and press the arrow keys."


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


def button_row(*buttons: widgets.Button) -> widgets.HBox:
    """Buttons side by side."""
    return named(widgets.HBox(buttons), "vae-buttons")


def stage(picture: widgets.Image, *controls: widgets.Widget) -> widgets.HBox:
    """A picture and, beside or below it, a column of what moves it."""
    return named(widgets.HBox([picture, named(widgets.VBox(controls), "vae-sliders")]), "vae-stage")


def slider(label: str, *, reach: float, step: float = 0.05) -> widgets.FloatSlider:
    """A slider from -reach to reach that reports while it is dragged."""
    return widgets.FloatSlider(
        0.0,
        min=-reach,
        max=reach,
        step=step,
        description=label,
        readout_format=".2f",
        continuous_update=True,
        style={"description_width": "110px"},
        layout=widgets.Layout(width="100%"),
    )
