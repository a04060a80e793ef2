"""08-path-norm: how far from the centre a straight path between two draws of the prior runs."""

import math

import numpy as np
import torch
from torch import Tensor

from vae_course.exercises.inputs import generator, integer, uniform
from vae_course.exercises.model import Alternative, Exercise, Inputs, Misconception
from vae_course.exercises.probes import numbers


def path_norm(t: Tensor, latent_dim: int) -> Tensor:
    """The root of the mean squared length of (1 - t) z_0 + t z_1 for each t [T], z_0 and z_1 from N(0, I): [T]."""
    variance = (1 - t) ** 2 + t**2
    return torch.sqrt(latent_dim * variance)


def _cases(seed: int) -> list[Inputs]:
    source = generator(seed)
    cases: list[Inputs] = [{"t": torch.tensor([0.0, 0.5, 1.0]), "latent_dim": 8}]
    steps, latent_dim = integer(source, 4, 7), integer(source, 3, 30)
    for n, d in ((1, 2), (steps, latent_dim), (steps, latent_dim), (5, 200), (101, 1)):
        cases.append({"t": uniform(source, n), "latent_dim": d})
    # Near both ends, where squares are tiny.
    cases.append({"t": torch.cat([1e-4 * uniform(source, 2), 1 - 1e-4 * uniform(source, 2)]), "latent_dim": 20})
    return cases


def _loop(t: Tensor, latent_dim: int) -> Tensor:
    norms = []
    for share in t:
        squared = torch.zeros(())
        for _ in range(latent_dim):
            squared = squared + (1 - share) ** 2 + share**2
        norms.append(squared.sqrt())
    return torch.stack(norms)


EXERCISE = Exercise(
    id="08-path-norm",
    title="Predict: the distance from the centre",
    points=2,
    difficulty=3,
    minutes=8,
    task=(
        "Predict before you measure: z_start and z_end are independent draws from N(0, I) in `latent_dim` dimensions. For each "
        "`t` `[T]` return the root of the mean squared length of (1 - t) z_start + t z_end, `[T]`."
    ),
    hints=(
        "Look at one coordinate first. It is a sum of two independent numbers with mean 0: what is its variance?",
        "Var((1 - t) a + t b) = (1 - t)^2 + t^2 for independent a and b of variance 1; the squared length sums this over D "
        "dimensions.",
        "Square the two shares and add them, multiply by the number of dimensions, and take the root of it all.",
    ),
    explanation=(
        "Variances of independent numbers add up, with squared factors. At the ends the variance is 1 and the length "
        "sqrt(D). Half way it is 1/4 + 1/4 = 1/2, so the path passes the centre at sqrt(D / 2), where in many dimensions "
        "hardly any draw lies."
    ),
    returns="one length for each t, [T]",
    reference=path_norm,
    alternatives=(
        Alternative("loop", _loop),
        Alternative("multiplied out", lambda t, latent_dim: (latent_dim * (2 * t * t - 2 * t + 1)) ** 0.5),
        Alternative(
            "einsum", lambda t, d: math.sqrt(d) * torch.einsum("kt,kt->t", *2 * [torch.stack([1 - t, t])]).sqrt()
        ),
        Alternative("hypot", lambda t, latent_dim: latent_dim**0.5 * torch.hypot(1 - t, t)),
        Alternative("float64", lambda t, latent_dim: path_norm(t.double(), latent_dim)),
        Alternative("NumPy", lambda t, latent_dim: np.sqrt(latent_dim * ((1 - t.numpy()) ** 2 + t.numpy() ** 2))),
        Alternative("list of numbers", lambda t, d: [math.sqrt(d * ((1 - s) ** 2 + s**2)) for s in t.tolist()]),
    ),
    misconceptions=(
        Misconception(
            "constant",
            lambda t, latent_dim: torch.full_like(t, math.sqrt(latent_dim)),
            "You predict sqrt(D) all the way. That is so at the ends; between them the two draws point in different "
            "directions and cancel in part. Which variance has (1 - t) a + t b?",
            variants=(lambda t, latent_dim: math.sqrt(latent_dim) * ((1 - t) + t),),
        ),
        Misconception(
            "factors not squared",
            lambda t, latent_dim: torch.sqrt(latent_dim * ((1 - t) + t**2)),
            "In a variance each factor counts squared: (1 - t) a has the variance (1 - t)^2, t b has t^2.",
            variants=(lambda t, latent_dim: torch.sqrt(latent_dim * ((1 - t) ** 2 + t)),),
        ),
        Misconception(
            "through the centre",
            lambda t, latent_dim: math.sqrt(latent_dim) * (1 - 2 * t).abs(),
            "Your path goes through the centre, as if the two draws were opposite. Independent draws are neither opposite "
            "nor equal: their variances add up.",
        ),
        Misconception(
            "not rooted",
            lambda t, latent_dim: latent_dim * ((1 - t) ** 2 + t**2),
            "This is the mean squared length. Its root is asked for, a length.",
        ),
        Misconception(
            "one coordinate",
            lambda t, latent_dim: torch.sqrt((1 - t) ** 2 + t**2),
            "This is the spread of one coordinate. The squared length adds up `latent_dim` of them.",
        ),
        Misconception(
            "root of the dimension missing",
            lambda t, latent_dim: latent_dim * torch.sqrt((1 - t) ** 2 + t**2),
            "The dimension stands outside the root. D equal squares add up inside it, so a length grows with sqrt(D).",
        ),
        Misconception(
            "difference of the squares",
            lambda t, latent_dim: torch.sqrt(latent_dim * ((1 - t) ** 2 - t**2).abs()),
            "You subtract the two variances. Variances of independent numbers add up, also where the numbers themselves are "
            "subtracted.",
        ),
        Misconception(
            "one of the two draws",
            lambda t, latent_dim: math.sqrt(latent_dim) * (1 - t),
            "Only one of the two draws is in your length. At the other end of the path it would be 0: the variances of both "
            "shares add up.",
            variants=(
                lambda t, latent_dim: math.sqrt(latent_dim) * t,
                lambda t, latent_dim: torch.sqrt(latent_dim * (1 - 2 * t + t**2)),
            ),
        ),
        Misconception(
            "mean of the two lengths squared",
            lambda t, latent_dim: torch.sqrt(latent_dim * ((1 - t) ** 2 + t**2) / 2),
            "You divide by 2, as if the two draws were averaged. The two variances, (1 - t)^2 and t^2, are added: at t = 0 "
            "the length must be sqrt(D).",
        ),
        Misconception(
            "steps of a straight line",
            lambda t, latent_dim: math.sqrt(latent_dim) * (1 - torch.minimum(t, 1 - t)),
            "Your length falls and rises along straight lines. Squares add up, not lengths: the root of "
            "(1 - t)^2 + t^2 is a curve.",
            variants=(lambda t, latent_dim: math.sqrt(latent_dim) * torch.maximum(t, 1 - t),),
        ),
        Misconception(
            "mean length",
            lambda t, latent_dim: (
                math.sqrt(2)
                * math.exp(math.lgamma((latent_dim + 1) / 2) - math.lgamma(latent_dim / 2))
                * torch.sqrt((1 - t) ** 2 + t**2)
            ),
            "This is the mean of the length, by the chi distribution. The root of the mean squared length is asked for: it is a "
            "little larger, and simpler.",
        ),
    ),
    cases=_cases,
    batch="t",
    probe=numbers,
)
