"""Examples in memory, checked once; the terms of a loss, checked at every step; and their means."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from vae_course.data import Images

Data = Images | Tensor | tuple[Tensor, ...]
Batch = Tensor | tuple[Tensor, ...]


@dataclass(frozen=True)
class Examples:
    """One tensor, or several with an entry each for every example (images and labels, say)."""

    tensors: tuple[Tensor, ...]
    single: bool
    within_unit: bool  # whether every pixel lies in [0, 1]

    @property
    def x(self) -> Tensor:
        """The first tensor: the images."""
        return self.tensors[0]

    def __len__(self) -> int:
        return len(self.x)

    def to(self, device: torch.device) -> "Examples":
        """The same examples on this device."""
        return replace(self, tensors=tuple(t.to(device) for t in self.tensors))

    def take(self, index: Tensor) -> Batch:
        """The batch of examples at these positions."""
        batch = tuple(t.index_select(0, index) for t in self.tensors)
        return batch[0] if self.single else batch

    def batches(self, size: int) -> Iterator[tuple[int, Batch]]:
        """Consecutive batches, not copied, each with its number of examples; the last one may be smaller."""
        for start in range(0, len(self), size):
            batch = tuple(t[start : start + size] for t in self.tensors)
            yield len(batch[0]), batch[0] if self.single else batch


def examples(images: Data, *, name: str = "images") -> Examples:
    """Images, a tensor, or a tuple of tensors as examples that are safe to train on.

    Raises:
        TypeError: they are something else, or hold integers.
        ValueError: they are empty, differ in number, hold NaN or infinity, or are pixels in 0 to 255.
    """
    single = not isinstance(images, tuple)
    tensors: tuple[Any, ...] = (
        images if isinstance(images, tuple) else (images.x if isinstance(images, Images) else images,)
    )
    if not tensors or not all(isinstance(t, Tensor) for t in tensors):
        raise TypeError(f"{name} is a {type(images).__name__}: give Images, a tensor, or a tuple of tensors.")
    low, high = _range_of_pixels(tensors[0], name)
    if any(t.dim() == 0 or len(t) != len(tensors[0]) for t in tensors):
        raise ValueError(f"{name} holds tensors of different lengths: each needs one entry for every example.")
    return Examples(tensors, single, within_unit=0 <= low and high <= 1)


def _range_of_pixels(x: Tensor, name: str) -> tuple[float, float]:
    if not x.is_floating_point():
        raise TypeError(f"{name} holds {x.dtype}: give floating-point numbers, for pixels {name}.float() / 255.")
    if x.numel() == 0 or x.dim() == 0:
        raise ValueError(f"{name} has shape {list(x.shape)}: give at least one example.")
    low, high = (float(value) for value in torch.aminmax(x))
    if math.isnan(low):
        raise ValueError(f"{name} holds NaN: mend or drop those examples before training.")
    if math.isinf(low) or math.isinf(high):
        raise ValueError(f"{name} holds infinity: mend or drop those examples before training.")
    if x.dim() == 4 and low >= 0 and high > 128:
        raise ValueError(f"{name} holds pixels up to {high:g}: divide by 255, so that they lie in [0, 1].")
    return low, high


def loss_terms(value: object) -> dict[str, Tensor]:
    """What a loss returned as named scalars, "loss" among them.

    Raises:
        TypeError: it is neither a tensor nor a dict of scalars with the key "loss".
        ValueError: a term is not a scalar.
    """
    terms: dict[str, Any] = value if isinstance(value, dict) else {"loss": value}
    if not isinstance(terms.get("loss"), Tensor):
        raise TypeError(_no_loss(value))
    for name, term in terms.items():
        if not isinstance(term, Tensor):
            terms = {**terms, name: torch.tensor(float(term))}
        elif term.dim():
            raise ValueError(
                f'The term "{name}" of the loss has shape {list(term.shape)}: take the mean over the batch,'
                " so that one number is left."
            )
    return terms


def _no_loss(value: object) -> str:
    if isinstance(value, dict):
        return f'The loss returned a dict with the keys {list(value)}: it needs the key "loss" with a tensor.'
    return f'The loss returned a {type(value).__name__}: return a scalar tensor, or a dict with the key "loss".'


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
