"""Worlds in which the best denoiser is known: data from a mixture of Gaussians of one width, or from a single one.

With noise each component stays a Gaussian: x_t given k is N(alpha m_k, v I), v = alpha^2 s^2 + sigma^2. So densities, scores and
E[x0 | x_t] have closed forms, and the expected terms of the bound need no more than E|x0 - E[x0 | x_t]|^2 at each level.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from vae_course.diffusion import DiffusionTerms, ReverseVariance, Schedule, levels, signal_and_noise, step_variance
from vae_course.distributions import LOG_2PI

CLEAN = torch.tensor(math.inf)  # the log-SNR of the data
REACH, PLACES = 9.0, 401  # of the quadrature: so many standard deviations beyond the means, at so many places


@dataclass(frozen=True, eq=False)
class MixtureWorld:
    """x0 = m_k + s eps, with every k as likely: p(x0) = 1/K sum_k N(x0; m_k, s^2 I).

    Args:
        means: m `[K, D]`, in float64.
        std: s.

    Raises:
        ValueError: means are no table, or std is not above zero.
    """

    means: Tensor
    std: float

    def __post_init__(self) -> None:
        if self.means.dim() != 2 or not self.std > 0:
            raise ValueError(
                f"means have shape {list(self.means.shape)}, std is {self.std}: give [K, D] and above zero."
            )

    def sample(self, n: int, *, generator: torch.Generator | None = None) -> Tensor:
        """Points x0, `[n, D]`."""
        k = torch.randint(len(self.means), (n,), generator=generator)
        eps = torch.randn(n, self.means.shape[1], generator=generator, dtype=self.means.dtype)
        return self.means[k] + self.std * eps

    def log_density(self, x: Tensor, log_snr: Tensor = CLEAN) -> Tensor:
        """log q(x_t) of x_t `[N, D]` at one log-SNR or `[N]`, in nats, `[N]`; log p(x0) unless one is given."""
        return self._log_joint(x, log_snr)[0].logsumexp(-1).to(x)

    def denoiser(self, x_t: Tensor, log_snr: Tensor) -> Tensor:
        """E[x0 | x_t], `[N, D]`, of x_t `[N, D]` at one log-SNR or `[N]`.

        Given k it is m_k + (alpha s^2 / v) (x_t - alpha m_k), and each k counts by its probability given x_t.
        """
        log_joint, alpha, variance = self._log_joint(x_t, log_snr)
        m = torch.softmax(log_joint, -1) @ self.means
        return (m + alpha * self.std**2 / variance * (x_t - alpha * m)).to(x_t)

    def squared_error(self, log_snr: Tensor) -> Tensor:
        """E|x0 - E[x0 | x_t]|^2 on the line, in the shape of the log-SNRs, by quadrature over x_t.

        It is the variance given k and x_t, s^2 sigma^2 / v, and (sigma^2 / v)^2 times the expected variance of m_k given x_t.
        """
        within, between, mass = self._variances(log_snr)
        return (within + (between * mass).sum(1)).reshape(log_snr.shape)

    def log_variances(self, log_snr_t: Tensor, log_snr_s: Tensor) -> Tensor:
        """E log Var(x_s | x_t) over x_t on the line, in the shape of the log-SNRs; `best_variance` is E Var(x_s | x_t)."""
        within, between, mass = self._variances(log_snr_t)
        share = -torch.expm1(log_snr_t - log_snr_s).flatten().unsqueeze(-1)
        signal, noise = (torch.sigmoid(sign * log_snr_s).flatten().unsqueeze(-1) for sign in (1, -1))
        variance = share * noise + share.square() * signal * (within.unsqueeze(-1) + between)
        return (variance.log() * mass).sum(1).reshape(log_snr_t.shape)

    def best_variance(self, log_snr_t: Tensor, log_snr_s: Tensor) -> Tensor:
        """The reverse variance with the highest bound, on the line: c sigma_s^2 + (c alpha_s)^2 E|x0 - E[x0 | x_t]|^2.

        It is the variance of q(x_s | x_t), on average over x_t; with one component it is that at every x_t.

        Source: Bao and others, Analytic-DPM (2022), theorem 1.
        """
        share = -torch.expm1(log_snr_t - log_snr_s)
        error = self.squared_error(log_snr_t)
        return share * torch.sigmoid(-log_snr_s) + share.square() * torch.sigmoid(log_snr_s) * error

    @property
    def entropy(self) -> float:
        """-E log p(x0) in nats, on the line, by quadrature."""
        x, _, width = self._places(CLEAN.double().unsqueeze(0))
        log_p = self.log_density(x)
        return -(log_p.exp() @ log_p * width).item()

    def _variances(self, log_snr: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Var(x0 | x_t) in two parts, given k `[M]` and of E[x0 | k, x_t] `[M, PLACES]`, and the mass at each place."""
        x, at, width = self._places(log_snr.double().flatten())
        log_joint, _, variance = self._log_joint(x, at)
        share = torch.softmax(log_joint, -1)
        spread = share @ self.means.square() - (share @ self.means).square()
        noise = torch.sigmoid(-at).unsqueeze(-1) / variance
        within = self.std**2 * noise.reshape(-1, PLACES)[:, 0]
        between = (noise.square() * spread).reshape(-1, PLACES)
        return within, between, log_joint.logsumexp(-1).exp().reshape(-1, PLACES) * width.unsqueeze(-1)

    def _places(self, log_snr: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Places that hold all the mass of x_t at M log-SNRs: x `[M PLACES, 1]`, the log-SNR of each, the widths `[M]`."""
        if self.means.shape[1] != 1:
            raise ValueError(f"The points of this world have {self.means.shape[1]} numbers: quadrature takes a line.")
        alpha, sigma = signal_and_noise(log_snr)
        reach = REACH * torch.hypot(alpha * self.std, sigma)
        low, high = alpha * self.means.min() - reach, alpha * self.means.max() + reach
        share = torch.linspace(0, 1, PLACES, dtype=torch.float64)
        x = low.unsqueeze(-1) + (high - low).unsqueeze(-1) * share
        return x.reshape(-1, 1), log_snr.repeat_interleave(PLACES), (high - low) / (PLACES - 1)

    def _log_joint(self, x: Tensor, log_snr: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """log 1/K + log q(x_t | k), `[N, K]`, alpha and v, all in float64."""
        alpha, sigma = signal_and_noise(log_snr.double().unsqueeze(-1))
        variance = (alpha * self.std).square() + sigma.square()
        # |x - alpha m|^2 multiplied out: products of matrices, and no table [N, K, D].
        x, m = x.double(), self.means
        squares = x.square().sum(-1, keepdim=True) - 2 * alpha * (x @ m.T) + (alpha * m.norm(dim=-1)).square()
        log_q = -0.5 * (squares / variance + x.shape[-1] * (LOG_2PI + variance.log()))
        return log_q - math.log(len(m)), alpha, variance


def gaussian(std: float = 0.5) -> MixtureWorld:
    """x0 ~ N(0, std^2) on the line, in which every step back is known."""
    return MixtureWorld(torch.zeros(1, 1, dtype=torch.float64), std)


def two_bumps(std: float = 0.25) -> MixtureWorld:
    """Two Gaussians on the line, around -1 and 1."""
    return MixtureWorld(torch.tensor([[-1.0], [1.0]], dtype=torch.float64), std)


def expected_terms(
    world: MixtureWorld, schedule: Schedule, n_steps: int, reverse_variance: ReverseVariance = "small"
) -> DiffusionTerms:
    """What `diffusion.terms` is on average over x0 and noise, with the world's denoiser: L_T, L_t `[T]` and L_0, in nats.

    With the step's variance v' in place of v = c sigma_s^2,

    E L_t = 1/2 ( log(v' / v) + (v + (c alpha_s)^2 E|x0 - x0_hat|^2) / v' - 1 ).

    Raises:
        ValueError: the world is not on the line, n_steps is below one, or the schedule does not fall.
    """
    log_snr = levels(schedule, n_steps)
    t, s = log_snr[1:], log_snr[:-1]
    smallest, best = step_variance("small", t, s), world.best_variance(t, s)
    given = step_variance(reverse_variance, t, s)
    steps = 0.5 * ((given / smallest).log() + best / given - 1)
    alpha, sigma = signal_and_noise(log_snr[-1])
    square = world.means.square().mean() + world.std**2
    prior = 0.5 * (sigma.square() - 1 - 2 * sigma.log() + alpha.square() * square)
    decoder = step_variance(reverse_variance if callable(reverse_variance) else "large", log_snr[0], CLEAN.double())
    reconstruction = 0.5 * (LOG_2PI + decoder.log() + world.squared_error(log_snr[0]) / decoder)
    return DiffusionTerms(prior, steps, reconstruction)


def limit(world: MixtureWorld, schedule: Schedule, n_parts: int = 200) -> Tensor:
    """What the terms L_t add up to in each of n_parts equal parts of the time for T -> infinity, in nats: `[n_parts]`.

    The integral of 1/2 SNR E|x0 - x0_hat|^2 over the log-SNRs of a part, by the midpoint rule.

    Raises:
        ValueError: as for `expected_terms`.
    """
    log_snr = levels(schedule, 2 * n_parts)
    middle = log_snr[1::2]
    return 0.5 * (log_snr[:-1:2] - log_snr[2::2]) * middle.exp() * world.squared_error(middle)


def gap(world: MixtureWorld, schedule: Schedule, n_steps: int, reverse_variance: ReverseVariance = "small") -> float:
    """E log p(x0) less the expected bound, in nats: what T steps with this variance lose, though the denoiser is the best.

    Raises:
        ValueError: as for `expected_terms`.
    """
    return -world.entropy - expected_terms(world, schedule, n_steps, reverse_variance).elbo.item()


def one_variance(world: MixtureWorld, schedule: Schedule, n_steps: int) -> float:
    """How much of the gap with the best variance is there because it is one number for all x_t, in nats.

    1/2 sum of ( log E v - E log v ) with v = Var(x_s | x_t), over the steps and the decoder. But for the level at t = 1, the rest
    of the gap is there because q(x_s | x_t) is no Gaussian: E KL( q(x_s | x_t) || N(E[x_s | x_t], v) ).

    Raises:
        ValueError: as for `expected_terms`.
    """
    log_snr = levels(schedule, n_steps)
    s = torch.cat([CLEAN.double().unsqueeze(0), log_snr[:-1]])
    return 0.5 * (world.best_variance(log_snr, s).log() - world.log_variances(log_snr, s)).sum().item()
