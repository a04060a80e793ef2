"""12-missing-pixels: the objective for a code when only a part of the image is known; break and fix."""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from vae_course.exercises.inputs import generator, integer, normal, uniform
from vae_course.exercises.model import Alternative, Exercise, Inputs, Misconception


def _log_px(logits: Tensor, x: Tensor) -> Tensor:
    return -F.binary_cross_entropy_with_logits(logits, x, reduction="none")


def _prior(z: Tensor) -> Tensor:
    return -0.5 * (z**2).sum(1)


def known_and_prior(logits: Tensor, x: Tensor, seen: Tensor, z: Tensor) -> Tensor:
    """log p(x_seen | z) + log p(z) without the prior's constant, [B]; logits, x, seen [B, P], seen is 1 where known; z [B, D]."""
    log_px_z = -F.binary_cross_entropy_with_logits(logits, x, reduction="none")
    return (seen * log_px_z).sum(1) - 0.5 * (z**2).sum(1)


def _cases(seed: int) -> list[Inputs]:
    """One image of three pixels, then more; what stands in a missing pixel is arbitrary, and a few logits are extreme."""
    source = generator(seed)
    cases: list[Inputs] = []
    few = integer(source, 4, 5), integer(source, 6, 9), integer(source, 2, 3)
    for b, pixels, d in ((1, 3, 2), few, few, (5, 12, 2), (3, 9, 4), (16, 784, 20)):
        seen = (uniform(source, b, pixels) < 0.6).float()
        seen[:, 0], seen[:, 1] = 1.0, 0.0
        cases.append(
            {
                "logits": 4 * normal(source, b, pixels) + 30 * (uniform(source, b, pixels) < 0.1),
                "x": (uniform(source, b, pixels) < 0.5).float(),
                "seen": seen,
                "z": 1.5 * normal(source, b, d),
            }
        )
    # Logits from 1e-3 to 200 on both sides, and a code far out, one in each case so that neither hides the other.
    logits = torch.tensor([1e-3, 0.1, 5.0, 20.0, 200.0])
    rows = torch.stack([logits, -logits, logits.flip(0)])
    seen = torch.tensor([[1.0, 1, 0, 1, 0], [1, 0, 1, 1, 1], [0, 1, 1, 0, 1]])
    for x in (torch.zeros(3, 5), torch.ones(3, 5)):
        cases.append({"logits": rows, "x": x, "seen": seen, "z": normal(source, 3, 2)})
    # Nothing is known: the prior alone is left.
    return [*cases, {"logits": rows, "x": torch.ones(3, 5), "seen": 0 * seen, "z": 30 * normal(source, 3, 2)}]


def _loop(logits: Tensor, x: Tensor, seen: Tensor, z: Tensor) -> Tensor:
    totals = []
    for row in range(len(x)):
        known = seen[row] > 0
        pixels = x[row, known] * logits[row, known] - F.softplus(logits[row, known])
        totals.append(pixels.sum() - z[row] @ z[row] / 2)
    return torch.stack(totals)


def _by_probabilities(logits: Tensor, x: Tensor) -> Tensor:
    p = torch.sigmoid(logits)
    return x * p.log() + (1 - x) * (1 - p).log()


EXERCISE = Exercise(
    id="12-missing-pixels",
    title="Break and fix: missing is not empty",
    points=3,
    difficulty=3,
    minutes=8,
    task=(
        "Correct the colleague's `broken`, as `known_and_prior`: for each image return log p(x_seen | z) + log p(z) in nats, "
        "`[B]`, without the constant of the prior, from `logits` and `x` `[B, P]`, `seen` `[B, P]` (1 for a pixel that is known) "
        "and `z` `[B, D]`."
    ),
    hints=(
        "Setting a missing pixel to 0 does not leave it out. What does the likelihood say about a pixel with x = 0?",
        "sum over the seen pixels of log p(x_i | z), minus sum_d z_d^2 / 2.",
        "Compute the log-probability of each pixel with `reduction='none'`, multiply the table by `seen`, then sum over "
        "axis 1; take off half of the squared length of z.",
    ),
    explanation=(
        "A pixel that is not known drops out of the product over pixels, so its logarithm drops out of the sum. With `x * "
        "seen` it would stay in, as a pixel that is known to be paper, and z would be pulled towards digits without a lower "
        "half."
    ),
    returns="one number per image, [B]",
    reference=known_and_prior,
    alternatives=(
        Alternative("loop", lambda logits, x, seen, z: _loop(logits, x, seen, z)),
        Alternative(
            "formula",
            lambda logits, x, seen, z: (seen * (x * logits - F.softplus(logits))).sum(-1) - z.square().sum(-1) / 2,
        ),
        Alternative(
            "weights of the cross-entropy",
            lambda logits, x, seen, z: (
                -F.binary_cross_entropy_with_logits(logits, x, weight=seen, reduction="none").sum(1) + _prior(z)
            ),
        ),
        Alternative(
            "float64",
            lambda logits, x, seen, z: known_and_prior(logits.double(), x.double(), seen.double(), z.double()),
        ),
        Alternative(
            "einsum",
            lambda logits, x, seen, z: (
                torch.einsum("bp,bp->b", seen, _log_px(logits, x)) - 0.5 * torch.einsum("bd,bd->b", z, z)
            ),
        ),
    ),
    misconceptions=(
        Misconception(
            "missing taken for paper",
            lambda logits, x, seen, z: _log_px(logits, x * seen).sum(1) + _prior(z),
            "You set the missing pixels to 0 and still ask the likelihood about them, so they count as paper. Multiply the "
            "log-probabilities by `seen`, not the pixels.",
        ),
        Misconception(
            "missing taken for grey",
            lambda logits, x, seen, z: _log_px(logits, torch.where(seen > 0, x, 0.5)).sum(1) + _prior(z),
            "You set the missing pixels to 1/2 and still ask the likelihood about them, so a decoder that is sure of them is "
            "punished either way. Multiply the log-probabilities by `seen`, not the pixels.",
        ),
        Misconception(
            "all pixels used",
            lambda logits, x, seen, z: _log_px(logits, x).sum(1) + _prior(z),
            "All pixels count, and so does what happens to stand in the missing ones. Multiply their log-probabilities by "
            "`seen`.",
        ),
        Misconception(
            "mask turned round",
            lambda logits, x, seen, z: ((1 - seen) * _log_px(logits, x)).sum(1) + _prior(z),
            "You keep the pixels that are missing and drop those that are known: `seen` is 1 for a known pixel.",
        ),
        Misconception(
            "logits masked",
            lambda logits, x, seen, z: _log_px(logits * seen, x).sum(1) + _prior(z),
            "A logit of 0 says a probability of 1/2, so each missing pixel still costs log 2. The gradient is right, but "
            "the value is not log p(x_seen | z): mask the log-probabilities.",
        ),
        Misconception(
            "prior with its constant",
            lambda logits, x, seen, z: known_and_prior(logits, x, seen, z) - z.shape[1] / 2 * math.log(2 * math.pi),
            "You kept the constant of the prior, D/2 log(2 pi), as `Normal(0, 1).log_prob` does. It is the same for every "
            "code and moves no climb: leave it out here, so that the numbers agree.",
        ),
        Misconception(
            "probabilities with a limit",
            lambda logits, x, seen, z: (
                (
                    seen
                    * torch.where(
                        x == 1, torch.sigmoid(logits).clamp(1e-6), (1 - torch.sigmoid(logits)).clamp(1e-6)
                    ).log()
                ).sum(1)
                + _prior(z)
            ),
            "You leave the logits, and probabilities that round to 0 or 1 are held back by a limit or a small number. Stay with "
            "logits: `F.binary_cross_entropy_with_logits` is right for all of them.",
            variants=(
                lambda logits, x, seen, z: (
                    -(seen * F.binary_cross_entropy(torch.sigmoid(logits), x, reduction="none")).sum(1) + _prior(z)
                ),
                *(
                    lambda logits, x, seen, z, eps=eps: (
                        (
                            seen
                            * (
                                x * (torch.sigmoid(logits) + eps).log()
                                + (1 - x) * (1 - torch.sigmoid(logits) + eps).log()
                            )
                        ).sum(1)
                        + _prior(z)
                    )
                    for eps in (1e-4, 1e-6, 1e-8, 1e-10)
                ),
            ),
        ),
        Misconception(
            "prior forgotten",
            lambda logits, x, seen, z: (seen * _log_px(logits, x)).sum(1),
            "The prior is missing. With few pixels known, z would run far off to where no digits are: add log p(z).",
        ),
        Misconception(
            "prior with the other sign",
            lambda logits, x, seen, z: (seen * _log_px(logits, x)).sum(1) - _prior(z),
            "You add half of the squared length of z, so long codes are rewarded. log p(z) is minus that.",
        ),
        Misconception(
            "prior without its half",
            lambda logits, x, seen, z: (seen * _log_px(logits, x)).sum(1) - (z**2).sum(1),
            "A standard normal density is exp(-z^2 / 2): the half is missing.",
        ),
        Misconception(
            "mean over the pixels",
            lambda logits, x, seen, z: (seen * _log_px(logits, x)).mean(1) + _prior(z),
            "You average over the pixels, which makes the prior as heavy as all pixels together. Sum them.",
            variants=(lambda logits, x, seen, z: (seen * _log_px(logits, x)).sum(1) / seen.sum(1) + _prior(z),),
        ),
        Misconception(
            "scaled up to all pixels",
            lambda logits, x, seen, z: (seen * _log_px(logits, x)).sum(1) * seen.shape[1] / seen.sum(1) + _prior(z),
            "You multiply by the number of all pixels over that of the known ones, as if the missing ones were like them. They "
            "say nothing: leave the sum over the known pixels as it is.",
            variants=(
                lambda logits, x, seen, z: (
                    (seen * _log_px(logits, x)).sum(1) * seen.shape[1] / seen.sum(1).clamp_min(1) + _prior(z)
                ),
            ),
        ),
        Misconception(
            "probabilities without a limit",
            lambda logits, x, seen, z: (seen * _by_probabilities(logits, x)).sum(1) + _prior(z),
            "You leave the logits: a probability that rounds to 0 or 1 has no logarithm that a computer could use. "
            "`F.binary_cross_entropy_with_logits` is right for logits of 200 too.",
            variants=(
                lambda logits, x, seen, z: torch.where(seen > 0, _by_probabilities(logits, x), 0.0).sum(1) + _prior(z),
                lambda logits, x, seen, z: (
                    (seen * torch.where(x == 1, torch.sigmoid(logits), 1 - torch.sigmoid(logits)).log()).sum(1)
                    + _prior(z)
                ),
            ),
        ),
        Misconception(
            "mean over the code's dimensions",
            lambda logits, x, seen, z: (seen * _log_px(logits, x)).sum(1) + _prior(z) / z.shape[1],
            "You average the prior over the D dimensions of the code. They are independent, so their logarithms add up: the "
            "prior is D times too light as it stands.",
        ),
        Misconception(
            "a loss",
            lambda logits, x, seen, z: -known_and_prior(logits, x, seen, z),
            "This is minus what is asked for. The objective is climbed, so return the log-probability itself.",
        ),
        Misconception(
            "summed over the batch",
            lambda logits, x, seen, z: known_and_prior(logits, x, seen, z).sum(),
            "You reduce the batch as well. Each image has a code of its own: return one number for each, `[B]`.",
            variants=(lambda logits, x, seen, z: known_and_prior(logits, x, seen, z).mean(),),
        ),
    ),
    cases=_cases,
    batch="x",
    gradients=("logits", "z"),
)
