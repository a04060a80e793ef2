"""The command `vae-course`: what it hands on, what it says, and with what status it ends."""

import argparse
import io
import subprocess
import sys

import pytest

from vae_course import __version__
from vae_course.tools import cli, doctor
from vae_course.tools.authoring import AuthoringError


def test_the_version_is_the_packages(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        cli.main(["--version"])
    assert end.value.code == 0
    assert capsys.readouterr().out == f"vae-course {__version__}\n"


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_every_command_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        cli.main(["--help"])
    with pytest.raises(SystemExit) as own_end:
        cli.main([name, "--help"])
    assert end.value.code == own_end.value.code == 0
    whole, _, own = capsys.readouterr().out.partition(f"usage: vae-course {name} [-h]")
    assert f"\n    {name}" in whole and "." in own


def test_a_command_loads_only_its_own_module() -> None:
    code = "import sys\nfrom vae_course.tools import cli\ntry: cli.main(['--help'])\nexcept SystemExit: pass\n"
    check = "sys.exit(' '.join({'torch', 'nbformat', 'jupyter_server'} & set(sys.modules)) or 0)"
    done = subprocess.run([sys.executable, "-c", code + check], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("arguments", [[], ["frobnicate"], ["doctor", "--loudly"], ["build", "--loudly"]])
def test_a_command_line_that_makes_no_sense_ends_with_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as end:
        cli.main(arguments)
    assert end.value.code == 2


@pytest.mark.parametrize(("status", "code"), [("ok", 0), ("optional", 0), ("missing", 1)])
def test_doctor_ends_with_1_when_something_needed_is_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], status: doctor.Status, code: int
) -> None:
    findings = [doctor.Finding("a thing", status, "what was found", "what to do")]
    monkeypatch.setattr(doctor, "diagnose", lambda: findings)
    assert cli.main(["doctor"]) == code
    assert capsys.readouterr().out == doctor.report(findings) + "\n"


def failing(error: Exception) -> object:
    def run(*_: object) -> int:
        raise error

    return run


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (AuthoringError("The lesson has no title."), "The lesson has no title."),
        (PermissionError(13, "Permission denied", "x.ipynb"), "[Errno 13] Permission denied: 'x.ipynb'"),
        (
            ModuleNotFoundError("No module named 'nbformat.v4'", name="nbformat.v4"),
            "nbformat is not installed here: run `pip install nbformat`.",
        ),
    ],
)
def test_a_known_trouble_is_one_sentence_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: Exception, sentence: str
) -> None:
    monkeypatch.setattr("vae_course.tools.authoring.build.run", failing(error))
    assert cli.main(["build"]) == 1
    assert capsys.readouterr().err == f"vae-course: {sentence}\n"


@pytest.mark.parametrize("error", [ZeroDivisionError(), ModuleNotFoundError("gone", name="vae_course.gone")])
def test_a_defect_of_ours_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    monkeypatch.setattr("vae_course.tools.authoring.build.run", failing(error))
    with pytest.raises(type(error)):
        cli.main(["build"])


def test_a_terminal_that_lacks_a_letter_shows_its_code(monkeypatch: pytest.MonkeyPatch) -> None:
    def greet(args: argparse.Namespace) -> int:
        print("Zo\u00eb \u2013 3")
        return 0

    terminal = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(doctor, "run", greet)
    monkeypatch.setattr(sys, "stdout", terminal)
    assert cli.main(["doctor"]) == 0
    terminal.seek(0)
    assert terminal.read() == "Zo\\xeb \\u2013 3\n"
