"""The sandbox that student code runs in: bubblewrap, with a read-only system, private folders and no network."""

import functools
import os
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from shutil import which

import numpy as np
import torch

from vae_course.grading.errors import GradingError

# A user that owns nothing here; as root the sandbox is entered with one, because limits don't hold for root.
_NOBODY = 1_900_000_000
_FALLBACK_NOBODY = 65_534
_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/etc/ld.so.cache", "/etc/alternatives", "/nix/store")


class SandboxMissing(GradingError):
    """There is no sandbox here; the message says why and what to do."""


@dataclass(frozen=True)
class Limits:
    """What one run of one answer may use.

    Args:
        seconds: wall-clock time; a submission's code runs at most twice that for each exercise, and 60 s to start.
        memory_mb: memory, of all its processes together, beyond what PyTorch needs.
        processes: processes and threads.
        output_kb: what it may print.
        disk_mb: what it may write, all of it to a private folder in memory.
    """

    seconds: float = 20.0
    memory_mb: int = 1024
    processes: int = 32
    output_kb: int = 1024
    disk_mb: int = 64


DEFAULT_LIMITS = Limits()


@functools.cache
def find() -> str:
    """The path of a bubblewrap that can make our sandbox here.

    Raises:
        SandboxMissing: there is none, or it can't.
    """
    path = which("bwrap")
    hint = "install bubblewrap 0.8 or newer (apt-get install bubblewrap) where user namespaces are allowed"
    if path is None:
        raise SandboxMissing(f"Student code runs in a sandbox, and bubblewrap is not here: {hint}.")
    with tempfile.TemporaryDirectory(prefix="vae-course-") as folder:
        inside = [*command(path, Path(folder), Limits()), sys.executable, "-I", "-S", "-c", "print(40 + 2)"]
        try:
            done = subprocess.run(inside, capture_output=True, text=True, timeout=60, check=False)
        except (OSError, subprocess.SubprocessError) as error:
            raise SandboxMissing(
                f"Student code runs in a sandbox, and bubblewrap can't start ({error}): {hint}."
            ) from error
    if done.returncode or done.stdout.strip() != "42":
        why = " ".join((done.stderr.strip().splitlines() or [f"exit {done.returncode}"])[-1].split())
        raise SandboxMissing(f"Student code runs in a sandbox, and bubblewrap can't make one here ({why}): {hint}.")
    return path


def command(
    bwrap: str, folder: Path, limits: Limits, *, isolation: Sequence[str] | None = None, more: Sequence[str] = ()
) -> list[str]:
    """The command line that runs what follows it in the sandbox, with this folder visible as /course."""
    size = str(limits.disk_mb << 20)
    words = [bwrap, *(_isolation() if isolation is None else isolation), *more, "--proc", "/proc", "--dev", "/dev"]
    # The private folders come first: a Python that lives under /tmp is then laid over them, and not they over it.
    for path in ("/tmp", "/dev/shm", "/home/student"):
        words += ["--perms", "1777", "--size", size, "--tmpfs", path]
    for path in _visible():
        for parent in reversed(Path(path).parents[:-1]):
            # Otherwise only root could pass through them.
            words += ["--perms", "0755", "--dir", str(parent)]
        words += ["--ro-bind", path, path]
    for path in _hidden():
        words += ["--size", "4096", "--tmpfs", path, "--remount-ro", path]
    words += ["--ro-bind", str(folder), "/course", "--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/tmp"]
    for name, value in environment().items():
        words += ["--setenv", name, value]
    return [*words, "--"]


def environment() -> dict[str, str]:
    """All of the environment that student code gets."""
    return {
        "HOME": "/home/student",
        "TMPDIR": "/tmp",
        "PATH": "/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "OMP_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "CUDA_VISIBLE_DEVICES": "",
    }


def libraries() -> tuple[str, ...]:
    """The folders that hold PyTorch, NumPy and what they import."""
    paths = [sysconfig.get_paths()["purelib"], sysconfig.get_paths()["platlib"]]
    paths += [str(Path(str(module.__file__)).resolve().parents[1]) for module in (torch, np)]
    return tuple(dict.fromkeys(path for path in paths if Path(path).is_dir()))


def user() -> int:
    """The user to become inside; 0 where we are a plain user already."""
    if os.geteuid() != 0:
        return 0
    return _NOBODY + os.getpid() % 100_000 if _maps(_NOBODY) else _FALLBACK_NOBODY


def _isolation() -> tuple[str, ...]:
    """As root no user namespace, so that there is another user to become; as a plain user all namespaces."""
    common = ("--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try")
    always = ("--die-with-parent", "--new-session", "--clearenv", "--hostname", "sandbox")
    if os.geteuid() == 0:
        return (*common, *always, "--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID")
    return ("--unshare-user", "--disable-userns", *common, *always)


def _visible() -> list[str]:
    """The system, this Python and the libraries; not the course, not the submissions, no home."""
    python = Path(sys.executable)
    homes = [sys.prefix, sys.base_prefix, str(python.parent), str(python.resolve().parent), *libraries()]
    paths = [path for path in (*_SYSTEM, *homes) if os.path.exists(path)]  # noqa: PTH110 (which raises nothing)
    whole = [path for path in dict.fromkeys(paths) if not any(_within(path, p) for p in paths if p != path)]
    return [path for path in whole if Path(path) != Path("/")]


def _hidden() -> list[str]:
    """Installed copies of the course, which hold the references."""
    return [str(path) for folder in libraries() if (path := Path(folder) / "vae_course").is_dir()]


def _within(path: str, other: str) -> bool:
    return Path(path) != Path(other) and Path(path).is_relative_to(other)


def _maps(uid: int) -> bool:
    """Whether this user exists in our own namespace, which in a container may hold few."""
    try:
        rows = [line.split() for line in Path("/proc/self/uid_map").read_text(encoding="ascii").splitlines()]
    except OSError:
        return False
    return any(int(first) <= uid and uid + 100_000 < int(first) + int(count) for first, _, count in rows)
