"""10-split: the two parts of a rate, from the densities of some codes under all posteriors."""

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vae_course.exercises.inputs import generator, integer, normal
from vae_course.exercises.model import Alternative, Answer, Exercise, Inputs, Misconception
from vae_course.exercises.probes import pair

Pair = tuple[Tensor, Tensor]


def split(log_q: Tensor, log_q_all: Tensor, log_p: Tensor) -> Pair:
    """The information and the marginal KL in nats, two numbers, from log densities [M], [M, N] and [M]."""
    log_mixture = torch.logsumexp(log_q_all, dim=1) - math.log(log_q_all.shape[1])
    return (log_q - log_mixture).mean(), (log_mixture - log_p).mean()


def _probe(answer: Answer, case: Inputs) -> dict[str, Any]:
    first, second = pair(answer(*case.values()), "information", "marginal_kl")
    parts = {"information": first, "marginal KL": second}
    return {
        name: torch.as_tensor(part) if isinstance(part, float | np.ndarray | np.floating) else part
        for name, part in parts.items()
    }


def _case(log_q_all: Tensor, log_p: Tensor) -> Inputs:
    """Draw m belongs to image m, the m-th column."""
    return {"log_q": log_q_all.diagonal().clone(), "log_q_all": log_q_all, "log_p": log_p}


def _cases(seed: int) -> list[Inputs]:
    """Two draws under three posteriors that can be done by hand, then images whose densities underflow."""
    source = generator(seed)
    by_hand = torch.tensor([[0.5, 0.25, 0.25], [0.1, 0.7, 0.4]]).log()
    cases = [_case(by_hand, torch.tensor([0.2, 0.1]).log())]
    few = integer(source, 3, 5), integer(source, 6, 9)
    for m, n, level, own, prior in (
        (1, 4, -2.0, -5.0, 3.0), (*few, -8.0, 3.0, -2.0), (*few, -8.0, 3.0, -2.0), (5, 9, -115.0, 3.0, -2.0),
        (3, 6, -760.0, 3.0, -2.0), (4, 7, 100.0, 5.0, -9.0), (3, 5, -20.0, 200.0, 150.0), (20, 300, -30.0, 9.0, 2.0),
    ):  # fmt: skip
        log_q_all = level + 2 * normal(source, m, n)
        log_q_all[torch.arange(m), torch.arange(m)] += own
        # Deep down the codes lie far apart too, so that nothing can be taken out for all of them together.
        apart = 110.0 * torch.arange(m) * (level < -700)
        cases.append(_case(log_q_all - apart[:, None], level + prior + normal(source, m) - apart))
    return cases


def _loop(log_q: Tensor, log_q_all: Tensor, log_p: Tensor) -> Pair:
    information, marginal = [], []
    for own, row, prior in zip(log_q, log_q_all, log_p, strict=True):
        mixture = torch.logsumexp(row - math.log(len(row)), 0)
        information.append(own - mixture)
        marginal.append(mixture - prior)
    return torch.stack(information).mean(), torch.stack(marginal).mean()


def _with(mixture: Any, log_q: Tensor, log_p: Tensor) -> Pair:
    return (log_q - mixture).mean(), (mixture - log_p).mean()


EXERCISE = Exercise(
    id="10-split",
    title="What a rate consists of",
    points=4,
    difficulty=3,
    minutes=10,
    task=(
        "Return two numbers in nats, the information I and the marginal KL( q(z) || p(z) ): means over M codes, where "
        "code m was drawn from the posterior of image m. `log_q` `[M]` is log q(z_m | x_m), `log_q_all` `[M, N]` is "
        "log q(z_m | x_n) for all N images, and `log_p` `[M]` is log p(z_m)."
    ),
    hints=(
        "Both parts contain log q(z), the logarithm of a mean of N densities. Which axis holds the N images?",
        "log q(z_m) = logsumexp_n log q(z_m | x_n) - log N; I = mean of log q(z_m | x_m) - log q(z_m); the other part is "
        "the mean of log q(z_m) - log p(z_m).",
        "log q(z): `torch.logsumexp` of `log_q_all` over axis 1, minus `math.log` of the number of images, the length of that "
        "axis. Then the two differences, each with `.mean()`.",
    ),
    explanation=(
        "log q(z) is added and taken away, so the two parts always sum to the rate. The logarithm stands outside the mean "
        "over the images: q(z) is a mixture of all posteriors, and a density underflows unless the sum is a logsumexp."
    ),
    returns="two numbers, each a tensor of shape []",
    reference=split,
    alternatives=(
        Alternative("loop", _loop),
        Alternative(
            "log softmax",
            lambda q, every, p: _with(every[:, 0] - every.log_softmax(1)[:, 0] - math.log(every.size(1)), q, p),
        ),
        Alternative(
            "second part as the rest",
            lambda q, every, p: (split(q, every, p)[0], (q - p).mean() - split(q, every, p)[0]),
        ),
        Alternative("stacked", lambda q, every, p: torch.stack(split(q, every, p))),
        Alternative("plain numbers", lambda q, every, p: [float(part) for part in split(q, every, p)]),
        Alternative("float64", lambda q, every, p: split(q.double(), every.double(), p.double())),
    ),
    misconceptions=(
        Misconception(
            "log N forgotten",
            lambda q, every, p: _with(torch.logsumexp(every, 1), q, p),
            "Your log q(z) is that of a sum of N densities. The mixture is their mean: subtract log N.",
        ),
        Misconception(
            "mean of the logarithms",
            lambda q, every, p: _with(every.mean(1), q, p),
            "You average log densities over the images. q(z) is the mean of the densities, and its logarithm is taken "
            "after that: `torch.logsumexp`.",
        ),
        Misconception(
            "underflow",
            lambda q, every, p: _with(every.exp().mean(1).log(), q, p),
            "exp of a log density near -115 is 0 on a computer, and its logarithm minus infinity. Use `torch.logsumexp`, "
            "which takes the largest one out first.",
        ),
        Misconception(
            "underflow hidden",
            lambda q, every, p: _with((every.exp().mean(1) + 1e-8).log(), q, p),
            "A small number inside the logarithm, or a limit there, takes the place of densities that round to 0. Use "
            "`torch.logsumexp`, which needs no patch.",
            variants=(
                *(
                    lambda q, every, p, eps=eps: _with((every.exp().mean(1) + eps).log(), q, p)
                    for eps in (1e-6, 1e-10, 1e-12, 1e-30)
                ),
                *(
                    lambda q, every, p, eps=eps: _with(every.exp().mean(1).clamp(min=eps).log(), q, p)
                    for eps in (1e-6, 1e-8, 1e-10, 1e-12, 1e-30)
                ),
            ),
        ),
        Misconception(
            "one maximum for all codes, or double precision",
            lambda q, every, p: _with(every.max() + (every - every.max()).exp().mean(1).log(), q, p),
            "The densities of one code still round to 0: it lies too deep for one maximum of all codes, and for double precision "
            "too. Take out the largest of each code, as `torch.logsumexp` does.",
            variants=(lambda q, every, p: _with(every.double().exp().mean(1).log(), q, p),),
        ),
        Misconception(
            "first image's density as the maximum",
            lambda q, every, p: _with(every[:, 0] + (every - every[:, :1]).exp().mean(1).log(), q, p),
            "What you take out is not the largest log density of each code, so `exp` of a much larger one is infinite. Take "
            "`amax(dim=1)` out; `torch.logsumexp` does that.",
            variants=(
                lambda q, every, p: _with(
                    every.mean(1) + (every - every.mean(1, keepdim=True)).exp().mean(1).log(), q, p
                ),
            ),
        ),
        Misconception(
            "mixed over the codes",
            lambda q, every, p: _with(torch.logsumexp(every, 0).mean() - math.log(len(every)), q, p),
            "You mix over axis 0, the codes. The mixture q(z_m) has one part for each of the N images, along axis 1.",
        ),
        Misconception(
            "log M for log N",
            lambda q, every, p: _with(torch.logsumexp(every, 1) - math.log(len(every)), q, p),
            "You subtract log M, the number of codes. The mixture has one part for each of the N images: "
            "`log_q_all.shape[1]`.",
        ),
        Misconception(
            "the rate for the information",
            lambda q, every, p: ((q - p).mean(), split(q, every, p)[1]),
            "Your first number is the whole rate, log q(z | x) - log p(z). The information compares with q(z) in place of "
            "the prior.",
        ),
        Misconception(
            "the rate for the marginal KL",
            lambda q, every, p: (split(q, every, p)[0], (q - p).mean()),
            "Your second number is the whole rate. The marginal KL is what is left of it without the information: "
            "log q(z) - log p(z).",
        ),
        Misconception(
            "swapped",
            lambda q, every, p: split(q, every, p)[::-1],
            "Both numbers are right, in the other order: first the information, then the marginal KL.",
        ),
        Misconception(
            "sum over the codes",
            lambda q, every, p: tuple(len(q) * part for part in split(q, every, p)),
            "You add up over the codes. Asked for is a mean, in nats for each image.",
        ),
        Misconception(
            "signs",
            lambda q, every, p: tuple(-part for part in split(q, every, p)),
            "Both signs are turned round. A code is more likely under its own posterior than under the mixture, so the "
            "information is log q(z | x) minus log q(z).",
        ),
        Misconception(
            "likeliest image only",
            lambda q, every, p: _with(every.amax(1) - math.log(every.shape[1]), q, p),
            "You keep only the image under which the code is most likely. The mixture has all of them: logsumexp, not max.",
            variants=(lambda q, every, p: _with(every.amax(1), q, p),),
        ),
        Misconception(
            "own posterior only",
            lambda q, every, p: _with(q - math.log(every.shape[1]), q, p),
            "Your mixture holds the code's own image alone, so the information is log N whatever the codes are. Put all "
            "N densities into it.",
        ),
    ),
    cases=_cases,
    probe=_probe,
    tolerance=5e-5,  # float32 keeps four digits after the point of a log density near -900
)
