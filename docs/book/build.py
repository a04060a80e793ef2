"""From the full notebooks to the site: prepare pages for Sphinx in a folder beside the site, then run Sphinx on them."""

import re
import shutil
from importlib import metadata
from pathlib import Path

from docs.book import landing, lessons, pads
from vae_course.tools.authoring import settings, stamp, tables
from vae_course.tools.authoring.settings import CourseSettings

HERE = Path(__file__).parent
# Pages of the repository's documentation that the book has too.
DOCUMENTS = ("notation", "glossary", "performance")
MARKERS = re.compile(r"<!-- \w+:(?:start|end) -->\n?")
# How these pages link to a full notebook; in the book it lies beside them.
TO_LESSON = "](../solutions/"
# MathJax as one file that draws formulas as SVG: no fonts to load, and nothing that a page opened from disk could miss.
MATHJAX = ("sphinx-mathjax-offline", "static/mathjax/tex-svg.js")


def build(root: Path, to: Path) -> int:
    """Write the site of the checkout at `root` into a folder, which is emptied first; Sphinx's exit status.

    Any warning of Sphinx's is an error. What Sphinx needs is prepared in a folder beside it, `<name>-source`.
    """
    from sphinx.cmd.build import build_main

    source = to.with_name(f"{to.name}-source")
    for folder in (to, source):
        shutil.rmtree(folder, ignore_errors=True)
    prepare(root, source)
    options = ["--fail-on-warning", "--keep-going", "--quiet", "--jobs", "2", "--conf-dir", str(HERE)]
    return build_main([*options, "--doctree-dir", str(source / ".doctrees"), str(source), str(to)])


def prepare(root: Path, source: Path) -> None:
    """Write everything that Sphinx reads: a page for each full notebook, the landing page, figures, pads, frames and MathJax."""
    static = source / "_static"
    shutil.copytree(HERE / "static", static)
    places = settings.read(root)
    notebooks = sorted((root / "solutions").glob("[0-9][0-9]_*.ipynb"))
    pages = {notebook.stem: lessons.prepare(notebook, source, places) for notebook in notebooks}
    for name in sorted({pad for page in pages.values() for pad in page.pads} | {lessons.PAD}):
        pads.write(static / "pads" / f"{name}.html", name)
    shutil.copy(mathjax(), static / "mathjax.js")
    shutil.copy(root / "docs" / "images" / "manifold.png", static / "social.png")
    for name in DOCUMENTS:
        text = (root / "docs" / f"{name}.md").read_text(encoding="utf-8")
        (source / f"{name}.md").write_text(MARKERS.sub("", text).replace(TO_LESSON, "]("), encoding="utf-8")
    thumbnails = {name: page.figure for name, page in pages.items() if page.figure}
    text = first_page(places, thumbnails, [*pages, *DOCUMENTS])
    (source / "index.md").write_text(text, encoding="utf-8")


def first_page(places: CourseSettings, thumbnails: dict[str, str], names: list[str]) -> str:
    """The landing page: the pad, the lessons as cards, the map, and the order of all pages.

    Raises:
        ValueError: the README has no table of lessons.
    """
    rows = landing.lessons((places.root / "README.md").read_text(encoding="utf-8"), places.solutions)
    rows = [row for row in rows if row.page in names]
    parts = {
        "COUNTS": tables.numbers(),
        "COLAB": stamp.in_colab(places, f"notebooks/{rows[0].page}.ipynb"),
        "REPOSITORY": places.repository,
        "PAD": lessons.PAD,
        "CARDS": landing.cards(rows, thumbnails),
        "MAP": landing.map_of(rows),
        "PAGES": "\n".join(names),
    }
    text = (HERE / "index.md").read_text(encoding="utf-8")
    for name, part in parts.items():
        text = text.replace(f"%%{name}%%", part)
    return text


def mathjax() -> Path:
    """Where the installed MathJax is.

    Raises:
        FileNotFoundError: the package that ships it has changed its layout.
    """
    package, name = MATHJAX
    for file in metadata.files(package) or []:
        if file.as_posix().endswith(name):
            return Path(str(file.locate()))
    raise FileNotFoundError(f"The installed {package} has no {name}: install the version in constraints.txt.")
