"""The progress bar, on standard output: a graded cell that writes to standard error gets no points."""

import os
import sys

from tqdm import tqdm

SWITCH = "VAE_COURSE_PROGRESS"


def progress_bar(*, total: int, done: int, show: bool, unit: str = " steps") -> tqdm:
    """A bar over the steps of a training; the environment variable VAE_COURSE_PROGRESS=0 silences it."""
    hidden = not shows_progress(show)
    return tqdm(total=total, initial=done, disable=hidden, file=sys.stdout, unit=unit, mininterval=0.25)


def shows_progress(wanted: bool) -> bool:
    """Whether to tell of progress: only if it is wanted and the environment variable doesn't silence it."""
    return wanted and os.environ.get(SWITCH) != "0"


def describe(epoch: int, epochs: int, train: dict[str, float], val: dict[str, float]) -> str:
    """The text in front of the bar."""
    text = f"epoch {epoch}/{epochs}, loss {train['loss']:.2f}"
    return text + (f", validation {val['loss']:.2f}" if val else "")
