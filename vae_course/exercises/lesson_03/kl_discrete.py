"""03-kl-discrete: the KL of two tables of probabilities."""

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.distributions import Categorical, kl_divergence
from torch.nn import functional as F

from vae_course.exercises.inputs import generator, integer, normal
from vae_course.exercises.model import Alternative, Answer, Exercise, Inputs, Misconception


def kl_discrete(q: Tensor, p: Tensor) -> Tensor:
    """KL(q || p) in nats for each pair of rows of two tables: [B, K] and [B, K] to [B]."""
    return (torch.xlogy(q, q) - torch.xlogy(q, p)).sum(dim=-1)


def _probe(answer: Answer, case: Inputs) -> Any:
    """The answer's KL; where p rules out what q draws, only what became of infinity, which no difference can say.

    What is no tensor is left to the other cases.
    """
    q, p = case["q"], case["p"]
    assert isinstance(q, Tensor) and isinstance(p, Tensor)
    ruled_out = bool(((q > 0) & (p == 0)).any())  # before the answer, which may change its inputs
    kl = answer(q, p)
    if not ruled_out:
        return kl
    kl = torch.as_tensor(kl) if isinstance(kl, Tensor | np.ndarray) else torch.full(q.shape[:1], torch.inf)
    return {
        "whether the KL is infinite": torch.isposinf(kl),
        "whether it is a huge number": torch.isfinite(kl) & (kl > 1e30),
        "whether it is a small number": kl < 1,
    }


def _cases(seed: int) -> list[Inputs]:
    """Two by hand, random ones, then outcomes that hardly ever come, that never come, and one that refutes p."""
    source = generator(seed)
    b, k = integer(source, 4, 5), integer(source, 2, 3)
    cases: list[Inputs] = [
        {"q": torch.tensor([[0.5, 0.5, 0.0]]), "p": torch.tensor([[0.25, 0.25, 0.5]])},
        {"q": torch.tensor([[0.75, 0.25]]), "p": torch.tensor([[0.5, 0.5]])},
    ]
    for shape in ((1, 3), (b, k), (b, k), (2, 5), (3, 10), (64, 7)):
        cases.append({"q": normal(source, *shape).softmax(-1), "p": normal(source, *shape).softmax(-1)})
    rare_q, rare_p = (normal(source, 3, 4).softmax(-1) for _ in range(2))
    rare_q[0, 0] = rare_p[1, 1] = rare_p[2, 2] = 1e-5
    rare: Inputs = {"q": rare_q / rare_q.sum(1, keepdim=True), "p": rare_p / rare_p.sum(1, keepdim=True)}
    absent: Inputs = {"q": _without(normal(source, 3, 4), 1), "p": normal(source, 3, 4).softmax(-1)}
    both_absent: Inputs = {"q": _without(normal(source, 2, 4), 2), "p": _without(normal(source, 2, 4), 2)}
    impossible: Inputs = {
        "q": torch.cat([torch.tensor([[0.25, 0.5, 0.25]]), (0.2 * normal(source, 1, 3)).softmax(-1)]),
        "p": torch.tensor([[0.5, 0.25, 0.25], [0.5, 0.0, 0.5]]),
    }
    return [*cases, rare, absent, both_absent, impossible]


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


def _possible(q: Tensor, p: Tensor) -> Tensor:
    return torch.where((q > 0) & (p > 0), q * (q / p).log(), 0.0).sum(-1)


def _patched(eps: float) -> tuple[Answer, ...]:
    """Wrong answers that keep a logarithm from being infinite by a small number."""
    return (
        lambda q, p: (q * ((q + eps).log() - (p + eps).log())).sum(-1),
        lambda q, p: (torch.xlogy(q, q) - torch.xlogy(q, p + eps)).sum(-1),
        lambda q, p: (q * (q / (p + eps) + eps).log()).sum(-1),
        lambda q, p: (q * ((q + eps) / (p + eps)).log()).sum(-1),
        lambda q, p: (q * (q.clamp(min=eps).log() - p.clamp(min=eps).log())).sum(-1),
        lambda q, p: torch.xlogy(q, q / (p + eps)).sum(-1),
    )


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
            "Where q draws what p rules out, your KL is finite: a small number inside the logarithm, or a limit, takes the place "
            "of infinity. `torch.xlogy` needs no such patch.",
            variants=(
                *(wrong for eps in (1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10, 1e-12) for wrong in _patched(eps)),
                *(lambda q, p, most=most: _terms(q, p).sum(-1).clamp(max=most) for most in (1e2, 1e4, 1e6)),
                lambda q, p: torch.xlogy(q, q / p.clamp(min=1e-38)).sum(-1),
            ),
        ),
        Misconception(
            "impossible outcomes left out",
            _possible,
            "You leave out the outcomes that p rules out, though q draws them. One such draw refutes p, so the KL is "
            "infinite: leave out only those with q = 0.",
            variants=(
                lambda q, p: torch.where(p > 0, q * (q / p).log(), 0.0).nan_to_num(0.0).sum(-1),
                lambda q, p: (q * (q / p).log()).nan_to_num(0.0, 0.0, 0.0).sum(-1),
            ),
        ),
        Misconception(
            "infinity replaced",
            lambda q, p: (q * (q / p).log()).nan_to_num().sum(-1),
            "`nan_to_num` puts 0 in the place of NaN, and the largest number there is in the place of infinity. The KL is "
            "infinite where q draws what p rules out. Use `torch.xlogy`.",
            variants=(lambda q, p: (q * (q.log() - p.log())).nan_to_num().sum(-1),),
        ),
        Misconception(
            "kl_div the other way round",
            lambda q, p: F.kl_div(q.log(), p, reduction="none").sum(-1),
            "`F.kl_div(a.log(), b)` is KL(b || a), so yours is KL(p || q). PyTorch takes the logarithm of the second "
            "distribution first.",
            variants=(
                lambda q, p: F.kl_div(q.log(), p, reduction="sum"),
                lambda q, p: F.kl_div(q.log(), p, reduction="batchmean"),
                lambda q, p: F.kl_div(q.log(), p),
            ),
        ),
        Misconception(
            "kl_div reduced",
            lambda q, p: F.kl_div(p.log(), q, reduction="batchmean"),
            '`F.kl_div` made one number of all rows. Ask for `reduction="none"` and sum over the last axis; where q and p '
            "are both 0 it gives NaN, which is to be 0.",
            variants=(lambda q, p: F.kl_div(p.log(), q, reduction="sum"), lambda q, p: F.kl_div(p.log(), q)),
        ),
        Misconception(
            "kl_div of probabilities",
            lambda q, p: F.kl_div(p, q, reduction="none").sum(-1),
            "`F.kl_div` takes the logarithm of its first argument for granted, and you handed over probabilities. Take "
            "logarithms yourself, or write the sum with `torch.xlogy`.",
            variants=(
                lambda q, p: F.kl_div(q, p, reduction="none").sum(-1),
                lambda q, p: F.kl_div(p, q, reduction="batchmean"),
                lambda q, p: F.kl_div(q, p, reduction="batchmean"),
                lambda q, p: F.kl_div(p, q, reduction="sum"),
                lambda q, p: F.kl_div(q, p, reduction="sum"),
            ),
        ),
        Misconception(
            "both directions",
            lambda q, p: (_terms(q, p) + _terms(p, q)).sum(-1) / 2,
            "You add KL(p || q), which makes the result the same for both orders. A KL has a direction: only KL(q || p), "
            "weighted by q, is asked for.",
            variants=(lambda q, p: (_terms(q, p) + _terms(p, q)).sum(-1),),
        ),
        Misconception(
            "Jensen-Shannon",
            lambda q, p: (_terms(q, (q + p) / 2) + _terms(p, (q + p) / 2)).sum(-1) / 2,
            "You compare with the mean of q and p, as the Jensen-Shannon divergence does, which is never infinite. The KL "
            "compares q with p itself.",
            variants=(lambda q, p: _terms(q, (q + p) / 2).sum(-1),),
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
        Misconception(
            "difference of the entropies",
            lambda q, p: (torch.xlogy(q, q) - torch.xlogy(p, p)).sum(-1),
            "Your second sum weights log p by p, so this is the difference of two entropies. Both logarithms are weighted "
            "by q, which draws the outcomes.",
            variants=(lambda q, p: (torch.xlogy(p, p) - torch.xlogy(q, q)).sum(-1),),
        ),
    ),
    cases=_cases,
    batch="q",
    probe=_probe,
)
