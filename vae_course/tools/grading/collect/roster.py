"""Whose a notebook is, where somebody says it: a list of the students, or a pattern for the paths."""

import csv
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from vae_course.tools.grading.model import GradingError

_ID = re.compile(r"(student|user|orgdefined|sis)?[-_ ]*(id|name|number|login id)|username|login|student", re.IGNORECASE)
_HEADER = re.compile(
    r".*\b(name|id|user|email|e-mail|student|login|surname|number)\b.*|username|orgdefinedid", re.IGNORECASE
)


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

    def students(self, path: PurePosixPath) -> list[str]:
        """The students that a path names: by the roster, the one whose name says most; else by the pattern."""
        text = f" {plain(str(path))} "
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
        text = path.read_bytes().decode("utf-8-sig", "replace")
    except OSError as error:
        raise GradingError(f"--roster {path} can't be read ({error.strerror}).") from None
    rows = [[cell.strip() for cell in row] for row in csv.reader(text.splitlines(), delimiter=_delimiter(text))]
    rows = [row for row in rows if any(row)]
    header = (
        [cell.casefold() for cell in rows[0]] if rows and all(_HEADER.fullmatch(c) or not c for c in rows[0]) else []
    )
    key = next((i for i, name in enumerate(header) if _ID.fullmatch(name)), 0)
    roster: dict[str, frozenset[str]] = {}
    for row in rows[1:] if header else rows:
        student = (row[key] if key < len(row) else "") or next(cell for cell in row if cell)
        names = [cell.partition("@")[0] for cell in row] + _whole_names(row, header)
        spellings = {spelling for name in names for spelling in _spellings(name) if len(spelling) > 2}
        roster[student] = frozenset(spellings)
    if not roster:
        raise GradingError(f"--roster {path} names nobody: write a student a row, the name or number first.")
    return roster


def _delimiter(text: str) -> str:
    first = text.partition("\n")[0]
    return max(",;\t", key=first.count)


def _whole_names(row: Sequence[str], header: Sequence[str]) -> list[str]:
    """First and last name in one, where they stand in columns of their own."""
    parts = dict(zip(header, row, strict=False))
    first = next((parts[name] for name in parts if re.search(r"first|given", name)), "")
    last = next((parts[name] for name in parts if re.search(r"last|family|surname", name)), "")
    return [f"{first} {last}"] if first and last else []


def _spellings(name: str) -> list[str]:
    """A name as platforms write it: in either order, and with nothing between its parts."""
    parts = [plain(part) for part in name.split(",")]
    words = " ".join(parts[::-1]).split() if len(parts) > 1 else parts[0].split()
    turned = [*words[-1:], *words[:-1]]
    return [" ".join(words), " ".join(turned), "".join(words), "".join(turned)]


def plain(text: str) -> str:
    """Letters and digits only, small, without accents, a blank between words."""
    bare = "".join(letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))
    return " ".join(re.findall(r"[^\W_]+", bare.casefold()))
