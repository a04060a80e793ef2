"""Where the nats between log p(x) and the ELBO go: the encoder's share, and that of the family of its q.

For one image, with q_best the best member of the family,

log p(x) - ELBO(q) = [ELBO(q_best) - ELBO(q)] + [log p(x) - ELBO(q_best)] = amortisation gap + approximation gap.

q_best is found by gradient, for each image by itself, and the decoder stays as it is. What the gradient doesn't reach counts
as approximation.

Source: Cremer, Li and Duvenaud, Inference Suboptimality in Variational Autoencoders (2018), section 3.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.distributions import Distribution, Independent, MultivariateNormal, Normal

from vae_course import objectives
from vae_course.models import VAE
from vae_course.objectives import LatentVariableModel
from vae_course.support.numbers import whole_number
from vae_course.support.state import evaluating, isolated_rng


@dataclass(frozen=True)
class Gaps:
    """The account of N images, in nats, `[N]` each: log_px - elbo = amortisation + approximation.

    Args:
        elbo: with the encoder's q.
        diagonal: the bound with the best diagonal Gaussian for each image.
        full: the bound with the best Gaussian of any covariance.
        log_px: the largest of the importance-weighted bounds, each with one of the three q for its draws.
    """

    elbo: Tensor
    diagonal: Tensor
    full: Tensor
    log_px: Tensor

    @property
    def total(self) -> Tensor:
        """log p(x) - ELBO, `[N]`."""
        return self.log_px - self.elbo

    @property
    def amortisation(self) -> Tensor:
        """What the encoder loses against the best diagonal q, `[N]`."""
        return self.diagonal - self.elbo

    @property
    def approximation(self) -> Tensor:
        """What the best diagonal q loses, `[N]`."""
        return self.log_px - self.diagonal

    @property
    def covariance(self) -> Tensor:
        """The part of the approximation gap that a full covariance closes, `[N]`."""
        return self.full - self.diagonal

    @property
    def beyond(self) -> Tensor:
        """What is left for other shapes than a Gaussian's, `[N]`."""
        return self.log_px - self.full


def account(
    model: VAE, x: Tensor, *, steps: int = 150, draws: int = 8, lr: float = 0.03, k: int = 500, seed: int = 0
) -> Gaps:
    """The gaps of images x `[N, C, H, W]`, from q refined for each of them, first diagonal and then full.

    Args:
        model: a VAE; it stays as it is.
        x: images.
        steps, draws, lr: of each refinement, as in `refine`.
        k: draws for the bounds that are reported, the same noise for all.
        seed: fixes the draws.

    Raises:
        TypeError, ValueError: x is no batch of images, or a number is below one.
    """
    with evaluating(model):
        start = model.posterior(x)
    diagonal = refine(model, x, start, steps=steps, draws=draws, lr=lr, seed=seed)
    full = refine(model, x, diagonal, full=True, steps=steps, draws=draws, lr=lr, seed=seed)
    weights = [log_weights(model, x, q, k=k, seed=seed + 1) for q in (start, diagonal, full)]
    bounds = torch.stack([torch.logsumexp(w, 0) - math.log(k) for w in weights])
    elbo, with_diagonal, with_full = (w.mean(0) for w in weights)
    return Gaps(elbo, with_diagonal, with_full, bounds.amax(0))


def refine(
    model: LatentVariableModel,
    x: Tensor,
    start: Distribution,
    *,
    full: bool = False,
    steps: int = 150,
    draws: int = 8,
    lr: float = 0.03,
    seed: int = 0,
) -> Distribution:
    """The q of each image after steps of Adam on its own ELBO, by reparameterised draws; the step length falls to zero.

    q = N(mu, L L^T) for each image, with L diagonal, or with `full` lower triangular.

    Args:
        model: anything with prior and likelihood; it stays as it is.
        x: images, `[N, ...]`.
        start: Gaussians to begin with, batch `[N]`, event `[D]`.
        full: whether L has entries below its diagonal.
        steps: of Adam.
        draws: of z for each image and step.
        lr: length of the first step.
        seed: fixes the draws.

    Raises:
        ValueError: steps or draws is below one.
    """
    steps, draws = whole_number(steps, "steps", least=1), whole_number(draws, "draws", least=1)
    mu, log_std = start.mean.detach().clone(), (0.5 * start.variance.log()).detach().clone()
    below = torch.zeros(*mu.shape, mu.shape[-1]).to(mu)
    free = [t.requires_grad_() for t in ((mu, log_std, below) if full else (mu, log_std))]
    optimizer = torch.optim.Adam(free, lr=lr)
    with isolated_rng(seed):
        for step in range(steps):
            optimizer.param_groups[0]["lr"] = lr * (1 - step / steps)
            q = _gaussian(mu, log_std, below if full else None)
            # A sum over the images: each q gets its own gradient in full. Only mu, log_std and below are asked for theirs.
            loss = -objectives.log_weights(_Given(model, q), x, k=draws).mean(0).sum()
            for parameter, gradient in zip(free, torch.autograd.grad(loss, free), strict=True):
                parameter.grad = gradient
            optimizer.step()
    return _gaussian(mu.detach(), log_std.detach(), below.detach() if full else None)


@torch.no_grad()
def log_weights(model: LatentVariableModel, x: Tensor, q: Distribution, *, k: int, seed: int = 0) -> Tensor:
    """log p(x | z) + log p(z) - log q(z) for k draws z from q, `[k, N]` in nats, in float64.

    Raises:
        ValueError: k is below one.
    """
    with isolated_rng(seed):
        pieces = [min(50, k - done) for done in range(0, whole_number(k, "k", least=1), 50)]
        return torch.cat([objectives.log_weights(_Given(model, q), x, k=piece).double() for piece in pieces])


@dataclass(frozen=True)
class _Given:
    """A model with these q in place of its encoder's, as the bounds take it."""

    model: LatentVariableModel
    q: Distribution

    def prior(self) -> Distribution:
        return self.model.prior()

    def likelihood(self, z: Tensor) -> Distribution:
        return self.model.likelihood(z)

    def posterior(self, x: Tensor) -> Distribution:
        return self.q


def _gaussian(mu: Tensor, log_std: Tensor, below: Tensor | None) -> Distribution:
    if below is None:
        return Independent(Normal(mu, log_std.exp(), validate_args=False), 1, validate_args=False)
    scale_tril = below.tril(-1) + torch.diag_embed(log_std.exp())
    return MultivariateNormal(mu, scale_tril=scale_tril, validate_args=False)
