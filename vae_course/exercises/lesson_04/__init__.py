"""The exercises of lesson 04, The ELBO: the bound on tables, its gap, its two forms, a lost sign, and q in words."""

from vae_course.exercises.lesson_04 import bound, discrete, gap, sign, two_forms, why_q

EXERCISES = (
    discrete.EXERCISE,
    gap.EXERCISE,
    bound.EXERCISE,
    two_forms.EXERCISE,
    sign.EXERCISE,
    why_q.EXERCISE,
)
