"""Notebooks as files: always the same bytes for the same notebook."""

import copy
import hashlib
import html
import json
from collections.abc import Sequence
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_output

# JupyterLab 4.6 shows a stored `image/png` without any `alt`, whatever its metadata say, so a screen reader would say only
# "image". The words of a picture follow it as a paragraph of their own, which takes no room on the page; where styles are
# stripped, it can be read. Each of these properties passes JupyterLab's sanitizer, also in a notebook that is not trusted.
HIDDEN = "position: absolute; width: 1px; height: 1px; margin: 0; overflow: hidden; white-space: nowrap"
MARK = "words_of_picture"


def to_bytes(notebook: NotebookNode) -> bytes:
    """The notebook as UTF-8 JSON: sorted keys, indent 1, text as lists of lines, one newline at the end."""
    nbformat.validate(notebook)
    return (nbformat.writes(notebook).rstrip("\n") + "\n").encode()


def load(path: Path) -> NotebookNode | None:
    """The notebook in a file, or None where there is no file or no version 4 notebook in it."""
    if not path.is_file():
        return None
    try:
        notebook = nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)
        nbformat.validate(notebook)
    except (ValueError, KeyError, AttributeError, TypeError, nbformat.ValidationError):
        return None
    return notebook


def code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    """The notebook's code cells."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def with_outputs(notebook: NotebookNode, done: NotebookNode) -> NotebookNode:
    """A copy of `notebook` with the outputs of `done`, which has the same code cells, their words, and their hash."""
    result = copy.deepcopy(notebook)
    for cell, ran in zip(code_cells(result), code_cells(done), strict=True):
        cell.outputs, cell.execution_count = with_words(copy.deepcopy(ran.outputs)), ran.execution_count
    result.metadata.vae_course["outputs_hash"] = outputs_hash(result)
    return result


def with_words(outputs: Sequence[NotebookNode]) -> list[NotebookNode]:
    """The outputs with the text alternative of each picture after it, once; the same again changes nothing."""
    result: list[NotebookNode] = []
    for output in outputs:
        if output.get("metadata", {}).get(MARK):
            continue
        result.append(output)
        alt = output.get("metadata", {}).get("image/png", {}).get("alt")
        if alt and "image/png" in output.get("data", {}):
            data = {"text/html": f'<p style="{HIDDEN}">{html.escape(alt)}</p>', "text/plain": alt}
            result.append(new_output("display_data", data, metadata={MARK: True}))
    return result


def without_outputs(notebook: NotebookNode) -> NotebookNode:
    """A copy of `notebook` as it was before it was executed."""
    result = copy.deepcopy(notebook)
    stamps(result).pop("outputs_hash", None)
    for cell in code_cells(result):
        cell.outputs, cell.execution_count = [], None
    return result


def outputs_hash(notebook: NotebookNode) -> str:
    """Changes with any output or execution count."""
    outputs = [[cell.execution_count, cell.outputs] for cell in code_cells(notebook)]
    return hashlib.sha256(json.dumps(outputs, sort_keys=True).encode()).hexdigest()


def stamps(notebook: NotebookNode | None) -> dict[str, str]:
    """What the builder noted in a notebook; empty where it made none."""
    found = notebook.metadata.get("vae_course") if notebook is not None else None
    return found if isinstance(found, dict) else {}
