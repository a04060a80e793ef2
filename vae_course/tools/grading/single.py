"""One submission to its marks: nothing that it contains raises an error."""

import secrets
import time

from vae_course.exercises.model import Exercise
from vae_course.tools.grading import lessons, notebook
from vae_course.tools.grading.errors import GradingError
from vae_course.tools.grading.lessons import Lesson
from vae_course.tools.grading.marking import marks
from vae_course.tools.grading.model import Graded, Mark, Submission
from vae_course.tools.grading.running import Runner
from vae_course.tools.grading.salvage import Found, salvage
from vae_course.tools.grading.sandbox import DEFAULT_LIMITS, Limits


def draw_seed() -> int:
    """A seed for hidden inputs that nobody can know beforehand; never that of the notebook's own check."""
    return 1 + secrets.randbelow((1 << 31) - 1)


def grade_submission(
    submission: Submission, *, limits: Limits = DEFAULT_LIMITS, sandbox: bool = True, seed: int | None = None
) -> Graded:
    """The marks of one submission.

    Args:
        submission: what was handed in.
        limits: what each answer may use.
        sandbox: run student code in bubblewrap; without, it runs with your own rights.
        seed: source of the hidden inputs; drawn where it is None. Honest answers get the same marks from any.

    Raises:
        SandboxMissing: there is no sandbox here.
        GradingError: there is no such lesson, no checkout of the course, or the sandbox doesn't start.
    """
    start = time.monotonic()
    lesson = lessons.load(submission.lesson)
    if submission.problem:
        return _unreadable(submission, lesson, submission.problem)
    try:
        read = notebook.read(submission.content)
        found = salvage(read, lesson)
    except notebook.Unreadable as error:
        return _unreadable(submission, lesson, str(error))
    except Exception as error:  # whatever an ingenious file does to the reader
        return _unreadable(submission, lesson, f"The notebook could not be read ({type(error).__name__}).")
    made = _marks(lesson, found, limits=limits, boxed=sandbox, seed=draw_seed() if seed is None else seed)
    doubts = [*submission.doubts, *read.doubts]
    if read.lesson and read.lesson != lesson.name:
        doubts.append(f"The notebook says that it is of lesson {read.lesson}, not {lesson.name}.")
    elif all(m.status == "missing" for m in made):
        doubts.append("None of the lesson's exercises is in the notebook: perhaps it is another one.")
    seconds = round(time.monotonic() - start, 2)
    return Graded(submission.student, lesson.name, submission.name, made, "", tuple(doubts), seconds)


def _marks(lesson: Lesson, found: dict[str, Found], *, limits: Limits, boxed: bool, seed: int) -> tuple[Mark, ...]:
    to_run = [e for e in lesson.exercises if isinstance(e, Exercise) and found[e.id].state == "answer"]
    if not to_run:
        return marks(lesson.exercises, found, None, seed)
    with Runner(to_run, limits, boxed=boxed) as runner:
        return marks(lesson.exercises, found, runner, seed)


def _unreadable(submission: Submission, lesson: Lesson, problem: str) -> Graded:
    missing = tuple(Mark(e.id, "missing", 0, e.points, problem) for e in lesson.exercises)
    return Graded(submission.student, lesson.name, submission.name, missing, problem, submission.doubts)


__all__ = ["GradingError", "draw_seed", "grade_submission"]
