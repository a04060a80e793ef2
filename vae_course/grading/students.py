"""Which of the names in a path is the student's, and who might be somebody else of the same name."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from vae_course.grading import naming
from vae_course.grading.naming import Sign
from vae_course.grading.unpacking import File

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
    """The folders and zips at the top that hold several students."""
    roots: dict[PurePosixPath, list[Found]] = {}
    for row in found:
        if row.signs:
            roots.setdefault(row.signs[0].home, []).append(row)
    return {root for root, rows in roots.items() if _holds_several(rows, alone=len(roots) == 1)}


def _holds_several(rows: Sequence[Found], *, alone: bool) -> bool:
    """Whether what lies in a folder is of several students: by the names that platforms give, by zips in a zip, or because
    it holds one lesson several times. What lies alone in the folder of the submissions needs less of it.
    """
    if any(row.signs[0].kind != "folder" for row in rows):
        return False
    inner = [(row.signs[1], row) for row in rows if len(row.signs) > 1]
    all_named = len(inner) == len(rows)
    platform = {(sign.student, sign.number) for sign, _ in inner if sign.kind == "platform"}
    if len(platform) > 1 or (alone and platform):
        return True
    folders = [(sign, row) for sign, row in inner if sign.kind != "file"]
    zipped = [row for _, row in folders if row.file.zips and row.file.zips[0] == row.signs[0].path]
    if all_named and zipped and (alone or any(len(row.file.zips) > 1 for row in zipped)):
        return True
    return _most(folders) >= (2 if all_named else 3) or _most(inner) >= (2 if alone else 3)


def _most(inner: Sequence[tuple[Sign, Found]]) -> int:
    """How many names there are for one lesson, where there are most."""
    lessons = Counter(lesson for lesson, _ in {(row.lesson, sign.home) for sign, row in inner})
    return max(lessons.values(), default=0)


def sign_of(signs: Sequence[Sign], shared: set[PurePosixPath]) -> Sign | None:
    """The student's among the names in a path."""
    if len(signs) > 1 and signs[0].home in shared:
        return signs[1]
    return signs[0] if signs else None


def name_students(found: Sequence[Found]) -> None:
    """Give each file its student's name, and different names to those who might be different students."""
    numbers: dict[str, set[str]] = {}
    for row in found:
        if row.sign:
            numbers.setdefault(row.sign.student, set()).add(row.sign.number)
    for row in found:
        if row.sign:
            number = row.sign.number if len(numbers[row.sign.student] - {""}) > 1 else ""
            row.student = naming.spelt(f"{row.sign.student}_{number}" if number else row.sign.student)
            _doubt_names(row, row.sign)
    _tell_apart([row for row in found if row.sign])
    _number([row for row in found if not row.sign], {row.student for row in found})


def _doubt_names(row: Found, sign: Sign) -> None:
    """Say it where the path goes on as if another student had handed it in."""
    later = row.signs[row.signs.index(sign) + 1 :]
    other = next((s.student for s in later if s.kind == "platform" and s.student != sign.student), "")
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
        if not _differ(homes.values()):
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
