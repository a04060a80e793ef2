"""A trained row beside the published one: -log p(x) with its standard error, active units, paired differences."""

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from vae_course.data import Images, dynamic_binarize
from vae_course.evaluation import active_units, log_marginal_each, standard_error
from vae_course.models import VAE
from vae_course.studies.replicate.iwae import BATCH, Row, loss_of, network

WARM, TIMED = 3, 12  # steps before the clock starts, and those whose middle one counts


@dataclass(frozen=True)
class Result:
    """What one row came to here: -log p(x) of every test image `[N]` in nats, and the active units."""

    row: Row
    nlls: Tensor
    active: int

    @property
    def nll(self) -> float:
        """The mean over the test images."""
        return float(self.nlls.mean())

    @property
    def error(self) -> float:
        """Its standard error."""
        return float(standard_error(self.nlls))


def measure(row: Row, model: VAE, test: Images, *, draws: int, device: torch.device) -> Result:
    """-log p(x) by the bound with `draws` draws, and the active units."""
    model.to(device)
    nlls = -log_marginal_each(model, test, k=draws)
    return Result(row, nlls, active_units(model, test))


def table(results: Sequence[Result]) -> str:
    """The rows beside the published ones; the differences are those of the same test images to the first row."""
    head = f"{'':14}{'-log p(x) here':>20}{'published':>11}{'active':>8}{'published':>11}   difference to the first row"
    lines = [head]
    for result in results:
        here = f"{result.nll:.2f} ± {result.error:.2f}"
        ours = f"{result.row.name:14}{here:>20}{result.row.nll:>11.2f}{result.active:>8}{result.row.active:>11}"
        lines.append(f"{ours}   {_difference(result, results[0])}".rstrip())
    return "\n".join(lines)


def seconds_per_step(row: Row, images: Images, device: torch.device) -> float:
    """How long one step of this row takes on this device, from a few steps of an untrained network."""
    model, loss = network(images.x.mean(0)).to(device), loss_of(row)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)
    x = dynamic_binarize(images.x[:BATCH]).to(device)
    times = [_now(device)]
    for _ in range(WARM + TIMED):
        optimizer.zero_grad()
        loss(model, x)["loss"].backward()
        optimizer.step()
        times.append(_now(device))
    return statistics.median(after - before for before, after in pairwise(times[WARM:]))


def _difference(result: Result, first: Result) -> str:
    if result is first:
        return ""
    paired = result.nlls - first.nlls
    return f"{paired.mean():+.2f} ± {standard_error(paired):.2f}"


def _now(device: torch.device) -> float:
    """The clock, once the device has done all that it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()
