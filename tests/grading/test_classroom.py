"""A class with known marks, graded twice: every member gets exactly what is expected, and none stops another."""

import pytest

from tests.support.fixtures import classroom
from tests.support.fixtures.classroom import Member
from vae_course.tools.grading import Graded, Submission
from vae_course.tools.grading.mark import classes, grade_submission
from vae_course.tools.grading.read import lessons
from vae_course.tools.grading.sandbox.limits import Limits

LIMITS = Limits(seconds=4, memory_mb=300, processes=16, disk_mb=8)
MEMBERS = classroom.members()

# The class is graded twice before the first test of it, which on a busy machine takes a while.
pytestmark = pytest.mark.timeout(3600)


@pytest.fixture(scope="module")
def graded(need, tmp_path_factory) -> dict[int, list[Graded]]:
    """The class as one job and as two jobs grade it, from nothing and on other hidden inputs each time."""
    need("bwrap")
    submissions = [member.submission for member in MEMBERS]
    return {
        jobs: classes.grade_class(
            submissions, tmp_path_factory.mktemp(f"jobs-{jobs}"), jobs=jobs, limits=LIMITS, seed=jobs, progress=False
        )
        for jobs in (1, 2)
    }


def test_the_class_is_large_and_of_every_kind():
    assert len(MEMBERS) >= 40
    statuses = {status for member in MEMBERS for status in member.statuses.values()}
    assert statuses == {"passed", "failed", "not tried", "written", "missing", "stopped"}


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize("member", MEMBERS, ids=lambda member: member.student)
def test_every_member_gets_the_expected_marks(graded, member: Member, jobs: int):
    result = next(g for g in graded[jobs] if g.student == member.student)
    assert {m.exercise: m.status for m in result.marks} == member.statuses, [m.message for m in result.marks]
    assert [m.points for m in result.marks] == [m.max_points * (m.status == "passed") for m in result.marks]
    assert member.problem in result.problem and bool(member.problem) <= bool(result.problem)
    found = {m.exercise: " ".join(m.doubts) for m in result.marks if m.doubts}
    found |= {"": " ".join(result.doubts)} if result.doubts else {}
    assert found.keys() == member.doubts.keys(), found
    assert all(words in found[id] for id, words in member.doubts.items()), found
    if member.misconceptions:
        assert {m.exercise: m.misconception for m in result.marks if m.misconception} == member.misconceptions
    assert all(m.message for m in result.marks)


def test_both_runs_agree_to_the_letter(graded):
    """So no message and no doubt tells of hidden inputs, which were others in each run."""
    first, second = ([{**g.to_dict(), "seconds": 0} for g in graded[jobs]] for jobs in (1, 2))
    assert first == second


def test_no_message_holds_a_hidden_input(graded):
    """The inputs in a message are those of the notebook's own check, or none."""
    special = next(g for g in graded[1] if g.student == "special-case")
    assert special.marks[0].message == "Right for the inputs of the notebook's own check, but not for others."


@pytest.mark.parametrize("name", lessons.names())
def test_every_lesson_as_handed_out_is_not_tried_and_its_solutions_get_all_points(need, name: str):
    need("bwrap")
    blank = grade_submission(_file("notebooks", name), seed=1)
    assert {m.status for m in blank.marks} == {"not tried"} and not blank.needs_person()
    full = grade_submission(_file("solutions", name), seed=1)
    code = [m for m in full.marks if m.status != "written"]
    assert [(m.status, m.message) for m in code if m.points != m.max_points] == []
    assert len(code) == len(full.marks) - 1 and not full.needs_person()


def _file(folder: str, name: str) -> Submission:
    path = classroom.REPOSITORY / folder / f"{name}.ipynb"
    return Submission("somebody", name, path.name, path.read_bytes())
