"""03-kl-discrete: the KL of two tables of probabilities."""

import math
from typing import Any

import torch
from torch import Tensor
from torch.distributions import Categorical, kl_divergence

from vae_course.exercises.inputs import generator, normal
from vae_course.exercises.model import Alternative, Answer, Exercise, Inputs, Misconception


def kl_discrete(q: Tensor, p: Tensor) -> Tensor:
    """KL(q || p) in nats for each pair of rows of two tables: [B, K] and [B, K] to [B]."""
    return (torch.xlogy(q, q) - torch.xlogy(q, p)).sum(dim=-1)


def _probe(answer: Answer, case: Inputs) -> Any:
    """The answer's KL; where p rules out what q draws, only whether it is infinite, which no difference can say."""
    q, p = case["q"], case["p"]
    assert isinstance(q, Tensor) and isinstance(p, Tensor)
    impossible = bool(((q > 0) & (p == 0)).any())
    kl = answer(q, p)
    return {"whether the KL is infinite": torch.isinf(kl)} if impossible and isinstance(kl, Tensor) else kl


def _cases(seed: int) -> list[Inputs]:
    source = generator(seed)
    cases: list[Inputs] = [
        {"q": torch.tensor([[0.5, 0.5, 0.0]]), "p": torch.tensor([[0.25, 0.25, 0.5]])},
        {"q": torch.tensor([[0.75, 0.25]]), "p": torch.tensor([[0.5, 0.5]])},
    ]
    for b, k in ((1, 3), (4, 3), (2, 5), (3, 10)):
        cases.append({"q": normal(source, b, k).softmax(-1), "p": normal(source, b, k).softmax(-1)})
    absent: Inputs = {"q": _without(normal(source, 3, 4), 1), "p": normal(source, 3, 4).softmax(-1)}
    both_absent: Inputs = {"q": _without(normal(source, 2, 4), 2), "p": _without(normal(source, 2, 4), 2)}
    impossible: Inputs = {
        "q": normal(source, 2, 3).softmax(-1),
        "p": torch.tensor([[0.5, 0.25, 0.25], [0.5, 0.0, 0.5]]),
    }
    return [*cases, absent, both_absent, impossible]


def _without(logits: Tensor, outcome: int) -> Tensor:
    """Probabilities `[B, K]` of which one outcome's is zero."""
    logits[:, outcome] = -torch.inf
    return logits.softmax(-1)


def _terms(q: Tensor, p: Tensor) -> Tensor:
    """What every outcome contributes, `[B, K]`."""
    return torch.xlogy(q, q) - torch.xlogy(q, p)


def _loop(q: Tensor, p: Tensor) -> Tensor:
    kl = []
    for q_row, p_row in zip(q, p, strict=True):
        total = torch.tensor(0.0)
        for a, b in zip(q_row, p_row, strict=True):
            if a > 0:
                total = total + a * torch.log(a / b)
        kl.append(total)
    return torch.stack(kl)


def _cross(q: Tensor, p: Tensor) -> Tensor:
    return (q * p.log()).sum(-1)


def _independent(q: Tensor, p: Tensor) -> Tensor:
    return kl_divergence(Categorical(probs=q), Categorical(probs=p))


EXERCISE = Exercise(
    id="03-kl-discrete",
    title="The KL of two tables",
    points=3,
    difficulty=2,
    minutes=5,
    task=(
        "Return KL(q || p) in nats for every pair of rows, `[B]`, from two tables of probabilities `q` and `p`, each "
        "`[B, K]`; an outcome that q never draws contributes nothing, and one that q draws but p rules out makes the KL "
        "infinite."
    ),
    hints=(
        "A KL is a mean over draws from q: every outcome's log ratio counts as often as q draws that outcome.",
        "KL(q || p) = sum_k [ q_k log q_k - q_k log p_k ], where q_k log(...) is 0 for q_k = 0, whatever stands inside.",
        "`torch.xlogy(a, b)` is a log b, and 0 where a is 0. You need it twice, a minus between, and a sum over the last "
        "axis.",
    ),
    explanation=(
        "`torch.xlogy` knows that 0 log 0 = 0, the limit of t log t as t goes to zero. Both logarithms are weighted by q, "
        "because q is where the draws come from. Where q draws what p rules out, -q log 0 is infinite, as it should be: "
        "one such draw refutes p."
    ),
    returns="one number for each pair of rows, [B]",
    reference=kl_discrete,
    alternatives=(
        Alternative("loop", _loop),
        Alternative("where", lambda q, p: torch.where(q > 0, q * (q.log() - p.log()), 0.0).sum(-1)),
        Alternative("torch.distributions", _independent),
        Alternative("float64", lambda q, p: _terms(q.double(), p.double()).sum(1)),
        Alternative("cross-entropy minus entropy", lambda q, p: -torch.xlogy(q, p).sum(1) + torch.xlogy(q, q).sum(1)),
    ),
    misconceptions=(
        Misconception(
            "arguments swapped",
            lambda q, p: _terms(p, q).sum(-1),
            "This is KL(p || q), with the arguments swapped. In KL(q || p) the draws come from q, so q is the weight: "
            "sum of q (log q - log p).",
        ),
        Misconception(
            "weights from p",
            lambda q, p: (torch.xlogy(p, q) - torch.xlogy(p, p)).sum(-1),
            "The log ratio is the right one, log q - log p, but it is weighted by p, which gives -KL(p || q). The draws "
            "come from q: weight by q.",
        ),
        Misconception(
            "bits",
            lambda q, p: _terms(q, p).sum(-1) / math.log(2),
            "These are bits, from a logarithm to the base 2. Use the natural logarithm, `torch.log` or `torch.xlogy`: "
            "then the unit is the nat.",
        ),
        Misconception(
            "sign lost",
            lambda q, p: -_terms(q, p).sum(-1),
            "Your KL is negative, and a KL never is. The log ratio is log q - log p, with the distribution that is drawn "
            "from first.",
        ),
        Misconception(
            "zero times infinity",
            lambda q, p: (q * (q / p).log()).sum(-1),
            "Your result is NaN where q is 0: the computer takes 0 times log 0 for NaN, but t log t goes to 0. Use "
            "`torch.xlogy(q, q)`, or leave those outcomes out.",
            variants=(
                lambda q, p: (q * (q.log() - p.log())).sum(-1),
                lambda q, p: (q * q.log()).sum(-1) - _cross(q, p),
            ),
        ),
        Misconception(
            "both zero",
            lambda q, p: torch.nn.functional.kl_div(p.log(), q, reduction="none").sum(-1),
            "Right, except where q and p are both 0, which gives NaN: 0 times log 0 again, this time with p inside. "
            "`torch.xlogy(q, p)` is 0 there.",
            variants=(lambda q, p: (torch.xlogy(q, q) - q * p.log()).sum(-1),),
        ),
        Misconception(
            "epsilon in the logarithm",
            lambda q, p: (q * ((q + 1e-8).log() - (p + 1e-8).log())).sum(-1),
            "A small number inside the logarithm turns an infinite KL into a finite one that depends on that number. "
            "`torch.xlogy` needs no such patch.",
            variants=(
                lambda q, p: (q * ((q + 1e-10).log() - (p + 1e-10).log())).sum(-1),
                lambda q, p: (q * ((q + 1e-12).log() - (p + 1e-12).log())).sum(-1),
                lambda q, p: (q * (q.clamp(min=1e-8).log() - p.clamp(min=1e-8).log())).sum(-1),
                lambda q, p: (q * (q.clamp(min=1e-10).log() - p.clamp(min=1e-10).log())).sum(-1),
            ),
        ),
        Misconception(
            "mean over outcomes",
            lambda q, p: _terms(q, p).mean(-1),
            "You average over the K outcomes, which makes the KL K times too small. q is the average already: its weights "
            "add up to one. Use `.sum(-1)`.",
        ),
        Misconception(
            "no weights",
            lambda q, p: (q.log() - p.log()).sum(-1),
            "You add up the log ratios as if every outcome came equally often. Each one counts q times: multiply by q "
            "before you sum.",
        ),
        Misconception(
            "cross-entropy",
            lambda q, p: -torch.xlogy(q, p).sum(-1),
            "This is the cross-entropy, the mean of -log p. It is not zero for p = q: take the entropy of q away, that "
            "is, add the sum of q log q.",
        ),
        Misconception(
            "summed over the batch",
            lambda q, p: _terms(q, p).sum(),
            "Your sum runs over all rows. Sum over the last axis only, `.sum(-1)`, and keep one number for each pair of "
            "rows.",
            variants=(lambda q, p: _terms(q, p).sum(0),),
        ),
        Misconception(
            "not summed",
            _terms,
            "These are the contributions of the single outcomes, `[B, K]`; some are negative. Add them up over the last "
            "axis: `.sum(-1)`.",
        ),
        Misconception(
            "absolute values",
            lambda q, p: _terms(q, p).abs().sum(-1),
            "You add up absolute values. Some outcomes contribute negatively, and have to: only the sum of all is never "
            "negative.",
        ),
    ),
    cases=_cases,
    batch="q",
    probe=_probe,
)
