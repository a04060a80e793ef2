"""Training, for any model and any loss: nothing in this package knows what a VAE is.

Read `loop` first (`fit`), then `run` (its epochs and steps), `schedules`, `guard`, `history`, and `recipes`
(trainings that are done once) and `sweep` (many of them side by side).
"""

from vae_course.training.errors import TrainingError
from vae_course.training.history import History
from vae_course.training.loop import fit
from vae_course.training.recipes import Recipe, fit_or_load
from vae_course.training.schedules import linear_warmup, one_cycle
from vae_course.training.sweep import fit_or_load_all

__all__ = [
    "History",
    "Recipe",
    "TrainingError",
    "fit",
    "fit_or_load",
    "fit_or_load_all",
    "linear_warmup",
    "one_cycle",
]
