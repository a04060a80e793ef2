"""Lesson 00 in JupyterLab in a real browser: run all, then move the explorer by mouse and by keyboard."""

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Locator

from tests.support.browser import Visit, drag, key_press_delays, opened_lesson, pixels, until_changed, watch_delays
from vae_course import quizzes

LESSON = "00_start_here.ipynb"


@pytest.fixture(scope="module")
def visit(need: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visit]:
    """The lesson, opened from a copy, with every cell run."""
    with opened_lesson(need("chromium"), tmp_path_factory.mktemp("lab"), LESSON) as visit:
        yield visit


@pytest.fixture
def explorer(visit: Visit) -> Locator:
    """The lesson's explorer with images, at the centre of the prior."""
    explorer = visit.page.locator(".vae-explorer").last
    explorer.scroll_into_view_if_needed()
    explorer.get_by_role("button", name="Reset", exact=True).click()
    status(explorer, "The centre of the prior")
    return explorer


def decoded(explorer: Locator) -> Locator:
    return explorer.locator(".vae-card img").last


def status(explorer: Locator, words: str) -> str:
    """Wait until the explorer says something, and return all it says."""
    line = explorer.locator(".vae-status").filter(has_text=words)
    line.wait_for()
    return line.inner_text()


def test_the_explorer_is_live_and_named(visit: Visit, explorer: Locator) -> None:
    assert visit.page.locator(".vae-explorer").count() == 2
    assert explorer.locator(".noUi-handle").count() == 2
    assert explorer.get_by_text(re.compile(r"^z\[0\], ")).is_visible()


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
    explorer.get_by_role("button", name="Random", exact=True).click()
    after = until_changed(visit.page, decoded(explorer), before)
    status(explorer, "A draw from the prior")
    explorer.get_by_role("button", name="Reset", exact=True).click()
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
    explorer.get_by_text("Reconstruction", exact=True).wait_for()


def test_every_move_of_a_slider_is_followed_by_its_picture(visit: Visit, explorer: Locator) -> None:
    """One new picture a key press, none lost; how fast is for `python -m benchmarks.pad` to say."""
    watch_delays(explorer)
    for i, delay in enumerate(key_press_delays(visit, explorer, presses=10)):
        assert delay > 0, f"press {i} changed nothing"


def test_a_quiz_is_answered_by_keyboard_alone(visit: Visit) -> None:
    quiz = visit.page.locator(".vae-quiz")
    quiz.scroll_into_view_if_needed()
    right = [choice.right for choice in quizzes.questions(LESSON[:2])[0].choices].index(True)
    wrong = 0 if right else 1
    quiz.locator("input[type=radio]").nth(wrong).focus()
    visit.page.keyboard.press("Space")
    quiz.get_by_text("✗ Not quite.", exact=True).wait_for()
    for _ in range(abs(right - wrong)):
        visit.page.keyboard.press("Tab" if right > wrong else "Shift+Tab")
    visit.page.keyboard.press("Space")
    quiz.get_by_text("✓ Right.", exact=True).wait_for()
    quiz.get_by_text("1 of 4 answered right.", exact=True).wait_for()


# Each choice's lines of text, and where the next choice begins.
CHOICES = """() => [...document.querySelectorAll(".vae-choices .widget-radio-box")].flatMap((box) => {
    const labels = [...box.querySelectorAll("label")];
    return labels.map((label, i) => {
        const text = document.createRange();
        text.selectNodeContents(label);
        const { top, bottom } = text.getBoundingClientRect();
        return [top, bottom, labels[i + 1]?.getBoundingClientRect().top ?? box.getBoundingClientRect().bottom];
    });
})"""


def test_on_a_phone_no_choice_of_the_quiz_lies_over_the_next(visit: Visit) -> None:
    before = visit.page.viewport_size
    assert before is not None
    visit.page.set_viewport_size({"width": 390, "height": 844})
    try:
        visit.page.wait_for_function("() => document.querySelector('.vae-quiz').clientWidth < 390")
        choices = visit.page.evaluate(CHOICES)
    finally:
        visit.page.set_viewport_size(before)
    assert any(bottom - top > 30 for top, bottom, _ in choices), "no choice is long enough to wrap"
    assert [choice for choice in choices if choice[1] > choice[2] + 1] == []


def test_every_figure_has_a_text_alternative(visit: Visit) -> None:
    figures = visit.page.locator(".jp-OutputArea-output img:not(.vae-explorer img)")
    described = [image.get_attribute("alt") for image in figures.all()]
    assert len(described) >= 3
    assert all(described)


def test_pictures_are_softened_on_a_dark_page_and_only_there(visit: Visit) -> None:
    for light, seen in (("false", "brightness(0.87)"), ("true", "none")):
        visit.page.evaluate(f"() => document.body.dataset.jpThemeLight = '{light}'")
        for picture in ("img.vae-figure", ".vae-widget img"):
            assert visit.page.locator(picture).first.evaluate("e => getComputedStyle(e).filter") == seen


def test_nothing_goes_wrong_and_nothing_is_fetched_from_outside(visit: Visit, explorer: Locator) -> None:
    assert explorer.locator("[role=alert]").count() == 0
    visit.check()
