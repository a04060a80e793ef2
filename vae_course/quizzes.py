"""The quiz at each lesson's end: every wrong choice is answered by why.

`show("07")` gives a widget; where widgets do not run, its text is printed and `answer("07", 2, "b")` replies.
"""

from typing import TYPE_CHECKING

from vae_course.exercises.lesson_00 import quiz as lesson_00
from vae_course.exercises.lesson_01 import quiz as lesson_01
from vae_course.exercises.lesson_02 import quiz as lesson_02
from vae_course.exercises.lesson_03 import quiz as lesson_03
from vae_course.exercises.lesson_04 import quiz as lesson_04
from vae_course.exercises.lesson_05 import quiz as lesson_05
from vae_course.exercises.lesson_06 import quiz as lesson_06
from vae_course.exercises.lesson_07 import quiz as lesson_07
from vae_course.exercises.lesson_08 import quiz as lesson_08
from vae_course.exercises.lesson_09 import quiz as lesson_09
from vae_course.exercises.lesson_10 import quiz as lesson_10
from vae_course.exercises.lesson_11 import quiz as lesson_11
from vae_course.exercises.lesson_12 import quiz as lesson_12
from vae_course.exercises.quiz import Choice, Question

if TYPE_CHECKING:
    from vae_course.widgets.quiz import QuizView

__all__ = ["Choice", "Question", "answer", "lessons", "questions", "show"]

LETTERS = "abcdefgh"
_QUIZZES = {
    "00": lesson_00.QUESTIONS,
    "01": lesson_01.QUESTIONS,
    "02": lesson_02.QUESTIONS,
    "03": lesson_03.QUESTIONS,
    "04": lesson_04.QUESTIONS,
    "05": lesson_05.QUESTIONS,
    "06": lesson_06.QUESTIONS,
    "07": lesson_07.QUESTIONS,
    "08": lesson_08.QUESTIONS,
    "09": lesson_09.QUESTIONS,
    "10": lesson_10.QUESTIONS,
    "11": lesson_11.QUESTIONS,
    "12": lesson_12.QUESTIONS,
}


def lessons() -> list[str]:
    """The lessons that have a quiz, by their two digits."""
    return sorted(_QUIZZES)


def questions(lesson: str) -> tuple[Question, ...]:
    """The questions of a lesson, by its two digits.

    Raises:
        ValueError: the lesson has no quiz.
    """
    if lesson not in _QUIZZES:
        raise ValueError(f"There is no quiz for lesson {lesson!r}: choose one of {', '.join(_QUIZZES)}.")
    return _QUIZZES[lesson]


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
