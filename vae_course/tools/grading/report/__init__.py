"""What grading leaves in the folder of results: table, report, feedback pages and nbgrader's gradebook."""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

from vae_course.support.files import write
from vae_course.support.groups import grouped
from vae_course.tools.authoring import settings, source
from vae_course.tools.grading.mark.classes import digest_of, earlier, result_path, safe_name
from vae_course.tools.grading.model import Graded, Mark, Submission
from vae_course.tools.grading.report.gradebook import Course, remove_unmarked, unlocked
from vae_course.tools.grading.report.pages import feedback_page, report_page

# A spreadsheet takes a cell that begins with one of these for a formula, and runs it.
_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")


def write_results(
    folder: Path,
    graded: Sequence[Graded],
    submissions: Sequence[Submission],
    *,
    problems: Sequence[str] = (),
    note: str = "",
    gradebook: bool = True,
) -> list[Path]:
    """Write everything about a class, and name what a person opens first.

    Args:
        folder: made where it is missing; older results in it are replaced, marks given by hand in the gradebook stay.
        graded: every submission's marks.
        submissions: what was handed in.
        problems: remarks on collecting the files.
        note: how it was graded, where the reader of the report should know.
        gradebook: whether to make nbgrader's course folder too.
    """
    names = {row.student: safe_name(row.student) for row in graded}
    links = {student: f"feedback/{quote(name)}.html" for student, name in names.items()}
    # With a mark in front, Excel knows that this is UTF-8.
    write(folder / "grades.csv", b"\xef\xbb\xbf" + grades_csv(graded).encode())
    write(folder / "report.html", report_page(graded, problems=problems, links=links, note=note).encode())
    for student, own in grouped(graded, lambda row: row.student).items():
        write(folder / "feedback" / f"{names[student]}.html", feedback_page(student, own).encode())
    if gradebook:
        with unlocked(folder / "nbgrader"):
            _gradebook(folder / "nbgrader", graded, submissions, names)
    made = [folder / "grades.csv", folder / "report.html", folder / "feedback"]
    return [*made, folder / "nbgrader"] if gradebook else made


def clear_nameless(folder: Path, graded: Sequence[Graded], submissions: Sequence[Submission]) -> list[Graded]:
    """Take out what an earlier run graded as nobody's where the same file now says whose it is.

    Args:
        folder: the results.
        graded: the marks of this run.
        submissions: what this run graded.

    Returns:
        What else earlier runs graded and this one did not; what a person has marked by hand is among it and stays.
    """
    left = earlier(folder, graded)
    nobodys = [row for row in left if row.graded.nameless]
    lessons = {row.graded.lesson for row in nobodys}
    known = {(s.lesson, digest_of(s)) for s in submissions if s.lesson in lessons and not s.problem}
    students = {row.student for row in graded}
    for row in nobodys:
        student, lesson = row.graded.student, row.graded.lesson
        if (lesson, row.content) in known and remove_unmarked(folder / "nbgrader", safe_name(student), lesson):
            kept = result_path(folder, student, lesson)
            kept.unlink()
            with suppress(OSError):
                kept.parent.rmdir()
            left.remove(row)
            if student not in students | {other.graded.student for other in left}:
                (folder / "feedback" / f"{safe_name(student)}.html").unlink(missing_ok=True)
    return [row.graded for row in left]


def _gradebook(
    folder: Path, graded: Sequence[Graded], submissions: Sequence[Submission], names: dict[str, str]
) -> None:
    course = Course(folder, names)
    checkout = settings.read()
    lessons = {row.lesson for row in graded}
    for path in source.discover(checkout.solutions):
        if path.stem in lessons:
            course.add_lesson(path, checkout)
    course.add(graded, submissions)


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
        writer.writerow([without_formula(value) for value in _row(row, exercises)])
    return text.getvalue()


def _row(row: Graded, exercises: Sequence[str]) -> list[str]:
    marks = {mark.exercise: mark for mark in row.marks}
    cells = [_points(marks.get(id)) for id in exercises]
    totals = [str(row.points), str(row.max_points), str(row.to_mark)]
    return [row.student, row.lesson, *totals, *cells, " / ".join(row.reasons), row.name]


def _points(mark: Mark | None) -> str:
    return "" if mark is None or mark.status == "written" else str(mark.points)


def without_formula(value: str) -> str:
    """The same text on one line, with an apostrophe before what a spreadsheet would take for a formula; numbers stay numbers.

    A semicolon becomes a comma: where decimals have commas, a spreadsheet begins a new cell at each semicolon.
    """
    text = re.sub(r"[\0\t\r\n]", " ", value).replace(";", ",")
    is_number = text.removeprefix("-").replace(".", "", 1).isdecimal()
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) and not is_number else text
