"""A manifold of ten digits in a plane: the recipe of lesson 08, beside the plain loop that it replaces.

The plain loop is that of the second text: 784-128-2, batches of 8, Adam with 3e-4, 100 epochs. A stated part of one of its
epochs is measured, and the rest is reckoned from it.
"""

import time

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Subset

from benchmarks.plain import Digits, sixty_thousand
from benchmarks.table import Row, show
from vae_course import data
from vae_course.models import VAE
from vae_course.objectives import negative_elbo
from vae_course.training import fit

GOAL = 60  # seconds
# The recipe of lesson 08; tests/notebooks/test_lesson_08.py holds the two together.
HIDDEN, SHOWN, BATCH, PEAK = (256, 128), 800_000, 128, 3e-3
PLAIN_BATCH, PLAIN_STEPS = 8, 750  # a tenth of an epoch of 60,000 images


class PlainPlane(nn.Module):
    """The 784-128-2 VAE, with mu and sigma through a sigmoid as that text has them."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1, self.fc21, self.fc22 = nn.Linear(784, 128), nn.Linear(128, 2), nn.Linear(128, 2)
        self.fc3, self.fc4 = nn.Linear(2, 128), nn.Linear(128, 784)

    def loss(self, x: Tensor) -> Tensor:
        """The loss as it is printed: a mean of squared errors and 0.0001 times the KL, summed over the batch."""
        x = x.view(-1, 784)
        h = F.relu(self.fc1(x))
        mu, std = torch.sigmoid(self.fc21(h)), torch.sigmoid(self.fc22(h))
        z = mu + std * torch.randn(2)
        kl = 0.5 * (std**2 + mu**2 - 1 - 2 * std.log()).sum()
        return F.mse_loss(F.relu(self.fc4(F.relu(self.fc3(z)))), x) + 1e-4 * kl


def measure(quick: bool = False) -> list[Row]:
    splits = data.load("auto", limit=1000 if quick else None)
    ours = train(splits, shown=5000 if quick else SHOWN)
    images, steps = sixty_thousand(splits), 20 if quick else PLAIN_STEPS
    part = steps * PLAIN_BATCH / len(images)
    epoch = plain_seconds(images, steps) / part
    return [
        Row(
            f"2-D manifold of {splits.name}, {SHOWN:,} images shown",
            f"{ours:.1f} s",
            f"one epoch of the plain batch-{PLAIN_BATCH} loop {epoch:.0f} s (reckoned from {100 * part:.0f} % of it), of 100",
            f"{100 * epoch / ours:,.0f} times faster than 100 epochs",
            f"{GOAL} s",
            ours <= GOAL,
        )
    ]


def train(splits: data.Splits, *, shown: int) -> float:
    """Seconds of one training by the lesson's recipe."""
    torch.manual_seed(0)
    model = VAE.mlp(2, hidden=HIDDEN)
    start = time.perf_counter()
    fit(
        model,
        splits.train,
        loss=negative_elbo,
        transform=data.dynamic_binarize,
        epochs=max(1, round(shown / len(splits.train))),
        batch_size=BATCH,
        lr=PEAK,
        seed=0,
        device="cpu",
    )
    return time.perf_counter() - start


def plain_seconds(images: Tensor, steps: int) -> float:
    """Seconds that the plain loop needs for so many steps."""
    torch.manual_seed(0)
    model = PlainPlane()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-4)
    chosen = Subset(Digits(images), range(steps * PLAIN_BATCH))
    start = time.perf_counter()
    for x, _ in DataLoader(chosen, batch_size=PLAIN_BATCH, shuffle=True):
        optimizer.zero_grad()
        loss = model.loss(x)
        loss.backward()
        loss.item()
        optimizer.step()
    return time.perf_counter() - start


if __name__ == "__main__":
    show(measure, __doc__)
