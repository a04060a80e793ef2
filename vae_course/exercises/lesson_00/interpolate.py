"""00-interpolate: a straight line between two codes."""

import torch
from torch import Tensor
from torch.nn import functional as F

from vae_course.exercises.inputs import generator, integer, normal
from vae_course.exercises.model import Alternative, Exercise, Inputs, Misconception


def interpolate(z_start: Tensor, z_end: Tensor, steps: int) -> Tensor:
    """Codes on the straight line from z_start [D] to z_end [D], both included: [steps, D]."""
    t = torch.linspace(0, 1, steps).unsqueeze(1)
    return z_start + t * (z_end - z_start)


def _cases(seed: int) -> list[Inputs]:
    source = generator(seed)
    first: Inputs = {"z_start": torch.tensor([0.0, 1.0]), "z_end": torch.tensor([2.0, -1.0]), "steps": 3}
    d, steps = integer(source, 3, 6), integer(source, 7, 12)
    # One shape twice, as many steps as numbers in a code, long walks, and ends far from zero and from each other.
    shapes = ((2, 5, 1), (3, 2, 1), (d, steps, 1), (d, steps, 1), (1, 4, 1), (4, 4, 1), (20, 100, 1), (d, 6, 30))
    return [first] + [
        {"z_start": far * normal(source, d), "z_end": far * normal(source, d), "steps": steps}
        for d, steps, far in shapes
    ]


def _loop(z_start: Tensor, z_end: Tensor, steps: int) -> Tensor:
    rows = []
    for k in range(steps):
        weight = k / (steps - 1)
        rows.append((1 - weight) * z_start + weight * z_end)
    return torch.stack(rows)


def _weights(steps: int) -> Tensor:
    return torch.linspace(0, 1, steps)[:, None]


def _by(shares: Tensor, z_start: Tensor, z_end: Tensor) -> Tensor:
    """Codes at these shares `[steps, 1]` of the way."""
    return z_start + shares * (z_end - z_start)


def _on_a_circle(z_start: Tensor, z_end: Tensor, steps: int) -> Tensor:
    """Spherical interpolation."""
    cosine = (z_start @ z_end / z_start.norm() / z_end.norm()).clamp(-1, 1)
    angle, t = torch.arccos(cosine), _weights(steps)
    return (torch.sin((1 - t) * angle) * z_start + torch.sin(t * angle) * z_end) / torch.sin(angle)


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
            "start left out",
            lambda z_start, z_end, steps: _by((torch.arange(steps)[:, None] + 1) / steps, z_start, z_end),
            "Your walk begins one step after z_start: the shares are (i + 1) / steps. The first share has to be 0 and the "
            "last 1, so divide i = 0, ..., steps - 1 by steps - 1 (`torch.linspace` does).",
        ),
        Misconception(
            "difference turned round",
            lambda z_start, z_end, steps: z_start + _weights(steps) * (z_start - z_end),
            "Your walk begins at z_start and goes away from z_end: the difference is turned round. Add a share of "
            "z_end - z_start.",
        ),
        Misconception(
            "unevenly spaced",
            lambda z_start, z_end, steps: _by(_weights(steps) ** 2, z_start, z_end),
            "Your walk has the right ends, but its codes are not evenly spaced: the shares speed up or slow down. Let "
            "them grow by the same amount at each step, as `torch.linspace(0, 1, steps)` does.",
            variants=(
                lambda z_start, z_end, steps: _by(_weights(steps).sqrt(), z_start, z_end),
                lambda z_start, z_end, steps: _by(_weights(steps) ** 2 * (3 - 2 * _weights(steps)), z_start, z_end),
                lambda z_start, z_end, steps: _by(0.5 - 0.5 * torch.cos(torch.pi * _weights(steps)), z_start, z_end),
            ),
        ),
        Misconception(
            "a number of steps of your own",
            lambda z_start, z_end, steps: interpolate(z_start, z_end, 10),
            "You return a number of codes that is written into your function. Let the argument `steps` say how many: "
            "`torch.linspace(0, 1, steps)`.",
            variants=tuple(
                lambda z_start, z_end, steps, own=own: interpolate(z_start, z_end, own)
                for own in (3, 5, 7, 8, 9, 11, 20, 50, 100)
            ),
        ),
        Misconception(
            "an arc",
            _on_a_circle,
            "Your walk follows an arc around zero (spherical interpolation), not the straight line. Mix the two codes with "
            "the shares themselves: (1 - t) z_start + t z_end.",
            variants=(
                lambda z_start, z_end, steps: F.normalize(interpolate(z_start, z_end, steps), dim=1) * z_start.norm(),
                lambda z_start, z_end, steps: F.normalize(interpolate(z_start, z_end, steps), dim=1),
            ),
        ),
        Misconception(
            "joined end to end",
            lambda z_start, z_end, steps: interpolate(z_start, z_end, steps).flatten(),
            "All codes stand one behind the other in a single row. Each code is a row of its own, `[steps, D]`: "
            "`torch.stack` puts them so, `torch.cat` joins them end to end.",
        ),
        Misconception(
            "one share missing",
            lambda z_start, z_end, steps: (1 - _weights(steps)) * z_start + z_end,
            "Only one of the two codes is weighted, so your walk has a wrong end. The shares belong to both: "
            "(1 - t) z_start + t z_end.",
            variants=(lambda z_start, z_end, steps: (1 - _weights(steps)) * z_start,),
        ),
        Misconception(
            "one coordinate for all",
            lambda z_start, z_end, steps: torch.linspace(float(z_start[0]), float(z_end[0]), steps)[:, None].expand(
                -1, len(z_start)
            ),
            "Every column holds the walk of the first coordinate. Each coordinate has its own start and end.",
        ),
        Misconception(
            "codes cut off",
            lambda z_start, z_end, steps: interpolate(z_start, z_end, steps).clamp(-3, 3),
            "Codes far from zero are cut off, so a walk may miss its ends. Return the codes as they are.",
            variants=(
                lambda z_start, z_end, steps: interpolate(z_start, z_end, steps).clamp(-1, 1),
                lambda z_start, z_end, steps: interpolate(z_start, z_end, steps).clamp(0, 1),
            ),
        ),
        Misconception(
            "weights that don't add to one",
            lambda z_start, z_end, steps: _weights(steps) * z_start + _weights(steps) * z_end,
            "Both codes get the same share, so your walk runs from zero to z_start + z_end. The start's share has to "
            "shrink while the end's grows: (1 - t) z_start + t z_end.",
        ),
        Misconception(
            "middles of the steps",
            lambda z_start, z_end, steps: _by((torch.arange(steps) + 0.5) / steps, z_start, z_end),
            "Your shares are the middles of `steps` equal parts, so neither end is among the codes. Both are included: the "
            "first share is 0 and the last 1.",
        ),
    ),
    cases=_cases,
)
