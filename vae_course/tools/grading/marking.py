"""From what an answer gave to its mark, in the instructor's process: values are compared with hidden ones."""

import dataclasses
import threading
from collections.abc import Mapping, Sequence

from vae_course.exercises.judging import judge
from vae_course.exercises.model import AnyExercise, Exercise, Report, Verdict
from vae_course.tools.grading import scan
from vae_course.tools.grading.model import Mark
from vae_course.tools.grading.running import Run, Runner
from vae_course.tools.grading.salvage import Found, listed, quoted

# The seed of the checks in the notebook: its inputs are public, so that a message may show them.
PUBLIC_SEED = 0
LONGEST_ANSWER = 20_000
NOT_FOR_OTHERS = "Right for the inputs of the notebook's own check, but not for others."
HELD = "A person will look at this answer before it gets points."

# The reference runs with random numbers and output set aside for the whole process, so one at a time.
_one_at_a_time = threading.Lock()


def marks(
    exercises: Sequence[AnyExercise], found: Mapping[str, Found], runner: Runner | None, seed: int
) -> tuple[Mark, ...]:
    """The marks of a submission's exercises, in their order.

    First every answer runs on the notebook's own inputs, whose messages explain what is wrong, then those that are right
    run on the hidden ones, which decide. So no answer can keep hidden inputs for another one's message.

    Args:
        exercises: the exercises of one lesson.
        found: what the notebook holds for each of them, by its id.
        runner: what runs answers; None where there is none to run.
        seed: source of the hidden inputs.
    """
    made: dict[str, Mark] = {}
    for number in dict.fromkeys((PUBLIC_SEED, seed)):
        for exercise in exercises:
            if exercise.id not in made or made[exercise.id].status == "passed":
                made[exercise.id] = _mark(exercise, found[exercise.id], runner, number)
    wrong = {e.function: e.id for e in exercises if isinstance(e, Exercise) and made[e.id].status != "passed"}
    return tuple(_looked_through(_leaning(made[e.id], found[e.id], wrong), found[e.id]) for e in exercises)


def _mark(exercise: AnyExercise, found: Found, runner: Runner | None, number: int) -> Mark:
    """The mark of one exercise on the inputs of one seed."""
    if isinstance(exercise, Exercise) and found.state == "answer" and runner is not None:
        return _run(exercise, found, runner, number)
    words = {
        "not tried": "You have not tried this exercise.",
        "missing": "Your notebook has no answer to this exercise.",
        "written": "A person reads this answer.",
        "broken": found.message,
        "answer": "Your answer could not be run.",
    }
    status = "failed" if found.state in ("broken", "answer") else found.state
    return Mark(
        exercise=exercise.id,
        status=status,  # type: ignore[arg-type]
        points=0,
        max_points=exercise.points,
        message=words[found.state],
        doubts=found.doubts,
        answer=found.text[:LONGEST_ANSWER],
    )


def _run(exercise: Exercise, found: Found, runner: Runner, number: int) -> Mark:
    assert found.program is not None
    doubts = (*found.doubts, *found.unsure)
    empty = Mark(exercise.id, "failed", 0, exercise.points, "", None, doubts, found.text[:LONGEST_ANSWER])
    course = scan.course_functions(found.program.pieces)
    if course:
        return dataclasses.replace(
            empty,
            held=True,
            message=f"It uses the course's own {quoted(course)}, so it was not run: write it out yourself. {HELD}",
            doubts=(*doubts, f"It uses the course's own {quoted(course)}, so it was not run."),
        )
    run = runner.run(exercise, found, number)
    if not run.outcomes:
        return _no_outcome(run, found, empty, hidden=number != PUBLIC_SEED)
    report, sound = _judged(exercise, run, number)
    if report.status == Verdict.PASSED:
        message = "Right: it agrees with the reference on every input."
        return dataclasses.replace(empty, status="passed", points=exercise.points, message=message, doubts=found.doubts)
    return _wrong(report, run, empty, sound=sound, hidden=number != PUBLIC_SEED)


def _wrong(report: Report, run: Run, empty: Mark, *, sound: bool, hidden: bool) -> Mark:
    doubts = [*empty.doubts, *([] if sound else ["Its result could not be compared with the right one."])]
    if report.status == Verdict.NOT_TRIED:
        doubts.append("`raise NotImplementedError` was reached, but the function holds more than that.")
        return dataclasses.replace(empty, status="not tried", message=report.message, doubts=tuple(doubts))
    if any("vae_course" in f"{o.failure.message} {o.failure.line}" for o in run.outcomes if o.failure):
        doubts.append("It reached for the course's own package while it ran.")
    message = NOT_FOR_OTHERS if hidden and report.misconception is None else report.message
    return dataclasses.replace(
        empty, message=message, misconception=report.misconception, doubts=tuple(dict.fromkeys(doubts))
    )


def _leaning(result: Mark, found: Found, wrong: Mapping[str, str]) -> Mark:
    """The mark, with a doubt where a wrong answer calls another wrong one, for which the notebook puts the right one."""
    if found.program is None or result.status == "passed":
        return result
    needs = frozenset[str]().union(*(piece.needs for piece in found.program.pieces))
    others = [name for name, id in wrong.items() if id != result.exercise and name in needs]
    if not others:
        return result
    doubt = f"It calls {quoted(others)}, which did not pass; after its check, the notebook goes on with the right one."
    return dataclasses.replace(result, doubts=(*result.doubts, doubt))


def _looked_through(result: Mark, found: Found) -> Mark:
    """The mark, held back where the code reaches for what no answer needs."""
    odd = () if found.program is None or result.held else scan.reaches_for(found.program.pieces)
    if not odd:
        return result
    if result.status == "passed":
        worth = result.max_points
        result = dataclasses.replace(result, status="failed", points=0, message=HELD, held=True)
        doubt = f"Its values are right, but it reaches for {listed(odd)}; worth {worth} if that is honest."
    else:
        doubt = f"It reaches for {listed(odd)}, which no answer needs."
    return dataclasses.replace(result, doubts=(*result.doubts, doubt))


def _judged(exercise: Exercise, run: Run, seed: int) -> tuple[Report, bool]:
    """The verdict, and whether it could be made; a result that the comparison trips over is wrong."""
    with _one_at_a_time:
        try:
            return judge(exercise, list(run.outcomes), seed=seed), True
        except Exception:
            return Report(Verdict.FAILED, 0, "Your function's result can't be compared with the right one."), False


def _no_outcome(run: Run, found: Found, empty: Mark, *, hidden: bool) -> Mark:
    """The mark of a run that gave no result; what it says of itself is told only where its inputs are public."""
    if run.piece >= 0 and hidden:
        doubt = "It could not be defined in the sandbox, but only where the inputs were hidden."
        return dataclasses.replace(empty, message=NOT_FOR_OTHERS, doubts=(*empty.doubts, doubt))
    if run.piece >= 0:
        assert found.program is not None
        piece = found.program.pieces[run.piece]
        whose = "Your answer" if piece.text == found.text else f"What your answer needs from {piece.cell}"
        doubt = f"Line `{piece.text.splitlines()[0][:80]}` of {piece.cell} failed in the sandbox: {run.error}."
        return dataclasses.replace(
            empty, message=f"{whose} could not be defined: {run.error}.", doubts=(*empty.doubts, doubt)
        )
    stopped = run.stopped.partition(" (")[0] if hidden else run.stopped
    doubts = list(empty.doubts)
    if run.forged:
        doubts.append("What came out of the sandbox is nothing that a run of an answer gives.")
    elif "process" in stopped:
        doubts.append(f"It {stopped}.")
    return dataclasses.replace(empty, status="stopped", message=f"Your answer {stopped}.", doubts=tuple(doubts))
