"""10-rate: predict what each direction of Gaussian data is worth at a given beta."""

import torch
from torch import Tensor

from vae_course.exercises.inputs import generator, integer, uniform
from vae_course.exercises.model import Alternative, Exercise, Inputs, Misconception


def rate(s2: Tensor, beta: float, sigma: float) -> Tensor:
    """The rate in nats of each direction of Gaussian data with variances s2 [X]: [X]."""
    return 0.5 * torch.log(s2 / (beta * sigma**2)).clamp_min(0)


def _cases(seed: int) -> list[Inputs]:
    """A direction that lives and one that is dead, then random ones around the threshold."""
    source = generator(seed)
    cases: list[Inputs] = [{"s2": torch.tensor([4.0, 0.25]), "beta": 2.0, "sigma": 0.5}]
    few = integer(source, 4, 8)
    settings = (
        (1, 0.5, 0.8),
        (few, 3.0, 0.7),
        (few, 0.7, 1.3),
        (few, 3.0, 0.7),
        (5, 9.0, 0.3),
        (6, 100.0, 4.0),
        (100, 1.5, 0.1),
    )
    for n, beta, sigma in settings:
        live, dead = 1.5 + 6 * uniform(source, n), 0.3 + 0.6 * uniform(source, n)
        factor = torch.where(torch.arange(n) % 3 == 1, dead, live)
        cases.append({"s2": beta * sigma**2 * factor, "beta": beta, "sigma": sigma})
    # Directions with almost no variance, and with far more than the noise.
    cases.append(
        {"s2": torch.tensor([1e-12, 1e-6, 1e-3, 10.0, 1e4, 1e8]) * (1 + uniform(source, 6)), "beta": 1.0, "sigma": 1.0}
    )
    return [
        *cases,
        {"s2": torch.tensor([1e-12, 1e-10, 1e-7, 1e-3]) * (1 + uniform(source, 4)), "beta": 1e-3, "sigma": 1e-3},
    ]


def _loop(s2: Tensor, beta: float, sigma: float) -> Tensor:
    rates = []
    for variance in s2:
        error = torch.minimum(variance, torch.as_tensor(beta * sigma**2))
        rates.append(0.5 * torch.log(variance / error))
    return torch.stack(rates)


def _bare(s2: Tensor, beta: float, sigma: float) -> Tensor:
    return 0.5 * torch.log(s2 / (beta * sigma**2))


EXERCISE = Exercise(
    id="10-rate",
    title="Which directions are worth their price",
    points=3,
    difficulty=2,
    minutes=6,
    task=(
        "Return the rate in nats of each direction, `[X]`, that a model trained with this `beta` and decoder noise "
        "`sigma` spends on Gaussian data with variances `s2` `[X]`; a direction that is not worth its price has rate 0."
    ),
    hints=(
        "Which variance does the box give to the error that is left in a direction? What happens once that is more than "
        "the data vary there?",
        "error = min(beta sigma^2, s^2), and rate = 1/2 log(s^2 / error).",
        "Take half the logarithm of `s2` over `beta * sigma**2`, and put 0 where that is negative: `.clamp_min(0)`.",
    ),
    explanation=(
        "An error of variance beta sigma^2 is what the loss puts up with. A direction that varies less than that is left "
        "out of the code whole: its posterior collapses, and it must, because the loss is lowest there."
    ),
    returns="one number per direction, [X]",
    reference=rate,
    alternatives=(
        Alternative("loop", _loop),
        Alternative(
            "where",
            lambda s2, beta, sigma: torch.where(s2 > beta * sigma**2, _bare(s2, beta, sigma), 0.0),
        ),
        Alternative("relu", lambda s2, beta, sigma: torch.relu(_bare(s2, beta, sigma))),
        Alternative("float64", lambda s2, beta, sigma: rate(s2.double(), beta, sigma)),
        Alternative(
            "with the error",
            lambda s2, beta, sigma: 0.5 * (s2.log() - s2.clamp_max(beta * sigma**2).log()),
        ),
    ),
    misconceptions=(
        Misconception(
            "negative rates",
            _bare,
            "A direction with a variance below beta sigma^2 gets a negative rate here. A KL is never below zero: such a "
            "direction is left out, with rate 0.",
        ),
        Misconception(
            "absolute rates",
            lambda s2, beta, sigma: _bare(s2, beta, sigma).abs(),
            "A direction with a variance below beta sigma^2 gets a positive rate here, because the sign of its logarithm is "
            "dropped. Such a direction is left out: its rate is 0.",
        ),
        Misconception(
            "small number inside the logarithm",
            lambda s2, beta, sigma: 0.5 * torch.log(s2 / (beta * sigma**2 + 1e-10)).clamp_min(0),
            "You add a small number inside the logarithm or to its denominator. Nothing here is 0, and where the noise is small "
            "it changes the rate: leave it out.",
            variants=tuple(
                lambda s2, beta, sigma, eps=eps: 0.5 * torch.log(s2 / (beta * sigma**2 + eps)).clamp_min(0)
                for eps in (1e-6, 1e-8, 1e-5)
            ),
        ),
        Misconception(
            "held against sigma^2",
            lambda s2, beta, sigma: torch.where(s2 > sigma**2, _bare(s2, beta, sigma), 0.0),
            "You leave out the directions with a variance below sigma^2. Not worth its price is what lies below beta sigma^2, "
            "the error that is left in those that are coded.",
        ),
        Misconception(
            "decoder's noise forgotten",
            lambda s2, beta, sigma: rate(s2, beta, 1.0),
            "sigma is missing. An error of beta sigma^2 is left in each direction that is coded, not one of beta.",
        ),
        Misconception(
            "the error in place of the rate",
            lambda s2, beta, sigma: s2.clamp_max(beta * sigma**2),
            "This is the variance of the error that is left, min(beta sigma^2, s^2). The rate is half log(s^2 / error).",
        ),
        Misconception(
            "noise taken off the variance",
            lambda s2, beta, sigma: 0.5 * torch.log((s2 - sigma**2) / (beta * sigma**2)).clamp_min(0),
            "You take sigma^2 off the variances. `s2` is what the data vary by, all of it; compare it as it is with the error "
            "that is left, beta sigma^2.",
            variants=(
                lambda s2, beta, sigma: 0.5 * torch.log((s2 - sigma**2).clamp_min(0) / (beta * sigma**2)).clamp_min(0),
                lambda s2, beta, sigma: (
                    0.5 * torch.log((s2 - sigma**2).relu() / (beta * sigma**2)).nan_to_num().clamp_min(0)
                ),
            ),
        ),
        Misconception(
            "one below the threshold",
            lambda s2, beta, sigma: 0.5 * torch.log(s2.clamp_min(1.0) / (beta * sigma**2)).clamp_min(0),
            "You hold the variance at 1 at least. The limit belongs to the ratio s^2 / (beta sigma^2), which is 1 where a "
            "direction begins to be worth its price.",
        ),
        Misconception(
            "half forgotten",
            lambda s2, beta, sigma: 2 * rate(s2, beta, sigma),
            "Twice too much. Variances stand inside the logarithm, so the rate is half of it.",
        ),
        Misconception(
            "beta forgotten",
            lambda s2, beta, sigma: rate(s2, 1.0, sigma),
            "This is the rate for beta = 1. A more expensive code leaves an error of beta sigma^2, not of sigma^2.",
        ),
        Misconception(
            "sigma not squared",
            lambda s2, beta, sigma: rate(s2, beta, sigma**0.5),
            "`s2` is a variance and `sigma` a standard deviation. Square `sigma` before you compare them.",
        ),
        Misconception(
            "root of beta",
            lambda s2, beta, sigma: rate(s2, beta**0.5, sigma),
            "You take the root of beta. Beta multiplies the variance of the noise as it is: beta sigma^2.",
        ),
        Misconception(
            "beta squared",
            lambda s2, beta, sigma: rate(s2, beta**2, sigma),
            "Your error is (beta sigma)^2. Beta multiplies the variance of the noise once: beta sigma^2.",
        ),
        Misconception(
            "beta the other way round",
            lambda s2, beta, sigma: rate(s2, 1 / beta, sigma),
            "Here a larger beta buys a larger rate. Beta is the price of the code: the higher it is, the less is bought.",
            variants=(lambda s2, beta, sigma: beta * rate(s2, 1.0, sigma),),
        ),
        Misconception(
            "bits",
            lambda s2, beta, sigma: 0.5 * torch.log2(s2 / (beta * sigma**2)).clamp_min(0),
            "This is in bits. Nats come from the natural logarithm, `torch.log`.",
        ),
        Misconception(
            "sum over directions",
            lambda s2, beta, sigma: rate(s2, beta, sigma).sum(),
            "You add the directions up. Asked for is the rate of each of them, `[X]`.",
        ),
        Misconception(
            "capacity of a noisy channel",
            lambda s2, beta, sigma: 0.5 * torch.log1p(s2 / (beta * sigma**2)),
            "With 1 + s^2 / (beta sigma^2) in the logarithm no direction ever has rate 0. That is the capacity of a "
            "channel with signal s^2; here s^2 already includes the noise.",
        ),
        Misconception(
            "dead directions counted",
            lambda s2, beta, sigma: torch.where(s2 > beta * sigma**2, 0.0, -_bare(s2, beta, sigma)),
            "You charge the directions that should be dead, and leave out those that live. The rate is positive where s^2 "
            "is the larger one.",
        ),
    ),
    cases=_cases,
)
