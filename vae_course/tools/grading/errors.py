"""The errors that grading raises for the instructor; a submission never raises one."""


class GradingError(RuntimeError):
    """Grading can't go on; the message is one sentence that says why and what to do."""
