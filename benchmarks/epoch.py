"""An epoch of the 784-400-20 VAE at batch 128: `fit` against the plain loop and against its bare matrix products."""

import torch

from benchmarks.plain import PlainLoop, sixty_thousand
from benchmarks.table import Row, in_turns, median_ratio, middle, show
from vae_course import data
from vae_course.models import VAE
from vae_course.objectives import negative_elbo
from vae_course.training import fit

BATCH = 128


def measure(quick: bool = False) -> list[Row]:
    splits = data.load("auto", limit=10 * BATCH if quick else None)
    images = sixty_thousand(splits)
    model = VAE.mlp(20)
    # One call is one epoch with everything that belongs to it: checks, set-up, progress bar, history.
    jobs = {
        "plain": PlainLoop(images).epoch,
        "fit": lambda: fit(model, images, loss=negative_elbo, epochs=1, batch_size=BATCH, device="cpu"),
        "products": Products(steps=-(-len(images) // BATCH)).run,
    }
    in_turns({"fit": jobs["fit"], "products": jobs["products"]}, rounds=1)  # warm up
    seconds = in_turns(jobs, rounds=1 if quick else 7)
    faster = median_ratio(seconds["plain"], seconds["fit"])
    longer = median_ratio(seconds["fit"], seconds["products"])
    what, ours = f"epoch of {len(images):,} images", middle(seconds["fit"])
    return [
        Row(what, ours, f"plain loop {middle(seconds['plain'])}", f"{faster:.1f} times faster", "3.3", faster >= 3.3),
        Row(
            what,
            ours,
            f"its five large matrix products alone {middle(seconds['products'])}",
            f"{longer:.1f} times as long",
            "3.2",
            longer <= 3.2,
        ),
    ]


class Products:
    """The five large matrix products of every step: two forward, two for the weights' gradients, one back through."""

    def __init__(self, *, steps: int) -> None:
        self.steps = steps
        self.w1, self.w4 = torch.randn(784, 400), torch.randn(400, 784)
        self.x, self.h = torch.randn(BATCH, 784), torch.randn(BATCH, 400)

    def run(self) -> None:
        for _ in range(self.steps):
            hidden, logits = self.x @ self.w1, self.h @ self.w4
            self.x.T @ hidden
            self.h.T @ logits
            logits @ self.w4.T


if __name__ == "__main__":
    show(measure, __doc__)
