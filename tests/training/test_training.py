"""`fit`: what it trains, what it reports, and how it fails. The models are tiny and no VAE is needed."""

import contextlib
import math
import os
import random
from importlib import import_module
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vae_course.models import VAE
from vae_course.objectives import negative_elbo
from vae_course.training import History, TrainingError, fit, linear_warmup, one_cycle

fit_module = import_module("vae_course.training.fit")  # the name `training.fit` is the function
X = torch.rand(50, 6, generator=torch.Generator().manual_seed(0))


class Noisy(nn.Module):
    """A linear map whose loss draws global random numbers, as a VAE's does."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.linear = nn.Linear(6, 6)

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x)


def noisy_loss(model: nn.Module, x: Tensor) -> dict[str, Tensor]:
    error = (model(x + 0.1 * torch.randn_like(x)) - x).square().sum(-1)
    return {"loss": error.mean(), "root": error.sqrt().mean()}


def plain_loss(model: nn.Module, x: Tensor) -> Tensor:
    return (model(x) - x).square().sum(-1).mean()


def quiet(model: nn.Module, x: Tensor | tuple[Tensor, ...] = X, **settings) -> History:
    settings = {"loss": plain_loss, "epochs": 3, "batch_size": 16, "progress": False, "device": "cpu"} | settings
    return fit(model, x, **settings)


def weights(model: nn.Module) -> list[Tensor]:
    return [p.detach().clone() for p in model.parameters()]


def same(a: list[Tensor], b: list[Tensor]) -> bool:
    return all(torch.equal(x, y) for x, y in zip(a, b, strict=True))


# ------------------------------------------------------------------------------------------ it trains


def test_it_reaches_the_least_squares_solution():
    target = torch.tensor([[1.0, -2.0, 3.0, 0.5, 0.0, -1.0]])
    y = X @ target.T + 0.7
    model = nn.Linear(6, 1)
    quiet(model, (X, y), loss=lambda m, b: F.mse_loss(m(b[0]), b[1]), epochs=400, lr=0.1)
    assert torch.allclose(model.weight, target, atol=1e-3)
    assert model.bias.item() == pytest.approx(0.7, abs=1e-3)


def test_it_trains_a_classifier_on_images_and_labels():
    y = (X[:, 0] > 0.5).long()
    model = nn.Linear(6, 2)
    history = quiet(model, (X, y), loss=lambda m, b: F.cross_entropy(m(b[0]), b[1]), epochs=100, lr=0.1)
    assert (model(X).argmax(1) == y).float().mean() > 0.95
    assert history.train["loss"][-1] < 0.3 < history.train["loss"][0]


def test_it_trains_a_vae_and_records_its_three_terms():
    torch.manual_seed(0)
    images = torch.rand(64, 1, 4, 4)
    history = quiet(VAE.mlp(2, hidden=(8,), shape=(1, 4, 4)), images, loss=negative_elbo, epochs=5, lr=1e-2)
    assert set(history.train) == {"loss", "reconstruction", "kl"}
    assert history.train["loss"][-1] < history.train["loss"][0]
    for loss, reconstruction, kl in zip(*history.train.values(), strict=True):
        assert loss == pytest.approx(reconstruction + kl, rel=1e-5)


def test_one_constant_step_is_one_step_of_adam():
    model, twin = Noisy(), Noisy()
    quiet(model, epochs=1, batch_size=50, lr=0.01, schedule="constant")
    optimizer = torch.optim.Adam(twin.parameters(), lr=0.01)
    plain_loss(twin, X).backward()
    optimizer.step()
    for a, b in zip(weights(model), weights(twin), strict=True):
        assert torch.allclose(a, b, atol=1e-6)


def test_every_example_is_seen_once_an_epoch():
    seen: list[Tensor] = []

    def loss(model: nn.Module, x: Tensor) -> Tensor:
        seen.append(x)
        return plain_loss(model, x)

    quiet(Noisy(), epochs=2, loss=loss)
    for epoch in (torch.cat(seen[:4]), torch.cat(seen[4:])):
        assert len(epoch) == 50
        assert torch.equal(epoch.sort(0).values, X.sort(0).values)
    assert not torch.equal(torch.cat(seen[:4]), torch.cat(seen[4:]))


def test_means_weigh_the_smaller_last_batch_by_its_examples():
    # The loss depends on the batch's size alone: 16, 16, 16 and 2 of 50 examples.
    history = quiet(Noisy(), epochs=1, loss=lambda m, x: 0 * plain_loss(m, x) + len(x))
    assert history.train["loss"] == [pytest.approx((3 * 16 * 16 + 2 * 2) / 50)]


def test_a_batch_larger_than_the_data_is_the_whole_data():
    assert quiet(Noisy(), batch_size=1000).epochs == 3


def test_plain_numbers_in_the_loss_are_recorded():
    history = quiet(Noisy(), loss=lambda m, x: {"loss": plain_loss(m, x), "size": len(x)})
    assert history.train["size"] == [pytest.approx((3 * 16 * 16 + 2 * 2) / 50)] * 3


def test_terms_that_come_and_go_are_refused():
    def loss(model: nn.Module, x: Tensor) -> dict[str, Tensor]:
        value = plain_loss(model, x)
        return {"loss": value, "sometimes": value} if len(x) == 16 else {"loss": value}

    with pytest.raises(ValueError, match='"sometimes" in only 3 of 4 steps'):
        quiet(Noisy(), loss=loss)


# ------------------------------------------------------------------------------------------ seeds


def test_the_same_seed_gives_the_same_numbers_and_another_seed_others():
    first, second, other = Noisy(), Noisy(), Noisy()
    settings = {"loss": noisy_loss, "val": X, "transform": jitter}
    a = quiet(first, seed=3, **settings)
    torch.manual_seed(999)
    assert quiet(second, seed=3, **settings) == a
    assert same(weights(first), weights(second))
    assert quiet(other, seed=4, **settings) != a


def jitter(x: Tensor, generator: torch.Generator) -> Tensor:
    return x + 0.01 * torch.randn(x.shape, generator=generator)


def test_the_global_random_numbers_are_left_alone():
    torch.manual_seed(5)
    random.seed(5)
    expected = torch.rand(4), random.random()
    model = Noisy()
    torch.manual_seed(5)
    random.seed(5)
    quiet(model, loss=noisy_loss, val=X, callbacks=[lambda *_: torch.rand(1)])
    assert torch.equal(torch.rand(4), expected[0])
    assert random.random() == expected[1]


def test_what_a_callback_draws_or_switches_does_not_change_the_training():
    def busy(epoch: int, history: History, model: nn.Module) -> None:
        torch.rand(7)
        model.eval()

    def dropout() -> nn.Module:
        torch.manual_seed(0)
        return nn.Sequential(nn.Linear(6, 6), nn.Dropout(0.5))

    a, b = dropout(), dropout()
    assert quiet(a, loss=noisy_loss) == quiet(b, loss=noisy_loss, callbacks=[busy])
    assert same(weights(a), weights(b))


def test_validation_does_not_change_the_training():
    a, b = Noisy(), Noisy()
    assert quiet(a, loss=noisy_loss).train == quiet(b, loss=noisy_loss, val=X).train


# ------------------------------------------------------------------------------------------ schedules


def test_one_cycle_rises_to_one_and_falls_to_almost_nothing():
    values = [one_cycle(i / 1000) for i in range(1001)]
    assert values[0] == pytest.approx(1 / 25)
    assert max(values) == pytest.approx(1.0, abs=1e-4)
    assert values[-1] == pytest.approx(1e-4)
    peak = values.index(max(values))
    assert values[: peak + 1] == sorted(values[: peak + 1])
    assert values[peak:] == sorted(values[peak:], reverse=True)


def test_the_learning_rate_follows_the_schedule(monkeypatch: pytest.MonkeyPatch):
    rates: list[float] = []
    step = torch.optim.Adam.step
    monkeypatch.setattr(
        torch.optim.Adam, "step", lambda self, *a: (rates.append(self.param_groups[0]["lr"]), step(self, *a))[1]
    )
    quiet(Noisy(), lr=0.5, schedule="one-cycle")
    assert rates == pytest.approx([0.5 * one_cycle(i / 11) for i in range(12)])
    rates.clear()
    quiet(Noisy(), lr=0.5, schedule="constant")
    assert rates == [0.5] * 12


def test_linear_warmup():
    anneal = linear_warmup(0.25)
    assert [anneal(p) for p in (0.0, 0.125, 0.25, 0.6, 1.0)] == [0.0, 0.5, 1.0, 1.0, 1.0]
    for fraction in (0, -1, 1.5, math.nan):
        with pytest.raises(ValueError, match="above 0 and up to 1"):
            linear_warmup(fraction)


def test_anneal_runs_from_zero_to_one_and_validation_has_full_weight():
    given: list[tuple[bool, float]] = []

    def loss(model: nn.Module, x: Tensor, weight: float) -> Tensor:
        given.append((torch.is_grad_enabled(), weight))
        return plain_loss(model, x) * 0 + weight + model.linear.bias.sum() * 0

    history = quiet(Noisy(), loss=loss, anneal=lambda p: 2 * p, val=X)
    assert [w for training, w in given if training] == pytest.approx([2 * i / 11 for i in range(12)])
    assert [w for training, w in given if not training] == [2.0] * 3
    assert history.val["loss"] == [2.0] * 3


def test_transform_makes_every_training_batch_anew_and_leaves_validation_alone():
    batches: list[Tensor] = []
    grey = torch.full((50, 6), 0.5)

    def loss(model: nn.Module, x: Tensor) -> Tensor:
        batches.append(x)
        return plain_loss(model, x)

    draw = {"transform": lambda x, generator: torch.bernoulli(x, generator=generator)}
    quiet(Noisy(), grey, loss=loss, epochs=2, batch_size=50, val=grey, **draw)
    first, first_val, second, second_val = batches
    assert {0.0, 1.0} == set(first.unique().tolist())
    assert not torch.equal(first, second)
    assert torch.equal(first_val, grey)
    assert torch.equal(second_val, grey)


# ------------------------------------------------------------------------------------------ validation


def test_validation_is_the_weighted_mean_in_eval_mode_with_fixed_noise(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(fit_module, "VALIDATION_BATCH", 20)
    modes: list[bool] = []

    def loss(model: nn.Module, x: Tensor) -> Tensor:
        if not torch.is_grad_enabled():
            modes.append(model.training)
        return 0 * plain_loss(model, x) + len(x) + torch.randn(())

    history = quiet(Noisy(), loss=loss, val=X)
    torch.manual_seed(0)
    noise = torch.randn(3)
    expected = (20 * (20 + noise[0]) + 20 * (20 + noise[1]) + 10 * (10 + noise[2])) / 50
    assert history.val["loss"] == [pytest.approx(float(expected), rel=1e-6)] * 3
    assert modes == [False] * 9


@pytest.mark.parametrize("training", [True, False])
def test_every_part_of_the_model_comes_back_in_its_own_mode(training: bool):
    model = nn.Sequential(nn.Linear(6, 6), nn.Dropout(0.1))
    model.train(training)
    model[1].train(not training)
    quiet(model, val=X)
    assert [m.training for m in model.modules()] == [training, training, not training]


def test_early_stopping_ends_after_patience_and_puts_the_best_weights_back():
    # Validation wants the opposite of training, so it gets worse from the start; its best epoch is the first.
    after: list[list[Tensor]] = []
    history = quiet(
        model := Noisy(),
        loss=lambda m, x: plain_loss(m, x) if m.training else -plain_loss(m, x),
        val=X,
        epochs=20,
        patience=3,
        callbacks=[lambda epoch, h, m: after.append(weights(m))],
    )
    assert (history.epochs, history.stopped, history.best_epoch) == (4, "early", 1)
    assert same(weights(model), after[0])
    assert not same(weights(model), after[-1])


@pytest.mark.parametrize(
    ("losses", "epochs", "best"),
    [
        ([5, 6, 4, 6, 6, 1], 5, 3),  # an improvement starts the count again
        ([5, 5, 5, 1], 3, 1),  # standing still is no improvement
        ([5, 4, 3, 2, 1], 5, 5),
    ],
)
def test_patience_counts_epochs_in_a_row_without_a_lower_loss(losses: list[float], epochs: int, best: int):
    coming = iter(losses)
    history = quiet(
        Noisy(),
        loss=lambda m, x: plain_loss(m, x) * 0 + (0 if m.training else next(coming)),
        val=X,
        epochs=len(losses),
        patience=2,
    )
    assert (history.epochs, history.best_epoch) == (epochs, best)
    assert history.stopped == ("finished" if epochs == len(losses) else "early")


def test_training_that_keeps_improving_is_not_stopped_early():
    assert quiet(Noisy(), val=X, patience=1, epochs=4).stopped == "finished"


# ------------------------------------------------------------------------------------------ numbers that break


@pytest.fixture(params=["cpu", "accelerator"])
def checks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Runs a test with a check at every step, and with one every few steps as on an accelerator."""
    if request.param == "accelerator":
        guard = fit_module.Guard
        monkeypatch.setattr(fit_module, "Guard", lambda model, every: guard(model, every=4))
    return request.param


class Breaks:
    """A loss that goes wrong in its 7th step: epoch 2, step 3 of 4."""

    def __init__(self, what: str) -> None:
        self.what, self.steps = what, 0

    def __call__(self, model: Noisy, x: Tensor) -> dict[str, Tensor]:
        self.steps += 1
        loss = plain_loss(model, x)
        if self.steps == 7 and self.what == "gradient":
            loss = loss + (model.linear.bias.sum() * 0).abs().sqrt()
        elif self.steps == 7:
            loss = loss * float(self.what)
        return {"loss": loss, "kl": loss.detach() * 2, "fine": torch.zeros(())}


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


# ------------------------------------------------------------------------------------------ bad input

FROZEN = nn.Linear(6, 6).requires_grad_(False)
SICK = nn.Linear(6, 6)
with torch.no_grad():
    SICK.weight[0, 0] = math.nan


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        ({"x": (X * 255).to(torch.uint8)}, TypeError, r"torch\.uint8.*float\(\) / 255"),
        ({"x": torch.full((3, 6), math.nan)}, ValueError, "images holds NaN"),
        ({"x": torch.full((3, 6), math.inf)}, ValueError, "images holds infinity"),
        ({"x": torch.rand(2, 1, 4, 4) * 255}, ValueError, "divide by 255"),
        ({"x": torch.zeros(0, 6)}, ValueError, "at least one example"),
        ({"x": torch.tensor(1.0)}, ValueError, "at least one example"),
        ({"x": [1, 2]}, TypeError, "images is a list"),
        ({"x": ()}, TypeError, "images is a tuple"),
        ({"x": (X, torch.zeros(3))}, ValueError, "different lengths"),
        ({"val": torch.full((3, 6), math.nan)}, ValueError, "val holds NaN"),
        ({"epochs": 0}, ValueError, "epochs is 0"),
        ({"epochs": 2.5}, ValueError, "epochs is 2.5"),
        ({"batch_size": 0}, ValueError, "batch_size is 0"),
        ({"patience": 0, "val": X}, ValueError, "patience is 0"),
        ({"patience": 2}, ValueError, "give val"),
        ({"lr": 0.0}, ValueError, "lr is 0"),
        ({"lr": math.nan}, ValueError, "lr is nan"),
        ({"schedule": "cosine"}, ValueError, "one-cycle"),
        ({"device": "mps"}, ValueError, '"mps"'),
        ({"model": "VAE"}, TypeError, "model is a str"),
        ({"model": nn.ReLU()}, ValueError, "no trainable parameters"),
        ({"model": FROZEN}, ValueError, "no trainable parameters"),
        ({"model": SICK}, ValueError, "weight holds NaN or infinity before training"),
        ({"loss": lambda m, x: (m(x) - x).square().sum(-1)}, ValueError, r"shape \[16\]: take the mean over the batch"),
        ({"loss": lambda m, x: {"loss": m(x).mean(), "kl": m(x)}}, ValueError, r'"kl".*shape \[16, 6\]'),
        ({"loss": lambda m, x: {"elbo": m(x).mean()}}, TypeError, r"\['elbo'\].*key \"loss\""),
        ({"loss": lambda m, x: m(x).mean().item()}, TypeError, "returned a float"),
        ({"loss": lambda m, x: None}, TypeError, "returned a NoneType"),
        ({"loss": lambda m, x: m(x).mean().detach()}, ValueError, "no gradient"),
    ],
)
def test_bad_input_gets_one_clear_sentence(change: dict, error: type[Exception], says: str):
    if change.get("device") == "mps" and torch.backends.mps.is_available():
        pytest.skip("this machine has the device whose absence is tested")
    change = dict(change)
    model, x = change.pop("model", None) or nn.Linear(6, 6), change.pop("x", X)
    with pytest.raises(error, match=says) as caught:
        quiet(model, x, **change)
    assert "\n" not in str(caught.value)


def test_bad_data_is_found_before_the_first_step():
    model = Noisy()
    before = weights(model)
    x = X.clone()
    x[49, 5] = math.nan
    with pytest.raises(ValueError, match="NaN"):
        quiet(model, x)
    assert same(weights(model), before)


# ------------------------------------------------------------------------------------------ the stop button


def press_stop_in(epoch: int) -> Breaks:
    class Stop(Breaks):
        def __call__(self, model: Noisy, x: Tensor) -> dict[str, Tensor]:
            self.steps += torch.is_grad_enabled()
            if self.steps == 4 * (epoch - 1) + 3:
                raise KeyboardInterrupt
            return noisy_loss(model, x)

    return Stop("")


def test_the_stop_button_leaves_a_usable_model_and_whole_epochs(capfd: pytest.CaptureFixture[str]):
    model, twin = Noisy().eval(), Noisy()
    history = quiet(model, loss=press_stop_in(3), epochs=5)
    assert (history.epochs, history.stopped) == (2, "interrupted")
    assert [len(values) for values in history.train.values()] == [2, 2]
    assert not model.training
    assert torch.isfinite(model(X)).all()
    assert not same(weights(model), weights(twin))
    out, err = capfd.readouterr()
    assert out == "Interrupted after 2 of 5 epochs; the model is usable.\n"
    assert err == ""


def test_the_stop_button_with_patience_keeps_the_best_weights():
    after: list[list[Tensor]] = []
    model = Noisy()
    settings = {"val": X, "patience": 5, "epochs": 5, "callbacks": [lambda e, h, m: after.append(weights(m))]}
    assert quiet(model, loss=press_stop_in(2), **settings).stopped == "interrupted"
    assert same(weights(model), after[0])


# ------------------------------------------------------------------------------------------ checkpoints


def dropout_net() -> nn.Module:
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(6, 6), nn.BatchNorm1d(6), nn.Dropout(0.3))


@pytest.mark.parametrize("stopped_in", [1, 3, 5])
def test_a_resumed_training_gives_the_numbers_of_an_uninterrupted_one(tmp_path: Path, stopped_in: int):
    settings = {"epochs": 5, "transform": jitter, "val": X, "patience": 5}
    whole, broken, resumed = dropout_net(), dropout_net(), dropout_net()
    expected = quiet(whole, loss=noisy_loss, **settings)
    path = tmp_path / "new folder" / "run.pt"
    interrupted = quiet(broken, loss=press_stop_in(stopped_in), checkpoint=path, **settings)
    assert interrupted.epochs == stopped_in - 1
    torch.manual_seed(77)
    with torch.no_grad():
        resumed[0].weight.fill_(5.0)
    assert quiet(resumed, loss=noisy_loss, checkpoint=path, **settings) == expected
    assert same(list(whole.state_dict().values()), list(resumed.state_dict().values()))


def test_a_finished_checkpoint_is_loaded_and_not_trained_again(tmp_path: Path):
    path = tmp_path / "run.pt"
    model, other = Noisy(), Noisy(seed=9)
    history = quiet(model, checkpoint=path)
    assert quiet(other, loss=lambda m, x: pytest.fail("trained again"), checkpoint=path) == history
    assert same(weights(model), weights(other))


def test_early_stopping_survives_a_checkpoint(tmp_path: Path):
    settings = {"loss": lambda m, x: plain_loss(m, x) if m.training else -plain_loss(m, x), "val": X, "patience": 3}
    history = quiet(Noisy(), epochs=20, checkpoint=tmp_path / "run.pt", **settings)
    assert history.stopped == "early"
    assert quiet(Noisy(), epochs=20, checkpoint=tmp_path / "run.pt", **settings) == history


def test_a_checkpoint_of_another_training_is_refused(tmp_path: Path):
    path = tmp_path / "run.pt"
    quiet(Noisy(), checkpoint=path)
    with pytest.raises(TrainingError, match=r"lr was 0\.001, now 0\.1"):
        quiet(Noisy(), checkpoint=path, lr=0.1)
    with pytest.raises(TrainingError, match="images was 50, now 40"):
        quiet(Noisy(), X[:40], checkpoint=path)
    with pytest.raises(TrainingError, match="another model"):
        quiet(nn.Linear(6, 6), checkpoint=path)


@pytest.mark.parametrize("damage", ["truncated", "empty", "text", "other"])
def test_a_damaged_checkpoint_gets_one_sentence_and_stays(tmp_path: Path, damage: str):
    path = tmp_path / "run.pt"
    quiet(Noisy(), checkpoint=path)
    whole = path.read_bytes()
    content = {"truncated": whole[: len(whole) // 2], "empty": b"", "text": b"not a checkpoint"}.get(damage)
    if content is None:
        torch.save([1, 2, 3], path)
    else:
        path.write_bytes(content)
    content = path.read_bytes()
    with pytest.raises(TrainingError, match=r"run\.pt is.*move it away and train again") as caught:
        quiet(Noisy(), checkpoint=path)
    assert "\n" not in str(caught.value)
    assert path.read_bytes() == content


def test_a_checkpoint_never_runs_code_from_the_file(tmp_path: Path):
    class Evil:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "pwned",))

    torch.save({"run": Evil()}, tmp_path / "run.pt")
    with pytest.raises(TrainingError):
        quiet(Noisy(), checkpoint=tmp_path / "run.pt")
    assert not (tmp_path / "pwned").exists()


def test_a_write_that_fails_leaves_the_last_checkpoint_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "run.pt"
    calls: list[int] = []

    def fails_the_third_time(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) == 3:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fails_the_third_time)
    with pytest.raises(TrainingError, match=r"Can't write .*run\.pt \(No space left on device\)"):
        quiet(Noisy(), loss=noisy_loss, checkpoint=path)
    monkeypatch.undo()
    assert [p.name for p in tmp_path.iterdir()] == ["run.pt"]
    assert quiet(Noisy(), loss=noisy_loss, checkpoint=path) == quiet(Noisy(), loss=noisy_loss)


def test_a_folder_that_cannot_be_written_is_found_before_the_first_step(tmp_path: Path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(TrainingError, match="Can't write"):
        quiet(Noisy(), loss=lambda m, x: pytest.fail("trained"), checkpoint=tmp_path / "file" / "run.pt")


# ------------------------------------------------------------------------------------------ telling of it


def test_callbacks_get_the_epoch_the_history_so_far_and_the_model():
    calls: list[tuple[int, History, nn.Module]] = []
    model = Noisy()
    history = quiet(model, val=X, callbacks=[lambda *args: calls.append(args)])
    assert [epoch for epoch, _, _ in calls] == [1, 2, 3]
    for epoch, so_far, given in calls:
        assert given is model
        assert (so_far.epochs, so_far.stopped) == (epoch, "running")
        assert so_far.train["loss"] == history.train["loss"][:epoch]
        assert so_far.val["loss"] == history.val["loss"][:epoch]


def test_the_bar_goes_to_standard_output_only(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("VAE_COURSE_PROGRESS", raising=False)
    history = quiet(Noisy(), val=X, progress=True)
    out, err = capfd.readouterr()
    assert err == ""
    assert "12/12" in out
    assert f"epoch 3/3, loss {history.train['loss'][-1]:.2f}, validation {history.val['loss'][-1]:.2f}" in out


def test_the_environment_silences_the_bar(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("VAE_COURSE_PROGRESS", "0")
    quiet(Noisy(), progress=True)
    assert capfd.readouterr() == ("", "")


def test_a_history_reads_the_same_whenever_its_numbers_are():
    a = History({"loss": [3.0, 2.0]}, {"loss": [2.5, 2.75]}, 2, 1.0, "finished")
    b = History({"loss": [3.0, 2.0]}, {"loss": [2.5, 2.75]}, 2, 99.0, "finished")
    assert a == b
    assert (
        repr(a)
        == repr(b)
        == ("History(2 epochs, finished; loss 3.00 to 2.00; validation loss 2.75 (best 2.50 in epoch 1))")
    )
    assert repr(History(stopped="interrupted")) == "History(0 epochs, interrupted)"


def test_a_history_survives_its_dictionary():
    history = quiet(Noisy(), val=X)
    again = History.from_dict(history.to_dict())
    assert again == history
    assert again.seconds == history.seconds > 0
