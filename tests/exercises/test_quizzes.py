"""Quizzes: one right choice each, a reply for every choice, and the same by typing."""

import re

import pytest

from vae_course import quizzes
from vae_course.quizzes import Choice, Question

LESSONS = quizzes.lessons()
UNFINISHED = re.compile(r"\b(X{2,}|TODO|FIXME)\b")


@pytest.mark.parametrize("lesson", LESSONS)
def test_a_quiz_has_four_to_six_questions_and_every_reply_is_its_own(lesson):
    questions = quizzes.questions(lesson)
    replies = [choice.reply for question in questions for choice in question.choices]
    assert 4 <= len(questions) <= 6
    assert len(set(replies)) == len(replies) and all(len(reply) > 40 for reply in replies)
    texts = [*replies, *(question.prompt for question in questions), *(c.text for q in questions for c in q.choices)]
    assert [text for text in texts if UNFINISHED.search(text)] == []


def rank_of_length(question: Question) -> int:
    """How many choices are longer than the right one."""
    right = next(choice for choice in question.choices if choice.right)
    return sum(len(choice.text) > len(right.text) for choice in question.choices)


@pytest.mark.parametrize(
    "trait", [lambda q: [c.right for c in q.choices].index(True), rank_of_length], ids=["place", "length"]
)
def test_neither_place_nor_length_tells_the_right_choice(trait):
    """Over the whole course each place and each rank of length is right as often as chance would have it."""
    course = [question for lesson in LESSONS for question in quizzes.questions(lesson)]
    assert {len(question.choices) for question in course} == {3}
    counts = [sum(trait(question) == value for question in course) for value in range(3)]
    expected = len(course) / 3
    spread = (len(course) * 2 / 9) ** 0.5
    assert all(abs(count - expected) < 2 * spread for count in counts), counts


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
