"""18-price: the beta behind the absolute error and the KL weight of a published autoencoder."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vae_course.exercises.inputs import generator, integer, uniform
from vae_course.exercises.model import Alternative, Answer, AnswerError, Exercise, Inputs, Misconception
from vae_course.exercises.probes import untrained


def effective_beta(kl_weight: float, reduction: str, n_numbers: int, laplace_scale: float) -> float:
    """The beta of a loss |x - x_hat| + kl_weight KL, if the error is read as that of a Laplace density of this scale.

    By "sum" the error is added up over the n_numbers of an image, by "mean" it is averaged over them.
    """
    if reduction == "mean":
        kl_weight = n_numbers * kl_weight
    return kl_weight / laplace_scale


def _probe(answer: Answer, case: Inputs) -> dict[str, Any]:
    weight, averaged, n_numbers, scale = case.values()
    reduction = "mean" if averaged else "sum"
    result = answer(weight, reduction, n_numbers, scale)
    number = untrained(result) if isinstance(result, Tensor | np.ndarray | np.generic | int | float) else None
    if number is None or number.numel() != 1:
        found = (
            "nothing (None)"
            if result is None
            else f"a {type(result).__name__}"
            if number is None
            else f"{number.numel()}"
        )
        raise AnswerError(
            f'your function must return one number, and with reduction = "{reduction}" it returned {found}.'
        )
    return {f'the beta of reduction = "{reduction}"': number.reshape(())}


def _cases(seed: int) -> list[Inputs]:
    """Both ways by turns: weights of 1e-6 and of more than 1, few numbers and many, scales of 1, tiny and large."""
    source = generator(seed)
    n = integer(source, 20, 900)
    by_chance = [(0.1 + 2 * float(uniform(source, 1)), 0.2 + float(uniform(source, 1))) for _ in range(4)]
    rows = (
        (1e-6, 0, 3 * 256 * 256, 1.0),
        (1e-6, 1, 3 * 256 * 256, 1.0),
        (by_chance[0][0], 0, n, by_chance[0][1]),
        (by_chance[1][0], 1, n, by_chance[1][1]),
        (by_chance[2][0], 0, n + 3, 3 * by_chance[2][1]),
        (by_chance[3][0], 1, n + 3, 3 * by_chance[3][1]),
        (1e-5, 1, 784, 0.05),
        (0.5, 0, 784, 0.05),
        (2.5, 1, 1, 0.3),
        (40.0, 0, 12, 30.0),
        (0.25, 1, 12, 30.0),
        (1e-7, 1, 3 * 256 * 256, 0.05),
        (3e-4, 0, 3072, 2e-7),
        (3e-4, 1, 3072, 2e-7),
    )
    return [dict(zip(("kl_weight", "averaged", "n_numbers", "laplace_scale"), row, strict=True)) for row in rows]


def _loop(kl_weight: float, reduction: str, n_numbers: int, laplace_scale: float) -> float:
    """The loss in nats has the factor 1 / b on each number of an image; the one as printed, 1 or 1 / n."""
    beta = kl_weight
    for factor in {"sum": (1,), "mean": (n_numbers,)}[reduction]:
        beta = beta * factor
    return beta * (1 / laplace_scale)


def _ratio(kl_weight: float, reduction: str, n_numbers: int, laplace_scale: float) -> Tensor:
    """By what the loss as printed has to be multiplied, as a tensor."""
    counts = torch.tensor([1, n_numbers], dtype=torch.float64)
    return counts[["sum", "mean"].index(reduction)] * kl_weight / torch.tensor([laplace_scale])


def _in_logs(kl_weight: float, reduction: str, n_numbers: int, laplace_scale: float) -> float:
    count = n_numbers if reduction == "mean" else 1
    return math.exp(math.log(kl_weight) + math.log(count) - math.log(laplace_scale))


Formula = Callable[[float, float, float], float]


def _with(
    formula: Formula = lambda w, n, b: w * n / b,
    *,
    count: Callable[[str, int], float] = lambda how, n: n if how == "mean" else 1,
) -> Answer:
    """The beta of the KL's weight, of what divides the error, and of the scale, with one thing changed."""
    return lambda kl_weight, reduction, n_numbers, scale: formula(kl_weight, count(reduction, n_numbers), scale)


EXERCISE = Exercise(
    id="18-price",
    title="What a nat of the code costs",
    points=2,
    difficulty=2,
    minutes=5,
    task=(
        "The loss of a published autoencoder is the absolute error |x - x_hat| plus `kl_weight` times the KL, "
        "averaged over the batch. The KL is summed over the code; `reduction` says what is done with the error over "
        'the `n_numbers` (C H W) of an image: "sum" or "mean". Read the summed error as that of a Laplace density of '
        "the scale b = `laplace_scale`, -log p(x | z) = |x - x_hat| / b + a constant, and return the beta for which the loss, "
        "times a number, is -log p(x | z) + beta KL, up to a constant."
    ),
    hints=(
        "Multiplying the whole loss moves no minimum. By what do you have to multiply it, so that its error is in "
        "nats?",
        "The error in nats is the summed one over b. So multiply a loss with the sum by 1 / b, and one with the mean "
        "by n / b. What becomes of the factor of the KL?",
        'beta = `kl_weight` / b for "sum". A mean makes the error n times as small and the KL as heavy: n times that '
        'for "mean", where n is `n_numbers`.',
    ),
    explanation=(
        "A weight of 1e-6 tells little by itself: on a sum it lets a nat of the code cost next to nothing, while on a "
        "mean over 196,608 numbers it is a beta of 0.2 at b = 1. The scale counts too, and where it is learned the "
        "beta moves during training."
    ),
    returns="one number",
    reference=effective_beta,
    alternatives=(
        Alternative("loop over the factors", _loop),
        Alternative("the loss multiplied, a tensor", _ratio),
        Alternative("logarithms", _in_logs),
        Alternative("float64", lambda w, how, n, b: np.float64(w) * (n if how == "mean" else 1) / np.float64(b)),
    ),
    misconceptions=(
        Misconception(
            "times the scale",
            _with(lambda w, n, b: w * n * b),
            "You multiply by b. In nats an error is |x - x_hat| / b, so a small b makes the error heavy; to have it "
            "so in the loss, all of it is divided by b, and so is the KL's weight.",
            variants=(
                lambda w, how, n, b: w * n * b if how == "mean" else w / b,
                lambda w, how, n, b: w * n / b if how == "mean" else w * b,
                _with(lambda w, n, b: w / n * b),
            ),
        ),
        Misconception(
            "mean taken for a sum",
            _with(count=lambda how, n: 1),
            'You take a mean for a sum. With "mean" the error is divided by n, which makes it light and the KL heavy: '
            "the beta is `n_numbers` times as large.",
            variants=(_with(lambda w, n, b: w * b, count=lambda how, n: 1),),
        ),
        Misconception(
            "sum taken for a mean",
            _with(count=lambda how, n: n),
            'You use `n_numbers` with "sum" too. There nothing divides the error, so there is nothing to make up for.',
            variants=(
                lambda w, how, n, b: w / (n * b) if how == "sum" else w * n / b,
                _with(lambda w, n, b: w * n * b, count=lambda how, n: n),
            ),
        ),
        Misconception(
            "sum and mean exchanged",
            _with(count=lambda how, n: n if how == "sum" else 1),
            'You have "sum" and "mean" the wrong way round. It is the mean that divides the error by `n_numbers`.',
            variants=(
                _with(lambda w, n, b: w / n / b, count=lambda how, n: n if how == "sum" else 1),
                _with(lambda w, n, b: w * n * b, count=lambda how, n: n if how == "sum" else 1),
            ),
        ),
        Misconception(
            "count divided",
            _with(lambda w, n, b: w / n / b),
            'You divide by `n_numbers` with "mean". What makes the error small makes the KL count for more: beta '
            "grows with the count.",
            variants=(_with(lambda w, n, b: w / n / b, count=lambda how, n: n),),
        ),
        Misconception(
            "scale forgotten",
            _with(lambda w, n, b: w * n),
            "You leave out b, or use it with only one of the two words. One unit of the summed error is 1 / b nats, so at b "
            "= 0.1 the loss counts it ten times too low.",
            variants=(
                _with(lambda w, n, b: w / n),
                _with(lambda w, n, b: w * n, count=lambda how, n: n),
                lambda w, how, n, b: w * n / b if how == "mean" else w,
                lambda w, how, n, b: w * n if how == "mean" else w / b,
            ),
        ),
        Misconception(
            "weight as printed",
            _with(lambda w, n, b: w),
            "You return `kl_weight` as it is printed. It weighs the KL against the error as the loss has it; beta "
            "weighs it against -log p(x | z), in nats for a whole image.",
        ),
        Misconception(
            "a Gaussian's scale",
            _with(lambda w, n, b: w * n / (2 * b**2)),
            "You use the square of b, as in lesson 06. That belongs to a squared error and a "
            "Gaussian; a Laplace density has |x - x_hat| / b.",
            variants=(
                _with(lambda w, n, b: w * n / b**2),
                _with(lambda w, n, b: 2 * w * n * b**2),
                _with(lambda w, n, b: w * n * b**2),
                _with(lambda w, n, b: w / (2 * b**2), count=lambda how, n: 1),
                _with(lambda w, n, b: w / b**2, count=lambda how, n: 1),
                _with(lambda w, n, b: w * n / (2 * b**2), count=lambda how, n: n),
            ),
        ),
        Misconception(
            "a factor of two",
            _with(lambda w, n, b: w * n / (2 * b)),
            "You have a factor 2, or its root, beside b. 1 / (2 b) stands before the exponential, where it gives a "
            "constant; inside, and so in nats, it is |x - x_hat| / b.",
            variants=(
                _with(lambda w, n, b: 2 * w * n / b),
                _with(lambda w, n, b: w * n / (math.sqrt(2) * b)),
                _with(lambda w, n, b: 2 * w * n * b),
                _with(lambda w, n, b: math.sqrt(2) * w * n / b),
            ),
        ),
        Misconception(
            "the inverse",
            _with(lambda w, n, b: b / (w * n)),
            "This is the weight of the error relative to the KL, or another inverse. Beta is the factor of the KL "
            "where that of -log p(x | z) is 1.",
            variants=(
                _with(lambda w, n, b: b * n / w),
                _with(lambda w, n, b: 1 / w),
                _with(lambda w, n, b: b / w, count=lambda how, n: 1),
                _with(lambda w, n, b: n / (w * b)),
            ),
        ),
        Misconception(
            "scale as a logarithm",
            _with(lambda w, n, b: w * n * math.exp(-b)),
            "You take the exponential or a logarithm of `laplace_scale`. It is b itself, no log-variance, and the "
            "constant log(2 b) of the density weighs nothing.",
            variants=(
                _with(lambda w, n, b: w * n * math.exp(b)),
                _with(lambda w, n, b: w * n * math.exp(-b / 2)),
                _with(lambda w, n, b: w * n / (1 + math.log(2 * b))),
                _with(lambda w, n, b: w * n - math.log(2 * b)),
                _with(lambda w, n, b: w * n / b + math.log(2 * b)),
                _with(lambda w, n, b: w * n / (b + math.log(2 * b))),
            ),
        ),
        Misconception(
            "a fixed count",
            _with(count=lambda how, n: 784 if how == "mean" else 1),
            "You put a fixed number where the count belongs. How many numbers an image has is an argument: `n_numbers`.",
            variants=tuple(
                _with(count=lambda how, n, fixed=fixed: fixed if how == "mean" else 1)  # type: ignore[misc]
                for fixed in (3 * 28 * 28, 32 * 32, 3 * 32 * 32, 3 * 64 * 64, 3 * 256 * 256, 3 * 512 * 512)
            ),
        ),
        Misconception(
            "root of the count",
            _with(lambda w, n, b: w * math.sqrt(n) / b),
            "You use another function of the count or of b than these themselves, such as a root, a square or a logarithm. A "
            "mean divides by `n_numbers`, and the density by b.",
            variants=(
                _with(lambda w, n, b: w * n / math.sqrt(b)),
                lambda w, how, n, b: w * n / b if how == "mean" else w * math.sqrt(n) / b,
                _with(lambda w, n, b: w * n**2 / b),
                _with(lambda w, n, b: w * math.log(n) / b if n > 1 else w / b),
            ),
        ),
        Misconception(
            "share of the whole",
            _with(lambda w, n, b: w * n / b / (1 + w * n / b)),
            "This is a share of both factors, or beta held below 1. Beta is the ratio of the two, and can be above 1.",
            variants=(
                _with(lambda w, n, b: min(1.0, w * n / b)),
                _with(lambda w, n, b: 1 / (1 + w * n / b)),
            ),
        ),
    ),
    cases=_cases,
    probe=_probe,
)
