"""19-audit: a planted report; which of its statements hold a mistake of the course, and which mistake it is."""

import hashlib
from typing import Any

import numpy as np
import torch

from vae_course.exercises.model import Alternative, Answer, AnswerError, Exercise, Inputs, Misconception

STATEMENTS, PLANTED = 14, 6
# The names below the report in the lesson.
NAMES = (
    "choice on test images",
    "bounds of different kinds",
    "no bound",
    "nats for bits",
    "weights not counted",
    "images for seeds",
    "mean for sum",
    "grey as binary",
    "sigmoid twice",
    "another prior",
    "bound upside down",
    "rate misread",
)
# Digests of the planted statements and of these with their mistakes: a sandbox sees them, and no answer.
MARKS = frozenset(
    (
        "4e07408562 e7f6c01177 2c624232cd 19581e27de 4fc82b26ae 3fdba35f04 "
        "bc7fe7275d b11a4fdc7e cbcb30dfbd 74c27b1ef1 f4182a3331 5130400d61"
    ).split()
)  # fmt: skip


def audit() -> dict[int, str]:
    """The number of each statement that holds a mistake, with the name of the mistake."""
    mistakes = {
        3: "choice on test images",
        6: "bounds of different kinds",
        8: "no bound",
        9: "nats for bits",
        11: "weights not counted",
        13: "images for seeds",
    }
    return dict(sorted(mistakes.items()))


def _probe(answer: Answer, case: Inputs) -> dict[str, Any]:
    """How many are found, named and flagged without need, but not which."""
    found = _read(answer())
    right = sum(_mark(number) in MARKS for number in found)
    named = sum(_mark(number, name) in MARKS for number, name in found.items())
    if (right, named, len(found)) != (PLANTED, PLANTED, PLANTED):
        flagged = f"{len(found) - right} sound statement{'s' * (len(found) - right != 1)} flagged as well"
        raise AnswerError(f"{right} of {PLANTED} mistakes found, {named} of these rightly named; {flagged}.")
    return {"mistakes found and rightly named": torch.tensor(named)}


def _read(found: Any) -> dict[int, str]:
    """What was handed in, with plain numbers and names."""
    if not isinstance(found, dict):
        raise AnswerError(
            'return a dict from numbers of statements to names of mistakes, such as {1: "sigmoid twice"}.'
        )
    if not found:
        raise AnswerError("your dict is empty, and six statements of this report would not stand up in a review.")
    read = {}
    for key, value in found.items():
        plain = isinstance(key, int | float | np.number) and not isinstance(key, bool)
        if not plain or key not in range(1, STATEMENTS + 1):
            raise AnswerError(f"statements have the numbers 1 to {STATEMENTS}; {key!r} is none of these.")
        name = value.strip().lower() if isinstance(value, str) else ""
        if name not in NAMES:
            raise AnswerError(f"the names stand in the table below the report; {value!r} is none of them.")
        read[int(key)] = name
    return read


def _mark(*parts: int | str) -> str:
    return hashlib.sha256(" ".join(map(str, parts)).encode()).hexdigest()[:10]


def _cases(seed: int) -> list[Inputs]:
    """There is one report."""
    return [{"statements": STATEMENTS}]


def _with(flagged: tuple[int, ...] = (), dropped: tuple[int, ...] = (), **names: str) -> Answer:
    """The worked answer with more statements flagged, some dropped, and some under another name."""

    def answer() -> dict[int, str]:
        found = audit() | dict.fromkeys(flagged, "rate misread")
        found |= {int(key.removeprefix("at_")): name for key, name in names.items()}
        return {number: name for number, name in found.items() if number not in dropped}

    return answer


def _loop() -> dict[int, str]:
    found = {}
    for number, name in zip((13, 11, 9, 8, 6, 3), reversed(NAMES[:PLANTED]), strict=True):
        found[number] = name
    return found


SOUND = (1, 2, 4, 5, 7, 10, 12, 14)

EXERCISE = Exercise(
    id="19-audit",
    title="Audit the report",
    points=4,
    difficulty=4,
    minutes=15,
    task=(
        "Six of the report's fourteen statements hold a mistake. Return a dict from the number of each such statement to the "
        "name of its mistake, out of the table below the report."
    ),
    hints=(
        "Ask of each statement: which quantity, in which unit, from which images, with how many draws and trainings, and what is "
        "said to follow. A statement may be unusual and sound.",
        "Recompute what can be recomputed: nats times 1 / log 2 are bits, and beta other than 1 changes what is bounded. At each "
        '"better" and "smaller", look at what the two sides hold.',
        "One of the six is in what is compared, one in which error is quoted, one in a unit, one in what was looked at too "
        "early, one in what was left out of a sum, and one in what an objective is called.",
    ),
    explanation=(
        "3: epoch 37 was chosen by the test images, so its number there is too good. 6: an ELBO of theirs against an estimate of "
        "ours with 5,000 draws; ELBO against ELBO, theirs is ahead. 8: with beta below 1 the KL is not paid in full, so this is "
        "no bound. 9: 0.117 are nats per dimension; bits are 0.169. 11: the receiver needs 652,824 parameters, 2.6 MB, too. 13: "
        "one training each, so nothing is known of the way to train."
    ),
    returns="a dict from numbers of statements to names of mistakes",
    reference=audit,
    alternatives=(
        Alternative("loop", _loop),
        Alternative("float64 keys", lambda: {np.float64(number): name for number, name in audit().items()}),
        Alternative("capitals", lambda: {number: f" {name.capitalize()} " for number, name in audit().items()}),
    ),
    misconceptions=(
        Misconception(
            "everything flagged",
            lambda: dict.fromkeys(range(1, STATEMENTS + 1), NAMES[0]),
            "You flag all fourteen statements, and eight of them are sound. An audit that accuses everything tells the author "
            "nothing.",
            variants=tuple(lambda name=name: dict.fromkeys(range(1, STATEMENTS + 1), name) for name in NAMES[1:]),
        ),
        Misconception(
            "one missing",
            _with(dropped=(11,)),
            "Five of six are found, rightly named, and no sound statement is flagged. Ask of each statement left what its number "
            "will be read for.",
            variants=tuple(_with(dropped=(number,)) for number in (3, 6, 8, 9, 13)),
        ),
        Misconception(
            "one too many",
            _with(flagged=(5,)),
            "All six are found and rightly named, and one sound statement is flagged as well. Which of the seven says no more "
            "than it may?",
            variants=tuple(_with(flagged=(number,)) for number in SOUND if number != 5),
        ),
        Misconception(
            "one in place of another",
            _with(flagged=(7,), dropped=(8,)),
            "Five of six are found and rightly named; one sound statement is flagged, and one mistake is left. Ask of both what "
            "is said to follow.",
            variants=(_with(flagged=(5,), dropped=(6,)), _with(flagged=(10,), dropped=(11,))),
        ),
        Misconception(
            "one name",
            _with(at_8="bound upside down"),
            "You flag the right six statements. One of them has another mistake than the one you name: read that line of the "
            "table again.",
            variants=(_with(at_9="mean for sum"), _with(at_13="choice on test images")),
        ),
        Misconception(
            "two names exchanged",
            _with(at_8="bounds of different kinds", at_6="no bound"),
            "You flag the right six statements. Two of them have other mistakes than those you name.",
            variants=(_with(at_8="rate misread", at_6="bound upside down"),),
        ),
    ),
    cases=_cases,
    probe=_probe,
)
