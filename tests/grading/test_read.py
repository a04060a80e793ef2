"""From a file's bytes to the answers in it, whatever wrote them, in bounded time and memory."""

import ast
from collections.abc import Iterator
from typing import Any

import pytest
from jupyter_client.manager import start_new_kernel

from tests.support.fixtures import classroom
from tests.support.fixtures.classroom import FIRST, A, both, cell_of, to_bytes
from vae_course.tools import authoring
from vae_course.tools.grading import Submission, read
from vae_course.tools.grading.mark import grade_submission
from vae_course.tools.grading.read import attempts_in, cells, lessons, notebook
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


CELLS = [
    "    def f(x):\n        return x + 1\n",
    "\n\n  def f(x):\n      return x + 2",
    ">>> def f(x):\n...     return x + 3\n",
    "In [3]: def f(x):\n   ...:     return x + 4",
    "!echo \\\n  more\ndef f(x): return x + 5",
    "%%time\ndef f(x):\n    return x + 6",
    "%%capture said\n%cd .\ndef f(x):\n    return x + 7",
    "%time step = 8\nf = lambda x: x + step",
    "f?\ndef f(x):\n    %cd .\n    return x + 9",
    "%%bash\necho 'def f(x): return x'",
    "%%writefile /dev/null\ndef f(x): return x",
    "if True:\n    %cd .\n    f = lambda x: x + 10",
    "def f(x:\n    return x + 11",
    "def f(x):\n    return x + 12\n\n%timeit f(3)",
]


@pytest.mark.slow
def test_cells_mean_in_grading_what_they_mean_in_a_kernel():
    """After each cell, both are asked what f(1) is; the cell before has taken f away."""
    manager, client = start_new_kernel(kernel_name="python3")
    try:
        for source in CELLS:
            client.execute_interactive("f = None", store_history=False, output_hook=lambda _: None)
            client.execute_interactive(source, output_hook=lambda _: None)
            asked = {"f": "f(1) if callable(f) else None"}
            reply = client.execute_interactive("0", user_expressions=asked, output_hook=lambda _: None)
            there = ast.literal_eval(reply["content"]["user_expressions"]["f"]["data"]["text/plain"])
            names: dict[str, Any] = {"f": None}
            python = cells.python_of(source)
            for statement in statements_of(python, cell="cell 1") or []:
                exec(statement.text, names)
            assert (names["f"](1) if callable(names["f"]) else None) == there, source
            assert not python or [n for n, line in enumerate(python.split("\n")) if "return" in line] == [
                n for n, line in enumerate(source.split("\n")) if "return" in line
            ], "each line stays where it was"
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def test_a_version_of_python_that_is_newer_is_named_and_an_older_one_is_not():
    for version, said in (("99.1.2", "it was written for Python 99.1, and grading runs 3."), ("3.8.1", "")):
        book = both() | {"metadata": {"language_info": {"version": version}}}
        cell_of(book, A)["source"] = "def interpolate(a, b, n) given n:\n    return a"
        attempt = attempts_in(notebook.read(to_bytes(book)), lessons.load(FIRST))[A]
        assert attempt.state == "broken" and attempt.doubts
        assert said in attempt.message and ("grading runs" in attempt.message) == bool(said)


def test_words_around_a_picture_stay_and_pixels_go():
    member = next(m for m in classroom.members() if m.student == "pictures")
    attempt = attempts_in(notebook.read(member.content), lessons.load(FIRST))["00-why"]
    assert attempt.text.endswith("...) it never saw anything else.") and len(attempt.text) < 200


def test_an_indented_cell_goes_on_inside_a_function_only_where_it_does_not_run_alone():
    def found(*sources: str) -> list[str]:
        book = {"cells": [CELL | {"source": source} for source in sources]}
        return [s.text for s in read._take_apart(notebook.read(to_bytes(book)), lessons.load(FIRST)).statements]

    assert found("def f(x):\n    y = x", "    z = 3", "    return y") == [
        "def f(x):\n    y = x\n    z = 3\n    return y"
    ]
    assert found("def f(x):\n    return x", "    def g(x):\n        return x") == [
        "def f(x):\n    return x",
        "def g(x):\n    return x",
    ]
