"""Open the course in JupyterLab. Every other option is JupyterLab's own, such as --no-browser.

Jupyter's server is changed in one thing: small messages from a kernel reach the page at once. By default the network holds a
small message back until the one before it is acknowledged, which the other side puts off for up to 40 ms (Nagle's algorithm
and delayed acknowledgement). A slider's answer consists of several small messages.
"""

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection

from vae_course.support.files import write
from vae_course.tools.authoring import AuthoringError, settings, source
from vae_course.tools.authoring.files import to_bytes
from vae_course.tools.authoring.plan import prepare

FIRST_LESSON = "00_start_here.ipynb"
PROMPT = "--ServerApp.kernel_websocket_connection_class=vae_course.tools.lab.PromptConnection"


class PromptConnection(ZMQChannelsWebsocketConnection):
    """Jupyter's own connection to a kernel, without the wait between small messages."""

    def connect(self) -> Any:
        """Open the connection, with every message on its way at once."""
        self.websocket_handler.set_nodelay(True)
        return super().connect()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """All options of `vae-course lab` are handed on."""


def run(args: argparse.Namespace) -> int:
    """Open JupyterLab on the first lesson, with the whole course in its file browser; 0 once it is closed.

    Raises:
        AuthoringError: there is no checkout of the course here.
    """
    from jupyterlab.labapp import LabApp

    course = settings.read()
    _make_missing(course)
    # Kernels inherit it: beside a busy neighbour, threads that wait by spinning take several times as long.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    LabApp.launch_instance([*_options(course.root), *args.rest])
    return 0


def _options(root: Path) -> list[str]:
    first = f"--LabApp.default_url=/lab/tree/notebooks/{FIRST_LESSON}"
    # JupyterLab refuses to start as root unless told; who runs the course in a container usually is.
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    return [f"--ServerApp.root_dir={root}", first, PROMPT, *(["--allow-root"] if is_root else [])]


def _make_missing(course: settings.CourseSettings) -> None:
    """Make the student notebooks that aren't there; one that is there may hold a learner's work, and stays as it is."""
    for path in source.discover(course.solutions):
        notebook = course.notebooks / f"{path.stem}.ipynb"
        if notebook.exists():
            continue
        try:
            write(notebook, to_bytes(prepare(path, course).student))
            print(f"Made {course.relative(notebook)}.")
        except AuthoringError as error:
            # One lesson that is half written keeps nobody from the others.
            print(f"{course.relative(notebook)} could not be made. {error}", file=sys.stderr)
