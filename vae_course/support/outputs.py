"""What a cell shows: HTML in a notebook, with the same in plain text beside it, and only that text anywhere else.

The HTML needs neither a style sheet nor a script, so that it looks alike in JupyterLab, Colab, VS Code, the book and a
notebook that is not trusted. It sets no colour of text or page, so both follow the page, light or dark; the colours of
the bars stand out on either.
"""

import html
import re
from enum import Enum
from typing import Any, TypeVar

Line = TypeVar("Line")


class Flag(Enum):
    """A sign and the colour of its bar; words beside it say the same."""

    RIGHT = ("✓", "#0072B2")
    WRONG = ("✗", "#D55E00")
    OPEN = ("○", "#8A8A8A")


def notebook() -> Any | None:
    """IPython's shell where it serves a notebook, else None: a terminal shows no HTML and can't redraw."""
    try:
        from IPython import get_ipython
    except ImportError:
        return None
    shell = get_ipython()
    return shell if hasattr(shell, "kernel") else None


def show(plain: str, rich: str) -> None:
    """Show HTML in a notebook, and print the text anywhere else."""
    if notebook() is None:
        print(plain)
        return
    from IPython.display import display

    display({"text/html": rich, "text/plain": plain}, raw=True)


def prose(text: str) -> str:
    """Plain text with code in backticks as HTML."""
    parts = re.split(r"`([^`]+)`", text)
    return "".join(f"<code>{html.escape(part)}</code>" if i % 2 else html.escape(part) for i, part in enumerate(parts))


def panel(mark: Flag, verdict: str, *blocks: str, after: str = "") -> str:
    """A verdict in bold beside a bar, words of HTML after it on its line, and blocks of HTML below."""
    sign, colour = mark.value
    first = f'<b><span aria-hidden="true">{sign}</span> {html.escape(verdict)}</b> {after}'
    style = f"border-left: 6px solid {colour}; padding: 2px 0 2px 12px; margin: 4px 0; max-width: 860px"
    return f'<div role="status" style="{style}">{paragraph(first)}{"".join(blocks)}</div>'


def paragraph(rich: str) -> str:
    """A paragraph of HTML."""
    return f'<p style="margin: 4px 0">{rich}</p>'


def fold(summary: str, *blocks: str) -> str:
    """Blocks of HTML behind a line that opens them by a click or the Enter key, without a kernel."""
    line = f'<summary style="cursor: pointer">{html.escape(summary)}</summary>'
    return f'<details style="margin: 4px 0">{line}<div style="margin-left: 16px">{"".join(blocks)}</div></details>'
