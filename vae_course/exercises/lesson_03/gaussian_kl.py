"""03-gaussian-kl: the KL between two diagonal Gaussians."""

import math

import torch
from torch import Tensor
from torch.distributions import Independent, MultivariateNormal, Normal, kl_divergence

from vae_course import distributions
from vae_course.exercises.inputs import generator, integer, normal
from vae_course.exercises.model import Alternative, Exercise, Inputs, Misconception


def gaussian_kl(mu: Tensor, logvar: Tensor, mu_p: Tensor, logvar_p: Tensor) -> Tensor:
    """KL(N(mu, sigma^2) || N(mu_p, sigma_p^2)) in nats for each example: four times [B, D] to [B]."""
    scaled = (torch.exp(logvar) + (mu - mu_p) ** 2) / torch.exp(logvar_p)
    return 0.5 * (logvar_p - logvar + scaled - 1).sum(dim=-1)


NAMES = ("mu", "logvar", "mu_p", "logvar_p")


def _cases(seed: int) -> list[Inputs]:
    """One that is easy to follow by hand, random ones, then very narrow and very wide Gaussians, and means far out."""
    source = generator(seed)
    rows = ([3.0, 0.0], [0.0, 1.0], [1.0, 2.0], [math.log(4), 0.0])
    cases: list[Inputs] = [{name: torch.tensor([row]) for name, row in zip(NAMES, rows, strict=True)}]
    b, d = integer(source, 4, 5), integer(source, 2, 3)
    for shape in ((1, 3), (b, d), (b, d), (3, 1), (2, 20), (64, 3)):
        cases.append({name: normal(source, *shape) for name in NAMES})
    return [
        *cases,
        *(_edge(source, *place) for place in ((-15, -15, 0), (15, 15, 0), (-15, 0, 1), (0, 0, 30), (0, 0, -30))),
    ]


def _edge(source: torch.Generator, logvar: float, logvar_p: float, mu: float) -> Inputs:
    """Two Gaussians near this place, so close in terms of p's width that neither part of the KL hides the other."""
    center, width = mu + normal(source, 3, 2), 0.5 * logvar_p
    return {
        "mu": center + math.exp(width) * normal(source, 3, 2),
        "logvar": logvar + 0.5 * normal(source, 3, 2),
        "mu_p": center,
        "logvar_p": logvar_p + 0.5 * normal(source, 3, 2),
    }


def _terms(mu: Tensor, logvar: Tensor, mu_p: Tensor, logvar_p: Tensor) -> Tensor:
    """The KL of every single latent dimension, `[B, D]`."""
    return 0.5 * (logvar_p - logvar + (logvar.exp() + (mu - mu_p) ** 2) / logvar_p.exp() - 1)


def _loop(mu: Tensor, logvar: Tensor, mu_p: Tensor, logvar_p: Tensor) -> Tensor:
    kl = []
    for m, lv, m_p, lv_p in zip(mu, logvar, mu_p, logvar_p, strict=True):
        total = torch.tensor(0.0)
        for d in range(len(m)):
            scaled = (torch.exp(lv[d]) + (m[d] - m_p[d]) ** 2) / torch.exp(lv_p[d])
            total = total + (lv_p[d] - lv[d] + scaled - 1) / 2
        kl.append(total)
    return torch.stack(kl)


def _einsum(mu: Tensor, logvar: Tensor, mu_p: Tensor, logvar_p: Tensor) -> Tensor:
    moments = torch.einsum("bd,bd->b", logvar.exp() + (mu - mu_p) ** 2, torch.exp(-logvar_p))
    return (moments + torch.einsum("bd->b", logvar_p - logvar) - mu.shape[1]) / 2


def _independent(mu: Tensor, logvar: Tensor, mu_p: Tensor, logvar_p: Tensor) -> Tensor:
    q = Independent(Normal(mu, torch.exp(0.5 * logvar)), 1)
    return kl_divergence(q, Independent(Normal(mu_p, torch.exp(0.5 * logvar_p)), 1))


def _multivariate(mu: Tensor, logvar: Tensor, mu_p: Tensor, logvar_p: Tensor) -> Tensor:
    q = MultivariateNormal(mu, scale_tril=torch.diag_embed(torch.exp(0.5 * logvar)))
    return kl_divergence(q, MultivariateNormal(mu_p, scale_tril=torch.diag_embed(torch.exp(0.5 * logvar_p))))


def _log_sigma(mu: Tensor, logvar: Tensor, mu_p: Tensor, logvar_p: Tensor) -> Tensor:
    return _terms(mu, 2 * logvar, mu_p, 2 * logvar_p).sum(-1)


def _bracket(mu: Tensor, logvar: Tensor, mu_p: Tensor, logvar_p: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The four things of the formula: log ratio of the variances, both variances, squared distance of the means."""
    return logvar_p - logvar, logvar.exp(), logvar_p.exp(), (mu - mu_p) ** 2


def _of_the_bracket(make):  # type: ignore[no-untyped-def]
    """A wrong answer as half the sum of a wrong bracket."""

    def answer(mu: Tensor, logvar: Tensor, mu_p: Tensor, logvar_p: Tensor) -> Tensor:
        return 0.5 * make(*_bracket(mu, logvar, mu_p, logvar_p)).sum(-1)

    return answer


EXERCISE = Exercise(
    id="03-gaussian-kl",
    title="The KL of two Gaussians",
    points=4,
    difficulty=3,
    minutes=7,
    task=(
        "Return KL(N(mu, sigma^2) || N(mu_p, sigma_p^2)) in nats for every example, `[B]`, where all four inputs are "
        "`[B, D]`, `logvar` is log sigma^2 and `logvar_p` is log sigma_p^2."
    ),
    hints=(
        "Write the KL of one dimension first; the D dimensions are independent, so their KLs add up.",
        "KL = 1/2 sum_d [ log sigma_p^2 - log sigma^2 + (sigma^2 + (mu - mu_p)^2) / sigma_p^2 - 1 ], each with its d.",
        "The two logarithms are there already: `logvar_p - logvar`. The variances are `logvar.exp()` and "
        "`logvar_p.exp()`; sum half of the bracket over the last axis.",
    ),
    explanation=(
        "The bracket compares widths and places: the first two terms charge q for being narrower than p, the fraction "
        "charges it for being wider or off p's centre, both measured in p's own variance. It is zero where q = p. With "
        "mu_p = 0 and logvar_p = 0 it is the KL to the prior that a VAE needs."
    ),
    returns="one number for each example, [B]",
    reference=gaussian_kl,
    alternatives=(
        Alternative("loop", _loop),
        Alternative("einsum", _einsum),
        Alternative("torch.distributions", _independent),
        Alternative("MultivariateNormal", _multivariate),
        Alternative("float64", lambda *inputs: _terms(*(each.double() for each in inputs)).sum(1)),
        Alternative("the package's", lambda *inputs: distributions.gaussian_kl(*inputs)),
        Alternative(
            "as often printed",
            lambda mu, logvar, mu_p, logvar_p: (
                0.5 * logvar_p - 0.5 * logvar + (logvar.exp() + (mu - mu_p) ** 2) / (2 * logvar_p.exp()) - 0.5
            ).sum(1),
        ),
    ),
    misconceptions=(
        Misconception(
            "arguments swapped",
            lambda mu, logvar, mu_p, logvar_p: _terms(mu_p, logvar_p, mu, logvar).sum(-1),
            "This is KL(p || q), with the arguments swapped: the variance of q stands in the denominator. The draws come "
            "from q, so p's variance is what they are measured in.",
        ),
        Misconception(
            "half forgotten",
            lambda *inputs: 2 * _terms(*inputs).sum(-1),
            "Your KL is twice the right one: the factor 1/2 is missing. It comes from the 1/2 in the exponent of the "
            "Gaussian density.",
        ),
        Misconception(
            "mean over latent dimensions",
            lambda *inputs: _terms(*inputs).mean(-1),
            "This is what comes out when the KL is averaged over the latent dimensions, which makes it D times too small. "
            "KLs of independent dimensions add up: `.sum(-1)`.",
        ),
        Misconception(
            "mean over everything",
            lambda *inputs: _terms(*inputs).mean(),
            "One `.mean()` over everything leaves one number and makes the KL D times too small. Sum over the last axis, "
            "and keep one number for each example.",
        ),
        Misconception(
            "summed over the batch",
            lambda *inputs: _terms(*inputs).sum(),
            "Your sum runs over the examples too. Sum over the latent axis only, `.sum(-1)`, and keep one number for each "
            "example.",
            variants=(lambda *inputs: _terms(*inputs).sum(0),),
        ),
        Misconception(
            "not summed",
            lambda *inputs: _terms(*inputs),
            "These are the right numbers for the single latent dimensions, `[B, D]`. Add them up over the last axis: "
            "`.sum(-1)`.",
        ),
        Misconception(
            "bits",
            lambda *inputs: _terms(*inputs).sum(-1) / math.log(2),
            "You divide by log 2, so these are bits. The course counts in nats: leave the division out.",
        ),
        Misconception(
            "sign lost",
            lambda *inputs: -_terms(*inputs).sum(-1),
            "Your KL is negative, and a KL never is: all the signs are turned round.",
        ),
        Misconception(
            "logvar as log sigma",
            _log_sigma,
            "You read logvar as log sigma: exp(2 logvar) stands where the variance belongs. In this course logvar is log "
            "sigma^2, so the variance is `logvar.exp()`.",
            variants=(
                lambda mu, logvar, mu_p, logvar_p: (
                    0.5 * (logvar_p - logvar + ((2 * logvar).exp() + (mu - mu_p) ** 2) / (2 * logvar_p).exp() - 1)
                ).sum(-1),
            ),
        ),
        Misconception(
            "sigma instead of sigma^2",
            lambda mu, logvar, mu_p, logvar_p: (
                0.5 * (logvar_p - logvar + ((0.5 * logvar).exp() + (mu - mu_p) ** 2) / (0.5 * logvar_p).exp() - 1)
            ).sum(-1),
            "You use exp(logvar / 2) = sigma where the formula has the variance sigma^2. The variances are `logvar.exp()` "
            "and `logvar_p.exp()`.",
            variants=(lambda mu, logvar, mu_p, logvar_p: _terms(mu, 0.5 * logvar, mu_p, 0.5 * logvar_p).sum(-1),),
        ),
        Misconception(
            "distance not divided",
            _of_the_bracket(lambda log_ratio, var, var_p, square: log_ratio + var / var_p + square - 1),
            "The distance of the means is not divided by p's variance. How far off a mean is counts in units of p's "
            "width: divide (mu - mu_p)^2 by exp(logvar_p) too.",
        ),
        Misconception(
            "divided by q's variance",
            _of_the_bracket(lambda log_ratio, var, var_p, square: log_ratio + var / var_p + square / var - 1),
            "The distance of the means is divided by q's variance. It comes from log p(z), so it is measured in p's: "
            "divide by exp(logvar_p).",
        ),
        Misconception(
            "log ratio upside down",
            _of_the_bracket(lambda log_ratio, var, var_p, square: -log_ratio + (var + square) / var_p - 1),
            "The log ratio of the variances is upside down. It is logvar_p - logvar: a narrow q, with a very negative "
            "logvar, has to pay.",
        ),
        Misconception(
            "log ratio not halved",
            lambda mu, logvar, mu_p, logvar_p: (
                logvar_p - logvar + 0.5 * ((logvar.exp() + (mu - mu_p) ** 2) / logvar_p.exp() - 1)
            ).sum(-1),
            "The half is missing in front of the logarithms: log(sigma_p / sigma) is half of logvar_p - logvar. The 1/2 "
            "belongs to the whole bracket.",
        ),
        Misconception(
            "minus one forgotten",
            _of_the_bracket(lambda log_ratio, var, var_p, square: log_ratio + (var + square) / var_p),
            "The -1 is missing, so your KL is D / 2 too large; for q = p it should be 0. It comes from E_q[(z - mu)^2] / "
            "sigma^2 = 1 in log q.",
        ),
        Misconception(
            "distance not squared",
            lambda mu, logvar, mu_p, logvar_p: (
                0.5 * (logvar_p - logvar + (logvar.exp() + (mu - mu_p)) / logvar_p.exp() - 1)
            ).sum(-1),
            "The distance of the means enters without its square, so that a q to the left of p would lower the KL. Use "
            "`(mu - mu_p) ** 2`.",
        ),
        Misconception(
            "means squared one by one",
            lambda mu, logvar, mu_p, logvar_p: (
                0.5 * (logvar_p - logvar + (logvar.exp() + mu**2 - mu_p**2) / logvar_p.exp() - 1).sum(-1)
            ),
            "You subtract mu_p^2 from mu^2. The square of the distance, (mu - mu_p)^2, has the term -2 mu mu_p as well, and is "
            "never negative: subtract first, then square.",
            variants=(
                lambda mu, logvar, mu_p, logvar_p: (
                    0.5 * (logvar_p - logvar + (logvar.exp() + (mu**2 - mu_p**2)) / logvar_p.exp() - 1).sum(-1)
                ),
                lambda mu, logvar, mu_p, logvar_p: (
                    0.5
                    * (logvar_p - logvar + (logvar - logvar_p).exp() + (mu**2 - mu_p**2) / logvar_p.exp() - 1).sum(-1)
                ),
            ),
        ),
        Misconception(
            "p ignored",
            lambda mu, logvar, mu_p, logvar_p: 0.5 * (logvar.exp() + mu**2 - 1 - logvar).sum(-1),
            "This is the KL to N(0, I). Here p has a mean and a variance of its own, mu_p and logvar_p, and both have to "
            "come in.",
        ),
        Misconception(
            "difference of two KLs",
            lambda mu, logvar, mu_p, logvar_p: (
                _terms(mu, logvar, 0 * mu, 0 * mu) - _terms(mu_p, logvar_p, 0 * mu, 0 * mu)
            ).sum(-1),
            "You subtract two KLs to the standard normal from each other. Divergences do not subtract so: p's mean and variance "
            "belong inside of one formula.",
            variants=(
                lambda mu, logvar, mu_p, logvar_p: (
                    (_terms(mu, logvar, 0 * mu, 0 * mu) - _terms(mu_p, logvar_p, 0 * mu, 0 * mu)).sum(-1).abs()
                ),
            ),
        ),
        Misconception(
            "minus one once",
            lambda mu, logvar, mu_p, logvar_p: (
                0.5 * ((logvar_p - logvar + (logvar.exp() + (mu - mu_p) ** 2) / logvar_p.exp()).sum(-1) - 1)
            ),
            "The -1 stands outside of the sum, so you subtract it once. Every latent dimension has one: put it inside, or "
            "subtract the number of dimensions.",
        ),
        Misconception(
            "log variance of p forgotten",
            _of_the_bracket(lambda log_ratio, var, var_p, square: log_ratio - var_p.log() + (var + square) / var_p - 1),
            "log sigma_p^2 is missing: the logarithms make a ratio, logvar_p - logvar. It is zero for a standard normal p "
            "only.",
        ),
        Misconception(
            "log variance of q forgotten",
            _of_the_bracket(lambda log_ratio, var, var_p, square: var_p.log() + (var + square) / var_p - 1),
            "log sigma^2 is missing: the logarithms make a ratio, logvar_p - logvar. Without it a narrow q has nothing to "
            "pay.",
        ),
        Misconception(
            "variance not divided",
            _of_the_bracket(lambda log_ratio, var, var_p, square: log_ratio + var + square / var_p - 1),
            "The variance of q is not divided by p's. Widths are compared as a ratio: divide exp(logvar) by exp(logvar_p) "
            "too.",
        ),
        Misconception(
            "nothing divided",
            _of_the_bracket(lambda log_ratio, var, var_p, square: log_ratio + var + square - 1),
            "Nothing is divided by p's variance. Both the variance of q and the squared distance are measured in it: divide "
            "their sum by exp(logvar_p).",
        ),
        Misconception(
            "divided by sigma of p",
            _of_the_bracket(lambda log_ratio, var, var_p, square: log_ratio + (var + square) / var_p.sqrt() - 1),
            "You divide by sigma_p, the standard deviation. The denominator is the variance sigma_p^2: exp(logvar_p).",
        ),
        Misconception(
            "absolute distance",
            _of_the_bracket(lambda log_ratio, var, var_p, square: log_ratio + (var + square.sqrt()) / var_p - 1),
            "The distance of the means enters as an absolute value. It is squared: `(mu - mu_p) ** 2`.",
        ),
        Misconception(
            "distance divided by sigma of p",
            _of_the_bracket(lambda log_ratio, var, var_p, square: log_ratio + var / var_p + square / var_p.sqrt() - 1),
            "The squared distance of the means is divided by sigma_p. A square is measured by a variance: divide by "
            "exp(logvar_p).",
        ),
        Misconception(
            "variance ratio upside down",
            _of_the_bracket(lambda log_ratio, var, var_p, square: log_ratio + var_p / var + square / var_p - 1),
            "You divide p's variance by q's. p is what q is measured by: divide exp(logvar) by exp(logvar_p).",
        ),
        Misconception(
            "variances multiplied",
            lambda mu, logvar, mu_p, logvar_p: (
                0.5 * (logvar_p - logvar + (logvar + logvar_p).exp() + (mu - mu_p) ** 2 / logvar_p.exp() - 1).sum(-1)
            ),
            "You multiply the variance of q by that of p: exp(logvar + logvar_p). It is measured in p's: divide by it, or "
            "subtract logvar_p in the exponent.",
        ),
    ),
    cases=_cases,
    batch="mu",
)
