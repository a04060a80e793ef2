"""02-posterior-table: Bayes' rule for two tables of probabilities."""

from typing import Any

import torch
from torch import Tensor
from torch.distributions import Categorical

from vae_course.exact import DiscreteWorld
from vae_course.exercises.inputs import generator, integer, normal, uniform
from vae_course.exercises.model import Alternative, Answer, Exercise, Inputs, Misconception


def posterior_table(p_z: Tensor, p_x_z: Tensor) -> Tensor:
    """The posterior p(z | x), [M, K], from the prior [K] and the likelihood [K, M]."""
    joint = p_z[:, None] * p_x_z
    return (joint / joint.sum(dim=0)).T


def _joint(p_z: Tensor, p_x_z: Tensor) -> Tensor:
    """p(x, z) with one row for each code, `[K, M]`."""
    return p_z.unsqueeze(1) * p_x_z


def _probe(answer: Answer, case: Inputs) -> Any:
    """The table and its logarithm, in which a small probability is told from a smaller one, and from 0."""
    table = answer(*case.values())
    if not isinstance(table, Tensor) or not table.is_floating_point():
        return table
    return {"": table, "the logarithm of the table": table.log()}


def _cases(seed: int) -> list[Inputs]:
    """The lesson's urns in another order, two codes that are easy to follow by hand, then random tables.

    Some tables hold zeros or numbers of 1e-5; some observations are improbable under every code, or rule out all but rare
    codes.
    """
    source = generator(seed)
    likelihood = torch.tensor([[0.8, 0.2], [0.1, 0.9], [0.5, 0.5]])
    cases: list[Inputs] = [
        {"p_z": torch.tensor([0.75, 0.25]), "p_x_z": torch.tensor([[0.25, 0.5, 0.25], [0.5, 0.25, 0.25]])},
        {"p_z": torch.tensor([0.2, 0.5, 0.3]), "p_x_z": likelihood},
    ]
    k, m = integer(source, 4, 6), integer(source, 7, 9)
    for codes, observations in ((4, 2), (2, 5), (3, 4), (k, m), (k, m), (m, k), (10, 64)):
        cases.append({"p_z": _table(source, codes), "p_x_z": _table(source, codes, observations)})
    zero_code, zero_entry, rare = _table(source, 4), _table(source, 4, 3), _table(source, 3, 5)
    zero_code[1], zero_entry[2, 1] = 0, 0
    ruled_out = _table(source, 3, 4)
    ruled_out[0, 1] = 0
    rare[:, 1], rare[:, 3] = 1e-5 * uniform(source, 3), 1e-15 * uniform(source, 3)
    tiny = torch.tensor([1e-5, 1.0, 1e-8])
    for p_z, p_x_z in (
        (zero_code, _table(source, 4, 3)),
        (_table(source, 4), zero_entry),
        (tiny, _table(source, 3, 2)),
        (torch.tensor([1.0, 1e-8, 3e-8]), ruled_out),
    ):
        cases.append({"p_z": p_z / p_z.sum(), "p_x_z": p_x_z / p_x_z.sum(1, keepdim=True)})
    return [*cases, {"p_z": _table(source, 3), "p_x_z": rare / rare.sum(1, keepdim=True)}]


def _table(source: torch.Generator, *shape: int) -> Tensor:
    """Probabilities that sum to one along the last axis."""
    return normal(source, *shape).softmax(-1)


def _loop(p_z: Tensor, p_x_z: Tensor) -> Tensor:
    rows = []
    for x in range(p_x_z.shape[1]):
        joint = p_z * p_x_z[:, x]
        rows.append(joint / joint.sum())
    return torch.stack(rows)


def _matrix(p_z: Tensor, p_x_z: Tensor) -> Tensor:
    p_x = p_z @ p_x_z
    return p_x_z.T * p_z / p_x[:, None]


def _in_logarithms(p_z: Tensor, p_x_z: Tensor) -> Tensor:
    return torch.softmax(torch.log(p_z) + torch.log(p_x_z.T), dim=1)


def _einsum(p_z: Tensor, p_x_z: Tensor) -> Tensor:
    return torch.einsum("k,km,m->mk", p_z, p_x_z, 1 / torch.einsum("k,km->m", p_z, p_x_z))


def _float64(p_z: Tensor, p_x_z: Tensor) -> Tensor:
    return _matrix(p_z.double(), p_x_z.double())


EXERCISE = Exercise(
    id="02-posterior-table",
    title="Bayes' rule for tables",
    points=3,
    difficulty=2,
    minutes=6,
    task=(
        "Return the posterior p(z | x) as a table `[M, K]`, one row for each observation x, from the prior `p_z` `[K]` "
        "and the likelihood `p_x_z` `[K, M]`, which has one row for each code z."
    ),
    hints=(
        "First make the joint table. Then ask for each observation which share of its probability came from each code.",
        "p(z | x) = p(z) p(x | z) / p(x), where p(x) is the sum of p(z) p(x | z) over z.",
        "`p_z[:, None] * p_x_z` is the joint, `[K, M]`. Divide it by its sums over the codes, axis 0; then turn it, so "
        "that an observation is a row.",
    ),
    explanation=(
        "A column of the joint holds everything that could have led to one observation. Its sum is p(x), and dividing by "
        "it makes the column a distribution over the codes. That is why each row of the result sums to one."
    ),
    returns="one row for each observation, [M, K]",
    reference=posterior_table,
    alternatives=(
        Alternative("loop", _loop),
        Alternative("einsum", _einsum),
        Alternative("matrix product", _matrix),
        Alternative("softmax of log joint", _in_logarithms),
        Alternative("torch.distributions", lambda p_z, p_x_z: Categorical(probs=_joint(p_z, p_x_z).T).probs),
        Alternative("float64", _float64),
        Alternative("the package's", lambda p_z, p_x_z: DiscreteWorld(p_z, p_x_z).posterior()),
    ),
    misconceptions=(
        Misconception(
            "normalised over the observations",
            lambda p_z, p_x_z: (_joint(p_z, p_x_z) / _joint(p_z, p_x_z).sum(1, keepdim=True)).T,
            "You divide by the sums over the observations, which are p(z); the prior cancels, and the likelihood is left. "
            "Divide by the sums over the codes, p(x).",
            variants=(lambda p_z, p_x_z: p_x_z.T, lambda p_z, p_x_z: p_x_z.T.clone()),
        ),
        Misconception(
            "prior forgotten",
            lambda p_z, p_x_z: (p_x_z / p_x_z.sum(0)).T,
            "You scale the likelihood to sum to one over the codes, as if each code were equally probable beforehand. "
            "Multiply by the prior first.",
            variants=(lambda p_z, p_x_z: p_x_z.T.log().softmax(1),),
        ),
        Misconception(
            "joint, not divided",
            lambda p_z, p_x_z: _joint(p_z, p_x_z).T,
            "This is the joint p(x, z). Its rows sum to p(x), not to one: divide each by its sum. The sum of the whole table "
            "would not do, because that is one.",
        ),
        Misconception(
            "table not turned",
            lambda p_z, p_x_z: _joint(p_z, p_x_z) / _joint(p_z, p_x_z).sum(0),
            "The numbers are right, but the rows are the codes, `[K, M]`. Turn the table, so that each observation has a "
            "row: `.T`.",
        ),
        Misconception(
            "prior divided, not multiplied",
            lambda p_z, p_x_z: (p_x_z / p_z.unsqueeze(1) / (p_x_z / p_z.unsqueeze(1)).sum(0)).T,
            "You divide the likelihood by the prior. A code that is more probable beforehand is more probable afterwards "
            "as well: multiply.",
        ),
        Misconception(
            "prior",
            lambda p_z, p_x_z: p_z.expand(p_x_z.shape[1], -1).clone(),
            "Each row is the prior, so the observation changes nothing. Multiply by the likelihood of each x before you "
            "divide.",
        ),
        Misconception(
            "divided by p(x) twice",
            lambda p_z, p_x_z: (_joint(p_z, p_x_z) / (p_z @ p_x_z).square()).T,
            "You divide by p(x) twice, so the rows do not sum to one. Once is enough.",
        ),
        Misconception(
            "best code only",
            lambda p_z, p_x_z: torch.nn.functional.one_hot(_joint(p_z, p_x_z).argmax(0), len(p_z)).to(p_z.dtype),
            "You put everything on the most probable code. A posterior keeps the others too, each with its share.",
        ),
        Misconception(
            "softmax of probabilities",
            lambda p_z, p_x_z: torch.softmax(_joint(p_z, p_x_z), dim=0).T,
            "A softmax exponentiates, and the joint is not a logarithm. Divide it by its sums over the codes.",
        ),
        Misconception(
            "likelihood divided first",
            lambda p_z, p_x_z: (p_x_z / p_x_z.sum(0) * p_z[:, None]).T,
            "You divide the likelihood by its sum over the codes and multiply by the prior after that, so a row does not add up "
            "to one. Multiply first, and divide that product by its own sum.",
        ),
        Misconception(
            "a floor under p(x)",
            lambda p_z, p_x_z: torch.nn.functional.normalize(_joint(p_z, p_x_z), p=1, dim=0).T,
            "You divide by p(x) or by a small number, whichever is larger, as `F.normalize` does with its `eps` of 1e-12. An "
            "observation may be as improbable as that, and its row then doesn't add up to one: divide by the sum itself.",
            variants=tuple(
                lambda p_z, p_x_z, floor=floor: (_joint(p_z, p_x_z) / (p_z @ p_x_z).clamp(min=floor)).T
                for floor in (1e-10, 1e-8, 1e-7, 1e-6, 1e-5)
            ),
        ),
        Misconception(
            "shape changed, not turned",
            lambda p_z, p_x_z: (_joint(p_z, p_x_z) / (p_z @ p_x_z)).reshape(p_x_z.shape[1], -1),
            "The shape is right, but `reshape` and `view` keep the numbers in their order, so codes and observations are mixed "
            "up. Turn the table: `.T`.",
            variants=(
                lambda p_z, p_x_z: torch.nn.functional.normalize(
                    _joint(p_z, p_x_z).reshape(p_x_z.shape[1], -1), p=1, dim=1, eps=0.0
                ),
            ),
        ),
        Misconception(
            "a floor under the result",
            lambda p_z, p_x_z: posterior_table(p_z, p_x_z).clamp(min=1e-6),
            "You keep the probabilities away from 0. A code that x rules out has probability 0, and a rare one may be rarer than "
            "your number: return them as they are.",
            variants=tuple(
                lambda p_z, p_x_z, tiny=tiny: posterior_table(p_z, p_x_z) + tiny for tiny in (1e-8, 1e-6, 1e-5)
            ),
        ),
    ),
    cases=_cases,
    probe=_probe,
)
