"""One training from its first step to its last: what `fit` does once its arguments are checked."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from vae_course.training import checkpoint as files
from vae_course.training.bookkeeping import Best, Tally
from vae_course.training.errors import TrainingError
from vae_course.training.examples import Batch, Examples, loss_terms
from vae_course.training.guard import STEPS_BETWEEN_CHECKS, Guard
from vae_course.training.history import History, Stopped
from vae_course.training.progress import describe, progress_bar
from vae_course.training.rng import isolated_rng, rng_states, set_rng_states
from vae_course.training.schedules import Anneal, learning_rate_factor
from vae_course.training.settings import Settings

Loss = Callable[..., Any]
Transform = Callable[[Any, torch.Generator], Any]
VALIDATION_BATCH = 1000


class Callback(Protocol):
    """Called after every epoch (counted from 1); its random numbers never change the training's."""

    def __call__(self, epoch: int, history: History, model: nn.Module) -> None:
        """Look at the training after this epoch."""


@dataclass
class Run:
    """One training: what it was given, and its state between two epochs."""

    model: nn.Module
    train: Examples
    val: Examples | None
    loss: Loss
    anneal: Anneal | None
    transform: Transform | None
    settings: Settings
    device: torch.device

    def __post_init__(self) -> None:
        parameters = [p for p in self.model.parameters() if p.requires_grad]
        self.optimizer = torch.optim.Adam(parameters, lr=self.settings.lr, eps=self.settings.adam_eps, fused=True)
        self.order = torch.Generator().manual_seed(self.settings.seed)
        self.noise = torch.Generator(self.device).manual_seed(self.settings.seed)
        self.steps_per_epoch = -(-len(self.train) // self.settings.batch_size)
        self.total_steps = self.steps_per_epoch * self.settings.epochs
        self.means: dict[str, dict[str, list[float]]] = {"train": {}, "val": {}}
        self.epochs_done, self.seconds = 0, 0.0
        self.best = Best()

    def go(self, progress: bool, callbacks: Sequence[Callback], path: Path | None) -> History:
        """Train to the end, from the checkpoint at `path` if there is one."""
        if path is not None:
            self.resume(path) if path.exists() else files.save(self.state(), path)
        stopped: Stopped = "finished"
        self.guard = Guard(self.model, every=1 if self.device.type == "cpu" else STEPS_BETWEEN_CHECKS)
        try:
            with progress_bar(
                total=self.total_steps, done=self.epochs_done * self.steps_per_epoch, show=progress
            ) as bar:
                while self.epochs_done < self.settings.epochs:
                    if self.settings.patience is not None and self.best.epochs_since >= self.settings.patience:
                        stopped = "early"
                        break
                    self.epoch(bar, callbacks, path)
        except KeyboardInterrupt:
            stopped = "interrupted"
            print(f"Interrupted after {self.epochs_done} of {self.settings.epochs} epochs; the model is usable.")
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
        order = torch.randperm(len(self.train), generator=self.order).to(self.device)
        tally = Tally()
        for step, index in enumerate(order.split(self.settings.batch_size)):
            terms = self.step(step, index)
            tally.add(terms, len(index))
            bar.update(1)
        self.guard.check()
        return tally.means()

    def step(self, step: int, index: Tensor) -> dict[str, Tensor]:
        """One step of Adam; an update from numbers that are not finite is never applied."""
        progress = (self.epochs_done * self.steps_per_epoch + step) / max(1, self.total_steps - 1)
        self.optimizer.param_groups[0]["lr"] = self.settings.lr * learning_rate_factor(self.settings.schedule, progress)
        batch = self.train.take(index)
        if self.transform is not None:
            batch = self.transform(batch, self.noise)
        terms = self.terms(batch, progress)
        if not terms["loss"].requires_grad:
            raise ValueError("The loss has no gradient: it was detached, or computed under torch.no_grad().")
        self.optimizer.zero_grad()
        terms["loss"].backward()
        terms = {name: term.detach() for name, term in terms.items()}
        self.guard.watch(self.epochs_done + 1, step + 1, terms, batch)
        self.optimizer.step()
        return terms

    def terms(self, batch: Batch, progress: float) -> dict[str, Tensor]:
        """The terms of the loss on this batch, at this point of the training."""
        if self.anneal is None:
            return loss_terms(self.loss(self.model, batch))
        return loss_terms(self.loss(self.model, batch, self.anneal(progress)))

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """The means of the loss's terms on the validation data: eval mode, full weight, fixed noise."""
        if self.val is None:
            return {}
        self.model.eval()
        tally = Tally()
        with isolated_rng(self.settings.seed, device=self.device):
            for count, batch in self.val.batches(VALIDATION_BATCH):
                tally.add(self.terms(batch, 1.0), count)
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
        sizes = {"images": len(self.train), "val": 0 if self.val is None else len(self.val)}
        return asdict(self.settings) | sizes | {"device": self.device.type}

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
        except RuntimeError as error:
            raise TrainingError(f"{path} belongs to another model: give another file name.") from error
        self.optimizer.load_state_dict(state["optimizer"])
        self.best = Best(**state["best"])
        history = History.from_dict(state["history"])
        self.means = {"train": history.train, "val": history.val}
        self.epochs_done, self.seconds = history.epochs, history.seconds
        set_rng_states(state["rng"], self.device)
        self.order.set_state(state["order"])
        self.noise.set_state(state["noise"])
