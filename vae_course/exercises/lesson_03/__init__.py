"""The exercises of lesson 03, KL divergence and variational inference."""

from vae_course.exercises.lesson_03 import direction, discrete, gaussian, monte_carlo, one_mode, sigma

EXERCISES = (
    discrete.EXERCISE,
    monte_carlo.EXERCISE,
    gaussian.EXERCISE,
    sigma.EXERCISE,
    direction.EXERCISE,
    one_mode.EXERCISE,
)
