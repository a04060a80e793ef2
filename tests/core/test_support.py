"""What every room uses: files that are never half written, words, and digests of source."""

import ast
import errno
import gc
import os
import pwd
import sqlite3
import stat
import sys
import tempfile
import threading
from pathlib import Path

import pytest

from vae_course.support import files, sources
from vae_course.support.files import write
from vae_course.support.sources import source_digest, source_files
from vae_course.support.words import count


def test_an_interrupted_write_leaves_the_old_file_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "new" / "a.txt"
    write(path, b"old")

    def stop(self: Path, target: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", stop)
    with pytest.raises(KeyboardInterrupt):
        write(path, "new")
    assert path.read_bytes() == b"old" and list(path.parent.iterdir()) == [path]


def test_a_file_is_written_in_the_mode_of_any_other_and_as_utf_8(tmp_path: Path) -> None:
    """Others of a group may read what lies in a shared folder."""
    (tmp_path / "plain").touch()
    write(tmp_path / "a", "ä\n")
    assert (tmp_path / "a").read_bytes() == b"\xc3\xa4\n"
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == stat.S_IMODE((tmp_path / "plain").stat().st_mode)


def test_a_file_that_cannot_be_written_is_an_error_that_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "folder" / "inside").mkdir(parents=True)
    with pytest.raises(OSError):
        write(tmp_path / "folder", b"x")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_one_thing_has_no_plural() -> None:
    assert [count(n, "point") for n in (0, 1, 1.0, 2, 0.5)] == [
        "0 points",
        "1 point",
        "1.0 point",
        "2 points",
        "0.5 points",
    ]


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A package of a few files that import each other in every form."""
    files = {
        "__init__.py": "",
        "a.py": "import math\nimport vae_course.b\n",
        "b.py": "def f():\n    from .room import first\n",
        "room/__init__.py": "from vae_course.room.second import name\n",
        "room/first.py": "from ..lonely import x\nfrom . import third\n",
        "room/second.py": "name = 1\n",
        "room/third.py": "from vae_course import room\n",
        "lonely.py": "from torch import nn\n",
        "other.py": "import vae_course.a\n",
    }
    for name, content in files.items():
        write(tmp_path / "vae_course" / name, content)
    return tmp_path / "vae_course"


@pytest.mark.parametrize(
    ("modules", "files"),
    [
        (["vae_course.lonely"], "lonely.py"),
        (["vae_course.room.second"], "room/second.py"),
        (["vae_course.room"], "lonely.py room/__init__.py room/first.py room/second.py room/third.py"),
        (["vae_course.a"], "a.py b.py lonely.py room/__init__.py room/first.py room/second.py room/third.py"),
        (["vae_course.lonely", "vae_course.room.second"], "lonely.py room/second.py"),
    ],
)
def test_the_sources_of_a_module_are_all_that_it_imports(package: Path, modules: list[str], files: str) -> None:
    found = source_files(*modules, package=package)
    assert [path.relative_to(package).as_posix() for path in found] == files.split()


def test_a_digest_changes_with_what_a_module_imports_and_with_nothing_else(package: Path) -> None:
    digests = [source_digest("vae_course.a", package=package)]
    for name in ("other.py", "room/first.py"):
        write(package / name, (package / name).read_text() + "\n")
        digests.append(source_digest("vae_course.a", package=package))
    assert digests[0] == digests[1] != digests[2]
    (package / "room" / "first.py").write_text("import vae_course.other\n")
    assert package / "other.py" in source_files("vae_course.a", package=package)


def test_an_unknown_module_has_no_digest(package: Path) -> None:
    with pytest.raises(ValueError, match=r"no module 'vae_course\.nowhere'"):
        source_digest("vae_course.nowhere", package=package)


@pytest.mark.parametrize(
    ("number", "fix"),
    [
        (errno.ENOSPC, "make room there"),
        (errno.EDQUOT, "make room there"),
        (errno.EROFS, "see that it is a folder where you may write"),
        (errno.EACCES, "see that it is a folder where you may write"),
    ],
)
def test_what_keeps_a_file_from_being_written_is_said_in_one_sentence(tmp_path: Path, number: int, fix: str):
    sentence = pytest.raises(RuntimeError, match=f"can be written to {tmp_path} .*: {fix}, or choose another")
    with sentence as said, files.writing(tmp_path, RuntimeError):
        raise OSError(number, "raw")
    assert said.value.__suppress_context__


def test_a_database_on_a_full_or_read_only_disk_says_the_same(tmp_path: Path):
    database = sqlite3.connect(tmp_path / "book.db")
    database.execute("CREATE TABLE marks (text)")
    database.execute("PRAGMA max_page_count = 3")
    with pytest.raises(OSError, match="make room there"), files.writing(tmp_path):
        try:
            database.execute("INSERT INTO marks VALUES (?)", ("x" * 100_000,))
        except sqlite3.Error as error:
            raise ValueError("a library's own error") from error
    database.execute("PRAGMA query_only = 1")
    with pytest.raises(OSError, match="you may write"), files.writing(tmp_path):
        database.execute("INSERT INTO marks VALUES ('x')")
    database.close()


def test_errors_that_are_not_of_the_disk_stay_as_they_are(tmp_path: Path):
    for error in (ValueError("other"), FileNotFoundError(errno.ENOENT, "gone"), sqlite3.OperationalError("no table")):
        with pytest.raises(type(error)) as same, files.writing(tmp_path):
            raise error
        assert same.value is error


def test_pytorchs_threads_sleep_while_they_wait_in_the_tests_too():
    """Spinning beside busy neighbours, one test took fifteen times its processor time; `tests` imports the package first."""
    assert "OMP_WAIT_POLICY" in os.environ


def test_threads_and_the_garbage_collector_parse_without_disturbing_each_other():
    """Python 3.11 builds trees safely in one place at a time only; see `sources.tree`."""
    text, errors = (sources.PACKAGE / "plotting" / "images.py").read_text(encoding="utf-8"), []

    def parse_often() -> None:
        try:
            for _ in range(8):
                sources.tree(text)
        except SystemError as error:
            errors.append(error)

    def parse_too(phase: str, info: dict[str, int]) -> None:
        ast.parse("def f(): return 1, [2, {3}]")

    interval, threshold = sys.getswitchinterval(), gc.get_threshold()
    sys.setswitchinterval(1e-6)
    gc.callbacks.append(parse_too)
    gc.set_threshold(10)
    try:
        threads = [threading.Thread(target=parse_often) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
        gc.callbacks.remove(parse_too)
        gc.set_threshold(*threshold)
    assert not errors and gc.isenabled()


def test_a_user_without_a_home_keeps_files_among_the_temporary_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container that runs under a bare user id."""

    def unknown(user: int) -> None:
        raise KeyError(user)

    for name in ("HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME", "VAE_COURSE_CACHE", "VAE_COURSE_STATE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", unknown)
    assert files.cache_dir().parent == files.state_dir().parent == Path(tempfile.gettempdir())
    monkeypatch.setenv("VAE_COURSE_CACHE", "~/kept")
    monkeypatch.setenv("VAE_COURSE_STATE", "~/kept")
    assert files.cache_dir().parent == files.state_dir().parent == Path(tempfile.gettempdir())
