"""Why generators work on codes: what a VAE leaves to a prior that is learned afterwards, and what the prior makes of it.

With a small weight on the KL the codes copy the images nearly exactly, at a rate that no fixed prior pays back; a diffusion prior
on the same codes makes good pictures all the same. Bits are told by the bound, looks by the Frechet distance of pictures to
images, in what a small classifier sees of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from vae_course.data import Images
from vae_course.diffusion import sample_ddim
from vae_course.evaluation import evaluate, log_marginal
from vae_course.latent_diffusion import CodeDenoiser, DiffusionPrior, diffusion_loss, drawn_codes, scaling_factor
from vae_course.models import VAE
from vae_course.priors import WithPrior
from vae_course.studies.prior_fit import codes
from vae_course.support.numbers import whole_number
from vae_course.support.state import evaluating, isolated_rng
from vae_course.training import Recipe
from vae_course.training.batches import examples


@dataclass(frozen=True)
class CodeAccount:
    """What a VAE tells by its codes and what it leaves to the prior.

    Args:
        distortion, rate: -E_q[ log p(x | z) ] and KL( q(z | x) || N(0, I) ), in nats for an image.
        code_std: the standard deviation of codes, over images and dimensions; the scaling factor is 1 / code_std.
        sigma: the mean standard deviation of q(z | x), over images and dimensions.
    """

    distortion: float
    rate: float
    code_std: float
    sigma: float

    @property
    def elbo(self) -> float:
        """The bound with N(0, I) as the prior, in nats for an image, whatever weight the KL was trained with."""
        return -self.distortion - self.rate


def account(model: VAE, images: Images | Tensor, *, seed: int = 0) -> CodeAccount:
    """The account of a VAE on these images, with one draw of z for each.

    Raises:
        TypeError, ValueError: the images are unfit.
    """
    found, (_, logvar) = evaluate(model, images, seed=seed), posteriors(model, images)
    std = 1 / scaling_factor(codes(model, images, seed=seed))
    return CodeAccount(found.distortion, found.rate, std, float(torch.exp(0.5 * logvar.double()).mean()))


def posteriors(model: VAE, images: Images | Tensor) -> tuple[Tensor, Tensor]:
    """mu and logvar of q(z | x) of all images, each `[N, D]`.

    Raises:
        TypeError, ValueError: the images are unfit.
    """
    with evaluating(model) as device:
        return model.encode(examples(images).x.to(device=device))


def prior_recipe(
    model: VAE,
    images: Images,
    *,
    name: str,
    n_classes: int = 0,
    hidden: int = 256,
    n_blocks: int = 3,
    epochs: int = 10,
    batch_size: int = 256,
    lr: float = 2e-3,
    weighting: str = "simple",
    drop: float = 0.1,
    seed: int = 0,
) -> Recipe:
    """How to train a diffusion prior on the codes of a VAE that stays as it is, each drawn anew for each step.

    The scaling factor is that of one draw for each image, and part of the prior.

    Args:
        model: the VAE.
        images: that the codes are of.
        name: of the recipe.
        n_classes: K, to have the prior told the classes of the images too; 0 for p(z) alone.
        hidden, n_blocks: of the `CodeDenoiser`.
        epochs, batch_size, lr, seed: as in `fit`.
        weighting, drop: as in `diffusion_loss`.

    Raises:
        TypeError, ValueError: the images are unfit, or a setting makes no sense.
    """
    codes_of, scale = posteriors(model, images), scaling_factor(codes(model, images, seed=seed))
    network = {"hidden": hidden, "n_blocks": n_blocks, "n_classes": n_classes}
    return Recipe(
        name=name,
        build=partial(untrained, model.latent_dim, scale, network),
        images=(*codes_of, images.y) if n_classes else codes_of,
        loss=partial(diffusion_loss, weighting=weighting, drop=drop),
        transform=drawn_codes,
        epochs=epochs,
        batch_size=batch_size,
        lr=lr,
        seed=seed,
    )


def untrained(latent_dim: int, scale: float, network: dict[str, int]) -> DiffusionPrior:
    """A prior whose scaled codes are N(0, I), with these settings of its `CodeDenoiser`."""
    return DiffusionPrior(CodeDenoiser(latent_dim, **network), scale=scale)


def bound(model: VAE, prior: DiffusionPrior, images: Images | Tensor, *, seed: int = 0) -> tuple[float, float]:
    """The mean over the images of a bound on log p(x) with this prior, and its standard error, in nats.

    E_q[ log p(x | z) + (the bound on log p(z)) - log q(z | x) ], with one draw of z, and for it the n_draws of the prior.

    Raises:
        TypeError, ValueError: the images are unfit.
    """
    return log_marginal(WithPrior(model, prior), images, k=1, batch_size=1000, seed=seed)


def pictures(
    model: VAE,
    n: int,
    *,
    prior: nn.Module | None = None,
    labels: Tensor | int | None = None,
    weight: float = 0.0,
    n_steps: int = 16,
    seed: int = 0,
) -> Tensor:
    """Mean images of n codes from N(0, I), or from a learned prior, `[n, C, H, W]`.

    Args:
        model: the VAE.
        n: how many.
        prior: where the codes come from: a module whose `distribution()` is p(z), or None for N(0, I).
        labels, weight, n_steps: as in `DiffusionPrior.sample`, for such a prior alone.
        seed: fixes the draws; at the same seed the same noise becomes the codes of any class and weight.

    Raises:
        ValueError: a number makes no sense, or there are labels but no prior that is told them.
        TypeError: the labels are not whole numbers.
    """
    if labels is not None and not isinstance(prior, DiffusionPrior):
        raise ValueError("Only a DiffusionPrior is told classes: give one, or leave the labels out.")
    with evaluating(model) as device, evaluating(prior), isolated_rng(seed):
        if isinstance(prior, DiffusionPrior):
            z = prior.sample(n, labels=labels, weight=weight, n_steps=n_steps)
        else:
            z = (model if prior is None else WithPrior(model, prior)).prior().sample((n,))
        return model.decode_mean(z.to(device=device))


def class_grid(
    model: VAE, prior: DiffusionPrior, *, n: int, weight: float = 0.0, n_steps: int = 16, seed: int = 0
) -> Tensor:
    """n pictures of each class, one class after the other, `[K n, C, H, W]`: the mean images of `class_codes`.

    Raises:
        ValueError: the prior knows no classes, or a number makes no sense.
    """
    codes_of = class_codes(prior, n=n, weight=weight, n_steps=n_steps, seed=seed)
    with evaluating(model) as device:
        return model.decode_mean(codes_of.flatten(0, 1).to(device=device))


def class_codes(prior: DiffusionPrior, *, n: int, weight: float = 0.0, n_steps: int = 16, seed: int = 0) -> Tensor:
    """n codes of each class, `[K, n, D]`; the k-th of every class begins at the same noise.

    Raises:
        ValueError: the prior knows no classes, or a number makes no sense.
    """
    n, n_classes = whole_number(n, "n", least=1), prior.n_classes
    if not n_classes:
        raise ValueError("The prior knows no classes: make its denoiser with n_classes.")
    labels = torch.arange(n_classes).repeat_interleave(n)
    with evaluating(prior), isolated_rng(seed):
        x_T = torch.randn(n, prior.latent_dim).to(prior.scale).repeat(n_classes, 1)
        z = sample_ddim(prior.told(labels, len(labels), weight), x_T, prior.schedule, n_steps).x0 / prior.scale
    return z.unflatten(0, (n_classes, n))


def class_spread(z: Tensor) -> tuple[float, float]:
    """The standard deviation of codes `[K, n, D]` within a class, and the share of their variance that lies within classes.

    The share is E[ Var(z | y) ] / Var(z), each summed over the dimensions; the rest is how far the classes are apart. Guidance
    lowers it, although it drives codes outwards, where the standard deviation may grow.

    Raises:
        ValueError: the codes are of another shape, or n is below two.
    """
    if z.dim() != 3 or z.shape[1] < 2:
        raise ValueError(f"z has shape {list(z.shape)}: give two codes or more of each class, [K, n, D].")
    within, total = z.double().var(1, correction=0).mean(), z.double().flatten(0, 1).var(0, correction=0).mean()
    return within.sqrt().item(), (within / total).item()


def features(read: nn.Sequential, images: Tensor) -> Tensor:
    """What a classifier sees before its last layer, `[N, H]`: of a `levels.reader` the hidden numbers."""
    with evaluating(read) as device:
        return read[:-1](images.to(device=device)).flatten(1)


def read_right(read: nn.Module, images: Tensor, labels: Tensor) -> float:
    """The share of images that a classifier reads as their label."""
    with evaluating(read) as device:
        return float((read(images.to(device=device)).argmax(1).cpu() == labels).double().mean())


def variety(seen: Tensor, labels: Tensor) -> float:
    """How much pictures of one class differ: the root of the summed variances of features `[N, H]`, mean over classes `[N]`.

    Raises:
        ValueError: there is not one label for each, or a class has fewer than two pictures.
    """
    if len(seen) != len(labels) or labels.unique(return_counts=True)[1].min() < 2:
        raise ValueError(
            f"There are {len(seen)} pictures, {len(labels)} labels: give one each, two or more of a class."
        )
    return float(torch.stack([seen[labels == y].var(0).sum().sqrt() for y in labels.unique()]).double().mean())


def frechet_distance(a: Tensor, b: Tensor) -> float:
    """The distance between the Gaussians with the means m and covariances S of two sets of features `[N, H]` and `[M, H]`.

    |m_a - m_b|^2 + tr( S_a + S_b - 2 (S_a^1/2 S_b S_a^1/2)^1/2 )

    It has the unit of the features, squared, and is above zero for two finite samples of one distribution: compare sets of the
    same size, and with two halves of the images.

    Raises:
        ValueError: a set has fewer than two entries, or they differ in H.

    Source: Heusel and others, GANs Trained by a Two Time-Scale Update Rule (2017), equation 6, who take the features of another
    network; so the numbers compare with no published ones.
    """
    if a.dim() != 2 or b.dim() != 2 or a.shape[1] != b.shape[1] or min(len(a), len(b)) < 2:
        raise ValueError(
            f"The features have shapes {list(a.shape)} and {list(b.shape)}: give [N, H] and [M, H], two rows or more."
        )
    (m_a, S_a), (m_b, S_b) = ((x.double().mean(0), torch.cov(x.double().T).reshape(x.shape[1], -1)) for x in (a, b))
    values, vectors = torch.linalg.eigh(S_a)
    root = vectors * values.clamp_min(0).sqrt() @ vectors.T
    overlap = torch.linalg.eigvalsh(root @ S_b @ root).clamp_min(0).sqrt().sum()
    return float((m_a - m_b).square().sum() + S_a.trace() + S_b.trace() - 2 * overlap)


def distances(
    model: VAE,
    priors: Sequence[nn.Module | None],
    read: nn.Sequential,
    images: Images | Tensor,
    others: Images | Tensor,
    *,
    n_steps: int = 16,
    seed: int = 0,
) -> tuple[float, list[float]]:
    """How far reconstructions of other images are from the images, and pictures by each prior, None being N(0, I).

    Frechet distances in the features of the reader. Copies of the images themselves would be too near to compare pictures with:
    they share the images' own luck. As many pictures as images are drawn.

    Raises:
        TypeError, ValueError: the images are unfit, or n_steps makes no sense.
    """
    x = examples(images).x
    seen = features(read, x)
    drawn = [pictures(model, len(x), prior=prior, n_steps=n_steps, seed=seed) for prior in priors]
    with evaluating(model) as device:
        copies = model.reconstruct(examples(others).x.to(device=device))
    near, *found = (frechet_distance(features(read, shown), seen) for shown in (copies, *drawn))
    return near, found
