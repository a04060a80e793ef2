"""Lesson 00 in the other places where learners open it: JupyterLab with all around it, and Notebook 7."""

import importlib
import pkgutil
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator

import vae_course.widgets
from tests.support.browser import Visit, drag, opened_lesson, pixels, until_changed
from tests.support.browser_pad import drag_pad, watch_pad
from vae_course.widgets.playground import Playground
from vae_course.widgets.shell import Shell

TESTS = Path(__file__).resolve().parent
LESSON = "00_start_here.ipynb"


@pytest.fixture(scope="module", params=[("jupyterlab", "lab/tree"), ("notebook", "notebooks")], ids=lambda p: p[0])
def visit(
    request: pytest.FixtureRequest, need: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Visit]:
    """The lesson, opened from a copy, with every cell run."""
    chromium, (app, view) = need("chromium"), request.param
    with opened_lesson(chromium, tmp_path_factory.mktemp(app), LESSON, app=app, view=view, width=1500) as visit:
        yield visit


@pytest.fixture
def explorer(visit: Visit) -> Locator:
    explorer = visit.page.locator(".vae-explorer").last
    explorer.scroll_into_view_if_needed()
    return explorer


def test_dragging_a_slider_with_the_mouse_changes_the_picture(visit: Visit, explorer: Locator) -> None:
    picture = explorer.locator(".vae-card img").last
    before = pixels(picture)
    drag(visit.page, explorer.locator(".noUi-handle").first, 70)
    until_changed(visit.page, picture, before)


def test_an_arrow_key_moves_a_focused_slider_and_not_the_notebook(visit: Visit, explorer: Locator) -> None:
    picture, handle = explorer.locator(".vae-card img").last, explorer.locator(".noUi-handle").first
    visit.page.wait_for_function("e => e.ariaLabel", arg=handle.element_handle())
    before = pixels(picture)
    handle.focus()
    visit.page.keyboard.press("ArrowRight")
    until_changed(visit.page, picture, before)
    assert handle.evaluate("e => e === document.activeElement"), "the focus went elsewhere"


def test_the_pad_decodes_while_it_is_dragged(visit: Visit) -> None:
    pad = visit.page.locator(".vae-pad").first
    pad.scroll_into_view_if_needed()
    watch_pad(pad)
    drag_pad(visit.page, pad, (0.4, 0.4), (0.7, 0.6))
    assert pad.evaluate("root => root.pictures.length") >= 10


def test_nothing_goes_wrong_and_nothing_is_fetched_from_outside(visit: Visit) -> None:
    assert visit.page.locator("[role=alert]:visible").count() == 0
    visit.check()


def test_every_widget_is_moved_in_a_browser() -> None:
    """A new widget without a browser test of its own fails here."""
    for module in pkgutil.walk_packages(vae_course.widgets.__path__, "vae_course.widgets."):
        importlib.import_module(module.name)
    tests = "".join(
        path.read_text(encoding="utf-8") for path in TESTS.glob("test_browser*.py") if path != Path(__file__)
    )
    for widget in {*Shell.__subclasses__(), *Playground.__subclasses__()} - {Playground}:
        (name,) = re.findall(
            r'name="(vae-[a-z-]+)"', Path(str(importlib.import_module(widget.__module__).__file__)).read_text()
        )
        assert re.search(rf"""["'.]{name.removesuffix("-shell")}["']""", tests), f"no browser test names {name}"
