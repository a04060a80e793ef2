"""05-pathwise-gradient: the gradient through z = mu + sigma eps, by hand."""

import torch
from torch import Tensor

from vae_course.exercises.inputs import generator, integer, normal
from vae_course.exercises.lesson_05._pairs import Pair, probe
from vae_course.exercises.model import Alternative, Exercise, Inputs, Misconception


def pathwise_gradient(grad_f: Tensor, eps: Tensor, logvar: Tensor) -> Pair:
    """Pathwise slopes of E_q[f] in mu and logvar, [B, D] each, from grad_f and eps [L, B, D]."""
    std = torch.exp(0.5 * logvar)
    return grad_f.mean(dim=0), (grad_f * std * eps / 2).mean(dim=0)


def _cases(seed: int) -> list[Inputs]:
    source = generator(seed)
    first: Inputs = {
        "grad_f": torch.tensor([[[2.0, -1.0]]]),
        "eps": torch.tensor([[[0.5, 1.5]]]),
        "logvar": torch.tensor([[0.5, -1.0]]),
    }
    n, b = integer(source, 3, 4), integer(source, 2, 3)
    shapes = ((3, 1, 2), (4, 3, 1), (5, 2, 3), (n, b, 5), (n, b, 5), (3, 3, 4), (6, 4, 7), (64, 5, 2))
    cases = [_case(source, shape, -0.5) for shape in shapes]
    return [
        first,
        *cases,
        _case(source, (4, 3, 2), -15),
        _case(source, (4, 3, 2), 15),
        _case(source, (4, 3, 2), 0, 100),
        _case(source, (4, 3, 2), -12, 1000),
    ]


def _case(source: torch.Generator, shape: tuple[int, int, int], logvar: float, size: float = 2) -> Inputs:
    """Slopes of about this size, and widths near this log variance."""
    return {
        "grad_f": size * normal(source, *shape) + 1,
        "eps": normal(source, *shape),
        "logvar": logvar + normal(source, *shape[1:]),
    }


def _with(grad_f: Tensor, factor: Tensor) -> Pair:
    """The right gradient in mu, and one in logvar by another derivative of z."""
    return grad_f.mean(0), (grad_f * factor).mean(0)


def _loop(grad_f: Tensor, eps: Tensor, logvar: Tensor) -> Pair:
    g_mu, g_logvar = torch.zeros_like(logvar), torch.zeros_like(logvar)
    for slope, noise in zip(grad_f, eps, strict=True):
        g_mu += slope / len(eps)
        g_logvar += slope * noise * logvar.exp().sqrt() / (2 * len(eps))
    return g_mu, g_logvar


EXERCISE = Exercise(
    id="05-pathwise-gradient",
    title="The pathwise gradient by hand",
    points=2,
    difficulty=3,
    minutes=8,
    task=(
        "Find out how far z = mu + sigma eps moves when logvar grows. Then return the pathwise estimates of the gradient of "
        "E_q[f(z)] with respect to mu and logvar, as a pair of `[B, D]`: from `grad_f` `[L, B, D]`, the gradient of f at z, "
        "the noise `eps` `[L, B, D]`, and `logvar` `[B, D]`."
    ),
    hints=(
        "By how much does z move when mu is raised a little, and by how much when logvar is raised a little?",
        "In z = mu + sigma eps only sigma = exp(logvar / 2) depends on logvar, and the derivative of exp(logvar / 2) is half "
        "of itself. So dz / dmu = 1 and dz / dlogvar = sigma eps / 2.",
        "Average `grad_f` over axis 0 for mu. For logvar multiply it first by half of `torch.exp(0.5 * logvar)` times "
        "`eps`.",
    ),
    explanation=(
        "The slope of f says what a small move of z is worth; the derivative of z says how far each parameter moves it. "
        "`backward()` does the same multiplication whenever z was made by `reparameterize`."
    ),
    returns="two tensors, each [B, D]",
    reference=pathwise_gradient,
    alternatives=(
        Alternative("loop", _loop),
        Alternative(
            "autograd of a function with these slopes",
            lambda grad_f, eps, logvar: torch.func.grad(
                lambda mu, v: (grad_f * (mu + torch.exp(0.5 * v) * eps)).sum() / len(eps), argnums=(0, 1)
            )(torch.zeros_like(logvar), logvar),
        ),
        Alternative(
            "einsum",
            lambda grad_f, eps, logvar: (
                torch.einsum("lbd->bd", grad_f) / len(eps),
                torch.einsum("lbd,lbd,bd->bd", grad_f, eps, torch.exp(logvar / 2)) / (2 * len(eps)),
            ),
        ),
        Alternative("stacked", lambda grad_f, eps, logvar: torch.stack(pathwise_gradient(grad_f, eps, logvar))),
        Alternative(
            "float64", lambda grad_f, eps, logvar: pathwise_gradient(grad_f.double(), eps.double(), logvar.double())
        ),
    ),
    misconceptions=(
        Misconception(
            "half forgotten",
            lambda grad_f, eps, logvar: _with(grad_f, torch.exp(0.5 * logvar) * eps),
            "The gradient in logvar is twice the right one: you took the derivative with respect to log sigma. sigma = "
            "exp(logvar / 2), and its derivative with respect to logvar is sigma / 2.",
        ),
        Misconception(
            "variance in place of sigma",
            lambda grad_f, eps, logvar: _with(grad_f, torch.exp(logvar) * eps / 2),
            "You scale the noise by exp(logvar), the variance. z moves by sigma eps: the factor is "
            "`torch.exp(0.5 * logvar)`.",
            variants=(lambda grad_f, eps, logvar: _with(grad_f, torch.exp(logvar) * eps),),
        ),
        Misconception(
            "noise forgotten",
            lambda grad_f, eps, logvar: _with(grad_f, torch.exp(0.5 * logvar) / 2),
            "eps is missing in the gradient in logvar. A wider q moves a draw away from mu, up or down as its noise "
            "says: multiply by eps.",
        ),
        Misconception(
            "derivative with respect to sigma",
            lambda grad_f, eps, logvar: _with(grad_f, eps),
            "This is the derivative with respect to sigma, dz / dsigma = eps. The parameter is logvar: multiply by "
            "dsigma / dlogvar = sigma / 2.",
        ),
        Misconception(
            "derivative with respect to the variance",
            lambda grad_f, eps, logvar: _with(grad_f, torch.exp(-0.5 * logvar) * eps / 2),
            "This is the derivative with respect to the variance sigma^2, dz / dsigma^2 = eps / (2 sigma). The parameter is "
            "its logarithm: multiply by one more sigma^2, which gives sigma eps / 2.",
        ),
        Misconception(
            "logvar as a factor",
            lambda grad_f, eps, logvar: _with(grad_f, logvar * torch.exp(0.5 * logvar) * eps / 2),
            "Your gradient in logvar has logvar itself as a factor. The derivative of exp(logvar / 2) is half of "
            "exp(logvar / 2), without one.",
        ),
        Misconception(
            "always outwards",
            lambda grad_f, eps, logvar: _with(grad_f, torch.exp(0.5 * logvar) * eps.abs() / 2),
            "You take the size of the noise without its sign. A wider q moves a draw below mu further down: multiply by eps "
            "itself.",
        ),
        Misconception(
            "sigma forgotten",
            lambda grad_f, eps, logvar: _with(grad_f, eps / 2),
            "sigma is missing in the gradient in logvar: dz / dlogvar = sigma eps / 2.",
        ),
        Misconception(
            "logvar as sigma",
            lambda grad_f, eps, logvar: _with(grad_f, logvar * eps / 2),
            "You multiply by logvar itself, a logarithm. sigma is `torch.exp(0.5 * logvar)`.",
        ),
        Misconception(
            "same gradient twice",
            lambda grad_f, eps, logvar: _with(grad_f, torch.ones_like(eps)),
            "Both of your gradients are the slope of f. That is right for mu, where dz / dmu = 1; for logvar multiply by "
            "sigma eps / 2.",
        ),
        Misconception(
            "mu scaled too",
            lambda grad_f, eps, logvar: (
                (grad_f * torch.exp(0.5 * logvar) * eps).mean(0),
                (grad_f * torch.exp(0.5 * logvar) * eps / 2).mean(0),
            ),
            "The gradient in mu carries sigma eps. But mu is added to z as it is, so dz / dmu = 1: average the slope "
            "alone.",
        ),
        Misconception(
            "the score function",
            lambda grad_f, eps, logvar: (
                (grad_f * eps * torch.exp(-0.5 * logvar)).mean(0),
                (grad_f * (eps**2 - 1) / 2).mean(0),
            ),
            "You multiply by the scores of q. They belong to values of f; slopes of f are multiplied by the derivative "
            "of z.",
        ),
        Misconception(
            "averaged separately",
            lambda grad_f, eps, logvar: (
                grad_f.mean(0),
                grad_f.mean(0) * (torch.exp(0.5 * logvar) * eps / 2).mean(0),
            ),
            "You average slope and noise separately and multiply the means. Each slope belongs to its own noise: "
            "multiply first, then average.",
        ),
        Misconception(
            "draws added up",
            lambda grad_f, eps, logvar: tuple(len(eps) * g for g in pathwise_gradient(grad_f, eps, logvar)),
            "You add the draws up, so the gradient grows with L. An expectation is a mean over the draws: axis 0.",
        ),
        Misconception(
            "averaged over the batch",
            lambda grad_f, eps, logvar: tuple(g.mean(0) for g in pathwise_gradient(grad_f, eps, logvar)),
            "Your mean runs over the batch as well. Each example has a mu and a logvar of its own: return `[B, D]`.",
        ),
        Misconception(
            "pair swapped",
            lambda grad_f, eps, logvar: pathwise_gradient(grad_f, eps, logvar)[::-1],
            "Both gradients are right, but in the other order: first mu, then logvar.",
        ),
    ),
    cases=_cases,
    batch="logvar",
    probe=probe,
)
