"""Measure again the numbers that lessons state, on MNIST and on pen digits.

Each lesson's `claim` cells write what they find into `claims.json`. The notebooks stay as they are: `vae-course build` puts
the new numbers into their prose.
"""

import argparse
import os

from vae_course import claims

from .execute import execute
from .plan import prepare
from .settings import read
from .source import choose

WORLDS = ("mnist", "pen")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `vae-course claims` to a parser."""
    parser.add_argument("lessons", nargs="*", metavar="LESSON", help="such as 07 or 01-06 (default: all)")


def run(args: argparse.Namespace) -> int:
    """Measure the lessons that were named; 0 when all ran to their ends.

    Raises:
        AuthoringError: there is no such lesson, or a cell of one failed.
    """
    os.environ["VAE_COURSE_RECORD_CLAIMS"] = "1"
    settings = read()
    for path in choose(args.lessons, settings.solutions):
        plan = prepare(path, settings)
        for world in WORLDS:
            before = claims.read()
            execute(plan.full, folder=path.parent, where=plan.where, world=world)
            changed = [name for name, found in claims.read().items() if found != before.get(name)]
            print(f"{path.stem} on {world}: {', '.join(changed) or 'no number has changed'}", flush=True)
    return 0
