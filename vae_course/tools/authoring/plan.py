"""What a lesson's notebooks should be, and in what they differ from the files."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nbformat import NotebookNode

from . import source
from .assemble import STAMPED, full_notebook, student_notebook
from .files import code_cells, load, outputs_hash, stamps, to_bytes, with_words, without_outputs
from .markers import validate
from .settings import CourseSettings
from .stamp import GetExercise, with_exercises

if TYPE_CHECKING:
    from vae_course.exercises.model import AnyExercise

_OLD = "is older than its lesson, an exercise, the settings or the builder"
_WORDLESS = "has a picture without its words beside it, because an older builder made it"
_BY_HAND = "was changed by hand; change the lesson's source instead"


@dataclass(frozen=True)
class Plan:
    """A lesson with the two notebooks that it should have, neither executed, and where they go."""

    lesson: source.Lesson
    full: NotebookNode
    student: NotebookNode
    full_path: Path
    student_path: Path

    def where(self, index: int, line: int = 0) -> str:
        """Name a cell of the full notebook, or a line in it (from 1), by its place in the lesson's source."""
        cells = self.full.cells
        cell_words = f"cell {index + 1}"
        if cells[index].id.endswith(STAMPED):
            return f"{self.lesson.shown}: {cell_words} (stamped by the builder)"
        own = sum(not cell.id.endswith(STAMPED) for cell in cells[:index])
        origin = self.lesson.cells[own]
        line = origin.first_line + line - 1 if line and origin.role == "plain" else origin.line
        return f"{self.lesson.shown}:{line}: {cell_words}"


def exercise_data(id: str) -> "AnyExercise":
    """The course's own data of an exercise; raises ValueError for an id that it doesn't have."""
    from vae_course import exercises

    return exercises.get(id)


def prepare(path: Path, settings: CourseSettings, *, get_exercise: GetExercise = exercise_data) -> Plan:
    """Read and check a lesson and assemble its notebooks; raises AuthoringError with file and line."""
    lesson = source.read(path, shown=settings.relative(path))
    validate(lesson)
    lesson = with_exercises(lesson, get_exercise)
    full = full_notebook(lesson, settings=settings)
    return Plan(
        lesson=lesson,
        full=full,
        student=student_notebook(full),
        full_path=settings.solutions / f"{lesson.name}.ipynb",
        student_path=settings.notebooks / f"{lesson.name}.ipynb",
    )


def stale(plan: Plan, settings: CourseSettings) -> list[str]:
    """Why a lesson's notebooks are not what its source says, one sentence each; none where they are."""
    whys = {plan.full_path: _full_is_stale(plan), plan.student_path: _student_is_stale(plan)}
    return [f"{settings.relative(path)} {why}." for path, why in whys.items() if why]


def orphans(settings: CourseSettings) -> list[str]:
    """Notebooks in either folder that have no source, one sentence each."""
    names = {path.stem for path in source.discover(settings.solutions)}
    found = sorted([*settings.solutions.glob("*.ipynb"), *settings.notebooks.glob("*.ipynb")])
    return [
        f"{settings.relative(path)} has no source {path.stem}.py: write one, or remove the notebook."
        for path in found
        if path.stem not in names
    ]


def _full_is_stale(plan: Plan) -> str:
    existing = load(plan.full_path)
    if existing is None:
        return _unreadable(plan.full_path)
    noted = stamps(existing)
    if noted.get("source_hash") != stamps(plan.full)["source_hash"]:
        return _OLD
    as_written = to_bytes(existing) == plan.full_path.read_bytes()
    if not as_written or to_bytes(without_outputs(existing)) != to_bytes(plan.full):
        return _BY_HAND
    if "outputs_hash" not in noted:
        return "has not been executed"
    if noted["outputs_hash"] != outputs_hash(existing):
        return "has outputs that were changed by hand"
    return "" if all(with_words(cell.outputs) == cell.outputs for cell in code_cells(existing)) else _WORDLESS


def _student_is_stale(plan: Plan) -> str:
    existing = load(plan.student_path)
    if existing is None:
        return _unreadable(plan.student_path)
    if plan.student_path.read_bytes() == to_bytes(plan.student):
        return ""
    same_source = stamps(existing).get("source_hash") == stamps(plan.student)["source_hash"]
    return _BY_HAND if same_source else _OLD


def _unreadable(path: Path) -> str:
    return "is not a readable notebook" if path.is_file() else "is missing"
