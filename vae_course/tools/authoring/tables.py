"""Write the generated tables of the README and of the documents in `docs/`, each between its two markers.

The README's table of lessons is written by hand, but for the minutes in each of its rows.
"""

import argparse
import inspect
import re
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

from torch import Tensor

from vae_course import notation
from vae_course.exercises import Exercise, all_exercises, evaluate
from vae_course.exercises.model import Written
from vae_course.support import files
from vae_course.support.words import count

from . import costs
from .assemble import minutes_of
from .errors import AuthoringError
from .minutes import Minutes
from .plan import prepare
from .settings import read
from .source import discover

# As many misconceptions of an exercise are told with what the learner reads; of the others, the names.
_TOLD = 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`vae-course tables` takes no options."""


def run(args: argparse.Namespace) -> int:
    """Write every table and say which ones have changed; 0 when all are written.

    Raises:
        AuthoringError: there is no such file, or it lacks the two markers of a table or the row of a lesson.
    """
    root = read().root
    changed = [name for (file, name), table in TABLES.items() if write(root / file, name, table())]
    readme = root / "README.md"
    old = readme.read_text(encoding="utf-8")
    new = with_minutes(old, minutes())
    if new != old:
        files.write(readme, new)
        changed.append("minutes")
    print(f"{', '.join(changed)} written" if changed else "All tables are up to date.")
    return 0


def write(path: Path, name: str, table: str) -> bool:
    """Put a table between its markers in a file; False where it stood there already.

    Raises:
        AuthoringError: there is no such file, or it lacks the markers.
    """
    if not path.is_file():
        raise AuthoringError(f"There is no file {path}: make it, with the two lines that mark the place of the table.")
    old = path.read_text(encoding="utf-8")
    new = replace(old, name, table)
    if new != old:
        files.write(path, new)
    return new != old


def replace(text: str, name: str, table: str) -> str:
    """The text with this table between the lines `<!-- name:start -->` and `<!-- name:end -->`.

    Raises:
        AuthoringError: the text lacks the markers.
    """
    start, end = f"<!-- {name}:start -->", f"<!-- {name}:end -->"
    before, found_start, rest = text.partition(start)
    _, found_end, after = rest.partition(end)
    if not (found_start and found_end):
        raise AuthoringError(f"The text lacks the lines {start} and {end}: add them where the table belongs.")
    return f"{before}{start}\n{table}\n{end}{after}"


def minutes() -> dict[str, Minutes]:
    """What each lesson takes a learner."""
    settings = read()
    return {path.stem: minutes_of(prepare(path, settings).lesson, settings) for path in discover(settings.solutions)}


def with_minutes(text: str, taken: dict[str, Minutes]) -> str:
    """The text with the minutes of each lesson in its row: `| [00 Title](notebooks/00_topic.ipynb) | 30 | 5 | ...`.

    Raises:
        AuthoringError: the text has no such row for a lesson, or more than one.
    """
    for lesson, its in taken.items():
        main, deeper = its.stated
        row = rf"^(\| \[{lesson[:2]} [^\]]+\]\(notebooks/{lesson}\.ipynb\)) \| \d+ \| \d+ \|"
        text, found = re.subn(row, rf"\g<1> | {main} | {deeper} |", text, flags=re.MULTILINE)
        if found != 1:
            raise AuthoringError(
                f"The table of lessons needs one row `| [{lesson[:2]} ...](...) | 0 | 0 | ... |`: {lesson}."
            )
    return text


def numbers() -> str:
    """What there is in the course, in one sentence of four numbers."""
    tasks = [e for e in all_exercises() if isinstance(e, Exercise)]
    taken = minutes()
    hours = sum(its.stated[0] for its in taken.values()) / 60
    mistakes = sum(len(exercise.misconceptions) for exercise in tasks)
    return (
        f"{len(taken)} lessons, {hours:.0f} hours, {len(tasks)} exercises in code, and {mistakes} mistakes that the"
        " checks know by name."
    )


def feedback() -> str:
    """An answer with a mistake that people make, and what its check says."""

    def gaussian_kl(mu: Tensor, logvar: Tensor) -> Tensor:
        return 0.5 * (logvar.exp() + mu**2 - 1 - logvar).mean(-1)

    code = textwrap.dedent(inspect.getsource(gaussian_kl)).strip()
    return f"```python\n{code}\n```\n\n> **07-kl: not yet.** {evaluate('07-kl', gaussian_kl).message}"


def budget() -> str:
    """What running each lesson costs, as a Markdown table."""
    return costs.markdown(costs.load(read()))


def lessons() -> str:
    """What each lesson holds for a class, as a Markdown table."""
    rows = ["| lesson | exercises in code | points | answers in words | points |", "|---|---|---|---|---|"]
    for number in _numbers():
        tasks = [e for e in all_exercises() if e.id[:2] == number]
        code = [e.points for e in tasks if isinstance(e, Exercise)]
        words = [e.points for e in tasks if isinstance(e, Written)]
        rows.append(f"| {number} | {len(code)} | {sum(code)} | {len(words)} | {sum(words)} |")
    return "\n".join(rows)


def misconceptions() -> str:
    """The mistakes that the checks know, lesson by lesson, as Markdown."""
    return "\n".join(line for number in _numbers() for line in _of_lesson(number))


def _of_lesson(number: str) -> Iterator[str]:
    exercises = [e for e in all_exercises() if isinstance(e, Exercise) and e.id[:2] == number]
    if not exercises:
        return
    yield f"\n#### Lesson {number}\n"
    for exercise in exercises:
        yield f"- **{exercise.id}, {exercise.title}.**"
        for known in exercise.misconceptions[:_TOLD]:
            yield f"  - *{known.name}:* {known.message}"
        others = [known.name for known in exercise.misconceptions[_TOLD:]]
        if others:
            yield f"  - Also told apart: {', '.join(others)}."


def rubrics() -> str:
    """By what each written answer is marked, as Markdown."""
    parts = []
    for task in all_exercises():
        if isinstance(task, Written):
            criteria = "\n".join(f"- {count(c.points, 'point')}: {c.text}" for c in task.rubric)
            head = f"#### {task.id}: {task.title} ({count(task.points, 'point')})"
            parts.append(f"\n{head}\n\n{task.task}\n\n{criteria}")
    return "\n".join(parts)


def _numbers() -> list[str]:
    return sorted({exercise.id[:2] for exercise in all_exercises()})


TABLES: dict[tuple[str, str], Callable[[], str]] = {
    ("README.md", "numbers"): numbers,
    ("README.md", "feedback"): feedback,
    ("docs/notation.md", "notation"): notation.markdown,
    ("docs/performance.md", "budget"): budget,
    ("docs/instructors.md", "lessons"): lessons,
    ("docs/instructors.md", "misconceptions"): misconceptions,
    ("docs/instructors.md", "rubrics"): rubrics,
}
