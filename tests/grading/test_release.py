"""Notebooks for a class: the ordinary ones, or copies that keep hints and worked answers back; nothing is overwritten."""

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import nbformat
import pytest

from vae_course import exercises
from vae_course.exercises import notebook as notebook_functions
from vae_course.tools import authoring, cli
from vae_course.tools.authoring.plan import prepare
from vae_course.tools.grading import GradingError
from vae_course.tools.grading.release import release, withheld


@pytest.fixture
def help_again(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """Hints and answers as they are in a fresh kernel, also for the tests that come after."""
    monkeypatch.setattr(notebook_functions, "_withheld", False)
    yield notebook_functions


def test_a_release_holds_the_student_notebooks_of_the_lessons_asked_for(tmp_path: Path) -> None:
    assert cli.main(["release", "--to", str(tmp_path / "class"), "--lessons", "00,04"]) == 0
    course = authoring.settings.read()
    released = sorted((tmp_path / "class").iterdir())
    assert [path.name for path in released] == ["00_start_here.ipynb", "04_the_elbo.ipynb"]
    assert all(path.read_bytes() == (course.notebooks / path.name).read_bytes() for path in released)


def test_what_stands_in_the_folder_is_overwritten_only_when_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    course, lesson = authoring.settings.read(), authoring.lessons()[0]
    other = authoring.lessons()[1]
    new, same = release(tmp_path, [lesson], course)
    assert (len(new), len(same)) == (1, 0)
    new[0].write_text("somebody's work")
    with pytest.raises(GradingError, match=rf"other versions of {lesson.stem}.ipynb.*--overwrite"):
        release(tmp_path, [lesson, other], course)
    assert new[0].read_text() == "somebody's work"
    assert not (tmp_path / f"{other.stem}.ipynb").exists(), "all or nothing"
    release(tmp_path, [lesson], course, overwrite=True)
    assert release(tmp_path, [lesson], course) == ([], new)
    assert cli.main(["release", "--to", str(new[0])]) == 1
    assert "is a file: name a folder" in capsys.readouterr().err


@pytest.mark.parametrize("path", authoring.lessons(), ids=lambda path: path.stem)
def test_a_withheld_notebook_offers_no_way_to_a_hint_or_a_worked_answer(path: Path) -> None:
    student = prepare(path, authoring.settings.read()).student
    notebook = withheld(student)
    prose = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    assert "exercises.hint" not in prose
    assert "exercises.solution" not in prose
    assert "Open in Colab" not in prose, "the badge opens the public notebook"
    assert "come from your instructor" in prose
    assert "exercises.solution(" in "\n".join(cell.source for cell in student.cells), "the copy is what was changed"
    marked = [cell for cell in student.cells if "nbgrader" in cell.metadata]
    assert [cell for cell in notebook.cells if "nbgrader" in cell.metadata] == marked, "what is graded stays as it is"
    nbformat.validate(notebook)


def test_the_first_cells_of_a_withheld_notebook_keep_the_help_back(
    help_again: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    path = next(path for path in authoring.lessons() if path.stem.startswith("04"))
    notebook = withheld(prepare(path, authoring.settings.read()).student)
    cells = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    first_use = next(i for i, source in enumerate(cells) if "exercises.check(" in source)
    stamped = next(i for i, source in enumerate(cells) if "exercises.withhold()" in source)
    assert stamped < first_use
    exercises.solution("04-elbo")
    assert "log_px_z.mean" in capsys.readouterr().out
    exec(cells[stamped], {})
    for show in (exercises.hint, exercises.solution):
        show("04-elbo")
        said = capsys.readouterr().out
        assert "kept back" in said
        assert "log_px_z" not in said
        assert "\n" not in said.strip()


def test_a_lesson_that_imports_the_exercises_in_another_way_is_withheld_too() -> None:
    install = nbformat.v4.new_code_cell("import sys")
    late = nbformat.v4.new_code_cell("import vae_course.exercises as exercises")
    notebook = withheld(nbformat.v4.new_notebook(cells=[install, late], metadata={"vae_course": {}}))
    assert "exercises.withhold()" in notebook.cells[0].source
