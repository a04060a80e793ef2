"""The benchmarks run, in small, and write their table where they are told to."""

import re
import subprocess
import sys
from pathlib import Path

from benchmarks import pad
from benchmarks.table import Row, goals, in_turns, median_ratio, table
from tests.support import programs

ROOT = Path(__file__).parents[2]
START, END = "<!-- benchmarks:start -->", "<!-- benchmarks:end -->"


def test_all_benchmarks_run_and_update_a_file(tmp_path: Path):
    page = tmp_path / "page.md"
    page.write_text(f"before\n{START}\nwhat was there\n{END}\nafter\n")
    command = [sys.executable, "-m", "benchmarks", "--quick", "--update", str(page)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    text = page.read_text()
    assert text.startswith(f"before\n{START}\n| what |")
    assert text.endswith(f"{END}\nafter\n")
    assert "what was there" not in text
    assert "Made by `python -m benchmarks --quick`" in text
    rows = "plain loop,steps by hand,matrix products,test loss,2-D manifold,first picture,`import vae_course`"
    for what in [*rows.split(","), "check of an exercise", "picture of a code", "bits back"]:
        assert what in text, what
    in_browser = (
        ("new picture, latent pad", "slider to new picture", "frames a second") if programs.find_chromium() else ()
    )
    for what in in_browser:
        assert what in text, what
    assert "beside 1 busy process |" in text
    # Only where a control group can be made.
    quota = text.count("with a quota of")
    told = re.findall(r"^(?:reached|missed): ", result.stdout, re.MULTILINE)
    assert len(told) == text.count("\n| ") - 2 == 13 + quota + len(in_browser)


def test_without_chromium_the_pad_is_left_out_with_a_line(monkeypatch, capsys):
    monkeypatch.setattr(programs, "find_chromium", lambda: None)
    assert pad.measure(quick=True) == []
    assert "The latent pad is not measured: Chromium is not here; install it" in capsys.readouterr().out


def test_a_round_runs_every_job_once_before_the_next_begins():
    order: list[str] = []
    seconds = in_turns({"a": lambda: order.append("a"), "b": lambda: order.append("b")}, rounds=3)
    assert order == ["a", "b"] * 3
    assert {name: len(values) for name, values in seconds.items()} == {"a": 3, "b": 3}


def test_the_ratio_is_the_median_of_the_rounds_not_the_ratio_of_the_medians():
    assert median_ratio([1.0, 20.0, 3.0], [1.0, 10.0, 1.0]) == 2.0


def test_the_table_is_markdown():
    row = Row("what", "1 s", "2 s", "2.0 times faster", "3.3", reached=False)
    assert table([row]).splitlines()[-1] == "| what | 1 s | 2 s | 2.0 times faster |"
    assert goals([row]) == "missed: 3.3 (what)"
