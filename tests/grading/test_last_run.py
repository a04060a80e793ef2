"""A second run with nothing new does nothing, quickly; anything new, changed or deleted is noticed."""

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.fixtures.small_class import hand_in
from vae_course.exercises import all_exercises
from vae_course.exercises.model import Written
from vae_course.tools import cli
from vae_course.tools.grading import last_run
from vae_course.tools.grading.collect import archives, gradescope

NOTHING_NEW = "Nothing has changed since the last run, and its results are all there. It said:\n"
# Each takes a second or more, and computes, validates or writes what is there already.
SLOW = ("torch", "numpy", "nbformat", "jupytext", "nbgrader", "sqlalchemy", "IPython")


@pytest.fixture
def graded(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """The command line that has graded a class of one."""
    hand_in(tmp_path / "in", "ada", "00", lambda _: None)
    arguments = ["grade", str(tmp_path / "in"), "--to", str(tmp_path / "out"), "--no-sandbox", "--no-gradebook"]
    assert cli.main(arguments) == 0
    assert NOTHING_NEW not in capsys.readouterr().out
    return arguments


@pytest.mark.slow
def test_a_second_run_says_the_same_and_imports_nothing_slow(graded: list[str]) -> None:
    run = f"import sys\nfrom vae_course.tools import cli\nassert cli.main({graded}) == 0\n"
    # The run before it in a process of its own too: other tests may have added places to look for libraries to this one's.
    subprocess.run([sys.executable, "-c", run], capture_output=True, check=True)
    code = f"{run}print(sorted(set({SLOW}) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    *said, imported = done.stdout.splitlines()
    assert "\n".join(said).startswith(f"{NOTHING_NEW}Recognised: ")
    assert "1 submission of 1 student graded" in said[2]
    assert imported == "[]"


@pytest.mark.parametrize(
    "change",
    [
        lambda out: (out / "feedback" / "ada.html").unlink(),
        lambda out: (out / "report.html").write_text("by hand"),
        lambda out: (out / "seed.txt").write_text("7\n"),
        lambda out: shutil.rmtree(out / "graded"),
        lambda out: (out / last_run.RECORD).write_text("[]"),
        lambda out: hand_in(out.parent / "in", "bob", "00", lambda _: None),
        lambda out: hand_in(out.parent / "in", "ada", "00", lambda _: "1"),
    ],
    ids="no page,page by hand,seed,no marks,no record,new student,new answer".split(","),
)
def test_what_is_new_or_changed_or_gone_is_noticed(
    graded: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], change: Callable[[Path], object]
) -> None:
    assert cli.main(graded) == 0
    assert capsys.readouterr().out.startswith(NOTHING_NEW)
    change(tmp_path / "out")
    assert cli.main(graded) == 0
    assert NOTHING_NEW not in capsys.readouterr().out
    assert "Feedback for ada" in (tmp_path / "out" / "feedback" / "ada.html").read_text(encoding="utf-8")
    assert "Report on the class" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert cli.main(graded) == 0
    assert capsys.readouterr().out.startswith(NOTHING_NEW)


def command_line(folder: Path) -> argparse.Namespace:
    """One with a submission, a list and a roster."""
    for name in ("in/ada/a.ipynb", "in/notes.txt", f"in/{gradescope.LIST}", "roster.csv"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("{}")
    return argparse.Namespace(submissions=folder / "in", roster=folder / "roster.csv", seed=None, jobs=1)


def rewritten(path: Path) -> None:
    """Other content in a file that keeps its length and its time."""
    times = path.stat()
    path.write_text("[]")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


@pytest.mark.parametrize(
    ("change", "noticed"),
    [
        (lambda folder: (folder / "in" / "ada" / "a.ipynb").write_text("[]"), True),
        (lambda folder: os.utime(folder / "in" / "ada" / "a.ipynb", (1, 1)), True),  # of two files, the newest counts
        (lambda folder: (folder / "in" / "ada").rename(folder / "in" / "eve"), True),
        (lambda folder: (folder / "in" / "bob").mkdir(), True),
        (lambda folder: (folder / "in" / gradescope.LIST).write_text("1"), True),
        (lambda folder: (folder / "roster.csv").write_text("bob"), True),
        (lambda folder: os.mkfifo(folder / "in" / "b.ipynb"), True),
        (lambda folder: (folder / "in" / "b.ipynb").symlink_to("/dev/zero"), True),
        (lambda folder: (folder / "in" / "b.zip").touch(), True),
        (lambda folder: (folder / "in" / "more.txt").touch(), True),
        (lambda folder: rewritten(folder / "in" / "notes.txt"), True),  # a report beside a notebook is kept
        (lambda _: None, False),
    ],
)
def test_what_was_handed_in_counts(tmp_path: Path, change: Callable[[Path], object], noticed: bool) -> None:
    args = command_line(tmp_path)
    before = last_run.sources(args)
    change(tmp_path)
    assert (last_run.sources(args) != before) is noticed


def test_all_that_is_kept_beside_a_notebook_is_looked_into() -> None:
    endings = {end for e in all_exercises() if isinstance(e, Written) for end in e.files}
    assert endings and all(last_run.READ.search(f"report{end}") for end in endings)


def test_options_count_but_not_how_many_jobs_or_what_is_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    args = command_line(tmp_path)
    before = last_run.sources(args)
    metadata = tmp_path / "setuptools" / "_vendor" / "zipp-1.dist-info" / "METADATA"
    metadata.parent.mkdir(parents=True)
    metadata.write_text("Name: zipp\nVersion: 1\n")
    monkeypatch.syspath_prepend(metadata.parents[1])
    args.jobs = 2
    assert last_run.sources(args) == before
    args.seed = 1
    assert last_run.sources(args) != before


@pytest.mark.parametrize(
    "file", ["tools/grading/report/templates/report.html", "tools/grading/mark/classes.py", "exact.py"]
)
def test_the_package_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str) -> None:
    args = command_line(tmp_path)
    copy = tmp_path / "vae_course"
    shutil.copytree(last_run.PACKAGE, copy)
    monkeypatch.setattr(last_run, "PACKAGE", copy)
    before = last_run.sources(args)
    (copy / file).write_text((copy / file).read_text(encoding="utf-8") + "\n")
    assert last_run.sources(args) != before


def test_libraries_and_lessons_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    args = command_line(tmp_path)
    before = last_run.sources(args)
    with monkeypatch.context() as change:
        change.setattr(last_run.metadata, "distributions", lambda path: [])
        assert last_run.sources(args) != before
    checkout = last_run.settings.read()
    (tmp_path / "course" / "docs").mkdir(parents=True)
    shutil.copy(checkout.root / "pyproject.toml", tmp_path / "course")
    shutil.copytree(checkout.solutions, tmp_path / "course" / "solutions", ignore=shutil.ignore_patterns("*.ipynb"))
    shutil.copy(checkout.root / "docs" / "budget.json", tmp_path / "course" / "docs")
    monkeypatch.chdir(tmp_path / "course")
    before = last_run.sources(args)
    lesson = next((tmp_path / "course" / "solutions").glob("*.py"))
    lesson.write_text(lesson.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    assert before and last_run.sources(args) != before


def test_what_can_not_be_read_is_never_taken_for_the_same(tmp_path: Path) -> None:
    args = command_line(tmp_path)
    args.roster.unlink()
    assert last_run.sources(args) == ""
    last_run.keep(tmp_path, "", "said")
    assert last_run.said(tmp_path, "") == ""


def test_the_content_of_all_that_collect_reads_counts() -> None:
    names = [*(f"a{ending}" for ending in archives.NOTEBOOK), "a.zip", "A.ZIP", "a.IPYNB", gradescope.LIST]
    assert all(last_run.READ.search(name) for name in names)
