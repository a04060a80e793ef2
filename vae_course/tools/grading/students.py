"""Which of the names in a path is the student's, and who might be somebody else of the same name."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from vae_course.tools.grading import naming
from vae_course.tools.grading.naming import Sign
from vae_course.tools.grading.unpacking import File

UNKNOWN = "unknown"


@dataclass
class Found:
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


def shared_folders(found: Sequence[Found]) -> set[PurePosixPath]:
    """The folders and zips that hold several students, from the top on, and those within them that do."""
    return _shared(found, 0, alone=True)


def _shared(found: Sequence[Found], depth: int, *, alone: bool) -> set[PurePosixPath]:
    """Those among the names at this depth, and below what is among them."""
    roots: dict[PurePosixPath, list[Found]] = {}
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


def _holds_several(rows: Sequence[Found], depth: int, *, alone: bool) -> bool:
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


def _most(inner: Sequence[tuple[Sign, Found]]) -> int:
    """How many names there are for one lesson, where there are most."""
    lessons = Counter(lesson for lesson, _ in {(row.lesson, sign.home) for sign, row in inner})
    return max(lessons.values(), default=0)


def sign_of(signs: Sequence[Sign], shared: set[PurePosixPath]) -> Sign | None:
    """The student's among the names in a path."""
    passed = 0
    while passed + 1 < len(signs) and signs[passed].home in shared:
        passed += 1
    return signs[passed] if signs else None


def name_students(found: Sequence[Found]) -> list[str]:
    """Give each file its student's name, and different names to those who might be different students.

    Returns:
        A sentence for each name that several people have, and for each folder that was taken for one of several students.
    """
    signed = [(row, row.sign) for row in found if row.sign]
    several = _several_people(signed)
    for row, sign in signed:
        number = sign.number if sign.student in several else ""
        row.student = naming.spelt(f"{sign.student}_{number}" if number else sign.student)
    students = {row.student for row, _ in signed}
    for row, sign in signed:
        _doubt_names(row, sign, students)
    remarks = [
        f"{naming.spelt(name)} is the name of several people ({', '.join(sorted(numbers))}), so each has the number behind "
        f"it; what an earlier run graded as {naming.spelt(name)} stays under that name."
        for name, numbers in several.items()
    ]
    remarks += _doubt_folders(signed)
    _doubt_homes(signed)
    _tell_apart([row for row, _ in signed])
    _number([row for row in found if not row.sign], {row.student for row in found})
    return remarks


def _several_people(signed: Sequence[tuple[Found, Sign]]) -> dict[str, set[str]]:
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


def _doubt_folders(signed: Sequence[tuple[Found, Sign]]) -> Iterator[str]:
    """A sentence for each folder whose names are taken for students' though no platform wrote them, and which is not simply
    the whole class; of two names, it may well be that they are one student's two tries.
    """
    folders: dict[Sign, list[Found]] = {}
    for row, sign in signed:
        above = row.signs.index(sign) - 1
        if above >= 0 and sign.kind != "platform" and sign.path not in row.file.zips:
            folders.setdefault(row.signs[above], []).append(row)
    for folder, rows in folders.items():
        students = sorted({row.student for row in rows})
        told = (
            f"{naming.spelt(str(folder.path))} was taken for a folder of several students: {', '.join(students)[:300]}. If "
            "it is one student's, leave only what counts in it."
        )
        if len(students) == 2:
            for row in rows:
                row.doubts.append(told)
        elif len(rows) < len(signed):
            yield told


def _doubt_homes(signed: Sequence[tuple[Found, Sign]]) -> None:
    """Say it where a student's work lies at the top of the folder, and more of that name in a folder of several students."""
    own = {row.student: row.home for row, sign in signed if sign == row.signs[0]}
    for row, sign in signed:
        if sign != row.signs[0] and row.student in own and row.home != own[row.student]:
            row.doubts.append(
                f"{row.file.name} is graded as {row.student}'s, whose other work lies in {own[row.student]}: somebody else "
                "may have put it there."
            )


def _doubt_names(row: Found, sign: Sign, students: set[str]) -> None:
    """Say it where the path goes on as if another student had handed it in."""
    later = [s for s in row.signs[row.signs.index(sign) + 1 :] if s.student != sign.student]
    other = next((s.student for s in later if s.kind == "platform" or naming.spelt(s.student) in students), "")
    if other:
        row.doubts.append(
            f"{row.file.name} names {naming.spelt(other)}, but lies in what {row.student} handed in, and is graded as that; "
            "put a download of the whole class at the top of the folder, or into one called `submissions`."
        )


def _tell_apart(found: Sequence[Found]) -> None:
    """One name in two folders is one student, unless both hold different notebooks of one lesson: then the names of the
    folders around tell them apart. The one that no other name stands above keeps its own: nobody takes it from outside.
    """
    places: dict[str, dict[PurePosixPath, list[Found]]] = {}
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


def _downloaded_again(rows: Sequence[Found]) -> bool:
    """Whether a platform names one person in all these places, and nobody's folder stands above."""
    numbers = {row.sign.number for row in rows if row.sign and row.sign == row.signs[0]}
    return len(numbers) == 1 and "" not in numbers and all(row.sign == row.signs[0] for row in rows)


def _differ(homes: Iterable[Sequence[Found]]) -> bool:
    """Whether two places hold different notebooks of one lesson."""
    lessons: dict[str, list[Sequence[Found]]] = {}
    for rows in homes:
        for lesson in {row.lesson for row in rows}:
            lessons.setdefault(lesson, []).append([row for row in rows if row.lesson == lesson])
    return any(len(places) > 1 and len({digest(r) for rows in places for r in rows}) > 1 for places in lessons.values())


def _number(found: Sequence[Found], taken: set[str]) -> None:
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
    return PurePosixPath(*(naming.spelt(part) for part in path.parts))


def digest(row: Found) -> str:
    """Equal for the same notebooks."""
    return row.file.name if row.file.problem else hashlib.sha256(row.file.content.read()).hexdigest()
