"""From a folder of submissions, however it was filled, to one submission for each student and lesson."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from vae_course.tools.grading.collect.archives import File, Finder
from vae_course.tools.grading.collect.students import (
    HandIn,
    copies,
    digest,
    lesson_of,
    name_students,
    read_path,
    shared_folders,
    sign_of,
    spelt,
)  # fmt: skip
from vae_course.tools.grading.model import GradingError, Submission
from vae_course.tools.grading.read import lessons as course
from vae_course.tools.grading.read import notebook

_OTHER_ARCHIVES = frozenset(".7z .bz2 .gz .rar .tar .tgz .txz .xz .zst".split())


@dataclass(frozen=True)
class Collection:
    """The submissions, in the order of students and lessons, and a sentence for everything that was left out."""

    submissions: tuple[Submission, ...]
    problems: tuple[str, ...]


def collect(folder: Path, lessons: Sequence[str] | None = None) -> Collection:
    """Collect the submissions in a folder, or in one zip.

    Understood: `<student>/<lesson>.ipynb`, nbgrader's `submitted/<student>/<assignment>/<lesson>.ipynb`, flat names such
    as `alice_04_the_elbo.ipynb`, Colab's `Copy of 04_the_elbo.ipynb`, zips of all these, and of Moodle and Canvas.

    The student is the first name on the way to a notebook that is not a lesson's, a week's or the like; a zip counts as a
    folder. A folder that holds several students is passed over. Whoever seems to speak for somebody else is doubted.

    Args:
        folder: where to look, at any depth.
        lessons: the lessons to keep; all of the course where it is `None`.

    Raises:
        GradingError: there is no such folder, or no such lesson.
    """
    folder = Path(folder)
    if not folder.exists():
        raise GradingError(f"There is no folder {folder}: name the folder that holds the submissions.")
    known = course.names()
    unknown = [name for name in lessons or () if name not in known]
    if unknown:
        raise GradingError(f"There is no lesson {unknown[0]!r}; the lessons are {', '.join(known)}.")
    wanted = known if lessons is None else lessons
    finder = Finder(folder)
    found, homes = _find(finder, known)
    shared = shared_folders(found)
    for row in found:
        row.sign = sign_of(row.signs, shared)
    finder.problems += name_students(found)
    finder.problems += _unused(finder, found, homes | shared, shared, wanted)
    groups: dict[tuple[str, str], list[HandIn]] = {}
    for row in found:
        if row.lesson in wanted:
            finder.problems += row.doubts
            groups.setdefault((row.student, row.lesson), []).append(row)
    rows = [_latest(key, files, finder.problems) for key, files in sorted(groups.items())]
    return Collection(tuple(rows), tuple(finder.problems))


def _find(finder: Finder, known: Sequence[str]) -> tuple[list[HandIn], set[PurePosixPath]]:
    """The notebooks of known lessons, and the places of those of which nobody knows the lesson."""
    found: list[HandIn] = []
    homes: set[PurePosixPath] = set()
    for file in finder.files():
        place = read_path(file.path, known, file.zips)
        lesson = place.lesson or _lesson_inside(file, known)
        if lesson:
            found.append(HandIn(file, lesson, place.signs))
        else:
            homes |= {sign.home for sign in place.signs}
            finder.problems.append(
                f"{file.name} was left out: neither its name nor its content says of which lesson it is."
            )
    return found, homes


def _lesson_inside(file: File, known: Sequence[str]) -> str:
    """The lesson that a notebook's metadata names, else the one that most of its exercises belong to."""
    if file.problem:
        return ""
    try:
        read = notebook.read(file.content.read())
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


def _unused(
    finder: Finder,
    found: Sequence[HandIn],
    mentioned: set[PurePosixPath],
    shared: set[PurePosixPath],
    wanted: Sequence[str],
) -> Iterator[str]:
    """A sentence for each file that might have been a submission, and for each student of whom there is nothing."""
    known = course.names()
    there = {(row.home, row.lesson) for row in found}
    mentioned = mentioned | {row.home for row in found}
    for path, name in finder.others:
        sign = sign_of(read_path(path, known).signs, shared)
        home = sign.home if sign else path
        lesson = lesson_of(path.name, wanted)
        if path.suffix.lower() in _OTHER_ARCHIVES:
            yield f"{name} was left out: only zips are opened; unpack it, or ask for a zip or the notebook."
        elif lesson and (home, lesson) not in there:
            yield (
                f"{name} was left out: it is named after a lesson, but is no notebook; ask for the file that ends in "
                ".ipynb."
            )
        else:
            continue
        mentioned.add(home)
    for folder in sorted(finder.folders):
        sign = sign_of(read_path(folder / "_", known).signs, shared)
        if sign and sign.home not in mentioned:
            mentioned.add(sign.home)
            yield f"{spelt(str(sign.path))} holds nothing that can be graded."


def _latest(key: tuple[str, str], rows: list[HandIn], problems: list[str]) -> Submission:
    """The newest of several files; of two of the same time, the one that a browser numbered last."""
    rows = sorted(
        rows, key=lambda row: (not row.file.problem, row.file.when, copies(row.file.path.name), row.file.name)
    )
    chosen, (student, lesson) = rows[-1], key
    file, doubts = chosen.file, [doubt for row in rows for doubt in row.doubts]
    if len(rows) > 1 and len({digest(row) for row in rows}) > 1:
        others = ", ".join(row.file.name for row in rows[:-1])
        unread = not file.problem and any(row.file.problem and row.file.when > file.when for row in rows)
        newest = "the newest that can be read" if unread else "the newest"
        told = f"{student} handed in {lesson} {len(rows)} times: {file.name} is graded, {newest}; not {others}."
        problems.append(told)
        doubts += [told] if unread or len({tuple(s.student for s in row.signs) for row in rows}) > 1 else []
    return Submission(student, lesson, file.name, file.content, file.problem, tuple(doubts), chosen.sign is None)
