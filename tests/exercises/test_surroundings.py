"""What an answer leaves behind is named and put back, and what a learner has set changes no verdict."""

import dataclasses
import random
import sys
from contextlib import contextmanager

import numpy as np
import pytest
import torch
from torch import nn

from vae_course.exercises import all_exercises, check, evaluate, get, judge, judging, run_answer, surroundings
from vae_course.exercises.outcomes import _Watched

KL = get("07-kl")
CODE = [e for e in all_exercises() if e.kind == "code"]


def kl(mu, logvar):
    return 0.5 * (logvar.exp() + mu**2 - 1 - logvar).sum(-1)


def after(change):
    """A right answer that does this first."""

    def answer(mu, logvar):
        change(mu, logvar)
        return kl(mu, logvar)

    return answer


def settings():
    return [setting.get() for setting in surroundings._SETTINGS]


@contextmanager
def set_by_the_learner():
    """Whatever can be set, set otherwise; put back in the end without the code under test."""
    torch.set_default_dtype(torch.float64)
    torch.set_default_device("meta")
    old = np.seterr(all="raise")
    torch.set_num_threads(2)
    torch.set_deterministic_debug_mode("error")
    torch.set_anomaly_enabled(True)
    torch.set_autocast_enabled("cpu", True)
    torch.set_float32_matmul_precision("medium")
    torch.distributions.Distribution.set_default_validate_args(False)
    try:
        with torch.no_grad():
            yield
    finally:
        torch.set_default_dtype(torch.float32)
        torch.set_default_device(None)
        np.seterr(**old)
        torch.set_num_threads(1)
        torch.set_deterministic_debug_mode("default")
        torch.set_anomaly_enabled(False)
        torch.set_autocast_enabled("cpu", False)
        torch.set_float32_matmul_precision("highest")
        torch.distributions.Distribution.set_default_validate_args(True)


LEAKS = [
    (lambda mu, logvar: torch.set_default_dtype(torch.float64), "changes PyTorch's default dtype"),
    (lambda mu, logvar: torch.set_default_dtype(torch.float16), "changes PyTorch's default dtype"),
    (lambda mu, logvar: torch.set_default_device("meta"), "changes PyTorch's default device"),
    (lambda mu, logvar: torch.set_default_device("cuda"), "changes PyTorch's default device"),
    (lambda mu, logvar: torch.set_grad_enabled(False), "switches gradients off or on for all of PyTorch"),
    (lambda mu, logvar: np.seterr(all="raise"), "changes NumPy's error handling"),
    (lambda mu, logvar: np.seterr(divide="ignore"), "changes NumPy's error handling"),
    (lambda mu, logvar: torch.set_num_threads(2), "changes the number of PyTorch's threads"),
    (lambda mu, logvar: torch.use_deterministic_algorithms(True), "switches PyTorch's deterministic algorithms"),
    (lambda mu, logvar: torch.autograd.set_detect_anomaly(True), "switches PyTorch's detection of anomalies"),
    (lambda mu, logvar: torch.set_autocast_enabled("cpu", True), "switches PyTorch's autocast"),
    (lambda mu, logvar: torch.set_float32_matmul_precision("medium"), "precision of PyTorch's matrix products"),
    (lambda mu, logvar: torch.distributions.Distribution.set_default_validate_args(False), "PyTorch's distributions"),
    (lambda mu, logvar: sys.setrecursionlimit(5000), "changes Python's recursion limit"),
    (lambda mu, logvar: torch.manual_seed(0), "sets the seed of PyTorch's global random numbers"),
    (lambda mu, logvar: np.random.seed(0), "sets the seed of NumPy's global random numbers"),  # noqa: NPY002
    (lambda mu, logvar: random.seed(0), "sets the seed of Python's global random numbers"),
    (lambda mu, logvar: mu.requires_grad_(True), "changes `requires_grad` of mu"),
    (lambda mu, logvar: logvar.requires_grad_(False), "changes `requires_grad` of logvar"),
]


@pytest.mark.parametrize(("change", "expected"), LEAKS)
def test_what_an_answer_leaves_behind_is_named_and_put_back(change, expected):
    before = settings()
    report = evaluate("07-kl", after(change))
    assert report.status == "failed"
    assert report.message.startswith("Your function ") and expected in report.message
    assert settings() == before
    assert evaluate("07-kl", kl).status == "passed"


def test_several_changes_are_named_together():
    def change(mu, logvar):
        torch.set_default_dtype(torch.float64)
        torch.manual_seed(3)

    assert evaluate("07-kl", after(change)).message == (
        "Your function changes PyTorch's default dtype and sets the seed of PyTorch's global random numbers, and that "
        "outlasts the call: leave it as it was, or put it back before you return."
    )


@pytest.mark.parametrize(
    "change",
    [
        lambda mu, logvar: torch.randn(3),
        lambda mu, logvar: torch.Generator().manual_seed(0),
        lambda mu, logvar: [torch.set_grad_enabled(on) for on in (False, True)],
        lambda mu, logvar: mu.detach().requires_grad_(),
        lambda mu, logvar: np.seterr(**np.seterr(all="raise")),
    ],
)
def test_what_an_answer_puts_back_itself_is_its_own_affair(change):
    assert evaluate("07-kl", after(change)).status == "passed"


def test_a_seed_that_the_task_asks_for_is_no_side_effect():
    def reference(mu, logvar):
        torch.manual_seed(0)
        return KL.reference(mu, logvar)

    asked = dataclasses.replace(KL, reference=reference)
    outcomes = run_answer(asked, reference, asked.cases(0))
    assert outcomes[0].changes and judge(asked, outcomes, seed=0).status == "passed"
    assert judge(asked, run_answer(asked, kl, asked.cases(0)), seed=0).status == "passed"


def test_an_answer_that_ends_badly_leaves_nothing_behind_either():
    def answer(mu, logvar):
        torch.set_default_dtype(torch.float64)
        raise KeyboardInterrupt

    before, expected = settings(), torch.get_rng_state()
    with pytest.raises(KeyboardInterrupt):
        evaluate("07-kl", answer)
    assert settings() == before and torch.equal(torch.get_rng_state(), expected)


@pytest.mark.parametrize("exercise", CODE, ids=lambda e: e.id)
def test_what_a_learner_has_set_changes_no_verdict_and_stays(exercise):
    with set_by_the_learner():
        before = settings()
        assert evaluate(exercise.id, exercise.reference, seed=77).message.startswith("This is right")
        assert settings() == before
    pairs = zip(judging._cases(exercise, 77), exercise.cases(77), strict=True)
    for made, plain in pairs:
        assert all(v.dtype == plain[k].dtype for k, v in made.items() if isinstance(v, torch.Tensor))


def test_a_check_inside_of_a_block_sees_nothing_of_it():
    for block in (torch.device("meta"), torch.inference_mode(), torch.autocast("cpu", torch.bfloat16)):
        with block:
            assert evaluate("07-kl", kl, seed=78).status == "passed"
            assert torch.zeros(2).device.type == ("meta" if isinstance(block, torch.device) else "cpu")
    assert torch.zeros(2).device.type == "cpu"


def networks():
    model = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2), nn.Dropout())
    return model, torch.randn(4, 3)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda model: model.requires_grad_(False), {"changes `requires_grad` of parameters of model"}),
        (lambda model: model[0].eval(), {"leaves another mode (training or evaluation) in model"}),
        (lambda model: model[1].running_mean.add_(1),
         {"moves the buffers (such as the averages of batch normalisation) of model"}),
        (lambda model: model[0].weight.data.mul_(2), {"changes the weights of model"}),
        (lambda model: setattr(model[2], "p", 0.0), {"changes a setting (such as the share that dropout drops) of model"}),
        (lambda model: None, set()),
    ],
)  # fmt: skip
@pytest.mark.parametrize("handed_in", ["itself", "method", "list"])
def test_what_becomes_of_a_model_is_seen(change, expected, handed_in):
    model, x = networks()
    own = _Watched(lambda given, x: change(model), ("model", "x"))
    own({"itself": model, "method": model.forward, "list": [model]}[handed_in], x)
    assert own.changes == expected


class Odd:
    """An object that fails however it is looked at."""

    def __getattribute__(self, name):
        raise ValueError("nothing to see")

    def __call__(self, mu, logvar):
        return kl(mu, logvar)


def round_in_circles(mu, logvar):
    raise ValueError("lost")


round_in_circles.__wrapped__ = round_in_circles


class OwnStop(BaseException):
    pass


def stops(mu, logvar):
    raise OwnStop


class BadKey:
    def __str__(self):
        raise OwnStop

    __hash__ = object.__hash__


def to_meta(mu, logvar):
    result = kl(mu, logvar)
    mu.data = mu.data.to("meta")
    return result


@pytest.mark.parametrize(
    "make",
    [
        Odd,
        lambda: round_in_circles,
        lambda: stops,
        lambda: to_meta,
        lambda: lambda mu, logvar: {BadKey(): kl(mu, logvar)},
        lambda: lambda mu, logvar: sys.exit(),
        lambda: lambda mu, logvar: torch.nested.nested_tensor([mu[0]]),
        lambda: lambda mu, logvar: (x for x in mu).throw(GeneratorExit),
        lambda: lambda mu, logvar: torch.quantize_per_tensor(mu, 0.1, 0, torch.qint8),
        lambda: lambda mu, logvar: np.array(["a"]),
        lambda: lambda mu, logvar: setattr(mu, "detach", None) or kl(mu, logvar),
        lambda: lambda mu, logvar: kl(mu, logvar).to("meta"),
    ],
)
def test_no_answer_makes_a_check_raise(make, capsys):
    answer = make()
    assert evaluate("07-kl", answer).message
    handed_over = check("07-kl", answer)
    assert handed_over is answer or handed_over is KL.reference
