"""Files beside a notebook that are part of an answer, such as the report of a project: which of them belong to whom."""

from collections.abc import Sequence
from pathlib import PurePosixPath

from vae_course.exercises.model import Written
from vae_course.support.words import listed
from vae_course.tools.grading.collect.archives import Finder
from vae_course.tools.grading.collect.students import HandIn, read_path, sign_of
from vae_course.tools.grading.model import Beside, Submission
from vae_course.tools.grading.read import lessons as course

NAMED = 5  # of files that are left out


def endings(lesson: str) -> tuple[str, ...]:
    """The endings of files that count as part of an answer of this lesson; none in most lessons."""
    return tuple(end for e in course.load(lesson).exercises if isinstance(e, Written) for end in e.files)


def beside(
    submission: Submission, found: Sequence[HandIn], finder: Finder, shared: set[PurePosixPath]
) -> tuple[Beside, ...]:
    """The files that lie in the folder of a submission's notebook, or below it, and are nobody else's.

    A file of another ending is not kept, and gets a remark that says so.

    Args:
        submission: the notebook that is graded.
        found: all notebooks.
        finder: what looked through the folder.
        shared: the folders that hold several students.
    """
    wanted = endings(submission.lesson)
    row = next((one for one in found if one.file.name == submission.name), None)
    if not wanted or row is None:
        return ()
    folder, known = row.file.path.parent, course.names()
    alone = all(other.student == row.student for other in found if other.file.path.is_relative_to(folder))
    own = [
        (path, name) for path, name in finder.others if path.is_relative_to(folder) and not path.name.startswith(".")
    ]
    if not alone:
        signs = {path: sign_of(read_path(path, known).signs, shared) for path, _ in own}
        own = [(path, name) for path, name in own if (sign := signs[path]) and sign.home == row.home]
    kept = {path for path, _ in own if path.suffix.lower() in wanted and path in finder.stored}
    left = [name for path, name in own if path not in kept]
    if left:
        finder.problems.append(
            f"Beside {submission.student}'s notebook lies what was not kept ({listed(left, NAMED)}): ask for it with "
            f"one of the endings {', '.join(wanted)}, and not encrypted."
        )
    return tuple(Beside(str(path.relative_to(folder)), name, finder.stored[path]) for path, name in own if path in kept)
