"""Make the frames that the book shows in lesson 10: `python docs/make_frames.py`, with MNIST where the course finds it.

The lesson itself trains the models, a minute on two cores: its cells are run up to the playground, so that the pictures are
of the very models that its text speaks of; where a number is not the one that it states, the cell fails.
"""

import os
import shutil
import sys
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]
LESSON = REPOSITORY / "solutions" / "10_rate_distortion_collapse.py"
sys.path.insert(0, str(REPOSITORY))

from docs.book import frames  # noqa: E402
from vae_course.tools.authoring import source  # noqa: E402
from vae_course.widgets.beta_playground import BetaPlayground  # noqa: E402


def until(name: str) -> dict[str, Any]:
    """The names that the lesson's cells leave behind, up to the cell that uses this one.

    Raises:
        ValueError: no cell uses it.
    """
    found: dict[str, Any] = {"__name__": "__main__"}
    for cell in source.read(LESSON).cells:
        if cell.kind == "code" and cell.role == "plain":
            if name in cell.text:
                return found
            exec(compile(cell.text, str(LESSON), "exec"), found)
    raise ValueError(f"No cell of {LESSON.name} uses {name}: name another lesson.")


def main() -> None:
    """Write the frames of the beta playground."""
    os.environ |= {"VAE_COURSE_STRICT": "1", "VAE_COURSE_WORLD": "mnist"}
    lesson = until(BetaPlayground.__name__)
    playground = BetaPlayground(lesson["models"], lesson["val"])
    target = frames.KEPT_AT / BetaPlayground.__name__
    shutil.rmtree(target, ignore_errors=True)
    frames.draw(playground, {"beta": list(playground.results)}, target).write(target)
    print(f"Wrote {len(playground.results)} frames to {target.relative_to(REPOSITORY)}.")


if __name__ == "__main__":
    main()
