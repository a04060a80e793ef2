"""What was passed is remembered: from one process to the next, for each copy of the course, and never while grading."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from vae_course import exercises
from vae_course.exercises import record
from vae_course.tools import cli

KL = exercises.get("07-kl")


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAE_COURSE_STATE", str(tmp_path))
    for name in ("VAE_COURSE_STRICT", "NBGRADER_EXECUTION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(record, "_memory", {})


def right(*given):
    return KL.reference(*given)


def wrong(mu, logvar):
    return mu


def test_a_passed_exercise_is_remembered_and_a_wrong_or_handed_over_one_is_not(capsys):
    exercises.check("07-kl", wrong)
    assert record.passed() == {}
    exercises.check("07-kl", KL.reference)
    assert record.passed() == {}
    exercises.check("07-kl", right)
    assert list(record.passed()) == ["07-kl"]
    exercises.check("07-kl", wrong)
    assert list(record.passed()) == ["07-kl"], "what was passed once stays passed"


def test_a_restart_loses_nothing_and_another_copy_of_the_course_knows_nothing(monkeypatch):
    exercises.check("07-kl", right)
    record._memory.clear()
    assert list(record.passed()) == ["07-kl"]
    monkeypatch.setattr(record, "_here", lambda: "another")
    assert record.passed() == {}


@pytest.mark.parametrize("name", ["NBGRADER_EXECUTION", "VAE_COURSE_STRICT"])
def test_nothing_is_written_while_grading_building_or_testing(monkeypatch, name: str):
    monkeypatch.setenv(name, "1")
    exercises.check("07-kl", right)
    assert not record.path().exists() and record.passed() == {}
    assert "Nothing is remembered" in repr(exercises.progress("07"))


@pytest.mark.slow
def test_two_processes_at_once_keep_both(tmp_path: Path):
    code = "import sys; from vae_course.exercises import record; [record.remember(id) for id in sys.argv[1:]]"
    ids = [id for id in exercises.lessons.ids() if id[:2] in ("03", "04")]
    both = [subprocess.Popen([sys.executable, "-c", code, *part]) for part in (ids[::2], ids[1::2])]
    assert [process.wait() for process in both] == [0, 0]
    assert sorted(record.passed()) == sorted(ids)


def test_a_damaged_file_is_put_aside_and_the_next_pass_is_kept(tmp_path: Path):
    record.path().write_text("[1")
    exercises.check("07-kl", right)
    assert list(record.passed()) == ["07-kl"]
    assert (tmp_path / "progress.damaged.json").read_text() == "[1"


def test_where_nothing_can_be_written_it_is_said_and_the_kernel_remembers(tmp_path: Path, monkeypatch, capsys):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("VAE_COURSE_STATE", str(tmp_path / "file" / "below"))
    assert exercises.check("07-kl", right) is right
    assert "until the kernel ends only" in capsys.readouterr().out
    assert list(record.passed()) == ["07-kl"]


def test_the_table_says_how_many_how_many_points_and_what_is_next(capsys):
    exercises.check("07-kl", right)
    shown = exercises.progress("07")
    code = [e for e in exercises.all_exercises() if e.id.startswith("07-") and e.kind == "code"]
    assert repr(shown).startswith(f"07  1 of {len(code)} exercises passed, {KL.points} of ")
    assert f"next: {next(e.id for e in code if e.id != '07-kl')}" in repr(shown)
    page = shown._repr_html_()
    assert page.count('scope="row"') == 1 and 'value="1"' in page and f'max="{len(code)}"' in page
    assert len(exercises.progress().rows) == len({e.id[:2] for e in exercises.all_exercises()})
    with pytest.raises(ValueError, match="There is no lesson '99'"):
        exercises.progress("99")


def test_the_command_shows_and_forgets(monkeypatch, capsys):
    exercises.check("07-kl", right)
    assert cli.main(["progress", "07"]) == 0 and "1 of" in capsys.readouterr().out
    assert cli.main(["progress", "99"]) == 1
    monkeypatch.setattr("builtins.input", lambda _: "")
    assert cli.main(["progress", "--reset"]) == 1 and record.passed()
    assert cli.main(["progress", "--reset", "--yes"]) == 0 and record.passed() == {}
    assert json.loads(record.path().read_text()) == {}
