"""What the builder adds to a lesson: badges, the install cell, exercises with their boxes, measured numbers, minutes, costs."""

import dataclasses
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from vae_course import claims, spreads
from vae_course.support.words import count

from . import costs
from .costs import Cost
from .minutes import Minutes
from .settings import CourseSettings
from .source import Lesson, SourceCell

if TYPE_CHECKING:
    from vae_course.exercises.model import AnyExercise

GetExercise = Callable[[str], "AnyExercise"]

# A number that a cell of the course measures, such as {{mnist:07-grey-test-loss}}, or how far it moves with the seed,
# {{mnist:07-grey-test-loss:spread}}.
_CLAIM = re.compile(r"\{\{(\w+):([\w-]+)(:spread)?\}\}")
# What looks like one and is none, such as a name with a point in it.
_NO_CLAIM = re.compile(r"\{\{\w+:[^{}]*\}\}")

# The paragraph that says how long a lesson takes.
_TIME = re.compile(r"^\*\*Time:\*\*(.*(?:\n.+)*)", re.MULTILINE)

_DIFFICULTY = ("very easy", "easy", "moderate", "hard", "very hard")

# Folded in Colab, whose form has the first line as its title, and in JupyterLab, which shows that line too.
INSTALL_METADATA = {"cellView": "form", "jupyter": {"source_hidden": True}}
_INSTALL = """\
# @title Set-up: find the course's package, or install it in Colab, where all else stays as it is
import importlib.util
import sys

if "google.colab" in sys.modules and importlib.util.find_spec("vae_course") is None:
    %pip install --quiet "git+{repository}@{branch}"
    importlib.invalidate_caches()
if importlib.util.find_spec("vae_course") is None:
    raise ModuleNotFoundError(
        "vae_course is not installed: run `make lab` in the course's folder, or in Colab this cell again."
    )
_ = importlib.import_module("vae_course")  # before PyTorch, which reads on loading how its threads shall wait"""


def in_colab(settings: CourseSettings, path: str) -> str:
    """Where Colab opens a notebook of the repository."""
    return f"https://colab.research.google.com/github/{settings.owner}/{settings.name}/blob/{settings.branch}/{path}"


def badges(settings: CourseSettings, lesson_name: str) -> str:
    """Markdown links that open the student notebook in Colab and in Binder."""
    path = f"notebooks/{lesson_name}.ipynb"
    place = f"{settings.owner}/{settings.name}"
    # Binder reads everything up to the `?` as the branch's name, but only with its slashes escaped.
    binder = f"https://mybinder.org/v2/gh/{place}/{settings.branch.replace('/', '%2F')}?urlpath=lab/tree/{path}"
    return (
        f"[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]({in_colab(settings, path)})\n"
        f"[![Open in Binder](https://mybinder.org/badge_logo.svg)]({binder})"
    )


def with_badges(title_cell: str, settings: CourseSettings, lesson_name: str) -> str:
    """The title cell with the badges right below its title."""
    title, _, rest = title_cell.partition("\n")
    parts = (title, badges(settings, lesson_name), rest.strip("\n"))
    return "\n\n".join(part for part in parts if part)


def with_time(text: str, minutes: Minutes, cost: Cost | None) -> str:
    """Prose with what the lesson takes before the paragraph on time and what running it costs after, if that is there."""
    needs = f"\n{costs.sentence(cost)}" if cost else ""
    return _TIME.sub(lambda match: f"**Time:** {minutes.sentence}{match[1]}{needs}", text)


def with_claims(lesson: Lesson, cell: SourceCell) -> str:
    """A cell's prose with the stated numbers in place of their names; raises AuthoringError for one nobody measured."""
    if wrong := _NO_CLAIM.search(_CLAIM.sub("", cell.text)):
        raise lesson.error(cell.line, f"{wrong[0]} names no number: a name has letters, digits, - and _ only.")
    if claims.recording():
        return cell.text
    try:
        return _CLAIM.sub(lambda match: (spreads if match[3] else claims).text(match[2], match[1]), cell.text)
    except claims.ClaimError as error:
        raise lesson.error(cell.line, str(error)) from None


def install_code(settings: CourseSettings) -> str:
    """The first code cell: installs the package in Colab, is silent where it is, else says what to do."""
    return _INSTALL.format(repository=settings.repository, branch=settings.branch)


def with_exercises(lesson: Lesson, get_exercise: GetExercise) -> Lesson:
    """The lesson with each exercise's answer in the place of its marker, and its check behind, unless it is marked too.

    Raises:
        AuthoringError: there is no such exercise, or its data can't be shown; with file and line.
    """
    apart = {cell.id for cell in lesson.cells if cell.role == "check"}
    cells: list[SourceCell] = []
    for cell in lesson.cells:
        if cell.role == "plain":
            cells.append(cell)
            continue
        task = _task(lesson, cell, get_exercise)
        if cell.role == "exercise":
            cells.append(_answer(cell, task))
        if task.kind == "code" and (cell.role == "check" or cell.id not in apart):
            cells.append(_check(cell, task))
    return dataclasses.replace(lesson, cells=tuple(cells))


def _task(lesson: Lesson, cell: SourceCell, get_exercise: GetExercise) -> "AnyExercise":
    try:
        task = get_exercise(cell.id)
    except ValueError as error:
        raise lesson.error(cell.line, str(error)) from None
    if not 1 <= task.difficulty <= len(_DIFFICULTY):
        raise lesson.error(cell.line, f'"{cell.id}" has difficulty {task.difficulty}; it goes from 1 to 5.')
    if cell.role == "check" and task.kind != "code":
        raise lesson.error(cell.line, f'"{cell.id}" is answered in words, which have no check.')
    return task


def _answer(cell: SourceCell, task: "AnyExercise") -> SourceCell:
    if task.kind == "code":
        return dataclasses.replace(cell, text=task.cell, task=task)
    return dataclasses.replace(cell, kind="markdown", role="written", text=task.cell, task=task)


def _check(cell: SourceCell, task: "AnyExercise") -> SourceCell:
    name = getattr(task, "function", "")
    return dataclasses.replace(cell, role="check", text=f'{name} = exercises.check("{task.id}", {name})', task=task)


def box(task: "AnyExercise") -> str:
    """The markdown box before an exercise: title, what to do, difficulty, minutes, points, and how to get help."""
    dots = "●" * task.difficulty + "○" * (len(_DIFFICULTY) - task.difficulty)
    return (
        f"> **Exercise {task.id}: {task.title}**\n"
        ">\n"
        f"> {task.task}\n"
        ">\n"
        f"> Difficulty: {_DIFFICULTY[task.difficulty - 1]} ({dots}), {task.difficulty} of 5 · "
        f"about {count(task.minutes, 'minute')} · {count(task.points, 'point')}\n"
        ">\n"
        f'> Stuck? Hint: `exercises.hint("{task.id}")` · Answer: `exercises.solution("{task.id}")`'
    )
