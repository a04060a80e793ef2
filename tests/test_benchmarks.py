"""The benchmarks run, in small, and write their table where they are told to."""

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.__main__ import END, START, update
from benchmarks.table import Row, in_turns, median_ratio, table

ROOT = Path(__file__).parents[1]


def test_all_benchmarks_run_and_update_a_file(tmp_path: Path):
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{START}\nold\n{END}\nafter\n")
    command = [sys.executable, "-m", "benchmarks", "--quick", "--update", str(readme)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    text = readme.read_text()
    assert text.startswith(f"before\n{START}\n| what |")
    assert text.endswith(f"{END}\nafter\n")
    assert "old" not in text
    assert "Made by `python -m benchmarks --quick`" in text
    for what in ("plain loop", "matrix products", "test loss", "first picture", "`import vae_course`"):
        assert what in text, what
    assert text.count(": yes |") + text.count(": no |") == 6


def test_a_file_without_markers_is_left_alone(tmp_path: Path):
    (tmp_path / "README.md").write_text("nothing here")
    with pytest.raises(SystemExit, match="lacks the lines"):
        update(tmp_path / "README.md", "table")
    assert (tmp_path / "README.md").read_text() == "nothing here"


def test_a_round_runs_every_job_once_before_the_next_begins():
    order: list[str] = []
    seconds = in_turns({"a": lambda: order.append("a"), "b": lambda: order.append("b")}, rounds=3)
    assert order == ["a", "b"] * 3
    assert {name: len(values) for name, values in seconds.items()} == {"a": 3, "b": 3}


def test_the_ratio_is_the_median_of_the_rounds_not_the_ratio_of_the_medians():
    assert median_ratio([1.0, 20.0, 3.0], [1.0, 10.0, 1.0]) == 2.0


def test_the_table_is_markdown():
    row = Row("what", "1 s", "2 s", "2.0 times faster", "3.3", reached=False)
    assert table([row]).splitlines()[-1] == "| what | 1 s | 2 s | 2.0 times faster | 3.3: no |"
