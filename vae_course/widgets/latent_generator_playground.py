"""Pictures of each class from a diffusion prior on codes, with more or less guidance, and what it costs in variety."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from vae_course.latent_diffusion import DiffusionPrior
from vae_course.models import VAE
from vae_course.plotting.figure import AltFigure
from vae_course.plotting.images import image_rows
from vae_course.studies.latent_generators import class_codes, class_spread
from vae_course.support.state import evaluating
from vae_course.support.words import count
from vae_course.widgets.playground import Playground, choice, slider

SHOWN = 6  # pictures of a class
WIDTH = 688  # screen pixels of ten classes
MOST = 3.0  # weight of the guidance
STEPS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32)
DRAWS = tuple(range(20))


@dataclass(frozen=True)
class Guidance:
    """Pictures `[K, SHOWN, 1, H, W]` of each class, and how their codes are spread.

    Args:
        pictures: mean images; the k-th of every class begins at the same noise.
        right: whether each is read as its class, `[K, SHOWN]`; None where nobody reads.
        spread: see `class_spread`, of these codes.
        free: the same without guidance, from the same noise in as many steps.
    """

    pictures: Tensor
    right: Tensor | None
    spread: tuple[float, float]
    free: tuple[float, float]


class LatentGeneratorPlayground(Playground):
    """A grid of pictures, a column for each class, drawn by DDIM with guidance; a row begins at one noise.

    Sliders choose the guidance's weight, the number of steps, and other noise, to which the button goes on too. Drag one, or
    focus it and press the arrow keys; `go` does the same from code. Pictures that are read as another class lie on a tint.

    Args:
        model: a trained VAE of grey images.
        prior: a prior trained on its codes and their classes.
        read: a trained network that tells classes, from images to K scores; without it nothing is read.

    Raises:
        ValueError: the prior knows no classes, or its codes are not as long as the model's.
    """

    def __init__(self, model: VAE, prior: DiffusionPrior, read: nn.Module | None = None) -> None:
        if model.latent_dim != prior.latent_dim:
            lengths = f"{prior.latent_dim} numbers and the model's {model.latent_dim}"
            raise ValueError(f"The prior's codes have {lengths}: give a prior that was trained on codes of this model.")
        self.model, self.prior, self.read = model, prior, read
        controls = {
            "weight": slider("guidance w", 0.0, MOST),
            "n_steps": choice("steps", STEPS, start=16),
            "draws": choice("draws", DRAWS, start=0),
        }
        buttons = [("Other noise", "The drawing", self.other_noise), ("Reset", "The reset", self.reset)]
        super().__init__(controls, name="vae-generator", width=WIDTH, buttons=buttons)

    def compute(self, weight: float, n_steps: int, draws: int) -> Guidance:
        """The pictures with this guidance, from one set of noise."""
        z, free = (class_codes(self.prior, n=SHOWN, weight=w, n_steps=n_steps, seed=draws) for w in (weight, 0.0))
        with evaluating(self.model) as device:
            pictures = self.model.decode_mean(z.flatten(0, 1).to(device=device))
        right = None if self.read is None else self._right(pictures, self.read)
        return Guidance(pictures.unflatten(0, z.shape[:2]), right, class_spread(z), class_spread(free))

    def draw(self, value: Guidance) -> AltFigure:
        """The pictures, a row for each noise."""
        rows = {f"noise {k + 1}": value.pictures[:, k] for k in range(SHOWN)}
        marked = None if value.right is None else {f"noise {k + 1}": ~value.right[:, k] for k in range(SHOWN)}
        return image_rows(rows, marked=marked, columns=range(len(value.pictures)))

    def in_words(self, value: Guidance) -> str:
        """How many pictures are read right, and what of the variety is left."""
        weight, n_steps, draws = self.values.values()
        (std, share), (free_std, free_share), right = value.spread, value.free, value.right
        read = "" if right is None else f" {int(right.sum())} of {right.numel()} pictures are read as their class."
        spread = (
            f"{share:.0%} of the variance of the codes lies within classes, {free_share:.0%} without guidance; within a class"
            f" they spread {std / free_std:.2f} times as far as without."
        )
        return f"w = {weight:.2f}, {count(n_steps, 'step')}, draws {draws}:{read} {spread}"

    def other_noise(self) -> None:
        """The next noise; after the last comes the first."""
        self.go(draws=(self.values["draws"] + 1) % len(DRAWS))

    def _right(self, pictures: Tensor, read: nn.Module) -> Tensor:
        """Which of the pictures `[K n, 1, H, W]` are read as their class, `[K, n]`."""
        with evaluating(read) as device:
            found = read(pictures.to(device=device)).argmax(1).cpu()
        return found.unflatten(0, (-1, SHOWN)) == torch.arange(self.prior.n_classes).unsqueeze(1)
