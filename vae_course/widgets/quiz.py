"""A quiz: radio buttons, and a reply to every choice."""

from collections.abc import Sequence
from typing import Any

import ipywidgets as widgets

from vae_course.support.outputs import Flag, panel, prose
from vae_course.widgets.shell import Shell, named, text

LETTERS = "abcdefgh"

# (prompt, [(choice, reply, whether it is right), ...])
Item = tuple[str, list[tuple[str, str, bool]]]


class QuizView(Shell):
    """Questions with one right choice each; picking a choice shows its reply and counts the questions answered right.

    Tab moves from choice to choice and Space picks one. Where widgets do not run, the questions stand there as plain
    text.

    Args:
        items: the questions, each as its prompt and its choices with their replies.
    """

    def __init__(self, items: Sequence[Item]) -> None:
        self.items = list(items)
        self.buttons = [self._radio(choices) for _, choices in self.items]
        self.replies = [text("", "vae-reply") for _ in self.items]
        self.score = text(self._counted(), "vae-status")
        rows: list[widgets.Widget] = []
        for number, ((prompt, _), buttons, reply) in enumerate(
            zip(self.items, self.buttons, self.replies, strict=True), 1
        ):
            buttons.observe(lambda change, i=number - 1: self._picked(i), "value")
            rows += [text(f"<b>{number}.</b> {prose(prompt)}", "vae-prompt"), buttons, reply]
        super().__init__([*rows, self.score], name="vae-quiz")

    def _radio(self, choices: list[tuple[str, str, bool]]) -> widgets.RadioButtons:
        # A radio button's words are plain text, where backticks would only stand about.
        plain = [choice.replace("`", "") for choice, _, _ in choices]
        options = [(f"{LETTERS[i]}) {words}", i) for i, words in enumerate(plain)]
        buttons = widgets.RadioButtons(options=options, value=None, layout=widgets.Layout(width="100%"))
        return named(buttons, "vae-choices")

    def _picked(self, i: int) -> None:
        """Show the reply to the choice that is taken now."""
        _, reply, right = self.items[i][1][self.buttons[i].value]
        self.replies[i].value = answered(reply, right)
        self.score.value = self._counted()

    def _counted(self) -> str:
        right = sum(
            buttons.value is not None and choices[buttons.value][2]
            for buttons, (_, choices) in zip(self.buttons, self.items, strict=True)
        )
        return f"{right} of {len(self.items)} answered right."

    def stand_in(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """The questions as plain text."""
        return {"text/plain": repr(self)}, {}

    def __repr__(self) -> str:
        lines = []
        for number, (prompt, choices) in enumerate(self.items, 1):
            lines += [f"{number}. {prompt}", *(f"   {LETTERS[i]}) {choice[0]}" for i, choice in enumerate(choices)), ""]
        return "\n".join(lines).rstrip()


def answered(reply: str, right: bool) -> str:
    """The reply to a choice as HTML, without the 'Yes.' that the verdict already says."""
    flag, verdict = (Flag.RIGHT, "Right.") if right else (Flag.WRONG, "Not quite.")
    return panel(flag, verdict, after=prose(reply.removeprefix("Yes. ")))
