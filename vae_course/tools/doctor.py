"""What the course finds on this machine: `vae-course doctor` in a terminal, `doctor.run()` in a notebook.

Nothing is installed, downloaded or changed by looking. The module imports without PyTorch, so that it can say that
PyTorch is missing.
"""

import argparse
import importlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal

Status = Literal["ok", "missing", "optional"]

WIDTH = 80
REINSTALL = "pip install --upgrade torch torchvision"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
MAC_BROWSERS = tuple(f"/Applications/{name}.app/Contents/MacOS/{name}" for name in ("Chromium", "Google Chrome"))
SANDBOX = ("--ro-bind", "/", "/", "--unshare-net", "--unshare-pid", "--die-with-parent", "true")


@dataclass(frozen=True)
class Finding:
    """One line of the report: a thing's name, whether it's there, what was found, and how to get it.

    `missing` is something that the lessons need; `optional` something absent that only a part of the course needs.
    """

    name: str
    status: Status
    found: str
    fix: str = ""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`vae-course doctor` takes no options."""


def run(args: argparse.Namespace | None = None) -> int | None:
    """Print the report on this machine. As a command it gives back 0 where all is there that lessons need, else 1."""
    findings = diagnose()
    print(report(findings))
    return None if args is None else int(not complete(findings))


def diagnose() -> list[Finding]:
    """Look at everything that the course uses, the things that lessons need first."""
    return [
        _python(),
        _torch(),
        _torchvision(),
        _device(),
        _ipywidgets(),
        _extension(),
        _data(),
        _writable("this folder", Path.cwd(), "start from a folder that you may write to"),
        _cache(),
        _chromium(),
        _bubblewrap(),
    ]


def complete(findings: Sequence[Finding]) -> bool:
    """Whether everything that the lessons need is there."""
    return all(finding.status != "missing" for finding in findings)


def report(findings: Sequence[Finding]) -> str:
    """One screen of text: at most 80 columns, one line for each finding and one more where there is something to do."""
    return "\n".join(
        [
            f"The VAE course on this machine ({platform.system()} {platform.machine()})",
            *(line for finding in findings for line in _lines(finding)),
            _summary(findings),
        ]
    )


def find_chromium() -> str | None:
    """The path of a Chromium or Chrome, which the browser tests drive."""
    on_path = (shutil.which(name) for name in BROWSERS)
    in_applications = (path for path in MAC_BROWSERS if Path(path).exists())
    return next((path for path in (*on_path, *in_applications) if path), None)


def find_bubblewrap() -> str | None:
    """The path of a bubblewrap that can really make a sandbox here, which some containers forbid."""
    path = shutil.which("bwrap")
    return path if path and _succeeds([path, *SANDBOX]) else None


def _python() -> Finding:
    new_enough = sys.version_info >= (3, 11)
    fix = "install Python 3.11 or newer and make the environment again"
    return Finding("Python", "ok" if new_enough else "missing", platform.python_version(), fix)


def _torch() -> Finding:
    try:
        torch = importlib.import_module("torch")
    except (ImportError, OSError) as error:
        return Finding("PyTorch", "missing", _broken(error), REINSTALL)
    return Finding("PyTorch", "ok", str(torch.__version__))


def _torchvision() -> Finding:
    # A torchvision built for another PyTorch imports its operators only in part, or not at all: run one of them.
    try:
        torch, ops = importlib.import_module("torch"), importlib.import_module("torchvision.ops")
        ops.nms(torch.tensor([[0.0, 0.0, 1.0, 1.0]]), torch.ones(1), 0.5)
    except (ImportError, OSError) as error:
        return Finding("torchvision", "missing", _broken(error), REINSTALL)
    except (RuntimeError, AttributeError):
        found = f"{metadata.version('torchvision')} does not match PyTorch {metadata.version('torch')}"
        return Finding("torchvision", "missing", found, REINSTALL)
    return Finding("torchvision", "ok", f"{metadata.version('torchvision')}, matches PyTorch")


def _device() -> Finding:
    try:
        torch = importlib.import_module("torch")
    except (ImportError, OSError):
        return Finding("device", "missing", "unknown without PyTorch", "see PyTorch above")
    if torch.cuda.is_available():
        return Finding("device", "ok", f"CUDA, {torch.cuda.get_device_name()}")
    if torch.backends.mps.is_available():
        return Finding("device", "ok", "MPS (Apple)")
    cpu = f"CPU, {torch.get_num_threads()} threads"
    if _succeeds(["nvidia-smi", "-L"]):
        return Finding("device", "optional", f"{cpu}; PyTorch cannot use the NVIDIA GPU here", REINSTALL)
    return Finding("device", "ok", f"{cpu} (enough for every lesson)")


def _ipywidgets() -> Finding:
    try:
        version = metadata.version("ipywidgets")
    except metadata.PackageNotFoundError:
        return Finding("ipywidgets", "missing", "not installed", "pip install ipywidgets")
    new_enough = tuple(int(part) for part in version.split(".")[:2]) >= (7, 7)
    fix = "pip install --upgrade ipywidgets"
    return Finding("ipywidgets", "ok" if new_enough else "missing", version, fix)


def _extension() -> Finding:
    name = "JupyterLab"
    if "google.colab" in sys.modules:
        return Finding(name, "ok", "Colab shows the widgets itself")
    try:
        paths = importlib.import_module("jupyter_core.paths").jupyter_path("labextensions")
        version = metadata.version("jupyterlab")
    except (ImportError, metadata.PackageNotFoundError):
        return Finding(name, "missing", "not installed", "pip install jupyterlab")
    manager = Path("@jupyter-widgets", "jupyterlab-manager", "package.json")
    if not any(Path(folder, manager).exists() for folder in paths):
        return Finding(name, "missing", f"{version}, no widget extension", "pip install jupyterlab_widgets")
    return Finding(name, "ok", f"{version} with the widget extension")


def _data() -> Finding:
    cache = _cache_dir()
    if cache is None:
        return Finding("data", "optional", "unknown without PyTorch", "see PyTorch above")
    find_mnist = importlib.import_module("vae_course.data.mnist").find
    named = os.environ.get("VAE_COURSE_DATA")
    for place in ([Path(named).expanduser()] if named else []) + [cache]:
        if folder := find_mnist(place):
            return Finding("data", "ok", f"MNIST in {folder}")
    if named:
        fix = "point VAE_COURSE_DATA at a folder that holds MNIST/raw"
        return Finding("data", "optional", f"pen digits; no MNIST in {named}", fix)
    fix = "the first data.load() fetches MNIST (12 MB), where it can"
    return Finding("data", "optional", "pen digits; no MNIST yet", fix)


def _cache() -> Finding:
    cache = _cache_dir()
    if cache is None:
        return Finding("cache", "missing", "unknown without PyTorch", "see PyTorch above")
    return _writable("cache", cache, "set VAE_COURSE_CACHE to a folder that you may write to")


def _writable(name: str, folder: Path, fix: str) -> Finding:
    # Permission bits say little for root and on read-only disks: write, where the folder is or would be made.
    place = next((parent for parent in (folder, *folder.parents) if parent.exists()), folder)
    try:
        with tempfile.TemporaryFile(dir=place):
            return Finding(name, "ok", "writable")
    except OSError as error:
        return Finding(name, "missing", f"{error.strerror or error}: {folder}", fix)


def _chromium() -> Finding:
    path = find_chromium()
    fix = "apt-get install chromium (only `make test` uses it)"
    return Finding("Chromium", "ok", path) if path else Finding("Chromium", "optional", "not found", fix)


def _bubblewrap() -> Finding:
    path, name = find_bubblewrap(), "bubblewrap"
    if path:
        return Finding(name, "ok", f"{path}, can make a sandbox")
    if shutil.which("bwrap"):
        fix = "allow user namespaces here (only grading uses it)"
        return Finding(name, "optional", "found, but it cannot make a sandbox here", fix)
    return Finding(name, "optional", "not found", "on Linux: apt-get install bubblewrap (only grading uses it)")


def _cache_dir() -> Path | None:
    try:
        folder: Path = importlib.import_module("vae_course.data").cache_dir()
    except (ImportError, OSError):
        return None
    return folder


def _succeeds(command: list[str]) -> bool:
    try:
        return subprocess.run(command, capture_output=True, timeout=10, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def _broken(error: Exception) -> str:
    return "not installed" if isinstance(error, ModuleNotFoundError) else f"does not import: {error}"


def _lines(finding: Finding) -> list[str]:
    found = _shorten(finding.found, WIDTH - 25)
    lines = [f"  {finding.status:<9} {finding.name:<12} {found}"]
    if finding.status != "ok" and finding.fix:
        lines.append(f"            {_shorten('to do: ' + finding.fix, WIDTH - 12)}")
    return lines


def _shorten(text: str, width: int) -> str:
    """One line of at most `width` characters; a long path loses its middle, where it says least."""
    home = os.environ.get("HOME", "").rstrip("/")
    line = " ".join((text.replace(f"{home}/", "~/") if home else text).split())
    if len(line) <= width:
        return line
    head = (width - 3) // 2
    return f"{line[:head]}...{line[head + 3 - width :]}"


def _summary(findings: Sequence[Finding]) -> str:
    missing = [finding.name for finding in findings if finding.status == "missing"]
    optional = [finding.name for finding in findings if finding.status == "optional"]
    if missing:
        return _shorten(f"Not ready yet: {', '.join(missing)}.", WIDTH)
    extra = f" Not here, and not needed for the lessons: {', '.join(optional)}." if optional else ""
    return _shorten(f"Ready.{extra}", WIDTH)
