"""A full notebook as a page: figures as files with their text alternatives, answers folded, widgets as what works unaided."""

import ast
import base64
import html
import importlib
import pkgutil
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from docs.book import frames, quiz
from vae_course import widgets
from vae_course.tools.authoring.files import MARK
from vae_course.tools.authoring.settings import CourseSettings
from vae_course.widgets.shell import Shell

PAD = "mnist-2d"  # the pretrained model whose pad stands in a lesson that shows one
COLUMNS = 88  # of code, which fit a page
BADGE = re.compile(r"\[!\[(Open in \w+)\]\([^)]*\)\]\(([^)]*)\)\s*")
MARKER = re.compile(r"^\s*### (?:BEGIN|END) SOLUTION\n?", re.MULTILINE)
# What is said before the picture that stands in for a playground in a notebook.
INSTEAD = re.compile(r"^If nothing moves here[,:] (\w)", re.MULTILINE)
WRITTEN = re.compile(r"<!-- ### BEGIN SOLUTION -->\n(.*?)\n<!-- ### END SOLUTION -->", re.DOTALL)
STILL = """<p class="book-note">A still picture of a widget. To move it, open the lesson in Colab or Binder by the links
at the top.</p>"""
CLAIMS = "<details><summary>The numbers of this cell, beside those of the text</summary>{table}</details>"
PAD_FRAME = """<iframe class="book-pad" src="_static/pads/{name}.html" title="The latent pad, alive in this page"></iframe>
<p class="book-note">This pad decodes in your browser: drag in the plane, or focus it and press the arrow keys.
<a href="_static/pads/{name}.html">Open it on a page of its own.</a></p>"""


@dataclass
class LessonPage:
    """What a lesson's page needs: the names of pads; and the address of its first figure, which stands for it elsewhere."""

    pads: set[str] = field(default_factory=set)
    figure: str = ""


def prepare(source: Path, folder: Path, places: CourseSettings) -> LessonPage:
    """Write a full notebook as Sphinx reads it into a folder, its figures beside it, and return what its page needs.

    Raises:
        ValueError: a figure has no text alternative.
    """
    notebook, page = nbformat.read(source, as_version=4), LessonPage()
    for number, cell in enumerate(notebook.cells):
        if cell.cell_type == "markdown":
            cell.source = _prose(cell.source, _about(source.stem, places))
        elif cell.cell_type == "code":
            _outputs(cell, folder, f"{source.stem}-{number}", page)
            _fold(cell)
            cell.source = MARKER.sub("", cell.source)
    _narrow([cell for cell in notebook.cells if cell.cell_type == "code"])
    nbformat.write(notebook, folder / source.name)
    return page


def _about(lesson: str, places: CourseSettings) -> dict[str, str]:
    """Where a lesson's page can be changed, and where a mistake in it is reported."""
    return {
        "Edit this page": f"{places.repository}/edit/{places.branch}/solutions/{lesson}.py",
        "Report a mistake": f"{places.repository}/issues/new?title=Lesson%20{lesson[:2]}:%20",
    }


def _narrow(cells: list[NotebookNode]) -> None:
    """Give the code of cells, where it is plain Python with longer lines, lines that fit a page."""
    wide = {f"{i}.py": cell for i, cell in enumerate(cells) if max(map(len, cell.source.split("\n"))) > COLUMNS}
    with tempfile.TemporaryDirectory() as folder:
        for name, cell in wide.items():
            Path(folder, name).write_text(cell.source, encoding="utf-8")
        command = [
            sys.executable,
            "-m",
            "ruff",
            "format",
            "--isolated",
            "--quiet",
            "--line-length",
            str(COLUMNS),
            folder,
        ]
        subprocess.run(command, capture_output=True, check=False)  # what is no plain Python it leaves as it is
        for name, cell in wide.items():
            cell.source = Path(folder, name).read_text(encoding="utf-8").rstrip("\n")


def _prose(text: str, about: dict[str, str]) -> str:
    """Links for badges, which are pictures from elsewhere, an answer in words behind its summary, and no word of a kernel."""
    text = INSTEAD.sub(lambda m: m[1].upper(), text)
    badges = BADGE.findall(text)
    if badges:
        shown = [*badges, *about.items()]
        links = [f'<a class="book-launch" href="{html.escape(url)}">{name}</a>' for name, url in shown]
        text = BADGE.sub("", text).replace("\n", f'\n\n<p class="book-launches">{" ".join(links)}</p>\n\n', 1)
    folded = r'<details class="book-answer"><summary>Show an answer</summary>' + "\n\n\\1\n\n</details>"
    return WRITTEN.sub(folded, text)


def _fold(cell: NotebookNode) -> None:
    """Put an exercise's answer, and the cell that installs the course, behind a line that opens them."""
    answer = bool(cell.metadata.get("nbgrader", {}).get("solution"))
    install = cell.id.endswith("_install")
    if not (answer or install):
        return
    what = "the answer" if answer else "the cell that finds the course's package"
    cell.metadata.tags = [*cell.metadata.get("tags", []), "hide-input"]
    cell.metadata.mystnb = {"code_prompt_show": f"Show {what}", "code_prompt_hide": f"Hide {what}"}


def _outputs(cell: NotebookNode, folder: Path, name: str, page: LessonPage) -> None:
    """Change a cell's outputs into what a page shows."""
    called = _called(cell.source)
    # The words beside a picture stand in its `alt` here.
    cell.outputs = [output for output in cell.outputs if not output.get("metadata", {}).get(MARK)]
    for number, output in enumerate(cell.outputs):
        data = output.get("data", {})
        if "image/png" in data:
            address = f"_static/figures/{name}-{number}.png"
            shown = _figure(output, folder / address, address)
            alive = next((kind for kind in (*frames.ALIVE, *frames.KEPT) if kind.__name__ in called), None)
            if output.output_type == "display_data" and "LatentPad" in called:
                page.pads.add(PAD)
                shown = PAD_FRAME.format(name=PAD)
            elif output.output_type == "display_data" and alive:
                shown = frames.write(folder / "_static", alive)
            elif output.output_type == "display_data" and called & _shells():
                shown += STILL
            else:
                page.figure = page.figure or address
            output.data = NotebookNode({"text/html": shown})
        elif 'class="vae-claims"' in data.get("text/html", ""):
            output.data = NotebookNode({"text/html": CLAIMS.format(table=data["text/html"])})
        elif "show" in called and (choices := quiz.as_html(cell.source)):
            output.data = NotebookNode({"text/html": choices})


def _figure(output: NotebookNode, target: Path, address: str) -> str:
    """Write an output's picture as a file, and return the HTML that shows it at its address."""
    about: dict[str, Any] = output.metadata.get("image/png", {})
    if not about.get("alt"):
        raise ValueError(
            f"The figure {target.name} has no text alternative: build the lesson again with `vae-course build`."
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(base64.b64decode(output.data["image/png"]))
    size = f'width="{about["width"]}" height="{about["height"]}"'
    alt = html.escape(about["alt"], quote=True)
    return f'<img class="book-figure" src="{address}" alt="{alt}" {size}>'


def _called(source: str) -> set[str]:
    """The names of all functions and classes that a cell calls; cells with IPython's magic call nothing of interest."""
    try:
        calls = [node.func for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    except SyntaxError:
        return set()
    return {ast.unparse(call).rpartition(".")[2] for call in calls}


@cache
def _shells() -> set[str]:
    """The class names of all widgets of the course."""
    modules = [importlib.import_module(m.name) for m in pkgutil.walk_packages(widgets.__path__, "vae_course.widgets.")]
    members = [value for module in modules for value in vars(module).values()]
    return {value.__name__ for value in members if isinstance(value, type) and issubclass(value, Shell)}
