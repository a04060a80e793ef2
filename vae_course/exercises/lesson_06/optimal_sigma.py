"""06-optimal-sigma: the variance at which the Gaussian likelihood of the errors is highest."""

import math

import numpy as np
import torch
from torch import Tensor

from vae_course.exercises.inputs import generator, integer, normal, small_numbers, uniform
from vae_course.exercises.model import Alternative, Answer, Exercise, Inputs, Misconception
from vae_course.exercises.probes import one_number


def optimal_logvar(x: Tensor, mean: Tensor) -> Tensor:
    """log sigma^2, one number [], at which the Gaussian likelihood of x [B, X] around mean [B, X] is highest."""
    return torch.log(((x - mean) ** 2).mean())


def _cases(seed: int) -> list[Inputs]:
    """The errors do not average to zero, as those of a decoder need not; some are tiny, some huge."""
    source = generator(seed)
    b, x = integer(source, 4, 8), integer(source, 9, 13)
    cases: list[Inputs] = [
        {"x": torch.tensor([[1.0, 0.0]]), "mean": torch.tensor([[0.5, 0.3]])},
        {
            "x": torch.tensor([[1.0, 0.0, 0.2], [0.0, 2.5, 0.3]]),
            "mean": torch.tensor([[0.4, 0.1, 0.9], [0.5, 0.7, 0.3]]),
        },
    ]
    for shape in ((1, 6), (b, x), (b, x), (5, 3), (2, 784)):
        cases.append({"x": uniform(source, *shape), "mean": 0.4 + 1.5 * normal(source, *shape)})
    image = uniform(source, 2, 5)
    cases.append({"x": image, "mean": image + 1e-5 * (0.4 + normal(source, 2, 5))})
    cases.append({"x": image, "mean": 200 * (0.4 + normal(source, 2, 5))})
    return cases


def _guarded(small: float) -> Answer:
    return lambda x, mean: ((x - mean).square().mean() + small).log()


def _floored(small: float) -> Answer:
    return lambda x, mean: (x - mean).square().mean().clamp(min=small).log()


def _loop(x: Tensor, mean: Tensor) -> Tensor:
    total, count = torch.tensor(0.0), 0
    for image, centre in zip(x, mean, strict=True):
        for pixel, m in zip(image, centre, strict=True):
            total = total + (pixel - m) ** 2
            count += 1
    return torch.log(total / count)


EXERCISE = Exercise(
    id="06-optimal-sigma",
    title="The best sigma",
    points=2,
    difficulty=2,
    minutes=4,
    task=(
        "Return log sigma^2, one number, for the one sigma^2, shared by all pixels and images, that makes the Gaussian "
        "likelihood of `x` `[B, X]` around `mean` `[B, X]` highest."
    ),
    hints=(
        "The prose has the answer in words: the best variance is a mean of something. Over how many terms?",
        "sigma^2 = 1 / (B X) sum_b sum_i (x_bi - x'_bi)^2, and the logarithm of that is asked for.",
        "Square `x - mean`, take the mean over every entry without any `dim`, and `torch.log` at the end.",
    ),
    explanation=(
        "The derivative of B X / 2 log sigma^2 + S / (2 sigma^2) is zero at sigma^2 = S / (B X), the mean squared error. "
        "It is a mean although the loss is a sum: the variance describes one typical pixel."
    ),
    returns="one number, a tensor of shape []",
    reference=optimal_logvar,
    alternatives=(
        Alternative("loop", _loop),
        Alternative(
            "einsum",
            lambda x, mean: torch.log(torch.einsum("bi,bi->", x - mean, x - mean) / x.numel()),
        ),
        Alternative("float64", lambda x, mean: optimal_logvar(x.double(), mean.double())),
        Alternative("mse_loss", lambda x, mean: torch.nn.functional.mse_loss(mean, x).log()),
        Alternative("a plain number", lambda x, mean: optimal_logvar(x, mean).item()),
        Alternative("NumPy", lambda x, mean: np.log(np.mean((x.numpy() - mean.numpy()) ** 2))),
        Alternative("twice log sigma", lambda x, mean: 2 * (x - mean).square().mean().sqrt().log()),
    ),
    misconceptions=(
        Misconception(
            "the variance itself",
            lambda x, mean: (x - mean).square().mean(),
            "This is sigma^2. Return its logarithm, as `logvar` in this course always is.",
        ),
        Misconception(
            "sigma itself",
            lambda x, mean: (x - mean).square().mean().sqrt(),
            "This is sigma. Return log sigma^2, the logarithm of its square, as `logvar` in this course always is.",
        ),
        Misconception(
            "log of sigma",
            lambda x, mean: 0.5 * optimal_logvar(x, mean),
            "This is log sigma, half of what is asked: logvar is log sigma^2 in this course.",
        ),
        Misconception(
            "summed",
            lambda x, mean: (x - mean).square().sum().log(),
            "You take the sum of the squared errors, which grows with the size of the image. The best variance is "
            "their mean.",
        ),
        Misconception(
            "sum over pixels, mean over images",
            lambda x, mean: (x - mean).square().sum(-1).mean().log(),
            "You add the pixels up and average over the images. One sigma^2 describes one pixel: average over both.",
        ),
        Misconception(
            "half",
            lambda x, mean: (0.5 * (x - mean).square().mean()).log(),
            "You put a factor beside the mean squared error. The 1/2 of the exponent and the 1/2 of log sigma^2 cancel, so "
            "none is left.",
            variants=(lambda x, mean: (2 * (x - mean).square().mean()).log(),),
        ),
        Misconception(
            "one for each image",
            lambda x, mean: (x - mean).square().mean(-1).log(),
            "You take a variance for each image. One for all is asked for: average over every entry, then take one "
            "logarithm.",
            variants=(lambda x, mean: (x - mean).square().mean(-1).log().mean(),),
        ),
        Misconception(
            "one for each pixel",
            lambda x, mean: (x - mean).square().mean(0).log(),
            "You take a variance for each pixel position. One for all is asked for: average over every entry, then take "
            "one logarithm.",
            variants=(lambda x, mean: (x - mean).square().mean(0).log().mean(),),
        ),
        Misconception(
            "mean of the logarithms",
            lambda x, mean: (x - mean).square().clamp_min(1e-12).log().mean(),
            "You average the logarithms of the squared errors. Average first, then take one logarithm: tiny errors "
            "would count far too much.",
            variants=(lambda x, mean: (x - mean).square().log().mean(),),
        ),
        Misconception(
            "absolute errors",
            lambda x, mean: (x - mean).abs().mean().square().log(),
            "You start from the mean absolute error. Square each error first, then average.",
            variants=(lambda x, mean: (x - mean).abs().mean().log(),),
        ),
        Misconception(
            "spread of the errors",
            lambda x, mean: (x - mean).var(correction=0).log(),
            "You subtract the mean of the errors before you square. A decoder that is off by the same amount "
            "everywhere has errors too: square them as they are.",
            variants=(lambda x, mean: (x - mean).var().log(), lambda x, mean: 2 * (x - mean).std().log()),
        ),
        Misconception(
            "spread of the pixels",
            lambda x, mean: x.var(correction=0).log(),
            "This is the variance of the pixels, whatever the decoder says. The errors are counted from `mean`.",
            variants=(lambda x, mean: x.var().log(),),
        ),
        Misconception(
            "small number inside the logarithm",
            _guarded(1e-8),
            "A small number that you add to the mean squared error, or below which it can't fall, hides that of a good "
            "decoder. Take the logarithm of the mean as it is.",
            variants=(
                *map(_guarded, small_numbers(1e-12)),
                *map(_floored, small_numbers(1e-9)),
            ),
        ),
        Misconception(
            "sign",
            lambda x, mean: -optimal_logvar(x, mean),
            "This is the logarithm of 1 / sigma^2. Small errors mean a small variance, whose logarithm is negative: leave "
            "out the minus.",
        ),
        Misconception(
            "another logarithm",
            lambda x, mean: optimal_logvar(x, mean) / math.log(2),
            "You take the logarithm to another base. logvar is the natural logarithm of sigma^2: `torch.log`.",
            variants=(lambda x, mean: optimal_logvar(x, mean) / math.log(10),),
        ),
        Misconception(
            "divided by the pixels of one image",
            lambda x, mean: ((x - mean).square().sum() / x.shape[1]).log(),
            "You divide the sum of the squared errors by the number of pixels of one image. Divide by all that you have "
            "added up, B X of them.",
        ),
        Misconception(
            "one entry less",
            lambda x, mean: ((x - mean).square().sum() / (x.numel() - 1)).log(),
            "You divide by B X - 1. That belongs to a spread around an estimated mean; here the errors are counted from "
            "`mean` as it is given, so divide by all B X.",
        ),
    ),
    cases=_cases,
    batch="x",
    probe=one_number,
)
