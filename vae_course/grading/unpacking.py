"""The notebooks in a folder and in the zips that lie in it, read with care: nothing is written, nothing leaves the folder."""

import io
import lzma
import stat
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

# A notebook with many pictures has some megabytes.
LARGEST_NOTEBOOK = 50 << 20
LARGEST_ARCHIVE = 1 << 30
LARGEST_CONTENT = 2 << 30
MOST_MEMBERS = 20_000
LONGEST_NAME = 300
# What zipfile and its decoders raise at bytes that are no zip, or no longer one.
_DAMAGED = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError, RuntimeError, ValueError, OSError,
)  # fmt: skip
_SKIPPED = frozenset((".ipynb_checkpoints", "__MACOSX", ".git", ".venv", "__pycache__", "node_modules"))


@dataclass(frozen=True)
class File:
    """A notebook: the path that says whose it is, how the instructor knows it, when it was made, its bytes.

    `owner` is the folder that a zip handed in by one student stands for: no path in it makes another student of that.
    """

    path: PurePosixPath
    name: str
    when: float
    content: bytes
    owner: PurePosixPath | None = None


@dataclass(frozen=True)
class _Archive:
    """A zip: the folder it lies in, how the instructor knows it, its name without ending, whether it lies in a zip."""

    base: PurePosixPath
    name: str
    stem: str
    nested: bool
    owner: PurePosixPath | None

    def place(self, path: PurePosixPath) -> PurePosixPath:
        """The path of a member; one that lies at the top may belong to whom the zip is named after."""
        return self.base / self.stem / path if len(path.parts) == 1 or self.nested else self.base / path

    def inner(self, path: PurePosixPath, name: str) -> "_Archive":
        """A zip that lies in this one."""
        folder = self.base / path.parent
        return _Archive(folder, name, path.stem, nested=True, owner=self.owner or folder / path.stem)


@dataclass
class Finder:
    """Looks through a folder; `problems` says what could not be read."""

    folder: Path
    problems: list[str] = field(default_factory=list)
    _left: int = field(default_factory=lambda: LARGEST_CONTENT)

    def files(self) -> Iterator[File]:
        """Every notebook, in the order of the paths."""
        for path in self._walk(self.folder):
            place = PurePosixPath(path.relative_to(self.folder).as_posix())
            try:
                if path.suffix.lower() == ".ipynb":
                    yield from self._notebook(path, place)
                elif path.suffix.lower() == ".zip":
                    yield from self._zip_file(path, place)
            except OSError as error:
                self.problems.append(f"{_shown(place)} could not be read ({error.strerror}).")

    def _walk(self, folder: Path) -> Iterator[Path]:
        try:
            entries = sorted(folder.iterdir())
        except OSError as error:
            self.problems.append(f"{_shown(folder)} could not be read ({error.strerror}).")
            return
        for entry in entries:
            if entry.name in _SKIPPED or entry.name.startswith("._"):
                continue
            if entry.is_symlink():
                self.problems.append(
                    f"{_shown(entry.relative_to(self.folder))} is a link to another place and was left out."
                )
            elif entry.is_dir():
                yield from self._walk(entry)
            elif entry.is_file():
                yield entry

    def _notebook(self, path: Path, place: PurePosixPath) -> Iterator[File]:
        size = path.stat().st_size
        if self._fits(size, _shown(place)):
            yield File(place, _shown(place), path.stat().st_mtime, path.read_bytes())

    def _zip_file(self, path: Path, place: PurePosixPath) -> Iterator[File]:
        if path.stat().st_size > LARGEST_ARCHIVE:
            self.problems.append(f"{_shown(place)} is larger than {LARGEST_ARCHIVE >> 20} MB and was left out.")
            return
        with path.open("rb") as stream:
            owner = None if str(place.parent) == "." else place.parent
            archive = _Archive(place.parent, _shown(place), place.stem, nested=False, owner=owner)
            yield from self._zip(stream, archive)

    def _zip(self, stream: io.IOBase, archive: _Archive) -> Iterator[File]:
        """The notebooks in a zip."""
        try:
            with zipfile.ZipFile(stream) as opened:
                members = opened.infolist()
                if len(members) > MOST_MEMBERS:
                    self.problems.append(f"{archive.name} holds more than {MOST_MEMBERS} files and was left out.")
                    return
                for member in sorted(members, key=lambda m: m.filename):
                    yield from self._member(opened, member, archive)
        except _DAMAGED as error:
            self.problems.append(f"{archive.name} is no readable zip ({_words(error)}).")

    def _member(self, opened: zipfile.ZipFile, member: zipfile.ZipInfo, archive: _Archive) -> Iterator[File]:
        if len(member.filename) > LONGEST_NAME:
            self.problems.append(
                f"{archive.name}: {_shown(member.filename)[:60]}... was left out: its name is too long."
            )
            return
        path = PurePosixPath(member.filename.replace("\\", "/"))
        shown = f"{archive.name}: {_shown(path)}"
        is_zip = path.suffix.lower() == ".zip"
        if member.is_dir() or _SKIPPED & set(path.parts) or path.name.startswith("._"):
            return
        if path.suffix.lower() != ".ipynb" and not (is_zip and not archive.nested):
            if is_zip:
                self.problems.append(f"{shown} lies in a zip within a zip within a zip and was left out.")
            return
        if path.is_absolute() or ".." in path.parts or ":" in path.parts[0]:
            self.problems.append(f"{shown} points out of its archive and was left out.")
            return
        if stat.S_ISLNK(member.external_attr >> 16):
            self.problems.append(f"{shown} is a link to another place and was left out.")
            return
        content = self._content(opened, member, shown)
        if content is None:
            return
        if is_zip:
            yield from self._zip(io.BytesIO(content), archive.inner(path, shown))
        else:
            yield File(archive.place(path), shown, _when(member), content, archive.owner)

    def _content(self, opened: zipfile.ZipFile, member: zipfile.ZipInfo, shown: str) -> bytes | None:
        """A member's bytes; what it says of its size is checked against what comes out."""
        if not self._fits(member.file_size, shown):
            return None
        if member.flag_bits & 1:
            self.problems.append(f"{shown} is encrypted and was left out.")
            return None
        try:
            with opened.open(member) as stream:
                content = stream.read(LARGEST_NOTEBOOK + 1)
        except _DAMAGED as error:
            self.problems.append(f"{shown} is damaged ({_words(error)}).")
            return None
        return content if self._fits(len(content), shown, count=False) else None

    def _fits(self, size: int, shown: str, *, count: bool = True) -> bool:
        if size > LARGEST_NOTEBOOK:
            self.problems.append(f"{shown} is larger than {LARGEST_NOTEBOOK >> 20} MB and was left out.")
            return False
        self._left -= size if count else 0
        if self._left < 0:
            self.problems.append(
                f"{shown} was left out: all files together are larger than {LARGEST_CONTENT >> 30} GB."
            )
            return False
        return True


def _when(member: zipfile.ZipInfo) -> float:
    year, month, day, hour, minute, second = member.date_time
    return ((((year * 12 + month) * 31 + day) * 24 + hour) * 60 + minute) * 60 + second - 6.3e10


def _shown(path: object) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in str(path))[:300]


def _words(error: BaseException) -> str:
    return _shown(" ".join(str(error).split()) or type(error).__name__)[:120]
