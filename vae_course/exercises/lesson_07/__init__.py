"""The exercises of lesson 07, Your first VAE: its pieces, and the published losses in words."""

from vae_course.exercises.lesson_07 import (
    generate,
    kl,
    loss,
    network,
    published,
    reconstruction,
    reparameterize,
)

EXERCISES = (
    network.EXERCISE,
    reparameterize.EXERCISE,
    reconstruction.EXERCISE,
    kl.EXERCISE,
    loss.EXERCISE,
    generate.EXERCISE,
    published.EXERCISE,
)
