"""What goes into grading and what comes out of it, as frozen data that can be written as JSON."""

from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, Protocol

# "passed", "failed" and "not tried" as in `exercises.Report`; "written": a person marks it; "missing": the submission has no
# such answer; "stopped": it broke a limit (time, memory, processes, output) or ended its process.
Status = Literal["passed", "failed", "not tried", "written", "missing", "stopped"]


class GradingError(RuntimeError):
    """Grading can't go on; the message is one sentence to the instructor that says why and what to do.

    A submission never raises one.
    """


class Source(Protocol):
    """Bytes that stay where they are until they are asked for."""

    def read(self) -> bytes:
        """The bytes."""


@dataclass(frozen=True)
class Beside:
    """A file that was handed in beside a notebook: it is kept for a person, and neither opened nor run.

    Args:
        path: where it lies below the notebook's folder, such as `report.pdf`.
        name: where it was found, as the instructor knows it.
        source: where its bytes are.
    """

    path: str
    name: str
    source: Source


@dataclass(frozen=True)
class Submission:
    """One student's notebook of one lesson, as it was found: bytes that nobody has looked into yet.

    Args:
        student: the student's name or id, from the folder or file name.
        lesson: the lesson's number and topic, such as `04_the_elbo`.
        name: where it was found, as the instructor knows it: a relative path, or `archive.zip: path`.
        source: the file's bytes, or where they are.
        problem: why it can't be graded, in one sentence; empty where it can.
        doubts: why a person should look whose it is.
        nameless: whether nothing says whose it is, so that `student` is a name of ours.
        beside: files that were handed in with it.
    """

    student: str
    lesson: str
    name: str
    source: bytes | Source
    problem: str = ""
    doubts: tuple[str, ...] = ()
    nameless: bool = False
    beside: tuple[Beside, ...] = ()

    @property
    def content(self) -> bytes:
        """The file's bytes; none of a file that can't be graded."""
        if self.problem:
            return b""
        return self.source if isinstance(self.source, bytes) else self.source.read()

    def loaded(self) -> "Submission":
        """The same with its bytes in memory and without files beside it, as it goes to another machine."""
        return replace(self, source=self.content, beside=())


@dataclass(frozen=True)
class Mark:
    """The verdict on one exercise of one submission.

    Args:
        exercise: its id, such as `04-elbo`.
        status: see `Status`.
        points: the points earned so far; a written answer has 0 until a person marks it.
        max_points: what the exercise is worth.
        message: one or two sentences to the student; never a hidden input or an expected value.
        misconception: the name of the misconception that explains the answer, where one does.
        doubts: why a person should look at it; empty where there is no doubt.
        answer: the student's own source or text, for feedback and for the person who marks it.
        held: whether it is a person who decides, because its values say nothing against it and its code looks odd.
    """

    exercise: str
    status: Status
    points: int
    max_points: int
    message: str
    misconception: str | None = None
    doubts: tuple[str, ...] = ()
    answer: str = ""
    held: bool = False

    def but(self, *doubts: str, **changed: Any) -> "Mark":
        """The same with more doubts, each of them once, and with other facts."""
        return replace(self, doubts=tuple(dict.fromkeys((*self.doubts, *doubts))), **changed)


@dataclass(frozen=True)
class Graded:
    """What grading made of one submission.

    Args:
        student, lesson, name: as in the submission.
        marks: one for each exercise of the lesson, in the lesson's order, always all of them.
        problem: why nothing in the file could be graded, in one sentence; empty where it could.
        doubts: why a person should look at the submission as a whole.
        seconds: how long grading took.
        ungraded: whether it is grading that failed, and no fault of the submission; it is tried again next time.
        nameless: as in the submission.
    """

    student: str
    lesson: str
    name: str
    marks: tuple[Mark, ...]
    problem: str = ""
    doubts: tuple[str, ...] = ()
    seconds: float = 0.0
    ungraded: bool = False
    nameless: bool = False

    @property
    def points(self) -> int:
        """The points earned so far."""
        return sum(mark.points for mark in self.marks)

    @property
    def max_points(self) -> int:
        """What the lesson is worth."""
        return sum(mark.max_points for mark in self.marks)

    @property
    def to_mark(self) -> int:
        """What the written answers that wait for a person are worth."""
        return sum(mark.max_points for mark in self.marks if mark.status == "written")

    @property
    def reasons(self) -> list[str]:
        """Why a person should look at it, its exercises named; written answers aside."""
        of_marks = [f"{mark.exercise}: {doubt}" for mark in self.marks for doubt in mark.doubts]
        return [*([self.problem] if self.problem else []), *self.doubts, *of_marks]

    def needs_person(self) -> bool:
        """Whether somebody should look at it for another reason than a written answer."""
        return bool(self.reasons)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Graded":
        """The same again from `to_dict`, also after a trip through JSON."""
        marks = tuple(Mark(**{**mark, "doubts": tuple(mark["doubts"])}) for mark in values["marks"])
        return cls(**{**values, "marks": marks, "doubts": tuple(values["doubts"])})
