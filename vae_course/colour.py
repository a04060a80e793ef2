"""Pictures in colour: a probability for each of 256 grey levels, from a logistic density, and a VAE that has it."""

from collections.abc import Sequence
from typing import ClassVar, Self

import torch
from torch import Tensor
from torch.distributions import Distribution, Independent, constraints
from torch.nn import functional as F

from vae_course.models import VAE
from vae_course.networks import Shape, conv_decoder, conv_encoder, mlp_decoder, mlp_encoder

LEVELS = 256
HALF = 0.5 / (LEVELS - 1)  # half the way from one grey level to the next
# Below it a scale is a quarter of a grey level: more certain is hardly worth more, and gradients grow like 1 / scale.
LEAST_LOG_SCALE = -7.0
FIRST_LOG_SCALE = -2.0  # where an untrained decoder begins: a seventh of the range


class DiscretisedLogistic(Distribution):
    """The grey levels x = 0, 1/255, ..., 1, each with the mass of a logistic density that is nearest to it.

    P(x) = F(x + 1/510) - F(x - 1/510),  F(x) = sigmoid((x - m) / s),  where 0 takes all the mass below, and 1 all above.

    So the 256 probabilities add up to one, and -log P is a number of nats, not a density's. With b and a for the arguments of
    the two sigmoids, the difference is sigmoid(b) sigmoid(-a) (1 - exp(a - b)), whose log loses no digits anywhere.

    Args:
        location: m, any numbers `[...]`; it may lie outside [0, 1], where a colour is nearly always 0 or 1.
        log_scale: log s, any shape that goes with it.

    Source: Salimans, Karpathy, Chen and Kingma, PixelCNN++ (2017), equation 2, with one component and pixels in [0, 1].
    """

    arg_constraints: ClassVar[dict[str, constraints.Constraint]] = {}

    def __init__(self, location: Tensor, log_scale: Tensor) -> None:
        self.location, self.log_scale = torch.broadcast_tensors(location, log_scale)
        super().__init__(self.location.shape, validate_args=False)

    @property
    def mean(self) -> Tensor:
        """E[x] `[...]`, in [0, 1]: 1/255 times the sum of P(x >= k/255) over k from 1 to 255."""
        scale, total = self.log_scale.exp(), torch.zeros_like(self.location)
        for k in range(1, LEVELS):
            total += torch.sigmoid((self.location - (2 * k - 1) * HALF) / scale)
        return total / (LEVELS - 1)

    def log_prob(self, x: Tensor) -> Tensor:
        """log P(x) of grey levels, in nats.

        Raises:
            ValueError: x holds other numbers than 0, 1/255, ..., 1.
        """
        level = (LEVELS - 1) * x
        if not (((level - level.round()).abs() < 0.01) & (x >= 0) & (x <= 1)).all():
            raise ValueError("x holds numbers that are no grey levels 0, 1/255, ..., 1: give pixels of 8 bits / 255.")
        precision, zero = torch.exp(-self.log_scale), torch.zeros_like(self.location)
        above, below = ((x + side - self.location) * precision for side in (HALF, -HALF))
        top, bottom = x > 1 - HALF, x < HALF
        within = torch.where(top | bottom, zero, torch.log(-torch.expm1(-2 * HALF * precision)))
        return within + torch.where(top, zero, F.logsigmoid(above)) + torch.where(bottom, zero, F.logsigmoid(-below))

    def sample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        """Grey levels, `[*sample_shape, ...]`."""
        with torch.no_grad():
            u = torch.rand(*sample_shape, *self.location.shape, dtype=self.location.dtype, device=self.location.device)
            x = self.location + self.log_scale.exp() * torch.logit(u)
            return ((LEVELS - 1) * x).round().clamp(0, LEVELS - 1) / (LEVELS - 1)


class ColourVAE(VAE):
    """The VAE of pictures `[B, 3, 32, 32]` whose pixels are grey levels in each of three colours.

    p(x | z) = prod_i DiscretisedLogistic(x_i; m_i, s_i), with (m - 1/2, log s + 2) = decoder(z), one after the other on the axis
    of the channels; log s is kept above -7.

    All else is as in `VAE`, so the bounds are in nats for a picture. Bits per dimension are these / (C H W log 2).

    Source: for a VAE with this likelihood, Kingma and others, Improved Variational Inference with Inverse Autoregressive Flow
    (2016), who have one scale for each colour.
    """

    @classmethod
    def mlp(cls, latent_dim: int = 64, *, hidden: Sequence[int] = (400,), shape: Shape = (3, 32, 32)) -> Self:
        """The fully connected one; the defaults make the 3072-400-64 network."""
        return cls(
            mlp_encoder(latent_dim, hidden=hidden, shape=shape),
            mlp_decoder(latent_dim, hidden=hidden, shape=_twice(shape)),
            latent_dim=latent_dim,
            shape=shape,
        )

    @classmethod
    def conv(cls, latent_dim: int = 64, *, channels: int = 32, shape: Shape = (3, 32, 32)) -> Self:
        """A small convolutional one."""
        return cls(
            conv_encoder(latent_dim, channels=channels, shape=shape),
            conv_decoder(latent_dim, channels=channels, shape=_twice(shape)),
            latent_dim=latent_dim,
            shape=shape,
        )

    def decode(self, z: Tensor) -> Tensor:
        """The locations m of p(x | z), `[..., D]` to `[..., C, H, W]`.

        Raises:
            ValueError: the last axis of z is not latent_dim long.
        """
        return self._pixels(z).location

    def likelihood(self, z: Tensor) -> Distribution:
        """p(x | z), independent colours, batch `[...]`, with the whole picture `[C, H, W]` as its event."""
        return Independent(self._pixels(z), len(self.shape), validate_args=False)

    def decode_mean(self, z: Tensor) -> Tensor:
        """The mean picture E[x | z], `[..., D]` to `[..., C, H, W]` in [0, 1]: the picture to show."""
        return self._pixels(z).mean

    def _pixels(self, z: Tensor) -> DiscretisedLogistic:
        location, log_scale = self._decoded(z, _twice(self.shape)).chunk(2, dim=-3)
        return DiscretisedLogistic(0.5 + location, (FIRST_LOG_SCALE + log_scale).clamp(min=LEAST_LOG_SCALE))


def _twice(shape: Sequence[int]) -> Shape:
    channels, height, width = shape
    return 2 * channels, height, width
