"""A hundred steps of `fit` beside busy neighbours, and under a CPU quota: all its threads, against one.

Threads that wait for each other by spinning take turns with the neighbours, and with each other where a quota leaves fewer
processors than there are; `vae_course` has them sleep (OMP_WAIT_POLICY) and `fit` uses no more than it may.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from benchmarks.table import Row, median_ratio, middle, show

TRAIN = """
import time
import vae_course
import torch
from vae_course.models import VAE
from vae_course.objectives import negative_elbo
from vae_course.training import fit
torch.manual_seed(0)
images, model = torch.rand({steps} * 128, 1, 28, 28), VAE.mlp(20)
settings = dict(loss=negative_elbo, batch_size=128, device="cpu", progress=False)
fit(model, images[:640], epochs=1, **settings)  # warm up
start = time.perf_counter()
fit(model, images, epochs=1, **settings)
print(time.perf_counter() - start)
"""
# What each training starts with: one thread, all of them as the course has it, all of them as PyTorch has it by itself.
ENVIRONMENTS = {"one": {"OMP_NUM_THREADS": "1"}, "ours": {}, "spinning": {"OMP_WAIT_POLICY": "active"}}
GROUPS = Path("/sys/fs/cgroup")


def measure(quick: bool = False) -> list[Row]:
    steps, rounds, cores = 10 if quick else 100, 1 if quick else 5, os.cpu_count() or 1
    neighbours = 1 if quick else cores
    with busy(neighbours):
        what = f"{steps} steps beside {neighbours} busy process{'es' if neighbours > 1 else ''}"
        rows = [row(what, in_turns(lambda command: command, steps, rounds))]
    if cores == 1:
        return rows
    with quota(cores / 2) as limited:
        if limited is None:
            print("A CPU quota is not measured: that takes Linux, and the right to make a control group.")
            return rows
        what = f"{steps} steps with a quota of {cores / 2:g} of {cores} processors"
        return [*rows, row(what, in_turns(limited, steps, rounds))]


def row(what: str, seconds: dict[str, list[float]]) -> Row:
    ratio = median_ratio(seconds["ours"], seconds["one"])
    beside = f"one thread {middle(seconds['one'])}; threads that wait by spinning {middle(seconds['spinning'])}"
    return Row(what, middle(seconds["ours"]), beside, f"{ratio:.2f} times one thread's", "1.3", ratio <= 1.3)


def in_turns(limited: Callable[[list[str]], list[str]], steps: int, rounds: int) -> dict[str, list[float]]:
    """Seconds of the steps alone in each environment and round, each in a new Python process."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("OMP_", "KMP_", "GOMP_"))}
    command = limited([sys.executable, "-c", TRAIN.format(steps=steps)])
    seconds: dict[str, list[float]] = {name: [] for name in ENVIRONMENTS}
    for _ in range(rounds):
        for name, environment in ENVIRONMENTS.items():
            done = subprocess.run(command, env=clean | environment, check=True, capture_output=True, text=True)
            seconds[name].append(float(done.stdout))
    return seconds


@contextmanager
def busy(processes: int) -> Iterator[None]:
    """So many processes that do nothing but compute, until the block ends."""
    running = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(processes)]
    try:
        yield
    finally:
        for process in running:
            process.kill()
            process.wait()


@contextmanager
def quota(processors: float) -> Iterator[Callable[[list[str]], list[str]] | None]:
    """What puts a command into a control group with this quota, which it sees as a container does; None where it can't be."""
    old = (GROUPS / "cpu").is_dir()
    root = GROUPS / "cpu" if old else GROUPS
    group = root / f"vae-course-{os.getpid()}"
    limit = (
        {"cpu.cfs_quota_us": f"{processors * 100_000:.0f}"}
        if old
        else {"cpu.max": f"{processors * 100_000:.0f} 100000"}
    )
    enter = f'echo $$ > {group}/cgroup.procs && mount --bind {group} {root} && exec "$@"'
    prefix = ["unshare", "--mount", "sh", "-c", enter, "sh"]
    try:
        group.mkdir()
        for name, value in limit.items():
            (group / name).write_text(value)
        subprocess.run([*prefix, "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        with suppress(OSError):
            group.rmdir()
        yield None
        return
    try:
        yield lambda command: [*prefix, *command]
    finally:
        group.rmdir()


if __name__ == "__main__":
    show(measure, __doc__)
