"""19-accept: the two numbers that a capstone rests on, ELBO and importance-weighted bound, from a model and noise."""

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.distributions import Bernoulli, Normal, kl_divergence

from vae_course.exercises.inputs import generator, integer, normal, uniform
from vae_course.exercises.model import Alternative, Answer, Exercise, Inputs, Misconception
from vae_course.exercises.probes import BuildStage, pair
from vae_course.studies.capstone.mistakes import MISTAKES, RIGHT, EncoderDecoder, bounds_with

PIXELS_STAGE = BuildStage(1, 5, "q is the prior")
ELBO_STAGE = BuildStage(2, 5, "any q")
WEIGHT_STAGE = BuildStage(3, 5, "one weight")
MEAN_STAGE = BuildStage(4, 5, "the mean of the weights")
FAR_STAGE = BuildStage(5, 5, "far, wide and narrow q")
EXTREMES = (5, 8)  # rows and columns of the images of the cases that go far


def bounds(model: EncoderDecoder, x: Tensor, eps: Tensor) -> tuple[Tensor, Tensor]:
    """elbo and log_px in nats, each [B], for images x [B, 1, 3, 4] and noise eps [k, B, D]."""
    mu, logvar = model.encode(x)
    z = mu + torch.exp(0.5 * logvar) * eps
    logits = model.decode(z)
    log_pixels = -F.binary_cross_entropy_with_logits(logits, x.expand_as(logits), reduction="none")
    log_px_z = log_pixels.flatten(start_dim=2).sum(dim=-1)
    kl = 0.5 * (mu**2 + logvar.exp() - 1 - logvar).sum(dim=-1)
    elbo = log_px_z.mean(dim=0) - kl
    log_pz = -0.5 * (math.log(2 * math.pi) + z**2).sum(dim=-1)
    log_qz = -0.5 * (math.log(2 * math.pi) + logvar + eps**2).sum(dim=-1)
    log_px = torch.logsumexp(log_px_z + log_pz - log_qz, dim=0) - math.log(len(eps))
    return elbo, log_px


class _Linear:
    """A model whose networks are one matrix each; logits are given by the last."""

    def __init__(self, case: Inputs) -> None:
        self.case: Any = case

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        mu, logvar = (x.flatten(1) @ self.case["A"] + self.case["a"]).chunk(2, -1)
        return mu, logvar

    def decode(self, z: Tensor) -> Tensor:
        return (z @ self.case["W"] + self.case["b"]).reshape(*z.shape[:-1], *self.case["x"].shape[1:])


def _probe(answer: Answer, case: Inputs) -> dict[str, Any]:
    """The ELBO of a q that is the prior has no KL, and one draw no mean; what fails only far out is told last."""
    elbo, log_px = pair(answer(_Linear(case), case["x"], case["eps"]), "elbo", "log_px")
    maps: Any = case
    if maps["x"].shape[-2:] == EXTREMES:
        return {FAR_STAGE.result("elbo"): elbo, FAR_STAGE.result("log_px"): log_px}
    first = ELBO_STAGE if bool(maps["A"].any() or maps["a"].any()) else PIXELS_STAGE
    second = MEAN_STAGE if len(maps["eps"]) > 1 else WEIGHT_STAGE
    return {
        first.result(
            "elbo", "Look at sigma in z, at the pixels and at the KL of q to N(0, I), which is taken off."
        ): elbo,
        second.result("log_px", "The logarithm of the mean of p(x | z) p(z) / q(z | x)."): log_px,
    }


def _cases(seed: int) -> list[Inputs]:
    """q the prior, then other q; one draw, then several; last wide, narrow and far q, and weights far apart."""
    source = generator(seed)
    b, k = integer(source, 5, 6), integer(source, 3, 4)
    cases = [
        _case(source, 1, 1, 1, (1, 3), at=None),
        _case(source, k, b, 2, (3, 4), at=None),
        _case(source, 1, 1, 1, (1, 3)),
        _case(source, 1, b, 2, (3, 4)),
        _case(source, 2, 1, 1, (2, 3)),
        _case(source, k, b, 2, (3, 4)),
        _case(source, k, b, 2, (3, 4)),
        _case(source, b, 3, 3, (2, 5)),
        _case(source, 3, 4, 1, (2, 3)),
        _case(source, 20, 4, 2, (3, 4)),
    ]
    for mu, logvar, strength in ((0, 15, 0.02), (0, -15, 1), (30, 0, 0.3), (-30, 0, 0.3), (0, 0, 60), (0, 1, 400)):
        cases.append(_case(source, 5, 4, 2, EXTREMES, (mu, logvar), strength))
    return cases


def _case(
    source: torch.Generator,
    k: int,
    b: int,
    d: int,
    side: tuple[int, int],
    at: tuple[float, float] | None = (0.0, -0.5),
    strength: float = 1.0,
) -> Inputs:
    """Images, noise, and two maps, in double precision; q is N(0, I) without `at`, else lies around this mu and logvar."""
    pixels = side[0] * side[1]
    case = {
        "x": (uniform(source, b, 1, *side) < 0.4).float(),
        "eps": normal(source, k, b, d),
        "A": 0.5 * normal(source, pixels, 2 * d),
        "a": 0.3 * normal(source, 2 * d),
        "W": strength * normal(source, d, pixels),
        "b": 0.5 * normal(source, pixels),
    }
    if at is None:
        case["A"], case["a"] = torch.zeros_like(case["A"]), torch.zeros_like(case["a"])
    else:
        case["a"] = case["a"] + torch.tensor(at).repeat_interleave(d)
    return {name: value.double() for name, value in case.items()}


def _loop(model: EncoderDecoder, x: Tensor, eps: Tensor) -> tuple[Tensor, Tensor]:
    """Image by image and draw by draw."""
    mu, logvar = model.encode(x)
    elbos, estimates = [], []
    for i in range(len(x)):
        total, logs = mu.new_zeros(()), []
        for k in range(len(eps)):
            z = mu[i] + (logvar[i] / 2).exp() * eps[k, i]
            logits = model.decode(z[None])[0]
            log_px_z = (x[i] * logits - F.softplus(logits)).sum()
            total = total + log_px_z
            logs.append(log_px_z + 0.5 * (eps[k, i] @ eps[k, i] - z @ z + logvar[i].sum()))
        kl = -0.5 * (1 + logvar[i] - mu[i] ** 2 - logvar[i].exp()).sum()
        elbos.append(total / len(eps) - kl)
        estimates.append(torch.stack(logs).logsumexp(0) - math.log(len(eps)))
    return torch.stack(elbos), torch.stack(estimates)


def _distributions(model: EncoderDecoder, x: Tensor, eps: Tensor) -> tuple[Tensor, Tensor]:
    mu, logvar = model.encode(x)
    q, prior = Normal(mu, torch.exp(logvar / 2)), Normal(torch.zeros_like(mu), torch.ones_like(mu))
    z = q.mean + q.stddev * eps
    log_px_z = Bernoulli(logits=model.decode(z)).log_prob(x).sum((2, 3, 4))
    log_w = log_px_z + (prior.log_prob(z) - q.log_prob(z)).sum(-1)
    return log_px_z.mean(0) - kl_divergence(q, prior).sum(-1), log_w.logsumexp(0) - math.log(len(eps))


def _double(model: EncoderDecoder, x: Tensor, eps: Tensor) -> list[Tensor]:
    """What follows the networks in double precision."""
    mu, logvar = (part.double() for part in model.encode(x))
    z = mu + torch.exp(0.5 * logvar) * eps
    logits = model.decode(z.to(x.dtype)).double()
    log_px_z = torch.einsum("kbchw->kb", x * logits - F.softplus(logits))
    log_w = log_px_z + 0.5 * (eps**2 - z**2 + logvar).sum(-1)
    kl = 0.5 * (mu**2 + logvar.exp() - 1 - logvar).sum(-1)
    return [log_px_z.mean(0) - kl, torch.logsumexp(log_w - math.log(len(eps)), 0)]


EXERCISE = Exercise(
    id="19-accept",
    title="Build: the pipeline",
    points=4,
    difficulty=4,
    minutes=18,
    task=(
        "Return `elbo, log_px`, each `[B]` in nats: for each image the ELBO, with the mean over k draws of log p(x | z) and the "
        "KL to N(0, I), in closed form or from the same draws, and the importance-weighted bound with these k draws. "
        "`model.encode(x)` gives mu and logvar, `[B, D]` each; `model.decode(z)` turns codes `[k, B, D]` into logits "
        "`[k, B, 1, 3, 4]`. x `[B, 1, 3, 4]` holds zeros and ones and has to be expanded to the shape of the logits; `eps` "
        "`[k, B, D]` is the noise of all draws. Other sizes of images occur too."
    ),
    hints=(
        "There are four lines of lessons 04, 06, 07 and 11 in it: the codes, log p(x | z) as `[k, B]`, the KL as `[B]`, and the "
        "log weights as `[k, B]`. Write the ELBO first, and see what the check says of it.",
        "log w = log p(x | z) + log p(z) - log q(z | x), with log q(z | x) = -1/2 sum (log 2 pi + logvar + eps^2), for (z - mu) "
        "/ sigma = eps. log_px is the logarithm of the mean of k weights.",
        "z is mu + sigma * eps; log p(x | z) is minus the cross-entropy of `logits`, without reduction, `.flatten(2)` and summed "
        "over the last axis. Both results end with axis 0: a mean for the ELBO, `torch.logsumexp` less log k for the bound.",
    ),
    explanation=(
        "Everything that is reported later comes from these two numbers: sums over pixels and latent dimensions within an "
        "image, means over draws, and nothing else. The ELBO is the mean of the log weights over draws from q, here with its KL "
        "in closed form; the bound averages the weights before it takes the logarithm."
    ),
    returns="elbo and log_px, each [B]",
    reference=bounds,
    alternatives=(
        Alternative("loop over images and draws", _loop),
        Alternative("distributions", _distributions),
        Alternative("float64 and einsum", _double),
        Alternative("the parts of the acceptance test", RIGHT),
    ),
    misconceptions=(
        *(Misconception(m.name, m.bounds, m.message, m.variants) for m in MISTAKES),
        Misconception(
            "ELBO in both places",
            bounds_with(log_px=lambda parts: parts.log_px_z.mean(0) - parts.kl),
            "Your second number is the ELBO once more. Average the weights p(x | z) p(z) / q(z | x) of the k draws, then take "
            "the logarithm.",
        ),
        Misconception(
            "the largest weight",
            bounds_with(log_px=lambda parts: parts.log_w.amax(0)),
            "Your bound keeps the largest of the k weights alone, with or without log k. All draws count: the logarithm of the "
            "mean of the weights.",
            variants=(bounds_with(log_px=lambda parts: parts.log_w.amax(0) - math.log(len(parts.log_w))),),
        ),
        Misconception(
            "bound in both places",
            bounds_with(elbo=lambda parts: torch.logsumexp(parts.log_w, 0) - math.log(len(parts.log_w))),
            "Your first number is the importance-weighted bound once more. The ELBO is the mean over the draws of log p(x | z), "
            "less the KL.",
        ),
    ),
    cases=_cases,
    batch=None,
    probe=_probe,
    equivalents=(bounds_with(elbo=lambda parts: parts.log_w.mean(0)),),
    tolerance=1e-8,
)
