"""What each lesson's full notebook costs to run, as measured last and kept in `docs/budget.json`."""

import json
import math
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from nbformat import NotebookNode

from vae_course.support.files import write

from .settings import CourseSettings

SLOW = 8.0  # seconds of one core after which a cell that says nothing looks as if it hung


@dataclass(frozen=True)
class Cost:
    """What running one full notebook took: seconds on the clock and of the processor, and the most memory in use.

    `slow_cells` are the seconds of the processor that each cell took which took long, by the cells' ids; these change
    with the cells' code.
    """

    seconds: float
    cpu_seconds: float
    memory_mb: int
    slow_cells: dict[str, float] = field(default_factory=dict)

    def at_pace(self, pace: float) -> "Cost":
        """The cost on a core that is `pace` times as fast, rounded, with the cells that are slow there."""
        slow = {id: round(seconds / pace, 1) for id, seconds in self.slow_cells.items() if seconds / pace > SLOW}
        return Cost(round(self.seconds / pace, 1), round(self.cpu_seconds / pace, 1), self.memory_mb, slow)


def file(settings: CourseSettings) -> Path:
    """Where the costs are kept."""
    return settings.root / "docs" / "budget.json"


def load(settings: CourseSettings) -> dict[str, Cost]:
    """The costs by lesson, as measured last; none before the first time."""
    path = file(settings)
    values = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return {lesson: Cost(**cost) for lesson, cost in values.items()}


def save(settings: CourseSettings, costs: dict[str, Cost]) -> None:
    """Keep the costs of lessons."""
    table = {lesson: asdict(costs[lesson]) for lesson in sorted(costs)}
    write(file(settings), json.dumps(table, indent=1) + "\n")


def sentence(cost: Cost) -> str:
    """The cost as a lesson states it, rounded up: to whole seconds below ten, then tens, then half minutes."""
    seconds = cost.cpu_seconds
    if seconds <= 10:
        time = f"{max(2, math.ceil(seconds))} seconds"
    elif seconds <= 60:
        time = f"{math.ceil(seconds / 10) * 10} seconds"
    else:
        time = f"{math.ceil(seconds / 30) / 2:g} minutes"
    memory = f"{math.ceil(cost.memory_mb / 100) / 10:.1f} GB"
    return f"All cells together need about {time} of one core, trainings included, and {memory} of memory (measured)."


def markdown(costs: dict[str, Cost]) -> str:
    """The costs as a table for the documents."""
    rows = [
        f"| {lesson[:2]} | {cost.cpu_seconds:.0f} s | {cost.memory_mb:,} MB |" for lesson, cost in sorted(costs.items())
    ]
    total = sum(cost.cpu_seconds for cost in costs.values())
    largest = max((cost.memory_mb for cost in costs.values()), default=0)
    rows.append(f"| all | {total / 60:.0f} min | {largest:,} MB at most |")
    return "\n".join(["| lesson | seconds of one core | memory |", "|---|---|---|", *rows])


def silent(cost: Cost, cells: Sequence[NotebookNode]) -> list[str]:
    """A sentence for each slow cell that neither says how long it takes nor has prose right before it that does."""
    problems, before, waiting = [], "", dict(cost.slow_cells)
    for cell in cells:
        if cell.cell_type != "code":
            before += cell.source
            continue
        seconds = waiting.pop(cell.id, 0.0)
        if seconds > SLOW and not re.search(r"\b(seconds?|minutes?)\b", before + cell.source):
            problems.append(f"{seconds:.0f} s without a word: {cell.source[:200]}")
        before = ""
    if waiting:
        problems.append("A slow cell has changed since it was measured: run `make budget`.")
    return problems


def over(measured: dict[str, Cost], stated: dict[str, Cost]) -> list[str]:
    """A sentence for each lesson whose share of the CPU seconds is over 1.5 times its stated share plus 4 %.

    Shares hardly depend on the machine. Lessons of which nothing was stated count with the whole and have no share to keep.
    """
    total = sum(cost.cpu_seconds for cost in measured.values())
    promised = {lesson: stated[lesson].cpu_seconds for lesson in measured if lesson in stated}
    problems = []
    for lesson, seconds in promised.items():
        share, found = seconds / sum(promised.values()), measured[lesson].cpu_seconds / total
        if found > 1.5 * share + 0.04:
            problems.append(
                f"{lesson} needs {found:.0%} of the time of all notebooks, where {share:.0%} was stated:"
                " make it faster, or keep the new cost if it is meant."
            )
    return problems
