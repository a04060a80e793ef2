"""The repository's own notebooks: they are what their sources say, and every cell of each one runs, in two worlds."""

import os
import re
import socket
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import nbformat
import pytest

from tests.support import colab
from tests.support.fixtures import toy
from vae_course.tools.authoring import budget, costs, settings, source
from vae_course.tools.authoring.build import build
from vae_course.tools.authoring.plan import orphans, prepare, stale

CHECKOUT = settings.read(Path(__file__).parent)
LESSONS = source.discover(CHECKOUT.solutions)
# From the sources, so that a notebook that is missing is a failure and not one test less. Full notebooks come
# first: the student's then find their trainings in the cache.
NOTEBOOKS = [folder / f"{path.stem}.ipynb" for path in LESSONS for folder in (CHECKOUT.solutions, CHECKOUT.notebooks)]
SLOW = 8  # seconds on one core of the machine that the stated costs are from
CELL_TIMEOUT = 600  # seconds; two full runs of the slowest cell, on a slow machine


# Drift --------------------------------------------------------------------------------------------------


def test_every_lesson_has_both_notebooks_and_every_notebook_a_lesson() -> None:
    assert LESSONS
    assert [path for path in NOTEBOOKS if not path.is_file()] == []
    assert orphans(CHECKOUT) == []


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_notebooks_are_what_their_source_says(path: Path) -> None:
    assert stale(prepare(path, CHECKOUT), CHECKOUT) == [], "run `vae-course build`"


def test_building_the_first_lesson_twice_gives_the_same_bytes(
    tmp_path: Path, mnist_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAE_COURSE_DATA", str(mnist_root))
    results = []
    for name in ("one", "two"):
        path, places = toy.checkout(
            tmp_path / name, name=LESSONS[0].stem, lesson=LESSONS[0].read_text(encoding="utf-8")
        )
        assert build(path, places).executed
        results.append([file.read_bytes() for file in sorted((tmp_path / name).rglob("*.ipynb"))])
    assert results[0] == results[1] and len(results[0]) == 2


# nbval --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Run:
    """What nbval said of a notebook: how many cells passed, of each other one why it didn't, and how long each took."""

    passed: int
    failures: list[str]
    seconds: list[float]


def nbval(notebook: Path, *, folder: Path, environment: dict[str, str], prefix: Sequence[str] = ()) -> Run:
    """Run nbval over a notebook in a process of its own; what it writes goes to `folder`."""
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
    return Run(len(cases) - len(trouble), failures, [float(case.get("time", "0")) for case in cases])


def cells_to_run(notebook: Path) -> int:
    return sum(cell.cell_type == "code" for cell in nbformat.read(notebook, as_version=4).cells)


def environment(**changes: str) -> dict[str, str]:
    """This process's environment without what a test run sets, and without any named data."""
    unwanted = ("VAE_COURSE_DATA", "PYTEST_ADDOPTS", "PYTEST_CURRENT_TEST", "PYTEST_XDIST_WORKER", "MPLBACKEND")
    kept = {name: value for name, value in os.environ.items() if name not in unwanted}
    return kept | {"VAE_COURSE_PROGRESS": "0", "VAE_COURSE_STRICT": "1"} | changes


def assert_every_cell_passes(
    notebook: Path, *, folder: Path, environment: dict[str, str], prefix: Sequence[str] = ()
) -> Run:
    run = nbval(notebook, folder=folder, environment=environment, prefix=prefix)
    assert not run.failures, "\n\n".join(run.failures)
    assert run.passed == cells_to_run(notebook)
    return run


def slow_without_notice(notebook: Path, seconds: Sequence[float]) -> list[str]:
    """The cells that compute for long though neither they nor the prose right before them speak of time."""
    found, before, times = [], "", iter(seconds)
    for cell in nbformat.read(notebook, as_version=4).cells:
        if cell.cell_type != "code":
            before += cell.source
            continue
        took = next(times)
        if took > SLOW and not re.search(r"\b(seconds?|minutes?)\b", before + cell.source):
            found.append(f"{took:.0f} s without a word: {cell.source[:200]}")
        before = ""
    return found


# Where there is a stand-in for Colab, test_colab.py runs the others without data and network.
OFFLINE = [path for path in NOTEBOOKS if colab.find() is None or path not in colab.notebooks(CHECKOUT)]


def each(notebooks: Sequence[Path]) -> pytest.MarkDecorator:
    """A test for each of these notebooks."""
    names = [path.relative_to(CHECKOUT.root).with_suffix("").as_posix() for path in notebooks]
    return pytest.mark.parametrize("notebook", notebooks, ids=names)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty cache, shared in the world without data: a student notebook finds the full one's trainings."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def offline(need: Callable[[str], str]) -> list[str]:
    """What stands before a command, so that it gets no network but its own loopback, by which kernels are reached."""
    return [need("bwrap"), "--unshare-net", "--dev-bind", "/", "/"]


class TestWithMnist:
    """The world of a learner who has MNIST."""

    cpu_seconds: ClassVar[dict[str, float]] = {}  # of each full notebook

    @each(NOTEBOOKS)
    @pytest.mark.timeout(1800)
    def test_every_cell_passes(self, notebook: Path, tmp_path: Path, mnist_root: Path) -> None:
        # On one thread, as the stated costs were measured.
        data = environment(VAE_COURSE_DATA=str(mnist_root), OMP_NUM_THREADS="1")
        before = budget.children_cpu_seconds()
        run = assert_every_cell_passes(notebook, folder=tmp_path, environment=data)
        if notebook.parent == CHECKOUT.solutions:
            self.cpu_seconds[notebook.stem] = budget.children_cpu_seconds() - before
            stated = costs.load(CHECKOUT)
            # By all lessons so far, so that one which has grown doesn't excuse its own cells.
            slower = max(
                1.0, sum(self.cpu_seconds.values()) / sum(stated[name].cpu_seconds for name in self.cpu_seconds)
            )
            assert slow_without_notice(notebook, [seconds / slower for seconds in run.seconds]) == []

    def test_no_full_notebook_needs_over_one_and_a_half_times_its_stated_share(self) -> None:
        if len(self.cpu_seconds) < len(LESSONS) and os.environ.get("REQUIRE_ALL") != "1":
            pytest.skip("shares of the whole need the whole: run this file without a choice of lessons")
        assert budget.over(self.cpu_seconds, costs.load(CHECKOUT)) == []


class TestWithoutDataAndNetwork:
    """The world of a learner who is offline from the first minute: no data, no cache, no network."""

    def test_a_cell_in_this_world_has_no_network_and_no_data(
        self, tmp_path: Path, cache: Path, offline: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("VAE_COURSE_DATA", "somewhere")
        lines = [
            "import os, socket",
            "assert [name for _, name in socket.if_nameindex()] == ['lo'], 'there is a network'",
            "assert 'VAE_COURSE_DATA' not in os.environ, 'there is data'",
        ]
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("\n".join(lines))])
        nbformat.write(notebook, tmp_path / "n.ipynb")
        own = environment(VAE_COURSE_CACHE=str(cache))
        assert_every_cell_passes(tmp_path / "n.ipynb", folder=tmp_path, environment=own, prefix=offline)
        if len(socket.if_nameindex()) > 1:
            with pytest.raises(AssertionError, match="there is a network"):
                assert_every_cell_passes(tmp_path / "n.ipynb", folder=tmp_path, environment=own)

    @each(OFFLINE)
    @pytest.mark.timeout(1800)
    def test_every_cell_passes(self, notebook: Path, tmp_path: Path, cache: Path, offline: list[str]) -> None:
        own = environment(VAE_COURSE_CACHE=str(cache))
        assert_every_cell_passes(notebook, folder=tmp_path, environment=own, prefix=offline)


# The check of the check ---------------------------------------------------------------------------------

FAULTS = {
    "an exception": ("print(1)\n\n# %%\n1 / 0", "ZeroDivisionError"),
    "another output": ("import time\n\n# %% tags=['nbval-check-output']\ntime.time()", "mismatch 'text/plain'"),
}


@pytest.mark.parametrize(("code", "says"), FAULTS.values(), ids=FAULTS)
def test_nbval_finds_a_broken_cell_and_shows_it(tmp_path: Path, code: str, says: str) -> None:
    sound = "# %% [markdown]\n# # 00 A lesson\n\n# %%\n" + code.replace("1 / 0", "1")
    path, places = toy.checkout(tmp_path, lesson=sound)
    build(path, places)
    notebook = path.with_suffix(".ipynb")
    if "1 / 0" in code:
        broken = notebook.read_text().replace('"source": [\n    "1"', '"source": [\n    "1 / 0"')
        notebook.write_text(broken)
    with pytest.raises(AssertionError, match=says):
        assert_every_cell_passes(notebook, folder=tmp_path, environment=environment())


def test_a_slow_cell_must_say_so(tmp_path: Path) -> None:
    path = tmp_path / "n.ipynb"
    code, prose = nbformat.v4.new_code_cell, nbformat.v4.new_markdown_cell
    cells = [prose("It takes ten seconds."), code("fit()"), code("again()"), prose("Now."), code("# a minute\nmore()")]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    assert slow_without_notice(path, [30, 2, 30]) == []
    assert slow_without_notice(path, [30, 30, 30]) == ["30 s without a word: again()"]


@pytest.mark.parametrize("tag", ["nbval-skip", "none"])
def test_a_cell_that_did_not_run_is_missed(tmp_path: Path, tag: str) -> None:
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell("1"), nbformat.v4.new_code_cell("2", metadata={"tags": [tag]})]
    )
    nbformat.write(notebook, tmp_path / "n.ipynb")
    run = nbval(tmp_path / "n.ipynb", folder=tmp_path, environment=environment())
    assert (run.passed == cells_to_run(tmp_path / "n.ipynb")) == (tag == "none")
