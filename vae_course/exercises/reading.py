"""An answer that Python can't read does not end the run: its cell says what is wrong, and the check below says it again.

Otherwise the kernel drops every cell after that one, and the check that is run later judges what the function was before.
"""

import re
import sys
import textwrap
import traceback
import warnings
from ast import PyCF_ALLOW_TOP_LEVEL_AWAIT
from typing import Any, NoReturn

from vae_course.exercises import record
from vae_course.exercises.lessons import all_exercises
from vae_course.exercises.model import Exercise

# The names of the functions that a cell defines, where `def` may be misspelt.
_HEAD = re.compile(r"^[ \t]*d\w*[ \t]+(\w+)", re.MULTILINE)


class Unread:
    """What stands for a function whose cell can't be read; raises the cell's SyntaxError when it is called."""

    def __init__(self, error: SyntaxError) -> None:
        self._error = error

    def __call__(self, *_: object, **__: object) -> NoReturn:
        raise self._error

    @property
    def words(self) -> str:
        """What is the matter, in a sentence."""
        place = f"line {self._error.lineno} of the cell" if self._error.lineno else "the cell"
        return f"Python can't read {place} with your answer: {self._error.msg}."

    @property
    def trace(self) -> str:
        """What Python says of it, as below any cell that it can't read."""
        return "".join(traceback.format_exception_only(self._error)).rstrip()

    @property
    def place(self) -> str:
        """The line, and below it a caret where Python gave up."""
        return textwrap.dedent("".join(traceback.format_exception_only(self._error)[1:-1])).rstrip()


def watch() -> None:
    """Look at each cell before it runs, where this is a notebook's kernel."""
    shell: Any = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    if hasattr(shell, "kernel"):
        shell.input_transformers_cleanup.append(_indented)
        shell.input_transformers_post.append(_readable)


def unread(source: str) -> Unread:
    """What stands for the functions of a cell that can't be read; shows its SyntaxError, as the cell itself would."""
    error = _error(source)
    assert error is not None
    answer = Unread(error)
    print(answer.trace, file=sys.stderr)
    return answer


def _indented(lines: list[str]) -> list[str]:
    """What IPython reads: it gives up on some indentation before magics are turned into Python and `_readable` can look."""
    return _readable(lines) if isinstance(_error("".join(lines)), IndentationError) else lines


def _readable(lines: list[str]) -> list[str]:
    """A cell as it is, or what shows why the cell of an answer can't be read; a grader sees each cell as it is."""
    source = "".join(lines)
    if not record.keeps() or _error(source) is None:
        return lines
    asked = {exercise.function for exercise in all_exercises() if isinstance(exercise, Exercise)}
    names = [name for name in dict.fromkeys(_HEAD.findall(source)) if name in asked]
    if not names:
        return lines
    return [f"{' = '.join(names)} = __import__({__name__!r}, fromlist=['unread']).unread({source!r})\n"]


def _error(source: str) -> SyntaxError | None:
    """Why Python can't read a cell."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # they come when the cell runs
            compile(source, "your answer", "exec", PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    except SyntaxError as error:
        lines: list[Any] = [None, *source.splitlines()]
        if error.text is None and 0 < (error.lineno or 0) < len(lines):  # Python looks for a file of that name
            error.text = lines[error.lineno or 0]
        return error
    return None
