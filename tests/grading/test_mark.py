"""From what a submission holds to its marks and doubts, and to words that tell nothing of hidden inputs."""

import contextlib
from collections.abc import Iterator

import pytest

import vae_course.tools.grading.mark as marking
from tests.support.fixtures.classroom import BOUND, ELBO, FIRST, SIGN, B, answer, code, filled, place_of, stub, to_bytes
from vae_course.exercises import Outcome
from vae_course.tools.grading import Mark, Submission
from vae_course.tools.grading.mark import PASSED_THERE, grade_submission, mark_attempts
from vae_course.tools.grading.read import Attempt, lessons
from vae_course.tools.grading.read.statements import Program
from vae_course.tools.grading.sandbox import Run, Sandbox, Sandboxes

SCALE = "return mu[y == digit].mean(dim=0) * scale['by']"
HELPER = "def scaled(codes):\n    return codes"


@pytest.fixture(scope="module", autouse=True)
def handed_on() -> Iterator[None]:
    """One sandbox for all that is marked here, though it has no walls: no answer in here does harm to the next one."""
    with pytest.MonkeyPatch.context() as patch, Sandboxes() as shared:
        patch.setattr(Sandbox, "finish", lambda _: True)
        patch.setattr(marking, "Sandboxes", lambda: contextlib.nullcontext(shared))
        yield


def answered(body: str, before: str = "", after: str = "") -> dict[str, Mark]:
    """The marks of lesson 00 with this answer to its second exercise, between two cells of the student's own."""
    book = filled(FIRST, {B: answer(B, body)})
    place = place_of(book, B)
    book["cells"][place : place + 1] = [code(before), book["cells"][place], code(after)]
    return marked(to_bytes(book), FIRST)


def marked(content: bytes, lesson: str) -> dict[str, Mark]:
    graded = grade_submission(Submission("a", lesson, "a", content), sandbox=False, seed=7)
    return {mark.exercise: mark for mark in graded.marks}


@pytest.mark.parametrize(
    ("before", "points"),
    [
        ("scale = {}\nscale['by'] = 1", 2),
        ("scale = {}\nscale.update(by=1)", 2),
        ("scale = {}\nfor name in ['by']:\n    scale.setdefault(name, 1)", 2),
        ("scale = {'by': 1}\nscale['other'] = 1", 2),
        ("scale = {'by': 2}\nimport torch\ntorch.manual_seed(0)", 0),
    ],
)
def test_a_value_that_is_changed_step_by_step_is_what_it_was_in_the_notebook(before: str, points: int):
    mark = answered(SCALE, before)[B]
    assert (mark.points, mark.doubts) == (points, ())


def test_a_helper_that_is_defined_in_several_ways_makes_a_wrong_answer_doubtful():
    body = "return scaled(mu[y == digit].mean(dim=0))"
    double = HELPER + " * 2"
    several = "The notebook defines `scaled` in several ways; the answer was graded with what stands before its check."
    assert answered(body, HELPER, double)[B].doubts == (several,)
    assert answered(body, double, double)[B].doubts == ()
    assert answered(body, double, HELPER)[B].status == "passed"
    assert answered(body, double, HELPER)[B].doubts == ()
    assert answered(body, "", HELPER)[B].status == "passed"


@pytest.mark.parametrize("first", [stub(BOUND), answer(BOUND, "return kl")])
def test_an_answer_that_calls_one_that_is_not_right_is_doubtful(first: str):
    """The notebook's own check of it passes: after the check of the first, the notebook goes on with the reference."""
    second = "r = -log_px_z.mean()\nreturn dict(loss=-elbo(log_px_z[None], kl).mean(), reconstruction=r, kl=kl.mean())"
    marks = marked(to_bytes(filled(ELBO, {BOUND: first, SIGN: answer(SIGN, second)})), ELBO)
    assert marks[SIGN].points == 0
    assert "It calls `elbo`, which did not pass" in marks[SIGN].doubts[0]
    assert not marks[BOUND].doubts


@pytest.mark.parametrize(
    ("body", "doubted"),
    [
        ("import torch\nfrom torch.nn import functional as F\nreturn F.mean_of_the_future(mu[y == digit])", True),
        ("import torch\nreturn torch.nn.of_the_future.mean(mu[y == digit])", True),
        ("return mu[y == digit].mean_of_mine(0)", False),
        ("import torch\nreturn torch.mean(mu, 0)", False),
    ],
)
def test_a_function_that_only_a_newer_library_has_is_no_zero_without_a_doubt(body: str, doubted: bool):
    mark = answered(body)[B]
    assert mark.points == 0 and bool(mark.doubts) == doubted
    assert all(doubt.startswith("It uses `torch.nn.") and "versions here" in doubt for doubt in mark.doubts)


@pytest.mark.parametrize(
    ("shown", "body", "doubted"),
    [
        ((f"{B}: passed (2 points)",), "return mu[y == digit].mean_of_the_future(0)", True),
        ((f"{B}: passed (2 points)",), "return mu[y == digit].sum(0)", True),
        ((f"{B}: not yet: a sum.",), "return mu[y == digit].sum(0)", False),
        ((f"{B}: passed (2 points)", f"{B}: not yet: a sum."), "return mu[y == digit].sum(0)", False),
        ((f"{B}: passed (2 points)",), "return mu[y == digit].mean(0)", False),
        (("other words",), "return mu[y == digit].sum(0)", False),
    ],
)
def test_a_check_that_passed_in_the_notebook_and_not_here_is_doubtful(shown: tuple[str, ...], body: str, doubted: bool):
    book = filled(FIRST, {B: answer(B, body)})
    for words in shown:
        data = {"text/html": f"<b>{words}</b>", "text/plain": [words]}
        cell = code(f'exercises.check("{B}", centre)')
        book["cells"].append(cell | {"outputs": [{"output_type": "display_data", "data": data, "metadata": {}}]})
    mark = marked(to_bytes(book), FIRST)[B]
    assert mark.doubts == ((PASSED_THERE,) if doubted else ())


def test_doubts_stay_short_however_much_an_answer_reaches_for():
    body = "\n".join(f"x = __{'x' * 200}{n}" for n in range(500)) + "\nreturn mu"
    cut, doubt = answered(body)[B].doubts
    assert "all of it is in the file" in cut and len(cut) < 100
    assert "and 492 more" in doubt and len(doubt) < 1_500
    imports = "".join(f"from vae_course import name_{n}\n" for n in range(500))
    mark = answered(imports + "return mu")[B]
    assert "and 492 more" in mark.message and len(mark.message) < 1_000 and len(mark.doubts[0]) < 1_000


def test_a_result_that_the_comparison_trips_over_is_wrong_and_doubtful(monkeypatch: pytest.MonkeyPatch):
    """Whatever passes the strict reading and still breaks the judge must not end the run."""
    exercise = lessons.load(FIRST).exercises[0]

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(marking, "judge", broken)

    class Runner:
        def run(self, *_: object) -> Run:
            return Run(outcomes=(Outcome(),))

    found = Attempt("answer", "text", Program(()), exercise.function)
    (mark,) = mark_attempts([exercise], {exercise.id: found}, Runner(), 7)  # type: ignore[arg-type]
    assert (mark.status, mark.points) == ("failed", 0) and "could not be compared" in mark.doubts[0]


@pytest.mark.parametrize(("package", "sought"), [("vae_course", True), ("vae_curse", False)])
def test_a_search_for_the_course_is_told_though_its_error_is_caught(need, package: str, sought: bool):
    need("bwrap")
    search = (
        f'import pydoc\ntry:\n    pydoc.locate("{package}" + ".exact.World")\nexcept ImportError:\n    pass\nreturn mu'
    )
    book = to_bytes(filled(FIRST, {B: answer(B, search)}))
    marks = grade_submission(Submission("a", FIRST, "a", book), seed=3).marks
    mark = next(mark for mark in marks if mark.exercise == B)
    assert mark.status == "failed"
    assert ("It reached for the course's own package while it ran." in mark.doubts) == sought
