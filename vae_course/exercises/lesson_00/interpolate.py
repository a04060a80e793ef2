"""00-interpolate: a straight line between two codes."""

import torch
from torch import Tensor

from vae_course.exercises.inputs import generator, normal
from vae_course.exercises.model import Alternative, Exercise, Inputs, Misconception


def interpolate(z_start: Tensor, z_end: Tensor, steps: int) -> Tensor:
    """Codes on the straight line from z_start [D] to z_end [D], both included: [steps, D]."""
    t = torch.linspace(0, 1, steps).unsqueeze(1)
    return z_start + t * (z_end - z_start)


def _cases(seed: int) -> list[Inputs]:
    source = generator(seed)
    first: Inputs = {"z_start": torch.tensor([0.0, 1.0]), "z_end": torch.tensor([2.0, -1.0]), "steps": 3}
    return [first] + [
        {"z_start": normal(source, d), "z_end": normal(source, d), "steps": steps}
        for d, steps in ((2, 5), (3, 2), (2, 9), (1, 4), (20, 7))
    ]


def _loop(z_start: Tensor, z_end: Tensor, steps: int) -> Tensor:
    rows = []
    for k in range(steps):
        weight = k / (steps - 1)
        rows.append((1 - weight) * z_start + weight * z_end)
    return torch.stack(rows)


def _weights(steps: int) -> Tensor:
    return torch.linspace(0, 1, steps)[:, None]


EXERCISE = Exercise(
    id="00-interpolate",
    title="Walk from one code to another",
    points=2,
    difficulty=1,
    minutes=5,
    task=(
        "Return `steps` codes on the straight line from `z_start` to `z_end`, evenly spaced, with both ends included, "
        "as one tensor `[steps, D]`."
    ),
    hints=(
        "Each code is the start plus a share of the way to the end; the share grows evenly from 0 to 1.",
        "Row i is z_start + t_i (z_end - z_start), with t_i = i / (steps - 1) for i = 0, ..., steps - 1.",
        "`torch.linspace(0, 1, steps)` makes the shares `[steps]`; `.unsqueeze(1)` turns them into a column, so that "
        "a product with the difference `[D]` has the shape `[steps, D]`.",
    ),
    explanation=(
        "The share is a column `[steps, 1]` and the difference a row `[D]`; their product broadcasts to "
        "`[steps, D]`, one row for each code. At share 0 the row is `z_start`, at share 1 it is `z_end`."
    ),
    returns="one code per row, [steps, D]",
    reference=interpolate,
    alternatives=(
        Alternative("loop", _loop),
        Alternative("torch.lerp", lambda z_start, z_end, steps: torch.lerp(z_start, z_end, _weights(steps))),
        Alternative(
            "einsum",
            lambda z_start, z_end, steps: torch.einsum(
                "sk,kd->sd",
                torch.cat([1 - _weights(steps), _weights(steps)], 1),
                torch.stack([z_start, z_end]),
            ),
        ),
        Alternative(
            "float64",
            lambda z_start, z_end, steps: interpolate(z_start.double(), z_end.double(), steps).float(),
        ),
        Alternative("float64 result", lambda z_start, z_end, steps: _loop(z_start.double(), z_end.double(), steps)),
    ),
    misconceptions=(
        Misconception(
            "end left out",
            lambda z_start, z_end, steps: z_start + torch.arange(steps)[:, None] / steps * (z_end - z_start),
            "Your walk starts at z_start but stops one step before z_end: the shares are i / steps. With both ends "
            "included there are steps - 1 gaps between the codes, so divide by steps - 1 (`torch.linspace` does).",
        ),
        Misconception(
            "start forgotten",
            lambda z_start, z_end, steps: _weights(steps) * (z_end - z_start),
            "Your codes start at zero: they are shares of the difference z_end - z_start alone. Add z_start to each.",
        ),
        Misconception(
            "end instead of difference",
            lambda z_start, z_end, steps: z_start + _weights(steps) * z_end,
            "Your walk ends at z_start + z_end. Add a share of the difference z_end - z_start, not of z_end.",
        ),
        Misconception(
            "ends swapped",
            lambda z_start, z_end, steps: interpolate(z_end, z_start, steps),
            "Your walk is right but runs backwards, from z_end to z_start. At share 0 the code has to be z_start.",
        ),
        Misconception(
            "transposed",
            lambda z_start, z_end, steps: interpolate(z_start, z_end, steps).T,
            "The numbers are right, but each code is a column: your result is [D, steps]. The codes belong in the "
            "rows, [steps, D], so make the shares a column with `.unsqueeze(1)`.",
        ),
        Misconception(
            "ends missing",
            lambda z_start, z_end, steps: interpolate(z_start, z_end, steps + 2)[1:-1],
            "Your codes lie between the ends but leave both out. The first row has to be z_start and the last z_end: "
            "let the shares run from 0 to 1 with both included.",
        ),
        Misconception(
            "shares in a row",
            lambda z_start, z_end, steps: z_start + torch.linspace(0, 1, steps) * (z_end - z_start),
            "Your shares are a row `[steps]`, and the difference is a row `[D]`: PyTorch can't pair them, or pairs the "
            "wrong ones. Make the shares a column with `.unsqueeze(1)`.",
        ),
        Misconception(
            "one code too many",
            lambda z_start, z_end, steps: interpolate(z_start, z_end, steps + 1),
            "You return steps + 1 codes. The ends count as steps too: `torch.linspace(0, 1, steps)` has the right "
            "number of shares.",
        ),
        Misconception(
            "only the middle",
            lambda z_start, z_end, steps: ((z_start + z_end) / 2).expand(steps, -1),
            "Every row is the same code, the one halfway. The share has to grow from 0 in the first row to 1 in the "
            "last.",
            variants=(lambda z_start, z_end, steps: (z_start + z_end) / 2,),
        ),
        Misconception(
            "weights that don't add to one",
            lambda z_start, z_end, steps: _weights(steps) * z_start + _weights(steps) * z_end,
            "Both codes get the same share, so your walk runs from zero to z_start + z_end. The start's share has to "
            "shrink while the end's grows: (1 - t) z_start + t z_end.",
        ),
    ),
    cases=_cases,
)
