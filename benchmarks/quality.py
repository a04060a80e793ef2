"""The quality that the plain loop has after 10 epochs, and how much sooner `fit` has it."""

import time

from benchmarks.plain import PlainLoop, sixty_thousand
from benchmarks.table import Row, show
from vae_course import data
from vae_course.evaluation import evaluate
from vae_course.models import VAE
from vae_course.objectives import negative_elbo
from vae_course.training import fit

EPOCHS, PEAK = 4, 1.4e-2
# What the plain loop reaches on MNIST on average over seeds; single runs lie between 105.3 and 105.8.
PLAIN_QUALITY = 105.6


def measure(quick: bool = False) -> list[Row]:
    splits = data.load("auto", limit=1000 if quick else None)
    plain = PlainLoop(sixty_thousand(splits))
    start = time.perf_counter()
    for _ in range(1 if quick else 10):
        plain.epoch()
    plain_seconds = time.perf_counter() - start
    goal = plain.test_loss(splits.test.x)

    model = VAE.mlp(20)
    start = time.perf_counter()
    fit(model, splits.train, loss=negative_elbo, epochs=1 if quick else EPOCHS, lr=PEAK, device="cpu")
    seconds = time.perf_counter() - start
    loss = -evaluate(model, splits.test).elbo
    return [
        Row(
            f"test loss {loss:.1f} nats on grey {splits.name} images",
            f"{seconds:.1f} s",
            f"plain loop, 10 epochs: {goal:.1f} nats in {plain_seconds:.1f} s",
            f"{plain_seconds / seconds:.1f} times faster",
            f"6, at {PLAIN_QUALITY} nats",
            plain_seconds >= 6 * seconds and loss <= PLAIN_QUALITY,
        )
    ]


if __name__ == "__main__":
    show(measure, __doc__)
