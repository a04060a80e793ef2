"""`fit`, the front door of every training, and what goes on behind it: epochs, steps, validation, going on again."""

import math
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, get_args

import torch
from torch import Tensor, nn

from vae_course.support.numbers import whole_number
from vae_course.support.state import isolated_rng, pick_device, restored_modes, rng_states, set_rng_states
from vae_course.support.threads import at_most, usable_processors
from vae_course.training import checkpoint as files
from vae_course.training.batches import Batch, Data, Examples, Tally, examples, loss_terms
from vae_course.training.errors import TrainingError
from vae_course.training.guard import STEPS_BETWEEN_CHECKS, Guard, WithinUnit, check_dtype, check_parameters
from vae_course.training.history import Best, History, Stopped, describe, progress_bar
from vae_course.training.schedules import Anneal, Schedule, learning_rate_factor

Loss = Callable[..., Any]
Transform = Callable[[Any, torch.Generator], Any]
VALIDATION_BATCH = 1000


class Callback(Protocol):
    """Called after every epoch (counted from 1); its random numbers never change the training's."""

    def __call__(self, epoch: int, history: History, model: nn.Module) -> None:
        """Look at the training after this epoch."""


@dataclass(frozen=True, kw_only=True, eq=False)
class TrainingSettings:
    """All that decides how a training ends, apart from the model and the images; the fields are those of `fit`.

    Raises:
        ValueError: one of the numbers makes no sense.
    """

    loss: Loss
    epochs: int = 10
    batch_size: int = 128
    lr: float = 1e-3
    adam_eps: float = 1e-8
    val: Data | None = None
    schedule: Schedule = "one-cycle"
    anneal: Anneal | None = None
    transform: Transform | None = None
    patience: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        for name, least in (("epochs", 1), ("batch_size", 1), ("patience", 1), ("seed", None)):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, whole_number(getattr(self, name), name, least=least))
        for name, example in (
            ("lr", "a learning rate above zero, such as 1e-3"),
            ("adam_eps", "1e-8 or so, above zero"),
        ):
            object.__setattr__(self, name, float(getattr(self, name)))
            if not 0 < getattr(self, name) < math.inf:
                raise ValueError(f"{name} is {getattr(self, name)}: give {example}.")
        if self.schedule not in get_args(Schedule):
            raise ValueError(f'schedule is {self.schedule!r}: give "one-cycle" or "constant".')
        if self.patience is not None and self.val is None:
            raise ValueError("patience needs validation data: give val as well.")

    @property
    def numbers(self) -> dict[str, Any]:
        """The plain values among them."""
        names = ("epochs", "batch_size", "lr", "adam_eps", "schedule", "patience", "seed")
        return {name: getattr(self, name) for name in names}


def fit(
    model: nn.Module,
    images: Data,
    *,
    loss: Loss,
    epochs: int = 10,
    batch_size: int = 128,
    lr: float = 1e-3,
    adam_eps: float = 1e-8,
    val: Data | None = None,
    schedule: Schedule = "one-cycle",
    anneal: Anneal | None = None,
    transform: Transform | None = None,
    patience: int | None = None,
    seed: int = 0,
    device: str | torch.device = "auto",
    progress: bool = True,
    callbacks: Sequence[Callback] = (),
    checkpoint: str | Path | None = None,
) -> History:
    """Train a model in place with Adam, and report every term of its loss.

    The same seed gives the same numbers on one machine, whatever else draws random numbers. The stop button
    ends the training and leaves the model usable. The model ends on the device and in the mode it came in.

    Args:
        model: any module.
        images: `Images`, a tensor `[N, ...]`, or a tuple of tensors with N entries each, of which the loss
            gets a tuple of batches.
        loss: `loss(model, x)` returns a scalar tensor to minimise, or a dict of scalars with the key "loss".
        epochs: passes over the data.
        batch_size: examples for each step; the last batch of an epoch may be smaller.
        lr: learning rate; with "one-cycle" its peak.
        adam_eps: what Adam adds to the root of its second moment, which damps the steps where gradients are tiny.
        val: validation data, used as they are; their loss is measured after every epoch with the same noise.
        schedule: "one-cycle" or "constant".
        anneal: from progress in [0, 1] to a weight; the loss is then called as
            `loss(model, x, anneal(progress))`, on the validation data with `anneal(1.0)`.
        transform: `transform(x, generator)` makes each training batch anew, such as `data.dynamic_binarize`.
        patience: end after this many epochs without a lower validation loss, and put back the best weights.
        seed: fixes the order of the examples and all noise.
        device: where to train: "auto", "cpu", "cuda", "mps".
        progress: show a progress bar.
        callbacks: each is called as `callback(epoch, history, model)` after every epoch.
        checkpoint: a file for the state after every epoch; a call with the same settings goes on from there.

    Raises:
        TypeError, ValueError: model, data, settings, or what the loss returns, make no sense; images are of another
            floating-point type than the model, or outside of what a cross-entropy takes.
        TrainingError: a loss or gradient that is not finite, or a checkpoint that can't be used.
    """
    settings = TrainingSettings(
        loss=loss,
        epochs=epochs,
        batch_size=batch_size,
        lr=lr,
        adam_eps=adam_eps,
        val=val,
        schedule=schedule,
        anneal=anneal,
        transform=transform,
        patience=patience,
        seed=seed,
    )
    path = None if checkpoint is None else Path(checkpoint)
    return train(model, images, settings, device=device, progress=progress, callbacks=callbacks, checkpoint=path)


def train(
    model: nn.Module,
    images: Data,
    settings: TrainingSettings,
    *,
    device: str | torch.device,
    progress: bool,
    callbacks: Sequence[Callback] = (),
    checkpoint: Path | None = None,
) -> History:
    """`fit` with its settings in one piece, on no more threads than there are processors to use."""
    check_parameters(model)
    data, val = examples(images), None if settings.val is None else examples(settings.val, name="val")
    if val is not None:
        check_dtype(model, val.x, "val")
    chosen, origin = pick_device(device), next(model.parameters()).device
    try:
        with restored_modes(model), isolated_rng(settings.seed, device=chosen), at_most(usable_processors()):
            model.to(chosen)
            run = Training(model, data.to(chosen), None if val is None else val.to(chosen), settings, chosen)
            return run.go(progress, callbacks, checkpoint)
    finally:
        model.to(origin)


class Training:
    """One training: what it was given, and its state between two epochs."""

    def __init__(
        self, model: nn.Module, data: Examples, val: Examples | None, settings: TrainingSettings, device: torch.device
    ) -> None:
        self.model, self.data, self.val, self.settings, self.device = model, data, val, settings, device
        parameters = [p for p in model.parameters() if p.requires_grad]
        self.optimizer = torch.optim.Adam(parameters, lr=settings.lr, eps=settings.adam_eps, fused=True)
        self.order = torch.Generator().manual_seed(settings.seed)
        self.noise = torch.Generator(device).manual_seed(settings.seed)
        self.steps_per_epoch = -(-len(data) // settings.batch_size)
        self.total_steps = self.steps_per_epoch * settings.epochs
        self.means: dict[str, dict[str, list[float]]] = {"train": {}, "val": {}}
        self.epochs_done, self.seconds = 0, 0.0
        self.best = Best()

    def go(self, progress: bool, callbacks: Sequence[Callback], path: Path | None) -> History:
        """Train to the end, from the checkpoint at `path` if there is one."""
        if path is not None:
            self.resume(path) if path.exists() else files.save(self.state(), path)
        epochs, patience = self.settings.epochs, self.settings.patience
        stopped: Stopped = "finished"
        self.guard = Guard(self.model, every=1 if self.device.type == "cpu" else STEPS_BETWEEN_CHECKS)
        done = self.epochs_done * self.steps_per_epoch
        try:
            with progress_bar(total=self.total_steps, done=done, show=progress) as bar:
                while self.epochs_done < epochs:
                    if patience is not None and self.best.epochs_since >= patience:
                        stopped = "early"
                        break
                    self.epoch(bar, callbacks, path)
        except KeyboardInterrupt:
            stopped = "interrupted"
            print(f"Interrupted after {self.epochs_done} of {epochs} epochs; the model is usable.")
            self.guard.check()
        if self.best.weights:
            self.model.load_state_dict(self.best.weights)
        self.optimizer.zero_grad()
        return self.history(stopped)

    def epoch(self, bar: Any, callbacks: Sequence[Callback], path: Path | None) -> None:
        """One pass over the training data, its validation, and everyone who wants to know of it."""
        started = time.perf_counter()
        train = self.pass_over_training_data(bar)
        val = self.validate()
        for means, new in ((self.means["train"], train), (self.means["val"], val)):
            for name, value in new.items():
                means.setdefault(name, []).append(value)
        self.epochs_done += 1
        self.seconds += time.perf_counter() - started
        if self.settings.patience is not None:
            self.best.update(val["loss"], self.model)
        bar.set_description_str(describe(self.epochs_done, self.settings.epochs, train, val), refresh=False)
        if path is not None:
            files.save(self.state(), path)
        for callback in callbacks:
            with isolated_rng(device=self.device):
                callback(self.epochs_done, self.history("running"), self.model)

    def pass_over_training_data(self, bar: Any) -> dict[str, float]:
        """Train on every example once, in random order, and return the means of the loss's terms."""
        self.model.train()
        order = torch.randperm(len(self.data), generator=self.order).to(self.device)
        tally = Tally()
        for step, index in enumerate(order.split(self.settings.batch_size)):
            tally.add(self.step(step, index), len(index))
            bar.update(1)
        self.guard.check()
        return tally.means()

    def step(self, step: int, index: Tensor) -> dict[str, Tensor]:
        """One step of Adam; an update from numbers that are not finite is never applied."""
        settings = self.settings
        progress = (self.epochs_done * self.steps_per_epoch + step) / max(1, self.total_steps - 1)
        self.optimizer.param_groups[0]["lr"] = settings.lr * learning_rate_factor(settings.schedule, progress)
        batch = self.data.take(index)
        if settings.transform is not None:
            batch = settings.transform(batch, self.noise)
        if self.epochs_done == step == 0:
            check_dtype(self.model, batch[0] if isinstance(batch, tuple) else batch, "images")
        # A transform may leave [0, 1] too: one batch tells.
        unsure = self.epochs_done == 0 and (step == 0 or not self.data.within_unit)
        terms = self.terms(batch, progress, WithinUnit("images") if unsure else nullcontext())
        if not terms["loss"].requires_grad:
            raise ValueError("The loss has no gradient: it was detached, or computed under torch.no_grad().")
        self.optimizer.zero_grad()
        terms["loss"].backward()
        terms = {name: term.detach() for name, term in terms.items()}
        self.guard.watch(self.epochs_done + 1, step + 1, terms, batch)
        self.optimizer.step()
        return terms

    def terms(self, batch: Batch, progress: float, watch: AbstractContextManager[Any]) -> dict[str, Tensor]:
        """The terms of the loss on this batch, at this point of the training."""
        weight = () if self.settings.anneal is None else (self.settings.anneal(progress),)
        with watch:
            return loss_terms(self.settings.loss(self.model, batch, *weight))

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """The means of the loss's terms on the validation data: eval mode, full weight, fixed noise."""
        if self.val is None:
            return {}
        self.model.eval()
        tally = Tally()
        with isolated_rng(self.settings.seed, device=self.device):
            for count, batch in self.val.batches(VALIDATION_BATCH):
                watch = nullcontext() if self.val.within_unit else WithinUnit("val")
                tally.add(self.terms(batch, 1.0, watch), count)
        means = tally.means()
        if not math.isfinite(means["loss"]):
            raise TrainingError(
                f"The validation loss is {means['loss']:g} after epoch {self.epochs_done + 1}, though the"
                " training loss is finite: look for an example in val that the model finds impossible."
            )
        return means

    def history(self, stopped: Stopped) -> History:
        """The record so far, as a copy; an epoch that was interrupted is not in it."""
        train, val = ({k: v[: self.epochs_done] for k, v in self.means[name].items()} for name in ("train", "val"))
        return History(train, val, self.epochs_done, self.seconds, stopped)

    def state(self) -> dict[str, Any]:
        """All that the rest of the training depends on, as tensors and plain values."""
        return {
            "run": self.identity(),
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "history": self.history("running").to_dict(),
            "best": vars(self.best),
            "rng": rng_states(self.device),
            "order": self.order.get_state(),
            "noise": self.noise.get_state(),
        }

    def identity(self) -> dict[str, Any]:
        """What a checkpoint must agree on, so that going on from it gives the same numbers."""
        sizes = {"images": len(self.data), "val": 0 if self.val is None else len(self.val)}
        return self.settings.numbers | sizes | {"device": self.device.type}

    def resume(self, path: Path) -> None:
        """Go on from a checkpoint of this very training.

        Raises:
            TrainingError: the checkpoint is damaged, or belongs to another training.
        """
        state = files.load(path)
        for name, ours in self.identity().items():
            theirs = state.get("run", {}).get(name)
            if theirs != ours:
                raise TrainingError(
                    f"{path} belongs to another training ({name} was {theirs}, now {ours}): give another file name."
                )
        try:
            self.model.load_state_dict(state["model"])
        except RuntimeError:
            raise TrainingError(f"{path} belongs to another model: give another file name.") from None
        self.optimizer.load_state_dict(state["optimizer"])
        self.best = Best(**state["best"])
        history = History.from_dict(state["history"])
        self.means = {"train": history.train, "val": history.val}
        self.epochs_done, self.seconds = history.epochs, history.seconds
        set_rng_states(state["rng"], self.device)
        self.order.set_state(state["order"])
        self.noise.set_state(state["noise"])
