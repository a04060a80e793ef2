"""Learn variational autoencoders: a helper package for the notebooks of the VAE course.

The modules are meant to be read in this order: `data`, `distributions`, `exact`, `networks`, `models`, `objectives`,
`training`, `evaluation`, `plotting`, `widgets`. Importing the package itself loads none of them.
"""

__version__ = "0.1.0"
