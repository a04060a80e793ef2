"""13-mig: the mutual information gap, from what each code tells of each factor."""

import math
from typing import Any

import torch
from torch import Tensor

from vae_course.exercises.inputs import generator, integer, uniform
from vae_course.exercises.model import Alternative, Exercise, Inputs, Misconception
from vae_course.exercises.probes import one_number


def mig(information: Tensor, entropies: Tensor) -> Tensor:
    """The mutual information gap, one number, from I(z_d; v_k) [D, V] and H(v_k) [V], both in nats."""
    no_code = torch.zeros_like(information[:1])
    best, second = torch.cat([information, no_code]).topk(2, dim=0).values
    return ((best - second) / entropies).mean()


def _cases(seed: int) -> list[Inputs]:
    """By hand, sizes by chance, one code and one factor, two codes, equal codes, useless codes, factors of all sizes."""
    source = generator(seed)
    d, v = integer(source, 6, 8), integer(source, 3, 4)
    cases: list[Inputs] = [
        {
            "information": torch.tensor([[0.9, 0.1], [0.3, 0.2], [0.2, 0.7]]),
            "entropies": torch.tensor([1.0, 2.0]),
        }
    ]
    for codes, factors, most in (
        (d, v, 2.0),
        (d, v, 2.0),
        (v, d, 3.0),
        (2, 5, 1.0),
        (1, 4, 2.0),
        (3, 1, 2.0),
        (1, 2, 0.1),
        (10, 5, 4.0),
    ):
        entropies = most * (0.3 + uniform(source, factors))
        cases.append({"information": uniform(source, codes, factors) * entropies, "entropies": entropies})
    # One code tells most of all factors; two codes tell the same; a factor of which no code tells anything.
    entropies = torch.tensor([0.05, 1.0, 6.0])
    table = uniform(source, 5, 3) * entropies
    table[2] = 0.95 * entropies
    table[4, 1] = table[2, 1]
    table[:, 2] = 0.0
    cases.append({"information": table, "entropies": entropies})
    # Two codes that tell the same of everything, and more than all others.
    twins = uniform(source, 4, 3) * 0.5
    twins[1] = twins[3] = 0.8 * torch.ones(3)
    cases.append({"information": twins, "entropies": torch.tensor([1.0, 2.0, 0.9])})
    # Small and large informations, and a factor that has the first code to itself.
    table = uniform(source, 4, 3) * torch.tensor([1e-8, 1.0, 50.0])
    table[:, 1] = torch.tensor([0.8, 0.0, 0.0, 0.0])
    return [*cases, {"information": table, "entropies": torch.tensor([2e-8, 1.0, 60.0])}]


def _loop(information: Tensor, entropies: Tensor) -> Any:
    total = 0.0
    for k in range(len(entropies)):
        column = sorted(information[:, k].tolist(), reverse=True)
        gap = column[0] - (column[1] if len(column) > 1 else 0.0)
        total += gap / float(entropies[k])
    return total / len(entropies)


def _masked(information: Tensor, entropies: Tensor) -> Tensor:
    """The largest, put to zero, leaves the second largest as the largest."""
    best = information.amax(0)
    rest = information.scatter(0, information.argmax(0, keepdim=True), 0.0)
    return torch.mean((best - rest.amax(0)) / entropies)


def _sorted(information: Tensor, entropies: Tensor) -> Tensor:
    column = information.sort(dim=0, descending=True).values
    gap = column[0] - column[1] if len(column) > 1 else column[0]
    return torch.einsum("v,v->", gap, 1 / entropies) / len(entropies)


def _gaps(information: Tensor) -> Tensor:
    """The right gap of each factor, `[V]`."""
    best, second = torch.cat([information, torch.zeros_like(information[:1])]).topk(2, dim=0).values
    return best - second


def _lone(information: Tensor) -> bool:
    return len(information) == 1


def _greedy(information: Tensor, entropies: Tensor) -> Tensor:
    """Each code used up by the first factor that takes it."""
    rest, gaps = information.clone(), []
    for k in range(len(entropies)):
        j = int(rest[:, k].argmax())
        others = torch.cat([information[:j, k], information[j + 1 :, k], torch.zeros(1)])
        gaps.append(rest[j, k] - others.max())
        rest[j] = -1.0
    return (torch.stack(gaps) / entropies).mean()


def _one_for_all(information: Tensor, entropies: Tensor, chosen: int) -> Tensor:
    """The same code for every factor, against the best of the others."""
    others = torch.cat([information[:chosen], information[chosen + 1 :], torch.zeros_like(information[:1])])
    return ((information[chosen] - others.amax(0)) / entropies).mean()


def _across(information: Tensor) -> Tensor:
    """For each code the gap between its two best factors, `[D]`."""
    padded = torch.cat([information, torch.zeros_like(information[:, :1])], 1)
    best = padded.topk(2, dim=1).values
    return best[:, 0] - best[:, 1]


EXERCISE = Exercise(
    id="13-mig",
    title="The mutual information gap",
    points=2,
    difficulty=2,
    minutes=6,
    task=(
        "Return the mutual information gap, one number: for each factor the largest minus the second largest of what the "
        "codes tell of it, divided by the factor's entropy, in the mean over the factors. `information` `[D, V]` holds "
        "I(z_d; v_k), none below 0, `entropies` `[V]` the H(v_k), all above 0, in nats. With a single code the second "
        "largest is 0."
    ),
    hints=(
        "Take one factor, a column, by hand: which two of its numbers count? Then do all columns at once.",
        "MIG = 1/V sum_k ( largest_d I(z_d; v_k) - second largest_d I(z_d; v_k) ) / H(v_k).",
        "`topk(2, dim=0).values` gives the two largest of every column. It needs two rows: a row of zeros below the table "
        "is one that no factor cares for. Divide each gap by its own entropy, then average.",
    ),
    explanation=(
        "A factor's gap is large when one code has it and no other does; divided by the entropy it lies between 0 and 1 "
        "whatever the number of values that the factor takes. The MIG does not ask that different factors choose different "
        "codes, nor that a code tell of one factor alone."
    ),
    returns="one number",
    reference=mig,
    alternatives=(
        Alternative("loop", _loop),
        Alternative("largest masked", _masked),
        Alternative("sort and einsum", _sorted),
        Alternative("float64", lambda information, entropies: mig(information.double(), entropies.double())),
        Alternative("normalised first", lambda information, entropies: _gaps(information / entropies).mean()),
    ),
    misconceptions=(
        Misconception(
            "factors of each code",
            lambda information, entropies: _across(information).mean(),
            "You compare the factors of each code. The gap is one of codes: for each factor, a column, the best code "
            "against the second best, along axis 0.",
            variants=(
                lambda information, entropies: (_across(information) / entropies).mean(),
                lambda information, entropies: _across(information / entropies).mean(),
                lambda information, entropies: (_across(information) / information.sum(1)).mean(),
                lambda information, entropies: (
                    (t := information.topk(2, dim=1).values)[:, 0].sub(t[:, 1]).div(entropies).mean()
                ),
                lambda information, entropies: (
                    (t := information.sort(dim=1, descending=True).values)[:, 0].sub(t[:, 1]).div(entropies).mean()
                ),
                lambda information, entropies: (
                    (t := (information / entropies).sort(dim=1, descending=True).values)[:, 0].sub(t[:, 1]).mean()
                ),
            ),
        ),
        Misconception(
            "entropy left out",
            lambda information, entropies: _gaps(information).mean(),
            "Your gaps are in nats, so a factor with many values counts more. Divide each gap by the entropy of its factor.",
        ),
        Misconception(
            "divided after the mean",
            lambda information, entropies: _gaps(information).mean() / entropies.mean(),
            "You divide after you have averaged, or added up, the gaps. Each factor's gap is divided by its own entropy "
            "first.",
            variants=(
                lambda information, entropies: (_gaps(information).mean() / entropies).mean(),
                lambda information, entropies: _gaps(information).mean() / entropies.sum(),
            ),
        ),
        Misconception(
            "largest of a column for its entropy",
            lambda information, entropies: (_gaps(information) / information.amax(0)).mean(),
            "You divide by the largest information, so that a useless best code counts as much as a good one. Divide by the "
            "entropy of the factor.",
            variants=(
                lambda information, entropies: (_gaps(information) / information.amax(0)).nan_to_num().mean(),
                lambda information, entropies: (_gaps(information) / information.amax(0).clamp(min=1e-8)).mean(),
                lambda information, entropies: (_gaps(information) / (information.amax(0) + 1e-8)).mean(),
            ),
        ),
        Misconception(
            "smallest for the second largest",
            lambda information, entropies: ((information.amax(0) - information.amin(0)) / entropies).mean(),
            "You subtract the smallest information, so the gap is large as long as some code is useless. Subtract that of "
            "the second best code.",
            variants=(
                lambda information, entropies: (
                    (information.amax(0) - (information.amin(0) if len(information) > 1 else 0.0)) / entropies
                ).mean(),
            ),
        ),
        Misconception(
            "ascending order",
            lambda information, entropies: (
                ((t := torch.cat([torch.zeros_like(information[:1]), information]).sort(dim=0).values)[0] - t[1]).abs()
                / entropies
            ).mean(),
            "You take the two smallest numbers of each column: `sort` puts the smallest first unless you say "
            "`descending=True`.",
            variants=(
                lambda information, entropies: (((t := information.sort(dim=0).values)[0] - t[1]) / entropies).mean(),
                lambda information, entropies: (((t := information.sort(dim=0).values)[1] - t[0]) / entropies).mean(),
                lambda information, entropies: (
                    ((t := information.sort(dim=0).values)[1] - t[0] if len(information) > 1 else information[0])
                    / entropies
                ).mean(),
                lambda information, entropies: (
                    ((t := information.sort(dim=0).values)[0] - t[1] if len(information) > 1 else information[0])
                    / entropies
                ).mean(),
            ),
        ),
        Misconception(
            "best code against the mean of the others",
            lambda information, entropies: (
                (information.amax(0) - (information.sum(0) - information.amax(0)) / max(len(information) - 1, 1))
                / entropies
            ).mean(),
            "You subtract a mean over codes, which one good rival among many hardly moves. Subtract the second largest.",
            variants=(
                lambda information, entropies: ((information.amax(0) - information.mean(0)) / entropies).mean(),
                lambda information, entropies: (
                    (information.amax(0) - (information.mean(0) if len(information) > 1 else 0.0)) / entropies
                ).mean(),
            ),
        ),
        Misconception(
            "best code against all the others",
            lambda information, entropies: ((2 * information.amax(0) - information.sum(0)) / entropies).mean(),
            "You subtract the sum of all the other codes. Subtract the second largest alone.",
        ),
        Misconception(
            "nothing subtracted",
            lambda information, entropies: (information.amax(0) / entropies).mean(),
            "You keep the largest information alone, which is as large where two codes tell the same. Subtract the second "
            "largest: it is the gap that counts.",
        ),
        Misconception(
            "third for the second",
            lambda information, entropies: (
                (
                    information.amax(0)
                    - torch.cat([information, torch.zeros(2, information.shape[1])]).topk(3, dim=0).values[2]
                )
                / entropies
            ).mean(),
            "You subtract the third largest of each column. The places are counted from 0, so the second largest stands at "
            "place 1.",
        ),
        Misconception(
            "no second row",
            lambda information, entropies: (((t := information.topk(2, dim=0).values)[0] - t[1]) / entropies).mean(),
            "With a single code there is no second largest, and your function fails. Count it as 0 then, for example by a "
            "row of zeros below the table.",
            variants=(
                lambda information, entropies: (
                    ((t := information.sort(dim=0, descending=True).values)[0] - t[1]) / entropies
                ).mean(),
                lambda information, entropies: (((t := information.sort(dim=0).values)[-1] - t[-2]) / entropies).mean(),
                lambda information, entropies: (
                    (information.amax(0) - information.kthvalue(len(information) - 1, dim=0).values) / entropies
                ).mean(),
            ),
        ),
        Misconception(
            "no gap with a single code",
            lambda information, entropies: (
                torch.zeros(()) if _lone(information) else (_gaps(information) / entropies).mean()
            ),
            "With a single code your gap is not what that code tells. Its only rival is no code at all, which tells "
            "nothing: the second largest is 0.",
            variants=(
                lambda information, entropies: (
                    torch.tensor(math.nan) if _lone(information) else (_gaps(information) / entropies).mean()
                ),
                lambda information, entropies: (
                    torch.tensor(math.inf) if _lone(information) else (_gaps(information) / entropies).mean()
                ),
                lambda information, entropies: (
                    ((t := information.sort(dim=0, descending=True).values)[0] - t[:2][-1]) / entropies
                ).mean(),
            ),
        ),
        Misconception(
            "second largest other than the largest",
            lambda information, entropies: (
                (information.amax(0) - information.masked_fill(information == information.amax(0), 0.0).amax(0))
                / entropies
            ).mean(),
            "You leave out every code that ties with the best. Two codes that tell the same leave no gap: remove one place, "
            "not one value.",
            variants=(
                lambda information, entropies: (
                    (information.amax(0) - torch.where(information < information.amax(0), information, 0.0).amax(0))
                    / entropies
                ).mean(),
            ),
        ),
        Misconception(
            "one code for all factors",
            lambda information, entropies: _one_for_all(information, entropies, int(information.sum(1).argmax())),
            "You choose one code for all factors. Each factor has a best code of its own: take the two largest of each "
            "column.",
            variants=(
                lambda information, entropies: _one_for_all(
                    information, entropies, int(information.argmax()) // information.shape[1]
                ),
                lambda information, entropies: _one_for_all(
                    information, entropies, int((information / entropies).sum(1).argmax())
                ),
            ),
        ),
        Misconception(
            "largest of the whole table",
            lambda information, entropies: (
                ((t := torch.cat([information.flatten(), torch.zeros(1)]).topk(2).values)[0] - t[1]) / entropies
            ).mean(),
            "You take the two largest numbers of the whole table. Each factor, a column, has two of its own.",
        ),
        Misconception(
            "code k for factor k",
            lambda information, entropies: (
                torch.stack(
                    [
                        information[k, k]
                        - torch.cat([information[:k, k], information[k + 1 :, k], torch.zeros(1)]).max()
                        for k in range(min(information.shape))
                    ]
                )
                / entropies[: min(information.shape)]
            ).mean(),
            "You take code k for factor k. Nothing fixes the order of the codes: for each factor take the largest of its "
            "column, wherever it stands.",
        ),
        Misconception(
            "each code once",
            _greedy,
            "You let each code be chosen once only. The MIG asks every factor for itself: one code may be the best for two "
            "of them.",
        ),
        Misconception(
            "entropies in bits",
            lambda information, entropies: (_gaps(information) / (entropies / math.log(2))).mean(),
            "You turn the entropies, or the informations, alone into bits. Both are in nats, and the unit cancels: divide "
            "one by the other as they are.",
            variants=(lambda information, entropies: (_gaps(information) / math.log(2) / entropies).mean(),),
        ),
        Misconception(
            "multiplied by the entropy",
            lambda information, entropies: (_gaps(information) * entropies).mean(),
            "You multiply by the entropy. Divide by it, so that a factor's gap is a share of what there is to be known.",
        ),
        Misconception(
            "summed over the factors",
            lambda information, entropies: (_gaps(information) / entropies).sum(),
            "You add up over the factors, so the result can exceed 1. Average over them.",
            variants=(lambda information, entropies: (_gaps(information) / entropies).sum() / len(information),),
        ),
        Misconception(
            "one gap for each factor",
            lambda information, entropies: _gaps(information) / entropies,
            "These are the gaps of the single factors. The MIG is their mean, one number.",
        ),
        Misconception(
            "worst factor",
            lambda information, entropies: (_gaps(information) / entropies).amin(),
            "You return the gap of one factor, not the mean over all of them.",
            variants=(
                lambda information, entropies: (_gaps(information) / entropies).amax(),
                lambda information, entropies: (_gaps(information) / entropies).median(),
            ),
        ),
    ),
    cases=_cases,
    probe=one_number,
)
