"""Grading a class from submissions that nobody trusts.

A submission's way: `collect` finds it, `read` finds its answers, `sandbox` runs them, `mark` compares their values, and
`report` tells everybody. What goes from one to the next is in `model`.
"""

from vae_course.tools.grading.model import Graded, GradingError, Mark, Submission

__all__ = ["Graded", "GradingError", "Mark", "Submission"]
