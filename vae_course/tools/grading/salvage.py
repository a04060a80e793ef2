"""From a notebook to each exercise's answer: by id, by the function's name, wherever in the notebook it stands."""

import ast
import dataclasses
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from vae_course.exercises.model import Exercise
from vae_course.tools.grading.code import Piece, Program, chunks, names_stored, pieces_of, program, root
from vae_course.tools.grading.lessons import Lesson, shape
from vae_course.tools.grading.magics import parse, syntax_error
from vae_course.tools.grading.notebook import Cell, Notebook
from vae_course.tools.grading.writing import written_answer

# How many words a sentence lists, and letters of each.
_LISTED, _LETTERS = 8, 100
# Each further cell is parsed together with all before it.
_MOST_JOINED = 20
State = Literal["answer", "not tried", "missing", "broken", "written"]


@dataclass(frozen=True)
class Found:
    """What a notebook holds for one exercise.

    Args:
        state: "answer" (something to run), "not tried", "missing", "broken" (does not parse), "written".
        text: the answer as the student wrote it.
        program: what has to be run for it.
        name: what the function is called there.
        message: for the student, where there is nothing to run.
        doubts: why a person should look.
        unsure: why a person should look unless the answer turns out right.
    """

    state: State
    text: str = ""
    program: Program | None = None
    name: str = ""
    message: str = ""
    doubts: tuple[str, ...] = ()
    unsure: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Parts:
    """A submission's code, statement by statement, what of it doesn't parse, doubts by cell, and names changed by work."""

    pieces: tuple[Piece, ...]
    broken: tuple[tuple[Cell, str], ...]
    doubts: dict[str, str]
    worked: frozenset[str]


def salvage(notebook: Notebook, lesson: Lesson) -> dict[str, Found]:
    """What a notebook holds for each exercise of a lesson, by the exercise's id."""
    parts = take_apart(notebook, lesson)
    found: dict[str, Found] = {}
    for exercise in lesson.exercises:
        if isinstance(exercise, Exercise):
            found[exercise.id] = _code(exercise, notebook, lesson, parts)
        else:
            text, doubts, there = written_answer(exercise.id, notebook, lesson)
            state: State = "written" if text else ("not tried" if there else "missing")
            found[exercise.id] = Found(state, text, doubts=doubts)
    return found


def take_apart(notebook: Notebook, lesson: Lesson) -> Parts:
    """All statements of a notebook's code cells; a cell that begins inside a function belongs to the one before."""
    pieces: list[Piece] = []
    broken: list[tuple[Cell, str]] = []
    doubts: dict[str, str] = {}
    for cells in _joined([cell for cell in notebook.cells if cell.kind == "code"]):
        cell, python = cells[0], "\n".join(cell.python for cell in cells)
        name, start = f"cell {cell.place}", cell.place * 100_000
        if len(cells) > 1:
            doubts[name] = f"The answer is spread over cells {cell.place} to {cells[-1].place}; they were joined."
        found = pieces_of(python, cell=name, start=start)
        if found is None:
            broken.append((cell, python))
            found = _whole_blocks(python, name, start)
            doubts[name] = f"Cell {cell.place} does not run as it stands ({syntax_error(python)})."
        pieces += found
    own = [dataclasses.replace(p, own=shape(p.tree) not in lesson.statements) for p in pieces]
    modules = frozenset[str]().union(*(p.binds for p in pieces if isinstance(p.tree, ast.Import | ast.ImportFrom)))
    work = [p.tree for p in pieces if not p.binds]
    worked = frozenset[str]().union(*(names_stored(tree) | (_changed(tree) - modules) for tree in work))
    return Parts(tuple(own), tuple(broken), doubts, worked)


def _changed(tree: ast.AST) -> frozenset[str]:
    """The names whose objects a piece of code may change: by an item, an attribute, or a method called for its effect."""
    targets: list[ast.expr] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript | ast.Attribute) and not isinstance(node.ctx, ast.Load):
            targets.append(node)
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            targets.append(node.value.func)
    return frozenset(root(target) for target in targets if isinstance(target, ast.Subscript | ast.Attribute))


def _whole_blocks(python: str, name: str, start: int) -> list[Piece]:
    pieces: list[Piece] = []
    for above, block in chunks(python):
        pieces += pieces_of(block, cell=name, start=start + above, above=above) or []
    return pieces


def _joined(cells: Sequence[Cell]) -> list[list[Cell]]:
    """Cells in groups of one, but a cell that starts indented with the one before, where that makes sense."""
    groups: list[list[Cell]] = []
    for cell in cells:
        first = next((line for line in cell.python.split("\n") if line.strip()), "")
        if groups and len(groups[-1]) < _MOST_JOINED and first[:1].isspace() and parse(cell.python) is None:
            together = "\n".join(c.python for c in [*groups[-1], cell])
            if parse(together) is not None:
                groups[-1].append(cell)
                continue
        groups.append([cell])
    return groups


def _code(exercise: Exercise, notebook: Notebook, lesson: Lesson, parts: Parts) -> Found:
    name, renamed = _name(exercise, notebook, lesson, parts)
    candidates = [p for p in parts.pieces if name in p.binds and not _hand_over(p)]
    written = [p for p in candidates if p.own and not is_stub(p.tree)]
    if not written:
        return _nothing(exercise, notebook, lesson, parts, stub=bool(candidates))
    answer = written[-1]
    doubts = [f"The function is called `{name}`, not `{exercise.function}`."] if renamed else []
    if len({shape(p.tree) for p in written}) > 1:
        doubts.append(f"There are {len(written)} different answers; the last one, in {answer.cell}, was graded.")
    needed = program(answer, [p for p in parts.pieces if not _hand_over(p)], lesson.pieces)
    doubts += [parts.doubts[cell] for cell in dict.fromkeys(p.cell for p in needed.pieces) if cell in parts.doubts]
    return Found(
        "answer", answer.text, needed, name, doubts=tuple(doubts), unsure=tuple(_unsure(answer, needed, parts))
    )


def _unsure(answer: Piece, needed: Program, parts: Parts) -> list[str]:
    """Where the notebook may have had other values: by code that grading does not run, or by a later definition."""
    names = needed.missing & parts.worked
    changed = {name for p in needed.pieces if p.own for name in p.binds} & parts.worked
    doubts = []
    if names | changed:
        made = quoted(sorted(names | changed))
        doubts.append(f"The answer uses {made}, which the notebook makes by code that grading does not run.")
    later = _defined_again(answer, needed, parts)
    if later:
        doubts.append(
            f"The notebook defines {quoted(later)} again after the answer, which was graded with what stands before."
        )
    return doubts


def _defined_again(answer: Piece, needed: Program, parts: Parts) -> list[str]:
    """What the answer needs and the student gives another meaning below it."""
    shapes = {name: shape(p.tree) for p in needed.pieces if p is not answer for name in p.binds}
    after = [p for p in parts.pieces if p.own and p.order > answer.order]
    again = {name for p in after for name in p.binds & shapes.keys() if shape(p.tree) != shapes[name]}
    return sorted(again - {name for p in needed.pieces if p.order > answer.order for name in p.binds})


def listed(words: Sequence[str]) -> str:
    """Words for a sentence, however many and however long they are."""
    shown = ", ".join(word[:_LETTERS] for word in words[:_LISTED])
    return f"{shown} and {len(words) - _LISTED} more" if len(words) > _LISTED else shown


def quoted(names: Iterable[str]) -> str:
    """Names from code for a sentence."""
    return listed([f"`{name}`" for name in names])


def _name(exercise: Exercise, notebook: Notebook, lesson: Lesson, parts: Parts) -> tuple[str, bool]:
    """What the function is called: as asked for, else as the check or the exercise's own cell calls it."""
    name = exercise.function
    if any(name in p.binds and not _hand_over(p) for p in parts.pieces):
        return name, False
    code = [cell for cell in notebook.cells if cell.kind == "code" and cell.text.strip() not in lesson.texts]
    checked = re.compile(rf"""exercises\.check\(\s*["']{exercise.id}["']\s*,\s*(\w+)\s*\)""")
    names = [match[1] for cell in code for match in checked.finditer(cell.text)]
    cells = {f"cell {cell.place}" for cell in code if exercise.id in cell.ids}
    names += [p.tree.name for p in parts.pieces if p.cell in cells and p.own and isinstance(p.tree, ast.FunctionDef)]
    known = [n for n in names if n != name and any(n in p.binds and not _hand_over(p) for p in parts.pieces)]
    return (known[0], True) if known else (name, False)


def _nothing(exercise: Exercise, notebook: Notebook, lesson: Lesson, parts: Parts, *, stub: bool) -> Found:
    """Why there is no answer to run: it does not parse, was not tried, or is gone."""
    definition = re.compile(
        rf"^[ \t]*(async[ \t]+)?def[ \t]+{exercise.function}\b|^[ \t]*{exercise.function}[ \t]*=", re.MULTILINE
    )
    for cell, python in parts.broken:
        if definition.search(python) or exercise.id in cell.ids:
            message = f"Your answer can't be run, because Python can't read its cell ({syntax_error(python)})."
            return Found("broken", cell.text.strip(), message=message)
    if stub:
        return Found("not tried")
    inside = [c for c in notebook.cells if definition.search(c.text) and c.text.strip() not in lesson.texts]
    own = [c for c in notebook.cells if exercise.id in c.ids and c.text.strip()]
    doubts = [f"Cell {c.place} mentions the answer, but not as a function that could be run." for c in inside or own]
    return Found("missing", "\n\n".join(c.text.strip() for c in inside or own), doubts=tuple(doubts))


def is_stub(node: ast.stmt) -> bool:
    """Whether a function is as it was handed out: a docstring at most, then `raise NotImplementedError`."""
    if not isinstance(node, ast.FunctionDef):
        return False
    body = [child for child in node.body if not _is_text(child)]
    return len(body) == 1 and isinstance(body[0], ast.Raise) and "NotImplementedError" in ast.unparse(body[0])


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _hand_over(piece: Piece) -> bool:
    """The line that goes on with what a check hands back, in notebooks of today (`check`) and older ones."""
    if not isinstance(piece.tree, ast.Assign) or not isinstance(piece.tree.value, ast.Call):
        return False
    return ast.unparse(piece.tree.value.func).endswith(("exercises.check", "or_reference"))
