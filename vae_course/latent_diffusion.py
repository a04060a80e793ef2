"""Diffusion on the codes of an autoencoder: a prior that is learned afterwards, with classes and guidance.

A code z `[..., D]` times one number c, the scaling factor, is the point x0 = c z that `diffusion` adds noise to. A density of x0
is one of z by

log p(z) = log p(x0) + D log c.
"""

import math
from collections.abc import Sequence
from functools import partial
from typing import ClassVar

import torch
from torch import Generator, Tensor, nn
from torch.distributions import Distribution, constraints

from vae_course.diffusion import (
    N_FEATURES,
    Denoiser,
    DiffusionTerms,
    Schedule,
    continuous_bound,
    cosine,
    denoising_loss,
    level_features,
    sample_ddim,
    x0_from_v,
)
from vae_course.distributions import reparameterize
from vae_course.support.numbers import whole_number
from vae_course.support.shapes import check_labels


def scaling_factor(codes: Tensor) -> float:
    """c = 1 / std of codes `[N, ...]`: one number over all codes and dimensions, after which their variance is 1.

    The 0.18215 of Stable Diffusion is such a number. The mean is not taken off.

    Raises:
        ValueError: the codes do not spread, or are not finite.

    Source: Rombach and others, High-Resolution Image Synthesis with Latent Diffusion Models (2022), appendix G.
    """
    std = codes.double().std(correction=0).item() if codes.numel() else math.nan
    if not 0 < std < math.inf:
        raise ValueError(f"The codes have the standard deviation {std:g}: give finite codes that differ.")
    return 1 / std


def guided(conditional: Tensor, unconditional: Tensor, weight: float) -> Tensor:
    """What a denoiser is taken to say with guidance, (1 + w) c - w u, from what it says with the class, c, and without, u.

    w = 0 leaves c and w = -1 gives u. Papers that write u + s (c - u) have s = 1 + w. As the two shares add up to one, it is
    the same whether c and u are guesses of x0, of the noise, or of v. The score becomes that of q(x_t | y)^(1 + w) / q(x_t)^w,
    at each level, which is not the diffusion of any data. It is a guess of x0 like any other, so a bound goes with the chain that
    takes it, and on data of the class none is higher than that of w = 0 with the best c.

    Raises:
        ValueError: the shapes differ.

    Source: Ho and Salimans, Classifier-Free Diffusion Guidance (2022), equation 6.
    """
    if conditional.shape != unconditional.shape:
        shapes = f"{list(conditional.shape)} and {list(unconditional.shape)}"
        raise ValueError(f"The guesses with and without the class have the shapes {shapes}: they must be the same.")
    return (1 + weight) * conditional - weight * unconditional


class CodeDenoiser(nn.Module):
    """A network from x_t `[B, D]`, log-SNRs `[B]` and classes `[B]`, if it knows some, to x0_hat `[B, D]`.

    It predicts v, from which x0_hat = alpha x_t - sigma v. Each residual block is a layer norm and two linear layers, and level
    and class enter all of them. It starts with v = 0, where x0_hat is the best guess if x0 ~ N(0, I).

    Args:
        latent_dim, hidden, n_blocks: D, the width, and the number of blocks; a ValueError if one is below one.
        n_classes: K classes 0, ..., K - 1; the number K stands for "no class". 0 for a network that is not told.
    """

    def __init__(self, latent_dim: int = 20, *, hidden: int = 256, n_blocks: int = 3, n_classes: int = 0) -> None:
        super().__init__()
        self.latent_dim = whole_number(latent_dim, "latent_dim", least=1)
        self.n_classes, hidden = whole_number(n_classes, "n_classes", least=0), whole_number(hidden, "hidden", least=1)
        self.first, self.last = nn.Linear(latent_dim, hidden), nn.Linear(hidden, latent_dim)
        self.level = nn.Sequential(nn.Linear(N_FEATURES, hidden), nn.SiLU())
        self.label = nn.Embedding(n_classes + 1, hidden) if n_classes else None
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.LayerNorm(hidden), nn.Linear(hidden, hidden), nn.SiLU(), nn.Linear(hidden, hidden))
            for _ in range(whole_number(n_blocks, "n_blocks", least=1))
        )
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)

    def forward(self, x_t: Tensor, log_snr: Tensor, labels: Tensor | None = None) -> Tensor:
        """x0_hat `[B, D]`; without labels every point is of no class.

        Raises:
            ValueError: the network knows no classes, or there is not one from 0 to K for each point.
            TypeError: the labels are not whole numbers.
        """
        condition = self.level(level_features(log_snr))
        if self.label is not None:
            none = torch.tensor(self.n_classes, device=x_t.device)
            y = none if labels is None else labels.to(x_t.device)
            check_labels(y, x_t.shape[:1], self.n_classes + 1)
            condition = condition + self.label(y)
        elif labels is not None:
            raise ValueError("This network knows no classes: make one with n_classes, or leave the labels out.")
        h = self.first(x_t)
        for block in self.blocks:
            h = h + block(h + condition)
        return x0_from_v(x_t, self.last(h), log_snr)


class DiffusionPrior(nn.Module):
    """p(z) of codes z `[..., D]`: c z is where a diffusion model with this denoiser and infinitely many levels ends.

    log p(z) >= D log c - (L_T + sum of L_t + L_0), each term as in `diffusion.continuous_bound` at x0 = c z,

    so a VAE with this prior keeps an exact bound. Many levels are no substitute for infinitely many: with T of them the sum loses
    about 1/T.

    Args:
        denoiser: such as `CodeDenoiser`; called with x_t `[B, D]`, log-SNRs `[B]` and, where classes are given, classes `[B]`.
            It has a `latent_dim`, D, and an `n_classes`, K.
        scale: c, from `scaling_factor`; the codes are multiplied with it here, so they come and go unscaled.
        first, last: the log-SNRs next to the data and of nearly pure noise.
        n_draws: of the log-SNR for each code, in `distribution().log_prob`.

    Raises:
        ValueError: scale is not above zero, or n_draws below one.

    Sources: Rombach and others (2022), section 3.3; Vahdat, Kreis and Kautz, Score-based Generative Modeling in Latent Space
    (2021), equation 6, for the bound on log p(x).
    """

    scale: Tensor

    def __init__(
        self, denoiser: nn.Module, *, scale: float = 1.0, first: float = 9.0, last: float = -6.0, n_draws: int = 16
    ) -> None:
        super().__init__()
        if not 0 < scale < math.inf:
            raise ValueError(f"scale is {scale}: give a number above zero, such as scaling_factor(codes).")
        self.denoiser, self.first, self.last = denoiser, first, last
        self.n_draws = whole_number(n_draws, "n_draws", least=1)
        self.register_buffer("scale", torch.tensor(float(scale)))

    @property
    def latent_dim(self) -> int:
        """D."""
        return self.denoiser.latent_dim  # type: ignore[return-value]

    @property
    def n_classes(self) -> int:
        """K, or 0."""
        return self.denoiser.n_classes  # type: ignore[return-value]

    @property
    def schedule(self) -> Schedule:
        """Levels evenly spread in the angle; of it the bound needs the ends only."""
        return cosine(self.first, self.last)

    def terms(
        self,
        z: Tensor,
        labels: Tensor | None = None,
        *,
        weight: float = 0.0,
        n_draws: int | None = None,
        generator: Generator | None = None,
    ) -> DiffusionTerms:
        """The parts of the bound of codes z `[B, D]` in nats, whose `elbo` `[B]` is on average at most log p(z), or log p(z | y).

        L_0 is that of z, with the -D log c. The mean is right for any number of draws. With a weight of guidance it is the bound
        of the chain that takes the guided guess.

        Raises:
            ValueError: z is no batch of codes of this length, n_draws is below one, or there is not one class for each code.
            TypeError: z holds integers, or the labels anything else.
        """
        x0, n_draws = self.scaled(z), self.n_draws if n_draws is None else n_draws
        found = continuous_bound(self.told(labels, len(x0), weight), x0, self.schedule, n_draws, generator=generator)
        return found._replace(reconstruction=found.reconstruction - self.latent_dim * self.scale.log())

    def distribution(self, labels: Tensor | None = None) -> "CodeDistribution":
        """p(z), or p(z | y) of classes `[B]` or `[]`, event `[D]`."""
        return CodeDistribution(self, labels)

    @torch.no_grad()
    def sample(
        self,
        n: int,
        *,
        labels: Tensor | int | None = None,
        weight: float = 0.0,
        n_steps: int = 16,
        generator: Generator | None = None,
    ) -> Tensor:
        """Codes `[n, D]` by n_steps of DDIM from N(0, I), of no class or of classes `[n]` or one for all.

        Args:
            n: how many.
            labels: their classes.
            weight: of `guided`.
            n_steps: levels, evenly spread in the angle. Few will do, but they draw all codes a little together: if the codes
                come from N(0, I), by cos(90 degrees / n_steps)^n_steps, or 7% for 16 steps.
            generator: of the noise at the start.

        Raises:
            ValueError: n or n_steps is below one, there is not one class for each, or a weight but no class.
            TypeError: the labels are not whole numbers.
        """
        n = whole_number(n, "n", least=1)
        if labels is None and weight != 0:
            raise ValueError(f"weight is {weight}, but there are no labels: guidance leads to a class.")
        y = None if labels is None else torch.as_tensor(labels)
        device = generator.device if generator is not None else torch.device("cpu")
        x_T = torch.randn(n, self.latent_dim, generator=generator, device=device).to(self.scale)
        return sample_ddim(self.told(y, n, weight), x_T, self.schedule, n_steps).x0 / self.scale

    def scaled(self, z: Tensor) -> Tensor:
        """x0 = c z, of codes `[..., D]`.

        Raises:
            ValueError: they are of another length.
            TypeError: they are integers.
        """
        if not z.is_floating_point():
            raise TypeError(f"z holds {z.dtype}: give codes as floating-point numbers, for example z.float().")
        if z.shape[-1:] != (self.latent_dim,):
            raise ValueError(f"z has shape {list(z.shape)}, but a code of this prior has {self.latent_dim} numbers.")
        return self.scale * z

    def classes(self, labels: Tensor, batch: torch.Size) -> Tensor:
        """A class for each of a batch of points.

        Raises:
            ValueError: the prior knows no classes, or these are not one for each, or one for all.
            TypeError: the labels are not whole numbers.
        """
        if not self.n_classes:
            raise ValueError("The prior knows no classes: make its denoiser with n_classes, or leave the labels out.")
        check_labels(labels, batch, self.n_classes)
        return labels.expand(batch)

    def told(self, labels: Tensor | None, n: int, weight: float = 0.0) -> Denoiser:
        """The denoiser of n points of no class, or of these classes `[n]` or `[]`, guided by this weight."""
        if labels is None:
            return self.denoiser
        y = self.classes(labels, torch.Size([n]))
        return partial(self.denoiser, labels=y) if weight == 0 else partial(self._guided, labels=y, weight=weight)

    def _guided(self, x_t: Tensor, log_snr: Tensor, labels: Tensor, weight: float) -> Tensor:
        return guided(self.denoiser(x_t, log_snr, labels=labels), self.denoiser(x_t, log_snr), weight)


class CodeDistribution(Distribution):
    """A `DiffusionPrior` as what the bounds take: event `[D]`, `log_prob` a fresh unbiased draw of the bound on log p(z).

    So E_q[ log p(x | z) + log_prob(z) - log q(z | x) ] is at most log p(x), which is `objectives.iwae_bound` with k = 1. With
    more draws it is not: there a noisy log weight is exponentiated, and the mean of that is too high.

    Args:
        prior: what it is of.
        labels: classes `[B]` of codes `[..., B, D]`, or `[]`; None for p(z).
    """

    arg_constraints: ClassVar[dict[str, constraints.Constraint]] = {}

    def __init__(self, prior: DiffusionPrior, labels: Tensor | None = None) -> None:
        super().__init__(event_shape=torch.Size([prior.latent_dim]), validate_args=False)
        self.prior, self.labels = prior, labels

    def log_prob(self, z: Tensor) -> Tensor:
        """A draw of the bound on log p(z) of codes `[..., D]`: `[...]` in nats."""
        return self.prior.terms(z.reshape(-1, z.shape[-1]), self._labels(z.shape[:-1])).elbo.reshape(z.shape[:-1])

    def sample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        """Codes `[*sample_shape, D]`; with classes `[B]` the last axis of the shape is B long."""
        shape = torch.Size(sample_shape)
        return self.prior.sample(shape.numel(), labels=self._labels(shape)).reshape(*shape, -1)

    def _labels(self, batch: torch.Size) -> Tensor | None:
        return None if self.labels is None else self.prior.classes(self.labels, batch).reshape(-1)


def drawn_codes(batch: tuple[Tensor, ...], generator: Generator | None = None) -> Tensor | tuple[Tensor, Tensor]:
    """`fit`'s `transform` for (mu, logvar) or (mu, logvar, y): a fresh draw z from each posterior, alone or as (z, y)."""
    mu, logvar, *y = batch
    z = reparameterize(mu, logvar, torch.randn(mu.shape, generator=generator, dtype=mu.dtype, device=mu.device))
    return (z, y[0]) if y else z


def diffusion_loss(
    prior: DiffusionPrior, batch: Tensor | tuple[Tensor, Tensor], *, weighting: str = "bound", drop: float = 0.1
) -> dict[str, Tensor]:
    """The loss for `training.fit` of a prior on codes z `[B, D]`, or on pairs (z, y): `diffusion.denoising_loss` at c z.

    With "bound" it is the mean of the sum of L_t, in nats, the part of the negative bound that the network can lower; "simple"
    bounds nothing. Of the classes this share is replaced by "no class", drawn anew each time, so that one network learns p(z | y)
    and p(z): guidance needs both.

    Raises:
        ValueError: weighting is another word, drop is not in [0, 1], or there is not one class for each code.
        TypeError: the labels are not whole numbers.

    Source: Ho and Salimans (2022), algorithm 1.
    """
    if not 0 <= drop <= 1:
        raise ValueError(f"drop is {drop}: give the share of the classes to leave out, from 0 to 1.")
    z, y = batch if isinstance(batch, tuple) else (batch, None)
    x0, denoiser = prior.scaled(z), prior.told(None, len(z))
    if y is not None:
        dropped = torch.rand(len(z), device=z.device) < drop
        labels = torch.where(dropped, prior.n_classes, prior.classes(y, z.shape[:-1]))
        denoiser = partial(prior.denoiser, labels=labels)
    return denoising_loss(denoiser, x0, weighting=weighting, schedule=prior.schedule)
