"""The command `vae-course release`: student notebooks for a class, with hints and worked answers or with both kept back."""

import argparse
import copy
import re
from collections.abc import Sequence
from pathlib import Path

from nbformat import NotebookNode

from vae_course.support.files import write
from vae_course.tools.authoring import settings, source
from vae_course.tools.authoring.files import to_bytes
from vae_course.tools.authoring.plan import prepare
from vae_course.tools.authoring.settings import CourseSettings
from vae_course.tools.grading.model import GradingError

_BADGE = re.compile(r"^\[!\[Open in .*\n?", re.MULTILINE)
_HELP_LINE = re.compile(r"^> Stuck\? Hint:.*$", re.MULTILINE)
_IMPORT = re.compile(r"^from vae_course import .*\bexercises\b.*$", re.MULTILINE)
_POINTER = re.compile(r'(?:the worked (?:answer|one),\s+)?`exercises\.solution\("[\w-]+"\)`')
_BULLET = re.compile(r"^(?:> )?- .*`exercises\.(?:hint|solution)`.*\n?", re.MULTILINE)

_NO_HELP = "> Hints and the worked answer come from your instructor, after the class has handed in."
_LATER = "the worked answer, which your instructor hands out later"
_WITHHOLD = "exercises.withhold()  # a copy for a class: hints and worked answers come later, from your instructor"
_KEPT_BACK = (
    "Hints and worked answers are kept back in these notebooks, but not secret: the course and its package are public, and a "
    "student who looks for the solutions there finds them. Marks show who practised; an examination needs other questions."
)
_HOW = """\
Hand them out:
  shared folder  copy the folder, or point students at it
  Colab          put the notebooks on a Drive or a GitHub of yours, and share the link
  nbgrader       put each one into release/LESSON/LESSON.ipynb of your course; `vae-course grade` makes the rest of it
Collect the notebooks under their own names, one folder a student, then run `vae-course grade FOLDER --to RESULTS`."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `vae-course release` to a parser."""
    parser.add_argument("--to", required=True, type=Path, metavar="FOLDER", help="where the notebooks go")
    parser.add_argument("--lessons", nargs=1, metavar="WHICH", help="such as 01-06 or 00,04 (default: all)")
    parser.add_argument(
        "--withhold-solutions", action="store_true", help="leave out what shows hints and worked answers"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace notebooks in the folder that differ")


def run(args: argparse.Namespace) -> int:
    """Write the notebooks and say what to do with them; 0 if all went well."""
    course = settings.read()
    lessons = source.choose(args.lessons or [], course.solutions)
    new, same = release(args.to, lessons, course, withhold=args.withhold_solutions, overwrite=args.overwrite)
    print(f"{args.to}: {len(new)} written" + (f", {len(same)} there already" if same else "") + ".")
    for path in [*new, *same]:
        print(f"  {path.name}")
    if args.withhold_solutions:
        print(_KEPT_BACK)
    print(_HOW)
    return 0


def release(
    folder: Path, lessons: Sequence[Path], course: CourseSettings, *, withhold: bool = False, overwrite: bool = False
) -> tuple[list[Path], list[Path]]:
    """Write the student notebooks of some lessons into a folder: those written, and those that stood there already.

    Args:
        folder: made where it is missing.
        lessons: the lessons' sources.
        course: the checkout's settings.
        withhold: keep hints and worked answers back.
        overwrite: replace a file that holds something else.

    Raises:
        GradingError: a file would be overwritten, or the folder is a file; nothing has been written then.
        AuthoringError: a lesson's source is broken.
    """
    if folder.exists() and not folder.is_dir():
        raise GradingError(f"--to {folder} is a file: name a folder for the notebooks.")
    contents = {folder / f"{path.stem}.ipynb": to_bytes(_notebook(path, course, withhold=withhold)) for path in lessons}
    same = [path for path, content in contents.items() if path.exists() and path.read_bytes() == content]
    others = [path for path in contents if path.exists() and path not in same]
    if others and not overwrite:
        names = ", ".join(path.name for path in others)
        raise GradingError(
            f"{folder} holds other versions of {names}, perhaps with somebody's work: name an empty folder, or give "
            "--overwrite to replace them."
        )
    new = [path for path in contents if path not in same]
    for path in new:
        write(path, contents[path])
    return new, same


def _notebook(path: Path, course: CourseSettings, *, withhold: bool) -> NotebookNode:
    student = prepare(path, course).student
    return withheld(student) if withhold else student


def withheld(student: NotebookNode) -> NotebookNode:
    """A student notebook whose boxes, prose and code offer neither hints nor worked answers.

    The badges go too, because they open the public notebook, which offers both.
    """
    notebook = copy.deepcopy(student)
    notebook.metadata.vae_course["withheld"] = True
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and "nbgrader" not in cell.metadata:
            cell.source = _without_help(cell.source)
        elif cell.cell_type == "code":
            cell.source = _IMPORT.sub(lambda match: f"{match[0]}\n\n{_WITHHOLD}", cell.source)
    if not any(_WITHHOLD in cell.source for cell in notebook.cells):
        _withhold_first(notebook)
    return notebook


def _without_help(text: str) -> str:
    for pattern, instead in ((_BADGE, ""), (_HELP_LINE, _NO_HELP), (_POINTER, _LATER), (_BULLET, "")):
        text = pattern.sub(instead, text)
    return text


def _withhold_first(notebook: NotebookNode) -> None:
    """In a lesson whose import looks otherwise, the first code cell keeps the help back."""
    first = next(cell for cell in notebook.cells if cell.cell_type == "code")
    first.source += f"\n\nfrom vae_course import exercises\n\n{_WITHHOLD}"
