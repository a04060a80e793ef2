"""11-standard-error: which of two models is better, and how sure one can be."""

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vae_course.exercises.inputs import generator, integer, normal
from vae_course.exercises.model import Alternative, Answer, AnswerError, Exercise, Inputs, Misconception
from vae_course.exercises.probes import pair

Pair = tuple[Any, Any]


def compare(log_px_a: Tensor, log_px_b: Tensor) -> Pair:
    """Mean of log p(x) under A minus under B over the same images, and its standard error; [N] and [N] to two numbers."""
    difference = log_px_a - log_px_b
    return difference.mean(), difference.std() / math.sqrt(len(difference))


def _probe(answer: Answer, case: Inputs) -> dict[str, Any]:
    result = pair(answer(*case.values()), "mean difference", "standard error")
    if not all(isinstance(part, Tensor | float | np.ndarray | np.floating) for part in result):
        kinds = " and ".join(type(part).__name__ for part in result)
        raise AnswerError(f"return two numbers, each a float or a tensor of shape [], not {kinds}.")
    mean, error = (torch.as_tensor(part) for part in result)
    return {"mean difference": mean, "standard error": error}


def _cases(seed: int) -> list[Inputs]:
    """Four images that can be done by hand, then models that find the same images hard; at last two that are nearly the same."""
    source = generator(seed)
    cases: list[Inputs] = [
        {
            "log_px_a": torch.tensor([-80.0, -100.0, -120.0, -90.0]),
            "log_px_b": torch.tensor([-82.0, -103.0, -120.0, -91.0]),
        }
    ]
    few = integer(source, 6, 12)
    for n, gap, spread in ((few, 1.5, 1.0), (few, -0.7, 12.0), (25, -0.4, 1.0), (1000, 1.1, 3.0), (1000, 0.02, 0.01)):
        b = -100 + 10 * normal(source, n)
        b = b if spread > 0.1 else b.double()
        noise = spread * normal(source, n)
        # Exactly this gap, so that a mean near zero is not asked of the difference of two large means.
        cases.append({"log_px_a": b + gap + noise - noise.mean(), "log_px_b": b})
    return cases


def _loop(log_px_a: Tensor, log_px_b: Tensor) -> Pair:
    n, total, squares = len(log_px_a), torch.tensor(0.0), torch.tensor(0.0)
    for a, b in zip(log_px_a, log_px_b, strict=True):
        total = total + (a - b)
    for a, b in zip(log_px_a, log_px_b, strict=True):
        squares = squares + (a - b - total / n) ** 2
    return total / n, torch.sqrt(squares / (n - 1) / n)


def _mean(log_px_a: Tensor, log_px_b: Tensor) -> Tensor:
    return (log_px_a - log_px_b).mean()


def _covariance(log_px_a: Tensor, log_px_b: Tensor) -> Pair:
    """Var(a - b) = Var(a) + Var(b) - 2 Cov(a, b)."""
    c = torch.cov(torch.stack([log_px_a, log_px_b]))
    return _mean(log_px_a, log_px_b), ((c[0, 0] + c[1, 1] - 2 * c[0, 1]) / len(log_px_a)).sqrt()


def _unpaired(log_px_a: Tensor, log_px_b: Tensor) -> Pair:
    return _mean(log_px_a, log_px_b), torch.sqrt((log_px_a.var() + log_px_b.var()) / len(log_px_a))


EXERCISE = Exercise(
    id="11-standard-error",
    title="Two models on the same images",
    points=3,
    difficulty=2,
    minutes=6,
    task=(
        "Return two numbers in nats: the mean over the N images of log p(x) under model A minus that under model B, and "
        "its standard error, from `log_px_a` `[N]` and `log_px_b` `[N]`, measured on the same images."
    ),
    hints=(
        "Each image is measured twice. What varies from image to image in the difference of the two, and what cancels?",
        "d_n = a_n - b_n; mean = 1/N sum_n d_n; standard error = s / sqrt(N), s the sample standard deviation of the d_n.",
        "Form the differences first, `[N]`; return their `.mean()`, and their `.std()` divided by the root of N.",
    ),
    explanation=(
        "Images that are hard for one model are hard for the other. In the difference that common part cancels, so its "
        "spread, and with it the standard error, is far smaller than that of either mean."
    ),
    returns="two numbers, each a float or a tensor of shape []",
    reference=compare,
    alternatives=(
        Alternative("loop", _loop),
        Alternative(
            "difference of the means",
            lambda a, b: (a.mean() - b.mean(), torch.sqrt((a - b).var() / a.numel())),
        ),
        Alternative(
            "one over N - 1",
            lambda a, b: (
                torch.mean(a - b),
                (((a - b) - (a - b).mean()).square().sum() / (len(a) - 1) / len(a)).sqrt(),
            ),
        ),
        Alternative("NumPy", lambda a, b: ((a - b).numpy().mean(), (a - b).numpy().std(ddof=1) / np.sqrt(len(a)))),
        Alternative("covariance", _covariance),
        Alternative("stacked", lambda a, b: torch.stack(compare(a, b))),
        Alternative("floats", lambda a, b: tuple(float(part) for part in compare(a, b))),
        Alternative("float64", lambda a, b: compare(a.double(), b.double())),
        Alternative("by hand", lambda a, b: ((a - b).sum() / len(a), (a - b).std(correction=1) * len(b) ** -0.5)),
    ),
    misconceptions=(
        Misconception(
            "not paired",
            _unpaired,
            "You add the variances of the two means, as if the models had seen different images. They saw the same ones: "
            "take the standard deviation of the differences.",
        ),
        Misconception(
            "errors subtracted",
            lambda a, b: (_mean(a, b), (a.std() - b.std()).abs() / len(a) ** 0.5),
            "You subtract the two standard errors. Spreads do not subtract: form the difference for each image first.",
            variants=(lambda a, b: (_mean(a, b), (a.std() - b.std()) / len(a) ** 0.5),),
        ),
        Misconception(
            "errors added",
            lambda a, b: (_mean(a, b), (a.std() + b.std()) / len(a) ** 0.5),
            "You add the two standard errors. That is too large even for different images, and these are the same ones: form "
            "the difference for each image first.",
        ),
        Misconception(
            "swapped",
            lambda a, b: compare(a, b)[::-1],
            "Both numbers are right, but their order is not: first the mean difference, then its standard error.",
        ),
        Misconception(
            "standard deviation",
            lambda a, b: (_mean(a, b), (a - b).std()),
            "This is the spread from image to image. The mean of N images is surer than one image: divide by the root of N.",
        ),
        Misconception(
            "divided by N",
            lambda a, b: (_mean(a, b), (a - b).std() / len(a)),
            "You divide by N. Variances shrink with N, standard errors with its root.",
        ),
        Misconception(
            "variance of the mean",
            lambda a, b: (_mean(a, b), (a - b).var() / len(a)),
            "This is the variance of the mean, in squared nats. The standard error is its root.",
        ),
        Misconception(
            "B minus A",
            lambda a, b: compare(b, a),
            "The error is right but the sign is not: model A minus model B, so that a positive number says that A is "
            "better.",
        ),
        Misconception(
            "absolute differences",
            lambda a, b: ((a - b).abs().mean(), (a - b).abs().std() / len(a) ** 0.5),
            "You average the sizes of the differences, so two equal models would look different. Keep the signs.",
            variants=(lambda a, b: ((a - b).abs().mean(), (a - b).std() / len(a) ** 0.5),),
        ),
        Misconception(
            "divided by N inside",
            lambda a, b: (_mean(a, b), (a - b).std(correction=0) / len(a) ** 0.5),
            "Your standard deviation divides by N. The mean was estimated from the same numbers, so divide by N - 1: "
            "`.std()` does so by itself.",
        ),
        Misconception(
            "covariance counted once",
            lambda a, b: (_mean(a, b), ((a.var() + b.var() - torch.cov(torch.stack([a, b]))[0, 1]) / len(a)).sqrt()),
            "You take the covariance off once. Var(a - b) = Var(a) + Var(b) - 2 Cov(a, b); shorter is `(a - b).var()`.",
        ),
        Misconception(
            "covariance added",
            lambda a, b: (
                _mean(a, b),
                ((a.var() + b.var() + 2 * torch.cov(torch.stack([a, b]))[0, 1]) / len(a)).sqrt(),
            ),
            "You add the covariance, which is right for a sum of the two. Var(a - b) = Var(a) + Var(b) - 2 Cov(a, b); shorter is "
            "`(a - b).var()`.",
            variants=(lambda a, b: (_mean(a, b), (a + b).std() / len(a) ** 0.5),),
        ),
        Misconception(
            "squares about zero",
            lambda a, b: (_mean(a, b), (a - b).square().mean().sqrt() / len(a) ** 0.5),
            "You take the squares of the differences themselves. A standard deviation is about the mean: take the mean "
            "difference off first, as `.std()` does.",
            variants=(lambda a, b: (_mean(a, b), ((a - b).square().sum() / (len(a) - 1)).sqrt() / len(a) ** 0.5),),
        ),
        Misconception(
            "mean distance",
            lambda a, b: (_mean(a, b), (a - b - (a - b).mean()).abs().mean() / len(a) ** 0.5),
            "You average the distances from the mean. A standard deviation is the root of the mean of their squares, `.std()`.",
            variants=(lambda a, b: (_mean(a, b), (a - b - (a - b).mean()).abs().mean()),),
        ),
        Misconception(
            "difference over its error",
            lambda a, b: (_mean(a, b), _mean(a, b) / ((a - b).std() / len(a) ** 0.5)),
            "Your second number says how many standard errors the difference is. Return the standard error itself.",
        ),
        Misconception(
            "divided by the root of N - 1",
            lambda a, b: (_mean(a, b), (a - b).std() / (len(a) - 1) ** 0.5),
            "`.std()` divides by N - 1 already, and you do so once more. The standard error of a mean of N numbers is their "
            "standard deviation divided by the root of N.",
        ),
        Misconception(
            "interval in place of the error",
            lambda a, b: (_mean(a, b), 1.96 * (a - b).std() / len(a) ** 0.5),
            "This is half of a 95% interval. One standard error is asked for: leave the factor out.",
            variants=(lambda a, b: (_mean(a, b), 2 * (a - b).std() / len(a) ** 0.5),),
        ),
        Misconception(
            "sum of the differences",
            lambda a, b: ((a - b).sum(), (a - b).std() / len(a) ** 0.5),
            "You add the differences up, so the result grows with the number of images. Asked for is nats for each image.",
            variants=(lambda a, b: ((a - b).sum(), (a - b).std() * len(a) ** 0.5),),
        ),
        Misconception(
            "error of A alone",
            lambda a, b: (_mean(a, b), a.std() / len(a) ** 0.5),
            "This is the standard error of one model's mean. It is large because images differ; in the difference that "
            "part cancels.",
            variants=(lambda a, b: (_mean(a, b), b.std() / len(a) ** 0.5),),
        ),
    ),
    cases=_cases,
    probe=_probe,
    tolerance=3e-5,  # a small variance of differences is what is left of two large ones and their covariance
)
