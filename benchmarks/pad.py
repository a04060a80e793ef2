"""From a move of the hand to the new picture, in JupyterLab in Chromium: on the latent pad, and through the kernel."""

import statistics
import tempfile
from pathlib import Path

from benchmarks.table import Row, show
from tests.support import programs

NOTEBOOK = """
from vae_course import data
from vae_course.pretrained import load_pretrained
from vae_course.widgets import LatentExplorer, LatentPad

model = load_pretrained("pen-2d")
display(LatentPad(model, data.load("pen").val), LatentExplorer(model))
"""
KERNEL = {"name": "python3", "display_name": "Python 3 (ipykernel)"}
ROWS = (("pointer to new picture, latent pad", 16), ("slider to new picture, through the kernel", 60))


def measure(quick: bool = False) -> list[Row]:
    """Both in turns on one page; no rows where there is no Chromium."""
    chromium = programs.find_chromium()
    if chromium is None:
        print("The latent pad is not measured: Chromium is not here; install it: apt-get install chromium")
        return []
    pad, kernel, moving = measured(chromium, rounds=1 if quick else 5, moves=4 if quick else 20)
    ratio = statistics.median(kernel) / statistics.median(pad)
    ratios = (f"{ratio:.1f} times faster", f"{ratio:.1f} times as long")
    besides = (f"through the kernel {in_ms(kernel)}", f"on the pad {in_ms(pad)}")
    return [
        *(
            Row(what, in_ms(values), beside, told, f"{goal} ms", statistics.median(values) <= goal)
            for (what, goal), values, beside, told in zip(ROWS, (pad, kernel), besides, ratios, strict=True)
        ),
        frame_rate(moving),
    ]


def frame_rate(noted: list[tuple[float, float]]) -> Row:
    """Frames with a new picture a second, and how much of each frame is work."""
    rate = 1000 / statistics.median(since for since, _ in noted)
    slowest = statistics.quantiles((work for _, work in noted), n=20)[-1]
    return Row(
        "frames a second while the code moves, latent pad",
        f"{rate:.0f}, each with a new picture",
        f"work in a frame, 95 of 100: at most {slowest:.1f} ms",
        f"{slowest / (1000 / 60):.2f} of a sixtieth of a second",
        "60",
        round(rate) >= 60,
    )


def measured(chromium: str, *, rounds: int, moves: int) -> tuple[list[float], list[float], list[tuple[float, float]]]:
    """Milliseconds of each new picture, on the pad and through the kernel, and the frames of the pad in motion."""
    import nbformat

    from tests.support.browser import browser_page, jupyterlab, key_press_delays, open_notebook, run_all, watch_delays
    from tests.support.browser_pad import drag_delays, frames

    pad_ms: list[float] = []
    kernel_ms: list[float] = []
    moving: list[tuple[float, float]] = []
    with tempfile.TemporaryDirectory() as scratch:
        notebooks = Path(scratch) / "notebooks"
        notebooks.mkdir()
        cells = [nbformat.v4.new_code_cell(NOTEBOOK)]
        notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": KERNEL})
        nbformat.write(notebook, notebooks / "pad.ipynb")
        with jupyterlab(notebooks, Path(scratch)) as lab, browser_page(chromium, height=1400) as visit:
            open_notebook(visit.page, lab, "pad.ipynb")
            run_all(visit.page)
            pad, explorer = visit.page.locator(".vae-pad"), visit.page.locator(".vae-explorer")
            explorer.locator(".noUi-handle").first.wait_for()
            watch_delays(explorer)
            for _ in range(rounds):
                pad_ms += drag_delays(visit.page, pad, turns=moves // 2)
                kernel_ms += key_press_delays(visit, explorer, presses=moves)
                moving += frames(pad, moves=10 * moves)
    return pad_ms, kernel_ms, moving


def in_ms(values: list[float]) -> str:
    return f"{statistics.median(values):.1f} ms"


if __name__ == "__main__":
    show(measure, __doc__)
