"""04-elbo-discrete: the bound where it is a finite sum."""

import torch
from torch import Tensor
from torch.nn import functional as F

from vae_course.exact import DiscreteWorld
from vae_course.exercises.inputs import generator, integer, normal
from vae_course.exercises.model import Alternative, Answer, Exercise, Inputs, Misconception


def elbo_discrete(p_z: Tensor, p_x_z: Tensor, q: Tensor, x: int) -> Tensor:
    """The ELBO of observation x in nats, one number, for tables p_z [K], p_x_z [K, M] and q [K]."""
    joint = p_z * p_x_z[:, x]
    return (torch.xlogy(q, joint) - torch.xlogy(q, q)).sum()


def _cases(seed: int) -> list[Inputs]:
    """The lesson's urns, then random tables; some q leave codes out, one leaves out all but one.

    One x is improbable under every code. In the last two, x rules out a code: one that q never picks, as in a posterior, then
    one that it picks, so that the bound is minus infinity.
    """
    source = generator(seed)
    likelihood = torch.tensor([[0.1, 0.9], [0.5, 0.5], [0.8, 0.2]])
    cases: list[Inputs] = [
        {"p_z": torch.tensor([0.5, 0.3, 0.2]), "p_x_z": likelihood, "q": torch.tensor([0.6, 0.3, 0.1]), "x": 1}
    ]
    several, few = integer(source, 4, 5), integer(source, 2, 3)
    sizes = ((4, 2, 1, 4), (2, 5, 3, 2), (several, few, 1, 3), (several, few, 0, 3), (3, 4, 2, 1), (10, 64, 50, 10))
    for k, m, x, kept in sizes:
        q = normal(source, k).softmax(0)
        q[kept:] = 0
        p_z, p_x_z = normal(source, k).softmax(0), normal(source, k, m).softmax(1)
        cases.append({"p_z": p_z, "p_x_z": p_x_z, "q": q / q.sum(), "x": x})
    q, p_z, p_x_z = (normal(source, *shape).softmax(-1) for shape in ((4,), (4,), (4, 3)))
    q[0] = 1e-5
    p_z[1] = p_x_z[2, 1] = 1e-8
    rare: Inputs = {"p_z": p_z / p_z.sum(), "p_x_z": p_x_z / p_x_z.sum(1, keepdim=True), "q": q / q.sum(), "x": 1}
    p_z, p_x_z, q = (normal(source, *shape).softmax(-1) for shape in ((3,), (3, 4), (3,)))
    p_x_z[:, 2] *= 1e-8
    unlikely: Inputs = {"p_z": p_z, "p_x_z": p_x_z / p_x_z.sum(1, keepdim=True), "q": q, "x": 2}
    refuted: Inputs = {
        "p_z": normal(source, 3).softmax(0),
        "p_x_z": torch.tensor([[0.5, 0.5], [0.0, 1.0], [0.25, 0.75]]),
        "q": (0.2 * normal(source, 3)).softmax(0),
        "x": 0,
    }
    avoided: Inputs = {**refuted, "q": torch.tensor([0.6, 0.0, 0.4])}
    return [*cases, rare, unlikely, avoided, refuted]


def _loop(p_z: Tensor, p_x_z: Tensor, q: Tensor, x: int) -> Tensor:
    total = torch.tensor(0.0)
    for k in range(len(q)):
        if q[k] > 0:
            total = total + q[k] * (torch.log(p_z[k]) + torch.log(p_x_z[k, x]) - torch.log(q[k]))
    return total


def _masked(p_z: Tensor, p_x_z: Tensor, q: Tensor, x: int) -> Tensor:
    used = q > 0
    return (q[used] * torch.log(p_z[used] * p_x_z[used, x] / q[used])).sum()


def _log_px_minus_gap(p_z: Tensor, p_x_z: Tensor, q: Tensor, x: int) -> Tensor:
    joint = p_z * p_x_z[:, x]
    return joint.sum().log() + (torch.xlogy(q, joint / joint.sum()) - torch.xlogy(q, q)).sum()


def _gap_by_kl_div(p_z: Tensor, p_x_z: Tensor, q: Tensor, x: int) -> Tensor:
    joint = p_z * p_x_z[:, x]
    return joint.sum().log() - F.kl_div((joint / joint.sum()).log(), q, reduction="sum")


def _terms(p_z: Tensor, p_x_z: Tensor, q: Tensor, x: int) -> Tensor:
    """q(z) [ log p(x, z) - log q(z) ] for every code, `[K]`."""
    return torch.xlogy(q, p_z * p_x_z[:, x]) - torch.xlogy(q, q)


def _possible(p_z: Tensor, p_x_z: Tensor, q: Tensor, x: int) -> Tensor:
    joint = p_z * p_x_z[:, x]
    used = (q > 0) & (joint > 0)
    return (q[used] * (joint[used] / q[used]).log()).sum()


def _patched(eps: float) -> tuple[Answer, ...]:
    """Wrong answers that keep a logarithm from being infinite by a small number."""
    return (
        lambda p_z, p_x_z, q, x: (q * ((p_z * p_x_z[:, x] + eps).log() - (q + eps).log())).sum(),
        lambda p_z, p_x_z, q, x: (q * (p_z * p_x_z[:, x] / (q + eps) + eps).log()).sum(),
        lambda p_z, p_x_z, q, x: (q * (p_z.log() + (p_x_z[:, x] + eps).log() - (q + eps).log())).sum(),
        lambda p_z, p_x_z, q, x: (q * ((p_z + eps).log() + (p_x_z[:, x] + eps).log() - (q + eps).log())).sum(),
        lambda p_z, p_x_z, q, x: (torch.xlogy(q, p_z * p_x_z[:, x] + eps) - torch.xlogy(q, q)).sum(),
        lambda p_z, p_x_z, q, x: (q * ((p_z * p_x_z[:, x]).clamp(min=eps).log() - q.clamp(min=eps).log())).sum(),
    )


EXERCISE = Exercise(
    id="04-elbo-discrete",
    title="The ELBO as a finite sum",
    points=3,
    difficulty=3,
    minutes=8,
    task=(
        "Return the ELBO of one observation `x` in nats, one number, from the tables `p_z` `[K]`, `p_x_z` `[K, M]` and "
        "`q` `[K]`; a code with q(z) = 0 contributes nothing, and one that q picks but x rules out makes it minus infinity."
    ),
    hints=(
        "Build it from inside: the joint p(x, z) for each of the K codes, then the logarithm of its ratio to q, then "
        "the mean under q.",
        "ELBO = sum_z q(z) log p(x, z) - sum_z q(z) log q(z), with p(x, z) = p(z) p(x | z) and 0 log 0 = 0.",
        "The joint is `p_z` times column x of `p_x_z`; `torch.xlogy(a, b)` is a log b, and 0 where a is 0.",
    ),
    explanation=(
        "The expectation under q of log p(x, z) - log q(z) is a weighted sum over the codes. A code that q never picks "
        "has weight zero and drops out, but written as `q * q.log()` it gives 0 times minus infinity, which is NaN; "
        "`torch.xlogy` knows that case."
    ),
    returns="one number, a tensor of shape []",
    reference=elbo_discrete,
    alternatives=(
        Alternative("loop", _loop),
        Alternative("masked", _masked),
        Alternative("the package's", lambda p_z, p_x_z, q, x: DiscreteWorld(p_z, p_x_z).elbo(x, q)),
        Alternative(
            "reconstruction minus KL",
            lambda p_z, p_x_z, q, x: torch.xlogy(q, p_x_z[:, x]).sum() - F.kl_div(p_z.log(), q, reduction="sum"),
        ),
        Alternative(
            "joint plus entropy",
            lambda p_z, p_x_z, q, x: torch.xlogy(q, p_z * p_x_z[:, x]).sum() + torch.special.entr(q).sum(),
        ),
        Alternative("log p(x) minus gap", _log_px_minus_gap),
        Alternative("float64", lambda p_z, p_x_z, q, x: _masked(p_z.double(), p_x_z.double(), q.double(), x)),
    ),
    misconceptions=(
        Misconception(
            "zero times minus infinity",
            lambda p_z, p_x_z, q, x: (q * ((p_z * p_x_z[:, x]).log() - q.log())).sum(),
            "Where q(z) = 0 your sum holds 0 times a logarithm of 0, which is NaN or infinite. A code that q never "
            "picks contributes nothing: use `torch.xlogy`, or leave such codes out.",
            variants=(lambda p_z, p_x_z, q, x: (q * (p_z * p_x_z[:, x]).log()).sum() - (q * q.log()).sum(),),
        ),
        Misconception(
            "zero times minus infinity for both",
            lambda p_z, p_x_z, q, x: q @ (p_z * p_x_z[:, x]).log() + torch.special.entr(q).sum(),
            "Right, except where x rules out a code that q never picks either: there 0 meets log 0 or 0 / 0, which gives NaN. "
            "Such a code contributes nothing: `torch.xlogy(q, joint)` is 0 there.",
            variants=(
                lambda p_z, p_x_z, q, x: torch.xlogy(q, p_z * p_x_z[:, x] / q).sum(),
                lambda p_z, p_x_z, q, x: (
                    torch.einsum("k,k->", q, p_x_z[:, x].log()) - F.kl_div(p_z.log(), q, reduction="sum")
                ),
                _gap_by_kl_div,
            ),
        ),
        Misconception(
            "small number inside the logarithm",
            _patched(1e-8)[0],
            "Where q picks what x rules out, your bound is finite: a small number inside the logarithm, or a limit, takes the "
            "place of minus infinity. `torch.xlogy` needs no such patch.",
            variants=(
                *(wrong for eps in (1e-6, 1e-8, 1e-10, 1e-12) for wrong in _patched(eps)),
                *(
                    lambda p_z, p_x_z, q, x, least=least: (
                        torch.xlogy(q, (p_z * p_x_z[:, x]).clamp(min=least)) - torch.xlogy(q, q)
                    ).sum()
                    for least in (1e-8, 1e-10, 1e-12, 1e-20, 1e-30, 1e-38)
                ),
            ),
        ),
        Misconception(
            "impossible codes left out",
            _possible,
            "You leave out the codes that x rules out, though q picks them. One of them makes the bound minus infinity: leave "
            "out only those with q(z) = 0.",
            variants=(
                lambda p_z, p_x_z, q, x: (q * ((p_z * p_x_z[:, x]).log() - q.log())).nan_to_num(0.0, 0.0, 0.0).sum(),
            ),
        ),
        Misconception(
            "infinity replaced",
            lambda p_z, p_x_z, q, x: (q * ((p_z * p_x_z[:, x]).log() - q.log())).nan_to_num().sum(),
            "`nan_to_num` puts 0 in the place of NaN, and the lowest number there is in the place of minus infinity, which "
            "the bound is where x rules out a code that q picks. Use `torch.xlogy`.",
            variants=(
                lambda p_z, p_x_z, q, x: (q * (p_z * p_x_z[:, x] / q).log()).nan_to_num().sum(),
                lambda p_z, p_x_z, q, x: (
                    (q * (p_z * p_x_z[:, x]).log()).nan_to_num().sum() - (q * q.log()).nan_to_num().sum()
                ),
            ),
        ),
        Misconception(
            "log p not weighted",
            lambda p_z, p_x_z, q, x: (p_z * p_x_z[:, x]).log().sum() - torch.xlogy(q, q).sum(),
            "You weight log q by q(z), but not all of log p(x, z). Every logarithm of the bound is averaged under q: multiply "
            "each by q(z) before you add.",
            variants=(
                lambda p_z, p_x_z, q, x: p_x_z[:, x].log().sum() + (torch.xlogy(q, p_z) - torch.xlogy(q, q)).sum(),
                lambda p_z, p_x_z, q, x: p_z.log().sum() + (torch.xlogy(q, p_x_z[:, x]) - torch.xlogy(q, q)).sum(),
                lambda p_z, p_x_z, q, x: (p_z * p_x_z[:, x]).log().mean() - torch.xlogy(q, q).sum(),
            ),
        ),
        Misconception(
            "entropy forgotten",
            lambda p_z, p_x_z, q, x: torch.xlogy(q, p_z * p_x_z[:, x]).sum(),
            "This is the mean of log p(x, z) alone. The term -log q(z) is missing; without it the best q would put "
            "everything on a single code.",
        ),
        Misconception(
            "log q added",
            lambda p_z, p_x_z, q, x: (torch.xlogy(q, p_z * p_x_z[:, x]) + torch.xlogy(q, q)).sum(),
            "You add log q(z), but the weight is p(x, z) divided by q(z), so its logarithm is subtracted.",
        ),
        Misconception(
            "prior forgotten",
            lambda p_z, p_x_z, q, x: (torch.xlogy(q, p_x_z[:, x]) - torch.xlogy(q, q)).sum(),
            "You use p(x | z) where the joint p(x, z) = p(z) p(x | z) belongs: the prior is missing.",
        ),
        Misconception(
            "likelihood forgotten",
            lambda p_z, p_x_z, q, x: (torch.xlogy(q, p_z) - torch.xlogy(q, q)).sum(),
            "Only the prior and q are in your sum, so it can't depend on x. Use the joint p(x, z) = p(z) p(x | z).",
        ),
        Misconception(
            "log p(x) itself",
            lambda p_z, p_x_z, q, x: (p_z * p_x_z[:, x]).sum().log(),
            "This is log p(x), the number that the ELBO bounds; q is not in it. The ELBO is the mean under q of the "
            "logarithm, not the logarithm of the sum.",
            variants=(lambda p_z, p_x_z, q, x: DiscreteWorld(p_z, p_x_z).marginal()[x].log(),),
        ),
        Misconception(
            "not weighted by q",
            lambda p_z, p_x_z, q, x: ((p_z * p_x_z[:, x]).log() - q.log()).sum(),
            "Each code counts the same in your sum. The expectation is under q: multiply each logarithm by q(z) before "
            "you add.",
            variants=(lambda p_z, p_x_z, q, x: ((p_z * p_x_z[:, x]).log() - q.log()).mean(),),
        ),
        Misconception(
            "weighted by the prior",
            lambda p_z, p_x_z, q, x: (p_z * (p_x_z[:, x].log() + p_z.log() - q.clamp_min(1e-30).log())).sum(),
            "You take a mean under the prior p(z). The expectations in the ELBO are all under q(z).",
            variants=(
                lambda p_z, p_x_z, q, x: (p_z * (p_x_z[:, x].log() + p_z.log() - q.log())).sum(),
                lambda p_z, p_x_z, q, x: (
                    torch.xlogy(p_z, p_x_z[:, x]).sum() - (torch.xlogy(q, q) - torch.xlogy(q, p_z)).sum()
                ),
            ),
        ),
        Misconception(
            "code's price added",
            lambda p_z, p_x_z, q, x: (torch.xlogy(q, p_x_z[:, x]) + torch.xlogy(q, q) - torch.xlogy(q, p_z)).sum(),
            "You add KL( q || p ), what the code costs, to the mean of log p(x | z). The ELBO takes it off.",
        ),
        Misconception(
            "code's price the other way round",
            lambda p_z, p_x_z, q, x: (torch.xlogy(q, p_x_z[:, x]) - torch.xlogy(p_z, p_z) + torch.xlogy(p_z, q)).sum(),
            "Your KL from q to the prior runs the other way, KL( p || q ), which is weighted by the prior. The ELBO takes off "
            "KL( q || p ).",
        ),
        Misconception(
            "logarithm of a mean",
            lambda p_z, p_x_z, q, x: (q @ p_x_z[:, x]).log() - (torch.xlogy(q, q) - torch.xlogy(q, p_z)).sum(),
            "You average probabilities under q, then take the logarithm. The ELBO averages the logarithms: each is multiplied by "
            "q(z), and the products are added.",
            variants=(
                lambda p_z, p_x_z, q, x: (q @ p_x_z[:, x]).log(),
                lambda p_z, p_x_z, q, x: (q @ (p_z * p_x_z[:, x])).log(),
                lambda p_z, p_x_z, q, x: (q @ (p_z * p_x_z[:, x])).log() - torch.xlogy(q, q).sum(),
            ),
        ),
        Misconception(
            "log q not weighted",
            lambda p_z, p_x_z, q, x: torch.xlogy(q, p_z * p_x_z[:, x]).sum() - q.log().sum(),
            "You weight log p(x, z) by q(z), but not log q(z). Every logarithm of the bound is averaged under q.",
            variants=(lambda p_z, p_x_z, q, x: torch.xlogy(q, p_z * p_x_z[:, x]).sum() - q[q > 0].log().sum(),),
        ),
        Misconception(
            "averaged after weighting",
            lambda p_z, p_x_z, q, x: _terms(p_z, p_x_z, q, x).mean(),
            "The weights q(z) make the mean already, so the terms are added; your `.mean()` divides by the number of "
            "codes once more.",
        ),
        Misconception(
            "not summed",
            _terms,
            "These are the contributions of the single codes, `[K]`. The ELBO is their sum, one number.",
        ),
        Misconception(
            "the loss",
            lambda p_z, p_x_z, q, x: -_terms(p_z, p_x_z, q, x).sum(),
            "This is minus the ELBO, which one would minimise. The ELBO itself is asked for; here it is the lower "
            "bound on log p(x).",
        ),
        Misconception(
            "minus the gap",
            lambda p_z, p_x_z, q, x: -F.kl_div(DiscreteWorld(p_z, p_x_z).posterior()[x].log(), q, reduction="sum"),
            "This is minus the KL from q to the posterior: minus the gap. You divided the joint by p(x); use p(x, z) "
            "as it is.",
        ),
        Misconception(
            "rows for columns",
            lambda p_z, p_x_z, q, x: (torch.xlogy(q, p_z * p_x_z[x]) - torch.xlogy(q, q)).sum(),
            "`p_x_z[x]` is a row: all observations of one code. You need a column, one observation under every code: "
            "`p_x_z[:, x]`.",
        ),
        Misconception(
            "in bits",
            lambda p_z, p_x_z, q, x: _terms(p_z, p_x_z, q, x).sum() / torch.log(torch.tensor(2.0)),
            "You use logarithms to base 2, so this is the ELBO in bits. The course counts in nats: `torch.log`.",
        ),
    ),
    cases=_cases,
)
