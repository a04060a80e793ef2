"""Whose a notebook is, and of which lesson, from where it was found and what it is called.

A path says several names, each of which may be a student's: `read_path` lists them, `shared_folders` finds those that hold
several students, and `name_students` decides, and doubts whoever might be somebody else.
"""

import hashlib
import os
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Literal

from vae_course.tools.grading.collect.archives import NOTEBOOK, File

UNKNOWN = "unknown"
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


def read_path(path: PurePosixPath, lessons: Sequence[str], zips: Sequence[PurePosixPath] = ()) -> Place:
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


@dataclass
class HandIn:
    """A notebook of a known lesson, and the name in its path that is the student's, once that is decided."""

    file: File
    lesson: str
    signs: tuple[Sign, ...]
    sign: Sign | None = None
    student: str = ""
    doubts: list[str] = field(default_factory=list)

    @property
    def home(self) -> PurePosixPath:
        """The place of everything that is the same student's; of a nameless notebook, its own."""
        return self.sign.home if self.sign else self.file.path


def shared_folders(found: Sequence[HandIn]) -> set[PurePosixPath]:
    """The folders and zips that hold several students, from the top on, and those within them that do."""
    return _shared(found, 0, alone=True)


def _shared(found: Sequence[HandIn], depth: int, *, alone: bool) -> set[PurePosixPath]:
    """Those among the names at this depth, and below what is among them."""
    roots: dict[PurePosixPath, list[HandIn]] = {}
    for row in found:
        if len(row.signs) > depth:
            roots.setdefault(row.signs[depth].home, []).append(row)
    alone = alone and len(roots) == 1
    shared: set[PurePosixPath] = set()
    for root, rows in roots.items():
        below = _shared(rows, depth + 1, alone=alone)
        inside = {row.signs[depth + 1].home if len(row.signs) > depth + 1 else None for row in rows}
        if _holds_several(rows, depth, alone=alone) or (len(inside) == 1 and inside <= below):
            shared |= {root} | below
    return shared


def _holds_several(rows: Sequence[HandIn], depth: int, *, alone: bool) -> bool:
    """Whether what lies in a folder is of several students: by the names that platforms give, by zips in a zip, or because
    it holds one lesson several times. What lies alone in the folder of the submissions needs less of it.
    """
    if any(row.signs[depth].kind != "folder" for row in rows):
        return False
    inner = [(row.signs[depth + 1], row) for row in rows if len(row.signs) > depth + 1]
    all_named = len(inner) == len(rows)
    platform = {(sign.student, sign.number) for sign, _ in inner if sign.kind == "platform"}
    if len(platform) > 1 or (alone and platform):
        return True
    folders = [(sign, row) for sign, row in inner if sign.kind != "file"]
    zipped = [row for _, row in folders if row.signs[depth].path in row.file.zips]
    if all_named and zipped and (alone or any(row.file.zips[-1] != row.signs[depth].path for row in zipped)):
        return True
    enough = 2 if alone or (all_named and depth == 0) else 3
    return _most(folders) >= enough or _most(inner) >= (2 if alone else 3)


def _most(inner: Sequence[tuple[Sign, HandIn]]) -> int:
    """How many names there are for one lesson, where there are most."""
    lessons = Counter(lesson for lesson, _ in {(row.lesson, sign.home) for sign, row in inner})
    return max(lessons.values(), default=0)


def sign_of(signs: Sequence[Sign], shared: set[PurePosixPath]) -> Sign | None:
    """The student's among the names in a path."""
    passed = 0
    while passed + 1 < len(signs) and signs[passed].home in shared:
        passed += 1
    return signs[passed] if signs else None


def name_students(found: Sequence[HandIn]) -> list[str]:
    """Give each file its student's name, and different names to those who might be different students.

    Returns:
        A sentence for each name that several people have, and for each folder that was taken for one of several students.
    """
    signed = [(row, row.sign) for row in found if row.sign]
    several = _several_people(signed)
    for row, sign in signed:
        number = sign.number if sign.student in several else ""
        row.student = spelt(f"{sign.student}_{number}" if number else sign.student)
    students = {row.student for row, _ in signed}
    for row, sign in signed:
        _doubt_names(row, sign, students)
    remarks = [
        f"{spelt(name)} is the name of several people ({', '.join(sorted(numbers))}), so each has the number behind "
        f"it; what an earlier run graded as {spelt(name)} stays under that name."
        for name, numbers in several.items()
    ]
    remarks += _doubt_folders(signed)
    _doubt_homes(signed)
    _tell_apart([row for row, _ in signed])
    _number([row for row in found if not row.sign], {row.student for row in found})
    return remarks


def _several_people(signed: Sequence[tuple[HandIn, Sign]]) -> dict[str, set[str]]:
    """The names that platforms give to several people, with their numbers: on Moodle, to several in one assignment."""
    numbers: dict[tuple[str, str], set[str]] = {}
    for row, sign in signed:
        if sign.number:
            numbers.setdefault((sign.student, "" if sign.lasting else row.lesson), set()).add(sign.number)
    several: dict[str, set[str]] = {}
    for (name, _), found in numbers.items():
        if len(found) > 1:
            several.setdefault(name, set()).update(found)
    return several


def _doubt_folders(signed: Sequence[tuple[HandIn, Sign]]) -> Iterator[str]:
    """A sentence for each folder whose names are taken for students' though no platform wrote them, and which is not simply
    the whole class; of two names, it may well be that they are one student's two tries.
    """
    folders: dict[Sign, list[HandIn]] = {}
    for row, sign in signed:
        above = row.signs.index(sign) - 1
        if above >= 0 and sign.kind != "platform" and sign.path not in row.file.zips:
            folders.setdefault(row.signs[above], []).append(row)
    for folder, rows in folders.items():
        students = sorted({row.student for row in rows})
        told = (
            f"{spelt(str(folder.path))} was taken for a folder of several students: {', '.join(students)[:300]}. If "
            "it is one student's, leave only what counts in it."
        )
        if len(students) == 2:
            for row in rows:
                row.doubts.append(told)
        elif len(rows) < len(signed):
            yield told


def _doubt_homes(signed: Sequence[tuple[HandIn, Sign]]) -> None:
    """Say it where a student's work lies at the top of the folder, and more of that name in a folder of several students."""
    own = {row.student: row.home for row, sign in signed if sign == row.signs[0]}
    for row, sign in signed:
        if sign != row.signs[0] and row.student in own and row.home != own[row.student]:
            row.doubts.append(
                f"{row.file.name} is graded as {row.student}'s, whose other work lies in {own[row.student]}: somebody else "
                "may have put it there."
            )


def _doubt_names(row: HandIn, sign: Sign, students: set[str]) -> None:
    """Say it where the path goes on as if another student had handed it in."""
    later = [s for s in row.signs[row.signs.index(sign) + 1 :] if s.student != sign.student]
    other = next((s.student for s in later if s.kind == "platform" or spelt(s.student) in students), "")
    if other:
        row.doubts.append(
            f"{row.file.name} names {spelt(other)}, but lies in what {row.student} handed in, and is graded as that; "
            "put a download of the whole class at the top of the folder, or into one called `submissions`."
        )


def _tell_apart(found: Sequence[HandIn]) -> None:
    """One name in two folders is one student, unless both hold different notebooks of one lesson: then the names of the
    folders around tell them apart. The one that no other name stands above keeps its own: nobody takes it from outside.
    """
    places: dict[str, dict[PurePosixPath, list[HandIn]]] = {}
    for row in found:
        places.setdefault(row.student, {}).setdefault(_spelt(row.home), []).append(row)
    taken = set(places)
    for student, homes in places.items():
        if not _differ(homes.values()) or _downloaded_again([row for rows in homes.values() for row in rows]):
            continue
        where = ", ".join(str(home) for home in sorted(homes))
        own = [home for home, rows in homes.items() if rows[0].sign == rows[0].signs[0]]
        for home, rows in sorted(homes.items()):
            name = (
                student
                if len(home.parts) == 1 or own == [home]
                else _free("-".join((*home.parts[:-1], student)), taken)
            )
            taken.add(name)
            for row in rows:
                row.student = name
                row.doubts.append(
                    f"{row.file.name} is graded under the name {name}: {student} stands in several places ({where}), which "
                    "may be several students. Give each a name of its own, or remove what is old."
                )


def _downloaded_again(rows: Sequence[HandIn]) -> bool:
    """Whether a platform names one person in all these places, and nobody's folder stands above."""
    numbers = {row.sign.number for row in rows if row.sign and row.sign == row.signs[0]}
    return len(numbers) == 1 and "" not in numbers and all(row.sign == row.signs[0] for row in rows)


def _differ(homes: Iterable[Sequence[HandIn]]) -> bool:
    """Whether two places hold different notebooks of one lesson."""
    lessons: dict[str, list[Sequence[HandIn]]] = {}
    for rows in homes:
        for lesson in {row.lesson for row in rows}:
            lessons.setdefault(lesson, []).append([row for row in rows if row.lesson == lesson])
    return any(len(places) > 1 and len({digest(r) for rows in places for r in rows}) > 1 for places in lessons.values())


def _number(found: Sequence[HandIn], taken: set[str]) -> None:
    """Nameless notebooks: each a student of its own, for nobody knows better."""
    names: dict[tuple[str, str], str] = {}
    keys = {id(row): (row.lesson, digest(row)) for row in found}
    several = len(set(keys.values())) > 1
    for row in sorted(found, key=lambda row: row.file.path):
        key = keys[id(row)]
        if key not in names:
            names[key] = _free(f"{UNKNOWN}-{len(names) + 1}" if several else UNKNOWN, taken)
        row.student = names[key]
        row.doubts.append(
            f"{row.file.name} does not say whose it is; it is graded under the student's name `{row.student}`."
        )


def _free(name: str, taken: set[str]) -> str:
    """The name, with a number behind it where it is somebody's already."""
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name}-{number}"
    return free


def _spelt(path: PurePosixPath) -> PurePosixPath:
    return PurePosixPath(*(spelt(part) for part in path.parts))


def digest(row: HandIn) -> str:
    """Equal for the same notebooks."""
    return row.file.name if row.file.problem else hashlib.sha256(row.file.content.read()).hexdigest()
