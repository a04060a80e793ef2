"""01-least-squares: a build. PCA without an eigenvector of anything large: least squares, to and fro."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from vae_course.exercises.inputs import generator, integer, normal
from vae_course.exercises.model import Alternative, Answer, AnswerError, Exercise, Inputs, Misconception
from vae_course.exercises.probes import BuildStage, untrained

Axes = tuple[Any, Any]
Result = tuple[Any, Any, Any]
START, ROUNDS, AXES = BuildStage(2, 4, "the start"), BuildStage(3, 4, "the rounds"), BuildStage(4, 4, "the axes")
BEST = "The error is that of the codes that least squares gives for `D`: pixels added up, images averaged."
ROUND = (
    "A round is two least squares: codes for the decoder, then a decoder for those codes; its error is with new codes."
)
SPAN = "Axes lie within the span of the last decoder, the one with the largest variance first."
SHAPES = "stage 1 of 4 is not reached: return `V, lam, errors` with the shapes [P, k], [k] and [rounds + 1]"


def pca_by_least_squares(c: Tensor, D: Tensor, rounds: int) -> Result:
    """PCA of c [N, P] by rounds from a decoder D [P, k]: axes V [P, k], variances lam [k], errors [rounds + 1]."""
    errors = []
    for n in range(rounds + 1):
        z = torch.linalg.lstsq(D, c.T).solution.T
        errors.append(((c - z @ D.T) ** 2).sum(dim=1).mean())
        if n < rounds:
            D = torch.linalg.lstsq(z, c).solution.T
    Q, _ = torch.linalg.qr(D)
    kept = c @ Q
    lam, A = torch.linalg.eigh(kept.T @ kept / len(c))
    return Q @ A.flip(1), lam.flip(0), torch.stack(errors)


def _probe(answer: Answer, case: Inputs) -> dict[str, Any]:
    """Errors and variances, which know no basis, then the axes, of which each may point either way."""
    D, rounds = case["D"], case["rounds"]
    assert isinstance(D, Tensor) and isinstance(rounds, int)
    result = answer(*case.values())
    if not isinstance(result, tuple | list) or len(result) != 3:
        raise AnswerError(f"{SHAPES}.")
    V, lam, errors = (untrained(part) for part in result)
    if (V.shape, lam.shape, errors.shape) != (D.shape, D.shape[1:], (rounds + 1,)):
        found = ", ".join(str(list(part.shape)) for part in (V, lam, errors))
        raise AnswerError(f"{SHAPES}; for P, k = {list(D.shape)} and rounds = {rounds} yours have {found}.")
    side = torch.cos(1.7 * torch.arange(len(D), dtype=torch.float64) + 0.5) @ V
    return {
        START.result("errors[0]", BEST): errors[0],
        **({ROUNDS.result("errors", ROUND): errors} if rounds else {}),
        AXES.result("V.T @ V", "Axes have length one and stand at right angles to each other."): V.T @ V,
        AXES.result("lam", "A variance is a mean of squares over the N images, along one axis; largest first."): lam,
        AXES.result("V, with signs that agree,", SPAN): torch.where(side < 0, -V, V),
    }


def _cases(seed: int) -> list[Inputs]:
    """Four points by hand, then clouds of every scale, starts of unequal or nearly parallel columns, one point far out."""
    source = generator(seed)
    by_hand = torch.tensor([[2.0, 0.0, 0.0], [-2.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, -1.0, 0.0]])
    first: Inputs = {"c": by_hand.double(), "D": torch.tensor([[1.0], [1.0], [0.0]]).double(), "rounds": 1}
    n, p = integer(source, 30, 40), integer(source, 6, 9)
    cases = [
        _case(source, *shape)
        for shape in ((n, p, 2, 0), (n, p, 2, 1), (n, p, 2, 3), (n, p, 2, 3), (n, p, 1, 2), (n, p, 4, 12))
    ]
    tiny, huge, close, far = (_case(source, n, p, k, rounds) for k, rounds in ((2, 2), (3, 2), (2, 1), (2, 2)))
    tiny |= {"c": 1e-4 * tiny["c"], "D": tiny["D"] * torch.tensor([1e-3, 1e2])}
    huge |= {"c": 1e4 * huge["c"]}
    close |= {"D": close["D"][:, :1] + torch.tensor([0.0, 1e-2]) * close["D"]}
    far |= {"c": _centred(torch.cat([far["c"], 1000 + normal(source, 1, p).double()]))}
    return [first, *cases, tiny, huge, close, far, _case(source, 250, 196, 2, 2)]


def _case(source: torch.Generator, n: int, p: int, k: int, rounds: int) -> dict[str, Any]:
    """Clouds that are wider in some directions than in others, none of them along an axis."""
    widths = 3 * 0.7 ** torch.arange(5)
    c = normal(source, n, 5) * widths @ normal(source, 5, p) / p**0.5 + 0.3 * normal(source, n, p)
    return {"c": _centred(c.double()), "D": normal(source, p, k).double(), "rounds": rounds}


def _centred(c: Tensor) -> Tensor:
    return c - c.mean(0)


def _loop(c: Tensor, D: Tensor, rounds: int) -> Result:
    """Image by image, then pixel by pixel."""
    errors: list[float] = []
    for n in range(rounds + 1):
        z = torch.stack([torch.linalg.solve(D.T @ D, D.T @ image) for image in c])
        errors.append(
            sum(float((image - D @ code) @ (image - D @ code)) for image, code in zip(c, z, strict=True)) / len(c)
        )
        if n < rounds:
            D = torch.stack([torch.linalg.solve(z.T @ z, z.T @ pixel) for pixel in c.T])
    V, lam = _axes(c, D)
    return V, lam, errors


def _orthogonal(c: Tensor, D: Tensor, rounds: int) -> Result:
    """The covariance applied to an orthonormal basis: the same planes, as both halves of a round together do that."""
    Q, errors = torch.linalg.qr(D)[0], []
    for n in range(rounds + 1):
        Q = torch.linalg.qr(torch.einsum("np,nq,qk->pk", c, c, Q))[0] if n else Q
        errors.append((c.square().sum() - (c @ Q).square().sum()) / len(c))
    U, s, _ = torch.linalg.svd(Q @ Q.T @ c.T, full_matrices=False)
    return U[:, : D.shape[1]], s[: D.shape[1]].square() / len(c), errors


def _codes(c: Tensor, D: Tensor) -> Tensor:
    return c @ torch.linalg.pinv(D).T


def _decoder(z: Tensor, c: Tensor, D: Tensor) -> Tensor:
    return c.T @ torch.linalg.pinv(z).T


def _error(c: Tensor, z: Tensor, D: Tensor) -> Tensor:
    return (c - z @ D.T).square().sum(1).mean()


def _axes(c: Tensor, D: Tensor) -> Axes:
    Q = torch.linalg.svd(D, full_matrices=False).U
    _, s, A = torch.linalg.svd(c @ Q, full_matrices=False)
    return Q @ A.T, s.square() / len(c)


def _mistaken(
    *,
    codes: Callable[[Tensor, Tensor], Tensor] = _codes,
    decoder: Callable[[Tensor, Tensor, Tensor], Tensor] = _decoder,
    error: Callable[[Tensor, Tensor, Tensor], Tensor] = _error,
    axes: Callable[[Tensor, Tensor], Axes] = _axes,
    again: bool = True,
    half: bool = False,
    more: int = 0,
) -> Answer:
    """Both halves of a round with one thing changed: codes that stay, errors after half a round, a round more at the end."""

    def answer(c: Tensor, D: Tensor, rounds: int) -> Result:
        z = codes(c, D)
        errors = [error(c, z, D)]
        for _ in range(rounds):
            D = decoder(z, c, D)
            new = codes(c, D) if again else z
            errors.append(error(c, z if half else new, D))
            z = new
        for _ in range(more):
            D = decoder(z, c, D)
        V, lam = axes(c, D)
        return V, lam, torch.stack(errors)

    return answer


def _one_by_one(c: Tensor, D: Tensor) -> Tensor:
    return c @ D / D.square().sum(0)


def _basis(c: Tensor, D: Tensor) -> Axes:
    Q = torch.linalg.qr(D)[0]
    return Q, (c @ Q).square().mean(0)


def _of_columns(c: Tensor, D: Tensor) -> Axes:
    V = D / D.norm(dim=0)
    return V, (c @ V).square().mean(0)


def _of_codes(c: Tensor, D: Tensor) -> Axes:
    return D @ _turn(c, D), torch.linalg.svdvals(_codes(c, D)).square() / len(c)


def _turn(c: Tensor, D: Tensor) -> Tensor:
    """The eigenvectors of the covariance of the codes that belong to D, the largest first."""
    return torch.linalg.svd(_codes(c, D), full_matrices=False).Vh.T


def _of_all_pixels(c: Tensor, D: Tensor) -> Axes:
    _, s, Vh = torch.linalg.svd(c, full_matrices=False)
    return Vh[: D.shape[1]].T, s[: D.shape[1]].square() / len(c)


def _by_cov(c: Tensor, D: Tensor, correction: int) -> Axes:
    Q = torch.linalg.qr(D)[0]
    lam, A = torch.linalg.eigh(torch.cov((c @ Q).T, correction=correction))
    return Q @ A.flip(1), lam.flip(0)


def _of(change: Callable[[Tensor, Tensor, Tensor], Axes]) -> Callable[[Tensor, Tensor], Axes]:
    """The right axes and variances, changed afterwards."""
    return lambda c, D: change(c, *_axes(c, D))


EXERCISE = Exercise(
    id="01-least-squares",
    title="Build: PCA by least squares alone",
    points=4,
    difficulty=4,
    minutes=20,
    task=(
        "A build, optional: begin with a decoder `D` `[P, k]` and images less their mean, `c` `[N, P]`. A round takes the best "
        "codes for the decoder, then the best decoder for those codes. Return three things: after `rounds` rounds, `V` `[P, k]` "
        "and `lam` `[k]`, the principal axes within the span of `D` and the variances of `c` along them, largest first; and "
        "`errors` `[rounds + 1]`, the error of section 1 (pixels added up, images averaged) with the best codes, at the start "
        "and after each round. k may be 1. "
        "The check names the first of its four stages that you have not reached."
    ),
    hints=(
        "The decoder fixed: each image is to be put together from k columns. The codes fixed: each pixel, as a column of c, is "
        "to be put together from k columns as well, those of the codes. Both are least squares.",
        "With the decoder fixed, least squares gives the codes. With the codes fixed, exchange the roles: D' = "
        "(z' z)^-1 z' c. For the axes: let Q be an orthonormal basis of the span, and A the eigenvectors of the covariance of "
        "c Q, a k x k matrix. Then V = Q A.",
        "`torch.linalg.lstsq(a, b).solution` is the x for which a x comes nearest to b: use it with D and the transposed c, then "
        "with the codes and c. Go round `rounds` + 1 times, and change nothing in the last. `torch.linalg.qr` gives Q, "
        "`torch.linalg.eigh` gives variances and A, smallest first: flip both.",
    ),
    explanation=(
        "Neither half of a round can raise the error, and together they apply the covariance to the span of D, once a round: "
        "what the plane holds of v_1 and v_2 grows against all else, so it turns into PCA's plane. The basis is another matter, "
        "as the error does not know it. Two further demands fix it up to signs: axes at right angles, and codes that are "
        "uncorrelated."
    ),
    returns="V [P, k], lam [k] and errors [rounds + 1]",
    reference=pca_by_least_squares,
    alternatives=(
        Alternative("loop over images and pixels", _loop),
        Alternative("orthogonal iteration, by einsum", _orthogonal),
        Alternative("pseudo-inverses", _mistaken()),
        Alternative("another decoder of the same span", _mistaken(decoder=lambda z, c, D: c.T @ z / z.square().sum(0))),
        Alternative("axes that point the other way", _mistaken(axes=_of(lambda c, V, lam: (-V, lam)))),
        Alternative("float64", lambda c, D, rounds: pca_by_least_squares(c.double(), D.double(), rounds)),
    ),
    misconceptions=(
        Misconception(
            "the decoder turned round",
            _mistaken(codes=lambda c, D: c @ D),
            "Your codes are c @ D. The transposed decoder is the best encoder only where the columns of D have length one and "
            "are at right angles. Solve a least-squares problem for the codes.",
            variants=(_mistaken(codes=lambda c, D: c @ D / D.norm(dim=0)),),
        ),
        Misconception(
            "each column by itself",
            _mistaken(codes=_one_by_one),
            "You find the code of each column of D as if the others were not there. What one of them explains the others need "
            "not explain again: solve for all k at once.",
            variants=(_mistaken(codes=_one_by_one, decoder=lambda z, c, D: _one_by_one(c.T, z)),),
        ),
        Misconception(
            "a decoder that stays",
            _mistaken(decoder=lambda z, c, D: D),
            "The span of your decoder never changes, so the error doesn't fall. To invert the encoder leads back to where you "
            "began: ask which decoder fits the images, given their codes.",
            variants=(_mistaken(decoder=lambda z, c, D: torch.linalg.qr(D)[0]),),
        ),
        Misconception(
            "codes that stay",
            _mistaken(again=False),
            "Your codes are those of the first decoder in every round, so after the first round nothing changes any more. Take "
            "new codes for each new decoder.",
        ),
        Misconception(
            "errors after half a round",
            _mistaken(half=True),
            "Your errors belong to a new decoder and the codes of the old one. After a round, take the best codes for the new "
            "decoder first.",
        ),
        Misconception(
            "a round too many",
            _mistaken(more=1),
            "Your errors are right, but the axes are of one round later than the last of them. Leave the decoder alone once "
            "the last error is known.",
        ),
        Misconception(
            "averaged over the pixels",
            _mistaken(error=lambda c, z, D: (c - z @ D.T).square().mean()),
            "You average over the pixels too. The error of section 1 is a sum over the pixels of an image and a mean over the "
            "images.",
        ),
        Misconception(
            "summed over the images",
            _mistaken(error=lambda c, z, D: (c - z @ D.T).square().sum()),
            "You add the errors of all images up. Take their mean: divide by N.",
        ),
        Misconception(
            "lengths",
            _mistaken(error=lambda c, z, D: _error(c, z, D).sqrt()),
            "Your errors are lengths: there is a root too many. The mean of the squared lengths is asked for.",
            variants=(_mistaken(error=lambda c, z, D: (c - z @ D.T).norm(dim=1).mean()),),
        ),
        Misconception(
            "any basis of the plane",
            _mistaken(axes=_basis),
            "The plane is right, and V is at right angles, but it is one basis of many: the codes along its columns are still "
            "correlated. Turn it by the eigenvectors of the covariance of c Q.",
            variants=(
                _mistaken(axes=lambda c, D: (torch.linalg.qr(D)[0], _axes(c, D)[1])),
                _mistaken(axes=lambda c, D: (torch.linalg.svd(D, full_matrices=False).U, _axes(c, D)[1])),
            ),
        ),
        Misconception(
            "columns of length one",
            _mistaken(axes=_of_columns),
            "Your V is the decoder with columns of length one. They span the plane, but they are not at right angles: take an "
            "orthonormal basis of the span, and turn it.",
            variants=(_mistaken(axes=lambda c, D: (D / D.norm(dim=0), _axes(c, D)[1])),),
        ),
        Misconception(
            "axes of the codes",
            _mistaken(axes=_of_codes),
            "Your eigenvectors are those of the codes that belong to D, whose columns have any length and any angle. First take "
            "an orthonormal basis Q of the span, then the covariance of c Q.",
            variants=(
                _mistaken(axes=lambda c, D: ((D @ _turn(c, D)) / (D @ _turn(c, D)).norm(dim=0), _of_codes(c, D)[1])),
                _mistaken(axes=lambda c, D: (torch.linalg.qr(D)[0] @ _turn(c, D), _of_codes(c, D)[1])),
            ),
        ),
        Misconception(
            "eigenvectors of all pixels",
            _mistaken(axes=_of_all_pixels),
            "Your axes are those of PCA itself, whatever the rounds have done: they come from all pixels. Take them from the "
            "span of your decoder, which needs a k x k matrix only.",
        ),
        Misconception(
            "smallest first",
            _mistaken(axes=_of(lambda c, V, lam: (V.flip(1), lam.flip(0)))),
            "Axes and variances are right, but the smallest comes first, as `eigh` gives them. Flip both.",
        ),
        Misconception(
            "one of the two turned round",
            _mistaken(axes=_of(lambda c, V, lam: (V.flip(1), lam))),
            "Your variances and your axes are in opposite orders. The first column of V belongs to the first number of lam, the "
            "largest.",
            variants=(_mistaken(axes=_of(lambda c, V, lam: (V, lam.flip(0)))),),
        ),
        Misconception(
            "standard deviations",
            _mistaken(axes=_of(lambda c, V, lam: (V, lam.sqrt()))),
            "Your lam holds standard deviations. Variances are asked for, so leave the root away, or square singular values and "
            "divide by N.",
            variants=(_mistaken(axes=_of(lambda c, V, lam: (V, (lam * len(c)).sqrt()))),),
        ),
        Misconception(
            "divided by N - 1",
            _mistaken(axes=_of(lambda c, V, lam: (V, lam * len(c) / (len(c) - 1)))),
            "You divide by N - 1, as `torch.cov` does. The covariance of this lesson is a mean over the N images.",
        ),
        Misconception(
            "sums in place of variances",
            _mistaken(axes=_of(lambda c, V, lam: (V, lam * len(c)))),
            "Your lam holds sums of squares, which grow with the number of images. Divide by N.",
        ),
        Misconception(
            "a covariance of one column",
            _mistaken(axes=lambda c, D: _by_cov(c, D, 0)),
            "Where k = 1, `torch.cov` gives a single number in place of a 1 x 1 matrix, which `eigh` can't take. Form the "
            "covariance as a product, (c Q)' (c Q) / N.",
            variants=(_mistaken(axes=lambda c, D: _by_cov(c, D, 1)),),
        ),
    ),
    cases=_cases,
    probe=_probe,
)
