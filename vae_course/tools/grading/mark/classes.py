"""A whole class: every submission graded, each result kept at once, and taken up where it stopped."""

import functools
import hashlib
import json
import re
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from vae_course import exercises
from vae_course.support.files import write, writing
from vae_course.support.sources import source_digest
from vae_course.tools.grading import mark
from vae_course.tools.grading.mark import draw_seed, grade_submission, unmarked
from vae_course.tools.grading.model import Graded, GradingError, Submission
from vae_course.tools.grading.read import lessons
from vae_course.tools.grading.sandbox import Sandboxes, bubblewrap
from vae_course.tools.grading.sandbox.limits import DEFAULT_LIMITS, Limits

Grade = Callable[..., Graded]


def grade_class(
    submissions: Sequence[Submission],
    results: Path,
    *,
    jobs: int = 1,
    limits: Limits = DEFAULT_LIMITS,
    sandbox: bool = True,
    seed: int | None = None,
    progress: bool = True,
    grade: Grade = grade_submission,
) -> list[Graded]:
    """Grade all submissions, in their order.

    Each result is written to `results/graded/<student>/<lesson>.json` as soon as it is there. One that is there already,
    of the same content, seed, limits and grading code, is not made again.

    Args:
        submissions: what was handed in, at most one for each student and lesson.
        results: the folder for the results.
        jobs: how many submissions are graded at once.
        limits: what each answer may use.
        sandbox: run student code in bubblewrap.
        seed: source of the hidden inputs; where it is None, the one in `results/seed.txt`, which is drawn the first time.
        progress: show a progress bar.
        grade: what grades one submission, with the arguments of `grade_submission`; another one sees to its sandboxes itself.

    Raises:
        GradingError: there is no sandbox, a submission is of no lesson of the course, or `seed.txt` holds no number.
    """
    if sandbox and grade is grade_submission:
        bubblewrap.find()
    for lesson in sorted({submission.lesson for submission in submissions}):
        lessons.load(lesson)
    code_digest()  # here, or each of the first jobs would read all of the code for it
    settings = {"limits": limits, "sandbox": sandbox, "seed": class_seed(results, seed)}
    with Sandboxes() as sandboxes:
        if grade is grade_submission:
            grade = functools.partial(grade_submission, sandboxes=sandboxes)
        return _all(
            lambda submission: _one(submission, results, grade, settings), submissions, jobs=jobs, progress=progress
        )


def _all(
    one: Callable[[Submission], Graded], submissions: Sequence[Submission], *, jobs: int, progress: bool
) -> list[Graded]:
    """Every submission through `one`, so many at a time; what ends one of them with an error ends all."""
    # Lesson by lesson, so that a thread starts as few sandboxes as can be.
    order = sorted(range(len(submissions)), key=lambda i: submissions[i].lesson)
    pool = ThreadPoolExecutor(max(1, jobs), thread_name_prefix="grading")
    try:
        rows = pool.map(one, [submissions[i] for i in order])
        shown = tqdm(rows, total=len(order), unit="submission", disable=not progress)
        graded = dict(zip(order, shown, strict=True))
    finally:
        pool.shutdown(cancel_futures=True)
    return [graded[i] for i in range(len(submissions))]


def class_seed(results: Path, seed: int | None = None) -> int:
    """The seed of a class, kept beside its results: the one given, else the one that is kept, else a new one.

    Raises:
        GradingError: what is kept is no number, or a new one can't be written.
    """
    path = results / "seed.txt"
    if seed is None and path.is_file():
        try:
            return int(path.read_text(encoding="utf-8"))
        except ValueError:
            raise GradingError(
                f"{path} holds no number: delete it to draw a new seed, or give one by --seed."
            ) from None
    chosen = draw_seed() if seed is None else seed
    _write(path, f"{chosen}\n")
    return chosen


def result_path(results: Path, student: str, lesson: str) -> Path:
    """Where the result of one submission is kept; a name that is no safe file name gets a digest behind it."""
    return results / "graded" / safe_name(student) / f"{safe_name(lesson)}.json"


def safe_name(name: str) -> str:
    """A file name for any text, different for different texts; no option of a command and no formula of a spreadsheet."""
    safe = (
        re.sub(r"[^\w.@+-]", "_", name)
        .strip(".")
        .lstrip("+-@")
        .encode("utf-8", "replace")[:120]
        .decode("utf-8", "ignore")
    )
    same = safe == name and bool(safe)
    return safe if same else f"{safe or 'student'}-{hashlib.sha256(name.encode('utf-8', 'replace')).hexdigest()[:8]}"


def key_of(submission: Submission, *, limits: Limits, sandbox: bool, seed: int) -> str:
    """Changes with everything that a result depends on."""
    parts = (submission.student, submission.lesson, repr(limits), str(sandbox), str(seed), code_digest())
    said = (submission.problem, *submission.doubts)
    digest = hashlib.sha256("\0".join((*parts, *said)).encode("utf-8", "replace"))
    digest.update(lessons.load(submission.lesson).source)
    digest.update(submission.content)
    return digest.hexdigest()


@functools.cache
def code_digest() -> str:
    """Changes with the code that marks depend on, and with the libraries that compute."""
    return f"{torch.__version__} {np.__version__} {source_digest(mark.__name__, exercises.__name__)}"


def digest_of(submission: Submission) -> str:
    """Changes with what was handed in, whoever did."""
    return hashlib.sha256(submission.content).hexdigest()


@dataclass(frozen=True)
class Kept:
    """A result on the disk: what it depends on, the digest of what was handed in, and the marks."""

    key: str
    content: str
    graded: Graded


def earlier(results: Path, graded: Iterable[Graded]) -> list[Kept]:
    """What earlier runs left in a folder of results and this run did not grade; what can't be read is no result."""
    own = {(row.student, row.lesson) for row in graded}
    found = [_read(path) for path in sorted((results / "graded").glob("*/*.json"))]
    return [kept for kept in found if kept and (kept.graded.student, kept.graded.lesson) not in own]


def _one(submission: Submission, results: Path, grade: Grade, settings: dict[str, Any]) -> Graded:
    """The result that is there already, else a new one, which is written; where grading itself fails, one that says so."""
    submission = submission.loaded()
    path, key = result_path(results, submission.student, submission.lesson), key_of(submission, **settings)
    kept = _read(path)
    if kept and kept.key == key:
        return kept.graded
    try:
        graded = grade(submission, **settings)
    except Exception as error:
        problem = f"Grading itself failed ({type(error).__name__}: {error}); it is tried again next time."
        graded = unmarked(submission, lessons.load(submission.lesson), problem, ungraded=True)
    done = "" if graded.ungraded else key
    content = {"key": done, "content": digest_of(submission), "graded": graded.to_dict()}
    _write(path, json.dumps(content, ensure_ascii=True, indent=1) + "\n")
    return graded


def _read(path: Path) -> Kept | None:
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        return Kept(kept["key"], str(kept["content"]), Graded.from_dict(kept["graded"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _write(path: Path, content: str) -> None:
    with writing(path.parent, GradingError):
        write(path, content)
