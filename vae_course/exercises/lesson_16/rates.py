"""16-rates: what each level of the linear-Gaussian chain costs, on average over x."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vae_course.exercises.inputs import generator, integer, uniform
from vae_course.exercises.model import Alternative, Answer, Exercise, Inputs, Misconception
from vae_course.exercises.probes import pair

Pair = tuple[Any, Any]


def chain_rates(a: Tensor, sigma: float) -> tuple[Tensor, Tensor]:
    """Rates of the bottom and of the top level in nats, for each weight a [A] between the levels; sigma: noise of x."""
    given = 1 - a**2
    bottom = 0.5 * torch.log(1 + given / sigma**2)
    top = -0.5 * torch.log(1 - a**2 / (1 + sigma**2))
    return bottom, top


def _probe(answer: Answer, case: Inputs) -> dict[str, Any]:
    bottom, top = pair(answer(*case.values()), "bottom", "top")
    parts = {"the bottom rate": bottom, "the top rate": top}
    return {name: _read(part) for name, part in parts.items()}


def _read(part: Any) -> Any:
    """An array or a list of numbers as a tensor; the diagnosis says what anything else is."""
    if isinstance(part, list | tuple):
        part = [one.item() if isinstance(one, Tensor | np.ndarray | np.generic) else one for one in part]
    try:
        return torch.as_tensor(part)
    except (TypeError, ValueError, RuntimeError):
        return part


def _cases(seed: int) -> list[Inputs]:
    """One weight by hand, no link at all, weights by chance twice, nearly a copy, next to no noise and much of it."""
    source = generator(seed)
    n = integer(source, 4, 6)
    by_chance: list[Inputs] = [{"a": 0.1 + 0.85 * uniform(source, n), "sigma": sigma} for sigma in (0.5, 0.8, 1.0, 1.7)]
    near_one = 1 - 10.0 ** -(torch.linspace(1, 4.5, 5) + 0.5 * uniform(source, 5)).double()  # ever nearer, up to 1e-5
    return [
        {"a": torch.tensor([0.6]), "sigma": 0.5},
        {"a": torch.zeros(2), "sigma": 0.3 + 0.4 * float(uniform(source, 1))},
        *by_chance,
        {"a": near_one, "sigma": 0.5},
        {"a": near_one.flip(0), "sigma": 0.01},
        {"a": torch.cat([uniform(source, 3).double(), 1 - 1e-8 * (1 + uniform(source, 2).double())]), "sigma": 3e-4},
        {"a": 0.9 * uniform(source, 3).double(), "sigma": 12.0},
        {"a": 0.99 * uniform(source, 50), "sigma": 0.2 + float(uniform(source, 1))},
    ]


def _loop(a: Tensor, sigma: float) -> Pair:
    rates = []
    for weight in a.tolist():
        var_x, var_x_given_top = 1 + sigma**2, 1 - weight**2 + sigma**2
        rates.append((0.5 * math.log(var_x_given_top / sigma**2), 0.5 * math.log(var_x / var_x_given_top)))
    bottom, top = zip(*rates, strict=True)
    return list(bottom), list(top)


def _precisions(a: Tensor, sigma: float) -> Pair:
    """Width of each code before x is seen, over its width after."""
    before = 1 - a.double() ** 2
    after = 1 / (1 / before + 1 / sigma**2)
    top_after = 1 - a.double() * a.double() / (1 + sigma**2)
    return 0.5 * (before.log() - after.log()), -torch.log(top_after) / 2


def _rest(a: Tensor, sigma: float) -> Pair:
    """The top by its correlation with x; the bottom is what is left of the sum."""
    a = a.double()
    top = -0.5 * torch.log1p(-((a / math.sqrt(1 + sigma**2)) ** 2))
    return 0.5 * math.log1p(1 / sigma**2) - top, top


def _covariances(a: Tensor, sigma: float) -> Pair:
    """Mutual informations from determinants."""
    a = a.double()
    one = torch.ones_like(a)
    joint = torch.stack([one, a, a, one + sigma**2], -1).view(-1, 2, 2)
    top = 0.5 * (one.log() + math.log(1 + sigma**2) - torch.logdet(joint))
    given = torch.stack([1 - a**2, 1 - a**2, 1 - a**2, 1 - a**2 + sigma**2], -1).view(-1, 2, 2)
    bottom = 0.5 * (torch.log(1 - a**2) + torch.log(1 - a**2 + sigma**2) - torch.logdet(given))
    return bottom, top


def _numpy(a: Tensor, sigma: float) -> Pair:
    weight = a.numpy().astype(float)
    left = 1 + sigma**2 - weight**2
    return 0.5 * np.log(left / sigma**2), 0.5 * np.log((1 + sigma**2) / left)


Rate = Callable[[Tensor, float], Tensor]


def _bottom(a: Tensor, sigma: float) -> Tensor:
    return 0.5 * torch.log1p((1 - a**2) / sigma**2)


def _top(a: Tensor, sigma: float) -> Tensor:
    return -0.5 * torch.log1p(-(a**2) / (1 + sigma**2))


def _whole(a: Tensor, sigma: float) -> Tensor:
    return 0.5 * torch.log1p(1 / torch.as_tensor(sigma**2, dtype=a.dtype)).expand(a.shape)


def _either(bottom: Rate, top: Rate) -> tuple[Answer, ...]:
    """Both rates wrong, and each of them by itself."""
    return (
        lambda a, sigma: (bottom(a, sigma), top(a, sigma)),
        lambda a, sigma: (bottom(a, sigma), _top(a, sigma)),
        lambda a, sigma: (_bottom(a, sigma), top(a, sigma)),
    )


def _left(wrong: Rate) -> tuple[Answer, ...]:
    """A wrong rate for one level, with what is left of the sum for the other."""
    return (
        lambda a, sigma: (wrong(a, sigma), _whole(a, sigma) - wrong(a, sigma)),
        lambda a, sigma: (_whole(a, sigma) - wrong(a, sigma), wrong(a, sigma)),
    )


def _no_means(left: Tensor) -> Tensor:
    """KL to the prior for a posterior with this share of the variance, in the middle."""
    return 0.5 * (left - 1 - left.log())


_NO_SQUARE_OF_SIGMA = _either(
    lambda a, sigma: 0.5 * torch.log1p((1 - a**2) / sigma), lambda a, sigma: -0.5 * torch.log1p(-(a**2) / (1 + sigma))
)
_NO_SQUARE_OF_A = _either(
    lambda a, sigma: 0.5 * torch.log1p((1 - a) / sigma**2), lambda a, sigma: -0.5 * torch.log1p(-a / (1 + sigma**2))
)
_BITS = _either(lambda a, sigma: _bottom(a, sigma) / math.log(2), lambda a, sigma: _top(a, sigma) / math.log(2))
_NO_HALF = _either(lambda a, sigma: 2 * _bottom(a, sigma), lambda a, sigma: 2 * _top(a, sigma))
_SIGN = _either(lambda a, sigma: -_bottom(a, sigma), lambda a, sigma: -_top(a, sigma))
_HALF_TWICE = _either(lambda a, sigma: _bottom(a, sigma) / 2, lambda a, sigma: _top(a, sigma) / 2)
_LOG_OF_AFTER = _either(
    lambda a, sigma: 0.5 * torch.log((1 - a**2) / (1 + (1 - a**2) / sigma**2)),
    lambda a, sigma: 0.5 * torch.log1p(-(a**2) / (1 + sigma**2)),
)[:2]
_ENTROPIES = _either(
    lambda a, sigma: 0.5 * torch.log(2 * math.pi * math.e * (1 - a**2) / (1 + (1 - a**2) / sigma**2)),
    lambda a, sigma: 0.5 * torch.log(2 * math.pi * math.e * (1 - a**2 / (1 + sigma**2))),
)
_OF_X = _either(
    lambda a, sigma: 0.5 * torch.log(1 - a**2 + sigma**2), lambda a, sigma: 0.5 * torch.log(1 - a**2 + sigma**2)
)
_NO_LOG = _either(lambda a, sigma: (1 - a**2) / sigma**2, lambda a, sigma: a**2 / (1 + sigma**2))
_RATIOS = _either(lambda a, sigma: 1 + (1 - a**2) / sigma**2, lambda a, sigma: 1 / (1 - a**2 / (1 + sigma**2)))
_SHARES = _either(lambda a, sigma: 1 / (1 + (1 - a**2) / sigma**2), lambda a, sigma: 1 - a**2 / (1 + sigma**2))
_MIDDLE = _either(
    lambda a, sigma: _no_means(1 / (1 + (1 - a**2) / sigma**2)),
    lambda a, sigma: _no_means(1 - a**2 / (1 + sigma**2)),
)


EXERCISE = Exercise(
    id="16-rates",
    title="Who carries the nats",
    points=2,
    difficulty=3,
    minutes=6,
    task=(
        "In the chain z2 ~ N(0, 1), z1 = a z2 + sqrt(1 - a^2) eps, x = z1 + sigma eps' the code is sent from the top down: "
        "first z2 from p(z2 | x), then z1 from p(z1 | x, z2), both exact. Return what each level costs in nats, on average "
        "over x, as `bottom, top`, each `[A]`: the KL of p(z1 | x, z2) to p(z1 | z2), and that of p(z2 | x) to p(z2). Given "
        "are `a` `[A]`, 0 <= a < 1, and the number `sigma`."
    ),
    hints=(
        "A mean KL from the exact posterior to the prior is a mutual information: I(z2; x) for the top; for the bottom I(z1; x | "
        "z2), for z2 is known by then. How much narrower does x make each code?",
        "For Gaussians a mutual information is 1/2 log(variance before / variance after). x has variance 1 + sigma^2, given "
        "z2 it has 1 - a^2 + sigma^2, and given z1 sigma^2.",
        "Top: half the log of the first of these over the second; bottom: half the log of the second over the third. Add them up "
        "for any a as a check: something cancels.",
    ),
    explanation=(
        "Var(x), Var(x | z2), Var(x | z1): each level takes one step down this staircase, and in the sum the middle one "
        "cancels. What is left, I(z1; x) = 1/2 log(1 + 1 / sigma^2), doesn't know a. So for every a the model fits x as well "
        "and the bound is the same: nothing in it asks for a top that carries anything."
    ),
    returns="two tensors, bottom and top, each [A]",
    reference=chain_rates,
    alternatives=(
        Alternative("loop", _loop),
        Alternative("widths before and after", _precisions),
        Alternative("what is left of the sum", _rest),
        Alternative("determinants", _covariances),
        Alternative("NumPy", _numpy),
        Alternative("float64", lambda a, sigma: chain_rates(a.double(), sigma)),
    ),
    misconceptions=(
        Misconception(
            "top and bottom exchanged",
            lambda a, sigma: (_top(a, sigma), _bottom(a, sigma)),
            "Your two rates have changed places. The bottom comes first, the top second.",
        ),
        Misconception(
            "what z1 tells of z2",
            lambda a, sigma: (_bottom(a, sigma), -0.5 * torch.log1p(-(a**2))),
            "Your top rate is I(z1; z2), what z1 would tell of z2. Only x is seen, and x is z1 plus noise: take the width of "
            "p(z2 | x), and its variance 1 - a^2 / (1 + sigma^2).",
            variants=(lambda a, sigma: (_whole(a, sigma), -0.5 * torch.log1p(-(a**2))),),
        ),
        Misconception(
            "the split from the bottom up",
            lambda a, sigma: (_whole(a, sigma) + 0.5 * torch.log1p(-(a**2)), -0.5 * torch.log1p(-(a**2))),
            "Your bottom rate has q(z1 | x), which does not know z2, as in the split from the bottom up. Here z2 was sent "
            "before: compare p(z1 | x, z2) with p(z1 | z2).",
            variants=(
                lambda a, sigma: (_whole(a, sigma) + 0.5 * torch.log1p(-(a**2)), _top(a, sigma)),
                lambda a, sigma: (
                    0.5 * (torch.log1p(-(a**2)) - math.log(sigma**2 / (1 + sigma**2)) + sigma**2 / (1 + sigma**2) - 1),
                    _top(a, sigma),
                ),
            ),
        ),
        Misconception(
            "bottom against N(0, 1)",
            lambda a, sigma: (_whole(a, sigma), _top(a, sigma)),
            "Your bottom rate is I(z1; x), the KL of z1 to N(0, 1), as if there were no z2. What z2 has told is charged at "
            "the top already: the prior of z1 is p(z1 | z2), of variance 1 - a^2.",
        ),
        Misconception(
            "all of it at the top",
            lambda a, sigma: (_bottom(a, sigma), _whole(a, sigma)),
            "Your top rate is I(z1; x), what x tells of z1. Of z2 it tells less, for z1 is a z2 plus noise: the variance of "
            "x given z2 is 1 - a^2 + sigma^2.",
            variants=(lambda a, sigma: (_whole(a, sigma), _whole(a, sigma)),),
        ),
        Misconception(
            "share added in place of taken off",
            lambda a, sigma: (_bottom(a, sigma), 0.5 * torch.log1p(a**2 / (1 + sigma**2))),
            "In your top rate the share a^2 / (1 + sigma^2) is added to 1. What is left of the variance is 1 minus that, and "
            "the rate is minus half its logarithm.",
            variants=(
                lambda a, sigma: (
                    _whole(a, sigma) - 0.5 * torch.log1p(a**2 / (1 + sigma**2)),
                    0.5 * torch.log1p(a**2 / (1 + sigma**2)),
                ),
            ),
        ),
        Misconception(
            "noise of z1 forgotten",
            lambda a, sigma: (_bottom(a, sigma), 0.5 * torch.log1p(a**2 / sigma**2)),
            "Your top rate takes x given z2 to have no noise but sigma. z1 has its own, of variance 1 - a^2, and both lie "
            "between z2 and x.",
            variants=(
                lambda a, sigma: (
                    _whole(a, sigma) - 0.5 * torch.log1p(a**2 / sigma**2),
                    0.5 * torch.log1p(a**2 / sigma**2),
                ),
            ),
        ),
        Misconception(
            "a squared in place of the rest",
            lambda a, sigma: (0.5 * torch.log1p(a**2 / sigma**2), _top(a, sigma)),
            "Your bottom rate has a^2, the variance that z2 explains. Given z2 that part is known: 1 - a^2 is what is left "
            "for z1.",
            variants=(
                lambda a, sigma: (0.5 * torch.log1p(a**2 / sigma**2), -0.5 * torch.log1p(-(1 - a**2) / (1 + sigma**2))),
                lambda a, sigma: (_bottom(a, sigma), -0.5 * torch.log1p(-(1 - a**2) / (1 + sigma**2))),
            ),
        ),
        Misconception(
            "sigma not squared",
            _NO_SQUARE_OF_SIGMA[0],
            "You take sigma for the variance of the noise of x. It is the standard deviation: sigma^2.",
            variants=_NO_SQUARE_OF_SIGMA[1:],
        ),
        Misconception(
            "a not squared",
            _NO_SQUARE_OF_A[0],
            "You have a where a^2 belongs, or square 1 - a. z2 has variance 1, so a z2 has variance a^2, and 1 - a^2 is left for "
            "z1.",
            variants=(
                *_NO_SQUARE_OF_A[1:],
                lambda a, sigma: (_bottom(a, sigma), -0.5 * torch.log1p(-a / (1 + sigma**2) ** 0.5)),
                lambda a, sigma: (0.5 * torch.log1p((1 - a) ** 2 / sigma**2), _top(a, sigma)),
                lambda a, sigma: (
                    0.5 * torch.log1p((1 - a) ** 2 / sigma**2),
                    0.5 * torch.log((1 + sigma**2) / ((1 - a) ** 2 + sigma**2)),
                ),
            ),
        ),
        Misconception(
            "the root as a variance",
            lambda a, sigma: (0.5 * torch.log1p((1 - a**2).sqrt() / sigma**2), _top(a, sigma)),
            "You take sqrt(1 - a^2) for a variance. It is what eps is multiplied by, the standard deviation of z1 given z2: "
            "square it.",
            variants=(
                lambda a, sigma: (
                    0.5 * torch.log1p((1 - a**2).sqrt() / sigma**2),
                    0.5 * torch.log((1 + sigma**2) / ((1 - a**2).sqrt() + sigma**2)),
                ),
                lambda a, sigma: (0.5 * torch.log1p((1 - a**2).sqrt() / sigma), _top(a, sigma)),
            ),
        ),
        Misconception(
            "bits",
            _BITS[0],
            "At least one of your rates has logarithms to another base than e; to base 2 they count bits. Asked for are "
            "nats: the natural logarithm.",
            variants=(
                *_BITS[1:],
                lambda a, sigma: (_bottom(a, sigma) / math.log(10), _top(a, sigma) / math.log(10)),
            ),
        ),
        Misconception(
            "half forgotten",
            _NO_HALF[0],
            "At least one of your rates is twice too large. A ratio of variances is the square of a ratio of widths: the "
            "logarithm is halved.",
            variants=_NO_HALF[1:],
        ),
        Misconception(
            "halved twice",
            _HALF_TWICE[0],
            "At least one of your rates is half of what it should be. A square root inside the logarithm and the 1/2 before "
            "it do the same: keep one of them.",
            variants=_HALF_TWICE[1:],
        ),
        Misconception(
            "one variance alone",
            _LOG_OF_AFTER[0],
            "You take half the logarithm of one variance, as an entropy has it. A rate compares two: the variance before "
            "over the one after.",
            variants=(
                *_LOG_OF_AFTER[1:],
                *_ENTROPIES,
                *_OF_X,
                lambda a, sigma: (-_LOG_OF_AFTER[1](a, sigma)[0], _top(a, sigma)),
            ),
        ),
        Misconception(
            "variance of x as noise",
            lambda a, sigma: (0.5 * torch.log1p((1 - a**2) / (1 + sigma**2)), _top(a, sigma)),
            "In your bottom rate 1 + sigma^2, the whole variance of x, stands where the noise of x belongs. Given z1 only "
            "sigma^2 is left.",
        ),
        Misconception(
            "standard deviations added",
            lambda a, sigma: (_bottom(a, sigma), -0.5 * torch.log1p(-(a**2) / (1 + sigma) ** 2)),
            "You add standard deviations. For independent parts the variances add up: x has variance 1 + sigma^2, given z2 "
            "it has 1 - a^2 + sigma^2.",
            variants=(
                lambda a, sigma: (
                    0.5 * torch.log(((1 - a**2).sqrt() + sigma) ** 2 / sigma**2),
                    0.5 * torch.log((1 + sigma) ** 2 / ((1 - a**2).sqrt() + sigma) ** 2),
                ),
                lambda a, sigma: (0.5 * torch.log(((1 - a**2).sqrt() + sigma) ** 2 / sigma**2), _top(a, sigma)),
            ),
        ),
        Misconception(
            "negative rates",
            _SIGN[0],
            "A rate of yours is negative. Seeing x makes a code narrower, so the variance before stands above the one after.",
            variants=_SIGN[1:],
        ),
        Misconception(
            "no logarithm",
            _NO_LOG[0],
            "You return shares or ratios of variances. A rate in nats is half the logarithm of the variance before over the one "
            "after.",
            variants=(*_NO_LOG[1:], *_RATIOS, *_SHARES),
        ),
        Misconception(
            "posterior in the middle",
            _MIDDLE[0],
            "Your KL has the widths but not the means: it is that of a posterior in the middle of the prior. Its mean moves "
            "with x, and on average the square of that makes up for the 1 that is subtracted.",
            variants=_MIDDLE[1:],
        ),
        Misconception(
            "mean over the weights",
            lambda a, sigma: (_bottom(a, sigma).mean(), _top(a, sigma).mean()),
            "You average, or add, over the weights a. Each of them is a chain of its own: return one rate for each, `[A]`.",
            variants=(lambda a, sigma: (_bottom(a, sigma).sum(), _top(a, sigma).sum()),),
        ),
        Misconception(
            "split in halves",
            _left(lambda a, sigma: _whole(a, sigma) / 2)[0],
            "Your two rates have the right sum, but not the right split. The top takes I(z2; x), which a decides: nothing "
            "for a = 0.",
            variants=(
                *_left(lambda a, sigma: a**2 * _whole(a, sigma)),
                *_left(lambda a, sigma: a * _whole(a, sigma)),
                *_left(lambda a, sigma: torch.zeros_like(a)),
            ),
        ),
    ),
    cases=_cases,
    batch="a",
    probe=_probe,
)
