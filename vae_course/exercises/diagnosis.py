"""One or two sentences on a wrong answer that no misconception explains: the first thing that is wrong with it."""

import itertools
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from vae_course.exercises import stages
from vae_course.exercises.comparing import FLOATS, agree, changed_inputs, close, same_gradients, same_values
from vae_course.exercises.model import Exercise, Inputs
from vae_course.exercises.outcomes import Array, Cause, Failure, Outcome, Value
from vae_course.exercises.probes import StageResult
from vae_course.exercises.remarks import called, remark, reshaped, subject
from vae_course.exercises.surroundings import IN_PLACE, REQUIRES_GRAD

Check = Callable[[Exercise, Inputs, Outcome, Outcome], str]
# The outcomes of an answer and of the reference on further inputs.
Rerun = Callable[[list[Inputs]], list[tuple[Outcome, Outcome]]]
# Of a larger batch the examples are not tried one by one.
MOST_ROWS = 200
# So many times an input is exchanged for that of another case, to see whether the answer heeds it.
MOST_SWAPS = 6
MOST_NUMBERS = 5000  # of larger inputs none is changed


def diagnose(
    exercise: Exercise,
    cases: list[Inputs],
    outcomes: list[Outcome],
    expected: list[Outcome],
    right: list[bool],
    rerun: Rerun | None = None,
    far_fetched: Callable[[], str] = str,
) -> str:
    """The first difference in this order: exception, names, kind, shape, dtype, finiteness, what is left behind, no gradient,
    changed inputs, randomness, numbers, gradient. Of the cases that show it, the smallest of the first stage speaks.

    Args:
        exercise: what was asked.
        cases: its inputs.
        outcomes: what the answer gave on each.
        expected: what the reference gives.
        right: whether these agree.
        rerun: runs answer and reference on further inputs; without it nothing is said that needs that.
        far_fetched: an explanation of wrong numbers that is asked for where there is no other.
    """
    wrong = [row for row, ok in zip(zip(cases, outcomes, expected, strict=True), right, strict=True) if not ok]
    wrong.sort(key=lambda row: (stages.first_wrong(exercise, row[1], row[2]), input_size(row[0])))
    for check in _CHECKS:
        for case, outcome, target in wrong:
            message = check(exercise, case, outcome, target)
            if message:
                batch = _for_batch(exercise, cases, right, case, rerun)
                if check is _numbers:
                    common = remark(exercise, cases, outcomes, expected)
                    alone = (
                        not batch and not common and not any(isinstance(name, StageResult) for name in target.values)
                    )
                    if alone and (told := far_fetched()):
                        return told
                    message += common or ("" if batch else contrast(exercise, cases, right))
                if check is _shape:
                    message += reshaped(exercise, outcomes, expected) + _input_was(exercise, case)
                if check is _finite and not batch:
                    message += contrast(exercise, cases, right)
                if check in (_finite, _numbers):
                    message += _unused(exercise, cases, outcomes, expected, rerun)
                return batch + message
    return "The result differs from the reference."


def half_written(
    exercise: Exercise,
    cases: list[Inputs],
    outcomes: list[Outcome],
    expected: list[Outcome],
    right: list[bool],
    stubs: list[bool],
) -> str:
    """The first difference in what is answered already; where there is none, what holds and what is not written yet."""
    rows = list(zip(cases, outcomes, expected, right, stubs, strict=True))
    answered = [row[:4] for row in rows if not row[4]]
    if not all(ok for *_, ok in answered):
        inputs, own, needed, agreeing = (list(column) for column in zip(*answered, strict=True))
        message = diagnose(exercise, inputs, own, needed, agreeing)
        return f"{message} The rest is not written yet: `raise NotImplementedError` is reached there."
    first = min((case for case, *_, stub in rows if stub), key=input_size)
    return (
        stages.not_reached(expected, right, stubs)
        or f"What your function answers is right, but not all is written yet: `raise NotImplementedError` is still "
        f"reached.{_input_was(exercise, first)}"
    )


def _for_batch(exercise: Exercise, cases: list[Inputs], right: list[bool], case: Inputs, rerun: Rerun | None) -> str:
    """Say so where each example of this case, and each case of one example, is right by itself."""
    size = exercise.batch_size(case) or 1
    ones = [ok for c, ok in zip(cases, right, strict=True) if exercise.batch_size(c) == 1]
    if rerun is None or not 1 < size <= MOST_ROWS or not all(ones):
        return ""
    rows = [
        {k: v[i : i + 1] if isinstance(v, Tensor) and v.dim() and len(v) == size else v for k, v in case.items()}
        for i in range(size)
    ]
    alone = rerun(rows)
    if not all(not target.failure and agree(own, target, exercise.tolerance) for own, target in alone):
        return ""
    return f"Right for one example, wrong for a batch of {size}. "


def contrast(exercise: Exercise, cases: list[Inputs], right: list[bool]) -> str:
    """An input on which the answer is right, the smallest: what it has that the others have not may say what is wrong.

    Not one that looks like another for which it is wrong: of some exercises learners see a part of the input only.
    """
    shown = [_show_case(exercise, case) for case in cases]
    wrong = [given for given, ok in zip(shown, right, strict=True) if not ok]
    fine = [(case, given) for case, given, ok in zip(cases, shown, right, strict=True) if ok and given not in wrong]
    given = min(fine, key=lambda row: input_size(row[0]))[1] if fine else ""
    return f" For {given} it is right." if given else ""


def _unused(
    exercise: Exercise, cases: list[Inputs], outcomes: list[Outcome], expected: list[Outcome], rerun: Rerun | None
) -> str:
    """A sentence on the inputs that change the right numbers and leave the answer's as they are, wherever that was tried.

    Where all numbers together change with each input, the same of the first wrong one of several results.
    """
    if rerun is None:
        return ""

    def without_effect(result: str | None) -> str:
        names = [
            f"`{name}`"
            for name in exercise.parameters
            if _makes_no_difference(exercise, name, cases, outcomes, expected, rerun, result)
        ]
        return " or ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))

    if told := without_effect(None):
        return f" Your numbers don't change with the values of {told}, and they should."
    wrong = [
        name
        for outcome, target in zip(outcomes, expected, strict=True)
        for name in target.values
        if len(target.values) > 1
        and not same_values(_part(outcome.values, name), _part(target.values, name), exercise.tolerance)
    ]
    told = without_effect(wrong[0]) if wrong and not isinstance(wrong[0], StageResult) else ""
    return f" {subject(wrong[0])} doesn't change with the values of {told}, and it should." if told else ""


def _part(values: dict[str, Value], result: str | None) -> dict[str, Value]:
    """One result of several, where it is there; all of them without a name."""
    return values if result is None else {name: value for name, value in values.items() if name == result}


def _makes_no_difference(
    exercise: Exercise,
    name: str,
    cases: list[Inputs],
    outcomes: list[Outcome],
    expected: list[Outcome],
    rerun: Rerun,
    result: str | None = None,
) -> bool:
    """Whether an answer gives the same numbers with this input turned round, stretched, or that of another case.

    Elsewhere than where the right numbers change it may have an effect, too: then nothing is said of it. With a name,
    whether that one of its results is the same.
    """
    small = sorted(
        (i for i in range(len(cases)) if input_size(cases[i]) <= MOST_NUMBERS), key=lambda i: input_size(cases[i])
    )
    places = [i for i in small if name in cases[i]]
    changed: list[tuple[int, Tensor | int | float]] = [
        (i, x.flip(axis)) for i in places if isinstance(x := cases[i][name], Tensor) and x.dim() for axis in (0, -1)
    ]
    # Each case by turns: in the first alone the input may have no effect on the answer, or too small a one.
    turns = [(i, places[(n + step) % len(places)]) for step in range(1, len(places)) for n, i in enumerate(places)]
    swaps = [(i, cases[j][name]) for i, j in turns]
    changed += [(i, other) for i, other in swaps if _is_another(cases[i][name], other)][:MOST_SWAPS]
    stretched = [(i, far) for i in places if (far := _stretched(cases[i][name])) is not None][:MOST_SWAPS]
    results = rerun([{**cases[i], name: other} for i, other in (*changed, *stretched)])
    seen = False
    for n, ((i, _), (own, target)) in enumerate(zip((*changed, *stretched), results, strict=True)):
        then, now, right, other = (_part(o.values, result) for o in (outcomes[i], own, expected[i], target))
        same = not own.failure and not outcomes[i].failure and same_values(now, then, exercise.tolerance)
        needed = not target.failure and not same_values(other, right, exercise.tolerance)
        if not same and (needed or not own.failure):
            return False
        # A stretched input may be none that the task allows, such as a probability above one.
        seen = seen or (needed and n < len(changed))
    return seen


def _stretched(value: Tensor | int | float) -> Tensor | None:
    """Numbers of which the first stands far out, so that limits, places and counts change as well."""
    if not isinstance(value, Tensor) or not value.is_floating_point() or not value.numel():
        return None
    far = value.detach().clone(memory_format=torch.contiguous_format)
    far.view(-1)[0] = 10 * far.abs().max() + 1
    return far


def _is_another(one: Tensor | int | float, other: Tensor | int | float) -> bool:
    if isinstance(one, Tensor) and isinstance(other, Tensor):
        return one.shape == other.shape and one.dtype == other.dtype and not torch.equal(one, other)
    return type(one) is type(other) and not isinstance(one, Tensor) and one != other


def _exception(exercise: Exercise, case: Inputs, outcome: Outcome, target: Outcome) -> str:
    failure = outcome.failure
    if failure is None:
        return ""
    if failure.kind != Cause.EXCEPTION:
        return failure.message[:1].upper() + failure.message[1:]
    return f"Your function raised {_raised(failure)}.{_input_was(exercise, case)}"


def _names(exercise: Exercise, case: Inputs, outcome: Outcome, target: Outcome) -> str:
    own, needed = outcome.values, target.values
    missing, extra = [repr(k) for k in needed if k not in own], [repr(k) for k in own if k not in needed]
    if (not missing and not extra) or ("" in own and "" in needed):  # a probe gives more of a tensor
        return ""
    if "" in needed:
        return f"Your function returned a dict; return a PyTorch tensor ({exercise.returns})."
    if "" in own:
        return f"Your function returned {_found(own[''].kind)}; return a dict with the keys {' and '.join(missing)}."
    lacks = f"lacks the key {' and '.join(missing)}" if missing else ""
    has = f"has the key {' and '.join(extra)}, which nobody asked for" if extra else ""
    return f"The dict that your function returned {' and '.join(filter(None, (lacks, has)))}."


def _kind(exercise: Exercise, case: Inputs, outcome: Outcome, target: Outcome) -> str:
    for name, value in outcome.values.items():
        if value.kind != target.values[name].kind:
            if value.kind == "None" and not name:
                return f"Your function returned nothing (None): end it with `return` and {exercise.returns}."
            cut = exercise.gradients and value.kind not in ("list", "tuple")  # these may hold tensors
            reason = ", because a gradient can't flow back through anything else" if cut else ""
            returned = f"{subject(name)} is" if name else "Your function returned"
            return f"{returned} {_found(value.kind)}; return a PyTorch tensor ({exercise.returns}){reason}."
    return ""


def _found(kind: str) -> str:
    return _KINDS.get(kind, f"an object of type {kind}")


def _exchanged(exercise: Exercise, case: Inputs, outcome: Outcome, target: Outcome) -> str:
    """Two named results of one kind and shape, no flags, of which each is right as the other and wrong as itself."""
    if same_values(outcome.values, target.values, exercise.tolerance):
        return ""
    for a, b in itertools.combinations(outcome.values, 2):
        both = outcome.values[a], outcome.values[b]
        if both[0].kind != both[1].kind or both[0].array.shape != both[1].array.shape or all(map(_is_flag, both)):
            continue
        swapped = {**outcome.values, a: outcome.values[b], b: outcome.values[a]}
        if same_values(swapped, target.values, exercise.tolerance):
            return f"{subject(a)} and {called(b)} have changed places.{_input_was(exercise, case)}"
    return ""


def _is_flag(value: Value) -> bool:
    return bool(np.isin(value.array, (0, 1)).all())


_KINDS = {
    "None": "nothing (None)",
    "tensor": "a tensor",
    "NumPy array": "a NumPy array",
    "float": "a Python number",
    "int": "a Python number",
    "list": "a list (`torch.stack` joins tensors)",
    "tuple": "a tuple",
}


def _shape(exercise: Exercise, case: Inputs, outcome: Outcome, target: Outcome) -> str:
    for name, value in outcome.values.items():
        own, needed = list(value.array.shape), list(target.values[name].array.shape)
        if own != needed:
            return f"{subject(name)} has shape {own}, expected {needed} ({exercise.returns})."
    return ""


def _dtype(exercise: Exercise, case: Inputs, outcome: Outcome, target: Outcome) -> str:
    for name, value in outcome.values.items():
        needed = target.values[name].dtype
        if value.dtype != needed and not (value.dtype in FLOATS and needed in FLOATS):
            accepted = "float32 or float64" if needed == "float64" else needed
            told = f"{subject(name)} has dtype {value.dtype}, expected {accepted}"
            return f"{told}: convert nothing on the way." if "float" in value.dtype else f"{told}."
    return ""


def _finite(exercise: Exercise, case: Inputs, outcome: Outcome, target: Outcome) -> str:
    for name, value in outcome.values.items():
        needed = target.values[name].array
        bad = ~np.isfinite(value.array) & np.isfinite(needed)
        if not bad.any() and not close(value.array, needed, exercise.tolerance):
            return ""  # that comes first
        if bad.any():
            what = "NaN" if np.isnan(value.array[bad]).any() else "infinite"
            return f"{subject(name)} is {what} in places. {_COMES_OF[what]}{_input_was(exercise, case)}"
    return ""


# Not each cause, but those to look for first.
_COMES_OF = {
    "NaN": "Look for 0 / 0, infinity times 0 or less infinity, and a root or a logarithm of a negative number.",
    "infinite": "Look for a logarithm of 0, a division by 0, and a power or an exponential that no float holds.",
}


def _left(exercise: Exercise, case: Inputs, outcome: Outcome, target: Outcome) -> str:
    # A tensor that is changed in place with numbers that need a gradient needs one, too.
    told_later = [f"{does} {name}" for name in changed_inputs(outcome, target) for does in (IN_PLACE, REQUIRES_GRAD)]
    changes = [change for change in outcome.changes if change not in (*target.changes, *told_later)]
    if not changes:
        return ""
    return (
        f"Your function {' and '.join(changes)}, and that outlasts the call: leave it as it was, or put it back before "
        "you return."
    )


def _no_gradient(exercise: Exercise, case: Inputs, outcome: Outcome, target: Outcome) -> str:
    lost = [n for n, g in outcome.gradients.items() if g is None and target.gradients[n] is not None]
    if not lost or outcome.second_failure or not same_values(outcome.values, target.values, exercise.tolerance):
        return ""
    return (
        f"The numbers are right, but no gradient reaches {' and '.join(lost)}, so nothing could be trained: do "
        "without `.detach()`, `.item()`, `torch.no_grad()` and conversions to plain numbers."
    )


def _random(exercise: Exercise, case: Inputs, outcome: Outcome, target: Outcome) -> str:
    if outcome.second_failure or same_values(outcome.again, outcome.values, exercise.tolerance):
        return ""
    told = "Two calls with the same input gave different results"
    if outcome.drew and not target.drew:
        return f"{told}: draw no random numbers inside your function."
    return f"{told}; with the same input it must give the same."


def _changed(exercise: Exercise, case: Inputs, outcome: Outcome, target: Outcome) -> str:
    changed = changed_inputs(outcome, target)
    if not changed:
        return ""
    return (
        f"Your function changed its input {' and '.join(changed)} in place, which spoils it for the code that comes "
        "after: use operations that make a new tensor (`a = a + 1` or `a.exp()`, not `a += 1` or `a.exp_()`)."
    )


def _numbers(exercise: Exercise, case: Inputs, outcome: Outcome, target: Outcome) -> str:
    for name, right in target.values.items():
        own, needed = outcome.values[name].array, right.array
        if not close(own, needed, exercise.tolerance):
            given = _show_case(exercise, case)
            sentence = f"{f'for {given}, ' if given else ''}{_both(name, own, needed)}."
            hint = f" {name.hint}" if isinstance(name, StageResult) and name.hint else ""
            return sentence[:1].upper() + sentence[1:] + hint
    return ""


def _gradient(exercise: Exercise, case: Inputs, outcome: Outcome, target: Outcome) -> str:
    if outcome.second_failure:
        raised = _raised(outcome.second_failure).split(". ")[0]
        if not exercise.gradients:
            return f"The numbers are right, but called once more with the same input your function raised {raised}."
        return (
            f"The numbers are right, but with inputs that need a gradient your function raised {raised}. Stay with "
            "PyTorch's own operations on tensors."
        )
    wrong = [
        n for n in outcome.gradients if not same_gradients(_only(outcome, n), _only(target, n), exercise.tolerance)
    ]
    if not wrong:
        return ""
    told = f"The numbers are right, but the gradient with respect to {' and '.join(wrong)} "
    slopes = [g for n in wrong if (g := outcome.gradients[n]) is not None]
    if not any(g.any() for g in slopes):
        return f"{told}is zero: it is cut off (`.detach()`, `.data`, `.round()`, `torch.no_grad()`)."
    if not all(np.isfinite(g).all() for g in slopes):
        what = "NaN" if any(np.isnan(g).any() for g in slopes) else "infinite"
        return f"{told}is {what} in places.{_input_was(exercise, case)}"
    return (
        f"{told}isn't. Look for what changes the gradient and not the numbers: a part behind `.detach()`, rounding, or a "
        "corner such as `abs`, `clamp` or `where`."
    )


_CHECKS: tuple[Check, ...] = (
    _exception, _names, _exchanged, _kind, _shape, _dtype, _finite, _left, _no_gradient, _changed, _random, _numbers, _gradient
)  # fmt: skip


def _only(outcome: Outcome, name: str) -> Outcome:
    return Outcome(gradients={name: outcome.gradients[name]})


def _raised(failure: Failure) -> str:
    where = f" at {failure.line}" if failure.line else ""
    return failure.type + where + (f": {failure.message.removesuffix('.')}" if failure.message else "")


def _both(name: str, own: Array, needed: Array) -> str:
    """Both values where they are few, else the place where they differ most; with more digits where those decide."""
    label, place = called(name), ""
    if label.endswith("?"):
        return f"{label} {_answer(own)}; expected: {_answer(needed)}"
    if own.size > 6:
        difference = np.abs(own.astype(np.float64) - needed.astype(np.float64))
        worst = np.unravel_index(int(np.argmax(np.nan_to_num(difference, nan=np.inf))), own.shape)
        own, needed, place = own[worst], needed[worst], f" at [{', '.join(str(int(i)) for i in worst)}]"
    digits = next((n for n in (4, 8) if _show(own, n) != _show(needed, n)), 17)
    return f"{label} is {_show(own, digits)}{place}, expected {_show(needed, digits)}"


def _answer(flag: Array) -> str:
    return "Yes" if flag else "No"


def input_size(case: Inputs) -> int:
    """How many numbers the tensors of a case hold."""
    return sum(v.numel() for v in case.values() if isinstance(v, Tensor))


def _input_was(exercise: Exercise, case: Inputs) -> str:
    given = _show_case(exercise, case)
    return f" The input was {given}." if given else ""


def _show_case(exercise: Exercise, case: Inputs) -> str:
    """The inputs that the learner's function was given; nothing where it has no parameters."""
    return ", ".join(f"{name} = {_show_input(value)}" for name, value in case.items() if name in exercise.parameters)


def _show_input(value: Tensor | int | float) -> str:
    if not isinstance(value, Tensor):
        return _show(np.asarray(value))
    if value.numel() <= 6:
        return _show(value.detach().to(torch.float64).numpy())
    low, high = float(value.min()), float(value.max())
    return f"a tensor {list(value.shape)} with numbers from {low:.4g} to {high:.4g}"


def _show(array: Array, digits: int = 4) -> str:
    if array.ndim:
        return "[" + ", ".join(_show(row, digits) for row in array) + "]"
    if array.dtype == np.bool_:
        return str(bool(array))
    number = float(array)
    whole = number.is_integer() and abs(number) < (1e9 if digits <= 8 else 2**53)
    return f"{number:,.0f}" if whole else f"{number:.{digits}g}"
