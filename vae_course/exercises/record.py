"""Which exercises were passed here: a file in the user's folder for state, one entry for each copy of the course.

It is written when an answer of the learner's own passes its check, never while a notebook is graded, built or tested.
"""

import contextlib
import datetime
import hashlib
import html
import json
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from vae_course.exercises.lessons import NOTEBOOKS, get, ids
from vae_course.support.files import locked, state_dir, write
from vae_course.support.outputs import paragraph, row, table
from vae_course.support.words import count

Passed = dict[str, str]  # the day on which each exercise was passed for the first time, by its id
_memory: Passed = {}  # what could not be written, for as long as this process lives


def path() -> Path:
    """The file."""
    return state_dir() / "progress.json"


def remember(id: str) -> str:
    """Keep that an exercise was passed; a sentence where it can't be kept, else nothing."""
    if not keeps() or id in passed():
        return ""
    damage, said = _damage(), bool(_memory)
    _memory[id] = datetime.datetime.now(datetime.UTC).date().isoformat()
    try:
        with _all() as everything:
            everything.setdefault(_here(), {}).update(_memory)
    except OSError as error:
        sentence = (
            f"What you pass is remembered until the kernel ends only: {path()} can't be written ({error.strerror})."
        )
        return "" if said else sentence
    _memory.clear()
    return damage


def passed() -> Passed:
    """What was passed in this copy of the course; nothing while a notebook is graded, built or tested."""
    if not keeps():
        return {}
    everything = {} if _damage() else _read()
    return {id: day for id, day in (everything.get(_here(), {}) | _memory).items() if id in ids()}


def forget() -> None:
    """Forget what was passed in this copy of the course."""
    _memory.clear()
    with _all() as everything:
        everything.pop(_here(), None)


def keeps() -> bool:
    """Not while nbgrader grades, pytest or nbval tests, or the course is built: there the answers aren't a learner's."""
    elsewhere = os.environ.get("NBGRADER_EXECUTION") or os.environ.get("PYTEST_VERSION")
    return not (elsewhere or os.environ.get("VAE_COURSE_STRICT") == "1")


class Progress:
    """How far a learner has come, as a map of the lessons: in a notebook with bars and links, elsewhere as text.

    Args:
        lessons: two digits each; all lessons where there is none.
    """

    def __init__(self, *lessons: str) -> None:
        done = passed()
        known = sorted({id[:2] for id in ids()})
        self.rows = []
        for lesson in lessons or known:
            own = [get(id) for id in ids() if id.startswith(f"{lesson}-")]
            if not own:
                raise ValueError(f"There is no lesson {lesson!r}: give two digits, {known[0]} to {known[-1]}.")
            right = [exercise for exercise in own if exercise.id in done]
            left = [exercise.id for exercise in own if exercise not in right and hasattr(exercise, "reference")]
            points = sum(e.points for e in right), sum(e.points for e in own)
            self.rows.append((lesson, len(right), sum(hasattr(e, "reference") for e in own), *points, left))

    def __repr__(self) -> str:
        lines = [
            f"{lesson} {NOTEBOOKS[lesson][1]}: {right} of {count(all_, 'exercise')} passed, {points} of {count(most, 'point')}"
            + (f"; open: {', '.join(left)}" if left else "")
            for lesson, right, all_, points, most, left in self.rows
        ]
        return "\n".join([*lines, self._note()])

    def _repr_html_(self) -> str:
        style = "text-align: left; padding: 1px 10px 1px 0"
        names = "".join(f'<th scope="col" style="{style}">{name}</th>' for name in ("Lesson", "Passed", "Points"))
        rows = (
            row(_link(lesson), self._bar(lesson, right, all_, left), f"{points} of {most}")
            for lesson, right, all_, points, most, left in self.rows
        )
        return table([f"<tr>{names}</tr>", *rows], "vae-progress") + paragraph(html.escape(self._note()))

    def _bar(self, lesson: str, right: int, all_: int, left: Sequence[str]) -> str:
        """How much of a lesson is passed, and what is open behind it, folded where the table has several lessons."""
        bar = f'<progress aria-label="lesson {lesson}" max="{all_}" value="{right}" style="width: 3em"></progress>'
        words = f'{bar} <span style="white-space: nowrap">{right} of {all_}</span>'
        if not left:
            return f"{words} ✓"
        ids = ", ".join(f"<code>{id}</code>" for id in left)
        folded = "" if len(self.rows) > 1 else " open"
        return f'<details{folded}><summary style="cursor: pointer">{words}</summary>Open: {ids}</details>'

    def _note(self) -> str:
        if not keeps():
            return "Nothing is remembered while a notebook is built, tested or graded."
        words = _damage() or "Points for answers in words are given by a person, and not counted as passed here."
        if "google.colab" in sys.modules:
            return f"{words} Colab forgets all of this when its machine is handed back."
        return words


def _link(lesson: str) -> str:
    """A lesson's title as HTML, with a link where the notebooks lie side by side and somebody may follow it."""
    notebook, title = NOTEBOOKS[lesson]
    words = html.escape(f"{lesson} {title}")
    linked = keeps() and "google.colab" not in sys.modules
    return f'<a href="{notebook}.ipynb">{words}</a>' if linked else words


def _here() -> str:
    """What stands for this copy of the course: its folder, of which the file is to say nothing."""
    return hashlib.sha256(str(Path(__file__).resolve().parents[2]).encode()).hexdigest()[:16]


@contextlib.contextmanager
def _all() -> Iterator[dict[str, Passed]]:
    """What the file holds, to be changed and written back while no other process does so.

    Raises:
        OSError: it can't be written, or can neither be read nor put aside.
    """
    with locked(path()):
        damaged = _damage()
        if damaged:
            path().replace(_aside())
        everything = {} if damaged else _read()
        yield everything
        write(path(), json.dumps(everything, indent=1, sort_keys=True) + "\n")


def _damage() -> str:
    """A sentence where the file is there and can't be read."""
    try:
        _read()
    except (OSError, ValueError):
        return f"{path()} can't be read: when an exercise is passed it is put aside as {_aside().name}, and a new one begun."
    return ""


def _aside() -> Path:
    return path().with_suffix(".damaged.json")


def _read() -> dict[str, Passed]:
    """What the file holds; nothing where there is none.

    Raises:
        OSError: it can't be read.
        ValueError: it holds something else.
    """
    try:
        found = json.loads(path().read_text(encoding="utf-8"))
        return {str(here): {str(id): str(day) for id, day in days.items()} for here, days in found.items()}
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except AttributeError:
        raise ValueError(f"{path()} holds no record") from None
