"""What grading leaves in the folder of results: table, report, feedback pages and nbgrader's gradebook."""

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from ..authoring import settings, source
from ..authoring.files import write
from .feedback import feedback_page
from .gradebook import Course, by_student_and_lesson
from .model import Graded, Submission
from .report import report_page
from .table import grades_csv
from .whole import safe_name


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
    for student, own in _by_student(graded).items():
        write(folder / "feedback" / f"{names[student]}.html", feedback_page(student, own).encode())
    if gradebook:
        _gradebook(folder / "nbgrader", graded, submissions, names)
    made = [folder / "grades.csv", folder / "report.html", folder / "feedback"]
    return [*made, folder / "nbgrader"] if gradebook else made


def _by_student(graded: Sequence[Graded]) -> dict[str, list[Graded]]:
    students: dict[str, list[Graded]] = {}
    for row in graded:
        students.setdefault(row.student, []).append(row)
    return students


def _gradebook(
    folder: Path, graded: Sequence[Graded], submissions: Sequence[Submission], names: dict[str, str]
) -> None:
    course = Course(folder, names)
    checkout = settings.read()
    lessons = {row.lesson for row in graded}
    for path in source.discover(checkout.solutions):
        if path.stem in lessons:
            course.add_lesson(path, checkout)
    course.add(graded, by_student_and_lesson(submissions))
