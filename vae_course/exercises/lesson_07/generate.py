"""07-generate: pictures from noise."""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from vae_course.exercises.inputs import generator, integer, normal
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
        logits = torch.tanh(z.to(inner.dtype) @ inner + 0.3) @ outer
        return logits.reshape(*z.shape[:-1], 1, 28, 28)

    return answer(decode, eps)


def _cases(seed: int) -> list[Inputs]:
    """One shape twice, a batch as large as a lesson's, and noise and logits as far out as they ever come."""
    source = generator(seed)
    n, d = integer(source, 3, 6), integer(source, 7, 9)
    shapes = ((1, 2, 1, 1), (3, 2, 1, 1), (n, d, 1, 1), (n, d, 1, 1), (4, 20, 1, 1), (64, 20, 1, 1))
    return [
        {"inner": normal(source, d, 8), "outer": steep * normal(source, 8, 784), "eps": far * normal(source, n, d)}
        for n, d, far, steep in (*shapes, (3, 2, 6, 1), (2, 5, 1, 20))
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
                *(lambda decode, eps, factor=factor: torch.sigmoid(decode(factor * eps)) for factor in (0.7, 0.8, 0.9)),
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
            "codes changed before decoding",
            lambda decode, eps: torch.sigmoid(decode(F.normalize(eps, dim=1))),
            "You change the noise before you decode it: it is cut off, scaled, shifted or turned into something else. A draw "
            "from N(0, I) is `eps` as it is.",
            variants=(
                *(lambda decode, eps, r=r: torch.sigmoid(decode(eps.clamp(-r, r))) for r in (1, 2, 3, 4, 5)),
                lambda decode, eps: torch.sigmoid(decode(eps * eps.shape[1] ** 0.5 / eps.norm(dim=1, keepdim=True))),
                lambda decode, eps: torch.sigmoid(decode(torch.tanh(eps))),
                lambda decode, eps: torch.sigmoid(decode(eps.exp())),
                lambda decode, eps: torch.sigmoid(decode((0.5 * eps).exp())),
                lambda decode, eps: torch.sigmoid(decode((0.5 * eps).exp() * eps)),
                lambda decode, eps: torch.sigmoid(decode(eps + 1)),
                lambda decode, eps: torch.sigmoid(decode(-eps)),
                lambda decode, eps: torch.sigmoid(decode(torch.softmax(eps, 1))),
                lambda decode, eps: torch.sigmoid(decode(eps - eps.mean(0))),
                lambda decode, eps: torch.sigmoid(decode((eps - eps.mean(0)) / eps.std(0))),
                lambda decode, eps: torch.sigmoid(decode((eps - eps.mean(0)) / (eps.std(0) + 1e-8))),
            ),
        ),
        Misconception(
            "the mean of the prior",
            lambda decode, eps: torch.sigmoid(decode(torch.zeros_like(eps))),
            "You decode the same code, zero or a mean, for every picture, so all are alike. Each row of `eps` is a code of its "
            "own.",
            variants=(lambda decode, eps: torch.sigmoid(decode(eps.mean(0, keepdim=True).expand_as(eps))),),
        ),
        Misconception(
            "another function for the sigmoid",
            lambda decode, eps: torch.tanh(decode(eps)),
            "You send the logits through another function than the sigmoid. They are log odds, and only the sigmoid turns "
            "them into probabilities.",
            variants=(
                lambda decode, eps: torch.relu(decode(eps)),
                lambda decode, eps: F.softplus(decode(eps)),
                lambda decode, eps: F.hardsigmoid(decode(eps)),
                lambda decode, eps: F.logsigmoid(decode(eps)),
                lambda decode, eps: torch.special.ndtr(decode(eps)),
            ),
        ),
        Misconception(
            "twice the logits",
            lambda decode, eps: (torch.tanh(decode(eps)) + 1) / 2,
            "Your pixels are sigmoid(2 l), which is the same as (tanh(l) + 1) / 2: each is surer than the decoder says. Take "
            "`torch.sigmoid` of the logits as they are.",
            variants=(lambda decode, eps: torch.sigmoid(2 * decode(eps)),),
        ),
        Misconception(
            "softmax over the pixels",
            lambda decode, eps: torch.softmax(decode(eps).flatten(1), 1).reshape(-1, 1, 28, 28),
            "A softmax makes the pixels share a sum of one, as if exactly one had ink. Each pixel is a coin of its own: "
            "`torch.sigmoid`.",
            variants=(
                lambda decode, eps: torch.softmax(decode(eps), -1),
                lambda decode, eps: torch.softmax(decode(eps), 1),
            ),
        ),
        Misconception(
            "ink and paper exchanged",
            lambda decode, eps: 1 - torch.sigmoid(decode(eps)),
            "Ink and paper are exchanged: these are the probabilities of paper. Take the sigmoid of the logits themselves, "
            "not of their opposite, and nothing from 1.",
        ),
        Misconception(
            "probabilities changed",
            lambda decode, eps: 255 * torch.sigmoid(decode(eps)),
            "You do more to the probabilities than compute them: they are scaled, rounded or cut off. Pixels lie in [0, 1]; "
            "return what `torch.sigmoid` gives.",
            variants=(
                *(lambda decode, eps, n=n: torch.sigmoid(decode(eps)).round(decimals=n) for n in (1, 2, 3)),
                *(lambda decode, eps, e=e: torch.sigmoid(decode(eps)).clamp(e, 1 - e) for e in (0.1, 0.01, 1e-3, 1e-4)),
                lambda decode, eps: 2 * torch.sigmoid(decode(eps)) - 1,
                lambda decode, eps: torch.sigmoid(decode(eps)) / 255,
            ),
        ),
        Misconception(
            "logits limited",
            lambda decode, eps: torch.sigmoid(decode(eps).clamp(-10, 10)),
            "You limit or scale the logits before the sigmoid, so the surest pixels are less sure than the decoder is. The "
            "sigmoid takes any number: leave the logits as they are.",
            variants=(
                *(lambda decode, eps, r=r: torch.sigmoid(decode(eps).clamp(-r, r)) for r in (1, 2, 3, 5, 6, 8)),
                lambda decode, eps: torch.sigmoid(decode(eps) / 2),
            ),
        ),
        Misconception(
            "channel axis lost",
            lambda decode, eps: torch.sigmoid(decode(eps)).squeeze(1),
            "The numbers are right, but the axis of the channel is missing. Leave the shape that decode gives: "
            "[n, 1, 28, 28].",
        ),
        Misconception(
            "some of the codes",
            lambda decode, eps: torch.sigmoid(decode(eps[:16])),
            "You decode some of the codes alone, a number that is written into your function. Return one picture for each row "
            "of `eps`.",
            variants=tuple(lambda decode, eps, n=n: torch.sigmoid(decode(eps[:n])) for n in (8, 10, 32)),
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
