"""Lesson 19: the planted report and its table, the rubric in prose, and what the text says of invented numbers."""

import math
import re
from pathlib import Path

import pytest

from vae_course import exercises
from vae_course.exercises.lesson_19.audit import NAMES, STATEMENTS
from vae_course.models import VAE
from vae_course.studies.capstone.card import RUBRIC

TEXT = (Path(__file__).parents[2] / "solutions" / "19_capstone.py").read_text(encoding="utf-8")
REPORT = TEXT[TEXT.index("**A VAE that compresses digits.**") : TEXT.index("### Your turn: the audit")]
FOUND = re.findall(r"^# (\d+)\. (.+\n(?:#  +.+\n)*)", REPORT, re.MULTILINE)
STATED = {int(number): " ".join(words.replace("\n#", " ").split()) for number, words in FOUND}


def test_the_report_has_as_many_statements_as_the_check_knows():
    assert sorted(STATED) == list(range(1, STATEMENTS + 1))


def test_the_table_below_the_report_has_the_names_of_the_check():
    assert re.findall(r"^# \| `([a-z ]+)` \|", REPORT, re.MULTILINE) == list(NAMES)


def test_what_is_sound_in_the_report_adds_up_and_what_is_planted_does_not():
    assert f"{96.4 / math.log(2):.1f} bits" in STATED[10]
    assert "0.117 bits" in STATED[9] and f"{91.9 / 784:.3f}" == "0.117" != f"{91.9 / 784 / math.log(2):.3f}"
    assert abs(10_000 * 96.4 / math.log(2) / 8 - 173_845) < 1 and "173,845 bytes" in STATED[11]
    assert f"{100 * 173_845 / 1_215_000:.0f}%" in STATED[11]
    assert f"{sum(p.numel() for p in VAE.mlp(20).parameters()):,} parameters" in STATED[12]
    assert f"{94.0 - 91.9:.1f} nats" in STATED[6]


def test_the_worked_answer_names_planted_statements_of_the_report():
    answer = exercises.get("19-audit").reference()
    assert len(answer) == 6 and set(answer) < set(STATED) and set(answer.values()) <= set(NAMES)


@pytest.mark.parametrize("row", RUBRIC, ids=lambda row: row.key)
def test_the_rubric_in_prose_has_each_row_with_its_points(row):
    cell = rf"^# \| \*\*{re.escape(row.name[:1].upper() + row.name[1:])}\*\*.*\| {row.points} \|$"
    assert re.search(cell, TEXT, re.MULTILINE)
