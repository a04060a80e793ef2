"""05-shared-noise: find the error. A sampling layer that draws one noise vector for the whole batch."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.distributions import Normal

from vae_course.exercises.inputs import generator, integer, normal
from vae_course.exercises.model import Alternative, Answer, AnswerError, Exercise, Inputs, Misconception

Randn = Callable[..., Tensor]


def sample_codes(mu: Tensor, logvar: Tensor, n_draws: int, randn: Randn) -> Tensor:
    """Codes z [L, B, D] from N(mu, sigma^2), noise of their own for each draw, example and dimension."""
    eps = randn(n_draws, *mu.shape)
    return mu + torch.exp(0.5 * logvar) * eps


def _source(noise: Tensor) -> Randn:
    """A stand-in for torch.randn that hands out given numbers, so that the noise in an answer can be recognised."""
    used = 0

    def randn(*shape: Any, size: Any = (), **_: Any) -> Tensor:
        nonlocal used
        shape = shape or tuple(size)
        sizes = shape[0] if len(shape) == 1 and isinstance(shape[0], tuple | list) else shape
        begin, used = used, used + math.prod(sizes)
        if used > len(noise):
            raise AnswerError(f"you asked for more than {len(noise)} random numbers: draw L B D of them.")
        return noise[begin:used].reshape(tuple(sizes))

    return randn


def _probe(answer: Answer, case: Inputs) -> dict[str, Any]:
    """The noise inside the codes, sorted so that the order of drawing does not count, and how z follows mu and logvar."""
    mu, logvar, n_draws, noise = case.values()
    assert isinstance(mu, Tensor) and isinstance(logvar, Tensor) and isinstance(noise, Tensor)
    leaves = [value.detach().clone().requires_grad_() for value in (mu, logvar)]
    before = torch.get_rng_state()
    z = answer(*leaves, n_draws, _source(noise))
    if not torch.equal(torch.get_rng_state(), before):
        raise AnswerError("your function draws random numbers of its own: use the `randn` that you are given.")
    wanted = [int(n_draws), *mu.shape]
    if not isinstance(z, Tensor):
        raise AnswerError(f"your function must return one tensor of codes, {wanted}, not a {type(z).__name__}.")
    if list(z.shape) != wanted:
        raise AnswerError(f"your codes have shape {list(z.shape)}, expected [L, B, D] = {wanted}.")
    eps = (z.detach().double() - mu.double()) / torch.exp(0.5 * logvar.double())
    found, wanted_noise = eps.flatten().sort().values, noise[: eps.numel()].sort().values
    by_mu, by_logvar = _gradients(z, leaves)
    return {
        "noise": wanted_noise if _from(found, noise) else found.float(),
        "the gradient of `z.sum()` by mu": by_mu,
        "the gradient of `z.sum()` by logvar": _in_any_order(by_logvar, z.detach(), case),
    }


def _from(found: Tensor, noise: Tensor) -> bool:
    """Whether each of these sorted numbers is one of the noise, and none of the noise is used twice."""
    rest = iter(noise.double().sort().values.tolist())
    room = 1e-5 * float(noise.abs().max())
    return all(
        any(abs(given - number) <= room for given in rest if given >= number - room) for number in found.tolist()
    )


def _gradients(z: Tensor, leaves: list[Tensor]) -> list[Tensor]:
    """The sum of all codes, differentiated by each of these; zeros where nothing arrives."""
    found = torch.autograd.grad(z.sum(), leaves, allow_unused=True) if z.requires_grad else (None,) * len(leaves)
    return [torch.zeros_like(leaf) if g is None else g for leaf, g in zip(leaves, found, strict=True)]


def _in_any_order(by_logvar: Tensor, z: Tensor, case: Inputs) -> Tensor:
    """The gradient by logvar; where it is (z - mu) / 2, as these codes ask for, that of codes from the noise in its order."""
    mu, logvar, n_draws, noise = case.values()
    assert isinstance(mu, Tensor) and isinstance(logvar, Tensor) and isinstance(noise, Tensor)
    sigma = torch.exp(0.5 * logvar)
    due = 0.5 * (z - mu).sum(0)
    in_order = 0.5 * sigma * noise[: z.numel()].reshape(z.shape).sum(0)
    return in_order if bool(((by_logvar - due).abs() <= 3e-5 * int(n_draws) * sigma).all()) else by_logvar


def _cases(seed: int) -> list[Inputs]:
    source = generator(seed)
    draws, b = integer(source, 2, 3), integer(source, 4, 5)
    shapes = ((2, 1, 3), (1, 3, 2), (4, 3, 1), (3, 2, 4), (draws, b, 3), (draws, b, 3), (5, 5, 2), (2, 64, 2))
    cases = [_case(source, shape) for shape in shapes]
    edges = ((1e-4, 0, -15), (1, 0, 15), (1, 30, 0), (1, -30, 0))
    return [*cases, *(_case(source, (4, 3, 2), *edge) for edge in edges)]


def _case(
    source: torch.Generator, shape: tuple[int, int, int], spread: float = 1, mu: float = 0, logvar: float = -1
) -> Inputs:
    """Means and log variances near these, and three times the noise that is needed."""
    draws, b, d = shape
    return {
        "mu": mu + spread * normal(source, b, d),
        "logvar": logvar + normal(source, b, d),
        "n_draws": draws,
        "noise": normal(source, 3 * draws * b * d),
    }


def _loop(mu: Tensor, logvar: Tensor, n_draws: int, randn: Randn) -> Tensor:
    std = torch.exp(0.5 * logvar)
    return torch.stack([mu + std * randn(*mu.shape) for _ in range(n_draws)])


def _example_by_example(mu: Tensor, logvar: Tensor, n_draws: int, randn: Randn) -> Tensor:
    std = torch.exp(logvar).sqrt()
    return torch.stack([mu[b] + std[b] * randn(n_draws, mu.shape[1]) for b in range(len(mu))], dim=1)


def _published(mu: Tensor, logvar: Tensor, n_draws: int, randn: Randn) -> Tensor:
    eps = randn(n_draws, 1, mu.shape[1])
    return mu + torch.exp(0.5 * logvar) * eps


def _full(eps: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    return mu + torch.exp(0.5 * logvar) * eps


def _no_grad(mu: Tensor, logvar: Tensor, n_draws: int, randn: Randn) -> Tensor:
    with torch.no_grad():
        return sample_codes(mu, logvar, n_draws, randn)


EXERCISE = Exercise(
    id="05-shared-noise",
    title="Find the error: a sampling layer",
    points=2,
    difficulty=2,
    minutes=5,
    task=(
        "Repair the sampling layer: return codes z `[L, B, D]`, `n_draws` = L for each example, from N(mu, sigma^2) with "
        "`mu` and `logvar` `[B, D]`, both of which gradients are to reach, drawing all noise by `randn(*shape)`, which works "
        "like `torch.randn`."
    ),
    hints=(
        "How many different random numbers does the layer draw, and how many codes with how many dimensions does it "
        "make from them?",
        "eps needs one number for each draw, each example and each dimension: L B D of them.",
        "The shape that you ask `randn` for has a 1 where the batch belongs; `len(mu)` is B.",
    ),
    explanation=(
        "Broadcasting hides the error: `[L, 1, D]` fits beside `[B, D]`, and every shape and every mean is right. But "
        "all examples then move together, so averaging over the batch no longer averages the noise away."
    ),
    returns="codes, [L, B, D]",
    reference=sample_codes,
    alternatives=(
        Alternative("loop", _loop),
        Alternative("example by example", _example_by_example),
        Alternative(
            "first noise thrown away",
            lambda mu, logvar, n_draws, randn: (
                randn(n_draws, *mu.shape),
                sample_codes(mu, logvar, n_draws, randn),
            )[1],
        ),
        Alternative(
            "einsum",
            lambda mu, logvar, n_draws, randn: (
                mu + torch.einsum("bd,lbd->lbd", torch.exp(logvar / 2), randn(n_draws, len(mu), mu.shape[1]))
            ),
        ),
        Alternative(
            "float64",
            lambda mu, logvar, n_draws, randn: (
                mu.double() + torch.exp(0.5 * logvar.double()) * randn(n_draws, *mu.shape).double()
            ),
        ),
    ),
    misconceptions=(
        Misconception(
            "one noise for the batch",
            _published,
            "This is the layer as it was: the noise has shape `[L, 1, D]`, so all examples of a batch share it. Ask "
            "`randn` for `[L, B, D]`.",
            variants=(
                lambda mu, logvar, n_draws, randn: _full(
                    randn(n_draws, mu.shape[1]).unsqueeze(1).expand(-1, len(mu), -1), mu, logvar
                ),
            ),
        ),
        Misconception(
            "one noise for all draws",
            lambda mu, logvar, n_draws, randn: _full(randn(*mu.shape).expand(n_draws, -1, -1), mu, logvar),
            "Each example has its own noise now, but all L draws of it are the same code. Ask `randn` for `[L, B, D]`.",
        ),
        Misconception(
            "one number for a code",
            lambda mu, logvar, n_draws, randn: _full(randn(n_draws, len(mu), 1), mu, logvar),
            "All D dimensions of a code share one random number, so codes move along a line. Ask `randn` for "
            "`[L, B, D]`.",
        ),
        Misconception(
            "one vector for everything",
            lambda mu, logvar, n_draws, randn: _full(randn(mu.shape[1]).expand(n_draws, len(mu), -1), mu, logvar),
            "A single noise vector serves all draws and all examples. Ask `randn` for `[L, B, D]`.",
        ),
        Misconception(
            "variance as sigma",
            lambda mu, logvar, n_draws, randn: mu + torch.exp(logvar) * randn(n_draws, *mu.shape),
            "The noise is scaled by exp(logvar), the variance. The scale is sigma: `torch.exp(0.5 * logvar)`.",
        ),
        Misconception(
            "shared noise, variance as sigma",
            lambda mu, logvar, n_draws, randn: mu + torch.exp(logvar) * randn(n_draws, 1, mu.shape[1]),
            "The batch still shares its noise, and it is scaled by the variance now. Keep "
            "`torch.exp(0.5 * logvar)` and ask `randn` for `[L, B, D]`.",
        ),
        Misconception(
            "mean forgotten",
            lambda mu, logvar, n_draws, randn: torch.exp(0.5 * logvar) * randn(n_draws, *mu.shape),
            "Your codes are centred on zero. The noise sigma eps is a step away from the mean: add mu.",
        ),
        Misconception(
            "logvar as sigma",
            lambda mu, logvar, n_draws, randn: mu + logvar * randn(n_draws, *mu.shape),
            "You scale the noise by logvar itself, a logarithm that may be negative. sigma is `torch.exp(0.5 * logvar)`.",
        ),
        Misconception(
            "no draws axis",
            lambda mu, logvar, n_draws, randn: mu + torch.exp(0.5 * logvar) * randn(*mu.shape),
            "You return one code for each example, `[B, D]`: a single draw, or the mean of several, which is not a draw "
            "from q. Return all L of them, `[L, B, D]`.",
            variants=(lambda mu, logvar, n_draws, randn: sample_codes(mu, logvar, n_draws, randn).mean(0),),
        ),
        Misconception(
            "axes swapped",
            lambda mu, logvar, n_draws, randn: sample_codes(mu, logvar, n_draws, randn).transpose(0, 1),
            "The codes are right, but the axes are `[B, L, D]`. In this course the draws come first: `[L, B, D]`.",
        ),
        Misconception(
            "no noise",
            lambda mu, logvar, n_draws, randn: mu.expand(n_draws, -1, -1),
            "There is no noise in your codes: each of them is mu. Add sigma eps.",
        ),
        Misconception(
            "draw without a gradient",
            _no_grad,
            "The codes are right, but no gradient reaches mu and logvar, so the encoder could not learn. Leave out "
            "`torch.no_grad()`, `.detach()` and `.data`.",
            variants=(lambda mu, logvar, n_draws, randn: sample_codes(mu, logvar, n_draws, randn).detach(),),
        ),
        Misconception(
            "sigma cut off",
            lambda mu, logvar, n_draws, randn: sample_codes(mu, logvar.detach(), n_draws, randn),
            "The codes are right and a gradient reaches mu, but none reaches logvar: the encoder could never learn how wide q "
            "should be. Leave out `.detach()`, `.data` and `torch.no_grad()` around sigma.",
        ),
        Misconception(
            "mu cut off",
            lambda mu, logvar, n_draws, randn: sample_codes(mu.detach(), logvar, n_draws, randn),
            "The codes are right and a gradient reaches logvar, but none reaches mu: the encoder could never learn where q "
            "should be. Leave out `.detach()`, `.data` and `torch.no_grad()` around mu.",
        ),
        Misconception(
            "noise of your own",
            lambda mu, logvar, n_draws, randn: mu + torch.exp(0.5 * logvar) * torch.randn(n_draws, *mu.shape),
            "You draw with a function of PyTorch, such as `torch.randn` or `rsample`. Use the `randn` that you are given, "
            "so that whoever calls the layer decides on seed and precision.",
            variants=(
                lambda mu, logvar, n_draws, randn: mu + torch.exp(0.5 * logvar) * torch.randn_like(mu),
                lambda mu, logvar, n_draws, randn: torch.stack(
                    [mu + torch.exp(0.5 * logvar) * torch.randn_like(mu) for _ in range(n_draws)]
                ),
                lambda mu, logvar, n_draws, randn: Normal(mu, torch.exp(0.5 * logvar)).rsample((n_draws,)),
            ),
        ),
    ),
    cases=_cases,
    batch="mu",
    probe=_probe,
)
