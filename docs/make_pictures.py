"""Make the pictures of the README: `python docs/make_pictures.py`, with Chromium and the test packages installed.

`manifold.png` is drawn by the course's own plotting; `explorer.png` and `pad.png` are photographs of widgets in
JupyterLab, in use.
"""

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Locator

REPOSITORY = Path(__file__).resolve().parents[1]
IMAGES = REPOSITORY / "docs" / "images"
sys.path.insert(0, str(REPOSITORY))

from tests.support.browser import opened  # noqa: E402
from tests.support.programs import find_chromium  # noqa: E402
from vae_course import plotting  # noqa: E402
from vae_course.pretrained import load_pretrained  # noqa: E402

START = """
from vae_course import data
from vae_course.pretrained import load_pretrained
from vae_course.widgets import LatentExplorer, LatentPad

splits = data.load("auto")
model, images = load_pretrained(f"{splits.name}-2d"), splits.val[:1000]
"""
EXPLORER = """
explorer = LatentExplorer(model, images)
explorer.encode(4)
explorer
"""
PAD = "LatentPad(model, images)"


def use_explorer(explorer: "Locator") -> None:
    """Focus one slider."""
    explorer.locator(".noUi-handle").first.focus()


def use_pad(pad: "Locator") -> None:
    """Walk a little by the arrow keys, to where the zeros are."""
    pad.locator("canvas").first.focus()
    for key in ["ArrowRight"] * 5 + ["ArrowDown"] * 42:
        pad.page.keyboard.press(key)


def photograph(chromium: str, code: str, widget: str, use: Callable[["Locator"], None], target: Path) -> None:
    """Run a notebook with a widget in a browser, use it, and keep what it looks like then."""
    with tempfile.TemporaryDirectory() as scratch, opened(chromium, Path(scratch), [START + code]) as visit:
        found = visit.page.locator(widget)
        use(found)
        visit.page.wait_for_timeout(1000)
        found.screenshot(path=target)


def main() -> None:
    """Write the pictures."""
    chromium = find_chromium()
    if chromium is None:
        sys.exit("Chromium is not here; install it: apt-get install chromium")
    IMAGES.mkdir(parents=True, exist_ok=True)
    figure = plotting.manifold(load_pretrained("mnist-2d").decode_mean)
    (IMAGES / "manifold.png").write_bytes(figure.png())
    photograph(chromium, EXPLORER, ".vae-explorer", use_explorer, IMAGES / "explorer.png")
    photograph(chromium, PAD, ".vae-pad", use_pad, IMAGES / "pad.png")
    print(f"Wrote manifold.png, explorer.png and pad.png to {IMAGES.relative_to(REPOSITORY)}.")


if __name__ == "__main__":
    main()
