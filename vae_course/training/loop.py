"""`fit`, the front door of every training."""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from vae_course.data import Images
from vae_course.training.examples import examples
from vae_course.training.guard import check_parameters
from vae_course.training.history import History
from vae_course.training.modes import restored_modes
from vae_course.training.rng import isolated_rng
from vae_course.training.run import Callback, Loss, Run, Transform
from vae_course.training.schedules import Anneal, Schedule
from vae_course.training.settings import Settings, pick_device


def fit(
    model: nn.Module,
    images: Images | Tensor | tuple[Tensor, ...],
    *,
    loss: Loss,
    epochs: int = 10,
    batch_size: int = 128,
    lr: float = 1e-3,
    adam_eps: float = 1e-8,
    val: Images | Tensor | tuple[Tensor, ...] | None = None,
    schedule: Schedule = "one-cycle",
    anneal: Anneal | None = None,
    transform: Transform | None = None,
    patience: int | None = None,
    seed: int = 0,
    device: str | torch.device = "auto",
    progress: bool = True,
    callbacks: Sequence[Callback] = (),
    checkpoint: str | Path | None = None,
) -> History:
    """Train a model in place with Adam, and report every term of its loss.

    The same seed gives the same numbers on one machine, whatever else draws random numbers. The stop button
    ends the training and leaves the model usable. The model ends on the device and in the mode it came in.

    Args:
        model: any module.
        images: `Images`, a tensor `[N, ...]`, or a tuple of tensors with N entries each, of which the loss
            gets a tuple of batches.
        loss: `loss(model, x)` returns a scalar tensor to minimise, or a dict of scalars with the key "loss".
        epochs: passes over the data.
        batch_size: examples for each step; the last batch of an epoch may be smaller.
        lr: learning rate; with "one-cycle" its peak.
        adam_eps: what Adam adds to the root of its second moment, which damps the steps where gradients are tiny.
        val: validation data, used as they are; their loss is measured after every epoch with the same noise.
        schedule: "one-cycle" or "constant".
        anneal: from progress in [0, 1] to a weight; the loss is then called as
            `loss(model, x, anneal(progress))`, on the validation data with `anneal(1.0)`.
        transform: `transform(x, generator)` makes each training batch anew, such as `data.dynamic_binarize`.
        patience: end after this many epochs without a lower validation loss, and put back the best weights.
        seed: fixes the order of the examples and all noise.
        device: where to train: "auto", "cpu", "cuda", "mps".
        progress: show a progress bar.
        callbacks: each is called as `callback(epoch, history, model)` after every epoch.
        checkpoint: a file for the state after every epoch; a call with the same settings goes on from there.

    Raises:
        TypeError, ValueError: model, data, settings, or what the loss returns, make no sense.
        TrainingError: a loss or gradient that is not finite, or a checkpoint that can't be used.
    """
    settings = Settings(
        epochs=epochs, batch_size=batch_size, lr=lr, adam_eps=adam_eps, schedule=schedule, patience=patience, seed=seed
    )
    check_parameters(model)
    train = examples(images)
    held_out = None if val is None else examples(val, name="val")
    if patience is not None and held_out is None:
        raise ValueError("patience needs validation data: give val as well.")
    chosen, origin = pick_device(device), next(model.parameters()).device
    try:
        with restored_modes(model), isolated_rng(seed, device=chosen):
            model.to(chosen)
            there = train.to(chosen), None if held_out is None else held_out.to(chosen)
            run = Run(model, *there, loss, anneal, transform, settings, chosen)
            return run.go(progress, callbacks, None if checkpoint is None else Path(checkpoint))
    finally:
        model.to(origin)
