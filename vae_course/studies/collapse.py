"""Posterior collapse, made on purpose and undone: a decoder that can do without its code, and the losses of the cures.

A collapsed posterior equals the prior for every image, q(z | x) = p(z): the rate is zero and z says nothing about x.
"""

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.distributions import Distribution, constraints
from torch.nn import functional as F

from vae_course.evaluation import kl_of_factors
from vae_course.models import VAE
from vae_course.networks import Shape, mlp_decoder, mlp_encoder
from vae_course.objectives import LatentVariableModel, elbo
from vae_course.support.state import isolated_rng

DRAWS = 32  # images behind a mean picture


class PixelByPixel(Distribution):
    """p(x | z) = prod_i Bernoulli(x_i; sigmoid(logits_i(z) + sum_{j < i} W_ij x_j)): each pixel sees those before it.

    Args:
        logits: what the code says, `[..., C, H, W]`.
        weights: `[P, P]` with P = C H W; entry (i, j) is used for j < i only, so zeros on and above the diagonal.

    Source: Frey, Hinton and Dayan, Does the wake-sleep algorithm produce good density estimators? (1996), section 3.
    """

    arg_constraints: dict[str, constraints.Constraint] = {}  # noqa: RUF012

    def __init__(self, logits: Tensor, weights: Tensor) -> None:
        self.logits, self.weights = logits, weights
        super().__init__(logits.shape[:-3], logits.shape[-3:], validate_args=False)

    def log_prob(self, value: Tensor) -> Tensor:
        """log p(x | z) of images `[..., C, H, W]` with pixels 0 or 1, `[...]` in nats."""
        seen = (value.flatten(-3) @ self.weights.T).view_as(value)
        logits, x = torch.broadcast_tensors(self.logits + seen, value)
        return -F.binary_cross_entropy_with_logits(logits, x, reduction="none").sum((-3, -2, -1))

    def sample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        """Draw images pixel by pixel, `[*sample_shape, ..., C, H, W]`."""
        shape = (*sample_shape, *self.logits.shape)
        luck = torch.rand(*shape[:-3], math.prod(shape[-3:]), device=self.logits.device)
        return PixelByPixel(self.logits.expand(shape), self.weights).drawn_with(luck)

    @torch.no_grad()
    def drawn_with(self, luck: Tensor) -> Tensor:
        """The images `[..., C, H, W]` that uniform numbers `[..., P]` decide: a pixel is ink if its own lies below p."""
        logits = self.logits.flatten(-3)
        x = torch.zeros_like(logits)
        for i in range(x.shape[-1]):
            x[..., i] = (luck[..., i] < torch.sigmoid(logits[..., i] + x @ self.weights[i])).to(x.dtype)
        return x.view(self.logits.shape)


class PixelVAE(VAE):
    """A VAE whose decoder also sees the pixels before the one it predicts, up to `reach` of them.

    With `reach` zero it is the plain VAE. With a long reach the pixels alone predict the next one well, and the code may
    be left unused.

    Args:
        latent_dim: latent dimensions D.
        hidden: widths of the encoder, and backwards of the decoder.
        reach: how many pixels back, in reading order, a pixel looks; 0 for none.
        shape: of the images.

    Raises:
        ValueError: reach is below zero.
    """

    allowed: Tensor

    def __init__(
        self, latent_dim: int = 10, *, hidden: Sequence[int] = (200,), reach: int = 784, shape: Shape = (1, 28, 28)
    ) -> None:
        if reach < 0:
            raise ValueError(f"reach is {reach}: give a number of pixels, zero or more.")
        super().__init__(
            mlp_encoder(latent_dim, hidden=hidden, shape=shape),
            mlp_decoder(latent_dim, hidden=hidden, shape=shape),
            latent_dim=latent_dim,
            shape=shape,
        )
        pixels = math.prod(shape)
        self.between = nn.Parameter(torch.zeros(pixels, pixels))
        back = torch.arange(pixels)[:, None] - torch.arange(pixels)
        self.register_buffer("allowed", ((back > 0) & (back <= reach)).float(), persistent=False)

    def likelihood(self, z: Tensor) -> PixelByPixel:
        """p(x | z), pixel by pixel in reading order; batch `[...]`, event `[C, H, W]`."""
        return PixelByPixel(self.decode(z), self.between * self.allowed)

    def decode_mean(self, z: Tensor) -> Tensor:
        """About the mean image E[x | z], `[..., C, H, W]`: a mean of `DRAWS` images, drawn with the same luck for every z."""
        p = self.likelihood(z.unsqueeze(0).expand(DRAWS, *z.shape))
        with isolated_rng(0, device=z.device):
            luck = torch.rand(DRAWS, *[1] * (z.dim() - 1), math.prod(self.shape), device=z.device)
        return p.drawn_with(luck).mean(0)


def free_bits_loss(model: LatentVariableModel, x: Tensor, beta: float = 1.0, *, floor: float) -> dict[str, Tensor]:
    """The loss of a VAE whose latent dimensions cost `floor` nats each at least, for `training.fit`.

    loss = -E_q[ log p(x | z) ] + beta * sum_d max( floor, mean_b KL_bd ).

    Raises:
        ValueError: floor is below zero.

    Source: Kingma and others, Improved Variational Inference with Inverse Autoregressive Flow (2016), equation 15.
    """
    if floor < 0:
        raise ValueError(f"floor is {floor}: give a number of nats, zero or more.")
    terms, kl = elbo(model, x), kl_of_factors(model, x).mean(0)
    reconstruction = -terms.log_px_z.mean()
    return {"loss": reconstruction + beta * kl.clamp_min(floor).sum(), "reconstruction": reconstruction, "kl": kl.sum()}


def two_prices(first: float, until: float, then: float = 1.0) -> Callable[[float], float]:
    """An anneal for `fit`: the weight `first` up to this share of the training, and `then` from there on."""
    return lambda progress: first if progress < until else then
