"""What ipywidgets 7.7.1 knows, the version that Colab brings: recorded from it, and the version itself."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import ipywidgets as widgets
import pytest

# The public traits of each class, as that version lists them.
TRAITS: dict[str, list[str]] = json.loads(
    (Path(__file__).parent / "fixtures" / "ipywidgets_7_7_1.json").read_text(encoding="utf-8")
)
PACKAGES = ["ipywidgets==7.7.1", "ipython_genutils==0.2.0"]


def all_parts(widget: widgets.Widget) -> Iterator[widgets.Widget]:
    """A widget with everything inside it, its layout and style included."""
    yield widget
    for name in ("children", "layout", "style"):
        inside = getattr(widget, name, ())
        for part in inside if isinstance(inside, tuple | list) else [inside]:
            if isinstance(part, widgets.Widget):
                yield from all_parts(part)


def unknown_to_7_7_1(widget: widgets.Widget) -> list[str]:
    """The classes that 7.7.1 lacks and the traits that it would ignore, among those that are set anywhere inside."""
    found = []
    for part in all_parts(widget):
        core = next(c.__name__ for c in type(part).__mro__ if c.__module__.startswith("ipywidgets"))
        # Version 8 gave most controls a style class of their own, where 7.7.1 has one for all.
        known = TRAITS.get(core, TRAITS["DescriptionStyle"] if core.endswith("Style") else None)
        if known is None:
            found.append(core)
            continue
        for name, trait in part.traits(sync=True).items():
            is_set = not name.startswith("_") and getattr(part, name) != trait.default()
            if is_set and name not in known and name not in ("layout", "style"):
                found.append(f"{core}.{name}")
    return found


def folder_with_7_7_1(scratch: Path) -> Path:
    """A folder to put first on PYTHONPATH; the test is skipped where pip can't fetch the version."""
    target = scratch / "ipywidgets-7.7.1"
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--disable-pip-version-check"]
    command += ["--retries", "1", "--timeout", "20", "--target", str(target), *PACKAGES]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sentence = f"pip can't fetch ipywidgets 7.7.1 ({done.stderr.strip().splitlines()[-1]}); run with a network"
        if os.environ.get("REQUIRE_ALL") == "1":
            pytest.fail(f"{sentence} (REQUIRE_ALL=1: nothing may skip)", pytrace=False)
        pytest.skip(sentence)
    return target


def assert_tests_pass_with_7_7_1(*files: Path, scratch: Path, chosen: str) -> None:
    """Run the chosen tests of some files again, in a process that imports ipywidgets 7.7.1."""
    repository = Path(__file__).resolve().parents[2]
    path = os.pathsep.join([str(folder_with_7_7_1(scratch)), str(repository), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *map(str, files), "-k", chosen]
    env = {**os.environ, "PYTHONPATH": path, "TEST_IPYWIDGETS": "7.7.1"}
    done = subprocess.run(command, env=env, cwd=repository, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"\d\d passed", done.stdout)
