"""15-coupling: a build. An affine coupling step, forwards and back, with either half passing through."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from vae_course.exercises.inputs import generator, integer, normal
from vae_course.exercises.model import Alternative, Answer, AnswerError, Exercise, Inputs, Misconception
from vae_course.exercises.probes import BuildStage, pair

Pair = tuple[Any, Any]
Network = Callable[[Tensor], tuple[Tensor, Tensor]]
PASSES, FORWARD = BuildStage(1, 4, "the half that passes"), BuildStage(2, 4, "forward")
BACK, EXCHANGED = BuildStage(3, 4, "the way back"), BuildStage(4, 4, "halves exchanged")


def coupling(z: Tensor, scale_and_shift: Network, flip: bool, inverse: bool) -> tuple[Tensor, Tensor]:
    """One half of z [B, D] passes, the other becomes exp(s) times itself plus t; with `inverse` the way back.

    `scale_and_shift` gives s and t, [B, D/2] each, from the half that passes: the first, with `flip` the second.
    Returns the new codes [B, D] and log |det| [B] of the way that was gone.
    """
    first, second = z.chunk(2, dim=1)
    kept, changed = (second, first) if flip else (first, second)
    s, t = scale_and_shift(kept)
    log_det = s.sum(dim=1)
    if inverse:
        changed = (changed - t) * torch.exp(-s)
        log_det = -log_det
    else:
        changed = changed * torch.exp(s) + t
    halves = [changed, kept] if flip else [kept, changed]
    return torch.cat(halves, dim=1), log_det


def _network(weights: Tensor) -> Network:
    """Two affine maps of one half, the last row of each being its bias."""
    needed = weights.shape[-1]

    def scale_and_shift(half: Tensor) -> tuple[Tensor, Tensor]:
        if not isinstance(half, Tensor) or half.dim() != 2 or half.shape[1] != needed:
            found = f"a tensor of shape {list(half.shape)}" if isinstance(half, Tensor) else f"a {type(half).__name__}"
            raise AnswerError(
                f"{PASSES} is not reached: `scale_and_shift` was given {found}; it takes one half of the codes, "
                f"[B, {needed}]."
            )
        own = weights.to(half.dtype)
        s, t = (half @ own[:, :-1] + own[:, -1:]).unbind()
        return s, t

    return scale_and_shift


def _probe(answer: Answer, case: Inputs) -> dict[str, Any]:
    """By stages: forwards with the first half passing, back again, and both with the halves exchanged."""
    z, weights, flip, inverse = case.values()
    assert isinstance(z, Tensor) and isinstance(weights, Tensor)
    y, log_det = pair(answer(z, _network(weights), bool(flip), bool(inverse)), "y", "log_det")
    stage = EXCHANGED if flip else BACK if inverse else PASSES
    if not isinstance(y, Tensor) or y.shape != z.shape:
        found = f"has shape {list(y.shape)}" if isinstance(y, Tensor) else f"is of type {type(y).__name__}"
        raise AnswerError(
            f"{stage} is not reached: the first result must have the shape of z, {list(z.shape)}; yours {found}."
        )
    first, second = y.chunk(2, dim=1)
    if flip:
        return {
            EXCHANGED.result(
                "the codes", "With `flip` the second half passes and gives s and t; both stay in their places."
            ): y,
            EXCHANGED.result("log_det", "It is that of the way that was gone, as without `flip`."): log_det,
        }
    if inverse:
        return {
            BACK.result(
                "the half that passes", "Nothing has changed it on the way there, so it passes on the way back."
            ): first,
            BACK.result("the other half", "First take the shift off, then divide by the scale."): second,
            BACK.result("log_det", "The way back undoes what the way there has stretched."): log_det,
        }
    return {
        PASSES.result(
            "the first half", "Without `flip` the first half of z is handed on as it is, in its place."
        ): first,
        FORWARD.result(
            "the second half", "It is exp(s) times the old one, plus t, with s and t from the first half."
        ): second,
        FORWARD.result(
            "log_det", "The Jacobian is triangular: its diagonal is 1 for one half and exp(s) for the other."
        ): log_det,
    }


def _cases(seed: int) -> list[Inputs]:
    """Each way by hand, then sizes by chance, halves of one number, one code, scales from e^-30 to e^30, a real batch,
    and large numbers that become small.
    """
    source = generator(seed)
    b, half = integer(source, 5, 7), integer(source, 2, 3)
    ways = [(0, 0), (0, 1), (1, 0), (1, 1)]
    cases: list[Inputs] = []
    for flip, inverse in ways:
        weights = torch.tensor([[[0.5], [-0.25]], [[1.0], [3.0]]])
        cases.append({"z": torch.tensor([[1.0, 2.0]]), "weights": weights, "flip": flip, "inverse": inverse})
    for codes, dims, steep, scale in (
        (b, half, 0.5, 1.0),
        (b, half, 0.5, 1.0),
        (1, 3, 0.5, 1.0),
        (3, 1, 0.7, 1.0),
        (40, 8, 0.2, 1.0),
    ):
        cases += [_case(source, codes, dims, steep, scale, *way) for way in ways]
    # In double precision: s up to some 30, which float32 would hold on one way only, and codes of some 1,000.
    for steep, scale in ((8.0, 1.0), (0.002, 1e3)):
        cases += [_in_double(_case(source, 4, 3, steep, scale, *way)) for way in ways]
    # s is -10 on the way there and 10 on the way back, for numbers of some 10,000 in the half that changes.
    for way in ways:
        case = _in_double(_case(source, 4, 3, 0.1, 1.0, *way))
        z, bias = case["z"], case["weights"]
        assert isinstance(z, Tensor) and isinstance(bias, Tensor)
        z.chunk(2, 1)[1 - way[0]].mul_(1e4)
        bias[0, -1] = 10.0 if way[1] else -10.0
        cases.append(case)
    return cases


def _case(
    source: torch.Generator, codes: int, half: int, steep: float, scale: float, flip: int, inverse: int
) -> Inputs:
    weights = steep * normal(source, 2, half + 1, half) * torch.tensor([1.0, 2.0])[:, None, None]
    return {"z": scale * normal(source, codes, 2 * half), "weights": weights, "flip": flip, "inverse": inverse}


def _in_double(case: Inputs) -> Inputs:
    return {name: value.double() if isinstance(value, Tensor) else value for name, value in case.items()}


def _loop(z: Tensor, scale_and_shift: Network, flip: bool, inverse: bool) -> Pair:
    """Number by number, into a copy."""
    half = z.shape[1] // 2
    kept, changed = (half, 0) if flip else (0, half)
    s, t = scale_and_shift(z[:, kept : kept + half])
    columns, log_det = list(z.unbind(1)), torch.zeros_like(z[:, 0])
    for d in range(half):
        old = columns[changed + d]
        columns[changed + d] = (old - t[:, d]) / s[:, d].exp() if inverse else old * s[:, d].exp() + t[:, d]
        log_det = log_det - s[:, d] if inverse else log_det + s[:, d]
    return torch.stack(columns, 1), log_det


def _masked(z: Tensor, scale_and_shift: Network, flip: bool, inverse: bool) -> list[Tensor]:
    """s and t are 0 for the half that passes, as published code has it."""
    half = z.shape[-1] // 2
    s, t = scale_and_shift(z[..., half:] if flip else z[..., :half])
    nothing = torch.zeros_like(s)
    s, t = (torch.cat([part, nothing] if flip else [nothing, part], -1) for part in (s, t))
    return [(z - t) * (-s).exp(), -s.sum(-1)] if inverse else [z * s.exp() + t, s.sum(-1)]


def _rolled(z: Tensor, scale_and_shift: Network, flip: bool, inverse: bool) -> Pair:
    """The halves are exchanged before and afterwards; signs from powers of -1, the sum by einsum."""
    half = z.shape[1] // 2
    turned = z.roll(half, 1) if flip else z
    a, b = turned[:, :half], turned[:, half:]
    s, t = scale_and_shift(a)
    way = 1 - 2 * int(inverse)
    new = torch.exp(way * s) * (b - (t if inverse else 0)) + (0 if inverse else t)
    y = torch.hstack([a, new])
    return y.roll(half, 1) if flip else y, way * torch.einsum("bd->b", s)


def _halves(z: Tensor, flip: bool) -> tuple[Tensor, Tensor]:
    """The half that passes, and the one that is changed."""
    first, second = z.chunk(2, 1)
    return (second, first) if flip else (first, second)


def _joined(kept: Tensor, changed: Tensor, flip: bool) -> Tensor:
    return torch.cat([changed, kept] if flip else [kept, changed], 1)


def _there(old: Tensor, s: Tensor, t: Tensor) -> Tensor:
    return old * s.exp() + t


def _back(old: Tensor, s: Tensor, t: Tensor) -> Tensor:
    return (old - t) * (-s).exp()


def _log_det(s: Tensor, inverse: bool) -> Tensor:
    return -s.sum(1) if inverse else s.sum(1)


Way = Callable[[Tensor, Tensor, Tensor], Tensor]


def _mistaken(
    *,
    halves: Callable[[Tensor, bool], tuple[Tensor, Tensor]] = _halves,
    look: Callable[[Tensor, Tensor, bool], Tensor] = lambda kept, changed, inverse: kept,
    there: Way = _there,
    back: Way = _back,
    log_det: Callable[[Tensor, bool], Tensor] = _log_det,
    join: Callable[[Tensor, Tensor, bool], Tensor] = _joined,
) -> Answer:
    """The step with one thing changed."""

    def answer(z: Tensor, scale_and_shift: Network, flip: bool, inverse: bool) -> Pair:
        kept, changed = halves(z, flip)
        s, t = scale_and_shift(look(kept, changed, inverse))
        return join(kept, (back if inverse else there)(changed, s, t), flip), log_det(s, inverse)

    return answer


def _both_ways(make: Callable[[Tensor], Tensor], log: Callable[[Tensor], Tensor]) -> Answer:
    """A scale made of s in another way, with its own logarithm."""
    return _mistaken(
        there=lambda old, s, t: old * make(s) + t,
        back=lambda old, s, t: (old - t) / make(s),
        log_det=lambda s, inverse: _log_det(log(s), inverse),
    )


def _scaled(make: Callable[[Tensor], Tensor]) -> Answer:
    """The same with the right log_det."""
    return _both_ways(make, lambda s: s)


def _logarithm(make: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    return lambda s: make(s).abs().log()


def _flipped_way(z: Tensor, scale_and_shift: Network, flip: bool, inverse: bool) -> Pair:
    y, log_det = coupling(z, scale_and_shift, False, inverse)
    return (y.roll(y.shape[1] // 2, 1), log_det) if flip else (y, log_det)


def _turned_around(z: Tensor, scale_and_shift: Network, flip: bool, inverse: bool) -> Pair:
    y, log_det = coupling(z.flip(1) if flip else z, scale_and_shift, False, inverse)
    return (y.flip(1) if flip else y), log_det


def _everything(z: Tensor, scale_and_shift: Network, flip: bool, inverse: bool) -> Pair:
    kept, changed = _halves(z, flip)
    s, t = scale_and_shift(kept)
    way = _back if inverse else _there
    return _joined(way(kept, s, t), way(changed, s, t), flip), 2 * _log_det(s, inverse)


def _interleaved(z: Tensor, scale_and_shift: Network, flip: bool, inverse: bool) -> Pair:
    """Every other number passes, and all stay in their places."""
    order = torch.arange(z.shape[1]).reshape(-1, 2).T.reshape(-1)
    y, log_det = coupling(z[:, order], scale_and_shift, flip, inverse)
    return y[:, order.argsort()], log_det


def _of_the_batch(z: Tensor, scale_and_shift: Network, flip: bool, inverse: bool) -> Pair:
    """Cut along axis 0."""
    first, second = z.chunk(2)
    kept, changed = (second, first) if flip else (first, second)
    s, t = scale_and_shift(kept)
    return _joined(kept, _back(changed, s, t) if inverse else _there(changed, s, t), flip), _log_det(s, inverse)


def _swapped(z: Tensor, scale_and_shift: Network, flip: bool, inverse: bool) -> Pair:
    """s and t taken for each other, in log_det too."""
    return coupling(z, lambda half: scale_and_shift(half)[::-1], flip, inverse)


EXERCISE = Exercise(
    id="15-coupling",
    title="Build: a coupling step and its way back",
    points=4,
    difficulty=4,
    minutes=20,
    task=(
        "A build, optional: one half of the codes `z` `[B, D]`, D even, passes as it is and decides what becomes of the other: "
        "`s, t = scale_and_shift(half)`, `[B, D/2]` each, and the other half is multiplied by exp(s), then t is added. Without "
        "`flip` the first half passes, with it the second; each half stays in its place. With `inverse` go the way back. "
        "Return the new codes `[B, D]` and log |det| `[B]` of the way that you have gone; both are trained through. The check "
        "names the first of its four stages that you have not reached: the half that passes, forward, the way back, halves "
        "exchanged."
    ),
    hints=(
        "The half that passes is the same before and after the step. So s and t can be had from it on the way back as well, "
        "and `scale_and_shift` is never undone.",
        "y_a = z_a, y_b = z_b exp(s) + t, log |det| = sum_d s_d. Back: z_b = (y_b - t) exp(-s), and the logarithm has the "
        "other sign.",
        "`z.chunk(2, dim=1)` gives both halves; name them by what becomes of them, `kept` and `changed`, depending on `flip`. "
        "`torch.cat` along axis 1 puts them back, in the order in which they came.",
    ),
    explanation=(
        "The Jacobian is triangular: how y_b depends on z_a fills a block that the determinant ignores, so "
        "`scale_and_shift` may be any network, and both ways cost one pass. The price is that half of the code passes "
        "untouched, which is why steps come in pairs, with and without `flip`."
    ),
    returns="two tensors: the codes, [B, D], and log_det, [B]",
    reference=coupling,
    alternatives=(
        Alternative("loop over the numbers", _loop),
        Alternative("masked, in a list", _masked),
        Alternative("halves rolled, einsum", _rolled),
        Alternative("float64", lambda z, network, flip, inverse: coupling(z.double(), network, flip, inverse)),
    ),
    misconceptions=(
        Misconception(
            "network looks at the half that it changes",
            _mistaken(look=lambda kept, changed, inverse: changed),
            "You make s and t from the half that is changed. On the way back that half is gone, so s and t could not be had: "
            "make them from the half that passes.",
        ),
        Misconception(
            "halves exchanged throughout",
            lambda z, network, flip, inverse: coupling(z, network, not flip, inverse),
            "Your halves have changed places: without `flip` the first half passes and the second is changed, with `flip` the "
            "other way about.",
        ),
        Misconception(
            "half taken from the codes",
            _mistaken(halves=lambda z, flip: (z[:, 1::2], z[:, ::2]) if flip else (z[:, ::2], z[:, 1::2])),
            "Your halves are not the first and the last D/2 numbers of each code. `z.chunk(2, dim=1)` cuts them there.",
            variants=(_interleaved,),
        ),
        Misconception(
            "half of the batch",
            _of_the_batch,
            "You cut along axis 0, which halves the batch. It is each code that has two halves: `z.chunk(2, dim=1)`.",
        ),
        Misconception(
            "both halves changed",
            _everything,
            "You change both halves. The one that gives s and t passes as it is; otherwise the way back has nothing to make "
            "them from.",
        ),
        Misconception(
            "scale without exp",
            _both_ways(lambda s: s, lambda s: s.abs().log()),
            "Your scale is s itself, or another function of it than exp, which may be 0 or negative or is not the one asked "
            "for. It is exp(s), whose logarithm is s.",
            variants=(
                _scaled(lambda s: s),
                _mistaken(there=lambda old, s, t: old * s + t),
                *(
                    make
                    for scale in (
                        torch.sigmoid,
                        torch.nn.functional.softplus,
                        lambda s: 1 + s,
                        lambda s: torch.sigmoid(s + 2),
                        lambda s: torch.exp(torch.tanh(s)),
                        lambda s: torch.exp(0.5 * s),
                        lambda s: torch.exp(2 * s),
                    )
                    for make in (_scaled(scale), _both_ways(scale, _logarithm(scale)))
                ),
            ),
        ),
        Misconception(
            "shift before scale",
            _mistaken(there=lambda old, s, t: (old + t) * s.exp()),
            "You add t first and scale afterwards, so t is scaled too. Forwards: multiply by exp(s), then add t; and back in "
            "the opposite order.",
            variants=(
                _mistaken(there=lambda old, s, t: (old + t) * s.exp(), back=lambda old, s, t: old * (-s).exp() - t),
            ),
        ),
        Misconception(
            "scale and shift exchanged",
            _mistaken(
                there=lambda old, s, t: old * t.exp() + s,
                back=lambda old, s, t: (old - s) * (-t).exp(),
            ),
            "s and t have changed places. `scale_and_shift` returns first s, whose exponential scales, then t, which is added.",
            variants=(_swapped,),
        ),
        Misconception(
            "the wrong sign forwards",
            _mistaken(there=lambda old, s, t: old * (-s).exp() + t),
            "Your forward step has a sign of the way back: it multiplies by exp(s) and adds t.",
            variants=(
                _mistaken(there=lambda old, s, t: old * s.exp() - t),
                _mistaken(there=lambda old, s, t: (old - t) * (-s).exp()),
                _mistaken(there=lambda old, s, t: (old - t) * s.exp()),
                lambda z, network, flip, inverse: coupling(z, network, flip, not inverse),
            ),
        ),
        Misconception(
            "shift forgotten",
            _mistaken(there=lambda old, s, t: old * s.exp(), back=lambda old, s, t: old * (-s).exp()),
            "The shift is missing, forwards or on the way back: t is added after scaling, and taken off before it is undone.",
            variants=(
                _mistaken(there=lambda old, s, t: old * s.exp()),
                _mistaken(back=lambda old, s, t: old * (-s).exp()),
            ),
        ),
        Misconception(
            "scale forgotten",
            _mistaken(there=lambda old, s, t: old + t, back=lambda old, s, t: old - t),
            "The other half is only shifted. It is multiplied by exp(s) first.",
            variants=(
                _mistaken(there=lambda old, s, t: old + t),
                _mistaken(back=lambda old, s, t: old - t),
                _mistaken(
                    there=lambda old, s, t: old + t,
                    back=lambda old, s, t: old - t,
                    log_det=lambda s, inverse: torch.zeros_like(s[:, 0]),
                ),
            ),
        ),
        Misconception(
            "a move added to the old half",
            _mistaken(there=lambda old, s, t: old + old * s.exp() + t),
            "You add the changed half to the old one. It takes its place: y_b = z_b exp(s) + t.",
        ),
        Misconception(
            "way back without exp(-s)",
            _mistaken(back=lambda old, s, t: (old - t) * s.exp()),
            "On the way back you multiply by exp(s) once more. What was multiplied by exp(s) is undone by exp(-s).",
            variants=(
                _mistaken(back=lambda old, s, t: old * s.exp() - t),
                _mistaken(back=lambda old, s, t: (old - t) / (-s).exp()),
            ),
        ),
        Misconception(
            "way back in the wrong order",
            _mistaken(back=lambda old, s, t: old * (-s).exp() - t),
            "On the way back you undo the scale first and the shift afterwards. The last thing that was done is undone first: "
            "take t off, then divide by exp(s).",
        ),
        Misconception(
            "shift added on the way back",
            _mistaken(back=lambda old, s, t: (old + t) * (-s).exp()),
            "On the way back you add t. It was added on the way there: take it off.",
            variants=(_mistaken(back=lambda old, s, t: old * (-s).exp() + t),),
        ),
        Misconception(
            "forward once more",
            lambda z, network, flip, inverse: coupling(z, network, flip, False),
            "With `inverse` you go forward once more. The way back takes t off, multiplies by exp(-s), and turns the sign of "
            "log_det.",
            variants=(_mistaken(back=_there),),
        ),
        Misconception(
            "s and t from the wrong half on the way back",
            _mistaken(look=lambda kept, changed, inverse: changed if inverse else kept),
            "On the way back you make s and t from the half that was changed. The other one passed as it is, so it gives the "
            "same s and t as on the way there.",
        ),
        Misconception(
            "sign of log_det on the way back",
            _mistaken(log_det=lambda s, inverse: s.sum(1)),
            "On the way back your log_det has the sign of the way there. What stretches one way squeezes the other: minus the "
            "sum of s.",
        ),
        Misconception(
            "sign of log_det",
            _mistaken(log_det=lambda s, inverse: -_log_det(s, inverse)),
            "The sign of your log_det is turned on the way there. Forwards the diagonal of the Jacobian is exp(s), so its "
            "logarithm is the sum of s itself.",
            variants=(_mistaken(log_det=lambda s, inverse: -s.sum(1)),),
        ),
        Misconception(
            "mean in log_det",
            _mistaken(log_det=lambda s, inverse: _log_det(s, inverse) / s.shape[1]),
            "You average s over the dimensions. A determinant is the product of all entries on the diagonal: add their "
            "logarithms up.",
            variants=(
                _mistaken(log_det=lambda s, inverse: s.mean(1)),
                _mistaken(log_det=lambda s, inverse: 0.5 * _log_det(s, inverse) / s.shape[1]),
            ),
        ),
        Misconception(
            "one log_det for all codes",
            _mistaken(log_det=lambda s, inverse: _log_det(s, inverse).sum()),
            "Your log_det is reduced over the codes. Each code has its own, `[B]`: sum over axis 1 alone.",
            variants=(
                _mistaken(log_det=lambda s, inverse: _log_det(s, inverse).mean()),
                _mistaken(log_det=lambda s, inverse: -s.sum(0) if inverse else s.sum(0)),
                _mistaken(log_det=lambda s, inverse: s.sum()),
            ),
        ),
        Misconception(
            "log_det for each number",
            _mistaken(log_det=lambda s, inverse: -s if inverse else s),
            "Your log_det has a number for each dimension. The determinant is their product: sum s over axis 1.",
            variants=(_mistaken(log_det=lambda s, inverse: s),),
        ),
        Misconception(
            "exponential in log_det",
            _mistaken(log_det=lambda s, inverse: _log_det(s.exp(), inverse)),
            "Your log_det holds exp(s), or the determinant itself. The logarithm of the scale exp(s) is s.",
            variants=(
                _mistaken(log_det=lambda s, inverse: _log_det(s, inverse).exp()),
                _mistaken(log_det=lambda s, inverse: s.exp().sum(1)),
                _mistaken(log_det=lambda s, inverse: s.exp().sum(1).log()),
                _mistaken(log_det=lambda s, inverse: s.exp().prod(1)),
                _mistaken(log_det=lambda s, inverse: (-s).exp().sum(1) if inverse else s.exp().sum(1)),
            ),
        ),
        Misconception(
            "absolute value in log_det",
            _mistaken(log_det=lambda s, inverse: _log_det(s.abs(), inverse)),
            "Your log_det has the absolute value or the logarithm of s. exp(s) is positive already, and its logarithm is s, of "
            "either sign.",
            variants=(
                _mistaken(log_det=lambda s, inverse: s.abs().sum(1)),
                _mistaken(log_det=lambda s, inverse: _log_det(s.abs().log(), inverse)),
                _mistaken(log_det=lambda s, inverse: _log_det(s.log(), inverse)),
            ),
        ),
        Misconception(
            "log_det counted twice",
            _mistaken(log_det=lambda s, inverse: 2 * _log_det(s, inverse)),
            "Your log_det counts s twice. Only one half is scaled; for the other the diagonal of the Jacobian is 1, whose "
            "logarithm is 0.",
        ),
        Misconception(
            "flip ignored",
            lambda z, network, flip, inverse: coupling(z, network, False, inverse),
            "With `flip` your result is that without it. Then the second half passes and gives s and t, and the first is "
            "changed.",
            variants=(
                lambda z, network, flip, inverse: coupling(z, network, flip and not inverse, inverse),
                lambda z, network, flip, inverse: coupling(z, network, flip and inverse, inverse),
            ),
        ),
        Misconception(
            "halves joined in the wrong order",
            _mistaken(join=lambda kept, changed, flip: torch.cat([kept, changed], 1)),
            "With `flip` your halves end up in each other's place: what passed comes first. Join them in the order in which "
            "they came.",
            variants=(
                _mistaken(join=lambda kept, changed, flip: _joined(kept, changed, flip).roll(kept.shape[1] * flip, 1)),
                _flipped_way,
                lambda z, network, flip, inverse: coupling(
                    z.roll(z.shape[1] // 2, 1) if flip else z, network, False, inverse
                ),
            ),
        ),
        Misconception(
            "order of the numbers turned",
            _turned_around,
            "With `flip` you turn the order of the numbers round, where halves are to be exchanged: the second half passes, "
            "with its numbers in their order.",
            variants=(
                lambda z, network, flip, inverse: coupling(z.flip(1) if flip else z, network, False, inverse),
                lambda z, network, flip, inverse: (
                    coupling(z.flip(1) if flip else z, network, False, inverse)[0],
                    coupling(z, network, flip, inverse)[1],
                ),
            ),
        ),
        Misconception(
            "joined in the wrong order throughout",
            _mistaken(join=lambda kept, changed, flip: _joined(changed, kept, flip)),
            "Your halves end up in each other's place. Each stays where it was: join them in the order in which they came.",
            variants=(_mistaken(join=lambda kept, changed, flip: torch.cat([changed, kept], 1)),),
        ),
        Misconception(
            "log_det cut off",
            _mistaken(log_det=lambda s, inverse: _log_det(s, inverse).detach()),
            "The numbers are right, but no gradient passes through log_det, so nothing keeps the flow from shrinking q to a "
            "point. Leave out `.detach()` and `torch.no_grad()`.",
        ),
        Misconception(
            "scale cut off",
            _mistaken(
                there=lambda old, s, t: _there(old, s.detach(), t), back=lambda old, s, t: _back(old, s.detach(), t)
            ),
            "The numbers are right, but s, or t, is cut off in the new codes, so only log_det trains it. Leave out "
            "`.detach()`.",
            variants=(
                _mistaken(
                    there=lambda old, s, t: _there(old, s, t.detach()), back=lambda old, s, t: _back(old, s, t.detach())
                ),
                _mistaken(
                    there=lambda old, s, t: _there(old, s.detach(), t.detach()),
                    back=lambda old, s, t: _back(old, s.detach(), t.detach()),
                ),
            ),
        ),
        Misconception(
            "changed places",
            lambda z, network, flip, inverse: coupling(z, network, flip, inverse)[::-1],
            "Both results are right, in the other order: first the codes, then log_det.",
        ),
    ),
    cases=_cases,
    batch="z",
    probe=_probe,
    gradients=("z", "weights"),
)
