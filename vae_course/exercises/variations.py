"""What is right but for one or two places: the worked answer with a part of it changed, to find out which part it is.

A wrong answer that no misconception explains often has the numbers of the right formula with `mean` in place of `sum`,
without a factor, or with a sign turned. Such variations are made from the source of the worked answer, and of those
alternatives that are written out as functions. Where just one agrees with an answer, its difference is what is said.
"""

import ast
import contextlib
import copy
import functools
import inspect
import itertools
import textwrap
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
from torch import Tensor

from vae_course.exercises.comparing import FLOATS, same_values
from vae_course.exercises.diagnosis import input_size
from vae_course.exercises.inputs import small_numbers
from vae_course.exercises.model import Answer, Exercise, Inputs
from vae_course.exercises.outcomes import Outcome, Value, apart, values_of

# Of two changes at once no more than so many are tried: enough for a formula of three lines.
MOST_PAIRS = 1200
LONGEST_FRAGMENT = 24  # characters
MOST_NAMES = 8  # of a function in which one is tried in place of another
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
# What may happen to the result. `{}` is the result.
ENDS = {
    "a mean over its first axis at the end": "{}.mean(0)",
    "a sum over its first axis at the end": "{}.sum(0)",
    "a mean over its last axis at the end": "{}.mean(-1)",
    "a sum over its last axis at the end": "{}.sum(-1)",
    "a mean over all its numbers at the end": "{}.mean()",
    "a sum over all its numbers at the end": "{}.sum()",
    "the logarithm of its result": "{}.log()",
    "the exponential of its result": "{}.exp()",
    "the square root of its result": "{}.sqrt()",
    "the square of its result": "{} ** 2",
    "1 minus its result": "1 - {}",
    "the absolute value of its result": "{}.abs()",
    "its result held at 0 or above": "{}.clamp(min=0)",
    "a softmax of its result": "{}.softmax(-1)",
    "its result rounded down": "{}.floor()",
    "its result rounded up": "{}.ceil()",
    "its result rounded to whole numbers": "{}.round()",
    **{f"its result rounded to {k} decimals": f"{{}}.round(decimals={k})" for k in (1, 2, 3, 4)},
}
_TINY = small_numbers(1e-12)
_LIMITS = (
    1.0,
    2.0,
    3.0,
    4.0,
    5.0,
    6.0,
    8.0,
    10.0,
    15.0,
    20.0,
    30.0,
    50.0,
    80.0,
    88.0,
    *(100.0 * k for k in (1, 2, 5, 7, 10)),
)
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
# The same for one input, where none of these fits: what may have become of its order.
ORDERS: dict[str, tuple[Callable[[Any], Any], ...]] = {
    f"{{}} {words} along axis {axis}": tuple(functools.partial(move, axis=axis) for move in moves)
    for axis in (0, 1, 2)
    for words, moves in (
        ("moved by one place", (lambda x, axis: x.roll(1, axis), lambda x, axis: x.roll(-1, axis))),
        ("the other way round", (lambda x, axis: x.flip(axis),)),
    )
}
_TOLD = "Your numbers are those of {} with {}; your code may get there in another way."
_WORKED, _OTHER = "the worked answer", "a right answer in another style"
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
    RESULT = 6


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

    @property
    def words(self) -> str:
        """The template filled in."""
        return self.template.format(*(f"`{ast.unparse(fragment)}`" for fragment in self.fragments))

    @property
    def is_short(self) -> bool:
        """Whether no fragment is so long that it would give the answer away."""
        return all(len(ast.unparse(fragment)) <= LONGEST_FRAGMENT for fragment in self.fragments)

    @property
    def names(self) -> set[str]:
        """The variables that the fragments speak of."""
        return {n.id for fragment in self.fragments for n in ast.walk(fragment) if isinstance(n, ast.Name)}


@dataclass(frozen=True)
class Variation:
    """A changed right answer: what is different, the kind of change, the changed function, and which one it was."""

    words: str
    kind: Kind
    answer: Answer
    of: str = _WORKED


def explain(exercise: Exercise, cases: Sequence[Inputs], outcomes: Sequence[Outcome]) -> str:
    """A sentence on a wrong answer whose numbers are those of a variation or of two; empty where none is, or more are.

    Args:
        exercise: what was asked.
        cases: its inputs.
        outcomes: what the answer gave on each.
    """
    rows = _rows(cases, outcomes)
    if not rows:
        return ""
    with apart():
        return _first_match(exercise, rows, (*_singles(exercise), _weighted(exercise, rows), _pairs(exercise)))


def explain_by_inputs(exercise: Exercise, cases: Sequence[Inputs], outcomes: Sequence[Outcome]) -> str:
    """The same for the worked answer to other inputs: where nothing else explains an answer, for this may be far-fetched.

    A result that says yes or no agrees with many by chance.
    """
    rows = _rows(cases, outcomes)
    values = [value for outcome in outcomes for value in outcome.values.values()]
    if not rows or all(v.dtype == "bool" for v in values) or any(np.isnan(v.array).any() for v in values):
        return ""
    with apart():
        return _first_match(exercise, rows, _beforehand(exercise))


def _rows(cases: Sequence[Inputs], outcomes: Sequence[Outcome]) -> list[tuple[Inputs, Outcome]]:
    """Inputs and outcomes, where all are tensors: the smallest rule out most variations before one makes a large tensor."""
    if any(o.failure or not o.values or any(v.kind != "tensor" for v in o.values.values()) for o in outcomes):
        return []
    return sorted(zip(cases, outcomes, strict=True), key=lambda row: input_size(row[0]))


def _first_match(
    exercise: Exercise, rows: Sequence[tuple[Inputs, Outcome]], stages: Iterable[Sequence[Variation]]
) -> str:
    for variations in stages:
        matching = [v for v in variations if _agrees(exercise, v.answer, rows)]
        first = min((v.kind for v in matching), default=None)
        words = {v.words for v in matching if v.kind == first}
        if words:
            # Two that give the same numbers are both true; of more, none is likelier than the others to be what was done.
            told = " or, with the same numbers, ".join(sorted(words))
            return _TOLD.format(matching[0].of, told) if len(words) <= 2 else ""
    return ""


def _weighted(exercise: Exercise, rows: Sequence[tuple[Inputs, Outcome]]) -> list[Variation]:
    """The worked answer with one summand weighted, by the weight that fits the smallest input; where it has an effect."""
    found = []
    for words, with_weight in _summands(exercise):
        none, whole = (values_of(exercise, with_weight(weight), rows[0][0]) for weight in (0.0, 1.0))
        own = rows[0][1].values
        if none is None or whole is None or not own.keys() == none.keys() == whole.keys():
            continue
        parts = [(own[k].array.astype(float), none[k].array, whole[k].array) for k in own]
        if any(not a.shape == b.shape == c.shape or not np.isfinite([a, b, c]).all() for a, b, c in parts):
            continue
        a, b, c = (np.concatenate([array.ravel() for array in arrays]) for arrays in zip(*parts, strict=True))
        if not np.allclose(b, c):
            weight = float((a - b) @ (c - b) / ((c - b) @ (c - b)))
            if all(abs(weight - known) > 1e-4 for known in (-1.0, 0.0, 1.0)):
                found.append(Variation(f"{weight:.3g} times {words}", Kind.PART, with_weight(weight)))
            found += [
                Variation(f"{words} {amount}", Kind.PART, functools.partial(_weighted_by, exercise, with_weight, of))
                for amount, of in _by_lengths([case for case, _ in rows])
                if np.isclose(of(rows[0][0]), weight, rtol=1e-3)
            ]
    return found


def _weighted_by(
    exercise: Exercise, with_weight: Callable[[float], Answer], of: Callable[[Inputs], float], *inputs: Any
) -> Any:
    return with_weight(of(dict(zip(exercise.parameters, inputs, strict=True))))(*inputs)


def _by_lengths(cases: Sequence[Inputs]) -> list[tuple[str, Callable[[Inputs], float]]]:
    """What something may be multiplied by: the length of an axis, one over it, or the ratio of two, in words and as numbers.

    Of axes that are as long as each other in every case the first speaks.
    """
    lengths: dict[tuple[int, ...], tuple[str, Callable[[Inputs], float]]] = {}
    for name, value in cases[0].items():
        for axis in range(value.dim()) if isinstance(value, Tensor) else ():
            length = functools.partial(_length, name=name, axis=axis)
            lengths.setdefault(
                tuple(length(case) for case in cases), (f"the length of axis {axis} of `{name}`", length)
            )
    found: list[tuple[str, Callable[[Inputs], float]]] = []
    for words, of in lengths.values():
        found.append((f"times {words}", of))
        found.append((f"divided by {words}", lambda case, of=of: 1 / max(of(case), 1)))  # type: ignore[misc]
    for (a, of_a), (b, of_b) in itertools.permutations(lengths.values(), 2):
        ratio = functools.partial(lambda case, over, under: over(case) / max(under(case), 1), over=of_a, under=of_b)
        found.append((f"times {a} and divided by {b}", ratio))
    return found


def _length(case: Inputs, name: str, axis: int) -> int:
    value = case[name]
    assert isinstance(value, Tensor)
    return value.shape[axis]


@functools.lru_cache(maxsize=16)
def _summands(exercise: Exercise) -> list[tuple[str, Callable[[float], Answer]]]:
    """The summands of the worked answer, in words and as that answer with a weight on it.

    Those that are short, and those that are all that it does with one of its inputs.
    """
    base = exercise.reference
    if not _is_written_out(base):
        return []
    tree = _tree(base)
    parameters = [argument.arg for argument in tree.args.args]
    found: list[tuple[str, Callable[[float], Answer]]] = []
    for node in list(ast.walk(tree)):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
            for side in ("left", "right"):
                term = getattr(node, side)
                names = [name for name in parameters if 0 < _occurrences(name, term) == _occurrences(name, tree)]
                short = len(ast.unparse(term)) <= LONGEST_FRAGMENT
                if not isinstance(term, ast.Constant) and (short or len(names) == 1):
                    words = f"`{ast.unparse(term)}`" if short else f"the summand with `{names[0]}`"
                    setattr(node, side, ast.BinOp(ast.Name("_weight", ast.Load()), ast.Mult(), term))
                    weighted = functools.partial(_function, copy.deepcopy(tree), base)
                    found.append((words, weighted))
                    setattr(node, side, term)
    return found


def _occurrences(name: str, tree: ast.AST) -> int:
    return sum(isinstance(node, ast.Name) and node.id == name for node in ast.walk(tree))


def _agrees(exercise: Exercise, answer: Answer, rows: Iterable[tuple[Inputs, Outcome]]) -> bool:
    """Whether a variation has an answer's numbers within the tolerance, and explains what is wrong with them."""
    tried = []
    for case, outcome in rows:
        values = values_of(exercise, answer, case)
        if values is None or not same_values(outcome.values, values, exercise.tolerance):
            return False
        tried.append((case, outcome.values, values))
    return all(
        _explains(values, own, values_of(exercise, exercise.reference, case) or {}, exercise.tolerance)
        for case, own, values in tried
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
    """The worked answer to other inputs: one of them changed, then two, then all; last one of them in another order."""
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
        for size, table in (*((size, BEFOREHAND) for size in sizes), (1, ORDERS))
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
        Variation(_both(first, second), Kind.PART, _function(tree, base))
        for first, kind, changed in _varied(tree)
        if kind == Kind.PART
        for second, other, _ in _varied(tree, without=changed)
        if other == Kind.PART and (first < second or (first == second and not first.startswith(_ON_ITSELF)))
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


def _function(tree: ast.FunctionDef, base: Answer, weight: float = 1.0) -> Answer:
    """The function as the tree stands now, among the names of the one that it was made from, and a weight."""
    space = dict(inspect.unwrap(base).__globals__) | {"_weight": weight}
    exec(compile(ast.fix_missing_locations(ast.Module([tree], [])), "<variation>", "exec"), space)
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
        table[Kind.CONSTANT] = _constants
    for parent in list(ast.walk(tree)):
        for field, i, node in list(children(parent)):
            for kind, changes in () if node is without else table.items():
                if kind == Kind.VARIABLE and _says_itself(parent):
                    continue
                for change in changes(node):
                    if change.is_short and (known is None or change.names <= known):
                        changed = change.make(node)
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


def _parts(node: ast.AST) -> Iterator[Change]:
    if isinstance(node, ast.BinOp):
        yield from _of_operation(node)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and not isinstance(node.operand, ast.Constant):
        yield Change("the sign of {} turned", (node.operand,), lambda n: n.operand)
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        yield from _of_call(node, node.func)


def _of_operation(node: ast.BinOp) -> Iterator[Change]:
    left, right, both = (node.left,), (node.right,), (node.left, node.right)
    match node.op:
        case ast.Add():
            yield Change("{} left out", right, lambda n: n.left)
            yield Change("{} left out", left, lambda n: n.right)
            yield Change("the sign of {} turned", right, lambda n: ast.BinOp(n.left, ast.Sub(), n.right))
            yield Change("the sign of {} turned", left, lambda n: ast.BinOp(n.right, ast.Sub(), n.left))
            yield Change("{} multiplied by {}", both, lambda n: ast.BinOp(n.left, ast.Mult(), n.right))
            yield from _with_brackets(node)
        case ast.Sub():
            yield from _of_difference(node)
        case ast.Mult() | ast.MatMult():
            yield Change("the factor {} left out", right, lambda n: n.left)
            yield Change("the factor {} left out", left, lambda n: n.right)
            yield Change("the factor {} twice", right, lambda n: ast.BinOp(n, ast.Mult(), n.right))
            yield Change(
                "a division by {} in place of the factor", right, lambda n: ast.BinOp(n.left, ast.Div(), n.right)
            )
        case ast.Div():
            yield Change("the division by {} left out", right, lambda n: n.left)
            yield Change(
                "a factor {} in place of the division",
                right,
                lambda n: ast.BinOp(n.left, ast.Mult(), n.right),
            )
            yield Change("`//` in place of `/`", (), lambda n: ast.BinOp(n.left, ast.FloorDiv(), n.right))
            yield Change("{} and {} exchanged in a ratio", both, lambda n: ast.BinOp(n.right, ast.Div(), n.left))
        case ast.Pow():
            yield Change("{} without its power", left, lambda n: n.left)
            yield Change("{} times {} in place of its power", both, lambda n: ast.BinOp(n.left, ast.Mult(), n.right))
            yield Change("the absolute value of {} in place of its power", left, lambda n: _method(n.left, "abs"))
            if isinstance(node.left, ast.BinOp):
                yield Change("each part of {} raised to its power by itself", left, _of_each_part)


def _of_call(node: ast.Call, function: ast.Attribute) -> Iterator[Change]:
    name = function.attr
    of_module = isinstance(function.value, ast.Name) and function.value.id in _MODULES
    if name == "exp":
        yield Change("the square of {}", (node,), lambda n: ast.BinOp(n, ast.Pow(), ast.Constant(2)))
        yield Change("the root of {}", (node,), lambda n: _method(n, "sqrt"))
    if name == "sum":
        yield Change("the root of {}", (node,), lambda n: _method(n, "sqrt"))
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


def _of_difference(node: ast.BinOp) -> Iterator[Change]:
    left, right, both = (node.left,), (node.right,), (node.left, node.right)
    yield Change("{} left out", right, lambda n: n.left)
    yield Change("{} left out", left, lambda n: ast.UnaryOp(ast.USub(), n.right))
    yield Change("the sign of {} turned", right, lambda n: ast.BinOp(n.left, ast.Add(), n.right))
    if not (isinstance(node.left, ast.BinOp) and isinstance(node.left.op, ast.Sub)):  # then its parts are exchanged
        yield Change(
            "the sign of {} turned",
            left,
            lambda n: ast.BinOp(ast.UnaryOp(ast.USub(), n.left), ast.Sub(), n.right),
        )
    yield Change("{} and {} exchanged in a difference", both, lambda n: ast.BinOp(n.right, ast.Sub(), n.left))
    yield Change("{} divided by {}", both, lambda n: ast.BinOp(n.left, ast.Div(), n.right))
    yield Change("{} multiplied by {}", both, lambda n: ast.BinOp(n.left, ast.Mult(), n.right))


def _with_brackets(total: ast.BinOp) -> Iterator[Change]:
    """`a * b + c` with a bracket around too much."""
    if isinstance(total.left, ast.BinOp) and isinstance(total.left.op, ast.Mult):
        a, b = total.left.left, total.left.right
        yield Change("the sum of {} and {} multiplied by {}", (b, total.right, a), _bracketed_right)
        yield Change("the sum of {} and {} multiplied by {}", (a, total.right, b), _bracketed_left)


def _bracketed_right(total: ast.BinOp) -> ast.BinOp:
    """`a * b + c` as `a * (b + c)`."""
    assert isinstance(total.left, ast.BinOp)
    return ast.BinOp(total.left.left, ast.Mult(), ast.BinOp(total.left.right, ast.Add(), total.right))


def _bracketed_left(total: ast.BinOp) -> ast.BinOp:
    """`a * b + c` as `(a + c) * b`."""
    assert isinstance(total.left, ast.BinOp)
    return ast.BinOp(ast.BinOp(total.left.left, ast.Add(), total.right), ast.Mult(), total.left.right)


def _of_each_part(power: ast.BinOp) -> ast.BinOp:
    """`(a - b)**2` as `a**2 - b**2`."""
    assert isinstance(power.left, ast.BinOp)
    left, right = (ast.BinOp(side, power.op, power.right) for side in (power.left.left, power.left.right))
    return ast.BinOp(left, power.left.op, right)


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
            yield Change(words, (weight,), functools.partial(_weighted_inside, weight=weight))


def _weighted_inside(call: ast.Call, weight: ast.expr) -> ast.Call:
    """`x.mean(0)` as `(x * w).mean(0)`."""
    assert isinstance(call.func, ast.Attribute)
    inner = ast.BinOp(call.func.value, ast.Mult(), weight)
    return ast.Call(ast.Attribute(inner, call.func.attr, ast.Load()), call.args, call.keywords)


def _constants(node: ast.AST) -> Iterator[Change]:
    """Another number for one that a function is called with. A whole number may be an axis or a size."""
    if isinstance(node, ast.Call):
        for i, number in enumerate(node.args):
            if isinstance(number, ast.Constant) and isinstance(number.value, float):
                for other in sorted(
                    {0.0, number.value + 1, number.value - 1, 2 * number.value, number.value / 2} - {number.value}
                ):
                    yield Change(
                        f"{other:g} in place of {number.value:g}", (), functools.partial(_called_with, i=i, value=other)
                    )


def _safety(node: ast.AST) -> Iterator[Change]:
    """What people put around a part "for safety": absolute values, limits, small numbers."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
        yield Change(
            "the absolute value of {} in its place",
            (node.right,),
            lambda n: ast.BinOp(n.left, n.op, _method(n.right, "abs")),
        )
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub):
        yield Change("the absolute value of {}", (node,), lambda n: _method(n, "abs"))
        yield Change("{} held at 0 or above", (node,), _with_limit)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
        for tiny in _TINY:
            yield Change("a small number added to a divisor", (), functools.partial(_divided_by_more, tiny=tiny))
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
        return
    of_module = isinstance(node.func.value, ast.Name) and node.func.value.id in _MODULES
    if node.func.attr in ("log", "log2", "sqrt") and (node.args or not of_module):
        for tiny in _TINY:
            yield Change(
                "a small number added inside of a logarithm or root", (), functools.partial(_inside, tiny=tiny)
            )
    if node.func.attr in _POSITIVE:
        for tiny in _TINY:
            yield Change("a small number added to {}", (node,), functools.partial(_plus, tiny=tiny))
    if node.func.attr in ("sum", "mean") and not of_module:
        name = node.func.attr
        yield Change(f"absolute values inside of a `{name}`", (), functools.partial(_inside, tiny=None))


def _inside(call: ast.Call, tiny: float | None) -> ast.Call:
    """The same call with a small number added to its argument, or with its argument's absolute value."""

    def new(value: ast.expr) -> ast.expr:
        return _method(value, "abs") if tiny is None else _plus(value, tiny)

    assert isinstance(call.func, ast.Attribute)
    if isinstance(call.func.value, ast.Name) and call.func.value.id in _MODULES:
        return ast.Call(call.func, [new(call.args[0]), *call.args[1:]], call.keywords)
    return ast.Call(ast.Attribute(new(call.func.value), call.func.attr, ast.Load()), call.args, call.keywords)


def _divided_by_more(quotient: ast.BinOp, tiny: float) -> ast.BinOp:
    return ast.BinOp(quotient.left, ast.Div(), _plus(quotient.right, tiny))


def _plus(value: ast.expr, tiny: float) -> ast.BinOp:
    return ast.BinOp(value, ast.Add(), ast.Constant(tiny))


def _with_limit(value: ast.expr) -> ast.Call:
    return ast.Call(ast.Attribute(value, "clamp", ast.Load()), [], [ast.keyword("min", ast.Constant(0))])


def _results(node: ast.AST) -> Iterator[Change]:
    if isinstance(node, ast.Return) and node.value is not None and not isinstance(node.value, ast.Tuple | ast.Dict):
        for words, end in ENDS.items():
            yield Change(words, (), functools.partial(_ending, end=end))


_CHANGES = {Kind.PART: _parts, Kind.NUMBER: _numbers, Kind.SAFETY: _safety, Kind.RESULT: _results}


def _called_with(call: ast.Call, i: int, value: float) -> ast.Call:
    return ast.Call(call.func, [*call.args[:i], ast.Constant(value), *call.args[i + 1 :]], call.keywords)


def _with(operation: ast.BinOp, old: ast.expr, new: ast.expr) -> ast.BinOp:
    left, right = (new if side is old else side for side in (operation.left, operation.right))
    return ast.BinOp(left, operation.op, right)


def _ending(statement: ast.Return, end: str) -> ast.Return:
    assert statement.value is not None
    return ast.Return(ast.parse(end.replace("{}", f"({ast.unparse(statement.value)})"), mode="eval").body)


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
