"""What every test may use: a private cache, seeds, the data where there is some, and tools from beyond pip."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pytest
import torch

from tests.support import colab, programs
from vae_course.data import mnist
from vae_course.support.threads import one_thread

REPOSITORY = Path(__file__).resolve().parents[1]

# For each thing that pip does not install: how to find it, and what to do where it isn't found.
TOOLS: dict[str, tuple[Callable[[], str | None], str]] = {
    "chromium": (programs.find_chromium, "install it: apt-get install chromium"),
    "bwrap": (programs.find_bubblewrap, "install it where user namespaces are allowed: apt-get install bubblewrap"),
    "colab": (colab.find, "make it: make colab"),
    "mnist": (lambda: _mnist(), "point VAE_COURSE_DATA at a folder that holds MNIST/raw"),
}

# What takes longest, so that it begins first where several workers share the tests, and none of them waits for one in the end.
LONGEST = (
    "test_notebooks.py", "test_student_notebooks.py", "test_exercise_proofs.py", "test_book.py", "test_browser_playgrounds.py",
    "test_benchmarks.py", "test_classroom.py", "test_nbgrader.py", "test_injected_bugs.py", "test_command.py", "test_browser",
    "test_sandbox.py", "test_playgrounds.py", "test_bugs.py", "test_lab.py", "test_cluster.py", "test_binder.py",
    "test_recipes", "test_widgets.py", "test_setup.py", "test_gradebook.py", "test_formgrader.py", "test_doctor.py",
)  # fmt: skip

# What `make quick` runs: the tests in these folders that are not marked `slow`. They start no other program.
QUICK = ("core", "data", "exercises", "plotting", "widgets")

_caches: list[str] = []


def pytest_addoption(parser: pytest.Parser) -> None:
    """The option of `make quick`."""
    parser.addoption("--quick", action="store_true", help="leave out notebooks, browsers, trainings and other programs")


def pytest_configure(config: pytest.Config) -> None:
    """Give the run a cache of its own: nothing finished earlier is reused, and the user's cache stays as it is.

    Workers that run side by side share out the cores, also among the kernels and programs that they start.
    """
    if not hasattr(config, "workerinput"):
        _caches.append(tempfile.mkdtemp(prefix="vae-course-tests-"))
        os.environ["VAE_COURSE_CACHE"] = _caches[-1]
        os.environ["VAE_COURSE_STATE"] = os.path.join(_caches[-1], "state")  # noqa: PTH118
        threads = min(2, torch.get_num_threads())  # fewer where OMP_NUM_THREADS says so
    else:
        threads = max(1, (os.cpu_count() or 1) // int(os.environ["PYTEST_XDIST_WORKER_COUNT"]))
        os.environ["OMP_NUM_THREADS"] = str(threads)
    torch.set_num_threads(threads)
    hypothesis.settings.register_profile("course", deadline=None, derandomize=True, max_examples=50)
    hypothesis.settings.load_profile("course")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The longest files first, and the rest in order; with --quick the quick ones only."""

    def place(item: pytest.Item) -> int:
        return next((i for i, name in enumerate(LONGEST) if item.path.name.startswith(name)), len(LONGEST))

    items.sort(key=place)
    if config.getoption("--quick"):
        slow = [item for item in items if item.path.parent.name not in QUICK or item.get_closest_marker("slow")]
        config.hook.pytest_deselected(items=slow)
        items[:] = [item for item in items if item not in set(slow)]


def pytest_unconfigure() -> None:
    """Remove that cache."""
    while _caches:
        shutil.rmtree(_caches.pop(), ignore_errors=True)


@pytest.fixture(autouse=True)
def seeded() -> None:
    """The same random numbers for each test, whichever ran before it."""
    torch.manual_seed(0)


@pytest.fixture(autouse=True)
def alone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """With --quick a test that starts another program fails: it is to be marked `slow`."""
    if request.config.getoption("--quick"):
        refusal = AssertionError("a quick test starts no other program: mark it @pytest.mark.slow")
        monkeypatch.setattr(subprocess.Popen, "__init__", lambda *_, **__: (_ for _ in ()).throw(refusal))


@pytest.fixture(scope="session")
def need() -> Callable[[str], str]:
    """`need("chromium")` is its path; where it isn't there, the test is skipped, or fails with REQUIRE_ALL=1."""
    return _need


@pytest.fixture(scope="session")
def mnist_root() -> Path:
    """The folder that holds MNIST/raw."""
    return Path(_need("mnist"))


def _need(tool: str) -> str:
    find, how = TOOLS[tool]
    path = find()
    if path:
        return path
    sentence = f"{tool} is not here; {how}"
    if os.environ.get("REQUIRE_ALL") == "1":
        pytest.fail(f"{sentence} (REQUIRE_ALL=1: nothing may skip)", pytrace=False)
    pytest.skip(sentence)


def _mnist() -> str | None:
    named = os.environ.get("VAE_COURSE_DATA")
    folder = Path(named) if named else REPOSITORY.parent / "shared" / "data"
    return str(folder.resolve()) if mnist.find(folder) else None


@pytest.fixture
def one_thread_only() -> Iterator[None]:
    """On tensors as small as those of the playgrounds, several threads only wait for each other."""
    with one_thread():
        yield
