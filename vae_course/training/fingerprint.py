"""A fingerprint of code and data: equal when a training would give the same result again.

Functions count by what they do: their bytecode, constants, defaults, closures, and every function, class and value of
their own or their notebook's that they mention, however deep. A comment or a new line number changes nothing.
"""

import dis
import functools
import hashlib
import inspect
import sys
import sysconfig
from collections.abc import Iterable
from pathlib import Path
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from vae_course.support.sources import source_digest

# These and all that they import decide which numbers a training ends with.
CORE = tuple(f"vae_course.{name}" for name in ("distributions", "models", "objectives", "training"))
READS_GLOBAL = ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS")
PLAIN = (bool, int, float, complex, str, bytes, torch.dtype, torch.device)
LIBRARIES = tuple(Path(sysconfig.get_path(name)).resolve() for name in ("stdlib", "purelib", "platlib"))


def core_fingerprint() -> str:
    """The fingerprint of the course's own modules that a training runs through."""
    return source_digest(*CORE)


def fingerprint(*things: Any) -> str:
    """The fingerprint of any mixture of functions, classes, modules, tensors, settings and plain values."""
    return _Fingerprint().add(things).digest.hexdigest()


class _Fingerprint:
    def __init__(self) -> None:
        self.digest = hashlib.sha256()
        self.seen: dict[int, tuple[int, Any]] = {}

    def add(self, thing: Any) -> "_Fingerprint":
        """Feed one thing into the digest, with what it is made of."""
        if thing is None or isinstance(thing, PLAIN):
            return self.put(f"{type(thing).__name__} {thing!r}")
        if not isinstance(thing, tuple | frozenset | CodeType):  # the others can hold themselves
            if id(thing) in self.seen:
                return self.put(f"again {self.seen[id(thing)][0]}")
            self.seen[id(thing)] = (len(self.seen), thing)
        self.put(type(thing).__qualname__)
        if isinstance(thing, Tensor):
            self.digest.update(thing.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
        for part in _parts(thing):
            self.add(part)
        return self.put("end")

    def put(self, text: str) -> "_Fingerprint":
        self.digest.update(text.encode() + b"\0")
        return self


def _parts(thing: Any) -> Iterable[Any]:
    """What a thing is made of, as far as it can change a result."""
    if isinstance(thing, Tensor):
        return [str(thing.dtype), tuple(thing.shape)]
    if isinstance(thing, np.ndarray):
        return [str(thing.dtype), thing.shape, thing.tobytes()]
    if isinstance(thing, dict):
        return [part for item in thing.items() for part in item]
    if isinstance(thing, set | frozenset):
        return sorted(thing, key=repr)
    if isinstance(thing, list | tuple):
        return thing
    if isinstance(thing, CodeType):
        return _code_parts(thing)
    if isinstance(thing, functools.partial):
        return [thing.func, thing.args, thing.keywords]
    if isinstance(thing, MethodType):
        return [thing.__func__, thing.__self__]
    if isinstance(thing, ModuleType):
        return _module_parts(thing)
    if isinstance(thing, type | FunctionType) or inspect.isroutine(thing):
        return _definition_parts(thing)
    if isinstance(thing, nn.Module):
        return [type(thing), dict(thing.state_dict()), str(thing)]
    return [type(thing), getattr(thing, "__dict__", {})]


def _definition_parts(thing: Any) -> list[Any]:
    """A function or class: by its name if Python or an installed package defines it, else by what it does."""
    if _is_library(getattr(thing, "__module__", None) or "builtins"):
        return [thing.__module__, thing.__qualname__]
    if isinstance(thing, type):
        return [*thing.__bases__, *_class_parts(thing)]
    return _function_parts(inspect.unwrap(thing))


def _module_parts(module: ModuleType) -> list[Any]:
    """A module: by its name if it is installed, else by its source."""
    file = getattr(module, "__file__", None)
    if file is None or _is_library(module.__name__):
        return [module.__name__]
    return [module.__name__, Path(file).read_bytes()]


def _function_parts(function: FunctionType) -> list[Any]:
    code = function.__code__
    names = sorted(_global_names(code) & function.__globals__.keys())
    cells = [cell.cell_contents for cell in function.__closure__ or () if _is_filled(cell)]
    mentioned = [part for name in names for part in (name, function.__globals__[name])]
    return [code, function.__defaults__, function.__kwdefaults__, cells, mentioned]


def _code_parts(code: CodeType) -> list[Any]:
    names = (code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars)
    return [code.co_code, list(code.co_consts), *names, code.co_flags]


def _class_parts(cls: type) -> list[Any]:
    """A class's own functions, properties and values, without what Python itself puts there."""
    parts: list[Any] = []
    for name, value in sorted(vars(cls).items()):
        if name.startswith("__") and not callable(value):
            continue
        if isinstance(value, property):
            parts += [name, value.fget, value.fset]
        else:
            parts += [name, inspect.unwrap(getattr(value, "__func__", value))]
    return parts


def _global_names(code: CodeType) -> set[str]:
    """The globals that a function reads, those of functions defined inside it included."""
    names = {i.argval for i in dis.get_instructions(code) if i.opname in READS_GLOBAL}
    return names.union(*(_global_names(c) for c in code.co_consts if isinstance(c, CodeType)))


def _is_filled(cell: Any) -> bool:
    try:
        _ = cell.cell_contents
    except ValueError:
        return False
    return True


@functools.cache
def _is_library(module: str) -> bool:
    """True for modules of Python and of installed packages; not for the course's own, nor for a notebook."""
    if module.partition(".")[0] in ("vae_course", "__main__"):
        return False
    if module in sys.builtin_module_names:
        return True
    file = getattr(sys.modules.get(module), "__file__", None)
    return file is not None and any(Path(file).resolve().is_relative_to(folder) for folder in LIBRARIES)
