"""The notebooks in a folder and in the zips that lie in it, read with care: nothing is written, nothing leaves the folder."""

import functools
import io
import lzma
import os
import stat
import threading
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path, PurePosixPath

from vae_course.tools.grading.collect import gradescope
from vae_course.tools.grading.model import GradingError

# A notebook with many pictures has some megabytes.
LARGEST_NOTEBOOK = 50 << 20
NOTEBOOK = (".ipynb", ".ipynb.txt", ".ipynb.json")  # some browsers add an ending
# What may come out of a zip: this, or so many times its own size. A zip in a zip is one student's.
LARGEST_CONTENT = 4 << 30
LARGEST_SHARE = 200 << 20
MOST_EXPANSION = 20
MOST_MEMBERS = 100_000
LONGEST_NAME = 300
DEEPEST = 40
# The others let nobody say how much memory a file may take.
_COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_SKIPPED = frozenset((".ipynb_checkpoints", "__MACOSX", ".git", ".venv", "__pycache__", "node_modules"))
# What zipfile and its decoders raise at bytes that are no zip, or no longer one; a decoder may ask for any memory.
_DAMAGED = (
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
                with self.path.open("rb") as stream:  # a number beyond the end takes memory for all of it
                    return stream.read(min(LARGEST_NOTEBOOK, os.fstat(stream.fileno()).st_size))
            with _READING:
                content = _member_of(_opened(self.path, self.path.stat().st_mtime_ns), self.members[0])
            for number in self.members[1:]:
                with zipfile.ZipFile(io.BytesIO(content)) as inner:
                    content = _member_of(inner, number)
        except _DAMAGED as error:
            raise GradingError(
                f"{self.name} was there a moment ago and can't be read now ({words_of(error)}): put it back and run the "
                "same command again, which goes on where it stopped."
            ) from None
        return content


@dataclass(frozen=True)
class File:
    """A notebook, wherever it lies.

    Args:
        path: where it lies, in which a zip counts as a folder.
        name: how the instructor knows it.
        when: when it was last changed.
        content: its bytes.
        zips: the paths of the zips that it lies in, the outermost first.
        problem: why it can't be graded, in one sentence; empty where it can.
    """

    path: PurePosixPath
    name: str
    when: float
    content: Stored
    zips: tuple[PurePosixPath, ...] = ()
    problem: str = ""


@dataclass
class _Budget:
    """How many bytes may still come out of a zip; those of a zip in it count for both."""

    left: int
    above: "_Budget | None" = None

    def take(self, size: int) -> bool:
        """Count so many bytes, or none of them where they are too many."""
        if size > self.left or (self.above and not self.above.take(size)):
            return False
        self.left -= size
        return True


@dataclass(frozen=True)
class _Archive:
    """A zip: where it is stored, the paths of the zips that lead to it and its own, and what may come out of it."""

    stored: Stored
    zips: tuple[PurePosixPath, ...]
    budget: _Budget

    def inner(self, path: PurePosixPath, stored: Stored) -> "_Archive":
        """A zip that lies in this one."""
        return _Archive(stored, (*self.zips, _without_ending(path)), _Budget(LARGEST_SHARE, self.budget))


@dataclass
class Finder:
    """Looks through a folder, or one zip.

    Args:
        root: the folder or the zip.
        problems: what could not be read.
        others: the path and the name of each file that is neither a notebook nor a zip.
        stored: where the bytes of these are, by their path.
        folders: the path of each folder and of each readable zip.
        listed: what Gradescope's list in a folder says of the folders beside it.
    """

    root: Path
    problems: list[str] = field(default_factory=list)
    others: list[tuple[PurePosixPath, str]] = field(default_factory=list)
    stored: dict[PurePosixPath, Stored] = field(default_factory=dict)
    folders: set[PurePosixPath] = field(default_factory=set)
    listed: dict[PurePosixPath, dict[str, gradescope.Entry]] = field(default_factory=dict)

    def files(self) -> Iterator[File]:
        """Every notebook."""
        base = self.root if self.root.is_dir() else self.root.parent
        for path in self._walk(self.root, 0) if self.root.is_dir() else [self.root]:
            place = PurePosixPath(path.relative_to(base).as_posix())
            try:
                if is_notebook(path.name):
                    yield self._notebook(path, place)
                elif path.suffix.lower() == ".zip":
                    yield from self._zip_file(path, place)
                else:
                    self.others.append((place, shown_as(place)))
                    self.stored[place] = Stored(path, shown_as(place))
                    if path.name == gradescope.LIST:
                        with path.open("rb") as stream:
                            self.listed[place.parent] = gradescope.entries(stream.read(LARGEST_NOTEBOOK))
            except OSError as error:
                self._unread(place, error)

    def _walk(self, folder: Path, depth: int) -> Iterator[Path]:
        place = PurePosixPath(folder.relative_to(self.root).as_posix())
        if depth > DEEPEST:
            self.problems.append(f"{shown_as(place)} was left out: it lies in more than {DEEPEST} folders.")
            return
        try:
            entries = sorted(folder.iterdir())
        except OSError as error:
            self._unread(place, error)
            return
        if depth:
            self.folders.add(place)
        for entry in entries:
            if entry.name in _SKIPPED or entry.name.startswith("._"):
                continue
            try:
                mode = entry.lstat().st_mode
            except OSError as error:
                self._unread(place / entry.name, error)
                continue
            if stat.S_ISLNK(mode):
                self.problems.append(f"{shown_as(place / entry.name)} is a link to another place and was left out.")
            elif stat.S_ISDIR(mode):
                yield from self._walk(entry, depth + 1)
            elif stat.S_ISREG(mode):
                yield entry

    def _unread(self, place: PurePosixPath, error: OSError) -> None:
        self.problems.append(f"{shown_as(place)} could not be read ({error.strerror}).")

    def _notebook(self, path: Path, place: PurePosixPath) -> File:
        found, stored = path.stat(), Stored(path, shown_as(place))
        problem = _too_large(found.st_size)
        if not problem:
            path.read_bytes()  # to see that it can be read
        return File(place, stored.name, found.st_mtime, stored, problem=problem)

    def _zip_file(self, path: Path, place: PurePosixPath) -> Iterator[File]:
        budget = _Budget(max(LARGEST_CONTENT, MOST_EXPANSION * path.stat().st_size))
        with path.open("rb") as stream:
            yield from self._zip(stream, _Archive(Stored(path, shown_as(place)), (_without_ending(place),), budget))

    def _zip(self, stream: io.IOBase, archive: _Archive) -> Iterator[File]:
        """The notebooks in a zip: the smallest first, so that none is left out for what a larger one takes."""
        before = len(self.problems)
        try:
            with zipfile.ZipFile(stream) as opened:
                members = list(enumerate(opened.infolist()))
                if len(members) > MOST_MEMBERS:
                    self.problems.append(
                        f"{archive.stored.name} holds more than {MOST_MEMBERS} files and was left out."
                    )
                    return
                for number, member in sorted(members, key=lambda m: (m[1].file_size, m[1].filename)):
                    yield from self._member(opened, number, member, archive)
        except _DAMAGED as error:
            self.problems.append(f"{archive.stored.name} is no readable zip ({words_of(error)}).")
        if len(self.problems) == before:
            self.folders.add(archive.zips[-1])

    def _member(
        self, opened: zipfile.ZipFile, number: int, member: zipfile.ZipInfo, archive: _Archive
    ) -> Iterator[File]:
        own = archive.stored
        if len(member.filename) > LONGEST_NAME:
            self.problems.append(f"{own.name}: {shown_as(member.filename)[:60]}... was left out: its name is too long.")
            return
        inside = PurePosixPath(member.filename.replace("\\", "/"))
        shown = f"{own.name}: {shown_as(inside)}"
        is_zip, is_list = inside.suffix.lower() == ".zip", inside.name == gradescope.LIST
        if not inside.name or _SKIPPED & set(inside.parts) or inside.name.startswith("._"):
            return
        if inside.is_absolute() or ".." in inside.parts or ":" in inside.parts[0]:
            self.problems.append(f"{shown} points out of its archive and was left out.")
            return
        path = archive.zips[-1] / inside
        if member.is_dir():
            self.folders.add(path)
        elif stat.S_ISLNK(member.external_attr >> 16):
            self.problems.append(f"{shown} is a link to another place and was left out.")
        elif is_zip and len(archive.zips) > 1:
            self.problems.append(f"{shown} lies in a zip within a zip within a zip and was left out.")
        elif not (is_zip or is_list or is_notebook(inside.name)):
            self.others.append((path, shown))
            if not _refused(member):
                self.stored[path] = Stored(own.path, shown, (*own.members, number))
            self.folders.add(path.parent)
        elif not (problem := _refused(member)) and not archive.budget.take(member.file_size):
            self.problems.append(f"{shown} was left out: too much comes out of this zip; ask for the notebook alone.")
        else:
            stored = Stored(own.path, shown, (*own.members, number))
            content, problem = (b"", problem) if problem else _content(opened, member)
            if problem and (is_zip or is_list):
                self.problems.append(f"{shown} was left out. {problem}")
            elif is_zip:
                yield from self._zip(io.BytesIO(content), archive.inner(path, stored))
            elif is_list:
                self.listed[path.parent] = gradescope.entries(content)
            else:
                yield File(path, shown, _when(member), stored, archive.zips, problem)


def is_notebook(name: str) -> bool:
    """Whether a file of this name may be a notebook."""
    return name.lower().endswith(NOTEBOOK)


def _content(opened: zipfile.ZipFile, member: zipfile.ZipInfo) -> tuple[bytes, str]:
    """A member's bytes, or why there are none; zipfile checks them against what the member says of itself."""
    try:
        with opened.open(member) as stream:
            return stream.read(LARGEST_NOTEBOOK + 1), ""  # whatever it says of its size
    except _DAMAGED as error:
        return b"", f"The file is damaged in its zip ({words_of(error)}): hand it in again."


def _refused(member: zipfile.ZipInfo) -> str:
    """Why a member is not unpacked; empty where it is."""
    if member.flag_bits & 1:
        return "The file is encrypted: hand it in without a password."
    if member.compress_type not in _COMPRESSIONS:
        return "The file is compressed in a way that zips seldom are: hand in an ordinary zip, or the notebook alone."
    return _too_large(member.file_size)


def _without_ending(path: PurePosixPath) -> PurePosixPath:
    """A zip's path as that of a folder."""
    stem = path.name[:-4]
    return path.parent / stem if stem.strip(".") else path


def _too_large(size: int) -> str:
    if size <= LARGEST_NOTEBOOK:
        return ""
    return f"The file is larger than {LARGEST_NOTEBOOK >> 20} MB: clear the notebook's outputs and hand it in again."


def _when(member: zipfile.ZipInfo) -> float:
    """A member's time, on the same scale as that of a file; the earliest where it has none."""
    try:
        return datetime(*member.date_time).timestamp()
    except (ValueError, OverflowError, OSError):
        return 0.0


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
