"""The four MNIST files: find them, download them, read them, and say what is wrong with them."""

import gzip
import hashlib
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import time
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

# How long a download may stand still before the course goes on without it.
PATIENCE = 15.0
SCRIPT = "import sys; from torchvision.datasets import MNIST; MNIST(sys.argv[1], download=True)"


class DataError(RuntimeError):
    """Data that cannot be had or cannot be trusted; the message names the place and the fix."""


@dataclass(frozen=True)
class _File:
    """One file of MNIST: its name, the shape that its header must promise, and its checksum uncompressed."""

    name: str
    shape: tuple[int, ...]
    sha256: str

    @property
    def header(self) -> bytes:
        return struct.pack(f">HBB{len(self.shape)}i", 0, 8, len(self.shape), *self.shape)


FILES = (
    _File(
        "train-images-idx3-ubyte",
        (60_000, 28, 28),
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    ),
    _File("train-labels-idx1-ubyte", (60_000,), "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"),
    _File(
        "t10k-images-idx3-ubyte",
        (10_000, 28, 28),
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    ),
    _File("t10k-labels-idx1-ubyte", (10_000,), "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"),
)


def find(root: Path) -> Path | None:
    """The folder with the four files: `root/MNIST/raw`, `root/raw` or `root` itself; None where none holds any."""
    for folder in (root / "MNIST" / "raw", root / "raw", root):
        if any(_path(folder, file) for file in FILES):
            return folder
    return None


def read(folder: Path) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Training images and labels, test images and labels, as bytes: `[N, 28, 28]` and `[N]`.

    Raises:
        DataError: a file is missing, truncated, of the wrong kind, or altered.
    """
    train_x, train_y, test_x, test_y = (_read(folder, file) for file in FILES)
    return train_x, train_y, test_x, test_y


def download(root: Path) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Fetch MNIST through torchvision (its mirrors and checksums), keep it in `root/MNIST/raw`, and read it.

    The files come into a temporary folder and are kept once they are complete and checked, so a broken download leaves
    nothing behind. A download that stands still for `PATIENCE` seconds is given up. Where `root` cannot be written, one
    line says so and the images are handed over all the same.

    Returns:
        what `read` returns.

    Raises:
        DataError: torchvision is missing, or the network is.
    """
    try:
        with tempfile.TemporaryDirectory(prefix="mnist-", ignore_cleanup_errors=True) as aside:
            _fetch(Path(aside))
            fetched = Path(aside) / "MNIST" / "raw"
            images_and_labels = read(fetched)
            _keep(fetched, root)
    except OSError as error:
        raise DataError(f"the download of MNIST failed ({error})") from error
    return images_and_labels


def _keep(fetched: Path, root: Path) -> None:
    """Copy aside, then rename the whole folder, so that another process sees all four files or none."""
    kept = root / "MNIST" / "raw"
    aside = kept.with_name(f"raw-{os.getpid()}.tmp")
    try:
        aside.mkdir(parents=True)
        for file in FILES:
            shutil.copyfile(fetched / file.name, aside / file.name)
        aside.replace(kept)
    except OSError as error:
        shutil.rmtree(aside, ignore_errors=True)
        if find(root) != kept:  # otherwise another process has kept its own download meanwhile
            print(
                f"{kept} can't be written ({error.strerror}), so MNIST is downloaded anew each time: set"
                " VAE_COURSE_CACHE to another folder."
            )


def _fetch(folder: Path) -> None:
    """Download in a process of its own, which can be ended, and watch whether bytes still arrive."""
    command = [sys.executable, "-c", SCRIPT, str(folder)]
    # Its progress bar goes nowhere: a graded notebook must not write on stderr.
    with tempfile.TemporaryFile("w+") as said, subprocess.Popen(command, stdout=said, stderr=said) as process:
        size, since = -1, time.monotonic()
        while process.poll() is None:
            time.sleep(0.1)
            arrived = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
            if arrived != size:
                size, since = arrived, time.monotonic()
            elif time.monotonic() - since > PATIENCE:
                process.kill()
                raise DataError(f"the download of MNIST stood still for {PATIENCE:g} seconds")
        if process.returncode:
            said.seek(0)
            reason = (said.read().strip().splitlines() or ["no reason given"])[-1]
            raise DataError(f"the download of MNIST failed ({reason.strip().rstrip(':')})")


def _path(folder: Path, file: _File) -> Path | None:
    return next((path for path in (folder / file.name, folder / f"{file.name}.gz") if path.is_file()), None)


def _read(folder: Path, file: _File) -> Tensor:
    path = _path(folder, file)
    if path is None:
        raise DataError(f"{folder / file.name} is missing: MNIST is four files, so copy all of them there.")
    fix = "move it away and run again to have it downloaded anew, or copy a good one there"
    try:
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} can't be read ({error}): {fix}.") from error
    expected = len(file.header) + int(np.prod(file.shape))
    if len(content) != expected:
        raise DataError(f"{path} holds {len(content):,} bytes where MNIST has {expected:,}: {fix}.")
    if not content.startswith(file.header):
        raise DataError(f"{path} does not begin like MNIST's file of that name: {fix}.")
    if hashlib.sha256(content).hexdigest() != file.sha256:
        raise DataError(f"{path} has been altered, its checksum is not that of MNIST: {fix}.")
    pixels = np.frombuffer(content, dtype=np.uint8, offset=len(file.header)).reshape(file.shape)
    return torch.from_numpy(pixels.copy())
