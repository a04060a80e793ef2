"""04-elbo: reconstruction minus KL, with the expectation from draws."""

import torch
from torch import Tensor

from vae_course.exercises.inputs import generator, integer, normal, uniform
from vae_course.exercises.model import Alternative, Exercise, Inputs, Misconception


def elbo(log_px_z: Tensor, kl: Tensor) -> Tensor:
    """The ELBO in nats, from the log-likelihood at L draws [L, B] and the KL [B]: [B]."""
    return log_px_z.mean(dim=0) - kl


def _cases(seed: int) -> list[Inputs]:
    source = generator(seed)
    cases: list[Inputs] = [
        {"log_px_z": torch.tensor([[-10.0], [-14.0]]), "kl": torch.tensor([3.0])},
        {"log_px_z": torch.tensor([[-10.0, -20.0], [-14.0, -22.0], [-12.0, -27.0]]), "kl": torch.tensor([3.0, 5.0])},
    ]
    n, many = integer(source, 3, 4), integer(source, 7, 8)
    for draws, b in ((1, 4), (5, 1), (n, 3 + n % 2), (n, 3 + n % 2), (3, many), (64, 6)):
        cases.append({"log_px_z": -20 + 4 * normal(source, draws, b), "kl": 1 + normal(source, b).abs()})
    far = -4000 * (1 + 2 * uniform(source, 4, 3))
    positive = 500 + 4 * normal(source, 5, 2)
    return [
        *cases,
        {"log_px_z": far, "kl": torch.tensor([200.0, 0.0, 1000.0])},
        {"log_px_z": positive, "kl": torch.tensor([300.0, 0.1])},
        {"log_px_z": normal(source, 3, 2), "kl": 1e-3 * normal(source, 2).abs()},  # of codes near the prior
    ]


def _loop(log_px_z: Tensor, kl: Tensor) -> Tensor:
    bounds = []
    for b in range(len(kl)):
        total = torch.tensor(0.0)
        for draw in log_px_z:
            total = total + draw[b]
        bounds.append(total / len(log_px_z) - kl[b])
    return torch.stack(bounds)


EXERCISE = Exercise(
    id="04-elbo",
    title="Reconstruction minus KL",
    points=2,
    difficulty=2,
    minutes=4,
    task=(
        "Return the ELBO in nats, one number for each example, `[B]`, from `log_px_z` `[L, B]`, the log-likelihood at "
        "L draws z from q, and `kl` `[B]`, the KL from q to the prior."
    ),
    hints=(
        "The first term of the ELBO is an expectation under q, and you hold L draws from q for each example.",
        "ELBO_b = 1/L sum_l log p(x_b | z_lb) - KL_b.",
        "Average `log_px_z` over its first axis, the draws; then subtract one `kl` for each example.",
    ),
    explanation=(
        "The reconstruction term is estimated by a mean over the draws; the KL is known in closed form and is the same "
        "for each draw, so it is subtracted once. More draws make the estimate less noisy, they do not move its mean."
    ),
    returns="one number per example, [B]",
    reference=elbo,
    alternatives=(
        Alternative("loop", _loop),
        Alternative("subtract, then average", lambda log_px_z, kl: (log_px_z - kl).mean(0)),
        Alternative("einsum", lambda log_px_z, kl: torch.einsum("lb->b", log_px_z) / len(log_px_z) - kl),
        Alternative("float64", lambda log_px_z, kl: log_px_z.double().mean(0) - kl.double()),
        Alternative("transposed", lambda log_px_z, kl: log_px_z.T.mean(-1) - kl),
    ),
    misconceptions=(
        Misconception(
            "KL added",
            lambda log_px_z, kl: log_px_z.mean(0) + kl,
            "You add the KL. It is the price of the code and lowers the bound: subtract it.",
        ),
        Misconception(
            "the loss",
            lambda log_px_z, kl: kl - log_px_z.mean(0),
            "This is minus the ELBO, the loss. The bound itself is asked for: the mean log-likelihood minus the KL.",
        ),
        Misconception(
            "KL forgotten",
            lambda log_px_z, kl: log_px_z.mean(0),
            "Only the reconstruction term is there. Without the KL this is not a lower bound: subtract `kl`.",
        ),
        Misconception(
            "summed over the draws",
            lambda log_px_z, kl: log_px_z.sum(0) - kl,
            "You add the draws up, so the result grows with their number. The expectation is their mean: "
            "`.mean(dim=0)`.",
            variants=(lambda log_px_z, kl: (log_px_z - kl).sum(0),),
        ),
        Misconception(
            "not averaged",
            lambda log_px_z, kl: log_px_z - kl,
            "This is one value for every draw and example, `[L, B]`. Average over the draws, axis 0, and keep one "
            "number for each example.",
        ),
        Misconception(
            "averaged over the batch",
            lambda log_px_z, kl: (log_px_z.mean(0) - kl).mean(),
            "Your mean runs over the batch as well. Return one bound for each example, `[B]`; the mean over the batch "
            "comes once, in the loss.",
            variants=(lambda log_px_z, kl: -(log_px_z.mean(0) - kl).mean(),),
        ),
        Misconception(
            "one mean for all examples",
            lambda log_px_z, kl: log_px_z.mean() - kl,
            "The reconstruction is averaged over the examples too, so that each gets the same. Average over axis 0, "
            "the draws.",
        ),
        Misconception(
            "wrong axis",
            lambda log_px_z, kl: log_px_z.mean(1) - kl.mean(),
            "You average over axis 1, the examples, and keep one number for each draw. The draws lie along axis 0.",
            variants=(lambda log_px_z, kl: (log_px_z - kl).mean(1), lambda log_px_z, kl: log_px_z.mean(1) - kl),
        ),
        Misconception(
            "first draw only",
            lambda log_px_z, kl: log_px_z[0] - kl,
            "You use one draw and leave the others aside. That is an estimate too, but a noisier one: average over all "
            "L draws.",
            variants=(lambda log_px_z, kl: log_px_z[-1] - kl,),
        ),
        Misconception(
            "best draw only",
            lambda log_px_z, kl: log_px_z.amax(0) - kl,
            "You keep the best draw of each example, which is not a mean under q and may lie above log p(x). Average "
            "over the draws.",
        ),
        Misconception(
            "log of the mean likelihood",
            lambda log_px_z, kl: log_px_z.exp().mean(0).log() - kl,
            "You average the likelihoods and take the logarithm after. The ELBO has the mean of the logarithms: "
            "Jensen's inequality is the difference.",
            variants=(
                lambda log_px_z, kl: torch.logsumexp(log_px_z, 0) - torch.log(torch.tensor(float(len(log_px_z)))) - kl,
            ),
        ),
        Misconception(
            "KL shared among the draws",
            lambda log_px_z, kl: log_px_z.mean(0) - kl / len(log_px_z),
            "You divide the KL by the number of draws. It is the same for each draw, so its mean over the draws is "
            "the KL itself.",
        ),
        Misconception(
            "KL once for each draw",
            lambda log_px_z, kl: log_px_z.mean(0) - kl * len(log_px_z),
            "You subtract the KL once for each draw. The bound has it once, however many draws there are.",
        ),
        Misconception(
            "KL averaged",
            lambda log_px_z, kl: log_px_z.mean(0) - kl.mean(),
            "Each example has a KL of its own, but you subtract the mean of them all. Subtract `kl`, `[B]`, as it is.",
        ),
        Misconception(
            "a floor under the KL",
            lambda log_px_z, kl: elbo(log_px_z, kl.clamp(min=0.5)),
            "You don't let the KL fall below a number of your own. Training by free bits does so on purpose, but what it "
            "trains is not the ELBO: subtract the KL as it is.",
            variants=tuple(
                lambda log_px_z, kl, least=least: elbo(log_px_z, kl.clamp(min=least))
                for least in (0.01, 0.1, 0.25, 1.0, 2.0)
            ),
        ),
    ),
    cases=_cases,
    batch="kl",
)
