"""The quality that the plain loop has after 10 epochs, and how much sooner `fit` has it."""

import time
from statistics import mean, median

import torch

from benchmarks.plain import PlainLoop, sixty_thousand
from benchmarks.table import Row, show
from vae_course import data
from vae_course.evaluation import evaluate
from vae_course.models import VAE
from vae_course.objectives import negative_elbo
from vae_course.training import fit

EPOCHS, PEAK, SEEDS = 4, 1.4e-2, (0, 1, 2)
# What the plain loop reaches on MNIST on average over seeds; single runs, of both, lie between 105.2 and 105.8.
PLAIN_QUALITY = 105.6


def measure(quick: bool = False) -> list[Row]:
    splits = data.load("auto", limit=1000 if quick else None)
    plain = PlainLoop(sixty_thousand(splits))
    start = time.perf_counter()
    for _ in range(1 if quick else 10):
        plain.epoch()
    plain_seconds = time.perf_counter() - start
    goal = plain.test_loss(splits.test.x)

    runs = [train(splits, seed, epochs=1 if quick else EPOCHS) for seed in SEEDS]
    seconds, loss = median(run[0] for run in runs), mean(run[1] for run in runs)
    return [
        Row(
            f"test loss {loss:.1f} nats on grey {splits.name} images (mean of {len(runs)} seeds)",
            f"{seconds:.1f} s",
            f"plain loop, 10 epochs: {goal:.1f} nats in {plain_seconds:.1f} s",
            f"{plain_seconds / seconds:.1f} times faster",
            f"6, at {PLAIN_QUALITY} nats",
            plain_seconds >= 6 * seconds and loss <= PLAIN_QUALITY,
        )
    ]


def train(splits: data.Splits, seed: int, *, epochs: int) -> tuple[float, float]:
    """Seconds and grey test loss in nats of one training by `fit`, from the weights and the order of this seed."""
    torch.manual_seed(seed)
    model = VAE.mlp(20)
    start = time.perf_counter()
    fit(model, splits.train, loss=negative_elbo, epochs=epochs, lr=PEAK, seed=seed, device="cpu")
    return time.perf_counter() - start, -evaluate(model, splits.test).elbo


if __name__ == "__main__":
    show(measure, __doc__)
