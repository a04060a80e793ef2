"""The text alternative of a stored picture, as an output of its own beside it.

JupyterLab 4.6 shows a stored `image/png` without any `alt`, whatever its metadata say, so a screen reader would say only
"image". The words follow it as a paragraph that takes no room on the page; where styles are stripped, it can be read.
"""

import html
from collections.abc import Sequence

from nbformat import NotebookNode
from nbformat.v4 import new_output

MARK = "words_of_picture"
# Each of these properties passes JupyterLab's sanitizer, also in a notebook that is not trusted.
HIDDEN = "position: absolute; width: 1px; height: 1px; margin: 0; overflow: hidden; white-space: nowrap"


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
