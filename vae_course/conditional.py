"""The variational autoencoder that is told the class: p(x | y) in place of p(x)."""

import math
from collections.abc import Sequence
from typing import Self

import torch
from torch import Tensor, nn
from torch.distributions import Bernoulli, Distribution, Independent, Normal
from torch.nn import functional as F

from vae_course.networks import Shape, mlp_decoder, mlp_encoder
from vae_course.objectives import negative_elbo
from vae_course.support.shapes import check_codes, check_images, check_labels

# A label is one-hot times this: in the squared length of what a network reads it counts as much as nine pixels of ink.
LABEL_SCALE = 3.0


class ConditionalVAE(nn.Module):
    """A latent-variable model p(z) p(x | z, y) of images whose class y is given, with an encoder that is told y too.

    log p(x | y) >= E_q(z|x,y)[ log p(x | z, y) ] - KL( q(z | x, y) || p(z) ).

    p(z) = N(0, I), the same for every class;  p(x | z, y) = prod_i Bernoulli(x_i; sigmoid(decoder(z, y)_i));
    q(z | x, y) = N(mu(x, y), sigma(x, y)^2). To both networks y comes as `label_scale` times its one-hot vector.

    Shapes: x `[B, C, H, W]`, y `[B]` of whole numbers, or `[]` for one class throughout; mu, logvar, z `[B, D]`.

    Source: Sohn, Lee and Yan, Learning Structured Output Representation using Deep Conditional Generative Models (2015);
    Kingma and others, Semi-supervised Learning with Deep Generative Models (2014), equation 6.
    """

    def __init__(
        self,
        encoder: nn.Module,
        decoder: nn.Module,
        *,
        latent_dim: int,
        n_classes: int = 10,
        shape: Shape = (1, 28, 28),
        label_scale: float = LABEL_SCALE,
    ) -> None:
        super().__init__()
        self.encoder, self.decoder = encoder, decoder
        self.latent_dim, self.n_classes, self.shape = latent_dim, n_classes, tuple(shape)
        self.label_scale = label_scale

    @classmethod
    def mlp(
        cls,
        latent_dim: int = 8,
        *,
        hidden: Sequence[int] = (400,),
        n_classes: int = 10,
        shape: Shape = (1, 28, 28),
        label_scale: float = LABEL_SCALE,
    ) -> Self:
        """The fully connected one; with the defaults (784 + 10)-400-(8 + 8) and (8 + 10)-400-784.

        Raises:
            ValueError: latent_dim or n_classes is below one.
        """
        if n_classes < 1:
            raise ValueError(f"n_classes is {n_classes}: give one class or more.")
        inputs = math.prod(shape) + n_classes
        encoder = mlp_encoder(latent_dim, hidden=hidden, shape=(1, 1, inputs))
        decoder = mlp_decoder(latent_dim + n_classes, hidden=hidden, shape=shape)
        return cls(encoder, decoder, latent_dim=latent_dim, n_classes=n_classes, shape=shape, label_scale=label_scale)

    def encode(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """mu and logvar of q(z | x, y), each `[B, D]`.

        Raises:
            ValueError: x is not a batch of images of this model's shape, or there is not one class for each.
            TypeError: x holds integers, or y anything else.
        """
        check_images(x, self.shape)
        mu, logvar = self.encoder(torch.cat([x.flatten(1), self._labels(y, x, x.shape[:1])], 1)).chunk(2, dim=-1)
        return mu, logvar

    def decode(self, z: Tensor, y: Tensor) -> Tensor:
        """Pixel logits of p(x | z, y): z `[..., B, D]` with y `[B]` or `[]` to `[..., B, C, H, W]`.

        Raises:
            ValueError: the last axis of z is not latent_dim long, or there is not one class for each code.
            TypeError: y does not hold whole numbers.
        """
        check_codes(z, self.latent_dim)
        inputs = torch.cat([z, self._labels(y, z, z.shape[:-1])], -1)
        return self.decoder(inputs.reshape(-1, inputs.shape[-1])).reshape(*z.shape[:-1], *self.shape)

    def prior(self) -> Distribution:
        """p(z) = N(0, I), with the whole code `[D]` as its event; it does not depend on y."""
        zeros = next(self.parameters()).new_zeros(self.latent_dim)
        return Independent(Normal(zeros, torch.ones_like(zeros), validate_args=False), 1, validate_args=False)

    def posterior(self, x: Tensor, y: Tensor) -> Distribution:
        """q(z | x, y) = N(mu(x, y), sigma(x, y)^2), batch `[B]`, with the whole code `[D]` as its event."""
        mu, logvar = self.encode(x, y)
        return Independent(Normal(mu, torch.exp(0.5 * logvar), validate_args=False), 1, validate_args=False)

    def likelihood(self, z: Tensor, y: Tensor) -> Distribution:
        """p(x | z, y), independent Bernoulli pixels, batch `[..., B]`, with the whole image `[C, H, W]` as its event."""
        logits = self.decode(z, y)
        return Independent(Bernoulli(logits=logits, validate_args=False), len(self.shape), validate_args=False)

    def given(self, y: Tensor | int) -> "GivenLabels":
        """This model with the classes y `[B]`, or one class throughout, as what the bounds take: p(z) p(x | z, y)."""
        return GivenLabels(self, torch.as_tensor(y))

    def decode_mean(self, z: Tensor, y: Tensor) -> Tensor:
        """The mean images E[x | z, y] = sigmoid(logits), in [0, 1]: the pictures to show."""
        return torch.sigmoid(self.decode(z, y))

    @torch.no_grad()
    def sample(self, y: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """Mean images of these classes y `[N]`, each at a code drawn from the prior, `[N, C, H, W]` in [0, 1].

        Raises:
            ValueError: y is empty or no list of classes.
            TypeError: y does not hold whole numbers.
        """
        if y.dim() != 1 or len(y) == 0:
            raise ValueError(f"y has shape {list(y.shape)}: give the classes to draw, one for each sample.")
        weight = next(self.parameters())
        device = generator.device if generator is not None else torch.device("cpu")
        z = torch.randn(len(y), self.latent_dim, generator=generator, device=device)
        return self.decode_mean(z.to(weight), y.to(weight.device))

    def _labels(self, y: Tensor, like: Tensor, batch: torch.Size) -> Tensor:
        """The classes as the networks take them, `[*batch, n_classes]`."""
        check_labels(y, batch, self.n_classes)
        one_hot = F.one_hot(y.to(like.device).long(), self.n_classes).to(like.dtype)
        return (self.label_scale * one_hot).expand(*batch, self.n_classes)


class GivenLabels(nn.Module):
    """A conditional model whose classes are fixed: prior, posterior and likelihood of p(z, x | y), as the bounds take them.

    With classes `[B]` it is for these B images, in their order and at once; with a single class for any batch.
    """

    def __init__(self, model: ConditionalVAE, y: Tensor) -> None:
        super().__init__()
        self.model, self.y = model, y

    def prior(self) -> Distribution:
        """p(z), which does not depend on y."""
        return self.model.prior()

    def posterior(self, x: Tensor) -> Distribution:
        """q(z | x, y), batch `[B]`, event `[D]`."""
        return self.model.posterior(x, self.y)

    def likelihood(self, z: Tensor) -> Distribution:
        """p(x | z, y), batch `[..., B]`, event `[C, H, W]`."""
        return self.model.likelihood(z, self.y)


def negative_conditional_elbo(
    model: ConditionalVAE, batch: tuple[Tensor, Tensor], beta: float = 1.0, *, n_samples: int = 1
) -> dict[str, Tensor]:
    """The loss of a conditional VAE for `training.fit` on pairs (x, y): the mean of -elbo, with its two parts, in nats.

    loss = -E_q(z|x,y)[ log p(x | z, y) ] + beta * KL( q(z | x, y) || p(z) ).

    Raises:
        ValueError: n_samples is below one, or the batch is empty.
    """
    x, y = batch
    return negative_elbo(model.given(y), x, beta, n_samples=n_samples)


def binarize_pairs(batch: tuple[Tensor, Tensor], generator: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
    """`fit`'s `transform` for pairs: the images' pixels drawn anew as 0 or 1, the classes as they are."""
    x, y = batch
    return torch.bernoulli(x, generator=generator), y
