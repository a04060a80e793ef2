"""What was passed is remembered: from one process to the next, for each copy of the course, and never while grading."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from vae_course import exercises
from vae_course.exercises import record
from vae_course.exercises.lessons import NOTEBOOKS
from vae_course.tools import cli

KL = exercises.get("07-kl")


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAE_COURSE_STATE", str(tmp_path))
    for name in ("VAE_COURSE_STRICT", "NBGRADER_EXECUTION", "PYTEST_VERSION"):
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
    assert not record._memory, "what is written is not kept a second time: a reset elsewhere would be undone"
    assert list(record.passed()) == ["07-kl"]
    monkeypatch.setattr(record, "_here", lambda: "another")
    assert record.passed() == {}


@pytest.mark.parametrize("name", ["NBGRADER_EXECUTION", "VAE_COURSE_STRICT", "PYTEST_VERSION"])
def test_nothing_is_written_or_shown_while_grading_building_or_testing(monkeypatch, name: str):
    record.remember("03-kl-discrete")
    before = record.path().read_text()
    monkeypatch.setenv(name, "1")
    exercises.check("07-kl", right)
    assert record.path().read_text() == before
    assert record.passed() == {}, "a built notebook shows no maintainer's own progress"
    assert "Nothing is remembered" in repr(exercises.progress("07"))


@pytest.mark.slow
def test_two_processes_at_once_keep_both(tmp_path: Path):
    code = "import sys; from vae_course.exercises import record; [record.remember(id) for id in sys.argv[1:]]"
    ids = [id for id in exercises.lessons.ids() if id[:2] in ("03", "04")]
    both = [subprocess.Popen([sys.executable, "-c", code, *part]) for part in (ids[::2], ids[1::2])]
    assert [process.wait() for process in both] == [0, 0]
    assert sorted(record.passed()) == sorted(ids)


def test_while_one_process_changes_the_file_no_other_can():
    fcntl = pytest.importorskip("fcntl")
    lock = record.path().with_name(".progress.json.lock")
    with record._all(), lock.open("a") as file, pytest.raises(BlockingIOError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    with lock.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


@pytest.mark.parametrize("damage", ["[1", "[]", '{"here": 3}', b"\xff\xfe", None])
def test_a_file_that_cannot_be_read_is_put_aside_with_a_word_and_the_next_pass_is_kept(tmp_path: Path, damage, capsys):
    if damage is None:
        record.path().mkdir()
    else:
        record.path().write_bytes(damage if isinstance(damage, bytes) else damage.encode())
    assert "can't be read" in repr(exercises.progress("07"))
    exercises.check("07-kl", right)
    assert "put aside as progress.damaged.json" in capsys.readouterr().out
    assert list(record.passed()) == ["07-kl"] and "can't be read" not in repr(exercises.progress("07"))
    assert damage is None or (tmp_path / "progress.damaged.json").read_bytes() in (damage, str(damage).encode())


def test_where_nothing_can_be_written_it_is_said_once_and_the_kernel_remembers(tmp_path: Path, monkeypatch, capsys):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("VAE_COURSE_STATE", str(tmp_path / "file" / "below"))
    assert exercises.check("07-kl", right) is right
    assert "until the kernel ends only" in capsys.readouterr().out
    assert record.remember("07-loss") == ""
    assert list(record.passed()) == ["07-kl", "07-loss"]
    monkeypatch.setenv("VAE_COURSE_STATE", str(tmp_path))
    record.remember("07-network")
    assert sorted(json.loads(record.path().read_text())[record._here()]) == ["07-kl", "07-loss", "07-network"]


def test_a_drive_without_locks_still_keeps_what_was_passed(monkeypatch):
    fcntl = pytest.importorskip("fcntl")
    monkeypatch.setattr(fcntl, "flock", lambda *_: (_ for _ in ()).throw(OSError(37, "No locks available")))
    assert record.remember("07-kl") == "" and record.path().exists()


def test_the_table_says_how_many_how_many_points_and_what_is_open(capsys):
    exercises.check("07-kl", right)
    shown = exercises.progress("07")
    code = [e for e in exercises.all_exercises() if e.id.startswith("07-") and e.kind == "code"]
    assert repr(shown).startswith(f"07 Your first VAE: 1 of {len(code)} exercises passed, {KL.points} of ")
    assert f"open: {', '.join(e.id for e in code if e.id != '07-kl')}\n" in repr(shown)
    page = shown._repr_html_()
    assert page.count('scope="row"') == 1 and 'value="1"' in page and f'max="{len(code)}"' in page
    assert "<details open>" in page and "<details open>" not in exercises.progress()._repr_html_()
    assert len(exercises.progress().rows) == len({e.id[:2] for e in exercises.all_exercises()})
    with pytest.raises(ValueError, match="There is no lesson '99'"):
        exercises.progress("99")


def test_the_map_names_and_links_every_lesson_and_ticks_one_that_is_passed(monkeypatch):
    sources = sorted((Path(__file__).parents[2] / "solutions").glob("[0-9][0-9]_*.py"))
    titles = [next(line for line in path.read_text().splitlines() if line.startswith("# # ")) for path in sources]
    assert [f"# # {lesson} {title}" for lesson, (_, title) in NOTEBOOKS.items()] == titles
    assert [notebook for notebook, _ in NOTEBOOKS.values()] == [path.stem for path in sources]
    for id in exercises.lessons.ids():
        if id.startswith("07-") and exercises.get(id).kind == "code":
            record.remember(id)
    shown = exercises.progress()._repr_html_()
    assert re.findall(r'<a href="(\w+)\.ipynb">(\d\d) ', shown) == [(path.stem, path.stem[:2]) for path in sources]
    assert [part.count("✓") for part in shown.split("</tr>")[1:-1]] == [int(path.stem[:2] == "07") for path in sources]
    monkeypatch.setitem(sys.modules, "google.colab", sys)
    assert "<a " not in exercises.progress()._repr_html_(), "no notebook lies beside this one there"
    monkeypatch.delitem(sys.modules, "google.colab")
    monkeypatch.setenv("VAE_COURSE_STRICT", "1")
    assert "<a " not in exercises.progress()._repr_html_(), "a page that is built has other addresses"


def test_the_command_shows_and_forgets(monkeypatch, capsys):
    exercises.check("07-kl", right)
    assert cli.main(["progress", "07"]) == 0 and "1 of" in capsys.readouterr().out
    assert cli.main(["progress", "99"]) == 1
    assert cli.main(["progress", "07", "--reset", "--yes"]) == 1 and record.passed(), "one lesson alone is not reset"
    monkeypatch.setattr("builtins.input", lambda _: (_ for _ in ()).throw(EOFError))
    assert cli.main(["progress", "--reset"]) == 1 and record.passed()
    monkeypatch.setattr("builtins.input", lambda _: "")
    assert cli.main(["progress", "--reset"]) == 1 and record.passed()
    assert cli.main(["progress", "--reset", "--yes"]) == 0 and record.passed() == {}
    assert json.loads(record.path().read_text()) == {}
