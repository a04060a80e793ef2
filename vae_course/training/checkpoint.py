"""Files that hold a training, written so that an interruption never leaves a broken one."""

import io
from pathlib import Path
from typing import Any

import torch

from vae_course.support.files import write
from vae_course.training.errors import TrainingError


def save(state: dict[str, Any], path: Path) -> None:
    """Write a state of tensors and plain values, whole or not at all.

    Raises:
        TrainingError: the file can't be written.
    """
    packed = io.BytesIO()
    torch.save(state, packed)
    try:
        write(path, packed.getvalue())
    except OSError as error:
        raise TrainingError(f"Can't write {path} ({error.strerror}): choose a folder that you may write to.") from None


def load(path: Path) -> dict[str, Any]:
    """Read a state that `save` wrote, onto the CPU; no code in the file is ever run.

    Raises:
        TrainingError: the file can't be read or is damaged. It is left where it is.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise TrainingError(f"Can't read {path} ({error.strerror}).") from None
    try:
        state = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except Exception:  # a damaged file fails in a dozen ways: zip, pickle, end of file, ...
        raise TrainingError(f"{path} is damaged: move it away and train again.") from None
    if not isinstance(state, dict):
        raise TrainingError(f"{path} is no checkpoint: move it away and train again.")
    return state
