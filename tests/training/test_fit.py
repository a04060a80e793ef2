"""`fit`: what it trains, what it reports, and how it fails. The models are tiny and no VAE is needed."""

import math
import random
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.training.small import (
    Noisy,
    X,
    fit_module,
    jitter,
    noisy_loss,
    plain_loss,
    press_stop_in,
    quiet,
    same,
    weights,
)
from vae_course.distributions import bernoulli_log_prob
from vae_course.models import VAE
from vae_course.objectives import negative_elbo, negative_iwae
from vae_course.support.threads import usable_processors
from vae_course.training import History, fit, one_cycle

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


def test_eps_reaches_adam():
    """With an eps far above every gradient, Adam's step is the gradient over eps: next to nothing."""
    x = torch.rand(20, 1, 4, 4).round()

    def moved(eps: float) -> float:
        torch.manual_seed(5)
        model = VAE.mlp(2, hidden=(8,), shape=(1, 4, 4))
        before = torch.cat([p.detach().flatten().clone() for p in model.parameters()])
        fit(
            model,
            x,
            loss=negative_elbo,
            epochs=1,
            adam_eps=eps,
            lr=1e-2,
            schedule="constant",
            progress=False,
            device="cpu",
        )
        return float((torch.cat([p.detach().flatten() for p in model.parameters()]) - before).abs().max())

    assert moved(1e6) < 1e-6 < 1e-3 < moved(1e-8)


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


# ------------------------------------------------------------------------------------------ seeds


def test_the_same_seed_gives_the_same_numbers_and_another_seed_others():
    first, second, other = Noisy(), Noisy(), Noisy()
    settings = {"loss": noisy_loss, "val": X, "transform": jitter}
    a = quiet(first, seed=3, **settings)
    torch.manual_seed(999)
    assert quiet(second, seed=3, **settings) == a
    assert same(weights(first), weights(second))
    assert quiet(other, seed=4, **settings) != a


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
        ({"adam_eps": 0.0}, ValueError, "adam_eps is 0"),
        ({"adam_eps": -1.0}, ValueError, "adam_eps is -1"),
        ({"adam_eps": math.nan}, ValueError, "adam_eps is nan"),
        ({"seed": 1.5}, ValueError, "seed is 1.5"),
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


def bernoulli_of_pytorch(model: nn.Module, x: Tensor) -> Tensor:
    return -torch.distributions.Bernoulli(logits=model(x), validate_args=False).log_prob(x).sum(-1).mean()


CROSS_ENTROPIES = [
    lambda m, x: F.binary_cross_entropy_with_logits(m(x), x),
    lambda m, x: F.binary_cross_entropy_with_logits(input=m(x), target=x, reduction="sum"),
    lambda m, x: F.binary_cross_entropy(m(x).sigmoid(), x),
    lambda m, x: nn.BCEWithLogitsLoss()(m(x), x),
    lambda m, x: -bernoulli_log_prob(x, m(x)).mean(),
    bernoulli_of_pytorch,
]


@pytest.mark.parametrize("loss", CROSS_ENTROPIES)
def test_pixels_outside_of_what_a_cross_entropy_takes_are_named(loss):
    """In [-1, 1] such a loss has no lower bound: it would fall for ever without a word."""
    model = Noisy()
    before = weights(model)
    with pytest.raises(ValueError, match=r"images holds numbers from -\S+ to \S+, .* takes \[0, 1\]") as caught:
        quiet(model, 2 * X - 1, loss=loss)
    assert "\n" not in str(caught.value)
    assert same(weights(model), before)
    assert quiet(model, X, loss=loss, val=X).stopped == "finished"
    with pytest.raises(ValueError, match="val holds numbers from -"):
        quiet(model, X, loss=loss, val=2 * X - 1)


@pytest.mark.parametrize("loss", [negative_elbo, lambda m, x: negative_iwae(m, x, k=2)])
def test_the_bounds_of_a_bernoulli_vae_take_pixels_in_zero_to_one(loss):
    images = torch.rand(20, 1, 4, 4)
    vae = VAE.mlp(2, hidden=(8,), shape=(1, 4, 4))
    with pytest.raises(ValueError, match=r"takes \[0, 1\]"):
        quiet(vae, 2 * images - 1, loss=loss)
    assert quiet(vae, images, loss=loss).stopped == "finished"


def test_one_odd_image_among_many_is_found():
    x = X.clone()
    x[17, 3] = 1.5
    with pytest.raises(ValueError, match="to 1.5"):
        quiet(Noisy(), x, loss=CROSS_ENTROPIES[0], batch_size=1)


def test_a_transform_that_leaves_the_range_is_found_too():
    with pytest.raises(ValueError, match=r"takes \[0, 1\]"):
        quiet(Noisy(), loss=CROSS_ENTROPIES[0], transform=lambda x, generator: 2 * x - 1)


def test_a_pixel_that_resizing_left_a_hair_outside_is_no_error():
    assert quiet(Noisy(), (X - 0.5) * 1.001 + 0.5, loss=CROSS_ENTROPIES[0]).stopped == "finished"


def test_other_losses_take_any_range():
    assert quiet(Noisy(), 100 * X - 50, val=2 * X - 1).stopped == "finished"


def test_images_of_another_type_than_the_models_are_named_with_the_fix():
    with pytest.raises(
        TypeError, match=r"images holds torch.float64, but the model's parameters are torch.float32: .*to\("
    ):
        quiet(Noisy(), X.double())
    with pytest.raises(TypeError, match=r"val holds torch.float64.*model\.to\(torch\.float64\)"):
        quiet(Noisy(), val=X.double())
    assert quiet(Noisy().double(), X.double()).stopped == "finished"
    assert quiet(Noisy(), X.double(), transform=lambda x, generator: x.float()).stopped == "finished"


@pytest.mark.parametrize("make", [np.int64, np.uint8, torch.tensor])
def test_whole_numbers_of_numpy_and_pytorch_are_taken(make, tmp_path: Path):
    numbers = {"epochs": 3, "batch_size": 16, "patience": 2, "seed": 4}
    ours, theirs = Noisy(), Noisy()
    expected = quiet(ours, loss=noisy_loss, val=X, **numbers)
    given = {name: make(number) for name, number in numbers.items()} | {"lr": np.float64(1e-3)}
    assert quiet(theirs, loss=noisy_loss, val=X, **given, checkpoint=tmp_path / "run.pt") == expected
    assert same(weights(ours), weights(theirs))
    assert quiet(Noisy(), loss=noisy_loss, val=X, **numbers, checkpoint=tmp_path / "run.pt") == expected


@pytest.mark.parametrize("quota", [1, 2, 64])
def test_it_uses_no_more_threads_than_there_are_processors_for(quota: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", str(quota))
    before, seen = torch.get_num_threads(), set()

    def loss(model: nn.Module, x: Tensor) -> Tensor:
        seen.add(torch.get_num_threads())
        return plain_loss(model, x)

    torch.set_num_threads(3)
    try:
        quiet(Noisy(), loss=loss)
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)
    assert seen == {min(3, usable_processors())} and usable_processors() <= quota


# ------------------------------------------------------------------------------------------ the stop button


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
