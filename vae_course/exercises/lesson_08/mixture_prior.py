"""08-mixture-prior: a build. Fit a mixture of Gaussians to the codes of a trained model by expectation maximisation (EM)."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.distributions import Normal

from vae_course.exercises.inputs import generator, integer, normal
from vae_course.exercises.model import Alternative, Answer, AnswerError, Exercise, Inputs, Misconception
from vae_course.exercises.probes import BuildStage, untrained

Mixture = tuple[Any, Any, Any, Any]
HINTS = {
    "weight": "A weight is the mean over the codes of the component's share.",
    "mean": "A mean is one of the codes, each weighted by the component's share in it; these weights add up to one.",
    "logvar": "It is the logarithm of the mean squared distance from the new mean, weighted by the component's shares.",
    "curve": "A code's density is the sum of weight times density over components; its logarithm is averaged over codes.",
}
SHAPES = (
    "stage 1 of 4 is not reached: return `weight, mean, logvar, curve` with the shapes [K], [K, D], [K, D] and "
    "[rounds + 1]"
)


def refit(z: Tensor, weight: Tensor, mean: Tensor, logvar: Tensor, rounds: int) -> Mixture:
    """The mixture after rounds of EM on codes z [N, D]: weight [K], mean and logvar [K, D], and curve [rounds + 1]."""
    curve = []
    for n in range(rounds + 1):
        component = torch.distributions.Normal(mean, torch.exp(0.5 * logvar))
        log_joint = weight.log() + component.log_prob(z.unsqueeze(1)).sum(dim=-1)
        curve.append(torch.logsumexp(log_joint, dim=1).mean())
        if n < rounds:
            share = torch.softmax(log_joint, dim=1)
            weight = share.mean(dim=0)
            part = share / share.sum(dim=0)
            mean = part.T @ z
            squares = (z.unsqueeze(1) - mean) ** 2
            logvar = (part.unsqueeze(2) * squares).sum(dim=0).log()
    return weight, mean, logvar, torch.stack(curve)


def _probe(answer: Answer, case: Inputs) -> dict[str, Any]:
    """The density at the start, then what the rounds make of it: the first that is not as expected is told."""
    weight, mean, rounds = case["weight"], case["mean"], case["rounds"]
    assert isinstance(weight, Tensor) and isinstance(mean, Tensor) and isinstance(rounds, int)
    result = answer(*case.values())
    if not isinstance(result, tuple | list) or len(result) != 4:
        raise AnswerError(f"{SHAPES}.")
    parts = [untrained(part) for part in result]
    if [part.shape for part in parts] != [weight.shape, mean.shape, mean.shape, (rounds + 1,)]:
        found = ", ".join(str(list(part.shape)) for part in parts)
        raise AnswerError(f"{SHAPES}; for K, D = {list(mean.shape)} and rounds = {rounds} yours have {found}.")
    start, stage = (
        BuildStage(2, 4, "the density at the start"),
        BuildStage(3, 4, "one round") if rounds == 1 else BuildStage(4, 4, "all rounds"),
    )
    named = zip(("weight", "mean", "logvar", "curve"), parts, strict=True)
    results: dict[str, Any] = {stage.result(name, HINTS[name]): part for name, part in named}
    return {start.result("curve[0]", HINTS["curve"]): parts[3][0], **results}


def _cases(seed: int) -> list[Inputs]:
    """Groups of codes that overlap, tiny and huge ones too, one code far from all and a rare group, one Gaussian by hand.

    In one case the weights all but exclude a group that is there, and a component lies far from all codes.
    """
    source = generator(seed)
    cases: list[Inputs] = []
    n = integer(source, 10, 14)
    for k, d, rounds, level in ((3, 5, 3, 0.0), (3, 2, 0, 0.0), (3, 2, 1, -15.0), (3, 2, 1, 0.0), (4, 2, 2, 15.0)):
        groups = 1.5 * normal(source, k, d)
        scale = math.exp(0.5 * level)
        z = groups.repeat(n, 1) + 0.8 * normal(source, n * k, d)
        cases.append(
            {
                "z": scale * z,
                "weight": torch.softmax(normal(source, k), 0),
                "mean": scale * (groups + 0.5 * normal(source, k, d)),
                "logvar": level + 0.5 * normal(source, k, d),
                "rounds": rounds,
            }
        )
    by_hand = torch.tensor([[0.0, 0.0], [4.0, 0.0], [0.0, 2.0], [4.0, 2.0]])
    apart = torch.tensor([[0.0, 0.0], [20.0, 0.0], [0.0, 9.0]]).double()
    unforeseen: Inputs = {
        "z": apart[:2].repeat(8, 1) + 0.8 * normal(source, 16, 2),
        "weight": torch.tensor([0.6, 1e-9, 0.4]).double(),
        "mean": apart,
        "logvar": torch.zeros(3, 2).double(),
        "rounds": 1,
    }
    return [
        *cases,
        unforeseen,
        {
            "z": torch.cat([z, torch.full((1, 2), 40.0)]),
            "weight": torch.tensor([1e-6, 0.2, 0.3, 0.5 - 1e-6]),
            "mean": groups[groups.sum(1).argsort()],  # the last is the nearest to the far code
            "logvar": torch.zeros(4, 2),
            "rounds": 1,
        },
        {"z": by_hand, "weight": torch.ones(1), "mean": torch.zeros(1, 2), "logvar": torch.zeros(1, 2), "rounds": 1},
    ]


def _loop(z: Tensor, weight: Tensor, mean: Tensor, logvar: Tensor, rounds: int) -> Mixture:
    """Component by component."""
    curve: list[float] = []
    for n in range(rounds + 1):
        logs = [
            torch.log(weight[k])
            - 0.5 * ((z - mean[k]) ** 2 / logvar[k].exp() + logvar[k] + math.log(2 * math.pi)).sum(1)
            for k in range(len(weight))
        ]
        log_joint = torch.stack(logs, 1)
        curve.append(log_joint.logsumexp(1).mean().item())
        if n == rounds:
            break
        means, logvars, weights = [], [], []
        for share in log_joint.softmax(1).unbind(1):
            center = (share[:, None] * z).sum(0) / share.sum()
            means.append(center)
            logvars.append(((share[:, None] * (z - center) ** 2).sum(0) / share.sum()).log())
            weights.append(share.mean())
        weight, mean, logvar = torch.stack(weights), torch.stack(means), torch.stack(logvars)
    return weight, mean, logvar, curve


def _of_torch(z: Tensor, weight: Tensor, mean: Tensor, logvar: Tensor, rounds: int) -> Mixture:
    """The density from torch.distributions, the variance as the mean square less the square of the mean."""
    curve = []
    for n in range(rounds + 1):
        parts = torch.distributions.Independent(Normal(mean, (0.5 * logvar).exp()), 1)
        mixture = torch.distributions.MixtureSameFamily(torch.distributions.Categorical(weight), parts)
        curve.append(mixture.log_prob(z).mean())
        if n < rounds:
            share = torch.softmax(weight.log() + parts.log_prob(z[:, None]), 1)
            weight = share.mean(0)
            mean, squares = (torch.einsum("nk,nd->kd", share, part) / share.sum(0)[:, None] for part in (z, z**2))
            logvar = (squares - mean**2).log()
    return weight, mean, logvar, torch.stack(curve)


def _log_joint(z: Tensor, weight: Tensor, mean: Tensor, logvar: Tensor) -> Tensor:
    return weight.log() + Normal(mean, (0.5 * logvar).exp()).log_prob(z.unsqueeze(1)).sum(-1)


def _share(log_joint: Tensor, weight: Tensor) -> Tensor:
    return torch.softmax(log_joint, 1)


def _mean(share: Tensor, z: Tensor) -> Tensor:
    return share.T @ z / share.sum(0)[:, None]


def _var(share: Tensor, z: Tensor, old: Tensor, new: Tensor) -> Tensor:
    return _mean(share, z**2) - new**2


def _about(share: Tensor, z: Tensor, center: Tensor) -> Tensor:
    return (share[:, :, None] * (z[:, None] - center) ** 2).sum(0) / share.sum(0)[:, None]


def _mistaken(
    *,
    joint: Callable[..., Tensor] = _log_joint,
    share: Callable[[Tensor, Tensor], Tensor] = _share,
    weights: Callable[[Tensor, Tensor], Tensor] = lambda share, weight: share.mean(0),
    means: Callable[[Tensor, Tensor], Tensor] = _mean,
    var: Callable[[Tensor, Tensor, Tensor, Tensor], Tensor] = _var,
    log: Callable[[Tensor], Tensor] = torch.log,
    told: Callable[[Tensor], Tensor] = lambda log_joint: log_joint.logsumexp(1).mean(),
) -> Answer:
    """EM with one step exchanged."""

    def answer(z: Tensor, weight: Tensor, mean: Tensor, logvar: Tensor, rounds: int) -> Mixture:
        z, weight, mean, logvar = z.double(), weight.double(), mean.double(), logvar.double()
        curve = []
        for n in range(rounds + 1):
            log_joint = joint(z, weight, mean, logvar)
            curve.append(told(log_joint))
            if n < rounds:
                shares, old = share(log_joint, weight), mean
                weight, mean = weights(shares, weight), means(shares, z)
                logvar = log(var(shares, z, old, mean))
        return weight, mean, logvar, torch.stack(curve)

    return answer


EXERCISE = Exercise(
    id="08-mixture-prior",
    title="Build: a prior that fits",
    points=4,
    difficulty=4,
    minutes=25,
    task=(
        "A build, optional: fit a mixture of K Gaussians to codes `z` `[N, D]` by `rounds` of EM, beginning with the `weight` "
        "`[K]`, `mean` and `logvar` `[K, D]` that you are given. Return four things: these three after the last round, and "
        "`curve` `[rounds + 1]`, the mean log density of the codes in nats, before the first round and after each. The check "
        "names the first of its four stages that you have not reached."
    ),
    hints=(
        "The log density of each code and component together, log weight_k + sum_d log N(z_d; mean_kd, sigma_kd^2), is a "
        "table `[N, K]`. All else comes from it: the density of a code, and who has which share of it.",
        "The share of component k in a code is weight_k times its density there, over the sum of that for all components. A new "
        "mean is the mean of all codes, each counted by its share; a new variance the mean of the squared distances from "
        "the new mean, counted likewise; a new weight the mean share.",
        "`torch.logsumexp` of the table over axis 1 is the log density, `torch.softmax` over axis 1 the shares. Divide the "
        "shares by their sums over the codes: each column then adds up to 1, and the transposed table times `z` holds the "
        "means. Go round `rounds` + 1 times, and change nothing in the last.",
    ),
    explanation=(
        "A round first asks which component each code belongs to, in shares, and then gives each component the weight, mean "
        "and variance of what it owns. For fixed shares these are the best ones, and the mean log density never falls: EM "
        "climbs a bound like the ELBO, with the shares as q, that is tight at the start of each round."
    ),
    returns="four things: weight [K], mean [K, D], logvar [K, D] and curve [rounds + 1]",
    reference=refit,
    alternatives=(
        Alternative("loop", lambda *inputs: _loop(*inputs)),
        Alternative("mixture of torch.distributions", lambda *inputs: _of_torch(*inputs)),
        Alternative(
            "float64",
            lambda z, weight, mean, logvar, rounds: refit(
                z.double(), weight.double(), mean.double(), logvar.double(), rounds
            ),
        ),
    ),
    misconceptions=(
        Misconception(
            "weights left out of the shares",
            _mistaken(joint=lambda z, weight, mean, logvar: _log_joint(z, torch.ones_like(weight), mean, logvar)),
            "You share out the codes by the densities alone. A component's share is in proportion to its weight times its "
            "density: add the logarithm of the weight.",
            variants=(_mistaken(share=lambda log_joint, weight: torch.softmax(log_joint - weight.log(), 1)),),
        ),
        Misconception(
            "weights never change",
            _mistaken(weights=lambda share, weight: weight),
            "Means and variances are as they should be after a round, but the weights stay as they were given. The new weight "
            "of a component is its mean share of the codes.",
        ),
        Misconception(
            "shares over the codes",
            _mistaken(share=lambda log_joint, weight: torch.softmax(log_joint, 0)),
            "Your shares add up to 1 over the codes. It is each code that is shared out among the components: normalise "
            "over the components, axis 1.",
        ),
        Misconception(
            "hard shares",
            _mistaken(share=lambda log_joint, weight: (log_joint == log_joint.amax(1, keepdim=True)).double()),
            "You give each code as a whole to its likeliest component, as k-means does. EM shares it out in proportion to "
            "weight times density.",
        ),
        Misconception(
            "variance about the old mean",
            _mistaken(var=lambda share, z, old, new: _about(share, z, old)),
            "You measure the squared distances from the old mean, so the variances come out too large. Take the new mean.",
        ),
        Misconception(
            "mean square taken for the variance",
            _mistaken(var=lambda share, z, old, new: _mean(share, z**2)),
            "You average the squares of the codes themselves. A variance is the mean squared distance from the mean.",
        ),
        Misconception(
            "corrected variance",
            _mistaken(
                var=lambda share, z, old, new: _about(share, z, new) * (1 / (1 - 1 / share.sum(0)))[:, None],
            ),
            "You divide the squared distances by the count less 1. The log density is largest with the count itself.",
        ),
        Misconception(
            "a floor under the variance",
            _mistaken(log=lambda var: torch.log(var + 1e-6)),
            "You add a small number to the variance, or keep it above one. Codes that lie close together have a "
            "variance as small as that: take it as it is.",
            variants=(
                _mistaken(log=lambda var: torch.log(var + 1e-8)),
                _mistaken(log=lambda var: var.clamp_min(1e-6).log()),
                _mistaken(log=lambda var: torch.log(var + 1e-5)),
                _mistaken(log=lambda var: torch.log(var + 1e-3)),
                _mistaken(log=lambda var: var.clamp_min(1e-3).log()),
            ),
        ),
        Misconception(
            "log sigma",
            _mistaken(log=lambda var: 0.5 * torch.log(var)),
            "Your `logvar` holds log sigma, half of what is asked for: the logarithm of the variance.",
        ),
        Misconception(
            "variance without its logarithm",
            _mistaken(log=lambda var: var),
            "Your `logvar` holds the variance itself. Take its logarithm, which the next round expects.",
        ),
        Misconception(
            "divided by the number of codes",
            _mistaken(means=lambda share, z: share.T @ z / len(z)),
            "You divide a component's sum by the number of all codes, as if it owned them all. Divide by the sum of its own "
            "shares.",
            variants=(
                _mistaken(
                    means=lambda share, z: share.T @ z / len(z),
                    var=lambda share, z, old, new: _about(share, z, new) * share.mean(0)[:, None],
                ),
                _mistaken(var=lambda share, z, old, new: _about(share, z, new) * share.mean(0)[:, None]),
            ),
        ),
        Misconception(
            "underflow",
            _mistaken(
                share=lambda log_joint, weight: log_joint.exp() / log_joint.exp().sum(1, keepdim=True),
                told=lambda log_joint: log_joint.exp().sum(1).log().mean(),
            ),
            "A code far from all components has densities that round to 0, so it can't be shared out by them, with or without "
            "a small number added. Stay with logarithms: `torch.logsumexp`, `torch.softmax`.",
            variants=(
                _mistaken(share=lambda log_joint, weight: log_joint.exp() / log_joint.exp().sum(1, keepdim=True)),
                *(
                    _mistaken(
                        share=lambda log_joint, weight: log_joint.exp() / (log_joint.exp().sum(1, keepdim=True) + 1e-8),
                        told=told,
                    )
                    for told in (
                        lambda log_joint: log_joint.logsumexp(1).mean(),
                        lambda log_joint: (log_joint.exp().sum(1) + 1e-8).log().mean(),
                    )
                ),
            ),
        ),
        Misconception(
            "one round too many",
            lambda z, weight, mean, logvar, rounds: (
                *refit(z, weight, mean, logvar, rounds + 1)[:3],
                refit(z, weight, mean, logvar, rounds)[3],
            ),
            "Your mixture has gone through one round more than `rounds`, so it isn't the one of which the last number of "
            "your curve speaks. After that number, change nothing.",
        ),
        Misconception(
            "sum over the codes",
            _mistaken(told=lambda log_joint: log_joint.logsumexp(1).sum()),
            "Your curve holds the sum of the log densities of all codes. Their mean is asked for.",
        ),
        Misconception(
            "logarithm of the mean density",
            _mistaken(told=lambda log_joint: log_joint.logsumexp((0, 1)) - math.log(len(log_joint))),
            "Your curve holds the logarithm of the mean density. Asked for is the mean of the logarithms: one logarithm for "
            "each code, then average.",
        ),
    ),
    cases=_cases,
    probe=_probe,
    tolerance=2e-5,  # rounding passes through several rounds
)
