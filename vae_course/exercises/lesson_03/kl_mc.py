"""03-kl-mc: the KL as a mean over draws."""

import math

import torch
from torch import Tensor

from vae_course.exercises.inputs import generator, integer, normal, uniform
from vae_course.exercises.model import Alternative, Exercise, Inputs, Misconception


def kl_mc(log_q: Tensor, log_p: Tensor) -> Tensor:
    """KL(q || p) in nats from log densities of N draws from q: [N, B, D] and [N, B, D] to [B]."""
    return (log_q - log_p).sum(dim=-1).mean(dim=0)


def _never_negative(log_r: Tensor) -> Tensor:
    return torch.expm1(log_r) - log_r


def _cases(seed: int) -> list[Inputs]:
    """Log densities of q and p, for each dimension, at draws from q; in the last ones q is narrow, or p far away."""
    source = generator(seed)
    n, b = integer(source, 5, 6), integer(source, 2, 3)
    shapes = ((2, 1, 1), (5, 1, 2), (4, 3, 2), (n, b, 4), (n, b, 4), (3, 3, 3), (50, 4, 5), (64, 2, 8))
    near_p = _densities(source, 3, 7, 2, distance=0.1)  # so near that the noise makes some estimates negative
    log_q, height = normal(source, 4, 3, 2), torch.tensor([[200.0], [12000.0], [30.0]])
    far: list[Inputs] = [
        {"log_q": log_q + 6, "log_p": log_q - height * (0.1 + uniform(source, 4, 3, 2))},
        {"log_q": log_q + 5, "log_p": log_q + 4 + normal(source, 4, 3, 2)},  # densities far above one
        {"log_q": log_q - 1000, "log_p": log_q - 1200 + 5 * normal(source, 4, 3, 2)},
    ]
    return [*(_densities(source, *shape) for shape in shapes), near_p, *far]


def _densities(source: torch.Generator, n: int, b: int, d: int, *, distance: float = 1.0) -> Inputs:
    mu, std = distance * normal(source, b, d), (distance * (0.3 * normal(source, b, d) - 0.5)).exp()
    eps = normal(source, n, b, d)
    z = mu + std * eps
    return {
        "log_q": -0.5 * (eps**2 + math.log(2 * math.pi)) - std.log(),
        "log_p": -0.5 * (z**2 + math.log(2 * math.pi)),
    }


def _loop(log_q: Tensor, log_p: Tensor) -> Tensor:
    total = torch.tensor(0.0)
    for a, b in zip(log_q, log_p, strict=True):
        total = total + a.sum(-1) - b.sum(-1)
    return total / len(log_q)


def _weighted(log_q: Tensor, log_p: Tensor) -> Tensor:
    """The log ratio weighted by p / q of every draw."""
    log_ratio = (log_q - log_p).sum(-1)
    return (torch.exp(-log_ratio) * log_ratio).mean(0)


def _normalised(log_q: Tensor, log_p: Tensor) -> Tensor:
    log_ratio = (log_q - log_p).sum(-1)
    return (torch.softmax(-log_ratio, 0) * log_ratio).sum(0)


def _log_of_mean(log_q: Tensor, log_p: Tensor) -> Tensor:
    log_ratio = (log_q - log_p).sum(-1)
    return torch.logsumexp(log_ratio, 0) - math.log(len(log_ratio))


EXERCISE = Exercise(
    id="03-kl-mc",
    title="The KL from draws",
    points=3,
    difficulty=2,
    minutes=5,
    task=(
        "Estimate KL(q || p) in nats for every example, `[B]`, from N draws of z from q: `log_q` and `log_p`, each "
        "`[N, B, D]`, are the log densities of the draws under q and p, for each of the D independent dimensions."
    ),
    hints=(
        "Which of the three axes belongs to one and the same draw of one example, and which runs over draws?",
        "log q(z) = sum_d log q_d(z_d), the same for p, and KL is about 1/N sum_n [ log q(z_n) - log p(z_n) ].",
        "Subtract, then sum over the last axis, then take the mean over the first one.",
    ),
    explanation=(
        "The log density of independent dimensions is a sum, so the D log ratios of a draw add up. The draws come from q, "
        "so a plain mean over them is an expectation under q; no weights are needed."
    ),
    returns="one number for each example, [B]",
    reference=kl_mc,
    alternatives=(
        Alternative("loop", _loop),
        Alternative("einsum", lambda log_q, log_p: torch.einsum("nbd->b", log_q - log_p) / log_q.shape[0]),
        Alternative("mean first", lambda log_q, log_p: log_q.mean(0).sum(1) - log_p.mean(0).sum(1)),
        Alternative("r - 1 - log r", lambda log_q, log_p: _never_negative((log_p - log_q).sum(-1)).mean(0)),
        Alternative(
            "r - 1 - log r of each dimension", lambda log_q, log_p: _never_negative(log_p - log_q).sum(-1).mean(0)
        ),
        Alternative("float64", lambda log_q, log_p: (log_q.double() - log_p.double()).sum(2).mean(0)),
    ),
    misconceptions=(
        Misconception(
            "sign lost",
            lambda log_q, log_p: (log_p - log_q).sum(-1).mean(0),
            "This is -KL(q || p): the log ratio is upside down. It is log q - log p, with the distribution that the draws "
            "come from first.",
        ),
        Misconception(
            "mean over latent dimensions",
            lambda log_q, log_p: (log_q - log_p).mean(-1).mean(0),
            "You average over the D dimensions, so the KL is D times too small. Log densities of independent dimensions "
            "add up: sum over the last axis; the mean is for draws.",
        ),
        Misconception(
            "one mean over everything",
            lambda log_q, log_p: (log_q - log_p).mean(),
            "One `.mean()` over everything mixes the examples and divides by D as well. Sum over the last axis, and take "
            "the mean over the first.",
        ),
        Misconception(
            "summed over draws",
            lambda log_q, log_p: (log_q - log_p).sum(-1).sum(0),
            "You sum over the draws, so twice as many draws give twice the KL. Take the mean over the first axis.",
            variants=(lambda log_q, log_p: (log_q - log_p).sum(),),
        ),
        Misconception(
            "draws and dimensions mixed up",
            lambda log_q, log_p: (log_q - log_p).sum(0).mean(-1),
            "You sum over the draws and average over the dimensions; it is the other way round. Axis 0 holds draws: mean. "
            "The last axis holds dimensions: sum.",
        ),
        Misconception(
            "averaged over the batch",
            lambda log_q, log_p: (log_q - log_p).sum(-1).mean(),
            "This is the right KL, averaged over the examples as well. Return one number for each example, `[B]`: take "
            "the mean over axis 0 only.",
        ),
        Misconception(
            "not summed",
            lambda log_q, log_p: (log_q - log_p).mean(0),
            "These are the KLs of the single dimensions, `[B, D]`. Add them up over the last axis.",
        ),
        Misconception(
            "not averaged",
            lambda log_q, log_p: (log_q - log_p).sum(-1),
            "These are the log ratios of the single draws, `[N, B]`; some may be negative. The KL is their mean over the "
            "first axis.",
        ),
        Misconception(
            "weighted by p / q",
            _weighted,
            "You weight the draws by p / q, which turns the mean over q into a mean over p. KL(q || p) is a mean over q, "
            "and the draws come from q: leave the weights out.",
            variants=(
                _normalised,
                lambda log_q, log_p: -_weighted(log_q, log_p),
                lambda log_q, log_p: -_normalised(log_q, log_p),
            ),
        ),
        Misconception(
            "weighted by q",
            lambda log_q, log_p: (log_q.sum(-1).exp() * (log_q - log_p).sum(-1)).mean(0),
            "You weight every draw by its density q(z). That belongs to a sum over a grid; draws come from q already, so "
            "that q would count twice. A plain mean will do.",
            variants=(
                lambda log_q, log_p: (log_q.exp() * (log_q - log_p)).sum(-1).mean(0),
                lambda log_q, log_p: (log_q.sum(-1).exp() * (log_q - log_p).sum(-1)).sum(0),
            ),
        ),
        Misconception(
            "logarithm of a mean",
            _log_of_mean,
            "You take the logarithm of the mean ratio. The KL is the mean of the logarithm, which is a smaller number: "
            "average the log ratios themselves.",
        ),
        Misconception(
            "entropy forgotten",
            lambda log_q, log_p: -log_p.sum(-1).mean(0),
            "This is the cross-entropy, the mean of -log p. The KL also has the mean of log q in it: average log q - "
            "log p.",
        ),
        Misconception(
            "bits",
            lambda log_q, log_p: (log_q - log_p).sum(-1).mean(0) / math.log(2),
            "You divide by log 2, which turns nats into bits. Log densities come in nats here: leave the division out.",
        ),
        Misconception(
            "absolute values",
            lambda log_q, log_p: (log_q - log_p).sum(-1).abs().mean(0),
            "You take absolute values of the log ratios. Single draws may be negative, and have to be; only their mean "
            "tends to a KL.",
        ),
        Misconception(
            "half the squared log ratio",
            lambda log_q, log_p: 0.5 * (log_q - log_p).sum(-1).square().mean(0),
            "You average half the squared log ratio. It is close to the KL only where q and p nearly agree: average the log "
            "ratio itself.",
            variants=(lambda log_q, log_p: 0.5 * (log_q - log_p).square().sum(-1).mean(0),),
        ),
        Misconception(
            "never negative",
            lambda log_q, log_p: kl_mc(log_q, log_p).clamp(min=0),
            "You keep numbers from being negative. No KL is below 0, but single log ratios are, and the mean of a few of them "
            "may be by chance: cut off, it comes out too large on average.",
            variants=(
                lambda log_q, log_p: (log_q - log_p).sum(-1).clamp(min=0).mean(0),
                lambda log_q, log_p: (log_q - log_p).clamp(min=0).sum(-1).mean(0),
            ),
        ),
        Misconception(
            "densities added over the dimensions",
            lambda log_q, log_p: (torch.logsumexp(log_q, -1) - torch.logsumexp(log_p, -1)).mean(0),
            "`logsumexp` over the last axis adds the densities of the dimensions. Those of independent dimensions are "
            "multiplied, so their logarithms are added: `.sum(-1)`.",
        ),
        Misconception(
            "spread of the draws",
            lambda log_q, log_p: (log_q - log_p).sum(-1).std(0),
            "This is how far the log ratios of single draws lie apart. The KL is their mean over the draws.",
            variants=(
                lambda log_q, log_p: (log_q - log_p).sum(-1).std(0, unbiased=False),
                lambda log_q, log_p: (log_q - log_p).sum(-1).var(0),
                lambda log_q, log_p: (log_q - log_p).sum(-1).var(0, unbiased=False),
            ),
        ),
    ),
    cases=_cases,
    equivalents=(
        lambda log_q, log_p: _never_negative((log_p - log_q).double().sum(-1)).mean(0),
        lambda log_q, log_p: _never_negative((log_p - log_q).double()).sum(-1).mean(0),
    ),
)
