"""The numbers that a training is run with, checked before it starts."""

import math
from dataclasses import dataclass
from typing import get_args

import torch

from vae_course.training.schedules import Schedule


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What `fit` is called with, apart from the model, the data and the functions.

    Raises:
        ValueError: one of the numbers makes no sense.
    """

    epochs: int = 10
    batch_size: int = 128
    lr: float = 1e-3
    adam_eps: float = 1e-8
    schedule: Schedule = "one-cycle"
    patience: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "patience"):
            value = getattr(self, name)
            if value is not None and (not isinstance(value, int) or value < 1):
                raise ValueError(f"{name} is {value}: give a whole number from 1.")
        if not (math.isfinite(self.lr) and self.lr > 0):
            raise ValueError(f"lr is {self.lr}: give a learning rate above zero, such as 1e-3.")
        if not (math.isfinite(self.adam_eps) and self.adam_eps > 0):
            raise ValueError(f"adam_eps is {self.adam_eps}: give Adam a small number above zero, such as 1e-8.")
        if self.schedule not in get_args(Schedule):
            raise ValueError(f'schedule is {self.schedule!r}: give "one-cycle" or "constant".')


def pick_device(device: str | torch.device) -> torch.device:
    """The device of this name; "auto" is an NVIDIA GPU or Apple's where there is one, else the CPU.

    Raises:
        ValueError: the device is not there.
    """
    present = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if device == "auto":
        return torch.device(next(name for name in ("cuda", "mps", "cpu") if present[name]))
    chosen = torch.device(device)
    if not present.get(chosen.type, True):
        raise ValueError(f'device is "{device}", but PyTorch finds none here: give "auto" or "cpu".')
    return chosen
