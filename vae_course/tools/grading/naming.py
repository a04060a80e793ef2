"""Who handed in what, from where a file was found and what it is called."""

import os
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

from .unpacking import NOTEBOOK

# What browsers, Colab and Windows add to a name.
_COPY = re.compile(r"^(copy of|kopie van|kopie von|copie de|copia de|copia di|kopia)\s+", re.IGNORECASE)
_AGAIN = re.compile(
    r"\s*(\((?P<number>\d+)\)|[-_ ]copy\s*\d*|[-_ ]kopie|- copy( \(\d+\))?|-checkpoint)$", re.IGNORECASE
)
# Moodle writes name, a number that is another one in each assignment, and the kind of the submission; where it makes no
# folders, the student's own file name comes after that.
_MOODLE = re.compile(r"^(?P<name>.+?)_(?P<id>\d{3,})_assignsubmission_\w+?_?$")
_MOODLE_FILE = re.compile(r"^(?P<name>.+?)_(?P<id>\d{3,})_assignsubmission_[a-z]+_(?P<file>.+)$")
# Canvas writes name, optional LATE, the student's number, the file's number and then the student's own file name.
_CANVAS = re.compile(r"^(?P<name>[^\W\d_][^\W_]*)(_late)?_(?P<id>\d{2,})_\d{2,}_(?P<file>.+)$", re.IGNORECASE)
_NEUTRAL = re.compile(
    r"submitted|submissions?|solutions?|notebooks?|class|course|work|homework|downloads?|old|new|draft|final|backup|"
    r"untitled\d*|(new|untitled) folder|"
    r"(assignment|attempt|class|course|day|exercise|group|homework|hw|lab|lesson|module|part|section|session|try|"
    r"tutorial|unit|v|version|week)([-_ ]*\d{1,4}|[-_ ][a-z])",
    re.IGNORECASE,
)

_TEAM = re.compile(r"group([-_ ]*\d{1,4}|[-_ ][a-z])", re.IGNORECASE)


@dataclass(frozen=True)
class Sign:
    """A name in a path that may be a student's.

    Args:
        student: the name.
        path: the folder that it names, or the file.
        kind: whether a platform wrote it, or nbgrader's folder says so; a folder; a file's name beside its lesson.
        number: the number that the platform gives the student.
        lasting: whether it is the same in each assignment, as on Canvas.
    """

    student: str
    path: PurePosixPath
    kind: Literal["platform", "folder", "file"]
    number: str = ""
    lasting: bool = True

    @property
    def home(self) -> PurePosixPath:
        """The place of everything that belongs to this student here, whatever the lesson."""
        return self.path.parent / self.student


@dataclass(frozen=True)
class Place:
    """What a path says: the names on the way to the file, and the lesson; either may be empty."""

    signs: tuple[Sign, ...]
    lesson: str


def read(path: PurePosixPath, lessons: Sequence[str], zips: Sequence[PurePosixPath] = ()) -> Place:
    """Read a path, from the folder of the submissions on; some of its folders may be zips."""
    signs: list[Sign] = []
    found, many = "", False
    folders = [part for part in path.parts[:-1] if part not in (".", "")]
    for depth, folder in enumerate(folders, start=1):
        here = PurePosixPath(*folders[:depth])
        submitted = depth > 1 and folders[depth - 2].lower() == "submitted"
        sign, lesson = _folder(folder, here, lessons, submitted=submitted)
        signs += [sign] if sign else []
        found = lesson or found
        many = here in zips or (bool(lesson) and sign is None)  # it may hold a file of each student
    sign, lesson = _file(path, lessons, named=bool(signs) and not many)
    if not (signs or sign):
        sign = _team(path.parent)
    return Place((*signs, sign) if sign else tuple(signs), lesson or found)


def lesson_of(name: str, lessons: Sequence[str]) -> str:
    """The lesson that a file's name mentions."""
    return _lesson_and_rest(name, lessons)[0]


def copies(name: str) -> int:
    """The number that a browser has put behind a file's name when there was one of that name already."""
    match = _AGAIN.search(_stem(name))
    return int(match["number"] or 0) if match else 0


def _folder(name: str, path: PurePosixPath, lessons: Sequence[str], *, submitted: bool) -> tuple[Sign | None, str]:
    """The student and the lesson that a folder names."""
    if moodle := _MOODLE.match(name):
        return Sign(moodle["name"], path, "platform", moodle["id"], lasting=False), ""
    if canvas := _CANVAS.match(name):
        return Sign(canvas["name"], path, "platform", canvas["id"]), lesson_of(canvas["file"], lessons)
    lesson, rest = _lesson_and_rest(name, lessons)
    student = rest if lesson else name
    if not rest or _NEUTRAL.fullmatch(rest):
        return None, lesson
    return Sign(student, path, "platform" if submitted else "folder"), lesson


def _file(path: PurePosixPath, lessons: Sequence[str], *, named: bool) -> tuple[Sign | None, str]:
    """The student and the lesson that a file's name says; beside its lesson only, where a folder names a student."""
    stem = _stem(path.name)
    if moodle := _MOODLE_FILE.match(stem):
        sign = Sign(moodle["name"], path, "platform", moodle["id"], lasting=False)
        return sign, lesson_of(moodle["file"], lessons)
    if canvas := _CANVAS.match(stem):
        return Sign(canvas["name"], path, "platform", canvas["id"]), lesson_of(canvas["file"], lessons)
    own, rest = _lesson_and_rest(stem, lessons)
    if not rest or _NEUTRAL.fullmatch(rest) or (named and not own):
        return None, own
    return Sign(rest, path, "file"), own


def _team(folder: PurePosixPath) -> Sign | None:
    """A group that hands in as one: told from one that is only a folder of students by that nobody else is named."""
    path = next((path for path in (folder, *folder.parents) if _TEAM.fullmatch(path.name)), None)
    return Sign(path.name, path, "folder") if path else None


def _stem(name: str) -> str:
    ending = next((end for end in sorted(NOTEBOOK, key=len, reverse=True) if name.lower().endswith(end)), "")
    return name[: len(name) - len(ending)]


def spelt(name: str) -> str:
    """A name in one spelling: the same letters from different systems are the same student, and none acts on a terminal."""
    try:
        text = os.fsencode(name).decode("utf-8")
    except UnicodeDecodeError:  # a name in an old code page
        text = os.fsencode(name).decode("latin-1")
    except UnicodeEncodeError:
        text = name.encode("utf-8", "replace").decode("utf-8")
    return "".join(
        letter if letter.isprintable() else f"%{ord(letter):02x}" for letter in unicodedata.normalize("NFC", text)
    )


def _lesson_and_rest(stem: str, lessons: Sequence[str]) -> tuple[str, str]:
    """The lesson that a name mentions, and what else it says."""
    text = stem
    for _ in range(4):
        text = _AGAIN.sub("", _COPY.sub("", text))
    for name in sorted(lessons, key=len, reverse=True):
        words = re.escape(name).replace("_", r"[-_ ]+")
        match = re.search(rf"(?<![a-z0-9]){words}(?![a-z0-9])", text, re.IGNORECASE)
        if match:
            return name, _rest(text[: match.start()], text[match.end() :])
    return "", _rest(text, "")


def _rest(before: str, after: str) -> str:
    parts = [re.sub(r"^[-_ .,]+|[-_ .,]+$", "", part) for part in (before, after)]
    return "-".join(part for part in parts if part)
