"""16-freeze: one level of an image's code kept, the other one drawn anew."""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.distributions import Normal

from vae_course.exercises.inputs import generator, integer, normal
from vae_course.exercises.model import Alternative, Answer, AnswerError, Exercise, Inputs, Misconception

Network = Callable[[Tensor], tuple[Tensor, Tensor]]


def redraw(z1: Tensor, z2: Tensor, level: str, decode_top: Network, new: Tensor) -> Tensor:
    """The codes to decode, [n, D1], when this level of one image's code is redrawn, by the noise new, and the other kept."""
    mu, logvar = decode_top(z2)
    if level == "bottom":
        return mu + torch.exp(0.5 * logvar) * new
    eps = (z1 - mu) / torch.exp(0.5 * logvar)
    mu, logvar = decode_top(new)
    return mu + torch.exp(0.5 * logvar) * eps


def _network(weights: Tensor) -> Network:
    """An affine map whose last row is the bias; its two halves are mu and logvar."""
    needed = len(weights) - 1

    def decode_top(z2: Tensor) -> tuple[Tensor, Tensor]:
        if not isinstance(z2, Tensor) or z2.dim() == 0 or z2.shape[-1] != needed:
            found = f"of shape {list(z2.shape)}" if isinstance(z2, Tensor) else f"of type {type(z2).__name__}"
            raise AnswerError(
                f"`decode_top` takes codes of the top level, [..., {needed}]; it was given something {found}."
            )
        own = weights.to(z2.dtype) if z2.is_floating_point() else weights
        mu, logvar = (z2.to(own.dtype) @ own[:-1] + own[-1]).chunk(2, dim=-1)
        return mu, logvar

    return decode_top


def _probe(answer: Answer, case: Inputs) -> Any:
    z1, z2, new, network, top = case.values()
    assert isinstance(network, Tensor)
    result = answer(z1, z2, "top" if top else "bottom", _network(network), new)
    if isinstance(result, list | tuple) and result and all(isinstance(row, Tensor) for row in result):
        result = torch.stack(list(result))
    elif isinstance(result, np.ndarray | list):
        result = torch.as_tensor(result)
    return {f"a redraw of the {'top' if top else 'bottom'}": result}


def _cases(seed: int) -> list[Inputs]:
    """Each level in turn: by hand, one redraw, sizes by chance and twice, one dimension, and far, wide and narrow p(z1 | z2)."""
    source = generator(seed)
    n = integer(source, 4, 6)
    # p(z1 | z2) is N(2 z2, 4) in the first number and N(-z2, 1) in the second.
    by_hand = {
        "z1": torch.tensor([3.0, 0.0]),
        "z2": torch.tensor([1.0]),
        "network": torch.tensor([[2.0, -1.0, 0.0, 0.0], [0.0, 0.0, 1.3862944, 0.0]]),
    }
    rows = (torch.tensor([[0.5, 1.0], [-1.0, 0.0], [2.0, -2.0]]), torch.tensor([[0.5], [-1.0], [2.0]]))
    cases: list[Inputs] = [
        {"z1": by_hand["z1"], "z2": by_hand["z2"], "new": new, "network": by_hand["network"], "redraw_top": top}
        for top, new in enumerate(rows)
    ]
    for sizes in (
        (1, 3, 2), (n, 3, 2), (n, 3, 2), (n, 2, 5), (3, 4, 4), (3, 1, 2), (5, 6, 1), (40, 8, 3),
    ):  # fmt: skip
        cases.extend(_case(source, *sizes, 0.0, top) for top in (0, 1))
    for logvar, slope in ((-15.0, 0.0), (15.0, 0.0), (0.0, -10.0), (0.0, 5.0)):
        for top in (0, 1):
            case = _case(source, 3, 4, 2, logvar, top, slope)
            cases.append({k: v.double() if isinstance(v, Tensor) else v for k, v in case.items()})
    return cases


def _case(source: torch.Generator, n: int, d1: int, d2: int, logvar: float, top: int, slope: float = 0.0) -> Inputs:
    """A code of one image, a network whose widths move with z2, and noise for the level that is redrawn.

    With a slope the widths at this image's z2, 3 in its first number, are others than at most new ones.
    """
    weights = normal(source, d2 + 1, 2 * d1)
    weights[:, d1:] *= 0.5
    weights[-1, d1:] += logvar
    weights[0, d1:] += slope
    z2 = normal(source, d2)
    if slope:
        z2[0] = 3.0
    mu, log = (z2 @ weights[:-1] + weights[-1]).chunk(2)
    new = normal(source, n, d2 if top else d1)
    if slope and top:
        new[:, 0] *= 0.1
    return {
        "z1": mu + torch.exp(0.5 * log) * 1.5 * normal(source, d1),
        "z2": z2,
        "new": new,
        "network": weights,
        "redraw_top": top,
    }


def _loop(z1: Tensor, z2: Tensor, level: str, decode_top: Network, new: Tensor) -> list[Tensor]:
    """One redraw after another."""
    mu, logvar = decode_top(z2)
    codes = []
    for noise in new:
        if level == "top":
            new_mu, new_logvar = decode_top(noise)
            codes.append(new_mu + (new_logvar / 2).exp() * (z1 - mu) * (-logvar / 2).exp())
        else:
            codes.append(mu + (logvar / 2).exp() * noise)
    return codes


def _chosen_first(z1: Tensor, z2: Tensor, level: str, decode_top: Network, new: Tensor) -> Tensor:
    """Both codes as noise and top first, and one way to z1 for both levels."""
    mu, logvar = decode_top(z2)
    eps, top = ((z1 - mu) / logvar.exp().sqrt()).expand(len(new), -1), z2.expand(len(new), -1)
    eps, top = (eps, new) if level == "top" else (new, top)
    mu, logvar = decode_top(top)
    return torch.addcmul(mu, logvar.exp().sqrt(), eps)


def _normals(z1: Tensor, z2: Tensor, level: str, decode_top: Network, new: Tensor) -> Tensor:
    """With distributions."""
    mu, logvar = decode_top(z2[None])
    p = Normal(mu, logvar.mul(0.5).exp())
    if level == "bottom":
        return p.loc + p.scale * new
    new_mu, new_logvar = decode_top(new)
    return new_mu + new_logvar.mul(0.5).exp() * ((z1 - p.loc) / p.scale)


def _einsum(z1: Tensor, z2: Tensor, level: str, decode_top: Network, new: Tensor) -> Tensor:
    mu, logvar = decode_top(z2)
    if level == "bottom":
        return mu + torch.einsum("nd,d->nd", new, (logvar / 2).exp())
    anew, width = decode_top(new)
    return anew + torch.einsum("nd,d->nd", ((width - logvar) / 2).exp(), z1 - mu)


def _in_double(z1: Tensor, z2: Tensor, level: str, decode_top: Network, new: Tensor) -> Tensor:
    return redraw(z1.double(), z2.double(), level, decode_top, new.double())


def _std(logvar: Tensor) -> Tensor:
    return torch.exp(0.5 * logvar)


Level = Callable[[Tensor, Tensor, Network, Tensor], Any]


def _bottom(z1: Tensor, z2: Tensor, decode_top: Network, new: Tensor) -> Tensor:
    return redraw(z1, z2, "bottom", decode_top, new)


def _top(z1: Tensor, z2: Tensor, decode_top: Network, new: Tensor) -> Tensor:
    return redraw(z1, z2, "top", decode_top, new)


def _with(bottom: Level = _bottom, top: Level = _top) -> Answer:
    """The redrawn codes with one level, or both, done in another way."""
    return lambda z1, z2, level, decode_top, new: (bottom if level == "bottom" else top)(z1, z2, decode_top, new)


def _scaled(width: Callable[[Tensor], Tensor], again: Callable[[Tensor], Tensor] | None = None) -> tuple[Level, Level]:
    """Both levels with this width of p(z1 | z2), where the noise is taken out and (or `again`) where it is put back."""

    def bottom(z1: Tensor, z2: Tensor, decode_top: Network, new: Tensor) -> Tensor:
        mu, logvar = decode_top(z2)
        return mu + (again or width)(logvar) * new

    def top(z1: Tensor, z2: Tensor, decode_top: Network, new: Tensor) -> Tensor:
        (mu, logvar), (anew, width_anew) = decode_top(z2), decode_top(new)
        return anew + (again or width)(width_anew) * (z1 - mu) / width(logvar)

    return bottom, top


def _patched(tiny: float, logvar: Tensor) -> Tensor:
    return _std(logvar) + tiny


def _mean_of_top(z1: Tensor, z2: Tensor, decode_top: Network, new: Tensor) -> Tensor:
    return decode_top(new)[0]


def _mean_of_bottom(z1: Tensor, z2: Tensor, decode_top: Network, new: Tensor) -> Tensor:
    return decode_top(z2)[0].expand_as(new)


def _kept_width(z1: Tensor, z2: Tensor, decode_top: Network, new: Tensor) -> Tensor:
    """The difference from the mean, not the noise."""
    return decode_top(new)[0] + z1 - decode_top(z2)[0]


def _code_as_noise(z1: Tensor, z2: Tensor, decode_top: Network, new: Tensor) -> Tensor:
    mu, logvar = decode_top(new)
    return mu + _std(logvar) * z1


EXERCISE = Exercise(
    id="16-freeze",
    title="Keep one level, redraw the other",
    points=2,
    difficulty=3,
    minutes=7,
    task=(
        "An image has the codes `z1` `[D1]` and `z2` `[D2]`. Return the `[n, D1]` codes z1 to decode when one `level` is "
        'drawn anew from the model and the other kept: for "bottom" z2 is kept and z1 drawn from p(z1 | z2) with the noise '
        '`new` `[n, D1]`; for "top" the new z2 are `new` `[n, D2]`, and kept is the noise of z1, the eps with z1 = mu(z2) + '
        "sigma(z2) eps. `decode_top` gives mu and logvar of p(z1 | z2) for any codes z2 `[..., D2]`."
    ),
    hints=(
        "The decoder sees z1 alone. So what would become of the images if z1 itself were kept while z2 is redrawn? What does the "
        "bottom decide that z2 has not decided already?",
        "eps = (z1 - mu(z2)) / sigma(z2) is what the bottom adds. Keep it, and z1_new = mu(z2_new) + sigma(z2_new) eps.",
        '`decode_top(z2)` gives one mu and one logvar, `[D1]`, which broadcast against `[n, D1]`. For "top", solve for eps with '
        "them, then call `decode_top(new)` and put eps back.",
    ),
    explanation=(
        "x depends on z2 through z1 alone, so with z1 kept nothing could change. What belongs to the bottom alone is its noise: "
        "where z1 lies within p(z1 | z2), in units of its width. Both levels are then redrawn as the model itself draws them: z2 "
        "from N(0, I), the noise from N(0, I)."
    ),
    returns="codes z1 to decode, [n, D1]",
    reference=redraw,
    alternatives=(
        Alternative("loop over the redraws", _loop),
        Alternative("one way for both levels", _chosen_first),
        Alternative("distributions", _normals),
        Alternative("einsum", _einsum),
        Alternative("float64", _in_double),
    ),
    misconceptions=(
        Misconception(
            "z1 kept",
            _with(top=lambda z1, z2, decode_top, new: z1.expand(len(new), -1)),
            "You keep z1 itself while the top is redrawn. The decoder sees z1 alone, so n times the same image would come "
            "out: keep its noise, eps = (z1 - mu(z2)) / sigma(z2).",
            variants=(
                _with(top=lambda z1, z2, decode_top, new: z1),
                _with(top=lambda z1, z2, decode_top, new: z1 + 0 * decode_top(new)[0]),
            ),
        ),
        Misconception(
            "the mean alone",
            _with(top=_mean_of_top),
            "Your codes are means of p(z1 | z2), without noise, for at least one level. A draw adds sigma(z2) times the "
            "noise: the kept one when the top is redrawn, `new` for the bottom.",
            variants=(_with(_mean_of_bottom), _with(_mean_of_bottom, _mean_of_top)),
        ),
        Misconception(
            "the difference kept",
            _with(top=_kept_width),
            "You keep the difference z1 - mu(z2). Another z2 brings another width: divide by sigma(z2), then multiply by "
            "that of the new z2.",
            variants=(
                _with(
                    top=lambda z1, z2, decode_top, new: (
                        decode_top(new)[0] + (z1 - decode_top(z2)[0]) / _std(decode_top(z2)[1])
                    )
                ),
            ),
        ),
        Misconception(
            "the code as noise",
            _with(top=_code_as_noise),
            "What you keep in the place of the noise of z1 is z1 itself, or has lost only a part of what z2 decides. The "
            "noise is (z1 - mu(z2)) / sigma(z2): first mu off, then divided by sigma.",
            variants=(
                _with(
                    top=lambda z1, z2, decode_top, new: (
                        decode_top(new)[0]
                        + _std(decode_top(new)[1]) * (z1 / _std(decode_top(z2)[1]) - decode_top(z2)[0])
                    )
                ),
                _with(
                    top=lambda z1, z2, decode_top, new: (
                        decode_top(new)[0] + _std(decode_top(new)[1]) * (z1 - decode_top(z2)[0])
                    )
                ),
                _with(
                    top=lambda z1, z2, decode_top, new: (
                        decode_top(new)[0] + _std(decode_top(new)[1]) * z1 / _std(decode_top(z2)[1])
                    )
                ),
            ),
        ),
        Misconception(
            "noise by the new code",
            _with(
                top=lambda z1, z2, decode_top, new: (
                    decode_top(z2)[0] + _std(decode_top(z2)[1]) * (z1 - decode_top(new)[0]) / _std(decode_top(new)[1])
                )
            ),
            "You take old and new z2 the wrong way round: eps comes from mu and sigma at the old z2, and is put back with "
            "those at the new ones.",
            variants=(
                _with(
                    top=lambda z1, z2, decode_top, new: (
                        decode_top(z2)[0]
                        + _std(decode_top(new)[1]) * (z1 - decode_top(z2)[0]) / _std(decode_top(z2)[1])
                    )
                ),
                _with(
                    top=lambda z1, z2, decode_top, new: (
                        decode_top(new)[0]
                        + _std(decode_top(z2)[1]) * (z1 - decode_top(new)[0]) / _std(decode_top(new)[1])
                    )
                ),
            ),
        ),
        Misconception(
            "levels exchanged",
            lambda z1, z2, level, decode_top, new: redraw(
                z1, z2, "bottom" if level == "top" else "top", decode_top, new
            ),
            'You redraw the other level. `level` names the one that is drawn anew: for "bottom" z2 is kept, for "top" the '
            "noise of z1.",
        ),
        Misconception(
            "always the bottom",
            _with(top=lambda z1, z2, decode_top, new: _bottom(z1, z2, decode_top, new)),
            'You redraw the bottom whatever `level` says. For "top" `new` holds codes z2, `[n, D2]`, and the noise of z1 is '
            "kept.",
        ),
        Misconception(
            "always the top",
            _with(lambda z1, z2, decode_top, new: _top(z1, z2, decode_top, new)),
            'You redraw the top whatever `level` says. For "bottom" `new` holds noise for z1, `[n, D1]`, and z2 is kept.',
        ),
        Misconception(
            "bottom from N(0, I)",
            _with(lambda z1, z2, decode_top, new: new),
            "Your new bottom is the noise itself, a draw from N(0, I). Given z2 it comes from p(z1 | z2): mu(z2) + sigma(z2) "
            "times the noise.",
        ),
        Misconception(
            "old bottom with noise",
            _with(lambda z1, z2, decode_top, new: z1 + new),
            "Your new bottom is the old z1 with noise added, so the bottom is not drawn anew. It comes from p(z1 | z2): mu(z2) + "
            "sigma(z2) times the noise.",
            variants=(_with(lambda z1, z2, decode_top, new: z1 + _std(decode_top(z2)[1]) * new),),
        ),
        Misconception(
            "bottom not redrawn",
            _with(lambda z1, z2, decode_top, new: z1.expand(len(new), -1)),
            "Your bottom is the old one, n times: what you add back to mu(z2) is the noise that z1 has. When the bottom is "
            "redrawn, its noise is `new`.",
        ),
        Misconception(
            "variance as standard deviation",
            _with(*_scaled(torch.exp)),
            "You take exp(logvar), the variance, for the width, in one place or in all. The standard deviation is exp(0.5 * "
            "logvar).",
            variants=(
                _with(bottom=_scaled(torch.exp)[0]),
                _with(top=_scaled(torch.exp)[1]),
                _with(*_scaled(_std, torch.exp)),
                _with(top=_scaled(_std, torch.exp)[1]),
                _with(top=_scaled(torch.exp, _std)[1]),
            ),
        ),
        Misconception(
            "logvar as width",
            _with(*_scaled(lambda logvar: logvar)),
            "You multiply or divide by logvar itself. It is log sigma^2: the standard deviation is exp(0.5 * logvar).",
            variants=(
                _with(bottom=_scaled(lambda logvar: logvar)[0]),
                _with(top=_scaled(lambda logvar: logvar)[1]),
                _with(*_scaled(lambda logvar: logvar / 2)),
            ),
        ),
        Misconception(
            "a small number for safety",
            _with(top=_scaled(lambda logvar: _std(logvar) + 1e-8, _std)[1]),
            "A small number beside sigma is not small where p(z1 | z2) is narrow, and the noise comes out wrong. sigma is "
            "never 0: divide by it as it is.",
            variants=tuple(
                _with(*_scaled(functools.partial(_patched, tiny), again))
                for tiny in (1e-5, 1e-6, 1e-7, 1e-8)
                for again in (None, _std)
            ),
        ),
        Misconception(
            "one code",
            lambda *inputs: redraw(*inputs)[0],
            "You return a single code. Return one for each row of `new`, `[n, D1]`.",
            variants=(lambda *inputs: redraw(*inputs).mean(0),),
        ),
        Misconception(
            "noise drawn anew",
            _with(
                top=lambda z1, z2, decode_top, new: (
                    decode_top(new)[0] + _std(decode_top(new)[1]) * torch.randn(len(new), len(z1))
                )
            ),
            "You draw noise of your own for the bottom while the top is redrawn. Then both levels change: keep the noise "
            "that z1 has.",
            variants=(
                _with(
                    top=lambda z1, z2, decode_top, new: (
                        decode_top(new)[0] + _std(decode_top(new)[1]) * torch.randn_like(decode_top(new)[0])
                    )
                ),
                _with(
                    top=lambda z1, z2, decode_top, new: Normal(decode_top(new)[0], _std(decode_top(new)[1])).sample()
                ),
            ),
        ),
        Misconception(
            "z2 redrawn around the old one",
            _with(top=lambda z1, z2, decode_top, new: _top(z1, z2, decode_top, z2 + new)),
            "You add the old z2 to the new ones. `new` holds draws from N(0, I), which are the new codes of the top as they are.",
        ),
    ),
    cases=_cases,
    probe=_probe,
)
