"""A whole class: results kept at once, taken up where it stopped, and no submission in the way of another."""

import dataclasses
import functools
import json
import os
import shutil
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.fixtures import classroom
from tests.support.fixtures.classroom import (
    BOUND,
    ELBO,
    FIRST,
    SIGN,
    B,
    answer,
    both,
    code,
    filled,
    handed_out,
    place_of,
    stub,
    to_bytes,
)
from vae_course.exercises import Outcome
from vae_course.support import sources
from vae_course.tools import authoring
from vae_course.tools.grading import Graded, GradingError, Mark, Submission, lessons, marking, notebook, single, whole
from vae_course.tools.grading.code import Piece, Program, pieces_of, program
from vae_course.tools.grading.running import Run
from vae_course.tools.grading.salvage import Found
from vae_course.tools.grading.sandbox import Limits

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
    changed = [dataclasses.replace(CLASS[1], source=b"new"), *CLASS[2:], CLASS[0]]
    grade(tmp_path, again, changed)
    assert again.calls == {"bob": 1}


@pytest.mark.parametrize("more", [{"seed": 1}, {"limits": Limits(seconds=1)}, {"resume": False}])
def test_other_settings_are_graded_again(tmp_path: Path, more):
    grade(tmp_path, Grader())
    again = Grader()
    grade(tmp_path, again, **more)
    assert sum(again.calls.values()) == 4


def test_a_class_keeps_the_seed_that_was_drawn_for_it_or_named(tmp_path: Path):
    drawn, again, other, named, after = (Grader() for _ in range(5))
    grade(tmp_path / "one", drawn)
    grade(tmp_path / "one", again, resume=False, jobs=2)
    grade(tmp_path / "two", other)
    assert len(drawn.seeds) == 1 and drawn.seeds == again.seeds != other.seeds
    assert marking.PUBLIC_SEED not in drawn.seeds
    assert (tmp_path / "one" / "seed.txt").read_text() == f"{drawn.seeds.pop()}\n"
    grade(tmp_path / "one", named, seed=7)
    grade(tmp_path / "one", after, resume=False)
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
    monkeypatch.setattr(whole, "_code", lambda: "other")
    grade(tmp_path, again)
    assert sum(again.calls.values()) == 4


@pytest.mark.parametrize(
    ("file", "graded_again"),
    [
        ("studies/compression/ans.py", True),
        ("tools/grading/marking.py", True),
        ("tools/grading/worker.py", True),
        ("exercises/comparing.py", True),
        ("exercises/lesson_12/ans_push.py", True),
        ("exact.py", True),
        ("plotting/charts.py", False),
        ("tools/grading/report.py", False),
    ],
)
def test_what_marks_depend_on_is_graded_again_when_it_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str, graded_again: bool
):
    copy = tmp_path / "vae_course"
    shutil.copytree(sources.PACKAGE, copy)
    monkeypatch.setattr(whole, "source_digest", functools.partial(sources.source_digest, package=copy))
    digest = whole._code.__wrapped__
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

    class Waits(Grader):
        def __call__(self, submission: Submission, **settings) -> Graded:
            if sum(self.calls.values()) >= 2:  # by the end of this wait, grading has given up what is left
                time.sleep(20)
            return super().__call__(submission, **settings)

    grader = Waits()
    with pytest.raises(GradingError, match="can't be written .* make room there"):
        grade(tmp_path, grader, jobs=1)
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


SCALE = "return mu[y == digit].mean(dim=0) * scale['by']"
HELPER = "def scaled(codes):\n    return codes"


def answered(body: str, before: str = "", after: str = "") -> dict[str, marking.Mark]:
    """The marks of lesson 00 with this answer to its second exercise, between two cells of the student's own."""
    book = filled(FIRST, {B: answer(B, body)})
    place = place_of(book, B)
    book["cells"][place : place + 1] = [code(before), book["cells"][place], code(after)]
    return marked(to_bytes(book), FIRST)


def marked(content: bytes, lesson: str) -> dict[str, marking.Mark]:
    graded = single.grade_submission(Submission("a", lesson, "a", content), sandbox=False, seed=7)
    return {mark.exercise: mark for mark in graded.marks}


@pytest.mark.parametrize(
    ("before", "points"),
    [
        ("scale = {}\nscale['by'] = 1", 0),
        ("scale = {}\nscale.update(by=1)", 0),
        ("scale = {}\nfor name in ['by']:\n    scale.setdefault(name, 1)", 0),
        ("scale = {'by': 1}\nscale['other'] = 1", 2),
        ("scale = {'by': 2}\nimport torch\ntorch.manual_seed(0)", None),
    ],
)
def test_a_value_that_is_changed_by_code_that_is_not_run_is_doubtful(before: str, points: int | None):
    mark = answered(SCALE, before)[B]
    assert mark.points == (points or 0)
    doubt = "The answer uses `scale`, which the notebook makes by code that grading does not run."
    assert mark.doubts == ((doubt,) if points == 0 else ())


def test_a_helper_that_is_defined_again_below_a_wrong_answer_is_doubtful():
    body = "return scaled(mu[y == digit].mean(dim=0))"
    double = HELPER + " * 2"
    again = "The notebook defines `scaled` again after the answer, which was graded with what stands before."
    assert answered(body, double, HELPER)[B].doubts == (again,)
    assert answered(body, double, double)[B].doubts == ()
    assert answered(body, HELPER, double)[B].status == "passed"
    assert answered(body, HELPER, double)[B].doubts == ()
    assert answered(body, "", HELPER)[B].status == "passed"


@pytest.mark.parametrize("first", [stub(BOUND), answer(BOUND, "return kl")])
def test_an_answer_that_calls_one_that_is_not_right_is_doubtful(first: str):
    """The notebook's own check of it passes: after the check of the first, the notebook goes on with the reference."""
    second = "r = -log_px_z.mean()\nreturn dict(loss=-elbo(log_px_z[None], kl).mean(), reconstruction=r, kl=kl.mean())"
    marks = marked(to_bytes(filled(ELBO, {BOUND: first, SIGN: answer(SIGN, second)})), ELBO)
    assert marks[SIGN].points == 0
    assert "It calls `elbo`, which did not pass" in marks[SIGN].doubts[0]
    assert not marks[BOUND].doubts


CELL = {"cell_type": "code", "source": ""}


@pytest.mark.parametrize(
    ("content", "more"),
    [
        (to_bytes({"cells": [CELL] * (notebook.MOST_CELLS + 1)}), "5,000 cells"),
        (to_bytes({"cells": [CELL | {"source": "a=1\n" * 60_000}]}), "150,000 words and signs of code"),
        (to_bytes({"cells": [CELL | {"source": f"a = [{'1,' * 80_000}]"}]}), "150,000 words and signs of code"),
        (b'{"cells": [' + b"{}," * 1_000_000 + b"{}]}", "1,000,000 lists"),
    ],
    ids=["cells", "statements", "entries", "lists"],
)
def test_a_notebook_that_would_fill_the_memory_goes_to_a_person_with_a_plain_reason(content: bytes, more: str):
    graded = single.grade_submission(Submission("a", FIRST, "a", content), sandbox=False)
    assert graded.problem == f"The notebook holds more than {more}: hand in the lesson's notebook."
    assert graded.needs_person()
    assert [mark.status for mark in graded.marks] == ["missing"] * 3


@pytest.mark.parametrize("name", lessons.names())
def test_the_caps_are_over_ten_times_what_any_lesson_holds(name: str):
    content = (authoring.settings.read().solutions / f"{name}.ipynb").read_bytes()
    cells = notebook.read(content).cells
    code_of = [cell.text for cell in cells if cell.kind == "code"]
    assert 10 * len(cells) < notebook.MOST_CELLS and 10 * sum(map(len, code_of)) < notebook.LONGEST_CODE
    assert 10 * sum(len(notebook._WORD.findall(text)) for text in code_of) < notebook.MOST_WORDS
    assert 10 * (content.count(b"{") + content.count(b"[")) < notebook.MOST_LISTS


def test_a_long_chain_of_definitions_is_not_searched_once_for_each_name():
    """That took a minute of the instructor's process for one submission."""

    class Counted(list[Piece]):
        passes = 0

        def __iter__(self) -> Iterator[Piece]:
            self.passes += 1
            return super().__iter__()

    source = "\n".join(f"a{n} = a{n + 1}" for n in range(100)) + "\na100 = 1\ndef wanted(): return a0"
    pieces = Counted(pieces_of(source, cell="cell 1") or [])
    assert len(program(pieces[-1], pieces).pieces) == 102
    assert pieces.passes < 5


def test_damaged_cells_are_one_doubt_however_many():
    book = {"cells": [CELL, 1, *[None] * 4_000]}
    assert notebook.read(to_bytes(book)).doubts == ("4001 cells are damaged and could not be read, from cell 2 on.",)
    book = {"cells": [CELL, 1]}
    assert notebook.read(to_bytes(book)).doubts == ("1 cell is damaged and could not be read, from cell 2 on.",)


def test_doubts_stay_short_however_much_an_answer_reaches_for():
    body = "\n".join(f"x = __{'x' * 200}{n}" for n in range(500)) + "\nreturn mu"
    (doubt,) = answered(body)[B].doubts
    assert "and 492 more" in doubt and len(doubt) < 1_500
    imports = "".join(f"from vae_course import name_{n}\n" for n in range(500))
    mark = answered(imports + "return mu")[B]
    assert "and 492 more" in mark.message and len(mark.message) < 1_000 and len(mark.doubts[0]) < 1_000


def test_no_message_and_no_doubt_tells_of_hidden_inputs(need):
    """Nbgrader's feedback shows a check's output with its doubts, so what is said must not depend on the seed."""
    need("bwrap")
    member = next(m for m in classroom.members() if m.student == "tells-inputs")
    one, two = (single.grade_submission(member.submission, seed=seed) for seed in (3, 4))
    assert {m.exercise: m.status for m in one.marks} == member.statuses
    said = [[(m.message, m.doubts) for m in graded.marks] for graded in (one, two)]
    assert said[0] == said[1]
    assert [m.message for m in one.marks if m.exercise in member.doubts] == [
        marking.NOT_FOR_OTHERS,
        marking.NOT_FOR_OTHERS,
        "Your answer ended its process.",
    ]


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
    (mark,) = marking.marks([exercise], {exercise.id: found}, Runner(), 7)  # type: ignore[arg-type]
    assert (mark.status, mark.points) == ("failed", 0) and "could not be compared" in mark.doubts[0]
