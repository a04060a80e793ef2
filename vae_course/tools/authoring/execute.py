"""Run a full notebook and keep outputs that are the same each time and on each machine."""

import copy
import os
import re
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from .errors import AuthoringError

CELL_TIMEOUT = 1800  # seconds

Where = Callable[[int, int], str]
"""From a cell's index and a line in it (0: the whole cell) to words that name its place in the source."""

_ADDRESS = re.compile(r"\bat 0x[0-9a-fA-F]{6,}")
_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_FRAME = re.compile(r"Cell In ?\[(\d+)\], line (\d+)")
# A live widget's view is a random number that means nothing once its kernel is gone.
_LIVE_ONLY = ("application/vnd.jupyter.widget-view+json", "application/vnd.jupyter.widget-state+json")
# Settings of a person or of a test run that would change what a notebook shows.
_UNWANTED = ("MPLBACKEND", "NBGRADER_EXECUTION", "NBGRADER_VALIDATING", "PYTHONWARNINGS", "PYTHONSTARTUP")


def execute(
    notebook: NotebookNode,
    *,
    folder: Path,
    where: Where,
    world: str = "mnist",
    before: Callable[[NotebookNode], None] = lambda cell: None,
    go_on: bool = False,
) -> NotebookNode:
    """A copy of the notebook, run in `folder` on one world of data; raises AuthoringError at an exception or a bad
    output. `before` is called with each cell that is about to run. With `go_on`, a cell that fails keeps its error among
    its outputs, the next ones run, and no output is refused.
    """
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    done = copy.deepcopy(notebook)
    started = [0]

    def begin(cell: NotebookNode, cell_index: int) -> None:
        started.append(cell_index)
        before(cell)

    with tempfile.TemporaryDirectory() as profile:
        client = NotebookClient(
            done,
            kernel_name="python3",
            extra_arguments=["--log-level=40"],
            timeout=CELL_TIMEOUT,
            allow_errors=go_on,
            store_widget_state=False,
            record_timing=False,
            resources={"metadata": {"path": str(folder)}},
            on_cell_start=begin,
        )
        try:
            client.execute(env=_environment(profile) | {"VAE_COURSE_WORLD": world})
        except CellExecutionError as error:
            raise AuthoringError(_explain(done, started[-1], error, where)) from None
        except CellTimeoutError:
            raise AuthoringError(f"{where(started[-1], 0)} took over {CELL_TIMEOUT} s and was stopped.") from None
        except DeadKernelError:
            raise AuthoringError(f"{where(started[-1], 0)} killed its kernel (out of memory, perhaps).") from None
    names = _folder_names(folder.parent)
    for index, cell in enumerate(done.cells):
        if cell.cell_type == "code":
            cell.outputs = _tidy(cell.outputs, names=names)
            if not go_on:
                _refuse(cell.outputs, place=where(index, 0))
    return done


def _environment(profile: str) -> dict[str, str]:
    wanted = {
        "VAE_COURSE_PROGRESS": "0",
        "VAE_COURSE_STRICT": "1",
        "PYTHONHASHSEED": "0",
        "IPYTHONDIR": profile,
        "COLUMNS": "100",
        "PYTHONUTF8": "1",
    }
    return {name: value for name, value in os.environ.items() if name not in _UNWANTED} | wanted


def _explain(notebook: NotebookNode, index: int, error: Any, where: Where) -> str:
    """One sentence with the deepest line of the lesson that the traceback names, and then the traceback."""
    shown = [line for output in notebook.cells[index].outputs for line in output.get("traceback", [])]
    traceback = _ANSI.sub("", "\n".join(shown))
    by_count = {cell.get("execution_count"): at for at, cell in enumerate(notebook.cells)}
    line = 0
    for count, number in _FRAME.findall(traceback):
        if int(count) in by_count:
            index, line = by_count[int(count)], int(number)
    return f"{where(index, line)} raised {error.ename}: {error.evalue}\n{traceback}"


def _tidy(outputs: list[NotebookNode], *, names: dict[str, str]) -> list[NotebookNode]:
    """Outputs that make sense elsewhere: no live widgets, no folders of this machine, a stream in one piece."""
    kept: list[NotebookNode] = []
    for output in outputs:
        data = output.get("data", {})
        live = [kind for kind in _LIVE_ONLY if data.pop(kind, None) is not None]
        if "image/png" in data:
            # The same picture again, as HTML: it would double the file, and some pages show no pictures inside HTML.
            data.pop("text/html", None)
        if live and not data:
            continue
        if kept and output.output_type == "stream" and kept[-1].get("name") == output.name:
            kept[-1].text += output.text
        else:
            kept.append(output)
    for output in kept:
        holder, keys = _texts(output)
        for key in keys:
            holder[key] = _neutral(holder[key], names)
    return kept


def _refuse(outputs: list[NotebookNode], *, place: str) -> None:
    """Raise where an output is a warning, or would differ from run to run."""
    for output in outputs:
        holder, keys = _texts(output)
        text = "\n".join(holder[key] for key in keys)
        start = _ANSI.sub("", text).strip()[:300]
        if output.get("name") == "stderr":
            raise AuthoringError(f"{place} wrote to stderr, which nbgrader grades as wrong: {start}")
        if _ADDRESS.search(text):
            raise AuthoringError(f"{place} shows a memory address, which changes with every run: {start}")


def _texts(output: NotebookNode) -> tuple[dict[str, str], list[str]]:
    """What holds the texts of an output, and under which keys."""
    if output.output_type == "stream":
        return output, ["text"]
    data = output.get("data", {})
    return data, [kind for kind, value in data.items() if isinstance(value, str) and "text/" in kind]


def _folder_names(root: Path) -> dict[str, str]:
    """This machine's folders and what the notebooks call them, the longest path first."""
    data, cache = os.environ.get("VAE_COURSE_DATA", ""), os.environ.get("VAE_COURSE_CACHE", "")
    folders = {tempfile.gettempdir(): "tmp", str(Path.home()): "~", sys.prefix: ".venv"}
    folders |= {str(root): "vae-course", data: "data", cache: "cache"}
    known = {path: name for path, name in folders.items() if len(Path(path).parts) > 1}
    return dict(sorted(known.items(), key=lambda item: -len(item[0])))


def _neutral(text: str, names: dict[str, str]) -> str:
    for path, name in names.items():
        text = re.sub(rf"(?<![\w./~-]){re.escape(path)}(?![\w-])", name, text)
    return text
