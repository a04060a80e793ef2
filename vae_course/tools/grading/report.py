"""The instructor's report on a class: `report.html`."""

import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from vae_course.exercises import Exercise, UnknownExercise, get
from vae_course.support.words import count

from .feedback import title_of
from .model import Graded, Mark
from .pages import bar, histogram, page, table, text
from .table import reasons, to_mark

_TENTHS = [f"{10 * i}–{10 * i + 10}" for i in range(10)]
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
    links = links or {}
    parts = [
        "<h1>Report on the class</h1>",
        _summary(graded, note),
        *_distribution(graded),
        _success(graded),
        _misconceptions(graded),
        _people(graded, links),
        _problems(problems),
        _submissions(graded, links),
    ]
    return page("Report on the class", "\n".join(parts))


def _by_lesson(graded: Iterable[Graded]) -> dict[str, list[Graded]]:
    lessons: dict[str, list[Graded]] = defaultdict(list)
    for row in graded:
        lessons[row.lesson].append(row)
    return dict(sorted(lessons.items()))


def share(row: Graded) -> float:
    """The points earned over the points that have been decided; what waits for a person counts in neither."""
    decided = row.max_points - to_mark(row)
    return row.points / decided if decided else 0.0


def _summary(graded: Sequence[Graded], note: str) -> str:
    students = len({row.student for row in graded})
    people = sum(row.needs_person() for row in graded)
    written = sum(mark.status == "written" for row in graded for mark in row.marks)
    sentence = (
        f"{count(students, 'student')}, {count(len(graded), 'submission')}. "
        f'<a href="#people">{count(people, "submission")} to look at</a>, {count(written, "written answer")} to mark.'
    )
    return f"<p>{sentence}</p>" + (f"<p><strong>{text(note)}</strong></p>" if note else "")


def _distribution(graded: Sequence[Graded]) -> Iterable[str]:
    yield "<h2>Distribution</h2>"
    yield '<p class="note">Per cent of the points that are decided; written answers count once a person has marked them.</p>'
    for lesson, rows in _by_lesson(graded).items():
        shares = [share(row) for row in rows]
        tenths = Counter(min(int(10 * value), 9) for value in shares)
        yield f"<h3>{text(lesson)}</h3>"
        yield (
            f"<p>{count(len(rows), 'submission')}; mean {100 * statistics.fmean(shares):.0f} %, "
            f"median {100 * statistics.median(shares):.0f} %.</p>"
        )
        title = f"{lesson}: how many submissions earned which per cent of the points"
        yield histogram([tenths[i] for i in range(10)], _TENTHS, title=title)


def _marks(graded: Iterable[Graded]) -> dict[str, list[Mark]]:
    marks: dict[str, list[Mark]] = defaultdict(list)
    for row in graded:
        for mark in row.marks:
            marks[mark.exercise].append(mark)
    return dict(sorted(marks.items(), key=lambda item: item[0][:2]))


def _success(graded: Sequence[Graded]) -> str:
    rows = []
    for exercise, marks in _marks(graded).items():
        tally = Counter(str(mark.status) for mark in marks)
        rate = tally["passed"] / len(marks)
        shown = f"{100 * rate:.0f} %{bar(rate)}" if _is_code(exercise) else ""
        rows.append([text(exercise), text(title_of(exercise)), shown, *[str(tally[s] or "") for s in _STATUSES]])
    head = ["exercise", "title", "share right", "right", "wrong", "not tried", "missing", "stopped", "to mark"]
    told = "How many submissions answered each exercise, and how"
    return "<h2>Exercises</h2>\n" + table(told, head, rows, numbers=(2, 3, 4, 5, 6, 7, 8))


def _misconceptions(graded: Sequence[Graded]) -> str:
    marks = [mark for row in graded for mark in row.marks if mark.misconception]
    tally = Counter((mark.exercise, str(mark.misconception)) for mark in marks)
    messages = {(mark.exercise, str(mark.misconception)): mark.message for mark in marks}
    ordered = sorted(tally.items(), key=lambda item: (-item[1], item[0]))[:_MOST]
    rows = [[text(key[1]), text(key[0]), str(times), text(messages[key])] for key, times in ordered]
    if not rows:
        return "<h2>Misconceptions</h2>\n<p>None was recognised.</p>"
    told = "The most frequent misconceptions, and what those students were told"
    return "<h2>Misconceptions</h2>\n" + table(
        told, ["misconception", "exercise", "students", "told"], rows, numbers=(2,)
    )


def _people(graded: Sequence[Graded], links: Mapping[str, str]) -> str:
    head = '<h2 id="people">For a person to look at</h2>'
    rows = [
        [_student(row, links), text(row.lesson), "<br>".join(text(reason) for reason in reasons(row)), text(row.name)]
        for row in graded
        if row.needs_person()
    ]
    if not rows:
        return f"{head}\n<p>Nothing, besides the written answers.</p>"
    told = "Submissions whose marks may not be fair yet, and why; written answers are in the gradebook"
    return f"{head}\n" + table(told, ["student", "lesson", "why", "file"], rows)


def _problems(problems: Sequence[str]) -> str:
    head = "<h2>Not collected</h2>"
    if not problems:
        return f"{head}\n<p>Every file was understood.</p>"
    return f"{head}\n<ul>\n" + "\n".join(f"<li>{text(problem)}</li>" for problem in problems) + "\n</ul>"


def _submissions(graded: Sequence[Graded], links: Mapping[str, str]) -> str:
    rows = [
        [_student(row, links), text(row.lesson), str(row.points), str(row.max_points), str(to_mark(row) or "")]
        for row in sorted(graded, key=lambda row: (row.student.casefold(), row.lesson))
    ]
    head = ["student", "lesson", "points", "of", "to mark"]
    return "<h2>All submissions</h2>\n" + table("Points so far", head, rows, numbers=(2, 3, 4))


def _student(row: Graded, links: Mapping[str, str]) -> str:
    address = links.get(row.student)
    return f'<a href="{text(address)}">{text(row.student)}</a>' if address else text(row.student)


def _is_code(exercise: str) -> bool:
    try:
        return isinstance(get(exercise), Exercise)
    except UnknownExercise:
        return True
