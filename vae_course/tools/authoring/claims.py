"""Measure again the numbers that lessons state, on MNIST and on pen digits.

Each lesson's `claim` cells write what they find into `claims.json`. The notebooks stay as they are: `vae-course build` puts
the new numbers into their prose. With `--seeds 5` the lessons run four times more, each time with another seed for all that
is luck in a training, and what came out is kept beside the stated numbers, in `spreads.json`.
"""

import argparse
import os
from collections.abc import Sequence

from vae_course import claims

from .execute import execute
from .plan import Plan, prepare
from .settings import read
from .source import choose
from .spread import measure_all

WORLDS = ("mnist", "pen")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `vae-course claims` to a parser."""
    parser.add_argument("lessons", nargs="*", metavar="LESSON", help="such as 07 or 01-06 (default: all)")
    parser.add_argument("--world", choices=WORLDS, help="measure on one data set only (default: on both)")
    parser.add_argument(
        "--seeds",
        type=int,
        default=1,
        metavar="N",
        help="measure the spread instead, over N seeds; the stated one is the first",
    )


def run(args: argparse.Namespace) -> int:
    """Measure the lessons that were named; 0 when all ran to their ends, 1 when a cell failed with another seed.

    Raises:
        AuthoringError: there is no such lesson, or a cell of one failed.
    """
    os.environ["VAE_COURSE_RECORD_CLAIMS"] = "1"  # a claim that is new in a lesson has no stated number yet
    settings = read()
    plans = [prepare(path, settings) for path in choose(args.lessons, settings.solutions)]
    worlds = (args.world,) if args.world else WORLDS
    return _spread(plans, worlds, args.seeds) if args.seeds > 1 else _state(plans, worlds)


def _state(plans: Sequence[Plan], worlds: Sequence[str]) -> int:
    """Write the numbers that the lessons state."""
    for plan in plans:
        for world in worlds:
            before = claims.read()
            execute(plan.full, folder=plan.lesson.path.parent, where=plan.where, world=world)
            changed = [name for name, found in claims.read().items() if found != before.get(name)]
            print(f"{plan.lesson.name} on {world}: {', '.join(changed) or 'no number has changed'}", flush=True)
    return 0


def _spread(plans: Sequence[Plan], worlds: Sequence[str], seeds: int) -> int:
    """Keep what the lessons' numbers come to with other seeds."""
    failures = 0
    for plan in plans:
        for world in worlds:
            failed = measure_all(plan, world, seeds)
            failures += len(failed)
            print("\n".join([f"{plan.lesson.name} on {world}: {seeds} seeds", *failed]), flush=True)
    return 1 if failures else 0
