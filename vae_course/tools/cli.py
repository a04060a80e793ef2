"""The command `vae-course`: look at this machine, open the course, build its notebooks, teach a class."""

import argparse
import io
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from vae_course import __version__

# Each command is a module with `add_arguments(parser)` and `run(args)`, which gives the exit status back. It is imported
# when its command is given, so that `doctor` runs where PyTorch is missing and `--help` is there at once.
COMMANDS = {
    "doctor": ("tools.doctor", "say what is here, what is missing, and how to get it"),
    "lab": ("tools.lab", "open the course in JupyterLab"),
    "progress": ("tools.progress", "show which exercises you have passed"),
    "release": ("tools.grading.release", "write the student notebooks for a class into a folder"),
    "grade": ("tools.grading.command", "grade what a class has handed in"),
    "build": ("tools.authoring.build", "bring the notebooks up to date with the lessons' sources"),
    "claims": ("tools.authoring.claims", "measure again the numbers that lessons state"),
    "budget": ("tools.authoring.budget", "measure again what each lesson costs in time and memory"),
    "tables": ("tools.authoring.tables", "write the generated tables of the README and of the documents"),
    "pretrained": ("pretrained.make", "train the shipped weights again"),
    "replicate": ("studies.replicate.command", "train a published table again"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; 0 if all went well, 1 if not, 2 for a command line that makes no sense."""
    words = list(sys.argv[1:] if argv is None else argv)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A terminal that lacks a letter shows its code: no name and no dash may end a command.
            stream.reconfigure(errors="backslashreplace")
    try:
        return _run(words)
    except BrokenPipeError:
        # The reader went away (`vae-course doctor | head`): there is nobody left to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        if "grade" in words[:1]:
            print("vae-course: stopped; run the same command again, and it goes on from here.", file=sys.stderr)
        return 130
    except Exception as error:
        sentence = _sentence(error)
        if sentence is None:
            raise
        print(f"vae-course: {sentence}", file=sys.stderr)
        return 1


def _run(words: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="vae-course", description=__doc__)
    parser.add_argument("--version", action="version", version=f"vae-course {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, (module, does) in COMMANDS.items():
        own = commands.add_parser(name, help=does)
        if name in words[:1]:
            command = import_module(f"vae_course.{module}")
            own.description = command.__doc__
            command.add_arguments(own)
    args, rest = parser.parse_known_args(words)
    if rest and args.command != "lab":
        parser.error(f"unknown argument: {' '.join(rest)}")
    args.rest = rest
    return int(command.run(args))


def _sentence(error: Exception) -> str | None:
    """What to tell the reader; None for a defect of ours, whose traceback is wanted."""
    package = str(getattr(error, "name", "")).partition(".")[0]
    if isinstance(error, ModuleNotFoundError) and package != "vae_course":
        return f"{package} is not installed here: run `pip install {package}`."
    if isinstance(error, OSError) or type(error).__module__.partition(".")[0] == "vae_course":
        return str(error)
    return None


if __name__ == "__main__":
    sys.exit(main())
