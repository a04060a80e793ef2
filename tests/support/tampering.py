"""Every line of a derivation is told a wrong right side, while its lesson runs, and must notice."""

import json
from collections.abc import Callable
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

from vae_course.derivations import Derivation, StepError

TAMPERS: dict[str, Callable[[Any], Any]] = {
    "sign of the right": lambda right: -right,
    "factor of the right": lambda right: 1.5 * right,
    "term added to the right": lambda right: right + 1,
}
# What a kernel runs before the first cell, with the repository on its path.
STARTUP = """
from pathlib import Path
from tests.support import tampering
tampering.begin(Path({file!r}))
"""


def profile(folder: Path, file: Path) -> Path:
    """An IPython folder whose kernels write to `file`, a line of JSON each, what went unnoticed in each line of a derivation."""
    startup = folder / "profile_default" / "startup"
    startup.mkdir(parents=True)
    (startup / "00_tampering.py").write_text(STARTUP.format(file=str(file)))
    return folder


def begin(file: Path) -> None:
    """From now on, follow each line that holds by the same line tampered with, and note which of these hold, too."""
    for method in (Derivation.step, Derivation.algebra):
        setattr(Derivation, method.__name__, _followed(method, file))


def noted(file: Path) -> list[dict[str, Any]]:
    """The lines that were written: each a formula, and the names of the tampers that went unnoticed."""
    return [json.loads(line) for line in file.read_text().splitlines()] if file.is_file() else []


def _followed(method: Callable[..., None], file: Path) -> Callable[..., None]:
    def line(self: Derivation, formula: str, left: Any, right: Any, **options: Any) -> None:
        method(self, formula, left, right, **options)
        holding = [name for name, tamper in TAMPERS.items() if _holds(method, left, tamper(right), options)]
        with file.open("a") as sink:
            sink.write(json.dumps({"formula": formula, "unnoticed": holding}) + "\n")

    return line


def _holds(method: Callable[..., None], left: Any, right: Any, options: dict[str, Any]) -> bool:
    try:
        with redirect_stdout(StringIO()):
            method(Derivation("again"), "again", left, right, **options)
    except StepError:
        return False
    return True
