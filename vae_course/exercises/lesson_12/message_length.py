"""12-message-length: what an image costs with bits back, in bits."""

import math

import numpy as np
import torch
from torch import Tensor

from vae_course.exercises.inputs import generator, integer, normal
from vae_course.exercises.model import Alternative, Exercise, Inputs, Misconception
from vae_course.exercises.probes import numbers

LOG2 = math.log(2)


def message_length(log_px_z: Tensor, log_pz: Tensor, log_qz: Tensor) -> Tensor:
    """By how many bits the message grows for each image, [B], from three log-probabilities in nats, [B] each."""
    return (log_qz - log_pz - log_px_z) / math.log(2)


def _cases(seed: int) -> list[Inputs]:
    """Powers of two that can be done by hand, a single image, then images with many pixels."""
    source = generator(seed)
    by_hand = ([-3.0, -1.0, -6.0], [-2.0, -4.0, -1.0], [-1.0, -3.0, 0.0])
    cases: list[Inputs] = [
        {name: LOG2 * torch.tensor(v) for name, v in zip(("log_px_z", "log_pz", "log_qz"), by_hand, strict=True)}
    ]
    # In the last case q was unlucky: single messages may even get shorter.
    few = integer(source, 3, 7)
    for n, pixels, q in (
        (1, -80.0, -8.0), (few, -90.0, -8.0), (few, -90.0, -8.0), (5, 0.0, -70.0), (3, -12_000.0, 40.0), (100, -90.0, -8.0)
    ):  # fmt: skip
        cases.append(
            {
                "log_px_z": pixels + 10 * normal(source, n),
                "log_pz": -28 + 3 * normal(source, n),
                "log_qz": q + 5 * normal(source, n),
            }
        )
    return cases


def _loop(log_px_z: Tensor, log_pz: Tensor, log_qz: Tensor) -> Tensor:
    return torch.stack([(q - p - x) / LOG2 for x, p, q in zip(log_px_z, log_pz, log_qz, strict=True)])


EXERCISE = Exercise(
    id="12-message-length",
    title="What an image costs",
    points=2,
    difficulty=2,
    minutes=5,
    task=(
        "Return by how many bits the message grows for each image, `[B]`, when z is popped with q, x is pushed with "
        "p(x | z) and z is pushed with the prior; given are the three log-probabilities in nats, `[B]` each."
    ),
    hints=(
        "A push makes the message longer, a pop makes it shorter. Which of the three is a pop?",
        "length = log2 q(z|x) - log2 p(x|z) - log2 p(z); and log2 a = log a / log 2.",
        "Take the two pushes off the pop, all in nats, and divide by `math.log(2)` at the end.",
    ),
    explanation=(
        "A push of probability p costs -log2 p bits. The pop takes -log2 q(z|x) bits off the stack, and the receiver puts "
        "them back, so they are not lost. What is left is minus the log weight of lesson 11, in bits; its mean over q is "
        "-ELBO / log 2."
    ),
    returns="one number per image, [B]",
    reference=message_length,
    alternatives=(
        Alternative("loop", _loop),
        Alternative("one over log 2", lambda x, p, q: -(x + p - q) * 1.4426950408889634),
        Alternative("NumPy", lambda x, p, q: np.divide(q.numpy() - p.numpy() - x.numpy(), LOG2)),
        Alternative("list of numbers", lambda x, p, q: [n / LOG2 for n in (q - p - x).tolist()]),
        Alternative("float64", lambda x, p, q: (q.double() - p.double() - x.double()) / LOG2),
        Alternative("each in bits", lambda x, p, q: q / LOG2 - p / LOG2 - x / LOG2),
    ),
    misconceptions=(
        Misconception(
            "in nats",
            lambda x, p, q: q - p - x,
            "The parts are right, but this is in nats. A message consists of bits: divide by log 2.",
        ),
        Misconception(
            "nothing comes back",
            lambda x, p, q: (-p - x) / LOG2,
            "You count the two pushes only. The pop took -log2 q(z | x) bits off the stack, which the receiver gets back: "
            "take them off.",
        ),
        Misconception(
            "sign of the pop",
            lambda x, p, q: (-q - p - x) / LOG2,
            "You count the pop as a cost too. log q is negative as a rule, so adding it, not subtracting it, shortens the "
            "message.",
        ),
        Misconception(
            "multiplied by log 2",
            lambda x, p, q: (q - p - x) * LOG2,
            "You multiply by log 2. A nat is 1.44 bits, so the number of bits is larger: divide.",
        ),
        Misconception(
            "the bound, not the length",
            lambda x, p, q: (x + p - q) / LOG2,
            "This is the log weight in bits, whose mean is the ELBO: negative. A length is minus that.",
            variants=(lambda x, p, q: x + p - q,),
        ),
        Misconception(
            "prior forgotten",
            lambda x, p, q: (q - x) / LOG2,
            "z itself is missing: the receiver pops it with the prior, so it has to be pushed, at -log2 p(z) bits.",
        ),
        Misconception(
            "pixels only",
            lambda x, p, q: -x / LOG2,
            "You count the pixels only. The receiver needs z to know their probabilities, so z is sent as well.",
        ),
        Misconception(
            "never below zero",
            lambda x, p, q: ((q - p - x) / LOG2).clamp(min=0),
            "You hold the length at 0 or above. A single message may get shorter: where q was unlikely, the pop takes more off "
            "than the pushes put on. Leave it negative.",
            variants=(lambda x, p, q: ((q - p - x) / LOG2).abs(),),
        ),
        Misconception(
            "whole bits",
            lambda x, p, q: ((q - p - x) / LOG2).ceil(),
            "You round to whole bits. The state is one long number, and a symbol may cost a fraction of a bit: leave the length "
            "as it is.",
            variants=(lambda x, p, q: ((q - p - x) / LOG2).round(), lambda x, p, q: ((q - p - x) / LOG2).floor()),
        ),
        Misconception(
            "bytes",
            lambda x, p, q: (q - p - x) / LOG2 / 8,
            "These are bytes. Bits are asked for: leave the division by 8 out.",
        ),
        Misconception(
            "prior's sign",
            lambda x, p, q: (q + p - x) / LOG2,
            "log p(z) has the wrong sign. z is pushed with the prior, which makes the message longer by -log2 p(z).",
        ),
        Misconception(
            "probabilities that round to zero",
            lambda x, p, q: -torch.log2(x.exp() * p.exp() / q.exp()),
            "You go back to the probabilities, which round to 0 on a computer. Stay with the logarithms: divide "
            "them by log 2.",
            variants=(
                lambda x, p, q: torch.log2(q.exp()) - torch.log2(x.exp()) - torch.log2(p.exp()),
                lambda x, p, q: torch.log2(q.exp() / (x.exp() * p.exp())),
                lambda x, p, q: -torch.log2((x + p - q).exp()),
                lambda x, p, q: torch.log2((q - x - p).exp()),
            ),
        ),
        Misconception(
            "logarithm of a logarithm",
            lambda x, p, q: (q - x - p).log2(),
            "You take the logarithm to base 2 of nats, which are logarithms already. Divide by log 2.",
            variants=(
                lambda x, p, q: (q - x - p).abs().log2(),
                lambda x, p, q: q.abs().log2() - x.abs().log2() - p.abs().log2(),
                lambda x, p, q: x.abs().log2() + p.abs().log2() - q.abs().log2(),
            ),
        ),
        Misconception(
            "all logarithms taken for negative",
            lambda x, p, q: (x.abs() + p.abs() - q.abs()) / LOG2,
            "You use the sizes of the three logarithms. A density can be above 1 and its logarithm above 0: keep the signs.",
        ),
        Misconception(
            "averaged over the batch",
            lambda x, p, q: (q - p - x).mean() / LOG2,
            "You average over the images. Return one length for each, `[B]`; images differ a lot.",
            variants=(lambda x, p, q: (q - p - x).sum() / LOG2,),
        ),
    ),
    cases=_cases,
    batch="log_px_z",
    probe=numbers,
)
