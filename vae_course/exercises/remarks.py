"""What wrong numbers have in common: a factor, a summand, rounding, a part or a case that is right."""

import functools
import itertools
import math
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from torch import Tensor

from vae_course.exercises.model import Exercise, Inputs
from vae_course.exercises.outcomes import Array, Outcome
from vae_course.exercises.probes import StageResult

Numbers = np.ndarray[tuple[int], np.dtype[np.float64]]


def _long(shape: tuple[int, ...]) -> list[int]:
    return [n for n in shape if n != 1]


def _over(x: Array, shape: tuple[int, ...], *, step: Callable[..., Any], axis: int | None) -> Array:
    return np.asarray(step(x, axis=axis))


def _entry(x: Array, shape: tuple[int, ...], *, place: int, axis: int) -> Array:
    return np.asarray(x.take(place, axis=axis))


CLOSE = 1e-4  # what counts as the same factor
FEWEST = 3  # cases or different numbers that make a rule of what is seen in them
ROUNDING = 1e-6  # of large numbers no smaller part is told apart
# Factors that are called by their names.
KNOWN = {
    "log 2": math.log(2),
    "1 / log 2": 1 / math.log(2),
    "log 10": math.log(10),
    "1 / log 10": 1 / math.log(10),
    "the root of 2": math.sqrt(2),
    "1 / the root of 2": 1 / math.sqrt(2),
    "pi": math.pi,
    "2 pi": 2 * math.pi,
    "the root of 2 pi": math.sqrt(2 * math.pi),
}
# What the numbers of a case may be off by: its words, with a `{}` for a length or a plain number of the case, and the amount.
FACTORS: tuple[tuple[str, Callable[[float], float]], ...] = (
    ("times {}", lambda n: n),
    ("divided by {}", lambda n: 1 / n),
    ("times the root of {}", math.sqrt),
    ("divided by the root of {}", lambda n: 1 / math.sqrt(n)),
    ("times the square of {}", lambda n: n**2),
    ("divided by the square of {}", lambda n: 1 / n**2),
    ("times n / (n - 1), where n is {}", lambda n: n / (n - 1)),
    ("times (n - 1) / n, where n is {}", lambda n: (n - 1) / n),
    ("times the root of n / (n - 1), where n is {}", lambda n: math.sqrt(n / (n - 1))),
    ("times the root of (n - 1) / n, where n is {}", lambda n: math.sqrt((n - 1) / n)),
)
SUMMANDS: tuple[tuple[str, Callable[[float], float]], ...] = (
    ("plus {}", lambda n: n),
    ("minus {}", lambda n: -n),
    ("plus the logarithm of {}", math.log),
    ("minus the logarithm of {}", lambda n: -math.log(n)),
    ("plus the logarithm of n / (n - 1), where n is {}", lambda n: math.log(n / (n - 1))),
    ("minus the logarithm of n / (n - 1), where n is {}", lambda n: -math.log(n / (n - 1))),
    ("plus half of {}", lambda n: n / 2),
    ("minus half of {}", lambda n: -n / 2),
    ("plus half of log(2 pi) times {}", lambda n: n * math.log(2 * math.pi) / 2),
    ("minus half of log(2 pi) times {}", lambda n: -n * math.log(2 * math.pi) / 2),
)
# By which step a result of another shape becomes the right one: what is said, and the step, to which the right shape is given.
STEPS: dict[str, Callable[[Array, tuple[int, ...]], Array]] = {
    "The numbers are right: take away the axis of length 1, by `.squeeze(dim)` or by leaving out `keepdim=True`.": (
        lambda x, shape: x.reshape(shape if x.ndim > len(shape) and _long(x.shape) == _long(shape) else -1)
    ),
    "The numbers are right: an axis of length 1 is missing, which `keepdim=True` keeps and `.unsqueeze(dim)` makes.": (
        lambda x, shape: x.reshape(shape if x.ndim < len(shape) and _long(x.shape) == _long(shape) else -1)
    ),
    "It is the right one with its axes the other way round.": lambda x, shape: x.T,
    "It is the right one with its first two axes exchanged.": lambda x, shape: x.swapaxes(0, 1),
    "It is the right one with its last two axes exchanged.": lambda x, shape: x.swapaxes(-2, -1),
    "It holds the right numbers in their order: `.reshape` gives them the shape.": lambda x, shape: x.reshape(shape),
    "Its diagonal is the right result: where `[n, 1]` meets `[n]`, broadcasting makes a table of all pairs.": (
        lambda x, shape: x.diagonal()
    ),
    **{
        f"Its {word} over {axis} is the right result.": functools.partial(_over, step=step, axis=n)
        for word, step in (("sum", np.sum), ("mean", np.mean), ("maximum", np.max))
        for axis, n in (("all its numbers", None), ("the last axis", -1), ("axis 0", 0), ("axis 1", 1))
    },
    **{
        f"Its {word} entry along {axis} is the right result.": functools.partial(_entry, place=place, axis=n)
        for word, place in (("first", 0), ("last", -1))
        for axis, n in (("axis 0", 0), ("the last axis", -1))
    },
}
_MORE_THAN_ONE = [form for words, form in (*FACTORS, *SUMMANDS) if "n - 1" in words]


class Pair(NamedTuple):
    """The numbers of one result in one case: those of the answer, and the right ones."""

    own: Numbers
    needed: Numbers


def remark(exercise: Exercise, cases: list[Inputs], outcomes: list[Outcome], expected: list[Outcome]) -> str:
    """Sentences on what is common to all wrong numbers, each after a space; empty where nothing is.

    Which results are right in every case, and of the first wrong one by what it is off.
    """
    named = _by_name(outcomes, expected)
    if named is None:
        return ""
    right = [name for name, pairs in named.items() if all(_same(pair, exercise.tolerance) for pair in pairs.values())]
    wrong = [name for name in named if name not in right]
    told = pattern(outcomes, expected)
    if wrong and not told:
        told = _same_as_another(exercise, cases, outcomes, wrong[0], right)
    if wrong and not told:  # of several wrong results the first has been shown
        what = "your numbers are the right ones" if len(named) == 1 else f"{called(wrong[0])} is the right one"
        told = _of_each_case(cases, named[wrong[0]], what)
    if len(wrong) == 1 and right and not any(name.endswith(("?", ",")) or ":" in name for name in named):
        others = f"{subject(right[0])} is" if len(right) == 1 else "All other results are"
        told = f" {others} right.{told}"
    return told


def called(name: str) -> str:
    """A result in a sentence: `mu`, `errors[0]` or `p(y | x)` as it stands, the words where it has some, or "your result"."""
    return f"`{name}`" if re.fullmatch(r"\w+([(\[].*[)\]])?", name) else name or "your result"


def subject(name: str) -> str:
    """The same at the beginning of a sentence."""
    words = called(name)
    return f"{words[:1].upper()}{words[1:]}"


def reshaped(exercise: Exercise, outcomes: list[Outcome], expected: list[Outcome]) -> str:
    """A sentence where one step makes the first result of another shape the right one in every case, after a space."""
    rows = list(zip(outcomes, expected, strict=True))
    names = expected[0].values.keys()
    if any(side.values.keys() != names for row in rows for side in row):
        return ""
    if any(value.kind != "tensor" for outcome in outcomes for value in outcome.values.values()):
        return ""
    for name in names:
        pairs = [(o.values[name].array, t.values[name].array) for o, t in rows]
        if any(own.shape != needed.shape for own, needed in pairs):
            telling = len(np.unique(np.concatenate([needed.ravel() for _, needed in pairs]))) >= FEWEST
            fitting = (w for w, step in STEPS.items() if all(_fits_after(step, exercise, *pair) for pair in pairs))
            return f" {next(fitting, '')}".rstrip() if telling else ""
    return ""


def _fits_after(step: Callable[..., Array], exercise: Exercise, own: Array, needed: Array) -> bool:
    if not own.size or np.iscomplexobj(own):
        return False
    try:
        made = step(own, needed.shape)
    except (ValueError, IndexError):  # there is no such axis, or no such shape
        return False
    return made.shape == needed.shape and _same(Pair(_flat(made), _flat(needed)), exercise.tolerance)


def one_number_throughout(exercise: Exercise, outcomes: list[Outcome], expected: list[Outcome]) -> str:
    """A sentence where a result is one and the same number everywhere, and the right one is not: a constant, or a draft.

    Of a build nothing is said: the first of its stages that is wrong speaks.
    """
    for name, pairs in (_by_name(outcomes, expected) or {}).items():
        if isinstance(name, StageResult) or all(_same(pair, exercise.tolerance) for pair in pairs.values()):
            continue
        own, needed = (np.concatenate(side) for side in zip(*pairs.values(), strict=True))
        if min(len(pairs), len(np.unique(needed))) >= FEWEST and np.isfinite(own).all() and len(np.unique(own)) == 1:
            draft = ": is it written yet?" if own[0] == 0 else ", and the right one changes with the input."
            return f"{subject(name)} is {own[0]:.4g} everywhere{draft}"
    return ""


def pattern(outcomes: list[Outcome], expected: list[Outcome]) -> str:
    """A sentence where every number of every case is off by the same factor, or by no more than rounding."""
    return same_factor(outcomes, expected) or _rounded(outcomes, expected)


def same_factor(outcomes: list[Outcome], expected: list[Outcome]) -> str:
    """A sentence where every number of every case is off by the same factor."""
    results = _by_result(outcomes, expected)
    if not results:
        return ""
    a, b = (np.concatenate(side) for side in zip(*results, strict=True))
    factor = float(a @ b / (b @ b)) if b.any() else 0.0
    if abs(factor) < 1e-3 or abs(factor - 1) < 1e-3 or not np.allclose(a, factor * b, rtol=CLOSE, atol=CLOSE):
        return ""
    if round(factor, 3) == -1:
        return " Every number has the opposite sign."
    return f" Every number is {factor:.4g} times the right one{_known(factor)}."


def is_an_input(exercise: Exercise, cases: list[Inputs], outcomes: list[Outcome], expected: list[Outcome]) -> bool:
    """Whether a wrong result is an input as it was given: no variation of a formula need be looked for."""
    return any(
        sum(not _same(pair, exercise.tolerance) for pair in pairs.values()) >= FEWEST
        and _same_as_another(exercise, cases, outcomes, name, [])
        for name, pairs in (_by_name(outcomes, expected) or {}).items()
    )


def _rounded(outcomes: list[Outcome], expected: list[Outcome]) -> str:
    """A sentence where all results are near the right ones, and off both ways.

    Rounding goes up and down, in value and in size; what is cut off, or added for safety, goes one way, such as towards zero.
    On its way it changes most numbers; what changes a few, such as another formula for small angles, is something else.
    """
    results = _by_result(outcomes, expected)
    if not results or not all(np.all(np.abs(a - b) <= 4e-3 * np.abs(b)) for a, b in results):
        return ""
    changed = [np.abs(a - b) > 2e-6 * np.abs(b) for a, b in results]
    both_ways = all(
        _up_and_down((a - b)[off]) and _up_and_down((np.abs(a) - np.abs(b))[off])
        for (a, b), off in zip(results, changed, strict=True)
        if off.any()
    )
    if not both_ways or np.concatenate(changed).mean() <= 0.5:
        return ""
    return (
        " All are within 0.4% of the right ones, some above and some below, as if rounded on the way, or changed by a small "
        "number: add none, and stay in float32, without `.half()`, `.int()` and `.round()`."
    )


def _up_and_down(differences: Numbers) -> bool:
    """Whether at least a fifth goes either way."""
    return bool(min((differences > 0).mean(), (differences < 0).mean()) >= 0.2)


def _by_result(outcomes: list[Outcome], expected: list[Outcome]) -> list[Pair]:
    """The numbers of each result in all cases, one after another; none where they can't be compared or are not finite."""
    named = _by_name(outcomes, expected) or {}
    results = [
        Pair(*(np.concatenate(side) for side in zip(*by_case.values(), strict=True))) for by_case in named.values()
    ]
    return results if all(np.isfinite(side).all() for pair in results for side in pair) else []


def _known(factor: float) -> str:
    """The factor as a fraction or as a constant, where it is one."""
    whole = round(1 / abs(factor))
    if whole >= 3 and math.isclose(abs(factor), 1 / whole, rel_tol=CLOSE):
        return f" (1 / {whole})"
    return next((f" ({words})" for words, value in KNOWN.items() if math.isclose(factor, value, rel_tol=CLOSE)), "")


def _by_name(outcomes: list[Outcome], expected: list[Outcome]) -> dict[str, dict[int, Pair]] | None:
    """The numbers of each result by the number of the case; None where results differ in names or shapes, or are flags."""
    named: dict[str, dict[int, Pair]] = {}
    for i, (outcome, target) in enumerate(zip(outcomes, expected, strict=True)):
        if outcome.values.keys() != target.values.keys():
            return None
        for name, value in target.values.items():
            own, needed = outcome.values[name].array, value.array
            if own.shape != needed.shape or np.iscomplexobj(own) or needed.dtype == np.bool_:
                return None
            named.setdefault(name, {})[i] = Pair(_flat(own), _flat(needed))
    return named


def _flat(array: Array) -> Numbers:
    return array.ravel().astype(np.float64)


def _same(pair: Pair, tolerance: float) -> bool:
    a, b = pair
    scale = np.abs(b).max(initial=0.0, where=np.isfinite(b))
    with np.errstate(invalid="ignore"):
        near = np.abs(a - b) <= tolerance * scale + 1e-6
    return bool((near | (a == b) | (np.isnan(a) & np.isnan(b))).all())


def _same_as_another(
    exercise: Exercise, cases: list[Inputs], outcomes: list[Outcome], wrong: str, right: list[str]
) -> str:
    """A sentence where a wrong result is a right one once more in every case, or an input as it was given."""
    rows = [(case, o.values) for case, o in zip(cases, outcomes, strict=True) if wrong in o.values]
    if len(rows) < 2:
        return ""
    own = [values[wrong].array for _, values in rows]
    # A few numbers may be others by chance.
    if len(np.unique(np.concatenate([array.ravel() for array in own]))) < FEWEST:
        return ""

    def is_all(others: list[Array | None]) -> bool:
        return all(
            b is not None and a.shape == b.shape and _same(Pair(_flat(a), _flat(b)), exercise.tolerance)
            for a, b in zip(own, others, strict=True)
        )

    # What a build is asked for in stages is no result twice.
    for name in () if isinstance(wrong, StageResult) else right:
        if is_all([values[name].array if name in values else None for _, values in rows]):
            return f" In every case {called(wrong)} is the same as {called(name)}."
    for name in exercise.parameters:
        if is_all([x.detach().numpy() if isinstance(x := case.get(name), Tensor) else None for case, _ in rows]):
            return f" In every case {called(wrong)} is `{name}` as it was given."
    return ""


def _of_each_case(cases: list[Inputs], pairs: dict[int, Pair], what_is_off: str) -> str:
    """A sentence where the numbers of each case are the right ones and something that its sizes or plain numbers say."""
    if not all(np.isfinite(part).all() for pair in pairs.values() for part in pair):
        return ""
    for amounts, forms, same in (
        (_factors(pairs), FACTORS, lambda a, b: math.isclose(a, b, rel_tol=CLOSE)),
        (_summands(pairs), SUMMANDS, lambda a, b: math.isclose(a, b, rel_tol=CLOSE, abs_tol=CLOSE)),
    ):
        if not amounts:
            continue
        first = next(iter(amounts.values()))
        if all(same(amount, first) for amount in amounts.values()):
            if (
                forms is SUMMANDS
                and abs(first) > CLOSE
                and _fits_large(pairs, amounts, dict.fromkeys(pairs, first).__getitem__)
            ):
                return f" In every case {what_is_off} {'plus' if first > 0 else 'minus'} {abs(first):.4g}."
            if forms is FACTORS and len(amounts) > 1 and abs(first) > CLOSE and abs(first - 1) > CLOSE:
                return f" In every case {what_is_off} times {first:.4g}{_known(first)}."
        if len({round(amount, 4) for amount in amounts.values()}) < 3:
            continue
        for (words, form), (what, of) in itertools.product(forms, measures(cases)):
            sizes = {i: of(cases[i]) for i in amounts}
            if not all(size > 0 for size in sizes.values()) or not _fits(amounts, sizes, form, same):
                continue
            if forms is FACTORS or _fits_large(pairs, amounts, lambda i, of=of, form=form: form(of(cases[i]))):  # type: ignore[misc]
                return f" In every case {what_is_off} {words.format(what)}."
    return ""


def _fits(
    amounts: dict[int, float],
    sizes: dict[int, float],
    form: Callable[[float], float],
    same: Callable[[float, float], bool],
) -> bool:
    """Whether the amounts are what the form makes of the sizes; a size of 1, of which some forms make nothing, says nothing."""
    if form in _MORE_THAN_ONE and min(sizes.values()) < 1:
        return False
    told = [i for i, size in sizes.items() if size != 1 or form not in _MORE_THAN_ONE]
    return len(told) > 2 and all(same(amounts[i], form(sizes[i])) for i in told)


def _fits_large(pairs: dict[int, Pair], amounts: dict[int, float], added: Callable[[int], float]) -> bool:
    """Whether the cases whose summand is not known, as their numbers are large, are off by no more and no less than rounding
    leaves of what is added.
    """
    rest = {i: pair for i, pair in pairs.items() if i not in amounts and len(pair.own)}
    return all(
        np.allclose(own - needed, added(i), rtol=CLOSE, atol=ROUNDING * float(np.abs(needed).max()))
        for i, (own, needed) in rest.items()
    )


def _factors(pairs: dict[int, Pair]) -> dict[int, float]:
    """By what each case is multiplied, where it is by one factor; empty where a case is not. Zeros say nothing."""
    found = {}
    for i, (own, needed) in pairs.items():
        if not needed.any():
            if own.any():
                return {}
            continue
        found[i] = float(own @ needed / (needed @ needed))
        if not np.allclose(own, found[i] * needed, rtol=CLOSE, atol=CLOSE * float(np.abs(own).max())):
            return {}
    return found


def _summands(pairs: dict[int, Pair]) -> dict[int, float]:
    """What is added in each case, where it is one number; empty where it is not, or is lost in rounding."""
    found = {}
    for i, (own, needed) in pairs.items():
        if not len(own) or np.abs(needed).max() > 1e3:
            continue
        found[i] = float((own - needed).mean())
        if not np.allclose(own - needed, found[i], rtol=CLOSE, atol=CLOSE):
            return {}
    return found


def measures(cases: list[Inputs]) -> Iterator[tuple[str, Callable[[Inputs], float]]]:
    """The plain numbers that each case has, then the lengths of its tensors' axes, with their words."""
    common = {name: value for name, value in cases[0].items() if all(name in case for case in cases)}
    for name, value in common.items():
        if isinstance(value, int | float):
            yield f"`{name}`", lambda case, name=name: float(case[name])  # type: ignore[misc]
    for name, value in common.items():
        if isinstance(value, Tensor):
            for axis in range(value.dim()):
                what = f"the length of `{name}`" if value.dim() == 1 else f"the length of axis {axis} of `{name}`"
                yield what, lambda case, name=name, axis=axis: _length(case[name], axis)  # type: ignore[misc]


def _length(value: object, axis: int) -> float:
    return float(value.shape[axis]) if isinstance(value, Tensor) and axis < value.dim() else 0.0
