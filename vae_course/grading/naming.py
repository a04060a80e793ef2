"""Who handed in what, from where a file was found and what it is called."""

import os
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

# What browsers, Colab and Windows add to a name.
_COPY = re.compile(r"^(copy of|kopie van|kopie von|copie de|copia de|copia di|kopia)\s+", re.IGNORECASE)
_AGAIN = re.compile(r"\s*(\(\d+\)|[-_ ]copy\s*\d*|[-_ ]kopie|- copy( \(\d+\))?|-checkpoint)$", re.IGNORECASE)
# A folder of a Moodle download: name, number of the participant, kind of the submission.
_MOODLE = re.compile(r"^(?P<name>.+?)_(?P<id>\d{3,})_assignsubmission_\w+?_?$")
# Canvas writes name, optional LATE, two numbers and then the student's own file name.
_CANVAS = re.compile(r"^(?P<name>[a-z]+)(_late)?_\d{2,}_\d{2,}_(?P<file>.+)$", re.IGNORECASE)
_NEUTRAL = frozenset("submitted submission submissions solutions notebooks class work homework downloads".split())


@dataclass(frozen=True)
class Place:
    """What a path says: the student, and the lesson; either may be empty."""

    student: str
    lesson: str


def read(path: PurePosixPath, lessons: Sequence[str]) -> Place:
    """Read a path, from the folder of the submissions on."""
    stem = path.name.removesuffix(".ipynb")
    canvas = _CANVAS.match(stem)
    folders = [part for part in path.parts[:-1] if part not in (".", "")]
    given = _student_of(folders, lessons)
    if canvas and not given:
        return Place(canvas["name"], _lesson_and_rest(canvas["file"], lessons)[0])
    lesson, rest = _lesson_and_rest(stem, lessons)
    if not lesson:
        lesson = next((found for f in reversed(folders) if (found := _lesson_and_rest(f, lessons)[0])), "")
        rest = "" if lesson and given else rest
    return Place(given or rest, lesson)


def owner(folder: PurePosixPath, lessons: Sequence[str]) -> str:
    """The student whom a folder, or a zip with this path without its ending, stands for; empty where it is nobody's."""
    parts = [part for part in folder.parts if part not in (".", "")]
    student = _student_of(parts, lessons)
    if student or not parts or parts[-1].lower() in _NEUTRAL:
        return student
    lesson, rest = _lesson_and_rest(parts[-1], lessons)
    return rest if lesson else ""


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


def _student_of(folders: Sequence[str], lessons: Sequence[str]) -> str:
    """The student's folder: Moodle's and Canvas's by their form, nbgrader's below `submitted`, else the first that is
    nobody's name.
    """
    for folder in folders:
        moodle = _MOODLE.match(folder)
        if moodle:
            return f"{moodle['name']}_{moodle['id']}"
        canvas = _CANVAS.match(folder)
        if canvas:
            return canvas["name"]
    if "submitted" in folders[:-1]:
        return folders[list(folders).index("submitted") + 1]
    for folder in folders:
        if folder.lower() not in _NEUTRAL and not _lesson_and_rest(folder, lessons)[0]:
            return folder
    return ""
