"""Every exercise is proven: right answers of all kinds pass, wrong ones fail, and the foreseen ones are explained."""

import dataclasses
import functools
import inspect
import math
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import torch

from tests.exercises.harmless import HARMLESS
from tests.exercises.mutants import mutants
from vae_course import exercises, quizzes
from vae_course.exercises import all_exercises, evaluate, judge, run_answer
from vae_course.exercises.comparing import agree
from vae_course.exercises.diagnosis import input_size
from vae_course.exercises.judging import _expected, _outcome, _right

CODE = [e for e in all_exercises() if e.kind == "code"]
SEEDS = (0, pytest.param(1, marks=pytest.mark.slow), pytest.param(2, marks=pytest.mark.slow))
LESSONS = Path(exercises.__file__).parent


def verdict(exercise, answer, seed=0):
    return judge(exercise, run_answer(exercise, answer, exercise.cases(seed)), seed=seed, varied=False)


def defined(exercise, source, namespace=None):
    """The function that a source defines, with the names that the lessons import."""
    namespace = {"math": math, "torch": torch, "nn": torch.nn, "F": torch.nn.functional} | (namespace or {})
    exec(source, namespace)
    return namespace[re.search(r"def (\w+)", source).group(1)]


def written_out(exercise):
    """The solution and those alternatives that are functions with a name: source, namespace, whether to wrap."""
    yield "solution", exercise.solution, {}, True
    for alternative in exercise.alternatives:
        if inspect.isfunction(alternative.answer) and alternative.answer.__name__ != "<lambda>":
            source = textwrap.dedent(inspect.getsource(alternative.answer))
            yield alternative.name, source, alternative.answer.__globals__, False


def breakages(exercise):
    """Each breakage of a right answer that is written out, and the names that this answer knows."""
    for _, source, namespace, wraps in written_out(exercise):
        for mutant in mutants(source, wraps=wraps):
            yield mutant, namespace


def unexplained(exercise):
    """The breakages that pass although no row calls them harmless."""
    called_harmless = [row[1] for row in HARMLESS if re.fullmatch(row[0], exercise.id)]
    return [
        mutant.change
        for mutant, namespace in breakages(exercise)
        if not any(re.search(pattern, mutant.change) for pattern in called_harmless)
        and passes(exercise, mutant, namespace)
    ]


def passes(exercise, mutant, namespace, seed=1):
    answer = defined(exercise, mutant.source, namespace)
    reports = (verdict(one, answer, seed) for one in one_by_one(exercise, seed))
    report = next((report for report in reports if report.status != "passed"), None)
    assert report is None or (report.message and report.status == "failed")
    return report is None


@functools.cache
def one_by_one(exercise, seed):
    """The exercise once for each of its cases, with that case alone: the smallest first, since one is enough to fail.

    They have no misconceptions, so what fails is diagnosed at once.
    """
    cases = sorted(exercise.cases(seed), key=input_size)
    return [dataclasses.replace(exercise, cases=lambda _, case=case: [case], misconceptions=()) for case in cases]


@pytest.fixture(params=CODE, ids=lambda e: e.id)
def exercise(request):
    return request.param


def test_a_stub_is_not_tried(exercise):
    names = ", ".join(exercise.parameters)
    stub = defined(exercise, f"def {exercise.function}({names}):\n    raise NotImplementedError\n")
    assert evaluate(exercise.id, stub).status == "not tried"


@pytest.mark.parametrize("seed", SEEDS)
def test_right_answers_in_every_style_pass(exercise, seed):
    answers = [("reference", exercise.reference), ("solution", defined(exercise, exercise.solution))]
    answers += [(a.name, a.answer) for a in exercise.alternatives]
    reports = {name: verdict(exercise, answer, seed) for name, answer in answers}
    assert {name: r.message for name, r in reports.items() if r.status != "passed"} == {}
    assert {r.points for r in reports.values()} == {exercise.points}


def test_there_are_right_answers_in_unusual_styles(exercise):
    names = " ".join(a.name for a in exercise.alternatives)
    assert len(exercise.alternatives) >= 3
    assert "einsum" in names or "loop" in names
    assert "float64" in names


@pytest.mark.parametrize("seed", SEEDS)
def test_every_misconception_fails_with_its_own_message(exercise, seed):
    """The answer of each with every seed, and its variants by turns: each with one."""
    for misconception in exercise.misconceptions:
        for wrong in (misconception.answer, *misconception.variants[seed :: len(SEEDS)]):
            outcomes = [_outcome(exercise, wrong, seed, i) for i in range(len(exercise.cases(seed)))]
            report = judge(exercise, outcomes, seed=seed, varied=False)
            assert (report.status, report.points) == ("failed", 0)
            assert (report.misconception, report.message) == (misconception.name, misconception.message)


@pytest.mark.slow
def test_a_misconception_that_spares_an_input_is_named_or_nothing_is(exercise):
    """An answer with each misconception, but right on the first input on which that is wrong, is not called another."""
    expected = _expected(exercise, 0)
    for number, misconception in enumerate(exercise.misconceptions):
        answers = misconception.answer, *misconception.variants
        outcomes = [_outcome(exercise, answers[number % len(answers)], 0, i) for i in range(len(expected))]
        wrong = [i for i in range(len(expected)) if not _right(exercise, outcomes[i], 0, i)]
        if len(wrong) > 1:
            outcomes[wrong[0]] = expected[wrong[0]]
            named = judge(exercise, outcomes, seed=0, varied=False).misconception
            assert named in (misconception.name, None) or is_that_of(exercise, outcomes, named)


def is_that_of(exercise, outcomes, named):
    """Whether an answer with this misconception, or a variant, gives the same with each input."""
    misconception = next(m for m in exercise.misconceptions if m.name == named)
    return any(
        all(agree(o, _outcome(exercise, answer, 0, i), exercise.tolerance) for i, o in enumerate(outcomes))
        for answer in (misconception.answer, *misconception.variants)
    )


def test_there_are_four_misconceptions_with_messages_of_their_own(exercise):
    assert len(exercise.misconceptions) >= 4
    for attribute in ("name", "message"):
        assert len({getattr(m, attribute) for m in exercise.misconceptions}) == len(exercise.misconceptions)


@pytest.mark.parametrize("exercise", all_exercises(), ids=lambda e: e.id)
def test_words_to_the_learner_are_whole_sentences_and_kind(exercise):
    texts = [exercise.task, exercise.explanation, *exercise.hints]
    texts += [m.message for m in getattr(exercise, "misconceptions", ())]
    for text in texts:
        assert text.rstrip('`"').endswith((".", "?")) and "  " not in text
        assert not re.search(r"\b(simply|obviously|just|stupid|wrong answer|of course)\b", text, re.IGNORECASE)
    assert all(40 < len(m.message) < 300 for m in getattr(exercise, "misconceptions", ()))


@pytest.mark.parametrize("exercise", all_exercises(), ids=lambda e: e.id)
def test_three_hints_lead_to_the_answer_without_giving_it_away(exercise):
    assert len(set(exercise.hints)) == len(exercise.hints) == 3
    code = [re.sub(r"\s", "", line) for line in exercise.solution.splitlines() if not line.startswith("def ")]
    hints = re.sub(r"\s", "", "".join(exercise.hints))
    assert not [line for line in code if len(line) > 15 and line.removeprefix("return") in hints]


@pytest.mark.parametrize("exercise", all_exercises(), ids=lambda e: e.id)
def test_the_numbers_of_an_exercise_make_sense(exercise):
    assert re.fullmatch(r"\d\d(-[a-z]+)+", exercise.id)
    most = 25 if exercise.title.startswith("Build") else 15
    assert 1 <= exercise.points <= (20 if exercise.title == "The project" else 4)
    assert 1 <= exercise.difficulty <= 5 and 1 <= exercise.minutes <= most
    if exercise.kind == "written":
        assert sum(criterion.points for criterion in exercise.rubric) == exercise.points


def test_every_file_of_a_lesson_is_an_exercise_of_its_name_or_the_quiz():
    files = sorted(path for path in LESSONS.glob("lesson_*/*.py") if not path.stem.startswith("_"))
    named = [f"{path.parent.name[-2:]}-{path.stem.replace('_', '-')}" for path in files if path.stem != "quiz"]
    assert named == [exercise.id for exercise in all_exercises()]
    assert [path.parent.name[-2:] for path in files if path.stem == "quiz"] == list(quizzes.lessons())


@pytest.mark.slow
def test_an_exercise_is_looked_up_without_reading_the_others():
    code = "import sys; from vae_course import exercises; exercises.get('07-kl'); print(*sys.modules, sep='\\n')"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    read = [name for name in run.stdout.split() if re.search(r"\.lesson_\d\d\.", name)]
    assert read == ["vae_course.exercises.lesson_07.kl"]


def test_cases_hold_plain_values_and_tell_the_axes_apart(exercise):
    """All but one at most: a square one meets answers that take the other axis wherever the shapes allow it."""
    square = []
    for case in exercise.cases(0):
        assert all(isinstance(value, torch.Tensor | int | float) for value in case.values())
        matrices = [v.shape for v in case.values() if isinstance(v, torch.Tensor) and v.dim() == 2]
        square += [case] if any(shape[0] == shape[1] for shape in matrices) else []
    assert len(square) <= 1
    if exercise.batch:
        sizes = [exercise.batch_size(case) for case in exercise.cases(0)]
        assert 1 in sizes and max(sizes) > 1


def test_cases_change_with_the_seed_only(exercise):
    def flat(seed):
        return torch.cat([torch.as_tensor(v).double().ravel() for case in exercise.cases(seed) for v in case.values()])

    assert torch.equal(flat(3), flat(3))
    drawn = any(isinstance(value, torch.Tensor) for case in exercise.cases(3) for value in case.values())
    # Of an answer that is given nothing, the case may be the same each time.
    assert not torch.equal(flat(3), flat(4)) or not (drawn or exercise.parameters)


@pytest.mark.slow
def test_every_breakage_of_the_worked_answers_is_rejected(exercise):
    assert unexplained(exercise) == []


@pytest.mark.slow
def test_every_breakage_that_is_called_harmless_turns_up_as_one():
    def turns_up(row):
        meant = ((e, *breakage) for e in CODE if re.fullmatch(row[0], e.id) for breakage in breakages(e))
        return any(passes(e, mutant, names) for e, mutant, names in meant if re.search(row[1], mutant.change))

    assert [row for row in HARMLESS if not turns_up(row)] == []


@pytest.mark.slow
def test_there_are_enough_breakages(exercise):
    """Of a function of inputs; a list of findings holds less that could break."""
    assert len(mutants(exercise.solution, wraps=True)) > (100 if exercise.parameters else 50)


def test_the_proof_by_breakages_can_fail():
    """With one example of one latent dimension, no sum and no axis can be told from another."""
    kl = next(e for e in CODE if e.id == "07-kl")
    weak = dataclasses.replace(kl, cases=lambda seed: [{"mu": torch.tensor([[1.0]]), "logvar": torch.tensor([[0.5]])}])
    changes = unexplained(weak)
    assert any("mean(dim=-1)" in change for change in changes)
    assert any("sum(dim=-0)" in change for change in changes)


def test_the_proof_by_misconceptions_can_fail():
    """With one example, a sum over the batch and a mean over it are the same mistake, and the proof would see it."""
    kl = next(e for e in CODE if e.id == "07-kl")
    weak = dataclasses.replace(kl, cases=lambda seed: kl.cases(seed)[:1])
    averaged = next(m for m in kl.misconceptions if m.name == "averaged over the batch")
    assert verdict(kl, averaged.answer).misconception == "averaged over the batch"
    assert verdict(weak, averaged.answer).misconception == "summed over the batch"
