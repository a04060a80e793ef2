"""From a folder of submissions, however it was filled, to one submission for each student and lesson."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vae_course.grading import lessons as course
from vae_course.grading import naming, notebook
from vae_course.grading.errors import GradingError
from vae_course.grading.model import Submission
from vae_course.grading.unpacking import File, Finder


@dataclass(frozen=True)
class Collection:
    """The submissions, in the order of students and lessons, and a sentence for everything that was left out."""

    submissions: tuple[Submission, ...]
    problems: tuple[str, ...]


def collect(folder: Path, lessons: Sequence[str] | None = None) -> Collection:
    """Collect the submissions in a folder.

    Understood: `<student>/<lesson>.ipynb`, nbgrader's `submitted/<student>/<assignment>/<lesson>.ipynb`, flat names such
    as `alice_04_the_elbo.ipynb`, Colab's `Copy of 04_the_elbo.ipynb`, zips of all these, and of Moodle and Canvas.

    Args:
        folder: where to look, at any depth.
        lessons: the lessons to keep; all of the course where it is `None`.

    Raises:
        GradingError: there is no such folder, or no such lesson.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise GradingError(f"There is no folder {folder}: name the folder that holds the submissions.")
    known = course.names()
    unknown = [name for name in lessons or () if name not in known]
    if unknown:
        raise GradingError(f"There is no lesson {unknown[0]!r}; the lessons are {', '.join(known)}.")
    finder = Finder(folder)
    found: dict[tuple[str, str], list[File]] = {}
    for file in finder.files():
        student, lesson = _whose(file, known, finder.problems)
        if lesson and (lessons is None or lesson in lessons):
            found.setdefault((student, lesson), []).append(file)
    rows = [_latest(key, files, finder.problems) for key, files in sorted(found.items())]
    return Collection(tuple(rows), tuple(finder.problems))


def _whose(file: File, known: Sequence[str], problems: list[str]) -> tuple[str, str]:
    """The student and the lesson of a file; by its path, else by what the notebook says of itself."""
    place = naming.read(file.path, known)
    lesson = place.lesson or _lesson_inside(file.content, known)
    if not lesson:
        problems.append(f"{file.name} was left out: neither its name nor its content says of which lesson it is.")
        return "", ""
    owner = naming.owner(file.owner, known) if file.owner else ""
    if not place.student and not owner:
        problems.append(f"{file.name} does not say whose it is; it is graded under the student's name `unknown`.")
    if owner and place.student and owner != place.student:
        problems.append(
            f"{file.name} names {naming.spelt(place.student)}, but lies in what {naming.spelt(owner)} handed in, and is graded "
            "as that; put a download of the whole class at the top of the folder, or into one called `submissions`."
        )
    return naming.spelt(owner or place.student) or "unknown", lesson


def _lesson_inside(content: bytes, known: Sequence[str]) -> str:
    """The lesson that a notebook's metadata names, else the one that most of its exercises belong to."""
    try:
        read = notebook.read(content)
    except notebook.Unreadable:
        return ""
    if read.lesson in known:
        return read.lesson
    return max(known, key=lambda name: _likeness(read, name)) if any(_likeness(read, name) for name in known) else ""


def _likeness(read: notebook.Notebook, name: str) -> int:
    lesson = course.load(name)
    ids = {exercise.id for exercise in lesson.exercises}
    return sum(
        bool(cell.ids & ids) or any(f"Exercise {id}:" in cell.text or f'"{id}"' in cell.text for id in ids)
        for cell in read.cells
    )


def _latest(key: tuple[str, str], files: list[File], problems: list[str]) -> Submission:
    """The newest of several files; of two of the same time, the last by its name."""
    files = sorted(files, key=lambda file: (file.when, file.name))
    chosen, student, lesson = files[-1], *key
    if len({file.content for file in files}) > 1:
        others = ", ".join(file.name for file in files[:-1])
        problems.append(
            f"{student} handed in {lesson} {len(files)} times: {chosen.name} is graded, the newest; not {others}."
        )
    return Submission(student, lesson, chosen.name, chosen.content)
