"""What each level of a hierarchy holds: its nats, image by image, and what of a picture stays when a level is redrawn."""

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vae_course.data import Images
from vae_course.evaluation import over_batches
from vae_course.hierarchies import LadderVAE, LevelTerms, TwoLevelVAE, terms
from vae_course.support.state import evaluating, isolated_rng
from vae_course.training.batches import examples

Redrawn = Literal["bottom", "top", "both", "neither"]
REDRAWN: tuple[Redrawn, ...] = ("bottom", "top", "both", "neither")


def nats(
    model: TwoLevelVAE, images: Images | Tensor, *, n_samples: int = 1, batch_size: int = 500, seed: int = 0
) -> LevelTerms:
    """The bound and its parts for every image, each `[N]` in nats, in float64 on the CPU.

    Args:
        model: a model with two levels.
        images: examples, `[N, ...]`, used as they are.
        n_samples: draws of both codes for each example.
        batch_size: examples at once.
        seed: fixes the draws.

    Raises:
        TypeError, ValueError: the images are unfit, or n_samples or batch_size is below one.
    """
    return LevelTerms(
        *over_batches(model, images, batch_size, seed, lambda x: torch.stack(terms(model, x, n_samples=n_samples)))
    )


def top_rate(
    model: TwoLevelVAE, images: Images | Tensor, *, k: int = 100, batch_size: int = 100, seed: int = 0
) -> tuple[Tensor, Tensor]:
    """What the top costs about the image, KL( q(z2 | x) || p(z2) ), between two estimates, each `[N]` in nats.

    From the bottom up q(z2 | x) = E_q(z1|x)[ q(z2 | z1) ] is a mixture. One draw of z2 is held against k draws of z1: with the
    z1 that made it among them the estimate is too high on average, without it too low. The part of the top's own term
    that is missing here, E[ KL( q(z2 | z1) || p(z2) ) ] - KL( q(z2 | x) || p(z2) ), tells of the noise of z1. For a
    ladder both are the closed form.

    Args:
        model: a model with two levels.
        images: examples, `[N, ...]`, used as they are.
        k: draws of z1 for each example, two or more.
        batch_size: examples at once.
        seed: fixes the draws.

    Raises:
        TypeError, ValueError: the images are unfit, k is below two, or batch_size below one.

    Source: for the estimate from above Yin and Zhou, Semi-Implicit Variational Inference (2018); for that from below Poole
    and others, On Variational Bounds of Mutual Information (2019), equation 12.
    """
    if k < 2:
        raise ValueError(f"k is {k}: one estimate leaves a draw of z1 out, so give two draws or more.")
    if isinstance(model, LadderVAE):
        kl = nats(model, images, batch_size=batch_size, seed=seed).kl_top
        return kl, kl
    low, high = over_batches(model, images, batch_size, seed, lambda x: _two_sides(model, x, k))
    return low, high


def _two_sides(model: TwoLevelVAE, x: Tensor, k: int) -> Tensor:
    """Both estimates of KL( q(z2 | x) || p(z2) ), `[2, B]`."""
    z1 = model.posterior(x).first.sample(torch.Size([k]))
    q2 = model.posterior(x).second(z1)
    z2 = q2.sample()[0]
    log_q, log_p = q2.log_prob(z2), model.top_prior().log_prob(z2)
    without, with_own = torch.logsumexp(log_q[1:], 0) - math.log(k - 1), torch.logsumexp(log_q, 0) - math.log(k)
    return torch.stack((without, with_own)) - log_p


def redraw(model: TwoLevelVAE, z1: Tensor, z2: Tensor, level: Redrawn, *, n: int, seed: int | None = 0) -> Tensor:
    """n codes z1 in which a level is drawn anew from the model and the other one stays, `[n, ..., D1]`.

    z1 = mu(z2) + sigma(z2) eps. "bottom" keeps z2 and draws eps; "top" keeps eps and draws z2 from the prior; "both" draws
    both, which makes plain samples; "neither" repeats z1.

    Args:
        model: a model with two levels.
        z1, z2: the codes of some images, `[..., D1]` and `[..., D2]`.
        level: which level is drawn anew.
        n: how often.
        seed: fixes the draws, and each level's are the same whether or not the other is drawn too; None goes on from the
            present state. Not the seed that z1 and z2 were drawn with: the new noise would be the old.

    Raises:
        ValueError: the level is unknown, or n is below one.
    """
    if level not in REDRAWN:
        raise ValueError(f"level is {level!r}: choose one of {', '.join(map(repr, REDRAWN))}.")
    if n < 1:
        raise ValueError(f"n is {n}: draw at least once.")
    with torch.no_grad(), isolated_rng(seed):
        new_eps, new_z2 = (torch.randn(n, *z.shape).to(z) for z in (z1, z2))
        mu, logvar = model.decode_top(z2)
        eps = new_eps if level in ("bottom", "both") else ((z1 - mu) / torch.exp(0.5 * logvar)).expand_as(new_eps)
        mu, logvar = model.decode_top(new_z2 if level in ("top", "both") else z2)
        return mu + torch.exp(0.5 * logvar) * eps


def ink(images: Tensor) -> Tensor:
    """How much ink a picture has: the sum of its pixels, `[..., 1, H, W]` to `[...]`."""
    return images.sum((-3, -2, -1))


def slant(images: Tensor) -> Tensor:
    """How far the ink moves to the right for each row down, `[...]`, as lesson 08 has it: below zero for a /.

    The covariance of column and row over the variance of the row. Without ink there is no lean: NaN.
    """
    height, width = images.shape[-2:]
    weight = images / images.sum((-3, -2, -1), keepdim=True)
    rows = torch.arange(height, dtype=images.dtype)[:, None].expand(height, width)
    columns = torch.arange(width, dtype=images.dtype).expand(height, width)
    down, right = (t - (weight * t).sum((-3, -2, -1), keepdim=True) for t in (rows, columns))
    return (weight * down * right).sum((-3, -2, -1)) / (weight * down.square()).sum((-3, -2, -1))


def reader(hidden: int = 100, *, shape: tuple[int, int, int] = (1, 28, 28)) -> nn.Sequential:
    """A small network that reads digits, from images to ten scores, for `reading_loss` and `kept`."""
    return nn.Sequential(nn.Flatten(), nn.Linear(math.prod(shape), hidden), nn.ReLU(), nn.Linear(hidden, 10))


def reading_loss(network: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
    """The cross-entropy of the reader on pairs (x, y), in nats."""
    x, y = batch
    return F.cross_entropy(network(x), y)


@dataclass(frozen=True)
class Remains:
    """What of a picture stays when a level is redrawn.

    Args:
        digit: share of the new pictures that are read as the old one was, for each image, `[N]`.
        ink: correlation of the ink of the new picture with that of the old one, over the images.
        slant: the same for its slant.
    """

    digit: Tensor
    ink: float
    slant: float


def kept(
    model: TwoLevelVAE, read: nn.Module, images: Images | Tensor, level: Redrawn, *, n: int = 4, seed: int = 0
) -> Remains:
    """Redraw a level n times for each image, and compare with the picture of the codes as they were.

    Compared are mean images, and both are read by the same network, so that a digit that the model copies badly is not
    counted against a level.

    Args:
        model: a model with two levels.
        read: a trained `reader`.
        images: two or more.
        level: which level is drawn anew; "both" says how much stays by chance.
        n: draws for each image.
        seed: fixes the draws.

    Raises:
        TypeError, ValueError: the images are unfit or fewer than two, the level is unknown, or n is below one.
    """
    x = examples(images).x
    if len(x) < 2:
        raise ValueError("images holds one example: a correlation over examples needs two or more.")
    with evaluating(model), isolated_rng(seed):
        z1, z2 = (codes[0] for codes in model.draw(x)[:2])
        old, new = model.decode_mean(z1), model.decode_mean(redraw(model, z1, z2, level, n=n, seed=None))
        was, now = read(old).argmax(-1), read(new.flatten(0, 1)).argmax(-1).view(n, -1)
    return Remains((now == was).double().mean(0), _alike(ink(new), ink(old)), _alike(slant(new), slant(old)))


def _alike(new: Tensor, old: Tensor) -> float:
    """The mean over the draws `[n, N]` of their correlation with the old values `[N]`."""
    pairs = [torch.corrcoef(torch.stack((one, old)).double())[0, 1] for one in new]
    return float(torch.stack(pairs).mean())
