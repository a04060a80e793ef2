"""The exercises of lesson 12, What VAEs are used for: push, message length, break-even, AUROC, missing pixels, words."""

from vae_course.exercises.lesson_12 import anomaly, area, break_even, length, missing, push

EXERCISES = (
    push.EXERCISE,
    length.EXERCISE,
    break_even.EXERCISE,
    area.EXERCISE,
    anomaly.EXERCISE,
    missing.EXERCISE,
)
