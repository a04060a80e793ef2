"""How far the stated numbers move when a lesson is run with other seeds: kept beside `claims.json`, by claim and world.

Seed 0 is the course's own run, whose numbers stand in `claims.json`. `vae-course claims NN --seeds 5` runs the lesson with
seeds 1 to 4 and keeps what they gave in `spreads.json`.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TypedDict

from vae_course import claims
from vae_course.support.files import write

PATH = Path(__file__).with_name("spreads.json")


Values = dict[tuple[str, str], float]
"""What the claims of one run came to, by name and world; `any` is a world too."""


class MeasuredRun(TypedDict):
    """How a lesson's spread was measured on one world: the number of seeds, seed 0 included, and the PyTorch."""

    seeds: int
    torch: str


class Spreads(TypedDict):
    """The file: by lesson and world how it was measured, and by claim and world the values of seeds 1, 2, ..."""

    runs: dict[str, dict[str, MeasuredRun]]
    values: dict[str, dict[str, list[float | None]]]


def read() -> Spreads:
    """All that is kept."""
    return json.loads(PATH.read_text(encoding="utf-8")) if PATH.exists() else {"runs": {}, "values": {}}


def by_seed(name: str, world: str) -> list[float]:
    """A claim's values by seed, the stated one first.

    Raises:
        claims.ClaimError: no spread is kept for this claim.
    """
    others = read()["values"].get(name, {}).get(world)
    if not others or None in others:
        raise claims.ClaimError(
            f"No spread is kept for {name} on {world}: run `vae-course claims {name[:2]} --seeds 5`."
        )
    return [claims.lookup(name, world)["value"], *(value for value in others if value is not None)]


def text(name: str, world: str) -> str:
    """The distance from the smallest to the largest value of a claim over the seeds, as prose shows it."""
    values = by_seed(name, world)
    return f"{max(values) - min(values):,.{claims.lookup(name, world)['digits']}f}"


def keep(lesson: str, world: str, runs: Sequence[Values], *, torch: str) -> None:
    """Write what a lesson's claims came to on one world, one run for each of the seeds 1, 2, ...; the older ones go."""
    kept = read()
    kept["runs"].setdefault(lesson, {})[world] = {"seeds": len(runs) + 1, "torch": torch}
    for name, worlds in list(kept["values"].items()):
        if name.startswith(f"{lesson}-"):
            kept["values"][name] = {of: values for of, values in worlds.items() if of not in (world, "any")}
    for name, of in sorted(set().union(*runs)):
        kept["values"].setdefault(name, {})[of] = [run.get((name, of)) for run in runs]
    kept["values"] = {name: worlds for name, worlds in kept["values"].items() if worlds}
    _write(kept)


def _write(kept: Spreads) -> None:
    """One line for each lesson and each claim, so that a change shows as one line."""
    sections = []
    for section in ("runs", "values"):
        lines = (
            f"  {json.dumps(name)}: {json.dumps(of, sort_keys=True)}" for name, of in sorted(kept[section].items())
        )
        sections.append(f' "{section}": {{\n' + ",\n".join(lines) + "\n }")
    write(PATH, "{\n" + ",\n".join(sections) + "\n}\n")
