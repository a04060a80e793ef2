"""The stages of a build, by which its results are named: `stage 2 of 3 (by path): ...` belongs to the second of three."""

import re

from vae_course.exercises.comparing import same_values
from vae_course.exercises.model import Exercise
from vae_course.exercises.outcomes import Outcome, Value

_STAGE = re.compile(r"stage (\d+) of \d+ \([^)]*\)")


def number(name: str) -> int:
    """Which stage a result belongs to; 0 where the exercise has none."""
    found = _STAGE.match(name)
    return int(found[1]) if found else 0


def stages_of(outcome: Outcome) -> set[str]:
    """The stages that the results of a case belong to."""
    return {found[0] for name in outcome.values if (found := _STAGE.match(name))}


def first_wrong(exercise: Exercise, outcome: Outcome, target: Outcome) -> int:
    """The number of the first stage of a case with a wrong result; of its first stage at all where none is."""
    wrong = [name for name in target.values if not _same(exercise, outcome, target, name)]
    return min((number(name) for name in wrong or target.values), default=0)


def not_reached(expected: list[Outcome], right: list[bool], stubs: list[bool]) -> str:
    """Which stage is not written yet, and which hold, where an answer is right as far as it goes; empty without stages.

    Args:
        expected: what the reference gives on each case.
        right: whether the answer agrees.
        stubs: whether the answer reached its `raise NotImplementedError` instead.
    """
    rows = [(stages_of(target), ok, stub) for target, ok, stub in zip(expected, right, stubs, strict=True)]
    everywhere = set[str]().union(*(stages for stages, _, _ in rows))
    answered = set[str]().union(*(stages for stages, _, stub in rows if not stub))
    if everywhere == answered:
        return ""
    first = min(everywhere - answered, key=number)
    hold = [s for s in answered if number(s) < number(first) or all(ok for stages, ok, _ in rows if s in stages)]
    return f"{_holding(hold)}{_capital(first)} is not written yet: `raise NotImplementedError` is reached there."


def left_at_zero(exercise: Exercise, outcomes: list[Outcome], expected: list[Outcome]) -> str:
    """A sentence where each result of the first stage that is wrong is exactly 0, as in a draft; the stages before it hold."""
    if any(o.failure or o.values.keys() != e.values.keys() for o, e in zip(outcomes, expected, strict=True)):
        return ""
    hold: list[str] = []
    for stage in sorted(set[str]().union(*(stages_of(target) for target in expected)), key=number):
        results = [
            (_same(exercise, o, e, name), o.values[name], e.values[name])
            for o, e in zip(outcomes, expected, strict=True)
            for name in e.values
            if name.startswith(stage)
        ]
        if not all(same for same, _, _ in results):
            blank = all(_is_zero(own, needed) for _, own, needed in results)
            return f"{_holding(hold)}{_capital(stage)} is exactly 0 everywhere: is it written yet?" if blank else ""
        hold.append(stage)
    return ""


def _same(exercise: Exercise, outcome: Outcome, target: Outcome, name: str) -> bool:
    own = {name: outcome.values[name]} if name in outcome.values else {}
    return same_values(own, {name: target.values[name]}, exercise.tolerance)


def _is_zero(own: Value, needed: Value) -> bool:
    return own.kind == needed.kind and own.array.shape == needed.array.shape and not own.array.any()


def _holding(stages: list[str]) -> str:
    return "".join(f"{_capital(stage)} holds. " for stage in sorted(stages, key=number))


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]
