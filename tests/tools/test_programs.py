"""The finders of what pip does not install, on which it depends whether a test is skipped."""

from pathlib import Path

import pytest

from tests.support import programs


def tool(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{text}\n")
    (folder / name).chmod(0o755)


def test_a_browser_is_found_by_any_of_its_names(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(programs, "MAC_BROWSERS", ())
    monkeypatch.setenv("PATH", str(tmp_path))
    assert programs.find_chromium() is None
    tool(tmp_path, "google-chrome", "exit 0")
    assert programs.find_chromium() == str(tmp_path / "google-chrome")


def test_a_bubblewrap_that_may_not_make_a_sandbox_does_not_count(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert programs.find_bubblewrap() is None
    tool(tmp_path, "bwrap", "exit 1")
    assert programs.find_bubblewrap() is None
    tool(tmp_path, "bwrap", "exit 0")
    assert programs.find_bubblewrap() == str(tmp_path / "bwrap")
