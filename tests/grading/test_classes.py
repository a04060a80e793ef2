"""A whole class: results kept at once, taken up where it stopped, and no submission in the way of another."""

import dataclasses
import functools
import json
import os
import shutil
import threading
from collections import Counter
from concurrent.futures import Future
from pathlib import Path

import pytest

from tests.support.fixtures.classroom import FIRST, both, handed_out, to_bytes
from vae_course.support import sources
from vae_course.tools.grading import Graded, GradingError, Mark, Submission
from vae_course.tools.grading.mark import PUBLIC_SEED, classes
from vae_course.tools.grading.read import lessons
from vae_course.tools.grading.sandbox.limits import Limits

CLASS = [Submission(name, FIRST, f"{name}.ipynb", name.encode()) for name in ("ann", "bob", "cat", "dan")]


class Grader:
    """Grades at once, counts whom, and fails for those named."""

    def __init__(self, *failing: str) -> None:
        self.calls: Counter[str] = Counter()
        self.seeds: set[int] = set()
        self.failing = failing

    def __call__(self, submission: Submission, *, limits: Limits, sandbox: bool, seed: int) -> Graded:
        self.calls[submission.student] += 1
        self.seeds.add(seed)
        if submission.student in self.failing:
            raise RuntimeError("no space left")
        marks = (Mark("00-codes", "passed", 2, 2, "Right.", doubts=("look",)),)
        return Graded(submission.student, submission.lesson, submission.name, marks)


def grade(results: Path, grader: Grader, submissions=CLASS, **more) -> list[Graded]:
    settings = {"sandbox": False, "progress": False} | more
    return classes.grade_class(submissions, results, grade=grader, **settings)


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
    changed = [dataclasses.replace(CLASS[1], source=b"new"), *CLASS[2:], CLASS[0]]
    grade(tmp_path, again, changed)
    assert again.calls == {"bob": 1}


@pytest.mark.parametrize("more", [{"seed": 1}, {"limits": Limits(seconds=1)}])
def test_other_settings_are_graded_again(tmp_path: Path, more):
    grade(tmp_path, Grader())
    again = Grader()
    grade(tmp_path, again, **more)
    assert sum(again.calls.values()) == 4


def test_a_class_keeps_the_seed_that_was_drawn_for_it_or_named(tmp_path: Path):
    drawn, again, other, named, after = (Grader() for _ in range(5))
    grade(tmp_path / "one", drawn)
    shutil.rmtree(tmp_path / "one" / "graded")
    grade(tmp_path / "one", again, jobs=2)
    grade(tmp_path / "two", other)
    assert len(drawn.seeds) == 1 and drawn.seeds == again.seeds != other.seeds
    assert PUBLIC_SEED not in drawn.seeds
    assert (tmp_path / "one" / "seed.txt").read_text() == f"{drawn.seeds.pop()}\n"
    grade(tmp_path / "one", named, seed=7)
    shutil.rmtree(tmp_path / "one" / "graded")
    grade(tmp_path / "one", after)
    assert named.seeds == after.seeds == {7}


def test_a_kept_seed_that_is_none_is_one_sentence(tmp_path: Path):
    (tmp_path / "seed.txt").write_text("seven")
    with pytest.raises(GradingError, match=r"seed\.txt holds no number: delete it .* or give one by --seed\."):
        grade(tmp_path, Grader())
    grade(tmp_path, Grader(), seed=7)
    assert (tmp_path / "seed.txt").read_text() == "7\n"


def test_other_grading_code_is_graded_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    grade(tmp_path, Grader())
    again = Grader()
    monkeypatch.setattr(classes, "code_digest", lambda: "other")
    grade(tmp_path, again)
    assert sum(again.calls.values()) == 4


@pytest.mark.parametrize(
    ("file", "graded_again"),
    [
        ("studies/compression/ans.py", True),
        ("tools/grading/mark/__init__.py", True),
        ("tools/grading/sandbox/worker.py", True),
        ("exercises/comparing.py", True),
        ("exercises/lesson_12/ans_push.py", True),
        ("exact.py", True),
        ("plotting/charts.py", False),
        ("tools/grading/report/pages.py", False),
    ],
)
def test_what_marks_depend_on_is_graded_again_when_it_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str, graded_again: bool
):
    copy = tmp_path / "vae_course"
    shutil.copytree(sources.PACKAGE, copy)
    monkeypatch.setattr(classes, "source_digest", functools.partial(sources.source_digest, package=copy))
    digest = classes.code_digest.__wrapped__
    before = digest()
    (copy / file).write_text((copy / file).read_text() + "\n")
    assert (digest() != before) == graded_again


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
    both = threading.Barrier(2, timeout=120)

    class Waits(Grader):
        """Goes on only where another job is at work as well."""

        def __call__(self, submission: Submission, **settings) -> Graded:
            both.wait()
            return super().__call__(submission, **settings)

    assert not any(graded.problem for graded in grade(tmp_path, Waits(), jobs=2))


@pytest.mark.parametrize(
    "name", ["../../etc", "", ".", "a/b", "Zoë Ł", "x" * 500, "𝔸" * 99, "con\0", "a\nb", ".hidden"]
)
def test_no_name_leads_out_of_the_folder(tmp_path: Path, name: str):
    path = classes.result_path(tmp_path, name, FIRST)
    assert path.parent.parent == tmp_path / "graded" and len(os.fsencode(path.parent.name)) < 200
    assert path.resolve().is_relative_to(tmp_path.resolve() / "graded")
    path.parent.mkdir(parents=True)


def test_different_names_have_different_folders():
    names = ["+a", "@a", "-a", "a/b", "a_b", "a b", "A B", "..", ".", "", "student"]
    assert len({classes.safe_name(name) for name in names}) == len(names)
    assert not [name for name in names if classes.safe_name(name).startswith(("+", "@", "-", "="))]


def test_a_folder_that_can_not_be_written_is_said_before_all_are_graded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "graded").write_text("a file")
    cancel, given_up = Future.cancel, threading.Event()

    def cancel_all(future: Future) -> bool:
        """The one at work, which can't be cancelled, is the last of those that are left."""
        cancelled = cancel(future)
        if not cancelled:
            given_up.set()
        return cancelled

    monkeypatch.setattr(Future, "cancel", cancel_all)

    class Waits(Grader):
        """Goes on from its second submission only once grading has given up what is left."""

        def __call__(self, submission: Submission, **settings) -> Graded:
            if self.calls:
                given_up.wait(60)
            return super().__call__(submission, **settings)

    grader = Waits()
    with pytest.raises(GradingError, match="Nothing more can be written .* see that it is a folder"):
        grade(tmp_path, grader, jobs=1)
    assert sum(grader.calls.values()) < 3


def test_an_unknown_lesson_is_said(tmp_path: Path):
    with pytest.raises(GradingError, match="There is no lesson '99_nothing'"):
        grade(tmp_path, Grader(), [Submission("a", "99_nothing", "a", b"")])


def test_a_lesson_is_known_without_its_student_notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Learners work in that folder, and may have changed or deleted it."""
    course, known, source = lessons.settings.read(), lessons.names(), lessons.load(FIRST).source
    for folder in ("solutions", "docs"):
        (tmp_path / folder).symlink_to(course.root / folder)
    monkeypatch.setattr(lessons.settings, "read", lambda: dataclasses.replace(course, root=tmp_path))
    assert lessons.names() == known
    assert lessons.load.__wrapped__(FIRST).source == source


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
    graded = classes.grade_class(submissions, tmp_path, sandbox=False, progress=False)
    assert [g.points for g in graded] == [4, 0] and not any(g.needs_person() for g in graded)
