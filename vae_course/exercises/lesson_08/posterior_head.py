"""08-posterior-head: mend an encoder head that squeezes mu and sigma through a sigmoid."""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from vae_course.exercises.inputs import generator, normal
from vae_course.exercises.model import Alternative, Answer, AnswerError, Exercise, Inputs, Misconception

Pair = tuple[Any, Any]


def posterior_head(out: Tensor) -> Pair:
    """mu and std, [B, D] each, from the encoder's numbers out [B, 2 D]: mu first, then log sigma squared."""
    mu, logvar = out.chunk(2, dim=-1)
    return mu, torch.exp(0.5 * logvar)


def _probe(answer: Answer, case: Inputs) -> dict[str, Any]:
    result = answer(*case.values())
    if not isinstance(result, tuple | list) or len(result) != 2:
        raise AnswerError("your function must return two tensors, `mu, std`, in this order.")
    if not all(isinstance(part, Tensor) for part in result):
        raise AnswerError("return mu and std as two tensors of shape [B, D].")
    return {"mu": result[0], "std": result[1]}


def _cases(seed: int) -> list[Inputs]:
    """One image by hand, then batches with numbers that no sigmoid can give."""
    source = generator(seed)
    cases: list[Inputs] = [{"out": torch.tensor([[-2.0, 0.5, 0.0, -3.0]])}]
    return cases + [{"out": 2 * normal(source, b, 2 * d)} for b, d in ((3, 2), (5, 1), (2, 4))]


def _loop(out: Tensor) -> Pair:
    half = out.shape[1] // 2
    mus, stds = [], []
    for row in out:
        mus.append(row[:half])
        stds.append(torch.exp(row[half:]).sqrt())
    return torch.stack(mus), torch.stack(stds)


def _as_it_was(out: Tensor) -> Pair:
    mu, std = torch.sigmoid(out).chunk(2, dim=-1)
    return mu, std


def _mu(out: Tensor) -> Tensor:
    return out.chunk(2, dim=-1)[0]


def _logvar(out: Tensor) -> Tensor:
    return out.chunk(2, dim=-1)[1]


EXERCISE = Exercise(
    id="08-posterior-head",
    title="Let the posterior go where it must",
    points=2,
    difficulty=2,
    minutes=5,
    task=(
        "Mend the head of the second text: from the encoder's numbers `out` `[B, 2 D]`, of which the first half is mu and "
        "the second half is log sigma squared, return `mu` and `std`, `[B, D]` each. Each can then take every value "
        "that a mean or a standard deviation may have."
    ),
    hints=(
        "Which values can a mean have, and which a standard deviation? Which of them does a sigmoid forbid?",
        "mu = first half, as it is; std = exp(1/2 log sigma^2), which is above zero for any number.",
        "`out.chunk(2, dim=-1)` gives the two halves. Leave the first alone; exponentiate half of the second.",
    ),
    explanation=(
        "A mean may be any real number, so it needs no activation. A standard deviation may be any positive one: the "
        "exponential gives it, and 0 is the number at which sigma is 1, as in the prior. With a sigmoid, mu = 0 and "
        "sigma = 1 would need minus and plus infinity."
    ),
    returns="two tensors, mu and std, [B, D] each",
    reference=posterior_head,
    alternatives=(
        Alternative("loop", _loop),
        Alternative(
            "einsum",
            lambda out: (_mu(out), torch.einsum("bd,bd->bd", (_logvar(out) / 4).exp(), (_logvar(out) / 4).exp())),
        ),
        Alternative("root of the variance", lambda out: (out[:, : out.shape[1] // 2], _logvar(out).exp().sqrt())),
        Alternative("list", lambda out: list(posterior_head(out))),
        Alternative("float64", lambda out: posterior_head(out.double())),
    ),
    misconceptions=(
        Misconception(
            "as it was",
            _as_it_was,
            "This is the head as it was: mu and sigma lie between 0 and 1, so the posterior can never equal N(0, I). "
            "Leave mu as it is, and make sigma positive with an exponential.",
        ),
        Misconception(
            "sigmoid left on mu",
            lambda out: (torch.sigmoid(_mu(out)), torch.exp(0.5 * _logvar(out))),
            "sigma is free now, but mu still lies between 0 and 1: three quarters of the plane have no code. Leave mu as it "
            "is.",
        ),
        Misconception(
            "sigmoid left on sigma",
            lambda out: (_mu(out), torch.sigmoid(_logvar(out))),
            "mu is free now, but sigma still lies between 0 and 1: the prior's width can't be reached. The second half "
            "is log sigma squared: use the exponential.",
            variants=(lambda out: (_mu(out), torch.sigmoid(0.5 * _logvar(out))),),
        ),
        Misconception(
            "tanh instead",
            lambda out: (torch.tanh(_mu(out)), torch.exp(0.5 * _logvar(out))),
            "A tanh keeps mu between -1 and 1, a larger cage but still one. A mean may be any number: no activation.",
        ),
        Misconception(
            "variance as sigma",
            lambda out: (_mu(out), _logvar(out).exp()),
            "exp(logvar) is the variance. The standard deviation is its root, exp(0.5 logvar).",
        ),
        Misconception(
            "logvar handed on",
            lambda out: out.chunk(2, dim=-1),
            "Your std can be negative: it is still the logarithm of the variance. Return exp(0.5 logvar).",
        ),
        Misconception(
            "ReLU on sigma",
            lambda out: (_mu(out), torch.relu(_logvar(out))),
            "A ReLU gives a sigma of exactly 0 for half of all numbers, and the KL is infinite there. Use exp(0.5 logvar).",
            variants=(lambda out: (torch.relu(_mu(out)), torch.relu(_logvar(out))),),
        ),
        Misconception(
            "softplus",
            lambda out: (_mu(out), F.softplus(_logvar(out))),
            "A softplus is positive, and a model that returns its sigma as a Normal would train with it. But then the second "
            "half is no log sigma squared, as the task says and the rest of the course reads it. Use exp(0.5 logvar).",
        ),
        Misconception(
            "every other number",
            lambda out: (out[:, ::2], torch.exp(0.5 * out[:, 1::2])),
            "You take every other number. The first half of each row is mu, the second half log sigma squared: "
            "`chunk(2, dim=-1)`.",
        ),
        Misconception(
            "halves swapped",
            lambda out: (_logvar(out), torch.exp(0.5 * _mu(out))),
            "The first half is mu and the second log sigma squared; you have them the other way round.",
        ),
        Misconception(
            "std first",
            lambda out: posterior_head(out)[::-1],
            "The two tensors are right, but std comes first. Return mu, then std.",
        ),
    ),
    cases=_cases,
    batch="out",
    probe=_probe,
    gradients=("out",),
)
