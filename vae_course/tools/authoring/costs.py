"""What each lesson's full notebook costs to run, as measured last and kept in `docs/budget.json`."""

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path

from vae_course.support.files import write

from .settings import Settings


@dataclass(frozen=True)
class Cost:
    """What running one full notebook took: seconds on the clock and of the processor, and the most memory in use."""

    seconds: float
    cpu_seconds: float
    memory_mb: int


def file(settings: Settings) -> Path:
    """Where the costs are kept."""
    return settings.root / "docs" / "budget.json"


def load(settings: Settings) -> dict[str, Cost]:
    """The costs by lesson, as measured last; none before the first time."""
    path = file(settings)
    values = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return {lesson: Cost(**cost) for lesson, cost in values.items()}


def save(settings: Settings, costs: dict[str, Cost]) -> None:
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
    """The costs as a table for the README."""
    rows = [
        f"| {lesson[:2]} | {cost.cpu_seconds:.0f} s | {cost.memory_mb:,} MB |" for lesson, cost in sorted(costs.items())
    ]
    total = sum(cost.cpu_seconds for cost in costs.values())
    largest = max((cost.memory_mb for cost in costs.values()), default=0)
    rows.append(f"| all | {total / 60:.0f} min | {largest:,} MB at most |")
    return "\n".join(["| lesson | seconds of one core | memory |", "|---|---|---|", *rows])


def shares(cpu_seconds: dict[str, float]) -> dict[str, float]:
    """Each lesson's part of the whole, which hardly depends on the machine."""
    total = sum(cpu_seconds.values())
    return {lesson: seconds / total for lesson, seconds in cpu_seconds.items()}


def over(measured: dict[str, float], stated: dict[str, Cost], *, factor: float = 1.5, slack: float = 0.04) -> list[str]:
    """A sentence for each lesson whose share of all CPU seconds is over `factor` times its stated share plus `slack`."""
    found = shares(measured)
    promised = shares({lesson: stated[lesson].cpu_seconds for lesson in measured if lesson in stated})
    problems = [f"{lesson} has no measured cost: run `make budget`." for lesson in found if lesson not in promised]
    for lesson, share in promised.items():
        if found[lesson] > factor * share + slack:
            problems.append(
                f"{lesson} needs {found[lesson]:.0%} of the time of all notebooks, where {share:.0%} is stated:"
                " make it faster, or run `make budget` if the new cost is meant."
            )
    return problems
