"""Grading a class from submissions that nobody trusts.

Student code runs in a sandbox; its values come out as plain arrays, and the marks are computed outside of it.
"""

from vae_course.grading.model import Graded, Mark, Submission

__all__ = ["Graded", "Mark", "Submission"]
