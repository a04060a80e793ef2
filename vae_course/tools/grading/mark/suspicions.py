"""What an answer reaches for that no answer needs: the course's own functions, the interpreter, other files.

A finding is no verdict. It keeps points from being given automatically, and tells a person where to look.
"""

import ast
import symtable
import sys
import types
import warnings
from collections.abc import Iterable, Iterator, Mapping

from vae_course.support.sources import one_at_a_time
from vae_course.tools.grading.read.statements import Statement, root

_MODULES = frozenset(
    "sys os gc inspect ctypes importlib builtins subprocess socket threading multiprocessing signal traceback linecache "
    "pickle marshal code codeop pdb bdb faulthandler mmap resource shutil pathlib tempfile atexit dis unittest mock time "
    "datetime platform runpy pkgutil zipimport asyncio concurrent cffi numba types frame site sysconfig imp tracemalloc "
    "IPython nbformat nbgrader requests urllib http dill cloudpickle weakref contextvars io posix codecs bltns timeit "
    "cProfile doctest".split()
)
# Names of modules and built-in functions that honest code has for other things too: `self.code`, `model.eval()`.
_COMMON = frozenset(
    "code dis frame imp io mock platform resource signal site time types compile eval input open vars".split()
)
_OFFERED = frozenset("torch.compile torch.signal torch.types re.compile scipy.signal".split())
_CALLS = frozenset(
    "exec eval compile __import__ globals locals vars setattr delattr open breakpoint input get_ipython memoryview".split()
)
_ATTRIBUTES = frozenset(
    "f_back f_globals f_locals f_code f_builtins gi_frame cr_frame ag_frame tb_frame tb_next settrace setprofile _getframe "
    "_current_frames modules_by_name co_consts co_code hub cpp_extension overrides _python_dispatch library load_library "
    "TorchFunctionMode TorchDispatchMode load_inline load_url from_file memmap fromfile loadtxt genfromtxt tofile savetxt "
    "ctypeslib f2py environ _C __torch_function__ __torch_dispatch__ attrgetter methodcaller get_type_hints "
    "ForwardRef dump DataSource open_memmap savez".split()
)
_FILES = frozenset("load save".split())
_INNOCENT = frozenset("__init__ __call__ __name__ __doc__ __len__ __post_init__ __class__ __version__".split())
_METHODS = frozenset(
    "__init__ __call__ __len__ __iter__ __next__ __enter__ __exit__ __post_init__ __repr__ __str__".split()
)
_LIBRARIES = frozenset("torch torchvision numpy math".split())
_TENSORS = ("torch.Tensor", "Tensor", "torch.nn.Parameter", "nn.Parameter")


def course_functions(statements: Iterable[Statement]) -> tuple[str, ...]:
    """The names from the course's own package that these statements import."""
    return tuple(sorted({name for statement in statements for name in _course_names(statement.tree)}))


def reaches_for(statements: Iterable[Statement]) -> tuple[str, ...]:
    """What the student's own statements reach for that no answer needs, in words."""
    statements = tuple(statements)
    imported, bound = _imported(statements), frozenset[str]().union(*(statement.binds for statement in statements))
    found: set[str] = set()
    for statement in (statement for statement in statements if statement.own):
        found.update(_odd_imports(statement))
        if not isinstance(statement.tree, ast.Import | ast.ImportFrom):
            names = _odd_names(statement, bound, star="*" in imported)
            found.update(words for node in ast.walk(statement.tree) for words in _node(node, imported, names))
    return tuple(sorted(found))


def not_here(statements: Iterable[Statement]) -> tuple[str, ...]:
    """What the student's own statements use of a library that grading knows, and that the version here does not have."""
    statements = tuple(statements)
    imported, found = _imported(statements), set[str]()
    for node in (node for statement in statements if statement.own for node in ast.walk(statement.tree)):
        path = _path(node, imported) if isinstance(node, ast.Attribute) else ""
        if path and _is_missing(path):
            found.add(path)
    return tuple(sorted(found))


def _path(node: ast.expr, imported: Mapping[str, str]) -> str:
    """`torch.nn.functional.relu` for `F.relu`; empty where it doesn't begin with a module's name."""
    if isinstance(node, ast.Name):
        return imported.get(node.id, "")
    inner = _path(node.value, imported) if isinstance(node, ast.Attribute) else ""
    return f"{inner}.{node.attr}" if inner and isinstance(node, ast.Attribute) else ""


def _is_missing(path: str) -> bool:
    """Whether a library that has been imported here lacks the last name of a path, and has all before it."""
    first, *names = path.split(".")
    thing: object = sys.modules.get(first) if first in _LIBRARIES else None
    for name in names[:-1]:
        thing = getattr(thing, name, None)
    return isinstance(thing, types.ModuleType | type) and not hasattr(thing, names[-1])


def _course_names(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] == "vae_course")
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "vae_course":
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith("vae_course."):
            yield node.value[:80]


def _imported(statements: Iterable[Statement]) -> dict[str, str]:
    """Each name that is a module, with the module's name."""
    names: dict[str, str] = {}
    for statement in statements:
        for node in ast.walk(statement.tree):
            if isinstance(node, ast.Import):
                names |= {(a.asname or a.name).split(".")[0]: a.name for a in node.names}
            elif isinstance(node, ast.ImportFrom):
                names |= {a.asname or a.name: f"{node.module}.{a.name}" for a in node.names}
            elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Name | ast.Attribute):
                module = names.get(root(node.value))  # a module, or what it holds, under another name
                names |= {t.id: module for t in node.targets if module and isinstance(t, ast.Name)}
    return names


def _odd_imports(statement: Statement) -> Iterator[str]:
    """Modules that no answer needs, imported by themselves or out of another module, which holds many."""
    for node in ast.walk(statement.tree):
        if isinstance(node, ast.Import):
            yield from (f"`{alias.name}`" for alias in node.names if _odd_path(alias.name))
        elif isinstance(node, ast.ImportFrom):
            paths = [f"{node.module or ''}.{alias.name}" for alias in node.names]
            yield from (f"`{path.strip('.')}`" for path in paths if _odd_path(path))


def _odd_path(path: str) -> bool:
    first, *more = path.split(".")
    return first in _MODULES or any(_of_module(name, first) for name in more)


def _of_module(name: str, package: str) -> bool:
    """Whether no answer needs what has this name in a module of this package."""
    if f"{package}.{name}" in _OFFERED or name in _INNOCENT:
        return False
    return name.startswith("_") or name in _MODULES | _CALLS | _ATTRIBUTES | _FILES


def _of_anything(name: str) -> bool:
    """Whether no answer needs what has this name, of whatever it is an attribute."""
    if name in _INNOCENT:
        return False
    dunder = name.startswith("__") and name.endswith("__")
    return dunder or name.lstrip("_") in (_MODULES | _CALLS) - _COMMON or name in _ATTRIBUTES


def _odd_names(statement: Statement, bound: frozenset[str], *, star: bool) -> frozenset[str]:
    """The names that no answer needs, except for those that stand for a function's own parameters and variables."""
    try:
        with one_at_a_time, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            names = _outer_names(symtable.symtable(statement.text, "cell", "exec"))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        names = {node.id for node in ast.walk(statement.tree) if isinstance(node, ast.Name)}
    # `from torch import *` may bring modules along.
    odd = _CALLS | (_MODULES - bound if star else frozenset())
    return frozenset(name for name in names if name in odd or name.startswith("__")) - _INNOCENT


def _outer_names(table: symtable.SymbolTable) -> set[str]:
    """The names that a statement looks up outside of its functions; what a class binds, it may have looked up there before."""
    module, in_class = table.get_type() == "module", table.get_type() == "class"
    symbols = [symbol for symbol in table.get_symbols() if symbol.is_referenced()]
    found = {s.get_name() for s in symbols if module or s.is_global() or (in_class and s.is_local())}
    return found.union(*(_outer_names(child) for child in table.get_children()))


def _node(node: ast.AST, imported: Mapping[str, str], names: frozenset[str]) -> Iterator[str]:
    called = node.func if isinstance(node, ast.Call) else None
    if any(isinstance(n, ast.Name) and n.id == "getattr" and n is not called for n in ast.iter_child_nodes(node)):
        yield "`getattr` under another name"
    if isinstance(node, ast.Name) and node.id in names:
        yield f"`{node.id}`"
    elif isinstance(node, ast.Attribute):
        yield from _attribute(node, imported)
    elif isinstance(node, ast.Call) and isinstance(called, ast.Name) and called.id == "getattr":
        yield from _getattr(node)
    elif isinstance(node, ast.MatchClass):
        yield from (f"`{name}`" for name in node.kwd_attrs if _of_anything(name))
    elif isinstance(node, ast.ClassDef):
        yield from _class(node)


def _getattr(node: ast.Call) -> Iterator[str]:
    name = node.args[1] if len(node.args) > 1 else None
    if not isinstance(name, ast.Constant):
        yield "`getattr` with a name that is computed"
    elif isinstance(name.value, str) and _of_module(name.value, ""):
        yield f"`{name.value}`"


def _attribute(node: ast.Attribute, imported: Mapping[str, str]) -> Iterator[str]:
    name = root(node)
    inside = name in imported and _of_module(node.attr, imported[name].split(".")[0])
    if inside or _of_anything(node.attr):
        yield f"`{node.attr}`"
    if isinstance(node.ctx, ast.Store | ast.Del) and (name in imported or name == "__class__" or _through_class(node)):
        yield f"a change of `{ast.unparse(node)[:60]}`"


def _through_class(node: ast.Attribute) -> bool:
    """Whether an attribute of an object's class is set, which changes all objects of that class."""
    inner = node.value
    return (isinstance(inner, ast.Attribute) and inner.attr == "__class__") or (
        isinstance(inner, ast.Call) and isinstance(inner.func, ast.Name) and inner.func.id == "type"
    )


def _class(node: ast.ClassDef) -> Iterator[str]:
    for base in node.bases:
        if ast.unparse(base) in _TENSORS:
            yield f"a tensor class of its own, `{node.name}`"
    for child in node.body:
        if isinstance(child, ast.FunctionDef) and child.name.startswith("__") and child.name not in _METHODS:
            yield f"`{node.name}.{child.name}`"
    if any(keyword.arg == "metaclass" for keyword in node.keywords):
        yield f"a metaclass for `{node.name}`"
