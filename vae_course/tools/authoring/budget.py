"""Measure again what each lesson costs in time and memory.

Each full notebook runs on MNIST from an empty cache, on one thread and as on Binder, whose memory is small. The results
go into `docs/budget.json`, from which the tests know which cells are slow, and `vae-course tables` and `vae-course build`
what to put into the documents and into the lessons. A lesson that has outgrown its share of the whole is named.
"""

import argparse
import os
import resource
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import torch

from vae_course.support.threads import one_thread

from . import costs
from .costs import Cost
from .execute import execute
from .plan import prepare
from .settings import CourseSettings, read
from .source import choose

MEGABYTE = 2**20
BINDER = str(2 * 2**30)  # bytes; what it sets MEM_LIMIT to
SECONDS_BETWEEN_LOOKS = 0.2
# Costs are stated for a core that trains this many steps in so many seconds, so that those of two machines compare.
YARDSTICK_STEPS, YARDSTICK_SECONDS = 300, 2.7


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `vae-course budget` to a parser."""
    parser.add_argument("lessons", nargs="*", metavar="LESSON", help="such as 07 or 01-06 (default: all)")


def run(args: argparse.Namespace) -> int:
    """Measure the lessons that were named; 0 when all ran to their ends.

    Raises:
        AuthoringError: there is no such lesson, or a cell of one failed.
    """
    settings = read()
    stated, measured = costs.load(settings), {}
    for path in choose(args.lessons, settings.solutions):
        before, cost, after = pace(), measure(path, settings), pace()
        measured[path.stem] = cost = cost.at_pace((before + after) / 2)
        costs.save(settings, stated | measured)
        print(f"{path.stem}: {cost.seconds:.0f} s, {cost.memory_mb} MB", flush=True)
    for sentence in costs.over(measured, stated):
        print(sentence)
    return 0


def pace() -> float:
    """How long a piece of training takes here and now, in units of its time on the core that costs are stated for."""
    with one_thread():
        layers = torch.nn.Sequential(torch.nn.Linear(784, 400), torch.nn.ReLU(), torch.nn.Linear(400, 784))
        optimizer, images = torch.optim.Adam(layers.parameters()), torch.rand(128, 784)
        begun = time.process_time()
        for _ in range(YARDSTICK_STEPS):
            optimizer.zero_grad()
            torch.nn.functional.binary_cross_entropy_with_logits(layers(images), images).backward()
            optimizer.step()
        return (time.process_time() - begun) / YARDSTICK_SECONDS


def children_cpu_seconds() -> float:
    """CPU seconds of all child processes and theirs: of those that have ended, and so far of those that run."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    total = usage.ru_utime + usage.ru_stime
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            total += sum(process.cpu_times()[:4])  # its own, and of its children that have ended
    return total


def measure(path: Path, settings: CourseSettings) -> Cost:
    """Run a lesson's full notebook from an empty cache, on one thread, with the memory that Binder gives.

    The cost is as measured, with every cell; `Cost.at_pace` makes of it what is stated.
    """
    plan = prepare(path, settings)
    with tempfile.TemporaryDirectory() as cache:
        os.environ |= {"VAE_COURSE_CACHE": cache, "OMP_NUM_THREADS": "1", "MEM_LIMIT": BINDER}
        began: dict[str, float] = {}  # by cell
        cpu, started = children_cpu_seconds(), time.perf_counter()
        with _peak_memory() as peak:
            execute(
                plan.full,
                folder=path.parent,
                where=plan.where,
                before=lambda cell: began.update({cell.id: children_cpu_seconds()}),
            )
        seconds, end = time.perf_counter() - started, children_cpu_seconds()
    took = {id: after - at for (id, at), after in zip(began.items(), [*began.values(), end][1:], strict=True)}
    return Cost(seconds, end - cpu, round(peak[0] / MEGABYTE), took)


@contextmanager
def _peak_memory() -> Iterator[list[int]]:
    """The most bytes that all child processes together held, as the only entry of a list.

    Counted is what they can't give back: not the pages of programs and libraries, which the system drops and reads again
    where memory is short, and which several processes share.
    """
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
