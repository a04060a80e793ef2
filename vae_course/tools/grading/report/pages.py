"""The pages that people read: the instructor's report on a class, and what each student gets back.

Each is complete in itself, without scripts, and deaf to text from submissions.
"""

import html
import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from vae_course.exercises import Exercise, UnknownExercise, get
from vae_course.exercises.lessons import NOTEBOOKS
from vae_course.support.groups import grouped
from vae_course.support.words import count
from vae_course.tools.grading.model import Graded, Mark

# Nothing may load or run: should text from a submission ever get past the escaping, it still does nothing.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"

_STYLE = Path(__file__).with_name("page.css")

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
_LOOKED_AT = "A person will look at this before the mark is final."

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


def share(row: Graded) -> float:
    """The points earned over the points that have been decided; what waits for a person counts in neither."""
    decided = row.max_points - row.to_mark
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
    for lesson, rows in sorted(grouped(graded, lambda row: row.lesson).items()):
        shares = [share(row) for row in rows]
        tenths = Counter(min(int(10 * value), 9) for value in shares)
        yield f"<h3>{text(lesson)}</h3>"
        yield (
            f"<p>{count(len(rows), 'submission')}; mean {100 * statistics.fmean(shares):.0f} %, "
            f"median {100 * statistics.median(shares):.0f} %.</p>"
        )
        title = f"{lesson}: how many submissions earned which per cent of the points"
        yield histogram([tenths[i] for i in range(10)], _TENTHS, title=title)


def _success(graded: Sequence[Graded]) -> str:
    rows = []
    by_exercise = grouped((mark for row in graded for mark in row.marks), lambda mark: mark.exercise)
    for exercise, marks in sorted(by_exercise.items(), key=lambda item: item[0][:2]):
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
        [_student(row, links), text(row.lesson), "<br>".join(text(reason) for reason in row.reasons), text(row.name)]
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
        [_student(row, links), text(row.lesson), str(row.points), str(row.max_points), str(row.to_mark or "")]
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


def feedback_page(student: str, graded: Sequence[Graded]) -> str:
    """One student's page with all the lessons handed in.

    It shows the marks, the messages and the student's own text. Why a person should look at an answer is the instructor's
    business and stays out, as do hidden inputs and expected values.
    """
    lessons = sorted(graded, key=lambda row: row.lesson)
    body = [f"<h1>Feedback for {text(student)}</h1>", *[_lesson(row) for row in lessons]]
    return page(f"Feedback for {student}", "\n".join(body))


def _lesson(row: Graded) -> str:
    waiting = row.to_mark
    further = f", and {count(waiting, 'point')} for written answers that a person marks" if waiting else ""
    parts = [
        f"<h2>{text(_title(row.lesson))}</h2>",
        f"<p><strong>{row.points} of {count(row.max_points, 'point')}</strong> so far{further}. "
        f'<span class="note">File: {text(row.name)}</span></p>',
    ]
    if row.problem:
        parts.append(f"<p>Nothing in this file could be graded. {text(row.problem)} {_LOOKED_AT}</p>")
    elif row.doubts:
        parts.append(f"<p>{_LOOKED_AT}</p>")
    return "\n".join([*parts, *[_exercise(mark) for mark in row.marks if not row.problem]])


def _title(lesson: str) -> str:
    """As in the course: 04 The ELBO; of a lesson of the instructor's own, what its file is called."""
    number = lesson[:2]
    name, title = NOTEBOOKS.get(number, (None, ""))
    return f"{number} {title}" if name == lesson else lesson.replace("_", " ")


def _exercise(mark: Mark) -> str:
    kind, word = _HELD if mark.held else _WORDS[mark.status]
    said = [
        *([] if mark.status in _PLAIN else [mark.message]),
        *([_LOOKED_AT] if mark.doubts and not mark.held else []),
    ]
    message = f"<p>{text(' '.join(said))}</p>\n" if said else ""
    answer = f"<p>Your answer:</p>{code(mark.answer)}" if mark.answer.strip() else ""
    waiting = "" if mark.status == "written" or mark.held else f"{mark.points} of "
    return (
        f'<section class="exercise {kind}"><h3>{text(mark.exercise)}: {text(title_of(mark.exercise))}</h3>\n'
        f"<p><strong>{word}</strong> {waiting}{count(mark.max_points, 'point')}.</p>\n"
        f"{message}{answer}</section>"
    )


def title_of(exercise: str) -> str:
    """The title of an exercise; of an unknown one, its id."""
    try:
        return get(exercise).title
    except UnknownExercise:
        return exercise


def page(title: str, body: str) -> str:
    """A whole HTML page around a body that is HTML already."""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{text(title)}</title>\n<style>{_STYLE.read_text(encoding='utf-8')}</style>\n</head>\n<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )


def text(value: object) -> str:
    """Any value as text that HTML shows and never interprets."""
    return html.escape(str(value), quote=True)


def code(source: str) -> str:
    """Source text as it was handed in, shown and nothing else."""
    return f"<pre><code>{text(source)}</code></pre>"


def table(caption: str, head: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: Sequence[int] = ()) -> str:
    """A table with a caption and headed rows and columns; the cells are HTML already, the caption and the heads are text.

    Args:
        caption: what the table says.
        head: the heads of the columns.
        rows: a cell for each column; the first is the head of its row.
        numbers: the columns, from 0, that hold numbers.
    """
    kinds = [' class="n"' if i in numbers else "" for i in range(len(head))]
    heads = "".join(f'<th scope="col"{kind}>{text(name)}</th>' for name, kind in zip(head, kinds, strict=True))
    lines = []
    for first, *others in rows:
        cells = "".join(f"<td{kind}>{cell}</td>" for cell, kind in zip(others, kinds[1:], strict=True))
        lines.append(f'<tr><th scope="row">{first}</th>{cells}</tr>')
    body = "\n".join(lines)
    return (
        f'<div class="wide"><table>\n<caption>{text(caption)}</caption>\n<thead><tr>{heads}</tr></thead>\n'
        f"<tbody>\n{body}\n</tbody></table></div>"
    )


def bar(share: float) -> str:
    """A bar for a share from 0 to 1; its number stands beside it in the table, so that readers aloud leave it out."""
    return f'<span class="bar" aria-hidden="true"><span style="width:{100 * share:.0f}%"></span></span>'


def histogram(counts: Sequence[int], labels: Sequence[str], *, title: str) -> str:
    """Bars for a few classes as a picture with a text alternative that holds every number."""
    width, height, top, foot = 46, 120, 18, 18
    highest = max([*counts, 1])
    told = "; ".join(f"{label}: {number}" for label, number in zip(labels, counts, strict=True))
    parts = [
        f'<svg role="img" viewBox="0 0 {width * len(counts)} {height + top + foot}" width="{width * len(counts)}" '
        f'height="{height + top + foot}">',
        f"<title>{text(title)}</title><desc>{text(told)}</desc>",
    ]
    for i, (number, label) in enumerate(zip(counts, labels, strict=True)):
        tall, middle = height * number / highest, width * i + width / 2
        parts.append(
            f'<rect x="{width * i + 3}" y="{top + height - tall:.1f}" width="{width - 6}" height="{tall:.1f}"/>'
        )
        if number:
            parts.append(f'<text x="{middle}" y="{top + height - tall - 4:.1f}" text-anchor="middle">{number}</text>')
        parts.append(f'<text x="{middle}" y="{height + top + 14}" text-anchor="middle">{text(label)}</text>')
    parts.append(
        f'<line x1="0" x2="{width * len(counts)}" y1="{top + height}" y2="{top + height}" stroke="currentColor"/>'
    )
    return "\n".join([*parts, "</svg>"])
