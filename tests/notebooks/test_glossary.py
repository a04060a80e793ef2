"""The glossary: its order, its links to lessons, and that the course uses each of its terms."""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import jupytext
import pytest
from myst_parser.slugs import github_slugify

from docs.book.build import DOCUMENTS, TO_LESSON

ROOT = Path(__file__).parents[2]
GLOSSARY = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
# What stands for an inflection: of a longer word only the beginning is compared, and a shorter one may have an s.
BEGINNING = 6
ENTRY = re.compile(
    r"\*\*(?P<term>[^*]+)\*\*(?: \((?P<names>[^)]+)\))?\. (?P<text>.+) \[(?P<label>[^\]]+)\]\((?P<link>[^)]+)\)"
)
HEADING = re.compile(r"^(#+) (.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Entry:
    """A term, the field's other names for it, and the section of a lesson that introduces it."""

    term: str
    names: tuple[str, ...]
    text: str
    label: str
    lesson: str
    section: str


@dataclass(frozen=True)
class Section:
    """What stands below a heading of a lesson, and the heading of level 2 that it belongs to."""

    chapter: str
    text: str


def read(paragraph: str) -> Entry:
    """An entry of the glossary.

    Raises:
        ValueError: the paragraph is not made like one.
    """
    found = ENTRY.fullmatch(" ".join(paragraph.split()))
    if not found:
        raise ValueError(f"An entry is `**Term** (other names). Text. [Lesson NN, section N](link)`, not: {paragraph}")
    start, _, end = f"]({found['link']}".partition(TO_LESSON)
    lesson, _, section = end.partition(".ipynb#")
    if start or not section:
        raise ValueError(f"The link does not lead to a section of a lesson: {paragraph}")
    names = tuple(found["names"].split(", ")) if found["names"] else ()
    return Entry(found["term"], names, found["text"], found["label"], lesson, section)


def place(term: str) -> str:
    """By what the terms are ordered: the letters and the spaces between words."""
    return re.sub("[^a-z ]", "", term.casefold())


def uses(text: str, term: str) -> bool:
    """Whether the words of a term stand one after another in a text, inflected or not."""
    words = (f"{word[:BEGINNING]}\\w*" if len(word) >= BEGINNING else f"{word}s?" for word in re.findall(r"\w+", term))
    return re.search(r"\b" + r"\W+".join(words) + r"\b", text, re.IGNORECASE) is not None


@cache
def prose(lesson: str) -> str:
    """All text of a lesson's source."""
    cells = jupytext.read(ROOT / "solutions" / f"{lesson}.py").cells
    return "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")


@cache
def sections(lesson: str) -> dict[str, Section]:
    """The sections of a lesson by the anchors of their headings, each down to the next heading that is not below its own."""
    text, chapter, found = prose(lesson), "", {}
    headings = list(HEADING.finditer(text))
    for number, heading in enumerate(headings):
        level = len(heading[1])
        chapter = heading[2] if level == 2 else chapter
        ends = (later.start() for later in headings[number + 1 :] if len(later[1]) <= level)
        found[github_slugify(heading[2])] = Section(chapter, text[heading.start() : next(ends, len(text))])
    return found


PARAGRAPHS = [p for p in GLOSSARY.strip().split("\n\n")[2:] if not p.startswith("## ")]
ENTRIES = [read(paragraph) for paragraph in PARAGRAPHS]
every_entry = pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.term)


def test_terms_are_in_alphabetical_order_each_below_its_letter() -> None:
    places = [place(entry.term) for entry in ENTRIES]
    assert places == sorted(places)
    letters = [line[3:] for line in GLOSSARY.splitlines() if line.startswith("## ")]
    assert letters == sorted({where[0].upper() for where in places})
    parts = re.split(r"^## ", GLOSSARY, flags=re.MULTILINE)[1:]
    assert [part[0] for part in parts if set(re.findall(r"^\*\*(\w)", part, re.MULTILINE)) != {part[0]}] == []


def test_no_name_stands_twice() -> None:
    names = [place(name) for entry in ENTRIES for name in (entry.term, *entry.names)]
    assert [name for name in names if names.count(name) > 1] == []


@every_entry
def test_an_entry_has_one_or_two_sentences(entry: Entry) -> None:
    text = re.sub(r"\$[^$]*\$", "F", entry.text)
    assert text.endswith(".")
    assert 1 <= len(re.findall(r"\.(?= |$)", text)) <= 2


@every_entry
def test_the_section_that_an_entry_links_to_exists_and_names_the_term(entry: Entry) -> None:
    section = sections(entry.lesson)[entry.section]
    assert any(uses(section.text, name) for name in (entry.term, *entry.names))
    where = f"section {section.chapter.split()[0]}" if section.chapter[0].isdigit() else "going deeper"
    assert entry.label == f"Lesson {entry.lesson[:2]}, {where}"


@every_entry
def test_the_lesson_of_an_entry_uses_its_term(entry: Entry) -> None:
    assert uses(prose(entry.lesson), entry.term)


def test_an_inflected_term_is_found_and_another_word_is_not() -> None:
    assert uses("two active\nunits, and **posterior** collapses", "Active unit")
    assert uses("binarised pixels", "Binarisation")
    assert not uses("natural", "Nat")
    assert not uses("the unit is active", "Active unit")


def test_the_book_has_the_page_and_others_lead_to_it() -> None:
    assert "glossary" in DOCUMENTS
    assert "](docs/glossary.md)" in (ROOT / "README.md").read_text(encoding="utf-8")
    assert "](glossary.md)" in (ROOT / "docs/book/index.md").read_text(encoding="utf-8")
