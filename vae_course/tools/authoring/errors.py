"""The error that every part of the builder raises."""


class AuthoringError(RuntimeError):
    """A lesson, its notebooks or the project's settings can't be built; the message says where and why."""
