"""Several trainings side by side, one on each core, by joblib."""

import os
import sys
from collections.abc import Sequence
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace

import torch
from torch import Tensor, nn

from vae_course.data import Images
from vae_course.support.threads import one_thread
from vae_course.training.history import History
from vae_course.training.loop import fit
from vae_course.training.progress import progress_bar, shows_progress
from vae_course.training.recipes import Recipe, build, fit_or_load, keep, load
from vae_course.training.settings import pick_device

Data = Images | Tensor | tuple[Tensor, ...]
State = tuple[dict[str, Tensor], History]
# Bytes: what a lesson's own process needs, and each process that trains for it, PyTorch included.
OWN_MEMORY, MEMORY_OF_A_PROCESS = 1_100 << 20, 650 << 20


def fit_or_load_all(
    recipes: Sequence[Recipe], *, n_jobs: int = -1, device: str | torch.device = "auto", progress: bool = True
) -> list[tuple[nn.Module, History]]:
    """`fit_or_load` for many recipes: those that were not trained before are trained at the same time, one per core.

    Each training runs in a process of its own, on one thread. A single GPU does not gain by that, so there, and where
    `n_jobs` is 1 or no process can be started, the recipes are trained one after the other; so it is where a JupyterHub,
    such as Binder's, has said by the environment variable MEM_LIMIT that there is no memory for two processes more. A
    recipe's result is the same wherever it was trained, up to rounding.

    Args:
        recipes: what to train; two of them with the same key are trained once.
        n_jobs: trainings at the same time; -1 for one on each core.
        device: as in `fit`.
        progress: show a progress bar over the trainings, and one line about them.

    Returns:
        model and history of each recipe, in their order.

    Raises:
        TypeError, ValueError, TrainingError: as in `fit`.
    """
    if n_jobs == 0:
        raise ValueError("n_jobs is 0: give the number of trainings at the same time, or -1 for one on each core.")
    chosen = pick_device(device)
    missing = {recipe.key: recipe for recipe in recipes if load(recipe) is None}
    processes = min(n_jobs if n_jobs > 0 else _cores(), len(missing), _affordable())
    if processes > 1 and chosen.type == "cpu":
        _train_side_by_side(list(missing.values()), processes, progress)
    else:
        for recipe in missing.values():
            fit_or_load(recipe, device=chosen, progress=progress)
    if shows_progress(progress):
        loaded = len(recipes) - len(missing)
        print(f"{len(missing)} of {len(recipes)} models trained now, {loaded} loaded from an earlier run.")
    return [fit_or_load(recipe, device=chosen, progress=False) for recipe in recipes]


def _cores() -> int:
    """The cores that this process may use, which in a container are fewer than the machine has."""
    from joblib import cpu_count

    return int(cpu_count())


def _affordable() -> int:
    """The number of processes for which there is memory, as far as somebody has said how much there is."""
    limit = os.environ.get("MEM_LIMIT", "")
    return max(1, (int(limit) - OWN_MEMORY) // MEMORY_OF_A_PROCESS) if limit.isdigit() else sys.maxsize


def _train_side_by_side(recipes: list[Recipe], processes: int, progress: bool) -> None:
    """Train in processes and keep each result as soon as it is there."""
    from joblib import Parallel, delayed

    try:
        results = Parallel(n_jobs=processes, return_as="generator")(
            delayed(_train)(_alone(recipe)) for recipe in recipes
        )
        with progress_bar(total=len(recipes), done=0, show=progress, unit=" models") as bar:
            for recipe, (state, history) in zip(recipes, results, strict=True):
                model = build(recipe)
                model.load_state_dict(state)
                keep(recipe, model, history)
                bar.update(1)
    except (OSError, ImportError) as error:
        print(f"No training processes can be started here ({error}), so the models are trained one after the other.")
    except BrokenProcessPool:
        print(
            "A training process was ended from outside, as happens where memory is short, so the rest is trained here."
        )


def _alone(recipe: Recipe) -> Recipe:
    """The recipe with its data cut out: a process would be sent the whole that a slice is a view of."""
    return replace(recipe, images=_cut_out(recipe.images), val=None if recipe.val is None else _cut_out(recipe.val))


def _cut_out(images: Data) -> Tensor | tuple[Tensor, ...]:
    if isinstance(images, tuple):
        return tuple(_own(tensor) for tensor in images)
    return _own(images.x if isinstance(images, Images) else images)


def _own(tensor: Tensor) -> Tensor:
    return tensor.clone() if tensor.untyped_storage().nbytes() > tensor.nbytes else tensor


def _train(recipe: Recipe) -> State:
    """One training, in a process of its own."""
    model = build(recipe)
    with one_thread():
        history = fit(model, recipe.images, **recipe.arguments, device="cpu", progress=False)
    return model.state_dict(), history
