"""Grading on a Dask cluster: one that kills its workers is reported, a lost scheduler's results are taken up again.

That a lost worker's submissions are graded again, with the same marks as here, is in test_command.py.
"""

import gc
import json
import logging
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import dask
import distributed
import pytest

from vae_course.tools.grading import Graded, GradingError, Submission
from vae_course.tools.grading import cluster as grading_cluster
from vae_course.tools.grading.cluster import Cluster
from vae_course.tools.grading.mark.classes import grade_class
from vae_course.tools.grading.read import statements

LESSON = "00_start_here"


# In the place of `vae_course.tools.grading.mark` on the workers: it needs no sandbox and no torch, takes long enough to be
# interrupted, and one submission takes its worker with it.
STAND_IN = """
import os, signal, sys, time, types
from vae_course.tools.grading import Graded, Mark

def grade_submission(submission, **settings):
    if submission.content == b"kills workers":
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.2)
    points = int(submission.content) % 3
    return Graded(submission.student, submission.lesson, submission.name, (Mark("00-codes", "passed", points, 2, ""),))

mark = types.ModuleType("vae_course.tools.grading.mark")
mark.grade_submission = grade_submission
sys.modules["vae_course.tools.grading.mark"] = mark
"""


@pytest.fixture
def workers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[distributed.LocalCluster]:
    """A scheduler and two worker processes that grade by `STAND_IN`; the scheduler gives up on the second lost worker."""
    root = Path(__file__).resolve().parents[2]
    preload = tmp_path / "preload.py"
    preload.write_text(STAND_IN)
    monkeypatch.setenv("PYTHONPATH", str(root))
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 1}),
        distributed.LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            processes=True,
            dashboard_address=":0",
            preload=[str(preload)],
            local_directory=str(tmp_path / "scratch"),
            silence_logs=logging.CRITICAL,
        ) as running,
    ):
        yield running


def submissions(n: int) -> list[Submission]:
    return [Submission(f"s{i:02}", LESSON, f"s{i:02}.ipynb", str(i).encode()) for i in range(n)]


def test_a_submission_that_kills_its_workers_is_reported_and_the_others_get_their_marks(
    workers: distributed.LocalCluster, tmp_path: Path
) -> None:
    killer = replace(submissions(1)[0], student="killer", source=b"kills workers")
    handed_in = [killer, *submissions(3)]
    # Both workers end, and how long new ones take is not what is asked here.
    with Cluster(workers.scheduler_address, sandbox=False, patience=3600) as cluster:
        assert cluster.slots == 4
        graded = grade_class(handed_in, tmp_path, jobs=2, sandbox=False, progress=False, grade=cluster.grade)
        cluster.raise_failure()
    assert "Workers kept ending" in graded[0].problem
    assert graded[0].points == 0
    assert graded[0].needs_person()
    assert [row.points for row in graded[1:]] == [0, 1, 2]


def test_a_lost_scheduler_is_one_sentence_and_the_marks_made_so_far_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).resolve().parents[2]))
    (tmp_path / "preload.py").write_text(STAND_IN)
    handed_in, kept = submissions(12), tmp_path / "results"
    with far_away(tmp_path / "first") as (address, scheduler), Cluster(address, sandbox=False) as cluster:

        def grade(submission: Submission, **settings: Any) -> Graded:
            if len(list(kept.rglob("*.json"))) >= 4:
                scheduler.kill()
            return cluster.grade(submission, **settings)

        graded = grade_class(handed_in, kept, jobs=2, sandbox=False, progress=False, grade=grade)
        with pytest.raises(GradingError, match=r"^The cluster's scheduler went away: .* goes on where it stopped\.$"):
            cluster.raise_failure()
    good = [row for row in graded if not row.problem]
    assert 4 <= len(good) < 12
    assert "Traceback" not in capfd.readouterr().err
    seen: list[str] = []
    with far_away(tmp_path / "second") as (address, _), Cluster(address, sandbox=False) as cluster:

        def again(submission: Submission, **settings: Any) -> Graded:
            seen.append(submission.student)
            return cluster.grade(submission, **settings)

        graded = grade_class(handed_in, kept, jobs=2, sandbox=False, progress=False, grade=again)
    assert [row.points for row in graded] == [i % 3 for i in range(12)]
    assert len(seen) == 12 - len(good), "what had its marks was not graded again"


@contextmanager
def far_away(folder: Path) -> Iterator[tuple[str, "subprocess.Popen[bytes]"]]:
    """A scheduler and a worker, each in a process of its own; the scheduler's address and process."""
    folder.mkdir()
    place = folder / "scheduler.json"
    python = [sys.executable, "-m"]
    started = [*python, "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard"]
    scheduler = subprocess.Popen(
        [*started, "--scheduler-file", str(place)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    started = [*python, "distributed.cli.dask_worker", "--scheduler-file", str(place), "--nthreads", "1"]
    started += ["--no-nanny", "--no-dashboard", "--preload", str(folder.parent / "preload.py")]
    worker = None
    try:
        deadline = time.monotonic() + 60
        while not (place.is_file() and place.read_text().endswith("}")) and time.monotonic() < deadline:
            time.sleep(0.1)
        address = json.loads(place.read_text())["address"]
        worker = subprocess.Popen(
            [*started, "--local-directory", str(folder)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        with distributed.Client(address, set_as_default=False) as client:
            client.wait_for_workers(1, timeout=60)
        yield address, scheduler
    finally:
        for process in (scheduler, worker):
            if process is not None:
                process.kill()
                process.wait()


def test_without_workers_grading_gives_up_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grading_cluster, "_LOOK", 0.2)
    monkeypatch.setattr(grading_cluster, "_compare_workers", lambda *_, **__: None)
    with distributed.LocalCluster(n_workers=0, dashboard_address=":0", silence_logs=logging.CRITICAL) as empty:
        with Cluster(empty.scheduler_address, patience=0.5) as cluster:
            grade_class(submissions(3), tmp_path, sandbox=False, progress=False, grade=cluster.grade)
            with pytest.raises(GradingError, match="no worker for 0 s.*goes on where it stopped"):
                cluster.raise_failure()
        monkeypatch.undo()
        with pytest.raises(GradingError, match="no workers: start some"):
            Cluster(empty.scheduler_address)


def test_an_address_where_nobody_answers_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grading_cluster, "_CONNECT", 1.0)
    with pytest.raises(GradingError, match="No Dask scheduler answers at tcp://127.0.0.1:9"):
        Cluster("tcp://127.0.0.1:9")


@pytest.mark.parametrize(
    ("version", "sandbox", "sentence"),
    [
        ("more", "", r"^The worker tcp://b:2 .* another version"),
        ("", "bubblewrap is not here.", r"^On the worker tcp://b:2: bubblewrap is not here\.$"),
    ],
    ids=["version", "sandbox"],
)
def test_a_worker_that_cannot_grade_is_refused_by_its_name(version: str, sandbox: str, sentence: str) -> None:
    class Client:
        def nthreads(self) -> dict[str, int]:
            return {"tcp://a:1": 1, "tcp://b:2": 1}

        def run(self, *_: Any, **__: Any) -> dict[str, tuple[str, str]]:
            own = grading_cluster.package_digest()
            return {"tcp://a:1": (own, ""), "tcp://b:2": (own + version, sandbox)}

    with pytest.raises(GradingError, match=sentence):
        grading_cluster._compare_workers(Client(), sandbox=True)


def test_threads_of_a_worker_may_read_notebooks_at_the_same_time() -> None:
    """Dask watches the garbage collector, and on Python 3.11 that made `ast.parse` fail in one of several threads."""
    gc.callbacks.append(watch := lambda *_: sum(range(500)))
    before = sys.getswitchinterval()
    source = "\n".join(f"def f{i}(a, b):\n    return [x for x in range({i})][0] / (a + b * {i})" for i in range(300))
    try:
        sys.setswitchinterval(1e-5)
        with ThreadPoolExecutor(4) as pool:
            assert all(pool.map(lambda _: statements.parse(source) and not statements.syntax_error(source), range(16)))
    finally:
        sys.setswitchinterval(before)
        gc.callbacks.remove(watch)
