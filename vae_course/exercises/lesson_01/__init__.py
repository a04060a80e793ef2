"""The exercises of lesson 01, Autoencoders: an error, a projection, an angle, the holes, and what is missing in words."""

from vae_course.exercises.lesson_01 import holes, pca, reconstruction_error, subspace_angle, why_not_generate

EXERCISES = (
    reconstruction_error.EXERCISE,
    pca.EXERCISE,
    subspace_angle.EXERCISE,
    holes.EXERCISE,
    why_not_generate.EXERCISE,
)
