"""Exercises as data, with checks that explain what went wrong.

In a notebook: `function = check(id, function)`, `hint(id)`, `solution(id)`, `progress()`.
For programs: `evaluate(id, function) -> Report`, `get(id)`, `all_exercises()`; a sandbox runs `run_answer`, and
`judge` compares outside of it.
"""

from vae_course.exercises import reading
from vae_course.exercises.judging import evaluate, judge
from vae_course.exercises.lessons import all_exercises, get
from vae_course.exercises.model import Exercise, Report, UnknownExercise, Verdict, Written
from vae_course.exercises.notebook import check, hint, or_reference, progress, solution, withhold
from vae_course.exercises.outcomes import Outcome, run_answer

__all__ = [
    "Exercise",
    "Outcome",
    "Report",
    "UnknownExercise",
    "Verdict",
    "Written",
    "all_exercises",
    "check",
    "evaluate",
    "get",
    "hint",
    "judge",
    "or_reference",
    "progress",
    "run_answer",
    "solution",
    "withhold",
]

reading.watch()
