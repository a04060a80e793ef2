"""A lesson's source: the percent file, cell by cell, with the line that each cell stands on."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from .errors import AuthoringError

if TYPE_CHECKING:
    from vae_course.exercises.model import AnyExercise

Role = Literal["plain", "exercise", "check", "written"]

# What jupytext itself takes for the start of a cell in the percent format.
_CELL_START = re.compile(r"^\s*#\s*%%(%*)(\s.*)?$")
_RANGE = re.compile(r"(\d{1,2})-(\d{1,2})")
_LESSON_NAME = re.compile(r"\d\d_[a-z0-9]+(_[a-z0-9]+)*")
# What jupytext adds for its own round trip; no reader of a notebook needs it.
_JUPYTEXT_KEYS = ("lines_to_next_cell", "lines_to_end_of_cell_marker", "cell_marker")


@dataclass(frozen=True)
class SourceCell:
    """One cell of a lesson; `line` is that of its marker, `first_line` that of its first text.

    In the source, the cells of an exercise are markers without text; `stamp.with_exercises` fills them from its file.
    """

    line: int
    first_line: int
    kind: str
    text: str
    role: Role = "plain"
    id: str = ""
    task: "AnyExercise | None" = None
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Lesson:
    """A lesson's source: its file, its name as messages show it, its text and its cells."""

    path: Path
    shown: str
    text: str
    cells: tuple[SourceCell, ...]

    @property
    def name(self) -> str:
        """The lesson's name, such as `07_first_vae`."""
        return self.path.stem

    @property
    def number(self) -> str:
        """The lesson's two digits."""
        return self.name[:2]

    def error(self, line: int, message: str) -> AuthoringError:
        """An error that begins with the file and the line."""
        return AuthoringError(f"{self.shown}:{line}: {message}")


def discover(folder: Path) -> list[Path]:
    """The sources of all lessons in a folder, in the order of their numbers."""
    return sorted(path for path in folder.glob("[0-9][0-9]_*.py") if path.is_file())


def choose(names: Sequence[str], folder: Path) -> list[Path]:
    """The sources in a folder that `select` picks.

    Raises:
        AuthoringError: there are no lessons, or a name is none of theirs.
    """
    known = discover(folder)
    if not known:
        raise AuthoringError(f"There are no lessons: {folder} holds no NN_topic.py.")
    return select(names, known)


def select(names: Sequence[str], known: Sequence[Path]) -> list[Path]:
    """The lessons that `04`, `01-06`, `04_the_elbo`, a path, or several of these with commas between stand for.

    Args:
        names: what stands on the command line, a word or more; empty for all lessons.
        known: the files of all lessons, such as `04_the_elbo.py`, in order.

    Raises:
        AuthoringError: a part names no lesson.
    """
    wanted = [path for name in names for part in name.split(",") for path in _meant(part.strip(), known)]
    return [path for path in known if path in wanted or not names]


def _meant(part: str, known: Sequence[Path]) -> list[Path]:
    ends = _RANGE.fullmatch(part)
    if ends:
        found = [path for path in known if int(ends[1]) <= int(path.stem[:2]) <= int(ends[2])]
    else:
        number = part.zfill(2) if part.isdecimal() else None
        found = [path for path in known if path.stem[:2] == number or path.stem == Path(part).stem]
    if not found:
        numbers = ", ".join(path.stem[:2] for path in known)
        raise AuthoringError(
            f'"{part}" names no lesson; write numbers such as 04 or 01-06, with commas between. There are {numbers}.'
        )
    return found


def read(path: Path, *, shown: str | None = None) -> Lesson:
    """Read a lesson's source and the roles of its cells; raises AuthoringError with file and line."""
    shown = shown or path.name
    if not _LESSON_NAME.fullmatch(path.stem):
        raise AuthoringError(f"{shown}: name a lesson's source NN_topic.py, in lower case.")
    text = "\n".join(path.read_text(encoding="utf-8-sig").splitlines()) + "\n"
    bare = Lesson(path=path, shown=shown, text=text, cells=())
    return Lesson(path=path, shown=shown, text=text, cells=tuple(_cells(bare)))


def _cells(lesson: Lesson) -> list[SourceCell]:
    lines = lesson.text.splitlines()
    starts = [number for number, line in enumerate(lines, start=1) if _CELL_START.match(line)]
    cells = _parse(lesson)
    if not starts:
        raise lesson.error(1, "no cell found: start each one with `# %%` or `# %% [markdown]`.")
    if len(cells) != len(starts):
        raise lesson.error(
            1,
            f"{len(starts)} lines start with `# %%` but {len(cells)} cells were read: move text above the"
            " first marker into a cell, and keep `# %%` out of strings, code fences and indented lines.",
        )
    return [_cell(lesson, cell, line=line, lines=lines) for cell, line in zip(cells, starts, strict=True)]


def _parse(lesson: Lesson) -> list[Any]:
    import jupytext

    return list(jupytext.reads(lesson.text, fmt="py:percent").cells)


def _cell(lesson: Lesson, cell: Any, *, line: int, lines: list[str]) -> SourceCell:
    metadata = {key: value for key, value in cell.metadata.items() if key not in _JUPYTEXT_KEYS}
    unread = metadata.get("incorrectly_encoded_metadata") or next((k for k, v in metadata.items() if v is None), None)
    if unread is not None:
        raise lesson.error(line, f'the cell marker says `{unread}`, which is not of the form key="value" or key=3.')
    role, id = _role(lesson, metadata, line=line, kind=cell.cell_type)
    first = next((n for n in range(line + 1, len(lines) + 1) if lines[n - 1].strip()), line)
    if role != "plain":
        if cell.source.strip():
            raise lesson.error(
                first,
                f'the cell marked {role}="{id}" is filled from the exercise\'s file: put this into a cell of its own.',
            )
        first = line
    if metadata.keys() - {"tags"}:
        raise lesson.error(line, f"the cell marker says `{min(metadata.keys() - {'tags'})}`, which no cell has.")
    return SourceCell(line, first, cell.cell_type, cell.source, role, id, metadata=metadata)


def _role(lesson: Lesson, metadata: dict[str, Any], *, line: int, kind: str) -> tuple[Role, str]:
    roles: list[Role] = [role for role in ("exercise", "check") if role in metadata]
    if not roles:
        return "plain", ""
    if len(roles) > 1:
        raise lesson.error(line, f"a cell has one role, not {' and '.join(f'`{role}`' for role in roles)}.")
    role = roles[0]
    if kind != "code":
        raise lesson.error(line, f"a cell marked `{role}` is a code cell, and this is a {kind} cell.")
    return role, str(metadata.pop(role))
