"""Diffusion models: a chain of T steps whose encoder is fixed, the terms of its bound, and two ways to sample.

A level is known by its log-SNR lambda: x_t = alpha x0 + sigma eps, with eps ~ N(0, I) and

alpha^2 = sigmoid(lambda),    sigma^2 = sigmoid(-lambda),    so that    SNR = alpha^2 / sigma^2 = exp(lambda).

Times t go from 0, nearly the data, to 1, nearly pure noise, and lambda falls on the way; s is the time one step before t. Points
are `[..., D]`; a log-SNR is one number, or `[...]`, one for each point. A denoiser takes x_t `[B, D]` and log-SNRs `[B]`, and
returns x0_hat `[B, D]`, its guess of the point under the noise.

Shapes that don't fit raise a ValueError. What takes a denoiser does too if the points are not `[B, D]`, if n_steps is no whole
number from 1, or if the schedule does not fall, and it raises a TypeError if the points are integers.
"""

import math
from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Generator, Tensor, nn

from vae_course.distributions import gaussian_kl, gaussian_log_prob
from vae_course.support.numbers import whole_number

Schedule = Callable[[Tensor], Tensor]  # from times in [0, 1] to log-SNRs
Denoiser = Callable[[Tensor, Tensor], Tensor]
ReverseVariance = str | float | Callable[[Tensor, Tensor], Tensor]  # see step_variance

N_FEATURES = 11  # of level_features


def linear_log_snr(first: float = 9.0, last: float = -9.0) -> Schedule:
    """The schedule lambda(t) = first + (last - first) t."""
    return lambda t: first + (last - first) * t


def cosine(first: float = 9.0, last: float = -9.0) -> Schedule:
    """The schedule alpha = cos a, sigma = sin a with an angle a that grows evenly between the ends: lambda(t) = -2 log tan a(t).

    Source: Nichol and Dhariwal, Improved Denoising Diffusion Probabilistic Models (2021), equation 17.
    """
    start, end = (math.atan(math.exp(-end / 2)) for end in (first, last))
    return lambda t: -2 * torch.log(torch.tan(start + (end - start) * t))


def levels(schedule: Schedule, n_steps: int) -> Tensor:
    """The log-SNRs at t = 0, 1/T, ..., 1, `[T + 1]` in float64; a ValueError if they don't fall or n_steps is below one."""
    n_steps = whole_number(n_steps, "n_steps", least=1)
    log_snr = schedule(torch.linspace(0, 1, n_steps + 1, dtype=torch.float64))
    if not (log_snr.diff() < 0).all():
        raise ValueError("The log-SNRs of this schedule do not fall from t = 0 to t = 1: noise must grow with time.")
    return log_snr


def signal_and_noise(log_snr: Tensor) -> tuple[Tensor, Tensor]:
    """alpha and sigma of each log-SNR, in its shape."""
    return torch.sigmoid(log_snr).sqrt(), torch.sigmoid(-log_snr).sqrt()


def diffuse(x0: Tensor, log_snr: Tensor, eps: Tensor) -> Tensor:
    """x_t = alpha x0 + sigma eps, `[..., D]`: with eps from N(0, I) a draw from q(x_t | x0) = N(alpha x0, sigma^2 I)."""
    if eps.shape != x0.shape:
        raise ValueError(f"eps has shape {list(eps.shape)} but x0 has {list(x0.shape)}: draw one number for each.")
    alpha, sigma = signal_and_noise(_beside(x0, log_snr))
    return alpha * x0 + sigma * eps


def posterior_step(x_t: Tensor, x0: Tensor, log_snr_t: Tensor, log_snr_s: Tensor) -> tuple[Tensor, Tensor]:
    """Mean `[..., D]` and variance, which broadcasts to it, of q(x_s | x_t, x0): the step back if the data point is known.

    mean = (1 - c) (alpha_s / alpha_t) x_t + c alpha_s x0,    variance = c sigma_s^2,    c = 1 - SNR_t / SNR_s.

    It is proportional to q(x_s | x0) q(x_t | x_s): precisions add. The log-SNR at s may be infinite; there x_s = x0.

    Source: Ho, Jain and Abbeel, Denoising Diffusion Probabilistic Models (2020), equations 6 and 7.
    """
    log_snr_t, log_snr_s = _beside(x_t, log_snr_t), _beside(x_t, log_snr_s)
    (alpha_t, _), (alpha_s, sigma_s) = signal_and_noise(log_snr_t), signal_and_noise(log_snr_s)
    kept, share = torch.exp(log_snr_t - log_snr_s), -torch.expm1(log_snr_t - log_snr_s)
    return kept * (alpha_s / alpha_t) * x_t + share * alpha_s * x0, share * sigma_s.square()


def step_variance(choice: ReverseVariance, log_snr_t: Tensor, log_snr_s: Tensor) -> Tensor:
    """The variance of the model's step p(x_s | x_t), in the shape of the log-SNRs.

    "small" is that of q(x_s | x_t, x0), c sigma_s^2: right if all data are one point. "large" is that of q(x_t | x_s),
    c sigma_t^2: right if x0 ~ N(0, I). A share w from 0 to 1 lies between their logs, at c sigma_s^(2 - 2 w) sigma_t^(2 w). A
    function of the two log-SNRs gives its own.

    Raises:
        ValueError: choice is another word, or a number outside [0, 1].

    Sources: Ho, Jain and Abbeel (2020), section 3.2; Nichol and Dhariwal (2021), equation 15.
    """
    if callable(choice):
        return choice(log_snr_t, log_snr_s)
    w = {"small": 0.0, "large": 1.0}.get(choice, math.nan) if isinstance(choice, str) else choice
    if not 0 <= w <= 1:
        raise ValueError(f'reverse_variance is {choice!r}: give "small", "large", a share from 0 to 1 or a function.')
    (_, sigma_t), (_, sigma_s) = signal_and_noise(log_snr_t), signal_and_noise(log_snr_s)
    return -torch.expm1(log_snr_t - log_snr_s) * sigma_s ** (2 - 2 * w) * sigma_t ** (2 * w)


def step_kl(
    x_t: Tensor, x0: Tensor, x0_hat: Tensor, log_snr_t: Tensor, log_snr_s: Tensor, choice: ReverseVariance = "small"
) -> Tensor:
    """KL( q(x_s | x_t, x0) || p(x_s | x_t) ) of points `[B, D]`: `[B]` in nats, one term L_t of the bound.

    The model's step p has the mean that q would have if x0_hat were the data point, and the variance of `step_variance`.
    """
    mean, variance = posterior_step(x_t, x0, log_snr_t, log_snr_s)
    guess, _ = posterior_step(x_t, x0_hat, log_snr_t, log_snr_s)
    variance_p = step_variance(choice, _beside(x_t, log_snr_t), _beside(x_t, log_snr_s))
    return gaussian_kl(mean, variance.log().to(mean).expand_as(mean), guess, variance_p.log().to(mean))


def eps_from_x0(x_t: Tensor, x0: Tensor, log_snr: Tensor) -> Tensor:
    """eps = (x_t - alpha x0) / sigma, `[..., D]`."""
    alpha, sigma = signal_and_noise(_beside(x_t, log_snr))
    return (x_t - alpha * x0) / sigma


def x0_from_eps(x_t: Tensor, eps: Tensor, log_snr: Tensor) -> Tensor:
    """x0 = (x_t - sigma eps) / alpha, `[..., D]`."""
    alpha, sigma = signal_and_noise(_beside(x_t, log_snr))
    return (x_t - sigma * eps) / alpha


def x0_from_v(x_t: Tensor, v: Tensor, log_snr: Tensor) -> Tensor:
    """x0 = alpha x_t - sigma v, `[..., D]`, where v = alpha eps - sigma x0 (Salimans and Ho 2022, appendix D)."""
    alpha, sigma = signal_and_noise(_beside(x_t, log_snr))
    return alpha * x_t - sigma * v


def score(x_t: Tensor, x0_hat: Tensor, log_snr: Tensor) -> Tensor:
    """The score that a denoiser stands for, -eps_hat / sigma, `[..., D]`: with x0_hat = E[x0 | x_t] the gradient of log q(x_t).

    Source: Vincent, A Connection Between Score Matching and Denoising Autoencoders (2011).
    """
    _, sigma = signal_and_noise(_beside(x_t, log_snr))
    return -eps_from_x0(x_t, x0_hat, log_snr) / sigma


def velocity(x_t: Tensor, x0_hat: Tensor, log_snr: Tensor) -> Tensor:
    """The velocity of flow matching that a denoiser stands for, eps_hat - x0_hat, `[..., D]`.

    It moves y = (1 - r) x0 + r eps = x_t / (alpha + sigma), a straight line, at r = sigma / (alpha + sigma).

    Source: Lipman and others, Flow Matching for Generative Modeling (2023), equation 23, with time the other way round.
    """
    return eps_from_x0(x_t, x0_hat, log_snr) - x0_hat


class DiffusionTerms(NamedTuple):
    """The parts of the bound in nats: L_T `[B]`, each L_t `[T, B]` from the step next to the data on, and L_0 `[B]`."""

    prior: Tensor
    steps: Tensor
    reconstruction: Tensor

    @property
    def elbo(self) -> Tensor:
        """-(L_T + sum of L_t + L_0), `[B]`: on average never above log p(x0)."""
        return -(self.prior + self.steps.sum(0) + self.reconstruction)


def terms(
    denoiser: Denoiser,
    x0: Tensor,
    schedule: Schedule,
    n_steps: int,
    *,
    reverse_variance: ReverseVariance = "small",
    generator: Generator | None = None,
) -> DiffusionTerms:
    """The bound of points x0 `[B, D]` under a model of T steps, with one draw of noise for each level.

    L_T = KL( q(x_1 | x0) || N(0, I) ),  L_t = E KL( q(x_s | x_t, x0) || p(x_s | x_t) ),  L_0 = E[-log p(x0 | x_0)],

    where x_1 and x_0 are the points at the levels t = 1 and t = 0, and x0 those without noise. p(x0 | x_0) =
    N(x0_hat, sigma_0^2 I), or with the variance that a function of the log-SNRs gives for infinity at s.

    Source: Kingma and others (2021), equation 11; the decoder is that of Ho, Jain and Abbeel (2020) before they make pixels.
    """
    log_snr = levels(schedule, n_steps).to(_points(x0).device)
    steps = []
    for log_snr_s, log_snr_t in pairwise(log_snr):
        x_t = diffuse(x0, log_snr_t, _noise(x0, generator))
        steps.append(step_kl(x_t, x0, _guess(denoiser, x_t, log_snr_t), log_snr_t, log_snr_s, reverse_variance))
    return _with_ends(denoiser, x0, log_snr, torch.stack(steps), reverse_variance, generator)


def continuous_bound(
    denoiser: Denoiser, x0: Tensor, schedule: Schedule, n_draws: int = 100, *, generator: Generator | None = None
) -> DiffusionTerms:
    """The bound of points x0 `[B, D]` for T -> infinity, where of the schedule only the two ends matter.

    sum of L_t -> 1/2 integral of E |eps - eps_hat|^2 d lambda, from lambda(1) to lambda(0),

    estimated without bias from one log-SNR in each of n_draws equal parts of that range: `steps` is `[n_draws, B]`.

    Source: Kingma and others (2021), equations 17 and 18.
    """
    ends = levels(schedule, 1).to(_points(x0).device)
    width = (ends[0] - ends[1]) / whole_number(n_draws, "n_draws", least=1)
    steps = []
    for k in range(n_draws):
        log_snr = ends[0] - width * (k + torch.rand(len(x0), generator=generator, device=x0.device)).to(x0)
        steps.append(0.5 * width * _noise_error(denoiser, x0, log_snr, generator))
    return _with_ends(denoiser, x0, ends, torch.stack(steps), "large", generator)


class Samples(NamedTuple):
    """Draws x0 `[B, D]`, and where each was at t = 1, ..., 1/T, 0: path `[T + 1, B, D]`."""

    x0: Tensor
    path: Tensor


def sample_ancestral(
    denoiser: Denoiser,
    x_T: Tensor,
    schedule: Schedule,
    n_steps: int,
    *,
    reverse_variance: ReverseVariance = "small",
    generator: Generator | None = None,
) -> Samples:
    """Draws from the model, level by level from x_T ~ N(0, I) `[B, D]`: x_s from p(x_s | x_t), and at last x0_hat without noise.

    Source: Ho, Jain and Abbeel (2020), algorithm 2.
    """

    def step(x_t: Tensor, x0_hat: Tensor, log_snr_t: Tensor, log_snr_s: Tensor) -> Tensor:
        mean, _ = posterior_step(x_t, x0_hat, log_snr_t, log_snr_s)
        return mean + step_variance(reverse_variance, log_snr_t, log_snr_s).sqrt() * _noise(x_t, generator)

    return _sampled(denoiser, x_T, schedule, n_steps, step)


def sample_ddim(denoiser: Denoiser, x_T: Tensor, schedule: Schedule, n_steps: int) -> Samples:
    """The points that x_T `[B, D]` leads to by x_s = alpha_s x0_hat + sigma_s eps_hat: rescaled, Euler's step along `velocity`.

    Source: Song, Meng and Ermon, Denoising Diffusion Implicit Models (2021), equation 12 with no noise.
    """

    def step(x_t: Tensor, x0_hat: Tensor, log_snr_t: Tensor, log_snr_s: Tensor) -> Tensor:
        return diffuse(x0_hat, log_snr_s, eps_from_x0(x_t, x0_hat, log_snr_t))

    return _sampled(denoiser, x_T, schedule, n_steps, step)


def level_features(log_snr: Tensor) -> Tensor:
    """What a network is told of log-SNRs `[...]`: a tenth of each, and sines and cosines of five lengths, `[..., 11]`."""
    log_snr_ = log_snr.unsqueeze(-1)
    waves = log_snr_ * 2.0 ** torch.arange(-3, 2).to(log_snr)
    return torch.cat([log_snr_ / 10, waves.sin(), waves.cos()], -1)


class PointDenoiser(nn.Module):
    """A network from x_t `[B, D]` and log-SNRs `[B]`, which enter each residual block, to x0_hat `[B, D]`.

    Args:
        dim, hidden, n_blocks: D, the width, and the number of blocks; a ValueError if one is below one.
        predicts: what its last layer guesses, "eps", "x0" or "v"; x0_hat follows from it.
    """

    def __init__(self, dim: int = 2, *, hidden: int = 96, n_blocks: int = 2, predicts: str = "eps") -> None:
        super().__init__()
        if predicts not in ("eps", "x0", "v"):
            raise ValueError(f'predicts is {predicts!r}: give "eps", "x0" or "v".')
        dim, hidden = whole_number(dim, "dim", least=1), whole_number(hidden, "hidden", least=1)
        self.predicts = predicts
        self.first, self.last = nn.Linear(dim, hidden), nn.Linear(hidden, dim)
        self.level = nn.Sequential(nn.Linear(N_FEATURES, hidden), nn.SiLU())
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.SiLU(), nn.Linear(hidden, hidden), nn.SiLU(), nn.Linear(hidden, hidden))
            for _ in range(whole_number(n_blocks, "n_blocks", least=1))
        )

    def forward(self, x_t: Tensor, log_snr: Tensor) -> Tensor:
        """x0_hat `[B, D]`."""
        level = self.level(level_features(log_snr))
        h = self.first(x_t)
        for block in self.blocks:
            h = h + block(h + level)
        output = self.last(h)
        if self.predicts == "x0":
            return output
        return (x0_from_eps if self.predicts == "eps" else x0_from_v)(x_t, output, log_snr)


def denoising_loss(
    denoiser: Denoiser, x0: Tensor, *, weighting: str = "bound", schedule: Schedule | None = None
) -> dict[str, Tensor]:
    """The loss for `training.fit` on points x0 `[B, D]`: the squared error of the noise, at one log-SNR for each point.

    "bound" draws lambda evenly from the range of the schedule. The mean of 1/2 (lambda(0) - lambda(1)) |eps - eps_hat|^2 is the
    sum of L_t for T -> infinity, in nats. "simple" draws t evenly, and takes the mean of |eps - eps_hat|^2, which bounds nothing.
    So drawing a level more often is giving it more weight, and with `linear_log_snr` both are the same but for a factor; the
    schedule is `cosine()` unless given.

    Raises:
        ValueError: weighting is another word.

    Sources: Ho, Jain and Abbeel (2020), equation 14; Kingma and Gao, Understanding Diffusion Objectives as the ELBO with
    Simple Data Augmentation (2023), section 3.
    """
    if weighting not in ("bound", "simple"):
        raise ValueError(f'weighting is {weighting!r}: give "bound" or "simple".')
    schedule = schedule or cosine()
    # Evenly spread times with one random shift: as fair as independent ones, and less noisy.
    t = (torch.arange(len(_points(x0))) / len(x0) + torch.rand(())).remainder(1).to(x0)
    first, last = levels(schedule, 1).tolist()
    log_snr, weight = (first + (last - first) * t, (first - last) / 2) if weighting == "bound" else (schedule(t), 1.0)
    return {"loss": weight * _noise_error(denoiser, x0, log_snr, None).mean()}


def _noise_error(denoiser: Denoiser, x0: Tensor, log_snr: Tensor, generator: Generator | None) -> Tensor:
    """|eps - eps_hat|^2 = SNR |x0 - x0_hat|^2 at one draw of x_t, `[B]`."""
    x0_hat = _guess(denoiser, diffuse(x0, log_snr, _noise(x0, generator)), log_snr)
    return log_snr.exp() * (x0 - x0_hat).square().sum(-1)


def _with_ends(
    denoiser: Denoiser, x0: Tensor, log_snr: Tensor, steps: Tensor, choice: ReverseVariance, generator: Generator | None
) -> DiffusionTerms:
    """The terms L_t with L_T and L_0 at the last and the first log-SNR."""
    alpha, sigma = signal_and_noise(log_snr[-1])
    prior = gaussian_kl(alpha * x0, sigma.square().log().to(x0).expand_as(x0))
    x0_hat = _guess(denoiser, diffuse(x0, log_snr[0], _noise(x0, generator)), log_snr[0])
    # The last step back leads to an infinite log-SNR, where the small variance is 0 and the large one sigma_0^2.
    choice = choice if callable(choice) else "large"
    variance = step_variance(choice, log_snr[0], torch.full_like(log_snr[0], math.inf))
    return DiffusionTerms(prior, steps, -gaussian_log_prob(x0, x0_hat, variance.log().to(x0).expand_as(x0)))


@torch.no_grad()
def _sampled(denoiser: Denoiser, x_T: Tensor, schedule: Schedule, n_steps: int, step: Callable[..., Tensor]) -> Samples:
    log_snr = levels(schedule, n_steps).to(_points(x_T).device).flip(0)
    path = [x_T]
    for log_snr_t, log_snr_s in pairwise(log_snr):
        path.append(step(path[-1], _guess(denoiser, path[-1], log_snr_t), log_snr_t, log_snr_s))
    return Samples(_guess(denoiser, path[-1], log_snr[-1]), torch.stack(path))


def _guess(denoiser: Denoiser, x_t: Tensor, log_snr: Tensor) -> Tensor:
    """x0_hat at one log-SNR for all points or one for each."""
    x0_hat = denoiser(x_t, log_snr.to(x_t).expand(len(x_t)))
    if x0_hat.shape != x_t.shape:
        raise ValueError(f"The denoiser makes {list(x0_hat.shape)} of {list(x_t.shape)}: it must keep the shape.")
    return x0_hat


def _noise(x: Tensor, generator: Generator | None) -> Tensor:
    return torch.randn(x.shape, generator=generator, dtype=x.dtype, device=x.device)


def _beside(x: Tensor, log_snr: Tensor) -> Tensor:
    """Log-SNRs with an axis more, so that each stands beside the numbers of its point; one for all stays as it is."""
    if log_snr.dim() and log_snr.shape != x.shape[:-1]:
        given, points = list(log_snr.shape), list(x.shape)
        raise ValueError(f"The log-SNRs have shape {given} but the points {points}: give one, or {points[:-1]}.")
    return log_snr.unsqueeze(-1) if log_snr.dim() else log_snr


def _points(x: Tensor) -> Tensor:
    if not x.is_floating_point():
        raise TypeError(f"The points hold {x.dtype}: give floating-point numbers, for example x.float().")
    if x.dim() != 2 or not len(x):
        raise ValueError(f"The points have shape {list(x.shape)}: give [B, D] with one point or more.")
    return x
