"""Run every benchmark and print one table; `--update docs/performance.md` writes it there too."""

import argparse
import os
import platform
from pathlib import Path

import torch

from benchmarks import answers, bits_back, epoch, first_picture, import_time, manifold, neighbours, pad, quality
from benchmarks.table import goals, table
from vae_course.tools.authoring import tables


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="about a minute, to see that all of it works")
    parser.add_argument("--update", type=Path, metavar="FILE", help="put the table between this file's markers")
    options = parser.parse_args()
    rows = [
        row
        for script in (epoch, neighbours, quality, manifold, first_picture, import_time, answers, bits_back, pad)
        for row in script.measure(options.quick)
    ]
    command = "python -m benchmarks --quick" if options.quick else "python -m benchmarks"
    text = f"{table(rows)}\n\nMade by `{command}` on {machine()}."
    print(f"{text}\n\n{goals(rows)}")
    if options.update:
        tables.write(options.update, "benchmarks", text)


def machine() -> str:
    return f"{os.cpu_count()} CPU cores ({platform.machine()}), PyTorch {torch.__version__.partition('+')[0]}"


if __name__ == "__main__":
    main()
