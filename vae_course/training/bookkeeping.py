"""What a training keeps while it runs: the means of the loss's terms, and the best weights so far."""

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn


class Tally:
    """The terms of all steps, left on their device and read once, weighted by the number of examples."""

    def __init__(self) -> None:
        self.terms: dict[str, list[Tensor]] = {}
        self.counts: list[int] = []

    def add(self, terms: dict[str, Tensor], count: int) -> None:
        """Take the terms of a batch of `count` examples, each their mean over the batch."""
        for name, term in terms.items():
            self.terms.setdefault(name, []).append(term)
        self.counts.append(count)

    def means(self) -> dict[str, float]:
        """The mean of each term over all examples.

        Raises:
            ValueError: a term was there in some steps only.
        """
        weights = torch.tensor(self.counts, dtype=torch.float64)
        for name, values in self.terms.items():
            if len(values) != len(self.counts):
                raise ValueError(
                    f'The loss returned "{name}" in only {len(values)} of {len(self.counts)} steps:'
                    " return the same terms every time."
                )
        return {
            name: float(torch.stack(values).cpu().double() @ weights / weights.sum())
            for name, values in self.terms.items()
        }


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
