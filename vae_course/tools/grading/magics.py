"""From the text of a code cell to Python: line ends made equal, IPython's own lines taken out."""

import ast
import re
import threading
import warnings

_MAGIC_LINE = re.compile(r"^(\s*)(?:[%!?].*|(?:[\w.]+\s*(?:,\s*[\w.]+\s*)*=\s*)[%!].*|[\w.]+\?\??\s*)$")
# These run the rest of the cell as Python; every other cell magic makes another language or a file of it.
_PYTHON_CELLS = re.compile(r"%%(time|timeit|capture|prun|python3?)\b")

# Python 3.11 counts the depth of all trees under construction in one place: two threads that parse at a time, and a
# callback of the garbage collector in between (Dask has one), end in a SystemError. `catch_warnings` is for one at a time, too.
one_at_a_time = threading.Lock()


def parse(text: str) -> ast.Module | None:
    """The tree of a piece of Python, or None where it is none."""
    try:
        with one_at_a_time, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def syntax_error(text: str) -> str:
    """What is wrong with a piece of Python that does not parse, as: line 3: invalid syntax."""
    try:
        with one_at_a_time:
            ast.parse(text)
    except SyntaxError as error:
        return f"line {error.lineno}: {error.msg}"
    except (ValueError, RecursionError, MemoryError) as error:
        return str(error) or "it is nested too deeply"
    return ""


def python_of(source: str) -> str:
    """A cell's Python with every line in its place; lines for IPython or the shell become comments."""
    text = source.replace("\r\n", "\n").replace("\r", "\n").replace("\ufeff", "")
    first = next((line for line in text.split("\n") if line.strip()), "")
    if first.startswith("%%"):
        text = text.replace(first, "# " + first, 1) if _PYTHON_CELLS.match(first) else ""
    if parse(text) is not None:
        return text
    return "\n".join(_MAGIC_LINE.sub(r"\1pass  # a line for IPython", line) for line in text.split("\n"))
