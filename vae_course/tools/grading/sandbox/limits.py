"""What one run of an answer may use, and the count, from outside, of what it does use."""

import os
import subprocess
import threading
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

_PERIOD = 0.05
_PROC = Path("/proc")
_PRIVATE = ("/tmp", "/dev/shm", "/home/student")


@dataclass(frozen=True)
class Limits:
    """What one run of one answer may use.

    Args:
        seconds: wall-clock time; a submission's code runs at most twice that for each exercise, and 60 s to start.
        memory_mb: memory, of all its processes together, beyond what PyTorch needs.
        processes: processes and threads.
        disk_mb: what it may write, all of it to a private folder in memory.
        files: files in there, because an empty one takes memory too.
    """

    seconds: float = 20.0
    memory_mb: int = 1024
    processes: int = 32
    disk_mb: int = 64
    files: int = 10_000


DEFAULT_LIMITS = Limits()


class StopKind(Enum):
    """What ended a run: a limit, the answer itself, or a reply that is nothing that a run of an answer gives."""

    TIME = "time"
    MEMORY = "memory"
    PROCESSES = "processes"
    RESULT = "result"
    DISK = "disk"
    ENDED = "ended"
    FORGED = "forged"


@dataclass(frozen=True)
class Stop:
    """Why a run was ended.

    Args:
        kind: what ended it.
        words: what it did, to follow "your answer".
        detail: how, as far as it is known; the answer may choose this, and so tell of its inputs.
        starved: whether its time ran out without having been used, as on a machine that was busy with other things.
    """

    kind: StopKind
    words: str
    detail: str = ""
    starved: bool = False


class Stopped(Exception):
    """A run was ended; `stop` says by what."""

    def __init__(self, stop: Stop) -> None:
        super().__init__(stop.words)
        self.stop = stop


class Meter:
    """Two threads that look at a process from outside; `broken` is the limit that was broken first, if one was."""

    def __init__(self, process: "subprocess.Popen[bytes]", limits: Limits) -> None:
        self._process, self._limits = process, limits
        self._over = threading.Event()
        self._base_mb = self._since = 0.0
        self._kills = self._files = self._runs = 0
        self._between_runs = threading.Lock()
        self.broken: Stop | None = None
        self.said = ""
        threading.Thread(target=self._listen, daemon=True).start()

    def begin(self) -> None:
        """Start to count, from what the worker uses before any answer has run."""
        self._base_mb = _memory_mb(descendants(self._process.pid), exactly=True)
        self._files = self.files()
        threading.Thread(target=self._count_use, daemon=True).start()

    def begin_run(self) -> None:
        """Count processor time and processes that the machine ends, from now on."""
        self._since = _cpu_seconds(descendants(self._process.pid))
        self._kills = memory_kills()
        with self._between_runs:
            self._runs += 1
            self.broken = None  # what lasts is seen again at once

    def cpu_seconds(self) -> float:
        """The processor time that the processes, as far as they still live, have used since then."""
        return _cpu_seconds(descendants(self._process.pid)) - self._since

    def files(self) -> int:
        """How many files there are in the sandbox that were not there in the beginning."""
        return _files(descendants(self._process.pid)) - self._files

    def machine_out_of_memory(self) -> bool:
        """Whether the machine has ended a process since then to get memory, perhaps one of another submission."""
        return memory_kills() > self._kills

    def stop(self) -> None:
        """Stop looking."""
        self._over.set()

    def _listen(self) -> None:
        """Keep the end of what is printed, and throw away the rest, so that nobody waits for a reader."""
        stream = self._process.stdout
        assert stream is not None
        with suppress(ValueError, OSError):
            while part := stream.read1(1 << 16):  # type: ignore[attr-defined]
                self.said = (self.said + part[-400:].decode("utf-8", "replace"))[-400:]

    def _count_use(self) -> None:
        most = self._limits.memory_mb
        while not self._over.wait(_PERIOD):
            run, pids = self._runs, descendants(self._process.pid)
            # Not counted: bubblewrap's two, the first process inside, the worker and its child.
            if len(pids) > self._limits.processes + 5:
                self._break(run, Stop(StopKind.PROCESSES, f"started more than {self._limits.processes} processes"))
            elif _files(pids) - self._files > self._limits.files:
                self._break(run, too_many_files(self._limits))
            elif _memory_mb(pids) - self._base_mb > most and _memory_mb(pids, exactly=True) - self._base_mb > most:
                self._break(run, Stop(StopKind.MEMORY, f"needed more than {most} MB of memory"))

    def _break(self, run: int, stop: Stop) -> None:
        """Note a broken limit, unless the run in which the look began is over: the next one is not to blame for it."""
        with self._between_runs:
            if run == self._runs:
                self.broken = self.broken or stop


def too_many_files(limits: Limits) -> Stop:
    """Why a run is ended that makes more files than it may."""
    return Stop(StopKind.DISK, f"made more than {limits.files} files")


def _files(pids: list[int]) -> int:
    """The files in the private folders of a sandbox, each of which is a file system of its own."""
    used: dict[int, int] = {}
    outside = {Path(path).stat().st_dev for path in _PRIVATE if Path(path).is_dir()}
    for pid in pids:
        for path in _PRIVATE:
            with suppress(OSError):
                place = f"{_PROC}/{pid}/root{path}"
                device, counts = os.stat(place).st_dev, os.statvfs(place)  # noqa: PTH116 (kept cheap)
                if device not in outside:
                    used[device] = counts.f_files - counts.f_ffree
    return sum(used.values())


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
