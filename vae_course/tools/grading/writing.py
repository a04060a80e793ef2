"""The answers in words: found by id, else after their box, else as new text nearby."""

import re
from collections.abc import Sequence

from vae_course.tools.grading.lessons import Lesson
from vae_course.tools.grading.notebook import Cell, Notebook

# As the course hands it out, and as nbgrader does.
_STUBS = re.compile(r"\*?Write your answer here\.?\*?|YOUR ANSWER HERE|<!--(?:(?!<!--).)*?-->", re.DOTALL)
_LONGEST = 20_000


def written_answer(id: str, notebook: Notebook, lesson: Lesson) -> tuple[str, tuple[str, ...], bool]:
    """The answer's text, doubts about it, and whether the place for it is there."""
    own = [place for place, cell in enumerate(notebook.cells) if id in cell.ids]
    boxes = [place for place, cell in enumerate(notebook.cells) if f"Exercise {id}:" in cell.text]
    by_id = [_text(notebook.cells[place]) for place in own]
    nearby = _new_text(notebook.cells, (own or boxes)[-1] + 1, lesson) if own or boxes else []
    texts = list(dict.fromkeys(text for text in [*by_id, *nearby] if text))
    doubts: list[str] = []
    if len([text for text in dict.fromkeys(by_id) if text]) > 1:
        doubts.append("There are several answers with the same id; all of them are shown.")
    if not own and not boxes:
        texts = _anywhere(notebook.cells, lesson) if notebook.lesson in ("", lesson.name) else []
        if texts:
            doubts.append("The place for this answer is gone; this is all new text in the notebook.")
    elif nearby and own and not any(by_id):
        doubts.append("The answer stands outside its cell.")
    return "\n\n".join(texts)[:_LONGEST], tuple(doubts), bool(own or boxes)


def _text(cell: Cell) -> str:
    return _STUBS.sub("", cell.text).strip()


def _new_text(cells: Sequence[Cell], start: int, lesson: Lesson) -> list[str]:
    """The text of the new cells right after a place, up to the next cell of the lesson that isn't a stub."""
    texts = []
    for cell in cells[start:]:
        if cell.text.strip() in lesson.texts and _text(cell):
            break
        if cell.kind == "text":
            texts.append(_text(cell))
    return [text for text in texts if text]


def _anywhere(cells: Sequence[Cell], lesson: Lesson) -> list[str]:
    return [_text(c) for c in cells if c.kind == "text" and c.text.strip() not in lesson.texts and _text(c)]
