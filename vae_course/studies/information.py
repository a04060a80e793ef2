"""What a rate is made of: the information that the codes carry about x, and the price of a prior that does not fit them."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.distributions import Distribution

from vae_course.data import Images
from vae_course.objectives import LatentVariableModel
from vae_course.support.state import evaluating, isolated_rng
from vae_course.training.batches import examples

# Densities computed at once, one for each pair of a code and an image: bounds the memory.
PAIRS_AT_ONCE = 400_000


@dataclass(frozen=True)
class RateSplit:
    """The mean rate of N images and its two parts, in nats, from the same draws: rate = information + marginal_kl.

    Args:
        rate: E[ log q(z | x) - log p(z) ], the mean KL of the images.
        information: I(n; z), how well a code tells which of the N images it was drawn for; log N at most.
        marginal_kl: KL( q(z) || p(z) ), with q(z) the mixture of the N posteriors.
        information_above: the same ratio with the image's own posterior left out of the mixture. For new images from
            the same source, I(x; z) lies between `information` and this, in expectation.
        n: images N.
    """

    rate: float
    information: float
    marginal_kl: float
    information_above: float
    n: int


def split_rate(model: LatentVariableModel, images: Images | Tensor, *, n_samples: int = 1, seed: int = 0) -> RateSplit:
    """Split the mean KL into mutual information and the KL of the aggregated posterior q(z) to the prior.

    mean_n KL( q(z | x_n) || p(z) ) = I(n; z) + KL( q(z) || p(z) ),  q(z) = 1/N sum_n q(z | x_n).

    Every code is compared with every image, so the work grows with N^2: some thousands of images take a second.

    Args:
        model: a latent-variable model.
        images: examples, `[N, ...]`, used as they are; two or more.
        n_samples: draws of z for each example.
        seed: fixes the draws.

    Raises:
        TypeError, ValueError: the images are unfit, there are fewer than two, or n_samples is below one.

    Source: Hoffman and Johnson, ELBO surgery (2016), equation 6; for the two sides Poole and others, On Variational
    Bounds of Mutual Information (2019), equations 10 and 12.
    """
    x = examples(images).x
    if len(x) < 2 or n_samples < 1:
        raise ValueError(f"There are {len(x)} images and {n_samples} draws: give two images or more, and one draw.")
    with evaluating(model) as device, isolated_rng(seed, device=device):
        q, p = model.posterior(x.to(device=device)), model.prior()
        draws = [split_of_draws(*log_densities(q, q.sample()), p) for _ in range(n_samples)]
    rate, information, marginal_kl, above = torch.tensor(draws, dtype=torch.float64).mean(0).tolist()
    return RateSplit(rate, information, marginal_kl, above, n=len(x))


def log_densities(q: Distribution, z: Tensor) -> tuple[Tensor, Tensor]:
    """log q(z_m | x_n) for each pair of a code and an image, `[N, N]` in float64, and the codes `[N, D]` themselves."""
    rows = max(1, PAIRS_AT_ONCE // len(z))
    return torch.cat([q.log_prob(part.unsqueeze(1)).double() for part in z.split(rows)]), z


def split_of_draws(log_q: Tensor, z: Tensor, prior: Distribution) -> tuple[float, float, float, float]:
    """Rate, information, marginal KL and the upper end, from log q(z_m | x_n) `[N, N]`, where z_m was drawn for x_m."""
    n = len(log_q)
    own, log_p = log_q.diagonal(), prior.log_prob(z).double()
    log_mixture = torch.logsumexp(log_q, 1) - math.log(n)
    others = log_q.masked_fill(torch.eye(n, dtype=torch.bool, device=log_q.device), -math.inf)
    log_others = torch.logsumexp(others, 1) - math.log(n - 1)
    parts = (own - log_p, own - log_mixture, log_mixture - log_p, own - log_others)
    return tuple(float(part.mean()) for part in parts)  # type: ignore[return-value]
