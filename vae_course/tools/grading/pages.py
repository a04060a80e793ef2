"""The frame of every page that grading writes: complete in itself, without scripts, and deaf to text from submissions."""

import html
from collections.abc import Iterable, Sequence
from pathlib import Path

# Nothing may load or run: should text from a submission ever get past the escaping, it still does nothing.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"

_STYLE = Path(__file__).with_name("page.css")


def page(title: str, body: str) -> str:
    """A whole HTML page around a body that is HTML already."""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{text(title)}</title>\n<style>{_STYLE.read_text(encoding='utf-8')}</style>\n</head>\n<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )


def text(value: object) -> str:
    """Any value as text that HTML shows and never interprets."""
    return html.escape(str(value), quote=True)


def code(source: str) -> str:
    """Source text as it was handed in, shown and nothing else."""
    return f"<pre><code>{text(source)}</code></pre>"


def table(caption: str, head: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: Sequence[int] = ()) -> str:
    """A table with a caption and headed rows and columns; the cells are HTML already, the caption and the heads are text.

    Args:
        caption: what the table says.
        head: the heads of the columns.
        rows: a cell for each column; the first is the head of its row.
        numbers: the columns, from 0, that hold numbers.
    """
    kinds = [' class="n"' if i in numbers else "" for i in range(len(head))]
    heads = "".join(f'<th scope="col"{kind}>{text(name)}</th>' for name, kind in zip(head, kinds, strict=True))
    lines = []
    for first, *others in rows:
        cells = "".join(f"<td{kind}>{cell}</td>" for cell, kind in zip(others, kinds[1:], strict=True))
        lines.append(f'<tr><th scope="row">{first}</th>{cells}</tr>')
    body = "\n".join(lines)
    return (
        f'<div class="wide"><table>\n<caption>{text(caption)}</caption>\n<thead><tr>{heads}</tr></thead>\n'
        f"<tbody>\n{body}\n</tbody></table></div>"
    )


def bar(share: float) -> str:
    """A bar for a share from 0 to 1; its number stands beside it in the table, so that readers aloud leave it out."""
    return f'<span class="bar" aria-hidden="true"><span style="width:{100 * share:.0f}%"></span></span>'


def histogram(counts: Sequence[int], labels: Sequence[str], *, title: str) -> str:
    """Bars for a few classes as a picture with a text alternative that holds every number."""
    width, height, top, foot = 46, 120, 18, 18
    highest = max([*counts, 1])
    told = "; ".join(f"{label}: {count}" for label, count in zip(labels, counts, strict=True))
    parts = [
        f'<svg role="img" viewBox="0 0 {width * len(counts)} {height + top + foot}" width="{width * len(counts)}" '
        f'height="{height + top + foot}">',
        f"<title>{text(title)}</title><desc>{text(told)}</desc>",
    ]
    for i, (count, label) in enumerate(zip(counts, labels, strict=True)):
        tall, middle = height * count / highest, width * i + width / 2
        parts.append(
            f'<rect x="{width * i + 3}" y="{top + height - tall:.1f}" width="{width - 6}" height="{tall:.1f}"/>'
        )
        if count:
            parts.append(f'<text x="{middle}" y="{top + height - tall - 4:.1f}" text-anchor="middle">{count}</text>')
        parts.append(f'<text x="{middle}" y="{height + top + 14}" text-anchor="middle">{text(label)}</text>')
    parts.append(
        f'<line x1="0" x2="{width * len(counts)}" y1="{top + height}" y2="{top + height}" stroke="currentColor"/>'
    )
    return "\n".join([*parts, "</svg>"])
