"""A decoder as data that a web page can run: linear layers and simple activations, nothing else."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vae_course.plotting.arrays import decoded

Layer = dict[str, Any]
Precision = Literal["float32", "scaled16"]

MOST_WEIGHTS = 2_000_000  # 8 MB to send, and about 3 ms of a browser's time for each picture
PROBES = 32  # codes that a description is compared with its model on
TOLERANCE = 1e-4  # a difference of more than this a pixel is no rounding
LEVELS = 2**15 - 1  # of a whole number of 16 bits, on either side of zero

# What each activation of `pad.js` computes; the two lists must name the same.
ACTIVATIONS: dict[str, Callable[[Tensor, Layer], Tensor]] = {
    "relu": lambda x, _: torch.relu(x),
    "leaky_relu": lambda x, layer: F.leaky_relu(x, layer["slope"]),
    "elu": lambda x, layer: F.elu(x, layer["alpha"]),
    "silu": lambda x, _: F.silu(x),
    "tanh": lambda x, _: torch.tanh(x),
    "sigmoid": lambda x, _: torch.sigmoid(x),
}
SIMPLE = {nn.ReLU: "relu", nn.SiLU: "silu", nn.Tanh: "tanh", nn.Sigmoid: "sigmoid"}
SHAPE_ONLY = (nn.Flatten, nn.Unflatten, nn.Identity, nn.Dropout)  # in evaluation none of them changes a number


class NotInPage(ValueError):
    """A page can't run this decoder; the message says why."""


@dataclass(frozen=True)
class PageDecoder:
    """A decoder: `layers` in order, and `weights`, for each linear layer its matrix `[out, in]` and its bias `[out]`."""

    layers: list[Layer]
    weights: list[np.ndarray]

    @property
    def widths(self) -> list[int]:
        """The numbers of units, from the code to the pixels."""
        linear = [layer for layer in self.layers if layer["kind"] == "linear"]
        return [linear[0]["in"], *(layer["out"] for layer in linear)]

    @property
    def size(self) -> int:
        """How many weights there are."""
        return sum(array.size for array in self.weights)


def stack_of(model: Any, decode_mean: Callable[[Tensor], Tensor]) -> PageDecoder:
    """The stack that gives the same pictures as `decode_mean`, which is tried out before it is believed.

    Raises:
        NotInPage: the model has no decoder to look into, or one with other layers, or with too many weights, or its
            pictures are not what the decoder gives, with a sigmoid or without.
    """
    module = model if isinstance(model, nn.Sequential) else getattr(model, "decoder", None)
    if not isinstance(module, nn.Module):
        raise NotInPage(f"the model, a {type(model).__name__}, has no `decoder` to look into")
    stack = describe(module)
    if stack.size > MOST_WEIGHTS:
        raise NotInPage(f"its decoder has {stack.size:,} weights, more than {MOST_WEIGHTS:,}")
    z = 2 * torch.randn(PROBES, stack.widths[0], generator=torch.Generator().manual_seed(0))
    pictures = decoded(decode_mean, z).reshape(PROBES, -1)
    for end in ([], [{"kind": "sigmoid"}]):
        candidate = replace(stack, layers=[*stack.layers, *end])
        if stack.widths[-1] == pictures.shape[1] and np.abs(run(candidate, z) - pictures).max() < TOLERANCE:
            return candidate
    raise NotInPage("its pictures are not what its decoder gives, with a sigmoid or without")


def describe(module: nn.Module) -> PageDecoder:
    """The layers and weights of a module that holds linear layers and simple activations one after the other.

    Raises:
        NotInPage: there is another kind of layer, or no linear one.
    """
    layers: list[Layer] = []
    weights: list[np.ndarray] = []
    for part in _parts(module):
        if isinstance(part, nn.Linear):
            layers.append({"kind": "linear", "in": part.in_features, "out": part.out_features})
            bias = torch.zeros(part.out_features) if part.bias is None else part.bias
            weights += [tensor.detach().cpu().float().numpy() for tensor in (part.weight, bias)]
        elif not isinstance(part, SHAPE_ONLY):
            layers.append(_activation(part))
    if not weights:
        raise NotInPage("its decoder has no linear layer")
    return PageDecoder(layers, weights)


def run(stack: PageDecoder, z: Tensor) -> np.ndarray:
    """What the page computes: codes `[N, D]` to pixels `[N, H W]`."""
    values, weights = z.float(), iter(stack.weights)
    for layer in stack.layers:
        if layer["kind"] == "linear":
            values = F.linear(values, torch.from_numpy(next(weights)), torch.from_numpy(next(weights)))
        else:
            values = ACTIVATIONS[layer["kind"]](values, layer)
    return values.numpy()


def to_bytes(stack: PageDecoder, precision: Precision) -> bytes:
    """All weights one after the other, little-endian.

    In `float32` that is all. In `scaled16` a matrix is a 32-bit scale for each of its rows and then whole numbers of 16
    bits, which times their row's scale are the weights; biases keep their 32 bits.
    """
    kinds = {"i": "<i2", "f": "<f4"}
    arrays = stack.weights if precision == "float32" else [part for array in stack.weights for part in _scaled(array)]
    return b"".join(array.astype(kinds[array.dtype.kind]).tobytes() for array in arrays)


def rounded(stack: PageDecoder) -> PageDecoder:
    """The stack with its weights as `scaled16` keeps them."""
    return replace(stack, weights=[_unscaled(*_scaled(array)) for array in stack.weights])


def _scaled(array: np.ndarray) -> tuple[np.ndarray, ...]:
    """A matrix as scales `[out, 1]` and levels `[out, in]`; a bias as it is."""
    if array.ndim == 1:
        return (array,)
    largest = np.abs(array).max(axis=1, keepdims=True)
    scales = np.where(largest > 0, largest / LEVELS, 1).astype(np.float32)
    with np.errstate(invalid="ignore"):  # a weight that is no number has no level: the pictures tell, see `page.py`
        return scales, np.rint(array / scales).astype(np.int16)


def _unscaled(first: np.ndarray, *levels: np.ndarray) -> np.ndarray:
    return first * levels[0] if levels else first


def _parts(module: nn.Module) -> list[nn.Module]:
    """The layers in order, those of stacks within stacks included."""
    if isinstance(module, nn.Sequential):
        return [part for child in module for part in _parts(child)]
    return [module]


def _activation(part: nn.Module) -> Layer:
    if type(part) in SIMPLE:
        return {"kind": SIMPLE[type(part)]}
    if isinstance(part, nn.LeakyReLU):
        return {"kind": "leaky_relu", "slope": part.negative_slope}
    if isinstance(part, nn.ELU):
        return {"kind": "elu", "alpha": part.alpha}
    raise NotInPage(f"its decoder has a {type(part).__name__} layer")
