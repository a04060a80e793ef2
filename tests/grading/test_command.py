"""`vae-course grade` from end to end: a small class, on this machine and on a cluster, and every bad command line."""

import csv
import io
import logging
import os
import signal
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, redirect_stdout
from pathlib import Path

import distributed
import pytest
from nbgrader.api import Gradebook

from tests.support.fixtures.small_class import KL_ADDED, code_only, hand_in, worked
from vae_course.tools import cli
from vae_course.tools.grading import command, last_run
from vae_course.tools.grading.collect import archives
from vae_course.tools.grading.report import gradebook
from vae_course.tools.grading.sandbox import Sandbox, bubblewrap

LESSON = "04_the_elbo"


@pytest.fixture(scope="module")
def handed_in(tmp_path_factory: pytest.TempPathFactory, need: Callable[[str], str]) -> Path:
    """Three students: one right, one who adds the KL, and one file that is nothing."""
    need("bwrap")
    folder = tmp_path_factory.mktemp("class") / "in"
    hand_in(folder, "ada", "04", worked)
    hand_in(folder, "bob", "04", lambda id: KL_ADDED if id == "04-elbo" else code_only(id))
    broken = folder / "cy" / f"{LESSON}.ipynb"
    broken.parent.mkdir()
    broken.write_bytes(b"")
    (folder / "notes.ipynb").write_text("{}")
    return folder


@pytest.fixture(scope="module")
def arguments(handed_in: Path, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The command line that grades them on this machine; the results come after --to."""
    results = tmp_path_factory.mktemp("out") / "near"
    return ["grade", str(handed_in), "--lessons", "04", "--jobs", "2", "--to", str(results)]


@pytest.fixture(scope="module")
def said(arguments: list[str]) -> str:
    """What the command says when it grades them."""
    with redirect_stdout(io.StringIO()) as said:
        assert cli.main(arguments) == 0
    return said.getvalue()


def table(results: Path) -> dict[str, dict[str, str]]:
    with (results / "grades.csv").open(encoding="utf-8-sig", newline="") as file:
        return {row["student"]: row for row in csv.DictReader(file)}


def test_a_class_is_graded_with_one_command_and_again_without_work(
    arguments: list[str], said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    results = Path(arguments[-1])
    assert said.startswith("Recognised: plain folders and files (3 files).\n3 submissions of 3 students graded in ")
    assert "Points so far: 22 of " in said
    assert "1 written answer for a person to mark, in the gradebook." in said
    assert "1 submission for a person to look at" in said
    assert "notes.ipynb" in said
    marks = table(results)
    assert [marks[student]["points"] for student in ("ada", "bob", "cy")] == ["12", "10", "0"]
    assert (marks["bob"]["04-elbo"], marks["bob"]["04-why-q"], marks["ada"]["04-why-q"]) == ("0", "0", "")
    assert "You add the KL." in (results / "feedback" / "bob.html").read_text(encoding="utf-8")
    assert "KL added" in (results / "report.html").read_text(encoding="utf-8")
    assert (results / "nbgrader" / "autograded" / "ada" / LESSON / f"{LESSON}.ipynb").is_file()
    unsaid = (".db", last_run.RECORD)
    files = [path for path in results.rglob("*") if path.is_file() and not path.name.endswith(unsaid)]
    before = {path: path.read_bytes() for path in files}
    monkeypatch.setattr(Sandbox, "__init__", lambda *_, **__: pytest.fail("nothing is new"))
    assert cli.main(arguments) == 0
    assert capsys.readouterr().out.partition("It said:\n")[2] == said
    made = ["feedback/bob.html", "report.html", "grades.csv", f"nbgrader/autograded/ada/{LESSON}/{LESSON}.ipynb"]
    for spoil in (Path.unlink, lambda path: path.write_text("by hand"), lambda path: path.write_bytes(b"")):
        for name in made:
            spoil(results / name)
        assert cli.main(arguments) == 0
        assert {path: path.read_bytes() for path in before} == before
        assert "Nothing has changed" not in capsys.readouterr().out


def kill_one_at_work(workers: distributed.LocalCluster) -> str:
    """Wait until a worker grades, and end its process; its address."""
    for _ in range(2000):
        for nanny in workers.workers.values():
            state = workers.scheduler.workers.get(nanny.worker_address)
            if state is not None and state.processing:
                os.kill(nanny.process.pid, signal.SIGKILL)
                return str(state.address)
        time.sleep(0.05)
    raise AssertionError("no worker began to grade")


def test_a_cluster_that_loses_a_worker_gives_the_same_marks_and_this_machine_needs_no_sandbox(
    handed_in: Path, arguments: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    far = ["grade", str(handed_in), "--lessons", "04", "--no-gradebook", "--to", str(tmp_path / "far")]
    with (
        distributed.LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            dashboard_address=":0",
            local_directory=str(tmp_path),
            silence_logs=logging.CRITICAL,
        ) as workers,
        monkeypatch.context() as change,
        ThreadPoolExecutor(1) as beside,
    ):
        killed = beside.submit(kill_one_at_work, workers)
        change.setattr(bubblewrap, "which", lambda _: None)
        bubblewrap.find.cache_clear()
        assert cli.main([*far, "--cluster", workers.scheduler_address]) == 0
        assert killed.result(timeout=60) not in workers.scheduler.workers
    bubblewrap.find.cache_clear()
    assert table(tmp_path / "far") == table(Path(arguments[-1])), said
    assert not (tmp_path / "far" / "nbgrader").exists()


def test_without_a_sandbox_it_refuses_and_with_the_option_it_says_what_that_means(
    handed_in: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bubblewrap, "which", lambda _: None)
    bubblewrap.find.cache_clear()
    arguments = ["grade", str(handed_in), "--to", str(tmp_path / "results"), "--lessons", "04", "--no-gradebook"]
    try:
        assert cli.main(arguments) == 1
        refusal = capsys.readouterr().err
        assert "bubblewrap is not here" in refusal
        assert "--no-sandbox" in refusal
        assert not (tmp_path / "results").exists()
        assert cli.main([*arguments, "--no-sandbox"]) == 0
    finally:
        bubblewrap.find.cache_clear()
    assert "could read and change" in (tmp_path / "results" / "report.html").read_text(encoding="utf-8")
    assert "with the rights of whoever runs this command" in capsys.readouterr().err
    assert table(tmp_path / "results")["ada"]["points"] == "12"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nowhere", "--to", "out"], "There is no nowhere: name the folder or zip file"),
        (["in", "--to", "file"], "--to file is a file: name a folder"),
        (["in", "--to", "in/results"], "lie in each other"),
        (["in", "--to", "."], "lie in each other"),
        (["in", "--to", "out", "--lessons", "99"], 'no lesson; write numbers such as 04'),
        (["in", "--to", "out"], "holds no notebook that belongs to a student and a lesson"),
        (["file", "--to", "out"], "holds no notebook that belongs to a student and a lesson"),
    ],
)  # fmt: skip
def test_bad_input_is_one_sentence(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    sentence: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").mkdir()
    (tmp_path / "file").write_text("text")
    assert cli.main(["grade", *arguments, "--no-sandbox"]) == 1
    *_, last = capsys.readouterr().err.strip().splitlines()
    assert sentence in last
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "option",
    [["--jobs", "0"], ["--jobs", "x"], ["--timeout", "0"], ["--timeout", "nan"], ["--seed", "x"], ["--seed", "0"]],
)
def test_an_option_that_makes_no_sense_ends_with_2(option: list[str]) -> None:
    with pytest.raises(SystemExit) as end:
        cli.main(["grade", "in", "--to", "out", *option])
    assert end.value.code == 2


def test_without_nbgrader_it_says_how_to_get_it_or_do_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "nbgrader.api", None)
    assert cli.main(["grade", str(tmp_path), "--to", str(tmp_path.parent / "out")]) == 1
    assert "run `pip install nbgrader`, or leave the gradebook out with --no-gradebook" in capsys.readouterr().err


def test_a_submission_that_grading_itself_failed_on_ends_with_1_and_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A script that goes on after 0 must not take a full disk for a graded class."""
    hand_in(tmp_path / "in", "ada", "00", lambda _: None)
    hand_in(tmp_path / "in", "bob", "00", code_only)
    arguments = ["grade", str(tmp_path / "in"), "--to", str(tmp_path / "out"), "--no-sandbox", "--no-gradebook"]
    arguments += ["--jobs", "1"]

    def full(*_: object, **__: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(Sandbox, "run", full)
    assert cli.main(arguments) == 1
    said = capsys.readouterr()
    assert said.out.startswith("Recognised: plain folders and files (2 files).\n1 submission of 1 student graded in ")
    assert "1 submission was not graded: run the same command again" in said.err
    assert "bob, 00_start_here: Grading itself failed (OSError: no space left on device)" in said.err
    monkeypatch.undo()
    assert cli.main(arguments) == 0
    said = capsys.readouterr()
    assert said.out.startswith("Recognised: plain folders and files (2 files).\n2 submissions of 2 students graded in ")


def test_an_interrupted_run_says_how_it_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    hand_in(tmp_path / "in", "ada", "00", code_only)
    monkeypatch.setattr(Sandbox, "run", stop)
    arguments = ["grade", str(tmp_path / "in"), "--to", str(tmp_path / "out"), "--no-sandbox", "--no-gradebook"]
    assert cli.main(arguments) == 130
    *_, last = capsys.readouterr().err.splitlines()
    assert last == "vae-course: stopped; run the same command again, and it goes on from here."


def test_a_gradebook_that_somebody_else_writes_into_is_said_before_anything_is_graded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(gradebook, "_PATIENCE", 0.1)
    hand_in(tmp_path / "in", "ada", "00", lambda _: None)
    (tmp_path / "out" / "nbgrader").mkdir(parents=True)
    arguments = ["grade", str(tmp_path / "in"), "--to", str(tmp_path / "out"), "--no-sandbox"]
    with closing(sqlite3.connect(tmp_path / "out" / "nbgrader" / "gradebook.db", isolation_level=None)) as other:
        other.execute("CREATE TABLE note (text)")
        other.execute("BEGIN EXCLUSIVE")
        assert cli.main(arguments) == 1
    said = capsys.readouterr().err
    assert "can't be written (database is locked): close formgrader and whatever else has it open" in said
    assert not (tmp_path / "out" / "graded").exists()


def graded_without_a_name(folder: Path) -> tuple[list[str], Path, str]:
    """A notebook that does not say whose it is, graded: the command line, where it lies, and the name in the table."""
    nameless = folder / "in" / "00_start_here.ipynb"
    hand_in(folder / "in", "ada", "00", lambda _: None).rename(nameless)
    arguments = ["grade", str(folder / "in"), "--to", str(folder / "out"), "--no-sandbox"]
    assert cli.main(arguments) == 0
    (nobody,) = table(folder / "out")
    return arguments, nameless, nobody


def test_what_had_no_name_leaves_all_results_once_it_has_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments, nameless, nobody = graded_without_a_name(tmp_path)
    results = tmp_path / "out"
    course = results / "nbgrader"
    assert (results / "feedback" / f"{nobody}.html").is_file() and (course / "autograded" / nobody).is_dir()
    nameless.rename(nameless.parent / "ada" / nameless.name)
    capsys.readouterr()
    assert cli.main(arguments) == 0
    assert list(table(results)) == ["ada"]
    assert [path.name for path in (results / "feedback").iterdir()] == ["ada.html"]
    assert not list(results.rglob(f"*{nobody}*"))
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}", "vae-course") as book:
        assert [student.id for student in book.students] == ["ada"]
    assert "earlier result" not in capsys.readouterr().out


def test_what_a_person_has_marked_stays_and_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments, nameless, nobody = graded_without_a_name(tmp_path)
    lesson, database = nameless.stem, f"sqlite:///{tmp_path / 'out' / 'nbgrader' / 'gradebook.db'}"
    with Gradebook(database, "vae-course") as book:
        book.find_grade("00-why", lesson, lesson, nobody).manual_score = 1
        book.db.commit()
    nameless.rename(nameless.parent / "ada" / nameless.name)
    assert cli.main(arguments) == 0
    assert f"also keeps 1 earlier result that this run did not grade ({nobody} {lesson})" in capsys.readouterr().out
    with Gradebook(database, "vae-course") as book:
        assert {student.id for student in book.students} == {"ada", nobody}


def test_of_two_files_that_cannot_be_read_neither_is_taken_for_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(archives, "LARGEST_NOTEBOOK", 100)
    arguments, nameless, nobody = graded_without_a_name(tmp_path)
    nameless.unlink()
    hand_in(tmp_path / "in", "ada", "00", code_only)
    assert cli.main(arguments) == 0
    assert (
        f"also keeps 1 earlier result that this run did not grade ({nobody} {nameless.stem})" in capsys.readouterr().out
    )


def test_a_second_week_in_the_same_folder_says_that_the_table_is_of_this_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--to", str(tmp_path / "out"), "--no-sandbox", "--no-gradebook"]
    hand_in(tmp_path / "one", "ada", "00", lambda _: None)
    hand_in(tmp_path / "two", "ada", "01", lambda _: None)
    assert cli.main(["grade", str(tmp_path / "one"), *arguments]) == 0
    assert "earlier result" not in capsys.readouterr().out
    assert cli.main(["grade", str(tmp_path / "two"), *arguments]) == 0
    said = capsys.readouterr().out
    assert "also keeps 1 earlier result that this run did not grade (ada 00_start_here)" in said
    assert [row["lesson"] for row in table(tmp_path / "out").values()] == ["01_autoencoders"]


def test_the_time_limit_is_said_to_be_of_one_run(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["grade", "--help"])
    assert "--timeout SECONDS the longest that one run of one answer may take" in " ".join(
        capsys.readouterr().out.split()
    )


def test_a_long_list_of_problems_is_cut_in_the_terminal() -> None:
    said = command.summary([], [f"file {i}" for i in range(25)], 1.0, [])
    assert "25 remarks on collecting the files" in said
    assert "and 15 more, in the report" in said
    assert "file 9" in said
    assert "file 10" not in said
