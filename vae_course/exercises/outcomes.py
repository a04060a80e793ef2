"""What comes out of an answer, as plain arrays and text.

Only `run_answer` touches the learner's code. It may run in a sandbox: inputs go in, outcomes come out, and `judge`
compares them elsewhere.
"""

import contextlib
import dis
import functools
import inspect
import io
import linecache
import random
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from types import CodeType, TracebackType
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vae_course.exercises import surroundings
from vae_course.exercises.model import Answer, AnswerError, Exercise, Inputs
from vae_course.exercises.probes import StageResult

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class Value:
    """One result: the kind of object that it was ("tensor", "None", "list", ...), its dtype and its numbers."""

    kind: str
    dtype: str = ""
    array: Array = field(default_factory=lambda: np.empty(0))


class Cause(StrEnum):
    """Why an answer gave no result."""

    STUB = "stub"
    SIGNATURE = "signature"
    ANSWER = "answer"  # the probe can't use what it returned
    EXCEPTION = "exception"


@dataclass(frozen=True)
class Failure:
    """Why there is no result.

    Args:
        kind: the cause.
        type: the exception's class name.
        message: its first line.
        line: the line of the learner's code, with its text, where known.
    """

    kind: Cause
    message: str
    type: str = ""
    line: str = ""


class StopPressed(KeyboardInterrupt):
    """The stop button was pressed while an answer ran.

    Args:
        line: the line of the learner's code that it was at, with its text, where known.
    """

    def __init__(self, line: str) -> None:
        super().__init__(line)
        self.line = line


@dataclass(frozen=True)
class Outcome:
    """What one case gave.

    Args:
        values: the results by their names; one that has none is under the empty name.
        again: those of a second call.
        gradients: of the sum of all results; `None` where none arrives.
        after: the inputs afterwards.
        failure: why there is no result.
        second_failure: why the second call gave none.
        changes: what the answer left otherwise than it was, such as "changes PyTorch's default dtype".
        drew: whether it took global random numbers.
    """

    values: dict[str, Value] = field(default_factory=dict)
    again: dict[str, Value] = field(default_factory=dict)
    gradients: dict[str, Array | None] = field(default_factory=dict)
    after: dict[str, Array] = field(default_factory=dict)
    failure: Failure | None = None
    second_failure: Failure | None = None
    changes: tuple[str, ...] = ()
    drew: bool = False


def run_answer(exercise: Exercise, answer: Answer, cases: list[Inputs]) -> list[Outcome]:
    """Apply an answer to every case; an exception of the answer becomes part of the outcome.

    Each case is run twice: on plain inputs, then with other random numbers on inputs that ask for a gradient.
    """
    failure = _signature_failure(exercise, answer)
    if failure:
        return [Outcome(failure=failure) for _ in cases]
    with apart():
        return [_run_case(exercise, answer, case) for case in cases]


def values_of(exercise: Exercise, answer: Answer, case: Inputs) -> dict[str, Value] | None:
    """The values alone of an answer of the course's, on one case, inside of `apart`; None where it raises an error."""
    _seed(1)
    try:
        return _values(exercise.apply(answer, {name: _copy(value) for name, value in case.items()}))
    except Exception:
        return None


def _run_case(exercise: Exercise, answer: Answer, case: Inputs) -> Outcome:
    own = _Watched(answer, exercise.parameters)
    inputs = {name: _copy(value) for name, value in case.items()}
    untouched = _draws_after(1)
    _seed(1)
    values, failure = _attempt(own, lambda: _values(exercise.apply(own, inputs)))
    first = surroundings.next_draws()
    after, lost = _attempt(own, lambda: {name: _array(value) for name, value in inputs.items()})
    if failure or lost:
        return Outcome({}, {}, {}, after or {}, failure or lost, None, own.left(), first != untouched)
    _seed(2)
    second, second_failure = _attempt(own, lambda: _second_call(exercise, own, case))
    # The two calls began in different states; what ends in the same was seeded on the way.
    for whose, _ in first.items() & surroundings.next_draws().items():
        own.changes.add(f"sets the seed of {whose} global random numbers")
    again, gradients = second or ({}, {})
    return Outcome(values, again, gradients, after, None, second_failure, own.left(), first != untouched)


class _Watched:
    """An answer of which each call puts back and notes what it changes, and notes what it raises."""

    def __init__(self, answer: Answer, parameters: tuple[str, ...]) -> None:
        self.answer, self.parameters = answer, parameters
        self.changes: set[str] = set()
        self.raised: list[BaseException] = []

    def __call__(self, *given: Any, **named: Any) -> Any:
        names = self.parameters if len(given) == len(self.parameters) else ["an input"] * len(given)
        with surroundings.watched(self.changes, zip(names, given, strict=True)):
            try:
                return self.answer(*given, **named)
            except BaseException as error:
                self.raised.append(error)
                raise

    def left(self) -> tuple[str, ...]:
        """What it changed, in an order that stays."""
        return tuple(sorted(self.changes))


def _second_call(exercise: Exercise, answer: Answer, case: Inputs) -> tuple[dict[str, Value], dict[str, Array | None]]:
    """Values and gradients; the gradient is of the sum of all results, each number with a weight of its own."""
    inputs = {name: _copy(value) for name, value in case.items()}
    leaves = {name: inputs[name].requires_grad_() for name in exercise.gradients}
    result = exercise.apply(answer, inputs)
    outputs = [r for r in _parts(result).values() if isinstance(r, Tensor) and r.requires_grad]
    if not leaves or not outputs:
        return _values(result), dict.fromkeys(leaves)
    total = torch.stack([(r * _weights(r)).sum().double() for r in outputs]).sum()
    gradients = torch.autograd.grad(total, list(leaves.values()), allow_unused=True)
    arrays = {name: _gradient_array(g) for name, g in zip(leaves, gradients, strict=True)}
    return _values(result), arrays


def _gradient_array(gradient: Tensor | None) -> Array | None:
    return None if gradient is None else _array(gradient)


def _weights(result: Tensor) -> Tensor:
    """Fixed weights between 0.5 and 1.5 without a pattern that an error could hide behind."""
    weights = 1 + 0.5 * torch.cos(1.7 * torch.arange(result.numel(), dtype=torch.float64) + 0.5)
    return weights.reshape(result.shape).to(result.dtype)


def _parts(result: Any) -> dict[str, Any]:
    """A dict of results as it is; anything else under an empty name."""
    return dict(result) if isinstance(result, dict) else {"": result}


def _values(result: Any) -> dict[str, Value]:
    return {name if type(name) is StageResult else str(name): _value(part) for name, part in _parts(result).items()}


def _value(part: Any) -> Value:
    if isinstance(part, Tensor):
        return Value("tensor", str(part.dtype).removeprefix("torch."), _array(part))
    if isinstance(part, np.ndarray | np.generic):
        return Value("NumPy array", str(part.dtype), np.asarray(part))
    return Value("None" if part is None else type(part).__name__)


def _array(value: Any) -> Array:
    if not isinstance(value, Tensor):
        return np.asarray(value)
    value = value.detach().cpu()
    # NumPy has no bfloat16, and float32 holds each of its numbers exactly.
    return np.array((value.float() if value.dtype == torch.bfloat16 else value).numpy())


def _copy(value: Any) -> Any:
    return value.detach().clone() if isinstance(value, Tensor) else value


@contextlib.contextmanager
def apart() -> Iterator[None]:
    """Nothing that the answer prints or warns of reaches the notebook (nbgrader takes points off for it), and what the
    learner has set neither changes the verdict nor is changed.
    """
    silence = io.StringIO()
    with contextlib.redirect_stdout(silence), contextlib.redirect_stderr(silence), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with surroundings.plain():
            yield


@functools.lru_cache(maxsize=4)
def _draws_after(seed: int) -> dict[str, int]:
    """What global random numbers give right after this seed."""
    _seed(seed)
    return surroundings.next_draws()


def _seed(seed: int) -> None:
    """Fixed random numbers for an answer that draws its own, on the CPU, where the checks run."""
    torch.default_generator.manual_seed(seed)
    np.random.seed(seed)  # noqa: NPY002
    random.seed(seed)


def _attempt(own: _Watched, call: Callable[[], Any]) -> tuple[Any, Failure | None]:
    """The call's result or its failure.

    Raises:
        StopPressed: the stop button was pressed.
    """
    try:
        with surroundings.watched(own.changes):
            return call(), None
    except AnswerError as error:
        return None, Failure(Cause.ANSWER, str(error))
    except KeyboardInterrupt as stop:
        raise StopPressed(_learners_line(stop.__traceback__, _code(own.answer))) from None
    except BaseException as error:
        return None, _failure(own, error)


def _failure(own: _Watched, error: BaseException) -> Failure:
    code, name = _code(own.answer), type(error).__name__
    last = error.__traceback__
    while last and last.tb_next:
        last = last.tb_next
    if isinstance(error, NotImplementedError) and last and _is_stub(last, code):
        return Failure(Cause.STUB, "")
    line = _learners_line(error.__traceback__, code)
    if line or any(error is raised for raised in own.raised):
        return Failure(Cause.EXCEPTION, _first_line(error), name, line)
    what = f"what your function returned can't be used: working with it raised {name} ({_first_line(error)})."
    return Failure(Cause.ANSWER, what, name)


def _code(answer: Any) -> CodeType | None:
    """The code of the learner's function, looked for behind decorators, `partial`, methods and callable objects."""
    while isinstance(answer, functools.partial):
        answer = answer.func
    with contextlib.suppress(Exception):  # whatever an object of the learner's own does when it is looked at
        answer = inspect.unwrap(answer)
    with contextlib.suppress(Exception):
        answer = answer if hasattr(answer, "__code__") else type(answer).__call__
    code = getattr(answer, "__code__", None)
    return code if isinstance(code, CodeType) else None


def _is_stub(last: TracebackType, code: CodeType | None) -> bool:
    """PyTorch raises NotImplementedError as well, but not by a `raise` statement in the learner's function."""
    frame = last.tb_frame.f_code
    own = code is not None and frame.co_filename == code.co_filename
    return own and frame.co_code[last.tb_lasti] == dis.opmap["RAISE_VARARGS"]


def _first_line(error: BaseException) -> str:
    try:
        text = " ".join((str(error).strip().splitlines() or [""])[0].split())
    except Exception:  # an exception of the learner's own that can't be printed
        return ""
    return text if len(text) <= 200 else text[:197] + "..."


def _learners_line(traceback: TracebackType | None, code: CodeType | None) -> str:
    """The deepest line in the file or cell that holds the answer, as: line 3 (`return mu`)."""
    line = ""
    while traceback and code:
        if traceback.tb_frame.f_code.co_filename == code.co_filename:
            source = linecache.getline(code.co_filename, traceback.tb_lineno).strip()
            line = f"line {traceback.tb_lineno}" + (f" (`{source}`)" if source else "")
        traceback = traceback.tb_next
    return line


def _signature_failure(exercise: Exercise, answer: Answer) -> Failure | None:
    wanted = ", ".join(exercise.parameters)
    if not callable(answer):
        return Failure(
            Cause.SIGNATURE,
            f"hand over the function `{exercise.function}` itself, without calling it; this is an object of type "
            f"{type(answer).__name__}.",
        )
    try:
        signature = inspect.signature(answer)
    except Exception:  # built-in functions have none
        return None
    try:
        signature.bind(*exercise.parameters)
    except TypeError:
        own = ", ".join(signature.parameters) or "none"
        needed = f"{len(exercise.parameters)} ({wanted}), in this order" if wanted else "none"
        return Failure(Cause.SIGNATURE, f"your function has the parameters: {own}; it needs {needed}.")
    return None
