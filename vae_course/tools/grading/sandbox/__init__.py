"""The sandbox: student code runs in there only, and what comes out of it is data that has been checked.

`bubblewrap` builds its walls, `course_copy` is all of the course that it sees, `worker` is the process in it, `messages` go
in and come out, and `limits` are kept from outside. Three quarters of the cost of a submission is starting PyTorch, so where
each can have a user of its own a sandbox takes one submission after another (`Sandboxes`).
"""

import fcntl
import functools
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vae_course.exercises.model import Exercise
from vae_course.exercises.outcomes import Outcome
from vae_course.support.files import writing
from vae_course.tools.grading.model import GradingError
from vae_course.tools.grading.read import Attempt
from vae_course.tools.grading.sandbox import bubblewrap, course_copy, messages, worker
from vae_course.tools.grading.sandbox.limits import Limits, Meter, Stop, StopKind, Stopped, descendants, too_many_files

_PREFIX = "vae-course-grading-"
_START_SECONDS = 60.0
_LONGEST = 26_000_000
_FORGED = Stop(StopKind.FORGED, "wrote where it must not")
_ENDED = Stop(StopKind.ENDED, "ended its process")


@dataclass(frozen=True)
class Run:
    """What one run of one answer gave: outcomes, or why it was stopped, or which statement could not be run.

    Args:
        outcomes: one for each case; empty where there is a reason.
        stop: what ended it.
        undefined: which statement of the answer's program failed, and what it raised.
        sought: whether it looked for a module of the course that the sandbox does not have.
    """

    outcomes: tuple[Outcome, ...] = ()
    stop: Stop | None = None
    undefined: messages.Undefined | None = None
    sought: bool = False


class Sandbox:
    """A sandbox for the answers of a submission; one that breaks a limit costs only itself, as the next starts another.

    Args:
        exercises: those that will be run.
        limits: what each run may use.
        boxed: False runs student code without walls, with the rights of whoever grades.
    """

    def __init__(self, exercises: Sequence[Exercise], limits: Limits, *, boxed: bool = True) -> None:
        self._exercises, self._limits, self._boxed = exercises, limits, boxed
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._meter: Meter | None = None
        self._requests = self._replies = self._lock = -1
        self._in_submission = False

    def __enter__(self) -> "Sandbox":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        if self._folder is not None:
            self._folder.cleanup()
            os.close(self._lock)

    def run(self, exercise: Exercise, attempt: Attempt, seed: int) -> Run:
        """Apply an answer to the cases of a seed.

        Raises:
            GradingError: no process could be started, or the machine ended it, which is no student's fault.
        """
        assert attempt.program is not None
        cases, statements = exercise.cases(seed), attempt.program.statements
        program = [(statement.cell, statement.above, statement.text) for statement in statements]
        request = messages.request(exercise.id, program, attempt.name, cases)
        try:
            try:
                text = self.ask(request)
            except Stopped as error:
                # One that was kept waiting rather than kept computing gets a second chance.
                if not error.stop.starved:
                    raise
                text = self.ask(request)
            result = messages.result(text, statements=len(statements), gradients=exercise.gradients, cases=cases)
        except Stopped as error:
            return Run(stop=error.stop)
        except messages.Malformed as error:
            self.stop()
            return Run(stop=Stop(StopKind.FORGED, "gave back something that is no result", f"({error})"))
        if isinstance(result, messages.Undefined):
            return Run(undefined=result)
        if result is None:
            return Run(stop=Stop(StopKind.MEMORY, f"needed more than {self._limits.memory_mb} MB of memory"))
        return Run(outcomes=result.outcomes, sought=result.sought)

    def ask(self, request: dict[str, Any]) -> str:
        """Run one request; what came back, which nobody has looked into yet.

        Raises:
            Stopped: it broke a limit or ended its process.
            GradingError: as `run`.
        """
        fresh = self._process is None
        if fresh:
            self._start()
        if not self._in_submission:
            if self._boxed and bubblewrap.has_users():
                self._control({"user": bubblewrap.user()})
            self._in_submission = True
        assert self._meter is not None
        self._meter.begin_run()
        try:
            reply = self._converse(json.dumps(request).encode() + b"\n", self._limits.seconds)
        except Stopped as error:
            self._excuse(killed=error.stop.kind is StopKind.ENDED)
            raise
        left = self._meter.files()
        if left > self._limits.files:
            self.stop()
            raise Stopped(too_many_files(self._limits))
        if left:
            self.stop()  # so that the next answer has all of the disk
        if reply.get("state") == "done" and isinstance(reply.get("body"), str):
            return str(reply["body"])
        if reply.get("state") == "large":
            raise Stopped(Stop(StopKind.RESULT, f"gave back more than {worker.LONGEST // 1_000_000} MB"))
        if reply.get("state") == "refused":
            self.stop()
            if fresh:
                why = str(reply.get("why"))[:60]
                raise GradingError(f"No process could be started ({why}); try again with fewer --jobs.")
            # What earlier answers left running has ended with their worker.
            return self.ask(request)
        self._excuse(killed=reply.get("signal") == signal.SIGKILL)
        raise Stopped(_death(reply))

    def finish(self) -> bool:
        """End a submission; whether the sandbox can take another one, which finds nothing of this one."""
        if self._process is None or not self._boxed or not bubblewrap.has_users():
            return False
        if self._in_submission:
            try:
                self._control({"end": True})
            except GradingError:
                return False
            self._in_submission = False
        assert self._meter is not None
        return not self._meter.broken and not self._meter.files()

    def _control(self, message: dict[str, Any]) -> None:
        """Tell the first process in the sandbox that a submission begins or has ended.

        Raises:
            GradingError: it doesn't do that; it is stopped.
        """
        try:
            reply = self._converse(json.dumps(message).encode() + b"\n", _START_SECONDS)
        except Stopped as error:
            raise GradingError(f"The sandbox {error}; try again with fewer --jobs.") from None
        if reply.get("state") != "ready":
            self.stop()
            raise GradingError("The sandbox could not take a submission; try again with fewer --jobs.")

    def stop(self) -> None:
        """End the worker with all processes that came of it."""
        process, self._process, self._in_submission = self._process, None, False
        if process is None:
            return
        if self._meter:
            self._meter.stop()
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

    def _excuse(self, *, killed: bool) -> None:
        """Raise GradingError where it was the machine that ended a process, rather than the process itself."""
        if killed and self._meter and self._meter.machine_out_of_memory():
            raise GradingError("The machine ran out of memory and ended this run; try again with fewer --jobs.")

    def _start(self) -> None:
        folder = self._course()
        ours, theirs = os.pipe(), os.pipe()
        inside = [ours[0], theirs[1]]
        python = self._python("/course" if self._boxed else str(folder), *inside)
        words, environment = [], bubblewrap.environment() | {"HOME": str(folder), "TMPDIR": str(folder)}
        if self._boxed:
            # bubblewrap's own process stays, and whoever is the same user reads its environment in /proc/1.
            environment = bubblewrap.environment()
            seccomp = _open_filter()
            inside += seccomp
            more = [word for fd in seccomp for word in ("--seccomp", str(fd))]
            words = bubblewrap.command(bubblewrap.find(), folder, self._limits, more=more)
        process = subprocess.Popen(
            [*words, *python],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=inside,
            start_new_session=True,
            env=environment,
        )
        for fd in inside:
            os.close(fd)
        self._requests, self._replies, self._process = ours[1], theirs[0], process
        self._meter = Meter(process, self._limits)
        try:
            self._converse(b"", _START_SECONDS)
        except Stopped as error:
            said = " ".join(f"{error} {self._meter.said}".split())
            raise GradingError(f"The sandbox did not start; try again with fewer --jobs. It said: {said}") from None
        self._meter.begin()

    def _course(self) -> Path:
        """The folder with the copy of the course, made once."""
        if self._folder is None:
            _remove_leftovers()
            with writing(Path(tempfile.gettempdir()), GradingError):
                self._folder, self._lock = _locked_folder()
                Path(self._folder.name).chmod(0o755)
                course_copy.write(Path(self._folder.name), self._exercises)
        return Path(self._folder.name)

    def _python(self, folder: str, requests: int, replies: int) -> list[str]:
        most = self._limits
        settings = {
            "folder": folder,
            "libraries": bubblewrap.libraries(),
            "users": int(self._boxed and bubblewrap.has_users()),
            "requests": requests,
            "replies": replies,
            "limits": {
                "nproc": 2 * most.processes + 8 if self._boxed else 4096,
                "fsize": most.disk_mb << 20,
                "nofile": 256,
                "memory": most.memory_mb << 20,
                "cpu": int(most.seconds) + 2,
                "alone": int(self._boxed),
            },
        }
        return [sys.executable, "-I", "-S", "-B", f"{folder}/start.py", json.dumps(settings)]

    def _converse(self, text: bytes, seconds: float) -> dict[str, Any]:
        """Send a request, then read a reply of the stated length, both within the time."""
        deadline = time.monotonic() + seconds
        threading.Thread(target=_send, args=(self._requests, text), daemon=True).start()
        try:
            head = self._read(8, deadline)
            size = int(head, 16) if head.strip(b"0123456789abcdef") == b"" else _LONGEST + 1
            reply = json.loads(self._read(size, deadline)) if size <= _LONGEST else None
        except (ValueError, RecursionError):
            reply = None
        except Stopped:
            self.stop()
            raise
        if not isinstance(reply, dict):
            self.stop()
            raise Stopped(_FORGED)
        return reply

    def _read(self, size: int, deadline: float) -> bytes:
        assert self._meter is not None
        parts: list[bytes] = []
        while size > 0:
            left = deadline - time.monotonic()
            if self._meter.broken:
                raise Stopped(self._meter.broken)
            if left <= 0:
                starved = self._meter.cpu_seconds() < self._limits.seconds / 2
                words = f"did not end within {self._limits.seconds:g} seconds"
                raise Stopped(Stop(StopKind.TIME, words, starved=starved))
            if not select.select([self._replies], [], [], min(left, 0.05))[0]:
                continue
            part = os.read(self._replies, min(size, 1 << 20))
            if not part:
                raise Stopped(self._meter.broken or _ENDED)
            parts.append(part)
            size -= len(part)
        return b"".join(parts)


class Sandboxes:
    """The sandboxes of a class: one for each thread, handed on from one submission to the next of its lesson.

    One thread's is not for another: a sandbox ends with the thread that has started it.
    """

    def __init__(self) -> None:
        self._kept: dict[int, tuple[object, Sandbox]] = {}

    def __enter__(self) -> "Sandboxes":
        return self

    def __exit__(self, *_: object) -> None:
        for kept in self._kept.values():
            kept[1].__exit__()

    @contextmanager
    def sandbox(self, exercises: Sequence[Exercise], limits: Limits, *, boxed: bool = True) -> Iterator[Sandbox]:
        """A sandbox for one submission; the arguments are those of `Sandbox`."""
        thread = threading.get_ident()
        kind = (tuple(exercise.id for exercise in exercises), limits, boxed)
        kept = self._kept.pop(thread, None)
        if kept and kept[0] != kind:
            kept[1].__exit__()
            kept = None
        box = kept[1] if kept else Sandbox(exercises, limits, boxed=boxed)
        again = False
        try:
            yield box
            again = box.finish()
        finally:
            if again:
                self._kept[thread] = kind, box
            else:
                box.__exit__()


def _locked_folder() -> tuple[tempfile.TemporaryDirectory[str], int]:
    """A new temporary folder, and its lock, which ends with this process; it is made again where one was quicker to clear it."""
    while True:
        folder = tempfile.TemporaryDirectory(prefix=_PREFIX, ignore_cleanup_errors=True)
        with suppress(FileNotFoundError):
            lock = os.open(folder.name, os.O_RDONLY)
            fcntl.flock(lock, fcntl.LOCK_EX)
            if Path(folder.name).is_dir():
                return folder, lock
            os.close(lock)


@functools.cache
def _remove_leftovers() -> None:
    """Remove our folders of runs that were killed, once in a process; those of living runs are locked."""
    for path in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with suppress(OSError):
            lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                if os.fstat(lock).st_uid == os.geteuid():
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(path)
            finally:
                os.close(lock)


def _open_filter() -> list[int]:
    """The open file of the filter of system calls, where there is one for this kind of machine."""
    program = bubblewrap.system_calls()
    if not program:
        return []
    read, write = os.pipe()
    os.write(write, program)
    os.close(write)
    return [read]


def _send(fd: int, text: bytes) -> None:
    with suppress(OSError):
        view = memoryview(text)
        while view:
            view = view[os.write(fd, view) :]


def _death(reply: dict[str, Any]) -> Stop:
    """How an answer's process ended, of which the worker tells a signal's number or an exit status."""
    number, status = reply.get("signal"), reply.get("exit")
    if number == signal.SIGXCPU:
        return Stop(StopKind.TIME, "did not end in time")
    if number == signal.SIGXFSZ:
        return Stop(StopKind.DISK, "wrote more than it may")
    if number in set(signal.Signals):
        return Stop(StopKind.ENDED, _ENDED.words, f"({signal.Signals(number).name})")
    return Stop(StopKind.ENDED, _ENDED.words, f"(exit {status})" if type(status) is int else "")
