"""Building lessons: bytes, staleness and execution."""

import dataclasses
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.fixtures import toy
from vae_course import quizzes
from vae_course.tools.authoring import AuthoringError, settings
from vae_course.tools.authoring import build as build_module
from vae_course.tools.authoring.build import BuildResult, build
from vae_course.tools.authoring.files import code_cells, load
from vae_course.tools.authoring.plan import orphans, prepare, stale

FULL, STUDENT = "solutions/00_toy.ipynb", "notebooks/00_toy.ipynb"


def toy_build(folder: Path, lesson: str = toy.LESSON, **options: Any) -> BuildResult:
    path, places = toy.checkout(folder, lesson=lesson)
    return build(path, places, **{"get_exercise": toy.get_exercise} | options)


def reasons(folder: Path) -> str:
    path, places = toy.checkout(folder)
    return " ".join(stale(prepare(path, places, get_exercise=toy.get_exercise), places))


def with_code(code: str) -> str:
    """A lesson whose only code is `code`, from its fifth line on."""
    return f"# %% [markdown]\n# # 00 A lesson\n\n# %%\n{code}\n"


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout whose toy lesson is built; tests that change it copy it first."""
    folder = tmp_path_factory.mktemp("built")
    toy_build(folder)
    return folder


@pytest.fixture
def copy(built: Path, tmp_path: Path) -> Path:
    """A copy of the built checkout, with no kernel started for it."""
    for path in built.rglob("*.*"):
        target = tmp_path / path.relative_to(built)
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(path.read_bytes())
    return tmp_path


@pytest.fixture
def no_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **options: object) -> None:
        raise AssertionError("the lesson was executed")

    monkeypatch.setattr(build_module, "execute", refuse)


# Bytes and staleness ------------------------------------------------------------------------------------


def notebook_bytes(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in sorted(folder.rglob("*.ipynb"))]


def test_building_twice_in_different_places_gives_the_same_bytes(built: Path, tmp_path: Path) -> None:
    assert toy_build(tmp_path).executed
    assert notebook_bytes(tmp_path) == notebook_bytes(built) and len(notebook_bytes(built)) == 2


def test_folders_of_this_machine_get_names_that_hold_everywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAE_COURSE_DATA", str(tmp_path / "elsewhere"))
    code = (
        "import os, sys\nfrom pathlib import Path\n"
        "print(Path.cwd(), Path.home() / 'x', sys.prefix, os.environ['VAE_COURSE_DATA'] + '/MNIST', Path('/usr'))"
    )
    toy_build(tmp_path, with_code(code))
    full = load(tmp_path / FULL)
    assert full is not None
    assert full.cells[-1].outputs[0].text == "vae-course/solutions ~/x .venv data/MNIST /usr\n"


def test_settings_of_a_person_or_a_test_run_do_not_reach_the_outputs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("MPLBACKEND", "NBGRADER_EXECUTION", "VAE_COURSE_PROGRESS", "PYTHONHASHSEED", "COLUMNS"):
        monkeypatch.setenv(name, "7")
    toy_build(tmp_path, with_code("import os\nprint(sorted(n for n, value in os.environ.items() if value == '7'))"))
    full = load(tmp_path / FULL)
    assert full is not None
    assert full.cells[-1].outputs[0].text == "[]\n"


def test_notebooks_are_readable_json_with_text_as_text(built: Path) -> None:
    for content in notebook_bytes(built):
        assert content.endswith(b"\n}\n") and content.startswith(b'{\n "cells": [\n')
        assert "äöü".encode() in content and b"\r" not in content


def test_outputs_are_stored_without_what_only_a_living_kernel_can_use(built: Path) -> None:
    full = load(built / "solutions" / "00_toy.ipynb")
    assert full is not None
    streams = [output for cell in code_cells(full) for output in cell.outputs if "text" in output]
    assert [output.text for output in streams] == ["line 0\nline 1\nline 2\n", "00-double passed\n"]
    content = (built / "solutions" / "00_toy.ipynb").read_text()
    assert "IntSlider(value=3)" in content
    for volatile in ("widget", "model_id", "iopub", 'execution"', sys.version.split()[0]):
        assert volatile not in content.replace("ipywidgets", "")
    student = load(built / "notebooks" / "00_toy.ipynb")
    assert student is not None
    assert all(cell.outputs == [] and cell.execution_count is None for cell in code_cells(student))


@pytest.mark.usefixtures("no_kernel")
def test_an_unchanged_lesson_is_not_run_again(copy: Path) -> None:
    assert toy_build(copy) == BuildResult("00_toy", (), written=False, executed=False, seconds=0.0)
    windows = toy.LESSON.replace("\n", "\r\n").encode()
    (copy / "solutions" / "00_toy.py").write_bytes(windows)
    path, places = copy / "solutions" / "00_toy.py", settings.read(copy)
    assert not build(path, places, get_exercise=toy.get_exercise).written


@pytest.mark.usefixtures("no_kernel")
def test_new_prose_keeps_the_outputs_without_running_code(copy: Path) -> None:
    outcome = toy_build(copy, toy.LESSON.replace("The end.", "The very end."))
    full = load(copy / "solutions" / "00_toy.ipynb")
    assert full is not None and outcome.written and not outcome.executed
    assert code_cells(full)[1].outputs and full.cells[-1].source == "The very end."
    assert "very end" in (copy / "notebooks" / "00_toy.ipynb").read_text()


@pytest.mark.parametrize("change", ["code", "exercise data", "force", "outputs by hand"])
def test_code_is_run_again_when_its_outputs_may_differ(
    copy: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    runs: list[object] = []
    monkeypatch.setattr(build_module, "execute", lambda notebook, **options: runs.append(1) or notebook)
    lesson = toy.LESSON.replace("range(3)", "range(4)") if change == "code" else toy.LESSON
    minutes = 9 if change == "exercise data" else 1
    if change == "outputs by hand":
        edit(copy / "solutions" / "00_toy.ipynb", "line 1", "line 7")
    exercise = lambda id: dataclasses.replace(toy.get_exercise(id), minutes={"00-double": minutes}.get(id, 4))  # noqa: E731
    toy_build(copy, lesson, force=change == "force", get_exercise=exercise)
    assert runs == [1]


# The file, what is replaced in it, by what, and what the check says then.
HAND_EDITS = {
    "student text": (STUDENT, "The end.", "An end.", "changed by hand"),
    "student stub": (STUDENT, "# your code here", "# my code here", "changed by hand"),
    "student metadata": (STUDENT, '"points": 3', '"points": 30', "changed by hand"),
    "student format": (STUDENT, '\n "metadata": {', '\n  "metadata": {', "changed by hand"),
    "full text": (FULL, "The end.", "An end.", "changed by hand"),
    "full code": (FULL, "return 2 * x", "return x + x", "changed by hand"),
    "full metadata": (FULL, '"grade": true', '"grade": false', "changed by hand"),
    "full format": (FULL, '\n "metadata": {', '\n  "metadata": {', "changed by hand"),
    "full output": (FULL, "line 1", "line 7", "outputs that were changed by hand"),
    "execution count": (
        FULL,
        '"execution_count": 3',
        '"execution_count": 30',
        "outputs that were changed by hand",
    ),
    "no json": (FULL, '"cells"', "cells", "not a readable notebook"),
    "no notebook": (STUDENT, '"cells"', '"sells"', "not a readable notebook"),
}


@pytest.mark.parametrize(("name", "old", "new", "says"), HAND_EDITS.values(), ids=HAND_EDITS)
def test_a_hand_edit_is_found_and_named(copy: Path, name: str, old: str, new: str, says: str) -> None:
    assert reasons(copy) == ""
    edit(copy / name, old, new)
    found = reasons(copy)
    assert found.startswith(name) and says in found


def test_a_missing_notebook_and_an_older_one_are_named(copy: Path) -> None:
    (copy / STUDENT).unlink()
    assert reasons(copy) == f"{STUDENT} is missing."
    toy.checkout(copy)
    path, places = toy.checkout(copy, lesson=toy.LESSON.replace("The end.", "It ends."))
    found = stale(prepare(path, places, get_exercise=toy.get_exercise), places)
    assert found[0] == f"{FULL} is older than its lesson, an exercise, the settings or the builder."


def test_a_notebook_without_a_source_is_an_orphan(copy: Path) -> None:
    assert orphans(settings.read(copy)) == []
    (copy / "notebooks" / "05_gone.ipynb").write_bytes((copy / STUDENT).read_bytes())
    assert orphans(settings.read(copy)) == [
        "notebooks/05_gone.ipynb has no source 05_gone.py: write one, or remove the notebook."
    ]


@pytest.mark.usefixtures("no_kernel")
def test_a_changed_quiz_makes_the_lesson_that_shows_it_stale(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shows = with_code('from vae_course import quizzes\n\nquizzes.show("00")')
    shown, places = toy.checkout(tmp_path / "shown", lesson=shows)
    other, elsewhere = toy.checkout(tmp_path / "other", lesson=with_code("1"))
    before = prepare(shown, places), prepare(other, elsewhere)
    asked = quizzes.questions("00")
    monkeypatch.setattr(quizzes, "questions", lambda lesson: asked[1:])
    after = prepare(shown, places), prepare(other, elsewhere)
    assert [old.full.metadata == new.full.metadata for old, new in zip(before, after, strict=True)] == [False, True]
    changed = before[0].full.metadata.vae_course, after[0].full.metadata.vae_course
    assert all(changed[0][name] != changed[1][name] for name in ("source_hash", "run_hash"))


def test_building_without_running_leaves_a_notebook_that_counts_as_stale(tmp_path: Path) -> None:
    assert not toy_build(tmp_path, run=False).executed
    assert reasons(tmp_path) == f"{FULL} has not been executed."


# Execution ----------------------------------------------------------------------------------------------

FAILURES = {
    "an exception": ("x = 1\nx / 0", r"00_toy\.py:6: cell 3 raised ZeroDivisionError: division by zero"),
    "an exception in an earlier cell's function": (
        "def f(x):\n    return x / 0\n\n# %%\n1\n# %%\nf(1)",
        r"00_toy\.py:6: cell 3 raised ZeroDivisionError",
    ),
    "a syntax error": ("x = 1\nx = = 2", r"00_toy\.py:6: cell 3 raised SyntaxError"),
    "a warning": ("import warnings\nwarnings.warn('old')", r"00_toy\.py:4: cell 3 wrote to stderr.*old"),
    "stderr": ("import sys\nprint('oops', file=sys.stderr)", r"00_toy\.py:4: cell 3 wrote to stderr.*: oops"),
    "a memory address": ("object()", r"00_toy\.py:4: cell 3 shows a memory address.*<object at 0x"),
    "a dead kernel": ("import os\nos._exit(1)", r"00_toy\.py:4: cell 3 killed its kernel"),
}


@pytest.mark.parametrize(("code", "says"), FAILURES.values(), ids=FAILURES)
def test_what_goes_wrong_in_a_cell_is_said_with_its_line_and_changes_no_file(copy: Path, code: str, says: str) -> None:
    before = notebook_bytes(copy)
    with pytest.raises(AuthoringError, match=says):
        toy_build(copy, with_code(code))
    assert notebook_bytes(copy) == before
    assert not list(copy.rglob("*.tmp"))


def test_a_notebook_over_a_megabyte_is_refused_with_its_largest_outputs(copy: Path) -> None:
    before = notebook_bytes(copy)
    code = "print('small')\n\n# %%\nprint('x' * 400_000)\n\n# %%\nprint('y' * 700_000)"
    with pytest.raises(AuthoringError, match=r"over the limit of 1,000,000") as caught:
        toy_build(copy, with_code(code))
    assert re.search(r"py:10: cell 5, stream: 700,001 bytes; .*py:7: cell 4, stream: 400,001 bytes", str(caught.value))
    assert notebook_bytes(copy) == before
