"""The quiz at each lesson's end: every wrong choice is answered by why.

`show("07")` gives a widget; where widgets do not run, its text is printed and `answer("07", 2, "b")` replies.
"""

from typing import TYPE_CHECKING

from vae_course.exercises.lessons import questions
from vae_course.exercises.lessons import quizzes as lessons
from vae_course.exercises.quiz import Choice, Question

if TYPE_CHECKING:
    from vae_course.widgets.quiz import QuizView

__all__ = ["Choice", "Question", "answer", "lessons", "questions", "show"]

LETTERS = "abcdefgh"


def show(lesson: str) -> "QuizView":
    """The quiz as a widget, with its plain text for places where widgets do not run.

    Raises:
        ValueError: the lesson has no quiz.
    """
    from vae_course.widgets.quiz import QuizView

    return QuizView([(q.prompt, [(c.text, c.reply, c.right) for c in q.choices]) for q in questions(lesson)])


def answer(lesson: str, number: int, letter: str) -> None:
    """Print the reply to one choice: `answer("07", 2, "b")`.

    Raises:
        ValueError: there is no such lesson, question or choice.
    """
    quiz = questions(lesson)
    if not 1 <= number <= len(quiz):
        raise ValueError(f"Lesson {lesson} has questions 1 to {len(quiz)}: there is no question {number}.")
    choices = quiz[number - 1].choices
    position = LETTERS.find(letter.strip().lower()) if letter.strip() else -1
    if not 0 <= position < len(choices):
        raise ValueError(f"Question {number} has the choices a to {LETTERS[len(choices) - 1]}: there is no {letter!r}.")
    choice = choices[position]
    print(choice.reply if choice.right else f"Not quite. {choice.reply}")
