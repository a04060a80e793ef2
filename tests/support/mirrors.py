"""Mirrors on this machine that send files well, or badly in one of the ways in which real ones do."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

NOBODY = "http://127.0.0.1:9/"  # nothing listens there


@dataclass
class Request:
    """One request for a file, and how to answer it."""

    handler: BaseHTTPRequestHandler
    name: str
    content: bytes
    times: int
    closing: threading.Event

    @property
    def start(self) -> int:
        """The first byte that is asked for."""
        return int(self.handler.headers.get("Range", "bytes=0-").removeprefix("bytes=").removesuffix("-"))

    def head(self, length: int, *, start: int = 0) -> None:
        """Promise so many bytes, from the one at `start` on."""
        self.handler.send_response(206 if start else 200)
        if start:
            self.handler.send_header("Content-Range", f"bytes {start}-{start + length - 1}/{start + length}")
        self.handler.send_header("Content-Length", str(length))
        self.handler.end_headers()

    def send(self, some: bytes) -> None:
        self.handler.wfile.write(some)
        self.handler.wfile.flush()


Behaviour = Callable[[Request], None]


def well(request: Request) -> None:
    """All that is asked for, at once."""
    rest = request.content[request.start :]
    request.head(len(rest), start=request.start)
    request.send(rest)


def stalls(request: Request) -> None:
    """Half of it, and then nothing for ever."""
    breaks(request)
    request.closing.wait()


def breaks(request: Request) -> None:
    """Half of it, each time from the beginning, and then the end of the connection."""
    request.head(len(request.content))
    request.send(request.content[: len(request.content) // 2])


def breaks_once(request: Request) -> None:
    """Half of it the first time, and then the rest."""
    (breaks if request.times == 1 else well)(request)


def lies(request: Request) -> None:
    """As many bytes, but others."""
    request.head(len(request.content))
    request.send(bytes(byte ^ 0xFF for byte in request.content))


def goes_on_for_ever(request: Request) -> None:
    """More bytes than the file has, without a length."""
    request.handler.send_response(200)
    request.handler.end_headers()
    while not request.closing.is_set():
        request.send(bytes(100_000))


def lacks(request: Request) -> None:
    request.handler.send_error(404)


def refuses(request: Request) -> None:
    request.handler.send_error(416)


def is_silent(request: Request) -> None:
    """Takes the request, and says nothing."""
    request.closing.wait()


def drips(seconds: float, size: int = 1) -> Behaviour:
    """A few bytes, and a few more after so many seconds, and so on."""

    def behaviour(request: Request) -> None:
        rest = request.content[request.start :]
        request.head(len(rest), start=request.start)
        for at in range(0, len(rest), size):
            request.send(rest[at : at + size])
            if request.closing.wait(seconds):
                return

    return behaviour


@dataclass
class Mirror:
    """Its address, and for which files it was asked, from which byte on."""

    address: str = ""
    asked: list[tuple[str, int]] = field(default_factory=list)

    @property
    def host(self) -> str:
        return self.address.removeprefix("http://").rstrip("/")


@contextmanager
def mirror(behaviour: Behaviour, files: dict[str, bytes]) -> Iterator[Mirror]:
    """A mirror of these files until the block ends."""
    made, closing = Mirror(), threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = self.path.lstrip("/")
            times = 1 + sum(name == earlier for earlier, _ in made.asked)
            request = Request(self, name, files[name], times, closing)
            made.asked.append((name, request.start))
            behaviour(request)

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
            closing.set()
            server.shutdown()
