"""A table of text in a notebook."""

from collections.abc import Sequence


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table.

    Raises:
        ValueError: a row has another number of cells than the head.
    """
    for row in rows:
        if len(row) != len(head):
            raise ValueError(f"A row has {len(row)} cells for {len(head)} columns: {row[0]!r}.")
    return "\n".join(_line(cells) for cells in (head, ["---"] * len(head), *rows))


def display_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Show a Markdown table in a notebook."""
    from IPython.display import Markdown, display

    display(Markdown(markdown(head, rows)))


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
