"""From a folder of submissions, however it was filled, to one submission for each student and lesson."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from vae_course.support.words import count
from vae_course.tools.grading.collect.archives import File, Finder
from vae_course.tools.grading.collect.roster import Names
from vae_course.tools.grading.collect.students import (
    HandIn,
    Place,
    Sign,
    copies,
    digest,
    drop_common_words,
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

# nbgrader's folders for what instructors make; students' work is in `submitted` beside them.
_NOT_SUBMITTED = frozenset("source release autograded feedback".split())
# Where a notebook names an exercise: above its task, in its check, in nbgrader's metadata.
_EXERCISE = re.compile(rb"(?:Exercise |\")(\d\d-[a-z]+(?:-[a-z]+)*)(?=:|\\?\")")
_OTHER_ARCHIVES = frozenset(".7z .bz2 .gz .rar .tar .tgz .txz .xz .zst".split())


@dataclass(frozen=True)
class Collection:
    """The submissions, in the order of students and lessons, and a sentence for everything that was left out.

    Args:
        submissions: at most one for each student and lesson.
        problems: the sentences.
        platforms: whose way of naming files was recognised, each with how many files.
    """

    submissions: tuple[Submission, ...]
    problems: tuple[str, ...]
    platforms: dict[str, int] = field(default_factory=dict)


def collect(folder: Path, lessons: Sequence[str] | None = None, names: Names | None = None) -> Collection:
    """Collect the submissions in a folder, or in one zip.

    Whose a notebook is, the first of these says that can: the roster; the pattern; a platform's way of naming (nbgrader,
    Moodle, Canvas, Blackboard, Brightspace, Gradescope); else the first name on the way to it that is not a lesson's, a
    date, a number, a word for a copy, or what all names beside it share. A zip counts as a folder, and a folder that holds
    several students is passed over. Whoever seems to speak for somebody else is doubted.

    Args:
        folder: where to look, at any depth.
        lessons: the lessons to keep; all of the course where it is `None`.
        names: what is known of the students beforehand.

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
    finder, names = Finder(folder), names or Names()
    found, homes = _find(finder, known, names)
    drop_common_words(found)
    shared = shared_folders(found)
    for row in found:
        row.sign = sign_of(row.signs, shared)
    finder.problems += name_students(found)
    finder.problems += _unused(finder, found, homes | shared, shared, wanted)
    finder.problems += _absent(names, found)
    groups: dict[tuple[str, str], list[HandIn]] = {}
    for row in found:
        if row.lesson in wanted:
            finder.problems += row.doubts
            groups.setdefault((row.student, row.lesson), []).append(row)
    rows = [_latest(key, files, finder.problems) for key, files in sorted(groups.items())]
    platforms = Counter(row.sign.platform for row in found if row.sign and row.sign.platform)
    return Collection(tuple(rows), tuple(finder.problems), dict(platforms.most_common()))


def _find(finder: Finder, known: Sequence[str], names: Names) -> tuple[list[HandIn], set[PurePosixPath]]:
    """The notebooks of known lessons, and the places of those of which nobody knows the lesson."""
    found: list[HandIn] = []
    homes: set[PurePosixPath] = set()
    for file in _submitted(finder):
        place, doubts = _by_names(file, read_path(file.path, known, file.zips), names)
        lessons, mixed = _lessons_inside(file, place.lesson, known)
        for lesson in lessons:
            found.append(HandIn(file, lesson, place.signs, mixed=mixed, doubts=list(doubts)))
        if not lessons:
            homes |= {sign.home for sign in place.signs}
            finder.problems.append(
                f"{file.name} was left out: neither its name nor its content says of which lesson it is."
            )
    return found, homes


def _submitted(finder: Finder) -> Iterator[File]:
    """The notebooks, without those that nbgrader keeps beside what was submitted."""
    files = list(finder.files())
    courses = {parent.parent for file in files for parent in file.path.parents if parent.name.lower() == "submitted"}
    left: Counter[PurePosixPath] = Counter()
    for file in files:
        others = [p for p in file.path.parents if p.parent in courses and p.name.lower() in _NOT_SUBMITTED]
        if others:
            left[others[0]] += 1
        else:
            yield file
    finder.folders = {place for place in finder.folders if not left.keys() & {place, *place.parents}}
    for folder, number in left.items():
        finder.problems.append(
            f"{spelt(str(folder))} was left out, with {count(number, 'notebook')}: beside nbgrader's `submitted` it is not "
            "what students handed in."
        )


def _by_names(file: File, place: Place, names: Names) -> tuple[Place, list[str]]:
    """The student that the roster or the pattern finds in the path, or else a doubt."""
    if not names:
        return place, []
    students = names.students(file.path)
    if len(students) == 1:
        return Place((Sign(students[0], PurePosixPath(students[0]), "platform"),), place.lesson), []
    if students:
        return place, [f"{file.name} names several students of the roster: {', '.join(sorted(students))[:300]}."]
    return place, [f"{file.name} names nobody whom --roster or --names knows."]


def _absent(names: Names, found: Sequence[HandIn]) -> Iterator[str]:
    """A sentence on those of the roster of whom there is nothing."""
    absent = sorted(set(names.roster) - {row.sign.student for row in found if row.sign})
    if absent:
        yield f"Of {count(len(absent), 'student')} of the roster there is nothing: {', '.join(map(spelt, absent))[:600]}."


def _lessons_inside(file: File, named: str, known: Sequence[str]) -> tuple[list[str], str]:
    """The lessons of a notebook: the one that its name or its metadata says, and each of which it holds several exercises;
    and a doubt, where these are not one. A name that the content does not bear out is kept alone.
    """
    if file.problem:
        return [named] if named else [], ""
    content = file.content.read()
    ids = {match.decode() for match in _EXERCISE.findall(content)}
    held = {name: len(ids & {exercise.id for exercise in course.load(name).exercises}) for name in known}
    if not named:
        try:
            named = notebook.read(content).lesson
        except notebook.Unreadable:
            return [], ""
    told = [named] if named in known else []
    lessons = [name for name in known if held[name] > 1 or name in told]
    doubt = f"{file.name} has to do with several lessons: {', '.join(lessons)}." if len(lessons) > 1 else ""
    if told and not held[named]:
        return told, doubt
    return lessons or [max(known, key=held.__getitem__)] * any(held.values()), doubt


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
    """The newest of several files with work in them; of two of the same time, the one that a browser numbered last."""
    if len(rows) > 1:
        rows = sorted(rows, key=lambda row: (_has_work(row), row.file.when, copies(row.file.path.name), row.file.name))
    chosen, (student, lesson) = rows[-1], key
    file, doubts = chosen.file, [doubt for row in rows for doubt in row.doubts]
    if len(rows) > 1 and len({digest(row) for row in rows}) > 1:
        others = ", ".join(row.file.name for row in rows[:-1])
        passed = any(row.file.when > file.when for row in rows)
        newest = "the newest with work that can be read" if passed else "the newest"
        told = f"{student} handed in {lesson} {len(rows)} times: {file.name} is graded, {newest}; not {others}."
        problems.append(told)
        doubts += [told] if passed or len({tuple(s.student for s in row.signs) for row in rows}) > 1 else []
    doubts += [chosen.mixed] if chosen.mixed else []
    return Submission(student, lesson, file.name, file.content, file.problem, tuple(doubts), chosen.sign is None)


def _has_work(row: HandIn) -> bool:
    """Whether a notebook can be read and is not as it was handed out."""
    if row.file.problem:
        return False
    try:
        read = notebook.read(row.file.content.read())
    except notebook.Unreadable:
        return False
    handed_out = course.load(row.lesson).texts
    return any(cell.text.strip() not in handed_out for cell in read.cells if cell.text.strip())
