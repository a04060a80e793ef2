"""12-ans-push: a symbol put on a message that is one whole number."""

from fractions import Fraction
from typing import Any

import torch

from vae_course.exercises.inputs import generator, integer
from vae_course.exercises.model import Alternative, Answer, AnswerError, Exercise, Inputs, Misconception
from vae_course.studies.compression import ans


def push(state: int, start: int, freq: int, total: int) -> int:
    """The new state, a whole number, after a symbol with slots start to start + freq - 1 of total was put on it."""
    return total * (state // freq) + start + state % freq


def _probe(answer: Answer, case: Inputs) -> dict[str, Any]:
    result = answer(*case.values())
    if not isinstance(result, int):
        raise AnswerError(f"return a whole number of Python's kind `int`, not a {type(result).__name__}.")
    # A float64 has some 16 digits, and states are longer: the last twelve are compared by themselves.
    parts = {"new state": float(result), "new state: the number of its last twelve digits": float(result % 10**12)}
    return {name: torch.tensor(part, dtype=torch.float64) for name, part in parts.items()}


def _cases(seed: int) -> list[Inputs]:
    """Two states that can be done by hand, then larger ones, at last some that a float can't hold."""
    source = generator(seed)
    cases: list[Inputs] = [{"state": state, "start": 2, "freq": 5, "total": 8} for state in (17, 19)]
    for least, high in ((9, 1000), (14, 10**6), (90, 10**9), (60, 10**11), (40, 2**60), (80, 2**61)):
        total = integer(source, least, least + least // 4)
        freq, start, state = (int(torch.randint(low, top, (1,), generator=source)) for low, top in _ranges(total, high))
        cases.append({"state": state, "start": start, "freq": freq, "total": total})
    return cases


def _ranges(total: int, high: int) -> tuple[tuple[int, int], ...]:
    third = total // 3
    return (2, third + 2), (1, third), (high, 2 * high)


def _by_quotient(state: int, start: int, freq: int, total: int, quotient: int) -> int:
    """What is left over is what this quotient leaves."""
    return total * quotient + start + state - freq * quotient


def _in_64_bits(state: int, start: int, freq: int, total: int) -> int:
    whole = torch.tensor(state)
    return int(whole // freq * total + start + whole % freq)


EXERCISE = Exercise(
    id="12-ans-push",
    title="Push a symbol",
    points=2,
    difficulty=3,
    minutes=8,
    task=(
        "Return the new state, a whole number, after a symbol was put on `state`: the symbol owns `freq` of `total` slots, "
        "the first of them is `start`, and nothing of the old state may get lost."
    ),
    hints=(
        "Split the old state: how often does `freq` go into it, and what is left over?",
        "new = total * floor(state / freq) + start + (state mod freq).",
        "Python's `//` and `%` give the two parts. The first is multiplied by `total`; the second chooses one of the "
        "symbol's own slots.",
    ),
    explanation=(
        "The remainder is below `freq`, so `start + state % freq` is one of the symbol's own slots: its remainder by "
        "`total` tells the receiver the symbol. The quotient and the place within the slots give the old state back. The "
        "number grows by a factor of about total / freq, which is log2(1/p) bits."
    ),
    returns="one whole number",
    reference=push,
    alternatives=(
        Alternative("the package's", lambda state, start, freq, total: ans.push(state, start, freq, total)),
        Alternative("divmod", lambda state, start, freq, total: total * divmod(state, freq)[0] + start + state % freq),
        Alternative(
            "loop over the slots",
            lambda state, start, freq, total: next(
                (state - r) // freq * total + start + r for r in range(freq) if (state - r) % freq == 0
            ),
        ),
        Alternative(
            "slot in float64",
            lambda state, start, freq, total: (
                total * (state // freq) + int(torch.tensor([start, state % freq], dtype=torch.float64).sum())
            ),
        ),
        Alternative(
            "what is added to the state",
            lambda state, start, freq, total: state + (total - freq) * (state // freq) + start,
        ),
    ),
    misconceptions=(
        Misconception(
            "remainder forgotten",
            lambda state, start, freq, total: total * (state // freq) + start,
            "You drop the remainder of the division, so up to log2(freq) bits of what was sent before are lost. It chooses "
            "one of the symbol's slots: add it.",
        ),
        Misconception(
            "start forgotten",
            lambda state, start, freq, total: total * (state // freq) + state % freq,
            "All symbols end up in the slots from 0 on, and the receiver can't tell them apart. Add `start`, where the "
            "slots of this symbol begin.",
        ),
        Misconception(
            "as if all were equally likely",
            lambda state, start, freq, total: total * state + start,
            "Each symbol makes the state `total` times as large, so a frequent one costs as much as a rare one. Divide the "
            "old state by `freq` first.",
        ),
        Misconception(
            "multiplied by total over freq",
            lambda state, start, freq, total: state * total // freq + start,
            "The number grows as it should, but it can't be undone: its remainder by `total` is not a slot of the symbol. Keep "
            "quotient and remainder apart.",
            variants=(
                lambda state, start, freq, total: state * total // freq,
                lambda state, start, freq, total: state * total // freq + start + state % freq,
            ),
        ),
        Misconception(
            "multiplied by freq over total",
            lambda state, start, freq, total: state * freq // total + start + state % freq,
            "You multiply by `freq` and divide by `total`, so the number shrinks. A push makes it larger, by a factor of about "
            "total / freq: divide by `freq`, then multiply by `total`.",
            variants=(lambda state, start, freq, total: state * freq // total + start,),
        ),
        Misconception(
            "freq and total swapped",
            lambda state, start, freq, total: freq * (state // total) + start + state % total,
            "You divide by `total` and multiply by `freq`: the number shrinks. That is the receiver's direction.",
            variants=(lambda state, start, freq, total: freq * (state // total) + state % total - start,),
        ),
        Misconception(
            "remainder by total",
            lambda state, start, freq, total: total * (state // freq) + start + state % total,
            "Quotient by `freq`, remainder by `total`: the two don't belong together, and the sum may leave the symbol's "
            "slots. Take both by `freq`.",
        ),
        Misconception(
            "quotient by way of a float",
            lambda state, start, freq, total: total * int(state / freq) + start + state % freq,
            "Right for small states. But `/` makes a float, which keeps 16 digits and loses the rest of a long state before "
            "you round it, and with them the message. `//` divides whole numbers exactly.",
            variants=(
                lambda state, start, freq, total: (
                    total * int(torch.tensor(state, dtype=torch.float64).div(freq).floor()) + start + state % freq
                ),
                lambda state, start, freq, total: _by_quotient(state, start, freq, total, int(state / freq)),
            ),
        ),
        Misconception(
            "rounded to the nearest",
            lambda state, start, freq, total: total * round(state / freq) + start + state % freq,
            "Your quotient is rounded up where more than half of `freq` is left over, and then counts what the remainder "
            "counts again. Round down: `state // freq`.",
            variants=(lambda state, start, freq, total: total * round(Fraction(state, freq)) + start + state % freq,),
        ),
        Misconception(
            "whole numbers of 64 bits",
            _in_64_bits,
            "Right for small states. But your whole numbers have 64 bits, as those of tensors and arrays have, and a longer "
            "state loses its first digits. Python's own `int` has no end: take `//` and `%` of `state` itself.",
        ),
        Misconception(
            "plain division",
            lambda state, start, freq, total: total * (state / freq) + start + state % freq,
            "`/` gives a number with a fraction. The state is a whole number: use `//`.",
            variants=(lambda state, start, freq, total: state * total / freq + start,),
        ),
    ),
    cases=_cases,
    probe=_probe,
    tolerance=1e-13,  # each digit counts
)
