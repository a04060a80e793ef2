"""06-effective-beta: the weight of the KL behind the sums and means of a published loss."""

import torch
from torch import Tensor

from vae_course.exercises.inputs import generator, integer, uniform
from vae_course.exercises.model import Alternative, Exercise, Inputs, Misconception
from vae_course.exercises.probes import numbers


def effective_beta(n_error: Tensor, n_kl: Tensor, weight: Tensor, nats: Tensor) -> Tensor:
    """The effective beta of M losses, all arguments [M]: what divides error and KL, the KL's weight, nats per error."""
    return weight * nats * n_error / n_kl


def _cases(seed: int) -> list[Inputs]:
    """Plain sums (a count of 1) beside means over whole batches, tiny weights, and units from 1/784 of a nat to 200."""
    source = generator(seed)
    several = integer(source, 4, 9)
    cases: list[Inputs] = [
        {
            "n_error": torch.tensor([784.0 * 16]),
            "n_kl": torch.tensor([20.0 * 16]),
            "weight": torch.tensor([1.0]),
            "nats": torch.tensor([1.0]),
        },
        {
            "n_error": torch.tensor([100.0, 5.0]),
            "n_kl": torch.tensor([4.0, 20.0]),
            "weight": torch.tensor([0.5, 3.0]),
            "nats": torch.tensor([2.0, 0.3]),
        },
        {
            "n_error": torch.tensor([128.0 * 784]),
            "n_kl": torch.tensor([1.0]),
            "weight": torch.tensor([1.0]),
            "nats": torch.tensor([200.0]),
        },
        {
            "n_error": torch.tensor([8 * 784.0, 1.0]),
            "n_kl": torch.tensor([1.0, 20.0]),
            "weight": torch.tensor([1e-4, 1.0]),
            "nats": torch.tensor([1.0, 1 / 784]),
        },
        # A mean over the pixels of an error that is worth little.
        {
            "n_error": torch.tensor([1.0]).double(),
            "n_kl": torch.tensor([1.0]).double(),
            "weight": torch.tensor([500.0]).double(),
            "nats": torch.tensor([1e-7]).double(),
        },
    ]
    for m in (1, several, several, 40):
        n_error = 2 + 900 * uniform(source, m)
        n_kl = 2 + 60 * uniform(source, m)
        cases.append(
            {"n_error": n_error, "n_kl": n_kl, "weight": 0.2 + uniform(source, m), "nats": 1.3 + 4 * uniform(source, m)}
        )
    return cases


def _loop(n_error: Tensor, n_kl: Tensor, weight: Tensor, nats: Tensor) -> Tensor:
    betas = []
    for i in range(len(n_error)):
        of_nats = 1 / (nats[i] * n_error[i])
        of_kl = weight[i] / n_kl[i]
        betas.append(of_kl / of_nats)
    return torch.stack(betas)


EXERCISE = Exercise(
    id="06-effective-beta",
    title="The weight behind the means",
    points=3,
    difficulty=3,
    minutes=6,
    task=(
        "Return the effective beta of each of M losses, `[M]`: each divides the error, summed over all pixels and "
        "images, by `n_error`, the KL, summed over all latents and images, by `n_kl`, and multiplies the KL by "
        "`weight`; one unit of error is `nats` nats (all `[M]`)."
    ),
    hints=(
        "Write the loss as a times (error in nats) plus b times (KL), both summed over everything. Scale the loss until "
        "the first factor is one: what is the second one then?",
        "a = 1 / (nats n_error) and b = weight / n_kl, so beta = b / a.",
        "Everything that makes the error small in the loss makes beta large: multiply `weight` by `n_error` and "
        "`nats`, and divide by what the KL was divided by.",
    ),
    explanation=(
        "A minimum does not move when the whole loss is multiplied by a number, so only the ratio of the two factors "
        "counts. Dividing the error by 784 is the same as multiplying the KL by 784."
    ),
    returns="one number per loss, [M]",
    reference=effective_beta,
    alternatives=(
        Alternative("loop", _loop),
        Alternative("two factors", lambda n_error, n_kl, weight, nats: (weight / n_kl) / (1 / (nats * n_error))),
        Alternative(
            "einsum",
            lambda n_error, n_kl, weight, nats: torch.einsum("m,m,m->m", weight, n_error, nats) / n_kl,
        ),
        Alternative(
            "float64",
            lambda n_error, n_kl, weight, nats: effective_beta(n_error.double(), n_kl.double(), weight, nats),
        ),
        Alternative(
            "logarithms",
            lambda n_error, n_kl, weight, nats: (
                weight.double().log() + nats.double().log() + n_error.double().log() - n_kl.double().log()
            ).exp(),
        ),
        Alternative("NumPy", lambda n_error, n_kl, weight, nats: (weight * nats * n_error / n_kl).numpy()),
        Alternative("list", lambda n_error, n_kl, weight, nats: _loop(n_error, n_kl, weight, nats).tolist()),
    ),
    misconceptions=(
        Misconception(
            "counts the wrong way round",
            lambda n_error, n_kl, weight, nats: weight * nats * n_kl / n_error,
            "Your counts stand the wrong way round. An error that is divided by a large number counts little, so the "
            "KL counts much: beta grows with `n_error`.",
            variants=(lambda n_error, n_kl, weight, nats: weight * n_kl / (nats * n_error),),
        ),
        Misconception(
            "weight forgotten",
            lambda n_error, n_kl, weight, nats: nats * n_error / n_kl,
            "The weight that the loss gives to the KL is missing.",
        ),
        Misconception(
            "unit forgotten",
            lambda n_error, n_kl, weight, nats: weight * n_error / n_kl,
            "You take one unit of error for one nat. Where it stands for more nats, the loss counts it too low, and "
            "the KL counts for more: multiply by `nats`.",
        ),
        Misconception(
            "unit divided",
            lambda n_error, n_kl, weight, nats: weight * n_error / (n_kl * nats),
            "You divide by `nats`. The error in nats is `nats` times the error, so its factor in the loss is "
            "1 / (nats n_error), and beta has that in its denominator.",
        ),
        Misconception(
            "KL's count forgotten",
            lambda n_error, n_kl, weight, nats: weight * nats * n_error,
            "You leave out what the KL was divided by. A KL that is averaged counts less: divide by `n_kl`.",
        ),
        Misconception(
            "error's count forgotten",
            lambda n_error, n_kl, weight, nats: weight * nats / n_kl,
            "You leave out what the error was divided by. It makes the error count less, so beta grows with it.",
            variants=(lambda n_error, n_kl, weight, nats: weight / n_kl,),
        ),
        Misconception(
            "the inverse",
            lambda n_error, n_kl, weight, nats: n_kl / (weight * nats * n_error),
            "This is the weight of the reconstruction relative to the KL. Beta is the other way round.",
        ),
        Misconception(
            "weight only",
            lambda n_error, n_kl, weight, nats: weight,
            "You leave out what error and KL are divided by. The weight that is printed is not the only one: those counts "
            "and the unit of the error weigh too.",
            variants=(lambda n_error, n_kl, weight, nats: weight * nats,),
        ),
        Misconception(
            "counts multiplied",
            lambda n_error, n_kl, weight, nats: weight * nats * n_error * n_kl,
            "You multiply by both counts. What divides the KL makes beta smaller: divide by `n_kl`.",
        ),
        Misconception(
            "weight divided",
            lambda n_error, n_kl, weight, nats: nats * n_error / (n_kl * weight),
            "You divide by `weight`. The loss multiplies the KL by it, so beta grows with it.",
            variants=(
                lambda n_error, n_kl, weight, nats: n_error / (n_kl * weight),
                lambda n_error, n_kl, weight, nats: n_error / (n_kl * weight * nats),
            ),
        ),
        Misconception(
            "always 784 pixels",
            lambda n_error, n_kl, weight, nats: weight * nats * 784 / n_kl,
            "You put 784 where what divides the error belongs. That count is an argument: multiply by `n_error`.",
            variants=(lambda n_error, n_kl, weight, nats: weight * 784 / n_kl,),
        ),
        Misconception(
            "share of the whole",
            lambda n_error, n_kl, weight, nats: 1 / (1 + n_kl / (weight * nats * n_error)),
            "This is b / (a + b), the KL's share of both factors. Beta is their ratio, b / a: 1 where they are equal.",
            variants=(lambda n_error, n_kl, weight, nats: 1 / (1 + weight * nats * n_error / n_kl),),
        ),
        Misconception(
            "one factor alone",
            lambda n_error, n_kl, weight, nats: 1 / (nats * n_error),
            "This is the factor of the error alone, 1 / (nats n_error). Beta is the factor of the KL divided by it.",
            variants=(lambda n_error, n_kl, weight, nats: 1 / n_error,),
        ),
        Misconception(
            "whole quotients",
            lambda n_error, n_kl, weight, nats: weight * nats * (n_error // n_kl),
            "You divide with `//`, which throws away what comes after the decimal point. Divide with `/`.",
            variants=(lambda n_error, n_kl, weight, nats: weight * nats * n_error // n_kl,),
        ),
        Misconception(
            "added",
            lambda n_error, n_kl, weight, nats: weight + nats * n_error / n_kl,
            "You add what has to be multiplied. Each of these is a factor of a term of the loss: beta is a ratio of products.",
            variants=(
                lambda n_error, n_kl, weight, nats: weight * (nats + n_error) / n_kl,
                lambda n_error, n_kl, weight, nats: (weight + nats) * n_error / n_kl,
                lambda n_error, n_kl, weight, nats: weight * nats + n_error / n_kl,
                lambda n_error, n_kl, weight, nats: weight * nats * n_error + n_kl,
            ),
        ),
    ),
    cases=_cases,
    batch="n_error",
    probe=numbers,
)
