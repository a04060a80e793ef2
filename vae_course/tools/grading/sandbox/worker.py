"""The process in the sandbox: it imports PyTorch once, then forks a child for each run of an answer.

It is started as a script in the stripped copy of the package (see `course_copy`). Requests come in by one pipe as lines of
JSON, replies go out by another: eight hexadecimal digits of length, then JSON. It keeps no secret: whatever a reply says is only
compared with what the right answer gives, outside.

Where there are users to become, the first process stays what it is and runs nothing of any student: for each submission it forks
a worker, which becomes a user of its own. No user may touch a process or a file of another, nor the first process.
"""

import __future__

import ast
import json
import linecache
import os
import resource
import signal
import sys
import time
import traceback
from contextlib import suppress
from types import SimpleNamespace
from typing import Any, TextIO

# What a child may send back; more counts as broken.
LONGEST = 24_000_000


def main(folder: str, libraries: list[str], users: int, requests: int, replies: int, limits: dict[str, int]) -> None:
    """Import what answers need; then serve requests, of one submission after another where each can have a user of its own,
    until their pipe is closed.
    """
    if not users:
        _confine(0, limits)
    sys.path[:0] = [folder, *libraries]
    import torch

    from vae_course.exercises import outcomes  # noqa: F401
    from vae_course.tools.grading.sandbox import messages  # noqa: F401

    torch.set_num_threads(1)
    # There is no compiler in here, and what it would make gives the same numbers.
    torch.compile = _uncompiled
    torch.nn.Module.compile = lambda self, *_, **__: None  # type: ignore[method-assign]
    with open(f"{folder}/exercises.json", encoding="utf-8") as file:  # noqa: PTH123
        known = json.load(file)
    _send(replies, {"state": "ready"})
    # A line comes only after the reply to the one before, so none is read ahead and lost to whom it is for.
    with os.fdopen(requests, encoding="utf-8") as lines:
        if not users:
            _serve(lines, known, limits, (requests, replies))
        for line in lines if users else ():
            pid = os.fork()
            if not pid:
                _confine(json.loads(line)["user"], limits)
                _send(replies, {"state": "ready"})
                _serve(lines, known, limits, (requests, replies))
                os._exit(0)
            if os.waitpid(pid, 0)[1] or _others():
                return  # it was ended from within, or left something running
            _send(replies, {"state": "ready"})


def _serve(lines: TextIO, known: Any, limits: dict[str, int], private: tuple[int, int]) -> None:
    """Run the requests of one submission, until one says that it was the last or their pipe is closed."""
    for line in lines:
        request = json.loads(line)
        if "end" in request:
            return
        _send(private[1], _in_a_child(request, known, limits, private))


def _uncompiled(model: Any = None, **_: Any) -> Any:
    """What `torch.compile` is given, or a decorator that hands back what it is given."""
    return _uncompiled if model is None else model


def _confine(uid: int, limits: dict[str, int]) -> None:
    if uid:
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for name in ("nproc", "fsize", "nofile"):
        which = getattr(resource, f"RLIMIT_{name.upper()}")
        hard = resource.getrlimit(which)[1]
        value = limits[name] if hard == resource.RLIM_INFINITY else min(limits[name], hard)
        resource.setrlimit(which, (value, value))


def _in_a_child(
    request: dict[str, Any], known: Any, limits: dict[str, int], private: tuple[int, int]
) -> dict[str, Any]:
    """Run one request in a child, and say how it ended."""
    read, write = os.pipe()
    try:
        pid = os.fork()
    except OSError as error:
        os.close(read)
        os.close(write)
        return {"state": "refused", "why": str(error.strerror)}
    if not pid:
        for fd in (read, *private):
            os.close(fd)
        _child(request, known, limits, write)
    os.close(write)
    body, whole = _receive(read)
    if body:
        os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    os.close(read)
    _end_all(pid, alone=limits["alone"])
    if body:
        return {"state": "done", "body": body} if whole else {"state": "large"}
    if os.WIFSIGNALED(status):
        return {"state": "died", "signal": os.WTERMSIG(status)}
    return {"state": "died", "exit": os.WEXITSTATUS(status)}


def _end_all(pid: int, *, alone: int) -> None:
    """End what a child has left running: in a sandbox all that this user may end, else the child's group."""
    with suppress(ProcessLookupError, PermissionError):
        os.kill(-1 if alone else -pid, signal.SIGKILL)
        while alone and _others():  # until all are gone, their memory and their places among the processes too
            time.sleep(0.001)
            os.kill(-1, signal.SIGKILL)


def _others() -> set[int]:
    """The processes in the sandbox beside this one, the first, and the one that this one came from."""
    return {int(name) for name in os.listdir("/proc") if name.isdigit()} - {1, os.getpid(), os.getppid()}  # noqa: PTH208


def _receive(fd: int) -> tuple[str, bool]:
    """The child's message, empty where it ended without one, and whether it is all there."""
    parts: list[bytes] = []
    size = 0
    while size <= LONGEST:
        part = os.read(fd, 1 << 20)
        if not part:
            return "", True
        parts.append(part)
        size += len(part)
        if part.endswith(b"\n"):
            return b"".join(parts).decode("utf-8", "replace").strip(), True
    return "too long", False


def _child(request: dict[str, Any], known: Any, limits: dict[str, int], write: int) -> None:
    """Define what the request brings along, apply the answer to its cases, write the outcomes, end."""
    try:
        os.setsid()
        most = _mapped() + limits["memory"]
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
        resource.setrlimit(resource.RLIMIT_CPU, (limits["cpu"], limits["cpu"] + 1))
        body = json.dumps(_run(request, known[request["exercise"]])).encode() + b"\n"
    except MemoryError:
        body = b'{"memory": true}\n'
    except BaseException as error:
        body = json.dumps({"broken": type(error).__name__[:100]}).encode() + b"\n"
    with suppress(BaseException):
        view = memoryview(body)
        while view:
            view = view[os.write(write, view) :]
    os._exit(0)


def _mapped() -> int:
    """How many bytes this process has mapped already, most of them for PyTorch's libraries."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123
            return int(file.read().split()[0]) * resource.getpagesize()
    except OSError:
        return 8 << 30


def _run(request: dict[str, Any], data: dict[str, Any]) -> dict[str, Any]:
    from vae_course.exercises import outcomes
    from vae_course.exercises.model import Exercise
    from vae_course.tools.grading.sandbox import messages

    # A print left in a loop costs an answer its time at most: nobody reads what it prints, and nothing keeps it.
    nowhere = sys.stdout = sys.stderr = open(os.devnull, "w", encoding="utf-8", errors="replace")  # noqa: PTH123, SIM115
    os.dup2(nowhere.fileno(), 1)
    os.dup2(nowhere.fileno(), 2)
    vars(outcomes).update(io=SimpleNamespace(StringIO=lambda: nowhere), _attempt=_unless_memory(outcomes._attempt))
    probe = getattr(__import__(data["module"]), data["probe"]) if data["module"] else None
    make: Any = Exercise
    exercise = make(
        function=data["function"],
        parameters=tuple(data["parameters"]),
        gradients=tuple(data["gradients"]),
        probe=probe,
    )
    sought = _Sought()
    sys.meta_path.append(sought)  # the last to be asked
    namespace: dict[str, Any] = {"__name__": "__main__"}
    problem = _define(request["program"], namespace)
    if problem:
        return {"definition": problem}
    answer: Any = namespace.get(request["name"])
    cases = [messages.unpack_case(case) for case in request["cases"]]
    found = [messages.pack_outcome(outcome) for outcome in outcomes.run_answer(exercise, answer, cases)]
    return {"outcomes": found, "sought": sought.course}


class _Sought:
    """Finds no module, but knows whether one of the course was looked for that is not in here."""

    course = False

    def find_spec(self, name: str, *_: Any) -> None:
        self.course = self.course or name.partition(".")[0] == "vae_course"


def _unless_memory(attempt: Any) -> Any:
    """The attempt to call an answer, but without memory it ends the whole run, which would only fill it again."""

    def attempt_or_end(*given: Any) -> Any:
        result, failure = attempt(*given)
        # On a CPU PyTorch has no type of its own for this, only a RuntimeError with these words.
        if failure and (failure.type == "MemoryError" or "can't allocate memory" in failure.message):
            raise MemoryError
        return result, failure

    return attempt_or_end


def _define(program: list[tuple[str, int, str]], namespace: dict[str, Any]) -> dict[str, Any] | None:
    """Run the definitions in their order, each so many lines below the top of its cell; the first that fails, and how."""
    sources: dict[str, list[str]] = {}
    for cell, above, source in program:
        lines = sources.setdefault(cell, [])
        for number, line in enumerate(source.split("\n"), above):
            lines.extend([""] * (number + 1 - len(lines)))
            lines[number] = line or lines[number]
    for cell, lines in sources.items():
        linecache.cache[cell] = (0, None, [line + "\n" for line in lines], cell)
    future = 0  # as in a notebook, what is imported from `__future__` holds for all that follows
    for number, (cell, above, source) in enumerate(program):
        try:
            tree = ast.increment_lineno(ast.parse(source, cell), above)
            code = compile(tree, cell, "exec", flags=future, dont_inherit=True)
            future |= code.co_flags & __future__.annotations.compiler_flag
            exec(code, namespace)
        except MemoryError:
            raise
        except BaseException as error:
            words = " ".join(traceback.format_exception_only(error)[-1].split())
            return {"number": number, "type": type(error).__name__[:100], "message": words[:300]}
    return None


def _send(fd: int, message: dict[str, Any]) -> None:
    body = json.dumps(message).encode()
    view = memoryview(b"%08x" % len(body) + body)
    while view:
        view = view[os.write(fd, view) :]


if __name__ == "__main__":
    main(**json.loads(sys.argv[1]))
