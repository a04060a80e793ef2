"""The copy of the package that a sandbox sees: what running an answer needs, and nothing that knows a solution.

Of each exercise it holds the function's name, its parameters and how it is applied to an input, cut out of the
exercise's file with all that this refers to. References, alternatives, misconceptions, cases and solutions stay outside.
"""

import ast
import functools
import importlib
import inspect
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from vae_course.exercises import inputs, outcomes, probes, surroundings
from vae_course.exercises.model import Exercise
from vae_course.tools.grading.read.statements import Statement, program, statements_of
from vae_course.tools.grading.sandbox import messages, worker

_MODEL = '''"""What running an answer needs of an exercise."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import Tensor

Answer = Callable[..., Any]
Inputs = dict[str, Tensor | int | float]


class AnswerError(Exception):
    """Raised by a probe that can't use what the learner's function returned."""


@dataclass(frozen=True, kw_only=True)
class Exercise:
    """The name of a function, how it is called, and by what its results are differentiated."""

    function: str
    parameters: tuple[str, ...]
    gradients: tuple[str, ...]
    probe: Any

    def apply(self, answer: Answer, case: Inputs) -> Any:
        """The answer's result on one case."""
        return self.probe(answer, case) if self.probe else answer(*case.values())
'''

_EXERCISES = '''"""Stand-ins: while a class is graded there are no checks, hints and solutions."""


def hint(*_, **__):
    """Nothing."""


def check(id, answer=None):
    """The answer itself."""
    return answer


solution, or_reference = hint, check
'''


def write(folder: Path, exercises: Sequence[Exercise]) -> None:
    """Write the copy for these exercises into an empty folder."""
    for path, text in files(exercises).items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
        target.write_text(text, encoding="utf-8")
        target.chmod(0o644)


def files(exercises: Sequence[Exercise]) -> dict[str, str]:
    """The copy as texts by path."""
    copied = {
        "vae_course/__init__.py": "",
        "vae_course/exercises/__init__.py": _EXERCISES,
        "vae_course/exercises/model.py": _MODEL,
        "vae_course/exercises/inputs.py": _source(inputs),
        "vae_course/exercises/outcomes.py": _source(outcomes),
        "vae_course/exercises/probes.py": _source(probes),
        "vae_course/exercises/surroundings.py": _source(surroundings),
        "vae_course/tools/grading/sandbox/__init__.py": "",
        "vae_course/tools/grading/sandbox/messages.py": _source(messages),
        "start.py": _source(worker),
    }
    for number, exercise in enumerate(exercises):
        if exercise.probe is not None:
            copied[f"probe_{number}.py"] = _probe(exercise)
    copied["exercises.json"] = json.dumps({e.id: _data(e, number) for number, e in enumerate(exercises)})
    return copied


def _data(exercise: Exercise, number: int) -> dict[str, object]:
    return {
        "function": exercise.function,
        "parameters": exercise.parameters,
        "gradients": exercise.gradients,
        "module": f"probe_{number}" if exercise.probe else "",
        "probe": _name(exercise) if exercise.probe else "",
    }


def _name(exercise: Exercise) -> str:
    return str(getattr(exercise.probe, "__name__", ""))


def _probe(exercise: Exercise) -> str:
    """The probe and all that it refers to in its file, as a module."""
    return _cut_out(str(getattr(exercise.probe, "__module__", "")), {_name(exercise)})


def _cut_out(module: str, names: set[str]) -> str:
    """What binds these names in a module, with all that this refers to there and in what its lesson's exercises share."""
    statements = _statements(module)
    programs = [program(statement, statements).statements for statement in statements if names & set(statement.binds)]
    chosen = [statement for statement in statements if any(statement in each for each in programs)]
    needed = frozenset().union(*(statement.needs for statement in chosen))
    parts = []
    for statement in chosen:
        tree = statement.tree
        if isinstance(tree, ast.ImportFrom) and (tree.module or "").startswith("vae_course.exercises.lesson_"):
            parts.append(_cut_out(str(tree.module), {alias.name for alias in tree.names} & needed))
        else:
            parts.append(_narrowed(statement, needed))
    return "\n\n".join(parts) + "\n"


def _narrowed(statement: Statement, needed: frozenset[str]) -> str:
    """A statement, but an import only with those names that are needed."""
    if not isinstance(statement.tree, ast.ImportFrom):
        return statement.text
    names = [alias for alias in statement.tree.names if (alias.asname or alias.name) in needed]
    return ast.unparse(ast.ImportFrom(statement.tree.module, names, statement.tree.level))


@functools.lru_cache(maxsize=64)
def _statements(module: str) -> tuple[Statement, ...]:
    found = statements_of(_source(sys.modules.get(module) or importlib.import_module(module)), cell=module)
    return tuple(found or ())


@functools.lru_cache(maxsize=64)
def _source(module: ModuleType) -> str:
    return inspect.getsource(module)
