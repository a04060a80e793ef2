"""How long a lesson takes a learner: reckoned from its text, its cells, its exercises and what its cells cost to run.

The main path goes up to the quiz and the summary. What stands under `## Going deeper`, and each optional build, is deeper.
"""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .costs import Cost
from .source import SourceCell

WORDS_A_MINUTE = 180
A_CODE_CELL = 0.5  # minutes: to read it, to run it, and to look at what it shows
STEP = 5  # minutes to which an estimate is rounded up

_HEADING = re.compile(r"^(#+) (.*)$", re.MULTILINE)
_DEEPER = "Going deeper"
_OPTIONAL = "Build (optional)"
_WORD = re.compile(r"\S*\w\S*")


@dataclass(frozen=True)
class Minutes:
    """What a lesson takes, in minutes: its main path, and what goes deeper."""

    main: float
    deeper: float

    @property
    def stated(self) -> tuple[int, int]:
        """Both as they are stated, rounded up to five minutes."""
        main, deeper = (math.ceil(minutes / STEP) * STEP for minutes in (self.main, self.deeper))
        return main, deeper

    @property
    def sentence(self) -> str:
        """Both as a lesson states them."""
        main, deeper = self.stated
        return f"about {main} minutes" + (f", and about {deeper} more to go deeper." if deeper else ".")


def estimate(cells: Sequence[SourceCell], ids: Sequence[str], cost: Cost | None) -> Minutes:
    """What a lesson takes, from its cells with the exercises filled in, their ids in the notebook, and its cost.

    Prose is read at 180 words a minute; a code cell counts half a minute, an exercise the minutes that it states, and
    waiting what its cells cost on one core. The wait for a slow cell belongs to where it stands, all else to the main path.
    """
    seconds, slow = (cost.cpu_seconds, cost.slow_cells) if cost else (0.0, {})
    took, waits = [0.0, 0.0], [seconds / 60, 0.0]
    for cell, id, deep in zip(cells, ids, going_deeper(cells), strict=True):
        took[deep] += _without_waiting(cell)
        if deep:
            waits[0] -= slow.get(id, 0.0) / 60
            waits[1] += slow.get(id, 0.0) / 60
    return Minutes(took[0] + waits[0], took[1] + waits[1])


def words(text: str) -> int:
    """The words of a text, each part of a formula that stands apart counted as one."""
    return len(_WORD.findall(text))


def going_deeper(cells: Sequence[SourceCell]) -> Iterator[bool]:
    """For each cell whether it is off the main path: from a heading that says so to the next one of its level or above."""
    below = 0  # the level of the heading that leads off the main path; 0 on it
    for cell in cells:
        heading = _HEADING.search(cell.text) if cell.kind == "markdown" and cell.role == "plain" else None
        if heading and (not below or len(heading[1]) <= below):
            below = len(heading[1]) if heading[2].startswith((_DEEPER, _OPTIONAL)) else 0
        yield below > 0


def _without_waiting(cell: SourceCell) -> float:
    if cell.task:
        return 0.0 if cell.role == "check" else cell.task.minutes
    return words(cell.text) / WORDS_A_MINUTE if cell.kind == "markdown" else A_CODE_CELL
