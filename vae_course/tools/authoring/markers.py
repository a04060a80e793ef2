"""The rules for a lesson's markers, and how marked cells belong together."""

import re

from vae_course.exercises.worked import BEGIN, END

from .source import Lesson, SourceCell

_ID = re.compile(r"\d\d-[a-z0-9]+(-[a-z0-9]+)*")
# These make nbval accept a broken cell or leave it out, so a lesson that rots would look sound.
_HIDING_TAGS = ("raises-exception", "nbval-raises-exception", "nbval-skip")


def validate(lesson: Lesson) -> None:
    """Raise AuthoringError, with file and line, at the first marker of a lesson that breaks a rule."""
    _title(lesson)
    for cell in lesson.cells:
        _tags(lesson, cell)
        _no_solution(lesson, cell)
        if cell.role != "plain":
            _id(lesson, cell)
    _pairs(lesson)


def _title(lesson: Lesson) -> None:
    first = lesson.cells[0]
    if first.kind != "markdown" or not first.text.startswith(f"# {lesson.number} "):
        raise lesson.error(first.line, f"the first cell is a markdown cell that starts with `# {lesson.number} Title`.")


def _tags(lesson: Lesson, cell: SourceCell) -> None:
    hiding = [tag for tag in cell.metadata.get("tags", []) if tag in _HIDING_TAGS]
    if hiding:
        raise lesson.error(cell.line, f'the tag "{hiding[0]}" hides a broken cell from the tests; take it away.')


def _id(lesson: Lesson, cell: SourceCell) -> None:
    if not _ID.fullmatch(cell.id) or not cell.id.startswith(f"{lesson.number}-"):
        raise lesson.error(
            cell.line, f'"{cell.id}" is not an exercise id of this lesson, such as "{lesson.number}-kl".'
        )


def _no_solution(lesson: Lesson, cell: SourceCell) -> None:
    for line, text in enumerate(cell.text.splitlines(), start=cell.first_line):
        if BEGIN in text or END in text:
            raise lesson.error(line, "an answer stands in its exercise's file; name it by a cell `# %% exercise=...`.")


def _pairs(lesson: Lesson) -> None:
    seen: dict[tuple[str, str], SourceCell] = {}
    for cell in lesson.cells:
        if cell.role == "plain":
            continue
        before = seen.setdefault((cell.role, cell.id), cell)
        if before is not cell:
            raise lesson.error(cell.line, f'{cell.role}="{cell.id}" stands in line {before.line} already.')
        if cell.role == "check" and ("exercise", cell.id) not in seen:
            raise lesson.error(cell.line, f'the check "{cell.id}" has no cell marked exercise="{cell.id}" before it.')
