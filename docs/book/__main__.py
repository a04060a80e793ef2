"""Build the book: `python -m docs.book` writes the site to build/book, and says where it is; `make book` does the same."""

import argparse
import sys
from pathlib import Path

from docs.book.build import build
from docs.book.check import Site
from vae_course.tools.authoring import settings


def main() -> int:
    """Build the site and check its links; the exit status says whether all is well."""
    root = settings.read().root
    parser = argparse.ArgumentParser(prog="python -m docs.book", description="Build the reading edition.")
    parser.add_argument("--to", type=Path, default=root / "build" / "book", help="folder of the site")
    to = parser.parse_args().to.resolve()
    status = build(root, to)
    problems = [] if status else Site(to).problems()
    for problem in problems:
        print(problem, file=sys.stderr)
    if status or problems:
        return 1
    print(f"The book is in {to}: open {to / 'index.html'}. For the search, serve it:")
    print(f"  {sys.executable} -m http.server --directory {to}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
