"""The lessons as they were handed out: what a submission is compared with."""

import ast
import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vae_course import exercises
from vae_course.exercises.model import AnyExercise
from vae_course.tools.authoring import AuthoringError, settings, source
from vae_course.tools.grading import notebook
from vae_course.tools.grading.code import Piece, pieces_of
from vae_course.tools.grading.errors import GradingError

_CHECK = re.compile(r"exercises\.(check|or_reference)\(")


@dataclass(frozen=True, eq=False)
class Lesson:
    """One lesson's student notebook, taken apart.

    Args:
        name: such as `04_the_elbo`.
        exercises: its exercises, in the notebook's order.
        pieces: the statements of its code, without stubs and checks.
        statements: every statement in it, in a form that layout and comments don't change.
        texts: the text of every cell, without space at its ends.
        source: the notebook's bytes.
    """

    name: str
    exercises: tuple[AnyExercise, ...]
    pieces: tuple[Piece, ...]
    statements: frozenset[str]
    texts: frozenset[str]
    source: bytes


def names(chosen: Sequence[str] = ()) -> tuple[str, ...]:
    """The names of the lessons that words such as `01-06` choose, or of all, in order.

    Raises:
        GradingError: there is no checkout of the course.
        AuthoringError: a word names no lesson.
    """
    return tuple(path.stem for path in source.select(chosen, _paths()))


@functools.lru_cache(maxsize=64)
def load(name: str) -> Lesson:
    """A lesson by its name.

    Raises:
        GradingError: there is no such lesson, or no checkout of the course.
    """
    path = next((path for path in _paths() if path.stem == name), None)
    if path is None:
        raise GradingError(f"There is no lesson {name!r}; the lessons are {', '.join(names())}.")
    content = path.read_bytes()
    cells = notebook.read(content).cells
    known = {exercise.id: exercise for exercise in exercises.all_exercises()}
    pieces = [piece for cell in cells if cell.kind == "code" for piece in pieces_of_cell(cell)]
    answers = {getattr(known[id], "function", "") for cell in cells for id in cell.ids if id in known}
    return Lesson(
        name=name,
        exercises=tuple(known[id] for cell in cells for id in sorted(cell.ids) if id in known),
        pieces=tuple(p for p in pieces if not (p.binds & answers or _CHECK.search(p.source))),
        statements=frozenset(shape(piece.tree) for piece in pieces),
        texts=frozenset(cell.text.strip() for cell in cells),
        source=content,
    )


def pieces_of_cell(cell: notebook.Cell) -> list[Piece]:
    """The statements of a cell that parses; none of one that doesn't."""
    return pieces_of(cell.python, cell=f"cell {cell.place}", start=cell.place * 100_000) or []


def shape(node: ast.stmt) -> str:
    """A statement without its layout and comments."""
    try:
        return ast.dump(node)
    except (RecursionError, ValueError):  # nested too deeply, or a number of too many digits: in no lesson
        return f"a statement of line {node.lineno}"


def _paths() -> list[Path]:
    try:
        folder = settings.read().notebooks
    except AuthoringError as error:
        raise GradingError(
            "Grading compares submissions with the lessons' student notebooks, which an installed package alone doesn't "
            "have: run it in a checkout of the course."
        ) from error
    return sorted(folder.glob("[0-9][0-9]_*.ipynb"))
