"""Bring the lessons' notebooks up to date with their sources."""

import argparse
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from nbformat import NotebookNode

from vae_course.support.files import write

from .errors import AuthoringError
from .execute import execute
from .files import load, outputs_hash, stamps, to_bytes, with_outputs
from .plan import Plan, exercise_data, orphans, prepare, stale
from .settings import CourseSettings, read
from .source import choose
from .stamp import GetExercise

SIZE_LIMIT = 1_000_000  # bytes


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `vae-course build` to a parser."""
    parser.add_argument(
        "lessons", nargs="*", metavar="LESSON", help="such as 07, 01-06, 07_first_vae or a path (default: all)"
    )
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--check", action="store_true", help="build nothing; say which lessons are stale, and why")
    how.add_argument("--force", action="store_true", help="run the code of lessons that are up to date, too")
    how.add_argument(
        "--no-execute", action="store_true", help="run no code; full notebooks whose code changed get no outputs"
    )


def run(args: argparse.Namespace) -> int:
    """Build or check lessons and report on each; 0 if all went well, 1 if not."""
    settings = read()
    lessons = choose(args.lessons, settings.solutions)
    if args.check:
        return _check(lessons, settings, all_lessons=not args.lessons)
    failures = [path for path in lessons if not _build_one(path, settings, force=args.force, run=not args.no_execute)]
    return 1 if failures else 0


@dataclass(frozen=True)
class BuildResult:
    """What `build` did with a lesson: why it was stale, whether its code ran, and how long that took."""

    name: str
    reasons: tuple[str, ...]
    written: bool
    executed: bool
    seconds: float


def build(
    path: Path,
    settings: CourseSettings,
    *,
    get_exercise: GetExercise = exercise_data,
    run: bool = True,
    force: bool = False,
) -> BuildResult:
    """Bring a lesson's two notebooks up to date; code runs only where code or an exercise's data has changed.

    With `run=False` nothing runs, and a full notebook whose code has changed is left without outputs.
    With `force` everything runs. Raises AuthoringError, and then writes nothing.
    """
    begin = time.perf_counter()
    plan = prepare(path, settings, get_exercise=get_exercise)
    reasons = tuple(stale(plan, settings))
    if not reasons and not force:
        return BuildResult(plan.lesson.name, (), written=False, executed=False, seconds=0.0)
    full = None if force else _with_kept_outputs(plan)
    executed = full is None and run
    if executed:
        full = with_outputs(plan.full, execute(plan.full, folder=path.parent, where=plan.where))
    content = to_bytes(full or plan.full)
    if full is not None:
        _require_small(plan, full, size=len(content))
    write(plan.full_path, content)
    write(plan.student_path, to_bytes(plan.student))
    return BuildResult(plan.lesson.name, reasons, written=True, executed=executed, seconds=time.perf_counter() - begin)


def _check(lessons: list[Path], settings: CourseSettings, *, all_lessons: bool) -> int:
    problems = 0
    for path in lessons:
        try:
            reasons = stale(prepare(path, settings), settings)
        except AuthoringError as error:
            reasons = [str(error)]
        print(f"{path.stem}: {'stale' if reasons else 'up to date'}", *reasons, sep="\n  ", flush=True)
        problems += bool(reasons)
    lost = orphans(settings) if all_lessons else []
    for sentence in lost:
        print(sentence)
    if problems:
        print("Run `vae-course build` to bring the stale lessons up to date.")
    return 1 if problems or lost else 0


def _build_one(path: Path, settings: CourseSettings, *, force: bool, run: bool) -> bool:
    print(f"{path.stem}: ", end="", flush=True)
    try:
        outcome = build(path, settings, force=force, run=run)
    except AuthoringError as error:
        print("failed", flush=True)
        print(error, file=sys.stderr, flush=True)
        return False
    if not outcome.written:
        print("up to date")
        return True
    print(f"built in {outcome.seconds:.1f} s{'' if outcome.executed else ', without running its code'}")
    for reason in outcome.reasons:
        print(f"  {reason}")
    return True


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
