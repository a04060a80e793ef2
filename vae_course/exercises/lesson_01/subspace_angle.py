"""01-subspace-angle: the largest principal angle between two subspaces, in degrees."""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from vae_course.exercises.inputs import generator, integer, normal
from vae_course.exercises.model import Alternative, Answer, Exercise, Inputs, Misconception


def _cosines(A: Tensor, B: Tensor) -> Tensor:
    """The cosines of the principal angles, `[k]`, largest first; rounding may lift one above 1."""
    return torch.linalg.svdvals(torch.linalg.qr(A)[0].T @ torch.linalg.qr(B)[0])


def _angles(A: Tensor, B: Tensor) -> Tensor:
    """All principal angles in degrees, `[k]`, smallest first."""
    return torch.rad2deg(torch.arccos(_cosines(A, B).clamp(max=1)))


def subspace_angle(A: Tensor, B: Tensor) -> Tensor:
    """The largest principal angle, in degrees, between the spans of the columns of A [P, k] and B [P, k]."""
    Q_A, Q_B = torch.linalg.qr(A)[0], torch.linalg.qr(B)[0]
    cosines = torch.linalg.svdvals(Q_A.T @ Q_B)
    return torch.rad2deg(torch.arccos(cosines.min().clamp(max=1)))


def _cases(seed: int) -> list[Inputs]:
    """Skewed bases of lines, planes and more; B mixes the columns of A and is turned out of their span."""
    source = generator(seed)
    p = integer(source, 9, 14)
    shapes = ((3, 1, 1.0), (3, 2, 0.6), (5, 2, 0.4), (8, 3, 1.0), (p, 2, 1.0), (p, 2, 0.5), (64, 4, 1.0))
    return [*(_turned(source, *shape) for shape in shapes), _same_span(source)]


def _turned(source: torch.Generator, pixels: int, k: int, turn: float) -> Inputs:
    """Two bases whose spans are from 10 to 80 degrees apart.

    In float32 an arc cosine keeps too few digits of a smaller angle, and an arc sine of one closer to 90.
    """
    while True:
        A = normal(source, pixels, k) @ (torch.eye(k) + 0.4 * normal(source, k, k))
        B = A @ (torch.eye(k) + 0.5 * normal(source, k, k)) + turn * normal(source, pixels, k)
        if 10 < subspace_angle(A.double(), B.double()) < 80:
            return {"A": A, "B": B}


def _same_span(source: torch.Generator) -> Inputs:
    """Two bases of one plane, neither nearly a line, for which rounding, on this machine, lifts both cosines above one."""
    for _ in range(400):
        A = normal(source, 7, 2)
        B = A @ (torch.eye(2) + 0.5 * normal(source, 2, 2))
        if _cosines(A, B).min() > 1 and max(torch.linalg.cond(A), torch.linalg.cond(B)) < 5:
            break
    return {"A": A, "B": B}


def _projectors(A: Tensor, B: Tensor) -> Tensor:
    """By the projections: the largest singular value of what B keeps outside the span of A is a sine."""
    b = torch.linalg.qr(B)[0]
    outside = b - A @ torch.linalg.pinv(A) @ b
    return torch.rad2deg(torch.arcsin(torch.linalg.svdvals(outside).amax().clamp(max=1)))


def _loop(A: Tensor, B: Tensor) -> Tensor:
    """Gram and Schmidt by hand, then the smallest singular value."""
    bases = []
    for M in (A, B):
        basis: list[Tensor] = []
        for column in M.T:
            rest = column
            for unit in basis:
                rest = rest - (rest @ unit) * unit
            basis.append(rest / rest.norm())
        bases.append(torch.stack(basis))
    cosines = torch.linalg.svdvals(bases[0] @ bases[1].T)
    return torch.rad2deg(torch.arccos(cosines.min().clamp(max=1)))


def _einsum(A: Tensor, B: Tensor) -> Tensor:
    a, b = torch.linalg.svd(A, full_matrices=False).U, torch.linalg.svd(B, full_matrices=False).U
    cosines = torch.linalg.svdvals(torch.einsum("pi,pj->ij", a, b))
    return torch.rad2deg(torch.arccos(cosines.amin().clamp(max=1)))


def _cosines_one_by_one(A: Tensor, B: Tensor) -> Tensor:
    """|cos| between column j of A and column j of B, `[k]`."""
    return (F.normalize(A, dim=0) * F.normalize(B, dim=0)).sum(0).abs().clamp(max=1)


def _without_qr(A: Tensor, B: Tensor) -> Tensor:
    return torch.rad2deg(torch.arccos(torch.linalg.svdvals(A.T @ B).min().clamp(max=1)))


def _lengths_only(A: Tensor, B: Tensor) -> Tensor:
    return _without_qr(F.normalize(A, dim=0), F.normalize(B, dim=0))


def _eigenvalues(A: Tensor, B: Tensor) -> Tensor:
    values = torch.linalg.eigvals(torch.linalg.qr(A)[0].T @ torch.linalg.qr(B)[0]).abs()
    return torch.rad2deg(torch.arccos(values.min().clamp(max=1)))


def _degrees(cosine: Tensor) -> Tensor:
    return torch.rad2deg(torch.arccos(cosine.abs().clamp(max=1)))


def _rows(A: Tensor, B: Tensor) -> Tensor:
    """From the right singular vectors, which span all of the space of k numbers."""
    a, b = torch.linalg.svd(A, full_matrices=False).Vh, torch.linalg.svd(B, full_matrices=False).Vh
    return _degrees(torch.linalg.svdvals(a @ b.T).min())


def _probe(answer: Answer, case: Inputs) -> Any:
    """Angles below a tenth of a degree count as none: the arc cosine turns a rounding of 1 into as much."""
    angle = answer(*case.values())
    plain = isinstance(angle, Tensor) and angle.is_floating_point()
    return torch.where(angle.abs() < 0.1, torch.zeros_like(angle), angle) if plain else angle


EXERCISE = Exercise(
    id="01-subspace-angle",
    title="Find the error: an angle between subspaces",
    points=3,
    difficulty=3,
    minutes=7,
    task=(
        "Write `subspace_angle`, the repaired `one_by_one`: return the largest principal angle in degrees, one number "
        "(a tensor), between the span of the columns of `A` `[P, k]` and that of `B` `[P, k]`, whatever bases these columns are."
    ),
    hints=(
        "Two bases of the same plane may differ in every vector. First give each span a basis of vectors of length one "
        "that are at right angles to each other, then compare all with all.",
        "With orthonormal bases Q_A and Q_B, the singular values of Q_A^T Q_B are the cosines of the principal angles. "
        "The smallest cosine belongs to the largest angle.",
        "`torch.linalg.qr(A)` returns such a basis as its first item; `torch.linalg.svdvals` gives singular values. "
        "Clamp the smallest to at most 1, then use `torch.arccos` and `torch.rad2deg`.",
    ),
    explanation=(
        "The error is the comparison of column j with column j, which asks whether two bases are alike. An orthonormal "
        "basis of each span and the singular values of their product forget the bases: mixing the columns of A by any "
        "invertible matrix leaves the angles as they are."
    ),
    returns="one number, a tensor of shape []",
    reference=subspace_angle,
    alternatives=(
        Alternative("projections and arcsine", _projectors),
        Alternative("loop", _loop),
        Alternative("einsum and SVD bases", _einsum),
        Alternative("float64", lambda A, B: subspace_angle(A.double(), B.double())),
        Alternative("angles first", lambda A, B: _angles(A, B).max()),
    ),
    misconceptions=(
        Misconception(
            "as given",
            lambda A, B: torch.rad2deg(torch.arccos(_cosines_one_by_one(A, B))).max(),
            "This is `one_by_one` unchanged: it compares column j of A with column j of B. Two bases of the same "
            "subspace may differ in every column. Compare the spans: orthonormal bases first, then singular values.",
            variants=(lambda A, B: torch.rad2deg(torch.arccos(_cosines_one_by_one(A, B).min())),),
        ),
        Misconception(
            "one by one, mean",
            lambda A, B: torch.rad2deg(torch.arccos(_cosines_one_by_one(A, B))).mean(),
            "You average the angles between column j of A and column j of B. That still compares the bases and not "
            "their spans: orthonormal bases first, then singular values.",
        ),
        Misconception(
            "one by one after orthonormalising",
            lambda A, B: torch.rad2deg(
                torch.arccos(_cosines_one_by_one(torch.linalg.qr(A)[0], torch.linalg.qr(B)[0]).min())
            ),
            "The bases are orthonormal now, but you still compare column j with column j. Compare all with all: the "
            "singular values of `Q_A.T @ Q_B` are the cosines.",
        ),
        Misconception(
            "not orthonormal",
            _without_qr,
            "You take the singular values of `A.T @ B` as they are, but they are cosines only for orthonormal columns: "
            "here lengths and skew come in. Use `torch.linalg.qr` on each first.",
        ),
        Misconception(
            "length one only",
            _lengths_only,
            "Your columns have length one, but they are not at right angles to each other, so the singular values are "
            "not cosines. `torch.linalg.qr` gives an orthonormal basis.",
        ),
        Misconception(
            "no clamp",
            lambda A, B: torch.rad2deg(torch.arccos(_cosines(A, B).min())),
            "NaN: for equal spans, rounding made a cosine slightly larger than 1, and no angle has it. Clamp the "
            "cosine to at most 1 before `torch.arccos`.",
            variants=(lambda A, B: torch.rad2deg(torch.arccos(_cosines(A, B))).max(),),
        ),
        Misconception(
            "eigenvalues",
            _eigenvalues,
            "You take the eigenvalues of `Q_A.T @ Q_B`. They change with the choice of the bases; its singular values "
            "do not: `torch.linalg.svdvals`.",
        ),
        Misconception(
            "the smallest angle",
            lambda A, B: _angles(A, B)[0],
            "This is the smallest principal angle. It is zero as soon as the two share one direction, even if all "
            "others differ. The largest angle, from the smallest cosine, is asked for.",
        ),
        Misconception(
            "the mean angle",
            lambda A, B: _angles(A, B).mean(),
            "You average the principal angles. A small mean may hide one direction that is quite wrong: return the "
            "largest.",
        ),
        Misconception(
            "the sum of the angles",
            lambda A, B: _angles(A, B).sum(),
            "You add the principal angles up. The largest alone is asked for.",
        ),
        Misconception(
            "all angles",
            _angles,
            "These are all k principal angles. Return the largest, one number.",
        ),
        Misconception(
            "radians",
            lambda A, B: torch.deg2rad(subspace_angle(A, B)),
            "Your angle is right, but in radians. Degrees are asked for: `torch.rad2deg`.",
        ),
        Misconception(
            "the cosine",
            lambda A, B: torch.cos(torch.deg2rad(subspace_angle(A, B))),
            "This is the cosine of the angle. Take `torch.arccos` of it and turn the result into degrees.",
        ),
        Misconception(
            "sine for cosine",
            lambda A, B: 90 - subspace_angle(A, B),
            "You take the arc sine, but the singular values of `Q_A.T @ Q_B` are cosines: use `torch.arccos`.",
        ),
        Misconception(
            "one pair of vectors",
            lambda A, B: _degrees(F.cosine_similarity(A[:, 0], B[:, 0], dim=0)),
            "You compare one vector of each span, such as the first column or the mean of the columns. A span holds many: "
            "orthonormal bases first, then the singular values of their product.",
            variants=(
                lambda A, B: _degrees(F.cosine_similarity(A.mean(1), B.mean(1), dim=0)),
                lambda A, B: _degrees(F.cosine_similarity(A[:, -1], B[:, -1], dim=0)),
                lambda A, B: _degrees(F.cosine_similarity(A.flatten(), B.flatten(), dim=0)),
            ),
        ),
        Misconception(
            "cosines melted together",
            lambda A, B: _degrees(_cosines(A, B).mean()),
            "You make one number of all the cosines, a mean, a product or a root of a sum of squares, and take its angle. "
            "The smallest cosine alone belongs to the largest angle.",
            variants=(
                lambda A, B: _degrees(_cosines(A, B).prod()),
                lambda A, B: _degrees(_cosines(A, B).norm() / len(A.T) ** 0.5),
                lambda A, B: _degrees(_cosines(A, B).square().mean()),
            ),
        ),
        Misconception(
            "the largest of all pairs",
            lambda A, B: _degrees(F.normalize(A, dim=0).T @ F.normalize(B, dim=0)).max(),
            "You compare every column of A with every column of B and keep one of these angles. They still depend on the "
            "bases: the singular values of `Q_A.T @ Q_B` don't.",
            variants=(
                lambda A, B: _degrees(F.normalize(A, dim=0).T @ F.normalize(B, dim=0)).min(),
                lambda A, B: _degrees(torch.linalg.qr(A)[0].T @ torch.linalg.qr(B)[0]).max(),
                lambda A, B: _degrees((torch.linalg.qr(A)[0].T @ torch.linalg.qr(B)[0]).diag().mean()),
            ),
        ),
        Misconception(
            "one basis orthonormal",
            lambda A, B: _degrees(torch.linalg.svdvals(torch.linalg.qr(A)[0].T @ B).min()),
            "Only one of the two bases is orthonormal, so the lengths and the skew of the other come in. Use "
            "`torch.linalg.qr` on both.",
            variants=(lambda A, B: _degrees(torch.linalg.svdvals(A.T @ torch.linalg.qr(B)[0]).min()),),
        ),
        Misconception(
            "right singular vectors",
            _rows,
            "Your angle is 0 for every input, as it is between bases of the rows, such as `Vh` or those that "
            "`torch.linalg.qr(A.T)` gives: they say how the columns are mixed, not where they lie. A basis of the span is `U`, "
            "or the first item of `torch.linalg.qr(A)`.",
            variants=(
                lambda A, B: _degrees(torch.linalg.svdvals(torch.linalg.qr(A.T)[0].T @ torch.linalg.qr(B.T)[0]).min()),
            ),
        ),
        Misconception(
            "the other side",
            lambda A, B: 180 - subspace_angle(A, B),
            "Your angle and the right one add up to 180 degrees. Spans are at most 90 degrees apart: the arc cosine of the "
            "smallest singular value is the angle.",
        ),
        Misconception(
            "another unit",
            lambda A, B: subspace_angle(A, B) / 2,
            "Your number is the right angle times a constant, half of it, say, or a share of a turn. Degrees are asked for: "
            "`torch.rad2deg(torch.arccos(...))`.",
            variants=tuple(lambda A, B, n=n: subspace_angle(A, B) / n for n in (180, 90, 360, 0.5)),
        ),
        Misconception(
            "centred columns",
            lambda A, B: subspace_angle(A - A.mean(0), B - B.mean(0)),
            "You take a mean off before you compare. A span goes through the origin, and its vectors are directions: take "
            "`A` and `B` as they are.",
            variants=(lambda A, B: subspace_angle(A - A.mean(1, keepdim=True), B - B.mean(1, keepdim=True)),),
        ),
        Misconception(
            "clamped too low",
            lambda A, B: torch.rad2deg(torch.arccos(_cosines(A, B).min().clamp(max=1 - 1e-3))),
            "You clamp the cosine below 1, so two bases of the same plane seem degrees apart. Clamp at 1 itself: no angle "
            "is lost there.",
            variants=tuple(
                lambda A, B, eps=eps: torch.rad2deg(torch.arccos(_cosines(A, B).min().clamp(max=1 - eps)))
                for eps in (1e-2, 1e-4, 1e-5)
            ),
        ),
        Misconception(
            "the sine itself",
            lambda A, B: torch.sin(torch.deg2rad(subspace_angle(A, B))),
            "This is the sine of the angle, the size of the difference of the two projections. Take its arc sine, in degrees, "
            "or work with the cosines.",
        ),
        Misconception(
            "distance of the bases",
            lambda A, B: torch.linalg.norm(torch.linalg.qr(A)[0] - torch.linalg.qr(B)[0]),
            "You take how far the two bases lie apart. Each span has many bases, so that says little of the spans: the singular "
            "values of `Q_A.T @ Q_B` are the cosines of their angles.",
            variants=(
                lambda A, B: torch.rad2deg(torch.linalg.norm(torch.linalg.qr(A)[0] - torch.linalg.qr(B)[0])),
                lambda A, B: torch.linalg.norm(A - B),
            ),
        ),
    ),
    cases=_cases,
    probe=_probe,
)
