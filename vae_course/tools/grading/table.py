"""The marks of a class as one table for spreadsheets: `grades.csv`."""

import csv
import io
import re
from collections.abc import Iterable, Sequence

from .model import Graded, Mark

# A spreadsheet takes a cell that begins with one of these for a formula, and runs it.
_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")


def grades_csv(graded: Iterable[Graded]) -> str:
    """One row for each student and lesson, one column for each exercise, as text with commas.

    A cell is empty where the lesson has no such exercise, and where a person has yet to mark a written answer; `to_mark` is
    what those are worth together. `look_at` says why a person should look, besides written answers.
    """
    rows = sorted(graded, key=lambda row: (row.student.casefold(), row.student, row.lesson))
    exercises = sorted({mark.exercise: None for row in rows for mark in row.marks}, key=lambda id: id[:2])
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["student", "lesson", "points", "max_points", "to_mark", *exercises, "look_at", "file"])
    for row in rows:
        writer.writerow([harmless(value) for value in _row(row, exercises)])
    return text.getvalue()


def _row(row: Graded, exercises: Sequence[str]) -> list[str]:
    marks = {mark.exercise: mark for mark in row.marks}
    cells = [_points(marks.get(id)) for id in exercises]
    totals = [str(row.points), str(row.max_points), str(to_mark(row))]
    return [row.student, row.lesson, *totals, *cells, " / ".join(reasons(row)), row.name]


def _points(mark: Mark | None) -> str:
    return "" if mark is None or mark.status == "written" else str(mark.points)


def to_mark(row: Graded) -> int:
    """What the written answers that wait for a person are worth."""
    return sum(mark.max_points for mark in row.marks if mark.status == "written")


def reasons(row: Graded) -> list[str]:
    """Why a person should look at a submission, its exercises named; written answers aside."""
    of_marks = [f"{mark.exercise}: {doubt}" for mark in row.marks for doubt in mark.doubts]
    return [*([row.problem] if row.problem else []), *row.doubts, *of_marks]


def harmless(value: str) -> str:
    """The same text on one line, with an apostrophe before what a spreadsheet would take for a formula; numbers stay numbers.

    A semicolon becomes a comma: where decimals have commas, a spreadsheet begins a new cell at each semicolon.
    """
    text = re.sub(r"[\0\t\r\n]", " ", value).replace(";", ",")
    is_number = text.removeprefix("-").replace(".", "", 1).isdecimal()
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) and not is_number else text
