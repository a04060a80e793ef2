"""Quizzes: one right choice each, a reply for every choice, and the same by typing."""

import pytest

from vae_course import quizzes
from vae_course.quizzes import Choice, Question

LESSONS = quizzes.lessons()


@pytest.mark.parametrize("lesson", LESSONS)
def test_a_quiz_has_four_to_six_questions_and_every_reply_is_its_own(lesson):
    questions = quizzes.questions(lesson)
    replies = [choice.reply for question in questions for choice in question.choices]
    assert 4 <= len(questions) <= 6
    assert len(set(replies)) == len(replies) and all(len(reply) > 40 for reply in replies)


@pytest.mark.parametrize("lesson", LESSONS)
def test_the_right_choice_is_not_always_in_the_same_place(lesson):
    places = {[c.right for c in question.choices].index(True) for question in quizzes.questions(lesson)}
    assert len(places) > 1


def test_typing_an_answer_prints_its_reply(capsys):
    question = quizzes.questions("00")[0]
    for letter, choice in zip("abc", question.choices, strict=True):
        quizzes.answer("00", 1, letter.upper())
        out = capsys.readouterr().out
        assert choice.reply in out and out.startswith("Not quite") != choice.right


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: quizzes.show("99"), "no quiz for lesson '99'"),
        (lambda: quizzes.answer("00", 9, "a"), "questions 1 to 4"),
        (lambda: quizzes.answer("00", 1, "z"), "choices a to c"),
        (lambda: quizzes.answer("00", 1, ""), "choices a to c"),
        (lambda: Question("?", (Choice("a", "", True), Choice("b", "", True), Choice("c", ""))), "exactly one right"),
        (lambda: Question("?", (Choice("a", "", True), Choice("b", ""))), "three or more"),
    ],
)
def test_bad_input_is_named_in_one_sentence(call, said):
    with pytest.raises(ValueError, match=said):
        call()
