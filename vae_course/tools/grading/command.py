"""The command `vae-course grade`."""

import argparse
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vae_course.support.files import writing
from vae_course.support.words import count, listed
from vae_course.tools.grading import last_run
from vae_course.tools.grading.model import Graded, GradingError

if TYPE_CHECKING:
    from vae_course.tools.grading.collect import Collection

_WARNING = (
    "Warning. Without a sandbox, what students handed in runs with the rights of whoever runs this command, and can read and "
    "change that person's files and use the network."
)
UNSAFE = (
    "Graded without a sandbox: what students handed in ran with the rights of whoever ran this command, and could read and "
    "change that person's files and use the network."
)
_WITHOUT = (
    "Or give --no-sandbox, if you trust every one who handed in like yourself: then their code runs with your rights, and can "
    "read and change your files and use the network."
)
_SHOWN = 10
_NAMED = 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `vae-course grade` to a parser."""
    parser.add_argument("submissions", type=Path, metavar="SUBMISSIONS", help="a folder or a zip of what was handed in")
    parser.add_argument("--to", required=True, type=Path, metavar="RESULTS", help="the folder for marks and reports")
    parser.add_argument("--lessons", nargs=1, metavar="WHICH", help="such as 01-06 or 00,04 (default: all)")
    parser.add_argument(
        "--roster", type=Path, metavar="CSV", help="the students, one a row: names and numbers to look for in the paths"
    )
    parser.add_argument(
        "--names",
        metavar="REGEX",
        help="finds the student in each path by its group (?P<student>...), after the roster",
    )
    parser.add_argument("--jobs", type=_positive_int, metavar="N", help="submissions at a time (default: the cores)")
    parser.add_argument(
        "--timeout", type=_positive, metavar="SECONDS", help="the longest that one run of one answer may take"
    )
    parser.add_argument(
        "--seed",
        type=_positive_int,
        metavar="N",
        help="source of the hidden inputs (default: drawn once, kept in RESULTS)",
    )
    parser.add_argument("--cluster", metavar="ADDRESS", help="grade on the Dask cluster with this scheduler")
    parser.add_argument("--no-gradebook", action="store_true", help="leave out nbgrader's gradebook")
    parser.add_argument(
        "--no-sandbox",
        action="store_true",
        help="run submissions unprotected, with your own rights: only for those whose authors you trust like yourself",
    )


def _positive_int(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("give at least 1")
    return value


def _positive(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError("give a number of seconds above 0")
    return value


def run(args: argparse.Namespace) -> int:
    """Collect, grade and report; 0 if every submission has its marks, however many a person should look at, else 1."""
    _check_folders(args.submissions, args.to)
    made_of = last_run.sources(args)
    if before := last_run.said(args.to, made_of):
        print(f"Nothing has changed since the last run, and its results are all there. It said:\n{before}")
        return 0
    return _run(args, made_of)


def _run(args: argparse.Namespace, made_of: str) -> int:
    """The same where something is new, or was changed since then."""
    from vae_course.tools.grading.report import clear_nameless, write_results
    from vae_course.tools.grading.sandbox.bubblewrap import SandboxMissing

    collection = _collect(args)
    found = ", ".join(f"{name} ({count(files, 'file')})" for name, files in collection.platforms.items())
    recognised = f"Recognised: {found or 'no names of students'}."
    print(recognised)
    begun = time.monotonic()
    try:
        graded = _with_files(args.to, _grade(args, collection), collection)
    except SandboxMissing as error:
        raise GradingError(f"{error} {_WITHOUT}") from None
    seconds = time.monotonic() - begun
    with writing(args.to, GradingError):
        made = write_results(
            args.to,
            graded,
            collection.submissions,
            problems=collection.problems,
            note=UNSAFE if args.no_sandbox else "",
            gradebook=not args.no_gradebook,
        )
        left = clear_nameless(args.to, graded, collection.submissions)
    failed = [row for row in graded if row.ungraded]
    said = summary([row for row in graded if not row.ungraded], collection.problems, seconds, made)
    said += f"\n{_earlier(args.to, left)}" if left else ""
    print(said)
    if failed:
        print(f"vae-course: {_not_graded(failed)}", file=sys.stderr)
        return 1
    with writing(args.to, GradingError):
        last_run.keep(args.to, made_of, f"{recognised}\n{said}")
    return 0


def _collect(args: argparse.Namespace) -> "Collection":
    """What was handed in, once it is seen that the results can be written."""
    from vae_course.tools.grading.collect import collect
    from vae_course.tools.grading.collect.roster import read_names
    from vae_course.tools.grading.read.lessons import names

    if not args.no_gradebook:
        from vae_course.tools.grading.report.gradebook import require, unlocked

        require()
        with unlocked(args.to / "nbgrader"):
            pass
    if args.no_sandbox:
        print(_WARNING, file=sys.stderr)
    known = read_names(args.roster, args.names)
    collection = collect(args.submissions, names(args.lessons or []), known)
    if not collection.submissions:
        raise GradingError(_nothing(args.submissions, collection))
    return collection


def _earlier(results: Path, left: Sequence[Graded]) -> str:
    """What the table and the report leave out, so that nobody takes them for the whole course."""
    named = listed([f"{row.student} {row.lesson}" for row in left], _NAMED)
    return (
        f"{results} also keeps {count(len(left), 'earlier result')} that this run did not grade ({named}). "
        "grades.csv, report.html and the feedback pages made now are of this run alone: to have all in them, grade everything "
        "that was handed in together."
    )


def _not_graded(failed: Sequence[Graded]) -> str:
    first = failed[0]
    verb = "was" if len(failed) == 1 else "were"
    return (
        f"{count(len(failed), 'submission')} {verb} not graded: run the same command again, which tries them again. "
        f"{first.student}, {first.lesson}: {first.problem}"
    )


def _check_folders(submissions: Path, results: Path) -> None:
    if not (submissions.is_dir() or submissions.is_file()):
        raise GradingError(f"There is no {submissions}: name the folder or zip file that holds what was handed in.")
    if results.exists() and not results.is_dir():
        raise GradingError(f"--to {results} is a file: name a folder for the results.")
    inside, outside = results.resolve(), submissions.resolve()
    if inside == outside or inside.is_relative_to(outside) or outside.is_relative_to(inside):
        raise GradingError(
            f"--to {results} and {submissions} lie in each other, so that results would be taken for submissions: name a "
            "folder for the results elsewhere."
        )


def _nothing(submissions: Path, collection: "Collection") -> str:
    first = f" The first trouble: {collection.problems[0]}" if collection.problems else ""
    return (
        f"{submissions} holds no notebook that belongs to a student and a lesson: put each one into a folder named after its "
        f"student, under the name that it was released by.{first}"
    )


def _with_files(results: Path, graded: list[Graded], collection: "Collection") -> list[Graded]:
    """The marks with what was handed in beside the notebooks, which is kept among the results."""
    from vae_course.tools.grading import beside

    with writing(results, GradingError):
        return beside.keep(results, graded, collection.submissions)


def _grade(args: argparse.Namespace, collection: "Collection") -> list[Graded]:
    from vae_course.tools.grading.mark.classes import grade_class
    from vae_course.tools.grading.sandbox.limits import DEFAULT_LIMITS, Limits

    settings: dict[str, Any] = {
        "limits": DEFAULT_LIMITS if args.timeout is None else Limits(seconds=args.timeout),
        "sandbox": not args.no_sandbox,
        "seed": args.seed,
    }
    if args.cluster is None:
        return grade_class(collection.submissions, args.to, jobs=args.jobs or os.cpu_count() or 1, **settings)
    from vae_course.tools.grading.cluster import Cluster

    with Cluster(args.cluster, sandbox=settings["sandbox"]) as cluster:
        jobs = args.jobs or cluster.slots
        graded = grade_class(collection.submissions, args.to, jobs=jobs, grade=cluster.grade, **settings)
        cluster.raise_failure()
        return graded


def summary(graded: Sequence[Graded], problems: Sequence[str], seconds: float, made: Sequence[Path]) -> str:
    """What the terminal says in the end: how many, how they did, what is left for a person, and where everything is."""
    students = len({row.student for row in graded})
    lines = [f"{count(len(graded), 'submission')} of {count(students, 'student')} graded in {seconds:.0f} s."]
    earned, possible = sum(row.points for row in graded), sum(row.max_points - row.to_mark for row in graded)
    if possible:
        lines.append(f"Points so far: {earned} of {possible} ({100 * earned / possible:.0f} %).")
    written = sum(mark.status == "written" for row in graded for mark in row.marks)
    if written:
        lines.append(f"{count(written, 'written answer')} for a person to mark, in the gradebook.")
    people = sum(row.needs_person() for row in graded)
    if people:
        lines.append(f"{count(people, 'submission')} for a person to look at: the report says which, and why.")
    if problems:
        lines.append(f"{count(len(problems), 'remark')} on collecting the files:")
        lines += [f"  {problem}" for problem in problems[:_SHOWN]]
        lines += [f"  and {len(problems) - _SHOWN} more, in the report"] if len(problems) > _SHOWN else []
    return "\n".join([*lines, *[f"  {path}" for path in made]])
