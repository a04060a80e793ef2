"""05-score-gradient: the gradient of an expectation from values of f and the score of q, without a derivative of f."""

import torch
from torch import Tensor
from torch.distributions import Normal

from vae_course.exercises.inputs import generator, integer, normal
from vae_course.exercises.lesson_05._pairs import Pair, probe
from vae_course.exercises.model import Alternative, Exercise, Inputs, Misconception


def score_gradient(f: Tensor, z: Tensor, mu: Tensor, logvar: Tensor) -> Pair:
    """Score-function slopes of E_q[f] in mu and logvar, [B, D] each, from f [L, B] and z [L, B, D]."""
    score_mu = (z - mu) / torch.exp(logvar)
    score_logvar = 0.5 * ((z - mu) ** 2 / torch.exp(logvar) - 1)
    weight = f.unsqueeze(-1)
    return (weight * score_mu).mean(dim=0), (weight * score_logvar).mean(dim=0)


def _cases(seed: int) -> list[Inputs]:
    """Values of f, draws z, and mean and log variance of q; no two axes are of the same length."""
    source = generator(seed)
    first: Inputs = {
        "f": torch.tensor([[2.0], [-1.0]]),
        "z": torch.tensor([[[3.0, 0.0]], [[0.5, 1.0]]]),
        "mu": torch.tensor([[1.0, 0.5]]),
        "logvar": torch.tensor([[0.5, -1.0]]),
    }
    cases: list[Inputs] = [first]
    n, b = integer(source, 4, 5), integer(source, 2, 3)
    for shape in ((3, 1, 2), (4, 3, 1), (5, 2, 3), (n, b, 5), (n, b, 5), (4, 2, 4), (6, 4, 7), (64, 5, 2)):
        cases.append(_case(source, shape))
    for mu, logvar, f in (
        (0, -15, -1),
        (0, -32, -1),
        (0, 15, -1),
        (30, 0, -1),
        (-30, 0, -1),
        (0, 0, 200),
        (0, 0, -12000),
    ):
        cases.append(_case(source, (4, 3, 2), mu, logvar, f))
    return cases


def _case(
    source: torch.Generator, shape: tuple[int, int, int], mu: float = 0, logvar: float = -0.5, f: float = -1
) -> Inputs:
    """Draws of a q near this mean and log variance, and values of f near this one."""
    mean, log_variance = mu + normal(source, *shape[1:]), logvar + normal(source, *shape[1:])
    z = mean + torch.exp(0.5 * log_variance) * normal(source, *shape)
    return {"f": f + 2 * normal(source, *shape[:2]), "z": z, "mu": mean, "logvar": log_variance}


def _with(f: Tensor, score_mu: Tensor, score_logvar: Tensor) -> Pair:
    """Both gradients from other scores."""
    return (f.unsqueeze(-1) * score_mu).mean(0), (f.unsqueeze(-1) * score_logvar).mean(0)


def _joint(f: Tensor, z: Tensor, mu: Tensor, logvar: Tensor, *, width: int) -> Pair:
    """Both gradients from scores that are summed over the dimensions, in one column or in each of D."""
    eps = _standard(z, mu, logvar)
    scores = (eps * torch.exp(-0.5 * logvar), 0.5 * (eps**2 - 1))
    by_mu, by_logvar = (score.sum(-1, keepdim=True).expand(*f.shape, width) for score in scores)
    return _with(f, by_mu, by_logvar)


def _standard(z: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    return (z - mu) * torch.exp(-0.5 * logvar)


def _loop(f: Tensor, z: Tensor, mu: Tensor, logvar: Tensor) -> Pair:
    g_mu, g_logvar = torch.zeros_like(mu), torch.zeros_like(mu)
    for draw in range(len(f)):
        for b in range(len(mu)):
            distance, variance = z[draw, b] - mu[b], logvar[b].exp()
            g_mu[b] += f[draw, b] * distance / variance / len(f)
            g_logvar[b] += f[draw, b] * (distance.square() / variance - 1) / 2 / len(f)
    return g_mu, g_logvar


def _einsum(f: Tensor, z: Tensor, mu: Tensor, logvar: Tensor) -> Pair:
    eps = _standard(z, mu, logvar)
    g_mu = torch.einsum("lb,lbd->bd", f, eps / torch.exp(0.5 * logvar)) / len(f)
    return g_mu, torch.einsum("lb,lbd->bd", f, (eps**2 - 1) / 2) / len(f)


def _log_q(f: Tensor, z: Tensor, mu: Tensor, logvar: Tensor) -> Pair:
    """The density's logarithm in place of its derivative."""
    log_q = -0.5 * (_standard(z, mu, logvar) ** 2 + logvar + torch.log(torch.tensor(2 * torch.pi)))
    return _with(f, log_q, log_q)


EXERCISE = Exercise(
    id="05-score-gradient",
    title="The score-function gradient",
    points=3,
    difficulty=3,
    minutes=7,
    task=(
        "Return the score-function estimates of the gradient of E_q[f(z)] with respect to mu and logvar, as a pair of "
        "`[B, D]`: from `f` `[L, B]`, the values f(z) at L draws `z` `[L, B, D]` of q, and `mu` and `logvar` `[B, D]`."
    ),
    hints=(
        "Each draw votes for moving q: in which direction does its own log density rise, and how loud is its vote?",
        "g = mean over the draws of f(z) times the score; with respect to mu the score is (z - mu) / sigma^2, with "
        "respect to logvar it is ((z - mu)^2 / sigma^2 - 1) / 2.",
        "`f.unsqueeze(-1)` is `[L, B, 1]` and multiplies each score `[L, B, D]`; average over axis 0. The variance is "
        "`torch.exp(logvar)`.",
    ),
    explanation=(
        "The score says where log q(z) rises. Weighted by f and averaged over draws from q, it gives the gradient of "
        "the expectation. No derivative of f is needed: f may be a staircase or a table."
    ),
    returns="two tensors, each [B, D]",
    reference=score_gradient,
    alternatives=(
        Alternative("loop", _loop),
        Alternative("einsum", _einsum),
        Alternative("stacked", lambda f, z, mu, logvar: torch.stack(score_gradient(f, z, mu, logvar))),
        Alternative(
            "autograd of f log q",
            lambda f, z, mu, logvar: torch.func.grad(
                lambda m, v: (f * Normal(m, torch.exp(0.5 * v)).log_prob(z).sum(-1)).mean(0).sum(), argnums=(0, 1)
            )(mu, logvar),
        ),
        Alternative(
            "float64",
            lambda f, z, mu, logvar: score_gradient(f.double(), z.double(), mu.double(), logvar.double()),
        ),
    ),
    misconceptions=(
        Misconception(
            "scores without f",
            lambda f, z, mu, logvar: _with(
                torch.ones_like(f), (z - mu) / logvar.exp(), 0.5 * (_standard(z, mu, logvar) ** 2 - 1)
            ),
            "This is the mean score, whose expectation is zero: it does not know f at all. Multiply each score by the "
            "value of f at its draw.",
        ),
        Misconception(
            "log density in place of the score",
            _log_q,
            "You weight f by log q(z) itself. The log-derivative trick needs the derivative of log q with respect to "
            "the parameter, the score.",
        ),
        Misconception(
            "divided by sigma",
            lambda f, z, mu, logvar: _with(f, _standard(z, mu, logvar), 0.5 * (_standard(z, mu, logvar) ** 2 - 1)),
            "Your score in mu is eps = (z - mu) / sigma. The derivative of -(z - mu)^2 / (2 sigma^2) has the variance "
            "below it: (z - mu) / sigma^2.",
        ),
        Misconception(
            "not divided",
            lambda f, z, mu, logvar: _with(f, z - mu, 0.5 * (_standard(z, mu, logvar) ** 2 - 1)),
            "Your score in mu is z - mu, which is right for variance one only. Divide by the variance, "
            "`torch.exp(logvar)`.",
        ),
        Misconception(
            "sign of the score",
            lambda f, z, mu, logvar: _with(f, (mu - z) / logvar.exp(), 0.5 * (_standard(z, mu, logvar) ** 2 - 1)),
            "Your score in mu has the wrong sign: raising mu makes a draw above mu more probable, so the score there "
            "is positive, (z - mu) / sigma^2.",
        ),
        Misconception(
            "normaliser forgotten",
            lambda f, z, mu, logvar: _with(f, (z - mu) / logvar.exp(), 0.5 * _standard(z, mu, logvar) ** 2),
            "The -1 is missing in the score of logvar. It comes from the normaliser -logvar / 2 of log q; without it "
            "the score does not average to zero.",
        ),
        Misconception(
            "derivative with respect to log sigma",
            lambda f, z, mu, logvar: _with(f, (z - mu) / logvar.exp(), _standard(z, mu, logvar) ** 2 - 1),
            "The second gradient is twice the right one: it is the derivative with respect to log sigma. In this course "
            "logvar is log sigma^2, and the score is half of that.",
        ),
        Misconception(
            "derivative with respect to sigma",
            lambda f, z, mu, logvar: _with(
                f, (z - mu) / logvar.exp(), (_standard(z, mu, logvar) ** 2 - 1) * torch.exp(-0.5 * logvar)
            ),
            "The second gradient is the derivative with respect to sigma. The parameter here is logvar: its score is "
            "((z - mu)^2 / sigma^2 - 1) / 2.",
        ),
        Misconception(
            "logvar as the variance",
            lambda f, z, mu, logvar: _with(f, (z - mu) / logvar, 0.5 * ((z - mu) ** 2 / logvar - 1)),
            "You divide by logvar, a logarithm that may be negative. The variance is `torch.exp(logvar)`.",
        ),
        Misconception(
            "variance as sigma",
            lambda f, z, mu, logvar: _with(
                f, (z - mu) / torch.exp(2 * logvar), 0.5 * ((z - mu) ** 2 / torch.exp(2 * logvar) - 1)
            ),
            "You take exp(logvar) for sigma and square it. It is the variance already: divide by `torch.exp(logvar)`, or "
            "by the square of sigma = exp(logvar / 2).",
        ),
        Misconception(
            "scores added up",
            lambda f, z, mu, logvar: _joint(f, z, mu, logvar, width=mu.shape[-1]),
            "You add the scores of all dimensions up, as in log q. Each coordinate of mu and logvar has a score of its "
            "own: keep the axis D.",
            variants=(
                lambda f, z, mu, logvar: _joint(f, z, mu, logvar, width=1),
                lambda f, z, mu, logvar: tuple(g.squeeze(-1) for g in _joint(f, z, mu, logvar, width=1)),
            ),
        ),
        Misconception(
            "f averaged first",
            lambda f, z, mu, logvar: _with(
                f.mean(0, keepdim=True).expand_as(f),
                (z - mu) / logvar.exp(),
                0.5 * (_standard(z, mu, logvar) ** 2 - 1),
            ),
            "You average f before you multiply, so no draw keeps its own value, and only 1 / L of the gradient is left on "
            "average. Multiply f by the score draw by draw, then average.",
        ),
        Misconception(
            "baseline subtracted",
            lambda f, z, mu, logvar: score_gradient(f - f.mean(0), z, mu, logvar),
            "You subtract a mean of f before you weight the scores. That is a baseline, which comes later in the lesson; here "
            "f itself is the weight.",
            variants=(
                lambda f, z, mu, logvar: score_gradient(f - f.mean(), z, mu, logvar),
                lambda f, z, mu, logvar: score_gradient(f - (f.sum(0) - f) / (len(f) - 1), z, mu, logvar),
            ),
        ),
        Misconception(
            "draws added up",
            lambda f, z, mu, logvar: tuple(len(f) * g for g in score_gradient(f, z, mu, logvar)),
            "You add the draws up, so the gradient grows with L. An expectation is a mean over the draws: axis 0.",
        ),
        Misconception(
            "averaged over the batch",
            lambda f, z, mu, logvar: tuple(g.mean(0) for g in score_gradient(f, z, mu, logvar)),
            "Your mean runs over the batch as well. Each example has a mu and a logvar of its own: return `[B, D]`.",
        ),
        Misconception(
            "pair swapped",
            lambda f, z, mu, logvar: score_gradient(f, z, mu, logvar)[::-1],
            "Both gradients are right, but in the other order: first mu, then logvar.",
        ),
        Misconception(
            "derivative with respect to the variance",
            lambda f, z, mu, logvar: _with(
                f,
                (z - mu) / logvar.exp(),
                0.5 * ((z - mu) ** 2 / logvar.exp() ** 2 - 1 / logvar.exp()),
            ),
            "This is the derivative with respect to the variance. The parameter is its logarithm: multiply by the variance.",
        ),
    ),
    cases=_cases,
    batch="mu",
    probe=probe,
)
