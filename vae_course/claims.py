"""The numbers that lessons state: measured once, kept with their tolerance, checked at every run.

A lesson calls `claim("grey-test-loss", value, ...)` in a cell. The value must lie within the tolerance of the number
kept in `claims.json`; the lesson's prose is stamped from the same file, so no result is ever typed in by hand. A learner
who has changed a cell is told of the difference and goes on; with `VAE_COURSE_STRICT=1`, as in every build and test, the
cell fails. `make claims` runs the lessons with `VAE_COURSE_RECORD_CLAIMS=1`, which writes the numbers instead of comparing.
"""

import functools
import html
import json
import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from vae_course.support.files import write
from vae_course.support.outputs import Flag, Lines, panel, paragraph, prose, row, show, table, tick

PATH = Path(__file__).with_name("claims.json")


class ClaimError(AssertionError):
    """A measured number is not the one that the course states, or no number is stated."""


class Stated(TypedDict):
    """One number: its value, the tolerance around it, its unit, and the digits to print after the point."""

    value: float
    tolerance: float | None
    unit: str
    digits: int


@dataclass(frozen=True)
class Held:
    """A measured number beside the one that the course states; it lies within the tolerance, or there is none."""

    name: str
    value: float
    stated: Stated

    def __str__(self) -> str:
        here, course, unit = self._numbers()
        if self.stated["tolerance"] is None:
            return f"{self.name}: {here} {unit} ({course} in the course's run; another run may differ)"
        return f"{self.name}: {here} {unit} (the course states {course}, give or take {self.stated['tolerance']:g})"

    def row(self) -> str:
        """The two numbers as a row of HTML, with the tolerance behind a tick."""
        here, course, unit = (html.escape(part) for part in self._numbers())
        if self.stated["tolerance"] is None:
            end = "one run, another may differ"
        else:
            end = tick(f"Give or take {self.stated['tolerance']:g}.", f"Kept as {self.name}.")
        return row(html.escape(readable(self.name)), f"here <b>{here}</b>", f"course {course}", unit, end)

    def _numbers(self) -> tuple[str, str, str]:
        places = self.stated["digits"]
        return f"{self.value:.{places}f}", f"{self.stated['value']:.{places}f}", self.stated["unit"]


_lines: Lines[Held] = Lines(lambda held: table([each.row() for each in held], "vae-claims"))


def readable(name: str) -> str:
    """A claim's name in words, without its lesson: `07-grey-test-loss` is "grey test loss"."""
    return name.partition("-")[2].replace("-", " ")


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
    """Hold a measured number against the one that the course states for this world, and show both.

    Args:
        name: the claim's name, such as `07-grey-test-loss`.
        value: what was just measured.
        world: the data it was measured on, `mnist` or `pen`; `any` where no data take part.
        tolerance: how far from the stated number it may lie; None: it belongs to one run, and another may give any other,
            so that both are shown and not compared.
        unit: the unit to show.
        digits: digits after the point.
        quiet: show nothing when the number holds.

    Raises:
        ClaimError: no number is stated under this name; or, with VAE_COURSE_STRICT=1, it lies outside the tolerance.
    """
    value = float(value)
    if recording():
        record(name, world, {"value": round(value, digits), "tolerance": tolerance, "unit": unit, "digits": digits})
    stated = lookup(name, world)["value"]
    held = Held(name, value, {"value": stated, "tolerance": tolerance, "unit": unit, "digits": digits})
    if tolerance is not None and (not math.isfinite(value) or abs(value - stated) > tolerance):
        difference = (
            f"{name}: {value:.{digits}f} {unit} here, but the course states {stated:.{digits}f} for {world}, give or take"
            f" {tolerance:g}."
        )
        if os.environ.get("VAE_COURSE_STRICT") == "1":
            raise ClaimError(difference)
        words = f"{difference} That is fine if you changed something above."
        show(words, panel(Flag.WRONG, "Another number", paragraph(prose(words)), after=html.escape(readable(name))))
    elif tolerance is None or not quiet:
        _lines.add(held)


def recording() -> bool:
    """Whether numbers are being measured anew rather than compared."""
    return os.environ.get("VAE_COURSE_RECORD_CLAIMS") == "1"


def lookup(name: str, world: str) -> Stated:
    """The number stated under this name for this world.

    Raises:
        ClaimError: there is none.
    """
    try:
        return _parsed(_kept())[name][world]
    except KeyError:
        raise ClaimError(f"No number is stated for {name} on {world}: run `make claims` to measure it.") from None


def read() -> dict[str, dict[str, Stated]]:
    """All stated numbers, by name and world."""
    return json.loads(_kept())


def _kept() -> str:
    return PATH.read_text(encoding="utf-8") if PATH.exists() else "{}"


# A lesson asks for hundreds of numbers, and to parse all of them takes a while.
_parsed = functools.lru_cache(maxsize=1)(json.loads)


def text(name: str, world: str) -> str:
    """The stated number as prose shows it, without its unit."""
    stated = lookup(name, world)
    return f"{stated['value']:,.{stated['digits']}f}"


def record(name: str, world: str, stated: Stated) -> None:
    """Write one number into the file."""
    claims = read()
    claims.setdefault(name, {})[world] = stated
    write(PATH, json.dumps(claims, indent=1, sort_keys=True) + "\n")
