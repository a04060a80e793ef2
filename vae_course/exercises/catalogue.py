"""All exercises of the course, in the order of the lessons."""

import difflib

from vae_course.exercises import (
    lesson_00,
    lesson_01,
    lesson_02,
    lesson_03,
    lesson_04,
    lesson_05,
    lesson_06,
    lesson_07,
    lesson_08,
    lesson_09,
    lesson_10,
    lesson_11,
    lesson_12,
)
from vae_course.exercises.model import AnyExercise, UnknownExercise


def all_exercises() -> tuple[AnyExercise, ...]:
    """Every exercise, in the order of the lessons."""
    return (
        *lesson_00.EXERCISES,
        *lesson_01.EXERCISES,
        *lesson_02.EXERCISES,
        *lesson_03.EXERCISES,
        *lesson_04.EXERCISES,
        *lesson_05.EXERCISES,
        *lesson_06.EXERCISES,
        *lesson_07.EXERCISES,
        *lesson_08.EXERCISES,
        *lesson_09.EXERCISES,
        *lesson_10.EXERCISES,
        *lesson_11.EXERCISES,
        *lesson_12.EXERCISES,
    )


def get(id: str) -> AnyExercise:
    """The exercise with this id.

    Raises:
        UnknownExercise: there is none; the message names the near matches.
    """
    known = {exercise.id: exercise for exercise in all_exercises()}
    if id in known:
        return known[id]
    near = difflib.get_close_matches(str(id), known, n=3, cutoff=0.5)
    raise UnknownExercise(
        f"There is no exercise {id!r}; "
        + (f"near matches: {', '.join(near)}." if near else "an id is a lesson's number and a name, such as 07-kl.")
    )
