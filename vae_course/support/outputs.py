"""What a cell shows: HTML in a notebook, with the same in plain text beside it, and only that text anywhere else.

The HTML needs neither a style sheet nor a script, so that it looks alike in JupyterLab, Colab, VS Code, the book and a
notebook that is not trusted. It sets no colour of text or page, so both follow the page, light or dark; the colours of
the bars stand out on either.
"""

import html
import re
from collections.abc import Callable, Sequence
from enum import Enum
from typing import Any, Generic, TypeVar

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


class Lines(Generic[Line]):
    """One output below a cell, to which lines are added; the next cell begins one of its own.

    Args:
        rich: from the cell's lines so far to HTML; in plain text each line is its `str`.
    """

    def __init__(self, rich: Callable[[Sequence[Line]], str]) -> None:
        self._rich = rich
        self._lines: list[Line] = []
        self._handle: Any = None

    def add(self, line: Line) -> None:
        """Show one more line; outside a notebook it is printed."""
        shell = notebook()
        if shell is None:
            print(line)
            return
        begun = self._handle is not None
        if not begun:
            self._begin(shell)
        self._lines.append(line)
        bundle = {"text/html": self._rich(self._lines), "text/plain": "\n".join(map(str, self._lines))}
        (self._handle.update if begun else self._handle.display)(bundle, raw=True)

    def _begin(self, shell: Any) -> None:
        from IPython.display import DisplayHandle

        self._lines, self._handle = [], DisplayHandle()

        def finish(*_: object) -> None:
            shell.events.unregister("post_run_cell", finish)
            self._handle = None

        shell.events.register("post_run_cell", finish)


def table(rows: Sequence[str], name: str) -> str:
    """Rows of HTML as a table that is as wide as it needs to be, with a class name by which a page finds it."""
    style = "table-layout: auto; width: auto; margin: 4px 0; border-collapse: collapse"
    return f'<table class="{name}" style="{style}"><tbody>{"".join(rows)}</tbody></table>'


def row(head: str, *cells: str) -> str:
    """A row of a table: what it is about, and its cells, all of them HTML."""
    padding = "padding: 1px 10px 1px 0; vertical-align: top"
    first = f'<th scope="row" style="text-align: left; font-weight: normal; {padding}">{head}</th>'
    rest = (
        f'<td style="text-align: left; font-variant-numeric: tabular-nums; {padding}">{cell}</td>' for cell in cells
    )
    return f"<tr>{first}{''.join(rest)}</tr>"


def tick(*words: str) -> str:
    """A tick, with what was allowed behind it."""
    line = '<summary style="cursor: pointer; white-space: nowrap" aria-label="holds">✓</summary>'
    return f"<details>{line}{'<br>'.join(html.escape(part) for part in words)}</details>"


def digits(value: float) -> str:
    """A number with four digits and a proper minus sign."""
    large, small = abs(value) >= 1e4, 0 < abs(value) < 1e-3
    return f"{value:{',.0f' if large else '.1e' if small else '.4g'}}".replace("-", "−")


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
    """Blocks of HTML behind a line of text that opens them by a click or the Enter key, without a kernel."""
    line = f'<summary style="cursor: pointer">{prose(summary)}</summary>'
    return f'<details style="margin: 4px 0">{line}<div style="margin-left: 16px">{"".join(blocks)}</div></details>'
