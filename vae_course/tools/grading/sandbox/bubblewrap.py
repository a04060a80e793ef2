"""The walls of the sandbox: bubblewrap, with a read-only system, private folders, no network, and a filter of system calls."""

import errno
import functools
import itertools
import os
import platform
import secrets
import struct
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from shutil import which

import numpy as np
import torch

from vae_course.tools.authoring import settings
from vae_course.tools.authoring.errors import AuthoringError
from vae_course.tools.grading.model import GradingError
from vae_course.tools.grading.sandbox.limits import Limits

# Users that own nothing here, the first and how many; as root each sandbox is entered with one, because limits don't hold
# for root. The second range is for containers that know only 65,536 users.
_NOBODIES = ((1_900_000_000, 1 << 27), (64_000, 1_500))
# Two grading processes may run side by side, so each begins somewhere else.
_turns = itertools.count(secrets.randbelow(1 << 27))
# Programs and libraries, but nothing that people keep under /usr, such as an exchange of nbgrader or a course.
_SYSTEM = (
    "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/usr/bin", "/usr/sbin", "/usr/lib", "/usr/lib32", "/usr/lib64",
    "/usr/libexec", "/usr/local/bin", "/usr/local/lib", "/usr/local/lib64", "/usr/local/cuda", "/etc/ld.so.cache",
    "/etc/alternatives", "/nix/store",
)  # fmt: skip
# Too many folders to go through one by one.
_STORE = Path("/nix/store")
# Each call with its number on x86-64 and on AArch64.
_REFUSED = {
    "memfd_create": (319, 279), "memfd_secret": (447, 447), "shmget": (29, 194), "msgget": (68, 186),
    "semget": (64, 190), "mq_open": (240, 180), "ptrace": (101, 117), "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271), "pidfd_getfd": (438, 438), "unshare": (272, 97), "setns": (308, 268),
    "mount": (165, 40), "bpf": (321, 280), "perf_event_open": (298, 241), "keyctl": (250, 219), "add_key": (248, 217),
    "request_key": (249, 218), "userfaultfd": (323, 282), "io_uring_setup": (425, 425),
}  # fmt: skip
_ARCHITECTURES = {"x86_64": (0, 0xC000003E, 56), "aarch64": (1, 0xC00000B7, 220)}
_CLONE3, _NEW_USER = 435, 0x10000000
_X32 = 0x40000000

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16
_ALLOW, _KILL, _REFUSE = 0x7FFF0000, 0x80000000, 0x00050000


class SandboxMissing(GradingError):
    """There is no sandbox here; the message says why and what to do."""


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
            ) from None
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
    visible = _visible()
    hidden = _hidden(visible)
    # From the outside to the inside: a Python in a hidden checkout is visible, a copy of the course in that Python is not.
    for path in sorted({*visible, *hidden}, key=lambda path: (len(Path(path).parts), path)):
        words += _covered(path) if path in hidden else _shown(path)
    for path in (*hidden, "/dev"):
        words += ["--remount-ro", path]
    words += ["--ro-bind", str(folder), "/course", "--remount-ro", "/", "--chdir", "/tmp"]
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


def system_calls(machine: str = platform.machine()) -> bytes:
    """The filter of system calls for a kind of machine; nothing where we know none, and the other limits hold alone.

    It refuses memory that no limit counts, other processes, new namespaces and tools of the kernel. It is a program of classic
    BPF, eight bytes an instruction, as Documentation/userspace-api/seccomp_filter of the Linux kernel describes it.
    """
    if machine not in _ARCHITECTURES:
        return b""
    column, architecture, clone = _ARCHITECTURES[machine]
    refused = _REFUSE | errno.EPERM
    lines = [
        (_LOAD, 0, 0, _ARCHITECTURE), (_EQUAL, 1, 0, architecture), (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER), (_AT_LEAST, 0, 1, _X32), (_RETURN, 0, 0, refused),
        # The C library then starts threads by the older call, whose flags can be looked at.
        (_EQUAL, 0, 1, _CLONE3), (_RETURN, 0, 0, _REFUSE | errno.ENOSYS),
    ]  # fmt: skip
    for numbers in _REFUSED.values():
        lines += [(_EQUAL, 0, 1, numbers[column]), (_RETURN, 0, 0, refused)]
    lines += [
        (_EQUAL, 0, 3, clone), (_LOAD, 0, 0, _FIRST_ARGUMENT), (_ANY_BIT, 0, 1, _NEW_USER), (_RETURN, 0, 0, refused),
        (_RETURN, 0, 0, _ALLOW),
    ]  # fmt: skip
    return b"".join(struct.pack("<HBBI", code, yes, no, value) for code, yes, no, value in lines)


def has_users() -> bool:
    """Whether student code can become other users inside; where we are a plain user it can't, and stays what we are."""
    return os.geteuid() == 0


def user() -> int:
    """A user to become inside, another one at each call, so that no submission reaches, or uses up, the processes of another."""
    first, many = next((row for row in _NOBODIES if _maps(*row)), _NOBODIES[-1])
    return first + next(_turns) % many


def _isolation() -> tuple[str, ...]:
    """As root no user namespace, so that there is another user to become; as a plain user all namespaces."""
    common = ("--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try")
    always = ("--die-with-parent", "--new-session", "--clearenv", "--hostname", "sandbox")
    if os.geteuid() == 0:
        return (*common, *always, "--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID")
    return ("--unshare-user", "--disable-userns", *common, *always)


def _shown(path: str) -> list[str]:
    words = []
    for parent in reversed(Path(path).parents[:-1]):
        # Otherwise only root could pass through them.
        words += ["--perms", "0755", "--dir", str(parent)]
    return [*words, "--ro-bind", path, path]


def _covered(path: str) -> list[str]:
    return ["--perms", "0755", "--size", "4096", "--tmpfs", path]


def _visible() -> list[str]:
    """The system, this Python and the libraries; not the course, not the submissions, no home."""
    python = Path(sys.executable)
    folders = [folder for folder in (python.parent, python.resolve().parent) if folder.name == "bin"]
    homes = dict.fromkeys((sys.prefix, sys.base_prefix, *(str(folder.parent) for folder in folders)))
    # Not all of a home: it may be the project's folder, and beside its libraries may lie those of other Pythons.
    parts = [f"{home}/{part}" for home in homes for part in ("bin", "lib", "lib64", "pyvenv.cfg")]
    own = [str(python.parent), str(python.resolve().parent), sysconfig.get_paths()["stdlib"], *libraries()]
    paths = dict.fromkeys(os.path.normpath(path) for path in (*_SYSTEM, *parts, *own))
    return [path for path in paths if os.path.exists(path) and path != "/"]  # noqa: PTH110 (which raises nothing)


def _hidden(visible: Sequence[str]) -> list[str]:
    """Whatever of the course lies inside of what is visible: copies of the package, which hold the references, the checkout."""
    found = [os.path.join(path, copy) for path in visible for copy in _copies(os.path.realpath(path))]  # noqa: PTH118
    with suppress(AuthoringError):
        root = str(settings.read().root)
        found += [root] if root not in visible and any(Path(root).is_relative_to(path) for path in visible) else []
    return list(dict.fromkeys(found))


@functools.cache
def _copies(folder: str) -> tuple[str, ...]:
    """Where in a folder the course's package is installed, or was by halves; found once, because it takes a while."""
    if Path(folder) == _STORE:
        places = [*_STORE.glob("*/vae_course"), *_STORE.glob("*/lib/python3*/site-packages/vae_course")]
        return tuple(str(place.relative_to(folder)) for place in places)
    found: list[str] = []
    for here, names, _ in os.walk(folder):
        whole = [f"{here}/{name}" for name in names if "ae_course" in name]
        found += [os.path.relpath(path, folder) for path in whole if not Path(path).is_symlink()]
        if here.endswith("-packages"):
            names.clear()
    return tuple(found)


def _maps(first: int, many: int) -> bool:
    """Whether these users exist in our own namespace, which in a container may hold few."""
    try:
        rows = [line.split() for line in Path("/proc/self/uid_map").read_text(encoding="ascii").splitlines()]
    except OSError:
        return False
    return any(int(start) <= first and first + many <= int(start) + int(count) for start, _, count in rows)
