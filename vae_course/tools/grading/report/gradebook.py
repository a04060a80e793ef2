"""nbgrader's own course folder and gradebook from marks that are there already.

nbgrader's `autograde` runs submissions without a sandbox, so it is not used: its results are written where it would have
written them. Then formgrader, marking by hand, `nbgrader generate_feedback` and `nbgrader export` go on from there.
"""

import copy
import os
import re
import shutil
import sqlite3
import sys
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode, v4

from vae_course.support.files import write, writing
from vae_course.tools.authoring.files import to_bytes
from vae_course.tools.authoring.plan import prepare
from vae_course.tools.authoring.settings import CourseSettings
from vae_course.tools.grading.model import Graded, GradingError, Mark, Submission

CONFIG = """\
# Made by `vae-course grade`. Marking by hand goes on from here: `jupyter lab` in this folder, then Nbgrader, Formgrader.
c = get_config()  # noqa: F821
c.CourseDirectory.course_id = "vae-course"
# What was handed in runs in a sandbox or not at all, so nbgrader's own autograde is closed here: use `vae-course grade`.
c.Autograde.sanitize_preprocessors = ["vae_course.tools.grading.report.autograde.Refusal"]
"""

_DATABASE = "gradebook.db"
# How many seconds to wait for others who write into it.
_PATIENCE = 5.0
# What begins a tag, a comment or an entity; "a < b" and "p & q" are left alone.
_TAG = re.compile(r"<(?=[A-Za-z/!?])")
_ENTITY = re.compile(r"&(?=#|[A-Za-z][A-Za-z0-9]*;)")
# A link stays one if it leads to a page; entities in an address are read more than once, so all other forms are refused.
_LINK = re.compile(r"\]([(:])(?!\s*https?://)")
_PICTURE = re.compile(r"!+\[")
# Of MathJax's commands only those that show symbols: others make links, load code and rename commands.
_MATHEMATICS = frozenset(
    "alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta iota kappa lambda mu nu xi pi varpi rho varrho "
    "sigma varsigma tau upsilon phi varphi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega "
    "ell hbar partial nabla infty frac dfrac tfrac sqrt sum prod int iint oint lim limsup liminf sup inf max min "
    "argmax argmin exp log ln det dim ker deg gcd sin cos tan arcsin arccos arctan sinh cosh tanh Pr Re Im "
    "operatorname left right big Big bigg Bigg bigl bigr Bigl Bigr mid middle cdot cdots ldots dots vdots ddots times "
    "div pm mp ast star circ bullet oplus otimes odot wedge vee cap cup setminus in notin ni subset subseteq supset "
    "supseteq emptyset varnothing forall exists neg lnot land lor implies iff to gets mapsto rightarrow Rightarrow "
    "leftarrow Leftarrow leftrightarrow Leftrightarrow longrightarrow Longrightarrow uparrow downarrow leq le geq ge "
    "neq ne ll gg approx sim simeq cong equiv propto prec succ perp parallel vert Vert lvert rvert lVert rVert langle "
    "rangle lfloor rfloor lceil rceil lbrace rbrace lbrack rbrack backslash mathbb mathbf mathcal mathrm mathsf "
    "mathit mathfrak boldsymbol bm text textbf textit textrm hat widehat bar overline underline tilde widetilde vec "
    "dot ddot prime underbrace overbrace overset underset stackrel binom tag quad qquad hspace displaystyle textstyle "
    "scriptstyle limits nolimits begin end label eqref ref not because therefore top bot dagger hline substack "
    "phantom colon cases".split()
)
_COMMAND = re.compile(r"\\([A-Za-z]+)")


def require() -> None:
    """See that nbgrader is there.

    Raises:
        GradingError: it isn't.
    """
    try:
        import nbgrader.api
    except ModuleNotFoundError:
        raise GradingError(
            "The gradebook needs nbgrader: run `pip install nbgrader`, or leave the gradebook out with --no-gradebook."
        ) from None
    del nbgrader


@contextmanager
def unlocked(folder: Path) -> Iterator[None]:
    """See that nobody else is writing into a folder's gradebook, then work with it.

    Raises:
        GradingError: somebody is, before or meanwhile.
    """
    from sqlalchemy.exc import OperationalError

    try:
        with writing(folder, GradingError):
            if (folder / _DATABASE).is_file():
                with closing(sqlite3.connect(folder / _DATABASE, timeout=_PATIENCE)) as database:
                    database.execute("BEGIN IMMEDIATE")
            yield
    except (OperationalError, sqlite3.OperationalError) as error:
        raise GradingError(
            f"The gradebook {folder / _DATABASE} can't be written ({getattr(error, 'orig', error)}): close formgrader and "
            "whatever else has it open, then run the same command again; what has been graded is kept."
        ) from None


class Course:
    """A folder in nbgrader's layout with its database: `source`, `release`, `submitted`, `autograded`, `gradebook.db`.

    Args:
        folder: made where it is missing; what graders have marked by hand in it stays.
        names: the id by which nbgrader knows each student, which is a folder's name too.
    """

    def __init__(self, folder: Path, names: Mapping[str, str]) -> None:
        self.folder = folder.resolve()
        self.names = names
        self.url = f"sqlite:///{self.folder / _DATABASE}"
        self.folder.mkdir(parents=True, exist_ok=True)
        write(self.folder / "nbgrader_config.py", CONFIG.encode())
        _make_database(self.url)

    def path(self, step: str, lesson: str, student: str = ".") -> Path:
        """Where nbgrader expects a lesson's notebook at one of its steps."""
        return self.folder / step / student / lesson / f"{lesson}.ipynb"

    def add_lesson(self, source: Path, course: CourseSettings) -> None:
        """Make a lesson an assignment, by nbgrader's own `generate_assignment`; one that is there and current stays."""
        content = to_bytes(prepare(source, course).full)
        place = self.path("source", source.stem)
        released = self.path("release", source.stem)
        if place.is_file() and place.read_bytes() == content and released.is_file():
            return
        write(place, content)
        _generate_assignment(self.folder, self.url, source.stem)

    def add(self, graded: Iterable[Graded], submissions: Iterable[Submission]) -> None:
        """Enter marks and comments, and write what nbgrader's autograde would have written.

        A submission that stands there with the same answers and marks stays as it is, by hand or not.

        Args:
            graded: the marks; their lessons have been added.
            submissions: what was handed in.
        """
        from nbgrader.api import Gradebook

        handed_in = {(submission.student, submission.lesson): submission for submission in submissions}
        blank: dict[str, NotebookNode] = {}
        with warnings.catch_warnings(), Gradebook(self.url, "vae-course") as book:
            # nbgrader's own use of SQLAlchemy earns some, which say nothing to an instructor.
            warnings.filterwarnings("ignore", module="nbgrader")
            for row in graded:
                if row.lesson not in blank:
                    blank[row.lesson] = nbformat.read(self.path("release", row.lesson), as_version=4)
                self._add(book, row, blank[row.lesson])
                if own := handed_in.get((row.student, row.lesson)):
                    write(self.path("submitted", row.lesson, self.names[row.student]), own.content)

    def _add(self, book: Any, row: Graded, blank: NotebookNode) -> None:
        student = self.names[row.student]
        place = self.path("autograded", row.lesson, student)
        content = to_bytes(autograded(blank, row))
        known = place.is_file() and place.read_bytes() == content
        book.update_or_create_student(student)
        book.update_or_create_submission(row.lesson, student)
        notebook = book.find_submission_notebook(row.lesson, row.lesson, student)
        enter_marks(notebook, row, known=known)
        book.db.commit()
        if not known:
            write(place, content)


def remove_unmarked(folder: Path, student: str, lesson: str) -> bool:
    """Take a submission out of a course folder, and its student with the last one; not what a person has marked.

    Args:
        folder: the course folder, which need not be there.
        student: the id by which nbgrader knows the student.
        lesson: the assignment.

    Returns:
        Whether it is gone.
    """
    if not (folder / _DATABASE).is_file():
        return True
    from nbgrader.api import Gradebook, MissingEntry

    with unlocked(folder), Gradebook(f"sqlite:///{folder.resolve() / _DATABASE}", "vae-course") as book:
        try:
            notebook = book.find_submission_notebook(lesson, lesson, student)
        except MissingEntry:
            return True
        if any(g.manual_score is not None for g in notebook.grades) or any(c.manual_comment for c in notebook.comments):
            return False
        book.remove_submission(lesson, student)
        if not book.student_submissions(student):
            book.remove_student(student)
    for step in ("submitted", "autograded", "feedback"):
        shutil.rmtree(folder / step / student / lesson, ignore_errors=True)
        with suppress(OSError):
            (folder / step / student).rmdir()
    return True


def enter_marks(notebook: Any, row: Graded, *, known: bool) -> None:
    """Put the marks and messages of a submission into nbgrader's records of it.

    Args:
        notebook: nbgrader's `SubmittedNotebook`.
        row: the marks.
        known: the same answers got the same marks before, so what a person did since then stands.
    """
    marks = {mark.exercise: mark for mark in row.marks}
    whole = bool(row.problem or row.doubts)
    for grade in notebook.grades:
        mark = marks.get(grade.name.removesuffix("_check"))
        if mark is None:
            continue
        new = None if mark.status == "written" else float(mark.points)
        if known and grade.auto_score == new:
            continue
        grade.auto_score = new
        grade.needs_manual_grade = new is None or whole or bool(mark.doubts) or grade.manual_score is not None
    for comment in notebook.comments:
        mark = marks.get(comment.name)
        if mark is not None:
            comment.auto_comment = markdown(_comment(mark, row))


def _comment(mark: Mark, row: Graded) -> str:
    return row.problem or ("No response." if mark.status in ("not tried", "missing") else mark.message)


def autograded(blank: NotebookNode, row: Graded) -> NotebookNode:
    """The released notebook with a student's answers and, as the output of each check, the verdict.

    Nothing in it is the student's but the answers, and these can't act on the page of the person who marks them.
    """
    notebook = copy.deepcopy(blank)
    marks = {mark.exercise: mark for mark in row.marks}
    for cell in notebook.cells:
        facts = cell.metadata.get("nbgrader", {})
        mark = marks.get(str(facts.get("grade_id", "")).removesuffix("_check"))
        if mark is None:
            continue
        if facts.get("solution") and mark.answer:
            cell.source = mark.answer if cell.cell_type == "code" else markdown(mark.answer)
        elif facts.get("grade") and cell.cell_type == "code":
            cell.outputs = [_verdict(mark, row)]
    return notebook


def _verdict(mark: Mark, row: Graded) -> NotebookNode:
    doubts = [*row.doubts, *mark.doubts]
    lines = [f"{mark.exercise}: {mark.status}, {mark.points} of {mark.max_points} points", row.problem or mark.message]
    lines += [f"For a person to look at: {doubt}" for doubt in doubts]
    # nbgrader shows a check as failed where its cell wrote to stderr.
    name = "stdout" if mark.status == "passed" else "stderr"
    return v4.new_output("stream", name=name, text="\n".join(line for line in lines if line) + "\n")


def markdown(text: str) -> str:
    """The same Markdown without HTML, pictures, links that run code, and formulas that do more than show symbols.

    nbgrader puts written answers and comments as raw HTML into the pages of the person who marks them, where a script could
    act in that person's name.
    """
    text = _ENTITY.sub("&amp;", text)
    text = _TAG.sub("&lt;", text)
    text = _PICTURE.sub("[", text)
    text = _LINK.sub(r"] \1", text)
    return _COMMAND.sub(lambda match: match[0] if match[1] in _MATHEMATICS else rf"\backslash {match[1]}", text)


def _make_database(url: str) -> None:
    """Make the database where it isn't there; nbgrader calls the command `alembic` for that, which stands beside Python."""
    from nbgrader.api import Gradebook

    before = os.environ.get("PATH", "")
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), before])
    try:
        Gradebook(url, "vae-course").close()
    finally:
        os.environ["PATH"] = before


def _generate_assignment(folder: Path, url: str, lesson: str) -> None:
    """Run nbgrader's `generate_assignment` on one lesson, with no configuration but this folder's."""
    import logging

    from nbgrader.converters import GenerateAssignment
    from nbgrader.converters.base import NbGraderException
    from nbgrader.coursedir import CourseDirectory
    from traitlets.config import Config

    place = {"root": str(folder), "db_url": url, "assignment_id": lesson, "course_id": "vae-course"}
    config = Config({"CourseDirectory": place})
    converter = GenerateAssignment(coursedir=CourseDirectory(config=config), config=config)
    converter.force = True
    converter.log = logging.getLogger("vae_course.tools.grading.nbgrader")
    converter.log.setLevel(logging.CRITICAL)
    try:
        converter.start()
    except NbGraderException as error:
        with writing(folder, GradingError):  # nbgrader keeps to itself that a disk was full
            write(folder / "nbgrader_config.py", CONFIG.encode())
        raise GradingError(
            f"nbgrader could not make an assignment of {lesson} in {folder}: {error} Name a new folder by --to if the "
            "lesson has changed since this one was made."
        ) from None
