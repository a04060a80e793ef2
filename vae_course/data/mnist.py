"""The four MNIST files: find them, download them, read them, and say what is wrong with them."""

import gzip
import hashlib
import os
import shutil
import struct
import zlib
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from vae_course.data.downloads import DownloadError, Patience, TooSlow, Wanted, fetch

# The first is torchvision's; the second holds the same files.
MIRRORS = ("https://ossci-datasets.s3.amazonaws.com/mnist/", "https://storage.googleapis.com/cvdf-datasets/mnist/")
# With the few seconds in which pen digits are drawn, a learner waits less than 20 seconds for images of some kind.
PATIENCE = Patience(limit=11.0)


class DataError(RuntimeError):
    """Data that cannot be had or cannot be trusted; the message names the place and the fix."""


@dataclass(frozen=True)
class _File:
    """One file of MNIST: its name, the shape that its header must promise, its checksum, and its size compressed."""

    name: str
    shape: tuple[int, ...]
    sha256: str
    packed: int

    @property
    def header(self) -> bytes:
        return struct.pack(f">HBB{len(self.shape)}i", 0, 8, len(self.shape), *self.shape)


FILES = (
    _File(
        "train-images-idx3-ubyte",
        (60_000, 28, 28),
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        9_912_422,
    ),
    _File(
        "train-labels-idx1-ubyte",
        (60_000,),
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        28_881,
    ),
    _File(
        "t10k-images-idx3-ubyte",
        (10_000, 28, 28),
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        1_648_877,
    ),
    _File(
        "t10k-labels-idx1-ubyte",
        (10_000,),
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        4_542,
    ),
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


def download(root: Path, *, patient: bool = False) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Fetch MNIST from one of its `MIRRORS`, keep it in `root/MNIST/raw`, and read it.

    The whole download gets `PATIENCE.limit` seconds, enough for 1.1 MB a second. Who is slower than that and has something
    else to go on with is better served by it at once; who asks for MNIST itself is `patient`, and waits as long as bytes
    arrive (at 200 kB a second, a minute). A download that stands still is given up in either case.

    The files are kept once they are complete and checked, so a broken download leaves nothing behind. Where `root` can't
    be written, one line says so and the images are handed over all the same.

    Returns:
        what `read` returns.

    Raises:
        DataError: the network is missing, too slow, or full of other files.
    """
    wanted = [Wanted(f"{file.name}.gz", file.packed, partial(_unpack, file)) for file in FILES]
    try:
        contents = fetch(wanted, MIRRORS, patience=replace(PATIENCE, limit=None) if patient else PATIENCE)
    except TooSlow as error:
        raise DataError(f"{error}; data.load('mnist') waits for all of it") from error
    except DownloadError as error:
        raise DataError(str(error)) from error
    _keep(contents, root)
    train_x, train_y, test_x, test_y = (_tensor(content, file) for content, file in zip(contents, FILES, strict=True))
    return train_x, train_y, test_x, test_y


def _unpack(file: _File, packed: bytes) -> bytes:
    """What is in a file as it comes from a mirror; raises ValueError where it is not that file."""
    try:
        content = gzip.decompress(packed)
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(str(error)) from error
    if hashlib.sha256(content).hexdigest() != file.sha256:
        raise ValueError("its checksum is not that of MNIST")
    return content


def _keep(contents: list[bytes], root: Path) -> None:
    """Write aside, then rename the whole folder, so that another process sees all four files or none."""
    kept = root / "MNIST" / "raw"
    aside = kept.with_name(f"raw-{os.getpid()}.tmp")
    try:
        aside.mkdir(parents=True)
        for content, file in zip(contents, FILES, strict=True):
            (aside / file.name).write_bytes(content)
        aside.replace(kept)
    except OSError as error:
        shutil.rmtree(aside, ignore_errors=True)
        if find(root) != kept:  # otherwise another process has kept its own download meanwhile
            print(
                f"{kept} can't be written ({error.strerror}), so MNIST is downloaded anew each time: set"
                " VAE_COURSE_CACHE to another folder."
            )


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
    return _tensor(content, file)


def _tensor(content: bytes, file: _File) -> Tensor:
    pixels = np.frombuffer(content, dtype=np.uint8, offset=len(file.header)).reshape(file.shape)
    return torch.from_numpy(pixels.copy())
