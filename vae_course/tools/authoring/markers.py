"""The rules for a lesson's markers: what each marked cell must hold, and how marked cells belong together."""

import re

from .source import Lesson, SourceCell

BEGIN, END = "BEGIN SOLUTION", "END SOLUTION"

_ID = re.compile(r"\d\d-[a-z0-9]+(-[a-z0-9]+)*")
# These make nbval accept a broken cell or leave it out, so a lesson that rots would look sound.
_HIDING_TAGS = ("raises-exception", "nbval-raises-exception", "nbval-skip")


def validate(lesson: Lesson) -> None:
    """Raise AuthoringError, with file and line, at the first marker of a lesson that breaks a rule."""
    _title(lesson)
    for cell in lesson.cells:
        _tags(lesson, cell)
        _solution_region(lesson, cell)
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


def _solution_region(lesson: Lesson, cell: SourceCell) -> None:
    """Every answer stands between BEGIN and END, in a marked cell, and inside a function if it is code."""
    opened, found = 0, False
    for line, text in enumerate(cell.text.splitlines(), start=cell.first_line):
        if BEGIN in text:
            if opened:
                raise lesson.error(line, f"`### {BEGIN}` again before the `### {END}` of line {opened}.")
            _may_begin(lesson, cell, line=line, text=text)
            opened, found = line, True
        elif END in text:
            if not opened:
                raise lesson.error(line, f"`### {END}` without a `### {BEGIN}` before it.")
            opened = 0
    if opened:
        raise lesson.error(opened, f"`### {BEGIN}` has no `### {END}` in its cell.")
    if cell.role in ("exercise", "written") and not found:
        raise lesson.error(
            cell.line,
            f'the {cell.role} cell "{cell.id}" has no `### {BEGIN}`, so students would get the whole answer.',
        )


def _may_begin(lesson: Lesson, cell: SourceCell, *, line: int, text: str) -> None:
    if cell.role not in ("exercise", "written"):
        raise lesson.error(line, f"`### {BEGIN}` stands in a cell that is not marked exercise= or written=.")
    if cell.role == "exercise" and not text[0].isspace():
        raise lesson.error(
            line,
            f"`### {BEGIN}` stands outside a function, where the student notebook would stop;"
            " put the answer into a function.",
        )


def _pairs(lesson: Lesson) -> None:
    seen: dict[str, SourceCell] = {}
    checked: dict[str, SourceCell] = {}
    for cell in lesson.cells:
        if cell.role == "check":
            _check(lesson, cell, seen=seen, checked=checked)
            checked[cell.id] = cell
        elif cell.role != "plain":
            if cell.id in seen:
                raise lesson.error(cell.line, f'the id "{cell.id}" is already used in line {seen[cell.id].line}.')
            seen[cell.id] = cell
    for id, cell in seen.items():
        if cell.role == "exercise" and id not in checked:
            raise lesson.error(cell.line, f'the exercise "{id}" has no cell marked check="{id}".')


def _check(lesson: Lesson, cell: SourceCell, *, seen: dict[str, SourceCell], checked: dict[str, SourceCell]) -> None:
    if cell.id not in seen or seen[cell.id].role != "exercise":
        raise lesson.error(cell.line, f'the check "{cell.id}" has no cell marked exercise="{cell.id}" before it.')
    if cell.id in checked:
        raise lesson.error(cell.line, f'"{cell.id}" already has a check, in line {checked[cell.id].line}.')
    if not re.search(rf"""["']{cell.id}["']""", cell.text):
        raise lesson.error(cell.line, f'the cell marked check="{cell.id}" never mentions "{cell.id}" in its code.')
