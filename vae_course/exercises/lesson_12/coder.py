"""12-coder: a build. A sender and a receiver who learn the symbols' shares from what has been sent, without a model."""

import math
from collections.abc import Callable
from typing import Any

import torch

from vae_course.exercises.inputs import generator, integer, uniform
from vae_course.exercises.model import Alternative, Answer, AnswerError, Exercise, Inputs, Misconception
from vae_course.exercises.probes import BuildStage
from vae_course.studies.compression import ans

ORDER = "What is put on last comes off first: the receiver meets the symbols in the order in which they were sent."
Coder = tuple[Callable[[list[int], int], int], Callable[[int, int], tuple[list[int], int]]]


def coder(k: int) -> Coder:
    """For symbols 0 to k - 1: send(symbols, state) gives a new state, receive(state, n) gives n symbols and the old state."""

    def send(symbols: list[int], state: int) -> int:
        counts, slots = [1] * k, []
        for symbol in symbols:
            slots.append((sum(counts[:symbol]), counts[symbol], sum(counts)))
            counts[symbol] += 1
        for start, freq, total in reversed(slots):
            state = total * (state // freq) + start + state % freq
        return state

    def receive(state: int, n: int) -> tuple[list[int], int]:
        counts, symbols = [1] * k, []
        for _ in range(n):
            slot = state % sum(counts)
            symbol = sum(slot >= sum(counts[:end]) for end in range(1, k))
            state = counts[symbol] * (state // sum(counts)) + slot - sum(counts[:symbol])
            counts[symbol] += 1
            symbols.append(symbol)
        return symbols, state

    return send, receive


def _probe(answer: Answer, case: Inputs) -> dict[str, Any]:
    """A round trip with the answer's own two sides; how they lay out their slots is theirs to choose."""
    sent, k, state = case.values()
    assert isinstance(sent, torch.Tensor) and isinstance(state, int)
    sides = answer(k)
    if not isinstance(sides, tuple | list) or len(sides) != 2 or not all(callable(side) for side in sides):
        raise AnswerError(
            "stage 1 of 3 is not reached: `coder` must return two functions, first `send`, then `receive`."
        )
    send, receive = sides
    symbols = sent.tolist()
    try:
        message = send(symbols, state)
    except Exception:
        if not _is_swapped(sides):
            raise
        message = None
    if not isinstance(message, int) and _is_swapped(sides):
        raise AnswerError("the two functions have changed places: return first `send`, then `receive`.")
    if symbols != sent.tolist():
        raise AnswerError(
            "`send` changes the list of symbols that it was given, and its caller still needs that: go through it, by "
            "`reversed(symbols)` for example, or work on a copy."
        )
    if not isinstance(message, int) or message < 0:
        found = f"{message}" if isinstance(message, int) else f"a {type(message).__name__}"
        raise AnswerError(
            "stage 1 of 3 is not reached: `send(symbols, state)` must return a whole number of Python's kind `int`, 0 or "
            f"more, not {found}."
        )
    received = _received(receive, message, len(sent))
    grown = math.log2(max(message, 1)) - math.log2(state) if state > 2**40 else 0.0
    trip = BuildStage(2, 3, "a round trip")
    parts = {
        trip.result("the list that came back", ORDER): torch.tensor([float(s) for s in received[0]]),
        trip.result("the state after `receive`, less that before `send`,"): received[1] - state,
        BuildStage(2, 3, "the same symbols again").result("the second message, less the first,"): (
            send(sent.tolist(), state) - message
        ),
        BuildStage(3, 3, "a coder that learns").result("the growth of the message, in bits,"): grown,
    }
    return {name: part if isinstance(part, torch.Tensor) else _number(part) for name, part in parts.items()}


def _received(receive: Callable[[int, int], Any], message: int, n: int) -> Any:
    """The symbols that come off the message and the state before it, where that is what the answer returns."""
    try:
        received = receive(message, n)
    except NotImplementedError:
        raise AnswerError("`send` returns a whole number, but `receive` is not written yet.") from None
    if not isinstance(received, tuple | list) or len(received) != 2 or not isinstance(received[1], int):
        raise AnswerError(
            "stage 1 of 3 is not reached: `receive(state, n)` must return two things, a list of n symbols and the state, "
            "a Python `int`."
        )
    return received


def _is_swapped(sides: Any) -> bool:
    """Whether the second takes a list of symbols and the first gives it back."""
    try:
        symbols, state = sides[0](sides[1]([0, 0], 2**50), 2)
        return (list(symbols), state) == ([0, 0], 2**50)
    except Exception:  # whatever the learner's functions do with each other's arguments
        return False


def _number(part: float) -> torch.Tensor:
    """Whole numbers may be longer than a float can hold."""
    return torch.tensor(float(min(max(part, -(10**9)), 10**9)), dtype=torch.float64)


def _cases(seed: int) -> list[Inputs]:
    """By hand, then messages of every kind: short and none, one symbol only, symbols that never come, a long one."""
    source = generator(seed)
    cases: list[Inputs] = [{"symbols": torch.tensor([1, 1, 0]), "k": 2, "state": 2**50}]
    k, n = integer(source, 4, 6), integer(source, 20, 30)
    for symbols, length, skew in ((2, n, 1.0), (k, n, 4.0), (1, 5, 1.0), (30, 6, 1.0), (3, 80, 3.0), (k, 0, 1.0)):
        # Skewed, so that some symbols are frequent.
        sent = (symbols * uniform(source, length) ** skew).long()
        cases.append({"symbols": sent, "k": symbols, "state": 2**60 + integer(source, 0, 10**6)})
    for length, state in ((1, 1), (9, 0)):
        cases.append({"symbols": torch.full((length,), k - 1), "k": k, "state": state})
    return cases


def _loop(k: int) -> Coder:
    """The package's push and pop, with the shares of every step written down first."""

    def send(symbols: list[int], state: int) -> int:
        for n in range(len(symbols) - 1, -1, -1):
            freqs = [1 + symbols[:n].count(symbol) for symbol in range(k)]
            state = ans.push(state, sum(freqs[: symbols[n]]), freqs[symbols[n]], sum(freqs))
        return state

    def receive(state: int, n: int) -> tuple[list[int], int]:
        freqs, symbols = [1] * k, []
        for _ in range(n):
            symbol, state = ans.pop(state, freqs)
            freqs[symbol] += 1
            symbols.append(symbol)
        return symbols, state

    return send, receive


def _last_slots_first(k: int) -> Coder:
    """The slots of the last symbol come first."""
    send, receive = coder(k)

    def mirrored(state: int, n: int) -> tuple[list[int], int]:
        symbols, state = receive(state, n)
        return [k - 1 - symbol for symbol in symbols], state

    return lambda symbols, state: send([k - 1 - symbol for symbol in symbols], state), mirrored


def _tensors(k: int) -> Coder:
    """Counts in a float64 tensor, which holds them exactly; the state stays a Python number."""

    def shares(counts: torch.Tensor, symbol: int) -> tuple[int, int, int]:
        return int(counts[:symbol].sum()), int(counts[symbol]), int(counts.sum())

    def send(symbols: list[int], state: int) -> int:
        counts, slots = torch.ones(k, dtype=torch.float64), []
        for symbol in symbols:
            slots.append(shares(counts, symbol))
            counts[symbol] += 1
        while slots:
            start, freq, total = slots.pop()
            state = total * (state // freq) + start + state % freq
        return state

    def receive(state: int, n: int) -> tuple[list[int], int]:
        counts, symbols = torch.ones(k, dtype=torch.float64), []
        for _ in range(n):
            slot = state % int(counts.sum())
            symbol = int(torch.searchsorted(counts.cumsum(0), slot, right=True))
            start, freq, total = shares(counts, symbol)
            state = freq * (state // total) + slot - start
            counts[symbol] += 1
            symbols.append(symbol)
        return symbols, state

    return send, receive


def _mistaken(
    k: int,
    *,
    first: int = 1,
    learns: tuple[int, int] = (1, 1),
    backwards: bool = True,
    early: bool = False,
    known: bool = False,
    kept: list[list[int]] | None = None,
    push: Callable[[int, int, int, int], Any] = ans.push,
    turned: bool = False,
    from_the_end: bool = False,
) -> Any:
    """The two sides with one thing wrong; `kept` are counts that outlive a call, one list for each side."""

    def send(symbols: list[int], state: int) -> int:
        counts, slots = kept[0] if kept else [first] * k, []
        if known:
            counts = [first + symbols.count(symbol) for symbol in range(k)]
        for symbol in reversed(symbols) if from_the_end else symbols:
            counts[symbol] += learns[0] if early else 0
            slots.append((sum(counts[:symbol]), counts[symbol], sum(counts)))
            counts[symbol] += 0 if early or known else learns[0]
        for start, freq, total in reversed(slots) if backwards and not from_the_end else slots:
            state = push(state, start, freq, total)
        return state

    def receive(state: int, n: int) -> tuple[list[int], int]:
        counts, symbols = kept[1] if kept else [first] * k, []
        for _ in range(n):
            symbol, state = ans.pop(state, counts)
            counts[symbol] += learns[1]
            symbols.append(symbol)
        return symbols[::-1] if turned else symbols, state

    return send, receive


EXERCISE = Exercise(
    id="12-coder",
    title="Build: a coder that learns on the way",
    points=4,
    difficulty=4,
    minutes=20,
    task=(
        "A build, optional: write both sides of a coder for the symbols 0 to `k` - 1 that needs no model. Each symbol begins "
        "with one slot and gets one more whenever it has been sent. Return two functions: `send(symbols, state)` puts a list "
        "of symbols on a message and returns the new state, `receive(state, n)` takes n symbols off and returns them, a list "
        "in the order in which they were sent, and the state before. The check names the first of its three stages that you "
        "have not reached."
    ),
    hints=(
        "The receiver pops the first symbol while all counts are 1, the second with the counts after the first, and so on. "
        "In which order must the sender push, and with which counts?",
        "Go through the symbols in order and note start, freq and total of each, before its count is raised. Then push them "
        "from the last to the first. The receiver pops, raises the count, and pops again.",
        "Two loops in `send`: one that fills a list of (start, freq, total), one over `reversed` of this list that pushes. "
        "One loop of n rounds in `receive`, with `ans.pop(state, counts)`. Each function begins with its own `[1] * k`.",
    ),
    explanation=(
        "What the receiver knows when it decodes a symbol is all that came before it, so the counts may depend on that and on "
        "nothing else. A stack gives back the last first, hence the sender first goes through all symbols to learn the counts, "
        "then pushes in reverse. Learning costs little: from about half of log2(n) bits to log2(n) for each symbol but one."
    ),
    returns="two functions, send and receive",
    reference=coder,
    alternatives=(
        Alternative("loop with the package's push and pop", lambda k: _loop(k)),
        Alternative("slots of the last symbol first", lambda k: _last_slots_first(k)),
        Alternative("counts in float64", lambda k: _tensors(k)),
    ),
    misconceptions=(
        Misconception(
            "pushed in order",
            lambda k: _mistaken(k, backwards=False),
            "You push the first symbol first, so the receiver meets the last one first, with counts that were meant for the "
            "first. Note the slots of all symbols in order, then push in reverse.",
            variants=(lambda k: _mistaken(k, backwards=False, turned=True),),
        ),
        Misconception(
            "symbols gone through in reverse",
            lambda k: _mistaken(k, from_the_end=True),
            "Your sender goes through the symbols in reverse and raises its counts on the way, so its counts for a symbol are "
            "those after it. Note the slots in order, with the counts before each symbol; then push them in reverse.",
            variants=(lambda k: _mistaken(k, from_the_end=True, early=True),),
        ),
        Misconception(
            "more slots than asked",
            lambda k: _mistaken(k, first=2),
            "All comes back, but your counts are not those asked for: each symbol begins with one slot, and gets one more "
            "whenever it has been sent.",
            variants=(lambda k: _mistaken(k, learns=(2, 2)),),
        ),
        Misconception(
            "one side learns",
            lambda k: _mistaken(k, learns=(1, 0)),
            "Only one of your two sides raises its counts, so they soon disagree about who owns a slot. Sender and receiver "
            "must have the same counts for each symbol.",
            variants=(lambda k: _mistaken(k, learns=(0, 1)),),
        ),
        Misconception(
            "nobody learns",
            lambda k: _mistaken(k, learns=(0, 0)),
            "All comes back, but each symbol costs log2 k bits, however frequent it is: your counts never change. Raise the "
            "count of a symbol on both sides once it has been sent.",
        ),
        Misconception(
            "counted before it is sent",
            lambda k: _mistaken(k, early=True),
            "Your sender raises the count of a symbol before it looks up the symbol's slots. The receiver can't, as it does "
            "not know the symbol yet: look up first, then raise.",
        ),
        Misconception(
            "counts of the whole message",
            lambda k: _mistaken(k, known=True),
            "Your sender counts the whole message beforehand. The receiver has seen only what came before a symbol, and "
            "must have the same counts: let them grow on the way.",
            variants=(lambda k: _mistaken(k, known=True, learns=(1, 0)),),
        ),
        Misconception(
            "counts begin at 0",
            lambda k: _mistaken(k, first=0, push=lambda s, start, freq, total: total * (s // freq) + start + s % freq),
            "Counts that begin at 0 give a symbol that has not come yet no slot, so it can't be sent. Begin with one slot for "
            "each symbol.",
            variants=(
                lambda k: _mistaken(k, first=0),
                lambda k: _mistaken(k, first=0, push=lambda s, start, freq, total: s % freq + total * (s // freq)),
            ),
        ),
        Misconception(
            "counts that outlive the call",
            lambda k: _mistaken(k, kept=[[1] * k] * 2),
            "Your counts are made once, in `coder`, and keep what an earlier call has learned. Both sides must begin anew in "
            "each call: make the counts inside `send` and inside `receive`.",
            variants=(lambda k: _mistaken(k, kept=[[1] * k, [1] * k]),),
        ),
        Misconception(
            "received in reverse",
            lambda k: _mistaken(k, turned=True),
            "The right symbols come back, the last one first. Your sender has reversed the order once: the receiver pops "
            "them in the order in which they were sent.",
        ),
        Misconception(
            "quotient by way of a float",
            lambda k: _mistaken(k, push=lambda s, start, freq, total: total * int(s / freq) + start + s % freq),
            "`/` makes a float, which keeps 16 digits of a long state and loses the rest, and with it the symbols before. "
            "`//` divides whole numbers exactly.",
        ),
        Misconception(
            "start forgotten",
            lambda k: _mistaken(k, push=lambda s, start, freq, total: total * (s // freq) + s % freq),
            "Your push leaves `start` out, so all symbols share the first slots and the receiver can't tell them apart. Add "
            "the sum of the counts before this symbol.",
        ),
    ),
    cases=_cases,
    probe=_probe,
)
