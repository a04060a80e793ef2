"""Training, for any model and any loss: nothing in this package knows what a VAE is.

Read `fit` first, then `batches`, `guard`, `history`, `schedules` and `checkpoint`, and last `recipes`: trainings that are
done once, one or many of them side by side, which their `fingerprint` tells apart.
"""

from vae_course.training.errors import TrainingError
from vae_course.training.fit import fit
from vae_course.training.history import History
from vae_course.training.recipes import Recipe, fit_or_load, fit_or_load_all
from vae_course.training.schedules import linear_warmup, one_cycle

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
