"""18-density: the log-density of codes whose prior was learned on scaled ones."""

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.distributions import AffineTransform, Normal

from vae_course.exercises.inputs import generator, integer, normal, uniform
from vae_course.exercises.model import Alternative, Answer, AnswerError, Exercise, Inputs, Misconception

Density = Callable[[Tensor], Tensor]
# From the density of x0, z and c.
Of = Callable[[Density, Tensor, float], Tensor]


def log_prob_codes(z: Tensor, scale: float, log_prob_scaled: Density) -> Tensor:
    """log p(z) in nats, [B], of codes z [B, D]; log_prob_scaled gives the log-density of points x0 = scale * z, [B]."""
    log_px0 = log_prob_scaled(scale * z)
    return log_px0 + z.shape[1] * math.log(scale)


def _density(centres: Tensor) -> Density:
    """Two Gaussians around two centres [2, D], the second wider and with less weight."""

    def log_prob_scaled(x0: Tensor) -> Tensor:
        if not isinstance(x0, Tensor) or x0.dim() < 1 or x0.shape[-1] != centres.shape[-1]:
            found = f"a tensor of shape {list(x0.shape)}" if isinstance(x0, Tensor) else f"a {type(x0).__name__}"
            raise AnswerError(f"`log_prob_scaled` was given {found}; it takes points [B, {centres.shape[-1]}].")
        widths = torch.tensor([0.6, 1.5], dtype=x0.dtype)
        off = (x0.unsqueeze(-2) - centres.to(x0.dtype)).square().sum(-1) / widths.square()
        weights = torch.tensor([0.7, 0.3], dtype=x0.dtype).log()
        constant = x0.shape[-1] * (widths.log() + 0.5 * math.log(2 * math.pi))
        return torch.logsumexp(weights - constant - off / 2, -1)

    return log_prob_scaled


def _probe(answer: Answer, case: Inputs) -> Tensor:
    centres, z, scale = case.values()
    assert isinstance(centres, Tensor)
    result: Tensor = answer(z, scale, _density(centres))
    return result


def _cases(seed: int) -> list[Inputs]:
    """Sizes by chance, one code, one dimension, c of 1, below and above, a real batch, far codes; in double precision tiny
    and large c.
    """
    source = generator(seed)
    b, d = integer(source, 5, 7), integer(source, 3, 4)
    small = 0.15 + 0.4 * float(uniform(source, 1))
    rows = (
        (b, d, small, 1.0),
        (b, d, small, 1.0),
        (1, integer(source, 3, 6), 0.18215, 1.0),
        (4, 1, 3.0, 1.0),
        (3, d + 1, 1.0, 1.0),
        (60, 20, 0.25, 1.0),
        (4, 3, 0.5, 40.0),
        (3, 4, 2e-7, 1.0),
        (3, 5, 1e7, 1.0),
        (2, 5, 1e-3, 1.0),
    )
    return [_case(source, *row) for row in rows]


def _case(source: torch.Generator, n: int, d: int, scale: float, spread: float) -> Inputs:
    """Codes whose scaled ones spread so far around the two centres; with an extreme c in double precision."""
    case: Inputs = {
        "centres": 0.8 * normal(source, 2, d).double(),
        "z": spread / scale * (0.3 + normal(source, n, d).double()),
        "scale": scale,
    }
    if not 1e-2 < scale < 1e2:
        return case
    return {name: value.float() if isinstance(value, Tensor) else value for name, value in case.items()}


def _loop(z: Tensor, scale: float, log_prob_scaled: Density) -> Tensor:
    """Code by code, and each dimension adds its own logarithm."""
    found = []
    for code in z:
        log_p = log_prob_scaled((code * scale)[None])[0]
        for _ in code:
            log_p = log_p + math.log(scale)
        found.append(log_p)
    return torch.stack(found)


def _affine(z: Tensor, scale: float, log_prob_scaled: Density) -> Tensor:
    """By PyTorch's own transform."""
    transform = AffineTransform(0.0, scale)
    x0 = transform(z)
    return log_prob_scaled(x0) + transform.log_abs_det_jacobian(z, x0).sum(-1)


def _determinant(z: Tensor, scale: float, log_prob_scaled: Density) -> Tensor:
    """By the Jacobian c I, and its determinant, with einsum."""
    jacobian = torch.eye(z.shape[-1], dtype=z.dtype) * scale
    return log_prob_scaled(torch.einsum("bd,ed->be", z, jacobian)) + torch.linalg.slogdet(jacobian).logabsdet


def _minus_width(z: Tensor, scale: float, log_prob_scaled: Density) -> Tensor:
    """With the width of codes, 1 / c, as where codes are divided by their standard deviation."""
    std = 1 / scale
    return log_prob_scaled(z / std) - torch.full_like(z, std).log().sum(1)


def _with(
    correction: Callable[[Tensor, float], Tensor | float] = lambda z, c: z.shape[1] * math.log(c),
    at: Callable[[Tensor, float], Tensor] = lambda z, c: c * z,
    end: Callable[[Tensor, Tensor | float], Tensor] = lambda log_p, correction: log_p + correction,
) -> Answer:
    """The log-density with one thing changed."""
    return lambda z, scale, log_prob_scaled: end(log_prob_scaled(at(z, scale)), correction(z, scale))


EXERCISE = Exercise(
    id="18-density",
    title="The density of a code",
    points=2,
    difficulty=2,
    minutes=5,
    task=(
        "A prior was learned on scaled codes x_0 = c z, with c = `scale`, a float above 0. Return log p(z) in nats for each code "
        "of `z` `[B, D]`, `[B]`: the log-density of z itself. `log_prob_scaled` gives the log-density of points x_0 `[B, "
        "D]`, `[B]`. Gradients must reach `z`."
    ),
    hints=(
        "Think of one dimension and a c below 1: the scaled codes lie closer together. Is the density of z then "
        "higher or lower than that of x_0?",
        "Change of variables: p(z) = p(x_0) |det dx_0/dz|, and the Jacobian of x_0 = c z is c times the D x D "
        "identity.",
        "Ask `log_prob_scaled` at the scaled codes and add the logarithm of the determinant c^D: D times `math.log` "
        "of the scale, the same for every code.",
    ),
    explanation=(
        "The volume that codes fill changes by c^D when they are scaled, and a density is per volume. At D = 20 and c = 0.25 "
        "log p(z) is 28 nats lower than log p(x_0), so bounds of priors with different c are compared only after it."
    ),
    returns="one number for each code, [B]",
    reference=log_prob_codes,
    alternatives=(
        Alternative("loop over the codes", _loop),
        Alternative("torch.distributions", _affine),
        Alternative("determinant, einsum", _determinant),
        Alternative("standard deviation", _minus_width),
        Alternative("float64", lambda z, c, log_prob: log_prob(c * z.double()) + z.shape[-1] * math.log(c)),
    ),
    misconceptions=(
        Misconception(
            "no determinant",
            _with(lambda z, c: 0.0),
            "This is the log-density of x_0 = c z. A density changes with the unit it is measured in: the logarithm "
            "of the determinant of x_0 = c z is missing.",
        ),
        Misconception(
            "sign of the determinant",
            _with(lambda z, c: -z.shape[1] * math.log(c)),
            "Your correction has the wrong sign. p(z) = p(x_0) |dx_0/dz|, and dx_0/dz = c: for c below 1 codes are "
            "spread wider than scaled ones, so their density is lower.",
        ),
        Misconception(
            "once for all dimensions",
            _with(lambda z, c: math.log(c)),
            "You add or subtract log c once. Each of the D dimensions is scaled, so the determinant is c^D: D log c.",
            variants=(_with(lambda z, c: -math.log(c)),),
        ),
        Misconception(
            "once for each number of the batch",
            _with(lambda z, c: z.numel() * math.log(c)),
            "You count log c with the size of the batch. Each code has a density of its own, in D dimensions: D log c, "
            "whatever B is.",
            variants=(
                _with(lambda z, c: z.shape[0] * math.log(c)),
                _with(lambda z, c: -z.numel() * math.log(c)),
                _with(lambda z, c: -z.shape[0] * math.log(c)),
            ),
        ),
        Misconception(
            "evaluated at another point",
            _with(at=lambda z, c: z),
            "You ask for the density at z, or at another point than c z. `log_prob_scaled` is that of scaled codes: give it "
            "`scale` times z, with nothing taken off.",
            variants=(
                _with(at=lambda z, c: math.log(c) * z),
                _with(lambda z, c: 0.0, at=lambda z, c: math.log(c) * z),
                _with(at=lambda z, c: math.sqrt(c) * z),
                _with(at=lambda z, c: c * (z - z.mean(0))),
                _with(at=lambda z, c: c * z / z.std()),
                _with(at=lambda z, c: (z - z.mean(0)) / z.std(0)),
                _with(lambda z, c: 0.0, at=lambda z, c: c * (z - z.mean(0))),
                _with(at=lambda z, c: c * z.clamp(-5, 5)),
                _with(lambda z, c: -z.shape[1] * math.log(c), at=lambda z, c: z),
                _with(lambda z, c: 0.0, at=lambda z, c: z),
                _with(lambda z, c: math.log(c), at=lambda z, c: z),
            ),
        ),
        Misconception(
            "divided by the scale",
            _with(at=lambda z, c: z / c),
            "You divide z by c. Scaled codes are x_0 = c z; dividing leads back from x_0 to z.",
            variants=(
                _with(lambda z, c: -z.numel() * math.log(c), at=lambda z, c: z / c),
                _with(lambda z, c: z.numel() * math.log(c), at=lambda z, c: z / c),
                _with(lambda z, c: -len(z) * math.log(c), at=lambda z, c: z / c),
                _with(lambda z, c: len(z) * math.log(c), at=lambda z, c: z / c),
                _with(lambda z, c: -z.shape[1] * math.log(c), at=lambda z, c: z / c),
                _with(lambda z, c: 0.0, at=lambda z, c: z / c),
                _with(lambda z, c: -math.log(c), at=lambda z, c: z / c),
                _with(lambda z, c: math.log(c), at=lambda z, c: z / c),
            ),
        ),
        Misconception(
            "factor without its logarithm",
            _with(lambda z, c: z.shape[1] * c),
            "You use c or c^D without a logarithm. Densities are multiplied by c^D, so log-densities get D log c "
            "added.",
            variants=(
                _with(lambda z, c: c ** z.shape[1]),
                _with(lambda z, c: c ** z.shape[1], end=lambda log_p, factor: log_p * factor),
                _with(lambda z, c: c, end=lambda log_p, factor: log_p * factor),
                _with(lambda z, c: c),
                _with(lambda z, c: c ** z.shape[1], end=lambda log_p, factor: log_p / factor),
                lambda z, c, log_prob: log_prob(c * z) / c,
                lambda z, c, log_prob: log_prob(c * z) / c + z.shape[1] * math.log(c),
                lambda z, c, log_prob: log_prob(c * z) * c + z.shape[1] * math.log(c),
            ),
        ),
        Misconception(
            "another summand",
            _with(lambda z, c: math.log(c * z.shape[1])),
            "What you add is no D log c, or you multiply by it. Take the logarithm of c first, then D times it, the same for "
            "every code, and add it.",
            variants=(
                _with(lambda z, c: z.shape[1] + math.log(c)),
                _with(lambda z, c: math.log(c) / z.shape[1]),
                _with(lambda z, c: math.log(c) * math.sqrt(z.shape[1])),
                _with(lambda z, c: (z * math.log(c)).sum(1)),
                _with(lambda z, c: Normal(torch.zeros_like(z), c).log_prob(z).sum(1)),
                _with(end=lambda log_p, correction: log_p * correction),
            ),
        ),
        Misconception(
            "logarithm of the codes",
            _with(lambda z, c: (c * z).abs().log().sum(1)),
            "You add logarithms of the codes themselves. The Jacobian is the derivative of c z, which is c wherever z lies.",
            variants=(
                _with(lambda z, c: z.abs().log().sum(1)),
                _with(lambda z, c: -(c * z).abs().log().sum(1)),
            ),
        ),
        Misconception(
            "twice or half the logarithm",
            _with(lambda z, c: 2 * z.shape[1] * math.log(c)),
            "You count log c twice or half, as if c were a variance or its root. c scales the codes themselves: D log "
            "c.",
            variants=(
                _with(lambda z, c: z.shape[1] * math.log(c) / 2),
                _with(lambda z, c: -z.shape[1] * math.log(c) / 2),
                _with(lambda z, c: -2 * z.shape[1] * math.log(c)),
            ),
        ),
        Misconception(
            "another logarithm",
            _with(lambda z, c: z.shape[1] * math.log2(c)),
            "You take another logarithm of c than the natural one, or its absolute value. In nats it is `math.log`, "
            "which is negative for c below 1.",
            variants=(
                _with(lambda z, c: z.shape[1] * math.log10(c)),
                _with(lambda z, c: z.shape[1] * abs(math.log(c))),
                _with(lambda z, c: -z.shape[1] * abs(math.log(c))),
                _with(lambda z, c: z.shape[1] * math.log1p(c)),
            ),
        ),
        Misconception(
            "per dimension",
            lambda z, c, log_prob: log_prob(c * z) / z.shape[1] + math.log(c),
            "You divide by the number of dimensions. The density of a whole code is asked for, in nats.",
            variants=(lambda z, c, log_prob: log_prob(c * z) / z.shape[1],),
        ),
        Misconception(
            "over the batch",
            lambda z, c, log_prob: log_prob_codes(z, c, log_prob).mean(),
            "You add or average over the batch. Each code has its own log-density, `[B]`.",
            variants=(
                lambda z, c, log_prob: log_prob_codes(z, c, log_prob).sum(),
                lambda z, c, log_prob: log_prob(c * z).mean() + z.shape[1] * math.log(c),
            ),
        ),
        Misconception(
            "a density",
            lambda z, c, log_prob: log_prob_codes(z, c, log_prob).exp(),
            "You return a density. Its logarithm is asked for, since densities of many dimensions overflow or round "
            "to 0.",
            variants=(lambda z, c, log_prob: log_prob(c * z).exp() * c ** z.shape[1],),
        ),
        Misconception(
            "N(0, I) in place of the prior",
            lambda z, c, log_prob: (-0.5 * (c * z) ** 2 - 0.5 * math.log(2 * math.pi) + math.log(c)).sum(1),
            "You take codes for N(0, I). The density of scaled codes was learned, and `log_prob_scaled` gives it.",
            variants=(lambda z, c, log_prob: (-0.5 * z**2 - 0.5 * math.log(2 * math.pi)).sum(1),),
        ),
        Misconception(
            "codes cut off",
            lambda z, c, log_prob: log_prob_codes(z.detach(), c, log_prob),
            "The numbers are right, but no gradient reaches `z`, so an encoder could not be trained through it. Leave "
            "out `.detach()` and `torch.no_grad()`.",
        ),
    ),
    cases=_cases,
    batch="z",
    probe=_probe,
    gradients=("z",),
)
