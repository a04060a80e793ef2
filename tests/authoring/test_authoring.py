"""The builder: markers, the two notebooks before they are run, and what is stamped into them."""

import ast
import dataclasses
import importlib.util
import inspect
import re
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nbformat
import pytest
from IPython.core.inputtransformer2 import TransformerManager

from tests.support.fixtures import toy
from vae_course.tools.authoring import AuthoringError, settings, stamp
from vae_course.tools.authoring.assemble import CODE_STUB, TEXT_STUB
from vae_course.tools.authoring.plan import Plan, prepare


def toy_plan(folder: Path, lesson: str = toy.LESSON) -> Plan:
    path, places = toy.checkout(folder, lesson=lesson)
    return prepare(path, places, get_exercise=toy.get_exercise)


def by_id(notebook: nbformat.NotebookNode, id: str) -> nbformat.NotebookNode:
    return next(cell for cell in notebook.cells if cell.id == id)


# Markers ------------------------------------------------------------------------------------------------

EXERCISE = '# %% exercise="00-double"'
CHECK = '# %% check="00-double"'
END = "# %% [markdown]\n# The end."

# What is replaced in the toy lesson, by what, how the line begins that the message points at, what it says.
MISTAKES = {
    "unknown exercise": ("00-double", "00-treble", '# %% exercise="00-treble"', "There is no exercise"),
    "id of another lesson": ("00-double", "07-double", '# %% exercise="07-double"', "not an exercise id of this"),
    "check before exercise": (EXERCISE, f"{CHECK}\n{EXERCISE}", CHECK, "no cell marked exercise="),
    "check of nothing": (EXERCISE, CHECK, CHECK, "no cell marked exercise="),
    "check twice": (EXERCISE, f"{EXERCISE}\n{CHECK}\n{CHECK}", CHECK, "stands in line"),
    "check of words": (END, f'# %% check="00-why"\n{END}', '# %% check="00-why"', "answered in words"),
    "exercise twice": (END, f"{EXERCISE}\n{END}", EXERCISE, "stands in line"),
    "exercise with code": (
        EXERCISE,
        f"{EXERCISE}\ndef double(x):\n    return x",
        "def double",
        "filled from the exercise's",
    ),
    "check with code": (EXERCISE, f"{EXERCISE}\n{CHECK}\ncheck(double)", "check(double)", "filled from the exercise's"),
    "an answer in code": (END, "# %%\n### BEGIN SOLUTION\n2", "### BEGIN", "stands in its exercise's file"),
    "an answer in prose": (END, "# %% [markdown]\n# ### END SOLUTION", "# ### END", "stands in its exercise's file"),
    "points": (EXERCISE, f"{EXERCISE} points=3", EXERCISE, "says `points`"),
    "marker without quotes": (EXERCISE, "# %% exercise=00-double", "# %% exercise=00-d", 'not of the form key="value"'),
    "marker without value": (EXERCISE, f"{EXERCISE} easy", f"{EXERCISE} easy", 'not of the form key="value"'),
    "two roles": (EXERCISE, f'{EXERCISE} check="00-double"', EXERCISE, "one role"),
    "exercise in prose": (EXERCISE, EXERCISE.replace("%%", "%% [markdown]"), "# %% [markdown] exer", "is a code cell"),
    "tag that hides errors": ("nbval-check-output", "raises-exception", "# %% tags=", "hides a broken cell"),
    "no title": ("# # 00 A toy", "# A toy", "# %% [markdown]", "starts with `# 00 Title`"),
    "text above the first cell": (
        "# %% [markdown]\n# # 00",
        "import os\n# %% [markdown]\n# # 00",
        "import os",
        "text above the first",
    ),
}


@pytest.mark.parametrize(("old", "new", "where", "says"), MISTAKES.values(), ids=MISTAKES)
def test_a_marker_mistake_gets_one_sentence_with_its_line(
    tmp_path: Path, old: str, new: str, where: str | None, says: str
) -> None:
    assert old in toy.LESSON
    lesson = toy.LESSON.replace(old, new)
    with pytest.raises(AuthoringError, match=re.escape(says)) as caught:
        toy_plan(tmp_path, lesson)
    place = re.match(r"solutions/00_toy\.py:(\d+): ", str(caught.value))
    assert place and "\n" not in str(caught.value)
    assert where is None or lesson.splitlines()[int(place[1]) - 1].strip().startswith(where)


def test_a_lesson_source_has_a_number_and_a_topic_in_its_name(tmp_path: Path) -> None:
    path, places = toy.checkout(tmp_path, name="00_Toy-lesson")
    with pytest.raises(AuthoringError, match=r"NN_topic\.py"):
        prepare(path, places, get_exercise=toy.get_exercise)


# The two notebooks --------------------------------------------------------------------------------------


def test_full_notebook_keeps_the_answers_and_the_student_notebook_none(tmp_path: Path) -> None:
    plan = toy_plan(tmp_path)
    for secret in ("return 2 * x", "repeated addition", "BEGIN SOLUTION", "END SOLUTION"):
        assert any(secret in cell.source for cell in plan.full.cells)
        assert not any(secret in cell.source for cell in plan.student.cells)
    assert by_id(plan.student, "00-why").source == "*Write your answer here.*"


def test_an_exercise_becomes_a_box_its_answer_and_its_check(tmp_path: Path) -> None:
    cells = toy_plan(tmp_path).full.cells
    (place,) = (place for place, cell in enumerate(cells) if cell.id == "00-double")
    assert [cell.id for cell in cells[place - 1 : place + 2]] == ["00-double_box", "00-double", "00-double_check"]
    answer, check = cells[place].source.split("\n"), cells[place + 1].source
    assert answer[:3] == ["def double(x):", '    """Twice x."""', "    ### BEGIN SOLUTION"]
    assert answer[3:] == ["    return 2 * x", "    ### END SOLUTION"]
    assert check == 'double = exercises.check("00-double", double)'


def test_a_check_that_is_marked_stands_where_it_is_marked(tmp_path: Path) -> None:
    cells = toy_plan(tmp_path, toy.LESSON.replace(END, f"{CHECK}\n{END}")).full.cells
    assert [cell.id for cell in cells[-3:-1]] == ["00-why", "00-double_check"]
    assert [cell.id for cell in cells].count("00-double_check") == 1


def scaffolded(x):
    """Twice x."""
    half = x
    ### BEGIN SOLUTION
    whole = half + half
    ### END SOLUTION
    return 1 * whole


def test_only_what_lies_between_markers_is_left_to_the_learner(tmp_path: Path) -> None:
    exercise = dataclasses.replace(toy.DOUBLE, reference=scaffolded)
    path, places = toy.checkout(tmp_path)
    plan = prepare(path, places, get_exercise=lambda id: exercise if id == exercise.id else toy.get_exercise(id))
    full, student = (by_id(notebook, exercise.id).source.split("\n") for notebook in (plan.full, plan.student))
    assert full[2:] == [f"    {line}" for line in inspect.getsource(scaffolded).replace("    ", "").split("\n")[2:-1]]
    assert student[2:] == ["    half = x", *(f"    {line}" for line in CODE_STUB), "    return 1 * whole"]
    shown = ["    half = x", "    whole = half + half", "    return 1 * whole"]
    assert exercise.solution.split("\n") == ["def scaffolded(x):", *shown]


def test_student_stub_is_a_function_that_raises_only_when_called(tmp_path: Path) -> None:
    names: dict[str, Any] = {}
    exec(by_id(toy_plan(tmp_path).student, "00-double").source, names)
    with pytest.raises(NotImplementedError):
        names["double"](1)


def test_student_text_is_what_nbgrader_itself_would_hand_out(tmp_path: Path) -> None:
    from nbgrader.preprocessors import ClearSolutions

    plan = toy_plan(tmp_path)
    stubs = {"code_stub": {"python": "\n".join(CODE_STUB)}, "text_stub": "\n".join(TEXT_STUB)}
    cleared, _ = ClearSolutions(**stubs).preprocess(plan.full, {})
    assert [cell.source for cell in cleared.cells] == [cell.source for cell in plan.student.cells]


def test_both_notebooks_carry_metadata_that_nbgrader_calls_valid(tmp_path: Path) -> None:
    from nbgrader.nbgraderformat import MetadataValidator

    plan = toy_plan(tmp_path)
    for notebook in (plan.full, plan.student):
        MetadataValidator().validate_nb(notebook)
        marked = {cell.id: cell for cell in notebook.cells if "nbgrader" in cell.metadata}
        notes = {id: cell.metadata.nbgrader for id, cell in marked.items()}
        kinds = {id: (note.grade, note.solution, note.locked) for id, note in notes.items()}
        assert kinds == {
            "00-double": (False, True, False),
            "00-double_check": (True, False, True),
            "00-why": (True, True, False),
        }
        points = {id: note.get("points") for id, note in notes.items()}
        assert points == {"00-double": None, "00-double_check": 3, "00-why": 2}
        assert all(note.schema_version == 3 and note.task is False for note in notes.values())


def test_other_metadata_passes_through_and_jupytext_leaves_no_trace(tmp_path: Path) -> None:
    plan = toy_plan(tmp_path)
    assert [cell.metadata.tags for cell in plan.full.cells if "tags" in cell.metadata] == [["nbval-check-output"]]
    keys = {key for cell in plan.full.cells if not cell.id.endswith("_install") for key in cell.metadata}
    assert keys == {"tags", "nbgrader"}
    assert set(plan.full.metadata) == {"kernelspec", "language_info", "vae_course"}


def test_an_edit_leaves_the_ids_of_all_other_cells_alone(tmp_path: Path) -> None:
    before = [cell.id for cell in toy_plan(tmp_path).full.cells]
    edited = toy.LESSON.replace("# %%\nimport os", "# %% [markdown]\n# New.\n\n# %%\nimport os")
    after = [cell.id for cell in toy_plan(tmp_path, edited).full.cells]
    assert len(set(before)) == len(before)
    assert len(after) == len(before) + 1 and [id for id in after if id in before] == before


# Stamps -------------------------------------------------------------------------------------------------


def test_title_cell_gets_badges_for_the_student_notebook_right_below_the_title(tmp_path: Path) -> None:
    title, blank, colab, binder, *rest = toy_plan(tmp_path).full.cells[0].source.split("\n")
    assert (title, blank) == ("# 00 A toy lesson", "")
    assert "https://colab.research.google.com/github/owner/course/blob/main/notebooks/00_toy.ipynb" in colab
    assert "https://mybinder.org/v2/gh/owner/course/main?urlpath=lab/tree/notebooks/00_toy.ipynb" in binder
    assert rest == ["", "With umlauts: äöü, and a formula $x^2$."]


def test_a_fork_changes_one_line_and_every_link_follows(tmp_path: Path) -> None:
    path, places = toy.checkout(tmp_path)
    pyproject = tmp_path / "pyproject.toml"
    pyproject.write_text(pyproject.read_text().replace("owner/course", "Fork-Er/its.course"))
    full = prepare(path, settings.read(tmp_path), get_exercise=toy.get_exercise).full
    text = "\n".join(cell.source for cell in full.cells)
    assert text.count("Fork-Er/its.course") == 3 and "owner" not in text
    assert places.owner == "owner"


@pytest.mark.parametrize("address", ["", "github.com/owner/course", "https://example.org/owner/course"])
def test_a_malformed_repository_setting_is_named(tmp_path: Path, address: str) -> None:
    (tmp_path / "pyproject.toml").write_text(f'[tool.vae-course]\nrepository = "{address}"\n')
    with pytest.raises(AuthoringError, match="set `repository` in"):
        settings.read(tmp_path)


def test_outside_a_checkout_one_sentence_says_where_to_go(tmp_path: Path) -> None:
    with pytest.raises(AuthoringError, match="change into the folder"):
        settings.read(tmp_path)


def test_box_shows_title_task_difficulty_minutes_points_and_help(tmp_path: Path) -> None:
    cells = toy_plan(tmp_path).full.cells
    position = next(at for at, cell in enumerate(cells) if cell.id == "00-double")
    text = cells[position - 1].source
    for part in ("00-double: Twice", "> Return 2 x.", "easy (●●○○○), 2 of 5", "1 minute ·", "3 points"):
        assert part in text
    assert '`exercises.hint("00-double")`' in text and '`exercises.solution("00-double")`' in text


def run_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *, colab: bool, found: list[bool]) -> list[str]:
    """Run the install cell as IPython would; returns its pip commands. `found`: what each look-up finds."""
    _, places = toy.checkout(tmp_path)
    commands: list[str] = []
    magics = SimpleNamespace(run_line_magic=lambda name, line: commands.append(f"{name} {line}"))
    looked_up = iter(found)
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "google.colab", SimpleNamespace()) if colab else None
        patch.setattr(importlib.util, "find_spec", lambda name: object() if next(looked_up) else None)
        exec(TransformerManager().transform_cell(stamp.install_code(places)), {"get_ipython": lambda: magics})
    return commands


def test_install_cell_is_short_and_shows_nothing(tmp_path: Path) -> None:
    code = stamp.install_code(toy.checkout(tmp_path)[1])
    assert len(code.splitlines()) <= 12
    assert not isinstance(ast.parse(TransformerManager().transform_cell(code)).body[-1], ast.Expr), (
        "its value would show"
    )


def test_install_cell_is_folded_in_jupyterlab_and_in_colab_under_its_title(tmp_path: Path) -> None:
    plan = toy_plan(tmp_path)
    for notebook in (plan.full, plan.student):
        cell = by_id(notebook, "00_install")
        assert cell.metadata == {"cellView": "form", "jupyter": {"source_hidden": True}}
        assert cell.source.startswith("# @title Set-up: ")


def test_install_cell_is_silent_where_the_package_is(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run_install(monkeypatch, tmp_path, colab=False, found=[True]) == []
    assert run_install(monkeypatch, tmp_path, colab=True, found=[True, True]) == []
    assert capfd.readouterr() == ("", "")


def test_install_cell_installs_in_colab_what_is_missing_and_upgrades_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    commands = run_install(monkeypatch, tmp_path, colab=True, found=[False, True])
    assert commands == ['pip install --quiet "git+https://github.com/owner/course@main"']


@pytest.mark.parametrize("colab", [True, False])
def test_install_cell_says_in_one_sentence_what_to_do_where_the_package_is_missing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, colab: bool
) -> None:
    with pytest.raises(ModuleNotFoundError, match=r"^vae_course is not installed: run `make lab` .*\.$"):
        run_install(monkeypatch, tmp_path, colab=colab, found=[False] * (1 + colab))


# Stated numbers -----------------------------------------------------------------------------------------

STATED = toy.LESSON + "\n# %% [markdown]\n# On MNIST the loss is {{mnist:00-loss}} nats.\n"


@pytest.fixture
def stated(tmp_path, monkeypatch):
    monkeypatch.setattr(stamp.claims, "PATH", tmp_path / "claims.json")
    stamp.claims.record("00-loss", "mnist", {"value": 104.2, "tolerance": 0.5, "unit": "nats", "digits": 1})


def test_prose_shows_the_number_that_was_measured(tmp_path, stated):
    plan = toy_plan(tmp_path / "checkout", STATED)
    for notebook in (plan.full, plan.student):
        assert notebook.cells[-1].source == "On MNIST the loss is 104.2 nats."


def test_a_number_that_nobody_measured_is_named_with_its_place_in_the_lesson(tmp_path, stated):
    lesson = STATED.replace("mnist:00-loss", "pen:00-loss")
    line = lesson[: lesson.index("# On MNIST")].count("\n")
    with pytest.raises(AuthoringError, match=rf":{line}: .*00-loss on pen.*make claims"):
        toy_plan(tmp_path / "checkout", lesson)


@pytest.mark.parametrize("name", ["00-loss.5", "00 loss", "00-loss:spreads", ""])
def test_what_looks_like_the_name_of_a_number_and_is_none_stays_in_no_notebook(tmp_path, stated, name):
    lesson = STATED.replace("mnist:00-loss", f"mnist:{name}")
    with pytest.raises(AuthoringError, match=re.escape(f"{{{{mnist:{name}}}}} names no number")):
        toy_plan(tmp_path / "checkout", lesson)


def test_while_numbers_are_measured_their_names_stay(tmp_path, stated, monkeypatch):
    monkeypatch.setenv("VAE_COURSE_RECORD_CLAIMS", "1")
    assert "{{mnist:00-loss}}" in toy_plan(tmp_path / "checkout", STATED).full.cells[-1].source
