"""A check that takes long says so while it runs."""

import _thread
import contextlib
import signal
import sys
import threading
from collections.abc import Callable, Iterator

AFTER = 20.0  # seconds; the checks of right answers take less than one


@contextlib.contextmanager
def announced(say: Callable[[], None]) -> Iterator[None]:
    """Call `say` once when a block takes longer than `AFTER`; what it prints is seen even where the block is silenced.

    The main thread says it, between two steps of the block: a kernel's output belongs to that thread. Another thread only
    keeps the time. Outside of the main thread nothing is said.
    """
    number: int = getattr(signal, "SIGUSR1", None) or signal.Signals["SIGBREAK"]
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(number) is None:
        yield
        return
    out = sys.stdout

    def interrupted(*_: object) -> None:
        with contextlib.suppress(Exception), contextlib.redirect_stdout(out):
            say()

    before = signal.signal(number, interrupted)
    timer = threading.Timer(AFTER, _thread.interrupt_main, (number,))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()  # what it has set off meets `interrupted` still
        signal.signal(number, before)
