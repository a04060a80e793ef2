"""Where files of the course are kept, and how they are written so that nobody sees half of one."""

import os
import secrets
from contextlib import suppress
from pathlib import Path


def cache_dir() -> Path:
    """Where downloads, drawings and trainings are kept: VAE_COURSE_CACHE, or the system's folder for caches."""
    chosen = os.environ.get("VAE_COURSE_CACHE")
    if chosen:
        return Path(chosen).expanduser()
    from platformdirs import user_cache_path

    return user_cache_path("vae-course", appauthor=False)


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
