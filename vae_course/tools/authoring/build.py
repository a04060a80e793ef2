"""Bring a lesson's notebooks up to date."""

import time
from dataclasses import dataclass
from pathlib import Path

from nbformat import NotebookNode

from vae_course.support.files import write

from .errors import AuthoringError
from .execute import execute
from .files import load, outputs_hash, stamps, to_bytes, with_outputs
from .plan import Plan, exercise_data, prepare, stale
from .settings import Settings
from .stamp import GetExercise

SIZE_LIMIT = 1_000_000  # bytes


@dataclass(frozen=True)
class Outcome:
    """What `build` did with a lesson: why it was stale, whether its code ran, and how long that took."""

    name: str
    reasons: tuple[str, ...]
    written: bool
    executed: bool
    seconds: float


def build(
    path: Path,
    settings: Settings,
    *,
    get_exercise: GetExercise = exercise_data,
    run: bool = True,
    force: bool = False,
) -> Outcome:
    """Bring a lesson's two notebooks up to date; code runs only where code or an exercise's data has changed.

    With `run=False` nothing runs, and a full notebook whose code has changed is left without outputs.
    With `force` everything runs. Raises AuthoringError, and then writes nothing.
    """
    begin = time.perf_counter()
    plan = prepare(path, settings, get_exercise=get_exercise)
    reasons = tuple(stale(plan, settings))
    if not reasons and not force:
        return Outcome(plan.lesson.name, (), written=False, executed=False, seconds=0.0)
    full = None if force else _with_kept_outputs(plan)
    executed = full is None and run
    if executed:
        full = with_outputs(plan.full, execute(plan.full, folder=path.parent, where=plan.where))
    content = to_bytes(full or plan.full)
    if full is not None:
        _require_small(plan, full, size=len(content))
    write(plan.full_path, content)
    write(plan.student_path, to_bytes(plan.student))
    return Outcome(plan.lesson.name, reasons, written=True, executed=executed, seconds=time.perf_counter() - begin)


def _with_kept_outputs(plan: Plan) -> NotebookNode | None:
    """The new notebook with the outputs of the one on disk, where those still belong to it."""
    existing = load(plan.full_path)
    noted = stamps(existing)
    if existing is None or noted.get("run_hash") != stamps(plan.full)["run_hash"]:
        return None
    untouched = noted.get("outputs_hash") == outputs_hash(existing)
    return with_outputs(plan.full, existing) if untouched else None


def _require_small(plan: Plan, full: NotebookNode, *, size: int) -> None:
    """Raise where a full notebook is over the limit, with its largest outputs."""
    if size <= SIZE_LIMIT:
        return
    sizes = [
        (len(value), plan.where(index), kind)
        for index, cell in enumerate(full.cells)
        if cell.cell_type == "code"
        for output in cell.outputs
        for kind, value in (output.get("data") or {output.output_type: output.get("text", "")}).items()
    ]
    largest = "; ".join(f"{place}, {kind}: {n:,} bytes" for n, place, kind in sorted(sizes, reverse=True)[:5])
    raise AuthoringError(
        f"{plan.lesson.name}: the full notebook has {size:,} bytes, over the limit of {SIZE_LIMIT:,}."
        f" Its largest outputs: {largest}."
    )
