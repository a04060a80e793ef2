"""07-loss: what is minimised."""

import torch
from torch import Tensor

from vae_course.exercises.inputs import generator, integer, normal
from vae_course.exercises.model import Alternative, Exercise, Inputs, Misconception


def negative_elbo(log_px_z: Tensor, kl: Tensor) -> Tensor:
    """The loss: the mean over the batch of the negative ELBO, from [B] and [B] to one number."""
    return -(log_px_z - kl).mean()


def _cases(seed: int) -> list[Inputs]:
    source = generator(seed)
    cases: list[Inputs] = [
        {"log_px_z": torch.tensor([-100.0]), "kl": torch.tensor([25.0])},
        {"log_px_z": torch.tensor([-90.0, -120.0]), "kl": torch.tensor([20.0, 30.0])},
    ]
    b = integer(source, 4, 9)
    # A log density may be above zero, and the KL of a code near the prior is almost nothing.
    for n, level in ((1, -100), (b, -100), (b, 300), (3, -12_000), (128, 0)):
        cases.append({"log_px_z": level + 20 * normal(source, n), "kl": (20 + 5 * normal(source, n)).abs()})
    cases.append({"log_px_z": -90 + normal(source, b), "kl": 1e-3 * normal(source, b).abs()})
    cases.append({"log_px_z": -300 + 20 * normal(source, b), "kl": torch.linspace(60, 2000, b)})
    return cases


def _loop(log_px_z: Tensor, kl: Tensor) -> Tensor:
    total = torch.tensor(0.0)
    for b in range(len(kl)):
        total = total + kl[b] - log_px_z[b]
    return total / len(kl)


EXERCISE = Exercise(
    id="07-loss",
    title="The loss",
    points=2,
    difficulty=2,
    minutes=4,
    task=(
        "Return the loss to be minimised, one number: the negative ELBO in nats, averaged over the batch, from "
        "`log_px_z` and `kl`, each `[B]`."
    ),
    hints=(
        "The ELBO is to be as large as possible; an optimiser makes things small.",
        "elbo_b = log p(x_b | z_b) - KL_b, and loss = -1/B sum_b elbo_b.",
        "Subtract the two, call it `elbo`, `[B]`; then put a minus in front of its `.mean()`.",
    ),
    explanation=(
        "A good picture has a high log p(x | z), a cheap code a low KL, and their difference is the ELBO. The minus "
        "turns it into a loss. One mean over the batch at the very end keeps it free of the batch size, in nats for "
        "each picture."
    ),
    returns="one number, a tensor of shape []",
    reference=negative_elbo,
    alternatives=(
        Alternative("loop", _loop),
        Alternative("two means", lambda log_px_z, kl: kl.mean() - log_px_z.mean()),
        Alternative("einsum", lambda log_px_z, kl: torch.einsum("b->", kl - log_px_z) / kl.numel()),
        Alternative("float64", lambda log_px_z, kl: -(log_px_z.double() - kl.double()).mean()),
        Alternative("dot product", lambda log_px_z, kl: (kl - log_px_z) @ torch.full_like(kl, 1 / len(kl))),
    ),
    misconceptions=(
        Misconception(
            "sign lost",
            lambda log_px_z, kl: (log_px_z + kl).mean(),
            "You add a log-likelihood, which should be high, to a KL, which should be low, so one of them is pushed "
            "the wrong way. The first one needs a minus: kl - log_px_z.",
        ),
        Misconception(
            "the ELBO itself",
            lambda log_px_z, kl: (log_px_z - kl).mean(),
            "This is the ELBO, which is to be maximised. Minimising it would make the model worse and worse: the loss "
            "is minus the ELBO.",
        ),
        Misconception(
            "KL with the wrong sign",
            lambda log_px_z, kl: (-log_px_z - kl).mean(),
            "The reconstruction has the right sign, but the KL is subtracted, so a costly code would be rewarded. In "
            "the loss the KL is added: kl - log_px_z.",
        ),
        Misconception(
            "summed over the batch",
            lambda log_px_z, kl: (kl - log_px_z).sum(),
            "Your loss is summed over the batch, so it grows with the batch size, and the learning rate would have to "
            "shrink with it. Take the mean over the batch.",
        ),
        Misconception(
            "not averaged",
            lambda log_px_z, kl: kl - log_px_z,
            "This is the loss of every single example, `[B]`. An optimiser needs one number: average over the batch "
            "at the end.",
        ),
        Misconception(
            "KL forgotten",
            lambda log_px_z, kl: -log_px_z.mean(),
            "Only the reconstruction is in your loss. Without the KL this is an autoencoder, whose codes need not "
            "look like the prior.",
        ),
        Misconception(
            "reconstruction forgotten",
            lambda log_px_z, kl: kl.mean(),
            "Only the KL is in your loss. It is smallest when the code says nothing about the picture; subtract "
            "log_px_z.",
        ),
        Misconception(
            "sum and mean mixed",
            lambda log_px_z, kl: kl.sum() - log_px_z.mean(),
            "One part is summed over the batch and the other averaged, so their balance depends on the batch size. "
            "Treat both alike: subtract first, then one mean.",
            variants=(lambda log_px_z, kl: kl.mean() - log_px_z.sum(),),
        ),
        Misconception(
            "averaged twice",
            lambda log_px_z, kl: (kl - log_px_z).mean() / len(kl),
            "The mean is divided by the batch size once more. `.mean()` has done so already.",
        ),
        Misconception(
            "cut off from the gradient",
            lambda log_px_z, kl: (kl - log_px_z).mean().detach(),
            "The number is right, but it is cut off from what made it, so `loss.backward()` has nothing to follow. "
            "Return the tensor itself, without `.detach()`, `.data` or `.item()`.",
        ),
        Misconception(
            "a floor under the KL",
            lambda log_px_z, kl: negative_elbo(log_px_z, kl.clamp(min=0.5)),
            "You don't let the KL fall below a number of your own. Training by free bits does so on purpose, but what it "
            "trains is not the ELBO: take the KL as it is.",
            variants=(
                *(
                    lambda log_px_z, kl, least=least: negative_elbo(log_px_z, kl.clamp(min=least))
                    for least in (0.1, 0.25, 1.0, 2.0, 3.0)
                ),
                *(
                    lambda log_px_z, kl, least=least: negative_elbo(log_px_z, kl.mean().clamp(min=least))
                    for least in (0.1, 0.5, 1.0, 2.0, 3.0)
                ),
            ),
        ),
        Misconception(
            "another weight of the KL",
            lambda log_px_z, kl: (0.1 * kl - log_px_z).mean(),
            "You multiply the KL by a weight of your own. That is the loss of a beta-VAE, and minus it is not the ELBO: there "
            "both parts are in nats and count alike.",
            variants=(
                *(
                    lambda log_px_z, kl, beta=beta: (beta * kl - log_px_z).mean()
                    for beta in (0.001, 0.005, 0.01, 0.5, 2.0, 4.0, 5.0, 10.0)
                ),
                lambda log_px_z, kl: (kl / 784 - log_px_z).mean(),
            ),
        ),
        Misconception(
            "a batch size typed in",
            lambda log_px_z, kl: (kl - log_px_z).sum() / 128,
            "You divide the sum by a batch size of your own, and the last batch is often smaller. Take the mean, which divides "
            "by the number that came.",
            variants=tuple(lambda log_px_z, kl, b=b: (kl - log_px_z).sum() / b for b in (32, 64, 100, 256)),
        ),
        Misconception(
            "never negative",
            lambda log_px_z, kl: (kl - log_px_z).clamp(min=0).mean(),
            "You keep the loss from being negative. A density may exceed one, so minus the ELBO may well be below 0: return "
            "what comes out.",
            variants=(
                lambda log_px_z, kl: (kl - log_px_z).mean().clamp(min=0),
                lambda log_px_z, kl: (kl - log_px_z).abs().mean(),
                lambda log_px_z, kl: (kl - log_px_z).mean().abs(),
                lambda log_px_z, kl: (kl + log_px_z.abs()).mean(),
            ),
        ),
    ),
    cases=_cases,
    batch="kl",
    gradients=("log_px_z", "kl"),
)
