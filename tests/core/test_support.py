"""What every room uses: files that are never half written, words, and digests of source."""

import stat
from pathlib import Path

import pytest

from vae_course.support.files import write
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
