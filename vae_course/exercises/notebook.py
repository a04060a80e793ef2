"""What a learner sees: check, hints, worked answers, and the hand-over to the reference."""

import os
import textwrap

from vae_course.exercises import feedback, record, waiting
from vae_course.exercises.judging import evaluate
from vae_course.exercises.lessons import get
from vae_course.exercises.model import Answer, AnyExercise, Exercise, Report, UnknownExercise, Verdict, Written
from vae_course.exercises.outcomes import StopPressed
from vae_course.exercises.reading import Unread
from vae_course.support.outputs import notebook, show
from vae_course.support.words import count

_KEPT_BACK = "is kept back in this copy for a class; your instructor hands it out after everybody has handed in."
_withheld = False


def withhold() -> None:
    """From now on neither `hint` nor `solution` shows anything; a notebook that is released without them calls it."""
    global _withheld
    _withheld = True


def check(id: str, answer: Answer | None = None) -> Answer | None:
    """Show whether an answer is right, and if not, what went wrong; hand back what the lesson goes on with.

    In a notebook the hints are one click away, each behind the one before it, and the worked answer behind the last.
    Once an answer of the learner's own has passed, only the worked answer is there, to compare.

    An answer that runs for long is said to, and the stop button ends its check alone: the rest of the lesson can go on.

    Returns:
        The learner's function where it is right, else the course's own. While grading nothing is handed over.

    Raises:
        AssertionError: the answer is not right and the notebook is being graded, where a message alone would count
            as a pass.
    """
    own = _reference(id)
    if own is not None and answer is own and not _grading():
        words = "this is the course's own answer, handed over here; run the cell with your answer, then this one."
        show(f"{id}: {words}", feedback.own_answer(id, words))
        return answer
    report = _report(id, answer)
    text = _status_line(id, report)
    right = report.status in (Verdict.PASSED, Verdict.WRITTEN)
    if _grading() and not right:
        raise AssertionError(text)
    plain = [textwrap.fill(text, 100, break_long_words=False, break_on_hyphens=False)]
    more = []
    place = answer.place if type(answer) is Unread else ""
    if place:
        plain.append(place)
    if report.status == Verdict.PASSED and (trouble := record.remember(id)):
        plain.append(trouble)
        more.append(trouble)
    handed_back = answer
    if own is not None and not right:
        handed_back, words = own, f"the lesson goes on with the course's own `{own.__name__}`; come back when you like."
        plain.append(f"{id}: {words}")
        more.append(words[0].upper() + words[1:])
    show("\n".join(plain), feedback.verdict(id, report, more, _help(id, report.status), place))
    return handed_back


def or_reference(id: str, answer: Answer) -> Answer:
    """What a notebook calls after `check` that was built before `check` itself handed anything back.

    Raises:
        UnknownExercise: no exercise has this id.
    """
    exercise = get(id)
    if not isinstance(exercise, Exercise) or _grading() or evaluate(id, answer).status == Verdict.PASSED:
        return answer
    return exercise.reference


def progress(*lessons: str) -> record.Progress:
    """How far you have come, in all lessons or in those that are named by their two digits.

    Raises:
        ValueError: there is no such lesson.
    """
    return record.Progress(*lessons)


def hint(id: str, number: int = 1) -> None:
    """Show one of an exercise's three hints; in a notebook the next one is behind it, and at last the worked answer."""
    exercise = _find(id)
    if exercise is None:
        return
    if _withheld:
        print(f"{id}: hint {number} {_KEPT_BACK}")
        return
    most = len(exercise.hints)
    if number not in range(1, most + 1):
        print(f"{id}: there is no hint {number}; the hints are 1 to {most}.")
        return
    following = (
        f"The next one: `exercises.hint({id!r}, {number + 1})`."
        if number < most
        else f"That is the last hint: `exercises.solution({id!r})` shows the worked answer."
    )
    plain = f"{id}: hint {number} of {most}. {exercise.hints[number - 1]}\n\n{following}"
    show(plain, feedback.hint(exercise, number))


def solution(id: str) -> None:
    """Show the worked answer and why it is right; for a written answer, the rubric as well."""
    exercise = _find(id)
    if exercise is None:
        return
    if _withheld:
        print(f"{id}: the worked answer {_KEPT_BACK}")
        return
    if isinstance(exercise, Written):
        rubric = "\n".join(f"- {c.text} ({count(c.points, 'point')})" for c in exercise.rubric)
        text = f"{exercise.solution.strip()}\n\n{exercise.explanation}\n\nWhat earns the points:\n\n{rubric}"
        _show(f"{id}: a good answer.", text)
    else:
        code = f"```python\n{exercise.solution.strip()}\n```"
        _show(f"{id}: worked answer.", f"\n\n{code}\n\n{exercise.explanation}")


def _report(id: str, answer: Answer | None) -> Report:
    """The verdict; outside of grading, where the sandbox has a limit of its own, a learner may wait for it or stop it."""
    if _grading():
        return evaluate(id, answer)
    words = (
        "your function is still running. If it has a loop that never ends, the stop button ends this check, and nothing is "
        "lost."
    )
    try:
        with waiting.announced(lambda: show(f"{id}: {words}", feedback.still_running(id, words))):
            return evaluate(id, answer)
    except KeyboardInterrupt as stop:
        line = stop.line if isinstance(stop, StopPressed) else ""
        where = (
            f"while your function was at {line}. Is there a loop that never ends?" if line else "before it was done."
        )
        return Report(Verdict.FAILED, 0, f"You stopped the check {where}")


def _status_line(id: str, report: Report) -> str:
    return {
        Verdict.PASSED: f"{id}: passed ({count(report.points, 'point')})",
        Verdict.NOT_TRIED: f"{id}: not tried yet - {report.message}",
        Verdict.FAILED: f"{id}: not yet: {report.message}",
        Verdict.WRITTEN: f"{id}: {report.message}",
        Verdict.UNKNOWN: report.message,
    }[report.status]


def _help(id: str, status: Verdict) -> str:
    """What a learner may open below a verdict, as HTML; nothing in a copy for a class or while grading."""
    if _withheld or _grading():
        return ""
    if status in (Verdict.NOT_TRIED, Verdict.FAILED):
        return feedback.further(get(id))
    # Where a notebook is built, the answer above the check is the worked one.
    return feedback.worked(get(id)) if status == Verdict.PASSED and record.keeps() else ""


def _reference(id: str) -> Answer | None:
    """The course's own answer, where the exercise has one in code."""
    try:
        return getattr(get(id), "reference", None)
    except UnknownExercise:
        return None


def _find(id: str) -> AnyExercise | None:
    try:
        return get(id)
    except UnknownExercise as error:
        print(error)
        return None


def _grading() -> bool:
    return bool(os.environ.get("NBGRADER_EXECUTION"))


def _show(heading: str, text: str) -> None:
    """Markdown in a notebook, plain text anywhere else."""
    plain = f"{heading} {text}".replace("```python\n", "").replace("\n```", "")
    if notebook() is None:
        print(plain)
        return
    from IPython.display import display

    display({"text/markdown": f"**{heading}** {text}", "text/plain": plain}, raw=True)
