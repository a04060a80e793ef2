"""A stand-in for Colab: its versions, its Python, a module by which it is known, and a kernel that runs a notebook there."""

import os
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]
VERSIONS = REPOSITORY / "tests" / "support" / "fixtures" / "colab.txt"
PYTHON = REPOSITORY / ".venv" / "colab" / "bin" / "python"

# What code looks at to know that it runs in Colab, and what anywidget asks of it.
STARTUP = """
import sys, types
google, colab, output = (types.ModuleType(name) for name in ("google", "google.colab", "google.colab.output"))
google.colab, colab.output = colab, output
output.enable_custom_widget_manager = lambda: None
output._widgets = types.SimpleNamespace(_installed_url="https://manager.example")
sys.modules |= {module.__name__: module for module in (google, colab, output)}
"""


def versions() -> dict[str, str]:
    """The version of each package that Colab brings."""
    lines = [line for line in VERSIONS.read_text(encoding="utf-8").split() if "==" in line]
    return dict(line.split("==") for line in lines)


def find() -> str | None:
    """The stand-in's Python, where `make colab` has made it."""
    return str(PYTHON) if (PYTHON.parents[1] / "ready").is_file() else None


def installed(python: str) -> dict[str, str]:
    """What is installed there, with versions."""
    listing = [python, "-m", "pip", "--disable-pip-version-check", "list", "--format=freeze"]
    done = subprocess.run(listing, capture_output=True, text=True, check=True)
    return dict(line.split("==") for line in done.stdout.split() if "==" in line)


def snapshot(target: Path) -> Path:
    """A git repository with one commit, which holds every file of the working tree."""
    names = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=REPOSITORY, capture_output=True, check=True
    ).stdout
    with tempfile.TemporaryFile() as archive:
        tar = ["tar", "--create", "--null", "--ignore-failed-read", "--files-from=-"]
        subprocess.run(tar, cwd=REPOSITORY, input=names, stdout=archive, stderr=subprocess.DEVNULL, check=True)
        archive.seek(0)
        target.mkdir(parents=True)
        subprocess.run(["tar", "--extract"], cwd=target, stdin=archive, check=True)
    who = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
    for command in (["init", "--quiet", "--initial-branch=main"], ["add", "--all"], [*who, "commit", "-qm", "all"]):
        subprocess.run(["git", *command], cwd=target, check=True)
    return target


@contextmanager
def profile() -> Iterator[str]:
    """An IPython folder whose kernels start as if in Colab."""
    # A kernel that is going still writes there, so a folder that won't go yet is left to the system.
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        startup = Path(folder) / "profile_default" / "startup"
        startup.mkdir(parents=True)
        (startup / "00_colab.py").write_text(STARTUP)
        yield folder


def run(notebook: Any, *, folder: Path, python: str, environment: dict[str, str], prefix: Sequence[str] = ()) -> None:
    """Run a notebook in the stand-in; raises nbclient's CellExecutionError at the first cell that fails."""
    from jupyter_client.manager import AsyncKernelManager
    from nbclient import NotebookClient
    from traitlets import default

    with profile() as home:

        class Colab(AsyncKernelManager):
            """A kernel of the stand-in instead of one that is registered here, reached by files where it has no network."""

            @default("transport")
            def _files(self) -> str:
                return "ipc"

            @default("ip")
            def _place(self) -> str:
                return f"{home}/kernel"

            def format_kernel_cmd(self, extra_arguments: list[str] | None = None) -> list[str]:
                return [*prefix, python, "-m", "ipykernel_launcher", "-f", self.connection_file]

        own = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VAE_COURSE_DATA")}
        client = NotebookClient(
            notebook,
            kernel_manager_class=Colab,
            timeout=600,
            store_widget_state=False,
            resources={"metadata": {"path": str(folder)}},
        )
        client.execute(env=own | {"IPYTHONDIR": home, "VAE_COURSE_PROGRESS": "0"} | environment)
