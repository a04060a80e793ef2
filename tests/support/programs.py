"""Programs that pip does not install, and that some tests and pictures need."""

import shutil
import subprocess
from pathlib import Path

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
MAC_BROWSERS = tuple(f"/Applications/{name}.app/Contents/MacOS/{name}" for name in ("Chromium", "Google Chrome"))
SANDBOX = ("--ro-bind", "/", "/", "--unshare-net", "--unshare-pid", "--die-with-parent", "true")


def find_chromium() -> str | None:
    """The path of a Chromium or Chrome, which the browser tests drive."""
    on_path = (shutil.which(name) for name in BROWSERS)
    in_applications = (path for path in MAC_BROWSERS if Path(path).exists())
    return next((path for path in (*on_path, *in_applications) if path), None)


def find_bubblewrap() -> str | None:
    """The path of a bubblewrap that can really make a sandbox here, which some containers forbid."""
    path = shutil.which("bwrap")
    return path if path and subprocess.run([path, *SANDBOX], capture_output=True, check=False).returncode == 0 else None
