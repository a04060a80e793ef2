"""07-reparameterize: a draw from the posterior as a function of mu, logvar and noise."""

import torch
from torch import Tensor
from torch.distributions import AffineTransform, Normal
from torch.nn import functional as F

from vae_course import distributions
from vae_course.exercises.inputs import generator, integer, normal
from vae_course.exercises.model import Alternative, Exercise, Inputs, Misconception


def reparameterize(mu: Tensor, logvar: Tensor, eps: Tensor) -> Tensor:
    """A draw z [B, D] from N(mu, sigma^2) made from standard normal noise eps [B, D]."""
    return mu + torch.exp(0.5 * logvar) * eps


def _cases(seed: int) -> list[Inputs]:
    source = generator(seed)
    first: Inputs = {
        "mu": torch.tensor([[1.0, -2.0]]),
        "logvar": torch.tensor([[0.5, -1.0]]),
        "eps": torch.tensor([[1.0, 2.0]]),
    }
    b, d = integer(source, 4, 9), integer(source, 2, 7)
    shapes = ((1, 3), (b, d), (b, d), (3, 1), (5, 20), (64, 20))
    # One extreme a case, so that a large number does not hide what was cut off a small one.
    extremes = [(30.0, 0.0), (-30.0, 0.0), *((0.0, level) for level in (15.0, -15.0, 60.0, -60.0))]
    return [
        first,
        *(_inputs(normal(source, *s), 2 * normal(source, *s) - 1, source) for s in shapes),
        *(_inputs(m * torch.ones(2, 3), lv + 0.1 * normal(source, 2, 3), source) for m, lv in extremes),
    ]


def _inputs(mu: Tensor, logvar: Tensor, source: torch.Generator) -> Inputs:
    return {"mu": mu, "logvar": logvar, "eps": normal(source, *mu.shape)}


def _loop(mu: Tensor, logvar: Tensor, eps: Tensor) -> Tensor:
    rows = []
    for m, lv, e in zip(mu, logvar, eps, strict=True):
        rows.append(torch.stack([m[d] + (lv[d] / 2).exp() * e[d] for d in range(len(m))]))
    return torch.stack(rows)


def _no_grad(mu: Tensor, logvar: Tensor, eps: Tensor) -> Tensor:
    with torch.no_grad():
        return reparameterize(mu, logvar, eps)


EXERCISE = Exercise(
    id="07-reparameterize",
    title="Draw a code",
    points=2,
    difficulty=2,
    minutes=4,
    task=(
        "Return a draw z from N(mu, sigma^2), `[B, D]`, made from the noise `eps` that you are given, where `logvar` "
        "is log sigma^2."
    ),
    hints=(
        "Noise with spread one is stretched to spread sigma, then moved to mu.",
        "z = mu + sigma * eps, with sigma = exp(logvar / 2), because logvar = log sigma^2 = 2 log sigma.",
        "`torch.exp(0.5 * logvar)` is sigma, `[B, D]`; multiply it by `eps` entry by entry and add `mu`.",
    ),
    explanation=(
        "All randomness is in `eps`, so z is a smooth function of mu and logvar and a gradient can flow back to the "
        "encoder. The half in the exponent turns a log variance into a standard deviation."
    ),
    returns="one code per example, [B, D]",
    reference=reparameterize,
    alternatives=(
        Alternative("loop", _loop),
        Alternative("einsum", lambda mu, logvar, eps: mu + torch.einsum("bd,bd->bd", logvar.div(2).exp(), eps)),
        Alternative(
            "torch.distributions",
            lambda mu, logvar, eps: AffineTransform(mu, Normal(mu, logvar.exp().sqrt()).scale)(eps),
        ),
        Alternative("float64", lambda mu, logvar, eps: reparameterize(mu.double(), logvar.double(), eps.double())),
        Alternative("the package's", lambda mu, logvar, eps: distributions.reparameterize(mu, logvar, eps)),
        Alternative("square root of the variance", lambda mu, logvar, eps: eps * logvar.exp().sqrt() + mu),
        Alternative("addcmul", lambda mu, logvar, eps: torch.addcmul(mu, (logvar * 0.5).exp(), eps)),
    ),
    misconceptions=(
        Misconception(
            "variance as sigma",
            lambda mu, logvar, eps: mu + torch.exp(logvar) * eps,
            "The noise is scaled by exp(logvar), which is the variance sigma^2. The scale of noise is sigma: "
            "`torch.exp(0.5 * logvar)`.",
        ),
        Misconception(
            "softplus",
            lambda mu, logvar, eps: mu + F.softplus(logvar) * eps,
            "Your noise is scaled by a softplus. That is positive, but it is not sigma: logvar is log sigma^2, so sigma is "
            "`torch.exp(0.5 * logvar)`.",
            variants=(lambda mu, logvar, eps: mu + F.softplus(0.5 * logvar) * eps,),
        ),
        Misconception(
            "half outside the exponent",
            lambda mu, logvar, eps: mu + 0.5 * torch.exp(logvar) * eps,
            "The noise is scaled by half the variance. The 1/2 belongs inside the exponent, where it makes a root: "
            "sigma = exp(logvar / 2), `torch.exp(0.5 * logvar)`.",
        ),
        Misconception(
            "logvar as sigma",
            lambda mu, logvar, eps: mu + logvar * eps,
            "The noise is scaled by logvar itself, which is a logarithm and may be negative. Turn it into sigma "
            "first: `torch.exp(0.5 * logvar)`.",
        ),
        Misconception(
            "log sigma as sigma",
            lambda mu, logvar, eps: mu + 0.5 * logvar * eps,
            "The noise is scaled by logvar / 2, which is log sigma, a logarithm that may be negative. Exponentiate it: "
            "`torch.exp(0.5 * logvar)`.",
        ),
        Misconception(
            "sigma added, noise forgotten",
            lambda mu, logvar, eps: mu + torch.exp(0.5 * logvar),
            "Your z is mu + sigma, the same at each call: the noise is missing. sigma is multiplied by eps.",
        ),
        Misconception(
            "mu scaled as well",
            lambda mu, logvar, eps: torch.exp(0.5 * logvar) * (mu + eps),
            "sigma multiplies mu as well, so the draws are centred at sigma * mu. Scale the noise first, then add mu.",
        ),
        Misconception(
            "root of a logarithm",
            lambda mu, logvar, eps: mu + torch.sqrt(logvar) * eps,
            "You take the root of logvar itself, which is NaN below 0 and never sigma. logvar is a logarithm: take exp first, "
            "then the root, or `torch.exp(0.5 * logvar)` at once.",
            variants=(lambda mu, logvar, eps: mu + logvar.abs().sqrt() * eps,),
        ),
        Misconception(
            "sign in the exponent",
            lambda mu, logvar, eps: mu + torch.exp(-0.5 * logvar) * eps,
            "The noise is scaled by exp(-logvar / 2) = 1 / sigma, so a narrow posterior gives wide draws. Drop the "
            "minus sign.",
        ),
        Misconception(
            "no noise",
            lambda mu, logvar, eps: mu,
            "Your z is mu, without any noise, so the decoder never sees the posterior's spread, and only the KL pulls at "
            "logvar: towards sigma = 1. Add sigma * eps.",
        ),
        Misconception(
            "mu forgotten",
            lambda mu, logvar, eps: torch.exp(0.5 * logvar) * eps,
            "Your draws are centred at zero: sigma * eps is there, mu isn't. Add mu.",
        ),
        Misconception(
            "unscaled noise",
            lambda mu, logvar, eps: mu + eps,
            "The noise is added as it is, so every posterior has sigma = 1 and logvar has no effect. Multiply eps by "
            "`torch.exp(0.5 * logvar)`.",
        ),
        Misconception(
            "weak noise",
            lambda mu, logvar, eps: mu + 0.01 * torch.exp(0.5 * logvar) * eps,
            "The noise is made a hundred times smaller than sigma, so z isn't a draw from N(mu, sigma^2), and what "
            "you train is no longer a bound. Leave out the factor 0.01.",
            variants=(lambda mu, logvar, eps: mu + 0.1 * torch.exp(0.5 * logvar) * eps,),
        ),
        Misconception(
            "one noise for the batch",
            lambda mu, logvar, eps: mu + torch.exp(0.5 * logvar) * eps[0],
            "Every example gets the noise of the first one, so their errors move together. Use all of eps, `[B, D]`, "
            "one row for each example.",
            variants=(lambda mu, logvar, eps: mu + torch.exp(0.5 * logvar) * eps[:, :1],),
        ),
        Misconception(
            "noise of your own",
            lambda mu, logvar, eps: mu + torch.exp(0.5 * logvar) * torch.randn_like(logvar),
            "You draw fresh noise and leave eps aside, so two calls with the same input differ. Use the eps that you "
            "are given; it has the right shape and spread.",
            variants=(
                lambda mu, logvar, eps: Normal(mu, torch.exp(0.5 * logvar)).rsample(),
                lambda mu, logvar, eps: mu + torch.exp(0.5 * logvar) * torch.randn(logvar.shape[-1]),
            ),
        ),
        Misconception(
            "draw without a gradient",
            _no_grad,
            "The numbers are right, but the reconstruction sends no gradient to mu and logvar: the encoder would learn from "
            "the KL alone, which wants all codes alike. Leave out `torch.no_grad()`, `.detach()` and `.sample()`.",
        ),
        Misconception(
            "mu and eps swapped",
            lambda mu, logvar, eps: eps + torch.exp(0.5 * logvar) * mu,
            "mu is scaled and eps is added: they have changed places. sigma stretches the noise, and mu moves it.",
        ),
        Misconception(
            "mu and sigma swapped",
            lambda mu, logvar, eps: mu * eps + torch.exp(0.5 * logvar),
            "mu stretches the noise and sigma moves it: they have changed places. Multiply eps by sigma, then add mu.",
        ),
        Misconception(
            "small number added to the variance",
            lambda mu, logvar, eps: mu + (logvar.exp() + 1e-6).sqrt() * eps,
            "You add a small number to the variance before you take its root. The exponential is above zero already, and a "
            "sharp posterior may be narrower than your number: leave it out.",
            variants=tuple(
                lambda mu, logvar, eps, tiny=tiny: mu + (logvar.exp() + tiny).sqrt() * eps
                for tiny in (1e-8, 1e-5, 1e-4)
            ),
        ),
        Misconception(
            "logvar limited",
            lambda mu, logvar, eps: reparameterize(mu, logvar.clamp(-30, 20), eps),
            "You limit logvar or sigma, so beyond the limit z is not a draw from N(mu, sigma^2), and logvar gets no gradient. "
            "`torch.exp(0.5 * logvar)` is right for every logvar: leave it as it is.",
            variants=(
                *(
                    lambda mu, logvar, eps, low=low, high=high: reparameterize(mu, logvar.clamp(low, high), eps)
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
                *(
                    lambda mu, logvar, eps, most=most: mu + torch.exp(0.5 * logvar).clamp(max=most) * eps
                    for most in (1.0, 10.0, 100.0, 1000.0)
                ),
            ),
        ),
    ),
    cases=_cases,
    batch="mu",
    gradients=("mu", "logvar"),
)
