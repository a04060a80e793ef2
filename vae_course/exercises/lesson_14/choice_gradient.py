"""14-choice-gradient: the gradient of an ELBO through a choice of one in K, from draws and exact where it can be."""

import math

import torch
from torch import Tensor
from torch.distributions import Categorical
from torch.nn import functional as F

from vae_course.exercises.inputs import generator, integer, normal, uniform
from vae_course.exercises.model import Alternative, Answer, Exercise, Inputs, Misconception


def choice_gradient(logits: Tensor, k: Tensor, f: Tensor) -> Tensor:
    """The gradient of E_q[f(k)] - KL(q || uniform) in logits, [B, K]: draws k [L, B] and values f [L, B], KL exact."""
    log_q = logits.log_softmax(dim=-1)
    q = log_q.exp()
    baseline = (f.sum(dim=0) - f) / (len(f) - 1)
    score = F.one_hot(k, logits.shape[-1]) - q
    of_f = ((f - baseline).unsqueeze(-1) * score).mean(dim=0)
    neg_entropy = (q * log_q).sum(dim=-1, keepdim=True)
    return of_f - q * (log_q - neg_entropy)


def _cases(seed: int) -> list[Inputs]:
    """Two draws by hand, then sizes by chance, many draws, f of every level, choices that are sure and one without a choice."""
    source = generator(seed)
    n, b, k = integer(source, 4, 5), integer(source, 2, 3), integer(source, 6, 7)
    by_hand: Inputs = {
        "logits": torch.zeros(1, 2),
        "k": torch.tensor([[0], [1], [0]]),
        "f": torch.tensor([[1.0], [4.0], [3.0]]),
    }
    return [
        by_hand,
        *(
            _case(source, *sizes, spread=spread, level=level, width=width)
            for sizes, spread, level, width in (
                ((2, 1, 3), 1.0, -3.0, 2.0),
                ((3, 2, 4), 1.0, -3.0, 2.0),
                ((n, b, k), 1.5, -8.0, 3.0),
                ((n, b, k), 1.5, 2.0, 3.0),
                ((4, 3, 5), 1.0, 200.0, 50.0),
                ((5, 2, 4), 1.0, -6000.0, 3000.0),
                ((3, 2, 1), 1.0, 0.0, 1.0),
                ((64, 5, 8), 1.0, -90.0, 10.0),
            )
        ),
        _sure(source),
    ]


def _sure(source: torch.Generator) -> Inputs:
    """Two codes of each example lie 200 nats above the others, and have come up among the draws."""
    logits = normal(source, 3, 6) - 100
    logits[:, 1:3] += 200
    return {
        "logits": logits,
        "k": torch.tensor([[1, 2, 1], [2, 2, 1], [2, 1, 2], [1, 1, 2]]),
        "f": 100 * normal(source, 4, 3),
    }


def _case(source: torch.Generator, n: int, b: int, k: int, *, spread: float, level: float, width: float) -> Inputs:
    """L draws for B examples of K codes; logits of this spread with a level of each example's own."""
    # At a high level of f the logits have one too, which changes no probability.
    logits = spread * (2 * uniform(source, b, k) - 1) + max(2.0, level / 4) * normal(source, b, 1)
    draws = torch.multinomial(logits.softmax(-1), n, replacement=True, generator=source).T.contiguous()
    # A function of the code, other for each example.
    table = level + width * normal(source, b, k)
    return {"logits": logits, "k": draws, "f": table.gather(1, draws.T).T.contiguous()}


def _autograd(logits: Tensor, k: Tensor, f: Tensor) -> Tensor:
    """The gradient of a number that has it, by autograd."""
    scores = logits.detach().requires_grad_()
    q = Categorical(logits=scores)
    votes = (f - _others(f)) * q.log_prob(k)
    (gradient,) = torch.autograd.grad(votes.mean(0).sum() + q.entropy().sum(), scores)
    return gradient


def _loop(logits: Tensor, k: Tensor, f: Tensor) -> Tensor:
    """Example by example, draw by draw; the q of the score cancels over draws whose weights sum to zero."""
    rows = []
    for b in range(len(logits)):
        q = logits[b].softmax(0)
        log_q = logits[b].log_softmax(0)
        row = -q * (log_q + Categorical(logits=logits[b]).entropy())
        for n in range(len(k)):
            rest = torch.cat([f[:n, b], f[n + 1 :, b]]).mean()
            hot = F.one_hot(k[n, b], len(q))
            row = row + (f[n, b] - rest) * (hot - q) / len(k)
        rows.append(row)
    return torch.stack(rows)


def _others(f: Tensor) -> Tensor:
    return (f.sum(0) - f) / (len(f) - 1)


def _weighted(weight: Tensor, k: Tensor, size: int) -> Tensor:
    """The mean over draws of weights on the chosen codes, [B, K]."""
    return torch.einsum("lb,lbk->bk", weight, F.one_hot(k, size).to(weight.dtype)) / len(k)


def _score(logits: Tensor, k: Tensor) -> Tensor:
    return F.one_hot(k, logits.shape[-1]) - logits.softmax(-1)


def _of_kl(logits: Tensor) -> Tensor:
    """The gradient of KL(q || uniform) in logits, [B, K]."""
    q, log_q = logits.softmax(-1), logits.log_softmax(-1)
    return q * (log_q - (q * log_q).sum(-1, keepdim=True))


def _of_f(logits: Tensor, k: Tensor, weight: Tensor) -> Tensor:
    return (weight.unsqueeze(-1) * _score(logits, k)).mean(0)


def _with(
    weight: Answer = lambda f: f - _others(f),
    score: Answer = _score,
    kl: Answer = _of_kl,
    mean: Answer = lambda terms: terms.mean(0),
    together: Answer = lambda of_f, of_kl: of_f - of_kl,
) -> Answer:
    """The gradient with one thing changed."""
    return lambda logits, k, f: together(mean(weight(f).unsqueeze(-1) * score(logits, k)), kl(logits))


def _hot(logits: Tensor, k: Tensor) -> Tensor:
    return F.one_hot(k, logits.shape[-1]).to(logits.dtype)


def _log_q(logits: Tensor, k: Tensor) -> Tensor:
    return logits.log_softmax(-1).gather(-1, k.T).T


def _from_draws(keep: float) -> Answer:
    """log q inside of what is estimated, beside the exact KL or not."""
    return lambda logits, k, f: (
        _of_f(logits, k, f - _log_q(logits, k) - _others(f - _log_q(logits, k))) - keep * _of_kl(logits)
    )


EXERCISE = Exercise(
    id="14-choice-gradient",
    title="A gradient through a choice",
    points=4,
    difficulty=4,
    minutes=12,
    task=(
        "q(k) = softmax(`logits`) chooses one of K codes, and the prior is uniform. Return an estimate of the gradient of "
        "E_q[f(k)] - KL( q || p ) with respect to `logits` `[B, K]`. The first part comes from L draws `k` `[L, B]` and their "
        "values `f` `[L, B]`, by the score function with a leave-one-out baseline for each example; the KL is a sum over K "
        "codes, so its gradient needs no draws and must be exact. Logits may be 200 nats apart."
    ),
    hints=(
        "There are two gradients to add. For the first you need d log q(k) / d logits for the code k that was drawn; which K "
        "numbers are these? For the second, write the KL as a sum over codes before you differentiate.",
        "d log q(k) / d logits_j = 1[j = k] - q_j, weighted by f less the mean of f over the other L - 1 draws. KL = log K + "
        "sum_j q_j log q_j, and its slope in logits_j is q_j (log q_j - sum_i q_i log q_i).",
        "`F.one_hot(k, K)` is `[L, B, K]`, and `q` `[B, K]` broadcasts against it. Weight by `(f - baseline).unsqueeze(-1)`, "
        "average over axis 0, then subtract the KL's gradient. Or let autograd do it: it needs a number that has this gradient.",
    ),
    explanation=(
        "The score function needs no slope of f, so f may jump from code to code. What can be summed exactly is summed, and adds "
        "no noise. With a leave-one-out baseline the weights of an example add up to zero, so the `- q` of the score cancels: "
        "try it without. A baseline that includes the draw itself would shrink the first part by the factor (L - 1) / L."
    ),
    returns="one gradient for each example, [B, K]",
    reference=choice_gradient,
    alternatives=(
        Alternative("autograd", _autograd),
        Alternative("loop", _loop),
        Alternative(
            "einsum, chosen codes alone",
            lambda logits, k, f: (
                _weighted((f - f.mean(0)) * len(f) / (len(f) - 1), k, logits.shape[-1]) - _of_kl(logits)
            ),
        ),
        Alternative("score without q", _with(score=_hot)),
        Alternative("float64", lambda logits, k, f: choice_gradient(logits.double(), k, f.double())),
    ),
    misconceptions=(
        Misconception(
            "mean including itself",
            _with(weight=lambda f: f - f.mean(0)),
            "Your baseline includes the draw itself, so the part of f is too small by the factor (L - 1) / L on average: biased. "
            "Leave the draw out of its own baseline.",
            variants=(_with(weight=lambda f: f - f.mean(0), score=_hot),),
        ),
        Misconception(
            "no baseline",
            _with(weight=lambda f: f),
            "There is no baseline in your estimate: right on average, with all the noise that a baseline takes away. Subtract "
            "from each value of f the mean over the other draws.",
        ),
        Misconception(
            "no baseline and no q",
            _with(weight=lambda f: f, score=_hot),
            "Your score is 1 at the chosen code and 0 elsewhere; its mean under q is q, not 0. Subtract q, and from f the mean "
            "over the other draws.",
        ),
        Misconception(
            "only the baseline",
            _with(weight=_others),
            "You weight the score by the baseline alone. It is subtracted from f: f - baseline.",
            variants=(_with(weight=_others, score=_hot),),
        ),
        Misconception(
            "sum of the others",
            _with(weight=lambda f: f - (f.sum(0) - f)),
            "Your baseline is not the mean over the other draws: their sum, or their sum divided by L. There are L - 1 of them.",
            variants=(
                _with(weight=lambda f: f - (f.sum(0) - f), score=_hot),
                _with(weight=lambda f: f - (f.sum(0) - f) / len(f)),
                _with(weight=lambda f: f - (f.sum(0) - f) / len(f), score=_hot),
                _with(weight=lambda f: f - f.sum(0) / (len(f) - 1)),
            ),
        ),
        Misconception(
            "another baseline",
            _with(weight=lambda f: f - f[:1]),
            "Your baseline is one of the draws, the median or an extreme of them. Asked for is the mean of f over the other "
            "draws: L - 1 of them for each.",
            variants=(
                _with(weight=lambda f: f - f[-1:]),
                _with(weight=lambda f: f - f.median(0).values),
                _with(weight=lambda f: f - f.amax(0)),
                _with(weight=lambda f: f - f.amin(0)),
                _with(weight=lambda f: f - f.roll(1, 0)),
            ),
        ),
        Misconception(
            "one baseline for the batch",
            _with(weight=lambda f: f - f.mean()),
            "Your baseline is a mean over examples. Each example has its own level of f: take the mean over the other draws, "
            "axis 0.",
            variants=(
                _with(weight=lambda f: f - (f.sum() - f) / (f.numel() - 1)),
                _with(weight=lambda f: f - f.mean(), score=_hot),
                _with(weight=lambda f: f - f.mean(1, keepdim=True)),
                _with(weight=lambda f: f - (f.sum(1, keepdim=True) - f) / max(f.shape[1] - 1, 1)),
            ),
        ),
        Misconception(
            "corrected twice",
            _with(weight=lambda f: (f - _others(f)) * len(f) / (len(f) - 1)),
            "You leave the draw out of its baseline and divide by L - 1 as well, so the part of f is too large by L / (L - 1). "
            "One of the two is enough.",
        ),
        Misconception(
            "draws added up",
            _with(mean=lambda terms: terms.sum(0)),
            "You add the draws up, so the part of f grows with L. Take the mean over axis 0.",
        ),
        Misconception(
            "divided by the batch",
            lambda logits, k, f: choice_gradient(logits, k, f) / len(logits),
            "Your gradient is divided by B, as that of a mean over the batch is. Each row is the gradient of its own example: if "
            "you use autograd, add the examples up.",
            variants=(
                lambda logits, k, f: choice_gradient(logits, k, f).mean(0),
                lambda logits, k, f: choice_gradient(logits, k, f).sum(0),
                _with(mean=lambda terms: terms.mean(0) / terms.shape[1]),
            ),
        ),
        Misconception(
            "KL forgotten",
            _with(kl=torch.zeros_like),
            "Your gradient is that of E_q[f(k)] alone. The KL depends on the logits too, and pulls q towards the uniform prior.",
            variants=(
                _with(kl=torch.zeros_like, mean=lambda terms: terms.sum(0)),
                _with(kl=torch.zeros_like, weight=lambda f: f),
                _with(kl=torch.zeros_like, weight=lambda f: f - f.mean(0)),
            ),
        ),
        Misconception(
            "KL added",
            _with(together=lambda of_f, of_kl: of_f + of_kl),
            "You add the KL's gradient, which drives q away from the prior. The ELBO subtracts the KL.",
        ),
        Misconception(
            "downhill",
            _with(together=lambda of_f, of_kl: of_kl - of_f),
            "Your gradient points downhill, as that of a loss does. Asked for is the gradient of E_q[f(k)] - KL itself.",
            variants=(
                _with(together=lambda of_f, of_kl: -of_f - of_kl),
                _with(weight=lambda f: _others(f) - f),
            ),
        ),
        Misconception(
            "KL from the draws",
            _from_draws(0.0),
            "Your KL comes from the draws: log q stands inside of what you average over them. That is right on average, but "
            "noisy; sum over all K codes instead.",
            variants=(
                lambda logits, k, f: _of_f(logits, k, f - _others(f)) - _of_f(logits, k, _log_q(logits, k)),
                lambda logits, k, f: (
                    _of_f(logits, k, f - _others(f)) - _of_f(logits, k, _log_q(logits, k) - _log_q(logits, k).mean(0))
                ),
            ),
        ),
        Misconception(
            "log q at the draws",
            lambda logits, k, f: _of_f(logits, k, f - _others(f)) - _score(logits, k).mean(0),
            "You differentiate log q at the draws in place of the KL. That forgets that the draws depend on the logits: its mean "
            "is 0, whatever q is. Sum over all K codes instead.",
        ),
        Misconception(
            "averaged over the codes",
            _with(mean=lambda terms: terms.mean(0) / terms.shape[-1]),
            "You divide by K, or average over the codes on the way. Each logit has a slope of its own, and the draws are "
            "averaged over axis 0 alone.",
            variants=(
                lambda logits, k, f: choice_gradient(logits, k, f) / logits.shape[-1],
                _with(kl=lambda logits: _of_kl(logits) / logits.shape[-1]),
            ),
        ),
        Misconception(
            "KL counted twice",
            _from_draws(1.0),
            "Your KL is counted twice: log q stands inside of f, and the exact gradient is there as well. Keep the exact one.",
        ),
        Misconception(
            "half of the KL's slope",
            _with(kl=lambda logits: logits.softmax(-1) * logits.log_softmax(-1)),
            "Your KL is differentiated as if each q_j had a logit of its own. Softmax ties them together: the slope in logits_j "
            "is q_j times log q_j less its mean under q.",
            variants=(
                _with(kl=lambda logits: logits.softmax(-1) * (1 + logits.log_softmax(-1))),
                _with(kl=lambda logits: logits.softmax(-1) * (math.log(logits.shape[-1]) + logits.log_softmax(-1))),
                _with(kl=lambda logits: logits.softmax(-1) * (1 + math.log(logits.shape[-1]) + logits.log_softmax(-1))),
                _with(kl=lambda logits: 1 + logits.log_softmax(-1)),
                _with(kl=lambda logits: math.log(logits.shape[-1]) + logits.log_softmax(-1)),
                _with(kl=lambda logits: 1 + math.log(logits.shape[-1]) + logits.log_softmax(-1)),
                _with(kl=lambda logits: logits.log_softmax(-1)),
            ),
        ),
        Misconception(
            "slope in q",
            _with(score=lambda logits, k: _hot(logits, k) / logits.softmax(-1)),
            "Your score is the slope of log q(k) in the probability, 1 / q. Asked for is the slope in the logits: 1 at the "
            "chosen code less q at every code.",
            variants=(_with(score=lambda logits, k: _hot(logits, k) * (1 - logits.softmax(-1))),),
        ),
        Misconception(
            "probability for its logarithm",
            _with(
                score=lambda logits, k: (logits.softmax(-1) * _hot(logits, k)).sum(-1, keepdim=True) * _score(logits, k)
            ),
            "You differentiate q(k) at the draws in place of log q(k), so likely codes count twice. The draws come from q "
            "already: weight the slope of the logarithm.",
        ),
        Misconception(
            "softmax over the batch",
            lambda logits, k, f: choice_gradient(logits.softmax(0).log(), k, f),
            "You normalise over the batch, axis 0. The K codes of an example share one unit of probability: softmax over the "
            "last axis.",
            variants=(
                _with(
                    kl=lambda logits: (
                        logits.softmax(0)
                        * (logits.log_softmax(0) - (logits.softmax(0) * logits.log_softmax(0)).sum(-1, keepdim=True))
                    )
                ),
            ),
        ),
        Misconception(
            "log of a softmax that is 0",
            _with(
                kl=lambda logits: (
                    logits.softmax(-1)
                    * (logits.softmax(-1).log() - (logits.softmax(-1) * logits.softmax(-1).log()).sum(-1, keepdim=True))
                )
            ),
            "A softmax rounds to 0 for logits far below the largest, and 0 times the logarithm of 0 is NaN. Take `log_softmax` "
            "in one step.",
        ),
    ),
    cases=_cases,
    batch=None,
)
