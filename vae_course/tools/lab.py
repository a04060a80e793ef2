"""Open the course in JupyterLab. Every other option is JupyterLab's own, such as --no-browser.

Jupyter's server is changed in one thing: small messages from a kernel reach the page at once. By default the network holds a
small message back until the one before it is acknowledged, which the other side puts off for up to 40 ms (Nagle's algorithm
and delayed acknowledgement). A slider's answer consists of several small messages.

Its page is changed in one thing too: where nbgrader is installed, its menus, which are an instructor's, stay away. A plain
`jupyter lab` shows them.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection

from vae_course.support.files import write
from vae_course.tools.authoring import AuthoringError, settings, source
from vae_course.tools.authoring.files import to_bytes
from vae_course.tools.authoring.plan import prepare

# Where notebooks go that can't be changed where the course is.
OWN_FOLDER = "vae-course"
# A folder of Jupyter's settings: its `labconfig/page_config.json` names what JupyterLab leaves out.
SETTINGS = Path(__file__).parent / "jupyter"
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

    Where the course's folder can't be written to, the notebooks are copied to `~/vae-course`, and opened there.

    Raises:
        AuthoringError: there is no checkout of the course here, or no folder where notebooks can be kept.
    """
    from jupyterlab.labapp import LabApp

    course = settings.read()
    root = _root(course)
    _make_missing(course, root / "notebooks")
    # Kernels inherit it: beside a busy neighbour, threads that wait by spinning take several times as long.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    others = os.environ.get("JUPYTER_CONFIG_PATH")
    os.environ["JUPYTER_CONFIG_PATH"] = os.pathsep.join([str(SETTINGS), *([others] if others else [])])
    LabApp.launch_instance([*_options(root), *args.rest])
    return 0


def _options(root: Path) -> list[str]:
    first = next((f"/tree/notebooks/{path.name}" for path in sorted(root.glob("notebooks/[0-9][0-9]_*.ipynb"))), "")
    # JupyterLab refuses to start as root unless told; who runs the course in a container usually is.
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    options = [f"--ServerApp.root_dir={root}", f"--LabApp.default_url=/lab{first}", PROMPT]
    return [*options, *(["--allow-root"] if is_root else [])]


def _root(course: settings.CourseSettings) -> Path:
    """The folder whose `notebooks` a learner can change: the course's own, else one at home."""
    if _writable(course.notebooks):
        return course.root
    own = Path.home() / OWN_FOLDER
    if not _writable(own / "notebooks"):
        raise AuthoringError(
            f"Notebooks can be kept neither in {course.notebooks} nor in {own}, because you may write to neither: copy the "
            "course to a folder of yours, and run `make lab` there."
        )
    print(f"{course.root} can't be written to, so your notebooks are kept in {own / 'notebooks'}.")
    return own


def _writable(folder: Path) -> bool:
    """Whether a file can be made in a folder, which is made where it is missing."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError:
        return False
    return True


def _make_missing(course: settings.CourseSettings, folder: Path) -> None:
    """Put the student notebooks that aren't there into a folder; one that is there may hold a learner's work, and stays."""
    for path in source.discover(course.solutions):
        name = f"{path.stem}.ipynb"
        notebook, shipped = folder / name, course.notebooks / name
        if notebook.exists():
            continue
        if shipped.exists():
            write(notebook, shipped.read_bytes())
            continue
        try:
            write(notebook, to_bytes(prepare(path, course).student))
            print(f"Made {course.relative(notebook)}.")
        except AuthoringError as error:
            # One lesson that is half written keeps nobody from the others.
            print(f"{course.relative(notebook)} could not be made. {error}", file=sys.stderr)
