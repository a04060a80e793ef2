"""The command `vae-course release`."""

import argparse
from pathlib import Path

from ..authoring import settings, source

_KEPT_BACK = (
    "Hints and worked answers are kept back in these notebooks, but not secret: the course and its package are public, and a "
    "student who looks for the solutions there finds them. Marks show who practised; an examination needs other questions."
)
_HOW = """\
Hand them out:
  shared folder  copy the folder, or point students at it
  Colab          put the notebooks on a Drive or a GitHub of yours, and share the link
  nbgrader       put each one into release/LESSON/LESSON.ipynb of your course; `vae-course grade` makes the rest of it
Collect the notebooks under their own names, one folder a student, then run `vae-course grade FOLDER --to RESULTS`."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `vae-course release` to a parser."""
    parser.add_argument("--to", required=True, type=Path, metavar="FOLDER", help="where the notebooks go")
    parser.add_argument("--lessons", nargs=1, metavar="WHICH", help="such as 01-06 or 00,04 (default: all)")
    parser.add_argument(
        "--withhold-solutions", action="store_true", help="leave out what shows hints and worked answers"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace notebooks in the folder that differ")


def run(args: argparse.Namespace) -> int:
    """Write the notebooks and say what to do with them; 0 if all went well."""
    from .release import release

    course = settings.read()
    lessons = source.choose(args.lessons or [], course.solutions)
    new, same = release(args.to, lessons, course, withhold=args.withhold_solutions, overwrite=args.overwrite)
    print(f"{args.to}: {len(new)} written" + (f", {len(same)} there already" if same else "") + ".")
    for path in [*new, *same]:
        print(f"  {path.name}")
    if args.withhold_solutions:
        print(_KEPT_BACK)
    print(_HOW)
    return 0
