"""What an exercise consists of, as frozen data: no behaviour beyond applying an answer to one case."""

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar

from torch import Tensor

from vae_course.exercises.worked import BEGIN, END, cell_text, solution_text

Answer = Callable[..., Any]
Inputs = dict[str, Tensor | int | float]


class UnknownExercise(ValueError):
    """No exercise has this id; the message is one sentence that names the near matches."""


class AnswerError(Exception):
    """Raised by a probe that can't use what the learner's function returned; the message is for the learner."""


@dataclass(frozen=True)
class Misconception:
    """A wrong answer that people really give.

    Args:
        name: a short name, unique within the exercise.
        answer: the wrong answer as code, with the parameters of the reference.
        message: one or two sentences to the learner: what came out, why, what to do.
        variants: the same mistake in other words, which gets the same message.
    """

    name: str
    answer: Answer
    message: str
    variants: tuple[Answer, ...] = ()


@dataclass(frozen=True)
class Alternative:
    """A right answer in another style, named after that style."""

    name: str
    answer: Answer


@dataclass(frozen=True)
class Criterion:
    """One line of the rubric by which a person marks a written answer."""

    text: str
    points: int


@dataclass(frozen=True, kw_only=True, eq=False)
class Task:
    """What every exercise tells the learner.

    Args:
        id: lesson number and name, such as `07-kl`.
        title: a few words.
        points: what it is worth when graded.
        difficulty: 1 (a warm-up) to 5.
        minutes: what a learner needs.
        task: what to do, in one sentence.
        hints: a nudge, the formula, almost the code.
        explanation: why the solution is right, in a few sentences.
    """

    id: str
    title: str
    points: int
    difficulty: int
    minutes: int
    task: str
    hints: tuple[str, str, str]
    explanation: str


@dataclass(frozen=True, kw_only=True, eq=False)
class Exercise(Task):
    """An exercise whose answer is a function that is compared with the reference on inputs drawn from a seed.

    Args:
        reference: the worked answer, a function of the exercise's own file; its name, parameters and text are what the
            learner sees. It is called by position, so other names of parameters do as well.
        returns: what it returns, in words with the shape, such as "one number per example, [B]".
        alternatives: other right answers, each in another style.
        misconceptions: wrong answers with an explanation each.
        cases: a list of inputs from a seed; tensors and numbers only, so that they can travel to a sandbox.
        batch: the input whose first axis is the batch; `None` where there is no batch.
        probe: how an answer is applied to one case; by default it is called with the inputs in order.
        gradients: the inputs by which the gradient is compared too.
        equivalents: answers whose results differ from the reference's and count as right too, such as those of another
            quadrature rule.
        tolerance: allowed difference, relative to the value and to the largest value of the case. It lets float32
            rounding pass and stops half precision.
    """

    kind: ClassVar[str] = "code"

    reference: Answer
    returns: str
    alternatives: tuple[Alternative, ...]
    misconceptions: tuple[Misconception, ...]
    cases: Callable[[int], list[Inputs]]
    batch: str | None = None
    probe: Callable[[Answer, Inputs], Any] | None = None
    gradients: tuple[str, ...] = ()
    equivalents: tuple[Answer, ...] = ()
    tolerance: float = 1e-5

    @functools.cached_property
    def function(self) -> str:
        """The name of the function that the learner writes."""
        return self.reference.__name__

    @functools.cached_property
    def parameters(self) -> tuple[str, ...]:
        """The names of its parameters, in order."""
        return tuple(inspect.signature(self.reference).parameters)

    @functools.cached_property
    def solution(self) -> str:
        """The worked answer as Python source."""
        return solution_text(self.reference)

    @functools.cached_property
    def cell(self) -> str:
        """The worked answer as the code cell of a full notebook, between the markers of a solution."""
        return cell_text(self.reference)

    def apply(self, answer: Answer, case: Inputs) -> Any:
        """The answer's result on one case."""
        return self.probe(answer, case) if self.probe else answer(*case.values())

    def batch_size(self, case: Inputs) -> int | None:
        """The number of examples in a case, where the exercise has a batch."""
        examples = case[self.batch] if self.batch else None
        return len(examples) if isinstance(examples, Tensor) else None


@dataclass(frozen=True, kw_only=True, eq=False)
class Written(Task):
    """An exercise that is answered in words and marked by a person, by its rubric.

    Args:
        solution: the worked answer, in Markdown.
        rubric: what earns its points.
        files: endings of files beside the notebook that are part of the answer, such as ".pdf".
    """

    kind: ClassVar[str] = "written"

    solution: str
    rubric: tuple[Criterion, ...]
    files: tuple[str, ...] = ()

    @functools.cached_property
    def cell(self) -> str:
        """The worked answer as the text cell of a full notebook; as comments the markers stay out of the page."""
        return f"<!-- {BEGIN} -->\n{self.solution.strip()}\n<!-- {END} -->"


AnyExercise = Exercise | Written


class Verdict(StrEnum):
    """What is known of an answer."""

    PASSED = "passed"
    NOT_TRIED = "not tried"
    FAILED = "failed"
    WRITTEN = "written"  # a person reads it
    UNKNOWN = "unknown"  # no exercise has this id


@dataclass(frozen=True)
class Report:
    """The verdict on one answer.

    Args:
        status: what is known of it.
        points: the points earned.
        message: one or two sentences to the learner.
        misconception: the name of the misconception that explains the answer, where one does.
    """

    status: Verdict
    points: int
    message: str
    misconception: str | None = None
