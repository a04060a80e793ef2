"""Pictures of models, trainings and codes: pure functions from arrays to figures with a text alternative.

Every function draws into a figure of its own, or into `ax` where it takes one, and returns the figure; none
shows it or touches matplotlib's global state. Ink is 1 and paper is 0: a digit is dark on white.
"""

from vae_course.plotting.charts import bars, dots, lines, score_histograms
from vae_course.plotting.figure import COLOURS, AltFigure, figure
from vae_course.plotting.history import curves
from vae_course.plotting.images import image_grid, manifold, pairs, walks
from vae_course.plotting.latent import CLASS_COLOURS, latent_scatter
from vae_course.plotting.summaries import summary

__all__ = [
    "CLASS_COLOURS",
    "COLOURS",
    "AltFigure",
    "bars",
    "curves",
    "dots",
    "figure",
    "image_grid",
    "latent_scatter",
    "lines",
    "manifold",
    "pairs",
    "score_histograms",
    "summary",
    "walks",
]
