"""Whose a notebook is, and of which lesson, from where it was found and what it is called.

A path says several names, each of which may be a student's: `read_path` lists them, `shared_folders` finds those that hold
several students, and `name_students` decides, and doubts whoever might be somebody else.
"""

import hashlib
import os
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import PurePosixPath
from typing import Literal

from vae_course.support.groups import grouped
from vae_course.support.words import listed
from vae_course.tools.grading.collect.archives import NOTEBOOK, File

UNKNOWN = "unknown"
# What browsers, Colab, Windows and macOS add to a name, in many languages.
_COPY_WORDS = (
    r"(copy|copie|kopie|kopia|kopija|kopio|kopya|kopi|c[o\u00f3]pia|\u043a\u043e\u043f\u0438\u044f)"
    r"( (of|von|van|de|di|do|da|af|av))?(?![^\W_])|[\u306e\u7684]?(\u30b3\u30d4\u30fc|\u526f\u672c|\u62f7\u8d1d)|\uc0ac\ubcf8"
)
_AGAIN = re.compile(rf"[-_ ]*(\((?P<number>\d+)\)|(?<![^\W_])({_COPY_WORDS})[-_ ]*\d*|-checkpoint)$", re.IGNORECASE)
_MONTH = (
    r"(jan(uary)?|feb(ruary)?|mar(ch)?|apr(il)?|may|june?|july?|aug(ust)?|sept?(ember)?|oct(ober)?|nov(ember)?|"
    r"dec(ember)?)\.?"
)
# What says when, for the how-manieth time or for which task something was handed in, and that it is a copy.
_NOISE = re.compile(
    r"(?<![^\W_])("
    r"(\d{4}[-_.]\d\d?[-_.]\d\d?|\d\d?[-_.]\d\d?[-_.]\d{4}|(19|20)\d\d[01]\d[0-3]\d|"
    rf"{_MONTH} \d\d?,? \d{{4}}|\d\d?\.? {_MONTH} \d{{4}})([-_ T,]*\d\d?[-_.:h]?\d\d([-_.:]?\d\d)?Z?( ?[ap]m)?)?(-\d{{3}})?|"
    r"(attempt|late|resubmission|resubmitted|versuch|intento|tentative|submissions?|abgaben?|homework|assignment|final|draft|"
    r"solutions?)([-_ ]*\d{1,4})?|(try|take|hw|ps|pset|exercise|lab|lesson|week|sheet|v|version|tp|aufgabe|blatt|"
    r"\u00fcbung|uebung)[-_ ]*\d{1,4}|\(\d+\)"
    rf")(?![^\W_])|(?<![^\W_])({_COPY_WORDS})",
    re.IGNORECASE,
)
_NEUTRAL = re.compile(
    r"submitted|notebooks?|class|course|work|downloads?|old|new|backup|source|release|autograded|feedback|gradebook|"
    r"export|files?|untitled\d*|(new|untitled) folder|student work|(submitted|working) files|\d{1,4}|"
    r".+[-_ ](course|class|kurs|seminar|export)|january|february|march|july|september|october|november|december|"
    rf"{_MONTH}[-_ ,]*(\d\d?|(19|20)\d\d)|"
    r"(class|course|day|group|module|part|section|session|tutorial|unit)([-_ ]*\d{1,4}|[-_ ][a-z])|"
    r"(assignment|attempt|exercise|homework|hw|lab|lesson|try|v|version|week)[-_ ][a-z]",
    re.IGNORECASE,
)
_TEAM = re.compile(r"group([-_ ]*\d{1,4}|[-_ ][a-z])", re.IGNORECASE)
_BETWEEN = re.compile(r"[-_ .,]+")


@dataclass(frozen=True)
class Platform:
    """How a platform names what it hands out, as a folder or a file.

    Args:
        name: of the platform.
        pattern: matches such a name; its group `name` is the student's, `id` the student's number, `file` what the student
            called the file, `when` the time.
        lasting: whether the number is the same in each assignment.
    """

    name: str
    pattern: re.Pattern[str]
    lasting: bool = True


PLATFORMS = (
    Platform(
        "Moodle", re.compile(r"(?P<name>.+?)_(?P<id>\d{3,})_assignsubmission_[a-z]+_?(?P<file>.*)"), lasting=False
    ),
    # The user's name comes last before the word; whatever stands before it tells users of one name apart.
    Platform(
        "Blackboard",
        re.compile(r"(?P<id>.+)_(?P<name>[^_]+)_attempt_(?P<when>\d{4}(-\d\d){5})(_(?P<file>.*))?", re.IGNORECASE),
        lasting=False,
    ),
    Platform(
        "Canvas",
        re.compile(r"(?P<name>[^_]*[^\W\d_][^_]*)(_late)?_(?P<id>\d{3,})_\d{3,}_(?P<file>.+)", re.IGNORECASE),
    ),
    Platform(
        "Brightspace",
        re.compile(r"\d+-\d+ ?- ?(?P<name>.+?) ?- ?(?P<when>[^-]*\d{4}[^-]*?)( ?- ?(?P<file>.+))?", re.IGNORECASE),
    ),
    Platform("Gradescope", re.compile(r"(?P<name>submission_\d{4,})")),
)
# How Blackboard and Brightspace write when something was handed in.
_TIMES = ("%Y-%m-%d-%H-%M-%S", "%b %d, %Y %I%M %p", "%d %B, %Y %H%M")


@dataclass(frozen=True)
class Sign:
    """A name in a path that may be a student's.

    Args:
        student: the name.
        path: the folder that it names, or the file.
        kind: whether a platform wrote it, or nbgrader's folder or a list of names says so; a folder; a file's name beside
            its lesson.
        number: the number that the platform gives the student.
        lasting: whether it is the same in each assignment, as on Canvas.
        platform: the platform that wrote it.
        when: when it was handed in, as the platform says; 0 where it doesn't.
    """

    student: str
    path: PurePosixPath
    kind: Literal["platform", "folder", "file"]
    number: str = ""
    lasting: bool = True
    platform: str = ""
    when: float = 0.0

    @property
    def is_number(self) -> bool:
        """Whether it has no letter, and no platform says that it is a name all the same."""
        return self.kind != "platform" and not re.search(r"[^\W\d_]", self.student)

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


def _platform(name: str, path: PurePosixPath, lessons: Sequence[str]) -> tuple[Sign, str] | None:
    """The student and the lesson that a platform's name of a folder or a file says."""
    for platform in PLATFORMS:
        if match := platform.pattern.fullmatch(name):
            told = {"id": "", "file": ""} | {key: value or "" for key, value in match.groupdict().items()}
            when = _time(told.get("when", ""))
            sign = Sign(told["name"], path, "platform", told["id"], platform.lasting, platform.name, when)
            return sign, lesson_of(told["file"], lessons)
    return None


def _time(text: str) -> float:
    for form in _TIMES:
        with suppress(ValueError, OverflowError, OSError):
            return datetime.strptime(text.replace(":", ""), form).timestamp()
    return 0.0


def _folder(name: str, path: PurePosixPath, lessons: Sequence[str], *, submitted: bool) -> tuple[Sign | None, str]:
    """The student and the lesson that a folder names."""
    if found := _platform(name, path, lessons):
        return found
    lesson, rest = _lesson_and_rest(name, lessons)
    if not (submitted and name.isdecimal()) and (not rest or _NEUTRAL.fullmatch(rest)):
        return None, lesson
    student = name if not lesson and submitted else rest
    return Sign(student, path, "platform" if submitted else "folder", platform="nbgrader" if submitted else ""), lesson


def _file(path: PurePosixPath, lessons: Sequence[str], *, named: bool) -> tuple[Sign | None, str]:
    """The student and the lesson that a file's name says; beside its lesson only, where a folder names a student."""
    stem = _stem(path.name)
    if found := _platform(stem, path, lessons):
        return found
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
    """The lesson that a name mentions, and what else it says: no date, no number of a try, no word for a copy."""
    for name in sorted(lessons, key=len, reverse=True):
        words = re.escape(name).replace("_", r"[-_ ]+")
        match = re.search(rf"(?<![a-z0-9]){words}(?![a-z0-9])", stem, re.IGNORECASE)
        if match:
            return name, _rest(stem[: match.start()], stem[match.end() :])
    return "", _rest(stem)


def _rest(*parts: str) -> str:
    """What is left of a name without noise, and without marks at its ends."""
    pieces = [piece for part in parts for piece in _NOISE.sub("\0", part.removesuffix("-checkpoint")).split("\0")]
    trimmed = [re.sub(r"^[-_ .,]+|[-_ .,]+$", "", piece) for piece in pieces]
    return "-".join(piece for piece in trimmed if piece)


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
    def own(self) -> Sign:
        """The student's name, of a notebook that has one."""
        assert self.sign is not None
        return self.sign

    @property
    def above(self) -> tuple[Sign, ...]:
        """The names on the way to the student's."""
        return self.signs[: self.signs.index(self.own)]

    @property
    def below(self) -> tuple[Sign, ...]:
        """The names between the student's and the file."""
        return self.signs[self.signs.index(self.own) + 1 :]

    @property
    def home(self) -> PurePosixPath:
        """The place of everything that is the same student's; of a nameless notebook, its own."""
        return self.sign.home if self.sign else self.file.path


def settle_names(found: Sequence[HandIn]) -> None:
    """Let a number be a name only where nothing else tells students apart, and take away the words that all names side by
    side begin or end with, such as those of the assignment.
    """
    everywhere = set.intersection(*({sign.student for sign in row.signs} for row in found)) if found else set()
    numbered = [row for row in found if any(sign.is_number for sign in row.signs)]
    named = sum(any(not sign.is_number and sign.student not in everywhere for sign in row.signs) for row in numbered)
    beside: dict[tuple[PurePosixPath, str], set[str]] = {}
    for row in found:
        names = tuple(sign for sign in row.signs if not sign.is_number)
        row.signs = names if names and 2 * named >= len(numbered) else row.signs
        for sign in row.signs:
            if sign.kind != "platform":
                beside.setdefault((sign.path.parent, sign.kind), set()).add(sign.student)
    shorter = {place: _without_common_words(sorted(names)) for place, names in beside.items()}
    for row in found:
        row.signs = tuple(
            replace(sign, student=shorter.get((sign.path.parent, sign.kind), {}).get(sign.student, sign.student))
            for sign in row.signs
        )


def _without_common_words(names: Sequence[str]) -> dict[str, str]:
    """The names without their common words; nobody is left without a name. Between a first name and a surname there is
    a blank, and several people may share one of them.
    """
    words = [_BETWEEN.split(name) for name in names]
    first, last = _common(words), _common([row[::-1] for row in words])
    first, last = first if len(names) > 1 else 0, last if len(names) > 2 else 0
    shorter = {}
    for name, row in zip(names, words, strict=True):
        left = row[first : len(row) - last]
        if not re.search(r"[^\W\d_]", "".join(left)) or _NEUTRAL.fullmatch(" ".join(left)):
            return {}
        start = re.match(rf"(?:[^-_ .,]+[-_ .,]+){{{first}}}", name)
        end = re.search(rf"(?:[-_ .,]+[^-_ .,]+){{{last}}}$", name)
        shorter[name] = name[start.end() if start else 0 : end.start() if end else None]
    blank = any(" " in name.replace(short, "") for name, short in shorter.items())
    return {} if blank and len(names) < 5 else shorter


def _common(rows: Sequence[Sequence[str]]) -> int:
    """How many words all rows begin with."""
    same = [len({word.casefold() for word in column}) == 1 for column in zip(*rows, strict=False)]
    return same.index(False) if False in same else len(same)


def shared_folders(found: Sequence[HandIn], depth: int = 0, *, alone: bool = True) -> set[PurePosixPath]:
    """The folders and zips that hold several students, from the names at this depth on, and those within them that do."""
    roots = grouped((row for row in found if len(row.signs) > depth), lambda row: row.signs[depth].home)
    alone = alone and len(roots) == 1
    shared: set[PurePosixPath] = set()
    for root, rows in roots.items():
        below = shared_folders(rows, depth + 1, alone=alone)
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
    people = {spelt(sign.student) for sign, _ in inner}
    return (
        _most(folders) >= enough
        or _most(inner) >= (2 if alone or all_named else 3)
        or (all_named and len(people) > (1 if alone else 2))
    )


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
    signed = [row for row in found if row.sign]
    several = _several_people(signed)
    for row in signed:
        number = row.own.number if row.own.student in several else ""
        row.student = spelt(f"{row.own.student}_{number}" if number else row.own.student)
    _doubt_names(signed)
    remarks = [
        f"{spelt(name)} is the name of several people ({', '.join(sorted(numbers))}), so each has the number behind "
        f"it; what an earlier run graded as {spelt(name)} stays under that name."
        for name, numbers in several.items()
    ]
    remarks += _doubt_folders(signed)
    _doubt_several(signed)
    _doubt_homes(signed)
    _tell_apart(signed)
    _number([row for row in found if not row.sign], {row.student for row in found})
    return remarks


def _several_people(signed: Sequence[HandIn]) -> dict[str, set[str]]:
    """The names that platforms give to several people, with their numbers: on Moodle, to several in one assignment."""
    numbered = [row for row in signed if row.own.number]
    several: dict[str, set[str]] = {}
    for (name, _), rows in grouped(numbered, lambda row: (row.own.student, row.own.lasting or row.lesson)).items():
        numbers = {row.own.number for row in rows}
        if len(numbers) > 1:
            several[name] = several.get(name, set()) | numbers
    return several


def _doubt_folders(signed: Sequence[HandIn]) -> Iterator[str]:
    """A sentence for each folder whose names are taken for students' though no platform wrote them, and which is not simply
    the whole class; of two names, it may well be that they are one student's two tries.
    """
    inner = [row for row in signed if row.above and row.own.kind != "platform" and row.own.path not in row.file.zips]
    for folder, rows in grouped(inner, lambda row: row.above[-1]).items():
        students = sorted({row.student for row in rows})
        told = (
            f"{spelt(str(folder.path))} was taken for a folder of several students: {listed(students)}. If "
            "it is one student's, leave only what counts in it."
        )
        if len(rows) == len(signed):
            continue
        if len(students) == 2:
            for row in rows:
                row.doubts.append(told)
        else:
            yield told


def _doubt_several(signed: Sequence[HandIn]) -> None:
    """Say it where what is taken for one student's stands below several names."""
    outer = [row for row in signed if row.below and row.own.kind != "platform"]
    outer = [row for row in outer if row.below[0].student != row.own.student]
    for student, rows in grouped(outer, lambda row: row.student).items():
        names = {spelt(row.below[0].student) for row in rows}
        if len(names) > 1:
            told = f"What {student} handed in stands below several names: {listed(sorted(names))}."
            for row in rows:
                row.doubts.append(f"{row.file.name} is graded as {student}'s. {told}")


def _doubt_homes(signed: Sequence[HandIn]) -> None:
    """Say it where a student's work lies at the top of the folder, and more of that name in a folder of several students."""
    top = {row.student: row.home for row in signed if not row.above}
    for row in signed:
        if row.above and row.student in top and row.home != top[row.student]:
            row.doubts.append(
                f"{row.file.name} is graded as {row.student}'s, whose other work lies in {top[row.student]}: somebody else "
                "may have put it there."
            )


def _doubt_names(signed: Sequence[HandIn]) -> None:
    """Say it where the path goes on as if another student had handed it in."""
    students = {row.student for row in signed}
    for row in signed:
        others = [sign for sign in row.below if sign.student != row.own.student]
        named = (sign for sign in others if sign.kind == "platform" or spelt(sign.student) in students)
        if other := next(named, None):
            row.doubts.append(
                f"{row.file.name} names {spelt(other.student)}, but lies in what {row.student} handed in, and is graded as "
                "that; put a download of the whole class at the top of the folder, or into one called `submissions`."
            )


def _tell_apart(found: Sequence[HandIn]) -> None:
    """One name in two folders is one student, unless both hold different notebooks of one lesson: then the names of the
    folders around tell them apart. The one that no other name stands above keeps its own: nobody takes it from outside.
    """
    students = grouped(found, lambda row: row.student)
    taken = set(students)
    for student, own_rows in students.items():
        homes = grouped(own_rows, _spelt_home)
        if not _differ(own_rows) or _downloaded_again(own_rows):
            continue
        where = ", ".join(str(home) for home in sorted(homes))
        own = [home for home, rows in homes.items() if not rows[0].above]
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
    numbers = {row.own.number for row in rows}
    return len(numbers) == 1 and "" not in numbers and not any(row.above for row in rows)


def _differ(found: Sequence[HandIn]) -> bool:
    """Whether two places hold different notebooks of one lesson."""
    lessons = grouped(found, lambda row: row.lesson).values()
    return any(len(set(map(_spelt_home, rows))) > 1 and len(set(map(digest, rows))) > 1 for rows in lessons)


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


def _spelt_home(row: HandIn) -> PurePosixPath:
    return PurePosixPath(*(spelt(part) for part in row.home.parts))


def digest(row: HandIn) -> str:
    """Equal for the same notebooks."""
    return row.file.name if row.file.problem else hashlib.sha256(row.file.content.read()).hexdigest()
