"""15-flow-elbo: the bound whose q is a flow, from K steps' log-determinants."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from vae_course.exercises.inputs import generator, integer, normal
from vae_course.exercises.model import Alternative, Answer, Exercise, Inputs, Misconception


def flow_elbo(log_p_xz: Tensor, log_q0: Tensor, log_dets: Tensor) -> Tensor:
    """The bound in nats, [B]: log p(x, z_K) and log q_0(z_0) [L, B], log |det| of each step [L, K, B]; a mean over the draws."""
    log_q = log_q0 - log_dets.sum(dim=1)
    return (log_p_xz - log_q).mean(dim=0)


def _cases(seed: int) -> list[Inputs]:
    """By hand, sizes by chance, one draw, one step, one image, as many steps as draws or images, far levels, a real batch."""
    source = generator(seed)
    draws, b, k = integer(source, 6, 7), integer(source, 4, 5), integer(source, 2, 3)
    by_hand: Inputs = {
        "log_p_xz": torch.tensor([[-3.0], [-5.0]]),
        "log_q0": torch.tensor([[-1.0], [-2.0]]),
        "log_dets": torch.tensor([[[0.5], [0.25], [-1.0]], [[1.0], [0.0], [0.5]]]),
    }
    tame = (-4.0, -2.0, 0.0)
    return [
        by_hand,
        *(
            _case(source, *sizes, *levels)
            for sizes, levels in (
                ((draws, k, b), tame),
                ((draws, k, b), tame),
                ((1, k, b), tame),
                ((draws, 1, b), tame),
                ((draws, k, 1), tame),
                ((3, 3, 5), tame),
                ((4, 5, 5 + k), tame),
                ((5, 4, 4), tame),
                ((3, 8, 2), (-90.0, -28.0, 3.0)),
                ((4, 3, 3), (20.0, 90.0, -30.0)),
                ((5, 2, 3), (-11_000.0, -60.0, 120.0)),
                ((2, 16, 60), (-110.0, -28.0, 0.5)),
            )
        ),
    ]


def _case(source: torch.Generator, draws: int, k: int, b: int, joint: float, q: float, det: float) -> Inputs:
    return {
        "log_p_xz": joint * (1 + 0.2 * normal(source, draws, b)) + normal(source, draws, b),
        "log_q0": q + 2 * normal(source, draws, b),
        "log_dets": det * (1 + normal(source, draws, k, b)) + 0.7 * normal(source, draws, k, b),
    }


def _loop(log_p_xz: Tensor, log_q0: Tensor, log_dets: Tensor) -> Tensor:
    total = torch.zeros_like(log_p_xz[0])
    for draw in range(len(log_p_xz)):
        log_q = log_q0[draw]
        for log_det in log_dets[draw]:
            log_q = log_q - log_det
        total = total + log_p_xz[draw] - log_q
    return total / len(log_p_xz)


def _einsum(log_p_xz: Tensor, log_q0: Tensor, log_dets: Tensor) -> Tensor:
    parts = torch.einsum("lb->b", log_p_xz - log_q0) + torch.einsum("lkb->b", log_dets)
    return parts / log_p_xz.shape[0]


def _cumulative(log_p_xz: Tensor, log_q0: Tensor, log_dets: Tensor) -> Tensor:
    """log q_k of every step, of which the last counts."""
    log_q = torch.cat([log_q0.unsqueeze(1), -log_dets], 1).cumsum(1)[:, -1]
    return torch.mean(log_p_xz - log_q, 0)


def _with(
    *,
    over_steps: Callable[[Tensor], Tensor] = lambda log_dets: log_dets.sum(1),
    join: Callable[[Tensor, Tensor, Tensor], Tensor] = lambda joint, q0, dets: joint - q0 + dets,
    over_draws: Callable[[Tensor], Any] = lambda terms: terms.mean(0),
) -> Answer:
    """The bound with one thing changed."""
    return lambda log_p_xz, log_q0, log_dets: over_draws(join(log_p_xz, log_q0, over_steps(log_dets)))


def _every_step(reduce: Callable[[Tensor], Tensor]) -> Answer:
    """log p - log q_0 + log_det of each step, reduced over steps and draws."""
    return lambda joint, q0, dets: reduce(joint.unsqueeze(1) - q0.unsqueeze(1) + dets)


EXERCISE = Exercise(
    id="15-flow-elbo",
    title="The bound with a flow",
    points=2,
    difficulty=2,
    minutes=5,
    task=(
        "L codes z_0 are drawn from q_0 for each of B images, and K steps of a flow make z_K of each. Return the ELBO of each "
        "image, `[B]`, with the density of z_K as q, averaged over the draws. You are given `log_p_xz` `[L, B]`, log p(x, "
        "z_K); `log_q0` `[L, B]`, log q_0(z_0); and `log_dets` `[L, K, B]`, log |det| of each step on the way from z_0 to z_K. "
        "It is trained through all three."
    ),
    hints=(
        "The ELBO is the mean of log p(x, z) - log q(z) for z from q. Here q is the density of z_K: what does each step do to "
        "the density that it is handed?",
        "log q_K(z_K) = log q_0(z_0) - sum_k log |det of step k|: where space is stretched, the density falls. So the ELBO is "
        "the mean of log p(x, z_K) - log q_0(z_0) + sum_k log |det of step k|.",
        "The steps are axis 1 of `log_dets`: sum over it and you have `[L, B]`, like the other two. Then the mean over the "
        "draws, axis 0.",
    ),
    explanation=(
        "Determinants of a chain multiply, so their logarithms add up, and a stretched density is a lower one, hence the minus "
        "inside of log q. No step has to be undone: the density is only needed at codes that come from z_0 forwards."
    ),
    returns="one number for each image, [B]",
    reference=flow_elbo,
    alternatives=(
        Alternative("loop over draws and steps", _loop),
        Alternative("einsum", _einsum),
        Alternative("density after every step", _cumulative),
        Alternative("three means", lambda joint, q0, dets: joint.mean(0) - q0.mean(0) + dets.mean(0).sum(0)),
        Alternative("float64", lambda joint, q0, dets: flow_elbo(joint.double(), q0.double(), dets.double())),
    ),
    misconceptions=(
        Misconception(
            "sign of the log-determinants",
            _with(join=lambda joint, q0, dets: joint - q0 - dets),
            "Your log-determinants have the wrong sign. A step that stretches space thins the density out: log q_K = log q_0 - "
            "sum log |det|, which the ELBO subtracts, so they are added in the end.",
        ),
        Misconception(
            "log-determinants forgotten",
            _with(join=lambda joint, q0, dets: joint - q0),
            "You use log q_0(z_0) as the density of z_K. Each step has stretched or squeezed space on the way: take its log "
            "|det| off log q.",
        ),
        Misconception(
            "mean over the steps",
            _with(over_steps=lambda dets: dets.mean(1)),
            "You average over the K steps. All of them act on the code, one after the other: add their log-determinants up.",
            variants=(
                _every_step(lambda terms: terms.mean(1).mean(0)),
                _with(over_steps=lambda dets: -dets.mean(1)),
            ),
        ),
        Misconception(
            "one step only",
            _with(over_steps=lambda dets: dets[:, -1]),
            "You count the log-determinant of one step only. All K steps act on the code: sum over axis 1.",
            variants=(
                _with(over_steps=lambda dets: dets[:, 0]),
                _with(over_steps=lambda dets: dets.amax(1)),
                _with(over_steps=lambda dets: dets[:, 1:].sum(1)),
                _with(over_steps=lambda dets: dets[:, :-1].sum(1)),
            ),
        ),
        Misconception(
            "the rest counted K times",
            _every_step(lambda terms: terms.sum(1).mean(0)),
            "You count log p(x, z_K) - log q_0(z_0) once for each step. Sum the log-determinants over the steps first, then "
            "join the three.",
            variants=(_every_step(lambda terms: terms.sum((0, 1))), _every_step(lambda terms: terms.sum(1).sum(0))),
        ),
        Misconception(
            "sum over the draws",
            _with(over_draws=lambda terms: terms.sum(0)),
            "You add up over the L draws, in some part of the bound or in all of it. Each draw is an estimate of the same "
            "bound: average over axis 0.",
            variants=(
                lambda joint, q0, dets: (joint - q0).mean(0) + dets.sum((0, 1)),
                lambda joint, q0, dets: (joint - q0).sum(0) + dets.mean(0).sum(0),
                lambda joint, q0, dets: joint.mean(0) - q0.sum(0) + dets.mean(0).sum(0),
            ),
        ),
        Misconception(
            "mean of the weights",
            _with(over_draws=lambda terms: terms.logsumexp(0) - math.log(len(terms))),
            "You average the weights inside of the logarithm: lesson 11's importance-weighted bound. It is tighter, and not "
            "what is asked for; the ELBO is the mean of the logarithms.",
            variants=(
                _with(over_draws=lambda terms: terms.exp().mean(0).log()),
                _with(over_draws=lambda t: t.logsumexp(0)),
            ),
        ),
        Misconception(
            "log q_0 added",
            _with(join=lambda joint, q0, dets: joint + q0 + dets),
            "You add log q_0(z_0). The ELBO is log p minus log q, so it is subtracted.",
            variants=(
                _with(join=lambda joint, q0, dets: joint + q0 - dets),
                _with(join=lambda joint, q0, dets: joint + q0),
            ),
        ),
        Misconception(
            "log q_0 forgotten",
            _with(join=lambda joint, q0, dets: joint + dets),
            "log q_0(z_0) is missing. The density of z_K is that of z_0, changed by the steps: log q_K = log q_0 - sum log "
            "|det|.",
            variants=(_with(join=lambda joint, q0, dets: joint - dets), _with(join=lambda joint, q0, dets: joint)),
        ),
        Misconception(
            "log p forgotten",
            _with(join=lambda joint, q0, dets: dets - q0),
            "log p(x, z_K) is missing: what is left is the entropy of q, not a bound.",
            variants=(_with(join=lambda joint, q0, dets: -q0 - dets),),
        ),
        Misconception(
            "a loss",
            _with(over_draws=lambda terms: -terms.mean(0)),
            "This is minus the ELBO, a loss. Asked for is the bound itself: turn the sign.",
            variants=(
                _with(join=lambda joint, q0, dets: q0 - joint + dets),
                _with(over_draws=lambda terms: -terms.mean()),
            ),
        ),
        Misconception(
            "one number for all images",
            _with(over_draws=lambda terms: terms.mean()),
            "You reduce over the images too. Each image has its own bound: take the mean over axis 0 alone.",
            variants=(
                _with(over_draws=lambda terms: terms.mean(0).sum()),
                _with(over_draws=lambda terms: terms.sum()),
                lambda joint, q0, dets: (joint - q0).mean(0) + dets.sum(1).mean(),
                lambda joint, q0, dets: (joint - q0).mean(0) + dets.sum() / len(dets),
            ),
        ),
        Misconception(
            "divided by another length",
            lambda joint, q0, dets: (joint - q0 + dets.sum(1)).sum(0) / joint.shape[1],
            "You divide the sum over the draws by another length than L: by the number of images, of steps, or of both. It is "
            "the L draws, axis 0, that are averaged.",
            variants=(
                lambda joint, q0, dets: (joint - q0 + dets.sum(1)).sum(0) / dets.shape[1],
                lambda joint, q0, dets: (joint - q0 + dets.sum(1)).mean(0) / joint.shape[1],
                lambda joint, q0, dets: (joint - q0 + dets.sum(1)).mean(0) / dets.shape[1],
            ),
        ),
        Misconception(
            "densities where logarithms are given",
            lambda joint, q0, dets: (joint.exp() - q0 + dets.sum(1)).mean(0),
            "You take the exponential of a logarithm that is to be added. All three inputs are logarithms already: use them as "
            "they are.",
            variants=(
                lambda joint, q0, dets: (joint - q0.exp() + dets.sum(1)).mean(0),
                lambda joint, q0, dets: (joint.exp() - q0.exp() + dets.sum(1)).mean(0),
                lambda joint, q0, dets: (joint - q0 + dets.exp().prod(1)).mean(0),
                lambda joint, q0, dets: (q0.exp() * (joint - q0 + dets.sum(1))).sum(0),
                lambda joint, q0, dets: (q0.exp() * (joint - q0 + dets.sum(1))).mean(0),
            ),
        ),
        Misconception(
            "mean over the images",
            _with(over_draws=lambda terms: terms.mean(1)),
            "You average over axis 1, the images, and keep the draws. Average over the draws, axis 0, and keep the images.",
            variants=(_with(over_draws=lambda terms: terms.mean(-1, keepdim=True)),),
        ),
        Misconception(
            "draws kept",
            _with(over_draws=lambda terms: terms),
            "You return a number for each draw, `[L, B]`. The bound is the mean over the draws, `[B]`.",
        ),
        Misconception(
            "one draw only",
            _with(over_draws=lambda terms: terms[0]),
            "You keep one of the L draws of each image. All of them estimate the same bound: take their mean, axis 0.",
            variants=(_with(over_draws=lambda terms: terms[-1]),),
        ),
        Misconception(
            "determinants added up",
            _with(over_steps=lambda dets: dets.logsumexp(1)),
            "You add the determinants themselves. Steps in a chain multiply theirs, so it is the logarithms that add up.",
            variants=(
                _with(over_steps=lambda dets: dets.exp().sum(1)),
                _with(over_steps=lambda dets: dets.exp().sum(1).log()),
            ),
        ),
        Misconception(
            "logarithm taken twice",
            _with(over_steps=lambda dets: dets.abs().log().sum(1)),
            "`log_dets` holds logarithms already, of either sign. You take the logarithm, the absolute value or the product of "
            "them: add them up as they are.",
            variants=(
                _with(over_steps=lambda dets: dets.log().sum(1)),
                _with(over_steps=lambda dets: dets.abs().sum(1)),
                _with(over_steps=lambda dets: dets.sum(1).abs()),
                _with(over_steps=lambda dets: dets.prod(1)),
                _with(over_steps=lambda dets: dets.prod(1).log()),
                _with(over_steps=lambda dets: dets.sum(1).log()),
                _with(over_steps=lambda dets: dets.sum(1).abs().log()),
            ),
        ),
        Misconception(
            "sum over another axis",
            _with(over_steps=lambda dets: dets.sum(2)),
            "You sum `log_dets` over another axis than that of the K steps. It is `[L, K, B]`: the steps are axis 1.",
            variants=(
                _with(over_steps=lambda dets: dets.sum(0)),
                _with(over_steps=lambda dets: dets.transpose(0, 1).sum(1)),
                lambda joint, q0, dets: (joint - q0).mean(0) + dets.sum(0).mean(0),
                lambda joint, q0, dets: (joint - q0).mean(0) + dets.sum(0)[-1],
            ),
        ),
        Misconception(
            "log-determinants cut off",
            lambda joint, q0, dets: flow_elbo(joint, q0, dets.detach()),
            "The numbers are right, but no gradient passes through `log_dets`, so nothing keeps the flow from shrinking q to a "
            "point. Leave out `.detach()` and `torch.no_grad()`.",
        ),
    ),
    cases=_cases,
    gradients=("log_p_xz", "log_q0", "log_dets"),
)
