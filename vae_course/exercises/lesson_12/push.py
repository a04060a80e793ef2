"""12-ans-push: a symbol put on a message that is one whole number."""

from typing import Any

import torch

from vae_course.compression import ans
from vae_course.exercises.inputs import generator
from vae_course.exercises.model import Alternative, Answer, AnswerError, Exercise, Inputs, Misconception


def _reference(state: int, start: int, freq: int, total: int) -> int:
    return ans.push(state, start, freq, total)


def _probe(answer: Answer, case: Inputs) -> dict[str, Any]:
    result = answer(*case.values())
    if not isinstance(result, int):
        raise AnswerError(f"return a whole number of Python's kind `int`, not a {type(result).__name__}.")
    return {"new state": torch.tensor(float(result), dtype=torch.float64)}


def _cases(seed: int) -> list[Inputs]:
    """A state that can be done by hand, then larger ones."""
    source = generator(seed)
    cases: list[Inputs] = [{"state": 17, "start": 2, "freq": 5, "total": 8}]
    for total, high in ((10, 1000), (16, 10**6), (100, 10**9), (64, 10**11)):
        freq, start, state = (int(torch.randint(low, top, (1,), generator=source)) for low, top in _ranges(total, high))
        cases.append({"state": state, "start": start, "freq": freq, "total": total})
    return cases


def _ranges(total: int, high: int) -> tuple[tuple[int, int], ...]:
    third = total // 3
    return (2, third + 2), (1, third), (high, 2 * high)


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
    solution="""\
def push(state, start, freq, total):
    return total * (state // freq) + start + state % freq
""",
    explanation=(
        "The remainder is below `freq`, so `start + state % freq` is one of the symbol's own slots: its remainder by "
        "`total` tells the receiver the symbol. The quotient and the place within the slots give the old state back. The "
        "number grows by a factor of about total / freq, which is log2(1/p) bits."
    ),
    function="push",
    parameters=("state", "start", "freq", "total"),
    returns="one whole number",
    reference=_reference,
    alternatives=(
        Alternative("divmod", lambda state, start, freq, total: total * divmod(state, freq)[0] + start + state % freq),
        Alternative(
            "loop over the slots",
            lambda state, start, freq, total: next(
                (state - r) // freq * total + start + r for r in range(freq) if (state - r) % freq == 0
            ),
        ),
        Alternative(
            "float64",
            lambda state, start, freq, total: (
                total * int(torch.tensor(state, dtype=torch.float64).div(freq).floor()) + start + state % freq
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
            "The number grows as it should, but it can't be undone: its remainder by `total` is no slot of the symbol. Keep "
            "quotient and remainder apart.",
            variants=(
                lambda state, start, freq, total: state * total // freq,
                lambda state, start, freq, total: state * total // freq + start + state % freq,
            ),
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
            "plain division",
            lambda state, start, freq, total: total * (state / freq) + start + state % freq,
            "`/` gives a number with a fraction. The state is a whole number: use `//`.",
            variants=(lambda state, start, freq, total: state * total / freq + start,),
        ),
    ),
    cases=_cases,
    probe=_probe,
    tolerance=1e-13,  # whole numbers below 2^45: each digit counts
)
