"""The command `vae-course build`."""

import argparse
from pathlib import Path

import pytest

from tests.support.fixtures import toy
from vae_course.tools import authoring
from vae_course.tools.authoring.command import add_arguments, run

PLAIN = "# %% [markdown]\n# # 01 Plain\n\n# %%\n1 + 1\n"


def command(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return run(parser.parse_args(arguments))


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


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["99"], 'There is no lesson "99"; there are 01_plain.'),
        (["--force", "--no-execute"], "give one of them"),
    ],
)
def test_a_wrong_argument_gets_one_sentence(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    says: str,
) -> None:
    toy.checkout(tmp_path, name="01_plain", lesson=PLAIN)
    monkeypatch.chdir(tmp_path)
    assert command(*arguments) == 1
    assert says in capsys.readouterr().err
