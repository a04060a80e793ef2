"""12-auroc: how well a score tells the odd from the usual."""

from collections.abc import Sequence

import torch
from torch import Tensor

from vae_course.exercises.inputs import generator, integer, normal
from vae_course.exercises.model import Alternative, Exercise, Inputs, Misconception
from vae_course.exercises.probes import one_number


def auroc(usual: Tensor, odd: Tensor) -> Tensor:
    """The share of pairs in which the odd example has the higher score, ties as half; [N] and [M] to a tensor of one number."""
    difference = odd[:, None] - usual
    return ((difference > 0).double() + 0.5 * (difference == 0).double()).mean()


def _cases(seed: int) -> list[Inputs]:
    """Five numbers that can be done by hand, with a tie; then scores with and without ties, good ones and bad ones."""
    source = generator(seed)
    cases: list[Inputs] = [{"usual": torch.tensor([1.0, 2.0, 4.0]), "odd": torch.tensor([2.0, 5.0])}]
    few = integer(source, 6, 9), integer(source, 3, 5)
    for n, m, level, shift, step in (
        (*few, 90, 1.5, 1.0),
        (*few, 90, 1.5, 1.0),
        (1, 4, 0, 1.0, 1.0),
        (400, 200, 500, 4.0, 1e-3),
        (30, 40, 0, 0.5, 1e-3),
        (12, 8, 90, -1.5, 0.5),
        (3, 6, 0, 0.0, 2.0),
    ):
        usual, odd = level + 2 * normal(source, n), level + shift + 3 * normal(source, m)
        cases.append({"usual": (usual / step).round() * step, "odd": (odd / step).round() * step})
    cases.append({"usual": 90 + 0.02 * normal(source, 9), "odd": 90.01 + 0.02 * normal(source, 14)})
    cases.append({"usual": 1e-12 * normal(source, 7), "odd": 1e-12 * normal(source, 5)})
    return cases


def _loop(usual: Tensor, odd: Tensor) -> Tensor:
    points = 0.0
    for a in odd:
        for b in usual:
            points += 1.0 if a > b else 0.5 if a == b else 0.0
    return torch.tensor(points / (len(usual) * len(odd)))


def _ranks(usual: Tensor, odd: Tensor) -> Tensor:
    both = torch.cat([usual, odd])
    rank = (both[:, None] > both).double().sum(1) + ((both[:, None] == both).double().sum(1) + 1) / 2
    m = len(odd)
    return (rank[len(usual) :].sum() - m * (m + 1) / 2) / (m * len(usual))


def _half_ties(odd: Sequence[float], usual: Sequence[float]) -> Tensor:
    a, b = torch.tensor(odd), torch.tensor(usual)
    return ((a > b).double() + 0.5 * (a == b).double()).mean()


def _share(wins: Tensor) -> Tensor:
    return wins.double().mean()


def _accuracy(usual: Tensor, odd: Tensor, threshold: Tensor) -> Tensor:
    return (_share(odd > threshold) + _share(usual <= threshold)) / 2


EXERCISE = Exercise(
    id="12-auroc",
    title="The area under the curve",
    points=2,
    difficulty=2,
    minutes=6,
    task=(
        "Return the share of pairs, one usual and one odd example, in which the odd one has the higher score, a tie "
        "counted as half: a tensor with one number between 0 and 1, from the scores `usual` `[N]` and `odd` `[M]`."
    ),
    hints=(
        "There are N times M pairs. How does one make a table of all of them without a loop?",
        "area = 1/(N M) sum over all pairs of [odd > usual] + [odd = usual] / 2.",
        "`odd[:, None] - usual` is a table `[M, N]`. Count where it is above zero, and half of where it is zero, and take "
        "the mean of all.",
    ),
    explanation=(
        "This is the area under the curve of hits over false alarms as the threshold moves, without any threshold. 1/2 is "
        "what a coin reaches. Below 1/2 the score is upside down: the odd examples look more usual than the usual ones."
    ),
    returns="a tensor with one number",
    reference=auroc,
    alternatives=(
        Alternative("loop", lambda usual, odd: _loop(usual, odd)),
        Alternative("by ranks", lambda usual, odd: _ranks(usual, odd)),
        Alternative("float64", lambda usual, odd: auroc(usual.double(), odd.double())),
        Alternative("list of one number", lambda usual, odd: [auroc(usual, odd).item()]),
        Alternative("plain number", lambda usual, odd: auroc(usual, odd).item()),
        Alternative("by signs", lambda usual, odd: (torch.sign(odd[:, None] - usual).double().mean() + 1) / 2),
    ),
    misconceptions=(
        Misconception(
            "upside down",
            lambda usual, odd: 1 - auroc(usual, odd),
            "This is the share of pairs in which the usual example has the higher score. A high score is to mean odd: count "
            "`odd > usual`.",
        ),
        Misconception(
            "ties lost",
            lambda usual, odd: _share(odd[:, None] > usual),
            "Ties count as nothing here, so a score that is the same for all would get 0 instead of 1/2. Add half of them.",
        ),
        Misconception(
            "ties won",
            lambda usual, odd: _share(odd[:, None] >= usual),
            "Ties count in full here, so a score that is the same for all would be perfect. Count half of them.",
        ),
        Misconception(
            "never below one half",
            lambda usual, odd: torch.maximum(auroc(usual, odd), 1 - auroc(usual, odd)),
            "You turn a score round that does worse than a coin. An area below 1/2 is a finding: the odd examples look usual. "
            "Return it as it is.",
        ),
        Misconception(
            "wins less losses",
            lambda usual, odd: torch.sign(odd[:, None] - usual).double().mean(),
            "This is the share of wins less that of losses, from -1 to 1. The area counts wins, and ties as half: add 1 and "
            "divide by 2.",
        ),
        Misconception(
            "near ties",
            lambda usual, odd: torch.sigmoid((odd[:, None] - usual).double()).mean(),
            "You let a narrow win count for less than a clear one. Only the order counts: a win is 1, however narrow.",
            variants=tuple(
                lambda usual, odd, scale=scale: torch.sigmoid(scale * (odd[:, None] - usual).double()).mean()
                for scale in (10, 100, 1000)
            ),
        ),
        Misconception(
            "accuracy at one threshold",
            lambda usual, odd: (_share(odd > usual.mean()) + _share(usual <= usual.mean())) / 2,
            "This is how often one threshold is right. The area looks at all thresholds at once: compare each odd example "
            "with each usual one.",
            variants=(
                lambda usual, odd: _share(odd > usual.median()),
                lambda usual, odd: _share(odd > usual.mean()),
                lambda usual, odd: _accuracy(usual, odd, torch.cat([usual, odd]).median()),
                lambda usual, odd: _accuracy(usual, odd, torch.cat([usual, odd]).mean()),
                lambda usual, odd: _accuracy(usual, odd, (usual.mean() + odd.mean()) / 2),
            ),
        ),
        Misconception(
            "beyond all usual ones",
            lambda usual, odd: _share(odd > usual.max()),
            "You count the odd examples above the highest usual one, and one outlier decides all. Compare pairs.",
        ),
        Misconception(
            "only partners compared",
            lambda usual, odd: _half_ties(*zip(*zip(odd.tolist(), usual.tolist(), strict=False), strict=True)),
            "You compare the first odd example with the first usual one, the second with the second, and so on. Each odd "
            "example meets all the usual ones: N times M pairs.",
            variants=(
                lambda usual, odd: _share(torch.stack([b > a for a, b in zip(usual, odd, strict=False)])),
                lambda usual, odd: _share(torch.stack([b >= a for a, b in zip(usual, odd, strict=False)])),
            ),
        ),
        Misconception(
            "means compared",
            lambda usual, odd: (odd.mean() > usual.mean()).double(),
            "This says which mean is larger, 0 or 1. The area is a share of pairs: it also asks how far the two groups "
            "overlap.",
        ),
        Misconception(
            "difference of the means",
            lambda usual, odd: odd.mean().double() - usual.mean().double(),
            "A difference of means depends on the unit of the score. The area needs the order only: count pairs.",
        ),
        Misconception(
            "number of pairs",
            lambda usual, odd: ((odd[:, None] > usual).double() + 0.5 * (odd[:, None] == usual).double()).sum(),
            "This is the number of pairs that are won. Divide by N times M, so that it lies between 0 and 1.",
        ),
        Misconception(
            "divided by the number of examples",
            lambda usual, odd: auroc(usual, odd) * len(usual) * len(odd) / (len(usual) + len(odd)),
            "You divide by the number of examples, N + M. There are N times M pairs: divide by that, or take the mean of the "
            "whole table.",
            variants=(
                lambda usual, odd: auroc(usual, odd) * len(odd),
                lambda usual, odd: auroc(usual, odd) * len(usual),
            ),
        ),
        Misconception(
            "one area for each odd example",
            lambda usual, odd: ((odd[:, None] > usual).double() + 0.5 * (odd[:, None] == usual).double()).mean(1),
            "You average over the usual examples only and get a share for each odd one, `[M]`. Average over both.",
        ),
    ),
    cases=_cases,
    probe=one_number,
)
