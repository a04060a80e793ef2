"""What a training did, epoch by epoch, its best weights so far, and the bar that shows its progress.

The bar is on standard output: a graded cell that writes to standard error gets no points.
"""

import os
import sys
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, Self

from torch import Tensor, nn
from tqdm import tqdm

from vae_course.support.words import count

SWITCH = "VAE_COURSE_PROGRESS"

Stopped = Literal["running", "finished", "early", "interrupted"]


@dataclass(frozen=True)
class History:
    """The record of a training: means over all examples of an epoch, weighted by example.

    Two histories are equal when their numbers are, however long they took.

    Args:
        train: every term that the loss returned, one mean for each epoch, such as `train["loss"][0]`.
        val: the same on the validation data, empty without them; under annealing, the loss at full weight.
        epochs: whole epochs trained.
        seconds: time that the training took.
        stopped: why it ended, or "running" in what a callback is given.
    """

    train: dict[str, list[float]] = field(default_factory=dict)
    val: dict[str, list[float]] = field(default_factory=dict)
    epochs: int = 0
    seconds: float = field(default=0.0, compare=False)
    stopped: Stopped = "running"

    @property
    def best_epoch(self) -> int | None:
        """The epoch, counted from 1, with the lowest validation loss; None without validation."""
        losses = self.val.get("loss", [])
        return 1 + losses.index(min(losses)) if losses else None

    def summary(self) -> str:
        """One line that is the same whenever the numbers are: it leaves out the time."""
        parts = [f"{count(self.epochs, 'epoch')}, {self.stopped}"]
        if self.epochs:
            parts += [f"{name} {values[0]:.2f} to {values[-1]:.2f}" for name, values in self.train.items()]
        if self.best_epoch is not None:
            losses = self.val["loss"]
            parts.append(f"validation loss {losses[-1]:.2f} (best {min(losses):.2f} in epoch {self.best_epoch})")
        return "; ".join(parts)

    def __repr__(self) -> str:
        return f"History({self.summary()})"

    def to_dict(self) -> dict[str, Any]:
        """The record as plain Python values, fit for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, record: dict[str, Any]) -> Self:
        """The inverse of `to_dict`."""
        return cls(**record)


@dataclass
class Best:
    """The weights with the lowest validation loss so far, kept for early stopping."""

    loss: float = float("inf")
    weights: dict[str, Tensor] = field(default_factory=dict)
    epochs_since: int = 0

    def update(self, loss: float, model: nn.Module) -> None:
        """Take note of an epoch's validation loss, and of the weights if none was lower."""
        if loss < self.loss:
            self.loss, self.epochs_since = loss, 0
            self.weights = {name: value.clone() for name, value in model.state_dict().items()}
        else:
            self.epochs_since += 1


def progress_bar(*, total: int, done: int, show: bool, unit: str = " steps") -> tqdm:
    """A bar over the steps of a training; the environment variable VAE_COURSE_PROGRESS=0 silences it."""
    hidden = not shows_progress(show)
    return tqdm(total=total, initial=done, disable=hidden, file=sys.stdout, unit=unit, mininterval=0.25)


def shows_progress(wanted: bool) -> bool:
    """Whether to tell of progress: only if it is wanted and the environment variable doesn't silence it."""
    return wanted and os.environ.get(SWITCH) != "0"


def describe(epoch: int, epochs: int, train: dict[str, float], val: dict[str, float]) -> str:
    """The text in front of the bar."""
    text = f"epoch {epoch}/{epochs}, loss {train['loss']:.2f}"
    return text + (f", validation {val['loss']:.2f}" if val else "")
