"""10-free-bits: find the error. A floor for the KL that the networks can buy in the wrong place."""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from vae_course.exercises.inputs import generator, integer, uniform
from vae_course.exercises.model import Alternative, Answer, AnswerError, Exercise, Inputs, Misconception


def free_bits(kl_of_dims: Tensor, floor: float) -> Tensor:
    """The price of the code with free bits, one number in nats, from the KL of each dimension [B, D]."""
    return kl_of_dims.mean(dim=0).clamp_min(floor).sum()


def _probe(answer: Answer, case: Inputs) -> dict[str, Any]:
    """The price and its gradient; below the floor there is none, however that is written."""
    kl_of_dims = case["kl_of_dims"]
    assert isinstance(kl_of_dims, Tensor)
    leaf = kl_of_dims.detach().clone().requires_grad_()
    price = answer(leaf, case["floor"])
    if not isinstance(price, Tensor) or price.dim():
        shape = f"of shape {list(price.shape)}" if isinstance(price, Tensor) else f"of type {type(price).__name__}"
        raise AnswerError(f"your function must return one number, a tensor of shape [], not one {shape}.")
    gradient = torch.autograd.grad(price, leaf, allow_unused=True)[0] if price.requires_grad else None
    return {"price": price.detach(), "gradient": torch.zeros_like(leaf) if gradient is None else gradient}


def _cases(seed: int) -> list[Inputs]:
    """Two images that can be done by hand, then dimensions on both sides of the floor."""
    source = generator(seed)
    cases: list[Inputs] = [{"kl_of_dims": torch.tensor([[0.2, 3.0, 0.0], [0.6, 1.0, 0.1]]), "floor": 0.5}]
    cases.append({"kl_of_dims": 0.25 * uniform(source, 3, 2), "floor": 0.6})  # below the floor all together
    few = integer(source, 4, 6), integer(source, 2, 3)
    sizes = (
        (1, 3, 0.7),
        (*few, 0.4),
        (*few, 0.4),
        (3, 6, 1.2),
        (6, 2, 0.15),
        (3, 2, 20.0),
        (5, 4, 1e-3),
        (128, 20, 0.5),
    )
    for b, d, floor in sizes:
        size = torch.where(torch.arange(d) % 2 == 0, 0.9, 2.4) * floor
        cases.append({"kl_of_dims": size * (0.1 + 1.6 * uniform(source, b, d)), "floor": floor})
    return cases


def _loop(kl_of_dims: Tensor, floor: float) -> Tensor:
    prices = []
    for column in kl_of_dims.T:
        mean = column.sum() / len(column)
        prices.append(mean if mean > floor else torch.zeros_like(mean) + floor)
    return torch.stack(prices).sum()


EXERCISE = Exercise(
    id="10-free-bits",
    title="A floor under each dimension",
    points=3,
    difficulty=3,
    minutes=8,
    task=(
        "Repair the function: from the KL of each dimension, `kl_of_dims` `[B, D]`, return the price of the code with free "
        "bits, one number: each dimension costs its mean KL over the batch, but never less than `floor` nats."
    ),
    hints=(
        "Is it the sum over the dimensions that gets a floor, or each dimension? And what comes first, the mean over the "
        "batch or the floor?",
        "price = sum_d max( floor, 1/B sum_b KL_bd ).",
        "Take the mean over axis 0, then `.clamp_min(floor)`, then the sum over the dimensions that are left.",
    ),
    explanation=(
        "Below its floor a dimension costs the same whatever it carries, so no gradient pushes it to the prior. A floor "
        "under the sum could be reached by a single dimension, while the others are pushed down as before."
    ),
    returns="one number, a tensor of shape []",
    reference=free_bits,
    alternatives=(
        Alternative("loop", _loop),
        Alternative("relu", lambda kl, floor: (floor + torch.relu(kl.mean(0) - floor)).sum()),
        Alternative("einsum", lambda kl, floor: (torch.einsum("bd->d", kl) / len(kl)).clamp_min(floor).sum()),
        Alternative("where", lambda kl, floor: torch.where(kl.mean(0) > floor, kl.mean(0), floor).sum()),
        Alternative("float64", lambda kl, floor: free_bits(kl.double(), floor)),
    ),
    misconceptions=(
        Misconception(
            "floor under the sum",
            lambda kl, floor: kl.sum(1).mean().clamp_min(floor),
            "The floor is still under the sum over all dimensions. One dimension can reach it alone: put a floor under each, "
            "before you add them up.",
            variants=(
                lambda kl, floor: kl.sum(1).clamp_min(floor).mean(),
                lambda kl, floor: kl.sum(1).mean().clamp_min(floor * kl.shape[1]),
            ),
        ),
        Misconception(
            "floor under each image",
            lambda kl, floor: kl.clamp_min(floor).sum(1).mean(),
            "You put the floor under each image before you average. Then images above the floor are still charged, so the "
            "dimension is pushed down: take the mean over the batch first.",
        ),
        Misconception(
            "ceiling",
            lambda kl, floor: kl.mean(0).clamp_max(floor).sum(),
            "This is a ceiling: above it a code would be free without limit. Free bits are a floor, `clamp_min`.",
        ),
        Misconception(
            "floor subtracted",
            lambda kl, floor: torch.relu(kl.mean(0) - floor).sum(),
            "Your gradient is right, but D times the floor is missing from the price: below the floor a dimension costs the "
            "floor, not nothing.",
        ),
        Misconception(
            "nothing below the floor",
            lambda kl, floor: torch.where(kl.mean(0) > floor, kl.mean(0), 0.0).sum(),
            "A dimension below its floor costs nothing here, so the price jumps where one rises above it. It costs the floor "
            "there: take the larger of the two.",
        ),
        Misconception(
            "floor subtracted from all",
            lambda kl, floor: (kl.mean(0) - floor).sum(),
            "You subtract the floor from each dimension, also from those below it. That changes the number, but no gradient: "
            "take the larger of the two.",
        ),
        Misconception(
            "soft floor",
            lambda kl, floor: (floor + F.softplus(kl.mean(0) - floor)).sum(),
            "A softplus rounds the corner off: each dimension costs more than it should, and below the floor a gradient is left. "
            "Take the larger of the two.",
            variants=(lambda kl, floor: F.softplus(kl.mean(0) - floor).sum(),),
        ),
        Misconception(
            "floor added",
            lambda kl, floor: (kl.mean(0) + floor).sum(),
            "You add the floor to each dimension. That changes the number, but no gradient: each dimension is still pushed "
            "down. Take the larger of the two.",
        ),
        Misconception(
            "mean over the dimensions",
            lambda kl, floor: kl.mean(0).clamp_min(floor).mean(),
            "You average over the dimensions. Nats of independent dimensions add up: sum them.",
        ),
        Misconception(
            "sum over the batch",
            lambda kl, floor: kl.sum(0).clamp_min(floor).sum(),
            "You add up over the batch, so the KL reaches the floor in any large batch. The floor holds for one image: "
            "take the mean over axis 0.",
        ),
        Misconception(
            "wrong axis",
            lambda kl, floor: kl.mean(1).clamp_min(floor).sum(),
            "You average over the dimensions and put the floor under each image. The batch is axis 0.",
            variants=(lambda kl, floor: kl.mean(1).clamp_min(floor).mean(),),
        ),
        Misconception(
            "no floor",
            lambda kl, floor: kl.sum(1).mean(),
            "This is the plain KL, and the floor is unused. Each dimension must cost `floor` at least.",
        ),
        Misconception(
            "no gradient",
            lambda kl, floor: kl.mean(0).detach().clamp_min(floor).sum(),
            "The value is right, but it is cut off from the KL: above its floor a dimension must still be pushed down. "
            "Leave `detach` and `no_grad` out.",
        ),
        Misconception(
            "gradient below the floor",
            lambda kl, floor: (kl.mean(0) + (floor - kl.mean(0)).relu().detach()).sum(),
            "The value is right, but below the floor a gradient is left that pushes the dimension to the prior. That is "
            "what free bits are to prevent: use `clamp_min` or `torch.maximum`.",
        ),
        Misconception(
            "one floor for all dimensions of an image",
            lambda kl, floor: kl.sum(1).clamp_min(floor * kl.shape[1]).mean(),
            "You put one floor of D times `floor` under the sum over the dimensions, so one of them can pay for all. Each "
            "dimension has a floor of its own.",
        ),
    ),
    cases=_cases,
    probe=_probe,
)
