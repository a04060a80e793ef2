"""A lesson's quiz for a page without a kernel: each choice opens its reply."""

import re

from vae_course import quizzes
from vae_course.support.outputs import fold, prose
from vae_course.widgets.quiz import answered

SHOWN = re.compile(r"quizzes\.show\([\"'](\w+)[\"']\)")


def as_html(source: str) -> str:
    """The quiz that a cell shows as HTML that works without a script, or nothing where it shows none."""
    shown = SHOWN.search(source)
    if shown is None:
        return ""
    questions = [_question(question) for question in quizzes.questions(shown[1])]
    return f'<ol class="book-quiz">{"".join(questions)}</ol><p class="book-note">Open a choice to see its reply.</p>'


def _question(question: quizzes.Question) -> str:
    choices = [
        fold(f"{letter}) {choice.text}", answered(choice.reply, choice.right))
        for letter, choice in zip(quizzes.LETTERS, question.choices, strict=False)
    ]
    return f"<li><p>{prose(question.prompt)}</p>{''.join(choices)}</li>"
