"""09-evaluation: mend an evaluation that leaves the model as it finds it, in training mode."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from vae_course.exercises.inputs import generator, integer, normal
from vae_course.exercises.model import Alternative, Answer, Exercise, Inputs, Misconception

BoundsOf = Callable[[nn.Module, Tensor], Tensor]


class _Model(nn.Module):
    """A layer with dropout, whose output stands for the bound of each example."""

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self.weight, self.dropout = nn.Parameter(weight.clone()), nn.Dropout(0.5)


def _bounds_of(model: nn.Module, x: Tensor) -> Tensor:
    assert isinstance(model, _Model)
    return -(model.dropout(torch.ones_like(x)) * x @ model.weight).square() - x.sum(1)


def _probe(answer: Answer, case: Inputs) -> dict[str, Any]:
    """The number, the mode and weights of the model afterwards, and whether the number drags a gradient along."""
    x, weight, training = case.values()
    assert isinstance(weight, Tensor)
    model = _Model(weight).train(bool(training))
    before = torch.is_grad_enabled()
    try:
        mean = answer(model, x, _bounds_of)
        after = torch.is_grad_enabled()
    finally:
        torch.set_grad_enabled(before)
    needs = isinstance(mean, Tensor) and mean.requires_grad
    return {
        "the mean": mean.detach() if isinstance(mean, Tensor) else mean,
        "the mode of the model afterwards (1: training)": torch.tensor([float(m.training) for m in model.modules()]),
        "whether a gradient is kept (1: yes)": torch.tensor(float(needs)),
        "whether PyTorch makes gradients afterwards (1: as before)": torch.tensor(float(after == before)),
        "the weights of the model afterwards": model.weight.detach(),
    }


def mean_elbo(model: nn.Module, x: Tensor, bounds_of: BoundsOf) -> Tensor:
    """The mean of bounds_of(model, x), [B], in evaluation mode, without a gradient and without a trace."""
    was_training = model.training
    model.eval()
    with torch.no_grad():
        mean = bounds_of(model, x).mean()
    model.train(was_training)
    return mean


def _cases(seed: int) -> list[Inputs]:
    source = generator(seed)
    few = integer(source, 5, 9)
    above_zero: Inputs = {"x": normal(source, 4, 3) - 3, "weight": 0.1 * normal(source, 3).abs(), "training": 1}
    below_zero: list[Inputs] = [
        {"x": 0.5 + normal(source, b, d), "weight": 0.5 + normal(source, d).abs(), "training": training}
        for b, d, training in ((1, 3, 1), (few, 4, 1), (few, 4, 1), (few, 3, 0), (6, 5, 1), (2, 4, 0), (200, 20, 1))
    ]
    return [*below_zero, above_zero]


def _loop(model: nn.Module, x: Tensor, bounds_of: BoundsOf) -> Tensor:
    modes = [module.training for module in model.modules()]
    model.eval()
    total = torch.tensor(0.0)
    with torch.no_grad():
        for example in x:
            total = total + bounds_of(model, example[None])[0]
    for module, mode in zip(model.modules(), modes, strict=True):
        module.training = mode
    return total / len(x)


def _finally(model: nn.Module, x: Tensor, bounds_of: BoundsOf) -> Tensor:
    before = model.training
    try:
        return bounds_of(model.eval(), x).mean().detach()
    finally:
        model.train(before)


@torch.inference_mode()
def _decorated(model: nn.Module, x: Tensor, bounds_of: BoundsOf) -> Tensor:
    before = model.training
    bounds = bounds_of(model.train(False), x)
    model.train(before)
    return torch.einsum("b->", bounds) / len(bounds)


def _float64(model: nn.Module, x: Tensor, bounds_of: BoundsOf) -> Tensor:
    before = model.training
    model.eval()
    bounds = bounds_of(model, x).detach().double()
    model.train(before)
    return bounds.mean()


def _no_grad_only(model: nn.Module, x: Tensor, bounds_of: BoundsOf) -> Tensor:
    with torch.no_grad():
        return bounds_of(model, x).mean()


def _left_in_eval(model: nn.Module, x: Tensor, bounds_of: BoundsOf) -> Tensor:
    model.eval()
    with torch.no_grad():
        return bounds_of(model, x).mean()


def _flag_only(model: nn.Module, x: Tensor, bounds_of: BoundsOf) -> Tensor:
    was = model.training
    mean = _left_in_eval(model, x, bounds_of)
    model.training = was
    return mean


def _always_train(model: nn.Module, x: Tensor, bounds_of: BoundsOf) -> Tensor:
    mean = _left_in_eval(model, x, bounds_of)
    model.train()
    return mean


def _gradient_kept(model: nn.Module, x: Tensor, bounds_of: BoundsOf) -> Tensor:
    before = model.training
    model.eval()
    mean = bounds_of(model, x).mean()
    model.train(before)
    return mean


def _gradients_left_off(model: nn.Module, x: Tensor, bounds_of: BoundsOf) -> Tensor:
    before = model.training
    model.eval()
    torch.set_grad_enabled(False)
    mean = bounds_of(model, x).mean()
    model.train(before)
    return mean


def _flag_before(model: nn.Module, x: Tensor, bounds_of: BoundsOf) -> Tensor:
    before = model.training
    model.training = False
    with torch.no_grad():
        mean = bounds_of(model, x).mean()
    model.training = before
    return mean


def _many_passes(model: nn.Module, x: Tensor, bounds_of: BoundsOf) -> Tensor:
    with torch.no_grad():
        return torch.stack([bounds_of(model, x).mean() for _ in range(20)]).mean()


def _train_first(model: nn.Module, x: Tensor, bounds_of: BoundsOf) -> Tensor:
    before = model.training
    model.train()
    with torch.no_grad():
        mean = bounds_of(model, x).mean()
    model.train(before)
    return mean


EXERCISE = Exercise(
    id="09-evaluation",
    title="Leave no trace",
    points=3,
    difficulty=3,
    minutes=6,
    task=(
        "Correct the evaluation: return the mean over the batch of `bounds_of(model, x)`, which gives the bound of each "
        "example `[B]`, taken in evaluation mode and without a gradient; afterwards the model must be in the mode that "
        "it was in."
    ),
    hints=(
        "Four things are missing: two before the number is made, one around it, one after it.",
        "Remember the mode, switch to evaluation mode, compute without gradients, put the remembered mode back.",
        "`model.training` is the mode; `model.eval()` and `model.train(mode)` set it; the bound goes into a block under "
        "`torch.no_grad()`.",
    ),
    explanation=(
        "Dropout and batch normalisation compute something else in training mode. A function that measures a model "
        "sets the mode that it needs, and puts back the one that it found: a training that goes on in evaluation mode "
        "is the same mistake the other way round."
    ),
    returns="one number, a tensor of shape []",
    reference=mean_elbo,
    alternatives=(
        Alternative("loop", _loop),
        Alternative("try and finally", _finally),
        Alternative("decorator, einsum", _decorated),
        Alternative("float64", _float64),
    ),
    misconceptions=(
        Misconception(
            "a loss",
            lambda model, x, bounds_of: -mean_elbo(model, x, bounds_of),
            "Modes and gradients are right, but this is minus the mean, a loss. Return the mean of the bounds itself.",
        ),
        Misconception(
            "as it was",
            lambda model, x, bounds_of: bounds_of(model, x).mean(),
            "This is the evaluation as it was: in training mode dropout is at work, and the number keeps a gradient. "
            "Switch to evaluation mode, use `torch.no_grad()`, and restore the mode.",
        ),
        Misconception(
            "no gradient, training mode",
            _no_grad_only,
            "`torch.no_grad()` switches off gradients, not dropout, and a flag on the outer model does not reach its layers. "
            "`model.eval()` sets the mode of all; restore it afterwards.",
            variants=(_flag_before,),
        ),
        Misconception(
            "left in evaluation mode",
            _left_in_eval,
            "The number is right, but the model stays in evaluation mode, and a training that goes on would have no "
            "dropout. Put back the mode that it was in; and read `model.training` before you call `model.eval()`.",
        ),
        Misconception(
            "the flag of the outer model",
            _flag_only,
            "You set the flag of the outer model only; its layers stay in evaluation mode. `model.train(was)` sets all.",
        ),
        Misconception(
            "always back to training",
            _always_train,
            "You end with `model.train()`, whatever the mode was. A model that came in evaluation mode must leave in it: "
            "remember `model.training` first.",
        ),
        Misconception(
            "gradient kept",
            _gradient_kept,
            "Mode and number are right, but the number keeps the whole computation for a gradient that nobody asks for. "
            "Compute it under `torch.no_grad()`.",
        ),
        Misconception(
            "gradients left switched off",
            _gradients_left_off,
            "You switch gradients off for all of PyTorch and leave them off, so the next training fails. "
            "`with torch.no_grad():` switches them off for its block only.",
        ),
        Misconception(
            "gradient kept, left in evaluation mode",
            lambda model, x, bounds_of: bounds_of(model.eval(), x).mean(),
            "You switch to evaluation mode, but do not switch back, and the number keeps a gradient. Add both.",
        ),
        Misconception(
            "averaged over many passes",
            _many_passes,
            "Averaging many passes in training mode makes the number steady, not right: it is the bound of a model with "
            "dropout. Use `model.eval()`.",
        ),
        Misconception(
            "training mode on purpose",
            _train_first,
            "You switch to training mode, the opposite of what a measurement needs. Call `model.eval()` in its place.",
        ),
        Misconception(
            "summed",
            lambda model, x, bounds_of: mean_elbo(model, x, lambda m, y: bounds_of(m, y).sum()),
            "Modes and gradients are right, but this is the sum over the batch. Return the mean.",
        ),
    ),
    cases=_cases,
    batch="x",
    probe=_probe,
)
