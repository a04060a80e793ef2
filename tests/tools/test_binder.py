"""Binder: repo2docker's plan for this repository, what conda's pip is asked for, and the last step."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from vae_course.tools import lab

REPOSITORY = Path(__file__).resolve().parents[2]
ENVIRONMENT = yaml.safe_load((REPOSITORY / "environment.yml").read_text(encoding="utf-8"))
PYTHON = "3.12"
# Where the GPU libraries come in: 5 GB that a resolver would fetch to read what they need in turn.
LARGE = ("torch", "torchvision")


# The image --------------------------------------------------------------------------------------------------


def repo2docker(folder: Path) -> str:
    """What repo2docker would have Docker do with a folder, as Binder calls it; it needs no Docker to say so."""
    binder = ["--no-build", "--debug", "--user-id", "1000", "--user-name", "jovyan"]
    done = subprocess.run(
        [sys.executable, "-m", "repo2docker", *binder, str(folder)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def plan() -> str:
    return repo2docker(REPOSITORY)


def test_binder_makes_the_conda_environment_with_the_python_that_the_file_names(plan: str) -> None:
    assert f"Building conda environment for python={PYTHON}\n" in plan
    assert f"python={PYTHON}" in ENVIRONMENT["dependencies"]


def test_the_course_is_there_before_it_is_installed_and_the_last_step_comes_after(plan: str) -> None:
    """`-e .` needs the repository, and so does the last step, which uses what was installed."""
    steps = ["COPY --chown=1000:1000 src/ ${REPO_DIR}/", '--file "environment.yml"', "\nRUN ./postBuild\n"]
    assert [plan.count(step) for step in steps] == [1, 1, 1]
    assert sorted(steps, key=plan.index) == steps


def test_a_file_that_binder_prefers_would_be_noticed(tmp_path: Path) -> None:
    for name in ("environment.yml", "postBuild"):
        shutil.copy(REPOSITORY / name, tmp_path)
    (tmp_path / "binder").mkdir()
    assert '"environment.yml"' not in repo2docker(tmp_path)


# The environment --------------------------------------------------------------------------------------------


def test_environment_yml_names_python_pins_nothing_twice_and_ends_in_the_course() -> None:
    *conda, pip = ENVIRONMENT["dependencies"]
    assert "python=3.12" in conda
    assert pip["pip"][-1] == "-e ."
    assert (REPOSITORY / "environment.yml").read_text(encoding="utf-8").rstrip().endswith("-e .")
    versioned = [entry for entry in [*conda, *pip["pip"]] if re.search(r"[<>=]", entry)]
    assert versioned == ["python=3.12"]


def pip(*arguments: str, cwd: Path, report: Path) -> list[dict[str, Any]]:
    """What pip would install; nothing is. Without a network the test is skipped, or fails with REQUIRE_ALL=1."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed", *arguments]
    command += ["--disable-pip-version-check", "--retries", "1", "--timeout", "20", "--report", str(report)]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    without = re.search("Failed to establish a new connection|NewConnectionError|NameResolutionError", done.stderr)
    if done.returncode and without and os.environ.get("REQUIRE_ALL") != "1":
        pytest.skip("pip reaches no package index; run with a network")
    assert done.returncode == 0, done.stderr
    return [found["metadata"] for found in json.loads(report.read_text(encoding="utf-8"))["install"]]


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> list[Requirement]:
    """What the pip part asks for: its lines as a requirements file, in a copy of the repository, as conda gives them."""
    copy = tmp_path_factory.mktemp("repository")
    for name in ("pyproject.toml", "README.md", "LICENSE", "vae_course/__init__.py"):
        (copy / name).parent.mkdir(exist_ok=True)
        shutil.copy(REPOSITORY / name, copy / name)
    (copy / "pip.txt").write_text("\n".join(ENVIRONMENT["dependencies"][-1]["pip"]))
    lines = ["--no-deps", "--no-build-isolation", "--requirement", "pip.txt"]
    (course,) = pip(*lines, cwd=copy, report=copy / "report.json")
    assert course["name"] == "vae-course"
    requirements = [Requirement(line) for line in course["requires_dist"]]
    return [r for r in requirements if r.marker is None or r.marker.evaluate({"extra": "", "python_version": PYTHON})]


def test_the_pip_part_asks_for_the_course_and_no_extra(asked: list[Requirement]) -> None:
    assert {"torch", "torchvision", "numpy", "ipywidgets"} <= {r.name for r in asked}
    assert not {"pytest", "nbgrader", "sphinx"} & {r.name for r in asked}


def test_what_the_course_needs_resolves_on_binders_python(asked: list[Requirement], tmp_path: Path) -> None:
    """The newest versions, with all that they need in turn, as wheels for that Python and this kind of machine.

    PyTorch is left out here (the next test), and so is whether its versions agree with the others; that is seen where
    the tests' own environment and the stand-in for Colab are made.
    """
    wheels = ["--python-version", PYTHON, "--only-binary=:all:", "--target", str(tmp_path / "nowhere")]
    small = [str(r) for r in asked if r.name not in LARGE]
    found = pip(*wheels, *small, cwd=tmp_path, report=tmp_path / "report.json")
    versions = {canonicalize_name(each["name"]): Version(each["version"]) for each in found}
    assert [str(r) for r in asked if r.name not in LARGE and not r.specifier.contains(versions[r.name])] == []
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("name", LARGE)
def test_pytorch_has_a_wheel_for_binders_python(asked: list[Requirement], name: str) -> None:
    """By the list of versions alone, since a wheel with GPU libraries has gigabytes."""
    command = [sys.executable, "-m", "pip", "index", "versions", name, "--python-version", PYTHON]
    done = subprocess.run([*command, "--only-binary=:all:"], capture_output=True, text=True, check=False)
    if done.returncode and os.environ.get("REQUIRE_ALL") != "1":
        pytest.skip("pip reaches no package index; run with a network")
    (listed,) = re.findall("Available versions: (.*)", done.stdout)
    (requirement,) = [r for r in asked if r.name == name]
    assert [version for version in listed.split(", ") if requirement.specifier.contains(version)]


# The last step ----------------------------------------------------------------------------------------------


def test_the_last_step_can_be_executed_and_is_a_shell_script_without_a_mistake() -> None:
    step = REPOSITORY / "postBuild"
    assert step.read_text(encoding="utf-8").startswith("#!/usr/bin/env bash\n")
    assert os.access(step, os.X_OK)
    subprocess.run(["bash", "-n", step], check=True)


def test_binders_last_step_prepares_the_data_and_the_server(tmp_path: Path) -> None:
    first = str(Path(sys.executable).parent)
    own = {"PATH": os.pathsep.join([first, os.environ["PATH"]]), "NB_PYTHON_PREFIX": str(tmp_path / "env")}
    offline = {"VAE_COURSE_OFFLINE": "1", "VAE_COURSE_CACHE": str(tmp_path / "cache")}
    kept = {name: value for name, value in os.environ.items() if name != "VAE_COURSE_DATA"}
    done = subprocess.run(
        [REPOSITORY / "postBuild"], env=kept | own | offline, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("pen is ready\n")
    assert list((tmp_path / "cache").iterdir()), "the pen digits are kept"
    settings = tmp_path / "env" / "etc" / "jupyter" / "jupyter_server_config.d" / "vae-course.json"
    assert f"--ServerApp.kernel_websocket_connection_class={prompt_connection(settings)}" == lab.PROMPT


def prompt_connection(settings: Path) -> str:
    return str(json.loads(settings.read_text())["ServerApp"]["kernel_websocket_connection_class"])


@pytest.mark.parametrize(("own", "expected"), [({}, "passive"), ({"OMP_WAIT_POLICY": "active"}, "active")])
def test_threads_wait_asleep_unless_somebody_set_it_otherwise(own: dict[str, str], expected: str) -> None:
    """By Binder's start script, and by the package where PyTorch is not loaded yet."""
    clean = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"} | own
    tell = [sys.executable, "-c", "import os; print(os.environ.get('OMP_WAIT_POLICY'))"]
    package = [sys.executable, "-c", "import os, vae_course; print(os.environ.get('OMP_WAIT_POLICY'))"]
    for command in (["bash", str(REPOSITORY / "start"), *tell], package):
        done = subprocess.run(command, env=clean, cwd=REPOSITORY, capture_output=True, text=True, check=True)
        assert done.stdout.strip() == expected
