"""The command `vae-course`: look at this machine, open the course, build its notebooks, teach a class."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from vae_course import __version__
from vae_course.tools.authoring import AuthoringError, settings, source
from vae_course.tools.authoring import command as build_command
from vae_course.tools.grading import command as grade_command
from vae_course.tools.grading import release_command

FIRST_LESSON = "00_start_here.ipynb"
PROMPT = "--ServerApp.kernel_websocket_connection_class=vae_course.tools.lab.PromptConnection"


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; 0 if all went well, 1 if not, 2 for a command line that makes no sense."""
    parser = _parser()
    args, rest = parser.parse_known_args(argv)
    if rest and args.command != "lab":
        parser.error(f"unknown argument: {' '.join(rest)}")
    try:
        return _run(args, rest)
    except BrokenPipeError:
        # The reader went away (`vae-course doctor | head`): there is nobody left to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        if args.command == "grade":
            print("vae-course: stopped; run the same command again, and it goes on from here.", file=sys.stderr)
        return 130
    except Exception as error:
        sentence = _sentence(error)
        if sentence is None:
            raise
        print(f"vae-course: {sentence}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="vae-course", description=__doc__)
    parser.add_argument("--version", action="version", version=f"vae-course {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("doctor", help="say what is here, what is missing, and how to get it")
    commands.add_parser(
        "lab",
        help="open the course in JupyterLab",
        description="Open the course in JupyterLab. Every other option is JupyterLab's own, such as --no-browser.",
    )
    build_command.add_arguments(
        commands.add_parser("build", help="bring the notebooks up to date with the lessons' sources")
    )
    release_command.add_arguments(
        commands.add_parser("release", help="write the student notebooks for a class into a folder")
    )
    grade_command.add_arguments(commands.add_parser("grade", help="grade what a class has handed in"))
    return parser


def _run(args: argparse.Namespace, rest: list[str]) -> int:
    if args.command == "doctor":
        return _doctor()
    if args.command == "lab":
        return _lab(rest)
    if args.command == "release":
        return release_command.run(args)
    if args.command == "grade":
        return grade_command.run(args)
    return build_command.run(args)


def _sentence(error: Exception) -> str | None:
    """What to tell the reader; None for a defect of ours, whose traceback is wanted."""
    package = str(getattr(error, "name", "")).partition(".")[0]
    if isinstance(error, ModuleNotFoundError) and package != "vae_course":
        return f"{package} is not installed here: run `pip install {package}`."
    if isinstance(error, OSError) or type(error).__module__.partition(".")[0] == "vae_course":
        return str(error)
    return None


def _doctor() -> int:
    from vae_course.tools import doctor

    findings = doctor.diagnose()
    print(doctor.report(findings))
    return 0 if doctor.complete(findings) else 1


def _lab(options: list[str]) -> int:
    """Open JupyterLab on the first lesson, with the whole course in its file browser."""
    from jupyterlab.labapp import LabApp

    course = settings.read()
    _make_missing(course)
    LabApp.launch_instance([*_lab_options(course.root), *options])
    return 0


def _lab_options(root: Path) -> list[str]:
    first = f"--LabApp.default_url=/lab/tree/notebooks/{FIRST_LESSON}"
    # JupyterLab refuses to start as root unless told; who runs the course in a container usually is.
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    return [f"--ServerApp.root_dir={root}", first, PROMPT, *(["--allow-root"] if is_root else [])]


def _make_missing(course: settings.Settings) -> None:
    """Make the student notebooks that aren't there; one that is there may hold a learner's work, and stays as it is."""
    from vae_course.support.files import write
    from vae_course.tools.authoring.files import to_bytes
    from vae_course.tools.authoring.plan import prepare

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


if __name__ == "__main__":
    sys.exit(main())
