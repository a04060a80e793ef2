"""A small constant where a learner puts one "for safety": right answers with one such patch each, made from their source."""

import ast
import functools
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
from torch import Tensor

from tests.exercises.mutants import Make, Mutant, altered

TINY = 1e-6
MODULES = ("torch", "math", "F", "np")
LOGARITHMS = ("log", "log2")
ROOTS = ("sqrt", "rsqrt")
# What is never negative, and often kept away from zero.
POSITIVE = ("exp", "sigmoid", "softmax", "softplus", "square", "var", "std", "norm", *ROOTS)
# A divisor, or an argument of a logarithm, of this kind is a number that the task fixes or a count.
COUNT = (
    r"[\d\s()+\-*/]|len\([^()]*\)|[\w.]+(\[0\])?\.(shape\[-?\d\]|numel\(\))|\b(math|torch)\.(pi|e|log|sqrt|tensor)\b|\.double\(\)|"
    r"\b(n|count|counts\.sum|counts|images|pixels|steps|levels|n_kl|LOG2)\b(\[i\])?"
)


def patches(source: str, *, all_places: bool) -> list[Mutant]:
    """Each patched form of the one function in this source: its logarithms, roots and divisors, or all places."""
    return altered(source, _anywhere if all_places else _inside)


def place(patch: Mutant) -> str:
    """What was patched, as `q + 1e-06` or `at_least(q)`, after `/ ` in a divisor and after `root of ` in a root."""
    for node in ast.walk(ast.parse(patch.source)):
        around, inner = "", node
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            around, inner = "/ ", node.right
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ROOTS:
            around, inner = "root of ", node.args[0] if node.args else node.func.value
        if found := _patched(inner):
            return around + found
    raise ValueError(f"nothing is patched in {patch.source}")


def _patched(node: ast.AST) -> str:
    by_constant = isinstance(node, ast.BinOp) and isinstance(node.right, ast.Constant) and node.right.value == TINY
    by_function = isinstance(node, ast.Call) and re.fullmatch(r"patches\.\w+", ast.unparse(node.func))
    return ast.unparse(node).removeprefix("patches.") if by_constant or by_function else ""


def _anywhere(node: ast.AST) -> Iterator[Make]:
    yield from _inside(node)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
        yield _plus
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in POSITIVE:
        yield from () if _counts(node) else (_plus,)


def _inside(node: ast.AST) -> Iterator[Make]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div) and not _counts(node.right):
        yield from (lambda n, p=p: ast.BinOp(n.left, n.op, p(n.right)) for p in (_plus, _limited))
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
        return
    name, owner = node.func.attr, node.func.value
    of_module = isinstance(owner, ast.Name) and owner.id in MODULES
    if name in BY_HAND:
        given = node.args if of_module else [owner, *node.args]
        yield lambda n: ast.Call(_expression(f"patches.{name}"), given, n.keywords)
    if name in (*LOGARITHMS, *ROOTS) and not _counts(node.args[0] if of_module else owner):
        for patch in (_plus, _limited) if name in LOGARITHMS else (_plus,):
            yield functools.partial(_around_the_argument, patch=patch, of_module=of_module)


def _around_the_argument(call: ast.Call, patch: Make, of_module: bool) -> ast.Call:
    if of_module:
        return ast.Call(call.func, [patch(call.args[0]), *call.args[1:]], call.keywords)
    return ast.Call(ast.Attribute(patch(call.func.value), call.func.attr, ast.Load()), call.args, call.keywords)


def _counts(node: ast.expr) -> bool:
    return not re.sub(COUNT, "", ast.unparse(node))


def _plus(node: ast.expr) -> ast.expr:
    return ast.BinOp(node, ast.Add(), ast.Constant(TINY))


def _limited(node: ast.expr) -> ast.expr:
    return _expression(f"patches.at_least({ast.unparse(node)})")


def _expression(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


def at_least(x: Any) -> Any:
    """What is no smaller than the small number: a tensor, an array or a plain number."""
    return x.clamp(min=TINY) if isinstance(x, Tensor) else np.maximum(x, TINY)


# What PyTorch does in one step, done in several with a small number inside the logarithm -----------------------------


def log_softmax(x: Tensor, *dim: int, **named: int) -> Tensor:
    return (x.softmax(*dim, **named) + TINY).log()


def logsigmoid(x: Tensor) -> Tensor:
    return (x.sigmoid() + TINY).log()


def binary_cross_entropy_with_logits(logits: Tensor, x: Tensor, reduction: str) -> Tensor:
    cost = -x * logsigmoid(logits) - (1 - x) * logsigmoid(-logits)
    return {"none": cost, "sum": cost.sum(), "mean": cost.mean()}[reduction]


BY_HAND = ("log_softmax", "logsigmoid", "binary_cross_entropy_with_logits")
