"""19-errors: the difference of two methods, with its error over test images and its error over trainings."""

import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vae_course.exercises.inputs import generator, integer, normal
from vae_course.exercises.model import Alternative, Answer, AnswerError, Exercise, Inputs, Misconception

# What PyTorch and NumPy say of arrays whose lengths differ.
SIZES = re.compile(r"size of tensor|broadcast|same (size|shape)", re.IGNORECASE)
NAMES = ("difference", "over_images", "over_seeds")
Triple = tuple[Any, Any, Any]


def compare(a: Tensor, b: Tensor) -> Triple:
    """Mean difference a - b and its two standard errors, from log p [S, N] of each method: S trainings, N images."""
    per_image = a.mean(dim=0) - b.mean(dim=0)
    over_images = per_image.std() / math.sqrt(len(per_image))
    runs_a, runs_b = a.mean(dim=1), b.mean(dim=1)
    over_seeds = (runs_a.var() / len(runs_a) + runs_b.var() / len(runs_b)).sqrt()
    return per_image.mean(), over_images, over_seeds


def _probe(answer: Answer, case: Inputs) -> dict[str, Any]:
    both: Any = case
    runs = [len(both[name]) for name in ("a", "b")]
    try:
        result = answer(*case.values())
    except (RuntimeError, ValueError) as error:
        if runs[0] == runs[1] or not SIZES.search(str(error)):
            raise
        raise AnswerError(
            f"here a has {runs[0]} trainings and b {runs[1]}, which form no pairs: subtract means over the trainings, or add the "
            "variances of the two."
        ) from None
    if not isinstance(result, tuple | list | Tensor | np.ndarray) or len(result) != 3:
        raise AnswerError(
            "your function must return three numbers, `difference, over_images, over_seeds`, in this order."
        )
    return {name: _number(part) for name, part in zip(NAMES, result, strict=True)}


def _number(part: Any) -> Tensor:
    """One result as a tensor; what was rounded to float32, as `torch.tensor` of a plain number is, is compared as such."""
    single = isinstance(part, Tensor | np.generic) and str(part.dtype).endswith("float32")
    return torch.tensor(float(part), dtype=torch.float32 if single else torch.float64)


def _cases(seed: int) -> list[Inputs]:
    """Three trainings or more of each method on the same images, as many of both or not; images that differ a lot, or hardly."""
    source = generator(seed)
    s, n = integer(source, 3, 4), integer(source, 7, 9)
    sizes = ((2, 2, 3), (3, 3, 5), (s, s, n), (s, s, n), (s, s + 2, n), (6, 3, 40), (5, 2, 200))
    cases = [_case(source, *size, 8.0, 0.3) for size in sizes]
    for images, seeds, own in ((0.1, 20.0, 0.5), (20.0, 0.001, 0.5), (1.0, 0.1, 20.0)):
        cases.append(_case(source, 5, 4, 30, images, seeds, own))
    return cases


def _case(source: torch.Generator, s_a: int, s_b: int, n: int, images: float, seeds: float, own: float = 0.5) -> Inputs:
    """log p of images that are likely or not, more so under either method, and trainings that went well or badly."""
    level = -200 + images * normal(source, n)
    case = {}
    for name, count, ahead in (("a", s_a, 0.4), ("b", s_b, 0.0)):
        runs = ahead + seeds * normal(source, count, 1)
        case[name] = (level + own * normal(source, n) + runs + 0.3 * normal(source, count, n)).double()
    return {**case}


def _loop(a: Tensor, b: Tensor) -> Triple:
    def average(values: list[float]) -> float:
        return sum(values) / len(values)

    def variance(values: list[float]) -> float:
        centre = average(values)
        return sum((value - centre) ** 2 for value in values) / (len(values) - 1)

    columns = [average(a[:, i].tolist()) - average(b[:, i].tolist()) for i in range(a.shape[1])]
    runs = [[average(row.tolist()) for row in part] for part in (a, b)]
    over_seeds = math.sqrt(sum(variance(part) / len(part) for part in runs))
    return average(columns), math.sqrt(variance(columns) / len(columns)), over_seeds


def _stack(a: Tensor, b: Tensor) -> Tensor:
    per_image = a.double().mean(0) - b.double().mean(0)
    squares = sum(part.mean(1).std() ** 2 / part.shape[0] for part in (a, b))
    return torch.stack([per_image.mean(), per_image.std() / math.sqrt(len(per_image)), torch.as_tensor(squares).sqrt()])


def _numpy(a: Tensor, b: Tensor) -> Triple:
    x, y = a.numpy(), b.numpy()
    per_image = x.mean(0) - y.mean(0)
    runs = [part.mean(1) for part in (x, y)]
    over = math.hypot(*(part.std(ddof=1) / math.sqrt(len(part)) for part in runs))
    return x.mean() - y.mean(), per_image.std(ddof=1) / math.sqrt(len(per_image)), over


def _images(a: Tensor, b: Tensor) -> Tensor:
    per_image = a.mean(0) - b.mean(0)
    return per_image.std() / math.sqrt(len(per_image))


def _seeds(a: Tensor, b: Tensor) -> Tensor:
    return (a.mean(1).var() / len(a) + b.mean(1).var() / len(b)).sqrt()


def _pooled(a: Tensor, b: Tensor) -> Tensor:
    """The error over trainings with one variance for both methods."""
    n, m = len(a), len(b)
    variance = ((n - 1) * a.mean(1).var() + (m - 1) * b.mean(1).var()) / (n + m - 2)
    return (variance / n + variance / m).sqrt()


Part = Callable[[Tensor, Tensor], Any]


def _with(
    *, mean: Part = lambda a, b: a.mean() - b.mean(), images: Part = _images, seeds: Part = _seeds
) -> Callable[[Tensor, Tensor], Triple]:
    """The three numbers with one of them changed."""
    return lambda a, b: (mean(a, b), images(a, b), seeds(a, b))


def _shared(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """The first trainings of both, as many as the method with fewer has."""
    least = min(len(a), len(b))
    return a[:least], b[:least]


def _paired_seeds(a: Tensor, b: Tensor) -> Tensor:
    first, second = _shared(a.mean(1), b.mean(1))
    return (first - second).std() / math.sqrt(len(first))


EXERCISE = Exercise(
    id="19-errors",
    title="Which error belongs to the claim",
    points=4,
    difficulty=3,
    minutes=8,
    task=(
        "`a` `[S, N]` and `b` `[S', N]` hold log p(x) in nats of N test images under models of two methods, trained S and S' "
        "times with seeds that have nothing to do with each other; the images are the same. Return `difference, over_images, "
        "over_seeds`: the mean of a less that of b; its standard error over images, with the trainings as they are, each "
        "training counting the same; and its standard error over trainings, with the images as they are. Variances divide by "
        "one less than their count."
    ),
    hints=(
        "Over images: what is one observation? There are N of them, and each image is seen by both methods. Over trainings there "
        "are S and S' observations, which come in no pairs.",
        "Images: d_i = mean_s a_si - mean_s b_si, with the standard error std(d) / sqrt(N). Trainings: A_s = mean_i a_si and B_s "
        "likewise, with sqrt( var(A) / S + var(B) / S' ).",
        "Average over axis 0 first for what is said of images, over axis 1 for what is said of trainings. `.std()` and `.var()` "
        "divide by n - 1. The variances of two independent means add up.",
    ),
    explanation=(
        "An error over images says how much the difference of these very models would change with other test images; pairing "
        "takes out what makes an image hard for both. An error over trainings says how much it would change if somebody trained "
        "again. A claim about methods is one about trainings to come, so it needs the second, and both where new images count "
        "too."
    ),
    returns="three numbers",
    reference=compare,
    alternatives=(
        Alternative("loop in plain Python", _loop),
        Alternative("float64, stacked", _stack),
        Alternative("NumPy", _numpy),
    ),
    misconceptions=(
        Misconception(
            "difference turned round",
            _with(mean=lambda a, b: b.mean() - a.mean()),
            "Your difference is b less a. More log p(x) is better, so with a - b a positive number speaks for a.",
        ),
        Misconception(
            "medians",
            _with(mean=lambda a, b: (a.mean(0) - b.mean(0)).median()),
            "Your difference is one of medians somewhere. Both errors are those of means: average over "
            "trainings and over images.",
            variants=(
                _with(mean=lambda a, b: a.mean(0).median() - b.mean(0).median()),
                _with(mean=lambda a, b: a.median() - b.median()),
                _with(mean=lambda a, b: a.mean(1).median() - b.mean(1).median()),
                _with(mean=lambda a, b: torch.quantile(a, 0.5) - torch.quantile(b, 0.5)),
            ),
        ),
        Misconception(
            "images not paired",
            _with(images=lambda a, b: (a.mean(0).var() / a.shape[1] + b.mean(0).var() / b.shape[1]).sqrt()),
            "Your error over images treats them as two unrelated sets. Both methods see the same ones: take the difference "
            "image by image first, and what makes an image hard for both cancels.",
        ),
        Misconception(
            "every number an observation",
            _with(
                images=lambda a, b: (a.var() / a.numel() + b.var() / b.numel()).sqrt(),
            ),
            "You count each of the S N numbers as an observation of its own. The trainings see the same images, so there are N "
            "images, whatever S is.",
            variants=(
                _with(images=lambda a, b: _images(a, b) / math.sqrt(len(a))),
                _with(images=lambda a, b: _images(a, b) / math.sqrt(min(len(a), len(b)))),
            ),
        ),
        Misconception(
            "seeds paired",
            _with(seeds=_paired_seeds),
            "You pair the first training of a with the first of b. Their seeds have nothing to do with each other, so the "
            "variances of the two means add up instead.",
        ),
        Misconception(
            "spread in place of the error, over seeds",
            _with(seeds=lambda a, b: (a.mean(1).var() + b.mean(1).var()).sqrt()),
            "This is how far single trainings spread. The mean of S trainings is surer: each variance is divided by its number "
            "of trainings.",
        ),
        Misconception(
            "spread in place of the error, over images",
            _with(images=lambda a, b: (a.mean(0) - b.mean(0)).std()),
            "This is how far single images spread. The error of a mean over N images is smaller by the root of N.",
        ),
        Misconception(
            "divided by n",
            _with(
                images=lambda a, b: (a.mean(0) - b.mean(0)).std(correction=0) / math.sqrt(a.shape[1]),
                seeds=lambda a, b: (a.mean(1).var(correction=0) / len(a) + b.mean(1).var(correction=0) / len(b)).sqrt(),
            ),
            "A variance of yours divides by n. Where n is small, that makes the error much too small: divide by n - 1, as "
            "`.var()` does.",
            variants=(
                _with(
                    seeds=lambda a, b: (
                        a.mean(1).var(correction=0) / len(a) + b.mean(1).var(correction=0) / len(b)
                    ).sqrt()
                ),
                _with(images=lambda a, b: (a.mean(0) - b.mean(0)).std(correction=0) / math.sqrt(a.shape[1])),
            ),
        ),
        Misconception(
            "one training only",
            _with(images=lambda a, b: _images(a[:1], b[:1])),
            "At least one of your numbers is made of one training of each method alone, and the others are dropped. All "
            "trainings count the same: average over axis 0 first.",
            variants=(
                _with(mean=lambda a, b: (a[0] - b[0]).mean()),
                _with(mean=lambda a, b: (a[0] - b[0]).mean(), images=lambda a, b: _images(a[:1], b[:1])),
                _with(mean=lambda a, b: (a[-1] - b[-1]).mean(), images=lambda a, b: _images(a[-1:], b[-1:])),
            ),
        ),
        Misconception(
            "every number a training",
            _with(seeds=lambda a, b: (a.var() / a.numel() + b.var() / b.numel()).sqrt()),
            "Your error over trainings is made of the spread of all S N numbers, and so of that of the images. A training is one "
            "observation, its mean over the images: average over axis 1 first.",
            variants=(_with(seeds=lambda a, b: (a.var() / len(a) + b.var() / len(b)).sqrt()),),
        ),
        Misconception(
            "one count for both methods",
            _with(seeds=lambda a, b: ((a.mean(1).var() + b.mean(1).var()) / len(a)).sqrt()),
            "You divide both variances by the number of trainings of one method, or by a mean of the two. a has S trainings and "
            "b has S': each variance is divided by its own.",
            variants=(
                _with(seeds=lambda a, b: ((a.mean(1).var() + b.mean(1).var()) / len(b)).sqrt()),
                _with(seeds=lambda a, b: ((a.mean(1).var() + b.mean(1).var()) / min(len(a), len(b))).sqrt()),
                _with(seeds=lambda a, b: (2 * (a.mean(1).var() + b.mean(1).var()) / (len(a) + len(b))).sqrt()),
            ),
        ),
        Misconception(
            "trainings of both in one",
            _with(seeds=lambda a, b: torch.cat([a, b]).mean(1).std() / math.sqrt(len(a) + len(b))),
            "You put the trainings of both methods together, so the difference that is to be judged counts as spread. Each "
            "method has a variance of its own: divide by S and S', and add.",
            variants=(_with(seeds=lambda a, b: torch.cat([a, b]).mean(1).std()),),
        ),
        Misconception(
            "one variance for both methods",
            _with(seeds=_pooled),
            "You pool the variances of the two methods, as if their trainings spread alike. Nothing says so: divide the variance "
            "of each by its own number of trainings, and add.",
        ),
        Misconception(
            "errors exchanged",
            lambda a, b: (a.mean() - b.mean(), _seeds(a, b), _images(a, b)),
            "The two errors have changed places. Over images comes first: average over the trainings, axis 0, and N numbers are "
            "left.",
        ),
        Misconception(
            "error of one method alone",
            _with(seeds=lambda a, b: a.mean(1).std() / math.sqrt(len(a))),
            "Your error over trainings is that of one method alone. A difference is as unsure as both together: add the "
            "other's variance.",
            variants=(_with(seeds=lambda a, b: b.mean(1).std() / math.sqrt(len(b))),),
        ),
        Misconception(
            "errors added",
            _with(seeds=lambda a, b: a.mean(1).std() / math.sqrt(len(a)) + b.mean(1).std() / math.sqrt(len(b))),
            "You add the two standard errors. Of independent means the variances add up, so take the root of the sum of squares.",
        ),
        Misconception(
            "errors subtracted",
            _with(seeds=lambda a, b: (a.mean(1).std() / math.sqrt(len(a)) - b.mean(1).std() / math.sqrt(len(b))).abs()),
            "You subtract one method's error, or its variance, from the other's. A difference is less sure than either mean: the "
            "variances add up.",
            variants=(
                _with(seeds=lambda a, b: (a.mean(1).var() / len(a) - b.mean(1).var() / len(b)).abs().sqrt()),
                _with(seeds=lambda a, b: a.mean(1).std() / math.sqrt(len(a)) - b.mean(1).std() / math.sqrt(len(b))),
            ),
        ),
        Misconception(
            "divided by the number of images",
            _with(seeds=lambda a, b: ((a.mean(1).var() + b.mean(1).var()) / a.shape[1]).sqrt()),
            "Your error over trainings divides by the number of images. Each variance is that of S trainings, or S': divide by "
            "that number.",
        ),
        Misconception(
            "variances in place of errors",
            _with(images=lambda a, b: _images(a, b) ** 2, seeds=lambda a, b: _seeds(a, b) ** 2),
            "These are variances, squares of what was asked for. A standard error has the unit of its number, nats: take the "
            "root.",
            variants=(_with(seeds=lambda a, b: _seeds(a, b) ** 2), _with(images=lambda a, b: _images(a, b) ** 2)),
        ),
        Misconception(
            "all numbers of the trainings pooled",
            _with(seeds=lambda a, b: (a.var(0).mean() / len(a) + b.var(0).mean() / len(b)).sqrt()),
            "You take the spread of a single image from training to training. Asked for is that of the mean over all images: "
            "average over axis 1 first.",
        ),
    ),
    cases=_cases,
    probe=_probe,
    tolerance=1e-9,
)
