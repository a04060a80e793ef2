"""A build that is half finished: what holds is said to hold, and the first stage that does not is named."""

import pytest
import torch

from vae_course.exercises import all_exercises, evaluate, run_answer
from vae_course.exercises.lesson_01.least_squares import pca_by_least_squares
from vae_course.exercises.lesson_05.layer_gradients import layer_gradients
from vae_course.exercises.lesson_07.loop import run_epoch
from vae_course.exercises.probes import BuildStage, StageResult

HOLDS = {n: f"Stage {n} of 2 ({name}) holds. " for n, name in ((1, "measuring"), (2, "training"))}
UNWRITTEN = "is not written yet: `raise NotImplementedError` is reached there."
UNCALLED = "is not reached: `loss(model, x)` is never called there; call it for each batch x."


def loop(measured=lambda right: right, trained=lambda right: right):
    """The loop, with something done in each of its two branches; a value goes in place of the branch."""

    def answer(model, batches, loss, optimizer):
        change = measured if optimizer is None else trained
        return change(run_epoch(model, batches, loss, optimizer)) if callable(change) else change

    return answer


def stub(right):
    raise NotImplementedError


def left_off(right):
    torch.set_grad_enabled(False)
    return right


def frozen(model, batches, loss, optimizer):
    if optimizer is None:
        model.requires_grad_(False)
    return run_epoch(model, batches, loss, optimizer)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (loop(trained=stub), HOLDS[1] + "Stage 2 of 2 (training) " + UNWRITTEN),
        (loop(measured=stub), HOLDS[2] + "Stage 1 of 2 (measuring) " + UNWRITTEN),
        (loop(trained=0.0), "Stage 2 of 2 (training) " + UNCALLED),
        (loop(measured=None), "Stage 1 of 2 (measuring) " + UNCALLED),
        (loop(left_off), "Your function switches gradients off or on for all of PyTorch, and that outlasts the call: leave it "
         "as it was, or put it back before you return."),
        (frozen, "Your function changes `requires_grad` of parameters of model, and that outlasts the call: leave it as it "
         "was, or put it back before you return."),
    ],
)  # fmt: skip
def test_half_a_loop_is_told_which_half(answer, expected):
    report = evaluate("07-loop", answer)
    assert (report.status, report.points, report.message) == ("failed", 0, expected)


def test_of_two_stages_that_are_wrong_the_first_is_named():
    both = loop(lambda right: right + 1, lambda right: right + 1)
    assert evaluate("07-loop", both).message.startswith("Stage 1 of 2 (measuring): the mean loss is")


def test_what_is_written_and_wrong_speaks_before_what_is_not_written():
    message = evaluate("07-loop", loop(lambda right: right + 1, stub)).message
    assert message.startswith("Stage 1 of 2 (measuring): the mean loss is")
    assert message.endswith("The rest is not written yet: `raise NotImplementedError` is reached there.")


def test_a_stage_whose_later_inputs_are_missing_is_not_said_to_hold():
    def answer(c, D, rounds):
        if rounds:
            raise NotImplementedError
        return pca_by_least_squares(c, D, rounds)

    assert evaluate("01-least-squares", answer).message == (
        "Stage 2 of 4 (the start) holds. Stage 3 of 4 (the rounds) " + UNWRITTEN
    )


def test_without_stages_the_input_is_named_that_is_not_answered_yet():
    def answer(z, n):
        if n > 3:
            raise NotImplementedError
        return (torch.histogramdd(z, bins=[n, n])[0] == 0).float().mean()

    message = evaluate("01-holes", answer).message
    assert message.startswith("What your function answers is right, but not all is written yet") and "n = 8" in message


def test_a_stage_left_at_zero_is_taken_for_one_that_is_not_written():
    def answer(encoder, x, f, noise):
        path, score = layer_gradients(encoder, x, f, noise)
        return path, torch.zeros_like(score)

    assert evaluate("05-layer-gradients", answer).message == (
        "Stage 2 of 3 (by path) holds. Stage 3 of 3 (by score) is exactly 0 everywhere: is it written yet?"
    )


def test_where_the_stage_before_it_is_wrong_that_one_speaks():
    def answer(encoder, x, f, noise):
        path, score = layer_gradients(encoder, x, f, noise)
        return path + 1, torch.zeros_like(score)

    assert "stage 2 of 3 (by path)" in evaluate("05-layer-gradients", answer).message


def test_a_whole_number_is_a_number():
    def answer(s2, nats):
        return 1, 0.5 * s2.log().clamp(min=0)

    assert "stage 3 of 3 (the level that spends the budget)" in evaluate("10-spend", answer).message


BUILDS = [e for e in all_exercises() if e.kind == "code" and e.title.startswith("Build")]


@pytest.mark.parametrize("exercise", BUILDS, ids=lambda e: e.id)
def test_each_result_of_a_build_knows_its_stage(exercise):
    names = [name for o in run_answer(exercise, exercise.reference, exercise.cases(0)) for name in o.values]
    assert [name for name in names if not isinstance(name, StageResult)] == []
    assert all(name.startswith(str(name.stage)) for name in names if name.startswith("stage"))
    stages = {name.stage for name in names}
    (of,) = {stage.of for stage in stages}
    # The first stage may be the shapes, of which the probe itself speaks.
    assert {stage.number for stage in stages} in (set(range(1, of + 1)), set(range(2, of + 1)))


def test_the_stage_of_a_result_is_not_read_from_its_words():
    name = BuildStage(2, 3, "by path").result("the slope")
    assert (str(name), name.stage.number, name == "stage 2 of 3 (by path): the slope") == (str(name), 2, True)
    assert not any(isinstance(n, StageResult) for n in ("stage 2 of 3 (by path): the slope", str(name)))
