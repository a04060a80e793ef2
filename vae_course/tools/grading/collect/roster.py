"""Whose a notebook is, where somebody says it: a list of the students, or a pattern for the paths."""

import csv
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from vae_course.tools.grading.model import GradingError

# The heads of columns: of the one whose words name a student in the table of marks, and of those with parts of a name.
_ID = re.compile(
    r"((student|user|orgdefined|sis|login)[-_ ]*)?(id|number)([-_ ]number)?|user ?name|login|sis login id|matri[ck].*"
)
_FIRST = re.compile(r".*(first|given).*|vorname|pr\u00e9nom|nombre")
_LAST = re.compile(r".*(last|family|surname).*|(nach|familien)name|nom|apellidos?")
_HEADER = re.compile(rf"{_ID.pattern}|{_FIRST.pattern}|{_LAST.pattern}|.*\b(name|id|user|e-?mail|students?|number)\b.*")
_UMLAUTS = str.maketrans({"\u00e4": "ae", "\u00f6": "oe", "\u00fc": "ue", "\u00e5": "aa"})
_LETTERS = str.maketrans({"\u00f8": "o", "\u0142": "l", "\u0111": "d", "\u00e6": "ae", "\u0153": "oe", "\u0131": "i"})


@dataclass(frozen=True)
class Names:
    """What is known of the students beforehand.

    Args:
        roster: each student, and the names and numbers that stand for it, in the form of `plain`.
        pattern: what finds the student in a path, by its group `student`.
    """

    roster: dict[str, frozenset[str]] = field(default_factory=dict)
    pattern: re.Pattern[str] | None = None

    def __bool__(self) -> bool:
        return bool(self.roster or self.pattern)

    def students(self, path: PurePosixPath, *said: str) -> list[str]:
        """The students that a path, or what else is said of its owner, names: by the roster, the one whose name says most;
        else by the pattern, in the path alone.
        """
        text = f" {' '.join(map(plain, (str(path), *said)))} "
        found = {
            student: max((name for name in names if f" {name} " in text), key=len, default="")
            for student, names in self.roster.items()
        }
        longest = [student for student, name in found.items() if name and not _within(name, student, found)]
        if longest or self.pattern is None:
            return longest
        match = self.pattern.search(str(path))
        return [match["student"]] if match and match["student"] else []


def _within(name: str, student: str, found: dict[str, str]) -> bool:
    """Whether another student's name in the path holds this one, as `ann smith` holds `smith`."""
    return any(other != student and name != longer and f" {name} " in f" {longer} " for other, longer in found.items())


def read_names(roster: Path | None, pattern: str | None) -> Names:
    """The names from a CSV file, one student a row, and from a regular expression with a group `student`.

    Raises:
        GradingError: the file can't be read or names nobody, or the expression is none.
    """
    found = None
    if pattern is not None:
        try:
            found = re.compile(pattern)
        except re.error as error:
            raise GradingError(f"--names {pattern!r} is no regular expression ({error}).") from None
        if "student" not in found.groupindex:
            raise GradingError(
                f"--names {pattern!r} has no group (?P<student>...), which is to find the student's name."
            )
    return Names({} if roster is None else _read_roster(roster), found)


def _read_roster(path: Path) -> dict[str, frozenset[str]]:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise GradingError(f"--roster {path} can't be read ({error.strerror}).") from None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:  # as spreadsheets write it
        text = content.decode("utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "cp1252", "replace")
    first = text.partition("\n")[0]
    delimiter = next((mark for mark in "\t;" if mark in first), ",")
    rows = [[cell.strip() for cell in row] for row in csv.reader(text.splitlines(), delimiter=delimiter)]
    rows = [row for row in rows if any(row)]
    header = [cell.casefold() for cell in rows[0]] if rows else []
    if not any(map(_HEADER.fullmatch, header)) or re.search(r"[\d@]", "".join(header)):
        header = []
    people = rows[1:] if header else rows
    if not people:
        raise GradingError(f"--roster {path} names nobody: write a student a row.")
    students = _column_of(people, header) or [_in_words(row, header)[0] for row in people]
    keys = [
        {
            key
            for cell in _in_words(row, header)
            for key in _spellings(cell.partition("@")[0])
            if len(key) > 2 or not key.isascii()
        }
        for row in people
    ]
    shared = {key for key, number in Counter(key for found in keys for key in found).items() if number > 1}
    return {student: frozenset(found - shared) for student, found in zip(students, keys, strict=True)}


def _column_of(people: Sequence[Sequence[str]], header: Sequence[str]) -> list[str]:
    """The column that names each student by another word: one of ids, or the first where it is no part of a name."""
    width = min(map(len, people), default=0)
    ids = [place for place, head in enumerate(header[:width]) if _ID.fullmatch(head)]
    parts = any(_FIRST.fullmatch(head) or _LAST.fullmatch(head) for head in header) or (not header and width > 1)
    for place in [*ids, *([] if parts else range(width))]:
        column = [row[place] for row in people]
        if all(column) and len({plain(cell) for cell in column}) == len(column):
            return column
    return []


def _in_words(row: Sequence[str], header: Sequence[str]) -> list[str]:
    """The student's name as a whole, and the other cells; a first name or a surname alone may be somebody else's."""
    cells = list(zip(header, row, strict=False)) if header else [("", cell) for cell in row]
    if header:
        parts = [cell for kind in (_FIRST, _LAST) for head, cell in cells if kind.fullmatch(head)][:2]
    else:
        parts = [cell for _, cell in cells if not re.search(r"[\d@]", cell)]
        parts = [cell for cell in parts if " " in cell or "," in cell][:1] or parts
    whole = (" " if header else ", ").join(filter(None, parts))
    others = [cell for _, cell in cells if cell and cell not in parts]
    return [whole, " ".join(parts[::-1]), *others] if whole else others


def _spellings(name: str) -> set[str]:
    """A name as platforms write it: in either order, with nothing between its parts, and without its dots above letters."""
    parts = name.split(",")
    texts = {" ".join(parts), " ".join(parts[::-1])}
    return {
        joint.join(order)
        for text in texts | {text.casefold().translate(_UMLAUTS) for text in texts}
        if (row := plain(text).split())
        for order in (row, [*row[-1:], *row[:-1]])
        for joint in (" ", "")
    }


def plain(text: str) -> str:
    """Letters and digits only, small, without accents, a blank between words."""
    bare = "".join(letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))
    return " ".join(re.findall(r"[^\W_]+", bare.casefold().translate(_LETTERS)))
