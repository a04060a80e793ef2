"""Trainings that are done once: a recipe, `fit_or_load`, which runs it or finds its result, and many side by side."""

import copy
import os
import sys
from collections.abc import Callable, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor, nn

from vae_course.data import Images, cache_dir
from vae_course.support.state import isolated_rng, pick_device
from vae_course.support.threads import one_thread, usable_processors
from vae_course.training import checkpoint as files
from vae_course.training.batches import Data
from vae_course.training.errors import TrainingError
from vae_course.training.fingerprint import core_fingerprint, fingerprint
from vae_course.training.fit import Callback, TrainingSettings, train
from vae_course.training.history import History, progress_bar, shows_progress

Trained = tuple[nn.Module, History]
# Bytes: what a lesson's own process needs, and each process that trains for it, PyTorch included.
OWN_MEMORY, MEMORY_OF_A_PROCESS = 1_100 << 20, 650 << 20


@dataclass(frozen=True, kw_only=True, eq=False)
class Recipe(TrainingSettings):
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
    images: Data

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.name or not self.name.replace("-", "").replace("_", "").isalnum():
            raise ValueError(f"The recipe's name is {self.name!r}: give letters, digits, - and _, such as lesson-07.")

    @property
    def key(self) -> str:
        """Equal for recipes whose settings, data and code are: a function with another body changes it."""
        functions = (self.build, self.loss, self.anneal, self.transform)
        data = [images.x if isinstance(images, Images) else images for images in (self.images, self.val)]
        return fingerprint(self.numbers, core_fingerprint(), functions, data)


def fit_or_load(
    recipe: Recipe,
    *,
    device: str | torch.device = "auto",
    progress: bool = True,
    callbacks: Sequence[Callback] = (),
) -> Trained:
    """The model that a recipe makes: trained now, or loaded if the same recipe was trained here before.

    It says in one line which of the two it did. The result lies in the cache folder under the recipe's name and key,
    so that a change of the data, a setting, or any function that takes part trains anew.

    Raises:
        TypeError, ValueError, TrainingError: as in `fit`.
    """
    path = _path(recipe, recipe.key)
    found = _load(recipe, path)
    if found is not None:
        _say(f'Loaded "{recipe.name}", trained before by the same recipe: {found[1].summary()}.', progress)
        return found
    trained = _train(recipe, device, progress, callbacks)
    _say(f'Trained "{recipe.name}": {trained[1].summary()}.', progress)
    _keep(path, *trained)
    return trained


def fit_or_load_all(
    recipes: Sequence[Recipe], *, n_jobs: int = -1, device: str | torch.device = "auto", progress: bool = True
) -> list[Trained]:
    """`fit_or_load` for many recipes: those that were not trained before are trained at the same time, one per core.

    Each training runs in a process of its own, on one thread. A single GPU does not gain by that, so there, and where
    `n_jobs` is 1 or no process can be started, the recipes are trained one after the other; so it is where a JupyterHub,
    such as Binder's, has said by the environment variable MEM_LIMIT that there is no memory for two processes more. A
    recipe's result is the same wherever it was trained, up to rounding. One press of the stop button stops them all;
    those that were finished by then are kept for the next call.

    Args:
        recipes: what to train; two of them with the same key are trained once.
        n_jobs: trainings at the same time; -1 for one on each core that this process may use.
        device: as in `fit`.
        progress: show a progress bar over the trainings, and one line about them.

    Returns:
        model and history of each recipe, in their order.

    Raises:
        TypeError, ValueError, TrainingError: as in `fit`.
        KeyboardInterrupt: the stop button was pressed.
    """
    if n_jobs == 0:
        raise ValueError("n_jobs is 0: give the number of trainings at the same time, or -1 for one on each core.")
    chosen, keys = pick_device(device), [recipe.key for recipe in recipes]
    by_key = dict(zip(keys, recipes, strict=True))
    results = {key: found for key, recipe in by_key.items() if (found := _load(recipe, _path(recipe, key)))}
    missing = {key: recipe for key, recipe in by_key.items() if key not in results}
    processes = min(n_jobs if n_jobs > 0 else usable_processors(), len(missing), _affordable())
    if processes > 1 and chosen.type == "cpu":
        results |= _side_by_side(missing, processes, progress)
    for key, recipe in missing.items():
        if key not in results:
            results[key] = _finished(recipe, key, *_train(recipe, chosen, progress))
    if shows_progress(progress):
        loaded = len(recipes) - len(missing)
        print(f"{len(missing)} of {len(recipes)} models trained now, {loaded} loaded from an earlier run.")
    # Equal recipes were trained once, and each has a model of its own.
    return [copy.deepcopy(results[key]) if key in keys[:i] else results[key] for i, key in enumerate(keys)]


def _side_by_side(recipes: dict[str, Recipe], processes: int, progress: bool) -> dict[str, Trained]:
    """Train in processes, and hand back what became of it by key: all, or less where processes fail."""
    from joblib import Parallel, delayed

    done: dict[str, Trained] = {}
    try:
        results = Parallel(n_jobs=processes, return_as="generator")(
            delayed(_train_alone)(_cut_out(recipe)) for recipe in recipes.values()
        )
        with progress_bar(total=len(recipes), done=0, show=progress, unit=" models") as bar, closing(results):
            for (key, recipe), (state, history) in zip(recipes.items(), results, strict=True):
                model = _build(recipe)
                model.load_state_dict(state)
                done[key] = _finished(recipe, key, model, history)
                bar.update(1)
    except (OSError, ImportError) as error:
        print(f"No training processes can be started here ({error}), so the models are trained one after the other.")
    except BrokenProcessPool:
        print(
            "A training process was ended from outside, as happens where memory is short, so the rest is trained here."
        )
    return done


def _train_alone(recipe: Recipe) -> tuple[dict[str, Tensor], History]:
    """One training, in a process of its own."""
    with one_thread():
        model, history = _train(recipe, "cpu", progress=False)
    return model.state_dict(), history


def _finished(recipe: Recipe, key: str, model: nn.Module, history: History) -> Trained:
    """A result of many, kept on disk too; the first that was interrupted stops the rest."""
    if history.stopped == "interrupted":
        raise KeyboardInterrupt(f'The training of "{recipe.name}" was stopped; those before it are kept.')
    _keep(_path(recipe, key), model, history)
    return model, history


def _affordable() -> int:
    """The number of processes for which there is memory, as far as somebody has said how much there is."""
    limit = os.environ.get("MEM_LIMIT", "")
    return max(1, (int(limit) - OWN_MEMORY) // MEMORY_OF_A_PROCESS) if limit.isdigit() else sys.maxsize


def _cut_out(recipe: Recipe) -> Recipe:
    """The recipe with its data cut out: a process would be sent the whole that a slice is a view of."""

    def own(data: Data) -> Data:
        if isinstance(data, tuple):
            return tuple(own_tensor(tensor) for tensor in data)
        return own_tensor(data.x if isinstance(data, Images) else data)

    def own_tensor(tensor: Tensor) -> Tensor:
        return tensor.clone() if tensor.untyped_storage().nbytes() > tensor.nbytes else tensor

    return replace(recipe, images=own(recipe.images), val=None if recipe.val is None else own(recipe.val))


def _train(recipe: Recipe, device: str | torch.device, progress: bool, callbacks: Sequence[Callback] = ()) -> Trained:
    model = _build(recipe)
    return model, train(model, recipe.images, recipe, device=device, progress=progress, callbacks=callbacks)


def _build(recipe: Recipe) -> nn.Module:
    """The untrained model of a recipe."""
    with isolated_rng(recipe.seed):
        return recipe.build()


def _load(recipe: Recipe, path: Path) -> Trained | None:
    """The model of a recipe that was trained here before, with its history; None where there is none."""
    if not path.exists():
        return None
    model = _build(recipe)
    try:
        state = files.load(path)
        model.load_state_dict(state["model"])
        return model, History.from_dict(state["history"])
    except (TrainingError, RuntimeError, KeyError, TypeError):
        print(f"{path} is damaged, so the model is trained again.")
        return None


def _keep(path: Path, model: nn.Module, history: History) -> None:
    """Put a finished training where `_load` finds it; one that was interrupted is not kept."""
    if history.stopped == "interrupted":
        return
    try:
        files.save({"model": model.state_dict(), "history": history.to_dict()}, path)
    except TrainingError as error:
        print(f"The trained model is not kept for next time. {error}")


def _path(recipe: Recipe, key: str) -> Path:
    return cache_dir() / "models" / f"{recipe.name}-{key[:16]}.pt"


def _say(line: str, progress: bool) -> None:
    """Tell what happened, unless progress is silenced: a built notebook then reads the same either way."""
    if shows_progress(progress):
        print(line)
