"""From a notebook to what it holds for each exercise: by id, by the function's name, wherever in the notebook it stands.

Nothing of it is run here: `notebook` reads the file, `statements` takes its code apart, `lessons` knows what was handed out.
"""

import ast
import dataclasses
import math
import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from vae_course.exercises.model import Exercise
from vae_course.support.words import listed
from vae_course.tools.grading.read.lessons import Handout, shape
from vae_course.tools.grading.read.notebook import Cell, Notebook
from vae_course.tools.grading.read.statements import (
    Program,
    Statement,
    chunks,
    names_changed,
    names_stored,
    parse,
    program,
    statements_of,
    syntax_error,
    within,
)  # fmt: skip

# How many words a sentence lists, and letters of each.
# Each further cell is parsed together with all before it.
_MOST_JOINED = 20
# As the course hands it out, and as nbgrader does.
_STUBS = re.compile(r"\*?Write your answer here\.?\*?|YOUR ANSWER HERE|<!--(?:(?!<!--).)*?-->", re.DOTALL)
_LONGEST = 20_000
_PICTURE = re.compile(r"!\[[^\]\n]*\][(\[]|<img\b|\bdata:image/|\\includegraphics\b", re.IGNORECASE)
_PIXELS = re.compile(r"(\bdata:[\w.+-]+/[\w.+-]+;base64,)[A-Za-z0-9+/=%]{40,}")
# What may give meanings to names that do not stand in the notebook.
_UNSEEN = re.compile(r"^[ \t]*%%?(run|store|load|pylab|cython)\b|(?<![.\w])(exec|globals|get_ipython)\(", re.MULTILINE)
State = Literal["answer", "not tried", "missing", "broken", "written"]


@dataclass(frozen=True)
class Attempt:
    """What a notebook holds for one exercise.

    Args:
        state: "answer" (something to run), "not tried", "missing", "broken" (does not parse), "written".
        text: the answer as the student wrote it.
        program: what has to be run for it.
        name: what the function is called there.
        message: for the student, where there is nothing to run.
        doubts: why a person should look.
        unsure: why a person should look unless the answer turns out right.
        passed: whether the notebook shows that its check passed when it ran last.
    """

    state: State
    text: str = ""
    program: Program | None = None
    name: str = ""
    message: str = ""
    doubts: tuple[str, ...] = ()
    unsure: tuple[str, ...] = ()
    passed: bool = False


@dataclass(frozen=True, eq=False)
class Code:
    """A submission's code, statement by statement, what of it doesn't parse, doubts by cell, names changed by work, and the
    first cell that may give meanings to names which nobody can see in it.
    """

    statements: tuple[Statement, ...]
    broken: tuple[tuple[Cell, str], ...]
    doubts: dict[str, str]
    worked: frozenset[str]
    unseen: str


def attempts_in(notebook: Notebook, lesson: Handout) -> dict[str, Attempt]:
    """What a notebook holds for each exercise of a lesson, by the exercise's id."""
    code = _take_apart(notebook, lesson)
    found = {}
    for exercise in lesson.exercises:
        if isinstance(exercise, Exercise):
            attempt = _shortened(_in_code(exercise, notebook, lesson, code))
            found[exercise.id] = dataclasses.replace(attempt, passed=_passed(exercise.id, notebook))
        else:
            found[exercise.id] = _shortened(_written(exercise.id, notebook, lesson))
    return found


def _passed(id: str, notebook: Notebook) -> bool:
    """Whether the last verdict on an exercise that the notebook shows is that it passed."""
    shown = [text for cell in notebook.cells for text in cell.shown if text.startswith(f"{id}: ")]
    return bool(shown) and shown[-1].startswith(f"{id}: passed")


def _shortened(attempt: Attempt) -> Attempt:
    if len(attempt.text) <= _LONGEST:
        return attempt
    doubt = f"The answer has more than {_LONGEST} letters; all of it is in the file that was handed in."
    return dataclasses.replace(attempt, text=attempt.text[:_LONGEST], doubts=(*attempt.doubts, doubt))


def _take_apart(notebook: Notebook, lesson: Handout) -> Code:
    """All statements of a notebook's code cells; a cell that begins inside a function belongs to the one before."""
    statements: list[Statement] = []
    broken: list[tuple[Cell, str]] = []
    doubts: dict[str, str] = {}
    for cells in _joined([cell for cell in notebook.cells if cell.kind == "code"]):
        cell, python = cells[0], _lines_of(cells)
        name, start = f"cell {cell.place}", cell.place * 100_000
        if len(cells) > 1:
            doubts[name] = f"The answer is spread over cells {cell.place} to {cells[-1].place}; they were joined."
        found = statements_of(python, cell=name, start=start)
        if found is None:
            broken.append((cell, python))
            found = _whole_blocks(python, name, start)
            doubts[name] = f"Cell {cell.place} does not run as it stands ({_unread(python, notebook)})."
        statements += found
    own = [dataclasses.replace(p, own=shape(p.tree) not in lesson.shapes) for p in statements]
    modules = frozenset[str]().union(*(p.binds for p in statements if isinstance(p.tree, ast.Import | ast.ImportFrom)))
    work = [p.tree for p in own if not p.binds and not p.own]
    worked = frozenset[str]().union(*(names_stored(tree) | (names_changed(tree) - modules) for tree in work))
    changed = (c for c in notebook.cells if c.kind == "code" and c.text.strip() not in lesson.texts)
    unseen = next((f"cell {cell.place}" for cell in changed if _UNSEEN.search(cell.text)), "")
    return Code(tuple(own), tuple(broken), doubts, worked, unseen)


def _unread(python: str, notebook: Notebook) -> str:
    """Why a cell can't be read; perhaps only because grading runs an older Python than the student does."""
    error = syntax_error(python)
    if notebook.python <= sys.version_info[:2]:
        return error
    student, own = (".".join(map(str, version)) for version in (notebook.python, sys.version_info[:2]))
    return f"{error}; it was written for Python {student}, and grading runs {own}"


def _whole_blocks(python: str, name: str, start: int) -> list[Statement]:
    statements: list[Statement] = []
    for above, block in chunks(python):
        statements += statements_of(block, cell=name, start=start + above, above=above) or []
    return statements


def _joined(cells: Sequence[Cell]) -> list[list[Cell]]:
    """Cells in groups of one, but one that goes on inside a function of the cells before with these.

    A cell that is indented as a whole runs by itself, as in IPython, unless it returns from a function that isn't there.
    """
    groups: list[list[Cell]] = []
    for cell in cells:
        groups.append([cell])
        if not _indented(cell) or _runs_alone(cell.python):
            continue
        for first in range(len(groups) - 2, max(len(groups) - 2 - _MOST_JOINED, -1), -1):
            together = [c for group in groups[first:] for c in group]
            if len(together) <= _MOST_JOINED and parse(_lines_of(together)) is not None:
                groups[first:] = [together]
                break
            if not _indented(groups[first][0]):
                break
    return groups


def _indented(cell: Cell) -> bool:
    return next((line for line in cell.text.split("\n") if line.strip()), "")[:1].isspace()


def _runs_alone(python: str) -> bool:
    tree = parse(python)
    return tree is not None and not any(isinstance(node, ast.Return) for node in within(tree))


def _lines_of(cells: Sequence[Cell]) -> str:
    """The Python of cells; of several, the first and what goes on inside its function, as they stand."""
    return "\n".join([cells[0].python, *[cell.text for cell in cells[1:]]])


def _in_code(exercise: Exercise, notebook: Notebook, lesson: Handout, code: Code) -> Attempt:
    name, renamed = _name(exercise, notebook, lesson, code)
    candidates = [p for p in code.statements if name in p.binds and not _hand_over(p)]
    written = [p for p in candidates if p.own and not is_stub(p.tree)]
    if not written:
        return _nothing(exercise, notebook, lesson, code, stubs={p.cell for p in candidates})
    place = _checked_at(exercise, written[0], code)
    answer = [p for p in written if p.order < place][-1]
    doubts = [f"The function is called `{name}`, not `{exercise.function}`."] if renamed else []
    first = [p for p in written if p.begins(name)]
    if len({shape(p.tree) for p in first}) > 1:
        which = "the last one" if answer is written[-1] else "the one that its check has seen"
        doubts.append(f"There are {len(first)} different answers; {which}, in {answer.cell}, was graded.")
    needed = program(answer, [p for p in code.statements if not _hand_over(p)], lesson.statements, before=place)
    doubts += [code.doubts[cell] for cell in dict.fromkeys(p.cell for p in needed.statements) if cell in code.doubts]
    text = "\n\n".join(p.text for p in needed.statements if p.own and name in p.touches)
    return Attempt("answer", text, needed, name, doubts=tuple(doubts), unsure=tuple(_unsure(answer, needed, code)))


def _checked_at(exercise: Exercise, first: Statement, code: Code) -> float:
    """The place of the last check of an exercise that comes after an answer to it; the end where there is none."""
    check = _call_of_check(exercise.id)
    places = [p.order for p in code.statements if p.order > first.order and re.search(check, p.text)]
    return places[-1] if places else math.inf


def _call_of_check(id: str) -> str:
    """How the beginning of a call looks by which a notebook checks an exercise, today or handed out earlier."""
    return rf"""\b(?:exercises\.check|or_reference)\(\s*["']{id}["']"""


def _unsure(answer: Statement, needed: Program, code: Code) -> list[str]:
    """Where the notebook may have had other values: by code that grading does not run, or by a later definition."""
    names = needed.missing & code.worked
    changed = {name for p in needed.statements if p.own for name in p.binds} & code.worked
    doubts = []
    if names | changed:
        made = quoted(sorted(names | changed))
        doubts.append(f"The answer uses {made}, which the notebook makes by code that grading does not run.")
    if needed.missing and code.unseen:
        doubts.append(
            f"The answer uses {quoted(sorted(needed.missing))}, and {code.unseen} may make it, unseen by grading."
        )
    unread = [n for n in sorted(needed.missing) if any(_definition_of(n).search(python) for _, python in code.broken)]
    if unread:
        doubts.append(f"The answer uses {quoted(unread)}, which stands in a cell that can't be read.")
    several = _defined_in_several_ways(answer, needed, code)
    if several:
        doubts.append(
            f"The notebook defines {quoted(several)} in several ways; the answer was graded with what stands before its check."
        )
    return doubts


def _defined_in_several_ways(answer: Statement, needed: Program, code: Code) -> list[str]:
    """What the answer needs and the student gives several meanings, so that the order in which cells ran decides."""
    names = frozenset[str]().union(*(p.binds for p in needed.statements if p.own)) - answer.binds
    ways: dict[str, set[str]] = {name: set() for name in names}
    for statement in code.statements:
        for name in statement.binds & names if statement.own else ():
            ways[name] |= {shape(statement.tree)} if statement.begins(name) else set()
    return sorted(name for name, shapes in ways.items() if len(shapes) > 1)


def quoted(names: Iterable[str]) -> str:
    """Names from code for a sentence."""
    return listed([f"`{name}`" for name in names])


def _name(exercise: Exercise, notebook: Notebook, lesson: Handout, code: Code) -> tuple[str, bool]:
    """What the function is called: as asked for, else as the check or the exercise's own cell calls it."""
    name = exercise.function
    if any(name in p.binds and not _hand_over(p) for p in code.statements):
        return name, False
    own = [cell for cell in notebook.cells if cell.kind == "code" and cell.text.strip() not in lesson.texts]
    checked = re.compile(rf"{_call_of_check(exercise.id)}\s*,\s*(\w+)\s*\)")
    names = [match[1] for cell in own for match in checked.finditer(cell.text)]
    cells = {f"cell {cell.place}" for cell in own if exercise.id in cell.ids}
    names += [p.tree.name for p in code.statements if p.cell in cells and p.own and isinstance(p.tree, ast.FunctionDef)]
    known = [n for n in names if n != name and any(n in p.binds and not _hand_over(p) for p in code.statements)]
    return (known[0], True) if known else (name, False)


def _nothing(exercise: Exercise, notebook: Notebook, lesson: Handout, code: Code, *, stubs: set[str]) -> Attempt:
    """Why there is no answer to run: it does not parse, was not tried, or is gone."""
    definition = _definition_of(exercise.function)
    for cell, python in code.broken:
        if definition.search(python) or exercise.id in cell.ids:
            message = f"Your answer can't be run, because Python can't read its cell ({_unread(python, notebook)})."
            doubt = f"Cell {cell.place} can't be read, so the answer in it did not run."
            return Attempt("broken", cell.text.strip(), message=message, doubts=(doubt,))
    definition = re.compile(rf"\bdef[ \t]+{exercise.function}\b") if stubs else definition
    changed = [c for c in notebook.cells if c.text.strip() not in lesson.texts and f"cell {c.place}" not in stubs]
    found = [c for c in changed if definition.search(c.text)]
    if not (found or stubs):
        found = [c for c in notebook.cells if exercise.id in c.ids and c.text.strip()]
    doubts = [f"Cell {c.place} mentions the answer, but not as a function that could be run." for c in found]
    state: State = "not tried" if stubs else "missing"
    return Attempt(state, "\n\n".join(c.text.strip() for c in found), doubts=tuple(doubts))


def _definition_of(name: str) -> re.Pattern[str]:
    """What gives a name a meaning, in text that can't be read as Python."""
    return re.compile(rf"^[ \t]*((async[ \t]+)?def|class)[ \t]+{name}\b|^[ \t]*{name}[ \t]*=", re.MULTILINE)


def is_stub(node: ast.stmt) -> bool:
    """Whether a function is as it was handed out: a docstring at most, then `raise NotImplementedError`."""
    if not isinstance(node, ast.FunctionDef):
        return False
    body = [child for child in node.body if not _is_text(child)]
    return len(body) == 1 and isinstance(body[0], ast.Raise) and "NotImplementedError" in ast.unparse(body[0])


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _hand_over(statement: Statement) -> bool:
    """The line that goes on with what a check hands back, in notebooks of today (`check`) and older ones."""
    if not isinstance(statement.tree, ast.Assign) or not isinstance(statement.tree.value, ast.Call):
        return False
    return ast.unparse(statement.tree.value.func).endswith(("exercises.check", "or_reference"))


def _written(id: str, notebook: Notebook, lesson: Handout) -> Attempt:
    """An answer in words: by id, else after its box, else as new text nearby; a person is told of what is not shown of it."""
    own = [place for place, cell in enumerate(notebook.cells) if id in cell.ids]
    boxes = [place for place, cell in enumerate(notebook.cells) if f"Exercise {id}:" in cell.text]
    by_id = [notebook.cells[place] for place in own if _without_stub(notebook.cells[place])]
    nearby = _new_text(notebook.cells, (own or boxes)[-1] + 1, lesson) if own or boxes else []
    cells, doubts = [*by_id, *nearby], []
    if len({cell.text for cell in by_id}) > 1:
        doubts.append("There are several answers with the same id; all of them are shown.")
    if not own and not boxes:
        everywhere = [c for c in notebook.cells if c.kind == "text" and c.text.strip() not in lesson.texts]
        cells = [c for c in everywhere if _without_stub(c)] if notebook.lesson in ("", lesson.name) else []
        if cells:
            doubts.append("The place for this answer is gone; this is all new text in the notebook.")
    elif nearby and own and not by_id:
        doubts.append("The answer stands outside its cell.")
    text = "\n\n".join(dict.fromkeys(_without_stub(cell) for cell in cells))
    if any(cell.attachments or _PICTURE.search(cell.text) for cell in cells):
        doubts.append("The answer holds a picture, which is only in the file that was handed in.")
    text = _PIXELS.sub(r"\1...", text)
    state: State = "written" if text else ("not tried" if own or boxes else "missing")
    return Attempt(state, text, doubts=tuple(doubts))


def _without_stub(cell: Cell) -> str:
    return _STUBS.sub("", cell.text).strip()


def _new_text(cells: Sequence[Cell], start: int, lesson: Handout) -> list[Cell]:
    """The new cells of text right after a place, up to the next cell of the lesson that isn't a stub."""
    found = []
    for cell in cells[start:]:
        if cell.text.strip() in lesson.texts and _without_stub(cell):
            break
        if cell.kind == "text" and _without_stub(cell):
            found.append(cell)
    return found
