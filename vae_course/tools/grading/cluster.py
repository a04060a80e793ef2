"""The same grading on a Dask cluster that is there already: each submission a task, sandboxed on its worker."""

import logging
from types import TracebackType
from typing import Any, NoReturn

from vae_course.support.sources import source_digest
from vae_course.tools.grading.model import Graded, GradingError, Submission

# How long to wait for a scheduler's answer, for workers to come back when all are gone, and between looks.
_CONNECT, _PATIENCE, _LOOK = 20.0, 120.0, 5.0
# How often a submission is handed in again after the scheduler has given up on it. The scheduler gives up when three
# workers (`distributed.scheduler.allowed-failures`) ended while they had it, perhaps because of another one beside it.
_AGAIN = 1


class Cluster:
    """A connection to a Dask scheduler, as a context manager; `grade` is called from as many threads as there are `slots`.

    Args:
        address: the scheduler's, such as `tcp://10.0.0.5:8786`.
        sandbox: whether every worker must be able to make a sandbox.
        patience: how many seconds to wait for a worker when there is none.

    Raises:
        GradingError: Dask is not installed, nobody answers, there are no workers, or a worker differs from this machine.
    """

    def __init__(self, address: str, *, sandbox: bool = True, patience: float = _PATIENCE) -> None:
        self.client = _connect(address)
        self.patience = patience
        self.failure: GradingError | None = None
        self._logger = logging.getLogger("distributed.client")
        self._level = self._logger.level
        try:
            _compare_workers(self.client, sandbox=sandbox)
        except BaseException:
            self.client.close()
            raise
        # A scheduler that goes away is told in one sentence of ours; Dask would put its traceback before that.
        self._logger.setLevel(logging.CRITICAL + 1)

    def __enter__(self) -> "Cluster":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.client.close()
        self._logger.setLevel(self._level)

    @property
    def slots(self) -> int:
        """How many submissions to hand in at a time: two for each thread of each worker, so that none waits for us."""
        return max(2 * sum(self.client.nthreads().values()), 1)

    def raise_failure(self) -> None:
        """Raise what kept the cluster as a whole from going on, if anything did."""
        if self.failure is not None:
            raise self.failure

    def grade(self, submission: Submission, **settings: Any) -> Graded:
        """Grade one submission on a worker, and on another one where that is lost; arguments as for `grade_submission`.

        Raises:
            GradingError: workers keep ending while they have it, or (then `raise_failure` raises it too) none is left.
        """
        from distributed.scheduler import KilledWorker

        self.raise_failure()
        for _attempt in range(1 + _AGAIN):
            task = self.client.submit(_grade, submission, settings, pure=False)
            try:
                return Graded.from_dict(self._wait(task))
            except KilledWorker:
                continue
        raise GradingError("Workers kept ending while they had this submission: grade it by itself, without --cluster.")

    def _wait(self, task: Any) -> dict[str, Any]:
        """A task's result, as long as there are workers that may bring it."""
        from distributed.client import FutureCancelledError

        while True:
            self.raise_failure()
            try:
                result: dict[str, Any] = task.result(timeout=_LOOK)
                return result
            except FutureCancelledError:
                self._give_up("The cluster's scheduler went away: start it")
            except TimeoutError:
                if task.done():  # its own
                    raise
                self._await_workers()

    def _await_workers(self) -> None:
        try:
            self.client.wait_for_workers(1, timeout=self.patience)
        except TimeoutError:
            self._give_up(f"The cluster has had no worker for {self.patience:.0f} s: start workers")
        except (OSError, ValueError):
            pass  # no scheduler: the task says so

    def _give_up(self, why: str) -> NoReturn:
        self.failure = GradingError(f"{why} and run the same command again, which goes on where it stopped.")
        raise self.failure


def package_digest() -> str:
    """Changes with any source of the package, so that two machines that agree give the same marks."""
    return source_digest("vae_course")


def _grade(submission: Submission, settings: dict[str, Any]) -> dict[str, Any]:
    """Runs on a worker."""
    from vae_course.tools.grading.mark import grade_submission

    return grade_submission(submission, **settings).to_dict()


def _connect(address: str) -> Any:
    try:
        from distributed import Client
    except ModuleNotFoundError:
        raise GradingError(
            "--cluster needs Dask: run `pip install distributed` here and on every worker, all in the same version."
        ) from None
    try:
        return Client(address, timeout=_CONNECT, set_as_default=False)
    except (OSError, ValueError):
        raise GradingError(
            f"No Dask scheduler answers at {address}: start one by `dask scheduler` and give the address that it prints."
        ) from None


def _compare_workers(client: Any, *, sandbox: bool) -> None:
    """See that there are workers, each with the same package as here and with a sandbox."""
    if not client.nthreads():
        raise GradingError(
            "The cluster has no workers: start some by `dask worker ADDRESS`, in the course's environment."
        )
    own = package_digest()
    for worker, found in sorted(client.run(_look, sandbox, on_error="return").items()):
        if not isinstance(found, tuple) or found[0] != own:
            raise GradingError(
                f"The worker {worker} has no vae_course or another version of it, so its marks might differ: install the "
                "checkout that this command runs from on every worker, and start the workers again."
            )
        if found[1]:
            raise GradingError(f"On the worker {worker}: {found[1]}")


def _look(sandbox: bool) -> tuple[str, str]:
    """Runs on each worker: which package it has, and why it can't make a sandbox, if it can't."""
    from vae_course.tools.grading.cluster import package_digest

    if not sandbox:
        return package_digest(), ""
    from vae_course.tools.grading.sandbox.bubblewrap import SandboxMissing, find

    try:
        find()
    except SandboxMissing as error:
        return package_digest(), str(error)
    return package_digest(), ""
