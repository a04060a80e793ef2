"""04-gap: how far the bound lies below log p(x), from draws."""

import torch
from torch import Tensor

from vae_course.exercises.inputs import generator, integer, normal, uniform
from vae_course.exercises.model import Alternative, Exercise, Inputs, Misconception


def gap(log_px: Tensor, log_joint: Tensor, log_q: Tensor) -> Tensor:
    """KL(q || p(z | x)) in nats from L draws of q: [B], [L, B] and [L, B] to [B]."""
    return (log_q - log_joint).mean(dim=0) + log_px


def _never_negative(log_px: Tensor, log_joint: Tensor, log_q: Tensor) -> Tensor:
    log_r = log_joint - log_px - log_q
    return (log_r.exp() - 1 - log_r).mean(0)


def _cases(seed: int) -> list[Inputs]:
    """The first is easy to follow by hand; in the second, one of the estimates is below zero by chance.

    A density may exceed one, so that some log p(x) are positive and some log ratios negative.
    """
    source = generator(seed)
    cases: list[Inputs] = [
        {
            "log_px": torch.tensor([-3.0]),
            "log_joint": torch.tensor([[-4.0], [-5.0]]),
            "log_q": torch.tensor([[-0.5], [-1.0]]),
        },
        {
            "log_px": torch.tensor([-3.0, -2.0]),
            "log_joint": torch.tensor([[-3.5, -4.0], [-2.5, -5.0], [-4.0, -3.0]]),
            "log_q": torch.tensor([[-0.8, -1.0], [-0.5, -1.5], [-1.0, -0.2]]),
        },
    ]
    n, many = integer(source, 5, 6), integer(source, 7, 9)
    for draws, b in ((1, 3), (6, 1), (n, 3), (n, 3), (3, many), (64, 5)):
        log_px, log_q = 3 * normal(source, b), normal(source, draws, b) - 1
        cases.append({"log_px": log_px, "log_joint": log_q + log_px - 0.7 - normal(source, draws, b), "log_q": log_q})
    for level, reach in ((-100.0, 200.0), (700.0, 50.0), (-12000.0, 12000.0)):
        log_px, log_q = level + 3 * normal(source, 3), normal(source, 4, 3) - 1
        apart = reach * (0.05 + uniform(source, 4, 3))
        cases.append({"log_px": log_px, "log_joint": log_px + log_q - apart, "log_q": log_q})
    return cases


def _loop(log_px: Tensor, log_joint: Tensor, log_q: Tensor) -> Tensor:
    gaps = []
    for b in range(len(log_px)):
        total = torch.tensor(0.0)
        for draw in range(len(log_q)):
            total = total + log_q[draw, b] - log_joint[draw, b]
        gaps.append(log_px[b] + total / len(log_q))
    return torch.stack(gaps)


def _posterior_first(log_px: Tensor, log_joint: Tensor, log_q: Tensor) -> Tensor:
    """Bayes' rule for every draw, then the definition of the KL."""
    log_posterior = log_joint - log_px
    return (log_q - log_posterior).mean(dim=0)


EXERCISE = Exercise(
    id="04-gap",
    title="The gap from draws",
    points=2,
    difficulty=2,
    minutes=5,
    task=(
        "Return the Monte Carlo estimate of KL(q || p(z | x)) in nats for each example, `[B]`, from `log_px` `[B]` "
        "and, at L draws z from q, `log_joint` = log p(x, z) and `log_q`, each `[L, B]`."
    ),
    hints=(
        "The KL is an expectation under q, and the draws come from q. Which two log densities does it compare?",
        "KL(q || p(z | x)) = E_q[ log q(z) - log p(z | x) ], and log p(z | x) = log p(x, z) - log p(x).",
        "Average `log_q - log_joint` over the draws, axis 0, and add what Bayes' rule left over.",
    ),
    explanation=(
        "The mean of log q - log p(x, z) is minus the ELBO. Adding log p(x) gives log p(x) - ELBO, which is the KL to "
        "the posterior. An estimate from few draws can fall below zero by chance; the KL itself never does."
    ),
    returns="one number per example, [B]",
    reference=gap,
    alternatives=(
        Alternative("loop", _loop),
        Alternative("posterior first", _posterior_first),
        Alternative("r - 1 - log r", _never_negative),
        Alternative("log p(x) minus ELBO", lambda log_px, log_joint, log_q: log_px - (log_joint - log_q).mean(0)),
        Alternative(
            "einsum",
            lambda log_px, log_joint, log_q: log_px + torch.einsum("lb->b", log_q - log_joint) / log_q.shape[0],
        ),
        Alternative(
            "float64",
            lambda log_px, log_joint, log_q: log_px.double() + (log_q.double() - log_joint.double()).mean(0),
        ),
    ),
    misconceptions=(
        Misconception(
            "sign lost",
            lambda log_px, log_joint, log_q: (log_joint - log_q).mean(0) - log_px,
            "This is ELBO - log p(x), minus the gap. The bound lies below log p(x), so the gap is log p(x) - ELBO.",
        ),
        Misconception(
            "the ELBO itself",
            lambda log_px, log_joint, log_q: (log_joint - log_q).mean(0),
            "This is the ELBO. The gap is what is missing from it to log p(x).",
        ),
        Misconception(
            "log p(x) forgotten",
            lambda log_px, log_joint, log_q: (log_q - log_joint).mean(0),
            "You compare q with the joint p(x, z), which is not a density in z: it integrates to p(x). The posterior is "
            "the joint divided by p(x), so log p(x) has to be added.",
        ),
        Misconception(
            "log p(x) subtracted",
            lambda log_px, log_joint, log_q: (log_q - log_joint).mean(0) - log_px,
            "log p(x) has the wrong sign. log p(z | x) = log p(x, z) - log p(x), and minus that holds + log p(x).",
        ),
        Misconception(
            "ELBO added",
            lambda log_px, log_joint, log_q: log_px + (log_joint - log_q).mean(0),
            "You add the ELBO to log p(x). The gap is how far the bound lies below it: subtract the mean of log p(x, z) - "
            "log q(z).",
        ),
        Misconception(
            "averaged over the examples",
            lambda log_px, log_joint, log_q: (log_q - log_joint).mean(1) + log_px.mean(),
            "You average over axis 1, the examples, and keep one number for each draw. The draws lie along axis 0: "
            "`.mean(dim=0)`.",
            variants=(lambda log_px, log_joint, log_q: (log_q - log_joint + log_px).mean(1),),
        ),
        Misconception(
            "averaged over everything",
            lambda log_px, log_joint, log_q: ((log_q - log_joint).mean(0) + log_px).mean(),
            "Your mean runs over the examples as well. Average over the draws only, axis 0, and keep one gap for each "
            "example.",
            variants=(lambda log_px, log_joint, log_q: (log_q - log_joint).mean() + log_px.mean(),),
        ),
        Misconception(
            "one mean for all examples",
            lambda log_px, log_joint, log_q: (log_q - log_joint).mean() + log_px,
            "The mean of log q - log p(x, z) runs over all examples, and each gets the same. Average over axis 0 only.",
        ),
        Misconception(
            "not averaged",
            lambda log_px, log_joint, log_q: log_q - log_joint + log_px,
            "These are the right log ratios for every single draw, `[L, B]`. The KL is their mean over the draws: "
            "`.mean(dim=0)`.",
        ),
        Misconception(
            "summed over the draws",
            lambda log_px, log_joint, log_q: (log_q - log_joint).sum(0) + log_px,
            "You add the draws up, so the result grows with their number. An expectation is a mean: `.mean(dim=0)`.",
            variants=(lambda log_px, log_joint, log_q: (log_q - log_joint + log_px).sum(0),),
        ),
        Misconception(
            "one term summed",
            lambda log_px, log_joint, log_q: log_px - log_joint.mean(0) + log_q.sum(0),
            "Of log q and log p(x, z) you average one over the draws and add the other up. Both are expectations: "
            "`.mean(dim=0)`.",
            variants=(lambda log_px, log_joint, log_q: log_px - log_joint.sum(0) + log_q.mean(0),),
        ),
        Misconception(
            "weighted by q",
            lambda log_px, log_joint, log_q: (log_q.exp() * (log_q - log_joint + log_px)).mean(0),
            "You weight every draw by its density q(z). The draws come from q already, so that q would count twice: a plain "
            "mean will do.",
            variants=(
                lambda log_px, log_joint, log_q: (log_q.exp() * (log_q - log_joint + log_px)).sum(0),
                lambda log_px, log_joint, log_q: (log_q.exp() * (log_q - log_joint)).mean(0) + log_px,
                lambda log_px, log_joint, log_q: (log_q.exp() * (log_q - log_joint)).sum(0) + log_px,
            ),
        ),
        Misconception(
            "cut off at zero",
            lambda log_px, log_joint, log_q: ((log_q - log_joint).mean(0) + log_px).clamp(min=0),
            "You force the estimate to be zero or more. The KL is never negative, but an estimate of it may be, by "
            "chance; cutting it off makes it too large on average.",
            variants=(
                lambda log_px, log_joint, log_q: ((log_q - log_joint).mean(0) + log_px).abs(),
                lambda log_px, log_joint, log_q: (log_q - log_joint + log_px).clamp(min=0).mean(0),
                lambda log_px, log_joint, log_q: (log_q - log_joint + log_px).abs().mean(0),
            ),
        ),
        Misconception(
            "log of the mean weight",
            lambda log_px, log_joint, log_q: log_px - ((log_joint - log_q).exp().mean(0)).log(),
            "You average the weights first and take the logarithm after. That is the gap of the importance-weighted "
            "bound; here the mean is over the logarithms.",
            variants=(
                lambda log_px, log_joint, log_q: (
                    log_px - torch.logsumexp(log_joint - log_q, 0) + torch.tensor(len(log_q)).log()
                ),
            ),
        ),
        Misconception(
            "q in place of the joint",
            lambda log_px, log_joint, log_q: log_px - log_joint.mean(0),
            "log q is missing: you subtract the mean of log p(x, z) alone. The KL compares q with the posterior, so "
            "both log densities are in it.",
        ),
        Misconception(
            "half of the mean square",
            lambda log_px, log_joint, log_q: (log_q - log_joint + log_px).square().mean(0) / 2,
            "You take squares of log ratios. Half of their mean is near a KL that is small; the KL itself is the mean of the "
            "log ratios as they are.",
            variants=(lambda log_px, log_joint, log_q: (log_q - log_joint).square().mean(0) / 2 + log_px,),
        ),
    ),
    cases=_cases,
    batch="log_px",
    equivalents=(
        lambda log_px, log_joint, log_q: _never_negative(log_px.double(), log_joint.double(), log_q.double()),
    ),
)
