"""Every line of every derivation can fail: with a sign or a factor tampered, its cell stops."""

import ast
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jupytext
import pytest
import torch

from vae_course import derivations as steps
from vae_course.derivations import Derivation, StepError

SOURCES = [
    path
    for path in sorted((Path(__file__).parents[2] / "solutions").glob("[0-9][0-9]_*.py"))
    if "Derivation(" in path.read_text(encoding="utf-8")
]
# The lessons whose subject is a derivation; the later ones only check a line here and there.
DERIVING = range(2, 7)
TAMPERS: dict[str, Callable[[Any], Any]] = {
    "sign of the right": lambda right: -right,
    "factor of the right": lambda right: 1.5 * right,
    "term added to the right": lambda right: right + 1,
}


@dataclass(frozen=True)
class Line:
    """One call of `step` or `algebra`, as the lesson made it."""

    method: str
    formula: str
    left: Any
    right: Any
    options: dict[str, Any]

    def holds(self, tamper: Callable[[Any], Any] = lambda right: right) -> bool:
        try:
            getattr(Derivation("again"), self.method)(self.formula, self.left, tamper(self.right), **self.options)
        except StepError:
            return False
        return True


def lines_of(source: Path) -> list[Line]:
    """Run a lesson's code and note every line of its derivations.

    Statement by statement, as a kernel does it: the bytecode is then the same, and with it the key of every training
    that a notebook has already done in this run.
    """
    found: list[Line] = []

    class Recorder(Derivation):
        def step(self, formula, left, right, **options):
            super().step(formula, left, right, **options)
            found.append(Line("step", formula, *map(kept, (left, right)), options))

        def algebra(self, formula, left, right):
            super().algebra(formula, left, right)
            found.append(Line("algebra", formula, left, right, {}))

    namespace: dict[str, Any] = {"__name__": "lesson"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(steps, "Derivation", Recorder)
        for cell in jupytext.read(source).cells:
            if cell.cell_type == "code":
                for statement in ast.parse(cell.source, source.name).body:
                    exec(compile(ast.Module([statement], []), source.name, "exec"), namespace)
    return found


def kept(side: Any) -> Any:
    """A value of its own, so that a later cell cannot change it."""
    return side.detach().clone() if isinstance(side, torch.Tensor) else side


@pytest.fixture(scope="module", params=SOURCES, ids=lambda path: path.stem)
def lines(request) -> list[Line]:
    threads = torch.get_num_threads()
    try:
        return lines_of(request.param)
    finally:
        torch.set_num_threads(threads)


def test_a_lesson_that_derives_has_its_lines_and_each_holds(lines, request):
    number = int(request.node.callspec.params["lines"].stem[:2])
    assert len(lines) >= (20 if number in DERIVING else 1)
    assert all(line.holds() for line in lines)


@pytest.mark.parametrize("tamper", TAMPERS.values(), ids=TAMPERS.keys())
def test_a_tampered_line_fails(lines, tamper):
    unnoticed = [line.formula for line in lines if line.holds(tamper)]
    assert unnoticed == []
