"""Files beside the notebook of a project: whose they are, where they are kept, and that they wait for a person."""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from nbgrader.api import Gradebook

from tests.support.fixtures.small_class import blank, code_only, filled, hand_in
from vae_course.tools import cli
from vae_course.tools.grading import beside
from vae_course.tools.grading.collect import Collection, collect
from vae_course.tools.grading.model import Graded, Mark, Submission

LESSON = "19_capstone"
PAGE = b"%PDF-1.7 <script>alert(1)</script>"


def put(folder: Path, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def notebook(lesson: str = "19") -> bytes:
    text = nbformat.writes(filled(blank(lesson), code_only))
    return str(text).encode()


BOOK = notebook()


def with_beside(found: Collection) -> dict[str, list[str]]:
    return {s.student: [file.path for file in s.beside] for s in found.submissions if s.lesson == LESSON}


def one(folder: Path, files: dict[str, bytes]) -> Submission:
    put(folder, files)
    (submission,) = collect(folder).submissions
    return submission


def graded(submission: Submission, answer: str = "", status: str = "not tried") -> Graded:
    marks = (Mark("19-bits", "passed", 2, 2, ""), Mark("19-report", status, 0, 20, "", answer=answer))  # type: ignore[arg-type]
    return Graded(submission.student, submission.lesson, submission.name, marks)


# ------------------------------------------------------------------------------------------------ whose they are


def test_each_students_files_are_theirs_in_folders_and_in_zips(tmp_path: Path):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(f"{LESSON}.ipynb", BOOK)
        archive.writestr("report.md", b"# mine")
    put(
        tmp_path,
        {
            f"ada/{LESSON}.ipynb": BOOK,
            "ada/report.pdf": PAGE,
            "ada/figures/a.png": b"png",
            f"bob/{LESSON}.ipynb": BOOK,
            "bob/report_card.json": b"{}",
            "cy.zip": stream.getvalue(),
        },
    )
    assert with_beside(collect(tmp_path)) == {
        "ada": ["figures/a.png", "report.pdf"],
        "bob": ["report_card.json"],
        "cy": ["report.md"],
    }


def test_in_one_flat_folder_names_tell_whose_a_file_is(tmp_path: Path):
    put(
        tmp_path,
        {
            f"doejane_101_2001_{LESSON}.ipynb": BOOK,
            "doejane_101_2002_report.pdf": PAGE,
            f"roejohn_102_2003_{LESSON}.ipynb": BOOK,
            "roejohn_102_2004_report.pdf": PAGE,
            "notes.pdf": PAGE,
        },
    )
    found = with_beside(collect(tmp_path))
    assert sorted(map(len, found.values())) == [1, 1]
    assert all(student.split("_")[0] in files[0] for student, files in found.items())


def test_other_lessons_keep_no_files_and_say_nothing(tmp_path: Path):
    put(tmp_path, {"ada/04_the_elbo.ipynb": notebook("04"), "ada/report.pdf": PAGE})
    found = collect(tmp_path)
    assert found.submissions[0].beside == () and found.problems == ()


def test_what_is_not_kept_is_named(tmp_path: Path):
    put(tmp_path, {f"ada/{LESSON}.ipynb": BOOK, "ada/run.sh": b"rm -rf /", "ada/.DS_Store": b""})
    (tmp_path / "ada" / "secret.pdf").symlink_to("/etc/passwd")
    found = collect(tmp_path)
    assert with_beside(found) == {"ada": []}
    told = " ".join(found.problems)
    assert (
        "run.sh" in told and "endings .pdf, .md" in told and "secret.pdf is a link" in told and "DS_Store" not in told
    )


# ------------------------------------------------------------------------------------------------ where they are kept


def test_a_file_is_copied_byte_for_byte_and_named_in_the_answer(tmp_path: Path):
    submission = one(tmp_path / "in", {f"ada/{LESSON}.ipynb": BOOK, "ada/report.pdf": PAGE})
    (row,) = beside.keep(tmp_path / "out", [graded(submission)], [submission])
    assert (tmp_path / "out" / "files" / "ada" / LESSON / "report.pdf").read_bytes() == PAGE
    code, report = row.marks
    assert (report.status, report.points) == ("written", 0) and code.status == "passed" and code.answer == ""
    assert f"`report.pdf`, {len(PAGE)} bytes, kept as `files/ada/{LESSON}/report.pdf`" in report.answer


def test_what_was_written_stays_above_the_files(tmp_path: Path):
    submission = one(tmp_path / "in", {f"ada/{LESSON}.ipynb": BOOK, "ada/report.md": b"page"})
    (row,) = beside.keep(tmp_path / "out", [graded(submission, "My report.", "written")], [submission])
    assert row.marks[1].answer.startswith("My report.\n\nHanded in beside the notebook:")


def test_another_file_under_the_same_name_makes_another_answer(tmp_path: Path):
    answers = []
    for content in (b"one", b"two"):
        submission = one(tmp_path / "in", {f"ada/{LESSON}.ipynb": BOOK, "ada/report.md": content})
        answers.append(beside.keep(tmp_path / "out", [graded(submission)], [submission])[0].marks[1].answer)
    assert answers[0] != answers[1]


@pytest.mark.parametrize(
    "name", ["../../evil.pdf", "a/../../evil.pdf", "/etc/evil.pdf", "-rf.pdf", "=1+1.pdf", "x\n`y.pdf"]
)
def test_no_name_leads_out_of_the_folder(tmp_path: Path, name: str):
    class Bytes:
        def read(self) -> bytes:
            return PAGE

    submission = Submission("../ada", LESSON, "n", BOOK, beside=(beside.Beside(name, name, Bytes()),))
    (row,) = beside.keep(tmp_path / "out", [graded(submission)], [submission])
    (kept,) = (path for path in tmp_path.rglob("*") if path.is_file())
    assert (
        kept.is_relative_to(tmp_path / "out" / "files")
        and kept.suffix == ".pdf"
        and not kept.name.startswith(("-", "="))
    )
    assert "\n`y" not in row.marks[1].answer


def test_files_that_are_too_large_or_too_many_are_named_and_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(beside, "LARGEST_FILE", 10)
    monkeypatch.setattr(beside, "MOST_FILES", 2)
    files = {f"ada/{LESSON}.ipynb": BOOK, "ada/a.md": b"a" * 11, "ada/b.md": b"b", "ada/c.md": b"c"}
    submission = one(tmp_path / "in", files)
    (row,) = beside.keep(tmp_path / "out", [graded(submission)], [submission])
    assert [path.name for path in (tmp_path / "out").rglob("*.md")] == ["b.md"]
    assert "`a.md` was not kept: it has more than" in row.marks[1].answer
    assert "`c.md` was not kept: it is one of more than 2 files" in row.marks[1].answer


def test_a_file_that_is_gone_is_named_and_grading_goes_on(tmp_path: Path):
    submission = one(tmp_path / "in", {f"ada/{LESSON}.ipynb": BOOK, "ada/report.md": b"page"})
    (tmp_path / "in" / "ada" / "report.md").unlink()
    (row,) = beside.keep(tmp_path / "out", [graded(submission)], [submission])
    assert "`report.md` was not kept: " in row.marks[1].answer


def test_without_files_nothing_changes(tmp_path: Path):
    submission = one(tmp_path / "in", {f"ada/{LESSON}.ipynb": BOOK})
    row = graded(submission)
    assert beside.keep(tmp_path / "out", [row], [submission]) == [row] and not (tmp_path / "out").exists()


# ------------------------------------------------------------------------------------------------ the whole way


@pytest.mark.slow
def test_a_project_waits_for_a_person_with_its_file_and_keeps_that_persons_marks(
    tmp_path: Path, need: Callable[[str], str], capsys: pytest.CaptureFixture[str]
):
    need("bwrap")
    hand_in(tmp_path / "in", "ada", "19", code_only)
    put(tmp_path / "in", {"ada/report.pdf": PAGE})
    arguments = ["grade", str(tmp_path / "in"), "--jobs", "1", "--to", str(tmp_path / "out")]
    assert cli.main(arguments) == 0
    assert "1 written answer for a person to mark" in capsys.readouterr().out
    assert (tmp_path / "out" / "files" / "ada" / LESSON / "report.pdf").read_bytes() == PAGE
    page = (tmp_path / "out" / "nbgrader" / "autograded" / "ada" / LESSON / f"{LESSON}.ipynb").read_text()
    assert f"files/ada/{LESSON}/report.pdf" in page and "<script>" not in page
    url = f"sqlite:///{tmp_path / 'out' / 'nbgrader' / 'gradebook.db'}"

    def record(book: Gradebook):
        return next(g for g in book.find_submission_notebook(LESSON, LESSON, "ada").grades if "report" in g.name)

    with Gradebook(url, "vae-course") as book:
        grade = record(book)
        assert grade.needs_manual_grade and grade.max_score == 20 and grade.auto_score is None
        grade.manual_score = 17
        book.db.commit()
    assert cli.main(arguments) == 0
    with Gradebook(url, "vae-course") as book:
        assert record(book).manual_score == 17
