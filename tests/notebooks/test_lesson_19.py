"""Lesson 19: the planted report and its table, the rubric in prose, and what the text says of invented numbers."""

import math
import re
from pathlib import Path

import pytest
import torch

from vae_course import exercises
from vae_course.exercises.judging import judge
from vae_course.exercises.lesson_19.audit import NAMES, STATEMENTS
from vae_course.exercises.outcomes import run_answer
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
    assert round(10_000 * 96.4 / math.log(2) / 8, -3) == 174_000 and "about 174,000 bytes" in STATED[11]
    assert f"{100 * 174_000 / 321_000:.0f}%" in STATED[11] and "321,000 bytes" in STATED[11]
    assert f"{sum(p.numel() for p in VAE.mlp(20).parameters()):,} parameters" in STATED[12]
    assert f"{94.0 - 91.9:.1f} nats" in STATED[6]


def test_the_worked_answer_names_planted_statements_of_the_report():
    answer = exercises.get("19-audit").reference()
    assert len(answer) == 6 and set(answer) < set(STATED) and set(answer.values()) <= set(NAMES)


def told(id, answer):
    exercise = exercises.get(id)
    return judge(exercise, run_answer(exercise, answer, exercise.cases(0)), seed=0, varied=False).message


@pytest.mark.parametrize(
    ("found", "counts"),
    [
        (
            {3: "no bound", 5: "rate misread"},
            "1 of 6 mistakes found, 0 of these rightly named; 1 sound statement flagged",
        ),
        (
            {3: NAMES[0], 9: "nats for bits"},
            "2 of 6 mistakes found, 2 of these rightly named; 0 sound statements flagged",
        ),
    ],
)
def test_the_audit_counts_and_says_no_number_of_a_statement(found, counts):
    message = told("19-audit", lambda: found)
    assert message.startswith(counts) and "times" not in message


def test_trainings_that_form_no_pairs_are_named_where_their_numbers_differ():
    right = exercises.get("19-errors").reference
    paired = told("19-errors", lambda a, b: (*right(a, b)[:2], (a.mean(1) - b.mean(1)).std() / len(a) ** 0.5))
    assert "3 trainings and b 5, which form no pairs" in paired
    assert "RuntimeError" in told("19-errors", lambda a, b: a.mean(0) + torch.ones(2, 1000))


@pytest.mark.parametrize("row", RUBRIC, ids=lambda row: row.key)
def test_the_rubric_in_prose_has_each_row_with_its_points(row):
    cell = rf"^# \| \*\*{re.escape(row.name[:1].upper() + row.name[1:])}\*\*.*\| {row.points} \|$"
    assert re.search(cell, TEXT, re.MULTILINE)
