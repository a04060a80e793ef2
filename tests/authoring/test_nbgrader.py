"""What nbgrader itself makes of built notebooks: it releases, grades and scores them unchanged."""

import csv
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest

from tests.support.fixtures import toy
from vae_course.tools import authoring
from vae_course.tools.authoring.build import build
from vae_course.tools.authoring.plan import prepare
from vae_course.tools.grading.release import withheld


@pytest.fixture(autouse=True)
def environment_on_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where Python was started by its path alone, nbgrader still finds the command `alembic` that it calls."""
    monkeypatch.setenv("PATH", os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))


def nbgrader(course: Path, *arguments: str) -> str:
    """Run an nbgrader command in a course, away from the user's own configuration; its output."""
    private = {"HOME": str(course / "home"), "JUPYTER_CONFIG_DIR": str(course / "home"), "VAE_COURSE_PROGRESS": "0"}
    done = subprocess.run(
        [sys.executable, "-m", "nbgrader", *arguments],
        cwd=course,
        env=os.environ | private,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def answered(released: Any, answer: Callable[[Any], str]) -> Any:
    """The released notebook with each code answer replaced by `answer(cell)`."""
    submission = nbformat.from_dict(released)
    for cell in submission.cells:
        if cell.cell_type == "code" and cell.metadata.get("nbgrader", {}).get("solution"):
            cell.source = answer(cell)
    return submission


def code_scores(course: Path) -> dict[str, tuple[float, float]]:
    from nbgrader.api import Gradebook

    with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as book:
        return {s.student.id: (s.code_score, s.max_code_score) for s in book.assignment_submissions("ps1")}


def graded(course: Path, name: str, full: Any, **handed_out: Any) -> dict[str, tuple[float, float]]:
    """The scores of a lesson handed in blank, right, and with a mistake in its first exercise, by nbgrader's own commands.

    Of a notebook in `handed_out`, which a student got in the place of the one that nbgrader releases, all answers are right.
    """
    source = course / "source" / "ps1" / f"{name}.ipynb"
    source.parent.mkdir(parents=True)
    (course / "home").mkdir()
    (course / "nbgrader_config.py").write_text("c = get_config()\nc.CourseDirectory.course_id = 'course'\n")
    nbformat.write(full, source)
    nbgrader(course, "generate_assignment", "ps1")
    released = nbformat.read(course / "release" / "ps1" / source.name, as_version=4)
    right = {cell.metadata.nbgrader.grade_id: cell.source for cell in full.cells if "nbgrader" in cell.metadata}
    first = next(
        cell.metadata.nbgrader.grade_id for cell in full.cells if cell.metadata.get("nbgrader", {}).get("solution")
    )
    mistaken = right | {first: right[first].replace("return ", "return 2 * ")}
    submissions = {
        "blank": released,
        "right": answered(released, lambda cell: right[cell.metadata.nbgrader.grade_id]),
        "wrong": answered(released, lambda cell: mistaken[cell.metadata.nbgrader.grade_id]),
    }
    for student, notebook in handed_out.items():
        submissions[student] = answered(notebook, lambda cell: right[cell.metadata.nbgrader.grade_id])
    for student, notebook in submissions.items():
        path = course / "submitted" / student / "ps1" / source.name
        path.parent.mkdir(parents=True)
        nbformat.write(notebook, path)
    nbgrader(course, "autograde", "ps1")
    return code_scores(course)


def returned(course: Path) -> dict[str, float]:
    """The marks in what `nbgrader export` writes, after `nbgrader generate_feedback` has made a page for each student."""
    nbgrader(course, "generate_feedback", "ps1")
    nbgrader(course, "export", "--to", "grades.csv")
    with (course / "grades.csv").open(encoding="utf-8") as file:
        return {row["student_id"]: float(row["score"]) for row in csv.DictReader(file)}


def test_nbgrader_scores_blank_right_and_wrong_answers_of_the_toy_lesson(tmp_path: Path) -> None:
    path, places = toy.checkout(tmp_path / "checkout")
    build(path, places, get_exercise=toy.get_exercise)
    full = nbformat.read(path.with_suffix(".ipynb"), as_version=4)
    course = tmp_path / "course"
    assert graded(course, "00_toy", full) == {"blank": (0, 3), "right": (3, 3), "wrong": (0, 3)}
    assert returned(course) == {"blank": 0, "right": 3, "wrong": 0}
    pages = {path.parts[-3]: path.read_text(encoding="utf-8") for path in course.glob("feedback/*/ps1/*.html")}
    assert sorted(pages) == ["blank", "right", "wrong"]
    assert "(Score: 3.0 / " in pages["right"]


def test_nbgrader_marks_a_lesson_as_it_is_built_and_what_was_handed_out_without_solutions(
    tmp_path: Path, mnist_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its pages and its export are those of the toy lesson."""
    monkeypatch.setenv("VAE_COURSE_DATA", str(mnist_root))
    settings = authoring.settings.read()
    full, student = (
        nbformat.read(folder / "00_start_here.ipynb", as_version=4)
        for folder in (settings.solutions, settings.notebooks)
    )
    points = [cell.metadata.nbgrader.points for cell in full.cells if cell.id.endswith("_check")]
    assert len(points) > 1
    total = sum(points)
    scores = graded(tmp_path, "00_start_here", full, withheld=withheld(student))
    all_right = (total, total)
    assert scores == {
        "blank": (0, total),
        "right": all_right,
        "wrong": (total - points[0], total),
        "withheld": all_right,
    }


@pytest.mark.parametrize("broken", ["duplicate", "unmarked"])
def test_nbgrader_refuses_what_the_builder_refuses_too(tmp_path: Path, broken: str) -> None:
    """The check of this check: nbgrader does look at the metadata."""
    path, places = toy.checkout(tmp_path / "checkout")
    full = prepare(path, places, get_exercise=toy.get_exercise).full
    answer = next(cell for cell in full.cells if cell.id == "00-double")
    if broken == "duplicate":
        full.cells.append(nbformat.from_dict({**answer, "id": "twice"}))
    else:
        del answer.metadata["nbgrader"]
    with pytest.raises(AssertionError, match=r"Duplicate grade id|non-solution cell"):
        graded(tmp_path / "course", "00_toy", full)
