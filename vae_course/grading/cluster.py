"""The same grading on a Dask cluster that is there already: each submission a task, sandboxed on its worker."""

import dataclasses
import hashlib
import time
from pathlib import Path
from types import TracebackType
from typing import Any

from .errors import GradingError
from .model import Graded, Mark, Submission

# How long to wait for a scheduler's answer, for workers to come back when all are gone, and between looks.
_CONNECT, _PATIENCE, _LOOK = 20.0, 120.0, 5.0
# How often a submission is handed in again after the scheduler has given up on it. The scheduler gives up when three
# workers (`distributed.scheduler.allowed-failures`) ended while they had it, perhaps because of another one beside it.
_AGAIN = 1


class Cluster:
    """A connection to a Dask scheduler, as a context manager; `grade` is called from as many threads as there are `slots`.

    Args:
        address: the scheduler's, such as `tcp://10.0.0.5:8786`.
        limits, sandbox, seed: as for `grade_submission`.
        patience: how many seconds to wait for a worker when there is none.

    Raises:
        GradingError: Dask is not installed, nobody answers, there are no workers, or a worker differs from this machine.
    """

    def __init__(self, address: str, *, limits: Any, sandbox: bool, seed: int, patience: float = _PATIENCE) -> None:
        self.client = _connect(address)
        self.settings = {"limits": limits, "sandbox": sandbox, "seed": seed}
        self.patience = patience
        try:
            _compare_workers(self.client)
        except BaseException:
            self.client.close()
            raise

    def __enter__(self) -> "Cluster":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.client.close()

    @property
    def slots(self) -> int:
        """How many submissions to hand in at a time: two for each thread of each worker, so that none waits for us."""
        return max(2 * sum(self.client.nthreads().values()), 1)

    def grade(self, submission: Submission, **_: Any) -> Graded:
        """Grade one submission on a worker, and on another one where that is lost.

        A submission during which workers keep ending gets no marks, and a sentence that says so.

        Raises:
            GradingError: no worker is left, or a worker can't grade at all.
        """
        from distributed.client import FutureCancelledError
        from distributed.scheduler import KilledWorker

        for _attempt in range(1 + _AGAIN):
            task = self.client.submit(_grade, submission, self.settings, pure=False)
            try:
                return Graded.from_dict(self._wait(task))
            except KilledWorker:
                continue
            except FutureCancelledError as error:
                raise GradingError(
                    "The cluster's scheduler went away: start it and run the same command again."
                ) from error
        return _without_marks(submission)

    def _wait(self, task: Any) -> dict[str, Any]:
        """A task's result, as long as there are workers that may bring it."""
        alone_since: float | None = None
        while True:
            try:
                result: dict[str, Any] = task.result(timeout=_LOOK)
                return result
            except TimeoutError:
                if task.done():
                    raise
            alone_since = None if self.client.nthreads() else alone_since or time.monotonic()
            if alone_since and time.monotonic() - alone_since > self.patience:
                task.cancel()
                raise GradingError(
                    f"The cluster has had no worker for {self.patience:.0f} s: start workers and run the same command again, "
                    "which goes on where it stopped."
                )


def package_digest() -> str:
    """Changes with any source of the package, so that two machines that agree give the same marks."""
    folder = Path(__file__).resolve().parents[1]
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _grade(submission: Submission, settings: dict[str, Any]) -> dict[str, Any]:
    """Runs on a worker."""
    from vae_course.grading.single import grade_submission

    return grade_submission(submission, **settings).to_dict()


def _connect(address: str) -> Any:
    try:
        from distributed import Client
    except ModuleNotFoundError as error:
        raise GradingError(
            "--cluster needs Dask: run `pip install distributed` here and on every worker, all in the same version."
        ) from error
    try:
        return Client(address, timeout=_CONNECT, set_as_default=False)
    except (OSError, ValueError) as error:
        raise GradingError(
            f"No Dask scheduler answers at {address}: start one by `dask scheduler` and give the address that it prints."
        ) from error


def _compare_workers(client: Any) -> None:
    """See that there are workers, each with the same package as here."""
    if not client.nthreads():
        raise GradingError(
            "The cluster has no workers: start some by `dask worker ADDRESS`, in the course's environment."
        )
    own = package_digest()
    found = client.run(_digest_there, on_error="return")
    for worker, digest in sorted(found.items()):
        if digest != own:
            raise GradingError(
                f"The worker {worker} has no vae_course or another version of it, so its marks might differ: install the "
                "checkout that this command runs from on every worker, and start the workers again."
            )


def _digest_there() -> str:
    from vae_course.grading.cluster import package_digest

    return package_digest()


def _without_marks(submission: Submission) -> Graded:
    from ..exercises import all_exercises

    exercises = [exercise for exercise in all_exercises() if exercise.id[:2] == submission.lesson[:2]]
    sentence = "Workers kept ending while they graded this submission, so it has no marks: grade it by itself, without --cluster."
    marks = tuple(Mark(exercise.id, "stopped", 0, exercise.points, "This was not graded.") for exercise in exercises)
    empty = Graded(submission.student, submission.lesson, submission.name, marks)
    return dataclasses.replace(empty, problem=sentence)
