"""13-split: a build. The mean KL in three parts, from the densities of the codes under all posteriors, dimension by dimension."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.distributions import Normal

from vae_course.exercises.inputs import generator, integer, normal
from vae_course.exercises.model import Alternative, Answer, AnswerError, Exercise, Inputs, Misconception
from vae_course.exercises.probes import BuildStage

Triple = tuple[Any, Any, Any]
ENDS, JOINT, MARGINALS = BuildStage(1, 3, "the ends"), BuildStage(2, 3, "the joint"), BuildStage(3, 3, "the marginals")
PARTS = ("information", "total_correlation", "dimension_wise")


def split_kl(log_qz: Tensor, log_pz: Tensor) -> Triple:
    """Information, total correlation and dimension-wise KL, three numbers, from log densities [B, B, D] and [B, D]."""
    n = len(log_qz)
    own = torch.arange(n)
    # log q(z_i | x_i): the diagonal, and the sum over the dimensions.
    log_q_own = log_qz[own, own].sum(dim=1)
    # log q(z_i): sum over the dimensions, then mix over the images.
    log_q = torch.logsumexp(log_qz.sum(dim=2), dim=1) - math.log(n)
    # sum_d log q(z_id): mix each dimension over the images, then sum over the dimensions.
    log_each = torch.logsumexp(log_qz, dim=1) - math.log(n)
    log_product = log_each.sum(dim=1)
    log_p = log_pz.sum(dim=1)
    information = (log_q_own - log_q).mean()
    total_correlation = (log_q - log_product).mean()
    dimension_wise = (log_product - log_p).mean()
    return information, total_correlation, dimension_wise


def _probe(answer: Answer, case: Inputs) -> dict[str, Any]:
    """The sum first, in which all but the two ends cancels, then what stands between the ends."""
    result = answer(*case.values())
    if (
        not isinstance(result, tuple | list | Tensor)
        or (isinstance(result, Tensor) and result.dim() == 0)
        or len(result) != 3
    ):
        raise AnswerError(f"stage 1 of 3 is not reached: return three numbers, `{', '.join(PARTS)}`, in this order.")
    for name, part in zip(PARTS, result, strict=True):
        if not isinstance(part, Tensor) or part.dim():
            found = f"has shape {list(part.shape)}" if isinstance(part, Tensor) else f"is of type {type(part).__name__}"
            raise AnswerError(
                f"stage 1 of 3 is not reached: `{name}` must be one number, a tensor of shape []; yours {found}."
            )
    information, total_correlation, dimension_wise = result
    whole = ENDS.result(
        "the sum of your three parts",
        "It is the mean of log q(z | x) - log p(z): all that stands between these two ends cancels in the sum.",
    )
    first = JOINT.result(
        "the information",
        "The ends are as they should be. Look at log q(z), one mixture for each code: the sum over the dimensions comes first.",
    )
    second = MARGINALS.result(
        "the total correlation",
        "The joint is as it should be. Look at the marginals: each dimension is mixed by itself, and their sum comes last.",
    )
    third = MARGINALS.result(
        "the dimension-wise KL", "It begins with the same sum over the marginals with which the total correlation ends."
    )
    # Trained through all four, what stands between the ends would cancel in the gradient as well. So the total
    # correlation is trained through in the sum alone.
    return {
        whole: information + total_correlation + dimension_wise,
        first: information,
        second: total_correlation.detach(),
        third: dimension_wise,
    }


def _cases(seed: int) -> list[Inputs]:
    """By hand, sizes by chance, codes that depend on each other, narrow and wide posteriors, densities that round to 0."""
    source = generator(seed)
    n, d = integer(source, 5, 7), integer(source, 2, 4)
    densities = torch.tensor([[[0.5, 0.4], [0.25, 0.1]], [[0.2, 0.3], [0.1, 0.6]], [[0.3, 0.2], [0.7, 0.1]]])
    # Of image i the own density stands at [i, i].
    by_hand = torch.stack([densities[:, 0], densities[:, 1], densities.flip(1)[:, 0] / 2], 1)
    cases: list[Inputs] = [
        {"log_qz": by_hand.log(), "log_pz": torch.tensor([[0.2, 0.3], [0.1, 0.4], [0.3, 0.3]]).log()}
    ]
    for images, dims, spread, logvar in (
        (n, d, 1.5, -1.0), (n, d, 1.5, -1.0), (2, 3, 1.0, 0.0), (4, 2, 3.0, -4.0), (4, 10, 2.0, -1.0),
        (40, 6, 2.0, -1.0),
    ):  # fmt: skip
        cases.append(_case(source, images, dims, spread, logvar))
    # Estimates may fall below 0: each dimension is likely under images under which the other is not.
    opposite = -5.0 * ((torch.arange(4)[:, None] + torch.arange(2)) % 2) + 0.3 * normal(source, 4, 4, 2)
    cases.append({"log_qz": opposite, "log_pz": 1 + 0.3 * normal(source, 4, 2)})
    # In double precision: one image and one dimension, where parts are 0; narrow and wide posteriors; and codes that lie so deep
    # that even there each density rounds to 0, each at a level of its own.
    for images, dims, spread, logvar in (
        (1, 3, 1.0, 0.0), (5, 1, 2.0, -2.0), (3, 5, 1.0, -15.0), (3, 2, 30.0, 15.0), (5, 3, 2.0, -1.0)
    ):  # fmt: skip
        cases.append(_in_double(_case(source, images, dims, spread, logvar)))
    levels = -400.0 - 300.0 * torch.randperm(5, generator=source)[:, None].double() - 100.0 * torch.arange(3)
    log_qz, log_pz = (value for value in cases[-1].values() if isinstance(value, Tensor))
    cases[-1] = {"log_qz": log_qz + levels[:, None], "log_pz": log_pz + levels}
    return cases


def _case(source: torch.Generator, n: int, d: int, spread: float, logvar: float) -> Inputs:
    """Codes drawn from N posteriors whose means depend on each other, under all posteriors and under the prior."""
    mu = spread * (normal(source, n, d) + normal(source, n, 1))
    std = torch.exp(0.5 * (logvar + 0.5 * normal(source, n, d)))
    z = mu + std * normal(source, n, d)
    return {
        "log_qz": Normal(mu, std).log_prob(z[:, None]),
        "log_pz": Normal(0.0, 1.0).log_prob(z),
    }


def _in_double(case: Inputs) -> Inputs:
    return {name: value.double() for name, value in case.items() if isinstance(value, Tensor)}


def _own(table: Tensor) -> Tensor:
    return table.diagonal().sum(0)


def _mixed(logs: Tensor, dim: int = 1) -> Tensor:
    """log of the mean over the images."""
    return torch.logsumexp(logs, dim) - math.log(logs.shape[dim])


def _joint(table: Tensor) -> Tensor:
    return _mixed(table.sum(2))


def _product(table: Tensor) -> Tensor:
    return _mixed(table).sum(1)


def _with(
    *,
    own: Callable[[Tensor], Any] = _own,
    joint: Callable[[Tensor], Any] = _joint,
    product: Callable[[Tensor], Any] = _product,
    prior: Callable[[Tensor], Any] = lambda log_pz: log_pz.sum(1),
    over: Callable[[Tensor], Tensor] = lambda values: values.mean(),
    ends: Callable[[Any, Any, Any, Any], Triple] = lambda own, joint, product, prior: (
        own - joint,
        joint - product,
        product - prior,
    ),
) -> Answer:
    """The three parts with one thing changed."""

    def answer(log_qz: Tensor, log_pz: Tensor) -> Any:
        parts = ends(own(log_qz), joint(log_qz), product(log_qz), prior(log_pz))
        return tuple(over(part) for part in parts)

    return answer


def _both(mix: Callable[[Tensor], Any]) -> Answer:
    """log q(z) and the marginals, both mixed like this over the images."""
    return _with(joint=lambda table: mix(table.sum(2)), product=lambda table: mix(table).sum(1))


def _either(mix: Callable[[Tensor], Any]) -> tuple[Answer, ...]:
    """The same for one of the two."""
    return (_with(joint=lambda table: mix(table.sum(2))), _with(product=lambda table: mix(table).sum(1)))


def _without_own(logs: Tensor, *, least: int = 1) -> Tensor:
    own = torch.eye(len(logs), dtype=torch.bool)
    others = logs.masked_fill(own[:, :, None] if logs.dim() == 3 else own, -math.inf)
    return torch.logsumexp(others, 1) - math.log(max(len(logs) - 1, least))


def _own_only(logs: Tensor) -> Tensor:
    return logs.diagonal().movedim(-1, 0) - math.log(len(logs))


def _shifted(logs: Tensor, out: Tensor) -> Tensor:
    """log of the mean over the images, with this taken out of each code's densities."""
    return out.squeeze(1) + (logs - out).exp().mean(1).log()


def _added(tiny: float) -> Callable[[Tensor], Tensor]:
    return lambda logs: (logs.exp().mean(1) + tiny).log()


def _held(tiny: float) -> Callable[[Tensor], Tensor]:
    return lambda logs: logs.exp().mean(1).clamp(min=tiny).log()


def _loop(log_qz: Tensor, log_pz: Tensor) -> Triple:
    n, _, d = log_qz.shape
    parts = []
    for i in range(n):
        joint = torch.logsumexp(torch.stack([log_qz[i, j].sum() - math.log(n) for j in range(n)]), 0)
        product = sum(torch.logsumexp(log_qz[i, :, k] - math.log(n), 0) for k in range(d))
        parts.append(torch.stack([log_qz[i, i].sum() - joint, joint - product, product - log_pz[i].sum()]))
    information, total_correlation, dimension_wise = torch.stack(parts).mean(0)
    return information, total_correlation, dimension_wise


def _einsum(log_qz: Tensor, log_pz: Tensor) -> Tensor:
    """Own densities by einsum; everything over the largest of each code."""
    ends = torch.einsum("iid->", log_qz) / len(log_qz), torch.einsum("id->", log_pz) / len(log_pz)
    total = log_qz.sum(-1)
    peak, peaks = total.amax(1, keepdim=True).detach(), log_qz.amax(1, keepdim=True).detach()
    joint = (peak[:, 0] + (total - peak).exp().mean(1).log()).mean()
    product = (peaks[:, 0] + (log_qz - peaks).exp().mean(1).log()).sum(-1).mean()
    return torch.stack([ends[0] - joint, joint - product, product - ends[1]])


def _by_softmax(log_qz: Tensor, log_pz: Tensor) -> Triple:
    """log q(z | x) - log q(z) from a log-softmax over the images; the last part as the rest of the rate."""
    n = len(log_qz)
    information = log_qz.sum(2).log_softmax(1).diagonal().mean() + math.log(n)
    each = torch.stack([table.log_softmax(1).diagonal().mean() + math.log(n) for table in log_qz.unbind(2)])
    rate = log_qz.diagonal(dim1=0, dim2=1).sum(0).mean() - log_pz.sum() / n
    total_correlation = each.sum() - information
    return information, total_correlation, rate - each.sum()


_TINY = (1e-6, 1e-8, 1e-10, 1e-12, 1e-30)


EXERCISE = Exercise(
    id="13-split",
    title="Build: a KL in three parts",
    points=4,
    difficulty=4,
    minutes=15,
    task=(
        "A build: split the mean KL of B images, all that there are, into information, total correlation and dimension-wise "
        "KL. `log_qz[i, j, d]`, `[B, B, D]`, is the log density of number d of the code z_i, drawn for image i, under the "
        "posterior of image j; `log_pz` `[B, D]` is log p(z_id). Return the three numbers, means over the codes in nats; "
        "a gradient goes through them. The check names the first of its three stages that you have not reached: the ends, "
        "log q(z | x) and log p(z); the joint, log q(z); the marginals, log q(z_d)."
    ),
    hints=(
        "Four log densities of every code stand in a row: log q(z | x), log q(z), the sum of log q(z_d), log p(z). The parts "
        "are the three differences between neighbours, so their sum needs the two ends only. Begin with those.",
        "log q(z_i) = log 1/B sum_j prod_d q(z_id | x_j): sum over d first. log q(z_id) = log 1/B sum_j q(z_id | x_j): mix "
        "each dimension first, and sum over d afterwards. Each of these means has its own log B.",
        "Own density: `log_qz[i, i]` for all i, summed over d. log q(z): `.sum(2)`, then `torch.logsumexp` over axis 1, "
        "minus log B. Marginals: `torch.logsumexp` over axis 1 of the whole table, minus log B, then the sum over d. Three "
        "differences, three means.",
    ),
    explanation=(
        "The order of the sum over d and the logsumexp over the images is all the difference between the joint q(z) and the "
        "product of its marginals; the total correlation is what it makes. Both are means of B densities, one for the "
        "joint and one for each of the D marginals, so a log B that is left out puts the total correlation off by (D - 1) "
        "log B."
    ),
    returns="three numbers, each a tensor of shape []",
    reference=split_kl,
    alternatives=(
        Alternative("loop", _loop),
        Alternative("einsum, stacked", _einsum),
        Alternative("log softmax, and the rest of the rate", _by_softmax),
        Alternative("float64", lambda log_qz, log_pz: split_kl(log_qz.double(), log_pz.double())),
    ),
    misconceptions=(
        Misconception(
            "product in place of the joint",
            _with(joint=_product),
            "You mix over the images before you sum over the dimensions, which gives the product of the marginals in place "
            "of q(z), and a total correlation of 0. For the joint sum over d first.",
        ),
        Misconception(
            "joint in place of the product",
            _with(product=_joint),
            "You sum over the dimensions before you mix, for the marginals too, so your total correlation is 0. For the "
            "marginals mix each dimension over the images by itself.",
        ),
        Misconception(
            "joint and product exchanged",
            _with(joint=_product, product=_joint),
            "log q(z) and the sum of the marginals have changed places. For the joint the sum over d comes first, for the "
            "marginals the logsumexp.",
        ),
        Misconception(
            "log B left out",
            _both(lambda logs: torch.logsumexp(logs, 1)),
            "A sum of B densities stands where their mean belongs: log B is missing, once for the joint and once for each "
            "of the D marginals. That alone moves the total correlation by (D - 1) log B, often below 0.",
        ),
        Misconception(
            "log B left out of one of two",
            _with(product=lambda table: torch.logsumexp(table, 1).sum(1)),
            "You subtract log B for the joint or for the marginals, but not for both. Every mixture is a mean of B "
            "densities, so it has its log B.",
            variants=(_with(joint=lambda table: torch.logsumexp(table.sum(2), 1)),),
        ),
        Misconception(
            "log B once for all marginals",
            _with(product=lambda table: torch.logsumexp(table, 1).sum(1) - math.log(len(table))),
            "You subtract log B once from the sum of the marginals. Each of the D marginals is a mean of its own: subtract "
            "it before you sum over d, or D times.",
            variants=(
                _with(
                    joint=lambda table: torch.logsumexp(table.sum(2), 1),
                    product=lambda table: torch.logsumexp(table, 1).sum(1) - math.log(len(table)),
                ),
            ),
        ),
        Misconception(
            "log B for every dimension of the joint",
            _with(joint=lambda table: torch.logsumexp(table.sum(2), 1) - table.shape[2] * math.log(len(table))),
            "You subtract D log B from the joint. It is one mean of B densities: log B once.",
            variants=(_with(joint=lambda table: torch.logsumexp((table - math.log(len(table))).sum(2), 1)),),
        ),
        Misconception(
            "log B twice",
            _both(lambda logs: torch.logsumexp(logs, 1) - 2 * math.log(logs.shape[1])),
            "You subtract log B twice, as for a batch drawn from a larger data set. Here the B images are all there are: "
            "log B once for every mean.",
        ),
        Misconception(
            "log B to base 2",
            _both(lambda logs: torch.logsumexp(logs, 1) - math.log2(logs.shape[1])),
            "You subtract log B to base 2, beside natural logarithms. All are in nats: `math.log`.",
        ),
        Misconception(
            "log D for log B",
            _with(
                joint=lambda table: torch.logsumexp(table.sum(2), 1) - math.log(table.shape[2]),
                product=lambda table: (torch.logsumexp(table, 1) - math.log(table.shape[2])).sum(1),
            ),
            "You subtract the logarithm of the number of dimensions. The mixtures are means over the B images.",
        ),
        Misconception(
            "a column for the diagonal",
            _with(own=lambda table: table[:, 0].sum(1)),
            "For log q(z_i | x_i) you take one column or row, the densities with one and the same image. Code i was drawn "
            "for image i: take the diagonal of the first two axes.",
            variants=(
                _with(own=lambda table: table[0].sum(1)),
                _with(own=lambda table: table[:, -1].sum(1)),
                _with(own=lambda table: table[-1].sum(1)),
            ),
        ),
        Misconception(
            "neighbour for the diagonal",
            _with(own=lambda table: table.sum(2).roll(1, 1).diagonal()),
            "For log q(z_i | x_i) you take the density under the posterior of a neighbour of image i. Code i was drawn for "
            "image i: both indices are the same.",
            variants=(_with(own=lambda table: table.sum(2).roll(-1, 1).diagonal()),),
        ),
        Misconception(
            "likeliest image for the own",
            _with(own=lambda table: table.sum(2).amax(1)),
            "For log q(z_i | x_i) you take the image under which the code is likeliest. It needn't be the one that it was "
            "drawn for: take the diagonal.",
        ),
        Misconception(
            "mean of all images for the own",
            _with(own=lambda table: table.sum(2).mean(1)),
            "For log q(z_i | x_i) you average over all images. Code i was drawn for image i alone: take the diagonal of the "
            "first two axes.",
        ),
        Misconception(
            "mixed over the codes",
            _both(lambda logs: _mixed(logs, 0)),
            "You mix over axis 0, the codes. A mixture q(z_i) has one part for each image, along axis 1.",
            variants=_either(lambda logs: _mixed(logs, 0)),
        ),
        Misconception(
            "mean of the logarithms",
            _both(lambda logs: logs.mean(1)),
            "You average log densities over the images. A mixture is the mean of densities, and its logarithm is taken "
            "after that: `torch.logsumexp`.",
            variants=_either(lambda logs: logs.mean(1)),
        ),
        Misconception(
            "likeliest image only",
            _both(lambda logs: logs.amax(1) - math.log(logs.shape[1])),
            "You keep only the image under which a code is likeliest. A mixture has all of them: logsumexp, not max.",
            variants=(
                *_either(lambda logs: logs.amax(1) - math.log(logs.shape[1])),
                _both(lambda logs: logs.amax(1)),
                *_either(lambda logs: logs.amax(1)),
            ),
        ),
        Misconception(
            "densities that round to zero",
            _both(lambda logs: logs.exp().mean(1).log()),
            "exp of a log density far below zero is 0 on a computer, and its logarithm minus infinity. Use "
            "`torch.logsumexp`, which takes the largest one out first.",
            variants=(
                *_either(lambda logs: logs.exp().mean(1).log()),
                _both(lambda logs: logs.double().exp().mean(1).log()),
                _with(
                    joint=lambda table: table.exp().prod(2).mean(1).log(),
                    product=lambda t: t.exp().mean(1).log().sum(1),
                ),
                _with(
                    joint=lambda table: table.exp().prod(2).mean(1).log(),
                    product=lambda t: t.exp().mean(1).prod(1).log(),
                ),
            ),
        ),
        Misconception(
            "small number inside the logarithm",
            _both(lambda logs: (logs.exp().mean(1) + 1e-8).log()),
            "A small number inside the logarithm, or a limit there, takes the place of densities that round to 0. Use "
            "`torch.logsumexp`, which needs no patch.",
            variants=(
                *(_both(_added(tiny)) for tiny in _TINY),
                *(_both(_held(tiny)) for tiny in _TINY),
            ),
        ),
        Misconception(
            "first image's density as the maximum",
            _both(lambda logs: _shifted(logs, logs[:, :1])),
            "What you take out is not the largest log density of each code, so `exp` of a much larger one is infinite. Take "
            "the largest along axis 1 out; `torch.logsumexp` does that.",
            variants=(
                *_either(lambda logs: _shifted(logs, logs[:, :1])),
                _both(lambda logs: _shifted(logs, logs.mean(1, keepdim=True))),
                *_either(lambda logs: _shifted(logs, logs.mean(1, keepdim=True))),
            ),
        ),
        Misconception(
            "own densities of all codes added",
            _with(own=lambda table: table.diagonal().sum()),
            "You add up log q(z_i | x_i) over all codes, where the others are means. Sum over the dimensions alone: one "
            "number for each code.",
        ),
        Misconception(
            "own image left out",
            _both(_without_own),
            "You leave a code's own image out of the mixtures. q(z) has all B images, the own one too.",
            variants=(*_either(_without_own), _both(lambda logs: _without_own(logs, least=0))),
        ),
        Misconception(
            "own image only",
            _both(_own_only),
            "Your mixtures hold a code's own image alone. Put all B densities into them.",
        ),
        Misconception(
            "information dimension by dimension",
            _with(ends=lambda own, joint, product, prior: (own - product, joint - product, product - prior)),
            "Your information compares log q(z | x) with the product of the marginals, so it holds the total correlation "
            "too. Subtract log q(z), the joint.",
        ),
        Misconception(
            "the rate for the information",
            _with(ends=lambda own, joint, product, prior: (own - prior, joint - product, product - prior)),
            "Your information is the whole KL, log q(z | x) - log p(z). Subtract log q(z), not log p(z).",
        ),
        Misconception(
            "marginal KL for the last part",
            _with(ends=lambda own, joint, product, prior: (own - joint, joint - product, joint - prior)),
            "Your last part is log q(z) - log p(z), lesson 10's marginal KL, which holds the total correlation too. Begin "
            "with the product of the marginals.",
        ),
        Misconception(
            "marginal KL for the total correlation",
            _with(ends=lambda own, joint, product, prior: (own - joint, joint - prior, product - prior)),
            "Your total correlation is log q(z) - log p(z), lesson 10's marginal KL. Subtract the product of the marginals, "
            "not the prior.",
        ),
        Misconception(
            "signs",
            _with(ends=lambda own, joint, product, prior: (joint - own, product - joint, prior - product)),
            "All three signs are turned round. Each part is the larger density's logarithm minus that of its neighbour on "
            "the way from q(z | x) to p(z).",
        ),
        Misconception(
            "total correlation turned round",
            _with(ends=lambda own, joint, product, prior: (own - joint, product - joint, product - prior)),
            "The sign of your total correlation is turned round. It is log of the joint minus log of the product.",
        ),
        Misconception(
            "changed places",
            _with(ends=lambda own, joint, product, prior: (joint - product, own - joint, product - prior)),
            "The three numbers are right, in another order: information, total correlation, dimension-wise KL.",
            variants=(
                _with(ends=lambda own, joint, product, prior: (own - joint, product - prior, joint - product)),
                _with(ends=lambda own, joint, product, prior: (product - prior, joint - product, own - joint)),
                _with(ends=lambda own, joint, product, prior: (joint - product, product - prior, own - joint)),
                _with(ends=lambda own, joint, product, prior: (product - prior, own - joint, joint - product)),
            ),
        ),
        Misconception(
            "sum over the codes",
            _with(over=lambda values: values.sum()),
            "You add up over the codes. Asked for are means, in nats for each image.",
        ),
        Misconception(
            "mean over the dimensions",
            _with(
                own=lambda table: table.diagonal().mean(0),
                joint=lambda table: _mixed(table.mean(2)),
                product=lambda table: _mixed(table).mean(1),
                prior=lambda log_pz: log_pz.mean(1),
            ),
            "You average over the dimensions somewhere. A density of independent numbers is a product, so logarithms are "
            "summed over d.",
            variants=(
                _with(own=lambda table: table.diagonal().mean(0)),
                _with(joint=lambda table: _mixed(table.mean(2))),
                _with(product=lambda table: _mixed(table).mean(1)),
                _with(prior=lambda log_pz: log_pz.mean(1)),
                _with(product=lambda table: _mixed(table).mean(1), prior=lambda log_pz: log_pz.mean(1)),
            ),
        ),
        Misconception(
            "bits",
            _with(over=lambda values: values.mean() / math.log(2)),
            "Your numbers are in bits. The course counts in nats: leave out the division by log 2.",
        ),
        Misconception(
            "cut off",
            lambda log_qz, log_pz: split_kl(log_qz.detach(), log_pz.detach()),
            "The numbers are right, but they are cut off from the codes, so a loss with them trains nothing. Leave out "
            "`.detach()` and `torch.no_grad()`.",
        ),
    ),
    cases=_cases,
    probe=_probe,
    gradients=("log_qz", "log_pz"),
    tolerance=5e-5,  # narrow posteriors have log densities of some millions
)
