"""One submission to its marks: nothing that it contains raises an error."""

import time

from vae_course.exercises.model import Exercise
from vae_course.grading import lessons, notebook
from vae_course.grading.errors import GradingError
from vae_course.grading.lessons import Lesson
from vae_course.grading.marking import mark
from vae_course.grading.model import Graded, Mark, Submission
from vae_course.grading.running import Runner
from vae_course.grading.salvage import Found, salvage
from vae_course.grading.sandbox import DEFAULT_LIMITS, Limits

# The seed of the hidden inputs; another one gives other inputs and, for honest answers, the same marks.
DEFAULT_SEED = 20_260


def grade_submission(
    submission: Submission, *, limits: Limits = DEFAULT_LIMITS, sandbox: bool = True, seed: int = DEFAULT_SEED
) -> Graded:
    """The marks of one submission.

    Args:
        submission: what was handed in.
        limits: what each answer may use.
        sandbox: run student code in bubblewrap; without, it runs with your own rights.
        seed: source of the hidden inputs.

    Raises:
        SandboxMissing: there is no sandbox here.
        GradingError: there is no such lesson, no checkout of the course, or the sandbox doesn't start.
    """
    start = time.monotonic()
    lesson = lessons.load(submission.lesson)
    try:
        read = notebook.read(submission.content)
        found = salvage(read, lesson)
    except notebook.Unreadable as error:
        return _unreadable(submission, lesson, str(error))
    except Exception as error:  # whatever an ingenious file does to the reader
        return _unreadable(submission, lesson, f"The notebook could not be read ({type(error).__name__}).")
    marks = _marks(lesson, found, limits=limits, boxed=sandbox, seed=seed)
    doubts = list(read.doubts)
    if read.lesson and read.lesson != lesson.name:
        doubts.append(f"The notebook says that it is of lesson {read.lesson}, not {lesson.name}.")
    elif all(m.status == "missing" for m in marks):
        doubts.append("None of the lesson's exercises is in the notebook: perhaps it is another one.")
    seconds = round(time.monotonic() - start, 2)
    return Graded(submission.student, lesson.name, submission.name, marks, "", tuple(doubts), seconds)


def _marks(lesson: Lesson, found: dict[str, Found], *, limits: Limits, boxed: bool, seed: int) -> tuple[Mark, ...]:
    to_run = [e for e in lesson.exercises if isinstance(e, Exercise) and found[e.id].state == "answer"]
    if not to_run:
        return tuple(mark(e, found[e.id], None, seed) for e in lesson.exercises)
    with Runner(to_run, limits, boxed=boxed) as runner:
        return tuple(mark(e, found[e.id], runner, seed) for e in lesson.exercises)


def _unreadable(submission: Submission, lesson: Lesson, problem: str) -> Graded:
    marks = tuple(Mark(e.id, "missing", 0, e.points, problem) for e in lesson.exercises)
    return Graded(submission.student, lesson.name, submission.name, marks, problem)


__all__ = ["DEFAULT_SEED", "GradingError", "grade_submission"]
