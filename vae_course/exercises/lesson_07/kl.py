"""07-kl: the KL between a diagonal Gaussian and the standard normal."""

import torch
from torch import Tensor
from torch.distributions import Independent, MultivariateNormal, Normal, kl_divergence

from vae_course import distributions
from vae_course.exercises.inputs import generator, integer, normal
from vae_course.exercises.model import Alternative, Exercise, Inputs, Misconception


def gaussian_kl(mu: Tensor, logvar: Tensor) -> Tensor:
    """KL(N(mu, sigma^2) || N(0, I)) in nats for each example: [B, D] and [B, D] to [B]."""
    return 0.5 * (torch.exp(logvar) + mu**2 - 1 - logvar).sum(dim=-1)


def _cases(seed: int) -> list[Inputs]:
    source = generator(seed)
    b, d = integer(source, 4, 9), integer(source, 2, 7)
    shapes = ((1, 3), (b, d), (b, d), (3, 1), (5, 20), (64, 20))
    first: Inputs = {"mu": torch.tensor([[1.0, -2.0]]), "logvar": torch.tensor([[0.5, -1.0]])}
    # One extreme a case, so that a large number does not hide what was cut off a small one.
    extremes = [(30.0, 0.0), (-30.0, 0.0), *((0.0, level) for level in (15.0, -15.0, 60.0, -60.0))]
    cases = [first]
    for shape in shapes:
        cases.append({"mu": 1.5 * normal(source, *shape), "logvar": 2 * normal(source, *shape) - 1})
    # Of codes near the prior: not so near that exp(logvar) - 1 - logvar loses digits.
    cases.append({"mu": 0.3 + 0.05 * normal(source, 3, 2), "logvar": 0.3 + 0.05 * normal(source, 3, 2)})
    for m, lv in extremes:
        cases.append({"mu": m + 0.5 * normal(source, 2, 3), "logvar": lv + 0.1 * normal(source, 2, 3)})
    return cases


def _terms(mu: Tensor, logvar: Tensor) -> Tensor:
    """The KL of every single latent dimension, `[B, D]`."""
    return 0.5 * (logvar.exp() + mu**2 - 1 - logvar)


def _loop(mu: Tensor, logvar: Tensor) -> Tensor:
    kl = []
    for m, lv in zip(mu, logvar, strict=True):
        total = torch.tensor(0.0)
        for d in range(len(m)):
            total = total + (torch.exp(lv[d]) + m[d] * m[d] - 1 - lv[d]) / 2
        kl.append(total)
    return torch.stack(kl)


def _einsum(mu: Tensor, logvar: Tensor) -> Tensor:
    squares = torch.einsum("bd,bd->b", mu, mu)
    return (squares + torch.einsum("bd->b", logvar.exp() - logvar) - mu.shape[1]) / 2


def _independent(mu: Tensor, logvar: Tensor) -> Tensor:
    p = Independent(Normal(torch.zeros_like(mu), torch.ones_like(mu)), 1)
    return kl_divergence(Independent(Normal(mu, torch.exp(0.5 * logvar)), 1), p)


def _multivariate(mu: Tensor, logvar: Tensor) -> Tensor:
    p = MultivariateNormal(torch.zeros(mu.shape[1]), torch.eye(mu.shape[1]))
    return kl_divergence(MultivariateNormal(mu, scale_tril=torch.diag_embed(torch.exp(0.5 * logvar))), p)


def _other_direction(mu: Tensor, logvar: Tensor) -> Tensor:
    return 0.5 * (logvar - 1 + (1 + mu**2) / logvar.exp()).sum(-1)


EXERCISE = Exercise(
    id="07-kl",
    title="What the code costs: the KL",
    points=3,
    difficulty=2,
    minutes=6,
    task=(
        "Return KL(N(mu, sigma^2) || N(0, I)) in nats, one number for each example, `[B]`, where `logvar` is "
        "log sigma^2."
    ),
    hints=(
        "The latent dimensions are independent, so the KL of a code is the sum of one-dimensional ones.",
        "KL = 1/2 sum_d [ sigma_d^2 + mu_d^2 - 1 - log sigma_d^2 ], with sigma_d^2 = exp(logvar_d).",
        "`0.5 * (...).sum(-1)`, with `logvar.exp()`, `mu ** 2`, `- 1` and `- logvar` inside the brackets.",
    ),
    explanation=(
        "Each bracket is twice the KL of one latent dimension: zero exactly where mu = 0 and logvar = 0, positive "
        "anywhere else. The sum runs over the last axis only, so every example keeps a KL of its own; the mean over "
        "the batch comes once, in the loss."
    ),
    returns="one number per example, [B]",
    reference=gaussian_kl,
    alternatives=(
        Alternative("loop", _loop),
        Alternative("einsum", _einsum),
        Alternative("torch.distributions", _independent),
        Alternative("MultivariateNormal", _multivariate),
        Alternative("float64", lambda mu, logvar: _terms(mu.double(), logvar.double()).sum(1)),
        Alternative("float64 and back", lambda mu, logvar: gaussian_kl(mu.double(), logvar.double()).float()),
        Alternative("the package's", lambda mu, logvar: distributions.gaussian_kl(mu, logvar)),
        Alternative("as printed in the paper", lambda mu, logvar: -0.5 * (1 + logvar - mu**2 - logvar.exp()).sum(1)),
    ),
    misconceptions=(
        Misconception(
            "mean over latent dimensions",
            lambda mu, logvar: _terms(mu, logvar).mean(-1),
            "This is what comes out when the KL is averaged over the latent dimensions, which makes its weight in the "
            "loss D times too small. Sum over the last axis: `.sum(-1)`.",
        ),
        Misconception(
            "mean over everything",
            lambda mu, logvar: _terms(mu, logvar).mean(),
            "One `.mean()` over everything averages over the latent dimensions too, so the KL becomes D times too "
            "small, and leaves one number for the batch. Sum over the last axis: `.sum(-1)`.",
        ),
        Misconception(
            "summed over the batch",
            lambda mu, logvar: _terms(mu, logvar).sum(),
            "Your sum runs over the batch as well, so it grows with the batch size. Sum over the latent axis only, "
            "`.sum(-1)`, and keep one number for each example.",
        ),
        Misconception(
            "averaged over the batch",
            lambda mu, logvar: _terms(mu, logvar).sum(-1).mean(),
            "This is the right KL, but averaged over the batch already. Return one number for each example, `[B]`; "
            "the mean over the batch comes once, in the loss.",
        ),
        Misconception(
            "wrong axis",
            lambda mu, logvar: _terms(mu, logvar).sum(0),
            "You sum over axis 0, the batch, and keep one number for each latent dimension. Sum over the last axis: "
            "`.sum(-1)`.",
        ),
        Misconception(
            "not summed",
            _terms,
            "These are the right numbers for every single latent dimension, `[B, D]`. Add them up over the last axis: "
            "`.sum(-1)`.",
        ),
        Misconception(
            "half forgotten",
            lambda mu, logvar: 2 * _terms(mu, logvar).sum(-1),
            "Your KL is twice the right one: the factor 1/2 in front of the sum is missing. It comes from the 1/2 in "
            "the Gaussian's exponent.",
        ),
        Misconception(
            "half on the first term only",
            lambda mu, logvar: (0.5 * logvar.exp() + mu**2 - 1 - logvar).sum(-1),
            "The 1/2 reaches only the first of the four terms. It stands in front of the whole bracket: "
            "`0.5 * (...).sum(-1)`.",
            variants=(lambda mu, logvar: (0.5 * (logvar.exp() + mu**2) - 1 - logvar).sum(-1),),
        ),
        Misconception(
            "sign lost",
            lambda mu, logvar: -_terms(mu, logvar).sum(-1),
            "Your KL is negative, and a KL never is: this is -KL, as it stands inside the ELBO. Return KL itself; the "
            "loss does the subtracting.",
        ),
        Misconception(
            "logvar as log sigma",
            lambda mu, logvar: (0.5 * ((2 * logvar).exp() + mu**2 - 1) - logvar).sum(-1),
            "You read logvar as log sigma: there is exp(2 logvar) where the variance belongs. In this course logvar "
            "is log sigma^2, so the variance is `logvar.exp()`.",
            variants=(lambda mu, logvar: 0.5 * ((2 * logvar).exp() + mu**2 - 1 - logvar).sum(-1),),
        ),
        Misconception(
            "sigma instead of sigma^2",
            lambda mu, logvar: 0.5 * ((0.5 * logvar).exp() + mu**2 - 1 - logvar).sum(-1),
            "You use exp(logvar / 2) = sigma where the formula has sigma^2. The variance is `logvar.exp()`.",
            variants=(lambda mu, logvar: 0.5 * ((0.5 * logvar).exp() + mu**2 - 1 - 0.5 * logvar).sum(-1),),
        ),
        Misconception(
            "logvar as the variance",
            lambda mu, logvar: 0.5 * (logvar + mu**2 - 1 - logvar.log()).sum(-1),
            "You read logvar as the variance and take its logarithm, which is NaN wherever it is negative. logvar is "
            "the logarithm already; the variance is `logvar.exp()`.",
            variants=(
                lambda mu, logvar: 0.5 * (logvar.exp() + mu**2 - 1 - logvar.log()).sum(-1),
                lambda mu, logvar: 0.5 * (logvar**2 + mu**2 - 1 - (logvar**2).log()).sum(-1),
            ),
        ),
        Misconception(
            "sign of the log term",
            lambda mu, logvar: 0.5 * (logvar.exp() + mu**2 - 1 + logvar).sum(-1),
            "The term log sigma^2 is added; it has to be subtracted. Without that, a shrinking posterior would cost "
            "less and less, and the KL could fall below zero.",
        ),
        Misconception(
            "minus one forgotten",
            lambda mu, logvar: 0.5 * (logvar.exp() + mu**2 - logvar).sum(-1),
            "The -1 is missing, so your KL is D / 2 too large: it should be 0 where mu = 0 and logvar = 0.",
        ),
        Misconception(
            "minus one once for each code",
            lambda mu, logvar: 0.5 * ((logvar.exp() + mu**2 - logvar).sum(-1) - 1),
            "The -1 stands outside the sum, so it is subtracted once for each code instead of once for each of its D "
            "latent dimensions. Put it inside the brackets.",
            variants=(lambda mu, logvar: 0.5 * (logvar.exp() + mu**2 - logvar).sum(-1) - 1,),
        ),
        Misconception(
            "mu not squared",
            lambda mu, logvar: 0.5 * (logvar.exp() + mu - 1 - logvar).sum(-1),
            "mu enters without its square, so a negative mean would lower the KL. Use `mu ** 2`.",
        ),
        Misconception(
            "other direction",
            _other_direction,
            "This is KL(N(0, I) || q), the other direction: the variance stands in the denominator. Here q comes "
            "first: sigma^2 + mu^2 - 1 - log sigma^2.",
        ),
        Misconception(
            "square of a logarithm",
            lambda mu, logvar: 0.5 * (logvar**2 + mu**2 - 1 - logvar).sum(-1),
            "You square logvar where the variance belongs. logvar is a logarithm: the variance is `logvar.exp()`.",
        ),
        Misconception(
            "half of the one only",
            lambda mu, logvar: (-0.5 * 1 + logvar - mu**2 - logvar.exp()).sum(-1),
            "Your -0.5 multiplies the 1 alone, since a product comes before a sum. Put the four terms in brackets: "
            "`-0.5 * (1 + logvar - mu**2 - logvar.exp())`.",
            variants=(lambda mu, logvar: (0.5 * 1 + logvar - mu**2 - logvar.exp()).sum(-1),),
        ),
        Misconception(
            "small number inside the logarithm",
            lambda mu, logvar: 0.5 * (logvar.exp() + mu**2 - 1 - (logvar.exp() + 1e-8).log()).sum(-1),
            "You make a variance of logvar, add a small number and take the logarithm again, so a narrow posterior costs too "
            "little. The logarithm of the variance is there already: logvar.",
            variants=tuple(
                lambda mu, logvar, eps=eps: 0.5 * (logvar.exp() + mu**2 - 1 - (logvar.exp() + eps).log()).sum(-1)
                for eps in (1e-4, 1e-5, 1e-6, 1e-7, 1e-10, 1e-12)
            ),
        ),
        Misconception(
            "a floor under the KL",
            lambda mu, logvar: _terms(mu, logvar).clamp(min=0.5).sum(-1),
            "You don't let the KL of a dimension, or of a code, fall below a number of your own. Training by free bits does so "
            "on purpose, but that is no KL: take it as it is.",
            variants=(
                *(
                    lambda mu, logvar, least=least: _terms(mu, logvar).clamp(min=least).sum(-1)
                    for least in (0.01, 0.05, 0.1, 0.25, 1.0, 2.0)
                ),
                *(
                    lambda mu, logvar, least=least: gaussian_kl(mu, logvar).clamp(min=least)
                    for least in (0.5, 1.0, 2.0, 3.0)
                ),
            ),
        ),
        Misconception(
            "a number of dimensions typed in",
            lambda mu, logvar: 20 * _terms(mu, logvar).mean(-1),
            "You average over the dimensions and multiply by a number of your own, whatever D is. The KLs of the dimensions add "
            "up: `.sum(-1)`.",
            variants=tuple(lambda mu, logvar, d=d: d * _terms(mu, logvar).mean(-1) for d in (10, 32, 64)),
        ),
        Misconception(
            "logvar limited",
            lambda mu, logvar: gaussian_kl(mu, logvar.clamp(-30, 20)),
            "You limit logvar, so beyond the limit the KL stays the same however narrow or wide q is, and logvar gets no "
            "gradient. The formula holds for every logvar: leave it as it is.",
            variants=tuple(
                lambda mu, logvar, low=low, high=high: gaussian_kl(mu, logvar.clamp(low, high))
                for low, high in (
                    (-30.0, 20.0),
                    (-20.0, 20.0),
                    (-20.0, 10.0),
                    (-20.0, 2.0),
                    (-10.0, 2.0),
                    (-6.0, 2.0),
                    (-4.0, 15.0),
                )
            ),
        ),
    ),
    cases=_cases,
    batch="mu",
    gradients=("mu", "logvar"),
)
