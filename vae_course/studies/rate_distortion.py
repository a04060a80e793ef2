"""Gaussian data, whose rate-distortion curve is known: what a beta-VAE with the best linear networks reaches."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.distributions import Distribution, Independent, Normal


@dataclass(frozen=True)
class GaussianSource:
    """Data x ~ N(0, diag(s2)), described through codes with prior N(0, I) and a decoder with noise sigma.

    The best model at beta leaves an error of variance min(beta sigma^2, s2) in each direction:
    rate = 1/2 log( s2 / error ),  distortion = 1/2 log(2 pi sigma^2) + error / (2 sigma^2),  slope dD/dR = -beta.

    Args:
        s2: variance of each direction, `[X]`.
        sigma: standard deviation of the decoder's noise, above zero.

    Raises:
        ValueError: s2 is no vector of numbers above zero, or sigma is not above zero.

    Source: Cover and Thomas, Elements of Information Theory (2006), theorem 10.3.3; Lucas and others, Don't Blame the
    ELBO! (2019), section 4.
    """

    s2: Tensor
    sigma: float

    def __post_init__(self) -> None:
        if self.s2.dim() != 1 or not (self.s2 > 0).all():
            raise ValueError(f"s2 is {self.s2.tolist()}: give a vector of variances above zero.")
        if not (math.isfinite(self.sigma) and self.sigma > 0):
            raise ValueError(f"sigma is {self.sigma}: a standard deviation must be a finite number above zero.")

    def error(self, beta: float) -> Tensor:
        """Variance of x - reconstruction in each direction, `[X]`."""
        if not (math.isfinite(beta) and beta > 0):
            raise ValueError(f"beta is {beta}: give a finite number above zero.")
        return self.s2.clamp_max(beta * self.sigma**2)

    def rate(self, beta: float) -> Tensor:
        """Rate of each direction, `[X]` in nats; zero where it has collapsed."""
        return 0.5 * (self.s2 / self.error(beta)).log()

    def distortion(self, beta: float) -> Tensor:
        """Distortion of each direction, `[X]` in nats."""
        return 0.5 * math.log(2 * math.pi * self.sigma**2) + self.error(beta) / (2 * self.sigma**2)

    def entropy(self) -> Tensor:
        """H(x) = -E[ log p(x) ] of the data themselves, `[]` in nats: no R + D is below it."""
        return 0.5 * (2 * math.pi * math.e * self.s2).log().sum()

    def sample(self, n: int, *, generator: torch.Generator | None = None) -> Tensor:
        """n points `[n, X]`."""
        return self.s2.sqrt() * torch.randn(n, len(self.s2), dtype=self.s2.dtype, generator=generator)

    def model(self, beta: float) -> "LinearModel":
        """The best model at this beta."""
        error = self.error(beta)
        slope = (self.s2 - error).sqrt()
        return LinearModel(slope, slope / self.s2, error / self.s2, self.sigma)


@dataclass(frozen=True)
class LinearModel:
    """x_d given z: N(v_d z_d, sigma^2);  q(z_d | x) = N(m_d x_d, tau2_d). One latent for each direction.

    Args:
        v: slopes of the decoder, `[X]`.
        m: slopes of the encoder, `[X]`.
        tau2: variances of q, `[X]`.
        sigma: standard deviation of the decoder's noise.
    """

    v: Tensor
    m: Tensor
    tau2: Tensor
    sigma: float

    def prior(self) -> Distribution:
        """p(z) = N(0, I), event `[X]`."""
        return Independent(Normal(torch.zeros_like(self.v), torch.ones_like(self.v)), 1)

    def posterior(self, x: Tensor) -> Distribution:
        """q(z | x) for x `[B, X]`, batch `[B]`, event `[X]`."""
        return Independent(Normal(x * self.m, self.tau2.sqrt().expand_as(x)), 1)

    def likelihood(self, z: Tensor) -> Distribution:
        """p(x | z) for z `[..., X]`, event `[X]`."""
        return Independent(Normal(z * self.v, torch.full_like(z, self.sigma)), 1)
