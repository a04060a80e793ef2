"""From a lesson's source to its two notebooks, before anything is executed."""

import copy
import hashlib
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from nbformat import NotebookNode, v4

from vae_course.exercises.worked import BEGIN, END

from . import costs, minutes
from .minutes import Minutes
from .settings import CourseSettings
from .source import Lesson, SourceCell
from .stamp import INSTALL_METADATA, box, install_code, with_badges, with_claims, with_time

if TYPE_CHECKING:
    from vae_course.exercises.model import AnyExercise

# Part of every hash: raise it when a change of the builder must rebuild, and so re-execute, every lesson.
BUILDER_VERSION = 4

CODE_STUB = ("# your code here", "raise NotImplementedError")
TEXT_STUB = ("*Write your answer here.*",)

# How the ids of cells end that are no part of the lesson's source; an exercise's own id holds no underscore.
STAMPED = ("_box", "_install")


def full_notebook(lesson: Lesson, *, settings: CourseSettings) -> NotebookNode:
    """The full notebook without outputs: stamped, and with nbgrader's metadata on the marked cells."""
    cost, takes = costs.load(settings).get(lesson.name), minutes_of(lesson, settings)
    cells: list[NotebookNode] = []
    for position, (cell, id) in enumerate(zip(lesson.cells, _ids(lesson), strict=True)):
        if cell.task and cell.role != "check":
            cells.append(v4.new_markdown_cell(box(cell.task), id=f"{cell.id}_box"))
        text = with_time(with_claims(lesson, cell), takes, cost) if cell.kind == "markdown" else cell.text
        cells.append(_cell(cell, text, id=id))
        if position == 0:
            cells[0].source = with_badges(text, settings, lesson.name)
            cells.append(_install(lesson, settings))
    notebook = v4.new_notebook(cells=cells, metadata=_metadata(lesson))
    shown = _quiz(lesson)
    notebook.metadata.vae_course.update(
        source_hash=_source_hash(lesson, cells, shown), run_hash=_run_hash(cells, shown)
    )
    return notebook


def minutes_of(lesson: Lesson, settings: CourseSettings) -> Minutes:
    """What a lesson takes a learner, its exercises filled in."""
    return minutes.estimate(lesson.cells, _ids(lesson), costs.load(settings).get(lesson.name))


def student_notebook(full: NotebookNode) -> NotebookNode:
    """The student notebook: the full one, not executed, with every answer replaced by a stub."""
    student = copy.deepcopy(full)
    del student.metadata.vae_course["run_hash"]
    for cell in student.cells:
        cell.source = _without_solution(cell)
    return student


def _cell(cell: SourceCell, text: str, *, id: str) -> NotebookNode:
    new = {"code": v4.new_code_cell, "markdown": v4.new_markdown_cell}.get(cell.kind, v4.new_raw_cell)
    node: NotebookNode = new(text, metadata=dict(cell.metadata), id=id)
    if cell.task:
        node.metadata["nbgrader"] = _nbgrader(cell, cell.task)
    return node


def _install(lesson: Lesson, settings: CourseSettings) -> NotebookNode:
    cell: NotebookNode = v4.new_code_cell(
        install_code(settings), metadata=copy.deepcopy(INSTALL_METADATA), id=f"{lesson.number}_install"
    )
    return cell


def _grade_id(cell: SourceCell) -> str:
    return f"{cell.id}_check" if cell.role == "check" else cell.id


def _nbgrader(cell: SourceCell, task: "AnyExercise") -> dict[str, Any]:
    """The metadata of a marked cell that nbgrader reads, schema 3."""
    graded = cell.role in ("check", "written")
    metadata = {
        "schema_version": 3,
        "grade_id": _grade_id(cell),
        "cell_type": cell.kind,
        "grade": graded,
        "solution": cell.role in ("exercise", "written"),
        "locked": cell.role == "check",
        "task": False,
    }
    return metadata | {"points": task.points} if graded else metadata


def _ids(lesson: Lesson) -> list[str]:
    """The ids of a lesson's cells; those of unmarked cells are made of their text, so other edits leave them."""
    times: dict[str, int] = {}
    ids = []
    for cell in lesson.cells:
        id = _grade_id(cell) or _digest([lesson.name, cell.kind, cell.text])[:12]
        times[id] = times.get(id, 0) + 1
        ids.append(id if times[id] == 1 else f"{id}_{times[id]}")
    return ids


def _metadata(lesson: Lesson) -> dict[str, Any]:
    return {
        "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
        "language_info": {"file_extension": ".py", "mimetype": "text/x-python", "name": "python"},
        "vae_course": {"lesson": lesson.name},
    }


def _quiz(lesson: Lesson) -> str:
    """The questions that a lesson shows, which its outputs hold; "" where it shows none of the course's."""
    from vae_course import quizzes

    if "quizzes.show(" not in lesson.text or lesson.number not in quizzes.lessons():
        return ""
    return repr(quizzes.questions(lesson.number))


def _source_hash(lesson: Lesson, cells: Sequence[NotebookNode], quiz: str) -> str:
    """Changes with the lesson's text, with anything stamped into it, with its quiz, and with the builder's version."""
    return _digest([BUILDER_VERSION, lesson.text, [cell.source for cell in cells], quiz])


def _run_hash(cells: Sequence[NotebookNode], quiz: str) -> str:
    """Changes with what the outputs may depend on: all code, the exercises' boxes and the quiz, but not the prose."""
    ran = [c.source for c in cells if c.cell_type == "code" or c.id.endswith("_box")]
    return _digest([BUILDER_VERSION, ran, quiz])


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, ensure_ascii=False).encode()).hexdigest()


def _without_solution(cell: NotebookNode) -> str:
    stub = CODE_STUB if cell.cell_type == "code" else TEXT_STUB
    kept: list[str] = []
    inside = False
    for line in cell.source.split("\n"):
        if BEGIN in line:
            inside = True
            indent = line[: len(line) - len(line.lstrip())]
            kept += [indent + part for part in stub]
        elif END in line:
            inside = False
        elif not inside:
            kept.append(line)
    return "\n".join(kept)
