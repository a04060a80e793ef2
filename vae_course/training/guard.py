"""A watch over the training: what can't go well is named before it starts, what goes wrong when it does, and where."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from vae_course.training.batches import Batch
from vae_course.training.errors import TrainingError

STEPS_BETWEEN_CHECKS = 20
CROSS_ENTROPIES = (F.binary_cross_entropy, F.binary_cross_entropy_with_logits)
HAIR = 1e-3  # resizing and float16 may leave a pixel that far outside


@dataclass(frozen=True)
class _Step:
    epoch: int
    step: int
    terms: dict[str, Tensor]
    gradient: Tensor
    batch: Batch


class Guard:
    """Keeps a model at its last finite parameters.

    On the CPU every step is checked before its update. On an accelerator a check has to wait for the device,
    so there is one every twenty steps, and a failure puts back the parameters of the last check that passed.
    """

    def __init__(self, model: nn.Module, *, every: int) -> None:
        self.model, self.every = model, every
        self.parameters = list(model.parameters())
        self._waiting: list[_Step] = []
        self._good: dict[str, Tensor] = {}
        self._keep()

    def watch(self, epoch: int, step: int, terms: dict[str, Tensor], batch: Batch) -> None:
        """Take note of a step whose gradients are computed and whose update is not yet applied.

        Raises:
            TrainingError: the loss or a gradient of this step, or of one since the last check, is not finite.
        """
        self._waiting.append(_Step(epoch, step, terms, gradient_norm(self.parameters), batch))
        if len(self._waiting) >= self.every:
            self.check()

    def check(self) -> None:
        """Look at every step since the last check.

        Raises:
            TrainingError: the loss or a gradient of one of them is not finite.
        """
        steps, self._waiting = self._waiting, []
        sums = [step.terms["loss"] + step.gradient for step in steps]
        if sums and not math.isfinite(float(torch.stack(sums).sum())):
            for step in steps:
                if not all_finite([step.terms["loss"], step.gradient]):
                    self._stop(step)
        self._keep()

    def _keep(self) -> None:
        if self.every > 1:
            self._good = {name: value.clone() for name, value in self.model.state_dict().items()}

    def _stop(self, step: _Step) -> None:
        if self._good:
            self.model.load_state_dict(self._good)
        reason = _diagnosis(step, self.model)
        self.model.zero_grad(set_to_none=True)
        raise TrainingError(
            f"The training stopped in epoch {step.epoch}, step {step.step}: {reason}"
            " The model keeps its parameters from before this step."
        )


def gradient_norm(parameters: list[nn.Parameter]) -> Tensor:
    """The length of the gradient of all parameters together, which is finite only if every entry is."""
    return torch.nn.utils.get_total_norm([p.grad for p in parameters if p.grad is not None])


def check_parameters(model: nn.Module) -> None:
    """See that a model has something to train and starts from numbers.

    Raises:
        TypeError: it is not a module.
        ValueError: it has no trainable parameter, or one that holds NaN or infinity.
    """
    if not isinstance(model, nn.Module):
        raise TypeError(f"The model is a {type(model).__name__}: give a torch.nn.Module, such as VAE.mlp().")
    if not any(p.requires_grad for p in model.parameters()):
        raise ValueError("The model has no trainable parameters: none of them has requires_grad=True.")
    for name, parameter in model.named_parameters():
        if not all_finite([parameter]):
            raise ValueError(f"The model's parameter {name} holds NaN or infinity before training: make a new model.")


def check_dtype(model: nn.Module, x: Any, name: str) -> None:
    """See that images have the floating-point type of the model that gets them.

    Raises:
        TypeError: no parameter of the model has theirs.
    """
    dtypes = [p.dtype for p in model.parameters() if p.is_floating_point()]
    if isinstance(x, Tensor) and x.is_floating_point() and x.dtype not in dtypes:
        raise TypeError(
            f"{name} holds {x.dtype}, but the model's parameters are {dtypes[0]}: convert one of them,"
            f" by .to({dtypes[0]}) or model.to({x.dtype})."
        )


class WithinUnit(TorchFunctionMode):
    """While it is entered, a binary cross-entropy takes targets in [0, 1] only, whoever wrote the loss that calls it.

    With others it has no lower bound, and a training falls towards minus infinity without a word. The log-probability
    of a Bernoulli, ours and PyTorch's, is such a cross-entropy.

    Raises:
        ValueError: a target lies outside.
    """

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if func in CROSS_ENTROPIES:
            low, high = (float(value) for value in torch.aminmax(kwargs["target"] if "target" in kwargs else args[1]))
            if low < -HAIR or high > 1 + HAIR:
                raise ValueError(
                    f"{self.name} holds numbers from {low:g} to {high:g}, but the loss is a cross-entropy, the likelihood"
                    " of a Bernoulli, which takes [0, 1]: rescale them, those in [-1, 1] by (x + 1) / 2."
                )
        return func(*args, **kwargs)


def all_finite(tensors: Iterable[Tensor]) -> bool:
    """True if no entry of any tensor is NaN or infinite."""
    return all(bool(torch.isfinite(t).all()) for t in tensors)


def _diagnosis(step: _Step, model: nn.Module) -> str:
    """Which number broke first: the batch, a parameter, the loss or a gradient, and the likely causes."""
    terms = " and ".join(f'"{name}" is {float(term):g}' for name, term in step.terms.items() if not all_finite([term]))
    if not all_finite(step.batch if isinstance(step.batch, tuple) else (step.batch,)):
        return f"{terms}, because the batch already holds NaN or infinity: look at the transform."
    parameters = [name for name, p in model.named_parameters() if not all_finite([p])]
    if parameters:
        return (
            f"{terms}, because the parameter {parameters[0]} already holds NaN or infinity: lower the"
            " learning rate and make a new model."
        )
    if terms:
        return (
            f"{terms}, though the batch and the parameters are finite. Likely causes: a learning rate that is"
            " too high, the exponential of a large number, the logarithm of zero, a division by zero."
        )
    gradients = [name for name, p in model.named_parameters() if p.grad is not None and not all_finite([p.grad])]
    if gradients:
        return (
            f"the loss is finite, but the gradient of {gradients[0]} is not. Likely causes: a square root,"
            " a norm or a division at zero."
        )
    return "the loss is finite, but its gradients are so large that their squares overflow: scale the loss down."
