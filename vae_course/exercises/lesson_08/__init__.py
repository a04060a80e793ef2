"""The exercises of lesson 08, Inside the latent space: where the codes lie, and how to walk among them."""

from vae_course.exercises.lesson_08 import aggregate, corner, grid, head, norms, slerp

EXERCISES = (
    aggregate.EXERCISE,
    grid.EXERCISE,
    head.EXERCISE,
    norms.EXERCISE,
    slerp.EXERCISE,
    corner.EXERCISE,
)
