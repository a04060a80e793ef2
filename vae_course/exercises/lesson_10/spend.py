"""10-spend: a build. Divide a given rate among the directions of Gaussian data, so that the error is smallest."""

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vae_course.exercises.inputs import generator, integer, uniform
from vae_course.exercises.model import Alternative, Answer, AnswerError, Exercise, Inputs, Misconception
from vae_course.exercises.probes import BuildStage, StageResult, pair

Pair = tuple[Any, Any]


def spend(s2: Tensor, nats: float) -> Pair:
    """The level of the error [] and the rate of each direction [X], for variances s2 [X] and rates of nats in all."""
    log_s2 = torch.log(s2.double())
    low, high = log_s2.min() - 2 * nats, log_s2.max()
    for _ in range(60):
        middle = (low + high) / 2
        if (0.5 * (log_s2 - middle)).clamp_min(0).sum() > nats:
            low = middle
        else:
            high = middle
    return torch.exp(high), (0.5 * (log_s2 - high)).clamp_min(0)


def _probe(answer: Answer, case: Inputs) -> dict[str, Any]:
    """What each stage needs, in order: the first that is not as expected is the one that the learner is told of."""
    s2, nats = case.values()
    assert isinstance(s2, Tensor)
    level, rates = (
        torch.as_tensor(part).detach().double()
        if isinstance(part, Tensor | np.ndarray | np.generic | float | int)
        else None
        for part in pair(answer(s2, nats), "level", "rates")
    )
    if level is not None and rates is not None and (level.shape, rates.numel()) == (s2.shape, 1) != (s2.shape, len(s2)):
        raise AnswerError("level and rates have changed places: return the level first, then the rates.")
    if level is None or rates is None or level.numel() != 1 or rates.shape != s2.shape or not bool(level > 0):
        raise AnswerError(
            "stage 1 of 3 is not reached: return `level, rates`, one number above 0 and a tensor with one rate for each "
            "direction."
        )
    rates_stage, level_stage = (
        BuildStage(2, 3, "rates of your level"),
        BuildStage(3, 3, "the level that spends the budget"),
    )
    # What rounding to float32 leaves is no error: these are small differences of numbers that may be large.
    off = rates - 0.5 * torch.log(s2.double() / level).clamp_min(0)
    off = torch.where(off.abs() <= 1e-6 * (1 + rates.abs()), 0.0, off)
    less = rates_stage.result(
        "each rate less 1/2 log(s2 / level), or less 0 where that is negative,",
        "All of this is to be 0: the rates belong to the level that you return.",
    )
    spent = level_stage.result(
        "the sum of your rates", "They fit your level: a lower level spends more, a higher one less."
    )
    return {less: off, spent: rates.sum(), StageResult("the level", level_stage): level.reshape(())}


def _cases(seed: int) -> list[Inputs]:
    """Two directions by hand, then budgets that leave most directions dead and budgets that reach all.

    In float64, as in the lesson: an interval that is halved until it is below 1e-9 would never get there in float32.
    """
    source = generator(seed)
    n = integer(source, 5, 8)
    settings = ((1, 2.0), (n, 0.5), (n, 3.0), (n, 40.0), (3, 1e-2), (50, 10.0))
    cases: list[Inputs] = [{"s2": torch.tensor([4.0, 0.25]).double(), "nats": 0.5 * math.log(4)}]
    cases += [{"s2": torch.exp(8 * uniform(source, size).double() - 4), "nats": nats} for size, nats in settings]
    return [*cases, {"s2": torch.tensor([1e-8, 1.0, 1e6]).double() * (1 + uniform(source, 3)), "nats": 40.0}]


def _from_level(level: Tensor, s2: Tensor) -> Pair:
    return level, (0.5 * torch.log(s2.double() / level)).clamp_min(0)


def _every_count(s2: Tensor, nats: float) -> Pair:
    """The level for each number of live directions at once: the largest of them is the right one."""
    sums = torch.log(s2.double()).sort(descending=True).values.cumsum(0)
    return _from_level(torch.exp(((sums - 2 * nats) / torch.arange(1, len(s2) + 1)).max()), s2)


def _loop(s2: Tensor, nats: float) -> Pair:
    low, high = float(s2.min()) * math.exp(-2 * nats), float(s2.max())
    for _ in range(60):
        level = math.sqrt(low * high)
        spent = 0.0
        for variance in s2.tolist():
            spent += max(0.0, 0.5 * math.log(variance / level))
        low, high = (level, high) if spent > nats else (low, level)
    return _from_level(torch.tensor(high, dtype=torch.float64), s2)


def _until_tiny(s2: Tensor, nats: float) -> Pair:
    low, high = torch.zeros_like(s2.max()), s2.max()
    while high - low > 1e-9 * high:
        level = (low + high) / 2
        low, high = (level, high) if _from_level(level, s2)[1].sum() > nats else (low, level)
    return _from_level(high, s2)


def _equal_shares(s2: Tensor, nats: float) -> Pair:
    rates = torch.full_like(s2, nats / len(s2))
    return (s2 * torch.exp(-2 * rates)).mean(), rates


def _all_live(s2: Tensor, nats: float) -> Pair:
    level = torch.exp((torch.log(s2.double()).sum() - 2 * nats) / len(s2))
    return level, 0.5 * torch.log(s2.double() / level)


EXERCISE = Exercise(
    id="10-spend",
    title="Build: spend a budget",
    points=4,
    difficulty=4,
    minutes=20,
    task=(
        "A build, optional: turn the question round. For variances `s2` `[X]` and a budget of `nats` in all, return two things: "
        "the level of the error beta sigma^2 at which the rates of all directions add up to `nats`, and these rates, `[X]`. The "
        "check names the first of its three stages that you have not reached."
    ),
    hints=(
        "Write the rates for a level that you make up first: that is your function from above, with the level for beta sigma^2. "
        "How does their sum change when the level rises?",
        "The sum falls as the level rises: nats or more at level = min(s2) exp(-2 nats), 0 at max(s2). So halve the interval "
        "between two levels, of which one spends too much and one too little, until it is tiny.",
        "Keep `low` and `high` as logarithms of levels, `middle` half way. Where the rates at `middle` sum to more than "
        "`nats`, `middle` becomes the new `low`, otherwise the new `high`; after 60 rounds return exp(high) and its rates.",
    ),
    explanation=(
        "All directions that live end with the same error, the level, and those that vary less than that stay dead. So the "
        "budget is poured in like water that finds its level, and this is called reverse water-filling. A larger budget lowers "
        "the level, and one direction after another comes to life."
    ),
    returns="two things: the level, one number, and the rates, [X]",
    reference=spend,
    alternatives=(
        Alternative("loop", lambda s2, nats: _loop(s2, nats)),
        Alternative("every number of live directions", lambda s2, nats: _every_count(s2, nats)),
        Alternative("einsum", lambda s2, nats: _from_level(torch.einsum("->", _every_count(s2, nats)[0]), s2)),
        Alternative("float64, until the interval is tiny", lambda s2, nats: _until_tiny(s2, nats)),
        Alternative("NumPy", lambda s2, nats: tuple(part.numpy() for part in spend(s2, nats))),
    ),
    misconceptions=(
        Misconception(
            "equal shares",
            _equal_shares,
            "You give each direction the same share of the budget. A direction with little variance is not worth it: all "
            "live directions shall end with the same error, and the rest get nothing.",
        ),
        Misconception(
            "all directions live",
            _all_live,
            "You let all directions live, so some rates are negative. Drop the directions below the level to 0; then the "
            "others must share the whole budget, which needs another level.",
        ),
        Misconception(
            "negative rates cut off at the end",
            lambda s2, nats: _from_level(_all_live(s2, nats)[0], s2),
            "You set negative rates to 0 after you have found the level, so more than the budget is spent. The level must be "
            "found with the dead directions left out.",
        ),
        Misconception(
            "half forgotten",
            lambda s2, nats: (spend(s2, nats / 2)[0], 2 * spend(s2, nats / 2)[1]),
            "Your rates are log(s2 / level), twice too much. Variances stand inside the logarithm: take half of it.",
        ),
        Misconception(
            "bits",
            lambda s2, nats: (
                spend(s2, nats * math.log(2))[0],
                spend(s2, nats * math.log(2))[1] / math.log(2),
            ),
            "You count in bits, with logarithms to base 2. The budget is in nats: use `torch.log`.",
        ),
        Misconception(
            "rates before the level",
            lambda s2, nats: spend(s2, nats)[::-1],
            "Level and rates have changed places: return the level first, then the rates.",
        ),
        Misconception(
            "one direction at a time",
            lambda s2, nats: (s2.min(), torch.where(s2 == s2.max(), nats, 0.0)),
            "You spend everything on the direction that varies most. Once its error has fallen to the variance of the next, it "
            "is better to spend on both.",
            variants=(lambda s2, nats: (s2.max() * math.exp(-2 * nats), torch.where(s2 == s2.max(), nats, 0.0)),),
        ),
    ),
    cases=_cases,
    probe=_probe,
)
