"""What a block changes and finds put back afterwards: random numbers, and the modes of a model; and where a model is."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from vae_course.support.numbers import whole_number

CPU = torch.device("cpu")


@contextmanager
def isolated_rng(seed: int | None = None, *, device: torch.device | None = None) -> Iterator[None]:
    """Run a block with PyTorch's global random numbers seeded, and put their state back afterwards.

    `torch.random.fork_rng` with `torch.manual_seed` inside would seed every device but restore only some.

    Args:
        seed: the seed inside the block; None goes on from the present state.
        device: the accelerator whose random numbers the block uses, besides the CPU's.
    """
    device = device or CPU
    states = rng_states(device)
    try:
        if seed is not None:
            seed = whole_number(seed, "seed")
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


@contextmanager
def restored_modes(model: object) -> Iterator[None]:
    """After the block every part of the model is in its own mode again; what is no module has none."""
    modes = {module: module.training for module in model.modules()} if isinstance(model, nn.Module) else {}
    try:
        yield
    finally:
        for module, mode in modes.items():
            module.training = mode


@contextmanager
def evaluating(model: object) -> Iterator[torch.device | None]:
    """Run a block with the model in eval mode and without gradients; every part's own mode comes back afterwards.

    It yields the device of the model's parameters, for `x.to(device=device)`: None, which leaves x where it is, for
    what has none, such as the exact worlds.
    """
    module = model if isinstance(model, nn.Module) else None
    parameter = next(module.parameters(), None) if module else None
    with restored_modes(model), torch.no_grad():
        if module:
            module.eval()
        yield None if parameter is None else parameter.device


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
