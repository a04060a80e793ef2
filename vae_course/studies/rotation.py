"""Codes that are the factors of a Gaussian world, and codes that are the same factors turned: what tells them apart.

x = A v + sigma noise with v ~ N(0, I) and orthogonal columns of A; the codes are z = R v with a rotation R. Since R v is
N(0, I) too, all of these worlds have the same p(z) and the same p(x). All numbers are in closed form.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from vae_course.exact import LinearGaussian

LENGTHS, SIGMA = (2.0, 0.7), 0.5  # of the columns of A, one for each factor, and of the noise
# Where the columns point: the first factor moves all four numbers of x alike, the second one the halves apart.
DIRECTIONS = ((0.5, 0.5, 0.5, 0.5), (0.5, 0.5, -0.5, -0.5))


def rotation(degrees: float) -> Tensor:
    """R, which turns the plane of the two factors by an angle: `[2, 2]` in float64."""
    angle = math.radians(degrees)
    rows = ((math.cos(angle), -math.sin(angle)), (math.sin(angle), math.cos(angle)))
    return torch.tensor(rows, dtype=torch.float64)


def loadings() -> Tensor:
    """A, with one orthogonal column for each factor: `[X, V]` in float64."""
    return torch.tensor(DIRECTIONS, dtype=torch.float64).T * torch.tensor(LENGTHS, dtype=torch.float64)


def world(degrees: float) -> LinearGaussian:
    """The world in terms of its codes: x = A R^T z + sigma noise, whose p(x) is the same at every angle.

    Raises:
        ValueError: the angle is not finite.
    """
    if not math.isfinite(degrees):
        raise ValueError(f"degrees is {degrees}: give a finite angle.")
    W = loadings() @ rotation(degrees).T
    return LinearGaussian(W, W.new_zeros(len(W)), SIGMA)


@dataclass(frozen=True)
class Account:
    """What one q(z | x) costs and what its codes tell of the factors, in nats, in the mean over x.

    Args:
        elbo: E[ ELBO ].
        information: I(x; z).
        total_correlation: KL( q(z) || prod_j q(z_j) ).
        dimension_kl: sum over j of KL( q(z_j) || p(z_j) ).
        with_factors: I(z_j; v_k) of each code with each factor, `[D, V]`.
        in_image: I(v_k; x) of each factor with x, `[V]`, which no code that is made from x can exceed.
    """

    elbo: float
    information: float
    total_correlation: float
    dimension_kl: float
    with_factors: Tensor
    in_image: Tensor

    @property
    def rate(self) -> float:
        """E[ KL( q(z | x) || p(z) ) ], the sum of the three parts."""
        return self.information + self.total_correlation + self.dimension_kl

    @property
    def gaps(self) -> Tensor:
        """By how much the best code of each factor tells more of it than the second best does, `[V]`."""
        best = self.with_factors.sort(0, descending=True).values
        return best[0] - best[1]

    @property
    def mig(self) -> float:
        """The mutual information gap: the mean over the factors of gap / I(v_k; x).

        The entropy of a factor, by which the gap is divided where factors are discrete, is no measure of a continuous one:
        it may be negative, and it changes with the unit. In its place stands what x tells of the factor.
        """
        return float((self.gaps / self.in_image).mean())


def account(degrees: float, *, diagonal: bool = False) -> Account:
    """The account of the true posterior, or of the best Gaussian q without correlations, at this angle.

    With the posterior's precision P: q = N(mean, P^-1), or N(mean, diag(1 / P_jj)), whose gap is
    1/2 (sum_j log P_jj - log |P|). Codes from q have the covariance Cov(mean) + Cov(q).

    Raises:
        ValueError: the angle is not finite.
    """
    W, R, eye = world(degrees).W, rotation(degrees), torch.eye(2, dtype=torch.float64)
    precision = eye + W.T @ W / SIGMA**2
    posterior = torch.linalg.inv(precision)
    q = (1 / precision.diagonal()).diag() if diagonal else posterior
    shared = eye - posterior  # Cov(mean), and what the codes have in common with R v
    codes = shared + q
    variances = codes.diagonal()
    covariance = W @ W.T + SIGMA**2 * torch.eye(len(W), dtype=torch.float64)
    entropy = 0.5 * torch.logdet(2 * math.pi * math.e * covariance)
    kl_to_posterior = -0.5 * (torch.logdet(precision) + torch.logdet(q))
    correlations = (shared @ R) / variances.sqrt()[:, None]  # a factor has variance 1
    return Account(
        elbo=float(-entropy - kl_to_posterior),
        information=float(0.5 * (torch.logdet(codes) - torch.logdet(q))),
        # Rounding would put some zeros a little below zero.
        total_correlation=max(0.0, float(0.5 * (variances.log().sum() - torch.logdet(codes)))),
        dimension_kl=max(0.0, float(0.5 * (variances - 1 - variances.log()).sum())),
        with_factors=-0.5 * torch.log1p(-correlations.square()),
        in_image=0.5 * torch.log1p(torch.tensor(LENGTHS, dtype=torch.float64).square() / SIGMA**2),
    )
