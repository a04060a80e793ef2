"""07-generate: pictures from noise."""

from typing import Any

import torch
from torch import Tensor

from vae_course.exercises.inputs import generator, normal
from vae_course.exercises.model import Alternative, Answer, Exercise, Inputs, Misconception

Decode = Any


def generate(decode: Decode, eps: Tensor) -> Tensor:
    """Mean images [n, 1, 28, 28] in [0, 1] from standard normal noise eps [n, D]; decode maps codes to logits."""
    # The prior is N(0, I), so the noise is already a draw from it.
    return torch.sigmoid(decode(eps))


def _probe(answer: Answer, case: Inputs) -> Any:
    """Call the answer with a small decoder made from the case, [..., D] to logits [..., 1, 28, 28]."""
    inner, outer, eps = case["inner"], case["outer"], case["eps"]
    assert isinstance(inner, Tensor) and isinstance(outer, Tensor)

    def decode(z: Tensor) -> Tensor:
        logits = torch.tanh(z.to(inner.dtype) @ inner) @ outer
        return logits.reshape(*z.shape[:-1], 1, 28, 28)

    return answer(decode, eps)


def _cases(seed: int) -> list[Inputs]:
    source = generator(seed)
    return [
        {"inner": normal(source, d, 8), "outer": normal(source, 8, 784), "eps": normal(source, n, d)}
        for n, d in ((1, 2), (3, 2), (4, 20), (2, 5))
    ]


def _loop(decode: Decode, eps: Tensor) -> Tensor:
    return torch.stack([1 / (1 + torch.exp(-decode(z))) for z in eps])


EXERCISE = Exercise(
    id="07-generate",
    title="New pictures",
    points=2,
    difficulty=2,
    minutes=4,
    task=(
        "Return the mean images, `[n, 1, 28, 28]`, of codes drawn from the prior N(0, I): `eps` `[n, D]` is standard "
        "normal noise, and `decode` turns codes into logits."
    ),
    hints=(
        "What is the mean and the spread of the prior, and what is the mean and the spread of eps?",
        "z ~ N(0, I) is z = eps, and the mean of a Bernoulli pixel is sigmoid(logit).",
        "Give `eps` to `decode` as it is, and send what comes back through `torch.sigmoid`.",
    ),
    explanation=(
        "A draw from N(0, I) needs no scaling and no encoder: eps is one. The decoder gives log odds, the sigmoid "
        "turns them into the probability of ink, and that probability is the mean of the pixel."
    ),
    returns="mean images with pixels in [0, 1], [n, 1, 28, 28]",
    reference=generate,
    alternatives=(
        Alternative("loop", _loop),
        Alternative(
            "torch.distributions",
            lambda decode, eps: torch.distributions.Bernoulli(logits=decode(eps)).mean,
        ),
        Alternative("float64", lambda decode, eps: torch.sigmoid(decode(eps.double()).double())),
        Alternative(
            "softmax of two",
            lambda decode, eps: torch.softmax(torch.stack([decode(eps), 0 * decode(eps)]), 0)[0],
        ),
        Alternative("tanh", lambda decode, eps: 0.5 + 0.5 * torch.tanh(decode(0 + 1 * eps) / 2)),
        Alternative("no_grad", lambda decode, eps: torch.no_grad()(generate)(decode, eps)),
    ),
    misconceptions=(
        Misconception(
            "logits shown",
            lambda decode, eps: decode(eps),
            "These are the logits, which run far below 0 and above 1. A picture shows probabilities: send them "
            "through `torch.sigmoid`.",
        ),
        Misconception(
            "logits cut off",
            lambda decode, eps: decode(eps).clamp(0, 1),
            "You cut the logits off at 0 and 1. They are log odds, not grey levels: `torch.sigmoid` turns them into "
            "probabilities.",
        ),
        Misconception(
            "odds shown",
            lambda decode, eps: torch.exp(decode(eps)),
            "exp of the logits gives odds, p / (1 - p), which run far above 1. The probability is odds / (1 + odds), "
            "and `torch.sigmoid(logits)` computes it at once.",
        ),
        Misconception(
            "averaged over the codes",
            lambda decode, eps: torch.sigmoid(decode(eps)).mean(0),
            "You average over the n codes, so one blurred picture is left. A mean image is the mean of the pixels at "
            "one code: return one for each row of eps.",
        ),
        Misconception(
            "sigmoid twice",
            lambda decode, eps: torch.sigmoid(torch.sigmoid(decode(eps))),
            "The sigmoid is applied twice, so that every pixel lies between 0.5 and 0.73 and the picture is a grey "
            "fog. Once is enough.",
        ),
        Misconception(
            "narrow noise",
            lambda decode, eps: torch.sigmoid(decode(0.01 * eps)),
            "The noise is shrunk, so that all codes lie near zero and all pictures look alike. The prior is N(0, I): "
            "use eps as it is.",
            variants=(
                lambda decode, eps: torch.sigmoid(decode(0.1 * eps)),
                lambda decode, eps: torch.sigmoid(decode(0.5 * eps)),
            ),
        ),
        Misconception(
            "wide noise",
            lambda decode, eps: torch.sigmoid(decode(1.5 * eps)),
            "The noise is stretched, so that these are draws from a wider distribution than the prior; pictures of "
            "them aren't samples of the model. Use eps as it is.",
            variants=(
                lambda decode, eps: torch.sigmoid(decode(2 * eps)),
                lambda decode, eps: torch.sigmoid(decode(3 * eps)),
            ),
        ),
        Misconception(
            "noise of your own",
            lambda decode, eps: torch.sigmoid(decode(torch.randn_like(eps))),
            "You draw noise of your own, so two calls with the same eps give different pictures. Use the eps that you "
            "are given.",
            variants=(lambda decode, eps: torch.sigmoid(decode(torch.rand_like(eps))),),
        ),
        Misconception(
            "thresholded",
            lambda decode, eps: (decode(eps) > 0).float(),
            "You round every pixel to black or white, which is the most likely picture, not the mean. Return the "
            "probabilities themselves.",
        ),
        Misconception(
            "sampled pixels",
            lambda decode, eps: torch.bernoulli(torch.sigmoid(decode(eps))),
            "You draw every pixel at random from its probability, which gives speckles and differs from call to call. "
            "The mean image is the probability itself.",
        ),
        Misconception(
            "code through a sigmoid",
            lambda decode, eps: torch.sigmoid(decode(torch.sigmoid(eps))),
            "You squeeze the codes into (0, 1) before decoding, where only a small corner of the latent space lives. "
            "The sigmoid belongs after the decoder, not before it.",
            variants=(lambda decode, eps: decode(torch.sigmoid(eps)),),
        ),
        Misconception(
            "flat pictures",
            lambda decode, eps: torch.sigmoid(decode(eps)).flatten(1),
            "The numbers are right, but each picture is a row of 784. Leave the shape that decode gives: "
            "[n, 1, 28, 28].",
        ),
        Misconception(
            "only one picture",
            lambda decode, eps: torch.sigmoid(decode(eps[:1])),
            "Only the first code is decoded. Give all of eps to decode: it takes a whole batch.",
            variants=(lambda decode, eps: torch.sigmoid(decode(eps[0])),),
        ),
        Misconception(
            "stretched contrast",
            lambda decode, eps: (decode(eps) - decode(eps).min()) / (decode(eps).max() - decode(eps).min()),
            "You stretch the logits to [0, 1] by their smallest and largest, so a pixel depends on all the others in "
            "the batch. `torch.sigmoid` gives each pixel's own probability.",
        ),
    ),
    cases=_cases,
    batch="eps",
    probe=_probe,
)
