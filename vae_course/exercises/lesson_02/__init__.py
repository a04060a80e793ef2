"""The exercises of lesson 02, Latent-variable models: Bayes on tables, a grid sum, draws of a model, p(x) from draws."""

from vae_course.exercises.lesson_02 import ancestral, naive_mc, posterior_table, quadrature, why_intractable

EXERCISES = (
    posterior_table.EXERCISE,
    quadrature.EXERCISE,
    ancestral.EXERCISE,
    naive_mc.EXERCISE,
    why_intractable.EXERCISE,
)
