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

from vae_course.exercises.comparing import same_values
from vae_course.exercises.diagnosis import input_size
from vae_course.exercises.model import Answer, Exercise, Inputs
from vae_course.exercises.outcomes import Outcome, apart, values_of

# Of two changes at once no more than so many are tried: enough for a formula of three lines.
MOST_PAIRS = 1000
LONGEST_FRAGMENT = 24  # characters

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
}
_TOLD = "Your numbers are those of the worked answer with {}; your code may get there in another way."
# Changes that can be made once more where they have been made.
_ON_ITSELF = ("the root of", "the square of", "the factor", "the sign of")
_MODULES = {"torch", "math", "F", "nn"}


class Kind(IntEnum):
    """What is changed: of several changes with the same numbers, the first kind is the one that people make."""

    PART = 0
    NUMBER = 1
    RESULT = 2


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
    """A changed worked answer: what is different, the kind of change, and the changed function."""

    words: str
    kind: Kind
    answer: Answer


def explain(exercise: Exercise, cases: Sequence[Inputs], outcomes: Sequence[Outcome]) -> str:
    """A sentence on a wrong answer whose numbers are those of a variation; empty where none is, or two say otherwise.

    Args:
        exercise: what was asked.
        cases: its inputs.
        outcomes: what the answer gave on each.
    """
    if any(o.failure or not o.values or any(v.kind != "tensor" for v in o.values.values()) for o in outcomes):
        return ""
    # On the smallest inputs most are ruled out, before one makes a large tensor of large ones.
    rows = sorted(zip(cases, outcomes, strict=True), key=lambda row: input_size(row[0]))
    with apart():
        for variations in (*_singles(exercise), _weighted(exercise, rows), _pairs(exercise)):
            matching = [v for v in variations if _agrees(exercise, v.answer, rows)]
            first = min((v.kind for v in matching), default=None)
            words = {v.words for v in matching if v.kind == first}
            if words:
                return _TOLD.format(words.pop()) if len(words) == 1 else ""
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
    return found


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
    for case, outcome in rows:
        values = values_of(exercise, answer, case)
        if values is None or not same_values(outcome.values, values, exercise.tolerance):
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
    tree = _tree(base)
    return [Variation(words, kind, _function(tree, base)) for words, kind, _ in _varied(tree, known)]


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
    for parent in list(ast.walk(tree)):
        for field, i, node in list(children(parent)):
            for kind, changes in () if node is without else _CHANGES.items():
                for change in changes(node):
                    if change.is_short and (known is None or change.names <= known):
                        changed = change.make(node)
                        _put(parent, field, i, changed)
                        yield change.words, kind, changed
                        _put(parent, field, i, node)
    arguments = tree.args.args
    for a, b in itertools.combinations(range(len(arguments)), 2):
        words = f"`{arguments[a].arg}` and `{arguments[b].arg}` exchanged"
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
        case ast.Sub():
            yield Change("{} left out", right, lambda n: n.left)
            yield Change("{} left out", left, lambda n: ast.UnaryOp(ast.USub(), n.right))
            yield Change("the sign of {} turned", right, lambda n: ast.BinOp(n.left, ast.Add(), n.right))
            yield Change("{} and {} exchanged", both, lambda n: ast.BinOp(n.right, ast.Sub(), n.left))
            yield Change("{} divided by {}", both, lambda n: ast.BinOp(n.left, ast.Div(), n.right))
            yield Change("{} multiplied by {}", both, lambda n: ast.BinOp(n.left, ast.Mult(), n.right))
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
            yield Change("{} and {} exchanged", both, lambda n: ast.BinOp(n.right, ast.Div(), n.left))
        case ast.Pow():
            yield Change("{} without its power", left, lambda n: n.left)
            yield Change("the absolute value of {} in place of its power", left, lambda n: _method(n.left, "abs"))


def _of_call(node: ast.Call, function: ast.Attribute) -> Iterator[Change]:
    name = function.attr
    of_module = isinstance(function.value, ast.Name) and function.value.id in _MODULES
    if name == "exp":
        yield Change("the square of {}", (node,), lambda n: ast.BinOp(n, ast.Pow(), ast.Constant(2)))
        yield Change("the root of {}", (node,), lambda n: _method(n, "sqrt"))
    for named in SWAPS.get(name, ()):
        yield Change(f"`{named}` in place of `{name}`", (), functools.partial(_renamed, name=named))
    if name in DROPPED and not of_module:
        yield Change(f"{{}} without `{name}`", (function.value,), lambda n: n.func.value)
    if name in DROPPED and of_module and node.args:
        yield Change(f"{{}} without `{name}`", (node.args[0],), lambda n: n.args[0])
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


def _numbers(node: ast.AST) -> Iterator[Change]:
    if not isinstance(node, ast.BinOp):
        return
    for number in (node.left, node.right):
        if isinstance(number, ast.Constant) and isinstance(number.value, int | float):
            value = number.value
            for other in sorted({value + 1, value - 1, 2 * value, value / 2} - {value, 0}):
                change = functools.partial(_with, old=number, new=ast.Constant(other))
                yield Change(f"{other:g} in place of {value:g}", (), change)


def _results(node: ast.AST) -> Iterator[Change]:
    if isinstance(node, ast.Return) and node.value is not None and not isinstance(node.value, ast.Tuple | ast.Dict):
        for words, end in ENDS.items():
            yield Change(words, (), functools.partial(_ending, end=end))


_CHANGES = {Kind.PART: _parts, Kind.NUMBER: _numbers, Kind.RESULT: _results}


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
