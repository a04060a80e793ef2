"""A whole class: results kept at once, taken up where it stopped, and no submission in the way of another."""

import dataclasses
import json
import os
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.fixtures.classroom import FIRST, both, handed_out, to_bytes
from vae_course.exercises import Outcome
from vae_course.grading import Graded, GradingError, Mark, Submission, lessons, marking, single, whole
from vae_course.grading.code import Program
from vae_course.grading.running import Run
from vae_course.grading.salvage import Found
from vae_course.grading.sandbox import Limits

CLASS = [Submission(name, FIRST, f"{name}.ipynb", name.encode()) for name in ("ann", "bob", "cat", "dan")]


class Grader:
    """Grades at once, counts whom, and fails for those named."""

    def __init__(self, *failing: str) -> None:
        self.calls: Counter[str] = Counter()
        self.failing = failing

    def __call__(self, submission: Submission, *, limits: Limits, sandbox: bool, seed: int) -> Graded:
        self.calls[submission.student] += 1
        if submission.student in self.failing:
            raise RuntimeError("no space left")
        marks = (Mark("00-codes", "passed", 2, 2, "Right.", doubts=("look",)),)
        return Graded(submission.student, submission.lesson, submission.name, marks)


def grade(results: Path, grader: Grader, submissions=CLASS, **more) -> list[Graded]:
    settings = {"sandbox": False, "progress": False} | more
    return whole.grade_class(submissions, results, grade=grader, **settings)


def test_results_are_in_order_and_on_disk(tmp_path: Path):
    graded = grade(tmp_path, Grader(), jobs=3)
    assert [g.student for g in graded] == ["ann", "bob", "cat", "dan"]
    for result in graded:
        kept = json.loads((tmp_path / "graded" / result.student / f"{FIRST}.json").read_text())
        assert Graded.from_dict(kept["graded"]) == result
    assert not list(tmp_path.rglob("*.tmp"))


def test_what_is_there_is_not_graded_again(tmp_path: Path):
    first, again = Grader(), Grader()
    assert grade(tmp_path, first) == grade(tmp_path, again) and not again.calls
    changed = [dataclasses.replace(CLASS[1], content=b"new"), *CLASS[2:], CLASS[0]]
    grade(tmp_path, again, changed)
    assert again.calls == {"bob": 1}


@pytest.mark.parametrize("more", [{"seed": 1}, {"limits": Limits(seconds=1)}, {"resume": False}])
def test_other_settings_are_graded_again(tmp_path: Path, more):
    grade(tmp_path, Grader())
    again = Grader()
    grade(tmp_path, again, **more)
    assert sum(again.calls.values()) == 4


def test_other_grading_code_is_graded_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    grade(tmp_path, Grader())
    again = Grader()
    monkeypatch.setattr(whole, "_code", lambda: "other")
    grade(tmp_path, again)
    assert sum(again.calls.values()) == 4


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"key": 1}', "null"])
def test_half_a_result_is_made_again(tmp_path: Path, damage: str):
    grade(tmp_path, Grader())
    (tmp_path / "graded" / "bob" / f"{FIRST}.json").write_text(damage)
    again = Grader()
    grade(tmp_path, again)
    assert again.calls == {"bob": 1}


def test_one_that_can_not_be_graded_stops_no_other_and_is_tried_again(tmp_path: Path):
    graded = grade(tmp_path, Grader("bob"))
    assert [g.points for g in graded] == [2, 0, 2, 2]
    assert "no space left" in graded[1].problem and graded[1].max_points == 5
    again = Grader()
    assert [g.points for g in grade(tmp_path, again)] == [2, 2, 2, 2] and again.calls == {"bob": 1}


def test_an_interrupted_run_keeps_what_it_has(tmp_path: Path):
    class Stop(Grader):
        def __call__(self, submission: Submission, **settings) -> Graded:
            if submission.student == "cat":
                raise KeyboardInterrupt
            return super().__call__(submission, **settings)

    with pytest.raises(KeyboardInterrupt):
        grade(tmp_path, Stop())
    again = Grader()
    grade(tmp_path, again)
    assert "ann" not in again.calls and "bob" not in again.calls and again.calls["cat"] == 1


def test_jobs_run_side_by_side(tmp_path: Path):
    inside, most = 0, 0
    lock = threading.Lock()

    class Slow(Grader):
        def __call__(self, submission: Submission, **settings) -> Graded:
            nonlocal inside, most
            with lock:
                inside += 1
                most = max(most, inside)
            time.sleep(0.05)
            with lock:
                inside -= 1
            return super().__call__(submission, **settings)

    grade(tmp_path, Slow(), jobs=2)
    assert most == 2


@pytest.mark.parametrize(
    "name", ["../../etc", "", ".", "a/b", "Zoë Ł", "x" * 500, "𝔸" * 99, "con\0", "a\nb", ".hidden"]
)
def test_no_name_leads_out_of_the_folder(tmp_path: Path, name: str):
    path = whole.result_path(tmp_path, name, FIRST)
    assert path.parent.parent == tmp_path / "graded" and len(os.fsencode(path.parent.name)) < 200
    assert path.resolve().is_relative_to(tmp_path.resolve() / "graded")
    path.parent.mkdir(parents=True)


def test_different_names_have_different_folders():
    names = ["+a", "@a", "-a", "a/b", "a_b", "a b", "A B", "..", ".", "", "student"]
    assert len({whole.safe_name(name) for name in names}) == len(names)
    assert not [name for name in names if whole.safe_name(name).startswith(("+", "@", "-", "="))]


def test_a_folder_that_can_not_be_written_is_said_before_all_are_graded(tmp_path: Path):
    (tmp_path / "graded").write_text("a file")

    class Slow(Grader):
        def __call__(self, submission: Submission, **settings) -> Graded:
            time.sleep(0.5)
            return super().__call__(submission, **settings)

    grader = Slow()
    with pytest.raises(GradingError, match="can't be written .* make room there"):
        grade(tmp_path, grader)
    assert sum(grader.calls.values()) < 4


def test_an_unknown_lesson_is_said(tmp_path: Path):
    with pytest.raises(GradingError, match="There is no lesson '99_nothing'"):
        grade(tmp_path, Grader(), [Submission("a", "99_nothing", "a", b"")])


def test_without_a_checkout_grading_says_what_it_needs(monkeypatch: pytest.MonkeyPatch):
    def none():
        raise lessons.AuthoringError("no checkout")

    monkeypatch.setattr(lessons.settings, "read", none)
    with pytest.raises(GradingError, match="run it in a checkout of the course"):
        lessons.names()


def test_without_a_sandbox_the_marks_are_the_same(tmp_path: Path):
    submissions = [
        Submission("a", FIRST, "a", to_bytes(both())),
        Submission("b", FIRST, "b", to_bytes(handed_out(FIRST))),
    ]
    graded = whole.grade_class(submissions, tmp_path, sandbox=False, progress=False)
    assert [g.points for g in graded] == [4, 0] and not any(g.needs_person() for g in graded)


def test_a_result_that_the_comparison_trips_over_is_wrong_and_doubtful(monkeypatch: pytest.MonkeyPatch):
    """Whatever passes the strict reading and still breaks the judge must not end the run."""
    exercise = lessons.load(FIRST).exercises[0]

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(marking, "judge", broken)

    class Runner:
        def run(self, *_: object) -> Run:
            return Run(outcomes=(Outcome(),))

    found = Found("answer", "text", Program(()), exercise.function)
    mark = marking.mark(exercise, found, Runner(), single.DEFAULT_SEED)  # type: ignore[arg-type]
    assert (mark.status, mark.points) == ("failed", 0) and "could not be compared" in mark.doubts[0]
