"""Measure the numbers that lessons state: `python -m vae_course.tools.authoring.measure [LESSON ...]`.

Each lesson runs on MNIST and on pen digits; its `claim` cells write what they find into `claims.json`. The notebooks stay
as they are: `vae-course build` puts the new numbers into their prose.
"""

import argparse
import os
import sys

from vae_course import claims

from .command import choose
from .errors import AuthoringError
from .execute import execute
from .plan import prepare
from .settings import read

WORLDS = ("mnist", "pen")


def main() -> int:
    """Measure the lessons named on the command line, or all of them."""
    parser = argparse.ArgumentParser(prog="python -m vae_course.tools.authoring.measure", description=__doc__)
    parser.add_argument("lessons", nargs="*", metavar="LESSON", help="such as 07 (default: all)")
    os.environ["VAE_COURSE_RECORD_CLAIMS"] = "1"
    settings = read()
    try:
        for path in choose(parser.parse_args().lessons, settings):
            plan = prepare(path, settings)
            for world in WORLDS:
                before = claims.read()
                execute(plan.full, folder=path.parent, where=plan.where, world=world)
                changed = [name for name, found in claims.read().items() if found != before.get(name)]
                print(f"{path.stem} on {world}: {', '.join(changed) or 'no number has changed'}", flush=True)
    except AuthoringError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
