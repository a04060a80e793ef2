"""14-account: what an image costs in nats when its code is a row of tokens."""

import math

import torch
from torch import Tensor
from torch.distributions import Bernoulli, Categorical
from torch.nn import functional as F

from vae_course.exercises.inputs import generator, integer, normal, uniform
from vae_course.exercises.model import Alternative, Answer, Exercise, Inputs, Misconception
from vae_course.exercises.probes import numbers

LOG2 = math.log(2)


def account(x: Tensor, logits: Tensor, tokens: Tensor, prior_logits: Tensor) -> Tensor:
    """-ELBO of each image in nats, [B]: its binary pixels [B, 1, H, W] given its tokens [B, T], and these under the prior."""
    distortion = F.binary_cross_entropy_with_logits(logits, x, reduction="none").flatten(1).sum(dim=1)
    log_prior = prior_logits.log_softmax(dim=-1)
    rate = -log_prior.gather(-1, tokens.unsqueeze(-1)).squeeze(-1).sum(dim=1)
    return distortion + rate


def _cases(seed: int) -> list[Inputs]:
    """One pixel and one token by hand, then images of any size, sure and unsure priors, logits of 200, one code, a real batch."""
    source = generator(seed)
    b, k, t = integer(source, 3, 4), integer(source, 5, 7), integer(source, 8, 9)
    by_hand: Inputs = {
        "x": torch.ones(1, 1, 1, 2),
        "logits": torch.tensor([[[[0.0, math.log(3.0)]]]]),
        "tokens": torch.tensor([[1, 0]]),
        "prior_logits": torch.tensor([[[0.0, math.log(3.0), 0.0], [0.0, 0.0, 0.0]]]),
    }
    return [
        by_hand,
        *(
            _case(source, *sizes, pixels=pixels, prior=prior)
            for sizes, pixels, prior in (
                ((1, 4, 3, 5, 4), 1.0, 1.0),
                ((b, 5, 6, t, k), 2.0, 1.5),
                ((b, 5, 6, t, k), 2.0, 1.5),
                ((2, 4, 5, 6, 3), 2.0, 0.0),
                ((3, 4, 5, 1, 4), 1.0, 1.0),
                ((3, 4, 5, 4, 1), 1.0, 1.0),
                ((2, 4, 5, 3, 6), 200.0, 1.0),
                ((2, 4, 5, 3, 6), 0.1, 200.0),
                ((5, 2, 3, 4, 10), 1.0, 3.0),
                ((16, 28, 28, 49, 64), 3.0, 2.0),
            )
        ),
    ]


def _case(source: torch.Generator, b: int, h: int, w: int, t: int, k: int, *, pixels: float, prior: float) -> Inputs:
    """Logits up to these sizes, most of them on the right side; those of the prior have another level at each place."""
    x = uniform(source, b, 1, h, w).round()
    side = torch.where(uniform(source, b, 1, h, w) < 0.2, -1.0, 1.0) * (2 * x - 1)
    prior_logits = prior * (2 * uniform(source, b, t, k) - 1) + 3 * normal(source, b, t, 1)
    return {
        "x": x,
        "logits": pixels * uniform(source, b, 1, h, w) * side,
        "tokens": (k * uniform(source, b, t)).long(),
        "prior_logits": prior_logits,
    }


def _pixels(x: Tensor, logits: Tensor) -> Tensor:
    return F.binary_cross_entropy_with_logits(logits, x, reduction="none").flatten(1).sum(1)


def _costs(tokens: Tensor, prior_logits: Tensor) -> Tensor:
    """Nats of each token, [B, T]."""
    return -prior_logits.log_softmax(-1).gather(-1, tokens.unsqueeze(-1)).squeeze(-1)


def _loop(x: Tensor, logits: Tensor, tokens: Tensor, prior_logits: Tensor) -> list[float]:
    totals = []
    for image, scores, row, odds in zip(x, logits, tokens, prior_logits, strict=True):
        total = float((F.softplus(scores) - image * scores).sum())
        for token, place in zip(row.tolist(), odds, strict=True):
            total += float(torch.logsumexp(place, 0) - place[token])
        totals.append(total)
    return totals


def _cross_entropies(x: Tensor, logits: Tensor, tokens: Tensor, prior_logits: Tensor) -> Tensor:
    rate = F.cross_entropy(prior_logits.transpose(1, 2), tokens, reduction="none").sum(1)
    return -(x * F.logsigmoid(logits) + (1 - x) * F.logsigmoid(-logits)).sum((1, 2, 3)) + rate


def _one_hot(x: Tensor, logits: Tensor, tokens: Tensor, prior_logits: Tensor) -> Tensor:
    """One-hot rows and einsum."""
    rows = F.one_hot(tokens, prior_logits.shape[-1]).to(prior_logits.dtype)
    return _pixels(x, logits) - torch.einsum("btk,btk->b", rows, prior_logits.log_softmax(-1))


def _with(
    pixels: Answer = _pixels,
    costs: Answer = _costs,
    together: Answer = lambda distortion, costs: distortion + costs.sum(1),
) -> Answer:
    """The account with one thing changed."""
    return lambda x, logits, tokens, prior_logits: together(pixels(x, logits), costs(tokens, prior_logits))


def _log_k(tokens: Tensor, prior_logits: Tensor) -> Tensor:
    return torch.full(tokens.shape, math.log(prior_logits.shape[-1]))


def _picked(make: Answer) -> Answer:
    """Of each place's numbers `[B, T, K]` that of its token."""
    return lambda tokens, prior_logits: make(prior_logits).gather(-1, tokens.unsqueeze(-1)).squeeze(-1)


def _of_p(x: Tensor, p: Tensor) -> Tensor:
    return -(x * p.log() + (1 - x) * (1 - p).log()).sum((1, 2, 3))


EXERCISE = Exercise(
    id="14-account",
    title="What an image costs in tokens",
    points=3,
    difficulty=3,
    minutes=8,
    task=(
        "Return minus the ELBO of each image in nats, `[B]`: what its binary pixels `x` `[B, 1, H, W]` cost under the decoder's "
        "pixel `logits`, of the same shape, plus what its `tokens` `[B, T]` cost under a prior that gives each place its own "
        "`prior_logits` `[B, T, K]`. Logits of both kinds go up to 200, and the prior's are not normalised."
    ),
    hints=(
        "The encoder is certain of its tokens, so the rate is what it takes to send them: minus the log-probability that the "
        "prior gives to each. Which of the K numbers at a place belongs to its token?",
        "-ELBO = -sum_i log Bernoulli(x_i; sigmoid(l_i)) - sum_t log softmax(prior logits at t)[token at t].",
        "`log_softmax` over the last axis makes log-probabilities of the prior's logits; `gather` with `tokens.unsqueeze(-1)` "
        "picks one at each place. Sum over places, sum over pixels, and mind both signs.",
    ),
    explanation=(
        "With q(k | x) = 1 for one row of tokens, KL( q || p ) is -log p(k): each token costs its surprise under the prior, and "
        "log K under a uniform one. Leaving this out turns a bound into a reconstruction error that nothing stops from falling "
        "as K grows."
    ),
    returns="one number for each image, [B]",
    reference=account,
    alternatives=(
        Alternative("loop", _loop),
        Alternative("two cross-entropies", _cross_entropies),
        Alternative("one-hot rows and einsum", _one_hot),
        Alternative(
            "torch.distributions",
            lambda x, logits, tokens, prior_logits: (
                -Bernoulli(logits=logits).log_prob(x).sum((1, 2, 3))
                - Categorical(logits=prior_logits).log_prob(tokens).sum(1)
            ),
        ),
        Alternative("NumPy", lambda x, logits, tokens, prior_logits: account(x, logits, tokens, prior_logits).numpy()),
        Alternative(
            "float64",
            lambda x, logits, tokens, prior_logits: account(x.double(), logits.double(), tokens, prior_logits.double()),
        ),
    ),
    misconceptions=(
        Misconception(
            "tokens for nothing",
            lambda x, logits, tokens, prior_logits: _pixels(x, logits),
            "You count the pixels alone. The receiver needs the tokens too: even under a uniform prior each costs log K nats, "
            "and without them this is no bound on log p(x).",
        ),
        Misconception(
            "log K for each",
            _with(costs=_log_k),
            "You charge log K nats for each token, the price under a uniform prior. This prior has learned something: a token "
            "costs minus the log of its own probability.",
        ),
        Misconception(
            "log K once",
            lambda x, logits, tokens, prior_logits: _pixels(x, logits) + math.log(prior_logits.shape[-1]),
            "You add log K once, the price of a single token under a uniform prior. Each of the T tokens costs minus the log of "
            "its own probability.",
        ),
        Misconception(
            "charged twice",
            _with(costs=lambda tokens, prior_logits: _costs(tokens, prior_logits) + _log_k(tokens, prior_logits)),
            "You charge log K nats on top of what the prior takes. The learned prior replaces the uniform one: -log p(k) is all.",
        ),
        Misconception(
            "log K less the cost",
            _with(costs=lambda tokens, prior_logits: _log_k(tokens, prior_logits) - _costs(tokens, prior_logits)),
            "You subtract the cost of the tokens from log K: that is what the prior saves against a uniform one. Asked for is "
            "what is left to pay.",
        ),
        Misconception(
            "mean over the tokens",
            _with(together=lambda distortion, costs: distortion + costs.mean(1)),
            "You average over the tokens. All of them have to be sent: add their costs up.",
        ),
        Misconception(
            "mean over the pixels",
            _with(
                pixels=lambda x, logits: F.binary_cross_entropy_with_logits(logits, x, reduction="none").mean((1, 2, 3))
            ),
            "You average over pixels, so the tokens weigh far too much beside them. Add up the pixels of each image.",
            variants=(
                _with(
                    pixels=lambda x, logits: F.binary_cross_entropy_with_logits(logits, x, reduction="none").mean(
                        (1, 2, 3)
                    ),
                    together=lambda distortion, costs: distortion + costs.mean(1),
                ),
                _with(pixels=lambda x, logits: F.binary_cross_entropy_with_logits(logits, x)),
                _with(
                    pixels=lambda x, logits: F.binary_cross_entropy_with_logits(logits, x),
                    together=lambda distortion, costs: distortion + costs.mean(),
                ),
            ),
        ),
        Misconception(
            "one rate for all",
            _with(together=lambda distortion, costs: distortion + costs.mean()),
            "Every image is charged the same for its tokens: a mean, or a sum, over the batch. Keep what each image's own tokens "
            "cost: no reduction over the batch.",
            variants=(
                _with(together=lambda distortion, costs: distortion + costs.sum()),
                _with(together=lambda distortion, costs: distortion + costs.sum(1).mean()),
            ),
        ),
        Misconception(
            "one distortion for all",
            _with(together=lambda distortion, costs: distortion.sum() + costs.sum(1)),
            "Every image is charged the same for its pixels: a sum, or a mean, over the batch. Keep what each image's own pixels "
            "cost: sum over the image's axes alone.",
            variants=(_with(together=lambda distortion, costs: distortion.mean() + costs.sum(1)),),
        ),
        Misconception(
            "one prior for all places",
            lambda x, logits, tokens, prior: account(x, logits, tokens, prior[:, :1].expand_as(prior)),
            "You charge the tokens of all places by one prior, that of the first or last place or a mean over them. Each place "
            "has its own: row t of `prior_logits` goes with token t.",
            variants=(
                lambda x, logits, tokens, prior: account(x, logits, tokens, prior[:, -1:].expand_as(prior)),
                lambda x, logits, tokens, prior: account(
                    x, logits, tokens, prior.mean(1, keepdim=True).expand_as(prior)
                ),
            ),
        ),
        Misconception(
            "sign of the tokens",
            _with(together=lambda distortion, costs: distortion - costs.sum(1)),
            "Your tokens make the image cheaper. log p of a token is negative, so minus it is added to the cost.",
        ),
        Misconception(
            "sign of the pixels",
            _with(together=lambda distortion, costs: costs.sum(1) - distortion),
            "Your pixels make the image cheaper. The cross-entropy of a pixel is a cost already: add it.",
        ),
        Misconception(
            "the bound itself",
            _with(together=lambda distortion, costs: -(distortion + costs.sum(1))),
            "This is the ELBO. Asked for is minus the ELBO, a cost above zero: turn the sign.",
        ),
        Misconception(
            "bits",
            _with(together=lambda distortion, costs: (distortion + costs.sum(1)) / LOG2),
            "Your account is in bits, or one of its parts is. Asked for are nats throughout: natural logarithms.",
            variants=(
                _with(together=lambda distortion, costs: distortion + costs.sum(1) / LOG2),
                _with(together=lambda distortion, costs: distortion / LOG2 + costs.sum(1)),
                _with(costs=lambda tokens, prior_logits: torch.full(tokens.shape, math.log2(prior_logits.shape[-1]))),
            ),
        ),
        Misconception(
            "for each pixel",
            lambda x, logits, tokens, prior_logits: account(x, logits, tokens, prior_logits) / x[0].numel(),
            "You divide by the number of pixels or of tokens. Asked for is the cost of the whole image, in nats.",
            variants=(
                lambda x, logits, tokens, prior_logits: account(x, logits, tokens, prior_logits) / x[0].numel() / LOG2,
                lambda x, logits, tokens, prior_logits: account(x, logits, tokens, prior_logits) / tokens.shape[1],
            ),
        ),
        Misconception(
            "softmax over the places",
            _with(costs=_picked(lambda prior_logits: -prior_logits.log_softmax(1))),
            "You normalise over the places, axis 1, or over the batch. At each place the K codes share one unit of probability: "
            "normalise over the last axis.",
            variants=(_with(costs=_picked(lambda prior_logits: -prior_logits.log_softmax(0))),),
        ),
        Misconception(
            "logits as log-probabilities",
            _with(costs=_picked(lambda prior_logits: -prior_logits)),
            "You take the prior's logits for log-probabilities. They are not normalised: `log_softmax` over the codes first.",
        ),
        Misconception(
            "sigmoids for a choice of one",
            _with(costs=_picked(lambda prior_logits: -F.logsigmoid(prior_logits))),
            "You treat each code of a place as a yes or no of its own. Only one of K comes up, so their probabilities share one: "
            "softmax.",
            variants=(
                _with(
                    costs=lambda tokens, prior_logits: F.binary_cross_entropy_with_logits(
                        prior_logits, F.one_hot(tokens, prior_logits.shape[-1]).float(), reduction="none"
                    ).sum(-1)
                ),
            ),
        ),
        Misconception(
            "probabilities without a logarithm",
            _with(costs=_picked(lambda prior_logits: prior_logits.softmax(-1))),
            "You add up the tokens' probabilities. What a token costs is minus the logarithm of its probability.",
            variants=(_with(costs=_picked(lambda prior_logits: -prior_logits.softmax(-1))),),
        ),
        Misconception(
            "the prior's entropy",
            _with(
                costs=lambda tokens, prior_logits: -(prior_logits.softmax(-1) * prior_logits.log_softmax(-1)).sum(-1)
            ),
            "You charge the prior's entropy, which does not know the token: what a token costs on average. Pick the "
            "log-probability of the token that is there.",
            variants=(_with(costs=lambda tokens, prior_logits: -prior_logits.log_softmax(-1).mean(-1)),),
        ),
        Misconception(
            "the likeliest token",
            _with(costs=lambda tokens, prior_logits: -prior_logits.log_softmax(-1).amax(-1)),
            "You charge for the token that the prior likes best. The encoder has chosen another one at times: pick the entry of "
            "`tokens`.",
        ),
        Misconception(
            "all codes charged",
            _with(costs=lambda tokens, prior_logits: -prior_logits.log_softmax(-1).sum(-1)),
            "You add up the log-probabilities of all K codes. At each place one token is sent: pick its own.",
        ),
        Misconception(
            "overflow",
            _with(pixels=lambda x, logits: _of_p(x, logits.sigmoid())),
            "A sigmoid of 200 is exactly 1 on a computer, so log(1 - p) is minus infinity. Stay with the logits: "
            "`F.binary_cross_entropy_with_logits`.",
            variants=(
                _with(
                    costs=_picked(lambda prior_logits: -prior_logits.softmax(-1).log()),
                    pixels=lambda x, logits: _of_p(x, logits.sigmoid()),
                ),
            ),
        ),
        Misconception(
            "overflow hidden",
            _with(
                pixels=lambda x, logits: F.binary_cross_entropy(logits.sigmoid(), x, reduction="none").sum((1, 2, 3))
            ),
            "Where a sigmoid has rounded to 0 or 1, a limit or a small number inside of the logarithm takes the place of the "
            "true cost. Stay with the logits: `F.binary_cross_entropy_with_logits`.",
            variants=tuple(
                _with(pixels=pixels)
                for eps in (1e-5, 1e-6, 1e-7, 1e-8, 1e-10, 1e-12)
                for pixels in (
                    lambda x, logits, eps=eps: (
                        -(x * (logits.sigmoid() + eps).log() + (1 - x) * (1 - logits.sigmoid() + eps).log()).sum(
                            (1, 2, 3)
                        )
                    ),
                    lambda x, logits, eps=eps: _of_p(x, logits.sigmoid().clamp(max(eps, 1e-7), 1 - max(eps, 1e-7))),
                )
            ),
        ),
        Misconception(
            "underflow in the prior",
            _with(costs=_picked(lambda prior_logits: -prior_logits.softmax(-1).log())),
            "A softmax, or a product of its probabilities, rounds to 0, and its logarithm is minus infinity. Take `log_softmax` "
            "in one step, and add.",
            variants=(
                lambda x, logits, tokens, prior_logits: (
                    _pixels(x, logits) - _picked(lambda p: p.softmax(-1))(tokens, prior_logits).prod(1).log()
                ),
            ),
        ),
        Misconception(
            "underflow in the prior hidden",
            _with(costs=_picked(lambda prior_logits: -(prior_logits.softmax(-1) + 1e-8).log())),
            "A small number inside of the logarithm, or a limit there, takes the place of probabilities that round to 0. "
            "`log_softmax` needs no patch.",
            variants=tuple(
                _with(costs=_picked(make))
                for eps in (1e-5, 1e-6, 1e-8, 1e-10, 1e-12)
                for make in (
                    lambda prior_logits, eps=eps: -(prior_logits.softmax(-1) + eps).log(),
                    lambda prior_logits, eps=eps: -prior_logits.softmax(-1).clamp(min=eps).log(),
                )
            ),
        ),
        Misconception(
            "squared error",
            _with(pixels=lambda x, logits: (x - logits.sigmoid()).square().sum((1, 2, 3))),
            "Your pixels cost a squared or absolute error, which is no number of nats under this likelihood. Use the "
            "log-probability of a Bernoulli.",
            variants=(
                _with(pixels=lambda x, logits: (x - logits).square().sum((1, 2, 3))),
                _with(pixels=lambda x, logits: 0.5 * (x - logits.sigmoid()).square().sum((1, 2, 3))),
                _with(pixels=lambda x, logits: (x - logits.sigmoid()).abs().sum((1, 2, 3))),
            ),
        ),
        Misconception(
            "ink alone",
            _with(pixels=lambda x, logits: -(x * F.logsigmoid(logits)).sum((1, 2, 3))),
            "You charge the pixels that are white, or those that are black, and the others cost nothing. Each pixel has its "
            "probability: -x log p - (1 - x) log(1 - p).",
            variants=(_with(pixels=lambda x, logits: -((1 - x) * F.logsigmoid(-logits)).sum((1, 2, 3))),),
        ),
        Misconception(
            "logits and pixels exchanged",
            _with(
                pixels=lambda x, logits: F.binary_cross_entropy_with_logits(x, logits, reduction="none").sum((1, 2, 3))
            ),
            "The logits and the pixels have changed places. `F.binary_cross_entropy_with_logits` takes the logits first.",
        ),
        Misconception(
            "averaged over the batch",
            lambda x, logits, tokens, prior_logits: account(x, logits, tokens, prior_logits).mean(),
            "You return a single number. Return one for each image, `[B]`.",
            variants=(lambda x, logits, tokens, prior_logits: account(x, logits, tokens, prior_logits).sum(),),
        ),
    ),
    cases=_cases,
    batch="x",
    probe=numbers,
)
