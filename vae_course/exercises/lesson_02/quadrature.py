"""02-quadrature: find two errors in a grid sum for log p(x)."""

import math

import torch
from torch import Tensor

from vae_course.exercises.inputs import generator, normal
from vae_course.exercises.model import Alternative, Exercise, Inputs, Misconception


def log_px_grid(log_joint: Tensor, step: float) -> Tensor:
    """log p(x) in nats, [B], from log p(x, z) on an even grid [B, G] and its spacing, a Python number."""
    return torch.logsumexp(log_joint, dim=-1) + math.log(step)


def _cases(seed: int) -> list[Inputs]:
    """Two points that are easy to follow by hand, then grids of random length; some x lie far out, where exp is 0."""
    source = generator(seed)
    cases: list[Inputs] = [{"log_joint": torch.tensor([[0.5, 0.25, -1.0]]).log_softmax(-1) - 2, "step": 0.5}]
    for b, g, step in ((1, 7, 0.25), (3, 5, 2.0), (2, 9, 0.1), (4, 6, 0.6)):
        cases.append({"log_joint": 2 * normal(source, b, g) - 4, "step": step})
    far = 2 * normal(source, 3, 5) - torch.tensor([[3.0], [300.0], [1500.0]])
    farther = 2 * normal(source, 2, 4) - 2000
    return [*cases, {"log_joint": far, "step": 0.3}, {"log_joint": farther, "step": 0.7}]


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
            "The step is in, but the trapezoid rule halves the two end points, which this grid sum does not, and an x far "
            "out still gives minus infinity. Use `torch.logsumexp` and add log step.",
            variants=(lambda log_joint, step: torch.trapezoid(log_joint.double().exp(), dx=step).log(),),
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
    ),
    cases=_cases,
    batch="log_joint",
)
