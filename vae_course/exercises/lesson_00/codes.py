"""00-codes: the average code of one digit."""

import torch
from torch import Tensor
from torch.nn import functional as F

from vae_course.exercises.inputs import generator, integer, normal
from vae_course.exercises.model import Alternative, Exercise, Inputs, Misconception


def average_code(mu: Tensor, y: Tensor, digit: int) -> Tensor:
    """The mean of those codes mu [N, D] whose class y [N] is digit: [D]."""
    return mu[y == digit].mean(dim=0)


def _cases(seed: int) -> list[Inputs]:
    source = generator(seed)
    first: Inputs = {
        "mu": torch.tensor([[1.0, 2.0], [3.0, -4.0], [5.0, 8.0]]),
        "y": torch.tensor([1, 0, 1]),
        "digit": 1,
    }
    # The digit's first place in y is past `digit`, so that position and label can't be mixed up unseen.
    cases = [first] + [
        {"mu": 2 * normal(source, len(y), d) - 0.5, "y": torch.tensor(y), "digit": digit}
        for y, digit, d in (
            ([3, 0, 2, 2, 2, 1, 0], 2, 2),
            ([0, 1, 2, 1, 0], 0, 3),
            ([4, 4, 1, 3, 9, 3, 8, 3, 3, 2], 3, 2),
            ([7, 5, 6, 9, 7, 7, 2, 1, 7], 7, 4),
            ([7, 5, 6, 9, 7, 7, 2, 1, 7], 7, 4),
            ([1, 2, 0, 1, 9], 0, 1),
        )
    ]
    # As many images as a lesson has, twice; then codes far from zero.
    n, d = integer(source, 300, 400), integer(source, 2, 5)
    for codes, digit, far in ((n, integer(source, 1, 8), 2), (n, 9, 2), (20, 0, 30)):
        y = torch.randint(10, (codes,), generator=source)
        y[-3:] = digit
        cases.append({"mu": far * normal(source, codes, d), "y": y, "digit": digit})
    return cases


def _loop(mu: Tensor, y: Tensor, digit: int) -> Tensor:
    total, count = torch.zeros(mu.shape[1]), 0
    for code, label in zip(mu, y, strict=True):
        if label.item() == digit:
            total, count = total + code, count + 1
    return total / count


EXERCISE = Exercise(
    id="00-codes",
    title="The average code of a digit",
    points=2,
    difficulty=1,
    minutes=4,
    task=(
        "Return the mean of those rows of `mu` (codes, `[N, D]`) whose label in `y` (`[N]`) equals `digit`, as a "
        "tensor `[D]`."
    ),
    hints=(
        "Pick the rows that belong to the digit first, then average what is left.",
        "mean code = sum of mu_n over all n with y_n = digit, divided by the number of such n.",
        "`y == digit` is a mask `[N]`; `mu[mask]` keeps the rows where it is true; `.mean(0)` averages over rows.",
    ),
    explanation=(
        "`y == digit` compares every label at once. Indexing with that mask leaves `[n, D]`, the codes of this digit "
        "only, and the mean over axis 0 runs over images, so one number is left for each latent dimension."
    ),
    returns="one code, [D]",
    reference=average_code,
    alternatives=(
        Alternative("loop", _loop),
        Alternative(
            "einsum",
            lambda mu, y, digit: torch.einsum("n,nd->d", (y == digit).float(), mu) / (y == digit).sum(),
        ),
        Alternative(
            "torch.where",
            lambda mu, y, digit: mu.index_select(0, torch.where(y == digit)[0]).sum(0) / (y == digit).sum(),
        ),
        Alternative("float64", lambda mu, y, digit: average_code(mu.double(), y, digit)),
        Alternative("one-hot", lambda mu, y, digit: F.normalize((y == digit).float(), p=1, dim=0) @ mu),
    ),
    misconceptions=(
        Misconception(
            "all digits averaged",
            lambda mu, y, digit: mu.mean(0),
            "This is the mean over all codes, whatever their digit. Keep only the rows with `y == digit` first.",
        ),
        Misconception(
            "index instead of label",
            lambda mu, y, digit: mu[digit],
            "This is the code in row number `digit`. Which digit an image shows is written in y: choose the rows "
            "with `y == digit`.",
            variants=(lambda mu, y, digit: mu[y][digit], lambda mu, y, digit: mu[digit].mean(0)),
        ),
        Misconception(
            "wrong axis",
            lambda mu, y, digit: mu[y == digit].mean(1),
            "The right rows, but averaged across the latent dimensions, which leaves one number for each image. "
            "Average over the rows: `.mean(0)`.",
            variants=(lambda mu, y, digit: mu[y == digit].sum(1),),
        ),
        Misconception(
            "one number",
            lambda mu, y, digit: mu[y == digit].mean(),
            "`.mean()` without an axis averages over everything and leaves a single number. A code has one number "
            "for each latent dimension: `.mean(0)`.",
        ),
        Misconception(
            "sum instead of mean",
            lambda mu, y, digit: mu[y == digit].sum(0),
            "These are the right rows, but summed. Divide by how many there are, or use `.mean(0)`.",
        ),
        Misconception(
            "an axis left over",
            lambda mu, y, digit: mu[y == digit].mean(0, keepdim=True),
            "The numbers are right, but an axis is left over: `[1, D]`. Return `[D]`, without `keepdim` or an index `[n, 1]`.",
        ),
        Misconception(
            "labels as positions",
            lambda mu, y, digit: mu[y].mean(0),
            "`mu[y]` takes the labels for row numbers. Compare them with the digit first: `mu[y == digit]`.",
            variants=(lambda mu, y, digit: mu[y],),
        ),
        Misconception(
            "divided by all",
            lambda mu, y, digit: mu[y == digit].sum(0) / len(y),
            "The right rows are summed but then divided by the number of all images, so the result is pulled towards "
            "zero. Divide by the number of images of this digit.",
            variants=(lambda mu, y, digit: (mu * (y == digit)[:, None]).mean(0),),
        ),
        Misconception(
            "the other digits",
            lambda mu, y, digit: mu[y != digit].mean(0),
            "This is the mean over every other digit: the mask is the wrong way round. Use `y == digit`.",
        ),
        Misconception(
            "no mean",
            lambda mu, y, digit: mu[y == digit],
            "These are all codes of the digit, one per row. Average them over the rows: `.mean(0)`.",
        ),
        Misconception(
            "only the first",
            lambda mu, y, digit: mu[y == digit][0],
            "This is the code of the first image of this digit. Average over all of its images: `.mean(0)`.",
        ),
        Misconception(
            "divided by a neighbour of the number",
            lambda mu, y, digit: mu[y == digit].sum(0) / max(int((y == digit).sum()) - 1, 1),
            "The right rows are summed, but then divided by one more or one less than there are. Divide by their number, "
            "or use `.mean(0)`.",
            variants=(lambda mu, y, digit: mu[y == digit].sum(0) / ((y == digit).sum() + 1),),
        ),
        Misconception(
            "a small number in the denominator",
            lambda mu, y, digit: mu[y == digit].sum(0) / ((y == digit).sum() + 1e-5),
            "You add a small number to how many there are, which pulls the mean towards zero. There is at least one image, "
            "so divide by their number itself.",
            variants=tuple(
                lambda mu, y, digit, eps=eps: mu[y == digit].sum(0) / ((y == digit).sum() + eps) for eps in (1e-4, 1e-3)
            ),
        ),
        Misconception(
            "the median",
            lambda mu, y, digit: mu[y == digit].median(0).values,
            "This is the median of each coordinate, the value in the middle. The mean is asked for: `.mean(0)`.",
            variants=(lambda mu, y, digit: mu[y == digit].quantile(0.5, dim=0),),
        ),
        Misconception(
            "other digits come along",
            lambda mu, y, digit: mu[y <= digit].mean(0),
            "Your mask lets other digits in as well: it compares by size. Only rows with `y == digit` belong.",
            variants=(lambda mu, y, digit: mu[y >= digit].mean(0),),
        ),
        Misconception(
            "the first few",
            lambda mu, y, digit: mu[y == digit][:10].mean(0),
            "You average only some of the digit's codes, the first ones. Use all rows with `y == digit`.",
            variants=(
                lambda mu, y, digit: mu[y == digit][:5].mean(0),
                lambda mu, y, digit: mu[:100][y[:100] == digit].mean(0),
            ),
        ),
        Misconception(
            "codes changed on the way",
            lambda mu, y, digit: mu[y == digit].clamp(-3, 3).mean(0),
            "You have the right rows, but do more to the numbers than average them: they are cut off, scaled, "
            "rounded or made positive. The plain mean is asked for: `mu[y == digit].mean(0)`.",
            variants=(
                lambda mu, y, digit: mu[y == digit].clamp(-1, 1).mean(0),
                lambda mu, y, digit: mu[y == digit].abs().mean(0),
                lambda mu, y, digit: F.normalize(mu[y == digit], dim=1).mean(0),
                lambda mu, y, digit: F.normalize(mu[y == digit].mean(0), dim=0),
                *(lambda mu, y, digit, n=n: mu[y == digit].mean(0).round(decimals=n) for n in (0, 1, 2, 3)),
            ),
        ),
        Misconception(
            "mean and spread",
            lambda mu, y, digit: mu[y == digit].std(0),
            "This is a spread of the digit's codes around their mean. The mean itself is asked for: `.mean(0)`.",
            variants=(lambda mu, y, digit: mu[y == digit].var(0),),
        ),
    ),
    cases=_cases,
    tolerance=2e-6,
)
