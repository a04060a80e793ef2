"""The landing page: the pad alive, the lessons as cards, and the map of which lesson needs which."""

import re
from dataclasses import dataclass
from html import escape
from pathlib import Path

ROW = re.compile(
    r"^\| \[(\d\d) ([^\]]+)\]\(notebooks/(\w+)\.ipynb\) \| (\d+) \| (\d+) \| ([^|]+) \| [^|]+ \|$", re.MULTILINE
)
NEEDS = re.compile(r"^# \*\*You need first:\*\*(.*?)^#\s*$", re.MULTILINE | re.DOTALL)
LESSON = re.compile(r"lessons? \[?(\d\d)|\]\((\d\d)_\w+\.ipynb\)")
CARD = """<a class="book-card" href="{page}.html">{thumbnail}<span class="book-card-number">{number}</span>
<strong>{title}</strong><span>You build {build}.</span><span class="book-card-minutes">{minutes}</span></a>"""
WIDTH, HEIGHT, RADIUS = 78, 74, 22  # of a place in the map, and of a lesson's circle


@dataclass(frozen=True)
class Lesson:
    """A row of the README's table, with the numbers of the lessons that its source says are needed first."""

    number: str
    title: str
    page: str
    minutes: int
    deeper: int
    build: str
    needs: tuple[str, ...]


def lessons(readme: str, sources: Path) -> list[Lesson]:
    """All rows of the README's table of lessons.

    Args:
        readme: the README's text.
        sources: the folder of the lessons' sources.

    Raises:
        ValueError: the README has no table of lessons.
    """
    rows = [
        Lesson(number, title, page, int(minutes), int(deeper), build.strip(), needs(sources / f"{page}.py"))
        for number, title, page, minutes, deeper, build in ROW.findall(readme)
    ]
    if not rows:
        raise ValueError("README.md has no table with rows `| [00 Title](notebooks/00_title.ipynb) | ...`.")
    return rows


def needs(source: Path) -> tuple[str, ...]:
    """The numbers of the lessons that a lesson's source names as needed first; () where there is no source."""
    found = NEEDS.search(source.read_text(encoding="utf-8")) if source.is_file() else None
    named = {a or b for a, b in LESSON.findall(found[1])} if found else set()
    return tuple(sorted(named - {source.stem[:2]}))


def cards(rows: list[Lesson], thumbnails: dict[str, str]) -> str:
    """Each lesson as a card that leads to its page; `thumbnails` holds a picture's address for a page."""
    shown = []
    for row in rows:
        picture = thumbnails.get(row.page)
        thumbnail = f'<img src="{escape(picture)}" alt="" loading="lazy">' if picture else ""
        minutes = f"{row.minutes} min" + (f", and {row.deeper} to go deeper" if row.deeper else "")
        fields = {"page": row.page, "number": row.number, "title": escape(row.title), "build": escape(row.build)}
        shown.append(CARD.format(thumbnail=thumbnail, minutes=minutes, **fields))
    return "\n".join(['<div class="book-cards">', *shown, "</div>"])


def level(row: Lesson, rows: dict[str, Lesson]) -> int:
    """How many lessons stand one after another before this one."""
    return max((1 + level(rows[number], rows) for number in row.needs), default=0)


def map_of(rows: list[Lesson]) -> str:
    """Which lesson needs which, as a drawing from the left to the right in which each lesson is a link."""
    known = {row.number: row for row in rows}
    columns: dict[int, list[Lesson]] = {}
    for row in rows:
        columns.setdefault(level(row, known), []).append(row)
    tallest = max(map(len, columns.values()))
    place = {
        row.number: (WIDTH * (x + 0.5), HEIGHT * (tallest / 2 + i - len(column) / 2 + 0.5))
        for x, column in columns.items()
        for i, row in enumerate(column)
    }
    lines = [_line(place[first], place[row.number]) for row in rows for first in _nearest(row, known)]
    nodes = [_node(row, *place[row.number]) for row in rows]
    size = f"0 0 {WIDTH * len(columns)} {HEIGHT * tallest}"
    words = "; ".join(f"{row.number} needs {', '.join(_nearest(row, known)) or 'nothing'}" for row in rows)
    return (
        f'<svg class="book-map" viewBox="{size}" role="group" aria-label="Which lesson needs which: {words}.">\n'
        + "\n".join(lines + nodes)
        + "\n</svg>"
    )


def _nearest(row: Lesson, known: dict[str, Lesson]) -> list[str]:
    """What it needs, less what those need already."""
    behind = {far for number in row.needs for far in _behind(number, known)}
    return [number for number in row.needs if number not in behind]


def _behind(number: str, known: dict[str, Lesson]) -> set[str]:
    return {far for near in known[number].needs for far in {near} | _behind(near, known)}


def _line(start: tuple[float, float], end: tuple[float, float]) -> str:
    (x0, y0), (x1, y1) = start, end
    bend = (x1 - x0) / 2
    return f'<path d="M{x0:g} {y0:g} C{x0 + bend:g} {y0:g} {x1 - bend:g} {y1:g} {x1:g} {y1:g}"/>'


def _node(row: Lesson, x: float, y: float) -> str:
    return (
        f'<a href="{row.page}.html"><title>{row.number} {escape(row.title)}</title>'
        f'<circle cx="{x:g}" cy="{y:g}" r="{RADIUS}"/><text x="{x:g}" y="{y + 6:g}">{row.number}</text></a>'
    )
