"""Lesson 00 in JupyterLab in a real browser: run all, then move the explorer by mouse and by keyboard."""

import math
import os
import shutil
import statistics
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator

from tests.browser import Visit, browser_page, drag, jupyterlab, open_notebook, pixels, run_all, until_changed

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"
LESSON = "00_start_here.ipynb"

# From a key press to the frame that shows the new picture, in milliseconds.
WATCH = """explorer => {
    const image = explorer.querySelector(".vae-card:last-child img");
    window.delays = [];
    let pressed = 0;
    explorer.addEventListener("keydown", () => { pressed = performance.now(); }, true);
    new MutationObserver(async () => {
        const since = pressed;
        if (!since) return;
        pressed = 0;
        await image.decode().catch(() => null);
        requestAnimationFrame(() => window.delays.push(performance.now() - since));
    }).observe(image, {attributes: true, attributeFilter: ["src"]});
}"""


@pytest.fixture(scope="module")
def visit(need: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visit]:
    """The lesson, opened from a copy of the notebooks, with every cell run."""
    chromium = need("chromium")
    folder = tmp_path_factory.mktemp("lab")
    shutil.copytree(NOTEBOOKS, folder / "notebooks")
    with jupyterlab(folder / "notebooks", folder) as lab, browser_page(chromium) as visit:
        open_notebook(visit.page, lab, LESSON)
        run_all(visit.page)
        yield visit


@pytest.fixture
def explorer(visit: Visit) -> Locator:
    """The lesson's explorer with images, at the centre of the prior."""
    explorer = visit.page.locator(".vae-explorer").last
    explorer.scroll_into_view_if_needed()
    explorer.get_by_role("button", name="Reset").click()
    status(explorer, "The centre of the prior")
    return explorer


def decoded(explorer: Locator) -> Locator:
    return explorer.locator(".vae-card img").last


def status(explorer: Locator, words: str) -> str:
    """Wait until the explorer says something, and return all it says."""
    line = explorer.locator(".vae-status").filter(has_text=words)
    line.wait_for(timeout=10_000)
    return line.inner_text()


def test_the_explorer_is_live_and_named(visit: Visit, explorer: Locator) -> None:
    assert visit.page.locator(".vae-explorer").count() == 2
    assert explorer.locator(".noUi-handle").count() == 2
    assert explorer.get_by_text("z[0]").is_visible()


def test_dragging_a_slider_with_the_mouse_changes_the_picture(visit: Visit, explorer: Locator) -> None:
    before = pixels(decoded(explorer))
    drag(visit.page, explorer.locator(".noUi-handle").first, 70)
    until_changed(visit.page, decoded(explorer), before)
    assert "(0.00, 0.00)" not in status(explorer, "Decoded from")


def test_arrow_keys_on_a_focused_slider_change_the_picture(visit: Visit, explorer: Locator) -> None:
    before = pixels(decoded(explorer))
    explorer.locator(".noUi-handle").first.focus()
    for _ in range(5):
        visit.page.keyboard.press("ArrowRight")
    until_changed(visit.page, decoded(explorer), before)
    assert "0.25" in status(explorer, "0.25")
    outline = explorer.locator(".noUi-handle").first.evaluate("e => getComputedStyle(e).outlineStyle")
    assert outline == "solid", "the focus can't be seen"


def test_reset_brings_the_first_picture_back(visit: Visit, explorer: Locator) -> None:
    before = pixels(decoded(explorer))
    explorer.get_by_role("button", name="Random").click()
    after = until_changed(visit.page, decoded(explorer), before)
    status(explorer, "A draw from the prior")
    explorer.get_by_role("button", name="Reset").click()
    assert until_changed(visit.page, decoded(explorer), after) == before


def test_a_digit_is_encoded_by_keyboard_alone(visit: Visit, explorer: Locator) -> None:
    before = pixels(decoded(explorer))
    original = pixels(explorer.locator(".vae-card img").first)
    explorer.get_by_role("spinbutton").focus()
    visit.page.keyboard.press("Control+A")
    visit.page.keyboard.type("5")
    visit.page.keyboard.press("Tab")
    visit.page.keyboard.press("Space")
    until_changed(visit.page, decoded(explorer), before)
    assert pixels(explorer.locator(".vae-card img").first) != original
    status(explorer, "The posterior mean of image 5, a ")
    assert explorer.get_by_text("Reconstruction").is_visible()


def test_the_picture_follows_a_slider_within_60_ms(visit: Visit, explorer: Locator) -> None:
    """The median through the kernel, in the best of three rounds; more, where processes queue for the cores."""
    allowed = 60 * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
    explorer.evaluate(WATCH)
    explorer.locator(".noUi-handle").first.focus()
    medians = []
    while len(medians) < 3 and min(medians, default=math.inf) > allowed:
        visit.page.evaluate("window.delays.length = 0")
        for i in range(20):
            visit.page.keyboard.press("ArrowRight" if i % 10 < 5 else "ArrowLeft")
            visit.page.wait_for_timeout(150)
        delays = visit.page.evaluate("window.delays")
        assert len(delays) >= 15, "moves were lost"
        medians.append(statistics.median(delays))
    assert min(medians) <= allowed, f"medians of {medians} ms, {allowed:.0f} allowed"


def test_every_figure_has_a_text_alternative(visit: Visit) -> None:
    figures = visit.page.locator(".jp-OutputArea-output img:not(.vae-explorer img)")
    described = [image.get_attribute("alt") for image in figures.all()]
    assert len(described) >= 3
    assert all(described)


def test_nothing_goes_wrong_and_nothing_is_fetched_from_outside(visit: Visit, explorer: Locator) -> None:
    assert explorer.locator("[role=alert]").count() == 0
    assert visit.errors == []
    assert visit.outside == []
