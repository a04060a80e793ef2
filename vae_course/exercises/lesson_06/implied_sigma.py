"""06-implied-sigma: the Gaussian that a published loss leaves out, with its sigma said aloud."""

import math

import torch
from torch import Tensor
from torch.distributions import Independent, Normal
from torch.nn import functional as F

from vae_course.distributions import LOG_2PI, gaussian_log_prob
from vae_course.exercises.inputs import generator, integer, normal, uniform
from vae_course.exercises.model import Alternative, Exercise, Inputs, Misconception


def _table(x: Tensor, mean: Tensor, sigma: Tensor) -> Tensor:
    """-log p of every single pixel, `[B, X]`."""
    return (x - mean).square() / (2 * sigma**2) + torch.log(sigma) + 0.5 * LOG_2PI


def gaussian_nll(x: Tensor, mean: Tensor, sigma: Tensor) -> Tensor:
    """-log N(x; mean, sigma^2) in nats for each image: [B, X], [B, X] and one number sigma [] to [B]."""
    error = (x - mean) ** 2 / (2 * sigma**2)
    return (error + 0.5 * torch.log(2 * torch.pi * sigma**2)).sum(dim=-1)


def _squared(x: Tensor, mean: Tensor) -> Tensor:
    return (x - mean).square().sum(-1)


def _cases(seed: int) -> list[Inputs]:
    """Sigmas from 1e-3, where the density exceeds one and its negative log is below zero, to 30."""
    source = generator(seed)
    b, x = integer(source, 4, 8), integer(source, 9, 13)
    cases: list[Inputs] = [
        {"x": torch.tensor([[1.0, 0.0]]), "mean": torch.tensor([[0.5, 0.2]]), "sigma": torch.tensor(0.3)},
        {"x": 2 + normal(source, 2, 3), "mean": normal(source, 2, 3), "sigma": torch.tensor(2.0)},
        {"x": torch.tensor([[0.51, 0.2, 0.0]]), "mean": torch.tensor([[0.5, 0.2, 0.03]]), "sigma": torch.tensor(0.05)},
    ]
    for shape in ((1, 4), (b, x), (b, x), (5, 2), (2, 784)):
        sigma = 0.3 + uniform(source, 1)[0]
        cases.append({"x": uniform(source, *shape), "mean": normal(source, *shape), "sigma": sigma})
    image = uniform(source, 2, 3)
    cases.append({"x": image, "mean": image + 1e-3 * normal(source, 2, 3), "sigma": torch.tensor(1e-3)})
    cases.append({"x": image, "mean": 20 * normal(source, 2, 3), "sigma": torch.tensor(30.0)})
    return cases


def _loop(x: Tensor, mean: Tensor, sigma: Tensor) -> Tensor:
    values = []
    for image, centre in zip(x, mean, strict=True):
        total = torch.tensor(0.0)
        for pixel, m in zip(image, centre, strict=True):
            total = total + ((pixel - m) / sigma) ** 2 / 2 + 0.5 * torch.log(2 * torch.pi * sigma**2)
        values.append(total)
    return torch.stack(values)


EXERCISE = Exercise(
    id="06-implied-sigma",
    title="Find the missing sigma",
    points=3,
    difficulty=3,
    minutes=7,
    task=(
        "Correct the text's loss: return -log N(x; mean, sigma^2) in nats, one number for each image, `[B]`, from `x` and "
        "`mean` `[B, X]` and the standard deviation `sigma`, one number as a tensor `[]`. A decoder's `mean` and `sigma` "
        "are to be learned by gradients of this loss."
    ),
    hints=(
        "Two things are missing in exp(-(x - x')^2): a sigma that can be chosen, and the factor that makes the area "
        "under the curve one.",
        "-log p = sum_i (x_i - x'_i)^2 / (2 sigma^2) + X log sigma + X/2 log(2 pi), with X pixels.",
        "Build the table of all pixels first: the error's share plus half of the logarithm of 2 pi sigma^2 in each "
        "entry; then sum over the last axis.",
    ),
    explanation=(
        "Each pixel pays for its error in units of 2 sigma^2, and for the width of its density. Without the second "
        "part, sigma could not be learned: the larger, the cheaper. Independent pixels add up."
    ),
    returns="one number per image, [B]",
    reference=gaussian_nll,
    alternatives=(
        Alternative("loop", _loop),
        Alternative(
            "torch.distributions",
            lambda x, mean, sigma: -Independent(Normal(mean, sigma.expand_as(mean)), 1).log_prob(x),
        ),
        Alternative(
            "einsum, constant first",
            lambda x, mean, sigma: (
                x.shape[-1] * 0.5 * torch.log(2 * torch.pi * sigma**2)
                + torch.einsum("bi,bi->b", x - mean, x - mean) / (2 * sigma**2)
            ),
        ),
        Alternative("float64", lambda x, mean, sigma: gaussian_nll(x.double(), mean.double(), sigma.double())),
        Alternative(
            "gaussian_nll_loss",
            lambda x, mean, sigma: F.gaussian_nll_loss(
                mean, x, (sigma**2).expand_as(mean), full=True, reduction="none"
            ).sum(-1),
        ),
        Alternative("the package", lambda x, mean, sigma: -gaussian_log_prob(x, mean, 2 * torch.log(sigma))),
    ),
    misconceptions=(
        Misconception(
            "as printed",
            lambda x, mean, sigma: _squared(x, mean) + 0 * sigma,
            "This is a squared error, whatever sigma is, as in the text. Divide by 2 sigma^2 and add the logarithm of the "
            "normaliser.",
            variants=(lambda x, mean, sigma: _squared(x, mean), lambda x, mean, sigma: 0.5 * _squared(x, mean)),
        ),
        Misconception(
            "normaliser forgotten",
            lambda x, mean, sigma: _squared(x, mean) / (2 * sigma**2),
            "The normaliser is missing, so that a large sigma makes everything cheap. Beside the error over 2 sigma^2, add "
            "log sigma + 1/2 log(2 pi) for each pixel.",
            variants=(lambda x, mean, sigma: _squared(x, mean) / sigma**2,),
        ),
        Misconception(
            "normaliser counted once",
            lambda x, mean, sigma: _squared(x, mean) / (2 * sigma**2) + torch.log(sigma) + 0.5 * LOG_2PI,
            "The normaliser stands once for the whole image. Every pixel has a density of its own: it comes X times.",
        ),
        Misconception(
            "log sigma forgotten",
            lambda x, mean, sigma: (_table(x, mean, sigma) - torch.log(sigma)).sum(-1),
            "log sigma is missing. It is what stops sigma from growing: a wide density is a low one.",
        ),
        Misconception(
            "2 pi forgotten",
            lambda x, mean, sigma: (_table(x, mean, sigma) - 0.5 * LOG_2PI).sum(-1),
            "1/2 log(2 pi) is missing for each pixel. It is a constant, but without it the number is not in nats of "
            "anything.",
            variants=(
                lambda x, mean, sigma: F.gaussian_nll_loss(mean, x, (sigma**2).expand_as(mean), reduction="none").sum(
                    -1
                ),
            ),
        ),
        Misconception(
            "half forgotten",
            lambda x, mean, sigma: ((x - mean).square() / sigma**2 + torch.log(sigma) + 0.5 * LOG_2PI).sum(-1),
            "You divide by sigma^2. A Gaussian's exponent has 2 sigma^2 in the denominator.",
        ),
        Misconception(
            "sigma not squared",
            lambda x, mean, sigma: ((x - mean).square() / (2 * sigma) + torch.log(sigma) + 0.5 * LOG_2PI).sum(-1),
            "You divide by 2 sigma. The error is squared, so its unit is sigma^2.",
        ),
        Misconception(
            "sigma taken for the variance",
            lambda x, mean, sigma: ((x - mean).square() / (2 * sigma) + 0.5 * torch.log(2 * torch.pi * sigma)).sum(-1),
            "You use `sigma` as if it were the variance, in both terms. It is the standard deviation: square it.",
        ),
        Misconception(
            "half of the logarithm forgotten",
            lambda x, mean, sigma: ((x - mean).square() / (2 * sigma**2) + torch.log(2 * torch.pi * sigma**2)).sum(-1),
            "You add log(2 pi sigma^2) for each pixel. The normaliser is the square root of 2 pi sigma^2, so half of "
            "that logarithm belongs there.",
        ),
        Misconception(
            "log of the variance",
            lambda x, mean, sigma: (_table(x, mean, sigma) + torch.log(sigma)).sum(-1),
            "You add log sigma^2, twice what belongs there: the normaliser is sqrt(2 pi sigma^2), so its logarithm has "
            "1/2 log sigma^2 = log sigma.",
        ),
        Misconception(
            "half of 2 pi's logarithm forgotten",
            lambda x, mean, sigma: (_table(x, mean, sigma) + 0.5 * LOG_2PI).sum(-1),
            "You add log(2 pi) for each pixel. The normaliser is the square root of 2 pi sigma^2, so its logarithm has half "
            "of log(2 pi).",
        ),
        Misconception(
            "normaliser subtracted",
            lambda x, mean, sigma: ((x - mean).square() / sigma**2 - _table(x, mean, sigma)).sum(-1),
            "You subtract the logarithm of the normaliser. It stands below the line of the density, so -log p has it with "
            "a plus.",
        ),
        Misconception(
            "sigma read as a log variance",
            lambda x, mean, sigma: -gaussian_log_prob(x, mean, sigma.expand_as(mean)),
            "You use `sigma` as if it were log sigma^2. Here it is the standard deviation itself.",
        ),
        Misconception(
            "always 784 pixels",
            lambda x, mean, sigma: _squared(x, mean) / (2 * sigma**2) + 784 * (torch.log(sigma) + 0.5 * LOG_2PI),
            "You count the normaliser 784 times. It comes once for each pixel: `x.shape[-1]` times.",
        ),
        Misconception(
            "the batch counted for the pixels",
            lambda x, mean, sigma: _squared(x, mean) / (2 * sigma**2) + len(x) * (torch.log(sigma) + 0.5 * LOG_2PI),
            "You count the normaliser once for each image of the batch, `len(x)`. It comes once for each pixel: "
            "`x.shape[-1]` times.",
        ),
        Misconception(
            "the log-likelihood",
            lambda x, mean, sigma: -gaussian_nll(x, mean, sigma),
            "This is log p(x | z). The loss is its negative: turn the sign.",
        ),
        Misconception(
            "averaged over the pixels",
            lambda x, mean, sigma: _table(x, mean, sigma).mean(-1),
            "You average over the pixels. The log densities of independent pixels add up: sum over the last axis.",
            variants=(lambda x, mean, sigma: (x - mean).square().mean(-1),),
        ),
        Misconception(
            "averaged over the batch",
            lambda x, mean, sigma: gaussian_nll(x, mean, sigma).mean(),
            "Your result is one number for the whole batch. Return one for each image, `[B]`.",
            variants=(
                lambda x, mean, sigma: _table(x, mean, sigma).mean(),
                lambda x, mean, sigma: _table(x, mean, sigma).sum(),
            ),
        ),
        Misconception(
            "summed over the batch",
            lambda x, mean, sigma: _table(x, mean, sigma).sum(0),
            "You sum over axis 0, the images, and keep one number for each pixel. Sum over the last axis.",
        ),
        Misconception(
            "the density",
            lambda x, mean, sigma: torch.exp(-gaussian_nll(x, mean, sigma)),
            "This is the density itself, p(x | z). Return minus its logarithm, in which the pixels add up.",
        ),
        Misconception(
            "not summed",
            _table,
            "This is the loss of every single pixel, `[B, X]`. Sum over the last axis.",
        ),
        Misconception(
            "absolute error",
            lambda x, mean, sigma: ((x - mean).abs() / (2 * sigma**2) + torch.log(sigma) + 0.5 * LOG_2PI).sum(-1),
            "You use the absolute error. A Gaussian squares it.",
        ),
        Misconception(
            "sigma one half fixed",
            lambda x, mean, sigma: ((x - mean).square() + 0.5 * math.log(math.pi)).sum(-1) + 0 * sigma,
            "This is the density behind the text's loss, with sigma^2 = 1/2 for ever. Put the argument `sigma` in its "
            "place.",
            variants=(lambda x, mean, sigma: ((x - mean).square() + 0.5 * math.log(math.pi)).sum(-1),),
        ),
    ),
    cases=_cases,
    batch="x",
    gradients=("mean", "sigma"),
)
