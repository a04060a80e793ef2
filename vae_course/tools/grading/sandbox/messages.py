"""What goes into the sandbox and what comes out of it: plain numbers and text as JSON, checked strictly on arrival.

A request holds a program and inputs; what comes back is outcomes, or which statement failed, or that memory ran out.

Nothing here unpickles, and nothing that arrives is trusted: a value of another type, shape or size is refused.
"""

import base64
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vae_course.exercises.outcomes import Array, Cause, Failure, Outcome, Value

DTYPES = frozenset(
    "bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 float32 float64 complex64 complex128".split()
)
# More numbers than any exercise asks for, and few enough for JSON.
NUMBERS = 1_000_000
AXES = 16
NAMES = 64
LETTERS = 400


class Malformed(ValueError):
    """What came out of the sandbox is not what a run of an answer gives; the message says what is wrong."""


@dataclass(frozen=True)
class Undefined:
    """The number of the statement of a program that failed, and what it raised."""

    statement: int
    error: str


@dataclass(frozen=True)
class Results:
    """The outcomes of all cases, and whether a module of the course was looked for that the sandbox does not have."""

    outcomes: tuple[Outcome, ...]
    sought: bool


def request(
    exercise: str, program: Sequence[tuple[str, int, str]], name: str, cases: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    """What the worker is asked: to run statements, each with its cell and the lines above it, then apply what is called so."""
    return {"exercise": exercise, "program": program, "name": name, "cases": [pack_case(case) for case in cases]}


def result(
    text: str, *, statements: int, gradients: tuple[str, ...], cases: Sequence[dict[str, Any]]
) -> Results | Undefined | None:
    """What came out of a run of so many statements on these cases; None where its memory ran out.

    Raises:
        Malformed: it is anything else than a run of an answer gives.
    """
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        raise Malformed("it is no JSON") from None
    match body:
        case {"memory": _, **more} if not more:
            return None
        case {"definition": problem, **more} if not more:
            return _undefined(problem, statements)
        case {"outcomes": rows, "sought": bool(sought), **more} if not more:
            return Results(tuple(outcomes_of(rows, gradients=gradients, cases=cases)), sought)
    raise Malformed("it has other parts")


def _undefined(problem: Any, statements: int) -> Undefined:
    if not isinstance(problem, dict) or problem.keys() != {"number", "type", "message"}:
        raise Malformed("a failure lacks a part")
    number = problem["number"]
    if type(number) is not int or not 0 <= number < statements:
        raise Malformed("a failure is of no statement")
    return Undefined(number, _words(problem["message"]) or _words(problem["type"]))


def pack_case(case: dict[str, Any]) -> dict[str, Any]:
    """The inputs of one case, ready for JSON."""
    return {name: pack(v.detach().numpy()) if isinstance(v, Tensor) else v for name, v in case.items()}


def unpack_case(case: dict[str, Any]) -> dict[str, Any]:
    """The inputs again: tensors and numbers."""
    return {name: torch.from_numpy(unpack(v)) if isinstance(v, dict) else v for name, v in case.items()}


def pack(array: Array) -> dict[str, Any]:
    """An array of numbers, ready for JSON; one of anything else comes out as empty."""
    if str(array.dtype) not in DTYPES or array.size > NUMBERS or array.ndim > AXES:
        array = np.empty(0, array.dtype if str(array.dtype) in DTYPES else np.float64)
    return {
        "dtype": str(array.dtype),
        "shape": list(array.shape),
        "data": base64.b64encode(np.ascontiguousarray(array).tobytes()).decode(),
    }


def unpack(value: Any) -> Array:
    """The array again.

    Raises:
        Malformed: it is no array of numbers of the size that it claims.
    """
    if not isinstance(value, dict) or value.keys() != {"dtype", "shape", "data"}:
        raise Malformed("an array is missing")
    dtype, shape, data = value["dtype"], value["shape"], value["data"]
    if not isinstance(dtype, str) or dtype not in DTYPES:
        raise Malformed("an array holds no numbers")
    if not isinstance(shape, list) or len(shape) > AXES or not all(type(n) is int and 0 <= n <= NUMBERS for n in shape):
        raise Malformed("an array has no shape")
    if math.prod(shape) > NUMBERS or not isinstance(data, str):
        raise Malformed("an array is too large")
    try:
        numbers = base64.b64decode(data, validate=True)
    except ValueError:
        raise Malformed("an array is damaged") from None
    if len(numbers) != math.prod(shape) * np.dtype(dtype).itemsize:
        raise Malformed("an array is not as large as it claims")
    if dtype == "bool" and numbers.strip(b"\0\1"):
        raise Malformed("an array is damaged")
    return np.frombuffer(numbers, dtype=dtype).reshape(shape).copy()


def pack_outcome(part: Any) -> Any:
    """An outcome, or a part of one, ready for JSON; texts are cut to what is read of them."""
    if is_dataclass(part):
        return {field.name: pack_outcome(getattr(part, field.name)) for field in fields(part)}
    if isinstance(part, dict):
        return {name[:LETTERS]: pack_outcome(inner) for name, inner in part.items()}
    if isinstance(part, tuple):
        return [pack_outcome(inner) for inner in part]
    if isinstance(part, np.ndarray | np.generic):
        return pack(np.asarray(part))
    return part[:LETTERS] if isinstance(part, str) else part


def outcomes_of(rows: Any, *, gradients: tuple[str, ...], cases: Sequence[dict[str, Any]]) -> list[Outcome]:
    """The outcomes of all cases, from the JSON that came out of the sandbox.

    Raises:
        Malformed: it is anything else than a run of an answer gives.
    """
    if not isinstance(rows, list) or len(rows) != len(cases):
        raise Malformed("it has another number of results")
    return [_outcome(row, gradients, set(case)) for row, case in zip(rows, cases, strict=True)]


def _outcome(row: Any, gradients: tuple[str, ...], inputs: set[str]) -> Outcome:
    _see_parts(row, Outcome)
    failure, second = _failure(row["failure"]), _failure(row["second_failure"])
    slopes = {name: None if g is None else unpack(g) for name, g in _named(row["gradients"]).items()}
    after = {name: unpack(array) for name, array in _named(row["after"]).items()}
    if slopes.keys() != (set() if failure or second else set(gradients)):
        raise Malformed("it has other gradients")
    if after.keys() != inputs and not (failure and not after):
        raise Malformed("it has other inputs")
    values, again = _values(row["values"]), _values(row["again"])
    if (failure and values) or ((failure or second) and again):
        raise Malformed("it has values in spite of a failure")
    changes = row["changes"]
    if not isinstance(changes, list) or len(changes) > NAMES or type(row["drew"]) is not bool:
        raise Malformed("an outcome is not as it should be")
    return Outcome(values, again, slopes, after, failure, second, tuple(map(_words, changes)), row["drew"])


def _see_parts(row: Any, kind: type) -> None:
    """Raise Malformed unless a row has the parts of this dataclass, and no more."""
    if not isinstance(row, dict) or row.keys() != {field.name for field in fields(kind)}:
        raise Malformed(f"the parts of {kind.__name__} are not all there")


def _values(rows: Any) -> dict[str, Value]:
    return {name: _value(row) for name, row in _named(rows).items()}


def _value(row: Any) -> Value:
    _see_parts(row, Value)
    array = unpack(row["array"])
    kind, dtype = _words(row["kind"]), _words(row["dtype"])
    if kind == "tensor" and dtype not in (str(array.dtype), "bfloat16"):
        raise Malformed("a tensor is not of the type that it claims")
    return Value(kind, dtype, array)


def _named(rows: Any) -> dict[str, Any]:
    if not isinstance(rows, dict) or len(rows) > NAMES or not all(len(name) <= LETTERS for name in rows):
        raise Malformed("it has too many parts")
    return rows


def _failure(row: Any) -> Failure | None:
    """A failure, or None, in letters that can be printed."""
    if row is None:
        return None
    _see_parts(row, Failure)
    if row["kind"] not in list(Cause):
        raise Malformed("a failure has no cause")
    return Failure(Cause(row["kind"]), **{name: _words(row[name]) for name in ("message", "type", "line")})


def _words(text: Any) -> str:
    if not isinstance(text, str):
        raise Malformed("a text is missing")
    return "".join(letter if letter.isprintable() else " " for letter in text[:LETTERS])
