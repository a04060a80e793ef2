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
from collections.abc import Iterator
from pathlib import Path

from vae_course.exercises.lessons import get, ids
from vae_course.support.files import locked, state_dir, write
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
    """How far a learner has come, as a table: in a notebook with a bar for each lesson, elsewhere as text.

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
            f"{lesson}  {right} of {count(all_, 'exercise')} passed, {points} of {count(most, 'point')}"
            + (f"; open: {', '.join(left)}" if left else "")
            for lesson, right, all_, points, most, left in self.rows
        ]
        return "\n".join([*lines, self._note()])

    def _repr_html_(self) -> str:
        head = "".join(f'<th scope="col">{name}</th>' for name in ("lesson", "passed", "points", "open"))
        rows = "".join(
            f'<tr><th scope="row">{lesson}</th>'
            f'<td><progress aria-label="lesson {lesson}" max="{all_}" value="{right}"></progress> {right} of {all_}</td>'
            f"<td>{points} of {most}</td><td>{', '.join(f'<code>{id}</code>' for id in left)}</td></tr>"
            for lesson, right, all_, points, most, left in self.rows
        )
        return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table><p>{html.escape(self._note())}</p>"

    def _note(self) -> str:
        if not keeps():
            return "Nothing is remembered while a notebook is built, tested or graded."
        words = _damage() or "Points for answers in words are given by a person, and not counted as passed here."
        if "google.colab" in sys.modules:
            return f"{words} Colab forgets all of this when its machine is handed back."
        return words


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
