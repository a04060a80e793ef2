"""What is said of a build by its stages: which hold, which is wrong, and which is not written yet.

The names that the reference's results have say which stage each belongs to; an answer's results are found by them.
"""

from vae_course.exercises.comparing import same_values
from vae_course.exercises.model import Exercise
from vae_course.exercises.outcomes import Outcome, Value
from vae_course.exercises.probes import BuildStage, StageResult


def stages_of(target: Outcome) -> set[BuildStage]:
    """The stages that the reference's results on a case belong to."""
    return {name.stage for name in target.values if isinstance(name, StageResult)}


def first_wrong(exercise: Exercise, outcome: Outcome, target: Outcome) -> int:
    """The number of the first stage of a case with a wrong result; of its first stage at all where none is, 0 without any."""
    wrong = [name for name in target.values if not _same(exercise, outcome, target, name)]
    return min((_number(name) for name in wrong or target.values), default=0)


def _number(name: str) -> int:
    return name.stage.number if isinstance(name, StageResult) else 0


def not_reached(expected: list[Outcome], right: list[bool], stubs: list[bool]) -> str:
    """Which stage is not written yet, and which hold, where an answer is right as far as it goes; empty without stages.

    Args:
        expected: what the reference gives on each case.
        right: whether the answer agrees.
        stubs: whether the answer reached its `raise NotImplementedError` instead.
    """
    rows = [(stages_of(target), ok, stub) for target, ok, stub in zip(expected, right, stubs, strict=True)]
    everywhere = set[BuildStage]().union(*(stages for stages, _, _ in rows))
    answered = set[BuildStage]().union(*(stages for stages, _, stub in rows if not stub))
    if everywhere == answered:
        return ""
    first = min(everywhere - answered)
    hold = [s for s in answered if s.number < first.number or all(ok for stages, ok, _ in rows if s in stages)]
    return f"{_holding(hold)}{_capital(str(first))} is not written yet: `raise NotImplementedError` is reached there."


def left_at_zero(exercise: Exercise, outcomes: list[Outcome], expected: list[Outcome]) -> str:
    """A sentence where each result of the first stage that is wrong is exactly 0, as in a draft; the stages before it hold."""
    if any(o.failure or o.values.keys() != e.values.keys() for o, e in zip(outcomes, expected, strict=True)):
        return ""
    hold: list[BuildStage] = []
    for stage in sorted(set[BuildStage]().union(*(stages_of(target) for target in expected))):
        results = [
            (_same(exercise, o, e, name), o.values[name], e.values[name])
            for o, e in zip(outcomes, expected, strict=True)
            for name in e.values
            if isinstance(name, StageResult) and name.stage == stage
        ]
        if not all(same for same, _, _ in results):
            blank = all(_is_zero(own, needed) for _, own, needed in results)
            return (
                f"{_holding(hold)}{_capital(str(stage))} is exactly 0 everywhere: is it written yet?" if blank else ""
            )
        hold.append(stage)
    return ""


def _same(exercise: Exercise, outcome: Outcome, target: Outcome, name: str) -> bool:
    own = {name: outcome.values[name]} if name in outcome.values else {}
    return same_values(own, {name: target.values[name]}, exercise.tolerance)


def _is_zero(own: Value, needed: Value) -> bool:
    return own.kind == needed.kind and own.array.shape == needed.array.shape and not own.array.any()


def _holding(stages: list[BuildStage]) -> str:
    return "".join(f"{_capital(str(stage))} holds. " for stage in sorted(stages))


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]
