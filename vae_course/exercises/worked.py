"""A worked answer as text: the function as it stands in its exercise's file, without its type hints.

What learners write themselves lies between the two markers where the function holds them, else it is all that follows
the docstring.
"""

import ast
import inspect
import textwrap
from collections.abc import Callable
from typing import Any

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
_INDENT = " " * 4


def cell_text(answer: Callable[..., Any]) -> str:
    """The function as a full notebook has it: the docstring, and the solution between the markers."""
    head, docstring, body = _parts(answer)
    if not any(BEGIN in line for line in body):
        body = [_INDENT + BEGIN, *body, _INDENT + END]
    return "\n".join([head, *docstring, *body])


def solution_text(answer: Callable[..., Any]) -> str:
    """The function as a learner is shown it: no docstring, no markers."""
    head, _, body = _parts(answer)
    return "\n".join([head, *(line for line in body if BEGIN not in line and END not in line)])


def _parts(answer: Callable[..., Any]) -> tuple[str, list[str], list[str]]:
    """The head without type hints, the lines of the docstring, and those of the body."""
    source = textwrap.dedent(inspect.getsource(answer))
    function = ast.parse(source).body[0]
    assert isinstance(function, ast.FunctionDef) and ast.get_docstring(function), f"{answer} needs a docstring"
    for argument in function.args.args:
        argument.annotation = None
    head = f"def {function.name}({ast.unparse(function.args)}):"
    lines, docstring = source.rstrip().splitlines(), function.body[0]
    first, last = docstring.lineno - 1, docstring.end_lineno or docstring.lineno
    return head, lines[first:last], lines[last:]
