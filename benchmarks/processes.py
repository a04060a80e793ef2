"""Seconds that fresh Python processes take."""

import subprocess
import sys
from collections.abc import Callable


def fresh_python(code: str) -> Callable[[], str]:
    """A job that runs code in a new Python process, as a kernel that was just started does, and returns its output."""

    def run() -> str:
        return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout

    return run
