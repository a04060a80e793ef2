"""04-sign: find the sign that a published loss has lost."""

from typing import Any

import torch
from torch import Tensor

from vae_course.exercises.inputs import generator, integer, normal
from vae_course.exercises.model import Alternative, Answer, Exercise, Inputs, Misconception

Loss = dict[str, Tensor]


def _loss(loss: Tensor, reconstruction: Tensor, kl: Tensor) -> Loss:
    return {"loss": loss, "reconstruction": reconstruction, "kl": kl}


def total_loss(log_px_z: Tensor, kl: Tensor) -> Loss:
    """Means over the batch, in nats, as a dict: loss (to minimise), reconstruction, kl; from [B] and [B]."""
    reconstruction = -log_px_z.mean()
    return {"loss": reconstruction + kl.mean(), "reconstruction": reconstruction, "kl": kl.mean()}


def _probe(answer: Answer, case: Inputs) -> Any:
    """The three numbers; only the loss is trained through, so the parts may come without a gradient or as plain numbers."""
    result = answer(*case.values())
    if not isinstance(result, dict):
        return result
    return {name: part if name == "loss" else _cut_off(part) for name, part in result.items()}


def _cut_off(part: Any) -> Any:
    if isinstance(part, Tensor):
        return part.detach()
    return torch.tensor(part) if isinstance(part, float) else part


def _cases(seed: int) -> list[Inputs]:
    """Log densities may be positive, so some are."""
    source = generator(seed)
    cases: list[Inputs] = [
        {"log_px_z": torch.tensor([-10.0]), "kl": torch.tensor([3.0])},
        {"log_px_z": torch.tensor([-10.0, -14.0]), "kl": torch.tensor([3.0, 5.0])},
        {"log_px_z": torch.tensor([2.0, 1.0, 4.0]), "kl": torch.tensor([3.0, 2.5, 0.5])},
    ]
    n = integer(source, 4, 6)
    for b in (1, n, n, 7, 64):
        cases.append({"log_px_z": 5 * normal(source, b) - 4, "kl": 1 + normal(source, b).abs()})
    far = torch.tensor([-12000.0, -700.0, 900.0]) + normal(source, 3)
    cases.append({"log_px_z": normal(source, 3), "kl": 1e-3 * normal(source, 3).abs()})  # of codes near the prior
    return [*cases, {"log_px_z": far, "kl": torch.tensor([200.0, 0.0, 30.0])}]


def _elbo_first(log_px_z: Tensor, kl: Tensor) -> Loss:
    return _loss(-(log_px_z - kl).mean(), (-log_px_z).mean(), kl.mean())


def _as_printed(log_px_z: Tensor, kl: Tensor) -> Loss:
    return _loss(log_px_z.mean() + kl.mean(), log_px_z.mean(), kl.mean())


EXERCISE = Exercise(
    id="04-sign",
    title="Find the lost sign",
    points=2,
    difficulty=2,
    minutes=6,
    task=(
        "Correct the text's total loss: from `log_px_z` `[B]` and `kl` `[B]`, return a dict of three numbers in nats, "
        "means over the batch, `loss` (to be minimised, by `backward()`), `reconstruction` and `kl`, with loss = "
        "reconstruction + kl."
    ),
    hints=(
        "Ask of each of the two terms on its own: should a good model make it large or small? A sum that is minimised "
        "may hold only things that should be small.",
        "loss = -ELBO = -E_q[ log p(x | z) ] + KL, so the part called reconstruction is -E_q[ log p(x | z) ].",
        "`reconstruction` is minus the mean of `log_px_z`; `loss` adds the mean of `kl` to it; hand back a dict with "
        "the three names.",
    ),
    explanation=(
        "A log-likelihood should be large, a KL small. One sum can be minimised for both only after the first has "
        "changed its sign, and then it is minus the ELBO. A name that says its sign, such as reconstruction loss for "
        "the negative log-likelihood, keeps it from being lost again."
    ),
    returns="a dict with loss, reconstruction and kl, each one number",
    reference=total_loss,
    alternatives=(
        Alternative(
            "loop",
            lambda log_px_z, kl: _loss(
                torch.stack([k - value for k, value in zip(kl, log_px_z, strict=True)]).mean(),
                torch.stack([-value for value in log_px_z]).mean(),
                torch.stack(list(kl)).mean(),
            ),
        ),
        Alternative("ELBO first", _elbo_first),
        Alternative(
            "plain numbers for the log",
            lambda log_px_z, kl: {
                "loss": (kl - log_px_z).mean(),
                "reconstruction": -log_px_z.mean().item(),
                "kl": kl.detach().mean(),
            },
        ),
        Alternative("float64", lambda log_px_z, kl: total_loss(log_px_z.double(), kl.double())),
        Alternative(
            "einsum",
            lambda log_px_z, kl: _loss(
                torch.einsum("b->", kl - log_px_z) / len(kl),
                -torch.einsum("b->", log_px_z) / len(kl),
                torch.einsum("b->", kl) / len(kl),
            ),
        ),
    ),
    misconceptions=(
        Misconception(
            "as printed",
            _as_printed,
            "This is the text's loss, unchanged: it adds a log-likelihood, which should be large, to a KL, which "
            "should be small. Minimising it drives the log-likelihood down.",
        ),
        Misconception(
            "the other sign turned",
            lambda log_px_z, kl: _loss(log_px_z.mean() - kl.mean(), log_px_z.mean(), kl.mean()),
            "This is the ELBO, which is to be maximised. A loss is minimised: turn the sign of the log-likelihood, not "
            "of the KL.",
            variants=(
                lambda log_px_z, kl: _loss(log_px_z.mean() - kl.mean(), -log_px_z.mean(), kl.mean()),
                lambda log_px_z, kl: _loss(log_px_z.mean() - kl.mean(), log_px_z.mean(), -kl.mean()),
            ),
        ),
        Misconception(
            "both signs turned",
            lambda log_px_z, kl: _loss(-log_px_z.mean() - kl.mean(), -log_px_z.mean(), kl.mean()),
            "You turned both signs, so that a large KL is rewarded. Only the log-likelihood changes its sign; the KL "
            "is added.",
            variants=(lambda log_px_z, kl: _loss(-log_px_z.mean() - kl.mean(), -log_px_z.mean(), -kl.mean()),),
        ),
        Misconception(
            "loss mended, part left",
            lambda log_px_z, kl: _loss(kl.mean() - log_px_z.mean(), log_px_z.mean(), kl.mean()),
            "The loss is right, but the part called reconstruction still is the log-likelihood, so loss = "
            "reconstruction + kl fails. Turn its sign too.",
        ),
        Misconception(
            "part mended, loss left",
            lambda log_px_z, kl: _loss(log_px_z.mean() + kl.mean(), -log_px_z.mean(), kl.mean()),
            "The reconstruction part has its sign now, but the loss is still the sum with the old one. Use loss = "
            "reconstruction + kl.",
        ),
        Misconception(
            "absolute value",
            lambda log_px_z, kl: _loss(log_px_z.abs().mean() + kl.mean(), log_px_z.abs().mean(), kl.mean()),
            "You take the absolute value, which is minus the log-likelihood only while that is negative. A log density "
            "may be positive, and then a better model would be punished: use a minus.",
            variants=(lambda log_px_z, kl: _loss(log_px_z.mean().abs() + kl.mean(), log_px_z.mean().abs(), kl.mean()),),
        ),
        Misconception(
            "summed over the batch",
            lambda log_px_z, kl: _loss((kl - log_px_z).sum(), -log_px_z.sum(), kl.sum()),
            "The signs are right, but your numbers are sums over the batch and grow with its size. Take means.",
        ),
        Misconception(
            "not averaged",
            lambda log_px_z, kl: _loss(kl - log_px_z, -log_px_z, kl),
            "The signs are right, but these are the values of the single examples, `[B]`. Average each over the batch.",
        ),
        Misconception(
            "sum and mean mixed",
            lambda log_px_z, kl: _loss(kl.mean() - log_px_z.sum(), -log_px_z.sum(), kl.mean()),
            "One part is summed over the batch and the other averaged, so their balance depends on the batch size. "
            "Take the mean of both.",
            variants=(lambda log_px_z, kl: _loss(kl.sum() - log_px_z.mean(), -log_px_z.mean(), kl.sum()),),
        ),
        Misconception(
            "KL left out of the loss",
            lambda log_px_z, kl: _loss(-log_px_z.mean(), -log_px_z.mean(), kl.mean()),
            "The loss holds only the reconstruction. The KL belongs in it too: loss = reconstruction + kl.",
        ),
        Misconception(
            "the loss alone",
            lambda log_px_z, kl: kl.mean() - log_px_z.mean(),
            "The loss is right, but return all three numbers, as a dict with the names loss, reconstruction and kl.",
        ),
        Misconception(
            "a tuple",
            lambda log_px_z, kl: (kl.mean() - log_px_z.mean(), -log_px_z.mean(), kl.mean()),
            "The numbers are right, but return them under their names: a dict with loss, reconstruction and kl.",
        ),
        Misconception(
            "a floor under the KL",
            lambda log_px_z, kl: total_loss(log_px_z, kl.clamp(min=0.5)),
            "You don't let the KL fall below a number of your own. Training by free bits does so on purpose, but what it "
            "trains is not the ELBO: take the KL as it is.",
            variants=(
                *(
                    lambda log_px_z, kl, least=least: total_loss(log_px_z, kl.clamp(min=least))
                    for least in (0.01, 0.1, 0.25, 1.0, 2.0)
                ),
                *(
                    lambda log_px_z, kl, least=least: total_loss(log_px_z, kl.mean().clamp(min=least))
                    for least in (0.01, 0.1, 0.25, 1.0, 2.0)
                ),
            ),
        ),
    ),
    cases=_cases,
    batch="kl",
    probe=_probe,
    gradients=("log_px_z", "kl"),
)
