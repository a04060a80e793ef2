"""01-holes: which share of the cells over the plane holds no code."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from vae_course.exercises.inputs import generator, integer, normal, uniform
from vae_course.exercises.model import Alternative, Answer, Exercise, Inputs, Misconception


def _counts(z: Tensor, n: int) -> Tensor:
    """How many codes each of the n x n cells holds, `[n, n]`."""
    low, high = z.amin(0), z.amax(0)
    cell = ((z - low) / (high - low) * n).long().clamp(max=n - 1)
    return torch.bincount(cell[:, 0] * n + cell[:, 1], minlength=n * n).reshape(n, n)


def empty_share(z: Tensor, n: int) -> Tensor:
    """The share of the n x n cells over the box of the codes z [N, 2] that hold no code: one number in [0, 1]."""
    counts = torch.histogramdd(z, bins=[n, n])[0]
    return (counts == 0).float().mean()


def _cases(seed: int) -> list[Inputs]:
    """Clouds off centre and wider in one direction; one lies so far out that digits count, one is tiny."""
    source = generator(seed)
    cases: list[Inputs] = []
    size, cells = integer(source, 35, 50), integer(source, 5, 7)
    for codes, n in ((5, 3), (size, cells), (size, cells), (300, 9), (90, 14), (8, 8)):
        z = normal(source, codes, 2) * torch.tensor([3.0, 0.8]) + torch.tensor([4.0, -2.0])
        cases.append({"z": z, "n": n})
    cases.append({"z": 300 + normal(source, 120, 2), "n": 8})
    cases.append({"z": 1e-7 * normal(source, 150, 2), "n": 14})
    # So full that the codes at the edges share their cells with others, but for a corner.
    z = uniform(source, 200, 2)
    cases.append({"z": z[z.sum(1) > 0.8], "n": 4})
    return cases


def _loop(z: Tensor, n: int) -> Tensor:
    low, high = z.amin(0), z.amax(0)
    occupied = set()
    for code in z:
        place = (code - low) / (high - low) * n
        i, j = min(int(place[0]), n - 1), min(int(place[1]), n - 1)
        occupied.add((i, j))
    return torch.tensor(1 - len(occupied) / n**2)


def _einsum(z: Tensor, n: int) -> Tensor:
    """One-hot rows and columns, multiplied out."""
    low, high = z.amin(0), z.amax(0)
    cell = ((z - low) / (high - low) * n).floor().clamp(max=n - 1)
    hot = (cell.unsqueeze(-1) == torch.arange(n)).double()
    return (torch.einsum("bi,bj->ij", hot[:, 0], hot[:, 1]) == 0).double().mean()


def _over(z: Tensor, n: int, low: Tensor, high: Tensor) -> Tensor:
    """The share over another box; codes outside are counted nowhere."""
    inside = ((z >= low) & (z <= high)).all(1)
    cell = ((z[inside] - low) / (high - low) * n).long().clamp(0, n - 1)
    counts = torch.bincount(cell[:, 0] * n + cell[:, 1], minlength=n * n)
    return (counts == 0).float().mean()


def _rounded(z: Tensor, n: int, steps: int, last: int) -> Tensor:
    """The share when u times steps is rounded instead of cut off, with the last cell's number."""
    low, high = z.amin(0), z.amax(0)
    cell = ((z - low) / (high - low) * steps).round().long().clamp(max=last)
    return 1 - len(cell.unique(dim=0)) / torch.tensor(n**2)


def _cut(z: Tensor, n: int, steps: int) -> Tensor:
    """The share when u is cut into fewer steps than there are cells."""
    low, high = z.amin(0), z.amax(0)
    cell = ((z - low) / (high - low) * steps).long()
    return 1 - len(cell.unique(dim=0)) / torch.tensor(n**2)


def _rows_by_columns(z: Tensor, n: int) -> Tensor:
    counts = _counts(z, n)
    return 1 - (counts.sum(0) > 0).sum() * (counts.sum(1) > 0).sum() / n**2


def _fixed(z: Tensor, n: int, reach: float) -> Tensor:
    """The share over a box from -reach to reach."""
    return _over(z, n, torch.full((2,), -reach), torch.full((2,), reach))


def _share(cell: Tensor, n: int) -> Tensor:
    """The share of n x n cells that none of these pairs of numbers `[N, 2]` names."""
    return 1 - len(cell.long().clamp(0, n - 1).unique(dim=0)) / torch.tensor(n**2)


def _within(z: Tensor, n: int, low: Tensor, high: Tensor) -> Tensor:
    """The share over another box; codes outside count in the cell next to them."""
    return _share((z - low) / (high - low) * n, n)


def _margin(z: Tensor, n: int, margin: float) -> Tensor:
    return _over(z, n, z.amin(0) - margin, z.amax(0) + margin)


def _edge_left_out(z: Tensor, n: int) -> Tensor:
    cell = ((z - z.amin(0)) / (z.amax(0) - z.amin(0)) * n).long()
    return _share(cell[(cell < n).all(1)], n)


def _up_to_the_last(z: Tensor, n: int) -> Tensor:
    """The share of empty cells up to the last that holds a code."""
    counts = _counts(z, n).flatten()
    return (counts[: int(counts.nonzero().max()) + 1] == 0).float().mean()


def _along_a_diagonal(z: Tensor, n: int) -> Tensor:
    cell = ((z - z.amin(0)) / (z.amax(0) - z.amin(0)) * n).long().clamp(max=n - 1)
    return 1 - len(cell.sum(1).unique()) / torch.tensor(n**2)


def _probe(answer: Answer, case: Inputs) -> Any:
    """No gradient is needed, so a plain number is as good as a tensor; whole numbers are counts, and named as such."""
    share = answer(*case.values())
    if isinstance(share, int | float | np.number) and not isinstance(share, bool):
        return torch.tensor(float(share))
    whole = isinstance(share, Tensor) and share.dtype in (torch.int32, torch.int64)
    return share.float() if whole else share


EXERCISE = Exercise(
    id="01-holes",
    title="The share of empty cells",
    points=3,
    difficulty=3,
    minutes=7,
    task=(
        "Return the share of empty cells, one number from 0 to 1, a tensor or a plain number: lay n x n equal cells "
        "over the smallest box that holds all codes `z` `[N, 2]`, and count the cells in which no code lies."
    ),
    hints=(
        "The box goes from the smallest to the largest coordinate, in each direction by itself. Count the codes in "
        "each cell, then ask how many counts are zero.",
        "share = (number of cells with count 0) / n^2. With u = (z - low) / (high - low) in [0, 1], a code lies in "
        "the cell with the numbers floor(n u), and the code at the very edge belongs to the last cell, n - 1.",
        "`torch.histogramdd(z, bins=[n, n])` lays such a box and counts; its first item holds the counts `[n, n]`. "
        "Compare them with 0, turn the answer into floats, and average.",
    ),
    explanation=(
        "A mean of zeros and ones is a share. The number depends on n: with larger cells nothing looks empty, with "
        "tiny ones everything does, so a share is stated together with n and with the number of codes."
    ),
    returns="one number, a tensor of shape []",
    reference=empty_share,
    alternatives=(
        Alternative("bincount", lambda z, n: (_counts(z, n) == 0).float().mean()),
        Alternative("loop", _loop),
        Alternative("einsum", _einsum),
        Alternative("a plain number", lambda z, n: (_counts(z, n) == 0).sum().item() / n**2),
        Alternative("float64", lambda z, n: (torch.histogramdd(z.double(), bins=[n, n])[0] == 0).double().mean()),
        Alternative("occupied, taken from one", lambda z, n: 1 - (_counts(z, n) > 0).float().mean()),
    ),
    misconceptions=(
        Misconception(
            "occupied cells",
            lambda z, n: (_counts(z, n) > 0).float().mean(),
            "This is the share of cells that hold a code. The holes are the others: compare the counts with 0, or take "
            "your number from 1.",
        ),
        Misconception(
            "a number of cells",
            lambda z, n: (_counts(z, n) == 0).float().sum(),
            "This is how many cells are empty. A share is asked for: divide by the n x n cells.",
        ),
        Misconception(
            "a number of occupied cells",
            lambda z, n: (_counts(z, n) > 0).float().sum(),
            "This is how many cells hold a code. The share of the empty ones is asked for: divide by the n x n cells, and take "
            "the result from 1.",
        ),
        Misconception(
            "divided by the codes",
            lambda z, n: (_counts(z, n) == 0).float().sum() / len(z),
            "You divide a number of cells by the number of codes. The share is one of cells: divide by n x n.",
            variants=(lambda z, n: 1 - (_counts(z, n) > 0).sum() / len(z),),
        ),
        Misconception(
            "divided by n",
            lambda z, n: (_counts(z, n) == 0).float().sum() / n,
            "You divide by n, but there are n x n cells.",
        ),
        Misconception(
            "one box for both directions",
            lambda z, n: _over(z, n, z.min().expand(2), z.max().expand(2)),
            "Your box is a square from the smallest to the largest of all coordinates, so a plane that is wider in one "
            "direction looks emptier. Take the edges of each coordinate by itself: `amin(0)` and `amax(0)`.",
        ),
        Misconception(
            "a box around zero",
            lambda z, n: _over(z, n, -z.abs().amax(0), z.abs().amax(0)),
            "Your box lies evenly around zero. Nothing keeps the codes there: let it begin at the smallest coordinate "
            "and end at the largest.",
            variants=(lambda z, n: _over(z, n, -z.abs().max().expand(2), z.abs().max().expand(2)),),
        ),
        Misconception(
            "each direction by itself",
            lambda z, n: (torch.stack([_counts(z, n).sum(0), _counts(z, n).sum(1)]) == 0).float().mean(),
            "You count along each coordinate by itself. A cell may be empty although its row and its column are not: "
            "count in two dimensions.",
            variants=(_rows_by_columns,),
        ),
        Misconception(
            "both directions along one line",
            lambda z, n: (torch.histc(z, n) == 0).float().mean(),
            "You count all coordinates along one line of n steps. A code lies in a cell of the plane, by both of its "
            "coordinates together: count in two dimensions.",
            variants=(lambda z, n: (torch.histc(z, n * n) == 0).float().mean(),),
        ),
        Misconception(
            "the edge as a cell of its own",
            lambda z, n: (_counts_with_edge(z, n) == 0).float().sum() / n**2,
            "A code at the upper edge of the box has landed in a cell of its own, number n. It belongs to the last "
            "cell, n - 1: clamp the numbers of the cells.",
            variants=(
                lambda z, n: (_counts_with_edge(z, n) == 0).float().mean(),
                lambda z, n: 1 - (_counts_with_edge(z, n) > 0).float().sum() / n**2,
            ),
        ),
        Misconception(
            "rounded to the nearest cell",
            lambda z, n: _rounded(z, n, n, n - 1),
            "You round n u to the nearest whole number, which moves half of the codes one cell up. Cut the rest off: "
            "floor(n u), with `floor()` or `long()`.",
            variants=(lambda z, n: _rounded(z, n, n - 1, n - 1), lambda z, n: _rounded(z, n, n, n)),
        ),
        Misconception(
            "n - 1 steps",
            lambda z, n: _cut(z, n, n - 1),
            "You cut the box into n - 1 steps, so the last cell catches the edge alone. There are n cells to a side: "
            "floor(n u), and clamp the edge to n - 1.",
        ),
        Misconception(
            "a fixed box",
            lambda z, n: _fixed(z, n, 3.0),
            "Your box has fixed edges, and codes outside it are lost or land in the outermost cells. Take its edges from the "
            "codes: `amin(0)` and `amax(0)`.",
            variants=(
                lambda z, n: _fixed(z, n, 2.0),
                lambda z, n: _fixed(z, n, 4.0),
                lambda z, n: _fixed(z, n, 5.0),
                *(
                    lambda z, n, half=half: _share(((z + half) / (2 * half) * n).clamp(min=0), n)
                    for half in (2.0, 3.0, 4.0, 5.0)
                ),
            ),
        ),
        Misconception(
            "which cells",
            lambda z, n: (_counts(z, n) == 0).float(),
            "This says of each cell whether it is empty, `[n, n]`. Take the mean, and it becomes the share.",
        ),
        Misconception(
            "cells with one code",
            lambda z, n: (_counts(z, n) <= 1).float().mean(),
            "You count cells with a single code as empty too. Only cells with none are holes: compare with 0.",
        ),
        Misconception(
            "percent",
            lambda z, n: 100 * (_counts(z, n) == 0).float().mean(),
            "Your number is right in percent. A share from 0 to 1 is asked for: leave out the factor of 100.",
        ),
        Misconception(
            "a box with a margin",
            lambda z, n: _margin(z, n, 0.5),
            "Your box is larger than the codes need, so its edge looks empty. Let it begin at the smallest coordinate and end "
            "at the largest.",
            variants=tuple(lambda z, n, margin=margin: _margin(z, n, margin) for margin in (0.01, 0.05, 0.1, 0.2, 1.0)),
        ),
        Misconception(
            "a box for most of the codes",
            lambda z, n: _within(z, n, z.quantile(0.01, 0), z.quantile(0.99, 0)),
            "Your box comes from quantiles or from a mean and a spread, so it is not the smallest that holds all codes. Use "
            "`amin(0)` and `amax(0)`.",
            variants=(
                lambda z, n: _over(z, n, z.quantile(0.01, 0), z.quantile(0.99, 0)),
                lambda z, n: _over(z, n, z.quantile(0.05, 0), z.quantile(0.95, 0)),
                lambda z, n: _within(z, n, z.quantile(0.05, 0), z.quantile(0.95, 0)),
                *(lambda z, n, r=r: _over(z, n, z.mean(0) - r * z.std(0), z.mean(0) + r * z.std(0)) for r in (2, 3)),
                *(lambda z, n, r=r: _within(z, n, z.mean(0) - r * z.std(0), z.mean(0) + r * z.std(0)) for r in (2, 3)),
            ),
        ),
        Misconception(
            "n written in",
            lambda z, n: empty_share(z, 10),
            "You lay a number of cells that is written into your function. Let the argument say how many: n to a side.",
            variants=tuple(lambda z, n, own=own: empty_share(z, own) for own in (5, 12, 16, 20, 25, 30, 32, 50, 100)),
        ),
        Misconception(
            "n edges",
            lambda z, n: empty_share(z, n - 1),
            "Your box has another number of cells to a side than n, such as n - 1, n + 1 or n squared. From n cells come "
            "n + 1 edges: `torch.linspace(low, high, n + 1)`.",
            variants=(
                lambda z, n: empty_share(z, n + 1),
                lambda z, n: empty_share(z, n * n),
                lambda z, n: (_counts(z, n - 1) == 0).sum() / n**2,
            ),
        ),
        Misconception(
            "cells of length one",
            lambda z, n: 1 - len(z.floor().unique(dim=0)) / torch.tensor(n**2),
            "You cut the coordinates themselves to whole numbers, so each cell has length one. First carry them to [0, 1] by "
            "the box, then multiply by n.",
            variants=(lambda z, n: 1 - len(z.long().unique(dim=0)) / torch.tensor(n**2),),
        ),
        Misconception(
            "the edge left out",
            _edge_left_out,
            "A code at the upper edge of the box counts nowhere. It belongs to the last cell, n - 1: clamp the numbers of the "
            "cells.",
        ),
        Misconception(
            "cells after the last code",
            _up_to_the_last,
            "`torch.bincount` stops at the largest number that it meets, so empty cells after it are forgotten. Give it "
            "`minlength=n * n`, or divide by n x n.",
        ),
        Misconception(
            "cells with one number",
            _along_a_diagonal,
            "You add the two numbers of a cell, so cells along a diagonal fall together. Number them apart: row times n plus "
            "column.",
        ),
        Misconception(
            "nearly empty",
            lambda z, n: (_counts(z, n) < 3).float().mean(),
            "You count cells with a few codes as empty too. Only cells with none are holes: compare with 0.",
            variants=(
                lambda z, n: (_counts(z, n) < 5).float().mean(),
                lambda z, n: (torch.histogramdd(z, bins=[n, n], density=True)[0] < 0.01).float().mean(),
            ),
        ),
        Misconception(
            "some of the codes",
            lambda z, n: empty_share(z[:100], n),
            "You look at some of the codes alone, the first ones. Every code fills a cell: use all of `z`.",
            variants=(lambda z, n: empty_share(z[:50], n), lambda z, n: empty_share(z[:64], n)),
        ),
    ),
    cases=_cases,
    probe=_probe,
)


def _counts_with_edge(z: Tensor, n: int) -> Tensor:
    """As `_counts`, but with one more row and column, for the codes on the upper edges; `[n + 1, n + 1]`."""
    low, high = z.amin(0), z.amax(0)
    cell = ((z - low) / (high - low) * n).long()
    return torch.bincount(cell[:, 0] * (n + 1) + cell[:, 1], minlength=(n + 1) ** 2).reshape(n + 1, n + 1)
