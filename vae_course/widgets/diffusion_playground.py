"""Points on their way to noise and back in T steps, and the bound as an area: the fewer steps, the more it is."""

import functools
from dataclasses import dataclass, replace
from itertools import pairwise

import ipywidgets as widgets
import torch
from torch import Tensor

from vae_course.diffusion import DiffusionTerms, cosine, levels, linear_log_snr, sample_ancestral
from vae_course.plotting.diffusion import journeys
from vae_course.plotting.figure import AltFigure
from vae_course.studies.diffusion_worlds import MixtureWorld, expected_terms, limit, two_bumps
from vae_course.support.threads import one_thread
from vae_course.widgets.playground import STYLE, Playground, choice, slider

STEPS = (1, 2, 3, 5, 10, 20, 50, 100, 200)
SCHEDULES = {"linear log-SNR": linear_log_snr, "cosine": cosine}
VARIANCES = ("small", "large", "best")
POINTS, MOMENTS = 24, 60  # points that travel, and parts of the time of a forward path
PLACES = torch.linspace(-3.5, 3.5, 141, dtype=torch.float64)


@dataclass(frozen=True)
class DiffusionView:
    """What is drawn of a model of two bumps with the best denoiser, and its numbers in nats.

    Args:
        densities: of x_t at even times from 0 to 1 and at `PLACES`, `[MOMENTS + 1, N]`.
        there: forward paths at those times, `[MOMENTS + 1, POINTS]`.
        back: the model's paths, `[T + 1, POINTS]`.
        terms: L_T, L_t `[T]` and L_0, on average over data and noise.
        limit: what the L_t tend to in equal parts of the time.
        entropy: -E log p(x0), which no bound's sum is below.
        time: the one that is marked.
    """

    densities: Tensor
    there: Tensor
    back: Tensor
    terms: DiffusionTerms
    limit: Tensor
    entropy: float
    time: float


@functools.lru_cache(maxsize=64)
@one_thread()
def view(n_steps: int, schedule: str, variance: str) -> DiffusionView:
    """The model of T steps with a schedule of `SCHEDULES` and a reverse variance of `VARIANCES`, at t = 1."""
    world, curve, generator = two_bumps(), SCHEDULES[schedule](), torch.Generator().manual_seed(0)
    reverse = world.best_variance if variance == "best" else variance
    moments = levels(curve, MOMENTS)
    densities = torch.stack([world.log_density(PLACES.unsqueeze(-1), at).exp() for at in moments])
    there = _forward(world, moments, generator)
    x_T = torch.randn(POINTS, 1, generator=generator, dtype=torch.float64)
    back = sample_ancestral(
        world.denoiser, x_T, curve, n_steps, reverse_variance=reverse, generator=generator
    ).path.squeeze(-1)
    terms = expected_terms(world, curve, n_steps, reverse)
    return DiffusionView(densities, there, back, terms, limit(world, curve), world.entropy, 1.0)


def render(value: DiffusionView) -> AltFigure:
    """The picture of one view."""
    ways = {"there": value.there, "back": value.back}
    return journeys(PLACES, value.densities, **ways, steps=value.terms.steps, limit=value.limit, at=value.time)


def in_words(value: DiffusionView) -> str:
    """The parts of the bound as a sentence, and what T steps lose."""
    prior, steps, reconstruction = value.terms
    n, bound = len(steps), value.terms.elbo.item()
    begun = steps[int(value.time * n) :].sum().item()
    return (
        f"T = {n}: L_T {prior.item():.3f} + sum of L_t {steps.sum().item():.3f} + L_0 {reconstruction.item():.3f} ="
        f" {-bound:.3f} nats, where the entropy of the data is {value.entropy:.3f}: gap {-bound - value.entropy:.3f}."
        f" Of the sum, {begun:.3f} fall to the steps from t = 1 to {value.time:.2f}."
    )


class DiffusionPlayground(Playground):
    """Sliders for the time and for the number of steps T, and a choice of schedule and reverse variance.

    Above, points of two bumps travel to noise, and noise travels back by the model's steps; below, each step's cost is the
    area of its bar. Drag a slider, or focus it and press the arrow keys. Reset goes back to the start. Methods do the same.
    """

    draw = staticmethod(render)
    in_words = staticmethod(in_words)

    def __init__(self) -> None:
        radio = {"schedule": tuple(SCHEDULES), "variance": VARIANCES}
        controls = {
            "time": slider("time t", 0.0, 1.0, start=0.3),
            "n_steps": choice("steps T", STEPS, start=10),
            **{key: widgets.RadioButtons(options=options, description=key, **STYLE) for key, options in radio.items()},
        }
        super().__init__(controls, name="vae-diffusion", buttons=[("Reset", "The reset", self.reset)])

    def compute(self, time: float, n_steps: float, schedule: str, variance: str) -> DiffusionView:
        """The model at these controls, with one time marked."""
        return replace(view(int(n_steps), schedule, variance), time=time)


def _forward(world: MixtureWorld, log_snr: Tensor, generator: torch.Generator) -> Tensor:
    """Paths of points by the steps of q(x_t | x_s), from draws of the data: `[MOMENTS + 1, POINTS]`."""
    way = [world.sample(POINTS, generator=generator)]
    for s, t in pairwise(log_snr):
        ratio, noise = (torch.sigmoid(t) / torch.sigmoid(s)).sqrt(), (-torch.expm1(t - s) * torch.sigmoid(-t)).sqrt()
        way.append(ratio * way[-1] + noise * torch.randn(POINTS, 1, generator=generator, dtype=torch.float64))
    return torch.stack(way).squeeze(-1)
