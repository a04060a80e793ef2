"""Fetch files over a network that may refuse, stall, break off, drip or send something else, and know when to stop."""

import contextlib
import itertools
import os
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from http.client import HTTPException
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit

from tqdm import tqdm

STRIKES = 3  # tries that brought nothing, after which a mirror is asked no more
CHUNK = 32 * 1024


class DownloadError(RuntimeError):
    """Files that did not arrive; the message says what went wrong."""


class TooSlow(DownloadError):
    """Bytes still came, but not all within the limit."""


@dataclass(frozen=True)
class Patience:
    """How long to wait.

    Args:
        limit: seconds for everything together, however many files and mirrors; None: as long as bytes arrive.
        pause: seconds in which a mirror must send `least` bytes, or the next one is asked; when no mirror has sent so
            many in three pauses, the download is given up.
        least: bytes.
    """

    limit: float | None = 11.0
    pause: float = 3.0
    least: int = 32 * 1024


@dataclass(frozen=True)
class Wanted:
    """A file: its name at each mirror, about how many bytes it has, and what checks and unpacks it.

    `unpack` gets all bytes and returns the content; it raises ValueError where they are not the file.
    """

    name: str
    size: int
    unpack: Callable[[bytes], bytes]


def fetch(files: Sequence[Wanted], mirrors: Sequence[str], *, patience: Patience) -> list[bytes]:
    """The content of each file, from whichever mirrors send it.

    What has arrived is kept when a connection stalls or breaks off, and the next mirror is asked for the rest. Then one
    line says so. A bar shows the progress after the first second, on standard output, where VAE_COURSE_PROGRESS is not 0.
    Asking runs in a thread, because looking up a name can't be ended; a thread that hangs is left to itself.

    Raises:
        TooSlow: the limit is over.
        DownloadError: no mirror has the files, or none sends any more.
    """
    download = _Download(files, mirrors, patience)
    download.start()
    try:
        _watch(download, patience)
    finally:
        download.stop.set()
    if download.error:
        raise download.error
    return download.contents


def _watch(download: "_Download", patience: Patience) -> None:
    """Show what arrives until the download has ended, or raise once it isn't worth waiting for."""
    began = moved = time.monotonic()
    seen, bar = (0, 0), None
    with contextlib.ExitStack() as shown:
        alive = True
        while alive:
            download.join(0.05)
            alive = download.is_alive()
            now = time.monotonic()
            if bar is None and now - began > 1 and os.environ.get("VAE_COURSE_PROGRESS") != "0":
                bar = shown.enter_context(
                    tqdm(total=download.size, unit="B", unit_scale=True, leave=False, file=sys.stdout)
                )
            while download.news:
                tqdm.write(download.news.pop(0))
            arrived, finished = download.arrived, len(download.contents)
            if bar is not None:
                bar.update(max(arrived - bar.n, 0))
            if finished > seen[1] or arrived >= seen[0] + patience.least:
                moved, seen = now, (arrived, finished)
            seen = (min(arrived, seen[0]), finished)  # a mirror that begins anew moves, too
            over = patience.limit is not None and now - began > patience.limit
            if alive and now - moved > (1 if over else 3) * patience.pause:
                raise DownloadError(f"the download stood still at {_of(arrived, download.size)}")
            if alive and over:
                raise TooSlow(f"only {_of(arrived, download.size)} arrived in {now - began:.0f} seconds")


class _Download(threading.Thread):
    """Asks one mirror after the other; the thread that started it looks at its attributes."""

    def __init__(self, files: Sequence[Wanted], mirrors: Sequence[str], patience: Patience) -> None:
        super().__init__(name="download", daemon=True)
        self.files, self.mirrors, self.patience = files, mirrors, patience
        self.size = sum(file.size for file in files)
        self.contents: list[bytes] = []
        self.news: list[str] = []
        self.error: Exception | None = None
        self.stop = threading.Event()
        self._before, self._part = 0, bytearray()
        self._strikes = dict.fromkeys(mirrors, 0)
        self._turns = itertools.cycle(mirrors)
        self._mirror = next(self._turns)
        self._trouble: dict[str, str] = {}
        self._untold = ""

    @property
    def arrived(self) -> int:
        """Bytes that count."""
        return self._before + len(self._part)

    def run(self) -> None:
        try:
            for file in self.files:
                content = self._whole(file)
                self._before, self._part = self._before + len(self._part), bytearray()
                self.contents.append(content)
        except Exception as error:  # for the thread that waits
            self.error = error

    def _whole(self, file: Wanted) -> bytes:
        while True:
            before = len(self._part)
            try:
                self._ask(file)
                return file.unpack(bytes(self._part))
            except ValueError:
                self._part.clear()
                # Else two mirrors may have sent halves that don't fit, so this one is asked for all of it.
                if not before:
                    self._next(f"did not send {file.name}", STRIKES)
            except HTTPError as error:
                error.close()
                longer = error.code == 416 and before  # what came from elsewhere is longer than the whole file here
                if longer:
                    self._part.clear()
                self._next(f"answered {error.code} {error.reason}", 0 if longer else STRIKES)
            except (OSError, HTTPException) as error:
                reason = error.reason if isinstance(error, URLError) else error
                if isinstance(reason, TimeoutError):
                    told, strikes = f"stalled at {_mb(self.arrived)}", 1
                elif isinstance(error, URLError):
                    told, strikes = str(getattr(reason, "strerror", None) or reason), STRIKES
                else:
                    told, strikes = f"broke off at {_mb(self.arrived)}", 1
                fruitful = len(self._part) - before >= self.patience.least
                self._next(told, 0 if fruitful else strikes)

    def _ask(self, file: Wanted) -> None:
        """Add to what has arrived until the mirror is done; raises an error of the network's where it isn't."""
        part, pause = self._part, self.patience.pause
        headers = {"User-Agent": "vae-course"} | ({"Range": f"bytes={len(part)}-"} if part else {})
        request = urllib.request.Request(self._mirror + file.name, headers=headers)
        with urllib.request.urlopen(request, timeout=pause) as answer:
            if answer.status != 206:  # all of it, whatever was asked for
                part.clear()
            whole = None if answer.length is None else len(part) + answer.length
            since, had = time.monotonic(), len(part)
            for chunk in _chunks(answer):
                part += chunk
                self._tell()
                if self.stop.is_set():
                    raise DownloadError("given up")
                if len(part) > 2 * file.size:
                    raise ValueError("too much")
                if time.monotonic() - since > pause:
                    if len(part) - had < self.patience.least:
                        raise TimeoutError
                    since, had = time.monotonic(), len(part)
            if whole is not None and len(part) < whole:
                raise ConnectionError

    def _next(self, trouble: str, strikes: int) -> None:
        """On to the next mirror that is worth asking."""
        if self.stop.is_set():
            raise DownloadError("given up")
        host = urlsplit(self._mirror).netloc
        self._trouble[host], self._untold = trouble, f"{host} {trouble}"
        self._strikes[self._mirror] += strikes
        if min(self._strikes.values()) >= STRIKES:
            raise DownloadError(_joined(self._trouble))
        self._mirror = next(mirror for mirror in self._turns if self._strikes[mirror] < STRIKES)

    def _tell(self) -> None:
        """Say what went wrong once it has turned out well, and not before: else there is one line, at the end."""
        if self._untold:
            self.news.append(f"{self._untold}; the rest comes from {urlsplit(self._mirror).netloc}.")
            self._untold = ""


def _chunks(answer: "urllib.request._UrlopenRet") -> Iterator[bytes]:
    return iter(lambda: answer.read1(CHUNK), b"")  # read1 returns what is there, where read would wait for a drip


def _joined(trouble: dict[str, str]) -> str:
    """What went wrong at each mirror, said once where it is the same."""
    if len(trouble) > 1 and len(set(trouble.values())) == 1:
        return f"{' and '.join(trouble)}: {next(iter(trouble.values()))}"
    return "; ".join(f"{host}: {what}" for host, what in trouble.items())


def _of(part: int, whole: int) -> str:
    return f"{part / 1e6:.1f} of {_mb(whole)}"


def _mb(size: int) -> str:
    return f"{size / 1e6:.1f} MB"
