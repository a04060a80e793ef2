"""Asymmetric numeral systems in a few lines: the whole message is one whole number.

A symbol s has a whole number of shares, `freq`, of `total`; its shares begin at `start`, the sum of those before it. So
its probability is p = freq / total. To push it makes the number 1/p times as large, up to rounding; to pop undoes that
exactly. What was pushed last comes out first.

Source: J. Duda, Asymmetric numeral systems (2013), the range variant; F. Giesen, Interleaved entropy coders (2014).
"""

from collections.abc import Sequence


def push(state: int, start: int, freq: int, total: int) -> int:
    """The number after a symbol was put on it: log2(new) = log2(state) + log2(total / freq), up to rounding.

    new = total * (state // freq) + start + state % freq

    Raises:
        ValueError: the shares are no part of the total, or the state is negative.
    """
    if not (0 <= start and 0 < freq and start + freq <= total and state >= 0):
        raise ValueError(
            f"A symbol with shares {start} to {start + freq} of {total} can't be put on {state}: the shares must lie"
            " between 0 and the total, one at least, and the state must not be negative."
        )
    return total * (state // freq) + start + state % freq


def pop(state: int, freqs: Sequence[int]) -> tuple[int, int]:
    """The symbol that was put on last, and the number as it was before: the inverse of `push`.

    Args:
        state: the number.
        freqs: whole shares of all symbols, in their order.

    Raises:
        ValueError: there are no shares, or one is negative.
    """
    total = sum(freqs)
    if total < 1 or min(freqs) < 0:
        raise ValueError(f"The shares are {list(freqs)}: give whole numbers, none negative, and one above zero.")
    place, start = state % total, 0
    for symbol, freq in enumerate(freqs):
        if place < start + freq:
            return symbol, freq * (state // total) + place - start
        start += freq
    raise AssertionError("a remainder is below the total")
