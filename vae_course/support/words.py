"""Words that sentences to readers are made of."""

from collections.abc import Sequence

LONGEST = 100  # letters of a word that is listed with others


def count(number: float, noun: str) -> str:
    """A number with its noun: `1 point`, `2 points`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def listed(words: Sequence[str], most: int = 8) -> str:
    """The first of many words for a sentence, each at a length that it can bear, and how many more there are."""
    shown = ", ".join(word[:LONGEST] for word in words[:most])
    return f"{shown} and {len(words) - most} more" if len(words) > most else shown
