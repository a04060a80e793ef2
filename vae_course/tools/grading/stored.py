"""Files that stay on the disk, or in a zip there, until somebody asks for their bytes."""

import functools
import io
import lzma
import threading
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

from .errors import GradingError

# A notebook with many pictures has some megabytes.
LARGEST_NOTEBOOK = 50 << 20
# What zipfile and its decoders raise at bytes that are no zip, or no longer one; a decoder may ask for any memory.
DAMAGED = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError, RuntimeError, ValueError, OSError,
    MemoryError, IndexError, OverflowError,
)  # fmt: skip
_READING = threading.Lock()


@dataclass(frozen=True)
class Stored:
    """Bytes that stay on the disk until they are asked for.

    Args:
        path: the file, or the zip that they lie in.
        name: how the instructor knows it.
        members: the number of the member in that zip, then in the zip that this one is.
    """

    path: Path
    name: str
    members: tuple[int, ...] = ()

    def read(self) -> bytes:
        """The bytes.

        Raises:
            GradingError: they are no longer there.
        """
        try:
            if not self.members:
                with self.path.open("rb") as stream:
                    return stream.read(LARGEST_NOTEBOOK)
            with _READING:
                content = _member_of(_opened(self.path, self.path.stat().st_mtime_ns), self.members[0])
            for number in self.members[1:]:
                with zipfile.ZipFile(io.BytesIO(content)) as inner:
                    content = _member_of(inner, number)
        except DAMAGED as error:
            raise GradingError(
                f"{self.name} was there a moment ago and can't be read now ({words_of(error)}): put it back and run the "
                "same command again, which goes on where it stopped."
            ) from error
        return content


@functools.lru_cache(maxsize=8)
def _opened(path: Path, _changed: int) -> zipfile.ZipFile:
    """A zip, opened once for all that lies in it; it is closed when it is dropped."""
    return zipfile.ZipFile(path)


def _member_of(archive: zipfile.ZipFile, number: int) -> bytes:
    with archive.open(archive.infolist()[number]) as stream:
        return stream.read(LARGEST_NOTEBOOK)


def shown_as(path: object) -> str:
    """A path as an instructor may read it, without letters that act on a terminal."""
    return "".join(letter if letter.isprintable() else "?" for letter in str(path))[:300]


def words_of(error: BaseException) -> str:
    """What an error says, in one line."""
    return shown_as(" ".join(str(error).split()) or type(error).__name__)[:120]
