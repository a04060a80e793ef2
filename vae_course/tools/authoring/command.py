"""The command `vae-course build`."""

import argparse
import sys
from pathlib import Path

from .errors import AuthoringError
from .settings import Settings, read
from .source import discover


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `vae-course build` to a parser."""
    parser.add_argument(
        "lessons", nargs="*", metavar="LESSON", help="such as 07, 07_first_vae or a path (default: all)"
    )
    parser.add_argument("--check", action="store_true", help="build nothing; say which lessons are stale, and why")
    parser.add_argument("--force", action="store_true", help="run the code of lessons that are up to date, too")
    parser.add_argument(
        "--no-execute",
        action="store_true",
        help="run no code; full notebooks whose code changed get no outputs",
    )


def run(args: argparse.Namespace) -> int:
    """Build or check lessons and report on each; 0 if all went well, 1 if not."""
    try:
        if args.force and args.no_execute:
            raise AuthoringError("--force runs everything and --no-execute runs nothing: give one of them.")
        settings = read()
        lessons = choose(args.lessons, settings)
        _require_tools()
    except AuthoringError as error:
        print(error, file=sys.stderr)
        return 1
    if args.check:
        return _check(lessons, settings, all_lessons=not args.lessons)
    failures = [path for path in lessons if not _build(path, settings, force=args.force, run=not args.no_execute)]
    return 1 if failures else 0


def choose(names: list[str], settings: Settings) -> list[Path]:
    """The sources that names, numbers or paths stand for (none: all); AuthoringError if unknown."""
    known = discover(settings.solutions)
    if not known:
        raise AuthoringError(f"There are no lessons: {settings.solutions} holds no NN_topic.py.")
    return [_find(name, known) for name in names] if names else known


def _find(name: str, known: list[Path]) -> Path:
    stem = Path(name).stem
    for path in known:
        if stem in (path.stem, path.stem[:2]):
            return path
    raise AuthoringError(f'There is no lesson "{name}"; there are {", ".join(path.stem for path in known)}.')


def _require_tools() -> None:
    try:
        import jupytext
        import nbclient
        import nbformat
    except ModuleNotFoundError as error:
        raise AuthoringError(
            f"Building lessons needs {error.name}: run `pip install jupytext nbclient nbformat ipykernel`."
        ) from error
    del jupytext, nbclient, nbformat


def _check(lessons: list[Path], settings: Settings, *, all_lessons: bool) -> int:
    from .plan import orphans, prepare, stale

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


def _build(path: Path, settings: Settings, *, force: bool, run: bool) -> bool:
    from .build import build

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
