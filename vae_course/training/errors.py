"""The one error of a training that cannot go on."""


class TrainingError(RuntimeError):
    """A training that cannot go on or cannot be kept; the message says where, why, and what to do."""
