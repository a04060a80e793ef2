"""Run every benchmark and print one table; `--update README.md` writes it there too."""

import argparse
import os
import platform
from pathlib import Path

import torch

from benchmarks import epoch, first_picture, import_time, quality
from benchmarks.table import table

START, END = "<!-- benchmarks:start -->", "<!-- benchmarks:end -->"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="less than a minute, to see that all of it works")
    parser.add_argument("--update", type=Path, metavar="FILE", help="put the table between this file's markers")
    options = parser.parse_args()
    rows = [row for script in (epoch, quality, first_picture, import_time) for row in script.measure(options.quick)]
    command = "python -m benchmarks --quick" if options.quick else "python -m benchmarks"
    text = f"{table(rows)}\n\nMade by `{command}` on {machine()}."
    print(text)
    if options.update:
        update(options.update, text)


def machine() -> str:
    return f"{os.cpu_count()} CPU cores ({platform.machine()}), PyTorch {torch.__version__.partition('+')[0]}"


def update(path: Path, text: str) -> None:
    """Replace what stands between the markers.

    Raises:
        SystemExit: the file lacks the markers.
    """
    before, start, rest = path.read_text(encoding="utf-8").partition(START)
    _, end, after = rest.partition(END)
    if not (start and end):
        raise SystemExit(f"{path} lacks the lines {START} and {END}: add them where the table belongs.")
    path.write_text(f"{before}{START}\n{text}\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
