"""11-iwae-bound: the logarithm of a mean of k weights, from their logarithms."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from vae_course.exercises.inputs import generator, log_weights, normal, one_stands_out
from vae_course.exercises.model import Alternative, Answer, Exercise, Inputs, Misconception


def iwae_bound(log_w: Tensor) -> Tensor:
    """The bound with k draws in nats, from their log weights [k, B]: [B]."""
    return torch.logsumexp(log_w, dim=0) - math.log(len(log_w))


def _cases(seed: int) -> list[Inputs]:
    """Images with weights below the smallest number of a computer, and some with one weight far from the rest."""
    source = generator(seed)
    cases = [*log_weights(source, 3), 3 * normal(source, 4, 3) - torch.tensor([800.0, 5.0, 0.0])]
    # One of 500 weighs all the rest; the bound is 0.1, so that a small number inside the logarithm shows.
    alone = one_stands_out(source, 500, 3)
    return [{"log_w": log_w} for log_w in (*cases, alone - alone.amax(0) + math.log(500) + 0.1)]


def _one_maximum(log_w: Tensor) -> Tensor:
    top = log_w.max()
    return top + (log_w - top).exp().mean(0).log()


def _taken_out(centre: Callable[[Tensor], Tensor], dtype: torch.dtype | None = None, eps: float = 0.0) -> Answer:
    """log mean exp with this number taken out of the log weights before they are exponentiated."""

    def answer(log_w: Tensor) -> Tensor:
        out = log_w.to(dtype or log_w.dtype)
        return centre(out) + ((out - centre(out)).exp().mean(0) + eps).log()

    return answer


_OTHER_CENTRES: tuple[Callable[[Tensor], Tensor], ...] = (
    lambda w: w[0], lambda w: w[-1], lambda w: w.mean(0), lambda w: w.median(0).values, lambda w: w.amin(0)
)  # fmt: skip


def _loop(log_w: Tensor) -> Tensor:
    bounds = []
    for b in range(log_w.shape[1]):
        total = log_w[0, b]
        for k in range(1, log_w.shape[0]):
            total = torch.logaddexp(total, log_w[k, b])
        bounds.append(total - math.log(log_w.shape[0]))
    return torch.stack(bounds)


def _shifted(log_w: Tensor) -> Tensor:
    top = log_w.max(dim=0).values.detach()
    return top + (log_w - top).exp().mean(0).log()


EXERCISE = Exercise(
    id="11-iwae-bound",
    title="The bound with k draws",
    points=2,
    difficulty=2,
    minutes=5,
    task=(
        "Return the importance-weighted bound in nats, one number for each example, `[B]`, from `log_w` `[k, B]`, the "
        "log weights of k draws from q; it must work for log weights of -600 as well."
    ),
    hints=(
        "Inside the logarithm stands a mean of k weights. Which function adds numbers that are given by their logarithms?",
        "L_k = log( 1/k sum_j w_j ) = log( sum_j exp(log w_j) ) - log k.",
        "`torch.logsumexp` over axis 0, the draws; then take the logarithm of the number of draws off.",
    ),
    explanation=(
        "`logsumexp` takes the largest log weight out before it exponentiates, so nothing underflows. The mean needs "
        "1/k, which is -log k outside the sum. With k = 1 nothing is left but log w, an estimate of the ELBO."
    ),
    returns="one number per example, [B]",
    reference=iwae_bound,
    alternatives=(
        Alternative("loop", _loop),
        Alternative("largest taken out", _shifted),
        Alternative("log k inside", lambda log_w: torch.logsumexp(log_w - math.log(log_w.shape[0]), 0)),
        Alternative("float64", lambda log_w: torch.logsumexp(log_w.double(), 0) - math.log(len(log_w))),
        Alternative("cumulative", lambda log_w: torch.logcumsumexp(log_w, 0)[-1] - math.log(len(log_w))),
        Alternative("transposed", lambda log_w: torch.logsumexp(log_w.T, -1) - math.log(log_w.size(0))),
    ),
    misconceptions=(
        Misconception(
            "one draw of the middle, or the least",
            lambda log_w: log_w.median(0).values,
            "You keep one draw alone, the middle one or the least. The bound is the logarithm of the mean of all k weights.",
            variants=(lambda log_w: log_w.amin(0), lambda log_w: log_w.quantile(0.5, dim=0)),
        ),
        Misconception(
            "mean of the logs",
            lambda log_w: log_w.mean(0),
            "You average the logarithms. That is the ELBO, L_1, with less noise: the weights are to be averaged first, "
            "inside the logarithm.",
        ),
        Misconception(
            "log k forgotten",
            lambda log_w: torch.logsumexp(log_w, 0),
            "This is the logarithm of the sum of the weights. It grows by log 2 whenever you double k and passes log "
            "p(x); a mean needs - log k.",
        ),
        Misconception(
            "k in place of log k",
            lambda log_w: torch.logsumexp(log_w, 0) - len(log_w),
            "You subtract k itself. Dividing the sum by k means that log k is subtracted from its logarithm.",
            variants=(lambda log_w: torch.logsumexp(log_w, 0) / len(log_w),),
        ),
        Misconception(
            "log k added",
            lambda log_w: torch.logsumexp(log_w, 0) + math.log(len(log_w)),
            "You add log k, which multiplies the sum by k. The mean divides by k: subtract it.",
        ),
        Misconception(
            "exponentials underflow",
            lambda log_w: log_w.exp().mean(0).log(),
            "The formula is right on paper, but exp(-600) is 0 on a computer, and log 0 is minus infinity. Use "
            "`torch.logsumexp`, which takes the largest log weight out first.",
            variants=(
                lambda log_w: log_w.exp().sum(0).log() - math.log(len(log_w)),
                lambda log_w: (log_w.exp().sum(0) / len(log_w)).log(),
            ),
        ),
        Misconception(
            "one maximum for all examples, or double precision",
            _one_maximum,
            "One example of a batch still underflows to log 0: it lies 800 nats deep, too deep for one maximum of the "
            "whole batch, and for double precision too. Take out the largest log weight of each example, as "
            "`torch.logsumexp` does.",
            variants=(
                lambda log_w: log_w.double().exp().mean(0).log(),
                lambda log_w: log_w.double().exp().sum(0).log() - math.log(len(log_w)),
                lambda log_w: log_w.max() + (log_w.double() - log_w.max()).exp().mean(0).log(),
            ),
        ),
        Misconception(
            "another number in the maximum's place",
            _taken_out(_OTHER_CENTRES[0]),
            "What you take out is not the largest log weight of each example, so `exp` of a much larger one is infinite. Take "
            "`log_w.amax(0)` out; `torch.logsumexp` does that.",
            variants=(
                *(_taken_out(centre) for centre in _OTHER_CENTRES[1:]),
                *(_taken_out(centre, torch.float64) for centre in _OTHER_CENTRES),
            ),
        ),
        Misconception(
            "patch beside the maximum",
            _taken_out(lambda w: w.amax(0), eps=1e-6),
            "The maximum is out, but a small number is still added inside the logarithm. Where one of many draws counts alone "
            "it changes the result, and nothing needs it: the largest term is 1.",
            variants=tuple(_taken_out(lambda w: w.amax(0), eps=eps) for eps in (1e-5, 1e-4, 1e-3)),
        ),
        Misconception(
            "underflow hidden",
            lambda log_w: (log_w.exp().mean(0) + 1e-8).log(),
            "A small number inside the logarithm, or a limit there, takes the place of weights that round to 0. Use "
            "`torch.logsumexp`, which needs no patch.",
            variants=(
                *(
                    lambda log_w, eps=eps: (log_w.exp().mean(0) + eps).log()
                    for eps in (1e-6, 1e-10, 1e-12, 1e-20, 1e-30)
                ),
                *(
                    lambda log_w, eps=eps: log_w.exp().mean(0).clamp(min=eps).log()
                    for eps in (1e-6, 1e-8, 1e-10, 1e-12, 1e-20, 1e-30)
                ),
            ),
        ),
        Misconception(
            "maximum not added back",
            lambda log_w: (log_w - log_w.amax(0)).exp().mean(0).log(),
            "You take the largest log weight out, which divides each weight by the largest, and never put it back. Add "
            "`log_w.amax(0)` to the result.",
        ),
        Misconception(
            "maximum added twice",
            lambda log_w: log_w.amax(0) + torch.logsumexp(log_w, 0) - math.log(len(log_w)),
            "`torch.logsumexp` takes the maximum out and puts it back by itself, and you add it once more. Leave yours out.",
        ),
        Misconception(
            "bits",
            lambda log_w: (torch.logsumexp(log_w, 0) - math.log(len(log_w))) / math.log(2),
            "This is the bound in bits, by logarithms to base 2. Nats are asked for: use the natural logarithm.",
            variants=(lambda log_w: torch.logsumexp(log_w, 0) - math.log2(len(log_w)),),
        ),
        Misconception(
            "wrong axis",
            lambda log_w: torch.logsumexp(log_w, 1) - math.log(log_w.shape[1]),
            "You average over axis 1, the examples, and keep one number for each draw. The draws lie along axis 0.",
            variants=(lambda log_w: torch.logsumexp(log_w, 1) - math.log(log_w.shape[0]),),
        ),
        Misconception(
            "log of the batch",
            lambda log_w: torch.logsumexp(log_w, 0) - math.log(log_w.shape[1]),
            "You subtract the logarithm of the number of examples. The sum runs over the draws, so their number k, the "
            "length of axis 0, belongs there.",
        ),
        Misconception(
            "mean over everything",
            lambda log_w: torch.logsumexp(log_w, (0, 1)) - math.log(log_w.numel()),
            "You average the weights of all examples together. Each example has a log p(x) of its own: reduce axis 0 "
            "only.",
        ),
        Misconception(
            "averaged over the batch",
            lambda log_w: (torch.logsumexp(log_w, 0) - math.log(len(log_w))).mean(),
            "You average over the examples as well. Return one bound for each of them, `[B]`; the mean comes later.",
        ),
        Misconception(
            "weighted mean of the logs",
            lambda log_w: (torch.softmax(log_w, 0) * log_w).sum(0),
            "You average the logarithms with weights by softmax. That leans towards the best draws and can pass log "
            "p(x); the bound is the logarithm of a plain mean of the weights.",
        ),
        Misconception(
            "best draw only",
            lambda log_w: log_w.amax(0),
            "You keep the best draw. It is only one part of the sum: the others count too. Without the 1/k it may even lie "
            "above log p(x).",
            variants=(lambda log_w: log_w.amax(0) - math.log(len(log_w)),),
        ),
        Misconception(
            "the loss",
            lambda log_w: math.log(len(log_w)) - torch.logsumexp(log_w, 0),
            "This is minus the bound, the loss. The bound itself is asked for.",
        ),
        Misconception(
            "cut off from the gradient",
            lambda log_w: (torch.logsumexp(log_w, 0) - math.log(len(log_w))).detach(),
            "The numbers are right, but they are cut off from what made them, so nothing could be trained. Return the "
            "tensor itself, without `.detach()`, `.data` or `.item()`.",
        ),
    ),
    cases=_cases,
    tolerance=1e-4,  # float32 keeps five digits after the point of a log weight near -600
    gradients=("log_w",),
)
