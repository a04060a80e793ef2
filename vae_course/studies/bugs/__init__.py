"""Twelve mistakes from public VAE code, each in a small model that can be trained in seconds.

`train("A", images, val)` runs one, `reveal("A")` shows its broken line. What is wrong with each stands in `cases`; the
broken code itself in `broken`. Nothing else in the course uses it.
"""

from vae_course.studies.bugs import broken
from vae_course.studies.bugs.cases import CASES, Case, case, diagnosis_table, line_up
from vae_course.studies.bugs.runs import mend, reveal, source, train

__all__ = ["CASES", "Case", "broken", "case", "diagnosis_table", "line_up", "mend", "reveal", "source", "train"]
