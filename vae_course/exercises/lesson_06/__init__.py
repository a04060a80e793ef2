"""The exercises of lesson 06, Choosing the likelihood: grey pixels, two sigmas, effective beta, bits, and MSE in words."""

from vae_course.exercises.lesson_06 import bits, effective_beta, grey, implied_sigma, mse, optimal_sigma

EXERCISES = (
    grey.EXERCISE,
    implied_sigma.EXERCISE,
    optimal_sigma.EXERCISE,
    effective_beta.EXERCISE,
    bits.EXERCISE,
    mse.EXERCISE,
)
