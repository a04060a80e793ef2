"""Images to learn from: MNIST and its relatives where they can be had, pen digits, drawn by the course itself, and your own."""

from vae_course.data.folder import load_folder
from vae_course.data.images import Images, Splits, binarize, dynamic_binarize, load
from vae_course.data.mnist import DataError
from vae_course.support.files import cache_dir

__all__ = ["DataError", "Images", "Splits", "binarize", "cache_dir", "dynamic_binarize", "load", "load_folder"]
