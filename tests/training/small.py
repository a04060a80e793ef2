"""A model and losses so small that a test trains them in no time, and a loss that breaks at a known step."""

import linecache
from importlib import import_module
from types import FunctionType

import torch
from torch import Tensor, nn

from vae_course.training import History, fit

fit_module = import_module("vae_course.training.fit")  # the name `training.fit` is the function
X = torch.rand(50, 6, generator=torch.Generator().manual_seed(0))


class Noisy(nn.Module):
    """A linear map whose loss draws global random numbers, as a VAE's does."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.linear = nn.Linear(6, 6)

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x)


def noisy_loss(model: nn.Module, x: Tensor) -> dict[str, Tensor]:
    error = (model(x + 0.1 * torch.randn_like(x)) - x).square().sum(-1)
    return {"loss": error.mean(), "root": error.sqrt().mean()}


def plain_loss(model: nn.Module, x: Tensor) -> Tensor:
    return (model(x) - x).square().sum(-1).mean()


def quiet(model: nn.Module, x: Tensor | tuple[Tensor, ...] = X, **settings) -> History:
    settings = {"loss": plain_loss, "epochs": 3, "batch_size": 16, "progress": False, "device": "cpu"} | settings
    return fit(model, x, **settings)


def weights(model: nn.Module) -> list[Tensor]:
    return [p.detach().clone() for p in model.parameters()]


def same(a: list[Tensor], b: list[Tensor]) -> bool:
    return all(torch.equal(x, y) for x, y in zip(a, b, strict=True))


def jitter(x: Tensor, generator: torch.Generator) -> Tensor:
    return x + 0.01 * torch.randn(x.shape, generator=generator)


class Breaks:
    """A loss that goes wrong in its 7th step: epoch 2, step 3 of 4."""

    def __init__(self, what: str) -> None:
        self.what, self.steps = what, 0

    def __call__(self, model: Noisy, x: Tensor) -> dict[str, Tensor]:
        self.steps += 1
        loss = plain_loss(model, x)
        if self.steps == 7 and self.what == "gradient":
            loss = loss + (model.linear.bias.sum() * 0).abs().sqrt()
        elif self.steps == 7:
            loss = loss * float(self.what)
        return {"loss": loss, "kl": loss.detach() * 2, "fine": torch.zeros(())}


def press_stop_in(epoch: int) -> Breaks:
    class Stop(Breaks):
        def __call__(self, model: Noisy, x: Tensor) -> dict[str, Tensor]:
            self.steps += torch.is_grad_enabled()
            if self.steps == 4 * (epoch - 1) + 3:
                raise KeyboardInterrupt
            return noisy_loss(model, x)

    return Stop("")


COUNT = [0]


def notebook(*cells: str) -> FunctionType:
    """The name `f` after running these cells as a notebook does: all in one namespace, __main__, with sources."""
    namespace: dict = {"__name__": "__main__", "torch": torch, "nn": nn}
    for cell in cells:
        COUNT[0] += 1
        name = f"<ipython-input-{COUNT[0]}>"
        linecache.cache[name] = (len(cell), None, cell.splitlines(True), name)
        exec(compile(cell, name, "exec"), namespace)
    return namespace["f"]


LOSS = "def f(model, x):\n    return helper(model(x) - x).mean()"
HELPER = "def helper(e):\n    return e.square().sum(-1)"
