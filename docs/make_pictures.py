"""Make the pictures of the README: `python docs/make_pictures.py`, with Chromium and the test packages installed.

`manifold.png`, which also stands for a link to the book, is drawn by the course's own plotting; `pad.webp` is a film of the
latent pad on a page of its own, and `feedback.png` a photograph of what a student gets back.
"""

import io
import math
import sys
import tempfile
from pathlib import Path

from PIL import Image

REPOSITORY = Path(__file__).resolve().parents[1]
IMAGES = REPOSITORY / "docs" / "images"
sys.path.insert(0, str(REPOSITORY))

from tests.support.browser import clean_page  # noqa: E402
from tests.support.fixtures import classroom  # noqa: E402
from tests.support.programs import find_chromium  # noqa: E402
from vae_course import data, plotting  # noqa: E402
from vae_course.pretrained import load_pretrained  # noqa: E402
from vae_course.tools.grading.mark import grade_submission  # noqa: E402
from vae_course.tools.grading.report import pages  # noqa: E402
from vae_course.widgets import LatentPad  # noqa: E402

FRAMES, MILLISECONDS = 60, 80  # of the film, and for each of its pictures


def film(chromium: str, target: Path) -> None:
    """The pad while the pointer goes round in the plane once, on a path that ends where it began."""
    with tempfile.TemporaryDirectory() as scratch, clean_page(chromium, width=720, height=760) as visit:
        page = Path(scratch) / "pad.html"
        LatentPad(load_pretrained("mnist-2d"), data.load("mnist", limit=2000).val).to_html(page)
        visit.page.goto(page.as_uri())
        box = visit.page.get_by_role("application").bounding_box()
        assert box is not None
        pictures = []
        for i in range(FRAMES):
            turn = 2 * math.pi * i / FRAMES
            x = box["x"] + box["width"] * (0.52 + 0.27 * math.cos(turn))
            y = box["y"] + box["height"] * (0.48 + 0.27 * math.sin(2 * turn))
            visit.page.mouse.move(x, y)
            if i == 0:
                visit.page.mouse.down()
            visit.page.wait_for_timeout(50)
            shot = visit.page.locator(".vae-pad").screenshot()
            pictures.append(Image.open(io.BytesIO(shot)).convert("RGB"))
    first, *others = pictures
    first.save(target, save_all=True, append_images=others, duration=MILLISECONDS, loop=0, quality=70, method=6)


def feedback(chromium: str, target: Path) -> None:
    """What a student gets back whose bound is right and whose sign is not: graded as a class is, in the sandbox."""
    wrong = classroom.answer("04-elbo", "return log_px_z.mean(0) + kl")
    answers = {"04-gap": classroom.solution("04-gap"), "04-elbo": wrong, "04-sign": classroom.solution("04-sign")}
    graded = grade_submission(classroom.elbo("somebody", answers, {}).submission, seed=1)
    with tempfile.TemporaryDirectory() as scratch, clean_page(chromium, width=760, height=860) as visit:
        page = Path(scratch) / "feedback.html"
        page.write_text(pages.feedback_page("Ada", [graded]), encoding="utf-8")
        visit.page.goto(page.as_uri())
        visit.page.screenshot(path=target)


def main() -> None:
    """Write the pictures."""
    chromium = find_chromium()
    if chromium is None:
        sys.exit("Chromium is not here; install it: apt-get install chromium")
    IMAGES.mkdir(parents=True, exist_ok=True)
    figure = plotting.manifold(load_pretrained("mnist-2d").decode_mean)
    (IMAGES / "manifold.png").write_bytes(figure.png())
    film(chromium, IMAGES / "pad.webp")
    feedback(chromium, IMAGES / "feedback.png")
    print(f"Wrote manifold.png, pad.webp and feedback.png to {IMAGES.relative_to(REPOSITORY)}.")


if __name__ == "__main__":
    main()
