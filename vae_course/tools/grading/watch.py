"""The watch over a running worker: what it prints, how many processes it has, and how much memory they use."""

import os
import subprocess
import threading
from contextlib import suppress
from pathlib import Path

from vae_course.tools.grading.sandbox import Limits

_PERIOD = 0.05
_PROC = Path("/proc")


class Watch:
    """Two threads that look at a process from outside; `broken` says which limit was broken first, or nothing."""

    def __init__(self, process: "subprocess.Popen[bytes]", limits: Limits) -> None:
        self._process, self._limits = process, limits
        self._over = threading.Event()
        self._base_mb = self._since = 0.0
        self._printed = self._printed_before = self._kills = 0
        self.broken = ""
        self.said = ""
        threading.Thread(target=self._count_output, daemon=True).start()

    def begin(self) -> None:
        """Start to count, from what the worker uses before any answer has run."""
        self._base_mb = _memory_mb(descendants(self._process.pid), exactly=True)
        threading.Thread(target=self._count_use, daemon=True).start()

    def begin_run(self) -> None:
        """Count processor time, output, and processes that the machine ends, from now on."""
        self._since = _cpu_seconds(descendants(self._process.pid))
        self._printed_before = self._printed
        self.broken = ""  # what lasts is seen again at once
        self._kills = memory_kills()

    def cpu_seconds(self) -> float:
        """The processor time that the processes, as far as they still live, have used since then."""
        return _cpu_seconds(descendants(self._process.pid)) - self._since

    def machine_out_of_memory(self) -> bool:
        """Whether the machine has ended a process since then to get memory, perhaps one of another submission."""
        return memory_kills() > self._kills

    def stop(self) -> None:
        """Stop looking."""
        self._over.set()

    def _count_output(self) -> None:
        stream = self._process.stdout
        assert stream is not None
        with suppress(ValueError, OSError):
            while part := stream.read1(1 << 16):  # type: ignore[attr-defined]
                self._printed += len(part)
                self.said = (self.said + part.decode("utf-8", "replace"))[-400:]
                if self._printed - self._printed_before > self._limits.output_kb << 10:
                    self._break(f"printed more than {self._limits.output_kb} kB")

    def _count_use(self) -> None:
        most = self._limits.memory_mb
        while not self._over.wait(_PERIOD):
            pids = descendants(self._process.pid)
            if len(pids) > self._limits.processes + 4:
                self._break(f"started more than {self._limits.processes} processes")
            elif _memory_mb(pids) - self._base_mb > most and _memory_mb(pids, exactly=True) - self._base_mb > most:
                self._break(f"needed more than {most} MB of memory")

    def _break(self, why: str) -> None:
        self.broken = self.broken or why


def descendants(pid: int) -> list[int]:
    """A process and all that came of it, as long as their parents or the sandbox's first process live."""
    found, queue = [pid], [pid]
    while queue and len(found) < 10_000:
        with suppress(OSError, ValueError):
            for task in (_PROC / str(queue.pop()) / "task").iterdir():
                children = [int(word) for word in (task / "children").read_text(encoding="ascii").split()]
                found += children
                queue += children
    return found


def memory_kills() -> int:
    """How many processes the kernel has ended so far because memory ran out; 0 where it doesn't tell."""
    with suppress(OSError, ValueError, StopIteration):
        lines = (_PROC / "vmstat").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("oom_kill "))
    return 0


def _cpu_seconds(pids: list[int]) -> float:
    """Processor time of processes, with that of their children that have ended."""
    ticks = 0
    for pid in pids:
        with suppress(OSError, ValueError, IndexError):
            fields = (
                (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
            )
            ticks += sum(int(field) for field in fields[11:15])
    return ticks / os.sysconf("SC_CLK_TCK")


def _memory_mb(pids: list[int], *, exactly: bool = False) -> float:
    """The memory of processes of their own; counted exactly, what they share counts once, which takes longer."""
    total = 0
    for pid in pids:
        name, fields = ("smaps_rollup", ("Pss_Anon", "Pss_Shmem")) if exactly else ("status", ("RssAnon", "RssShmem"))
        with suppress(OSError, ValueError, IndexError):
            for line in (_PROC / str(pid) / name).read_text(encoding="ascii").splitlines():
                if line.startswith(fields):
                    total += int(line.split()[1])
    return total / 1024
