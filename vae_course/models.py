"""The variational autoencoder as a graphical model: a prior, a likelihood, and an approximate posterior."""

from collections.abc import Sequence
from typing import Self

import torch
from torch import Tensor, nn
from torch.distributions import Bernoulli, Distribution, Independent, Normal

from vae_course.networks import Shape, conv_decoder, conv_encoder, mlp_decoder, mlp_encoder
from vae_course.support.shapes import check_codes, check_images


class VAE(nn.Module):
    """A latent-variable model p(z) p(x | z) with an encoder that approximates its posterior.

    p(z) = N(0, I);  p(x | z) = prod_i Bernoulli(x_i; sigmoid(decoder(z)_i));  q(z | x) = N(mu(x), sigma(x)^2),
    with (mu, logvar) = encoder(x) side by side and sigma = exp(logvar / 2).

    Shapes: x `[B, C, H, W]`, mu, logvar and z `[B, D]`, logits `[B, C, H, W]`.

    Source: Kingma and Welling, Auto-Encoding Variational Bayes (2014), section 3 and appendix C.
    """

    def __init__(self, encoder: nn.Module, decoder: nn.Module, *, latent_dim: int, shape: Shape = (1, 28, 28)) -> None:
        super().__init__()
        self.encoder, self.decoder = encoder, decoder
        self.latent_dim, self.shape = latent_dim, tuple(shape)

    @classmethod
    def mlp(cls, latent_dim: int = 20, *, hidden: Sequence[int] = (400,), shape: Shape = (1, 28, 28)) -> Self:
        """The fully connected VAE; the defaults make the 784-400-20 network."""
        return cls(
            mlp_encoder(latent_dim, hidden=hidden, shape=shape),
            mlp_decoder(latent_dim, hidden=hidden, shape=shape),
            latent_dim=latent_dim,
            shape=shape,
        )

    @classmethod
    def conv(cls, latent_dim: int = 20, *, channels: int = 32, shape: Shape = (1, 28, 28)) -> Self:
        """A small convolutional VAE."""
        return cls(
            conv_encoder(latent_dim, channels=channels, shape=shape),
            conv_decoder(latent_dim, channels=channels, shape=shape),
            latent_dim=latent_dim,
            shape=shape,
        )

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """mu and logvar of q(z | x), each `[B, D]`.

        Raises:
            ValueError: x is not a batch of images of this model's shape.
            TypeError: x holds integers.
        """
        check_images(x, self.shape)
        mu, logvar = self.encoder(x).chunk(2, dim=-1)
        return mu, logvar

    def decode(self, z: Tensor) -> Tensor:
        """Pixel logits of p(x | z): `[..., D]` to `[..., C, H, W]`.

        Raises:
            ValueError: the last axis of z is not latent_dim long.
        """
        return self._decoded(z, self.shape)

    def prior(self) -> Distribution:
        """p(z) = N(0, I), with the whole code `[D]` as its event."""
        zeros = next(self.parameters()).new_zeros(self.latent_dim)
        return Independent(Normal(zeros, torch.ones_like(zeros), validate_args=False), 1, validate_args=False)

    def posterior(self, x: Tensor) -> Distribution:
        """q(z | x) = N(mu(x), sigma(x)^2), batch `[B]`, with the whole code `[D]` as its event."""
        mu, logvar = self.encode(x)
        # Arguments are not validated here: it would cost a pass over the data at every step of a training.
        return Independent(Normal(mu, torch.exp(0.5 * logvar), validate_args=False), 1, validate_args=False)

    def likelihood(self, z: Tensor) -> Distribution:
        """p(x | z), independent Bernoulli pixels, batch `[...]`, with the whole image `[C, H, W]` as its event."""
        return Independent(Bernoulli(logits=self.decode(z), validate_args=False), len(self.shape), validate_args=False)

    def decode_mean(self, z: Tensor) -> Tensor:
        """The mean image E[x | z] = sigmoid(logits), `[..., D]` to `[..., C, H, W]` in [0, 1]: the picture to show."""
        return torch.sigmoid(self.decode(z))

    @torch.no_grad()
    def sample(self, n: int, *, generator: torch.Generator | None = None) -> Tensor:
        """Mean images of n codes drawn from the prior, `[n, C, H, W]` in [0, 1].

        Raises:
            ValueError: n is below one.
        """
        if n < 1:
            raise ValueError(f"n is {n}: ask for at least one sample.")
        device = generator.device if generator is not None else torch.device("cpu")
        z = torch.randn(n, self.latent_dim, generator=generator, device=device)
        return self.decode_mean(z.to(next(self.parameters())))

    @torch.no_grad()
    def reconstruct(self, x: Tensor) -> Tensor:
        """Mean images at the posterior means, `[B, C, H, W]` in [0, 1]."""
        mu, _ = self.encode(x)
        return self.decode_mean(mu)

    def _decoded(self, z: Tensor, shape: Sequence[int]) -> Tensor:
        check_codes(z, self.latent_dim)
        return self.decoder(z.reshape(-1, self.latent_dim)).reshape(*z.shape[:-1], *shape)
