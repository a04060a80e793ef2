"""Worlds whose log p(x) and p(z | x) are known: what every formula of the course is checked against.

The two continuous worlds have `prior()`, `likelihood(z)` and `posterior(x)` like a VAE, so `objectives.elbo` runs on them
unchanged. Their `posterior` is the true one; `with_posterior` puts any Gaussian q in its place.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.distributions import Distribution, Independent, MultivariateNormal, Normal


@dataclass(frozen=True)
class LinearGaussian:
    """The linear-Gaussian world: z ~ N(0, I), x = W z + b + sigma * noise. Everything about it is in closed form.

    p(x) = N(b, W W^T + sigma^2 I);
    p(z | x) = N(S W^T (x - b) / sigma^2, S),  S = (I + W^T W / sigma^2)^-1.

    Args:
        W: loadings, `[X, D]`.
        b: mean of x, `[X]`.
        sigma: standard deviation of the noise, above zero.

    Raises:
        ValueError: the shapes do not fit or sigma is not above zero.

    Source: Bishop, Pattern Recognition and Machine Learning (2006), equations 12.35 and 12.42.
    """

    W: Tensor
    b: Tensor
    sigma: float

    def __post_init__(self) -> None:
        if self.W.dim() != 2 or self.b.shape != self.W.shape[:1]:
            raise ValueError(
                f"W has shape {list(self.W.shape)} and b has {list(self.b.shape)}: they must be [X, D] and [X]."
            )
        if not (math.isfinite(self.sigma) and self.sigma > 0):
            raise ValueError(f"sigma is {self.sigma}: a standard deviation must be a finite number above zero.")

    def prior(self) -> MultivariateNormal:
        """p(z) = N(0, I), event `[D]`."""
        return _gaussian(self.W.new_zeros(self.W.shape[1]), self._identity())

    def likelihood(self, z: Tensor) -> Distribution:
        """p(x | z) = N(W z + b, sigma^2 I) for z `[..., D]`, event `[X]`."""
        mean = z @ self.W.T + self.b
        return Independent(Normal(mean, torch.full_like(mean, self.sigma)), 1)

    def posterior(self, x: Tensor) -> MultivariateNormal:
        """The true p(z | x) for x `[B, X]`, batch `[B]`, event `[D]`."""
        precision = self._identity() + self.W.T @ self.W / self.sigma**2
        mean = torch.linalg.solve(precision, self.W.T @ (self._checked(x) - self.b).T / self.sigma**2).T
        return MultivariateNormal(mean, precision_matrix=precision.expand(len(x), -1, -1))

    def log_marginal(self, x: Tensor) -> Tensor:
        """log p(x) for x `[B, X]`: `[B]`, in nats."""
        noise = self.sigma**2 * torch.eye(len(self.b), dtype=self.b.dtype, device=self.b.device)
        return MultivariateNormal(self.b, covariance_matrix=self.W @ self.W.T + noise).log_prob(self._checked(x))

    def sample(self, n: int, *, generator: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
        """Ancestral sampling: n codes z `[n, D]` from the prior, then x `[n, X]` from the likelihood."""
        z, noise = (
            torch.randn(n, size, generator=generator, dtype=self.W.dtype, device=self.W.device)
            for size in (self.W.shape[1], len(self.b))
        )
        return z, z @ self.W.T + self.b + self.sigma * noise

    def with_posterior(self, mu: Tensor, logvar: Tensor) -> "WithPosterior":
        """This world with q(z | x) = N(mu, diag(exp(logvar))) in place of the true posterior; mu, logvar `[B, D]`."""
        return WithPosterior(self, mu, logvar)

    def _identity(self) -> Tensor:
        return torch.eye(self.W.shape[1], dtype=self.W.dtype, device=self.W.device)

    def _checked(self, x: Tensor) -> Tensor:
        if x.dim() != 2 or x.shape[1] != len(self.b):
            raise ValueError(f"x has shape {list(x.shape)} but this world's points are [B, {len(self.b)}].")
        return x


@dataclass(frozen=True)
class GridWorld:
    """A world with one latent dimension and any decoder: z ~ N(0, 1), x ~ N(f(z), sigma^2 I), by quadrature.

    p(x) = integral of p(z) p(x | z) dz, summed over an even grid; for smooth integrands that vanish at the ends
    such a sum converges faster than any power of the step.

    Args:
        f: the decoder, from z `[...]` to means `[..., X]`.
        sigma: standard deviation of the noise, above zero.
        half_width: the grid runs from -half_width to half_width.
        n_points: points of the grid; choose the step well below the posterior's width.

    Raises:
        ValueError: sigma is not above zero.
    """

    f: Callable[[Tensor], Tensor]
    sigma: float
    half_width: float = 8.0
    n_points: int = 4001

    def __post_init__(self) -> None:
        if not (math.isfinite(self.sigma) and self.sigma > 0):
            raise ValueError(f"sigma is {self.sigma}: a standard deviation must be a finite number above zero.")

    @property
    def grid(self) -> Tensor:
        """The points z of the quadrature, `[G]`, in float64."""
        return torch.linspace(-self.half_width, self.half_width, self.n_points, dtype=torch.float64)

    @property
    def step(self) -> float:
        """The distance between two points of the grid."""
        return 2 * self.half_width / (self.n_points - 1)

    def prior(self) -> MultivariateNormal:
        """p(z) = N(0, 1), event `[1]`."""
        return _gaussian(torch.zeros(1, dtype=torch.float64), torch.eye(1, dtype=torch.float64))

    def likelihood(self, z: Tensor) -> Distribution:
        """p(x | z) for z `[..., 1]`, event `[X]`."""
        mean = self.f(z.squeeze(-1))
        return Independent(Normal(mean, torch.full_like(mean, self.sigma)), 1)

    def log_joint(self, x: Tensor) -> Tensor:
        """log p(z) + log p(x | z) at every point of the grid, for x `[B, X]`: `[B, G]`, in nats."""
        z = self.grid.unsqueeze(-1)
        return self.prior().log_prob(z) + self.likelihood(z).log_prob(x.unsqueeze(1))

    def log_marginal(self, x: Tensor) -> Tensor:
        """log p(x) for x `[B, X]`: `[B]`, in nats."""
        return torch.logsumexp(self.log_joint(x), -1) + math.log(self.step)

    def posterior_density(self, x: Tensor) -> Tensor:
        """p(z | x) at every point of the grid, for x `[B, X]`: `[B, G]`; each row integrates to one."""
        return torch.exp(self.log_joint(x) - self.log_marginal(x).unsqueeze(-1))

    def elbo(self, x: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
        """E_q[ log p(x, z) - log q(z) ] by quadrature, with q = N(mu, exp(logvar)); mu and logvar `[B, 1]`; `[B]`."""
        log_q = Normal(mu, torch.exp(0.5 * logvar)).log_prob(self.grid)
        return (torch.exp(log_q) * (self.log_joint(x) - log_q)).sum(-1) * self.step

    def kl_to_posterior(self, x: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
        """KL(q || p(z | x)) by quadrature, with q = N(mu, exp(logvar)); mu and logvar `[B, 1]`: `[B]`, in nats."""
        log_q = Normal(mu, torch.exp(0.5 * logvar)).log_prob(self.grid)
        log_p = self.log_joint(x) - self.log_marginal(x).unsqueeze(-1)
        return (torch.exp(log_q) * (log_q - log_p)).sum(-1) * self.step

    def with_posterior(self, mu: Tensor, logvar: Tensor) -> "WithPosterior":
        """This world with q(z | x) = N(mu, exp(logvar)), so that `objectives.elbo` runs on it; mu, logvar `[B, 1]`."""
        return WithPosterior(self, mu, logvar)


@dataclass(frozen=True)
class DiscreteWorld:
    """A world of K codes and M observations: two tables of probabilities, and every integral is a finite sum.

    Args:
        p_z: the prior, `[K]`.
        p_x_z: the likelihood p(x | z), `[K, M]`, one row for each code.

    Raises:
        ValueError: the shapes do not fit, or a table does not consist of probabilities that sum to one.
    """

    p_z: Tensor
    p_x_z: Tensor

    def __post_init__(self) -> None:
        if self.p_x_z.dim() != 2 or self.p_z.shape != self.p_x_z.shape[:1]:
            raise ValueError(
                f"p_z has shape {list(self.p_z.shape)} and p_x_z has {list(self.p_x_z.shape)}: they must be [K], [K, M]."
            )
        for name, table in (("p_z", self.p_z), ("p_x_z", self.p_x_z)):
            if not (table >= 0).all() or not torch.allclose(table.sum(-1), table.new_ones(table.shape[:-1])):
                raise ValueError(f"{name} does not consist of probabilities that sum to one on the last axis.")

    def joint(self) -> Tensor:
        """p(x, z) = p(z) p(x | z), `[K, M]`."""
        return self.p_z.unsqueeze(1) * self.p_x_z

    def marginal(self) -> Tensor:
        """p(x) = sum_z p(x, z), `[M]`."""
        return self.joint().sum(0)

    def posterior(self) -> Tensor:
        """p(z | x) = p(x, z) / p(x), `[M, K]`: one row for each observation."""
        return (self.joint() / self.marginal()).T

    def elbo(self, x: int, q: Tensor) -> Tensor:
        """sum_z q(z) [ log p(x, z) - log q(z) ] in nats for one observation x; q `[..., K]` gives `[...]`."""
        return (torch.xlogy(q, self.joint()[:, x]) - torch.xlogy(q, q)).sum(-1)


@dataclass(frozen=True)
class WithPosterior:
    """An exact world together with one Gaussian q for each example, `mu` and `logvar` `[B, D]`."""

    world: LinearGaussian | GridWorld
    mu: Tensor
    logvar: Tensor

    def prior(self) -> Distribution:
        """p(z) of the world."""
        return self.world.prior()

    def likelihood(self, z: Tensor) -> Distribution:
        """p(x | z) of the world."""
        return self.world.likelihood(z)

    def posterior(self, x: Tensor) -> MultivariateNormal:
        """q(z | x), whatever x is, batch `[B]`, event `[D]`.

        Raises:
            ValueError: there is not one q for each x.
        """
        if len(x) != len(self.mu):
            raise ValueError(f"There are {len(self.mu)} posteriors for {len(x)} examples: give one for each.")
        return _gaussian(self.mu, torch.diag_embed(torch.exp(0.5 * self.logvar)))

    def log_marginal(self, x: Tensor) -> Tensor:
        """log p(x) of the world, which no q can change."""
        return self.world.log_marginal(x)


def _gaussian(mean: Tensor, scale_tril: Tensor) -> MultivariateNormal:
    return MultivariateNormal(mean, scale_tril=scale_tril)
