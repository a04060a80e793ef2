"""Where the notebooks of lesson 05 that are out already look for `Setting`."""

from vae_course.studies.gradient_noise import Setting

__all__ = ["Setting"]
