"""From a folder of submissions, however it was filled, to one submission for each student and lesson."""

import functools
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from vae_course.exercises import all_exercises
from vae_course.support.groups import grouped
from vae_course.support.words import count, listed
from vae_course.tools.grading.collect import gradescope
from vae_course.tools.grading.collect.archives import File, Finder
from vae_course.tools.grading.collect.beside import beside
from vae_course.tools.grading.collect.roster import Names
from vae_course.tools.grading.collect.students import (
    HandIn,
    Place,
    Sign,
    copies,
    digest,
    lesson_of,
    name_students,
    read_path,
    settle_names,
    shared_folders,
    sign_of,
    spelt,
)  # fmt: skip
from vae_course.tools.grading.model import GradingError, Submission
from vae_course.tools.grading.read import attempts_in, notebook
from vae_course.tools.grading.read import lessons as course

# nbgrader's folders for what instructors make; students' work is in `submitted` beside them.
_NOT_SUBMITTED = frozenset("source release autograded feedback".split())
# Platforms whose names are as people write them, and how what holds a class is called there.
_AROUND = {
    "Google Classroom": re.compile(r"-20\d{6}T\d{6}Z(-\d+)?(/|$)"),
    "GitHub Classroom": re.compile(r"(^|/)[^/]+-submissions/[^/]+-[^/]+/"),
}
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
    settle_names(found)
    shared = shared_folders(found)
    for row in found:
        row.sign = sign_of(row.signs, shared)
    finder.problems += name_students(found)
    finder.problems += _unused(finder, found, homes | shared, shared, wanted)
    finder.problems += [*_unlisted(found), *_absent(names, found)]
    kept = [row for row in found if row.lesson in wanted]
    finder.problems += dict.fromkeys(doubt for row in kept for doubt in row.doubts if doubt not in finder.problems)
    groups = grouped(kept, lambda row: (row.student, row.lesson))
    rows = [_latest(key, files, finder.problems) for key, files in sorted(groups.items())]
    rows = [replace(row, beside=beside(row, found, finder, shared)) for row in rows]
    platforms = Counter(_platform(row) for row in found if row.sign)
    return Collection(tuple(rows), tuple(finder.problems), dict(platforms.most_common()))


def _platform(row: HandIn) -> str:
    """What has written the student's name, as far as it can be told."""
    around = (name for name, pattern in _AROUND.items() if pattern.search(str(row.file.path)))
    return (row.sign.platform if row.sign else "") or next(around, "plain folders and files")


def _find(finder: Finder, known: Sequence[str], names: Names) -> tuple[list[HandIn], set[PurePosixPath]]:
    """The notebooks of known lessons, and the places of those of which nobody knows the lesson."""
    found: list[HandIn] = []
    homes: set[PurePosixPath] = set()
    for file in _submitted(finder):
        place, doubts = _by_names(file, _by_lists(read_path(file.path, known, file.zips), finder.listed), names)
        file = replace(file, when=next((sign.when for sign in place.signs if sign.when), file.when))
        lessons = _lessons_of(file, place.lesson, known)
        if len(lessons) > 1:
            doubts.append(f"{file.name} holds exercises of {' and '.join(lessons)}; it is graded as each of them.")
        found += [HandIn(file, lesson, place.signs, doubts=list(doubts)) for lesson in lessons]
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


def _by_lists(place: Place, listed: Mapping[PurePosixPath, Mapping[str, gradescope.Entry]]) -> Place:
    """The same, but what Gradescope calls by a number has the name from the list beside it."""
    entries = [listed.get(sign.path.parent, {}).get(sign.student) for sign in place.signs]
    signs = [
        replace(sign, student=entry.student, number=entry.number, when=entry.when) if entry else sign
        for sign, entry in zip(place.signs, entries, strict=True)
    ]
    return replace(place, signs=tuple(signs))


def _by_names(file: File, place: Place, names: Names) -> tuple[Place, list[str]]:
    """The student that the roster or the pattern finds in the path, or else a doubt."""
    if not names:
        return place, []
    students = names.students(file.path, *(f"{sign.student} {sign.number}" for sign in place.signs))
    if len(students) == 1:
        return Place((Sign(students[0], PurePosixPath(students[0]), "platform"),), place.lesson), []
    if students:
        return place, [f"{file.name} names several students of the roster: {listed(sorted(students))}."]
    return place, [f"{file.name} names nobody whom --roster or --names knows."]


def _unlisted(found: Sequence[HandIn]) -> Iterator[str]:
    """A sentence on those whom nothing but Gradescope's number of their submission names."""
    numbers = sorted(
        {
            row.sign.student
            for row in found
            if row.sign and row.sign.student == row.sign.path.name and row.sign.platform == "Gradescope"
        }
    )
    if numbers:
        yield (
            f"{count(len(numbers), 'student')} ({listed(numbers)}) stood in no {gradescope.LIST}, which names them: "
            "it comes with Gradescope's download; leave it beside their folders and grade again."
        )


def _absent(names: Names, found: Sequence[HandIn]) -> Iterator[str]:
    """A sentence on those of the roster of whom there is nothing."""
    absent = sorted(set(names.roster) - {row.sign.student for row in found if row.sign})
    if absent:
        yield f"Of {count(len(absent), 'student')} of the roster there is nothing: {listed([*map(spelt, absent)], 30)}."


def _lessons_of(file: File, named: str, known: Sequence[str]) -> list[str]:
    """The lesson that a notebook's name, its metadata or most of its exercises say, and each other one that is worked on in
    it. Where nothing of the lesson that its name says is in it, grading says so.
    """
    content = b"" if file.problem else file.content.read()
    mentioned = {id[:2] for id in _ids().findall(content)}
    if named and mentioned <= {named[:2].encode()}:
        return [named]
    try:
        read = notebook.read(content)
    except notebook.Unreadable:
        return [named] if named else []
    likeness = {name: _likeness(read, name) for name in known if name[:2].encode() in mentioned}
    own = read.lesson if read.lesson in known else max(known, key=lambda name: likeness.get(name, 0))
    first = named or (own if likeness.get(own) or own == read.lesson else "")
    if not likeness.get(first):
        return [first] if first else []
    worked = [name for name, like in likeness.items() if like and _work(content, name)[0] > 0]
    return sorted({*worked, named} - {""}) or [first]


@functools.cache
def _ids() -> re.Pattern[bytes]:
    """The ids of all exercises."""
    return re.compile(rb"\b(?:" + "|".join(exercise.id for exercise in all_exercises()).encode() + rb")\b")


def _likeness(read: notebook.Notebook, name: str) -> int:
    """How many cells of a notebook are of a lesson's exercises."""
    ids = {exercise.id for exercise in course.load(name).exercises}
    return sum(
        bool(cell.ids & ids) or any(f"Exercise {id}:" in cell.text or f'"{id}"' in cell.text for id in ids)
        for cell in read.cells
    )


def _work(content: bytes, lesson: str) -> tuple[int, int]:
    """How many exercises of a lesson somebody has worked on in a notebook, and how many cells are not as they were handed
    out; -1 and 0 where it can't be read.
    """
    handout = course.load(lesson)
    try:
        read = notebook.read(content)
        attempts = attempts_in(read, handout)
    except Exception:  # whatever an ingenious file does to the reader; grading says what
        return -1, 0
    worked = sum(attempt.state not in ("not tried", "missing") for attempt in attempts.values())
    return worked, len({cell.text.strip() for cell in read.cells} - handout.texts - {""})


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
    above = {folder for row in found for folder in row.file.path.parents}
    for folder in sorted(finder.folders):
        sign = sign_of(read_path(folder / "_", known).signs, shared)
        if sign and sign.path not in above and sign.home not in mentioned:
            mentioned.add(sign.home)
            yield f"{spelt(str(sign.path))} holds nothing that can be graded."


def _latest(key: tuple[str, str], rows: list[HandIn], problems: list[str]) -> Submission:
    """The newest of several files that somebody has worked on, else that can be read; of two of the same time, the one that
    a browser numbered last.
    """
    (student, lesson), chosen = key, rows[0]
    doubts = list(dict.fromkeys(doubt for row in rows for doubt in row.doubts))
    if len({digest(row) for row in rows}) > 1:
        work = {id(row): (-1, 0) if row.file.problem else _work(row.file.content.read(), lesson) for row in rows}
        rows = sorted(rows, key=lambda row: (*(min(number, 1) for number in work[id(row)]), *_age(row)))
        chosen = rows[-1]
        passed = [row for row in rows if _age(row) > _age(chosen)]
        unread = any(work[id(row)][0] < 0 for row in passed)
        newest = f"the newest {'that can be read' if unread else 'with work in it'}" if passed else "the newest"
        others = ", ".join(row.file.name for row in rows[:-1])
        told = f"{student} handed in {lesson} {len(rows)} times: {chosen.file.name} is graded, {newest}; not {others}."
        problems.append(told)
        several = len({tuple(sign.student for sign in row.signs) for row in rows}) > 1
        doubts += [told] if passed or several or max(work.values())[0] > max(work[id(chosen)][0], 0) else []
    file = chosen.file
    return Submission(student, lesson, file.name, file.content, file.problem, tuple(doubts), chosen.sign is None)


def _age(row: HandIn) -> tuple[float, int, str]:
    return row.file.when, copies(row.file.path.name), row.file.name
