"""One worker process and the watch over it: time, memory, processes, output. It ends when any limit is broken."""

import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from vae_course.exercises.model import Exercise
from vae_course.tools.grading import sandbox, strip
from vae_course.tools.grading.errors import GradingError
from vae_course.tools.grading.sandbox import Limits
from vae_course.tools.grading.seccomp import program as filter_of_calls
from vae_course.tools.grading.watch import Watch, descendants

START_SECONDS = 60.0
LONGEST = 26_000_000
_ENDED = "ended its process"


class Stopped(Exception):
    """A run was ended; the message says by what, to follow "your answer".

    Args:
        words: what it did.
        starved: whether its time ran out without having been used, as on a machine that was busy with other things.
    """

    def __init__(self, words: str, *, starved: bool = False) -> None:
        super().__init__(words)
        self.starved = starved


class Worker:
    """A worker in a sandbox; after `Stopped` it is gone, and the next `ask` starts another."""

    def __init__(self, exercises: Sequence[Exercise], limits: Limits, *, boxed: bool = True) -> None:
        self._exercises, self._limits, self._boxed = exercises, limits, boxed
        self._folder = tempfile.TemporaryDirectory(prefix="vae-course-grading-")
        self._process: subprocess.Popen[bytes] | None = None
        self._watch: Watch | None = None
        self._requests = self._replies = -1
        Path(self._folder.name).chmod(0o755)
        strip.write(Path(self._folder.name), exercises)

    def __enter__(self) -> "Worker":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._folder.cleanup()

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """Run one request; what the worker replies, which nobody has looked into yet.

        Raises:
            Stopped: it broke a limit or ended its process.
            GradingError: no process could be started, or the machine ended it, which is no student's fault.
        """
        fresh = self._process is None
        if fresh:
            self._start()
        assert self._watch is not None
        self._watch.begin_run()
        text = json.dumps(request).encode() + b"\n"
        try:
            reply = self._converse(text, self._limits.seconds)
        except Stopped as error:
            self._excuse(killed=str(error) == _ENDED)
            raise
        if reply.get("state") == "done":
            return reply
        why = str(reply.get("why"))
        if reply.get("state") == "refused":
            self.stop()
            if fresh:
                raise GradingError(f"No process could be started ({why[:60]}); try again with fewer --jobs.")
            # What earlier answers left running has ended with their worker.
            return self.ask(request)
        self._excuse(killed=why == "SIGKILL")
        raise Stopped(_death(why))

    def _excuse(self, *, killed: bool) -> None:
        """Raise GradingError where it was the machine that ended a process, rather than the process itself."""
        if killed and self._watch and self._watch.machine_out_of_memory():
            raise GradingError("The machine ran out of memory and ended this run; try again with fewer --jobs.")

    def stop(self) -> None:
        """End the worker with all processes that came of it."""
        process, self._process = self._process, None
        if process is None:
            return
        if self._watch:
            self._watch.stop()
        # An answer runs in a session of its own, and without a sandbox nothing ends it together with the worker.
        for pid in reversed(descendants(process.pid)):
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.kill()
        for fd in (self._requests, self._replies):
            os.close(fd)
        process.wait()
        if process.stdout:
            process.stdout.close()

    def _start(self) -> None:
        ours, theirs = os.pipe(), os.pipe()
        inside = (ours[0], theirs[1])
        folder = Path(self._folder.name)
        words, seccomp = self._box(folder) if self._boxed else ([], -1)
        process = subprocess.Popen(
            [*words, *self._python("/course" if self._boxed else str(folder), *inside)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=inside if seccomp < 0 else (*inside, seccomp),
            start_new_session=True,
            # bubblewrap's own process stays, and whoever is the same user reads its environment in /proc/1.
            env=sandbox.environment() | ({} if self._boxed else {"HOME": str(folder), "TMPDIR": str(folder)}),
        )
        for fd in inside if seccomp < 0 else (*inside, seccomp):
            os.close(fd)
        self._requests, self._replies, self._process = ours[1], theirs[0], process
        self._watch = Watch(process, self._limits)
        try:
            self._converse(b"", START_SECONDS)
        except Stopped as error:
            said = " ".join(f"{error} {self._watch.said}".split())
            raise GradingError(f"The sandbox did not start; try again with fewer --jobs. It said: {said}") from error
        self._watch.begin()

    def _box(self, folder: Path) -> tuple[list[str], int]:
        """The sandbox's command line, and the open file of its filter of system calls, or -1."""
        program = filter_of_calls()
        if not program:
            return sandbox.command(sandbox.find(), folder, self._limits), -1
        read, write = os.pipe()
        os.write(write, program)
        os.close(write)
        return sandbox.command(sandbox.find(), folder, self._limits, more=("--seccomp", str(read))), read

    def _python(self, folder: str, requests: int, replies: int) -> list[str]:
        most = self._limits
        settings = {
            "folder": folder,
            "libraries": sandbox.libraries(),
            "uid": sandbox.user() if self._boxed else 0,
            "requests": requests,
            "replies": replies,
            "limits": {
                "nproc": 2 * most.processes + 8 if self._boxed else 4096,
                "fsize": most.disk_mb << 20,
                "nofile": 256,
                "memory": most.memory_mb << 20,
                "cpu": int(most.seconds) + 2,
            },
        }
        return [sys.executable, "-I", "-S", "-B", f"{folder}/start.py", json.dumps(settings)]

    def _converse(self, text: bytes, seconds: float) -> dict[str, Any]:
        """Send a request, then read a reply of the stated length, both within the time."""
        deadline = time.monotonic() + seconds
        assert self._watch is not None
        try:
            sender = threading.Thread(target=_send, args=(self._requests, text), daemon=True)
            sender.start()
            head = self._read(8, deadline)
            size = int(head, 16) if head.strip(b"0123456789abcdef") == b"" else LONGEST + 1
            if size > LONGEST:
                raise Stopped("wrote where it must not")
            reply = json.loads(self._read(size, deadline))
        except (ValueError, RecursionError) as error:
            self.stop()
            raise Stopped("wrote where it must not") from error
        except Stopped:
            self.stop()
            raise
        if not isinstance(reply, dict):
            self.stop()
            raise Stopped("wrote where it must not")
        return reply

    def _read(self, size: int, deadline: float) -> bytes:
        parts: list[bytes] = []
        while size > 0:
            left = deadline - time.monotonic()
            broken = self._watch.broken if self._watch else ""
            if broken:
                raise Stopped(broken)
            if left <= 0:
                starved = self._watch is not None and self._watch.cpu_seconds() < self._limits.seconds / 2
                raise Stopped(f"did not end within {self._limits.seconds:g} seconds", starved=starved)
            if not select.select([self._replies], [], [], min(left, 0.05))[0]:
                continue
            part = os.read(self._replies, min(size, 1 << 20))
            if not part:
                raise Stopped((self._watch.broken if self._watch else "") or _ENDED)
            parts.append(part)
            size -= len(part)
        return b"".join(parts)


def _send(fd: int, text: bytes) -> None:
    with suppress(OSError):
        view = memoryview(text)
        while view:
            view = view[os.write(fd, view) :]


def _death(why: str) -> str:
    if why == "SIGXCPU":
        return "did not end in time"
    if why == "SIGXFSZ":
        return "wrote more than it may"
    return f"{_ENDED} ({why[:60]})" if why.isprintable() else _ENDED
