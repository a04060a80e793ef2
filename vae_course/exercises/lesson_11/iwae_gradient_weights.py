"""11-iwae-gradient-weights: find the error. A surrogate loss that weighs the draws the wrong way round."""

import math
from typing import Any

import torch
from torch import Tensor

from vae_course.exercises.inputs import generator, log_weights, normal
from vae_course.exercises.model import Alternative, Answer, AnswerError, Exercise, Inputs, Misconception


def iwae_loss(log_w: Tensor) -> Tensor:
    """One number to minimise, from the log weights [k, B]; its gradient is that of minus the mean bound."""
    shares = torch.softmax(log_w, dim=0).detach()
    return -(shares * log_w).sum(dim=0).mean()


def _probe(answer: Answer, case: Inputs) -> dict[str, Any]:
    """The gradient of the loss: whatever the loss is called, only this moves the networks."""
    log_w = case["log_w"]
    assert isinstance(log_w, Tensor)
    leaf = log_w.detach().clone().requires_grad_()
    loss = answer(leaf)
    if not isinstance(loss, Tensor) or loss.numel() != 1 or loss.dim():
        shape = f"of shape {list(loss.shape)}" if isinstance(loss, Tensor) else f"of type {type(loss).__name__}"
        raise AnswerError(f"your function must return one number to minimise, a tensor of shape [], not one {shape}.")
    if not loss.requires_grad:
        raise AnswerError("your loss is cut off from log_w, so it has no gradient: detach the shares alone.")
    gradient = torch.autograd.grad(loss, leaf, allow_unused=True)[0]
    return {"gradient": torch.zeros_like(leaf) if gradient is None else gradient}


def _cases(seed: int) -> list[Inputs]:
    source = generator(seed)
    return [{"log_w": log_w} for log_w in (*log_weights(source, 1.5), normal(source, 50, 20) - 90)]


def _loop(log_w: Tensor) -> Tensor:
    losses = []
    for b in range(log_w.shape[1]):
        losses.append(math.log(log_w.shape[0]) - torch.logsumexp(log_w[:, b], 0))
    return torch.stack(losses).mean()


EXERCISE = Exercise(
    id="11-iwae-gradient-weights",
    title="Which draw weighs most",
    points=3,
    difficulty=3,
    minutes=7,
    task=(
        "Correct the function: from the log weights `log_w` `[k, B]`, return one number to minimise whose gradient is that "
        "of minus the mean over the examples of the bound L_k."
    ),
    hints=(
        "Which draw should the networks learn from most: the one with the largest weight w, or the one with the largest "
        "loss -log w? What does the softmax of the printed code prefer?",
        "The gradient of L_k is sum_j s_j grad log w_j, with the shares s_j = w_j / sum_i w_i = softmax(log w)_j.",
        "Keep the shape of the code: shares by a softmax over axis 0, detached, times the losses, summed over axis 0, one "
        "mean over the batch. Change what the softmax is taken of.",
    ),
    explanation=(
        "A softmax of the losses gives the largest share to the draw with the smallest weight, so the networks learn from "
        "the worst code. With a softmax of log w, the gradient is that of -L_k, which you could also minimise directly."
    ),
    returns="one number to minimise, a tensor of shape []",
    reference=iwae_loss,
    alternatives=(
        Alternative("loop over the bound itself", _loop),
        Alternative("the bound", lambda log_w: -(torch.logsumexp(log_w, 0) - math.log(len(log_w))).mean()),
        Alternative("log k left out", lambda log_w: -torch.logsumexp(log_w, 0).mean()),
        Alternative(
            "einsum", lambda log_w: -torch.einsum("kb,kb->", torch.softmax(log_w, 0).detach(), log_w) / log_w.shape[1]
        ),
        Alternative("float64", lambda log_w: -torch.logsumexp(log_w.double(), 0).mean()),
    ),
    misconceptions=(
        Misconception(
            "softmax of the losses",
            lambda log_w: (torch.softmax(-log_w, 0).detach() * -log_w).sum(0).mean(),
            "The shares are still a softmax of the losses: the draw with the smallest weight counts most. Take the "
            "softmax of the log weights.",
            variants=(lambda log_w: torch.logsumexp(-log_w, 0).mean(),),
        ),
        Misconception(
            "shares not detached",
            lambda log_w: -(torch.softmax(log_w, 0) * log_w).sum(0).mean(),
            "The gradient also runs through the shares, which adds a term that the bound does not have. Detach the "
            "shares, or minimise the bound itself.",
        ),
        Misconception(
            "losses detached as well",
            lambda log_w: -(torch.softmax(log_w, 0) * log_w.detach()).sum(0).mean(),
            "The gradient runs through the shares alone, because the log weights are detached. It has to be the other "
            "way round.",
        ),
        Misconception(
            "plain mean over the draws",
            lambda log_w: -log_w.mean(0).mean(),
            "All draws count the same: this is the gradient of the ELBO with k draws. In the bound L_k each draw counts "
            "by its share of the weight.",
            variants=(lambda log_w: -log_w.mean(),),
        ),
        Misconception(
            "one bound over all examples",
            lambda log_w: -torch.logsumexp(log_w.flatten(), 0),
            "You average the weights of all examples in one logarithm, so the example with the largest weights takes the whole "
            "gradient. Each example has a bound of its own: sum over axis 0, then one mean of the bounds.",
            variants=(lambda log_w: -(log_w.flatten().softmax(0).detach() * log_w.flatten()).sum(),),
        ),
        Misconception(
            "maximised",
            lambda log_w: (torch.softmax(log_w, 0).detach() * log_w).sum(0).mean(),
            "The shares are right, but the sign is lost: minimising this makes the bound fall. The loss is minus the "
            "bound.",
            variants=(lambda log_w: torch.logsumexp(log_w, 0).mean(),),
        ),
        Misconception(
            "wrong axis",
            lambda log_w: -(torch.softmax(log_w, 1).detach() * log_w).sum(0).mean(),
            "Your softmax compares the examples of the batch. The shares belong to the k draws of one example: axis 0.",
            variants=(lambda log_w: -(torch.softmax(log_w, 1).detach() * log_w).sum(1).mean(),),
        ),
        Misconception(
            "mean over the draws",
            lambda log_w: -(torch.softmax(log_w, 0).detach() * log_w).mean(),
            "The shares add up to one, so they average already. Your mean over the draws makes the gradient k times too "
            "small: sum over axis 0.",
            variants=(lambda log_w: -torch.logsumexp(log_w, 0).mean() / len(log_w),),
        ),
        Misconception(
            "sum over the batch",
            lambda log_w: -(torch.softmax(log_w, 0).detach() * log_w).sum(),
            "You add the examples up, so the gradient grows with the batch. One mean over the batch, at the end.",
            variants=(lambda log_w: -torch.logsumexp(log_w, 0).sum(),),
        ),
        Misconception(
            "best draw only",
            lambda log_w: -log_w.amax(0).mean(),
            "Only the best draw is left in the gradient. The others count too, by their share of the weight.",
        ),
        Misconception(
            "exponentiated twice",
            lambda log_w: -(torch.softmax(log_w.exp(), 0).detach() * log_w).sum(0).mean(),
            "You exponentiate the log weights, and then the softmax exponentiates again. It turns logarithms into shares "
            "by itself: `torch.softmax(log_w, dim=0)`.",
        ),
        Misconception(
            "one minus the shares of the losses",
            lambda log_w: ((1 - torch.softmax(-log_w, 0)).detach() * -log_w).sum(0).mean(),
            "One minus a share turns the order round, but these numbers add up to k - 1 and are not w_j / sum_i w_i. Take "
            "the softmax of the log weights.",
        ),
        Misconception(
            "shares underflow",
            lambda log_w: -((log_w.exp() / log_w.exp().sum(0)).detach() * log_w).sum(0).mean(),
            "These are the right shares on paper, but exp(-620) is 0 on a computer, so you divide 0 by 0 and the gradient "
            "is NaN. `torch.softmax(log_w, dim=0)` takes the largest log weight out first.",
        ),
        Misconception(
            "shares underflow in double precision",
            lambda log_w: -((log_w.double().exp() / log_w.double().exp().sum(0)).detach() * log_w).sum(0).mean(),
            "Double precision only moves the limit, to about -745: a log weight far below it gives 0 divided by 0. "
            "`torch.softmax(log_w, dim=0)` takes the largest log weight out first.",
        ),
        Misconception(
            "small number in the denominator",
            lambda log_w: -((log_w.exp() / (log_w.exp().sum(0) + 1e-8)).detach() * log_w).sum(0).mean(),
            "The small number in the denominator hides that all weights have rounded to 0, and the gradient vanishes. "
            "`torch.softmax(log_w, dim=0)` takes the largest log weight out first.",
            variants=tuple(
                lambda log_w, eps=eps: -((log_w.exp() / (log_w.exp().sum(0) + eps)).detach() * log_w).sum(0).mean()
                for eps in (1e-6, 1e-10, 1e-12)
            ),
        ),
        Misconception(
            "squared shares",
            lambda log_w: -(torch.softmax(log_w, 0).square().detach() * log_w).sum(0).mean(),
            "You square the shares, or take them twice. They belong to the gradient once: sum_j s_j grad log w_j.",
            variants=(lambda log_w: -(torch.softmax(2 * log_w, 0).detach() * log_w).sum(0).mean(),),
        ),
        Misconception(
            "weights in place of shares",
            lambda log_w: -(log_w.exp().detach() * log_w).sum(0).mean(),
            "You multiply by the weights themselves, which are near zero for an image. Divide by their sum: a softmax "
            "does both.",
        ),
    ),
    cases=_cases,
    tolerance=1e-4,  # float32 keeps five digits after the point of a log weight near -600
    probe=_probe,
)
