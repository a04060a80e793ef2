"""Say what the lessons need on this machine: `vae-course doctor` in a terminal, `doctor.run()` in a notebook.

Nothing is installed, downloaded or changed by looking. The module imports without PyTorch, so that it can say that
PyTorch is missing.
"""

import argparse
import importlib
import os
import platform
import subprocess
import sys
import tempfile
import threading
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal

Status = Literal["ok", "missing", "optional"]

WIDTH = 80
REINSTALL = "pip install --upgrade torch torchvision"
SECONDS = 3  # for an answer of the network


@dataclass(frozen=True)
class Finding:
    """One line of the report: a thing's name, whether it's there, what was found, and how to get it.

    `missing` is something that the lessons need; `optional` something that they do without.
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
    """Look at everything that the lessons use; what needs PyTorch is looked at where it is there."""
    findings = [_python(), _torch(), _torchvision(), _ipywidgets(), _jupyterlab()]
    if findings[1].status == "ok":
        from vae_course import data

        findings += [_device(), _data(), _writable("cache", data.cache_dir(), "set VAE_COURSE_CACHE to another folder")]
    return [*findings, _writable("this folder", Path.cwd(), "start from a folder that you may write to")]


def complete(findings: Sequence[Finding]) -> bool:
    """Whether everything that the lessons need is there."""
    return all(finding.status != "missing" for finding in findings)


def report(findings: Sequence[Finding]) -> str:
    """One screen of text: at most 80 columns, one line for each finding and one more where there is something to do."""
    lines = [f"The VAE course on this machine ({platform.system()} {platform.machine()})"]
    for finding in findings:
        lines.append(f"  {finding.status:<9} {finding.name:<12} {_shorten(finding.found, WIDTH - 25)}")
        if finding.status != "ok":
            lines.append(f"            {_shorten(f'to do: {finding.fix}', WIDTH - 12)}")
    missing = [finding.name for finding in findings if finding.status == "missing"]
    lines.append(_shorten(f"Not ready yet: {', '.join(missing)}." if missing else "Ready.", WIDTH))
    return "\n".join(lines)


def _python() -> Finding:
    fix = "install Python 3.11 or newer and make the environment again"
    return Finding("Python", "ok" if sys.version_info >= (3, 11) else "missing", platform.python_version(), fix)


def _torch() -> Finding:
    try:
        return Finding("PyTorch", "ok", str(importlib.import_module("torch").__version__))
    except (ImportError, OSError) as error:
        return Finding("PyTorch", "missing", _why(error), REINSTALL)


def _torchvision() -> Finding:
    # A torchvision built for another PyTorch imports its operators only in part, or not at all: run one of them.
    try:
        torch, ops = importlib.import_module("torch"), importlib.import_module("torchvision.ops")
        ops.nms(torch.tensor([[0.0, 0.0, 1.0, 1.0]]), torch.ones(1), 0.5)
    except (ImportError, OSError) as error:
        return Finding("torchvision", "missing", _why(error), REINSTALL)
    except (RuntimeError, AttributeError):
        found = f"{metadata.version('torchvision')} does not match PyTorch {metadata.version('torch')}"
        return Finding("torchvision", "missing", found, REINSTALL)
    return Finding("torchvision", "ok", f"{metadata.version('torchvision')}, matches PyTorch")


def _ipywidgets() -> Finding:
    try:
        version = metadata.version("ipywidgets")
    except metadata.PackageNotFoundError:
        return Finding("ipywidgets", "missing", "not installed", "pip install ipywidgets")
    new_enough = tuple(int(part) for part in version.split(".")[:2]) >= (7, 7)
    return Finding("ipywidgets", "ok" if new_enough else "missing", version, "pip install --upgrade ipywidgets")


def _jupyterlab() -> Finding:
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


def _device() -> Finding:
    import torch

    if torch.cuda.is_available():
        return Finding("device", "ok", f"CUDA, {torch.cuda.get_device_name()}")
    if torch.backends.mps.is_available():
        return Finding("device", "ok", "MPS (Apple)")
    cpu = f"CPU, {torch.get_num_threads()} threads"
    if _has_nvidia():
        return Finding("device", "optional", f"{cpu}; PyTorch cannot use the NVIDIA GPU here", REINSTALL)
    return Finding("device", "ok", f"{cpu} (enough for every lesson)")


def _data() -> Finding:
    from vae_course.data import mnist

    for folder in filter(None, map(mnist.find, mnist.places())):
        return Finding("data", "ok", f"MNIST in {folder}")
    if named := os.environ.get("VAE_COURSE_DATA"):
        fix = "point VAE_COURSE_DATA at a folder that holds MNIST/raw"
        return Finding("data", "optional", f"pen digits; no MNIST in {named}", fix)
    reached = os.environ.get("VAE_COURSE_OFFLINE") != "1" and _answers(mnist.MIRRORS[0])
    if reached:
        return Finding("data", "optional", "pen digits; no MNIST yet", "the first data.load() fetches it (12 MB)")
    fix = "data.load() fetches it (12 MB) once there is a network"
    return Finding("data", "optional", "pen digits; no MNIST yet, and no network", fix)


def _answers(address: str) -> bool:
    """Whether a server says anything at all, within a few seconds, however long the look-up of its name would take."""
    heard: list[bool] = []

    def ask() -> None:
        try:
            urllib.request.urlopen(address, timeout=SECONDS).close()
            heard.append(True)
        except OSError as error:
            heard.append(isinstance(error, urllib.error.HTTPError))  # which is an answer, too

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(SECONDS)
    return any(heard)


def _has_nvidia() -> bool:
    try:
        return subprocess.run(["nvidia-smi", "-L"], capture_output=True, timeout=10, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def _writable(name: str, folder: Path, fix: str) -> Finding:
    # Permission bits say little for root and on read-only disks: write, where the folder is or would be made.
    place = next((parent for parent in (folder, *folder.parents) if parent.exists()), folder)
    try:
        with tempfile.TemporaryFile(dir=place):
            return Finding(name, "ok", "writable")
    except OSError as error:
        return Finding(name, "missing", f"{error.strerror or error}: {folder}", fix)


def _why(error: Exception) -> str:
    return "not installed" if isinstance(error, ModuleNotFoundError) else f"does not import: {error}"


def _shorten(text: str, width: int) -> str:
    """One line of at most `width` characters; a long path loses its middle, where it says least."""
    home = os.environ.get("HOME", "").rstrip("/")
    line = " ".join((text.replace(f"{home}/", "~/") if home else text).split())
    head = (width - 3) // 2
    return line if len(line) <= width else f"{line[:head]}...{line[head + 3 - width :]}"
