"""03-sigma: find the error. One symbol, read as a standard deviation in one line and as a variance in the next."""

import math
from typing import Any

import torch
from torch import Tensor
from torch.distributions import Independent, Normal, kl_divergence
from torch.nn import functional as F

from vae_course.exercises.inputs import generator, integer, normal
from vae_course.exercises.model import Alternative, Answer, Exercise, Inputs, Misconception
from vae_course.exercises.probes import pair

Pair = tuple[Tensor, Tensor]


def draw_and_price(mu: Tensor, log_sigma: Tensor, eps: Tensor) -> Pair:
    """A draw z [B, D] from N(mu, sigma^2), and KL(N(mu, sigma^2) || N(0, I)) in nats, [B]."""
    sigma = torch.exp(log_sigma)
    z = mu + sigma * eps
    kl = 0.5 * (sigma**2 + mu**2 - 1 - 2 * log_sigma).sum(dim=-1)
    return z, kl


def _probe(answer: Answer, case: Inputs) -> dict[str, Any]:
    """The draw and the KL under their names."""
    z, kl = pair(answer(*case.values()), "z", "kl")
    return {"z": z, "KL": kl}


def _cases(seed: int) -> list[Inputs]:
    source = generator(seed)
    first: Inputs = {
        "mu": torch.tensor([[1.0, 0.0]]),
        "log_sigma": torch.tensor([[math.log(2), -1.0]]),
        "eps": torch.tensor([[0.5, 2.0]]),
    }
    b, d = integer(source, 4, 5), integer(source, 2, 3)
    random: list[Inputs] = [
        {"mu": normal(source, *shape), "log_sigma": 0.7 * normal(source, *shape) - 0.3, "eps": normal(source, *shape)}
        for shape in ((1, 3), (b, d), (b, d), (3, 1), (2, 20), (64, 3))
    ]
    edges: list[Inputs] = [
        {
            "mu": mu + normal(source, 3, 2),
            "log_sigma": log_sigma + 0.2 * normal(source, 3, 2),
            "eps": normal(source, 3, 2),
        }
        for mu, log_sigma in ((0, -7.5), (0, 7.5), (30, 0), (-30, 0))
    ]
    far: Inputs = {"mu": normal(source, 4, 3), "log_sigma": 0.3 * normal(source, 4, 3), "eps": 6 * normal(source, 4, 3)}
    return [first, *random, *edges, far]


def _kl(mu: Tensor, log_sigma: Tensor) -> Tensor:
    return 0.5 * (torch.exp(2 * log_sigma) + mu**2 - 1 - 2 * log_sigma).sum(-1)


def _published_kl(mu: Tensor, log_sigma: Tensor) -> Tensor:
    return 0.5 * (torch.exp(log_sigma) + mu**2 - 1 - log_sigma).sum(-1)


def _loop(mu: Tensor, log_sigma: Tensor, eps: Tensor) -> Pair:
    z, kl = torch.zeros_like(mu), []
    for b in range(len(mu)):
        total = torch.tensor(0.0)
        for d in range(mu.shape[1]):
            sigma = torch.exp(log_sigma[b, d])
            z[b, d] = mu[b, d] + sigma * eps[b, d]
            total = total + (sigma * sigma + mu[b, d] * mu[b, d] - 1) / 2 - log_sigma[b, d]
        kl.append(total)
    return z, torch.stack(kl)


def _matrices(mu: Tensor, log_sigma: Tensor, eps: Tensor) -> Pair:
    """The same with a matrix that deserves the name: Sigma = diag(sigma^2), and diag(sigma) as its root."""
    root = torch.diag_embed(torch.exp(log_sigma))
    covariance = root @ root
    trace = covariance.diagonal(dim1=-2, dim2=-1).sum(-1)
    z = mu + (root @ eps.unsqueeze(-1)).squeeze(-1)
    return z, 0.5 * (trace + (mu * mu).sum(-1) - mu.shape[-1] - torch.logdet(covariance))


def _distributions(mu: Tensor, log_sigma: Tensor, eps: Tensor) -> Pair:
    q = Independent(Normal(mu, log_sigma.exp()), 1)
    p = Independent(Normal(torch.zeros_like(mu), torch.ones_like(mu)), 1)
    return mu + log_sigma.exp() * eps, kl_divergence(q, p)


def _by_logvar(mu: Tensor, log_sigma: Tensor, eps: Tensor) -> Pair:
    logvar = 2 * log_sigma
    return mu + torch.exp(0.5 * logvar) * eps, 0.5 * (logvar.exp() + mu**2 - 1 - logvar).sum(-1)


def _float64(mu: Tensor, log_sigma: Tensor, eps: Tensor) -> Pair:
    return draw_and_price(mu.double(), log_sigma.double(), eps.double())


EXERCISE = Exercise(
    id="03-sigma",
    title="Find the error: which sigma?",
    points=3,
    difficulty=3,
    minutes=6,
    task=(
        "Repair the code above: return a draw z `[B, D]` from q = N(mu, sigma^2) and the KL of that very q to N(0, I) in "
        "nats, `[B]`, where the network gives `log_sigma`, the logarithm of the standard deviation."
    ),
    hints=(
        "The name `log_sigma` decides which of the two lines is right. What is the variance of the z of the first line?",
        "KL = 1/2 sum_d [ sigma_d^2 + mu_d^2 - 1 - log sigma_d^2 ], and log sigma^2 = 2 log sigma.",
        "Leave the draw as it is. In the KL, `Sigma` has to be squared, and `log_sigma` needs a factor.",
    ),
    explanation=(
        "With Sigma for the covariance matrix diag(sigma^2), the text's trace is the sum of sigma_d^2 and its log "
        "determinant the sum of 2 log sigma_d. A draw needs the root of that matrix, diag(sigma). The code has one vector "
        "for both. Near sigma = 1 the two readings nearly agree, so such a slip is easy to overlook."
    ),
    returns="two tensors: z, [B, D], and one KL for each example, [B]",
    reference=draw_and_price,
    alternatives=(
        Alternative("loop", _loop),
        Alternative("matrices", _matrices),
        Alternative("torch.distributions", _distributions),
        Alternative("float64", _float64),
        Alternative("by way of logvar", _by_logvar),
    ),
    misconceptions=(
        Misconception(
            "as published",
            lambda mu, log_sigma, eps: (mu + log_sigma.exp() * eps, _published_kl(mu, log_sigma)),
            "This is the code as it was: it draws with standard deviation exp(log_sigma), and prices a q with variance "
            "exp(log_sigma). One of the two has to change; the name `log_sigma` says which.",
        ),
        Misconception(
            "the draw changed instead",
            lambda mu, log_sigma, eps: (mu + (0.5 * log_sigma).exp() * eps, _published_kl(mu, log_sigma)),
            "Now the draw and the KL agree with each other, but both read the input as log sigma^2. It is log sigma: the "
            "draw was right, so repair the KL.",
        ),
        Misconception(
            "logarithm not doubled",
            lambda mu, log_sigma, eps: (
                mu + log_sigma.exp() * eps,
                0.5 * ((2 * log_sigma).exp() + mu**2 - 1 - log_sigma).sum(-1),
            ),
            "The variance is right now, but its logarithm is still log sigma. In the KL stands log sigma^2, which is 2 "
            "log sigma.",
        ),
        Misconception(
            "sigma not squared",
            lambda mu, log_sigma, eps: (
                mu + log_sigma.exp() * eps,
                0.5 * (log_sigma.exp() + mu**2 - 1 - 2 * log_sigma).sum(-1),
            ),
            "The logarithm is right now, but sigma still stands where the variance belongs. Square it: sigma ** 2, or "
            "exp(2 log_sigma).",
        ),
        Misconception(
            "noise scaled by the variance",
            lambda mu, log_sigma, eps: (mu + (2 * log_sigma).exp() * eps, _kl(mu, log_sigma)),
            "The KL is right, but the noise is scaled by sigma^2: that is mu + Sigma eps with the covariance matrix. Noise "
            "is scaled by its root, sigma.",
        ),
        Misconception(
            "half forgotten",
            lambda mu, log_sigma, eps: (mu + log_sigma.exp() * eps, 2 * _kl(mu, log_sigma)),
            "The draw is right, but the KL is twice too large: the factor 1/2 stands in front of the whole sum.",
        ),
        Misconception(
            "mean over latent dimensions",
            lambda mu, log_sigma, eps: (mu + log_sigma.exp() * eps, _kl(mu, log_sigma) / mu.shape[-1]),
            "The draw is right, but the KL is averaged over the latent dimensions. The trace and the log determinant are "
            "sums: `.sum(-1)`.",
        ),
        Misconception(
            "one number for the batch",
            lambda mu, log_sigma, eps: (mu + log_sigma.exp() * eps, _kl(mu, log_sigma).mean()),
            "The formula is right, but the KL is one number for the whole batch. Keep one for each example, `[B]`.",
            variants=(lambda mu, log_sigma, eps: (mu + log_sigma.exp() * eps, _kl(mu, log_sigma).sum()),),
        ),
        Misconception(
            "noise left out",
            lambda mu, log_sigma, eps: (mu, _kl(mu, log_sigma)),
            "The KL is right, but z is the mean of q, not a draw from it: add sigma times eps.",
        ),
        Misconception(
            "order of the results",
            lambda mu, log_sigma, eps: (_kl(mu, log_sigma), mu + log_sigma.exp() * eps),
            "Both results are right, but in the other order. Return the draw first: `z, kl`.",
        ),
        Misconception(
            "logarithm read as sigma",
            lambda mu, log_sigma, eps: (
                mu + log_sigma * eps,
                0.5 * (log_sigma**2 + mu**2 - 1 - 2 * log_sigma.log()).sum(-1),
            ),
            "You multiply the noise by log sigma itself. The network gives the logarithm, which may be negative: sigma is its "
            "exponential, `torch.exp(log_sigma)`, here and in the KL.",
            variants=(
                lambda mu, log_sigma, eps: (mu + log_sigma * eps, _kl(mu, log_sigma)),
                lambda mu, log_sigma, eps: (mu + log_sigma * eps, _published_kl(mu, log_sigma)),
                lambda mu, log_sigma, eps: (
                    mu + log_sigma * eps,
                    0.5 * (log_sigma**2 + mu**2 - 1 - (log_sigma**2).log()).sum(-1),
                ),
            ),
        ),
        Misconception(
            "another map to sigma",
            lambda mu, log_sigma, eps: (
                mu + F.softplus(log_sigma) * eps,
                _kl(mu, F.softplus(log_sigma).log()),
            ),
            "You make sigma by another function, such as softplus. The network gives log sigma, so sigma is its exponential.",
            variants=(
                lambda mu, log_sigma, eps: (mu + F.softplus(log_sigma) * eps, _kl(mu, log_sigma)),
                lambda mu, log_sigma, eps: (mu + log_sigma.sigmoid() * eps, _kl(mu, log_sigma.sigmoid().log())),
            ),
        ),
        Misconception(
            "KL at the draw",
            lambda mu, log_sigma, eps: (
                (z := mu + log_sigma.exp() * eps),
                (Normal(mu, log_sigma.exp()).log_prob(z) - Normal(0.0, 1.0).log_prob(z)).sum(-1),
            ),
            "Your KL is the log ratio of q and prior at the one draw, which changes with eps and may be negative. For two "
            "Gaussians the mean over all draws is known: the formula in mu and sigma.",
        ),
    ),
    cases=_cases,
    batch="mu",
    probe=_probe,
)
