"""15-planar: one planar step, and how much it stretches or squeezes space at each place."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from vae_course.exercises.inputs import generator, integer, normal
from vae_course.exercises.model import Alternative, Answer, Exercise, Inputs, Misconception
from vae_course.exercises.probes import pair

Pair = tuple[Any, Any]


def planar(z: Tensor, u: Tensor, w: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """y = z + u tanh(w.z + b), [B, D], and log |det dy/dz|, [B], from z [B, D], u [D], w [D] and b []."""
    h = torch.tanh(z @ w + b)
    y = z + h.unsqueeze(-1) * u
    slope = 1 - h**2
    log_det = torch.log(torch.abs(1 + (u @ w) * slope))
    return y, log_det


def _probe(answer: Answer, case: Inputs) -> dict[str, Any]:
    y, log_det = pair(answer(*case.values()), "y", "log_det")
    return {"y": y, "log_det": log_det}


def _cases(seed: int) -> list[Inputs]:
    """By hand, then steps that stretch, squeeze and fold, one example, one dimension, tanh at its ends; in double precision
    steps that all but flatten space, a steep w, and large and small scales.
    """
    source = generator(seed)
    n, d = integer(source, 5, 7), integer(source, 3, 4)
    by_hand: Inputs = {
        "z": torch.tensor([[0.5, -0.25]]),
        "u": torch.tensor([1.0, 0.5]),
        "w": torch.tensor([1.0, 2.0]),
        "b": torch.tensor(0.0),
    }
    spread = 1.0
    cases = [by_hand]
    for sizes, uw, reach in (
        ((n, d), 0.8, spread), ((n, d), 2.0, spread), ((1, 5), 1.5, spread), ((4, 1), 0.7, spread), ((3, 2), -0.6, spread),
        ((n, d), -2.5, 0.2), ((2, 6), 0.0, spread), ((60, 8), 1.2, spread),
    ):  # fmt: skip
        cases.append(_case(source, *sizes, uw=uw, inner=reach * normal(source, sizes[0])))
    ends = torch.where(normal(source, 5) > 0, 30.0, -30.0)
    cases.append(_case(source, 5, 3, uw=2.0, inner=ends))
    # In double precision, for there digits are lost: det near 0 from above and on either side of it, u of length 10,000, a
    # bias of 40, far codes under a w that hardly looks at them.
    for sizes, uw, inner, bias in (
        ((4, 3), -1 + 1e-3, 0.01 * normal(source, 4), 0.0),
        ((3, 5), -1 + 1e-9, 1e-5 * (1.5 + normal(source, 3).abs()), 0.0),
        ((6, 2), -4.0, torch.tensor([-2.5, -1.0, 0.1, 0.6, 1.6, 3.0]) + 0.1 * normal(source, 6), 0.0),
        ((5, 2), 1e4, 3 * normal(source, 5), 40.0),
        ((3, 4), 0.9, normal(source, 3), -40.0),
    ):
        cases.append(_case(source, *sizes, uw=uw, inner=inner, b=bias, double=True))
    z, u, w, b = (
        torch.as_tensor(v) for v in _case(source, 5, 3, uw=1.0, inner=normal(source, 5), double=True).values()
    )
    steep = 6 / w.abs().max()
    return [
        *cases,
        {"z": z / steep, "u": u / steep, "w": steep * w, "b": b},
        {"z": 1e3 * z, "u": 1e3 * u, "w": w / 1e3, "b": b},
    ]


def _case(
    source: torch.Generator, n: int, d: int, *, uw: float, inner: Tensor, b: float = 0.0, double: bool = False
) -> Inputs:
    """A step with this u.w, at places where w.z + b has these values."""
    w, u, z = normal(source, d).double(), normal(source, d).double(), normal(source, n, d).double()
    u = u + (uw - u @ w) * w / w.square().sum()
    bias = b + normal(source, 1)[0].double()
    z = z + ((inner - bias - z @ w) / w.square().sum())[:, None] * w
    case = {"z": z, "u": u, "w": w, "b": bias}
    return dict(case) if double else {name: value.float() for name, value in case.items()}


def _loop(z: Tensor, u: Tensor, w: Tensor, b: Tensor) -> Pair:
    ys, logs = [], []
    for code in z:
        inner = (w * code).sum() + b
        ys.append(code + u * inner.tanh())
        logs.append(torch.log(torch.abs(1 + (u * w).sum() / torch.cosh(inner) ** 2)))
    return torch.stack(ys), torch.stack(logs)


def _jacobian(z: Tensor, u: Tensor, w: Tensor, b: Tensor) -> Pair:
    """The whole Jacobian of each code, by autograd, and its determinant."""

    def step(code: Tensor) -> Tensor:
        return code + u * torch.tanh(w @ code + b)

    whole = torch.func.vmap(torch.func.jacrev(step))(z)
    return torch.func.vmap(step)(z), torch.linalg.slogdet(whole).logabsdet


def _psi(z: Tensor, u: Tensor, w: Tensor, b: Tensor) -> Pair:
    """As the paper has it, by psi(z), with linear."""
    inner = F.linear(z, w[None], b[None])
    psi = (1 - torch.tanh(inner) ** 2) * w
    return z + u * torch.tanh(inner), torch.log((1 + psi @ u).abs())


def _einsum(z: Tensor, u: Tensor, w: Tensor, b: Tensor) -> Pair:
    inner = torch.einsum("bd,d->b", z, w) + b
    h = 2 * torch.sigmoid(2 * inner) - 1
    det = 1 + torch.einsum("d,d,b->b", u, w, (1 - h) * (1 + h))
    return z + torch.einsum("b,d->bd", h, u), 0.5 * det.square().log()


def _with(
    *,
    inner: Callable[[Tensor, Tensor, Tensor], Tensor] = lambda z, w, b: z @ w + b,
    h: Callable[[Tensor], Tensor] = torch.tanh,
    slope: Callable[[Tensor], Tensor] = lambda inner: 1 - torch.tanh(inner) ** 2,
    move: Callable[[Tensor, Tensor, Tensor], Tensor] = lambda z, u, h: z + h[:, None] * u,
    det: Callable[[Tensor, Tensor, Tensor], Tensor] = lambda u, w, slope: 1 + u @ w * slope,
    log: Callable[[Tensor], Tensor] = lambda det: det.abs().log(),
    end: Callable[[Tensor, Tensor], Pair] = lambda y, log_det: (y, log_det),
) -> Answer:
    """The step with one thing changed."""

    def answer(z: Tensor, u: Tensor, w: Tensor, b: Tensor) -> Pair:
        a = inner(z, w, b)
        return end(move(z, u, h(a)), log(det(u, w, slope(a))))

    return answer


def _softplus_u(norm: Callable[[Tensor], Tensor]) -> Answer:
    """u made invertible first, over this length of w."""

    def answer(z: Tensor, u: Tensor, w: Tensor, b: Tensor) -> Pair:
        return planar(z, u + (F.softplus(u @ w) - 1 - u @ w) * w / norm(w), w, b)

    return answer


def _each_by_itself(z: Tensor, u: Tensor, w: Tensor, b: Tensor) -> Pair:
    h = torch.tanh(z * w + b)
    return z + u * h, (1 + u * w * (1 - h**2)).abs().log().sum(1)


def _at_y(z: Tensor, u: Tensor, w: Tensor, b: Tensor) -> Pair:
    y = z + torch.tanh(z @ w + b)[:, None] * u
    return y, (1 + u @ w * (1 - torch.tanh(y @ w + b) ** 2)).abs().log()


def _held(tiny: float, part: Callable[[Tensor], Tensor] = lambda det: det) -> Callable[[Tensor], Tensor]:
    return lambda det: part(det).clamp(min=tiny).log()


def _added(tiny: float, part: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    return lambda det: (part(det) + tiny).log()


def _shifted(tiny: float) -> Answer:
    return _with(det=lambda u, w, slope: 1 + u @ w * slope + tiny)


_TINY = (1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-10, 1e-12)


EXERCISE = Exercise(
    id="15-planar",
    title="One planar step",
    points=3,
    difficulty=3,
    minutes=6,
    task=(
        "Return `y, log_det` of a planar step: y = z + u tanh(w.z + b) for codes `z` `[B, D]`, with `u` and `w` `[D]` and `b` "
        "a tensor of shape []; and log |det dy/dz| of each code, `[B]`. Take `u` as it is given: where u.w < -1 the step folds "
        "space, det is negative in places, and the logarithm is that of its absolute value. All is trained through."
    ),
    hints=(
        "dy/dz is the identity plus an outer product: u times the gradient of tanh(w.z + b) with respect to z. What does the "
        "matrix determinant lemma make of that?",
        "det = 1 + u.psi with psi = (1 - tanh^2(w.z + b)) w, one number for each code: u.w times the slope of tanh there, plus "
        "1.",
        "`z @ w + b` is `[B]`, and so are its tanh, called h, and the slope `1 - h**2`. In y each h multiplies the whole of u: "
        "`h.unsqueeze(-1)`. Then `.abs()` before the logarithm.",
    ),
    explanation=(
        "The step moves every code along u only, so it can stretch or squeeze space in that direction alone, and D - 1 of the "
        "Jacobian's eigenvalues are 1. The last one is 1 + u.w h'. This is why a determinant of D x D numbers costs two scalar "
        "products, and why one step can do so little."
    ),
    returns="two tensors: y, [B, D], and log_det, [B]",
    reference=planar,
    alternatives=(
        Alternative("loop, with cosh", _loop),
        Alternative("whole Jacobian by autograd", _jacobian),
        Alternative("psi, with linear", _psi),
        Alternative("einsum, tanh by a sigmoid", _einsum),
        Alternative("float64", lambda z, u, w, b: planar(z.double(), u.double(), w.double(), b.double())),
        Alternative("list", lambda z, u, w, b: list(planar(z, u, w, b))),
    ),
    misconceptions=(
        Misconception(
            "no absolute value",
            _with(log=torch.log),
            "Your logarithm is NaN where the determinant is negative, which happens when u.w is below -1 and the step folds "
            "space. Volumes count without their sign: take the absolute value first.",
            variants=(_with(log=lambda det: torch.log1p(det - 1)),),
        ),
        Misconception(
            "NaN replaced",
            _with(log=lambda det: det.log().nan_to_num(0.0)),
            "Where the determinant is negative you put another number for a logarithm that is NaN. The step folds space there, "
            "and its volume still has a logarithm: take the absolute value first.",
            variants=(_with(log=lambda det: torch.where(det > 0, det.log(), 0.0)),),
        ),
        Misconception(
            "absolute value of a part",
            _with(det=lambda u, w, slope: 1 + (u @ w * slope).abs()),
            "You take the absolute value of the summand with u.w alone. What is squeezed then counts as stretched: add 1 "
            "first, then `.abs()`.",
            variants=(_with(det=lambda u, w, slope: 1 + (u * w).abs().sum() * slope),),
        ),
        Misconception(
            "held above zero",
            _with(log=lambda det: det.clamp(min=1e-6).log()),
            "You hold the determinant above a small number, or cut its negative part off. Where the step folds, its volume is "
            "the absolute value of the determinant: `.abs()`, then the logarithm.",
            variants=(
                *(_with(log=_held(tiny)) for tiny in _TINY),
                _with(log=lambda det: det.clamp(min=1e-3).log()),
                _with(log=lambda det: det.relu().log()),
                *(_with(log=_added(tiny, torch.relu)) for tiny in _TINY),
            ),
        ),
        Misconception(
            "small number inside the logarithm",
            _with(log=lambda det: (det.abs() + 1e-6).log()),
            "A small number inside the logarithm, or a limit there, takes the place of determinants that are as small as that. "
            "Take the logarithm of the absolute value as it is.",
            variants=(
                *(_with(log=_added(tiny, torch.abs)) for tiny in _TINY),
                *(_with(log=_held(tiny, torch.abs)) for tiny in _TINY if tiny > 1e-9),
                *(_shifted(tiny) for tiny in _TINY),
            ),
        ),
        Misconception(
            "the inverse's logarithm",
            _with(end=lambda y, log_det: (y, -log_det)),
            "The sign of `log_det` is turned: this is log |det dz/dy|, that of the way back. Return log |det dy/dz|; whoever "
            "computes a density subtracts it.",
        ),
        Misconception(
            "determinant without its logarithm",
            _with(log=torch.abs),
            "Your second result is the determinant itself. Steps in a chain multiply determinants, so their logarithms are "
            "asked for: they add up.",
            variants=(_with(log=lambda det: det),),
        ),
        Misconception(
            "identity forgotten in the Jacobian",
            _with(det=lambda u, w, slope: u @ w * slope),
            "The 1 is missing in your determinant. y begins with z itself, so its Jacobian begins with the identity: "
            "det = 1 + u.w h'.",
        ),
        Misconception(
            "identity forgotten in y",
            _with(move=lambda z, u, h: h[:, None] * u),
            "Your y is the move alone. The step adds it to where the code was: y = z + u tanh(w.z + b).",
        ),
        Misconception(
            "move subtracted",
            _with(move=lambda z, u, h: z - h[:, None] * u),
            "Your y goes the other way: the step adds u tanh(w.z + b) to z.",
            variants=(_with(move=lambda z, u, h: z - h[:, None] * u, det=lambda u, w, slope: 1 - u @ w * slope),),
        ),
        Misconception(
            "minus in the determinant",
            _with(det=lambda u, w, slope: 1 - u @ w * slope),
            "You subtract u.w h' from 1, or turn the sign of the slope. The move is added to z, so its derivative is added to "
            "the identity's 1.",
        ),
        Misconception(
            "tanh in place of its slope",
            _with(slope=torch.tanh),
            "Your determinant has tanh where its derivative belongs. dy/dz needs the slope, 1 - tanh^2.",
            variants=(
                _with(slope=lambda a: 1 - torch.tanh(a)),
                _with(slope=lambda a: (1 - torch.tanh(a)) ** 2),
                _with(slope=lambda a: torch.tanh(a) ** 2),
                _with(slope=lambda a: 1 + torch.tanh(a) ** 2),
            ),
        ),
        Misconception(
            "slope of the wrong number",
            _with(slope=lambda a: 1 - a**2),
            "You square w.z + b itself in the slope. The derivative of tanh(a) is 1 - tanh^2(a): square the tanh.",
            variants=(
                _with(slope=lambda a: 1 - torch.tanh(torch.tanh(a)) ** 2),
                _with(slope=lambda a: 1 - torch.tanh(a**2)),
            ),
        ),
        Misconception(
            "slope of a sigmoid",
            _with(slope=lambda a: torch.tanh(a) * (1 - torch.tanh(a))),
            "h (1 - h) is the derivative of a sigmoid. That of tanh is 1 - h^2.",
            variants=(_with(slope=lambda a: torch.sigmoid(a) * (1 - torch.sigmoid(a))),),
        ),
        Misconception(
            "a sigmoid for tanh",
            _with(h=torch.sigmoid, slope=lambda a: torch.sigmoid(a) * (1 - torch.sigmoid(a))),
            "Your y is not made with tanh. The step is z + u tanh(w.z + b), and the slope that goes with it is 1 - tanh^2.",
            variants=(
                _with(h=torch.sigmoid),
                _with(h=torch.relu, slope=lambda a: (a > 0).to(a.dtype)),
                _with(h=torch.sin, slope=torch.cos),
                _with(h=F.leaky_relu, slope=lambda a: torch.where(a > 0, 1.0, 0.01).to(a.dtype)),
                _with(h=lambda a: a, slope=torch.ones_like),
            ),
        ),
        Misconception(
            "slope left out",
            _with(slope=torch.ones_like),
            "The slope of tanh is missing in your determinant, so it is the same for every code. By the chain rule u.w is "
            "multiplied by 1 - tanh^2(w.z + b).",
        ),
        Misconception(
            "first order only",
            _with(log=lambda det: det - 1),
            "You return u.w h', the trace of what is added to the identity. That is the first term of the logarithm only: "
            "take log |1 + u.w h'|.",
        ),
        Misconception(
            "bias forgotten",
            _with(inner=lambda z, w, b: z @ w),
            "The bias b is missing. Both results need tanh(w.z + b).",
            variants=(
                lambda z, u, w, b: (planar(z, u, w, 0 * b)[0], planar(z, u, w, b)[1]),
                lambda z, u, w, b: (planar(z, u, w, b)[0], planar(z, u, w, 0 * b)[1]),
                _with(inner=lambda z, w, b: z @ w - b),
            ),
        ),
        Misconception(
            "bias outside of tanh",
            lambda z, u, w, b: (z + (torch.tanh(z @ w) + b)[:, None] * u, planar(z, u, w, 0 * b)[1]),
            "You add b after tanh. It shifts the place where the step bends: tanh(w.z + b).",
            variants=(lambda z, u, w, b: (planar(z, u, w, 0 * b)[0] + b, planar(z, u, w, 0 * b)[1]),),
        ),
        Misconception(
            "u and w exchanged",
            lambda z, u, w, b: planar(z, w, u, b),
            "u and w have changed places. w says where a code is looked at, tanh(w.z + b), and u where it is moved.",
            variants=(
                lambda z, u, w, b: planar(z, u, u, b),
                lambda z, u, w, b: planar(z, w, w, b),
                lambda z, u, w, b: (planar(z, w, u, b)[0], planar(z, u, w, b)[1]),
                lambda z, u, w, b: (z + torch.tanh(z @ w + b)[:, None] * w, planar(z, u, w, b)[1]),
            ),
        ),
        Misconception(
            "u of u or w of w",
            _with(det=lambda u, w, slope: 1 + w @ w * slope),
            "Your determinant has the scalar product of w, or of u, with itself. It is u.w, one of each.",
            variants=(_with(det=lambda u, w, slope: 1 + u @ u * slope),),
        ),
        Misconception(
            "u of its own making",
            _softplus_u(lambda w: w.square().sum()),
            "You change u before you use it, so that the step can be undone. Here u is taken as it is given.",
            variants=(
                _softplus_u(torch.linalg.norm),
                _softplus_u(lambda w: torch.ones(())),
                lambda z, u, w, b: planar(z, u + ((u @ w).exp().log1p() - 1 - u @ w) * w / (w @ w), w, b),
                lambda z, u, w, b: planar(z, u + ((u @ w).exp().log1p() - 1 - u @ w) * w / torch.linalg.norm(w), w, b),
                lambda z, u, w, b: planar(z, u + (F.softplus(u @ w) - 1) * w / (w @ w), w, b),
                lambda z, u, w, b: planar(z, torch.where(u @ w < -1, u - (1 + u @ w) * w / (w @ w), u), w, b),
                lambda z, u, w, b: planar(z, u / torch.linalg.norm(u), w, b),
            ),
        ),
        Misconception(
            "each dimension by itself",
            _each_by_itself,
            "You treat each dimension by itself: w z + b without the sum over the dimensions, or the diagonal of the Jacobian "
            "alone. A planar step looks at one number, w.z + b, and its determinant is 1 + u.w h', with the sum inside.",
            variants=(
                lambda z, u, w, b: (
                    planar(z, u, w, b)[0],
                    (1 + u * w * (1 - torch.tanh(z @ w + b) ** 2)[:, None]).abs().log().sum(1),
                ),
                lambda z, u, w, b: (
                    planar(z, u, w, b)[0],
                    (1 + u * w * (1 - torch.tanh(z @ w + b) ** 2)[:, None]).prod(1).abs().log(),
                ),
                lambda z, u, w, b: (
                    planar(z, u, w, b)[0],
                    (1 + u * w * (1 - torch.tanh(z @ w + b) ** 2)[:, None]).abs().log().mean(1),
                ),
                lambda z, u, w, b: (
                    planar(z, u, w, b)[0],
                    (1 + u * w * (1 - torch.tanh(z @ w + b) ** 2)[:, None]).abs().sum(1).log(),
                ),
            ),
        ),
        Misconception(
            "mean in the scalar product",
            _with(inner=lambda z, w, b: (z * w).mean(1) + b, det=lambda u, w, slope: 1 + (u * w).mean() * slope),
            "You average over the dimensions in a scalar product. w.z and u.w are sums over them.",
            variants=(
                _with(inner=lambda z, w, b: (z * w).mean(1) + b),
                _with(det=lambda u, w, slope: 1 + (u * w).mean() * slope),
            ),
        ),
        Misconception(
            "bias before the sum",
            _with(inner=lambda z, w, b: (z * w + b).sum(1)),
            "You add b to each dimension before they are summed, so it counts D times. It is added once, to w.z.",
            variants=(_with(inner=lambda z, w, b: (w * (z + b)).sum(1)),),
        ),
        Misconception(
            "D times the logarithm",
            lambda z, u, w, b: (planar(z, u, w, b)[0], planar(z, u, w, b)[1] * z.shape[1]),
            "You count the logarithm D times, or divide it by D. Along u alone is space stretched, so it counts once.",
            variants=(lambda z, u, w, b: (planar(z, u, w, b)[0], planar(z, u, w, b)[1] / z.shape[1]),),
        ),
        Misconception(
            "slope at y",
            _at_y,
            "You take the slope of tanh at y, where the code has come to. The derivative with respect to z is taken at z.",
        ),
        Misconception(
            "added up over the codes",
            _with(end=lambda y, log_det: (y, log_det.sum())),
            "Your `log_det` is one number for the whole batch. Each code has its own: no sum and no mean over the codes.",
            variants=(
                _with(end=lambda y, log_det: (y, log_det.mean())),
                _with(end=lambda y, log_det: (y, log_det.mean().expand(len(y)))),
                _with(end=lambda y, log_det: (y, log_det.sum().expand(len(y)))),
            ),
        ),
        Misconception(
            "bits",
            _with(log=lambda det: det.abs().log2()),
            "Your logarithms are to base 2 or 10. The course counts in nats: `torch.log`.",
            variants=(_with(log=lambda det: det.abs().log10()),),
        ),
        Misconception(
            "logarithm of 1 + det",
            _with(log=lambda det: det.abs().log1p()),
            "You add 1 twice: `log1p` of the determinant, which holds the identity's 1 already. Either `log` of it, or `log1p` "
            "of u.w h'; and mind the sign.",
            variants=(_with(log=lambda det: (1 + det).abs().log()),),
        ),
        Misconception(
            "log_det cut off",
            _with(end=lambda y, log_det: (y, log_det.detach())),
            "The numbers are right, but no gradient passes through `log_det`, so nothing keeps the flow from shrinking q to a "
            "point. Leave out `.detach()` and `torch.no_grad()`.",
        ),
        Misconception(
            "changed places",
            _with(end=lambda y, log_det: (log_det, y)),
            "Both results are right, in the other order: first y, then log_det.",
        ),
    ),
    cases=_cases,
    batch="z",
    probe=_probe,
    gradients=("z", "u", "w", "b"),
)
