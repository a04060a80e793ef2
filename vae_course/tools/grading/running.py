"""Every answer of one submission through the worker, and what came of each, as data that has been checked."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vae_course.exercises.model import Exercise
from vae_course.exercises.outcomes import Outcome
from vae_course.tools.grading import wire
from vae_course.tools.grading.process import Stopped, Worker
from vae_course.tools.grading.salvage import Found
from vae_course.tools.grading.sandbox import Limits


@dataclass(frozen=True)
class Run:
    """What one run of one answer gave: outcomes, or why it was stopped, or which piece could not be defined.

    Args:
        outcomes: one for each case; empty where there is a reason.
        stopped: what ended it, to follow "your answer".
        forged: whether what came out is nothing that a run of an answer gives.
        piece: the number of the piece of its program that failed, or -1.
        error: what that piece raised.
    """

    outcomes: tuple[Outcome, ...] = ()
    stopped: str = ""
    forged: bool = False
    piece: int = -1
    error: str = ""


class Runner:
    """Runs answers of one submission; a run that breaks a limit costs only itself."""

    def __init__(self, exercises: list[Exercise], limits: Limits, *, boxed: bool) -> None:
        self._limits = limits
        self._worker = Worker(exercises, limits, boxed=boxed)

    def __enter__(self) -> "Runner":
        return self

    def __exit__(self, *_: object) -> None:
        self._worker.__exit__()

    def run(self, exercise: Exercise, found: Found, seed: int) -> Run:
        """Apply an answer to the cases of a seed."""
        assert found.program is not None
        cases = exercise.cases(seed)
        request = {
            "exercise": exercise.id,
            "program": [[piece.cell, piece.source] for piece in found.program.pieces],
            "name": found.name,
            "cases": [wire.pack_case(case) for case in cases],
        }
        try:
            reply = self._ask(request)
            return self._checked(exercise, found, reply, [dict(case) for case in cases])
        except Stopped as error:
            return Run(stopped=str(error), forged="must not" in str(error))
        except wire.Malformed as error:
            self._worker.stop()
            return Run(stopped=f"gave back something that is no result ({error})", forged=True)

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """The worker's reply; an answer that was kept waiting rather than kept computing gets a second chance."""
        try:
            return self._worker.ask(request)
        except Stopped as error:
            if not error.starved:
                raise
            return self._worker.ask(request)

    def _checked(self, exercise: Exercise, found: Found, reply: Mapping[str, Any], cases: list[dict[str, Any]]) -> Run:
        body = _body(reply)
        if body.keys() == {"memory"}:
            return Run(stopped=f"needed more than {self._limits.memory_mb} MB of memory")
        if body.keys() == {"definition"}:
            return _undefined(body["definition"], found)
        if body.keys() != {"outcomes"}:
            raise wire.Malformed("it has other parts")
        return Run(tuple(wire.outcomes_of(body["outcomes"], gradients=exercise.gradients, cases=cases)))


def _body(reply: Mapping[str, Any]) -> dict[str, Any]:
    text = reply.get("body")
    if not isinstance(text, str):
        raise wire.Malformed("it is no text")
    try:
        body = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise wire.Malformed("it is no JSON") from error
    if not isinstance(body, dict):
        raise wire.Malformed("it has no parts")
    return body


def _undefined(problem: Any, found: Found) -> Run:
    """Which piece could not be defined, if it is one of ours."""
    assert found.program is not None
    if not isinstance(problem, dict) or problem.keys() != {"number", "type", "message"}:
        raise wire.Malformed("a failure lacks a part")
    number = problem["number"]
    if type(number) is not int or not 0 <= number < len(found.program.pieces):
        raise wire.Malformed("a failure is of no piece")
    failure = {"kind": "exception", "message": problem["message"], "type": problem["type"], "line": ""}
    checked = wire.unpack_failure(failure)
    assert checked is not None
    return Run(piece=number, error=checked.message or checked.type)
