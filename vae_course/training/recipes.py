"""Trainings that are done once: a recipe, and `fit_or_load`, which runs it or finds its result."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from vae_course.data import Images, cache_dir
from vae_course.training import checkpoint as files
from vae_course.training.errors import TrainingError
from vae_course.training.fingerprint import core_fingerprint, fingerprint
from vae_course.training.history import History
from vae_course.training.loop import fit
from vae_course.training.progress import shows_progress
from vae_course.training.rng import isolated_rng
from vae_course.training.run import Callback, Loss, Transform
from vae_course.training.schedules import Anneal
from vae_course.training.settings import Settings


@dataclass(frozen=True, kw_only=True, eq=False)
class Recipe(Settings):
    """Everything that decides how a training ends; the fields are those of `fit`.

    Args:
        name: what to call it, in messages and in the file's name.
        build: makes the untrained model; it is called with PyTorch's random numbers seeded with `seed`.
        images, loss, val, anneal, transform: as in `fit`, with epochs, batch_size, lr, adam_eps, schedule, patience
            and seed.

    Raises:
        ValueError: the name is empty, or a setting makes no sense.
    """

    name: str
    build: Callable[[], nn.Module]
    images: Images | Tensor | tuple[Tensor, ...]
    loss: Loss
    val: Images | Tensor | tuple[Tensor, ...] | None = None
    anneal: Anneal | None = None
    transform: Transform | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.name or not self.name.replace("-", "").replace("_", "").isalnum():
            raise ValueError(f"The recipe's name is {self.name!r}: give letters, digits, - and _, such as lesson-07.")

    @property
    def settings(self) -> dict[str, Any]:
        """The plain numbers of the recipe."""
        return {field.name: getattr(self, field.name) for field in fields(Settings)}

    @property
    def arguments(self) -> dict[str, Any]:
        """Everything that `fit` is called with beside the model and the images."""
        names = ("loss", "val", "anneal", "transform")
        return {name: getattr(self, name) for name in names} | self.settings

    @property
    def key(self) -> str:
        """Equal for recipes whose settings, data and code are: a function with another body changes it."""
        functions = (self.build, self.loss, self.anneal, self.transform)
        data = [images.x if isinstance(images, Images) else images for images in (self.images, self.val)]
        return fingerprint(self.settings, core_fingerprint(), functions, data)


def fit_or_load(
    recipe: Recipe,
    *,
    device: str | torch.device = "auto",
    progress: bool = True,
    callbacks: Sequence[Callback] = (),
) -> tuple[nn.Module, History]:
    """The model that a recipe makes: trained now, or loaded if the same recipe was trained here before.

    It says in one line which of the two it did. The result lies in the cache folder under the recipe's name and key,
    so that a change of the data, a setting, or any function that takes part trains anew.

    Raises:
        TypeError, ValueError, TrainingError: as in `fit`.
    """
    found = load(recipe)
    if found is not None:
        _say(f'Loaded "{recipe.name}", trained before by the same recipe: {found[1].summary()}.', progress)
        return found
    model = build(recipe)
    history = fit(model, recipe.images, **recipe.arguments, device=device, progress=progress, callbacks=callbacks)
    _say(f'Trained "{recipe.name}": {history.summary()}.', progress)
    keep(recipe, model, history)
    return model, history


def build(recipe: Recipe) -> nn.Module:
    """The untrained model of a recipe."""
    with isolated_rng(recipe.seed):
        return recipe.build()


def load(recipe: Recipe) -> tuple[nn.Module, History] | None:
    """The model of a recipe that was trained here before, with its history; None where there is none."""
    path = _path(recipe)
    if not path.exists():
        return None
    model = build(recipe)
    try:
        state = files.load(path)
        model.load_state_dict(state["model"])
        return model, History.from_dict(state["history"])
    except (TrainingError, RuntimeError, KeyError, TypeError):
        print(f"{path} is damaged, so the model is trained again.")
        return None


def keep(recipe: Recipe, model: nn.Module, history: History) -> None:
    """Put a finished training where `load` finds it; one that was interrupted is not kept."""
    if history.stopped == "interrupted":
        return
    try:
        files.save({"model": model.state_dict(), "history": history.to_dict()}, _path(recipe))
    except TrainingError as error:
        print(f"The trained model is not kept for next time. {error}")


def _path(recipe: Recipe) -> Path:
    return cache_dir() / "models" / f"{recipe.name}-{recipe.key[:16]}.pt"


def _say(line: str, progress: bool) -> None:
    """Tell what happened, unless progress is silenced: a built notebook then reads the same either way."""
    if shows_progress(progress):
        print(line)
