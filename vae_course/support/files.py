"""Where files of the course are kept, and how they are written so that nobody sees half of one."""

import errno
import os
import secrets
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_ROOM, _RIGHT = "make room there", "see that it is a folder where you may write"
_FIXES = dict.fromkeys((errno.ENOSPC, errno.EDQUOT), _ROOM) | dict.fromkeys(
    (errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.EEXIST, errno.EISDIR), _RIGHT
)
_OF_SQLITE = {
    sqlite3.SQLITE_FULL: errno.ENOSPC, sqlite3.SQLITE_IOERR: errno.ENOSPC, sqlite3.SQLITE_READONLY: errno.EROFS,
    sqlite3.SQLITE_PERM: errno.EACCES, sqlite3.SQLITE_CANTOPEN: errno.EACCES,
}  # fmt: skip


def cache_dir() -> Path:
    """Where downloads, drawings and trainings are kept: VAE_COURSE_CACHE, or the system's folder for caches.

    A user without a home, such as a bare user id in a container, has a folder among the temporary files.
    """
    return _folder("VAE_COURSE_CACHE", "user_cache_path") or Path(tempfile.gettempdir(), f"vae-course-{os.getuid()}")


def state_dir() -> Path:
    """Where the course remembers what a learner has done: VAE_COURSE_STATE, or the system's folder for such."""
    return _folder("VAE_COURSE_STATE", "user_state_path") or cache_dir()


def _folder(variable: str, usual: str) -> Path | None:
    """The folder that a variable names, else the system's; None for a user without a home."""
    import platformdirs

    chosen = os.environ.get(variable)
    try:
        return (
            Path(chosen).expanduser() if chosen else Path(getattr(platformdirs, usual)("vae-course", appauthor=False))
        )
    except RuntimeError:
        return None


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Let one process at a time change a file, where the system can say so; its folder is made where it is missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        import fcntl
    except ImportError:  # Windows
        yield
        return
    with path.with_name(f".{path.name}.lock").open("a") as file:
        with suppress(OSError):  # some network drives know no locks
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def write(path: Path, content: bytes | str) -> None:
    """Write a file aside and then rename it, so that whoever reads finds the old content or the new, and never a part.

    Its folder is made where it is missing. Several processes may write the same file: one of them wins, whole.

    Raises:
        OSError: the file can't be written; what stood there still stands.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        with aside.open("xb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())  # else a power cut after the renaming may leave an empty file
        aside.replace(path)
    except BaseException:
        with suppress(OSError):  # it may never have come into being
            aside.unlink()
        raise


@contextmanager
def writing(folder: Path, raises: type[Exception] = OSError) -> Iterator[None]:
    """Say in one sentence what keeps a block from writing to a folder, and what to do.

    Args:
        folder: where the block writes.
        raises: the class of the error with that sentence.

    Raises:
        raises: the disk is full or read-only, a quota is used up, or a right is missing, for a database as for a file.
    """
    try:
        yield
    except Exception as error:
        number = _number(error)
        if number is None:
            raise
        raise raises(
            f"Nothing more can be written to {folder} ({os.strerror(number)}): {_FIXES[number]}, or choose another folder, then "
            "run the same command again."
        ) from None


def _number(error: BaseException | None) -> int | None:
    """The system's number of what is behind an error; databases wrap it once or twice."""
    while error is not None:
        code = getattr(error, "sqlite_errorcode", None)
        number = error.errno if isinstance(error, OSError) else code and _OF_SQLITE.get(code & 0xFF)
        if number in _FIXES:
            return number
        around = None if error.__suppress_context__ else error.__context__
        error = getattr(error, "orig", None) or error.__cause__ or around
    return None
