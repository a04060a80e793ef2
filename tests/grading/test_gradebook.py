"""nbgrader goes on from what `vae-course grade` leaves: export, formgrader's needs, marks by hand that survive."""

import csv
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import nbformat
import pytest
from nbgrader.api import Gradebook

from vae_course import exercises
from vae_course.tools import authoring
from vae_course.tools.grading import Graded, GradingError, Mark, Submission
from vae_course.tools.grading.report.gradebook import Course, markdown, unlocked

LESSON = "04_the_elbo"
EVIL = '<script>alert(1)</script> and $a<b$ <img src=x onerror="alert(2)">'


def marks(**changed: Mark) -> tuple[Mark, ...]:
    """Full marks in lesson 04, the written answer waiting, with some marks changed (by id, without lesson and dashes)."""
    tasks = [e for e in exercises.all_exercises() if e.id.startswith("04")]
    full = {
        e.id: Mark(
            e.id, "passed", e.points, e.points, "This agrees.", answer=f"def {e.id[3:].replace('-', '_')}(): ..."
        )
        for e in tasks
    }
    full["04-why-q"] = Mark("04-why-q", "written", 0, 2, "A person reads this.", answer="The model alone decides.")
    for mark in changed.values():
        full[mark.exercise] = mark
    return tuple(full.values())


WRONG = Mark("04-elbo", "failed", 0, 2, f"You add the KL. {EVIL}", "KL added", answer="def elbo(a, b): return a")
BLANK = Mark("04-why-q", "missing", 0, 2, "There is no answer.")
CLASS = [
    Graded("ada", LESSON, "ada/04.ipynb", marks()),
    Graded("bob", LESSON, "bob/04.ipynb", marks(elbo=WRONG, why=replace(BLANK, status="written", answer=EVIL))),
    Graded("cy", LESSON, "cy/04.ipynb", marks(elbo=replace(WRONG, doubts=("It reads the reference.",)), why=BLANK)),
]
AUTOMATIC = sum(e.points for e in exercises.all_exercises() if e.id.startswith("04") and e.kind == "code")
SUBMISSIONS = [Submission(g.student, LESSON, g.name, b"what was handed in") for g in CLASS]


def nbgrader(course: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    private = {"HOME": str(course), "JUPYTER_CONFIG_DIR": str(course / "home"), "PYTHONWARNINGS": "ignore"}
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    command = [sys.executable, "-m", "nbgrader", *arguments]
    return subprocess.run(
        command, cwd=course, env=os.environ | private | {"PATH": path}, capture_output=True, text=True
    )


def exported(course: Path) -> dict[str, float]:
    done = nbgrader(course, "export", "--to", "marks.csv")
    assert done.returncode == 0, done.stderr
    with (course / "marks.csv").open(encoding="utf-8") as file:
        return {row["student_id"]: float(row["score"]) for row in csv.DictReader(file)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course with three submissions in its gradebook."""
    folder = tmp_path_factory.mktemp("results") / "nbgrader"
    enter(folder, CLASS)
    return folder


def enter(folder: Path, graded: list[Graded]) -> None:
    checkout = authoring.settings.read()
    course = Course(folder, {row.student: row.student for row in graded})
    course.add_lesson(checkout.solutions / f"{LESSON}.py", checkout)
    course.add(graded, SUBMISSIONS)


def book(folder: Path) -> Gradebook:
    return Gradebook(f"sqlite:///{folder / 'gradebook.db'}", "vae-course")


def test_nbgrader_exports_the_marks(folder: Path) -> None:
    assert exported(folder) == {"ada": AUTOMATIC, "bob": AUTOMATIC - 2, "cy": AUTOMATIC - 2}


def test_formgrader_finds_the_notebooks_and_what_a_person_has_to_mark(folder: Path) -> None:
    with book(folder) as records:
        waiting = {
            student: {
                g.name for g in records.find_submission_notebook(LESSON, LESSON, student).grades if g.needs_manual_grade
            }
            for student in ("ada", "bob", "cy")
        }
        comment = records.find_comment("04-elbo", LESSON, LESSON, "cy").comment
    assert waiting == {"ada": {"04-why-q"}, "bob": {"04-why-q"}, "cy": {"04-elbo_check"}}
    assert comment.startswith("You add the KL.")
    for student in waiting:
        notebook = nbformat.read(folder / "autograded" / student / LESSON / f"{LESSON}.ipynb", as_version=4)
        nbformat.validate(notebook)
        cells = {cell.metadata.nbgrader.grade_id: cell for cell in notebook.cells if "nbgrader" in cell.metadata}
        assert all(cells[f"{id}_check"].outputs for id in ("04-elbo", "04-gap"))
        assert "checksum" in cells["04-why-q"].metadata.nbgrader
        submitted = folder / "submitted" / student / LESSON / f"{LESSON}.ipynb"
        assert submitted.read_bytes() == b"what was handed in"
    assert "It reads the reference." in cells["04-elbo_check"].outputs[0].text
    assert cells["04-elbo"].source == WRONG.answer


def test_nbgraders_feedback_pages_run_nothing_that_a_student_wrote(folder: Path) -> None:
    done = nbgrader(folder, "generate_feedback", LESSON)
    assert done.returncode == 0, done.stderr
    page = (folder / "feedback" / "bob" / LESSON / f"{LESSON}.html").read_text(encoding="utf-8")
    assert "<script>alert(1)" not in page
    assert "<img src=x" not in page
    assert page.count("&lt;script&gt;alert(1)") == 3, "the written answer, the comment and the verdict show it as text"


def test_marks_given_by_hand_survive_grading_again(folder: Path) -> None:
    with book(folder) as records:
        for student in ("ada", "bob"):
            grade = records.find_grade("04-why-q", LESSON, LESSON, student)
            grade.manual_score, grade.needs_manual_grade = 2, False
        records.db.commit()
    better = Graded("bob", LESSON, "bob/04.ipynb", marks())
    enter(folder, [CLASS[0], better, CLASS[2]])
    with book(folder) as records:
        again = {s: records.find_grade("04-why-q", LESSON, LESSON, s).needs_manual_grade for s in ("ada", "bob")}
    assert again == {"ada": False, "bob": True}, "only the answer that has changed is to be looked at again"
    assert exported(folder) == {"ada": AUTOMATIC + 2, "bob": AUTOMATIC + 2, "cy": AUTOMATIC - 2}


def test_a_gradebook_that_is_locked_meanwhile_is_one_sentence(folder: Path) -> None:
    marked = [replace(CLASS[0], marks=marks(elbo=WRONG))]
    checkout = authoring.settings.read()
    course = Course(folder, {"ada": "ada"})
    course.add_lesson(checkout.solutions / f"{LESSON}.py", checkout)
    course.url += "?timeout=0.1"
    locked = pytest.raises(GradingError, match="can't be written .*locked.*close formgrader")
    with closing(sqlite3.connect(folder / "gradebook.db", isolation_level=None)) as other, locked, unlocked(folder):
        other.execute("BEGIN IMMEDIATE")
        course.add(marked, SUBMISSIONS)


def test_nbgraders_own_autograde_runs_nothing_there(folder: Path, tmp_path: Path) -> None:
    proof = tmp_path / "ran"
    notebook = nbformat.read(folder / "release" / LESSON / f"{LESSON}.ipynb", as_version=4)
    notebook.cells.insert(0, nbformat.v4.new_code_cell(f"open({str(proof)!r}, 'w')"))
    place = folder / "submitted" / "eve" / LESSON / f"{LESSON}.ipynb"
    place.parent.mkdir(parents=True)
    nbformat.write(notebook, place)
    done = nbgrader(folder, "autograde", LESSON)
    assert done.returncode != 0
    assert "without a sandbox" in done.stderr
    assert not proof.exists()


@pytest.mark.parametrize(
    "text",
    [
        "<b>x</b>", "<!-- x", "</div>", "[x](javascript:alert(1))", "[x](JavaScript :alert(1))", "[x](&#106;avascript:alert(1))",
        "![x](http://example.invalid/x.png)", "!![x](http://example.invalid/x.png)",
        "[x]: data:text/html;base64,AAAA", r"$\href{javascript:alert(1)}{x}$",
        r"$\gdef\x{\htmlData{a=b}{c}}$", r"$\mmlToken{mi}[href='javascript:alert(1)']{x}$",
    ],
)  # fmt: skip
def test_markdown_of_a_student_becomes_harmless_where_it_is_shown(text: str) -> None:
    from nbconvert.filters import markdown2html

    shown = markdown2html(markdown(text)).casefold()
    assert "<b>" not in shown
    assert "<!--" not in shown
    assert "<img" not in shown
    assert "</div></div>" not in shown
    assert 'href="javascript:' not in shown
    assert 'href="data:' not in shown
    assert not [name for name in ("href", "gdef", "htmldata", "mmltoken") if rf"\{name}" in shown]


def test_mathematics_and_ordinary_text_stay_as_they_were_written() -> None:
    text = "If $a < b$ & $q(z) > 0$, then **KL** >= 0 - see [the paper](https://arxiv.org/abs/1312.6114).\n\n$$\\log p(x)$$"
    text += r" \[\operatorname{KL}(q_\phi \,\|\, p) \ge \tfrac{1}{2}\sum_{i=1}^{D} \hat\mu_i^2 \]"
    assert markdown(text) == text
