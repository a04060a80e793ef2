"""Build the course's notebooks from one source per lesson: `solutions/NN_topic.py` becomes two notebooks."""

from pathlib import Path

from . import settings, source
from .errors import AuthoringError

__all__ = ["AuthoringError", "lessons", "settings"]


def lessons() -> list[Path]:
    """The sources of all lessons of the checkout, in order; raises AuthoringError outside a checkout."""
    return source.discover(settings.read().solutions)
