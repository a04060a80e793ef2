"""How many threads work side by side: one on small tensors, and never more than there are processors for them."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def at_most(threads: int) -> Iterator[None]:
    """Run a block, or a function that this decorates, on no more of PyTorch's threads, and put their number back."""
    before = torch.get_num_threads()
    if threads < before:
        torch.set_num_threads(threads)
    try:
        yield
    finally:
        if torch.get_num_threads() != before:
            torch.set_num_threads(before)


@contextmanager
def one_thread() -> Iterator[None]:
    """Run small tensors on one thread, where several would only wait for each other."""
    with at_most(1):
        yield


def usable_processors() -> int:
    """The processors that this process may use: under an affinity or a CPU quota fewer than the machine has.

    PyTorch knows nothing of a container's quota, and threads beyond it only keep each other waiting.
    """
    from joblib import cpu_count

    return int(cpu_count())
