"""Priors that are learned: a mixture of Gaussians, a VampPrior, a flow; and a VAE that has one of them.

Each prior is a module, and its `distribution()` is p(z) with the whole code `[D]` as its event.
"""

from collections.abc import Sequence
from typing import Protocol, Self

import torch
from torch import Tensor, nn
from torch.distributions import Categorical, Distribution, Independent, MixtureSameFamily, Normal

from vae_course.distributions import LOG_2PI
from vae_course.flows import Flow, FlowDistribution
from vae_course.models import VAE
from vae_course.networks import Shape
from vae_course.support.numbers import whole_number
from vae_course.support.shapes import check_images
from vae_course.support.state import isolated_rng


class Prior(Protocol):
    """What the functions here take for a prior."""

    def distribution(self) -> Distribution: ...


class GaussianMixture(MixtureSameFamily):
    """sum_k w_k N(z; m_k, diag(exp(logvar_k))), w = softmax(logits), event `[D]`.

    log_prob(z) = logsumexp_k( log w_k + log N(z; m_k, diag(s_k^2)) ),

    where the squares in (z - m_k)^2 / s_k^2 are multiplied out, so that a table of B codes and K components is the product of
    two matrices and no table of `[B, K, D]` is made.

    Args:
        logits: `[K]`.
        mean, logvar: `[K, D]` each.
    """

    def __init__(self, logits: Tensor, mean: Tensor, logvar: Tensor) -> None:
        components = Independent(Normal(mean, torch.exp(0.5 * logvar), validate_args=False), 1, validate_args=False)
        super().__init__(Categorical(logits=logits, validate_args=False), components, validate_args=False)
        self.mean_of, self.logvar_of = mean, logvar

    def log_joint(self, z: Tensor) -> Tensor:
        """log w_k + log N(z; m_k, diag(s_k^2)) of codes `[..., D]` and all components: `[..., K]` in nats, in float64."""
        # The large terms of squares that are multiplied out cancel: float64, where the device has it, keeps what is left.
        wide = torch.float32 if z.device.type == "mps" else torch.float64
        z, mean, logvar = (part.to(wide) for part in (z, self.mean_of, self.logvar_of))
        precision = torch.exp(-logvar)
        squares = z.square() @ precision.T - 2 * z @ (mean * precision).T + (mean.square() * precision).sum(1)
        log_density = -0.5 * (squares + (logvar + LOG_2PI).sum(1))
        return torch.log_softmax(self.mixture_distribution.logits.to(wide), 0) + log_density

    def log_prob(self, z: Tensor) -> Tensor:
        """log p(z) of codes `[..., D]`: `[...]` in nats."""
        return torch.logsumexp(self.log_joint(z), -1).to(z.dtype)


class MixturePrior(nn.Module):
    """p(z) = sum_k w_k N(z; m_k, diag(s_k^2)), with weights, means and variances as parameters.

    It begins with equal weights, s = 1 and means drawn from N(0, I).

    Args:
        latent_dim: D.
        n_components: K.

    Raises:
        ValueError: a number is below one.
    """

    def __init__(self, latent_dim: int, n_components: int = 100) -> None:
        super().__init__()
        shape = (whole_number(n_components, "n_components", least=1), whole_number(latent_dim, "latent_dim", least=1))
        self.logits = nn.Parameter(torch.zeros(shape[0]))
        self.mean, self.logvar = nn.Parameter(torch.randn(shape)), nn.Parameter(torch.zeros(shape))

    @classmethod
    def of(cls, weight: Tensor, mean: Tensor, logvar: Tensor) -> Self:
        """The mixture with these weights `[K]`, means `[K, D]` and log variances `[K, D]`.

        Raises:
            ValueError: the shapes don't fit together, or the weights are not positive.
        """
        if mean.dim() != 2 or logvar.shape != mean.shape or weight.shape != mean.shape[:1]:
            given = ", ".join(str(list(part.shape)) for part in (weight, mean, logvar))
            raise ValueError(f"weight, mean and logvar have the shapes {given}: give [K], [K, D] and [K, D].")
        if not (weight > 0).all():
            raise ValueError("weight holds a number that is not above zero: leave out components without weight.")
        prior = cls(mean.shape[1], len(mean)).to(mean)
        with torch.no_grad():
            for parameter, value in ((prior.logits, weight.log()), (prior.mean, mean), (prior.logvar, logvar)):
                parameter.copy_(value)
        return prior

    def distribution(self) -> Distribution:
        """p(z), event `[D]`."""
        return GaussianMixture(self.logits, self.mean, self.logvar)


class VampPrior(nn.Module):
    """p(z) = 1/K sum_k q(z | u_k): the posteriors of K learned pseudo-inputs, equally weighted.

    A pseudo-input is a grey image, u = sigmoid of a parameter. The encoder is the VAE's own, not a copy: trained along, the
    prior moves with it.

    Args:
        encoder: from images `[B, C, H, W]` to mu and logvar side by side, `[B, 2 D]`.
        n_components: K.
        shape: of an image.
        start: images `[K, C, H, W]` in [0, 1] at which the pseudo-inputs begin, kept 0.01 away from 0 and 1; without them
            they begin as noise around a grey of 1/2.

    Raises:
        ValueError: n_components is below one, or start holds other than K images of this shape in [0, 1].
        TypeError: start holds integers.

    Source: Tomczak and Welling, VAE with a VampPrior (2018), equation 9.
    """

    def __init__(
        self,
        encoder: nn.Module,
        n_components: int = 100,
        *,
        shape: Shape = (1, 28, 28),
        start: Tensor | None = None,
    ) -> None:
        super().__init__()
        n_components = whole_number(n_components, "n_components", least=1)
        if start is None:
            logits = torch.randn(n_components, *shape)
        else:
            check_images(start, tuple(shape))
            if len(start) != n_components or not ((start >= 0) & (start <= 1)).all():
                raise ValueError(f"start holds {len(start)} images: give {n_components}, with pixels in [0, 1].")
            logits = torch.logit(start, eps=0.01)
        self.encoder, self.logits = encoder, nn.Parameter(logits.clone())

    def pseudo_inputs(self) -> Tensor:
        """u, `[K, C, H, W]` in (0, 1)."""
        return torch.sigmoid(self.logits)

    def distribution(self) -> Distribution:
        """p(z), event `[D]`."""
        mu, logvar = self.encoder(self.pseudo_inputs()).chunk(2, dim=-1)
        return GaussianMixture(mu.new_zeros(len(mu)), mu, logvar)


class FlowPrior(nn.Module):
    """z = f(e) with e ~ N(0, I): log p(z) = log N(f^-1(z); 0, I) + log |det df^-1/dz|.

    Args:
        flow: f, of D dimensions, which can be undone; steps whose inverse is one pass make it fast both ways.
    """

    zeros: Tensor

    def __init__(self, flow: Flow) -> None:
        super().__init__()
        self.flow = flow
        self.register_buffer("zeros", torch.zeros(flow.dim), persistent=False)

    def distribution(self) -> Distribution:
        """p(z), event `[D]`."""
        noise = Normal(self.zeros, torch.ones_like(self.zeros), validate_args=False)
        return FlowDistribution(Independent(noise, 1, validate_args=False), self.flow)


class WithPrior(nn.Module):
    """A VAE with another prior p(z); its posterior and likelihood are those of the VAE, which it shares.

    The KL has no closed form now. `objectives.negative_iwae` with k = 1 is the loss with one draw,

    -elbo = -log p(x | z) - log p(z) + log q(z | x),  z from q(z | x),

    and `evaluation.log_marginal_each` with k = 1 measures the bound.

    Args:
        model: the VAE.
        prior: a module whose `distribution()` is p(z).

    Raises:
        TypeError: the prior has no `distribution()`.
        ValueError: its codes are not as long as the VAE's.
    """

    def __init__(self, model: VAE, prior: nn.Module) -> None:
        super().__init__()
        if not callable(getattr(prior, "distribution", None)):
            raise TypeError(
                f"prior is a {type(prior).__name__}: give a module with distribution(), such as MixturePrior."
            )
        self.model, self.latent_prior = model, prior
        if self.prior().event_shape != (model.latent_dim,):
            raise ValueError(
                f"A code of the prior has the shape {list(self.prior().event_shape)}, one of the model"
                f" [{model.latent_dim}]: make the prior for latent_dim {model.latent_dim}."
            )

    @property
    def latent_dim(self) -> int:
        """D."""
        return self.model.latent_dim

    @property
    def shape(self) -> Sequence[int]:
        """Of an image."""
        return self.model.shape

    def prior(self) -> Distribution:
        """p(z), event `[D]`."""
        return self.latent_prior.distribution()  # type: ignore[operator]

    def posterior(self, x: Tensor) -> Distribution:
        """q(z | x), batch `[B]`, event `[D]`."""
        return self.model.posterior(x)

    def likelihood(self, z: Tensor) -> Distribution:
        """p(x | z), batch `[...]`, event `[C, H, W]`."""
        return self.model.likelihood(z)

    def decode_mean(self, z: Tensor) -> Tensor:
        """The mean image E[x | z], `[..., D]` to `[..., C, H, W]` in [0, 1]."""
        return self.model.decode_mean(z)

    @torch.no_grad()
    def sample(self, n: int, *, generator: torch.Generator | None = None) -> Tensor:
        """Mean images of n codes drawn from the prior, `[n, C, H, W]` in [0, 1].

        Raises:
            ValueError: n is below one.
        """
        if n < 1:
            raise ValueError(f"n is {n}: ask for at least one sample.")
        if generator is None:
            return self.decode_mean(self.prior().sample((n,)))
        # Distributions of torch draw from the global random numbers: seed those from the generator, for this one draw.
        with isolated_rng(int(torch.randint(2**31, (), generator=generator))):
            return self.sample(n)


def negative_log_prob(prior: Prior, z: Tensor) -> dict[str, Tensor]:
    """The loss for `training.fit` that fits a prior to codes z `[B, D]`: the mean of -log p(z), in nats."""
    return {"loss": -prior.distribution().log_prob(z).mean()}
