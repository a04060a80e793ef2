"""Which statements of a notebook a function needs: definitions, imports and plain values, found without running any."""

import ast
import bisect
import builtins
import functools
import math
import symtable
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from vae_course.support.sources import one_at_a_time, tree

_USUAL = frozenset(("torch", "math", "numpy", "vae_course"))
_COMPREHENSIONS = frozenset(("listcomp", "setcomp", "dictcomp", "genexpr"))
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
        binds: the names that it gives a meaning to, where it is a definition, an import or an assignment.
        own: whether the student wrote it, rather than the lesson.
    """

    cell: str
    order: int
    text: str
    above: int
    tree: ast.stmt
    binds: frozenset[str]
    own: bool = True

    @property
    def needs(self) -> frozenset[str]:
        """The global names that it refers to, in functions and comprehensions too."""
        now, later = self._references
        return now | later

    @functools.cached_property
    def _references(self) -> tuple[frozenset[str], frozenset[str]]:
        """The global names that it refers to as it runs, and those in the functions that it defines."""
        return _references(self.text)

    @functools.cached_property
    def touches(self) -> frozenset[str]:
        """The names that it binds or changes, where it is the student's; of the lesson's work nothing is run."""
        return self.binds | names_stored(self.tree) | names_changed(self.tree) if self.own else self.binds

    def begins(self, name: str) -> bool:
        """Whether what the name meant before does not matter any more."""
        return name in self.binds and name not in self._references[0]


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


def program(
    wanted: Statement, statements: Sequence[Statement], fixed: Sequence[Statement] = (), *, before: float = math.inf
) -> Program:
    """What the names that the wanted statement binds need to mean what they mean at a place of the notebook.

    For each name that is every statement that binds or changes it, from the last one on that makes what it was before
    irrelevant. What such a statement refers to as it runs is needed as it was there; what a function of it refers to, as it
    is where the function is used. A name that has no meaning yet has the first one after it; names that the notebook does
    not define are looked for in `fixed`, the lesson as it was handed out.

    Args:
        wanted: the statement.
        statements: those of the notebook.
        fixed: those of the lesson.
        before: the place in the notebook's order, such as that of a check.
    """
    modules = frozenset[str]().union(*(p.binds for p in statements if isinstance(p.tree, ast.Import | ast.ImportFrom)))
    own, handed_out = _by_name(statements, modules), _by_name(fixed, frozenset())
    chosen: dict[int, Statement] = {id(wanted): wanted}
    missing: set[str] = set()
    queue: list[tuple[str, float]] = [(name, before) for name in sorted(wanted.binds | wanted.needs)]
    queue += [(name, wanted.order) for name in wanted._references[0]]
    seen: set[tuple[str, float]] = set()
    while queue:
        name, place = queue.pop()
        if (name, place) in seen:
            continue
        seen.add((name, place))
        found = _makers(name, own.get(name, ()), place) or _makers(name, handed_out.get(name, ()), place)
        missing |= set() if found else {name} - _BUILTINS
        for statement in found:
            now, later = statement._references
            chosen[id(statement)] = statement
            inside = {
                n for n in now & statement.touches if not _makers(n, own.get(n, ()), statement.order, after=False)
            }
            queue += [(needed, statement.order) for needed in now - inside]
            queue += [(needed, max(place, statement.order)) for needed in later]
    stars = [p for p in statements if p.own and p.order < before and _for_all(p.tree, whatever=bool(missing))]
    chosen.update((id(statement), statement) for statement in stars)
    return Program(tuple(sorted(chosen.values(), key=lambda statement: statement.order)), frozenset(missing))


def _makers(name: str, touching: Sequence[Statement], place: float, *, after: bool = True) -> list[Statement]:
    """The statements that make a name what it is at a place; where there is none, the first after it that binds it."""
    earlier = touching[: bisect.bisect_left(touching, place, key=lambda statement: statement.order)]
    first = next((i for i in range(len(earlier) - 1, -1, -1) if earlier[i].begins(name)), 0)
    later = ([p] for p in touching if after and name in p.binds and p.order > place)
    return list(earlier[first:]) or next(later, [])


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
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.NamedExpr):
        return _targets([node.value.target])
    if isinstance(node, ast.If | ast.Try | ast.With):
        return _compound(node)
    return frozenset()


def names_stored(tree: ast.AST) -> frozenset[str]:
    """Every name that a piece of code binds or deletes outside of functions, in whatever way, at any depth."""
    nodes = [n for n in within(tree) if isinstance(n, ast.Name) and not isinstance(n.ctx, ast.Load)]
    kinds = ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef | ast.Import | ast.ImportFrom
    defined = (bound_names(n) for n in within(tree) if isinstance(n, kinds))
    return frozenset(n.id for n in nodes).union(*defined)


def names_changed(tree: ast.AST) -> frozenset[str]:
    """The names whose objects a piece of code may change: by an item, an attribute, or a method called for its effect."""
    targets: list[ast.expr] = []
    for node in within(tree):
        if isinstance(node, ast.Subscript | ast.Attribute) and not isinstance(node.ctx, ast.Load):
            targets.append(node)
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            targets.append(node.value.func)
    return frozenset(root(target) for target in targets if isinstance(target, ast.Subscript | ast.Attribute)) - {""}


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


def _by_name(statements: Iterable[Statement], modules: frozenset[str]) -> dict[str, list[Statement]]:
    """The statements that bind or change each name, in order; looked up at once, as a notebook may hold tens of thousands.

    A module counts as changed by nothing, or every call of one of its functions would be a change.
    """
    found: dict[str, list[Statement]] = {}
    for statement in sorted(statements, key=lambda statement: statement.order):
        for name in statement.binds | (statement.touches - modules):
            found.setdefault(name, []).append(statement)
    return found


def _targets(targets: Sequence[ast.expr]) -> frozenset[str]:
    """The names on the left of an assignment; nothing where one of them is no name, such as `torch.exp`."""
    parts = [part for target in targets for part in _leaves(target)]
    names = [part.id for part in parts if isinstance(part, ast.Name)]
    return frozenset(names if len(names) == len(parts) else ())


def _leaves(target: ast.expr) -> Iterator[ast.expr]:
    if isinstance(target, ast.Tuple | ast.List):
        for part in target.elts:
            yield from _leaves(part)
    else:
        yield target.value if isinstance(target, ast.Starred) else target


def _compound(node: ast.If | ast.Try | ast.With) -> frozenset[str]:
    """An `if`, `try` or `with` counts as a definition where it holds nothing but definitions."""
    inner = [child for child in ast.walk(node) if isinstance(child, ast.stmt)]
    blocks = [*node.body, *getattr(node, "orelse", []), *getattr(node, "finalbody", [])]
    blocks += [child for handler in getattr(node, "handlers", []) for child in handler.body]
    if len(inner) > 200 or not all(isinstance(child, ast.Pass | ast.Raise) or bound_names(child) for child in blocks):
        return frozenset()
    return frozenset().union(*(bound_names(child) for child in blocks))


def _for_all(node: ast.stmt, *, whatever: bool) -> bool:
    """Whether an import may matter for any name: one from `__future__`, or of all names of a module that lessons use too."""
    if not isinstance(node, ast.ImportFrom):
        return False
    module = (node.module or "").partition(".")[0]
    return module == "__future__" or (node.names[0].name == "*" and (whatever or module in _USUAL))


def _references(source: str) -> tuple[frozenset[str], frozenset[str]]:
    try:
        with one_at_a_time, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            table = symtable.symtable(source, "cell", "exec")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return frozenset(), frozenset()
    now: set[str] = set()
    later: set[str] = set()
    _sort_globals(table, now, later, inside=False)
    return frozenset(now), frozenset(later)


def _sort_globals(table: symtable.SymbolTable, now: set[str], later: set[str], *, inside: bool) -> None:
    """The global names that run with the statement, and those that run when one of its functions is called."""
    top = table.get_type() == "module"
    found = {s.get_name() for s in table.get_symbols() if s.is_referenced() and (top or s.is_global())}
    (later if inside else now).update(found)
    for child in table.get_children():
        function = child.get_type() == "function" and child.get_name() not in _COMPREHENSIONS
        _sort_globals(child, now, later, inside=inside or function)
