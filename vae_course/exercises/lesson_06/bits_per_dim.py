"""06-bits-per-dim: from nats of a density on [0, 1] to bits for each pixel with so many grey levels."""

import math

import torch
from torch import Tensor

from vae_course.exercises.inputs import generator, integer, normal
from vae_course.exercises.model import Alternative, Exercise, Inputs, Misconception
from vae_course.exercises.probes import numbers

LOG2 = math.log(2)


def bits_per_dim(nll: Tensor, pixels: int, levels: int) -> Tensor:
    """Bits per pixel [B] from -log p(x) [B] in nats of a density over so many pixels in [0, 1] with so many levels."""
    return nll / (pixels * math.log(2)) + math.log2(levels)


def _cases(seed: int) -> list[Inputs]:
    """Densities may exceed one, so losses and even bits may be negative; 256 levels are not the only choice."""
    source = generator(seed)
    b, n = integer(source, 4, 9), integer(source, 10, 60)
    cases: list[Inputs] = [
        {"nll": torch.tensor([-100.0]), "pixels": 784, "levels": 256},
        {"nll": torch.tensor([300.0, -50.0]), "pixels": 100, "levels": 16},
        {"nll": torch.tensor([-1e4, 1e5, 0.0]), "pixels": 784, "levels": 2},
    ]
    for size, pixels, levels in ((1, n, 4), (b, n, 32), (b, n, 5), (3, 3, 256), (32, 3072, 256)):
        cases.append({"nll": 1.5 * pixels * (normal(source, size) + 0.4), "pixels": pixels, "levels": levels})
    return cases


def _loop(nll: Tensor, pixels: int, levels: int) -> Tensor:
    bits = []
    for one in nll:
        bits.append((one / LOG2 + pixels * math.log2(levels)) / pixels)
    return torch.stack(bits)


EXERCISE = Exercise(
    id="06-bits-per-dim",
    title="Bits for each pixel",
    points=2,
    difficulty=3,
    minutes=5,
    task=(
        "Return the bits per pixel, `[B]`, of images with `levels` grey levels, from `nll` `[B]`, -log p(x) in nats of a "
        "density over `pixels` pixels that were scaled to [0, 1]."
    ),
    hints=(
        "Two conversions: nats of an image to bits of a pixel, and a density on [0, 1] to the probability of one level, "
        "which is a bin of width 1 / levels.",
        "bits = nll / (pixels log 2) + log2(levels).",
        "`math.log(2)` converts nats to bits, `math.log2` gives the second term, and that one is added once for each "
        "pixel, not once for each image.",
    ),
    explanation=(
        "The probability of a level is about the density times the width of its bin. Its -log2 is the density's plus "
        "log2 of the number of levels: 8 bits for 256. A density that is 1 everywhere on [0, 1], which says nothing, "
        "then costs 8 bits per pixel, as storing the pixel does."
    ),
    returns="one number per image, [B]",
    reference=bits_per_dim,
    alternatives=(
        Alternative("loop", _loop),
        Alternative(
            "nats first",
            lambda nll, pixels, levels: (nll + pixels * math.log(levels)) / pixels / LOG2,
        ),
        Alternative("float64", lambda nll, pixels, levels: bits_per_dim(nll.double(), pixels, levels)),
        Alternative(
            "logarithm to base two of the probability",
            lambda nll, pixels, levels: -torch.log2(torch.exp(-nll.double() / pixels) / levels),
        ),
        Alternative("NumPy", lambda nll, pixels, levels: nll.numpy() / (pixels * LOG2) + math.log2(levels)),
        Alternative(
            "list", lambda nll, pixels, levels: [one / (pixels * LOG2) + math.log2(levels) for one in nll.tolist()]
        ),
    ),
    misconceptions=(
        Misconception(
            "levels forgotten",
            lambda nll, pixels, levels: nll / (pixels * LOG2),
            "These are the bits of a density, not of pixels with grey levels: they may be negative. Add log2 of the "
            "number of levels.",
        ),
        Misconception(
            "levels subtracted",
            lambda nll, pixels, levels: nll / (pixels * LOG2) - math.log2(levels),
            "You subtract log2(levels). A bin is narrow, so its probability is small and its cost high: add.",
        ),
        Misconception(
            "levels once for the image",
            lambda nll, pixels, levels: (nll / LOG2 + math.log2(levels)) / pixels,
            "You add log2(levels) once for the whole image. Every pixel has its own bin: add it once for each.",
            variants=(
                lambda nll, pixels, levels: (nll + math.log(levels)) / (pixels * LOG2),
                lambda nll, pixels, levels: (nll + math.log2(levels)) / (pixels * LOG2),
            ),
        ),
        Misconception(
            "levels in nats",
            lambda nll, pixels, levels: nll / (pixels * LOG2) + math.log(levels),
            "Your second term is in nats: for 256 levels it is 5.5 where 8 belongs. Use the logarithm to base 2.",
        ),
        Misconception(
            "all in nats",
            lambda nll, pixels, levels: nll / pixels + math.log(levels),
            "These are nats per pixel. Divide by log 2 to get bits.",
            variants=(lambda nll, pixels, levels: nll / pixels,),
        ),
        Misconception(
            "always 8",
            lambda nll, pixels, levels: nll / (pixels * LOG2) + 8,
            "You add 8 whatever `levels` is. That is right for 256 levels only: add log2(levels).",
        ),
        Misconception(
            "levels divided by log 2 too",
            lambda nll, pixels, levels: (nll / pixels + math.log2(levels)) / LOG2,
            "You divide log2(levels) by log 2, but it is in bits already. Divide only the nats.",
            variants=(lambda nll, pixels, levels: (nll + pixels * math.log2(levels)) / (pixels * LOG2),),
        ),
        Misconception(
            "one level less",
            lambda nll, pixels, levels: nll / (pixels * LOG2) + math.log2(levels - 1),
            "You count one level less. The interval [0, 1] is shared out among all of them, so a bin has the width "
            "1 / levels: add log2(levels).",
            variants=(lambda nll, pixels, levels: nll / (pixels * LOG2) + math.log2(levels + 1),),
        ),
        Misconception(
            "whole bits",
            lambda nll, pixels, levels: nll / (pixels * LOG2) + math.ceil(math.log2(levels)),
            "You round log2(levels) to whole bits. A bin of width 1/5 costs log2(5) = 2.32 bits: leave it as it is.",
            variants=(
                lambda nll, pixels, levels: nll / (pixels * LOG2) + int(math.log2(levels)),
                lambda nll, pixels, levels: nll / (pixels * LOG2) + round(math.log2(levels)),
                lambda nll, pixels, levels: nll / (pixels * LOG2) + levels.bit_length(),
            ),
        ),
        Misconception(
            "always 784 pixels",
            lambda nll, pixels, levels: nll / (784 * LOG2) + math.log2(levels),
            "You divide by 784 whatever `pixels` is. That is right for images of 28 by 28 only: divide by `pixels`.",
            variants=(lambda nll, pixels, levels: nll / (784 * LOG2) + 8,),
        ),
        Misconception(
            "the number of levels itself",
            lambda nll, pixels, levels: nll / (pixels * LOG2) + levels,
            "You add the number of levels. A bin of width 1 / levels costs the logarithm to base 2 of that number.",
        ),
        Misconception(
            "never negative",
            lambda nll, pixels, levels: bits_per_dim(nll, pixels, levels).clamp(min=0),
            "You keep numbers from being negative. A density may exceed one, so its -log p may be negative, and here "
            "even the bits may: return what comes out.",
            variants=(
                lambda nll, pixels, levels: bits_per_dim(nll.abs(), pixels, levels),
                lambda nll, pixels, levels: bits_per_dim(nll.clamp(min=0), pixels, levels),
                lambda nll, pixels, levels: bits_per_dim(nll, pixels, levels).abs(),
            ),
        ),
        Misconception(
            "nats not converted",
            lambda nll, pixels, levels: nll / pixels + math.log2(levels),
            "Your first term is still in nats. Divide it by log 2.",
        ),
        Misconception(
            "multiplied by log 2",
            lambda nll, pixels, levels: nll * LOG2 / pixels + math.log2(levels),
            "You multiply by log 2. One bit is log 2 = 0.69 nats, so the same cost is more bits than nats: divide.",
            variants=(lambda nll, pixels, levels: (nll / pixels + math.log(levels)) * LOG2,),
        ),
        Misconception(
            "bits of the image",
            lambda nll, pixels, levels: nll / LOG2 + pixels * math.log2(levels),
            "These are the bits of the whole image. Divide by the number of pixels.",
            variants=(
                lambda nll, pixels, levels: nll / LOG2 + math.log2(levels),
                lambda nll, pixels, levels: nll / LOG2,
            ),
        ),
        Misconception(
            "sign",
            lambda nll, pixels, levels: math.log2(levels) - nll / (pixels * LOG2),
            "You turned the sign of `nll`, which is a cost already: a higher -log p(x) takes more bits.",
            variants=(lambda nll, pixels, levels: -bits_per_dim(nll, pixels, levels),),
        ),
        Misconception(
            "averaged over the batch",
            lambda nll, pixels, levels: bits_per_dim(nll, pixels, levels).mean(),
            "Your result is one number for the whole batch. Return one for each image, `[B]`.",
        ),
        Misconception(
            "levels as the base",
            lambda nll, pixels, levels: nll / (pixels * math.log(levels)),
            "You take a logarithm to the base `levels`. Bits are logarithms to base 2, and the levels make a summand: each "
            "bin has the width 1 / levels.",
        ),
    ),
    cases=_cases,
    batch="nll",
    probe=numbers,
)
