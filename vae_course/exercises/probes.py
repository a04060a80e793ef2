"""What a probe makes of a result that may come in more than one form."""

from typing import Any

import numpy as np
from torch import Tensor

from vae_course.exercises.model import AnswerError


def pair(result: Any, first: str, second: str) -> tuple[Any, Any]:
    """The two parts of a result: a tuple, a list, or both stacked along a first axis of two.

    Args:
        result: what the learner's function returned.
        first: the name of the first part, as the message says it.
        second: the name of the second part.
    """
    stacked = isinstance(result, Tensor | np.ndarray) and result.ndim > 0
    if not (stacked or isinstance(result, tuple | list)) or len(result) != 2:
        raise AnswerError(f"your function must return two tensors, `{first}, {second}`, in this order.")
    return result[0], result[1]
