"""02-naive-mc: log p(x) from draws of the prior, without leaving the logarithms."""

import math
from collections.abc import Callable
from functools import reduce

import torch
from torch import Tensor

from vae_course.exercises.inputs import far_apart, generator, integer, normal, one_stands_out
from vae_course.exercises.model import Alternative, Answer, Exercise, Inputs, Misconception


def log_px_naive(log_px_z: Tensor) -> Tensor:
    """The naive estimate of log p(x) in nats, [B], from log p(x | z) at L draws from the prior [L, B]."""
    return torch.logsumexp(log_px_z, dim=0) - math.log(len(log_px_z))


def _cases(seed: int) -> list[Inputs]:
    """Numbers that are easy to follow by hand, random ones, then images' log-likelihoods, far below and far above exp's reach.

    A density may exceed one, so some are positive. Of 500 draws one may count alone, 200 nats above the others.
    """
    source = generator(seed)
    few, many = integer(source, 4, 6), integer(source, 7, 9)
    cases: list[Inputs] = [
        {"log_px_z": torch.tensor([[0.2], [0.4], [0.9]]).log()},
        {"log_px_z": torch.tensor([[0.1, 0.5], [0.5, 1.5], [0.3, 0.1]]).log()},
    ]
    for draws, b in ((1, 3), (5, 1), (few, 3), (few, 3), (3, many), (many, 2)):
        cases.append({"log_px_z": 2 * normal(source, draws, b) - 3})
    spread = 8 * normal(source, 5, 3) - torch.tensor([20.0, 300.0, 1500.0])
    edges = (
        spread,
        2 * normal(source, 4, 2) - 2000,
        2 * normal(source, 4, 2) - 12000,
        2 * normal(source, 3, 2) + 1000,
        far_apart(source, few, 3, 200),
        far_apart(source, few, 2, 12000),
        one_stands_out(source, integer(source, 500, 600), 2),
        2 * normal(source, 64, 4) - 100,
    )
    for edge in edges:
        cases.append({"log_px_z": edge})
    return cases


def _loop(log_px_z: Tensor) -> Tensor:
    found = []
    for b in range(log_px_z.shape[1]):
        top = log_px_z[:, b].max()
        total = torch.tensor(0.0)
        for draw in log_px_z:
            total = total + torch.exp(draw[b] - top)
        found.append(top + torch.log(total / len(log_px_z)))
    return torch.stack(found)


def _einsum(log_px_z: Tensor) -> Tensor:
    top = log_px_z.amax(0)
    return top + torch.log(torch.einsum("lb->b", torch.exp(log_px_z - top)) / len(log_px_z))


def _first(log_px_z: Tensor) -> Tensor:
    return log_px_z[0]


def _last(log_px_z: Tensor) -> Tensor:
    return log_px_z[-1]


def _mean(log_px_z: Tensor) -> Tensor:
    return log_px_z.mean(0)


def _median(log_px_z: Tensor) -> Tensor:
    return log_px_z.median(0).values


def _least(log_px_z: Tensor) -> Tensor:
    return log_px_z.amin(0)


def _taken_out(centre: Callable[[Tensor], Tensor], dtype: torch.dtype = torch.float32) -> Answer:
    """A wrong answer that takes this out of the sum and puts it back."""

    def answer(log_px_z: Tensor) -> Tensor:
        log_px_z = log_px_z.to(dtype)
        return centre(log_px_z) + (log_px_z - centre(log_px_z)).exp().mean(0).log()

    return answer


def _patched(eps: float) -> Answer:
    """A wrong answer with a small number inside the logarithm."""
    return lambda log_px_z: log_px_z.amax(0) + ((log_px_z - log_px_z.amax(0)).exp().mean(0) + eps).log()


EXERCISE = Exercise(
    id="02-naive-mc",
    title="log p(x) from draws of the prior",
    points=3,
    difficulty=3,
    minutes=6,
    task=(
        "Return the naive estimate of log p(x) in nats, one number for each x, `[B]`, from `log_px_z` `[L, B]`, which is "
        "log p(x | z) at L draws z from the prior; log-likelihoods of -2000 must not give minus infinity."
    ),
    hints=(
        "The estimate of p(x) is a mean of likelihoods, not of their logarithms. The logarithm comes last.",
        "log p(x) is about log of 1/L sum_l p(x | z_l), which is the logarithm of the sum, minus log L.",
        "`torch.logsumexp(..., dim=0)` is the logarithm of a sum of exponentials over the first axis, the draws. "
        "`math.log(len(log_px_z))` is log L.",
    ),
    explanation=(
        "A mean is a sum divided by L, and dividing by L subtracts log L. `torch.logsumexp` takes the largest logarithm "
        "out before it exponentiates. So the result is right even where each likelihood is too small to be written down."
    ),
    returns="one number per x, [B]",
    reference=log_px_naive,
    alternatives=(
        Alternative("loop", _loop),
        Alternative("einsum", _einsum),
        Alternative("log L inside", lambda log_px_z: torch.logsumexp(log_px_z - math.log(len(log_px_z)), 0)),
        Alternative("float64", lambda log_px_z: log_px_naive(log_px_z.double())),
        Alternative("draw by draw", lambda log_px_z: reduce(torch.logaddexp, log_px_z) - math.log(len(log_px_z))),
        Alternative(
            "log_softmax", lambda log_px_z: (log_px_z - log_px_z.log_softmax(0))[0] - math.log(log_px_z.shape[0])
        ),
    ),
    misconceptions=(
        Misconception(
            "mean of the logarithms",
            lambda log_px_z: log_px_z.mean(0),
            "This is the mean of the logarithms, and it is too low: the estimate is the logarithm of the mean likelihood. "
            "First average, then take the logarithm.",
        ),
        Misconception(
            "log L forgotten",
            lambda log_px_z: torch.logsumexp(log_px_z, 0),
            "This is the logarithm of the sum, so it grows with the number of draws. A mean divides by L: subtract "
            "log L.",
        ),
        Misconception(
            "L subtracted",
            lambda log_px_z: torch.logsumexp(log_px_z, 0) - len(log_px_z),
            "You subtract L itself. Dividing by L inside the logarithm subtracts its logarithm: `math.log(...)`.",
        ),
        Misconception(
            "divided by L outside",
            lambda log_px_z: torch.logsumexp(log_px_z, 0) / len(log_px_z),
            "You divide the logarithm by L. The sum of the likelihoods is divided by L, which subtracts log L from its "
            "logarithm.",
        ),
        Misconception(
            "divided by log L",
            lambda log_px_z: torch.logsumexp(log_px_z, 0) / math.log(len(log_px_z)),
            "You divide by log L, which is 0 for a single draw. Dividing the sum by L subtracts log L from its logarithm.",
        ),
        Misconception(
            "log L added",
            lambda log_px_z: torch.logsumexp(log_px_z, 0) + math.log(len(log_px_z)),
            "You add log L, which multiplies by L. A mean divides by it: subtract.",
        ),
        Misconception(
            "underflow",
            lambda log_px_z: log_px_z.exp().mean(0).log(),
            "The formula is right, but `exp` of a log-likelihood below about -100 is zero, and its logarithm minus "
            "infinity. Use `torch.logsumexp`.",
            variants=(lambda log_px_z: (log_px_z.exp().sum(0) / len(log_px_z)).log(),),
        ),
        Misconception(
            "underflow in float64",
            lambda log_px_z: log_px_z.double().exp().mean(0).log(),
            "float64 only moves the limit, to about -745: below that `exp` is zero again, and your result minus infinity. "
            "Use `torch.logsumexp`.",
            variants=(lambda log_px_z: (log_px_z.double().exp().sum(0) / len(log_px_z)).log(),),
        ),
        Misconception(
            "one maximum for all x",
            lambda log_px_z: log_px_z.max() + (log_px_z - log_px_z.max()).exp().mean(0).log(),
            "You take the same maximum out for all x, so an x with far smaller likelihoods still gives minus infinity. "
            "Each x needs its own, `amax(dim=0)`; `torch.logsumexp` does that.",
            variants=(lambda log_px_z: log_px_z.max() + (log_px_z.double() - log_px_z.max()).exp().mean(0).log(),),
        ),
        Misconception(
            "another number in the maximum's place",
            _taken_out(_first),
            "What you take out of the sum is not the largest logarithm of each x, so `exp` of a much larger one is infinite. "
            "Take `log_px_z.amax(0)` out; `torch.logsumexp` does that.",
            variants=(
                *(_taken_out(centre) for centre in (_last, _mean, _median, _least)),
                *(_taken_out(centre, torch.float64) for centre in (_first, _last, _mean, _median, _least)),
            ),
        ),
        Misconception(
            "patch beside the maximum",
            _patched(1e-6),
            "The maximum is out, but a small number is still added inside the logarithm. Where one of many draws counts alone "
            "it changes the result, and nothing needs it: the largest term is 1.",
            variants=tuple(_patched(eps) for eps in (1e-5, 1e-4, 1e-3)),
        ),
        Misconception(
            "maximum added twice",
            lambda log_px_z: log_px_z.amax(0) + torch.logsumexp(log_px_z, 0) - math.log(len(log_px_z)),
            "You add the maximum to `torch.logsumexp`, which has added it already: it takes it out of the sum and puts it "
            "back by itself. Leave yours out.",
        ),
        Misconception(
            "maximum not added back",
            lambda log_px_z: (log_px_z - log_px_z.amax(0)).exp().mean(0).log(),
            "You take the maximum out of the sum, which divides each likelihood by the largest, and never put it back. "
            "Add `log_px_z.amax(0)` to the result.",
            variants=(lambda log_px_z: (log_px_z - log_px_z.max()).exp().mean(0).log(),),
        ),
        Misconception(
            "underflow hidden",
            lambda log_px_z: (log_px_z.exp().mean(0) + 1e-8).log(),
            "A small number inside the logarithm hides the zero and replaces the answer by that number's logarithm. Use "
            "`torch.logsumexp`, which needs no patch.",
            variants=(
                lambda log_px_z: (log_px_z.exp().mean(0) + 1e-12).log(),
                lambda log_px_z: (log_px_z.exp().mean(0) + 1e-10).log(),
                *(
                    lambda log_px_z, least=least: log_px_z.exp().mean(0).clamp(min=least).log()
                    for least in (1e-6, 1e-8, 1e-10, 1e-12, 1e-20, 1e-30, 1e-38, 1e-45)
                ),
            ),
        ),
        Misconception(
            "wrong axis",
            lambda log_px_z: torch.logsumexp(log_px_z, 1) - math.log(log_px_z.shape[1]),
            "You average over axis 1, the different x, and keep one number for each draw. The draws lie along axis 0.",
            variants=(lambda log_px_z: torch.logsumexp(log_px_z, 1) - math.log(len(log_px_z)),),
        ),
        Misconception(
            "number of examples for number of draws",
            lambda log_px_z: torch.logsumexp(log_px_z, 0) - math.log(log_px_z.shape[-1]),
            "You divide by the number of examples. There are `len(log_px_z)` draws, the first axis.",
        ),
        Misconception(
            "mean over everything",
            lambda log_px_z: torch.logsumexp(log_px_z, (0, 1)) - math.log(log_px_z.numel()),
            "You average over the examples too. Each x has a p(x) of its own: average over axis 0 only.",
        ),
        Misconception(
            "best draw only",
            lambda log_px_z: log_px_z.amax(0),
            "You keep the best draw. A mean counts all of them, most of which explain x badly; that is what makes p(x) "
            "small.",
            variants=(lambda log_px_z: log_px_z.amax(0) - math.log(len(log_px_z)),),
        ),
        Misconception(
            "p(x) itself",
            lambda log_px_z: log_px_z.exp().mean(0),
            "This is p(x), and for an image it is too small for the computer. The logarithm is asked for.",
        ),
        Misconception(
            "a number of draws typed in",
            lambda log_px_z: torch.logsumexp(log_px_z, 0) - math.log(1000),
            "You divide by a number of draws of your own, whatever L is. L is how many rows came: `log_px_z.shape[0]`.",
            variants=tuple(
                lambda log_px_z, many=many: torch.logsumexp(log_px_z, 0) - math.log(many)
                for many in (10, 50, 100, 500, 10_000)
            ),
        ),
        Misconception(
            "one draw less",
            lambda log_px_z: torch.logsumexp(log_px_z, 0) - math.log(max(len(log_px_z) - 1, 1)),
            "You divide the sum by L - 1. That belongs to a variance around an estimated mean; a mean divides by L.",
        ),
        Misconception(
            "minus the logarithm",
            lambda log_px_z: -log_px_naive(log_px_z),
            "This is -log p(x), a loss. The logarithm of p(x) itself is asked for: leave out the minus.",
        ),
        Misconception(
            "infinity replaced",
            lambda log_px_z: log_px_z.exp().mean(0).log().nan_to_num(),
            "You take each log-likelihood back to a likelihood, which becomes 0, and replace the infinity of its logarithm "
            "afterwards: the number is lost by then. Use `torch.logsumexp`, which never leaves the logarithms.",
        ),
    ),
    cases=_cases,
    batch=None,
)
