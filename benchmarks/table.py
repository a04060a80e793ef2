"""What the benchmarks share: a row of the table, the table itself, and timing in turns."""

import argparse
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One measurement beside what it is compared with."""

    what: str
    measured: str
    beside: str
    ratio: str
    goal: str
    reached: bool


def table(rows: list[Row]) -> str:
    """The rows as a Markdown table."""
    cells = [(row.what, row.measured, row.beside, row.ratio) for row in rows]
    lines = [("what", "measured", "beside", "ratio"), ("---",) * 4, *cells]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def goals(rows: list[Row]) -> str:
    """What each row was to reach, and whether it did, for those who change the course."""
    return "\n".join(f"{'reached' if row.reached else 'missed'}: {row.goal} ({row.what})" for row in rows)


def in_turns(jobs: dict[str, Callable[[], object]], *, rounds: int) -> dict[str, list[float]]:
    """Seconds that each job took in each round; one round runs every job once, so that all meet the same machine."""
    seconds: dict[str, list[float]] = {name: [] for name in jobs}
    for _ in range(rounds):
        for name, job in jobs.items():
            start = time.perf_counter()
            job()
            seconds[name].append(time.perf_counter() - start)
    return seconds


def median_ratio(a: list[float], b: list[float]) -> float:
    """The median over the rounds of a / b."""
    return statistics.median(x / y for x, y in zip(a, b, strict=True))


def middle(values: list[float]) -> str:
    return f"{statistics.median(values):.2f} s"


def show(measure: Callable[[bool], list[Row]], description: str | None) -> None:
    """The command line of a single benchmark."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--quick", action="store_true", help="a few seconds only, to see that it works")
    rows = measure(parser.parse_args().quick)
    print(f"{table(rows)}\n\n{goals(rows)}")
