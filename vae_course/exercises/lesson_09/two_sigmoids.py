"""09-two-sigmoids: mend a loss that applies a sigmoid to probabilities."""

import torch
from torch import Tensor
from torch.nn import functional as F

from vae_course.exercises.inputs import generator, integer, normal, uniform
from vae_course.exercises.model import Alternative, Exercise, Inputs, Misconception


def image_loss(x: Tensor, p: Tensor) -> Tensor:
    """-log p(x | z) in nats for each image, [B], from pixels and probabilities [B, C, H, W]."""
    return F.binary_cross_entropy(p, x, reduction="none").flatten(1).sum(dim=1)


def _cases(seed: int) -> list[Inputs]:
    source = generator(seed)
    one = {"x": torch.tensor([1.0, 0.0]), "p": torch.tensor([0.9, 0.2])}
    cases: list[Inputs] = [{name: value.reshape(1, 1, 1, 2) for name, value in one.items()}]
    few = (integer(source, 3, 5), 1, integer(source, 6, 7), 2)
    for b, c, h, w in ((1, 1, 2, 3), few, few, (4, 2, 2, 3), (2, 1, 4, 3), (16, 1, 28, 28)):
        x = (uniform(source, b, c, h, w) < 0.5).float()
        cases.append({"x": x, "p": 0.02 + 0.96 * torch.sigmoid(2 * normal(source, b, c, h, w))})
    # Probabilities near 0 and 1, as far as float32 holds them, for pixels with ink and without.
    small = torch.tensor([1e-5, 1e-4, 1e-3]) * (1 + uniform(source, 3))
    p = torch.cat([small / torch.tensor([40, 1, 1]), 1 - 20 * small]).view(1, 1, 3, 2)
    cases += [{"x": torch.full_like(p, ink), "p": p} for ink in (0.0, 1.0)]
    return cases


def _loop(x: Tensor, p: Tensor) -> Tensor:
    losses = []
    for image, probability in zip(x, p, strict=True):
        total = torch.tensor(0.0)
        for pixel, ink in zip(image.flatten(), probability.flatten(), strict=True):
            total = total - torch.log(ink if pixel == 1 else 1 - ink)
        losses.append(total)
    return torch.stack(losses)


def _with_logits(x: Tensor, logits: Tensor) -> Tensor:
    return F.binary_cross_entropy_with_logits(logits, x, reduction="none").flatten(1).sum(1)


EXERCISE = Exercise(
    id="09-two-sigmoids",
    title="One sigmoid, not two",
    points=2,
    difficulty=2,
    minutes=5,
    task=(
        "This decoder ends in a sigmoid, and you may not change it. Repair the loss that it is used with: from images "
        "`x` of 0 and 1 and probabilities of ink `p`, both `[B, C, H, W]`, return -log p(x | z) in nats for each image, "
        "`[B]`."
    ),
    hints=(
        "What does the function called in the broken line do to its first argument before it takes a logarithm?",
        "-log p(x | z) = -sum_i [ x_i log p_i + (1 - x_i) log(1 - p_i) ], with the p that is given.",
        "PyTorch has the same function for probabilities: its name lacks the last two words.",
    ),
    explanation=(
        "A function `..._with_logits` applies a sigmoid itself. Fed with probabilities, it sees log odds between 0 and "
        "1, and even a perfect decoder can say nothing below 0.5 or above 0.73. Better still is a decoder without the "
        "sigmoid, because a probability that rounds to 0 or 1 has lost its logarithm: written by hand, 0 log 0 is nan "
        "(the check leaves such p out), and `F.binary_cross_entropy` only caps the damage at 100 nats for a pixel."
    ),
    returns="one number per image, [B]",
    reference=image_loss,
    alternatives=(
        Alternative("loop", _loop),
        Alternative(
            "einsum",
            lambda x, p: -torch.einsum("bchw,bchw->b", x, p.log()) - torch.einsum("bchw,bchw->b", 1 - x, (1 - p).log()),
        ),
        Alternative("back to logits", lambda x, p: _with_logits(x, torch.logit(p))),
        Alternative(
            "distribution",
            lambda x, p: -torch.distributions.Bernoulli(probs=p, validate_args=False).log_prob(x).flatten(1).sum(1),
        ),
        Alternative("float64", lambda x, p: image_loss(x.double(), p.double())),
    ),
    misconceptions=(
        Misconception(
            "distance",
            lambda x, p: (x - p).abs().flatten(1).sum(1),
            "This is how far the probabilities are from the pixels. The price of a pixel is minus the logarithm of the "
            "probability of what it is.",
            variants=(lambda x, p: (x - p).flatten(1).sum(1).abs(),),
        ),
        Misconception(
            "odds taken for log odds",
            lambda x, p: F.binary_cross_entropy_with_logits(p / (1 - p), x, reduction="none").flatten(1).sum(1),
            "You pass the odds p / (1 - p) where log odds belong. A function that takes probabilities needs neither: "
            "`F.binary_cross_entropy`.",
        ),
        Misconception(
            "no logarithm",
            lambda x, p: -torch.where(x == 1, p, 1 - p).flatten(1).sum(1),
            "You add up the probabilities of the pixels. Probabilities of independent pixels multiply: it is their logarithms "
            "that add up.",
            variants=(lambda x, p: torch.where(x == 1, p, 1 - p).flatten(1).sum(1),),
        ),
        Misconception(
            "as it was",
            _with_logits,
            "This is the loss as it was: `..._with_logits` applies a sigmoid to p, which is a probability already. Use "
            "the function that takes probabilities.",
        ),
        Misconception(
            "a third sigmoid",
            lambda x, p: _with_logits(x, torch.sigmoid(p)),
            "You added another sigmoid, now there are three. p is a probability as it comes: take its logarithm "
            "without any sigmoid.",
        ),
        Misconception(
            "logarithm as logit",
            lambda x, p: _with_logits(x, p.log()),
            "You turn p into log p and pass that off as log odds. Log odds are log p - log(1 - p); shorter is the "
            "function that takes probabilities.",
        ),
        Misconception(
            "the wrong way round",
            lambda x, p: F.binary_cross_entropy(x, p, reduction="none").flatten(1).sum(1),
            "You pass the image as the prediction and the prediction as the image. In PyTorch the prediction comes "
            "first.",
        ),
        Misconception(
            "paper for ink",
            lambda x, p: F.binary_cross_entropy(1 - p, x, reduction="none").flatten(1).sum(1),
            "You use 1 - p for the pixels with ink. p is the probability of ink, x = 1.",
        ),
        Misconception(
            "ink only",
            lambda x, p: -(x * p.log()).flatten(1).sum(1),
            "Only pixels with ink are counted. A blank pixel costs -log(1 - p).",
        ),
        Misconception(
            "mean over the pixels",
            lambda x, p: F.binary_cross_entropy(p, x, reduction="none").flatten(1).mean(1),
            "The sigmoid is gone, but you average over the pixels. The log-likelihood of an image is a sum over them.",
        ),
        Misconception(
            "always 784 pixels",
            lambda x, p: 784 * F.binary_cross_entropy(p, x, reduction="none").flatten(1).mean(1),
            "You average over the pixels and multiply by 784, which not every image has. Sum over the pixels of each image.",
        ),
        Misconception(
            "one logarithm for all pixels",
            lambda x, p: -(x * p + (1 - x) * (1 - p)).flatten(1).mean(1).log(),
            "You average or add up the probabilities of the pixels, then take one logarithm. Each pixel has a logarithm of its "
            "own, and these are added.",
            variants=(lambda x, p: -(x * p + (1 - x) * (1 - p)).flatten(1).sum(1).log(),),
        ),
        Misconception(
            "rounded probabilities",
            lambda x, p: F.binary_cross_entropy(p.round(), x, reduction="none").flatten(1).sum(1),
            "You round p to 0 or 1 first, so a pixel costs nothing or a fixed limit, and no gradient is left. Use p as it is.",
            variants=(
                lambda x, p: F.binary_cross_entropy((p > 0.5).to(p.dtype), x, reduction="none").flatten(1).sum(1),
            ),
        ),
        Misconception(
            "one mean for all",
            lambda x, p: F.binary_cross_entropy(p, x),
            "The sigmoid is gone, but this is the mean over pixels and images. Sum over the pixels of each image, and "
            "return `[B]`.",
        ),
        Misconception(
            "log-likelihood",
            lambda x, p: -F.binary_cross_entropy(p, x, reduction="none").flatten(1).sum(1),
            "This is the log-likelihood. A loss is its negative, and never below zero for pixels of 0 and 1.",
        ),
        Misconception(
            "logit with a limit",
            lambda x, p: _with_logits(x, torch.logit(p, eps=1e-3)),
            "You limit p before you take its logarithm or its log odds, so a decoder that is surer than that pays the wrong "
            "price and gets no gradient. p lies between 0 and 1: use it as it is.",
            variants=(
                *(lambda x, p, eps=eps: _with_logits(x, torch.logit(p, eps=eps)) for eps in (1e-2, 1e-4)),
                *(lambda x, p, eps=eps: image_loss(x, p.clamp(eps, 1 - eps)) for eps in (1e-2, 1e-3, 1e-4)),
            ),
        ),
        Misconception(
            "small number inside the logarithm",
            lambda x, p: -(x * (p + 1e-6).log() + (1 - x) * (1 - p + 1e-6).log()).flatten(1).sum(1),
            "You add a small number inside the logarithms. Where p is small it changes the price of a pixel: leave it out, "
            "`F.binary_cross_entropy` guards against log 0 by itself.",
            variants=tuple(
                lambda x, p, eps=eps: -(x * (p + eps).log() + (1 - x) * (1 - p + eps).log()).flatten(1).sum(1)
                for eps in (1e-5, 1e-4, 1e-3, 1e-2)
            ),
        ),
        Misconception(
            "product before the logarithm",
            lambda x, p: -torch.where(x == 1, p, 1 - p).flatten(1).prod(1).log(),
            "You multiply the probabilities of all pixels first: the product of 784 numbers rounds to 0, and its logarithm is "
            "minus infinity. Take the logarithms first, then add.",
            variants=(
                lambda x, p: -(p**x * (1 - p) ** (1 - x)).flatten(1).prod(1).log(),
                lambda x, p: -torch.where(x > 0.5, p, 1 - p).flatten(1).double().prod(1).log(),
            ),
        ),
        Misconception(
            "blank pixels only",
            lambda x, p: -((1 - x) * (1 - p).log()).flatten(1).sum(1),
            "Only blank pixels are counted. A pixel with ink costs -log p.",
        ),
        Misconception(
            "summed over everything",
            lambda x, p: F.binary_cross_entropy(p, x, reduction="sum"),
            "The sigmoid is gone, but your sum runs over the images too. Keep one number for each, `[B]`.",
        ),
        Misconception(
            "bits",
            lambda x, p: image_loss(x, p) / torch.log(torch.tensor(2.0)),
            "These are bits, by logarithms to base 2. Nats are asked for: use the natural logarithm.",
        ),
        Misconception(
            "squared error",
            lambda x, p: (x - p).square().flatten(1).sum(1),
            "This is the squared error, which is not a likelihood of a pixel that is 0 or 1. Use the cross-entropy of the "
            "probabilities.",
        ),
    ),
    cases=_cases,
    batch="x",
    gradients=("p",),
)
