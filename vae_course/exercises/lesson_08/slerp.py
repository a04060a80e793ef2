"""08-slerp: walk from one code to another on an arc."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from vae_course.exercises.inputs import generator, integer, normal, small_numbers, uniform
from vae_course.exercises.model import Alternative, Answer, Exercise, Inputs, Misconception


def _angle(z_start: Tensor, z_end: Tensor) -> Tensor:
    return torch.acos((z_start @ z_end) / (z_start.norm() * z_end.norm()))


def slerp(z_start: Tensor, z_end: Tensor, t: Tensor) -> Tensor:
    """Codes on the arc from z_start [D] to z_end [D], one for each t [T]: [T, D]."""
    cosine = (z_start @ z_end) / (z_start.norm() * z_end.norm())
    angle, t = torch.acos(cosine), t.unsqueeze(1)
    return (torch.sin((1 - t) * angle) * z_start + torch.sin(t * angle) * z_end) / torch.sin(angle)


def _cases(seed: int) -> list[Inputs]:
    """A quarter of a circle by hand, then codes of unequal length at angles from 0.6 to 170 degrees; at last 179.99.

    At 0.6 and 179.99 degrees float32 has few digits of the angle's sine or none, so these are in double precision.
    """
    source = generator(seed)
    cases: list[Inputs] = [
        {
            "z_start": torch.tensor([2.0, 0.0, 0.0]),
            "z_end": torch.tensor([0.0, 2.0, 0.0]),
            "t": torch.tensor([0.0, 1 / 3, 0.5, 1.0]),
        }
    ]
    d, steps = integer(source, 3, 8), integer(source, 4, 7)
    sizes = ((2, 5), (d, steps), (d, steps), (4, 3), (3, 4), (5, 1), (20, 50), (3, 5))
    for (dims, n), degrees in zip(sizes, (60.0, 130.0, 40.0, 170.0, 10.0, 100.0, 85.0, 0.6), strict=True):
        dtype = torch.float64 if degrees < 1 else torch.float32
        angle = torch.deg2rad(degrees * (0.97 + 0.06 * uniform(source))).to(dtype)
        first, other = F.normalize(normal(source, dims).to(dtype), dim=0), normal(source, dims).to(dtype)
        aside = F.normalize(other - (other @ first) * first, dim=0)
        z_end = (1.5 + uniform(source)) * (torch.cos(angle) * first + torch.sin(angle) * aside)
        cases.append(
            {
                "z_start": (2 + uniform(source)) * first,
                "z_end": z_end,
                "t": (torch.linspace(0, 1, n) if dims == 4 else uniform(source, n)).to(dtype),
            }
        )
    # Of many numbers, so that another case speaks where several are wrong.
    angle = torch.tensor(179.99, dtype=torch.float64).deg2rad()
    first, other = F.normalize(normal(source, 20).double(), dim=0), normal(source, 20).double()
    aside = F.normalize(other - (other @ first) * first, dim=0)
    nearly_opposite: Inputs = {
        "z_start": 2 * first,
        "z_end": 3 * (torch.cos(angle) * first + torch.sin(angle) * aside),
        "t": uniform(source, 60).double(),
    }
    # Codes as short as 1e-3 and as long as 100, and one far shorter than the other.
    return [
        *cases,
        *(
            {**cases[2], "z_start": a * cases[2]["z_start"], "z_end": b * cases[2]["z_end"]}
            for a, b in ((1e-3, 1e-3), (100.0, 100.0), (1e-7, 1.0), (1.0, 1e-7))
        ),
        nearly_opposite,
    ]


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


def _unit(z: Tensor) -> Tensor:
    return z / z.norm()


def _turned(z_start: Tensor, z_end: Tensor, t: Tensor) -> Tensor:
    """z_start turned towards z_end in their plane, with a length between theirs for which the shares stay the sines'."""
    first, angle = _unit(z_start), _angle(z_start, z_end)
    aside = _unit(z_end - (z_end @ first) * first)
    begin, end = z_start.norm() * torch.sin((1 - t) * angle), z_end.norm() * torch.sin(t * angle)
    along = (begin + end * torch.cos(angle)) / torch.sin(angle)
    return torch.outer(along, first) + torch.outer(end, aside)


def _line(z_start: Tensor, z_end: Tensor, t: Tensor) -> Tensor:
    return z_start + t.unsqueeze(1) * (z_end - z_start)


def _with_angle(z_start: Tensor, z_end: Tensor, t: Tensor, angle: Tensor) -> Tensor:
    t = t.unsqueeze(1)
    return (torch.sin((1 - t) * angle) * z_start + torch.sin(t * angle) * z_end) / torch.sin(angle)


def _held(tiny: float) -> Callable[[Tensor, Tensor], Tensor]:
    """The angle of a cosine that stays this far from 1 and -1."""
    return lambda a, b: torch.acos(F.cosine_similarity(a, b, dim=0).clamp(-1 + tiny, 1 - tiny))


def _longer(tiny: float) -> Answer:
    """The angle of codes that are divided by a little more than their lengths."""
    return lambda a, b, t: _with_angle(a, b, t, torch.acos((a / (a.norm() + tiny)) @ (b / (b.norm() + tiny))))


def _rescaled_line(z_start: Tensor, z_end: Tensor, t: Tensor) -> Tensor:
    lengths = z_start.norm() + t.unsqueeze(1) * (z_end.norm() - z_start.norm())
    return lengths * F.normalize(_line(z_start, z_end, t), dim=1)


def _shares_of_one(z_start: Tensor, z_end: Tensor, share: Tensor) -> Tensor:
    return torch.lerp(z_end, z_start, share.unsqueeze(1))


def _line_beyond(limit: float) -> Answer:
    """A wrong answer that walks on the straight line where the cosine is above a limit."""
    return lambda a, b, t: (
        torch.lerp(a, b, t[:, None]) if F.cosine_similarity(a, b, 0).abs() > limit else slerp(a, b, t)
    )


EXERCISE = Exercise(
    id="08-slerp",
    title="Along the arc",
    points=3,
    difficulty=3,
    minutes=10,
    task=(
        "Work out the two shares of the spherical walk, then return its codes from `z_start` `[D]` to `z_end` `[D]`, one for "
        "each `t` `[T]` between 0 and 1: `[T, D]`. Mix the codes as they are; between codes of length one each turns by t times "
        "the whole angle."
    ),
    hints=(
        "The second coordinate of c_0 z_start + c_1 z_end is c_1 sin(angle), and it must be sin(t angle): that gives c_1. "
        "Turned round, from z_end to z_start, the same walk gives c_0. The angle's cosine is the inner product of the codes made "
        "one long.",
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
        Alternative(
            "from the middle outwards",
            lambda a, b, t: _with_angle(
                a, b, t, 2 * torch.atan2((_unit(a) - _unit(b)).norm(), (_unit(a) + _unit(b)).norm())
            ),
        ),
        Alternative("turned in a plane", lambda a, b, t: _turned(a, b, t)),
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
            variants=(
                lambda a, b, t: _with_angle(a, b, t, torch.acos(a @ b)),
                *(
                    lambda a, b, t, off=off: _with_angle(a, b, t, torch.acos((a @ b).clamp(-1 + off, 1 - off)))
                    for off in (0.0, 1e-7, 1e-6, 1e-5, 1e-4, 1e-2)
                ),
            ),
        ),
        Misconception(
            "cosine as the angle",
            lambda a, b, t: _with_angle(a, b, t, torch.cos(_angle(a, b))),
            "You use the cosine as if it were the angle, or took a cosine once more: arccos is missing. `torch.acos` gives the "
            "angle of a cosine.",
            variants=(lambda a, b, t: _with_angle(a, b, t, (a @ b) / (a.norm() * b.norm())),),
        ),
        Misconception(
            "arcsine",
            lambda a, b, t: _with_angle(a, b, t, torch.asin(F.cosine_similarity(a, b, dim=0))),
            "You take the arcsine of the cosine, which gives the angle that is missing to 90 degrees, and 0 between codes at a "
            "right angle. `torch.acos` gives the angle of a cosine.",
            variants=(lambda a, b, t: _with_angle(a, b, t, torch.pi / 2 - _angle(a, b)),),
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
            variants=(
                lambda a, b, t: (
                    torch.outer(torch.cos(t * torch.pi / 2), a) + torch.outer(torch.sin(t * torch.pi / 2), b)
                ),
            ),
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
            "You walk on the straight line and stretch each code. Its steps turn by unequal angles, fastest where "
            "the line passes closest to the origin.",
        ),
        Misconception(
            "length one",
            lambda a, b, t: F.normalize(torch.lerp(a, b, t.unsqueeze(1)), dim=1),
            "You bring each code to length one. The two codes are to be mixed as they are, with shares that come from the angle "
            "between them.",
            variants=(lambda a, b, t: F.normalize(slerp(a, b, t), dim=1),),
        ),
        Misconception(
            "divided by the angle",
            lambda a, b, t: slerp(a, b, t) * torch.sin(_angle(a, b)) / _angle(a, b),
            "You divide by the angle. It is the sine of the angle that makes a share 1 at its own end of the walk.",
        ),
        Misconception(
            "shares that add up to 1",
            lambda a, b, t: _shares_of_one(a, b, torch.sin((1 - t) * _angle(a, b)) / torch.sin(_angle(a, b))),
            "You take one share for 1 minus the other. So it is on a straight line; on an arc each share has a sine of its own, "
            "and together they are more than 1.",
            variants=(lambda a, b, t: _shares_of_one(a, b, 1 - torch.sin(t * _angle(a, b)) / torch.sin(_angle(a, b))),),
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
        Misconception(
            "never obtuse",
            lambda a, b, t: _with_angle(a, b, t, torch.minimum(_angle(a, b), torch.pi - _angle(a, b))),
            "Your angle is never above 90 degrees, as if the sign of the inner product were lost (`.abs()`, a sine or a square). "
            "Codes may point away from each other: take `torch.acos` of the cosine with its sign.",
            variants=(
                lambda a, b, t: _with_angle(
                    a, b, t, torch.asin((1 - F.cosine_similarity(a, b, dim=0) ** 2).clamp_min(0).sqrt())
                ),
            ),
        ),
        Misconception(
            "cosine cut at zero",
            lambda a, b, t: _with_angle(a, b, t, torch.acos(F.cosine_similarity(a, b, dim=0).clamp(min=0))),
            "You cut the cosine off at 0, so every obtuse angle counts as 90 degrees. A cosine goes down to -1: keep its sign.",
            variants=(
                lambda a, b, t: _with_angle(a, b, t, torch.acos(F.cosine_similarity(a, b, dim=0).clamp(0, 1 - 1e-6))),
            ),
        ),
        Misconception(
            "cosine kept off 1",
            lambda a, b, t: _with_angle(a, b, t, _held(1e-6)(a, b)),
            "You keep the cosine away from 1 and -1 by a small number, so codes that are nearly opposite get another angle, and "
            "near there the shares depend on it strongly. Rounding alone is dealt with by `.clamp(-1, 1)`.",
            variants=tuple(
                lambda a, b, t, tiny=tiny: _with_angle(a, b, t, _held(tiny)(a, b)) for tiny in small_numbers(1e-7)
            ),
        ),
        Misconception(
            "small number added to a length",
            _longer(1e-8),
            "You divide by a length and a small number. A code may be as short as that, and the cosine then comes out too near "
            "to 0: divide by the length itself.",
            variants=tuple(map(_longer, small_numbers(1e-10))),
        ),
        Misconception(
            "lengths interpolated",
            lambda a, b, t: (
                (a.norm() + t.unsqueeze(1) * (b.norm() - a.norm()))
                * slerp(F.normalize(a, dim=0), F.normalize(b, dim=0), t)
            ),
            "Your directions are right, but you make the length run evenly from one to the other. Mix the two codes themselves "
            "with these shares: the length then follows by itself.",
        ),
        Misconception(
            "one length in the cosine",
            lambda a, b, t: _with_angle(a, b, t, torch.acos(((a @ b) / a.norm()).clamp(-0.999, 0.999))),
            "You divide the inner product by one length only. The cosine needs both: divide by |z_start| and by |z_end|.",
            variants=(
                lambda a, b, t: _with_angle(a, b, t, torch.acos((a @ b) / a.norm())),
                lambda a, b, t: _with_angle(a, b, t, torch.acos((a @ b) / (a @ a))),
                lambda a, b, t: _with_angle(a, b, t, torch.acos(((a @ b) / (a @ a)).clamp(-1, 1))),
            ),
        ),
        Misconception(
            "the shorter way",
            lambda a, b, t: slerp(a, b if a @ b > 0 else -b, t),
            "For an obtuse angle you walk to minus z_end, which is nearer. That is done with quaternions, of which q and -q are "
            "the same rotation; two opposite codes are two images.",
        ),
        Misconception(
            "a line for close codes",
            _line_beyond(0.9),
            "Where the cosine is large you walk on the straight line instead. The two agree only as the angle goes to 0; here "
            "the shares of the arc are asked for as they are.",
            variants=tuple(map(_line_beyond, (0.5, 0.8, 0.95, 0.99))),
        ),
    ),
    cases=_cases,
)
