"""06-optimal-sigma: the variance at which the Gaussian likelihood of the errors is highest."""

import torch
from torch import Tensor

from vae_course.exercises.inputs import generator, normal, uniform
from vae_course.exercises.model import Alternative, Exercise, Inputs, Misconception


def optimal_logvar(x: Tensor, mean: Tensor) -> Tensor:
    """log sigma^2, one number [], at which the Gaussian likelihood of x [B, X] around mean [B, X] is highest."""
    return torch.log(((x - mean) ** 2).mean())


def _cases(seed: int) -> list[Inputs]:
    """The errors do not average to zero, as those of a decoder need not."""
    source = generator(seed)
    cases: list[Inputs] = [
        {"x": torch.tensor([[1.0, 0.0]]), "mean": torch.tensor([[0.5, 0.3]])},
        {
            "x": torch.tensor([[1.0, 0.0, 0.2], [0.0, 2.5, 0.3]]),
            "mean": torch.tensor([[0.4, 0.1, 0.9], [0.5, 0.7, 0.3]]),
        },
    ]
    for b, x in ((1, 6), (5, 3), (3, 8)):
        cases.append({"x": uniform(source, b, x), "mean": 0.4 + 1.5 * normal(source, b, x)})
    return cases


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
        Alternative("twice log sigma", lambda x, mean: 2 * (x - mean).square().mean().sqrt().log()),
    ),
    misconceptions=(
        Misconception(
            "the variance itself",
            lambda x, mean: (x - mean).square().mean(),
            "This is sigma^2. Return its logarithm, as `logvar` in this course always is.",
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
            "You halve the mean squared error. The 1/2 of the exponent and the 1/2 of log sigma^2 cancel.",
            variants=(lambda x, mean: (2 * (x - mean).square().mean()).log(),),
        ),
        Misconception(
            "one for each image",
            lambda x, mean: (x - mean).square().mean(-1).log(),
            "This is a variance for each image. One for all is asked for: average over every entry.",
            variants=(lambda x, mean: (x - mean).square().mean(-1).log().mean(),),
        ),
        Misconception(
            "one for each pixel",
            lambda x, mean: (x - mean).square().mean(0).log(),
            "This is a variance for each pixel position. One for all is asked for: average over every entry.",
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
            "You square the mean absolute error. Square each error first, then average.",
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
    ),
    cases=_cases,
    batch="x",
    gradients=("x", "mean"),
)
