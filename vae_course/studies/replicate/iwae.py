"""One stochastic layer on MNIST, as in table 1 of the paper on importance-weighted autoencoders.

The network, the two objectives and the schedule are the paper's; `PUBLISHED` holds its numbers. Two things differ: the
moments of Adam begin anew at each of the eight learning rates, and the weights begin as PyTorch draws them here.

Source: Burda, Grosse and Salakhutdinov, Importance Weighted Autoencoders (ICLR 2016), section 5 and table 1.
"""

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor, nn

from vae_course.data import Images, dynamic_binarize
from vae_course.models import VAE
from vae_course.objectives import negative_elbo, negative_iwae
from vae_course.training import fit

LATENT, HIDDEN = 50, 200
BATCH, EPS = 20, 1e-4
STAGES = 8  # learning rates, each for three times as many epochs as the one before
EPOCHS = sum(3**i for i in range(STAGES))
IMAGES, DRAWS = 60_000, 5_000


class ScheduleError(ValueError):
    """The schedule of the paper has no such beginning."""


@dataclass(frozen=True)
class Row:
    """One row of the table: what is maximised with how many draws, and what the paper found.

    Args:
        objective: the ELBO with a mean over the draws ("VAE"), or the importance-weighted bound ("IWAE").
        k: draws of z for each image and step.
        nll: the published -log p(x) of a test image, in nats.
        active: the published number of active units.
    """

    objective: Literal["VAE", "IWAE"]
    k: int
    nll: float
    active: int

    @property
    def name(self) -> str:
        """How the row is called in tables."""
        return f"{self.objective}, k = {self.k}"

    @property
    def key(self) -> str:
        """How it is called on the command line and in files."""
        return f"{self.objective.lower()}-{self.k}"


# IWAE with k = 1 is the VAE with k = 1, and the paper prints the same numbers for it.
PUBLISHED = (
    Row("VAE", 1, 86.76, 19),
    Row("VAE", 5, 86.47, 20),
    Row("VAE", 50, 86.35, 20),
    Row("IWAE", 5, 85.54, 22),
    Row("IWAE", 50, 84.78, 25),
)


@dataclass(frozen=True)
class Stage:
    """So many epochs with one learning rate."""

    lr: float
    epochs: int


def stages(epochs: int = EPOCHS) -> list[Stage]:
    """The first `epochs` epochs of the schedule: 3^i of them with learning rate 0.001 * 10^(-i/7), i = 0, ..., 7.

    Raises:
        ScheduleError: epochs is not between 1 and the 3,280 of the whole schedule.
    """
    if not 1 <= epochs <= EPOCHS:
        raise ScheduleError(f"epochs is {epochs}: the schedule has 1 to {EPOCHS:,}.")
    found, left = [], epochs
    for i in range(STAGES):
        if left > 0:
            found.append(Stage(1e-3 * 10 ** (-i / 7), min(3**i, left)))
        left -= 3**i
    return found


def network(pixel_means: Tensor) -> VAE:
    """The VAE 784-200-200-50-200-200-784 with tanh, its output biases at the log odds of each pixel's mean.

    Args:
        pixel_means: the mean of every pixel over the training images, `[1, 28, 28]`, in [0, 1].
    """
    encoder = nn.Sequential(nn.Flatten(), *_stack(784, 2 * LATENT))
    to_pixels = _stack(LATENT, 784)
    with torch.no_grad():
        to_pixels[-1].get_parameter("bias").copy_(torch.logit(pixel_means.flatten().clamp(0.001, 0.999)))
    return VAE(encoder, nn.Sequential(*to_pixels, nn.Unflatten(1, (1, 28, 28))), latent_dim=LATENT)


def loss_of(row: Row) -> Callable[..., dict[str, Tensor]]:
    """What is minimised in this row, a loss for `training.fit`."""
    if row.objective == "IWAE":
        return functools.partial(negative_iwae, k=row.k)
    return functools.partial(negative_elbo, n_samples=row.k)


def train(
    row: Row, images: Images, *, epochs: int, folder: Path, device: str, progress: bool = True
) -> tuple[VAE, float, bool]:
    """Train one row for the first `epochs` epochs of the schedule, or go on from the files in `folder`.

    Each stage keeps its state after every epoch in a file of its own.

    Returns:
        the model, the last epoch's mean training loss in nats, and whether it got to the end.
    """
    torch.manual_seed(0)
    model, loss = network(images.x.mean(0)), float("nan")
    for i, (stage, path) in enumerate(zip(stages(epochs), _files(row, images, epochs, folder), strict=True)):
        history = fit(
            model,
            images,
            loss=loss_of(row),
            epochs=stage.epochs,
            batch_size=BATCH,
            lr=stage.lr,
            adam_eps=EPS,
            schedule="constant",
            transform=dynamic_binarize,
            seed=i,
            device=device,
            progress=progress,
            checkpoint=path,
        )
        if history.stopped == "interrupted":
            return model, loss, False
        loss = history.train["loss"][-1]
    return model, loss, True


def _stack(n_in: int, n_out: int) -> list[nn.Module]:
    """Two hidden layers with tanh, the weights drawn as Glorot and Bengio (2010) advise for it, the biases zero."""
    layers = [nn.Linear(n_in, HIDDEN), nn.Tanh(), nn.Linear(HIDDEN, HIDDEN), nn.Tanh(), nn.Linear(HIDDEN, n_out)]
    for layer in layers:
        if isinstance(layer, nn.Linear):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)
    return layers


def _files(row: Row, images: Images, epochs: int, folder: Path) -> Iterator[Path]:
    """Where each stage keeps its state: a stage that is cut short is another file than the whole one."""
    for i, stage in enumerate(stages(epochs)):
        yield folder / f"{row.key}-{len(images)}-images-stage-{i}-{stage.epochs}-epochs.pt"
