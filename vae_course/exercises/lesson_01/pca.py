"""01-pca: a reconstruction from k principal directions, with the mean taken off and put back."""

import torch
from torch import Tensor

from vae_course.exercises.inputs import generator, normal
from vae_course.exercises.model import Alternative, Exercise, Inputs, Misconception


def pca_reconstruct(x: Tensor, mean: Tensor, V: Tensor, k: int) -> Tensor:
    """Reconstructions [B, P] of flat images x [B, P] from k numbers each; mean [P], directions V [P, K]."""
    kept = V[:, :k]
    z = (x - mean) @ kept
    return mean + z @ kept.T


def _cases(seed: int) -> list[Inputs]:
    """Orthonormal directions `[P, K]` with K below P, and a mean far from zero."""
    source = generator(seed)
    cases: list[Inputs] = []
    for b, pixels, directions, k in ((1, 3, 2, 1), (5, 4, 3, 2), (6, 7, 5, 3), (3, 6, 4, 1)):
        V, _ = torch.linalg.qr(normal(source, pixels, directions))
        mean = 2 + normal(source, pixels)
        cases.append({"x": mean + 2 * normal(source, b, pixels), "mean": mean, "V": V, "k": k})
    return cases


def _loop(x: Tensor, mean: Tensor, V: Tensor, k: int) -> Tensor:
    copies = []
    for image in x:
        copy = mean
        for j in range(k):
            copy = copy + ((image - mean) @ V[:, j]) * V[:, j]
        copies.append(copy)
    return torch.stack(copies)


def _einsum(x: Tensor, mean: Tensor, V: Tensor, k: int) -> Tensor:
    kept = V[:, :k]
    return mean + torch.einsum("bp,pk,qk->bq", x - mean, kept, kept)


EXERCISE = Exercise(
    id="01-pca",
    title="Reconstruct from k numbers",
    points=2,
    difficulty=2,
    minutes=5,
    task=(
        "Return the PCA reconstructions `[B, P]` of images `x` `[B, P]` from k numbers each, given the mean image "
        "`mean` `[P]` and the principal directions `V` `[P, K]`, one in each column, the most important first."
    ),
    hints=(
        "Go there and back: take the mean off, find the k coordinates of what is left, build an image from them, put "
        "the mean back.",
        "x_hat = mean + sum_{j <= k} v_j (v_j . (x - mean)).",
        "The first k columns of `V` are `V[:, :k]`, say `kept`. Codes are `(x - mean)` times `kept`, `[B, k]`; codes "
        "times the transpose of `kept` give back `[B, P]`.",
    ),
    explanation=(
        "The codes are coordinates along the directions, measured from the mean. Without taking off the mean, the "
        "directions of largest variance would have to spend themselves on where the cloud lies instead of on how "
        "its points differ."
    ),
    returns="one reconstruction for each image, [B, P]",
    reference=pca_reconstruct,
    alternatives=(
        Alternative("loop", _loop),
        Alternative("einsum", _einsum),
        Alternative("float64", lambda x, mean, V, k: pca_reconstruct(x.double(), mean.double(), V.double(), k)),
        Alternative(
            "least squares", lambda x, mean, V, k: mean + (V[:, :k] @ torch.linalg.pinv(V[:, :k]) @ (x - mean).T).T
        ),
        Alternative(
            "what is dropped, taken off",
            lambda x, mean, V, k: x - (x - mean) @ (torch.eye(len(V)) - V[:, :k] @ V[:, :k].T),
        ),
    ),
    misconceptions=(
        Misconception(
            "no centring",
            lambda x, mean, V, k: x @ V[:, :k] @ V[:, :k].T,
            "The mean is not in your answer. The directions describe how images differ from the mean image: take it "
            "off before you project, and put it back after.",
        ),
        Misconception(
            "mean not put back",
            lambda x, mean, V, k: (x - mean) @ V[:, :k] @ V[:, :k].T,
            "You take the mean off but never put it back, so these are differences from the mean image. Add `mean` at "
            "the end.",
        ),
        Misconception(
            "mean not taken off",
            lambda x, mean, V, k: mean + x @ V[:, :k] @ V[:, :k].T,
            "You add the mean at the end, but project `x` with the mean still in it, so a part of the mean is counted "
            "twice. Project `x - mean`.",
        ),
        Misconception(
            "the mean of this batch",
            lambda x, mean, V, k: pca_reconstruct(x, x.mean(0), V, k),
            "You centre with the mean of this batch. The codes of an image must not depend on which others came along: "
            "use the `mean` that is given.",
        ),
        Misconception(
            "all directions",
            lambda x, mean, V, k: mean + (x - mean) @ V @ V.T,
            "You use all the directions, so that more than k numbers are kept. Take the first k columns only, "
            "`V[:, :k]`.",
        ),
        Misconception(
            "the last directions",
            lambda x, mean, V, k: mean + (x - mean) @ V[:, -k:] @ V[:, -k:].T,
            "You keep the last k directions. They are sorted with the most important first: take the first k columns.",
        ),
        Misconception(
            "direction number k alone",
            lambda x, mean, V, k: mean + (x - mean) @ V[:, k - 1 : k] @ V[:, k - 1 : k].T,
            "You keep one direction, the k-th. All of the first k are meant: `V[:, :k]`.",
            variants=(lambda x, mean, V, k: mean + (x - mean) @ V[:, k : k + 1] @ V[:, k : k + 1].T,),
        ),
        Misconception(
            "one direction too many",
            lambda x, mean, V, k: mean + (x - mean) @ V[:, : k + 1] @ V[:, : k + 1].T,
            "You keep k + 1 directions. A slice leaves its end out, so `V[:, :k]` holds exactly k columns.",
        ),
        Misconception(
            "one direction too few",
            lambda x, mean, V, k: mean + (x - mean) @ V[:, : k - 1] @ V[:, : k - 1].T,
            "You keep k - 1 directions. A slice leaves its end out, so `V[:, :k]` holds exactly k columns.",
        ),
        Misconception(
            "the codes",
            lambda x, mean, V, k: (x - mean) @ V[:, :k],
            "These are the codes, `[B, k]`. The reconstructions are asked for: turn the codes back into images with "
            "the transpose of `V[:, :k]` and add the mean.",
        ),
        Misconception(
            "what is lost",
            lambda x, mean, V, k: (x - mean) - (x - mean) @ V[:, :k] @ V[:, :k].T,
            "This is what the reconstruction loses, the difference from x. Return the reconstruction itself.",
        ),
        Misconception(
            "rows for columns",
            lambda x, mean, V, k: mean + (x - mean) @ V[:k].T @ V[:k],
            "You take the first k rows of `V`. Each direction is a column: `V[:, :k]`.",
        ),
    ),
    cases=_cases,
    batch="x",
)
