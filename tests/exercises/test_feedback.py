"""What a notebook shows of a check: the verdict first, in words, and help behind folds that need no kernel."""

import re
from html.parser import HTMLParser

import pytest

from vae_course import exercises
from vae_course.exercises import get, notebook, record

KL = get("07-kl")


def right(mu, logvar):
    return 0.5 * (logvar.exp() + mu**2 - 1 - logvar).sum(-1)


def negative(mu, logvar):
    return -right(mu, logvar)


def stub(mu, logvar):
    raise NotImplementedError


class Page(HTMLParser):
    """The words of a piece of HTML, those that stand open and those behind a fold, and how deep each fold lies."""

    def __init__(self, html):
        super().__init__()
        self.open, self.folded, self.depths, self.tags, self._stack = "", "", {}, [], []
        self.feed(html)
        assert self._stack == [], "a tag is left open"

    def handle_starttag(self, tag, attributes):
        self._stack.append(tag)
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self._stack.pop() == tag

    def handle_data(self, data):
        depth = self._stack.count("details")
        if "summary" in self._stack:
            self.depths[data] = depth
        elif depth:
            self.folded += data
        else:
            self.open += data


@pytest.fixture
def learner(monkeypatch, tmp_path):
    """Neither a test nor a build, with a record of its own."""
    monkeypatch.setattr(record, "keeps", lambda: True)
    monkeypatch.setattr(record, "path", lambda: tmp_path / "progress.json")


def page(shown):
    return Page(shown[-1]["text/html"])


@pytest.mark.parametrize(
    ("answer", "verdict", "plain"),
    [
        (right, "✓ Passed 07-kl, 3 points", "07-kl: passed (3 points)"),
        (negative, "✗ Not yet 07-kl", "07-kl: not yet: Your KL is negative"),
        (stub, "○ Not tried yet 07-kl", "07-kl: not tried yet - Replace"),
        (KL.reference, "○ Not yours 07-kl", "07-kl: this is the course's own answer"),
    ],
)
def test_the_verdict_comes_first_in_bold_and_in_words_with_plain_text_beside_it(shown, capsys, answer, verdict, plain):
    exercises.check("07-kl", answer)
    (bundle,) = shown
    assert set(bundle) == {"text/html", "text/plain"} and bundle["text/plain"].startswith(plain)
    assert page(shown).open.startswith(verdict)
    tags = page(shown).tags
    assert tags[0][1]["role"] == "status" and [tag for tag, _ in tags[1:4]] == ["p", "b", "span"]
    assert tags[3][1] == {"aria-hidden": "true"}, "a screen reader reads the word, not the sign"
    assert capsys.readouterr() == ("", "")


def test_no_two_verdicts_share_their_sign_and_their_bar(shown):
    for answer in (right, negative, stub):
        exercises.check("07-kl", answer)
    bars = [re.search(r"solid (#\w+)", bundle["text/html"])[1] for bundle in shown]
    signs = [Page(bundle["text/html"]).open[0] for bundle in shown]
    assert len(set(bars)) == len(set(signs)) == 3


def test_the_diagnosis_is_prose_with_its_code_marked_and_nothing_of_it_is_read_as_html(shown):
    def answer(mu, logvar):
        raise ValueError("<b>a & b</b>")

    exercises.check("07-kl", answer)
    assert "<code>raise ValueError(&quot;&lt;b&gt;a &amp; b&lt;/b&gt;&quot;)</code>" in shown[-1]["text/html"]
    assert "<b>a & b</b>" in page(shown).open and "<b>a" not in shown[-1]["text/html"]
    assert "The lesson goes on with the course's own gaussian_kl" in page(shown).open


@pytest.mark.parametrize("answer", [negative, stub])
def test_each_hint_is_behind_the_one_before_it_and_the_worked_answer_behind_the_last(shown, answer):
    exercises.check("07-kl", answer)
    assert page(shown).depths == {
        "Hint 1 of 3": 1,
        "Hint 2 of 3": 2,
        "Hint 3 of 3": 3,
        "The worked answer, and why it is right": 4,
    }
    assert KL.solution.strip() in page(shown).folded and KL.solution.strip() not in page(shown).open
    exercises.hint("07-kl", 2)
    assert page(shown).open.startswith("○ Hint 2 of 3 07-kl")
    assert list(page(shown).depths) == ["Hint 3 of 3", "The worked answer, and why it is right"]


def test_a_learner_who_passed_may_compare_and_a_page_that_is_built_does_not_repeat_the_answer(shown, learner):
    exercises.check("07-kl", right)
    assert list(page(shown).depths) == ["The worked answer, and why it is right"]


def test_while_a_notebook_is_built_a_passed_check_shows_no_fold(shown):
    exercises.check("07-kl", right)
    assert page(shown).depths == {}


def test_what_earns_the_points_of_an_answer_in_words_is_behind_its_last_hint(shown):
    exercises.hint("07-published", 3)
    criteria = get("07-published").rubric
    assert list(page(shown).depths) == ["A good answer, and what earns the points"]
    assert all(c.text.replace("`", "") in page(shown).folded for c in criteria)


@pytest.mark.parametrize("withheld", [True, False])
def test_a_copy_for_a_class_shows_a_diagnosis_and_no_help(shown, learner, capsys, monkeypatch, withheld):
    monkeypatch.setattr(notebook, "_withheld", withheld)
    for answer in (negative, stub, right):
        exercises.check("07-kl", answer)
        assert (page(shown).depths == {}) == withheld
    exercises.hint("07-kl")
    assert ("kept back" in capsys.readouterr().out) == withheld


def test_while_grading_a_right_answer_shows_no_help(shown, learner, monkeypatch):
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    exercises.check("07-kl", right)
    assert page(shown).open.startswith("✓ Passed") and page(shown).depths == {}


def test_every_hint_and_every_worked_answer_is_shown_as_it_stands(shown):
    """No backtick is left over, and nothing is lost to HTML."""
    for exercise in exercises.all_exercises():
        exercises.hint(exercise.id)
        words = page(shown).open + page(shown).folded
        for text in (*exercise.hints, exercise.explanation if exercise.kind == "code" else exercise.solution):
            assert [part for part in text.strip().split("\n\n") if part.replace("`", "") not in words] == []
