"""The pages that people read: the instructor's report on a class, and what each student gets back.

Each is complete in itself, without scripts, and deaf to text from submissions: Jinja escapes all that the templates show.
"""

import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from vae_course.exercises import Written, get
from vae_course.exercises.lessons import NOTEBOOKS, ids
from vae_course.support.groups import grouped
from vae_course.support.words import count
from vae_course.tools.grading.model import Graded, Mark

_WORDS = {
    "passed": ("right", "Right."),
    "failed": ("wrong", "Not right yet."),
    "not tried": ("open", "Not tried."),
    "written": ("open", "A person marks this answer."),
    "missing": ("open", "Not found in what you handed in."),
    "stopped": ("wrong", "Stopped."),
}
# Nobody has found it wrong, and its message says that a person decides.
_HELD = ("open", "Not decided yet.")
# Of these, the words above say it all.
_PLAIN = ("passed", "written", "not tried", "missing")

_STATUSES = ("passed", "failed", "not tried", "missing", "stopped", "written")
_MOST = 20


def report_page(
    graded: Sequence[Graded], *, problems: Sequence[str] = (), links: Mapping[str, str] | None = None, note: str = ""
) -> str:
    """The whole report.

    Args:
        graded: every submission of the class.
        problems: remarks on collecting the files, one sentence each.
        links: the address of each student's feedback page.
        note: what the reader should know about how it was graded.
    """
    by_lesson = grouped(graded, lambda row: row.lesson)
    return _page(
        "report.html",
        "Report on the class",
        graded=sorted(graded, key=lambda row: (row.student.casefold(), row.lesson)),
        students={row.student for row in graded},
        people=[row for row in graded if row.needs_person()],
        written=sum(mark.status == "written" for row in graded for mark in row.marks),
        lessons=[_distribution(lesson, rows) for lesson, rows in sorted(by_lesson.items())],
        exercises=_exercises(mark for row in graded for mark in row.marks),
        misconceptions=_misconceptions(mark for row in graded for mark in row.marks),
        problems=problems,
        links=links or {},
        note=note,
    )


def feedback_page(student: str, graded: Sequence[Graded]) -> str:
    """One student's page with all the lessons handed in.

    It shows the marks, the messages and the student's own text. Why a person should look at an answer is the instructor's
    business and stays out, as do hidden inputs and expected values.
    """
    lessons = [(_title(row.lesson), row) for row in sorted(graded, key=lambda row: row.lesson)]
    return _page("feedback.html", f"Feedback for {student}", lessons=lessons, verdict=_verdict, title_of=_title_of)


def share(row: Graded) -> float:
    """The points earned over the points that have been decided; what waits for a person counts in neither."""
    decided = row.max_points - row.to_mark
    return row.points / decided if decided else 0.0


def _distribution(lesson: str, rows: Sequence[Graded]) -> tuple[str, tuple[float, float], list[int]]:
    """The lesson, the mean and the median of its shares in per cent, and how many submissions lie in each tenth."""
    shares = [share(row) for row in rows]
    tenths = Counter(min(int(10 * value), 9) for value in shares)
    return lesson, (100 * statistics.fmean(shares), 100 * statistics.median(shares)), [tenths[i] for i in range(10)]


def _exercises(marks: Iterable[Mark]) -> list[tuple[str, str, float | None, list[int]]]:
    """Of each exercise its id, its title, the share of right answers in per cent, where it is code, and how many have which
    status.
    """
    rows = []
    for id, own in sorted(grouped(marks, lambda mark: mark.exercise).items(), key=lambda item: item[0][:2]):
        tally = Counter(str(mark.status) for mark in own)
        in_words = id in ids() and isinstance(get(id), Written)
        right = None if in_words else 100 * tally["passed"] / len(own)
        rows.append((id, _title_of(id), right, [tally[status] for status in _STATUSES]))
    return rows


def _misconceptions(marks: Iterable[Mark]) -> list[tuple[Mark, int]]:
    """The most frequent misconceptions, each by a mark that has it, and how often."""
    groups = grouped((mark for mark in marks if mark.misconception), lambda mark: (mark.exercise, mark.misconception))
    ordered = sorted(groups.items(), key=lambda item: (-len(item[1]), item[0]))[:_MOST]
    return [(own[-1], len(own)) for _, own in ordered]


def _title(lesson: str) -> str:
    """As in the course: 04 The ELBO; of a lesson of the instructor's own, what its file is called."""
    number = lesson[:2]
    name, title = NOTEBOOKS.get(number, (None, ""))
    return f"{number} {title}" if name == lesson else lesson.replace("_", " ")


def _verdict(mark: Mark) -> tuple[str, str, str]:
    """How an answer looks on its student's page, the verdict in words, and the message."""
    kind, words = _HELD if mark.held else _WORDS[mark.status]
    return kind, words, "" if mark.status in _PLAIN else mark.message


def _title_of(exercise: str) -> str:
    """The title of an exercise; of an unknown one, its id."""
    return get(exercise).title if exercise in ids() else exercise


def _page(template: str, title: str, **shown: Any) -> str:
    """A whole page from the template of this name."""
    pages = Environment(
        autoescape=True,
        loader=FileSystemLoader(Path(__file__).with_name("templates")),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return pages.get_template(template).render(title=title, count=count, **shown)
