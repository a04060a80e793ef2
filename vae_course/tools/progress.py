"""The command `vae-course progress`: which exercises were passed in this copy of the course."""

import argparse
import sys

from vae_course.exercises import record
from vae_course.support.words import count


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `vae-course progress` to a parser."""
    parser.add_argument("lessons", nargs="*", metavar="LESSON", help="two digits, such as 07 (default: all)")
    parser.add_argument("--reset", action="store_true", help="forget what was passed")
    parser.add_argument("--yes", action="store_true", help="with --reset, do not ask")


def run(args: argparse.Namespace) -> int:
    """Print the table, or forget; 0, or 1 where a lesson is none or forgetting was not confirmed."""
    if args.reset and args.lessons:
        print("vae-course: --reset forgets all lessons; give it without a lesson.", file=sys.stderr)
        return 1
    if args.reset:
        number = count(len(record.passed()), "passed exercise")
        if not args.yes and not _confirmed(f"Forget {number} of this copy of the course? [y/N] "):
            return 1
        record.forget()
        print(f"Forgot {number}.")
        return 0
    try:
        print(record.Progress(*args.lessons))
    except ValueError as error:
        print(f"vae-course: {error}", file=sys.stderr)
        return 1
    return 0


def _confirmed(question: str) -> bool:
    try:
        return input(question).strip().lower() == "y"
    except EOFError:  # nobody is there to answer
        return False
