"""What one student gets back: each exercise, what was right, and what the mistake was."""

from collections.abc import Sequence

from vae_course.exercises import UnknownExercise, get
from vae_course.support.words import count

from .model import Graded, Mark
from .pages import code, page, text
from .table import to_mark

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


def feedback_page(student: str, graded: Sequence[Graded]) -> str:
    """One student's page with all the lessons handed in.

    It shows the marks, the messages and the student's own text. Why a person should look at an answer is the instructor's
    business and stays out, as do hidden inputs and expected values.
    """
    lessons = sorted(graded, key=lambda row: row.lesson)
    body = [f"<h1>Feedback for {text(student)}</h1>", *[_lesson(row) for row in lessons]]
    return page(f"Feedback for {student}", "\n".join(body))


def _lesson(row: Graded) -> str:
    waiting = to_mark(row)
    further = f", and {count(waiting, 'point')} for written answers that a person marks" if waiting else ""
    parts = [
        f"<h2>{text(row.lesson.replace('_', ' '))}</h2>",
        f"<p><strong>{row.points} of {count(row.max_points, 'point')}</strong> so far{further}. "
        f'<span class="note">File: {text(row.name)}</span></p>',
    ]
    if row.problem:
        parts.append(f"<p>Nothing in this file could be graded. {text(row.problem)} {_LOOKED_AT}</p>")
    elif row.doubts:
        parts.append(f"<p>{_LOOKED_AT}</p>")
    return "\n".join([*parts, *[_exercise(mark) for mark in row.marks if not row.problem]])


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
