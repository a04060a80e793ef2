"""What a quiz is made of."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Choice:
    """One answer to a question, and what to tell a learner who picks it."""

    text: str
    reply: str
    right: bool = False


@dataclass(frozen=True)
class Question:
    """A question with one right choice; the reply to each wrong one names the misconception behind it.

    Raises:
        ValueError: there is not exactly one right choice, or there are fewer than three choices.
    """

    prompt: str
    choices: tuple[Choice, ...]

    def __post_init__(self) -> None:
        if len(self.choices) < 3 or sum(choice.right for choice in self.choices) != 1:
            raise ValueError(f"The question {self.prompt!r} needs three or more choices and exactly one right one.")
