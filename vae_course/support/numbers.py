"""Whole numbers of any make."""

import operator
from typing import SupportsIndex


def whole_number(value: SupportsIndex, name: str, *, least: int | None = None) -> int:
    """A whole number of Python's, NumPy's or PyTorch's as one of Python's.

    Raises:
        ValueError: it is no whole number, or below the least one allowed.
    """
    try:
        number = operator.index(value)
    except TypeError:
        number = None
    if number is None or (least is not None and number < least):
        raise ValueError(f"{name} is {value}: give a whole number{'' if least is None else f' from {least}'}.")
    return number
