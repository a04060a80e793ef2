"""Random numbers that leave no trace: what a block draws never changes the numbers drawn after it."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

CPU = torch.device("cpu")


@contextmanager
def isolated_rng(seed: int | None = None, *, device: torch.device = CPU) -> Iterator[None]:
    """Run a block with PyTorch's global random numbers seeded, and put their state back afterwards.

    `torch.random.fork_rng` with `torch.manual_seed` inside would seed every device but restore only some.

    Args:
        seed: the seed inside the block; None goes on from the present state.
        device: the accelerator whose random numbers the block uses, besides the CPU's.
    """
    states = rng_states(device)
    try:
        if seed is not None:
            torch.default_generator.manual_seed(seed)
            if device.type != "cpu":
                torch.get_device_module(device).manual_seed(seed)
        yield
    finally:
        set_rng_states(states, device)


def rng_states(device: torch.device) -> dict[str, Tensor]:
    """The state of PyTorch's global random numbers on the CPU and on this device."""
    states = {"cpu": torch.get_rng_state()}
    if device.type != "cpu":
        states["device"] = torch.get_device_module(device).get_rng_state(device)
    return states


def set_rng_states(states: dict[str, Tensor], device: torch.device) -> None:
    """Put back what `rng_states` returned."""
    torch.set_rng_state(states["cpu"])
    if device.type != "cpu" and "device" in states:
        torch.get_device_module(device).set_rng_state(states["device"], device)
