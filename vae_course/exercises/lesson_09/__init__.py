"""The exercises of lesson 09, Find the bug: five broken functions to mend, and one case to plan in words."""

from vae_course.exercises.lesson_09 import collapse, evaluation, means, noise, scale, sigmoids

EXERCISES = (
    scale.EXERCISE,
    noise.EXERCISE,
    sigmoids.EXERCISE,
    evaluation.EXERCISE,
    means.EXERCISE,
    collapse.EXERCISE,
)
