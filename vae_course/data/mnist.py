"""MNIST and its relatives as torchvision reads and downloads them, with a limit to waiting and a sentence for what is wrong."""

import gzip
import itertools
import math
import os
import secrets
import shutil
import sys
import tempfile
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any, Self
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit

from torch import Tensor
from tqdm import tqdm

from vae_course.support.files import cache_dir

# The first is torchvision's; the second holds the same files.
MIRRORS = ("https://ossci-datasets.s3.amazonaws.com/mnist/", "https://storage.googleapis.com/cvdf-datasets/mnist/")
TRIES = 2  # times that each mirror is asked for a file
PAUSE, LEAST = 3.0, 32 * 1024  # seconds in which a mirror must send so many bytes, or the next one is asked
# Seconds for a whole download where there is something else to go on with. With the few in which pen digits are drawn, a
# learner waits less than 20 for images of some kind.
LIMIT = 11.0


class DataError(RuntimeError):
    """Data that cannot be had or cannot be trusted; the message names the place and the fix."""


class Unavailable(DataError):
    """Data that are not here and don't come; nothing is wrong with any file."""


@dataclass(frozen=True)
class DataSet:
    """A data set of MNIST's form: 60,000 and 10,000 images of 28 by 28 pixels, in ten classes.

    Args:
        title: what sentences call it.
        folder: torchvision's class, and the folder that its files lie in.
        size: bytes of the compressed files together.
        crc32: checksums of the four files, where they are known.
    """

    title: str
    folder: str
    size: int
    crc32: tuple[int | None, ...] = (None,) * 4


MNIST = DataSet("MNIST", "MNIST", 11_594_722, (0xE9F4D8B3, 0xE0CB4AD2, 0x91373BDF, 0x4AB9EFF9))
DATA_SETS = {
    "mnist": MNIST,
    "fashion": DataSet("Fashion-MNIST", "FashionMNIST", 30_878_645),
    "kmnist": DataSet("Kuzushiji-MNIST", "KMNIST", 21_240_890),
}

# The files of each, and the shapes of what they hold.
FILES = {
    "train-images-idx3-ubyte": (60_000, 28, 28),
    "train-labels-idx1-ubyte": (60_000,),
    "t10k-images-idx3-ubyte": (10_000, 28, 28),
    "t10k-labels-idx1-ubyte": (10_000,),
}

# Training images and labels, test images and labels: bytes `[N, 28, 28]`, and whole numbers `[N]`.
Tensors = tuple[Tensor, Tensor, Tensor, Tensor]


def places() -> list[Path]:
    """The folders in which data may lie: the one that VAE_COURSE_DATA names, if it names one, and the cache."""
    named = os.environ.get("VAE_COURSE_DATA")
    return [*([Path(named).expanduser()] if named else []), cache_dir()]


def find(root: Path, data_set: DataSet = MNIST) -> Path | None:
    """The folder with the four files, such as `root/MNIST/raw`; None where it holds none of them.

    MNIST's may also lie in `root/raw` or in `root` itself: its checksums tell them from those of the others.
    """
    flat = (root / "raw", root) if data_set is MNIST else ()
    for folder in (root / data_set.folder / "raw", *flat):
        if any(_path(folder, name) for name in FILES):
            return folder
    return None


def read(folder: Path, data_set: DataSet = MNIST) -> Tensors:
    """The data in a folder.

    Raises:
        Unavailable: torchvision can't be imported.
        DataError: a file is missing, truncated, of the wrong kind, or altered.
    """
    _torchvision()
    train_x, train_y, test_x, test_y = (
        _read(folder, *file, data_set) for file in zip(FILES, data_set.crc32, strict=True)
    )
    return train_x, train_y, test_x, test_y


def download(root: Path, data_set: DataSet = MNIST, *, patient: bool = False) -> Tensors:
    """Have torchvision fetch a data set, keep it in a folder such as `root/MNIST/raw`, and read it.

    The whole download gets `LIMIT` seconds, enough for 1.1 MB a second. Who is slower than that and has something else to go
    on with is better served by it at once; who asks for a data set by name is `patient`, and waits as long as bytes arrive
    (at 200 kB a second, a minute). A download that stands still is given up in either case.

    The files are kept once they are complete and checked, so a broken download leaves nothing behind. Where `root` can't
    be written, one line says so and the images are handed over all the same.

    Raises:
        Unavailable: torchvision or the network is missing, the network is too slow, or it sends other files.
    """
    kept = root / data_set.folder / "raw"
    with _new_folder(root) as aside:
        fetched = _fetch(data_set, aside, limit=math.inf if patient else LIMIT)
        tensors = read(fetched, data_set)
        try:
            kept.parent.mkdir(exist_ok=True)
            fetched.replace(kept)
        except OSError as error:
            if find(root, data_set) != kept:  # otherwise another process has kept its own download meanwhile
                print(
                    f"{kept} can't be written ({error.strerror}), so {data_set.title} is downloaded anew each time: set"
                    " VAE_COURSE_CACHE to another folder."
                )
        return tensors


@contextmanager
def _new_folder(root: Path) -> Iterator[Path]:
    """A folder in the root, from which another can be renamed in one step; one elsewhere where none can be made there."""
    aside = root / f".{secrets.token_hex(4)}.tmp"
    try:
        aside.mkdir(parents=True)
    except OSError:
        aside = Path(tempfile.mkdtemp())
    try:
        yield aside
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _fetch(data_set: DataSet, aside: Path, *, limit: float) -> Path:
    """A folder in `aside` with the four files, from whichever mirrors send them."""
    theirs = getattr(_torchvision(), data_set.folder)
    mirrors = MIRRORS if data_set is MNIST else theirs.mirrors
    folder, sender, trouble = aside, "", {}
    silent, until = os.environ.get("VAE_COURSE_PROGRESS") == "0", time.monotonic() + limit
    settings: dict[str, Any] = {"unit": "B", "unit_scale": True, "leave": False, "delay": 1, "disable": silent}
    with tqdm(total=data_set.size, file=sys.stdout, **settings) as bar:
        complete = idle = 0
        for turn, mirror in enumerate(itertools.cycle(mirrors)):
            folder, host = _with_what_is_complete(folder, aside / str(turn)), urlsplit(mirror).netloc
            words = _trouble(_Download(mirror, theirs.resources, folder), bar, until)
            if not words:
                sender = host
                break
            trouble[host] = words
            complete, before = len(list(folder.glob("*-ubyte"))), complete
            idle = 0 if complete > before else idle + 1
            if idle == TRIES * len(mirrors) or time.monotonic() > until:
                break
    if not sender:
        raise Unavailable(_joined(trouble))
    if trouble:
        print(f"{_joined(trouble)}; the rest comes from {sender}.")
    for packed in folder.glob("*.gz"):
        packed.unlink()
    return folder


def _with_what_is_complete(before: Path, folder: Path) -> Path:
    """A new folder with the files that the last mirror sent whole, which torchvision then does not ask for again."""
    folder.mkdir()
    for unpacked in before.glob("*-ubyte"):
        packed = before / f"{unpacked.name}.gz"
        packed.replace(folder / packed.name)
    return folder


class _Download(threading.Thread):
    """torchvision asks one mirror for the files, in a thread, because looking up a name can't be ended.

    The thread is also torchvision's progress bar, which would write to standard error. So one that is left to itself ends
    with the next bytes that it gets.
    """

    def __init__(self, mirror: str, resources: Sequence[tuple[str, str]], folder: Path) -> None:
        super().__init__(name="download", daemon=True)
        self.mirror, self.resources, self.folder = mirror, resources, folder
        self.given_up = threading.Event()
        self.error: Exception | None = None

    def run(self) -> None:
        """Fetch what is not there yet, and unpack it."""
        fetch = _torchvision().utils.download_and_extract_archive
        try:
            for name, md5 in self.resources:
                if not self.given_up.is_set():
                    fetch(self.mirror + name, str(self.folder), filename=name, md5=md5)
        except Exception as error:  # for the thread that waits
            self.error = error

    def arrived(self) -> int:
        """Compressed bytes in the folder."""
        return sum(path.stat().st_size for path in self.folder.glob("*.gz"))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def update(self, _: int) -> None:
        """So many bytes have come."""
        if self.given_up.is_set():
            raise Unavailable("given up")


def _trouble(download: _Download, bar: Any, until: float) -> str:
    """Wait for a download; what went wrong with it, or nothing."""
    download.start()
    since, had, arrived = time.monotonic(), download.arrived(), 0
    try:
        while download.is_alive():
            download.join(0.05)
            arrived, now = download.arrived(), time.monotonic()
            bar.update(arrived - bar.n)
            if now > until:
                return f"sent only {_mb(arrived)} of {_mb(bar.total)} in {LIMIT:g} seconds; data.load('mnist') waits for all"
            if arrived > 2 * bar.total:
                return "sent too much"
            if now > since + PAUSE:
                if arrived < had + LEAST:
                    return f"stalled at {_mb(arrived)}"
                since, had = now, arrived
    finally:
        download.given_up.set()
    match download.error:
        case None:
            return ""
        case HTTPError(code=code, reason=reason):
            download.error.close()
            return f"answered {code} {reason}"
        case URLError(reason=reason):
            return str(getattr(reason, "strerror", None) or reason)
        case OSError() | HTTPException():
            return f"broke off at {_mb(arrived)}"
        case RuntimeError():  # torchvision's, where a checksum is another one
            return "sent a broken file"
    raise download.error


class _Bars:
    """Gives out torchvision's progress bars, but to a thread of ours that thread itself."""

    def __init__(self, theirs: Callable[..., Any]) -> None:
        self.theirs = theirs

    def __call__(self, *args: Any, **settings: Any) -> Any:
        thread = threading.current_thread()
        return thread if isinstance(thread, _Download) else self.theirs(*args, **settings)


def _torchvision() -> Any:
    """torchvision's data sets, imported only now, because that takes a second."""
    try:
        from torchvision import datasets
    except (ImportError, RuntimeError, OSError) as error:  # the last two where it was built for another PyTorch
        why = str(error).partition("\n")[0]
        raise Unavailable(f"torchvision can't be imported ({why}); run `vae-course doctor`") from None
    if not isinstance(datasets.utils.tqdm, _Bars):
        datasets.utils.tqdm = _Bars(datasets.utils.tqdm)
    return datasets


def _joined(trouble: dict[str, str]) -> str:
    """What went wrong at each mirror, said once where it is the same."""
    if len(trouble) > 1 and len(set(trouble.values())) == 1:
        return f"{' and '.join(trouble)}: {next(iter(trouble.values()))}"
    return "; ".join(f"{host}: {what}" for host, what in trouble.items())


def _mb(size: int) -> str:
    return f"{size / 1e6:.1f} MB"


def _path(folder: Path, name: str) -> Path | None:
    return next((path for path in (folder / name, folder / f"{name}.gz") if path.is_file()), None)


def _read(folder: Path, name: str, crc32: int | None, data_set: DataSet) -> Tensor:
    """One file by torchvision's reader, which takes no compressed ones, and files that are too short or too long."""
    path, shape, title = _path(folder, name), FILES[name], data_set.title
    if path is None:
        raise DataError(f"{folder / name} is missing: {title} is four files, so copy all of them there.")
    fix = "move it away and run again to have it downloaded anew, or copy a good one there"
    readers = _torchvision().mnist
    reader = readers.read_label_file if "labels" in name else readers.read_image_file
    size = 4 + 4 * len(shape) + math.prod(shape)
    try:
        with _unpacked(path) as plain:
            content = plain.read_bytes()
            values: Tensor | None = reader(str(plain)) if len(content) == size else None
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} can't be read ({error}): {fix}.") from None
    except (AssertionError, KeyError, RuntimeError, TypeError, ValueError):  # the reader's, for bytes of another kind
        values = None
    if len(content) != size:
        raise DataError(f"{path} holds {len(content):,} bytes where {title} has {size:,}: {fix}.")
    if values is None or values.shape != shape:
        raise DataError(f"{path} does not begin like {title}'s file of that name: {fix}.")
    if crc32 not in (None, zlib.crc32(content)):
        raise DataError(f"{path} has been altered, its checksum is not that of {title}: {fix}.")
    return values


@contextmanager
def _unpacked(path: Path) -> Iterator[Path]:
    """The file, or what is in it if it is compressed."""
    if path.suffix != ".gz":
        yield path
        return
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder) / path.stem
        plain.write_bytes(gzip.decompress(path.read_bytes()))
        yield plain
