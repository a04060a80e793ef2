"""One submission to its marks: it is read, its answers run in the sandbox, and out here their values meet the right ones.

Nothing that a submission contains raises an error. `suspicions` says what an answer reaches for that no answer needs,
`classes` marks a whole class.
"""

import dataclasses
import re
import secrets
import threading
import time
from collections.abc import Iterator, Mapping, Sequence

import torch

from vae_course.exercises.judging import INCOMPARABLE, judge
from vae_course.exercises.model import AnyExercise, Exercise, Report, Verdict
from vae_course.support.words import listed
from vae_course.tools.grading.mark import suspicions
from vae_course.tools.grading.model import Graded, Mark, Submission
from vae_course.tools.grading.read import Attempt, attempts_in, lessons, notebook, quoted
from vae_course.tools.grading.read.lessons import Handout
from vae_course.tools.grading.sandbox import Run, Sandbox, Sandboxes
from vae_course.tools.grading.sandbox.limits import DEFAULT_LIMITS, Limits, StopKind

# The seed of the checks in the notebook: its inputs are public, so that a message may show them.
PUBLIC_SEED = 0
NOT_FOR_OTHERS = "Right for the inputs of the notebook's own check, but not for others."
PASSED_THERE = "The notebook shows that its check passed, and here, on the same inputs, it did not."
HELD = "A person will look at this answer before it gets points."

_DEVICE = re.compile(r"\b(cuda|mps|xpu)\b")

# The reference runs with random numbers and output set aside for the whole process, so one at a time.
_one_at_a_time = threading.Lock()


def draw_seed() -> int:
    """A seed for hidden inputs that nobody can know beforehand; never that of the notebook's own check."""
    return 1 + secrets.randbelow((1 << 31) - 1)


def grade_submission(
    submission: Submission,
    *,
    limits: Limits = DEFAULT_LIMITS,
    sandbox: bool = True,
    seed: int | None = None,
    sandboxes: Sandboxes | None = None,
) -> Graded:
    """The marks of one submission.

    Args:
        submission: what was handed in.
        limits: what each answer may use.
        sandbox: run student code in bubblewrap; without, it runs with your own rights.
        seed: source of the hidden inputs; drawn where it is None. Honest answers get the same marks from any.
        sandboxes: those of its class; where it is None, it gets one that ends with it.

    Raises:
        SandboxMissing: there is no sandbox here.
        GradingError: there is no such lesson, no checkout of the course, or the sandbox doesn't start.
    """
    start = time.monotonic()
    lesson = lessons.load(submission.lesson)
    if submission.problem:
        return unmarked(submission, lesson, submission.problem)
    try:
        read = notebook.read(submission.content)
        attempts = attempts_in(read, lesson)
    except notebook.Unreadable as error:
        return unmarked(submission, lesson, str(error))
    except Exception as error:  # whatever an ingenious file does to the reader
        return unmarked(submission, lesson, f"The notebook could not be read ({type(error).__name__}).")
    code = [exercise for exercise in lesson.exercises if isinstance(exercise, Exercise)]
    with Sandboxes() as own, (sandboxes or own).sandbox(code, limits, boxed=sandbox) as box:
        marks = mark_attempts(lesson.exercises, attempts, box, draw_seed() if seed is None else seed)
    doubts = [*submission.doubts, *read.doubts]
    if read.lesson and read.lesson != lesson.name:
        doubts.append(f"The notebook says that it is of lesson {read.lesson}, not {lesson.name}.")
    elif all(mark.status == "missing" for mark in marks):
        doubts.append("None of the lesson's exercises is in the notebook: perhaps it is another one.")
    seconds = round(time.monotonic() - start, 2)
    return dataclasses.replace(unmarked(submission, lesson, ""), marks=marks, doubts=tuple(doubts), seconds=seconds)


def unmarked(submission: Submission, lesson: Handout, problem: str, *, ungraded: bool = False) -> Graded:
    """What becomes of a submission in which nothing could be graded, or (`ungraded`) has been yet."""
    message = "This has not been graded yet." if ungraded else problem
    marks = tuple(Mark(e.id, "missing", 0, e.points, message) for e in lesson.exercises)
    doubts = () if ungraded else submission.doubts
    known = Graded(submission.student, lesson.name, submission.name, marks, problem, doubts)
    return dataclasses.replace(known, ungraded=ungraded, nameless=submission.nameless)


def mark_attempts(
    exercises: Sequence[AnyExercise], attempts: Mapping[str, Attempt], sandbox: Sandbox, seed: int
) -> tuple[Mark, ...]:
    """The marks of a submission's exercises, in their order.

    First every answer runs on the notebook's own inputs, whose messages explain what is wrong, then those that are right
    run on the hidden ones, which decide. So no answer can keep hidden inputs for another one's message.

    Args:
        exercises: the exercises of one lesson.
        attempts: what the notebook holds for each of them, by its id.
        sandbox: what runs answers.
        seed: source of the hidden inputs.
    """
    made: dict[str, Mark] = {}
    for number in dict.fromkeys((PUBLIC_SEED, seed)):
        for exercise in exercises:
            if exercise.id not in made or made[exercise.id].status == "passed":
                made[exercise.id] = _mark(exercise, attempts[exercise.id], sandbox, number)
    wrong = {e.function: e.id for e in exercises if isinstance(e, Exercise) and made[e.id].status != "passed"}
    return tuple(_looked_through(_leaning(made[e.id], attempts[e.id], wrong), attempts[e.id]) for e in exercises)


def _mark(exercise: AnyExercise, attempt: Attempt, sandbox: Sandbox, number: int) -> Mark:
    """The mark of one exercise on the inputs of one seed."""
    if isinstance(exercise, Exercise) and attempt.state == "answer":
        result = _run(exercise, attempt, sandbox, number)
        # The check in the notebook has the same inputs, so it is another library, or another meaning of a name.
        differs = attempt.passed and result.status != "passed" and number == PUBLIC_SEED
        return result.but(PASSED_THERE) if differs else result
    words = {
        "not tried": "You have not tried this exercise.",
        "missing": "Your notebook has no answer to this exercise.",
        "written": "A person reads this answer.",
        "broken": attempt.message,
    }
    status = "failed" if attempt.state == "broken" else attempt.state
    return Mark(
        exercise=exercise.id,
        status=status,  # type: ignore[arg-type]
        points=0,
        max_points=exercise.points,
        message=words[attempt.state],
        doubts=attempt.doubts,
        answer=attempt.text,
    )


def _run(exercise: Exercise, attempt: Attempt, sandbox: Sandbox, number: int) -> Mark:
    assert attempt.program is not None
    sure = Mark(exercise.id, "failed", 0, exercise.points, "", None, attempt.doubts, attempt.text)
    empty = sure.but(*attempt.unsure)
    course = suspicions.course_functions(attempt.program.statements)
    if course:
        why = f"It uses the course's own {quoted(course)}, so it was not run"
        return empty.but(f"{why}.", message=f"{why}: write it out yourself. {HELD}", held=True)
    run = sandbox.run(exercise, attempt, number)
    if not run.outcomes:
        return _no_outcome(run, attempt, empty, hidden=number != PUBLIC_SEED)
    report, sound = _judged(exercise, run, number)
    if report.status == Verdict.PASSED:
        message = "This is right on every input."
        return sure.but(status="passed", points=exercise.points, message=message)
    return _wrong(report, run, empty.but(*_lacking(run, attempt)), sound=sound, hidden=number != PUBLIC_SEED)


def _lacking(run: Run, attempt: Attempt) -> Iterator[str]:
    """Why an answer may have failed for want of what the student's machine has."""
    assert attempt.program is not None
    raised = {outcome.failure.type for outcome in run.outcomes if outcome.failure}
    if raised & {"ModuleNotFoundError", "ImportError"}:
        yield "It imports something that is not here."
    if "AttributeError" in raised and (names := suspicions.not_here(attempt.program.statements)):
        yield f"It uses {quoted(names)}, which the versions here do not have (torch {torch.__version__})."
    if raised and any(_DEVICE.search(statement.text) for statement in attempt.program.statements if statement.own):
        yield "It asks for a device that is not here."


def _wrong(report: Report, run: Run, empty: Mark, *, sound: bool, hidden: bool) -> Mark:
    doubts = [] if sound else ["Its result could not be compared with the right one."]
    if report.status == Verdict.NOT_TRIED:
        doubts.append("`raise NotImplementedError` was reached, but the function holds more than that.")
        return empty.but(*doubts, status="not tried", message=report.message)
    if run.sought:
        doubts.append("It reached for the course's own package while it ran.")
    message = NOT_FOR_OTHERS if hidden and report.misconception is None else report.message
    return empty.but(*doubts, message=message, misconception=report.misconception)


def _leaning(result: Mark, attempt: Attempt, wrong: Mapping[str, str]) -> Mark:
    """The mark, with a doubt where a wrong answer calls another wrong one, for which the notebook puts the right one."""
    if attempt.program is None or result.status == "passed":
        return result
    needs = frozenset[str]().union(*(statement.needs for statement in attempt.program.statements))
    others = [name for name, id in wrong.items() if id != result.exercise and name in needs]
    if not others:
        return result
    return result.but(
        f"It calls {quoted(others)}, which did not pass; after its check, the notebook goes on with the right one."
    )


def _looked_through(result: Mark, attempt: Attempt) -> Mark:
    """The mark, held back where the code reaches for what no answer needs."""
    odd = () if attempt.program is None or result.held else suspicions.reaches_for(attempt.program.statements)
    if not odd:
        return result
    if result.status == "passed":
        doubt = f"Its values are right, but it reaches for {listed(odd)}; worth {result.max_points} if that is honest."
        return result.but(doubt, status="failed", points=0, message=HELD, held=True)
    return result.but(f"It reaches for {listed(odd)}, which no answer needs.")


def _judged(exercise: Exercise, run: Run, seed: int) -> tuple[Report, bool]:
    """The verdict, and whether it could be made; a result that the comparison trips over is wrong."""
    with _one_at_a_time:
        try:
            return judge(exercise, list(run.outcomes), seed=seed), True
        except Exception:
            return Report(Verdict.FAILED, 0, INCOMPARABLE), False


def _no_outcome(run: Run, attempt: Attempt, empty: Mark, *, hidden: bool) -> Mark:
    """The mark of a run that gave no result; what it says of itself is told only where its inputs are public."""
    if run.undefined and hidden:
        doubt = "It could not be defined in the sandbox, but only where the inputs were hidden."
        return empty.but(doubt, message=NOT_FOR_OTHERS)
    if run.undefined:
        assert attempt.program is not None
        statement, error = attempt.program.statements[run.undefined.statement], run.undefined.error
        whose = "Your answer" if statement.text == attempt.text else f"What your answer needs from {statement.cell}"
        doubt = f"Line `{statement.text.splitlines()[0][:80]}` of {statement.cell} failed in the sandbox: {error}."
        return empty.but(doubt, message=f"{whose} could not be defined: {error}.")
    assert run.stop is not None
    what = f"{run.stop.words} {run.stop.detail}" if run.stop.detail and not hidden else run.stop.words
    forged = "What came out of the sandbox is nothing that a run of an answer gives."
    doubt = forged if run.stop.kind is StopKind.FORGED else f"It {what}."
    return empty.but(doubt, status="stopped", message=f"Your answer {what}.")
