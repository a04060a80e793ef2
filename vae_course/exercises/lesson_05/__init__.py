"""The exercises of lesson 05, Gradients and reparameterisation: two estimators, a baseline, shared noise, and why."""

from vae_course.exercises.lesson_05 import baseline, pathwise, score, shared_noise, why_variance

EXERCISES = (
    score.EXERCISE,
    pathwise.EXERCISE,
    baseline.EXERCISE,
    shared_noise.EXERCISE,
    why_variance.EXERCISE,
)
