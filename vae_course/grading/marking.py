"""From what an answer gave to its mark, in the instructor's process: values are compared with hidden ones."""

import dataclasses
import threading

from vae_course.exercises.judging import judge
from vae_course.exercises.model import AnyExercise, Exercise, Report
from vae_course.grading import scan
from vae_course.grading.model import Mark
from vae_course.grading.running import Run, Runner
from vae_course.grading.salvage import Found

# The seed of the checks in the notebook: its inputs are public, so that a message may show them.
PUBLIC_SEED = 0
LONGEST_ANSWER = 20_000
HELD = "A person will look at this answer before it gets points."

# The reference runs with random numbers and output set aside for the whole process, so one at a time.
_one_at_a_time = threading.Lock()


def mark(exercise: AnyExercise, found: Found, runner: Runner | None, seed: int) -> Mark:
    """The mark of one exercise."""
    if isinstance(exercise, Exercise) and found.state == "answer" and runner is not None:
        return _run(exercise, found, runner, seed)
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


def _run(exercise: Exercise, found: Found, runner: Runner, seed: int) -> Mark:
    assert found.program is not None
    empty = Mark(exercise.id, "failed", 0, exercise.points, "", None, found.doubts, found.text[:LONGEST_ANSWER])
    course = scan.course_functions(found.program.pieces)
    if course:
        return dataclasses.replace(
            empty,
            held=True,
            message=f"It uses the course's own {_listed(course)}, so it was not run: write it out yourself. {HELD}",
            doubts=(*found.doubts, f"It uses the course's own {_listed(course)}, so it was not run."),
        )
    odd = scan.reaches_for(found.program.pieces)
    result = _verdict(exercise, found, runner, seed, empty)
    if not odd:
        return result
    if result.status == "passed":
        result = dataclasses.replace(result, status="failed", points=0, message=HELD, held=True)
        doubt = f"Its values are right, but it reaches for {', '.join(odd)}; worth {exercise.points} if that is honest."
    else:
        doubt = f"It reaches for {', '.join(odd)}, which no answer needs."
    return dataclasses.replace(result, doubts=(*result.doubts, doubt))


def _verdict(exercise: Exercise, found: Found, runner: Runner, seed: int, empty: Mark) -> Mark:
    """First the notebook's own inputs, which explain what is wrong, then the hidden ones, which decide."""
    for number in dict.fromkeys((PUBLIC_SEED, seed)):
        run = runner.run(exercise, found, number)
        if not run.outcomes:
            return _no_outcome(run, found, empty)
        report, sound = _judged(exercise, run, number)
        if report.status != "passed":
            break
    else:
        kept = tuple(doubt for doubt in found.doubts if "grading does not run" not in doubt)
        message = "Right: it agrees with the reference on every input."
        return dataclasses.replace(empty, status="passed", points=exercise.points, message=message, doubts=kept)
    doubts = [*found.doubts, *([] if sound else ["Its result could not be compared with the right one."])]
    if report.status == "not tried":
        doubts.append("`raise NotImplementedError` was reached, but the function holds more than that.")
        return dataclasses.replace(empty, status="not tried", message=report.message, doubts=tuple(doubts))
    if any("vae_course" in f"{o.failure.message} {o.failure.line}" for o in run.outcomes if o.failure):
        doubts.append("It reached for the course's own package while it ran.")
    message = report.message
    if number != PUBLIC_SEED and report.misconception is None:
        message = "Right for the inputs of the notebook's own check, but not for others."
    return dataclasses.replace(
        empty, message=message, misconception=report.misconception, doubts=tuple(dict.fromkeys(doubts))
    )


def _judged(exercise: Exercise, run: Run, seed: int) -> tuple[Report, bool]:
    """The verdict, and whether it could be made; a result that the comparison trips over is wrong."""
    with _one_at_a_time:
        try:
            return judge(exercise, list(run.outcomes), seed=seed), True
        except Exception:
            return Report("failed", 0, "Your function's result can't be compared with the right one."), False


def _no_outcome(run: Run, found: Found, empty: Mark) -> Mark:
    if run.piece >= 0:
        assert found.program is not None
        piece = found.program.pieces[run.piece]
        whose = "Your answer" if piece.text == found.text else f"What your answer needs from {piece.cell}"
        doubt = f"Line `{piece.text.splitlines()[0][:80]}` of {piece.cell} failed in the sandbox: {run.error}."
        return dataclasses.replace(
            empty, message=f"{whose} could not be defined: {run.error}.", doubts=(*found.doubts, doubt)
        )
    doubts = list(found.doubts)
    if run.forged:
        doubts.append("What came out of the sandbox is nothing that a run of an answer gives.")
    elif "process" in run.stopped:
        doubts.append(f"It {run.stopped}.")
    return dataclasses.replace(empty, status="stopped", message=f"Your answer {run.stopped}.", doubts=tuple(doubts))


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names)
