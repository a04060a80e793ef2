"""What is right but for one or two places: the worked answer with a part of it changed, to find out which part it is.

A wrong answer that no misconception explains often has the numbers of the right formula with `mean` in place of `sum`,
without a factor, or with a sign turned. Such variations are made from the source of the worked answer, and of those
alternatives that are written out as functions. Where just one agrees with an answer, its difference is what is said.
"""

import ast
import contextlib
import functools
import inspect
import itertools
import math
import textwrap
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from vae_course.exercises.comparing import FLOATS, same_values
from vae_course.exercises.diagnosis import input_size
from vae_course.exercises.inputs import small_numbers
from vae_course.exercises.model import Answer, Exercise, Inputs
from vae_course.exercises.outcomes import Outcome, Value, apart, values_of
from vae_course.exercises.remarks import CLOSE, FACTORS, KNOWN, Numbers, called, measures

# Of two changes at once no more than so many are tried: enough for a formula of three lines.
MOST_PAIRS = 1200
LONGEST_FRAGMENT = 24  # characters
MOST_NAMES = 8  # of a function in which one is tried in place of another
LEAST = 1e-3  # times a summand, next to another change
MOST_UNEXPLAINED = 0.2  # of what an answer is off by

SWAPS = {
    "sum": ("mean", "median", "amax", "prod"),
    "mean": ("sum", "median", "amax"),
    "amax": ("amin", "mean"),
    "log": ("log2", "log10", "log1p"),
    "log2": ("log", "log10"),
    "exp": ("exp2", "sigmoid"),
    "square": ("abs",),
    "abs": ("square",),
    "sigmoid": ("tanh", "exp", "softplus"),
    "logsigmoid": ("sigmoid",),
    "std": ("var",),
    "var": ("std",),
    "norm": ("sum",),
    "cos": ("sin",),
    "sin": ("cos",),
    "acos": ("cos",),
    "logsumexp": ("sum", "amax", "mean"),
    "softmax": ("sigmoid", "exp"),
    "clamp_min": ("clamp_max",),
    "clamp_max": ("clamp_min",),
}
# What may be dropped from around its argument, as a function or as a method.
DROPPED = ("exp", "log", "sqrt", "square", "abs", "sigmoid", "softplus", "neg", "sum", "mean", "cumsum", "acos", "log2")
REDUCTIONS = ("sum", "mean", "amax", "logsumexp", "softmax", "var", "std")
# What may happen to a result, or to one of several.
ENDS: dict[str, Callable[[Tensor], Tensor]] = {
    "a mean over its first axis at the end": lambda x: x.mean(0),
    "a sum over its first axis at the end": lambda x: x.sum(0),
    "a mean over its last axis at the end": lambda x: x.mean(-1),
    "a sum over its last axis at the end": lambda x: x.sum(-1),
    "a mean over all its numbers at the end": Tensor.mean,
    "a sum over all its numbers at the end": Tensor.sum,
    "the logarithm of {}": Tensor.log,
    "the exponential of {}": Tensor.exp,
    "the square root of {}": Tensor.sqrt,
    "the square of {}": Tensor.square,
    "1 minus {}": lambda x: 1 - x,
    "the sign of {} turned": Tensor.neg,
    "the absolute value of {}": Tensor.abs,
    "{} held at 0 or above": lambda x: x.clamp(min=0),
    "a softmax of {}": lambda x: x.softmax(-1),
    "{} rounded down": Tensor.floor,
    "{} rounded up": Tensor.ceil,
    "{} rounded to whole numbers": Tensor.round,
    **{f"{{}} rounded to {k} decimals": functools.partial(torch.round, decimals=k) for k in (1, 2, 3, 4)},
}
_TINY = small_numbers(1e-12)
_LIMITS = (1, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 50, 80, 88, 100, 200, 500, 700, 1000)
# What may happen to inputs beforehand. `{}` are their names; what is said of several functions is true of each.
BEFOREHAND: dict[str, tuple[Callable[[Any], Any], ...]] = {
    "the absolute value of {}": (lambda x: x.abs(),),
    "the sign of {} turned": (lambda x: -x,),
    "the exponential of {}": (lambda x: x.exp(),),
    "the logarithm of {}": (lambda x: x.log(),),
    "the square root of {}": (lambda x: x.sqrt(),),
    "the square of {}": (lambda x: x**2,),
    "the sigmoid of {}": (lambda x: x.sigmoid(),),
    "a softmax over the last axis of {}": (lambda x: x.softmax(-1),),
    "half of {}": (lambda x: x / 2,),
    "twice {}": (lambda x: 2 * x,),
    "{} less 1": (lambda x: x - 1,),
    "{} plus 1": (lambda x: x + 1,),
    "1 minus {}": (lambda x: 1 - x,),
    "{} rounded": (lambda x: x.round(),),
    "zeros in place of {}": (lambda x: x.new_zeros(x.shape),),
    "ones in place of {}": (lambda x: x.new_ones(x.shape),),
    "the first entry of {} along axis 0 in place of each": (lambda x: x[:1].expand_as(x),),
    "the last entry of {} along axis 0 in place of each": (lambda x: x[-1:].expand_as(x),),
    "the mean of {} over axis 0 in place of each entry": (lambda x: x.mean(0, keepdim=True).expand_as(x),),
    "the mean of {} over the last axis in place of each entry": (lambda x: x.mean(-1, keepdim=True).expand_as(x),),
    "the first entry of {} along axis 1 in place of each": (lambda x: x[:, :1].expand_as(x),),
    "the mean of {} over axis 1 in place of each entry": (lambda x: x.mean(1, keepdim=True).expand_as(x),),
    "{} held at 0 or above": (lambda x: x.clamp(min=0),),
    "a small number added to {}, or set as a limit": tuple(
        change
        for tiny in _TINY
        for change in (
            lambda x, tiny=tiny: x + tiny,
            lambda x, tiny=tiny: x.clamp(min=tiny),
            lambda x, tiny=tiny: x.clamp(tiny, 1 - tiny),
        )
    ),
    "a limit to how large or small {} may get": tuple(
        change
        for limit in _LIMITS
        for change in (
            lambda x, limit=limit: x.clamp(-limit, limit),
            lambda x, limit=limit: x.clamp(max=limit),
            lambda x, limit=limit: x.clamp(min=-limit),
            lambda x, limit=limit: x.clamp(min=limit),
        )
    ),
}
# The same for one input, where none of these fits.
RARELY: dict[str, tuple[Callable[[Any], Any], ...]] = {
    **{
        f"{{}} {words} along axis {axis}": tuple(functools.partial(move, axis=axis) for move in moves)
        for axis in (0, 1, 2)
        for words, moves in (
            ("moved by one place", (lambda x, axis: x.roll(1, axis), lambda x, axis: x.roll(-1, axis))),
            ("the other way round", (lambda x, axis: x.flip(axis),)),
        )
    },
    "a small number added to the square of {}": tuple(
        lambda x, tiny=tiny: (x**2 + tiny).sqrt()  # type: ignore[misc]
        for tiny in _TINY
    ),
    "a small number added to the exponential of {}": tuple(
        lambda x, tiny=tiny: (x.exp() + tiny).log()  # type: ignore[misc]
        for tiny in _TINY
    ),
}
_TOLD = "Your numbers are those of {} with {}; your code may get there in another way."
_WORKED, _OTHER = "the worked answer", "a right answer in another style"
_ALL = -1  # in place of the number of a summand: what is done to the whole result
# Changes that can be made once more where they have been made.
_ON_ITSELF = ("the root of", "the square of", "the factor", "the sign of")
_MODULES = {"torch", "math", "F", "nn"}
# What is never below 0, and to which a small number is added so that it is not 0 either.
_POSITIVE = ("exp", "sqrt", "softplus", "norm", "std", "var")


class Kind(IntEnum):
    """What is changed: of several changes with the same numbers, the first kind is the one that people make."""

    PART = 0
    NUMBER = 1
    FACTOR = 2
    VARIABLE = 3
    CONSTANT = 4
    SAFETY = 5
    OPERATION = 6
    COEFFICIENT = 7
    RESULT = 8
    TWO = 9


@dataclass(frozen=True)
class Change:
    """A change of one place in a function.

    Args:
        template: what is different, as it follows "the worked answer with", with a `{}` for each fragment.
        fragments: the pieces of code that it speaks of.
        make: the changed node from the one that stands there.
    """

    template: str
    fragments: tuple[ast.AST, ...]
    make: Callable[[Any], ast.AST]

    @functools.cached_property
    def words(self) -> str:
        """The template filled in; empty where a fragment is so long that it would give the answer away."""
        fragments = [ast.unparse(fragment) for fragment in self.fragments]
        short = all(len(fragment) <= LONGEST_FRAGMENT for fragment in fragments)
        return self.template.format(*(f"`{fragment}`" for fragment in fragments)) if short else ""

    @property
    def names(self) -> set[str]:
        """The variables that the fragments speak of."""
        return {n.id for fragment in self.fragments for n in ast.walk(fragment) if isinstance(n, ast.Name)}


Values = dict[str, Value]


class CaseResult(NamedTuple):
    """A case with the values of the answer and the right ones."""

    case: Inputs
    own: Values
    right: Values


@dataclass(frozen=True)
class Variation:
    """A changed right answer: what is different, the kind of change, the changed function, and whose numbers these are; where
    it has one, a function of the case and a result, and the results to which it is applied.
    """

    words: str
    kind: Kind
    answer: Answer
    of: str = _WORKED
    end: Callable[[Inputs, Tensor], Tensor] | None = None
    results: tuple[str, ...] = ()

    def values(self, exercise: Exercise, case: Inputs) -> Values | None:
        """Its values on one case; None where it raises an error."""
        values = values_of(exercise, self.answer, case)
        if self.end is None or values is None:
            return values
        try:
            changed = {
                name: self.end(case, torch.from_numpy(values[name].array)) for name in self.results if name in values
            }
        except (RuntimeError, IndexError):  # there is no such axis, or no such function of whole numbers
            return None
        new = {name: Value("tensor", str(x.dtype).removeprefix("torch."), x.numpy()) for name, x in changed.items()}
        return values | new


def explain(exercise: Exercise, cases: Sequence[Inputs], outcomes: Sequence[Outcome]) -> str:
    """A sentence on a wrong answer whose numbers are those of a variation or of two; empty where none is, or more are.

    Args:
        exercise: what was asked.
        cases: its inputs.
        outcomes: what the answer gave on each.
    """
    with apart():
        rows = _rows(exercise, cases, outcomes)
        if not rows or _is_nan_throughout(rows):
            return ""
        return _first_match(exercise, rows, _stages(exercise, rows))


def _is_nan_throughout(rows: Sequence[CaseResult]) -> bool:
    """Whether no case has a number where the right one is a number: what became of it, a NaN does not tell."""
    pairs = [(_joined(row.own), _joined(row.right)) for row in rows]
    return all(len(own) == len(right) and np.isnan(own[~np.isnan(right)]).all() for own, right in pairs)


def _stages(exercise: Exercise, rows: Sequence[CaseResult]) -> Iterator[Sequence[Variation]]:
    """One change of the worked answer, of its results, of an alternative, of a weight; then two, where it takes two."""
    worked, *others = _singles(exercise)
    yield worked
    yield _ends(exercise, rows)
    yield from others
    one, two, whole = _weighted(exercise, rows)
    yield one
    as_it_is = [Variation("", Kind.RESULT, exercise.reference)]
    if not any(_agrees(exercise, v, rows) for v in _scaled(exercise, rows, as_it_is)):
        yield _scaled(exercise, rows, [v for v in worked if v.kind == Kind.PART])
        yield _pairs(exercise)
        yield two
        yield whole


def explain_by_inputs(exercise: Exercise, cases: Sequence[Inputs], outcomes: Sequence[Outcome]) -> str:
    """The same for the worked answer to other inputs: where nothing else explains an answer, for this may be far-fetched.

    A result that says yes or no agrees with many by chance.
    """
    values = [value for outcome in outcomes for value in outcome.values.values()]
    if all(v.dtype == "bool" for v in values) or any(np.isnan(v.array).any() for v in values):
        return ""
    with apart():
        return _first_match(exercise, _rows(exercise, cases, outcomes), _beforehand(exercise))


def _rows(exercise: Exercise, cases: Sequence[Inputs], outcomes: Sequence[Outcome]) -> list[CaseResult]:
    """Where all results are tensors: the smallest case rules out most variations before one makes a large tensor."""
    if any(o.failure or not o.values or any(v.kind != "tensor" for v in o.values.values()) for o in outcomes):
        return []
    ordered = sorted(zip(cases, outcomes, strict=True), key=lambda row: input_size(row[0]))
    return [CaseResult(case, o.values, values_of(exercise, exercise.reference, case) or {}) for case, o in ordered]


def _first_match(exercise: Exercise, rows: Sequence[CaseResult], stages: Iterable[Sequence[Variation]]) -> str:
    for variations in stages if rows else ():
        matching = [v for v in variations if _agrees(exercise, v, rows)]
        first = min((v.kind for v in matching), default=None)
        words = {v.words for v in matching if v.kind == first}
        # Two that give the same numbers are both true; of more, none is likelier than the others to be what was done.
        if words and (len(words) <= 2 or first != Kind.TWO):
            told = " or, with the same numbers, ".join(sorted(words))
            return _TOLD.format(matching[0].of, told) if len(words) <= 2 else ""
    return ""


def _ends(exercise: Exercise, rows: Sequence[CaseResult]) -> list[Variation]:
    """The worked answer with something done to its results, where all are wrong, or to those that are."""
    wrong = _wrong(exercise, rows)
    return [
        Variation(_of_results(words, wrong), Kind.RESULT, exercise.reference, _WORKED, _whatever(end), wrong)
        for words, end in ENDS.items()
    ]


def _wrong(exercise: Exercise, rows: Sequence[CaseResult]) -> tuple[str, ...]:
    """The names of the results that are wrong somewhere."""
    found = {
        name: 0
        for row in rows
        for name, value in row.right.items()
        if name in row.own and not same_values({"": row.own[name]}, {"": value}, exercise.tolerance)
    }
    return tuple(found)


def _of_results(words: str, names: Sequence[str]) -> str:
    """The words filled in with what a sentence calls these results."""
    if set(names) <= {""}:
        return words.format("its result")
    short = dict.fromkeys(name.rpartition(": ")[2] for name in names)
    told = " and ".join(called(name) if name else "its result" for name in short)
    return words.format(told) if "{}" in words else f"{words} of {told}"


def _whatever(end: Callable[[Tensor], Tensor]) -> Callable[[Inputs, Tensor], Tensor]:
    return lambda case, result: end(result)


def _scaled(exercise: Exercise, rows: Sequence[CaseResult], variations: Sequence[Variation]) -> list[Variation]:
    """The same variations with what is wrong multiplied, by what fits the smallest input, where that has a name."""
    wrong = _wrong(exercise, rows)
    amounts = [
        *(
            (f"times {words}", lambda case, size=size: size)
            for words, size in {"-1": -1.0, "2": 2.0, "0.5": 0.5, **KNOWN}.items()
        ),
        *_by_lengths([row.case for row in rows]),
    ]
    at, own, _ = rows[0]
    found = []
    for variation in variations:
        values = variation.values(exercise, at) or {}
        parts = [_joined({name: side[name] for name in wrong if name in side}) for side in (own, values)]
        factor = _times(*parts) if len(parts[0]) == len(parts[1]) else 0.0
        if _near(factor, 1) or not factor or not np.allclose(parts[0], factor * parts[1], rtol=1e-3):
            continue
        for words, of in amounts:
            if _near(of(at), factor):
                told = f"{variation.words}{variation.words and ', and '}{_of_results('{}', wrong)} {words}"
                end = functools.partial(lambda case, result, of: of(case) * result, of=of)
                found.append(replace(variation, words=told, kind=Kind.TWO, end=end, results=wrong))
    return found


def _weighted(exercise: Exercise, rows: Sequence[CaseResult]) -> tuple[list[Variation], ...]:
    """The worked answer with one summand weighted, two, or one and the whole result, by what fits the smallest inputs.

    Inside of another function a weight does not show in the numbers: there twice and half are tried.
    """
    names, answer = _summands(exercise)
    cases = [row.case for row in rows]
    off = [_difference(row.own, row.right) for row in rows[:3]]
    one, two, whole = found = tuple[list[Variation], ...]([[], [], []])

    def add(found: list[Variation], words: str, chosen: dict[int, Any], kind: Kind = Kind.PART, **more: Any) -> None:
        found.append(Variation(words, kind, functools.partial(answer, chosen), **more))

    effects: dict[int, Numbers] = {}
    for i, name in enumerate(names):
        without = functools.partial(answer, {i: 0})
        effect = [_difference(row.right, values_of(exercise, without, row.case) or {}) for row in rows[:3]]
        n = next((n for n, part in enumerate(effect) if np.abs(part).max(initial=0.0) > CLOSE), None)
        if n is None or list(map(len, effect)) != list(map(len, off)):
            continue
        effects[i] = np.concatenate(effect)
        fitted = 1 + _times(off[n], effect[n])
        for weight in (fitted, 2.0, 0.5):
            if not _is_whole(weight):
                add(one, f"{weight:.3g} times {name}", {i: weight})
        for words, of in _by_lengths(cases):
            if _near(of(cases[n]), fitted):
                add(one, f"{name} {words}", {i: of})
    needed = np.concatenate(off)
    right = np.concatenate([_joined(row.right)[: len(part)] for row, part in zip(rows, off, strict=False)])
    for i, j in itertools.combinations([*effects, _ALL], 2):
        both = np.stack([effects[i], right if j is _ALL else effects[j]], 1) if len(needed) > 2 else np.zeros((0, 2))
        a, b = 1 + np.linalg.lstsq(both, needed[: len(both)], rcond=None)[0]
        fits = len(both) and np.allclose(both @ (a - 1, b - 1), needed, rtol=1e-3, atol=CLOSE)
        inner = 1 + (a - 1) / b if b else 0.0
        if not fits or (_is_whole(a) and _is_whole(b)):
            continue
        if j is not _ALL:
            words = f"{names[i]} and {names[j]}" if _near(a, b) else f"{names[i]}, and {b:.3g} times {names[j]}"
            add(two, f"{a:.3g} times {words}", {i: a, j: b}, Kind.TWO)
        elif not _is_whole(inner) and LEAST < abs(inner) < 1 / LEAST:
            results = tuple(rows[0].right)
            words = f"{inner:.3g} times {names[i]}, and {_of_results('{}', results)} times {b:.3g}"
            end = functools.partial(lambda case, result, b: b * result, b=b)
            add(whole, words, {i: inner}, Kind.TWO, end=end, results=results)
    return found


def _is_whole(weight: float) -> bool:
    """Whether a weight is that of a summand that is left out, taken as it is, or with its sign turned."""
    return any(abs(weight - known) <= CLOSE for known in (-1, 0, 1))


def _near(a: float, b: float) -> bool:
    return math.isclose(a, b, rel_tol=1e-3)


def _joined(values: Values) -> Numbers:
    """All numbers one after another."""
    return np.concatenate([np.zeros(0), *(value.array.ravel() for value in values.values())])


def _difference(a: Values, b: Values) -> Numbers:
    """By how much all numbers differ; none where they can't be compared or are not finite."""
    left, right = _joined(a), _joined(b)
    if len(left) != len(right) or not np.isfinite(left).all() or not np.isfinite(right).all():
        return np.zeros(0)
    return left - right


def _times(a: Numbers, b: Numbers) -> float:
    """The multiple of b that is closest to a."""
    return float(a @ b / (b @ b)) if b.any() else 0.0


def _by_lengths(cases: Sequence[Inputs]) -> list[tuple[str, Callable[[Inputs], float]]]:
    """What something may be multiplied by: a length or a plain number, one over it, or the ratio of two, in words and as
    numbers. Of those that are the same in every case the first speaks.
    """
    sizes: dict[tuple[float, ...], tuple[str, Callable[[Inputs], float]]] = {}
    for what, of in measures([*cases]):
        sizes.setdefault(tuple(map(of, cases)), (what, of))
    known = [size for amounts, size in sizes.items() if min(amounts) > 0]
    return [
        *(
            (words.format(what), lambda case, of=of, form=form: form(of(case)))
            for what, of in known
            for words, form in FACTORS[:2]
        ),
        *(
            (f"times {a} and divided by {b}", lambda case, over=over, under=under: over(case) / under(case))
            for (a, over), (b, under) in itertools.permutations(known, 2)
        ),
    ]


@functools.lru_cache(maxsize=16)
def _summands(exercise: Exercise) -> tuple[list[str], Callable[..., Any]]:
    """The summands of the worked answer, in words, and that answer with weights for some of them as its first argument.

    Those that are short, and those that are all that it does with one of its inputs. A weight is a number, or one for a case.
    """
    base = exercise.reference
    if not _is_written_out(base):
        return [], base
    tree = _tree(base)
    found: list[tuple[str, ast.BinOp, str]] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
            for side, term in (("left", node.left), ("right", node.right)):
                names = [n for n in exercise.parameters if 0 < _occurrences(n, term) == _occurrences(n, tree)]
                short = len(ast.unparse(term)) <= LONGEST_FRAGMENT
                if not isinstance(term, ast.Constant) and (short or len(names) == 1):
                    words = f"`{ast.unparse(term)}`" if short else f"the summand with `{names[0]}`"
                    found.append((words, node, side))
    for i, (_, node, side) in enumerate(found):
        weight = ast.parse(f"_weights[{i}]", mode="eval").body
        setattr(node, side, ast.fix_missing_locations(ast.BinOp(weight, ast.Mult(), getattr(node, side))))
    weights: list[float] = []
    function = _function(tree, base, weights)

    def answer(chosen: dict[int, Any], *inputs: Any) -> Any:
        case = dict(zip(exercise.parameters, inputs, strict=True))
        given = (chosen.get(i, 1) for i in range(len(found)))
        weights[:] = [weight(case) if callable(weight) else weight for weight in given]
        return function(*inputs)

    return [words for words, *_ in found], answer


def _occurrences(name: str, tree: ast.AST) -> int:
    return sum(isinstance(node, ast.Name) and node.id == name for node in ast.walk(tree))


def _agrees(exercise: Exercise, variation: Variation, rows: Iterable[CaseResult]) -> bool:
    """Whether a variation has an answer's numbers within the tolerance, and explains what is wrong with them."""
    tried = []
    for row in rows:
        values = variation.values(exercise, row.case)
        if values is None or not same_values(row.own, values, exercise.tolerance):
            return False
        tried.append(values)
    return all(
        _explains(values, row.own, row.right, exercise.tolerance) for values, row in zip(tried, rows, strict=True)
    )


def _explains(values: dict[str, Value], own: dict[str, Value], right: dict[str, Value], tolerance: float) -> bool:
    """Whether a variation has most of what an answer is off by, wherever that is wrong.

    One that all but is the worked answer is within the tolerance of answers with which it has nothing else in common.
    """
    for name, target in right.items():
        if name not in own or own[name].array.shape != target.array.shape or target.dtype not in FLOATS:
            continue
        a, b, c = (value.array.astype(np.float64) for value in (values[name], own[name], target))
        finite = np.isfinite(a) & np.isfinite(b) & np.isfinite(c)
        left, off = np.abs(a - b)[finite], np.abs(b - c)[finite]
        wrong = off > tolerance * np.abs(c[finite]).max(initial=0.0)
        if (left[wrong] > MOST_UNEXPLAINED * off[wrong] + 1e-6).any():
            return False
    return True


@functools.lru_cache(maxsize=16)
def _singles(exercise: Exercise) -> list[list[Variation]]:
    """One change at a time: of the worked answer, then of each alternative, where no variable of its own is spoken of."""
    others = [
        a.answer for a in exercise.alternatives if inspect.isfunction(a.answer) and a.answer.__name__ != "<lambda>"
    ]
    known = {*exercise.parameters, *_MODULES}
    return [_compiled(exercise.reference), *(_compiled(other, known) for other in others)]


def _compiled(base: Answer, known: set[str] | None = None) -> list[Variation]:
    if not _is_written_out(base):
        return []
    tree, of = _tree(base), _WORKED if known is None else _OTHER
    return [Variation(words, kind, _function(tree, base), of) for words, kind, _ in _varied(tree, known)]


@functools.lru_cache(maxsize=16)
def _beforehand(exercise: Exercise) -> list[list[Variation]]:
    """The worked answer to other inputs: one of them changed, then two, then all; last one of them more rarely."""
    if not _is_written_out(exercise.reference):
        return []
    places = range(len(exercise.parameters))
    sizes = sorted({size for size in (1, 2, len(places)) if size <= len(places)} - {0})
    return [
        [
            Variation(_listed(words, [exercise.parameters[i] for i in chosen]), Kind.PART, changed)
            for chosen in itertools.combinations(places, size)
            for words, changes in table.items()
            for changed in (functools.partial(_changed_first, exercise.reference, chosen, change) for change in changes)
        ]
        for size, table in (*((size, BEFOREHAND) for size in sizes), (1, RARELY))
    ]


def _changed_first(base: Answer, chosen: Sequence[int], change: Callable[[Any], Any], *inputs: Any) -> Any:
    return base(*(change(value) if i in chosen else value for i, value in enumerate(inputs)))


def _listed(words: str, names: Sequence[str]) -> str:
    quoted = [f"`{name}`" for name in names]
    return words.format(" and ".join(filter(None, (", ".join(quoted[:-1]), quoted[-1]))))


@functools.lru_cache(maxsize=16)
def _pairs(exercise: Exercise) -> list[Variation]:
    """Two changes of parts of the worked answer at once, each pair in one order only."""
    base = exercise.reference
    if not _is_written_out(base):
        return []
    tree = _tree(base)
    both = (
        Variation(_both(first, second), Kind.TWO, _function(tree, base))
        for first, kind, changed in _varied(tree)
        if kind in (Kind.PART, Kind.COEFFICIENT)
        for second, other, _ in _varied(tree, without=changed)
        if other == kind and (first < second or (first == second and not first.startswith(_ON_ITSELF)))
    )
    return list(itertools.islice(both, MOST_PAIRS))


def _both(first: str, second: str) -> str:
    return f"{first}, in two places" if first == second else f"{first}, and {second}"


def _is_written_out(answer: Answer) -> bool:
    """Whether it is a function with a name, and without a loop that a change could make endless."""
    if not inspect.isfunction(answer) or answer.__name__ == "<lambda>":
        return False
    return not any(isinstance(node, ast.While) for node in ast.walk(_tree(answer)))


def _tree(answer: Answer) -> ast.FunctionDef:
    function = ast.parse(textwrap.dedent(inspect.getsource(answer))).body[0]
    assert isinstance(function, ast.FunctionDef)
    function.returns = None
    for argument in function.args.args:
        argument.annotation = None
    return function


def _function(tree: ast.FunctionDef, base: Answer, weights: Sequence[float] = ()) -> Answer:
    """The function as the tree stands now, among the names of the one that it was made from, and weights."""
    space = dict(inspect.unwrap(base).__globals__) | {"_weights": weights}
    exec(compile(ast.Module([tree], []), "<variation>", "exec"), space)
    answer: Answer = space[tree.name]
    return answer


def _varied(
    tree: ast.FunctionDef, known: set[str] | None = None, without: ast.AST | None = None
) -> Iterator[tuple[str, Kind, ast.AST]]:
    """Change the tree in one place after another, and put it back each time; with each change its words, its kind and the
    node that it has made.

    Two parameters exchanged are a change, too. With `known`, no change is made that speaks of another variable; none is made
    of the node `without`.
    """
    inputs = [argument.arg for argument in tree.args.args]
    names = [*inputs, *{n.id: 0 for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}]
    table: dict[Kind, Callable[[ast.AST], Iterator[Change]]] = {
        **_CHANGES,
        Kind.FACTOR: functools.partial(_factors, inputs=inputs),
        Kind.VARIABLE: functools.partial(_variables, names=names),
    }
    if known is None:  # an alternative's constants stand in the code of nobody else
        table |= {
            Kind.CONSTANT: _constants,
            Kind.OPERATION: _operations,
            Kind.COEFFICIENT: functools.partial(_coefficients, names=_in_coefficients(tree)),
        }
    for parent in list(ast.walk(tree)):
        for field, i, node in list(children(parent)):
            for kind, changes in () if node is without else table.items():
                if kind == Kind.VARIABLE and _says_itself(parent):
                    continue
                for change in changes(node):
                    if change.words and (known is None or change.names <= known):
                        changed = ast.fix_missing_locations(change.make(node))
                        _put(parent, field, i, changed)
                        yield change.words, kind, changed
                        _put(parent, field, i, node)
    arguments = tree.args.args
    for a, b in itertools.combinations(range(len(arguments)), 2):
        words = f"the inputs `{arguments[a].arg}` and `{arguments[b].arg}` exchanged"
        arguments[a], arguments[b] = arguments[b], arguments[a]
        yield words, Kind.PART, tree.args
        arguments[a], arguments[b] = arguments[b], arguments[a]


def children(node: ast.AST) -> Iterator[tuple[str, int | None, ast.AST]]:
    """Each node right below: the field that holds it, its place where the field is a list, and itself."""
    for field, value in ast.iter_fields(node):
        if isinstance(value, ast.AST):
            yield field, None, value
        elif isinstance(value, list):
            yield from ((field, i, child) for i, child in enumerate(value) if isinstance(child, ast.AST))


def _put(parent: ast.AST, field: str, i: int | None, child: ast.AST) -> None:
    if i is None:
        setattr(parent, field, child)
    else:
        getattr(parent, field)[i] = child


# Changes -------------------------------------------------------------------------------------------------------------


# What may become of an operation n of a and b, where a may be one of c and d: words, the parts that they speak of, the new code.
_OPERATIONS: dict[type[ast.operator], tuple[tuple[str, str, str], ...]] = {
    ast.Add: (
        ("{} left out", "b", "a"),
        ("{} left out", "a", "b"),
        ("the sign of {} turned", "b", "a - b"),
        ("the sign of {} turned", "a", "b - a"),
        ("{} multiplied by {}", "ab", "a * b"),
    ),
    ast.Sub: (
        ("{} left out", "b", "a"),
        ("{} left out", "a", "-b"),
        ("the sign of {} turned", "b", "a + b"),
        ("the sign of {} turned", "a", "-a - b"),
        ("{} and {} exchanged in a difference", "ab", "b - a"),
        ("{} divided by {}", "ab", "a / b"),
        ("{} multiplied by {}", "ab", "a * b"),
    ),
    ast.Mult: (
        ("the factor {} left out", "b", "a"),
        ("the factor {} left out", "a", "b"),
        ("the factor {} twice", "b", "n * b"),
        ("a division by {} in place of the factor", "b", "a / b"),
    ),
    ast.Div: (
        ("the division by {} left out", "b", "a"),
        ("a factor {} in place of the division", "b", "a * b"),
        ("`//` in place of `/`", "", "a // b"),
        ("{} and {} exchanged in a ratio", "ab", "b / a"),
    ),
    ast.Pow: (
        ("{} without its power", "a", "a"),
        ("{} times {} in place of its power", "ab", "a * b"),
        ("the absolute value of {} in place of its power", "a", "a.abs()"),
    ),
}
_OPERATIONS[ast.MatMult] = _OPERATIONS[ast.Mult]
# The same where a is such an operation, too.
_OF_TWO: dict[tuple[type[ast.operator], type[ast.operator]], tuple[tuple[str, str, str], ...]] = {
    (ast.Add, ast.Mult): (
        ("the sum of {} and {} multiplied by {}", "dbc", "c * (d + b)"),
        ("the sum of {} and {} multiplied by {}", "cbd", "(c + b) * d"),
    ),
    (ast.Pow, ast.Add): (("each part of {} raised to its power by itself", "a", "c**b + d**b"),),
    (ast.Pow, ast.Sub): (("each part of {} raised to its power by itself", "a", "c**b - d**b"),),
}


def _parts(node: ast.AST) -> Iterator[Change]:
    if isinstance(node, ast.BinOp):
        parts, op = _named(node), type(node.op)
        inner = type(node.left.op) if isinstance(node.left, ast.BinOp) else None
        for words, names, code in (*_OPERATIONS.get(op, ()), *_OF_TWO.get((op, inner), ())):  # type: ignore[arg-type]
            if not (code == "-a - b" and inner is ast.Sub):  # then its parts are exchanged
                yield _change(words, code, *(parts[name] for name in names))
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and not isinstance(node.operand, ast.Constant):
        yield Change("the sign of {} turned", (node.operand,), lambda n: n.operand)
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        yield from _of_call(node, node.func)


def _change(words: str, code: str, *fragments: ast.AST, **more: ast.expr) -> Change:
    """The change of a node n, and its parts a and b where it is an operation, into this code."""
    return Change(words, fragments, lambda node: _filled(_code(code), {"n": node, **_named(node), **more}))


def _named(node: ast.AST) -> dict[str, ast.expr]:
    """What the code of a change calls the parts of an operation, and the parts of the first of these."""
    if not isinstance(node, ast.BinOp):
        return {}
    inner = node.left
    return {"a": inner, "b": node.right} | ({"c": inner.left, "d": inner.right} if isinstance(inner, ast.BinOp) else {})


@functools.cache
def _code(code: str) -> ast.expr:
    return ast.parse(code, mode="eval").body


def _filled(code: Any, parts: dict[str, ast.AST]) -> Any:
    """A copy of the code with the parts in place of their names."""
    if isinstance(code, list):
        return [_filled(one, parts) for one in code]
    if not isinstance(code, ast.AST):
        return code
    if isinstance(code, ast.Name) and code.id in parts:
        return parts[code.id]
    return type(code)(**{field: _filled(value, parts) for field, value in ast.iter_fields(code)})


def _of_call(node: ast.Call, function: ast.Attribute) -> Iterator[Change]:
    name = function.attr
    of_module = isinstance(function.value, ast.Name) and function.value.id in _MODULES
    if name == "exp":
        yield _change("the square of {}", "n**2", node)
        yield _change("the root of {}", "n.sqrt()", node)
    if name == "sum":
        yield _change("the root of {}", "n.sqrt()", node)
    for named in SWAPS.get(name, ()):
        yield Change(f"`{named}` in place of `{name}`", (), functools.partial(_renamed, name=named))
    if name in DROPPED and not of_module:
        yield Change(f"{{}} without `{name}`", (function.value,), lambda n: n.func.value)
    if name in DROPPED and of_module and node.args:
        yield Change(f"{{}} without `{name}`", (node.args[0],), lambda n: n.args[0])
    inner = function.value
    if name in ("sum", "mean", "prod") and isinstance(inner, ast.Call) and isinstance(inner.func, ast.Attribute):
        first = inner.func.attr
        if first in ("log", "exp", "square", "abs", "sqrt", "log2") and not inner.args:
            yield Change(f"`{name}` before `{first}`", (), _earlier)
    axes = [keyword.value for keyword in node.keywords if keyword.arg == "dim"]
    if name in REDUCTIONS and not of_module:
        axes += node.args[:1]
    for axis in axes:
        with contextlib.suppress(ValueError):
            value = ast.literal_eval(axis)
            for other in (0, 1, -1):
                if other != value:
                    words = f"axis {other} in place of {value}"
                    yield Change(words, (), functools.partial(_along, axis=other))


def _earlier(call: ast.Call) -> ast.Call:
    """`x.log().mean(0)` as `x.mean(0).log()`."""
    assert isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Call)
    inner = call.func.value
    assert isinstance(inner.func, ast.Attribute)
    reduced = ast.Call(ast.Attribute(inner.func.value, call.func.attr, ast.Load()), call.args, call.keywords)
    return ast.Call(ast.Attribute(reduced, inner.func.attr, ast.Load()), [], [])


def _numbers(node: ast.AST) -> Iterator[Change]:
    if not isinstance(node, ast.BinOp):
        return
    for number in (node.left, node.right):
        if isinstance(number, ast.Constant) and isinstance(number.value, int | float):
            value = number.value
            for other in sorted({value + 1, value - 1, 2 * value, value / 2} - {value, 0}):
                change = functools.partial(_with, old=number, new=ast.Constant(other))
                yield Change(f"{other:g} in place of {value:g}", (), change)


def _operations(node: ast.AST) -> Iterator[Change]:
    """A sum for a product and the reverse; a square or an absolute value of a factor or a summand."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "sum":
        product = node.func.value
        if isinstance(product, ast.BinOp) and isinstance(product.op, ast.Mult):
            words = "the product of the sums of {} and {} in place of the sum of their products"
            yield Change(words, (product.left, product.right), _sums_apart)
    if isinstance(node, ast.Call):
        for i, argument in enumerate(node.args):
            if isinstance(argument, ast.Name):
                square = functools.partial(_called_with, i=i, value=_method(argument, "square"))
                yield Change("the square of {} in its place", (argument,), square)
    if not isinstance(node, ast.BinOp):
        return
    both = node.left, node.right
    if isinstance(node.op, ast.MatMult):
        words = "the product of the sums of {} and {} in place of their scalar product"
        yield _change(words, "a.sum() * b.sum()", *both)
    parts = [part for part in both if not isinstance(part, ast.Constant)]
    if isinstance(node.op, ast.Mult) and len(parts) == 2:
        yield _change("the sum of {} and {} in place of their product", "a + b", *both)
    if isinstance(node.op, ast.Mult) and isinstance(node.right, ast.Name):
        yield _change("the sign of {} turned", "-n", node.right)
    if isinstance(node.op, ast.Add | ast.Sub | ast.Mult):
        for part in parts:
            for words, name in (
                ("the square of {} in its place", "square"),
                ("the absolute value of {} in its place", "abs"),
            ):
                yield Change(words, (part,), functools.partial(_with, old=part, new=_method(part, name)))


def _sums_apart(call: ast.Call) -> ast.BinOp:
    """`(a * b).sum(1)` as `a.sum(1) * b.sum(1)`."""
    assert isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.BinOp)
    left, right = (
        ast.Call(ast.Attribute(side, "sum", ast.Load()), call.args, call.keywords)
        for side in (call.func.value.left, call.func.value.right)
    )
    return ast.BinOp(left, ast.Mult(), right)


def _in_coefficients(tree: ast.AST) -> list[str]:
    """The variables that are added to a number, or taken from one, such as a weight."""
    sums = [n for n in ast.walk(tree) if isinstance(n, ast.BinOp) and isinstance(n.op, ast.Add | ast.Sub)]
    return [n.right.id for n in sums if isinstance(n.left, ast.Constant) and isinstance(n.right, ast.Name)]


def _coefficients(node: ast.AST, names: Sequence[str]) -> Iterator[Change]:
    """A weight w, 1 + w, 1 - w or w - 1 in place of one another as a factor."""
    if not isinstance(node, ast.BinOp) or not isinstance(node.op, ast.Mult):
        return
    for name, side in itertools.product(names, (node.left, node.right)):
        forms = [name, f"1 + {name}", f"1 - {name}", f"{name} - 1"]
        written = ast.unparse(side)
        for form in forms if written in forms else ():
            if form != written:
                change = functools.partial(_with, old=side, new=_code(form))
                yield Change("{} in place of {}", (_code(form), side), change)


def _variables(node: ast.AST, names: Sequence[str]) -> Iterator[Change]:
    """Another variable of the function where one is used; a build has too many to try them all."""
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in names and len(names) <= MOST_NAMES:
        for name in names:
            if name != node.id:
                other = ast.Name(name, ast.Load())
                yield Change("{} in place of {}", (other, node), functools.partial(_instead, other=other))


def _says_itself(parent: ast.AST) -> bool:
    """Whether another variable would only repeat a result, or take something from itself."""
    if isinstance(parent, ast.BinOp) and isinstance(parent.op, ast.Sub):
        return isinstance(parent.left, ast.Name) and isinstance(parent.right, ast.Name)
    return isinstance(parent, ast.Return | ast.Tuple | ast.Dict)


def _instead(node: ast.AST, other: ast.AST) -> ast.AST:
    return other


def _factors(node: ast.AST, inputs: Sequence[str]) -> Iterator[Change]:
    """Weights that people put into a sum or a mean: an input, or its exponential, such as a density that draws have already."""
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("sum", "mean")):
        return
    if isinstance(node.func.value, ast.Name) and node.func.value.id in _MODULES:
        return
    for name in inputs:
        for weight in (ast.Name(name, ast.Load()), _method(ast.Name(name, ast.Load()), "exp")):
            words = f"an extra factor {{}} inside of a `{node.func.attr}`"
            yield Change(words, (weight,), functools.partial(_inside, code="n * weight", weight=weight))


def _constants(node: ast.AST) -> Iterator[Change]:
    """Another number for one that a function is called with. A whole number may be an axis or a size."""
    if isinstance(node, ast.Call):
        for i, number in enumerate(node.args):
            if isinstance(number, ast.Constant) and isinstance(number.value, float):
                for other in sorted(
                    {0.0, number.value + 1, number.value - 1, 2 * number.value, number.value / 2} - {number.value}
                ):
                    change = functools.partial(_called_with, i=i, value=ast.Constant(other))
                    yield Change(f"{other:g} in place of {number.value:g}", (), change)


def _safety(node: ast.AST) -> Iterator[Change]:
    """What people put around a part "for safety": absolute values, limits, small numbers."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub):
        yield _change("the absolute value of {}", "n.abs()", node)
        yield _change("{} held at 0 or above", "n.clamp(min=0)", node)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
        for tiny in _TINY:
            yield _change("a small number added to a divisor", "a / (b + tiny)", tiny=ast.Constant(tiny))
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
        return
    of_module = isinstance(node.func.value, ast.Name) and node.func.value.id in _MODULES
    if node.func.attr in ("log", "log2", "sqrt") and (node.args or not of_module):
        words = "a small number added inside of a logarithm or root"
        yield from (Change(words, (), functools.partial(_inside, code=f"n + {tiny}")) for tiny in _TINY)
    if node.func.attr in _POSITIVE:
        for tiny in _TINY:
            yield _change("a small number added to {}", "n + tiny", node, tiny=ast.Constant(tiny))
    if node.func.attr in ("sum", "mean") and not of_module:
        name = node.func.attr
        yield Change(f"absolute values inside of a `{name}`", (), functools.partial(_inside, code="n.abs()"))


def _inside(call: ast.Call, code: str, **more: ast.expr) -> ast.Call:
    """The same call with its argument n, or that of which it is a method, made into this code."""
    assert isinstance(call.func, ast.Attribute)
    if isinstance(call.func.value, ast.Name) and call.func.value.id in _MODULES:
        new = _filled(_code(code), {"n": call.args[0]})
        return ast.Call(call.func, [new, *call.args[1:]], call.keywords)
    new = _filled(_code(code), {"n": call.func.value, **more})
    return ast.Call(ast.Attribute(new, call.func.attr, ast.Load()), call.args, call.keywords)


_CHANGES = {Kind.PART: _parts, Kind.NUMBER: _numbers, Kind.SAFETY: _safety}


def _called_with(call: ast.Call, i: int, value: ast.expr) -> ast.Call:
    return ast.Call(call.func, [*call.args[:i], value, *call.args[i + 1 :]], call.keywords)


def _with(operation: ast.BinOp, old: ast.expr, new: ast.expr) -> ast.BinOp:
    left, right = (new if side is old else side for side in (operation.left, operation.right))
    return ast.BinOp(left, operation.op, right)


def _method(value: ast.expr, name: str) -> ast.expr:
    return ast.Call(ast.Attribute(value, name, ast.Load()), [], [])


def _renamed(call: ast.Call, name: str) -> ast.expr:
    assert isinstance(call.func, ast.Attribute)
    changed = ast.Call(ast.Attribute(call.func.value, name, ast.Load()), call.args, call.keywords)
    along_an_axis = name == "median" and (call.args or call.keywords)  # then it comes with its place
    return ast.Attribute(changed, "values", ast.Load()) if along_an_axis else changed


def _along(call: ast.Call, axis: int) -> ast.Call:
    """The same call along another axis, which is its `dim` or its first argument."""
    named = [ast.keyword("dim", ast.Constant(axis)) if k.arg == "dim" else k for k in call.keywords]
    if any(k.arg == "dim" for k in call.keywords):
        return ast.Call(call.func, call.args, named)
    return ast.Call(call.func, [ast.Constant(axis), *call.args[1:]], call.keywords)
