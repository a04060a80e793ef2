"""What people read: table, report and feedback pages, in which nothing that a student wrote does anything."""

import csv
import io
import itertools
import json
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from tests.support.browser import browser_page
from vae_course import exercises
from vae_course.exercises.outcomes import run_answer
from vae_course.tools.grading import Graded, Mark
from vae_course.tools.grading.mark import mark_attempts
from vae_course.tools.grading.read import Attempt, attempts_in, lessons, notebook
from vae_course.tools.grading.report import grades_csv, without_formula
from vae_course.tools.grading.report.pages import feedback_page, report_page, share
from vae_course.tools.grading.sandbox import Run

EVIL = '</pre><script>document.title = "taken"</script><img src=x onerror="alert(1)">'
KL_ADDED = Mark(
    "04-elbo", "failed", 0, 2, "You add the KL: subtract it.", "KL added", answer="def elbo(a, b): return a"
)
WRITTEN = Mark("04-why-q", "written", 0, 2, "A person reads this answer.", answer="Because.")
GAP = Mark("04-gap", "passed", 2, 2, "Right.", answer="def gap(a, b, c): return a")
CLASS = [
    Graded("ada", "04_the_elbo", "ada.ipynb", (GAP, KL_ADDED, WRITTEN)),
    Graded("bob", "04_the_elbo", "bob.ipynb", (GAP, KL_ADDED, WRITTEN)),
    Graded("cy", "04_the_elbo", "cy.ipynb", (GAP, Mark("04-elbo", "passed", 2, 2, "Right."), WRITTEN)),
    Graded("ada", "00_start_here", "x", (Mark("00-codes", "missing", 0, 2, ""),), problem="The file is empty."),
    Graded(
        EVIL,
        "04_the_elbo",
        EVIL,
        (
            Mark("04-gap", "stopped", 0, 2, EVIL, answer=EVIL, doubts=(f"It reaches for {EVIL}",)),
            Mark("04-elbo", "failed", 0, 2, EVIL, EVIL, answer=EVIL),
            Mark("04-why-q", "written", 0, 2, EVIL, answer=EVIL),
        ),
        doubts=(EVIL,),
    ),
]


class Elements(HTMLParser):
    """Notes every element, its attributes and the text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(page)
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if not self.tags or self.tags[-1][0] != "style":
            self.words.append(data)

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_the_table_has_a_row_for_each_student_and_lesson_and_a_column_for_each_exercise() -> None:
    table = rows(grades_csv(CLASS))
    assert [(row["student"], row["lesson"]) for row in table[1:]] == [
        ("ada", "00_start_here"),
        ("ada", "04_the_elbo"),
        ("bob", "04_the_elbo"),
        ("cy", "04_the_elbo"),
    ]
    cy = table[-1]
    assert (cy["04-gap"], cy["04-elbo"], cy["04-why-q"], cy["00-codes"]) == ("2", "2", "", "")
    assert (cy["points"], cy["max_points"], cy["to_mark"], cy["look_at"]) == ("4", "6", "2", "")
    assert table[1]["look_at"] == "The file is empty."
    assert list(cy).index("00-codes") < list(cy).index("04-gap")


@pytest.mark.parametrize("text", ['=HYPERLINK("http://x")', "+1+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "  =1", "＝1"])
def test_no_cell_of_the_table_is_a_formula(text: str) -> None:
    row = Graded(text, "04_the_elbo", text, (Mark("04-elbo", "failed", 0, 2, "", doubts=(text,)),), text, (text,))
    cells = rows(grades_csv([row]))[0]
    assert all(not value.lstrip().startswith(tuple("=+-@\t\r＝")) for value in cells.values())
    assert cells["student"] == "'" + text.replace("\t", " ").replace("\r", " ")


@pytest.mark.parametrize("text", ["alice;=HYPERLINK(1)", "a;=cmd|' /C calc'!A0/04.ipynb", ";=1", "a; b"])
def test_a_spreadsheet_that_splits_at_semicolons_finds_no_cell_of_a_students(text: str) -> None:
    row = Graded(text, "04_the_elbo", text, (Mark("04-elbo", "failed", 0, 2, "", doubts=(text, text)),), text, (text,))
    table = grades_csv([row])
    assert ";" not in table
    assert rows(table)[0]["student"].removeprefix("'") == text.replace(";", ",")
    assert rows(table)[0]["look_at"].count(" / ") == 3


@pytest.mark.parametrize("text", ["ada", "-1", "3", "0.5", "a=b", "o'neil", ""])
def test_ordinary_cells_stay_as_they_are(text: str) -> None:
    assert without_formula(text) == text


def test_the_report_tells_how_the_class_did_and_what_is_left_to_do() -> None:
    page = report_page(
        CLASS, problems=["notes.ipynb was left out."], links={"bob": "feedback/bob.html"}, note="No sandbox."
    )
    seen = Elements(page)
    assert "4 students, 5 submissions. 2 submissions to look at , 4 written answers to mark." in seen.text
    assert "No sandbox." in seen.text
    assert "KL added 04-elbo 2 You add the KL: subtract it." in seen.text
    assert "notes.ipynb was left out." in seen.text
    assert "04-gap The gap from draws 75 % 3" in seen.text
    assert "04-why-q What q can and can't change 4" in seen.text, "a written answer has no share of right ones"
    assert {"href": "feedback/bob.html"} in seen.named("a")
    assert share(CLASS[0]) == 0.5, "the written answer does not count yet"
    assert "mean 50 %, median 50 %" in seen.text


def test_an_empty_list_is_said_and_a_clean_class_has_nothing_to_look_at() -> None:
    seen = Elements(report_page(CLASS[2:3]))
    assert "Nothing, besides the written answers." in seen.text
    assert "None was recognised." in seen.text
    assert "Every file was understood." in seen.text


def test_feedback_shows_marks_messages_and_the_students_own_words_but_no_suspicion() -> None:
    suspect = Graded("ada", "04_the_elbo", "ada.ipynb", (GAP, KL_ADDED), doubts=("It may be copied.",))
    doubtful = Graded(
        "ada", "05_x", "b", (Mark("04-elbo", "failed", 0, 2, "Not so.", doubts=("Reads the reference.",)),)
    )
    seen = Elements(feedback_page("ada", [suspect, doubtful, CLASS[3]]))
    assert "2 of 4 points so far" in seen.text
    assert "You add the KL: subtract it." in seen.text
    assert KL_ADDED.answer in seen.text
    assert "The file is empty." in seen.text
    assert seen.text.count("A person will look at this before the mark is final.") == 3
    assert "copied" not in seen.text
    assert "reference" not in seen.text
    assert exercises.get("04-elbo").solution.splitlines()[1].strip() not in seen.text


def test_feedback_says_once_and_plainly_that_a_person_decides() -> None:
    """Neither right nor wrong, no accusation: what a student with an odd but right answer reads."""
    lesson = lessons.load("04_the_elbo")
    odd = "import os\ndef elbo(log_px_z, kl):\n    return log_px_z.mean(0) - kl * len(os.sep)"
    course = "def elbo(log_px_z, kl):\n    from vae_course.objectives import elbo\n    return elbo(log_px_z, kl)"
    exercise = next(e for e in lesson.exercises if e.id == "04-elbo")
    for source, twice in ((odd, ""), (course, "vae_course.objectives.elbo")):
        book = {"cells": [{"cell_type": "code", "source": source}]}
        found = attempts_in(notebook.read(json.dumps(book).encode()), lesson)["04-elbo"]
        (mark,) = mark_attempts([exercise], {exercise.id: found}, InThisProcess(), 7)  # type: ignore[arg-type]
        seen = Elements(feedback_page("ada", [Graded("ada", lesson.name, "ada.ipynb", (mark,))])).text
        said = seen.partition("Your answer:")[0].casefold()
        assert mark.doubts and mark.points == 0
        assert said.count("a person will look at this answer before it gets points.") == said.count("person") == 1
        assert not [word for word in ("not right", "wrong", "more than", "reach", "values") if word in said]
        assert "not decided yet. 2 points." in said
        assert twice in said, "where there is something to do, it is said"


class InThisProcess:
    """Runs answers of the tests, which do no harm, without a sandbox."""

    def run(self, exercise: exercises.Exercise, attempt: Attempt, seed: int) -> Run:
        assert attempt.program
        names: dict[str, Any] = {}
        for statement in attempt.program.statements:
            exec(statement.text, names)
        return Run(tuple(run_answer(exercise, names[attempt.name], exercise.cases(seed))))


@pytest.mark.parametrize(("lesson", "heading"), [("04_the_elbo", "04 The ELBO"), ("04_my_own", "04 my own"), ("", "")])
def test_a_lesson_is_called_what_the_course_calls_it(lesson: str, heading: str) -> None:
    assert f"<h2>{heading}</h2>" in feedback_page("ada", [Graded("ada", lesson, "a.ipynb", (GAP,))])


@pytest.mark.parametrize(
    "page", [report_page(CLASS, problems=[EVIL], links={EVIL: EVIL}), feedback_page(EVIL, CLASS[-1:])]
)
def test_pages_load_nothing_run_nothing_and_can_be_read_aloud(page: str) -> None:
    seen = Elements(page)
    assert EVIL in "".join(seen.words)
    tags = {name for name, _ in seen.tags}
    assert not tags & {"script", "img", "link", "iframe", "object", "form", "input"}
    assert not [attributes for _, attributes in seen.tags if any(name.startswith("on") for name in attributes)]
    assert "default-src 'none'" in str(seen.named("meta")[1]["content"])
    assert seen.named("html") == [{"lang": "en"}]
    assert len(seen.named("h1")) == 1
    assert len(seen.named("caption")) == len(seen.named("table"))
    assert all("scope" in head for head in seen.named("th"))
    assert all(picture.get("role") == "img" for picture in seen.named("svg"))
    assert len(seen.named("desc")) == len(seen.named("svg"))
    levels = [int(name[1]) for name, _ in seen.tags if name in ("h1", "h2", "h3", "h4")]
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))


def test_in_a_browser_the_pages_stay_alone_and_what_students_wrote_stays_text(
    tmp_path: Path, need: Callable[[str], str]
) -> None:
    pages = {"report": report_page(CLASS, problems=[EVIL]), "feedback": feedback_page(EVIL, CLASS[-1:])}
    with browser_page(need("chromium"), width=400) as visit:
        for name, page in pages.items():
            visit.page.set_content(page)
            assert visit.page.title() != "taken"
            assert visit.page.evaluate("document.documentElement.scrollWidth <= 400"), f"{name} fits a phone"
            assert EVIL in visit.page.inner_text("main")
            assert visit.page.evaluate("getComputedStyle(document.querySelector('h1')).fontSize") != "32px", "styled"
        assert visit.outside == []
        assert visit.errors == []
