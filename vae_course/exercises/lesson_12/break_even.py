"""12-break-even: from how many images on a model pays for its own weights."""

import itertools
import math
from typing import Any

import torch

from vae_course.exercises.inputs import generator, integer, uniform
from vae_course.exercises.model import Alternative, Answer, AnswerError, Exercise, Inputs, Misconception


def break_even(weight_bytes: int, our_bits: float, rival_bits: float) -> int:
    """The fewest images from which weights and message are no longer than the rival's message; rates in bits per image."""
    return math.ceil(8 * weight_bytes / (rival_bits - our_bits))


def _probe(answer: Answer, case: Inputs) -> dict[str, Any]:
    result = answer(*case.values())
    if isinstance(result, float) and result.is_integer():
        raise AnswerError("return a whole number of Python's kind `int`; this one is whole, but a float.")
    if not isinstance(result, int):
        raise AnswerError(f"return a whole number of Python's kind `int`, not a {type(result).__name__}.")
    return {"images": torch.tensor(float(result), dtype=torch.float64)}


def _cases(seed: int) -> list[Inputs]:
    """100 bytes against 8 bits an image, where both are the same at 100 images; then others."""
    source = generator(seed)
    cases: list[Inputs] = [{"weight_bytes": 100, "our_bits": 24.0, "rival_bits": 32.0}]
    for size in (1000, 30_000, 200_000):
        ours, more = (60 + 40 * uniform(source, 2)).tolist()
        cases.append({"weight_bytes": integer(source, size, 2 * size), "our_bits": ours, "rival_bits": ours + more})
    # A gain of less than a bit, one that is next to nothing, and one so large that a single image pays.
    whole, quarters = integer(source, 50, 90), integer(source, 1, 3)
    cases.append(
        {"weight_bytes": integer(source, 500, 900), "our_bits": whole - quarters / 4, "rival_bits": float(whole)}
    )
    cases.append({"weight_bytes": integer(source, 5000, 9000), "our_bits": whole - 1 / 64, "rival_bits": float(whole)})
    return [*cases, {"weight_bytes": integer(source, 20, 90), "our_bits": 100.0, "rival_bits": 1100.0 + whole}]


EXERCISE = Exercise(
    id="12-break-even",
    title="When does the model pay?",
    points=2,
    difficulty=2,
    minutes=6,
    task=(
        "The receiver does not have the model yet, so its weights of `weight_bytes` bytes are sent first. Return the "
        "smallest whole number of images from which all of it is no longer than the rival's message, which needs no "
        "weights; `our_bits` and `rival_bits` are bits per image, ours the "
        "fewer (otherwise there is no such number)."
    ),
    hints=(
        "The weights are paid once. What is gained with each image?",
        "8 W + n a <= n c, with W in bytes, a and c in bits per image; solve for n.",
        "Divide the weights, in bits, by the bits gained per image, and round up with `math.ceil`.",
    ),
    explanation=(
        "8 W + n a <= n c means n >= 8 W / (c - a). A byte has 8 bits, and a part of an image can't be sent, so round up."
    ),
    returns="one whole number",
    reference=break_even,
    alternatives=(
        Alternative(
            "loop",
            lambda weight_bytes, our_bits, rival_bits: next(
                n for n in itertools.count(1) if 8 * weight_bytes <= n * (rival_bits - our_bits)
            ),
        ),
        Alternative(
            "float64",
            lambda w, a, b: int((torch.tensor(8.0 * w, dtype=torch.float64) / (b - a)).ceil()),
        ),
        Alternative("rounded down on the other side", lambda w, a, b: -int(8 * w // (a - b))),
    ),
    misconceptions=(
        Misconception(
            "bytes taken for bits",
            lambda w, a, b: math.ceil(w / (b - a)),
            "You divide bytes by bits. The weights have 8 bits for each byte.",
        ),
        Misconception(
            "divided by 8",
            lambda w, a, b: math.ceil(w / 8 / (b - a)),
            "You divide the bytes by 8. A byte has 8 bits, so there are more bits than bytes: multiply.",
            variants=(lambda w, a, b: math.ceil(w // 8 / (b - a)),),
        ),
        Misconception(
            "bytes taken for kilobytes",
            lambda w, a, b: math.ceil(8 * 1024 * w / (b - a)),
            "You count 1024 bytes, or 1000, for each byte. `weight_bytes` is in bytes, of 8 bits each.",
            variants=(lambda w, a, b: math.ceil(8 * 1000 * w / (b - a)),),
        ),
        Misconception(
            "rounded up too early",
            lambda w, a, b: 8 * math.ceil(w / (b - a)),
            "You round up before you multiply by 8, so the number of images is a multiple of 8 and may be too large. Round once, "
            "at the end.",
            variants=(lambda w, a, b: math.ceil(8 * math.ceil(w / (b - a))),),
        ),
        Misconception(
            "rounded down",
            lambda w, a, b: math.floor(8 * w / (b - a)) - (1 if (8 * w / (b - a)).is_integer() else 0),
            "At this number of images the rival is still ahead. Round up.",
            variants=(lambda w, a, b: math.floor(8 * w / (b - a)), lambda w, a, b: int(8 * w // (b - a))),
        ),
        Misconception(
            "always one more",
            lambda w, a, b: int(8 * w / (b - a)) + 1,
            "Where the division comes out even, as for 100 bytes and 8 bits, this is one image too many. `math.ceil` rounds "
            "up only where there is something to round.",
        ),
        Misconception(
            "a float, rounded up",
            lambda w, a, b: float(math.ceil(8 * w / (b - a))),
            "The number is right, but it is of Python's kind `float`. Images are counted: return the `int` that `math.ceil` "
            "gives.",
        ),
        Misconception(
            "the rival's whole rate",
            lambda w, a, b: math.ceil(8 * w / b),
            "You ask when the rival's message is as long as the weights. But your images cost something, too: only the "
            "difference of the two rates is gained.",
        ),
        Misconception(
            "own rate",
            lambda w, a, b: math.ceil(8 * w / a),
            "You compare the weights with your own images. What counts is how many bits each image saves against the rival.",
        ),
        Misconception(
            "difference turned round",
            lambda w, a, b: math.ceil(8 * w / (a - b)),
            "The result is negative: you subtract the larger rate from the smaller one. An image gains `rival_bits - "
            "our_bits`.",
        ),
        Misconception(
            "not a whole number",
            lambda w, a, b: 8 * w / (b - a),
            "This is the crossing of two lines. Images come whole: round up to the next one with `math.ceil`.",
        ),
        Misconception(
            "both rates added",
            lambda w, a, b: math.ceil(8 * w / (a + b)),
            "You add the two rates. You send one message or the other; each image gains their difference.",
        ),
    ),
    cases=_cases,
    probe=_probe,
    tolerance=1e-13,
)
