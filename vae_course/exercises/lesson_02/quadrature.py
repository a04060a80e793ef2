"""02-quadrature: find two errors in a grid sum for log p(x)."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from vae_course.exercises.inputs import far_apart, generator, integer, normal, one_stands_out
from vae_course.exercises.model import Alternative, Answer, Exercise, Inputs, Misconception


def log_px_grid(log_joint: Tensor, step: float) -> Tensor:
    """log p(x) in nats, [B], from log p(x, z) on an even grid [B, G] and its spacing, a Python number."""
    return torch.logsumexp(log_joint, dim=-1) + math.log(step)


def _cases(seed: int) -> list[Inputs]:
    """Points that are easy to follow by hand, then grids of random length; some x lie far out, where exp is 0.

    On one grid of 500 points a single one counts, on some the heights span more than exp can, and one is very fine.
    """
    source = generator(seed)
    few, many = integer(source, 4, 6), integer(source, 7, 9)
    cases: list[Inputs] = [{"log_joint": torch.tensor([[0.5, 0.25, -1.0]]).log_softmax(-1) - 2, "step": 0.5}]
    for b, g, step in ((1, 7, 0.25), (3, few, 2.0), (3, few, 0.01), (2, many, 0.1), (many, 6, 0.6)):
        cases.append({"log_joint": 2 * normal(source, b, g) - 4, "step": step})
    edges = (
        (2 * normal(source, 3, 5) - torch.tensor([[3.0], [300.0], [1500.0]]), 0.3),
        (2 * normal(source, 2, 4) - 2000, 0.7),
        (2 * normal(source, 2, 4) - 12000, 0.05),
        (2 * normal(source, 2, 5) + 1000, 0.2),
        (far_apart(source, few, 3, 200).T, 0.4),
        (far_apart(source, few, 2, 12000).T, 1.5),
        (one_stands_out(source, integer(source, 500, 600), 2).T, 0.25),
        (2 * normal(source, 64, 3) - 100, 0.5),
        (2 * normal(source, 3, 5) + 10, 1e-7),
    )
    for log_joint, step in edges:
        cases.append({"log_joint": log_joint.contiguous(), "step": step})
    return cases


def _loop(log_joint: Tensor, step: float) -> Tensor:
    found = []
    for row in log_joint:
        top = row.max()
        total = torch.tensor(0.0)
        for value in row:
            total = total + torch.exp(value - top)
        found.append(top + torch.log(step * total))
    return torch.stack(found)


def _shifted(log_joint: Tensor, step: float) -> Tensor:
    top = log_joint.amax(-1, keepdim=True)
    return top.squeeze(-1) + ((log_joint - top).exp().sum(-1) * step).log()


def _einsum(log_joint: Tensor, step: float) -> Tensor:
    top = log_joint.amax(-1)
    return top + torch.log(step * torch.einsum("bg->b", torch.exp(log_joint - top[:, None])))


def _trapezoid(log_joint: Tensor, step: float) -> Tensor:
    top = log_joint.amax(-1)
    return top + torch.trapezoid((log_joint - top[:, None]).exp(), dx=step).log()


def _first(log_joint: Tensor) -> Tensor:
    return log_joint[:, :1]


def _last(log_joint: Tensor) -> Tensor:
    return log_joint[:, -1:]


def _mean(log_joint: Tensor) -> Tensor:
    return log_joint.mean(-1, keepdim=True)


def _median(log_joint: Tensor) -> Tensor:
    return log_joint.median(-1, keepdim=True).values


def _least(log_joint: Tensor) -> Tensor:
    return log_joint.amin(-1, keepdim=True)


def _taken_out(centre: Callable[[Tensor], Tensor], dtype: torch.dtype = torch.float32) -> Answer:
    """A wrong answer that takes this out of the sum and puts it back."""

    def answer(log_joint: Tensor, step: float) -> Tensor:
        out = centre(log_joint.to(dtype))
        return out.squeeze(-1) + ((log_joint - out).exp().sum(-1) * step).log()

    return answer


def _hidden(eps: float) -> Answer:
    """A wrong answer that hides an underflow behind a small number."""
    return lambda log_joint, step: (log_joint.exp().sum(-1) * step + eps).log()


EXERCISE = Exercise(
    id="02-quadrature",
    title="Find two errors in a grid sum",
    points=3,
    difficulty=3,
    minutes=7,
    task=(
        "Return log p(x) in nats, one number for each x, `[B]`, from `log_joint` `[B, G]`, which is log p(x, z) at the G "
        "points of an even grid with spacing `step`, a Python number; an x far out, with values of -2000, must not give "
        "minus infinity."
    ),
    hints=(
        "One error makes the result depend on the number of points. The other one turns a small number into zero.",
        "p(x) = step * sum_g p(x, z_g). The logarithm of a product is a sum of logarithms.",
        "`torch.logsumexp(log_joint, dim=-1)` is the logarithm of the sum, without leaving the logarithms. What is "
        "missing is the logarithm of `step`, a Python number: `math.log`.",
    ),
    explanation=(
        "Each bar of the grid sum has the width `step`, so the sum is multiplied by it, which adds log step. And "
        "`torch.logsumexp` takes the largest logarithm out of the sum before it exponentiates, so that nothing "
        "underflows to zero."
    ),
    returns="one number per x, [B]",
    reference=log_px_grid,
    alternatives=(
        Alternative("loop", _loop),
        Alternative("einsum", _einsum),
        Alternative("largest taken out by hand", _shifted),
        Alternative("step inside", lambda log_joint, step: torch.logsumexp(log_joint + math.log(step), dim=1)),
        Alternative("trapezoid", _trapezoid),
        Alternative("float64", lambda log_joint, step: log_px_grid(log_joint.double(), step)),
    ),
    misconceptions=(
        Misconception(
            "underflow",
            lambda log_joint, step: (log_joint.exp().sum(-1) * step).log(),
            "The step is right now, but for an x far out the exponentials are zero, and your result is minus infinity. "
            "Stay with logarithms: `torch.logsumexp`.",
            variants=(lambda log_joint, step: (log_joint.exp() * step).sum(-1).log(),),
        ),
        Misconception(
            "underflow in float64",
            lambda log_joint, step: (log_joint.double().exp().sum(-1) * step).log(),
            "The step is right now, but float64 only moves the limit, to about -745: below that `exp` is zero again. Stay "
            "with logarithms: `torch.logsumexp`.",
            variants=(lambda log_joint, step: (log_joint.double().exp() * step).sum(-1).log(),),
        ),
        Misconception(
            "trapezoid of exponentials",
            lambda log_joint, step: torch.trapezoid(log_joint.exp(), dx=step).log(),
            "The trapezoid rule is as good, but for an x far out the exponentials are zero, and your result is minus infinity. "
            "Take the largest logarithm of each row out first, or use `torch.logsumexp`.",
            variants=(lambda log_joint, step: torch.trapezoid(log_joint.double().exp(), dx=step).log(),),
        ),
        Misconception(
            "another number in the maximum's place",
            _taken_out(_first),
            "What you take out of the sum is not the largest logarithm of each x, so `exp` of a much larger one is infinite. "
            "Take `log_joint.amax(-1)` out; `torch.logsumexp` does that.",
            variants=(
                *(_taken_out(centre) for centre in (_last, _mean, _median, _least)),
                *(_taken_out(centre, torch.float64) for centre in (_first, _last, _mean, _median, _least)),
            ),
        ),
        Misconception(
            "small number inside the logarithm",
            lambda log_joint, step: (log_joint.exp().sum(-1) * step + 1e-8).log(),
            "A small number inside the logarithm hides the zero and replaces the answer by that number's logarithm. Use "
            "`torch.logsumexp`, which needs no patch.",
            variants=tuple(_hidden(eps) for eps in (1e-6, 1e-10, 1e-12, 1e-30)),
        ),
        Misconception(
            "one maximum for all x",
            lambda log_joint, step: log_joint.max() + ((log_joint - log_joint.max()).exp().sum(-1) * step).log(),
            "You take the same maximum out for all x, so an x further out still gives minus infinity. Each x needs its own, "
            "`amax(dim=-1)`; `torch.logsumexp` does that.",
            variants=(
                lambda log_joint, step: (
                    log_joint.max() + ((log_joint.double() - log_joint.max()).exp().sum(-1) * step).log()
                ),
            ),
        ),
        Misconception(
            "maximum added twice",
            lambda log_joint, step: log_joint.amax(-1) + torch.logsumexp(log_joint, -1) + math.log(step),
            "You add the maximum to `torch.logsumexp`, which has added it already: it takes it out of the sum and puts it "
            "back by itself. Leave yours out.",
        ),
        Misconception(
            "maximum not added back",
            lambda log_joint, step: ((log_joint - log_joint.amax(-1, keepdim=True)).exp().sum(-1) * step).log(),
            "You take the maximum out of the sum, which divides each term by the largest, and never put it back. Add "
            "`log_joint.amax(-1)` to the result.",
            variants=(lambda log_joint, step: ((log_joint - log_joint.max()).exp().sum(-1) * step).log(),),
        ),
        Misconception(
            "both errors left",
            lambda log_joint, step: log_joint.exp().sum(-1).log(),
            "Both errors are still there: the step is missing, so a finer grid gives a larger result, and an x far out "
            "gives minus infinity.",
        ),
        Misconception(
            "step forgotten",
            lambda log_joint, step: torch.logsumexp(log_joint, -1),
            "The underflow is gone, but twice as many points give twice the sum. Each point counts with the width of its "
            "bar: add log step.",
        ),
        Misconception(
            "step multiplied outside",
            lambda log_joint, step: torch.logsumexp(log_joint, -1) * step,
            "You multiply the logarithm by the step. The step is a factor of p(x), so its logarithm is added to "
            "log p(x).",
        ),
        Misconception(
            "step added without logarithm",
            lambda log_joint, step: torch.logsumexp(log_joint, -1) + step,
            "You add the step itself. A factor inside the logarithm becomes a summand outside, but as a logarithm: add "
            "log step.",
        ),
        Misconception(
            "log step subtracted",
            lambda log_joint, step: torch.logsumexp(log_joint, -1) - math.log(step),
            "You divide by the step. A bar's area is height times width: log step is added.",
        ),
        Misconception(
            "mean over the grid",
            lambda log_joint, step: torch.logsumexp(log_joint, -1) - math.log(log_joint.shape[-1]),
            "You take the mean of the heights, which depends on how far the grid reaches. An integral is the sum times "
            "the step.",
            variants=(lambda log_joint, step: log_joint.exp().mean(-1).log(),),
        ),
        Misconception(
            "step and number of points",
            lambda log_joint, step: torch.logsumexp(log_joint, -1) + math.log(step) - math.log(log_joint.shape[-1]),
            "You multiply by the step and divide by the number of points as well. The step alone makes the sum an "
            "integral.",
            variants=(lambda log_joint, step: (log_joint.exp().mean(-1) * step).log(),),
        ),
        Misconception(
            "sum of logarithms",
            lambda log_joint, step: log_joint.sum(-1) * step,
            "You integrate the logarithm of the joint. The integral is over p(x, z) itself, and the logarithm is taken "
            "after that.",
            variants=(
                lambda log_joint, step: log_joint.sum(-1) + math.log(step),
                lambda log_joint, step: log_joint.sum(-1),
                lambda log_joint, step: log_joint.mean(-1),
                lambda log_joint, step: torch.trapezoid(log_joint, dx=step),
            ),
        ),
        Misconception(
            "a point left out",
            lambda log_joint, step: torch.logsumexp(log_joint[:, :-1], -1) + math.log(step),
            "You leave out a point at an end of the grid. There are as many bars as points, one around each: add them all.",
            variants=(
                lambda log_joint, step: torch.logsumexp(log_joint[:, 1:], -1) + math.log(step),
                lambda log_joint, step: torch.logsumexp(log_joint[:, 1:-1], -1) + math.log(step),
            ),
        ),
        Misconception(
            "highest point only",
            lambda log_joint, step: log_joint.amax(-1) + math.log(step),
            "You keep the largest term of the sum and drop the others. All points of the grid count.",
            variants=(lambda log_joint, step: log_joint.amax(-1),),
        ),
        Misconception(
            "p(x) itself",
            lambda log_joint, step: log_px_grid(log_joint, step).exp(),
            "This is p(x). Its logarithm is asked for, which stays a usable number even where p(x) is too small for "
            "the computer.",
            variants=(lambda log_joint, step: log_joint.exp().sum(-1) * step,),
        ),
        Misconception(
            "summed over the batch",
            lambda log_joint, step: torch.logsumexp(log_joint, 0) + math.log(step),
            "You sum over the first axis, which holds the different x. The grid lies along the last axis.",
            variants=(lambda log_joint, step: torch.logsumexp(log_joint, (0, 1)) + math.log(step),),
        ),
        Misconception(
            "step inside the exponent",
            lambda log_joint, step: torch.logsumexp(log_joint * step, -1),
            "You multiply the logarithms by the step, which raises each height to a power. The step is a width, so it "
            "multiplies the sum of the heights: add its logarithm.",
        ),
    ),
    cases=_cases,
    batch="log_joint",
    equivalents=(lambda log_joint, step: _trapezoid(log_joint.double(), step),),
)
