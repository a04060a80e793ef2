"""The command `vae-course`: what it hands on, what it says, and with what status it ends."""

import os
from pathlib import Path
from types import SimpleNamespace

import pytest
from jupyter_server.serverapp import ServerApp

from vae_course import __version__
from vae_course.tools import cli, doctor
from vae_course.tools.authoring import AuthoringError
from vae_course.tools.lab import PromptConnection

LESSON = "# %% [markdown]\n# # 00 Start here\n\n# %%\n1 + 1\n"


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with one lesson and no notebooks, as the working folder."""
    table = '[tool.vae-course]\nrepository = "https://github.com/owner/name"\nbranch = "main"\n'
    (tmp_path / "pyproject.toml").write_text(table)
    (tmp_path / "solutions").mkdir()
    (tmp_path / "solutions" / "00_start_here.py").write_text(LESSON)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def launched(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The options of each JupyterLab that would have been started."""
    calls: list[list[str]] = []
    monkeypatch.setattr("jupyterlab.labapp.LabApp.launch_instance", calls.append)
    return calls


def test_the_version_is_the_packages(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        cli.main(["--version"])
    assert end.value.code == 0
    assert capsys.readouterr().out == f"vae-course {__version__}\n"


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


def test_lab_opens_the_first_lesson_and_hands_on_jupyterlabs_own_options(
    checkout: Path, launched: list[list[str]]
) -> None:
    assert cli.main(["lab", "--no-browser", "--port", "8890"]) == 0
    (options,) = launched
    assert options[:2] == [
        f"--ServerApp.root_dir={checkout}",
        "--LabApp.default_url=/lab/tree/notebooks/00_start_here.ipynb",
    ]
    assert options[-3:] == ["--no-browser", "--port", "8890"]


def test_jupyters_server_takes_the_connection_that_lab_names_and_it_holds_no_message_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app = ServerApp()
    app.parse_command_line([cli.PROMPT])
    connection_class = app.kernel_websocket_connection_class
    assert connection_class is PromptConnection
    order: list[object] = []
    monkeypatch.setattr(connection_class.__base__, "connect", lambda self: order.append("connected"))
    handler = SimpleNamespace(set_nodelay=order.append)
    connection = connection_class.__new__(connection_class)
    monkeypatch.setattr(connection_class, "websocket_handler", handler)
    connection.connect()
    assert order == [True, "connected"]


@pytest.mark.parametrize(("user", "allowed"), [(0, True), (1000, False)])
def test_lab_starts_as_root_too(
    checkout: Path, launched: list[list[str]], monkeypatch: pytest.MonkeyPatch, user: int, allowed: bool
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: user)
    cli.main(["lab"])
    assert ("--allow-root" in launched[0]) is allowed


def test_lab_makes_a_missing_notebook_and_leaves_a_learners_work_alone(
    checkout: Path, launched: list[list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    notebook = checkout / "notebooks" / "00_start_here.ipynb"
    cli.main(["lab"])
    assert "1 + 1" in notebook.read_text()
    assert capsys.readouterr().out == "Made notebooks/00_start_here.ipynb.\n"
    notebook.write_text("a learner's work")
    cli.main(["lab"])
    assert notebook.read_text() == "a learner's work"
    assert len(launched) == 2


def test_lab_opens_though_one_lesson_cannot_be_made(
    checkout: Path, launched: list[list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    (checkout / "solutions" / "01_half.py").write_text("# %%\n1 + 1\n")
    assert cli.main(["lab"]) == 0
    assert [path.name for path in (checkout / "notebooks").iterdir()] == ["00_start_here.ipynb"]
    assert capsys.readouterr().err.startswith("notebooks/01_half.ipynb could not be made. solutions/01_half.py:")
    assert len(launched) == 1


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
    monkeypatch.setattr("vae_course.tools.authoring.command.run", failing(error))
    assert cli.main(["build"]) == 1
    assert capsys.readouterr().err == f"vae-course: {sentence}\n"


@pytest.mark.parametrize("error", [ZeroDivisionError(), ModuleNotFoundError("gone", name="vae_course.gone")])
def test_a_defect_of_ours_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    monkeypatch.setattr("vae_course.tools.authoring.command.run", failing(error))
    with pytest.raises(type(error)):
        cli.main(["build"])


def test_outside_a_checkout_lab_says_where_to_go(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, launched: list[list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        "vae_course.tools.cli.settings.read", failing(AuthoringError("Change into the course's folder."))
    )
    assert cli.main(["lab"]) == 1
    assert capsys.readouterr().err == "vae-course: Change into the course's folder.\n"
    assert launched == []
