"""Make the pictures of the README: `python docs/make_pictures.py`, with Chromium and the test packages installed.

`manifold.png` is drawn by the course's own plotting; `explorer.png` is a photograph of the explorer in JupyterLab.
"""

import sys
import tempfile
from pathlib import Path

import nbformat

REPOSITORY = Path(__file__).resolve().parents[1]
IMAGES = REPOSITORY / "docs" / "images"
sys.path.insert(0, str(REPOSITORY))

from tests.browser import browser_page, jupyterlab, open_notebook, run_all  # noqa: E402
from vae_course import doctor, plotting  # noqa: E402
from vae_course.pretrained import load_pretrained  # noqa: E402

KERNEL = {"name": "python3", "display_name": "Python 3 (ipykernel)"}
CODE = """
from vae_course import data
from vae_course.pretrained import load_pretrained
from vae_course.widgets import LatentExplorer

splits = data.load("auto")
explorer = LatentExplorer(load_pretrained(f"{splits.name}-2d"), splits.val[:1000])
explorer.encode(4)
explorer
"""


def photograph_explorer(chromium: str, target: Path) -> None:
    """Run a notebook with an explorer in a browser and keep what it looks like, one slider in focus."""
    with tempfile.TemporaryDirectory() as scratch:
        notebooks = Path(scratch) / "notebooks"
        notebooks.mkdir()
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CODE)], metadata={"kernelspec": KERNEL})
        nbformat.write(notebook, notebooks / "explorer.ipynb")
        with jupyterlab(notebooks, Path(scratch)) as lab, browser_page(chromium) as visit:
            open_notebook(visit.page, lab, "explorer.ipynb")
            run_all(visit.page)
            explorer = visit.page.locator(".vae-explorer")
            explorer.locator(".noUi-handle").first.focus()
            visit.page.wait_for_timeout(1000)
            explorer.screenshot(path=target)


def main() -> None:
    """Write both pictures."""
    chromium = doctor.find_chromium()
    if chromium is None:
        sys.exit("Chromium is not here; install it: apt-get install chromium")
    IMAGES.mkdir(parents=True, exist_ok=True)
    figure = plotting.manifold(load_pretrained("mnist-2d").decode_mean)
    (IMAGES / "manifold.png").write_bytes(figure.png())
    photograph_explorer(chromium, IMAGES / "explorer.png")
    print(f"Wrote manifold.png and explorer.png to {IMAGES.relative_to(REPOSITORY)}.")


if __name__ == "__main__":
    main()
