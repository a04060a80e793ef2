"""nbgrader's formgrader in a real browser, on a gradebook that `vae-course grade` has made: a person gives points."""

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import expect

from tests.grading.test_gradebook import AUTOMATIC, CLASS, LESSON, book, enter, exported
from tests.support.browser import browser_page, jupyterlab

MATHJAX = "https://cdnjs.cloudflare.com/"


def test_a_written_answer_gets_points_by_hand_and_the_export_shows_them(
    tmp_path: Path, need: Callable[[str], str]
) -> None:
    chromium, course = need("chromium"), tmp_path / "nbgrader"
    enter(course, CLASS[:2])
    with book(course) as records:
        submission = records.find_submission_notebook(LESSON, LESSON, "ada").id
    with jupyterlab(course, tmp_path / "private") as lab, browser_page(chromium) as visit:
        page = visit.page
        page.goto(f"{lab.url}/lab?token={lab.token}", wait_until="commit")
        page.goto(f"{lab.url}/formgrader/gradebook/{LESSON}/{LESSON}")
        page.get_by_text("Submission #2").wait_for()
        page.goto(f"{lab.url}/formgrader/submissions/{submission}/")
        assert "The model alone decides." in page.inner_text("body")
        points = page.locator('[id="04-why-q"]')
        expect(points).to_contain_class("needs_manual_grade")  # until then nothing listens
        points.fill("1.5")
        with page.expect_response(lambda answer: "/formgrader/api/grade/" in answer.url and answer.ok):
            points.press("Tab")
        page.reload()
        expect(points).to_have_value("1.5")
        assert all(address.startswith(MATHJAX) for address in visit.outside)
    assert exported(course) == {"ada": AUTOMATIC + 1.5, "bob": AUTOMATIC - 2}
