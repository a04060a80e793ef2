"""08-slerp: walk from one code to another on an arc."""

import torch
from torch import Tensor
from torch.nn import functional as F

from vae_course.exercises.inputs import generator, normal
from vae_course.exercises.model import Alternative, Exercise, Inputs, Misconception


def _angle(z_start: Tensor, z_end: Tensor) -> Tensor:
    return torch.acos((z_start @ z_end) / (z_start.norm() * z_end.norm()))


def slerp(z_start: Tensor, z_end: Tensor, t: Tensor) -> Tensor:
    """Codes on the arc from z_start [D] to z_end [D], one for each t [T]: [T, D]."""
    cosine = (z_start @ z_end) / (z_start.norm() * z_end.norm())
    angle, t = torch.acos(cosine), t.unsqueeze(1)
    return (torch.sin((1 - t) * angle) * z_start + torch.sin(t * angle) * z_end) / torch.sin(angle)


def _cases(seed: int) -> list[Inputs]:
    """A quarter of a circle by hand, then codes of unequal length in 2 to 7 dimensions, never nearly parallel."""
    source = generator(seed)
    cases: list[Inputs] = [
        {
            "z_start": torch.tensor([2.0, 0.0, 0.0]),
            "z_end": torch.tensor([0.0, 2.0, 0.0]),
            "t": torch.tensor([0.0, 1 / 3, 0.5, 1.0]),
        }
    ]
    for d, steps in ((2, 5), (4, 3), (7, 6)):
        z_start = normal(source, d)
        aside = normal(source, d)
        aside = aside - (aside @ z_start) / (z_start @ z_start) * z_start
        mixed = 0.6 * z_start / z_start.norm() + (0.5 + torch.rand((), generator=source)) * aside / aside.norm()
        t = torch.linspace(0, 1, steps) if d == 4 else torch.rand(steps, generator=source)
        cases.append({"z_start": z_start, "z_end": 1.7 * mixed, "t": t})
    return cases


def _loop(z_start: Tensor, z_end: Tensor, t: Tensor) -> Tensor:
    a, b = z_start / (z_start * z_start).sum().sqrt(), z_end / (z_end * z_end).sum().sqrt()
    angle = torch.arccos((a * b).sum())
    steps = []
    for share in t:
        first = torch.sin((1 - share) * angle) / torch.sin(angle)
        second = torch.sin(share * angle) / torch.sin(angle)
        steps.append(first * z_start + second * z_end)
    return torch.stack(steps)


def _einsum(z_start: Tensor, z_end: Tensor, t: Tensor) -> Tensor:
    angle = torch.acos(F.cosine_similarity(z_start, z_end, dim=0))
    weights = torch.stack([torch.sin((1 - t) * angle), torch.sin(t * angle)]) / torch.sin(angle)
    return torch.einsum("kt,kd->td", weights, torch.stack([z_start, z_end]))


def _line(z_start: Tensor, z_end: Tensor, t: Tensor) -> Tensor:
    return z_start + t.unsqueeze(1) * (z_end - z_start)


def _with_angle(z_start: Tensor, z_end: Tensor, t: Tensor, angle: Tensor) -> Tensor:
    t = t.unsqueeze(1)
    return (torch.sin((1 - t) * angle) * z_start + torch.sin(t * angle) * z_end) / torch.sin(angle)


def _rescaled_line(z_start: Tensor, z_end: Tensor, t: Tensor) -> Tensor:
    lengths = z_start.norm() + t.unsqueeze(1) * (z_end.norm() - z_start.norm())
    return lengths * F.normalize(_line(z_start, z_end, t), dim=1)


EXERCISE = Exercise(
    id="08-slerp",
    title="Along the arc",
    points=3,
    difficulty=3,
    minutes=10,
    task=(
        "Return the codes of a spherical walk from `z_start` `[D]` to `z_end` `[D]`, one for each `t` `[T]` between 0 and 1: "
        "`[T, D]`."
    ),
    hints=(
        "You need the angle between the two codes. Its cosine is their inner product once both have length one.",
        "z(t) = [ sin((1 - t) angle) z_start + sin(t angle) z_end ] / sin(angle), cos(angle) = z_start . z_end / (|z_start| "
        "|z_end|).",
        "`torch.acos` of the cosine gives the angle; make `t` a column, `[T, 1]`, so that it multiplies rows `[D]`; then the "
        "formula as it stands.",
    ),
    explanation=(
        "The two sines are the shares with which two directions mix to the direction t of the way along the arc. Between "
        "codes of equal length each step has that length too, and each step turns by the same angle."
    ),
    returns="one code for each t, [T, D]",
    reference=slerp,
    alternatives=(
        Alternative("loop", _loop),
        Alternative("einsum", _einsum),
        Alternative("float64", lambda z_start, z_end, t: slerp(z_start.double(), z_end.double(), t.double())),
    ),
    misconceptions=(
        Misconception(
            "straight line",
            _line,
            "This is the straight walk, which cuts across. On the arc the shares are sin((1 - t) angle) / sin(angle) and "
            "sin(t angle) / sin(angle).",
        ),
        Misconception(
            "inner product without lengths",
            lambda a, b, t: _with_angle(a, b, t, torch.acos((a @ b).clamp(-0.999, 0.999))),
            "You took the inner product itself for the cosine. It is the cosine only for codes of length one: divide by both "
            "lengths.",
            variants=(lambda a, b, t: _with_angle(a, b, t, torch.acos(a @ b)),),
        ),
        Misconception(
            "cosine as the angle",
            lambda a, b, t: _with_angle(a, b, t, torch.cos(_angle(a, b))),
            "You use the cosine as if it were the angle, or took a cosine once more: arccos is missing. `torch.acos` gives the "
            "angle of a cosine.",
            variants=(lambda a, b, t: _with_angle(a, b, t, (a @ b) / (a.norm() * b.norm())),),
        ),
        Misconception(
            "degrees",
            lambda a, b, t: _with_angle(a, b, t, torch.rad2deg(_angle(a, b))),
            "Your angle is in degrees, but `torch.sin` takes radians, which is what `torch.acos` gives.",
        ),
        Misconception(
            "not divided",
            lambda a, b, t: slerp(a, b, t) * torch.sin(_angle(a, b)),
            "The division by sin(angle) is missing, so the walk does not begin at z_start.",
        ),
        Misconception(
            "backwards",
            lambda a, b, t: slerp(b, a, t),
            "Your walk goes from z_end to z_start. At t = 0 the share of z_start is one: sin((1 - t) angle) goes with it.",
        ),
        Misconception(
            "cosines for sines",
            lambda a, b, t: torch.cos(t.unsqueeze(1) * _angle(a, b)) * a + torch.sin(t.unsqueeze(1) * _angle(a, b)) * b,
            "cos and sin as shares are right for codes at a right angle only. For any angle use sin((1 - t) angle) and "
            "sin(t angle), divided by sin(angle).",
        ),
        Misconception(
            "lengths lost",
            lambda a, b, t: slerp(F.normalize(a, dim=0), F.normalize(b, dim=0), t),
            "You walk on the sphere of radius one. Codes of length one are needed for the angle only: mix z_start and "
            "z_end as they are.",
        ),
        Misconception(
            "rescaled line",
            _rescaled_line,
            "You walk on the straight line and stretch each code. The path is close to the arc, but its steps turn by "
            "unequal angles, fastest in the middle.",
        ),
        Misconception(
            "shares by the square",
            lambda a, b, t: (1 - t.unsqueeze(1)).sqrt() * a + t.unsqueeze(1).sqrt() * b,
            "With the shares sqrt(1 - t) and sqrt(t) the length is kept for codes at a right angle only, and the steps are "
            "uneven. Use the angle between the two codes.",
        ),
        Misconception(
            "turned the other way",
            lambda a, b, t: _with_angle(a, b, t, torch.pi - _angle(a, b)),
            "Your angle is the supplement of the right one, as if z_end pointed the other way. Check the sign of the inner "
            "product.",
        ),
    ),
    cases=_cases,
    gradients=("z_start", "z_end"),
)
