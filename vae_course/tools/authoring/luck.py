"""The other luck of a lesson: its trainings begun and drawn from other seeds, to see how far its numbers move.

Luck is what a learner would change by another seed: starts, the order of batches, drawn pixels, noise, picks. The images,
their split, the drawn test images and the points drawn from a world whose truth is known stay as they are.
"""

import copy
import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

STEP = 1000
"""A lesson's own seeds are smaller."""

_SEEDED = re.compile(r"\bmanual_seed\((?!\))")
_DATA = re.compile(r"\.sample\(")


def with_luck(notebook: NotebookNode, luck: int, path: Path) -> NotebookNode:
    """A copy of a full notebook whose cells seed with other numbers and whose claims go to the file at `path`.

    Its first cell is a new one. A line that draws data from a world, such as `linear.sample(64, generator=...)`, keeps
    its seed.
    """
    done = copy.deepcopy(notebook)
    for cell in done.cells:
        if cell.cell_type == "code":
            cell.source = "\n".join(_other_seeds(line, luck) for line in cell.source.split("\n"))
    begin = f"from vae_course.tools.authoring import luck\n\nluck.change({luck}, {str(path)!r})"
    done.cells.insert(0, new_code_cell(begin, id="luck"))
    return done


def _other_seeds(line: str, luck: int) -> str:
    return line if _DATA.search(line) else _SEEDED.sub(f"manual_seed({STEP * luck} + ", line)


def change(luck: int, path: str | os.PathLike[str]) -> None:
    """In a lesson's kernel: give every training another seed, and write claims to a file instead of comparing them."""
    from vae_course import claims
    from vae_course.training.fit import TrainingSettings

    Path(path).touch()
    check: Callable[[TrainingSettings], None] = TrainingSettings.__post_init__

    def reseed(self: TrainingSettings) -> None:
        check(self)
        if self.seed < STEP:  # a copy of settings has its other seed already
            object.__setattr__(self, "seed", self.seed + STEP * luck)

    def note(name: str, value: float, *, world: str, digits: int = 1, **_: Any) -> None:
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(json.dumps([name, world, round(float(value), digits + 1)]) + "\n")

    TrainingSettings.__post_init__ = reseed  # type: ignore[method-assign]
    claims.claim = note
