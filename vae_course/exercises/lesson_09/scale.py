"""09-scale: mend a loss that takes means where sums belong."""

import torch
from torch import Tensor

from vae_course.exercises.inputs import generator, integer, normal
from vae_course.exercises.model import Alternative, Exercise, Inputs, Misconception


def balanced_loss(errors: Tensor, kl_of_dims: Tensor) -> Tensor:
    """The mean over the batch of the negative ELBO, one number, from [B, P] and [B, D] in nats."""
    return errors.sum(dim=1).mean() + kl_of_dims.sum(dim=1).mean()


def _cases(seed: int) -> list[Inputs]:
    source = generator(seed)
    cases: list[Inputs] = [
        {"errors": torch.tensor([[0.5, 1.0, 2.0]]), "kl_of_dims": torch.tensor([[1.0, 0.2]])},
        {"errors": torch.tensor([[1.0, 2.0, 1.0], [2.0, 0.0, 4.0]]), "kl_of_dims": torch.tensor([[3.0], [1.0]])},
    ]
    few = integer(source, 4, 5), integer(source, 6, 9), integer(source, 2, 3)
    for b, p, d in ((1, 6, 3), few, few, (5, 3, 2), (3, 8, 5), (100, 784, 10)):
        cases.append({"errors": 0.1 + normal(source, b, p).abs(), "kl_of_dims": 0.1 + normal(source, b, d).abs()})
    # Densities above one make errors negative; a KL may be tiny, and a pixel may cost 200 nats.
    cases.append({"errors": 3 * normal(source, *few[:2]), "kl_of_dims": 1e-3 * normal(source, few[0], few[2]).abs()})
    return [*cases, {"errors": 200 * normal(source, 3, 4).abs(), "kl_of_dims": 200 * normal(source, 3, 2).abs()}]


def _loop(errors: Tensor, kl_of_dims: Tensor) -> Tensor:
    total = torch.tensor(0.0)
    for image, code in zip(errors, kl_of_dims, strict=True):
        for error in image:
            total = total + error
        for price in code:
            total = total + price
    return total / len(errors)


EXERCISE = Exercise(
    id="09-scale",
    title="Fix the scale",
    points=2,
    difficulty=2,
    minutes=4,
    task=(
        "Correct the loss of cases A and B: from the loss of each pixel, `errors` `[B, P]`, and the KL of each latent "
        "dimension, `kl_of_dims` `[B, D]`, both in nats, return the mean over the batch of the negative ELBO, one "
        "number."
    ),
    hints=(
        "Four operations are hidden in two means: which of them may be means, and over which axis?",
        "loss = 1/B sum_b ( sum_i errors_bi + sum_d kl_bd ).",
        "Sum each table over axis 1, then take the mean of what is left over the batch, and add the two.",
    ),
    explanation=(
        "The log-probability of an image is a sum over its pixels, and the KL of a code is a sum over its dimensions. "
        "A mean over one of them divides that part by its number of columns and changes the balance of the two. A "
        "mean over the batch changes both alike."
    ),
    returns="one number, a tensor of shape []",
    reference=balanced_loss,
    alternatives=(
        Alternative("loop", _loop),
        Alternative(
            "einsum",
            lambda errors, kl_of_dims: (
                (torch.einsum("bp->", errors) + torch.einsum("bd->", kl_of_dims)) / errors.shape[0]
            ),
        ),
        Alternative("one table", lambda errors, kl_of_dims: torch.cat([errors, kl_of_dims], 1).sum(1).mean()),
        Alternative(
            "means times columns",
            lambda errors, kl_of_dims: errors.mean() * errors.shape[1] + kl_of_dims.mean() * kl_of_dims.shape[1],
        ),
        Alternative("float64", lambda errors, kl_of_dims: balanced_loss(errors.double(), kl_of_dims.double())),
    ),
    misconceptions=(
        Misconception(
            "as it was",
            lambda errors, kl_of_dims: errors.mean() + kl_of_dims.mean(),
            "This is the function as it was: both parts are means over their columns, so the weight of the KL depends "
            "on the numbers of pixels and of latents. Sum over the columns, and average over the batch only.",
            variants=(lambda errors, kl_of_dims: (errors.mean(1) + kl_of_dims.mean(1)).mean(),),
        ),
        Misconception(
            "KL mended only",
            lambda errors, kl_of_dims: errors.mean() + kl_of_dims.sum(1).mean(),
            "The KL is a sum now, the reconstruction still a mean over the pixels. That is case A: the KL counts as "
            "many times too much as there are pixels.",
        ),
        Misconception(
            "reconstruction mended only",
            lambda errors, kl_of_dims: errors.sum(1).mean() + kl_of_dims.mean(),
            "The reconstruction is a sum now, the KL still a mean over the latent dimensions. That is case B: codes "
            "are too cheap by the factor D.",
        ),
        Misconception(
            "the lesson's sizes typed in",
            lambda errors, kl_of_dims: 784 * errors.mean() + 10 * kl_of_dims.mean(),
            "You typed a size in, such as 784 or 10, and another network has others. Take sizes from the shapes, or sum "
            "over axis 1.",
            variants=(
                lambda errors, kl_of_dims: 784 * errors.mean() + 20 * kl_of_dims.mean(),
                lambda errors, kl_of_dims: 784 * errors.mean() + 2 * kl_of_dims.mean(),
                lambda errors, kl_of_dims: 784 * errors.mean() + kl_of_dims.sum(1).mean(),
            ),
        ),
        Misconception(
            "summed over the batch",
            lambda errors, kl_of_dims: errors.sum() + kl_of_dims.sum(),
            "The balance is right, but you sum over the batch too, so the loss and its gradient grow with the batch "
            "size. Divide by the number of images.",
        ),
        Misconception(
            "batch mixed",
            lambda errors, kl_of_dims: errors.sum() + kl_of_dims.sum(1).mean(),
            "One part is summed over the batch and the other averaged, so their balance depends on the batch size. "
            "Average both over the batch.",
            variants=(lambda errors, kl_of_dims: errors.sum(1).mean() + kl_of_dims.sum(),),
        ),
        Misconception(
            "axes swapped",
            lambda errors, kl_of_dims: errors.sum(0).mean() + kl_of_dims.sum(0).mean(),
            "You sum over axis 0, the images, and average over the columns. It is the other way round: sum over axis "
            "1, then average.",
        ),
        Misconception(
            "not averaged",
            lambda errors, kl_of_dims: errors.sum(1) + kl_of_dims.sum(1),
            "These are the losses of the single images, `[B]`, and they are right. Return their mean, one number.",
        ),
        Misconception(
            "the bound",
            lambda errors, kl_of_dims: -errors.sum(1).mean() - kl_of_dims.sum(1).mean(),
            "This is the ELBO, which is to be maximised. `errors` are losses already: add both parts.",
        ),
        Misconception(
            "KL subtracted",
            lambda errors, kl_of_dims: errors.sum(1).mean() - kl_of_dims.sum(1).mean(),
            "You subtract the KL, which rewards expensive codes. In the loss both parts are prices: add them.",
        ),
        Misconception(
            "KL forgotten",
            lambda errors, kl_of_dims: errors.sum(1).mean() + 0 * kl_of_dims.sum(),
            "Only the reconstruction is left. Without the KL this trains an autoencoder: add the KL, summed over the "
            "dimensions.",
            variants=(lambda errors, kl_of_dims: errors.sum(1).mean(),),
        ),
        Misconception(
            "a floor under the KL",
            lambda errors, kl_of_dims: balanced_loss(errors, kl_of_dims.clamp(min=0.05)),
            "You don't let the KL of a dimension fall below a number of your own. Training by free bits does so on purpose, but "
            "what it trains is not the ELBO: take the KL as it is.",
            variants=tuple(
                lambda errors, kl_of_dims, least=least: balanced_loss(errors, kl_of_dims.clamp(min=least))
                for least in (0.01, 0.1, 0.25, 0.5, 1.0, 2.0)
            ),
        ),
    ),
    cases=_cases,
    batch="errors",
    gradients=("errors", "kl_of_dims"),
)
