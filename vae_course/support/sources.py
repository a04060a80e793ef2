"""A digest of the source that a result depends on, found by following imports, so that no list can fall behind."""

import ast
import functools
import gc
import hashlib
import threading
import warnings
from collections.abc import Iterable
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]
# For `tree`, and for `catch_warnings`, which is for one thread at a time, too.
one_at_a_time = threading.Lock()


def tree(source: str | bytes) -> ast.Module:
    """The syntax tree of a piece of Python, built by one thread at a time and without the garbage collector.

    Python 3.11 counts the depth of all trees under construction in one place: two threads that parse at a time, or a
    callback of the collector that parses in between (Dask has one), end in a SystemError.
    """
    with one_at_a_time, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        collects = gc.isenabled()
        gc.disable()
        try:
            return ast.parse(source)
        finally:
            if collects:
                gc.enable()


def source_digest(*modules: str, package: Path = PACKAGE) -> str:
    """SHA-256 of the names and contents of `source_files`."""
    digest = hashlib.sha256()
    for path in source_files(*modules, package=package):
        digest.update(path.relative_to(package).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def source_files(*modules: str, package: Path = PACKAGE) -> list[Path]:
    """The files of some modules of the course and of all of its modules that these import, wherever in a file they do.

    A package that is asked for counts with all of its files, because it may find them by folder; one that is imported
    counts with what its `__init__` imports.

    Args:
        modules: full names, such as `vae_course.data.pen`.
        package: the folder of `vae_course`.

    Raises:
        ValueError: there is no such module.
    """
    waiting = [path for module in modules for path in _asked_for(module, package)]
    found: set[Path] = set()
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            here = (package.name, *path.relative_to(package).parent.parts)
            for module, name in _imports(path.read_bytes(), here):
                taken_from = _file(f"{module}.{name}", package) or _file(module, package)
                waiting += [taken_from] if taken_from else []
    return sorted(found)


def _asked_for(module: str, package: Path) -> Iterable[Path]:
    path = _file(module, package)
    if path is None:
        raise ValueError(f"There is no module {module!r} in {package}.")
    return path.parent.rglob("*.py") if path.name == "__init__.py" else [path]


def _file(module: str, package: Path) -> Path | None:
    """The file of a module of the course; None for any other name."""
    first, *rest = module.split(".")
    if first != package.name:
        return None
    base = package.joinpath(*rest)
    return next((path for path in (base / "__init__.py", base.with_name(f"{base.name}.py")) if path.is_file()), None)


@functools.cache
def _imports(source: bytes, here: tuple[str, ...]) -> frozenset[tuple[str, str]]:
    """Which modules a file in the package `here` imports, and what it takes out of each: a name, a submodule or nothing."""
    found: set[tuple[str, str]] = set()
    for node in ast.walk(tree(source)):
        if isinstance(node, ast.Import):
            found.update((alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            stem = here[: len(here) - node.level + 1] if node.level else ()
            module = ".".join([*stem, *([node.module] if node.module else [])])
            found.update((module, alias.name) for alias in node.names)
    return frozenset(found)
