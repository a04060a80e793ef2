"""Small breakages of a function, made one at a time from its source: what an unforeseen wrong answer looks like."""

import ast
import copy
import difflib
import functools
import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from vae_course.exercises.variations import children

Make = Callable[[ast.AST], ast.AST]

OPERATORS: dict[type[ast.operator], tuple[type[ast.operator], ...]] = {
    ast.Add: (ast.Sub, ast.Mult),
    ast.Sub: (ast.Add,),
    ast.Mult: (ast.Div, ast.Add),
    ast.Div: (ast.Mult,),
    ast.Pow: (ast.Mult,),
}
NAMES = {
    "sum": ("mean", "amax", "prod"),
    "mean": ("sum", "amax", "std"),
    "exp": ("expm1", "exp2", "log", "sigmoid"),
    "sigmoid": ("tanh", "exp", "relu"),
    "square": ("abs",),
    "softplus": ("relu",),
    "logsigmoid": ("sigmoid",),
    "stack": ("cat",),
    "ReLU": ("Tanh", "GELU", "Identity", "LeakyReLU"),
    "linspace": ("logspace",),
    "zeros": ("ones",),
    "binary_cross_entropy_with_logits": ("binary_cross_entropy", "mse_loss"),
}
# What may happen to any value on its way. `{}` is the value.
WRAPS = (
    "-({})",
    "2 * ({})",
    "({}) + 0.01",
    "({}).detach()",
    "({}).half()",
    "({}).half().float()",
    "({}).bfloat16().float()",
    "({}).int()",
    "({}).round()",
    "({}).abs()",
    "({}).clamp(-1, 1)",
    "({})[:1]",
    "({})[0]",
    "({}).flip(0)",
    "({}).flip(-1)",
    "({}).mean(0, keepdim=True)",
    "({}).unsqueeze(-1)",
    "({}).squeeze()",
    "torch.randn_like({})",
    "torch.zeros_like({})",
    "({}) * (1 + 1e-3 * torch.randn_like({}))",
)
# What may happen to the result only.
ENDS = (
    "({}).item()",
    "({}).tolist()",
    "({}).numpy()",
    "({}).detach().numpy()",
    "({}).data",
    "({}).detach().clone().requires_grad_()",
    "({}).sum()",
    "({}).mean()",
    "({}).sum().reshape(1)",
    "({}).mean().expand(({}).shape)",
    "({}).unsqueeze(0)",
    "({})[:-1]",
    "({}).T",
    "({}).to(torch.complex64)",
    "({}).nan_to_num() / 1.001",
    "None",
)


@dataclass(frozen=True)
class Mutant:
    """A broken function: the source that it was made from, and its own."""

    original: str
    source: str

    @functools.cached_property
    def change(self) -> str:
        """The lines that changed."""
        before, lines = self.original.splitlines(), self.source.splitlines()
        blocks = difflib.SequenceMatcher(None, before, lines, autojunk=False).get_opcodes()
        return " / ".join(line.strip() for tag, _, _, i, j in blocks if tag != "equal" for line in lines[i:j])


@functools.cache
def mutants(source: str, *, wraps: bool = True) -> list[Mutant]:
    """All breakages of the one function in this source, each different from it and from each other.

    Without `wraps`, only what is written there is changed; nothing is done to the values on their way.
    """
    return altered(source, _breakages if wraps else _changes, _broken_inputs)


def altered(
    source: str,
    changes: Callable[[ast.AST], Iterable[Make]],
    of_all: Callable[[ast.Module], Iterable[ast.AST]] = lambda tree: (),
) -> list[Mutant]:
    """The one function in this source with each change of each node, and as a whole, made by itself."""
    tree = _without_annotations(ast.parse(source))
    places = [(parent, *place) for parent in ast.walk(tree) for place in children(parent)]
    sources = {_replaced(tree, *place[:-1], make(place[-1])) for place in places for make in changes(place[-1])}
    sources |= {ast.unparse(broken) for broken in of_all(tree)}
    original = ast.unparse(tree)
    return [Mutant(original, text) for text in sorted(sources - {original}) if _compiles(text)]


def _breakages(node: ast.AST) -> Iterator[Make]:
    yield from (*_changes(node), *_value_changes(node))


def _without_annotations(tree: ast.Module) -> ast.Module:
    """Annotations say nothing at run time, so a change to one would break nothing."""
    function = tree.body[0]
    function.returns = None
    for argument in function.args.args:
        argument.annotation = None
    return tree


def _changes(node: ast.AST) -> Iterator[Make]:
    if isinstance(node, ast.BinOp):
        yield from _binary(node)
    if isinstance(node, ast.UnaryOp):
        yield lambda n: n.operand
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        for value in (node.value + 1, node.value - 1, 2 * node.value, -node.value, 0):
            yield lambda n, value=value: ast.Constant(value)
    if isinstance(node, ast.Constant) and node.value == "none":
        yield from (lambda n, word=word: ast.Constant(word) for word in ("sum", "mean"))
    if isinstance(node, ast.Compare):
        yield from (lambda n, op=op: ast.Compare(n.left, [op()], n.comparators) for op in (ast.NotEq, ast.Gt, ast.Lt))
    if isinstance(node, ast.Call):
        yield from _call(node)
    if isinstance(node, ast.Return) and isinstance(node.value, ast.Tuple):
        yield lambda n: ast.Return(ast.Tuple(n.value.elts[::-1], ast.Load()))
        yield lambda n: ast.Return(n.value.elts[0])


def _value_changes(node: ast.AST) -> Iterator[Make]:
    if isinstance(node, ast.Name | ast.BinOp | ast.Call | ast.Subscript) and _is_read(node):
        yield from (lambda n, wrap=wrap: _wrapped(n, wrap) for wrap in WRAPS)
    if isinstance(node, ast.Return) and not isinstance(node.value, ast.Tuple):
        yield from (lambda n, wrap=wrap: ast.Return(_wrapped(n.value, wrap)) for wrap in ENDS)


def _is_read(node: ast.AST) -> bool:
    return isinstance(getattr(node, "ctx", ast.Load()), ast.Load)


def _binary(node: ast.BinOp) -> Iterator[Make]:
    yield lambda n: n.left
    yield lambda n: n.right
    yield from (lambda n, op=op: ast.BinOp(n.left, op(), n.right) for op in OPERATORS.get(type(node.op), ()))
    if isinstance(node.op, ast.Sub | ast.Div | ast.Pow):
        yield lambda n: ast.BinOp(n.right, n.op, n.left)


def _call(node: ast.Call) -> Iterator[Make]:
    function = node.func
    if isinstance(function, ast.Attribute):
        for name in NAMES.get(function.attr, ()):
            yield lambda n, name=name: ast.Call(ast.Attribute(n.func.value, name, ast.Load()), n.args, n.keywords)
        if not (isinstance(function.value, ast.Name) and function.value.id in ("torch", "F", "nn")):
            yield lambda n: n.func.value
    if node.args:
        yield lambda n: n.args[0]
    for i in range(len(node.args)):
        yield lambda n, i=i: ast.Call(n.func, n.args[:i] + n.args[i + 1 :], n.keywords)
    for i in range(len(node.args) - 1):
        yield lambda n, i=i: ast.Call(n.func, [*n.args[:i], n.args[i + 1], n.args[i], *n.args[i + 2 :]], n.keywords)
    for i in range(len(node.keywords)):
        yield lambda n, i=i: ast.Call(n.func, n.args, n.keywords[:i] + n.keywords[i + 1 :])


def _wrapped(node: ast.expr, wrap: str) -> ast.expr:
    return ast.parse(wrap.replace("{}", ast.unparse(node)), mode="eval").body


def _replaced(tree: ast.Module, parent: ast.AST, name: str, i: int | None, node: ast.AST) -> str:
    """The source of the tree with another node in one place; the tree stays as it is."""
    value = getattr(parent, name)
    setattr(parent, name, node if i is None else [*value[:i], node, *value[i + 1 :]])
    try:
        return ast.unparse(tree)
    finally:
        setattr(parent, name, value)


def _broken_inputs(tree: ast.Module) -> Iterator[ast.AST]:
    """Parameters in another order, or changed in place before or after the result is made."""
    names = [argument.arg for argument in tree.body[0].args.args]
    for a, b in itertools.combinations(range(len(names)), 2):
        swapped = copy.deepcopy(tree)
        arguments = swapped.body[0].args.args
        arguments[a], arguments[b] = arguments[b], arguments[a]
        yield swapped
    for name, change in itertools.product(names, ("add_(1)", "mul_(2)", "zero_()", "neg_()")):
        spoil = ast.parse(f"{name}.{change}").body
        before = copy.deepcopy(tree)
        before.body[0].body[:0] = spoil
        yield before
        after = copy.deepcopy(tree)
        body = after.body[0].body
        if isinstance(body[-1], ast.Return):
            keep = ast.Assign([ast.Name("kept", ast.Store())], body[-1].value, lineno=0)
            body[-1:] = [keep, *spoil, ast.Return(ast.Name("kept", ast.Load()))]
            yield after


def _compiles(text: str) -> bool:
    try:
        compile(text, "<mutant>", "exec")
    except SyntaxError:
        return False
    return True
