"""A number that breaks stops a training at once, with the place and the likely cause."""

import contextlib
import math

import pytest
import torch
from torch import Tensor

from tests.training.small import Breaks, Noisy, X, fit_module, plain_loss, quiet, same, weights
from vae_course.training import History, TrainingError


@pytest.fixture(params=["cpu", "accelerator"])
def checks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Runs a test with a check at every step, and with one every few steps as on an accelerator."""
    if request.param == "accelerator":
        guard = fit_module.Guard
        monkeypatch.setattr(fit_module, "Guard", lambda model, every: guard(model, every=4))
    return request.param


@pytest.mark.parametrize("what", ["nan", "inf", "gradient"])
def test_a_broken_number_stops_the_training_at_once_and_says_where(what: str, checks: str):
    before: dict[int, list[Tensor]] = {}
    loss = Breaks(what)

    def watched(model: Noisy, x: Tensor) -> dict[str, Tensor]:
        before[loss.steps + 1] = weights(model)
        return loss(model, x)

    model = Noisy()
    with pytest.raises(TrainingError) as caught:
        quiet(model, loss=watched)
    message = str(caught.value)
    assert "epoch 2, step 3:" in message
    if what == "gradient":
        assert "the loss is finite" in message
        assert "square root" in message
    else:
        assert f'"loss" is {what} and "kl" is {what}, though the batch and the parameters are finite' in message
        assert "learning rate" in message
    assert "fine" not in message
    # On the CPU the parameters are those from right before the bad step, else those of the last check, before epoch 2.
    assert same(weights(model), before[7 if checks == "cpu" else 5])
    assert loss.steps == (7 if checks == "cpu" else 8)
    assert all(p.grad is None for p in model.parameters())


def test_a_broken_batch_is_told_from_a_broken_loss(checks: str):
    def spoil(x: Tensor, generator: torch.Generator) -> Tensor:
        return x / 0

    with pytest.raises(TrainingError, match="the batch already holds NaN or infinity: look at the transform"):
        quiet(Noisy(), transform=spoil)


def test_a_parameter_that_broke_between_steps_is_named():
    def vandal(epoch: int, history: History, model: Noisy) -> None:
        with torch.no_grad():
            model.linear.bias[2] = math.nan

    with pytest.raises(TrainingError, match=r"epoch 2, step 1.*parameter linear\.bias already holds NaN"):
        quiet(Noisy(), callbacks=[vandal])


def test_a_learning_rate_that_is_far_too_high_ends_in_one_sentence_and_finite_parameters(checks: str):
    model = Noisy()
    with pytest.raises(TrainingError, match="learning rate"):
        quiet(model, lr=1e20, schedule="constant")
    assert all(torch.isfinite(p).all() for p in model.parameters())


def test_a_validation_loss_that_breaks_stops_too():
    with pytest.raises(TrainingError, match="validation loss is nan after epoch 1"):
        quiet(Noisy(), val=X, loss=lambda m, x: plain_loss(m, x) * (1 if m.training else math.nan))


def test_random_numbers_and_mode_are_restored_after_an_error():
    torch.manual_seed(5)
    expected = torch.rand(3)
    model = Noisy().eval()
    torch.manual_seed(5)
    with contextlib.suppress(TrainingError):
        quiet(model, loss=Breaks("nan"))
    assert torch.equal(torch.rand(3), expected)
    assert not model.training
