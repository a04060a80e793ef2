"""14-nearest: the index of the nearest code for each vector of an encoder."""

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from vae_course.exercises.inputs import generator, integer, normal
from vae_course.exercises.model import Alternative, Answer, Exercise, Inputs, Misconception
from vae_course.exercises.probes import numbers

CLEAR = (
    1e-4  # by how much the second code is farther than the nearest, relative to the squares in |z|^2 - 2 z e + |e|^2
)


def nearest(z_e: Tensor, codebook: Tensor) -> Tensor:
    """The index of the nearest code for each vector, whole numbers [...], from z_e [..., D] and the codebook [K, D]."""
    distance = (z_e.unsqueeze(-2) - codebook).square().sum(dim=-1)
    return distance.argmin(dim=-1)


def _distances(z_e: Tensor, codebook: Tensor) -> Tensor:
    return (z_e.unsqueeze(-2) - codebook).square().sum(-1)


def _probe(answer: Answer, case: Inputs) -> Any:
    """The indices, each as the first of all codes that are as near as the chosen one: which of these is open."""
    z_e, codebook = case.values()
    assert isinstance(z_e, Tensor) and isinstance(codebook, Tensor)
    result = numbers(answer, case)
    whole = isinstance(result, Tensor) and not (result.is_floating_point() or result.is_complex())
    if not whole or result.dtype == torch.bool or result.shape != z_e.shape[:-1]:
        return result
    if not bool(((result >= 0) & (result < len(codebook))).all()):
        return result.long()
    distance = _distances(z_e.double(), codebook.double())
    chosen = distance.gather(-1, result.long().unsqueeze(-1))
    return ((distance - chosen).abs() <= 1e-9 * (1 + chosen)).int().argmax(-1)


def _cases(seed: int) -> list[Inputs]:
    """By hand, then vectors, sequences and images of them; long and short codes, close calls, equal codes, one code."""
    source = generator(seed)
    b, k = integer(source, 4, 6), integer(source, 7, 9)
    by_hand: Inputs = {
        "z_e": torch.tensor([[0.9, 0.2]]),
        "codebook": torch.tensor([[0.0, 0.0], [1.0, 0.0], [4.0, 4.0]]),
    }
    # Of codes that are equally near any will do: the first and the last are the same, and two lie opposite of each other.
    equal = torch.tensor([[1.0, 0.0], [0.0, 3.0], [-1.0, 0.0], [5.0, -5.0], [1.0, 0.0]])
    cases: list[Inputs] = [by_hand, {"z_e": torch.tensor([[0.0, 0.0], [2.0, 0.25], [4.0, -4.0]]), "codebook": equal}]
    for shape, codes, d, scale, far in (
        ((1,), 4, 3, 1.0, 0.0),
        ((b,), k, 2, 1.0, 0.0),
        ((b,), k, 3, 1.0, 0.0),
        ((b, 3), k, 4, 1.0, 0.0),
        ((3, b), 5, 2, 1.0, 0.0),
        ((2, 4, 3), 6, 5, 1.0, 0.0),
        ((4,), 1, 3, 1.0, 0.0),
        ((7,), 5, 1, 1.0, 0.0),
        ((9,), 6, 4, 200.0, 0.0),
        ((9,), 6, 4, 1e-2, 0.0),
        ((12,), 8, 2, 1.0, -30.0),
        ((16, 9), 16, 8, 1.0, 0.0),
    ):
        # Codes of very different length, so that a short one is often near and has small products.
        codebook = scale * (normal(source, codes, d) * torch.linspace(0.3, 2.0, codes)[:, None] + far)
        cases.append({"z_e": _clear(source, shape, codebook, 1.5 * scale, scale * far), "codebook": codebook})
    return [*cases, _close_calls(source)]


def _clear(source: torch.Generator, shape: tuple[int, ...], codebook: Tensor, scale: float, centre: float) -> Tensor:
    """Vectors of this shape which no method that is sound takes for another code's."""
    n, d = int(np.prod(shape)), codebook.shape[1]
    z_e = centre + scale * normal(source, 40 * n, d)
    nearer = torch.cat([_distances(z_e, codebook), torch.full((40 * n, 1), torch.inf)], 1).sort(1).values
    squares = z_e.square().sum(1) + codebook.square().sum(1).max()
    return z_e[nearer[:, 1] - nearer[:, 0] > CLEAR * squares][:n].reshape(*shape, d)


def _close_calls(source: torch.Generator) -> Inputs:
    """Vectors almost halfway between two codes, which half precision and rounding don't tell apart."""
    # Pairs lie apart from each other, so that only the two of a pair are near; each has two vectors on either side of its
    # middle, for one alone may be rounded to the side where it lies.
    first = normal(source, 10, 3) + 4 * torch.arange(10.0)[:, None] - 18
    along = F.normalize(normal(source, 10, 3), dim=1)
    side = torch.tensor([-1.0, -1.0, 1.0, 1.0]).repeat_interleave(10)[:, None]
    aside = 0.3 * normal(source, 40, 3)
    aside = aside - (aside * along.repeat(4, 1)).sum(1, keepdim=True) * along.repeat(4, 1)
    z_e = (first + along).repeat(4, 1) + aside + 0.002 * side * along.repeat(4, 1)
    return {"z_e": z_e, "codebook": torch.cat([first, first + 2 * along])}


def _loop(z_e: Tensor, codebook: Tensor) -> Tensor:
    found = []
    for vector in z_e.reshape(-1, z_e.shape[-1]):
        distances = [float((vector - code).square().sum()) for code in codebook]
        found.append(distances.index(min(distances)))
    return torch.tensor(found).reshape(z_e.shape[:-1])


def _expanded(z_e: Tensor, codebook: Tensor) -> Tensor:
    """|z|^2 - 2 z e + |e|^2 on vectors one below the other, as published implementations do it."""
    flat = z_e.flatten(0, -2)
    distance = flat.square().sum(1, keepdim=True) - 2 * flat @ codebook.T + codebook.square().sum(1)
    return distance.argmin(1).view(z_e.shape[:-1])


def _distances_over_codes(z_e: Tensor, codebook: Tensor) -> Tensor:
    """Squares added up over the codes in place of the coordinates, [..., D]."""
    return (z_e.unsqueeze(-2) - codebook).square().sum(-2)


def _axis(dim: int) -> Answer:
    return lambda z_e, codebook: _distances(z_e, codebook).argmin(dim)


EXERCISE = Exercise(
    id="14-nearest",
    title="The nearest code",
    points=2,
    difficulty=2,
    minutes=5,
    task=(
        "Return for each vector of `z_e`, whose axes are `[B, D]` or `[B, T, D]` or more, the index of the code in `codebook` "
        "`[K, D]` that is nearest in Euclidean distance: whole numbers of the shape of `z_e` without its last axis. Where two "
        "codes are equally near, either one will do."
    ),
    hints=(
        "Each vector has K distances, one to each code. What shape do they have together, and over which axis do you look for "
        "the smallest?",
        "k = argmin_k sum_d (z_d - e_kd)^2. The root of the sum changes nothing about which one is the smallest.",
        "`z_e.unsqueeze(-2)` has the shape `[..., 1, D]`, so its difference from the codebook is `[..., K, D]`. Square it, add "
        "up over the last axis, and take `argmin` over the axis that is the last one then.",
    ),
    explanation=(
        "The difference is made for every pair of a vector and a code by broadcasting. Written out, the square is |z|^2 - 2 z e "
        "+ |e|^2: the first part is the same for all codes, but the last is not, so the largest product z e alone favours long "
        "codes."
    ),
    returns="whole numbers of the shape of z_e without its last axis",
    reference=nearest,
    alternatives=(
        Alternative("loop", _loop),
        Alternative("square written out", _expanded),
        Alternative(
            "cdist", lambda z_e, codebook: torch.cdist(z_e.flatten(0, -2), codebook).argmin(1).view(z_e.shape[:-1])
        ),
        Alternative(
            "einsum without |z|^2",
            lambda z_e, codebook: (
                (codebook.square().sum(1) / 2 - torch.einsum("...d,kd->...k", z_e, codebook)).min(-1).indices
            ),
        ),
        Alternative("minus the norms", lambda z_e, codebook: (-(z_e[..., None, :] - codebook).norm(dim=-1)).argmax(-1)),
        Alternative(
            "NumPy", lambda z_e, codebook: np.argmin(((z_e.numpy()[..., None, :] - codebook.numpy()) ** 2).sum(-1), -1)
        ),
        Alternative("float64 and int32", lambda z_e, codebook: nearest(z_e.double(), codebook.double()).int()),
    ),
    misconceptions=(
        Misconception(
            "the farthest",
            lambda z_e, codebook: _distances(z_e, codebook).argmax(-1),
            "You take the code with the largest distance. The nearest has the smallest: argmin.",
        ),
        Misconception(
            "largest product",
            lambda z_e, codebook: (z_e @ codebook.T).argmax(-1),
            "You compare products z e in place of distances, which favours long codes: |z - e|^2 = |z|^2 - 2 z e + |e|^2, "
            "and |e|^2 differs from code to code.",
        ),
        Misconception(
            "smallest product",
            lambda z_e, codebook: (z_e @ codebook.T).argmin(-1),
            "You take the smallest product z e. It is the smallest for a code that points the other way; compare distances.",
        ),
        Misconception(
            "direction only",
            lambda z_e, codebook: (F.normalize(z_e, dim=-1) @ F.normalize(codebook, dim=-1).T).argmax(-1),
            "You compare directions alone, as if all vectors had length one. Euclidean distance counts the lengths too.",
            variants=(
                lambda z_e, codebook: (z_e @ F.normalize(codebook, dim=-1).T).argmax(-1),
                lambda z_e, codebook: (F.normalize(z_e, dim=-1) @ F.normalize(codebook, dim=-1).T).argmin(-1),
            ),
        ),
        Misconception(
            "length only",
            lambda z_e, codebook: (z_e.norm(dim=-1, keepdim=True) - codebook.norm(dim=-1)).abs().argmin(-1),
            "You compare the lengths of vectors and codes, whatever their directions. Take the difference of the vectors first, "
            "then its length.",
        ),
        Misconception(
            "the 2 lost",
            lambda z_e, codebook: (codebook.square().sum(-1) - z_e @ codebook.T).argmin(-1),
            "Your square written out has the wrong middle part: (z - e)^2 = z^2 - 2 z e + e^2, with the factor 2 and the minus.",
            variants=(lambda z_e, codebook: (codebook.square().sum(-1) + 2 * z_e @ codebook.T).argmin(-1),),
        ),
        Misconception(
            "another distance",
            lambda z_e, codebook: (z_e.unsqueeze(-2) - codebook).abs().sum(-1).argmin(-1),
            "You use another distance than the Euclidean one: square the differences of the coordinates, then add them up.",
            variants=(lambda z_e, codebook: (z_e.unsqueeze(-2) - codebook).abs().amax(-1).argmin(-1),),
        ),
        Misconception(
            "differences that cancel",
            lambda z_e, codebook: (z_e.unsqueeze(-2) - codebook).sum(-1).square().argmin(-1),
            "You add the differences up before they are squared, so one above zero cancels one below. Square each first.",
            variants=(
                lambda z_e, codebook: (z_e.unsqueeze(-2) - codebook).sum(-1).argmin(-1),
                lambda z_e, codebook: (codebook - z_e.unsqueeze(-2)).sum(-1).argmin(-1),
            ),
        ),
        Misconception(
            "coordinate by coordinate",
            lambda z_e, codebook: (z_e.unsqueeze(-2) - codebook).square().argmin(-2),
            "You look for the nearest without adding up over the D coordinates. Sum the squares over the last axis first: one "
            "distance for each pair of a vector and a code.",
            variants=(
                lambda z_e, codebook: (z_e.unsqueeze(-2) - codebook).square().argmin(-1),
                lambda z_e, codebook: (z_e.unsqueeze(-2) - codebook).abs().argmin(-2),
                lambda z_e, codebook: _distances_over_codes(z_e, codebook).argmin(-1),
            ),
        ),
        Misconception(
            "one coordinate only",
            lambda z_e, codebook: nearest(z_e[..., :1], codebook[:, :1]),
            "You compare one coordinate of the vectors, and leave out the others. A distance adds the squares of all D up.",
            variants=(lambda z_e, codebook: nearest(z_e[..., -1:], codebook[:, -1:]),),
        ),
        Misconception(
            "over the wrong axis",
            _axis(0),
            "You take argmin over an axis of the vectors: that finds the nearest vector for each code. The codes are on the last "
            "axis of the distances.",
            variants=(_axis(-2),),
        ),
        Misconception(
            "axis 1",
            lambda z_e, codebook: _distances(z_e, codebook).argmin(1),
            "You take argmin over axis 1. The codes are there for `[B, D]` alone; with `[B, T, D]` they are on axis 2, so take "
            "the last: `dim=-1`.",
        ),
        Misconception(
            "one index for all",
            lambda z_e, codebook: _distances(z_e, codebook).argmin(),
            "You look for one smallest distance in all of them. Each vector has its own nearest code: argmin over the last axis.",
            variants=(
                lambda z_e, codebook: _distances(z_e, codebook).flatten(0, -2).sum(0).argmin(),
                lambda z_e, codebook: _distances(z_e, codebook).flatten(0, -2).mean(0).argmin(),
            ),
        ),
        Misconception(
            "added up over the batch",
            lambda z_e, codebook: _distances(z_e, codebook).sum(0).argmin(-1),
            "You add the distances up over the batch. Each vector of each example has its own nearest code.",
            variants=(lambda z_e, codebook: _distances(z_e, codebook).mean(0).argmin(-1),),
        ),
        Misconception(
            "distance for index",
            lambda z_e, codebook: _distances(z_e, codebook).amin(-1),
            "You return the smallest distance itself. Asked for is the index of the code that has it.",
            variants=(
                lambda z_e, codebook: _distances(z_e, codebook).amin(-1).sqrt(),
                lambda z_e, codebook: torch.cdist(z_e.flatten(0, -2), codebook).amin(1).view(z_e.shape[:-1]),
            ),
        ),
        Misconception(
            "distances and indices",
            lambda z_e, codebook: _distances(z_e, codebook).min(-1),
            "You return a pair: over an axis, `min` gives the smallest values and their indices. Asked for are the indices, "
            "`.indices`, which is what `argmin` returns.",
            variants=(
                lambda z_e, codebook: _distances(z_e, codebook).sqrt().min(-1),
                lambda z_e, codebook: torch.cdist(z_e.flatten(0, -2), codebook).view(*z_e.shape[:-1], -1).min(-1),
            ),
        ),
        Misconception(
            "counted from 1",
            lambda z_e, codebook: nearest(z_e, codebook) + 1,
            "Your indices begin at 1. Rows of a tensor are counted from 0, so the first code has index 0.",
        ),
        Misconception(
            "indices as fractions",
            lambda z_e, codebook: nearest(z_e, codebook).float(),
            "The indices are right, but they are floating-point numbers, by which no row can be picked. Leave them whole, as "
            "`argmin` gives them.",
            variants=(lambda z_e, codebook: nearest(z_e, codebook).double(),),
        ),
        Misconception(
            "code for index",
            lambda z_e, codebook: codebook[nearest(z_e, codebook)],
            "You return the nearest codes themselves. Asked for are their indices, whole numbers.",
        ),
        Misconception(
            "one-hot",
            lambda z_e, codebook: F.one_hot(nearest(z_e, codebook), len(codebook)),
            "You return a row of zeros and a one for each vector. Asked for is the place of the one, a whole number.",
            variants=(
                lambda z_e, codebook: F.one_hot(nearest(z_e, codebook), len(codebook)).float(),
                lambda z_e, codebook: _distances(z_e, codebook) == _distances(z_e, codebook).amin(-1, keepdim=True),
            ),
        ),
        Misconception(
            "flattened",
            lambda z_e, codebook: nearest(z_e, codebook).flatten(),
            "The indices are right, one below the other. Give them the shape of `z_e` without its last axis.",
            variants=(lambda z_e, codebook: nearest(z_e, codebook).reshape(-1, 1),),
        ),
        Misconception(
            "an axis left over",
            lambda z_e, codebook: nearest(z_e, codebook).unsqueeze(-1),
            "The indices are right, with an axis of length one at the end. Leave that axis out.",
        ),
        Misconception(
            "rounded",
            lambda z_e, codebook: nearest(z_e.round(), codebook),
            "Your numbers are rounded before they are compared, which decides close calls wrongly. Compare in full precision.",
            variants=(
                lambda z_e, codebook: nearest(z_e.half(), codebook),
                lambda z_e, codebook: nearest(z_e.half(), codebook.half()),
                lambda z_e, codebook: nearest(z_e.bfloat16(), codebook.bfloat16()),
                lambda z_e, codebook: nearest(z_e.round(), codebook.round()),
                lambda z_e, codebook: _distances(z_e, codebook).long().argmin(-1),
                lambda z_e, codebook: _distances(z_e, codebook).round().argmin(-1),
            ),
        ),
    ),
    cases=_cases,
    batch="z_e",
    probe=_probe,
)
