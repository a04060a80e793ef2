"""What a function may leave behind it, in the whole process or in what it was given: kept plain, compared, put back."""

import random
import sys
import types
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils import _device


@dataclass(frozen=True)
class _Setting:
    """A setting of the whole process.

    Args:
        change: what a function does that leaves it otherwise, such as "changes PyTorch's default dtype".
        get: reads it.
        set: writes it.
        plain: what it is where nobody has set it; None leaves it as it is.
    """

    change: str
    get: Callable[[], Any]
    set: Callable[[Any], Any]
    plain: Any = None


_CPU = torch.device("cpu")
# What a function does to a tensor that it was given.
IN_PLACE, REQUIRES_GRAD = "changes the numbers of", "changes `requires_grad` of"


def _default_device() -> torch.device:
    # The public function is slow, and fails where a default device is not there.
    return getattr(_device, "CURRENT_DEVICE", None) or _CPU


def _set_default_device(device: torch.device) -> None:
    torch.set_default_device(None if device == _CPU else device)


_SETTINGS = (
    _Setting("changes PyTorch's default dtype", torch.get_default_dtype, torch.set_default_dtype, torch.float32),
    _Setting("changes PyTorch's default device", _default_device, _set_default_device, _CPU),
    _Setting("switches gradients off or on for all of PyTorch", torch.is_grad_enabled, torch.set_grad_enabled, True),
    _Setting("changes NumPy's error handling", np.geterr, lambda state: np.seterr(**state),
             {"divide": "warn", "over": "warn", "under": "ignore", "invalid": "warn"}),
    _Setting("changes the number of PyTorch's threads", torch.get_num_threads, torch.set_num_threads, 1),
    _Setting("switches PyTorch's deterministic algorithms", torch.get_deterministic_debug_mode,
             torch.set_deterministic_debug_mode, 0),
    _Setting("switches PyTorch's detection of anomalies", torch.is_anomaly_enabled, torch.set_anomaly_enabled, False),
    _Setting("switches PyTorch's autocast", lambda: torch.is_autocast_enabled("cpu"),
             lambda on: torch.set_autocast_enabled("cpu", on), False),
    _Setting("changes the precision of PyTorch's matrix products", torch.get_float32_matmul_precision,
             torch.set_float32_matmul_precision, "highest"),
    _Setting("switches the validation of PyTorch's distributions", lambda: torch.distributions.Distribution._validate_args,
             torch.distributions.Distribution.set_default_validate_args, True),
    _Setting("changes Python's recursion limit", sys.getrecursionlimit, sys.setrecursionlimit),
)  # fmt: skip


@contextmanager
def plain() -> Iterator[None]:
    """Run a block as if nobody had set anything: float32, the CPU, one thread, gradients on; then put all back.

    One thread, because on inputs as small as those of an exercise several would only wait for each other. Global random
    numbers go on afterwards as if the block had not run.
    """
    before = [setting.get() for setting in _SETTINGS]
    states = torch.get_rng_state(), np.random.get_state(), random.getstate()  # noqa: NPY002
    gpus = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else []
    try:
        with ExitStack() as stack:
            stack.enter_context(torch.inference_mode(False))
            for setting, value in zip(_SETTINGS, before, strict=True):
                if setting.plain not in (None, value):
                    setting.set(setting.plain)
            if torch.get_default_device() != _CPU:  # inside of a block under `with torch.device(...)`
                stack.enter_context(_CPU)
            yield
    finally:
        for setting, value in zip(_SETTINGS, before, strict=True):
            if setting.get() != value:
                setting.set(value)
        torch.set_rng_state(states[0])
        np.random.set_state(states[1])  # noqa: NPY002
        random.setstate(states[2])
        torch.cuda.set_rng_state_all(gpus)


def next_draws() -> dict[str, int]:
    """What the global random numbers on the CPU give next, by whose they are; that tells their states apart."""
    return {
        "PyTorch's": int(torch.randint(1 << 62, ())),
        "NumPy's": int.from_bytes(np.random.bytes(8), "big"),  # noqa: NPY002
        "Python's": random.getrandbits(64),
    }


@contextmanager
def watched(changes: set[str], given: Iterable[tuple[str, Any]] = ()) -> Iterator[None]:
    """Run a block, put back every setting that it leaves otherwise, and add to `changes` what it did.

    Args:
        changes: what the block did, such as "changes PyTorch's default dtype".
        given: tensors and modules that the block works on, with their names; they are compared only.
    """
    before = [setting.get() for setting in _SETTINGS]
    things = [(name, thing, _marks(thing)) for name, thing in _flat(given)]
    try:
        yield
    finally:
        for setting, value in zip(_SETTINGS, before, strict=True):
            if setting.get() != value:
                changes.add(setting.change)
                setting.set(value)
        for name, thing, marks in things:
            after = _marks(thing)
            changes.update(f"{does} {name}" for does in marks if not _equal(marks[does], after.get(does)))


def _flat(given: Iterable[tuple[str, Any]]) -> Iterator[tuple[str, Any]]:
    """Tensors and modules, those in lists and those behind a method too."""
    for name, thing in given:
        if isinstance(thing, types.MethodType):
            yield from _flat([(name, thing.__self__)])
        elif isinstance(thing, list | tuple):
            yield from _flat((name, part) for part in thing)
        elif isinstance(thing, Tensor | nn.Module):
            yield name, thing


def _marks(thing: Tensor | nn.Module) -> dict[str, list[Any]]:
    """What is compared of a tensor or a module, by what a function does that changes it."""
    if isinstance(thing, Tensor):
        return {REQUIRES_GRAD: [thing.requires_grad], IN_PLACE: [thing.detach().clone()]}
    return {
        "changes `requires_grad` of parameters of": [p.requires_grad for p in thing.parameters()],
        "leaves another mode (training or evaluation) in": [module.training for module in thing.modules()],
        "changes a setting (such as the share that dropout drops) of": [
            (name, value)
            for module in thing.modules()
            for name, value in vars(module).items()
            if name != "training" and isinstance(value, int | float | str)
        ],
        "changes the weights of": [p.detach().clone() for p in thing.parameters()],
        "moves the buffers (such as the averages of batch normalisation) of": [b.clone() for b in thing.buffers()],
    }


def _equal(before: list[Any], after: list[Any] | None) -> bool:
    if after is None or len(before) != len(after):
        return False
    return all(
        a.shape == b.shape and torch.equal(a.nan_to_num(), b.nan_to_num()) if isinstance(a, Tensor) else a == b
        for a, b in zip(before, after, strict=True)
    )
