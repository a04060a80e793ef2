"""A class with known marks: every member gets exactly what is expected, on any hidden inputs, and none stops another."""

import pytest

from tests.support.fixtures import classroom
from tests.support.fixtures.classroom import BOUND, FORMS, SIGN, Member
from vae_course.tools.grading import Graded, Submission, sandbox
from vae_course.tools.grading.mark import HELD, NOT_FOR_OTHERS, PUBLIC_SEED, classes, grade_submission
from vae_course.tools.grading.read import lessons
from vae_course.tools.grading.sandbox import Sandbox, Sandboxes
from vae_course.tools.grading.sandbox.limits import Limits

LIMITS = Limits(seconds=4, memory_mb=300, processes=16, disk_mb=8)
HONEST, PROBING, ATTACKERS = classroom.honest(), classroom.probing(), classroom.attackers()
MEMBERS = classroom.members()

# The class is graded before the first test of it, which on a busy machine takes a while.
pytestmark = pytest.mark.timeout(3600)


@pytest.fixture(scope="module")
def hidden() -> set[str]:
    """The answers that were run on hidden inputs when `graded` was made, attackers' and those of their neighbours."""
    return set()


@pytest.fixture(scope="module")
def graded(need, hidden: set[str], tmp_path_factory) -> dict[int, dict[str, Graded]]:
    """The class as one job and as two jobs grade it, from nothing and on other hidden inputs each time.

    Attackers are graded once, side by side with others: what they try never gets to see a hidden input.
    """
    need("bwrap")

    class Watched(Sandbox):
        def run(self, exercise, attempt, seed):
            if seed != PUBLIC_SEED:
                hidden.add(attempt.text)
            return super().run(exercise, attempt, seed)

    def run(members: list[Member], jobs: int) -> dict[str, Graded]:
        submissions, results = [member.submission for member in members], tmp_path_factory.mktemp(f"jobs-{jobs}")
        rows = classes.grade_class(submissions, results, jobs=jobs, limits=LIMITS, seed=jobs, progress=False)
        return {row.student: row for row in rows}

    found = {}
    for jobs in (1, 2):
        found[jobs] = run(HONEST, jobs)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sandbox, "Sandbox", Watched)
        return {1: found[1] | run(PROBING, 1), 2: found[2] | run([*ATTACKERS, *PROBING], 2)}


def test_the_class_is_large_and_of_every_kind():
    assert len(MEMBERS) >= 40
    statuses = {status for member in MEMBERS for status in member.statuses.values()}
    assert statuses == {"passed", "failed", "not tried", "written", "missing", "stopped"}


@pytest.mark.parametrize("member", MEMBERS, ids=lambda member: member.student)
def test_every_member_gets_the_expected_marks(graded, member: Member):
    result = graded[2][member.student]
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
    first, second = (
        {m.student: {**graded[jobs][m.student].to_dict(), "seconds": 0} for m in (*HONEST, *PROBING)} for jobs in (1, 2)
    )
    assert first == second


def test_no_message_holds_a_hidden_input(graded):
    """The inputs in a message are those of the notebook's own check, or none."""
    special, tells = (graded[1][name].marks for name in ("special-case", "tells-inputs"))
    assert special[0].message == NOT_FOR_OTHERS
    assert {m.exercise: m.message for m in tells if m.doubts} == {
        BOUND: NOT_FOR_OTHERS,
        FORMS: HELD,
        SIGN: "Your answer ended its process.",
    }


def test_what_attackers_try_sees_no_hidden_input(graded, hidden: set[str]):
    """So that it is enough to grade them once; beside what they try there may be right answers."""
    seen = {member.student: [m for m in graded[2][member.student].marks if m.answer in hidden] for member in MEMBERS}
    assert BOUND in {m.exercise for m in seen["tells-inputs"]}
    assert {m.status for member in ATTACKERS for m in seen[member.student]} == {"passed"}


@pytest.mark.parametrize("name", lessons.names())
def test_every_lesson_as_handed_out_is_not_tried_and_its_solutions_get_all_points(need, name: str):
    need("bwrap")
    with Sandboxes() as sandboxes:
        blank, full = (
            grade_submission(_file(folder, name), seed=1, sandboxes=sandboxes) for folder in ("notebooks", "solutions")
        )
    assert {m.status for m in blank.marks} == {"not tried"} and not blank.needs_person()
    code = [m for m in full.marks if m.status != "written"]
    assert [(m.status, m.message) for m in code if m.points != m.max_points] == []
    assert len(code) == len(full.marks) - 1 and not full.needs_person()


def _file(folder: str, name: str) -> Submission:
    path = classroom.REPOSITORY / folder / f"{name}.ipynb"
    return Submission("somebody", name, path.name, path.read_bytes())
