"""From a file's bytes to the cells of a notebook, whatever wrote or damaged it. Nothing is executed."""

import functools
import json
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from vae_course.support.words import count
from vae_course.tools.grading.read.cells import python_of

# Each over ten times what any lesson holds. Parsed, a short line takes over 2 kB, and empty lists in a file of 50 MB a
# gigabyte.
LONGEST_CODE = 2 << 20
MOST_WORDS = 150_000
MOST_CELLS = 5_000
MOST_LISTS = 1_000_000
# A check shows its verdict first; how many outputs of a cell are looked at, and how many letters of each.
_OUTPUTS, _SHOWN = 20, 200
_WORD = re.compile(r"\w+|[^\w\s]")
_CONFLICT = re.compile(rb"^<{7}( |\r?$).*^={7}\r?$.*^>{7}( |\r?$)", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Cell:
    """One cell: its place from 1, its kind ("code" or "text"), its text, all ids that it carries, whether files are in it, and
    the beginnings of what it has printed and shown.
    """

    place: int
    kind: str
    text: str
    ids: frozenset[str]
    attachments: bool = False
    shown: tuple[str, ...] = ()

    @functools.cached_property
    def python(self) -> str:
        """The Python in a code cell, line by line."""
        return python_of(self.text)


@dataclass(frozen=True)
class Notebook:
    """A notebook's cells, the lesson and the version of Python that its metadata name, and doubts from reading it."""

    cells: tuple[Cell, ...]
    lesson: str = ""
    python: tuple[int, ...] = ()
    doubts: tuple[str, ...] = ()


class Unreadable(ValueError):
    """The bytes are no notebook; the message is one sentence for the student."""


def read(content: bytes) -> Notebook:
    """The notebook in these bytes.

    Raises:
        Unreadable: there is none; the message says what is there instead.
    """
    document, lost = _json(content)
    rows = _rows(document)
    if len(rows) > MOST_CELLS:
        raise _too_large(f"{MOST_CELLS:,} cells")
    read_rows = [_cell(place, row) for place, row in enumerate(rows, start=1)]
    cells = [cell for cell in read_rows if cell is not None]
    code = [cell.text for cell in cells if cell.kind == "code"]
    if sum(map(len, code)) > LONGEST_CODE:
        raise _too_large(f"{LONGEST_CODE >> 20} MB of code")
    if sum(1 for text in code for _ in _WORD.finditer(text)) > MOST_WORDS:
        raise _too_large(f"{MOST_WORDS:,} words and signs of code")
    if not cells:
        raise Unreadable("The notebook has no cells: save it again with its content and hand it in again.")
    facts = _dict(document, "metadata")
    return Notebook(tuple(cells), _lesson(facts), _python(facts), (*lost, *_damaged(read_rows)))


def _too_large(what: str) -> Unreadable:
    return Unreadable(f"The notebook holds more than {what}: hand in the lesson's notebook.")


def _damaged(read_rows: Sequence[Cell | None]) -> tuple[str, ...]:
    places = [place for place, cell in enumerate(read_rows, start=1) if cell is None]
    if not places:
        return ()
    verb = "is" if len(places) == 1 else "are"
    return (f"{count(len(places), 'cell')} {verb} damaged and could not be read, from cell {places[0]} on.",)


def _json(content: bytes) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The document, and a doubt where a part of it is no text."""
    if not content.strip():
        raise Unreadable("The file is empty: save the notebook and hand it in again.")
    start = content[:400].lstrip(b"\xef\xbb\xbf \r\n\t").lower()
    if start.startswith((b"<!doctype", b"<html", b"<?xml")):
        raise Unreadable("The file is a web page, not a notebook: download the notebook itself (File, Download).")
    if start.startswith(b"version https://git-lfs"):
        raise Unreadable("The file is only a pointer to a large file: hand in the notebook itself.")
    if content.count(b"{") + content.count(b"[") > MOST_LISTS:
        raise _too_large(f"{MOST_LISTS:,} lists")
    doubts: tuple[str, ...] = ()
    try:
        try:
            document = json.loads(content)
        except UnicodeDecodeError:
            text = _other_encoding(content)
            bad = text.count("\N{REPLACEMENT CHARACTER}")
            doubts = (
                (f"{count(bad, 'letter')} of the file can't be read and became \N{REPLACEMENT CHARACTER}.",)
                if bad
                else ()
            )
            document = json.loads(text)
    except ValueError as error:
        raise _not_json(content, error) from None
    except RecursionError:
        raise Unreadable("The file is nested too deeply for a notebook: save it again from Jupyter.") from None
    if not isinstance(document, dict):
        raise Unreadable("The file holds JSON, but no notebook: hand in the file that ends in .ipynb.")
    return document, doubts


def _other_encoding(content: bytes) -> str:
    """Windows editors write old code pages, in which no letter is right as UTF-8; else some bytes of a file are damaged."""
    text = content.decode("utf-8", "replace")
    if not any(letter > "\x7f" for letter in text.replace("\N{REPLACEMENT CHARACTER}", "")):
        with suppress(UnicodeDecodeError):
            return content.decode("cp1252")
    return text


def _not_json(content: bytes, error: ValueError) -> Unreadable:
    if not content.lstrip(b"\xef\xbb\xbf\xff\xfe \r\n\t").startswith(b"{"):
        return Unreadable("The file is no notebook: hand in the file that ends in .ipynb.")
    if _CONFLICT.search(content):
        return Unreadable(
            "The file holds both sides of a merge conflict (<<<<<<<, =======, >>>>>>>): keep one side and hand it in again."
        )
    where = f" in line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
    return Unreadable(
        f"The notebook is cut off or damaged{where}, as after a broken upload: save it and hand it in again."
    )


def _rows(document: dict[str, Any]) -> list[Any]:
    """The cells of format 4, or of format 3, where they lie in worksheets."""
    if isinstance(document.get("cells"), list):
        return document["cells"]
    sheets = document.get("worksheets")
    if not isinstance(sheets, list):
        raise Unreadable("The file holds JSON, but no notebook: hand in the file that ends in .ipynb.")
    cells = [sheet.get("cells") for sheet in sheets if isinstance(sheet, dict)]
    return [row for rows in cells if isinstance(rows, list) for row in rows]


def _cell(place: int, row: Any) -> Cell | None:
    if not isinstance(row, dict):
        return None
    kind = "code" if row.get("cell_type") == "code" else "text"
    text = _text(row.get("source", row.get("input", "")))
    if text is None:
        return None
    metadata = _dict(row, "metadata")
    ids = (row.get("id"), _dict(metadata, "nbgrader").get("grade_id"), metadata.get("id"), metadata.get("name"))
    known = frozenset(id for id in ids if isinstance(id, str))
    outputs = row.get("outputs")
    first = outputs[:_OUTPUTS] if isinstance(outputs, list) else []
    shown = tuple(_shown(output) for output in first if isinstance(output, dict))
    return Cell(place, kind, text, known, bool(row.get("attachments")), shown)


def _dict(facts: dict[str, Any], name: str) -> dict[str, Any]:
    """What has this name where it is a dict, as it should be; else an empty one."""
    found = facts.get(name)
    return found if isinstance(found, dict) else {}


def _shown(output: dict[str, Any]) -> str:
    """The beginning of an output as plain text; nothing where it has none."""
    return (_text(output.get("text", _dict(output, "data").get("text/plain"))) or "")[:_SHOWN]


def _text(source: Any) -> str | None:
    """A cell's source is a string or a list of lines, which some tools write without their ends."""
    if isinstance(source, str):
        text = source
    elif isinstance(source, list) and all(isinstance(line, str) for line in source):
        whole = all(line.endswith(("\n", "\r")) for line in source[:-1])
        text = ("" if whole else "\n").join(source)
    else:
        return None
    return text.replace("\r\n", "\n").replace("\r", "\n").encode("utf-8", "replace").decode()


def _lesson(metadata: dict[str, Any]) -> str:
    lesson = _dict(metadata, "vae_course").get("lesson")
    return lesson if isinstance(lesson, str) and re.fullmatch(r"\d\d_[a-z0-9_]{1,80}", lesson) else ""


def _python(metadata: dict[str, Any]) -> tuple[int, ...]:
    version = _dict(metadata, "language_info").get("version")
    match = re.match(r"(\d{1,2})\.(\d{1,3})", version) if isinstance(version, str) else None
    return (int(match[1]), int(match[2])) if match else ()
