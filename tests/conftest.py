"""What every test may use: a private cache, seeds, the data where there is some, and tools from beyond pip."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pytest
import torch

from vae_course import doctor, mnist
from vae_course.threads import one_thread

REPOSITORY = Path(__file__).resolve().parents[1]

# For each thing that pip does not install: how to find it, and what to do where it isn't found.
TOOLS: dict[str, tuple[Callable[[], str | None], str]] = {
    "chromium": (doctor.find_chromium, "install it: apt-get install chromium"),
    "bwrap": (doctor.find_bubblewrap, "install it where user namespaces are allowed: apt-get install bubblewrap"),
    "mnist": (lambda: _mnist(), "point VAE_COURSE_DATA at a folder that holds MNIST/raw"),
}

_caches: list[str] = []


def pytest_configure(config: pytest.Config) -> None:
    """Give the run a cache of its own: nothing finished earlier is reused, and the user's cache stays as it is."""
    if not hasattr(config, "workerinput"):
        _caches.append(tempfile.mkdtemp(prefix="vae-course-tests-"))
        os.environ["VAE_COURSE_CACHE"] = _caches[-1]
    torch.set_num_threads(2)
    hypothesis.settings.register_profile("course", deadline=None, derandomize=True, max_examples=50)
    hypothesis.settings.load_profile("course")


def pytest_unconfigure() -> None:
    """Remove that cache."""
    while _caches:
        shutil.rmtree(_caches.pop(), ignore_errors=True)


@pytest.fixture(autouse=True)
def seeded() -> None:
    """The same random numbers for each test, whichever ran before it."""
    torch.manual_seed(0)


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
