"""What a training did, epoch by epoch."""

from dataclasses import asdict, dataclass, field
from typing import Any, Literal, Self

from vae_course.support.words import count

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
