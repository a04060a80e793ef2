"""Files that were handed in beside a notebook: kept in the results, named where the answer is marked, and never opened."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from vae_course.exercises import get
from vae_course.exercises.model import UnknownExercise, Written
from vae_course.support.files import write
from vae_course.tools.grading.collect.archives import shown_as
from vae_course.tools.grading.mark.classes import safe_name
from vae_course.tools.grading.model import Beside, Graded, GradingError, Mark, Submission

FOLDER = "files"
# Of one submission: a page has less than a megabyte, and a few pictures some.
LARGEST_FILE, MOST_FILES = 20 << 20, 20


def keep(results: Path, graded: Sequence[Graded], submissions: Iterable[Submission]) -> list[Graded]:
    """Copy the files into `results/files/<student>/<lesson>`, and name them in the answer that they belong to.

    An answer of which there is nothing but files waits for a person like one that is written out. What can't be kept is
    named with the reason.
    """
    told = {(s.student, s.lesson): [_kept(results, s, i, file) for i, file in enumerate(s.beside)] for s in submissions}
    return [_named(row, told.get((row.student, row.lesson), [])) for row in graded]


def _kept(results: Path, submission: Submission, number: int, file: Beside) -> str:
    """A line on one file, which is written unless something is wrong with it."""
    shown = shown_as(file.path).replace("`", "'")
    if number >= MOST_FILES:
        return f"`{shown}` was not kept: it is one of more than {MOST_FILES} files; it lies in what was handed in."
    try:
        content = file.source.read()
    except (GradingError, OSError) as error:
        return f"`{shown}` was not kept: {error}"
    if len(content) > LARGEST_FILE:
        return f"`{shown}` was not kept: it has more than {LARGEST_FILE >> 20} MB; it lies in what was handed in."
    path = PurePosixPath(file.path)
    name = (
        f"{safe_name(str(path.with_suffix('')))}{path.suffix.lower()}"  # only endings that an exercise names come here
    )
    place = Path(FOLDER, safe_name(submission.student), safe_name(submission.lesson), name)
    write(results / place, content)
    digest = hashlib.sha256(content).hexdigest()[:12]
    return f"`{shown}`, {len(content):,} bytes, kept as `{place.as_posix()}` ({digest})"


def _named(row: Graded, lines: Sequence[str]) -> Graded:
    """The marks with these lines in the answer that takes files."""
    if not lines:
        return row
    return replace(row, marks=tuple(_with_files(mark, lines) if _takes_files(mark) else mark for mark in row.marks))


def _takes_files(mark: Mark) -> bool:
    try:
        exercise = get(mark.exercise)
    except UnknownExercise:  # of a lesson of the instructor's own
        return False
    return isinstance(exercise, Written) and bool(exercise.files)


def _with_files(mark: Mark, lines: Sequence[str]) -> Mark:
    listed = "\n".join(["Handed in beside the notebook:", "", *(f"- {line}" for line in lines)])
    answer = "\n\n".join(filter(None, [mark.answer, listed]))
    return replace(mark, status="written", points=0, message="A person reads this answer.", answer=answer)
