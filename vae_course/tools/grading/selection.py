"""Which lessons a command line means."""

import re
from collections.abc import Sequence

from .errors import GradingError

_RANGE = re.compile(r"(\d{1,2})-(\d{1,2})")


def choose(text: str | None, known: Sequence[str]) -> list[str]:
    """The lessons that `01-06`, `04`, `04_the_elbo` or several of these, with commas between, stand for; None: all.

    Args:
        text: what stands behind `--lessons`.
        known: the names of all lessons, such as `04_the_elbo`, in order.

    Raises:
        GradingError: a part of the text names no lesson.
    """
    if text is None:
        return list(known)
    wanted = [name for part in text.split(",") for name in _one(part.strip(), known)]
    return [name for name in known if name in wanted]


def _one(part: str, known: Sequence[str]) -> list[str]:
    match = _RANGE.fullmatch(part)
    if match:
        found = [name for name in known if int(match[1]) <= int(name[:2]) <= int(match[2])]
    else:
        found = [name for name in known if part == name or (part.isdecimal() and part.zfill(2) == name[:2])]
    if not found:
        raise GradingError(
            f'--lessons: "{part}" names no lesson; write numbers such as 04 or 01-06, with commas between. '
            f"There are {', '.join(name[:2] for name in known)}."
        )
    return found
