"""11-effective-sample-size: how many of k draws really count."""

import torch
from torch import Tensor

from vae_course.exercises.inputs import far_apart, generator, integer, normal
from vae_course.exercises.model import Alternative, Exercise, Inputs, Misconception


def effective_sample_size(log_w: Tensor) -> Tensor:
    """The number of draws that count, between 1 and k, from the log weights [k, B]: [B]."""
    shares = torch.softmax(log_w, dim=0)
    return 1 / (shares**2).sum(dim=0)


def _cases(seed: int) -> list[Inputs]:
    """Two draws that can be done by hand, equal weights, then images with tiny weights."""
    source = generator(seed)
    cases: list[Inputs] = [
        {"log_w": torch.tensor([[0.0], [1.0986123]])},
        {"log_w": torch.full((5, 2), -90.0) + 0.01 * normal(source, 5, 2)},
    ]
    draws, images = integer(source, 6, 8), integer(source, 3, 4)
    for k, b, level in ((draws, images, -1.0), (draws, images, -1.0), (1, 3, -5.0), (3, 5, -105.0), (7, 2, -620.0)):
        # One example lies far above the rest, so that nothing can be taken out for all of them together.
        cases.append({"log_w": level + 1.5 * normal(source, k, b) + torch.tensor([150.0] + [0.0] * (b - 1))})
    # One draw that carries all the weight, weights too large to be exponentiated, and as many draws as in the lesson, then more.
    cases += [{"log_w": far_apart(source, 5, 3, reach)} for reach in (300.0, 11000.0)]
    cases += [{"log_w": 400 + 2 * normal(source, 5, 3)}, {"log_w": 1.5 * normal(source, 256, 3) - 90}]
    return [*cases, {"log_w": 0.1 * normal(source, 2000, 3) - 90}]


def _loop(log_w: Tensor) -> Tensor:
    sizes = []
    for b in range(log_w.shape[1]):
        w = (log_w[:, b] - log_w[:, b].max()).exp()
        sizes.append(w.sum() ** 2 / (w * w).sum())
    return torch.stack(sizes)


def _from_variance(log_w: Tensor) -> Tensor:
    w = (log_w - log_w.amax(0)).exp()
    return len(w) / (1 + w.var(0, correction=0) / w.mean(0) ** 2)


def _from_sample_variance(log_w: Tensor) -> Tensor:
    w = (log_w - log_w.amax(0)).exp()
    return len(w) / (1 + w.var(0) / w.mean(0) ** 2)


def _entropy_size(log_w: Tensor) -> Tensor:
    return torch.special.entr(torch.softmax(log_w, 0)).sum(0).exp()


EXERCISE = Exercise(
    id="11-effective-sample-size",
    title="How many draws count",
    points=3,
    difficulty=3,
    minutes=6,
    task=(
        "Return the effective sample size of each example, `[B]`, from the log weights `log_w` `[k, B]` of k draws: a "
        "number between 1 (one draw carries all the weight) and k (all weigh the same)."
    ),
    hints=(
        "A common factor of all weights must not matter, so divide each weight by their sum first: the shares.",
        "ESS = ( sum_j w_j )^2 / sum_j w_j^2 = 1 / sum_j s_j^2, with the shares s_j = w_j / sum_i w_i.",
        "The shares are a softmax of `log_w` over axis 0; square them, add them up over that axis, and take one over it.",
    ),
    explanation=(
        "The shares add up to one. If each is 1/k, their squares add up to 1/k and the result is k; if one is 1 and the "
        "rest 0, it is 1. The softmax takes the largest log weight out, so tiny weights do no harm."
    ),
    returns="one number per example, [B]",
    reference=effective_sample_size,
    alternatives=(
        Alternative("loop", _loop),
        Alternative("from the variance of the weights", _from_variance),
        Alternative(
            "difference of two logsumexp",
            lambda log_w: (2 * torch.logsumexp(log_w, 0) - torch.logsumexp(2 * log_w, 0)).exp(),
        ),
        Alternative("einsum", lambda log_w: 1 / torch.einsum("kb,kb->b", *2 * [torch.softmax(log_w, 0)])),
        Alternative("float64", lambda log_w: 1 / torch.softmax(log_w.double(), 0).square().sum(0)),
    ),
    misconceptions=(
        Misconception(
            "not inverted",
            lambda log_w: torch.softmax(log_w, 0).square().sum(0),
            "This is the sum of the squared shares, which is largest when one draw has all the weight. The effective "
            "sample size is one over it.",
        ),
        Misconception(
            "shares not squared",
            lambda log_w: 1 / torch.softmax(log_w, 0).sum(0),
            "The shares add up to one, so this is 1 whatever the weights are. Square the shares before you add them up.",
            variants=(lambda log_w: torch.softmax(log_w, 0).sum(0) ** 2,),
        ),
        Misconception(
            "logarithms in place of weights",
            lambda log_w: log_w.sum(0) ** 2 / (log_w**2).sum(0),
            "You put the logarithms into the formula. It is about the weights themselves: `torch.softmax(log_w, dim=0)` "
            "gives their shares.",
        ),
        Misconception(
            "exponentials underflow",
            lambda log_w: log_w.exp().sum(0) ** 2 / log_w.exp().square().sum(0),
            "exp(-600) is 0 on a computer, so you divide zero by zero. The ratio does not change with a common factor: "
            "take the largest log weight out first, as `torch.softmax` does.",
            variants=(lambda log_w: 1 / (log_w.exp() / log_w.exp().sum(0)).square().sum(0),),
        ),
        Misconception(
            "one maximum for the whole batch",
            lambda log_w: (log_w - log_w.max()).exp().sum(0) ** 2 / (log_w - log_w.max()).exp().square().sum(0),
            "You take the largest log weight of the whole batch out. Where all weights of an example are far below it they round "
            "to 0, and you divide zero by zero: take out the largest of each example, along axis 0.",
        ),
        Misconception(
            "double precision",
            lambda log_w: log_w.double().exp().sum(0) ** 2 / log_w.double().exp().square().sum(0),
            "Double precision only moves the limit: exp(-620) fits, its square does not, so you divide zero by zero. "
            "Take the largest log weight out first, as `torch.softmax` does.",
        ),
        Misconception(
            "wrong axis",
            lambda log_w: 1 / torch.softmax(log_w, 1).square().sum(1),
            "You compare the examples with each other and get one number for each draw. The k draws lie along axis 0.",
        ),
        Misconception(
            "softmax over the examples",
            lambda log_w: 1 / torch.softmax(log_w, 1).square().sum(0),
            "Your shares add up to one over the examples, axis 1. The draws of one example share its weight: softmax "
            "over axis 0.",
        ),
        Misconception(
            "sum of all examples",
            lambda log_w: 1 / torch.softmax(log_w, 0).square().sum(),
            "You add the squares of all examples into one number. Sum over axis 0 only and return `[B]`.",
        ),
        Misconception(
            "mean over the examples",
            lambda log_w: (1 / torch.softmax(log_w, 0).square().sum(0)).mean(),
            "You average over the examples as well. Return one size for each of them, `[B]`.",
        ),
        Misconception(
            "variance with k - 1",
            _from_sample_variance,
            "k / (1 + v) is the right idea, but your variance divides by k - 1. The sums over the k draws want a plain "
            "mean: `.var(0, correction=0)`.",
        ),
        Misconception(
            "a share of k",
            lambda log_w: 1 / torch.softmax(log_w, 0).square().mean(0) / len(log_w) ** 2,
            "This is the effective size as a share of k. Asked for is a number of draws, between 1 and k.",
            variants=(lambda log_w: 1 / torch.softmax(log_w, 0).square().sum(0) / len(log_w),),
        ),
        Misconception(
            "mean of the squares",
            lambda log_w: 1 / torch.softmax(log_w, 0).square().mean(0),
            "You average the squared shares, so the result is k times too large, above k itself. Sum them.",
        ),
        Misconception(
            "one over the largest share",
            lambda log_w: 1 / torch.softmax(log_w, 0).amax(0),
            "One over the largest share also runs from 1 to k, but it ignores all the other draws. Use the squares of all.",
        ),
        Misconception(
            "exponential of the entropy",
            _entropy_size,
            "This is the exponential of the entropy of the shares, another count of draws. The one that belongs to the "
            "variance of the weights is one over the sum of the squared shares.",
        ),
        Misconception(
            "logarithm of the result",
            lambda log_w: 2 * torch.logsumexp(log_w, 0) - torch.logsumexp(2 * log_w, 0),
            "This is the logarithm of the effective sample size. Exponentiate it: a number of draws is asked for.",
        ),
    ),
    cases=_cases,
    tolerance=1e-4,  # float32 keeps five digits after the point of a log weight near -600
)
