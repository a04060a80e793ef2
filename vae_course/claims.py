"""The numbers that lessons state: measured once, kept with their tolerance, checked at every run.

A lesson calls `claim("grey-test-loss", value, ...)` in a cell. The value must lie within the tolerance of the number
kept in `claims.json`; the lesson's prose is stamped from the same file, so no result is ever typed in by hand. A learner
who has changed a cell is told of the difference and goes on; with `VAE_COURSE_STRICT=1`, as in every build and test, the
cell fails. `make claims` runs the lessons with `VAE_COURSE_RECORD_CLAIMS=1`, which writes the numbers instead of comparing.
"""

import json
import math
import os
from pathlib import Path
from typing import TypedDict

from vae_course.support.files import write

PATH = Path(__file__).with_name("claims.json")


class ClaimError(AssertionError):
    """A measured number is not the one that the course states, or no number is stated."""


class Stated(TypedDict):
    """One number: its value, the tolerance around it, its unit, and the digits to print after the point."""

    value: float
    tolerance: float | None
    unit: str
    digits: int


def claim(
    name: str,
    value: float,
    *,
    world: str,
    tolerance: float | None,
    unit: str = "nats",
    digits: int = 1,
    quiet: bool = False,
) -> None:
    """Hold a measured number against the one that the course states for this world, and print both.

    Args:
        name: the claim's name, such as `07-grey-test-loss`.
        value: what was just measured.
        world: the data it was measured on, `mnist` or `pen`; `any` where no data take part.
        tolerance: how far from the stated number it may lie; None: it belongs to one run, and another may give any other,
            so that both are printed and not compared.
        unit: the unit to print.
        digits: digits after the point.
        quiet: print nothing when the number holds.

    Raises:
        ClaimError: no number is stated under this name; or, with VAE_COURSE_STRICT=1, it lies outside the tolerance.
    """
    value = float(value)
    if recording():
        record(name, world, {"value": round(value, digits), "tolerance": tolerance, "unit": unit, "digits": digits})
    stated = lookup(name, world)["value"]
    if tolerance is None:
        print(f"{name}: {value:.{digits}f} {unit} ({stated:.{digits}f} in the course's run; another run may differ)")
    elif not math.isfinite(value) or abs(value - stated) > tolerance:
        difference = (
            f"{name}: {value:.{digits}f} {unit} here, but the course states {stated:.{digits}f} for {world}, give or take"
            f" {tolerance:g}."
        )
        if os.environ.get("VAE_COURSE_STRICT") == "1":
            raise ClaimError(difference)
        print(f"{difference} That is fine if you changed something above.")
    elif not quiet:
        print(f"{name}: {value:.{digits}f} {unit} (the course states {stated:.{digits}f}, give or take {tolerance:g})")


def recording() -> bool:
    """Whether numbers are being measured anew rather than compared."""
    return os.environ.get("VAE_COURSE_RECORD_CLAIMS") == "1"


def lookup(name: str, world: str) -> Stated:
    """The number stated under this name for this world.

    Raises:
        ClaimError: there is none.
    """
    try:
        return read()[name][world]
    except KeyError:
        raise ClaimError(f"No number is stated for {name} on {world}: run `make claims` to measure it.") from None


def read() -> dict[str, dict[str, Stated]]:
    """All stated numbers, by name and world."""
    return json.loads(PATH.read_text(encoding="utf-8")) if PATH.exists() else {}


def text(name: str, world: str) -> str:
    """The stated number as prose shows it, without its unit."""
    stated = lookup(name, world)
    return f"{stated['value']:,.{stated['digits']}f}"


def record(name: str, world: str, stated: Stated) -> None:
    """Write one number into the file."""
    claims = read()
    claims.setdefault(name, {})[world] = stated
    write(PATH, json.dumps(claims, indent=1, sort_keys=True) + "\n")
