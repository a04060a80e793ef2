"""Which statements of a notebook a function needs: definitions, imports and plain values, found without running any."""

import ast
import builtins
import functools
import symtable
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from vae_course.support.sources import one_at_a_time, tree

_BUILTINS = frozenset(dir(builtins)) | {"__name__", "__file__", "__doc__", "display", "get_ipython"}


@dataclass(frozen=True, eq=False)
class Statement:
    """One statement of a notebook.

    Args:
        cell: the name of its cell, such as `cell 7`.
        order: its place in the notebook.
        text: its lines alone.
        above: how many lines stand before it in the cell.
        tree: the statement.
        binds: the names that it gives a meaning to.
        own: whether the student wrote it, rather than the lesson.
    """

    cell: str
    order: int
    text: str
    above: int
    tree: ast.stmt
    binds: frozenset[str]
    own: bool = True

    @functools.cached_property
    def needs(self) -> frozenset[str]:
        """The global names that it refers to, in functions and comprehensions too."""
        return _needs(self.text)


@dataclass(frozen=True)
class Program:
    """What a function needs, in the order of the notebook, and the names that nothing here gives a meaning to."""

    statements: tuple[Statement, ...]
    missing: frozenset[str] = field(default_factory=frozenset)


def parse(text: str) -> ast.Module | None:
    """The tree of a piece of Python, or None where it is none."""
    try:
        return tree(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def syntax_error(text: str) -> str:
    """What is wrong with a piece of Python that does not parse, as: line 3: invalid syntax."""
    try:
        tree(text)
    except SyntaxError as error:
        return f"line {error.lineno}: {error.msg}"
    except (ValueError, RecursionError, MemoryError) as error:
        return str(error) or "it is nested too deeply"
    return ""


def statements_of(python: str, *, cell: str, start: int = 0, above: int = 0) -> list[Statement] | None:
    """The statements of a cell, or of its part below so many lines; None where it does not parse."""
    tree = parse(python)
    if tree is None:
        return None
    lines = python.split("\n")
    return [_statement(lines, node, cell, start + number, above) for number, node in enumerate(tree.body)]


def chunks(python: str) -> list[tuple[int, str]]:
    """The unindented blocks of a cell that does not parse as a whole, each with the number of lines above it."""
    blocks: list[tuple[int, list[str]]] = []
    decorated = False
    for number, line in enumerate(python.split("\n")):
        starts = bool(line.strip()) and not line[0].isspace() and line[0] not in ")]}#"
        if (starts and not decorated) or not blocks:
            blocks.append((number, []))
        decorated = line.startswith("@") if starts else decorated
        blocks[-1][1].append(line)
    return [(above, "\n".join(block)) for above, block in blocks]


def program(wanted: Statement, statements: Sequence[Statement], fixed: Sequence[Statement] = ()) -> Program:
    """What the wanted statement needs, and what that needs in turn.

    A name means its last definition before the wanted statement, else the first one after it; names that the notebook
    does not define are looked for in `fixed`, the lesson as it was handed out.
    """
    chosen: dict[int, Statement] = {id(wanted): wanted}
    missing: set[str] = set()
    own, handed_out = _by_name(statements), _by_name(fixed)
    queue = [(name, wanted) for name in sorted(wanted.needs)]
    seen: set[str] = set(wanted.binds)
    while queue:
        name, user = queue.pop()
        if name in seen:
            continue
        seen.add(name)
        found = _definition(own.get(name, ()), wanted, user) or _definition(handed_out.get(name, ()), wanted, user)
        if found is None:
            missing |= {name} - _BUILTINS
            continue
        chosen[id(found)] = found
        queue += [(needed, found) for needed in sorted(found.needs)]
    if missing:
        chosen.update((id(statement), statement) for statement in statements if _star(statement.tree))
    return Program(tuple(sorted(chosen.values(), key=lambda statement: statement.order)), frozenset(missing))


def bound_names(node: ast.stmt) -> frozenset[str]:
    """The names that a definition, an import or an assignment binds; nothing for a statement that does work."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef):
        return frozenset({node.name})
    if isinstance(node, ast.Import | ast.ImportFrom):
        return frozenset((alias.asname or alias.name).split(".")[0] for alias in node.names)
    if isinstance(node, ast.Assign):
        return _targets(node.targets)
    if isinstance(node, ast.AnnAssign) and node.value is not None:
        return _targets([node.target])
    if isinstance(node, ast.If | ast.Try):
        return _compound(node)
    return frozenset()


def names_stored(tree: ast.AST) -> frozenset[str]:
    """Every name that a piece of code gives a value, in whatever way, at any depth."""
    return frozenset(n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store))


def within(tree: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a piece of code outside of functions and classes, and those themselves."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        if node is tree or not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            waiting += ast.iter_child_nodes(node)


def root(node: ast.expr) -> str:
    """The name at the left end of attributes and items, such as `table` of `table.rows[0]`; empty where it is no name."""
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def _statement(lines: list[str], node: ast.stmt, cell: str, order: int, above: int) -> Statement:
    decorators = getattr(node, "decorator_list", [])
    first = min([node.lineno, *(d.lineno for d in decorators)])
    last = node.end_lineno or node.lineno
    text = lines[first - 1 : last]
    if ";" in "".join(text) and len(text) == 1 and not isinstance(node, ast.FunctionDef | ast.ClassDef):
        text = [ast.unparse(node)]
    return Statement(cell, order, "\n".join(text), above + first - 1, node, bound_names(node))


def _by_name(statements: Iterable[Statement]) -> dict[str, list[Statement]]:
    """The statements that give each name a meaning; looked up at once, as a notebook may hold tens of thousands."""
    found: dict[str, list[Statement]] = {}
    for statement in statements:
        for name in statement.binds:
            found.setdefault(name, []).append(statement)
    return found


def _definition(statements: Iterable[Statement], wanted: Statement, user: Statement) -> Statement | None:
    candidates = [p for p in statements if p is not user]
    before = [p for p in candidates if p.order < wanted.order]
    return before[-1] if before else (candidates[0] if candidates else None)


def _targets(targets: Sequence[ast.expr]) -> frozenset[str]:
    """The names on the left of an assignment; nothing where one of them is no name, such as `torch.exp`."""
    names: set[str] = set()
    for target in targets:
        if isinstance(target, ast.Name):
            names.add(target.id)
        elif isinstance(target, ast.Tuple | ast.List) and all(
            isinstance(part, ast.Name | ast.Starred) for part in target.elts
        ):
            names |= {n.id for n in ast.walk(target) if isinstance(n, ast.Name)}
        else:
            return frozenset()
    return frozenset(names)


def _compound(node: ast.If | ast.Try) -> frozenset[str]:
    """An `if` or `try` counts as a definition where it holds nothing but definitions."""
    inner = [child for child in ast.walk(node) if isinstance(child, ast.stmt)]
    blocks = [*node.body, *node.orelse, *getattr(node, "finalbody", [])]
    blocks += [child for handler in getattr(node, "handlers", []) for child in handler.body]
    if len(inner) > 200 or not all(isinstance(child, ast.Pass | ast.Raise) or bound_names(child) for child in blocks):
        return frozenset()
    return frozenset().union(*(bound_names(child) for child in blocks))


def _star(node: ast.stmt) -> bool:
    return isinstance(node, ast.ImportFrom) and any(alias.name == "*" for alias in node.names)


def _needs(source: str) -> frozenset[str]:
    try:
        with one_at_a_time, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            table = symtable.symtable(source, "cell", "exec")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return frozenset()
    return frozenset(_globals_of(table))


def _globals_of(table: symtable.SymbolTable) -> set[str]:
    top = table.get_type() == "module"
    found = {s.get_name() for s in table.get_symbols() if s.is_referenced() and (top or s.is_global())}
    for child in table.get_children():
        found |= _globals_of(child)
    return found
