"""The verdict on an answer. `judge` knows its outcomes alone: values are compared with values, no learner's code runs."""

import functools
from collections.abc import Iterator
from typing import Any

import numpy as np

from vae_course.exercises import stages, variations
from vae_course.exercises.comparing import FLOATS, agree, same_numbers, same_values
from vae_course.exercises.diagnosis import Rerun, contrast, diagnose, half_written
from vae_course.exercises.lessons import get
from vae_course.exercises.model import (
    Answer,
    Exercise,
    Inputs,
    Misconception,
    Report,
    UnknownExercise,
    Verdict,
    Written,
)
from vae_course.exercises.outcomes import Cause, Outcome, Value, run_answer
from vae_course.exercises.reading import Unread
from vae_course.exercises.remarks import is_an_input, one_number_throughout, reshaped, same_factor
from vae_course.exercises.surroundings import plain
from vae_course.support.words import count

# Where so many wrong results are those of a known mistake, so few that are right may be spared by it.
FEWEST_WRONG, MOST_SPARED = 5, 2
INCOMPARABLE = "Your function's result can't be compared with the right one."


def evaluate(id: str, answer: Any, *, seed: int = 0) -> Report:
    """The verdict on an answer; it never prints and never raises.

    Args:
        id: the exercise.
        answer: the learner's function.
        seed: source of the inputs; the same seed gives the same report.
    """
    try:
        exercise = get(id)
    except UnknownExercise as error:
        return Report(Verdict.UNKNOWN, 0, str(error))
    if isinstance(exercise, Written):
        return Report(Verdict.WRITTEN, 0, f"A person reads this answer ({count(exercise.points, 'point')}).")
    if type(answer) is Unread:  # isinstance would ask the learner's object for its class
        return Report(Verdict.FAILED, 0, answer.words)
    try:
        outcomes = run_answer(exercise, answer, _cases(exercise, seed))
        return judge(exercise, outcomes, seed=seed, rerun=functools.partial(_both, exercise, answer))
    except Exception:  # an object of the learner's own that can't even be looked at
        return Report(Verdict.FAILED, 0, INCOMPARABLE)


def judge(
    exercise: Exercise, outcomes: list[Outcome], *, seed: int, rerun: Rerun | None = None, varied: bool = True
) -> Report:
    """Compare the outcomes of an answer with those of the reference on `exercise.cases(seed)`.

    A pass is looked for first, then what is not written yet, then a misconception with the same outcomes, then a variation
    of the worked answer with the same values, then what differs.

    Args:
        exercise: what was asked.
        outcomes: what the answer gave on each case.
        seed: source of the cases.
        rerun: runs the answer and the reference on further inputs, where the answer is at hand.
        varied: whether variations are tried, which may take some seconds.
    """
    stubs = [outcome.failure is not None and outcome.failure.kind == Cause.STUB for outcome in outcomes]
    if all(stubs):
        return Report(Verdict.NOT_TRIED, 0, "Replace `raise NotImplementedError` by your answer, then run this again.")
    expected = _nearest(exercise, outcomes, seed)
    right = [_right(exercise, outcome, seed, i) for i, outcome in enumerate(outcomes)]
    if all(right):
        return Report(Verdict.PASSED, exercise.points, "This is right on every input.")
    if any(stubs):
        return Report(
            Verdict.FAILED, 0, half_written(exercise, _cases(exercise, seed), outcomes, expected, right, stubs)
        )
    blank = stages.left_at_zero(exercise, outcomes, expected)
    if blank:
        return Report(Verdict.FAILED, 0, blank)
    misconception = _explain(exercise, outcomes, expected, seed=seed)
    if misconception:
        return Report(Verdict.FAILED, 0, misconception.message, misconception.name)
    spared = contrast(exercise, _cases(exercise, seed), right) if _many_wrong(outcomes, right) else ""
    misconception = _explain_but_for_a_few(exercise, outcomes, right, seed=seed) if spared else None
    if misconception:
        return Report(Verdict.FAILED, 0, misconception.message + spared, misconception.name)
    constant = one_number_throughout(exercise, outcomes, expected)
    if constant:
        return Report(Verdict.FAILED, 0, constant)
    plain_to_see = (
        same_factor(outcomes, expected)
        or is_an_input(exercise, _cases(exercise, seed), outcomes, expected)
        or reshaped(exercise, outcomes, expected)
    )
    if varied and not plain_to_see and not _numbers_right(exercise, outcomes, expected):
        message = variations.explain(exercise, _cases(exercise, seed), outcomes)
        if not message and spared and sum(right) <= MOST_SPARED:
            wrong = [i for i, ok in enumerate(right) if not ok]
            message = variations.explain(
                exercise, [_cases(exercise, seed)[i] for i in wrong], [outcomes[i] for i in wrong]
            )
            message += spared if message else ""
        if message:
            return Report(Verdict.FAILED, 0, message)
    by_inputs = functools.partial(variations.explain_by_inputs, exercise, _cases(exercise, seed), outcomes)
    far_fetched = by_inputs if varied else str
    message = diagnose(exercise, _cases(exercise, seed), outcomes, expected, right, rerun, far_fetched)
    return Report(Verdict.FAILED, 0, message)


def _both(exercise: Exercise, answer: Answer, cases: list[Inputs]) -> list[tuple[Outcome, Outcome]]:
    """The outcomes of an answer and of the reference on the same inputs."""
    own, expected = (run_answer(exercise, a, cases) for a in (answer, exercise.reference))
    return list(zip(own, expected, strict=True))


def _explain(
    exercise: Exercise, outcomes: list[Outcome], expected: list[Outcome], *, seed: int
) -> Misconception | None:
    """The first misconception with the same outcomes; failing that, the first with the same wrong values."""
    tolerance = exercise.tolerance
    for misconception, wrong in _wrong_answers(exercise):
        if all(agree(o, _outcome(exercise, wrong, seed, i), tolerance) for i, o in enumerate(outcomes)):
            return misconception
    if all(same_values(o.values, e.values, tolerance) for o, e in zip(outcomes, expected, strict=True)):
        return None
    for misconception, wrong in _wrong_answers(exercise):
        pairs = ((o, _outcome(exercise, wrong, seed, i)) for i, o in enumerate(outcomes))
        if all(not o.failure and same_values(o.values, w.values, tolerance) for o, w in pairs):
            return misconception
    return None


def _many_wrong(outcomes: list[Outcome], right: list[bool]) -> bool:
    """Whether enough results are wrong numbers, neither flags nor counts nor infinite, to tell one mistake from another."""
    wrong = [o for o, ok in zip(outcomes, right, strict=True) if not ok]
    telling = [o for o in wrong if o.values and all(_is_telling(value) for value in o.values.values())]
    return len(telling) >= FEWEST_WRONG


def _is_telling(value: Value) -> bool:
    return value.dtype in FLOATS and bool(np.isfinite(value.array).all()) and bool(value.array.any())


def _explain_but_for_a_few(
    exercise: Exercise, outcomes: list[Outcome], right: list[bool], *, seed: int
) -> Misconception | None:
    """The one misconception with the same outcomes wherever the answer is wrong, which spares few of the right ones."""

    def differs(i: int, answer: Answer) -> bool:
        return not agree(outcomes[i], _outcome(exercise, answer, seed, i), exercise.tolerance)

    fine, wrong = ([i for i, ok in enumerate(right) if ok == wanted] for wanted in (True, False))
    found = {
        misconception.name: misconception
        for misconception, answer in _wrong_answers(exercise)
        if not any(differs(i, answer) for i in wrong) and sum(differs(i, answer) for i in fine) <= MOST_SPARED
    }
    return next(iter(found.values())) if len(found) == 1 else None


def _right(exercise: Exercise, outcome: Outcome, seed: int, index: int) -> bool:
    """Whether the outcome of one case is the reference's, or that of an equivalent."""
    return agree(outcome, _expected(exercise, seed)[index], exercise.tolerance) or any(
        agree(outcome, _outcome(exercise, other, seed, index), exercise.tolerance) for other in exercise.equivalents
    )


def _nearest(exercise: Exercise, outcomes: list[Outcome], seed: int) -> list[Outcome]:
    """What the reference gives, or an equivalent whose numbers the answer has: then something else is wrong with it."""
    found = [[_outcome(exercise, a, seed, i) for i in range(len(outcomes))] for a in exercise.equivalents]
    return next((e for e in found if _numbers_right(exercise, outcomes, e)), _expected(exercise, seed))


def _numbers_right(exercise: Exercise, outcomes: list[Outcome], expected: list[Outcome]) -> bool:
    """Whether nothing but the kind or the dtype is wrong with the values."""
    pairs = zip(outcomes, expected, strict=True)
    return all(not o.failure and same_numbers(o.values, e.values, exercise.tolerance) for o, e in pairs)


def _wrong_answers(exercise: Exercise) -> Iterator[tuple[Misconception, Answer]]:
    for misconception in exercise.misconceptions:
        for wrong in (misconception.answer, *misconception.variants):
            yield misconception, wrong


@functools.lru_cache(maxsize=64)
def _cases(exercise: Exercise, seed: int) -> list[Inputs]:
    with plain():
        return exercise.cases(seed)


@functools.lru_cache(maxsize=64)
def _expected(exercise: Exercise, seed: int) -> list[Outcome]:
    return run_answer(exercise, exercise.reference, _cases(exercise, seed))


@functools.lru_cache(maxsize=4096)
def _outcome(exercise: Exercise, answer: Answer, seed: int, index: int) -> Outcome:
    """The outcome of an answer of the course's on one case; most are ruled out by the first case and run no other."""
    return run_answer(exercise, answer, [_cases(exercise, seed)[index]])[0]
