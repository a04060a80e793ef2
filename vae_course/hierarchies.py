"""Variational autoencoders with two levels of codes, z2 -> z1 -> x, and two ways to infer them.

Level 1 is the bottom, next to the image; level 2 is the top. A pair is held as one code z = [z1, z2], side by side, so that
what works on the code of a `VAE`, such as `objectives.iwae_bound`, works here unchanged.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple, Self

import torch
from torch import Tensor, nn
from torch.distributions import Bernoulli, Distribution, Independent, Normal, constraints, kl_divergence

from vae_course.networks import Shape, mlp_decoder, mlp_encoder
from vae_course.support.shapes import check_images

Parameters = tuple[Tensor, Tensor]  # mu and logvar


def merge(mu_a: Tensor, logvar_a: Tensor, mu_b: Tensor, logvar_b: Tensor) -> Parameters:
    """mu and logvar of the Gaussian that is proportional to the product of two: precisions add, means are weighed by them.

    1 / sigma^2 = 1 / sigma_a^2 + 1 / sigma_b^2,  mu = sigma^2 (mu_a / sigma_a^2 + mu_b / sigma_b^2).

    If b is a prior of z and a is what data say of it, N(z; mu_a, sigma_a^2) up to a constant, this is the posterior.

    Args:
        mu_a, logvar_a, mu_b, logvar_b: of shapes that broadcast.

    Source: Sonderby and others, Ladder Variational Autoencoders (2016), equations 13 and 14.
    """
    logvar = -torch.logaddexp(-logvar_a, -logvar_b)
    # The two weights are sigma^2 / sigma_a^2 and sigma^2 / sigma_b^2 and add up to one: nothing overflows.
    weight = torch.sigmoid(logvar_b - logvar_a)
    return weight * mu_a + (1 - weight) * mu_b, logvar


class LevelPair(Distribution):
    """A distribution of two levels, [z1, z2]: one level as it is, and the other given the first.

    Args:
        first: of the level that is drawn first, with a whole code as its event.
        second: from draws of that level to the distribution of the other.
        latent_dims: numbers of z1 and of z2.
        top_first: whether z2 is drawn first, as in a prior, or z1, as from the bottom up.
    """

    arg_constraints: dict[str, constraints.Constraint] = {}  # noqa: RUF012
    has_rsample = True

    def __init__(
        self,
        first: Distribution,
        second: Callable[[Tensor], Distribution],
        *,
        latent_dims: tuple[int, int],
        top_first: bool,
    ) -> None:
        self.first, self.second = first, second
        self.latent_dims, self.top_first = latent_dims, top_first
        super().__init__(first.batch_shape, torch.Size([sum(latent_dims)]), validate_args=False)

    def rsample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        """Draws of both levels, `[*sample_shape, ..., D1 + D2]`."""
        first = self.first.rsample(torch.Size(sample_shape))
        second = self.second(first).rsample()
        return torch.cat((second, first) if self.top_first else (first, second), -1)

    def log_prob(self, value: Tensor) -> Tensor:
        """The log density of both levels, `[...]` in nats."""
        z1, z2 = value.split(self.latent_dims, -1)
        first, second = (z2, z1) if self.top_first else (z1, z2)
        return self.first.log_prob(first) + self.second(first).log_prob(second)


class Draw(NamedTuple):
    """Draws from q, and what each level costs there: z1 `[S, B, D1]`, z2 `[S, B, D2]`, the two KLs `[S, B]` in nats."""

    z1: Tensor
    z2: Tensor
    kl_bottom: Tensor
    kl_top: Tensor


class TwoLevelVAE(nn.Module):
    """A model p(z2) p(z1 | z2) p(x | z1) whose codes are inferred from the bottom up, by q(z1 | x) q(z2 | z1).

    p(z2) = N(0, I);  p(z1 | z2) = N(mu(z2), sigma(z2)^2);  p(x | z1) = prod_i Bernoulli(x_i; sigmoid(decoder(z1)_i));
    q(z1 | x) and q(z2 | z1) are Gaussians without correlations too.

    Args:
        encoder: from images to mu and logvar of q(z1 | x), side by side, `[B, 2 D1]`.
        top_encoder: from z1 to those of q(z2 | z1), `[N, 2 D2]`.
        top_decoder: from z2 to those of p(z1 | z2), `[N, 2 D1]`.
        decoder: from z1 to the logits of the pixels.
        latent_dims: D1 and D2.
        shape: of the images.

    Source: Burda, Grosse and Salakhutdinov, Importance Weighted Autoencoders (2016), section 2.
    """

    def __init__(
        self,
        encoder: nn.Module,
        top_encoder: nn.Module,
        top_decoder: nn.Module,
        decoder: nn.Module,
        *,
        latent_dims: tuple[int, int],
        shape: Shape = (1, 28, 28),
    ) -> None:
        super().__init__()
        self.encoder, self.top_encoder, self.top_decoder, self.decoder = encoder, top_encoder, top_decoder, decoder
        self.latent_dims, self.shape = _two(latent_dims, "latent_dims"), tuple(shape)

    @classmethod
    def mlp(
        cls,
        latent_dims: tuple[int, int] = (20, 10),
        *,
        hidden: tuple[int, int] = (400, 200),
        shape: Shape = (1, 28, 28),
    ) -> Self:
        """The fully connected one: 784-400-(20 + 20) and 20-200-(10 + 10) with the defaults, and both backwards.

        Raises:
            ValueError: latent_dims or hidden does not hold two numbers, each one or more.
        """
        (bottom, top), (wide, narrow) = _two(latent_dims, "latent_dims"), _two(hidden, "hidden")
        return cls(
            mlp_encoder(bottom, hidden=(wide,), shape=shape),
            mlp_encoder(top, hidden=(narrow,), shape=(1, 1, bottom)),
            mlp_encoder(bottom, hidden=(narrow,), shape=(1, 1, top)),
            mlp_decoder(bottom, hidden=(wide,), shape=shape),
            latent_dims=(bottom, top),
            shape=shape,
        )

    def encode(self, x: Tensor) -> Parameters:
        """mu and logvar of q(z1 | x), each `[B, D1]`.

        Raises:
            ValueError: x is not a batch of images of this model's shape.
            TypeError: x holds integers.
        """
        check_images(x, self.shape)
        return _halves(self.encoder(x))

    def encode_top(self, z1: Tensor) -> Parameters:
        """mu and logvar of q(z2 | z1), each `[..., D2]`."""
        return self._between(self.top_encoder, z1, level=1)

    def decode_top(self, z2: Tensor) -> Parameters:
        """mu and logvar of p(z1 | z2), each `[..., D1]`.

        Raises:
            ValueError: the last axis of z2 is not D2 long.
        """
        return self._between(self.top_decoder, z2, level=2)

    def decode(self, z1: Tensor) -> Tensor:
        """Pixel logits of p(x | z1): `[..., D1]` to `[..., C, H, W]`.

        Raises:
            ValueError: the last axis of z1 is not D1 long.
        """
        self._check_codes(z1, level=1)
        return self.decoder(z1.reshape(-1, z1.shape[-1])).reshape(*z1.shape[:-1], *self.shape)

    def decode_mean(self, z1: Tensor) -> Tensor:
        """The mean image E[x | z1], in [0, 1]: the picture to show."""
        return torch.sigmoid(self.decode(z1))

    def top_prior(self) -> Distribution:
        """p(z2) = N(0, I), event `[D2]`."""
        zeros = next(self.parameters()).new_zeros(self.latent_dims[1])
        return _gaussian(zeros, zeros)

    def prior(self) -> LevelPair:
        """p(z2) p(z1 | z2), event `[D1 + D2]`."""
        return self._pair(self.top_prior(), lambda z2: _gaussian(*self.decode_top(z2)), top_first=True)

    def posterior(self, x: Tensor) -> LevelPair:
        """q(z1 | x) q(z2 | z1), batch `[B]`, event `[D1 + D2]`."""
        return self._pair(_gaussian(*self.encode(x)), lambda z1: _gaussian(*self.encode_top(z1)), top_first=False)

    def likelihood(self, z: Tensor) -> Distribution:
        """p(x | z) = p(x | z1) for pairs `[..., D1 + D2]`; batch `[...]`, event `[C, H, W]`."""
        return self.pixels(z.split(self.latent_dims, -1)[0])

    def pixels(self, z1: Tensor) -> Distribution:
        """p(x | z1), independent Bernoulli pixels, batch `[...]`, event `[C, H, W]`."""
        return Independent(Bernoulli(logits=self.decode(z1), validate_args=False), len(self.shape), validate_args=False)

    def draw(self, x: Tensor, *, n_samples: int = 1) -> Draw:
        """Draws of both levels from q, and what each level costs at them.

        The top's KL( q(z2 | z1) || p(z2) ) is in closed form given z1. The bottom's log q(z1 | x) - log p(z1 | z2) is
        taken at the draws: z2 was made from z1, so that given z2 this z1 is no draw from q(z1 | x), and its mean is no
        KL. It may be negative; the sum of both, the KL of the pair, may not.

        Raises:
            ValueError: n_samples is below one, or x is empty.
        """
        _check(x, n_samples)
        q1 = _gaussian(*self.encode(x))
        z1 = q1.rsample(torch.Size([n_samples]))
        q2 = _gaussian(*self.encode_top(z1))
        z2 = q2.rsample()
        kl_bottom = q1.log_prob(z1) - _gaussian(*self.decode_top(z2)).log_prob(z1)
        return Draw(z1, z2, kl_bottom, kl_divergence(q2, self.top_prior()))

    @torch.no_grad()
    def sample(self, n: int, *, generator: torch.Generator | None = None) -> Tensor:
        """Mean images of n pairs drawn from the prior, the top first, `[n, C, H, W]` in [0, 1].

        Raises:
            ValueError: n is below one.
        """
        if n < 1:
            raise ValueError(f"n is {n}: ask for at least one sample.")
        like = next(self.parameters())
        noise = [torch.randn(n, size, generator=generator).to(like) for size in self.latent_dims]
        mu, logvar = self.decode_top(noise[1])
        return self.decode_mean(mu + torch.exp(0.5 * logvar) * noise[0])

    def _pair(self, first: Distribution, second: Callable[[Tensor], Distribution], *, top_first: bool) -> LevelPair:
        return LevelPair(first, second, latent_dims=self.latent_dims, top_first=top_first)

    def _between(self, network: nn.Module, z: Tensor, *, level: int) -> Parameters:
        """What a network between the levels makes of codes `[..., D]`."""
        self._check_codes(z, level=level)
        return _halves(network(z.reshape(-1, z.shape[-1])).reshape(*z.shape[:-1], -1))

    def _check_codes(self, z: Tensor, *, level: int) -> None:
        size = self.latent_dims[level - 1]
        if z.dim() == 0 or z.shape[-1] != size:
            raise ValueError(
                f"z{level} has shape {list(z.shape)} but this model's codes of level {level} have {size} numbers on the"
                " last axis."
            )


class LadderVAE(TwoLevelVAE):
    """The same model, inferred from the top down: q(z2 | x), then q(z1 | x, z2) = what x says of z1 merged with p(z1 | z2).

    The image goes up through `trunk` once, without any draw. On the way down q(z1 | x, z2) is the product of the message
    N(z1; mu(x), sigma(x)^2) and p(z1 | z2), as Bayes' rule would have it.

    Args:
        trunk: from images to features `[B, F]`.
        encoder: from features to mu and logvar of the message about z1, `[B, 2 D1]`.
        top_encoder: from features to mu and logvar of q(z2 | x), `[B, 2 D2]`.
        top_decoder, decoder, latent_dims, shape: as in `TwoLevelVAE`.

    Source: Sonderby and others, Ladder Variational Autoencoders (2016), equations 9 to 14.
    """

    def __init__(
        self,
        trunk: nn.Module,
        encoder: nn.Module,
        top_encoder: nn.Module,
        top_decoder: nn.Module,
        decoder: nn.Module,
        *,
        latent_dims: tuple[int, int],
        shape: Shape = (1, 28, 28),
    ) -> None:
        super().__init__(encoder, top_encoder, top_decoder, decoder, latent_dims=latent_dims, shape=shape)
        self.trunk = trunk

    @classmethod
    def mlp(
        cls,
        latent_dims: tuple[int, int] = (20, 10),
        *,
        hidden: tuple[int, int] = (400, 200),
        shape: Shape = (1, 28, 28),
    ) -> Self:
        """The fully connected one, as wide as `TwoLevelVAE.mlp`: 784-400 upwards, then 20 + 20 and 200-(10 + 10).

        Raises:
            ValueError: latent_dims or hidden does not hold two numbers, each one or more.
        """
        (bottom, top), (wide, narrow) = _two(latent_dims, "latent_dims"), _two(hidden, "hidden")
        upwards = mlp_encoder(bottom, hidden=(wide,), shape=shape)
        return cls(
            upwards[:-1],
            upwards[-1],
            mlp_encoder(top, hidden=(narrow,), shape=(1, 1, wide)),
            mlp_encoder(bottom, hidden=(narrow,), shape=(1, 1, top)),
            mlp_decoder(bottom, hidden=(wide,), shape=shape),
            latent_dims=(bottom, top),
            shape=shape,
        )

    def encode(self, x: Tensor) -> Parameters:
        """mu and logvar of what x says of z1, before p(z1 | z2) is merged with it, each `[B, D1]`."""
        return _halves(self.encoder(self._features(x)))

    def encode_top(self, x: Tensor) -> Parameters:
        """mu and logvar of q(z2 | x), each `[B, D2]`."""
        return _halves(self.top_encoder(self._features(x)))

    def posterior(self, x: Tensor) -> LevelPair:
        """q(z2 | x) q(z1 | x, z2), batch `[B]`, event `[D1 + D2]`."""
        message, top = self._up(x)
        return self._pair(_gaussian(*top), lambda z2: _gaussian(*merge(*message, *self.decode_top(z2))), top_first=True)

    def draw(self, x: Tensor, *, n_samples: int = 1) -> Draw:
        """Draws of both levels from q, and the two KLs, both in closed form: the bottom's given z2.

        Raises:
            ValueError: n_samples is below one, or x is empty.
        """
        _check(x, n_samples)
        message, top = self._up(x)
        q2 = _gaussian(*top)
        z2 = q2.rsample(torch.Size([n_samples]))
        prior = self.decode_top(z2)
        q1 = _gaussian(*merge(*message, *prior))
        kl_top = kl_divergence(q2, self.top_prior()).expand(n_samples, -1)
        return Draw(q1.rsample(), z2, kl_divergence(q1, _gaussian(*prior)), kl_top)

    def _up(self, x: Tensor) -> tuple[Parameters, Parameters]:
        """The message about z1 and the parameters of q(z2 | x), from one way up."""
        features = self._features(x)
        return _halves(self.encoder(features)), _halves(self.top_encoder(features))

    def _features(self, x: Tensor) -> Tensor:
        check_images(x, self.shape)
        return self.trunk(x)


class LevelTerms(NamedTuple):
    """The bound and its three parts for every example, each `[B]` in nats: elbo = log_px_z - kl_bottom - kl_top."""

    elbo: Tensor
    log_px_z: Tensor
    kl_bottom: Tensor
    kl_top: Tensor


def terms(model: TwoLevelVAE, x: Tensor, *, n_samples: int = 1, beta: float = 1.0) -> LevelTerms:
    """The evidence lower bound of two levels; with beta other than 1, both levels weighed by it.

    elbo = E_q[ log p(x | z1) ] - beta * (kl_bottom + kl_top), where kl_bottom + kl_top is the KL of the pair and q's way
    through the levels says how it is shared out (`draw` of each model).

    Raises:
        ValueError: n_samples is below one, or x is empty.
    """
    z1, _, kl_bottom, kl_top = model.draw(x, n_samples=n_samples)
    log_px_z = model.pixels(z1).log_prob(x.expand(n_samples, *x.shape)).mean(0)
    kl_bottom, kl_top = kl_bottom.mean(0), kl_top.mean(0)
    return LevelTerms(log_px_z - beta * (kl_bottom + kl_top), log_px_z, kl_bottom, kl_top)


def negative_hierarchical_elbo(
    model: TwoLevelVAE, x: Tensor, beta: float = 1.0, *, n_samples: int = 1
) -> dict[str, Tensor]:
    """The loss of a model with two levels for `training.fit`: the mean over the batch of -elbo, with its parts, in nats.

    loss = reconstruction + beta * (kl_bottom + kl_top).

    Raises:
        ValueError: n_samples is below one, or x is empty.
    """
    elbo, log_px_z, kl_bottom, kl_top = terms(model, x, n_samples=n_samples, beta=beta)
    return {
        "loss": -elbo.mean(),
        "reconstruction": -log_px_z.mean(),
        "kl_bottom": kl_bottom.mean(),
        "kl_top": kl_top.mean(),
    }


def _gaussian(mu: Tensor, logvar: Tensor) -> Distribution:
    return Independent(Normal(mu, torch.exp(0.5 * logvar), validate_args=False), 1, validate_args=False)


def _halves(parameters: Tensor) -> Parameters:
    mu, logvar = parameters.chunk(2, dim=-1)
    return mu, logvar


def _two(numbers: Sequence[int], name: str) -> tuple[int, int]:
    if len(numbers) != 2 or min(numbers) < 1:
        raise ValueError(f"{name} is {tuple(numbers)}: give two whole numbers, one or more each, the bottom's first.")
    return numbers[0], numbers[1]


def _check(x: Tensor, n_samples: int) -> None:
    if n_samples < 1:
        raise ValueError(f"n_samples is {n_samples}: the bound needs at least one draw of the codes.")
    if len(x) == 0:
        raise ValueError("x is empty: give at least one image.")
