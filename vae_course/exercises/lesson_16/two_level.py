"""16-two-level: the bound of a bottom-up model, line by line, from its draws and its Gaussians."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.distributions import Normal, kl_divergence

from vae_course.exercises.inputs import generator, integer, normal
from vae_course.exercises.model import Alternative, Answer, AnswerError, Exercise, Inputs, Misconception

Pair = tuple[Tensor, Tensor]
Triple = tuple[Any, Any, Any]
NAMES = ("elbo", "kl_bottom", "kl_top")
LOG_2PI = math.log(2 * math.pi)


def two_level_terms(log_px_z: Tensor, z1: Tensor, q1: Pair, p1: Pair, q2: Pair) -> Triple:
    """elbo, kl_bottom and kl_top in nats, each [B], from S draws; q1, p1 and q2 are pairs of mu and logvar."""
    log_q, log_p = (
        -0.5 * (math.log(2 * math.pi) + logvar + (z1 - mu) ** 2 / logvar.exp()).sum(dim=-1) for mu, logvar in (q1, p1)
    )
    kl_bottom = (log_q - log_p).mean(dim=0)
    mu_2, logvar_2 = q2
    kl_top = 0.5 * (mu_2**2 + logvar_2.exp() - 1 - logvar_2).sum(dim=-1).mean(dim=0)
    elbo = log_px_z.mean(dim=0) - kl_bottom - kl_top
    return elbo, kl_bottom, kl_top


def _probe(answer: Answer, case: Inputs) -> dict[str, Any]:
    """The model is trained through the bound alone: through all three, its two rates would cancel."""
    log_px_z, z1, *six = case.values()
    result = answer(log_px_z, z1, *zip(six[::2], six[1::2], strict=True))
    if not isinstance(result, tuple | list) or len(result) != 3:
        raise AnswerError("your function must return three tensors, `elbo, kl_bottom, kl_top`, in this order.")
    elbo, *rates = result
    rates = [rate.detach() if isinstance(rate, Tensor) else rate for rate in rates]
    return dict(zip(NAMES, (elbo, *rates), strict=True))


def _cases(seed: int) -> list[Inputs]:
    """One draw of one image, sizes by chance and twice, one dimension; wide, narrow and far Gaussians in double precision."""
    source = generator(seed)
    b, s = integer(source, 6, 7), integer(source, 4, 5)
    tame = (0.0, 0.0, 0.0, 0.0)
    cases = [
        _case(source, *sizes, *tame)
        for sizes in (
            (2, 1, 3, 4),
            (1, 3, 2, 3),
            (s, b, 3, 2),
            (s, b, 3, 2),
            (3, 4, 1, 1),
            (3, 2, 1, 5),
            (6, 20, 5, 4),
        )
    ]
    for logvar_q, logvar_p, logvar_2, centre in (
        (-15, -15, 0, 0), (15, 15, 15, 0), (-15, 0, -15, 2), (0, -8, 4, 0), (-3, 0, 0, 30), (0, 0, 0, -30)
    ):  # fmt: skip
        case = _case(source, 3, 5, 2, 4, logvar_q, logvar_p, logvar_2, centre)
        cases.append({name: value.double() for name, value in case.items() if isinstance(value, Tensor)})
    return cases


def _case(
    source: torch.Generator,
    s: int,
    b: int,
    d1: int,
    d2: int,
    logvar_q: float,
    logvar_p: float,
    logvar_2: float,
    centre: float,
) -> Inputs:
    """S draws for B images around this centre; in places p(z1 | z2) is sharper at its draw than q(z1 | x) was."""
    mu_q = centre + normal(source, b, d1)
    log_q = logvar_q + 0.7 * normal(source, b, d1)
    z1 = mu_q + torch.exp(0.5 * log_q) * normal(source, s, b, d1)
    log_p = logvar_p + 0.7 * normal(source, s, b, d1)
    return {
        "log_px_z": (100.0 if logvar_q > 0 else -20.0 - 100 * abs(logvar_q)) + 6 * normal(source, s, b),
        "z1": z1,
        "mu_q1": mu_q,
        "logvar_q1": log_q,
        "mu_p1": z1 + torch.exp(0.5 * log_p) * normal(source, s, b, d1),
        "logvar_p1": log_p,
        "mu_q2": centre + normal(source, s, b, d2),
        "logvar_q2": logvar_2 + 0.7 * normal(source, s, b, d2),
    }


def _log(z: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    """The log density of every single number."""
    return -0.5 * (LOG_2PI + logvar + (z - mu).square() / logvar.exp())


def _top(mu: Tensor, logvar: Tensor) -> Tensor:
    """The KL to N(0, I) of every single number."""
    return 0.5 * (mu.square() + logvar.exp() - 1 - logvar)


def _closed(q: Pair, p: Pair) -> Tensor:
    """The KL between two Gaussians, of every single number."""
    (mu, logvar), (mu_p, logvar_p) = q, p
    return 0.5 * (logvar_p - logvar + (logvar.exp() + (mu - mu_p) ** 2) / logvar_p.exp() - 1)


def _fixed(pair: Pair) -> Pair:
    return pair[0].detach(), pair[1].detach()


def _averaged(pair: Pair) -> Pair:
    """One pair in place of one for each draw."""
    return pair[0].mean(0, keepdim=True), pair[1].mean(0, keepdim=True)


def _standard(z1: Tensor) -> Pair:
    return torch.zeros_like(z1), torch.zeros_like(z1)


Bottom = Callable[[Tensor, Pair, Pair], Tensor]


def _sampled(z1: Tensor, q1: Pair, p1: Pair) -> Tensor:
    """log q - log p of every single number."""
    return _log(z1, *q1) - _log(z1, *p1)


def _with(
    *,
    bottom: Bottom = _sampled,
    top: Callable[[Pair], Tensor] = lambda q2: _top(*q2),
    add: Callable[[Tensor], Tensor] = lambda numbers: numbers.sum(-1),
    add_top: Callable[[Tensor], Tensor] | None = None,
    over: Callable[[Tensor], Tensor] = lambda draws: draws.mean(0),
    over_rates: Callable[[Tensor], Tensor] | None = None,
    ends: Callable[[Tensor, Tensor, Tensor], Triple] = lambda log_px, bottom, top: (log_px - bottom - top, bottom, top),
) -> Answer:
    """The three results with one thing changed."""

    def answer(log_px_z: Tensor, z1: Tensor, q1: Pair, p1: Pair, q2: Pair) -> Triple:
        rates = over_rates or over
        rate, rate_top = rates(add(bottom(z1, q1, p1))), rates((add_top or add)(top(q2)))
        return ends(over(log_px_z), rate, rate_top)

    return answer


def _without_half(z: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    """A log density whose 1/2 stands before the square alone."""
    return -0.5 * (z - mu).square() / logvar.exp() - logvar


def _doubled(z: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    return 2 * _log(z, mu, logvar)


def _as_std(z: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    return _log(z, mu, 2 * logvar)


def _no_constant(z: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    return _log(z, mu, logvar) + 0.5 * LOG_2PI


def _no_width(z: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    return _log(z, mu, logvar) + 0.5 * logvar


def _no_division(z: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    return -0.5 * (LOG_2PI + logvar + (z - mu).square())


Density = Callable[[Tensor, Tensor, Tensor], Tensor]


def _densities(wrong: Density, *, once: bool = True) -> tuple[Answer, ...]:
    """This density for both, and (`once`) for one of the two."""
    both = _with(bottom=lambda z1, q1, p1: wrong(z1, *q1) - wrong(z1, *p1))
    first = _with(bottom=lambda z1, q1, p1: wrong(z1, *q1) - _log(z1, *p1))
    second = _with(bottom=lambda z1, q1, p1: _log(z1, *q1) - wrong(z1, *p1))
    return (both, first, second) if once else (both,)


def _loop(log_px_z: Tensor, z1: Tensor, q1: Pair, p1: Pair, q2: Pair) -> Triple:
    """Draw by draw and image by image."""
    draws, images = log_px_z.shape
    bottom, top = [], []
    for i in range(images):
        own, rates = [], []
        for s in range(draws):
            q = Normal(q1[0][i], torch.exp(0.5 * q1[1][i]))
            p = Normal(p1[0][s, i], torch.exp(0.5 * p1[1][s, i]))
            own.append((q.log_prob(z1[s, i]) - p.log_prob(z1[s, i])).sum())
            mu, logvar = q2[0][s, i], q2[1][s, i]
            rates.append(0.5 * (mu @ mu + (logvar.exp() - 1 - logvar).sum()))
        bottom.append(torch.stack(own).mean())
        top.append(torch.stack(rates).mean())
    kl_bottom, kl_top = torch.stack(bottom), torch.stack(top)
    return log_px_z.mean(0) - kl_bottom - kl_top, kl_bottom, kl_top


def _distributions(log_px_z: Tensor, z1: Tensor, q1: Pair, p1: Pair, q2: Pair) -> Triple:
    q, p, top = (Normal(mu, torch.exp(logvar / 2)) for mu, logvar in (q1, p1, q2))
    bottom = (q.log_prob(z1) - p.log_prob(z1)).sum(2)
    rate = kl_divergence(top, Normal(torch.zeros_like(q2[0]), torch.ones_like(q2[0]))).sum(2)
    return (log_px_z - bottom - rate).mean(0), bottom.mean(0), rate.mean(0)


def _einsum(log_px_z: Tensor, z1: Tensor, q1: Pair, p1: Pair, q2: Pair) -> list[Tensor]:
    """Without the constant, which stands in both densities."""
    errors = [torch.einsum("sbd,sbd->b", (z1 - mu) ** 2, torch.exp(-logvar).expand_as(z1)) for mu, logvar in (q1, p1)]
    widths = [logvar.expand_as(z1).sum((0, 2)) for _, logvar in (q1, p1)]
    bottom = 0.5 * (errors[1] + widths[1] - errors[0] - widths[0]) / len(z1)
    top = 0.5 * torch.einsum("sbd->b", q2[0] ** 2 + q2[1].exp() - 1 - q2[1]) / len(z1)
    return [torch.einsum("sb->b", log_px_z) / len(z1) - bottom - top, bottom, top]


def _double(log_px_z: Tensor, z1: Tensor, *pairs: Pair) -> Triple:
    result: Triple = two_level_terms(
        log_px_z.double(), z1.double(), *((mu.double(), logvar.double()) for mu, logvar in pairs)
    )
    return result


EXERCISE = Exercise(
    id="16-two-level",
    title="The bound of two levels",
    points=3,
    difficulty=3,
    minutes=10,
    task=(
        "From S draws z1 ~ q(z1 | x), z2 ~ q(z2 | z1) return `elbo, kl_bottom, kl_top` in nats, each `[B]`, a mean over the "
        "draws: `kl_bottom` of log q(z1 | x) - log p(z1 | z2), `kl_top` of the KL of q(z2 | z1) to p(z2) = N(0, I) in closed "
        "form. Given are `log_px_z` `[S, B]`, `z1` `[S, B, D1]`, and pairs of mu and logvar: `q1` of q(z1 | x), each `[B, "
        "D1]`; `p1` of p(z1 | z2) at the drawn z2, each `[S, B, D1]`; `q2` of q(z2 | z1) at the drawn z1, each `[S, B, D2]`. "
        "The model is trained through `elbo`."
    ),
    hints=(
        "Write log p(x, z1, z2) - log q(z1, z2 | x) as a sum of five logarithms and put each q beside the p of the same code. Of "
        "which of the two differences do you know the mean, given what was drawn before it?",
        "log N(z; mu, sigma^2) = -1/2 (log 2 pi + log sigma^2 + (z - mu)^2 / sigma^2), summed over D1; the top has 1/2 (mu^2 + "
        "sigma^2 - 1 - log sigma^2), summed over D2. elbo = log p(x | z1) - bottom - top.",
        "One line for the log density of `z1` serves both `q1` and `p1`: `[B, D1]` broadcasts against `[S, B, D1]`. "
        "Sum over the last axis, take the mean over axis 0, the draws, and subtract both from that of `log_px_z`.",
    ),
    explanation=(
        "z2 was drawn from this very z1, so given z2 the draw z1 is not spread like q(z1 | x): the closed form of KL( q(z1 | "
        "x) || p(z1 | z2) ) would take a mean over the wrong z1. The difference at the draws has the right mean, and may be "
        "negative for some of them. Given z1, z2 is spread like q(z2 | z1), so for the top the closed form is right."
    ),
    returns="elbo, kl_bottom and kl_top, each [B]",
    reference=two_level_terms,
    alternatives=(
        Alternative("loop over draws and images", _loop),
        Alternative("distributions", _distributions),
        Alternative("einsum without the constant", _einsum),
        Alternative("float64", _double),
    ),
    misconceptions=(
        Misconception(
            "z1 against N(0, I)",
            _with(bottom=lambda z1, q1, p1: _closed(q1, _standard(z1))),
            "Your bottom compares z1 with N(0, I), the prior of a model of one level. Here the prior of z1 is p(z1 | z2): "
            "without it the top is paid for and used nowhere.",
            variants=(
                _with(bottom=lambda z1, q1, p1: _sampled(z1, q1, _standard(z1))),
                _with(bottom=lambda z1, q1, p1: _closed(p1, _standard(z1))),
            ),
        ),
        Misconception(
            "closed form for the bottom",
            _with(bottom=lambda z1, q1, p1: _closed(q1, p1)),
            "Your bottom is a closed-form KL between q(z1 | x) and p(z1 | z2). But z2 was drawn from this very z1, which is "
            "then no longer spread like q(z1 | x): take log q - log p at the draw z1.",
            variants=(_with(bottom=lambda z1, q1, p1: _closed(p1, q1)),),
        ),
        Misconception(
            "top left out",
            _with(ends=lambda log_px, bottom, top: (log_px - bottom, bottom, top)),
            "The rate of the top is missing in your bound. z2 is a code like z1 and has to be paid for: without it this is "
            "no bound on log p(x).",
            variants=(_with(ends=lambda log_px, bottom, top: (log_px - bottom, bottom, torch.zeros_like(top))),),
        ),
        Misconception(
            "bottom left out",
            _with(ends=lambda log_px, bottom, top: (log_px - top, bottom, top)),
            "The rate of the bottom is missing in your bound: subtract both.",
        ),
        Misconception(
            "reconstruction alone",
            _with(ends=lambda log_px, bottom, top: (log_px, bottom, top)),
            "Your bound is log p(x | z1) alone. Subtract what both levels cost.",
        ),
        Misconception(
            "half missing on the logs",
            _densities(_without_half)[0],
            "Somewhere the 1/2 is missing on a log variance. All of log 2 pi + logvar + (z - mu)^2 / sigma^2 is halved, and "
            "so is all of the KL of the top.",
            variants=(
                *_densities(_without_half)[1:],
                *_densities(lambda z, mu, logvar: _without_half(z, mu, logvar) - 0.5 * LOG_2PI)[1:],
                _with(top=lambda q2: 0.5 * (q2[0] ** 2 + q2[1].exp() - 1) - q2[1]),
                _with(
                    bottom=lambda z1, q1, p1: _without_half(z1, *q1) - _without_half(z1, *p1),
                    top=lambda q2: 0.5 * (q2[0] ** 2 + q2[1].exp() - 1) - q2[1],
                ),
            ),
        ),
        Misconception(
            "half forgotten",
            _densities(_doubled)[0],
            "One of your rates is twice too large, or a part of it is: in log N and in the KL of Gaussians everything is halved.",
            variants=(
                *_densities(_doubled)[1:],
                _with(top=lambda q2: 2 * _top(*q2)),
                _with(bottom=lambda *inputs: 2 * _sampled(*inputs), top=lambda q2: 2 * _top(*q2)),
            ),
        ),
        Misconception(
            "exp(logvar) as standard deviation",
            _densities(_as_std)[0],
            "You take exp(logvar) for a standard deviation. It is the variance; the standard deviation is exp(0.5 * logvar).",
            variants=(
                *_densities(_as_std)[1:],
                _with(top=lambda q2: _top(q2[0], 2 * q2[1])),
                _with(
                    bottom=lambda z1, q1, p1: _as_std(z1, *q1) - _as_std(z1, *p1), top=lambda q2: _top(q2[0], 2 * q2[1])
                ),
            ),
        ),
        Misconception(
            "standard deviation as variance",
            _densities(lambda z, mu, logvar: _log(z, mu, logvar / 2))[0],
            "Where the variance belongs you have the standard deviation, exp(logvar / 2). The square is divided by sigma^2 = "
            "exp(logvar), and the KL of the top has sigma^2 too.",
            variants=(
                *_densities(lambda z, mu, logvar: _log(z, mu, logvar / 2))[1:],
                *_densities(lambda z, mu, logvar: -0.5 * (LOG_2PI + logvar + (z - mu).square() / (logvar / 2).exp())),
                _with(top=lambda q2: _top(q2[0], q2[1] / 2)),
                _with(top=lambda q2: 0.5 * (q2[0] ** 2 + (q2[1] / 2).exp() - 1 - q2[1])),
            ),
        ),
        Misconception(
            "log 2 pi on one side",
            _densities(_no_constant)[1],
            "log 2 pi stands in one of your two log densities and not in the other. It belongs in both, where it cancels, or in "
            "neither.",
            variants=_densities(_no_constant)[2:],
        ),
        Misconception(
            "the width left out of the density",
            _densities(_no_width)[0],
            "The log density of z1 lacks its log variance, or the division by the variance. Narrow Gaussians are high: -1/2 "
            "logvar belongs to it, and (z - mu)^2 is divided by sigma^2.",
            variants=(
                *_densities(_no_width)[1:],
                *_densities(_no_division),
                *_densities(lambda z, mu, logvar: -0.5 * (z - mu).square(), once=False),
            ),
        ),
        Misconception(
            "bottom turned round",
            _with(bottom=lambda z1, q1, p1: -_sampled(z1, q1, p1)),
            "Your bottom is log p - log q. A rate is log q - log p: by so much is a draw likelier under q than under p.",
            variants=(
                _with(
                    bottom=lambda z1, q1, p1: -_sampled(z1, q1, p1),
                    ends=lambda log_px, bottom, top: (log_px + bottom - top, bottom, top),
                ),
            ),
        ),
        Misconception(
            "one density alone",
            _with(bottom=lambda z1, q1, p1: -_log(z1, *p1)),
            "Your bottom has one of the two log densities alone. It is the difference log q(z1 | x) - log p(z1 | z2).",
            variants=(_with(bottom=lambda z1, q1, p1: _log(z1, *q1).expand_as(z1)),),
        ),
        Misconception(
            "no rate below zero",
            _with(over=lambda draws: draws.mean(0), over_rates=lambda draws: draws.mean(0).clamp(min=0)),
            "You cut the bottom off at 0, or take its absolute value. At a few draws log q - log p may be negative, and only "
            "with these is the mean right.",
            variants=(
                _with(bottom=lambda *inputs: _sampled(*inputs).abs()),
                _with(over_rates=lambda draws: draws.mean(0).abs()),
                _with(over_rates=lambda draws: draws.clamp(min=0).mean(0)),
                _with(over_rates=lambda draws: draws.abs().mean(0)),
                _with(bottom=lambda *inputs: _sampled(*inputs).clamp(min=0)),
                _with(ends=lambda log_px, bottom, top: (log_px - bottom - top, bottom.clamp(min=0), top)),
                _with(ends=lambda log_px, bottom, top: (log_px - bottom - top, bottom.abs(), top)),
            ),
        ),
        Misconception(
            "another order",
            _with(ends=lambda log_px, bottom, top: (bottom, top, log_px - bottom - top)),
            "Your three results stand in another order. First the bound, then the rate of the bottom, then that of the top.",
            variants=(
                _with(ends=lambda log_px, bottom, top: (log_px - bottom - top, top, bottom)),
                _with(ends=lambda log_px, bottom, top: (top, bottom, log_px - bottom - top)),
            ),
        ),
        Misconception(
            "density at the mean",
            _with(bottom=lambda z1, q1, p1: _sampled(q1[0], q1, p1)),
            "You take the log densities at the mean of q(z1 | x). They belong at the draws: put `z1` into both.",
            variants=(_with(bottom=lambda z1, q1, p1: _log(q1[0], *q1) - _log(z1, *p1)),),
        ),
        Misconception(
            "rates added",
            _with(ends=lambda log_px, bottom, top: (log_px + bottom + top, bottom, top)),
            "You add a rate to the bound. Rates are what the codes cost: subtract both.",
            variants=(
                _with(ends=lambda log_px, bottom, top: (log_px - bottom + top, bottom, top)),
                _with(ends=lambda log_px, bottom, top: (log_px + bottom - top, bottom, top)),
            ),
        ),
        Misconception(
            "the loss",
            _with(ends=lambda log_px, bottom, top: (bottom + top - log_px, bottom, top)),
            "This is minus the bound, what an optimiser makes small. The bound itself is asked for.",
        ),
        Misconception(
            "summed over the draws",
            _with(over=lambda draws: draws.sum(0)),
            "You add up over the draws. Each draw gives an estimate of the same bound: take their mean, over axis 0.",
            variants=(
                _with(over_rates=lambda draws: draws.sum(0)),
                _with(over=lambda draws: draws.sum(0), over_rates=lambda draws: draws.mean(0)),
                lambda log_px_z, z1, q1, p1, q2: (
                    len(z1) * two_level_terms(log_px_z, z1, q1, p1, q2)[0],
                    *two_level_terms(log_px_z, z1, q1, p1, q2)[1:],
                ),
            ),
        ),
        Misconception(
            "mean over the dimensions",
            _with(add=lambda numbers: numbers.mean(-1)),
            "You average over the dimensions of a code. Its log density, and its KL, is a sum over them.",
            variants=(
                _with(add_top=lambda numbers: numbers.mean(-1)),
                _with(add=lambda numbers: numbers.mean(-1), add_top=lambda numbers: numbers.sum(-1)),
            ),
        ),
        Misconception(
            "the first draw alone",
            _with(over=lambda draws: draws[0]),
            "At least one of your terms is made of one of the S draws, and leaves the others out. Take the mean over axis 0.",
            variants=(
                _with(top=lambda q2: _top(*q2)[:1]),
                _with(over_rates=lambda draws: draws[0]),
                _with(over=lambda draws: draws[-1]),
                _with(bottom=lambda z1, q1, p1: _sampled(z1, q1, (p1[0][0], p1[1][0]))),
                _with(bottom=lambda z1, q1, p1: _sampled(z1[:1], q1, p1)),
            ),
        ),
        Misconception(
            "mean over the images",
            _with(over=lambda draws: draws.mean(1)),
            "Your mean runs over axis 1, the images. The draws lie along axis 0, and one number for each image is asked for.",
        ),
        Misconception(
            "one rate for all images",
            _with(over_rates=lambda draws: draws.mean().expand(draws.shape[1])),
            "Every image gets the same rate, or the same bound: you average, or add, over the images as well. Keep one "
            "number for each.",
            variants=(
                _with(over_rates=lambda draws: draws.mean()),
                _with(top=lambda q2: _top(*q2).mean(1, keepdim=True).expand_as(q2[0])),
                _with(bottom=lambda *inputs: _sampled(*inputs).mean(1, keepdim=True).expand_as(inputs[0])),
                _with(ends=lambda log_px, bottom, top: ((log_px - bottom - top).mean(), bottom.mean(), top.mean())),
                _with(ends=lambda log_px, bottom, top: ((log_px - bottom - top).mean(), bottom, top)),
                _with(ends=lambda log_px, bottom, top: (log_px.mean() - bottom - top, bottom, top)),
            ),
        ),
        Misconception(
            "draws averaged first",
            lambda log_px_z, z1, q1, p1, q2: two_level_terms(
                log_px_z.mean(0, keepdim=True),
                z1.mean(0, keepdim=True),
                q1,
                _averaged(p1),
                _averaged(q2),
            ),
            "You average over the draws too early: codes or their means and log variances. Make log densities and KLs of "
            "each draw, and average those.",
            variants=(
                _with(top=lambda q2: _top(*_averaged(q2))),
                _with(bottom=lambda z1, q1, p1: _sampled(z1.mean(0, keepdim=True), q1, _averaged(p1))),
                _with(bottom=lambda z1, q1, p1: _sampled(z1, q1, _averaged(p1))),
            ),
        ),
        Misconception(
            "the importance-weighted bound",
            lambda log_px_z, z1, q1, p1, q2: (
                torch.logsumexp(log_px_z - _sampled(z1, q1, p1).sum(-1) - _top(*q2).sum(-1), 0) - math.log(len(z1)),
                _sampled(z1, q1, p1).sum(-1).mean(0),
                _top(*q2).sum(-1).mean(0),
            ),
            "You take the logarithm of a mean of exponentials over the draws, as IWAE does. The ELBO is the mean of the "
            "logarithms.",
        ),
        Misconception(
            "top the other way round",
            _with(top=lambda q2: _closed(_standard(q2[0]), q2)),
            "Your top is the KL from N(0, I) to q(z2 | z1). The rate is KL( q || p ): 1/2 (mu^2 + sigma^2 - 1 - log sigma^2).",
        ),
        Misconception(
            "cut off",
            lambda *inputs: tuple(part.detach() for part in two_level_terms(*inputs)),
            "The numbers are right, but a part of the model is cut off from the bound. All of it is trained through `elbo`: "
            "leave out `.detach()`.",
            variants=(
                _with(ends=lambda log_px, bottom, top: (log_px - bottom.detach() - top.detach(), bottom, top)),
                _with(ends=lambda log_px, bottom, top: (log_px - bottom.detach() - top, bottom, top)),
                _with(ends=lambda log_px, bottom, top: (log_px - bottom - top.detach(), bottom, top)),
                _with(bottom=lambda z1, q1, p1: _sampled(z1.detach(), q1, p1)),
                _with(bottom=lambda z1, q1, p1: _sampled(z1, q1, _fixed(p1))),
                _with(bottom=lambda z1, q1, p1: _sampled(z1, _fixed(q1), p1)),
            ),
        ),
    ),
    cases=_cases,
    probe=_probe,
    gradients=("log_px_z", "z1", "mu_q1", "logvar_q1", "mu_p1", "logvar_p1", "mu_q2", "logvar_q2"),
    tolerance=2e-5,
)
