"""A student's notebook from its first cell to its last, offline and without data, on Colab's versions where they are here.

Colab, as far as it can be had: its versions of everything, one downloaded notebook, and no repository around. Where
`make colab` has not made that stand-in, the notebooks run on the versions of this environment.
"""

import os
import socket
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from tests.support import colab
from tests.support.nbval import assert_every_cell_passes, surroundings
from vae_course.tools.authoring import settings, source

CHECKOUT = settings.read(Path(__file__).parent)
LESSONS = [path.stem for path in source.discover(CHECKOUT.solutions)]


@pytest.fixture(scope="module")
def python(need: Callable[[str], str]) -> str:
    return need("colab")


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty cache, which all lessons of this world share."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def offline(need: Callable[[str], str]) -> list[str]:
    """What stands before a command, so that it gets no network but its own loopback, by which kernels are reached."""
    return [need("bwrap"), "--unshare-net", "--dev-bind", "/", "/"]


# The stand-in, and the first cell of a lesson there ---------------------------------------------------------


@pytest.fixture(scope="module")
def course(python: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, dict[str, str]]:
    """Run only the first code cell of a lesson, which installs the course from the repository's address; that cell, and
    what was installed before.
    """
    colab_without_course(python)
    before = colab.installed(python)
    repository = colab.snapshot(tmp_path_factory.mktemp("course") / "repository")
    folder = tmp_path_factory.mktemp("content")
    notebook = nbformat.read(CHECKOUT.notebooks / f"{LESSONS[0]}.ipynb", as_version=4)
    cell = next(cell for cell in notebook.cells if cell.cell_type == "code")
    only = nbformat.v4.new_notebook(cells=[cell], metadata=notebook.metadata)
    # The address in the notebook stays as it is; git is told where to find it.
    here = {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.file://{repository}.insteadOf",
        "GIT_CONFIG_VALUE_0": CHECKOUT.repository,
    }
    colab.run(only, folder=folder, python=python, environment=here)
    return only.cells[0], before


def colab_without_course(python: str) -> None:
    """Take off what an earlier run installed on top of Colab's own."""
    extra = set(colab.installed(python)) & {"vae-course", "vae_course", "anywidget", "psygnal", "constriction"}
    if extra:
        subprocess.run([python, "-m", "pip", "uninstall", "--yes", "--quiet", *extra], check=True)


def test_the_first_cell_installs_the_course_and_replaces_nothing(
    python: str, course: tuple[Any, dict[str, str]]
) -> None:
    cell, before = course
    after = colab.installed(python)
    assert {name: after.get(name) for name in before} == before
    assert after.keys() & {"vae-course", "vae_course"}
    shown = "".join(output.get("text", "") for output in cell.outputs)
    assert "ERROR" not in shown, shown


def test_the_stand_in_has_colabs_versions(python: str) -> None:
    installed = colab.installed(python)
    named = {name.replace("_", "-"): version for name, version in colab.versions().items()}
    found = {name.lower().replace("_", "-"): version.partition("+")[0] for name, version in installed.items()}
    assert {name: found.get(name) for name in named} == named


@pytest.mark.parametrize(
    "name", ["torch", "torchvision", "matplotlib", "ipython", "ipywidgets", "ipykernel", "traitlets"]
)
def test_the_oldest_version_that_the_course_allows_is_the_one_in_the_stand_in(name: str) -> None:
    """So every lesson runs with the oldest set here, and with the newest, that of constraints.txt, in test_notebooks.py."""
    project = tomllib.loads((CHECKOUT.root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    allowed = [Requirement(line) for line in [*project["dependencies"], *project["optional-dependencies"]["lab"]]]
    (lowest,) = [s.version for r in allowed if r.name == name for s in r.specifier if s.operator == ">="]
    assert Version(colab.versions()[name]).release[:2] == Version(lowest).release[:2]


# Every lesson ---------------------------------------------------------------------------------------------


def test_a_cell_in_this_world_has_no_network_and_no_data(
    tmp_path: Path, cache: Path, offline: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAE_COURSE_DATA", "somewhere")
    lines = [
        "import os, socket",
        "assert [name for _, name in socket.if_nameindex()] == ['lo'], 'there is a network'",
        "assert 'VAE_COURSE_DATA' not in os.environ, 'there is data'",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("\n".join(lines))])
    nbformat.write(notebook, tmp_path / "n.ipynb")
    own = surroundings(VAE_COURSE_CACHE=str(cache))
    assert_every_cell_passes(tmp_path / "n.ipynb", folder=tmp_path, environment=own, prefix=offline)
    if len(socket.if_nameindex()) > 1:
        with pytest.raises(AssertionError, match="there is a network"):
            assert_every_cell_passes(tmp_path / "n.ipynb", folder=tmp_path, environment=own)
    if python := colab.find():
        colab.run(notebook, folder=tmp_path, python=python, environment={}, prefix=offline)


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("lesson", LESSONS)
def test_every_cell_of_a_students_notebook_passes(
    lesson: str, cache: Path, offline: list[str], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    notebook = CHECKOUT.notebooks / f"{lesson}.ipynb"
    if colab.find() is None and os.environ.get("REQUIRE_ALL") != "1":
        on_newest_versions(notebook, cache, offline, tmp_path)
        return
    request.getfixturevalue("course")
    downloaded = nbformat.read(notebook, as_version=4)
    environment = {"VAE_COURSE_CACHE": str(cache), "VAE_COURSE_STRICT": "1"}
    colab.run(
        downloaded,
        folder=tmp_path,
        python=request.getfixturevalue("python"),
        environment=environment,
        prefix=offline,
    )
    ran = [cell for cell in downloaded.cells if cell.cell_type == "code"]
    assert ran and all(cell.execution_count for cell in ran)
    assert ran[0].outputs == [], "the install cell is silent where the course is installed"


def test_the_newest_versions_can_do_without_data_and_network_too(offline: list[str], tmp_path: Path) -> None:
    on_newest_versions(CHECKOUT.solutions / f"{LESSONS[0]}.ipynb", tmp_path / "cache", offline, tmp_path)


def on_newest_versions(notebook: Path, cache: Path, offline: list[str], folder: Path) -> None:
    own = surroundings(VAE_COURSE_CACHE=str(cache))
    assert_every_cell_passes(notebook, folder=folder, environment=own, prefix=offline)
