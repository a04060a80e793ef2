"""08-posterior-head: mend an encoder head that squeezes mu and sigma through a sigmoid."""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from vae_course.exercises.inputs import generator, integer, normal
from vae_course.exercises.model import Alternative, Answer, AnswerError, Exercise, Inputs, Misconception
from vae_course.exercises.probes import pair

Pair = tuple[Any, Any]


def posterior_head(out: Tensor) -> Pair:
    """mu and std, [B, D] each, from the encoder's numbers out [B, 2 D]: mu first, then log sigma squared."""
    mu, logvar = out.chunk(2, dim=-1)
    return mu, torch.exp(0.5 * logvar)


def _probe(answer: Answer, case: Inputs) -> dict[str, Any]:
    mu, std = pair(answer(*case.values()), "mu", "std")
    if not (isinstance(mu, Tensor) and isinstance(std, Tensor)):
        raise AnswerError("return mu and std as two tensors of shape [B, D].")
    return {"mu": mu, "std": std}


def _cases(seed: int) -> list[Inputs]:
    """One image by hand, then batches with numbers that no sigmoid can give, and means and widths far out."""
    source = generator(seed)
    cases: list[Inputs] = [{"out": torch.tensor([[-2.0, 0.5, 0.0, -3.0]])}]
    b, d = 2 * integer(source, 1, 3) + 1, integer(source, 2, 4)
    sizes = ((b, d), (b, d), (5, 1), (1, 3), (128, 10))
    cases += [{"out": 2 * normal(source, *size) - 1} for size in ((n, 2 * dims) for n, dims in sizes)]
    for place, level in ((30.0, 0.0), (-30.0, 0.0), (0.0, 15.0), (0.0, -15.0), (0.0, 60.0)):
        cases.append({"out": torch.tensor([[place, place, level, level]]) + normal(source, 3, 4)})
    return cases


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
        "Repair the head of the second text: from the encoder's numbers `out` `[B, 2 D]`, of which the first half is mu and "
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
        Alternative("stacked", lambda out: torch.stack(posterior_head(out))),
        Alternative("float64", lambda out: posterior_head(out.double())),
    ),
    misconceptions=(
        Misconception(
            "another function that is positive",
            lambda out: (out.chunk(2, -1)[0], F.elu(out.chunk(2, -1)[1]) + 1),
            "Your std is positive or 0, but the second half is log sigma squared, and no other function of it than "
            "exp(0.5 logvar) is sigma.",
            variants=(
                lambda out: (out.chunk(2, -1)[0], out.chunk(2, -1)[1].abs().sqrt()),
                lambda out: (out.chunk(2, -1)[0], out.chunk(2, -1)[1].abs()),
                lambda out: (out.chunk(2, -1)[0], out.chunk(2, -1)[1].square()),
                lambda out: (out.chunk(2, -1)[0], 10 ** (0.5 * out.chunk(2, -1)[1])),
                lambda out: (out.chunk(2, -1)[0], 2 ** (0.5 * out.chunk(2, -1)[1])),
            ),
        ),
        Misconception(
            "as it was",
            _as_it_was,
            "This is the head as it was: mu and sigma lie between 0 and 1, so the posterior can never equal N(0, I). "
            "Leave mu as it is, and make sigma positive with an exponential.",
        ),
        Misconception(
            "sigmoid left on mu",
            lambda out: (torch.sigmoid(_mu(out)), torch.exp(0.5 * _logvar(out))),
            "sigma is free now, but mu still lies between 0 and 1: no mean leaves the unit square. Leave mu as it is.",
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
            "mu clamped",
            lambda out: (_mu(out).clamp(-3, 3), torch.exp(0.5 * _logvar(out))),
            "You limit mu to an interval, a larger cage than the sigmoid's but still one, and beyond it no gradient is left. A "
            "mean may be any number: leave it as it is.",
            variants=tuple(
                lambda out, c=c: (_mu(out).clamp(-c, c), torch.exp(0.5 * _logvar(out)))
                for c in (1, 2, 3.5, 4, 5, 10, 20)
            ),
        ),
        Misconception(
            "width clamped",
            lambda out: (_mu(out), torch.exp(0.5 * _logvar(out).clamp(-10, 10))),
            "You limit the width of the posterior: beyond the limit sigma is wrong and gets no gradient. exp(0.5 logvar) is "
            "positive for every logvar and needs no limit.",
            variants=(
                *(lambda out, c=c: (_mu(out), torch.exp(0.5 * _logvar(out).clamp(-c, c))) for c in (2, 3, 4, 5, 6, 8)),
                *(lambda out, c=c: (_mu(out), torch.exp(0.5 * _logvar(out)).clamp(min=c)) for c in (1e-3, 1e-2, 0.1)),
                *(
                    lambda out, c=c: (_mu(out), torch.exp(0.5 * _logvar(out)).clamp(max=c))
                    for c in (10.0, 50.0, 100.0, 1000.0)
                ),
                *(lambda out, c=c: (_mu(out), torch.exp(0.5 * _logvar(out).clamp(-c, c))) for c in (20, 30)),
            ),
        ),
        Misconception(
            "ReLU on mu",
            lambda out: (torch.relu(_mu(out)), torch.exp(0.5 * _logvar(out))),
            "sigma is right, but a ReLU makes every negative mean 0: no mean reaches three quarters of the plane. "
            "A mean may be any number: no activation.",
        ),
        Misconception(
            "small number added to sigma",
            lambda out: (_mu(out), torch.exp(0.5 * _logvar(out)) + 1e-3),
            "You add a small number to sigma or to its square. The exponential is above zero already, and a sharp posterior "
            "may be narrower than your number: leave it out.",
            variants=(
                *(lambda out, eps=eps: (_mu(out), torch.exp(0.5 * _logvar(out)) + eps) for eps in (1e-2, 1e-4, 1e-5)),
                *(
                    lambda out, eps=eps: (_mu(out), (_logvar(out).exp() + eps).sqrt())
                    for eps in (1e-8, 1e-6, 1e-4, 1e-3)
                ),
            ),
        ),
        Misconception(
            "half with the wrong sign",
            lambda out: (_mu(out), torch.exp(-0.5 * _logvar(out))),
            "This is 1 / sigma: the sign in the exponent is turned round. sigma is exp(+0.5 logvar).",
        ),
        Misconception(
            "logvar as log sigma, doubled",
            lambda out: (_mu(out), torch.exp(2 * _logvar(out))),
            "You multiply the logarithm by 2. sigma is the root of the variance, and a root halves the logarithm: "
            "exp(0.5 logvar).",
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
            "half is not log sigma squared, as the task says and the rest of the course reads it. Use exp(0.5 logvar).",
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
        Misconception(
            "a width typed in",
            lambda out: (out[:, :20], torch.exp(0.5 * out[:, 20:])),
            "You cut at a column of your own, whatever D is. The halves are equal: `out.chunk(2, dim=-1)`, or cut at "
            "`out.shape[-1] // 2`.",
            variants=(
                lambda out: (out[:, :10], torch.exp(0.5 * out[:, 10:])),
                lambda out: (out[:, :2], torch.exp(0.5 * out[:, 2:])),
            ),
        ),
    ),
    cases=_cases,
    batch="out",
    probe=_probe,
    gradients=("out",),
)
