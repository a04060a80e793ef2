"""A build that is half finished: what holds is said to hold, and the first stage that does not is named."""

import pytest
import torch

from vae_course.exercises import all_exercises, evaluate, run_answer
from vae_course.exercises.lesson_01.least_squares import pca_by_least_squares
from vae_course.exercises.lesson_05.layer_gradients import layer_gradients
from vae_course.exercises.lesson_07.loop import run_epoch
from vae_course.exercises.lesson_18.prior import diffusion_prior
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


PRIOR = ("noisy codes", "the loss", "the guess at the end", "the steps")
NAMED = [f"Stage {number} of 4 ({name})" for number, name in enumerate(PRIOR, 1)]
TRAINED = f"{NAMED[0]} holds. {NAMED[1]} holds. "


def prior(change):
    """The two functions of the build with something else in the place of one or both."""
    return lambda predict_v, scale: change(*diffusion_prior(predict_v, scale))


def unwritten(*inputs):
    raise NotImplementedError


def steps_alone(predict_v, scale):
    """Both functions, but that `sample` returns the guess of its last step, which one level has not."""

    def sample(x_T, log_snrs):
        alpha, sigma, x = log_snrs.sigmoid().sqrt(), torch.sigmoid(-log_snrs).sqrt(), x_T
        for t in range(len(log_snrs) - 1, 0, -1):
            v = predict_v(x, log_snrs[t].expand(len(x)))
            x0, eps = alpha[t] * x - sigma[t] * v, sigma[t] * x + alpha[t] * v
            x = alpha[t - 1] * x0 + sigma[t - 1] * eps
        return x0 / scale

    return diffusion_prior(predict_v, scale)[0], sample


def with_a_typing_error(predict_v, scale):
    return diffusion_prior(predict_v, scale)[0], lambda x_T, log_snrs: predict_v(x_t, log_snrs)  # noqa: F821


def with_levels_as_columns(predict_v, scale):
    return diffusion_prior(lambda x_t, log_snr: predict_v(x_t, log_snr[:, None]), scale)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (steps_alone, "With one level only there is no step: the network is asked once, and its guess of x_0, divided by c, is "
         "the code."),
        (with_a_typing_error, "name 'x_t' is not defined"),
        (with_levels_as_columns, "it takes one for each point, [4], without a second axis, which only alpha and sigma need."),
    ],
)  # fmt: skip
def test_what_a_prior_on_codes_has_misread_is_said_in_a_sentence(answer, said):
    report = evaluate("18-prior", answer)
    assert report.status == "failed" and said in report.message


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda loss, sample: (loss, unwritten), f"{TRAINED}{NAMED[2]} {UNWRITTEN}"),
        (lambda loss, sample: (unwritten, sample), f"{NAMED[2]} holds. {NAMED[3]} holds. {NAMED[0]} {UNWRITTEN}"),
        (lambda loss, sample: loss, f"{NAMED[2]} is not reached: return two functions, `loss, sample`, in this order."),
        (lambda loss, sample: (lambda *batch: loss(*batch).item(), sample),
         f"{NAMED[1]} is not reached: `loss` returns an object of type float; let it return a tensor of one number, which keeps "
         "its gradient."),
        (lambda loss, sample: (loss, lambda x_T, log_snrs: None),
         f"{NAMED[2]} is not reached: `sample` returns nothing (None); let it return codes, a tensor [B, D]."),
        (lambda loss, sample: (loss, lambda x_T: x_T),
         f"{NAMED[2]} is not reached: what you return as `sample` does not take the inputs x_T, log_snrs. The first of the two "
         "is `loss`, the second `sample`."),
    ],
)  # fmt: skip
def test_of_a_prior_whose_two_functions_are_half_written_the_stage_is_named(change, expected):
    report = evaluate("18-prior", prior(change))
    assert (report.status, report.points, report.message) == ("failed", 0, expected)
