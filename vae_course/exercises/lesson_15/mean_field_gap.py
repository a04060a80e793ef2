"""15-mean-field-gap: what the best diagonal Gaussian loses where the posterior is a Gaussian with correlations."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.distributions import MultivariateNormal, Normal, kl_divergence

from vae_course.exercises.inputs import generator, integer, normal, uniform
from vae_course.exercises.model import Alternative, Answer, Exercise, Inputs, Misconception
from vae_course.exercises.probes import numbers


def mean_field_gap(precision: Tensor) -> Tensor:
    """KL( q || p ) in nats, [B], of the best diagonal q for each Gaussian p with precision matrix [B, D, D]."""
    diagonal = precision.diagonal(dim1=-2, dim2=-1)
    log_det = torch.linalg.slogdet(precision).logabsdet
    return 0.5 * (diagonal.log().sum(dim=-1) - log_det)


def _cases(seed: int) -> list[Inputs]:
    """By hand, sizes by chance, one dimension, no correlations, all but flat ones, large and small scales.

    But for the first in double precision: float32 has too few digits of small eigenvalues, whose logarithms do as well.
    """
    source = generator(seed)
    b, d = integer(source, 4, 6), integer(source, 3, 4)
    cases: list[Inputs] = [{"precision": torch.tensor([[[4.0, 1.0, 0.0], [1.0, 2.0, -0.5], [0.0, -0.5, 1.0]]])}]
    for n, dims, strength in (
        (b, d, 1.0), (b, d, 1.0), (1, 5, 1.0), (3, 3, 1.5), (3, 1, 1.0), (b, 2, 1.0), (4, 3, 0.0), (20, 6, 1.0), (2, 12, 0.7)
    ):  # fmt: skip
        cases.append({"precision": _matrices(source, n, dims, strength)})
    # Here digits are lost: correlations of .999 and more, each matrix on a scale of its own, and determinants that round to 0
    # or grow without limit.
    rho = torch.tensor([0.999, -0.999, 0.9999, 0.5, 1 - 1e-8], dtype=torch.float64)
    pairs = torch.stack([torch.stack([torch.ones_like(rho), -rho], 1), torch.stack([-rho, torch.ones_like(rho)], 1)], 1)
    pairs = pairs * (torch.exp(normal(source, 5, 1, 1).double()) / (1 - rho**2)[:, None, None])
    scales = 10.0 ** torch.tensor([-13.0, -3.0, 3.0, 6.0]).double()[:, None, None]
    nearly = _matrices(source, 3, 4, 0.5) + 3e3 * torch.ones(4, 4).double()
    return [
        *cases,
        {"precision": pairs},
        {"precision": nearly},
        {"precision": _matrices(source, 4, 3, 1.0) * scales},
        {"precision": _matrices(source, 3, 60, 0.3) * 1e-6},
        {"precision": _matrices(source, 2, 60, 0.3) * 1e6},
    ]


def _matrices(source: torch.Generator, n: int, d: int, strength: float) -> Tensor:
    """Symmetric, with positive eigenvalues, and with diagonals that differ."""
    factors = torch.eye(d) + strength * torch.tril(normal(source, n, d, d), -1)
    scale = torch.exp(2 * uniform(source, n, d) - 1)
    rows = (scale[:, :, None] * factors).double()
    return rows @ rows.transpose(1, 2)


def _diagonal(matrices: Tensor) -> Tensor:
    return matrices.diagonal(dim1=-2, dim2=-1)


def _log_diagonal(matrices: Tensor) -> Tensor:
    return _diagonal(matrices).log().sum(-1)


def _loop(precision: Tensor) -> list[float]:
    """From the conditional variances: each number given those before it, by Cholesky."""
    gaps = []
    for matrix in precision:
        factor = torch.linalg.cholesky(matrix)
        gaps.append(sum(float(0.5 * matrix[i, i].log() - factor[i, i].log()) for i in range(len(matrix))))
    return gaps


def _normalised(precision: Tensor) -> Tensor:
    """Of the matrix with ones on its diagonal, the sum of the logarithms of its eigenvalues."""
    scale = _diagonal(precision).rsqrt()
    ones = torch.einsum("bij,bi,bj->bij", precision, scale, scale)
    return -0.5 * torch.linalg.eigvalsh(ones.double()).log().sum(-1)


def _by_kl(precision: Tensor) -> Tensor:
    p = MultivariateNormal(torch.zeros(precision.shape[:-1], dtype=precision.dtype), precision_matrix=precision)
    return kl_divergence(MultivariateNormal(p.loc, torch.diag_embed(1 / _diagonal(precision))), p)


def _entropies(precision: Tensor) -> Tensor:
    """The quadratic parts agree, so that the entropies make the difference."""
    p = MultivariateNormal(torch.zeros_like(precision[..., 0]), precision_matrix=precision.double())
    return p.entropy() - Normal(0.0, _diagonal(precision).rsqrt()).entropy().sum(-1)


def _with(
    *,
    diagonal: Callable[[Tensor], Any] = _log_diagonal,
    log_det: Callable[[Tensor], Any] = lambda matrices: torch.linalg.slogdet(matrices).logabsdet,
    join: Callable[[Any, Any, int], Any] = lambda diagonal, log_det, dims: 0.5 * (diagonal - log_det),
) -> Answer:
    """The gap with one thing changed."""
    return lambda precision: join(diagonal(precision), log_det(precision), precision.shape[-1])


def _pairs(precision: Tensor, fold: Callable[[Tensor], Tensor]) -> Tensor:
    """From the correlations of the precision two by two."""
    scale = _diagonal(precision).rsqrt()
    rho = precision * scale[:, :, None] * scale[:, None]
    upper = torch.triu(torch.ones_like(rho), 1)
    return fold((rho * upper).square())


def _half_log_factor(matrices: Tensor) -> Tensor:
    return _log_diagonal(torch.linalg.cholesky(matrices))


def _kl_of(variances: Tensor, precision: Tensor) -> Tensor:
    """KL( q || p ) for a q with these variances."""
    trace = (_diagonal(precision) * variances).sum(-1)
    return 0.5 * (trace - precision.shape[-1] - variances.log().sum(-1) - torch.linalg.slogdet(precision).logabsdet)


def _det_with(tiny: float) -> Answer:
    return _with(log_det=lambda matrices: (torch.linalg.det(matrices) + tiny).log())


def _det_from(tiny: float) -> Answer:
    return _with(log_det=lambda matrices: torch.linalg.det(matrices).clamp(min=tiny).log())


def _safer(tiny: float) -> tuple[Answer, ...]:
    """A small number on the diagonal: in both parts, or in one."""

    def more(matrices: Tensor) -> Tensor:
        return matrices + tiny * torch.eye(matrices.shape[-1])

    return (
        lambda precision: mean_field_gap(more(precision)),
        _with(diagonal=lambda matrices: _log_diagonal(more(matrices))),
        _with(log_det=lambda matrices: torch.linalg.slogdet(more(matrices)).logabsdet),
    )


_TINY = (1e-4, 1e-5, 1e-6, 1e-8, 1e-10, 1e-12, 1e-20, 1e-30)


EXERCISE = Exercise(
    id="15-mean-field-gap",
    title="What independence costs",
    points=2,
    difficulty=3,
    minutes=5,
    task=(
        "A posterior p is Gaussian with a `precision` matrix, the inverse of its covariance, and q may only be a Gaussian with "
        "independent dimensions. Return KL( q || p ) in nats for the q that makes it smallest, for each of B matrices `[B, D, "
        "D]`: `[B]`. The numbers are read only; nothing is trained through them. Some matrices are all but singular, and some "
        "determinants round to 0."
    ),
    hints=(
        "Write KL( q || p ) for a diagonal q with variances v_d. The mean of q is that of p, and only the diagonal of the "
        "precision meets the v_d in the trace: which v_d are best?",
        "KL = 1/2 ( sum_d Lambda_dd v_d - D - sum_d log v_d - log |Lambda| ), smallest at v_d = 1 / Lambda_dd: "
        "1/2 ( sum_d log Lambda_dd - log |Lambda| ).",
        "`precision.diagonal(dim1=-2, dim2=-1)` is `[B, D]`. `torch.linalg.slogdet` gives log |det| without the determinant, "
        "which would round to 0; a Cholesky factor does as well.",
    ),
    explanation=(
        "The best q has the variances 1 / Lambda_dd, those of p in each dimension when the others are known, which are smaller "
        "than its marginal variances: KL( q || p ) makes q too narrow. For two dimensions with correlation rho the gap is -1/2 "
        "log(1 - rho^2), without limit as rho nears 1."
    ),
    returns="one number for each matrix, [B]",
    reference=mean_field_gap,
    alternatives=(
        Alternative("loop with Cholesky", _loop),
        Alternative("eigenvalues after normalising, einsum", _normalised),
        Alternative("kl_divergence of torch.distributions", _by_kl),
        Alternative("difference of entropies", _entropies),
        Alternative("NumPy", lambda precision: mean_field_gap(precision).numpy()),
        Alternative(
            "eigenvalues",
            lambda precision: (
                0.5 * (precision.diagonal(dim1=1, dim2=2).log().sum(1) - torch.linalg.eigvalsh(precision).log().sum(1))
            ),
        ),
        Alternative("float64", lambda precision: mean_field_gap(precision.double())),
    ),
    misconceptions=(
        Misconception(
            "marginal variances",
            _with(
                diagonal=lambda matrices: _log_diagonal(torch.linalg.inv(matrices)),
                join=lambda diagonal, log_det, dims: 0.5 * (diagonal + log_det),
            ),
            "Your q has the marginal variances of p, from the diagonal of the covariance. These are best for KL( p || q ); for "
            "KL( q || p ) the best variances are 1 / Lambda_dd, from the diagonal of the precision.",
            variants=(lambda precision: _kl_of(_diagonal(torch.linalg.inv(precision)), precision),),
        ),
        Misconception(
            "covariance's determinant",
            _with(join=lambda diagonal, log_det, dims: 0.5 * (diagonal + log_det)),
            "You add log |Lambda|, or subtract the determinant of the covariance. The covariance's is 1 / |Lambda|: with the "
            "diagonal of the precision goes minus log |Lambda|.",
        ),
        Misconception(
            "covariance's diagonal",
            _with(diagonal=lambda matrices: _log_diagonal(torch.linalg.inv(matrices))),
            "Your diagonal is that of the covariance, your determinant that of the precision. Both must be of the precision, "
            "as it is given.",
        ),
        Misconception(
            "marginal variance taken for 1 / Lambda_dd",
            _with(
                diagonal=lambda matrices: _log_diagonal(torch.linalg.inv(matrices)),
                join=lambda diagonal, log_det, dims: 0.5 * (-diagonal - log_det),
            ),
            "You take the diagonal of the covariance for that of 1 / Lambda_dd, but the inverse of a matrix has other numbers "
            "on its diagonal. Use the diagonal of the precision itself; the gap is then never negative.",
        ),
        Misconception(
            "sign",
            _with(join=lambda diagonal, log_det, dims: 0.5 * (log_det - diagonal)),
            "Your gap is negative. A KL divergence is 0 or more: the sum of the logarithms of the diagonal minus log |Lambda|.",
            variants=(_with(join=lambda diagonal, log_det, dims: log_det - diagonal),),
        ),
        Misconception(
            "half missing",
            _with(join=lambda diagonal, log_det, dims: diagonal - log_det),
            "The factor 1/2 is missing, or does not reach both parts. The logarithms are those of precisions; those of "
            "standard deviations, which the density has, are half as large.",
            variants=(
                _with(join=lambda diagonal, log_det, dims: 0.5 * diagonal - log_det),
                _with(join=lambda diagonal, log_det, dims: diagonal - 0.5 * log_det),
            ),
        ),
        Misconception(
            "Cholesky factor's determinant",
            _with(log_det=_half_log_factor),
            "The determinant of a Cholesky factor is the root of the matrix's, so its logarithm counts twice: "
            "log |Lambda| = 2 sum_d log L_dd.",
        ),
        Misconception(
            "determinant that rounds to 0",
            _with(log_det=lambda matrices: torch.linalg.det(matrices).log()),
            "Some determinants round to 0 on a computer, or are too large for it, and so is the product of many diagonal "
            "entries. Stay with logarithms: `torch.linalg.slogdet`, `torch.logdet`, and a sum of logarithms.",
            variants=(
                _with(
                    log_det=lambda matrices: torch.linalg.det(matrices).log(),
                    diagonal=lambda matrices: _diagonal(matrices).prod(-1).log(),
                ),
                _with(diagonal=lambda matrices: _diagonal(matrices).prod(-1).log()),
                lambda precision: 0.5 * (_diagonal(precision).prod(-1) / torch.linalg.det(precision)).log(),
                _with(log_det=lambda matrices: torch.linalg.eigvalsh(matrices).prod(-1).log()),
                _with(log_det=lambda matrices: -torch.linalg.det(torch.linalg.inv(matrices)).log()),
                _with(log_det=lambda matrices: torch.linalg.det(matrices.double()).abs().log()),
            ),
        ),
        Misconception(
            "small number for safety",
            _with(log_det=lambda matrices: (torch.linalg.det(matrices) + 1e-8).log()),
            "A small number, added to the determinant or to the diagonal, or a limit there, takes the place of matrices on a "
            "small scale. `torch.linalg.slogdet` needs no patch.",
            variants=(
                *(_det_with(tiny) for tiny in _TINY),
                *(_det_from(tiny) for tiny in _TINY),
                *(make for tiny in _TINY if tiny > 1e-9 for make in _safer(tiny)),
            ),
        ),
        Misconception(
            "determinant without its logarithm",
            _with(log_det=torch.linalg.det),
            "You use the determinant, or the product of the diagonal, itself. The KL has its logarithm.",
            variants=(
                _with(log_det=torch.linalg.det, diagonal=lambda matrices: _diagonal(matrices).prod(-1)),
                lambda precision: 0.5 * (_diagonal(precision).prod(-1) - torch.linalg.det(precision)).log(),
                lambda precision: 0.5 * _diagonal(precision).prod(-1) / torch.linalg.det(precision),
            ),
        ),
        Misconception(
            "trace",
            _with(diagonal=lambda matrices: _diagonal(matrices).sum(-1)),
            "You use the trace, the sum of the diagonal, itself or inside of one logarithm. The best variances are 1 / "
            "Lambda_dd, so each entry of the diagonal has a logarithm of its own, and these are added up.",
            variants=(
                _with(diagonal=lambda matrices: _diagonal(matrices).sum(-1).log()),
                _with(
                    diagonal=lambda matrices: _diagonal(matrices).sum(-1),
                    join=lambda diagonal, log_det, dims: 0.5 * (diagonal - dims - log_det),
                ),
                _with(
                    diagonal=lambda matrices: _diagonal(torch.linalg.inv(matrices)).sum(-1),
                    join=lambda diagonal, log_det, dims: 0.5 * (diagonal - dims + log_det),
                ),
                _with(diagonal=lambda matrices: matrices.shape[-1] * _diagonal(matrices).mean(-1).log()),
            ),
        ),
        Misconception(
            "log-determinant alone",
            _with(join=lambda diagonal, log_det, dims: -0.5 * log_det),
            "You leave the diagonal out, so the numbers change with the scale of p and are not 0 without correlations. Add the "
            "sum of the logarithms of the diagonal.",
            variants=(
                _with(join=lambda diagonal, log_det, dims: 0.5 * log_det),
                _with(join=lambda diagonal, log_det, dims: -log_det),
            ),
        ),
        Misconception(
            "diagonal alone",
            _with(join=lambda diagonal, log_det, dims: 0.5 * diagonal),
            "You leave out log |Lambda|, in which the correlations are: take it off.",
            variants=(_with(join=lambda diagonal, log_det, dims: -0.5 * diagonal),),
        ),
        Misconception(
            "correlations two by two",
            lambda precision: _pairs(precision, lambda squares: -0.5 * (1 - squares).log().sum((1, 2))),
            "You take the correlations two by two. -1/2 log(1 - rho^2) is the gap in two dimensions; with more of them it "
            "needs the determinant of the whole matrix.",
            variants=(
                lambda precision: _pairs(precision, lambda squares: -0.5 * (1 - squares.sum((1, 2))).log()),
                lambda precision: _pairs(precision, lambda squares: -0.5 * (1 - squares[:, :1, -1:]).log().sum((1, 2))),
                lambda precision: _pairs(precision, lambda squares: -0.5 * (1 - squares[:, :1, 1:2]).log().sum((1, 2))),
                lambda precision: _pairs(precision, lambda squares: 0.5 * squares.sum((1, 2))),
            ),
        ),
        Misconception(
            "squares beside the diagonal",
            lambda precision: 0.5 * (precision - torch.diag_embed(_diagonal(precision))).square().sum((1, 2)),
            "You measure how large the entries beside the diagonal are, which changes with the scale of p. The KL compares two "
            "volumes: the diagonal's logarithms against log |Lambda|.",
            variants=(
                lambda precision: (precision - torch.diag_embed(_diagonal(precision))).square().sum((1, 2)),
                lambda precision: 0.25 * (precision - torch.diag_embed(_diagonal(precision))).square().sum((1, 2)),
                lambda precision: 0.5 * (precision - torch.diag_embed(_diagonal(precision))).abs().sum((1, 2)),
                lambda precision: (precision - torch.diag_embed(_diagonal(precision))).square().sum((1, 2)).sqrt(),
            ),
        ),
        Misconception(
            "another variance for q",
            lambda precision: _kl_of(_diagonal(precision), precision),
            "Your q is not the best one: its variances are not 1 / Lambda_dd. Put those in, and trace and D cancel.",
            variants=(lambda precision: _kl_of(_diagonal(precision).rsqrt(), precision),),
        ),
        Misconception(
            "D left behind",
            _with(join=lambda diagonal, log_det, dims: 0.5 * (diagonal - log_det - dims)),
            "Your result is off by D/2. With the best variances the trace is D, which cancels the -D of the KL: neither is "
            "left.",
            variants=(
                _with(join=lambda diagonal, log_det, dims: 0.5 * (diagonal - log_det + dims)),
                _with(join=lambda diagonal, log_det, dims: 0.5 * (diagonal - log_det) - dims),
                _with(join=lambda diagonal, log_det, dims: 0.5 * (diagonal - log_det) + dims),
            ),
        ),
        Misconception(
            "mean over the dimensions",
            _with(diagonal=lambda matrices: _diagonal(matrices).log().mean(-1)),
            "You average over the dimensions, in one part or in both. The KL of the whole code is asked for: add the "
            "logarithms up.",
            variants=(_with(join=lambda diagonal, log_det, dims: 0.5 * (diagonal - log_det) / dims),),
        ),
        Misconception(
            "one number for all",
            _with(join=lambda diagonal, log_det, dims: 0.5 * (diagonal - log_det).sum()),
            "You reduce over the matrices too. Each has a gap of its own: `[B]`.",
            variants=(
                _with(join=lambda diagonal, log_det, dims: 0.5 * (diagonal - log_det).mean()),
                _with(join=lambda diagonal, log_det, dims: 0.5 * (diagonal.sum() - log_det)),
            ),
        ),
        Misconception(
            "diagonal of the wrong axes",
            _with(diagonal=lambda matrices: matrices.diagonal().log().sum(-1)),
            "`.diagonal()` takes the first two axes, of which the first is the batch. Name those of the matrices: "
            "`.diagonal(dim1=-2, dim2=-1)`.",
            variants=(
                _with(diagonal=lambda matrices: matrices.diagonal().log().sum(0)),
                _with(diagonal=lambda matrices: _diagonal(matrices).log().sum(0)),
            ),
        ),
        Misconception(
            "all entries",
            _with(diagonal=lambda matrices: matrices.abs().log().sum((1, 2))),
            "You sum over all entries of the matrix. Only those of its diagonal meet the variances of q.",
            variants=(
                _with(diagonal=lambda matrices: matrices.log().sum((1, 2))),
                _with(diagonal=lambda matrices: matrices.sum(-1).log().sum(-1)),
            ),
        ),
        Misconception(
            "bits",
            _with(join=lambda diagonal, log_det, dims: 0.5 * (diagonal - log_det) / math.log(2)),
            "Your gap is in bits, or one of its parts is. The course counts in nats: natural logarithms throughout.",
            variants=(
                _with(diagonal=lambda matrices: _diagonal(matrices).log2().sum(-1)),
                _with(diagonal=lambda matrices: _diagonal(matrices).log10().sum(-1)),
            ),
        ),
        Misconception(
            "root of the diagonal",
            _with(join=lambda diagonal, log_det, dims: 0.5 * (0.5 * diagonal - log_det)),
            "One of your logarithms is that of a standard deviation, which is half of a variance's. Take those of the diagonal "
            "and of |Lambda| as they stand, and half of their difference.",
            variants=(_with(join=lambda diagonal, log_det, dims: 0.25 * (diagonal - log_det)),),
        ),
        Misconception(
            "sign of the determinant",
            _with(log_det=lambda matrices: torch.linalg.slogdet(matrices).sign),
            "`torch.linalg.slogdet` gives two things: first the sign, then log |det|. Take the second, `.logabsdet`.",
        ),
    ),
    cases=_cases,
    batch="precision",
    probe=numbers,
)
