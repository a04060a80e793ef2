"""The exercises of lesson 00, Start here: two tiny ones and one in words."""

from vae_course.exercises.lesson_00 import codes, interpolate, why

EXERCISES = (interpolate.EXERCISE, codes.EXERCISE, why.EXERCISE)
