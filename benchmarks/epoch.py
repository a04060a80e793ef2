"""An epoch of the 784-400-20 VAE at batch 128: `fit` against the plain loop, its steps by hand, and its bare products."""

import torch
from torch import Tensor
from torch.nn import functional as F

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
        "hand": ByHand(images).epoch,
        "products": Products(steps=-(-len(images) // BATCH)).run,
    }
    in_turns({name: job for name, job in jobs.items() if name != "plain"}, rounds=1)  # warm up
    seconds = in_turns(jobs, rounds=1 if quick else 7)
    faster = median_ratio(seconds["plain"], seconds["fit"])
    by_hand = median_ratio(seconds["plain"], seconds["hand"])
    over_hand = median_ratio(seconds["fit"], seconds["hand"])
    longer = median_ratio(seconds["fit"], seconds["products"])
    what, ours = f"epoch of {len(images):,} images", middle(seconds["fit"])
    return [
        Row(what, ours, f"plain loop {middle(seconds['plain'])}", f"{faster:.2f} times faster", "3.3", faster >= 3.3),
        Row(
            what,
            ours,
            f"its steps by hand, nothing checked, kept or shown, {middle(seconds['hand'])}: {by_hand:.2f} times faster "
            "than the plain loop",
            f"{over_hand:.2f} times as long",
            "1.25",
            over_hand <= 1.25,
        ),
        Row(
            what,
            ours,
            f"its five large matrix products alone {middle(seconds['products'])}",
            f"{longer:.2f} times as long",
            "3.2",
            longer <= 3.2,
        ),
    ]


class ByHand:
    """The same steps written out, as bare as they can be: what no loop around them can fall below."""

    def __init__(self, images: Tensor) -> None:
        self.images, self.model = images, VAE.mlp(20)
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=1e-3, fused=True)

    def epoch(self) -> None:
        for index in torch.randperm(len(self.images)).split(BATCH):
            x = self.images.index_select(0, index)
            mu, logvar = self.model.encoder(x).chunk(2, dim=-1)
            sigma = torch.exp(0.5 * logvar)
            logits = self.model.decoder(mu + sigma * torch.randn_like(mu))
            kl = 0.5 * (sigma.square() + mu.square() - 1 - logvar).sum()
            loss = (F.binary_cross_entropy_with_logits(logits, x, reduction="sum") + kl) / len(x)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()


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
