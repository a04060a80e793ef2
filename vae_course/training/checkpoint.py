"""Files that hold a training, written so that an interruption never leaves a broken one."""

import contextlib
import io
import os
import tempfile
from pathlib import Path
from typing import Any

import torch

from vae_course.training.errors import TrainingError


def save(state: dict[str, Any], path: Path) -> None:
    """Write a state of tensors and plain values: aside first, then renamed in one step.

    Raises:
        TrainingError: the file can't be written.
    """
    aside = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
        aside = Path(name)
        with os.fdopen(handle, "wb") as file:
            torch.save(state, file)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    except OSError as error:
        raise TrainingError(f"Can't write {path} ({error.strerror}): choose a folder that you may write to.") from error
    finally:
        if aside is not None:
            with contextlib.suppress(OSError):
                aside.unlink(missing_ok=True)


def load(path: Path) -> dict[str, Any]:
    """Read a state that `save` wrote, onto the CPU; no code in the file is ever run.

    Raises:
        TrainingError: the file can't be read or is damaged. It is left where it is.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise TrainingError(f"Can't read {path} ({error.strerror}).") from error
    try:
        state = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged file fails in a dozen ways: zip, pickle, end of file, ...
        raise TrainingError(f"{path} is damaged: move it away and train again.") from error
    if not isinstance(state, dict):
        raise TrainingError(f"{path} is no checkpoint: move it away and train again.")
    return state
