"""13-bayes: a conditional model turned round: log p(x), and the class by Bayes' rule."""

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vae_course.exercises.inputs import generator, integer, normal, uniform
from vae_course.exercises.model import Alternative, Answer, Exercise, Inputs, Misconception
from vae_course.exercises.probes import pair

Pair = tuple[Any, Any]


def class_posterior(log_px_y: Tensor, log_py: Tensor) -> tuple[Tensor, Tensor]:
    """log p(x) in nats, [B], and the probabilities p(y | x), [B, K], from log p(x | y) [B, K] and log p(y) [K]."""
    log_joint = log_px_y + log_py
    log_px = torch.logsumexp(log_joint, dim=1)
    return log_px, torch.exp(log_joint - log_px[:, None])


def _probe(answer: Answer, case: Inputs) -> dict[str, Any]:
    first, second = pair(answer(*case.values()), "log_px", "p_y_x")
    parts = {"log p(x)": first, "p(y | x)": second}
    return {name: torch.as_tensor(part) if isinstance(part, np.ndarray) else part for name, part in parts.items()}


def _cases(seed: int) -> list[Inputs]:
    """By hand, a single image, a single class, rare and impossible classes, then levels at which densities round to 0."""
    source = generator(seed)
    b, k = integer(source, 5, 7), integer(source, 3, 4)
    by_hand: Inputs = {
        "log_px_y": torch.tensor([[0.1, 0.4, 0.2]]).log(),
        "log_py": torch.tensor([0.6, 0.3, 0.1]).log(),
    }
    cases = [by_hand]
    for images, classes, level, skew in (
        (1, 10, -2.0, 1.0), (b, k, -3.0, 2.0), (b, k, -3.0, 0.0), (4, 1, -3.0, 0.0), (2, 5, 100.0, 1.0), (3, 10, -115.0, 3.0),
        (60, 10, -90.0, 1.0),
    ):  # fmt: skip
        log_py = (skew * normal(source, classes)).log_softmax(0)
        cases.append({"log_px_y": level + 2 * normal(source, images, classes), "log_py": log_py})
    # Class 1 never occurs, however well it would explain an image; then each image has a level of its own, and only
    # differences within it count.
    prior = torch.tensor([0.7, 0.0, 0.1, 0.2])
    rows = 2 * normal(source, 3, 4)
    rows[1, 1] += 200.0
    cases.append({"log_px_y": rows, "log_py": prior.log()})
    levels = -300.0 - 11_700 * torch.linspace(0, 1, 5).double()[torch.randperm(5, generator=source)]
    apart = levels[:, None] + 3 * normal(source, 5, 3).double()
    apart[:, 0] -= 900.0 * (uniform(source, 5) < 0.5)
    return [*cases, {"log_px_y": apart, "log_py": torch.tensor([1e-5, 0.3, 0.7 - 1e-5]).double().log()}]


def _loop(log_px_y: Tensor, log_py: Tensor) -> Pair:
    totals, shares = [], []
    for row in log_px_y:
        largest = (row + log_py).max()
        weights = torch.exp(row + log_py - largest)
        totals.append(largest + weights.sum().log())
        shares.append(weights / weights.sum())
    return torch.stack(totals), torch.stack(shares)


def _numpy(log_px_y: Tensor, log_py: Tensor) -> Pair:
    joint = log_px_y.numpy() + log_py.numpy()
    largest = joint.max(axis=1, keepdims=True)
    weights = np.exp(joint - largest)
    return largest[:, 0] + np.log(weights.sum(axis=1)), weights / weights.sum(axis=1, keepdims=True)


def _of(log_px: Any, log_joint: Tensor) -> Pair:
    """This log p(x), beside the right p(y | x)."""
    return log_px, log_joint.softmax(1)


def _divided(joint: Tensor, total: Tensor | None = None) -> Pair:
    """By densities themselves, as they stand."""
    total = joint.sum(1) if total is None else total
    return total.log(), joint / total[:, None]


def _posterior(log_px_y: Tensor, log_py: Tensor) -> tuple[Tensor, Tensor]:
    return torch.logsumexp(log_px_y + log_py, 1), torch.softmax(log_px_y + log_py, 1)


EXERCISE = Exercise(
    id="13-bayes",
    title="Which digit is it?",
    points=2,
    difficulty=2,
    minutes=6,
    task=(
        "Turn a conditional model round: from log p(x | y) in nats for every class, `log_px_y` `[B, K]`, and `log_py` `[K]`, "
        "log p(y), return two tensors: log p(x) `[B]` and the probabilities p(y | x) `[B, K]`. A class that never occurs has "
        "log p(y) = -inf."
    ),
    hints=(
        "p(x, y) = p(x | y) p(y). What is summed over y, and what is divided by that sum?",
        "log p(x) = log sum_y exp( log p(x | y) + log p(y) ), and p(y | x) = exp( log p(x | y) + log p(y) - log p(x) ).",
        "Add `log_py` to every row; `torch.logsumexp` over axis 1 is the first result, and `softmax` over the same axis of "
        "the same sum is the second.",
    ),
    explanation=(
        "The joint density is all that Bayes' rule needs: its sum over the classes is p(x), its shares are p(y | x). A "
        "softmax takes the largest logarithm out first, so the shares come out right even where every density rounds to "
        "zero. With a bound in place of log p(x | y) the first result is a bound on log p(x), the second an approximation."
    ),
    returns="two tensors: log p(x), [B], and p(y | x), [B, K]",
    reference=class_posterior,
    alternatives=(
        Alternative("loop with the largest taken out", _loop),
        Alternative(
            "softmax",
            lambda log_px_y, log_py: (
                (log_px_y + log_py).logsumexp(-1),
                torch.nn.functional.softmax(log_px_y + log_py, dim=-1),
            ),
        ),
        Alternative(
            "categorical",
            lambda log_px_y, log_py: (
                (log_px_y + log_py[None]).logsumexp(1),
                torch.distributions.Categorical(logits=log_px_y + log_py).probs,
            ),
        ),
        Alternative("NumPy", _numpy),
        Alternative("float64", lambda log_px_y, log_py: class_posterior(log_px_y.double(), log_py.double())),
        Alternative("list", lambda log_px_y, log_py: list(class_posterior(log_px_y, log_py))),
    ),
    misconceptions=(
        Misconception(
            "prior forgotten",
            lambda a, b: (torch.logsumexp(a, 1), a.softmax(1)),
            "log p(y) is missing from at least one of your two results. Bayes' rule weighs each class by how often it "
            "occurs: add `log_py` to every row, and go on with the sum.",
            variants=(
                lambda a, b: (torch.logsumexp(a + b, 1), a.softmax(1)),
                lambda a, b: (torch.logsumexp(a, 1), (a + b).softmax(1)),
                lambda a, b: (torch.logsumexp(a + b, 1), torch.exp(a - torch.logsumexp(a + b, 1, keepdim=True))),
                lambda a, b: (torch.logsumexp(a, 1), torch.exp(a + b - torch.logsumexp(a, 1, keepdim=True))),
            ),
        ),
        Misconception(
            "all classes equally likely",
            lambda a, b: (torch.logsumexp(a, 1) - math.log(a.shape[1]), a.softmax(1)),
            "At least one of your two results takes every class for equally likely, p(y) = 1 / K. How likely each one is stands "
            "in `log_py`: add it to every row.",
            variants=(lambda a, b: (torch.logsumexp(a, 1) - math.log(a.shape[1]), (a + b).softmax(1)),),
        ),
        Misconception(
            "weighted twice",
            lambda a, b: (torch.logsumexp(a + b, 1) - math.log(a.shape[1]), (a + b).softmax(1)),
            "You take log K off a sum that log p(y) has weighed already. The weights p(y) sum to 1, so nothing is left to divide "
            "by.",
        ),
        Misconception(
            "minus infinity replaced",
            lambda a, b: _posterior(a, torch.nan_to_num(b, neginf=0.0)),
            "You put another number in the place of -inf, and classes that never occur begin to count. exp(-inf) is 0: leave "
            "`log_py` as it is.",
            variants=(
                lambda a, b: _posterior(a, torch.where(b.isinf(), b[b.isfinite()].min(), b)),
                *(
                    lambda a, b, least=least: _posterior(a, torch.nan_to_num(b, neginf=least))
                    for least in (-1, -10, -100)
                ),
                lambda a, b: _posterior(a, torch.nan_to_num(b, neginf=0.0).log_softmax(0)),
            ),
        ),
        Misconception(
            "softmax over the images",
            lambda a, b: (torch.logsumexp(a + b, 1), (a + b).softmax(0)),
            "Your probabilities sum to 1 over the images. For each image those of the K classes must: axis 1.",
        ),
        Misconception(
            "sum over the images",
            lambda a, b: (torch.logsumexp(a + b, 0), (a + b).softmax(1)),
            "You sum over axis 0, the images, to get log p(x). It is one number for each image: sum over its K classes, "
            "axis 1.",
            variants=(lambda a, b: (torch.logsumexp(a + b, 0), (a + b).softmax(0)),),
        ),
        Misconception(
            "mean of the logarithms",
            lambda a, b: _of((b.exp() * a).sum(1), a + b),
            "Your log p(x) is a mean of logarithms. p(x) is the mean of the densities p(x | y) under p(y), and its "
            "logarithm is taken after that: `torch.logsumexp`.",
            variants=(
                lambda a, b: _of((a + b).mean(1), a + b),
                lambda a, b: _of(a.mean(1), a + b),
                lambda a, b: _of((b.exp() * (a + b)).sum(1), a + b),
                lambda a, b: _of(torch.xlogy(b.exp(), b.exp()).sum(1 - 1) + (b.exp() * a).sum(1), a + b),
            ),
        ),
        Misconception(
            "sum of the logarithms",
            lambda a, b: _of((a + b).sum(1), a + b),
            "Your log p(x) is a sum of logarithms, which is the logarithm of a product. p(x) is a sum over the classes: "
            "`torch.logsumexp`.",
            variants=(lambda a, b: _of(a.sum(1), a + b),),
        ),
        Misconception(
            "likeliest class only",
            lambda a, b: _of((a + b).amax(1), a + b),
            "Your log p(x) keeps the likeliest class alone. An image may come from any class, so all K are summed: "
            "logsumexp, not max.",
            variants=(lambda a, b: _of(a.amax(1), a + b),),
        ),
        Misconception(
            "bits",
            lambda a, b: _of(torch.logsumexp(a + b, 1) / math.log(2), a + b),
            "Your log p(x) has logarithms to base 2, in bits. The course counts in nats: leave out the division by log 2.",
            variants=(
                lambda a, b: _of((a.double() + b).exp().sum(1).log2(), a + b),
                lambda a, b: _of(torch.logsumexp((a + b).float(), 1) / math.log(2), a + b),
            ),
        ),
        Misconception(
            "densities that round to zero",
            lambda a, b: _divided((a + b).exp()),
            "Some of your densities round to 0 on a computer, whatever its precision, and 0 / 0 is no number. Keep to "
            "logarithms: `torch.logsumexp` and `softmax` take the largest of each row out first.",
            variants=(
                *(
                    lambda a, b, centre=centre: (
                        centre(a + b) + (a + b - centre(a + b)).exp().sum(1).log(),
                        _divided((a + b - centre(a + b)).exp())[1],
                    )
                    for centre in (torch.amax, torch.mean)
                ),
                lambda a, b: _divided((a.double() + b).exp()),
                lambda a, b: _divided(a.exp() * b.exp()),
                lambda a, b: (torch.logsumexp(a + b, 1), (a + b).exp() / (a + b).exp().sum(1, keepdim=True)),
                lambda a, b: ((a + b).exp().sum(1).log(), (a + b).softmax(1)),
                lambda a, b: (torch.logsumexp(a + b, 1), a.exp() * b.exp() / (a.exp() * b.exp()).sum(1, keepdim=True)),
                lambda a, b: (torch.logsumexp(a + b, 1), (a + b).exp() / torch.logsumexp(a + b, 1)[:, None].exp()),
            ),
        ),
        Misconception(
            "small number for safety",
            lambda a, b: _divided((a + b).exp(), (a + b).exp().sum(1) + 1e-8),
            "A small number inside the logarithm or below the fraction takes the place of densities that round to 0, and "
            "the result depends on it. `torch.logsumexp` and `softmax` need no patch.",
            variants=tuple(
                make
                for tiny in (1e-6, 1e-8, 1e-10, 1e-12, 1e-30)
                for make in (
                    lambda a, b, tiny=tiny: _divided((a + b).exp(), (a + b).exp().sum(1) + tiny),
                    lambda a, b, tiny=tiny: _divided((a + b).exp() + tiny),
                    lambda a, b, tiny=tiny: _divided((a + b).exp(), (a + b).exp().sum(1).clamp(min=tiny)),
                    lambda a, b, tiny=tiny: (((a + b).exp().sum(1) + tiny).log(), (a + b).softmax(1)),
                    lambda a, b, tiny=tiny: (
                        torch.logsumexp(a + b, 1),
                        (a + b).exp() / ((a + b).exp().sum(1, keepdim=True) + tiny),
                    ),
                )
            ),
        ),
        Misconception(
            "logarithms of the probabilities",
            lambda a, b: (torch.logsumexp(a + b, 1), (a + b).log_softmax(1)),
            "Your second result holds log p(y | x). Probabilities are asked for: take `exp`, or `softmax` in place of "
            "`log_softmax`.",
        ),
        Misconception(
            "joint, not divided",
            lambda a, b: (torch.logsumexp(a + b, 1), (a + b).exp()),
            "Your second result is the joint density p(x, y), which sums to p(x). Divided by p(x) it sums to 1 over the "
            "classes.",
            variants=(lambda a, b: (torch.logsumexp(a + b, 1), a + b),),
        ),
        Misconception(
            "prior after the softmax",
            lambda a, b: (torch.logsumexp(a + b, 1), a.softmax(1) * b.exp()),
            "You multiply by p(y) after the softmax, so the probabilities of an image no longer sum to 1. Add `log_py` first.",
        ),
        Misconception(
            "logarithms divided",
            lambda a, b: (torch.logsumexp(a + b, 1), (a + b) / torch.logsumexp(a + b, 1)[:, None]),
            "You divide one logarithm by the other. A quotient of densities has the difference of their logarithms, of which "
            "`exp` is taken.",
        ),
        Misconception(
            "p(y) in place of its logarithm",
            lambda a, b: (torch.logsumexp(a + b.exp(), 1), (a + b.exp()).softmax(1)),
            "You add the probability p(y) to a logarithm. Logarithms are added to logarithms: `log_py` as it is.",
        ),
        Misconception(
            "logarithms multiplied",
            lambda a, b: (torch.logsumexp(a * b, 1), (a * b).softmax(1)),
            "You multiply logarithms. A product of densities is a sum of their logarithms: add `log_py`.",
        ),
        Misconception(
            "logarithms weighted by p(y)",
            lambda a, b: (torch.logsumexp(a * b.exp(), 1), (a * b.exp()).softmax(1)),
            "You multiply a logarithm by a probability. p(y) multiplies the density p(x | y), so its logarithm is added to "
            "log p(x | y).",
        ),
        Misconception(
            "prior divided out",
            lambda a, b: (torch.logsumexp(a - b, 1), (a - b).softmax(1)),
            "You subtract log p(y), which divides by the prior. Bayes' rule multiplies by it: add.",
        ),
        Misconception(
            "shares of the logarithms",
            lambda a, b: (torch.logsumexp(a + b, 1), (a + b) / (a + b).sum(1, keepdim=True)),
            "You divide logarithms by their sum. Shares are those of the densities: `softmax` of the logarithms.",
        ),
        Misconception(
            "the best class only",
            lambda a, b: (
                torch.logsumexp(a + b, 1),
                torch.nn.functional.one_hot((a + b).argmax(1), a.shape[1]).to(a.dtype),
            ),
            "You give the likeliest class a probability of 1. Return how likely each class is, so that doubt can be seen.",
        ),
        Misconception(
            "p(x) without its logarithm",
            lambda a, b: _of(torch.logsumexp(a + b, 1).exp(), a + b),
            "Your first result is p(x) itself, which rounds to 0 for any real image. Its logarithm is asked for.",
            variants=(lambda a, b: _of((a + b).exp().sum(1), a + b),),
        ),
        Misconception(
            "changed places",
            lambda a, b: class_posterior(a, b)[::-1],
            "Both results are right, in the other order: first log p(x), then p(y | x).",
        ),
    ),
    cases=_cases,
    batch="log_px_y",
    probe=_probe,
    tolerance=5e-5,  # float32 keeps five digits after the point of a logarithm near -115
)
