"""The exercises of lesson 11, How good is it?: the bound, the effective sample size, weights, errors, and looks."""

from vae_course.exercises.lesson_11 import bound, effective, looks, paired, weights

EXERCISES = (
    bound.EXERCISE,
    effective.EXERCISE,
    weights.EXERCISE,
    paired.EXERCISE,
    looks.EXERCISE,
)
