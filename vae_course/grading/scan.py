"""What an answer reaches for that no answer needs: the course's own functions, the interpreter, other files.

A finding is no verdict. It keeps points from being given automatically, and tells a person where to look.
"""

import ast
from collections.abc import Iterable, Iterator, Mapping

from vae_course.grading.code import Piece

_MODULES = frozenset(
    "sys os gc inspect ctypes importlib builtins subprocess socket threading multiprocessing signal traceback linecache "
    "pickle marshal code codeop pdb bdb faulthandler mmap resource shutil pathlib tempfile atexit dis unittest mock time "
    "datetime platform runpy pkgutil zipimport asyncio concurrent cffi numba types frame site sysconfig imp tracemalloc "
    "IPython nbformat nbgrader requests urllib http dill cloudpickle weakref contextvars".split()
)
_CALLS = frozenset(
    "exec eval compile __import__ globals locals vars setattr delattr open breakpoint input get_ipython memoryview".split()
)
_ATTRIBUTES = frozenset(
    "f_back f_globals f_locals f_code f_builtins gi_frame cr_frame ag_frame tb_frame tb_next settrace setprofile _getframe "
    "_current_frames modules_by_name co_consts co_code hub cpp_extension overrides _python_dispatch library load_library "
    "TorchFunctionMode TorchDispatchMode load_inline load_url from_file memmap fromfile loadtxt genfromtxt tofile savetxt "
    "ctypeslib f2py environ _C __torch_function__ __torch_dispatch__".split()
)
_HARMLESS = frozenset("__init__ __call__ __name__ __doc__ __len__ __post_init__ __class__ __version__".split())
_METHODS = frozenset(
    "__init__ __call__ __len__ __iter__ __next__ __enter__ __exit__ __post_init__ __repr__ __str__".split()
)
_TENSORS = ("torch.Tensor", "Tensor", "torch.nn.Parameter", "nn.Parameter")


def course_functions(pieces: Iterable[Piece]) -> tuple[str, ...]:
    """The names from the course's own package that these pieces import."""
    return tuple(sorted({name for piece in pieces for name in _course_names(piece.tree)}))


def reaches_for(pieces: Iterable[Piece]) -> tuple[str, ...]:
    """What the student's own pieces reach for that no answer needs, in words."""
    pieces = tuple(pieces)
    imported = _imported(pieces)
    own = (piece for piece in pieces if piece.own and not isinstance(piece.tree, ast.Import | ast.ImportFrom))
    found = {words for piece in own for node in ast.walk(piece.tree) for words in _node(node, imported)}
    inner = {words for piece in pieces if piece.own for words in _odd_imports(piece)}
    return tuple(sorted(found | inner))


def _course_names(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] == "vae_course")
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "vae_course":
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith("vae_course."):
            yield node.value[:80]


def _imported(pieces: Iterable[Piece]) -> dict[str, str]:
    """Each name that is a module, with the module's name."""
    names: dict[str, str] = {}
    for piece in pieces:
        for node in ast.walk(piece.tree):
            if isinstance(node, ast.Import):
                names |= {(a.asname or a.name).split(".")[0]: a.name for a in node.names}
            elif isinstance(node, ast.ImportFrom):
                names |= {a.asname or a.name: f"{node.module}.{a.name}" for a in node.names}
    return names


def _odd_imports(piece: Piece) -> Iterator[str]:
    for node in ast.walk(piece.tree):
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            modules = [node.module or ""]
        else:
            continue
        yield from (f"`{module}`" for module in modules if module.split(".")[0] in _MODULES)


def _node(node: ast.AST, imported: Mapping[str, str]) -> Iterator[str]:
    if isinstance(node, ast.Name) and (node.id in _CALLS or node.id.startswith("__")) and node.id not in _HARMLESS:
        yield f"`{node.id}`"
    elif isinstance(node, ast.Attribute):
        yield from _attribute(node, imported)
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "getattr":
        if len(node.args) > 1 and not isinstance(node.args[1], ast.Constant):
            yield "`getattr` with a name that is computed"
    elif isinstance(node, ast.ClassDef):
        yield from _class(node)


def _attribute(node: ast.Attribute, imported: Mapping[str, str]) -> Iterator[str]:
    name = node.attr
    dunder = name.startswith("__") and name.endswith("__") and name not in _HARMLESS
    if name in _ATTRIBUTES or dunder:
        yield f"`{name}`"
    if isinstance(node.ctx, ast.Store | ast.Del):
        root = _root(node)
        if root in imported or root == "__class__" or _through_class(node):
            yield f"a change of `{ast.unparse(node)[:60]}`"


def _root(node: ast.expr) -> str:
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


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
