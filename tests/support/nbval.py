"""nbval over one notebook in a process of its own, in surroundings that a test chooses."""

import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import nbformat

CELL_TIMEOUT = 600  # seconds; only ends a cell that hangs


@dataclass(frozen=True)
class Run:
    """What nbval said of a notebook: how many cells passed, and of each other one why it didn't."""

    passed: int
    failures: list[str]


def nbval(notebook: Path, *, folder: Path, environment: dict[str, str], prefix: Sequence[str] = ()) -> Run:
    """Run nbval over a notebook; what it writes goes to `folder`."""
    report, configuration = folder / "report.xml", folder / "pytest.ini"
    # An empty configuration: the options of the surrounding run are not meant for cells.
    configuration.write_text("[pytest]\n")
    options = ["--nbval-lax", "--nbval-current-env", f"--nbval-cell-timeout={CELL_TIMEOUT}"]
    alone = ["-c", str(configuration), "--noconftest", "-p", "no:cacheprovider", "--color=no", f"--junitxml={report}"]
    done = subprocess.run(
        [*prefix, sys.executable, "-m", "pytest", str(notebook), *options, *alone],
        env=environment,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert report.is_file(), done.stdout
    cases = list(ElementTree.parse(report).getroot().iter("testcase"))
    trouble = [child for case in cases for child in case if child.tag in ("failure", "error", "skipped")]
    failures = [child.text or child.get("message", "") for child in trouble]
    return Run(len(cases) - len(trouble), failures)


def cells_to_run(notebook: Path) -> int:
    """How many code cells a notebook has."""
    return sum(cell.cell_type == "code" for cell in nbformat.read(notebook, as_version=4).cells)


def surroundings(**changes: str) -> dict[str, str]:
    """This process's environment without what a test run sets, and without any named data."""
    unwanted = ("VAE_COURSE_DATA", "PYTEST_ADDOPTS", "PYTEST_CURRENT_TEST", "PYTEST_XDIST_WORKER", "MPLBACKEND")
    kept = {name: value for name, value in os.environ.items() if name not in unwanted}
    return kept | {"VAE_COURSE_PROGRESS": "0", "VAE_COURSE_STRICT": "1"} | changes


def assert_every_cell_passes(
    notebook: Path, *, folder: Path, environment: dict[str, str], prefix: Sequence[str] = ()
) -> None:
    """Every code cell ran, and none of them failed."""
    run = nbval(notebook, folder=folder, environment=environment, prefix=prefix)
    assert not run.failures, "\n\n".join(run.failures)
    assert run.passed == cells_to_run(notebook)
