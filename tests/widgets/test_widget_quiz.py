"""The quiz as a widget: every choice gets its own reply, and the score counts."""

import pytest

from vae_course import quizzes
from vae_course.widgets.quiz import QuizView


@pytest.fixture
def view():
    return quizzes.show("00")


def test_every_choice_shows_its_own_reply(view):
    for question, buttons, reply in zip(quizzes.questions("00"), view.buttons, view.replies, strict=True):
        for i, choice in enumerate(question.choices):
            buttons.value = i
            assert ("Right." in reply.value) == choice.right
            assert choice.reply.removeprefix("Yes. ")[:30].replace("'", "&#x27;") in reply.value


def test_nothing_is_picked_at_first_and_the_score_counts_right_answers_once(view):
    assert [buttons.value for buttons in view.buttons] == [None] * 4
    assert view.score.value == "0 of 4 answered right."
    right = [[c.right for c in q.choices].index(True) for q in quizzes.questions("00")]
    view.buttons[0].value = right[0]
    view.buttons[1].value = right[1]
    assert view.score.value == "2 of 4 answered right."
    view.buttons[0].value = (right[0] + 1) % 3
    assert view.score.value == "1 of 4 answered right."


def test_text_is_shown_as_text():
    view = QuizView([("Is a < b?", [("<b>yes</b>", "No <i>way</i>.", False), ("no", "Yes. True.", True)])])
    view.buttons[0].value = 0
    assert "&lt;i&gt;" in view.replies[0].value
    assert "Is a &lt; b?" in "".join(getattr(child, "value", None) or "" for child in view.children)


def test_code_is_marked_up_but_for_the_choices_which_are_plain_text():
    view = QuizView([("What is `x`?", [("`x.y`", "No, `x`.", False), ("z", "Yes.", True)])])
    view.buttons[0].value = 0
    assert view.buttons[0].options[0][0] == "a) x.y"
    assert "<code>x</code>" in view.replies[0].value


def test_without_widgets_the_questions_are_plain_text(view):
    bundle, _ = view.stand_in()
    for number, question in enumerate(quizzes.questions("00"), 1):
        assert f"{number}. {question.prompt}" in bundle["text/plain"]
        assert all(choice.text in bundle["text/plain"] for choice in question.choices)
        assert not any(choice.reply in bundle["text/plain"] for choice in question.choices)
