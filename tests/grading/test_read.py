"""From a file's bytes to the answers in it, whatever wrote them, in bounded time and memory."""

import ast
import linecache
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
from vae_course.tools.grading.sandbox import worker

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


# Cells up to the check of f, what stands below it, and names that must not be run for it.
ORDERS: dict[str, tuple[list[str], list[str]]] = {
    "a decorator by hand": (["def f(x):\n    return x + 1", "from functools import lru_cache\nf = lru_cache(f)"], []),
    "one on top of another": (
        [
            "def f(x): return x",
            "def twice(g): return lambda x: 2 * g(x)",
            "f = twice(f)\nf = twice(f)",
        ],
        [],
    ),
    "a scratch below": (["def f(x): return x + 1"], ["def f(x): return None"]),
    "a second answer": (["def f(x): return None", "def f(x): return x + 1"], []),
    "a helper below the answer": (["def f(x): return g(x)", "def g(x): return x + 1"], []),
    "a helper changed on the way": (["def g(x): return x", "def f(x): return g(x)", "def g(x): return x + 5"], []),
    "a helper changed below": (["def g(x): return x", "def f(x): return g(x)"], ["def g(x): return 0"]),
    "a helper used at once": (["k = 2", "def make(): return k", "a = make()", "k = 9", "def f(x): return x + a"], []),
    "a value used at once": (["k = 2", "f = (lambda n: lambda x: x + n)(k)", "k = 9"], []),
    "a default": (["k = 2", "def f(x, n=k): return x + n", "k = 9"], []),
    "an item": (["t = {}", "t['a'] = 3", "def f(x): return x + t['a']"], []),
    "a method": (["t = []", "t.append(4)", "t.extend([1, 2])", "def f(x): return x + sum(t)"], []),
    "an attribute": (["class M: pass", "M.forward = lambda self, x: x + 6", "def f(x): return M().forward(x)"], []),
    "a loop": (["t = 0\nfor i in range(4):\n    t += i", "def f(x): return x + t"], []),
    "the variable of a loop": (["for k in range(3):\n    pass", "def f(x): return x + k"], []),
    "while": (["n = 1\nwhile n < 50:\n    n *= 2", "def f(x): return x + n"], []),
    "with": (["import contextlib", "with contextlib.nullcontext(7) as seven:\n    pass", "def f(x): return x + seven"], []),
    "a table made in a with": (
        [
            "import torch",
            "with torch.no_grad():\n    t = torch.ones(3).sum().item()",
            "def f(x): return x + t",
        ],
        [],
    ),
    "a walrus": (["print(n := 8)", "def f(x): return x + n"], []),
    "added to": (["n = 1", "n += 4", "def f(x): return x + n"], []),
    "nested targets": (["(a, (b, *c)), d = (1, (2, 3, 4)), 5", "def f(x): return x + a + b + sum(c) + d"], []),
    "either or": (
        [
            "import sys",
            "if sys.maxsize > 0:\n    def g(x): return x + 1\nelse:\n    def g(x): return 0",
            "def f(x): return g(x)",
        ],
        [],
    ),
    "tried": (["try:\n    n = int('x')\nexcept ValueError:\n    n = 3", "def f(x): return x + n"], []),
    "a star that loses": (["from math import *", "def exp(x): return x + 3", "def f(x): return exp(x)"], []),
    "a star that wins": (["def exp(x): return x + 3", "from math import *", "def f(x): return exp(0) + x"], []),
    "annotations of the future": (["from __future__ import annotations", "def f(x: Nowhere) -> Never: return x + 1"], []),
    "a class with a method of later": (
        [
            "class M:\n    n = 2",
            "def forward(self, x): return x + self.n",
            "M.__call__ = forward",
            "f = M()",
        ],
        [],
    ),
    "recursion": (["def f(x): return x if x < 1 else f(x - 1) + 2"], []),
    "two that call each other": (["def f(x): return g(x) if x else 1", "def g(x): return f(x - 1) + 1"], []),
    "deleted and made again": (["n = 1", "del n", "n = 5", "def f(x): return x + n"], []),
    "partial": (["from functools import partial", "def add(a, b): return a + b", "f = partial(add, 3)"], []),
    "scripted": (["import torch", "def f(x: float) -> float:\n    return x + 1", "f = torch.jit.script(f)"], []),
    "mapped": (
        [
            "import torch",
            "def f(x):\n    return x + 1",
            "g = torch.vmap(f)",
            "f = lambda x: g(torch.tensor([x])).item()",
        ],
        [],
    ),
    "work that it does not need": (["boom = 1 / 1", "def f(x): return x + 1", "for never in ():\n    pass"], ["1 / 0"]),
}  # fmt: skip


@pytest.mark.parametrize("name", ORDERS)
def test_what_is_run_for_an_answer_means_what_it_means_in_the_notebook(name: str):
    """On the left all cells in their order, up to the check; on the right those statements that were chosen."""
    above, below = ORDERS[name]
    there: dict[str, Any] = {"__name__": "__main__"}
    whole = "\n".join(above)
    linecache.cache[name] = (0, None, whole.splitlines(keepends=True), name)  # for what asks for its source
    exec(compile(whole, name, "exec", dont_inherit=True), there)
    statements = [
        statement
        for place, source in enumerate([*above, *below])
        for statement in statements_of(source, cell=f"cell {place}", start=1000 * place) or []
    ]
    check = 1000 * len(above) - 1
    wanted = [p for p in statements if "f" in p.binds and p.order < check][-1]
    chosen = program(wanted, statements, before=check)
    here: dict[str, Any] = {"__name__": "__main__"}
    problem = worker._define([(p.cell, p.above, p.text) for p in chosen.statements], here)
    assert problem is None
    assert here["f"](2.0) == there["f"](2.0)
    assert all(p.order < check for p in chosen.statements)
    assert not any(word in p.text for p in chosen.statements for word in ("boom", "never"))


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
