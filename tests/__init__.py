"""The tests; importing the package before PyTorch has PyTorch's threads sleep, not spin, while they wait for each other."""

import vae_course  # noqa: F401
