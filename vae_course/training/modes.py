"""Train and eval mode, put back afterwards."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn


@contextmanager
def restored_modes(model: object) -> Iterator[None]:
    """After the block every part of the model is in its own mode again; what is no module has none."""
    modes = {module: module.training for module in model.modules()} if isinstance(model, nn.Module) else {}
    try:
        yield
    finally:
        for module, mode in modes.items():
            module.training = mode
