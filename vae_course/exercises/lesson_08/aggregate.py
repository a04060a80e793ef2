"""08-aggregate: the density of all codes together, the mean of the posteriors."""

import math

import torch
from torch import Tensor
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal

from vae_course.exercises.inputs import generator, integer, normal, small_numbers
from vae_course.exercises.model import Alternative, Exercise, Inputs, Misconception


def _each(z: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    """log N(z_d; mu_d, sigma_d^2) for every place, image and dimension: [M, N, D]."""
    return -0.5 * (logvar + math.log(2 * math.pi) + (z.unsqueeze(1) - mu) ** 2 / logvar.exp())


def log_aggregate(z: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    """log q(z) at places z [M, D], for posteriors with mu and logvar [N, D] each: [M]."""
    q = torch.distributions.Normal(mu, torch.exp(0.5 * logvar))
    log_each = q.log_prob(z.unsqueeze(1)).sum(dim=-1)
    return torch.logsumexp(log_each, dim=1) - math.log(len(mu))


def _cases(seed: int) -> list[Inputs]:
    """By hand, then random ones, as many images as a lesson has, places far out, and posteriors sharp, wide and far off."""
    source = generator(seed)
    cases: list[Inputs] = [
        {"z": torch.tensor([[0.5, 1.0]]), "mu": torch.zeros(1, 2), "logvar": torch.tensor([[-1.0, 0.5]])}
    ]
    m, n, d = integer(source, 4, 5), integer(source, 6, 9), integer(source, 2, 3)
    for places, images, dims, far in (
        (m, n, d, 1.0), (m, n, d, 1.0), (1, n, d, 1.0), (m, 2, 3, 1.0), (20, 300, 2, 1.0), (m, n, d, 40.0)
    ):  # fmt: skip
        z, mu, logvar = (
            far * normal(source, places, dims),
            1.5 * normal(source, images, dims),
            normal(source, images, dims),
        )
        cases.append({"z": z, "mu": mu, "logvar": logvar - 1})
    for level, place in ((15.0, 0.0), (-15.0, 0.0), (0.0, 30.0), (0.0, -30.0)):
        mu, logvar = place + normal(source, 5, 2), level + 0.1 * normal(source, 5, 2)
        # Each place belongs to one posterior; the first and the last posterior have none.
        cases.append({"z": mu[1:4] + torch.exp(0.5 * logvar[1:4]) * normal(source, 3, 2), "mu": mu, "logvar": logvar})
    # Of 400 posteriors one lies where each place is.
    mu = 30 + normal(source, 400, 2)
    mu[integer(source, 1, 390)] = 0
    return [*cases, {"z": normal(source, 3, 2), "mu": mu, "logvar": 0.1 * normal(source, 400, 2)}]


def _loop(z: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    values = []
    for place in z:
        logs = []
        for n in range(len(mu)):
            squares = (place - mu[n]) ** 2 * torch.exp(-logvar[n])
            logs.append(-0.5 * (squares + logvar[n] + math.log(2 * math.pi)).sum())
        highest = max(logs)
        total = sum((log - highest).exp() for log in logs)
        values.append(highest + torch.log(torch.as_tensor(total / len(mu))))
    return torch.stack(values)


def _mixture(z: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    parts = Independent(Normal(mu, (0.5 * logvar).exp()), 1)
    return MixtureSameFamily(Categorical(torch.ones(len(mu))), parts).log_prob(z)


def _einsum(z: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    difference = z[:, None] - mu[None]
    squares = torch.einsum("mnd,mnd,nd->mn", difference, difference, (-logvar).exp())
    log_each = -0.5 * (squares + logvar.sum(1) + mu.shape[1] * math.log(2 * math.pi))
    return torch.logsumexp(log_each - math.log(len(mu)), 1)


def _with_scale(z: Tensor, mu: Tensor, std: Tensor) -> Tensor:
    return torch.logsumexp(Normal(mu, std).log_prob(z.unsqueeze(1)).sum(-1), 1) - math.log(len(mu))


EXERCISE = Exercise(
    id="08-aggregate",
    title="The density of all codes",
    points=3,
    difficulty=3,
    minutes=10,
    task=(
        "Return the logarithm of the aggregated posterior at the places `z` `[M, D]`, `[M]`: the mean over the N images "
        "of the densities of their posteriors, given by `mu` and `logvar`, `[N, D]` each."
    ),
    hints=(
        "You need the log density of each place under each posterior, `[M, N]`. `z.unsqueeze(1)` is `[M, 1, D]`, which "
        "broadcasts against `[N, D]`.",
        "log q(z) = log 1/N sum_n exp( sum_d log N(z_d; mu_nd, sigma_nd^2) ): the sum over the dimensions stands inside "
        "the exponential, the one over the images outside.",
        "Build a `torch.distributions.Normal` with `mu` and `exp(0.5 logvar)`, take `log_prob` of the unsqueezed `z`, sum over "
        "the last axis, then `torch.logsumexp` over axis 1, and take log N off.",
    ),
    explanation=(
        "A mixture is a mean of densities. Each density is a product over the dimensions, so its logarithm is a sum over "
        "them; the mean over images is taken of the densities themselves, which `logsumexp` does without leaving the "
        "logarithms."
    ),
    returns="one number per place, [M]",
    reference=log_aggregate,
    alternatives=(
        Alternative("loop", _loop),
        Alternative("mixture of torch.distributions", _mixture),
        Alternative("einsum", _einsum),
        Alternative("float64", lambda z, mu, logvar: log_aggregate(z.double(), mu.double(), logvar.double())),
    ),
    misconceptions=(
        Misconception(
            "sum instead of mean",
            lambda z, mu, logvar: torch.logsumexp(_each(z, mu, logvar).sum(-1), 1),
            "You add the densities of the N images up, so the result integrates to N. A mean is asked for: take log N "
            "off.",
        ),
        Misconception(
            "mean of the logarithms",
            lambda z, mu, logvar: _each(z, mu, logvar).sum(-1).mean(1),
            "You average the logarithms. The aggregated posterior is a mean of densities: exponentiate, average, and take "
            "the logarithm, all of which `torch.logsumexp` does.",
        ),
        Misconception(
            "logsumexp before the sum over dimensions",
            lambda z, mu, logvar: (torch.logsumexp(_each(z, mu, logvar), 1) - math.log(len(mu))).sum(-1),
            "You mix each dimension by itself and multiply the mixtures, which pairs one image's first number with "
            "another's second. Sum over the dimensions first, then mix.",
        ),
        Misconception(
            "logvar taken for log sigma",
            lambda z, mu, logvar: _with_scale(z, mu, logvar.exp()),
            "You use exp(logvar) as the standard deviation. It is the variance: the standard deviation is "
            "exp(0.5 logvar).",
        ),
        Misconception(
            "logvar as the width itself",
            lambda z, mu, logvar: (
                torch.logsumexp(Normal(mu, logvar.abs(), validate_args=False).log_prob(z.unsqueeze(1)).sum(-1), 1)
                - math.log(len(mu))
            ),
            "You use logvar itself as a width. It is a logarithm and may be negative: the standard deviation is "
            "exp(0.5 logvar).",
        ),
        Misconception(
            "underflow",
            lambda z, mu, logvar: _each(z, mu, logvar).sum(-1).exp().mean(1).log(),
            "Far from all codes the densities round to 0, and log 0 is minus infinity. Stay with logarithms: "
            "`torch.logsumexp`.",
            variants=(
                lambda z, mu, logvar: _each(z, mu, logvar).sum(-1).double().exp().mean(1).log(),
                lambda z, mu, logvar: (_each(z, mu, logvar).exp().prod(-1).mean(1)).log(),
            ),
        ),
        Misconception(
            "underflow hidden",
            lambda z, mu, logvar: (_each(z, mu, logvar).sum(-1).exp().mean(1) + 1e-8).log(),
            "A small number inside the logarithm, or a limit there, takes the place of the density wherever that rounds to 0. "
            "Stay with logarithms: `torch.logsumexp` needs no patch.",
            variants=(
                *(
                    lambda z, mu, logvar, eps=eps: (_each(z, mu, logvar).sum(-1).exp().mean(1) + eps).log()
                    for eps in small_numbers(1e-30)
                ),
                *(
                    lambda z, mu, logvar, eps=eps: _each(z, mu, logvar).sum(-1).exp().mean(1).clamp(min=eps).log()
                    for eps in small_numbers(1e-30)
                ),
            ),
        ),
        Misconception(
            "small number added to sigma",
            lambda z, mu, logvar: _with_scale(z, mu, (logvar / 2).exp() + 1e-5),
            "You add a small number to sigma. A posterior may be as narrow as that, and sigma is never 0: "
            "leave it out.",
            variants=tuple(
                lambda z, mu, logvar, eps=eps: _with_scale(z, mu, (logvar / 2).exp() + eps)
                for eps in small_numbers(1e-6)
            ),
        ),
        Misconception(
            "divided by the number of places",
            lambda z, mu, logvar: torch.logsumexp(_each(z, mu, logvar).sum(-1), 1) - math.log(len(z)),
            "You divide by the number of places, `len(z)`. The mean is over the N posteriors: take off log N, where N is "
            "`len(mu)`.",
        ),
        Misconception(
            "density itself",
            lambda z, mu, logvar: torch.logsumexp(_each(z, mu, logvar).sum(-1), 1).exp() / len(mu),
            "This is q(z) itself, which rounds to 0 far from all codes. Its logarithm is asked for.",
        ),
        Misconception(
            "mean over the dimensions",
            lambda z, mu, logvar: torch.logsumexp(_each(z, mu, logvar).mean(-1), 1) - math.log(len(mu)),
            "You average over the D dimensions. Independent dimensions multiply their densities, so their logarithms add "
            "up: sum over the last axis.",
        ),
        Misconception(
            "nearest posterior only",
            lambda z, mu, logvar: _each(z, mu, logvar).sum(-1).amax(1) - math.log(len(mu)),
            "You keep the largest of the N densities and drop the others. Where posteriors overlap, all of them count: "
            "`torch.logsumexp` adds them.",
            variants=(lambda z, mu, logvar: _each(z, mu, logvar).sum(-1).amax(1),),
        ),
        Misconception(
            "one broad Gaussian",
            lambda z, mu, logvar: (
                Normal(mu.mean(0), (mu.var(0, correction=0) + logvar.exp().mean(0)).sqrt()).log_prob(z).sum(-1)
            ),
            "This is one Gaussian with the mean and the variance of all codes. The aggregated posterior is a mixture of N "
            "Gaussians and has the shape that they have together.",
        ),
        Misconception(
            "mixed over the places",
            lambda z, mu, logvar: torch.logsumexp(_each(z, mu, logvar).sum(-1), 0) - math.log(len(z)),
            "You mix over the places z and get one number for each image. Mix over the images, axis 1, and return one "
            "number for each place, `[M]`.",
        ),
        Misconception(
            "constant left out",
            lambda z, mu, logvar: (
                torch.logsumexp((-0.5 * ((z.unsqueeze(1) - mu) ** 2 / logvar.exp() + logvar)).sum(-1), 1)
                - math.log(len(mu))
            ),
            "Every value is D/2 log(2 pi) too high: the normaliser of the Gaussian is missing, so this density does not "
            "integrate to one.",
        ),
        Misconception(
            "variance in the normaliser",
            lambda z, mu, logvar: torch.logsumexp((_each(z, mu, logvar) - 0.5 * logvar).sum(-1), 1) - math.log(len(mu)),
            "Your density is divided by the variance. A Gaussian is divided by sigma, so its logarithm takes off half of logvar.",
        ),
        Misconception(
            "a number of dimensions typed in",
            lambda z, mu, logvar: log_aggregate(z, mu, logvar) + (0.5 * mu.shape[1] - 1) * math.log(2 * math.pi),
            "Your constant is that of two dimensions, log(2 pi), whatever D is. Each dimension has 1/2 log(2 pi) of its own: "
            "put it inside the sum.",
        ),
    ),
    cases=_cases,
    batch="z",
)
