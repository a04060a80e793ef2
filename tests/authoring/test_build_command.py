"""The command `vae-course build`."""

from pathlib import Path

import pytest

from tests.support.fixtures import toy
from vae_course.tools import authoring, cli
from vae_course.tools.authoring import AuthoringError
from vae_course.tools.authoring.source import select

PLAIN = "# %% [markdown]\n# # 01 Plain\n\n# %%\n1 + 1\n"


def command(*arguments: str) -> int:
    return cli.main(["build", *arguments])


def test_check_says_what_is_stale_and_build_mends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    toy.checkout(tmp_path, name="01_plain", lesson=PLAIN)
    monkeypatch.chdir(tmp_path)
    assert [path.name for path in authoring.lessons()] == ["01_plain.py"]
    assert command("--check") == 1
    assert "01_plain: stale\n  solutions/01_plain.ipynb is missing." in capsys.readouterr().out
    assert command("01") == 0
    assert "01_plain: built in" in capsys.readouterr().out
    assert command("--check") == command("--check", "01_plain") == command("solutions/01_plain.py") == 0
    assert capsys.readouterr().out == "01_plain: up to date\n" * 3


def test_one_broken_lesson_does_not_keep_the_others_from_being_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    toy.checkout(tmp_path, name="01_plain", lesson=PLAIN)
    toy.checkout(tmp_path, name="00_broken", lesson="# %%\n1\n")
    monkeypatch.chdir(tmp_path)
    assert command("--no-execute") == 1
    out, err = capsys.readouterr()
    assert "00_broken: failed" in out and "solutions/00_broken.py:1: " in err
    assert (tmp_path / "notebooks" / "01_plain.ipynb").is_file()
    assert command("--check") == 1
    assert "01_plain.ipynb has not been executed" in capsys.readouterr().out


LESSONS = [
    Path("solutions", f"{name}.py") for name in ("00_start_here", "01_autoencoders", "04_the_elbo", "06_likelihood")
]


@pytest.mark.parametrize(
    ("words", "chosen"),
    [
        ([], LESSONS),
        (["01-06"], LESSONS[1:]),
        (["4"], [LESSONS[2]]),
        (["06, 00"], [LESSONS[0], LESSONS[3]]),
        (["06", "00"], [LESSONS[0], LESSONS[3]]),
        (["04_the_elbo"], [LESSONS[2]]),
        (["solutions/04_the_elbo.py"], [LESSONS[2]]),
        (["0-1,04"], LESSONS[:3]),
        (["0-1", "01,04"], LESSONS[:3]),
    ],
)
def test_lessons_are_chosen_by_number_range_name_and_path(words: list[str], chosen: list[Path]) -> None:
    assert select(words, LESSONS) == chosen


@pytest.mark.parametrize("word", ["02", "07-09", "06-01", "elbo", "", "04,,06"])
def test_a_choice_that_names_no_lesson_says_which_there_are(word: str) -> None:
    with pytest.raises(AuthoringError, match=r"names no lesson.*00, 01, 04, 06"):
        select([word], LESSONS)


def test_a_lesson_that_is_not_there_gets_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    toy.checkout(tmp_path, name="01_plain", lesson=PLAIN)
    monkeypatch.chdir(tmp_path)
    assert command("99") == 1
    told = capsys.readouterr().err
    assert told.startswith('vae-course: "99" names no lesson; ') and told.endswith(" There are 01.\n")


def test_running_everything_and_nothing_makes_no_sense() -> None:
    with pytest.raises(SystemExit) as end:
        command("--force", "--no-execute")
    assert end.value.code == 2
