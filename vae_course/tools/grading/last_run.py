"""The last run into a folder of results: what it was made of, what it made, what it said.

The same command again then knows, by digests and without PyTorch or nbgrader, that there is nothing to do.
"""

import argparse
import hashlib
import json
import re
import stat
import sys
from collections.abc import Iterable
from contextlib import suppress
from importlib import metadata
from pathlib import Path

from vae_course.support.files import write
from vae_course.support.sources import PACKAGE
from vae_course.tools.authoring import AuthoringError, settings

RECORD = "last_run.json"
# What `collect` looks into, or keeps beside a notebook; of all other files it reads the names.
READ = re.compile(r"\.(ipynb(\.txt|\.json)?|zip|yml|pdf|md|txt|json|csv|png|jpe?g)$", re.IGNORECASE)


def sources(args: argparse.Namespace) -> str:
    """A digest that changes with all that the results of a command line are made of; empty where something can't be read.

    That is what was handed in and when, the roster, the options, the lessons, the package, and the versions of all libraries.
    """
    digest = hashlib.sha256()
    try:
        root = settings.read().root
        files = ("pyproject.toml", "solutions/*.py", "docs/budget.json")
        lessons = sorted(path for pattern in files for path in root.glob(pattern))
        package = (path for path in _all_in(PACKAGE) if "__pycache__" not in path.parts)
        options = {name: str(value) for name, value in vars(args).items() if name != "jobs"}
        places = [place for place in sys.path if Path(place).name != "_vendor"]  # setuptools' own, once it is imported
        versions = sorted(f"{found.name} {found.version}" for found in metadata.distributions(path=places))
        digest.update(ascii((sys.version, sorted(options.items()), versions)).encode())
        digest.update(_digest(package) + _digest(lessons) + _digest([args.roster] if args.roster else []))
        digest.update(_digest(_all_in(args.submissions), handed_in=True))
    except (OSError, AuthoringError):
        return ""
    return digest.hexdigest()


def said(results: Path, made_of: str) -> str:
    """What the last run said, if it was made of the same and all of its results are still as it left them; else nothing."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        record = json.loads((results / RECORD).read_text(encoding="utf-8"))
        if made_of and record["sources"] == made_of and record["results"] == _made(results):
            return str(record["said"])
    return ""


def keep(results: Path, made_of: str, said: str) -> None:
    """Keep what a run that has ended was made of, what it made and what it said."""
    record = {"sources": made_of, "results": _made(results), "said": said}
    write(results / RECORD, json.dumps(record, indent=1) + "\n")


def _made(results: Path) -> str:
    return _digest(path for path in _all_in(results) if path != results / RECORD).hex()


def _all_in(place: Path) -> list[Path]:
    """A file, or a folder and all that lies in it; links are not followed."""
    return [place, *sorted(place.rglob("*"))]


def _digest(paths: Iterable[Path], *, handed_in: bool = False) -> bytes:
    """Of paths and contents; of what was handed in also the times, as the newest counts, and no content that nobody reads."""
    digest = hashlib.sha256()
    for path in paths:
        found = path.lstat()
        is_file = stat.S_ISREG(found.st_mode)
        digest.update(
            ascii((str(path), stat.S_IFMT(found.st_mode), handed_in and is_file and found.st_mtime_ns)).encode()
        )
        if is_file and (not handed_in or READ.search(path.name)):
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.digest()
