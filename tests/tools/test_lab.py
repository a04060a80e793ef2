"""`vae-course lab`: what it opens, what it makes beforehand, and what it changes in Jupyter's server and page."""

import errno
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from jupyter_server.serverapp import ServerApp

from tests.support.browser import browser_page, jupyterlab
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
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", "")
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


def test_lab_opens_the_first_notebook_that_is_there(checkout: Path, launched: list[list[str]]) -> None:
    (checkout / "solutions" / "00_start_here.py").unlink()
    (checkout / "notebooks").mkdir()
    cli.main(["lab"])
    assert "--LabApp.default_url=/lab" in launched[0]
    for name in ("04_the_elbo.ipynb", "02_models.ipynb", "mine.ipynb"):
        (checkout / "notebooks" / name).touch()
    cli.main(["lab"])
    assert "--LabApp.default_url=/lab/tree/notebooks/02_models.ipynb" in launched[1]


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


def read_only(monkeypatch: pytest.MonkeyPatch, *folders: Path) -> None:
    """From here on, no file can be made in these folders."""
    make = tempfile.TemporaryFile

    def refuse(*, dir: Path) -> Any:
        if any(dir.is_relative_to(folder) for folder in folders):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(dir))
        return make(dir=dir)

    monkeypatch.setattr(lab.tempfile, "TemporaryFile", refuse)


@pytest.fixture
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of one's own."""
    folder = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(folder))
    return folder


def test_notebooks_of_a_read_only_checkout_are_kept_at_home(
    checkout: Path,
    home: Path,
    launched: list[list[str]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
) -> None:
    """Lesson 01 was deleted in the checkout; a notebook at home may hold a learner's work."""
    (checkout / "solutions" / "01_next.py").write_text(LESSON.replace("00 Start", "01 Start"))
    (checkout / "notebooks").mkdir()
    (checkout / "notebooks" / "00_start_here.ipynb").write_text("shipped")
    read_only(monkeypatch, checkout)
    kept = home / "vae-course" / "notebooks"
    assert cli.main(["lab"]) == 0
    assert capsys.readouterr().out.startswith(
        f"{checkout} can't be written to, so your notebooks are kept in {kept}.\n"
    )
    assert launched[0][0] == f"--ServerApp.root_dir={home / 'vae-course'}"
    assert (kept / "00_start_here.ipynb").read_text() == "shipped"
    assert "# 01 Start here" in (kept / "01_next.ipynb").read_text()
    assert not (checkout / "notebooks" / "01_next.ipynb").exists()
    (kept / "00_start_here.ipynb").write_text("a learner's work")
    cli.main(["lab"])
    assert (kept / "00_start_here.ipynb").read_text() == "a learner's work"


def test_where_notebooks_can_be_kept_nowhere_one_sentence_says_what_to_do(
    checkout: Path,
    home: Path,
    launched: list[list[str]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
) -> None:
    read_only(monkeypatch, checkout, home)
    assert cli.main(["lab"]) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"vae-course: Notebooks can be kept neither in {checkout / 'notebooks'} nor in {home}")
    assert said.endswith("copy the course to a folder of yours, and run `make lab` there.\n")
    assert launched == []


@pytest.mark.parametrize("started", ["by the course", "plainly"])
def test_nbgraders_menu_shows_in_a_plain_lab_only(
    started: str,
    checkout: Path,
    launched: list[list[str]],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    need: Callable[[str], str],
) -> None:
    chromium = need("chromium")
    if started == "by the course":
        cli.main(["lab"])
        assert launched
    (tmp_path / "shown").mkdir()
    (tmp_path / "shown" / "page.txt").write_text("A text needs no kernel.\n")
    with (
        jupyterlab(tmp_path / "shown", tmp_path / "private", view="lab/tree") as server,
        browser_page(chromium) as visit,
    ):
        visit.page.goto(server.address("page.txt"))
        visit.page.get_by_role("menuitem", name="Help", exact=True).wait_for()
        menus = visit.page.locator(".lm-MenuBar-itemLabel").all_inner_texts()
    assert ("Nbgrader" in menus) is (started == "plainly")


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
