"""What a probe makes of a result that may come in more than one form, and of the stages of a build."""

from typing import Any, NamedTuple, Self

import numpy as np
import torch
from torch import Tensor

from vae_course.exercises.model import Answer, AnswerError, Inputs


class BuildStage(NamedTuple):
    """One of the stages of a build: its number, how many there are, and what it is, in words.

    As text it is "stage 2 of 4 (the start)".
    """

    number: int
    of: int
    words: str

    def __str__(self) -> str:
        return f"stage {self.number} of {self.of} ({self.words})"

    def result(self, name: str, hint: str = "") -> "StageResult":
        """The name of a result of this stage, with the stage before it."""
        return StageResult(f"{self}: {name}", self, hint)


class StageResult(str):
    """The name of a result as messages say it, for a probe's dict.

    Args:
        stage: the stage that it belongs to.
        hint: a sentence on what the right numbers are, for wrong ones that nothing else explains.
    """

    stage: BuildStage
    hint: str

    def __new__(cls, name: str, stage: BuildStage, hint: str = "") -> Self:
        result = super().__new__(cls, name)
        result.stage, result.hint = stage, hint
        return result


def numbers(answer: Answer, case: Inputs) -> Any:
    """The result as a tensor, where it is an array, a list or a plain number; for what is only read, never trained through."""
    result = answer(*case.values())
    if isinstance(result, list | tuple):
        result = [part.tolist() if isinstance(part, Tensor | np.ndarray | np.generic) else part for part in result]
    try:
        return torch.as_tensor(result)
    except (TypeError, ValueError, RuntimeError):  # the diagnosis says what it is
        return result


def one_number(answer: Answer, case: Inputs) -> Any:
    """The same for a single number, whatever axes of length one it has."""
    result = numbers(answer, case)
    return result.reshape(()) if isinstance(result, Tensor) and result.numel() == 1 else result


def untrained(result: Any) -> Tensor:
    """Numbers that nothing is trained through, in float64: a tensor, an array, a plain number or a list of such numbers."""
    if isinstance(result, list | tuple):
        result = [one.item() if isinstance(one, Tensor | np.ndarray | np.generic) else one for one in result]
    return torch.as_tensor(result).detach().double()


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
