"""From a file's bytes to the answers in it, whatever wrote them, in bounded time and memory."""

from collections.abc import Iterator

import pytest

from tests.support.fixtures.classroom import FIRST, both, to_bytes
from vae_course.tools import authoring
from vae_course.tools.grading import Submission
from vae_course.tools.grading.mark import grade_submission
from vae_course.tools.grading.read import attempts_in, lessons, notebook
from vae_course.tools.grading.read.statements import Statement, program, statements_of

CELL = {"cell_type": "code", "source": ""}


@pytest.mark.parametrize(
    ("content", "more"),
    [
        (to_bytes({"cells": [CELL] * (notebook.MOST_CELLS + 1)}), "5,000 cells"),
        (to_bytes({"cells": [CELL | {"source": "a=1\n" * 60_000}]}), "150,000 words and signs of code"),
        (to_bytes({"cells": [CELL | {"source": f"a = [{'1,' * 80_000}]"}]}), "150,000 words and signs of code"),
        (b'{"cells": [' + b"{}," * 1_000_000 + b"{}]}", "1,000,000 lists"),
    ],
    ids=["cells", "statements", "entries", "lists"],
)
def test_a_notebook_that_would_fill_the_memory_goes_to_a_person_with_a_plain_reason(content: bytes, more: str):
    graded = grade_submission(Submission("a", FIRST, "a", content), sandbox=False)
    assert graded.problem == f"The notebook holds more than {more}: hand in the lesson's notebook."
    assert graded.needs_person()
    assert [mark.status for mark in graded.marks] == ["missing"] * 3


@pytest.mark.parametrize("name", lessons.names())
def test_the_caps_are_over_ten_times_what_any_lesson_holds(name: str):
    content = (authoring.settings.read().solutions / f"{name}.ipynb").read_bytes()
    cells = notebook.read(content).cells
    code_of = [cell.text for cell in cells if cell.kind == "code"]
    assert 10 * len(cells) < notebook.MOST_CELLS and 10 * sum(map(len, code_of)) < notebook.LONGEST_CODE
    assert 10 * sum(len(notebook._WORD.findall(text)) for text in code_of) < notebook.MOST_WORDS
    assert 10 * (content.count(b"{") + content.count(b"[")) < notebook.MOST_LISTS


def test_a_long_chain_of_definitions_is_not_searched_once_for_each_name():
    """That took a minute of the instructor's process for one submission."""

    class Counted(list[Statement]):
        passes = 0

        def __iter__(self) -> Iterator[Statement]:
            self.passes += 1
            return super().__iter__()

    source = "\n".join(f"a{n} = a{n + 1}" for n in range(100)) + "\na100 = 1\ndef wanted(): return a0"
    statements = Counted(statements_of(source, cell="cell 1") or [])
    assert len(program(statements[-1], statements).statements) == 102
    assert statements.passes < 5


def test_damaged_cells_are_one_doubt_however_many():
    book = {"cells": [CELL, 1, *[None] * 4_000]}
    assert notebook.read(to_bytes(book)).doubts == ("4001 cells are damaged and could not be read, from cell 2 on.",)
    book = {"cells": [CELL, 1]}
    assert notebook.read(to_bytes(book)).doubts == ("1 cell is damaged and could not be read, from cell 2 on.",)


def long_cells() -> list[list[dict[str, str]]]:
    """Notebooks that once took hours or gigabytes to read."""
    cell = {"cell_type": "code", "source": ""}
    return [
        [cell | {"source": "x = 1\n" * 20_000}],
        [cell | {"source": "x = 1\n" * 20_000 + "("}],
        [cell | {"source": "def f():"}, *[cell | {"source": "    x = 1"}] * 4_000],
        [{"cell_type": "markdown", "source": "\n" * 300_000}],
        [{"cell_type": "markdown", "source": "<!--" * 100_000}],
        [cell | {"source": "x = 0x" + "f" * 10_000}, cell | {"source": "y = " + "1+" * 900 + "1"}],
    ]


@pytest.mark.timeout(600)  # what is read in time that grows with the square takes hours here
@pytest.mark.parametrize("number", range(6))
def test_no_notebook_takes_long_to_read_or_hides_the_answers_beside_it(number: int):
    answers = both()["cells"]
    lesson = lessons.load(FIRST)
    found = attempts_in(notebook.read(to_bytes({"cells": [*long_cells()[number], *answers]})), lesson)
    assert [found[e.id].state for e in lesson.exercises] == ["answer", "answer", "written"]
    attempts_in(notebook.read(to_bytes({"cells": long_cells()[number]})), lesson)


def test_more_code_than_any_lesson_is_refused_in_one_sentence():
    book = {"cells": [{"cell_type": "code", "source": "x" * (notebook.LONGEST_CODE + 1)}]}
    with pytest.raises(notebook.Unreadable, match="more than 2 MB of code"):
        notebook.read(to_bytes(book))
