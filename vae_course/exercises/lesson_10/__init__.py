"""The exercises of lesson 10, Rate, distortion and collapse: the rate, its split, active units, free bits, a diagnosis."""

from vae_course.exercises.lesson_10 import active, diagnosis, floor, predict, split

EXERCISES = (
    predict.EXERCISE,
    split.EXERCISE,
    active.EXERCISE,
    floor.EXERCISE,
    diagnosis.EXERCISE,
)
