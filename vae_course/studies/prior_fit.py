"""A better prior, afterwards: priors fitted to the codes of a model that stays as it is, and what they are worth.

For any prior p' the mean over the images of

E_q[ log p'(z) - log p(z) ] = KL( q(z) || p(z) ) - KL( q(z) || p'(z) ) <= KL( q(z) || p(z) ),

with q(z) the mean of the posteriors of all images. So the gain is measured on the codes of images to which p' was not fitted.
"""

import torch
from torch import Tensor
from torch.distributions import Distribution, MultivariateNormal

from vae_course.data import Images
from vae_course.flows import Coupling, Flow
from vae_course.objectives import LatentVariableModel
from vae_course.priors import FlowPrior, GaussianMixture, MixturePrior, negative_log_prob
from vae_course.support.numbers import whole_number
from vae_course.support.state import evaluating, isolated_rng
from vae_course.training import fit
from vae_course.training.batches import examples

LEAST_VAR = 1e-4  # of a component: below it one that owns a single code would become a spike


def codes(model: LatentVariableModel, images: Images | Tensor, *, n_samples: int = 1, seed: int = 0) -> Tensor:
    """Codes drawn from q(z | x), the draws of one image n_samples apart: `[n_samples * N, D]`.

    Raises:
        TypeError, ValueError: the images are unfit, or n_samples is below one.
    """
    n_samples = whole_number(n_samples, "n_samples", least=1)
    with evaluating(model) as device, isolated_rng(seed, device=device):
        return model.posterior(examples(images).x.to(device=device)).sample((n_samples,)).flatten(0, 1)


def gain(prior: Distribution, z: Tensor, over: Distribution) -> Tensor:
    """log p'(z) - log p(z) of codes `[N, D]`, with p the prior that it is compared with: `[N]` in nats, in float64."""
    with torch.no_grad():
        return prior.log_prob(z).double() - over.log_prob(z).double()


def gaussian(z: Tensor) -> MultivariateNormal:
    """The Gaussian with the mean and the full covariance of codes z `[N, D]`: of all Gaussians, their likelihood is highest.

    Raises:
        ValueError: there are not more codes than dimensions.
    """
    if z.dim() != 2 or len(z) <= z.shape[1]:
        raise ValueError(f"z has shape {list(z.shape)}: give [N, D] with more codes than dimensions.")
    return MultivariateNormal(z.mean(0), torch.atleast_2d(torch.cov(z.T, correction=0)))


def gaussian_gain(prior: MultivariateNormal) -> float:
    """What N(m, S) gains over N(0, I) on codes with this mean and covariance: KL( N(m, S) || N(0, I) ), in nats.

    1/2 ( tr S + |m|^2 - D - log |S| )
    """
    m, S = prior.mean.double(), prior.covariance_matrix.double()
    return float(0.5 * (S.trace() + m.square().sum() - len(m) - S.logdet()))


def em(z: Tensor, weight: Tensor, mean: Tensor, logvar: Tensor, rounds: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The mixture after rounds of EM on codes z `[N, D]`, what lesson 08 builds by hand, from products of matrices.

    Args:
        z: codes.
        weight, mean, logvar: where it begins, `[K]`, `[K, D]`, `[K, D]`.
        rounds: how many; 0 changes nothing.

    Returns:
        weight, mean, logvar, and the mean log density of the codes before the first round and after each, `[rounds + 1]`.
    """
    z, weight, mean, logvar = (part.double() for part in (z, weight, mean, logvar))
    curve = []
    for n in range(rounds + 1):
        log_joint = GaussianMixture(weight.log(), mean, logvar).log_joint(z)
        curve.append(torch.logsumexp(log_joint, 1).mean())
        if n < rounds:
            share = torch.softmax(log_joint, 1)
            part = share / share.sum(0).clamp_min(1e-300)
            weight, mean = share.mean(0).clamp_min(1e-12), part.T @ z
            logvar = (part.T @ z.square() - mean.square()).clamp_min(LEAST_VAR).log()
            weight = weight / weight.sum()
    return weight, mean, logvar, torch.stack(curve)


def mixture(z: Tensor, n_components: int, *, rounds: int = 40, seed: int = 0) -> MixturePrior:
    """A mixture of Gaussians with diagonal covariances, fitted to codes z `[N, D]` by EM.

    It begins at codes picked at random, with the variances of all codes and equal weights.

    Raises:
        ValueError: n_components is below one, or above the number of codes.
    """
    k = whole_number(n_components, "n_components", least=1)
    if k > len(z):
        raise ValueError(f"n_components is {k} for {len(z)} codes: give as many codes as components or more.")
    picks = torch.randperm(len(z), generator=torch.Generator().manual_seed(seed))[:k]
    logvar = z.var(0, correction=0).log().expand(k, -1)
    weight, mean, logvar, _ = em(z, torch.full((k,), 1 / k), z[picks], logvar, rounds)
    return MixturePrior.of(weight.to(z), mean.to(z), logvar.to(z)).requires_grad_(False)


def coupling_flow(
    z: Tensor,
    *,
    n_steps: int = 8,
    hidden: int = 64,
    epochs: int = 6,
    batch_size: int = 200,
    lr: float = 4e-3,
    seed: int = 0,
) -> FlowPrior:
    """A flow of coupling steps, halves exchanged from step to step, fitted to codes z `[N, D]` by gradient.

    Raises:
        ValueError: a setting makes no sense.
    """
    with isolated_rng(seed):
        steps = (
            Coupling(z.shape[1], hidden=hidden, flip=bool(n % 2))
            for n in range(whole_number(n_steps, "n_steps", least=1))
        )
        prior = FlowPrior(Flow(*steps))
    settings = {"epochs": epochs, "batch_size": batch_size, "lr": lr, "seed": seed}
    fit(prior, z, loss=negative_log_prob, progress=False, device="cpu", **settings)  # type: ignore[arg-type]
    return prior.requires_grad_(False)


def posteriors_as_prior(model: LatentVariableModel, images: Images | Tensor) -> GaussianMixture:
    """q(z) of a few images as a prior: 1/N sum_n q(z | x_n), one component for each."""
    with evaluating(model) as device:
        q = model.posterior(examples(images).x.to(device=device))
    mean, var = q.mean, q.variance
    return GaussianMixture(mean.new_zeros(len(mean)), mean, var.log())
