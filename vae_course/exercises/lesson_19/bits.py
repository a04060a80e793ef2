"""19-bits: what a data set takes, the model that decodes it included."""

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vae_course.exercises.inputs import generator, integer, normal
from vae_course.exercises.model import Alternative, Answer, Exercise, Inputs, Misconception
from vae_course.exercises.probes import one_number


def bits_per_image(elbo: Tensor, parameters: int, bits: int) -> Tensor:
    """Bits per image for the N images of elbo [N], in nats, when all parameters of so many bits each are sent first."""
    message = -elbo.sum() / math.log(2)
    weights = parameters * bits
    return (message + weights) / len(elbo)


def _probe(answer: Answer, case: Inputs) -> dict[str, Any]:
    result = one_number(answer, case)
    real = isinstance(result, Tensor) and not result.is_complex()
    return {"bits per image": result.detach().double() if real else result}


def _cases(seed: int) -> list[Inputs]:
    """A few images or many, few parameters or many, of 8 to 64 bits."""
    source = generator(seed)
    cases: list[Inputs] = [{"elbo": torch.tensor([-math.log(2.0)]).double(), "parameters": 3, "bits": 8}]
    n = integer(source, 5, 9)
    for images, parameters, bits in ((n, 40, 16), (n, 500, 32), (n + 7, 7, 64), (300, 1200, 32), (3000, 90, 8)):
        level = 60 + 30 * float(normal(source, 1).abs())
        elbo = (-level + 9 * normal(source, images)).double()
        cases.append({"elbo": elbo, "parameters": parameters + integer(source, 0, 20), "bits": bits})
    # Images in colour, whose probabilities no float64 holds.
    cases.append(
        {"elbo": (-1500 + 9 * normal(source, n)).double(), "parameters": 20 + integer(source, 0, 20), "bits": 16}
    )
    return cases


def _loop(elbo: Tensor, parameters: int, bits: int) -> float:
    total = 0.0
    for nats in elbo.tolist():
        total += -nats / math.log(2) + parameters * bits / len(elbo)
    return total / len(elbo)


EXERCISE = Exercise(
    id="19-bits",
    title="The whole message",
    points=2,
    difficulty=2,
    minutes=5,
    task=(
        "Somebody is sent N images by bits back, which costs -ELBO an image, and first the model, `parameters` numbers of "
        "`bits` bits each. Return the bits per image that all of it takes, one number; `elbo` `[N]` is in nats."
    ),
    hints=(
        "What is sent once, and what is sent for each image? In which unit is each of them?",
        "( sum of -ELBO / log 2 + parameters * bits ) / N.",
        "Sum `elbo`, turn the sign, divide by log 2 for bits; add the weights, which are bits already; divide all of it by N.",
    ),
    explanation=(
        "A code length is a property of a message that somebody can decode, and without the weights nobody can: the encoder's "
        "too, for the receiver runs it again to get the bits back. Spread over N images they cost parameters * bits / N each, so "
        "the same model is a waste for a thousand images and almost free for a billion."
    ),
    returns="one number",
    reference=bits_per_image,
    alternatives=(
        Alternative("loop", _loop),
        Alternative("mean and share", lambda elbo, p, b: -elbo.mean() / math.log(2) + p * b / elbo.numel()),
        Alternative(
            "float64 NumPy", lambda elbo, p, b: np.float64(-elbo.numpy().sum() / np.log(2) + p * b) / len(elbo)
        ),
    ),
    misconceptions=(
        Misconception(
            "weights not counted",
            lambda elbo, p, b: -elbo.mean() / math.log(2),
            "This is the message without the model that decodes it. Send the weights too, and share them among the images.",
        ),
        Misconception(
            "nats for bits",
            lambda elbo, p, b: (-elbo.sum() + p * b) / len(elbo),
            "You add nats and bits. The ELBO is in nats: divide it by log 2 first.",
        ),
        Misconception(
            "weights for every image",
            lambda elbo, p, b: -elbo.mean() / math.log(2) + p * b,
            "You send the weights again with each image. They are sent once, so each image bears one N-th of them.",
        ),
        Misconception(
            "weights in nats",
            lambda elbo, p, b: (-elbo.sum() + p * b) / math.log(2) / len(elbo),
            "You divide the weights by log 2 as well. They are counted in bits already; only the ELBO is in nats.",
        ),
        Misconception(
            "multiplied by log 2",
            lambda elbo, p, b: (-elbo.sum() * math.log(2) + p * b) / len(elbo),
            "You multiply by log 2. A nat is more than a bit, 1 / log 2 = 1.44 bits: divide.",
        ),
        Misconception(
            "sign",
            lambda elbo, p, b: (elbo.sum() / math.log(2) + p * b) / len(elbo),
            "The ELBO counts as a gain here. It is negative, and the message is as long as minus the ELBO.",
            variants=(lambda elbo, p, b: elbo.mean() / math.log(2) - p * b / len(elbo),),
        ),
        Misconception(
            "the whole message",
            lambda elbo, p, b: -elbo.sum() / math.log(2) + p * b,
            "This is the whole message. Asked for are bits per image: divide by the number of images.",
        ),
        Misconception(
            "bytes",
            lambda elbo, p, b: (-elbo.sum() / math.log(2) + p * b) / len(elbo) / 8,
            "Your number is in bytes. Asked for are bits, eight times as many.",
        ),
        Misconception(
            "one bit a parameter",
            lambda elbo, p, b: (-elbo.sum() / math.log(2) + p) / len(elbo),
            "You count the parameters, not their bits. Each of them takes `bits` bits.",
        ),
        Misconception(
            "message of all images for each",
            lambda elbo, p, b: -elbo.sum() / math.log(2) + p * b / len(elbo),
            "You share the weights among the images, but not what the images cost: their sum is the message of all N. Divide it "
            "by N too.",
        ),
        Misconception(
            "one image for all",
            lambda elbo, p, b: -elbo.max() / math.log(2) + p * b / len(elbo),
            "You take the ELBO of one image, or the median, for that of all. Asked for is what all N images take, divided by N: "
            "the mean.",
            variants=tuple(
                lambda elbo, p, b, of=of: -of(elbo) / math.log(2) + p * b / len(elbo)
                for of in (torch.min, torch.median, lambda elbo: elbo[0], lambda elbo: elbo[-1])
            ),
        ),
        Misconception(
            "digits for bits",
            lambda elbo, p, b: -elbo.mean() / math.log(10) + p * b / len(elbo),
            "Your logarithm has the base 10, which counts digits. A bit is a choice of two: divide nats by log 2.",
        ),
        Misconception(
            "shared among the parameters",
            lambda elbo, p, b: (-elbo.sum() / math.log(2) + p * b) / p,
            "You divide by the number of parameters. Asked for are bits per image: divide by N, the length of `elbo`.",
        ),
        Misconception(
            "probabilities that round to 0",
            lambda elbo, p, b: -elbo.exp().log2().mean() + p * b / len(elbo),
            "You make probabilities of the ELBO, and exp(-1500) is 0 on a computer. The logarithm is there already: divide it by "
            "log 2.",
        ),
    ),
    cases=_cases,
    probe=_probe,
    tolerance=1e-6,
)
