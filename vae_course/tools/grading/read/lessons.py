"""The lessons as they were handed out: what a submission is compared with."""

import ast
import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass

from vae_course import exercises
from vae_course.exercises.model import AnyExercise
from vae_course.tools.authoring import AuthoringError, settings, source
from vae_course.tools.authoring.files import to_bytes
from vae_course.tools.authoring.plan import prepare
from vae_course.tools.authoring.settings import CourseSettings
from vae_course.tools.grading.model import GradingError
from vae_course.tools.grading.read import notebook
from vae_course.tools.grading.read.statements import Statement, statements_of

# The line of a check; notebooks handed out earlier have two, whose second goes on with the reference.
_CHECK = re.compile(r"\bexercises\.check\(|\bor_reference\(")


@dataclass(frozen=True, eq=False)
class Handout:
    """One lesson's student notebook as its source makes it, taken apart.

    Args:
        name: such as `04_the_elbo`.
        exercises: its exercises, in the notebook's order.
        statements: the statements of its code, without stubs and checks.
        shapes: every statement in it, in a form that layout and comments don't change.
        texts: the text of every cell, without space at its ends.
        source: the notebook's bytes.
    """

    name: str
    exercises: tuple[AnyExercise, ...]
    statements: tuple[Statement, ...]
    shapes: frozenset[str]
    texts: frozenset[str]
    source: bytes


def names(chosen: Sequence[str] = ()) -> tuple[str, ...]:
    """The names of the lessons that words such as `01-06` choose, or of all, in order.

    Raises:
        GradingError: there is no checkout of the course.
        AuthoringError: a word names no lesson.
    """
    return tuple(path.stem for path in source.choose(chosen, _course().solutions))


@functools.lru_cache(maxsize=64)
def load(name: str) -> Handout:
    """A lesson by its name, whatever lies in the folder of the student notebooks, where learners work.

    Raises:
        GradingError: there is no such lesson, or no checkout of the course.
        AuthoringError: the lesson's source is broken.
    """
    course = _course()
    path = course.solutions / f"{name}.py"
    if path not in source.discover(course.solutions):
        raise GradingError(f"There is no lesson {name!r}; the lessons are {', '.join(names())}.")
    content = to_bytes(prepare(path, course).student)
    cells = notebook.read(content).cells
    known = {exercise.id: exercise for exercise in exercises.all_exercises()}
    code = [cell for cell in cells if cell.kind == "code"]
    statements = [
        p
        for cell in code
        for p in statements_of(cell.python, cell=f"cell {cell.place}", start=cell.place * 100_000) or []
    ]
    answers = {getattr(known[id], "function", "") for cell in cells for id in cell.ids if id in known}
    return Handout(
        name=name,
        exercises=tuple(known[id] for cell in cells for id in sorted(cell.ids) if id in known),
        statements=tuple(p for p in statements if not (p.binds & answers or _CHECK.search(p.text))),
        shapes=frozenset(shape(statement.tree) for statement in statements),
        texts=frozenset(cell.text.strip() for cell in cells),
        source=content,
    )


def shape(node: ast.stmt) -> str:
    """A statement without its layout and comments."""
    try:
        return ast.dump(node)
    except (RecursionError, ValueError):  # nested too deeply, or a number of too many digits: in no lesson
        return f"a statement of line {node.lineno}"


def _course() -> CourseSettings:
    try:
        return settings.read()
    except AuthoringError:
        raise GradingError(
            "Grading compares submissions with the lessons' sources, which an installed package alone doesn't have: run it in "
            "a checkout of the course."
        ) from None
