"""04-two-forms: the joint's expectation plus the entropy of q."""

import math

import torch
from torch import Tensor
from torch.distributions import Independent, Normal

from vae_course.exercises.inputs import generator, integer, normal
from vae_course.exercises.model import Alternative, Exercise, Inputs, Misconception


def _entropies(logvar: Tensor) -> Tensor:
    """The entropy of every single dimension, `[B, D]`."""
    return 0.5 * (1 + torch.log(2 * torch.pi * torch.exp(logvar)))


def elbo_joint_entropy(log_joint: Tensor, logvar: Tensor) -> Tensor:
    """The ELBO in nats, from log p(x, z) at L draws [L, B] and the log variances of q [B, D]: [B]."""
    entropy = 0.5 * (1 + torch.log(2 * torch.pi * torch.exp(logvar))).sum(dim=-1)
    return log_joint.mean(dim=0) + entropy


def _cases(seed: int) -> list[Inputs]:
    """Some q are so narrow that their entropy is below zero."""
    source = generator(seed)
    cases: list[Inputs] = [
        {"log_joint": torch.tensor([[-10.0], [-14.0]]), "logvar": torch.tensor([[0.5, -1.0]])},
    ]
    n, many = integer(source, 3, 4), integer(source, 5, 6)
    for draws, b, d in ((1, 4, 3), (5, 1, 2), (4, 3, 1), (n, many, 8), (n, many, 8), (3, 2, 3), (64, 5, 2)):
        cases.append({"log_joint": -20 + 4 * normal(source, draws, b), "logvar": 2 * normal(source, b, d) - 3})
    for level, logvar in ((-20, -15), (-20, 15), (0, -15), (-12000, 0), (900, 0)):
        cases.append({"log_joint": level + 4 * normal(source, 4, 3), "logvar": logvar + normal(source, 3, 2)})
    return cases


def _loop(log_joint: Tensor, logvar: Tensor) -> Tensor:
    bounds = []
    for b in range(len(logvar)):
        total = sum(row[b] for row in log_joint) / len(log_joint)
        for d in range(logvar.shape[1]):
            total = total + (1 + torch.log(torch.tensor(2 * torch.pi)) + logvar[b, d]) / 2
        bounds.append(total)
    return torch.stack(bounds)


def _constant_first(log_joint: Tensor, logvar: Tensor) -> Tensor:
    """Einsum, and D times the constant."""
    constant = torch.log(torch.tensor(2 * torch.pi * torch.e)) * logvar.shape[1]
    return torch.einsum("lb->b", log_joint) / len(log_joint) + 0.5 * (constant + torch.einsum("bd->b", logvar))


EXERCISE = Exercise(
    id="04-two-forms",
    title="Joint plus entropy",
    points=3,
    difficulty=3,
    minutes=7,
    task=(
        "Return the ELBO in its second form, one number for each example, `[B]`, in nats: from `log_joint` `[L, B]`, "
        "log p(x, z) at L draws from q, and `logvar` `[B, D]`, log sigma^2 of the Gaussian q."
    ),
    hints=(
        "One term is an expectation that you have draws for. The other one, the entropy, needs no draws: it depends on "
        "the variances alone.",
        "ELBO = E_q[ log p(x, z) ] + H(q), with H(q) = 1/2 sum_d [ 1 + log(2 pi sigma_d^2) ].",
        "`log_joint` is averaged over axis 0. For the entropy, `torch.exp(logvar)` is sigma^2; add up over the last "
        "axis, and halve.",
    ),
    explanation=(
        "The entropy is the mean of -log q(z), so adding it is subtracting log q. Each dimension brings a constant "
        "1/2 (1 + log 2 pi) and half its log variance: a wider q has a higher entropy, wherever its mean is."
    ),
    returns="one number per example, [B]",
    reference=elbo_joint_entropy,
    alternatives=(
        Alternative(
            "torch.distributions",
            lambda log_joint, logvar: (
                log_joint.mean(0) + Independent(Normal(0 * logvar, torch.exp(0.5 * logvar)), 1).entropy()
            ),
        ),
        Alternative("loop", _loop),
        Alternative("einsum, constant first", _constant_first),
        Alternative("float64", lambda log_joint, logvar: elbo_joint_entropy(log_joint.double(), logvar.double())),
        Alternative(
            "log of sigma",
            lambda log_joint, logvar: (
                log_joint.mean(0) + torch.log((2 * torch.pi * torch.e) ** 0.5 * torch.exp(0.5 * logvar)).sum(1)
            ),
        ),
    ),
    misconceptions=(
        Misconception(
            "logarithm of a mean",
            lambda log_joint, logvar: (
                torch.logsumexp(log_joint, 0)
                - torch.tensor(len(log_joint)).log()
                + 0.5 * (1 + (2 * torch.pi * logvar.exp()).log()).sum(-1)
            ),
            "You average the joint densities and take the logarithm after. The ELBO averages the logarithms: "
            "`log_joint.mean(dim=0)`.",
        ),
        Misconception(
            "entropy subtracted",
            lambda log_joint, logvar: log_joint.mean(0) - _entropies(logvar).sum(-1),
            "You subtract the entropy. It is the mean of -log q(z), and the ELBO holds -log q(z): add it.",
        ),
        Misconception(
            "entropy forgotten",
            lambda log_joint, logvar: log_joint.mean(0),
            "Only the expectation of log p(x, z) is there. Add the entropy of q, or the best q would be a spike.",
        ),
        Misconception(
            "one forgotten",
            lambda log_joint, logvar: log_joint.mean(0) + 0.5 * torch.log(2 * torch.pi * logvar.exp()).sum(-1),
            "The 1 in the bracket is missing: it is the mean of the squared, standardised distance, "
            "E[ (z - mu)^2 / sigma^2 ] = 1.",
        ),
        Misconception(
            "2 pi forgotten",
            lambda log_joint, logvar: log_joint.mean(0) + 0.5 * (1 + logvar).sum(-1),
            "The log(2 pi) of the Gaussian's normaliser is missing. It is a constant, but a bound on log p(x) needs "
            "it.",
        ),
        Misconception(
            "constant forgotten",
            lambda log_joint, logvar: log_joint.mean(0) + 0.5 * logvar.sum(-1),
            "The whole constant, D/2 (1 + log 2 pi), is missing. It moves no climb, but a bound on log p(x) needs it.",
        ),
        Misconception(
            "constant counted once",
            lambda log_joint, logvar: (
                log_joint.mean(0) + 0.5 * (1 + torch.log(torch.tensor(2 * torch.pi)) + logvar.sum(-1))
            ),
            "The constant 1 + log(2 pi) comes once for each of the D dimensions, but you add it once in all. Put it "
            "inside the sum.",
        ),
        Misconception(
            "half forgotten",
            lambda log_joint, logvar: log_joint.mean(0) + 2 * _entropies(logvar).sum(-1),
            "Your entropy is twice the right one: the 1/2 is missing.",
        ),
        Misconception(
            "logvar as log sigma",
            lambda log_joint, logvar: (
                log_joint.mean(0) + (0.5 * (1 + torch.log(torch.tensor(2 * torch.pi))) + logvar).sum(-1)
            ),
            "You read logvar as log sigma, so its weight is twice too large. In this course logvar is log sigma^2.",
        ),
        Misconception(
            "variance in place of its logarithm",
            lambda log_joint, logvar: (
                log_joint.mean(0) + 0.5 * (1 + torch.log(torch.tensor(2 * torch.pi)) + logvar.exp()).sum(-1)
            ),
            "You add sigma^2 itself where its logarithm belongs. The entropy grows with log sigma^2, which is logvar.",
        ),
        Misconception(
            "logarithm of logvar",
            lambda log_joint, logvar: log_joint.mean(0) + 0.5 * (1 + torch.log(2 * torch.pi * logvar)).sum(-1),
            "You take the logarithm of logvar, which is NaN wherever it is negative. logvar is a logarithm already; "
            "the variance is `torch.exp(logvar)`.",
        ),
        Misconception(
            "averaged over dimensions",
            lambda log_joint, logvar: log_joint.mean(0) + _entropies(logvar).mean(-1),
            "You average the entropy over the dimensions. Independent dimensions add up: `.sum(dim=-1)`.",
        ),
        Misconception(
            "entropy of the whole batch",
            lambda log_joint, logvar: log_joint.mean(0) + _entropies(logvar).sum(),
            "Your sum runs over the batch as well, so each example gets the entropy of all. Sum over the last axis "
            "only.",
        ),
        Misconception(
            "summed over the draws",
            lambda log_joint, logvar: log_joint.sum(0) + _entropies(logvar).sum(-1),
            "You add the draws up. The expectation under q is their mean: `.mean(dim=0)`.",
        ),
        Misconception(
            "draws not averaged",
            lambda log_joint, logvar: log_joint + _entropies(logvar).sum(-1),
            "This is one value for every draw, `[L, B]`. Average `log_joint` over axis 0, the draws.",
        ),
        Misconception(
            "averaged over the batch",
            lambda log_joint, logvar: elbo_joint_entropy(log_joint, logvar).mean(),
            "Your mean runs over the batch as well. Return one bound for each example, `[B]`.",
        ),
        Misconception(
            "a number of dimensions typed in",
            lambda log_joint, logvar: log_joint.mean(0) + 0.5 * (logvar.sum(-1) + 2 * (1 + math.log(2 * math.pi))),
            "You count the constant as often as a number of your own says, whatever D is. It comes once for each of the D "
            "dimensions: put it inside the sum.",
            variants=tuple(
                lambda log_joint, logvar, d=d: (
                    log_joint.mean(0) + 0.5 * (logvar.sum(-1) + d * (1 + math.log(2 * math.pi)))
                )
                for d in (10, 20)
            ),
        ),
    ),
    cases=_cases,
    batch="logvar",
)
