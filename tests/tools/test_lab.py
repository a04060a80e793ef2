"""`vae-course lab`: what it opens, what it makes beforehand, and what it changes in Jupyter's server."""

import os
from pathlib import Path
from types import SimpleNamespace

import pytest
from jupyter_server.serverapp import ServerApp

from vae_course.tools import cli, lab
from vae_course.tools.authoring import AuthoringError

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
    """The options of each JupyterLab that would have been started; what it hands on to kernels is taken back."""
    monkeypatch.setenv("OMP_WAIT_POLICY", "")
    monkeypatch.delenv("OMP_WAIT_POLICY")
    calls: list[list[str]] = []
    monkeypatch.setattr("jupyterlab.labapp.LabApp.launch_instance", calls.append)
    return calls


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
    app.parse_command_line([lab.PROMPT])
    connection_class = app.kernel_websocket_connection_class
    assert connection_class is lab.PromptConnection
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


def test_outside_a_checkout_lab_says_where_to_go(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, launched: list[list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    def read() -> None:
        raise AuthoringError("Change into the course's folder.")

    monkeypatch.setattr("vae_course.tools.lab.settings.read", read)
    assert cli.main(["lab"]) == 1
    assert capsys.readouterr().err == "vae-course: Change into the course's folder.\n"
    assert launched == []


@pytest.mark.parametrize(("own", "then"), [(None, "passive"), ("active", "active")])
def test_kernels_wait_without_spinning_unless_the_learner_says_otherwise(
    checkout: Path, launched: list[list[str]], monkeypatch: pytest.MonkeyPatch, own: str | None, then: str
) -> None:
    if own:
        monkeypatch.setenv("OMP_WAIT_POLICY", own)
    cli.main(["lab"])
    assert os.environ["OMP_WAIT_POLICY"] == then
