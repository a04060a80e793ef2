"""15-vamp: the VampPrior's log density, a mixture of the posteriors of pseudo-inputs."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal

from vae_course.exercises.inputs import generator, integer, normal
from vae_course.exercises.model import Alternative, Answer, Exercise, Inputs, Misconception


def vamp_log_prob(z: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    """log 1/K sum_k N(z; mu_k, sigma_k^2), [B], at codes z [B, D]; mu and logvar [K, D] are those of K pseudo-inputs."""
    squares = (z.unsqueeze(1) - mu) ** 2 / logvar.exp()
    log_each = -0.5 * (squares + logvar + math.log(2 * math.pi)).sum(dim=-1)
    return torch.logsumexp(log_each, dim=1) - math.log(len(mu))


def _cases(seed: int) -> list[Inputs]:
    """By hand, one pseudo-input, one code, one dimension, as many codes as pseudo-inputs, as many as a lesson has; in double
    precision components far apart, narrow and wide, of widths that differ, and codes far from all.
    """
    source = generator(seed)
    b, k, d = integer(source, 4, 5), integer(source, 6, 9), integer(source, 2, 3)
    cases: list[Inputs] = [
        {
            "z": torch.tensor([[0.5, 1.0, -1.0]]),
            "mu": torch.tensor([[0.0, 0.0, 0.0], [1.0, 0.5, -0.5]]),
            "logvar": torch.tensor([[0.0, 0.5, -1.0], [0.2, -0.5, 0.0]]),
        }
    ]
    for codes, components, dims in (
        (b, k, d),
        (b, k, d),
        (b, 1, d),
        (1, k, d),
        (b, k, 1),
        (6, 6, 4),
        (3, 2, 8),
        (40, 100, 20),
    ):
        mu, logvar = 1.5 * normal(source, components, dims), normal(source, components, dims) - 1
        cases.append({"z": normal(source, codes, dims), "mu": mu, "logvar": logvar})
    # Each code belongs to one component, neither the first nor the last, and the others may be out of sight.
    for level, place, apart in (
        (0.0, 0.0, 60.0), (15.0, 0.0, 1.0), (-15.0, 0.0, 1.0), (0.0, 30.0, 1.0), (0.0, -30.0, 1.0), (-2.0, 0.0, 400.0)
    ):  # fmt: skip
        mu, logvar = place + apart * normal(source, 5, 2).double(), level + 0.3 * normal(source, 5, 2).double()
        z = mu[1:4] + torch.exp(0.5 * logvar[1:4]) * normal(source, 3, 2)
        cases.append({"z": z, "mu": mu, "logvar": logvar})
    mixed = 4 * normal(source, 7, 3).double()
    far = torch.tensor([1.0, 40.0, 100.0, 300.0]).double()[:, None] * (1 + normal(source, 4, 3).abs())
    return [*cases, {"z": far, "mu": 2 * normal(source, 7, 3).double(), "logvar": mixed}]


def _densities(z: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    """log N(z_d; mu_kd, sigma_kd^2), [B, K, D]."""
    return -0.5 * ((z.unsqueeze(1) - mu) ** 2 / logvar.exp() + logvar + math.log(2 * math.pi))


def _loop(z: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    total = torch.full((len(z),), -math.inf, dtype=z.dtype)
    for center, width in zip(mu, torch.exp(0.5 * logvar), strict=True):
        total = torch.logaddexp(total, Normal(center, width).log_prob(z).sum(1))
    return total - math.log(len(mu))


def _mixture(z: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    parts = Independent(Normal(mu, (0.5 * logvar).exp()), 1)
    return MixtureSameFamily(Categorical(logits=torch.zeros(len(mu))), parts).log_prob(z)


def _einsum(z: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    """With the largest of each code taken out by hand."""
    away = z[:, None] - mu[None]
    quadratic = torch.einsum("bkd,bkd,kd->bk", away, away, torch.exp(-logvar))
    logs = -0.5 * (quadratic + logvar.sum(1) + mu.shape[1] * math.log(2 * math.pi))
    peak = logs.amax(1, keepdim=True)
    return peak.squeeze(1) + (logs - peak).exp().mean(1).log()


def _with(
    *,
    each: Callable[[Tensor, Tensor, Tensor], Tensor] = _densities,
    over_dims: Callable[[Tensor], Tensor] = lambda logs: logs.sum(-1),
    mix: Callable[[Tensor], Any] = lambda logs: torch.logsumexp(logs, 1) - math.log(logs.shape[1]),
) -> Answer:
    """The mixture with one thing changed."""
    return lambda z, mu, logvar: mix(over_dims(each(z, mu, logvar)))


def _formula(make: Callable[[Tensor, Tensor], Tensor]) -> Answer:
    """The log density written out, of the difference [B, K, D] and logvar [K, D]."""
    return _with(each=lambda z, mu, logvar: make(z.unsqueeze(1) - mu, logvar))


def _std(width: Callable[[Tensor], Tensor]) -> Answer:
    return _with(each=lambda z, mu, logvar: Normal(mu, width(logvar), validate_args=False).log_prob(z.unsqueeze(1)))


def _around(center: Callable[[Tensor], Tensor]) -> Answer:
    """log mean exp with this taken out."""
    return _with(mix=lambda logs: center(logs)[:, 0] + (logs - center(logs)).exp().mean(1).log())


def _added(tiny: float) -> tuple[Answer, ...]:
    """A small number, or a limit, inside the last logarithm."""
    return (
        _with(mix=lambda logs: (logs.exp().mean(1) + tiny).log()),
        _with(mix=lambda logs: logs.exp().mean(1).clamp(min=tiny).log()),
        _with(mix=lambda logs: (logs.exp() + tiny).mean(1).log()),
    )


def _wider(tiny: float) -> tuple[Answer, ...]:
    """A small number beside the variance, below the fraction alone, or beside the standard deviation."""
    return (
        _with(each=lambda z, mu, logvar: _densities(z, mu, (logvar.exp() + tiny).log())),
        _formula(lambda away, logvar: -0.5 * (away**2 / (logvar.exp() + tiny) + logvar + _LOG2PI)),
        _std(lambda logvar: torch.exp(0.5 * logvar) + tiny),
    )


def _clamped(reach: float) -> Answer:
    return _with(each=lambda z, mu, logvar: _densities(z, mu, logvar.clamp(-reach, reach)))


_LOG2PI = math.log(2 * math.pi)
_TINY = (1e-5, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10, 1e-12, 1e-15, 1e-16, 1e-20, 1e-30, 1e-38)


EXERCISE = Exercise(
    id="15-vamp",
    title="The VampPrior's density",
    points=3,
    difficulty=3,
    minutes=6,
    task=(
        "The encoder turns K pseudo-inputs into posteriors with `mu` and `logvar`, `[K, D]` each, and the VampPrior is their "
        "mean: each has weight 1 / K. Return its log density at codes `z` `[B, D]`, `[B]`. It is trained through z, `mu` and "
        "`logvar`, from codes in the midst of a component to codes so far from all that every density rounds to 0."
    ),
    hints=(
        "You need the log density of each code under each component, `[B, K]`; `z.unsqueeze(1)` is `[B, 1, D]` and broadcasts. "
        "Which sum is inside the exponential, which outside?",
        "log p(z) = log sum_k exp( sum_d log N(z_d; mu_kd, sigma_kd^2) ) - log K, with log N(z; mu, sigma^2) = "
        "-1/2 ( (z - mu)^2 / sigma^2 + logvar + log 2 pi ).",
        "The variance is `logvar.exp()`, and only the square is divided by it. Sum over the last axis, `torch.logsumexp` over "
        "the components, and log K off at the end.",
    ),
    explanation=(
        "This is lesson 08's aggregated posterior, of K images that are themselves trained: whatever is learned about the "
        "encoder shapes the prior too. Published code has divided logvar by the variance as well, and left log K out; the "
        "second lets every bound look log K nats better than it is."
    ),
    returns="one number for each code, [B]",
    reference=vamp_log_prob,
    alternatives=(
        Alternative("loop over the components", _loop),
        Alternative("mixture of torch.distributions", _mixture),
        Alternative("einsum, largest taken out", _einsum),
        Alternative(
            "Normal, weights inside",
            lambda z, mu, logvar: torch.logsumexp(
                Normal(mu, logvar.exp().sqrt()).log_prob(z[:, None]).sum(2) + math.log(1 / mu.shape[0]), -1
            ),
        ),
        Alternative("float64", lambda z, mu, logvar: vamp_log_prob(z.double(), mu.double(), logvar.double())),
    ),
    misconceptions=(
        Misconception(
            "log K forgotten",
            _with(mix=lambda logs: torch.logsumexp(logs, 1)),
            "log K is missing: you add up K densities, so your prior integrates to K, and each bound with it is log K too "
            "high. A mean is asked for.",
        ),
        Misconception(
            "log K added",
            _with(mix=lambda logs: torch.logsumexp(logs, 1) + math.log(logs.shape[1])),
            "You add log K. Each component has the weight 1 / K, whose logarithm is minus log K.",
        ),
        Misconception(
            "divided by K outside the logarithm",
            _with(mix=lambda logs: torch.logsumexp(logs, 1) / logs.shape[1]),
            "You divide the logarithm by K. It is the density that is divided: take log K off the logarithm.",
            variants=(
                _with(mix=lambda logs: torch.logsumexp(logs, 1) - logs.shape[1]),
                _with(mix=lambda logs: torch.logsumexp(logs / logs.shape[1], 1)),
            ),
        ),
        Misconception(
            "another number's logarithm",
            _with(mix=lambda logs: torch.logsumexp(logs, 1) - math.log(logs.shape[0])),
            "You take off the logarithm of another length: of B, the number of codes, or of D. The mean is over the K "
            "components.",
            variants=(
                lambda z, mu, logvar: torch.logsumexp(_densities(z, mu, logvar).sum(-1), 1) - math.log(mu.shape[1]),
                lambda z, mu, logvar: torch.logsumexp(_densities(z, mu, logvar).sum(-1), 1) - math.log(mu.numel()),
            ),
        ),
        Misconception(
            "log K for each dimension",
            lambda z, mu, logvar: torch.logsumexp((_densities(z, mu, logvar) - math.log(len(mu))).sum(-1), 1),
            "You take log K off D times. Its place is outside of the sum over the dimensions: once for each component.",
        ),
        Misconception(
            "mean of the logarithms",
            _with(mix=lambda logs: logs.mean(1)),
            "You average the logarithms, or add them up, over the components. A mixture is a mean of densities: exponentiate, "
            "average, take the logarithm, all of which `torch.logsumexp` does.",
            variants=(
                _with(mix=lambda logs: logs.sum(1)),
                _with(mix=lambda logs: logs.mean(1) - math.log(logs.shape[1])),
                _with(mix=lambda logs: logs.sum(1) - math.log(logs.shape[1])),
            ),
        ),
        Misconception(
            "logarithms weighted by their shares",
            _with(mix=lambda logs: (logs.softmax(1) * logs).sum(1) - math.log(logs.shape[1])),
            "You average the logarithms with the components' shares as weights. That leaves out how the shares themselves are "
            "spread: the logarithm is taken of the mean density, by `torch.logsumexp`.",
            variants=(
                _with(mix=lambda logs: (logs.softmax(1) * logs).sum(1)),
                _with(mix=lambda logs: (logs.softmax(1).detach() * logs).sum(1) - math.log(logs.shape[1])),
            ),
        ),
        Misconception(
            "logsumexp before the sum over dimensions",
            lambda z, mu, logvar: (torch.logsumexp(_densities(z, mu, logvar), 1) - math.log(len(mu))).sum(-1),
            "You mix each dimension by itself and multiply the mixtures, which pairs one component's first number with "
            "another's second. Sum over the dimensions first, then mix.",
            variants=(lambda z, mu, logvar: torch.logsumexp(_densities(z, mu, logvar), 1).sum(-1) - math.log(len(mu)),),
        ),
        Misconception(
            "logsumexp over the dimensions",
            lambda z, mu, logvar: torch.logsumexp(_densities(z, mu, logvar).sum(1), -1) - math.log(len(mu)),
            "You exchange the two sums: logsumexp goes over the K components, axis 1, and the plain sum over the D dimensions, "
            "the last.",
            variants=(
                lambda z, mu, logvar: torch.logsumexp(_densities(z, mu, logvar), (1, 2)) - math.log(len(mu)),
                lambda z, mu, logvar: torch.logsumexp(_densities(z, mu, logvar), (1, 2)) - math.log(mu.numel()),
                lambda z, mu, logvar: torch.logsumexp(_densities(z, mu, logvar), -1).sum(1) - math.log(len(mu)),
                lambda z, mu, logvar: torch.logsumexp(_densities(z, mu, logvar).mean(1), -1) - math.log(len(mu)),
            ),
        ),
        Misconception(
            "all divided by the variance",
            _formula(lambda away, logvar: -0.5 * (logvar + away**2) / logvar.exp() - 0.5 * _LOG2PI),
            "You divide `logvar` by the variance as well. The brackets are the mistake: only the square (z - mu)^2 is divided "
            "by it, and logvar stands beside.",
            variants=(
                _formula(lambda away, logvar: -0.5 * (logvar + away**2) / logvar.exp()),
                _formula(lambda away, logvar: -0.5 * (logvar + _LOG2PI + away**2) / logvar.exp()),
                _formula(lambda away, logvar: -0.5 * (logvar / logvar.exp() + away**2)),
                _formula(lambda away, logvar: -0.5 * (logvar / logvar.exp() + away**2 + _LOG2PI)),
            ),
        ),
        Misconception(
            "exp(logvar) as the standard deviation",
            _std(torch.exp),
            "You take `logvar` for log sigma. It is log sigma^2: exp(logvar) is the variance, the standard deviation is "
            "exp(0.5 logvar), and log sigma is half of logvar.",
            variants=(
                _formula(lambda away, logvar: -0.5 * (away**2 / (2 * logvar).exp() + logvar + _LOG2PI)),
                _formula(lambda away, logvar: -0.5 * (away**2 / logvar.exp() + 2 * logvar + _LOG2PI)),
                _formula(lambda away, logvar: -0.5 * (away**2 / (0.5 * logvar).exp() + logvar + _LOG2PI)),
                _formula(lambda away, logvar: -0.5 * (away**2 / (0.5 * logvar).exp() + 0.5 * logvar + _LOG2PI)),
                _formula(lambda away, logvar: -0.5 * (away**2 / logvar.exp() + 0.5 * logvar + _LOG2PI)),
                _formula(lambda away, logvar: -0.5 * (away**2 / (2 * logvar).exp()) - logvar - _LOG2PI),
                _std(lambda logvar: (2 * logvar).exp()),
            ),
        ),
        Misconception(
            "logvar as the variance itself",
            _std(lambda logvar: logvar.abs()),
            "You use logvar itself as a width or a variance, or a softplus of it. It is a logarithm and may be negative: the "
            "variance is exp(logvar).",
            variants=(
                _std(lambda logvar: logvar),
                _std(lambda logvar: logvar.abs().sqrt()),
                _std(lambda logvar: logvar.sqrt()),
                _std(torch.nn.functional.softplus),
                _std(lambda logvar: torch.nn.functional.softplus(logvar).sqrt()),
                _formula(lambda away, logvar: -0.5 * (away**2 / logvar + logvar + _LOG2PI)),
                _formula(lambda away, logvar: -0.5 * (away**2 / logvar + logvar.log() + _LOG2PI)),
            ),
        ),
        Misconception(
            "variance on the wrong side",
            _formula(lambda away, logvar: -0.5 * (away**2 * logvar.exp() + logvar + _LOG2PI)),
            "You multiply the square by the variance, take `logvar` for the log-precision, or turn the sign of logvar. A wide "
            "component punishes a distance less: divide by exp(logvar), and logvar has the same sign as the square.",
            variants=(
                _formula(lambda away, logvar: -0.5 * (away**2 / logvar.exp() - logvar + _LOG2PI)),
                _formula(lambda away, logvar: -0.5 * (away**2 * logvar.exp() - logvar + _LOG2PI)),
            ),
        ),
        Misconception(
            "logvar left out",
            _formula(lambda away, logvar: -0.5 * (away**2 / logvar.exp() + _LOG2PI)),
            "The normaliser 1 / sigma is missing: a wide component spreads its mass and is lower at its middle. Add `logvar` "
            "to the square inside of the brackets.",
            variants=(_formula(lambda away, logvar: -0.5 * away**2 / logvar.exp()),),
        ),
        Misconception(
            "variance where its logarithm belongs",
            _formula(lambda away, logvar: -0.5 * (away**2 / logvar.exp() + logvar.exp() + _LOG2PI)),
            "You add the variance, or a standard deviation, where its logarithm belongs. The normaliser's logarithm is "
            "-1/2 logvar: add `logvar` as it is to the square.",
            variants=(
                _formula(lambda away, logvar: -0.5 * (away**2 / logvar.exp() + (0.5 * logvar).exp() + _LOG2PI)),
                _formula(lambda away, logvar: -0.5 * (away**2 / logvar.exp() + (2 * math.pi * logvar.exp()))),
            ),
        ),
        Misconception(
            "variance left out",
            _formula(lambda away, logvar: -0.5 * (away**2 + logvar + _LOG2PI)),
            "Your square is not divided by the variance, so all components have one width. Divide it by exp(logvar).",
            variants=(
                _formula(lambda away, logvar: -0.5 * (away**2 + _LOG2PI) + 0 * logvar),
                _formula(lambda away, logvar: -0.5 * (away**2 + logvar)),
                _formula(lambda away, logvar: -0.5 * away**2 + 0 * logvar),
            ),
        ),
        Misconception(
            "constant left out",
            _formula(lambda away, logvar: -0.5 * (away**2 / logvar.exp() + logvar)),
            "log(2 pi) is missing, or does not count D/2 times, so this density does not integrate to one, and bounds with it "
            "are off. Each dimension has -1/2 log(2 pi).",
            variants=(
                lambda z, mu, logvar: vamp_log_prob(z, mu, logvar) + 0.5 * (mu.shape[1] - 1) * _LOG2PI,
                _formula(lambda away, logvar: -0.5 * (away**2 / logvar.exp() + logvar) - _LOG2PI),
                _formula(lambda away, logvar: -0.5 * (away**2 / logvar.exp() + logvar) + 0.5 * _LOG2PI),
                _formula(lambda away, logvar: -0.5 * (away**2 / logvar.exp() + logvar + math.log(math.pi))),
                _formula(lambda away, logvar: -0.5 * (away**2 / logvar.exp() + logvar + 2 * math.pi)),
            ),
        ),
        Misconception(
            "half left out",
            _formula(lambda away, logvar: -(away**2 / logvar.exp() + logvar + _LOG2PI)),
            "The 1/2 is missing, before the square or before the other terms. It multiplies all of them: "
            "-1/2 ( (z - mu)^2 / sigma^2 + logvar + log 2 pi ).",
            variants=(
                _formula(lambda away, logvar: -(away**2) / logvar.exp() - 0.5 * logvar - 0.5 * _LOG2PI),
                _formula(lambda away, logvar: -0.5 * away**2 / logvar.exp() - logvar - _LOG2PI),
                _formula(lambda away, logvar: -(away**2 / logvar.exp() + logvar)),
            ),
        ),
        Misconception(
            "sign of the exponent",
            _formula(lambda away, logvar: 0.5 * (away**2 / logvar.exp() + logvar + _LOG2PI)),
            "The minus is missing before the brackets, so the density grows away from the components. It is "
            "-1/2 ( (z - mu)^2 / sigma^2 + logvar + log 2 pi ).",
            variants=(_formula(lambda away, logvar: 0.5 * away**2 / logvar.exp() - 0.5 * (logvar + _LOG2PI)),),
        ),
        Misconception(
            "difference not squared",
            _formula(lambda away, logvar: -0.5 * (away.abs() / logvar.exp() + logvar + _LOG2PI)),
            "Your difference is not squared, or the quotient with the variance is. It is (z - mu)^2 / sigma^2, with sigma^2 = "
            "exp(logvar).",
            variants=(
                _formula(lambda away, logvar: -0.5 * (away / logvar.exp() + logvar + _LOG2PI)),
                _formula(lambda away, logvar: -0.5 * (away.abs() / (0.5 * logvar).exp() + logvar + _LOG2PI)),
            ),
        ),
        Misconception(
            "minus log p",
            _with(mix=lambda logs: math.log(logs.shape[1]) - torch.logsumexp(logs, 1)),
            "This is minus the log density. Asked for is log p(z) itself.",
        ),
        Misconception(
            "density itself",
            _with(mix=lambda logs: logs.exp().mean(1)),
            "This is p(z) itself, which rounds to 0 far from the components. Its logarithm is asked for.",
            variants=(_with(mix=lambda logs: torch.logsumexp(logs, 1).exp()),),
        ),
        Misconception(
            "densities that round to zero",
            _with(mix=lambda logs: logs.exp().mean(1).log()),
            "Far from all components the densities round to 0, or, with another number taken out, to infinity, and the "
            "logarithm is lost. `torch.logsumexp` takes the largest of each code out first.",
            variants=(
                _with(mix=lambda logs: logs.double().exp().mean(1).log()),
                lambda z, mu, logvar: _densities(z, mu, logvar).exp().prod(-1).mean(1).log(),
                lambda z, mu, logvar: _densities(z, mu, logvar).double().exp().prod(-1).mean(1).log(),
                _around(lambda logs: logs.amax((0, 1), keepdim=True)),
                _around(lambda logs: logs[:, :1]),
                _around(lambda logs: logs[:, -1:]),
                _around(lambda logs: logs.mean(1, keepdim=True)),
                _around(lambda logs: logs.median(1, keepdim=True).values),
                _around(lambda logs: logs.amin(1, keepdim=True)),
            ),
        ),
        Misconception(
            "small number inside the logarithm",
            _with(mix=lambda logs: (logs.exp().mean(1) + 1e-8).log()),
            "A small number inside the logarithm, or a limit there, takes the place of densities that round to 0, so far codes "
            "feel no pull. `torch.logsumexp` needs no patch.",
            variants=tuple(make for tiny in _TINY for make in _added(tiny)),
        ),
        Misconception(
            "small number beside the variance",
            _with(each=lambda z, mu, logvar: _densities(z, mu, (logvar.exp() + 1e-6).log())),
            "A small number beside the variance, or a limit on logvar, changes narrow or wide components. Take exp(logvar) as "
            "it is.",
            variants=(
                *(make for tiny in (1e-3, 1e-4, 1e-5, 1e-6, 1e-8) for make in _wider(tiny)),
                *(_clamped(reach) for reach in (2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 10.0)),
            ),
        ),
        Misconception(
            "mean over the dimensions",
            _with(over_dims=lambda logs: logs.mean(-1)),
            "You average over the D dimensions. Independent dimensions multiply their densities, so their logarithms add up: "
            "sum over the last axis.",
        ),
        Misconception(
            "nearest component only",
            _with(mix=lambda logs: logs.amax(1) - math.log(logs.shape[1])),
            "You keep the largest of the K densities and drop the others. Where components overlap, all of them count: "
            "`torch.logsumexp` adds them.",
            variants=(_with(mix=lambda logs: logs.amax(1)),),
        ),
        Misconception(
            "one Gaussian",
            lambda z, mu, logvar: Normal(mu.mean(0), torch.exp(0.5 * logvar.mean(0))).log_prob(z).sum(-1),
            "This is one Gaussian. A mixture keeps each component with its own middle and width, and adds up their densities.",
            variants=(
                lambda z, mu, logvar: Normal(mu.mean(0), logvar.exp().mean(0).sqrt()).log_prob(z).sum(-1),
                lambda z, mu, logvar: (
                    Normal(mu.mean(0), (mu.var(0, correction=0) + logvar.exp().mean(0)).sqrt()).log_prob(z).sum(-1)
                ),
                lambda z, mu, logvar: Normal(mu[0], torch.exp(0.5 * logvar[0])).log_prob(z).sum(-1),
                lambda z, mu, logvar: Normal(0.0, 1.0).log_prob(z).sum(-1) + 0 * (mu.sum() + logvar.sum()),
            ),
        ),
        Misconception(
            "mixed over the codes",
            _with(mix=lambda logs: torch.logsumexp(logs, 0) - math.log(logs.shape[1])),
            "You mix over the codes z and get one number for each component. Mix over the components, axis 1, and return one "
            "number for each code, `[B]`.",
            variants=(
                _with(mix=lambda logs: torch.logsumexp(logs, 0) - math.log(logs.shape[0])),
                _with(mix=lambda logs: torch.logsumexp(logs, 0)),
            ),
        ),
        Misconception(
            "one number for all codes",
            _with(mix=lambda logs: (torch.logsumexp(logs, 1) - math.log(logs.shape[1])).mean()),
            "You reduce over the codes too, by a mean or a sum. Each code has a density of its own: `[B]`.",
            variants=(
                _with(mix=lambda logs: (torch.logsumexp(logs, 1) - math.log(logs.shape[1])).sum()),
                _with(mix=lambda logs: torch.logsumexp(logs, (0, 1)) - math.log(logs.shape[1])),
                _with(mix=lambda logs: torch.logsumexp(logs, (0, 1)) - math.log(logs.numel())),
            ),
        ),
        Misconception(
            "components kept",
            _with(mix=lambda logs: logs - math.log(logs.shape[1])),
            "You return a number for each code and each component, `[B, K]`. The components are still to be mixed: "
            "`torch.logsumexp` over axis 1.",
            variants=(_with(mix=lambda logs: logs),),
        ),
        Misconception(
            "bits",
            _with(mix=lambda logs: (torch.logsumexp(logs, 1) - math.log(logs.shape[1])) / math.log(2)),
            "Your logarithms are to base 2, or one of them is. The course counts in nats: natural logarithms throughout.",
            variants=(
                _with(mix=lambda logs: torch.logsumexp(logs, 1) - math.log2(logs.shape[1])),
                _with(mix=lambda logs: torch.logsumexp(logs, 1) - math.log10(logs.shape[1])),
            ),
        ),
    ),
    cases=_cases,
    batch="z",
    gradients=("z", "mu", "logvar"),
)
