"""Access for everybody: text alternatives in the stored notebooks, and audits by axe-core of what learners open."""

import io
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import nbformat
import pytest
from PIL import Image

from tests.browser.test_browser_playgrounds import PLAYGROUNDS
from tests.support.axe import grave
from tests.support.browser import Visit, clean_page, jupyterlab, open_notebook, run_all, until
from tests.support.site import served
from vae_course.data import Images, pen
from vae_course.plotting import figure
from vae_course.pretrained import load_pretrained
from vae_course.tools.authoring.files import MARK, with_words
from vae_course.widgets import LatentPad
from vae_course.widgets.pictures import png

REPOSITORY = Path(__file__).resolve().parents[2]
FULL = sorted((REPOSITORY / "solutions").glob("[0-9][0-9]_*.ipynb"))
LESSON = "00_start_here.ipynb"
# What the lesson itself puts on the page: its prose, and what its cells show. All around is JupyterLab's own, which the
# course can't change: menus, tool bars, prompts, scroll bars, and the editors of the cells.
OWN = (".jp-RenderedMarkdown", ".jp-OutputArea-output")

# Each choice of a question is a stop of the Tab key, because ipywidgets gives radio buttons no common name.
USABLE = "button:not(:disabled), input:not(:disabled), select, .noUi-handle, .pad-plane, [contenteditable=true]"
# Names are written a moment after the last change.
NAMED = """() => [[".noUi-handle", "aria-label"], [".vae-widget img", "alt"], [".vae-choices", "aria-label"]].every(
    ([selector, name]) => [...document.querySelectorAll(selector)].every((e) => e.getAttribute(name)))"""
FOCUSED = "(widget, usable) => [...widget.querySelectorAll(usable)].indexOf(document.activeElement)"
LOOKS = """() => {
    const focused = document.activeElement;
    return [getComputedStyle(focused).outlineStyle, focused.outerHTML.slice(0, 200)];
}"""


# Stored notebooks ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", FULL, ids=lambda path: path.stem)
def test_every_picture_in_a_full_notebook_says_in_words_what_it_shows(path: Path) -> None:
    outputs = [cell.outputs for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    pictures = [(shown, i) for shown in outputs for i, one in enumerate(shown) if "image/png" in one.get("data", {})]
    assert pictures
    for shown, i in pictures:
        alt = shown[i].metadata.get("image/png", {}).get("alt", "")
        assert len(alt.split()) >= 5, f"{alt!r} is no description"
        assert shown[i].data["text/plain"] == alt, "a front end without pictures shows something else"
        assert shown[i + 1].metadata.get(MARK) and shown[i + 1].data["text/plain"] == alt


def test_words_are_put_beside_a_picture_once_and_only_where_there_are_some() -> None:
    told = nbformat.v4.new_output(
        "display_data", {"image/png": "x"}, metadata={"image/png": {"alt": "p < q, both sides"}}
    )
    others = [nbformat.v4.new_output("display_data", {"image/png": "x"}), nbformat.v4.new_output("stream", text="x")]
    once = with_words([told, *others])
    assert with_words(once) == once
    assert once[0] == told and once[2:] == others
    assert (
        once[1].data["text/plain"] == "p < q, both sides" and ">p &lt; q, both sides</p>" in once[1].data["text/html"]
    )


# Widgets -----------------------------------------------------------------------------------------------------


def test_the_fast_picture_of_a_widget_carries_its_text_alternative() -> None:
    drawing, _ = figure(alt="q and μ, side by side")
    with Image.open(io.BytesIO(png(drawing))) as image:
        assert image.text["Description"] == "q and μ, side by side"


@pytest.fixture(scope="module")
def browser(need: Callable[[str], str]) -> Iterator[Visit]:
    """The one browser of all tests here: Playwright runs only one at a time."""
    with clean_page(need("chromium")) as visit:
        yield visit


@pytest.fixture(scope="module")
def lesson(browser: Visit, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visit]:
    """Lesson 00, which has explorer, pad, quiz and figures, with each playground after its last cell; all cells run."""
    folder = tmp_path_factory.mktemp("access")
    (folder / "notebooks").mkdir()
    notebook = nbformat.read(REPOSITORY / "notebooks" / LESSON, as_version=4)
    for module, name in PLAYGROUNDS.values():
        code = f"from vae_course.widgets.{module} import {name}\n{name}()"
        notebook.cells.append(nbformat.v4.new_code_cell(code))
    nbformat.write(notebook, folder / "notebooks" / LESSON)
    with jupyterlab(folder / "notebooks", folder) as lab:
        open_notebook(browser.page, lab, LESSON)
        run_all(browser.page)
        browser.page.wait_for_function(NAMED)
        yield browser


def test_an_opened_lesson_with_every_widget_has_no_grave_finding(lesson: Visit) -> None:
    assert lesson.page.locator(".vae-widget").count() >= 4 + len(PLAYGROUNDS)
    assert grave(lesson.page, include=OWN) == []


def test_a_wrong_answer_in_the_quiz_is_readable_and_announced(lesson: Visit) -> None:
    quiz = lesson.page.locator(".vae-quiz")
    quiz.locator("input[type=radio]").first.focus()
    lesson.page.keyboard.press("Space")
    quiz.locator('[role="status"]').first.wait_for()
    assert grave(lesson.page, include=(".vae-quiz",)) == []


def test_every_slider_picture_and_question_has_a_name(lesson: Visit) -> None:
    for selector, attribute in (
        (".noUi-handle", "aria-label"),
        (".vae-widget img", "alt"),
        (".vae-choices", "aria-label"),
    ):
        names = [element.get_attribute(attribute) for element in lesson.page.locator(selector).all()]
        assert names and all(names), (selector, names)


def test_the_name_of_a_picture_follows_what_it_shows(lesson: Visit) -> None:
    playground = lesson.page.locator(".vae-kl-playground")
    picture, handle = playground.locator("img").first, playground.locator(".noUi-handle").first
    before = picture.get_attribute("alt")
    handle.focus()
    for _ in range(5):
        lesson.page.keyboard.press("ArrowRight")
    lesson.page.wait_for_function("([e, old]) => e.alt && e.alt !== old", arg=[picture.element_handle(), before])


def test_everything_in_a_widget_that_can_be_used_is_reached_by_tab_and_shows_the_focus(lesson: Visit) -> None:
    """From the first control of each widget on, Tab goes through all its buttons, sliders and fields, in their order."""
    missed, dim = [], []
    for widget in lesson.page.locator(".vae-widget").all():
        controls = [place for place, control in enumerate(widget.locator(USABLE).all()) if control.is_visible()]
        if not controls:
            continue
        widget.locator(USABLE).nth(controls[0]).focus()
        for expected in controls:
            if widget.evaluate(FOCUSED, USABLE) != expected:
                missed.append(widget.locator(USABLE).nth(expected).evaluate("e => e.outerHTML.slice(0, 200)"))
                widget.locator(USABLE).nth(expected).focus()
            outline, html = lesson.page.evaluate(LOOKS)
            dim += [html] if outline == "none" else []
            lesson.page.keyboard.press("Tab")
    assert missed == [], "Tab does not come here"
    assert dim == [], "the focus can't be seen"


# Pages without a kernel --------------------------------------------------------------------------------------


def test_an_exported_pad_has_no_grave_finding(browser: Visit, tmp_path: Path) -> None:
    x, y, _ = pen.draw(200, seed=0)
    LatentPad(load_pretrained("pen-2d"), Images(x, y)).to_html(tmp_path / "pad.html")
    with served(tmp_path) as address, closing(browser.another_page()) as page:
        page.goto(f"{address}/pad.html")
        page.get_by_role("application").wait_for()
        assert grave(page) == []


def test_the_audit_finds_a_picture_without_words_and_pale_text(browser: Visit, tmp_path: Path) -> None:
    html = (
        '<html lang="en"><title>t</title><main><h1>t</h1><img src="data:,"><p style="color:#bbb">pale</p></main></html>'
    )
    (tmp_path / "bad.html").write_text(html)
    with served(tmp_path) as address, closing(browser.another_page()) as page:
        page.goto(f"{address}/bad.html")
        assert sorted(line.partition(":")[0] for line in grave(page)) == ["color-contrast", "image-alt"]


def test_a_page_that_complains_or_asks_for_something_from_outside_is_found_out(browser: Visit, tmp_path: Path) -> None:
    html = """<script>console.error("ours"); fetch("https://outside.example/x").catch(() => 0);
        new WebSocket("wss://outside.example/y"); setTimeout(() => { throw Error("thrown"); });</script>"""
    (tmp_path / "bad.html").write_text(html)
    with served(tmp_path) as address, closing(browser.page.context.browser.new_page()) as page:
        visit = Visit(page)
        page.goto(f"{address}/bad.html")
        until(page, lambda: len(visit.outside) == 2 and {"ours", "thrown"} <= set(visit.errors), "complaints")
        assert sorted(visit.outside) == ["https://outside.example/x", "wss://outside.example/y"]
        assert {"ours", "thrown"} <= set(visit.errors)
        with pytest.raises(AssertionError, match="console"):
            visit.check()
