"""16-two-counts: dimensions whose mean moves, and dimensions that carry nats, two counts that may say the opposite."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.distributions import Normal, kl_divergence

from vae_course.exercises.inputs import generator, integer, normal, uniform
from vae_course.exercises.model import Alternative, Answer, AnswerError, Exercise, Inputs, Misconception
from vae_course.exercises.probes import pair, untrained

Pair = tuple[Any, Any]


def two_counts(mu: Tensor, logvar: Tensor, variance: float, nats: float) -> Pair:
    """How many of D dimensions have a mean that varies by more than variance, and how many a mean KL above nats."""
    kl_of_dims = 0.5 * (mu**2 + logvar.exp() - 1 - logvar)
    by_variance = (mu.var(dim=0) > variance).sum()
    by_nats = (kl_of_dims.mean(dim=0) > nats).sum()
    return by_variance, by_nats


def _probe(answer: Answer, case: Inputs) -> dict[str, Any]:
    parts = pair(answer(*case.values()), "by_variance", "by_nats")
    return {
        name: _count(part) for name, part in zip(("the count by variance", "the count by nats"), parts, strict=True)
    }


def _count(part: Any) -> Any:
    """A whole number in whatever form it comes."""
    try:
        number = untrained(part)
    except (TypeError, ValueError, RuntimeError):
        return part
    if isinstance(part, Tensor | np.ndarray) and part.dtype in (torch.bool, np.dtype(bool)) and number.ndim:
        raise AnswerError("a count is one whole number: add up how many dimensions are above the threshold, `.sum()`.")
    return number.reshape(()) if number.numel() == 1 else number


def _cases(seed: int) -> list[Inputs]:
    """Dimensions of all kinds: wide and narrow, moving or not, off the middle; several thresholds, few images and many.

    No dimension lies near a threshold, so the variance over N and that over N - 1 count the same.
    """
    source = generator(seed)
    n, d = integer(source, 20, 24), integer(source, 30, 34)
    cases = [
        _case(source, *sizes, variance, nats)
        for sizes, variance, nats in (
            ((2, 3), 0.01, 0.1),
            ((12, 10), 0.01, 0.1),
            ((n, d), 0.01, 0.1),
            ((n, d), 0.01, 0.1),
            ((30, 40), 0.1, 0.01),
            ((40, 32), 0.5, 1.0),
            ((32, 36), 0.02, 0.5),
            ((9, 1), 0.01, 0.1),
            ((120, 40), 0.01, 0.1),
        )
    ]
    # Posteriors as wide and as narrow as they come, and means far out.
    far = _case(source, 15, 24, 0.01, 0.1)
    mu, logvar = far["mu"], far["logvar"]
    assert isinstance(mu, Tensor) and isinstance(logvar, Tensor)
    far["logvar"] = (logvar + 15.0 * ((torch.arange(24) % 3) - 1)).double()
    far["mu"] = (mu + 30.0 * (torch.arange(24) % 4 == 0)).double()
    # Rates of several nats by the width alone, and means that move far, on either side of high thresholds.
    widths = torch.tensor([-16.0, -13.0, -12.0, -11.7, -10.0, -9.0, 0.0, 2.3, 2.9, 12.0])
    noise = normal(source, 8, len(widths))
    moves = 8.0 * (noise - noise.mean(0)) / noise.std(0) * (torch.arange(len(widths)) % 3 == 0)
    high: list[Inputs] = [
        {"mu": moves, "logvar": widths.expand(8, -1).clone(), "variance": 40.0, "nats": nats} for nats in (5.0, 7.2)
    ]
    still = _case(source, 7, 5, 0.05, 0.2)
    return [*cases, far, *high, {**still, "mu": torch.zeros(7, 5), "logvar": torch.zeros(7, 5)}]


def _case(source: torch.Generator, n: int, d: int, variance: float, nats: float) -> Inputs:
    """D dimensions that lie clear of both thresholds, out of twenty times as many."""
    many = 20 * d + 40
    spread = variance**0.5 * torch.exp(5 * uniform(source, many) - 2.5)
    noise = normal(source, n, many)
    unit = (noise - noise.mean(0)) / noise.std(0)
    centre = torch.where(uniform(source, many) < 0.5, 0.0, nats**0.5 * 2 * normal(source, many))
    # A posterior with this mean KL by its width alone, or none.
    width = torch.where(
        uniform(source, many) < 0.5, 0.0, -2 * (nats * torch.exp(3 * uniform(source, many) - 1.5)).sqrt()
    )
    mu = centre + spread * unit
    logvar = width + 2 * nats**0.5 * normal(source, n, many) * (uniform(source, many) < 0.5)
    kl = (0.5 * (mu**2 + logvar.exp() - 1 - logvar)).mean(0)
    by_spread, by_kl = (2 * (spread / variance**0.5).log()).abs(), (kl / nats).log().abs()
    clear = (by_spread > (0.8 if n < 9 else 0.3)) & (by_kl > 0.1)
    # As many as possible about which the two counts differ.
    first = torch.nonzero(clear & ((spread**2 > variance) != (kl > nats)))[:, 0]
    rest = torch.nonzero(clear & ((spread**2 > variance) == (kl > nats)))[:, 0]
    share = integer(source, d // 3, 2 * d // 3)
    chosen = torch.cat([first[:share], rest])[:d]
    assert len(chosen) == d
    chosen = chosen[torch.randperm(d, generator=source)]
    return {"mu": mu[:, chosen], "logvar": logvar[:, chosen], "variance": variance, "nats": nats}


def _loop(mu: Tensor, logvar: Tensor, variance: float, nats: float) -> Pair:
    by_variance = by_nats = 0
    for means, logs in zip(mu.double().T.tolist(), logvar.double().T.tolist(), strict=True):
        centre = sum(means) / len(means)
        kls = [(m**2 + math.exp(v) - 1 - v) / 2 for m, v in zip(means, logs, strict=True)]
        by_variance += sum((m - centre) ** 2 for m in means) / (len(means) - 1) > variance
        by_nats += sum(kls) / len(kls) > nats
    return by_variance, by_nats


def _numpy(mu: Tensor, logvar: Tensor, variance: float, nats: float) -> Pair:
    kl = 0.5 * (mu.numpy() ** 2 + np.exp(logvar.numpy()) - 1 - logvar.numpy())
    return np.count_nonzero(mu.numpy().var(axis=0) > variance), np.count_nonzero(kl.mean(axis=0) > nats)


def _distributions(mu: Tensor, logvar: Tensor, variance: float, nats: float) -> Pair:
    q = Normal(mu, torch.exp(0.5 * logvar))
    kl = kl_divergence(q, Normal(torch.zeros_like(mu), torch.ones_like(mu)))
    return int((mu.std(0) ** 2 > variance).sum()), int((kl.mean(0) > nats).sum())


def _flags(mu: Tensor, logvar: Tensor, variance: float, nats: float) -> list[Any]:
    """As numbers of dimensions left after the others are taken out."""
    kl = 0.5 * (mu.square() + torch.expm1(logvar) - logvar).mean(0)
    return [len(mu.var(0)[mu.var(0) > variance]), len(kl[kl > nats])]


Numbers = Callable[[Tensor, Tensor], Tensor]


def _kl(mu: Tensor, logvar: Tensor) -> Tensor:
    return 0.5 * (mu**2 + logvar.exp() - 1 - logvar)


def _moves(mu: Tensor, logvar: Tensor) -> Tensor:
    return mu.var(0)


def _costs(mu: Tensor, logvar: Tensor) -> Tensor:
    return _kl(mu, logvar).mean(0)


def _with(moves: Numbers = _moves, costs: Numbers = _costs) -> Answer:
    """Both counts, with the numbers of one of them changed."""
    return lambda mu, logvar, variance, nats: (
        (moves(mu, logvar) > variance).sum(),
        (costs(mu, logvar) > nats).sum(),
    )


EXERCISE = Exercise(
    id="16-two-counts",
    title="Two ways to count a level",
    points=2,
    difficulty=2,
    minutes=5,
    task=(
        "Count the dimensions of a level in two ways. Given are `mu` and `logvar` `[N, D]` of its q for N images; the prior "
        "is N(0, I). Return two whole numbers, `by_variance, by_nats`: of how many dimensions the posterior mean has a "
        "variance over the images above `variance`, and of how many the KL to the prior, on average over the images, is "
        "above `nats`."
    ),
    hints=(
        "One count asks whether the mean of a code moves at all from image to image, the other one what the code costs. Which of "
        "them needs `logvar`? And along which axis do the images lie?",
        "KL_d = 1/2 (mu_d^2 + sigma_d^2 - 1 - log sigma_d^2) for each image and each dimension; then the mean over the N images.",
        "`mu.var(dim=0)` has one number for each dimension, and so has the KL after `.mean(dim=0)`. Compare each with its "
        "threshold; `.sum()` of the flags is the count.",
    ),
    explanation=(
        "A mean with a variance of 0.02 counts as active, and beside a posterior of width 1 it costs 0.01 nats: next to nothing. "
        "So a level may have all of its dimensions active and be idle. What a level carries is told by its nats; a dimension "
        "that is charged for although its mean never moves is told by both counts together."
    ),
    returns="two whole numbers, by_variance and by_nats",
    reference=two_counts,
    alternatives=(
        Alternative("loop", _loop),
        Alternative("NumPy", _numpy),
        Alternative("distributions", _distributions),
        Alternative("those that are left", _flags),
        Alternative(
            "einsum",
            lambda mu, logvar, variance, nats: (
                (mu.var(0, unbiased=False) > variance).sum(),
                (torch.einsum("nd->d", _kl(mu, logvar)) > nats * len(mu)).sum(),
            ),
        ),
        Alternative("float64", lambda mu, logvar, *two: two_counts(mu.double(), logvar.double(), *two)),
    ),
    misconceptions=(
        Misconception(
            "counts exchanged",
            lambda *inputs: two_counts(*inputs)[::-1],
            "Your two counts have changed places: the one by variance comes first.",
        ),
        Misconception(
            "thresholds exchanged",
            lambda mu, logvar, variance, nats: two_counts(mu, logvar, nats, variance),
            "Your two thresholds have changed places: `variance` belongs to the variance of the means, `nats` to the KL.",
        ),
        Misconception(
            "one threshold for both",
            lambda mu, logvar, variance, nats: two_counts(mu, logvar, variance, variance),
            "You compare both numbers with one threshold. The variance has `variance`, the KL has `nats`.",
            variants=(lambda mu, logvar, variance, nats: two_counts(mu, logvar, nats, nats),),
        ),
        Misconception(
            "thresholds of your own",
            lambda mu, logvar, variance, nats: two_counts(mu, logvar, 0.01, 0.1),
            "Your thresholds, or one of them, stand in your code as numbers. They are given: `variance` and `nats`.",
            variants=(
                lambda mu, logvar, variance, nats: two_counts(mu, logvar, 0.01, nats),
                lambda mu, logvar, variance, nats: two_counts(mu, logvar, variance, 0.1),
                lambda mu, logvar, variance, nats: two_counts(mu, logvar, 0.01, 0.01),
                lambda mu, logvar, variance, nats: two_counts(mu, logvar, variance, 0.01),
            ),
        ),
        Misconception(
            "variance of the code",
            _with(lambda mu, logvar: mu.var(0) + logvar.exp().mean(0)),
            "You count by the variance of z, to which the width of the posterior belongs. It is 1 where nothing is coded: "
            "asked for is the variance of the mean alone.",
            variants=(
                _with(lambda mu, logvar: logvar.exp().mean(0)),
                _with(lambda mu, logvar: (logvar / 2).exp().var(0) + mu.var(0)),
            ),
        ),
        Misconception(
            "counted by width",
            lambda mu, logvar, variance, nats: (
                (logvar.exp().mean(0) < 1 - variance).sum(),
                (_costs(mu, logvar) > nats).sum(),
            ),
            "You count dimensions whose posterior is narrow. The count by variance looks at the mean alone: whether it moves "
            "from image to image.",
            variants=(
                lambda mu, logvar, variance, nats: (
                    (logvar.exp().mean(0) < variance).sum(),
                    (_costs(mu, logvar) > nats).sum(),
                ),
            ),
        ),
        Misconception(
            "mean square",
            _with(lambda mu, logvar: mu.square().mean(0)),
            "You count by the mean square of the posterior mean, which is large for a mean that stands still off the middle. A "
            "variance is taken around the mean over the images.",
            variants=(_with(lambda mu, logvar: mu.abs().mean(0)), _with(lambda mu, logvar: mu.mean(0).square())),
        ),
        Misconception(
            "standard deviation",
            _with(lambda mu, logvar: mu.std(0)),
            "You compare the standard deviation of the means with `variance`. Square it.",
            variants=(_with(lambda mu, logvar: mu.std(0, unbiased=False)),),
        ),
        Misconception(
            "range of the means",
            _with(lambda mu, logvar: mu.amax(0) - mu.amin(0)),
            "You count by another spread of the means, such as their range or their mean distance from the middle. Asked for is "
            "their variance over the images.",
            variants=(_with(lambda mu, logvar: (mu - mu.mean(0)).abs().mean(0)),),
        ),
        Misconception(
            "over the dimensions",
            _with(lambda mu, logvar: mu.var(1)),
            "You count images: variance or mean are taken over axis 1, the dimensions. The images lie along axis 0, and one "
            "number for each dimension is left.",
            variants=(
                _with(lambda mu, logvar: mu.var(1), lambda mu, logvar: _kl(mu, logvar).mean(1)),
                _with(costs=lambda mu, logvar: _kl(mu, logvar).mean(1)),
                _with(costs=lambda mu, logvar: _kl(mu, logvar).sum(1)),
            ),
        ),
        Misconception(
            "sum over the images",
            _with(costs=lambda mu, logvar: _kl(mu, logvar).sum(0)),
            "You add the KL up over the images, so with many of them everything is above the threshold. Take the mean over the N "
            "images.",
        ),
        Misconception(
            "largest over the images",
            _with(costs=lambda mu, logvar: _kl(mu, logvar).amax(0)),
            "You judge a dimension by single images: by the largest KL, by all of them or by the median. Asked for is the mean "
            "over the images.",
            variants=(
                lambda mu, logvar, variance, nats: (
                    (mu.var(0) > variance).sum(),
                    (_kl(mu, logvar) > nats).all(0).sum(),
                ),
                _with(costs=lambda mu, logvar: _kl(mu, logvar).median(0).values),
            ),
        ),
        Misconception(
            "pairs counted",
            lambda mu, logvar, variance, nats: ((mu.var(0) > variance).sum(), (_kl(mu, logvar) > nats).sum()),
            "You count pairs of an image and a dimension. Take the mean of the KL over the images first, then count dimensions.",
        ),
        Misconception(
            "half of the KL forgotten",
            _with(costs=lambda mu, logvar: 2 * _costs(mu, logvar)),
            "Your KL is twice too large, or a part of it is. All of mu^2 + sigma^2 - 1 - log sigma^2 is halved.",
            variants=(
                _with(costs=lambda mu, logvar: (0.5 * (mu**2 + logvar.exp() - 1) - logvar).mean(0)),
                _with(costs=lambda mu, logvar: (mu**2 + 0.5 * (logvar.exp() - 1 - logvar)).mean(0)),
            ),
        ),
        Misconception(
            "KL of the averages",
            _with(costs=lambda mu, logvar: _kl(mu.mean(0), logvar.mean(0))),
            "You average means or widths over the images before you take the KL. What moves from image to image is gone "
            "then: take the KL of each image, and average those.",
            variants=(
                _with(costs=lambda mu, logvar: _kl(mu.mean(0), logvar.exp().mean(0).log())),
                _with(costs=lambda mu, logvar: _kl(mu, logvar.mean(0)).mean(0)),
                _with(costs=lambda mu, logvar: _kl(mu.mean(0), (mu.var(0) + logvar.exp().mean(0)).log())),
            ),
        ),
        Misconception(
            "KL without the mean",
            _with(costs=lambda mu, logvar: _kl(torch.zeros_like(mu), logvar).mean(0)),
            "mu^2 is missing in your KL. A mean off the middle costs nats as well as a width does.",
        ),
        Misconception(
            "KL without the width",
            _with(costs=lambda mu, logvar: 0.5 * mu.square().mean(0)),
            "Your KL has the mean alone. A posterior narrower or wider than the prior costs nats too: sigma^2 - 1 - log sigma^2.",
        ),
        Misconception(
            "KL that is not zero for the prior",
            _with(costs=lambda mu, logvar: (_kl(mu, logvar) + 0.5).mean(0)),
            "Your KL is not 0 where q is the prior, for mu = 0 and logvar = 0. The 1 is subtracted, and so is log sigma^2.",
            variants=(
                _with(costs=lambda mu, logvar: (_kl(mu, logvar) + 1).mean(0)),
                _with(costs=lambda mu, logvar: (_kl(mu, logvar) - 0.5).mean(0)),
                _with(costs=lambda mu, logvar: 0.5 * (mu**2 + logvar.exp()).mean(0)),
                _with(costs=lambda mu, logvar: 0.5 * (mu**2 + logvar.exp() + logvar).mean(0)),
            ),
        ),
        Misconception(
            "KL the other way round",
            _with(costs=lambda mu, logvar: 0.5 * ((mu**2 + 1) / logvar.exp() - 1 + logvar).mean(0)),
            "Your KL is the one from the prior to q. A level is charged for KL( q || p(z) ).",
        ),
        Misconception(
            "logvar as variance",
            _with(costs=lambda mu, logvar: 0.5 * (mu**2 + logvar - 1 - logvar.abs().clamp(min=1e-9).log()).mean(0)),
            "You take logvar for the variance, or for log sigma. It is log sigma^2, and sigma^2 is its exponential.",
            variants=(
                _with(costs=lambda mu, logvar: _kl(mu, 2 * logvar).mean(0)),
                _with(costs=lambda mu, logvar: _kl(mu, logvar / 2).mean(0)),
                _with(costs=lambda mu, logvar: 0.5 * (mu**2 + logvar.exp() ** 2 - 1 - logvar).mean(0)),
                _with(costs=lambda mu, logvar: 0.5 * (mu**2 + logvar - 1 - logvar.log()).mean(0)),
            ),
        ),
        Misconception(
            "bits",
            _with(costs=lambda mu, logvar: _costs(mu, logvar) / math.log(2)),
            "Your KL is in bits. The threshold is in nats: leave the division by log 2 out.",
        ),
        Misconception(
            "share of the total",
            _with(costs=lambda mu, logvar: _costs(mu, logvar) / _costs(mu, logvar).sum()),
            "You divide by the KL of the whole level, or by D. The threshold is in nats for one dimension: compare its own "
            "mean KL with it.",
            variants=(_with(costs=lambda mu, logvar: _costs(mu, logvar) / mu.shape[1]),),
        ),
        Misconception(
            "the level as a whole",
            _with(costs=lambda mu, logvar: _costs(mu, logvar).mean()),
            "You compare one number for the whole level with a threshold. Each dimension is counted by itself: keep the axis "
            "of the D dimensions until the flags are added up.",
            variants=(
                _with(costs=lambda mu, logvar: _costs(mu, logvar).sum()),
                _with(costs=lambda mu, logvar: _costs(mu, logvar).mean().expand(mu.shape[1])),
                _with(lambda mu, logvar: mu.var(), lambda mu, logvar: _kl(mu, logvar).mean()),
                _with(lambda mu, logvar: mu.var(0).mean(), lambda mu, logvar: _kl(mu, logvar).mean()),
                _with(lambda mu, logvar: mu.var()),
            ),
        ),
        Misconception(
            "those below",
            lambda mu, logvar, variance, nats: (
                (mu.var(0) < variance).sum(),
                (_costs(mu, logvar) < nats).sum(),
            ),
            "You count the dimensions below a threshold. Asked for are those above it.",
            variants=(
                lambda mu, logvar, variance, nats: ((mu.var(0) < variance).sum(), (_costs(mu, logvar) > nats).sum()),
                lambda mu, logvar, variance, nats: ((mu.var(0) > variance).sum(), (_costs(mu, logvar) < nats).sum()),
            ),
        ),
        Misconception(
            "shares in place of counts",
            lambda mu, logvar, variance, nats: (
                (mu.var(0) > variance).float().mean(),
                (_costs(mu, logvar) > nats).float().mean(),
            ),
            "You return shares of the D dimensions. Asked for are the counts: `.sum()` of the flags.",
        ),
        Misconception(
            "both conditions at once",
            lambda mu, logvar, variance, nats: (
                (mu.var(0) > variance).sum(),
                ((mu.var(0) > variance) & (_costs(mu, logvar) > nats)).sum(),
            ),
            "Your count by nats asks for a mean that moves as well. Each count is by its own test: one threshold each.",
        ),
    ),
    cases=_cases,
    probe=_probe,
)
