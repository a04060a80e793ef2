"""Grading a class from submissions that nobody trusts.

Student code runs in a sandbox; its values come out as plain arrays, and the marks are computed outside of it:
`collect.collect` finds the submissions, `whole.grade_class` grades them, `single.grade_submission` grades one.
"""

from vae_course.tools.grading.errors import GradingError
from vae_course.tools.grading.model import Graded, Mark, Submission

__all__ = ["Graded", "GradingError", "Mark", "Submission"]
