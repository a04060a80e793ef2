"""01-pca: a reconstruction from k principal directions, with the mean taken off and put back."""

import functools
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from vae_course.exercises.inputs import generator, integer, normal
from vae_course.exercises.model import Alternative, Answer, Exercise, Inputs, Misconception


def pca_reconstruct(x: Tensor, mean: Tensor, V: Tensor, k: int) -> Tensor:
    """Reconstructions [B, P] of flat images x [B, P] from k numbers each; mean [P], directions V [P, K]."""
    kept = V[:, :k]
    z = (x - mean) @ kept
    return mean + z @ kept.T


def _cases(seed: int) -> list[Inputs]:
    """Orthonormal directions `[P, K]` with K below P, and a mean far from zero.

    One shape comes twice, one batch is as large as k, one as large as a lesson's, and one lies far from its mean.
    """
    source = generator(seed)
    b, k = integer(source, 8, 12), integer(source, 3, 4)
    shapes = ((1, 3, 2, 1, 2), (5, 4, 3, 2, 2), (b, 7, 5, k, 2), (b, 7, 5, k, 2), (3, 6, 4, 1, 2), (4, 9, 7, 4, 2))
    cases: list[Inputs] = []
    for images, pixels, directions, kept, spread in (
        *shapes,
        (64, 100, 20, 10, 2),
        (4, 60, 30, 25, 2),
        (3, 5, 3, 2, 30),
    ):
        V, _ = torch.linalg.qr(normal(source, pixels, directions))
        mean = 2 + normal(source, pixels)
        cases.append({"x": mean + spread * normal(source, images, pixels), "mean": mean, "V": V, "k": kept})
    return cases


def _loop(x: Tensor, mean: Tensor, V: Tensor, k: int) -> Tensor:
    copies = []
    for image in x:
        copy = mean
        for j in range(k):
            copy = copy + ((image - mean) @ V[:, j]) * V[:, j]
        copies.append(copy)
    return torch.stack(copies)


def _from(codes: Callable[[Tensor], Tensor]) -> Answer:
    """The reconstruction from codes that something was done to."""
    return lambda x, mean, V, k: mean + codes((x - mean) @ V[:, :k]) @ V[:, :k].T


def _largest(x: Tensor, mean: Tensor, V: Tensor, k: int) -> Tensor:
    """From the k largest codes of each image, whatever their directions."""
    codes = (x - mean) @ V
    kept = torch.zeros_like(codes).scatter(1, codes.abs().topk(k, 1).indices, 1.0)
    return mean + (codes * kept) @ V.T


def _own_directions(x: Tensor, mean: Tensor, V: Tensor, k: int) -> Tensor:
    """From the principal directions of this batch."""
    centre = x.mean(0)
    own = torch.linalg.svd(x - centre, full_matrices=False).Vh[:k]
    return centre + (x - centre) @ own.T @ own


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
        Misconception(
            "cut off to pixels",
            lambda x, mean, V, k: pca_reconstruct(x, mean, V, k).clamp(0, 1),
            "You cut the reconstruction off at 0 and 1. PCA is linear and may leave that range: return what it gives.",
            variants=(lambda x, mean, V, k: torch.sigmoid(pca_reconstruct(x, mean, V, k)),),
        ),
        Misconception(
            "k written in",
            lambda x, mean, V, k: pca_reconstruct(x, mean, V, 2),
            "You keep a number of directions that is written into your function. Let the argument say how many: "
            "`V[:, :k]`.",
            variants=tuple(lambda x, mean, V, k, own=own: pca_reconstruct(x, mean, V, own) for own in (1, 3, 5, 10)),
        ),
        Misconception(
            "one mean for all pixels",
            lambda x, mean, V, k: pca_reconstruct(x, mean.mean().expand_as(mean), V, k),
            "You take one number, averaged over the pixels, for the mean. Each pixel has its own: use `mean` `[P]` as it is.",
            variants=(lambda x, mean, V, k: pca_reconstruct(x, x.mean().expand_as(mean), V, k),),
        ),
        Misconception(
            "a sign of the mean",
            lambda x, mean, V, k: (x - mean) @ V[:, :k] @ V[:, :k].T - mean,
            "The mean has the wrong sign somewhere. Take it off before you project, `x - mean`, and add it at the end.",
            variants=(
                lambda x, mean, V, k: mean + (x + mean) @ V[:, :k] @ V[:, :k].T,
                lambda x, mean, V, k: (x + mean) @ V[:, :k] @ V[:, :k].T - mean,
                lambda x, mean, V, k: mean - (x - mean) @ V[:, :k] @ V[:, :k].T,
            ),
        ),
        Misconception(
            "codes changed on the way",
            _from(lambda z: F.normalize(z, dim=1)),
            "You do more to the codes than to compute them: they are cut off, scaled, made positive or squared. The "
            "reconstruction needs them as they are.",
            variants=(
                *(_from(functools.partial(torch.clamp, min=-reach, max=reach)) for reach in (1.0, 3.0, 5.0, 10.0)),
                _from(torch.abs),
                _from(torch.square),
                _from(torch.relu),
                _from(torch.tanh),
                lambda x, mean, V, k: mean + (x - mean).abs() @ V[:, :k] @ V[:, :k].T,
                lambda x, mean, V, k: mean + (x - mean) / k @ V[:, :k] @ V[:, :k].T,
            ),
        ),
        Misconception(
            "the k largest codes",
            _largest,
            "You keep the k largest codes of each image, whatever their directions. Keep the first k directions for all "
            "images: `V[:, :k]`.",
        ),
        Misconception(
            "directions of this batch",
            _own_directions,
            "You find principal directions anew, from this batch. Use those that are given: the first k columns of `V`.",
        ),
        Misconception(
            "the rest with the mean",
            lambda x, mean, V, k: x - (x - mean) @ V[:, :k] @ V[:, :k].T,
            "You take the reconstruction away from the image, so what is left is what the k directions can't show. Add "
            "their share to the mean instead.",
        ),
    ),
    cases=_cases,
    batch="x",
)
