"""From a code cell's text to Python as IPython would make it, with every line in its place; nothing is run."""

import ast
import re
from typing import Any

from IPython.core.inputtransformer2 import TransformerManager, cell_magic, leading_empty_lines

from vae_course.tools.grading.read.statements import parse

# These run the rest of the cell, or of the line, where its names are kept; every other magic makes something else of it.
_RUNNING_CELL = re.compile(r"%%(time|capture|prun)\b")
_RUNNING_LINE = re.compile(r"(?P<before>\s*)get_ipython\(\)\.run_line_magic\('(time|prun)', (?P<line>'.*'|\".*\")\)$")


class _Transformer(TransformerManager):
    """IPython's own, but a line that takes the place of several is followed by empty ones, and calls into IPython go."""

    def do_one_token_transform(self, lines: list[str]) -> tuple[bool, list[str]]:
        changed, after = super().do_one_token_transform(lines)
        if not changed:
            return changed, after
        place = next((n for n, (old, new) in enumerate(zip(lines, after, strict=False)) if old != new), len(after) - 1)
        after = [*after[:place], _without_ipython(after[place]), *after[place + 1 :]]
        return changed, [*after[: place + 1], *["\n"] * (len(lines) - len(after)), *after[place + 1 :]]


def _without_ipython(line: str) -> str:
    running = _RUNNING_LINE.match(line.rstrip("\n"))
    if running:
        inner = str(ast.literal_eval(running["line"]))
        if parse(inner) is not None and inner.strip():
            return f"{running['before']}{inner}\n"
    return line.partition("get_ipython()")[0] + "None\n"


def python_of(source: str) -> str:
    """A cell's Python, line by line; what a cell of another language holds is none."""
    text = source.replace("\r\n", "\n").replace("\r", "\n").replace("\ufeff", "")
    if parse(text) is not None:
        return text
    try:
        return _transformed(text)
    except Exception:  # whatever an ingenious cell does to IPython
        return text


def _transformed(text: str) -> str:
    blank = len(text) - len(text.lstrip("\n"))
    manager = _Transformer()
    lines = text.lstrip("\n").splitlines(keepends=True)
    cleanup: list[Any] = manager.cleanup_transforms
    for transform in cleanup:
        if transform is not leading_empty_lines:
            lines = transform(lines)
    if lines and lines[0].startswith("%%"):
        lines = ["\n", *lines[1:]] if _RUNNING_CELL.match(lines[0]) else []
    lines[-1:] = [line if line.endswith("\n") else line + "\n" for line in lines[-1:]]
    for transform in manager.line_transforms:
        if transform is not cell_magic:
            lines = transform(lines)
    return "\n" * blank + "".join(manager.do_token_transforms(lines)).removesuffix("\n")
