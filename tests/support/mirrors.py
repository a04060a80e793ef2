"""Mirrors on this machine that send files well, or badly in one of the ways in which real ones do.

Time is theirs: a download looks at a `Clock`, which moves only while a mirror lets whoever waits for it wait. So no test
depends on how busy the machine is.
"""

import os
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from vae_course.data import mnist

NOBODY = "http://127.0.0.1:9/"  # nothing listens there
CHUNK = 32 * 1024  # what torchvision reads at once


class Clock:
    """Stands in for the module `time`. It never moves twice between two looks at it."""

    def __init__(self) -> None:
        self.now = 0.0
        self._looked = threading.Event()

    def monotonic(self) -> float:
        self._looked.set()
        return self.now

    def move(self, seconds: float) -> bool:
        """Move on, if somebody has looked."""
        looked = self._looked.wait(0.01)
        if looked:
            self._looked.clear()
            self.now += seconds
        return looked


@dataclass
class Mirror:
    """Its address, and the files that it was asked for, each twice where torchvision first looks for a redirection."""

    address: str = ""
    asked: list[str] = field(default_factory=list)
    clock: Clock = field(default_factory=Clock)
    closing: threading.Event = field(default_factory=threading.Event)

    @property
    def host(self) -> str:
        return self.address.removeprefix("http://").rstrip("/")

    def download(self) -> mnist._Download | None:
        """The one that waits for this mirror."""
        waiting = (thread for thread in threading.enumerate() if isinstance(thread, mnist._Download))
        return next((t for t in waiting if t.mirror == self.address and not t.given_up.is_set()), None)


@dataclass
class Request:
    """One request for a file, and how to answer it: to the first of two, which looks for a redirection, by a head."""

    handler: BaseHTTPRequestHandler
    mirror: Mirror
    content: bytes
    times: int

    @property
    def only_looks(self) -> bool:
        return self.times % 2 == 1

    def head(self) -> None:
        self.handler.send_response(200)
        self.handler.send_header("Content-Length", str(len(self.content)))
        self.handler.end_headers()

    def send(self, some: bytes) -> None:
        if not self.only_looks:
            self.handler.wfile.write(some)
            self.handler.wfile.flush()


Behaviour = Callable[[Request], None]


def well(request: Request) -> None:
    """All that is asked for, at once."""
    request.head()
    request.send(request.content)


def is_silent(request: Request) -> None:
    """Takes the request, says nothing, and time passes until nobody waits any more."""
    while request.mirror.download():
        request.mirror.clock.move(mnist.PAUSE / 4)  # so little that the next mirror is not blamed for the last step
    request.mirror.closing.wait()


def stalls(request: Request) -> None:
    """Half of it, and then nothing for ever."""
    breaks(request)
    if not request.only_looks:
        is_silent(request)


def breaks(request: Request) -> None:
    """Half of it, and then the end of the connection."""
    request.head()
    request.send(request.content[: len(request.content) // 2])


def breaks_once(request: Request) -> None:
    """Half of it the first time, and then all."""
    (breaks if request.times <= 2 else well)(request)


def resets(request: Request) -> None:
    """Half of it, and then the end of the connection without a farewell."""
    breaks(request)
    if not request.only_looks:
        connection = request.handler.connection
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        os.close(connection.detach())


def lies(request: Request) -> None:
    """As many bytes, but others."""
    request.head()
    request.send(bytes(byte ^ 0xFF for byte in request.content))


def goes_on_for_ever(request: Request) -> None:
    """More bytes than the file has, without a length."""
    request.handler.send_response(200)
    request.handler.end_headers()
    while not request.only_looks and not request.mirror.closing.is_set():
        request.send(bytes(100_000))


def lacks(request: Request) -> None:
    request.handler.send_error(404)


def drips(seconds: float, size: int = CHUNK) -> Behaviour:
    """Some bytes, and so many more after so many seconds, and so on."""

    def behaviour(request: Request) -> None:
        request.head()
        waiting = request.mirror.download()
        if waiting is None or request.only_looks:
            return
        before = waiting.arrived()
        for sent in range(size, len(request.content) + size, size):
            request.send(request.content[sent - size : sent])
            received = (sent - size) // CHUNK * CHUNK  # the rest is still in torchvision's hands
            while waiting.arrived() < before + received and not waiting.given_up.is_set():
                time.sleep(0.01)
            while not request.mirror.clock.move(seconds):
                if waiting.given_up.is_set():
                    return

    return behaviour


@contextmanager
def mirror(behaviour: Behaviour, files: dict[str, bytes], clock: Clock | None = None) -> Iterator[Mirror]:
    """A mirror of these files until the block ends."""
    made = Mirror(clock=clock or Clock())

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = self.path.lstrip("/")
            made.asked.append(name)
            behaviour(Request(self, made, files[name], made.asked.count(name)))

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            pass  # whoever asked has gone

    with Server(("127.0.0.1", 0), Handler) as server:
        made.address = f"http://127.0.0.1:{server.server_port}/"
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        try:
            yield made
        finally:
            made.closing.set()
            server.shutdown()
