"""What each lesson's full notebook costs to run, as measured last and kept in `docs/budget.json`."""

import json
import math
from dataclasses import dataclass
from pathlib import Path

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
