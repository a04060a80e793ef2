"""07-reconstruction: the log-likelihood of a picture under independent Bernoulli pixels."""

import math
from typing import Any

import torch
from torch import Tensor
from torch.distributions import Bernoulli, ContinuousBernoulli, Distribution, Independent, Normal
from torch.nn import functional as F

from vae_course import distributions
from vae_course.exercises.inputs import generator, integer, normal, uniform
from vae_course.exercises.model import Alternative, Answer, Exercise, Inputs, Misconception


def bernoulli_log_prob(x: Tensor, logits: Tensor) -> Tensor:
    """log p(x | z) in nats for each image: [B, 1, 28, 28] and [B, 1, 28, 28] to [B]."""
    return -F.binary_cross_entropy_with_logits(logits, x, reduction="none").flatten(1).sum(dim=1)


def _cases(seed: int) -> list[Inputs]:
    """Grey and binary pictures with mild logits, then logits of one size: 200 on the right side, 6 and 60 mostly so.

    At last logits of up to 200 on either side. One shape comes twice, and one batch is as large as a lesson's.
    """
    source = generator(seed)
    b = integer(source, 3, 5)
    cases: list[Inputs] = []
    for images, binary in ((1, False), (b, True), (b, True), (b, False), (64, False)):
        x, logits = uniform(source, images, 1, 28, 28), 2 * normal(source, images, 1, 28, 28)
        cases.append({"x": x.round() if binary else x, "logits": logits})
    for size, wrong in ((200.0, 0.0), (6.0, 0.1), (60.0, 0.1), (200.0, 0.5)):
        x = uniform(source, 2, 1, 28, 28).round()
        sides = torch.where(uniform(source, 2, 1, 28, 28) < wrong, -1, 1) * (2 * x - 1)
        cases.append({"x": x, "logits": size * sides})
    for images in (1, 2):
        x = uniform(source, images, 1, 28, 28).round()
        cases.append({"x": x, "logits": 400 * uniform(source, images, 1, 28, 28) - 200})
    return cases


def _probe(answer: Answer, case: Inputs) -> Any:
    """Grey pixels stand for a share of ink, so no distribution is to refuse them."""
    validates = Distribution._validate_args
    Distribution.set_default_validate_args(False)
    try:
        return answer(*case.values())
    finally:
        Distribution.set_default_validate_args(validates)


def _pixels(x: Tensor, logits: Tensor) -> Tensor:
    return -F.binary_cross_entropy_with_logits(logits, x, reduction="none")


def _loop(x: Tensor, logits: Tensor) -> Tensor:
    values = []
    for image, scores in zip(x, logits, strict=True):
        total = torch.zeros(())
        for row, row_scores in zip(image[0], scores[0], strict=True):
            total = total + (row * row_scores - F.softplus(row_scores)).sum()
        values.append(total)
    return torch.stack(values)


def _log_sigmoids(x: Tensor, logits: Tensor) -> Tensor:
    """Einsum over pixels of ink and of paper apart."""
    ink = torch.einsum("bchw,bchw->b", x, F.logsigmoid(logits))
    return ink + torch.einsum("bchw,bchw->b", 1 - x, F.logsigmoid(-logits))


def _distribution(x: Tensor, logits: Tensor) -> Tensor:
    return Independent(Bernoulli(logits=logits, validate_args=False), 3).log_prob(x)


def _logaddexp(x: Tensor, logits: Tensor) -> Tensor:
    return (x * logits - torch.logaddexp(logits, torch.zeros(()))).sum(dim=(1, 2, 3))


def _of_probabilities(x: Tensor, p: Tensor) -> Tensor:
    return _terms(x, p).sum((1, 2, 3))


def _terms(x: Tensor, p: Tensor) -> Tensor:
    return x * torch.log(p) + (1 - x) * torch.log(1 - p)


def _in_double(answer: Answer) -> Answer:
    """The same in double precision, where a small number beside 1 is another one than in float32."""
    return lambda x, logits: answer(x.double(), logits.double())


def _clipped(small: float) -> Answer:
    """The sigmoid, then a logarithm that is kept from minus infinity by adding a small number."""
    return lambda x, logits: (
        x * (logits.sigmoid() + small).log() + (1 - x) * (1 - logits.sigmoid() + small).log()
    ).sum((1, 2, 3))


def _clamped(small: float) -> Answer:
    """The same with the probability clamped."""
    return lambda x, logits: _of_probabilities(x, logits.sigmoid().clamp(small, 1 - small))


EXERCISE = Exercise(
    id="07-reconstruction",
    title="How well a picture is explained",
    points=3,
    difficulty=3,
    minutes=6,
    task=(
        "Return log p(x | z) in nats, one number for each picture, `[B]`, where each pixel of `x` `[B, 1, 28, 28]` is "
        "1 with probability sigmoid(`logits`), and a grey one, between 0 and 1, counts as that share of ink; it must hold for "
        "logits of 200 and -200 too."
    ),
    hints=(
        "The pixels are independent given z, so log p(x | z) is a sum over pixels. PyTorch has a function for one "
        "pixel that takes logits.",
        "log p(x | z) = sum_i [ x_i log p_i + (1 - x_i) log(1 - p_i) ] = -sum_i (binary cross-entropy of pixel i "
        "with logits).",
        "`F.binary_cross_entropy_with_logits(logits, x, ...)` averages over everything unless it is told "
        '`reduction="none"`; then it gives `[B, 1, 28, 28]`. Mind its sign, and add up each picture.',
    ),
    explanation=(
        "The cross-entropy of a pixel is its negative log-likelihood, hence the minus sign. Taking logits, PyTorch "
        "computes x l - log(1 + e^l) in a form that never overflows; a sigmoid followed by a logarithm gives "
        "log(0) for a logit of 200. The sum runs over the 784 pixels, not over the batch."
    ),
    returns="one number per picture, [B]",
    reference=bernoulli_log_prob,
    alternatives=(
        Alternative("loop", _loop),
        Alternative("einsum and logsigmoid", _log_sigmoids),
        Alternative("torch.distributions", _distribution),
        Alternative(
            "torch.distributions with its checks", lambda x, logits: Bernoulli(logits=logits).log_prob(x).sum((1, 2, 3))
        ),
        Alternative(
            "two classes",
            lambda x, logits: (
                torch.stack([x, 1 - x]) * F.log_softmax(torch.stack([logits, torch.zeros_like(logits)]), 0)
            ).sum((0, 2, 3, 4)),
        ),
        Alternative("logaddexp", _logaddexp),
        Alternative("float64", lambda x, logits: bernoulli_log_prob(x.double(), logits.double())),
        Alternative("the package's", lambda x, logits: distributions.bernoulli_log_prob(x, logits)),
        Alternative("softplus", lambda x, logits: (x * logits - F.softplus(logits)).reshape(len(x), -1).sum(-1)),
    ),
    misconceptions=(
        Misconception(
            "sign lost",
            lambda x, logits: -_pixels(x, logits).sum((1, 2, 3)),
            "This is the cross-entropy, -log p(x | z): right in size, wrong in sign. A log-likelihood of 0/1 pixels "
            "is never positive; put a minus in front.",
        ),
        Misconception(
            "mean over pixels",
            lambda x, logits: _pixels(x, logits).mean((1, 2, 3)),
            "You average over the pixels, so the picture counts 784 times too little beside the KL, and the codes "
            "would collapse. Sum over the pixels.",
            variants=(lambda x, logits: -_pixels(x, logits).mean((1, 2, 3)),),
        ),
        Misconception(
            "summed over the batch",
            lambda x, logits: _pixels(x, logits).sum(),
            "Your sum runs over the batch as well. Sum over the pixels of each picture, `.flatten(1).sum(1)`, and "
            "keep one number for each.",
            variants=(lambda x, logits: -_pixels(x, logits).sum(),),
        ),
        Misconception(
            "mean over everything",
            lambda x, logits: _pixels(x, logits).mean(),
            "This is one mean over all pixels of all pictures, which is what PyTorch's cross-entropy does when it "
            'isn\'t told otherwise. Ask for `reduction="none"` and sum over the pixels of each picture.',
            variants=(lambda x, logits: -_pixels(x, logits).mean(),),
        ),
        Misconception(
            "not summed",
            _pixels,
            "These are the right numbers for every single pixel. Add them up for each picture: `.flatten(1).sum(1)`.",
            variants=(lambda x, logits: -_pixels(x, logits), lambda x, logits: _pixels(x, logits).sum(-1)),
        ),
        Misconception(
            "an axis left over",
            lambda x, logits: -_pixels(x, logits).sum((2, 3)),
            "The numbers are right, but an axis is left over: `[B, 1]`, one number for each channel. Sum over the "
            "channel too: `.flatten(1).sum(1)`.",
            variants=(lambda x, logits: -_pixels(x, logits).sum((1, 2, 3), keepdim=True),),
        ),
        Misconception(
            "sigmoid, then log",
            lambda x, logits: _of_probabilities(x, torch.sigmoid(logits)),
            "For mild logits this is right, but at 200 the sigmoid rounds to exactly 1 and log(1 - p) is -inf or NaN. "
            "Work with the logits: `F.binary_cross_entropy_with_logits`.",
        ),
        Misconception(
            "cross-entropy on probabilities",
            lambda x, logits: -F.binary_cross_entropy(logits.sigmoid(), x, reduction="none").flatten(1).sum(1),
            "For mild logits this is right, but at 200 the sigmoid saturates: F.binary_cross_entropy cuts the "
            "logarithm off at -100 and the gradient vanishes. Use the variant with logits.",
            variants=(
                _in_double(
                    lambda x, logits: -F.binary_cross_entropy(logits.sigmoid(), x, reduction="none").flatten(1).sum(1)
                ),
            ),
        ),
        Misconception(
            "logits limited",
            lambda x, logits: _pixels(x, logits.clamp(-100, 100)).sum((1, 2, 3)),
            "You limit the logits, so a pixel that is surely wrong costs less than it does, and its gradient vanishes. "
            "`F.binary_cross_entropy_with_logits` takes any number: leave them as they are.",
            variants=tuple(
                lambda x, logits, r=r: _pixels(x, logits.clamp(-r, r)).sum((1, 2, 3))
                for r in (5.0, 6.0, 10.0, 15.0, 16.0, 20.0, 30.0, 50.0, 80.0, 88.0)
            ),
        ),
        Misconception(
            "infinities replaced",
            lambda x, logits: _terms(x, logits.sigmoid()).nan_to_num().sum((1, 2, 3)),
            "You replace NaN and infinity by other numbers. That hides that the sigmoid has rounded to 0 or 1, where its "
            "logarithm is lost. Work with the logits: `F.binary_cross_entropy_with_logits`.",
            variants=(
                lambda x, logits: _terms(x, logits.sigmoid()).sum((1, 2, 3)).nan_to_num(),
                lambda x, logits: torch.nan_to_num(_terms(x, logits.sigmoid()), nan=0.0, neginf=-100.0).sum((1, 2, 3)),
            ),
        ),
        Misconception(
            "a distribution of probabilities",
            lambda x, logits: Bernoulli(probs=logits.sigmoid(), validate_args=False).log_prob(x).flatten(1).sum(1),
            "For mild logits this is right. But `Bernoulli(probs=...)` holds probabilities off 0 and 1, so at a logit of 200 a "
            "wrong pixel costs 16 nats in place of 200. Work with the logits: `F.binary_cross_entropy_with_logits`.",
        ),
        Misconception(
            "probability kept off zero",
            _clipped(1e-8),
            "A small number inside the logarithm hides the infinity but not the error: at a logit of 200 a wrong "
            "pixel costs 200 nats, and here it costs far less. Work with the logits, where nothing saturates.",
            variants=(
                *(_clipped(small) for small in (1e-12, 1e-10, 1e-9, 1e-7, 1e-6, 1e-5)),
                *(_clamped(small) for small in (1e-7, 1e-6, 1e-5, 1e-4)),
                *(_in_double(_clipped(small)) for small in (1e-12, 1e-10, 1e-9, 1e-8, 1e-7, 1e-6, 1e-5)),
                *(_in_double(_clamped(small)) for small in (1e-7, 1e-6, 1e-5, 1e-4)),
            ),
        ),
        Misconception(
            "overflow by hand",
            lambda x, logits: (x * logits - torch.log(1 + torch.exp(logits))).sum((1, 2, 3)),
            "The formula is right, but exp(200) overflows in float32, and the sum is infinite or cut off. `F.softplus` is "
            "log(1 + exp(l)) in a safe form, and `F.binary_cross_entropy_with_logits` does it all.",
            variants=(
                lambda x, logits: (x * logits - torch.log1p(torch.exp(logits))).sum((1, 2, 3)),
                *(
                    lambda x, logits, top=top: (x * logits - torch.log1p(logits.clamp(max=top).exp())).sum((1, 2, 3))
                    for top in (20.0, 50.0, 80.0, 88.0)
                ),
            ),
        ),
        Misconception(
            "sigmoid twice",
            lambda x, logits: _pixels(x, torch.sigmoid(logits)).sum((1, 2, 3)),
            "You apply a sigmoid and then a function that applies it again. A function whose name ends in "
            "with_logits takes the logits as they are.",
        ),
        Misconception(
            "logits as probabilities",
            _of_probabilities,
            "You take the logarithm of the logits as if they were probabilities, and a negative one gives NaN. Logits "
            "are log odds: `F.binary_cross_entropy_with_logits` takes them as they are.",
        ),
        Misconception(
            "softplus with the wrong sign",
            lambda x, logits: (x * logits + F.softplus(logits)).sum((1, 2, 3)),
            "The normaliser has the wrong sign: log p(x | z) is the sum of x l - softplus(l), which is never positive for 0/1 "
            "pixels. Take the softplus off.",
        ),
        Misconception(
            "ink weighted",
            lambda x, logits: (
                -F.binary_cross_entropy_with_logits(logits, x, reduction="none", pos_weight=torch.tensor(5.0)).sum(
                    (1, 2, 3)
                )
            ),
            "You weigh pixels of ink and of paper differently. A log-likelihood counts each pixel once: leave out "
            "`pos_weight` and `weight`.",
            variants=tuple(
                lambda x, logits, w=w: (
                    -F.binary_cross_entropy_with_logits(logits, x, reduction="none", pos_weight=torch.tensor(w)).sum(
                        (1, 2, 3)
                    )
                )
                for w in (2.0, 3.0, 4.0, 10.0)
            ),
        ),
        Misconception(
            "only the paper",
            lambda x, logits: ((1 - x) * F.logsigmoid(-logits)).sum((1, 2, 3)),
            "Only (1 - x) log(1 - p) is counted, so missing ink costs nothing. Pixels of ink, x = 1, have a term too: "
            "x log p.",
        ),
        Misconception(
            "ink and paper exchanged",
            lambda x, logits: _pixels(x, -logits).sum((1, 2, 3)),
            "Ink and paper are exchanged: you give a pixel of ink the probability of paper. p = sigmoid(logits) is the "
            "probability of 1, so it goes with x.",
        ),
        Misconception(
            "in bits",
            lambda x, logits: _pixels(x, logits).sum((1, 2, 3)) / math.log(2),
            "Your number is in bits: it uses log2 or is divided by log 2. Nats are asked for, with the natural logarithm.",
        ),
        Misconception(
            "divided by the batch",
            lambda x, logits: _pixels(x, logits).sum((1, 2, 3)) / len(x),
            "You divide by the number of pictures, so a picture's number depends on how many came along. Each keeps its own "
            "sum over the pixels.",
            variants=(lambda x, logits: _pixels(x, logits).sum() / len(x),),
        ),
        Misconception(
            "one number for all pictures",
            lambda x, logits: (_pixels(x, logits).sum() / len(x)).expand(len(x)),
            "Every picture gets the same number, the mean of the batch. Sum over the pixels of each picture: "
            "`.flatten(1).sum(1)`.",
            variants=(lambda x, logits: _pixels(x, logits).mean() * 784 + torch.zeros(len(x)),),
        ),
        Misconception(
            "pixels kept",
            lambda x, logits: _pixels(x, logits).sum(0),
            "You add up or average over the pictures and keep the pixels. It is the other way round: add up the pixels, and "
            "keep one number for each picture.",
            variants=(
                lambda x, logits: _pixels(x, logits).mean(0),
                lambda x, logits: _pixels(x, logits).mean(0).flatten(),
                lambda x, logits: _pixels(x, logits).flatten(1).sum(0),
                lambda x, logits: _pixels(x, logits).flatten(1).mean(0),
            ),
        ),
        Misconception(
            "the probability itself",
            lambda x, logits: _pixels(x, logits).sum((1, 2, 3)).exp(),
            "This is the probability itself, which rounds to 0 for hundreds of pixels. Its logarithm is asked for: leave out "
            "the last exponential.",
        ),
        Misconception(
            "logarithm of a product",
            lambda x, logits: (logits.sigmoid() ** x * (1 - logits.sigmoid()) ** (1 - x)).flatten(1).prod(1).log(),
            "You multiply 784 probabilities first, and the product rounds to 0. Add up logarithms instead, which "
            "`F.binary_cross_entropy_with_logits` gives for each pixel.",
            variants=(
                lambda x, logits: (x * logits.sigmoid() + (1 - x) * (1 - logits.sigmoid())).flatten(1).prod(1).log(),
            ),
        ),
        Misconception(
            "logarithm of a mixture",
            lambda x, logits: (x * logits.sigmoid() + (1 - x) * (1 - logits.sigmoid())).flatten(1).log().sum(1),
            "You mix p and 1 - p first and take the logarithm of that: at grey pixels it is another number, and at a logit of "
            "200 log 0. Take the logarithms first: x log p + (1 - x) log(1 - p).",
        ),
        Misconception(
            "softmax over the pixels",
            lambda x, logits: (x * F.log_softmax(logits.flatten(1), 1).view_as(x)).sum((1, 2, 3)),
            "A softmax over the pixels makes them share a sum of one, as if exactly one had ink. Each pixel is a coin of its "
            "own, with probability sigmoid(logit).",
        ),
        Misconception(
            "another distribution",
            lambda x, logits: Normal(logits, 1.0).log_prob(x).sum((1, 2, 3)),
            "This is the log density of another distribution, such as a Gaussian. A pixel that is 0 or 1 is a Bernoulli "
            "variable: x log p + (1 - x) log(1 - p).",
            variants=(
                lambda x, logits: Normal(logits.sigmoid(), 1.0).log_prob(x).sum((1, 2, 3)),
                lambda x, logits: ContinuousBernoulli(logits=logits).log_prob(x).sum((1, 2, 3)),
                lambda x, logits: ContinuousBernoulli(logits=logits.clamp(-20, 20)).log_prob(x).sum((1, 2, 3)),
                lambda x, logits: -0.5 * (x - logits).square().sum((1, 2, 3)),
            ),
        ),
        Misconception(
            "only the ink",
            lambda x, logits: (x * F.logsigmoid(logits)).sum((1, 2, 3)),
            "Only x log p is counted, so ink where there should be none costs nothing. Pixels of paper, x = 0, have a "
            "term too: (1 - x) log(1 - p).",
        ),
        Misconception(
            "squared error",
            lambda x, logits: -(x - torch.sigmoid(logits)).square().sum((1, 2, 3)),
            "This is a squared error. It stands for a Gaussian whose sigma nobody stated; for pixels that are 0 or 1 "
            "use the Bernoulli: x log p + (1 - x) log(1 - p).",
            variants=(lambda x, logits: (x - torch.sigmoid(logits)).square().sum((1, 2, 3)),),
        ),
        Misconception(
            "arguments swapped",
            lambda x, logits: _pixels(logits, x).sum((1, 2, 3)),
            "x and logits have changed places. `F.binary_cross_entropy_with_logits` wants the prediction first: "
            "`(logits, x)`.",
        ),
        Misconception(
            "picture thresholded",
            lambda x, logits: _pixels((x > 0.5).float(), logits).sum((1, 2, 3)),
            "You round the pixels to 0 and 1, or ask on which side of 1/2 they are. Take x as it comes, a grey pixel as that "
            "share of ink: x log p + (1 - x) log(1 - p).",
        ),
        Misconception(
            "only 0 and 1",
            lambda x, logits: F.logsigmoid((2 * x - 1) * logits).sum((1, 2, 3)),
            "For pixels that are 0 or 1 this is right. A grey one counts as that share of ink, x log p + (1 - x) log(1 - p), "
            "where a sign 2 x - 1, a question such as `x == 1`, or whole numbers (`.long()`) make something else of it.",
            variants=(
                lambda x, logits: _pixels((x == 1).float(), logits).sum((1, 2, 3)),
                lambda x, logits: _pixels((x > 0).float(), logits).sum((1, 2, 3)),
            ),
        ),
        Misconception(
            "entropy of the picture taken off",
            lambda x, logits: (
                bernoulli_log_prob(x, logits) - (torch.xlogy(x, x) + torch.xlogy(1 - x, 1 - x)).flatten(1).sum(1)
            ),
            "You subtract x log x + (1 - x) log(1 - x), which makes of it minus a KL between grey levels, 0 for a perfect copy. "
            "The log-likelihood is x log p + (1 - x) log(1 - p) alone.",
        ),
    ),
    cases=_cases,
    batch="x",
    probe=_probe,
    gradients=("logits",),
)
