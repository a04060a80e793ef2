"""What each lesson costs: `python -m vae_course.tools.authoring.budget [LESSON ...]` measures it.

Each full notebook runs on MNIST from an empty cache, on one thread and as on Binder, whose memory is small. The results
go into `docs/budget.json`, which the tests hold every notebook against, and from there into the README and into the
lessons.
"""

import argparse
import json
import os
import resource
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path

from .command import choose
from .costs import Cost, file, load
from .errors import AuthoringError
from .execute import execute
from .plan import prepare
from .readme import stamp
from .settings import Settings, read

MEGABYTE = 2**20
BINDER = str(2 * 2**30)  # bytes; what it sets MEM_LIMIT to
SECONDS_BETWEEN_LOOKS = 0.2


def shares(cpu_seconds: dict[str, float]) -> dict[str, float]:
    """Each lesson's part of the whole, which hardly depends on the machine."""
    total = sum(cpu_seconds.values())
    return {lesson: seconds / total for lesson, seconds in cpu_seconds.items()}


def over(measured: dict[str, float], stated: dict[str, Cost], *, factor: float = 1.5, slack: float = 0.04) -> list[str]:
    """A sentence for each lesson whose share of all CPU seconds is over `factor` times its stated share plus `slack`."""
    found = shares(measured)
    promised = shares({lesson: stated[lesson].cpu_seconds for lesson in measured if lesson in stated})
    problems = [f"{lesson} has no measured cost: run `make budget`." for lesson in found if lesson not in promised]
    for lesson, share in promised.items():
        if found[lesson] > factor * share + slack:
            problems.append(
                f"{lesson} needs {found[lesson]:.0%} of the time of all notebooks, where {share:.0%} is stated:"
                " make it faster, or run `make budget` if the new cost is meant."
            )
    return problems


def children_cpu_seconds() -> float:
    """CPU seconds of all finished child processes and theirs."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def measure(path: Path, settings: Settings) -> Cost:
    """Run a lesson's full notebook from an empty cache, on one thread, with the memory that Binder gives."""
    plan = prepare(path, settings)
    with tempfile.TemporaryDirectory() as cache:
        os.environ |= {"VAE_COURSE_CACHE": cache, "OMP_NUM_THREADS": "1", "MEM_LIMIT": BINDER}
        cpu, started = children_cpu_seconds(), time.perf_counter()
        with _peak_memory() as peak:
            execute(plan.full, folder=path.parent, where=plan.where)
        seconds = time.perf_counter() - started
    return Cost(round(seconds, 1), round(children_cpu_seconds() - cpu, 1), round(peak[0] / MEGABYTE))


@contextmanager
def _peak_memory() -> Iterator[list[int]]:
    """The most bytes that all child processes together held, as the only entry of a list.

    Counted is what they can't give back: not the pages of programs and libraries, which the system drops and reads again
    where memory is short, and which several processes share.
    """
    import psutil

    peak, done = [0], threading.Event()

    def watch() -> None:
        while not done.wait(SECONDS_BETWEEN_LOOKS):
            held = 0
            for process in psutil.Process().children(recursive=True):
                with suppress(psutil.Error):
                    memory = process.memory_info()
                    held += memory.rss - getattr(memory, "shared", 0)  # macOS and Windows don't tell
            peak[0] = max(peak[0], held)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield peak
    finally:
        done.set()
        thread.join()


def markdown(costs: dict[str, Cost]) -> str:
    """The costs as a table."""
    rows = [
        f"| {lesson[:2]} | {cost.cpu_seconds:.0f} s | {cost.memory_mb:,} MB |" for lesson, cost in sorted(costs.items())
    ]
    total = sum(cost.cpu_seconds for cost in costs.values())
    largest = max((cost.memory_mb for cost in costs.values()), default=0)
    rows.append(f"| all | {total / 60:.0f} min | {largest:,} MB at most |")
    return "\n".join(["| lesson | seconds of one core | memory |", "|---|---|---|", *rows])


def main() -> int:
    """Measure the lessons named on the command line, or all of them, and write both tables."""
    parser = argparse.ArgumentParser(prog="python -m vae_course.tools.authoring.budget", description=__doc__)
    parser.add_argument("lessons", nargs="*", metavar="LESSON", help="such as 07 (default: all)")
    try:
        settings = read()
        costs = load(settings)
        for path in choose(parser.parse_args().lessons, settings):
            costs[path.stem] = cost = measure(path, settings)
            print(f"{path.stem}: {cost.seconds:.0f} s, {cost.memory_mb} MB", flush=True)
            table = {lesson: asdict(costs[lesson]) for lesson in sorted(costs)}
            file(settings).write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")
        stamp(settings.root / "README.md", "budget", markdown(costs))
    except AuthoringError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
