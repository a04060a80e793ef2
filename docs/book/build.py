"""From the full notebooks to the site: prepare pages for Sphinx in a folder beside the site, then run Sphinx on them."""

import re
import shutil
from importlib import metadata
from pathlib import Path

from docs.book import lessons, pads
from vae_course import notation
from vae_course.tools.authoring import settings

HERE = Path(__file__).parent
README_LINK = re.compile(r"\]\(notebooks/(\w+)\.ipynb\)")
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
    """Write everything that Sphinx reads: a page for each full notebook, the landing page, figures, pads and MathJax."""
    static = source / "_static"
    shutil.copytree(HERE / "static", static)
    notebooks = sorted((root / "solutions").glob("[0-9][0-9]_*.ipynb"))
    pads_needed: set[str] = set()
    for notebook in notebooks:
        pads_needed |= lessons.prepare(notebook, source)
    for name in sorted(pads_needed):
        pads.write(static / "pads" / f"{name}.html", name)
    shutil.copy(mathjax(), static / "mathjax.js")
    address = settings.read(root).repository
    readme = (root / "README.md").read_text(encoding="utf-8")
    pages = {"index": landing(readme, [notebook.stem for notebook in notebooks]), "notation": symbols()}
    for name, text in pages.items():
        (source / f"{name}.md").write_text(text.replace("%%REPOSITORY%%", address), encoding="utf-8")


def landing(readme: str, names: list[str]) -> str:
    """The landing page: its own words, the README's table of lessons, and the order of the pages.

    Raises:
        ValueError: the README has no table of lessons.
    """
    lines = readme.splitlines()
    heads = [i for i, line in enumerate(lines) if line.startswith("| lesson |")]
    if not heads:
        raise ValueError("README.md has no table that begins with `| lesson |`: the book's landing page shows it.")
    table = []
    for line in lines[heads[0] :]:
        if not line.startswith("|"):
            break
        table.append(README_LINK.sub(r"](\1.ipynb)", line))
    text = (HERE / "index.md").read_text(encoding="utf-8")
    return text.replace("%%LESSONS%%", "\n".join(table)).replace("%%PAGES%%", "\n".join([*names, "notation"]))


def symbols() -> str:
    """The page of symbols, from the package's own list."""
    return f"# Notation\n\nOne name for one thing, the same in formulas, code and prose.\n\n{notation.markdown()}\n"


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
